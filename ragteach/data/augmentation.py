"""Too few labels, or too few of one kind: resampling, class weights, augmentation, self-training.

Enters: a table (text, label, task), or features and labels.  Leaves: a table or labels that a model
learns more from.

    imbalance       `class_weights` (the loss counts rare classes more), `resample` (the table holds them
    more often) diversity       `augment` (each text again, slightly changed) few labels      `self_train`
    (the model labels what it is sure of, and learns from that)

Only training data may be changed: resample or augment before splitting, and copies of one sentence
stand on both sides of the split. None of these makes new knowledge; whether they help is measured,
per task, on untouched test data.

Sources: Chawla et al. (2002) on resampling; Wei & Zou (2019), EDA, for the text operations;
Yarowsky (1995) for self-training. scikit-learn does the resampling and the self-training.
"""

from __future__ import annotations

import random
import re

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import resample as draw_rows

from ragteach.data.weighting import class_weights as weights_of_classes
from ragteach.errors import at_least, one_of, refuse
from ragteach.tensors import MISSING

HOW = ("over", "under")
CHANGES = ("drop", "swap", "replace")


def class_weights(labels, n_classes):
    """Weight of each class so that all count the same: n / (C n_c).

    Args:
        labels: (n_examples,) class numbers; -100 (missing) is left out.
        n_classes: C.

    Returns:
        (n_classes,) numbers, for ``MultiTaskLoss(class_weight=...)``. A class without examples gets
        1.

    Example:
        >>> class_weights([0, 0, 0, 1], 2).round(2).tolist()
        [0.67, 2.0]
    """
    labels = np.asarray(labels)
    labels = labels[labels != MISSING]
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_classes:
        raise refuse(
            expected=f"labels 0 .. {n_classes - 1}",
            got=f"{labels.min()} .. {labels.max()}",
            fix="set n_classes",
        )
    return weights_of_classes("balanced", labels, n_classes).numpy()


def resample(frame, by=("task", "label"), how="over", seed=0):
    """Make all groups of a table equally large, by drawing rows again (or leaving rows out).

    Args:
        frame: the training table.
        by: what a group is. ``("task", "label")`` evens out classes and tasks; ``"task"`` only
            tasks.
        how: ``"over"``: every group grows to the largest, keeping each of its rows; ``"under"``:
        every group shrinks
            to the smallest.
        seed: of the draw.

    Returns:
        A new table; within a group the original rows come first.

    Example:
        >>> table = pd.DataFrame({"text": list("abc"), "label": [0, 0, 1], "task": "films"})
        >>> resample(table)["label"].tolist()
        [0, 0, 1, 1]
    """
    one_of("how", how, HOW)
    by = [by] if isinstance(by, str) else list(by)
    for name in by:
        one_of("column", name, frame.columns)
    groups = [group for _, group in frame.groupby(by, sort=True)]
    if not groups:
        return frame.copy()
    sizes = [len(group) for group in groups]
    size = max(sizes) if how == "over" else min(sizes)
    parts = []
    for i, group in enumerate(groups):
        if how == "over" and len(group) < size:
            more = draw_rows(
                group, replace=True, n_samples=size - len(group), random_state=seed + i
            )
            group = pd.concat([group, more])
        elif len(group) > size:
            group = draw_rows(
                group, replace=False, n_samples=size, random_state=seed + i
            ).sort_index()
        parts.append(group)
    return pd.concat(parts).reset_index(drop=True)


def augment(frame, copies=1, change=("drop", "swap"), share=0.1, synonyms=None, seed=0):
    """Each text again, slightly changed; label and task stay.

    Args:
        frame: the training table, with a column ``text``.
        copies: how many changed copies of each row.
        change: drawn anew for each copy. ``"drop"``: leave words out; ``"swap"``: exchange
        neighbours (a bag of words
            does not notice, word pairs do); ``"replace"``: put a synonym.
        share: of the words that are changed; at least one, and one word always remains.
        synonyms: for ``"replace"``: a dict from word to list of words. The label must survive them:
        you know your
            words, the computer does not.
        seed: the same seed gives the same texts.

    Returns:
        A new table: the original rows, then the copies. A text that cannot be changed is not
            repeated.

    Example:
        >>> table = pd.DataFrame({"text": ["a good film"], "label": [2], "task": ["films"]})
        >>> augment(table, change="replace", synonyms={"good": ["fine"]})["text"].tolist()
        ['a good film', 'a fine film']
    """
    at_least("copies", copies), at_least("share", share)
    changes = [change] if isinstance(change, str) else list(change)
    for name in changes:
        one_of("change", name, CHANGES)
    if "replace" in changes and not synonyms:
        raise refuse(
            expected="synonyms for change='replace'", got=f"synonyms={synonyms!r}",
            fix="give a dict such as {'good': ['fine', 'nice']}",
        )  # fmt: skip
    synonyms = {word.lower(): list(others) for word, others in (synonyms or {}).items()}
    rows = []
    for copy in range(copies):
        for i, text in enumerate(frame["text"]):
            chance = random.Random(f"{seed}/{copy}/{i}")
            changed = _changed(str(text), chance.choice(changes), share, synonyms, chance)
            if changed != text:
                rows.append(frame.iloc[[i]].assign(text=changed))
    return pd.concat([frame, *rows]).reset_index(drop=True)


def _changed(text, change, share, synonyms, chance):
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
    known = [i for i, w in enumerate(words) if re.sub(r"\W", "", w).lower() in synonyms]
    for i in chance.sample(known, min(n, len(known))):
        core = re.sub(r"^\W+|\W+$", "", words[i])
        if core.lower() in synonyms:
            other = chance.choice(synonyms[core.lower()])
            other = other.capitalize() if core[:1].isupper() else other
            words[i] = words[i].replace(core, other, 1)
    return " ".join(words)


def self_train(estimator, X, y, tasks=None, threshold=0.9, max_iter=10):
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
        max_iter: rounds at most.

    Returns:
        (model, labels): a fitted `RAGClassifier`, and y with the labels it learnt from, -100 where
        it stayed unsure.

    Example:
        >>> from ragteach.integrations.estimators import RAGClassifier
        >>> X, y = np.array([[-3.0], [-1.0], [1.0], [3.0]]), [0, -100, -100, 1]
        >>> self_train(RAGClassifier(), X, y, threshold=0.6)[1].tolist()
        [0, 0, 1, 1]
    """
    if not 0 <= threshold < 1:
        raise refuse(
            expected="threshold from 0 to below 1", got=f"threshold = {threshold!r}", fix="try 0.9"
        )
    y = np.where(np.asarray(y) == MISSING, -1, np.asarray(y))
    if not (y >= 0).any() or y.min() < -1:
        raise refuse(
            expected="class numbers, and -100 where a row has none",
            got=f"labels {np.unique(y)[:6].tolist()}",
            fix="label some rows of every task",
        )  # fmt: skip
    tasks = np.full(len(y), "task1") if tasks is None else np.asarray(tasks)
    names, code = np.unique(tasks, return_inverse=True)
    absent = sorted(set(names.tolist()) - set(tasks[y >= 0].tolist()))
    if absent:
        raise refuse(
            expected="labelled rows in every task", got=f"none for {absent}",
            fix="label some, or predict these tasks with another task's model",
        )  # fmt: skip
    # scikit-learn cuts X but not its companions, so the tasks travel as a last column of X.
    stack = sp.hstack if sp.issparse(X) else np.hstack
    column = (
        sp.csr_matrix(code[:, None].astype(float))
        if sp.issparse(X)
        else code[:, None].astype(float)
    )
    X = X if sp.issparse(X) else np.asarray(X)
    inner = clone(estimator).set_params(task_column=-1, task_names=list(range(len(names))))
    teacher = SelfTrainingClassifier(inner, threshold=threshold, max_iter=max_iter)
    teacher.fit(stack([X, column]).tocsr() if sp.issparse(X) else stack([X, column]), y)
    labels = teacher.transduction_
    sure = np.flatnonzero(labels >= 0)
    model = clone(estimator).fit(X[sure], labels[sure], tasks=tasks[sure])
    return model, np.where(labels < 0, MISSING, labels)
