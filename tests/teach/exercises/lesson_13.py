"""Answers to try on the exercises of lesson 13."""

import numpy as np
import torch
from drafts import slips, spellings
from scipy import stats

from ragteach.study.experiment import interval
from ragteach.teach.exercises import answers_13 as known
from ragteach.teach.exercises.answers_13 import TRIAL

SCORES, BASELINE = np.array(TRIAL["scores"]), np.array(TRIAL["baseline scores"])
CLOSE = SCORES - 0.02 * np.arange(6) / 5 - 0.02  # ahead on average, but not clearly
UNCLEAR = TRIAL | {
    "scores": list(CLOSE),
    "interval": interval(CLOSE - BASELINE),
    "verdict": "fails",
}


def half_width(values, factor=None):
    n = len(values)
    factor = stats.t.ppf(0.975, n - 1) if factor is None else factor
    return factor * values.std(ddof=1) / np.sqrt(n)


def around(half):
    mean = (SCORES - BASELINE).mean()
    return mean, mean - half, mean + half


UNPAIRED = np.sqrt(half_width(SCORES) ** 2 + half_width(BASELINE) ** 2)


def changed(chance=None, bound=None):
    """A wrong function for 13-2."""
    right = known.false_evidence
    return lambda a, m: (
        chance(a, m) if chance else right(a, m)[0],
        bound(a, m) if bound else right(a, m)[1],
    )


def counts(written=None, first=None):
    """A wrong function for 13-4."""
    right = known.multiply_adds
    return lambda n, d, c, k: (
        written(n, d, c, k) if written else right(n, d, c, k)[0],
        first(n, d, c, k) if first else right(n, d, c, k)[1],
    )


GOOD = TRIAL | {"seeds": range(10, 16)}
REVIEW = {
    "right": "The idea of a small adapter for each task is useful, since old tasks keep their answers.",
    "collapse": "The printed sum adds all adapters, so every task gets the same matrix.",
    "evidence": "Please report test sentences with several seeds.",
    "depends": "The gain depends on how related the tasks are.",
    "citation": "We could not find the cited paper, so please give a DOI.",
}


def without(key, extra=""):
    return " ".join(text for k, text in REVIEW.items() if k != key) + " " + extra


WRONG = {
    "13-1": {
        "the mean decides": known.by_mean,
        "the upper end decides": known.by_high,
        "zero is evidence": known.zero_counts,
        "any is holds": known.order_of_words,
        "nothing holds": known.no_conditions_hold,
        "nothing fails": known.no_conditions_fail,
        "one below sinks it": known.one_against_is_enough,
        "never depends": known.never_depends,
        "other words": lambda intervals: "yes" if intervals else "no",
        "not the function": "holds",
    },
    "13-2": {
        "none": changed(chance=lambda a, m: (1 - a) ** m),
        "all": changed(chance=lambda a, m: a**m),
        "not all": changed(chance=lambda a, m: 1 - a**m),
        "bound twice": changed(chance=lambda a, m: a * m),
        "independent twice": changed(bound=lambda a, m: 1 - (1 - a) ** m),
        "bound without m": changed(bound=lambda a, m: a),
        "divided": changed(bound=lambda a, m: a / m),
        "swapped": lambda a, m: known.false_evidence(a, m)[::-1],
        "one number": lambda a, m: m * a,
    },
    "13-3": {
        "equal counts": known.not_strict,
        "rounded": known.rounded,
        "negative": known.minus_one,
        "W_s forgotten": known.shared_forgotten,
        "a projection": known.projection,
        "one factor": known.one_factor,
        "against full sharing": known.against_sharing,
        "not whole": known.quotient,
    },
    "13-4": {
        "swapped": lambda *sizes: known.multiply_adds(*sizes)[::-1],
        "without W_s": counts(written=lambda n, d, c, k: n * k * c * d),
        "free additions": counts(first=lambda n, d, c, k: n * c * d),
        "added per sentence": counts(first=lambda n, d, c, k: n * (k + 1) * c * d),
        "one addition more": counts(first=lambda n, d, c, k: (k + 1 + n) * c * d),
        "one sentence": lambda n, d, c, k: ((k + 1) * c * d, (k + 1) * c * d),
        "two for one": lambda *sizes: tuple(2 * count for count in known.multiply_adds(*sizes)),
        "one count": lambda n, d, c, k: n * (k + 1) * c * d,
    },
    "13-5": {
        "a list": list(TRIAL.values()),
        "an entry missing": {k: v for k, v in TRIAL.items() if k != "baseline"},
        "no sentence": TRIAL | {"claim": "RAG wins"},
        "no baseline": TRIAL | {"baseline": " "},
        "the same seed": TRIAL | {"seeds": [200] * 6},
        "five seeds": TRIAL
        | {k: TRIAL[k][:5] for k in ("seeds", "scores", "baseline scores")}
        | {"interval": interval((SCORES - BASELINE)[:5])},
        "a score missing": TRIAL | {"scores": TRIAL["scores"][:5]},
        "nan": TRIAL | {"scores": [float("nan"), *TRIAL["scores"][1:]]},
        "with itself": TRIAL | {"baseline scores": TRIAL["scores"]},
        "one draw": TRIAL | {"scores": [0.7] * 6},
        "two numbers": TRIAL | {"interval": TRIAL["interval"][1:]},
        "turned round": TRIAL | {"interval": interval(BASELINE - SCORES)},
        "scores alone": TRIAL | {"interval": interval(SCORES)},
        "unpaired": TRIAL | {"interval": around(UNPAIRED)},
        "1.96": TRIAL | {"interval": around(half_width(SCORES - BASELINE, 1.96))},
        "ddof=0": TRIAL | {"interval": around(half_width(SCORES - BASELINE) * np.sqrt(5 / 6))},
        "single seeds": TRIAL | {"interval": around(half_width(SCORES - BASELINE) * np.sqrt(6))},
        "low first": TRIAL | {"interval": tuple(np.array(TRIAL["interval"])[[1, 0, 2]])},
        "against its rule": TRIAL | {"verdict": "fails"},
        "by the mean": UNCLEAR | {"verdict": "holds"},
        "depends on nothing": TRIAL | {"verdict": "depends"},
    },
    "13-6": slips("rrwrww"),
}

RIGHT = {
    "13-1": {
        "counting": lambda intervals: (
            {0: "fails", len(intervals): "holds"}.get(
                sum(low > 0 for _, low, _ in intervals), "depends"
            )
            if len(intervals)
            else "untestable"
        ),
        "numpy": lambda intervals: (
            ("fails", "depends", "holds")[
                int((np.array(intervals)[:, 1] > 0).any())
                + int((np.array(intervals)[:, 1] > 0).all())
            ]
            if intervals
            else "Untestable"
        ),
    },
    "13-2": {"an array": lambda a, m: np.array([-np.expm1(m * np.log1p(-a)), a * m])},
    "13-3": {
        "a search": lambda d, c, t: max(
            [r for r in range(1, c * d) if c * d + t * r * (c + d) < t * c * d], default=0
        ),
        "ceil": lambda d, c, t: max(-(-(t - 1) * c * d // (t * (c + d))) - 1, 0),
    },
    "13-4": {"a list": lambda n, d, c, k: [n * c * d + n * k * c * d, (n + k) * c * d]},
    "13-5": {
        "it fails": UNCLEAR,
        "arrays": GOOD
        | {"scores": SCORES, "baseline scores": torch.tensor(BASELINE), "verdict": "Holds"},
        "rounded": TRIAL | {"interval": tuple(np.round(TRIAL["interval"], 4))},
    },
    "13-6": spellings("rrwrww"),
}
