"""Answers to try on the exercises of lesson 13."""

import numpy as np
import pandas as pd
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
    "verdict": "open",
}
BEHIND = TRIAL | {
    "scores": list(BASELINE),
    "baseline scores": list(SCORES),
    "interval": interval(BASELINE - SCORES),
    "verdict": "against",
}
LOSS = BEHIND | {
    "metric": "log_loss",
    "better": "lower",
    "interval": interval(SCORES - BASELINE),
    "verdict": "for",
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


def plain_judge(intervals):
    signs = []
    for _, low, high in intervals:
        signs.append("for" if low > 0 else "against" if high <= 0 else "open")
    if not signs:
        return "cannot be tested"
    if "for" in signs and "against" in signs:
        return "depends"
    return "open" if "open" in signs else signs[0]


def numpy_judge(intervals):
    ends = np.array(intervals, dtype=float).reshape(-1, 3)
    above, below = ends[:, 1] > 0, ends[:, 2] <= 0
    if not len(ends):
        return "Cannot be tested"
    if above.any() and below.any():
        return "depends"
    return "for" if above.all() else "against" if below.all() else "open"


def torch_judge(intervals):
    ends = torch.tensor(intervals).reshape(-1, 3)
    above, below = (ends[:, 1] > 0).sum(), (ends[:, 2] <= 0).sum()
    if len(ends) == 0:
        return "cannot be tested"
    if above * below > 0:
        return "depends"
    if above == len(ends):
        return "for"
    return "against" if below == len(ends) else "open"


def plain_missed(truth, said, group, label):
    rates = {}
    for name in group:
        of_label = [
            s for t, s, g in zip(truth, said, group, strict=True) if g == name and t == label
        ]
        lost = [s for s in of_label if s != label]
        rates[name] = len(lost) / len(of_label) if of_label else float("nan")
    return rates


def plain_certain(p, sure):
    rows = [list(row) for row in p]
    places = [i for i, row in enumerate(rows) if max(row) >= sure]
    return places, [rows[i].index(max(rows[i])) for i in places]


GOOD = TRIAL | {"seeds": range(10, 16)}
WRONG = {
    "13-1": {
        "the mean decides": known.by_mean,
        "the ends exchanged": known.ends_exchanged,
        "turned round": known.turned_round,
        "zero is evidence": known.zero_counts,
        "zero is open": known.zero_is_open,
        "no evidence is against": known.no_evidence_is_against,
        "no harm is for": known.no_harm_is_for,
        "the majority": known.majority,
        "open left out": known.open_is_left_out,
        "some is depends": known.some_is_depends,
        "some against is depends": known.some_against_is_depends,
        "open wins": known.one_open_is_enough,
        "nothing is for": known.no_conditions_hold,
        "nothing is against": known.no_conditions_fail,
        "nothing is open": known.no_conditions_open,
        "one below sinks it": known.one_against_is_enough,
        "one above carries it": known.one_for_is_enough,
        "the mean's share": lambda e: "for" if np.mean([m for m, *_ in e] or [1]) > 0.5 else "open",
        "always depends": lambda intervals: "depends",
        "other words": lambda intervals: "yes" if intervals else "no",
        "not the function": "for",
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
        "exactly one": changed(chance=lambda a, m: m * a * (1 - a) ** (m - 1)),
        "tiny chances": changed(chance=lambda a, m: 1 - np.exp(-a * m)),
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
        "rounded up": known.rounded_up,
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
        "two for one in products": lambda n, d, c, k: (
            2 * n * (k + 1) * c * d,
            (k + 2 * n) * c * d,
        ),
        "scores added": counts(written=lambda n, d, c, k: n * (k + 1) * c * d + n * k * c),
        "one addition less": counts(first=lambda n, d, c, k: (k - 1 + n) * c * d),
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
        "a loss read as a score": LOSS | {"better": "higher", "interval": BEHIND["interval"]},
        "a loss, turned round": LOSS | {"interval": BEHIND["interval"]},
        "an accuracy read as a loss": TRIAL | {"better": "lower"},
        "no direction": TRIAL | {"better": "yes"},
        "scores alone": TRIAL | {"interval": interval(SCORES)},
        "unpaired": TRIAL | {"interval": around(UNPAIRED)},
        "1.96": TRIAL | {"interval": around(half_width(SCORES - BASELINE, 1.96))},
        "ddof=0": TRIAL | {"interval": around(half_width(SCORES - BASELINE) * np.sqrt(5 / 6))},
        "single seeds": TRIAL | {"interval": around(half_width(SCORES - BASELINE) * np.sqrt(6))},
        "low first": TRIAL | {"interval": tuple(np.array(TRIAL["interval"])[[1, 0, 2]])},
        "against its rule": TRIAL | {"verdict": "against"},
        "too careful": TRIAL | {"verdict": "open"},
        "behind, but for": BEHIND | {"verdict": "for"},
        "behind, but open": BEHIND | {"verdict": "open"},
        "by the mean": UNCLEAR | {"verdict": "for"},
        "no proof is against": UNCLEAR | {"verdict": "against"},
        "depends on nothing": TRIAL | {"verdict": "depends"},
        "not tested": TRIAL | {"verdict": "cannot be tested"},
    },
    "13-6": slips("rrwrww"),
    "13-7": {
        "of all sentences": known.of_all,
        "of everybody": known.of_everybody,
        "of the label everywhere": known.of_the_label,
        "the share found": known.found_rate,
        "false alarms": known.false_alarms,
        "of what was said": known.not_so,
        "any error": known.any_error,
        "counts": known.only_counts,
        "perfect for nobody": known.zero_for_none,
        "one rate": known.one_rate,
        "per cent": known.in_per_cent,
        "part of all missed": known.of_all_missed,
        "a list": lambda *a: list(known.missed(*a).values()),
        "keys are labels": lambda truth, *a: {int(c): 0.5 for c in set(truth.tolist())},
        "a constant": lambda truth, said, group, label: dict.fromkeys(group.tolist(), 0.25),
    },
    "13-8": {
        "labels of all": known.labels_of_all,
        "a mask": known.a_mask,
        "uncertain": known.uncertain,
        "strictly": known.strictly,
        "least likely": known.least_likely,
        "the last class": known.only_positive,
        "the wrong axis": known.over_documents,
        "no threshold": known.everything,
        "probabilities": known.probabilities_for_labels,
        "swapped": known.swapped,
        "every class": known.every_class,
        "places only": lambda p, sure: known.certain(p, sure)[0],
        "half of them": lambda p, sure: tuple(part[:3] for part in known.certain(p, sure)),
    },
}

RIGHT = {
    "13-1": {
        "plain Python": plain_judge,
        "numpy": numpy_judge,
        "torch": torch_judge,
    },
    "13-2": {
        "an array": lambda a, m: np.array([-np.expm1(m * np.log1p(-a)), a * m]),
        "a tensor": lambda a, m: torch.tensor([1 - (1 - a) ** m, a * m]),
        "a list": lambda a, m: [1 - (1 - a) ** m, m * a],
    },
    "13-3": {
        "a search": lambda d, c, t: max(
            [r for r in range(1, c * d) if c * d + t * r * (c + d) < t * c * d], default=0
        ),
        "numpy": lambda d, c, t: np.arange(c * d)[
            c * d + t * np.arange(c * d) * (c + d) < t * c * d
        ].max(initial=0),
        "torch": lambda d, c, t: torch.tensor(max(((t - 1) * c * d - 1) // (t * (c + d)), 0)),
        "ceil": lambda d, c, t: max(-(-(t - 1) * c * d // (t * (c + d))) - 1, 0),
    },
    "13-4": {
        "a list": lambda n, d, c, k: [n * c * d + n * k * c * d, (n + k) * c * d],
        "an array": lambda n, d, c, k: np.array([n * (k + 1), n + k]) * c * d,
        "a tensor": lambda n, d, c, k: torch.tensor([n * (k + 1), n + k]) * c * d,
    },
    "13-5": {
        "it is open": UNCLEAR,
        "it speaks against": BEHIND,
        "a loss": LOSS,
        "a metric of one's own": LOSS | {"metric": "seconds"},
        "arrays": GOOD
        | {"scores": SCORES, "baseline scores": torch.tensor(BASELINE), "verdict": "For"},
        "rounded": TRIAL | {"interval": tuple(np.round(TRIAL["interval"], 4))},
    },
    "13-6": spellings("rrwrww"),
    "13-7": {
        "a column": lambda *given: pd.Series(known.missed(*given)),
        "plain Python": plain_missed,
        "pandas": lambda truth, said, group, label: (
            pd.Series(np.where(truth == label, said != label, np.nan)).groupby(group).mean()
        ).to_dict(),
        "torch": lambda truth, said, group, label: {
            g: torch.tensor(said != label)[torch.tensor((group == g) & (truth == label))]
            .double()
            .mean()
            for g in set(group)
        },
    },
    "13-8": {
        "one array": lambda p, sure: np.array(known.certain(p, sure)),
        "the surest first": lambda p, sure: tuple(
            part[np.argsort(-p.max(1)[known.certain(p, sure)[0]])]
            for part in known.certain(p, sure)
        ),
        "plain Python": plain_certain,
        "torch": lambda p, sure: (
            torch.nonzero(torch.tensor(p).amax(1) >= sure).ravel(),
            torch.tensor(p).argmax(1)[torch.tensor(p).amax(1) >= sure],
        ),
        "numpy": lambda p, sure: (
            list(np.nonzero((p >= sure).any(1))[:1]) + [p[(p >= sure).any(1)].argmax(1)]
        ),
    },
}

WRONG["13-2"] |= {
    "one condition less": changed(chance=lambda a, m: 1 - (1 - a) ** (m - 1)),
    "one minus the bound": changed(chance=lambda a, m: 1 - a * m),
    "shared already": lambda a, m: (1 - (1 - a / m) ** m, a),
    "two sides": lambda a, m: (1 - (1 - a) ** (2 * m), 2 * a * m),
}
WRONG["13-4"] |= {
    "W_s twice forgotten": lambda n, d, c, k: (n * k * c * d, k * c * d),
    "never applied": counts(first=lambda n, d, c, k: k * c * d),
}
