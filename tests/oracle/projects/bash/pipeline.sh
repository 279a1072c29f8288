#!/bin/bash
# What shell scripts do to files.
set -euo pipefail
. ./settings.env
mkdir -p out work

cat logs/day-*.log | awk '$4 == 200 {n[$3]++; b[$3] += $5} END {for (p in n) print p, n[p], b[p]}' | sort -k2,2nr -k1,1 > work/pages.txt
head -n "$TOP" work/pages.txt | sed 's/^/top /' | tee out/top.txt
awk '{print $1 > "work/by-" $4 ".txt"}' logs/day-0.log
sort -u work/by-200.txt work/by-404.txt -o out/hosts.txt

cp logs/day-1.log work/copy.log
cp -r logs work/all
mv work/copy.log out/moved.log
mv work/all out/all
sed -i 's/GET/get/' out/moved.log
ln -s moved.log out/soft.log
ln out/top.txt out/hard.txt
find out/all -name '*.log' -print0 | sort -z | xargs -0 wc -l
find logs -name 'day-*.log' | sort | xargs -n 2 md5sum > out/sums.txt
split -n l/3 logs/day-2.log out/piece-

tar --sort=name --mtime=@0 --owner=0 --group=0 -cf work/logs.tar logs
gzip -n -9 -c work/logs.tar > out/logs.tar.gz
gzip -n work/logs.tar
mkdir work/unpacked
tar -xzf out/logs.tar.gz -C work/unpacked
diff -r logs work/unpacked/logs && echo same

(cd out && env -i cat top.txt | tr a-z A-Z > upper.txt)
exec 3< logs/day-3.log
read -r first <&3
echo "$first" >> out/first.txt
while read -r line; do echo "${line%% *}"; done <<< "$first" >> out/first.txt
[ -e missing.txt ] || cat missing.txt 2>&1 || true
cut -d' ' -f1 logs/day-3.log | uniq -c | sort | tail -n 1 | dd of=out/last.txt status=none
rm -r work/unpacked work/by-404.txt
exit 3
