"""Training a `MultiHead`: all tasks at once, full batch.

Enters: a model, and targets of every task.  Leaves: the trained model, and a record for each epoch.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from tqdm.auto import tqdm

from ragteach.errors import DivergenceWarning, at_least, is_list, one_of, refuse, shown, whole
from ragteach.ground.arguments import MOST, check_penalty, members, yes_no
from ragteach.ground.functions import check_callbacks
from ragteach.ground.objects import one_value, outside
from ragteach.study.multi_head import MultiHead


def fit_heads(
    model: MultiHead,
    data: Mapping[str, tuple],
    epochs: int = 200,
    lr: float = 0.02,
    lam: float = 0.0,
    lam_shared: float = 0.0,
    alpha: Mapping[str, float] | None = None,
    callbacks: Iterable = (),
    progress: bool = True,
) -> list[dict]:
    """Train a `MultiHead` on all tasks at once, full batch, by Adam.

    Args:
        model: trained in place.
        data: a dict task -> (x, y); x is (x_left, x_right) for `Similarity`.
        epochs, lr: steps of Adam, and their size.
        lam, lam_shared: penalties on the adapters and on W_s.
        alpha: a dict task -> weight >= 0, default 1 each. Losses of different kinds have different
            units: here you balance them.
        callbacks: objects with ``on_epoch(model, epoch, record)``, as in `fit`.
        progress: show a tqdm bar.

    Returns:
        list of records, one per epoch: ``{"epoch": ..., "loss": J, "loss/<task>": L_t, ...}``. If J
        stops being finite, training ends there with a warning and the last weights that had a
        finite J.

    Raises:
        RagteachError: data, weights or penalties that do not fit; before any training.
    """
    if not isinstance(model, MultiHead):
        raise refuse(
            expected="model to be a MultiHead",
            got=f"{type(model).__name__}",
            fix="MultiHead(n_features, {task: head, ...}); a RAG is trained by fit()",
        )
    whole("epochs", epochs, 0, MOST)
    lr, lam, lam_shared = (one_value(value) for value in (lr, lam, lam_shared))
    at_least("lr", lr, 0.0, 1e30)
    check_penalty("lam", lam)
    check_penalty("lam_shared", lam_shared)
    yes_no("progress", progress)
    # a Fraction is no float yet
    lr = float(lr)
    lam = float(lam)
    lam_shared = float(lam_shared)
    data = model.checked(data)
    alpha = _alphas(alpha, data)
    callbacks = _callbacks(callbacks)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=lr)
    records: list[dict] = []
    kept = None
    for epoch in tqdm(range(1, epochs + 1), disable=not progress, unit="epoch"):
        optimizer.zero_grad()
        losses = model.losses_of(data)
        total = model.objective(losses, alpha, lam, lam_shared)
        if not torch.isfinite(total):
            _say_diverged(model, kept, epoch)
            break
        kept = [p.detach().clone() for p in model.parameters()]
        total.backward()
        optimizer.step()
        record = {"epoch": epoch, "loss": total.item()}
        record |= {f"loss/{task}": loss.item() for task, loss in losses.items()}
        records.append(record)
        for callback in callbacks:
            callback.on_epoch(model, epoch, record)
    return records


def _say_diverged(model: MultiHead, kept: list | None, epoch: int) -> None:
    """Put the last weights of a finite J back, and say so."""
    if kept is not None:
        with torch.no_grad():
            for p, before in zip(model.parameters(), kept, strict=True):
                p.copy_(before)
    warnings.warn(
        f"J is not finite in epoch {epoch}: training stopped, and the weights of the epoch before "
        "are kept. Use a smaller lr, or features and targets nearer to 0 .. 1.",
        DivergenceWarning,
        stacklevel=outside(),
    )


# ---------------------------------------------------------------- checks


def _alphas(alpha: Any, data: Mapping) -> dict[str, float]:
    """alpha_t by task, 1 where none is given."""
    alpha = {} if alpha is None else alpha
    if not isinstance(alpha, Mapping):
        raise refuse(
            expected="alpha as a dict from task to weight",
            got=f"alpha = {shown(alpha)}",
            fix=f"give {{{next(iter(data))!r}: 2.0}}; tasks that are left out weigh 1",
        )
    for task, weight in alpha.items():
        one_of("task in alpha", task, data)
        at_least(f"alpha[{shown(task)}]", weight)
    alphas = {task: float(alpha.get(task, 1.0)) for task in data}
    if not any(alphas.values()):
        raise refuse(
            expected="a positive alpha for at least one task",
            got=f"alpha = {shown(alpha)}",
            fix="leave alpha out: every task then weighs 1",
        )
    return alphas


def _callbacks(callbacks: Any) -> list:
    """Callbacks as a list, each with a method on_epoch."""
    several = is_list(callbacks)
    listed = members("callbacks", callbacks, "callbacks=[yours]") if several else [callbacks]
    check_callbacks(listed, ("on_epoch",))
    return listed
