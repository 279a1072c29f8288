"""The oracle itself: the parser on lines as strace writes them."""

import pytest

from .strace import Call, End, Malformed, descriptor, parse, split, string, unescape


def calls(text: str) -> list:
    return list(parse(line.encode() + b"\n" for line in text.strip().splitlines()))


def test_an_open_names_folder_and_file() -> None:
    (call,) = calls(r'7 openat(AT_FDCWD</p>, "a b", O_RDONLY|O_CLOEXEC) = 3</p/a b>')
    assert call == Call(7, "openat", (b"AT_FDCWD</p>", b'"a b"', b"O_RDONLY|O_CLOEXEC"), 3, b"/p/a b")
    assert descriptor(call.args[0]) == b"/p" and string(call.args[1]) == b"a b"


def test_names_are_unescaped() -> None:
    (call,) = calls(r'7 openat(AT_FDCWD</p>, "x>\303\251\"\n\\,)", O_RDONLY) = 4</p/x\76\303\251"\n\\,)>')
    assert string(call.args[1]) == call.path.removeprefix(b"/p/") == 'x>é"\n\\,)'.encode()
    assert unescape(rb"\0011\x41\t") == b"\x011A\t"


def test_a_deleted_file_is_told() -> None:
    (call,) = calls('7 openat(AT_FDCWD</>, "/proc/self/fd/3", O_RDONLY) = 4</p/a>(deleted)')
    assert call.deleted and call.path == b"/p/a"


def test_failure_and_no_return() -> None:
    failed, never = calls(
        """
        7 open("/x", O_RDONLY) = -1 ENOENT (No such file or directory)
        7 execve("/x", ["x"], 0x7ffd /* 35 vars */) = ?
        """.replace("        ", "")
    )
    assert failed.failed and failed.errno == "ENOENT"
    assert never.failed and never.result is None


def test_two_halves_become_one_call_in_the_order_of_their_ends() -> None:
    assert [(call.pid, call.name, call.result) for call in calls(
        """
7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>
8 openat(AT_FDCWD</p>, "a", O_RDONLY <unfinished ...>
7 <... clone resumed>, child_tidptr=0x7f) = 8
8 <... openat resumed>) = 3</p/a>
"""
    )] == [(7, "clone", 8), (8, "openat", 3)]  # fmt: skip


def test_an_exec_in_a_thread_takes_the_id_of_its_process() -> None:
    assert calls(
        """
9 execve("/bin/true", ["true"], 0x7f /* 2 vars */ <unfinished ...>
7 +++ superseded by execve in pid 9 +++
7 <... execve resumed>) = 0
7 +++ exited with 0 +++
"""
    ) == [End(9), Call(7, "execve", (b'"/bin/true"', b'["true"]', b"0x7f /* 2 vars */"), 0), End(7)]


def test_signals_and_ends() -> None:
    assert calls("7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---\n7 +++ killed by SIGKILL +++") == [End(7)]


def test_nested_arguments_are_not_torn() -> None:
    args, tail = split(rb'{flags=O_RDONLY, mode=0}, ["a, b", ")"], 3</p/,)>, 0x1 /* a, ) */) = 0')
    assert args == [b"{flags=O_RDONLY, mode=0}", b'["a, b", ")"]', b"3</p/,)>", b"0x1 /* a, ) */"] and tail == b" = 0"


@pytest.mark.parametrize("line", ["openat(", '7 openat(AT_FDCWD, "x', '7 openat(AT_FDCWD, "x")', "7 close(3) = what"])
def test_what_is_not_strace_is_refused(line: str) -> None:
    with pytest.raises(Malformed):
        calls(line)


def test_a_cut_name_is_refused() -> None:
    with pytest.raises(Malformed):
        string(b'"aaaa"...')
