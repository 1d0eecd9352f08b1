"""The joint optimum: where every patient training run ends.

Enters: a `RAG` and its data.  Leaves: the weights at which the gradient of J is zero, for one lambda or a
whole path.

At the optimum every weight matrix is a weighted sum of training documents (the representer theorem). Write
e_ti = -dCE/dz_ti, with CE = sum_t alpha_t CE_t: how document i of task t pulls at its logits z_ti (n_classes
numbers each). Setting the gradient of J to zero gives

    W_s = (1 / lam_shared) sum_t D_t        A_k = (1 / lam) sum_t G[t,k] D_t        D_t = sum_i e_ti x_ti'
    W_t = sum_u (1 / lam_shared + (GG')[t,u] / lam) D_u        the graph is a covariance between tasks

So we look for e, not for W: documents are fewer than words. The logits are z = K e, K being the kernel

    K[ti, uj] = (1 / lam_shared + (GG')[t,u] / lam) x_ti' x_uj

and the penalties of J become 1/2 <e, z>, so J = CE(z) + 1/2 <e, z>, which is convex. L-BFGS needs one
product with K a step (see `descent`). All lambdas walk side by side.

Reference: Schoelkopf, Herbrich & Smola (2001), A generalized representer theorem.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from scipy import optimize

from .descent import minimise
from .engine import Replicas, _grid, gradients, routing, stack
from .errors import at_least
from .losses import penalty, residual, task_alphas
from .model import task_logits, task_weights
from .products import back_project, gram, project
from .tasks import TaskTensors
from .trainer import as_tensors

BIAS_WORD = 0.5  # how often, so to speak, that word occurs; only the number of steps depends on it
GRAM_DOCS = 2048  # up to so many documents in all, K is kept as a matrix


@dataclass
class Solution:
    """Where `solve` ended.

    Attributes:
        objective: J at the optimum.
        grad_norm: Euclidean norm of its gradient.
        iterations: L-BFGS steps taken.
        converged: whether grad_norm < tol. (With lam = lam_shared = 0 a separable problem has no optimum to
            reach.)
    """

    objective: float
    grad_norm: float
    iterations: int
    converged: bool


def solve(model, data, lam=0.01, lam_shared=0.01, alpha="equal", tol=1e-6, max_iter=2000):
    """Set ``model`` (in place) to the weights that minimise J.

    Args:
        model: a `RAG` with full-size adapters; frozen and inactive parts stay as they are.
        data: `MultiTaskDataset` or `TaskTensors`; computed in float64, whatever the model's precision.
        lam, lam_shared: penalties on the adapters and on W_s.
        alpha: ``"equal"``, ``"size"`` or one weight per task.
        tol: stop when the gradient's norm is below it.

    Returns:
        `Solution`

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=["a", "b"])
        >>> solve(model, data, lam=0.1, lam_shared=0.1).converged
        True
    """
    replicas, solution = _solve(model, data, lam, lam_shared, alpha, tol, max_iter)
    model.load_state_dict(replicas.model(0).state_dict())
    return solution


def solve_path(model, data, lam, lam_shared=0.01, alpha="equal", tol=1e-6, max_iter=2000):
    """The optimum for every (lam, lam_shared): `Replicas`, all solved side by side.

    Args:
        lam, lam_shared: number or sequence each; of one length if both are sequences.
    """
    return _solve(model, data, lam, lam_shared, alpha, tol, max_iter)[0]


@torch.no_grad()
def _solve(model, data, lam, lam_shared, alpha, tol, max_iter):
    at_least("tol", tol), at_least("max_iter", max_iter, 1)
    lam, lam_shared, _ = _grid(lam, lam_shared, None)
    if not isinstance(data, TaskTensors):
        data = data.stacked(dtype=torch.float64)
    exact = copy.deepcopy(model).double()  # data and penalties must not be rounded on their way
    tensors = as_tensors(exact, data)
    start = stack([exact] * len(lam), lam, lam_shared)
    problem = _Problem(start, tensors, task_alphas(alpha, tensors.sizes).double())
    if problem.penalised:
        e, bias, iterations = minimise(problem, tol, max_iter)
        replicas = problem.replicas(e, bias)
    else:
        replicas, iterations = _unpenalised(problem, tol, max_iter)
    norm = problem.gradient_norm(replicas)
    value = problem.alphas @ replicas.losses(tensors) + penalty(
        replicas.shared, replicas.adapters, start.lam, start.lam_shared
    )
    for name in ("shared", "adapters", "bias"):
        part = getattr(replicas, name)
        setattr(replicas, name, None if part is None else part.to(model.shared))
    replicas.template = model
    return replicas, Solution(value[0].item(), norm.max().item(), iterations, bool((norm < tol).all()))


def _kernel(same, covariance):
    """XX' times the covariance of the documents' tasks: (1, n, n), or one block a task if they are apart."""
    n_tasks = len(covariance)
    blocks = same.view(n_tasks, len(same) // n_tasks, n_tasks, -1) * covariance[:, None, :, None]
    if n_tasks > 1 and torch.equal(covariance, covariance.diag().diag()):
        return torch.stack([blocks[t, :, t] for t in range(n_tasks)])
    return blocks.view(1, *same.shape)


class _Problem:
    """J of all replicas as a function of e (n_tasks, R, n_classes, n_docs) and the biases.

    What is frozen stays as it is, and adds its part to the logits (``fixed``).
    """

    def __init__(self, start, tensors, alphas):
        model = start.template
        self.start, self.tensors, self.alphas = start, tensors, alphas
        self.lam, self.lam_shared = start.lam, start.lam_shared
        self.doc_weight = alphas.unsqueeze(1) * tensors.weight  # (n_tasks, n_docs)
        self.graph = routing(model).to(start.shared)
        moves = [model.adapters[n].full.requires_grad for n in model.adapter_names if model.active[n]]
        self.moves = torch.tensor(moves, dtype=torch.float64, device=start.shared.device).view(-1, 1, 1, 1)
        self.shared_moves = model.shared.requires_grad
        self.bias_moves = model.bias is not None and model.bias.requires_grad
        self.fixed_shared = start.shared[:1] * (not self.shared_moves)
        self.fixed_adapters = start.adapters[:, :1] * (1 - self.moves)
        still = None if self.bias_moves or start.bias is None else start.bias[:, :1]
        fixed = task_weights(self.fixed_shared, self.fixed_adapters, self.graph)
        self.fixed = task_logits(tensors.x, fixed, still)  # (n_tasks, 1, n_classes, n_docs)
        lams = [self.lam_shared] * self.shared_moves + [self.lam] * any(moves)
        self.penalised = all(bool((lam > 0).all()) for lam in lams)
        smallest = torch.stack(lams).amin(0) if lams else torch.ones_like(self.lam)
        self.bias_scale = BIAS_WORD * smallest.rsqrt()  # as if b were the weights of a word in every document
        self.gram = None
        if self.penalised and tensors.y.numel() <= GRAM_DOCS:
            together = torch.ones(len(self.graph), len(self.graph)).to(self.graph)
            used = self.graph * self.moves.flatten()
            same = gram(tensors.x)
            self.gram = (
                _kernel(same, together) if self.shared_moves else None,
                _kernel(same, used @ used.mT) if any(moves) else None,
            )

    def select(self, rows):
        """The same problem for some of the replicas."""
        part = copy.copy(self)
        for name in ("lam", "lam_shared", "bias_scale"):
            setattr(part, name, getattr(self, name)[rows])
        return part

    def weights(self, e):
        """W_s (R, n_classes, n_features) and A (n_adapters, R, n_classes, n_features) made of documents."""
        by_task = back_project(e, self.tensors.x)  # D_t  (n_tasks, R, n_classes, n_features)
        shared = (
            by_task.sum(0) / self.lam_shared.view(-1, 1, 1)
            if self.shared_moves
            else torch.zeros_like(by_task[0])
        )
        adapters = torch.tensordot(self.graph.mT, by_task, dims=1) * self.moves
        return shared, adapters / self.lam.view(-1, 1, 1) if len(adapters) else adapters

    def kernel(self, e):
        """z = K e, the logits of those weights; and |lam_shared W_s|^2 + |lam A|^2 (R,).

        If e is a gradient, that is its squared norm in the weights. With few documents K is kept as a matrix,
        in its two parts.
        """
        lams = (self.lam_shared.view(-1, 1, 1), self.lam.view(-1, 1, 1))
        if self.gram is None:
            parts = self.weights(e)
            squared = [(lam * part).square().sum((-2, -1)) for lam, part in zip(lams, parts, strict=True)]
            return project(task_weights(*parts, self.graph), self.tensors.x), squared[0] + squared[1].sum(0)
        n_tasks, n_replicas, n_classes, n_docs = e.shape
        rows = e.permute(1, 2, 0, 3).reshape(n_replicas, n_classes, n_tasks * n_docs)
        z, squared = torch.zeros_like(rows), torch.zeros_like(self.lam)
        for k, lam in zip(self.gram, lams, strict=True):
            if k is not None:  # all tasks together, or each apart
                apart = rows.view(n_replicas * n_classes, len(k), -1).transpose(0, 1)
                part = (apart @ k).transpose(0, 1).reshape(rows.shape)
                squared = squared + torch.linalg.vecdot(rows.flatten(1), part.flatten(1))
                z.addcdiv_(part, lam)
        return z.view(n_replicas, n_classes, n_tasks, n_docs).permute(2, 0, 1, 3), squared

    def full(self, z, bias):
        """Logits with what is frozen and the biases."""
        z = self.fixed + z
        return z if bias is None else z + bias.unsqueeze(-1)

    def slope(self, logits):
        """dCE/dlogits."""
        return residual(logits, self.tensors.onehot, self.doc_weight)

    def bias_slope(self, error):
        """dCE/db from dCE/dlogits."""
        d_bias = error.sum(-1)  # (n_tasks, R, n_classes)
        return d_bias if len(self.start.bias) == len(d_bias) else d_bias.sum(0, keepdim=True)

    def replicas(self, e, bias):
        """`Replicas` from e."""
        shared, adapters = self.weights(e)
        bias = self.start.bias if bias is None else bias
        shared, adapters = shared + self.fixed_shared, adapters + self.fixed_adapters
        return Replicas(shared, adapters, bias, self.start.lam, self.start.lam_shared, self.start.template)

    def masked_gradients(self, replicas):
        """dJ/d(W_s, A, b), zero where frozen."""
        d_shared, d_adapters, d_bias = gradients(replicas, self.tensors, self.alphas, self.graph)
        d_bias = d_bias * self.bias_moves if d_bias is not None else d_shared.new_zeros(0, len(replicas), 1)
        return d_shared * self.shared_moves, d_adapters * self.moves, d_bias

    def gradient_norm(self, replicas):
        """Norm of dJ/d(everything that moves), (R,)."""
        d_shared, *others = self.masked_gradients(replicas)
        return (
            d_shared.square().sum((1, 2)) + sum(d.square().sum((0, *range(2, d.ndim))) for d in others)
        ).sqrt()


def _unpenalised(problem, tol, max_iter):
    """With some lambda = 0 there is no kernel: scipy's L-BFGS-B on the weights, from zero, one by one."""
    parts, iterations = [], 0
    for r in range(len(problem.lam)):
        one = copy.copy(problem.start)
        one.lam, one.lam_shared = problem.start.lam[r : r + 1], problem.start.lam_shared[r : r + 1]
        one.shared = problem.fixed_shared.clone()
        one.adapters = problem.fixed_adapters.clone()
        one.bias = None if one.bias is None else one.bias[:, :1] * (not problem.bias_moves)
        tensors = [t for t in (one.shared, one.adapters, one.bias) if t is not None]
        fixed = [t.clone() for t in tensors]
        sizes = [t.numel() for t in tensors]

        def value_and_gradient(theta, one=one, tensors=tensors, fixed=fixed, sizes=sizes):
            for t, f, part in zip(tensors, fixed, torch.from_numpy(theta).split(sizes), strict=True):
                t.copy_(f + part.view_as(t))
            value = problem.alphas @ one.losses(problem.tensors) + penalty(
                one.shared, one.adapters, one.lam, one.lam_shared
            )
            grads = problem.masked_gradients(one)[: len(tensors)]
            return value.item(), torch.cat([g.flatten() for g in grads]).numpy()

        options = {
            "maxiter": max_iter,
            "maxfun": 2 * max_iter,
            "ftol": 0.0,
            "gtol": tol / sum(sizes) ** 0.5,
            "maxcor": 20,
        }
        found = optimize.minimize(
            value_and_gradient, np.zeros(sum(sizes)), jac=True, method="L-BFGS-B", options=options
        )
        value_and_gradient(found.x)
        parts.append(one)
        iterations = max(iterations, found.nit)
    bias = None if parts[0].bias is None else torch.cat([p.bias for p in parts], 1)
    shared, adapters = torch.cat([p.shared for p in parts]), torch.cat([p.adapters for p in parts], 1)
    start = problem.start
    return Replicas(shared, adapters, bias, start.lam, start.lam_shared, start.template), iterations
