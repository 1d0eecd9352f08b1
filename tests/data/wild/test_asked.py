"""Files named on the command line: errors speak of options, and options do what they say."""

import argparse

import pytest

from ragteach import __main__ as command
from ragteach.data.wild.asked import asked_frame, in_options
from ragteach.errors import RagteachError


def options(**given):
    defaults = {"text": None, "label": None, "task": None, "encoding": None}
    defaults |= {"separator": None, "missing": "ask"}
    return argparse.Namespace(**defaults | given)


@pytest.fixture
def german(tmp_path):
    """A semicolon file as a German Excel writes it."""
    lines = ["Bewertung;Urteil;Abteilung"]
    for i in range(20):
        lines += [f'"Die Tür {i} war schön; ja";gut;Möbel', f"Das Menü {i} war übel;schlecht;Küche"]
    path = tmp_path / "deutsch.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


COLUMNS = {"text": "Bewertung", "label": "Urteil", "task": "Abteilung"}


def test_names_survive_encoding_separator_and_column_names(german):
    frame = asked_frame(german, options(encoding="cp1252", **COLUMNS))
    assert frame.attrs["label_names"] == ["gut", "schlecht"]
    assert set(frame["task"]) == {"Möbel", "Küche"}
    assert frame["text"].str.contains("schön; ja").sum() == 20


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "--encoding cp1252"),
        ({"encoding": "cp1252"}, "--label "),
        ({"encoding": "cp1252", **COLUMNS, "task": "Laden"}, "no column 'Laden'"),
    ],
)
def test_errors_name_options(german, given, said, capsys):
    with pytest.raises(RagteachError, match=said):
        asked_frame(german, options(**given))
    words = [part for name, value in given.items() for part in (f"--{name}", value)]
    assert command.main(["look", str(german), *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("use missing=\"drop\" or missing='keep'", "use --missing drop or --missing keep"),
        ("say text='review'", "say --text review"),
        ("say text='Review Text'", "say --text 'Review Text'"),
        ("per task: label=['a b', 'c']", "per task: --label 'a b' --label c"),
        ("read it: rt.load_table(path, quotes=False)", "read it: --no-quotes"),
        ("with rt.load_table(path, encoding='cp1252') it reads", "with --encoding cp1252 it reads"),
        ("mean: rt.load_table(path, sheet='May 1')", "mean: --sheet 'May 1'"),
        ("n_classes=3 stays", "n_classes=3 stays"),
        (
            "n_per_task = 50 leaves 2. Set n_per_task to 9",
            "--n-per-task 50 leaves 2. Set --n-per-task to 9",
        ),
        ("lower least_rows=9", "lower --least-rows 9"),
        ("or rt.mend(data, drop_tasks=['a']), in a terminal --drop-task a", "or --drop-task a"),
    ],
)
def test_arguments_become_options(error, said):
    with pytest.raises(RagteachError) as raised, in_options():
        raise RagteachError(error)
    assert str(raised.value) == said


def test_quotes_and_sheets_are_options(tmp_path, capsys):
    path = tmp_path / "quotes.csv"
    rows = "".join(f"text {i},{i % 2},films\n" for i in range(9))
    path.write_text(f'text,label,task\n"bad,0,films\n{rows}', encoding="utf-8")
    assert command.main(["look", str(path)]) == 2
    assert "other: --no-quotes" in capsys.readouterr().err
    assert command.main(["look", str(path), "--no-quotes"]) == 0
    said = capsys.readouterr()
    assert said.err == f"Looking at {path}\n10 rows read; looking for texts that are alike\n"
    assert "10 rows" in said.out
    assert command.main(["look", str(path), "--sheet", "A"]) == 2
    assert "which has no sheets" in capsys.readouterr().err


def test_look_then_train_then_predict(german, tmp_path, capsys):
    words = ["--encoding", "cp1252"]
    words += [part for name, value in COLUMNS.items() for part in (f"--{name}", value)]
    assert command.main(["look", str(german), *words]) == 0
    assert "deutsch.csv: 40 rows, 2 tasks, 2 classes" in capsys.readouterr().out
    model, sentences = tmp_path / "m.safetensors", tmp_path / "s.txt"
    assert command.main(["train", str(german), "--save", str(model), *words]) == 0
    sentences.write_text("Die Tür war schön\n", encoding="utf-8")
    capsys.readouterr()
    assert command.main(["predict", str(model), "--task", "Möbel", "--input", str(sentences)]) == 0
    assert capsys.readouterr().out.split("\t")[0] == "gut"


def test_compare_reads_it_too(german, tmp_path, capsys):
    words = ["--encoding", "cp1252", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path / "out")]
    words += [part for name, value in COLUMNS.items() for part in (f"--{name}", value)]
    assert command.main(["compare", "--data", str(german), *words]) == 0
    page = next((tmp_path / "out").rglob("report.html")).read_text(encoding="utf-8")
    assert "Küche" in page and "schlecht" in page and "--encoding cp1252" in page
