"""The joint optimum: where every patient training run ends.

Enters: a `RAG` and its data.  Leaves: the weights at which the gradient of J is zero, for one lambda or a whole path.

The linear problem is convex, so L-BFGS finds the optimum (Liu & Nocedal 1989). Two things make it quick. Scaled weights
sqrt(lam) A_k give every block the same curvature. And logits are linear in the weights: along a search direction they
are z + a dz, so a near-exact line search costs a few softmaxes and no further product. All lambdas walk at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .engine import Replicas, _grid, routing, stack
from .errors import at_least
from .losses import residual, task_alphas
from .model import task_weights
from .products import back_project, project
from .trainer import as_tensors


@dataclass
class Solution:
    """Where `solve` ended.

    Attributes:
        objective: J at the optimum. grad_norm: Euclidean norm of its gradient. iterations: L-BFGS steps taken.
        converged: whether grad_norm < tol. (With lam = lam_shared = 0 a separable problem has no optimum to reach.)
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
    replicas, solution = _solve(model, data, [lam], [lam_shared], alpha, tol, max_iter)
    state = replicas.model(0).state_dict()
    model.load_state_dict(state)
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
    tensors = as_tensors(model, data).to(dtype=torch.float64)
    start = stack([model], 0.0, 0.0)
    problem = _Problem(model, start, tensors, lam.double(), lam_shared.double(), alpha)
    v, iterations = _lbfgs(problem, tol, max_iter)
    value, grad, _ = problem.value_and_gradient(v)
    norm = problem.true_norm(grad)
    replicas = problem.replicas(v)
    return replicas, Solution(value[0].item(), norm.max().item(), iterations, bool((norm < tol).all()))


class _Problem:
    """J over one flat vector per replica: the moving blocks of [W_s, A_1 .. A_K], scaled, then the biases.

    With G+ = [1 | G], W_t = sum_j G+[t,j] block_j: the shared weights are one more adapter, which serves every task.
    """

    def __init__(self, model, start, tensors, lam, lam_shared, alpha):
        self.model, self.tensors = model, tensors
        self.lam, self.lam_shared = lam, lam_shared
        active = [n for n in model.adapter_names if model.active[n]]
        moves = [model.shared.requires_grad] + [model.adapters[n].full.requires_grad for n in active]
        self.moves = torch.tensor(moves)
        graph = torch.cat([torch.ones(model.n_tasks, 1), routing(model).cpu()], 1).double()
        self.blocks = torch.cat([start.shared[None], start.adapters])[:, 0].double().cpu()  # (1 + K, C, d)
        self.graph = graph[:, self.moves].contiguous()  # (n_tasks, n_moving)
        fixed = torch.tensordot(graph[:, ~self.moves], self.blocks[~self.moves], dims=1)
        self.fixed = project(fixed, tensors.x).unsqueeze(1)  # logits of what does not move
        self.penalty = torch.cat([lam_shared[None], lam.expand(len(active), -1)])  # (1 + K, R)
        self.constant = (self.penalty[~self.moves] / 2 * self.blocks[~self.moves].square().sum((1, 2))[:, None]).sum(0)
        self.lams = self.penalty[self.moves].T.contiguous()  # (R, n_moving)
        floor = self.lams.where(self.lams > 0, torch.inf).min(1, keepdim=True).values
        floor = floor.where(floor.isfinite(), torch.ones(())).expand_as(self.lams)
        self.scale = self.lams.where(self.lams > 0, floor).rsqrt()  # weights = scale * v
        self.bias0 = None if model.bias is None else start.bias[:, 0].double()  # (n_tasks or 1, C)
        self.bias_moves = model.bias is not None and model.bias.requires_grad
        self.weight = task_alphas(alpha, tensors.sizes).double()[:, None] * tensors.weight  # (n_tasks, n_docs)
        self.shape = (self.graph.shape[1], tensors.num_classes, tensors.n_features)

    def select(self, keep):
        """Only the replicas ``keep``."""
        self.lams, self.scale, self.constant = self.lams[keep], self.scale[keep], self.constant[keep]

    def start(self):
        """The model as it is, as a flat vector per replica."""
        v = (self.blocks[self.moves][None] / self.scale[:, :, None, None]).flatten(1)  # (R, n_moving C d)
        if self.bias_moves:
            v = torch.cat([v, self.bias0.flatten().expand(len(v), -1)], 1)
        return v

    def split(self, v):
        n = self.shape[0] * self.shape[1] * self.shape[2]
        blocks = v[:, :n].view(len(v), *self.shape) * self.scale[:, :, None, None]  # (R, n_moving, C, d)
        bias = v[:, n:].view(len(v), -1, self.shape[1]).transpose(0, 1) if self.bias_moves else None
        return blocks, bias  # bias (n_tasks or 1, R, C)

    def logits(self, v):
        """The part of the logits that is linear in v: (n_tasks, R, n_classes, n_docs)."""
        blocks, bias = self.split(v)
        z = project(torch.tensordot(self.graph, blocks, ([1], [1])), self.tensors.x)
        return z if bias is None else z + bias.unsqueeze(-1)

    def full(self, z):
        """Logits including what does not move."""
        z = z + self.fixed
        return z if self.bias0 is None or self.bias_moves else z + self.bias0[:, None, :, None]

    def value_and_gradient(self, v, z=None):
        z = self.logits(v) if z is None else z
        full = self.full(z)
        error = residual(full, self.tensors.onehot, self.weight)  # (n_tasks, R, n_classes, n_docs)
        by_task = back_project(error, self.tensors.x)  # dJ/dW_t
        blocks = torch.tensordot(by_task, self.graph, ([0], [0])).movedim(-1, 1)  # (R, n_moving, C, d)
        grad = (blocks * self.scale[:, :, None, None]).flatten(1)
        n = grad.shape[1]
        if self.bias_moves:
            d_bias = error.sum(-1)  # (n_tasks, R, C)
            d_bias = d_bias if len(self.bias0) == len(d_bias) else d_bias.sum(0, keepdim=True)
            grad = torch.cat([grad, d_bias.transpose(0, 1).flatten(1)], 1)
        curvature = self.curvature(v)
        grad[:, :n] += curvature * v[:, :n]
        onehot = self.tensors.onehot[:, None]
        ce = -(self.weight[:, None, None] * onehot * full.log_softmax(2)).sum((0, 2, 3))
        return ce + (curvature * v[:, :n].square()).sum(1) / 2 + self.constant, grad, z

    def curvature(self, v):
        """Second derivative of the penalty in v: 1 where lam > 0, 0 elsewhere. (R, n_moving C d)"""
        return (self.lams * self.scale.square()).repeat_interleave(self.shape[1] * self.shape[2], 1)

    def true_norm(self, grad):
        """Norm of the gradient in the unscaled weights, per replica."""
        n = self.shape[0] * self.shape[1] * self.shape[2]
        blocks = grad[:, :n].view(len(grad), *self.shape) / self.scale[:, :, None, None]
        return (blocks.square().sum((1, 2, 3)) + grad[:, n:].square().sum(1)).sqrt()

    def replicas(self, v):
        """The weights of v as `Replicas` in the model's precision."""
        moving, bias = self.split(v)
        blocks = self.blocks[:, None].repeat(1, len(v), 1, 1)  # (1 + K, R, C, d)
        blocks[self.moves] = moving.transpose(0, 1)
        if bias is None and self.bias0 is not None:
            bias = self.bias0[:, None].repeat(1, len(v), 1)
        like = self.model.shared
        bias = None if bias is None else bias.contiguous().to(like)
        return Replicas(blocks[0].to(like), blocks[1:].to(like), bias, self.lam, self.lam_shared, self.model)


def _lbfgs(problem, tol, max_iter, memory=6):
    """Limited-memory BFGS on all replicas at once; those that have converged leave. Returns (v, iterations)."""
    v = problem.start()
    out, rows = v.clone(), torch.arange(len(v))
    _, grad, z = problem.value_and_gradient(v)
    pairs = []  # (s, y, 1 / s'y), newest last
    for iteration in range(max_iter):
        busy = problem.true_norm(grad) >= tol
        if not bool(busy.all()):
            out[rows] = v
            if not bool(busy.any()):
                return out, iteration
            if busy.sum() <= 0.8 * len(busy):
                problem.select(busy)
                rows, v, grad, z = rows[busy], v[busy], grad[busy], z[:, busy]
                pairs = [(s[busy], y[busy], r[busy]) for s, y, r in pairs]
        direction = _two_loop(grad, pairs)
        dz = problem.logits(direction)
        step = _line_search(problem, v, direction, z, dz, first=not pairs)
        v_new = v + step * direction
        z = z + step.view(-1, 1, 1) * dz
        _, grad_new, _ = problem.value_and_gradient(v_new, z)
        s, y = v_new - v, grad_new - grad
        pairs = [*pairs[1 - memory :], (s, y, 1 / (s * y).sum(1, keepdim=True).clamp(min=1e-300))]
        v, grad = v_new, grad_new
    out[rows] = v
    return out, max_iter


def _two_loop(grad, pairs):
    """-H grad, from the last few (s, y) pairs."""
    q, alphas = grad.clone(), []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * (s * q).sum(1, keepdim=True))
        q -= alphas[-1] * y
    if pairs:
        s, y, rho = pairs[-1]
        q /= rho * y.square().sum(1, keepdim=True)
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        q += s * (alpha - rho * (y * q).sum(1, keepdim=True))
    return -q


def _line_search(problem, v, d, z, dz, first, tol=0.1, tries=12):
    """Step sizes (R, 1) at which J is nearly least along d: Newton on the slope, kept inside a bracket."""
    n = problem.shape[0] * problem.shape[1] * problem.shape[2]
    curvature = problem.curvature(v)
    vd, dd = ((curvature * a[:, :n] * d[:, :n]).sum(1) for a in (v, d))
    full, weight = problem.full(z), problem.weight[:, None, None]
    gain = (weight * problem.tensors.onehot[:, None] * dz).sum((0, 2, 3))  # d/da of the label's own logit
    a = torch.zeros_like(vd) if first else torch.ones_like(vd)
    low, high, slope0 = torch.zeros_like(vd), torch.full_like(vd, torch.inf), None
    for _ in range(tries):
        p = (full + a.view(-1, 1, 1) * dz).softmax(2)
        mean = (p * dz).sum(2, keepdim=True)
        slope = (weight * mean).sum((0, 2, 3)) - gain + vd + a * dd
        bend = (weight * p * (dz - mean).square()).sum((0, 2, 3)) + dd
        if slope0 is None:
            slope0 = slope.abs() if first else None
        low, high = torch.where(slope < 0, a, low), torch.where(slope > 0, a, high)
        if slope0 is None:
            slope0 = bend + slope.abs()  # about the slope at 0
        elif bool((slope.abs() <= tol * slope0).all()):
            break
        newton = a - slope / bend.clamp(min=1e-300)
        inside = (newton > low) & (newton < high)
        a = torch.where(inside, newton, torch.where(high.isfinite(), (low + high) / 2, 2 * low + 1))
    return a.unsqueeze(1)
