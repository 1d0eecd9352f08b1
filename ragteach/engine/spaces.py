"""Two spaces in which to look for the optimum: weights (primal), or documents (dual).

Enters: a `Problem`.  Leaves: a `Space`, all that Newton's method needs to know of it.

    J(v) = CE(z) + 1/2 <v, v>_penalty          z: the logits, linear in v

A vector v of a space holds one replica a row. It carries its logits z along, and a sum of vectors
is one again, logits and all. So the gradient of J, a vector too, is all the work there is: its
logits are a product with the data.

    Weights      v = (W_s, A), each times sqrt(lam): then the penalties are 1/2 |v|^2.
                 gradient    dCE/dv + v

    Documents    v = e, a number per document and class, W_s = 1/lam_s sum_ti e_ti x_ti' and so on
                 (the representer theorem). z = K e, and the penalties are 1/2 <e, z>.
                 gradient    dCE/dz + e, in the metric <a, b> = a_e' K b_e = a_e' b_z: no K in it

Documents are fewer than words, as a rule; then `Documents` is the smaller space. It needs penalties
on all that moves, and a K that is not singular: what K cannot see grows unseen in e.

Source: Schoelkopf, Herbrich & Smola (2001), A generalized representer theorem.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ragteach.engine import words
from ragteach.engine.gram import Gram, pays, product_across
from ragteach.engine.objective import Problem
from ragteach.tensors import TaskTensors


class Space(Protocol):
    """What Newton's method asks of a space. Vectors are (R, width)."""

    problem: Problem
    width: int

    def select(self, rows: Tensor) -> Space:
        """The same for some of the replicas."""

    def logits(self, v: Tensor) -> Tensor:
        """z plus biases: (n_tasks, R, n_classes, n_docs)."""

    def weights(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """W_s (R, n_classes, n_features) and A (n_adapters, R, n_classes, n_features); 0 where
        frozen.
        """

    def bias(self, v: Tensor) -> Tensor | None:
        """Biases (n_tasks or 1, R, n_classes); None if they stand still."""

    def dot(self, a: Tensor, b: Tensor) -> Tensor:
        """<a, b>: (R, 1)."""

    def penalty_dot(self, a: Tensor, b: Tensor) -> Tensor:
        """<a, b> in the penalties of J, which leave the biases out: (R, 1)."""

    def gradient(self, v: Tensor, residual: Tensor) -> Tensor:
        """Gradient of J at v, given dCE/dlogits there. For a direction v and the change of
        dCE/dlogits along it, that is the Hessian of J times v.
        """

    def norm(self, gradient: Tensor) -> Tensor:
        """Length of a gradient as the learner measures it, in W_s, A and b: (R,)."""


class Documents:
    """The dual space. A vector is (e, biases | z, biases)."""

    def __init__(self, problem: Problem, kernel: Gram | words.Words | None = None) -> None:
        n_tasks, n_docs = problem.tensors.y.shape
        self.problem, self.kernel = problem, kernel
        self.shape = (problem.tensors.n_classes, n_tasks, n_docs)  # of e, and of z, in a vector
        self.size = n_tasks * problem.tensors.n_classes * n_docs
        self.half = self.size + problem.n_biases
        self.width = 2 * self.half
        self.variance_shared = _variance(problem.lam_shared)
        self.variance = _variance(problem.lam)

    def select(self, rows: Tensor) -> Documents:
        return Documents(self.problem.select(rows), self.kernel)

    def logits(self, v: Tensor) -> Tensor:
        z = self._by_task(v[:, self.half : self.half + self.size])
        return self.problem.with_bias(z, self.bias(v))

    def weights(self, v: Tensor) -> tuple[Tensor, Tensor]:
        return self._weights(self._by_task(v[:, : self.size]))

    def bias(self, v: Tensor) -> Tensor | None:
        return self.problem.bias_of(v[:, self.size : self.half])

    def logits_of_others(self, v: Tensor, others: TaskTensors) -> Tensor:
        """Logits of documents that are none of the problem's, (n_blocks, R, n_classes, n_docs),
        without the weights: K between the two times e.
        """
        e = self._by_task(v[:, : self.size])
        z = product_across(self.problem, others, e, self.variance_shared, self.variance)
        bias = self.bias(v)
        return z if bias is None else z + others.of_task(bias).unsqueeze(-1)

    def dot(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.linalg.vecdot(a[:, : self.half], b[:, self.half :]).unsqueeze(1)

    def penalty_dot(self, a: Tensor, b: Tensor) -> Tensor:
        z = b[:, self.half : self.half + self.size]
        return torch.linalg.vecdot(a[:, : self.size], z).unsqueeze(1)

    def gradient(self, v: Tensor, residual: Tensor) -> Tensor:
        e = self._by_task(v[:, : self.size]) + residual
        bias = self.problem.bias_part(residual)
        return torch.cat([_flat(e), bias, _flat(self._logits(e)), bias], 1)

    def norm(self, gradient: Tensor) -> Tensor:
        e = self._by_task(gradient[:, : self.size])
        if self.kernel is not None:  # |X'e|^2 = e'XX'e
            one = torch.ones_like(self.variance)
            z = _flat(self.kernel.product(e, one, one))
            weights2 = torch.linalg.vecdot(gradient[:, : self.size], z).clamp(min=0)
        else:  # dCE/dW + lam W: lam W = weights_of(e of W)
            shared, adapters = self.problem.weights_of(e)
            weights2 = shared.square().sum((1, 2)) + adapters.square().sum((0, 2, 3))
        return (weights2 + self.problem.bias_norm2(gradient[:, self.size : self.half])).sqrt()

    def _weights(self, e: Tensor) -> tuple[Tensor, Tensor]:
        """W_s = 1/lam_s sum_t D_t, A_k = 1/lam sum_t G[t,k] D_t, with D_t = sum_i e_ti x_ti'."""
        shared, adapters = self.problem.weights_of(e)
        return self.variance_shared[:, None, None] * shared, self.variance[:, None, None] * adapters

    def _logits(self, e: Tensor) -> Tensor:
        """z = K e."""
        if self.kernel is not None:
            return self.kernel.product(e, self.variance_shared, self.variance)
        return self.problem.logits_of(*self._weights(e))

    def _by_task(self, part: Tensor) -> Tensor:
        """(n_tasks, R, n_classes, n_docs): a view. In memory the documents of all tasks lie side by
        side.
        """
        return part.view(len(part), *self.shape).permute(2, 0, 1, 3)


class Weights:
    """The primal space. A vector is (W_s, A, biases | z).

    A part that costs nothing is measured in the unit of the other.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        n_classes, n_features = problem.start.shared.shape[1:]
        n_tasks, n_docs = problem.tensors.y.shape
        self.shape = (-1, n_classes, n_features)
        self.n_shared = n_classes * n_features
        self.size = self.n_shared * (1 + len(problem.adapters_move))
        self.half = self.size + problem.n_biases
        self.z_shape = (n_tasks, n_classes, n_docs)
        self.width = self.half + n_tasks * n_classes * n_docs
        lams = torch.stack([problem.lam_shared, problem.lam], 1)  # (R, 2)
        measure = torch.where(lams > 0, lams, lams.flip(1))
        self.units = torch.where(measure > 0, measure, 1.0).rsqrt()  # W = unit v
        self.costs = (lams > 0).to(lams)  # 1: the part is in the penalties, which are 1/2 |v|^2

    def select(self, rows: Tensor) -> Weights:
        return Weights(self.problem.select(rows))

    def logits(self, v: Tensor) -> Tensor:
        z = v[:, self.half :].view(len(v), *self.z_shape).transpose(0, 1)
        return self.problem.with_bias(z, self.bias(v))

    def weights(self, v: Tensor) -> tuple[Tensor, Tensor]:
        parts = self._scaled(v[:, : self.size], self.units)
        parts = parts.view(len(v), *self.shape).transpose(0, 1)
        return parts[0], parts[1:]

    def bias(self, v: Tensor) -> Tensor | None:
        return self.problem.bias_of(v[:, self.size : self.half])

    def dot(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.linalg.vecdot(a[:, : self.half], b[:, : self.half]).unsqueeze(1)

    def penalty_dot(self, a: Tensor, b: Tensor) -> Tensor:
        costly = self._scaled(a[:, : self.size], self.costs)
        return torch.linalg.vecdot(costly, b[:, : self.size]).unsqueeze(1)

    def gradient(self, v: Tensor, residual: Tensor) -> Tensor:
        shared, adapters = self.problem.weights_of(residual)  # dCE/dW_s, dCE/dA
        d_ce = torch.cat([shared.flatten(1), adapters.transpose(0, 1).flatten(1)], 1)
        weights = self._scaled(d_ce, self.units) + self._scaled(v[:, : self.size], self.costs)
        z = self.problem.logits_of(*self.weights(weights))
        return torch.cat(
            [weights, self.problem.bias_part(residual), z.transpose(0, 1).flatten(1)], 1
        )

    def norm(self, gradient: Tensor) -> Tensor:
        weights = self._scaled(gradient[:, : self.size], 1 / self.units)
        biases2 = self.problem.bias_norm2(gradient[:, self.size : self.half])
        return (weights.square().sum(1) + biases2).sqrt()

    def _scaled(self, v: Tensor, factors: Tensor) -> Tensor:
        """The entries of W_s times the first factor (R, 2), those of A times the second."""
        shared = v[:, : self.n_shared] * factors[:, :1]
        adapters = v[:, self.n_shared :] * factors[:, 1:]
        return torch.cat([shared, adapters], 1)


def best_space(problem: Problem) -> Documents | Weights:
    """`Documents` where they are no more than the words and everything that moves has a price."""
    n_words = problem.tensors.n_features * (problem.shared_moves + int(problem.adapters_move.sum()))
    n_docs = int((problem.tensors.weight > 0).sum())
    if n_docs > n_words or not bool((problem.least_penalty() > 0).all()):
        return Weights(problem)
    if pays(problem):
        return Documents(problem, Gram(problem))
    return Documents(problem, words.Words(problem) if words.pays(problem) else None)


def _variance(lam: Tensor) -> Tensor:
    """The prior variance of weights with this penalty, 1 / lam; 0 for frozen ones without."""
    return torch.where(lam > 0, 1 / lam, 0.0)


def _flat(by_task: Tensor) -> Tensor:
    """(n_tasks, R, n_classes, n_docs) as parts of vectors, (R, ...): no copy, it lies so."""
    return by_task.permute(1, 2, 0, 3).flatten(1)
