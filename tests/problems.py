"""Small problems and small helpers that the tests of the core share."""

import collections
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from ragteach import RAG, DeepRAG, MultiTaskDataset, MultiTaskLoss, TaskTensors
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


def model_for(data, num_adapters=None, **options):
    """A model of the data's shape, one adapter per task, its start large enough to matter."""
    options = {"scale": 0.5} | options
    k = data.n_tasks if num_adapters is None else num_adapters
    return RAG(data.n_features, data.n_classes, k, tasks=data.task_names, **options)


def objective(model, data, lam, lam_shared):
    """J in float64, as the loss module says it: a tensor without axes."""
    tensors = data if isinstance(data, TaskTensors) else data.stacked(dtype=torch.float64)
    criterion = MultiTaskLoss(lam=lam, lam_shared=lam_shared)
    criterion.set_sizes(tensors.sizes)
    return criterion.stacked(model, tensors)


def descend(loss, optimizer, steps):
    """The loop that everybody writes: ``steps`` times down the gradient of ``loss()``."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


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


def on_draws(own, *others):
    """Parameters of a lesson's claim: its own draws; and others, which make test-long adds."""
    more = [
        pytest.param(draws, id=f"other draws {i + 1}", marks=pytest.mark.long)
        for i, draws in enumerate(others)
    ]
    return [pytest.param(own, id="the lesson's draws"), *more]


def own_network():
    """An untrained DeepRAG in a network of one block, a sentence, and what it reads."""

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = torch.nn.ModuleList([torch.nn.Linear(4, 4)])
            self.say = torch.nn.Linear(4, 2)

        def forward(self, h):
            return self.say(self.blocks[0](h).mean(1))

    def read(text):
        return torch.ones(1, 2, 4), [(word, [i]) for i, word in enumerate(text.split())]

    model = DeepRAG(Own(), "blocks.0", tasks=["<b>plays</b>", "bicycles"], rank=1)
    return model, "rather fine", read


def shared_runs(texts, n=5, unit=r"\w+"):
    """The texts that have a run of n words (or other units) in common, run by run; none if all are
    of their own.
    """
    where = collections.defaultdict(set)
    for text in texts:
        words = re.findall(unit, text.casefold())
        for i in range(len(words) - n + 1):
            where[tuple(words[i : i + n])].add(text)
    return [together for together in where.values() if len(together) > 1]


def printed_by(notebook):
    """All that the solution of a lesson or lab prints, as it is kept in the file."""
    path = Path(__file__).resolve().parents[1] / "notebooks" / "solutions" / f"{notebook}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    outputs = [o for cell in cells if cell.cell_type == "code" for o in cell.outputs]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)
