"""L-BFGS over documents, for many problems side by side: the engine room of `solver`.

Enters: a problem with ``slope`` (dCE/dz), ``kernel`` (z = K e) and penalties.
Leaves: e and the biases at the optimum.

We minimise J = CE(z) + 1/2 <e, z> with z = K e. Three facts make this quick:

    metric    lengths are measured by K, <a, b>_K = sum a_e b_z, as the penalties of J do. In that metric the
              gradient of J is dCE/dz + e: zero where e = -dCE/dz. No K in it.
    logits    a vector is (e, z = K e, biases). A sum of such vectors is one again, so only the gradient, once
              a step, needs a product with K.
    line      along e + a de the logits are z + a dz. Trying a step size costs a softmax, no product.

Source: Liu & Nocedal (1989), on the limited memory BFGS method for large scale optimization.
"""

from __future__ import annotations

import torch

MEMORY = 6  # (s, y) pairs that L-BFGS remembers


class Flat:
    """Vectors of L-BFGS, one row per replica: e, its logits z = K e, and the biases (scaled)."""

    def __init__(self, problem):
        n_tasks, n_docs = problem.tensors.y.shape
        self.logits = (n_tasks, problem.tensors.num_classes, n_docs)
        self.size = n_tasks * problem.tensors.num_classes * n_docs
        self.biases = problem.start.bias.shape[0] if problem.bias_moves else 0

    def pack(self, e, z, bias):
        return torch.cat([a.transpose(0, 1).flatten(1) for a in (e, z, bias) if a is not None], 1)

    def split(self, v, bias_scale):
        e, z = (
            part.view(len(v), *self.logits).transpose(0, 1)
            for part in v[:, : 2 * self.size].split(self.size, 1)
        )
        if not self.biases:
            return e, z, None
        bias = v[:, 2 * self.size :].view(len(v), self.biases, -1).transpose(0, 1)
        return e, z, bias * bias_scale.unsqueeze(1)

    def dot(self, a, b):
        """<a, b> in the metric of K: sum of e z over documents, plus the biases. (R, 1)"""
        of_bias = (a[:, 2 * self.size :] * b[:, 2 * self.size :]).sum(1, keepdim=True)
        return self.penalty_dot(a, b) + of_bias

    def penalty_dot(self, a, b):
        """<a, b> without the biases, which are not penalised. (R, 1)"""
        return (a[:, : self.size] * b[:, self.size : 2 * self.size]).sum(1, keepdim=True)


def gradient(problem, flat, v):
    """Gradient of J at v, in the metric of K: dCE/dz + e; its own logits come along."""
    e, z, bias = flat.split(v, problem.bias_scale)
    error, d_bias = problem.slope(z, bias)
    d_bias = None if d_bias is None else d_bias * problem.bias_scale.unsqueeze(1)
    return flat.pack(error + e, problem.kernel(error) + z, d_bias)


def minimise(problem, tol, max_iter):
    """L-BFGS on all replicas at once; those that have converged leave. Returns (e, biases, iterations)."""
    flat, bias_scale = Flat(problem), problem.bias_scale
    n_replicas = len(problem.lam)
    n_numbers = 2 * flat.size + flat.biases * flat.logits[1]
    v = problem.fixed.new_zeros(n_replicas, n_numbers)
    out, rows, pairs = v.clone(), torch.arange(n_replicas), []
    grad = gradient(problem, flat, v)
    moved = torch.ones(n_replicas, dtype=torch.bool, device=v.device)  # False: the step was lost in rounding
    for iteration in range(max_iter + 1):
        own = flat.penalty_dot(grad, grad)[:, 0]
        biases = grad[:, 2 * flat.size :].square().sum(1) / problem.bias_scale.square()
        busy = moved & (problem.largest * own.clamp(min=0) + biases >= tol**2)  # at least |dJ/dW|^2
        if not bool(busy.any()) or iteration == max_iter:
            out[rows] = v
            e, _, bias = flat.split(out, bias_scale)
            return e, bias, iteration
        if busy.sum() <= 0.8 * len(busy):
            out[rows] = v
            problem = problem.select(busy)
            rows, v, grad = rows[busy], v[busy], grad[busy]
            pairs = [tuple(p[busy] for p in pair) for pair in pairs]
        direction = two_loop(grad, pairs, flat.dot)
        v_new = v + line_search(problem, flat, v, direction, first=not pairs) * direction
        grad_new = gradient(problem, flat, v_new)
        s, y = v_new - v, grad_new - grad
        sy = flat.dot(s, y)
        moved = sy[:, 0] > 1e-28 * (1 + flat.dot(v_new, v_new)[:, 0])
        pairs = [*pairs[1 - MEMORY :], (s, y, 1 / sy.clamp(min=1e-28))]
        v, grad = v_new, grad_new


def two_loop(grad, pairs, dot):
    """-H grad, H being the inverse Hessian that the last few (s, y) pairs suggest."""
    q, alphas = grad.clone(), []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * dot(s, q))
        q -= alphas[-1] * y
    if pairs:
        _, y, rho = pairs[-1]
        q /= rho * dot(y, y)
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        q += s * (alpha - rho * dot(y, q))
    return -q


def line_search(problem, flat, v, direction, first, tol=0.1, tries=12):
    """Step sizes (R, 1) at which J is nearly least along the direction: Newton on the slope, in a bracket."""
    _, z, bias = flat.split(v, problem.bias_scale)
    _, dz, d_bias = flat.split(direction, problem.bias_scale)
    if bias is not None:
        z, dz = z + bias.unsqueeze(-1), dz + d_bias.unsqueeze(-1)
    z, weight = z + problem.fixed, problem.weight
    linear, square = (flat.penalty_dot(a, direction)[:, 0] for a in (v, direction))
    label = (weight * problem.tensors.onehot.unsqueeze(1) * dz).sum((0, 2, 3))
    a = torch.zeros_like(square) if first else torch.ones_like(square)
    low, high, scale = torch.zeros_like(a), torch.full_like(a, torch.inf), None
    for _ in range(tries):
        p = (z + a.view(-1, 1, 1) * dz).softmax(2)
        mean = (p * dz).sum(2, keepdim=True)
        slope = (weight * mean).sum((0, 2, 3)) - label + linear + a * square
        bend = ((weight * p * dz * dz).sum((0, 2, 3)) - (weight * mean * mean).sum((0, 2, 3)) + square).clamp(
            min=1e-300
        )
        if scale is None:
            scale = slope.abs() + a * bend  # about the slope at 0
        if bool((slope.abs() <= tol * scale).all()):
            break
        low, high = torch.where(slope < 0, a, low), torch.where(slope > 0, a, high)
        newton = a - slope / bend
        inside = (newton > low) & (newton < high)
        a = torch.where(inside, newton, torch.where(high.isfinite(), (low + high) / 2, 2 * low + 1))
    return a.unsqueeze(1)
