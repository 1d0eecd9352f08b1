"""Answers to try on the exercises of lesson 11."""

import math

import numpy as np
import pandas as pd
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


def plain_attention(q, k, v, here):
    out = []
    for q_i in q:
        scores = [sum(a * b for a, b in zip(q_i, k_j, strict=True)) for k_j in k]
        e = [math.exp(s / len(q_i) ** 0.5) * bool(ok) for s, ok in zip(scores, here, strict=True)]
        mixed = [
            sum(w * x for w, x in zip(e, column, strict=True)) for column in zip(*v, strict=True)
        ]
        out.append([m / sum(e) for m in mixed])
    return out


def product(a, b):
    """a @ b, of nested lists."""
    columns = list(zip(*b, strict=True))
    return [[sum(x * y for x, y in zip(row, c, strict=True)) for c in columns] for row in a]


def plus(a, b):
    return [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]


def plain_lora_weights(shared, ups, downs, graph):
    tasks = []
    for row in graph:
        W = shared
        for g, up, down in zip(row, ups, downs, strict=True):
            W = plus(W, [[g * x for x in line] for line in product(up, down)])
        tasks.append(W)
    return tasks


def plain_houlsby(y, down, up):
    inside = [[max(x, 0) for x in row] for row in product(y, list(zip(*down, strict=True)))]
    return plus(y, product(inside, list(zip(*up, strict=True))))


def plain_vera(up, down, b, d):
    directions = range(len(d))
    return [
        [b[o] * sum(up[o][r] * d[r] * down[r][i] for r in directions) for i in range(len(down[0]))]
        for o in range(len(b))
    ]


def plain_randlora(up, down, lam, gam):
    dW = [[0.0] * len(gam[0]) for _ in up[0]]
    for pair in zip(up, down, lam, gam, strict=True):
        u, d, a, g = pair
        left = [[x * s for x, s in zip(row, a, strict=True)] for row in u]
        dW = plus(dW, product(left, [[x * s for x, s in zip(row, g, strict=True)] for row in d]))
    return dW


def counted_in_numpy(n_out, n_in, r):
    shorter = np.minimum(n_out, n_in)
    return {
        "full": np.zeros((n_out, n_in)).size,
        "low_rank": np.zeros((n_out, r)).size + np.zeros((r, n_in)).size,
        "vera": np.zeros(n_out).size + np.zeros(r).size,
        "randlora": np.ceil(shorter / r) * (r + shorter),
        "bottleneck": np.sum([r * n_out, r, n_out * r, n_out]),
    }


def counted_in_torch(n_out, n_in, r):
    shorter = min(n_out, n_in)
    pairs = math.ceil(shorter / r)
    adapter = torch.nn.Sequential(torch.nn.Linear(n_out, r), torch.nn.Linear(r, n_out))
    return {
        "full": torch.zeros(n_out, n_in).numel(),
        "low_rank": torch.zeros(n_out, r).numel() + torch.zeros(r, n_in).numel(),
        "vera": torch.tensor(n_out + r),
        "randlora": torch.zeros(pairs, r).numel() + torch.zeros(pairs, shorter).numel(),
        "bottleneck": sum(p.numel() for p in adapter.parameters()),
    }


def new_lora_in_torch(n_out, n_in, r, rng):
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    down = torch.nn.Parameter(torch.randn(r, n_in, generator=generator))
    return torch.nn.Parameter(torch.zeros(n_out, r)), down


def new_lora_by_hand(n_out, n_in, r, rng):
    up = [[0] * r for _ in range(n_out)]
    return up, [[rng.normal() for _ in range(n_in)] for _ in range(r)]


LAWS = answers.LAWS
FLIP = {"survives": "fails", "fails": "survives", "open": "survives"}
DESIGN = {"kind": "low_rank", "rank": 2, "scores": [0.66, 0.7, 0.64]}

WRONG = {
    "11-1": {
        "the padding is looked at": _unmasked,
        "the mask comes late": _late,
        "the rows of the padding": lambda q, k, v, here: np.where(
            here[:, None], _unmasked(q, k, v, here), np.nan
        ),
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
        "the sign": lambda o, i, r: {kind: -n for kind, n in counted(o, i, r).items()},
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
    "11-9": slips("rwrwrw"),
    "11-10": {law: LAWS | {law: FLIP[LAWS[law]]} for law in LAWS},
    "11-11": {
        "upside down": lambda o, i, r: (o + i) / (o * i),
        "no r in the merge": lambda o, i, r: o * i / (r * (o + i)),
        "the old layer too": lambda o, i, r: o * i * r / (o * i + r * (o + i)),
        "one factor": lambda o, i, r: o,
        "rounded up": lambda o, i, r: math.ceil(o * i / (o + i)),
    },
    "11-12": {
        "rank 0": DESIGN | {"rank": 0},
        "over budget": DESIGN | {"rank": 8},
        "two runs": DESIGN | {"scores": [0.7, 0.6]},
        "one run copied": DESIGN | {"scores": [0.66] * 3},
        "percent": DESIGN | {"scores": [66, 70, 64]},
        "weak": {"kind": "vera", "rank": 8, "scores": [0.45, 0.46, 0.47]},
    },
}

RIGHT = {
    "11-1": {"torch": torch_attention, "plain Python": plain_attention},
    "11-2": {
        "loops": by_loops,
        "plain Python": plain_lora_weights,
        "torch": lambda s, u, d, g: (
            torch.as_tensor(s)
            + torch.einsum("tk,kcr,krd->tcd", *(torch.as_tensor(z) for z in (g, u, d)))
        ),
    },
    "11-3": {
        "np.where": lambda y, d, u: y + np.where(y @ d.T > 0, y @ d.T, 0) @ u.T,
        "torch": lambda y, d, u: y + torch.relu(y @ d.T) @ u.T,
        "plain Python": plain_houlsby,
    },
    "11-4": {
        "diagonals": lambda u, d, b, s: np.diag(b) @ u @ np.diag(s) @ d,
        "torch": lambda u, d, b, s: torch.diag(b) @ u @ torch.diag(s) @ d,
        "plain Python": plain_vera,
    },
    "11-5": {
        "einsum": lambda *p: _pairwise(*p).sum(0),
        "torch": lambda *p: torch.einsum("jor,jr,jri,ji->oi", p[0], p[2], p[1], p[3]),
        "plain Python": plain_randlora,
    },
    "11-6": {"counting": counted, "numpy": counted_in_numpy, "torch": counted_in_torch},
    "11-7": {
        "down is zero": lambda o, i, r, rng: (rng.normal(size=(o, r)), np.zeros((r, i))),
        "torch": new_lora_in_torch,
        "plain Python": new_lora_by_hand,
        "uniform": lambda o, i, r, rng: (torch.zeros(o, r), rng.uniform(-1, 1, size=(r, i))),
    },
    "11-8": {
        "nested": lambda o, i, r, n: min(o, min(i, r + n * r)),
        "numpy": lambda o, i, r, n: np.min([(1 + n) * r, o, i]),
        "torch": lambda o, i, r, n: torch.tensor([r + n * r, o, i]).min(),
    },
    "11-9": spellings("rwrwrw"),
    "11-10": {"capitals": {law: word.upper() for law, word in LAWS.items()}},
    "11-11": {
        "halved": lambda o, i, r: 1 / (1 / o + 1 / i),
        "numpy": lambda o, i, r: np.prod([o, i]) / np.sum([o, i]),
        "torch": lambda o, i, r: torch.tensor([1 / o, 1 / i]).sum().reciprocal(),
    },
    "11-12": {
        "rank 1": DESIGN | {"rank": 1},
        "an array": DESIGN | {"scores": np.array([0.6, 0.7, 0.8])},
        "a tensor": DESIGN | {"scores": torch.tensor([0.6, 0.7, 0.8])},
    },
}


def _but_scores(q, k, v, here, scores):
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True) @ v


def _scores(q, k, here):
    return np.where(here[None, :], q @ k.T / q.shape[1] ** 0.5, -np.inf)


WRONG["11-1"] |= {
    "q added": lambda q, k, v, here: q + answers.attention(q, k, v, here),
    "masked by 0": lambda q, k, v, here: _but_scores(
        q, k, v, here, np.where(here[None, :], q @ k.T / q.shape[1] ** 0.5, 0.0)
    ),
    "places changed": lambda q, k, v, here: answers.attention(k, q, v, here),
    "root of the tokens": lambda q, k, v, here: _weights(q, k, here, len(q) ** -0.5) @ v,
    "multiplied": lambda q, k, v, here: _weights(q, k, here, q.shape[1] ** 0.5) @ v,
    "rows masked": lambda q, k, v, here: _but_scores(
        q, k, v, here, np.where(here[:, None], q @ k.T / q.shape[1] ** 0.5, -1e9)
    ),
    "keys": lambda q, k, v, here: answers.attention(q, k, k, here),
    "no softmax": lambda q, k, v, here: np.nan_to_num(_scores(q, k, here), neginf=0.0) @ v,
}
WRONG["11-2"] |= {
    "graph squared": lambda s, u, d, g: by_loops(s, u, d, g**2),
    "mean": lambda s, u, d, g: by_loops(s, u, d, g / g.shape[1]),
    "by the rank": lambda s, u, d, g: by_loops(s, u, d, g / u.shape[2]),
    "the first": lambda s, u, d, g: by_loops(s, u[:1], d[:1], g[:, :1]),
    "yes or no": lambda s, u, d, g: by_loops(s, u, d, (g != 0) * 1.0),
    "subtracted": lambda s, u, d, g: by_loops(s, u, d, -g),
    "W_s inside": lambda s, u, d, g: np.einsum("tk,kcd->tcd", g, s + u @ d),
}
WRONG["11-3"] |= {
    "absolute": lambda y, d, u: y + abs(y @ d.T) @ u.T,
    "the negative part": lambda y, d, u: y + np.minimum(y @ d.T, 0) @ u.T,
    "the sum bent": lambda y, d, u: np.maximum(y + y @ d.T @ u.T, 0),
    "y twice": lambda y, d, u: 2 * y + np.maximum(y @ d.T, 0) @ u.T,
    "tanh": lambda y, d, u: y + np.tanh(y @ d.T) @ u.T,
    "sigmoid": lambda y, d, u: y + torch.sigmoid(torch.tensor(y @ d.T)).numpy() @ u.T,
    "leaky": lambda y, d, u: y + np.where(y @ d.T > 0, 1, 0.01) * (y @ d.T) @ u.T,
    "subtracted": lambda y, d, u: y - np.maximum(y @ d.T, 0) @ u.T,
}
WRONG["11-4"] |= {
    "two changes": lambda u, d, b, s: np.diag(b) @ u @ d + u @ np.diag(s) @ d,
    "b added": lambda u, d, b, s: b[:, None] + u @ np.diag(s) @ d,
    "one number": lambda u, d, b, s: np.diag(b) @ u @ d * s.mean(),
}
WRONG["11-5"] |= {
    "last": lambda *p: _pairwise(*p)[-1],
    "first lam": lambda u, d, a, g: _pairwise(u, d, a * 0 + a[0], g).sum(0),
    "first gam": lambda u, d, a, g: _pairwise(u, d, a, g * 0 + g[0]).sum(0),
    "gam summed": lambda u, d, a, g: _pairwise(u, d, a, np.ones_like(g)).sum(0) * g.sum(0),
    "neither": lambda u, d, a, g: (u @ d).sum(0),
    "one by one": lambda *p: _pairwise(*p),
}
WRONG["11-6"] |= {
    "with a bias": _but("full", lambda o, i, r: o * i + o),
    "a square": _but("full", lambda o, i, r: o * o),
    "down only": _but("low_rank", lambda o, i, r: r * i),
    "two of n_out": _but("low_rank", lambda o, i, r: 2 * r * o),
    "a LoRA bias": _but("low_rank", lambda o, i, r: r * (o + i) + o),
    "b only": _but("vera", lambda o, i, r: o),
    "rows of n_in": _but("vera", lambda o, i, r: i + r),
    "times": _but("vera", lambda o, i, r: o * r),
    "pairs rounded down": _but("randlora", lambda o, i, r: min(o, i) // r * (r + min(o, i))),
    "lam only": _but("randlora", lambda o, i, r: -(-min(o, i) // r) * r),
    "gam only": _but("randlora", lambda o, i, r: -(-min(o, i) // r) * min(o, i)),
    "the longer gam": _but("randlora", lambda o, i, r: -(-min(o, i) // r) * (r + max(o, i))),
    "pairs of the longer": _but("randlora", lambda o, i, r: -(-max(o, i) // r) * (r + min(o, i))),
    "first bias missing": _but("bottleneck", lambda o, i, r: 2 * r * o + o),
    "second bias missing": _but("bottleneck", lambda o, i, r: 2 * r * o + r),
    "n_in": _but("bottleneck", lambda o, i, r: r * (o + i) + o + r),
    "one layer": _but("bottleneck", lambda o, i, r: r * o + r),
}
WRONG["11-7"]["numpy's own"] = lambda o, i, r, rng: (
    np.zeros((o, r)),
    np.random.normal(size=(r, i)),
)
WRONG["11-8"] |= {
    "shared of rank 1": lambda o, i, r, n: min(1 + n * r, o, i),
    "full": lambda o, i, r, n: min(o, i),
}
WRONG["11-11"] |= {
    "one product": lambda o, i, r: o * i,
    "the sides": lambda o, i, r: o + i,
    "the other factor": lambda o, i, r: i,
    "the cost": lambda o, i, r: o * r * i,
    "the saving": lambda o, i, r: r * (o + i),
}
WRONG["11-12"]["curves"] = DESIGN | {"scores": [[0.6, 0.7], [0.6, 0.7]]}
RIGHT["11-6"]["pandas"] = lambda o, i, r: pd.Series(counted(o, i, r))
