"""Each notebook is run once in a test session, and all tests read that run.

Enters: a lesson's name.  Leaves: the notebook as it was run, and the CPU seconds that took (with
those that another run spent on a result they share, see `once`).  Several test processes share one
folder; who comes first runs the notebook, the others wait.
"""

import functools
import json
import os
from unittest import mock

import nbformat
import once
import pooch
from filelock import FileLock
from forks import forked_kernels
from lesson_source import build

from ragteach.teach.short import VARIABLE

# What libraries keep for themselves is not left by the lesson.
CACHES = {"matplotlib", "fontconfig", "torch", "huggingface"}


def _folder(factory):
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "runs"
    folder.mkdir(exist_ok=True)
    return folder


def run_of(
    name: str,
    kind: str,
    factory,
    without: str | None = None,
    drawn: bool = False,
    whole: bool = False,
):
    """(the executed notebook, its CPU seconds); ``factory`` is pytest's tmp_path_factory.

    The student's notebook makes the figures of the solution: they are drawn there only.

    Args:
        without: a package that the kernel does not find, as if it were not installed.
        drawn: draw the figures of a student's notebook too.
        whole: the whole form of a lesson that has a short one (`ragteach.teach.short`).
    """
    folder = _folder(factory)
    words = [f"without-{without}"] if without else []
    words += ["drawn"] if drawn else []
    words += ["whole"] if whole else []
    run = "-".join([name, kind, *words])
    pictures = drawn or kind == "solution" or not build.teaches(name)
    path = folder / f"{run}.ipynb"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            nb, seconds = _run(name, kind, folder, run, without, pictures, whole)
            (folder / f"{run}.seconds").write_text(str(seconds))
            nbformat.write(nb, path)
    seconds = float((folder / f"{run}.seconds").read_text())
    return nbformat.read(path, as_version=4), seconds


def left_by(name: str, kind: str, factory) -> list[str]:
    """The files that the run left in its home and among the temporary files, caches aside."""
    run_of(name, kind, factory)
    return json.loads((_folder(factory) / f"{name}-{kind}.left").read_text(encoding="utf-8"))


def _run(name: str, kind: str, folder, run: str, without: str | None, pictures: bool, whole: bool):
    rows = build.lessons()
    (row,) = [row for row in rows if row["name"] == name]
    nb = build.generate(row, rows, kind)
    homes = {word: folder / f"{run}-{word}" for word in ("HOME", "TMPDIR")}
    for path in homes.values():
        path.mkdir()
    # Downloaded data lie in the home that everybody has.
    own = {"RAGTEACH_CACHE": os.environ.get("RAGTEACH_CACHE") or str(pooch.os_cache("ragteach"))}
    own |= {word: str(path) for word, path in homes.items()}
    own[VARIABLE] = "" if whole else "1"
    begin = functools.partial(once.begin, once.shared_folder(), without, pictures)
    with mock.patch.dict(os.environ, own), forked_kernels(begin) as kernels:
        nb = build.execute(nb, build.paths(name)[kind].parent)
    left = [p for path in homes.values() for p in path.rglob("*") if p.is_file()]
    left = [str(p) for p in left if not CACHES & set(p.parts)]
    (folder / f"{run}.left").write_text(json.dumps(left), encoding="utf-8")
    return nb, kernels[0].cpu_seconds()
