"""Answers to try on the exercises of lesson 05."""

import math

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises.answers_05 import KEPT


def flipped(key):
    return KEPT | {key: "broken" if KEPT[key] == "kept" else "kept"}


def explicit_unit_vectors(n_tasks, cosine):
    gram = np.full((n_tasks, n_tasks), cosine) + (1 - cosine) * np.eye(n_tasks)
    return np.ones(n_tasks) @ gram @ np.ones(n_tasks)


def smallest_v(graph):
    return np.linalg.pinv(graph) @ np.ones(len(graph))


def another_v(graph):
    """Any solution will do: add something that G does not see."""
    _, size, vt = np.linalg.svd(graph)
    v = smallest_v(graph)
    unseen = vt[(size > 1e-9).sum() :]
    return v + unseen.sum(0)


WRONG = {
    "05-1": {
        "squared": lambda t, c: t + t * (t - 1) * c,
        "lengths add": lambda t, c: t,
        "orthogonal": lambda t, c: math.sqrt(t),
        "pairs once": lambda t, c: math.sqrt(t + t * (t - 1) / 2 * c),
    },
    "05-2": {
        "added": lambda s, a: s + a.sum(1),
        "mean": lambda s, a: s - a.mean(1),
        "first": lambda s, a: s - a[:, 0],
        "turned": lambda s, a: a.sum(1) - s,
        "minus the start": lambda s, a: (s - a.sum(1)) - (s - a.sum(1))[:1],
    },
    "05-3": {
        "ones": lambda g: np.ones(g.shape[1]),
        "mean": lambda g: np.full(g.shape[1], 1 / g.shape[1]),
        "columns": lambda g: g.sum(0),
        "per task": lambda g: np.ones(g.shape[0]),
        "zeros": lambda g: np.zeros(g.shape[1]),
    },
    "05-4": {key: flipped(key) for key in KEPT} | {"a list": list(KEPT)},
    "05-5": {
        "continuous": lambda lr, lam: math.log(2) / (lr * lam),
        "no lr": lambda lr, lam: math.log(0.5) / math.log(1 - lam),
        "time constant": lambda lr, lam: 1 / (lr * lam),
        "linear": lambda lr, lam: 0.5 / (lr * lam),
        "negative": lambda lr, lam: math.log(2) / math.log(1 - lr * lam),
    },
    "05-6": {
        "degrees": {0.0: 97.0, 0.5: 92.0, 1.0: 82.0},
        "same data": {0.0: -0.04, 0.5: -0.04, 1.0: -0.04},
        "swapped": {0.0: 0.14, 0.5: -0.04, 1.0: -0.13},
        "absolute values": {0.0: 0.13, 0.5: 0.04, 1.0: 0.14},
        "middle": {0.0: -0.13, 0.5: 0.2, 1.0: 0.14},
        "not positive": {0.0: -0.14, 0.5: -0.1, 1.0: -0.05},
        "two": {0.0: -0.13, 1.0: 0.14},
    },
    "05-7": {
        "the adapter's": lambda lam, lam_s: lam_s / (lam + lam_s),
        "W_s / A": lambda lam, lam_s: lam / lam_s,
        "A / W_s": lambda lam, lam_s: lam_s / lam,
        "half": lambda lam, lam_s: 0.5,
        "all": lambda lam, lam_s: 1.0,
        "nothing": lambda lam, lam_s: 0.0,
    },
    "05-8": slips("wwwrrr"),
}

RIGHT = {
    "05-1": {
        "numpy": lambda t, c: np.sqrt(t * (1 + (t - 1) * c)),
        "a Gram matrix": lambda t, c: np.sqrt(np.maximum(explicit_unit_vectors(t, c), 0)),
    },
    "05-2": {
        "a loop": lambda s, a: np.stack([w - sum(k) for w, k in zip(s, a, strict=True)]),
        "torch": lambda s, a: torch.tensor(s) - torch.tensor(a).sum(dim=1),
    },
    "05-3": {
        "pinv": smallest_v,
        "another solution": another_v,
        "a list": lambda g: list(smallest_v(g)),
    },
    "05-4": {"capitals": {k: v.upper() for k, v in KEPT.items()}},
    "05-5": {
        "log2": lambda lr, lam: -1 / np.log2(1 - lr * lam),
        "log1p": lambda lr, lam: -math.log(2) / math.log1p(-lr * lam),
    },
    "05-6": {
        "step 0": {0.0: -0.069, 0.5: 0.001, 1.0: 0.158},
        "numpy": {0: np.float64(-0.15), 0.5: 0.0, 1: 0.14},
    },
    "05-7": {"other form": lambda lam, lam_s: 1 / (1 + lam_s / lam)},
    "05-8": spellings("wwwrrr"),
}
