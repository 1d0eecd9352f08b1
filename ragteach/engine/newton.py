"""Newton-CG (truncated Newton) for many problems side by side.

Enters: a `Space`.  Leaves: `Found`, the vectors at which the gradient of J is zero.

Near v, J is a parabola with the Hessian H, and its lowest point is at v + d:

    H d = -grad     conjugate gradients, at first roughly: they need products H u only
    H u             the gradient's formula, with the change of dCE/dlogits along u: one product with
                    the data
    v + a d         a = 1, unless J bends on the way; another a costs a softmax, no product, since
                    vectors carry their logits along

Replicas that have arrived leave; the others go on.

Source: Dembo, Eisenstat & Steihaug (1982), Inexact Newton methods. Nocedal & Wright (2006),
Numerical Optimization, algorithm 7.1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ragteach.engine.spaces import Space

SHRINK = 0.8  # leave the others behind once no more than this part of the replicas is under way


class Found(NamedTuple):
    """Where `newton_cg` ended.

    Attributes:
        vectors: (R, width).
        norms: (R,), lengths of the gradient.
        steps: how many of the conjugate gradients, for all replicas at once: each is one product
            with the data.
    """

    vectors: Tensor
    norms: Tensor
    steps: int


def newton_cg(space: Space, tol: float, max_steps: int) -> Found:
    """Minimise J of all replicas, from zero, until their gradients are shorter than tol."""
    v = space.problem.fixed.new_zeros(len(space.problem.lam), space.width)
    gradient = space.gradient(v, space.problem.residual(space.logits(v)))
    norm = space.norm(gradient)
    first = norm
    moved = torch.ones_like(norm, dtype=torch.bool)  # False: the last step was lost in rounding
    # where those that have left ended
    vectors = v.clone()
    norms = norm.clone()
    rows = torch.arange(len(v), device=v.device)  # whose place is where
    steps = 0
    while True:
        busy = moved & (norm >= tol)
        n_busy = int(busy.sum())
        if n_busy == 0 or steps >= max_steps:
            vectors[rows] = v
            norms[rows] = norm
            return Found(vectors, norms, steps)
        if n_busy <= SHRINK * len(busy):
            vectors[rows] = v
            norms[rows] = norm
            space = space.select(busy)
            rows = rows[busy]
            v = v[busy]
            gradient = gradient[busy]
            norm = norm[busy]
            first = first[busy]
            busy = busy[busy]
        # Far from the optimum a rough direction will do, close to it a better one pays; tol needs
        # no more. Whoever is there stays there.
        accuracy = torch.maximum((norm / first).sqrt().clamp(max=0.25), 0.5 * tol / norm)
        accuracy = torch.where(busy, accuracy, torch.inf).unsqueeze(1)
        direction, used = newton_direction(space, v, gradient, accuracy, max_steps - steps)
        length, residual = line_search(space, v, gradient, direction)
        step = length * direction
        v = v + step
        steps += used
        gradient = space.gradient(v, residual)
        norm = space.norm(gradient)
        moved = (space.dot(step, step) > 1e-28 * (1 + space.dot(v, v)))[:, 0]


def newton_direction(
    space: Space, v: Tensor, gradient: Tensor, accuracy: Tensor, max_steps: int
) -> tuple[Tensor, int]:
    """The direction d with H d = -gradient, H being the Hessian of J at v; and how many steps that
    took.

    Conjugate gradients, until what is left of the gradient is ``accuracy`` (R, 1) of it.
    """
    probabilities = space.problem.probabilities(space.logits(v))
    directions = torch.zeros_like(v)  # of those that have left
    rows = torch.arange(len(v), device=v.device)
    d = torch.zeros_like(v)
    left = -gradient  # of the equation: -gradient - H d
    way = left
    size = space.dot(left, left)  # (R, 1)
    goal = accuracy.square() * size
    for k in range(1, max_steps + 1):
        change = space.problem.residual_change(probabilities, space.logits(way))
        h_way = space.gradient(way, change)  # H way
        bend = space.dot(way, h_way)
        busy = (size > goal) & (bend > 0)
        a = torch.where(busy, size / bend, 0.0)
        d = d.addcmul_(a, way)
        left = torch.addcmul(left, a, h_way, value=-1)
        before = size
        size = space.dot(left, left)
        busy = (busy & (size > goal))[:, 0]
        n_busy = int(busy.sum())
        if n_busy == 0 or k == max_steps:
            break
        if n_busy <= SHRINK * len(busy):
            directions[rows] = d
            space = space.select(busy)
            probabilities = probabilities[:, busy]
            rows = rows[busy]
            d = d[busy]
            left = left[busy]
            way = way[busy]
            before = before[busy]
            size = size[busy]
            goal = goal[busy]
        ratio = torch.where(before > 0, size / before, 0.0)  # 0: nothing is left
        way = torch.addcmul(left, way, ratio)
    directions[rows] = d
    return directions, k


def line_search(
    space: Space, v: Tensor, gradient: Tensor, direction: Tensor, tol: float = 0.1, tries: int = 40
) -> tuple[Tensor, Tensor]:
    """Step lengths a (R, 1) at which J is nearly least along the direction; and dCE/dlogits there.

    With z the logits, the slope of J is

        dJ/da = sum residual(z + a dz) dz + <v, d> + a <d, d>        in the penalties of J

    Its zero is looked for by secants, kept inside a bracket, until it is ``tol`` of its start.
    """
    z = space.logits(v)
    dz = space.logits(direction)
    linear = space.penalty_dot(v, direction)[:, 0]
    square = space.penalty_dot(direction, direction)[:, 0]
    first = space.dot(gradient, direction)[:, 0]
    low = torch.zeros_like(first)  # J falls there
    high = torch.full_like(first, torch.inf)  # J rises there
    before = low
    slope_before = first
    a = torch.ones_like(first)
    for _ in range(tries):
        residual = space.problem.residual(z + a[:, None, None] * dz)
        slope = (residual * dz).sum((0, 2, 3)) + linear + a * square
        good = slope.abs() <= tol * first.abs()
        if bool(good.all()):
            return a.unsqueeze(1), residual
        low = torch.where(slope < 0, a, low)
        high = torch.where(slope < 0, high, a)
        secant = a - slope * (a - before) / (slope - slope_before)
        before = a
        slope_before = slope
        a = torch.where(good, a, _between(low, high, secant))
    a = torch.where(good, a, 0.0)  # lost in rounding: no step
    return a.unsqueeze(1), space.problem.residual(z + a[:, None, None] * dz)


def _between(low: Tensor, high: Tensor, secant: Tensor) -> Tensor:
    """The next try: the secant's if it lies inside the bracket, else one that shrinks it (or, while
    nothing is known of where J rises, goes further).
    """
    bounded = high.isfinite()
    inside = (secant > low) & (secant < torch.where(bounded, 0.9 * high, 4 * low))
    middle = torch.where(low > 0, (low + high) / 2, high / 10)
    return torch.where(inside, secant, torch.where(bounded, middle, 4 * low))
