"""The objective: cross-entropy of every task, and what it costs to be large.

Enters: logits and labels.  Leaves: one number to minimise,

    J = sum_t alpha_t CE_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2
    CE_t = mean over the examples of task t of  -log softmax(logits)[label]

and its gradient with respect to the logits, which you can derive by hand (lesson 03):

    dCE_t / dlogits = weight * (softmax(logits) - onehot(label))

Biases are never penalised. Uncertainty weighting: Kendall, Gal & Cipolla (2018).
"""

from __future__ import annotations

import torch
from torch import nn

from .errors import at_least, one_of, refuse
from .model import task_logits, task_weights

ALPHAS = ("equal", "size", "difficulty", "uncertainty")


def cross_entropy(logits, onehot, weight):
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


def residual(logits, onehot, weight):
    """Gradient of `cross_entropy` in the logits, and of their shape: weight (softmax(logits) - onehot)."""
    onehot, weight = _broadcast(logits, onehot, weight)
    return logits.softmax(-2).sub_(onehot).mul_(weight)


def penalty(shared, adapters, lam, lam_shared):
    """``lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2``: a number, or one per replica.

    Args:
        shared: (*, n_classes, n_features).
        adapters: (n_adapters, *, n_classes, n_features).
        lam, lam_shared: numbers, or tensors with one value per replica.
    """
    return lam_shared / 2 * shared.square().sum((-2, -1)) + lam / 2 * adapters.square().sum((0, -2, -1))


def task_alphas(alpha, sizes):
    """alpha_t as a tensor (n_tasks,). ``"equal"``: 1 each. ``"size"``: n_t / mean(n). A list: as given."""
    sizes = torch.as_tensor(sizes, dtype=torch.float32)
    if isinstance(alpha, str):
        one_of("alpha", alpha, ALPHAS)
        return sizes / sizes.mean() if alpha == "size" else torch.ones_like(sizes)
    alphas = torch.as_tensor(alpha, dtype=torch.float32)
    if alphas.shape != sizes.shape or not bool(
        torch.isfinite(alphas).all() and (alphas >= 0).all() and alphas.sum() > 0
    ):
        raise refuse(
            expected=f"{len(sizes)} task weights alpha >= 0, not all zero",
            got=f"alpha = {alpha!r}",
            fix='one number per task, or "equal", "size", "difficulty", "uncertainty"',
        )
    return alphas


class MultiTaskLoss(nn.Module):
    """J, for a training loop you write yourself.

    Args:
        loss_fn: loss of each example, called as ``loss_fn(logits, y, reduction="none")``. Default:
            cross-entropy.
        alpha: weight of each task. ``"equal"``; ``"size"`` (by number of examples); ``"difficulty"`` (by the
            current CE_t, no gradient through it); ``"uncertainty"`` (learned: sum_t exp(-s_t) CE_t + s_t /
            2); or a list. All but the learned and given ones average 1, so "equal" means alpha_t = 1.
        lam: penalty on the adapters. 0: none. Large: the adapters vanish, and full sharing is left.
        lam_shared: penalty on W_s.
        class_weight: (n_classes,) weight of each class inside CE_t.
        sizes: (n_tasks,) examples per task, for ``"size"`` and to create the s_t of ``"uncertainty"``. `fit`
            fills it in.

    Raises:
        RagteachError: negative lam, unknown alpha, label out of range.

    Example:
        >>> criterion = MultiTaskLoss(lam=0.1)
        >>> y, task = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 1, 1])
        >>> criterion(torch.zeros(4, 3), y, task)  # 2 tasks x log 3
        tensor(2.1972)
    """

    def __init__(self, loss_fn=None, alpha="equal", lam=0.0, lam_shared=0.0, class_weight=None, sizes=None):
        super().__init__()
        at_least("lam", lam), at_least("lam_shared", lam_shared)
        self.loss_fn = nn.functional.cross_entropy if loss_fn is None else loss_fn
        if isinstance(alpha, str):
            one_of("alpha", alpha, ALPHAS)
        self.alpha, self.lam, self.lam_shared = alpha, float(lam), float(lam_shared)
        self.class_weight, self.sizes = class_weight, None
        if sizes is not None:
            self.set_sizes(sizes)

    def set_sizes(self, sizes):
        """Tell the loss how many examples each task has (shape (n_tasks,)); checks alpha against it."""
        self.sizes = torch.as_tensor(sizes)
        self.alphas = task_alphas(self.alpha, self.sizes)  # (n_tasks,)
        if self.alpha == "uncertainty" and not hasattr(self, "log_variance"):
            self.log_variance = nn.Parameter(torch.zeros(len(self.sizes)))  # s_t

    def forward(self, logits, y, task=None, model=None):
        """J of a batch.

        Args:
            logits: (n_docs, n_classes), each document already by its own task.
            y: (n_docs,) class numbers; -100 (missing) is left out.
            task: (n_docs,) task numbers. Default: all one task.
            model: the `RAG` whose weights are penalised. Default: no penalty.
        """
        task = torch.zeros_like(y) if task is None else task
        there = y >= 0
        if not bool(there.all()):
            logits, y, task = logits[there], y[there], task[there]
        if len(y) and int(y.max()) >= logits.shape[-1]:
            raise refuse(
                expected=f"labels below {logits.shape[-1]} (the model's output_dim)",
                got=f"label {int(y.max())}",
                fix="number the classes from 0, or build the model with more outputs",
            )
        if self.sizes is None:
            self.set_sizes(torch.bincount(task))
        each = self.loss_fn(logits, y, reduction="none")  # (n_docs,)
        weight = torch.ones_like(each)
        if self.class_weight is not None:
            weight = torch.as_tensor(self.class_weight, dtype=each.dtype, device=each.device)[y]
        zero = each.new_zeros(len(self.sizes))
        total, count = zero.index_add(0, task, weight * each), zero.index_add(0, task, weight)
        return self.combine(total / count.clamp(min=1e-12)) + (0 if model is None else self.penalty(model))

    def stacked(self, model, tensors):
        """J of stacked tasks (`TaskTensors`): the same number, one matrix product per task."""
        shared, adapters, graph = model.parts()
        weights = task_weights(shared, adapters, graph)  # (n_tasks, n_classes, n_features)
        logits = task_logits(tensors.x, weights, model.task_bias())  # (n_tasks, n_classes, n_docs)
        losses = cross_entropy(logits, tensors.onehot, tensors.weight)  # (n_tasks,)
        return self.combine(losses) + penalty(shared, adapters, self.lam, self.lam_shared)

    def combine(self, losses):
        """``sum_t alpha_t CE_t`` from the tasks' losses (n_tasks,)."""
        if self.alpha == "uncertainty":
            return (torch.exp(-self.log_variance) * losses + self.log_variance / 2).sum()
        if self.alpha == "difficulty":
            hard = losses.detach().clamp(min=1e-12)
            return (hard / hard.mean() * losses).sum()
        return (self.alphas.to(losses) * losses).sum()

    def penalty(self, model):
        """The penalty on the parts of ``model`` that are active."""
        shared, adapters, _ = model.parts()
        return penalty(shared, adapters, self.lam, self.lam_shared)


def _broadcast(logits, onehot, weight):
    stars = (1,) * (logits.ndim - 3)
    n_tasks, n_classes, n_docs = onehot.shape
    return onehot.view(n_tasks, *stars, n_classes, n_docs), weight.view(n_tasks, *stars, 1, n_docs)
