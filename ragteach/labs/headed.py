"""A lab whose tasks have classes of their own: a head for each task, over what the tasks share.

Enters: standard frames of three parts, or a table of yours. Leaves: a `Lab` and its baselines.
Classes differ, so the tasks cannot share weights that speak for classes: they share a
representation (`ragteach.study.own_classes`).

    h_t(x) = tanh(W_t x + b_t)      W_t = W_s + A_t      out_t = head_t(h_t(x))
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.pipeline import make_pipeline
from tqdm.auto import tqdm

from ragteach.data.frames import any_frame, as_table
from ragteach.data.splits import split_frame
from ragteach.data.wild.columns import likeliest
from ragteach.errors import one_of, refuse
from ragteach.labs.baselines import TEXTS, Best, Majority, word_features
from ragteach.labs.held import Lab
from ragteach.labs.scoring import key
from ragteach.study import own_classes
from ragteach.study.multi_head import MultiHead
from ragteach.study.own_classes import OWN, HeadParts, own_names

N_DENSE = 240  # numbers that are left of the words, for the heads
ONE = (0.03, 0.1, 0.3, 1.0)
TRIES = {  # each strategy tries four penalties (lam, lam_shared)
    "RAG": tuple((lam, shared) for lam in (0.1, 0.3) for shared in (0.1, 0.3)),
    "full sharing": tuple((0.0, shared) for shared in ONE),
    "independent": tuple((lam, 0.0) for lam in ONE),
}
NO_TASKS = ("date", "company")  # columns of a table of yours that are no labels


class Reader:
    """A head for each task over one representation, its penalties chosen on validation.

    Args:
        tries: the penalties to choose from. Default: those of the strategy.

    Attributes:
        model: the `MultiHead`. lam, lam_shared: what was chosen. trained_on: the training texts.
    """

    def __init__(self, strategy: str, parts: HeadParts, tries: Any = None) -> None:
        one_of("strategy", strategy, TRIES)
        chosen = OWN[strategy] if tries is None else replace(OWN[strategy], tries=tries)
        best = own_classes.best_heads(chosen, parts)
        self.model: MultiHead = best.model
        self.lam, self.lam_shared = best.lam, best.lam_shared
        self.features = parts.vectorizer
        self.trained_on = list(dict.fromkeys(parts.train["text"]))

    def probabilities(self, texts: Any, task: str) -> np.ndarray:
        """(n_texts, n_classes of the task)."""
        x = np.asarray(self.features.transform(texts), dtype="float32")
        return self.model(self.model.body.shared.new_tensor(x), task).softmax(1).detach().numpy()

    def predict(self, texts: Any, task: str) -> np.ndarray:
        """The class with the highest probability, (n_texts,)."""
        return self.probabilities(texts, task).argmax(1)


def slowly(strategies: Iterable[str]) -> Iterable[str]:
    """Strategies that take seconds each: a bar says how many are fitted, and goes when all are."""
    silent = bool(os.environ.get("TQDM_DISABLE"))  # the bar for notebooks does not look itself
    about = {"desc": "fitting the baselines", "unit": "strategy", "leave": False}
    return tqdm(list(strategies), disable=silent, **about)


class Each:
    """A predictor for each task; each is asked about its own.

    Attributes:
        parts: task -> predictor.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = dict(parts)
        self.trained_on = {task: part.trained_on[task] for task, part in parts.items()}

    def predict(self, x: Any, task: str) -> np.ndarray:
        return self.parts[task].predict(x, task)


def standard(table: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """A table with a text and a column for each task, as a standard frame: a row for each label.

    Example:
        >>> table = {"text": ["Shares fall", "Judge rules"], "mood": ["bad", "good"]}
        >>> table["event"] = ["results", "law"]
        >>> standard(pd.DataFrame(table), ["mood", "event"])["task"].tolist()
        ['mood', 'mood', 'event', 'event']
    """
    return any_frame(table.melt(["text"], list(tasks), "task", "label")[["text", "label", "task"]])


def part_of(whole: pd.DataFrame, texts: Any) -> pd.DataFrame:
    """The rows of a standard frame that have one of these texts; it knows the classes of the
    whole.
    """
    part = whole[whole["text"].isin(texts)].reset_index(drop=True)
    part.attrs.update(whole.attrs)
    return part


def headed_lab(
    name: str,
    whole: pd.DataFrame,
    parts: Sequence[pd.DataFrame],
    baselines: Callable[..., Mapping[str, Any]] | None = None,
    kind: type[Lab] = Lab,
    **more: Any,
) -> Lab:
    """A lab of three parts of one standard frame; the labels of one held-out text count
    together.

    Args:
        baselines: a function of (lab, frames, names). Default: `headed_baselines`.
        kind, more: what to make of it, a `Lab` or a class of one, and what that wants besides.
    """
    names = own_names(whole)
    train, val, held = (by_task(part, names) for part in parts)
    groups = {task: np.array([key(text) for text in x]) for task, (x, _) in held.items()}
    make = partial(baselines or headed_baselines, frames=list(parts), names=names)
    return kind(name, train, val, held, names, make, groups, **more)


def own_headed(data: Any, seed: int) -> Lab:
    """The lab on a table of yours: see `own_parts`."""
    return headed_lab("your texts", *own_parts(data, seed))


def own_parts(data: Any, seed: int) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """A table of yours as (a standard frame, its three parts): a text and a column for each task;
    or text, label and task.

    Columns called date or company are left out. The split is by text, at random.
    """
    table = as_table(data)
    columns = [str(name) for name in table.columns]
    wide = not {"label", "task"} & {name.casefold() for name in columns}
    if wide:
        text = str(likeliest("text", columns, set()))
        tasks = [name for name in columns if name.casefold() not in (text.casefold(), *NO_TASKS)]
        _labels_repeat(table, text, tasks)
        whole = _with_labels(table, text, tasks)
    else:
        whole = any_frame(table)
    texts = [part["text"] for part in split_frame(whole, seed=seed)]
    parts = [part_of(whole, one) for one in texts]
    for part, called in zip(parts, ("training", "validation", "held-out"), strict=True):
        lost = [task for task in whole.attrs["task_names"] if task not in set(part["task"])]
        if lost:
            raise refuse(
                expected="enough rows of every task for three parts, at least three of some class",
                got=f"no {called} row of {', '.join(lost)}",
                fix="add rows, or leave that task out",
            )
    return whole, parts


def _with_labels(table: pd.DataFrame, text: str, tasks: Sequence[str]) -> pd.DataFrame:
    """A table with a column of labels for each task, as a standard frame; a gap is no label."""
    if len(tasks) > 1:
        return any_frame(table[[text, *tasks]], text=text, label=list(tasks))
    (task,) = tasks
    return any_frame(table[[text]].assign(label=table[task], task=task), text=text)


def by_task(part: pd.DataFrame, names: Mapping[str, list[str]]) -> dict[str, tuple[Any, Any]]:
    """A part of a standard frame as a dict task -> (texts, class numbers among the task's own)."""
    labels = part.attrs["label_names"]
    found = {}
    for task, own in names.items():
        rows = part[part["task"] == task]
        y = [own.index(labels[number]) for number in rows["label"]]
        found[task] = (rows["text"].to_numpy(object), np.array(y, dtype="int64"))
    return found


def headed_baselines(lab: Lab, frames: list[pd.DataFrame], names: dict) -> dict[str, Any]:
    """Majority, the three strategies with heads, and scikit-learn's best for each task."""
    words = word_features(lab.train)
    texts = list(dict.fromkeys(frames[0]["text"]))
    ready = words.transform(texts)
    size = max(1, min(N_DENSE, *(n - 1 for n in ready.shape)))
    dense = make_pipeline(words, TruncatedSVD(size, random_state=0).fit(ready))
    parts = HeadParts(frames, names, encoder=dense)
    board: dict[str, Any] = {"majority class": Majority(lab.train)}
    board |= {strategy: Reader(strategy, parts, TRIES[strategy]) for strategy in slowly(TRIES)}
    one = {t: ({t: lab.train[t]}, {t: lab.val[t]}) for t in lab.tasks}
    board["scikit-learn's best"] = Each({t: Best(*two, TEXTS, words) for t, two in one.items()})
    return board


def _labels_repeat(table: pd.DataFrame, text: str, tasks: Sequence[str]) -> None:
    for task in tasks:
        values = table[task].dropna()
        if len(values) and values.nunique() > len(values) / 2:
            raise refuse(
                expected=f"besides {text}, columns of labels, in which values come again and again",
                got=f"{values.nunique()} different values in {len(values)} cells of column "
                f"{task!r}",
                fix=f"leave it out: table.drop(columns={task!r})",
            )
    if not tasks:
        raise refuse(
            expected=f"a column {text}, and one column of labels or more",
            got=f"the column {text} alone",
            fix="add a column, or use text, label and task",
        )
