"""Too few labels, or too few of one kind: resampling, class weights, augmentation, self-training.

Enters: a table (text, label, task), or features and labels.  Leaves: a table or labels that a model
learns more from.

    imbalance     `class_weights` (the loss counts rare classes more)
                  `resample` (the table holds them more often)
    diversity     `augment` (each text again, slightly changed)
    few labels    `self_train` (the model labels what it is sure of, and learns from that)

Only training data may be changed: resample or augment before splitting, and copies of one sentence
stand on both sides of the split. None of these makes new knowledge; whether they help is measured,
per task, on untouched test data.

Sources: Chawla et al. (2002) on resampling; Wei & Zou (2019), EDA, for the text operations;
Yarowsky (1995) for self-training. scikit-learn does the resampling and the self-training.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import check_array
from sklearn.utils import resample as draw_rows

from ragteach.data.frames import as_table, check_header
from ragteach.data.naming import check_cells
from ragteach.data.weighting import weights_of_classes
from ragteach.errors import at_least, is_number, one_of, refuse, shown, whole
from ragteach.ground.arguments import MOST
from ragteach.ground.memory import fits_memory
from ragteach.ground.objects import as_rows, attribute, check_length, has
from ragteach.tensors import MISSING

HOW = ("over", "under")
CHANGES = ("drop", "swap", "replace")
SEEDS = 2**32  # as many as numpy's generator knows


def class_weights(labels: Any, n_classes: int) -> np.ndarray:
    """Weight of each class so that all count the same: n / (C n_c).

    Args:
        labels: (n_examples,) class numbers; -100 (missing) is left out.
        n_classes: C.

    Returns:
        (n_classes,) numbers, for ``MultiTaskLoss(class_weight=...)``. A class without examples gets
        1.

    Raises:
        RagteachError: labels that are no class numbers.

    Example:
        >>> [round(float(w), 2) for w in class_weights([0, 0, 0, 1], 2)]
        [0.67, 2.0]
    """
    whole("n_classes", n_classes, 1, MOST)
    labels = _class_numbers("labels", labels)
    labels = labels[labels != MISSING]
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_classes:
        raise refuse(
            expected=f"labels 0 .. {n_classes - 1}",
            got=f"{labels.min()} .. {labels.max()}",
            fix="set n_classes",
        )
    return weights_of_classes("balanced", labels, n_classes).numpy()


def resample(
    frame: Any, by: str | Iterable[str] = ("task", "label"), how: str = "over", seed: int = 0
) -> pd.DataFrame:
    """Make all groups of a table equally large, by drawing rows again (or leaving rows out).

    Args:
        frame: the training table.
        by: what a group is. ``("task", "label")`` evens out classes and tasks; ``"task"`` only
            tasks.
        how: ``"over"``: every group grows to the largest, keeping each of its rows; ``"under"``:
            every group shrinks to the smallest.
        seed: of the draw.

    Returns:
        A new table; within a group the original rows come first.

    Raises:
        RagteachError: an unknown column, or rows that belong to no group.

    Example:
        >>> table = pd.DataFrame({"text": list("abc"), "label": [0, 0, 1], "task": "films"})
        >>> resample(table)["label"].tolist()
        [0, 0, 1, 1]
    """
    one_of("how", how, HOW)
    whole("seed", seed, 0, math.inf)
    by = _names("by", by)
    frame = _table(frame, *by).reset_index(drop=True)
    for name in by:
        check_cells(frame[name], str(name))
    groups = [group for _, group in frame.groupby(by, sort=True, observed=True)]
    if not groups:
        return frame.copy()
    sizes = [len(group) for group in groups]
    size = max(sizes) if how == "over" else min(sizes)
    parts = []
    for i, group in enumerate(groups):
        state = (seed + i) % SEEDS
        if how == "over" and len(group) < size:
            more = draw_rows(group, replace=True, n_samples=size - len(group), random_state=state)
            group = pd.concat([group, more])
        elif len(group) > size:
            group = draw_rows(group, replace=False, n_samples=size, random_state=state).sort_index()
        parts.append(group)
    return pd.concat(parts).reset_index(drop=True)


def augment(
    frame: Any,
    copies: int = 1,
    change: str | Iterable[str] = ("drop", "swap"),
    share: float = 0.1,
    synonyms: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Each text again, slightly changed; label and task stay.

    Args:
        frame: the training table, with a column ``text``.
        copies: how many changed copies of each row.
        change: drawn anew for each copy. ``"drop"``: leave words out; ``"swap"``: exchange
            neighbours (a bag of words does not notice, word pairs do); ``"replace"``: put a
            synonym.
        share: of the words that are changed, 0 .. 1; at least one, and one word always remains.
        synonyms: for ``"replace"``: a dict from a word to its synonym, or to a list of them. The
            label must survive them: you know your words, the computer does not.
        seed: the same seed gives the same texts.

    Returns:
        A new table: the original rows, then the copies. A text that cannot be changed is not
        repeated.

    Raises:
        RagteachError: a row without a text, synonyms that are no words, or that nothing would use.

    Example:
        >>> table = pd.DataFrame({"text": ["a good film"], "label": [2], "task": ["films"]})
        >>> augment(table, change="replace", synonyms={"good": ["fine"]})["text"].tolist()
        ['a good film', 'a fine film']
    """
    whole("copies", copies)
    whole("seed", seed, 0, math.inf)
    at_least("share", share)
    if share > 1:
        raise refuse(
            expected="share of the words, 0 .. 1",
            got=f"share = {shown(share)}",
            fix="try share=0.1",
        )
    changes = _names("change", change)
    for name in changes:
        one_of("change", name, CHANGES)
    known = _synonyms(synonyms, "replace" in changes)
    frame = _table(frame, "text")
    texts = _texts(frame["text"])
    fits_memory(
        f"{copies} changed copies of {len(frame)} rows",
        copies * int(frame.memory_usage(deep=True).sum()),
        "fewer copies",
    )
    rows = []
    for copy in range(copies):
        for i, text in enumerate(texts):
            chance = random.Random(f"{seed}/{copy}/{i}")
            changed = _changed(text, chance.choice(changes), share, known, chance)
            if changed != " ".join(text.split()):
                rows.append(frame.iloc[[i]].assign(text=changed))
    return pd.concat([frame, *rows]).reset_index(drop=True)


def _changed(
    text: str, change: str, share: float, synonyms: dict[str, list[str]], chance: random.Random
) -> str:
    """One text with one kind of change."""
    words = text.split()
    n = max(1, round(share * len(words)))
    if change == "drop":
        gone = set(chance.sample(range(len(words)), min(n, len(words) - 1))) if words else set()
        return " ".join(w for i, w in enumerate(words) if i not in gone)
    if change == "swap":
        for _ in range(n if len(words) > 1 else 0):
            i = chance.randrange(len(words) - 1)
            words[i], words[i + 1] = words[i + 1], words[i]
        return " ".join(words)
    known = [i for i, word in enumerate(words) if _core(word).lower() in synonyms]
    for i in chance.sample(known, min(n, len(known))):
        core = _core(words[i])
        other = chance.choice(synonyms[core.lower()])
        other = other.capitalize() if core[:1].isupper() else other
        before, after = words[i].split(core, 1)  # the marks around the word stay
        words[i] = before + other + after
    return " ".join(words)


def _core(word: str) -> str:
    """A word without the marks around it.

    Example:
        >>> _core('"so-so!"')
        'so-so'
    """
    return re.sub(r"^\W+|\W+$", "", word)


def _synonyms(synonyms: Mapping[str, Any] | None, used: bool) -> dict[str, list[str]]:
    """Synonyms as lists by word in small letters; refuses what could never be put."""
    if synonyms is None or (isinstance(synonyms, Mapping) and not synonyms):
        if used:
            raise refuse(
                expected="synonyms for change='replace'",
                got=f"synonyms={shown(synonyms)}",
                fix="give a dict such as {'good': ['fine', 'nice']}",
            )
        return {}
    if not isinstance(synonyms, Mapping):
        raise refuse(
            expected="synonyms as a dict from a word to a list of words",
            got=f"synonyms = {shown(synonyms)}",
            fix="give a dict such as {'good': ['fine', 'nice']}",
        )
    if not used:
        raise refuse(
            expected="'replace' among the changes, since synonyms are given",
            got="synonyms that nothing would use",
            fix="call with change='replace', or change=('drop', 'swap', 'replace')",
        )
    known: dict[str, list[str]] = {}
    for word, others in synonyms.items():
        others = [others] if isinstance(others, str) else others
        fine = isinstance(word, str) and word and _core(word) == word and len(word.split()) == 1
        fine = fine and isinstance(others, list | tuple | set | frozenset) and len(others) > 0
        if not fine or not all(isinstance(other, str) and other.strip() for other in others):
            raise refuse(
                expected="synonyms from one word, without marks around it, to a list of words",
                got=f"{shown(word)}: {shown(others)}",
                fix="give a dict such as {'good': ['fine', 'nice']}",
            )
        known.setdefault(word.lower(), []).extend(
            sorted(others) if isinstance(others, set | frozenset) else others
        )
    return known


def self_train(
    estimator: Any,
    X: Any,
    y: Any,
    tasks: Any = None,
    threshold: float = 0.9,
    max_iter: int | None = 10,
) -> tuple[Any, np.ndarray]:
    """Learn from unlabelled rows too: scikit-learn's SelfTrainingClassifier around a
    `RAGClassifier`.

    Round by round, the model labels the rows it is sure of, and is fitted again with them. A
    confident mistake is learnt as if it were true, so compare with the model that saw only the
    labels.

    Args:
        estimator: an unfitted `RAGClassifier`; it is not changed.
        X: (n_docs, n_features), dense or sparse, labelled and unlabelled rows.
        y: (n_docs,) class numbers, -100 (or -1) where there is none.
        tasks: (n_docs,) task of each row. None: one task. Every task needs some labelled rows.
        threshold: how sure is sure: the least probability.
        max_iter: rounds at most; None: until nothing new is sure.

    Returns:
        (model, labels): a fitted `RAGClassifier`, and y with the labels it learnt from, -100 where
        it stayed unsure.

    Raises:
        RagteachError: an estimator without task column, a task without labelled rows, lengths that
            differ. X is checked by scikit-learn.

    Example:
        >>> from ragteach.integrations.estimators import RAGClassifier
        >>> X, y = np.array([[-3.0], [-1.0], [1.0], [3.0]]), [0, -100, -100, 1]
        >>> self_train(RAGClassifier(), X, y, threshold=0.6)[1].tolist()
        [0, 0, 1, 1]
    """
    if not (is_number(threshold) and 0 <= threshold < 1):
        raise refuse(
            expected="threshold from 0 to below 1",
            got=f"threshold = {shown(threshold)}",
            fix="try 0.9",
        )
    if max_iter is not None:
        whole("max_iter", max_iter, 1)
    if not has(estimator, "predict_proba", "task_column"):
        raise refuse(
            expected="an estimator like RAGClassifier, with probabilities and a task column",
            got=f"{type(estimator).__name__}",
            fix="pass RAGClassifier()",
        )
    y = _class_numbers("labels y", as_rows("y", y))
    y = np.where(y == MISSING, -1, y)
    if not (y >= 0).any() or y.min() < -1:
        raise refuse(
            expected="labels y that are class numbers, and -100 where a row has none",
            got=f"labels {np.unique(y)[:6].tolist()}",
            fix="label some rows of every task",
        )
    X = check_array(as_rows("X", X), accept_sparse="csr")
    if X.shape[0] != len(y):
        raise refuse(
            expected=f"features X of shape (n_docs, n_features), one row for each of {len(y)} "
            "labels",
            got=f"X of shape {X.shape}",
            fix="give X and y the same number of rows",
        )
    names, code = _numbered_tasks(as_rows("tasks", tasks), len(y))
    absent = sorted(str(names[t]) for t in set(code) - set(code[y >= 0]))
    if absent:
        raise refuse(
            expected="labelled rows in every task",
            got=f"none for {absent}",
            fix="label some, or predict these tasks with another task's model",
        )
    # scikit-learn cuts X but not its companions, so the tasks travel as a last column of X.
    column = code[:, None].astype(float)
    stacked = sp.hstack([X, column]).tocsr() if sp.issparse(X) else np.hstack([X, column])
    inner = clone(estimator).set_params(task_column=-1, task_names=list(range(len(names))))
    teacher = SelfTrainingClassifier(inner, threshold=threshold, max_iter=max_iter)
    labels = teacher.fit(stacked, y).transduction_
    sure = np.flatnonzero(labels >= 0)
    model = clone(estimator).fit(X[sure], labels[sure], tasks=names[code[sure]])
    return model, np.where(labels < 0, MISSING, labels)


# ---------------------------------------------------------------- checks


def _class_numbers(name: str, labels: Any) -> np.ndarray:
    """Labels as whole numbers, (n_examples,)."""
    check_length(name, labels)
    try:
        numbers = np.asarray(labels)
    except (ValueError, TypeError, RuntimeError):  # rows of unequal length
        numbers = np.array(None)
    if numbers.ndim == 1 and len(numbers) == 0:
        return np.zeros(0, dtype=np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise refuse(
            expected=f"{name} of shape (n_examples,) that are class numbers 0, 1, ..., "
            f"or {MISSING} where there is none",
            got=f"shape {numbers.shape}, {numbers.dtype}",
            fix="turn names into numbers; astype(int) makes whole numbers of decimals",
        )
    return numbers.astype(np.int64)


def _numbered_tasks(tasks: Any, n_docs: int) -> tuple[np.ndarray, np.ndarray]:
    """(names, number of each row's task)."""
    try:
        tasks = np.full(n_docs, "task1") if tasks is None else np.asarray(tasks)
    except ValueError:  # rows of unequal length
        tasks = np.zeros(0)
    if tasks.shape != (n_docs,) or pd.isna(tasks).any():
        raise refuse(
            expected=f"tasks: one task for each of the {n_docs} rows",
            got=f"tasks of shape {tasks.shape}" + ", some missing" * (tasks.shape == (n_docs,)),
            fix="pass a flat list of task names, in the order of the rows",
        )
    if tasks.dtype == object:
        tasks = tasks.astype(str)
    return np.unique(tasks, return_inverse=True)


def _names(argument: str, given: Any) -> list[str]:
    """One name or several as a list."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not names:
        raise refuse(
            expected=f"{argument} to be a name, or a list of names",
            got=f"{argument} = {shown(given)}",
            fix=f"give one, such as {argument}={'task' if argument == 'by' else 'drop'!r}",
        )
    return list(names)


def _table(frame: Any, *columns: str) -> pd.DataFrame:
    """The table as a DataFrame (pandas keeps, other kinds are copied), with these columns filled.

    Example:
        >>> _table(pd.DataFrame({"task": ["films"]}), "task").shape
        (1, 1)
    """
    names = [] if isinstance(frame, pd.DataFrame) else list(attribute(frame, "columns", ()))
    if names and not has(frame, "texts"):  # any table with columns, such as polars'
        frame = pd.DataFrame({name: list(frame[name]) for name in names})
    frame = as_table(frame) if not isinstance(frame, pd.DataFrame) else frame
    check_header(frame)
    for name in columns:
        one_of("column", name, list(frame.columns))
    for name in columns:
        empty = np.flatnonzero(frame[name].isna()).tolist()
        if empty:
            raise refuse(
                expected=f"a {name} in every row of the table",
                got=f"{len(empty)} rows of {len(frame)} without, first in row {empty[0]}",
                fix=f"fill in or drop those rows: frame.dropna(subset=[{name!r}])",
            )
    return frame


def _texts(column: pd.Series) -> list[str]:
    texts = column.tolist()
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise refuse(
            expected="strings in the column text of the table",
            got=f"{shown(wrong)}, a {type(wrong).__name__}",
            fix="frame.astype({'text': str}) makes strings, if numbers are meant as texts",
        )
    return texts
