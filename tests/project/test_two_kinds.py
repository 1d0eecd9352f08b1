"""A lesson's two notebooks in one run are what each is alone; what is wrong is found as before."""

import random
import shutil
from types import SimpleNamespace

import lesson_runs
import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
import two_kinds
from lesson_source import build
from matplotlib.figure import Figure
from nbclient.exceptions import CellExecutionError
from two_kinds import BOTH, GONE, SOLUTION, STUDENT, Worlds, parts, pieces

from ragteach import RAG
from ragteach.teach import record

TODO, RIGHT = "double = ...", "def double(x):\n    return 2 * x"


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Words."), *cells])


def turns(solution, student=None):
    """[(whose turn, the code)], of cells that differ where two are given."""
    pairs = zip(solution, student or solution, strict=True)
    both = zip(*pairs, strict=True)
    return [(piece.turn, piece.source) for piece in pieces(*(notebook(*cells) for cells in both))]


def test_what_both_have_is_run_once_and_what_differs_twice():
    found = turns([RIGHT, "x = 3", "print(x)"], [TODO, "x = 3", "print(x)"])
    exercise = [(SOLUTION, RIGHT), (STUDENT, TODO)]
    assert found == [*exercise, (BOTH, "x = 3"), (BOTH, "print(x)")]


@pytest.mark.parametrize(
    ("between", "leans"),
    [
        ("y = double(3)", True),  # itself
        ("def four(x):\n    return double(x) + double(x)\nfour(1)", True),  # through a function
        ("ways = {'mine': double}", True),  # through an object
        ("for f in [double]:\n    f(1)", True),
        ("double = abs\ny = double(3)", False),  # it is another by then
        ("def later(x):\n    return double(x)", False),  # not called
        ("y = [double for double in 'abc']", False),  # a name of its own
        ("z.double = 3", False),
    ],
)
def test_what_leans_on_an_exercise_is_run_twice(between, leans):
    (first, *_) = turns([RIGHT, between], [TODO, between])[2:]
    assert first == ((SOLUTION if leans else BOTH), between)


def test_what_was_made_by_a_function_that_reads_an_exercise_leans_on_it():
    use = "def four(x):\n    return 2 * double(x)\nkept = [four]"
    found = turns([use, RIGHT, "kept[0](1)"], [use, TODO, "kept[0](1)"])
    assert [turn for turn, _ in found] == [BOTH, SOLUTION, STUDENT, SOLUTION, STUDENT]


def test_what_a_learner_did_is_kept_for_each():
    assert turns(['x = slow()\nx\nreveal("00-a", x)']) == [
        (BOTH, "x = slow()\nx\npass"),
        (SOLUTION, 'reveal("00-a", x)'),
        (STUDENT, 'reveal("00-a", x)'),
    ]
    assert turns(["y = model.predict(x)"]) == [(BOTH, "y = model.predict(x)")]
    assert turns(['rt.check("00-1", x)  # now'])[0][0] == SOLUTION
    source = 'a = 1; check("1", a)'  # in one line: not taken apart
    assert [text for _, text, _ in parts(source, two_kinds.parsed(source).body)] == [source]


class Shell:
    """As much of a kernel as `Worlds` asks for."""

    def __init__(self, **names):
        self.user_ns = {"__name__": "__main__", **names}
        self.events = SimpleNamespace(register=lambda *_: None)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run (solution's cells, student's cells); gives the worlds, after the last."""
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    monkeypatch.setattr(Figure, "savefig", Figure.savefig)
    monkeypatch.chdir(tmp_path)

    def run(solution, student, **names):
        shutil.rmtree(tmp_path / "student", ignore_errors=True)
        found = pieces(notebook(*solution), notebook(*student))
        worlds = Worlds(Shell(**names), found, tmp_path, tmp_path / "report", lambda: 0.0)
        for piece in found:
            worlds.begins(SimpleNamespace(raw_cell=piece.source))
            exec(piece.source, worlds.shell.user_ns)
            worlds.ends(None)
        worlds.finish()
        return worlds

    return run


def test_each_world_has_its_own_names(run):
    use = "seen.append((n, helper is not None))"
    cells = ["n = 1\nhelper = None", "n = 2\nextra = 5", "n = n + 1", "m = 7"]
    theirs = [cells[0], "n = ...\nhelper = 0", "n = n", "m = 7"]
    worlds = run([*cells[:3], use, cells[3]], [*theirs[:3], use, cells[3]], seen=[])
    ours = worlds.shell.user_ns
    assert (ours["n"], ours["m"], ours["extra"], ours["helper"]) == (3, 7, 5, None)
    assert worlds.own["n"] is ... and worlds.own["extra"] is GONE and worlds.own["helper"] == 0
    assert ours["seen"] == [(3, False), (..., True)]  # a list that they share: so it is said
    assert worlds.unequal == ["seen was changed where the notebooks differ"]


def test_what_both_bind_anew_is_one_again(run):
    worlds = run(["n = 1", "n = 4", "m = n"], ["n = 2", "n = 4", "m = n"])
    assert worlds.own == {} and worlds.unequal == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("x.append(1)", ["x was changed where the notebooks differ"]),
        ("y = sorted(x)", []),
        ("y = change(x)", ["x was changed where the notebooks differ"]),
    ],
)
def test_a_change_of_what_is_shared_is_seen(run, cell, said):
    changes = dict(x=[2, 1], change=lambda x: x.append(3))
    assert run([f"a = 1\n{cell}"], ["a = ..."], **changes).unequal == said


@pytest.mark.parametrize(
    ("held", "change"),
    [
        (pd.DataFrame({"text": ["good", "bad"] * 3}), lambda x: x.loc.__setitem__((1, "text"), "")),
        ({"w": [torch.zeros(3)]}, lambda x: x["w"][0].add_(1)),
        ([np.zeros(4), "a"], lambda x: x[0].fill(1)),
        ([{"a"}, {}], lambda x: x[0].add("b")),
        (RAG(2, 2, 1), lambda x: x.bias.data.add_(1)),
    ],
    ids=["frame", "tensor", "array", "set", "model"],
)
def test_whatever_changes_inside_has_another_digest(held, change):
    before = two_kinds.digest(held)
    assert before and two_kinds.digest(held) == before
    change(held)
    assert two_kinds.digest(held) != before


def test_random_numbers_are_each_world_s_own_until_both_draw(run):
    before = random.getstate()
    draw = "z = random.random()"
    worlds = run([draw, "a = 1", draw], ["z = 0", "a = 2", "z = random.random()"], random=random)
    assert worlds.chance is None and worlds.own == {"a": 2}
    worlds = run([draw, draw + " + 0"], ["z = 0", draw + " + 1"], random=random)
    first, second = (random.setstate(before), random.random(), random.random())[1:]
    random.setstate(before)
    worlds = run([draw, draw + " + 0"], ["z = 0", draw + " + 1"], random=random)
    assert (worlds.shell.user_ns["z"], worlds.own["z"]) == (second, 1 + first)
    assert worlds.chance is not None and worlds.unequal == []
    random.setstate(before)


def test_each_world_has_its_own_record(run, tmp_path):
    keep = "record.keep('predictions', 'a', {}); was = record.kept('predictions')"
    worlds = run([keep.format(1)], [keep.format(2)], record=record)
    assert worlds.shell.user_ns["was"] == {"a": 1} and worlds.own["was"] == {"a": 2}
    assert '"a": 1' in (tmp_path / record.NAME).read_text()
    assert '"a": 2' in (tmp_path / "student" / record.NAME).read_text()


# ------------------------------------------------------------------ in kernels, with a fault


@pytest.fixture
def small(monkeypatch):
    """Two small notebooks in place of a lesson's, of which nothing is committed."""

    def small(student):
        begin = "from ragteach.teach.checks import check\nshown = 12"
        check = 'check("01-2", signs)'
        texts = {"solution": "signs = [1, -1, -1, 1]", "student": student}
        made = {kind: notebook(begin, f"{text}\n{check}", "shown") for kind, text in texts.items()}
        for nb in made.values():
            nb.cells[2].metadata["tags"] = ["exercise"]
        monkeypatch.setattr(lesson_runs, "_notebooks", lambda name: nbformat.from_dict(made))
        monkeypatch.setattr(build, "stale", lambda *_: [])

    return small


@pytest.mark.notebooks
def test_a_students_notebook_with_a_fault_is_refused_as_if_run_alone(small, tmp_path_factory):
    folder = lesson_runs._folder(tmp_path_factory)

    def outcome(student):
        small(student)
        for path in folder.glob("01_why_share*"):
            assert path.rename(tmp_path_factory.mktemp("before") / path.name)
        return lesson_runs._run_both("01_why_share", folder)

    assert outcome("signs = ...") == []
    nb = nbformat.read(folder / "01_why_share-student.ipynb", as_version=4)
    assert build.statuses(nb) == {"01-2": {"TODO"}}
    assert [len(cell.outputs) for cell in nb.cells[1:]] == [0, 1, 1]
    nb = nbformat.read(folder / "01_why_share-solution.ipynb", as_version=4)
    assert build.statuses(nb) == {"01-2": {"PASS"}}
    (said,) = outcome("signs = [1, 1, 1, 1]")
    assert said == "01_why_share: check 01-2 says FAIL, not TODO"
    (said,) = outcome("import warnings; warnings.warn('lost'); signs = ...")
    assert "writes to stderr" in said and "lost" in said
    (said,) = outcome("signs = 1 / 0")
    assert "ZeroDivisionError" in said
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        lesson_runs.run_of("01_why_share", "student", tmp_path_factory, alone=True)
