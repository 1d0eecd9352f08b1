"""L-BFGS over documents, for many problems side by side: the engine room of `solver`.

Enters: a problem with ``slope`` (dCE/dz), ``kernel`` (z = K e) and penalties.
Leaves: e and the biases at the optimum.

We minimise J = CE(z) + 1/2 <e, z> with z = K e. Three facts make this quick:

    metric    lengths are measured by K, <a, b>_K = sum a_e b_z, as the penalties of J do. In that metric the
              gradient of J is dCE/dz + e: zero where e = -dCE/dz. No K in it.
    logits    a vector is (e, z = K e, biases). A sum of such vectors is one again, so only the gradient, once
              a step, needs a product with K.
    line      along e + a de the logits are z + a dz. Trying a step size costs a softmax, no product.

The biases come along as the weights of one more word, which stands in every document.

Source: Liu & Nocedal (1989), on the limited memory BFGS method for large scale optimization.
"""

from __future__ import annotations

import torch

MEMORY = 6  # (s, y) pairs that L-BFGS remembers


class Flat:
    """Vectors of L-BFGS, one row per replica: (e, biases, z = K e, biases), the biases scaled.

    The first half of a and the second half of b multiply to <a, b>.
    """

    def __init__(self, problem):
        n_tasks, n_docs = problem.tensors.y.shape
        self.logits = (n_tasks, problem.tensors.num_classes, n_docs)
        self.size = n_tasks * problem.tensors.num_classes * n_docs  # of e, and of z
        self.biases = problem.start.bias.shape[0] if problem.bias_moves else 0
        self.half = self.size + self.biases * problem.tensors.num_classes

    def pack(self, e, z, bias):
        parts = (e, z) if bias is None else (e, bias, z, bias)
        return torch.cat([a.transpose(0, 1).flatten(1) for a in parts], 1)

    def split(self, v, bias_scale):
        """e and z (n_tasks, R, n_classes, n_docs), and the biases (n_tasks or 1, R, n_classes)."""
        first, second = v.split(self.half, 1)
        e, z = (h[:, : self.size].view(len(v), *self.logits).transpose(0, 1) for h in (first, second))
        if not self.biases:
            return e, z, None
        bias = first[:, self.size :].view(len(v), self.biases, -1).transpose(0, 1)
        return e, z, bias * bias_scale.unsqueeze(1)

    def dot(self, a, b):
        """<a, b> in the metric of K: sum of e z over documents, plus the biases. (R, 1)"""
        return torch.linalg.vecdot(a[:, : self.half], b[:, self.half :]).unsqueeze(1)

    def penalty_dot(self, a, b):
        """<a, b> without the biases, which are not penalised. (R, 1)"""
        z = slice(self.half, self.half + self.size)
        return torch.linalg.vecdot(a[:, : self.size], b[:, z]).unsqueeze(1)


def gradient(problem, flat, v, error=None):
    """Gradient of J at v in the metric of K, (dCE/dz + e, dJ/db); and its norm in the weights (R,)."""
    e, z, bias = flat.split(v, problem.bias_scale)
    error = problem.slope(problem.full(z, bias)) if error is None else error
    d_bias = None if bias is None else problem.bias_slope(error)
    grad = error + e
    image, squared = problem.kernel(grad)
    if bias is None:
        return flat.pack(grad, image, None), squared.clamp(min=0).sqrt()
    norm = (squared.clamp(min=0) + d_bias.square().sum((0, 2))).sqrt()
    return flat.pack(grad, image, d_bias * problem.bias_scale.unsqueeze(1)), norm


def minimise(problem, tol, max_iter):
    """L-BFGS on all replicas at once; those that have converged leave. Returns (e, biases, iterations)."""
    flat, bias_scale = Flat(problem), problem.bias_scale
    n_replicas = len(problem.lam)
    v = problem.fixed.new_zeros(n_replicas, 2 * flat.half)
    out, rows, pairs = v.clone(), torch.arange(n_replicas), []
    grad, norm = gradient(problem, flat, v)
    moved = torch.ones(n_replicas, dtype=torch.bool, device=v.device)  # False: the step was lost in rounding
    for iteration in range(max_iter + 1):
        busy = moved & (norm >= tol)
        n_busy = int(busy.sum())
        if n_busy == 0 or iteration == max_iter:
            out[rows] = v
            e, _, bias = flat.split(out, bias_scale)
            return e, bias, iteration
        if n_busy <= 0.8 * len(busy):
            out[rows] = v
            problem = problem.select(busy)
            rows, v, grad, moved = rows[busy], v[busy], grad[busy], moved[busy]
            pairs = [tuple(p[busy] for p in pair) for pair in pairs]
            busy = busy[busy]
        direction = two_loop(grad, pairs, flat.dot)
        step, error = line_search(problem, flat, v, grad, direction)
        s = step * direction
        v = v + s
        before = grad
        grad, norm = gradient(problem, flat, v, error)
        y = grad - before
        sy = flat.dot(s, y)
        kept = sy[:, 0] > 1e-28 * (1 + flat.dot(v, v)[:, 0])
        if bool((kept | ~busy).all()):
            pairs = [*pairs[1 - MEMORY :], (s, y, torch.where(kept[:, None], 1 / sy, 0.0))]
        else:  # a step was lost in rounding: forget, and go on straight downhill; if that was downhill, stop
            moved = kept | bool(pairs)
            pairs = []


def two_loop(grad, pairs, dot):
    """-H grad, H being the inverse Hessian that the last few (s, y) pairs suggest."""
    q, alphas = grad.clone(), []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * dot(s, q))
        q.addcmul_(alphas[-1], y, value=-1)
    if pairs:
        _, y, rho = pairs[-1]
        q /= rho * dot(y, y)
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        q.addcmul_(alpha - rho * dot(y, q), s)
    return q.neg_()


def line_search(problem, flat, v, grad, direction, tol=0.1, tries=40):
    """Step sizes (R, 1) at which J is nearly least along the direction, and dCE/dz there.

    Secants on the slope, kept inside a bracket.
    """
    _, z, bias = flat.split(v, problem.bias_scale)
    _, dz, d_bias = flat.split(direction, problem.bias_scale)
    dz = dz if bias is None else dz + d_bias.unsqueeze(-1)
    z = problem.full(z, bias)
    linear, square, slope0 = (
        flat.penalty_dot(v, direction)[:, 0],
        flat.penalty_dot(direction, direction)[:, 0],
        flat.dot(grad, direction)[:, 0],
    )
    low, high = torch.zeros_like(slope0), torch.full_like(slope0, torch.inf)  # J falls at low, rises at high
    before, slope_before, a = low, slope0, torch.ones_like(slope0)
    for _ in range(tries):
        error = problem.slope(z + a.view(-1, 1, 1) * dz)
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
        error = problem.slope(z + a.view(-1, 1, 1) * dz)
    return a.unsqueeze(1), error
