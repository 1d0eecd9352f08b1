"""What a comparison advises: one strategy to use, in sentences that its intervals bear out.

Enters: the table of `compare`.  Leaves: `Advice`: the strategy, its nearest rival, and why.

The rule is said before the numbers are seen. A strategy is out if another one is clearly better
(the 95 % interval of their paired difference lies above 0). Of those that are left, the one with
the fewest trained weights is advised: a difference that these draws cannot show is no reason for a
larger model. No clear difference does not mean that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ragteach.errors import refuse
from ragteach.study.strategies import STRATEGIES
from ragteach.study.tables import FEW_DRAWS, alike_by_chance, drawn, interval, per_draw

USABLE = (*STRATEGIES, "full sharing + task bias")  # what can be trained on a file and saved
NOTHING = "majority class"  # reads nothing


@dataclass(frozen=True)
class Advice:
    """Which strategy to use, and why.

    Attributes:
        strategy: the one that is advised. rival: the best of those that share in another way, to
            compare it with; None if there is none in the table.
        best: the one with the highest mean accuracy. said: the advice in sentences.
    """

    strategy: str
    rival: str | None
    best: str
    said: str

    def __str__(self) -> str:
        return self.said


def advise(table: pd.DataFrame) -> Advice:
    """Which of RAG, full sharing (with or without a bias for each task) and independent to use.

    Decided by accuracy, at the largest number of training sentences in the table.

    Args:
        table: of `compare`.

    Raises:
        RagteachError: a table without any of those strategies, or not of `compare`.

    Example:
        >>> from ragteach import compare
        >>> table = compare("toy", 2, 10, ["RAG", "full sharing"], progress=False)
        >>> advise(table).strategy in USABLE
        True
    """
    rows = per_draw(table, "accuracy")
    rows = rows[rows["n_per_task"] == rows["n_per_task"].max()]
    wide = rows.pivot_table("value", "seed", "strategy", sort=False)
    weights = rows.groupby("strategy")["n_params"].mean()
    there = [name for name in USABLE if name in wide]
    if not there:
        raise refuse(
            expected=f"a table with one of {', '.join(USABLE)}",
            got=f"strategies {', '.join(map(str, wide.columns))}",
            fix="compare those, too: leave strategies out",
        )
    mean = wide.mean()
    there.sort(key=lambda name: -mean[name])
    best = there[0]
    ratio, _ = drawn(rows)
    _, low, high = interval(wide[best].dropna(), test_per_train=ratio)
    span = (
        ""
        if np.isnan(low) or low == high
        else f"95 % interval {max(low, 0):.1%} to {min(high, 1):.1%}, "
    )
    first = (
        f"Best on average: {best}, right in {mean[best]:.1%} of new sentences ({span}mean over "
        f"{_counted(len(wide), 'draw')} and over tasks)."
    )
    first += _above(best, mean, there)
    if table["task"].nunique() == 2:  # the task and the mean
        first += " There is one task: nothing to share, and a plain classifier is all it takes."
    if len(wide) < 2:
        second = "One draw has no interval: take twenty (--seeds 20) before you decide."
        return Advice(best, _rival(best, there), best, f"{first} {second}")
    gap = {
        (a, b): interval((wide[a] - wide[b]).dropna(), test_per_train=ratio)
        for a in there
        for b in wide.columns
        if a != b
    }
    clear = {
        (a, b)
        for (a, b), (_, low, high) in gap.items()
        if low > 0 and b in there and not alike_by_chance(low, high, len(wide))
    }
    beaten = {b for _, b in clear}
    left = [name for name in there if name not in beaten]
    chosen = min(left, key=lambda name: weights[name])
    others = [name for name in left if name != chosen]
    said = [first, *_reasons(chosen, best, others, there, clear, gap)]
    if len(wide) < FEW_DRAWS:
        said.append(
            f"{len(wide)} draws are few, so these intervals are wide: take twenty (--seeds 20) "
            "before you decide."
        )
    return Advice(chosen, _rival(chosen, there), best, " ".join(said))


def _above(best: str, mean: pd.Series, there: list[str]) -> str:
    """Of what is no choice here: that it came out higher than the best of those that are."""
    above = [str(n) for n in mean.index if n not in there and mean[n] > mean[best]]
    if not above:
        return ""
    shares = _listed([f"{name} ({mean[name]:.1%})" for name in above])
    verb = "is" if len(above) == 1 else "are"
    return (
        f" That is of {_listed(there)}, which can be trained on a file and saved; {shares} came "
        f"out higher on average, and {verb} there to measure by only."
    )


def _rival(chosen: str, there: list[str]) -> str | None:
    """The best of those that share in another way."""
    same = "full sharing" in chosen
    others = [n for n in there if n in STRATEGIES and n != chosen]
    return next((n for n in others if not (same and "full sharing" in n)), None)


def _reasons(
    chosen: str,
    best: str,
    others: list[str],
    there: list[str],
    clear: set[tuple[str, str]],
    gap: dict[tuple[str, str], tuple[float, float, float]],
) -> list[str]:
    """The sentences behind the first."""
    said = []
    out = [name for name in there if any(name == b for _, b in clear)]
    if len(there) > 1 and not others:
        middle, low, high = gap[chosen, there[1]]
        pays = "sharing a part of the weights pays here. " if chosen == "RAG" else ""
        span = _span(low, high, "95 % interval ")
        said.append(
            f"It is clearly better than {_listed(out)} (than {there[1]} by {_points(middle)} "
            f"points, {span}): {pays}Use {chosen}."
        )
    elif others:
        named = _listed([name for name in (best, chosen, *others) if name in (chosen, *others)])
        also = ""
        for name in out:
            ahead = [other for other in there if (other, name) in clear]
            verb = "is" if len(ahead) == 1 else "are"
            also += f" {_listed(ahead)} {verb} clearly better than {name}."
        said.append(
            f"These draws show no clear difference between {named}; that is not to say that there "
            f"is none.{also} Use {chosen}, which has the fewest weights of them, until more rows "
            "show otherwise."
        )
    baselines = {b for a, b in gap if a == chosen and b not in there and b != NOTHING}
    ahead = [name for name in sorted(baselines) if gap[chosen, name][2] < 0]
    if ahead:
        said.append(
            f"A baseline, {_listed(ahead)}, is clearly better than {chosen}: more features help "
            "these tasks more than another way of sharing."
        )
    nothing = gap.get((chosen, NOTHING))
    if nothing is not None and not nothing[1] > 0:
        span = _span(nothing[1], nothing[2])
        said.append(
            f"But {chosen} is not clearly better than saying each task's most frequent class "
            f"without reading ({_points(nothing[0])} points, {span}): these draws "
            "do not show that anything was learned."
        )
    return said


def _span(low: float, high: float, called: str = "") -> str:
    """An interval of differences, in words."""
    if low == high:
        return "the same in every draw"
    return f"{called}{_points(low)} to {_points(high)}"


def _points(share: float) -> str:
    return "none" if np.isnan(share) else f"{100 * min(max(share, -1), 1):+.1f}"


def _listed(names: list[str]) -> str:
    """Names as a sentence lists them.

    Example:
        >>> _listed(["a", "b", "c"])
        'a, b and c'
    """
    names = list(dict.fromkeys(names))
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
