"""What a comparison advises: one strategy to use, and how sure that is.

Enters: the table of `compare`.  Leaves: `Advice`: the strategy, its nearest rival, and why.

The rule: use the strategy with the highest mean accuracy, and of equal ones the one with the fewest
trained weights. It is called decided if it is clearly better than every other one (the 95 %
interval of their paired difference lies above 0); if not, the advice says "undecided", and how many
draws would decide it; the answer in a sentence keeps to what is clear.

Another rule sounds as careful: of all that are not clearly beaten, use the one with the fewest
weights. It costs more, since few draws beat few strategies. Points of accuracy below the best of
the four, trained on a part of the n rows of each task and tested on 4,000 fresh sentences: the mean
over 8 toy data sets a cell, five draws each (r is the relatedness):

    n                           20                80               200         mean
    r                      0   .5    1       0   .5    1       0   .5    1
    highest mean          6.1   0    0      0.1   0    0       0  0.1    0      0.7
    within one s.e.       9.6   0    0       0   2.2   0       0  0.2    0      1.3
    within 1 point        6.1   0    0       0    0    0       0  0.4    0      0.7
    fewest weights        9.6   0    0       0   7.2   0       0  0.4    0      1.9
    always RAG            2.2  0.9  1.2     0.3   0    0       0   0     0      0.5
    always full sharing   9.6   0    0     34.3  6.8   0     56.0 20.4   0     14.1
    always independent     0   9.6 30.5      0   6.2 26.9      0  0.4   2.6     8.5

("within" is the fewest weights among those that near to the highest mean.) Where a task has 20
rows, no rule finds what they cannot show. The test of this module repeats two cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ragteach.data.kin import about_kin
from ragteach.data.shares import wilson
from ragteach.errors import refuse
from ragteach.study.scores import ERROR
from ragteach.study.strategies import STRATEGIES
from ragteach.study.tables import (
    FEW_DRAWS,
    MOST_DRAWS,
    alike_by_chance,
    drawn,
    draws_to_decide,
    interval,
    paired,
    per_draw,
)

USABLE = (*STRATEGIES, "full sharing + task bias")  # what can be trained on a file and saved
NOTHING = "majority class"  # reads nothing
SHARED = {  # what each shares, as an answer to "should the tasks share weights?"
    "RAG": "Yes, a part of them",
    "full sharing": "Yes, all of them",
    "full sharing + task bias": "Yes, all but a bias for each task",
    "independent": "No",
}
UNLEARNED = "they do not show that anything was learned."
ALONE = "There is one task: nothing to share, and a plain classifier is all it takes."
SAME = 0.0005  # differences below it are 0.0 points
SPREAD = 0.1  # how often a spread like this one, or a smaller, is seen where the true one is larger


@dataclass(frozen=True)
class Advice:
    """Which strategy to use, and why.

    Attributes:
        strategy: the one that is advised. rival: the best of those that share in another way, to
            compare it with; None if there is none in the table.
        decided: whether it is clearly better than every other one. answer: should the tasks share
            weights? What is sure about that, in a sentence. sentences: the advice, the most
            important first.
    """

    strategy: str
    rival: str | None
    decided: bool
    answer: str
    sentences: tuple[str, ...]

    @property
    def said(self) -> str:
        """The advice in one paragraph."""
        return " ".join(self.sentences)

    def __str__(self) -> str:
        return f"{self.answer} {self.said}"


def advise(table: pd.DataFrame) -> Advice:
    """Which of RAG, full sharing (with or without a bias for each task) and independent to use.

    By accuracy, at the largest number of training sentences in the table: the highest mean.

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
    there.sort(key=lambda name: (-round(mean[name], 12), weights[name]))
    chosen = there[0]
    ratio, _ = drawn(rows)
    found = {
        name: interval((wide[chosen] - wide[name]).dropna(), test_per_train=ratio)
        for name in wide.columns
        if name != chosen
    }
    clear = {name for name, gap in found.items() if _clearly_above(gap, len(wide))}
    open_ = [name for name in there[1:] if name not in clear]
    said = [_use(chosen, there, open_, found, wide, weights)]
    said.append(_right(rows, wide, chosen, mean, table.attrs))
    kin = about_kin(table.attrs.get("kin", 0.0))
    said += [kin] if kin else []
    if len(wide) < 2:
        said.append("One draw has no interval: take twenty (--seeds 20) before you decide.")
    elif open_:
        said += [_more_draws(wide[chosen] - wide[open_[0]], open_[0], ratio)]
    said += _yardsticks(chosen, mean, there, found)
    answer = _answer(chosen, there, open_, found, len(wide))
    if len(wide) > 1 and NOTHING in found and NOTHING not in clear:
        said.append(_nothing(table, chosen, found[NOTHING], len(wide)))
        if said[-1].endswith(UNLEARNED):
            answer = f"These draws cannot say: {UNLEARNED}"
    said += _edge(table, chosen, len(wide))
    if table["task"].nunique() == 2:  # the task and the mean
        said.append(ALONE)
        answer = ALONE
    decided = len(wide) > 1 and not open_
    return Advice(chosen, _rival(chosen, there), decided, answer, tuple(said))


def _clearly_above(gap: tuple[float, float, float], n_draws: int) -> bool:
    _, low, high = gap
    return low > 0 and not alike_by_chance(low, high, n_draws)


def _answer(
    chosen: str,
    there: list[str],
    open_: list[str],
    found: dict[str, tuple[float, float, float]],
    n_draws: int,
) -> str:
    """Should the tasks share weights?  What is sure, in a sentence."""
    if len(there) == 1 or n_draws < 2:
        return f"{'Nothing to compare with' if len(there) == 1 else 'One draw cannot say'}."
    behind = [f"{name} (by {100 * found[name][0]:.1f} points)" for name in there[1:]]
    behind = [text for text, name in zip(behind, there[1:], strict=True) if name not in open_]
    if not open_:
        return f"{SHARED[chosen]}: {chosen} is clearly better than {_listed(behind)}."
    left = {name for name in there if name == chosen or name in open_}
    if not behind:
        return "These draws cannot say: no way to share is clearly better or worse than another."
    if not any("full sharing" in name for name in left):
        sure = "Not all of them"
    elif "independent" not in left and "independent" in there:
        sure = "Yes, at least a part of them"
    else:
        sure = "These draws cannot say how much"
    verb = "is" if len(behind) == 1 else "are"
    still = _listed([name for name in there if name in left])
    return f"{sure}: {_listed(behind)} {verb} clearly worse. Between {still} it is open."


def _use(
    chosen: str,
    there: list[str],
    open_: list[str],
    found: dict[str, tuple[float, float, float]],
    wide: pd.DataFrame,
    weights: pd.Series,
) -> str:
    """The sentence that matters: what to use, and whether that is decided."""
    if len(there) == 1:
        return f"Use {chosen}: there is nothing to compare it with."
    out = [name for name in there[1:] if name not in open_]
    first = (open_ or out)[0]
    middle, low, high = found[first]
    near = f"{chosen} minus {first}: {_points(middle)} points, {_span(low, high)}"
    if not open_:
        pays = " Sharing a part of the weights pays here." if chosen == "RAG" else ""
        return f"Use {chosen}: it is clearly better than {_listed(out)} ({near}).{pays}"
    higher = any(gap[0] < 0 for name, gap in found.items() if name not in there)
    among = ", of those that can be trained on a file and saved," if higher else ""
    even = [name for name in open_ if found[name][0] < SAME]
    best = f"it has{among} the highest mean accuracy"
    if even:
        best += f", level with {_listed(even)} to a tenth of a point"
        best += " and with fewer weights" if weights[chosen] < weights[even].min() else ""
    if len(wide) < 2:
        return f"Undecided; use {chosen} until more is known: {best} in the only draw."
    return (
        f"Undecided; use {chosen} until more is known: {best}. These "
        f"draws show no clear difference from {_listed(open_)} ({near})."
    )


def _right(
    rows: pd.DataFrame, wide: pd.DataFrame, chosen: str, mean: pd.Series, known: Mapping
) -> str:
    """How often it is right, with the interval, beside what reads nothing.

    Args:
        known: what `compare` knows of the whole table: how often the most frequent class of a task
            is right in it (``most_frequent``), and which share of its rows is ``independent``.
    """
    own: float | None = known.get("most_frequent")
    scores = wide[chosen].dropna()
    ratio, _ = drawn(rows)
    _, low, high = interval(scores, test_per_train=ratio)
    span = ""
    if low < high:
        cut = ", cut off there" if low < 0 or high > 1 else ""
        span = f" (95 % interval {max(low, 0):.1%} to {min(high, 1):.1%}{cut})"
    elif low == high and ratio > 0:
        size = max(1, round(ratio * rows["n_per_task"].max()))  # of the smallest test: one task's
        worth = max(1.0, size * known.get("independent", 1.0))  # rows that are alike count as one
        low, high = (float(end) for end in wilson(mean[chosen] * worth, worth))
        span = (
            f" (the same in every draw; the {size} test sentences of a task allow {low:.1%} to "
            f"{high:.1%}, Wilson's 95 % interval)"
        )
    beside = ""
    if NOTHING in mean:
        beside = (
            f". Without reading, each task's most frequent class is right in {mean[NOTHING]:.1%}"
        )
        if own is not None and f"{own:.1%}" != f"{mean[NOTHING]:.1%}":
            beside += f" (in the whole table: {own:.1%})"
    return (
        f"{_first(chosen)} is right in {mean[chosen]:.1%} of the test sentences{span}, the "
        f"mean over {_counted(len(wide), 'draw')} and over tasks{beside}."
    )


def _more_draws(difference: pd.Series, other: str, ratio: float) -> str:
    """What would decide it, if the draws to come are like these: as a range, since few draws know
    little of how much draws differ.
    """
    difference = difference.dropna()
    n = len(difference)
    needed = draws_to_decide(difference, ratio)
    if needed is None and ratio > 0:
        return f"More draws of these rows would not decide it against {other}: more rows may."
    if needed is None:
        return f"More than {MOST_DRAWS:,} draws would be needed to decide it against {other}."
    if needed <= n:  # equal in a few draws
        return f"Too few draws to tell how draws differ: take twenty (--seeds 20) against {other}."
    wider = np.sqrt((n - 1) / stats.chi2.ppf(SPREAD, n - 1))  # the spread may well be this larger
    mean = difference.mean()
    most = draws_to_decide(mean + wider * (difference - mean), ratio)
    if most is None and ratio > 0:
        return (
            f"Whether more draws of these rows would decide it against {other}, {n} draws cannot "
            "tell: more rows may."
        )
    span = f"{needed} to {most}" if most else f"{needed} to more than {MOST_DRAWS:,}"
    return (
        f"If more draws are like these, roughly {span} in all decide it against {other} "
        f"(--seeds {most or needed})."
    )


def _yardsticks(
    chosen: str,
    mean: pd.Series,
    there: list[str],
    found: dict[str, tuple[float, float, float]],
) -> list[str]:
    """Of what is no choice here: that its mean is higher."""
    above = [str(n) for n in mean.index if n not in there and mean[n] > mean[chosen]]
    if not above:
        return []
    shares = _listed([f"{name} ({mean[name]:.1%})" for name in above])
    ahead = [name for name in above if found[name][2] < 0]
    clearly = f"; {_listed(ahead)} clearly" if ahead else ""
    wider = ""
    if any("equal parameters" in name for name in above):
        wider = (
            " What has equal parameters reads phrases, too, as many as give it RAG's number of "
            "weights: so may phrases help here, whatever is shared."
        )
    return [
        f"A higher mean, to measure by only since it cannot be trained on a file and saved: "
        f"{shares}{clearly}.{wider}"
    ]


def _nothing(
    table: pd.DataFrame, chosen: str, gap: tuple[float, float, float], n_draws: int
) -> str:
    """That accuracy does not show that anything was learned; and whether an error does."""
    said = (
        f"But {chosen} is not clearly better than saying each task's most frequent class without "
        f"reading ({_points(gap[0])} points, {_span(*gap[1:])})"
    )
    if (table["metric"] == ERROR).any():
        errors = paired(table, chosen, ERROR)
        errors = errors[errors["n_per_task"] == errors["n_per_task"].max()]
        row = errors.set_index("strategy").loc[NOTHING]
        if row["verdict"] == "better":
            return (
                f"{said}. Its answers are clearly nearer to the truth, by {-row['difference']:.2f} "
                f"on average ({-row['high']:.2f} to {-row['low']:.2f}): it has learned something."
            )
    if gap[0] > SAME and n_draws < FEW_DRAWS:
        return (
            f"{said}: {n_draws} draws are too few to say, since they know little of how much draws "
            f"differ (Student's t has {_counted(n_draws - 1, 'degree')} of freedom). Take twenty "
            "(--seeds 20)."
        )
    return f"{said}: {UNLEARNED}"


def _edge(table: pd.DataFrame, chosen: str, n_draws: int) -> list[str]:
    """That its penalty lies on an edge of those tried, in most draws."""
    rows = table[(table["metric"] == "on_edge") & (table["strategy"] == chosen)]
    rows = rows[rows["n_per_task"] == table["n_per_task"].max()]
    n_edge = int(rows["value"].sum())
    if 2 * n_edge <= n_draws:
        return []
    return [
        f"In {n_edge} of {_counted(n_draws, 'draw')} its penalty lies on an edge of those tried: a "
        "better one may lie beyond, for it or for another strategy."
    ]


def _rival(chosen: str, there: list[str]) -> str | None:
    """The best of those that share in another way."""
    same = "full sharing" in chosen
    others = [n for n in there if n in STRATEGIES and n != chosen]
    return next((n for n in others if not (same and "full sharing" in n)), None)


def _span(low: float, high: float) -> str:
    """An interval of differences, in words."""
    if np.isnan(low):
        return "in the only draw"
    if low == high:
        return "the same in every draw"
    if low < -1 and high > 1:
        return "which rules nothing out"
    cut = ", cut off there" if low < -1 or high > 1 else ""
    return f"95 % interval {_points(low)} to {_points(high)}{cut}"


def _points(share: float) -> str:
    """A difference in points; one that is none has no sign.

    Example:
        >>> _points(0.0213), _points(-1e-9)
        ('+2.1', '0.0')
    """
    points = round(100 * min(max(share, -1), 1), 1)
    return f"{points:+.1f}" if points else "0.0"


def _first(name: str) -> str:
    """A strategy's name where a sentence begins."""
    return name[0].upper() + name[1:]


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
