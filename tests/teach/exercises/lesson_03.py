"""Answers to try on the exercises of lesson 03."""

import math

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises import answers_03 as answers
from ragteach.teach.exercises.answers_03 import (
    KNOBS,
    by_task,
    cross_entropy,
    gradients,
    log_softmax,
    objective,
    residual,
)

F = torch.nn.functional
R03_7 = {"scores": [-1.55, -1.125, 3.375], "steps": 8}
R03_9 = {0.0: 0.2146, 0.01: 0.275, 0.1: 0.9313, 1.0: 0.9604}  # what the lesson's cells give


def by_hand_log_softmax(z):
    rows = []
    for row in z:
        scores = [float(v) for v in row]
        top = max(scores)
        total = math.log(sum(math.exp(v - top) for v in scores)) + top
        rows.append([v - total for v in scores])
    return rows


def by_hand_cross_entropy(z, y):
    picked = [row[int(c)] for row, c in zip(by_hand_log_softmax(z), y, strict=True) if int(c) >= 0]
    return -sum(picked) / len(picked) if picked else 0.0


def numpy_log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def numpy_cross_entropy(z, y):
    there = y != -100
    if not there.any():
        return 0.0
    return -numpy_log_softmax(z)[there][np.arange(there.sum()), y[there]].mean()


def numpy_residual(z, y):
    return (np.exp(numpy_log_softmax(z)) - np.eye(z.shape[1])[y]) / len(y)


def by_hand_residual(z, y):
    n = len(y)
    return [
        [(math.exp(v) - (c == int(label))) / n for c, v in enumerate(row)]
        for row, label in zip(by_hand_log_softmax(z), y, strict=True)
    ]


def numpy_objective(parts, data, graph, alphas, lam, lam_shared):
    shared, adapters, bias = parts
    x, y, task = data
    W = shared + np.einsum("tk,kcf->tcf", graph, adapters)
    J = lam_shared / 2 * np.square(shared).sum() + lam / 2 * np.square(adapters).sum()
    for t, alpha in enumerate(alphas):
        z = x[task == t] @ W[t].T + bias[t]
        J += alpha * numpy_cross_entropy(z.copy().astype(float), y[task == t])
    return J


def numpy_gradients(parts, data, graph, alphas, lam, lam_shared):
    shared, adapters, bias = parts
    x, y, task = data
    W = shared + np.einsum("tk,kcf->tcf", graph, adapters)
    D, d_bias = np.zeros_like(W), np.zeros_like(bias)
    for t in range(len(W)):
        x_t = x[task == t]
        error = alphas[t] * numpy_residual(x_t @ W[t].T + bias[t], y[task == t])
        D[t], d_bias[t] = error.T @ x_t, error.sum(axis=0)
    d_adapters = np.einsum("tk,tcf->kcf", graph, D) + lam * adapters
    return D.sum(axis=0) + lam_shared * shared, d_adapters, d_bias


def nan_if_all_missing(z, y):
    there = y != -100
    return -log_softmax(z[there])[torch.arange(int(there.sum())), y[there]].mean()


def J(**change):
    """The right objective with some arguments replaced."""
    names = ("parts", "data", "graph", "alphas", "lam", "lam_shared")

    def mistaken(*args):
        given = dict(zip(names, args, strict=True))
        return objective(**given | {k: f(given) for k, f in change.items()})

    return mistaken


def labelled(given):
    """How many sentences of each task have a label."""
    _, y, task = given["data"]
    return torch.bincount(task[y >= 0], minlength=len(given["graph"]))


def no_half(parts, data, graph, alphas, lam, lam_shared):
    return objective(parts, data, graph, alphas, 2 * lam, 2 * lam_shared)


def penalty_per_task(parts, data, graph, alphas, lam, lam_shared):
    return objective(parts, data, graph, alphas, len(graph) * lam, len(graph) * lam_shared)


def G(change_shared=None, change_adapters=None, change_bias=None):
    """The right gradients with one of the three spoilt; a change gets (right, the arguments)."""

    def mistaken(*args):
        out = list(gradients(*args))
        for i, change in enumerate((change_shared, change_adapters, change_bias)):
            if change:
                out[i] = change(out[i], *args)
        return tuple(out)

    return mistaken


def counts(data, graph):
    return torch.bincount(data[2], minlength=len(graph)).double()


def vectorised(parts, data, graph, alphas, lam, lam_shared):
    (shared, adapters, bias), (x, y, task) = parts, data
    W = shared + torch.einsum("tk,kcf->tcf", graph, adapters)
    z = torch.einsum("if,icf->ic", x, W[task]) + bias[task]
    each, there = F.cross_entropy(z, y, reduction="none", ignore_index=-100), y != -100
    zero = torch.zeros(len(graph), dtype=x.dtype)
    total, count = zero.index_add(0, task, each), zero.index_add(0, task, there.to(x.dtype))
    return (
        (alphas * total / count).sum()
        + lam_shared / 2 * (shared**2).sum()
        + lam / 2 * (adapters**2).sum()
    )


def by_autograd(parts, data, graph, alphas, lam, lam_shared):
    parts = tuple(p.clone().requires_grad_() for p in parts)
    return torch.autograd.grad(objective(parts, data, graph, alphas, lam, lam_shared), parts)


WRONG = {
    "03-1": {
        "only the largest": lambda z: z - z.max(-1, keepdim=True).values,
        "the mean": lambda z: z - z.mean(-1, keepdim=True),
        "base 2": lambda z: torch.log2(z.softmax(-1)),
        "softmax": lambda z: z.softmax(-1),
        "over documents": answers.over_documents,
        "sum over documents": answers.sum_over_documents,
        "maximum over documents": answers.maximum_over_documents,
        "maximum in exp only": answers.maximum_forgotten,
        "sign": lambda z: -log_softmax(z),
        "overflow": answers.naive,
        "log of softmax": answers.log_of_softmax,
        "one maximum": answers.one_maximum_for_all,
        "not the function": 0.7,
        "divided": lambda z: z / torch.logsumexp(z, -1, keepdim=True),
        "the log of the sum": lambda z: torch.logsumexp(z, -1, keepdim=True),
        "sigmoid": lambda z: -torch.log1p(torch.exp(-z)),
    },
    "03-2": {
        "mean first": lambda z, y: -torch.log(z.softmax(-1)[y >= 0, y[y >= 0]].mean()),
        "squared": lambda z, y: (z.log_softmax(-1)[y >= 0, y[y >= 0]] ** 2).mean(),
        "sigmoid": lambda z, y: torch.log1p(torch.exp(-z[y >= 0, y[y >= 0]])).mean(),
        "probability": lambda z, y: -z.softmax(-1)[y >= 0, y[y >= 0]].mean(),
        "sign": lambda z, y: -cross_entropy(z, y),
        "raw outputs": answers.raw_outputs,
        "sum": answers.summed,
        "all classes": answers.all_entries,
        "all labels": lambda z, y: -z.log_softmax(-1)[:, y].mean(),
        "divided by all": answers.divided_by_all,
        "missing as class 0": answers.missing_as_class_0,
        "nan": nan_if_all_missing,
    },
    "03-3": {
        "equal": lambda task, n: torch.ones(n),
        "size": lambda task, n: torch.bincount(task, minlength=n) * n / len(task),
        "shares": lambda task, n: torch.bincount(task, minlength=n) / len(task),
        "upside down": lambda task, n: 1 / torch.bincount(task, minlength=n),
        "too short": lambda task, n: torch.bincount(task),
    },
    "03-4": {
        "no alpha": J(alphas=lambda g: torch.ones(len(g["graph"]))),
        "an adapter a task": J(graph=lambda g: torch.eye(*g["graph"].shape).double()),
        "no penalties": J(lam=lambda g: 0, lam_shared=lambda g: 0),
        "no lam_shared": J(lam_shared=lambda g: 0),
        "no lam": J(lam=lambda g: 0),
        "swapped": J(lam=lambda g: g["lam_shared"], lam_shared=lambda g: g["lam"]),
        "no half": no_half,
        "no half for the adapters": J(lam=lambda g: 2 * g["lam"]),
        "no half for W_s": J(lam_shared=lambda g: 2 * g["lam_shared"]),
        "adapters' penalty per adapter": J(lam=lambda g: len(g["parts"][1]) * g["lam"]),
        "alpha squared": J(alphas=lambda g: g["alphas"] ** 2),
        "alpha of mean 1": J(alphas=lambda g: g["alphas"] / g["alphas"].mean()),
        "by size": J(alphas=lambda g: g["alphas"] * labelled(g) / labelled(g).sum()),
        "in an unknown way": J(alphas=lambda g: g["alphas"] ** 3),
        "penalties in an unknown way": J(lam=lambda g: 0.7 * g["lam"]),
        "penalty per task": penalty_per_task,
        "not squared": answers.lengths_not_squared,
        "biases penalised": answers.biases_penalised,
        "no graph": J(graph=lambda g: torch.ones_like(g["graph"])),
        "one mean": answers.one_mean_over_all,
        "no bias": J(parts=lambda g: (*g["parts"][:2], 0 * g["parts"][2])),
    },
    "03-5": {
        "log p": lambda z, y: (z.log_softmax(-1) - F.one_hot(y, z.shape[1])) / len(y),
        "squared": lambda z, y: len(y) * residual(z, y) ** 2,
        "one class alone": lambda z, y: z.softmax(-1) * (1 - z.softmax(-1)) / len(y),
        "downhill": lambda z, y: -residual(z, y),
        "not divided": lambda z, y: residual(z, y) * len(y),
        "softmax over documents": lambda z, y: (z.softmax(0) - F.one_hot(y, z.shape[1])) / len(y),
        "raw scores": lambda z, y: (z - F.one_hot(y, z.shape[1])) / len(y),
        "no label": lambda z, y: z.softmax(-1) / len(y),
        "gradient in p": lambda z, y: -F.one_hot(y, z.shape[1]) / z.softmax(-1) / len(y),
    },
    "03-6": {
        "two things": lambda *args: gradients(*args)[:2],
        "no penalty on W_s": G(lambda d, p, data, g, a, lam, lam_s: d - lam_s * p[0]),
        "mean over tasks": G(
            lambda d, p, data, g, a, lam, lam_s: (d - lam_s * p[0]) / len(g) + lam_s * p[0]
        ),
        "no alpha": lambda p, d, g, a, lam, lam_s: gradients(
            p, d, g, torch.ones(len(g)), lam, lam_s
        ),
        "sums": lambda p, d, g, a, lam, lam_s: gradients(p, d, g, a * counts(d, g), lam, lam_s),
        "a 2 too many": G(lambda d, p, data, g, a, lam, lam_s: d + lam_s * p[0]),
        "swapped": lambda p, d, g, a, lam, lam_s: gradients(p, d, g, a, lam_s, lam),
        "minus lam_shared": G(lambda d, p, data, g, a, lam, lam_s: d - 2 * lam_s * p[0]),
        "minus lam": G(None, lambda d, p, data, g, a, lam, lam_s: d - 2 * lam * p[1]),
        "sign": lambda *args: tuple(-d for d in gradients(*args)),
        "no penalty on A": G(None, lambda d, p, data, g, a, lam, lam_s: d - lam * p[1]),
        "no graph": G(
            None,
            lambda d, p, data, g, a, lam, lam_s: (
                by_task(p, data, g, a).sum(0).expand_as(d) + lam * p[1]
            ),
        ),
        "lam_shared on A": G(None, lambda d, p, data, g, a, lam, lam_s: d + (lam_s - lam) * p[1]),
        "one bias": G(None, None, lambda d, *args: d.sum(0)),
        "bias penalised": G(None, None, lambda d, p, data, g, a, lam, lam_s: d + lam_s * p[2]),
        "bias mean": G(None, None, lambda d, p, data, g, *rest: d / counts(data, g).unsqueeze(1)),
    },
    "03-7": {
        "before": R03_7 | {"scores": [0.7, 0.0, 0.0]},
        "one weight": R03_7 | {"scores": answers.tiny_scores(1)},
        "W_s only": R03_7 | {"scores": answers.tiny_scores(4)},
        "no adapter": R03_7 | {"scores": answers.tiny_scores(5)},
        "no bias": R03_7 | {"scores": answers.tiny_scores(8)},
        "uphill": R03_7 | {"scores": answers.tiny_scores(-9)},
        "rate 1": R03_7 | {"scores": answers.tiny_scores(9, lr=1.0)},
        "steps at 0.2": R03_7 | {"steps": answers.steps_needed(0.2)},
        "steps at 0.5": R03_7 | {"steps": answers.steps_needed(0.5)},
        "one too few": R03_7 | {"steps": 7},
        "steps far off": R03_7 | {"steps": 15},
        "a list": [-1.55, -1.125, 3.375],
    },
    "03-8": {
        **{
            f"{key} wrong": KNOBS
            | {key: "possible" if KNOBS[key] == "impossible" else "impossible"}
            for key in KNOBS
        },
        "one missing": {k: v for k, v in KNOBS.items() if k != "e"},
        "a list": list(KNOBS.values()),
    },
    "03-9": {
        "guessed": {0.0: 0.33, 0.01: 0.33, 0.1: 0.95, 1.0: 0.95},
        "guessed the second": R03_9 | {0.01: 0.33},
        "guessed the third": R03_9 | {0.1: 0.9},
        "guessed the last": R03_9 | {1.0: 0.9},
        "not measured": {0.0: 0.0, 0.01: 0.0, 0.1: 0.93, 1.0: 0.95},
        "right sign": {0.0: 0.998, 0.01: 0.996, 0.1: 0.98, 1.0: 0.95},
        "cross-entropy": {0.0: 27.2, 0.01: 9.7, 0.1: 0.55, 1.0: 0.49},
        "the loss": {0.0: -108.0, 0.01: -20.0, 0.1: -2.0, 1.0: -1.9},
        "always lam 0": dict.fromkeys((0.0, 0.01, 0.1, 1.0), 0.3),
        "turned round": {0.0: 0.95, 0.01: 0.94, 0.1: 0.33, 1.0: 0.3},
        "swapped": {0.0: 0.3, 0.01: 0.94, 0.1: 0.33, 1.0: 0.95},
        "two only": {0.0: 0.3, 1.0: 0.95},
    },
    "03-10": slips("wrwrrw"),
}

RIGHT = {
    "03-1": {
        "torch": lambda z: torch.log_softmax(z, -1),
        "numpy only": numpy_log_softmax,
        "plain Python": by_hand_log_softmax,
        "logsumexp": lambda z: z - z.logsumexp(1, keepdim=True),
        "numpy": lambda z: torch.from_numpy(
            z.numpy() - np.logaddexp.reduce(z.numpy(), axis=1, keepdims=True)
        ),
    },
    "03-2": {
        "numpy only": numpy_cross_entropy,
        "plain Python": by_hand_cross_entropy,
        "a loop": lambda z, y: (
            -sum(log_softmax(z)[i, c] for i, c in enumerate(y) if c >= 0)
            / max(1, int((y >= 0).sum()))
        ),
        "torch": lambda z, y: (
            F.cross_entropy(z, y, reduction="sum") / (y != -100).sum().clamp(min=1)
        ),
    },
    "03-3": {
        "a list": lambda task, n: [float((task == t).sum()) for t in range(n)],
        "numpy only": lambda task, n: np.bincount(np.asarray(task), minlength=n),
        "plain Python": lambda task, n: [task.tolist().count(t) for t in range(n)],
        "lists only": lambda task, n: [task.count(t) for t in range(n)],
        "one-hot": lambda task, n: F.one_hot(task, n).sum(0),
    },
    "03-4": {"vectorised": vectorised, "numpy only": numpy_objective},
    "03-5": {
        "numpy only": numpy_residual,
        "plain Python": by_hand_residual,
        "autograd": lambda z, y: torch.autograd.functional.jacobian(
            lambda s: F.cross_entropy(s, y), z
        ),
        "in place": lambda z, y: (
            z.softmax(1).index_put_(
                (torch.arange(len(y)), y), torch.tensor(-1.0).double(), accumulate=True
            )
            / len(y)
        ),
    },
    "03-6": {
        "autograd": by_autograd,
        "numpy only": numpy_gradients,
        "a list": lambda *args: list(gradients(*args)),
    },
    "03-7": {
        "by hand, rounded": R03_7,
        "a tensor": {"scores": answers.tiny_steps(1, 0.5), "steps": torch.tensor(8)},
    },
    "03-8": {"capitals": {k: v.upper() for k, v in KNOBS.items()}},
    "03-9": {
        "every digit": R03_9,
        "two digits": {0.0: 0.21, 0.01: 0.28, 0.1: 0.93, 1.0: 0.96},
        "tensors": {k: torch.tensor(v) for k, v in R03_9.items()},
    },
    "03-10": spellings("wrwrrw"),
}
