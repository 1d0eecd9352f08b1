"""The joint optimum: where every patient training run ends.

Enters: a `RAG` and its data.  Leaves: the weights at which the gradient of J is zero, for one
lambda or a whole path.

At the optimum every weight matrix is a weighted sum of training documents (the representer
theorem). Write e_ti = -dCE/dz_ti, with CE = sum_t alpha_t CE_t: how document i of task t pulls at
its logits z_ti (n_classes numbers each). Setting the gradient of J to zero gives

    W_s = (1 / lam_shared) sum_t D_t        A_k = (1 / lam) sum_t G[t,k] D_t        D_t = sum_i e_ti x_ti'
    W_t = sum_u (1 / lam_shared + (GG')[t,u] / lam) D_u        the graph is a covariance between tasks

So where documents are fewer than words we look for e, not for W. The logits are z = K e, K being
the kernel

    K[ti, uj] = (1 / lam_shared + (GG')[t,u] / lam) x_ti' x_uj

and the penalties of J become 1/2 <e, z>, so J = CE(z) + 1/2 <e, z>, which is convex. Newton's
method with conjugate gradients needs one product with K a step (see `descent`). With more documents
than words K is singular, and we look for W itself. All lambdas walk side by side.

Reference: Schoelkopf, Herbrich & Smola (2001), A generalized representer theorem.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from ragteach.engine.newton import Documents, Weights, minimise
from ragteach.engine.replicas import Replicas, _grid, gradients, routing, stack
from ragteach.errors import at_least
from ragteach.linear import back_project, gram, project
from ragteach.losses import residual, residual_change, task_alphas
from ragteach.model import task_logits, task_weights
from ragteach.tensors import TaskTensors, as_tensors

BIAS_WORD = 0.5  # how often, so to speak, that word occurs; only the number of steps depends on it
GRAM_DOCS = (
    2048  # up to so many documents in all K is kept as a matrix; for very wide x twice as many,
)
# for sparse x that is not very wide half as many (measured)


@dataclass
class Solution:
    """Where `solve` ended.

    Attributes:
        objective: J at the optimum.
        grad_norm: Euclidean norm of its gradient.
        iterations: steps of the conjugate gradients, over all of Newton's: products with the data.
        converged: whether grad_norm < tol. (With lam = lam_shared = 0 a separable problem has no
            optimum to reach.)
    """

    objective: float
    grad_norm: float
    iterations: int
    converged: bool


@torch.no_grad()
def solve(model, data, lam=0.01, lam_shared=0.01, alpha="equal", tol=1e-6, max_iter=2000):
    """Set ``model`` (in place) to the weights that minimise J.

    Args:
        model: a `RAG` with full-size adapters; frozen and inactive parts stay as they are.
        data: `MultiTaskDataset` or `TaskTensors`; computed in float64, whatever the model's
            precision.
        lam, lam_shared: penalties on the adapters and on W_s.
        alpha: ``"equal"``, ``"size"`` or one weight per task.
        tol: stop when the gradient's norm is below it.
        max_iter: at most so many steps, as `Solution` counts them.

    Returns:
        `Solution`

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=["a", "b"])
        >>> solve(model, data, lam=0.1, lam_shared=0.1).converged
        True
    """
    problem, replicas, iterations = _solve(model, data, lam, lam_shared, alpha, tol, max_iter)
    norm = problem.gradient_norm(replicas).item()
    value = replicas.objective(problem.tensors, problem.alphas).item()
    model.load_state_dict(_rounded(replicas, model).model(0).state_dict())
    return Solution(value, norm, iterations, norm < tol)


@torch.no_grad()
def solve_path(model, data, lam, lam_shared=0.01, alpha="equal", tol=1e-6, max_iter=2000):
    """The optimum for every (lam, lam_shared): `Replicas`, all solved side by side.

    Args:
        lam, lam_shared: number or sequence each; of one length if both are sequences.
    """
    return _rounded(_solve(model, data, lam, lam_shared, alpha, tol, max_iter)[1], model)


def _solve(model, data, lam, lam_shared, alpha, tol, max_iter):
    """(problem, `Replicas` in float64, steps)"""
    at_least("tol", tol), at_least("max_iter", max_iter, 1)
    lam, lam_shared, _ = _grid(lam, lam_shared, None)
    if not isinstance(data, TaskTensors):
        data = data.stacked(dtype=torch.float64)
    exact = copy.deepcopy(model).double()  # data and penalties must not be rounded on their way
    tensors = as_tensors(exact, data)
    start = stack([exact] * len(lam), lam, lam_shared)
    problem = _Problem(start, tensors, task_alphas(alpha, tensors.sizes).double())
    return problem, *problem.solve(tol, max_iter)


def _rounded(replicas, model):
    """`Replicas` of the model, in its precision."""
    for name in ("shared", "adapters", "bias"):
        part = getattr(replicas, name)
        setattr(replicas, name, None if part is None else part.to(model.shared))
    replicas.template = model
    return replicas


def _kernel(same, covariance):
    """XX' times the covariance of the documents' tasks: (1, n, n), or one block a task if they are
    apart.
    """
    n_tasks = len(covariance)
    blocks = same.view(n_tasks, len(same) // n_tasks, n_tasks, -1) * covariance[:, None, :, None]
    if n_tasks > 1 and torch.equal(covariance, covariance.diag().diag()):
        return torch.stack([blocks[t, :, t] for t in range(n_tasks)])
    return blocks.view(1, *same.shape)


class _Problem:
    """J of all replicas: its parts, as functions of the logits, of e (n_tasks, R, n_classes,
    n_docs), of W.

    What is frozen stays as it is, and adds its part to the logits (``fixed``).
    """

    def __init__(self, start, tensors, alphas):
        model = start.template
        self.start, self.tensors, self.alphas = start, tensors, alphas
        self.lam, self.lam_shared = start.lam, start.lam_shared
        self.doc_weight = alphas.unsqueeze(1) * tensors.weight  # (n_tasks, n_docs)
        self.graph = routing(model).to(start.shared)
        moves = [
            model.adapters[n].full.requires_grad for n in model.adapter_names if model.active[n]
        ]
        self.moves = torch.tensor(moves, dtype=torch.float64, device=start.shared.device).view(
            -1, 1, 1, 1
        )
        self.shared_moves = model.shared.requires_grad
        self.bias_moves = model.bias is not None and model.bias.requires_grad
        self.fixed_shared = start.shared[:1] * (not self.shared_moves)
        self.fixed_adapters = start.adapters[:, :1] * (1 - self.moves)
        still = None if self.bias_moves or start.bias is None else start.bias[:, :1]
        fixed = task_weights(self.fixed_shared, self.fixed_adapters, self.graph)
        self.fixed = task_logits(tensors.x, fixed, still)  # (n_tasks, 1, n_classes, n_docs)
        self.n_biases = start.bias.shape[0] * tensors.n_classes if self.bias_moves else 0
        lams = [self.lam_shared] * self.shared_moves + [self.lam] * any(moves)
        smallest = torch.stack(lams).amin(0) if lams else torch.ones_like(self.lam)
        # As if b were the weights of a word in every document.
        self.bias_scale = BIAS_WORD * torch.where(smallest > 0, smallest, 1.0).rsqrt()
        n_words = tensors.x.shape[2] * (self.shared_moves + sum(moves))
        n_docs = int((tensors.weight > 0).sum())
        self.by_documents = bool((smallest > 0).all()) and n_docs <= n_words
        self.gram = None
        n_rows = tensors.y.numel()
        wide, dense = tensors.x.shape[2] > 8 * n_rows, isinstance(tensors.x, torch.Tensor)
        if self.by_documents and n_rows <= GRAM_DOCS * (2 if wide else 1 if dense else 0.5):
            together = torch.ones(len(self.graph), len(self.graph)).to(self.graph)
            used = self.graph * self.moves.flatten()
            same = gram(tensors.x)
            self.gram = (
                _kernel(same, together) if self.shared_moves else None,
                _kernel(same, used @ used.mT) if any(moves) else None,
            )

    def solve(self, tol, max_iter):
        """`Replicas` at the optimum, and how many steps it took."""
        if not self.by_documents:
            space = Weights(self)
            v, _, iterations = minimise(space, tol, max_iter)
            return self.replicas(space, v), iterations
        space = Documents(self)
        v, norms, iterations = minimise(space, tol, max_iter)
        replicas, missed = self.replicas(space, v), (norms >= tol).nonzero().flatten()
        if (
            len(missed) and iterations < max_iter
        ):  # K is singular all the same: a document stands there twice
            space = Weights(self.select(missed))
            v, _, more = minimise(space, tol, max_iter - iterations)
            again, iterations = space.problem.replicas(space, v), iterations + more
            replicas.shared[missed], replicas.adapters[:, missed] = again.shared, again.adapters
            if self.bias_moves:
                replicas.bias[:, missed] = again.bias
        return replicas, iterations

    def select(self, rows):
        """The same problem for some of the replicas."""
        part = copy.copy(self)
        for name in ("lam", "lam_shared", "bias_scale"):
            setattr(part, name, getattr(self, name)[rows])
        return part

    def weights(self, e):
        """W_s (R, n_classes, n_features) and A (n_adapters, R, n_classes, n_features) made of
        documents.
        """
        by_task = back_project(e, self.tensors.x)  # D_t  (n_tasks, R, n_classes, n_features)
        shared = (
            by_task.sum(0) / self.lam_shared.view(-1, 1, 1)
            if self.shared_moves
            else torch.zeros_like(by_task[0])
        )
        adapters = torch.tensordot(self.graph.mT, by_task, dims=1) * self.moves
        return shared, adapters / self.lam.view(-1, 1, 1) if len(adapters) else adapters

    def kernel(self, e, norm=True):
        """z = K e, the logits of those weights; and |lam_shared W_s|^2 + |lam A|^2 (R,), if asked
        for.

        If e is a gradient, that is its squared norm in the weights. With few documents K is kept as
        a matrix, in its two parts.
        """
        squared = torch.zeros_like(self.lam) if norm else None
        if self.gram is None:
            shared, adapters = self.weights(e)
            if norm:
                squared = (self.lam_shared.view(-1, 1, 1) * shared).square().sum((1, 2))
                squared = squared + (self.lam.view(-1, 1, 1) * adapters).square().sum((0, 2, 3))
            return project(task_weights(shared, adapters, self.graph), self.tensors.x), squared
        n_tasks, n_replicas, n_classes, n_docs = e.shape
        rows = e.permute(1, 2, 0, 3).reshape(n_replicas, n_classes, n_tasks * n_docs)
        z = torch.zeros_like(rows)
        for k, lam in zip(self.gram, (self.lam_shared, self.lam), strict=True):
            if k is not None:  # all tasks together, or each apart
                apart = rows.view(n_replicas * n_classes, len(k), -1).transpose(0, 1)
                part = (apart @ k).transpose(0, 1).reshape(rows.shape)
                if norm:
                    squared = squared + torch.linalg.vecdot(rows.flatten(1), part.flatten(1))
                z.addcdiv_(part, lam.view(-1, 1, 1))
        return z.view(n_replicas, n_classes, n_tasks, n_docs).permute(2, 0, 1, 3), squared

    def slope(self, logits):
        """dCE/dlogits, where the parts that move make ``logits`` and the frozen ones add theirs."""
        return residual(self.fixed + logits, self.tensors.onehot, self.doc_weight)

    def probabilities(self, logits):
        """softmax, as in `slope`."""
        return (self.fixed + logits).softmax(-2)

    def curvature(self, p, dlogits):
        """How `slope` changes if the logits change by ``dlogits``, p being the probabilities
        there.
        """
        return residual_change(p, dlogits, self.doc_weight)

    def bias_gradient(self, error, norm=True):
        """dCE/db from dCE/dlogits, scaled (R, n_biases); if asked for, its squared norm, not scaled
        (R,).
        """
        if not self.n_biases:
            return error.new_zeros(error.shape[1], 0), 0.0
        d_bias = error.sum(-1)  # (n_tasks, R, n_classes)
        d_bias = d_bias if len(self.start.bias) == len(d_bias) else d_bias.sum(0, keepdim=True)
        scaled = d_bias * self.bias_scale.unsqueeze(1)
        return scaled.transpose(0, 1).flatten(1), d_bias.square().sum((0, 2)) if norm else None

    def unscaled(self, bias):
        """Biases (n_tasks or 1, R, n_classes) from a vector's (R, n_biases); None if they stand
        still.
        """
        if not self.n_biases:
            return None
        bias = bias.view(len(bias), len(self.start.bias), -1).transpose(0, 1)
        return bias * self.bias_scale.unsqueeze(1)

    def replicas(self, space, v):
        """`Replicas` from the vectors of a space."""
        (shared, adapters), bias = space.weights(v), space.bias(v)
        bias = (
            self.start.bias[:, : len(v)] if bias is None and self.start.bias is not None else bias
        )
        shared, adapters = shared + self.fixed_shared, adapters + self.fixed_adapters
        return Replicas(shared, adapters, bias, self.lam, self.lam_shared, self.start.template)

    def masked_gradients(self, replicas):
        """dJ/d(W_s, A, b), zero where frozen."""
        d_shared, d_adapters, d_bias = gradients(replicas, self.tensors, self.alphas, self.graph)
        d_bias = (
            d_bias * self.bias_moves
            if d_bias is not None
            else d_shared.new_zeros(0, len(replicas), 1)
        )
        return d_shared * self.shared_moves, d_adapters * self.moves, d_bias

    def gradient_norm(self, replicas):
        """Norm of dJ/d(everything that moves), (R,)."""
        d_shared, *others = self.masked_gradients(replicas)
        return (
            d_shared.square().sum((1, 2))
            + sum(d.square().sum((0, *range(2, d.ndim))) for d in others)
        ).sqrt()
