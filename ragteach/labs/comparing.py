"""What every lab asks again: how often is a model right, who helps whom, and is a difference clear?

Enters: fitted predictors and parts, a dict task -> (items, class numbers). Leaves: shares, gains
with their intervals, and a picture of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ragteach.ground.arguments import yes_no
from ragteach.labs.ridge import choose_ridge
from ragteach.labs.scoring import Part
from ragteach.study.experiment import interval


def right_shares(model: Any, part: Part) -> dict[str, float]:
    """Of every task in a part: the share of its items that ``model.predict(items, task)`` gets
    right.

    Example:
        >>> from types import SimpleNamespace
        >>> model = SimpleNamespace(predict=lambda items, task: np.zeros(len(items)))
        >>> right_shares(model, {"mood": (["fine", "bad"], np.array([0, 1]))})
        {'mood': 0.5}
    """
    return {task: float(np.mean(model.predict(x, task) == y)) for task, (x, y) in part.items()}


def difference(name: str, values: Any, test_per_train: float = 0.0) -> str:
    """A line on a difference that was measured once a draw, as shares: its mean in points, its
    interval.

    Args:
        values: one difference a draw.
        test_per_train: 0 if each draw has items of its own; n_test / n_train if the draws re-split
            the same rows, so that they are no independent witnesses (the corrected resampled t of
            `ragteach.study.tables`: a wider interval).

    Example:
        >>> difference("a minus b", [0.01, 0.03])
        'a minus b: +2.0 points [-10.7, +14.7], 2 draws'
        >>> difference("a minus b", [0.01, 0.03], test_per_train=1)
        'a minus b: +2.0 points [-20.0, +24.0], 2 re-splits of the same rows'
    """
    ends = interval(np.asarray(values), test_per_train=test_per_train)
    middle, low, high = (100 * value for value in ends)
    span = "" if low == high else f" [{low:+.1f}, {high:+.1f}]"
    span = span or " in every one of them, so no interval"
    kind = "re-splits of the same rows" if test_per_train else "draws"
    return f"{name}: {middle:+.1f} points{span}, {len(values)} {kind}"


def even_with_best(found: Any, names: Sequence[str], test_per_train: float = 0.0) -> list[str]:
    """Of some ways that were tried on the same draws, those that cannot be told from the best.

    Args:
        found: (n_draws, n_names), larger is better; the best has the largest mean.
        names: one for each column.
        test_per_train: as for `difference`.

    Returns:
        The names, without the best one's, whose paired interval of the difference holds 0.

    Example:
        >>> even_with_best([[0.8, 0.7, 0.5], [0.7, 0.8, 0.5], [0.9, 0.7, 0.6]], ["a", "b", "c"])
        ['b']
    """
    found = np.asarray(found, dtype=float)
    best = int(found.mean(0).argmax())
    even = []
    for i, name in enumerate(names):
        _, low, high = interval(found[:, best] - found[:, i], test_per_train=test_per_train)
        if i != best and low <= 0 <= high:
            even.append(name)
    return even


def pair_gains(
    train: Part,
    val: Part,
    test: Part,
    own: Sequence[tuple[float, float]],
    pairs: Sequence[tuple[float, float]],
    **options: Any,
) -> np.ndarray:
    """(helped, helper): what a second task's items bring the first, in accuracy on its part of
    ``test``.

    Args:
        own, pairs: penalties (lam, lam_shared) to choose from, for one task alone and for two.
        options: for `choose_ridge`, n_classes and features.
    """
    names = list(train)
    gain = np.zeros((len(names), len(names)))
    for i, a in enumerate(names):
        alone = choose_ridge({a: train[a]}, {a: val[a]}, own, **options)
        before = right_shares(alone, {a: test[a]})[a]
        for j, b in enumerate(names):
            if i != j:
                two = {a: train[a], b: train[b]}
                both = choose_ridge(two, {a: val[a]}, pairs, **options)
                gain[i, j] = right_shares(both, {a: test[a]})[a] - before
    return gain


def draw_gains(
    gains: np.ndarray,
    names: Sequence[str],
    ax: Axes,
    intervals: bool = True,
    test_per_train: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw gains (n_draws, helped, helper) as a matrix in points, each with its 95 % interval.

    Args:
        intervals: False writes a star where the interval leaves out zero, and no interval.
        test_per_train: as of `difference`: 0 if each draw has items of its own; n_test / n_train
            if the draws re-split the same rows.

    Returns:
        (low, high): the ends of the intervals, in points, (n, n) each.
    """
    yes_no("intervals", intervals)
    n = len(names)
    mean = 100 * gains.mean(0)
    ends = [
        interval(100 * gains[:, i, j], test_per_train=test_per_train) for i, j in np.ndindex(n, n)
    ]
    low, high = np.array(ends)[:, 1:].T.reshape(2, n, n)
    # Deep colours are for gains that are clear: the scale reaches as far as the intervals do.
    most = max(np.abs(mean).max(), (high - low).max() / 2)
    ax.imshow(mean, cmap="PuOr", vmin=-most, vmax=most)
    for i, j in zip(*np.where(~np.eye(n, dtype=bool)), strict=True):
        star = "*" if low[i, j] > 0 or high[i, j] < 0 else ""
        more = f"\n[{_points(low[i, j])}, {_points(high[i, j])}]" if intervals else star
        color = "white" if abs(mean[i, j]) > 0.6 * most else "black"
        text = f"{_points(mean[i, j])}{more}"
        size = 8 if intervals else 10
        ax.text(j, i, text, ha="center", va="center", color=color, size=size)
    ax.set_xticks(range(n), names)
    ax.set_yticks(range(n), names)
    ax.set(xlabel="helper", ylabel="helped")
    _on_one_line(ax)
    return low, high


def _points(gain: float) -> str:
    """With its sign; what rounds to nothing has none."""
    return f"{gain:+.0f}" if abs(gain) > 0.5 else "0"


def _on_one_line(ax: Axes) -> None:
    """The names below an axis: all on one base line; turned, where they would nearly touch."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # only now has each name its width
    labels = ax.get_xticklabels()
    room = ax.get_window_extent().width / len(labels)
    if max(label.get_window_extent().width for label in labels) > 0.8 * room:
        ax.tick_params(axis="x", rotation=30)
        for label in labels:
            label.set(ha="right", rotation_mode="anchor")
        return
    # Hung up by their tops, a name without tall letters would stand higher than its neighbours.
    ax.tick_params(axis="x", pad=3.5 + float(labels[0].get_fontsize()))
    for label in labels:
        label.set_verticalalignment("baseline")
