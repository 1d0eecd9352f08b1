"""Answers to try on the exercises of lesson 08."""

import numpy as np
import torch
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


def _without_s(a):
    u, _, vt = np.linalg.svd(a, full_matrices=False)
    return u[:, :2], vt[:2]


def _svd(a, shift):
    u, s, vt = np.linalg.svd(a - shift, full_matrices=False)
    return u[:, :2] * s[:2], vt[:2]


SCALE = [0.72, 0.75, 0.71, 0.74, 0.73, 0.7]
ONE = [1.0, 1.02, 0.99, 1.01, 0.98, 1.0]
GOOD = {"same scale": SCALE, "same variance": ONE, "conclusion": "c"}


def plain_spread(w):
    """The definition, in lists."""
    models = []
    for one in w.tolist():
        shift = [sum(column) / len(one) for column in zip(*one, strict=True)]
        models.append([x - m for row in one for x, m in zip(row, shift, strict=True)])
    mean = [sum(column) / len(models) for column in zip(*models, strict=True)]
    away = [sum((x - m) ** 2 for x, m in zip(one, mean, strict=True)) ** 0.5 for one in models]
    return sum(away) / len(away) / sum(m * m for m in mean) ** 0.5


def torch_spread(w):
    w = torch.as_tensor(w)
    w = w - w.mean(1, keepdim=True)
    return (w - w.mean(0)).flatten(1).norm(dim=1).mean() / w.mean(0).norm()


def by_counting(lr, lam, gap, tol):
    n = 0
    while gap > tol:
        gap, n = gap * (1 - lr * lam), n + 1
    return n


WRONG = {
    "08-1": {
        "shift left in": _ratio,
        "centred over features": lambda w: _ratio(_centred(w, 2)),
        "centred over replicas": lambda w: _ratio(_centred(w, 0)),
        "not relative": lambda w: _distance(_centred(w))[0].mean(),
        "one per replica": lambda w: _distance(_centred(w))[0] / _distance(_centred(w))[1],
        "root mean square": _root_mean_square,
        "summed": lambda w: _ratio(_centred(w)) * len(w),
        "mean of norms": lambda w: (
            _distance(_centred(w))[0].mean() / np.linalg.norm(_centred(w), axis=(1, 2)).mean()
        ),
        "single weights": lambda w: _centred(w).std(0).mean(),
        "absolute values": lambda w: (
            np.abs(_centred(w) - _centred(w).mean(0)).sum((1, 2)).mean()
            / np.abs(_centred(w).mean(0)).sum()
        ),
        "pairs": lambda w: (
            np.mean(
                [np.linalg.norm(a - b) for i, a in enumerate(_centred(w)) for b in _centred(w)[:i]]
            )
            / _distance(_centred(w))[1]
        ),
    },
    "08-2": {
        "no learning rate": lambda lr, lam, gap, tol: np.log(tol / gap) / np.log(1 - lam),
        "negative": lambda lr, lam, gap, tol: np.log(gap / tol) / np.log(1 - lr * lam),
        "gap forgotten": lambda lr, lam, gap, tol: np.log(tol) / np.log(1 - lr * lam),
        "linear": lambda lr, lam, gap, tol: (gap - tol) / (lr * lam * gap),
        "rounded down": lambda lr, lam, gap, tol: by_counting(lr, lam, gap, tol) - 1,
        "one more": lambda lr, lam, gap, tol: by_counting(lr, lam, gap, tol) + 1,
        "two logarithms": lambda lr, lam, gap, tol: np.log10(tol / gap) / np.log(1 - lr * lam),
        "continuous time": lambda lr, lam, gap, tol: np.log(gap / tol) / (lr * lam),
    },
    "08-3": {
        "no root": lambda s: 3 * s,
        "turned round": lambda s: s / np.sqrt(3),
        "twelve": lambda s: np.sqrt(12) * s,
        "same scale": lambda s: s,
        "u squared": lambda s: 3 * s * s,
        "scale for its square": lambda s: np.sqrt(3 * s),
    },
    "08-4": {
        "upside down": {**GOOD, "same scale": [1 / x for x in SCALE]},
        "swapped": {**GOOD, "same scale": ONE, "same variance": SCALE},
        "same run twice": {**GOOD, "same variance": SCALE},
        "one batch": {**GOOD, "same scale": 0.73},
        "one seed for all batches": {**GOOD, "same variance": [1.01] * 6},
        "scale 3": {**GOOD, "same variance": [1.75 * x for x in ONE]},
        "squares": {**GOOD, "same scale": [0.33, 0.3, 0.34, 0.33, 0.32]},
        "with a penalty": {**GOOD, "same scale": [0.98, 0.97, 0.99, 0.98, 0.97, 0.98]},
        "too noisy": {**GOOD, "same variance": [0.7, 1.3, 0.8, 1.2, 0.9, 1.1]},
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
        "no singular values": lambda a: _without_s(a - a.mean(0)),
        "no singular values, no shift": _without_s,
        "sign": lambda a: (PICK, a[2] - a[:2]),
        "wrong shapes": lambda a: (np.eye(3), a),
    },
    "08-7": {
        "one adapter only": lambda K, k: (k, (k / K) ** 2),
        "all in common": lambda K, k: (k, k),
        "one task only": lambda K, k: (k, k / K),
        "diagonal forgotten": lambda K, k: (k * k / K, k * k / K),
        "without replacement": lambda K, k: (k, k * (k - 1) / (K - 1)),
        "swapped": lambda K, k: (k * k / K, k),
        "not over K": lambda K, k: (k, k * k),
        "all K": lambda K, k: (K, k * k / K),
        "probabilities": lambda K, k: (k / K, (k / K) ** 2),
    },
    "08-8": slips("rwwrwr"),
}

RIGHT = {
    "08-1": {
        "torch": torch_spread,
        "plain Python": plain_spread,
        "norm": lambda w: (
            np.mean([np.linalg.norm(x - _centred(w).mean(0)) for x in _centred(w)])
            / np.linalg.norm(_centred(w).mean(0))
        ),
    },
    "08-2": {
        "counting": by_counting,
        "torch": lambda lr, lam, gap, tol: (
            torch.tensor(tol / gap).log() / torch.tensor(1 - lr * lam).log()
        ),
        "whole steps": lambda lr, lam, gap, tol: int(
            np.ceil(np.log(tol / gap) / np.log(1 - lr * lam))
        ),
        "whole steps, a tensor": lambda lr, lam, gap, tol: torch.ceil(
            torch.tensor(np.log(tol / gap) / np.log(1 - lr * lam))
        ),
        "whole steps, an array": lambda lr, lam, gap, tol: np.array(
            [by_counting(lr, lam, gap, tol)]
        ),
        "other base": lambda lr, lam, gap, tol: (
            (np.log10(tol) - np.log10(gap)) / np.log10(1 - lr * lam)
        ),
    },
    "08-3": {"power": lambda s: s * 3**0.5, "torch": lambda s: torch.tensor(3.0).sqrt() * s},
    "08-4": {
        "arrays": {**GOOD, "same scale": np.array(SCALE), "conclusion": "C"},
        "tensors": {**GOOD, "same variance": torch.tensor(ONE)},
        "five batches": {**GOOD, "same scale": SCALE[:5], "same variance": ONE[:5]},
    },
    "08-5": {
        "einsum": lambda up, down, g: (
            np.einsum("cd,rd->cr", g, down),
            np.einsum("cr,cd->rd", up, g),
        ),
        "a list": lambda up, down, g: [g @ down.T, (g.T @ up).T],
        "torch": lambda up, down, g: tuple(
            torch.as_tensor(part) for part in (g @ down.T, up.T @ g)
        ),
    },
    "08-6": {
        "centred svd": lambda a: _svd(a, a.mean(0)),
        "first row": lambda a: (np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), a[1:] - a[0]),
    },
    "08-7": {
        "numpy": lambda K, k: np.array([k, K * (k / K) ** 2]),
        "a list": lambda K, k: [k, sum((k / K) ** 2 for _ in range(K))],
        "torch": lambda K, k: torch.tensor([k, k * k / K]),
    },
    "08-8": spellings("rwwrwr"),
}

WRONG["08-1"] |= {
    "the farthest": lambda w: _distance(_centred(w))[0].max() / _distance(_centred(w))[1],
    "the median": lambda w: np.median(_distance(_centred(w))[0]) / _distance(_centred(w))[1],
    "one root": lambda w: np.linalg.norm(_distance(_centred(w))[0]) / _distance(_centred(w))[1],
}
WRONG["08-2"] |= {
    "a difference": lambda lr, lam, gap, tol: np.log(gap - tol) / -np.log(1 - lr * lam),
    "base 2": lambda lr, lam, gap, tol: np.log2(gap / tol) / (lr * lam),
    "lr twice": lambda lr, lam, gap, tol: np.log(tol / gap) / np.log(1 - lr * lr * lam),
    "no logarithm": lambda lr, lam, gap, tol: gap / tol * np.exp(-lr * lam),
}
WRONG["08-3"] |= {
    "root of two": lambda s: 2**0.5 * s,
    "root of six": lambda s: 6**0.5 * s,
    "by root of twelve": lambda s: s / 12**0.5,
    "one and a half": lambda s: 1.5 * s,
}
WRONG["08-5"] |= {
    "A": lambda up, down, g: (up @ down, up @ down),
    "itself added": lambda up, down, g: (g @ down.T + up, up.T @ g + down),
    "one sum": lambda up, down, g: (up * g.sum(), down * g.sum()),
}
