"""A word made to be read is shown once, wherever in a cell, a loop or a script the call stands."""

import io
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from ragteach.ground import telling
from ragteach.teach import record
from ragteach.teach.checks import check

SETUP = """
from IPython.display import display
import ragteach as rt
from ragteach.teach.checks import check
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect
"""


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    monkeypatch.setattr(record, "_session", {})


@pytest.fixture(scope="module")
def shell():
    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    made.run_cell(SETUP)
    yield made
    InteractiveShell.clear_instance()
    telling._waiting.clear()


def shown(shell: InteractiveShell, cell: str) -> str:
    """All that a cell shows, in order: what is printed, displayed, and its last line."""
    shell.displayhook.flush()
    with capture_output() as caught:
        shell.run_cell(cell)
    kinds = [output.data.get("text/plain", "") for output in caught.outputs]
    return "\n".join([caught.stdout, *kinds])


@pytest.mark.parametrize(
    ("cell", "times"),
    [
        ("check('00-1', 5)", 1),
        ("check('00-1', 5);", 1),
        ("check('00-1', 5)\nx = 1", 1),
        ("x = 1\ncheck('00-1', 5)\nprint(x)", 1),
        ("for a in (5, 6, 7):\n    check('00-1', a)", 3),
        ("check('00-1', 5)\ncheck('00-1', 6)", 2),
        ("check('00-1', 5), check('00-1', 6)", 2),
        ("[check('00-1', a) for a in (5, 6)]", 2),
        ("c = check('00-1', 5)", 1),
        ("c = check('00-1', 5)\nc", 1),
        ("c = check('00-1', 5)\nprint(c)", 1),
        ("display(check('00-1', 5))\nx = 1", 1),
        ("if check('00-1', 5):\n    x = 1", 1),
        ("all(check('00-1', a) for a in (5, 6))", 1),
        ("check('00-1', yours=5) or hint('00-1')", 1),
        ("arguments = ('00-1', 5)\ncheck(*arguments)\nx = 1", 1),
        ("def twice():\n    check('00-1', 5)\n    return check('00-1', 6)\ntwice()\nx = 1", 2),
        ("with open('/dev/null'):\n    check('00-1', 5)", 1),
        ("try:\n    check('00-1', 5)\nfinally:\n    x = 1", 1),
        ("c = check('00-1', 5)\n1 / 0", 1),
        ("x = 1", 0),
    ],
)
def test_every_verdict_is_shown_and_none_twice(shell, cell, times):
    assert shown(shell, cell).count("FAIL 00-1") == times


@pytest.mark.parametrize(
    ("call", "sign"),
    [
        ("predict('00-a', 'RAG')", "Kept: you predict"),
        ("predict('00-a')", "No prediction yet"),
        ("predict('00-a', 'banana')", "What to do: write one of them"),
        ("reveal('00-a', 'RAG')", "You made no prediction"),
        ("hint('00-1')", "Hint 1 of"),
        ("card('00-1')", "Exercise 00-1"),
        ("rubric('00-4')", "[ ] Lambda is named"),
        ("reflect('00-4')", "Write your answer first"),
        ("reflect('00-4', 'mine')", "Tick what yours has"),
    ],
)
def test_so_is_every_note_whether_thrown_away_or_printed(shell, call, sign):
    for cell in (f"{call}\nx = 1", f"n = {call}\nprint(n)"):
        assert shown(shell, cell).count(sign) == 1, cell


@pytest.mark.parametrize("call", ["rt.progress()", "rt.look(rt.make_toy(n_per_task=10))"])
def test_what_is_of_use_without_being_seen_is_shown_only_where_it_is_thrown_away(shell, call):
    sign = "kept" if "progress" in call else "A look at"
    assert sign in shown(shell, f"{call}\nx = 1")
    assert sign not in shown(shell, f"n = {call}")


def test_a_verdict_stands_where_it_was_asked_for(shell):
    with capture_output(display=False) as caught:
        shell.run_cell("check('00-1', 5)\nprint('then')\nx = 1")
    assert caught.stdout.index("FAIL") < caught.stdout.index("then")


def test_in_plain_python_a_line_of_its_own_prints_and_a_value_that_is_kept_does_not(
    monkeypatch, capsys
):
    monkeypatch.setattr(telling, "_shell", lambda: None)
    kept = check("00-1", 5)
    assert capsys.readouterr().out == ""
    check("00-1", 5)
    assert capsys.readouterr().out == f"{kept}\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_no_output_is_too_narrow_for_a_sign_and_a_closed_one_breaks_nothing(monkeypatch, encoding):
    monkeypatch.setattr(telling, "_shell", lambda: None)
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    check("00-1", 5)
    out.flush()
    sign = "✗ FAIL 00-1".encode(encoding, "backslashreplace")
    assert raw.getvalue().startswith(sign)
    out.close()
    check("00-1", 5)
