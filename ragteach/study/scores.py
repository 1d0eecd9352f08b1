"""Scores: one draw, all strategies, every number that goes into the table.

Enters: training, validation and test frames.  Leaves: (task, metric, value) for each task, and for
"mean", the average over tasks.

Each strategy tries its penalties, each solved to its optimum; the one with the least validation
cross-entropy is scored, once, on the test sentences, which never choose anything.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from ragteach.data.features import UnknownWordsWarning, make_vectorizer
from ragteach.data.naming import ordered_values
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.choosing import Candidates
from ragteach.engine.optimum import bytes_of_a_search
from ragteach.ground.memory import fits_memory, free_memory
from ragteach.losses import cross_entropy
from ragteach.model import RAG, task_logits
from ragteach.study.kept import Kept, Tries
from ragteach.study.strategies import Strategy
from ragteach.study.wordless import with_wordless
from ragteach.tensors import TaskTensors

ERROR = "mean_absolute_error"  # in the classes' own units, where those are amounts
Scores = list[tuple[str, str, float]]
FLAT = 0.01  # an edge is no matter where the validation loss (in nats) no longer falls towards it
KEPT_AT_ONCE = 7  # tries, where each is to be kept as it is finished
ALL_BUT_NONE = 1e-5  # a penalty this small is none: beyond it there is nothing to try


class Parts:
    """One draw as numbers: the vocabulary is fitted on the training sentences.

    ``vectorizer``: what makes numbers of texts. Default: the words of the training sentences.
    A task of which a class is missing gets a sentence without words that is every class alike, so
    that every bias has a best value (see `wordless`). ``max_words`` keeps the most frequent words
    only.
    """

    def __init__(
        self,
        train: pd.DataFrame,
        val: pd.DataFrame,
        test: pd.DataFrame,
        n_classes: int,
        max_words: int | None = None,
        vectorizer: Any = None,
    ):
        self.frames, self.n_classes = (train, val, test), n_classes
        self.values = class_values(train)
        chosen = few_words(train, max_words) if vectorizer is None else vectorizer
        self.words = self._stacked(chosen)

    def of(self, strategy: Strategy) -> tuple[MultiTaskDataset, TaskTensors, TaskTensors]:
        """Training, validation and test part, in the strategy's own features if it has some."""
        if strategy.features is None:
            return self.words
        return self._stacked(strategy.features(self.words[0]))

    def _stacked(self, vectorizer: Any) -> tuple[MultiTaskDataset, TaskTensors, TaskTensors]:
        train, *others = self.frames
        data = MultiTaskDataset.from_frame(train, vectorizer, n_classes=self.n_classes)
        data = with_wordless(data)
        # of one source with the training part, however small that is
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnknownWordsWarning)
            val, test = (MultiTaskDataset.from_frame(part, like=data).stacked() for part in others)
        return data, val, test


def class_values(frame: pd.DataFrame) -> np.ndarray | None:
    """The numbers that the classes of a standard frame are called, where those have an order; of
    classes in an order that you gave, their places 0, 1, 2 ...

    Words in an order that only seems one have none: a list of moods is no scale.
    """
    column = (frame.attrs.get("columns") or {}).get("label")
    names = frame.attrs.get("label_names")
    if not names:
        return None
    amounts = ordered_values(names, column) if isinstance(column, str) else None
    if amounts is None and frame.attrs.get("ordered") is True and len(names) > 2:
        return np.arange(len(names), dtype=float)
    return amounts


def few_words(train: pd.DataFrame, max_words: int | None) -> Any:
    """A vectoriser of the most frequent words of the training part; None: of all its words."""
    if max_words is None:
        return None
    return make_vectorizer(
        max_features=max_words, analyzer=train.attrs.get("analyzer", "auto")
    ).fit(train["text"])


def score(
    strategy: Strategy,
    parts: Parts,
    told: Callable[[int], Any] | None = None,
    foretold: Callable[[float], Any] | None = None,
) -> tuple[Scores, int]:
    """The scores of one strategy on one draw, and its number of trained weights; ``told`` and
    ``foretold`` as in `best_penalty`.
    """
    if strategy.builder is None:
        return majority(parts.frames[0], parts.frames[2], parts.n_classes, parts.values), 0
    data, val, test = parts.of(strategy)
    best = best_penalty(strategy, data, val, told=told, foretold=foretold)
    model = best.model
    edge = on_edge(best.tries[0], best.losses) or on_edge(best.tries[1], best.losses)
    chosen = [
        ("mean", "lam", best.lam),
        ("mean", "lam_shared", best.lam_shared),
        ("mean", "on_edge", float(edge)),
    ]
    return model_scores(model, test, parts.values) + chosen, model.num_parameters(trainable=True)


@dataclass
class Best:
    """The optimum at the penalties with the least validation loss.

    Attributes:
        model, lam, lam_shared: the chosen ones. tries: (2, n_tries) the penalties. losses:
            (n_tries,) their validation cross-entropy, the mean over tasks.
    """

    model: RAG
    lam: float
    lam_shared: float
    tries: np.ndarray
    losses: np.ndarray


def best_penalty(
    strategy: Strategy,
    data: MultiTaskDataset,
    val: TaskTensors,
    kept: Kept | None = None,
    resume: bool = False,
    told: Callable[[int], Any] | None = None,
    foretold: Callable[[float], Any] | None = None,
) -> Best:
    """Solve the strategy for each of its penalties: all side by side, or, where memory has no room
    for that, as many at a time as fit.

    Args:
        kept: where the losses of finished tries go, a few penalties at a time; and come from if
            ``resume``. Then the part that holds the best one is solved once more, for its model.
        told: called with the number of penalties whenever some more are done.
        foretold: called before, with the seconds that all penalties will take, roughly.
    """
    assert strategy.builder is not None, "a strategy that trains something"
    model = strategy.builder(data)
    tries = np.array(strategy.tries, dtype=float)
    most = len(tries) if kept is None else KEPT_AT_ONCE
    candidates = Candidates(model, data, val, *tries.T)
    at_once = candidates.at_once(most)  # nearly always all
    if foretold is not None:
        foretold(candidates.forecast(len(tries)))
    kept = kept or Kept(None, None)
    losses = np.empty(len(tries))
    parts = list[slice]()
    chosen: tuple[slice, RAG, float, float] | None = None
    while not parts or parts[-1].stop < len(tries):
        start = parts[-1].stop if parts else 0
        job = Tries(strategy.name, start)
        before = kept.load(job) if resume else None
        n = min(at_once, len(tries) - start) if before is None else len(before)
        parts.append(slice(start, start + n))
        if before is None:
            losses[parts[-1]], found = _solved(candidates, parts[-1])
            kept.save(job, [(loss,) for loss in losses[parts[-1]].tolist()])
            if start == 0 or losses[parts[-1]].min() < losses[:start].min():
                chosen = parts[-1], *found
        else:
            losses[parts[-1]] = np.ravel(before)
        if told is not None:
            told(n)
    at = losses.argmin()
    holder = next(part for part in parts if at < part.stop)
    if chosen is None or chosen[0] != holder:  # it was found by a run that was stopped
        chosen = holder, *_solved(candidates, holder)[1]
    return Best(*chosen[1:], tries.T, losses)


def check_room(data: MultiTaskDataset, adapters: bool) -> None:
    """Refuse data whose weights no search could hold, before any of them is made; say how many
    words would do.

    Args:
        adapters: whether some strategy has a matrix for each task; else one for all.
    """
    n_matrices = data.n_tasks + 1 if adapters else 1
    logits = bytes_of_a_search(0, len(data), data.n_classes)
    word = bytes_of_a_search(n_matrices * data.n_classes, 0, 0)
    n_words = max(0, int(((free_memory() or 0) / 2 - logits) / word))
    few = n_words // 10 ** max(0, len(str(n_words)) - 2) * 10 ** max(0, len(str(n_words)) - 2)
    fix = "a part of the rows, fewer tasks (--least-rows on the command line), or fewer classes"
    if few:
        fix = f"the {few:,} most frequent words: max_words={few} (command line: --max-words {few})"
    shape = f"{data.n_tasks} tasks x {data.n_classes} classes x {data.n_features:,} words"
    what = shape if adapters else shape.partition(" x ")[2]
    fits_memory(
        f"weights for {what} and {len(data):,} examples",
        word * data.n_features + logits,
        fix,
    )


def _solved(candidates: Candidates, part: slice) -> tuple[np.ndarray, tuple[RAG, float, float]]:
    """The validation losses of these penalties (n_tries,), and the best one's model and
    penalties.
    """
    found, model = candidates.losses(part)  # (n_tasks, n_tries)
    there = candidates.val.sizes > 0  # a task without validation texts chooses nothing
    losses = found[there].mean(0).numpy()
    best = int(losses.argmin())
    lam, lam_shared = candidates.lam[part], candidates.lam_shared[part]
    return losses, (model(best), lam[best].item(), lam_shared[best].item())


def on_edge(values: np.ndarray, losses: np.ndarray) -> bool:
    """Whether the least loss lies at an end of the values tried, and the loss still falls there.

    Where it no longer falls, the end stands for all that lies beyond: lam = 10 is full sharing, for
    example. Nor is a penalty of 1e-5 an end: it is all but none, and where classes can be told
    apart without an error the loss falls for ever as the weights grow.

    Example:
        >>> on_edge(np.array([0.1, 1.0, 10.0]), np.array([0.9, 0.7, 0.5]))
        True
        >>> on_edge(np.array([0.1, 1.0, 10.0]), np.array([0.9, 0.5, 0.499]))
        False
    """
    tried = np.unique(values)
    if len(tried) < 2:
        return False
    lowest = np.array([losses[values == value].min() for value in tried])
    best = int(lowest.argmin())
    if best not in (0, len(tried) - 1) or tried[best] <= ALL_BUT_NONE * (1 + 1e-9):
        return False
    inner = lowest[1] if best == 0 else lowest[-2]
    return bool(inner - lowest[best] > FLAT)


def majority(
    train: pd.DataFrame, test: pd.DataFrame, n_classes: int, values: np.ndarray | None = None
) -> Scores:
    """Say the task's most frequent training class, with its frequencies (plus one each) as
    probabilities.
    """
    scores: Scores = []
    for task, rows in test.groupby("task", sort=False):
        counts = np.bincount(train.loc[train["task"] == task, "label"], minlength=n_classes)
        log_p = np.log((counts + 1) / (counts + 1).sum())
        said = np.full(len(rows), counts.argmax())
        truth = rows["label"].to_numpy()
        scores += metrics(str(task), truth, said, -log_p[truth].mean(), values)
    return scores + means(scores)


@torch.no_grad()
def model_scores(model: RAG, test: TaskTensors, values: np.ndarray | None = None) -> Scores:
    """What a model scores on the test part, task by task and on the average."""
    logits = task_logits(test.x, model.task_weights(), model.task_bias())  # (n_tasks, C, n_docs)
    losses = test.by_task(cross_entropy(logits, test.onehot, test.weight)).tolist()
    there = test.weight > 0
    sizes = test.sizes.tolist()
    truth = test.y[there].split(sizes)
    said = logits.argmax(1)[there].split(sizes)
    scores: Scores = []
    for t, task in enumerate(test.task_names):
        scores += metrics(task, truth[t].numpy(), said[t].numpy(), losses[t], values)
    return scores + means(scores)


def metrics(
    task: str,
    truth: np.ndarray,
    said: np.ndarray,
    log_loss: float,
    values: np.ndarray | None = None,
) -> Scores:
    """The metrics of one task; as scikit-learn's, whose checks cost a quarter of a draw.

    Args:
        values: (n_classes,) the amounts that classes stand for, such as stars: then also the mean
            absolute error of what was said.
    """
    right = truth == said
    recalls = []
    f1 = []
    for c in np.unique(truth):
        n_true = (truth == c).sum()
        n_right = right[truth == c].sum()
        recalls.append(n_right / n_true)
        f1.append(2 * n_right / (n_true + (said == c).sum()))
    scores = [
        (task, "accuracy", float(right.mean())),
        (task, "balanced_accuracy", float(np.mean(recalls))),
        (task, "macro_f1", float(np.mean(f1))),
        (task, "log_loss", float(log_loss)),
    ]
    if values is not None:
        error = float(np.abs(values[truth] - values[said]).mean())
        scores.append((task, ERROR, error))
    return scores


def means(scores: Scores) -> Scores:
    """The average over tasks of every metric."""
    names = dict.fromkeys(metric for _, metric, _ in scores)
    return [
        ("mean", name, float(np.mean([v for _, metric, v in scores if metric == name])))
        for name in names
    ]
