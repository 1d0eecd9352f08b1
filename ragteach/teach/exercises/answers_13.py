"""Answers of lesson 13 that its checks know: the references, and the typical mistakes with what to
say.
"""

import numpy as np
from scipy import stats

from ragteach.study.experiment import interval

WORDS = ("holds", "depends", "fails", "untestable")


# ------------------------------------------------------------------ 13-1


def judge(intervals):
    """The verdict: how many intervals lie wholly above 0?"""
    if not intervals:
        return "untestable"
    shown = [low > 0 for _, low, _ in intervals]
    if all(shown):
        return "holds"
    return "depends" if any(shown) else "fails"


def _by(shows):
    """A judge that reads each interval in its own way."""

    def wrong_judge(intervals):
        shown = [shows(*one) for one in intervals]
        return (
            "untestable"
            if not shown
            else ("holds", "depends", "fails")[2 - all(shown) - any(shown)]
        )

    return wrong_judge


by_mean = _by(lambda mean, low, high: mean > 0)
by_high = _by(lambda mean, low, high: high > 0)
zero_counts = _by(lambda mean, low, high: low >= 0)


def order_of_words(intervals):
    """``all`` and ``any`` exchanged."""
    shown = [low > 0 for _, low, _ in intervals]
    if not shown:
        return "untestable"
    return "holds" if any(shown) else "fails"


def no_conditions_hold(intervals):
    """``all([])`` is True."""
    return judge(intervals) if intervals else "holds"


def no_conditions_fail(intervals):
    """No evidence, so it fails."""
    return judge(intervals) if intervals else "fails"


def one_against_is_enough(intervals):
    """A single interval below 0 sinks the claim."""
    return "fails" if any(high < 0 for *_, high in intervals) else judge(intervals)


def never_depends(intervals):
    """All or nothing."""
    verdict = judge(intervals)
    return "fails" if verdict == "depends" else verdict


JUDGES = [
    (
        by_mean,
        "You ask whether the mean is above 0. Luck can do that. The whole interval must be: look at low.",
    ),
    (
        by_high,
        "You look at the upper end. An interval around 0 would then be evidence. Look at low.",
    ),
    (
        zero_counts,
        "An interval that begins at exactly 0 is not above 0: a difference of 0 is no evidence.",
    ),
    (
        order_of_words,
        'One condition with evidence gives "holds". That takes all of them; some are "depends".',
    ),
    (
        no_conditions_hold,
        "Without conditions you say holds: all of an empty list is true. Treat [] first.",
    ),
    (
        no_conditions_fail,
        "Without conditions there is nothing that could fail. Treat the empty list first.",
    ),
    (
        one_against_is_enough,
        "One interval below 0 makes you say fails, though another lies above 0. That is what depends means.",
    ),
    (never_depends, "You never say depends: some conditions with evidence, and some without."),
]


# ------------------------------------------------------------------ 13-2


def false_evidence(a, m):
    """(independent, the bound)"""
    return 1 - (1 - a) ** m, m * a


def wrong_chances(a, m):
    """Typical mistakes and their diagnosis."""
    chance, bound = false_evidence(a, m)
    return [
        (
            (bound, chance),
            "The two are in the wrong order: first the independent case, then the bound.",
        ),
        (
            ((1 - a) ** m, bound),
            "The first is the chance of no false evidence at all. You want the opposite.",
        ),
        (
            (a**m, bound),
            "a to the power m: that is false evidence under every condition. One is enough.",
        ),
        (
            (1 - a**m, bound),
            "1 - a^m is the chance that not all conditions are false. You want at least one.",
        ),
        (
            (bound, bound),
            "m a is the bound. If the conditions are independent the chance is a little lower.",
        ),
        (
            (chance, chance),
            "The bound must hold without independence. Means add up: what is the mean number?",
        ),
        ((chance, a), "The bound does not depend on m in your answer. More chances, more luck."),
        (
            (chance, a / m),
            "a / m is how small a must become to keep the total. The bound itself is a product.",
        ),
    ]


# ------------------------------------------------------------------ 13-3


def largest_rank(n_features, n_classes, n_tasks):
    """The largest r with T r (C + d) < (T - 1) C d, or 0."""
    top = (n_tasks - 1) * n_classes * n_features
    below = n_tasks * (n_classes + n_features)
    return max((top - 1) // below, 0)


def quotient(n_features, n_classes, n_tasks):
    """What r must stay below."""
    return (n_tasks - 1) / n_tasks * n_classes * n_features / (n_classes + n_features)


def not_strict(n_features, n_classes, n_tasks):
    """Rounded down, so that equality counts."""
    return int((n_tasks - 1) * n_classes * n_features // (n_tasks * (n_classes + n_features)))


def rounded(n_features, n_classes, n_tasks):
    """Rounded to the nearest."""
    return round(quotient(n_features, n_classes, n_tasks))


def minus_one(n_features, n_classes, n_tasks):
    """Without the zero for a single task."""
    top = (n_tasks - 1) * n_classes * n_features
    return (top - 1) // (n_tasks * (n_classes + n_features))


def shared_forgotten(n_features, n_classes, n_tasks):
    """r (C + d) < C d: the adapters against the independent matrices, W_s left out."""
    return (n_classes * n_features - 1) // (n_classes + n_features)


def projection(n_features, n_classes, n_tasks):
    """T r C < (T - 1) C d."""
    return max(((n_tasks - 1) * n_features - 1) // n_tasks, 0)


def one_factor(n_features, n_classes, n_tasks):
    """T r d < (T - 1) C d."""
    return max(((n_tasks - 1) * n_classes - 1) // n_tasks, 0)


def against_sharing(n_features, n_classes, n_tasks):
    """Fewer than full sharing: never."""
    return 0


RANKS = [
    (
        not_strict,
        "Where both train equally many numbers you count it as fewer. The rank must stay below.",
    ),
    (rounded, "You round to the nearest whole number, so r may lie above the limit. Go down."),
    (minus_one, "With one task your answer is negative. No rank will do there: say 0."),
    (
        shared_forgotten,
        "You compare adapters with matrices and forget W_s, which RAG trains as well: C d numbers.",
    ),
    (
        projection,
        "r C is a frozen projection. An adapter of rank r trains both factors: r (C + d).",
    ),
    (one_factor, "You count one factor of the adapter, r d. The other has r C numbers."),
    (
        against_sharing,
        "Against full sharing no rank will do. The rival here is a set of independent models.",
    ),
    (quotient, "That is the number r must stay below. Which is the largest whole number under it?"),
]


# ------------------------------------------------------------------ 13-4


def multiply_adds(n_docs, n_features, n_classes, n_adapters):
    """(as written, added first)"""
    matrix = n_classes * n_features
    as_written = n_docs * (n_adapters + 1) * matrix
    added_first = n_adapters * matrix + n_docs * matrix
    return as_written, added_first


def wrong_counts(n_docs, n_features, n_classes, n_adapters):
    """Typical mistakes and their diagnosis."""
    matrix = n_classes * n_features
    written, first = multiply_adds(n_docs, n_features, n_classes, n_adapters)
    return [
        ((first, written), "The two are in the wrong order: first as written, then added first."),
        (
            (n_docs * n_adapters * matrix, first),
            "As written, W_s multiplies every sentence too: K + 1 products.",
        ),
        (
            (written, n_docs * matrix),
            "Adding the matrices costs something: one addition per entry and adapter.",
        ),
        (
            (written, n_docs * (n_adapters + 1) * matrix),
            "You add the matrices for every sentence anew. They are added once for the whole batch.",
        ),
        (
            (written, (n_adapters + 1) * matrix + n_docs * matrix),
            "K + 1 matrices need only K additions: the first is there already.",
        ),
        (
            ((n_adapters + 1) * matrix, (n_adapters + 1) * matrix),
            "You count one sentence. The batch has n of them.",
        ),
        (
            (2 * written, 2 * first),
            "You count a multiplication and its addition as two. A multiply-add is one.",
        ),
    ]


# ------------------------------------------------------------------ 13-5

_CLAIMED = [0.71, 0.68, 0.74, 0.70, 0.69, 0.73]
_BASELINE = [0.66, 0.65, 0.70, 0.69, 0.66, 0.68]
TRIAL = {
    "claim": "RAG beats full sharing at relatedness 0.75 with one wrong label in five.",
    "baseline": "full sharing",
    "seeds": [200, 201, 202, 203, 204, 205],
    "scores": _CLAIMED,
    "baseline scores": _BASELINE,
    "interval": interval(np.subtract(_CLAIMED, _BASELINE)),
    "verdict": "holds",
}


def wrong_intervals(scores, baseline):
    """Typical mistakes and their diagnosis."""
    difference, n = scores - baseline, len(scores)
    mean, low, high = interval(difference)
    t, root = stats.t.ppf(0.975, n - 1), np.sqrt(n)
    spread = difference.std(ddof=1) / root

    def around(half):
        return mean, mean - half, mean + half

    unpaired = t * np.sqrt(scores.var(ddof=1) + baseline.var(ddof=1)) / root
    return [
        (
            interval(-difference),
            "The difference is turned round: it is your scores minus the baseline's.",
        ),
        (
            interval(scores),
            "That is the interval of your scores alone. Subtract the baseline, seed by seed.",
        ),
        (
            around(unpaired),
            "The seeds are the same for both, so subtract first: yours forgets the pairs.",
        ),
        (
            around(1.96 * spread),
            "1.96 is for a spread that is known. From a few seeds use Student's factor.",
        ),
        (
            around(t * difference.std() / root),
            "Use ddof=1: the mean was estimated from the same numbers.",
        ),
        (
            around(t * spread * root),
            "That is where single seeds fall. For the mean, divide by the root of n.",
        ),
        ((low, mean, high), "The order is mean, low, high."),
    ]
