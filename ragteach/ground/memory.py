"""Does it fit? An estimate before anything is allocated.

Enters: what is to be made, and how many bytes it takes.  Leaves: nothing, or a refusal with
    numbers.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragteach.errors import refuse

_own = threading.local()  # whose ``room`` is the share of this process, if it is one of several


@contextmanager
def at_most(room: int | None) -> Iterator[None]:
    """Take no more than so many bytes for a while: one process of several gets its share only.

    Example:
        >>> with at_most(1000):
        ...     print(free_memory())
        1000
    """
    before = getattr(_own, "room", None)
    _own.room = room
    try:
        yield
    finally:
        _own.room = before


def free_memory() -> int | None:
    """Bytes this process may still take; None on systems that do not tell.

    The least of what Linux says is free, a container's limit, a limit of the process itself
    (``ulimit -v``), and its share if it is one of several (`at_most`).
    """
    rooms = [_free_here(), _free_of_limit(), getattr(_own, "room", None)]
    return min((room for room in rooms if room is not None), default=None)


def _free_of_limit() -> int | None:
    """What a limit on this process leaves; None if there is none."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError):  # Windows, macOS
        return None
    if limit == resource.RLIM_INFINITY:
        return None
    return max(0, limit - pages * resource.getpagesize())


def _free_here() -> int | None:
    """What the machine has left, or the container."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        return None
    try:
        limit, used = (Path(f"/sys/fs/cgroup/memory.{n}").read_text() for n in ("max", "current"))
        return min(free, int(limit) - int(used))
    except (OSError, ValueError):  # no container, or none with a limit
        return free


def how_many_fit(each: float, most: int) -> int:
    """How many things of so many bytes fit side by side into half of what is free: 1 to
    ``most``.
    """
    free = free_memory()
    return most if free is None else max(1, min(most, int(free / 2 / max(each, 1))))


def fits_memory(what: str, needed: float, fix: str) -> None:
    """Refuse what needs more bytes than are free, before anything is allocated."""
    free = free_memory()
    needed = float(min(needed, sys.float_info.max))  # a whole number may be larger
    if free is not None and needed > free:
        share = free / needed
        part = f"take {share:.0%} of it at most, or " if share >= 0.01 else ""
        shared = getattr(_own, "room", None) == free
        raise refuse(
            expected=f"{what}, to fit into memory",
            got=f"it needs {_gigabytes(needed)} GB, {_gigabytes(free)} GB are free"
            + " for each of the processes" * shared,
            fix=part + fix + "; or use fewer processes (n_jobs=1, --jobs 1)" * shared,
        )


def fits_training(model: Any) -> None:
    """Refuse to train a model on the CPU whose weights, with their gradients, W_t and a copy to go
    back to, are more than is free.
    """
    if model.shared.device.type != "cpu":
        return
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    fix = "fewer features, or adapter='low_rank'"
    fits_memory(f"training {size / 1e9:.1f} GB of weights", 3 * size, fix)


def _gigabytes(n_bytes: float) -> str:
    """A tenth is enough, and a row of three hundred digits says nothing.

    Example:
        >>> _gigabytes(17_200_000_000), _gigabytes(1e300)
        ('17.2', '1e+291')
    """
    return f"{n_bytes / 1e9:.1f}" if n_bytes < 1e15 else f"{n_bytes / 1e9:.3g}"
