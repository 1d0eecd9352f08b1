"""Hyper-parameter search: which lambda, which graph, which rank?  Asked of the validation set only.

Enters: training and validation data, and the ranges to look in.  Leaves: `Found`, with the best
model and the study.

Each trial draws (lam, lam_shared, rank, graph, alpha), trains a `RAG`, and is judged by its best
validation cross-entropy, the mean over tasks. Optuna's TPE draws more often where good trials were;
its median pruner ends a trial whose curve lies above the median of the earlier ones. The test set
takes no part: the winner's validation score is the best of many and so too good, and only a test
set that nobody looked at tells the truth.

Sources: Bergstra et al. (2011), TPE; Akiba et al. (2019), Optuna.
"""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from dataclasses import dataclass, field

from ragteach.data.arguments import LARGEST_NUMPY_SEED, is_a, yes_no
from ragteach.dataset import MultiTaskDataset
from ragteach.errors import at_least, need, one_of, refuse, whole
from ragteach.losses import MultiTaskLoss
from ragteach.model import RAG
from ragteach.tensors import TaskTensors
from ragteach.trainer import evaluate, fit

SPACE = {
    "lam": (1e-4, 10.0),
    "lam_shared": (1e-4, 1.0),
    "rank": [None, 1, 2, 4],
    "graph": ["one_per_task", "grouped", "random", "all", "none"],
    "alpha": ["equal", "size", "difficulty"],
}


@dataclass
class Found:
    """What `search` found.

    Attributes:
        params: of the best trial. val_loss: its validation cross-entropy.
        model: the best trial's `RAG`, at its best epoch.
        study: the Optuna study, for ``optuna.visualization`` and for going on.
    """

    params: dict
    val_loss: float
    model: RAG = field(repr=False)
    study: object = field(repr=False)

    def frame(self):
        """One row per trial: value, parameters and state (COMPLETE or PRUNED), best first."""
        return self.study.trials_dataframe(
            attrs=("number", "value", "params", "state")
        ).sort_values("value")


def search(train, val, n_trials=30, space=None, epochs=60, lr=0.05, patience=10, seed=0, prune=True,
           progress=True, timeout=None, study=None, callbacks=(), **options):  # fmt: skip
    """Search hyper-parameters with Optuna; the same seed gives the same trials.

    Args:
        train, val: `MultiTaskDataset` each, with the same tasks and vocabulary; or a table each, a
            frame or a path (see `as_frame`): the words are those of ``train``.
        n_trials: how many models to train (pruned ones included).
        space: what to vary, laid over `SPACE`: a pair (low, high) is searched on a log scale, a
        list is a choice, a
            single value is fixed. ``graph="none"`` is full sharing.
        epochs, lr, patience: of each training; see `fit`. The best epoch is kept, with or without
            patience.
        seed: of Optuna's sampler and of every model's start.
        prune: stop hopeless trials early.
        progress: show Optuna's progress bar (never if the environment variable TQDM_DISABLE is
            set).
        timeout: seconds after which no new trial starts.
        study: an Optuna study to go on with; the default is a new one in memory.
        callbacks: as in `fit`, handed to every trial.
        options: for `RAG`, e.g. ``bias="shared"``.

    Returns:
        `Found`. Ctrl-C ends the search after the epoch under way and keeps what was found.

    Raises:
        RagteachError: an unknown parameter, an empty range, or no trial that finished. Needs the
        package optuna.

    Example:
        >>> import torch
        >>> from ragteach import MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> found = search(data, data, n_trials=3, space={"rank": None}, epochs=5, progress=False)
        >>> sorted(found.params)
        ['alpha', 'graph', 'lam', 'lam_shared', 'rank']
    """
    need("optuna")
    import optuna

    whole("n_trials", n_trials, 1)
    whole("epochs", epochs, 1)
    at_least("lr", lr)
    whole("seed", seed, 0, LARGEST_NUMPY_SEED)
    yes_no("prune", prune)
    if patience is not None:
        whole("patience", patience, 1)
    if timeout is not None:
        at_least("timeout", timeout)
    train, val = _datasets(train, val)
    space = _checked(space)
    if study is not None:
        is_a("study", study, optuna.study.Study, "an Optuna study", "optuna.create_study()")
        _fits(study, space)
    patience = epochs if patience is None else patience  # either way the best epoch is kept
    if study is None:
        sampler = optuna.samplers.TPESampler(seed=seed)
        pruner = optuna.pruners.MedianPruner(
            n_startup_trials=5, n_warmup_steps=max(1, epochs // 10)
        )
        with _quiet(optuna):
            study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)
    best = {}

    def objective(trial):
        params = {name: _draw(trial, name, choice) for name, choice in space.items()}
        trial.set_user_attr("params", params)
        model = build(train, params, seed, **options)
        watch = [_Pruner(trial)] if prune else []
        criterion = MultiTaskLoss(
            alpha=params["alpha"], lam=params["lam"], lam_shared=params["lam_shared"]
        )
        history = fit(
            model, train, epochs=epochs, lr=lr, val=val, patience=patience, criterion=criterion, seed=seed,
            callbacks=[*watch, *callbacks], progress=False,
        )  # fmt: skip
        if history.stopped.startswith("interrupted"):
            study.stop()
            raise optuna.TrialPruned
        loss = evaluate(model, val)["loss"]
        if not best or loss < best["loss"]:
            best.update(loss=loss, model=copy.deepcopy(model))
        return loss

    with _quiet(optuna):
        bar = progress and not os.environ.get(
            "TQDM_DISABLE"
        )  # Optuna's bar overrides tqdm's own switch
        study.optimize(objective, n_trials=n_trials, timeout=timeout, show_progress_bar=bar)
    done = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    if not done:
        raise refuse(
            expected="at least one finished trial", got=f"{len(study.trials)} trials, none finished",
            fix="allow more time (timeout), more trials, or set prune=False",
        )  # fmt: skip
    params = study.best_trial.user_attrs["params"]
    if (
        not best or best["loss"] > study.best_value
    ):  # the best one stood in the study already: train it again
        model = build(train, params, seed, **options)
        kept = {name: params[name] for name in ("lam", "lam_shared", "alpha")}
        fit(
            model,
            train,
            epochs=epochs,
            lr=lr,
            val=val,
            patience=patience,
            seed=seed,
            progress=False,
            **kept,
        )
        best = {"model": model}
    return Found(params, evaluate(best["model"], val)["loss"], best["model"], study)


def build(data, params, seed=0, **options):
    """The untrained `RAG` that a trial's ``params`` describe: half as many adapters as tasks if in
    groups.
    """
    graph, rank, n_tasks = params["graph"], params["rank"], data.n_tasks
    if graph == "none":
        return RAG.full_sharing(
            data.n_features,
            data.n_classes,
            tasks=data.task_names,
            **{"bias": "task", "seed": seed} | options,
        )
    options = {"seed": seed, "per_task": min(2, n_tasks)} | options
    if rank is not None:
        options |= {"adapter": "low_rank", "rank": rank}
    n_adapters = (n_tasks + 1) // 2 if graph == "grouped" else n_tasks
    return RAG(
        data.n_features, data.n_classes, n_adapters, tasks=data.task_names, graph=graph, **options
    )


class _Pruner:
    """A `fit` callback that reports the validation loss to Optuna, and ends the trial if Optuna
    says so.
    """

    def __init__(self, trial):
        self.trial = trial

    def on_epoch(self, model, epoch, record):
        self.trial.report(record["val_loss"], epoch)
        if self.trial.should_prune():
            import optuna

            raise optuna.TrialPruned


def _datasets(train, val):
    """Both as datasets; the texts of ``val`` are counted by the words of ``train``."""
    kinds = (MultiTaskDataset, TaskTensors)
    for name, data in (("train", train), ("val", val)):
        table = isinstance(data, str | os.PathLike) or hasattr(data, "columns")
        if not table:
            fix = "MultiTaskDataset.from_frame(frame), or the frame itself"
            is_a(name, data, kinds, "a MultiTaskDataset or a table", fix)
    if not isinstance(train, kinds):
        train = MultiTaskDataset.from_frame(train)
    if not isinstance(val, kinds):
        is_a(
            "train", train, MultiTaskDataset, "a dataset of texts, as val is one", "pass both alike"
        )
        val = MultiTaskDataset.from_frame(val, like=train)
    return train, val


def _checked(space):
    """`SPACE` with the learner's own ranges laid over it."""
    space = {} if space is None else space
    is_a("space", space, dict, "a dict of ranges and choices", 'space={"rank": [1, 2]}')
    for name in space:
        one_of("parameter", name, SPACE)
    merged = SPACE | space
    for name, choice in merged.items():
        if isinstance(choice, tuple):
            if (
                len(choice) != 2
                or name not in ("lam", "lam_shared")
                or not 0 < choice[0] < choice[1]
            ):
                raise refuse(
                    expected=f"{name} as a pair (low, high) with 0 < low < high, a list, or one value",
                    got=f"{choice!r}", fix="use a list of choices, for example [0.01, 0.1]",
                )  # fmt: skip
        elif isinstance(choice, list) and not choice:
            raise refuse(
                expected=f"choices for {name}", got="an empty list", fix="give at least one"
            )
    return merged


def _fits(study, space):
    """Refuse a study that looks for the worst, or among other choices."""
    directions = [direction.name.lower() for direction in study.directions]
    if directions != ["minimize"]:
        raise refuse(
            expected='a study with direction="minimize", since a validation loss is better low',
            got=f"direction = {', '.join(directions)}",
            fix='use optuna.create_study(direction="minimize"), or leave study out',
        )
    for trial in study.trials:
        for name, known in trial.distributions.items():
            choice = space.get(name)
            if isinstance(choice, list) and hasattr(known, "choices"):
                same = list(known.choices) == choice
            elif isinstance(choice, tuple) and hasattr(known, "low"):
                same = (known.low, known.high) == choice
            else:
                same = False
            if not same:
                raise refuse(
                    expected="a study whose trials looked in this space",
                    got=f"{name} among {choice!r} here, and {known} in trial {trial.number}",
                    fix="search the same space as before, or begin a new study",
                )


def _draw(trial, name, choice):
    if isinstance(choice, tuple):
        return trial.suggest_float(name, *choice, log=True)
    return trial.suggest_categorical(name, choice) if isinstance(choice, list) else choice


@contextmanager
def _quiet(optuna):
    """Optuna's log lines off for the moment: the progress bar says it already."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
