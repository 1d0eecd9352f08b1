"""Answers to try on the exercises of lesson 07."""

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises.answers_07 import augment

EYE = np.eye

WRONG = {
    "07-1": {
        "penalties as variances": lambda g, a, s: s + a * g @ g.T,
        "penalties swapped": lambda g, a, s: 1 / a + g @ g.T / s,
        "no shared part": lambda g, a, s: g @ g.T / a,
        "shared on the diagonal": lambda g, a, s: EYE(len(g)) / s + g @ g.T / a,
        "correlations": lambda g, a, s: (
            (c := 1 / s + g @ g.T / a) / np.outer(np.diag(c) ** 0.5, np.diag(c) ** 0.5)
        ),
        "no graph": lambda g, a, s: 1 / s + EYE(len(g)) / a,
        "adapters with adapters": lambda g, a, s: g.T @ g / a,
        "no signs": lambda g, a, s: 1 / s + abs(g) @ abs(g).T / a,
    },
    "07-2": {
        "turned round": lambda r, s: s * (1 - r) / r,
        "of lam_shared": lambda r, s: s * r,
        "the sum": lambda r, s: s / (1 - r),
        "the ratio": lambda r, s: r / (1 - r),
        "variances": lambda r, s: r / (1 - r) / s,
    },
    "07-3": {
        "swapped": lambda a, lam, s: s / lam * a.sum(0),
        "mean": lambda a, lam, s: lam / s * a.mean(0),
        "sign": lambda a, lam, s: -lam / s * a.sum(0),
        "no penalties": lambda a, lam, s: a.sum(0),
        "not divided": lambda a, lam, s: lam * a.sum(0),
        "no sum": lambda a, lam, s: lam / s * a,
    },
    "07-4": {
        "everywhere": lambda x, t, n, s: np.hstack([x] + [s * x] * n),
        "no s": lambda x, t, n, s: augment(x, t, n, 1.0),
        "one over s": lambda x, t, n, s: augment(x, t, n, 1 / s),
        "s squared": lambda x, t, n, s: augment(x, t, n, s * s),
        "s at shared": lambda x, t, n, s: np.hstack(
            [s * x, augment(x, t, n, 1.0)[:, x.shape[1] :]]
        ),
        "no shared block": lambda x, t, n, s: augment(x, t, n, s)[:, x.shape[1] :],
        "shared last": lambda x, t, n, s: np.hstack([augment(x, t, n, s)[:, x.shape[1] :], x]),
        "woven": lambda x, t, n, s: (
            augment(x, t, n, s).reshape(len(x), n + 1, -1).swapaxes(1, 2).reshape(len(x), -1)
        ),
    },
    "07-5": {
        "no tasks": lambda x, t, e, c: x @ x.T @ e,
        "own task only": lambda x, t, e, c: (x @ x.T * (t[:, None] == t)) @ e,
        "added": lambda x, t, e, c: (x @ x.T + c[np.ix_(t, t)]) @ e,
        "no sentences": lambda x, t, e, c: c[np.ix_(t, t)] @ e,
        "variances only": lambda x, t, e, c: (x @ x.T * np.diag(c)[t][:, None]) @ e,
        "pairs in step": lambda x, t, e, c: (x @ x.T * c[t, t]) @ e,
        "sign": lambda x, t, e, c: -(x @ x.T * c[np.ix_(t, t)]) @ e,
        "inverse": lambda x, t, e, c: (x @ x.T * np.linalg.inv(c)[np.ix_(t, t)]) @ e,
    },
    "07-6": {
        "independent": 0.001,
        "loosely tied": 0.5,
        "nearly there": 2.0,
        "a word": "large",
        "negative": -1,
    },
    "07-7": slips("rwwwrr"),
}

RIGHT = {
    "07-1": {
        "a loop": lambda g, a, s: [
            [1 / s + sum(g[t, k] * g[u, k] for k in range(g.shape[1])) / a for u in range(len(g))]
            for t in range(len(g))
        ],
        "augmented": lambda g, a, s: (
            (m := np.hstack([np.full((len(g), 1), s**-0.5), g / a**0.5])) @ m.T
        ),
        "torch": lambda g, a, s: 1 / s + torch.tensor(g) @ torch.tensor(g).T / a,
    },
    "07-2": {"other form": lambda r, s: s / (1 / r - 1)},
    "07-3": {"einsum": lambda a, lam, s: np.einsum("tcd->cd", a) * lam / s},
    "07-4": {
        "a loop": lambda x, t, n, s: np.stack(
            [
                np.concatenate([r, *(s * r * (u == v) for v in range(n))])
                for r, u in zip(x, t, strict=True)
            ]
        ),
        "kron": lambda x, t, n, s: np.stack(
            [np.kron(np.concatenate([[1], s * np.eye(n)[u]]), r) for r, u in zip(x, t, strict=True)]
        ),
    },
    "07-5": {
        "with weights": lambda x, t, e, c: np.stack(
            [
                sum(c[t[j], t[i]] * np.outer(e[i], x[i]) for i in range(len(x))) @ x[j]
                for j in range(len(x))
            ]
        )
    },
    "07-6": {"the end": 1000, "a tensor": torch.tensor(300.0), "many times": 100.0},
    "07-7": spellings("rwwwrr"),
}
