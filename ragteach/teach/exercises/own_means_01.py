"""Exercise 01-7: an experiment that the learner owns, on what lies between the own and the pooled mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ragteach.teach.checks import (
    Wrong,
    as_array,
    call,
    exercise,
    expect,
    expect_close,
    finished,
    ruled,
)


class Experiment:
    """The reference of 01-7."""

    def __init__(self, n, n_tasks, sigma, tau):
        self.n, self.n_tasks = n, n_tasks
        self.sigma, self.tau = sigma, tau

    def draw(self, seed):
        rng = np.random.default_rng(seed)
        mu = self.tau * rng.normal(size=self.n_tasks)  # (n_tasks,)
        noise = self.sigma * rng.normal(size=(self.n_tasks, self.n))
        return mu, mu[:, None] + noise

    def mix(self, values, w):
        own = values.mean(axis=1)  # (n_tasks,)
        return (1 - w) * own + w * own.mean()

    def errors(self, w, seeds):
        found = []
        for seed in seeds:
            mu, values = self.draw(seed)
            found.append(((self.mix(values, w) - mu) ** 2).mean())
        return np.array(found)

    def lead(self, w, other, seeds):
        d = self.errors(other, seeds) - self.errors(w, seeds)  # (n_seeds,)
        half = 1.96 * d.std(ddof=1) / np.sqrt(len(d))
        return d.mean(), d.mean() - half, d.mean() + half

    def best(self, ws, seeds):
        return min(ws, key=lambda w: self.errors(w, seeds).mean())


METHODS = ("draw", "mix", "errors", "lead", "best")
SIZE = {"n": 4, "n_tasks": 3, "sigma": 1.7, "tau": 0.6}
LARGE = {"n": 9, "n_tasks": 4000, "sigma": 2.0, "tau": 0.8}  # its spreads are known to a percent
SEEDS = tuple(range(7, 37))
WS = tuple(i / 50 for i in range(51))  # fine enough that a median or half of the seeds shows
CHOOSING = ((3, 8, 11, 15, 22, 31, 40, 41, 57), tuple(range(60, 71)), tuple(range(80, 90)))
RULES = {
    "mix": "(1 - w) of the task's own mean, w of the mean of all values.",
    "errors": "for each seed one draw, its mix minus mu, squared, and the mean over the tasks.",
    "lead": "d is errors(other) minus errors(w), seed by seed; its mean, and 1.96 times its "
    "standard error to each side.",
    "best": "the mean of errors(w, seeds) over ALL seeds, for each w of the list.",
}


@exercise(
    "01-7",
    title="Your own experiment",
    difficulty="hard",
    minutes=25,
    trains="owning an experiment: a world that is known, a rule, many draws, a paired difference",
    hints=[
        "Run the check after each method: it goes in this order. draw: one generator, made from "
        "the seed, draws first mu and then the noise; values[t] is mu[t] plus noise.",
        "mix: the own means are values.mean(axis=1), one for each task; the pooled mean is the "
        "mean of all. With w = 0 you have the own means, with w = 1 the pooled one.",
        "errors: for each seed draw once, and average (mix - mu) ** 2 over the tasks. mu is the "
        "truth: only an experiment has it.",
        "lead: d = errors(other) - errors(w), one number for each seed. Its mean, and 1.96 times "
        "d.std(ddof=1) / sqrt(number of seeds) to each side.",
    ],
    reference=Experiment,
    reason="A world whose truth you know, one rule for all, the same draws for both: this is what "
    "every comparison of the course is made of.",
    rule="one truth a draw, all mixes on the same draws, differences draw by draw.",
)
def own_experiment(yours):
    """A class with draw, mix, errors, lead and best, checked in this order."""
    expect(isinstance(yours, type), "Hand over the class itself, without brackets.")
    missing = [name for name in METHODS if not callable(getattr(yours, name, None))]
    expect(not missing, f"Your class has no method {', '.join(missing)}.")
    _world(yours)
    mine = yours(**SIZE)
    for name, judged in (("mix", _mixed), ("errors", _wrong), ("lead", _ahead), ("best", _chosen)):
        with ruled(RULES[name]):
            judged(mine)
    return "Your experiment does all that it should."


def _drawn(experiment, seed, what="draw"):
    """(mu, values) as arrays."""
    found = experiment.draw(seed)
    finished(found, f"{what} returns nothing yet.")
    expect(
        isinstance(found, tuple | list) and len(found) == 2, "draw returns two: return mu, values."
    )
    return as_array(found[0]), as_array(found[1])


# ------------------------------------------------------------------ draw


def _world(kind):
    mu, values = _drawn(kind(**SIZE), 3)
    n_tasks = SIZE["n_tasks"]
    n = SIZE["n"]
    expect(
        values.shape != (n, n_tasks),
        "draw: values has one row for each value; it should have one row for each task.",
    )
    expect(
        mu.shape == (n_tasks,) and values.shape == (n_tasks, n),
        f"draw: mu has shape {mu.shape} and values {values.shape}. With {n_tasks} tasks of {n} "
        f"values they are ({n_tasks},) and ({n_tasks}, {n}).",
    )
    _, again = _drawn(kind(**SIZE), 3)
    expect(np.array_equal(values, again), "draw: the same seed gives other numbers.")
    _, other = _drawn(kind(**SIZE), 4)
    expect(not np.array_equal(values, other), "draw: another seed gives the same numbers.")
    mu, values = _drawn(kind(**LARGE), 5)
    _truths(mu)
    _noise(mu, values - mu[:, None], values)
    _another(mu, values - mu[:, None], *_drawn(kind(**LARGE), 6))
    worlds = [tuple(_drawn(kind(**SIZE), seed)[0].tolist()) for seed in SEEDS]
    expect(
        len(set(worlds)) == len(SEEDS),
        "draw: some seeds share their mu. Every seed is a world of its own.",
    )


def _another(mu, noise, other_mu, other_values):
    """Another seed is another world, its means and its noise both."""
    expect(
        abs(_alike(mu, other_mu)) < 0.2,
        "draw: another seed has the same mu, only the noise is new. Draw mu from the seed too: one "
        "world is its means AND its values.",
    )
    expect(
        abs(_alike(noise.ravel(), (other_values - other_mu[:, None]).ravel())) < 0.2,
        "draw: another seed has the same noise, only mu is new. Draw the noise from the seed too.",
    )


def _alike(one, other):
    return np.corrcoef(one, other)[0, 1]


def _near(value, right):
    return abs(value / right - 1) < 0.08


def _truths(mu):
    spread = mu.std()
    expect(spread > 1e-9, "draw: every task has the same mean. Draw a mu for each task.")
    expect(
        abs(mu.mean()) < 0.1,
        f"draw: over many tasks mu has the mean {mu.mean():.2f}. The means lie around 0.",
    )
    _spreads(spread, "mu", "tau", "sigma")


def _noise(mu, noise, values):
    n_tasks = LARGE["n_tasks"]
    expect(
        abs(np.corrcoef(values.mean(1), mu)[0, 1]) > 0.1,
        "draw: the values know nothing of mu. values[t] is mu[t] plus noise.",
    )
    expect(
        noise.std(axis=1).max() > 1e-9,
        "draw: all values of a task are the same. Each value has a noise of its own.",
    )
    expect(
        noise.std(axis=0).max() > 1e-9,
        "draw: all tasks have the same noise. Draw a number for each task and value.",
    )
    expect(
        abs(np.corrcoef(noise.ravel()[:n_tasks], mu)[0, 1]) < 0.5
        and abs(np.corrcoef(noise[:, 0], mu)[0, 1]) < 0.5,
        "draw: mu and the noise are the same random numbers. Use ONE generator for both: made "
        "twice from one seed, it begins again.",
    )
    expect(
        abs(noise.mean()) < 0.1,
        f"draw: over many values the noise has the mean {noise.mean():.2f}. It lies around 0.",
    )
    expect(
        not _near(noise.std(), LARGE["sigma"] / LARGE["n"] ** 0.5),
        "draw: sigma / sqrt(n) is the noise of a mean. Each single value has the noise sigma.",
    )
    _spreads(noise.std(), "the noise", "sigma", "tau")


def _spreads(found, what, name, other):
    """It has the spread that is called so, and none of its likely slips."""
    right = LARGE[name]
    slips = [
        (
            right / 3**0.5,
            f"is {what} uniform between -{name} and {name}? Then it spreads by {name} / sqrt(3). "
            f"{name} is a standard deviation.",
        ),
        (right**2, f"the spread of {what} is {name}, not its square."),
        (right**0.5, f"the spread of {what} is {name}, not its root."),
        (LARGE[other], f"{what} has the spread {other}; {name} is asked."),
        (1.0, f"{what} has the spread 1. Is {name} left out?"),
    ]
    for spread, said in slips:
        expect(not _near(found, spread), f"draw: {said}")
    expect(_near(found, right), f"draw: in many draws {what} spreads by {found:.2f}, not {name}.")


# ------------------------------------------------------------------ mix, errors


def _mixed(mine):
    values = np.array([[1.0, 2.0, 4.5, 3.0], [0.0, -1.0, 2.0, 0.5], [6.0, 7.5, 5.0, 9.0]])
    for w in (0.3, 0.85):
        own = values.mean(1)
        all_of_them = values.mean()
        found = _returned(call(mine.mix, values, w), "mix")
        others = (own.sum() - own) / (len(own) - 1)
        expect_close(
            found,
            (1 - w) * own + w * all_of_them,
            wrong=[
                (
                    w * own + (1 - w) * all_of_them,
                    "mix: turned round. w = 0 is the own mean, w = 1 the pooled one.",
                ),
                (
                    (1 - w) * own + w * others,
                    "mix: the pooled mean holds ALL tasks, the task itself too.",
                ),
                (own + w * all_of_them, "mix: the own mean keeps its whole weight; 1 - w is left."),
                ((1 - w) * own, "mix: the pooled mean is missing."),
                (own, "mix: these are the own means, whatever w is."),
                (all_of_them + 0 * own, "mix: this is the pooled mean, whatever w is."),
                (all_of_them, "mix: one number for all. One for each task is asked for."),
                (
                    (1 - w) * values.mean(0) + w * all_of_them,
                    "mix: you averaged over the tasks (axis 0). A task's own mean is along axis 1.",
                ),
                (
                    (1 - w) * values.sum(1) + w * values.sum(),
                    "mix: sums, where means are asked for.",
                ),
            ],
            what="mix(values, w)",
        )


def _returned(thing, name):
    finished(thing, f"{name} returns nothing yet.")
    return thing


def _off(mine, w, seeds):
    """(n_seeds, n_tasks): how far the right mix is from the truth, on the learner's own draws."""
    drawn = [_drawn(mine, seed) for seed in seeds]
    return np.array([_mix(values, w) - mu for mu, values in drawn])


def _mix(values, w):
    own = values.mean(1)
    return (1 - w) * own + w * own.mean()


def _wrong(mine):
    seeds = (5, 6, 9, 12)
    w = 0.3
    found = _returned(call(mine.errors, w, list(seeds)), "errors")
    off = _off(mine, w, seeds)
    square = off**2
    drawn = [_drawn(mine, seed)[1] for seed in seeds]
    to_own = np.array([((_mix(v, w) - v.mean(1)) ** 2).mean() for v in drawn])
    to_pool = np.array([((_mix(v, w) - v.mean()) ** 2).mean() for v in drawn])
    expect_close(
        found,
        square.mean(1),
        wrong=[
            (square.sum(1), "errors: you added the tasks up. Average over them."),
            (square.mean(), "errors: one number. Keep one for each seed: lead needs them."),
            (square.mean(0), "errors: you averaged over the draws. Average over the tasks."),
            (square, "errors: one number for each draw: the mean over its tasks."),
            (np.abs(off).mean(1), "errors: the distance is not squared."),
            (np.sqrt(square.mean(1)), "errors: that is a root. The squared error is asked for."),
            (off.mean(1), "errors: square first, then average; here plus and minus cancel."),
            (off.mean(1) ** 2, "errors: you averaged before you squared: plus and minus cancel."),
            (
                (_off(mine, 1 - w, seeds) ** 2).mean(1),
                "errors: w is turned round on the way to mix.",
            ),
            ((_off(mine, 0.0, seeds) ** 2).mean(1), "errors: the own means, whatever w is."),
            ((_off(mine, 1.0, seeds) ** 2).mean(1), "errors: the pooled mean, whatever w is."),
            (square[:, 0], "errors: this is the first task only."),
            (to_own, "errors: the distance to the own mean. Compare with the truth, mu."),
            (to_pool, "errors: the distance to the pooled mean. Compare with the truth, mu."),
            (
                np.repeat(square[:1].mean(1), len(seeds)),
                "errors: every seed gives the same error. Is the seed handed to draw?",
            ),
        ],
        what="errors(w, seeds)",
        rtol=1e-4,
    )


# ------------------------------------------------------------------ lead, best


def _around(d, half):
    return np.array([d.mean(), d.mean() - half, d.mean() + half])


def _ahead(mine):
    w = 0.6
    other = 0.0
    a, b = ((_off(mine, v, SEEDS) ** 2).mean(1) for v in (w, other))
    d = b - a
    n = len(SEEDS)
    found = _returned(call(mine.lead, w, other, list(SEEDS)), "lead")
    error = d.std(ddof=1) / n**0.5
    right = _around(d, 1.96 * error)
    t = stats.t.ppf(0.975, n - 1)
    as_student = _around(d, t * error)
    said = as_array(found)
    if said.shape == (3,) and np.allclose(said, as_student, rtol=1e-4):
        return
    unpaired = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / n)
    low, high = np.percentile(d, [2.5, 97.5])
    wrong = [
        (_around(-d, 1.96 * error), "lead: the sign. It is above 0 where w has the SMALLER error."),
        (_around(d, 1.96 * unpaired), "lead: not paired. Subtract draw by draw, then look at d."),
        (_around(d, 1.96 * d.std(ddof=1)), "lead: how single draws scatter. Divide by sqrt(n)."),
        (_around(d, error), "lead: one standard error to each side; 1.96 of them make 95 %."),
        (_around(d, 1.96 * d.std() / n**0.5), "lead: divide by n - 1 in the spread: ddof=1."),
        (_around(d, 1.96 * d.var(ddof=1) / n**0.5), "lead: a variance; its root is asked for."),
        (_around(d, 1.96 * d.std(ddof=1) / n), "lead: divide by the root of n, not by n."),
        (_around(d, 2 * error), "lead: 2 is for the head; take 1.96."),
        (right[[1, 0, 2]], "lead: the order is mean, low, high."),
        (right[[0, 2, 1]], "lead: low comes before high."),
        (right[0], "lead: the mean alone says nothing of luck: (mean, low, high)."),
        (right[1:], "lead: the mean is missing: (mean, low, high)."),
        ([d.mean(), low, high], "lead: where single draws fall. The mean of d is much surer."),
        ([d.mean(), d.min(), d.max()], "lead: smallest and largest draw are no interval."),
    ]
    expect_close(found, right, wrong=wrong, what="lead(w, other, seeds)", rtol=1e-4)


def _chosen(mine):
    """The same question for three sets of seeds: a slip is named if it explains all three answers."""
    said = [_returned(call(mine.best, list(WS), list(seeds)), "best") for seeds in CHOOSING]
    found = np.array([as_array(w).item() if as_array(w).size == 1 else np.nan for w in said])
    tables = [_errors(mine, seeds) for seeds in CHOOSING]
    if all(_lowest(w, errors.mean(1)) for w, errors in zip(found, tables, strict=True)):
        return
    for slip, message in SLIPS.items():
        expect(not np.allclose(found, [slip(errors) for errors in tables]), message)
    expect(
        len({errors.mean(1).argmin() for errors in tables}) == 1 or len(set(found)) > 1,
        "best says the same w for every set of seeds. Let errors(w, seeds) choose, not a formula.",
    )
    raise Wrong(
        f"best says {found.tolist()} for three sets of seeds; over one of them another w of the "
        "list has the smaller mean error.",
        diagnosed=False,
    )


def _errors(mine, seeds: Sequence[int]) -> np.ndarray:
    """(n_ws, n_seeds): the right errors of every mix, on the learner's own draws."""
    drawn = [_drawn(mine, seed) for seed in seeds]
    return np.array([[((_mix(v, w) - mu) ** 2).mean() for mu, v in drawn] for w in WS])


def _lowest(said: float, means: np.ndarray) -> bool:
    """Is it a w of the list whose mean error is the smallest, up to rounding?"""
    near = means <= means.min() * (1 + 1e-6)
    return bool(np.isclose(said, np.array(WS)[near]).any())


def _least(column: np.ndarray) -> float:
    """The w with the smallest of these numbers, one for each w."""
    return WS[int(column.argmin())]


def _surest(errors: np.ndarray) -> np.ndarray:
    """How sure each w's lead on the own mean is, smallest first."""
    lead = errors[:1] - errors
    return -lead.mean(1) / (lead.std(1, ddof=1) + 1e-12)


SLIPS = {  # what best may have done with the errors (n_ws, n_seeds), and what it is told
    lambda e: float(e.mean(1).argmin()): (
        "best returns a place in the list. Return the w that stands there."
    ),
    lambda e: e.mean(1).min(): "best returns the error. Return the w that has it.",
    lambda e: _least(-e.mean(1)): "best returns the w with the LARGEST error.",
    lambda e: _least(e[:, 0]): "best looks at the first draw only. Average over all seeds.",
    lambda e: _least(e[:, -1]): "best looks at the last draw only. Average over all seeds.",
    lambda e: _least(np.median(e, axis=1)): (
        "best compares medians. The MEAN error is asked for: the bad draws count too."
    ),
    lambda e: _least(e[:, ::2].mean(1)): "best leaves out every second seed. Average over all.",
    lambda e: _least(e[:, 1::2].mean(1)): "best leaves out every other seed. Average over all.",
    lambda e: _least(e[:, : e.shape[1] // 2].mean(1)): "best looks at half of the seeds only.",
    lambda e: _least(e[:, e.shape[1] // 2 :].mean(1)): "best looks at the second half only.",
    lambda e: _least(np.sqrt(e).mean(1)): "best averages roots. Average the squared errors.",
    lambda e: _least(e.max(1)): "best compares the worst draws. Compare the means of all draws.",
    lambda e: _least(_surest(e)): "best takes the surest lead. Take the smallest mean error.",
}
