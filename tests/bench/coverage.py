"""Do the intervals keep their promise? How often a 95 % interval over re-splits holds the truth.

    python tests/bench/coverage.py --frames 1000            (some minutes on one core)
    python tests/bench/coverage.py --frames 100 --sentences (compare itself on toy reviews)

Enters: nothing.  Leaves: a line a difference: coverage with Student's t, and with the corrected
resampled t.

The estimand is the mean difference between two strategies over **fresh** training sets from the
generator. Each frame of 4 x 60 rows is a finite data set as somebody may own it. Twenty seeds split
it into 60 % training, 20 % validation and 20 % test, as `compare` does; the interval comes from
these twenty differences, and holds the truth or not. The truth comes from many fresh draws, scored
on many fresh rows.

A thousand frames are 20,000 draws, each with three strategies and four tries. So the rows are few
numbers with two classes instead of sentences, and Newton's method solves all draws of a frame and
all tries at a time. The models are the package's own (a test holds them equal to `solve`): RAG is
one logistic regression on [x, x in the task's own block] (law 6).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from ragteach import make_toy
from ragteach.study.draws import draw, overlap_ratio
from ragteach.study.experiment import compare
from ragteach.study.tables import interval

N_TASKS, N_ROWS, N_FEATURES = 4, 60, 6
RELATEDNESS = 0.5
GRID = np.array([0.03, 0.3])
FINE = np.logspace(-2, 0, 4)
NAMES = ("RAG - independent", "RAG - full sharing")


def rows(rng, n, tasks):
    """``n`` rows of each of these tasks: x (n_tasks, n, n_features), y (n_tasks, n)."""
    x = rng.normal(size=(N_TASKS, n, N_FEATURES))
    z = (x @ tasks[:, :, None])[..., 0]
    return x, (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(float)


def generator(seed=0):
    """Weights of the tasks: a part that all have, and a part of their own."""
    rng = np.random.default_rng(seed)
    both = rng.normal(size=N_FEATURES), rng.normal(size=(N_TASKS, N_FEATURES))
    return 1.2 * (np.sqrt(RELATEDNESS) * both[0] + np.sqrt(1 - RELATEDNESS) * both[1])


def newton(x, y, weight, penalty, steps=30):
    """Logistic regressions side by side: x (b, n, d), y and weight (b, n), penalty (b, d) -> (b, d)."""
    theta = np.zeros(x.shape[::2])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.einsum("bnd,bd->bn", x, theta)))
        slope = np.einsum("bnd,bn->bd", x, weight * (p - y)) + penalty * theta
        if np.abs(slope).max() < 1e-5:
            break
        curved = x.transpose(0, 2, 1) @ (x * (weight * p * (1 - p))[..., None])
        curved += (penalty + 1e-8)[:, :, None] * np.eye(x.shape[2])
        step = np.linalg.solve(curved, slope[..., None])[..., 0]
        theta -= step / np.maximum(1, np.linalg.norm(step, axis=1) / 5)[:, None]
    return theta


def wide(x, shared, own, bias):
    """Features of one regression for all tasks: [x, x in the task's block, 1 in the task's block].

    x (b, n_tasks, n, d) -> (b, n_tasks * n, D), and which columns belong to what.
    """
    b, n_tasks, n, d = x.shape
    parts = []
    if shared:
        parts.append(x)
    for kind, block in (("own", x), ("bias", np.ones((b, n_tasks, n, 1)))):
        if kind == "own" and not own:
            continue
        if kind == "bias" and not bias:
            parts.append(block)
            continue
        spread = np.zeros((b, n_tasks, n, n_tasks, block.shape[-1]))
        for t in range(n_tasks):
            spread[:, t, :, t] = block[:, t]
        parts.append(spread.reshape(b, n_tasks, n, -1))
    return np.concatenate(parts, -1).reshape(b, n_tasks * n, -1)


def penalties(tries, shared, own, bias):
    """(n_tries, D): half of lam, since two classes have one difference of weights between them."""
    lam, lam_shared = np.array(tries).T[:, :, None] / 2
    parts = [np.repeat(lam_shared, N_FEATURES, 1)] * shared
    parts += [np.repeat(lam, N_TASKS * N_FEATURES, 1)] * own
    parts.append(np.zeros((len(tries), N_TASKS if bias else 1)))
    return np.concatenate(parts, 1)


STRATEGIES = {  # shared, own, bias a task, tries (lam, lam_shared)
    "RAG": (True, True, True, [(a, b) for b in GRID for a in GRID]),
    "full sharing": (True, False, False, [(0.0, b) for b in FINE]),
    "independent": (False, True, True, [(a, 0.0) for a in FINE]),
}


def scores(train, val, test):
    """Test accuracy of each strategy, chosen on validation: {name: (b,)}; parts are (x, y) of
    (b, n_tasks, n, ...).
    """
    out = {}
    for name, (shared, own, bias, tries) in STRATEGIES.items():
        x, y = wide(train[0], shared, own, bias), train[1].reshape(len(train[1]), -1)
        k, b = len(tries), len(x)
        weight = np.full((b * k, y.shape[1]), 1 / train[0].shape[2])
        penalty = np.tile(penalties(tries, shared, own, bias), (b, 1))
        theta = newton(np.repeat(x, k, 0), np.repeat(y, k, 0), weight, penalty).reshape(b, k, -1)
        z = np.einsum("bnd,bkd->bkn", wide(val[0], shared, own, bias), theta)
        said = val[1].reshape(b, 1, -1)
        best = (np.logaddexp(0, z) - said * z).mean(-1).argmin(1)
        chosen = theta[np.arange(b), best]
        z = np.einsum("bnd,bd->bn", wide(test[0], shared, own, bias), chosen)
        out[name] = ((z > 0) == test[1].reshape(b, -1)).mean(1)
    return out


def differences(found):
    return found["RAG"] - found["independent"], found["RAG"] - found["full sharing"]


def truth(tasks, n_draws, seed=1):
    """Mean differences over fresh training sets, and their standard errors."""
    rng = np.random.default_rng(seed)
    n_train, n_val = int(0.6 * N_ROWS), int(0.2 * N_ROWS)
    parts = []
    for _ in range(n_draws // 20):
        sets = [[rows(rng, n, tasks) for _ in range(20)] for n in (n_train, n_val, 200)]
        stacked = [tuple(np.stack(part) for part in zip(*each, strict=True)) for each in sets]
        parts.append(differences(scores(*stacked)))
    parts = np.concatenate(parts, 1)
    return parts.mean(1), parts.std(1) / np.sqrt(parts.shape[1])


def splits(n_seeds):
    """Places of the rows, as `draw` deals them out: for each part (n_seeds, n_tasks, n)."""
    frame = pd.DataFrame(
        {
            "text": np.arange(N_TASKS * N_ROWS).astype(str),
            "task": np.repeat(np.arange(N_TASKS), N_ROWS),
            "label": np.tile([0, 1], N_TASKS * N_ROWS // 2),
            "place": np.tile(np.arange(N_ROWS), N_TASKS),
        }
    )
    dealt = [draw("own", frame, None, seed) for seed in range(n_seeds)]
    places = [
        np.stack([part["place"].to_numpy().reshape(N_TASKS, -1) for part in parts])
        for parts in zip(*dealt, strict=True)
    ]
    return places, overlap_ratio(frame, None)


def coverage(n_frames, n_seeds=20, n_fresh=2000, seed=2):
    """{difference: (share held by Student's t, by the corrected t, mean half width)}, and seconds."""
    tasks = generator()
    real, error = truth(tasks, n_fresh)
    places, ratio = splits(n_seeds)
    held = np.zeros((2, 2))
    half = np.zeros(2)
    rng, started, each = np.random.default_rng(seed), time.time(), np.arange(N_TASKS)[:, None]
    for frame in range(n_frames):
        if frame and frame % 100 == 0:
            said = f"{held[:, 1].min() / frame:.3f} to {held[:, 1].max() / frame:.3f} covered"
            print(f"{frame} frames: {said}", flush=True)
        x, y = rows(rng, N_ROWS, tasks)
        found = differences(scores(*((x[each, place], y[each, place]) for place in places)))
        for i, values in enumerate(found):
            for j, r in enumerate((0.0, ratio)):
                _, low, high = interval(values, test_per_train=r)
                held[i, j] += low <= real[i] <= high
            half[i] += (high - low) / 2
    table = pd.DataFrame(held / n_frames, NAMES, ["student", "corrected"])
    table = table.assign(truth=real, its_error=error, half_width=half / n_frames)
    return table, time.time() - started


def sentences(n_frames, n_seeds=20, n_fresh=300):
    """The same with `compare` on toy reviews and few tries: slow, and the whole way."""
    from dataclasses import replace

    from ragteach.study.strategies import REGISTRY, pairs

    four = (1e-3, 1e-2, 1e-1, 1.0)
    tries = {
        "RAG": pairs((1e-3, 1e-1), (1e-2, 1.0)),
        "full sharing": pairs([0.0], four),
        "independent": pairs(four, [0.0]),
    }
    few = [replace(REGISTRY[name], tries=t) for name, t in tries.items()]

    def values(frame, seeds):
        table = compare(frame, seeds, None, few, progress=False)
        ratio = table["test_per_train"].iloc[0]
        table = table[(table["metric"] == "accuracy") & (table["task"] == "mean")]
        return differences(table.pivot_table("value", "seed", "strategy")), ratio

    fresh = []
    for i in range(n_fresh):  # 36 train, 12 choose, 12 + 240 test
        frame = make_toy(RELATEDNESS, N_ROWS + 240, seed=50_000 + i)
        frame = frame.groupby("task", sort=False)
        parts = [frame.nth(range(*cut)) for cut in ((0, 36), (36, 48), (48, N_ROWS + 240))]
        fresh.append(_one(parts, few))
    fresh = np.array(fresh)
    real, error = fresh.mean(0), fresh.std(0) / np.sqrt(n_fresh)
    held = np.zeros((2, 2))
    for i in range(n_frames):
        found, ratio = values(make_toy(RELATEDNESS, N_ROWS, seed=10_000 + i), n_seeds)
        for k, d in enumerate(found):
            for j, r in enumerate((0.0, ratio)):
                _, low, high = interval(d, test_per_train=r)
                held[k, j] += low <= real[k] <= high
    table = pd.DataFrame(held / n_frames, NAMES, ["student", "corrected"])
    return table.assign(truth=real, its_error=error)


def _one(parts, strategies):
    from ragteach.study.scores import Parts, score

    parts = Parts(*(part.reset_index(drop=True) for part in parts), 3)
    found = {}
    for strategy in strategies:
        scores, _ = score(strategy, parts)
        found[strategy.name] = next(v for t, m, v in scores if (t, m) == ("mean", "accuracy"))
    return differences(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--sentences", action="store_true", help="compare itself, on toy reviews")
    options = parser.parse_args()
    if options.sentences:
        print(sentences(options.frames, options.seeds).round(4).to_string())
        return
    table, seconds = coverage(options.frames, options.seeds)
    print(table.round(4).to_string())
    print(
        f"{options.frames} frames of {N_TASKS} x {N_ROWS}, {options.seeds} seeds, {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
