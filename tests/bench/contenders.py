"""Other ways to train the same model on the same numbers, each written as its users would write
it.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from ragteach.tensors import TaskTensors


def problem(n_tasks, n_docs, n_features, n_classes=3, seed=0):
    """Rows like TF-IDF: few words each, length 1. Labels from weights that the tasks share in
    part.
    """
    g = torch.Generator().manual_seed(seed)
    shape = (n_tasks, n_docs, n_features)
    x = torch.rand(shape, generator=g) * (
        torch.rand(shape, generator=g) < max(0.04, 5 / n_features)
    )
    x = x / x.norm(dim=2, keepdim=True).clamp(min=1e-6)
    weights = torch.randn(n_classes, n_features, generator=g)
    weights = weights + 0.5 * torch.randn(n_tasks, n_classes, n_features, generator=g)
    y = (x @ weights.mT).argmax(-1)
    weight = torch.full((n_tasks, n_docs), 1 / n_docs)
    return TaskTensors(x, y, weight, n_classes, [f"task{t + 1}" for t in range(n_tasks)])


class Modules(nn.Module):
    """W_s and the adapters as nn.Linear modules, starting where a `RAG` starts."""

    def __init__(self, model):
        super().__init__()
        self.graph = model.graph.tolist()
        self.shared = nn.Linear(model.n_features, model.n_classes, bias=False)
        self.adapters = nn.ModuleList(
            nn.Linear(model.n_features, model.n_classes, bias=False) for _ in self.graph[0]
        )
        self.bias = nn.Parameter(model.bias.detach().clone())
        with torch.no_grad():
            self.shared.weight.copy_(model.shared)
            for mine, adapter in zip(self.adapters, model.adapter_weights(), strict=True):
                mine.weight.copy_(adapter)

    def article(self, x, t):
        """The article's forward, with its graph: every adapter is applied to every input."""
        logits = self.shared(x) + self.bias[t]
        for g, adapter in zip(self.graph[t], self.adapters, strict=True):
            logits = logits + g * adapter(x)
        return logits

    def forward(self, x, t):
        """Only the task's own adapter."""
        return self.shared(x) + self.adapters[t](x) + self.bias[t]


def article_loop(model, data, steps, lr, lam):
    """The article's loop: all tasks in turn, all adapters for each, one optimiser step."""
    net = Modules(model)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = 0.0
        for t in range(data.n_tasks):
            loss = loss + cross_entropy(net.article(data.x[t], t), data.y[t])
        for adapter in net.adapters:
            loss = loss + lam / 2 * adapter.weight.square().sum()
        loss.backward()
        optimizer.step()
    return net


def plain_loop(model, data, batches, optimizer, lr, lam=0.0):
    """A per-task loop on sliced tensors. ``batches``: rows (n_tasks, n) of each step, None, or a
    loader.
    """
    net = Modules(model)
    optimizer = optimizer(net.parameters(), lr=lr)
    for batch in batches:
        optimizer.zero_grad()
        loss = 0.0
        for t in range(data.n_tasks):
            if batch is None:
                x, y = data.x[t], data.y[t]
            else:
                x, y = (
                    batch[t]
                    if isinstance(batch, tuple)
                    else (data.x[t, batch[t]], data.y[t, batch[t]])
                )
            loss = loss + cross_entropy(net(x, t), y)
        if lam:
            for adapter in net.adapters:
                loss = loss + lam / 2 * adapter.weight.square().sum()
        loss.backward()
        optimizer.step()
    return net


class BatchLoader:
    """One DataLoader per task, walked together."""

    def __init__(self, data, batches):
        order = torch.cat(batches, 1).tolist()
        size = batches[0].shape[1]
        self.loaders = [
            DataLoader(TensorDataset(data.x[t], data.y[t]), batch_size=size, sampler=order[t])
            for t in range(data.n_tasks)
        ]

    def __iter__(self):
        return zip(*self.loaders, strict=True)


def torchjd_loop(model, data, batches, optimizer, lr):
    """TorchJD: the Jacobian of the tasks' losses, summed: the same step as the loss they add up
    to.
    """
    from torchjd.aggregation import Sum
    from torchjd.autojac import backward, jac_to_grad

    net = Modules(model)
    parameters = list(net.parameters())
    optimizer, aggregator = optimizer(parameters, lr=lr), Sum()
    for batch in batches:
        optimizer.zero_grad()
        losses = [
            cross_entropy(net(data.x[t, rows], t), data.y[t, rows]) for t, rows in enumerate(batch)
        ]
        backward(losses)
        jac_to_grad(parameters, aggregator)
        optimizer.step()
    return net


def merged_by_peft(n_features, n_classes, rank=3):
    """A LoRA adapter merged into its Linear by PEFT."""
    from peft import LoraConfig, get_peft_model

    net = nn.Sequential(nn.Linear(n_features, n_classes))
    return get_peft_model(net, LoraConfig(r=rank, target_modules=["0"])).merge_and_unload()


def sklearn_solve(data, lam):
    """The same optimum by scikit-learn: each task's features once for all tasks and once in its own
    block.
    """
    n_tasks, n_docs, n_features = data.x.shape
    x = np.zeros((n_tasks, n_docs, n_tasks + 1, n_features))
    x[:, :, 0] = data.x
    for t in range(n_tasks):
        x[t, :, t + 1] = data.x[t]
    clf = LogisticRegression(C=1 / (n_docs * lam), tol=1e-6, max_iter=5000)
    return clf.fit(x.reshape(n_tasks * n_docs, -1), data.y.flatten().numpy())
