"""Any table: the predictions of scikit-learn's logistic regressions, task by task, or an error that says
what to do before anything is trained. Never a class that is not there, never a changed name.
"""

import csv
import gzip
import io
import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from problems import refused
from sklearn.linear_model import LogisticRegression

from ragteach import RAG, MultiTaskDataset, RagteachError, load, save, solve
from ragteach.data.features import make_vectorizer
from ragteach.data.frames import as_frame, named_frame
from ragteach.data.naming import natural

LAM = 0.05
LABELS = {
    "gaps": [400001, 400000, 7],
    "negative": [-1, -2, 3],
    "stars": [1, 5, 3],
    "floats": [0.0, 1.0, 2.0],
    "halves": [0.5, 1.5, 2.5],
    "words": ["angry", "calm", "happy"],
    "numbers as text": ["10", "9", "2"],
    "booleans": [True, False, True],
    "other scripts": ["好", "悪い", "très bien"],
    "numbered": ["step 10", "step 2", "Step 3"],
    "sentences": ["Yes, I would; often.", "No: never!", "I don't know"],
    "decimal commas": ["0,5", "10,5", "2,5"],
    "priorities": ["P1 - Critical", "P2 - High", "P3 - Low"],
    "emoji": ["😡", "👍🏽", "😍😍"],
}
CLOTHES = {
    "list": list,
    "series": pd.Series,
    "category": lambda v: pd.Series(v).astype("category"),
    "object": lambda v: pd.Series(v, dtype=object),
    "nullable": lambda v: pd.Series(v).convert_dtypes(),
    "array": np.array,
    "Arrow": lambda v: arrow_of(v),
}
FORMS = {  # what a person has: the frame itself, or a file of it
    "frame": lambda frame: frame,
    "csv": lambda frame: frame.to_csv(index=False).encode(),
    "semicolons in UTF-16": lambda frame: frame.to_csv(index=False, sep=";").encode("utf-16"),
    "packed": lambda frame: gzip.compress(frame.to_csv(index=False).encode()),
    "JSON lines": lambda frame: io.StringIO(lines_of(frame)),
}
HOLES = [None, float("nan"), "", "  ", "unknown", "N/A", "<NA>", "(no label)", "not_labeled", "?"]
TASKS = [[1000, 2000], [1, 2], ["films", "cars"], [True, False], ["タスク", "b.c"], [0.0, 3.0]]
ENCODINGS = "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 cp1252 shift_jis".split()
ENDS = [
    "",
    "",
    ", and; so|on",
    ' "quoted"',
    "\n\nin two lines",
    "\tafter a tab",
    " schön",
    " とても",
]
WORDS = ["good", "bad", "loud", "quiet", "film", "car", "don't", "अच्छी"]


def arrow_of(values):
    pytest.importorskip("pyarrow", reason="the extra 'files' is not installed")
    return pd.Series(values).convert_dtypes(dtype_backend="pyarrow")


def lines_of(frame):
    return frame.reset_index(drop=True).astype(object).to_json(orient="records", lines=True)


def map_names(values):
    return [as_name(value) for value in values]


def as_name(value):
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@st.composite
def tables(draw):
    labels = LABELS[draw(st.sampled_from(sorted(LABELS)))]
    tasks = draw(st.sampled_from(TASKS))
    n = draw(st.integers(12, 30))
    texts = [
        " ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))) for _ in range(n)
    ]
    y = [labels[draw(st.integers(0, 2))] for _ in range(n)]
    task = [tasks[draw(st.integers(0, 1))] for _ in range(n)]
    dress = CLOTHES[draw(st.sampled_from(sorted(CLOTHES)))]
    index = draw(st.sampled_from([None, [0] * n, list(range(n, 0, -1))]))
    frame = pd.DataFrame({"text": texts, "label": dress(y), "task": dress(task)})
    return frame if index is None else frame.set_axis(index), y, task


@given(tables())
@settings(max_examples=15, deadline=None, phases=[Phase.generate], derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_any_table_gives_what_scikit_learn_gives_or_is_refused(table):
    frame, y, task = table
    try:
        data = MultiTaskDataset.from_frame(frame)
    except RagteachError as error:
        assert "in common" in str(error)  # the only reason that such a table can give
        return
    assert set(data.class_names) == set(map(as_name, y))
    assert set(data.task_names) == set(map(as_name, task))
    names = [data.class_names[c] for c in data.y]
    assert names == list(map(as_name, y))
    check_predictions(data, frame["text"].tolist(), names, list(map(as_name, task)))


def check_predictions(data, texts, labels, tasks):
    """The models of single tasks answer every text as scikit-learn's, fitted on what was meant."""
    model = RAG.independent(data.n_features, data.n_classes, tasks=data.task_names)
    solve(model.double(), data, lam=LAM, lam_shared=0.0, tol=1e-8)
    assert model.class_names == data.class_names
    x = make_vectorizer(analyzer="auto").fit_transform(texts).astype(float)
    for name in data.task_names:
        rows = [i for i, task in enumerate(tasks) if task == name]
        truth = np.array(labels)[rows]
        if len(set(truth)) != data.n_classes or data.n_classes < 2:
            continue  # scikit-learn has no column for a class that the task lacks
        # J = mean CE + lam/2 |W|^2 is scikit-learn's sum CE + 1/(2C) |W|^2 at C = 1/(lam n); of two
        # classes it keeps one row w = W_1 - W_0, and |W|^2 = |w|^2 / 2
        c = (2 if data.n_classes == 2 else 1) / (LAM * len(truth))
        rival = LogisticRegression(C=c, tol=1e-10, max_iter=5000).fit(x[rows], truth)
        there = data.vectorizer.transform([texts[i] for i in rows]).toarray().astype(float)
        ours = model(torch.from_numpy(there), name).detach().softmax(1).numpy()
        theirs = rival.predict_proba(x[rows])
        theirs = theirs[:, [list(rival.classes_).index(c) for c in data.class_names]]
        np.testing.assert_allclose(ours, theirs, atol=2e-4)


@st.composite
def files(draw):
    """(bytes, how they are to be read, texts, labels, tasks): a file as some program writes it,
    with rows that lack a name.
    """
    frame, y, task = draw(tables())
    frame = frame.reset_index(drop=True).astype(object)
    texts = [f"{text}{draw(st.sampled_from(ENDS))}" for text in frame["text"]]
    frame["text"] = texts
    gaps = draw(st.lists(st.integers(0, len(y) - 1), max_size=4, unique=True))
    for place in gaps:
        frame.loc[place, draw(st.sampled_from(["label", "task"]))] = draw(st.sampled_from(HOLES))
    frame["more"] = range(len(frame))
    frame = frame[draw(st.permutations(list(frame.columns)))]
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    ways = [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]
    quoting = draw(st.sampled_from(ways[: 2 if newline == "\r" else 3]))  # else \n goes unquoted
    separator = draw(st.sampled_from(",;\t|"))
    out = frame.to_csv(index=False, sep=separator, quoting=quoting, lineterminator=newline)
    encoding = draw(st.sampled_from(ENCODINGS))
    try:
        raw = out.encode(encoding)
    except UnicodeEncodeError:  # no signs of its own for these
        encoding = "utf-8"
        raw = out.encode()
    named = {"encoding": encoding} if encoding in ("cp1252", "shift_jis") else {}
    kept = [i for i in range(len(y)) if i not in gaps]
    parts = ([values[i] for i in kept] for values in (texts, map_names(y), map_names(task)))
    return raw, named, *parts


@given(files())
@settings(max_examples=25, deadline=None, phases=[Phase.generate], derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_any_file_gives_what_scikit_learn_gives_or_is_refused(file):
    raw, named, texts, labels, tasks = file
    try:
        data = MultiTaskDataset.from_frame(raw, missing="drop", **named)
    except RagteachError as error:
        assert re.search("in common|at least one row", str(error))
        return
    assert data.texts == texts, raw
    assert [data.class_names[c] for c in data.y] == labels
    assert [data.task_names[t] for t in data.task] == tasks
    assert set(data.class_names) == set(labels) and set(data.task_names) == set(tasks)
    check_predictions(data, texts, labels, tasks)


@given(tables(), st.sampled_from(sorted(FORMS)))
@settings(max_examples=40, deadline=None, phases=[Phase.generate], derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_any_file_of_a_table_has_its_names(table, form):
    frame, y, task = table
    made = named_frame(FORMS[form](frame))
    names = made.attrs["label_names"]
    assert [names[c] for c in made["label"]] == list(map(as_name, y))
    assert made["task"].tolist() == list(map(as_name, task))
    assert names == sorted(set(map(as_name, y)), key=natural)  # none that no row has
    assert made["text"].tolist() == frame["text"].tolist()


@given(tables(), st.data())
@settings(max_examples=60, deadline=None, phases=[Phase.generate], derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_rows_without_a_name_are_asked_about_and_never_made_a_class(table, data):
    frame, y, task = table
    frame = frame.reset_index(drop=True).astype(object)
    role = data.draw(st.sampled_from(["label", "task"]))
    places = data.draw(st.lists(st.integers(0, len(y) - 1), min_size=1, max_size=4, unique=True))
    for place in places:
        frame.loc[place, role] = data.draw(st.sampled_from(HOLES))
    with refused(f"a {role} in every row", f"{len(places)} of {len(y)} rows without", "drop"):
        named_frame(frame)
    kept = [i for i in range(len(y)) if i not in places]
    made = named_frame(frame, missing="drop")
    names = made.attrs["label_names"]
    assert [names[c] for c in made["label"]] == [as_name(y[i]) for i in kept]
    assert made["task"].tolist() == [as_name(task[i]) for i in kept]
    assert set(names) == {as_name(y[i]) for i in kept}


@given(tables(), st.integers(0, 12), st.sampled_from(["frame", "csv", "semicolons in UTF-16"]))
@settings(max_examples=20, deadline=None, phases=[Phase.generate], derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_a_header_in_the_middle_is_no_class(table, place, form):
    frame, y, task = table
    frame = frame.reset_index(drop=True).astype(object)
    header = pd.DataFrame([list(frame.columns)], columns=frame.columns)
    both = pd.concat([frame[:place], header, frame[place:]], ignore_index=True)
    made = named_frame(FORMS[form](both))
    names = made.attrs["label_names"]
    assert [names[c] for c in made["label"]] == list(map(as_name, y))
    assert made["task"].tolist() == list(map(as_name, task))
    assert made.attrs["mended"] == ["1 row that repeats the header is left out"]


def test_labels_that_only_tell_rows_apart_are_refused():
    frame = pd.DataFrame({"text": ["a", "b"] * 30, "key": [f"r{i:03}" for i in range(60)]})
    with refused("labels that repeat", "'key' with 60 different labels in 60 rows", "label='...'"):
        named_frame(frame, label="key")
    many = pd.DataFrame({"text": ["a", "b"] * 42, "key": [f"c{i % 42:02}" for i in range(84)]})
    assert len(named_frame(many, label="key").attrs["label_names"]) == 42


def test_a_filtered_table_has_no_phantom_class(tmp_path):
    frame = pd.DataFrame({"text": ["a b", "b", "c"] * 4, "label": ["x", "y", "z"] * 4, "task": "t"})
    made = as_frame(frame)
    for table in (frame[frame["label"] != "y"], made[made["label"] != 1]):
        data = MultiTaskDataset.from_frame(table)
        assert data.class_names == ["x", "z"] and data.y.max() == 1


def test_names_go_in_and_come_out_of_a_file(tmp_path):
    frame = pd.DataFrame(
        {"review": ["good", "bad"] * 3, "stars": [5, 1] * 3, "domain": [7, 7, 8] * 2}
    )
    data = MultiTaskDataset.from_frame(frame)
    model = RAG(data.n_features, data.n_classes, data.n_tasks, tasks=data.task_names)
    solve(model, data, 0.01, 0.01)
    saved = load(save(tmp_path / "m.safetensors", model, data.vectorizer))
    assert saved.labels == ["1", "5"] and saved.model.task_names == ["7", "8"]
    assert saved.model.columns == {"text": "review", "label": "stars", "task": "domain"}
    other = MultiTaskDataset.from_frame(frame.assign(stars=[3, 4] * 3))
    with refused("data with the model's classes: ['1', '5']", "['3', '4']", "like=train"):
        solve(model, other, 0.01, 0.01)


def test_a_dataset_shows_itself_as_a_table():
    frame = pd.DataFrame(
        {"text": ["good", "bad", "so"], "label": ["y", "n", "y"], "task": ["a", "a", "b"]}
    )
    lines = repr(MultiTaskDataset.from_frame(frame)).splitlines()
    assert lines[0] == "MultiTaskDataset: 3 examples, 2 tasks, 2 classes, 3 features"
    assert [line.split() for line in lines[1:4]] == [
        ["n", "y", "all"], ["a", "1", "1", "2"], ["b", "0", "1", "1"]
    ]  # fmt: skip


class Polars:
    """What matters of a polars frame."""

    def __init__(self, columns):
        self.columns = columns

    def get_columns(self):
        return [
            type("Series", (), {"name": n, "to_list": lambda s, v=v: v})()
            for n, v in self.columns.items()
        ]

    def to_pandas(self):
        raise ModuleNotFoundError("pyarrow")


def test_polars_frames_and_one_label_column_per_task():
    columns = {"text": ["a b", "b c", "c"], "mood": [1, 2, 1], "tone": [2, None, 1]}
    data = MultiTaskDataset.from_frame(Polars(columns), label=["mood", "tone"])
    assert data.task_names == ["mood", "tone"] and data.class_names == ["1", "2"]
    assert data.sizes.tolist() == [3, 2] and data.y.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("hole", [None, float("nan"), ""])
def test_missing_texts_are_asked_about(hole):
    frame = pd.DataFrame({"text": ["a", hole, "b"], "label": [0, 1, 1], "task": "t"})
    with refused("a text in every row", "empty text in data rows [2]", 'missing="drop"'):
        MultiTaskDataset.from_frame(frame)
    assert len(MultiTaskDataset.from_frame(frame, missing="drop")) == 2


def test_tasks_that_are_missing_are_refused():
    for hole in (None, float("nan"), ""):
        with refused("a task for every document", "none for document 1", "name their task"):
            MultiTaskDataset(["a", "b"], [0, 1], 2, ["t", hole])
    with refused("one label per document, since its task is given", "2 columns", "leave tasks out"):
        MultiTaskDataset(["a", "b"], [[0, 1], [1, 0]], 2, ["t", "u"])
