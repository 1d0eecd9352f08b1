"""What a process and all that it started take of the memory, seen through an open /proc.

Enters: a directory handle of /proc, opened before the watcher enters namespaces of its own. Leaves:
bytes; and the end of a student's processes that take too much together. The limit that Linux sets
on one process holds for each of them: thirty-two would take thirty-two times as much.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import time

EVERY = 0.05  # seconds between two looks
OWN_PAGES = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)


def of(proc: int, pid: int) -> int:
    """Bytes of a process that are not read from files; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return 1024 * sum(map(int, OWN_PAGES.findall(_read(proc, f"{pid}/status"))))
    return 0


def let_go() -> None:
    """Hand back to the system what this process has freed and keeps for itself.

    Else a child of a program that was large once takes that again, and nothing shows it.
    """
    with contextlib.suppress(AttributeError, OSError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)


def family(proc: int, pid: int) -> list[int]:
    """A process and everything it started, as far as it was not handed on to another parent."""
    found = [pid]
    for one in found:  # grows while we go
        with contextlib.suppress(OSError):
            for thread in _threads(proc, one):
                found += map(int, _read(proc, f"{one}/task/{thread}/children").split())
    return found


def watch(proc: int, pid: int, own: int, most: int) -> None:
    """Wait for a child's end, and bring it about if its family takes ``most`` bytes.

    Each of them starts with ``own`` bytes, which it shares with its parent: they are not counted.
    What the child lets go of them is no longer shared, and counts if it is taken again.
    """
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        own = min(own, of(proc, pid) or own)
        everyone = family(proc, pid)
        taken = sum(max(of(proc, one) - own, 0) for one in everyone)
        if taken > most:
            for one in everyone:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(one, signal.SIGKILL)
        time.sleep(EVERY)


def _threads(proc: int, pid: int) -> list[str]:
    folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)


def _read(proc: int, path: str) -> bytes:
    file = os.open(path, os.O_RDONLY, dir_fd=proc)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)
