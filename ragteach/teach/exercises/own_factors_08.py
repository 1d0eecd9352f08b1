"""Exercise 08-9: low-rank adapters of one's own, with gradients by hand; checked part by part."""

from __future__ import annotations

import numpy as np
import torch

from ragteach.teach.checks import as_array, exercise, expect, expect_close, finished


class Factors:
    """The reference of 08-9."""

    def __init__(self, n_classes, n_features, n_tasks, rank, seed=0):
        rng = np.random.default_rng(seed)
        self.shared = np.zeros((n_classes, n_features))
        self.up = np.zeros((n_tasks, n_classes, rank))
        self.down = rng.normal(size=(n_tasks, rank, n_features))

    def weights(self):
        return self.shared + self.up @ self.down  # (n_tasks, n_classes, n_features)

    def pulls(self, x, task, y):
        W = self.weights()
        found = []
        for t in range(len(W)):
            x_t = x[task == t]
            y_t = y[task == t]
            z = x_t @ W[t].T
            p = np.exp(z - z.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            found.append((p - np.eye(len(W[t]))[y_t]).T @ x_t / len(y_t))
        return np.stack(found)  # (n_tasks, n_classes, n_features)

    def train(self, x, task, y, lam, lr, steps, lens=False):
        for _ in range(steps):
            pulls = self.pulls(x, task, y)
            d_shared = pulls.sum(0) + lam * self.shared
            g = pulls + lam * (self.up @ self.down)  # dJ/dA_t
            d_up = g @ self.down.transpose(0, 2, 1)
            d_down = self.up.transpose(0, 2, 1) @ g
            self.shared = self.shared - lr * d_shared
            self.up = self.up - lr * d_up
            if not lens:
                self.down = self.down - lr * d_down
        return self


SIZE = (3, 6, 2, 2)  # n_classes, n_features, n_tasks, rank
SETTINGS = {"lam": 0.05, "lr": 0.3, "steps": 4}


def sentences(seed=0):
    rng = np.random.default_rng(seed)
    task = np.array([0] * 9 + [1] * 5)
    return rng.normal(size=(14, 6)), task, rng.integers(0, 3, 14)


@exercise(
    "08-9",
    title="Low-rank adapters of your own",
    difficulty="hard",
    minutes=30,
    trains="writing LoRA's training from its gradients, and a lens that stays as it was drawn",
    hints=[
        "weights: self.shared + self.up @ self.down. With a task axis in front, @ multiplies "
        "task by task.",
        "pulls: for each task the gradient of its mean cross-entropy in W_t: "
        "(p - onehot(y)).T @ x / n_t.",
        "train: g = pulls + lam A. Work out all three gradients first, up @ and down @ with the "
        "OLD factors, and only then step: d_up = g @ down', d_down = up' @ g, d_shared = sum of "
        "the pulls + lam W_s.",
    ],
    reference=Factors,
    reason="Both factors step from the same place; the lens is the same code without one line.",
    rule="all gradients from the weights as they are, then all steps.",
)
def factors(yours):
    """The class, part by part: start, weights, pulls, train, lens."""
    expect(isinstance(yours, type), "Hand over the class itself, without brackets.")
    mine = yours(*SIZE, seed=3)
    _start(mine, yours)
    _weights(mine)
    _pulls(yours)
    _train(yours)


def _start(mine, yours):
    shapes = {"shared": (3, 6), "up": (2, 3, 2), "down": (2, 2, 6)}
    for name, shape in shapes.items():
        value = getattr(mine, name, None)
        finished(value, f"self.{name} is not there yet.")
        found = as_array(value).shape
        expect(found == shape, f"self.{name} has shape {found}; it should be {shape}.")
    sizes = {name: np.abs(as_array(getattr(mine, name))).max() for name in shapes}
    expect(
        sizes["down"] > 0 or sizes["up"] > 0,
        "Both factors start at zero: then both gradients are zero for ever. You proved it.",
    )
    expect(sizes["shared"] == 0, "self.shared should start at zero; down is the random one.")
    expect(
        sizes["up"] == 0,
        "up should start at zero, so that training begins at full sharing; down is the random one.",
    )
    spread = as_array(yours(3, 200, 4, 5, seed=3).down).std()
    expect(
        0.9 < spread < 1.1,
        "down should be drawn from the standard normal distribution; its spread is "
        f"{spread:.2f}, not 1.",
    )
    down = as_array(mine.down)
    expect(not np.allclose(down[0], down[1]), "Both tasks have the same lens: draw one for each.")
    again, other = (as_array(yours(*SIZE, seed=s).down) for s in (3, 4))
    expect(np.allclose(down, again), "The same seed should give the same start.")
    expect(not np.allclose(down, other), "Another seed should give another start: use the seed.")


def _filled(cls):
    """One of theirs with numbers in all parts."""
    one = cls(*SIZE, seed=3)
    rng = np.random.default_rng(8)
    one.shared = rng.normal(size=(3, 6))
    one.up = rng.normal(size=(2, 3, 2))
    one.down = rng.normal(size=(2, 2, 6))
    return one


def _weights(mine):
    one = _filled(type(mine))
    right = _filled(Factors).weights()
    product = right - one.shared
    expect_close(
        one.weights(),
        right,
        wrong=[
            (product, "W_s is missing: W_t = W_s + up_t down_t."),
            (one.shared + product.sum(0), "Each task has its own product; yours adds them up."),
            (one.shared - product, "The product is added, not subtracted."),
        ],
        what="weights()",
    )


def _pulls(yours):
    x, task, y = sentences()
    right = _by_autograd(x, task, y)
    n = np.array([9, 5])[:, None, None]
    expect_close(
        _filled(yours).pulls(x, task, y),
        right,
        wrong=[
            (right * n, "Each cross-entropy is a MEAN over the task's sentences: divide by n_t."),
            (right * n / 14, "Divide by the number of the task's own sentences, not of all."),
            (
                -right,
                "The sign: the gradient is (p - onehot(y))' x; what is right has a negative entry.",
            ),
        ],
        what="pulls(x, task, y)",
    )


def _by_autograd(x, task, y):
    W = torch.tensor(_filled(Factors).weights(), requires_grad=True)
    x = torch.tensor(x)
    y = torch.tensor(y)
    J = sum(torch.nn.functional.cross_entropy(x[task == t] @ W[t].T, y[task == t]) for t in (0, 1))
    return torch.autograd.grad(J, W)[0].numpy()


def _train(yours):
    x, task, y = sentences()
    for lens in (False, True):
        one = _filled(yours)
        right = _filled(Factors)
        before = as_array(one.down).copy()
        returned = one.train(x, task, y, **SETTINGS, lens=lens)
        finished(returned, "train returns nothing yet. It ends with return self.")
        right.train(x, task, y, **SETTINGS, lens=lens)
        still = np.allclose(as_array(one.down), before)
        expect(not (lens and not still), "With lens=True down must stay as it was drawn.")
        expect(lens or not still, "Without a lens down is trained too; yours has not moved.")
        for name in ("shared", "up", "down"):
            expect_close(
                getattr(one, name),
                getattr(right, name),
                wrong=[(getattr(w, name), said) for said, w in _other_trainings(lens)],
                what=f"self.{name} after {SETTINGS['steps']} steps"
                + (" with the lens" if lens else ""),
                rtol=1e-6,
                atol=1e-9,
            )


class _NoPenalty(Factors):
    def train(self, x, task, y, lam, lr, steps, lens=False):
        return super().train(x, task, y, 0.0, lr, steps, lens)


class _NewFactor(Factors):
    """The second factor's gradient is taken after the first has moved."""

    def train(self, x, task, y, lam, lr, steps, lens=False):
        for _ in range(steps):
            pulls = self.pulls(x, task, y)
            g = pulls + lam * (self.up @ self.down)
            self.shared = self.shared - lr * (pulls.sum(0) + lam * self.shared)
            self.up = self.up - lr * g @ self.down.transpose(0, 2, 1)
            if not lens:
                self.down = self.down - lr * self.up.transpose(0, 2, 1) @ g
        return self


class _FreeAdapters(Factors):
    """The penalty is on W_s only."""

    def train(self, x, task, y, lam, lr, steps, lens=False):
        for _ in range(steps):
            g = self.pulls(x, task, y)
            d_up = g @ self.down.transpose(0, 2, 1)
            d_down = self.up.transpose(0, 2, 1) @ g
            self.shared = self.shared - lr * (g.sum(0) + lam * self.shared)
            self.up = self.up - lr * d_up
            self.down = self.down - lr * d_down * (not lens)
        return self


class _FactorPenalty(Factors):
    """The penalty is on the factors, each by itself."""

    def train(self, x, task, y, lam, lr, steps, lens=False):
        for _ in range(steps):
            g = self.pulls(x, task, y)
            d_up = g @ self.down.transpose(0, 2, 1) + lam * self.up
            d_down = self.up.transpose(0, 2, 1) @ g + lam * self.down
            self.shared = self.shared - lr * (g.sum(0) + lam * self.shared)
            self.up = self.up - lr * d_up
            self.down = self.down - lr * d_down * (not lens)
        return self


class _MeanPull(Factors):
    """W_s gets the mean of the tasks' pulls."""

    def train(self, x, task, y, lam, lr, steps, lens=False):
        for _ in range(steps):
            pulls = self.pulls(x, task, y)
            g = pulls + lam * (self.up @ self.down)
            d_up = g @ self.down.transpose(0, 2, 1)
            d_down = self.up.transpose(0, 2, 1) @ g
            self.shared = self.shared - lr * (pulls.mean(0) + lam * self.shared)
            self.up = self.up - lr * d_up
            self.down = self.down - lr * d_down * (not lens)
        return self


class _FreeShared(Factors):
    """The penalty is on the adapters only."""

    def train(self, x, task, y, lam, lr, steps, lens=False):
        for _ in range(steps):
            before = self.shared
            super().train(x, task, y, lam, lr, 1, lens)
            self.shared = self.shared + lr * lam * before
        return self


class _TwicePrice(Factors):
    def train(self, x, task, y, lam, lr, steps, lens=False):
        return super().train(x, task, y, 2 * lam, lr, steps, lens)


class _OneStep(Factors):
    def train(self, x, task, y, lam, lr, steps, lens=False):
        return super().train(x, task, y, lam, lr, 1, lens)


class _Uphill(Factors):
    def train(self, x, task, y, lam, lr, steps, lens=False):
        return super().train(x, task, y, lam, -lr, steps, lens)


MISTAKES = {
    "W_s pays nothing: its gradient is the sum of the pulls + lam W_s.": _FreeShared,
    "The penalty pulls twice as hard as it should: J has lam / 2, so its gradient is lam W.": _TwicePrice,
    "train makes one step, whatever steps says.": _OneStep,
    "You climb: a step goes against the gradient, minus lr times it.": _Uphill,
    "The penalty is missing: nothing pulls the weights back.": _NoPenalty,
    "down took its step with the NEW up. Work out all gradients first, then step.": _NewFactor,
    "The adapters pay nothing: dJ/dA_t = pull + lam A_t.": _FreeAdapters,
    "The price is on A_t = up down, as in J, not on the two factors.": _FactorPenalty,
    "W_s is in every task: its gradient is the SUM of the pulls, not their mean.": _MeanPull,
}


def _other_trainings(lens):
    x, task, y = sentences()
    for said, cls in MISTAKES.items():
        yield said, _filled(cls).train(x, task, y, **SETTINGS, lens=lens)
