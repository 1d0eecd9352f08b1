"""Answers to try on the exercises of lesson 12."""

import json
import struct

import numpy as np
import pandas as pd
import torch
from drafts import slips, spellings

from ragteach.teach.exercises.answers_12 import (
    TRACKER_MISTAKES,
    BestEpoch,
    flip_shares,
    header,
    merge,
    tracker,
    unmerge,
)


def n_of(data):
    return int.from_bytes(data[:8], "little")


# ------------------------------------------------------------------ 12-2


@torch.no_grad()
def merged(model, t):
    """W_t from its parts."""
    gates = torch.tensor([model.graph[t, k] * on for k, on in enumerate(model.active.values())])
    return model.shared + torch.tensordot(gates, model.adapter_weights(), dims=1)


def layer(weight, bias):
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
    return linear


def with_weight(weight):
    """A merge that gets the weight as weight(model, t) and the bias right."""
    return lambda model, task: layer(
        weight(model, model.task_index(task)).detach(), model.bias[model.task_index(task)]
    )


def with_bias(bias):
    return lambda model, task: layer(
        merged(model, model.task_index(task)), bias(model, model.task_index(task))
    )


def parts(model, route):
    return sum(
        route(k, name) * model.adapters[name].weight for k, name in enumerate(model.adapter_names)
    )


def in_place(model, task):
    t = model.task_index(task)
    with torch.no_grad():
        weight = model.shared
        for k, name in enumerate(model.adapter_names):
            weight += model.active[name] * model.graph[t, k] * model.adapters[name].weight
    return layer(weight, model.bias[t])


def borrowed_memory(model, task):
    linear = merge(model, task)
    linear.bias.data = model.bias.data[model.task_index(task)]
    return linear


def bias_forgotten(model, task):
    linear = torch.nn.Linear(model.n_features, model.n_classes)
    linear.weight.data.copy_(merged(model, model.task_index(task)))
    return linear


def weight_forgotten(model, task):
    linear = torch.nn.Linear(model.n_features, model.n_classes)
    linear.bias.data.copy_(model.bias[model.task_index(task)])
    return linear


def no_bias(model, task):
    linear = torch.nn.Linear(model.n_features, model.n_classes, bias=False)
    linear.weight.data.copy_(merged(model, model.task_index(task)))
    return linear


def by_tensordot(model, task):
    t = model.task_index(task)
    on = torch.tensor([model.active[name] for name in model.adapter_names])
    weight = model.shared + torch.tensordot(model.graph[t] * on, model.adapter_weights(), dims=1)
    return layer(weight.detach(), model.bias[t].detach())


# ------------------------------------------------------------------ 12-5


class OfTheClass:
    """Keeps its best in the class, so that the next run starts with the last one's."""

    epoch = None
    val_loss = float("inf")

    def on_epoch(self, model, epoch, record):
        if record["val_loss"] < OfTheClass.val_loss:
            OfTheClass.epoch = epoch
            OfTheClass.val_loss = record["val_loss"]


class WithTensors(BestEpoch):
    def on_epoch(self, model, epoch, record):
        losses = torch.tensor([self.val_loss, record["val_loss"]])
        if losses.argmin() == 1:
            self.epoch = torch.tensor(epoch)
            self.val_loss = losses[1]


class WithNumpy(BestEpoch):
    def __init__(self):
        super().__init__()
        self.seen = np.empty((0, 2))

    def on_epoch(self, model, epoch, record):
        self.seen = np.vstack([self.seen, [epoch, record["val_loss"]]])
        self.epoch, self.val_loss = self.seen[self.seen[:, 1].argmin()]


class WithHistory:
    def __init__(self):
        self.losses = {}

    def on_epoch(self, model, epoch, record):
        self.losses[epoch] = record["val_loss"]
        self.epoch = min(self.losses, key=self.losses.get)
        self.val_loss = self.losses[self.epoch]


def by_a_margin(self, epoch, record):
    if record["val_loss"] < self.val_loss - 0.02:
        self.epoch, self.val_loss = epoch, record["val_loss"]


WRONG = {
    "12-1": {
        "eval": lambda data: eval(data[8 : 8 + n_of(data)]),
        "half the length": lambda data: json.loads(
            data[8 : 8 + int.from_bytes(data[:4], "little")]
        ),
        "to the end": lambda data: json.loads(data[8:]),
        "to n": lambda data: json.loads(data[8 : n_of(data)]),
        "from 0": lambda data: json.loads(data[: 8 + n_of(data)]),
        "text": lambda data: data[8 : 8 + n_of(data)].decode(),
        "n": n_of,
        "metadata only": lambda data: header(data)["__metadata__"],
        "names only": lambda data: list(header(data)),
    },
    "12-2": {
        "the model's own": lambda model, task: model.merge(task),
        "in place": in_place,
        "borrowed memory": borrowed_memory,
        "bias forgotten": bias_forgotten,
        "weight forgotten": weight_forgotten,
        "no bias": no_bias,
        "W_s alone": with_weight(lambda m, t: m.shared),
        "adapters alone": with_weight(lambda m, t: merged(m, t) - m.shared),
        "inactive counts": with_weight(
            lambda m, t: m.shared + parts(m, lambda k, n: m.graph[t, k])
        ),
        "every adapter": with_weight(lambda m, t: m.shared + parts(m, lambda k, n: 1.0)),
        "active ones by 1": with_weight(lambda m, t: m.shared + parts(m, lambda k, n: m.active[n])),
        "the graph squared": with_weight(
            lambda m, t: m.shared + parts(m, lambda k, n: m.active[n] * m.graph[t, k] ** 2)
        ),
        "subtracted": with_weight(lambda m, t: 2 * m.shared - merged(m, t)),
        "made to sum to 1": with_weight(
            lambda m, t: m.shared + (merged(m, t) - m.shared) / m.graph[t].sum()
        ),
        "mean bias": with_bias(lambda m, t: m.bias.mean(0)),
        "graph as yes or no": with_weight(
            lambda m, t: m.shared + parts(m, lambda k, n: m.active[n] * float(m.graph[t, k] != 0))
        ),
        "another task": with_weight(lambda m, t: merged(m, 1 - t)),
        "bias of another task": with_bias(lambda m, t: m.bias[1 - t]),
        "bias summed": with_bias(lambda m, t: m.bias.sum(0)),
        "bias zero": with_bias(lambda m, t: torch.zeros(3)),
        "a matrix": lambda m, task: merged(m, m.task_index(task)),
        "nothing callable": 3,
    },
    "12-3": {
        "the mean": lambda W, lam, lam_s: W.mean(0),
        "swapped": lambda W, lam, lam_s: lam_s * W.sum(0) / (len(W) * lam_s + lam),
        "one W_s": lambda W, lam, lam_s: lam * W.sum(0) / (lam + lam_s),
        "mean and sum": lambda W, lam, lam_s: lam * W.mean(0) / (lam + lam_s),
        "sign": lambda W, lam, lam_s: lam * W.sum(0) / (len(W) * lam - lam_s),
        "adapters": lambda W, lam, lam_s: W - unmerge(W, lam, lam_s),
        "sum": lambda W, lam, lam_s: W.sum(0),
        "no lam above": lambda W, lam, lam_s: W.sum(0) / (len(W) * lam + lam_s),
        "T elsewhere": lambda W, lam, lam_s: lam * W.sum(0) / (lam + len(W) * lam_s),
        "mean, and T": lambda W, lam, lam_s: lam * W.mean(0) / (len(W) * lam + lam_s),
        "longer": lambda W, lam, lam_s: W.mean(0) * (1 + lam_s / (len(W) * lam)),
        "T - 1": lambda W, lam, lam_s: lam * W.sum(0) / ((len(W) - 1) * lam + lam_s),
        "balance of the W_t": lambda W, lam, lam_s: lam / lam_s * W.sum(0),
    },
    "12-4": {
        "percentages": {16: 0.0, 8: 0.0, 4: 2.5, 2: 21.9},
        "counts": {16: 0, 8: 1, 4: 4, 2: 35},
        "never changed": {16: 0.0, 8: 0.0, 4: 0.0, 2: 0.0},
        "below 0": {16: 0.0, 8: 0.0, 4: -0.025, 2: -0.22},
        "accuracy": {16: 0.73, 8: 0.73, 4: 0.72, 2: 0.65},
        "the share that stays": {16: 1.0, 8: 0.99, 4: 0.95, 2: 0.8},
        "keys swapped": {16: 0.2, 8: 0.05, 4: 0.01, 2: 0.0},
        "rounded twice": {16: 0.05, 8: 0.06, 4: 0.08, 2: 0.2},
        "the parts": flip_shares()["parts"],
        "one task only": {bits: share[0] for bits, share in flip_shares()["one task"].items()},
        "one layer for all": {bits: share[0] for bits, share in flip_shares()["one layer"].items()},
        "something else": {16: 0.0, 8: 0.0, 4: 0.01, 2: 0.05},
        "three of four": {16: 0.0, 8: 0.0, 4: 0.05},
        "a list": [0.0, 0.0, 0.05, 0.2],
    },
    "12-5": {
        **{update.__name__: tracker(update) for update, _ in TRACKER_MISTAKES},
        "a margin": tracker(by_a_margin),
        "one memory for all": OfTheClass,
        "an object": BestEpoch(),
    },
    "12-6": slips("rwwrrw"),
}

RIGHT = {
    "12-1": {
        "plain Python": lambda data: json.loads(
            bytes(data[8 : 8 + sum(b << 8 * i for i, b in enumerate(data[:8]))])
        ),
        "numpy": lambda data: json.loads(data[8 : 8 + int(np.frombuffer(data, "<u8", 1)[0])]),
        "torch": lambda data: json.loads(
            data[8:][: torch.frombuffer(bytearray(data[:8]), dtype=torch.int64).item()]
        ),
        "struct": lambda data: json.loads(
            data[8 : 8 + struct.unpack("<Q", data[:8])[0]].decode("utf-8")
        ),
    },
    "12-2": {"tensordot": by_tensordot},
    "12-3": {
        "shrunk mean": lambda W, lam, lam_s: W.mean(0) * len(W) * lam / (len(W) * lam + lam_s),
        "torch": lambda W, lam, lam_s: lam * W.sum(dim=0) / (W.shape[0] * lam + lam_s),
        "numpy": lambda W, lam, lam_s: (
            lam * np.sum(W, axis=0, keepdims=True)[0] / (np.shape(W)[0] * lam + lam_s)
        ),
        "plain Python": lambda W, lam, lam_s: [
            [
                sum(lam * float(W[t][c][j]) for t in range(len(W))) / (len(W) * lam + lam_s)
                for j in range(len(W[0][0]))
            ]
            for c in range(len(W[0]))
        ],
        "a fraction": lambda W, lam, lam_s: W.sum(0) / (len(W) + lam_s / lam),
    },
    "12-4": {
        "a column": pd.Series({16: 0.0, 8: 0.0, 4: 0.025, 2: 0.21875}),
        "another machine": {16: 0.0, 8: 0.00625, 4: 0.03125, 2: 0.2125},
        "tensors": {b: torch.tensor(v) for b, v in {16: 0.0, 8: 0.0, 4: 0.01875, 2: 0.225}.items()},
    },
    "12-5": {"with a history": WithHistory, "torch": WithTensors, "numpy": WithNumpy},
    "12-6": spellings("rwwrrw"),
}

WRONG["12-1"] |= {
    "four bytes": lambda data: json.loads(data[4 : 4 + n_of(data)]),
    "one byte": lambda data: json.loads(data[8 : 8 + data[0]]),
    "one too few": lambda data: json.loads(data[8 : 7 + n_of(data)]),
    "both": lambda data: (n_of(data), header(data)),
    "the numbers": lambda data: data[8 + n_of(data) :],
    "keys": lambda data: header(data).keys(),
}
WRONG["12-4"]["nan"] = {16: 0.0, 8: 0.0, 4: float("nan"), 2: 0.2}
