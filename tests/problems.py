"""Small problems and small helpers that the tests of the core share."""

import re

import numpy as np
import pytest
import torch

from ragteach import MultiTaskDataset
from ragteach.errors import RagteachError


def problem(sizes=(30, 30, 30), n_features=6, n_classes=3, seed=0):
    """A dataset of tasks that agree in part: labels drawn from a softmax of (shared + own)
    weights.
    """
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_classes, n_features))
    x, y, task = [], [], []
    for t, n in enumerate(sizes):
        weights = shared + rng.normal(size=shared.shape)
        features = rng.normal(size=(n, n_features))
        y.append((features @ weights.T + rng.gumbel(size=(n, n_classes))).argmax(1))
        x.append(features)
        task += [t] * n
    x = np.concatenate(x).astype(np.float32)
    return MultiTaskDataset(x, np.concatenate(y), n_classes, task)


def refused(expected, got, fix=None):
    """``with refused(...)``: the error has three parts, in this order, with these words in them."""
    words = [re.escape(part) for part in (expected, got, fix or "")]
    pattern = r"\AExpected: (?s:.*){}(?s:.*)\nGot: (?s:.*){}(?s:.*)\nWhat to do: (?s:.*){}(?s:.*)\Z"
    return pytest.raises(RagteachError, match=pattern.format(*words))


def centred(weights):
    """Weights up to softmax's common shift of all classes: (..., n_classes, n_features)."""
    return weights - weights.mean(-2, keepdim=True)


def same(a, b, tol=0.0):
    """Equal tensors: bit by bit, or to ``tol``."""
    a, b = a.detach(), b.detach()
    return torch.equal(a, b) if tol == 0 else torch.allclose(a, b, rtol=0, atol=tol)


def states_equal(a, b):
    """Two models with the same numbers, bit by bit."""
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
