"""Right answers in a style of their own: numpy only, torch only, plain Python.

STYLES holds those that tests/teach/exercises does not have; IMPOSSIBLE says where a style makes no
sense, and why.  `style` reads from a function what it is made of.
"""

import inspect
import math
import types

import numpy as np
import torch

PLAIN, NUMPY, TORCH = "plain Python", "numpy", "torch"
LIBRARIES = {"torch": TORCH, "numpy": NUMPY, "scipy": NUMPY, "pandas": NUMPY, "sklearn": NUMPY}
NAMED = {
    "torch": TORCH,
    "requires_grad": TORCH,
    "tensor": TORCH,
    "numpy": NUMPY,
    "array": NUMPY,
    "plain": PLAIN,
}

TRAINS = "it trains a torch model"
IMPOSSIBLE = {
    ("04-1", NUMPY): TRAINS, ("04-1", PLAIN): TRAINS, ("04-2", NUMPY): TRAINS,
    ("04-2", PLAIN): TRAINS, ("04-8", NUMPY): TRAINS, ("04-8", PLAIN): TRAINS,
    ("05-9", NUMPY): TRAINS, ("05-9", PLAIN): TRAINS,
    ("10-8", TORCH): "it reads texts and words, of which torch knows none",
    ("12-2", PLAIN): "what is asked for is a torch.nn.Linear",
    ("05-3", PLAIN): "a linear system with many solutions; nobody solves it without a library",
}  # fmt: skip


def libraries(function, seen=None):
    """The libraries that a function uses, itself or through the functions it calls."""
    seen = set() if seen is None else seen
    if not inspect.isfunction(function) or function in seen:
        return set()
    seen.add(function)
    names = inspect.getclosurevars(function)
    known = {**function.__globals__, **names.nonlocals}
    codes, found = [function.__code__], set()
    while codes:
        code = codes.pop()
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        for name in (*code.co_names, *code.co_freevars):
            thing = known.get(name)
            if isinstance(thing, types.ModuleType):
                found.add(thing.__name__.partition(".")[0])
            else:
                found |= libraries(thing, seen)
    return found


def style(name, function):
    """Of which style an answer is: by its name, or else by what it uses."""
    said = [s for word, s in NAMED.items() if word in name.lower()]
    used = [s for library, s in LIBRARIES.items() if library in libraries(function)]
    return (said or used or [PLAIN])[0]


# ------------------------------------------------------------------ answers


def label_counts(frame, word, tasks):
    counts = [[0, 0, 0] for _ in tasks]
    for row in frame.itertuples():
        words = "".join(c if c.isalnum() else " " for c in row.text).split()
        counts[list(tasks).index(row.task)][row.label] += word in words
    return counts


def moments(p):
    p = np.asarray(p)
    return np.square(1 - np.mean(p, 0)).mean(), np.var(p, 0).mean()


def gather(w, x, y):
    """w x + y for one sentence, with loops."""
    return [sum(float(a) * float(b) for a, b in zip(row, x, strict=True)) + float(c)
            for row, c in zip(w, y, strict=True)]  # fmt: skip


def softmax(z):
    top = max(z)
    e = [math.exp(v - top) for v in z]
    return [v / sum(e) for v in e]


def weights_of(shared, adapters, row):
    return [
        [
            float(shared[c][j])
            + sum(float(g) * float(a[c][j]) for g, a in zip(row, adapters, strict=True))
            for j in range(len(shared[0]))
        ]
        for c in range(len(shared))
    ]


def squares(matrix):
    return sum(float(v) ** 2 for row in matrix for v in row)


def objective(parts, data, graph, alphas, lam, lam_shared):
    (shared, adapters, bias), (x, y, task) = parts, data
    J = lam_shared / 2 * squares(shared) + lam / 2 * sum(squares(a) for a in adapters)
    for t, row in enumerate(graph):
        W, losses = weights_of(shared, adapters, row), []
        for x_i, y_i, t_i in zip(x, y, task, strict=True):
            if int(t_i) == t and int(y_i) != -100:
                losses.append(-math.log(softmax(gather(W, x_i, bias[t]))[int(y_i)]))
        J += float(alphas[t]) * sum(losses) / len(losses) if losses else 0.0
    return J


def gradients(parts, data, graph, alphas, lam, lam_shared):
    (shared, adapters, bias), (x, y, task) = parts, data
    C, d = len(shared), len(shared[0])
    d_shared = [[lam_shared * float(v) for v in row] for row in shared]
    d_adapters = [[[lam * float(v) for v in row] for row in a] for a in adapters]
    d_bias = [[0.0] * C for _ in bias]
    for t, row in enumerate(graph):
        W = weights_of(shared, adapters, row)
        rows = [i for i in range(len(y)) if int(task[i]) == t]
        for i in rows:
            p = softmax(gather(W, x[i], bias[t]))
            for c in range(C):
                error = float(alphas[t]) * (p[c] - (int(y[i]) == c)) / len(rows)
                d_bias[t][c] += error
                for j in range(d):
                    d_shared[c][j] += error * float(x[i][j])
                    for k, g in enumerate(row):
                        d_adapters[k][c][j] += float(g) * error * float(x[i][j])
    return d_shared, d_adapters, d_bias


def honest_score(val_loss, test_accuracy):
    found = []
    for losses, scores in zip(val_loss, test_accuracy, strict=True):
        losses = [float(v) for v in losses]
        found.append(float(scores[losses.index(min(losses))]))
    return sum(found) / len(found)


def augment(x, task, n_tasks, s):
    wide = []
    for x_i, t_i in zip(x, task, strict=True):
        row = [float(v) for v in x_i]
        for t in range(n_tasks):
            row += [s * float(v) * (int(t_i) == t) for v in x_i]
        wide.append(row)
    return wide


def kernel_logits(x, task, e, cov):
    logits = []
    for x_i, t_i in zip(x, task, strict=True):
        row = [0.0] * len(e[0])
        for x_j, t_j, e_j in zip(x, task, e, strict=True):
            alike = sum(float(a) * float(b) for a, b in zip(x_i, x_j, strict=True))
            alike *= float(cov[int(t_i)][int(t_j)])
            row = [r + alike * float(v) for r, v in zip(row, e_j, strict=True)]
        logits.append(row)
    return logits


def factors_in_torch(a):
    a = torch.as_tensor(a)
    u, size, v = torch.linalg.svd(a - a.mean(0), full_matrices=False)
    return u[:, :2] * size[:2], v[:2]


def factors_by_hand(a):
    down = [[float(p) - float(q) for p, q in zip(row, a[0], strict=True)] for row in (a[1], a[2])]
    return [[0, 0], [1, 0], [0, 1]], down


def label(m):
    return 0 if m < -0.5 else 2 if m > 0.5 else 1


def redrawn_by_hand(ratings, rng):
    moved = 0
    for r in ratings:
        again = [r[int(rng.integers(len(r)))] for _ in r]
        moved += label(sum(again) / len(again)) != label(sum(r) / len(r))
    return moved / len(ratings)


def redrawn_in_torch(ratings, rng):
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    moved = []
    for r in map(torch.tensor, ratings):
        r = r.double()
        again = r[torch.randint(len(r), (len(r),), generator=generator)]
        moved.append(label(again.mean().item()) != label(r.mean().item()))
    return torch.tensor(moved).double().mean()


def merged_in_numpy(model, task):
    t, weight = model.task_index(task), model.shared.detach().numpy().copy()
    for k, name in enumerate(model.adapter_names):
        if model.active[name]:
            weight += float(model.graph[t, k]) * model.adapters[name].weight.detach().numpy()
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight.data[:] = torch.from_numpy(weight)
    linear.bias.data[:] = torch.from_numpy(model.bias[t].detach().numpy())
    return linear


STYLES = {
    ("01-1", PLAIN): label_counts,
    ("01-4", NUMPY): moments,
    ("02-3", TORCH): lambda graph: torch.equal(
        torch.as_tensor(graph).double(), torch.as_tensor(graph[:1]).double().expand(len(graph), -1)
    ),
    ("02-4", NUMPY): lambda lam, lam_shared, n: np.reciprocal(np.float64(1 / lam_shared + n / lam)),
    ("02-4", TORCH): lambda lam, lam_shared, n: torch.tensor(1 / lam_shared + n / lam).reciprocal(),
    ("03-4", PLAIN): objective,
    ("03-6", PLAIN): gradients,
    ("05-7", NUMPY): lambda lam, lam_shared: np.divide(lam, lam + lam_shared),
    ("05-7", TORCH): lambda lam, lam_shared: torch.tensor(lam) / torch.tensor(lam + lam_shared),
    ("06-4", PLAIN): honest_score,
    ("07-4", PLAIN): augment,
    ("07-5", PLAIN): kernel_logits,
    ("08-6", TORCH): factors_in_torch,
    ("08-6", PLAIN): factors_by_hand,
    ("10-2", TORCH): redrawn_in_torch,
    ("10-2", PLAIN): redrawn_by_hand,
    ("12-2", NUMPY): merged_in_numpy,
}
