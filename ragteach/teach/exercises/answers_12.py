"""Answers to the exercises of lesson 12: the references, and mistakes that the checks recognise."""

import copy
import functools
import json

import torch

from ragteach.data.splits import split_frame
from ragteach.data.toy import make_toy
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve
from ragteach.model import RAG

# ------------------------------------------------------------------ 12-1


def header(data):
    """The reference of 12-1."""
    n = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + n])


def _fails_like(wrong):
    """Whether the learner's function makes the same error as ``wrong`` on the same bytes."""

    def same(yours, data):
        said = []
        for function in (yours, wrong):
            try:
                said.append(function(data))
            except Exception as error:
                said.append((type(error).__name__, str(error)))
        return said[0] == said[1]

    return same


def _n(data):
    return int.from_bytes(data[:8], "little")


HEADER_ERRORS = [
    (
        _fails_like(lambda data: json.loads(data[4 : 4 + _n(data)])),
        "The length has eight bytes, not four. The header begins at byte 8.",
    ),
    (
        _fails_like(lambda data: json.loads(data[8 : 8 + data[0]])),
        "One byte of the length is no length. All eight make the number.",
    ),
    (
        _fails_like(lambda data: json.loads(data[8 : 7 + _n(data)])),
        "The last byte of the header is missing: it ends at byte 8 + n, and a slice leaves its end out.",
    ),
    (
        _fails_like(lambda data: json.loads(data[8:])),
        "You read to the end of the file; the header ends at byte 8 + n. Is n there, and read "
        'with "little"?',
    ),
    (
        _fails_like(lambda data: json.loads(data[8 : _n(data)])),
        "The header starts at byte 8, so it ends at byte 8 + n, not at n: the last 8 bytes "
        "are missing.",
    ),
    (
        _fails_like(lambda data: json.loads(data[: 8 + _n(data)])),
        "The first 8 bytes are the length, not text. Begin at byte 8.",
    ),
]
HEADER_TEXT = "That is the text. json.loads makes a dict of it."
HEADER_N = "That is the length n of the header. Now read the n bytes after it."
HEADER_KINDS = {  # what came instead of the dict
    str: HEADER_TEXT,
    int: HEADER_N,
    bytes: "Those are bytes of the file. Read the n bytes of the header as JSON.",
    tuple: "Return the header alone, without its length.",
    list: "These are the names alone. Return the whole dict.",
}
HEADER_PART = "That is a part of the header. Return the whole dict."


# ------------------------------------------------------------------ 12-2


def _sum(model, t, route):
    weight = model.shared.clone()
    for k, name in enumerate(model.adapter_names):
        weight += route(model, k, name) * model.adapters[name].weight
    return weight


def merge(model, task):
    """The reference of 12-2."""
    linear = torch.nn.Linear(model.n_features, model.n_classes)
    t = model.task_index(task)
    with torch.no_grad():
        weight = model.shared.clone()
        for k, name in enumerate(model.adapter_names):
            if model.active[name]:
                weight += model.graph[t, k] * model.adapters[name].weight
        linear.weight.copy_(weight)
        linear.bias.copy_(model.bias[t])
    return linear


@torch.no_grad()
def _variant(route, shared=True):
    def value(model, t):
        with torch.no_grad():
            total = _sum(model, t, lambda model, k, name: route(model, t, k, name))
            return total if shared else total - model.shared

    return value


MERGE_WEIGHTS = [
    (_variant(lambda m, t, k, n: 0.0), "This is W_s alone. Add the adapters that serve the task."),
    (
        _variant(lambda m, t, k, n: m.active[n] * m.graph[t, k], shared=False),
        "W_s is missing: you sum the adapters only.",
    ),
    (
        _variant(lambda m, t, k, n: m.graph[t, k]),
        "An inactive adapter is in the sum. Only the active ones take part in W_t.",
    ),
    (
        _variant(lambda m, t, k, n: 1.0),
        "Every adapter is added with weight 1, whatever the task: the article's collapse. "
        "Use the graph.",
    ),
    (
        _variant(lambda m, t, k, n: float(m.active[n])),
        "The active adapters are added with weight 1. The graph says how much: G[t, k] A_k.",
    ),
    (
        _variant(lambda m, t, k, n: m.active[n] * float(m.graph[t, k] != 0)),
        "You ask whether G[t, k] is zero, but it is a weight: multiply the adapter by it.",
    ),
    (
        _variant(lambda m, t, k, n: m.active[n] * m.graph[1 - t, k]),
        "These are the adapters of another task. The row of G is model.task_index(task).",
    ),
    (
        _variant(lambda m, t, k, n: m.active[n] * m.graph[t, k] ** 2),
        "The weight of the graph is squared. A_k comes in once, times G[t, k].",
    ),
    (
        _variant(lambda m, t, k, n: -m.active[n] * m.graph[t, k]),
        "The adapters are subtracted. W_t = W_s PLUS what the graph adds.",
    ),
    (
        _variant(lambda m, t, k, n: m.active[n] * m.graph[t, k] / m.graph[t].sum()),
        "You made the weights of the graph sum to 1. They are used as they are.",
    ),
]


# ------------------------------------------------------------------ 12-3


def unmerge(weights, lam, lam_shared):
    """The reference of 12-3."""
    n_tasks = len(weights)
    return lam * weights.sum(0) / (n_tasks * lam + lam_shared)


UNMERGE_MISTAKES = [
    (
        lambda W, lam, lam_s: W.mean(0),
        "The mean of the W_t would be W_s if the adapters summed to zero. With lam_shared > 0 "
        "they do not.",
    ),
    (
        lambda W, lam, lam_s: lam_s * W.sum(0) / (len(W) * lam_s + lam),
        "The two penalties are swapped: lam_shared belongs to W_s.",
    ),
    (
        lambda W, lam, lam_s: lam * W.sum(0) / (lam + lam_s),
        "W_s stands in every one of the T equations: the sum holds T W_s, not one.",
    ),
    (
        lambda W, lam, lam_s: lam * W.mean(0) / (lam + lam_s),
        "You took the mean of the W_t but the sum in balance. Use the sum on both "
        "sides, with T W_s.",
    ),
    (
        lambda W, lam, lam_s: W.sum(0) / (len(W) * lam + lam_s),
        "The factor lam is missing above the line: multiply the whole equation by lam.",
    ),
    (
        lambda W, lam, lam_s: lam * W.sum(0) / (lam + len(W) * lam_s),
        "T stands beside the wrong penalty: the sum of the W_t holds T W_s, and lam is its factor.",
    ),
    (
        lambda W, lam, lam_s: lam * W.mean(0) / (len(W) * lam + lam_s),
        "You took the mean of the W_t and T W_s as well. The T equations are added up: their sum.",
    ),
    (
        lambda W, lam, lam_s: W.mean(0) * (len(W) * lam + lam_s) / (len(W) * lam),
        "The factor of the mean is upside down: W_s is a little shorter than the mean, not longer.",
    ),
    (
        lambda W, lam, lam_s: lam * W.sum(0) / ((len(W) - 1) * lam + lam_s),
        "There are T equations, and W_s stands in each of them: T, not T - 1.",
    ),
    (
        lambda W, lam, lam_s: lam * W.sum(0) / (len(W) * lam - lam_s),
        "A sign: sum_t A_t = + (lam_shared / lam) W_s, so both terms are added.",
    ),
    (
        lambda W, lam, lam_s: W - unmerge(W, lam, lam_s),
        "These are the adapters, W_t - W_s. The question is W_s.",
    ),
    (
        lambda W, lam, lam_s: lam / lam_s * W.sum(0),
        "Balance holds for the adapters A_t = W_t - W_s, not for the W_t themselves.",
    ),
    (lambda W, lam, lam_s: W.sum(0), "This is the sum of the W_t. Now solve it for W_s."),
]


# ------------------------------------------------------------------ 12-4


FLIP_TOLERANCE = 2.5 / 160  # two sentences of 160: ties may fall differently


@functools.cache
def flip_shares():
    """The model and the test sentences of the lesson: {which layers and sentences: {bits:
    share}}.
    """
    train, _, test = split_frame(make_toy(relatedness=0.5, n_per_task=200, seed=0), seed=0)
    data = MultiTaskDataset.from_frame(train)
    names = data.task_names
    model = RAG(data.n_features, 3, data.n_tasks, tasks=names, adapters=names)
    solve(model, data, 0.01, 0.01)
    test = MultiTaskDataset.from_frame(test, data.vectorizer, names)
    found: dict[str, dict] = {"right": {}, "one layer": {}, "one task": {}, "parts": {}}
    for bits in (16, 8, 4, 2):
        # (T, n_docs)
        differ = torch.stack([_flipped(model.merge(name), test.x, bits) for name in names])
        own = differ[test.task, torch.arange(len(test))]  # each sentence by the layer of its task
        found["right"][bits] = own.mean().item()
        found["parts"][bits] = _flipped_parts(model, test, bits)
        found["one layer"][bits] = differ.mean(1).tolist()
        found["one task"][bits] = [own[test.task == t].mean().item() for t in range(len(names))]
    return found


def _rounded(weight, bits):
    top = weight.abs().max()
    step = 2 * top / (2**bits - 1)
    return torch.round((weight + top) / step) * step - top


@torch.no_grad()
def _flipped(layer, x, bits):
    """(n_docs,) 1.0 where the prediction changes if the weights are rounded."""
    before = layer(x).argmax(1)
    layer.weight.copy_(_rounded(layer.weight, bits))
    return (layer(x).argmax(1) != before).float()


@torch.no_grad()
def _flipped_parts(model, test, bits):
    """The share that changes if W_s and the adapters are rounded, not what they add up to."""
    other = copy.deepcopy(model)
    other.shared.copy_(_rounded(other.shared, bits))
    for adapter in other.adapters.values():
        adapter.full.copy_(_rounded(adapter.full, bits))
    before, after = (m(test.x, test.task).argmax(1) for m in (model, other))
    return (before != after).float().mean().item()


# ------------------------------------------------------------------ 12-5


class BestEpoch:
    """The reference of 12-5."""

    def __init__(self):
        self.epoch, self.val_loss = None, float("inf")

    def on_epoch(self, model, epoch, record):
        if record["val_loss"] < self.val_loss:
            self.epoch = epoch
            self.val_loss = record["val_loss"]


# Four runs: the number of the first epoch, validation losses, training losses.
RUNS = (
    (1, [0.9, 0.5, 0.95, 0.5, 0.8], [0.8, 0.7, 0.5, 0.6, 0.9]),
    (7, [30.0, 21.0, 26.0, 24.0, 25.0], [9.0, 9.5, 7.0, 7.5, 8.0]),
    (1, [0.6, 0.65, 0.7, 0.55, 0.75], [0.5, 0.7, 0.6, 0.65, 0.8]),
    (1, [0.6, 0.5, 0.499, 0.53, 0.7], [0.7, 0.5, 0.6, 0.4, 0.8]),  # lower by very little
)


def followed(kind, run):
    """(epoch, val_loss) of a tracker of this kind after one run."""
    first, val_losses, losses = run
    tracker = kind()
    for i, val_loss in enumerate(val_losses):
        record = {
            "epoch": first + i,
            "phase": "joint",
            "loss": losses[i],
            "val_loss": val_loss,
        }
        tracker.on_epoch(None, first + i, record)
    return tracker.epoch, tracker.val_loss


def tracker(update):
    """A tracker that does ``update(self, epoch, record)``."""

    class Tracker(BestEpoch):
        def on_epoch(self, model, epoch, record):
            update(self, epoch, record)

    return Tracker


def _keep(self, epoch, value):
    self.epoch = epoch
    self.val_loss = value


def last(self, epoch, record):
    _keep(self, epoch, record["val_loss"])


def training_loss(self, epoch, record):
    if record["loss"] < self.val_loss:
        _keep(self, epoch, record["loss"])


def by_training_loss(self, epoch, record):
    if record["loss"] < getattr(self, "best", float("inf")):
        self.best = record["loss"]
        _keep(self, epoch, record["val_loss"])


def both_lower(self, epoch, record):
    if record["val_loss"] < self.val_loss and record["loss"] < getattr(self, "best", 1e9):
        self.best = record["loss"]
        _keep(self, epoch, record["val_loss"])


def highest(self, epoch, record):
    if self.epoch is None or record["val_loss"] > self.val_loss:
        _keep(self, epoch, record["val_loss"])


def last_of_equals(self, epoch, record):
    if record["val_loss"] <= self.val_loss:
        _keep(self, epoch, record["val_loss"])


def from_zero(self, epoch, record):
    if record["val_loss"] < self.val_loss:
        _keep(self, epoch - 1, record["val_loss"])


def counts_calls(self, epoch, record):
    self.calls = getattr(self, "calls", 0) + 1
    if record["val_loss"] < self.val_loss:
        _keep(self, self.calls, record["val_loss"])


def epoch_always(self, epoch, record):
    _keep(self, epoch, min(self.val_loss, record["val_loss"]))


def first_only(self, epoch, record):
    if self.epoch is None:
        _keep(self, epoch, record["val_loss"])


def loss_forgotten(self, epoch, record):
    if record["val_loss"] < self.val_loss:
        self.epoch = epoch


def previous_epoch(self, epoch, record):
    if record["val_loss"] < getattr(self, "before", float("inf")):
        _keep(self, epoch, record["val_loss"])
    self.before = record["val_loss"]


def stops_at_a_rise(self, epoch, record):
    if getattr(self, "stopped", False):
        return
    if record["val_loss"] < self.val_loss:
        _keep(self, epoch, record["val_loss"])
    else:
        self.stopped = True


TRACKER_MISTAKES = [
    (
        last,
        "This is the last epoch, not the best. Change self only if the loss is lower than before.",
    ),
    (
        training_loss,
        'This follows record["loss"], the training loss. It nearly always falls; val_loss judges.',
    ),
    (
        by_training_loss,
        'The epoch is chosen by record["loss"]. It is val_loss that judges, and val_loss '
        "that is kept.",
    ),
    (
        both_lower,
        "You ask that the training loss is lower as well. Only val_loss judges: leave "
        "the other out.",
    ),
    (highest, "This is the epoch with the highest loss. Lower is better."),
    (last_of_equals, "If two epochs are equal, keep the first: compare with <, not with <=."),
    (from_zero, "Your epoch is one too low. The argument epoch is the number to keep, as it is."),
    (
        counts_calls,
        "You count the calls. A run may go on from epoch 7: keep the argument epoch.",
    ),
    (epoch_always, "The loss is right, but the epoch is the last one. Keep both together."),
    (
        loss_forgotten,
        "The epoch is kept but not its loss, so every epoch looks better than infinity. Keep "
        "both together.",
    ),
    (first_only, "This is the first epoch: later, better ones are not kept."),
    (
        previous_epoch,
        "You compare with the epoch before. Compare with the best so far, self.val_loss.",
    ),
    (
        stops_at_a_rise,
        "You stop looking at the first rise. The loss may fall again, below the best so far.",
    ),
]
