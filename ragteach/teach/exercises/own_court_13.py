"""Exercise 13-9: a court of one's own, which hears conditions and passes one verdict; part by part."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import stats

from ragteach.teach.checks import Wrong, as_array, exercise, expect, expect_close, finished


class Court:
    """The reference of 13-9."""

    def __init__(self, margin=0.0, level=0.95):
        self.margin, self.level = margin, level
        self.heard = {}

    def hear(self, condition, scores, baseline):
        scores = np.asarray(scores, float)
        baseline = np.asarray(baseline, float)
        if scores.shape != baseline.shape or scores.ndim != 1 or len(scores) < 3:
            raise ValueError("a score and a baseline score for each seed; three seeds or more")
        if not np.isfinite(scores - baseline).all():
            raise ValueError("a score is nan or infinite")
        if condition in self.heard:
            raise ValueError(f"{condition} was heard already: again is another chance for luck")
        self.heard[condition] = scores - baseline + self.margin
        return self

    def interval(self, d):
        each = 1 - (1 - self.level) / len(self.heard)  # Bonferroni
        half = stats.t.ppf((1 + each) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
        return d.mean(), d.mean() - half, d.mean() + half

    def intervals(self):
        return {condition: self.interval(d) for condition, d in self.heard.items()}

    def verdict(self):
        found = list(self.intervals().values())
        ahead = sum(low > 0 for _, low, _ in found)
        behind = sum(high <= 0 for _, _, high in found)
        if not found:
            return "cannot be tested"
        if ahead and behind:
            return "depends"
        if len(found) in (ahead, behind):
            return "for" if ahead else "against"
        return "open"

    def luck(self, flips):
        caught = 0
        for flip in np.asarray(flips):
            found = [self.interval(d * flip) for d in self.heard.values()]
            caught += any(low > 0 or high < 0 for _, low, high in found)
        return caught / len(flips)


def cases(spread=0.03, n=6, means=(0.06, 0.015, -0.05)):
    """{condition: (scores, baseline)}: one ahead, one undecided, one behind."""
    rng = np.random.default_rng(5)
    found = {}
    for place, mean in enumerate(means):
        baseline = rng.uniform(0.5, 0.8, n)
        noise = rng.normal(size=n)
        noise = (noise - noise.mean()) / noise.std(ddof=1) * spread
        found[f"condition {place + 1}"] = (baseline + mean + noise, baseline)
    return found


FLIPS = np.array(list(itertools.product([1, -1], repeat=6)))
WORDS = ("for", "against", "open", "depends", "cannot be tested")


def heard_by(court: Any, given: Mapping) -> Any:
    for condition, (scores, baseline) in given.items():
        court.hear(condition, scores.copy(), baseline.copy())
    return court


@exercise(
    "13-9",
    title="A court of your own",
    difficulty="hard",
    minutes=30,
    trains="owning the judge: pairs, a margin, several conditions, and a test of the court itself",
    hints=[
        "hear keeps one array for each condition: scores - baseline + margin. It raises ValueError "
        "if the two cannot be paired, and returns self.",
        "intervals: the level of each condition is 1 - (1 - level) / m, with m the number of "
        "conditions; half = t.ppf((1 + each) / 2, n - 1) * std(ddof=1) / root of n.",
        "luck: for every flip, the intervals of d * flip, d as it was heard, the margin in it; count "
        "the flips under which any of them "
        "leaves 0 outside, and divide by the number of flips.",
    ],
    reference=Court,
    reason="Forty lines, and any claim with paired scores gets the same court. It has been tried "
    "itself: where nothing is there, it rarely finds something.",
    rule="differences plus the margin, one level shared by all conditions, five words.",
)
def court(yours):
    """The class, part by part: hear, intervals, verdict, luck."""
    expect(isinstance(yours, type), "Hand over the class itself, without brackets.")
    _hear(yours)
    _intervals(yours)
    _verdict(yours)
    _luck(yours)


def _hear(yours):
    scores, baseline = cases()["condition 1"]
    mine = yours(margin=0.02)
    back = mine.hear("a", scores, baseline)
    finished(back, "hear returns nothing yet. It ends with return self.")
    expect(back is mine, "hear returns self, so that hearings can stand in one line.")
    nan = np.where(np.arange(len(scores)) == 2, np.nan, scores)
    refusals = {
        "scores and baseline of different lengths cannot be paired": ("b", scores[:-1], baseline),
        "a nan is no score": ("c", nan, baseline),
        "two seeds make no interval worth the name": ("d", scores[:2], baseline[:2]),
        "a condition that is heard twice has two chances": ("a", scores, baseline),
    }
    for why, given in refusals.items():
        try:
            mine.hear(*given)
        except ValueError:
            continue
        raise Wrong(f"hear takes what it should refuse: {why}. Raise ValueError.")


def _slip(**change: Callable) -> type[Court]:
    return type("Slip", (Court,), change)


def _with(each=None, half=None, cut=None) -> Callable:
    """An interval with one thing changed: the level, the standard error, the table."""

    def interval(self, d):
        m = len(self.heard)
        level = (each or (lambda level, m: 1 - (1 - level) / m))(self.level, m)
        error = (half or (lambda d: d.std(ddof=1) / len(d) ** 0.5))(d)
        t = (cut or (lambda level, n: stats.t.ppf((1 + level) / 2, n - 1)))(level, len(d))
        return d.mean(), d.mean() - t * error, d.mean() + t * error

    return interval


def _margin(sign):
    def hear(self, condition, scores, baseline):
        self.heard[condition] = np.asarray(scores) - np.asarray(baseline) + sign * self.margin
        return self

    return hear


def _turned(self, condition, scores, baseline):
    self.heard[condition] = np.asarray(baseline) - np.asarray(scores) + self.margin
    return self


SLIPS = {
    "Every condition still has the whole level. With m conditions each gets 1 - (1 - level) / m.": (
        _slip(interval=_with(each=lambda level, m: level))
    ),
    "The level is multiplied, so it falls with m. Divide what is MISSING from 1: (1 - level) / m.": (
        _slip(interval=_with(each=lambda level, m: level / m))
    ),
    "This is the level of 2 m conditions. (1 + each) / 2 makes it two-sided already.": (
        _slip(interval=_with(each=lambda level, m: 1 - (1 - level) / (2 * m)))
    ),
    "Your intervals are one-sided: they leave 1 - each out on each side. Use t.ppf((1 + each) / 2).": (
        _slip(interval=_with(cut=lambda level, n: stats.t.ppf(level, n - 1)))
    ),
    "With so few seeds a normal quantile is too small. Use t with n - 1 degrees of freedom.": (
        _slip(interval=_with(cut=lambda level, n: stats.norm.ppf((1 + level) / 2)))
    ),
    "The spread of few seeds needs std(ddof=1).": (
        _slip(interval=_with(half=lambda d: d.std() / len(d) ** 0.5))
    ),
    "That is the spread of single seeds. The mean of n is steadier: divide by the root of n.": (
        _slip(interval=_with(half=lambda d: d.std(ddof=1)))
    ),
    "The margin is missing: with it, 'not worse by more than the margin' lies above 0.": (
        _slip(hear=_margin(0))
    ),
    "The margin is subtracted. It is granted: add it to the difference.": _slip(hear=_margin(-1)),
    "You subtract the scores from the baseline. Above 0 must speak for the claim.": (
        _slip(hear=_turned)
    ),
}


def _table(found: Any) -> np.ndarray:
    finished(found, "intervals returns nothing yet.")
    expect(
        isinstance(found, Mapping) and set(found) == set(cases()),
        "intervals returns a dict with an entry for each condition that was heard.",
    )
    sizes = {as_array(found[condition]).size for condition in found}
    expect(sizes == {3}, "Give three numbers for each condition: mean, low, high.")
    return np.array([as_array(found[condition]).ravel() for condition in cases()])


def _intervals(yours):
    given = cases()
    mine = _table(heard_by(yours(margin=0.02), given).intervals())
    right = heard_by(Court(margin=0.02), given)
    wrong = [
        (_table(heard_by(slip(margin=0.02), given).intervals()), message)
        for message, slip in SLIPS.items()
    ]
    truth = _table(right.intervals())
    wrong.append((truth[:, [1, 0, 2]], "The order is mean, low, high."))
    expect_close(mine, truth, wrong=wrong, what="The table (mean, low, high) of three conditions")


VERDICTS = {
    "no condition at all": ((), "cannot be tested"),
    "one ahead, one undecided, one behind": ((0.06, 0.015, -0.05), "depends"),
    "two ahead": ((0.06, 0.09), "for"),
    "two behind": ((-0.06, -0.09), "against"),
    "one ahead, one undecided": ((0.06, 0.0), "open"),
    "one behind, two undecided": ((-0.06, 0.0, 0.001), "open"),
    "one undecided, its mean above 0": ((0.01,), "open"),
}


def _verdict(yours):
    for name, (means, right) in VERDICTS.items():
        said = heard_by(yours(), cases(means=means)).verdict()
        finished(said, "verdict returns nothing yet.")
        said = str(said).strip().lower()
        expect(said in WORDS, f"verdict says {said!r}; its words are {', '.join(WORDS)}.")
        expect(
            said == right,
            f"On {name} your court says {said!r}, and the judge of 13-1 says something else.",
        )
    said = heard_by(yours(margin=0.05), cases(means=(-0.09, -0.09))).verdict()
    expect(
        str(said).strip().lower() == "against",
        f"Two conditions are behind by more than the margin, and your court says {str(said)!r}: "
        "the margin is in the differences already. Do not grant it again.",
    )


def _unmargined(court):
    """luck of a court that takes the margin out, flips, and grants it again."""
    margin = court.margin

    def caught(flip):
        found = [court.interval((d - margin) * flip + margin) for d in court.heard.values()]
        return any(low > 0 or high < 0 for _, low, high in found)

    return np.mean([caught(flip) for flip in FLIPS])


def _luck_with_a_margin(yours):
    given = cases(means=(-0.01, 0.02), spread=0.05)
    settings = {"margin": 0.05, "level": 0.6}
    mine = heard_by(yours(**settings), given).luck(FLIPS.copy())
    court = heard_by(Court(**settings), given)
    expect_close(
        mine,
        court.luck(FLIPS),
        wrong=[
            (
                lambda: _unmargined(court),
                "You take the margin out, flip, and grant it again. Flip d as it was heard, the "
                "margin in it: the question is how often a court is misled about a claim that is "
                "just not true, RAG behind by the margin itself.",
            ),
            (
                lambda: heard_by(Court(level=0.6), given).luck(FLIPS),
                "The margin is left out before the flips. Flip d as it was heard, the margin in it.",
            ),
        ],
        what="luck with a margin of 0.05",
        atol=1e-9,
    )


def _luck(yours):
    given = cases(means=(0.02, 0.06), spread=0.05)
    level = 0.6
    mine = heard_by(yours(level=level), given)
    before = [as_array(row) for row in mine.intervals().values()]
    said = mine.luck(FLIPS.copy())
    court = heard_by(Court(level=level), given)
    found = [[court.interval(d * flip) for d in court.heard.values()] for flip in FLIPS]
    above = np.array([[low > 0 for _, low, _ in row] for row in found])
    below = np.array([[high < 0 for _, _, high in row] for row in found])
    alone = heard_by(SLIPS[next(iter(SLIPS))](level=level), given)
    right = court.luck(FLIPS)
    expect_close(
        said,
        right,
        wrong=[
            (right * len(FLIPS), "That is their number. Asked is their share."),
            (
                above.any(1).mean(),
                "You count false evidence FOR only. Evidence against is as false.",
            ),
            (
                (above | below).all(1).mean(),
                "You count flips that fool the court under ALL conditions. One is enough.",
            ),
            (
                (above | below).mean(),
                "That is the share of conditions. Asked is the share of flips.",
            ),
            (1 - right, "That is the share of flips that fool nobody."),
            (alone.luck(FLIPS), "luck judges by the whole level. Use the court's own intervals."),
        ],
        what="luck",
        atol=1e-9,
    )
    expect(
        np.allclose([as_array(row) for row in mine.intervals().values()], before),
        "luck has changed what the court had heard. Flip copies: d * flip.",
    )
    _luck_with_a_margin(yours)
