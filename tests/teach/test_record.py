"""What a learner did is kept in one file, and nothing of it is lost."""

import json

import forks
import pytest
import torch

import ragteach as rt
from ragteach.teach import hints, record
from ragteach.teach.checks import check
from ragteach.teach.written import reflect


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    monkeypatch.setattr(record, "_session", {})
    return tmp_path


def another_session(monkeypatch):
    monkeypatch.setattr(record, "_session", {})


def test_a_prediction_is_kept_and_shown_beside_the_result(home, monkeypatch):
    assert "No prediction yet" in hints.predict("mine-a", ...)
    assert "You made no prediction" in hints.reveal("mine-0", 3)
    hints.predict("mine-a", "rises")
    hints.predict("mine-b", 0.5)
    stored = json.loads((home / record.NAME).read_text())
    assert stored["predictions"] == {"mine-a": "rises", "mine-b": "0.5"}
    another_session(monkeypatch)
    shown = hints.reveal("mine-a", "falls")
    assert "You predicted: rises." in shown and "It came out: falls." in shown


def test_a_folder_that_cannot_be_written_costs_the_file_not_the_session(monkeypatch, home):
    blocked = home / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("RAGTEACH_HOME", str(blocked / "below"))
    hints.predict("mine-c", "flat")
    assert "You predicted: flat." in hints.reveal("mine-c", "flat")


@pytest.mark.parametrize("spoilt", ["not json", "[1, 2]", ""])
def test_a_damaged_file_is_put_aside_not_written_over(home, spoilt):
    (home / record.NAME).write_text(spoilt)
    with pytest.warns(
        UserWarning, match="was damaged; it lies beside it as my_progress.json.damaged"
    ):
        hints.predict("mine-c", "flat")
    assert (home / f"{record.NAME}.damaged").read_text() == spoilt
    assert json.loads((home / record.NAME).read_text())["predictions"] == {"mine-c": "flat"}


def test_checks_leave_their_state_their_tries_and_the_misconceptions_met(home, monkeypatch):
    check("00-1", ...)
    assert record.kept("checks") == {}
    first = check("00-1", 4 * 3 * 100)
    check("00-1", 4 * 3 * 100)
    another_session(monkeypatch)
    check("00-1", 5 * 3 * 100)
    assert record.kept("checks")["00-1"] == {
        "status": "PASS",
        "passed": True,
        "tries": 3,
        "met": [first.message],
        "answer": 1500,
    }


def test_a_pass_stays_whatever_is_tried_afterwards_and_a_slip_of_form_is_no_misconception(home):
    check("00-1", 1500)
    check("00-1", 1200)
    check("00-1", {"n": 1500})
    assert record.kept("checks")["00-1"]["passed"]
    shown = repr(rt.progress())
    assert "00-1: PASS once, FAIL after 3 tries: the last answer is another one" in shown
    assert "met: You counted" in shown and "should be" not in shown


def test_entries_of_others_stay(home):
    (home / record.NAME).write_text(json.dumps({"version": 1, "world": "ada", "checks": {}}))
    hints.predict("mine-a", "rises")
    assert json.loads((home / record.NAME).read_text())["world"] == "ada"


def test_progress_shows_what_is_kept_and_deletes_it(home):
    assert repr(rt.progress()) == "Nothing is kept yet."
    hints.predict("mine-a", "<rises>")
    check("00-1", 1200)
    reflect("00-4", "My words.", ticks=[1])
    shown = rt.progress()
    assert set(shown) == {"predictions", "checks", "written"}
    for part in ("mine-a: <rises>", "00-1: FAIL after 1 try", "met: You counted", "ticked [1]"):
        assert part in repr(shown)
    assert "<rises>" not in shown._repr_mimebundle_()["text/html"]
    assert rt.progress(delete=True) == {}
    assert not list(home.iterdir())


def test_two_kernels_that_keep_at_once_lose_nothing(home, tmp_path):
    """Each process keeps twenty entries as fast as it can, and begins when the other is there too."""
    code = (
        "import pathlib, sys; from ragteach.teach import record\n"
        "place, mine, other = pathlib.Path(sys.argv[1]), *sys.argv[2:]\n"
        "(place / mine).touch()\n"
        "while not (place / other).exists(): pass\n"
        "for i in range(20): record.keep('predictions', f'{mine}-{i}', 'x')"
    )
    both = [forks.begun(code, tmp_path, *names) for names in ("ab", "ba")]
    assert [process.returncode for process in map(forks.ended, both)] == [0, 0]
    assert len(json.loads((home / record.NAME).read_text())["predictions"]) == 40


def test_any_answer_can_be_kept(home):
    odd = [lambda x: x, {1: (float("nan"), ...)}, object(), "x" * 9999, [[1, 2], [3]], 2**70]
    for i, answer in enumerate([*odd, torch.ones(2), torch.ones(9999), check]):
        record.keep("checks", str(i), record.as_data(answer))
    assert (home / record.NAME).stat().st_size < 40_000
    assert json.loads((home / record.NAME).read_text())["checks"]["6"] == [1.0, 1.0]


def test_forget_leaves_nothing(home):
    hints.predict("mine-a", "rises")
    record.forget()
    assert not list(home.iterdir())
    assert "no prediction" in hints.reveal("mine-a", 1)


def test_predictions_kept_by_earlier_versions_are_found(monkeypatch, tmp_path):
    monkeypatch.delenv("RAGTEACH_HOME")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "_session", {})
    old = tmp_path / "predictions.json"
    old.write_text('{"mine-a": "rises"}')
    monkeypatch.setattr(record, "OLD", old)
    assert "You predicted: rises." in hints.reveal("mine-a", 1)
    hints.predict("mine-b", "falls")
    assert json.loads((tmp_path / record.NAME).read_text())["predictions"] == {
        "mine-a": "rises",
        "mine-b": "falls",
    }
