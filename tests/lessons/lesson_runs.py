"""Each notebook is run once in a test session, and all tests read that run.

Enters: a lesson's name.  Leaves: the notebook as it was run, the CPU seconds that took, and, of a
solution, the objects of ``KEPT`` as the lesson computed them.  Several test processes share one
folder; who comes first runs the notebook, the others wait.
"""

import os
import pickle

import nbformat
from filelock import FileLock
from forks import forked_kernels
from lesson_source import build

# What the tests of a lesson read of its run.
KEPT: dict[str, tuple[str, ...]] = {}


def _folder(factory):
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "runs"
    folder.mkdir(exist_ok=True)
    return folder


def run_of(name: str, kind: str, factory):
    """(the executed notebook, its CPU seconds); ``factory`` is pytest's tmp_path_factory."""
    folder = _folder(factory)
    path = folder / f"{name}-{kind}.ipynb"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            nb, seconds = _run(name, kind, folder)
            (folder / f"{name}-{kind}.seconds").write_text(str(seconds))
            nbformat.write(nb, path)
    seconds = float((folder / f"{name}-{kind}.seconds").read_text())
    return nbformat.read(path, as_version=4), seconds


def objects(name: str, factory) -> dict:
    """The objects of ``KEPT[name]`` as the solution of the lesson computed them."""
    run_of(name, "solution", factory)
    with open(_folder(factory) / f"{name}.pickle", "rb") as file:
        return pickle.load(file)


def _run(name: str, kind: str, folder):
    rows = build.lessons()
    (row,) = [row for row in rows if row["name"] == name]
    nb = build.generate(row, rows, kind)
    kept = KEPT.get(name, ()) if kind == "solution" else ()
    if kept:
        file = str(folder / f"{name}.pickle")
        text = f"__import__('pickle').dump({{k: globals()[k] for k in {kept!r}}}, open({file!r}, 'wb'))"
        nb.cells.append(nbformat.v4.new_code_cell(text))
    with forked_kernels() as kernels:
        nb = build.execute(nb, build.paths(name)[kind].parent)
    if kept:
        nb.cells.pop()
    return nb, kernels[0].cpu_seconds()
