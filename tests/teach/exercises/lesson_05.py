"""Answers to try on the exercises of lesson 05."""

import math
from functools import partial

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


def recorded(copy=True, when="after", optimizer=torch.optim.SGD, clear=True, step=True, last=False):
    """A film, with one thing changed."""

    def film(model, loss, steps, lr):
        shared, adapters = [], []
        moves = optimizer(model.parameters(), lr=lr)

        def keep():
            shared.append(model.shared.detach().clone() if copy else model.shared.detach())
            adapters.append(model.adapter_weights().detach().clone())

        if when == "start too":
            keep()
        for _ in range(steps):
            if clear:
                moves.zero_grad()
            if when == "before":
                keep()
            loss(model).backward()
            if step:
                moves.step()
            if when != "before":
                keep()
        if last:
            return shared[-1], adapters[-1]
        return torch.stack(shared), torch.stack(adapters)

    return film


def by_hand(model, loss, steps, lr):
    shared, adapters = [], []
    for _ in range(steps):
        gradients = torch.autograd.grad(loss(model), list(model.parameters()))
        with torch.no_grad():
            for p, g in zip(model.parameters(), gradients, strict=True):
                p -= lr * g
        shared.append(model.shared.detach().numpy().copy())
        adapters.append(model.adapter_weights().detach().numpy().copy())
    return np.array(shared), np.array(adapters)


WRONG = {
    "05-9": {
        "no copies": recorded(copy=False),
        "before the step": recorded(when="before"),
        "the start too": recorded(when="start too"),
        "no zero_grad": recorded(clear=False),
        "no step": recorded(step=False),
        "Adam": recorded(optimizer=torch.optim.Adam),
        "momentum": recorded(optimizer=partial(torch.optim.SGD, momentum=0.9)),
        "the last": recorded(last=True),
        "W_s only": lambda *given: recorded()(*given)[0],
    },
    "05-1": {
        "squared": lambda t, c: t + t * (t - 1) * c,
        "lengths add": lambda t, c: t,
        "orthogonal": lambda t, c: math.sqrt(t),
        "pairs once": lambda t, c: math.sqrt(t + t * (t - 1) / 2 * c),
        "all pairs": lambda t, c: math.sqrt(max(t + t * t * c, 0)),
        "one other": lambda t, c: math.sqrt(t * (1 + c)),
    },
    "05-2": {
        "added": lambda s, a: s + a.sum(1),
        "mean": lambda s, a: s - a.mean(1),
        "first": lambda s, a: s - a[:, 0],
        "turned": lambda s, a: a.sum(1) - s,
        "minus the start": lambda s, a: (s - a.sum(1)) - (s - a.sum(1))[:1],
        "W_s alone": lambda s, a: s,
        "how far W_s moved": lambda s, a: s - s[0],
        "adapters alone": lambda s, a: a.sum(1),
        "the last step": lambda s, a: (s - a.sum(1))[-1],
        "one by one": lambda s, a: s[:, None] - a,
    },
    "05-3": {
        "ones": lambda g: np.ones(g.shape[1]),
        "mean": lambda g: np.full(g.shape[1], 1 / g.shape[1]),
        "columns": lambda g: g.sum(0),
        "per task": lambda g: np.ones(g.shape[0]),
        "zeros": lambda g: np.zeros(g.shape[1]),
        "sign": lambda g: -smallest_v(g),
    },
    "05-4": {key: flipped(key) for key in KEPT} | {"a list": list(KEPT)},
    "05-5": {
        "continuous": lambda lr, lam: math.log(2) / (lr * lam),
        "no lr": lambda lr, lam: math.log(0.5) / math.log(1 - lam),
        "time constant": lambda lr, lam: 1 / (lr * lam),
        "linear": lambda lr, lam: 0.5 / (lr * lam),
        "negative": lambda lr, lam: math.log(2) / math.log(1 - lr * lam),
        "upside down": lambda lr, lam: math.log(1 - lr * lam) / math.log(0.5),
        "rounded up": lambda lr, lam: math.ceil(math.log(0.5) / math.log(1 - lr * lam)),
        "rounded down": lambda lr, lam: int(math.log(0.5) / math.log(1 - lr * lam)),
        "1/e": lambda lr, lam: -1 / math.log(1 - lr * lam),
        "twice": lambda lr, lam: math.log(0.5) / math.log(1 - 2 * lr * lam),
        "without the log": lambda lr, lam: -math.log(2) / (1 - lr * lam),
        "half of the limit": lambda lr, lam: math.log(2) / (2 * lr * lam),
        "a tenth": lambda lr, lam: math.log(10) / -math.log(1 - lr * lam),
    },
    "05-6": {
        "degrees": {0.0: 99.0, 0.5: 90.0, 1.0: 73.0},
        "same data": {0.0: -0.0035, 0.5: -0.0035, 1.0: -0.0035},
        "swapped": {0.0: 0.295, 0.5: -0.0035, 1.0: -0.166},
        "absolute values": {0.0: 0.166, 0.5: 0.0835, 1.0: 0.2952},
        "no penalties": {0.0: -0.1917, 0.5: -0.0464, 1.0: 0.2843},
        "first step": {0.0: -0.0895, 0.5: 0.066, 1.0: 0.2715},
        "last step": {0.0: -0.1751, 0.5: -0.0114, 1.0: 0.2984},
        "five draws": {0.0: -0.150, 0.5: 0.015, 1.0: 0.287},
        "with the diagonal": {0.0: 0.1255, 0.5: 0.2474, 1.0: 0.4713},
        "relatedness itself": {0.0: 0.0, 0.5: 0.5, 1.0: 1.0},
        "share below 0": {0.0: 0.99, 0.5: 0.492, 1.0: 0.0},
        "sign": {0.0: 0.166, 0.5: 0.0035, 1.0: -0.295},
        "not averaged": {r: np.zeros(6) for r in (0.0, 0.5, 1.0)},
        "two": {0.0: -0.166, 1.0: 0.295},
    },
    "05-7": {
        "the adapter's": lambda lam, lam_s: lam_s / (lam + lam_s),
        "W_s / A": lambda lam, lam_s: lam / lam_s,
        "A / W_s": lambda lam, lam_s: lam_s / lam,
        "half": lambda lam, lam_s: 0.5,
        "all": lambda lam, lam_s: 1.0,
        "nothing": lambda lam, lam_s: 0.0,
        "one case": lambda lam, lam_s: 0.75,
        "four adapters": lambda lam, lam_s: lam / (lam + 4 * lam_s),
        "upside down": lambda lam, lam_s: (lam + lam_s) / lam,
        "squares": lambda lam, lam_s: lam**2 / (lam**2 + lam_s**2),
        "a difference": lambda lam, lam_s: lam - lam_s,
    },
    "05-8": slips("wwwrrr"),
}

RIGHT = {
    "05-9": {
        "by hand, in numpy": by_hand,
        "lists": lambda *given: [list(part) for part in recorded()(*given)],
    },
    "05-1": {
        "numpy": lambda t, c: np.sqrt(t * (1 + (t - 1) * c)),
        "torch": lambda t, c: torch.tensor(t * (1 + (t - 1) * c)).sqrt(),
        "plain Python": lambda t, c: (t + t * (t - 1) * c) ** 0.5,
        "a Gram matrix": lambda t, c: np.sqrt(np.maximum(explicit_unit_vectors(t, c), 0)),
    },
    "05-2": {
        "a loop": lambda s, a: np.stack([w - sum(k) for w, k in zip(s, a, strict=True)]),
        "torch": lambda s, a: s - a.sum(dim=1),
        "numpy": lambda s, a: s - a.sum(axis=1),
        "numpy's own": lambda s, a: np.asarray(s) - np.sum(np.asarray(a), axis=1),
        "einsum": lambda s, a: s - torch.einsum("stcd->scd", torch.as_tensor(a)),
    },
    "05-3": {
        "pinv": smallest_v,
        "another solution": another_v,
        "a list": lambda g: list(smallest_v(g)),
        "torch": lambda g: torch.linalg.lstsq(
            torch.as_tensor(g), torch.ones(len(g), 1, dtype=torch.float64), driver="gelsd"
        ).solution[:, 0],
    },
    "05-4": {"capitals": {k: v.upper() for k, v in KEPT.items()}},
    "05-5": {
        "log2": lambda lr, lam: -1 / np.log2(1 - lr * lam),
        "log1p": lambda lr, lam: -math.log(2) / math.log1p(-lr * lam),
        "torch": lambda lr, lam: math.log(0.5) / torch.log(torch.tensor(1 - lr * lam)),
    },
    "05-6": {
        "numpy": {0: np.float64(-0.1658), 0.5: np.float64(-0.0035), 1: 0.2952},
        "torch": {r: torch.tensor(v) for r, v in ((0.0, -0.166), (0.5, -0.003), (1.0, 0.295))},
        "rounded": {0.0: -0.17, 0.5: 0.0, 1.0: 0.3},
    },
    "05-7": {"other form": lambda lam, lam_s: 1 / (1 + lam_s / lam)},
    "05-8": spellings("wwwrrr"),
}
