"""Draws: training, validation and test sentences of one seed.

Enters: the name of the data (or a frame), a size, a seed.  Leaves: three frames.

Rows of your own are dealt label by label, so that every part of a task holds each label in the
share that it has in the whole table, to within a row. Dealt without regard to the label, what one
part has too many of the other has too few: the label that is most frequent in training is then the
rarer one in the test, and whoever says it without reading is right less often than the table
allows: on 200 tables of two labels without meaning (two tasks, 120 rows, five draws each) by 5.2
points (95 % interval 4.6 to 5.9), and on such of six labels by 6.8 (6.3 to 7.3). Dealt label by
label it is 0.4 points (0.1 to 0.6) and 0.8 (0.6 to 0.9): what rounding to rows leaves. Toy data are
drawn afresh, and of our real sentences a draw takes a few among thousands: there chance deals, and
nothing runs out.

A class that is there in a task is there in its training part, if that has room for it: otherwise
the bias of that class would have no best value (the lower it is, the lower is J, for ever). Where a
class is left out, its first sentence changes places with the last training sentence of the class
that has most.

Rows of the same text, and of texts that are nearly the same, stay together (see
`ragteach.data.splits.tied`): what was trained on, in any task, neither chooses nor tests. Such
families are dealt whole, for all tasks at once (`ragteach.data.dealing`), so that every task has
its share in each part and no row is lost. Toy data are drawn afresh, and the real sentences of ours
hold few that are alike: there only equal texts are tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.dealing import deal_families, dealt
from ragteach.data.splits import groups, tied
from ragteach.data.toy import make_toy

MAX_TEST = 1000  # test sentences per task
LEAST_TO_TEST = 20  # test sentences per task: with fewer, one answer is more than five points


def draw(
    name: str, frame: Any, n: int | None, seed: int, **knobs: Any
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training, validation and test frames of one seed.

    ``n`` training and ``n`` validation sentences per task, the rest (at most 1000) to test on;
    ``n=None`` is 60 %, 20 %, 20 %. Toy data are generated afresh; other data are shuffled and dealt
    out (a frame of your own with the same shares of labels in every part), so that two draws share
    sentences: see `overlap_ratio`.
    """
    if name == "toy":
        frame = make_toy(n_per_task=toy_size(n or 0), seed=seed, **knobs)
    rng = np.random.default_rng(seed)
    parts: tuple[list, list, list] = ([], [], [])
    text = _units(name, frame, n)
    given = _by_family(frame, text, n, rng) if name == "own" else None
    for _, places in frame.groupby("task", sort=False).indices.items():
        rows = frame.iloc[places]
        n_train, n_val = cuts(len(rows), n)
        if given is not None:
            order, n_train, n_val = _parts_in_order(given[places], n_train, n_val, rng)
        elif name == "own":
            order = np.argsort(dealt(rows["label"].to_numpy(), rng), kind="stable")
        else:
            order = together(rng.permutation(len(rows)), text[places])
        order = every_class(order, rows["label"].to_numpy(), n_train)
        cut = np.split(order, [n_train, n_train + n_val])
        for part, place in zip(parts, (*cut[:2], cut[2][:MAX_TEST]), strict=True):
            part.append(places[place])
    train, val, test = (np.concatenate(part) for part in parts)
    val = val[~np.isin(text[val], text[train])]
    test = test[~np.isin(text[test], text[np.concatenate([train, val])])]
    found = [frame.iloc[part].reset_index(drop=True) for part in (train, val, test)]
    return found[0], found[1], found[2]


def _units(name: str, frame: pd.DataFrame, n: int | None) -> np.ndarray:
    """(n_rows,) the same number for rows that stay together."""
    if name == "toy":
        return np.arange(len(frame))
    return tied(frame, n=n) if name == "own" else groups(frame["text"])


def _by_family(
    frame: pd.DataFrame, text: np.ndarray, n: int | None, rng: np.random.Generator
) -> np.ndarray | None:
    """(n_rows,) training, validation or test: 0, 1, 2; None if no rows stay together."""
    if len(np.unique(text)) == len(text):
        return None
    task = pd.factorize(frame["task"])[0]
    n_rows = np.bincount(task)
    train, val = np.array([cuts(rows, n) for rows in n_rows]).T
    wanted = np.stack([train, val, n_rows - train - val], axis=1)
    return deal_families(text, task, frame["label"].to_numpy(), wanted, rng)


def _parts_in_order(
    part: np.ndarray, n_train: int, n_val: int, rng: np.random.Generator
) -> tuple[np.ndarray, int, int]:
    """A task's rows, those of each part in random order, and how many of them train and choose: as
    many as were asked for, or as whole families leave.
    """
    order = rng.permutation(len(part))
    train, val, test = (order[part[order] == p] for p in range(3))
    order = np.concatenate([train[:n_train], val[:n_val], test])
    return order, min(n_train, len(train)), min(n_val, len(val))


def toy_size(n: int) -> int:
    """How many toy sentences a task are made, of which ``n`` train, ``n`` choose, the rest test."""
    return 2 * n + 250


def together(order: np.ndarray, text: np.ndarray) -> np.ndarray:
    """The order, with all rows of a text at the place of the first of them.

    Example:
        >>> together(np.array([2, 0, 1]), text=np.array([7, 8, 7])).tolist()
        [2, 0, 1]
        >>> together(np.array([0, 1, 2]), text=np.array([7, 8, 7])).tolist()
        [0, 2, 1]
    """
    _, first, number = np.unique(text[order], return_index=True, return_inverse=True)
    return order[np.argsort(first[number], kind="stable")]


def cuts(n_rows: int, n: int | None) -> tuple[int, int]:
    """How many of a task's rows train, and how many choose."""
    if n is None:
        return int(0.6 * n_rows), int(0.2 * n_rows)
    return n, n


def most_to_train(n_rows: int) -> int:
    """The largest ``n`` that leaves as much of a task's rows to test as the default: a fifth.

    Example:
        >>> most_to_train(125), 125 - sum(cuts(125, 50))
        (50, 25)
    """
    return max(1, 2 * int(n_rows) // 5)


def every_class(order: np.ndarray, labels: np.ndarray, n_train: int) -> np.ndarray:
    """The order of a task's rows, changed as little as may be so that its first ``n_train`` hold
    every class.

    Example:
        >>> labels = np.array([0, 0, 0, 1])
        >>> labels[every_class(np.array([0, 1, 2, 3]), labels, 3)].tolist()
        [0, 0, 1, 0]
    """
    order = order.copy()
    for missing in np.setdiff1d(labels, labels[order[:n_train]]):
        said = labels[order]
        counts = np.bincount(said[:n_train])
        if counts.max(initial=0) < 2:  # no room: one sentence a class already
            break
        leaves = np.flatnonzero(said[:n_train] == counts.argmax())[-1]
        comes = np.flatnonzero(said == missing)[0]
        order[[leaves, comes]] = order[[comes, leaves]]
    return order


def most_frequent(frame: pd.DataFrame) -> float:
    """How often each task's most frequent label is right in the whole table: the mean over tasks.

    Example:
        >>> most_frequent(pd.DataFrame({"task": list("aaab"), "label": [0, 0, 1, 1]}))
        0.8333333333333333
    """
    return float(
        np.mean([its.value_counts().max() / len(its) for _, its in frame.groupby("task")["label"]])
    )


def overlap_ratio(
    frame: pd.DataFrame, n: int | None, parts: Sequence[pd.DataFrame] | None = None
) -> float:
    """Test sentences for each that a draw could train on: n_test / n_train of Nadeau and Bengio.

    It measures how much the test parts of two draws of the same ``frame`` overlap. All rows count
    that are not there to choose or to test: where there are more than a draw uses, two draws share
    less.

    Args:
        parts: training, validation and test part of a draw, of which the test counts as it is.
            Default: as large as planned.
    """
    n_train = n_test = 0
    for n_rows in frame["task"].value_counts():
        train, val = cuts(n_rows, n)
        test = min(n_rows - train - val, MAX_TEST)
        n_test += test
        n_train += n_rows - val - test
    if parts is not None:
        n_test = len(parts[2])  # what trains, and what there is beyond MAX_TEST, is as planned
    return n_test / n_train
