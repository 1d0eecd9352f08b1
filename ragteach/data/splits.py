"""Parts of a table that share no text: rows are not texts.

Enters: a frame.  Leaves: training, validation and test parts, stratified by task and label.

The same sentence in two rows (in other letters, with other commas) is one text: all its rows go to
the same part, or a model is tested on what it learnt by heart. `groups` says which rows those are.
So do texts that are nearly the same (see `ragteach.data.kin`), as long as something is left to test
on; `tied` says which.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ragteach.data.dealing import deal_families
from ragteach.data.frames import as_frame, check_header
from ragteach.data.kin import families
from ragteach.data.naming import check_cells
from ragteach.data.resemblance import text_key
from ragteach.data.wild.columns import find_columns
from ragteach.errors import at_least, refuse, whole
from ragteach.ground.arguments import LARGEST_NUMPY_SEED, as_list, is_a
from ragteach.ground.objects import outside

PARTS = ("training", "validation", "test")


class SplitWarning(UserWarning):
    """Rows that could not be split went into the training part."""


def groups(texts: Iterable[str]) -> np.ndarray:
    """(n_rows,) int64: the same number for the same normalised text, in order of appearance.

    Example:
        >>> groups(["Good film.", "bad film", "good film"]).tolist()
        [0, 1, 0]
    """
    texts = as_list("texts", texts, "groups(frame['text'])")
    other = [text for text in texts if not isinstance(text, str)]
    for text in other[:1]:
        fix = "frame['text'] = frame['text'].astype(str)"
        if pd.api.types.is_scalar(text) and pd.isna(text):
            fix = "leave rows without a text out: frame.dropna(subset=['text'])"
        is_a("texts", text, str, "strings", fix)
    return pd.factorize(np.array([text_key(text) for text in texts], dtype=object))[0]


def tied(
    frame: pd.DataFrame, text: str = "text", task: str | None = "task", n: int | None = None
) -> np.ndarray:
    """(n_rows,) the same number for rows that a split keeps together: those of one text, and those
    of texts that are nearly the same.

    Not so in a frame whose rows are each drawn afresh (``attrs["fresh"]``), as the toy generator's:
    new texts are as alike there as these are.

    Args:
        frame: with a column of texts, and one of tasks. n: rows of each task that choose; default:
            a fifth of it.

    Example:
        >>> said = ["a very good film, indeed", "a very good film, I say", "good", "Good!"]
        >>> more = ["six", "other", "words"]
        >>> tied(pd.DataFrame({"text": said + more, "task": "films"})).tolist()
        [0, 0, 1, 1, 2, 3, 4]
    """
    return _tied(frame, text, task, n)[0]


def kin_of(frame: pd.DataFrame) -> dict[str, float]:
    """Which share of the texts of a standard frame is ``tied`` to kin in a split, and which has kin
    from which it is kept ``apart``.
    """
    _, with_kin, apart = _tied(frame, "text", "task", None)
    return {"tied": with_kin, "apart": apart}


def _tied(
    frame: pd.DataFrame, text: str, task: str | None, n: int | None
) -> tuple[np.ndarray, float, float]:
    """What `families` finds."""
    if frame.attrs.get("fresh"):
        return groups(frame[text]), 0.0, 0.0
    places = np.zeros(len(frame), dtype=int)
    if task is not None:
        places = pd.factorize(_words(frame[task]))[0]
    rows = np.bincount(places)
    test = -(-rows // 5) if n is None else np.minimum(n, rows - 2 * n)
    return families(frame[text].tolist(), places, test)


def split_frame(
    frame: Any,
    train: float = 0.6,
    val: float = 0.2,
    seed: int = 0,
    *,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    **how: Any,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Split a table into training, validation and test parts, stratified by task and label.

    A text that stands in several rows goes to one part with all of them, and with the texts that
    are nearly the same (see `tied`). A (task, label) pair with fewer than three texts cannot be in
    all parts: it goes into the training part, with a warning.

    Args:
        frame: columns text, label and task, found as `as_frame` finds them; the frame's own columns
            and names stay. Anything else goes through `as_frame` first.
        train, val: fractions; the rest is the test part.
        seed: the same seed gives the same split.
        text, label, task: names of the columns, as in `as_frame`. A list for ``label`` (one column
            per task) gives the standard frame, with a row for each label.
        how: missing, analyzer, and how a file is read, as in `as_frame`; with any of them, the
            parts are standard frames.

    Raises:
        RagteachError: the fractions leave no test part, no (task, label) pair has three texts, or
            rows have no label or task, and `mend` was not told what becomes of them.

    Example:
        >>> frame = pd.DataFrame({"text": list("abcdefghij"), "label": [0, 1] * 5, "task": "t"})
        >>> [len(part) for part in split_frame(frame)]
        [6, 2, 2]
    """
    at_least("train", train)
    at_least("val", val)
    if not (0 < train and 0 < val and train + val < 1):
        raise refuse(
            expected="train > 0, val > 0 and train + val < 1",
            got=f"train = {train}, val = {val}",
            fix="leave something for testing, for example train=0.6, val=0.2",
        )
    whole("seed", seed, 0, LARGEST_NUMPY_SEED)
    if how or not isinstance(frame, pd.DataFrame) or not (label is None or isinstance(label, str)):
        frame = as_frame(frame, text, label, task, **how)
        text = label = task = None
    if len(frame) == 0:
        raise refuse(
            expected="a frame with at least one row",
            got="0 rows",
            fix="check the file, and what you filtered",
        )
    check_header(frame)
    columns = find_columns(list(frame.columns), text, label, task, frame)
    if columns.found:
        print(columns)
    missing = frame.attrs.get("missing", "ask")  # what `mend` was told
    lacks = check_cells(
        frame[columns.label], "label", missing, frame.attrs.get("label_names") or ()
    )
    if columns.task is not None:
        lacks |= check_cells(
            frame[columns.task], "task", missing, frame.attrs.get("task_names") or ()
        )
    if missing == "drop":
        if lacks.all() and len(lacks):
            raise refuse(
                expected="at least one row with a label and a task",
                got=f"none of {len(lacks)}: all are left out, as mend(missing='drop') was told",
                fix="check what was taken for what, or keep them: rt.mend(data, missing='keep')",
            )
        frame = frame[~lacks]
    key = _words(frame[columns.label])
    named = _called(frame, str(columns.label))
    if columns.task is not None:
        key = _words(frame[columns.task]) + "/" + key
        named = _words(frame[columns.task]) + "/" + named
    same = groups(frame[columns.text])
    group = tied(frame, columns.text, columns.task)
    group = _with_three(group, same, key, named)
    count = _families_of(key, group)
    rare = count.index[count < 3]
    called = dict(zip(key, named, strict=True))
    if len(rare) == len(count):
        raise refuse(
            expected="enough examples of every (task, label) pair in the frame, for three parts",
            got=f"the rarest pair {called[count.index[-1]]!r} has {count.iloc[-1]}",
            fix="add examples, merge rare labels, or split by hand"
            + _if_a_name_of_rows(frame, columns.task),
        )
    stays = np.isin(group, group[key.isin(rare)])
    if len(rare):
        _say_rare([called[pair] for pair in rare], int(count[rare].sum()))
    if len(np.unique(group)) == len(frame):
        part = _deal(key.to_numpy(), np.flatnonzero(~stays), train, val, seed)
    else:
        task_of = key * 0 if columns.task is None else _words(frame[columns.task])
        part = _deal_families(group, task_of, key, stays, train, val, seed)
    rows = (np.flatnonzero(part == p) for p in range(3))
    return tuple(frame.iloc[row].reset_index(drop=True) for row in rows)  # type: ignore[return-value]


def _if_a_name_of_rows(frame: pd.DataFrame, task: str | None) -> str:
    """That the column of tasks may say which row this is, where nearly every row has its own."""
    n_tasks = 0 if task is None else frame[task].nunique()
    if 2 * n_tasks <= len(frame):
        return ""
    return (
        f"; the column {task!r} has {n_tasks:,} tasks in {len(frame):,} rows, so that it may be a "
        "row's number or name: choose one whose values repeat, task='...'"
    )


def _with_three(
    group: np.ndarray, same: np.ndarray, key: pd.Series, named: pd.Series
) -> np.ndarray:
    """The groups; those of (task, label) pairs with three texts, but not with three groups, are
    taken apart, and it is said.
    """
    n_groups = _families_of(key, group)
    n_texts = _families_of(key, same)
    few = [pair for pair in n_texts.index if n_texts[pair] >= 3 > n_groups[pair]]
    if not few:
        return group
    rows = key.isin(few)
    _say_alike([named[key == pair].iloc[0] for pair in few])
    return np.where(np.isin(group, group[rows]), same + len(group), group)


def _families_of(key: pd.Series, group: np.ndarray) -> pd.Series:
    """How many families each (task, label) pair has, the most first."""
    count = pd.Series(group, key.index).groupby(key, sort=False).nunique()
    return count.sort_values(ascending=False, kind="stable")


def _called(frame: pd.DataFrame, label: str) -> pd.Series:
    """Each row's label by its name; the numbers of a standard frame are places of names."""
    names = frame.attrs.get("label_names")
    if names and label == "label" and frame[label].isin(range(len(names))).all():
        return _words(frame[label].map(dict(enumerate(names))))
    return _words(frame[label])


def _words(column: pd.Series) -> pd.Series:
    """Each value as text; rows without one are a group of their own, whatever the column's type."""
    return column.astype(object).where(column.notna(), "without").map(str)


def _deal(
    stratum: np.ndarray, members: np.ndarray, train: float, val: float, seed: int
) -> np.ndarray:
    """(n_rows,) the part of each row; ``members`` are dealt in the same proportions of every
    stratum, the others train.
    """
    part = np.zeros(len(stratum), dtype=int)
    try:
        rest, test = train_test_split(
            members, test_size=1 - train - val, stratify=stratum[members], random_state=seed
        )
        _, valid = train_test_split(
            rest, test_size=val / (train + val), stratify=stratum[rest], random_state=seed
        )
        part[valid] = 1
        part[test] = 2
    except ValueError:
        # too few texts for scikit-learn's rounding: at least one of each in each part
        rng = np.random.default_rng(seed)
        for rows in pd.Series(members).groupby(stratum[members], sort=True):
            order = rng.permutation(rows[1].to_numpy())
            _, n_val, n_test = _sizes(len(order), train, val)
            part[order[:n_test]] = 2
            part[order[n_test : n_test + n_val]] = 1
    return part


def _deal_families(
    family: np.ndarray,
    task: pd.Series,
    key: pd.Series,
    stays: np.ndarray,
    train: float,
    val: float,
    seed: int,
) -> np.ndarray:
    """(n_rows,) the part of each row: rows of one family have the same, and what stays, trains."""
    numbers = (np.unique(of, return_inverse=True)[1] for of in (family, task, key))
    group, its_task, label = numbers
    wanted = np.array([_sizes(n, train, val) for n in np.bincount(its_task)])
    return deal_families(group, its_task, label, wanted, np.random.default_rng(seed), stays)


def _sizes(n_rows: int, train: float, val: float) -> tuple[int, int, int]:
    """How many of so many rows train, choose and test: at least one each, of three."""
    n_test = max(1, round((1 - train - val) * n_rows))
    n_val = max(1, min(round(val * n_rows), n_rows - n_test - 1))
    return n_rows - n_test - n_val, n_val, n_test


def _say_alike(pairs: list[str]) -> None:
    listed = ", ".join(map(repr, pairs[:5])) + (" ..." if len(pairs) > 5 else "")
    warnings.warn(
        f"the texts of {len(pairs)} (task, label) pair{'s' * (len(pairs) > 1)} are so alike that "
        f"they stay on both sides of the split: {listed}. Scores of these say little about new "
        "texts.",
        SplitWarning,
        stacklevel=outside(),
    )


def _say_rare(rare: Any, n_texts: Any) -> None:
    listed = ", ".join(map(repr, rare[:5])) + (
        f" and {len(rare) - 5} more" if len(rare) > 5 else ""
    )
    one = len(rare) == 1
    pairs = "1 (task, label) pair has" if one else f"{len(rare)} (task, label) pairs have"
    texts = "1 text" if n_texts == 1 else f"{n_texts} texts"
    warnings.warn(
        f"{pairs} fewer than 3 texts: {listed}. {'Its' if one else 'Their'} {texts} went into the "
        f"training part; no validation or test text is of {'it' if one else 'them'}.",
        SplitWarning,
        stacklevel=outside(),
    )
