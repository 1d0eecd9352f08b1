"""Task heads: tasks of different kinds over one shared + adapter representation.

Enters: features x (n_docs, n_features), and for each task a head that knows its loss and its
    metric.
Leaves: a `MultiHead` model, trained by `fit_heads`, measured by `MultiHead.evaluate`.

    h_t(x) = activation(W_t x + b_t)                the representation: a `RAG` with hidden units for classes
    out_t  = head_t(h_t(x))
    J = sum_t alpha_t L_t(out_t, y_t) + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2

==================  ===============================  ===================================
====================
head                what y_t is                      L_t                                  metric
==================  ===============================  ===================================
====================
`Classification`    class numbers (n_docs,)          cross-entropy                        accuracy
`Regression`        numbers (n_docs,), (n_docs, m)   mean squared error / 2               R^2
`MultiLabel`        0/1 (n_docs, n_labels)           binary cross-entropy                 macro F1
`Ranking`           relevance (n_docs,)              RankNet, over pairs with y_i > y_j   pairs in right order
`Similarity`        likeness (n_pairs,) in [-1, 1]   (cosine - y)^2 / 2 of two documents  Spearman correlation
==================  ===============================  ===================================
====================

Sources: Caruana (1997); Burges et al. (2005), RankNet; Reimers & Gurevych (2019) for the cosine
    head.
"""

from __future__ import annotations

import torch
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, r2_score
from torch import nn
from tqdm.auto import tqdm

from ragteach.errors import at_least, one_of, refuse
from ragteach.losses import penalty
from ragteach.model import RAG

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda h: h}


class Head(nn.Module):
    """What a task does with its representation h (n_docs, n_hidden). A subclass sets the methods
    below.
    """

    metric_name = "metric"

    def __init__(self, size=1):
        super().__init__()
        at_least(f"size of {type(self).__name__}", size, 1)
        self.size, self.linear = size, None

    def build(self, n_hidden, generator):
        """Make the weights, once the representation's width is known."""
        self.linear = nn.Linear(n_hidden, self.size)
        with torch.no_grad():
            self.linear.weight.copy_(
                torch.randn(self.size, n_hidden, generator=generator) * n_hidden**-0.5
            )
            self.linear.bias.zero_()
        return self

    def forward(self, h):
        """Outputs (n_docs, size)."""
        return self.linear(h)

    def check(self, y):
        """Targets as a tensor of the right kind; refuses others."""
        raise NotImplementedError

    def loss(self, out, y):
        """L_t, one number."""
        raise NotImplementedError

    def predict(self, out):
        """What a user asked for, from the outputs."""
        raise NotImplementedError

    def metric(self, out, y):
        """How good it is; more is better."""
        raise NotImplementedError


class Classification(Head):
    """One of ``size`` classes."""

    metric_name = "accuracy"

    def __init__(self, size):
        super().__init__(size)
        if size < 2:
            raise refuse(
                expected="2 classes or more",
                got=f"{size}",
                fix="use MultiLabel(1) for one yes/no label",
            )

    def check(self, y):
        y = torch.as_tensor(y)
        fine = (
            y.ndim == 1
            and not y.is_floating_point()
            and (len(y) == 0 or 0 <= y.min() <= y.max() < self.size)
        )
        return _fine(y.long(), fine, f"class numbers 0 .. {self.size - 1}, shape (n_docs,)")

    def loss(self, out, y):
        return nn.functional.cross_entropy(out, y)

    def predict(self, out):
        return out.argmax(1)

    def metric(self, out, y):
        return (out.argmax(1) == y).float().mean().item()


class Regression(Head):
    """``size`` numbers."""

    metric_name = "r2"

    def check(self, y):
        y = torch.as_tensor(y, dtype=torch.get_default_dtype())
        y = y.unsqueeze(1) if y.ndim == 1 else y
        fine = y.ndim == 2 and y.shape[1] == self.size and bool(torch.isfinite(y).all())
        return _fine(y, fine, f"finite numbers of shape (n_docs, {self.size})")

    def loss(self, out, y):
        return (out - y).square().mean() / 2

    def predict(self, out):
        return out.squeeze(1) if self.size == 1 else out

    def metric(self, out, y):
        return float(r2_score(y.numpy(), out.numpy()))


class MultiLabel(Head):
    """Any number of ``size`` labels: each is there or not."""

    metric_name = "f1"

    def check(self, y):
        y = torch.as_tensor(y, dtype=torch.get_default_dtype())
        fine = y.ndim == 2 and y.shape[1] == self.size and bool(((y == 0) | (y == 1)).all())
        return _fine(y, fine, f"zeros and ones of shape (n_docs, {self.size})")

    def loss(self, out, y):
        return nn.functional.binary_cross_entropy_with_logits(out, y)

    def predict(self, out):
        return (out > 0).long()

    def metric(self, out, y):
        return float(
            f1_score(y.numpy(), self.predict(out).numpy(), average="macro", zero_division=0)
        )


class Ranking(Head):
    """A score per document, so that more relevant ones come first."""

    metric_name = "pairs in order"

    def check(self, y):
        y = torch.as_tensor(y, dtype=torch.get_default_dtype())
        fine = y.ndim == 1 and bool(torch.isfinite(y).all()) and len(y.unique()) > 1
        return _fine(y, fine, "relevances of shape (n_docs,), not all equal")

    def loss(self, out, y):
        ahead = y[:, None] > y[None]  # (n_docs, n_docs): i should stand before j
        return nn.functional.softplus(out[None, :, 0] - out[:, None, 0])[ahead].mean()

    def predict(self, out):
        return out[:, 0]

    def metric(self, out, y):
        ahead = y[:, None] > y[None]
        gap = (out[:, None, 0] - out[None, :, 0])[ahead]
        return ((gap > 0).float() + (gap == 0).float() / 2).mean().item()


class Similarity(Head):
    """How alike two documents are: the cosine of their projections. Its x is a pair (x_left,
    x_right).
    """

    metric_name = "spearman"

    def __init__(self, size=8):
        super().__init__(size)

    def forward(self, h):
        left, right = h
        return nn.functional.cosine_similarity(
            self.linear(left), self.linear(right), dim=1
        )  # (n_pairs,)

    def check(self, y):
        y = torch.as_tensor(y, dtype=torch.get_default_dtype())
        return _fine(
            y, y.ndim == 1 and bool((y.abs() <= 1).all()), "likeness in -1 .. 1, shape (n_pairs,)"
        )

    def loss(self, out, y):
        return (out - y).square().mean() / 2

    def predict(self, out):
        return out

    def metric(self, out, y):
        return float(spearmanr(out.numpy(), y.numpy()).statistic)


HEADS = {cls.__name__: cls for cls in (Classification, Regression, MultiLabel, Ranking, Similarity)}


class MultiHead(nn.Module):
    """A `RAG` representation with one head per task.

    Intuition: the adapters bend the shared representation to each task, and the head turns it into
    an answer of the task's own kind.

    Args:
        input_dim: d, number of features.
        heads: a dict from task name to head. The tasks' order is the dict's.
        n_hidden: width of the representation.
        activation: ``"tanh"``, ``"relu"`` or ``"identity"`` (then every task is linear in x).
        num_adapters: K. Default: one per task.
        scale: size of the random start. Default: 1 / sqrt(d), so that units start neither flat nor
            saturated.
        options: passed to `RAG`: graph, adapter, rank, seed, bias, ...

    Raises:
        RagteachError: no heads, an unknown activation, targets that do not fit their head.

    Example:
        >>> model = MultiHead(20, {"topic": Classification(4), "stars": Regression()}, n_hidden=8)
        >>> model(torch.zeros(5, 20), "topic").shape, model.predict(torch.zeros(5, 20), "stars").shape
        (torch.Size([5, 4]), torch.Size([5]))
    """

    def __init__(
        self,
        input_dim,
        heads,
        n_hidden=16,
        *,
        activation="tanh",
        num_adapters=None,
        scale=None,
        **options,
    ):
        super().__init__()
        one_of("activation", activation, ACTIVATIONS)
        if not heads or not all(isinstance(head, Head) for head in heads.values()):
            raise refuse(
                expected="a dict from task name to head", got=f"{heads!r}",
                fix=f"give each task one of {', '.join(HEADS)}",
            )  # fmt: skip
        num_adapters = len(heads) if num_adapters is None else num_adapters
        scale = input_dim**-0.5 if scale is None else scale
        self.body = RAG(
            input_dim, n_hidden, num_adapters, tasks=list(heads), scale=scale, **options
        )
        generator = torch.Generator().manual_seed(self.body.seed)
        # ModuleList, for task names may hold dots
        self.heads = nn.ModuleList([head.build(n_hidden, generator) for head in heads.values()])
        self.activation = activation

    task_names = property(lambda self: self.body.task_names)

    def head(self, task):
        """The head of a task, by name or number."""
        return self.heads[self.body.task_index(task)]

    def represent(self, x, task):
        """h_t(x): (n_docs, n_hidden); of a pair (x_left, x_right), the pair of both."""
        if isinstance(x, tuple | list):
            return tuple(self.represent(part, task) for part in x)
        x = torch.as_tensor(x, dtype=self.body.shared.dtype)
        return ACTIVATIONS[self.activation](self.body(x, task))

    def forward(self, x, task):
        """The task's raw outputs."""
        return self.head(task)(self.represent(x, task))

    @torch.no_grad()
    def predict(self, x, task):
        """Classes, numbers, 0/1 labels, scores or cosines, by the task's kind."""
        return self.head(task).predict(self(x, task))

    def losses(self, data):
        """L_t of each task in ``data``, a dict task -> (x, y): a dict task -> number."""
        return {
            task: self.head(task).loss(self(x, task), y)
            for task, (x, y) in self.checked(data).items()
        }

    def objective(self, losses, alpha=None, lam=0.0, lam_shared=0.0):
        """J from the tasks' losses; ``alpha``: a dict task -> weight, default 1 each."""
        shared, adapters, _ = self.body.parts()
        total = sum((alpha or {}).get(task, 1.0) * loss for task, loss in losses.items())
        return total + penalty(shared, adapters, lam, lam_shared)

    @torch.no_grad()
    def evaluate(self, data):
        """Loss and metric of every task: ``{"topic": {"loss": ..., "accuracy": ...}, ...}``."""
        result = {}
        for task, (x, y) in self.checked(data).items():
            head, out = self.head(task), self(x, task)
            result[task] = {"loss": head.loss(out, y).item(), head.metric_name: head.metric(out, y)}
        return result

    def checked(self, data):
        """``data`` with tensors for targets; refuses targets that do not fit their head."""
        return {task: (x, self.head(task).check(y)) for task, (x, y) in data.items()}


def fit_heads(
    model,
    data,
    epochs=200,
    lr=0.02,
    lam=0.0,
    lam_shared=0.0,
    alpha=None,
    callbacks=(),
    progress=True,
):
    """Train a `MultiHead` on all tasks at once, full batch, by Adam.

    Args:
        model: trained in place.
        data: a dict task -> (x, y); x is (x_left, x_right) for `Similarity`.
        alpha: a dict task -> weight, default 1 each. Losses of different kinds have different
            units: here you balance them.
        callbacks: objects with ``on_epoch(model, epoch, record)``, as in `fit`.

    Returns:
        list of records, one per epoch: ``{"epoch": ..., "loss": J, "loss/<task>": L_t, ...}``.
    """
    (
        at_least("epochs", epochs),
        at_least("lr", lr),
        at_least("lam", lam),
        at_least("lam_shared", lam_shared),
    )
    for task in [*data, *(alpha or {})]:
        one_of("task", task, model.task_names)
    data = model.checked(data)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    records = []
    for epoch in tqdm(range(1, epochs + 1), disable=not progress, unit="epoch"):
        optimizer.zero_grad()
        losses = model.losses(data)
        total = model.objective(losses, alpha, lam, lam_shared)
        total.backward()
        optimizer.step()
        record = {"epoch": epoch, "loss": total.item()} | {
            f"loss/{t}": v.item() for t, v in losses.items()
        }
        records.append(record)
        for callback in callbacks:
            callback.on_epoch(model, epoch, record)
    return records


def _fine(y, fine, expected):
    if not fine:
        found = f"shape {tuple(y.shape)}" + (
            f", values {y.min():g} .. {y.max():g}" if y.numel() else ""
        )
        raise refuse(
            expected=expected, got=found, fix="check which head the task has, and its targets"
        )
    return y
