"""Answers to try on the exercises of lesson 06."""

import numpy as np
import torch
from drafts import slips, spellings
from scipy import stats

from ragteach.study.experiment import interval, summary
from ragteach.teach.exercises.answers_06 import scores


def _half(d, level=0.975, ddof=1, root=True, z=None):
    n = len(d)
    return (z or stats.t.ppf(level, n - 1)) * d.std(ddof=ddof) / (np.sqrt(n) if root else 1)


def _around(a, b, half):
    m = (a - b).mean()
    return m, m - half, m + half


WRONG = {
    "06-4": {
        "chosen on test, seed by seed": lambda loss, acc: acc.max(1).mean(),
        "chosen on test, on average": lambda loss, acc: acc.mean(0).max(),
        "no choice": lambda loss, acc: acc.mean(),
        "largest loss": lambda loss, acc: acc[np.arange(len(acc)), loss.argmax(1)].mean(),
        "one setting for all": lambda loss, acc: acc[:, loss.mean(0).argmin()].mean(),
        "all rows, all choices": lambda loss, acc: acc[:, loss.argmin(1)].mean(),
        "validation loss reported": lambda loss, acc: loss.min(1).mean(),
        "not averaged": lambda loss, acc: acc[np.arange(len(acc)), loss.argmin(1)],
    },
    "06-1": {
        "unpaired": lambda a, b: _around(
            a, b, stats.t.ppf(0.975, len(a) - 1) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
        ),
        "two samples": lambda a, b: _around(
            a,
            b,
            stats.t.ppf(0.975, 2 * len(a) - 2) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)),
        ),
        "spread of seeds": lambda a, b: _around(a, b, _half(a - b, root=False)),
        "normal": lambda a, b: _around(a, b, _half(a - b, z=1.96)),
        "ddof 0": lambda a, b: _around(a, b, _half(a - b, ddof=0)),
        "one side": lambda a, b: _around(a, b, _half(a - b, level=0.95)),
        "one standard error": lambda a, b: _around(a, b, _half(a - b, z=1.0)),
        "sign": lambda a, b: interval(b - a),
        "ends swapped": lambda a, b: [interval(a - b)[i] for i in (0, 2, 1)],
    },
    "06-2": {
        "same": 10,
        "plus": 19,
        "fewer": 1,
        "by rho": 10 / 0.9,
        "squared": 10 / 0.19,
        "twice": 1000,
        "the 2": 50,
    },
    "06-3": {
        "adapters only": lambda d, c, t: (t * d, d),
        "weights": lambda d, c, t: ((t + 1) * d * c, (t + 1) * d * c / t),
        "the same": lambda d, c, t: ((t + 1) * d, (t + 1) * d),
        "turned round": lambda d, c, t: ((t + 1) * d / t, (t + 1) * d),
        "no change": lambda d, c, t: (d, d),
        "rounded": lambda d, c, t: ((t + 1) * d, (t + 1) * d // t),
    },
    "06-5": {
        "a summary": summary(scores({"RAG": 0.65, "full sharing": 0.69})),
        "one strategy": scores({"RAG": 0.65}),
        "two seeds": scores({"RAG": 0.65, "full sharing": 0.69}, n_seeds=2),
        "RAG wins": scores({"RAG": 0.72, "full sharing": 0.65}),
        "nobody wins": scores({"RAG": 0.65, "full sharing": 0.65}, spread=0.05),
    },
    "06-6": slips("rrrwww"),
}

RIGHT = {
    "06-4": {
        "a loop": lambda loss, acc: (
            sum(a[np.argmin(v)] for v, a in zip(loss, acc, strict=True)) / len(acc)
        ),
        "take along": lambda loss, acc: np.take_along_axis(acc, loss.argmin(1)[:, None], 1).mean(),
    },
    "06-1": {
        "scipy": lambda a, b: (
            (a - b).mean(),
            *stats.ttest_rel(a, b).confidence_interval(0.95),
        ),
        "a list": lambda a, b: list(interval(a - b)),
    },
    "06-2": {"a float": 10 / (1 - 0.9), "a tensor": torch.tensor(100)},
    "06-3": {"a list": lambda d, c, t: [d + d * t, d + d / t]},
    "06-5": {
        "another seed": scores(
            {"independent": 0.5, "RAG": 0.60, "full sharing": 0.66}, n_seeds=12, seed=3
        ),
    },
    "06-6": spellings("rrrwww"),
}
