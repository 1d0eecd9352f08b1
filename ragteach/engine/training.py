"""Gradient descent for many models at once, as one tensor program.

Enters: a `RAG`, stacked tasks, and one (lambda, lambda_s, seed) per replica.  Leaves: `Replicas`,
the trained weights of all.

    for each step:                      all replicas side by side
        g = dJ/d(W_s, A, b)             backward.gradients: written out, not recorded
        W_s, A, b <- step(g)            optimisers.make_step

It is the plain loop of `fit` with full batches: a test holds replica r equal to a lone `fit`.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ragteach.data.weighting import by_task
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.arguments import Penalty, Seeds, check_model, grid, number
from ragteach.engine.backward import gradients
from ragteach.engine.optimisers import Optimizer, check_optimizer, make_step
from ragteach.engine.replicas import Replicas, join, routing, stack, trainable
from ragteach.errors import DivergenceWarning, at_least, one_of, refuse, shown, whole
from ragteach.graph import unless_identity
from ragteach.ground.arguments import MOST
from ragteach.ground.memory import fits_memory
from ragteach.ground.objects import outside
from ragteach.losses import LAM, task_alphas
from ragteach.model import RAG
from ragteach.tensors import TaskTensors, as_tensors

PARTS = ("shared", "adapters", "bias")  # the parts of a model that may move


def train_many(
    model: RAG | Replicas,
    tensors: MultiTaskDataset | TaskTensors,
    lam: Penalty = LAM,
    lam_shared: Penalty = LAM,
    seeds: Seeds = None,
    *,
    steps: int = 200,
    lr: float = 0.05,
    optimizer: Optimizer = "adam",
    alpha: str | Sequence[float] | Mapping[str, float] | Tensor = "equal",
    train: str | Sequence[str] = PARTS,
    record_every: int | None = None,
    budget_mb: float = 4.0,
) -> Replicas:
    """Train one replica per (lam, lam_shared, seed), full batch, all at once.

    Args:
        model: template `RAG` (full-size adapters); its frozen parts stay frozen. Or `Replicas`, to
            train on, with the penalties they have.
        tensors: `TaskTensors`, or the `MultiTaskDataset` they come from.
        lam, lam_shared: number or (n_replicas,) each.
        seeds: (n_replicas,) random starts. Default: every replica starts from ``model`` as it is.
        steps, lr: gradient steps and their size.
        optimizer: ``"adam"``; ``"sgd"``; ``"proximal"``, which shrinks by 1 / (1 + lr lam) and so
            stays finite for any lam; or any torch optimiser whose update is element by element, as
            ``f(params, lr=lr)``.
        alpha: ``"equal"``, ``"size"`` or one weight per task: a list, or a dict by their names.
        train: the parts that move.
        record_every: keep snapshots of W_s and A every so many steps (and at the start and the
            end).
        budget_mb: working memory in MB. Replicas are trained in chunks that fit, with the same
            results.

    Returns:
        `Replicas`. Where training diverged, ``diverged`` holds the step at which a replica would
        have become infinite or not a number, and its weights are those before that step.

    Raises:
        RagteachError: bad arguments, before any training.

    Warns:
        DivergenceWarning: which replicas diverged, where, and what to do.

    Example:
        >>> import torch
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=data.task_names)
        >>> replicas = train_many(model, data.stacked(), lam=[0.01, 1.0], seeds=[0, 0])
        >>> len(replicas), replicas.adapters.shape
        (2, torch.Size([2, 2, 2, 4]))
    """
    whole("steps", steps, 0, MOST)
    lr = number("lr", lr)
    budget_mb = number("budget_mb", budget_mb)
    at_least("budget_mb", budget_mb, 0.0, 1e9)
    if record_every is not None:
        whole("record_every", record_every, 1)
    check_optimizer(optimizer)
    start = _start(model, lam, lam_shared, seeds)
    tensors = as_tensors(start.template, tensors)
    descent = _Descent(
        tensors=tensors,
        alphas=task_alphas(by_task(alpha, start.template.task_names), tensors.sizes).to(
            start.shared
        ),
        graph=unless_identity(routing(start.template).to(start.shared)),
        parts=_parts(train),
        steps=steps,
        lr=lr,
        optimizer=optimizer,
        record_every=record_every,
    )
    if record_every is not None:
        numbers = start.shared.numel() + start.adapters.numel()
        fits_memory(
            f"snapshots of {len(start)} replicas, every {record_every} of steps = {steps}",
            (steps // record_every + 2) * numbers * start.shared.element_size(),
            f"a larger record_every, such as record_every={max(1, steps // 100)}",
        )
    chunk = chunk_size(start, tensors, budget_mb)
    rows = range(0, len(start), chunk)
    trained = join([descent.train(start.select(slice(r, r + chunk))) for r in rows])
    _warn_of_divergence(trained, steps, lr)
    return trained


def chunk_size(replicas: Replicas, tensors: TaskTensors, budget_mb: float) -> int:
    """How many replicas fit ``budget_mb``: weights, gradients, two moments; logits and their
    residuals.
    """
    weights = (replicas.shared[:1].numel() + 2 * replicas.adapters[:, :1].numel()) * 4
    activity = 3 * tensors.y.numel() * tensors.n_classes
    n_bytes = (weights + activity) * replicas.shared.element_size()  # of one replica
    return max(1, int(budget_mb * 2**20 / n_bytes))


@dataclass
class _Descent:
    """The loop, and all it needs to know but the weights."""

    tensors: TaskTensors
    alphas: Tensor  # (n_tasks,)
    graph: Tensor | None  # (n_tasks, n_adapters), None: the identity
    parts: Sequence[str]
    steps: int
    lr: float
    optimizer: Optimizer
    record_every: int | None

    def train(self, start: Replicas) -> Replicas:
        """The replicas, trained. If some diverge, once more, watched at every step."""
        trained = self._run(start.select(slice(None)), watch=False)
        trained.diverged = torch.full((len(start),), -1)
        return trained if bool(_finite(trained).all()) else self._run(start, watch=True)

    @torch.no_grad()
    def _run(self, replicas: Replicas, watch: bool) -> Replicas:
        """Train in place. If watched, a replica stays at its last finite weights."""
        moving = self._moving(replicas)
        frozen = [not free for free in trainable(replicas.template).adapters]
        kept = replicas.adapters[frozen].clone()
        step = make_step(replicas, moving, self.lr, self.optimizer)
        lost = torch.full((len(replicas),), -1)
        for done in range(self.steps + 1):
            self._record(replicas, done)
            if done == self.steps:
                break
            before = replicas.select(slice(None)) if watch else None
            values = gradients(replicas, self.tensors, self.alphas, self.graph)
            named = zip(PARTS, values, strict=True)
            step({name: value for name, value in named if value is not None})
            if len(kept):
                replicas.adapters[frozen] = kept
            if before is not None:
                lost[(lost < 0) & ~_finite(replicas).cpu()] = done + 1
                away = (lost >= 0).to(replicas.shared.device)
                replicas.put(away, before.select(away))
        replicas.diverged = lost
        return replicas

    def _moving(self, replicas: Replicas) -> list[str]:
        """The parts that are to move and may."""
        may = trainable(replicas.template)
        free = {"shared": may.shared, "adapters": any(may.adapters), "bias": may.bias}
        return [name for name in PARTS if name in self.parts and free[name]]

    def _record(self, replicas: Replicas, done: int) -> None:
        if self.record_every is None:
            return
        if done % self.record_every and done != self.steps:
            return
        replicas.history.append((done, replicas.shared.clone(), replicas.adapters.clone()))
        if replicas.bias is not None:
            replicas.bias_history.append(replicas.bias.clone())


def _start(model: RAG | Replicas, lam: Penalty, lam_shared: Penalty, seeds: Seeds) -> Replicas:
    """The replicas before the first step."""
    if isinstance(model, Replicas):
        _check_own(model, lam, lam_shared, seeds)
        start = model
    else:
        check_model(model)
        lams, lams_shared, starts = grid(lam, lam_shared, seeds)
        fresh = {seed: copy.deepcopy(model) for seed in starts}
        for seed, twin in fresh.items():
            if seed is not None:
                twin.reset(seed)
        start = stack([fresh[seed] for seed in starts], lams, lams_shared)
    if not bool(_finite(start).all()):
        raise refuse(
            expected="a model with finite weights to start from",
            got="infinity or NaN among them",
            fix="start anew: model.reset(seed), or pass seeds=",
        )
    return start


def _check_own(replicas: Replicas, lam: Penalty, lam_shared: Penalty, seeds: Seeds) -> None:
    """Refuse penalties and seeds beside `Replicas`, which have their own."""
    given = {"lam": (lam, LAM), "lam_shared": (lam_shared, LAM), "seeds": (seeds, None)}
    for name, (value, default) in given.items():
        if value is not default and value != default:
            raise refuse(
                expected="Replicas to train on, which keep their penalties and weights",
                got=f"{name} = {shown(value)} beside them",
                fix="leave it out, or train a RAG model with it",
            )


def _parts(train: Any) -> list[str]:
    names = list(train) if isinstance(train, (list, tuple, set)) else [train]
    for name in names:
        one_of("train", name, PARTS)
    return names


def _finite(replicas: Replicas) -> Tensor:
    """Whether a replica's weights, and their squares in J, are finite: (n_replicas,)."""
    size = replicas.shared.square().sum((1, 2)) + replicas.adapters.square().sum((0, 2, 3))
    if replicas.bias is not None:
        size = size + replicas.bias.square().sum((0, 2))
    return size.isfinite()


def _warn_of_divergence(trained: Replicas, steps: int, lr: float) -> None:
    ended = [] if trained.diverged is None else trained.diverged.tolist()
    lost = [r for r, step in enumerate(ended) if step >= 0]
    if not lost:
        return
    first = min(lost, key=lambda r: ended[r])
    said = refuse(
        expected="training whose weights stay finite",
        got=f"{len(lost)} of {len(trained)} replicas that diverged, the first of them replica "
        f"{first} (lam = {trained.lam[first]:g}, lam_shared = {trained.lam_shared[first]:g}) in "
        f"step {ended[first]} of {steps}; their last finite weights are kept",
        fix=f'use a smaller lr (it is {lr:g}), or optimizer="proximal"; '
        "Replicas.diverged holds the step of every replica",
    )
    warnings.warn(DivergenceWarning(str(said)), stacklevel=outside())
