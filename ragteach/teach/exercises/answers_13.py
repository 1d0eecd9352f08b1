"""Answers of lesson 13 that its checks know: the references, and the typical mistakes with what to
say.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from ragteach.study.experiment import interval

WORDS = ("for", "against", "depends", "open", "cannot be tested")

Intervals = Sequence[tuple[float, float, float]]


# ------------------------------------------------------------------ 13-1


def judge(intervals):
    """The verdict that is left, whatever the conditions without a clear sign turn out to be."""
    if len(intervals) == 0:
        return "cannot be tested"
    n_for = sum(bool(low > 0) for _, low, _ in intervals)
    n_against = sum(bool(high <= 0) for _, _, high in intervals)
    if n_for and n_against:
        return "depends"
    if n_for == len(intervals):
        return "for"
    if n_against == len(intervals):
        return "against"
    return "open"


def _by(reading: Callable[..., int]) -> Callable[[Intervals], str]:
    """A judge that reads each interval in its own way: 1 for, -1 against, 0 open."""

    def wrong_judge(intervals: Intervals) -> str:
        signs = {reading(*one) for one in intervals}
        if not signs:
            return "cannot be tested"
        if {1, -1} <= signs:
            return "depends"
        names = {1: "for", -1: "against", 0: "open"}
        return names[signs.pop()] if len(signs) == 1 else "open"

    return wrong_judge


def _sign(mean: float, low: float, high: float) -> int:
    return int(low > 0) - int(high <= 0)


by_mean = _by(lambda mean, low, high: 1 if mean > 0 else -1)
turned_round = _by(lambda mean, low, high: -_sign(mean, low, high))
zero_counts = _by(lambda mean, low, high: int(low >= 0) - int(high < 0))
zero_is_open = _by(lambda mean, low, high: int(low > 0) - int(high < 0))
no_evidence_is_against = _by(lambda mean, low, high: 1 if low > 0 else -1)
no_harm_is_for = _by(lambda mean, low, high: -1 if high <= 0 else 1)


def ends_exchanged(intervals: Intervals) -> str:
    """``high`` where ``low`` belongs, and the reverse."""
    n_for = sum(high > 0 for _, _, high in intervals)
    n_against = sum(low <= 0 for _, low, _ in intervals)
    if n_for and n_against:
        return "depends"
    return judge(intervals)


def majority(intervals: Intervals) -> str:
    """More than half decides."""
    if not len(intervals):
        return "cannot be tested"
    share = np.mean([low > 0 for _, low, _ in intervals])
    return "for" if share > 0.5 else "against"


def open_is_left_out(intervals: Intervals) -> str:
    """Judges the clear conditions only."""
    clear = [one for one in intervals if _sign(*one)]
    if len(intervals) and not clear:
        return "open"
    return judge(clear)


def some_is_depends(intervals: Intervals) -> str:
    """Evidence somewhere, not everywhere: called depends, though nothing speaks against."""
    n_for = sum(low > 0 for _, low, _ in intervals)
    return "depends" if 0 < n_for < len(intervals) else judge(intervals)


def some_against_is_depends(intervals: Intervals) -> str:
    """The same from the other side."""
    n_against = sum(high <= 0 for _, _, high in intervals)
    return "depends" if 0 < n_against < len(intervals) else judge(intervals)


def one_open_is_enough(intervals: Intervals) -> str:
    """Says open although both signs are there."""
    return "open" if any(not _sign(*one) for one in intervals) else judge(intervals)


def no_conditions_hold(intervals: Intervals) -> str:
    """``all([])`` is True."""
    return judge(intervals) if len(intervals) else "for"


def no_conditions_fail(intervals: Intervals) -> str:
    """No evidence, so against."""
    return judge(intervals) if len(intervals) else "against"


def no_conditions_open(intervals: Intervals) -> str:
    """Too few seeds and nothing to try, taken for the same."""
    return judge(intervals) if len(intervals) else "open"


def one_against_is_enough(intervals: Intervals) -> str:
    """A single interval below 0 sinks the claim."""
    return "against" if any(high <= 0 for *_, high in intervals) else judge(intervals)


def one_for_is_enough(intervals: Intervals) -> str:
    """A single interval above 0 carries it."""
    return "for" if any(low > 0 for _, low, _ in intervals) else judge(intervals)


JUDGES = [
    (
        by_mean,
        "You ask for the sign of the mean. Luck can make that. The whole interval must lie "
        "on one side.",
    ),
    (
        ends_exchanged,
        "You have the two ends exchanged: for needs low > 0, against needs high <= 0.",
    ),
    (turned_round, "For and against are exchanged: a number above 0 is evidence for the claim."),
    (
        zero_counts,
        "An interval that begins at exactly 0 is not above 0: a difference of 0 is no "
        "evidence for it.",
    ),
    (
        zero_is_open,
        "An interval that ends at exactly 0 is not above 0 anywhere: high <= 0 speaks against.",
    ),
    (
        no_evidence_is_against,
        "Where an interval holds 0 you say against. Too few seeds are no evidence of the "
        "opposite: open.",
    ),
    (
        no_harm_is_for,
        "Where an interval holds 0 you say for. That it may be above 0 is no evidence: open.",
    ),
    (
        majority,
        "You let the majority of conditions decide. A claim for all conditions needs all of them.",
    ),
    (
        open_is_left_out,
        "You leave the open conditions out. They may turn out either way, and then the "
        "verdict changes.",
    ),
    (
        some_is_depends,
        "One for and one open: you say depends. Nothing speaks against yet, so it may "
        "still be for.",
    ),
    (
        some_against_is_depends,
        "One against and one open: you say depends. Nothing speaks for it yet: it may "
        "still be against.",
    ),
    (
        one_open_is_enough,
        "With one for and one against it depends, whatever an open third turns out to be.",
    ),
    (
        no_conditions_hold,
        "Without conditions you say for: all of an empty list is true. Treat the empty list first.",
    ),
    (
        no_conditions_fail,
        "Without conditions there is nothing that could speak against. Treat the empty list first.",
    ),
    (
        no_conditions_open,
        "Without conditions you say open. More seeds would not help there: it cannot be tested.",
    ),
    (
        one_against_is_enough,
        "One interval below 0 makes you say against, whatever the others say. Look at "
        "all conditions.",
    ),
    (
        one_for_is_enough,
        "One interval above 0 makes you say for, whatever the others say. Look at all conditions.",
    ),
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
        (
            (m * a * (1 - a) ** (m - 1), bound),
            "That is the chance of EXACTLY one piece of false evidence. Two or more count as well.",
        ),
        (
            (1 - (1 - a) ** (m - 1), bound),
            "One condition is missing: none of m has the chance (1 - a)^m.",
        ),
        (
            (1 - a * m, bound),
            "That is one minus the bound. None of m independent ones has the chance (1 - a)^m.",
        ),
        (
            (1 - (1 - a / m) ** m, a),
            "Here a is shared among the conditions already. In the question each of them has a.",
        ),
        (
            (1 - (1 - a) ** (2 * m), 2 * bound),
            "Both sides are counted. Asked is false evidence FOR the claim, one side: a each.",
        ),
        (
            (1 - np.exp(-a * m), bound),
            "Nearly: exp(-a m) is the limit for tiny a. None at all has the chance (1 - a)^m.",
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


def rounded_up(n_features, n_classes, n_tasks):
    """Up to the next whole number."""
    return math.ceil(quotient(n_features, n_classes, n_tasks))


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
    (
        rounded_up,
        "You round up, so r may lie above the limit. Go down, and at the limit itself one more.",
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
            "You add the matrices for every sentence anew. They are added once for the "
            "whole batch.",
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
            (n_docs * n_adapters * matrix, n_adapters * matrix),
            "W_s is missing in both: it is one more matrix, and the summed matrix must be applied.",
        ),
        (
            (written, n_adapters * matrix),
            "The sum of the matrices must still be applied to each of the n sentences.",
        ),
        (
            (2 * written, 2 * first),
            "You count a multiplication and its addition as two. A multiply-add is one.",
        ),
        (
            (2 * written, n_adapters * matrix + 2 * n_docs * matrix),
            "A multiplication with its addition is ONE multiply-add; so is adding two weights.",
        ),
        (
            (written + n_docs * n_adapters * n_classes, first),
            "You count the additions of scores as well. The text says to leave them out.",
        ),
        (
            (written, (n_adapters - 1) * matrix + n_docs * matrix),
            "K + 1 matrices need K additions, not K - 1: W_s is one of them.",
        ),
    ]


# ------------------------------------------------------------------ 13-5

_CLAIMED = [0.71, 0.68, 0.74, 0.70, 0.69, 0.73]
_BASELINE = [0.66, 0.65, 0.70, 0.69, 0.66, 0.68]
TRIAL = {
    "claim": "RAG beats full sharing at relatedness 0.75 with one wrong label in five.",
    "baseline": "full sharing",
    "metric": "accuracy",
    "better": "higher",
    "seeds": [200, 201, 202, 203, 204, 205],
    "scores": _CLAIMED,
    "baseline scores": _BASELINE,
    "interval": interval(np.subtract(_CLAIMED, _BASELINE)),
    "verdict": "for",
}


def wrong_intervals(scores, baseline, sign=1):
    """Typical mistakes and their diagnosis; sign is -1 where a lower score is better."""
    difference = sign * (scores - baseline)
    n = len(scores)
    mean, low, high = interval(difference)
    t = stats.t.ppf(0.975, n - 1)
    root = np.sqrt(n)
    spread = difference.std(ddof=1) / root
    turned = "it is your scores minus the baseline's" if sign == 1 else "lower is better here"

    def around(half):
        return mean, mean - half, mean + half

    unpaired = t * np.sqrt(scores.var(ddof=1) + baseline.var(ddof=1)) / root
    return [
        (
            interval(-difference),
            f"The difference is turned round: {turned}, so that above 0 speaks for your claim.",
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


# ------------------------------------------------------------------ 13-7


def missed(truth, said, group, label):
    """Per group: of the sentences that are of this label, the share that got another answer."""
    rates = {}
    for name in sorted(set(group.tolist())):
        which = (group == name) & (truth == label)
        wrong = (said[which] != label).sum()
        rates[name] = float(wrong / which.sum()) if which.any() else float("nan")
    return rates


def crowd(seed, label, n=90):
    """Truth, answers and groups of some sentences; one group has no sentence of this label."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["cars", "films", "food", "phones"], n, p=[0.4, 0.3, 0.2, 0.1])
    group = group.astype(object)  # as a column of names comes out of pandas
    truth = rng.integers(0, 3, n)
    truth[(group == "phones") & (truth == label)] = 1
    said = np.where(rng.random(n) < 0.6, truth, rng.integers(0, 3, n))
    return truth, said, group


def _rates(top, below):
    """A wrong function: rates with another count above or below the line."""

    def wrong(truth, said, group, label):
        rates = {}
        for name in sorted(set(group.tolist())):
            here = group == name
            count = below(truth, said, here, label).sum()
            share = top(truth, said, here, label).sum() / count if count else np.nan
            rates[name] = float(share)
        return rates

    return wrong


def _is(truth, said, here, label):
    return here & (truth == label)


def _lost(truth, said, here, label):
    return here & (truth == label) & (said != label)


of_all = _rates(_lost, lambda truth, said, here, label: here)
of_everybody = _rates(_lost, lambda truth, said, here, label: np.ones_like(here))
of_the_label = _rates(_lost, lambda truth, said, here, label: truth == label)
found_rate = _rates(lambda truth, said, here, label: here & (truth == label) & (said == label), _is)
false_alarms = _rates(
    lambda truth, said, here, label: here & (truth != label) & (said == label),
    lambda truth, said, here, label: here & (truth != label),
)
not_so = _rates(
    lambda truth, said, here, label: here & (truth != label) & (said == label),
    lambda truth, said, here, label: here & (said == label),
)
any_error = _rates(
    lambda truth, said, here, label: here & (truth != said),
    lambda truth, said, here, label: here,
)


def only_counts(truth, said, group, label):
    """How many, not what share."""
    names = sorted(set(group.tolist()))
    return {name: float(_lost(truth, said, group == name, label).sum()) for name in names}


def zero_for_none(truth, said, group, label):
    """A group without such a sentence looks perfect."""
    return {name: np.nan_to_num(rate) for name, rate in missed(truth, said, group, label).items()}


def one_rate(truth, said, group, label):
    """The rate of all groups together, for each of them."""
    rate = float((said[truth == label] != label).mean())
    return dict.fromkeys(sorted(set(group.tolist())), rate)


def in_per_cent(truth, said, group, label):
    return {name: 100 * rate for name, rate in missed(truth, said, group, label).items()}


def of_all_missed(truth, said, group, label):
    """Each group's part in all that was missed."""
    gone = (truth == label) & (said != label)
    return {
        name: float((gone & (group == name)).sum() / max(gone.sum(), 1))
        for name in sorted(set(group.tolist()))
    }


MISSED = [
    (
        of_all,
        "You divide by all sentences of the group. Only those of the label can be missed: "
        "divide by them.",
    ),
    (of_everybody, "You divide by the sentences of all groups. A group's rate is about the group."),
    (
        of_the_label,
        "You divide by the label's sentences of ALL groups. Then small groups look good: use "
        "the group's.",
    ),
    (found_rate, "That is the share that was found. Asked is the share that was missed."),
    (
        false_alarms,
        "Those are false alarms: sentences of other labels that were called so. Asked are the "
        "missed ones.",
    ),
    (
        not_so,
        "You divide by what the model SAID. That asks whether its word can be trusted, not "
        "who is missed.",
    ),
    (any_error, "Those are all errors of the group. Asked are the missed sentences of one label."),
    (only_counts, "Those are counts. Large groups have more of everything: return shares."),
    (
        zero_for_none,
        "A group without such a sentence gets rate 0 from you, as if all were heard. There is "
        "no rate: nan.",
    ),
    (one_rate, "Every group has the same rate: you forgot to look at the group."),
    (in_per_cent, "These are percentages. A share lies between 0 and 1."),
    (
        of_all_missed,
        "You divide by all missed sentences, of whatever group: that is each group's part in them. "
        "Divide by the group's own sentences of the label.",
    ),
]

# ------------------------------------------------------------------ 13-8


def certain(p, sure):
    """Where the largest probability is at least ``sure``, and which class has it."""
    places = np.flatnonzero(p.max(1) >= sure)
    return places, p.argmax(1)[places]


def probabilities(seed, n=40):
    """Rows that sum to 1; some are certain."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.5, 0.5, 0.5], n).round(2)
    p[:3] = [[0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.1, 0.45, 0.45]]
    p[:, 2] = 1 - p[:, 0] - p[:, 1]
    p[0], p[1] = [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]
    return p


def labels_of_all(p, sure):
    """Labels for every sentence beside the places of a few."""
    return certain(p, sure)[0], p.argmax(1)


def a_mask(p, sure):
    """True and False in place of places."""
    mask = p.max(1) >= sure
    return mask.astype(float), p.argmax(1)[mask]


def uncertain(p, sure):
    """The others."""
    places = np.flatnonzero(p.max(1) < sure)
    return places, p.argmax(1)[places]


def strictly(p, sure):
    """Without those that are exactly as sure."""
    places = np.flatnonzero(p.max(1) > sure)
    return places, p.argmax(1)[places]


def least_likely(p, sure):
    """argmin for argmax."""
    places, _ = certain(p, sure)
    return places, p.argmin(1)[places]


def only_positive(p, sure):
    """Looks at the last class only."""
    places = np.flatnonzero(p[:, -1] >= sure)
    return places, p.argmax(1)[places]


def over_documents(p, sure):
    """max over the wrong axis."""
    places = np.flatnonzero(p.max(0) >= sure)
    return places, p.argmax(0)[places]


def everything(p, sure):
    """No threshold at all."""
    return np.arange(len(p)), p.argmax(1)


def probabilities_for_labels(p, sure):
    """The certainties in place of the classes."""
    places, _ = certain(p, sure)
    return places, p.max(1)[places]


def every_class(p, sure):
    """A place for each class that is sure enough: one sentence may come twice."""
    return np.nonzero(p >= sure)


def swapped(p, sure):
    """Labels first."""
    return certain(p, sure)[::-1]


CERTAIN = [
    (labels_of_all, "You return a label for every sentence. Return one for each of the places."),
    (a_mask, "You return True and False for every sentence. Asked are places: np.flatnonzero."),
    (
        uncertain,
        "Those are the sentences it is NOT sure of. (Useful too: to ask a person about them.)",
    ),
    (strictly, 'You leave out those that are exactly as sure as asked. "At least" includes them.'),
    (
        least_likely,
        "You return the least likely class. The answer is the one with the largest probability.",
    ),
    (only_positive, "You look at the last class only. A model may be sure of any class."),
    (over_documents, "You take the maximum over the sentences. Each sentence has its own: axis 1."),
    (everything, "You keep every sentence. Ask how sure the model is first."),
    (probabilities_for_labels, "You return how sure it is, in place of which class it says."),
    (
        every_class,
        "Some sentences come twice: two of their classes are as sure as asked. A sentence has one "
        "answer, the class with the largest probability.",
    ),
    (swapped, "The two are the wrong way round: first the places, then the labels."),
]
