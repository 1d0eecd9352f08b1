"""Different classes for every task, from one table: a head of its own for each.

Enters: a table in which the tasks do not share their classes (sentiment here, topic there).
Leaves: `FrameHeads`: the data, the heads and the names, ready for `MultiHead` and `fit_heads`:

    made = heads_from_frame(frame)
    model = MultiHead(made.n_features, made.heads)
    fit_heads(model, made.data)

The shared weights and adapters then stand under the heads: what the tasks share is a
representation, not their classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from ragteach.data.frames import as_frame, as_table
from ragteach.data.inputs import vectorized
from ragteach.data.naming import name_column
from ragteach.data.wild.columns import find_columns
from ragteach.errors import refuse
from ragteach.ground.arguments import is_a
from ragteach.ground.memory import fits_memory
from ragteach.ground.objects import attribute
from ragteach.study.heads import Classification


@dataclass
class FrameHeads:
    """What `heads_from_frame` made of a table.

    Attributes:
        data: a dict task -> (x, y); x (n_docs, n_features), y class numbers (n_docs,), as
            `fit_heads` and `MultiHead.evaluate` take them.
        heads: a dict task -> `Classification` with as many classes as the task has.
        class_names: a dict task -> its classes' names, in natural order; ``labels`` of `save`.
        vectorizer: fitted on all the texts.
    """

    data: dict[str, tuple[torch.Tensor, torch.Tensor]]
    heads: dict[str, Classification]
    class_names: dict[str, list[str]]
    vectorizer: Any

    @property
    def n_features(self) -> int:
        """d, the number of words."""
        return next(iter(self.data.values()))[0].shape[1]

    @property
    def task_names(self) -> list[str]:
        """The tasks, in order."""
        return list(self.data)


def heads_from_frame(
    frame: Any,
    vectorizer: Any = None,
    *,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    missing: str = "ask",
    class_names: Mapping[str, Sequence[str]] | None = None,
) -> FrameHeads:
    """Data and heads for tasks that each have classes of their own.

    Args:
        frame: whatever `as_frame` takes; one row per label and a task column, or one label column
            per task (``label=["sentiment", "topic"]``), in which empty cells mean "no label".
        vectorizer, class_names: those of the training data, for other parts.
        text, label, task, missing: as in `as_frame`.

    Raises:
        RagteachError: whatever `as_frame` refuses, and a task with one class only.

    Example:
        >>> table = {"text": ["good film", "bad film"], "mood": ["+", "-"], "about": ["art", "war"]}
        >>> made = heads_from_frame(table, label=["mood", "about"])
        >>> made.class_names
        {'mood': ['+', '-'], 'about': ['art', 'war']}
    """
    if class_names is not None:
        what = "a dict task -> names"
        fix = "pass class_names=made.class_names"
        is_a("class_names", class_names, Mapping, what, fix)
    parts = _parts(frame, text, label, task, missing, class_names)
    for name, part in parts.items():
        if len(part.attrs["label_names"]) < 2:
            raise refuse(
                expected="two classes or more in every task",
                got=f"{part.attrs['label_names']} in task {name!r}",
                fix="leave that task out, or add examples of another class",
            )
    texts = [said for part in parts.values() for said in part["text"]]
    asked = attribute(frame, "attrs", {}).get("analyzer")
    vectorizer, x = vectorized(texts, asked if vectorizer is None else vectorizer)
    fits_memory(
        f"{x.shape[0]} documents of {x.shape[1]} words, dense as heads take them",
        2 * 4 * x.shape[0] * x.shape[1],
        "fewer words: vectorizer=make_vectorizer(max_features=5000).fit(texts), or --max-words "
        "5000",
    )
    data = {}
    start = 0
    for name, part in parts.items():
        rows = x[start : start + len(part)]
        start += len(part)
        dense = torch.from_numpy(rows.toarray() if sp.issparse(rows) else np.asarray(rows))
        data[name] = (dense.float(), torch.tensor(part["label"].to_numpy(), dtype=torch.long))
    names = {name: list(part.attrs["label_names"]) for name, part in parts.items()}
    heads = {name: Classification(len(said)) for name, said in names.items()}
    return FrameHeads(data, heads, names, vectorizer)


def _parts(
    frame: Any, text: Any, label: Any, task: Any, missing: Any, class_names: Any
) -> dict[str, pd.DataFrame]:
    """One standard frame for each task, whose classes are the task's own."""
    table = as_table(frame)
    columns = find_columns(list(table.columns), text, label, task, table)
    if columns.found:
        print(columns)
    known = class_names or {}
    options = {"text": columns.text, "missing": missing}
    if isinstance(columns.label, tuple):
        parts = {}
        for name in columns.label:
            there = table[name].notna() & (table[name].astype(str).str.strip() != "")
            part = table.loc[there, [columns.text, name]]
            parts[name] = as_frame(part, label=name, class_names=known.get(name), **options)
        return parts
    if columns.task is None:
        name = next(iter(known), "task1")
        return {name: as_frame(table, label=columns.label, class_names=known.get(name), **options)}
    tasks = name_column(table[columns.task], "task", list(known) or None, missing)
    options |= {"label": columns.label, "task": columns.task}
    return {
        name: as_frame(
            table.iloc[np.flatnonzero(tasks.numbers == t)], class_names=known.get(name), **options
        )
        for t, name in enumerate(tasks.names)
        if (tasks.numbers == t).any()
    }
