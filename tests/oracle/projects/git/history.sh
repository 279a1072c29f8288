# A repository's life: commits, branches, a merge, a tag, a repack, a clone, an archive.
set -e
export GIT_CONFIG_GLOBAL=/dev/null
git -c init.defaultBranch=main init -q repo
cd repo
cp ../a.txt ../b.txt .
git add . && git commit -q -m first
git checkout -q -b side
sed -i 's/one/ONE/' a.txt
git commit -q -a -m side
git checkout -q main
echo more >> b.txt
git commit -q -a -m main
git merge -q -m merge side
git tag v1
git mv a.txt renamed.txt && git commit -q -m rename
git rm -q b.txt && git commit -q -m remove
git gc -q
git log --oneline --stat
git archive --format=tar HEAD > ../snapshot.tar
git stash list
git diff v1 --stat
cd ..
git clone -q repo copy
git -C copy log -1 --format=%H
git -C repo fsck
