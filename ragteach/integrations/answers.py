"""Answers of a saved model as fields of text: label, probability, and a note.

Enters: what `load` gives, and texts.  Leaves: fields of a tab-separated table; the note says where
the model knows no word of a text.
"""

from __future__ import annotations

import csv
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ragteach.errors import RagteachError, refuse
from ragteach.ground.arguments import among
from ragteach.model import RAG

if TYPE_CHECKING:  # it is imported when there is something to predict
    from ragteach.integrations.saving import Saved

EMPTY = "empty"
SILENT = "no known word"
BY_ALL = "shared weights alone"
ABOUT_SHARED = (  # said once, on standard error
    "These answers are of W_s alone, what all tasks of the training share, with the mean of their "
    "biases: a new task may use its words otherwise, and how often the answers are right there is "
    "not known. Label some of its rows, and train again."
)
# a name with a tab or two lines
IN_ONE_LINE = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r"})


def answered(saved: Saved, task: str | None, texts: list[str]) -> tuple[np.ndarray, list[str]]:
    """(n_docs, n_classes) probabilities, and a note for each text: empty, but where the model knows
    no word of it. Without a task: by what all tasks share.
    """
    from ragteach.data.features import UnknownWordsWarning, silent_texts

    notes = [""] * len(texts)
    if saved.vectorizer:
        silent = set(silent_texts(saved.vectorizer.transform(texts), texts))
        notes = [(SILENT if text.strip() else EMPTY) * (text in silent) for text in texts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownWordsWarning)  # it is said once, at the end
        by_all = task is None
        logits = saved.shared_logits(texts) if by_all else saved.logits(texts, task)  # type: ignore[arg-type]
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)), notes


def said(probability: np.ndarray, labels: list[str], every_class: bool) -> list[str]:
    """The fields that answer one text: label and probability, or that of every class."""
    if every_class:
        return [f"{p:.4f}" for p in probability]
    return [labels[probability.argmax()], f"{probability.max():.4f}"]


def record(fields: list[str]) -> str:
    """One line of a tab-separated table."""
    line = io.StringIO()
    csv.writer(line, delimiter="\t", lineterminator="\r\n").writerow(fields)  # both are quoted
    return line.getvalue().removesuffix("\r\n")


def check_task(option: str, task: str, names: list[str]) -> None:
    """Refuse a task that was not trained, and say what can be done for it.

    Example:
        >>> check_task("--task", "cars", ["films", "books"])  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
        ragteach.errors.RagteachError: Expected: --task to be one of 'films', 'books'
        Got: --task = 'cars'
        What to do: choose one of 'films', 'books'; a new task has no weights of its own here: add
        rows of it to the table and train again; or let what all tasks share answer it: --shared
    """
    try:
        among(option, task, names)
    except RagteachError as error:
        new = (
            "a new task has no weights of its own here: add rows of it to the table and train "
            "again; or let what all tasks share answer it: --shared"
        )
        raise RagteachError(f"{error}; {new}") from None


def class_labels(saved: Saved, task: str | None) -> list[str]:
    """Names of the task's classes; without a task, of those that all tasks share."""
    if task is None:
        saved.check_shared()
        task = saved.model.task_names[0]
    labels = saved.labels.get(task) if isinstance(saved.labels, dict) else saved.labels
    if isinstance(saved.model, RAG):
        n_classes = saved.model.n_classes
    else:
        head = saved.model.head(task)
        if type(head).__name__ != "Classification":
            raise refuse(
                expected="a task that classifies",
                got=f"task {task!r} with the head {type(head).__name__}",
                fix="use load(path).model.predict from Python",
            )
        n_classes = head.size
    return [str(label).translate(IN_ONE_LINE) for label in labels or range(n_classes)]
