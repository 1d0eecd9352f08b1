"""Every door has the same options of reading: one file that needs all of them, at all doors."""

import pandas as pd
import pytest
from problems import refused

import ragteach as rt
from ragteach.__main__ import _parsed
from ragteach.data.frames import any_frame
from ragteach.data.wild.asked import asked_frame, asked_table
from ragteach.study.experiment import compare

N = 60
READING = {"encoding": "cp1252", "separator": "~"}
COLUMNS = {"text": "sagt", "label": "wie", "task": "wo"}
OPTIONS = {**READING, **COLUMNS, "missing": "drop", "analyzer": "char"}
WORDS = "schön größer müde früh Straße über Wäsche Tür Köln Bär".split()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Texts in cp1252 between tildes, of which one has no label."""
    path = tmp_path_factory.mktemp("mine") / "mine.csv"
    lines = ["wo~sagt~wie~text"]
    for i in range(N):
        said = " ".join(f"{WORDS[(i * k + k) % 10]}{i * 7919 + k}" for k in range(6))
        lines.append(f"{'ab'[i % 2]}~{said}~{'' if i == 9 else 'ja' if i % 3 else 'nein'}~x")
    path.write_bytes("\n".join(lines).encode("cp1252"))
    return path


def rows_of(frame):
    text = frame[COLUMNS["text"] if "sagt" in frame else "text"]
    assert text.str.contains("[äöüß]").all()
    return len(frame)


def split_rows(path, **options):
    parts = rt.split_frame(path, **options)
    assert all(part.attrs["analyzer"] == "char" for part in parts)
    return sum(map(rows_of, parts))


def dataset_rows(path, **options):
    data = rt.MultiTaskDataset.from_frame(path, **options)
    assert data.vectorizer.analyzer == "char_wb"
    return len(data)


def mended_rows(path, **options):
    table = rt.mend(path, **options)
    assert rows_of(table) == N  # the rows are left out by whoever gets the table
    assert rt.MultiTaskDataset.from_frame(table).vectorizer.analyzer == "char_wb"
    return rows_of(any_frame(table))


def compared_rows(path, **options):
    table = compare(path, 1, strategies=["full sharing"], progress=False, n_jobs=1, **options)
    words = table["n_params"].max()
    known = compare(rt.as_frame(path, **options), 1, None, ["full sharing"], 1, False)
    assert words == known["n_params"].max() > 1000  # runs of letters, not 200 words
    return N - 1


def fitted_rows(path, **options):
    split = rt.fit_split(path, strategies=["full sharing"], **options)
    assert split.vectorizer.analyzer == "char_wb"
    return sum(map(rows_of, (split.train, split.val, split.test)))


def looked_rows(path, **options):
    return rt.look(path, **{k: v for k, v in options.items() if k != "missing"}).n_rows


DOORS = {
    "as_frame": lambda path, **options: rows_of(rt.as_frame(path, **options)),
    "mend": mended_rows,
    "split_frame": split_rows,
    "from_frame": dataset_rows,
    "look": looked_rows,
    "compare": compared_rows,
    "fit_split": fitted_rows,
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_file_that_needs_every_option_passes_every_door(door, path):
    assert door(path, **OPTIONS) == N - 1


@pytest.mark.parametrize("command", ["look", "compare", "train"])
def test_so_it_does_every_command(command, path, tmp_path):
    words = [f"--{name}={value}" for name, value in OPTIONS.items()]
    words += ["--rename-label=nein=no", "--drop-task=a", "--least-rows=2", "--no-quotes"]
    if command == "look":
        words.remove("--missing=drop")
    file = ["--data", str(path)] if command == "compare" else [str(path)]
    options = _parsed([command, *file, *words])
    table, _ = asked_table(str(path), options)
    assert rows_of(table) == N // 2 and "no" in set(table["wie"])
    if command != "look":
        frame = asked_frame(str(path), options)
        assert frame.attrs["analyzer"] == "char" and rows_of(frame) == N // 2 - 1
        assert frame.attrs["task_names"] == ["b"]


@pytest.mark.parametrize("door", [rt.as_frame, rt.mend, rt.split_frame])
def test_an_option_that_is_none_is_named(door, path):
    with refused("option", "encodin", "did you mean 'encoding'?"):
        door(path, encodin="cp1252")
    with refused("a path", "encoding beside a DataFrame", "leave encoding out"):
        door(pd.DataFrame({"text": ["a"], "label": ["b"]}), encoding="cp1252")


def test_words_are_counted_where_it_is_said():
    table = {"text": ["gut 😀", "schlecht 😡"] * 3, "label": [1, 0] * 3}
    for analyzer, found in (("word", "word"), ("auto", "char_wb"), ("char", "char_wb")):
        frame = rt.as_frame(table, analyzer=analyzer)
        data = rt.MultiTaskDataset.from_frame(frame)
        assert data.vectorizer.analyzer == found
        again = rt.MultiTaskDataset.from_frame(frame, like=data)
        assert again.vectorizer is data.vectorizer
    with refused("analyzer to be one of", "'letters'", "choose"):
        rt.as_frame(table, analyzer="letters")
