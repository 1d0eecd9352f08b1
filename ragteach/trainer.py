"""Training: a loop you could have written.

Enters: a `RAG` and a `MultiTaskDataset`.  Leaves: the trained model (in place) and a `History`.

    for each phase of the schedule:     two_phase: W_s, then the adapters (the article's)
        for each epoch:                 alternating: the two in turn, many times
            for each batch:             joint: everything at once
                J.backward(); optimizer.step()

A batch holds the same share of every task, so that CE_t is always the mean of some examples of task
t. Data that no memory holds come as a stream: any iterable of (x, y, task) batches.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ragteach.data.batches import batches_of, check_stream, epoch_batches, is_stream
from ragteach.data.weighting import by_task
from ragteach.errors import one_of, refuse, whole
from ragteach.ground.arguments import MOST, check_fit, check_model, check_optimizer, is_a
from ragteach.ground.machine import Interruption, interruptible, pick_device
from ragteach.ground.memory import fits_training
from ragteach.losses import LAM, MultiTaskLoss, cross_entropy
from ragteach.model import RAG, task_logits
from ragteach.runs import History, Run, only
from ragteach.tensors import MISSING, TaskTensors, as_tensors

OWN = (LAM, LAM, "equal")  # of lam, lam_shared, alpha: nothing was said
SCHEDULES = ("joint", "two_phase", "alternating")
PARTS = {
    "joint": ("shared", "adapters", "bias"),
    "shared": ("shared", "bias"),
    "adapters": ("adapters", "bias"),
}


def train_epoch(
    model: Any, loader: Iterable, criterion: MultiTaskLoss, optimizer: torch.optim.Optimizer
) -> float:
    """One pass over a DataLoader of (x, y, task) batches, in the plainest loop; returns the mean J.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model, loader = RAG(4, 2, 2, tasks=["a", "b"]), torch.utils.data.DataLoader(data, 2)
        >>> J, sgd = MultiTaskLoss(sizes=[2, 2]), torch.optim.SGD(model.parameters(), lr=0.5)
        >>> losses = [train_epoch(model, loader, J, sgd) for _ in range(3)]
        >>> losses[0] > losses[1] > losses[2]
        True
    """
    check_model(model)
    is_a("criterion", criterion, MultiTaskLoss, "a MultiTaskLoss", "pass MultiTaskLoss(lam=0.01)")
    check_optimizer(optimizer)
    losses = []
    for x, y, task in batches_of(loader, model):
        optimizer.zero_grad()
        loss = criterion(model(x, task), y, task, model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def evaluate(model: RAG, data: Any) -> dict[str, float]:
    """Accuracy and cross-entropy, per task and averaged over tasks.

    Args:
        model: a `RAG`.
        data: `MultiTaskDataset` (or its `TaskTensors`) with the model's tasks, a DataLoader of one,
            or a stream: any iterable of (x, y, task) batches, of which one at a time is held.

    Returns:
        dict: ``loss`` and ``accuracy`` (means over tasks), and ``loss/<task>``, ``accuracy/<task>``
            for each.
    """
    check_model(model)
    loader = isinstance(data, torch.utils.data.DataLoader) and hasattr(data.dataset, "__len__")
    if loader and hasattr(model, "parts"):
        data = data.dataset
    if is_stream(data):
        losses, accuracy = _evaluate_stream(model, data)
    else:
        tensors = as_tensors(model, data)
        logits = task_logits(tensors.x, model.task_weights(), model.task_bias())
        losses = tensors.by_task(cross_entropy(logits, tensors.onehot, tensors.weight))
        right = (logits.argmax(1) == tensors.y) & (tensors.weight > 0)
        accuracy = tensors.by_task(right.sum(1)) / tensors.sizes  # (n_tasks,)
    scores = {"loss": losses.mean().item(), "accuracy": accuracy.mean().item()}
    for name, loss, right in zip(model.task_names, losses.tolist(), accuracy.tolist(), strict=True):
        scores |= {f"loss/{name}": loss, f"accuracy/{name}": right}
    return scores


def _evaluate_stream(model: RAG, stream: Iterable) -> tuple[Tensor, Tensor]:
    """(CE_t, accuracy) of each task, (n_tasks,), one batch after another."""
    sums = torch.zeros(3, model.n_tasks, dtype=torch.float64)  # loss, right, examples
    for x, y, task in batches_of(stream):
        there = y != MISSING
        logits = model(x, task)[there].cpu()
        y = y[there].cpu()
        task = task[there].cpu()
        each = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        values = torch.stack([each, logits.argmax(1) == y, torch.ones_like(each)])
        sums.index_add_(1, task, values.double())
    if not bool(sums[2].all()):
        raise refuse(
            expected="examples of every task in the stream",
            got=f"none of task {model.task_names[int(sums[2].argmin())]!r}",
            fix="stream the whole data, or evaluate a model of these tasks only",
        )
    return sums[0] / sums[2], sums[1] / sums[2]


def plan(schedule: str, epochs: int, rounds: int = 10) -> list[str]:
    """The phase of every epoch, as a list of ``"joint"``, ``"shared"`` or ``"adapters"``.

    Fewer epochs than turns: the phases change every epoch.

    Example:
        >>> plan("two_phase", 4), plan("alternating", 4, rounds=2)
        (['shared', 'shared', 'adapters', 'adapters'], ['shared', 'adapters', 'shared', 'adapters'])
    """
    one_of("schedule", schedule, SCHEDULES)
    whole("epochs", epochs, 0, MOST)
    if schedule == "joint":
        return ["joint"] * epochs
    whole("rounds", rounds, 1)
    turns = min(2 if schedule == "two_phase" else 2 * rounds, epochs)
    return [("shared", "adapters")[e * turns // epochs % 2] for e in range(epochs)]


def fit(
    model: RAG,
    data: Any,
    schedule: str = "joint",
    epochs: int = 100,
    lr: float = 0.05,
    optimizer: Any = torch.optim.Adam,
    batch_size: int | None = None,
    criterion: MultiTaskLoss | None = None,
    lam: float = LAM,
    lam_shared: float = LAM,
    alpha: Any = "equal",
    val: Any = None,
    patience: int | None = None,
    device: Any = "auto",
    callbacks: list | tuple = (),
    progress: bool = True,
    resume: Any = None,
    seed: int = 0,
    rounds: int = 10,
    adapters_first: bool = True,
) -> History:
    """Train ``model`` on ``data``, in place.

    Args:
        model: a `RAG`. What the learner froze stays frozen; inactive adapters are left alone.
        data: `MultiTaskDataset`, or `TaskTensors` (its stacked form); or a stream, of which one
            batch is in memory: a DataLoader, or any iterable of (x, y, task) batches that can be
            read once an epoch. Its CE_t is the mean over a batch's examples of task t, or 0.
        schedule: ``"joint"``, ``"two_phase"`` (shared, then adapters) or ``"alternating"``
            (``rounds`` times each).
        epochs: passes over the data in all. A phase gets its equal part of them.
        lr, optimizer: learning rate, and any torch optimiser: ``optimizer(parameters, lr=lr)``.
        batch_size: examples of the largest task in a batch (smaller tasks give the same share).
            None: full batch.
        criterion: a `MultiTaskLoss`; or give ``lam``, ``lam_shared`` and ``alpha`` and one is made.
            Of a stream only you know the tasks' sizes: for alpha="size", ``MultiTaskLoss(sizes=)``.
        lam, lam_shared: penalties on the adapters and on W_s; the defaults are those of `solve`.
        val: validation data. Its mean cross-entropy is recorded after every epoch.
        patience: stop after so many epochs without a better validation loss, and keep the best
            epoch's weights.
        device: ``"auto"`` (CUDA, then MPS, then CPU), or a device. The model stays there.
        callbacks: objects with ``on_step(model, step, loss)``, ``on_epoch(model, epoch, record)``.
        progress: show a tqdm bar.
        resume: a `History` (or its ``checkpoint``, which `torch.save` can keep) to go on from, with
            the same model and options (others are refused; more epochs are not). The result is
            bit-equal to never having stopped.
        seed: order of the batches.
        adapters_first: whether the adapters, still random, take part while phase one trains W_s.

    Returns:
        `History`. Ctrl-C (or the stop button) ends training after the step under way and keeps what
        was learnt; a second one ends it at once. If the loss becomes infinite or NaN, training
        stops, warns, and keeps the last finite weights.

    Raises:
        RagteachError: data that do not fit the model, unknown options, negative penalties; before
            any training.
    """
    phases = plan(schedule, epochs, rounds)
    check_fit(
        model, lr, optimizer, batch_size, val, patience, callbacks, seed, adapters_first, progress
    )
    if criterion is None:
        criterion = MultiTaskLoss(alpha=alpha, lam=lam, lam_shared=lam_shared)
    elif not isinstance(criterion, MultiTaskLoss) or (lam, lam_shared, str(alpha)) != OWN:
        raise refuse(
            expected="criterion: a MultiTaskLoss, which has lam, lam_shared and alpha of its own",
            got=f"{type(criterion).__name__}, {lam = }, {lam_shared = }, {alpha = }",
            fix="fit(..., criterion=MultiTaskLoss(loss_fn, lam=..., lam_shared=..., alpha=...))",
        )
    criterion.alpha = by_task(criterion.alpha, model.task_names)
    model.to(pick_device(device))
    if is_stream(data):
        check_stream(model, data, criterion, batch_size, epochs)
    else:
        data = as_tensors(model, data, criterion.class_weight)
        criterion.set_sizes(data.sizes)
    val = val if val is None or is_stream(val) else as_tensors(model, val)
    fits_training(model)
    criterion = criterion.to(model.shared.device)
    way = {"schedule": schedule, "rounds": rounds}
    way |= {"batch_size": batch_size, "adapters_first": adapters_first}
    run = Run(model, criterion, optimizer, lr, seed, resume, patience, phases, **way)
    bar = tqdm(total=epochs, initial=run.epoch, disable=not progress, desc=schedule, unit="epoch")
    with bar, interruptible() as interrupted:
        while run.epoch < epochs and not run.history.stopped:
            phase = phases[run.epoch]
            with only(model, PARTS[phase], silent=phase == "shared" and not adapters_first):
                loss = _epoch(run, data, batch_size, phase, callbacks, interrupted)
            where = f"in epoch {run.epoch + 1} of {epochs}"
            if loss is None:
                run.history.stopped = f"interrupted {where}, after batch {run.batch}"
                break
            if not math.isfinite(loss):
                run.diverged(where, f"the loss of batch {run.batch + 1} is {loss}")
                break
            record: dict[str, Any] = {"epoch": run.epoch + 1, "phase": phase, "loss": loss}
            if val is not None:
                record |= {f"val_{k}": v for k, v in evaluate(model, val).items() if "/" not in k}
            run.end_epoch(record)
            bar.update()
            numbers = {k: f"{v:.3f}" for k, v in record.items() if isinstance(v, float)}
            bar.set_postfix(numbers, refresh=False)
            with interrupted:
                for callback in callbacks:
                    if hasattr(callback, "on_epoch"):
                        callback.on_epoch(model, record["epoch"], record)
            if interrupted.is_set() and run.epoch < epochs and not run.history.stopped:
                run.history.stopped = f"interrupted after epoch {run.epoch} of {epochs}"
    if not all(bool(p.isfinite().all()) for p in model.parameters()):
        run.go_back()
        run.diverged(f"after epoch {run.epoch} of {epochs}", "weights became infinite or NaN")
    elif not run.history.stopped and run.rose():
        what = f"the loss rose from {run.first:.3g} to {run.history.records[-1]['loss']:.3g}"
        run.diverged(f"by epoch {run.epoch} of {epochs}", what)
    return run.close()


def _epoch(
    run: Run,
    data: Any,
    batch_size: int | None,
    phase: str,
    callbacks: list | tuple,
    interrupted: Interruption,
) -> float | None:
    """One pass over the data: the mean J of its batches, or the loss that is no finite number; None
    if interrupted before its end.
    """
    optimizer: Any = run.optimizer(phase)
    moving = [p for group in optimizer.param_groups for p in group["params"]]
    n_batches = None
    generator = run.epoch_generator()
    if is_stream(data):
        batches: Iterable = itertools.islice(batches_of(data, run.model), run.batch, None)
    else:
        rows = epoch_batches(data, batch_size, generator)
        n_batches = len(rows)
        batches = [data] if rows[0] is None else data.batches(rows[run.batch :])
    on_step = [c.on_step for c in callbacks if hasattr(c, "on_step")]
    for batch in batches:
        # torch's own form of the step; some optimisers call it often
        def closure(batch: Any = batch) -> Tensor:
            for p in moving:  # optimizer.zero_grad(), for less
                p.grad = None
            loss = _loss(run, batch)
            loss.backward()
            return loss

        run.before_step(moving)
        loss = optimizer.step(closure).item()
        if not run.after_step(loss):
            return loss
        with interrupted:
            for call in on_step:
                call(run.model, run.step, loss)
        if interrupted.is_set() and run.batch != n_batches:
            return None
    return run.total / run.batch


def _loss(run: Run, batch: Any) -> Tensor:
    """J of a batch: `TaskTensors`, or (x, y, task) of a stream."""
    if isinstance(batch, TaskTensors):
        return run.criterion.stacked(run.model, batch)
    device = run.model.shared.device
    x, y, task = (part.to(device) if isinstance(part, torch.Tensor) else part for part in batch)
    return run.criterion(run.model(x, task), y, task, run.model)
