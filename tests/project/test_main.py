"""The command line: tables on the screen, whole files on the disk, one clear message for bad
input.
"""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from ragteach import __main__ as command
from ragteach import compare as run_comparison
from ragteach import make_toy, summary, who_wins_map
from ragteach.data.toy import LABELS
from ragteach.study import experiment
from ragteach.study.tables import COLUMNS, winners


def run(*words):
    return command.main([str(w) for w in words])


def run_folder(out, name):
    """The one folder of the one run in ``out``."""
    (folder,) = out.glob(f"{name}-*")
    return folder


def table_of(out, name):
    return pd.read_csv(run_folder(out, name) / "comparison.csv")


def test_compare_prints_and_writes_what_it_measured(tmp_path, capsys):
    out = tmp_path / "results"
    assert (
        run("compare", "--data", "toy", "--seeds", 2, "--n-per-task", 8, "--jobs", 1, "--out", out)
        == 0
    )
    folder = run_folder(out, "toy")
    assert {p.name for p in folder.iterdir()} == {
        "settings.json", "comparison.csv", "comparison.png", "comparison.svg", "report.html",
        "model.safetensors",
    }  # fmt: skip
    table = pd.read_csv(folder / "comparison.csv")
    assert list(table.columns) == COLUMNS
    again = run_comparison("toy", 2, 8, n_jobs=1, progress=False)
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), again.drop(columns="seconds"))
    printed = capsys.readouterr().out
    for row in summary(table).itertuples():
        assert row.strategy in printed and f"{row.mean:.3f}" in printed
    assert "RAG minus the other, paired by seed" in printed
    assert "The intervals are about the mean over fresh training sets" in printed
    assert matplotlib.image.imread(folder / "comparison.png").shape[1] > 700
    assert xml.etree.ElementTree.parse(folder / "comparison.svg").getroot().tag.endswith("svg")


def test_a_csv_of_your_own_will_do(tmp_path, capsys):
    frame = make_toy(n_per_task=20)
    path = tmp_path / "mine.csv"
    frame.assign(label=[LABELS[i] for i in frame["label"]])[["text", "label", "task"]].to_csv(
        path, index=False
    )
    assert run("compare", "--data", path, "--seeds", 1, "--jobs", 1, "--out", tmp_path / "out") == 0
    assert set(table_of(tmp_path / "out", "mine")["data"]) == {"own"}
    assert "RAG" in capsys.readouterr().out
    page = (run_folder(tmp_path / "out", "mine") / "report.html").read_text(encoding="utf-8")
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["look", "m.csv", "--text", "a", "--text", "b"], "argument --text: given twice"),
        (["look", "m.csv", "--rename-label", "a=b", "--rename-label", "a=c"], "--rename-label a=c"),
        (["look", "m.csv", "--label", "label", "--label", "label"], "named more than once"),
        (["look", "m.csv", "--label="], "an empty word, '--label='"),
        (["look", ""], "an empty word, ''"),
        (["look", "m.csv", "more"], "unrecognized arguments: more"),
        (["look"], "the following arguments are required: file"),
        (["compare", "--seeds", "many"], "invalid int value: 'many'"),
        (["compare", "--seeds", "9" * 5000], "invalid int value: '999"),
        (["compare", "--seeds", "9" * 30], "seeds = 999"),
        (["compare", "--jobs", "99999999"], "n_jobs = 99999999"),
        (
            ["compare", "--data", "toy", "--task", "a", "--missing", "drop"],
            "--task, --missing beside",
        ),
        (["train", "m.csv", "--max-words", "-5"], "max_words = -5"),
        (["grade", ".", "--lessons", "01", "99"], "lessons = '99', which has none"),
        (["grade", ".", "--seconds", "1e300"], "seconds = 1e+300"),
    ],
)
def test_words_that_contradict_repeat_or_are_none(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_toy(n_per_task=20).to_csv("m.csv", index=False)
    assert run(*words) == 2
    message = capsys.readouterr().err
    refusal = message[message.index("Expected: ") :]  # train says before what it reads
    assert said in refusal.split("What to do: ")[0]
    assert len(message) < 1200 and sorted(os.listdir()) == ["m.csv"]


def test_a_file_without_its_option_is_told_the_option(capsys):
    assert run("compare", "m.csv", "--seeds", "2") == 2
    assert "What to do: where a command takes its file by an option, write --data m.csv; look" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["compare", "--seed", "5"], "--seeds"),
        (["compare", "--strategie", "RAG"], "--strategies"),
        (["train", "m.csv", "--drop-tasks", "a"], "--drop-task"),
    ],
)
def test_an_option_is_written_in_full_and_the_likely_one_is_named(words, meant, capsys):
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert f"did you mean {meant}?" in said and "Expected: words that" in said


def test_the_map_of_winners(tmp_path, capsys, monkeypatch):
    small = who_wins_map((0.0, 1.0), (5, 10), seeds=2, progress=False)
    monkeypatch.setattr(
        experiment,
        "who_wins_map",
        lambda **options: small,
    )
    assert run("map", "--seeds", 2, "--out", tmp_path) == 0
    cells = pd.read_csv(run_folder(tmp_path, "map") / "who_wins.csv")
    pd.testing.assert_frame_equal(cells, winners(small))
    assert cells["winner"][0] in capsys.readouterr().out
    for values, without in ((np.random.default_rng(0).random(len(small)), False), (0.5, True)):
        table = small.assign(value=values)
        monkeypatch.setattr(experiment, "who_wins_map", lambda table=table, **options: table)
        assert run("map", "--seeds", 2, "--out", tmp_path) == 0
        assert ("NaN: no interval" in capsys.readouterr().out) == without


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "--data", "nowhere.csv"], ("Expected: ", "nowhere.csv", "What to do: ")),
        (["compare", "--seeds", "0"], ("--seeds", "0", "What to do: ")),
        (["compare", "--relatedness", "2"], ("relatedness", "2", "What to do: ")),
        (["compare", "--n-per-task", "0"], ("--n-per-task", "0", "What to do: ")),
        (["compare", "--n-per-task", "9", "9"], ("all different", "9", "What to do: ")),
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
    assert "Expected: out (--out) to be a folder" in capsys.readouterr().err


def test_no_process_is_no_number_of_processes(tmp_path, capsys):
    assert run("compare", "--jobs", "0", "--out", tmp_path / "out") == 2
    assert "Got: n_jobs = 0\n" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_two_runs_share_a_folder_and_overwrite_nothing(tmp_path, capsys):
    """The README's two commands do: other data, or the same with other settings."""
    words = ["--jobs", 1, "--out", tmp_path, "--seeds", 1]
    for more in (["--n-per-task", 7], ["--n-per-task", 8]):
        assert run("compare", *words, *more) == 0
    sizes = [set(pd.read_csv(path)["n_per_task"]) for path in tmp_path.glob("*/comparison.csv")]
    assert sorted(map(list, sizes)) == [[7], [8]]
    before = {path: path.read_bytes() for path in tmp_path.glob("toy-*/comparison.csv")}
    assert run("compare", *words, "--n-per-task", 8, "--resume") == 0
    assert {path: path.read_bytes() for path in tmp_path.glob("toy-*/comparison.csv")} == before


def test_ctrl_c_is_exit_code_130_and_says_what_is_kept(tmp_path, capsys, monkeypatch):
    original, calls = experiment.score, []

    def impatient(*args, **options):
        calls.append(1)
        if len(calls) == 10:  # in the second draw of seven strategies
            raise KeyboardInterrupt
        return original(*args, **options)

    monkeypatch.setattr(experiment, "score", impatient)
    words = ["compare", "--n-per-task", 8, "--seeds", 3, "--jobs", 1, "--out", tmp_path]
    assert run(*words) == 130
    message = capsys.readouterr().err
    assert "Got: Ctrl-C; 1 of 3 draws are finished and kept in" in message
    assert "--resume" in message and "Traceback" not in message
    monkeypatch.undo()
    assert run(*words, "--resume") == 0
    assert table_of(tmp_path, "toy")["seed"].nunique() == 3


def test_help_names_defaults_and_exit_codes(capsys):
    with pytest.raises(SystemExit, match="0"):
        run("compare", "--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "(default: 20)" in said and "(default: 0.5)" in said and "(default: results)" in said
    assert "None" not in said
    with pytest.raises(SystemExit, match="0"):
        run("--help")
    assert "0 done, 2 bad input" in capsys.readouterr().out and command.INTERRUPTED == 130


@pytest.mark.parametrize(
    "closed",
    [
        "<&- >&- 2>&-",
        "| head -c 1",
        *(pytest.param(c, marks=pytest.mark.long) for c in ("<&-", ">&-", "2>&-")),
    ],
)
def test_closed_streams_cost_nothing(tmp_path, closed):
    words = f"-m ragteach compare --data article --seeds 1 --jobs 1 --out {tmp_path}"
    line = f"set -o pipefail; {sys.executable} {words} {closed}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(table_of(tmp_path, "article")) > 0 and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_what_takes_a_closed_stream_s_place_is_left_open_in_silence(monkeypatch, name):
    monkeypatch.setattr(sys, name, None)
    command.open_streams()
    stream = getattr(sys, name)
    assert stream.fileno() == ["stdin", "stdout", "stderr"].index(name)
    file = stream.buffer.raw
    assert not file.closefd  # Python warns of a file that nobody closed, if it was to be closed


def test_as_a_program(tmp_path):
    words = ["compare", "--data", "article", "--seeds", "2", "--jobs", "1", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "ragteach", *words],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "RAG" in done.stdout and "2/2" in done.stderr  # the table, and the progress bar
    assert len(table_of(tmp_path, "article")) > 0
