"""Many models side by side: their weights, with one more axis R before (n_classes, n_features).

Enters: models of one family.  Leaves: `Replicas`, which answers as its models do.

    W_t     = W_s + sum_k G[t,k] A_k      model.task_weights   (n_tasks, R, n_classes, n_features)
    logits  = W_t x + b_t                 model.task_logits    (n_tasks, R, n_classes, n_docs)
    J       = sum_t alpha_t CE_t + lam_s/2 |W_s|^2 + lam/2 sum_k |A_k|^2      (R,)

All replicas share x, so their products are one matrix product per task: that is where the speed of
the engine comes from. Every formula is the single model's own code.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
from torch import Tensor

from ragteach.dataset import MultiTaskDataset
from ragteach.engine.arguments import check_model, check_row
from ragteach.losses import cross_entropy, penalty, task_alphas
from ragteach.model import RAG, task_logits, task_weights
from ragteach.tensors import TaskTensors, as_tensors


@dataclass
class Replicas:
    """Weights of R models that share a graph and a data set.

    Attributes:
        shared: (n_replicas, n_classes, n_features).
        adapters: (n_adapters, n_replicas, n_classes, n_features).
        bias: (n_tasks or 1, n_replicas, n_classes), or None.
        lam, lam_shared: (n_replicas,) penalties each was trained with.
        template: the `RAG` they are copies of.
        history: of `train_many` with ``record_every``, a list of (step, shared, adapters)
            snapshots.
        bias_history: the biases of the same steps (empty if there are none).
        diverged: of `train_many`, (n_replicas,): the step that would have made a replica infinite
            or not a number (its weights are those before that step), or -1.
        grad_norm: of `solve_path`, (n_replicas,): length of J's gradient.
        converged: of `solve_path`, (n_replicas,): whether grad_norm < tol.
        fallback: of `solve_path`, (n_replicas,): whether the weights had to be looked for
            themselves, after a search among sums of documents had failed.
    """

    shared: Tensor
    adapters: Tensor
    bias: Tensor | None
    lam: Tensor
    lam_shared: Tensor
    template: RAG
    history: list[tuple[int, Tensor, Tensor]] = field(default_factory=list)
    bias_history: list[Tensor] = field(default_factory=list)
    diverged: Tensor | None = None
    grad_norm: Tensor | None = None
    converged: Tensor | None = None
    fallback: Tensor | None = None

    def __len__(self) -> int:
        return self.shared.shape[0]

    def task_weights(self) -> Tensor:
        """W_t of every replica: (n_tasks, n_replicas, n_classes, n_features)."""
        return task_weights(self.shared, self.adapters, routing(self.template).to(self.shared))

    def logits(self, x: Tensor) -> Tensor:
        """Logits of stacked documents x: (n_tasks, n_replicas, n_classes, n_docs)."""
        return task_logits(x, self.task_weights(), self.bias)

    def losses(self, data: MultiTaskDataset | TaskTensors) -> Tensor:
        """CE_t of every replica: (n_tasks, n_replicas)."""
        tensors = self._tensors(data)
        losses = cross_entropy(self.logits(tensors.x), tensors.onehot, tensors.weight)
        return tensors.by_task(losses)

    def accuracy(self, data: MultiTaskDataset | TaskTensors) -> Tensor:
        """Share of examples each replica gets right: (n_tasks, n_replicas)."""
        tensors = self._tensors(data)
        predicted = self.logits(tensors.x).argmax(-2)  # (n_blocks, n_replicas, n_docs)
        right = predicted == tensors.y.unsqueeze(1)
        there = (tensors.weight > 0).unsqueeze(1)
        return tensors.by_task((right & there).sum(-1)) / tensors.sizes.unsqueeze(1)

    def objective(
        self,
        data: MultiTaskDataset | TaskTensors,
        alpha: str | Sequence[float] | Tensor = "equal",
    ) -> Tensor:
        """J of every replica: (n_replicas,)."""
        tensors = self._tensors(data)
        alphas = task_alphas(alpha, tensors.sizes).to(self.shared)
        costs = penalty(self.shared, self.adapters, self.lam, self.lam_shared)
        return alphas @ self.losses(tensors) + costs

    def model(self, r: int) -> RAG:
        """Replica ``r`` as a `RAG` of its own."""
        check_row("r", r, len(self))
        model = copy.deepcopy(self.template).to(self.shared)
        self.write(r, model)
        return model

    @torch.no_grad()
    def write(self, r: int, model: RAG) -> None:
        """Set ``model``, one like their template, to the weights of replica ``r``."""
        model.shared.copy_(self.shared[r])
        for k, name in enumerate(active_names(model)):
            full_weight(model, name).copy_(self.adapters[k, r])
        if self.bias is not None and model.bias is not None:
            model.bias.copy_(self.bias[:, r])

    def select(self, rows: slice | Tensor) -> Replicas:
        """Copies of some of the replicas; without their histories."""
        return Replicas(
            shared=self.shared[rows].clone(),
            adapters=self.adapters[:, rows].clone(),
            bias=None if self.bias is None else self.bias[:, rows].clone(),
            lam=self.lam[rows],
            lam_shared=self.lam_shared[rows],
            template=self.template,
        )

    def put(self, rows: Tensor, others: Replicas) -> None:
        """Write the weights of ``others`` over those of the replicas ``rows``."""
        self.shared[rows] = others.shared
        self.adapters[:, rows] = others.adapters
        if self.bias is not None and others.bias is not None:
            self.bias[:, rows] = others.bias

    def to(self, model: RAG) -> Replicas:
        """The same as replicas of ``model``, in its precision."""
        new = copy.copy(self)
        new.shared = self.shared.to(model.shared)
        new.adapters = self.adapters.to(model.shared)
        new.bias = None if self.bias is None else self.bias.to(model.shared)
        new.template = model
        return new

    def _tensors(self, data: MultiTaskDataset | TaskTensors) -> TaskTensors:
        return as_tensors(self.template, data).to(self.shared.device, self.shared.dtype)


class Trainable(NamedTuple):
    """Which parts of a model may move; of the adapters, the active ones."""

    shared: bool
    adapters: list[bool]
    bias: bool


def trainable(model: RAG) -> Trainable:
    """What the learner left free, and froze, in a model."""
    adapters = [full_weight(model, name).requires_grad for name in active_names(model)]
    bias = model.bias is not None and model.bias.requires_grad
    return Trainable(model.shared.requires_grad, adapters, bias)


def active_names(model: RAG) -> list[str]:
    """Names of the adapters that take part in W_t."""
    return [name for name in model.adapter_names if model.active[name]]


def full_weight(model: RAG, name: str) -> Tensor:
    """The matrix of a full-size adapter: (n_classes, n_features)."""
    return cast(Tensor, model.adapters[name].full)


def routing(model: RAG) -> Tensor:
    """The columns of G that belong to active adapters, (n_tasks, n_active)."""
    return model.graph[:, [model.active[name] for name in model.adapter_names]]


def stack(
    models: Sequence[RAG], lam: float | Tensor = 0.0, lam_shared: float | Tensor = 0.0
) -> Replicas:
    """Models of one family, one per replica, as `Replicas`. Only full-size adapters can be
    stacked.

    Args:
        lam, lam_shared: a number, or one per model (n_replicas,).
    """
    for model in models:
        check_model(model)
    with torch.no_grad():
        parts = [model.parts() for model in models]
        shared = torch.stack([part[0] for part in parts])  # (R, n_classes, n_features)
        adapters = torch.stack([part[1] for part in parts], 1)  # (n_adapters, R, ...)
        biases: list[Tensor] = [model.bias for model in models if model.bias is not None]
        bias = torch.stack(biases, 1) if biases else None
    lams, lams_shared = (
        torch.as_tensor(value, dtype=shared.dtype, device=shared.device).expand(len(models)).clone()
        for value in (lam, lam_shared)
    )
    return Replicas(shared, adapters, bias, lams, lams_shared, models[0])


def join(parts: Sequence[Replicas]) -> Replicas:
    """Chunks of replicas as one, with their histories."""
    first = parts[0]
    if len(parts) == 1:
        return first
    history = [
        (
            snapshots[0][0],
            torch.cat([shared for _, shared, _ in snapshots]),
            torch.cat([adapters for *_, adapters in snapshots], 1),
        )
        for snapshots in zip(*(part.history for part in parts), strict=True)
    ]
    biases = zip(*(part.bias_history for part in parts), strict=True)
    return Replicas(
        shared=torch.cat([part.shared for part in parts]),
        adapters=torch.cat([part.adapters for part in parts], 1),
        bias=_cat([part.bias for part in parts], 1),
        lam=torch.cat([part.lam for part in parts]),
        lam_shared=torch.cat([part.lam_shared for part in parts]),
        template=first.template,
        history=history,
        bias_history=[torch.cat(snapshots, 1) for snapshots in biases],
        diverged=_cat([part.diverged for part in parts], 0),
    )


def _cat(parts: Sequence[Tensor | None], dim: int) -> Tensor | None:
    there = [part for part in parts if part is not None]
    return torch.cat(there, dim) if there else None
