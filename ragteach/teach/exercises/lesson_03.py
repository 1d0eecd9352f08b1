"""Exercises of lesson 03: losses (03-4 to 03-7, J and its gradients, are in gradients_03)."""

import numpy as np
import torch

from ragteach.teach.checks import (
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    finished,
)
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_03 as answers
from ragteach.teach.exercises import (
    gradients_03,  # noqa: F401 (registers 03-4 to 03-7)
    own_loss_03,  # noqa: F401  registers 03-11
)
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 03-1


@exercise(
    "03-1",
    title="Log-softmax that survives large scores",
    difficulty="medium",
    minutes=7,
    trains="softmax from scratch, and the log-sum-exp trick",
    hints=[
        "log p_c = z_c - log sum_c' exp(z_c'). The sum goes over the classes: the last axis, "
        "keepdim=True.",
        "Adding one number to all scores of a sentence changes nothing. Which number makes the "
        "largest score 0?",
        "z = z - z.max(-1, keepdim=True).values, then return z - z.exp().sum(-1, "
        "keepdim=True).log().",
    ],
    reference=answers.log_softmax,
    reason="After the subtraction every exponent is at most 0 and one is exactly 0: the sum lies "
    "between 1 and the number of classes, so neither exp nor log can overflow.",
)
def log_softmax(yours):
    """z (n_docs, n_classes) -> log p (n_docs, n_classes)."""
    z = answers.random(5, 3, seed=1).float()  # as the lesson's own scores
    right = answers.log_softmax(z)
    expect_close(
        call(yours, z),
        right,
        wrong=[
            (
                right.exp(),
                "These are the probabilities. Take their logarithm: log p_c = z_c - log(sum).",
            ),
            (
                answers.over_documents(z),
                "The sum runs over the sentences. Sum over the classes: axis -1.",
            ),
            (
                answers.sum_over_documents(z),
                "The maximum is right, but the sum runs over the sentences. Sum over the classes: "
                "axis -1.",
            ),
            (
                answers.maximum_over_documents(z),
                "You subtract another number from each class, and that changes p. One number for a "
                "whole sentence: the maximum over axis -1.",
            ),
            (
                answers.maximum_forgotten(z),
                "You subtract the maximum inside exp only. Subtract it from z in front as well, or "
                "add it again.",
            ),
            (
                z - z.max(-1, keepdim=True).values,
                "This is the first half: the largest score is 0 now. Take away log(sum of exp) as "
                "well.",
            ),
            (
                z - z.mean(-1, keepdim=True),
                "A mean of scores is not the log of a sum: log p_c = z_c - log sum exp(z).",
            ),
            (-right, "The sign: log p is never above 0. The minus of cross-entropy comes later."),
            (
                z / z.exp().sum(-1, keepdim=True).log(),
                "The log of a quotient is a difference: subtract log(sum of exp), do not divide.",
            ),
            (
                z.exp().sum(-1, keepdim=True).log(),
                "This is log(sum of exp) alone, one number a sentence. Subtract it from z.",
            ),
            (
                torch.nn.functional.logsigmoid(z),
                "A sigmoid looks at each score by itself. Classes compete: divide by the sum over "
                "all of them.",
            ),
        ],
        what="log p",
    )
    large = torch.tensor([[1000.0, 0.0, -1000.0], [-2.0, -1.0, 0.0], [-900.0, -901.0, -900.0]])
    mine = as_array(call(yours, large[:1]))
    expect(
        abs(mine[0, 0]) < 1,
        "Fine for small scores, but nan or inf for scores such as 1000: exp(1000) overflows. "
        "Subtract the largest score of each sentence first.",
    )
    expect_close(
        call(yours, large),
        answers.log_softmax(large),
        wrong=[
            (
                answers.log_of_softmax(large),
                "exp of a very low score is rounded to 0, and log(0) is -infinity. Never take the "
                "log of a softmax: write z - log(sum of exp).",
            ),
            (
                answers.one_maximum_for_all(large),
                "One maximum for all sentences: sentences with low scores underflow. Take it per "
                "sentence: z.max(-1, keepdim=True).values.",
            ),
        ],
        what="log p of large scores",
    )


# ------------------------------------------------------------------ 03-2


@exercise(
    "03-2",
    title="Cross-entropy, with missing labels",
    difficulty="easy",
    minutes=7,
    trains="the mean of -log p over the labels that are there",
    hints=[
        "there = y != -100 is a mask (n_docs,). Keep z[there] and y[there], and forget the rest.",
        "log_p[torch.arange(n), y] picks from each row the entry of its label.",
        "If no label is left, return z.new_zeros(()). Otherwise: minus the mean of what you "
        "picked.",
    ],
    reference=answers.cross_entropy,
    reason="A missing label is no example: it adds nothing to the sum and nothing to the count.",
)
def cross_entropy(yours):
    """z (n_docs, n_classes), y (n_docs,) with -100 for missing -> a number."""
    for seed, y in ((2, [0, 2, 1, 2]), (3, [0, -100, 2, 1, -100, 1])):
        y = torch.tensor(y)
        z = 2 * answers.random(len(y), 3, seed=seed)
        missing = bool((y < 0).any())
        right = answers.cross_entropy(z, y)
        wrong = [
            (
                -right,
                "The sign: cross-entropy is MINUS the mean log probability, so it is never "
                "negative.",
            ),
            (
                answers.raw_outputs(z, y),
                "This uses the raw scores. Turn them into log probabilities with log_softmax "
                "first.",
            ),
            (
                lambda z=z, y=y: -z.softmax(-1)[y >= 0, y[y >= 0]].mean(),
                "This is minus the mean probability. Take its logarithm, sentence by sentence.",
            ),
            (
                answers.summed(z, y),
                "You return the sum. The mean keeps the size of a task out of CE.",
            ),
            (
                right / torch.log(torch.tensor(2.0)),
                "A logarithm of base 2. Cross-entropy takes the natural one.",
            ),
            (
                lambda z=z, y=y: torch.nn.functional.cross_entropy(z.softmax(-1), y),
                "softmax twice: torch's cross_entropy takes the scores, and does the "
                "softmax itself.",
            ),
            (
                lambda z=z, y=y: (z.argmax(-1) != y)[y >= 0].double().mean(),
                "This is the share of errors. Cross-entropy asks how probable the right class was.",
            ),
            (
                lambda z=z, y=y: 1 - z.softmax(-1)[y >= 0, y[y >= 0]].mean(),
                "This is 1 minus the mean probability. Take minus its logarithm, sentence "
                "by sentence.",
            ),
            (
                lambda z=z, y=y: -z.softmax(-1)[y >= 0, y[y >= 0]].mean().log(),
                "You average the probabilities and then take the log. The log first, sentence by "
                "sentence, then the mean.",
            ),
            (
                lambda z=z, y=y: z.log_softmax(-1)[y >= 0, y[y >= 0]].square().mean(),
                "The log probability is squared. Cross-entropy is the mean of -log p itself.",
            ),
            (
                lambda z=z, y=y: -torch.nn.functional.logsigmoid(z[y >= 0, y[y >= 0]]).mean(),
                "A sigmoid of the label's own score: the other classes are left out. Use "
                "log_softmax.",
            ),
            (
                right / z.shape[1],
                "Divided by the number of classes as well: torch's .mean() of a one-hot "
                "product does that.",
            ),
            (
                answers.all_entries(z, y),
                "You average the log probabilities of all classes. Only the label's own counts.",
            ),
            (
                lambda z=z, y=y: -z.log_softmax(-1)[:, y.clamp(min=0)].mean(),
                "log_p[:, y] reads all labels from every row. One entry per row: "
                "log_p[torch.arange(n), y].",
            ),
        ]
        if missing:
            wrong += [
                (
                    answers.divided_by_all(z, y),
                    "You divide by all sentences, the missing ones included.",
                ),
                (
                    answers.missing_as_class_0(z, y),
                    "A missing label was counted as class 0. Leave it out.",
                ),
            ]
        given = z if missing else z.float()  # the lesson has both precisions
        expect_close(call(yours, given, y), right, wrong=wrong, what="Cross-entropy")
    nothing = as_array(call(yours, answers.random(3, 3, seed=4), torch.full((3,), -100)))
    expect(
        bool((nothing == 0).all()),
        "When every label is missing, the mean of nothing is nan, and one nan spoils all weights. "
        "Return 0.",
    )


# ------------------------------------------------------------------ 03-3


@exercise(
    "03-3",
    title="Which alpha does the article use?",
    difficulty="easy",
    minutes=5,
    trains="seeing a weighting in a loop that does not name one",
    hints=[
        "Write the loop's sum with the sentences sorted by task: one inner sum for each task.",
        "A sum over the n_t sentences of task t is n_t times their mean, CE_t.",
        "So alpha_t = n_t: count how often each task number occurs, with torch.bincount(task, "
        "minlength=n_tasks).",
    ],
    reference=answers.implied_alphas,
    reason="The loop adds up sum_t n_t CE_t. Large tasks weigh more, and twice as many sentences "
    "make the whole loss twice as large beside the same penalty.",
)
def implied_alphas(yours):
    """task (n_docs,), n_tasks -> alpha (n_tasks,)."""
    for task, n_tasks in (([0, 0, 0, 0, 1, 2, 2], 3), ([1, 0, 1, 1, 2], 4)):
        task = torch.tensor(task)
        count = torch.bincount(task, minlength=n_tasks).double()
        expect_close(
            call(yours, task, n_tasks),
            count,
            wrong=[
                (
                    torch.ones(n_tasks),
                    'That is alpha = "equal". But each SENTENCE adds its loss once.',
                ),
                (
                    count / count.mean(),
                    'That is alpha = "size", which averages 1. The loop divides by nothing.',
                ),
                (count / len(task), "These are shares. The loop adds, it does not take a mean."),
                (
                    1 / count.clamp(min=1e-300),
                    "Upside down: a task with more sentences adds more terms, so it weighs more.",
                ),
                (
                    torch.bincount(task),
                    "A task without a sentence in the batch has alpha 0; return n_tasks numbers "
                    "(minlength).",
                ),
            ],
            what="alpha",
        )


# ------------------------------------------------------------------ 03-8


@exercise(
    "03-8",
    title="What a knob can never do",
    difficulty="hard",
    minutes=12,
    trains="a proof that needs no derivative, and knowing what it does not say",
    hints=[
        "Write the whole objective as a * C(w) + R(w): the knob, the term it multiplies, and all "
        "the rest.",
        "w_1 is best for a_1, w_2 is best for a_2. Write both facts as inequalities, comparing w_1 "
        "with w_2.",
        "Add the two inequalities: R cancels, and (a_2 - a_1)(C(w_2) - C(w_1)) <= 0 is left. So "
        "only the knob's own term is tied down; other terms may rise or fall.",
    ],
    reference=answers.KNOBS,
    reason="Turning a knob up never raises the term it multiplies, and never lowers the lowest J. "
    "About any other term, or about accuracy, the proof is silent.",
)
def knobs(yours):
    """A dict from statement to "possible" or "impossible"."""
    expect(isinstance(yours, dict), 'Answer with a dict such as {"a": "possible", ...}.')
    finished(yours, "Some answers are not there yet.")
    expect(set(yours) == set(answers.KNOBS), "Answer for each of the statements a to f.")
    because = {
        "a": (
            "a: alpha_films multiplies CE of films. Can the knob's own term rise? Add the two "
            "inequalities."
        ),
        "b": (
            "b: the proof speaks about the term of the knob only. CE of food belongs to the rest."
        ),
        "c": (
            "c: lambda / 2 multiplies the adapters' squared length: the same proof with another C."
        ),
        "d": (
            "d: the length of W_s is a part of the rest when lambda is the knob, so it is free to "
            "rise."
        ),
        "e": (
            "e: with a larger lam_shared no model costs less than before. So what about the lowest "
            "of all?"
        ),
        "f": (
            "f: the proof ties down CE, a mean of -log p. Accuracy only counts which p is largest."
        ),
    }
    for key, right in answers.KNOBS.items():
        other = "possible" if right == "impossible" else "impossible"
        expect_choice(yours[key], right, {other: because[key]})


# ------------------------------------------------------------------ 03-9


WRONG_SIGN = (0.2146, 0.275, 0.9313, 0.9604)  # the lesson's own four runs, each the same every time
NEAR = (0.03, 0.035, 0.015, 0.015)  # how far runs from other random starts are, and rounding


@exercise(
    "03-9",
    title="The lost minus sign",
    difficulty="medium",
    minutes=10,
    trains="an experiment that shows when a penalty hides a bug",
    hints=[
        "phase_two(sign, lam) returns a dict. The wrong sign is sign=-1.",
        'For each lam in accuracy: accuracy[lam] = phase_two(-1, lam)["accuracy"].',
    ],
    reference={0.0: 0.21, 0.01: 0.28, 0.1: 0.93, 1.0: 0.96},
    reason="Where the penalty is small, the adapters destroy what W_s has learnt. Where it is "
    "large, they cannot move, and training accuracy hardly betrays that they move the wrong way.",
)
def wrong_sign(yours):
    """A dict from lam to training accuracy after phase 2 with the wrong sign."""
    expect(
        isinstance(yours, dict),
        "Answer with a dict such as {0.0: 0.5, 0.01: 0.5, 0.1: 0.5, 1.0: 0.5}.",
    )
    finished(yours, "Some numbers are not there yet.")
    lams = (0.0, 0.01, 0.1, 1.0)
    expect(set(yours) == set(lams), f"Give a number for each lam in {lams}.")
    mine = [float(np.squeeze(as_array(yours[lam]))) for lam in lams]
    expect(
        min(mine) >= 0,
        "An accuracy is not negative. Did you take the loss that is minimised instead?",
    )
    expect(max(mine) <= 1, "An accuracy is at most 1. Did you take the cross-entropy, or percent?")
    expect(
        any(v != round(v) for v in mine),
        "Four whole numbers: these accuracies were rounded. Give them with two decimals.",
    )
    expect(
        min(mine) > 0.1,
        "Not one sentence right? The adapters outvote W_s in some sentences, not against all of "
        "them. Note what phase_two(-1, lam) returns as accuracy.",
    )
    expect(min(mine) < 0.9, "All runs are good: that is the right sign. Run phase_two(-1, lam).")
    expect(
        max(mine) > 0.8,
        "All runs are bad. Does every run get its own lam? A large one should keep the adapters "
        "still.",
    )
    expect(
        mine[0] < 0.5 and mine[3] > 0.8,
        "Turned round: without a penalty nothing stops the adapters, with a large one they cannot "
        "move.",
    )
    expect(
        mine[1] < 0.5 and mine[2] > 0.8,
        "Look at 0.01 and 0.1 again: are they swapped?",
    )
    for lam, value, right, near in zip(lams, mine, WRONG_SIGN, NEAR, strict=True):
        expect(
            abs(value - right) <= near,
            f'At lam = {lam:g} no run ends like this. Note what phase_two(-1, {lam:g})["accuracy"] '
            "gives, to "
            "two decimals.",
        )


# ------------------------------------------------------------------ 03-10


in_words(
    "03-10",
    title="The loss that falls so nicely",
    difficulty="easy",
    minutes=10,
    trains="telling a bug from progress, by what a cross-entropy can and cannot be",
    hints=[
        "p is at most 1. What is the smallest value that -log p can have?",
        "Two bugs of this lesson make a loss negative: name them. What would each look like in the "
        "code?",
        "Add one test that would have caught it: the value at zero weights, or a check of the "
        "gradient.",
    ],
    draft={
        "a": Sentence(
            "A loss that falls in every epoch shows that the formula is right.",
            False,
            "It shows that the number you wrote is minimised. Whether it is the right number is "
            "another question.",
        ),
        "b": Sentence(
            "The minus sign may be lost: then the right class is pushed down.",
            True,
            "log p in place of -log p has its lowest values where the right class is improbable.",
        ),
        "c": Sentence(
            "With all weights at zero a right loss of three classes starts at 1/3 for each task.",
            False,
            "1/3 is the probability. The loss is -log(1/3) = log 3, about 1.1.",
        ),
        "d": Sentence(
            "A cross-entropy is minus the log of a probability, so it is never below 0.",
            True,
            "p is at most 1, so log p is at most 0, and -log p is at least 0.",
        ),
        "e": Sentence(
            "The logarithm may be taken of raw outputs, without softmax.",
            True,
            "Raw outputs may exceed 1, so minus their logarithm may be negative.",
        ),
        "f": Sentence(
            "A strong penalty can push the whole loss below 0.",
            False,
            "A penalty is a sum of squares. It can only add.",
        ),
    },
    model="A cross-entropy is minus the log of a probability, so it can never be negative, and no "
    "penalty can be either. Minus 20 means that you minimise something else. Either the minus "
    "sign is lost, and you push the right class down, or the logarithm is taken of raw outputs, "
    "without softmax. That the curve falls only shows that the number you wrote is minimised. A "
    "test for the first day: with all weights at zero the loss must be log 3 per task, and the "
    "gradient in the scores must be p minus onehot, over n.",
    tempting="A falling loss means that the training works. The accuracy will follow if you train "
    "longer, or with a larger lambda.",
    flaw="A cross-entropy of -20 does not exist. Longer training minimises the wrong number "
    "better, and a larger lambda only hides the bug.",
    rubric=[
        "says that cross-entropy cannot be below 0, and why (p is at most 1)",
        "names both suspects: the sign, and raw outputs in place of probabilities",
        "says that a falling curve shows that the loss as written is minimised, not that it is "
        "right",
        "gives a test: log 3 per task at zero weights, or a gradient check",
    ],
)
