"""Many processes, one model: each reads its share of a batch, torch's DDP averages the gradients.

Enters: a model, batches (x, y, task), and what torchrun tells each process.  Leaves: the weights
that one process would have found.

    g = mean over processes of dJ/dW on their shares        = dJ/dW on the whole batch

The mean of means is the mean of the whole only if every process has as many examples of each task;
so every task's examples are dealt out evenly, or refused.

    torchrun --nproc-per-node 2 my_training.py              my_training.py calls `fit_spread`

Source: Li et al. (2020), PyTorch Distributed, VLDB.
"""

from __future__ import annotations

import atexit
import itertools
import os
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from ragteach.data.batches import batches_of, check_stream, is_stream
from ragteach.errors import refuse, shown, whole
from ragteach.ground.arguments import check_fit
from ragteach.ground.machine import Interruption, interruptible
from ragteach.losses import MultiTaskLoss
from ragteach.runs import History, Run


class Objective(nn.Module):
    """J of a batch as one module, so that DDP sees all that a step needs, the penalties too."""

    def __init__(self, model: nn.Module, criterion: MultiTaskLoss) -> None:
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(self, x: Any, y: Tensor, task: Tensor) -> Tensor:
        """A number."""
        return self.criterion(self.model(x, task), y, task, self.model)


def fit_spread(
    model: nn.Module,
    batches: Iterable,
    criterion: MultiTaskLoss,
    *,
    epochs: int = 10,
    lr: float = 0.01,
    optimizer: Any = torch.optim.Adam,
    progress: bool = True,
    resume: Any = None,
) -> History:
    """Train ``model`` in place, on as many processes as torchrun has started (one, without it).

    Every process makes the same model and the same batches, and calls this; each takes its share of
    every batch. With GPUs each process has one of its own; else they meet on the CPU (gloo).

    Args:
        model: a `RAG` or `DeepRAG`, made with the same seed in every process.
        batches: (x, y, task), read once an epoch; every batch holds every task, as often as a
            multiple of the number of processes.
        criterion: a `MultiTaskLoss`, with its penalties.
        epochs, lr, optimizer: as in `fit`.
        progress: show a bar, in the first process only.
        resume: the `History` of such a training, or its ``checkpoint`` from a file, in every
            process: it goes on as if it had never stopped.

    Returns:
        `History`, the same in every process: ``records`` with the mean J of each epoch, and the
        ``checkpoint``. Ctrl-C ends training in all processes after the step under way, and keeps
        what was learnt; so does a loss that is no finite number, with the last weights that were.

    Raises:
        RagteachError: a batch that cannot be dealt out evenly, before its step; a checkpoint of
            another model.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> loader = torch.utils.data.DataLoader(data, batch_size=4)
        >>> model, criterion = RAG(4, 2, 2, tasks=["a", "b"]), MultiTaskLoss(sizes=[2, 2])
        >>> history = fit_spread(model, loader, criterion, lr=0.1, progress=False)
        >>> history.records[0]["loss"] > history.records[-1]["loss"]
        True
    """
    whole("epochs", epochs)
    check_fit(model, lr, optimizer, None, None, None, (), 0, False, progress)
    if not isinstance(criterion, MultiTaskLoss):
        raise refuse(
            expected="criterion: a MultiTaskLoss, with its penalties",
            got=f"criterion = {shown(criterion, 60)}",
            fix="criterion=rt.MultiTaskLoss(lam=0.01, lam_shared=0.01, sizes=data.sizes)",
        )
    if not is_stream(batches):
        raise refuse(
            expected="batches: a DataLoader, or another stream of (x, y, task)",
            got=f"batches = {type(batches).__name__}",
            fix="torch.utils.data.DataLoader(dataset, batch_size=32)",
        )
    check_stream(model, batches, criterion, None, epochs)
    n = int(os.environ.get("WORLD_SIZE", 1))
    rank = int(os.environ.get("RANK", 0))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    objective: nn.Module = Objective(model, criterion).to(device)
    run = Run(model, criterion, optimizer, lr, 0, resume, phases=["joint"] * epochs)
    if n > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)  # not before: they cannot meet twice
    bar = tqdm(total=epochs, initial=run.epoch, disable=rank > 0 or not progress, unit="epoch")
    if n > 1:
        idle = not all(cast(Any, model).active.values())  # no gradient comes from these
        objective = DistributedDataParallel(objective, find_unused_parameters=idle)
    with bar, interruptible() as interrupted:
        while run.epoch < epochs and not run.history.stopped:
            _epoch(run, objective, batches, (rank, n, device), interrupted)
            bar.n = run.epoch
            if run.history.records:
                bar.set_postfix({"loss": f"{run.history.records[-1]['loss']:.3f}"})
    return run.close()


def _epoch(
    run: Run,
    objective: nn.Module,
    batches: Iterable,
    place: tuple[int, int, torch.device],
    interrupted: Interruption,
) -> None:
    """One pass over the batches, or until all processes agree to stop."""
    rank, n, device = place
    steps = run.optimizer("joint")
    moving = [p for group in steps.param_groups for p in group["params"]]
    run.epoch_generator()
    where = f"in epoch {run.epoch + 1}"
    for batch in itertools.islice(batches_of(batches), run.batch, None):
        x, y, task = share_of(batch, rank, n, device)
        run.before_step(moving)
        steps.zero_grad()
        loss = objective(x, y, task)
        loss.backward()
        steps.step()
        mean, stop = agreed(loss.detach(), interrupted.is_set(), n)
        if not run.after_step(mean):
            run.diverged(where, f"the loss of batch {run.batch + 1} is {mean}")
            return
        if stop:
            run.history.stopped = f"interrupted {where}, after batch {run.batch}"
            return
    run.end_epoch({"epoch": run.epoch + 1, "loss": run.total / run.batch})


def agreed(loss: Tensor, stop: bool, n: int) -> tuple[float, bool]:
    """The mean of the processes' losses, and whether any of them was told to stop."""
    said = torch.stack([loss.float(), loss.new_tensor(float(stop), dtype=torch.float32)])
    if n > 1:
        distributed.all_reduce(said)
    return said[0].item() / n, bool(said[1] > 0)


def share_of(batch: tuple, rank: int, n: int, device: Any = "cpu") -> tuple[Any, Tensor, Tensor]:
    """The ``rank``-th of ``n`` shares of a batch: every n-th example of each task.

    Example:
        >>> x, y, task = torch.arange(4.0), torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
        >>> share_of((x[:, None], y, task), 1, 2)[0].flatten()
        tensor([1., 3.])
    """
    x, y, task = batch
    counts = torch.bincount(task)
    if bool((counts % n).any()):
        raise refuse(
            expected=f"batches that {n} processes can share: of every task a multiple of {n} "
            "examples",
            got=f"{counts.tolist()} examples of the tasks",
            fix="drop the rest of each task, or take another batch size or number of processes",
        )
    order = torch.argsort(task, stable=True)
    mine = order[rank::n].sort().values if n > 1 else torch.arange(len(task))
    parts = (
        {k: v[mine].to(device) for k, v in x.items()} if isinstance(x, dict) else x[mine].to(device)
    )
    return parts, y[mine].to(device), task[mine].to(device)
