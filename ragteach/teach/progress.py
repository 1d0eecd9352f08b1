"""What a learner did, in one small file beside the notebook: predictions, marks, words, ticks.

Enters: a section ("predictions", "written", "checks"), a key and a value.  Leaves:
``my_progress.json`` in the folder of the notebook (the environment variable RAGTEACH_HOME names
another folder), and nowhere else: nothing leaves your machine. Keys are numbers of exercises and
names of questions, never cells, so editing, copying or deleting cells loses nothing.

A folder that cannot be written costs no lesson: then what you did lasts as long as the session.
A damaged file is put aside as ``my_progress.json.damaged``, not written over.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path

NAME = "my_progress.json"
OLD = Path.home() / ".ragteach" / "predictions.json"  # where predictions were kept before

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
    _put_aside_if_damaged()
    everything = _read()
    entries = everything.get(section)
    everything[section] = {**(entries if isinstance(entries, dict) else {}), key: value}
    _write({"version": 1, **everything})


def forget() -> None:
    """Delete the file, and what this session remembers."""
    _session.clear()
    with contextlib.suppress(OSError):
        place().unlink()


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


def _write(everything: dict) -> None:
    path = place()
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(everything, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(part, path)
    except OSError:  # a read-only folder, a full disk: it lasts as long as the session
        with contextlib.suppress(OSError):
            part.unlink()
