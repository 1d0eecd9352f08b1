"""The joint optimum in its shortest form: torch's own L-BFGS on the loss of the lessons.

Enters: a `RAG` and its data.  Leaves: the model at its optimum, as `optimum.solve` leaves it.

    J(theta)  the loss module's own number, autograd's own gradient
    theta     everything that may move, one long vector

`solve` does the same and is quicker, above all for many lambdas. A test holds both equal.

Source: Liu & Nocedal (1989), On the limited memory BFGS method.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ragteach.engine.optimum import Alpha, Data, Solution
from ragteach.losses import LAM, MultiTaskLoss
from ragteach.model import RAG
from ragteach.tensors import as_tensors


def solve_readable(
    model: RAG,
    data: Data,
    lam: float = LAM,
    lam_shared: float = LAM,
    alpha: Alpha = "equal",
    tol: float = 1e-6,
    max_iter: int = 2000,
) -> Solution:
    """Set ``model`` (in place) to the weights that minimise J. Arguments as in `optimum.solve`.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> solve_readable(RAG(4, 2, 2, tasks=["a", "b"]), data, lam=0.1, lam_shared=0.1).converged
        True
    """
    exact = copy.deepcopy(model).double()
    tensors = as_tensors(exact, data)
    J = MultiTaskLoss(alpha=alpha, lam=lam, lam_shared=lam_shared, sizes=tensors.sizes)
    moving = [p for p in exact.parameters() if p.requires_grad]
    optimizer = torch.optim.LBFGS(
        moving,
        max_iter=max_iter,
        max_eval=2 * max_iter,
        history_size=30,
        tolerance_change=0.0,
        tolerance_grad=tol / sum(p.numel() for p in moving) ** 0.5,  # of the largest element
        line_search_fn="strong_wolfe",
    )
    evaluations = 0

    def closure() -> Tensor:
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        value = J.stacked(exact, tensors)
        value.backward()
        return value

    optimizer.step(closure)
    objective = closure().item()
    grad_norm = torch.cat([p.grad.flatten() for p in moving if p.grad is not None]).norm().item()
    model.load_state_dict(exact.state_dict())
    return Solution(objective, grad_norm, evaluations, grad_norm < tol)
