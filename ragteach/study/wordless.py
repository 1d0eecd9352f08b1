"""Wordless: a sentence without words in each task that lacks a class, so that its biases end.

Enters: a training part.  Leaves: the same, whose stacked form has one more row in such a task.

The lower the bias of a class that never occurs, the lower is J, for ever. So a task that lacks one
gets a sentence without words for every class. Written out, these are n_classes rows with the same
logits, the biases b (and whatever the features say of no words), and their part of n CE_t is

    sum_c  -log softmax(b)[c]   =   n_classes * ( sum_c 1/n_classes * -log softmax(b)[c] )

which is one row that counts n_classes times and whose target is 1/n_classes for every class. Of 188
tasks with 42 classes, 1,466 rows become 1,654 rather than 9,362.

Source: adding one to every count is Laplace's rule of succession (1814).
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from ragteach.data.features import UnknownWordsWarning
from ragteach.data.inputs import as_features, vectorized
from ragteach.data.stacking import stack_rows
from ragteach.dataset import MultiTaskDataset
from ragteach.errors import refuse
from ragteach.tensors import TaskTensors


class WithWordless(MultiTaskDataset):
    """A dataset whose stacked form has a row more in some tasks; in all else it is the dataset.

    Attributes:
        wordless: (n,) long tensor, the tasks that have such a row.
    """

    wordless: torch.Tensor

    def stacked(self, class_weight: Any = None, dtype: torch.dtype = torch.float32) -> TaskTensors:
        """The examples task by task, the wordless row last: its target is every class alike.

        Args:
            class_weight: None; what a class counts cannot be said of a row of all classes.
            dtype: as in `MultiTaskDataset.stacked`.
        """
        if class_weight is not None:
            raise refuse(
                expected="no class weights with a task that lacks a class",
                got=f"class_weight = {class_weight!r}",
                fix="leave class_weight out, or the classes that some task lacks",
            )
        every = self.n_classes  # the number of a class that stands for all of them
        n_more = len(self.wordless)
        y = torch.cat([self.y, torch.full((n_more,), every)])
        task = torch.cat([self.task, self.wordless])
        doc = torch.cat([self.doc, torch.full((n_more,), self.x.shape[0])])
        weight = torch.ones(len(y))
        weight[len(self.y) :] = every
        x = _and_row(self.x, self._no_words())
        whole = stack_rows(x, y, task, weight, every + 1, self.task_names, doc, dtype)
        target = whole.onehot[:, :every] + whole.onehot[:, every:] / every
        return TaskTensors(whole.x, whole.y, whole.weight, every, whole.task_names, target)

    def _no_words(self) -> Any:
        """(1, n_features): what the features say of a sentence without words."""
        if self.vectorizer is None:
            return torch.zeros(1, self.n_features)
        with warnings.catch_warnings():  # it has no known word, and is to have none
            warnings.simplefilter("ignore", UnknownWordsWarning)
            return as_features(vectorized([""], self.vectorizer)[1])


def with_wordless(data: MultiTaskDataset) -> MultiTaskDataset:
    """The training part, with a wordless row for each task that lacks a class; where none does, the
    part itself.

    Example:
        >>> x = torch.tensor([[1.0], [2.0], [3.0]])
        >>> data = with_wordless(MultiTaskDataset(x, [0, 1, 1], 2, ["a", "a", "b"]))
        >>> len(data), data.wordless.tolist()
        (3, [1])
        >>> of_b = data.stacked()  # its rows: 3.0, and no words
        >>> of_b.onehot[1].tolist(), of_b.weight[1]
        ([[0.0, 0.5], [1.0, 0.5]], tensor([0.3333, 0.6667]))
    """
    there = torch.zeros(data.n_tasks, data.n_classes, dtype=torch.bool)
    there[data.task, data.y] = True
    lacking = (~there.all(1)).nonzero().flatten()
    if not len(lacking):
        return data
    whole = copy.copy(data)
    whole.__class__ = WithWordless
    assert isinstance(whole, WithWordless)
    whole.wordless = lacking
    return whole


def _and_row(x: Any, row: Any) -> Any:
    """x with one more row, as x is: dense or sparse."""
    if isinstance(x, torch.Tensor):
        return torch.cat([x, torch.as_tensor(row.toarray()) if sp.issparse(row) else row])
    row = row if sp.issparse(row) else sp.csr_matrix(np.asarray(row))
    return sp.vstack([x, row], format="csr")
