"""What surrounds the training loop: where it stands, what it keeps, how it is interrupted.

Enters: a model, a loss and an optimiser.  Leaves: `History`, whose ``checkpoint`` holds all
    that training needs to go on as if it had never stopped: weights, optimiser states, order of
    batches, sums so far.
"""

from __future__ import annotations

import contextlib
import copy
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ragteach.errors import DivergenceWarning, refuse
from ragteach.ground.arguments import generator_of, made_optimizer
from ragteach.ground.objects import outside
from ragteach.ground.resuming import checkpoint_of, load_parts, options_of


@dataclass
class History:
    """What happened in `fit`.

    Attributes:
        records: one dict per epoch: epoch, phase, loss (J), and val_loss, val_accuracy if there was
            a validation set.
        stopped: "finished", or why and where training stopped (interrupted, diverged, no better).
        best_epoch: the epoch whose weights were kept (with ``patience``), else None.
        checkpoint: all that ``fit(..., resume=history)`` needs to go on as if it had never stopped.
    """

    records: list = field(default_factory=list)
    stopped: str = ""
    best_epoch: int | None = None
    checkpoint: dict = field(default_factory=dict, repr=False)

    def frame(self) -> Any:
        """The records as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.records)

    def __repr__(self) -> str:
        table = self.frame().to_string(max_rows=6, index=False) if self.records else ""
        return f"History of {len(self.records)} epochs: {self.stopped}\n{table}".rstrip()


FUSED = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)  # have such a form on every CPU
PLACE = ("rng", "epoch", "batch", "step", "total", "best", "first", "options")


class Run:
    """Where training stands: what a checkpoint holds."""

    generator: torch.Generator
    criterion: Any
    best: tuple[float, dict] | None

    def __init__(
        self,
        model: Any,
        criterion: Any,
        optimizer: Callable,
        lr: float,
        seed: int,
        resume: Any,
        patience: int | None = None,
        phases: Sequence[str] = (),
        **options: Any,
    ) -> None:
        self.model, self.criterion, self.make, self.lr = model, criterion, optimizer, float(lr)
        self.patience, self.saved = patience, dict[str, dict]()
        self.optimizers = dict[str, torch.optim.Optimizer]()
        self.rng = generator_of(seed).get_state()
        self.epoch = self.batch = self.step = 0
        self.total, self.first, self.best, self.history = 0.0, 0.0, None, History()
        self.options = options_of(criterion, optimizer, lr=self.lr, seed=int(seed), **options)
        self.start: list[tuple[Tensor, Tensor]] | None = None  # weights this epoch began with
        self.finite: list | None = self.start  # and those of one that went well
        if resume is not None:
            self._restore(checkpoint_of(resume, self.options, phases))
        self._stop_early()

    def _restore(self, state: dict) -> None:
        state = copy.deepcopy(state)
        load_parts(state, model=self.model, criterion=self.criterion)
        self.history = History(state.pop("records"), best_epoch=state.pop("best_epoch"))
        self.__dict__.update(state)

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """The phase's optimiser; it is kept, so that alternating phases go on where they were."""
        if phase not in self.optimizers:
            parameters = [*self.model.parameters(), *self.criterion.parameters()]
            parameters = [p for p in parameters if p.requires_grad]
            silent = {name for name, active in self.model.active.items() if not active}
            idle = {id(p) for name in silent for p in self.model.adapters[name].parameters()}
            if idle >= {id(p) for p in parameters}:
                raise refuse(
                    expected=f"something to train in phase {phase!r}",
                    got="a model whose parts are all frozen, or adapters that are not active",
                    fix="call model.unfreeze(...), .activate(...), or choose another schedule",
                )
            options: dict[str, Any] = {"lr": self.lr}
            if self.make in FUSED and all(p.device.type == "cpu" for p in parameters):
                options["fused"] = True  # one pass over memory a step
            saved = self.saved.get(phase)
            self.optimizers[phase] = made_optimizer(self.make, parameters, options, saved)
        return self.optimizers[phase]

    def epoch_generator(self) -> torch.Generator:
        """The generator as it stood at the start of this epoch."""
        generator = torch.Generator()
        generator.set_state(self.rng)
        self.generator = generator
        return generator

    def before_step(self, moving: Iterable[Tensor]) -> None:
        """Keep the weights an epoch starts from."""
        if self.batch == 0 or self.finite is None:
            self.start = [(p, p.detach().clone()) for p in moving]

    def after_step(self, loss: float) -> bool:
        """Count the step; or, if its loss is no finite number, go back and return False."""
        if not math.isfinite(loss):
            self.go_back()
            return False
        self.finite = self.start or self.finite
        self.start = None
        self.first = loss if self.step == 0 else self.first
        self.total += loss
        self.batch += 1
        self.step += 1
        return True

    @torch.no_grad()
    def go_back(self) -> None:
        """To the weights at the start of the last epoch whose first loss was a finite number."""
        for p, value in self.finite or self.start or ():
            p.copy_(value)

    def rose(self) -> bool:
        """Whether the last epoch's loss is ten times the first batch's."""
        last = self.history.records[-1:]
        return any(record["loss"] > 10 * max(abs(self.first), 1.0) for record in last)

    def diverged(self, where: str, what: str) -> None:
        """Say so, with the cure."""
        self.history.stopped = f"diverged {where}: {what}; the last finite weights are kept"
        said = refuse(
            expected="training whose loss and weights stay finite",
            got=self.history.stopped,
            fix=f"use a smaller lr (it is {self.lr:g}), or train_many(..., optimizer='proximal')",
        )
        warnings.warn(DivergenceWarning(str(said)), stacklevel=outside())

    def end_epoch(self, record: dict) -> None:
        self.history.records.append(record)
        self.epoch += 1
        self.batch = 0
        self.total = 0.0
        self.rng = self.generator.get_state()
        if self.patience is None:
            return
        if self.best is None or record["val_loss"] < self.best[0]:
            self.best = (record["val_loss"], copy.deepcopy(self.model.state_dict()))
            self.history.best_epoch = self.epoch
        self._stop_early()

    def _stop_early(self) -> None:
        best = self.history.best_epoch
        if self.patience is None or best is None:
            return
        if self.epoch - best >= self.patience:
            self.history.stopped = f"no better validation loss since epoch {best}"

    def close(self) -> History:
        """The history, with a checkpoint; the model has the best weights if it ran to its end."""
        diverged = self.history.stopped.startswith("diverged")
        if not diverged:
            optimizers = {phase: o.state_dict() for phase, o in self.optimizers.items()}
            kept: dict[str, Any] = {name: getattr(self, name) for name in PLACE}
            kept["model"] = self.model.state_dict()
            kept["criterion"] = self.criterion.state_dict()
            kept["records"] = self.history.records
            kept["best_epoch"] = self.history.best_epoch
            kept["saved"] = self.saved | optimizers
            self.history.checkpoint = copy.deepcopy(kept)
        if self.best is not None and not self.history.stopped.startswith("interrupted"):
            self.model.load_state_dict(self.best[1])
        self.history.stopped = self.history.stopped or "finished"
        return self.history


@contextlib.contextmanager
def only(model: Any, parts: Iterable[str], silent: bool = False) -> Iterator[None]:
    """Train only ``parts`` for a while; if ``silent``, the adapters also take no part in W_t."""
    states = {p: p.requires_grad for p in model.parameters()}
    active = dict(model.active)
    model.freeze(*{"shared", "adapters", "bias"}.difference(parts))
    if silent:
        model.deactivate(*model.adapter_names)
    try:
        yield
    finally:
        for p, state in states.items():
            p.requires_grad_(state)
        model.active.update(active)
