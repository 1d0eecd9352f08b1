"""Newton's method for many problems side by side: the engine room of `solve`.

Enters: a problem (`solver._Problem`).  Leaves: the weights and biases at the optimum of every
    replica.

    J = CE(z) + 1/2 |v|^2          z: the logits, linear in v

v are either documents or weights (`Documents`, `Weights`); lengths are measured so that the
penalties of J are 1/2 |v|^2. Near v, J is a parabola with the Hessian H, and its lowest point is at
v + d:

    H d = -grad     solved by conjugate gradients, at first roughly, which need products H u only
    H u             the gradient's formula, with the change of dCE/dlogits along u: one matrix product
    v + a d         a = 1, unless J bends on the way; trying another a costs a softmax, no product

since a vector carries its logits along, (v, biases | z), and a sum of such vectors is one again.
The biases come along as the weights of one more word, which stands in every document.

Source: Dembo, Eisenstat & Steihaug (1982), Inexact Newton methods.
"""

from __future__ import annotations

import torch

from ragteach.linear import back_project, project
from ragteach.model import task_weights


class Documents:
    """v = e, one number per document and class. With z = K e the penalties are 1/2 <e, z>, <a, b> =
    a_e b_z.

    In that metric the gradient of J is dCE/dz + e: zero where e = -dCE/dz. No K in it. A vector is
    (e, biases | z, biases), one row per replica. K must not be singular: what it cannot see grows
    unseen in e.
    """

    def __init__(self, problem):
        self.problem = problem
        n_tasks, n_docs = problem.tensors.y.shape
        self.shape = (problem.tensors.n_classes, n_tasks, n_docs)  # of e, and of z, in a vector
        self.size = n_tasks * problem.tensors.n_classes * n_docs
        self.half = self.size + problem.n_biases
        self.width = 2 * self.half

    def select(self, rows):
        """The same for some of the replicas."""
        return Documents(self.problem.select(rows))

    def logits(self, v):
        """z, plus biases: (n_tasks, R, n_classes, n_docs)."""
        z, bias = self._by_task(v[:, self.half : self.half + self.size]), self.bias(v)
        return z if bias is None else z + bias.unsqueeze(-1)

    def bias(self, v):
        """Biases (n_tasks or 1, R, n_classes), or None."""
        return self.problem.unscaled(v[:, self.size : self.half])

    def weights(self, v):
        """W_s (R, n_classes, n_features), A (n_adapters, R, n_classes, n_features); 0 where
        frozen.
        """
        return self.problem.weights(self._by_task(v[:, : self.size]))

    def dot(self, a, b):
        """<a, b>: (R, 1)."""
        return torch.linalg.vecdot(a[:, : self.half], b[:, self.half :]).unsqueeze(1)

    def penalty_dot(self, a, b):
        """<a, b> in the penalties of J, which leave the biases out: (R, 1)."""
        z = slice(self.half, self.half + self.size)
        return torch.linalg.vecdot(a[:, : self.size], b[:, z]).unsqueeze(1)

    def gradient(self, v, error, norm=True):
        """Gradient of J at v, given dCE/dlogits there; and its norm in the weights (R,), if asked
        for.
        """
        problem = self.problem
        grad = self._by_task(v[:, : self.size]) + error
        image, squared = problem.kernel(grad, norm)
        bias, bias_squared = problem.bias_gradient(error, norm)
        grad, image = (
            t.permute(1, 2, 0, 3).flatten(1) for t in (grad, image)
        )  # no copy: it lies so
        length = (squared.clamp(min=0) + bias_squared).sqrt() if norm else None
        return torch.cat([grad, bias, image, bias], 1), length

    def _by_task(self, part):
        """(n_tasks, R, n_classes, n_docs): a view. In memory the documents of all tasks lie side by
        side.
        """
        return part.view(len(part), *self.shape).permute(2, 0, 1, 3)


class Weights:
    """v = W_s and A, in units in which the penalties are 1/2 |v|^2.

    A part that costs nothing takes the other's unit. A vector is (W_s, A, biases | z), one row per
    replica.
    """

    def __init__(self, problem):
        self.problem = problem
        n_classes, n_features = problem.start.shared.shape[1:]
        n_tasks, n_docs = problem.tensors.y.shape
        self.shape = (-1, n_classes, n_features)
        self.n_shared = n_classes * n_features
        self.size = self.n_shared * (1 + len(problem.start.adapters))
        self.half = self.size + problem.n_biases
        self.z_shape = (n_tasks, n_classes, n_docs)
        self.width = self.half + n_tasks * n_classes * n_docs
        lams = torch.stack([problem.lam_shared, problem.lam], 1)  # (R, 2)
        other = torch.where(lams > 0, lams, lams.flip(1))
        self.units = torch.where(other > 0, other, 1).rsqrt()
        self.costs = (lams > 0).to(lams)

    bias = Documents.bias

    def select(self, rows):
        """The same for some of the replicas."""
        return Weights(self.problem.select(rows))

    def logits(self, v):
        """z, plus biases: (n_tasks, R, n_classes, n_docs)."""
        z = v[:, self.half :].view(len(v), *self.z_shape).transpose(0, 1)
        bias = self.bias(v)
        return z if bias is None else z + bias.unsqueeze(-1)

    def weights(self, v):
        """W_s (R, n_classes, n_features), A (n_adapters, R, n_classes, n_features); 0 where
        frozen.
        """
        parts = self._each(v[:, : self.size], self.units).view(len(v), *self.shape).transpose(0, 1)
        return parts[0], parts[1:]

    def dot(self, a, b):
        """<a, b>: (R, 1)."""
        return torch.linalg.vecdot(a[:, : self.half], b[:, : self.half]).unsqueeze(1)

    def penalty_dot(self, a, b):
        """<a, b> in the penalties of J: the parts that cost something. (R, 1)"""
        costly = self._each(a[:, : self.size], self.costs)
        return torch.linalg.vecdot(costly, b[:, : self.size]).unsqueeze(1)

    def gradient(self, v, error, norm=True):
        """Gradient of J at v, given dCE/dlogits there; and its norm in the weights (R,), if asked
        for.
        """
        problem = self.problem
        by_task = back_project(
            error, problem.tensors.x
        )  # dCE/dW_t  (n_tasks, R, n_classes, n_features)
        shared = by_task.sum(0) * problem.shared_moves
        adapters = torch.tensordot(problem.graph.mT, by_task, dims=1) * problem.moves
        grad = torch.cat([shared.flatten(1), adapters.transpose(0, 1).flatten(1)], 1)
        grad = self._each(grad, self.units) + self._each(v[:, : self.size], self.costs)
        bias, bias_squared = problem.bias_gradient(error, norm)
        image = project(task_weights(*self.weights(grad), problem.graph), problem.tensors.x)
        length = (
            (self._each(grad, 1 / self.units).square().sum(1) + bias_squared).sqrt()
            if norm
            else None
        )
        return torch.cat([grad, bias, image.transpose(0, 1).flatten(1)], 1), length

    def _each(self, v, factors):
        """The entries of W_s times the first factor, those of A times the second."""
        shared, adapters = v[:, : self.n_shared], v[:, self.n_shared :]
        return torch.cat([shared * factors[:, :1], adapters * factors[:, 1:]], 1)


def minimise(space, tol, max_iter):
    """Newton's method on all replicas at once; those that have converged leave.

    Returns (vectors, norms of the gradient, steps). A step is one of the conjugate gradients, for
    all
    replicas: one product with the data.

    Args:
        space: `Documents` or `Weights` of a problem.
    """
    v = space.problem.fixed.new_zeros(len(space.problem.lam), space.width)
    out, norms, rows, steps = v.clone(), v[:, 0].clone(), torch.arange(len(v), device=v.device), 0
    grad, norm = space.gradient(v, space.problem.slope(space.logits(v)))
    first, moved = (
        norm,
        torch.ones_like(norm, dtype=torch.bool),
    )  # False: the step was lost in rounding
    while True:
        busy = moved & (norm >= tol)
        n_busy = int(busy.sum())
        if n_busy == 0 or steps >= max_iter:
            out[rows], norms[rows] = v, norm
            return out, norms, steps
        if n_busy <= 0.8 * len(busy):
            out[rows], norms[rows] = v, norm
            space = space.select(busy)
            rows, v, grad, norm, first = rows[busy], v[busy], grad[busy], norm[busy], first[busy]
            busy = busy[busy]
        # Far from the optimum a rough direction will do, close to it a better one pays; tol needs
        # no more.
        accuracy = torch.maximum((norm / first).sqrt().clamp(max=0.25), 0.5 * tol / norm)
        accuracy = torch.where(busy, accuracy, torch.inf).unsqueeze(
            1
        )  # whoever is there stays there
        direction, used = newton_direction(space, v, grad, accuracy, max_iter - steps)
        step, error = line_search(space, v, grad, direction)
        s = step * direction
        v, steps = v + s, steps + used
        grad, norm = space.gradient(v, error)
        moved = (space.dot(s, s) > 1e-28 * (1 + space.dot(v, v)))[:, 0]


def newton_direction(space, v, grad, accuracy, max_steps):
    """The direction d with H d = -grad, H being the Hessian of J at v; and how many steps that
    took.

    Conjugate gradients, until what is left of the gradient is ``accuracy`` (R, 1) of it.
    """
    p = space.problem.probabilities(space.logits(v))
    out, rows = torch.zeros_like(v), torch.arange(len(v), device=v.device)
    d, r = torch.zeros_like(v), -grad
    way, left = r, space.dot(r, r)
    goal = accuracy.square() * left
    for k in range(1, max_steps + 1):
        h_way, _ = space.gradient(
            way, space.problem.curvature(p, space.logits(way)), norm=False
        )  # H way
        bend = space.dot(way, h_way)
        busy = (left > goal) & (bend > 0)
        a = torch.where(busy, left / bend, 0.0)
        d = d.addcmul_(a, way)
        r = torch.addcmul(r, a, h_way, value=-1)
        before, left = left, space.dot(r, r)
        busy = (busy & (left > goal))[:, 0]
        n_busy = int(busy.sum())
        if n_busy == 0 or k == max_steps:
            out[rows] = d
            return out, k
        if n_busy <= 0.8 * len(busy):
            out[rows] = d
            space, p, rows = space.select(busy), p[:, busy], rows[busy]
            d, r, way, before, left, goal = (t[busy] for t in (d, r, way, before, left, goal))
        way = torch.addcmul(
            r, way, torch.where(before > 0, left / before, 0.0)
        )  # 0: nothing is left


def line_search(space, v, grad, direction, tol=0.1, tries=40):
    """Step sizes (R, 1) at which J is nearly least along the direction, and dCE/dlogits there.

    Secants on the slope, kept inside a bracket.
    """
    z, dz, slope_of = space.logits(v), space.logits(direction), space.problem.slope
    linear, square, slope0 = (
        space.penalty_dot(v, direction)[:, 0],
        space.penalty_dot(direction, direction)[:, 0],
        space.dot(grad, direction)[:, 0],
    )
    low, high = (
        torch.zeros_like(slope0),
        torch.full_like(slope0, torch.inf),
    )  # J falls at low, rises at high
    before, slope_before, a = low, slope0, torch.ones_like(slope0)
    for _ in range(tries):
        error = slope_of(z + a.view(-1, 1, 1) * dz)
        slope = (error * dz).sum((0, 2, 3)) + linear + a * square
        good = slope.abs() <= tol * slope0.abs()
        if bool(good.all()):
            break
        low, high = torch.where(slope < 0, a, low), torch.where(slope < 0, high, a)
        secant = a - slope * (a - before) / (slope - slope_before)
        middle = torch.where(low > 0, (low + high) / 2, high / 10)
        middle = torch.where(high.isfinite(), middle, 4 * low)
        inside = (secant > low) & (secant < torch.where(high.isfinite(), 0.9 * high, 4 * low))
        before, slope_before = a, slope
        a = torch.where(good, a, torch.where(inside, secant, middle))
    else:  # lost in rounding: no step
        a = torch.where(good, a, 0.0)
        error = slope_of(z + a.view(-1, 1, 1) * dz)
    return a.unsqueeze(1), error
