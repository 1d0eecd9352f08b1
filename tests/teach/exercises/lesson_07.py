"""Answers to try on the exercises of lesson 07."""

import numpy as np
import scipy.sparse as sp
import torch
from drafts import slips, spellings

from ragteach.teach.exercises.answers_07 import augment, best_mix

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
        "counted": lambda g, a, s: 1 / s + (g != 0) @ (g != 0).T.astype(float) / a,
        "squared": lambda g, a, s: 1 / s**2 + g @ g.T / a**2,
        "variances only": lambda g, a, s: np.diag(1 / s + (g**2).sum(1) / a),
        "a difference": lambda g, a, s: 1 / s - g @ g.T / a,
        "no signs": lambda g, a, s: 1 / s + abs(g) @ abs(g).T / a,
    },
    "07-2": {
        "turned round": lambda r, s: s * (1 - r) / r,
        "of lam_shared": lambda r, s: s * r,
        "the sum": lambda r, s: s / (1 - r),
        "the ratio": lambda r, s: r / (1 - r),
        "variances": lambda r, s: r / (1 - r) / s,
        "rho for lam": lambda r, s: r / (r + s),
        "not shared": lambda r, s: s * (1 - r),
        "squared": lambda r, s: s * r**2 / (1 - r**2),
        "a root": lambda r, s: s * (r / (1 - r)) ** 0.5,
    },
    "07-3": {
        "swapped": lambda a, lam, s: s / lam * a.sum(0),
        "mean": lambda a, lam, s: lam / s * a.mean(0),
        "sign": lambda a, lam, s: -lam / s * a.sum(0),
        "no penalties": lambda a, lam, s: a.sum(0),
        "not divided": lambda a, lam, s: lam * a.sum(0),
        "no sum": lambda a, lam, s: lam / s * a,
        "over classes": lambda a, lam, s: lam / s * a.sum(1),
        "over features": lambda a, lam, s: lam / s * a.sum(-1),
        "the first": lambda a, lam, s: lam / s * a[0],
        "of merged": lambda a, lam, s: lam * a.sum(0) / (len(a) * lam + s),
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
        "off by one": lambda x, t, n, s: augment(x, (t + 1) % n, n, s),
        "sign": lambda x, t, n, s: augment(x, t, n, -s),
        "root of s": lambda x, t, n, s: augment(x, t, n, s**0.5),
        "a mark": lambda x, t, n, s: np.hstack([x, s * np.eye(n)[t]]),
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
        "correlations": lambda x, t, e, c: (
            (x @ x.T * (c / np.sqrt(np.outer(np.diag(c), np.diag(c))))[np.ix_(t, t)]) @ e
        ),
        "no vote for itself": lambda x, t, e, c: (
            (x @ x.T * c[np.ix_(t, t)] * (1 - np.eye(len(x)))) @ e
        ),
        "a mean": lambda x, t, e, c: (x @ x.T * c[np.ix_(t, t)]) @ e / len(x),
        "inverse": lambda x, t, e, c: (x @ x.T * np.linalg.inv(c)[np.ix_(t, t)]) @ e,
    },
    "07-6": {
        "independent": 0.001,
        "loosely tied": 0.2,
        "too tight": 10.0,
        "full sharing": 1000.0,
        "a word": "large",
        "negative": -1,
        "a truth": True,
    },
    "07-7": slips("rwwwrr"),
    "07-8": {
        "turned round": lambda v, t, n: (t / (v + t), 1.0),
        "roots": lambda v, t, n: (v**0.5 / (v**0.5 + t**0.5), 1.0),
        "lambda": lambda v, t, n: (v / t, 1.0),
        "half": lambda v, t, n: (0.5, 1.0),
        "pooled": lambda v, t, n: (1.0, 1.0),
        "own": lambda v, t, n: (0.0, 1.0),
        "one number": lambda v, t, n: v / (v + t),
        "other order": lambda v, t, n: best_mix(v, t, n)[::-1],
        "the bracket": lambda v, t, n: (v / (v + t), v * t / (v + t)),
        "T - 1 over T forgotten": lambda v, t, n: (v / (v + t), v / n + v * t / (v + t)),
        "no noise of the mean": lambda v, t, n: (v / (v + t), (n - 1) / n * v * t / (v + t)),
        "T in w": lambda v, t, n: (v / n / (v / n + t), 1.0),
        "James and Stein": lambda v, t, n: ((n - 3) / (n - 1) * v / (v + t), 1.0),
        "the noise": lambda v, t, n: (v, 1.0),
        "squared again": lambda v, t, n: (v / (v + t**2), 1.0),
        "both squared again": lambda v, t, n: (v**2 / (v**2 + t**2), 1.0),
        "squared again in the error": lambda v, t, n: (
            v / (v + t),
            v / n + (n - 1) / n * (t**2 * v + v**2 * t**2) / (v + t) ** 2,
        ),
        "the bracket by T": lambda v, t, n: (v / (v + t), v * t / (v + t) / n),
        "a sum": lambda v, t, n: (v / (v + t), v + t),
        "error of own": lambda v, t, n: (v / (v + t), v),
        "error of pooled": lambda v, t, n: (v / (v + t), v / n + (n - 1) / n * t),
    },
}


def searched_mix(v, t, n):
    w = np.linspace(0, 1, 100_001)
    error = v / n + (n - 1) / n * ((1 - w) ** 2 * v + w**2 * t)
    return w[error.argmin()], error.min()


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
    "07-2": {
        "other form": lambda r, s: s / (1 / r - 1),
        "torch": lambda r, s: torch.tensor(s * r / (1 - r), dtype=torch.float64),
        "numpy": lambda r, s: np.divide(s * r, 1 - r),
    },
    "07-3": {
        "einsum": lambda a, lam, s: np.einsum("tcd->cd", a) * lam / s,
        "torch": lambda a, lam, s: lam / s * a.sum(dim=0),
        "numpy": lambda a, lam, s: lam / s * a.sum(axis=0),
        "plain Python": lambda a, lam, s: [
            [sum(t[c][i] for t in a) * lam / s for i in range(len(a[0][0]))]
            for c in range(len(a[0]))
        ],
    },
    "07-4": {
        "sparse": lambda x, t, n, s: sp.hstack(
            [sp.csr_matrix(x), *(sp.diags(s * (t == u)) @ sp.csr_matrix(x) for u in range(n))]
        ),
        "torch": lambda x, t, n, s: torch.cat(
            [torch.as_tensor(x)] + [s * torch.as_tensor(x * (t == u)[:, None]) for u in range(n)],
            dim=1,
        ),
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
        ),
        "torch": lambda x, t, e, c: (
            torch.as_tensor(x @ x.T) * torch.as_tensor(c)[t][:, t] @ torch.as_tensor(e)
        ),
    },
    "07-6": {
        "two": 2,
        "a tensor": torch.tensor(1.5),
        "in text": "1.0",
        "an array": np.array([1.0]),
    },
    "07-8": {
        "plain": lambda v, t, n: [v / (v + t), v / n + (1 - 1 / n) / (1 / v + 1 / t)],
        "torch": lambda v, t, n: torch.tensor([v / (v + t), v / n + (1 - 1 / n) / (1 / v + 1 / t)]),
        "by search": searched_mix,
    },
    "07-7": spellings("rwwwrr"),
}

WRONG["07-1"] |= {
    "roots": lambda g, a, s: s**-0.5 + g @ g.T / a**0.5,
    "by the adapters": lambda g, a, s: 1 / s + g @ g.T / a / g.shape[1],
    "multiplied": lambda g, a, s: g @ g.T / (a * s),
    "one penalty": lambda g, a, s: (1 + g @ g.T) / (a + s),
    "rows summed": lambda g, a, s: 1 / s + np.outer(g.sum(1), g.sum(1)) / a,
}
WRONG["07-4"] |= {
    "1 - s": lambda x, t, n, s: augment(x, t, n, 1 - s),
    "s everywhere": lambda x, t, n, s: s * augment(x, t, n, 1.0),
    "one block for all": lambda x, t, n, s: np.hstack([x, s * x]),
    "a column": lambda x, t, n, s: np.hstack([x, t[:, None]]),
}
WRONG["07-5"] |= {
    "others only": lambda x, t, e, c: (x @ x.T * c[np.ix_(t, t)] * (t[:, None] != t)) @ e,
    "a product of tables": lambda x, t, e, c: x @ x.T @ c[np.ix_(t, t)] @ e,
}
WRONG["07-8"] |= {
    "places changed": lambda v, t, n: (
        v / (v + t),
        v / n + (n - 1) / n * (v**3 + t**3) / (v + t) ** 2,
    ),
    "no squares": lambda v, t, n: (v / (v + t), v / n + (n - 1) / n * 2 * v * t / (v + t)),
    "T over T - 1": lambda v, t, n: (v / (v + t), v / n + n / (n - 1) * v * t / (v + t)),
    "the mean's noise": lambda v, t, n: (v / (v + t), v / n),
}
