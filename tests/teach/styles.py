"""Right answers in a style of their own: numpy only, torch only, plain Python.

STYLES holds those that tests/teach/exercises does not have; IMPOSSIBLE says where a style makes no
sense, and why.  `style` reads from a function what it is made of.
"""

import inspect
import math
import re
import types

import numpy as np
import torch

from ragteach.dataset import MultiTaskDataset

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
    ("12-2", NUMPY): "what is asked for is a torch.nn.Linear",
    ("02-10", NUMPY): "what is asked for is a torch module",
    ("02-10", PLAIN): "what is asked for is a torch module",
    ("07-9", TORCH): "it wraps a model of scikit-learn",
    ("07-9", PLAIN): "it wraps a model of scikit-learn",
    ("08-9", TORCH): "gradients by hand, in numpy: torch would work them out",
    ("08-9", PLAIN): "it hands out arrays, which the next method of the check reads",
    ("12-7", NUMPY): "it packs a torch model",
    ("12-7", TORCH): "numpy turns the bytes of a file into numbers",
    ("12-7", PLAIN): "it packs a torch model",
    ("05-3", PLAIN): "a linear system with many solutions; nobody solves it without a library",
}  # fmt: skip


def libraries(function, seen=None):
    """The libraries that a function uses, itself or through the functions it calls."""
    seen = set() if seen is None else seen
    if inspect.isclass(function) and function.__module__.partition(".")[0] not in LIBRARIES:
        methods = [getattr(part, "__func__", part) for part in vars(function).values()]
        return set().union(*(libraries(part, seen) for part in (*methods, *function.__bases__)))
    if not inspect.isfunction(function) or function in seen:
        return set()
    seen.add(function)
    home = function.__module__.partition(".")[0]
    if home in LIBRARIES:  # what a library does inside is its own business
        return {home}
    if home == "ragteach" and not function.__module__.startswith("ragteach.teach.exercises"):
        return set()  # nor what the course hands over
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
    """Of which style an answer is: by what it uses; if it uses nothing but what it is given, by its
    name. None if it mixes styles.
    """
    said = [s for word, s in NAMED.items() if word in name.lower()]
    used = {LIBRARIES[library] for library in libraries(function) if library in LIBRARIES}
    if len(used) > 1:
        return None
    return used.pop() if used else (said or [PLAIN])[0]


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


class LossByHand:
    """The loss of 03-11 without a library."""

    def __init__(self, graph, alphas, lam, lam_shared):
        self.knobs = graph, alphas, lam, lam_shared

    def value(self, parts, data):
        return objective(parts, data, *self.knobs)

    def gradient(self, parts, data):
        return gradients(parts, data, *self.knobs)

    def moved(self, part, place, by):
        """A copy of nested lists with one entry moved."""
        if not place:
            return part + by
        return [self.moved(p, place[1:], by) if i == place[0] else p for i, p in enumerate(part)]

    def places(self, part):
        if not hasattr(part, "__len__"):
            return [()]
        return [(i, *rest) for i, entry in enumerate(part) for rest in self.places(entry)]

    def audit(self, parts, data, h):
        worst = 0.0
        for i, g in enumerate(self.gradient(parts, data)):
            for place in self.places(g):
                up, down = (
                    [self.moved(p, place, by) if i == k else p for k, p in enumerate(parts)]
                    for by in (h, -h)
                )
                by_hand = g
                for at in place:
                    by_hand = by_hand[at]
                quotient = (self.value(up, data) - self.value(down, data)) / (2 * h)
                worst = max(worst, abs(quotient - by_hand))
        return worst

    def minus(self, part, g, lr):
        if not isinstance(g, list):
            return float(part) - lr * g
        return [self.minus(p, q, lr) for p, q in zip(part, g, strict=True)]

    def step(self, parts, data, lr):
        pulls, before = self.gradient(parts, data), self.value(parts, data)
        new = [self.minus(p, g, lr) for p, g in zip(parts, pulls, strict=True)]
        if self.value(new, data) < before:
            return new, lr
        return self.step(parts, data, lr / 2) if lr > 1e-9 else (parts, 0.0)


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


def words_of(text):
    return re.findall("[a-z0-9]+", text.lower())


def counts_in_torch(frame, word, tasks):
    counts = torch.zeros(len(tasks), 3, dtype=torch.long)
    for text, label, task in zip(frame["text"], frame["label"], frame["task"], strict=True):
        counts[list(tasks).index(task), int(label)] += word in words_of(text)
    return counts


def t_quantile(p, df):
    """Where Student's t has the share p below it, p > 1/2: Simpson's rule, then halving."""
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)

    def below(t, n=400):
        h = t / n
        heights = [(1 + (i * h) ** 2 / df) ** (-(df + 1) / 2) for i in range(n + 1)]
        weights = [1] + [4, 2] * (n // 2 - 1) + [4, 1]
        return 0.5 + scale * h / 3 * sum(w * y for w, y in zip(weights, heights, strict=True))

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return low


def interval_by_hand(differences, ratio=0.0):
    d = [float(v) for v in differences]
    n = len(d)
    mean = sum(d) / n
    variance = sum((v - mean) ** 2 for v in d) / (n - 1)
    half = t_quantile(0.975, n - 1) * math.sqrt(variance * (1 / n + float(ratio)))
    return mean, mean - half, mean + half


def interval_in_torch(d, ratio=0.0):
    half = t_quantile(0.975, len(d) - 1) * (d.var() * (1 / len(d) + ratio)).sqrt()
    return torch.stack([d.mean(), d.mean() - half, d.mean() + half])


def comparison_in_torch(draw, strategies, tries, seeds, score):
    found = {name: torch.zeros(len(seeds)) for name in strategies}
    for place, seed in enumerate(seeds):
        train, val, test = draw(seed)
        data = MultiTaskDataset.from_frame(train)
        val, test = (MultiTaskDataset.from_frame(f, like=data) for f in (val, test))
        for name, fit in strategies.items():
            models = [fit(data, penalty) for penalty in tries[name]]
            losses = torch.tensor([score(model, val)["loss"] for model in models])
            best = models[losses.argmin()]
            found[name][place] = score(best, test)["accuracy"]
    return found


def solved_by_hand(matrix, right):
    """The solution of a linear system, by elimination with pivots."""
    rows = [[*map(float, row), float(b)] for row, b in zip(matrix, right, strict=True)]
    n = len(rows)
    for i in range(n):
        top = max(range(i, n), key=lambda j: abs(rows[j][i]))
        rows[i], rows[top] = rows[top], rows[i]
        for j in range(n):
            if j != i:
                factor = rows[j][i] / rows[i][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def ridge_by_hand(x, y, start, lam):
    n, d = len(x), len(start)
    matrix = [
        [sum(row[i] * row[j] for row in x) / n + lam * (i == j) for j in range(d)] for i in range(d)
    ]
    right = [
        sum(row[i] * value for row, value in zip(x, y, strict=True)) / n + lam * start[i]
        for i in range(d)
    ]
    return solved_by_hand(matrix, right)


def chosen_way(fitted, square, y, w_s, lams, fold):
    """The newcomer's search: fitted(way, rows, lam) -> w, square(w, rows) -> sum of squares."""
    ways = [("shared", None), *((w, lam) for w in ("adapter", "scratch") for lam in lams)]
    everybody, errors = list(range(len(y))), {}
    for way, lam in ways:
        total = 0.0
        for held in sorted({int(f) for f in fold}):
            rest = [i for i in everybody if int(fold[i]) != held]
            out = [i for i in everybody if int(fold[i]) == held]
            total += square(w_s if way == "shared" else fitted(way, rest, lam), out)
        errors[way, lam] = total / len(y)
    way, lam = min(errors, key=errors.get)
    w = w_s if way == "shared" else fitted(way, everybody, lam)
    return {"way": way, "lam": lam, "error": errors[way, lam], "w": w}


def newcomer_by_hand(x, y, w_s, lams, fold):
    x, y, w_s = [[float(v) for v in row] for row in x], [float(v) for v in y], list(w_s)

    def fitted(way, rows, lam):
        start = w_s if way == "adapter" else [0.0] * len(w_s)
        return ridge_by_hand([x[i] for i in rows], [y[i] for i in rows], start, lam)

    def square(w, rows):
        return sum((sum(a * b for a, b in zip(x[i], w, strict=True)) - y[i]) ** 2 for i in rows)

    return chosen_way(fitted, square, y, w_s, lams, fold)


def newcomer_in_torch(x, y, w_s, lams, fold):
    x, y, w_s = (torch.as_tensor(part) for part in (x, y, w_s))

    def fitted(way, rows, lam):
        start = w_s if way == "adapter" else torch.zeros_like(w_s)
        gram = x[rows].T @ x[rows] / len(rows) + lam * torch.eye(len(w_s), dtype=x.dtype)
        return torch.linalg.solve(gram, x[rows].T @ y[rows] / len(rows) + lam * start)

    def square(w, rows):
        return (x[rows] @ w - y[rows]).square().sum().item()

    return chosen_way(fitted, square, y, w_s, lams, fold)


class CourtByHand:
    """The court of 13-9 without a library."""

    def __init__(self, margin=0.0, level=0.95):
        self.margin, self.level, self.heard = margin, level, {}

    def hear(self, condition, scores, baseline):
        d = [float(a) - float(b) + self.margin for a, b in zip(scores, baseline, strict=True)]
        if len(d) < 3 or any(math.isnan(v) for v in d) or condition in self.heard:
            raise ValueError(condition)
        self.heard[condition] = d
        return self

    def interval(self, d):
        each = 1 - (1 - self.level) / len(self.heard)
        mean = sum(d) / len(d)
        variance = sum((v - mean) ** 2 for v in d) / (len(d) - 1)
        half = t_quantile((1 + each) / 2, len(d) - 1) * math.sqrt(variance / len(d))
        return mean, mean - half, mean + half

    def intervals(self):
        return {name: self.interval(d) for name, d in self.heard.items()}

    def verdict(self):
        words = {
            "for" if low > 0 else "against" if high <= 0 else "open"
            for _, low, high in self.intervals().values()
        }
        if not words:
            return "cannot be tested"
        if {"for", "against"} <= words:
            return "depends"
        return words.pop() if len(words) == 1 else "open"

    def luck(self, flips):
        caught = 0
        for flip in flips:
            turned = [
                [v * float(f) for v, f in zip(d, flip, strict=True)] for d in self.heard.values()
            ]
            found = [self.interval(d) for d in turned]
            caught += any(low > 0 or high < 0 for _, low, high in found)
        return caught / len(flips)


class CourtInTorch(CourtByHand):
    """The same with tensors."""

    def interval(self, d):
        d = torch.as_tensor(d)
        each = 1 - (1 - self.level) / len(self.heard)
        half = t_quantile((1 + each) / 2, len(d) - 1) * d.std() / len(d) ** 0.5
        return torch.stack([d.mean(), d.mean() - half, d.mean() + half])


def leaks_in_torch(train, test):
    known = {tuple(words_of(text)) for text in train}
    return torch.tensor([tuple(words_of(text)) in known for text in test])


def toss_by_hand(right_a, right_b):
    only_a = sum(bool(a) and not b for a, b in zip(right_a, right_b, strict=True))
    only_b = sum(bool(b) and not a for a, b in zip(right_a, right_b, strict=True))
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    return only_a, only_b, min(1.0, 2 * tail)


def toss_in_torch(right_a, right_b):
    a, b = torch.as_tensor(right_a), torch.as_tensor(right_b)
    only_a, only_b = (a & ~b).sum().double(), (b & ~a).sum().double()
    n, k = only_a + only_b, torch.arange(int(min(only_a, only_b)) + 1).double()
    chances = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    tail = (chances - n * math.log(2)).exp().sum()
    return torch.stack([only_a, only_b, (2 * tail).clamp(max=1.0)])


def clear_in_torch(gains, level=0.95):
    gains = torch.as_tensor(gains)
    n_draws, n, _ = gains.shape
    cut = t_quantile(1 - (1 - level) / (2 * n * (n - 1)), n_draws - 1)
    found = gains.mean(0).abs() > cut * gains.std(0) / n_draws**0.5
    return found & ~torch.eye(n, dtype=torch.bool)


def undo_in_torch(images, scene):
    images = torch.tensor(images.copy())
    turned = torch.rot90(images, -1, (1, 2)) if scene == "rotated" else images
    return 1 - turned if scene == "inverted" else turned


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
    ("03-11", PLAIN): LossByHand,
    ("05-7", NUMPY): lambda lam, lam_shared: np.divide(lam, lam + lam_shared),
    ("05-7", TORCH): lambda lam, lam_shared: torch.tensor(lam) / torch.tensor(lam + lam_shared),
    ("06-4", PLAIN): honest_score,
    ("07-4", PLAIN): augment,
    ("07-5", PLAIN): kernel_logits,
    ("08-6", TORCH): factors_in_torch,
    ("08-6", PLAIN): factors_by_hand,
    ("10-2", TORCH): redrawn_in_torch,
    ("10-2", PLAIN): redrawn_by_hand,
    ("01-1", TORCH): counts_in_torch,
    ("06-1", PLAIN): lambda a, b: interval_by_hand([x - y for x, y in zip(a, b, strict=True)]),
    ("06-1", TORCH): lambda a, b: interval_in_torch(torch.as_tensor(a) - torch.as_tensor(b)),
    ("06-7", PLAIN): lambda d, ratio: interval_by_hand(d, ratio),
    ("06-7", TORCH): lambda d, ratio: interval_in_torch(torch.as_tensor(d), ratio),
    ("06-8", TORCH): comparison_in_torch,
    ("09-8", PLAIN): newcomer_by_hand,
    ("09-8", TORCH): newcomer_in_torch,
    ("10-3", TORCH): leaks_in_torch,
    ("13-9", PLAIN): CourtByHand,
    ("13-9", TORCH): CourtInTorch,
    ("10-5", PLAIN): toss_by_hand,
    ("10-5", TORCH): toss_in_torch,
    ("lab_languages-3", TORCH): clear_in_torch,
    ("lab_vision-2", TORCH): undo_in_torch,
}


# ------------------------------------------------------------------ values


def holds_numbers(value):
    """Whether an answer is a number, an array, or a list or dict of them."""
    if isinstance(value, dict):
        return any(map(holds_numbers, value.values()))
    if isinstance(value, list | tuple):
        return len(value) > 0 and all(map(holds_numbers, value))
    numbers = int | float | np.generic | np.ndarray | torch.Tensor
    return isinstance(value, numbers) and not isinstance(value, bool)


def written_in(kind, value):
    """The same numbers in plain Python, numpy or torch; words stay as they are."""
    if isinstance(value, dict):
        return {key: written_in(kind, entry) for key, entry in value.items()}
    if not holds_numbers(value):
        return value
    array = np.array(value)
    if kind == PLAIN:
        return array.tolist()
    return array[()] if kind == NUMPY else torch.as_tensor(array)
