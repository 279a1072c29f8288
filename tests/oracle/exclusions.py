"""What the comparison leaves out, each with its reason. The one list: nothing else is forgiven but what Keizu itself names as not seen.

A path below is not *asked* of Keizu. If Keizu reports it all the same it must have been opened, as everything else.
"""

import re

EXCLUSIONS: list[tuple[str, str]] = [
    (r"/(proc|sys)(/|$)", "made by the kernel at the moment of reading; no content to identify"),
    (r"/dev(/|$)", "devices and, in /dev/shm, memory shared between processes (shm_open, sem_open): no file outlives the run"),
    (r"/memfd:", "memory with a descriptor, without a name"),
    (r"/etc/ld\.so\.(cache|preload)$", "opened by the dynamic loader for itself, before and beside the program"),
    (r"/usr/lib/locale/", "opened by libc inside setlocale"),
    (r"/(usr/share/locale|etc/locale\.alias)", "message catalogues and aliases, opened by libc inside setlocale and gettext"),
    (r"/usr/lib/.*/gconv/", "character set converters, opened by libc inside iconv and setlocale"),
    (r"/etc/(nsswitch\.conf|passwd|group|shadow|hosts|host\.conf|resolv\.conf|gai\.conf|services|protocols)$", "name service, opened by libc inside getpwuid, getaddrinfo and others"),
    (r"/usr/lib/.*/libnss_[^/]*\.so", "name service modules, loaded by libc for the same"),
    (r"/usr/share/zoneinfo/|/etc/(localtime|timezone)$", "time zones, opened by libc inside tzset"),
    (r".*/\.keizu(/|$)", "Keizu's own record, and the arena and shim in it"),
]

FOLDED: list[tuple[str, str]] = [
    (r".*/home/\.[^/]+/", "what programs keep for themselves below hidden folders of the home folder; the run's account counts them"),
]
"""Asked for when read, not when written: Keizu folds these by a rule of its own."""

_COMPILED = [(re.compile(pattern.encode()), reason) for pattern, reason in EXCLUSIONS]


_FOLDED = re.compile("|".join(pattern for pattern, _ in FOLDED).encode())


def folded(path: bytes) -> bool:
    """Whether a write to `path` is folded away by design."""
    return bool(_FOLDED.match(path))


def excluded(path: bytes) -> str | None:
    """Why `path` (absolute) is not asked for; None when it is."""
    if not path.startswith(b"/"):
        return "a pipe or a socket"
    return next((reason for pattern, reason in _COMPILED if pattern.match(path)), None)
