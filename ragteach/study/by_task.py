"""Task by task: two strategies' scores on each task, as a table and as a picture.

Enters: the table of `compare`.  Leaves: one row a task; and two marks for each, joined by a line.

A mean over tasks may hide that sharing helps some and hurts others. One task's score comes from few
sentences, so each difference has an interval of its own, and of many tasks some will seem clear by
luck. The picture shows the tasks with most sentences, and says how many it leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ragteach.ground.arguments import meant
from ragteach.study import plots
from ragteach.study.tables import drawn, interval, per_draw

MOST_TASKS = 20  # that are drawn
LEAST_WIDTH = 0.3  # of the axis of accuracy: a small difference is to look small


def by_task(table: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """Accuracy of two strategies on each task, and their difference, paired by draw.

    At the largest number of training sentences in the table.

    Returns:
        Columns task, one's name, other's name (mean accuracy), difference, low, high; in the
        table's order of tasks. low and high are NaN where every draw gives the same difference.

    Example:
        >>> from ragteach import compare
        >>> table = compare("toy", 2, 10, ["RAG", "full sharing"], progress=False)
        >>> by_task(table, "RAG", "full sharing")["task"].tolist()
        ['films', 'cars', 'food', 'phones']
    """
    one, other = (meant("strategy", name, table["strategy"].unique()) for name in (one, other))
    whole = per_draw(table, "accuracy")
    size = whole["n_per_task"].max()
    ratio, _ = drawn(whole[whole["n_per_task"] == size])
    rows = table[(table["metric"] == "accuracy") & (table["task"] != "mean")]
    rows = rows[rows["n_per_task"] == size]
    out = []
    for task, its in rows.groupby("task", sort=False):
        wide = its.pivot_table("value", "seed", "strategy", sort=False)
        if one not in wide or other not in wide:
            continue
        found = interval((wide[one] - wide[other]).dropna(), test_per_train=ratio)
        if found[1] == found[2]:  # the same in every draw: no width, and no knowledge
            found = (found[0], np.nan, np.nan)
        ends = np.clip(found[1:], -1, 1).tolist()  # accuracies differ by no more
        out.append((task, wide[one].mean(), wide[other].mean(), found[0], *ends))
    return pd.DataFrame(out, columns=["task", one, other, "difference", "low", "high"])


def draw_by_task(scores: pd.DataFrame, largest: Sequence[str], ax: Axes) -> Axes:
    """Two marks for each task, joined: from `by_task`. Of many tasks, the first of ``largest``.

    Args:
        scores: of `by_task`. largest: the tasks by their number of sentences, most first.
    """
    one, other = scores.columns[1:3]
    names = [name for name in largest if name in set(scores["task"])][:MOST_TASKS]
    shown = scores.set_index("task").loc[names[::-1]]
    places = np.arange(len(shown))
    ax.hlines(places, shown[one], shown[other], color="0.6", lw=1.5, zorder=1)
    for name in (other, one):
        colour, marker, _ = plots.look_of(name, 0)
        look = {"marker": marker, "color": colour, "label": name}
        ax.scatter(shown[name], places, s=48, zorder=2, clip_on=False, **look)
    ax.set_yticks(places, [plots.plain(name) for name in shown.index])
    low = float(shown[[one, other]].min().min())
    high = float(shown[[one, other]].max().max())
    width = min(1.0, max(LEAST_WIDTH, 1.1 * (high - low)))
    left = min(max(0.0, (low + high - width) / 2), 1 - width)  # no accuracy lies beyond 0 or 1
    ax.set_xlim(left, left + width)
    ax.set(ylim=(-0.7, len(shown) - 0.3), xlabel="test accuracy (mean over draws)")
    if len(scores) > len(shown):
        ax.set_title(f"The {len(shown)} largest of {len(scores)} tasks", loc="left")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.06), ncols=2, borderpad=0)
    return plots.clean(ax)
