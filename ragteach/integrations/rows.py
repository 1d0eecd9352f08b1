"""Rows with tasks, as scikit-learn's users have them, to the stacked tensors the solver wants.

Enters: features X (n_docs, n_features), and for each row a label, a task, a weight.
Leaves: `TaskTensors` in double precision, whose weights sum to 1 in each task:

    weight[t, i] = sample_weight_i class_weight_i / sum over the rows of task t

so that a row of weight 2 counts as two rows, and a row of weight 0 as none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_non_negative

from ragteach.data.stacking import stack_rows
from ragteach.dataset import DENSE_NUMBERS, SPARSE_ABOVE
from ragteach.errors import RagteachError, refuse, shown
from ragteach.ground.arguments import members
from ragteach.ground.objects import as_rows
from ragteach.tensors import TaskTensors


def stack(
    X: Any,
    label: np.ndarray,
    number: np.ndarray,
    weight: np.ndarray,
    per_class: Any,
    n_classes: int,
    names: list[str],
) -> tuple[TaskTensors, np.ndarray]:
    """`TaskTensors` in double precision whose weights are the rows' own, and each task's sum of
    weights.
    """
    share = weight.astype(float)
    for t in range(len(names)):
        rows = number == t
        share[rows] *= per_class(label[rows], weight[rows])[label[rows]]
    if sp.issparse(X):
        n_docs = np.bincount(number).max()
        numbers = len(names) * n_docs * X.shape[1]
        x = sp.csr_matrix(X)
        if X.shape[1] <= SPARSE_ABOVE and numbers <= DENSE_NUMBERS:
            x = torch.from_numpy(x.toarray())
    else:
        x = torch.from_numpy(np.ascontiguousarray(X))
    y, task, counts = (torch.from_numpy(np.asarray(v)) for v in (label, number, share))
    names = [str(n) for n in names]
    tensors = stack_rows(x, y, task, counts, n_classes, names, dtype=torch.float64)
    return tensors, np.bincount(number, weight, len(names))


def centre(tensors: TaskTensors) -> Any:
    """Shift dense features to mean 0 in each task, in place; returns the means (n_tasks, 1,
    n_features).

    b_t, which is not penalised, takes up the shift: the optimum is the same, and found in fewer
    steps. Sparse features, and those of very unequal tasks, stay as they are (None): counts of
    words are near 0 anyway.
    """
    if not isinstance(tensors.x, torch.Tensor):
        return None
    centre = tensors.weight.unsqueeze(1) @ tensors.x  # (n_tasks, 1, n_features)
    tensors.x -= centre
    return centre


def no_dates(what: str, value: Any) -> Any:
    """The value; refuses dates, which numpy would count in nanoseconds since 1970."""
    kinds = value.dtypes.tolist() if hasattr(value, "iloc") and hasattr(value, "columns") else []
    kinds = [*kinds, getattr(value, "dtype", None)]
    dates = [kind for kind in kinds if getattr(kind, "kind", "") in ("m", "M")]
    if dates:
        raise refuse(
            expected=f"numbers in {what}",
            got=f"dates or durations ({dates[0]})",
            fix="say what counts in them: series.dt.year, .dt.dayofweek, or days since a start",
        )
    return value


def no_texts(value: Any) -> Any:
    """The features; refuses plain texts, which are no numbers yet."""
    flat = isinstance(value, list | tuple) or getattr(value, "ndim", 2) == 1
    texts = [text for text in list(value[:1]) if isinstance(text, str)] if flat else []
    if texts:
        raise refuse(
            expected="features X of numbers, (n_docs, n_features)",
            got=f"texts, such as {shown(str(texts[0]), 60)}",
            fix="make numbers of them first: X = make_vectorizer().fit_transform(texts), or put "
            "both in a Pipeline",
        )
    return value


@contextmanager
def in_range(what: str) -> Iterator[None]:
    """Whole numbers that no float holds are refused, however they are turned into one."""
    try:
        yield
    except OverflowError as error:
        raise refuse(
            expected=f"{what} of numbers up to 1.8e308, the largest of a float",
            got=f"a larger one in {what} ({error})",
            fix="scale them: thousands, millions, or logarithms",
        ) from error


def column(tasks: Any, n_docs: int) -> np.ndarray:
    """The rows' tasks as a flat array of the right length, without gaps."""
    try:
        flat = column_or_1d(tasks)
    except ValueError:
        flat = np.asarray(tasks, dtype=object)
    if flat.shape != (n_docs,):
        raise refuse(
            expected=f"one task for each of the {n_docs} rows",
            got=f"tasks of shape {flat.shape}",
            fix="pass a flat list of task names, in the order of the rows",
        )
    several = [value for value in flat.tolist() if isinstance(value, list | tuple | dict | set)]
    if several:
        raise refuse(
            expected="one task name for each row",
            got=f"a {type(several[0]).__name__}, such as {shown(several[0], 60)}",
            fix="join them to one name, such as 'films/en'",
        )
    missing = np.flatnonzero(pd.isna(flat))
    if len(missing):
        raise refuse(
            expected="tasks without gaps: a name for every row",
            got=f"{len(missing)} rows without a task, first row {missing[0]}",
            fix="name their task, or leave these rows out of X, y and tasks",
        )
    return flat


def weights(sample_weight: Any, n_docs: int) -> np.ndarray:
    """The rows' weights, 1 each if none are given; scikit-learn checks those that are."""
    if sample_weight is None:
        return np.ones(n_docs)
    given = no_dates("sample_weight", as_rows("sample_weight", sample_weight))
    with in_range("sample_weight"):
        weight = check_array(given, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.shape != (n_docs,):
        raise refuse(
            expected=f"sample_weight of shape ({n_docs},), one weight for each row",
            got=f"shape {weight.shape}",
            fix="give every row one weight: 1 is normal, 2 counts twice, 0 leaves it out",
        )
    check_non_negative(weight, "`sample_weight`")
    return weight


def given_names(task_names: Any) -> np.ndarray:
    """The tasks' names as given: a flat list, each once."""
    try:
        names = np.asarray(members("task_names", task_names, "task_names=['films', 'cars']"))
        fine = (
            names.ndim == 1 and len(names) == len(set(names.tolist())) and not pd.isna(names).any()
        )
    except RagteachError:
        raise
    except (TypeError, ValueError, RuntimeError):
        fine = False
    if not fine or not len(names):
        raise refuse(
            expected="task_names as a flat list of distinct names",
            got=f"task_names = {shown(task_names)}",
            fix="leave task_names out to take the tasks of fit, sorted",
        )
    return names


def unique(tasks: np.ndarray) -> np.ndarray:
    """The distinct tasks, sorted; mixed types by their names."""
    return np.array(sorted(set(tasks.tolist()), key=lambda t: (str(type(t)), t)), dtype=tasks.dtype)
