"""Writing a file in one step: a reader sees the old one or the whole new one, never half of it.

Enters: a path and bytes.  Leaves: the file. The bytes go into a file beside it first, whose name
is like no other process's, then that takes its place.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


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
