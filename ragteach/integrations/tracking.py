"""Experiment tracking: what training says, written where your tools can show it.

Enters: the epochs of `fit` (or `fit_heads`).  Leaves: curves in TensorBoard or Weights & Biases.

A callback is any object with one or both of these methods, so your own is four lines:

    on_step(model, step, loss)          after every optimiser step
    on_epoch(model, epoch, record)      after every epoch, with its record: "epoch", "loss", ...

Both trackers log the same `numbers`: the losses, and the sizes of the shared weights and of each
adapter, so that you see who learns. Nothing is sent anywhere: TensorBoard writes files, and W&B
starts in offline mode.
"""

from __future__ import annotations

import numbers as _numbers
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import torch

from ragteach.errors import need, one_of, refuse, shown, whole
from ragteach.ground.arguments import is_a
from ragteach.ground.writing import make_folder


@torch.no_grad()
def numbers(model: Any, record: Mapping[str, Any]) -> dict[str, float]:
    """The curves of one epoch as a flat dict.

    Args:
        model: a `RAG` or `MultiHead`.
        record: what `fit` recorded; only its numbers are kept.

    Returns:
        dict: ``train/...`` and ``val/...`` from the record, ``norm/...`` of W_s and each adapter.

    Example:
        >>> from ragteach import RAG
        >>> record = {"epoch": 1, "phase": "joint", "loss": 0.7, "val_loss": 0.6}
        >>> sorted(numbers(RAG(4, 2, 1), record))
        ['norm/A1', 'norm/shared', 'train/loss', 'val/loss']
    """
    result = dict[str, float]()
    for key, value in record.items():
        if key != "epoch" and isinstance(value, _numbers.Real):
            group, name = ("val", key[4:]) if key.startswith("val_") else ("train", key)
            result[f"{group}/{name}"] = float(value)
    body = getattr(model, "body", model)
    result["norm/shared"] = body.shared.norm().item()
    for name, adapter in body.adapters.items():
        result[f"norm/{name}"] = adapter.weight.norm().item()
    return result


class _Tracker:
    """A callback that is also a context: leaving it closes it."""

    def on_epoch(self, model: Any, epoch: int, record: Mapping[str, Any]) -> None:
        """Log one epoch."""
        raise NotImplementedError

    def close(self) -> None:
        """Write what is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class TensorBoard(_Tracker):
    """Curves for TensorBoard, through torch's own SummaryWriter.

    Look at them with ``tensorboard --logdir runs``, or in a notebook with ``%load_ext tensorboard``
    and ``%tensorboard --logdir runs``. Needs the package tensorboard.

    Args:
        folder: where the files go; one folder per run, e.g. ``"runs/lam=0.1"``.
        config: hyper-parameters, written as text beside the curves.
        histograms: also the distribution of W_s and of each adapter, every so many epochs; 0 for
            none.

    Example:
        >>> import tempfile, torch
        >>> from ragteach import RAG, MultiTaskDataset, fit
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> folder = tempfile.mkdtemp()
        >>> with TensorBoard(folder) as board:
        ...     model = RAG(4, 2, 2, tasks=["a", "b"])
        ...     history = fit(model, data, callbacks=[board], progress=False)
        >>> len(list(Path(folder).glob("events.*")))
        1
    """

    def __init__(
        self,
        folder: str | os.PathLike = "runs",
        config: Mapping[str, Any] | None = None,
        histograms: int = 0,
    ) -> None:
        whole("histograms", histograms)
        config = _config(config)
        need("tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        is_a("folder", folder, (str, os.PathLike), "the path of a folder", 'folder="runs/first"')
        try:
            self.writer = SummaryWriter(str(folder))
        except (OSError, ValueError) as error:
            raise refuse(
                expected="folder to be one that can be written to",
                got=f"folder = {str(folder)!r}: {error}",
                fix="choose another folder, or make room in this one",
            ) from None
        self.histograms = histograms
        if config:
            lines = [f"- {name}: {value}" for name, value in config.items()]
            self.writer.add_text("config", "\n".join(lines))

    def on_epoch(self, model: Any, epoch: int, record: Mapping[str, Any]) -> None:
        for name, value in numbers(model, record).items():
            self.writer.add_scalar(name, value, epoch)
        if self.histograms and epoch % self.histograms == 0:
            body = getattr(model, "body", model)
            self.writer.add_histogram("weights/shared", body.shared.detach(), epoch)
            for name, adapter in body.adapters.items():
                self.writer.add_histogram(f"weights/{name}", adapter.weight.detach(), epoch)

    def close(self) -> None:
        self.writer.close()


def _config(config: Any) -> dict:
    """Hyper-parameters as a dict."""
    if config is not None and not isinstance(config, Mapping):
        raise refuse(
            expected="config as a dict of hyper-parameters",
            got=f"config = {shown(config)}",
            fix="give a dict such as {'lam': 0.1}",
        )
    return dict(config or {})


class WandB(_Tracker):
    """Curves for Weights & Biases. Offline unless you say otherwise: nothing leaves the machine.

    An offline run lies in ``folder/wandb/offline-run-...``; ``wandb sync`` on that folder uploads
    it, if you wish to. Needs the package wandb.

    Args:
        project: name of the project. name: of this run.
        config: hyper-parameters.
        folder: where the run's files go.
        mode: ``"offline"``, ``"online"`` (needs an account) or ``"disabled"``.
    """

    def __init__(
        self,
        project: str = "ragteach",
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        folder: str | os.PathLike = ".",
        mode: Literal["offline", "online", "disabled"] = "offline",
    ) -> None:
        one_of("mode", mode, ("offline", "online", "disabled"))
        is_a("project", project, str, "a name", 'project="ragteach"')
        config = _config(config)
        need("wandb")
        import wandb

        make_folder(Path(folder), "folder")
        settings = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False)
        self.run = wandb.init(
            project=project,
            name=name,
            config=config,
            dir=str(folder),
            mode=mode,
            settings=settings,
        )

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.run.dir).parent

    def on_epoch(self, model: Any, epoch: int, record: Mapping[str, Any]) -> None:
        curves = numbers(model, record).items()
        self.run.log({re.sub(r"\s", "_", name): value for name, value in curves}, step=epoch)

    def close(self) -> None:
        self.run.finish()
