"""Many processes, one model: each reads its share of every batch, torch's DDP averages the gradients.

Enters: a model, batches (x, y, task), and what torchrun tells each process.  Leaves: the weights that
one process would have found.

    g = mean over processes of dJ/dW on their shares        = dJ/dW on the whole batch

The mean of means is the mean of the whole only if every process has as many examples of each task;
so every task's examples are dealt out evenly, or refused.

    torchrun --nproc-per-node 2 my_training.py              my_training.py calls `fit_spread`

Source: Li et al. (2020), PyTorch Distributed, VLDB.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ragteach.data.arguments import check_fit
from ragteach.data.batches import batches_of, is_stream
from ragteach.errors import refuse, whole
from ragteach.losses import MultiTaskLoss


class Objective(nn.Module):
    """J of a batch as one module, so that DDP sees all that a step needs, the penalties too."""

    def __init__(self, model: nn.Module, criterion: MultiTaskLoss) -> None:
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(self, x: Any, y: Tensor, task: Tensor) -> Tensor:
        """A number."""
        return self.criterion(self.model(x, task), y, task, self.model)


def fit_spread(model: nn.Module, batches: Iterable, criterion: MultiTaskLoss, *, epochs: int = 10,
               lr: float = 0.01, optimizer: Any = torch.optim.Adam) -> list[float]:  # fmt: skip
    """Train ``model`` in place, on as many processes as torchrun has started (one, without it).

    Every process makes the same model and the same batches, and calls this; each takes its share of
    every batch. With GPUs each process has one of its own; else they meet on the CPU (gloo).

    Args:
        model: a `RAG` or `DeepRAG`, made with the same seed in every process.
        batches: (x, y, task), read once an epoch; every batch holds every task, as often as a
            multiple of the number of processes.
        criterion: a `MultiTaskLoss`, with its penalties.
        epochs, lr, optimizer: as in `fit`.

    Returns:
        The mean J of each epoch (of this process's shares).

    Raises:
        RagteachError: a batch that cannot be dealt out evenly, before its step.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> loader = torch.utils.data.DataLoader(data, batch_size=4)
        >>> losses = fit_spread(RAG(4, 2, 2, tasks=["a", "b"]), loader, MultiTaskLoss(sizes=[2, 2]), lr=0.1)
        >>> losses[0] > losses[-1]
        True
    """
    whole("epochs", epochs)
    check_fit(model, lr, optimizer, None, None, None, (), 0, False)
    if not isinstance(criterion, MultiTaskLoss):
        raise refuse(
            expected="criterion: a MultiTaskLoss, with its penalties",
            got=f"criterion = {criterion!r:.60}",
            fix="criterion=rt.MultiTaskLoss(lam=0.01, lam_shared=0.01, sizes=data.sizes)",
        )
    if not is_stream(batches):
        raise refuse(
            expected="batches: a DataLoader, or another stream of (x, y, task)",
            got=f"batches = {type(batches).__name__}",
            fix="torch.utils.data.DataLoader(dataset, batch_size=32)",
        )
    n, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    objective: nn.Module = Objective(model, criterion).to(device)
    ours = n > 1 and not distributed.is_initialized()
    if ours:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        if n > 1:
            objective = DistributedDataParallel(objective)
        moving = [p for p in objective.parameters() if p.requires_grad]
        steps, means = optimizer(moving, lr=lr), []
        for _ in range(epochs):
            losses = []
            for batch in batches_of(batches):
                x, y, task = share_of(batch, rank, n, device)
                steps.zero_grad()
                loss = objective(x, y, task)
                loss.backward()
                steps.step()
                losses.append(loss.item())
            means.append(sum(losses) / max(len(losses), 1))
        return means
    finally:
        if ours:
            distributed.destroy_process_group()


def share_of(batch: tuple, rank: int, n: int, device: Any = "cpu") -> tuple[Any, Tensor, Tensor]:
    """The ``rank``-th of ``n`` shares of a batch: every n-th example of each task.

    Example:
        >>> x, y, task = torch.arange(4.0)[:, None], torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
        >>> share_of((x, y, task), 1, 2)[0].flatten()
        tensor([1., 3.])
    """
    x, y, task = batch
    counts = torch.bincount(task)
    if bool((counts % n).any()):
        raise refuse(
            expected=f"batches that {n} processes can share: of every task a multiple of {n} examples",
            got=f"{counts.tolist()} examples of the tasks",
            fix="drop the rest of each task, or take another batch size or number of processes",
        )
    order = torch.argsort(task, stable=True)
    mine = order[rank::n].sort().values if n > 1 else torch.arange(len(task))
    parts = (
        {k: v[mine].to(device) for k, v in x.items()} if isinstance(x, dict) else x[mine].to(device)
    )
    return parts, y[mine].to(device), task[mine].to(device)
