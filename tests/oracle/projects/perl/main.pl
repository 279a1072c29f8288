# Reads, counts, sorts, changes in place, globs, and starts another Perl.
use strict;
use warnings;
use File::Copy;
use File::Temp qw(tempfile);
use FindBin;
use lib "$FindBin::Bin/lib";
use Count;

my %count = Count::words($ARGV[0]);
mkdir 'out' or die $!;
open(my $out, '>', 'out/counts.txt') or die $!;
printf $out "%s %d\n", $_, $count{$_} for sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
close $out;
copy($ARGV[0], 'out/copy.txt') or die $!;
move('out/copy.txt', 'out/moved.txt') or die $!;
{
    local ($^I, @ARGV) = ('.bak', 'out/moved.txt');
    while (<>) { s/lorem/LOREM/g; print; }
}
my ($temporary, $name) = tempfile(DIR => 'out');
print $temporary "replaced\n";
close $temporary;
rename $name, 'out/atomic.txt' or die $!;
open(my $both, '+<', 'state.txt') or die $!;
my $n = <$both>;
seek $both, 0, 0;
print $both $n + 1, "\n";
close $both;
print join(' ', sort glob('out/*.txt')), "\n";
system($^X, '-ne', 'print if /LOREM/; END { print STDERR "$.\n" }', 'out/moved.txt') == 0 or die;
exec 'sort', '-o', 'out/sorted.txt', 'out/counts.txt';
