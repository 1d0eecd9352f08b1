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

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import joblib
import pandas as pd

from ragteach.dataset import MultiTaskDataset
from ragteach.errors import RagteachError, at_least, is_number, need, one_of, refuse, shown, whole
from ragteach.ground.arguments import (
    LARGEST_NUMPY_SEED,
    LARGEST_PENALTY,
    MOST,
    check_penalty,
    is_a,
    yes_no,
)
from ragteach.ground.functions import check_callbacks
from ragteach.ground.objects import has
from ragteach.model import RAG
from ragteach.study.identity import identity
from ragteach.study.kept import Kept, digest, versions
from ragteach.study.running import check_jobs, check_resume
from ragteach.study.trials import Training, Trials, build
from ragteach.tensors import TaskTensors
from ragteach.trainer import evaluate

__all__ = ["SPACE", "Found", "build", "search"]

SPACE = {
    "lam": (1e-4, 10.0),
    "lam_shared": (1e-4, 1.0),
    "rank": [None, 1, 2, 4],
    "graph": ["one_per_task", "grouped", "random", "all", "none"],
    "alpha": ["equal", "size", "difficulty"],
}


OPTIONS = ("adapter", "bias", "init", "per_task", "scale", "seed")  # of `RAG`, in every trial


@dataclass
class Found:
    """What `search` found.

    Attributes:
        params: of the best trial. val_loss: its validation cross-entropy.
        model: the best trial's `RAG`, at its best epoch.
        study: the Optuna study, for ``optuna.visualization`` and for going on.
        stopped: "finished", or what ended the search before.
    """

    params: dict
    val_loss: float
    model: RAG = field(repr=False)
    study: Any = field(repr=False)
    stopped: str = "finished"

    def frame(self) -> pd.DataFrame:
        """One row per trial: value, parameters and state (COMPLETE or PRUNED), best first."""
        return self.study.trials_dataframe(
            attrs=("number", "value", "params", "state")
        ).sort_values("value")


def search(
    train: Any,
    val: Any,
    n_trials: int = 30,
    space: dict | None = None,
    epochs: int = 60,
    lr: float = 0.05,
    patience: int | None = 10,
    seed: int = 0,
    prune: bool = True,
    progress: bool = True,
    timeout: float | None = None,
    study: Any = None,
    callbacks: Any = (),
    n_jobs: int | None = None,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    **options: Any,
) -> Found:
    """Search hyper-parameters with Optuna; the same seed gives the same trials.

    Args:
        train, val: `MultiTaskDataset` each, with the same tasks and vocabulary; or a table each, a
            frame or a path (see `as_frame`): the words are those of ``train``.
        n_trials: how many models to train (pruned ones included).
        space: what to vary, laid over `SPACE`: a pair (low, high) is searched on a log scale, a
            list is a choice, a single value is fixed. ``graph="none"`` is full sharing.
        epochs, lr, patience: of each training; see `fit`. The best epoch is kept, with or without
            patience.
        seed: of Optuna's sampler and of every model's start.
        prune: stop hopeless trials early.
        progress: show a progress bar (never if the environment variable TQDM_DISABLE is set).
        timeout: seconds after which no new trial starts.
        study: an Optuna study to go on with; the default is a new one in memory.
        callbacks: as in `fit`, handed to every trial.
        n_jobs: processes, as in joblib (None: what ``joblib.parallel_config`` says, else one). So
            many trials are drawn at once, without knowing of each other, and none is pruned.
        out: a folder in which every trial is kept as soon as it is finished.
        resume: go on from the trials that are kept in ``out``; all that is found is the same, bit
            by bit.
        options: for `RAG`, e.g. ``bias="shared"``.

    Returns:
        `Found`. Ctrl-C ends the search and keeps what was found; ``stopped`` says so.

    Raises:
        RagteachError: an unknown parameter, an empty range, or no trial that finished. Needs the
            package optuna. A folder that cannot be written to, before any work; a full disk, or
            processes that die again and again: then the message says what is kept.

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

    whole("n_trials", n_trials, 1, MOST)
    whole("epochs", epochs, 1, MOST)
    at_least("lr", lr)
    whole("seed", seed, 0, LARGEST_NUMPY_SEED)
    yes_no("prune", prune)
    yes_no("progress", progress)
    check_jobs(n_jobs)
    check_resume(resume, out)
    check_callbacks(callbacks)
    for name in options:
        one_of("option for RAG beside the space", name, OPTIONS)
    if patience is not None:
        whole("patience", patience, 1)
    if timeout is not None:
        at_least("timeout", timeout)
    train, val = _datasets(train, val)
    space = _checked(space)
    if study is not None:
        is_a("study", study, optuna.study.Study, "an Optuna study", "optuna.create_study()")
        _fits(study, space)
        if out is not None:
            raise refuse(
                expected="out, or a study of your own: either keeps its trials",
                got=f"both: out = {str(out)!r}, and a study of {len(study.trials)} trials",
                fix="leave study out, or give it a storage of its own: "
                "optuna.create_study(storage=...)",
            )
    patience = epochs if patience is None else patience  # either way the best epoch is kept
    if study is None:
        pruner = optuna.pruners.MedianPruner(5, n_warmup_steps=max(1, epochs // 10))
        sampler = optuna.samplers.TPESampler(seed=seed)
        with _quiet(optuna):
            study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)
    fit_options = {"epochs": epochs, "lr": lr, "patience": patience, "seed": seed}
    training = Training(train, val, fit_options, options, list(callbacks))
    width = joblib.effective_n_jobs(n_jobs)
    common = None  # what all trials have in common; asked for where they are kept
    if out is not None:
        found = [digest(train), digest(val), identity([space, fit_options, prune, width, options])]
        common = [versions() | {"optuna": optuna.__version__}, *found]
    kept = Kept(out, common, "trial", n_trials)
    trials = Trials(study, space, training, kept, resume, n_jobs, prune and width == 1)
    with _quiet(optuna):
        stopped = trials.run(n_trials, timeout, progress)
    done = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    if not done:
        raise refuse(
            expected="at least one finished trial",
            got=f"{len(study.trials)} trials, none finished{'; Ctrl-C' if stopped else ''}",
            fix="allow more time (timeout), more trials, or set prune=False",
        )
    if stopped:
        print(stopped, file=sys.stderr)
    params = study.best_trial.user_attrs["params"]
    model = trials.best_model
    if model is None or trials.best_loss > study.best_value:  # it was not trained here, but before
        model, _ = replace(training, callbacks=[]).train(params)
    return Found(params, evaluate(model, val)["loss"], model, study, stopped or "finished")


def _dataset(name: str, table: Any, **options: Any) -> MultiTaskDataset:
    """A table or a path as a dataset; a refusal says which of the two arguments it was."""
    try:
        return MultiTaskDataset.from_frame(table, **options)
    except RagteachError as error:
        said = str(error).replace("Expected: ", f"Expected: as {name}, ", 1)
        raise RagteachError(said) from None


def _datasets(train: Any, val: Any) -> tuple[Any, Any]:
    """Both as datasets; the texts of ``val`` are counted by the words of ``train``."""
    kinds = (MultiTaskDataset, TaskTensors)
    for name, data in (("train", train), ("val", val)):
        table = isinstance(data, str | os.PathLike) or has(data, "columns")
        if not table:
            fix = "MultiTaskDataset.from_frame(frame), or the frame itself"
            is_a(name, data, kinds, "a MultiTaskDataset or a table", fix)
    if not isinstance(train, kinds):
        train = _dataset("train", train)
    if not isinstance(val, kinds):
        is_a(
            "train", train, MultiTaskDataset, "a dataset of texts, as val is one", "pass both alike"
        )
        val = _dataset("val", val, like=train)
    return train, val


def _checked(space: dict | None) -> dict:
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
                or not all(is_number(end) for end in choice)
                or not 0 < choice[0] < choice[1] <= LARGEST_PENALTY
            ):
                raise refuse(
                    expected=f"{name} as a pair (low, high) with 0 < low < high, a list, or one "
                    "value",
                    got=shown(choice),
                    fix="use a list of choices, for example [0.01, 0.1]",
                )
        elif isinstance(choice, list) and not choice:
            raise refuse(
                expected=f"choices for {name}", got="an empty list", fix="give at least one"
            )
        else:
            for value in choice if isinstance(choice, list) else [choice]:
                _check_choice(name, value)
    return merged


def _check_choice(name: str, value: Any) -> None:
    """Refuse a value that no trial could be made with."""
    if name in ("lam", "lam_shared"):
        check_penalty(name, value)
    elif name == "rank" and value is not None:
        whole("rank", value, 1)
    elif name == "graph":
        one_of("graph", value, SPACE["graph"])


def _fits(study: Any, space: dict) -> None:
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
                    got=f"{name} among {shown(choice)} here, and {known} in trial {trial.number}",
                    fix="search the same space as before, or begin a new study",
                )


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Optuna's log lines off for the moment: the progress bar says it already."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
