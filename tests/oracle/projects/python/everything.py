"""Every way in which Python's standard library touches files."""

import argparse
import csv
import ctypes
import json
import mmap
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import helper.inner
from helper import settings

parser = argparse.ArgumentParser()
parser.add_argument("--size", type=int, default=1)
size = parser.parse_args().size

out = Path("out")
out.mkdir()

text = Path("data/text.txt").read_text()
with open("data/table.csv", newline="") as table:
    rows = list(csv.reader(table))
print(len(text), len(rows), helper.inner.NAME, settings("settings.json"))

# Written, and by other means than open().
(out / "plain.txt").write_text(text.upper() * size)
fd = os.open(out / "raw.bin", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
os.write(fd, b"\0" * 10_000)
os.close(fd)
with open(out / "mapped.bin", "wb+") as file:
    file.truncate(8192)
    with mmap.mmap(file.fileno(), 8192) as memory:
        memory[100:105] = b"hello"
with zipfile.ZipFile(out / "all.zip", "w") as archive:
    archive.writestr(zipfile.ZipInfo("text.txt"), text)
with zipfile.ZipFile(out / "all.zip") as archive:
    archive.extractall(out / "unpacked")
with open(out / "rows.pickle", "wb") as file:
    pickle.dump(rows, file)

# Atomic replacement.
with tempfile.NamedTemporaryFile("w", dir=out, delete=False) as file:
    json.dump({"rows": len(rows)}, file)
os.chmod(file.name, 0o644)
os.replace(file.name, out / "atomic.json")

# Changed in place, appended to, cut.
with open("data/log.txt", "a") as log:
    log.write("another line\n")
with open("data/counter.bin", "r+b") as counter:
    value = int.from_bytes(counter.read(4), "big")
    counter.seek(0)
    counter.write((value + 1).to_bytes(4, "big"))
os.truncate("data/long.txt", 10)

# Copied, moved, linked, listed, removed.
shutil.copy("data/text.txt", out / "copied.txt")
shutil.copytree("data/tree", out / "tree")
with open("data/text.txt", "rb") as source, open(out / "sent.txt", "wb") as target:
    os.sendfile(target.fileno(), source.fileno(), 0, len(text))
with open("data/text.txt", "rb") as source, open(out / "ranged.txt", "wb") as target:
    os.copy_file_range(source.fileno(), target.fileno(), len(text))
(out / "moving").mkdir()
(out / "moving" / "inside.txt").write_text("moved with its folder\n")
os.rename(out / "moving", out / "moved")
os.link(out / "plain.txt", out / "hard.txt")
os.symlink("plain.txt", out / "soft.txt")
print((out / "soft.txt").read_text() == (out / "hard.txt").read_text())
print(sorted(entry.name for entry in os.scandir("data/tree")))
(out / "passing.txt").write_text("soon gone")
(out / "passing.txt").unlink()
with tempfile.TemporaryFile() as file:
    file.write(b"no name")

# Relative to a folder's descriptor, and from another folder.
folder = os.open("data/tree", os.O_RDONLY)
fd = os.open("two.txt", os.O_RDONLY, dir_fd=folder)
print(os.read(fd, 100))
os.close(fd)
here = os.getcwd()
os.chdir("data")
print(open("../data/tree/one.txt").read().strip(), open("./tree/../tree/b\u00e9ta.txt").read().strip())
os.chdir(here)
with open(b"out/not-utf8-\xff.txt", "w") as file:
    file.write("a name that is not UTF-8\n")

# By libc itself, and by other processes.
libc = ctypes.CDLL(None, use_errno=True)
libc.fopen.restype = ctypes.c_void_p
stream = libc.fopen(b"data/by_libc.txt", b"r")
libc.fclose(ctypes.c_void_p(stream))
stream = libc.fopen(b"out/by_libc.txt", b"w")
libc.fputs(b"from C\n", ctypes.c_void_p(stream))
libc.fclose(ctypes.c_void_p(stream))
subprocess.run(["cp", "data/text.txt", "out/by_cp.txt"], check=True)
subprocess.run(["/bin/cp", "data/text.txt", "out/by_cp_env.txt"], check=True, env={})
subprocess.run("cat data/tree/*.txt > out/by_shell.txt", shell=True, check=True)
print(os.popen("wc -c < data/text.txt").read().strip())
pid = os.posix_spawn(sys.executable, [sys.executable, "-I", "-c", "open('out/spawned.txt', 'w').write('spawned')"], dict(os.environ))
os.waitpid(pid, 0)
if (pid := os.fork()) == 0:
    (out / "forked.txt").write_text("forked")
    os._exit(0)
os.waitpid(pid, 0)
try:
    open("data/not-there.txt")
except FileNotFoundError as error:
    print(error.strerror, file=sys.stderr)
sys.exit(5)
