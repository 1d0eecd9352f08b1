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
import two_kinds
from filelock import FileLock
from forks import forked_kernels
from lesson_source import build
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

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
    alone: bool = False,
):
    """(the executed notebook, its CPU seconds); ``factory`` is pytest's tmp_path_factory.

    The student's notebook makes the figures of the solution: they are drawn there only.  Plainly
    asked for, the two are run together (`two_kinds`), if nothing is wrong with what comes out.

    Args:
        without: a package that the kernel does not find, as if it were not installed.
        drawn: draw the figures of a student's notebook too.
        whole: the whole form of a lesson that has a short one (`ragteach.teach.short`).
        alone: not together with the lesson's other notebook.
    """
    folder = _folder(factory)
    words = [f"without-{without}"] if without else []
    asked = {"drawn": drawn, "whole": whole, "alone": alone}
    words += [word for word, wanted in asked.items() if wanted]
    run = "-".join([name, kind, *words])
    path = folder / f"{run}.ipynb"
    if not words and build.teaches(name):
        with FileLock(folder / f"{name}.lock"):
            if not (folder / f"{name}.why").exists():
                why = _run_both(name, folder)
                (folder / f"{name}.why").write_text(json.dumps(why), encoding="utf-8")
    pictures = drawn or kind == "solution" or not build.teaches(name)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            begin = functools.partial(once.begin, once.shared_folder(), without, pictures)
            nb = _notebooks(name)[kind]
            nb, seconds = _run(nb, begin, build.paths(name)[kind].parent, folder, run, whole)
            _keep(nb, seconds, folder, run)
    seconds = float((folder / f"{run}.seconds").read_text())
    return nbformat.read(path, as_version=4), seconds


def why_alone(name: str, factory) -> list[str]:
    """Why a lesson's two notebooks were not run together; nothing, if they were."""
    run_of(name, "solution", factory)
    return json.loads((_folder(factory) / f"{name}.why").read_text(encoding="utf-8"))


def left_by(name: str, kind: str, factory) -> list[str]:
    """The files that the run left in its home and among the temporary files, caches aside."""
    run_of(name, kind, factory)
    return json.loads((_folder(factory) / f"{name}-{kind}.left").read_text(encoding="utf-8"))


def _notebooks(name: str) -> dict:
    """A lesson's notebooks as they are generated."""
    rows = build.lessons()
    (row,) = [row for row in rows if row["name"] == name]
    return {kind: build.generate(row, rows, kind) for kind in build.paths(name)}


def _run_both(name: str, folder) -> list[str]:
    """Run a lesson's two notebooks together; what is said against them, if they are not kept."""
    both, paths, report = _notebooks(name), build.paths(name), folder / f"{name}.report"
    found = two_kinds.pieces(both["solution"], both["student"])
    where = paths["student"].parent
    begin = functools.partial(two_kinds.begin, once.shared_folder(), found, where, report)
    run = two_kinds.together(found, both["solution"])
    try:
        with mock.patch.object(build, "normalise", lambda nb: nb):
            run, seconds = _run(run, begin, paths["solution"].parent, folder, name, False)
    except (CellExecutionError, DeadKernelError, CellTimeoutError) as error:
        return [str(error)]
    said = json.loads(report.read_text(encoding="utf-8"))
    two_kinds.apart(run, found, both["solution"], both["student"])
    against = said["unequal"]
    for kind, nb in both.items():
        build.normalise(nb)
        committed = nbformat.read(paths[kind], as_version=4)
        against += build.faults(nb, name) + build.unmet(nb, kind, name)
        against += build.stale(committed, nb, name, kind)
    if against:
        return against
    of_the_other = {"solution": "student", "student": "solution"}
    for kind, nb in both.items():
        own = seconds - said["guard"] - said["seconds"][of_the_other[kind]]
        _keep(nb, own, folder, f"{name}-{kind}")
        (folder / f"{name}-{kind}.left").write_bytes((folder / f"{name}.left").read_bytes())
    return []


def _keep(nb, seconds: float, folder, run: str) -> None:
    (folder / f"{run}.seconds").write_text(str(seconds))
    nbformat.write(nb, folder / f"{run}.ipynb")


def _run(nb, begin, where, folder, run: str, whole: bool):
    """(an executed notebook, its CPU seconds); what it leaves is listed in the folder."""
    homes = {word: folder / f"{run}-{word}" for word in ("HOME", "TMPDIR")}
    for path in homes.values():
        path.mkdir()
    # Downloaded data lie in the home that everybody has.
    own = {"RAGTEACH_CACHE": os.environ.get("RAGTEACH_CACHE") or str(pooch.os_cache("ragteach"))}
    own |= {word: str(path) for word, path in homes.items()}
    own[VARIABLE] = "" if whole else "1"
    with mock.patch.dict(os.environ, own), forked_kernels(begin) as kernels:
        nb = build.execute(nb, where)
    left = [p for path in homes.values() for p in path.rglob("*") if p.is_file()]
    left = [str(p) for p in left if not CACHES & set(p.parts)]
    (folder / f"{run}.left").write_text(json.dumps(left), encoding="utf-8")
    return nb, kernels[0].cpu_seconds()
