"""The tool that breaks the code: what it changes, and which tests it asks."""

import ast
import subprocess
import textwrap

import covering as tracing
import forks
import mutants
import pytest
import torch
from covering import Ran, around, covering

CODE = textwrap.dedent(
    '''
    LIMIT = 3

    def low(n, least=0):
        """A word."""
        if n < least and not (
            n == LIMIT
        ):
            return -n
        return n * 2
    '''
)


def test_each_mutant_changes_one_thing():
    tree = ast.parse(CODE)
    said = sorted(mutants.change(tree, i, k) for i, k in mutants.sites(tree))
    assert said == [
        "LIMIT = 3 -> LIMIT = 4",
        "def low(n, least=0): -> def low(n, least=1):",
        "if n < least and (not n == LIMIT): -> if n < least and (not n != LIMIT):",
        "if n < least and (not n == LIMIT): -> if n < least and (not not n == LIMIT):",
        "if n < least and (not n == LIMIT): -> if n < least or not n == LIMIT:",
        "if n < least and (not n == LIMIT): -> if n <= least and (not n == LIMIT):",
        "if n < least and (not n == LIMIT): -> if not (n < least and (not n == LIMIT)):",
        "return -n -> return +n",
        "return n * 2 -> return n * 3",
        "return n * 2 -> return n / 2",
    ]
    assert ast.unparse(tree) == ast.unparse(ast.parse(CODE))


@pytest.mark.parametrize(
    "code",
    [
        'raise refuse("a", 1)',
        'f"{1 + 1}"',
        "def f(n: 'x' == 1): ...",
        "if TYPE_CHECKING:\n    f(1)",
    ],
)
def test_words_and_types_are_left_alone(code):
    assert not list(mutants.sites(ast.parse(code)))


def places(name):
    """The lines around the only place where ``name`` is read."""
    tree = ast.parse(CODE)
    [node] = [n for n in ast.walk(tree) if ast.unparse(n) == name]
    return [(lines.start, lines.stop - 1) for lines in around(tree, node)]


def test_the_lines_around_a_node():
    assert places("n == LIMIT") == [(6, 8), (5, 10), (1, 10)]  # the condition has three lines
    assert places("-n") == [(9, 9), (5, 10), (1, 10)]
    assert places("0") == [(5, 10), (1, 10)]  # a default: it acts where the function runs
    assert places("3") == [(1, 10)]


def test_which_tests_are_asked_and_in_which_order():
    def test(name, seconds, *lines):
        return Ran(name, seconds, {"low.py": set(lines)})

    dear, cheap = test("test_low.py::dear", 3.0, 9), test("test_low.py::cheap", 1.0, 9)
    other, kin = test("test_high.py::other", 0.1, 9), test("test_high.py::kin", 0.1)
    imports, far = test("test_high.py::", 0.2, 2, 9), test("test_far.py::far", 0.1)
    tests = [imports, kin, other, far, dear, cheap]
    where = [range(9, 10), range(1, 11)]
    assert covering(tests, "low.py", where) == [cheap, dear, other, kin]
    # Where no test ran a line, those of the files whose imports did.
    assert covering([imports, kin, far], "low.py", where) == [kin]
    assert covering([far], "low.py", where) == []


def test_a_log_says_of_each_mutant_what_came_last(tmp_path):
    log = tmp_path / "seed_0.txt"
    assert mutants.outcomes(log) == {}
    log.write_text("killed   a.py:3:4.0 1 -> 2\nSURVIVED b.py:1:2.0 x\nhung     b.py:1:2.0 x\n")
    assert mutants.outcomes(log) == {"a.py:3:4.0": "killed", "b.py:1:2.0": "hung"}


def test_a_broken_module_runs_its_change_and_shows_its_own_text():
    file = "ragteach/graph.py"
    tree = ast.parse((mutants.ROOT / file).read_text(encoding="utf-8"))
    [site] = [s for s in mutants.sites(tree) if "return 1 * float" in mutants.change(tree, *s)]
    loader = mutants.Broken(file, *site)
    assert loader.find_spec("ragteach.losses") is None
    spec = loader.find_spec("ragteach.graph")
    space = {"__name__": "ragteach.graph"}
    exec(spec.loader.get_code("ragteach.graph"), space)
    # 1 / lam_shared + G G' / lam would be [[3, 2], [2, 3]].
    assert space["task_covariance"](torch.eye(2), 1.0, 0.5).tolist() == [[1.5, 0.5], [0.5, 1.5]]
    assert spec.origin == str(mutants.ROOT / file)


def test_a_process_that_died_is_no_verdict(monkeypatch, tmp_path):
    def dies(*_, **__):
        return subprocess.CompletedProcess([], 1, "", "no room left")

    monkeypatch.setattr(forks, "python", dies)
    with pytest.raises(SystemExit, match="test_mutants.py does not run:\nno room left"):
        tracing.tests_in("tests/project/test_mutants.py", tmp_path)
    with pytest.raises(SystemExit, match="The tests do not run:\nno room left"):
        mutants.verdict("ragteach/graph.py", 0, 0, [Ran("test_graph.py::one", 1.0, {})])


@pytest.mark.parametrize(("said", "verdict"), [(0, "SURVIVED"), (77, "killed"), (-11, "killed")])
def test_what_a_process_says_of_its_mutant(monkeypatch, said, verdict):
    done = subprocess.CompletedProcess([], said, "", "")
    monkeypatch.setattr(forks, "python", lambda *_, **__: done)
    tests = [Ran("test_graph.py::one", 1.0, {})]
    assert mutants.verdict("ragteach/graph.py", 0, 0, tests) == verdict
