"""What was handed in: notebooks and progress files, one student each, read with suspicion.

Enters: a folder.  Leaves: a `Submission` for each student, with the cells' code and the progress
file as data. Nothing is run here, and nothing is believed: a file may be a link out of the folder,
no JSON, no notebook, or very large. What cannot be read is said in ``notes``; the rest is read.

    submissions/ada.ipynb, submissions/ada.json         a student's files, or
    submissions/ada/01_why_share.ipynb, ada/my_progress.json    a student's folder
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ragteach.errors import refuse

MAX_BYTES = 64_000_000  # of a file; the outputs that a notebook kept count, though none is read
MAX_FILES = 40  # of one student
ENDINGS = (".ipynb", ".json")


@dataclass
class Submission:
    """Everything one student handed in.

    Attributes:
        student: the name of the file or folder.
        cells: the code of each code cell, notebook by notebook, in order.
        progress: the merged progress files, sections of `record`.
        notes: what could not be read, in words.
    """

    student: str
    cells: list[str] = field(default_factory=list)
    progress: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find(folder: Path) -> dict[str, list[Path]]:
    """{student: files} in a folder, in the order of names."""
    if not folder.is_dir():
        raise refuse(
            expected="a folder of submissions: NAME.ipynb, NAME.json, or a folder for each student",
            got=f"{folder} is not a folder",
            fix="name the folder that holds what the students handed in",
        )
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if _is_nobodys(entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            found.setdefault(_student(entry.name), []).extend(sorted(_inside(entry)))
        elif _is_read(entry.name):
            found.setdefault(_student(entry.stem), []).append(entry)
    if not found:
        raise refuse(
            expected="at least one notebook (.ipynb) or progress file (.json)",
            got=f"none in {folder}",
            fix="put NAME.ipynb, NAME.json or a folder for each student there",
        )
    return found


def _student(name: str) -> str:
    """A name in one spelling: macOS writes an accent as a sign of its own, other systems do not."""
    return unicodedata.normalize("NFC", name)


def left_out(folder: Path) -> list[str]:
    """What lies in a folder and belongs to no student: archives, texts, links to folders."""
    found = []
    for entry in sorted(folder.iterdir()):
        read = _is_read(entry.name) or (entry.is_dir() and not entry.is_symlink())
        if not read and not _is_nobodys(entry.name):
            found.append(entry.name)
    return found


def _is_read(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _is_nobodys(name: str) -> bool:
    """What systems and Jupyter lay beside a file: .DS_Store, ._ada.ipynb, checkpoints."""
    return name.startswith(".") or name == "__MACOSX"


def _inside(folder: Path) -> list[Path]:
    """A student's files, links to folders not followed."""
    found = []
    for where, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not _is_nobodys(name)]
        names = [name for name in names if _is_read(name) and not _is_nobodys(name)]
        found += [Path(where) / name for name in names]
    return found


def read(student: str, files: list[Path], root: Path) -> Submission:
    """A student's files as one `Submission`; what is wrong with one of them is a note."""
    submission = Submission(student)
    if not files:
        submission.notes.append(
            "the folder holds no notebook (.ipynb) and no progress file (.json)"
        )
    if len(files) > MAX_FILES:
        submission.notes.append(f"{len(files)} files; only the first {MAX_FILES} were read")
    for path in files[:MAX_FILES]:
        try:
            with _opened(path, root) as file:
                _take(submission, file.read(MAX_BYTES + 1))
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            submission.notes.append(f"{path.name}: {error or 'too large to be read'}"[:300])
    return submission


def digest_of(files: list[Path], root: Path) -> str:
    """A number for all bytes of a student's files, so that what was graded already is known.

    Nothing of what was read stays in memory: other students' code runs in copies of this process.
    """
    digest = hashlib.sha256()
    buffer = bytearray(1 << 16)
    for path in files[:MAX_FILES]:
        digest.update(os.fsencode(path.name) + b"\0")
        try:
            with _opened(path, root) as file:
                while n := file.readinto(buffer):
                    digest.update(memoryview(buffer)[:n])
        except (OSError, ValueError) as error:
            digest.update(os.fsencode(str(error)))
        digest.update(b"\0")
    buffer[:] = bytes(len(buffer))
    return digest.hexdigest()


@contextlib.contextmanager
def _opened(path: Path, root: Path) -> Iterator[io.FileIO]:
    """A regular file that lies in ``root``, links included."""
    real = Path(os.path.realpath(path))  # a link that leads to itself is no error here
    if not real.is_relative_to(root.resolve()):
        raise ValueError("is a link that leads out of the folder; it was not read")
    handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with io.FileIO(handle) as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("is not a regular file; it was not read")
        if about.st_size > MAX_BYTES:
            raise ValueError(f"has {about.st_size:,} bytes, more than {MAX_BYTES:,}; not read")
        yield file


def _take(submission: Submission, content: bytes) -> None:
    try:
        whole = json.loads(content)  # UTF-8, UTF-16 or UTF-32, as Windows may write it
    except (ValueError, RecursionError):
        raise ValueError("is no JSON; it was not read") from None
    if not isinstance(whole, dict):
        raise ValueError("holds no notebook and no progress; it was not read")
    if "cells" in whole or "worksheets" in whole:
        submission.cells += cells_of(whole)
        return
    for section, entries in whole.items():
        if isinstance(entries, dict):
            submission.progress.setdefault(str(section), {}).update(entries)


def cells_of(notebook: dict) -> list[str]:
    """The code of the code cells, whatever else the file holds (metadata are not looked at)."""
    cells = notebook.get("cells")
    if cells is None:  # nbformat 3
        sheets = [sheet for sheet in _list(notebook.get("worksheets")) if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    found = []
    for cell in _list(cells):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list):
            source = "".join(str(line) for line in source)
        found.append(str(source))
    return found


def _list(said: object) -> list:
    return said if isinstance(said, list) else []


def printable(text: str) -> str:
    """Words in one line, as any terminal and any table can show them."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def file_name(student: str) -> str:
    """A name for a file that no other student's has, whatever letters it holds."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:60]
    if plain == student:
        return plain
    return f"{plain}-{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
