"""Trials: settings tried one after another, each kept as soon as it is finished.

Enters: an Optuna study and a way to train.  Leaves: the study, with its trials told.

A trial that is kept is asked for again, in its place, but not trained again: the sampler draws the
same setting from the same history, and is told the same curve and value. So a search that goes on
ends where it would have ended.
"""

from __future__ import annotations

import copy
import functools
import os
import time
from dataclasses import dataclass
from typing import Any

import joblib
from tqdm.auto import tqdm

from ragteach.losses import MultiTaskLoss
from ragteach.model import RAG
from ragteach.study.kept import Kept, Stopped, Trial
from ragteach.study.running import run
from ragteach.trainer import evaluate, fit

Row = tuple[float | None, list]  # validation loss (None: pruned); its curve of [epoch, loss]


@dataclass
class Training:
    """How a trial is trained and judged; goes to other processes."""

    train_data: Any
    val: Any
    fit_options: dict
    model_options: dict
    callbacks: list

    def train(self, params: dict, watch: Any = None) -> tuple[RAG, Row]:
        """The trained model, and what came of it; ``watch`` may end it early."""
        import optuna

        model = build(self.train_data, params, self.fit_options["seed"], **self.model_options)
        criterion = MultiTaskLoss(
            alpha=params["alpha"], lam=params["lam"], lam_shared=params["lam_shared"]
        )
        curve = Curve(watch)
        try:
            history = fit(
                model,
                self.train_data,
                val=self.val,
                criterion=criterion,
                callbacks=[curve, *self.callbacks],
                progress=False,
                **self.fit_options,
            )
        except optuna.TrialPruned:
            return model, (None, curve.points)
        if history.stopped.startswith("interrupted"):
            raise KeyboardInterrupt
        return model, (evaluate(model, self.val)["loss"], curve.points)


class Curve:
    """A `fit` callback: the validation loss of every epoch. ``watch`` is an Optuna trial that is
    told of it, and may say that it is hopeless.
    """

    def __init__(self, watch: Any = None):
        self.watch = watch
        self.points = list[list]()

    def on_epoch(self, model: RAG, epoch: int, record: dict) -> None:
        self.points.append([epoch, record["val_loss"]])
        if self.watch is None:
            return
        self.watch.report(record["val_loss"], epoch)
        if self.watch.should_prune():
            import optuna

            raise optuna.TrialPruned


class Trials:
    """The trials of one search.

    Args:
        study, space, training: what is asked, among what, and how one is trained.
        kept, resume, n_jobs: as in `ragteach.study.running.run`.
        prune: let Optuna end a trial early; in this process only.
    """

    def __init__(
        self,
        study: Any,
        space: dict,
        training: Training,
        kept: Kept,
        resume: bool,
        n_jobs: int | None,
        prune: bool,
    ):
        self.study = study
        self.space = space
        self.training = training
        self.kept = kept
        self.resume = resume
        self.n_jobs = n_jobs
        self.prune = prune
        self.best_loss = float("inf")
        self.best_model: RAG | None = None
        self.watched = set[int]()  # trials whose curve the study has seen

    def run(self, n_trials: int, timeout: float | None, progress: bool) -> str:
        """Try ``n_trials`` more; returns "", or in three parts what ended it before."""
        width = joblib.effective_n_jobs(self.n_jobs)
        begin = time.monotonic()
        left = n_trials
        bar = tqdm(
            total=n_trials,
            disable=not progress or bool(os.environ.get("TQDM_DISABLE")),
            desc="search",
            unit="trial",
        )
        with bar:
            while left and (timeout is None or time.monotonic() - begin < timeout):
                asked = [self._ask() for _ in range(min(width, left))]
                try:
                    self._try(asked)
                except Stopped as stopped:
                    return str(stopped)
                left -= len(asked)
                self.kept.n_before += len(asked)
                bar.update(len(asked))
                if self.best_loss < float("inf"):
                    bar.set_postfix(best=f"{self.best_loss:.4f}")
        return ""

    def _ask(self) -> Any:
        """A new trial of the study, with its parameters drawn."""
        trial = self.study.ask()
        params = {name: _draw(trial, name, choice) for name, choice in self.space.items()}
        trial.set_user_attr("params", params)
        return trial

    def _try(self, asked: list) -> None:
        """Train these trials, or find them kept; tell the study in their order."""
        from optuna.trial import TrialState

        jobs = [Trial(trial.number, trial.user_attrs["params"]) for trial in asked]
        here = len(asked) == 1 and joblib.effective_n_jobs(self.n_jobs) == 1
        work = functools.partial(_elsewhere, training=self.training)
        if here:
            work = functools.partial(self._here, trial=asked[0])
        told = 0
        try:
            rows = run(
                work, jobs, self.kept, resume=self.resume, n_jobs=self.n_jobs, progress=False
            )
            for trial, [(value, curve)] in zip(asked, rows, strict=True):
                self._tell(trial, value, curve)
                told += 1
        finally:
            for trial in asked[told:]:
                self.study.tell(trial, state=TrialState.PRUNED)

    def _tell(self, trial: Any, value: float | None, curve: list) -> None:
        from optuna.trial import TrialState

        if trial.number not in self.watched:  # it was kept, or trained elsewhere
            for epoch, loss in curve:
                trial.report(loss, epoch)
        if value is None:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, value)

    def _here(self, job: Trial, trial: Any) -> list[Row]:
        """Train in this process, where the study can be asked at every epoch."""
        watch = trial if self.prune else None
        if self.prune:
            self.watched.add(job.number)
        model, row = self.training.train(job.params, watch)
        if row[0] is not None and row[0] < self.best_loss:
            self.best_loss = row[0]
            self.best_model = copy.deepcopy(model)
        return [row]


def _elsewhere(job: Trial, training: Training) -> list[Row]:
    _, row = training.train(job.params)
    return [row]


def _draw(trial: Any, name: str, choice: Any) -> Any:
    if isinstance(choice, tuple):
        return trial.suggest_float(name, *choice, log=True)
    return trial.suggest_categorical(name, choice) if isinstance(choice, list) else choice


def build(data: Any, params: dict, seed: int = 0, **given: Any) -> RAG:
    """The untrained `RAG` that a trial's ``params`` describe: half as many adapters as tasks if in
    groups.
    """
    graph = params["graph"]
    rank = params["rank"]
    n_tasks = data.n_tasks
    if graph == "none":
        options: dict[str, Any] = {"bias": "task", "seed": seed} | given
        return RAG.full_sharing(data.n_features, data.n_classes, tasks=data.task_names, **options)
    options = {"seed": seed, "per_task": min(2, n_tasks)} | given
    if rank is not None:
        options |= {"adapter": "low_rank", "rank": rank}
    n_adapters = (n_tasks + 1) // 2 if graph == "grouped" else n_tasks
    return RAG(
        data.n_features, data.n_classes, n_adapters, tasks=data.task_names, graph=graph, **options
    )
