"""Labels and tasks as they come, as numbers: what a dataset does with them.

Enters: labels of shape (n_docs,) with the documents' tasks, or (n_docs, n_tasks).  Leaves: one
    entry
for each label that is there: its document, its task, its class.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ragteach.data.naming import name_column
from ragteach.errors import RagteachError, is_list, refuse, shown
from ragteach.ground.arguments import distinct, members
from ragteach.ground.objects import as_array, attribute, one_value
from ragteach.tensors import MISSING


def as_examples(
    labels: Any, n_docs: int, n_classes: int, tasks: Any, task_names: Any
) -> tuple[Tensor, Tensor, Tensor, list[str]]:
    """(doc, task, y, task_names) of all labels that are there."""
    labels = _labels(labels, n_docs)
    doc, *column = np.nonzero(labels != MISSING)  # labels with two axes have one column per task
    y = labels[doc, *column]
    if len(y) and not (0 <= y.min() and y.max() < n_classes):
        raise refuse(
            expected=f"labels 0 .. {n_classes - 1}, or {MISSING} for a missing one",
            got=f"label {y[(y < 0) | (y >= n_classes)][0]}",
            fix="number the classes from 0, set num_classes, or mark missing labels with "
            f"{MISSING}",
        )
    if column:
        if tasks is not None:
            raise refuse(
                expected="one label per document, since its task is given",
                got=f"tasks beside {labels.shape[1]} columns of labels, one per task",
                fix="leave tasks out (task_names names the columns), or give one label per "
                "document",
            )
        names = _task_names(task_names, labels.shape[1])
        task = column[0]
        if len(names) != labels.shape[1]:
            raise refuse(
                expected=f"one task name for each of the {labels.shape[1]} columns of labels",
                got=f"{len(names)} names: {names}",
                fix="give as many task_names as labels have columns",
            )
    else:
        names, numbers = _task_numbers([0] * n_docs if tasks is None else tasks, n_docs, task_names)
        task = numbers[doc]
    return _long(doc), _long(task), _long(y), names


def _long(numbers: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(numbers)).long()


def _labels(labels: Any, n_docs: int) -> np.ndarray:
    """Labels as an integer array, (n_docs,) or (n_docs, n_tasks)."""
    try:
        labels = as_array("labels", labels)
    except RagteachError:
        raise
    except ValueError:
        labels = np.zeros(0)  # rows of unequal length
    if labels.ndim not in (1, 2) or labels.shape[0] != n_docs or 0 in labels.shape:
        raise refuse(
            expected=f"one label (or one row of labels) for each of the {n_docs} documents",
            got=f"labels of shape {labels.shape}",
            fix="give texts and labels the same length, and all rows of labels too",
        )
    if labels.dtype == object and all(isinstance(label, Integral) for label in labels.flat):
        fits = all(abs(label) < 2**63 for label in labels.flat)
        labels = labels.astype(np.int64 if fits else np.float64)  # of a nullable column
    if labels.dtype.kind not in "iu":
        raise refuse(
            expected="integer labels 0 .. num_classes - 1",
            got=f"labels of type {labels.dtype}, such as {labels.flat[0]!r}",
            fix="turn names into numbers (LABELS.index; from_frame does it for you), decimals into "
            f"integers (astype(int)), and missing labels into {MISSING}",
        )
    return labels.astype(np.int64)


def _task_names(task_names: Any, default: int) -> list[str]:
    return distinct(default if task_names is None else task_names, "task", "task names")


def _task_numbers(tasks: Any, n_docs: int, task_names: Any) -> tuple[list[str], np.ndarray]:
    """(names, number of each document's task).

    With ``task_names``, a task is one of them, or its place among them. Without, the numbers 0, 1,
    ... are called task1, task2, ... as in RAG; any other tasks are named by themselves.
    """
    several = is_list(tasks) and not isinstance(tasks, str)
    tasks = (
        members("tasks", tasks, "tasks=['films', 'cars', 'films']", n_docs) if several else [tasks]
    )
    tasks = [one_value(t) for t in tasks]
    if len(tasks) != n_docs or any(attribute(t, "ndim", 0) for t in tasks):
        raise refuse(
            expected=f"one task for each of the {n_docs} documents",
            got=f"{len(tasks)} tasks, such as {shown(tasks[0] if tasks else None, 60)}",
            fix="give texts and tasks the same length",
        )
    named = name_column(tasks, "task", missing="keep", gaps=True)
    if (named.numbers == MISSING).any():
        raise refuse(
            expected="a task for every document",
            got=f"none for document {int(np.argmin(named.numbers))} (None, NaN or empty)",
            fix="leave those documents out, or name their task",
        )
    numbered = all(type(t) is int for t in tasks)
    if task_names is None:
        if numbered and set(tasks) == set(range(len(named.names))):
            return _task_names(None, len(named.names)), np.array(tasks)
        seen = [named.names[i] for i in dict.fromkeys(named.numbers.tolist())]
        task_names = named.names if numbered else seen
    names = _task_names(task_names, 0)
    by_place = numbered and not {*named.names} <= {*names}
    known = [str(place) for place in range(len(names))] if by_place else names
    unknown = [t for t in named.names if t not in known]
    if unknown:
        raise refuse(
            expected=f"tasks among {names}",
            got=f"task {unknown[0] if numbered else repr(unknown[0])}, never seen before",
            fix="check its spelling, or add it to task_names (and to the model with "
            "model.add_task)",
        )
    return names, named.reordered(known).numbers


def checked_class_names(class_names: Any, n_classes: int) -> list[str] | None:
    if class_names is None:
        return None
    names = distinct(class_names, "class", "class names")
    if len(names) != n_classes:
        raise refuse(
            expected=f"one name for each of the {n_classes} classes",
            got=f"{len(names)}: {names}",
            fix="give as many class_names as num_classes says",
        )
    return names


def classes_in_advance(frame: Any, label: Any, n_classes: int) -> list[str] | None:
    """The names of ``n_classes`` classes of which some have no example; None: to be counted."""
    names = attribute(frame, "attrs", {}).get("label_names") or []
    if len(names) == n_classes:
        return names
    try:
        numbers = np.asarray(frame[label]).dtype.kind in "iu"
    except (KeyError, TypeError, IndexError):
        return None
    return [str(number) for number in range(n_classes)] if numbers else None


def classes_of_training(vectorizer: Any, frame: Any, label: Any) -> list[str] | None:
    """The classes of the data that the words were counted on, if all labels here are of them."""
    names = attribute(vectorizer, "class_names_") or attribute(frame, "attrs", {}).get("classes")
    try:
        labels = set(np.asarray(frame[label]).tolist())
    except (KeyError, TypeError, IndexError):
        return None
    places = set(range(len(names or ())))
    return names if labels <= set(names or ()) or labels <= places else None
