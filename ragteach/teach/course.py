"""Your own copy of the notebooks: made once, kept, and brought up to date beside what you wrote.

    python -m ragteach course my_course

Enters: a folder, new or made by an earlier run.  Leaves: the lessons in it, and a word on each that
changed.  A small file, `MANIFEST`, remembers the hash of every file that was handed out, so that
the next run can tell a lesson you edited from one you did not touch.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
from pathlib import Path

from ragteach.errors import refuse
from ragteach.ground.writing import write

MANIFEST = ".course.json"
FIRST = "00_start_here.ipynb"
PATTERNS = ("*.ipynb", "*.md", "images/*", "solutions/*.ipynb")

# What may happen to a file, and how the command says it.
SAID = {
    "new": "{n} new: {names}",
    "updated": "{n} brought up to date (you had not changed them): {names}",
    "beside": (
        "{n} changed in the course and by you; yours stays, the new one lies beside it: {names}"
    ),
    "gone": "{n} no longer in the course; yours stays: {names}",
}


def notebooks() -> Path:
    """The folder of the course's notebooks: beside the package (a checkout) or inside it (a wheel).

    Example:
        >>> (notebooks() / "00_start_here.ipynb").exists()
        True
    """
    package = Path(__file__).resolve().parent.parent
    places = (package.parent / "notebooks", package / "notebooks")
    for place in places:
        if (place / FIRST).exists():
            return place
    raise refuse(
        expected="the notebooks of the course beside or inside the package",
        got=f"neither {places[0]} nor {places[1]} holds {FIRST}",
        fix="install ragteach again",
    )


def copy_course(folder: str | Path, source: Path | None = None) -> dict[str, list[str]]:
    """Make or bring up to date a copy of the course in ``folder``; nothing of yours is overwritten.

    A file that is not there is copied (so deleting a notebook and running again gives a fresh one).
    One that you have not touched follows the course.  One that you changed is kept; if the course
    changed it too, the new one is put beside it as ``NN_name.new.ipynb``.

    Args:
        folder: where the copy goes; made if it is not there.
        source: the notebooks to copy; default: those of this version of ragteach.

    Returns:
        What happened, by kind: ``new``, ``updated``, ``beside`` (the name of the file beside
        yours), ``gone`` (no longer in the course, yours stays); each a list of names.

    Raises:
        RagteachError: if the folder cannot be written, or is the source itself.

    Example:
        >>> import tempfile
        >>> home = Path(tempfile.mkdtemp())
        >>> (home / "course" / "images").mkdir(parents=True)
        >>> _ = (home / "course" / "images" / "map.svg").write_text("<svg/>")
        >>> copy_course(home / "mine", home / "course")["new"]
        ['images/map.svg']
        >>> copy_course(home / "mine", home / "course")["new"]
        []
    """
    source = notebooks() if source is None else source
    folder = Path(folder)
    if folder.resolve() == source.resolve():
        raise refuse(
            expected="a folder of your own for the copy",
            got=f"{folder}, the notebooks themselves",
            fix="name another folder: python -m ragteach course my_course",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _bring_up_to_date(folder, source)
    except OSError as error:
        raise refuse(
            expected="a folder that can be written to",
            got=f"{folder}: {error.strerror}",
            fix="choose another folder: python -m ragteach course my_course",
        ) from error


def _bring_up_to_date(folder: Path, source: Path) -> dict[str, list[str]]:
    given = _read_manifest(folder)  # name -> the hash of what was handed out under it
    done: dict[str, list[str]] = {kind: [] for kind in SAID}
    untouched = []
    lessons = sorted(path for pattern in PATTERNS for path in source.glob(pattern))
    names = {path.relative_to(source).as_posix() for path in lessons}
    for path in lessons:
        name = path.relative_to(source).as_posix()
        content = path.read_bytes()
        fresh = _hash(content)
        mine = _hash_of(folder / name)
        if mine is None:
            kind = "new"
        elif mine == fresh or given.get(name) == fresh:
            kind = "as it was"
        elif mine == given.get(name):
            kind = "updated"
        else:
            kind = "beside"
        place = name
        if kind == "beside":
            place = _free_name(folder, name, given, fresh)
            given[place] = fresh
        if kind in done:
            (folder / place).parent.mkdir(exist_ok=True)
            write(folder / place, content)
            done[kind].append(place)
        elif mine == fresh:
            untouched.append(name)
        given[name] = fresh
    for name in sorted(set(given) - names):
        if ".new" not in name:
            del given[name]
            done["gone"].append(name)
    write(folder / MANIFEST, json.dumps(given, indent=1, sort_keys=True).encode())
    written = done["new"] + done["updated"] + done["beside"]
    _trust([folder / name for name in written], [folder / name for name in untouched])
    return done


def _free_name(folder: Path, name: str, given: dict[str, str], fresh: str) -> str:
    """``NN_name.new.ipynb``, or with a number where you have changed the one that is there."""
    stem, ending = os.path.splitext(name)
    tried = [f"{stem}.new{ending}"]
    while _hash_of(folder / tried[-1]) not in (None, fresh, given.get(tried[-1])):
        tried.append(f"{stem}.new{len(tried) + 1}{ending}")
    return tried[-1]


def _read_manifest(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in given.items()}
    except (ValueError, AttributeError) as error:
        raise refuse(
            expected=f"{path} as an earlier run wrote it",
            got=f"something else ({error})",
            fix="delete that file and run again: every lesson that differs is then put beside "
            "yours",
        ) from error


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash_of(path: Path) -> str | None:
    return _hash(path.read_bytes()) if path.exists() else None


def _trust(written: list[Path], untouched: list[Path]) -> None:
    """Sign what we handed out and you did not change, as ``jupyter trust`` does: it is ours.

    Signatures live outside the folder, with Jupyter's own data, and may be lost.  Looking up one of
    them tells; looking up all of them would cost seconds at every start.
    """
    if importlib.util.find_spec("nbformat") is None:
        return  # no Jupyter here, so nobody to ask for trust
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    todo = [path for path in written if path.suffix == ".ipynb"]
    untouched = [path for path in untouched if path.suffix == ".ipynb"]
    if untouched and not notary.check_signature(nbformat.read(untouched[0], as_version=4)):
        todo += untouched
    for path in todo:
        notary.sign(nbformat.read(path, as_version=4))
    notary.store.close()


def add_course_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command ``course`` to an argparse parser's ``subparsers``.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> _ = add_course_parser(parser.add_subparsers())
        >>> parser.parse_args(["course", "my_course"]).folder
        PosixPath('my_course')
    """
    parser = subparsers.add_parser("course", help="your own copy of the notebooks, kept up to date")
    parser.add_argument("folder", type=Path, help="where it goes, for example my_course")
    parser.set_defaults(run=course_command)
    return parser


def course_command(options: argparse.Namespace) -> int:
    """Run ``course``: copy, and say what was done."""
    done = copy_course(options.folder)
    print(f"Your notebooks are in {options.folder}; what you write there stays.")
    for kind, names in done.items():
        notes = [name for name in names if name.endswith(".ipynb")]
        shown = ", ".join(notes[:4]) + (", ..." if len(notes) > 4 else "")
        if notes:
            print("  " + SAID[kind].format(n=len(notes), names=shown))
    return 0
