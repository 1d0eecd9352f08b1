"""The command line: tables on the screen, whole files on the disk, one clear message for bad
input.
"""

import importlib
import json
import os
import subprocess
import sys
import xml.etree.ElementTree

import matplotlib.image
import pandas as pd
import pytest

from ragteach import __main__ as command
from ragteach import compare as run_comparison
from ragteach import make_toy, summary, who_wins_map
from ragteach.data.toy import LABELS
from ragteach.study.experiment import COLUMNS, winners


def run(*words):
    return command.main([str(w) for w in words])


def test_compare_prints_and_writes_what_it_measured(tmp_path, capsys):
    out = tmp_path / "results"
    assert (
        run("compare", "--data", "toy", "--seeds", 2, "--n-per-task", 8, "--jobs", 1, "--out", out)
        == 0
    )
    expected = {f"comparison.{e}" for e in ("csv", "png", "svg")} | {
        "report.html",
        "model.safetensors",
    }
    assert expected <= {p.name for p in out.iterdir()}
    table = pd.read_csv(out / "comparison.csv")
    assert list(table.columns) == COLUMNS
    again = run_comparison("toy", 2, 8, n_jobs=1, progress=False)
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), again.drop(columns="seconds"))
    printed = capsys.readouterr().out
    for row in summary(table).itertuples():
        assert row.strategy in printed and f"{row.mean:.3f}" in printed
    assert "RAG minus the other, paired by seed" in printed
    assert matplotlib.image.imread(out / "comparison.png").shape[1] > 700
    assert xml.etree.ElementTree.parse(out / "comparison.svg").getroot().tag.endswith("svg")


def test_a_csv_of_your_own_will_do(tmp_path, capsys):
    frame = make_toy(n_per_task=20)
    path = tmp_path / "mine.csv"
    frame.assign(label=[LABELS[i] for i in frame["label"]])[["text", "label", "task"]].to_csv(
        path, index=False
    )
    assert run("compare", "--data", path, "--seeds", 1, "--jobs", 1, "--out", tmp_path / "out") == 0
    assert set(pd.read_csv(tmp_path / "out" / "comparison.csv")["data"]) == {"own"}
    assert "RAG" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "mine.csv: should its tasks share weights?" in page
    assert f"compare --data {path} --seeds 1 --out {tmp_path / 'out'}" in page


def test_look_prints_a_table_or_json(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    make_toy(n_per_task=20).to_csv(path, index=False)
    assert run("look", path) == 0
    assert "A look at mine.csv: 80 rows, 4 tasks, 3 classes" in capsys.readouterr().out
    assert run("look", path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 80
    assert run("look", tmp_path / "nowhere.csv") == 2


@pytest.mark.parametrize("name", ["look", "compare", "map", "train", "predict"])
def test_help_names_every_default(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run(name, "--help")
    assert ended.value.code == 0
    assert "default" in capsys.readouterr().out


def test_ctrl_c_ends_with_130(monkeypatch, capsys):
    def stops(options):
        raise KeyboardInterrupt("2 of 20 draws are kept")

    monkeypatch.setattr(command, "run_look", stops)
    assert run("look", "mine.csv") == 130
    assert "2 of 20 draws are kept" in capsys.readouterr().err


def test_the_map_of_winners(tmp_path, capsys, monkeypatch):
    small = who_wins_map((0.0, 1.0), (5, 10), seeds=2, progress=False)
    monkeypatch.setattr(
        importlib.import_module("ragteach.study.experiment"),
        "who_wins_map",
        lambda **options: small,
    )
    assert run("map", "--seeds", 2, "--out", tmp_path) == 0
    cells = pd.read_csv(tmp_path / "who_wins.csv")
    pd.testing.assert_frame_equal(cells, winners(small))
    assert {p.name for p in tmp_path.iterdir()} == {f"who_wins.{e}" for e in ("csv", "png", "svg")}
    assert cells["winner"][0] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "--data", "nowhere.csv"], ("Expected: ", "nowhere.csv", "What to do: ")),
        (["compare", "--seeds", "0"], ("--seeds", "0", "What to do: ")),
        (["compare", "--relatedness", "2"], ("relatedness", "2", "What to do: ")),
        (["compare", "--n-per-task", "0"], ("n_per_task", "0", "What to do: ")),
        (["map", "--seeds", "1"], ("--seeds", "1", "What to do: ")),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(words, said, tmp_path, capsys):
    out = tmp_path / "results"
    assert run(*words, "--jobs", 1, "--out", out) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in said) and "Traceback" not in message
    assert not out.exists() or not list(out.iterdir())


def test_an_unusable_folder_is_refused_before_the_experiment(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run("compare", "--out", tmp_path / "file") == 2
    assert "Expected: --out to be a folder" in capsys.readouterr().err


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def breaks(part):
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command._write(path, breaks)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_as_a_program(tmp_path):
    words = ["compare", "--data", "article", "--seeds", "2", "--jobs", "1", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "ragteach", *words],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "RAG" in done.stdout and "2/2" in done.stderr  # the table, and the progress bar
    assert (tmp_path / "comparison.csv").exists()
