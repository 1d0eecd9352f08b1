"""Exercises of lesson 09: imbalance, diversity, new tasks."""

import warnings

import numpy as np

from ragteach.study.experiment import interval
from ragteach.teach.checks import (
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    finished,
)
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_09 as answers
from ragteach.teach.exercises import own_newcomer_09  # noqa: F401  registers 09-8
from ragteach.teach.handing import as_dict
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 09-1


@exercise(
    "09-1",
    title="What one sentence weighs",
    difficulty="easy",
    minutes=8,
    trains="reading alpha as a statement about single sentences",
    hints=[
        "CE_t is a mean over the n_t sentences of its task. So what does one of them count inside "
        "CE_t?",
        "Inside CE_t a sentence counts 1 / n_t. In J this is multiplied by alpha_t.",
        "equal: 1 / n_t. size: (n_t / mean of all n) / n_t. The n_t cancels.",
    ],
    reference=answers.sentence_weight,
    reason='With "equal" every task weighs the same, so a sentence of a small task weighs much. '
    'With "size" '
    "every sentence weighs the same, whatever its task.",
)
def sentence_weight(yours):
    """(sizes, alpha) -> (n_tasks,) the weight of one sentence of each task."""
    for sizes in (np.array([120, 30]), np.array([160, 160, 160, 10])):
        mine = [as_array(call(yours, sizes, alpha)) for alpha in ("equal", "size")]
        expect(
            all(m.shape == sizes.shape for m in mine),
            f"Give one number for each of the {len(sizes)} tasks, for both values of alpha.",
        )
        expect_close(
            np.stack(mine),
            answers.for_both(answers.sentence_weight, sizes),
            wrong=answers.weight_mistakes(sizes),
            what='The table of weights (first row "equal", second row "size")',
        )


# ------------------------------------------------------------------ 09-2


@exercise(
    "09-2",
    title="A score that the majority cannot fool",
    difficulty="easy",
    minutes=10,
    trains="writing balanced accuracy from its definition",
    hints=[
        "The recall of a class: among the sentences that truly have it, the share that the model "
        "found.",
        "For class c: (said[truth == c] == c).mean().",
        "Take the mean over the classes that occur in truth: np.unique(truth).",
    ],
    reference=answers.balanced_accuracy,
    reason="Every class has one vote, however rare it is. Always saying one of C classes earns 1 / "
    "C.",
)
def balanced_accuracy(yours):
    """(truth, said) -> the mean recall; in one of the cases a class does not occur, in another
    one a class is never said.
    """
    rng = np.random.default_rng(46)
    for counts in ([3, 8, 30], [4, 0, 20], [5, 3, 10]):
        truth = np.repeat([0, 1, 2], counts)
        said = np.where(rng.random(len(truth)) < 0.6, truth, rng.integers(0, 3, len(truth)))
        said = np.where((said == 1) & (counts[1] == 3), 2, said)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mean of nothing; the message below says more
            mine = call(yours, truth, said)
        expect(
            not np.isnan(as_array(mine)).any(),
            "This is nan, the mean of nothing: one class does not occur in truth. Leave it out of "
            "the mean.",
        )
        expect_close(
            mine,
            answers.balanced_accuracy(truth, said),
            wrong=answers.recall_mistakes(truth, said),
            what="Balanced accuracy",
        )


# ------------------------------------------------------------------ 09-3


@exercise(
    "09-3",
    title="Weights are resampling (a proof, then a function)",
    difficulty="hard",
    minutes=20,
    trains="showing that two treatments have the same expected objective",
    hints=[
        "Write the expectation of one draw as a sum over its two steps: first the class, then the "
        "sentence.",
        "A class is drawn with probability 1/C, one of its n_c sentences then with 1/n_c. So "
        "sentence i has probability 1 / (C n_c).",
        "Now the weighted mean with w_c = n / (C n_c): its numerator is n times that sum. What is "
        "the sum of all weights?",
    ],
    reference=answers.expected_draw,
    reason="A sentence of class c has probability 1 / (C n_c), and that is its class weight over "
    "n.",
)
def expected_draw(yours):
    """(losses, labels) -> expected loss of one draw: a class evenly, then a sentence of it
    evenly.
    """
    rng = np.random.default_rng(3)
    for counts in ([2, 6, 20], [5, 1, 3, 30]):
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        losses = rng.gamma(2.0, size=len(labels)) + labels
        mine = call(yours, losses, labels)
        again = [as_array(call(yours, losses, labels)) for _ in range(9)]  # two draws may be alike
        expect(
            all(np.array_equal(as_array(mine), other) for other in again),
            "Two calls give two numbers: you draw. An expectation needs no draws; weigh each loss "
            "by its probability.",
        )
        expect_close(
            mine,
            answers.expected_draw(losses, labels),
            wrong=answers.draw_mistakes(losses, labels),
            what="The expected loss",
        )


# ------------------------------------------------------------------ 09-4


@exercise(
    "09-4",
    title="Does the optimum move?",
    difficulty="medium",
    minutes=8,
    trains="telling new information from repeated information",
    hints=[
        "The model sees only the rows of X. CE_t is a mean over them: which changes leave that "
        "mean alone?",
        "A bag of words does not know the order. A mean does not notice that every row came three "
        "times.",
        "It does notice if some rows are repeated and others are not.",
    ],
    reference=answers.MOVES,
    reason="Repeating everything equally leaves every mean alone. Repeating a part, or new rows, "
    "does not.",
)
def moves(yours):
    """A dict from treatment to "yes" or "no"."""
    yours = as_dict(yours)
    expect(isinstance(yours, dict), 'Answer with a dict such as {"a": "no", ...}.')
    finished(yours, "Some answers are not there yet.")
    expect(
        set(yours) == set(answers.MOVES),
        f"Answer for each of the treatments {', '.join(answers.MOVES)}.",
    )
    word = {True: "yes", False: "no"}
    for key, right in answers.MOVES.items():
        expect_choice(
            word[bool(yours[key])] if isinstance(yours[key], bool | np.bool_) else yours[key],
            right,
            {"no" if right == "yes" else "yes": answers.MOVES_BECAUSE[key]},
        )


# ------------------------------------------------------------------ 09-5


@exercise(
    "09-5",
    title="Ridge towards W_s (a proof, then a function)",
    difficulty="hard",
    minutes=20,
    trains="seeing a frozen shared part as the place where the penalty is zero",
    hints=[
        "Replace A by W - W_s everywhere. What becomes of the penalty?",
        "Squared loss: set the gradient X'(Xw - y)/n + lam (w - w_s) to zero, and collect w on the "
        "left.",
        "(X'X/n + lam I) w = X'y/n + lam w_s. np.linalg.solve does the rest.",
    ],
    reference=answers.ridge_towards,
    reason="Directions in which the new sentences say nothing keep the value of w_s. The others "
    "move, the less the larger lam is.",
)
def ridge_towards(yours):
    """(X, y, w_s, lam) -> the w that minimises |Xw - y|^2 / (2n) + lam/2 |w - w_s|^2."""
    rng = np.random.default_rng(5)
    for n, d, lam in [(3, 5, 0.2), (20, 4, 1.5)]:
        X = rng.normal(size=(n, d))
        y = rng.normal(size=n)
        w_s = rng.normal(size=d)
        expect_close(
            call(yours, X, y, w_s, lam),
            answers.ridge_towards(X, y, w_s, lam),
            wrong=answers.ridge_mistakes(X, y, w_s, lam),
            what="The vector of weights",
        )


# ------------------------------------------------------------------ 09-6


@exercise(
    "09-6",
    title="When does transfer hurt?",
    difficulty="medium",
    minutes=15,
    trains="a paired experiment over seeds, in two worlds",
    hints=[
        'run = new_task(r, 20, seed) gives the four accuracies; run["adapter"] - run["scratch"] is '
        "one "
        "difference.",
        "Collect the differences of at least six seeds for each relatedness, as a list or an "
        "array.",
        "gains[r] = [new_task(r, 20, s)... for s in range(6)]; then the signs of the two intervals "
        "decide.",
    ],
    reference={
        0.0: [-0.2, -0.1, -0.15, -0.2, -0.1, -0.25],
        0.75: [0.4, 0.35, 0.5, 0.45, 0.4, 0.45],
        "verdict": "b",
    },
    reason="At relatedness 0 the old tasks' words mean other things, and W_s starts the new task "
    "on the wrong side. At 0.75 most of what W_s knows is right. (Verdict and differences agree; "
    "that they came from runs only you know: the check trains nothing.)",
)
def transfer(yours):
    """{0.0: differences per seed, 0.75: differences per seed, "verdict": a letter}."""
    expect(
        isinstance(yours, dict),
        'Answer with a dict such as {0.0: [...], 0.75: [...], "verdict": "a"}.',
    )
    finished(yours, "Some results are not there yet.")
    expect(set(yours) == {0.0, 0.75, "verdict"}, 'Give results for 0.0, for 0.75, and a "verdict".')
    gains = {r: np.asarray(yours[r], dtype=float).ravel() for r in (0.0, 0.75)}
    for r, values in gains.items():
        expect(
            len(values) >= 6,
            f"At relatedness {r} you have {len(values)} values. One draw is an anecdote: take 6 or "
            "more.",
        )
        expect(
            np.unique(values.round(6)).size > 1,
            f"At relatedness {r} all differences are equal. Did every run get the same seed?",
        )
        expect(np.isfinite(values).all(), f"At relatedness {r} a value is missing: nan.")
        expect(
            np.abs(values).max() <= 1,
            "A difference of two accuracies lies between -1 and 1. Are these percentages?",
        )
    expect(
        len(gains[0.0]) != len(gains[0.75]) or not np.allclose(gains[0.0], gains[0.75]),
        "Both worlds have the same values. Did new_task get the other relatedness?",
    )
    behind = gains[0.0].mean()
    ahead = gains[0.75].mean()
    expect(
        ahead > 0 or behind < -ahead,
        "The two worlds look exchanged: the large gain stands at 0.0, the loss at 0.75.",
    )
    expect(
        behind < 0 or ahead > 0,
        "Both signs look turned round. The difference is adapter minus scratch.",
    )
    expect(
        gains[0.0].min() < 0.1 or gains[0.75].min() < 0.5,
        "These look like accuracies. Subtract: adapter minus scratch, in the same run.",
    )
    expect(
        -0.4 < behind and ahead < 0.65,
        "With 20 sentences scratch reads 0.4 to 0.5 of them correctly, so no gain can be that "
        "large. Was the difference multiplied, or added up?",
    )
    low = interval(gains[0.75])[1]
    high = interval(gains[0.0])[2]
    expect(
        low > 0, "At 0.75 the adapter should be clearly ahead of scratch. Is n = 20, and r = 0.75?"
    )
    expect(high < 0, "At 0 the adapter should be clearly behind scratch. Is n = 20, and r = 0?")
    expect_choice(
        yours["verdict"],
        "b",
        {
            "a": "Look at the signs again: at one of the two the whole interval lies below 0.",
            "c": (
                "Both intervals stay away from 0, on different sides. So it does depend on the "
                "relatedness."
            ),
        },
    )


# ------------------------------------------------------------------ 09-7


in_words(
    "09-7",
    title="Explain it to a colleague",
    difficulty="medium",
    minutes=15,
    trains="spotting three traps in one report",
    hints=[
        "97 % of the mails are no complaints. What would a model score that always says so?",
        "All weights moved, and only new mails were shown. What do the old countries' predictions "
        "depend on?",
        "Name a score, a way to train that leaves the old countries alone, and a baseline without "
        "training.",
    ],
    draft={
        "a": Sentence(
            "The old countries are safe, since only new mails were used.",
            False,
            "The new mails moved the shared weights, and the old countries use those.",
        ),
        "b": Sentence(
            "Class weights give the model new information about complaints.",
            False,
            "They count the same mails more. They add no knowledge.",
        ),
        "c": Sentence(
            "Always saying 'no complaint' is right on 97 % of the mails as well.",
            True,
            "97 % of the mails are no complaints: the score shows nothing yet.",
        ),
        "d": Sentence(
            "An adapter on frozen shared weights leaves the old countries' answers as they are.",
            True,
            "What is frozen does not move, and the old countries do not use the new adapter.",
        ),
        "e": Sentence(
            "The balanced accuracy, or the recall of complaints, would be a more honest score.",
            True,
            "Both let the rare class count; accuracy lets the common one rule.",
        ),
        "f": Sentence(
            "Shared weights from other countries can only help the new one.",
            False,
            "If the countries use words differently the transfer may hurt: compare with training "
            "from scratch.",
        ),
    },
    model="Always saying 'no complaint' earns 97 %, so show me the balanced accuracy or the "
    "recall of complaints. Fine-tuning moved the shared weights, and the old countries use them: "
    "they may have forgotten, so test them again. I would freeze the shared weights and train an "
    "adapter for the new country. Compare it with the shared weights alone and with training from "
    "scratch: if this country uses words differently, the transfer may even hurt.",
    tempting="97 % is very good, and fine-tuning on the new country's mails cannot change what "
    "was learnt from the old ones. I would only add class weights, so that the model knows more "
    "complaints.",
    flaw="The majority alone scores 97 %; the shared weights did move; and class weights add no "
    "knowledge.",
    rubric=[
        "says that the majority alone scores 97 %, and asks for balanced accuracy, macro-F1 or "
        "the recall",
        "says that the old countries use the same shared weights, so they may have forgotten",
        "proposes an adapter on frozen shared weights (and why the old countries then stay as "
        "they are)",
        "asks for a baseline: the shared weights alone, or training from scratch",
        "says that transfer can hurt when the tasks are not related",
    ],
)
