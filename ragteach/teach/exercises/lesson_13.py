"""Exercises of lesson 13: the article's claims on trial."""

import re
from collections.abc import Mapping

import numpy as np
import torch

from ragteach.study.experiment import interval
from ragteach.teach.checks import (
    Wrong,
    as_array,
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    finished,
)
from ragteach.teach.exercises import answers_13 as answers
from ragteach.teach.exercises import own_court_13  # noqa: F401  registers 13-9
from ragteach.teach.handing import as_dict
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 13-1

_UP = (0.05, 0.02, 0.08)
_DOWN = (-0.05, -0.08, -0.02)
_WIDE = (0.03, -0.02, 0.08)
_BELOW = (-0.02, -0.06, 0.02)
_FROM_0 = (0.04, 0.0, 0.08)
_TO_0 = (-0.04, -0.08, 0.0)
_SAME = (0.0, 0.0, 0.0)
_CASES = {
    "no condition at all": [],
    "one interval above 0": [_UP],
    "two intervals above 0": [_UP, _UP],
    "one interval below 0": [_DOWN],
    "two intervals below 0": [_DOWN, _TO_0],
    "an interval that holds 0, its mean above": [_WIDE],
    "an interval that holds 0, its mean below": [_BELOW],
    "an interval that begins at exactly 0": [_FROM_0],
    "an interval that ends at exactly 0": [_TO_0],
    "an exact 0": [_SAME],
    "one above 0 and one that holds 0": [_UP, _WIDE],
    "two above 0 and one that holds 0": [_UP, _BELOW, _UP],
    "one below 0 and one that holds 0": [_WIDE, _DOWN],
    "one above 0 and one below": [_DOWN, _UP],
    "two above 0 and one below": [_UP, _DOWN, _UP],
    "one above 0, one below, one that holds 0": [_BELOW, _UP, _DOWN],
}


@exercise(
    "13-1",
    title="The judge",
    difficulty="medium",
    minutes=10,
    trains="turning intervals into a verdict, the same way for every claim",
    hints=[
        "For one condition: for if low > 0, against if high <= 0, and otherwise open.",
        "Count the conditions that are for, and those that are against. What do the open ones "
        "change?",
        "First the empty list. Then: some for and some against is depends. Then all for, all "
        "against. What is left is open.",
    ],
    reference=answers.judge,
    reason="A verdict is passed when no open condition could change it. An empty list comes first, "
    "since all([]) is True.",
)
def judge(yours):
    """A list of (mean, low, high) -> one of five words."""
    said = [str(call(yours, list(case))).strip().lower() for case in _CASES.values()]
    unknown = sorted(set(said) - set(answers.WORDS))
    expect(
        not unknown,
        f"Answer with one of: {', '.join(answers.WORDS)}. Yours said {', '.join(unknown)}.",
    )
    right = [answers.judge(case) for case in _CASES.values()]
    for wrong, message in answers.JUDGES:
        if said != right and said == [wrong(case) for case in _CASES.values()]:
            raise Wrong(message)
    for name, mine, expected in zip(_CASES, said, right, strict=True):
        expect(
            mine == expected,
            f"On {name} yours says {mine!r}. Read the five rules again: which verdicts are still "
            "possible?",
            mine,
            expected,
        )


# ------------------------------------------------------------------ 13-2


@exercise(
    "13-2",
    title="How much luck?",
    difficulty="medium",
    minutes=10,
    trains="a bound that needs no independence, and what it does to an interval",
    hints=[
        "What is the chance that none of m independent conditions shows false evidence? Take the "
        "opposite.",
        "For the bound, count: X is the number of conditions with false evidence. What is its "
        "mean?",
        "The mean of X is m a, and the chance of X >= 1 is never larger than the mean of X.",
    ],
    reference=answers.false_evidence,
    reason="At least one is the opposite of none; and a number that is at least 1 counts at least "
    "1 in its mean. So a = 0.025 / m is safe for m conditions.",
)
def false_evidence(yours):
    """a, m -> (the chance if independent, the bound)"""
    for a, m in [(0.025, 9), (0.05, 3), (0.01, 20)]:
        mine = call(yours, a, m)
        expect(
            as_array(mine).size == 2,
            "Return two numbers: the chance for independent conditions, and the bound.",
        )
        right = answers.false_evidence(a, m)
        expect_close(
            mine, right, wrong=answers.wrong_chances(a, m), what=f"For a = {a}, m = {m} your answer"
        )


# ------------------------------------------------------------------ 13-3

_SIZES = [(6, 3, 2), (6, 3, 4), (196, 3, 4), (500, 20, 3), (300, 3, 1), (12, 4, 3), (60, 30, 10)]


@exercise(
    "13-3",
    title="Who trains fewer numbers?",
    difficulty="medium",
    minutes=10,
    trains="a count, an inequality, and its edge",
    hints=[
        "RAG trains C d + T r (C + d) numbers, independent models T C d. Subtract C d on both "
        "sides.",
        "r < (T - 1) C d / (T (C + d)). The largest whole number strictly below a / b is (a - 1) "
        "// b.",
        "max(((T - 1) * C * d - 1) // (T * (C + d)), 0)",
    ],
    reference=answers.largest_rank,
    reason="W_s costs one matrix, so there is room for adapters only in the T - 1 matrices that "
    "are saved.",
)
def largest_rank(yours):
    """n_features, n_classes, n_tasks -> a whole number."""
    mine = [call(yours, *size) for size in _SIZES]
    expect_close(
        mine,
        [answers.largest_rank(*size) for size in _SIZES],
        wrong=[([wrong(*size) for size in _SIZES], message) for wrong, message in answers.RANKS],
        what="The list of ranks for seven sizes",
        rtol=1e-9,
    )


# ------------------------------------------------------------------ 13-4


@exercise(
    "13-4",
    title="Count the work",
    difficulty="easy",
    minutes=6,
    trains="counting operations in place of seconds",
    hints=[
        "One sentence times one matrix: C d multiply-adds. How many sentences, and how many "
        "matrices?",
        "Added first: K additions of C d entries each, once for the batch. Then one matrix a "
        "sentence.",
        "n (K + 1) C d, and K C d + n C d.",
    ],
    reference=answers.multiply_adds,
    reason="The additions are done once for the whole batch, so for many sentences they hardly "
    "count.",
)
def multiply_adds(yours):
    """n_docs, n_features, n_classes, n_adapters -> (as written, added first)"""
    for sizes in [(10, 7, 3, 4), (240, 50, 5, 2)]:
        mine = call(yours, *sizes)
        expect(
            as_array(mine).size == 2,
            "Return two counts: as written, and added first.",
        )
        expect_close(
            mine, answers.multiply_adds(*sizes), wrong=answers.wrong_counts(*sizes), rtol=1e-9
        )


# ------------------------------------------------------------------ 13-5


@exercise(
    "13-5",
    title="A claim of your own",
    difficulty="hard",
    minutes=15,
    trains="a whole experiment: claim, baseline, seeds, interval, verdict",
    hints=[
        "Run rt.compare as above. The pivoted table has a row for each seed and a column for each "
        "strategy.",
        'list(scores["RAG"]) and list(scores["full sharing"]) are paired: the same seeds, in the '
        "same order.",
        'For accuracy: found = interval(scores["RAG"] - scores["full sharing"]); the verdict is '
        "judge([found]). For a loss, where lower is better, subtract the other way round.",
    ],
    reference=answers.TRIAL,
    reason="The form is right: anyone can repeat it, and it could have come out the other way. "
    "Whether the claim was worth testing, only you can say.",
)
def trial(yours):
    """A dict with claim, baseline, metric, better, seeds, scores, baseline scores, interval,
    verdict.
    """
    yours = as_dict(yours)
    expect(isinstance(yours, Mapping), "Fill in the dict mine: it has nine entries.")
    finished(dict(yours), "Some entries are not there yet.")
    missing = [key for key in answers.TRIAL if key not in yours]
    expect(not missing, f"These entries are missing: {', '.join(missing)}.")
    expect(
        len(str(yours["claim"]).split()) >= 6,
        "Write the claim as a sentence: what is better than what, and under which condition?",
    )
    expect(str(yours["baseline"]).strip(), "Without a baseline no score is good or bad. Name it.")
    sign = _direction(yours)
    scores, baseline = _paired_scores(yours)
    expect(
        not _is_share(yours["metric"]) or (np.abs([scores, baseline]) <= 1).all(),
        f"A score lies outside 0 to 1: a {yours['metric']} is a share. Write 0.9, not 90.",
    )
    difference = sign * (scores - baseline)
    right = interval(difference)
    expect(
        as_array(yours["interval"]).size == 3,
        "The interval is three numbers: mean, low, high.",
    )
    expect_close(
        yours["interval"],
        right,
        wrong=answers.wrong_intervals(scores, baseline, sign),
        what="The interval",
        rtol=0.01,
        atol=1e-4,
    )
    _verdict_follows(str(yours["verdict"]), right)
    return f"A difference of {right[0]:+.3f}, and a verdict that follows from its interval."


def _direction(yours: Mapping) -> int:
    """1 if a higher score is better, -1 if a lower one is; refuses a metric read the wrong way."""
    better = str(yours["better"]).strip().lower()
    expect(
        better in ("higher", "lower"), 'better is "higher" or "lower": which score is the good one?'
    )
    metric = str(yours["metric"]).strip().lower()
    expect(
        not (_is_loss(metric) and better == "higher"),
        f"A {metric} is better when it is lower: say so, and turn the difference round.",
    )
    expect(
        not (_is_share(metric) and better == "lower"),
        f"A {metric} is better when it is higher.",
    )
    return 1 if better == "higher" else -1


def _is_loss(metric: str) -> bool:
    """Is it named as what should be small? Whole words, or their ends: "logloss", not "glossary"."""
    known = ("loss", "error", "errors", "entropy", "inaccuracy")
    return any(word.endswith(known) for word in re.findall(r"[a-z0-9]+", str(metric).lower()))


def _is_share(metric: str) -> bool:
    """Is it a score between 0 and 1, the higher the better?"""
    known = ("accuracy", "f1", "auc", "recall", "precision")
    words = re.findall(r"[a-z0-9]+", str(metric).lower())
    return not _is_loss(metric) and any(word.endswith(known) for word in words)


def _paired_scores(yours: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Both lists of scores, one for each seed; refuses what cannot be paired."""
    seeds = as_array(list(yours["seeds"])).ravel()
    expect(
        len(set(seeds)) == len(seeds),
        "A seed occurs twice. That repeats one draw; it does not add one.",
    )
    expect(
        len(seeds) >= 6,
        f"You have {len(seeds)} seeds. Take six or more: few draws, wide intervals.",
    )
    scores = as_array(yours["scores"]).ravel()
    baseline = as_array(yours["baseline scores"]).ravel()
    expect(
        len(scores) == len(baseline) == len(seeds),
        f"{len(seeds)} seeds, {len(scores)} scores and {len(baseline)} baseline scores: there must "
        "be one of each for every seed, or they cannot be paired.",
    )
    expect(
        np.isfinite([scores, baseline]).all(),
        "Some score is nan or infinite. Look at that run first.",
    )
    expect(
        not np.allclose(scores, baseline),
        "Both lists of scores are the same. Did you compare a model with itself?",
    )
    expect(
        np.ptp(scores) > 1e-9,
        "All your scores are equal. Did every run get the same seed?",
    )
    return scores, baseline


def _verdict_follows(verdict: str, found: tuple[float, float, float]) -> None:
    """Judge the verdict by the interval of the difference, in the claim's own direction."""
    mixed = "You tried one condition. With one there is nothing to depend on: for, against or open."
    tried = "You did test it. Its interval says for, against or open."
    mean, low, high = found
    where = f"from {low:+.3f} to {high:+.3f}"
    messages = {
        "for": {
            "against": f"Your interval runs {where}: wholly above 0. By your own rule that is for.",
            "open": f"Your interval runs {where}: wholly above 0. That is clear enough: for.",
        },
        "against": {
            "for": f"Your interval runs {where}: wholly below 0. By your own rule that is against.",
            "open": f"Your interval runs {where}: wholly below 0. That is clear enough: against.",
        },
        "open": {
            "for": (
                f"The mean is {mean:+.3f}, but the interval runs {where}. It holds 0, so it is "
                "open."
            ),
            "against": (
                f"The interval runs {where}. It holds 0, so nothing is shown either way: open."
            ),
        },
    }
    right = answers.judge([found])
    expect_choice(
        verdict,
        right,
        messages[right] | {"depends": mixed, "cannot be tested": tried},
        offered=("for", "against", "open"),
    )


# ------------------------------------------------------------------ 13-6


in_words(
    "13-6",
    title="The review",
    difficulty="medium",
    minutes=15,
    trains="a judgement that is fair, specific and of use",
    hints=[
        "Begin with what is right. Look at the row that holds, or at what survives once there is a "
        "graph.",
        "Then the sum of all adapters: what can such a model never do? And what was not measured?",
        "End with conditions, with the citation that could not be found, and with requests, not "
        "with scorn.",
    ],
    draft={
        "a": Sentence(
            "The example shows no sentence that was not trained on.",
            True,
            "Nine sentences, all used in training: nothing is said about new ones.",
        ),
        "b": Sentence(
            "Whether it generalises better depends on how related the tasks are, and on how many "
            "sentences there are.",
            True,
            "You measured that: no strategy is best everywhere.",
        ),
        "c": Sentence(
            "Since full sharing won in one of our cells, the method is worthless.",
            False,
            "One cell is a condition, not a verdict on the method. Say where it helps and where "
            "not.",
        ),
        "d": Sentence(
            "Shared weights with an adapter per task let a new task be added without changing the "
            "old ones' answers.",
            True,
            "That part of the article holds: it is the row of the table to be fair about.",
        ),
        "e": Sentence(
            "The cited paper does not exist, so the authors invented it.",
            False,
            "You know that it could not be found. You do not know why: ask for its DOI.",
        ),
        "f": Sentence(
            "As printed, the model can give every task weights of its own.",
            False,
            "As printed it adds all adapters for every input: one matrix for all tasks.",
        ),
    },
    model="The idea of shared weights plus a small adapter for each task is right: a new task can "
    "be added without changing a single answer of the old ones. As printed, however, the forward "
    "pass adds all adapters for every input, so all tasks get the same matrix; please add a graph "
    "that says which adapter serves which task. The example shows no sentence that was not "
    "trained on: please report test sentences, several seeds with intervals, and full sharing and "
    "independent models as baselines. In our runs the gain depends on how related the tasks are "
    "and on the number of sentences, so please state the conditions. We could not find the cited "
    "paper; please give a DOI, and cite regularised multi-task learning.",
    tempting="The model is nonsense, since the adapters add up to one matrix, and the authors "
    "quote a paper that does not exist. Reject: adapters never help.",
    flaw="It judges people, claims what was not measured, and asks for nothing that could be "
    "done. A graph mends the sum, and the idea behind it holds.",
    rubric=[
        "names one thing that the article got right, and why it matters",
        "says that the sum of all adapters is one matrix, so that tasks cannot differ, and how to "
        "mend it",
        "says what the evidence lacks: unseen sentences, several seeds with intervals, fair "
        "baselines",
        "says on what success depends (relatedness, number of sentences), in place of a yes or a "
        "no",
        "says that the citation could not be found, not that it does not exist",
        "asks for things that the authors can do; judges the work, not the people",
    ],
)


# ------------------------------------------------------------------ 13-7


@exercise(
    "13-7",
    title="Who is not heard?",
    difficulty="easy",
    minutes=8,
    trains="an error rate for each group, with the right denominator",
    hints=[
        "A rate is a count divided by a count. Divide by what? By the group's sentences that ARE "
        "of the label.",
        "For one group g: which = (group == g) & (truth == label). How many of those were called "
        "otherwise?",
        "{str(g): float((said[which] != label).mean()) for ...}; if which is empty the rate is "
        "nan.",
    ],
    reference=answers.missed,
    reason="Only sentences of that label can be missed, so only they are counted below the line. A "
    "group without any has no rate: nan, not 0.",
)
def missed(yours):
    """truth, said, group: arrays (n_docs,); label -> {group: share of its label that was
    missed}.
    """
    for seed, label in [(1, 0), (2, 2)]:
        truth, said, group = answers.crowd(seed, label)
        mine = as_dict(call(yours, truth, said, group, label))
        expect(
            isinstance(mine, Mapping),
            "Return a dict: a rate for each group.",
        )
        names = sorted(set(group.tolist()))
        found = {str(name): value for name, value in mine.items()}
        expect(
            sorted(found) == names,
            f"The keys are the groups, {', '.join(names)}; yours are {', '.join(sorted(found))}.",
        )
        right = answers.missed(truth, said, group, label)
        rates = as_array([found[name] for name in names])
        for wrong, message in answers.MISSED:
            expect(not _alike(rates, wrong(truth, said, group, label), names), message)
        for name, rate in zip(names, rates, strict=True):
            expect(
                np.isclose(rate, right[name], rtol=1e-3, equal_nan=True),
                f"The rate of {name} is {rate:.3f}. Count its sentences of label {label}, and how "
                "many of those got another answer.",
                rate,
                right[name],
            )


def _alike(rates: np.ndarray, other: Mapping, names: list[str]) -> bool:
    return bool(np.allclose(rates, [other[name] for name in names], rtol=1e-3, equal_nan=True))


# ------------------------------------------------------------------ 13-8


@exercise(
    "13-8",
    title="Teach yourself",
    difficulty="medium",
    minutes=10,
    trains="a semi-supervised trial: which of its own answers may a model learn from?",
    hints=[
        "The model's answer is the class with the largest probability; its certainty is that "
        "probability.",
        "p.max(1) and p.argmax(1), both of shape (n_docs,). Which places have a certainty of at "
        "least sure?",
        "places = np.flatnonzero(p.max(1) >= sure); return places, p.argmax(1)[places].",
    ],
    reference=answers.certain,
    reason="Certainty is the largest probability of a row. Whether certain answers are right ones, "
    "the experiment below must say.",
)
def certain(yours):
    """p (n_docs, n_classes), sure -> (places (n,), labels (n,))"""
    for seed, sure in [(3, 0.6), (4, 0.8), (5, 0.4)]:
        p = answers.probabilities(seed)
        mine = call(yours, p, sure)
        expect(
            isinstance(mine, tuple | list | np.ndarray | torch.Tensor) and len(mine) == 2,
            "Return two things: the places of the certain sentences, and their labels.",
        )
        places, labels = (np.asarray(as_array(part)).ravel() for part in mine)
        right = answers.certain(p, sure)
        if _same_pair(_in_order(places, labels), right):
            continue
        for wrong, message in answers.CERTAIN:
            expect(not _same_pair((places, labels), wrong(p, sure)), message)
        expect(
            len(places) == len(labels),
            f"{len(places)} places, but {len(labels)} labels: there is one label for each place.",
        )
        off = set(places.astype(int).tolist()) ^ set(right[0].tolist())
        first = min(off) if off else int(places[(labels != right[1]).argmax()])
        raise Wrong(
            f"Look at sentence {first}, p = {p[first].round(2).tolist()}, with sure = {sure}: is "
            "its largest probability large enough, and which class has it?"
        )


def _in_order(places: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Any order of the sentences will do."""
    if places.shape != labels.shape:
        return places, labels
    order = np.argsort(places, kind="stable")
    return places[order], labels[order]


def _same_pair(mine: tuple, other: tuple) -> bool:
    return all(
        np.shape(a) == np.shape(b) and np.array_equal(a, b)
        for a, b in zip(mine, other, strict=True)
    )
