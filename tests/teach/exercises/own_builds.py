"""Answers to try on the longer builds of lessons 01, 03, 07, 08, 09, 12 and 13."""

import json
import pickle
import random
import statistics

import numpy as np
import safetensors.torch
import torch
from sklearn.linear_model import LogisticRegression

from ragteach.teach.exercises import own_court_13, own_factors_08, own_newcomer_09
from ragteach.teach.exercises.answers_07 import augment
from ragteach.teach.exercises.answers_13 import judge as judge_13
from ragteach.teach.exercises.own_court_13 import Court
from ragteach.teach.exercises.own_factors_08 import Factors
from ragteach.teach.exercises.own_file_12 import ModelFile, pack, unpack
from ragteach.teach.exercises.own_judge_07 import TwiceWritten
from ragteach.teach.exercises.own_loss_03 import MyLoss
from ragteach.teach.exercises.own_means_01 import Experiment
from ragteach.teach.exercises.own_newcomer_09 import newcomer, variant


def changed(base, **methods):
    """The class with some methods of its own."""
    return type(base.__name__, (base,), methods)


# ------------------------------------------------------------------ 01-7


def drawn(change):
    """An experiment whose draw is changed: change(self, seed, mu, noise) -> (mu, values)."""

    def draw(self, seed):
        mu, values = Experiment.draw(self, seed)
        return change(self, seed, mu, values - mu[:, None])

    return changed(Experiment, draw=draw)


def led(change):
    """An experiment whose lead is changed: change(errors of w, errors of other) -> the three."""

    def lead(self, w, other, seeds):
        return change(self.errors(w, seeds), self.errors(other, seeds))

    return changed(Experiment, lead=lead)


def around(d, half):
    return d.mean(), d.mean() - half, d.mean() + half


def twice_seeded(self, seed, mu, noise):
    again = np.random.default_rng(seed).normal(size=noise.shape)
    return mu, mu[:, None] + self.sigma * again


def from_one_seed(mu_too=True, noise_too=True):
    """A draw of which a part does not follow the seed."""

    def draw(self, seed):
        right = np.random.default_rng(seed)
        mu = (right if mu_too else np.random.default_rng(0)).normal(size=self.n_tasks)
        made = right if noise_too else np.random.default_rng(1)
        noise = made.normal(size=(self.n_tasks, self.n))
        return self.tau * mu, self.tau * mu[:, None] + self.sigma * noise

    return changed(Experiment, draw=draw)


def uniform(low, high):
    """A draw with means between low tau and high tau, all equally likely."""

    def draw(self, seed):
        rng = np.random.default_rng(seed)
        mu = self.tau * rng.uniform(low, high, self.n_tasks)
        return mu, mu[:, None] + self.sigma * rng.normal(size=(self.n_tasks, self.n))

    return changed(Experiment, draw=draw)


def in_pairs(self, seed):
    return Experiment.draw(self, seed // 2)


def choosing(rule):
    """An experiment whose best is chosen by another number: rule(errors of w)."""

    def best(self, ws, seeds):
        return min(ws, key=lambda w: rule(self.errors(w, seeds)))

    return changed(Experiment, best=best)


def erring(change):
    """An experiment whose errors are changed: change(mix - mu) for each draw."""

    def errors(self, w, seeds):
        drawn = (self.draw(seed) for seed in seeds)
        return np.array([change(self.mix(values, w) - mu) for mu, values in drawn])

    return changed(Experiment, errors=errors)


def to_own_mean(self, w, seeds):
    drawn = [self.draw(seed)[1] for seed in seeds]
    return np.array([((self.mix(v, w) - v.mean(1)) ** 2).mean() for v in drawn])


def largest(self, ws, seeds):
    return max(ws, key=lambda w: self.errors(w, seeds).mean())


EXPERIMENTS = {
    "an object": Experiment(4, 3, 1.0, 1.0),
    "columns": drawn(lambda self, seed, mu, noise: (mu, (mu[:, None] + noise).T)),
    "values alone": changed(Experiment, draw=lambda self, seed: Experiment.draw(self, seed)[1]),
    "no seed": changed(Experiment, draw=lambda self, seed: Experiment.draw(self, None)),
    "always one seed": changed(Experiment, draw=lambda self, seed: Experiment.draw(self, 0)),
    "one mu": drawn(lambda self, seed, mu, noise: (0 * mu + mu[0], mu[0] + noise)),
    "tau squared": drawn(
        lambda self, seed, mu, noise: (self.tau * mu, (self.tau * mu)[:, None] + noise)
    ),
    "no tau": drawn(lambda self, seed, mu, noise: (mu / self.tau, (mu / self.tau)[:, None] + noise)),
    "no sigma": drawn(lambda self, seed, mu, noise: (mu, mu[:, None] + noise / self.sigma)),
    "sigma squared": drawn(lambda self, seed, mu, noise: (mu, mu[:, None] + noise * self.sigma)),
    "noise of a mean": drawn(lambda self, seed, mu, noise: (mu, mu[:, None] + noise / self.n**0.5)),
    "one noise a task": drawn(
        lambda self, seed, mu, noise: (mu, mu[:, None] + noise[:, :1] + 0 * noise)
    ),
    "one noise for all": drawn(lambda self, seed, mu, noise: (mu, mu[:, None] + noise[:1])),
    "without mu": drawn(lambda self, seed, mu, noise: (mu, noise)),
    "seeded twice": drawn(twice_seeded),
    "mu of one seed": from_one_seed(mu_too=False),
    "noise of one seed": from_one_seed(noise_too=False),
    "seeds in pairs": changed(Experiment, draw=in_pairs),
    "uniform mu": uniform(-1, 1),
    "mu from 0 on": uniform(0, 1),
    "mix of sums": changed(Experiment, mix=lambda s, v, w: (1 - w) * v.mean(1) + w * v.mean() / 2),
    "by median": choosing(np.median),
    "every second seed": choosing(lambda errors: errors[::2].mean()),
    "the first seed": choosing(lambda errors: errors[0]),
    "one w for all seeds": changed(Experiment, best=lambda s, ws, seeds: ws[len(ws) // 3]),
    "half of the seeds": choosing(lambda errors: errors[: len(errors) // 2].mean()),
    "w turned round": changed(Experiment, mix=lambda s, v, w: Experiment.mix(s, v, 1 - w)),
    "own alone": changed(Experiment, mix=lambda s, v, w: v.mean(1)),
    "pooled alone": changed(Experiment, mix=lambda s, v, w: v.mean(1) * 0 + v.mean()),
    "along tasks": changed(Experiment, mix=lambda s, v, w: (1 - w) * v.mean(0) + w * v.mean()),
    "no 1 - w": changed(Experiment, mix=lambda s, v, w: v.mean(1) + w * v.mean()),
    "sum over tasks": erring(lambda off: (off**2).sum()),
    "not squared": erring(lambda off: np.abs(off).mean()),
    "a root": erring(lambda off: (off**2).mean() ** 0.5),
    "squared late": erring(lambda off: off.mean() ** 2),
    "one number": changed(Experiment, errors=lambda s, w, seeds: Experiment.errors(s, w, seeds).mean()),
    "to the own mean": changed(Experiment, errors=to_own_mean),
    "turned": led(lambda a, b: around(a - b, 1.96 * (a - b).std(ddof=1) / len(a) ** 0.5)),
    "unpaired": led(
        lambda a, b: around(b - a, 1.96 * ((a.var(ddof=1) + b.var(ddof=1)) / len(a)) ** 0.5)
    ),
    "of single draws": led(lambda a, b: around(b - a, 1.96 * (b - a).std(ddof=1))),
    "ddof 0": led(lambda a, b: around(b - a, 1.96 * (b - a).std() / len(a) ** 0.5)),
    "the mean": led(lambda a, b: (b - a).mean()),
    "percentiles": led(lambda a, b: ((b - a).mean(), *np.percentile(b - a, [2.5, 97.5]))),
    "the largest": changed(Experiment, best=largest),
    "a place": changed(Experiment, best=lambda s, ws, seeds: ws.index(Experiment.best(s, ws, seeds))),
    "the error": changed(
        Experiment, best=lambda s, ws, seeds: min(s.errors(w, seeds).mean() for w in ws)
    ),
}  # fmt: skip


class InTensors:
    """01-7 in torch."""

    def __init__(self, n, n_tasks, sigma, tau):
        self.size, self.sigma, self.tau = (n_tasks, n), sigma, tau

    def draw(self, seed):
        generator = torch.Generator().manual_seed(seed)
        mu = self.tau * torch.randn(self.size[0], generator=generator)
        return mu, mu[:, None] + self.sigma * torch.randn(self.size, generator=generator)

    def mix(self, values, w):
        own = values.mean(dim=1)
        return own + w * (values.mean() - own)

    def errors(self, w, seeds):
        drawn = [self.draw(seed) for seed in seeds]
        return torch.stack([(self.mix(v, w) - mu).square().mean() for mu, v in drawn])

    def lead(self, w, other, seeds):
        d = self.errors(other, seeds) - self.errors(w, seeds)
        half = 1.96 * d.std() / len(d) ** 0.5
        return torch.stack([d.mean(), d.mean() - half, d.mean() + half])

    def best(self, ws, seeds):
        means = torch.stack([self.errors(w, seeds).mean() for w in ws])
        return torch.tensor(ws)[means.argmin()]


class WithoutALibrary:
    """01-7 in plain Python."""

    def __init__(self, n, n_tasks, sigma, tau):
        self.n, self.n_tasks, self.sigma, self.tau = n, n_tasks, sigma, tau

    def draw(self, seed):
        made = random.Random(seed)
        mu = [made.gauss(0, self.tau) for _ in range(self.n_tasks)]
        return mu, [[made.gauss(m, self.sigma) for _ in range(self.n)] for m in mu]

    def mix(self, values, w):
        own = [sum(row) / len(row) for row in values]
        return [(1 - w) * m + w * sum(own) / len(own) for m in own]

    def errors(self, w, seeds):
        for seed in seeds:  # a generator of errors
            mu, values = self.draw(seed)
            yield statistics.mean(
                (a - b) ** 2 for a, b in zip(self.mix(values, w), mu, strict=True)
            )

    def lead(self, w, other, seeds):
        pairs = zip(self.errors(other, seeds), self.errors(w, seeds), strict=True)
        d = [a - b for a, b in pairs]
        half = 1.96 * statistics.stdev(d) / len(d) ** 0.5
        return [statistics.mean(d), statistics.mean(d) - half, statistics.mean(d) + half]

    def best(self, ws, seeds):
        return sorted(ws, key=lambda w: sum(self.errors(w, seeds)))[0]


# ------------------------------------------------------------------ 03-11


def valued(change):
    """A loss whose value is changed: change(self, parts, data, J)."""
    return changed(MyLoss, value=lambda s, p, d: change(s, p, d, MyLoss.value(s, p, d)))


def pulled(change):
    """A loss whose gradient is changed: change(self, parts, the three)."""
    return changed(MyLoss, gradient=lambda s, p, d: change(s, p, MyLoss.gradient(s, p, d)))


def knobs(**how):
    """A loss that computes J and its gradient with other knobs."""

    def init(self, *given):
        MyLoss.__init__(self, *given)
        for name, change in how.items():
            setattr(self, name, change(self))

    return changed(MyLoss, __init__=init)


def all_sentences(self, parts, data):
    sizes = torch.bincount(data[2]).double()
    other = MyLoss(self.graph, sizes / sizes.sum(), self.lam, self.lam_shared)
    return other.value(parts, data)


def summed_gradient(self, parts, data):
    sizes = torch.bincount(data[2]).double()
    other = MyLoss(self.graph, self.alphas * sizes, self.lam, self.lam_shared)
    return other.gradient(parts, data)


def audited(judge, sides=(1, -1), width=2):
    """An audit that judges in another way: judge(quotients, gradient), both flat."""

    def audit(self, parts, data, h):
        quotients = []
        for i, part in enumerate(parts):
            for j in range(part.numel()):
                ends = []
                for side in sides:
                    moved = [p.clone() for p in parts]
                    moved[i].view(-1)[j] += side * h
                    ends.append(self.value(moved, data))
                quotients.append((ends[0] - ends[1]) / (width * h))
        by_hand = torch.cat([g.flatten() for g in self.gradient(parts, data)])
        return judge(torch.stack(quotients), by_hand)

    return changed(MyLoss, audit=audit)


def with_gradient_of_its_own(self, parts, data, h):
    return MyLoss.audit(MyLoss(self.graph, self.alphas, self.lam, self.lam_shared), parts, data, h)


def moves_the_parts(self, parts, data, h):
    worst = MyLoss.audit(self, parts, data, h)
    parts[0].view(-1)[0] += h
    return worst


def stepping(by=2, sign=1, brake=True, moved=(0, 1, 2), end=1e-9):
    """A step with a slip."""

    def step(self, parts, data, lr):
        before, gradient = self.value(parts, data), self.gradient(parts, data)
        while lr > end:
            pairs = enumerate(zip(parts, gradient, strict=True))
            new = [p - sign * lr * g * (i in moved) for i, (p, g) in pairs]
            if not brake or self.value(new, data) < before:
                return new, lr
            lr = lr / by
        return parts, 0.0

    return changed(MyLoss, step=step)


def in_place(self, parts, data, lr):
    new, used = MyLoss.step(self, parts, data, lr)
    for part, other in zip(parts, new, strict=True):
        part.copy_(other)
    return parts, used


def by_autograd(self, parts, data):
    parts = [torch.as_tensor(part).clone().requires_grad_() for part in parts]
    return torch.autograd.grad(MyLoss.value(self, parts, data), parts)


def by_backward(self, parts, data):
    parts = [torch.as_tensor(part).clone().requires_grad_() for part in parts]
    MyLoss.value(self, parts, data).backward()
    return [part.grad for part in parts]


def by_func(self, parts, data):
    return torch.func.grad(lambda p: MyLoss.value(self, p, data))(tuple(parts))


def by_quotients(self, parts, data):
    found = []
    for i, part in enumerate(parts):
        table = torch.zeros_like(part)
        for j in range(part.numel()):
            up, down = ([p.clone() for p in parts] for _ in range(2))
            up[i].view(-1)[j] += 1e-5
            down[i].view(-1)[j] -= 1e-5
            table.view(-1)[j] = (self.value(up, data) - self.value(down, data)) / 2e-5
        found.append(table)
    return found


def graph_forgotten_on_the_way_back(self, parts, g):
    own = (g[0] - self.lam_shared * parts[0]).expand_as(parts[1])
    return g[0], own + self.lam * parts[1], g[2]


def at_most(most):
    """A step that halves so many times, and no more."""

    def step(self, parts, data, lr):
        before, gradient = self.value(parts, data), self.gradient(parts, data)
        for _ in range(most + 1):
            new = [p - lr * g for p, g in zip(parts, gradient, strict=True)]
            if self.value(new, data) < before:
                return new, lr
            lr = lr / 2
        return parts, 0.0

    return changed(MyLoss, step=step)


LOSSES = {
    "a function": lambda *given: MyLoss(*given),
    "no penalties": valued(
        lambda s, p, d, J: MyLoss(s.graph, s.alphas, 0.0, 0.0).value(p, d)
    ),
    "no half": valued(lambda s, p, d, J: 2 * J - MyLoss(s.graph, s.alphas, 0.0, 0.0).value(p, d)),
    "no half for the adapters": knobs(lam=lambda s: 2 * s.lam),
    "no half for W_s": knobs(lam_shared=lambda s: 2 * s.lam_shared),
    "another value": valued(lambda s, p, d, J: J + 0.3),
    "a lost graph": pulled(graph_forgotten_on_the_way_back),
    "the sign of the penalty": pulled(lambda s, p, g: (g[0], g[1] - 2 * s.lam * p[1], g[2])),
    "autograd": changed(MyLoss, gradient=by_autograd),
    "quotients": changed(MyLoss, gradient=by_quotients),
    "20 halvings": at_most(20),
    "uphill, with an end": stepping(sign=-1),
    "swapped": knobs(lam=lambda s: s.lam_shared, lam_shared=lambda s: 0.3),
    "no alpha": knobs(alphas=lambda s: torch.ones(len(s.graph))),
    "no graph": knobs(graph=lambda s: torch.ones_like(torch.as_tensor(s.graph))),
    "one mean": changed(MyLoss, value=all_sentences),
    "no bias": valued(lambda s, p, d, J: MyLoss.value(s, (p[0], p[1], 0 * p[2]), d)),
    "two gradients": pulled(lambda s, p, g: g[:2]),
    "downhill": pulled(lambda s, p, g: [-part for part in g]),
    "sums": changed(MyLoss, gradient=summed_gradient),
    "no penalty in the gradient": pulled(lambda s, p, g: (g[0] - s.lam_shared * p[0], *g[1:])),
    "twice the penalty": pulled(lambda s, p, g: (g[0] + s.lam_shared * p[0], *g[1:])),
    "no penalty of adapters": pulled(lambda s, p, g: (g[0], g[1] - s.lam * p[1], g[2])),
    "one-sided": audited(lambda q, g: (q - g).abs().max(), (1, 0), 1),
    "h, not 2 h": audited(lambda q, g: (q - g).abs().max(), width=1),
    "the mean": audited(lambda q, g: (q - g).abs().mean()),
    "the sum": audited(lambda q, g: (q - g).abs().sum()),
    "no abs": audited(lambda q, g: (q - g).max()),
    "added": audited(lambda q, g: (q + g).abs().max()),
    "W_s only": audited(lambda q, g: (q - g)[:12].abs().max()),
    "nothing": changed(MyLoss, audit=lambda s, p, d, h: 0.0),
    "its own gradient": changed(MyLoss, audit=with_gradient_of_its_own),
    "the parts move": changed(MyLoss, audit=moves_the_parts),
    "no brake": stepping(brake=False),
    "tenths": stepping(by=10),
    "uphill": stepping(sign=-1, end=-1),
    "adapters stay": stepping(moved=(0, 2)),
    "W_s stays": stepping(moved=(1, 2)),
    "in place": changed(MyLoss, step=in_place),
    "no end": changed(stepping(end=-1)),
    "the parts alone": changed(MyLoss, step=lambda *a: MyLoss.step(*a)[0]),
}  # fmt: skip


class InNumpy:
    """03-11 in numpy."""

    def __init__(self, graph, alphas, lam, lam_shared):
        self.graph, self.alphas = np.asarray(graph), np.asarray(alphas)
        self.prices = lam_shared, lam, 0.0

    def errors(self, parts, data):
        """J's sum over tasks and, for each sentence, its share of dJ/dz."""
        (shared, adapters, bias), (x, y, task) = map(list, (parts, data))
        W = shared + np.tensordot(self.graph, adapters, 1)
        z = np.einsum("nd,ncd->nc", x, W[task]) + bias[task]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        share = (self.alphas / np.bincount(task, minlength=len(W)))[task]
        rows = np.arange(len(y))
        J = -(share * np.log(p[rows, y])).sum()
        p[rows, y] -= 1
        return J, share[:, None] * p

    def value(self, parts, data):
        sizes = [(np.asarray(part) ** 2).sum() for part in parts]
        return self.errors(parts, data)[0] + np.dot(self.prices, sizes) / 2

    def gradient(self, parts, data):
        (x, _, task), error = data, self.errors(parts, data)[1]
        here = np.eye(len(self.graph))[task]  # (n_docs, n_tasks)
        D = np.einsum("nt,nc,nd->tcd", here, error, x)
        found = D.sum(0), np.tensordot(self.graph.T, D, 1), here.T @ error
        return [g + price * part for g, price, part in zip(found, self.prices, parts, strict=True)]

    def audit(self, parts, data, h):
        found = []
        for i, g in enumerate(self.gradient(parts, data)):
            for place in np.ndindex(np.shape(g)):
                ends = []
                for side in (h, -h):
                    moved = [part.copy() for part in parts]
                    moved[i][place] += side
                    ends.append(self.value(moved, data))
                found.append(np.subtract(*ends) / 2 / h - g[place])
        return np.abs(found).max()

    def step(self, parts, data, lr):
        pulls, before = self.gradient(parts, data), self.value(parts, data)
        for used in lr / 2.0 ** np.arange(60):
            new = [part - used * g for part, g in zip(parts, pulls, strict=True)]
            if used > 1e-9 and self.value(new, data) < before:
                return tuple(new), used
        return parts, 0


# ------------------------------------------------------------------ 07-9


def fit_returning_the_model(self, x, task, y):
    return TwiceWritten.fit(self, x, task, y).model


def fit_for_all(self, x, task, y):
    C = 1 / (len(y) * self.lam_shared)
    wide = augment(x, task, self.n_tasks, self.s)
    self.model = LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(wide, y)
    return self


def init_upside_down(self, n_tasks, lam, lam_shared):
    TwiceWritten.__init__(self, n_tasks, lam, lam_shared)
    self.s = 1 / self.s


def chosen_by(judge=None, lam=lambda r, s: (r * s, s), masks=None, best=np.argmin, n_folds=4):
    """A choose with a slip.

    judge: what it minimises, from (model, fit, held out); lam: (lam, lam_shared) from the ratio and
    lam_shared; masks: the sentences that fit and judge; best: which loss wins; n_folds: folds used.
    """
    judge = judge or (lambda one, fit, held: one.loss(*held))
    masks = masks or (lambda fold, held: (fold != held, fold == held))

    def choose(cls, x, task, y, fold, n_tasks, ratios, lam_shared):
        totals = []
        for ratio in ratios:
            total = 0.0
            for held in np.unique(fold)[:n_folds]:
                parts = [(x[m], task[m], y[m]) for m in masks(fold, held)]
                one = cls(n_tasks, *lam(ratio, lam_shared)).fit(*parts[0])
                total += judge(one, *parts)
            totals.append(total)
        return ratios[int(best(totals))]

    return classmethod(choose)


def place_of_choice(cls, x, task, y, fold, n_tasks, ratios, lam_shared):
    return ratios.index(TwiceWritten.choose(x, task, y, fold, n_tasks, ratios, lam_shared))


def accuracy(self, x, task, y):
    wide = augment(x, task, self.n_tasks, self.s)
    return (self.model.predict(wide) == y).mean()


def fitted(s=lambda lam, lam_s: (lam_s / lam) ** 0.5, C=lambda n, lam, lam_s: 1 / (n * lam_s)):
    """A class with another s, or another C."""

    def fit(self, x, task, y):
        self.s = s(self.lam, self.lam_shared)
        strength = C(len(y) / self.n_tasks, self.lam, self.lam_shared)
        self.model = LogisticRegression(C=strength, tol=1e-8, max_iter=5000)
        self.model.fit(augment(x, task, self.n_tasks, self.s), y)
        return self

    return changed(TwiceWritten, fit=fit)


def choosing(**slip):
    return changed(TwiceWritten, choose=chosen_by(**slip))


def by_name(cls, *given):
    return TwiceWritten.choose(*given)


JUDGES = {
    "fit without self": changed(TwiceWritten, fit=fit_returning_the_model),
    "s upside down": changed(TwiceWritten, __init__=init_upside_down),
    "C of all sentences": changed(TwiceWritten, fit=fit_for_all),
    "A not scaled": changed(
        TwiceWritten, parts=lambda self: (lambda w, a: (w, a / self.s))(*TwiceWritten.parts(self))
    ),
    "A divided": changed(
        TwiceWritten,
        parts=lambda self: (lambda w, a: (w, a / self.s**2))(*TwiceWritten.parts(self)),
    ),
    "one part": changed(TwiceWritten, parts=lambda self: TwiceWritten.parts(self)[0]),
    "a sum": changed(TwiceWritten, loss=lambda s, x, t, y: len(y) * TwiceWritten.loss(s, x, t, y)),
    "the sign": changed(TwiceWritten, loss=lambda s, x, t, y: -TwiceWritten.loss(s, x, t, y)),
    "accuracy": changed(TwiceWritten, loss=accuracy),
    "the training loss": changed(
        TwiceWritten, choose=chosen_by(lambda one, fit, held: one.loss(*fit))
    ),
    "no root": fitted(s=lambda lam, lam_s: lam_s / lam),
    "C upside down": fitted(C=lambda n, lam, lam_s: n * lam_s),
    "C without n": fitted(C=lambda n, lam, lam_s: 1 / lam_s),
    "C is lam_shared": fitted(C=lambda n, lam, lam_s: lam_s),
    "C of lam": fitted(C=lambda n, lam, lam_s: 1 / (n * lam)),
    "lam upside down": choosing(lam=lambda r, s: (s / r, s)),
    "lam is the ratio": choosing(lam=lambda r, s: (r, s)),
    "lam fixed": choosing(lam=lambda r, s: (s, s)),
    "lam_shared moves": choosing(lam=lambda r, s: (s, r * s)),
    "fold turned round": choosing(masks=lambda fold, held: (fold == held, fold != held)),
    "fitted on all": choosing(masks=lambda fold, held: (fold > -1, fold == held)),
    "judged on all": choosing(masks=lambda fold, held: (fold != held, fold > -1)),
    "the largest": choosing(best=np.argmax),
    "one fold": choosing(n_folds=1),
    "the lam": changed(
        TwiceWritten, choose=classmethod(lambda cls, *given: TwiceWritten.choose(*given) * given[-1])
    ),
    "its place": changed(TwiceWritten, choose=classmethod(place_of_choice)),
    "an object": TwiceWritten(3, 1.0, 1.0),
}  # fmt: skip


def plain_loss(self, x, task, y):
    p = torch.tensor(self.model.predict_proba(augment(x, task, self.n_tasks, self.s)))
    return -p.log()[torch.arange(len(y)), torch.as_tensor(y)].mean()


# ------------------------------------------------------------------ 08-9


def start(**parts):
    """A start in which some parts are made otherwise: name = function of the right one."""

    def init(self, *size, seed=0):
        Factors.__init__(self, *size, seed=seed)
        for name, change in parts.items():
            setattr(self, name, change(getattr(self, name)))

    return changed(Factors, __init__=init)


def without_seed(self, *size, seed=0):
    Factors.__init__(self, *size, seed=0)


def moving_lens(self, x, task, y, lam, lr, steps, lens=False):
    return Factors.train(self, x, task, y, lam, lr, steps)


def fixed_lens(self, x, task, y, lam, lr, steps, lens=False):
    return Factors.train(self, x, task, y, lam, lr, steps, lens=True)


def summed_pulls(self, x, task, y):
    n = np.bincount(task)[:, None, None]
    return n * Factors.pulls(self, x, task, y)


LENSES = {
    "both zero": start(down=np.zeros_like),
    "up random": start(up=lambda up: up + 1.0),
    "W_s random": start(shared=lambda shared: shared + 0.1),
    "uniform": start(down=lambda down: down / 3),
    "one lens": start(down=lambda down: np.repeat(down[:1], 2, 0)),
    "two axes": start(shared=np.transpose),
    "no seed": changed(Factors, __init__=without_seed),
    "no W_s": changed(Factors, weights=lambda self: self.up @ self.down),
    "minus": changed(Factors, weights=lambda self: self.shared - self.up @ self.down),
    "sums": changed(Factors, pulls=summed_pulls),
    "the sign": changed(Factors, pulls=lambda s, x, t, y: -Factors.pulls(s, x, t, y)),
    "the lens moves": changed(Factors, train=moving_lens),
    "never without a lens": changed(Factors, train=fixed_lens),
    **{f"mistake {i}": cls for i, cls in enumerate(own_factors_08.MISTAKES.values())},
}


class InTorch(Factors):
    """The same with torch inside, gradients by autograd."""

    def pulls(self, x, task, y):
        W = torch.tensor(self.weights(), requires_grad=True)
        x, y = torch.tensor(x), torch.tensor(y)
        losses = [
            torch.nn.functional.cross_entropy(x[task == t] @ W[t].T, y[task == t])
            for t in range(len(W))
        ]
        return torch.autograd.grad(sum(losses), W)[0].numpy()


# ------------------------------------------------------------------ 09-8


def slip(**how):
    return lambda *given: variant(*given, **how)


NEWCOMERS = {
    **{message: slip(**how) for message, how in own_newcomer_09.SLIPS.items()},
    "a tuple": lambda *given: tuple(newcomer(*given).values()),
    "no error": lambda *given: {k: v for k, v in newcomer(*given).items() if k != "error"},
    "always shared": lambda x, y, w_s, lams, fold: {
        "way": "shared", "lam": None, "error": 0.0, "w": w_s,
    },
    "another word": lambda *given: newcomer(*given) | {"way": "fine-tuned"},
}  # fmt: skip


def in_torch(x, y, w_s, lams, fold):
    found = newcomer(*map(np.asarray, (x, y, w_s)), list(lams), np.asarray(fold))
    return found | {"way": found["way"].title(), "w": torch.as_tensor(found["w"])}


# ------------------------------------------------------------------ 12-7


def file(**methods):
    return changed(ModelFile, **{name: staticmethod(f) for name, f in methods.items()})


def rewritten(data, change):
    """The file with another header, or another body."""
    n = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + n]), data[8 + n :]
    header, body = change(header, body)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def with_header(change):
    return file(pack=lambda model: rewritten(pack(model), change))


def no_notes(header, body):
    return {k: v for k, v in header.items() if k != "__metadata__"}, body


def lists_in_notes(header, body):
    notes = {k: json.loads(v) for k, v in header["__metadata__"].items()}
    return header | {"__metadata__": notes}, body


def from_the_start(header, body):
    places = {k: v for k, v in header.items() if k != "__metadata__"}
    for entry in places.values():
        entry["data_offsets"] = [8 + place for place in entry["data_offsets"]]
    return header, body


def no_graph(header, body):
    last = header["graph"]["data_offsets"]
    zeros = bytes(last[1] - last[0])
    return header, body[: last[0]] + zeros + body[last[1] :]


def trusting(data):
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + n])
    end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
    return unpack(data[: 8 + n + end] + bytes(max(0, 8 + n + end - len(data))))


def forgetful(data):
    model = unpack(data)
    with torch.no_grad():
        model.bias.zero_()
    return model


def careless(data):
    model = unpack(data)
    with torch.no_grad():
        model.shared.neg_()
    return model


def big_end(model):
    data = pack(model)
    return data[:8][::-1] + data[8:]


def by_the_library(model):
    """The same file, by safetensors' own writer."""
    names = {"tasks": model.task_names, "adapters": model.adapter_names}
    parts = {"shared": model.shared, "graph": model.graph, "bias": model.bias}
    parts |= {f"adapters.{n}": model.adapters[n].weight for n in model.adapter_names}
    parts = {name: part.detach().float().contiguous() for name, part in parts.items()}
    return safetensors.torch.save(parts, {key: json.dumps(v) for key, v in names.items()})


def read_by_the_library(data):
    safetensors.torch.load(data)
    return unpack(data)


FILES = {
    "the library": file(pack=by_the_library),
    "the library reads": file(unpack=read_by_the_library),
    "pickle": file(pack=lambda model: pickle.dumps(model.state_dict(), protocol=4)),
    "text": file(pack=lambda model: json.dumps(model.task_names)),
    "large end": file(pack=big_end),
    "no notes": with_header(no_notes),
    "lists in the notes": with_header(lists_in_notes),
    "offsets from the start": with_header(from_the_start),
    "no graph": with_header(no_graph),
    "no biases": file(unpack=forgetful),
    "other weights": file(unpack=careless),
    "no look at the end": file(unpack=trusting),
    "a dict": file(unpack=lambda data: dict(unpack(data).state_dict())),
    "functions": (pack, unpack),
}


def numbers_first(model):
    """The same file with blanks after the header, as safetensors itself aligns it."""
    data = pack(model)
    n = int.from_bytes(data[:8], "little")
    room = -n % 8
    return (n + room).to_bytes(8, "little") + data[8 : 8 + n] + b" " * room + data[8 + n :]


# ------------------------------------------------------------------ 13-9


def court(**methods):
    return changed(Court, **methods)


def hear_without(*refusals):
    """A hear that takes what it should refuse."""

    def hear(self, condition, scores, baseline):
        scores, baseline = np.asarray(scores, float), np.asarray(baseline, float)
        if scores.shape != baseline.shape and "lengths" in refusals:
            scores = baseline[: len(scores)]
            baseline = scores
        elif not np.isfinite(scores - baseline).all() and "nan" in refusals:
            scores = baseline
        elif len(scores) < 3 and "few" in refusals:
            scores = baseline = np.ones(3)
        if "twice" in refusals:
            self.heard.pop(condition, None)
        return Court.hear(self, condition, scores, baseline)

    return hear


def share_of(judge):
    """A luck that counts in another way: judge(array (conditions, 3)) for every flip."""

    def luck(self, flips):
        found = [[self.interval(d * f) for d in self.heard.values()] for f in flips]
        return float(np.mean([judge(np.array(row)) for row in found]))

    return luck


def forgetful_luck(self, flips):
    share = Court.luck(self, flips)
    self.heard = {name: d * flips[-1] for name, d in self.heard.items()}
    return share


def said(self, **words):
    return words.get(Court.verdict(self).split()[0], Court.verdict(self))


COURTS = {
    "an object": Court(),
    "hear without self": court(hear=lambda *a: (Court.hear(*a), True)[1]),
    "unequal lengths": court(hear=hear_without("lengths")),
    "nan": court(hear=hear_without("nan")),
    "two seeds": court(hear=hear_without("few")),
    "heard twice": court(hear=hear_without("twice")),
    "a list of intervals": court(intervals=lambda self: [*Court.intervals(self).values()]),
    "low and high": court(
        intervals=lambda self: {k: v[1:] for k, v in Court.intervals(self).items()}
    ),
    "low first": court(
        intervals=lambda self: {k: (v[1], v[0], v[2]) for k, v in Court.intervals(self).items()}
    ),
    **{f"slip {i}": slip for i, slip in enumerate(own_court_13.SLIPS.values()) if i < 7},
    "no margin": court(hear=lambda s, c, a, b: Court.hear(s, c, a - s.margin, b)),
    "margin subtracted": court(hear=lambda s, c, a, b: Court.hear(s, c, a - 2 * s.margin, b)),
    "turned round": court(hear=lambda s, c, a, b: Court.hear(s, c, b, a)),
    "yes and no": court(verdict=lambda self: said(self, depends="yes")),
    "no evidence is against": court(verdict=lambda self: said(self, open="against")),
    "margin granted twice": court(
        verdict=lambda self: (
            "cannot be tested"
            if not self.heard
            else judge_13([tuple(x + self.margin for x in v) for v in self.intervals().values()])
        )
    ),
    "a number": court(luck=lambda self, flips: len(flips) * Court.luck(self, flips)),
    "for only": court(luck=share_of(lambda t: (t[:, 1] > 0).any())),
    "all conditions": court(luck=share_of(lambda t: ((t[:, 1] > 0) | (t[:, 2] < 0)).all())),
    "of conditions": court(luck=share_of(lambda t: ((t[:, 1] > 0) | (t[:, 2] < 0)).mean())),
    "not misled": court(luck=lambda self, flips: 1 - Court.luck(self, flips)),
    "flips for ever": court(luck=forgetful_luck),
    "the margin is not flipped": court(luck=lambda self, flips: own_court_13._unmargined(self)),
}


class TorchCourt(Court):
    """Tensors out, words as they come."""

    def interval(self, d):
        return torch.tensor(Court.interval(self, d))

    def verdict(self):
        return Court.verdict(self).upper()


WRONG = {
    "01-7": EXPERIMENTS,
    "03-11": LOSSES,
    "07-9": JUDGES,
    "08-9": LENSES,
    "09-8": NEWCOMERS,
    "12-7": FILES,
    "13-9": COURTS,
}
RIGHT = {
    "01-7": {"torch": InTensors, "plain Python": WithoutALibrary},
    "03-11": {"numpy": InNumpy, "torch": changed(MyLoss)},
    "07-9": {
        "torch": changed(TwiceWritten, loss=plain_loss),
        "by its name": changed(TwiceWritten, choose=classmethod(by_name)),
    },
    "08-9": {"torch": InTorch},
    "09-8": {"torch": in_torch, "plain list": lambda *given: dict(newcomer(*given))},
    "12-7": {"aligned": file(pack=numbers_first)},
    "13-9": {"tensors": TorchCourt},
}
