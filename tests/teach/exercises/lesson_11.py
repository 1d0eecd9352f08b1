"""Answers to try on the exercises of lesson 11."""

import math

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises import answers_11 as answers


def _weights(q, k, here, scale):
    scores = np.where(here[None, :], q @ k.T * scale, -np.inf)
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _unmasked(q, k, v, here):
    return _weights(q, k, np.ones(len(q), bool), 1 / np.sqrt(q.shape[1])) @ v


def _late(q, k, v, here):
    return _weights(q, k, np.ones(len(q), bool), 1 / np.sqrt(q.shape[1])) * here @ v


def torch_attention(q, k, v, here):
    q, k, v = (torch.as_tensor(z) for z in (q, k, v))
    scores = q @ k.T / q.shape[1] ** 0.5
    scores = scores.masked_fill(~torch.as_tensor(here), float("-inf"))
    return scores.softmax(1) @ v


def by_loops(shared, ups, downs, graph):
    out = []
    for row in graph:
        W = shared.copy()
        for g, up, down in zip(row, ups, downs, strict=True):
            W = W + g * up @ down
        out.append(W)
    return np.stack(out)


def _mixed(shared, ups, downs, graph):
    return shared + np.einsum("tk,kcr->tcr", graph, ups) @ np.einsum("tk,krd->trd", graph, downs)


def _pairwise(up, down, lam, gam):
    return np.einsum("jor,jr,jri,ji->joi", up, lam, down, gam)


def counted(n_out, n_in, r):
    """By making everything and counting."""
    short = min(n_out, n_in)
    parts = {
        "full": [(n_out, n_in)],
        "low_rank": [(n_out, r), (r, n_in)],
        "vera": [(n_out,), (r,)],
        "randlora": [(r, -(-short // r)), (-(-short // r), short)],
        "bottleneck": [(r, n_out), (r,), (n_out, r), (n_out,)],
    }
    return {kind: sum(math.prod(s) for s in shapes) for kind, shapes in parts.items()}


def _but(kind, formula):
    return lambda o, i, r: counted(o, i, r) | {kind: formula(o, i, r)}


LAWS = answers.LAWS
FLIP = {"survives": "fails", "fails": "survives", "open": "survives"}
DESIGN = {"kind": "low_rank", "rank": 2, "scores": [0.66, 0.7, 0.64]}

WRONG = {
    "11-1": {
        "the padding is looked at": _unmasked,
        "the mask comes late": _late,
        "no root": lambda q, k, v, here: _weights(q, k, here, 1 / q.shape[1]) @ v,
        "no scale": lambda q, k, v, here: _weights(q, k, here, 1.0) @ v,
        "weights only": lambda q, k, v, here: _weights(q, k, here, q.shape[1] ** -0.5),
    },
    "11-2": {
        "no shared part": lambda s, u, d, g: by_loops(0 * s, u, d, g),
        "every adapter": lambda s, u, d, g: by_loops(s, u, d, np.ones_like(g)),
        "graph turned": lambda s, u, d, g: by_loops(s, u, d, g.T),
        "factors mixed": _mixed,
    },
    "11-3": {
        "y is lost": lambda y, d, u: np.maximum(y @ d.T, 0) @ u.T,
        "no relu": lambda y, d, u: y + y @ d.T @ u.T,
        "relu last": lambda y, d, u: y + np.maximum(y @ d.T @ u.T, 0),
        "relu first": lambda y, d, u: y + np.maximum(y, 0) @ d.T @ u.T,
    },
    "11-4": {
        "no b": lambda u, d, b, s: u @ np.diag(s) @ d,
        "no d": lambda u, d, b, s: np.diag(b) @ u @ d,
        "neither": lambda u, d, b, s: u @ d,
        "transposed": lambda u, d, b, s: (np.diag(b) @ u @ np.diag(s) @ d).T,
    },
    "11-5": {
        "mean": lambda *p: _pairwise(*p).mean(0),
        "no lam": lambda u, d, a, g: _pairwise(u, d, np.ones_like(a), g).sum(0),
        "no gam": lambda u, d, a, g: _pairwise(u, d, a, np.ones_like(g)).sum(0),
        "crossed": lambda u, d, a, g: (
            sum(x * s for x, s in zip(u, a, strict=True))
            @ sum(x * s for x, s in zip(d, g, strict=True))
        ),
        "first": lambda *p: _pairwise(*p)[0],
    },
    "11-6": {
        "one factor": _but("low_rank", lambda o, i, r: r * o),
        "product": _but("low_rank", lambda o, i, r: r * o * i),
        "vera's frozen ones": _but("vera", lambda o, i, r: r * (o + i)),
        "one pair": _but("randlora", lambda o, i, r: r + min(o, i)),
        "no biases": _but("bottleneck", lambda o, i, r: 2 * r * o),
    },
    "11-7": {
        "both zero": lambda o, i, r, rng: (np.zeros((o, r)), np.zeros((r, i))),
        "both random": lambda o, i, r, rng: (rng.normal(size=(o, r)), rng.normal(size=(r, i))),
        "turned round": lambda o, i, r, rng: (rng.normal(size=(r, i)), np.zeros((o, r))),
        "all alike": lambda o, i, r, rng: (np.zeros((o, r)), np.ones((r, i))),
        "own seed": lambda o, i, r, rng: (
            np.zeros((o, r)),
            np.random.default_rng(0).normal(size=(r, i)),
        ),
    },
    "11-8": {
        "no cap": lambda o, i, r, n: (1 + n) * r,
        "no shared": lambda o, i, r, n: min(n * r, o, i),
        "one": lambda o, i, r, n: min(r, o, i),
        "the larger side": lambda o, i, r, n: min((1 + n) * r, max(o, i)),
    },
    "11-9": {
        "upside down": lambda o, i, r: (o + i) / (o * i),
        "no r in the merge": lambda o, i, r: o * i / (r * (o + i)),
        "the old layer too": lambda o, i, r: o * i * r / (o * i + r * (o + i)),
        "one factor": lambda o, i, r: o,
    },
    "11-10": {law: LAWS | {law: FLIP[LAWS[law]]} for law in LAWS},
    "11-11": {
        "over budget": DESIGN | {"rank": 8},
        "two runs": DESIGN | {"scores": [0.7, 0.6]},
        "one run copied": DESIGN | {"scores": [0.66] * 3},
        "percent": DESIGN | {"scores": [66, 70, 64]},
        "weak": {"kind": "vera", "rank": 8, "scores": [0.45, 0.46, 0.47]},
    },
    "11-12": slips("rwrwrw"),
}

RIGHT = {
    "11-1": {"torch": torch_attention},
    "11-2": {
        "loops": by_loops,
        "torch": lambda s, u, d, g: (
            torch.as_tensor(s)
            + torch.einsum("tk,kcr,krd->tcd", *(torch.as_tensor(z) for z in (g, u, d)))
        ),
    },
    "11-3": {"np.where": lambda y, d, u: y + np.where(y @ d.T > 0, y @ d.T, 0) @ u.T},
    "11-4": {"diagonals": lambda u, d, b, s: np.diag(b) @ u @ np.diag(s) @ d},
    "11-5": {"einsum": lambda *p: _pairwise(*p).sum(0)},
    "11-6": {"counting": counted},
    "11-7": {
        "down is zero": lambda o, i, r, rng: (rng.normal(size=(o, r)), np.zeros((r, i))),
        "uniform": lambda o, i, r, rng: (torch.zeros(o, r), rng.uniform(-1, 1, size=(r, i))),
    },
    "11-8": {"nested": lambda o, i, r, n: min(o, min(i, r + n * r))},
    "11-9": {"halved": lambda o, i, r: 1 / (1 / o + 1 / i)},
    "11-10": {"capitals": {law: word.upper() for law, word in LAWS.items()}},
    "11-11": {
        "rank 1": DESIGN | {"rank": 1},
        "an array": DESIGN | {"scores": np.array([0.6, 0.7, 0.8])},
    },
    "11-12": spellings("rwrwrw"),
}
