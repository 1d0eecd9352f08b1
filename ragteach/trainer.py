"""Training: a loop you could have written.

Enters: a `RAG` and a `MultiTaskDataset`.  Leaves: the trained model (in place) and a `History`.

    for each phase of the schedule:     two_phase: W_s, then the adapters (the article's steps 3 and 4)
        for each epoch:                 alternating: the two in turn, many times
            for each batch:             joint: everything at once
                J.backward(); optimizer.step()

A batch holds the same share of every task, so that CE_t is always the mean of some examples of task
t.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from tqdm.auto import tqdm

from ragteach.errors import at_least, one_of, refuse, whole
from ragteach.losses import MultiTaskLoss, cross_entropy
from ragteach.model import task_logits
from ragteach.runs import History, Run, interruptible, only, pick_device
from ragteach.tensors import as_tensors

SCHEDULES = ("joint", "two_phase", "alternating")
PARTS = {
    "joint": ("shared", "adapters", "bias"),
    "shared": ("shared", "bias"),
    "adapters": ("adapters", "bias"),
}


def train_epoch(model, loader, criterion, optimizer):
    """One pass over a DataLoader of (x, y, task) batches; returns the mean J. The plainest loop
    there is.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model, loader = RAG(4, 2, 2, tasks=["a", "b"]), torch.utils.data.DataLoader(data, batch_size=2)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        >>> losses = [train_epoch(model, loader, MultiTaskLoss(sizes=[2, 2]), optimizer) for _ in range(3)]
        >>> losses[0] > losses[1] > losses[2]
        True
    """
    if not isinstance(loader, Iterable) or isinstance(loader, torch.utils.data.Dataset):
        raise refuse(
            expected="a DataLoader, which makes batches of (x, y, task)",
            got=f"{type(loader).__name__}",
            fix="torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)",
        )
    losses = []
    for x, y, task in loader:
        optimizer.zero_grad()
        loss = criterion(model(x, task), y, task, model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def evaluate(model, data):
    """Accuracy and cross-entropy, per task and averaged over tasks.

    Args:
        model: a `RAG`.
        data: `MultiTaskDataset` (or its `TaskTensors`) with the model's tasks, or a DataLoader of
            one.

    Returns:
        dict: ``loss`` and ``accuracy`` (means over tasks), and ``loss/<task>``, ``accuracy/<task>``
            for each.
    """
    data = data.dataset if isinstance(data, torch.utils.data.DataLoader) else data
    tensors = as_tensors(model, data)
    logits = task_logits(
        tensors.x, model.task_weights(), model.task_bias()
    )  # (n_tasks, n_classes, n_docs)
    losses = cross_entropy(logits, tensors.onehot, tensors.weight)  # (n_tasks,)
    there = tensors.weight > 0
    accuracy = ((logits.argmax(1) == tensors.y) & there).sum(1) / there.sum(1)  # (n_tasks,)
    scores = {"loss": losses.mean().item(), "accuracy": accuracy.mean().item()}
    for name, loss, right in zip(
        tensors.task_names, losses.tolist(), accuracy.tolist(), strict=True
    ):
        scores |= {f"loss/{name}": loss, f"accuracy/{name}": right}
    return scores


def plan(schedule, epochs, rounds=10):
    """The phase of every epoch, as a list of ``"joint"``, ``"shared"`` or ``"adapters"``.

    Fewer epochs than turns: the phases change every epoch.

    Example:
        >>> plan("two_phase", 4), plan("alternating", 4, rounds=2)
        (['shared', 'shared', 'adapters', 'adapters'], ['shared', 'adapters', 'shared', 'adapters'])
    """
    one_of("schedule", schedule, SCHEDULES)
    if schedule == "joint":
        return ["joint"] * epochs
    whole("rounds", rounds, 1)
    turns = min(2 if schedule == "two_phase" else 2 * rounds, epochs)
    return [("shared", "adapters")[e * turns // epochs % 2] for e in range(epochs)]


def fit(model, data, schedule="joint", epochs=100, lr=0.05, optimizer=torch.optim.Adam, batch_size=None,
        criterion=None, lam=0.0, lam_shared=0.0, alpha="equal", val=None, patience=None, device="auto",
        callbacks=(), progress=True, resume=None, seed=0, rounds=10,
        adapters_first=True) -> History:  # fmt: skip
    """Train ``model`` on ``data``, in place.

    Args:
        model: a `RAG`. What the learner froze stays frozen; inactive adapters are left alone.
        data: `MultiTaskDataset`, or `TaskTensors` (its stacked form).
        schedule: ``"joint"``, ``"two_phase"`` (shared, then adapters) or ``"alternating"``
            (``rounds`` times each).
        epochs: passes over the data in all. A phase gets its equal part of them.
        lr, optimizer: learning rate, and any torch optimiser, called as ``optimizer(parameters,
            lr=lr)``.
        batch_size: examples of the largest task in a batch (smaller tasks give the same share).
            None: full batch.
        criterion: a `MultiTaskLoss`; or give ``lam``, ``lam_shared`` and ``alpha`` and one is made.
        val: validation data. Its mean cross-entropy is recorded after every epoch.
        patience: stop after so many epochs without a better validation loss, and keep the best
            epoch's weights.
        device: ``"auto"`` (CUDA, then MPS, then CPU), or a device. The model stays there.
        callbacks: objects with ``on_step(model, step, loss)`` and/or ``on_epoch(model, epoch,
            record)``.
        progress: show a tqdm bar.
        resume: a `History` (or its ``checkpoint``, which `torch.save` can keep) to go on from, with
            the same model and options. The result is bit-equal to never having stopped.
        seed: order of the batches.
        adapters_first: whether the adapters, still random, take part while the first phase trains
            W_s.

    Returns:
        `History`. Ctrl-C (or the stop button) ends training after the step under way and keeps what
        was learnt.

    Raises:
        RagteachError: data that do not fit the model, unknown options, negative penalties; before
            any training.
    """
    whole("epochs", epochs), at_least("lr", lr)
    for name, value in (("batch_size", batch_size), ("patience", patience)):
        if value is not None:
            whole(name, value, 1)
    for callback in callbacks:
        if not (hasattr(callback, "on_step") or hasattr(callback, "on_epoch")):
            raise refuse(
                expected="callbacks with a method on_step or on_epoch",
                got=f"{callback!r}, which has neither",
                fix="write a class with on_epoch(self, model, epoch, record), and pass [YourClass()]",
            )
    if patience is not None and val is None:
        raise refuse(
            expected="val data for early stopping",
            got="patience without val",
            fix="pass val=validation_data",
        )
    phases = plan(schedule, epochs, rounds)
    if criterion is None:
        criterion = MultiTaskLoss(alpha=alpha, lam=lam, lam_shared=lam_shared)
    model.to(pick_device(device))
    tensors = as_tensors(model, data, criterion.class_weight)
    val = None if val is None else as_tensors(model, val)
    criterion.set_sizes(tensors.sizes)
    run = Run(model, criterion.to(model.shared.device), optimizer, lr, seed, resume)
    bar = tqdm(total=epochs, initial=run.epoch, disable=not progress, desc=schedule, unit="epoch")
    with bar, interruptible() as interrupted:
        while run.epoch < epochs and not run.history.stopped:
            phase = phases[run.epoch]
            with only(model, PARTS[phase], silent=phase == "shared" and not adapters_first):
                loss = _epoch(run, tensors, batch_size, phase, callbacks, interrupted)
            if loss is None:
                run.history.stopped = (
                    f"interrupted in epoch {run.epoch + 1} of {epochs}, after batch {run.batch}"
                )
                break
            record = {"epoch": run.epoch + 1, "phase": phase, "loss": loss}
            if val is not None:
                record |= {f"val_{k}": v for k, v in evaluate(model, val).items() if "/" not in k}
            run.end_epoch(record, patience)
            bar.update()
            bar.set_postfix(
                {k: f"{v:.3f}" for k, v in record.items() if isinstance(v, float)}, refresh=False
            )
            with interrupted:
                for callback in callbacks:
                    if hasattr(callback, "on_epoch"):
                        callback.on_epoch(model, record["epoch"], record)
            if interrupted.is_set() and run.epoch < epochs:
                run.history.stopped = f"interrupted after epoch {run.epoch} of {epochs}"
    return run.close()


def _epoch(run, tensors, batch_size, phase, callbacks, interrupted):
    """One pass over the data: the mean J of its batches, or None if interrupted before its end."""
    optimizer = run.optimizer(phase)
    moving = [p for group in optimizer.param_groups for p in group["params"]]
    batches = epoch_batches(tensors, batch_size, run.epoch_generator())
    on_step = [c.on_step for c in callbacks if hasattr(c, "on_step")]
    for batch in [tensors] if batches[0] is None else tensors.batches(batches[run.batch :]):

        def closure(
            batch=batch,
        ):  # torch's own form of the step; some optimisers evaluate it more than once
            for p in moving:  # optimizer.zero_grad(), for less
                p.grad = None
            loss = run.criterion.stacked(run.model, batch)
            loss.backward()
            return loss

        loss = optimizer.step(closure).detach()
        run.after_step(loss)
        with interrupted:
            for call in on_step:
                call(run.model, run.step, float(loss))
        if interrupted.is_set():
            return float(run.total) / len(batches) if run.batch == len(batches) else None
    return float(run.total) / len(batches)


def epoch_batches(tensors, batch_size, generator):
    """Rows of each batch of one epoch: a list of index tensors (n_tasks, n_batch), or ``[None]``:
    full batch.

    The examples of each task are shuffled and dealt out evenly over the batches, whatever the
    task's size.
    """
    n_docs = tensors.y.shape[1]
    if batch_size is None or batch_size >= n_docs:
        return [None]
    there = (tensors.weight > 0).cpu()  # (n_tasks, n_docs)
    order = torch.stack([torch.randperm(n_docs, generator=generator) for _ in there])
    if not bool(there.all()):
        order = order.gather(
            1, there.gather(1, order).long().argsort(stable=True, dim=1, descending=True)
        )
        count, place = (
            there.sum(1, keepdim=True),
            torch.arange(n_docs),
        )  # real rows first, then padding
        real, padding = (place + 0.5) / count, (place - count + 0.5) / (n_docs - count).clamp(min=1)
        order = order.gather(
            1, torch.where(place < count, real, padding).argsort(stable=True, dim=1)
        )
    return list(order.to(tensors.y.device).split(int(batch_size), 1))
