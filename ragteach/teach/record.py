"""What a learner did, in one small file beside the notebook: answers, predictions, words, ticks.

Enters: a section of `SECTIONS`, a key and a value.  Leaves:
``my_progress.json`` in the folder of the notebook (the environment variable RAGTEACH_HOME names
another folder), and nowhere else: nothing leaves your machine. Keys are numbers of exercises and
names of questions, never cells, so editing, copying or deleting cells loses nothing.

A folder that cannot be written costs no lesson: then what you did lasts as long as the session.
A damaged file is said, and put aside as ``my_progress.json.damaged``, not written over. Two
notebooks
may keep at once: a lock beside the file makes them take turns, and the file is exchanged whole.
"""

from __future__ import annotations

import contextlib
import html
import json
import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ragteach.errors import shown
from ragteach.ground.arguments import yes_no
from ragteach.ground.objects import has, printed, readable
from ragteach.ground.telling import tell
from ragteach.ground.writing import write

NAME = "my_progress.json"
OLD = Path.home() / ".ragteach" / "predictions.json"  # where predictions were kept before

SECTIONS = {
    "class": "the world you are in",
    "checks": "exercises: state, tries, what you answered last, misconceptions met",
    "predictions": "what you guessed before the reveal",
    "outcomes": "what came out beside it",
    "written": "your own words, and the rubric's lines you ticked",
}
DEEPEST = 20  # lists in lists
LONGEST = 4000  # characters of one answer as text

_session: dict[str, dict] = {}  # what this session did, whether or not the file can be written


def place() -> Path:
    """The file: in the folder that RAGTEACH_HOME names, else in the current one."""
    return Path(os.environ.get("RAGTEACH_HOME") or Path.cwd()) / NAME


def kept(section: str) -> dict:
    """What is kept in a section: the file's entries, then this session's."""
    stored = _read().get(section, {})
    return {**(stored if isinstance(stored, dict) else {}), **_session.get(section, {})}


def keep(section: str, key: str, value: object) -> None:
    """Keep one entry; the rest of the file stays as it is."""
    _session.setdefault(section, {})[key] = value
    with _turn():
        _put_aside_if_damaged()
        everything = _read()
        entries = everything.get(section)
        everything[section] = {**(entries if isinstance(entries, dict) else {}), key: value}
        _write({"version": 1, **everything})


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Other kernels wait: what two of them keep at one moment is both kept."""
    try:
        import fcntl

        place().parent.mkdir(parents=True, exist_ok=True)
        lock = open(place().with_name(f".{NAME}.lock"), "w")
    except (ImportError, OSError, RuntimeError):  # Windows; a folder that cannot be written
        yield
        return
    with lock, contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget() -> None:
    """Delete the file, its lock and its damaged forerunner, and what this session remembers."""
    _session.clear()
    for name in (NAME, f".{NAME}.lock", f"{NAME}.damaged"):
        with contextlib.suppress(OSError):
            place().with_name(name).unlink()


class Progress(dict):
    """What is kept, section by section; a notebook draws it as tables."""

    def __repr__(self) -> str:
        if not self:
            return "Nothing is kept yet."
        lines = [f"Kept in {place()}, and nowhere else; rt.progress(delete=True) deletes it."]
        for section, entries in self.items():
            lines += ["", f"{section} ({SECTIONS[section]})"]
            lines += [f"  {key}: {_told(section, value)}" for key, value in sorted(entries.items())]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        page = f"<pre style='white-space:pre-wrap'>{html.escape(repr(self))}</pre>"
        return {"text/plain": repr(self), "text/html": page}


def _told(section: str, value: object) -> str:
    if section == "checks" and isinstance(value, dict):
        met = [f"\n      met: {message}" for message in value.get("met", [])]
        tries = value.get("tries")
        told = f"{value.get('status')} after {tries} {'try' if tries == 1 else 'tries'}"
        if value.get("passed") and value.get("status") != "PASS":
            told = f"PASS once, {told}: the last answer is another one"
        return f"{told}{''.join(met)}"
    if section == "written" and isinstance(value, dict):
        return f"{str(value.get('text', ''))[:200]!r}, ticked {value.get('ticks')}"
    return printed(value)[:200]


def progress(delete: bool = False) -> Progress:
    """Show what you did, as it is kept in ``my_progress.json`` beside the notebook; or delete it.

    Answers, results, misconceptions met, predictions, your own words with the ticks, and the id of
    your world: nothing else, and nothing personal unless you typed it. Hand the file in together
    with the notebook if your teacher asks for it.

    Args:
        delete: delete the file, and what this session remembers.

    Returns:
        `Progress`, a dict of the sections.

    Example::

        rt.progress()               # what is kept, section by section
        rt.progress(delete=True)    # Nothing is kept yet.
    """
    yes_no("delete", delete)
    if delete:
        forget()
    found = {section: kept(section) for section in SECTIONS}
    whole = Progress({section: entries for section, entries in found.items() if entries})
    return tell(whole, at_the_end=False)


def as_data(thing: Any, depth: int = 0) -> Any:
    """An answer as JSON can hold it: numbers and words; a function by its source; what cannot be
    read, or goes deeper than `DEEPEST`, by its kind.
    """
    import inspect

    if depth > DEEPEST:
        return f"a {type(thing).__name__} inside others"
    if isinstance(thing, bool | int | str) or thing is None:
        return thing[:LONGEST] if isinstance(thing, str) else thing
    if callable(thing):
        try:
            return {"source": inspect.getsource(thing)[:LONGEST]}
        except (OSError, TypeError):
            return {"source": shown(thing)}
    if isinstance(thing, dict):
        pairs = list(thing.items())[:200]
        return {printed(key): as_data(value, depth + 1) for key, value in pairs}
    if isinstance(thing, list | tuple):
        return [as_data(value, depth + 1) for value in thing[:200]]
    if has(thing, "tolist", "shape"):
        if isinstance(thing, torch.Tensor) and not readable(thing):
            return f"tensor of shape {tuple(thing.shape)}"
        small = math.prod(thing.shape) <= 500
        return (
            as_data(thing.tolist(), depth + 1) if small else f"array of shape {tuple(thing.shape)}"
        )
    if isinstance(thing, float):
        return thing if thing == thing and abs(thing) != float("inf") else str(thing)
    return shown(thing)


def _read() -> dict:
    stored: object = {}
    try:
        stored = json.loads(place().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # no file yet, or not ours to read
        if not os.environ.get("RAGTEACH_HOME"):
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                stored = {"predictions": json.loads(OLD.read_text(encoding="utf-8"))}
    return stored if isinstance(stored, dict) else {}


def _put_aside_if_damaged() -> None:
    path = place()
    try:
        whole = isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except ValueError:
        whole = False
    except (OSError, RuntimeError):
        return
    if not whole:
        with contextlib.suppress(OSError):
            os.replace(path, path.with_name(f"{NAME}.damaged"))
            warnings.warn(
                f"{path} was damaged; it lies beside it as {NAME}.damaged, and a new one begins",
                stacklevel=4,
            )


def _write(everything: dict) -> None:
    path = place()
    text = json.dumps(everything, indent=1, ensure_ascii=False)
    # a read-only folder, a full disk: it lasts as long as the session
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, text.encode("utf-8", "backslashreplace"))  # JSON's own way to write half a sign
