"""The gradient of J, written out: the one you derive by hand in lesson 03, for R models at once.

Enters: `Replicas` and stacked tasks.  Leaves: dJ/dW_s, dJ/dA, dJ/db, in the shapes of the weights.

    residual_t = alpha_t weight (softmax(logits) - onehot)      losses.residual: dCE/dlogits
    dJ/dW_t    = residual_t x'                                  linear.back_project
    dJ/dW_s    = sum_t dJ/dW_t           + lam_s W_s
    dJ/dA_k    = sum_t G[t,k] dJ/dW_t    + lam A_k
    dJ/db_t    = sum over documents of residual_t

A test holds it equal to autograd.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ragteach import losses
from ragteach.engine.replicas import Replicas
from ragteach.errors import refuse
from ragteach.linear import back_project
from ragteach.model import task_logits, task_weights
from ragteach.tensors import TaskTensors


def gradients(
    replicas: Replicas, tensors: TaskTensors, alphas: Tensor, graph: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """dJ/dW_s, dJ/dA, dJ/db of every replica (the penalties of J included), in the shapes of the
    weights.

    Args:
        replicas: the weights, and the penalties lam and lam_shared of each replica.
        tensors: stacked tasks, in the precision of the replicas.
        alphas: (n_tasks,).
        graph: (n_tasks, n_adapters), the columns of active adapters; or None for the identity.

    Returns:
        (n_replicas, n_classes, n_features), (n_adapters, n_replicas, n_classes, n_features), and
        (n_tasks or 1, n_replicas, n_classes), or None without biases.

    Raises:
        RagteachError: shapes or precisions that do not belong together.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> from ragteach.engine.replicas import stack
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> replicas = stack([RAG(4, 2, 2, tasks=data.task_names, init="zero")])
        >>> d_shared, *_ = gradients(replicas, data.stacked(), torch.ones(2), None)
        >>> d_shared[0]
        tensor([[-0.2500,  0.2500,  0.2500, -0.2500],
                [ 0.2500, -0.2500, -0.2500,  0.2500]])
    """
    _check(replicas, tensors, alphas, graph)
    shared = replicas.shared
    adapters = replicas.adapters
    logits = task_logits(tensors.x, task_weights(shared, adapters, graph), replicas.bias)
    weight = tensors.of_task(alphas).unsqueeze(-1) * tensors.weight  # (n_blocks, n_docs)
    residual = losses.residual(logits, tensors.onehot, weight)  # (n_blocks, R, n_classes, n_docs)
    by_task = back_project(residual, tensors.x)  # dJ/dW_t  (n_tasks, R, n_classes, n_features)
    d_shared = by_task.sum(0)
    d_adapters = by_task if graph is None else torch.tensordot(graph.mT, by_task, dims=1)
    d_shared.addcmul_(replicas.lam_shared[:, None, None], shared)
    d_adapters.addcmul_(replicas.lam[:, None, None], adapters)
    if replicas.bias is None:
        return d_shared, d_adapters, None
    d_bias = bias_gradient(tensors.by_task(residual.sum(-1)), len(replicas.bias))
    return d_shared, d_adapters, d_bias


def bias_gradient(d_bias: Tensor, n_rows: int) -> Tensor:
    """dJ/db, (n_tasks, R, n_classes); or (1, R, n_classes) for the one bias of all tasks."""
    return d_bias if n_rows == len(d_bias) else d_bias.sum(0, keepdim=True)


def _check(replicas: Replicas, tensors: TaskTensors, alphas: Tensor, graph: Tensor | None) -> None:
    kinds = {
        "replicas": (replicas, Replicas),
        "tensors": (tensors, TaskTensors),
        "alphas": (alphas, Tensor),
        "graph": (graph, Tensor | None),
    }
    for name, (value, kind) in kinds.items():
        if not isinstance(value, kind):
            raise refuse(
                expected="Replicas, TaskTensors, and tensors alphas and graph (or None)",
                got=f"{name} of type {type(value).__name__}",
                fix="stack models with train_many(..., steps=0), data with data.stacked()",
            )
    n_tasks = tensors.n_tasks
    n_adapters = len(replicas.adapters)
    shapes = {
        "alphas": (tuple(alphas.shape), (n_tasks,)),
        "graph": (
            (n_tasks, n_tasks) if graph is None else tuple(graph.shape),
            (n_tasks, n_adapters),
        ),
        "replicas (n_classes, n_features)": (
            tuple(replicas.shared.shape[1:]),
            (tensors.n_classes, tensors.n_features),
        ),
    }
    for name, (have, want) in shapes.items():
        if have != want:
            raise refuse(
                expected=f"{name} of shape {want}",
                got=f"{have}",
                fix="alphas: one per task; graph: a row per task, a column per active adapter",
            )
    for name, part in (("tensors", tensors.weight), ("alphas", alphas), ("graph", graph)):
        if part is not None and part.dtype != replicas.shared.dtype:
            raise refuse(
                expected=f"one precision for all, that of the replicas: {replicas.shared.dtype}",
                got=f"{name} in {part.dtype}",
                fix="data.stacked(dtype=torch.float64), alphas.double(), graph.double()",
            )
