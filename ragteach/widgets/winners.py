"""Who wins where: the map of strategies over relatedness and sentences per task.

Enters: the table of `compare.who_wins_map`.  Leaves: its map; for a cell its seeds and intervals;
for a row its learning curves.  Which seeds won where is shown too: a map of means alone hides how
often the mean is luck.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ragteach.data.survey.look_views import counted
from ragteach.data.toy import LABELS
from ragteach.errors import refuse
from ragteach.study import plots
from ragteach.study.experiment import who_wins_map
from ragteach.study.strategies import STRATEGIES
from ragteach.study.tables import drawn, interval, winners
from ragteach.widgets.base import Arrays, Explorer, Spec, State, one_thread, show
from ragteach.widgets.goals import word_for

NEEDED = {
    "strategy", "task", "seed", "n_per_task", "metric", "value", "relatedness", "draws",
    "test_per_train",
}  # fmt: skip


def who_wins(
    table: pd.DataFrame | None = None,
    seeds: Any = 5,
    relatedness: Sequence[float] = (0.0, 0.5, 1.0),
    n_per_task: Sequence[int] = (15, 45),
    goal: Mapping[str, str] | None = None,
    features: Any = "words",
) -> Explorer:
    """Click a cell of the map; see the seeds behind its winner.

    Args:
        table: from `compare.who_wins_map`. Default: a small map, made now (some seconds; a progress
            bar tells). It has few cells and five seeds each: with three, every lead may be luck.
        seeds, relatedness, n_per_task: of the map that is made if ``table`` is not given.
        features: ``"words"`` or ``"encoder"``, of the map that is made: as in `ragteach.compare`.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures, of the
            cell: ``relatedness``, ``n_per_task``, ``lead`` of the first over the second, ``clear``
            (1: its interval lies above 0), ``lost`` in how many seeds another was before the
            first; and of every strategy, with _ for blanks: its accuracy, ``full_sharing``, how far
            it is behind the first, ``behind_full_sharing``, and the most that it is behind anywhere
            on the map, ``furthest_full_sharing``.

    Returns:
        The explorer.

    Raises:
        RagteachError: a table without the columns of `who_wins_map`.

    Reference: lesson 06.

    Example:
        >>> w = who_wins(seeds=2)  # doctest: +SKIP
    """
    if table is None:
        with one_thread():
            table = who_wins_map(relatedness, n_per_task, seeds, features=features)
    if not isinstance(table, pd.DataFrame) or not NEEDED <= set(table.columns):
        got = (
            sorted(NEEDED - set(table.columns))
            if isinstance(table, pd.DataFrame)
            else type(table).__name__
        )
        raise refuse(
            expected=f"a table with the columns {', '.join(sorted(NEEDED))}",
            got=f"without (or not a table): {got}",
            fix="pass the result of rt.who_wins_map(...), before winners() or summary()",
        )
    arrays, spec = compute(table)
    measure = partial(measures, arrays, spec)
    return show("winners", arrays, spec, twin(table, spec), goal, measure)


def measures(arrays: Arrays, spec: Spec, state: State) -> dict[str, float]:
    """The numbers that a goal compares, at a state's cell."""
    r = state["r"]
    n = state["n"]
    lead, low, _ = arrays["margin"][r, n]
    means = arrays["stats"][..., 0]  # (n_relatedness, n_sizes, n_strategies)
    behind = np.fmax.reduce(means, axis=-1, keepdims=True) - means
    won = arrays["values"][r, n, int(arrays["winner"][r, n])]  # (n_seeds,)
    found = {
        "relatedness": spec["r"][r],
        "n_per_task": spec["n"][n],
        "lead": float(lead),
        "clear": int(low > 0),
        "lost": int((arrays["values"][r, n] > won).any(0).sum()),
    }
    for i, name in enumerate(map(word_for, spec["strategies"])):
        found[name] = float(means[r, n, i])
        found[f"behind_{name}"] = float(behind[r, n, i])
        found[f"furthest_{name}"] = float(np.fmax.reduce(behind[..., i], axis=None))
    return found


def compute(table: pd.DataFrame) -> tuple[Arrays, Spec]:
    """By (relatedness, n_per_task, strategy): accuracies of the seeds, means, intervals,
    margins.
    """
    rows = table[(table["metric"] == "accuracy") & (table["task"] == "mean")]
    strategies = [s for s in STRATEGIES if s in set(rows["strategy"])]
    r_values, n_values, seeds = (
        sorted(rows[c].unique()) for c in ("relatedness", "n_per_task", "seed")
    )
    ratio, kind = drawn(rows)
    shape = (len(r_values), len(n_values), len(strategies))
    seeds_values = np.full((*shape, len(seeds)), np.nan)
    stats = np.full((*shape, 3), np.nan)
    for (r, n, strategy), group in rows.groupby(["relatedness", "n_per_task", "strategy"]):
        if strategy in strategies:
            at = r_values.index(r), n_values.index(n), strategies.index(strategy)
            stats[at] = interval(group["value"], test_per_train=ratio)
            for seed, value in zip(group["seed"], group["value"], strict=True):
                seeds_values[(*at, seeds.index(seed))] = value
    best = np.zeros(shape[:2])
    margins = np.full((*shape[:2], 3), np.nan)
    cells = winners(rows[rows["strategy"].isin(strategies)])
    for cell in cells.to_dict("records"):
        here = r_values.index(cell["relatedness"]), n_values.index(cell["n_per_task"])
        best[here] = strategies.index(cell["winner"])
        margins[here] = cell["margin"], cell["low"], cell["high"]
    arrays = {"values": seeds_values, "stats": stats, "winner": best, "margin": margins}
    lead = np.where(np.nan_to_num(margins[..., 1]) > 0, 1.0, 0.0) + np.nan_to_num(margins[..., 0])
    first = np.unravel_index(lead.argmax(), lead.shape)  # opens at the clearest lead
    spec = {
        "title": "Who wins where?",
        "about": (
            "Click a cell, or move the sliders. A cell has the winner's colour and a star where "
            f"the lead is clear at 95 % ({kind}), and none where it may be luck."
        ),
        "strategies": strategies,
        "colors": [plots.PALETTE[s] for s in strategies],
        "letters": [plots.LETTERS[s] for s in strategies],
        "r": [float(r) for r in r_values],
        "n": [int(n) for n in n_values],
        "seeds": [int(s) for s in seeds],
        "chance": _chance(table),
        "start": {"r": int(first[0]), "n": int(first[1])},
    }
    ahead = cells[cells["margin"].abs() >= 0.0005]  # else a tie
    won = {s: int((ahead["winner"] == s).sum()) for s in strategies}
    clear = {s: int(((cells["winner"] == s) & cells["clear"]).sum()) for s in strategies}
    counts = ", ".join(f"{s} leads in {won[s]} ({clear[s]} clearly)" for s in strategies)
    each = counted(seeds, "seed")
    spec["alt"] = (
        f"Map of {len(cells)} cells, relatedness {r_values[0]:g} to {r_values[-1]:g} by "
        f"{n_values[0]} to {n_values[-1]} training sentences per task, {each} each: "
        f"{counts}. Clearly: the 95 % interval of the lead over the second lies above 0."
    )
    return arrays, spec


def _chance(table: pd.DataFrame) -> float | None:
    """The accuracy of guessing, where the number of classes is known: of toy sentences."""
    toy = "data" in table and list(table["data"].unique()) == ["toy"]
    return 1 / len(LABELS) if toy else None


def twin(table: pd.DataFrame, spec: Spec) -> Figure:
    """The static figure: the map."""
    figure = Figure(
        figsize=(1.6 * len(spec["n"]) + 2, 0.8 * len(spec["r"]) + 1.6), layout="constrained"
    )
    plots.who_wins(winners(table[table["strategy"].isin(spec["strategies"])]), figure.subplots())
    return figure
