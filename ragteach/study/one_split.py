"""One split: each strategy fitted once, its answers on new sentences kept.

Enters: a frame with the columns text, label, task.  Leaves: a `Split`: models to save, accuracy per
task, and the very sentences on which two strategies differ.

`compare` says which strategy is better, over many draws. One split cannot: it shows what a
difference is made of, and gives the model that goes into a file.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ragteach.data.frames import any_frame, check_classes
from ragteach.data.kin import twins
from ragteach.data.shares import effective, paired_shares, wilson
from ragteach.data.splits import SplitWarning, split_frame
from ragteach.data.stacking import stack_rows
from ragteach.data.survey.alike import cure_of_few
from ragteach.data.survey.look_views import counted
from ragteach.dataset import MultiTaskDataset
from ragteach.errors import at_least, one_of, refuse, whole
from ragteach.ground.arguments import as_list, meant, yes_no
from ragteach.ground.functions import check_function
from ragteach.ground.objects import outside
from ragteach.model import RAG
from ragteach.study.costs import LONG, how_long
from ragteach.study.kept import Kept, described
from ragteach.study.multi_head import MultiHead
from ragteach.study.own_classes import OWN, HeadParts, best_heads, head_answers, own_names
from ragteach.study.running import check_resume
from ragteach.study.scores import best_penalty, check_room, few_words
from ragteach.study.strategies import REGISTRY, STRATEGIES, Strategy, once
from ragteach.study.wordless import with_wordless
from ragteach.tensors import TaskTensors


@dataclass
class Fitted:
    """One strategy after its training.

    Attributes:
        model: the `RAG`, or `MultiHead` where tasks have classes of their own.
        lam, lam_shared: the penalties that validation chose.
        said: (n_test,) the class number it gives to every test sentence.
        probability: (n_test,) how sure it is.
    """

    model: RAG | MultiHead = field(repr=False)
    lam: float
    lam_shared: float
    said: np.ndarray = field(repr=False)
    probability: np.ndarray = field(repr=False)


@dataclass
class Split:
    """Several strategies on the same training, validation and test sentences.

    Attributes:
        train, val, test: frames. vectorizer: fitted on the training sentences.
        task_names, class_names: yours, in order.
        fitted: strategy -> `Fitted`. seed: of the split.
        own_classes: task -> its classes, where tasks have classes of their own; else None.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    vectorizer: Any
    task_names: list[str]
    class_names: list[str]
    fitted: dict[str, Fitted]
    seed: int
    own_classes: dict[str, list[str]] | None = None

    @functools.cached_property
    def group(self) -> np.ndarray:
        """(n_test,) the same number for test sentences that are the same, or nearly so: intervals
        count such as one (see `twins`). Rows of a generator are each drawn afresh.
        """
        if self.test.attrs.get("fresh"):
            return np.arange(len(self.test))
        return twins(self.test["text"])

    def right(self, strategy: str) -> np.ndarray:
        """(n_test,) whether the strategy is right about each test sentence."""
        strategy = meant("strategy", strategy, self.fitted)
        return self.fitted[strategy].said == self.test["label"].to_numpy()

    def accuracy(self, strategy: str) -> pd.DataFrame:
        """Accuracy on the test sentences of each task, and of all, with Wilson's 95 % interval, in
        which sentences that are the same, or nearly so, count as one.

        Columns: task ("all tasks" in the last row), n, accuracy, low, high, counted (as how many
        sentences the interval counts these n).
        """
        right = pd.Series(self.right(strategy))
        by_task = right.groupby(self.test["task"].to_numpy(), sort=False)
        hits = np.append(by_task.sum().reindex(self.task_names, fill_value=0), right.sum())
        n = np.append(by_task.size().reindex(self.task_names, fill_value=0), len(right))
        tested = np.maximum(n, 1)
        groups = pd.Series(self.group).groupby(self.test["task"].to_numpy(), sort=False)
        counted_as = groups.agg(effective).reindex(self.task_names, fill_value=0.0)
        counted_as = np.append(counted_as, effective(self.group))
        worth = np.maximum(counted_as, 1)
        low, high = wilson(hits / tested * worth, worth)
        table = {"task": [*self.task_names, "all tasks"], "n": n}
        table |= {"accuracy": hits / tested, "low": low, "high": high, "counted": counted_as}
        return pd.DataFrame(table)

    def about_counted(self) -> str:
        """That intervals count sentences that are alike as fewer; nothing, where none are."""
        worth = round(effective(self.group))
        if worth >= len(self.test):
            return ""
        return (
            f"Test sentences that are the same, or nearly so, count as one in the intervals: these "
            f"{len(self.test):,} count as {worth:,}."
        )

    def difference(self, a: str, b: str, level: float = 0.95) -> tuple[float, float, float]:
        """Accuracy of ``a`` minus that of ``b`` on the same test sentences: (difference, low,
        high).

        With g sentences that only ``a`` gets right and h that only ``b`` does, of n, the difference
        is (g - h) / n. Its interval is Tango's score interval, widened where few sentences differ:
        0 lies outside exactly if McNemar's exact test finds p < 1 - level. Sentences that are the
        same, or nearly so, count as one in it.

        Args:
            a, b: names of two strategies.
            level: how often such an interval should hold the truth. If you chose the pair after
                you saw the answers, take 1 - 0.05 / (number of pairs).
        """
        at_least("level", level, 0.5, 0.9999)
        first = self.right(a)
        second = self.right(b)
        g = int((first & ~second).sum())
        h = int((second & ~first).sum())
        worth = effective(self.group) / max(len(self.group), 1)
        return paired_shares(g * worth, h * worth, len(first) * worth, level)

    def sentences(self, a: str, b: str, most: int = 10) -> pd.DataFrame:
        """Test sentences that ``a`` gets right and ``b`` wrong, the surest first, in turn from
        every task.

        Columns: task, text, truth, a's answer and its probability, b's answer and its probability.
        """
        rows = np.flatnonzero(self.right(a) & ~self.right(b))
        one = self.fitted[a]
        two = self.fitted[b]
        sure = one.probability[rows] + two.probability[rows]
        table = pd.DataFrame(
            {
                "task": self.test["task"].to_numpy()[rows],
                "text": self.test["text"].to_numpy()[rows],
                "truth": self._names(self.test["label"].to_numpy()[rows]),
                a: self._names(one.said[rows]),
                f"{a}: how sure": one.probability[rows],
                b: self._names(two.said[rows]),
                f"{b}: how sure": two.probability[rows],
            }
        )
        table = table.iloc[np.argsort(-sure, kind="stable")]
        turn = table.groupby("task", sort=False).cumcount()
        return table.iloc[np.argsort(turn.to_numpy(), kind="stable")][:most].reset_index(drop=True)

    def _names(self, numbers: np.ndarray) -> list[str]:
        return [self.class_names[number] for number in numbers]


def fit_split(
    frame: Any,
    seed: int = 0,
    strategies: Sequence[str] = STRATEGIES,
    max_words: int | None = None,
    after: Callable[[Split], Any] | None = None,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    progress: bool = False,
    **how: Any,
) -> Split:
    """Split the frame and fit every strategy on it.

    Args:
        frame: columns text, label, task; whatever `as_frame` takes.
        seed: of the split.
        strategies: names, see `ragteach.study.strategies`.
        max_words: keep only this many of the most frequent words, where the weights of all (tasks x
            classes x words) would not fit. Default: all words of the training part.
        after: called with the split whenever one more strategy is fitted, so that what is there can
            be used or saved before the next.
        out: a folder in which the losses of the penalties that are tried are kept, a few penalties
            at a time, as soon as they are there.
        resume: go on from those that are kept in ``out``; what is found is the same, bit by bit.
        progress: show a bar: what is done now, and of all strategies how many penalties are tried.
        how: text, label, task, missing, analyzer, and how a file is read, as in `as_frame`.

    Warns:
        SplitWarning: tasks of which no text is left to choose by: they train all the same.

    Raises:
        RagteachError: too few sentences to be split; an unknown strategy; weights that
            do not fit into memory (the message says how many words would); a folder that cannot be
            written to; all before anything is trained. Also a disk that is full.

    Example:
        >>> from ragteach import make_toy
        >>> split = fit_split(make_toy(n_per_task=20), strategies=["full sharing"])
        >>> split.accuracy("full sharing")["n"].tolist()
        [4, 4, 3, 5, 16]
    """
    strategies = as_list("strategies", strategies, "strategies=['RAG', 'full sharing']")
    known = [name for name, way in REGISTRY.items() if way.builder and not way.features]
    strategies = [meant("strategy", name, known) for name in strategies]
    once("strategies", strategies)
    if after is not None:
        check_function(
            "after", after, ("split",), "pass a function of one argument, or leave it out"
        )
    if max_words is not None:
        whole("max_words", max_words, 1)
    check_resume(resume, out)
    yes_no("progress", progress)
    frame = any_frame(frame, **how)
    check_classes(frame)
    parts = checked_parts(frame, seed)
    ways: dict[str, Any] = OWN if frame.attrs["own_classes"] else REGISTRY
    total = sum(len(ways[name].tries) for name in strategies if name in ways)
    with tqdm(total=total, disable=not progress, desc="splitting", unit="penalty") as bar:
        return _fitted_split(frame, parts, seed, strategies, max_words, after, out, resume, bar)


def checked_parts(
    frame: pd.DataFrame, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training, validation and test part of a standard frame; refuses tasks that cannot be split,
    before anything is said of the others.
    """
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        parts = split_frame(frame, seed=seed)
        _check_every_task(parts)
    for warning in noted:
        warnings.warn(warning.message, stacklevel=outside())
    return parts


def _fitted_split(
    frame: pd.DataFrame,
    parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    seed: int,
    strategies: Sequence[str],
    max_words: int | None,
    after: Callable[[Split], Any] | None,
    out: str | os.PathLike | None,
    resume: bool,
    bar: tqdm,
) -> Split:
    """`fit_split` of a standard frame; the bar says what is being done."""
    train, val, test = parts
    kept = None
    if out is not None:
        ways: dict[str, Any] = OWN if frame.attrs["own_classes"] else REGISTRY
        named = [ways[name] for name in sorted(strategies) if name in ways]
        kept = Kept(out, [*described(frame, named), seed, max_words], "part")
    if frame.attrs["own_classes"]:
        options = (strategies, max_words, after, kept, resume, bar)
        return _split_of_heads(frame, (train, val, test), seed, *options)
    bar.set_description("counting words")
    data = with_wordless(MultiTaskDataset.from_frame(train, few_words(train, max_words)))
    check_room(data, any(not name.startswith("full sharing") for name in strategies))
    val_data = _stacked(MultiTaskDataset.from_frame(val, like=data))
    names = data.task_names, data.class_names
    split = Split(train, val, test, data.vectorizer, *names, fitted={}, seed=seed)
    for name in strategies:
        bar.set_description(name)
        foretold = functools.partial(_foretell, bar, name, len(strategies) - len(split.fitted))
        more = (kept, resume, bar.update, None if bar.disable else foretold)
        split.fitted[name] = _fit(REGISTRY[name], data, val_data, test, *more)
        if after is not None:
            with bar.external_write_mode():
                after(split)
    return split


def _foretell(bar: tqdm, name: str, left: int, seconds: float) -> None:
    """Say how long a strategy will take, and what follows it; before the bar has moved."""
    bar.set_description(f"{name}, {how_long(seconds)}")
    if seconds * left > LONG:
        rest = f"; with the {left - 1} to follow, {how_long(seconds * left)}" if left > 1 else ""
        bar.write(
            f"{name} will take {how_long(seconds)}{rest}. For less time: fewer words (max_words; "
            "--max-words 2000), or larger tasks only (least_rows; --least-rows 30)",
            file=sys.stderr,
        )


def _check_every_task(parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    """Refuse tasks without a text to train on; say which have none to choose by."""
    names = pd.concat([part["task"] for part in parts]).unique()
    count = pd.DataFrame(
        {at: part["task"].value_counts() for at, part in enumerate(parts)}, index=names
    )
    count = count.fillna(0).astype(int)
    rows = {str(task): int(n) for task, n in count.sum(axis=1).items()}
    few = [str(task) for task in count.index[count[0] == 0]]
    if few:
        raise refuse(
            expected="three different texts of a label, or more, in every task: to train, to "
            "choose by and to test",
            got=f"no text to train on in {counted(few, 'task')}, such as {few[0]!r}: other tasks "
            "have the same texts, and all rows of a text stay together",
            fix=f"add rows, or {cure_of_few(rows, few)}",
        )
    few = [str(task) for task in count.index[count[1] == 0]]
    if not few:
        return
    listed = ", ".join(f"{t!r} ({count[0][t]} and {count[2][t]})" for t in few[:5])
    more = f" and {len(few) - 5} more" if len(few) > 5 else ""
    has, trains = ("has", "It trains") if len(few) == 1 else ("have", "They train")
    warnings.warn(
        f"{counted(few, 'task')} {has} too few texts for one to choose lambda by: {listed}{more}; "
        f"in brackets its rows that train, and that test. {trains}; of a task with no row to test "
        f"no accuracy is known. Add rows, or {cure_of_few(rows, few)}",
        SplitWarning,
        stacklevel=outside(),
    )


def _split_of_heads(
    frame: pd.DataFrame,
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    seed: int,
    strategies: Iterable[str],
    max_words: int | None,
    after: Callable[[Split], Any] | None,
    kept: Kept | None,
    resume: bool,
    bar: tqdm,
) -> Split:
    """The same for tasks with classes of their own: a head for each."""
    for name in strategies:
        one_of("strategy", name, STRATEGIES)
    own = own_names(frame)
    parts = HeadParts(frames, own, max_words)
    names = list(own), list(frame.attrs["label_names"])
    split = Split(*frames, parts.vectorizer, *names, fitted={}, seed=seed, own_classes=own)
    for name in strategies:
        bar.set_description(name)
        best = best_heads(OWN[name], parts, kept, resume, bar.update)
        answers = head_answers(best.model, parts)
        split.fitted[name] = Fitted(best.model, best.lam, best.lam_shared, *answers)
        if after is not None:
            with bar.external_write_mode():
                after(split)
    return split


def _stacked(data: MultiTaskDataset) -> TaskTensors:
    """The examples task by task; a task may have none."""
    parts = data.x, data.y, data.task, torch.ones(len(data.y)), data.n_classes, data.task_names
    return stack_rows(*parts, data.doc)


def _fit(
    strategy: Strategy,
    data: MultiTaskDataset,
    val: TaskTensors,
    test: pd.DataFrame,
    kept: Kept | None,
    resume: bool,
    told: Callable[[int], Any],
    foretold: Callable[[float], Any] | None,
) -> Fitted:
    """Solve the path of penalties, keep the one with the least validation loss, answer the test."""
    best = best_penalty(strategy, data, val, kept, resume, told, foretold)
    answers = _answers(best.model, data.vectorizer, test)
    return Fitted(best.model, best.lam, best.lam_shared, *answers)


@torch.no_grad()
def _answers(model: RAG, vectorizer: Any, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(class number, its probability) for every row, each by its own task's merged weights."""
    said = np.zeros(len(test), dtype=int)
    probability = np.zeros(len(test))
    for task, rows in test.groupby("task", sort=False).indices.items():
        linear = model.merge(str(task))
        x = vectorizer.transform(test["text"].to_numpy()[rows])  # (n_docs, n_features), sparse
        logits = torch.from_numpy(np.asarray(x @ linear.weight.numpy().T)) + linear.bias
        p, c = logits.softmax(1).max(1)
        said[rows] = c.numpy()
        probability[rows] = p.numpy()
    return said, probability
