"""Task heads: what a task of each kind does with its representation, its loss and its metric.

Enters: a representation h (n_docs, n_hidden), and the task's targets.  Leaves: outputs, a loss,
answers and a metric.

================  ==============================  ==============================  ==============
head              what y_t is                     L_t                             metric
================  ==============================  ==============================  ==============
`Classification`  class numbers (n_docs,)         cross-entropy                   accuracy
`Regression`      numbers (n_docs,), (n_docs, m)  mean squared error / 2          R^2
`MultiLabel`      0/1 (n_docs, n_labels)          binary cross-entropy            macro F1
`Ranking`         relevance (n_docs,)             RankNet: pairs with y_i > y_j   pairs in order
`Similarity`      likeness (n_pairs,) in [-1, 1]  (cosine - y)^2 / 2 of two docs  Spearman
================  ==============================  ==============================  ==============

Sources: Burges et al. (2005), RankNet; Reimers & Gurevych (2019) for the cosine head.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, r2_score
from torch import nn

from ragteach.errors import refuse, whole
from ragteach.ground.objects import as_plain, has

CHECK = "check which head the task has, and its targets"
Hidden = torch.Tensor | tuple[torch.Tensor, ...]  # of a pair of documents, one each


class Head(nn.Module):
    """What a task does with its representation h (n_docs, n_hidden). Subclasses say how."""

    metric_name = "metric"
    linear: nn.Linear  # made by `build`

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        whole(f"size of {type(self).__name__}", size, 1)
        self.size = size

    def build(self, n_hidden: int, generator: torch.Generator) -> Head:
        """Make the weights, once the representation's width is known."""
        start = torch.randn(self.size, n_hidden, generator=generator) * n_hidden**-0.5
        self.linear = nn.Linear(n_hidden, self.size)
        with torch.no_grad():
            self.linear.weight.copy_(start)
            self.linear.bias.zero_()
        return self

    def forward(self, h: Hidden) -> torch.Tensor:
        """Outputs (n_docs, size)."""
        return self.linear(h)

    def check(self, y: Any) -> torch.Tensor:
        """Targets as a tensor of the right kind; refuses others."""
        raise NotImplementedError

    def loss(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """L_t, one number."""
        raise NotImplementedError

    def predict(self, out: torch.Tensor) -> torch.Tensor:
        """What a user asked for, from the outputs."""
        raise NotImplementedError

    def metric(self, out: torch.Tensor, y: torch.Tensor) -> float:
        """How good it is; more is better."""
        raise NotImplementedError


class Classification(Head):
    """One of ``size`` classes."""

    metric_name = "accuracy"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        if size < 2:
            raise refuse(
                expected="a size of 2 classes or more",
                got=f"size = {size}",
                fix="use MultiLabel(1) for one yes/no label",
            )

    def check(self, y: Any) -> torch.Tensor:
        expected = f"class numbers 0 .. {self.size - 1}, shape (n_docs,)"
        y = as_numbers(y, expected)
        fine = y.ndim == 1 and torch.equal(y, y.round())  # NaN is unlike itself
        fine = fine and (len(y) == 0 or 0 <= y.min() <= y.max() < self.size)
        return fitting(y, fine, expected).long()

    def loss(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(out, y)

    def predict(self, out: torch.Tensor) -> torch.Tensor:
        return out.argmax(1)

    def metric(self, out: torch.Tensor, y: torch.Tensor) -> float:
        return (out.argmax(1) == y).float().mean().item()


class Regression(Head):
    """``size`` numbers."""

    metric_name = "r2"

    def check(self, y: Any) -> torch.Tensor:
        expected = f"finite numbers of shape (n_docs, {self.size})"
        y = as_numbers(y, expected)
        y = y.unsqueeze(1) if y.ndim == 1 else y
        fine = y.ndim == 2 and y.shape[1] == self.size and bool(torch.isfinite(y).all())
        return fitting(y, fine, expected)

    def loss(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (out - y).square().mean() / 2

    def predict(self, out: torch.Tensor) -> torch.Tensor:
        return out.squeeze(1) if self.size == 1 else out

    def metric(self, out: torch.Tensor, y: torch.Tensor) -> float:
        return float(r2_score(y.numpy(), out.numpy()))


class MultiLabel(Head):
    """Any number of ``size`` labels: each is there or not."""

    metric_name = "f1"

    def check(self, y: Any) -> torch.Tensor:
        expected = f"zeros and ones of shape (n_docs, {self.size})"
        y = as_numbers(y, expected)
        fine = y.ndim == 2 and y.shape[1] == self.size and bool(((y == 0) | (y == 1)).all())
        return fitting(y, fine, expected)

    def loss(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(out, y)

    def predict(self, out: torch.Tensor) -> torch.Tensor:
        return (out > 0).long()

    def metric(self, out: torch.Tensor, y: torch.Tensor) -> float:
        said = self.predict(out).numpy()
        return float(f1_score(y.numpy(), said, average="macro", zero_division=0))


class Ranking(Head):
    """A score per document, so that more relevant ones come first."""

    metric_name = "pairs in order"

    def check(self, y: Any) -> torch.Tensor:
        expected = "finite relevances of shape (n_docs,), not all equal"
        y = as_numbers(y, expected)
        fine = y.ndim == 1 and bool(torch.isfinite(y).all()) and len(y.unique()) > 1
        return fitting(y, fine, expected)

    def loss(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        ahead = y[:, None] > y[None]  # (n_docs, n_docs): i should stand before j
        return nn.functional.softplus(out[None, :, 0] - out[:, None, 0])[ahead].mean()

    def predict(self, out: torch.Tensor) -> torch.Tensor:
        return out[:, 0]

    def metric(self, out: torch.Tensor, y: torch.Tensor) -> float:
        ahead = y[:, None] > y[None]
        gap = (out[:, None, 0] - out[None, :, 0])[ahead]
        return ((gap > 0).float() + (gap == 0).float() / 2).mean().item()


class Similarity(Head):
    """How alike two documents are: the cosine of their projections. x is a pair (left, right)."""

    metric_name = "spearman"

    def __init__(self, size: int = 8) -> None:
        super().__init__(size)

    def forward(self, h: Hidden) -> torch.Tensor:
        left, right = (self.linear(part) for part in h)
        return nn.functional.cosine_similarity(left, right, dim=1)  # (n_pairs,)

    def check(self, y: Any) -> torch.Tensor:
        expected = "likeness in -1 .. 1, shape (n_pairs,)"
        y = as_numbers(y, expected)
        return fitting(y, y.ndim == 1 and bool((y.abs() <= 1).all()), expected)

    def loss(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (out - y).square().mean() / 2

    def predict(self, out: torch.Tensor) -> torch.Tensor:
        return out

    def metric(self, out: torch.Tensor, y: torch.Tensor) -> float:
        return float(spearmanr(out.numpy(), y.numpy()).statistic)


HEADS = {cls.__name__: cls for cls in (Classification, Regression, MultiLabel, Ranking, Similarity)}


# ---------------------------------------------------------------- checks


def as_numbers(values: Any, expected: str) -> torch.Tensor:
    """Values as a tensor of default precision."""
    try:
        values = values.toarray() if has(values, "toarray") else values
        values = as_plain("values", values) if torch.is_tensor(values) else values
        values = values if torch.is_tensor(values) else np.require(values, float, "W")
        if torch.is_tensor(values) and values.is_complex():
            raise TypeError("complex numbers")
        return torch.as_tensor(values, dtype=torch.get_default_dtype())
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise refuse(
            expected=expected,
            got=f"{type(values).__name__} that holds no such numbers ({why})",
            fix=CHECK,
        ) from error


def fitting(y: torch.Tensor, fine: bool, expected: str, fix: str = CHECK) -> torch.Tensor:
    """``y`` if it is fine; else refuse it, and say what was found."""
    if not fine:
        found = f"shape {tuple(y.shape)}"
        found += f", values {y.min():g} .. {y.max():g}" if y.numel() else ""
        raise refuse(expected=expected, got=found, fix=fix)
    return y
