"""Reading the table of an experiment: means, paired differences, winners, each with its interval.

Enters: the table of `compare`.  Leaves: small tables to print and to draw.

Which interval is right depends on where the draws come from. Let v be the variance of a score (or
of a difference) over n draws.

    fresh draws of a generator     mean +- t sqrt(v / n)               Student's t
    re-splits of the same rows     mean +- t sqrt(v (1 / n + r))       corrected resampled t

with r = n_test / n_train: two splits of the same rows share sentences, so that their scores are
not independent, and v / n promises too much. What is estimated is the same in both: the mean over
fresh training sets from where the data came from, not from these very rows.

Reference: Nadeau & Bengio (2003), Inference for the generalization error, Machine Learning 52.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ragteach.errors import at_least, one_of, refuse, shown, whole
from ragteach.ground.arguments import meant

COLUMNS = [
    "data", "strategy", "task", "seed", "n_per_task", "metric", "value", "n_params", "seconds",
    "draws", "test_per_train",
]  # fmt: skip
# what stands in the column draws
FRESH = "fresh"
RESPLIT = "resplit"
INTERVALS = {FRESH: "t over fresh draws", RESPLIT: "corrected resampled t"}
SHARES = ("accuracy", "balanced_accuracy", "macro_f1")
ESTIMAND = (  # what every interval here is about
    "the mean over fresh training sets of this size, from where these sentences came from"
)
UNCLEAR = "no clear difference"
MOST_DRAWS = 1000  # that anyone would wait for
FEW_DRAWS = 5  # fewer say little about how draws differ
ROUNDING = 1e-12  # relative: what sums of the same numbers may differ by
LOWER_IS_BETTER = ("log_loss", "mean_absolute_error")


def interval(
    values: Any, level: float = 0.95, test_per_train: float = 0.0
) -> tuple[float, float, float]:
    """Mean and Student's t interval of values: (mean, low, high). One value has none (NaN).

    Args:
        values: one score (or difference) a draw.
        level: how often such an interval should hold the truth.
        test_per_train: 0 if the draws are independent; n_test / n_train if they re-split the same
            rows (the corrected resampled t of Nadeau and Bengio).

    Example:
        >>> mean, low, high = interval([0.6, 0.7, 0.8])
        >>> wide = interval([0.6, 0.7, 0.8], test_per_train=1 / 3)
        >>> wide[1] < low < mean < high < wide[2]
        True
    """
    at_least("test_per_train", test_per_train)
    scores = np.asarray(values, dtype=float)
    n = len(scores)
    whole("number of values", n, 1)
    mean = float(scores.mean())
    if n < 2:
        return mean, np.nan, np.nan
    if np.ptp(scores) <= ROUNDING * max(1.0, abs(scores).max()):  # 0.5 - 0.4 is not 0.4 - 0.3
        return mean, mean, mean
    scale = np.sqrt(scores.var(ddof=1) * (1 / n + test_per_train))
    low, high = stats.t.interval(level, n - 1, loc=mean, scale=scale)
    return mean, float(low), float(high)


def summary(table: pd.DataFrame, metric: str = "accuracy") -> pd.DataFrame:
    """Mean and 95 % interval over draws of each strategy: a table to read or to plot.

    Columns: data, n_per_task, strategy, mean, low, high, n_seeds, n_params, seconds, interval (its
    name: see the head of this module). Best first.
    """
    rows = per_draw(table, metric)
    out = []
    for (name, n, strategy), group in rows.groupby(["data", "n_per_task", "strategy"], sort=False):
        ratio, kind = drawn(group)
        found = interval(group["value"], test_per_train=ratio)
        if metric in (*SHARES, *LOWER_IS_BETTER):  # none of them is below 0
            found = (found[0], *np.clip(found[1:], 0, _most(table, metric)).tolist())
        cost = group["n_params"].mean(), group["seconds"].mean()
        out.append((name, n, strategy, *found, len(group), *cost, kind))
    columns = ["data", "n_per_task", "strategy", "mean", "low", "high", "n_seeds", "n_params"]
    result = pd.DataFrame(out, columns=[*columns, "seconds", "interval"])
    return result.astype({"n_params": int}).sort_values(
        ["data", "n_per_task", "mean"],
        ascending=[True, True, metric in LOWER_IS_BETTER],
        ignore_index=True,
    )


def paired(table: pd.DataFrame, reference: str = "RAG", metric: str = "accuracy") -> pd.DataFrame:
    """``reference`` minus each other strategy, seed by seed: mean difference and its 95 % interval.

    The draws are the same for all strategies, so the difference is far less noisy than the two
    means.
    Columns: data, n_per_task, strategy, difference, low, high, verdict, interval (its name).
    ``verdict`` says whether the reference is "better", "worse", or there is "no clear difference".
    (A log_loss is better if it is lower: then a negative difference is.)
    """
    rows = per_draw(table, metric)
    reference = meant("reference", reference, table["strategy"].unique())
    out = []
    for (name, n), group in rows.groupby(["data", "n_per_task"], sort=False):
        ratio, kind = drawn(group)
        wide = group.pivot_table("value", "seed", "strategy", sort=False)
        for other in wide.columns.drop(reference):
            difference = (wide[reference] - wide[other]).dropna()
            mean, low, high = interval(difference, test_per_train=ratio)
            most = _most(table, metric)
            low, high = np.clip((low, high), -most, most).tolist()
            clear = not alike_by_chance(low, high, len(difference))
            verdict = _verdict(low, high, metric) if clear else UNCLEAR
            out.append((name, n, other, mean, low, high, verdict, kind))
    columns = ["data", "n_per_task", "strategy", "difference", "low", "high", "verdict"]
    return pd.DataFrame(out, columns=[*columns, "interval"])


def _most(table: pd.DataFrame, metric: str) -> float:
    """The largest value that a metric can have."""
    if metric in SHARES:
        return 1.0
    if metric == "mean_absolute_error":  # compare says it; a table that was read again does not
        return float(table.attrs.get("largest_error", np.inf))
    return np.inf


def winners(map_table: pd.DataFrame, metric: str = "accuracy") -> pd.DataFrame:
    """Who wins in each cell of `who_wins_map`.

    Columns: relatedness, n_per_task, winner, margin, low, high, clear. ``margin`` is the winner's
    mean lead over the second, paired by seed, with its 95 % interval; ``clear`` if low > 0, so
    that a tie never is.
    """
    out = []
    sign = -1 if metric in LOWER_IS_BETTER else 1
    rows = per_draw(map_table, metric)
    for (r, n), cell in rows.groupby(["relatedness", "n_per_task"]):
        ratio, _ = drawn(cell)
        wide = sign * cell.pivot_table("value", "seed", "strategy")
        first, second = wide.mean().sort_values(ascending=False, kind="stable").index[:2]
        margin, low, high = interval(wide[first] - wide[second], test_per_train=ratio)
        clear = low > 0 and not alike_by_chance(low, high, len(wide))
        out.append((r, n, first, margin, low, high, clear))
    columns = ["relatedness", "n_per_task", "winner", "margin", "low", "high", "clear"]
    return pd.DataFrame(out, columns=columns)


def per_draw(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of one metric, averaged over tasks: one for each strategy and draw.

    Raises:
        RagteachError: an unknown metric; a table that does not say where its draws come from; a
            draw that stands twice in it.
    """
    if not isinstance(table, pd.DataFrame) or not {"strategy", "metric", "task"} <= {*table}:
        raise refuse(
            expected="table: what compare() or who_wins_map() returned",
            got=f"table = {type(table).__name__} {shown(table, 60)}",
            fix="table = rt.compare(...), then pass table",
        )
    without = [name for name in ("draws", "test_per_train") if name not in table]
    if without:
        raise refuse(
            expected="a table of compare(), which says in draws and test_per_train where its draws "
            "come from: the interval depends on it",
            got=f"a table without {' and '.join(without)}",
            fix="make it again; if its draws were fresh ones of the toy generator, use "
            'table.assign(draws="fresh", test_per_train=0.0)',
        )
    one_of("metric", metric, list(table["metric"].unique()))
    rows = table[(table["metric"] == metric) & (table["task"] == "mean")]
    keys = ["data", "n_per_task", "strategy", "seed", "relatedness"]
    keys = [name for name in keys if name in rows]
    twice = rows[rows.duplicated(keys)]
    if len(twice):
        again = twice.iloc[0]
        raise refuse(
            expected="every draw once: the same again is no new data",
            got=f"seed {again['seed']} of {again['strategy']!r} more than once, with n_per_task = "
            f"{again['n_per_task']}",
            fix="drop the repetition, or read the parts of the table one by one",
        )
    return rows


def drawn(rows: pd.DataFrame) -> tuple[float, str]:
    """n_test / n_train of these draws, and the name of their interval."""
    kinds = sorted(rows["draws"].unique())
    if len(kinds) > 1 or kinds[0] not in INTERVALS:
        raise refuse(
            expected="draws that are all fresh, or all re-splits of the same rows",
            got=f"draws = {kinds}",
            fix="read the two kinds apart: table[table['draws'] == 'fresh']",
        )
    return float(rows["test_per_train"].max()), INTERVALS[kinds[0]]


def _verdict(low: float, high: float, metric: str) -> str:
    if metric in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return UNCLEAR


def draws_to_decide(differences: Any, test_per_train: float = 0.0) -> int | None:
    """How many draws like these would take 0 out of the 95 % interval of their mean.

    The least n with |mean| > t sqrt(v (1 / n + r)), where the mean and v stay as they are; None if
    no n does, since re-splits (r > 0) cannot replace more rows, or more than MOST_DRAWS would.

    Example:
        >>> draws_to_decide([0.0, 0.02, 0.04]), draws_to_decide([-1.0, 1.01], test_per_train=0.3)
        (7, None)
    """
    scores = np.asarray(differences, dtype=float)
    n = np.arange(2, MOST_DRAWS + 1)
    scale = np.sqrt(scores.var(ddof=1) * (1 / n + test_per_train))
    decided = abs(scores.mean()) > stats.t.ppf(0.975, n - 1) * scale
    return int(n[decided.argmax()]) if decided.any() else None


def alike_by_chance(low: float, high: float, n_draws: int) -> bool:
    """Whether an interval has no width because a few draws happen to differ by the same amount.

    Example:
        >>> alike_by_chance(0.05, 0.05, 2), alike_by_chance(0.05, 0.05, 20)
        (True, False)
    """
    return low == high and n_draws < FEW_DRAWS
