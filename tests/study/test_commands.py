"""What a command leaves behind: a folder for its settings, the same one if it is run again."""

import argparse
import json

import pandas as pd
import pytest
from matplotlib.figure import Figure

import ragteach.__main__ as command
from ragteach import RagteachError, compare
from ragteach.study.commands import (
    _cut_off,
    _refuse_file_options,
    _write_all,
    asked_strategies,
    known,
)


def test_the_same_settings_write_to_the_same_folder_and_others_to_another(tmp_path):
    out = tmp_path / "not yet" / "there"
    for mean in (0.5, 0.7):
        table = pd.DataFrame({"mean": [mean]})
        folder = _write_all(out, "toy", {"seeds": 1}, "comparison", table, Figure((1, 1)))
    other = _write_all(out, "toy", {"seeds": 2}, "comparison", table, Figure((1, 1)))
    assert sorted(out.iterdir()) == sorted([folder, other])
    assert pd.read_csv(folder / "comparison.csv")["mean"].tolist() == [0.7]
    assert json.loads((folder / "settings.json").read_text()) == {"seeds": 1}
    assert {path.name for path in other.iterdir()} == {
        *("comparison.csv", "comparison.png", "comparison.svg", "settings.json"),
    }


def test_an_interval_without_width_is_not_printed_as_knowledge():
    rows = pd.DataFrame({"mean": [0.5, 0.5], "low": [0.5, 0.4], "high": [0.5, 0.6]})
    assert known(rows)["low"].isna().tolist() == [True, False]
    assert known(rows)["mean"].equals(rows["mean"]) and rows["low"].tolist() == [0.5, 0.4]


def test_an_interval_that_was_cut_off_is_found():
    rows = pd.DataFrame({"low": [0.2], "high": [0.9]})
    assert not _cut_off(rows, 0, 1)
    assert _cut_off(rows.assign(low=0.0), 0, 1) and _cut_off(rows.assign(high=1.0), 0, 1)
    assert not _cut_off(rows.assign(low=0.0), -1, 1)
    assert not _cut_off(rows.assign(low=1.0, high=1.0), 0, 1)  # without width: none


def test_named_strategies_alone_are_compared_and_the_table_is_python_s(tmp_path, capsys):
    words = ["--strategies", "majority_class", "Full_Sharing", "independent"]
    sizes = ["--seeds", "2", "--n-per-task", "6", "--jobs", "1"]
    assert command.main(["compare", *words, *sizes, "--out", str(tmp_path)]) == 0
    table = pd.read_csv(next(tmp_path.glob("toy-*/comparison.csv")))
    names = ["majority class", "full sharing", "independent"]
    expected = compare("toy", 2, 6, names, progress=False)
    pd.testing.assert_series_equal(table["value"], expected["value"])
    assert list(table["strategy"].unique()) == names
    assert "full sharing minus the other" in capsys.readouterr().out
    settings = json.loads(next(tmp_path.glob("toy-*/settings.json")).read_text())
    assert settings["strategies"] == names


def test_strategies_that_no_advice_can_be_about_are_refused_before_any_work():
    with pytest.raises(RagteachError, match="with one of RAG, full sharing"):
        asked_strategies(["majority class"])
    with pytest.raises(RagteachError, match="did you mean 'full sharing'"):
        asked_strategies(["full sharng"])
    assert asked_strategies(None) is None


@pytest.mark.parametrize("option", ["text", "separator", "sheet"])
def test_what_is_said_of_a_file_is_refused_where_there_is_none(option):
    asked = argparse.Namespace(**{option: "x"})
    with pytest.raises(RagteachError, match=f"leave --{option} out, or name your file"):
        _refuse_file_options("toy", asked)
    _refuse_file_options("toy", argparse.Namespace(**{option: None}))
