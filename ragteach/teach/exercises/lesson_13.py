"""Exercises of lesson 13: the article's claims on trial."""

import numbers

import numpy as np

from ragteach.study.experiment import interval
from ragteach.teach.checks import (
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    expect_equal,
    finished,
)
from ragteach.teach.exercises import answers_13 as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 13-1

_UP, _DOWN = (0.05, 0.02, 0.08), (-0.05, -0.08, -0.02)
_WIDE, _SAME, _BELOW = (0.03, -0.02, 0.08), (0.0, 0.0, 0.0), (-0.02, -0.06, 0.02)
_CASES = [
    [],
    [_UP],
    [_UP, _UP],
    [_UP, _WIDE],
    [_UP, _DOWN],
    [_WIDE, _WIDE],
    [_DOWN, _BELOW],
    [_SAME],
    [_BELOW, _UP, _SAME],
    [_BELOW],
]


@exercise(
    "13-1",
    title="The judge",
    difficulty="easy",
    minutes=6,
    trains="turning intervals into a verdict, the same way for every claim",
    hints=[
        "For one condition: evidence means that the lower end of its interval is above 0.",
        "Make a list of True and False, one for each condition. all(...) and any(...) do the rest.",
        'First the empty list: "untestable". Then all: "holds". Then any: "depends". Else "fails".',
    ],
    reference=answers.judge,
    reason="The lower end decides, for every claim alike. An empty list comes first, since all([]) is True.",
)
def judge(yours):
    """A list of (mean, low, high) -> one of four words."""
    said = [str(call(yours, case)).strip().lower() for case in _CASES]
    unknown = sorted(set(said) - set(answers.WORDS))
    expect(
        not unknown,
        f"Answer with one of {', '.join(answers.WORDS)}; yours said {', '.join(unknown)}.",
    )
    expect_equal(
        said,
        [answers.judge(case) for case in _CASES],
        wrong=[([wrong(case) for case in _CASES], message) for wrong, message in answers.JUDGES],
        what="The list of verdicts on ten records",
    )


# ------------------------------------------------------------------ 13-2


@exercise(
    "13-2",
    title="How much luck?",
    difficulty="medium",
    minutes=10,
    trains="a bound that needs no independence, and what it does to an interval",
    hints=[
        "What is the chance that none of m independent conditions shows false evidence? Take the opposite.",
        "For the bound, count: X is the number of conditions with false evidence. What is its mean?",
        "The mean of X is m a, and the chance of X >= 1 is never larger than the mean of X.",
    ],
    reference=answers.false_evidence,
    reason="At least one is the opposite of none; and a number that is at least 1 counts at least 1 in its "
    "mean. So a = 0.025 / m is safe for m conditions.",
)
def false_evidence(yours):
    """a, m -> (the chance if independent, the bound)"""
    for a, m in [(0.025, 9), (0.05, 3), (0.01, 20)]:
        mine = call(yours, a, m)
        expect(
            not isinstance(mine, numbers.Number) and len(mine) == 2,
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
        "RAG trains C d + T r (C + d) numbers, independent models T C d. Subtract C d on both sides.",
        "r < (T - 1) C d / (T (C + d)). The largest whole number strictly below a / b is (a - 1) // b.",
        "max(((T - 1) * C * d - 1) // (T * (C + d)), 0)",
    ],
    reference=answers.largest_rank,
    reason="W_s costs one matrix, so there is room for adapters only in the T - 1 matrices that are saved.",
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
        "One sentence times one matrix: C d multiply-adds. How many sentences, and how many matrices?",
        "Added first: K additions of C d entries each, once for the batch. Then one matrix a sentence.",
        "n (K + 1) C d, and K C d + n C d.",
    ],
    reference=answers.multiply_adds,
    reason="The additions are done once for the whole batch, so for many sentences they hardly count.",
)
def multiply_adds(yours):
    """n_docs, n_features, n_classes, n_adapters -> (as written, added first)"""
    for sizes in [(10, 7, 3, 4), (240, 50, 5, 2)]:
        mine = call(yours, *sizes)
        expect(
            not isinstance(mine, numbers.Number) and len(mine) == 2,
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
        "Run rt.compare as above. The pivoted table has a row for each seed and a column for each strategy.",
        'list(scores["RAG"]) and list(scores["full sharing"]) are paired: the same seeds, in the same order.',
        'found = interval(scores["RAG"] - scores["full sharing"]); it holds if found[1] > 0.',
    ],
    reference=answers.TRIAL,
    reason="The form is right: anyone can repeat it, and it could have come out the other way. Whether the "
    "claim was worth testing, only you can say.",
)
def trial(yours):
    """A dict with claim, baseline, seeds, scores, baseline scores, interval and verdict."""
    expect(isinstance(yours, dict), "Fill in the dict mine: it has seven entries.")
    finished(yours, "Some entries are not there yet.")
    missing = [key for key in answers.TRIAL if key not in yours]
    expect(not missing, f"These entries are missing: {', '.join(missing)}.")
    expect(
        len(str(yours["claim"]).split()) >= 6,
        "Write the claim as a sentence: what is better than what, and under which condition?",
    )
    expect(str(yours["baseline"]).strip(), "Without a baseline no score is good or bad. Name it.")
    seeds = list(yours["seeds"])
    expect(
        len(set(seeds)) == len(seeds),
        "A seed occurs twice. That repeats one draw; it does not add one.",
    )
    expect(
        len(seeds) >= 6,
        f"You have {len(seeds)} seeds. Take six or more: few draws, wide intervals.",
    )
    scores, baseline = (
        np.asarray(yours[k], dtype=float).ravel() for k in ("scores", "baseline scores")
    )
    expect(
        len(scores) == len(baseline) == len(seeds),
        f"{len(seeds)} seeds, {len(scores)} scores and {len(baseline)} baseline scores: there must be one "
        "of each for every seed, or they cannot be paired.",
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
    right = interval(scores - baseline)
    expect(
        np.size(yours["interval"]) == 3,
        "The interval is three numbers: mean, low, high.",
    )
    expect_close(
        tuple(yours["interval"]),
        right,
        wrong=answers.wrong_intervals(scores, baseline),
        what="The interval",
        rtol=0.01,
        atol=1e-4,
    )
    mixed = "You tried one condition. With one there is nothing to depend on: it holds or it fails."
    if right[1] > 0:
        expect_choice(
            yours["verdict"],
            "holds",
            {
                "fails": "Your whole interval lies above 0. By your own rule the claim holds.",
                "depends": mixed,
            },
        )
    else:
        said = (
            "The mean is above 0, but the interval is not"
            if right[0] > 0
            else "Not even the mean is above 0"
        )
        expect_choice(
            yours["verdict"],
            "fails",
            {"holds": f"{said}. By your own rule the claim has failed, for now.", "depends": mixed},
        )
    return f"A difference of {right[0]:+.3f}, and a verdict that follows from its interval."


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
            "You measured that: each strategy wins somewhere.",
        ),
        "c": Sentence(
            "Since full sharing won in one of our cells, the method is worthless.",
            False,
            "One cell is a condition, not a verdict on the method. Say where it helps and where not.",
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
