"""Writing a file in one step: a reader sees the old one or the whole new one, never half of it.

Enters: a path and bytes.  Leaves: the file. The bytes go into a file beside it first, whose name
is like no other process's, then that takes its place.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ragteach.errors import refuse

PROBE = 4096  # bytes: the least that takes room on every disk


def write(path: str | os.PathLike, data: bytes) -> Path:
    """Put ``data`` at ``path``: whole, or not at all, whoever else writes there at the same time.

    Returns:
        The path, with links followed.

    Raises:
        OSError: no room, no right to write, or no such folder. What was there before is still
            there.

    Example:
        >>> import tempfile
        >>> path = write(Path(tempfile.mkdtemp()) / "note.txt", b"whole")
        >>> path.read_bytes()
        b'whole'
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():  # a device or a pipe is never replaced by a file
        with open(path, "wb") as device:
            device.write(data)
        return path
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    if os.name == "posix":  # the new name must reach the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return path


def put(path: str | os.PathLike, data: bytes, what: str = "path") -> Path:
    """`write` where a person said: what goes wrong is refused in three parts.

    Args:
        what: the name of the argument, for the message.
    """
    try:
        return write(path, data)
    except (OSError, ValueError) as error:  # a NUL inside is no name
        raise _no_place(what, path, error) from None


def check_place(path: str | os.PathLike, what: str = "path") -> None:
    """Refuse a path that `put` could not write to, before any work is done for it."""
    try:
        place = Path(os.path.realpath(path))
        if place.exists() and not place.is_dir() and not place.is_file():
            return  # a device or a pipe
        if place.is_dir():
            raise IsADirectoryError(21, os.strerror(21))
        _try_out(place.parent)
    except (OSError, ValueError) as error:  # a NUL inside is no name
        raise _no_place(what, path, error) from None


def make_folder(
    path: Path,
    what: str = "out (--out)",
    use: str = "write to",
    more: str = "",
) -> Path:
    """Make a folder and those above it, where a person said; refuse a place where there can be
    none, or none that a file can be written to, before any work is done for it.

    Args:
        what: the name of the argument, for the message. use: what the folder is for. more: added to
            the cure.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        _try_out(path)
    except (OSError, ValueError) as error:  # a NUL inside is no name
        raise refuse(
            expected=f"{what} to be a folder to {use}",
            got=f"{path}: {getattr(error, 'strerror', None) or error}",
            fix=f"choose another folder, or make room in this one{more}",
        ) from None
    return path


def own_cache() -> Path:
    """Where what was fetched or computed once is kept: the variable RAGTEACH_CACHE names it, else
    it is the cache folder of your system. Nothing is made here.
    """
    import pooch  # when it is asked for: most programs never do

    return Path(os.environ.get("RAGTEACH_CACHE") or pooch.os_cache("ragteach"))


def _try_out(folder: Path) -> None:
    """Write a small file into a folder, and take it away: no right or no room is found now."""
    beside = folder / f".writable.{os.getpid()}.{secrets.token_hex(4)}"
    write(beside, bytes(PROBE)).unlink(missing_ok=True)


def _no_place(what: str, path: str | os.PathLike, error: OSError | ValueError) -> Exception:
    return refuse(
        expected=f"{what} to name a file that can be written",
        got=f"{path}: {getattr(error, 'strerror', None) or error}",
        fix="choose another folder, make it first, or make room in it",
    )
