"""Answers to try on the exercises of lesson 02."""

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises import answers_02 as known
from ragteach.teach.exercises.answers_02 import CHANGES, FOUR_FROM_TWO, READINGS, SHAPES
from ragteach.teach.exercises.lesson_02 import N_WORDS
from ragteach.teach.exercises.own_rag_02 import MyRAG


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


def weights_by_hand(shared, adapters, graph):
    n_classes, n_features = len(shared), len(shared[0])
    rows = []
    for routes in graph.tolist():
        parts = list(zip(routes, adapters.tolist(), strict=True))
        W = [
            [float(shared[c][j]) + sum(g * a[c][j] for g, a in parts) for j in range(n_features)]
            for c in range(n_classes)
        ]
        rows.append(W)
    return rows


def rank_with_shared(graph):
    """Collapse is rank 1 of [1 G]."""
    return np.linalg.matrix_rank(np.column_stack([np.ones(len(graph)), graph])) == 1


def row_by_row(graph):
    return all(list(row) == list(graph[0]) for row in graph)


def changed(**options):
    """What ten disguises of the lesson's model give, or what a mistake gives."""
    return known.changes(N_WORDS, **options)


def mine(**methods):
    """The reference of 02-10 with some methods changed."""
    return type("MyRAG", (MyRAG,), methods)


def surplus_by_hand(x, shared, adapters):
    return [(len(adapters) - 1) * sum(w * v for w, v in zip(row, x)) for row in shared]  # noqa: B905


def init(change):
    """__init__ of the reference, and then one thing changed."""

    def __init__(self, n_features, n_classes, graph, seed=0):
        MyRAG.__init__(self, n_features, n_classes, graph, seed)
        change(self)

    return __init__


def plain_list(self):
    parts = list(self.adapters.detach())
    del self.adapters
    self.adapters = parts


def trained_graph(self):
    graph = self.graph
    del self.graph
    self.graph = torch.nn.Parameter(graph)


def other_seed(self):
    with torch.no_grad():
        self.adapters.add_(torch.randn(self.adapters.shape))


def equal_adapters(self):
    with torch.no_grad():
        self.adapters.zero_()


def merged_in_place(self, task):
    with torch.no_grad():
        self.shared += 1.0
        self.adapters *= 1.0
    layer = MyRAG.merge(self, task)
    with torch.no_grad():
        layer.weight -= 1.0
    return layer


def shares_numbers(self, task):
    layer = MyRAG.merge(self, task)
    if not self.graph[task].any():
        layer.weight = self.shared
    return layer


def descend(self, x, task, y, lam, lam_shared, lr=0.5, steps=200, price=True, sign=1, both=True):
    history = []
    for _ in range(steps):
        J = torch.nn.functional.cross_entropy(self(x, task), y)
        told = J + self.penalty(lam, lam_shared)
        slopes = torch.autograd.grad(told if price else J, [self.shared, self.adapters])
        with torch.no_grad():
            self.shared -= sign * lr * slopes[0]
            self.adapters -= sign * lr * slopes[1] * both
        history.append(told.item())
    return history


def descend_by(**options):
    def train_on(self, *args, **kwargs):
        return descend(self, *args, **kwargs, **options)

    return train_on


class Listed(torch.nn.Module):
    """Another right 02-10: a list of layers, loops, and an optimiser of torch."""

    def __init__(self, n_features, n_classes, graph, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.graph = torch.as_tensor(np.asarray(graph), dtype=torch.float32)
        self.shared = torch.nn.Parameter(torch.randn(n_classes, n_features))
        self.adapters = torch.nn.ParameterList(
            torch.nn.Parameter(torch.randn(n_classes, n_features)) for _ in range(graph.shape[1])
        )

    def task_weights(self):
        return by_loops(self.shared, list(self.adapters), self.graph)

    def forward(self, x, task):
        W = self.task_weights()
        return torch.stack([W[t] @ row for row, t in zip(x, task.tolist(), strict=True)])

    def penalty(self, lam, lam_shared):
        price = lam_shared * (self.shared**2).sum()
        return (price + lam * sum((a**2).sum() for a in self.adapters)) / 2

    def merge(self, task):
        layer = torch.nn.Linear(self.shared.shape[1], self.shared.shape[0], bias=False)
        layer.weight.data = self.task_weights()[task].detach().clone()
        return layer

    def train_on(self, x, task, y, lam, lam_shared, lr=0.5, steps=200):
        optimiser, history = torch.optim.SGD(self.parameters(), lr=lr), []
        for _ in range(steps):
            J = torch.nn.CrossEntropyLoss()(self(x, task), y) + self.penalty(lam, lam_shared)
            optimiser.zero_grad()
            J.backward()
            optimiser.step()
            history.append(J.detach())
        return history


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
        "a score per task": with_shape("logits", (8, 4)),
        "classes in x": with_shape("x", (8, 3)),
        "adapters by adapters": with_shape("G", (2, 2)),
        "tasks by tasks": with_shape("G", (4, 4)),
        "every W turned": with_shape("W", (4, 100, 3)),
        "a W per sentence": with_shape("W", (8, 3, 100)),
        "a letter missing": {k: v for k, v in SHAPES.items() if k != "G"},
        "a list": list(SHAPES.values()),
    },
    "02-2": {
        "minus": lambda s, a, g: s - torch.tensordot(g, a, dims=1),
        "a product": lambda s, a, g: s * torch.tensordot(g, a, dims=1),
        "W_s alone": lambda s, a, g: s.expand(len(g), *s.shape),
        "normalised": lambda s, a, g: known.task_weights(s, a, g / g.sum(1, keepdim=True)),
        "softmax of the graph": lambda s, a, g: known.task_weights(s, a, g.softmax(1)),
        "all for all": known.all_for_all,
        "W_s each time": known.shared_each_time,
        "no W_s": known.no_shared,
        "a mean": known.mean_of_adapters,
        "yes or no": known.routes_on_or_off,
        "ones only": known.only_whole_routes,
        "one task": lambda s, a, g: known.task_weights(s, a, g)[0],
        "graph turned": known.graph_turned,
        "graph times classes": known.graph_times_classes,
        "not the function": 3.0,
    },
    "02-3": {
        "ones only": known.only_ones,
        "row sums": known.equal_row_sums,
        "columns": known.equal_columns,
        "rank of G": known.graph_of_rank_one,
        "some rows": known.some_rows_equal,
        "turned round": known.turned_round,
        "first and last": known.first_and_last_row,
        "no adapter": known.no_adapter_is_used,
        "a square": known.as_many_adapters_as_tasks,
        "of rank one": known.rank_of_one,
        "one adapter": lambda g: g.shape[1] < 2,
        "one task": lambda g: len(g) == 1,
        "first two": lambda g: len(g) == 1 or bool((g[0] == g[1]).all()),
        "all positive": lambda g: bool(np.all(g > 0)),
        "a row of answers": lambda g: (g == g[0]).all(0) if g.size else np.ones(1, bool),
    },
    "02-4": {
        "swapped": lambda lam, lam_shared, n: 1 / (1 / lam + n / lam_shared),
        "K squared": lambda lam, lam_shared, n: 1 / (1 / lam_shared + n**2 / lam),
        "penalties squared": lambda lam, lam_shared, n: 1 / (1 / lam_shared**2 + n / lam**2),
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
        "the adapters": lambda x, s, a: a.sum(0) @ x,
        "no x": lambda x, s, a: (len(a) - 1) * s,
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
        "signed": changed(size=lambda move: move.max()),
        "signed, the other way": changed(size=lambda move: (-move).max()),
        "one seed": changed(seeds=[0]),
        "the last seed": changed(over=lambda values: values[-1]),
        "a mean over seeds": changed(over=np.mean),
        "a mean over entries": changed(size=lambda move: move.abs().mean()),
        "a norm": changed(size=lambda move: move.norm()),
        "nine seeds": changed(seeds=range(9)),
        "seeds from 1": changed(seeds=range(1, 11)),
        "booleans": {name: name in CHANGES for name in READINGS},
        "numpy's booleans": {name: float(name in CHANGES) for name in READINGS},
        "all entries": changed() | {"W_s": [1.0, 2.0]},
        "W_s stays": changed() | {"W_s": 0.0},
        "adapters stay": changed() | {"A[films] - A[cars]": 0.0},
        "W_films stays": changed() | {"W[films]": 0.0},
        "two readings": {"W_s": 2.0, "W[films]": 0.0},
        "a list": [4.0, 4.0],
    },
    "02-9": slips("wrrwrw"),
    "02-10": {
        "an object": MyRAG(2, 3, np.eye(2)),
        "no methods": torch.nn.Linear,
        "adapters in a list": mine(__init__=init(plain_list)),
        "the graph is trained": mine(__init__=init(trained_graph)),
        "without the seed": mine(__init__=init(other_seed)),
        "all adapters zero": mine(__init__=init(equal_adapters)),
        "the literal sum": mine(
            task_weights=lambda self: (self.shared + self.adapters.sum(0)).expand(4, -1, -1)
        ),
        "W_s in the sum": mine(
            task_weights=lambda self: torch.tensordot(self.graph, self.shared + self.adapters, 1)
        ),
        "no W_s": mine(task_weights=lambda self: torch.tensordot(self.graph, self.adapters, 1)),
        "first task for all": mine(
            forward=lambda self, x, task: x @ self.task_weights()[task[0]].T
        ),
        "all tasks": mine(
            forward=lambda self, x, task: torch.einsum("tcd,nd->ntc", self.task_weights(), x)
        ),
        "softmax": mine(forward=lambda self, x, task: MyRAG.forward(self, x, task).softmax(-1)),
        "cut off": mine(forward=lambda self, x, task: MyRAG.forward(self, x, task).detach()),
        "no halves": mine(penalty=lambda self, lam, ls: 2 * MyRAG.penalty(self, lam, ls)),
        "lambdas exchanged": mine(penalty=lambda self, lam, ls: MyRAG.penalty(self, ls, lam)),
        "adapters only": mine(penalty=lambda self, lam, ls: MyRAG.penalty(self, lam, 0.0)),
        "a bare matrix": mine(merge=lambda self, task: self.task_weights()[task].detach()),
        "merging spoils": mine(merge=merged_in_place),
        "always films": mine(merge=lambda self, task: MyRAG.merge(self, 0)),
        "uphill": mine(train_on=descend_by(sign=-1)),
        "no penalty": mine(train_on=descend_by(price=False)),
        "no history": mine(train_on=lambda self, *a, **k: MyRAG.train_on(self, *a, **k)[-1]),
        "adapters stand": mine(train_on=descend_by(both=False)),
        "lr of its own": mine(
            train_on=lambda self, x, t, y, lam, ls, lr, steps: MyRAG.train_on(
                self, x, t, y, lam, ls, 0.2, steps
            )
        ),
        "J after the step": mine(
            train_on=lambda self, *a, lr, steps: [
                *MyRAG.train_on(self, *a, lr=lr, steps=steps),
                *MyRAG.train_on(self, *a, lr=lr, steps=1),
            ][1:]
        ),
        "the loss is noted": mine(
            train_on=lambda self, x, t, y, lam, ls, lr, steps: [
                torch.nn.functional.cross_entropy(self(x, t), y).item(),
                *MyRAG.train_on(self, x, t, y, lam, ls, lr, steps)[1:],
            ]
        ),
        "prices exchanged": mine(
            train_on=lambda self, x, t, y, lam, ls, lr, steps: MyRAG.train_on(
                self, x, t, y, ls, lam, lr, steps
            )
        ),
    },
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
        "numpy": lambda s, a, g: np.asarray(s) + np.einsum("tk,kcd->tcd", g.numpy(), a.numpy()),
        "plain Python": weights_by_hand,
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
        "numpy": lambda x, s, a: (np.shape(a)[0] - 1) * np.einsum("cd,d->c", s, x),
        "torch": lambda x, s, a: (s @ x).repeat(len(a), 1).sum(dim=0) - torch.mv(s, x),
        "plain Python": surplus_by_hand,
        "the difference": lambda x, s, a: sum((s + k) @ x for k in a) - (s + a.sum(0)) @ x,
    },
    "02-7": {
        "minus the first class": lambda W: W - W[0],
        "minus the largest": lambda W: W - W.max(0),
        "log-softmax": lambda W: W - np.log(np.exp(W).sum(0)),
        "torch": lambda W: torch.as_tensor(W) - torch.as_tensor(W).mean(0),
    },
    "02-8": {
        "tensors": {k: torch.tensor(v) for k, v in changed().items()},
        "rounding in what stays": {k: v or 2e-14 for k, v in changed().items()},
        "as an infinity norm": changed(size=lambda move: move.flatten().norm(p=float("inf"))),
        "rounded to three digits": {k: float(f"{v:.4g}") for k, v in changed().items()},
    },
    "02-9": spellings("wrrwrw"),
    "02-10": {
        "a list of parameters": Listed,
        "another step": mine(train_on=descend),
    },
}
