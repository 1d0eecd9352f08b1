"""Exercise 10-8: an audit of training and test sentences that the learner owns; checked column by column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ragteach.teach.checks import Wrong, call, exercise, expect, expect_close, finished


def audit(train, test):
    """The reference of 10-8."""

    def normal(texts):
        texts = texts.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True)
        return texts.str.strip()

    train = train.assign(key=normal(train["text"]))
    test = test.assign(key=normal(test["text"]))
    classes = sorted(train["label"].unique())
    words = set(" ".join(train["key"]).split())
    report = {}
    for task in train["task"].unique():
        own = train[train["task"] == task]
        new = test[test["task"] == task]
        shares = own["label"].value_counts(normalize=True).reindex(classes, fill_value=0.0)
        usual = shares.idxmax()  # of two that are as frequent, the smaller label
        said = " ".join(new["key"]).split()
        report[task] = {
            "sentences": len(own),
            "rarest": shares.min(),
            "contradictions": (own.groupby("key")["label"].nunique() > 1).sum(),
            "leaked": new["key"].isin(train["key"]).mean(),
            "floor": (new["label"] == usual).mean(),
            "unknown": np.mean([word not in words for word in said]),
        }
    return pd.DataFrame(report).T


COLUMNS = ("sentences", "rarest", "contradictions", "leaked", "floor", "unknown")
TRAIN = [  # text, task, label
    ("Good film", "films", 2), ("good film!", "films", 0), ("A dull plot", "films", 0),
    ("Dull, dull, dull", "films", 0), ("The plot is fine", "films", 1), ("Never again", "films", 0),
    ("Good film.", "cars", 0), ("Loud engine", "cars", 0), ("A fine engine", "cars", 2),
    ("loud ENGINE", "cars", 0), ("Brakes: superb", "cars", 2), ("Superb brakes", "cars", 2),
    ("So so", "cars", 1), ("Cold soup", "food", 0), ("Fine soup", "food", 2),
    ("fine_soup", "food", 2), ("Best soup of all", "food", 2),
]  # fmt: skip
TEST = [
    ("never AGAIN", "films", 2),
    ("GOOD FILM", "films", 2), ("A warm plot", "films", 2), ("Superb superb superb acting", "films", 1),
    ("A dull engine", "films", 0), ("Loud engine!", "cars", 1), ("good film", "cars", 0),
    ("Rust, rust and rust", "cars", 0), ("Fine", "cars", 1), ("Never again!", "food", 0),
    ("Warm soup", "food", 2), ("Bad bad bad bread", "food", 0),
]  # fmt: skip


def frames(turned: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Small frames with every fault in them; turned: other labels, and a test sentence fewer a task."""
    parts = []
    for rows in (TRAIN, TEST):
        frame = pd.DataFrame(rows, columns=["text", "task", "label"])
        if turned:
            frame["label"] = 2 - frame["label"]
            frame = frame.drop(frame.groupby("task").tail(1).index) if rows is TEST else frame
        parts.append(frame.sample(frac=1, random_state=4).reset_index(drop=True))
    return parts[0], parts[1]


def _normal(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def slips(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """{column: {what to say: {task: what that slip gives}}}."""
    tasks = list(train["task"].unique())
    own = {t: train[train["task"] == t].assign(key=lambda f: f["text"].map(_normal)) for t in tasks}
    new = {t: test[test["task"] == t].assign(key=lambda f: f["text"].map(_normal)) for t in tasks}
    everything = set(train["text"].map(_normal))
    words = set(" ".join(everything).split())
    most = train["label"].value_counts().sort_index().idxmax()

    def each(value: Any) -> dict[str, float]:
        return {t: float(value(own[t], new[t])) for t in tasks}

    def labels(frame: pd.DataFrame, of: str = "key") -> pd.Series:
        return frame.groupby(of)["label"].nunique()

    def said(frame: pd.DataFrame) -> list[str]:
        return " ".join(frame["key"]).split()

    twice = train.assign(key=train["text"].map(_normal))
    anywhere = set(labels(twice)[labels(twice) > 1].index)
    n_classes = train["label"].nunique()
    return {
        "sentences": {
            "sentences: these are test sentences. Count those to train on.": each(
                lambda o, n: len(n)
            ),
            "sentences: doubles count as well; you counted different texts.": each(
                lambda o, n: o["key"].nunique()
            ),
            "sentences: training and test sentences together. Count those to train on.": each(
                lambda o, n: len(o) + len(n)
            ),
        },
        "rarest": {
            "rarest: a class that a task never has is its rarest, with share 0.": each(
                lambda o, n: o["label"].value_counts(normalize=True).min()
            ),
            "rarest: this is the share of the most frequent class.": each(
                lambda o, n: o["label"].value_counts(normalize=True).max()
            ),
            "rarest: this is a number of sentences. A share is asked.": each(
                lambda o, n: o["label"].value_counts().reindex(range(3), fill_value=0).min()
            ),
            "rarest: these are shares of all training sentences. Divide by the task's own.": each(
                lambda o, n: (
                    o["label"].value_counts().reindex(range(n_classes), fill_value=0).min()
                    / len(train)
                )
            ),
            "rarest: these are the labels of the test sentences. What can be learned stands in training.": each(
                lambda o, n: (
                    n["label"].value_counts(normalize=True).reindex(range(3), fill_value=0).min()
                )
            ),
        },
        "contradictions": {
            "contradictions: normalise the texts first: 'Good film' and 'good film!' are one text.": each(
                lambda o, n: (labels(o, "text") > 1).sum()
            ),
            "contradictions: one text may mean another thing in another task. Count within each task.": each(
                lambda o, n: len(anywhere & set(o["key"]))
            ),
            "contradictions: these are all doubles. Asked are texts that have more than one label.": each(
                lambda o, n: (o["key"].value_counts() > 1).sum()
            ),
            "contradictions: count texts, not the sentences that have them.": each(
                lambda o, n: (o.groupby("key")["label"].transform("nunique") > 1).sum()
            ),
            "contradictions: these are in the test sentences as well. Look at the training sentences.": each(
                lambda o, n: (labels(pd.concat([o, n])) > 1).sum()
            ),
        },
        "leaked": {
            "leaked: normalise the texts on both sides, as in 10-3.": each(
                lambda o, n: n["text"].isin(train["text"]).mean()
            ),
            "leaked: W_s reads the sentences of all tasks, so a twin in any of them is a leak.": each(
                lambda o, n: n["key"].isin(o["key"]).mean()
            ),
            "leaked: this is the share of training sentences with a twin in the test set. Turn it round.": each(
                lambda o, n: o["key"].isin(test["text"].map(_normal)).mean()
            ),
            "leaked: this is the share that did NOT leak.": each(
                lambda o, n: 1 - n["key"].isin(everything).mean()
            ),
            "leaked: this is a number of sentences. A share is asked.": each(
                lambda o, n: n["key"].isin(everything).sum()
            ),
        },
        "floor": {
            "floor: the test labels chose the usual class. The training labels must.": each(
                lambda o, n: n["label"].value_counts(normalize=True).max()
            ),
            "floor: this is how often the usual class occurs in training. Read the test sentences with it.": each(
                lambda o, n: o["label"].value_counts(normalize=True).max()
            ),
            "floor: every task has a usual class of its own; yours is that of all sentences.": each(
                lambda o, n: (n["label"] == most).mean()
            ),
            "floor: of two classes that are equally frequent in training, take the smaller label.": each(
                lambda o, n: (
                    n["label"] == o["label"].value_counts().sort_index(ascending=False).idxmax()
                ).mean()
            ),
            "floor: this is the error rate. How many does the usual class get right?": each(
                lambda o, n: (n["label"] != o["label"].value_counts().sort_index().idxmax()).mean()
            ),
        },
        "unknown": {
            "unknown: count every word as often as it is said, not each different word once.": each(
                lambda o, n: np.mean([w not in words for w in sorted(set(said(n)))])
            ),
            "unknown: a word of another task's sentences is known, too: the vocabulary is one for all.": each(
                lambda o, n: np.mean([w not in set(said(o)) for w in said(n)])
            ),
            "unknown: this is the share of words that ARE known.": each(
                lambda o, n: np.mean([w in words for w in said(n)])
            ),
            "unknown: split the NORMALISED texts into words: 'Rust,' is rust.": each(
                lambda o, n: np.mean(
                    [
                        w not in set(" ".join(train["text"]).split())
                        for w in " ".join(n["text"]).split()
                    ]
                )
            ),
            "unknown: this is the share of sentences with an unknown word. Count words.": each(
                lambda o, n: np.mean([not set(k.split()) <= words for k in n["key"]])
            ),
        },
    }


@exercise(
    "10-8",
    title="An audit of your own",
    difficulty="medium",
    minutes=30,
    trains="asking of any two files what should be known before a model is trained",
    hints=[
        "First make the normalised texts a column of both frames, as in 10-3. Then loop over the "
        "tasks: own = its training sentences, new = its test sentences.",
        "rarest: value_counts(normalize=True).reindex(classes, fill_value=0).min(), where classes "
        "are those of the whole training set. floor: the usual class comes from own, and is "
        "compared with new's labels.",
        'contradictions: (own.groupby("key")["label"].nunique() > 1).sum(). leaked: '
        'new["key"].isin(train["key"]).mean().',
        'unknown: words = set(" ".join(train["key"]).split()); then the mean of word not in words '
        'over " ".join(new["key"]).split().',
    ],
    reference=audit,
    reason="Six numbers a task, and none of them needs a model.",
    rule="what is learned comes from training sentences, and from all tasks where W_s reads them; "
    "what is judged is the task's own test sentences.",
)
def own_audit(yours: object) -> str:
    """Two pairs of small frames with every fault in them; column by column, task by task."""
    for turned in (False, True):
        train, test = frames(turned)
        found = _as_rows(call(yours, train, test))
        right = audit(train, test).to_dict("index")
        wrong = slips(train, test)
        _complete(found, right)
        tasks = list(right)
        for column in COLUMNS:
            expect_close(
                [found[task][column] for task in tasks],
                [right[task][column] for task in tasks],
                wrong=[([s[task] for task in tasks], said) for said, s in wrong[column].items()],
                what=f"{column}, of {', '.join(tasks)},",
            )
    return "Your audit sees all that was hidden in these frames."


def _as_rows(found: object) -> dict:
    """{task: {column: number}}, whether it came as a table, turned or not, or as dicts."""
    if isinstance(found, pd.DataFrame):
        table = found if set(COLUMNS) & set(found.columns) else found.T
        if "task" in table.columns:
            table = table.set_index("task")
        return table.to_dict("index")
    if isinstance(found, Mapping) and set(found) & set(COLUMNS):
        return pd.DataFrame(found).to_dict("index")
    if isinstance(found, Mapping) and all(isinstance(row, Mapping) for row in found.values()):
        return {task: dict(row) for task, row in found.items()}
    raise Wrong(
        "Return a table with a row for each task, or a dict of dicts; yours is a "
        f"{type(found).__name__}."
    )


def _complete(found: dict, right: dict) -> None:
    missing = [task for task in right if task not in found]
    expect(not missing, f"No row for {', '.join(map(str, missing))}: one for each task.")
    gone = [column for column in COLUMNS if column not in next(iter(found.values()))]
    expect(not gone, f"No column {', '.join(gone)}. They are called {', '.join(COLUMNS)}.")
    for row in found.values():
        finished(dict(row), "Some numbers are not there yet.")
