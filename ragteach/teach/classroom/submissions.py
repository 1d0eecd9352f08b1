"""What was handed in: notebooks and progress files, one student each, read with suspicion.

Enters: a folder.  Leaves: a `Submission` for each student, with the cells' code and the progress
file as data. Nothing is run here, and nothing is believed: a file may be a link out of the folder,
no JSON, no notebook, or very large. What cannot be read is said in ``notes``; the rest is read.

    submissions/ada.ipynb, submissions/ada.json         a student's files, or
    submissions/ada/01_why_share.ipynb, ada/my_progress.json    a student's folder
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ragteach.errors import refuse

MAX_BYTES = 20_000_000
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
        digest: of all bytes, so that what was graded already is known.
    """

    student: str
    cells: list[str] = field(default_factory=list)
    progress: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    digest: str = ""


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
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            files = sorted(_inside(entry))
            found.setdefault(entry.name, []).extend(files[:MAX_FILES])
        elif entry.suffix in ENDINGS:
            found.setdefault(entry.stem, []).append(entry)
    if not found:
        raise refuse(
            expected="at least one notebook (.ipynb) or progress file (.json)",
            got=f"none in {folder}",
            fix="put NAME.ipynb, NAME.json or a folder for each student there",
        )
    return found


def left_out(folder: Path) -> list[str]:
    """What lies in a folder and belongs to no student: archives, texts, links to folders."""
    found = []
    for entry in sorted(folder.iterdir()):
        read = entry.suffix in ENDINGS or (entry.is_dir() and not entry.is_symlink())
        if not read and not entry.name.startswith("."):
            found.append(entry.name)
    return found


def _inside(folder: Path) -> list[Path]:
    """A student's files, links to folders not followed."""
    found = []
    for where, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(where) / name for name in names if name.endswith(ENDINGS)]
    return found


def read(student: str, files: list[Path], root: Path) -> Submission:
    """A student's files as one `Submission`; what is wrong with one of them is a note."""
    submission = Submission(student)
    digest = hashlib.sha256()
    for path in files:
        try:
            content = _bytes_of(path, root)
            digest.update(path.name.encode() + b"\0" + content + b"\0")
            _take(submission, path, content)
        except (OSError, ValueError, RecursionError) as error:
            submission.notes.append(f"{path.name}: {error}"[:300])
            digest.update(submission.notes[-1].encode())
    submission.digest = digest.hexdigest()
    return submission


def _bytes_of(path: Path, root: Path) -> bytes:
    """The bytes of a regular file that lies in ``root``, links included."""
    real = Path(os.path.realpath(path))  # a link that leads to itself is no error here
    if not real.is_relative_to(root.resolve()):
        raise ValueError("is a link that leads out of the folder; it was not read")
    handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("is not a regular file; it was not read")
        if about.st_size > MAX_BYTES:
            raise ValueError(f"has {about.st_size:,} bytes, more than {MAX_BYTES:,}; not read")
        return file.read(MAX_BYTES + 1)


def _take(submission: Submission, path: Path, content: bytes) -> None:
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


def file_name(student: str) -> str:
    """A name for a file that no other student's has, whatever letters it holds."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:60]
    if plain == student:
        return plain
    return f"{plain}-{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
