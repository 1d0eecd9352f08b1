"""Exercises of lesson 08: what random does."""

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
from ragteach.teach.exercises import answers_08 as answers
from ragteach.teach.exercises import own_factors_08  # noqa: F401  registers 08-9
from ragteach.teach.written import Sentence, in_words


@exercise(
    "08-1",
    title="How far apart are these models?",
    difficulty="medium",
    minutes=10,
    trains="comparing weights after removing what softmax cannot see",
    hints=[
        "First the shift: weights.mean(1, keepdims=True) is the mean over classes of every "
        "replica.",
        "Then the mean model: the mean over axis 0 of the centred weights.",
        "Distances: square, sum over axes (1, 2), root. Take their mean, and divide by the norm of "
        "the mean model.",
    ],
    reference=answers.spread,
    reason="Models that differ by a common shift of all classes predict the same, so they have "
    "spread 0.",
)
def spread(yours):
    rng = np.random.default_rng(8)
    for n_replicas, n_classes, n_features in [(4, 3, 5), (6, 2, 3)]:
        weights = rng.normal(size=(n_replicas, n_classes, n_features)) + rng.normal(
            size=(n_classes, n_features)
        )
        # a shift softmax cannot see
        weights = weights + 3 * rng.normal(size=(n_replicas, 1, n_features))
        mine = call(yours, weights)
        expect(
            np.ndim(mine) > 0 or abs(float(mine)) < 1e9,
            "Yours divides by a length that is zero up to rounding: with the mean over replicas "
            "(axis 0) taken away, nothing is left of the mean model. A shift adds one number to "
            "all classes of a replica: over which axis is its mean?",
        )
        expect_close(
            mine,
            answers.spread(weights),
            wrong=answers.wrong_spreads(weights),
            what="The spread",
        )


@exercise(
    "08-2",
    title="How fast do two runs meet? (a proof, then a number)",
    difficulty="hard",
    minutes=20,
    trains="a proof by eigenvalues: why a penalty forgets every start",
    hints=[
        "Write the difference of the two runs after one step, and put the given fact into it.",
        "It is (I - lr H) times the difference before. Which eigenvalues has I - lr H?",
        "They lie between 0 and 1 - lr lam, so the distance shrinks by at least 1 - lr lam.",
        "Solve gap * (1 - lr lam) ** n = tol for n with logarithms.",
    ],
    reference=answers.steps_to_meet,
    reason="Each step multiplies the distance by at most 1 - lr lam, whatever the data are.",
)
def steps_to_meet(yours):
    for given in [(1.0, 0.2, 5.0, 0.05), (0.5, 0.3, 2.0, 0.2)]:
        n = answers.steps_to_meet(*given)
        mine = call(yours, *given)
        if _whole(mine) == np.ceil(n):
            continue  # whole steps are fine
        expect_close(mine, n, wrong=answers.wrong_steps(*given), what="The number of steps")


def _whole(mine):
    """One number, whatever it came in; None for anything else."""
    try:
        return as_array(mine).item()
    except (TypeError, ValueError):
        return None


@exercise(
    "08-3",
    title="Two distributions, one variance",
    difficulty="easy",
    minutes=5,
    trains="reading what `scale` means before comparing",
    hints=[
        "The variance of a uniform number between -u and u is the integral of x^2 / (2u) from -u "
        "to u.",
        "It is u^2 / 3. Set it equal to scale^2.",
    ],
    reference=answers.same_variance,
    reason="Var U(-u, u) = u^2 / 3, so u = sqrt(3) scale.",
)
def same_variance(yours):
    for scale in (1.7, 0.4):
        expect_close(
            call(yours, scale),
            answers.same_variance(scale),
            wrong=answers.wrong_scales(scale),
            what="The uniform scale",
        )


@exercise(
    "08-4",
    title="Does the shape of the distribution matter? (an experiment)",
    difficulty="medium",
    minutes=13,
    trains="changing one thing at a time",
    hints=[
        "ten_models(init, scale, 0.0, steps=20) trains; spread_over_time(...)[1][-1] is the spread "
        "at the end.",
        'Run it for ("normal", 1.0), ("uniform", 1.0) and ("uniform", same_variance(1.0)).',
        "Divide the two uniform spreads by the normal one. Which ratio is near 1?",
    ],
    reference={
        "same scale": [0.72, 0.75, 0.71, 0.74, 0.73, 0.72],
        "same variance": [1.0, 1.01, 0.99, 1.0, 1.02, 0.98],
        "conclusion": "c",
    },
    reason="With equal variance the two distributions act alike; the shape of each number is lost "
    "in the sum.",
)
def experiment(yours):
    expect(
        isinstance(yours, dict) and {"same scale", "same variance", "conclusion"} <= set(yours),
        'Hand over a dictionary with the keys "same scale", "same variance" and "conclusion".',
    )
    ratios = {}
    for key in ("same scale", "same variance"):
        finished(yours[key], f"The ratios for {key} are not there yet.")
        ratios[key] = np.ravel(as_array(yours[key]))
        n = len(ratios[key])
        expect(
            n >= 5,
            f"{n} {'ratio' if n == 1 else 'ratios'} for {key}: ten models are one draw. Take five "
            "batches or more, each from its own seeds.",
        )
        expect(
            np.unique(ratios[key].round(9)).size > 1,
            f"All ratios for {key} are equal: did every batch get its own first seed?",
        )
    (scale, *_), (variance, low, high) = (interval(values) for values in ratios.values())
    turned = 0.4 < 1 / max(scale, 1e-9) < 0.97 and abs(variance - 1) < 0.1
    expect(
        scale < 1.1 or not turned,
        "Your ratios are upside down: divide the uniform spread by the normal one.",
    )
    expect(
        scale < 1.1 and variance < 1.4,
        "These are far above 1. Are they spreads? Divide each uniform spread by the normal one of "
        "the same seeds.",
    )
    expect(
        not (variance < 0.95 < scale),
        "The two lists are swapped: with the same scale the uniform start has the smaller "
        "variance.",
    )
    expect(
        not abs(scale - variance) < 0.02,
        "Both lists are the same: did the second uniform run get the scale same_variance(1.0)?",
    )
    expect(
        scale < 0.97,
        "With the same scale, the uniform start should spread less: 20 steps, lam = 0, 10 seeds.",
    )
    expect(
        scale > 0.4,
        "With the same scale the ratio is too small. Are these squares, or the spread of other "
        "starts?",
    )
    expect(
        variance < 1.5,
        "With the same variance the ratio is far above 1. Is the scale 3 instead of the root of 3?",
    )
    expect(
        0.9 < low <= high < 1.1,
        f"With the same variance your interval is {low:.2f} to {high:.2f}; it should lie between "
        "0.9 and 1.1: check scale, steps and lam.",
    )
    expect_choice(
        yours["conclusion"],
        "c",
        {
            "a": (
                "The uniform start spread less only while its variance was smaller: look at the "
                "second list."
            ),
            "b": "Nothing here favours normal: with equal variance the interval lies around 1.",
        },
    )


@exercise(
    "08-5",
    title="Gradients of a product (and a proof)",
    difficulty="medium",
    minutes=13,
    trains="the chain rule for a product of matrices",
    hints=[
        "Write the shapes: g is (C, d), up is (C, r), down is (r, d). Which products give (C, r) "
        "and (r, d)?",
        "dJ = sum of g * d(up @ down). Let only up move: d(up) @ down.",
        "dJ/dup = g @ down.T and dJ/ddown = up.T @ g. Now set both factors to zero.",
    ],
    reference=answers.factor_gradients,
    reason="Each factor's gradient contains the other factor: if both are zero, both gradients "
    "are.",
)
def factor_gradients(yours):
    rng = np.random.default_rng(5)
    for c, r, d in [(3, 2, 5), (4, 1, 3)]:
        up = rng.normal(size=(c, r))
        down = rng.normal(size=(r, d))
        g = rng.normal(size=(c, d))
        answer = call(yours, up, down, g)
        expect(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "Return two arrays: the gradient in up, then the gradient in down.",
        )
        right = answers.factor_gradients(up, down, g)
        shapes = tuple(np.shape(as_array(a)) for a in answer)
        expect(
            shapes != (right[1].shape, right[0].shape),
            "The two gradients are in the wrong order: first that of up (C, r), then that of down "
            "(r, d).",
        )
        for mine, expected, name in zip(answer, right, ("up", "down"), strict=True):
            wrong = answers.wrong_gradients(name, up, down, g)
            expect_close(mine, expected, wrong=wrong, what=f"The gradient in {name}")


@exercise(
    "08-6",
    title="Rank 2 is enough for three classes",
    difficulty="hard",
    minutes=16,
    trains="using what softmax cannot see to prove a statement about rank",
    hints=[
        "Which vector may you subtract from all three rows without changing any softmax?",
        "Subtract one that makes a row zero, or that makes the rows sum to zero. What is the rank "
        "now?",
        "With the last row subtracted: down = a[:2] - a[2], and up picks: rows (1, 0), (0, 1), (0, "
        "0).",
    ],
    reference=answers.two_factors,
    reason="After a common shift one row is a combination of the other two, so rank 2 holds all "
    "that counts. For the proof subtract the mean row: that makes no matrix longer. A row of A may.",
)
def two_factors(yours):
    rng = np.random.default_rng(6)
    for d in (6, 9):
        a = rng.normal(size=(3, d)) + 2
        answer = call(yours, a)
        expect(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "Return two arrays: up of shape (3, 2) and down of shape (2, d).",
        )
        up, down = (as_array(part) for part in answer)
        expect(
            up.shape == (3, 2) and down.shape == (2, d),
            f"up must have shape (3, 2) and down (2, d), here (2, {d}); yours are {up.shape} and "
            f"{down.shape}.",
        )
        expect_close(
            answers.to_the_last(up @ down),
            answers.to_the_last(a),
            wrong=answers.wrong_products(a),
            what="The difference of each class to the last",
            atol=1e-6,
        )


@exercise(
    "08-7",
    title="A random graph on average",
    difficulty="medium",
    minutes=10,
    trains="expectation of a count; reading G G' as overlap",
    hints=[
        "(GG')[t, t] counts the adapters of task t: is anything random about it?",
        "With which probability does task t hold adapter k? And both t and u?",
        "Sum the probability (k/K)^2 over the K adapters.",
    ],
    reference=answers.expected_overlap,
    reason="Each of K adapters is held by both tasks with probability (k/K)^2, which makes k^2/K "
    "on average.",
)
def expected_overlap(yours):
    for n_adapters, per_task in [(8, 3), (5, 2)]:
        expect_close(
            call(yours, n_adapters, per_task),
            answers.expected_overlap(n_adapters, per_task),
            wrong=answers.wrong_overlaps(n_adapters, per_task),
            what="(self, other)",
        )


in_words(
    "08-8",
    title="Is it reproducible? Explain to a colleague",
    difficulty="medium",
    minutes=10,
    trains="saying which randomness training forgets",
    hints=[
        "Three things are drawn. Which of them does training change?",
        "For the start, name the two conditions under which it is forgotten.",
        "Then say what to do about the randomness that stays.",
    ],
    draft={
        "a": Sentence(
            "A frozen random projection is never trained away.",
            True,
            "What is frozen does not move, so its seed always matters.",
        ),
        "b": Sentence(
            "For low-rank adapters the loss is convex too, so their start is forgotten as well.",
            False,
            "A product of two trained factors is not convex: the start may decide which bottom you "
            "reach.",
        ),
        "c": Sentence(
            "The seed never matters.",
            False,
            "It matters if you stop early, without a penalty, with low rank, or for what is never "
            "trained.",
        ),
        "d": Sentence(
            "If you stop early, part of the random start is still in the weights.",
            True,
            "The start fades like (1 - eta lambda)^n: after few steps much of it is left.",
        ),
        "e": Sentence(
            "A random graph is forgotten like a random start.",
            False,
            "Training changes weights, never the graph: its draw stays for ever.",
        ),
        "f": Sentence(
            "With full-size adapters, a penalty and long training every start ends in the same "
            "W_t.",
            True,
            "J is then strictly convex in what matters: one optimum, and every path ends there.",
        ),
    },
    model="With full-size adapters and a penalty lambda > 0 the loss is convex, so every start "
    "ends in the same weights if you train long enough. Stop early, or set lambda to 0, and part "
    "of the start stays. Low-rank adapters are not convex: there the seed can decide where you "
    "end. A random graph or a frozen projection is never trained, so its seed always matters: "
    "report several.",
    tempting="Random adapters make every run different, that is what the name says. Fix the seed "
    "and report that run.",
    flaw="A fixed seed hides the luck, it does not remove it. Whether a seed matters depends on "
    "what was drawn and how long you train.",
    rubric=[
        "says that with a penalty and long training the start of a convex model is forgotten",
        "names a case in which the start stays: lambda = 0, early stopping, or low rank",
        "says that a random graph or a frozen projection is never trained away",
        "says what to do: small start, or report several seeds",
    ],
)
