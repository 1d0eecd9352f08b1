"""What a learner did is kept in one file, and nothing of it is lost."""

import json

import pytest

from ragteach.teach import hints, progress
from ragteach.teach.checks import check


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    monkeypatch.setattr(progress, "_session", {})
    return tmp_path


def another_session(monkeypatch):
    monkeypatch.setattr(progress, "_session", {})


def test_a_prediction_is_kept_and_shown_beside_the_result(home, monkeypatch):
    assert "No prediction yet" in hints.predict("02-a", ...)
    assert "You made no prediction" in hints.reveal("02-a", 3)
    hints.predict("02-a", "rises")
    hints.predict("02-b", 0.5)
    stored = json.loads((home / progress.NAME).read_text())
    assert stored["predictions"] == {"02-a": "rises", "02-b": "0.5"}
    another_session(monkeypatch)
    shown = hints.reveal("02-a", "falls")
    assert "You predicted: rises." in shown and "It came out: falls." in shown


def test_a_folder_that_cannot_be_written_costs_the_file_not_the_session(monkeypatch, home):
    blocked = home / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("RAGTEACH_HOME", str(blocked / "below"))
    hints.predict("02-c", "flat")
    assert "You predicted: flat." in hints.reveal("02-c", "flat")


@pytest.mark.parametrize("spoilt", ["not json", "[1, 2]", ""])
def test_a_damaged_file_is_put_aside_not_written_over(home, spoilt):
    (home / progress.NAME).write_text(spoilt)
    assert "no prediction" in hints.reveal("02-c", "flat")
    hints.predict("02-c", "flat")
    assert (home / f"{progress.NAME}.damaged").read_text() == spoilt
    assert json.loads((home / progress.NAME).read_text())["predictions"] == {"02-c": "flat"}


def test_checks_leave_their_state_their_tries_and_the_misconceptions_met(home, monkeypatch):
    check("00-1", ...)
    assert progress.kept("checks") == {}
    first = check("00-1", 4 * 3 * 100)
    check("00-1", 4 * 3 * 100)
    another_session(monkeypatch)
    check("00-1", 5 * 3 * 100)
    assert progress.kept("checks")["00-1"] == {
        "status": "PASS",
        "tries": 3,
        "met": [first.message],
    }


def test_entries_of_others_stay(home):
    (home / progress.NAME).write_text(json.dumps({"version": 1, "world": "ada", "checks": {}}))
    hints.predict("02-a", "rises")
    assert json.loads((home / progress.NAME).read_text())["world"] == "ada"


def test_forget_leaves_nothing(home):
    hints.predict("02-a", "rises")
    progress.forget()
    assert not list(home.iterdir())
    assert "no prediction" in hints.reveal("02-a", 1)


def test_predictions_kept_by_earlier_versions_are_found(monkeypatch, tmp_path):
    monkeypatch.delenv("RAGTEACH_HOME")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_session", {})
    old = tmp_path / "predictions.json"
    old.write_text('{"02-a": "rises"}')
    monkeypatch.setattr(progress, "OLD", old)
    assert "You predicted: rises." in hints.reveal("02-a", 1)
    hints.predict("02-b", "falls")
    assert json.loads((tmp_path / progress.NAME).read_text())["predictions"] == {
        "02-a": "rises",
        "02-b": "falls",
    }
