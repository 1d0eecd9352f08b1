"""What a predictor scores on items that it never saw, and what stands beside it.

Enters: a predictor and a part that is held out. Leaves: `Score`, with intervals, and what part of
the held-out items the predictor was trained on.

The predictor is handed items and a task's name, never labels. An accuracy of one task has Wilson's
interval. The mean over tasks, and the difference of two predictors on the same items, have a normal
one:

    m = 1/T sum_t mean_i c_ti      var(m) = sum over items of (sum of its residuals / (T n_t))^2

in which all rows of one item (a text with three labels, say) count together. An interval of a
share has no end below 0 or above 1 (see `share_of_tasks`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from ragteach.data.shares import wilson
from ragteach.errors import refuse

Z = 1.959964
Part = Mapping[str, tuple[Any, np.ndarray]]


@dataclass
class Score:
    """What `Lab.score` returns; print it.

    Attributes:
        table: one row for each task: n, accuracy, low, high, overlap.
        mean, low, high: of the tasks' mean accuracy; 0 <= low, high <= 1.
        correct: task -> (n_items,) which held-out items were right.
    """

    table: pd.DataFrame
    mean: float
    low: float
    high: float
    correct: dict[str, np.ndarray] = field(repr=False)
    note: str = ""

    def __repr__(self) -> str:
        head = f"Mean accuracy {self.mean:.3f}, 95 % interval {self.low:.3f} to {self.high:.3f}."
        return f"{head}\n{self.table.round(3).to_string()}\n{self.note}"

    def _repr_html_(self) -> str:
        head = (
            f"Mean accuracy <b>{self.mean:.3f}</b>, 95 % interval {self.low:.3f} to "
            f"{self.high:.3f}."
        )
        return f"<div>{head}{self.table.round(3).to_html()}{self.note}</div>"


def score(
    predictor: Any,
    part: Part,
    classes: Mapping[str, list[str]],
    groups: Mapping[str, np.ndarray] | None = None,
    trained_on: Any = None,
) -> Score:
    """Score a predictor on a part whose labels it does not see."""
    said = {task: answers(predictor, task, x, classes[task]) for task, (x, _) in part.items()}
    correct = {task: said[task] == np.asarray(y) for task, (_, y) in part.items()}
    known = _known(predictor, trained_on)
    rows = []
    for task, (x, _) in part.items():
        right = int(correct[task].sum())
        n = len(correct[task])
        ends = wilson(right, n)
        seen = np.nan if known is None else sum(key(item) in known for item in x)
        rows.append((n, right / n, *map(float, ends), seen))
    table = pd.DataFrame(rows, list(part), ["n", "accuracy", "low", "high", "overlap"])
    mean, low, high = share_of_tasks(correct, groups)
    if known is None:
        table = table.drop(columns="overlap")
        note = "Overlap with the training items: not known; pass trained_on=your training items."
    else:
        table = table.astype({"overlap": int})
        total = int(table["overlap"].sum())
        note = (
            "No held-out item was among the training items."
            if total == 0
            else f"{total} of {table['n'].sum()} held-out items were among the training items: "
            "this score is too good. Leave them out of the training, and score again."
        )
    return Score(table, mean, low, high, correct, note)


def share_of_tasks(
    correct: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray] | None = None
) -> tuple[float, float, float]:
    """Mean over tasks of the shares that are right, and its 95 % interval, within 0 and 1.

    The interval is the normal one of `mean_of_tasks`, cut at 0 and 1. Where every task is all right
    or all wrong that one has no width, though a few items prove little. Then it is Wilson's, of as
    many trials as there are items of equal weight: n = 1 / sum_i w_i^2, with w_i the part of an
    item (or of a group, all its rows together) in the mean. Source: Kish (1965), *Survey sampling*.

    Example:
        >>> share_of_tasks({"a": np.ones(4), "b": np.array([1, 1, 1, 0])})[2]
        1.0
        >>> mean, low, high = share_of_tasks({"a": np.ones(4), "b": np.ones(4)})
        >>> round(low, 2), high
        (0.68, 1.0)
    """
    mean, half = mean_of_tasks(correct, groups)
    if half > 0:
        return mean, max(0.0, mean - half), min(1.0, mean + half)
    weights = np.concatenate(
        [np.full(len(v), 1 / (len(correct) * len(v))) for v in correct.values()]
    )
    if groups:
        names = pd.factorize(np.concatenate([groups[task] for task in correct]))[0]
        weights = np.bincount(names, weights)
    n = 1 / (weights**2).sum()
    low, high = wilson(mean * n, n)
    return mean, float(low), float(high)


def mean_of_tasks(
    values: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray] | None = None
) -> tuple[float, float]:
    """Mean over tasks of the tasks' means, and half its 95 % interval; rows of one group together.

    Example:
        >>> mean, half = mean_of_tasks({"a": np.ones(4), "b": np.array([0, 1, 0, 1])})
        >>> mean
        0.75
    """
    T = len(values)
    rows = {task: np.asarray(v, dtype=float) for task, v in values.items()}
    mean = float(np.mean([v.mean() for v in rows.values()]))
    e = np.concatenate([(v - v.mean()) / (T * len(v)) for v in rows.values()])
    if groups:
        names = pd.factorize(np.concatenate([groups[task] for task in rows]))[0]
        e = np.bincount(names, e)
    return mean, Z * float(np.sqrt((e**2).sum()))


def answers(predictor: Any, task: str, x: Any, names: list[str]) -> np.ndarray:
    """The class numbers that a predictor gives to the items of one task; refuses anything else."""
    given = x.copy() if hasattr(x, "copy") else list(x)
    try:
        found = asked(predictor, task)(given)
    except NotFittedError as error:
        raise refuse(
            expected=f"a predictor that was fitted, for task {task!r}",
            got=f"{type(predictor).__name__} before its fit",
            fix="fit it on lab.train first",
        ) from error
    found = _as_array(found, task, len(x))
    n = len(x)
    if found.shape != (n,):
        more = (
            "take the highest of each row: .argmax(1)" if found.ndim == 2 else "one for each item"
        )
        raise refuse(
            expected=f"answers of shape ({n},) for task {task!r}, a class for each item",
            got=f"shape {found.shape}",
            fix=f"return one answer an item, in their order ({more})",
        )
    if found.dtype.kind in "OU":
        return _numbered(found, task, names)
    if not np.isfinite(found).all():
        raise refuse(
            expected=f"a class for every item of task {task!r}",
            got=f"{int((~np.isfinite(found)).sum())} answers that are NaN or infinite",
            fix="look for a division by zero, or for features that are missing",
        )
    off = (found != found.round()) | (found < 0) | (found >= len(names))
    if off.any():
        raise refuse(
            expected=f"class numbers 0 .. {len(names) - 1}, or names, for task {task!r}",
            got=f"{found[off][0]!r}",
            fix=f"the classes are, in order: {', '.join(names)}",
        )
    return found.astype("int64")


def _as_array(found: Any, task: str, n: int) -> np.ndarray:
    """Answers of any kind as numbers or as names; refuses what is neither."""
    if hasattr(found, "detach"):
        found = found.detach().cpu().double().numpy()
    if hasattr(found, "toarray"):
        found = found.toarray()
    try:
        array = np.asarray(found)
    except ValueError as error:
        raise refuse(
            expected=f"answers of shape ({n},) for task {task!r}, a class for each item",
            got=f"{type(found).__name__} of parts that differ in length",
            fix="return one answer an item, in their order",
        ) from error
    if array.dtype.kind == "O" and all(isinstance(one, Real) for one in array.flat):
        array = array.astype(float)
    if array.dtype.kind == "S":
        array = array.astype(str)
    if array.dtype.kind not in "OUbiuf":
        raise refuse(
            expected=f"class numbers, or names, for task {task!r}",
            got=f"values of type {array.dtype}",
            fix="return .argmax(1) of the scores, or the names that stand in lab.classes",
        )
    return array.astype(int) if array.dtype.kind == "b" else array


def _numbered(found: np.ndarray, task: str, names: list[str]) -> np.ndarray:
    known = {name: i for i, name in enumerate(names)}
    words = [str(word) for word in found]
    for word in words:
        if word not in known:
            raise refuse(
                expected=f"a class of task {task!r}: {', '.join(names)}",
                got=repr(word),
                fix="give names as they stand in lab.classes, or class numbers",
            )
    return np.array([known[word] for word in words])


def asked(predictor: Any, task: str) -> Callable[[Any], Any]:
    """How to ask this predictor about one task: a function of the items alone."""
    if isinstance(predictor, Mapping):
        if task not in predictor:
            raise refuse(
                expected=f"a predictor for every task; {task!r} is one of them",
                got=f"predictors for {', '.join(map(str, predictor)) or 'no task'}",
                fix=f"add one for {task!r}",
            )
        return asked(predictor[task], task)
    method = getattr(predictor, "predict", None)
    if callable(method) and not isinstance(predictor, type):
        names = list(inspect.signature(method).parameters)
        if "tasks" in names:
            return lambda x: method(x, tasks=[task] * len(x))
        if "task" in names:
            return lambda x: method(x, task)
        return method
    if callable(predictor) and not isinstance(predictor, type):
        if _takes_two(predictor):
            return lambda x: predictor(x, task)
        return predictor
    raise refuse(
        expected="a predictor: a fitted model with predict, a function of (items, task), or a dict "
        "from task to one of these",
        got=f"{type(predictor).__name__} {predictor!r:.40}",
        fix="pass the fitted model itself, not its answers",
    )


def _takes_two(function: Callable) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def key(item: Any) -> Hashable:
    """What makes two items the same: a text without capitals, marks and spaces; an image bit by
    bit.

    Example:
        >>> key("Where is it?") == key("where is  it")
        True
    """
    if isinstance(item, str):
        return _words(item)
    return np.ascontiguousarray(np.asarray(item, dtype="float32")).tobytes()


@lru_cache(maxsize=100_000)  # a lab asks for the same texts many times
def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _known(predictor: Any, trained_on: Any) -> set | None:
    given = trained_on if trained_on is not None else getattr(predictor, "trained_on", None)
    if given is None:
        return None
    if isinstance(given, str):
        raise refuse(
            expected="trained_on: the training items, a list or a dict from task to lists",
            got=f"one text, {given!r:.40}",
            fix="put it in a list",
        )
    lists = given.values() if isinstance(given, Mapping) else [given]
    return {key(item) for items in lists for item in _items(items)}


def _items(items: Any) -> Any:
    """The items of a list, of a table's column text, or of all parts of a tuple: (x, y), say, or
    (training, validation). Labels are like no item, so they do no harm.
    """
    if isinstance(items, pd.DataFrame):
        if "text" in items:
            return items["text"]
        raise refuse(
            expected="trained_on: the training items; of a table, its column text",
            got=f"a table with the columns {', '.join(map(str, items.columns[:6]))}",
            fix="pass the column itself: trained_on=table['message']",
        )
    if isinstance(items, tuple) and not all(isinstance(item, str) for item in items):
        return [item for part in items for item in _items(part)]
    if not isinstance(items, Iterable):
        raise refuse(
            expected="trained_on: the training items, a list or a dict from task to lists",
            got=f"{type(items).__name__} {items!r:.40}",
            fix="pass lab.train, if you trained on that",
        )
    return items
