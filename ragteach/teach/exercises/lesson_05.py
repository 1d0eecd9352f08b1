"""Exercises of lesson 05: trajectories of the weights."""

import math

import numpy as np
import torch

from ragteach.losses import MultiTaskLoss
from ragteach.model import RAG
from ragteach.teach.checks import (
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    finished,
)
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_05 as answers
from ragteach.teach.written import Sentence, in_words


@exercise(
    "05-1",
    title="How much further does W_s go?",
    difficulty="medium",
    minutes=10,
    trains="adding vectors that agree, ignore or oppose each other",
    hints=[
        "||g_1 + ... + g_T||^2 is the sum over all pairs (t, u) of <g_t, g_u>. How many pairs are "
        "there?",
        "T pairs are a vector with itself and give 1. The other T (T - 1) give the cosine c each.",
        "The squared length is T + T (T - 1) c. Do not forget the root.",
    ],
    reference=answers.length_ratio,
    reason="T squares and T (T - 1) products: T if all agree, the root of T if they ignore each "
    "other, 0 if they cancel.",
    rule="the root of: T ones, and c for each of the T (T - 1) ordered pairs of different vectors.",
)
def length_ratio(yours):
    """||g_1 + ... + g_T|| for unit vectors with the same cosine between any two."""
    for n_tasks, cosine in [(4, 0.3), (4, 0.0), (4, 1.0), (5, -0.2), (6, 0.1)]:
        expect_close(
            call(yours, n_tasks, cosine),
            answers.length_ratio(n_tasks, cosine),
            wrong=[
                (
                    n_tasks + n_tasks * (n_tasks - 1) * cosine,
                    "This is the squared length. Take its root.",
                ),
                (n_tasks, "The lengths add only if all vectors point the same way."),
                (
                    math.sqrt(n_tasks),
                    "This is right for a cosine of 0. Add the products of different vectors.",
                ),
                (
                    math.sqrt(max(n_tasks + n_tasks * (n_tasks - 1) / 2 * cosine, 0)),
                    "Each pair of different vectors counts twice: <g_t, g_u> and <g_u, g_t>.",
                ),
                (
                    math.sqrt(max(n_tasks + n_tasks**2 * cosine, 0)),
                    "T of the T^2 pairs are a vector with itself and give 1, not c: T (T - 1) are "
                    "left.",
                ),
                (
                    math.sqrt(max(n_tasks * (1 + cosine), 0)),
                    "Every vector meets T - 1 others, not one: 1 + (T - 1) c.",
                ),
                (
                    n_tasks * cosine,
                    "A cosine is no length: square the sum, and count the products.",
                ),
            ],
            what=f"The length for T = {n_tasks}, c = {cosine}",
        )


@exercise(
    "05-2",
    title="What never moves",
    difficulty="easy",
    minutes=5,
    trains="turning W_s - sum_t A_t into a line of code with a time axis",
    hints=[
        "Write the shapes: shared (n_steps, C, d), adapters (n_steps, n_tasks, C, d). Which axis "
        "must go?",
        "shared - adapters.sum(1)",
    ],
    reference=answers.conserved,
    reason="The sum runs over the tasks, axis 1; time stays.",
    rule="adapters has the axes (steps, tasks, C, d): the tasks go, by a sum, and W_s comes first.",
)
def conserved(yours):
    """shared (S, C, d), adapters (S, K, C, d) -> (S, C, d)."""
    rng = np.random.default_rng(5)
    for n_steps, n_adapters, n_classes, n_features in [(7, 4, 3, 5), (3, 2, 4, 6)]:
        shared = rng.normal(size=(n_steps, n_classes, n_features))
        adapters = rng.normal(size=(n_steps, n_adapters, n_classes, n_features))
        total = adapters.sum(1)
        given = torch.tensor(shared).float(), torch.tensor(adapters).float()
        expect_close(
            call(yours, *given),
            shared - total,
            wrong=[
                (
                    shared + total,
                    "A sign: you added the adapters. Both sides grow together, so subtract.",
                ),
                (
                    shared - total / n_adapters,
                    "You took the mean of the adapters; the law has their sum.",
                ),
                (
                    shared - adapters[:, 0],
                    "You subtracted the first adapter only. All tasks pull W_s.",
                ),
                (total - shared, "The other way round: W_s minus the adapters' sum."),
                (
                    (shared - total) - (shared - total)[:1],
                    "You subtracted the start as well. Return W_s - sum_t A_t itself.",
                ),
                (
                    shared - shared[:1],
                    "This is how far W_s has moved, without the adapters: W_s - sum_t A_t.",
                ),
                (shared, "The adapters are missing: W_s alone moves with every step."),
                (total, "W_s is missing: the sum of the adapters alone moves with every step."),
                (
                    (shared - total)[-1],
                    "This is the last step only. Keep all steps: the first axis stays.",
                ),
                (
                    shared[:, None] - adapters,
                    "You subtracted each adapter from W_s by itself. Add them up first, over axis "
                    "1.",
                ),
            ],
            what="W_s - sum_t A_t",
        )


@exercise(
    "05-3",
    title="Conservation for any graph",
    difficulty="hard",
    minutes=15,
    trains="generalising a proof: from G = I to any graph",
    hints=[
        "A step of A_k is -lr sum_t G[t,k] D_t, with D_t = dCE_t/dW_t. What is the step of sum_k "
        "v_k A_k?",
        "It is -lr sum_t (G v)_t D_t. The step of W_s is -lr sum_t D_t. When are they the same for "
        "any D?",
        "G v must be a vector of ones: np.linalg.lstsq(graph, np.ones(len(graph)), rcond=None)[0]",
    ],
    reference=answers.conserved_mix,
    reason="The steps agree for every D_t exactly if (G v)_t = 1 for every task.",
    rule="find v with G v = (1, ..., 1): one equation for each task.",
)
def conserved_mix(yours):
    """graph (T, K) -> v (K,), such that W_s - sum_k v_k A_k is conserved. Any v with G v = 1 is
    right.
    """
    graphs = [
        [[2.0, 0.0], [0.0, 1.0], [2.0, 0.0]],
        [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]],
        [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]],
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
    ]
    for graph in map(np.array, graphs):
        v = as_array(call(yours, graph))
        n_tasks, n_adapters = graph.shape
        expect(
            v.shape == (n_adapters,),
            f"v needs one number per adapter: shape ({n_adapters},), not {v.shape}.",
            v,
            f"shape ({n_adapters},)",
        )
        if np.allclose(graph @ v, 1, atol=1e-6):
            continue
        said = "G v is not a vector of ones, so the steps of the two sides differ."
        if np.allclose(v, 1):
            said = (
                "v = (1, ..., 1) is right for G = I only. Here a task's row of G does not add up "
                "to 1."
            )
        elif np.allclose(v, 1 / n_adapters):
            said = "The mean of the adapters is conserved only if every task uses them all alike."
        elif np.allclose(v, graph.sum(0)) or np.allclose(v, graph.mean(0)):
            said = (
                "Adding up the columns of G is not the condition: you need G v = 1, one equation "
                "per task."
            )
        elif np.allclose(v, 0):
            said = "With v = 0 there is W_s alone, and that moves: you need G v = 1."
        elif np.allclose(graph @ v, -1):
            said = "A sign: this v is conserved in W_s + sum_k v_k A_k. The law has a minus."
        elif n_tasks == n_adapters and np.allclose(graph.T @ v, 1):
            said = (
                "This solves G^T v = 1, one equation an adapter. You need one for each task: G v = "
                "1."
            )
        expect(False, said, graph @ v, np.ones(n_tasks))


@exercise(
    "05-4",
    title="What breaks the law?",
    difficulty="medium",
    minutes=10,
    trains="finding the assumption a proof needs",
    hints=[
        "The proof needs one thing in every step: the step of W_s is the sum of the steps of the "
        "A_t.",
        "Momentum adds up old gradients: still the same sum on both sides. Adam divides each by "
        "its own size.",
        "A penalty pulls on W_s and on each A_t by their own size; the data have no say in it.",
    ],
    reference=answers.KEPT,
    reason="Whatever treats the gradients linearly and alike keeps the law; what rescales a part, "
    "or pulls on the weights themselves, breaks it.",
)
def what_breaks(yours):
    """A dict from a change to "kept" or "broken"."""
    expect(isinstance(yours, dict), 'Answer with a dict such as {"momentum": "kept", ...}.')
    finished(yours, "Some answers are not there yet.")
    expect(set(yours) == set(answers.KEPT), f"Answer for each of: {', '.join(answers.KEPT)}.")
    for key, right in answers.KEPT.items():
        other = "broken" if right == "kept" else "kept"
        expect_choice(yours[key], right, {other: answers.WHY_KEPT[key]})


@exercise(
    "05-5",
    title="The half-life of the start",
    difficulty="medium",
    minutes=10,
    trains="solving a geometric decay",
    hints=[
        "After n steps the factor is (1 - lr lam)^n. Set it to one half.",
        "n log(1 - lr lam) = log(1/2)",
    ],
    reference=answers.half_life,
    reason="With lam = lam_shared each step multiplies W_s - sum A_t by 1 - lr lam, whatever the "
    "data say.",
    rule="(1 - lr lam)^n = 1/2, solved for n.",
)
def half_life(yours):
    """lr, lam -> the number of steps after which half of W_s - sum A_t is left."""
    for lr, lam in [(0.6, 0.35), (2.0, 0.15), (1.0, 0.01)]:
        expect_close(
            call(yours, lr, lam),
            answers.half_life(lr, lam),
            wrong=[
                (
                    math.log(2) / (lr * lam),
                    "Nearly: log 2 / (lr lam) is the limit of tiny steps. Use (1 - lr lam)^n.",
                ),
                (
                    math.log(0.5) / math.log(1 - lam),
                    "The learning rate is missing: one step shrinks by lr times lam.",
                ),
                (
                    math.log(0.5) / math.log(1 + lr * lam),
                    "Each step leaves 1 MINUS lr lam: what you wrote grows.",
                ),
                (
                    math.log(0.5) / math.log(lr * lam),
                    "lr lam is what a step takes away. What it leaves is 1 - lr lam.",
                ),
                (
                    math.log(0.5) * (1 - lr * lam),
                    "Solve n log(1 - lr lam) = log(1/2): the logarithm of the factor is missing.",
                ),
                (
                    math.log(0.5) / (1 - lr * lam),
                    "Solve n log(1 - lr lam) = log(1/2): the logarithm of the factor is missing.",
                ),
                (
                    math.log(2) / (2 * lr * lam),
                    "The penalty is lam/2 ||A||^2: its slope is lam A, without a 2.",
                ),
                (
                    math.log(0.5) / math.log(1 - lr - lam) if lr + lam < 1 else math.nan,
                    "One step takes away lr TIMES lam, not their sum.",
                ),
                (
                    math.log(0.1) / math.log(1 - lr * lam),
                    "After so many steps a tenth is left. One half is asked: log(1/2).",
                ),
                (1 / (lr * lam), "After 1 / (lr lam) steps about 37 % is left, not one half."),
                (
                    0.5 / (lr * lam),
                    "The decay is not linear: each step takes a part of what is left.",
                ),
                (
                    -answers.half_life(lr, lam),
                    "A negative number of steps: both logarithms are negative, divide them.",
                ),
                (
                    math.ceil(answers.half_life(lr, lam)),
                    "Do not round: the formula gives a number of steps that need not be whole.",
                ),
                (
                    math.floor(answers.half_life(lr, lam)),
                    "Do not round down: the formula gives a number of steps that need not be "
                    "whole.",
                ),
                (
                    -1 / math.log(1 - lr * lam),
                    "After so many steps 1/e, about 37 %, is left. One half is asked: log(1/2).",
                ),
                (
                    math.log(1 - lr * lam) / math.log(0.5),
                    "Upside down: n log(1 - lr lam) = log(1/2).",
                ),
                (
                    math.log(0.5) / math.log(1 - 2 * lr * lam),
                    "W_s and the adapters each shrink by lr lam, and so does their difference: no "
                    "2.",
                ),
            ],
            what=f"The half-life for lr = {lr}, lam = {lam}",
        )


@exercise(
    "05-6",
    title="Conflict and relatedness",
    difficulty="medium",
    minutes=10,
    trains="an experiment: does the gradient know how related the tasks are?",
    hints=[
        "Make the data with toy(relatedness), and a trajectory with path(data=..., lam=0.01, "
        "lam_shared=0.01).",
        'trajectory.gradient_cosines(data.stacked())["cosine"].mean() is one number per data set.',
        "{r: float(...) for r in (0.0, 0.5, 1.0)}",
    ],
    reference={0.0: -0.166, 0.5: -0.003, 1.0: 0.295},
    reason="The less related the tasks, the more they pull W_s apart: the cosine rises with "
    "relatedness and changes its sign.",
    rule="path(toy(relatedness), lam=0.01, lam_shared=0.01), then the mean of the column cosine.",
)
def conflict(yours):
    """A dict: the mean cosine for relatedness 0, 0.5 and 1, of the lesson's own data and path."""
    expect(isinstance(yours, dict), "Answer with a dict such as {0.0: 0.1, 0.5: 0.1, 1.0: 0.1}.")
    finished(yours, "Some numbers are not there yet.")
    expect(
        {float(k) for k in yours} == {0.0, 0.5, 1.0},
        "Give a number for each relatedness: 0.0, 0.5 and 1.0.",
    )
    value = {float(k): v for k, v in yours.items()}
    sizes = {np.size(as_array(v)) for v in value.values()}
    expect(
        sizes == {1},
        "One number for each relatedness, please: the mean over all pairs and steps.",
    )
    mine = np.array([float(as_array(value[r]).item()) for r in (0.0, 0.5, 1.0)])
    expect(
        (np.abs(mine) <= 1).all(),
        "A cosine lies between -1 and 1. Did you keep an angle, or a sum?",
    )
    expect(
        np.ptp(mine) > 0.004,
        "All three are the same. Did you use the same data thrice?",
    )
    expect_close(
        mine,
        [-0.166, -0.0035, 0.295],
        wrong=answers.WRONG_COSINES,
        what="The mean cosines",
        rtol=0,
        atol=0.006,
    )


@exercise(
    "05-7",
    title="A word that only one task uses",
    difficulty="medium",
    minutes=10,
    trains="using balance (law 3) for one column of the weights",
    hints=[
        "For this word every other adapter is 0, since only its penalty pulls on it. What does "
        "balance say now?",
        "lam_shared W_s = lam A_t. And W_t = W_s + A_t. Which part of W_t is W_s?",
        "W_s / W_t = lam / (lam + lam_shared)",
    ],
    reference=answers.shared_part,
    reason="Balance leaves lam_shared W_s = lam A_t in this column: the cheaper part carries more.",
    rule="lam_shared W_s = lam A_t in this column, and W_t = W_s + A_t.",
)
def shared_part(yours):
    """lam, lam_shared -> W_s / W_t in the column of a word that only task t uses."""
    for lam, lam_shared in [(0.03, 0.01), (0.5, 2.0)]:
        expect_close(
            call(yours, lam, lam_shared),
            lam / (lam + lam_shared),
            wrong=[
                (
                    lam_shared / (lam + lam_shared),
                    "This is the adapter's part. With a large lam it carries less.",
                ),
                (
                    lam / lam_shared,
                    "This is W_s / A_t. Asked is the part of the whole, W_s / (W_s + A_t).",
                ),
                (lam_shared / lam, "This is A_t / W_s. Asked is W_s / (W_s + A_t)."),
                (0.5, "Half and half is right only for lam = lam_shared."),
                (
                    0.75,
                    "0.75 is right for lam = 0.03 and lam_shared = 0.01 only. A formula is asked.",
                ),
                (1.0, "W_s does not carry all: an adapter that is not forbidden takes its part."),
                (
                    lam / (lam + 4 * lam_shared),
                    "There are not four adapters in this column: those of the other tasks are 0.",
                ),
                (
                    (lam + lam_shared) / lam,
                    "Upside down: this is W_t / W_s, larger than 1.",
                ),
                (
                    lam**2 / (lam**2 + lam_shared**2),
                    "The penalties are not squared: balance is lam_shared W_s = lam A_t.",
                ),
                (
                    lam - lam_shared,
                    "A part of a whole is a quotient, not a difference of penalties.",
                ),
                (
                    0.0,
                    "A word of one task still moves W_s: every task pulls W_s with its whole "
                    "gradient.",
                ),
            ],
            what=f"W_s / W_t for lam = {lam}, lam_shared = {lam_shared}",
        )


in_words(
    "05-8",
    title="Explain what an adapter says, and what it does not",
    difficulty="medium",
    minutes=12,
    trains="reading weights without over-reading them",
    hints=[
        "What do the data see: W_s, A_t, or their sum?",
        "What else decides how the sum is split? Think of lambda, lambda_s, the random start and "
        "the optimiser.",
        "Say what one should read instead.",
    ],
    draft={
        "a": Sentence(
            "A zero in the phone adapter means that phones have no opinion on the word.",
            False,
            "It means that the phones' own sentences do not pull on the word. W_s may hold a "
            "strong opinion.",
        ),
        "b": Sentence(
            "The data decide how the sum is split into the two parts.",
            False,
            "They see only the sum. The penalties decide the split, or without them the start.",
        ),
        "c": Sentence(
            "At the optimum with penalties the split is arbitrary.",
            False,
            "There balance fixes it: lambda_s W_s = lambda sum_t A_t.",
        ),
        "d": Sentence(
            "The data see only the sum W_t = W_s + A_t.",
            True,
            "The logits, and so the loss, depend on W_t alone.",
        ),
        "e": Sentence(
            "Read W_t, as a difference between two classes.",
            True,
            "A common shift of all classes changes no prediction; differences of W_t do.",
        ),
        "f": Sentence(
            "Without penalties, plain gradient descent never forgets how the random start was "
            "split.",
            True,
            "That is law 2: W_s - sum_t A_t stays where it began.",
        ),
    },
    model="The data see only the sum W_t = W_s + A_t. How it is split depends on the penalties, "
    "and without penalties on the random start, which plain gradient descent never forgets. At the "
    "optimum a zero in the adapter means that no sentence about phones pulls on the word: phones "
    "have never seen it. They believe what the shared weight says, and that of amazing is clearly "
    "positive. Look at W_t instead, and compare two classes, since a common shift of all classes "
    "means nothing.",
    tempting="Adapters hold what is particular to a task, so a zero says that this task has "
    "learnt nothing about the word. Train the adapter longer, or read it at another seed.",
    flaw="The task reads W_s as well. Its opinion on the word is the sum, and the adapter's share "
    "of it was decided by penalties or start, not by the word.",
    rubric=[
        "says that only the sum W_t = W_s + A_t meets the data",
        "names what decides the split: the penalties, or the random start",
        "draws the consequence: an adapter's entry of 0 does not mean no opinion",
        "says what to read instead: W_t, as a difference of classes",
    ],
)


def _loss(model):
    """J of a model on eight made-up sentences, without penalties."""
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(8, 5, generator=generator)
    y = torch.randint(3, (8,), generator=generator)
    task = torch.arange(8) % 2
    return MultiTaskLoss(lam=0.0, lam_shared=0.0)(model(x, task), y, task, model)


def _small():
    """A model and its loss, the same at every call."""
    return RAG(5, 3, 2, tasks=["films", "cars"], seed=1, scale=0.5), _loss


FILM_SLIPS = {
    "Gradients pile up: optimizer.zero_grad() in every step.": {"clear": False},
    "This is Adam's film. Plain gradient descent is asked for: torch.optim.SGD.": {
        "kind": torch.optim.Adam
    },
    "This film has momentum. Plain gradient descent has none.": {"momentum": 0.9},
}


def _slipped_film(steps, lr, **how):
    return [as_array(part) for part in answers.film_with_a_slip(*_small(), steps, lr, **how)]


@exercise(
    "05-9",
    title="A film of your own",
    difficulty="medium",
    minutes=15,
    trains="recording a training run without disturbing it",
    hints=[
        "zero_grad, backward, step; then append a copy of each part to its own list.",
        "model.shared is the very tensor that the optimiser changes. What does a list of fifty "
        "times the same tensor show in the end?",
        "shared.append(model.shared.detach().clone()); at the end torch.stack(shared)",
    ],
    reference=answers.film,
    reason="detach() leaves the graph, clone() makes the copy that stays when the weights move on.",
    rule="after every step, a copy (detach, clone) of W_s and of the adapters.",
)
def film(yours):
    """model, loss, steps, lr -> (steps, C, d) and (steps, K, C, d)."""
    steps = 6
    lr = 0.4
    model, loss = _small()
    start = model.shared.detach().clone(), model.adapter_weights().detach().clone()
    right = [as_array(part) for part in answers.film(model, loss, steps, lr)]
    slips = [_slipped_film(steps, lr, **how) for how in FILM_SLIPS.values()]
    found = call(lambda: yours(*_small(), steps, lr))
    expect(
        isinstance(found, list | tuple) and len(found) == 2,
        "Return two things: W_s after every step, and the adapters after every step.",
    )
    names = ("W_s of your film", "The adapters of your film")
    for i, (mine, wanted, first, what) in enumerate(zip(found, right, start, names, strict=True)):
        begun = np.concatenate([as_array(first)[None], wanted])
        still = np.repeat(begun[:1], steps, axis=0)
        other = as_array(found[1 - i])
        moves = other.ndim and len(other) > 1 and np.ptp(other, axis=0).max() > 0
        at_rest = "Nothing moves: is optimizer.step() there, after backward()?"
        if moves:
            at_rest = (
                f"{what} stand still while the other part moves: was it handed to the optimiser?"
                if i
                else f"{what} stands still while the other part moves: was it handed to the optimiser?"
            )
        expect_close(
            mine,
            wanted,
            wrong=[
                (
                    np.repeat(wanted[-1:], steps, axis=0),
                    "Every picture shows the end: you kept the same tensor again and again. Keep "
                    "copies: .detach().clone().",
                ),
                (still, at_rest),
                (begun[:-1], "You kept the weights before each step. After it, please."),
                (begun, "The start is in the film as well. One picture for each step, after it."),
                *[(slip[i], said) for slip, said in zip(slips, FILM_SLIPS, strict=True)],
                (wanted[-1], "This is the last picture only. Keep one for every step."),
            ],
            what=what,
        )
