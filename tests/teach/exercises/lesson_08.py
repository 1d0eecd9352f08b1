"""Answers to try on the exercises of lesson 08."""

import numpy as np
from drafts import slips, spellings


def _distance(w):
    mean = w.mean(0)
    return np.sqrt(((w - mean) ** 2).sum((1, 2))), np.sqrt((mean**2).sum())


def _centred(w, axis=1):
    return w - w.mean(axis, keepdims=True)


def _ratio(w):
    distance, size = _distance(w)
    return distance.mean() / size


def _root_mean_square(w):
    distance, size = _distance(_centred(w))
    return np.sqrt((distance**2).mean()) / size


PICK = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])


def _svd(a, shift):
    u, s, vt = np.linalg.svd(a - shift, full_matrices=False)
    return u[:, :2] * s[:2], vt[:2]


GOOD = {"same scale": 0.87, "same variance": 1.01, "conclusion": "c"}

WRONG = {
    "08-1": {
        "shift left in": _ratio,
        "centred over features": lambda w: _ratio(_centred(w, 2)),
        "not relative": lambda w: _distance(_centred(w))[0].mean(),
        "one per replica": lambda w: _distance(_centred(w))[0] / _distance(_centred(w))[1],
        "root mean square": _root_mean_square,
    },
    "08-2": {
        "no learning rate": lambda lr, lam, gap, tol: np.log(tol / gap) / np.log(1 - lam),
        "negative": lambda lr, lam, gap, tol: np.log(gap / tol) / np.log(1 - lr * lam),
        "gap forgotten": lambda lr, lam, gap, tol: np.log(tol) / np.log(1 - lr * lam),
        "linear": lambda lr, lam, gap, tol: (gap - tol) / (lr * lam * gap),
        "continuous time": lambda lr, lam, gap, tol: np.log(gap / tol) / (lr * lam),
    },
    "08-3": {
        "no root": lambda s: 3 * s,
        "turned round": lambda s: s / np.sqrt(3),
        "twelve": lambda s: np.sqrt(12) * s,
        "same scale": lambda s: s,
    },
    "08-4": {
        "upside down": {**GOOD, "same scale": 1.15, "same variance": 0.99},
        "swapped": {**GOOD, "same scale": 1.0, "same variance": 0.87},
        "same run twice": {**GOOD, "same variance": 0.87},
        "uniform wins": {**GOOD, "conclusion": "a"},
        "normal wins": {**GOOD, "conclusion": "b"},
    },
    "08-5": {
        "order": lambda up, down, g: (up.T @ g, g @ down.T),
        "sign": lambda up, down, g: (-g @ down.T, -up.T @ g),
        "inverse": lambda up, down, g: (g @ np.linalg.pinv(down), np.linalg.pinv(up) @ g),
        "not through the factor": lambda up, down, g: (g, g),
        "A for g": lambda up, down, g: (up @ down @ down.T, up.T @ up @ down),
    },
    "08-6": {
        "svd of a": lambda a: _svd(a, 0),
        "row dropped": lambda a: (PICK, a[:2]),
        "sign": lambda a: (PICK, a[2] - a[:2]),
        "wrong shapes": lambda a: (np.eye(3), a),
    },
    "08-7": {
        "one adapter only": lambda K, k: (k, (k / K) ** 2),
        "one task only": lambda K, k: (k, k / K),
        "diagonal forgotten": lambda K, k: (k * k / K, k * k / K),
        "without replacement": lambda K, k: (k, k * (k - 1) / (K - 1)),
        "swapped": lambda K, k: (k * k / K, k),
    },
    "08-8": slips("rwwrwr"),
}

RIGHT = {
    "08-1": {
        "norm": lambda w: (
            np.mean([np.linalg.norm(x - _centred(w).mean(0)) for x in _centred(w)])
            / np.linalg.norm(_centred(w).mean(0))
        ),
    },
    "08-2": {
        "whole steps": lambda lr, lam, gap, tol: int(
            np.ceil(np.log(tol / gap) / np.log(1 - lr * lam))
        ),
        "other base": lambda lr, lam, gap, tol: (
            (np.log10(tol) - np.log10(gap)) / np.log10(1 - lr * lam)
        ),
    },
    "08-3": {"power": lambda s: s * 3**0.5},
    "08-4": {"other numbers": {"same scale": 0.8, "same variance": 0.96, "conclusion": "C"}},
    "08-5": {
        "einsum": lambda up, down, g: (
            np.einsum("cd,rd->cr", g, down),
            np.einsum("cr,cd->rd", up, g),
        ),
        "a list": lambda up, down, g: [g @ down.T, (g.T @ up).T],
    },
    "08-6": {
        "centred svd": lambda a: _svd(a, a.mean(0)),
        "first row": lambda a: (np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), a[1:] - a[0]),
    },
    "08-7": {"numpy": lambda K, k: np.array([k, K * (k / K) ** 2])},
    "08-8": spellings("rwwrwr"),
}
