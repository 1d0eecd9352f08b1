"""Does it fit? An estimate before anything is allocated.

Enters: what is to be made, and how many bytes it takes.  Leaves: nothing, or a refusal with
    numbers.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ragteach.errors import refuse


def free_memory() -> int | None:
    """Bytes this process may still take, as Linux tells (a container's limit counts); else None."""
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
        raise refuse(
            expected=f"{what}, to fit into memory",
            got=f"it needs {_gigabytes(needed)} GB, {_gigabytes(free)} GB are free",
            fix=part + fix,
        )


def _gigabytes(n_bytes: float) -> str:
    """A tenth is enough, and a row of three hundred digits says nothing.

    Example:
        >>> _gigabytes(17_200_000_000), _gigabytes(1e300)
        ('17.2', '1e+291')
    """
    return f"{n_bytes / 1e9:.1f}" if n_bytes < 1e15 else f"{n_bytes / 1e9:.3g}"
