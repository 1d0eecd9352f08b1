"""Answers to try on the milestones of the robot lab."""

import math

import numpy as np
import torch
from drafts import slips, spellings
from scipy import stats

from ragteach.teach.exercises import answers_lab_robot as answers


def moves_in_torch(leads, goal):
    leads = torch.as_tensor(leads)
    d = torch.full((len(leads),), math.inf)
    d[goal] = 0
    for _ in range(len(leads)):
        d = torch.minimum(d, 1 + d[leads].min(1).values)
    return d


def moves_by_hand(leads, goal):
    """Breadth first, from the goal backwards."""
    found, ring, n = {goal: 0}, {goal}, 0
    while ring:
        n += 1
        ring = {s for s, row in enumerate(leads) if s not in found and ring & {int(c) for c in row}}
        found |= dict.fromkeys(ring, n)
    return [found.get(s, math.inf) for s in range(len(leads))]


def moves(finite=None, sweeps=None, plus=0, goal_too=True):
    """Value iteration with something wrong in it."""

    def moves_left(leads, goal):
        d = np.full(len(leads), np.inf)
        d[goal] = 0
        for _ in range(sweeps or len(leads)):
            d = np.minimum(d, 1 + d[leads].min(1))
        d = d + plus
        if not goal_too:
            d[goal] = 1
        return d if finite is None else np.where(np.isinf(d), finite, d)

    return moves_left


def rows(order, b=None, sign=1):
    return lambda W, b_: (sign * W[order], sign * b_[order if b is None else b])


def policy_by_hand(W, b):
    north, east, south, west = W.tolist()
    return [north, west, south, east], [float(b[0]), float(b[3]), float(b[2]), float(b[1])]


def policy_in_torch(W, b):
    W, b = torch.as_tensor(W), torch.as_tensor(b)
    swap = torch.tensor([0, 3, 2, 1])
    return W[swap], b[swap]


def about(shares, factor=1.96, ddof=1, root=0.5):
    half = factor * shares.std(ddof=ddof) / len(shares) ** root
    return shares.mean(), shares.mean() - half, shares.mean() + half


def shares_in_torch(arrived):
    m = torch.as_tensor(arrived, dtype=torch.float64).mean(1)
    half = 1.96 * m.std() / len(m) ** 0.5
    return torch.stack([m.mean(), m.mean() - half, m.mean() + half])


def shares_by_hand(arrived):
    m = [sum(row) / len(row) for row in arrived]
    middle = sum(m) / len(m)
    spread = math.sqrt(sum((v - middle) ** 2 for v in m) / (len(m) - 1))
    half = 1.96 * spread / math.sqrt(len(m))
    return [middle, middle - half, middle + half]


def step_in_torch(shared, adapter, x, y, lr, lam):
    A = torch.tensor(adapter, requires_grad=True)
    z = torch.as_tensor(x) @ (torch.as_tensor(shared) + A).T
    loss = torch.nn.functional.cross_entropy(z, torch.as_tensor(y)) + lam / 2 * A.square().sum()
    loss.backward()
    return A.detach() - lr * A.grad


def step_by_hand(shared, adapter, x, y, lr, lam):
    n, d = len(x), len(x[0])
    new = [[a - lr * lam * a for a in row] for row in adapter]
    for row, label in zip(x, y, strict=True):
        z = [sum((shared[c][j] + adapter[c][j]) * row[j] for j in range(d)) for c in range(4)]
        e = [math.exp(v) for v in z]
        for c in range(4):
            error = e[c] / sum(e) - (c == label)
            for j in range(d):
                new[c][j] -= lr * error * row[j] / n
    return new


def change(how):
    """An answer to lab_robot-5 made of the slope of the cross-entropy."""

    def adapter_step(shared, adapter, x, y, lr, lam):
        slope = (adapter - answers.adapter_step(shared, adapter, x, y, lr, 0.0)) / lr
        return how(shared, adapter, slope, len(x), lr, lam)

    return adapter_step


def students(arrived):
    return stats.t.ppf(0.975, len(arrived) - 1)


def by_scipy(arrived):
    m = np.asarray(arrived, dtype=float).mean(1)
    return m.mean(), *stats.t.interval(0.95, len(m) - 1, m.mean(), stats.sem(m))


WIDTHS = np.array([[1, 1, -1], [0, -1, 0], [0, 0, 1]])  # (share, low, high) to (share, half, half)


def from_the_goal(leads, goal):
    """Breadth first, along the arrows."""
    d = [math.inf] * len(leads)
    d[goal] = 0
    queue = [goal]
    for cell in queue:
        for other in leads[cell]:
            if d[other] > d[cell] + 1:
                d[other] = d[cell] + 1
                queue.append(other)
    return d


def from_the_far_end(d):
    """max(d) - d, the cells without a way left as they are."""
    return np.where(np.isinf(d), d, d[np.isfinite(d)].max() - d)


WRONG = {
    "lab_robot-1": {
        "one more": moves(plus=1),
        "one less": moves(plus=-1),
        "goal counts": moves(goal_too=False),
        "one sweep": moves(sweeps=1),
        "minus one": moves(finite=-1),
        "zero": moves(finite=0),
        "n cells": lambda leads, goal: moves(finite=len(leads))(leads, goal),
        "from the goal": from_the_goal,
        "from the far end": lambda leads, goal: from_the_far_end(moves()(leads, goal)),
    },
    "lab_robot-2": {
        "itself": lambda W, b: (W, b),
        "negated": rows([0, 1, 2, 3], sign=-1),
        "north and south": rows([2, 1, 0, 3]),
        "both": rows([2, 3, 0, 1]),
        "reversed": rows([3, 2, 1, 0]),
        "columns": lambda W, b: (W[:, ::-1], b),
        "turned": rows([3, 0, 1, 2]),
        "b stays": rows([0, 3, 2, 1], b=[0, 1, 2, 3]),
        "b reversed": rows([0, 3, 2, 1], b=[3, 2, 1, 0]),
        "one thing": lambda W, b: W[[0, 3, 2, 1]],
    },
    "lab_robot-3": {
        "starts": lambda a: about(a.ravel()),
        "other axis": lambda a: about(a.mean(0), students(a.T)),
        "spread": lambda a: about(a.mean(1), students(a), root=0),
        "over n": lambda a: about(a.mean(1), students(a), root=1),
        "n - 0": lambda a: about(a.mean(1), students(a), ddof=0),
        "one error": lambda a: about(a.mean(1), factor=1),
        "high first": lambda a: tuple(np.array(about(a.mean(1), students(a)))[[0, 2, 1]]),
        "lost": lambda a: about(1 - a.mean(1), students(a)),
        "two numbers": lambda a: about(a.mean(1), students(a))[1:],
        "per cent": lambda a: 100 * np.array(about(a.mean(1), students(a))),
        "one-sided": lambda a: about(a.mean(1), stats.t.ppf(0.95, len(a) - 1)),
        "two": lambda a: about(a.mean(1), factor=2),
        "t of 20 maps": lambda a: about(a.mean(1), factor=2.09),
        "n degrees": lambda a: about(a.mean(1), stats.t.ppf(0.975, len(a))),
        "degrees of starts": lambda a: about(a.mean(1), stats.t.ppf(0.975, a.size - 1)),
        "half widths": lambda a: np.array(about(a.mean(1), students(a))) @ WIDTHS,
    },
    "lab_robot-4": {
        "a move": lambda right, moves: right,
        "power of the mean": lambda right, moves: right ** np.mean(moves),
        "lost": lambda right, moves: 1 - np.mean(right**moves),
        "one at least": lambda right, moves: np.mean(1 - (1 - right) ** moves),
        "times": lambda right, moves: np.mean(right * moves),
        "sum": lambda right, moves: np.sum(right**moves),
        "all": lambda right, moves: np.prod(right ** moves.astype(float)),
        "one less": lambda right, moves: np.mean(right ** (moves - 1.0)),
        "per cent": lambda right, moves: 100 * np.mean(right**moves),
    },
    "lab_robot-5": {
        "adapter alone": lambda W, A, x, y, lr, lam: answers.adapter_step(0 * W, A, x, y, lr, lam),
        "no penalty": change(lambda W, A, g, n, lr, lam: A - lr * g),
        "sum": change(lambda W, A, g, n, lr, lam: A - lr * (n * g + lam * A)),
        "penalty on both": change(lambda W, A, g, n, lr, lam: A - lr * (g + lam * (W + A))),
        "lam": change(lambda W, A, g, n, lr, lam: A - lr * (g + lam)),
        "twice the penalty": change(lambda W, A, g, n, lr, lam: A - lr * (g + 2 * lam * A)),
        "uphill": change(lambda W, A, g, n, lr, lam: A + lr * (g + lam * A)),
        "both": change(lambda W, A, g, n, lr, lam: W + A - lr * (g + lam * A)),
        "the step": change(lambda W, A, g, n, lr, lam: -lr * (g + lam * A)),
        "the gradient": change(lambda W, A, g, n, lr, lam: g + lam * A),
        "W_s moved": change(lambda W, A, g, n, lr, lam: W - lr * (g + lam * W)),
    },
    "lab_robot-6": slips("rwwrwr"),
}  # fmt: skip
RIGHT = {
    "lab_robot-1": {"in torch": moves_in_torch, "by hand": moves_by_hand},
    "lab_robot-2": {
        "in torch": policy_in_torch,
        "by hand": policy_by_hand,
        "two lines": lambda W, b: (np.stack([W[0], W[3], W[2], W[1]]), np.array(b)[[0, 3, 2, 1]]),
    },
    "lab_robot-3": {
        "in torch": shares_in_torch,
        "by hand": shares_by_hand,
        "1.96, with more digits": lambda a: about(a.mean(1), factor=1.959964),
        "by scipy": by_scipy,
        "cut at 0 and 1": lambda a: np.clip(about(a.mean(1), factor=students(a)), 0, 1),
    },
    "lab_robot-4": {
        "torch": lambda right, moves: (right ** torch.as_tensor(moves).double()).mean(),
        "loop": lambda right, moves: sum(right ** int(n) for n in moves) / len(moves),
    },
    "lab_robot-5": {"in torch": step_in_torch, "by hand": step_by_hand},
    "lab_robot-6": spellings("rwwrwr"),
}
