package Count;
use strict;
use warnings;

sub words {
    my ($path) = @_;
    my %count;
    open(my $in, '<', $path) or die "$path: $!";
    while (my $line = <$in>) { $count{$_}++ for split ' ', $line }
    return %count;
}

1;
