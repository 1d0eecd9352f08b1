"""Lesson 03: the reference answers, and the typical mistakes that its checks recognise."""

import torch


def random(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(n_tasks=3, n_adapters=2, n_classes=3, n_features=4, seed=0, missing=True):
    """A small problem: parts, data, graph and the three kinds of knobs."""
    sizes = [3, 6, 4, 5][:n_tasks]
    task = torch.repeat_interleave(torch.arange(n_tasks), torch.tensor(sizes))
    n_docs = len(task)
    order = torch.randperm(n_docs, generator=torch.Generator().manual_seed(seed))
    y = torch.arange(n_docs) * 7 % n_classes
    if missing:
        y[1] = -100
    parts = (
        random(n_classes, n_features, seed=seed + 1),
        random(n_adapters, n_classes, n_features, seed=seed + 2),
        random(n_tasks, n_classes, seed=seed + 3),
    )
    graph = random(n_tasks, n_adapters, seed=seed + 4).round(decimals=1)
    alphas = torch.tensor([0.5, 2.0, 1.5, 0.7], dtype=torch.float64)[:n_tasks]
    data = (random(n_docs, n_features, seed=seed + 5), y, task[order])
    return parts, data, graph, alphas, 0.3, 0.11


# ------------------------------------------------------------------ 03-1


def log_softmax(z):
    z = z - z.max(-1, keepdim=True).values  # the largest score becomes 0
    return z - z.exp().sum(-1, keepdim=True).log()


def naive(z):
    return z - z.exp().sum(-1, keepdim=True).log()


def log_of_softmax(z):
    return z.softmax(-1).log()


def one_maximum_for_all(z):
    z = z - z.max()
    return z - z.exp().sum(-1, keepdim=True).log()


def over_documents(z):
    z = z - z.max(0, keepdim=True).values
    return z - z.exp().sum(0, keepdim=True).log()


def maximum_over_documents(z):
    return naive(z - z.max(0, keepdim=True).values)


def sum_over_documents(z):
    z = z - z.max(-1, keepdim=True).values
    return z - z.exp().sum(0, keepdim=True).log()


def maximum_forgotten(z):
    top = z.max(-1, keepdim=True).values
    return z - (z - top).exp().sum(-1, keepdim=True).log()


# ------------------------------------------------------------------ 03-2


def cross_entropy(z, y):
    there = y != -100
    z = z[there]
    y = y[there]
    if len(y) == 0:
        return z.new_zeros(())
    log_p = log_softmax(z)  # (n_docs, n_classes)
    return -log_p[torch.arange(len(y)), y].mean()


def missing_as_class_0(z, y):
    return cross_entropy(z, y.clamp(min=0))


def divided_by_all(z, y):
    return cross_entropy(z, y) * (y != -100).sum() / len(y)


def summed(z, y):
    return cross_entropy(z, y) * (y != -100).sum()


def all_entries(z, y):
    there = y != -100
    return -log_softmax(z[there]).mean()


def raw_outputs(z, y):
    there = y != -100
    return -z[there][torch.arange(int(there.sum())), y[there]].mean()


# ------------------------------------------------------------------ 03-3


def implied_alphas(task, n_tasks):
    return torch.bincount(task, minlength=n_tasks)


# ------------------------------------------------------------------ 03-4


def objective(parts, data, graph, alphas, lam, lam_shared):
    shared, adapters, bias = parts
    x, y, task = data
    J = lam_shared / 2 * shared.square().sum() + lam / 2 * adapters.square().sum()
    for t in range(len(graph)):
        W_t = shared + sum(graph[t, k] * adapters[k] for k in range(len(adapters)))
        z = x[task == t] @ W_t.T + bias[t]  # (n_docs of task t, n_classes)
        J = J + alphas[t] * cross_entropy(z, y[task == t])
    return J


def one_mean_over_all(parts, data, graph, alphas, lam, lam_shared):
    shared, adapters, bias = parts
    x, y, task = data
    W = shared + torch.tensordot(graph, adapters, dims=1)
    z = torch.einsum("if,icf->ic", x, W[task]) + bias[task]
    J = lam_shared / 2 * shared.square().sum() + lam / 2 * adapters.square().sum()
    return J + cross_entropy(z, y)


def lengths_not_squared(parts, data, graph, alphas, lam, lam_shared):
    shared, adapters, _ = parts
    J = objective(parts, data, graph, alphas, 0, 0)
    return J + lam_shared / 2 * shared.norm() + lam / 2 * adapters.flatten(1).norm(dim=1).sum()


def biases_penalised(parts, data, graph, alphas, lam, lam_shared):
    J = objective(parts, data, graph, alphas, lam, lam_shared)
    return J + lam_shared / 2 * parts[2].square().sum()


# ------------------------------------------------------------------ 03-5


def residual(z, y):
    p = z.softmax(-1)  # (n_docs, n_classes)
    onehot = torch.nn.functional.one_hot(y, z.shape[-1])
    return (p - onehot) / len(y)


# ------------------------------------------------------------------ 03-6


def gradients(parts, data, graph, alphas, lam, lam_shared):
    shared, adapters, bias = parts
    x, y, task = data
    D, d_bias = [], []  # dJ/dW_t and dJ/db_t of every task
    for t in range(len(graph)):
        W_t = shared + sum(graph[t, k] * adapters[k] for k in range(len(adapters)))
        x_t = x[task == t]  # (n_docs of task t, n_features)
        error = alphas[t] * residual(x_t @ W_t.T + bias[t], y[task == t])
        D.append(error.T @ x_t)  # (n_classes, n_features)
        d_bias.append(error.sum(0))  # (n_classes,)
    D = torch.stack(D)  # (n_tasks, n_classes, n_features)
    d_shared = D.sum(0) + lam_shared * shared
    d_adapters = torch.tensordot(graph.T, D, dims=1) + lam * adapters
    return d_shared, d_adapters, torch.stack(d_bias)


def by_task(parts, data, graph, alphas):
    """dCE/dW_t of every task: what dJ/dA would be with one adapter per task."""
    eye = torch.eye(len(graph), dtype=graph.dtype)
    weights = parts[0] + torch.tensordot(graph, parts[1], dims=1)
    return gradients((0 * parts[0], weights, parts[2]), data, eye, alphas, 0, 0)[1]


# ------------------------------------------------------------------ 03-7

TINY = {  # the model of the exercise: "The engine was quiet", task cars; x = 1 for each word
    "words": ("engine", "quiet", "the", "was"),
    "shared": ((0.1, 0.5, 0.0, 0.0), (0.2, 0.0, 0.0, 0.0), (0.1, -0.3, 0.0, 0.0)),
    "adapter": ((0.0, 0.1, 0.0, 0.0), (0.0, -0.2, 0.0, 0.0), (0.0, 0.2, 0.0, 0.0)),
}


def tiny_steps(n_steps, lr, moving=("shared", "adapter", "bias")):
    """Scores (n_classes,) of the tiny model after gradient steps on its one sentence, label
    positive (2).
    """
    weights = {k: torch.tensor(TINY[k], dtype=torch.float64) for k in ("shared", "adapter")}
    weights["bias"] = torch.zeros(3, dtype=torch.float64)
    x = torch.ones(4, dtype=torch.float64)
    y = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    for _ in range(n_steps):
        z = (weights["shared"] + weights["adapter"]) @ x + weights["bias"]
        error = z.softmax(0) - y
        for name in moving:
            weights[name] -= lr * (error if name == "bias" else torch.outer(error, x))
    return (weights["shared"] + weights["adapter"]) @ x + weights["bias"]


def tiny_scores(times, lr=0.5):
    """z - lr * times * (p - y): what comes out if the step is counted so many times."""
    z = tiny_steps(0, lr)
    return z - lr * times * (z.softmax(0) - torch.tensor([0.0, 0.0, 1.0]))


def steps_needed(lr=0.1, level=0.9):
    """How many steps until the tiny model gives its label more than ``level``."""
    n = 0
    while tiny_steps(n, lr).softmax(0)[2] <= level:
        n += 1
    return n


# ------------------------------------------------------------------ 03-8

KNOBS = {
    "a": "impossible",
    "b": "possible",
    "c": "impossible",
    "d": "possible",
    "e": "impossible",
    "f": "possible",
}
