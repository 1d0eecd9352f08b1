"""Rows with tasks, as scikit-learn's users have them, to the stacked tensors the solver wants.

Enters: features X (n_docs, n_features), and for each row a label, a task, a weight.
Leaves: `TaskTensors` in double precision, whose weights sum to 1 in each task:

    weight[t, i] = sample_weight_i class_weight_i / sum over the rows of task t

so that a row of weight 2 counts as two rows, and a row of weight 0 as none.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from ragteach.dataset import DENSE_NUMBERS, SPARSE_ABOVE
from ragteach.errors import refuse
from ragteach.linear import BlockSparse
from ragteach.tensors import TaskTensors


def stack(X, label, number, weight, per_class, n_classes, names):
    """`TaskTensors` in double precision whose weights are the rows' own, and each task's sum of
    weights.
    """
    members = [np.flatnonzero(number == t) for t in range(len(names))]
    n_docs = max(map(len, members))
    y = torch.zeros(len(names), n_docs, dtype=torch.long)
    w = torch.zeros(len(names), n_docs, dtype=torch.float64)
    for t, rows in enumerate(members):
        share = weight[rows] * per_class(label[rows], weight[rows])[label[rows]]
        y[t, : len(rows)] = torch.from_numpy(label[rows])
        w[t, : len(rows)] = torch.from_numpy(share / share.sum())
    wide = sp.issparse(X) and (
        X.shape[1] > SPARSE_ABOVE or len(names) * n_docs * X.shape[1] > DENSE_NUMBERS
    )
    if wide:
        x = BlockSparse.build([X[rows] for rows in members], n_docs, torch.float64)
    else:
        x = torch.zeros(len(names), n_docs, X.shape[1], dtype=torch.float64)
        for t, rows in enumerate(members):
            x[t, : len(rows)] = torch.from_numpy(X[rows].toarray() if sp.issparse(X) else X[rows])
    return TaskTensors(x, y, w, n_classes, [str(n) for n in names]), [
        weight[rows].sum() for rows in members
    ]


def centre(tensors):
    """Shift dense features to mean 0 in each task, in place; returns the means (n_tasks, 1,
    n_features).

    b_t, which is not penalised, takes up the shift: the optimum is the same, and found in fewer
    steps. Sparse features stay as they are (None): counts of words are near 0 anyway.
    """
    if isinstance(tensors.x, BlockSparse):
        return None
    centre = tensors.weight.unsqueeze(1) @ tensors.x  # (n_tasks, 1, n_features)
    tensors.x -= centre
    return centre


def column(tasks, n_docs):
    """The rows' tasks as a flat array of the right length."""
    tasks = np.asarray(tasks)
    if tasks.shape != (n_docs,):
        raise refuse(
            expected=f"one task for each of the {n_docs} rows", got=f"tasks of shape {tasks.shape}",
            fix="pass a flat list of task names, in the order of the rows",
        )  # fmt: skip
    return tasks


def weights(sample_weight, n_docs):
    """The rows' weights, 1 each if none are given."""
    weight = np.ones(n_docs) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if weight.shape != (n_docs,) or not (np.isfinite(weight) & (weight >= 0)).all():
        raise refuse(
            expected=f"sample_weight of shape ({n_docs},) with finite weights >= 0",
            got=f"shape {weight.shape}" + (f", least {weight.min():g}" if weight.size else ""),
            fix="give every row one weight: 1 is normal, 2 counts twice, 0 leaves it out",
        )
    return weight


def unique(tasks):
    """The distinct tasks, sorted; mixed types by their names."""
    return np.array(sorted(set(tasks.tolist()), key=lambda t: (str(type(t)), t)), dtype=tasks.dtype)
