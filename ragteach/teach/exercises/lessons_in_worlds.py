"""The exercises 01-w to 10-w: one number of each lesson, in a world of your own.

Enters: the learner's numbers.  Leaves: the verdict of a check that has solved the learner's world,
exactly. Where `ragteach.world` was never called that is the default world, the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ragteach.engine.optimum import solve, solve_path
from ragteach.model import task_weights
from ragteach.teach.checks import Wrong, exercise, expect_close
from ragteach.teach.classroom.worlds import DEFAULT, World, world, world_of

RATIOS = np.logspace(-2, 2, 9)  # of lam to lam_shared, in 07-w
Slips = Callable[[World], list[tuple[object, str]]]
SLIPS: dict[str, Slips] = {}  # the known mistakes of each exercise
NOT_YOURS = (
    "This is the default world's answer, and you are in the world of {id!r}, where sentences, "
    "sizes and words are others. Make here = rt.world() again, then run this cell again."
)


def in_world(
    number: str,
    title: str,
    trains: str,
    hints: Sequence[str],
    bound: Callable[[World], object],
    slips: Slips,
    what: str,
    reason: str,
    minutes: int = 5,
    difficulty: str = "easy",
) -> None:
    """Register an exercise whose right answer is ``bound(world)``, whatever the world is."""

    def solved(yours: object) -> str:
        here = world()
        asked = {"what": what, "rtol": 1e-4, "atol": 5.1e-4}  # three decimals will do
        right = bound(here)
        try:
            expect_close(yours, right, **asked)
        except Wrong:  # only now are the known mistakes worked out
            known = slips(here)
            if here.id != DEFAULT:
                known.insert(0, (bound(world_of(DEFAULT)), NOT_YOURS.format(id=here.id)))
            expect_close(yours, right, wrong=known, **asked)
        return "Right, in the default world." if here.id == DEFAULT else "Right, in your world."

    solved.__doc__ = bound.__doc__
    SLIPS[number] = slips
    exercise(
        number,
        title=title,
        difficulty=difficulty,
        minutes=minutes,
        trains=trains,
        hints=hints,
        bound=bound,
        reason=reason,
    )(solved)


# ------------------------------------------------------------------ 01: a word


def counts_of_word(here: World, part: str = "train") -> np.ndarray:
    """(n_tasks, 3): how many training sentences of each task and label hold the world's word."""
    frame = getattr(here, part)
    has = frame["text"].str.contains(rf"\b{here.word}\b", case=False)
    counts = [
        [
            int((has & (frame["task"] == task) & (frame["label"] == label)).sum())
            for label in range(3)
        ]
        for task in here.sizes
    ]
    return np.array(counts)


in_world(
    "01-w",
    title="Your word, in your world",
    trains="looking at your own data before modelling them",
    hints=[
        "here.word is the word, here.train the frame, list(here.sizes) the tasks in their order.",
        "Your function of exercise 01-1 does the rest: label_counts(frame, word, tasks).",
    ],
    bound=counts_of_word,
    slips=lambda here: [
        (counts_of_word(here, "test"), "These are the test sentences. Count in here.train."),
        (counts_of_word(here).sum(0), "One row for each task is asked for: do not add them up."),
        (
            counts_of_word(here).sum(1),
            "One column for each label is asked for: you added the labels up.",
        ),
        (
            counts_of_word(here) / np.maximum(counts_of_word(here).sum(1, keepdims=True), 1),
            "These are shares of each task. Counts are asked for.",
        ),
    ],
    what="The table",
    reason="Tasks whose rows peak at different labels disagree about your word.",
)


# ------------------------------------------------------------------ 02: W_t


def weights_of_word(here: World) -> np.ndarray:
    """(n_tasks, 3): the world's word in every W_t of the exact optimum."""
    with torch.no_grad():
        return task_weights(*here.solve().parts())[:, :, here.column].numpy()


def _parts_of_word(here: World) -> tuple[np.ndarray, np.ndarray]:
    shared, adapters, _ = here.solve().parts()
    column = here.column
    return shared[:, column].detach().numpy(), adapters[:, :, column].detach().numpy()


def _slips_02(here: World) -> list[tuple[object, str]]:
    shared, adapters = _parts_of_word(here)
    return [
        (np.tile(shared, (4, 1)), "This is W_s alone, the same in every row. Add the adapters."),
        (shared, "This is W_s alone. One row for each task is asked for: W_s + A_t."),
        (adapters, "These are the adapters alone. W_t = W_s + A_t: add the shared part."),
        (
            shared + adapters.sum(0),
            "You added every adapter for everybody: the literal sum. Each task has its own.",
        ),
        (shared - adapters, "The adapters are subtracted. W_t = W_s + A_t."),
    ]


in_world(
    "02-w",
    title="One word in your W_t",
    trains="reading a task's weights off the equation",
    hints=[
        "model = here.solve() is trained to the end; model.parts() are shared, adapters and graph.",
        "task_weights(*model.parts()) is (tasks, classes, words); the word's place is here.column.",
    ],
    bound=weights_of_word,
    slips=_slips_02,
    what="The weights of your word",
    reason="The largest number of a row is the class that the word votes for in that task.",
)


# ------------------------------------------------------------------ 03: J


def lowest_J(here: World) -> float:
    """J at the exact optimum of RAG, alpha equal."""
    return here.objective(here.solve())


def _slips_03(here: World) -> list[tuple[object, str]]:
    model = here.solve()
    with torch.no_grad():
        shared, adapters, _ = model.parts()
        of_shared = here.lam_shared / 2 * float(shared.square().sum())
        of_adapters = here.lam / 2 * float(adapters.square().sum())
    J = here.objective(model)
    other = here.solve("full sharing")
    return [
        (J - of_shared - of_adapters, "This is the cross-entropy. J has the two penalties too."),
        (J - of_shared, "The penalty of W_s is missing: lam_shared/2 ||W_s||^2."),
        (J - of_adapters, "The penalty of the adapters is missing: lam/2 ||A||^2."),
        (J + of_shared + of_adapters, "The penalties have a half: lam/2 ||A||^2."),
        ((J - of_shared - of_adapters) / 4, "J adds the tasks' losses; this is their mean."),
        (here.objective(other), "This is J of full sharing. RAG is asked for: here.solve()."),
        (4 * np.log(3), "This is J with all weights 0: log 3 a task. Solve the world first."),
    ]


in_world(
    "03-w",
    title="How low J goes in your world",
    trains="the whole objective, on sentences of your own",
    hints=[
        "J = sum_t CE_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2, at the optimum.",
        "model = here.solve() is the optimum; here.objective(model) is J, or use your objective.",
    ],
    bound=lowest_J,
    slips=_slips_03,
    what="J",
    reason="No other weights in your world have a lower J: the problem is convex.",
)


# ------------------------------------------------------------------ 04: two phases


def two_phases(here: World) -> tuple[float, float]:
    """(J after phase 1, J after phase 2), each phase to its end."""
    model = here.untrained()
    knobs = (here.data, here.lam, here.lam_shared)
    model.freeze("adapters")
    model.deactivate(*model.adapter_names)
    first = solve(model, *knobs).objective
    model.activate(*model.adapter_names)
    model.unfreeze("adapters")
    model.freeze("shared")
    return first, solve(model, *knobs).objective


def price_of_two_phases(here: World) -> float:
    """J(two-phase) - J(joint)."""
    return two_phases(here)[1] - here.objective(here.solve())


def _slips_04(here: World) -> list[tuple[object, str]]:
    first, second = two_phases(here)
    joint = here.objective(here.solve())
    return [
        (joint - second, "Turned round: J(two-phase) - J(joint), which is never below 0."),
        (first - joint, "This is the gap after phase 1. Phase 2 trains the adapters on top."),
        (first - second, "This is what phase 2 gained. The gap to joint training is asked for."),
        (second, "This is J after two phases. Subtract J of joint training."),
        (joint, "This is J of joint training. Subtract it from J after two phases."),
    ]


in_world(
    "04-w",
    title="The price of two phases in your world",
    trains="schedules as what is frozen when",
    hints=[
        "Phase 1: adapters frozen and deactivated. Phase 2: adapters active and free, shared "
        "frozen.",
        "rt.solve(model, here.data, here.lam, here.lam_shared).objective is J at a phase's end.",
    ],
    bound=price_of_two_phases,
    slips=_slips_04,
    what="The gap",
    reason="Joint training may do all that two phases may, so it is never above them in J.",
    minutes=6,
    difficulty="medium",
)


# ------------------------------------------------------------------ 05: pulls on W_s


def first_pulls(here: World) -> np.ndarray:
    """(n_tasks, 3 n_words): each task's gradient in W_s, where all weights are 0."""
    data = here.data
    x = data.rows(range(len(data))).double()
    off = 1 / 3 - torch.nn.functional.one_hot(data.y, 3).double()
    tasks = range(len(here.sizes))
    pulls = [off[data.task == t].T @ x[data.task == t] / (data.task == t).sum() for t in tasks]
    return torch.stack(pulls).flatten(1).numpy()


def _cosines(pulls: np.ndarray) -> np.ndarray:
    unit = pulls / np.linalg.norm(pulls, axis=1, keepdims=True)
    return unit @ unit.T


def agreement_at_the_start(here: World) -> float:
    """The mean cosine between two tasks' gradients in W_s, where all weights are 0."""
    return float(_cosines(first_pulls(here))[np.triu_indices(4, 1)].mean())


def _slips_05(here: World) -> list[tuple[object, str]]:
    pulls = first_pulls(here)
    cosines = _cosines(pulls)
    pairs = np.triu_indices(4, 1)
    return [
        (cosines.mean(), "A task with itself is no pair: leave out the ones of the diagonal."),
        ((pulls @ pulls.T)[pairs].mean(), "These are products. Divide by both lengths."),
        (-cosines[pairs].mean(), "The opposite sign: two gradients, not one and a step."),
        (cosines[pairs].sum(), "This is the sum over the six pairs; the mean is asked for."),
        (
            np.degrees(np.arccos(cosines[pairs])).mean(),
            "These are degrees. The cosine is asked for.",
        ),
    ]


in_world(
    "05-w",
    title="Do your tasks pull together?",
    trains="conflict between tasks, as an angle",
    hints=[
        "At zero weights every class has probability 1/3, so the residual is 1/3 - one_hot(y).",
        "A task's gradient is residual.T @ x / n_t; take the cosine of each of the six pairs.",
    ],
    bound=agreement_at_the_start,
    slips=_slips_05,
    what="The mean cosine",
    reason="Above 0 the first step for one task helps the others; it says little of later steps.",
    minutes=7,
    difficulty="medium",
)


# ------------------------------------------------------------------ 06: an interval


def lead_of_rag(here: World) -> tuple[float, float, float]:
    """(mean, low, high): RAG right minus full sharing right, over test sentences."""
    from ragteach.teach.exercises.answers_06 import paired_interval

    parts = (here.right(name).astype(float) for name in ("RAG", "full sharing"))
    return tuple(float(number) for number in paired_interval(*parts))


def _slips_06(here: World) -> list[tuple[object, str]]:
    mean, low, high = lead_of_rag(here)
    a, b = (here.right(name).astype(float) for name in ("RAG", "full sharing"))
    half = 1.96 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
    other = here.right("independent").astype(float)
    from ragteach.teach.exercises.answers_06 import paired_interval

    return [
        ((-mean, -high, -low), "Turned round: RAG minus full sharing."),
        (
            (mean, mean - half, mean + half),
            "This interval forgets that both models read the same sentences. Pair them.",
        ),
        (mean, "The mean alone says nothing about luck: give (mean, low, high)."),
        (paired_interval(a, other), "This is RAG against independent; full sharing is asked for."),
    ]


in_world(
    "06-w",
    title="Is RAG ahead in your world?",
    trains="a paired interval over your own test sentences",
    hints=[
        'here.right("RAG") and here.right("full sharing") are True where a test sentence is right.',
        "Turn both into numbers with .astype(float), and hand them to your paired_interval.",
    ],
    bound=lead_of_rag,
    slips=_slips_06,
    what="(mean, low, high)",
    reason="It covers the luck in the test sentences; another training set is another model.",
)


# ------------------------------------------------------------------ 07: choose lambda


def _losses_of_ratios(here: World, part: str) -> np.ndarray:
    path = solve_path(
        here.untrained(), here.data, here.lam_shared * RATIOS, here.lam_shared, tol=1e-6
    )
    return path.losses(getattr(here, part)).mean(0).numpy()


def chosen_ratio(here: World) -> tuple[float, float]:
    """(the best of RATIOS on validation, its mean validation loss)."""
    losses = _losses_of_ratios(here, "validation")
    return float(RATIOS[losses.argmin()]), float(losses.min())


def _slips_07(here: World) -> list[tuple[object, str]]:
    losses = _losses_of_ratios(here, "validation")
    found = []
    for part, message in (
        ("data", "You chose on the training sentences: they always want small penalties."),
        ("held_out", "You chose on the test sentences. They judge the end; choose on validation."),
    ):
        of_part = _losses_of_ratios(here, part)
        found.append(((RATIOS[of_part.argmin()], of_part.min()), message))
    found.append(
        ((RATIOS[losses.argmax()], losses.max()), "This is the worst ratio, not the best.")
    )
    found.append(
        (
            (here.lam_shared * RATIOS[losses.argmin()], losses.min()),
            "The first number is lambda itself. The ratio lam / lam_shared is asked for.",
        )
    )
    return found


in_world(
    "07-w",
    title="What your world believes",
    trains="choosing lambda on sentences that were not learned from",
    hints=[
        "rt.solve_path(here.untrained(), here.data, here.lam_shared * ratios, here.lam_shared)",
        "path.losses(here.validation).mean(0) is one loss for each ratio; take the lowest.",
    ],
    bound=chosen_ratio,
    slips=_slips_07,
    what="(ratio, loss)",
    reason="The ratio is what the data of your world say about how alike its tasks are.",
    minutes=6,
    difficulty="medium",
)


# ------------------------------------------------------------------ 08: rank


def _spectra(here: World) -> np.ndarray:
    return torch.linalg.svdvals(here.solve().adapter_weights().detach()).numpy()


def share_of_rank_one(here: World) -> np.ndarray:
    """(n_tasks,): sigma_1^2 / sum_i sigma_i^2 of every adapter."""
    squares = _spectra(here) ** 2
    return squares[:, 0] / squares.sum(1)


def _slips_08(here: World) -> list[tuple[object, str]]:
    values = _spectra(here)
    squares = values**2
    whole = torch.linalg.svdvals(here.solve().task_weights().detach()).numpy() ** 2
    return [
        (
            values[:, 0] / values.sum(1),
            "Square the singular values: ||A||^2 is the sum of squares.",
        ),
        (squares[:, 1] / squares.sum(1), "This is the second direction's share."),
        (
            squares[:, :2].sum(1) / squares.sum(1),
            "Two directions hold everything; one is asked for.",
        ),
        (whole[:, 0] / whole.sum(1), "These are the W_t. The adapters A_t are asked for."),
        (np.sqrt(squares[:, 0] / squares.sum(1)), "Nearly: shares of ||A||^2, not of ||A||."),
    ]


in_world(
    "08-w",
    title="How much of your adapters one direction holds",
    trains="rank, as a share of what was learned",
    hints=[
        "torch.linalg.svdvals(adapters) gives the singular values of every adapter, largest first.",
        "||A||^2 is the sum of their squares; divide the largest square by that sum.",
    ],
    bound=share_of_rank_one,
    slips=_slips_08,
    what="The four shares",
    reason="The rest is the second direction's: three classes need no third.",
)


# ------------------------------------------------------------------ 09: the small task


def small_tasks_losses(here: World) -> tuple[float, float]:
    """(alpha equal, alpha size): the test loss of the task with fewest sentences."""
    place = list(here.sizes).index(here.small)
    equal, size = (here.losses(here.solve(alpha=alpha))[place] for alpha in ("equal", "size"))
    return float(equal), float(size)


def _slips_09(here: World) -> list[tuple[object, str]]:
    each = [here.losses(here.solve(alpha=alpha)) for alpha in ("equal", "size")]
    largest = list(here.sizes).index(max(here.sizes, key=here.sizes.__getitem__))
    equal, size = small_tasks_losses(here)
    return [
        ((size, equal), "The two are swapped: first alpha equal, then alpha size."),
        (tuple(loss.mean() for loss in each), "This is the mean of all tasks; here.small is one."),
        (
            tuple(loss[largest] for loss in each),
            "This is the largest task. here.small is asked for.",
        ),
        ((equal, equal), "The same twice: is alpha handed to here.solve?"),
        (size - equal, "Give both losses, not their difference."),
    ]


in_world(
    "09-w",
    title="Your smallest task",
    trains="what alpha does to a task with few sentences",
    hints=[
        'here.solve(alpha="equal") and here.solve(alpha="size") are the two optima.',
        "here.losses(model) has the test loss of each task, in the order of here.sizes.",
    ],
    bound=small_tasks_losses,
    slips=_slips_09,
    what="(alpha equal, alpha size)",
    reason="By size each sentence counts the same, so a small task is heard less.",
)


# ------------------------------------------------------------------ 10: McNemar


def mcnemar_of_world(here: World) -> tuple[float, float, float]:
    """(only RAG right, only full sharing right, p)."""
    from ragteach.teach.exercises.answers_10 import mcnemar

    found = mcnemar(here.right("RAG"), here.right("full sharing"))
    return tuple(float(number) for number in found)


def _slips_10(here: World) -> list[tuple[object, str]]:
    from ragteach.teach.exercises.answers_10 import mcnemar

    only_a, only_b, p = mcnemar_of_world(here)
    a = here.right("RAG")
    b = here.right("full sharing")
    return [
        ((only_b, only_a, p), "The first two are swapped: RAG first."),
        (
            (a.sum(), b.sum(), p),
            "These are all that each has right. Count where only one is right.",
        ),
        ((only_a, only_b, p / 2), "This p is one-sided. A difference either way is asked about."),
        (
            mcnemar(a, here.right("independent")),
            "This is RAG against independent; full sharing is asked for.",
        ),
        (p, "Three numbers are asked for: only RAG right, only full sharing right, p."),
    ]


in_world(
    "10-w",
    title="Who wins the disagreements in your world?",
    trains="McNemar's test on sentences of your own",
    hints=[
        'here.right("RAG") and here.right("full sharing") are arrays of True and False.',
        "Your mcnemar takes the two, and returns the three numbers.",
    ],
    bound=mcnemar_of_world,
    slips=_slips_10,
    what="(only RAG, only full sharing, p)",
    reason="Sentences that both have right, or wrong, say nothing about who is better.",
)
