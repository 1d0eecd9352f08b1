"""Tasks of different kinds over one shared + adapter representation.

Enters: features x (n_docs, n_features), and for each task a head that knows its loss and metric.
Leaves: a `MultiHead` model, trained by `fit_heads`, measured by `MultiHead.evaluate`.

    h_t(x) = activation(W_t x + b_t)      the representation: a `RAG` with hidden units for classes
    out_t  = head_t(h_t(x))
    J = sum_t alpha_t L_t(out_t, y_t) + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2

Source: Caruana (1997), Multitask Learning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ragteach.errors import one_of, refuse, shown, whole
from ragteach.losses import penalty
from ragteach.model import RAG
from ragteach.study.heads import HEADS, Head, Hidden, Similarity, as_numbers, fitting

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda h: h}


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
        >>> from ragteach import Classification, Regression
        >>> model = MultiHead(20, {"topic": Classification(4), "stars": Regression()}, n_hidden=8)
        >>> x = torch.zeros(5, 20)
        >>> model(x, "topic").shape, model.predict(x, "stars").shape
        (torch.Size([5, 4]), torch.Size([5]))
    """

    def __init__(
        self,
        input_dim: int,
        heads: Mapping[str, Head],
        n_hidden: int = 16,
        *,
        activation: str = "tanh",
        num_adapters: int | None = None,
        scale: float | None = None,
        **options: Any,
    ) -> None:
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

    @property
    def task_names(self) -> list[str]:
        """The tasks, in the graph's order."""
        return self.body.task_names

    def head(self, task: str | int) -> Any:
        """The head of a task, by name or number."""
        return self.heads[self.body.task_index(task)]

    def represent(self, x: Any, task: str | int) -> Hidden:
        """h_t(x): (n_docs, n_hidden); of a pair (x_left, x_right), the pair of both."""
        pair = isinstance(self.head(task), Similarity)
        parts = [self._features(part) for part in (_pair(x) if pair else [x])]
        h = [ACTIVATIONS[self.activation](self.body(part, task)) for part in parts]
        return tuple(h) if pair else h[0]

    def forward(self, x: Any, task: str | int) -> torch.Tensor:
        """The task's raw outputs."""
        return self.head(task)(self.represent(x, task))

    @torch.no_grad()
    def predict(self, x: Any, task: str | int) -> torch.Tensor:
        """Classes, numbers, 0/1 labels, scores or cosines, by the task's kind."""
        return self.head(task).predict(self(x, task))

    def losses(self, data: Mapping[str, tuple]) -> dict[str, torch.Tensor]:
        """L_t of each task in ``data``, a dict task -> (x, y): a dict task -> number."""
        return self.losses_of(self.checked(data))

    def losses_of(self, checked: Mapping[str, tuple]) -> dict[str, torch.Tensor]:
        """`losses` of data that `checked` has passed."""
        return {task: self.head(task).loss(self(x, task), y) for task, (x, y) in checked.items()}

    def objective(
        self,
        losses: Mapping[str, torch.Tensor],
        alpha: Mapping[str, float] | None = None,
        lam: float = 0.0,
        lam_shared: float = 0.0,
    ) -> torch.Tensor:
        """J from the tasks' losses; ``alpha``: a dict task -> weight, default 1 each."""
        shared, adapters, _ = self.body.parts()
        total = sum((alpha or {}).get(task, 1.0) * loss for task, loss in losses.items())
        return total + penalty(shared, adapters, lam, lam_shared)

    @torch.no_grad()
    def evaluate(self, data: Mapping[str, tuple]) -> dict[str, dict[str, float]]:
        """Loss and metric of every task: ``{"topic": {"loss": ..., "accuracy": ...}, ...}``."""
        result = {}
        for task, (x, y) in self.checked(data).items():
            head = self.head(task)
            out = self(x, task)
            result[task] = {"loss": head.loss(out, y).item(), head.metric_name: head.metric(out, y)}
        return result

    def checked(self, data: Any) -> dict[str, tuple]:
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
            x = given[0]
            head = self.head(task)
            y = head.check(given[1])
            pair = isinstance(head, Similarity)
            parts = [self._features(part) for part in (_pair(x) if pair else [x])]
            if any(len(part) != len(y) for part in parts) or not len(y):
                raise refuse(
                    expected=f"as many targets y as documents x in data[{task!r}], and at least "
                    "one",
                    got=f"{len(y)} targets for {' and '.join(str(len(p)) for p in parts)} "
                    "documents",
                    fix="give x and y the same length",
                )
            checked[task] = (tuple(parts) if pair else parts[0], y)
        return checked

    def _features(self, x: Any) -> torch.Tensor:
        """Features as a finite tensor (n_docs, n_features) of the model's precision."""
        body = self.body
        expected = f"finite features x of shape (n_docs, {body.n_features})"
        x = as_numbers(x, expected).to(body.shared)
        return fitting(
            x,
            x.ndim == 2 and x.shape[1] == body.n_features and bool(x.isfinite().all()),
            expected,
            "turn texts into numbers with the vectoriser of the training texts",
        )


# ---------------------------------------------------------------- checks


def _check_heads(heads: Any) -> None:
    """Refuse anything but a dict from task name to a head of its own."""
    mapping = isinstance(heads, Mapping) and len(heads) > 0
    if not mapping or not all(isinstance(head, Head) for head in heads.values()):
        raise refuse(
            expected="heads as a dict from task name to head",
            got=shown(heads),
            fix=f"give each task one of {', '.join(HEADS)}",
        )
    if len({id(head) for head in heads.values()}) < len(heads):
        raise refuse(
            expected="heads, one of its own for each task",
            got="the same object for several tasks",
            fix="make a new one each time, such as {'a': Classification(3), 'b': "
            "Classification(3)}",
        )


def _pair(x: Any) -> tuple:
    """The two sides of the documents of a `Similarity` task."""
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise refuse(
            expected="features x of a Similarity task as a pair (x_left, x_right)",
            got=f"{type(x).__name__}",
            fix="give two matrices of the same shape, row i of each belonging together",
        )
    return tuple(x)
