"""Answers to try on the exercises of lesson 02."""

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises import answers_02 as known
from ragteach.teach.exercises.answers_02 import CHANGES, FOUR_FROM_TWO, READINGS, SHAPES


def with_shape(letter, shape):
    return SHAPES | {letter: shape}


def with_graph(graph, a=(1, -1, -1, 1)):
    return {"graph": graph, "a": list(a)}


def by_loops(shared, adapters, graph):
    weights = []
    for t in range(len(graph)):
        W_t = shared.clone()
        for k in range(len(adapters)):
            W_t += graph[t, k] * adapters[k]
        weights.append(W_t)
    return torch.stack(weights)


def rank_with_shared(graph):
    """Collapse is rank 1 of [1 G]."""
    return np.linalg.matrix_rank(np.column_stack([np.ones(len(graph)), graph])) == 1


def row_by_row(graph):
    return all(list(row) == list(graph[0]) for row in graph)


def readings(**changed):
    """What ten disguises give, with some readings changed (names by their position)."""
    found = {name: 4.0 * (name in CHANGES) for name in READINGS}
    names = list(found)
    return found | {names[int(k[1:])]: value for k, value in changed.items()}


WRONG = {
    "02-1": {
        "x turned": with_shape("x", (100, 8)),
        "in words": with_shape("x", "8 x 100"),
        "the article's d x c": with_shape("W_s", (100, 3)),
        "the article's k x c": with_shape("A", (2, 3)),
        "one adapter": with_shape("A", (3, 100)),
        "adapters turned": with_shape("A", (2, 100, 3)),
        "an adapter per task": with_shape("A", (4, 3, 100)),
        "graph turned": with_shape("G", (2, 4)),
        "one task's W": with_shape("W", (3, 100)),
        "a W per adapter": with_shape("W", (2, 3, 100)),
        "logits turned": with_shape("logits", (3, 8)),
        "all tasks' logits": with_shape("logits", (8, 4, 3)),
        "a score per word": with_shape("logits", (8, 100)),
        "a letter missing": {k: v for k, v in SHAPES.items() if k != "G"},
        "a list": list(SHAPES.values()),
    },
    "02-2": {
        "all for all": known.all_for_all,
        "W_s each time": known.shared_each_time,
        "no W_s": known.no_shared,
        "a mean": known.mean_of_adapters,
        "yes or no": known.routes_on_or_off,
        "ones only": known.only_whole_routes,
        "one task": lambda s, a, g: known.task_weights(s, a, g)[0],
        "graph turned": known.graph_turned,
        "not the function": 3.0,
    },
    "02-3": {
        "ones only": known.only_ones,
        "row sums": known.equal_row_sums,
        "columns": known.equal_columns,
        "rank of G": known.graph_of_rank_one,
        "some rows": known.some_rows_equal,
        "turned round": known.turned_round,
        "a row of answers": lambda g: (g == g[0]).all(0) if g.size else np.ones(1, bool),
    },
    "02-4": {
        "added": lambda lam, lam_shared, n: lam_shared + n * lam,
        "unchanged": lambda lam, lam_shared, n: lam_shared,
        "the inverse": lambda lam, lam_shared, n: 1 / lam_shared + n / lam,
        "one adapter": lambda lam, lam_shared, n: 1 / (1 / lam_shared + 1 / lam),
        "K lam": lambda lam, lam_shared, n: 1 / (1 / lam_shared + 1 / (n * lam)),
        "equal penalties": lambda lam, lam_shared, n: lam_shared / (1 + n),
        "the cheaper one": lambda lam, lam_shared, n: min(lam_shared, lam / n),
    },
    "02-5": {
        "four adapters": with_graph(np.eye(4)),
        "graph turned": with_graph([[0, 1, 0, 1], [0, 0, 1, 1]]),
        "weights": with_graph([[0, 0], [1, 0], [0, 1], [0.5, 0.5]]),
        "two rows equal": with_graph([[0, 0], [1, 0], [1, 0], [1, 1]]),
        "all zero": with_graph(FOUR_FROM_TWO["graph"], (0, 0, 0, 0)),
        "W_s is left": with_graph(FOUR_FROM_TWO["graph"], (1, 1, 1, 1)),
        "adapters are left": with_graph(FOUR_FROM_TWO["graph"], (1, -1, 1, -1)),
        "three numbers": with_graph(FOUR_FROM_TWO["graph"], (1, -1, -1)),
        "only the graph": {"graph": FOUR_FROM_TWO["graph"]},
        "a list": FOUR_FROM_TWO["graph"],
    },
    "02-6": {
        "m times": lambda x, s, a: len(a) * s @ x,
        "adapters too": lambda x, s, a: ((len(a) - 1) * s + a.sum(0)) @ x,
        "the whole sum": lambda x, s, a: sum(s @ x + k @ x for k in a),
        "once": lambda x, s, a: s @ x,
        "the sign": lambda x, s, a: (1 - len(a)) * s @ x,
    },
    "02-7": {
        "W itself": lambda W: W,
        "over words": lambda W: W - W.mean(1, keepdims=True),
        "one mean": lambda W: W - W.mean(),
        "length": known.unit_length,
        "softmax": known.as_probabilities,
        "one row": lambda W: W[-1] - W[0],
        "half the mean": lambda W: W - W.mean(0) / 2,
        "scaled": lambda W: (W - W.mean(0)) / W.std(0),
        "two rows": lambda W: W[1:] - W[0],
    },
    "02-8": {
        "the same model": dict.fromkeys(READINGS, 0.0),
        "everything moves": dict.fromkeys(READINGS, 3.0),
        "no abs": readings(_0=-2.0),
        "all entries": readings(_0=[1.0, 2.0]),
        "swapped": readings(_4=0.0, _5=4.0),
        "adapters stay": readings(_3=0.0),
        "W_films moves": readings(_5=4.0),
        "W_films stays": readings(_2=0.0),
        "two readings": {"W_s": 2.0, "W[films]": 0.0},
        "a list": [4.0, 4.0],
    },
    "02-9": slips("wrrwrw"),
}

RIGHT = {
    "02-1": {
        "lists": {k: list(v) for k, v in SHAPES.items()},
        "torch sizes": {k: torch.zeros(v).shape for k, v in SHAPES.items()},
        "another order": dict(reversed(SHAPES.items())),
    },
    "02-2": {
        "loops": by_loops,
        "einsum": lambda s, a, g: s + torch.einsum("tk,kcd->tcd", g, a),
        "matrix product": lambda s, a, g: (g @ a.flatten(1)).reshape(len(g), *s.shape) + s,
    },
    "02-3": {
        "rank of [1 G]": rank_with_shared,
        "a loop": row_by_row,
        "unique": lambda g: len({*map(tuple, g)}) == 1,
    },
    "02-4": {
        "one fraction": lambda lam, lam_shared, n: lam * lam_shared / (lam + n * lam_shared),
        "one after the other": lambda lam, lam_shared, n: 1 / (1 / lam_shared + sum([1 / lam] * n)),
    },
    "02-5": {
        "another order": with_graph([[1, 1], [0, 1], [0, 0], [1, 0]], (1, -1, 1, -1)),
        "another scale": with_graph(torch.tensor(FOUR_FROM_TWO["graph"]), (-2.0, 2.0, 2.0, -2.0)),
    },
    "02-6": {
        "the difference": lambda x, s, a: sum((s + k) @ x for k in a) - (s + a.sum(0)) @ x,
    },
    "02-7": {
        "minus the first class": lambda W: W - W[0],
        "minus the largest": lambda W: W - W.max(0),
        "log-softmax": lambda W: W - np.log(np.exp(W).sum(0)),
        "torch": lambda W: torch.as_tensor(W) - torch.as_tensor(W).mean(0),
    },
    "02-8": {
        "tensors": {k: torch.tensor(v) for k, v in readings(_5=1e-15, _6=2e-14).items()},
        "large": readings(_0=9, _1=12, _2=7.5),
    },
    "02-9": spellings("wrrwrw"),
}
