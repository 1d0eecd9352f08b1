"""The objective: cross-entropy of every task, and what it costs to be large.

Enters: logits and labels.  Leaves: one number to minimise,

    J = sum_t alpha_t CE_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2
    CE_t = mean over the examples of task t of  -log softmax(logits)[label]

and its gradient with respect to the logits, which you can derive by hand (lesson 03):

    dCE_t / dlogits = weight * (softmax(logits) - onehot(label))

Biases are never penalised. Uncertainty weighting: Kendall, Gal & Cipolla (2018).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ragteach.data.batches import check_batch, check_numbers
from ragteach.data.documents import square_of
from ragteach.data.weighting import FIXED_ALPHAS, weights_of_classes
from ragteach.data.weighting import task_alphas as task_alphas
from ragteach.errors import is_list, one_of, refuse
from ragteach.graph import unless_identity
from ragteach.ground.arguments import as_sizes, check_model, check_penalty, members
from ragteach.ground.functions import check_loss_fn
from ragteach.ground.objects import one_value
from ragteach.model import RAG, task_logits, task_weights
from ragteach.tensors import MISSING, TaskTensors

ALPHAS = (*FIXED_ALPHAS, "difficulty", "uncertainty")
LAM = 0.01  # default of both penalties, whether you train or solve


def cross_entropy(logits: Tensor, onehot: Tensor, weight: Tensor) -> Tensor:
    """CE of stacked tasks.

    Args:
        logits: (n_tasks, *, n_classes, n_docs); a replica axis may stand where the star is.
        onehot: (n_tasks, n_classes, n_docs), 1 at the label.
        weight: (n_tasks, n_docs), summing to 1 per task, 0 where padded.

    Returns:
        (n_tasks, *)
    """
    onehot, weight = _broadcast(logits, onehot, weight)
    return -(weight * onehot * logits.log_softmax(-2)).sum((-2, -1))


def residual(logits: Tensor, onehot: Tensor, weight: Tensor) -> Tensor:
    """Gradient of `cross_entropy` in the logits, of their shape: weight (softmax - onehot)."""
    onehot, weight = _broadcast(logits, onehot, weight)
    return logits.softmax(-2).sub_(onehot).mul_(weight)


def residual_change(p: Tensor, dlogits: Tensor, weight: Tensor) -> Tensor:
    """Change of `residual` if the logits change by ``dlogits``: weight p (dlogits - p . dlogits).

    The Hessian of `cross_entropy` times dlogits. p: softmax(logits), of the logits' shape.
    """
    change = p * dlogits
    return change.addcmul_(p, change.sum(-2, keepdim=True), value=-1).mul_(weight[:, None, None])


def penalty(
    shared: Tensor, adapters: Tensor, lam: float | Tensor, lam_shared: float | Tensor
) -> Tensor:
    """``lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2``: a number, or one per replica.

    Args:
        shared: (*, n_classes, n_features).
        adapters: (n_adapters, *, n_classes, n_features).
        lam, lam_shared: numbers, or tensors with one value per replica.
    """
    of_shared = shared.square().sum((-2, -1))
    of_adapters = adapters.square().sum((0, -2, -1))
    return lam_shared / 2 * of_shared + lam / 2 * of_adapters


class MultiTaskLoss(nn.Module):
    """J, for a training loop you write yourself.

    Args:
        loss_fn: loss of each example: ``nn.CrossEntropyLoss()`` or another loss module, or a
            function called as ``loss_fn(logits, y, reduction="none")``. Default: cross-entropy.
        alpha: weight of each task. ``"equal"``; ``"size"`` (by number of examples);
            ``"difficulty"`` (by the current CE_t, no gradient through it); ``"uncertainty"``
            (learned: sum_t exp(-s_t) CE_t + s_t / 2); or a list, or for `fit` a dict by the tasks'
            names. The first three average 1.
        lam: penalty on the adapters. 0: none. Large: the adapters vanish, and full sharing is left.
        lam_shared: penalty on W_s.
        class_weight: (n_classes,) weight of each class inside CE_t.
        sizes: (n_tasks,) examples per task, for ``"size"`` and to create the s_t of
            ``"uncertainty"``. `fit` fills it in.

    Raises:
        RagteachError: negative lam, unknown alpha, label out of range.

    Example:
        >>> criterion = MultiTaskLoss(lam=0.1)
        >>> y, task = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 1, 1])
        >>> criterion(torch.zeros(4, 3), y, task)  # 2 tasks x log 3
        tensor(2.1972)
    """

    alpha: Any
    sizes: Tensor | None
    alphas: Tensor | None

    def __init__(
        self,
        loss_fn: Any = None,
        alpha: Any = "equal",
        lam: float = 0.0,
        lam_shared: float = 0.0,
        class_weight: Any = None,
        sizes: Any = None,
    ) -> None:
        super().__init__()
        lam, lam_shared = one_value(lam), one_value(lam_shared)
        check_penalty("lam", lam)
        check_penalty("lam_shared", lam_shared)
        if isinstance(alpha, str):
            one_of("alpha", alpha, ALPHAS)
        elif is_list(alpha) and not isinstance(alpha, dict):  # whose names `fit` knows
            alpha = members("alpha", alpha, "alpha=[1.0, 0.5], one number a task")
        check_loss_fn(loss_fn)
        self.loss_fn, self.alpha = loss_fn, alpha
        self.lam, self.lam_shared = float(lam), float(lam_shared)
        self.class_weight, self.sizes, self.alphas = class_weight, None, None
        if sizes is not None:
            self.set_sizes(sizes)

    def set_sizes(self, sizes: Any) -> None:
        """Tell the loss how many examples each task has, (n_tasks,); checks alpha against it."""
        self.sizes = as_sizes(sizes)
        if not isinstance(self.alpha, str) or self.alpha not in ("difficulty", "uncertainty"):
            self.alphas = task_alphas(self.alpha, self.sizes)  # (n_tasks,)
            return
        n_tasks = len(self.sizes)
        if self.alpha == "uncertainty" and len(getattr(self, "log_variance", ())) != n_tasks:
            self.log_variance = nn.Parameter(torch.zeros(n_tasks))  # s_t

    def each(self, logits: Tensor, y: Tensor) -> Tensor:
        """The loss of each example: (n_docs, n_classes), (n_docs,) -> (n_docs,)."""
        if isinstance(self.loss_fn, nn.Module):  # whose mean we take ourselves
            each: Any = copy.copy(self.loss_fn)
            each.reduction = "none"
            return each(logits, y)
        loss_fn: Any = nn.functional.cross_entropy if self.loss_fn is None else self.loss_fn
        return loss_fn(logits, y, reduction="none")

    def forward(
        self, logits: Tensor, y: Tensor, task: Tensor | None = None, model: Any = None
    ) -> Tensor:
        """J of a batch.

        Args:
            logits: (n_docs, n_classes), each document already by its own task.
            y: (n_docs,) class numbers; -100 (missing) is left out.
            task: (n_docs,) task numbers. Default: all one task.
            model: the `RAG` whose weights are penalised. Default: no penalty.
        """
        if model is not None:
            check_model(model)
        check_batch(logits, y, task)
        task = torch.zeros_like(y) if task is None else task
        n_tasks = self._n_tasks(task, model)
        check_numbers(logits, y, task, n_tasks)
        there = y != MISSING
        if not bool(there.all()):
            logits = logits[there]
            y = y[there]
            task = task[there]
        each = self.each(logits, y)  # (n_docs,)
        weight = torch.ones_like(each)
        if self.class_weight is not None:
            weight = weights_of_classes(self.class_weight, None, logits.shape[-1]).to(each)[y]
        zero = each.new_zeros(n_tasks)
        total = zero.index_add(0, task, weight * each)
        count = zero.index_add(0, task, weight)
        return self.combine(total / count.clamp(min=1e-12)) + (
            0 if model is None else self.penalty(model)
        )

    def stacked(self, model: RAG, tensors: TaskTensors) -> Tensor:
        """J of stacked tasks (`TaskTensors`): the same number, one matrix product per task."""
        if self.sizes is None:
            self.set_sizes(tensors.sizes)
        penalised = self.lam > 0 or self.lam_shared > 0
        squares: list | None = [] if penalised and tensors.words is not None else None
        shared, adapters, graph = model.parts(tensors.words, squares)  # a batch: its words only
        weights = task_weights(shared, adapters, unless_identity(graph))
        logits = task_logits(tensors.x, weights, model.task_bias())  # (n_blocks, n_classes, n_docs)
        if self.loss_fn is None:
            losses = cross_entropy(logits, tensors.onehot, tensors.weight)  # (n_blocks,)
        else:
            each = self.each(logits.mT.flatten(0, 1), tensors.y.flatten())  # (n_blocks n_docs,)
            losses = (tensors.weight * each.view_as(tensors.weight)).sum(1)
        J = self.combine(tensors.by_task(losses))
        if not penalised:
            return J
        if squares is not None:
            return J + self.lam_shared / 2 * squares[0] + self.lam / 2 * sum(squares[1:])
        return J + penalty(shared, adapters, self.lam, self.lam_shared)

    def combine(self, losses: Tensor) -> Tensor:
        """``sum_t alpha_t CE_t`` from the tasks' losses (n_tasks,)."""
        if self.alpha == "uncertainty":
            return (torch.exp(-self.log_variance) * losses + self.log_variance / 2).sum()
        if self.alpha == "difficulty":
            hard = losses.detach().clamp(min=1e-12)
            return (hard / hard.mean() * losses).sum()
        return losses.sum() if self.alphas is None else self.alphas.to(losses) @ losses

    def penalty(self, model: Any) -> Tensor:
        """The penalty on the parts of ``model`` that are active."""
        adapters = [a.weight for name, a in model.adapters.items() if model.active[name]]
        of_adapters = sum(map(square_of, adapters)) if self.lam else 0.0
        return self.lam_shared / 2 * square_of(model.shared) + self.lam / 2 * of_adapters

    def _n_tasks(self, task: Tensor, model: Any) -> int:
        if self.sizes is not None:
            return len(self.sizes)
        if self.alpha not in ("equal", "difficulty"):  # what one batch cannot tell
            raise refuse(
                expected=f"the sizes of the tasks, for alpha = {self.alpha!r}",
                got="a batch, which does not know them",
                fix="MultiTaskLoss(..., sizes=dataset.sizes); fit(...) does it for you",
            )
        return int(task.max()) + 1 if model is None else model.n_tasks


def _broadcast(logits: Tensor, onehot: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    stars = (1,) * (logits.ndim - 3)
    n_tasks, n_classes, n_docs = onehot.shape
    return onehot.view(n_tasks, *stars, n_classes, n_docs), weight.view(n_tasks, *stars, 1, n_docs)
