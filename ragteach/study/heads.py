"""Task heads: tasks of different kinds over one shared + adapter representation.

Enters: features x (n_docs, n_features), and for each task a head that knows its loss and metric.
Leaves: a `MultiHead` model, trained by `fit_heads`, measured by `MultiHead.evaluate`.

    h_t(x) = activation(W_t x + b_t)      the representation: a `RAG` with hidden units for classes
    out_t  = head_t(h_t(x))
    J = sum_t alpha_t L_t(out_t, y_t) + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2

================  ==============================  ==============================  ==============
head              what y_t is                     L_t                             metric
================  ==============================  ==============================  ==============
`Classification`  class numbers (n_docs,)         cross-entropy                   accuracy
`Regression`      numbers (n_docs,), (n_docs, m)  mean squared error / 2          R^2
`MultiLabel`      0/1 (n_docs, n_labels)          binary cross-entropy            macro F1
`Ranking`         relevance (n_docs,)             RankNet: pairs with y_i > y_j   pairs in order
`Similarity`      likeness (n_pairs,) in [-1, 1]  (cosine - y)^2 / 2 of two docs  Spearman
================  ==============================  ==============================  ==============

Sources: Caruana (1997); Burges et al. (2005), RankNet; Reimers & Gurevych (2019) for the cosine
head.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, r2_score
from torch import nn
from tqdm.auto import tqdm

from ragteach.errors import DivergenceWarning, at_least, one_of, refuse, whole
from ragteach.losses import penalty
from ragteach.model import RAG

CHECK = "check which head the task has, and its targets"
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda h: h}


class Head(nn.Module):
    """What a task does with its representation h (n_docs, n_hidden). Subclasses say how."""

    metric_name = "metric"

    def __init__(self, size=1):
        super().__init__()
        whole(f"size of {type(self).__name__}", size, 1)
        self.size = size
        self.linear: nn.Linear | None = None

    def build(self, n_hidden, generator):
        """Make the weights, once the representation's width is known."""
        start = torch.randn(self.size, n_hidden, generator=generator) * n_hidden**-0.5
        self.linear = nn.Linear(n_hidden, self.size)
        with torch.no_grad():
            self.linear.weight.copy_(start)
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
                expected="a size of 2 classes or more",
                got=f"size = {size}",
                fix="use MultiLabel(1) for one yes/no label",
            )

    def check(self, y):
        expected = f"class numbers 0 .. {self.size - 1}, shape (n_docs,)"
        y = _numbers(y, expected)
        fine = y.ndim == 1 and torch.equal(y, y.round())  # NaN is unlike itself
        fine = fine and (len(y) == 0 or 0 <= y.min() <= y.max() < self.size)
        return _fine(y, fine, expected).long()

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
        expected = f"finite numbers of shape (n_docs, {self.size})"
        y = _numbers(y, expected)
        y = y.unsqueeze(1) if y.ndim == 1 else y
        fine = y.ndim == 2 and y.shape[1] == self.size and bool(torch.isfinite(y).all())
        return _fine(y, fine, expected)

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
        expected = f"zeros and ones of shape (n_docs, {self.size})"
        y = _numbers(y, expected)
        fine = y.ndim == 2 and y.shape[1] == self.size and bool(((y == 0) | (y == 1)).all())
        return _fine(y, fine, expected)

    def loss(self, out, y):
        return nn.functional.binary_cross_entropy_with_logits(out, y)

    def predict(self, out):
        return (out > 0).long()

    def metric(self, out, y):
        said = self.predict(out).numpy()
        return float(f1_score(y.numpy(), said, average="macro", zero_division=0))


class Ranking(Head):
    """A score per document, so that more relevant ones come first."""

    metric_name = "pairs in order"

    def check(self, y):
        expected = "finite relevances of shape (n_docs,), not all equal"
        y = _numbers(y, expected)
        fine = y.ndim == 1 and bool(torch.isfinite(y).all()) and len(y.unique()) > 1
        return _fine(y, fine, expected)

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
    """How alike two documents are: the cosine of their projections. x is a pair (left, right)."""

    metric_name = "spearman"

    def __init__(self, size=8):
        super().__init__(size)

    def forward(self, h):
        left, right = (self.linear(part) for part in h)
        return nn.functional.cosine_similarity(left, right, dim=1)  # (n_pairs,)

    def check(self, y):
        expected = "likeness in -1 .. 1, shape (n_pairs,)"
        y = _numbers(y, expected)
        return _fine(y, y.ndim == 1 and bool((y.abs() <= 1).all()), expected)

    def loss(self, out, y):
        return (out - y).square().mean() / 2

    def predict(self, out):
        return out

    def metric(self, out, y):
        return float(spearmanr(out.numpy(), y.numpy()).statistic)


HEADS = {cls.__name__: cls for cls in (Classification, Regression, MultiLabel, Ranking, Similarity)}


class MultiHead(nn.Module):
    """A `RAG` representation with one head per task.

    Intuition: the adapters bend the shared representation to each task, and the head turns it
    into an answer of the task's own kind.

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
        >>> x = torch.zeros(5, 20)
        >>> model(x, "topic").shape, model.predict(x, "stars").shape
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
        whole("input_dim", input_dim, 1)
        whole("n_hidden", n_hidden, 1)
        one_of("activation", activation, ACTIVATIONS)
        _check_heads(heads)
        num_adapters = len(heads) if num_adapters is None else num_adapters
        scale = input_dim**-0.5 if scale is None else scale
        options |= {"tasks": list(heads), "scale": scale}
        self.body = RAG(input_dim, n_hidden, num_adapters, **options)
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
        pair = isinstance(self.head(task), Similarity)
        parts = [self._features(part) for part in (_pair(x) if pair else [x])]
        h = [ACTIVATIONS[self.activation](self.body(part, task)) for part in parts]
        return tuple(h) if pair else h[0]

    def forward(self, x, task):
        """The task's raw outputs."""
        return self.head(task)(self.represent(x, task))

    @torch.no_grad()
    def predict(self, x, task):
        """Classes, numbers, 0/1 labels, scores or cosines, by the task's kind."""
        return self.head(task).predict(self(x, task))

    def losses(self, data):
        """L_t of each task in ``data``, a dict task -> (x, y): a dict task -> number."""
        return self._losses(self.checked(data))

    def _losses(self, checked):
        return {task: self.head(task).loss(self(x, task), y) for task, (x, y) in checked.items()}

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
        """``data`` with tensors for x and y; refuses what does not fit the tasks' heads."""
        if not isinstance(data, Mapping) or not data:
            raise refuse(
                expected="data as a dict from task to (x, y), with at least one task",
                got="data = {}" if isinstance(data, Mapping) else f"a {type(data).__name__}",
                fix=f"give {{{self.task_names[0]!r}: (features, targets)}}",
            )
        checked = {}
        for task, given in data.items():
            one_of("task in data", task, self.task_names)
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise refuse(
                    expected=f"data[{task!r}] to be a pair (x, y): features and targets",
                    got=f"{type(given).__name__}",
                    fix="give two things of the same length",
                )
            x, head = given[0], self.head(task)
            y = head.check(given[1])
            pair = isinstance(head, Similarity)
            parts = [self._features(part) for part in (_pair(x) if pair else [x])]
            if any(len(part) != len(y) for part in parts) or not len(y):
                raise refuse(
                    expected=f"as many targets y as documents x in data[{task!r}], and at least one",
                    got=f"{len(y)} targets for {' and '.join(str(len(p)) for p in parts)} documents",
                    fix="give x and y the same length",
                )
            checked[task] = (tuple(parts) if pair else parts[0], y)
        return checked

    def _features(self, x):
        """Features as a finite tensor (n_docs, n_features) of the model's precision."""
        body = self.body
        expected = f"finite features x of shape (n_docs, {body.n_features})"
        x = _numbers(x, expected).to(body.shared)
        return _fine(
            x,
            x.ndim == 2 and x.shape[1] == body.n_features and bool(x.isfinite().all()),
            expected,
            "turn texts into numbers with the vectoriser of the training texts",
        )


def fit_heads(
    model: MultiHead,
    data: Mapping[str, tuple],
    epochs: int = 200,
    lr: float = 0.02,
    lam: float = 0.0,
    lam_shared: float = 0.0,
    alpha: Mapping[str, float] | None = None,
    callbacks: Iterable = (),
    progress: bool = True,
) -> list[dict]:
    """Train a `MultiHead` on all tasks at once, full batch, by Adam.

    Args:
        model: trained in place.
        data: a dict task -> (x, y); x is (x_left, x_right) for `Similarity`.
        epochs, lr: steps of Adam, and their size.
        lam, lam_shared: penalties on the adapters and on W_s.
        alpha: a dict task -> weight >= 0, default 1 each. Losses of different kinds have different
            units: here you balance them.
        callbacks: objects with ``on_epoch(model, epoch, record)``, as in `fit`.
        progress: show a tqdm bar.

    Returns:
        list of records, one per epoch: ``{"epoch": ..., "loss": J, "loss/<task>": L_t, ...}``. If J
        stops being finite, training ends there with a warning and the last weights that had a
        finite J.

    Raises:
        RagteachError: data, weights or penalties that do not fit; before any training.
    """
    if not isinstance(model, MultiHead):
        raise refuse(
            expected="model to be a MultiHead",
            got=f"{type(model).__name__}",
            fix="MultiHead(n_features, {task: head, ...}); a RAG is trained by fit()",
        )
    whole("epochs", epochs)
    for name, value in (("lr", lr), ("lam", lam), ("lam_shared", lam_shared)):
        at_least(name, value)
    data = model.checked(data)
    alpha = _alphas(alpha, data)
    callbacks = _callbacks(callbacks)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=lr)
    records: list[dict] = []
    kept = None
    for epoch in tqdm(range(1, epochs + 1), disable=not progress, unit="epoch"):
        optimizer.zero_grad()
        losses = model._losses(data)
        total = model.objective(losses, alpha, lam, lam_shared)
        if not torch.isfinite(total):
            _say_diverged(model, kept, epoch)
            break
        kept = [p.detach().clone() for p in model.parameters()]
        total.backward()
        optimizer.step()
        record = {"epoch": epoch, "loss": total.item()}
        record |= {f"loss/{task}": loss.item() for task, loss in losses.items()}
        records.append(record)
        for callback in callbacks:
            callback.on_epoch(model, epoch, record)
    return records


def _say_diverged(model: MultiHead, kept: list | None, epoch: int) -> None:
    """Put the last weights of a finite J back, and say so."""
    if kept is not None:
        with torch.no_grad():
            for p, before in zip(model.parameters(), kept, strict=True):
                p.copy_(before)
    warnings.warn(
        f"J is not finite in epoch {epoch}: training stopped, and the weights of the epoch before "
        "are kept. Use a smaller lr, or features and targets nearer to 0 .. 1.",
        DivergenceWarning,
        stacklevel=3,
    )


# ---------------------------------------------------------------- checks


def _check_heads(heads: Any) -> None:
    """Refuse anything but a dict from task name to a head of its own."""
    mapping = isinstance(heads, Mapping) and len(heads) > 0
    if not mapping or not all(isinstance(head, Head) for head in heads.values()):
        raise refuse(
            expected="heads as a dict from task name to head",
            got=f"{heads!r}",
            fix=f"give each task one of {', '.join(HEADS)}",
        )
    if len({id(head) for head in heads.values()}) < len(heads):
        raise refuse(
            expected="heads, one of its own for each task",
            got="the same object for several tasks",
            fix="make a new one each time, such as {'a': Classification(3), 'b': Classification(3)}",
        )


def _alphas(alpha: Any, data: Mapping) -> dict[str, float]:
    """alpha_t by task, 1 where none is given."""
    alpha = {} if alpha is None else alpha
    if not isinstance(alpha, Mapping):
        raise refuse(
            expected="alpha as a dict from task to weight",
            got=f"alpha = {alpha!r}",
            fix=f"give {{{next(iter(data))!r}: 2.0}}; tasks that are left out weigh 1",
        )
    for task, weight in alpha.items():
        one_of("task in alpha", task, data)
        at_least(f"alpha[{task!r}]", weight)
    alphas = {task: float(alpha.get(task, 1.0)) for task in data}
    if not any(alphas.values()):
        raise refuse(
            expected="a positive alpha for at least one task",
            got=f"alpha = {alpha!r}",
            fix="leave alpha out: every task then weighs 1",
        )
    return alphas


def _callbacks(callbacks: Any) -> list:
    """Callbacks as a list, each with a method on_epoch."""
    try:
        listed = list(callbacks)
    except TypeError:
        listed = [callbacks]
    if not all(callable(getattr(callback, "on_epoch", None)) for callback in listed):
        raise refuse(
            expected="callbacks as a list of objects with a method on_epoch",
            got=f"callbacks = {callbacks!r}",
            fix="write a class with on_epoch(self, model, epoch, record), and pass [YourClass()]",
        )
    return listed


def _pair(x: Any) -> tuple:
    """The two sides of the documents of a `Similarity` task."""
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise refuse(
            expected="features x of a Similarity task as a pair (x_left, x_right)",
            got=f"{type(x).__name__}",
            fix="give two matrices of the same shape, row i of each belonging together",
        )
    return tuple(x)


def _numbers(values: Any, expected: str) -> torch.Tensor:
    """Values as a tensor of default precision."""
    try:
        values = values.toarray() if hasattr(values, "toarray") else values
        values = values if isinstance(values, torch.Tensor) else np.asarray(values, dtype=float)
        if torch.is_tensor(values) and values.is_complex():
            raise TypeError("complex numbers")
        return torch.as_tensor(values, dtype=torch.get_default_dtype())
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise refuse(
            expected=expected,
            got=f"{type(values).__name__} that holds no such numbers ({error})",
            fix=CHECK,
        ) from error


def _fine(y: torch.Tensor, fine: bool, expected: str, fix: str = CHECK) -> torch.Tensor:
    if not fine:
        found = f"shape {tuple(y.shape)}"
        found += f", values {y.min():g} .. {y.max():g}" if y.numel() else ""
        raise refuse(expected=expected, got=found, fix=fix)
    return y
