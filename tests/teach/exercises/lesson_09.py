"""Answers to try on the exercises of lesson 09."""

import numpy as np
import pandas as pd
import torch
from drafts import slips, spellings
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

import ragteach as rt
from ragteach.teach.exercises import answers_09 as answers
from ragteach.teach.exercises.answers_09 import MOVES

GAINS = {
    0.0: [-0.1, -0.2, -0.15, -0.1, -0.2, -0.12],
    0.75: [0.4, 0.3, 0.35, 0.45, 0.4, 0.38],
    "verdict": "b",
}


def weighted(losses, labels):
    weight = rt.class_weights(labels, labels.max() + 1)[labels]
    return (weight * losses).sum() / weight.sum()


def undivided(losses, labels):
    return (rt.class_weights(labels, labels.max() + 1)[labels] * losses).sum()


def summed_ridge(X, y, w_s, lam):
    return np.linalg.solve(X.T @ X + lam * np.eye(len(w_s)), X.T @ y + lam * w_s)


def by_adapter(X, y, w_s, lam):
    n, d = X.shape
    return w_s + np.linalg.solve(X.T @ X / n + lam * np.eye(d), X.T @ (y - X @ w_s) / n)


def by_descent(X, y, w_s, lam):
    w = w_s.copy()
    for _ in range(5000):
        w -= 0.1 * (X.T @ (X @ w - y) / len(y) + lam * (w - w_s))
    return w


WRONG = {
    "09-1": {
        "alpha itself": answers.task_weight,
        "swapped": lambda n, alpha: answers.sentence_weight(
            n, "size" if alpha == "equal" else "equal"
        ),
        "always equal": lambda n, alpha: 1 / n,
        "always size": lambda n, alpha: np.ones(len(n)) / n.mean(),
        "divided by the tasks": lambda n, alpha: answers.sentence_weight(n, alpha) / len(n),
        "one number": lambda n, alpha: 1 / n.sum(),
        "sum of sizes": lambda n, alpha: 1 / n if alpha == "equal" else np.ones(len(n)) / n.sum(),
        "not the function": 0.1,
        "ones": lambda n, alpha: np.ones(len(n)),
        "other order": lambda n, alpha: (1 / n)[::-1],
        "shares": lambda n, alpha: n / n.sum(),
        "times the mean": lambda n, alpha: answers.sentence_weight(n, alpha) * n.mean(),
        "the median": lambda n, alpha: 1 / n if alpha == "equal" else n / n / np.median(n),
        "the largest": lambda n, alpha: 1 / n if alpha == "equal" else n / n / n.max(),
        "a root": lambda n, alpha: n**-0.5,
    },
    "09-2": {
        "accuracy": lambda truth, said: (truth == said).mean(),
        "precision": lambda truth, said: precision_score(
            truth, said, average="macro", labels=np.unique(truth), zero_division=0
        ),
        "macro-F1": lambda truth, said: f1_score(
            truth, said, average="macro", labels=np.unique(truth)
        ),
        "not averaged": answers.recalls,
        "mean of nothing": lambda truth, said: np.mean(
            [(said[truth == c] == c).mean() for c in range(3)]
        ),
        "accuracy per class": lambda truth, said: np.mean(
            [((truth == c) == (said == c)).mean() for c in np.unique(truth)]
        ),
        "always three classes": lambda truth, said: answers.recalls(truth, said).sum() / 3,
        "the worst": lambda truth, said: answers.recalls(truth, said).min(),
        "missed": lambda truth, said: 1 - answers.balanced_accuracy(truth, said),
        "per cent": lambda truth, said: 100 * answers.balanced_accuracy(truth, said),
        "guessing earns 0": lambda truth, said: balanced_accuracy_score(truth, said, adjusted=True),
        "specificity": lambda truth, said: np.mean(
            [(said[truth != c] != c).mean() for c in np.unique(truth)]
        ),
        "geometric": lambda truth, said: np.exp(np.log(answers.recalls(truth, said)).mean()),
    },
    "09-3": {
        "plain mean": lambda losses, labels: losses.mean(),
        "common counts more": answers.common_counts_more,
        "sum of means": lambda losses, labels: answers.class_means(losses, labels).sum(),
        "not divided": undivided,
        "sums": lambda losses, labels: np.mean(
            [losses[labels == c].sum() for c in np.unique(labels)]
        ),
        "a draw": lambda losses, labels: np.random.choice(losses),
        "per class": answers.class_means,
        "probabilities": lambda losses, labels: (
            1 / (len(np.unique(labels)) * np.bincount(labels)[labels])
        ),
        "the median class": lambda losses, labels: np.median(answers.class_means(losses, labels)),
        "divided twice": lambda losses, labels: (
            answers.expected_draw(losses, labels) / len(np.unique(labels))
        ),
    },
    "09-4": {
        **{f"{key} turned": MOVES | {key: "no" if MOVES[key] == "yes" else "yes"} for key in MOVES},
        "one missing": {k: v for k, v in MOVES.items() if k != "e"},
        "a list": list(MOVES.values()),
    },
    "09-5": {
        "towards zero": answers.ridge,
        "the adapter": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, lam) - w_s,
        "summed squares": summed_ridge,
        "w_s without lam": answers.ridge_without_lam,
        "adapter fitted to y": lambda X, y, w_s, lam: w_s + answers.ridge(X, y, w_s, lam),
        "sign of w_s": lambda X, y, w_s, lam: answers.ridge_towards(X, y, -w_s, lam),
        "nothing learnt": lambda X, y, w_s, lam: w_s,
        "least squares": lambda X, y, w_s, lam: np.linalg.lstsq(X, y, rcond=None)[0],
        "n times lam": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, len(X) * lam),
        "halfway": lambda X, y, w_s, lam: (answers.ridge(X, y, w_s, lam) + w_s) / 2,
        "halfway to least squares": lambda X, y, w_s, lam: (w_s + np.linalg.pinv(X) @ y) / 2,
        "by the features": lambda X, y, w_s, lam: answers.ridge_towards(
            X, y, w_s, lam * X.shape[1] / len(X)
        ),
        "half": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, lam) / 2,
    },
    "09-6": {
        "one seed": GAINS | {0.0: [-0.2]},
        "the same seed": GAINS | {0.75: [0.4] * 6},
        "percentages": GAINS | {0.75: [40.0, 35.0, 44.0, 41.0, 38.0, 39.0]},
        "scratch minus adapter": {r: [-g for g in GAINS[r]] for r in (0.0, 0.75)}
        | {"verdict": "b"},
        "worlds exchanged": {0.0: GAINS[0.75], 0.75: GAINS[0.0], "verdict": "b"},
        "one world twice": GAINS | {0.75: GAINS[0.0]},
        "accuracies": {0.0: [0.2, 0.25, 0.3] * 2, 0.75: [0.8, 0.85, 0.9] * 2, "verdict": "b"},
        "a run that failed": GAINS | {0.0: [*GAINS[0.0][:5], np.nan]},
        "no gain at 0.75": GAINS | {0.75: [0.1, -0.1, 0.05, -0.05, 0.02, -0.03]},
        "no loss at 0": GAINS | {0.0: [0.1, -0.1, 0.05, -0.05, 0.02, -0.03]},
        "verdict a": GAINS | {"verdict": "a"},
        "verdict c": GAINS | {"verdict": "c"},
        "one world": {0.0: GAINS[0.0], "verdict": "b"},
        "a list": [0.1, 0.2],
    },
    "09-7": slips("wwrrrw"),
}


def plain_weight(sizes, alpha):
    n_mean = sum(sizes) / len(sizes)
    return [1 / n if alpha == "equal" else n / n_mean / n for n in sizes]


def plain_recall(truth, said):
    shares = []
    for c in sorted(set(truth.tolist())):
        mine = [s == c for t, s in zip(truth, said, strict=True) if t == c]
        shares.append(sum(mine) / len(mine))
    return sum(shares) / len(shares)


def torch_recall(truth, said):
    truth, said = torch.as_tensor(truth), torch.as_tensor(said)
    return torch.stack([(said[truth == c] == c).float().mean() for c in truth.unique()]).mean()


def plain_draw(losses, labels):
    classes = set(labels.tolist())
    total = 0.0
    for c in classes:
        mine = [loss for loss, label in zip(losses, labels, strict=True) if label == c]
        total += sum(mine) / len(mine) / len(classes)
    return float(total)


def torch_draw(losses, labels):
    losses, labels = torch.as_tensor(losses), torch.as_tensor(labels)
    counts = torch.bincount(labels)
    return (losses / counts[labels]).sum() / (counts > 0).sum()


def torch_ridge(X, y, w_s, lam):
    X, y, w_s = (torch.as_tensor(part) for part in (X, y, w_s))
    left = X.T @ X / len(X) + lam * torch.eye(len(w_s), dtype=X.dtype)
    return torch.linalg.solve(left, X.T @ y / len(X) + lam * w_s)


def stacked_rows(X, y, w_s, lam):
    n, d = X.shape
    rows, targets = np.sqrt(n * lam) * np.eye(d), np.sqrt(n * lam) * w_s
    return np.linalg.lstsq(np.vstack([X, rows]), np.append(y, targets), rcond=None)[0].tolist()


RIGHT = {
    "09-1": {
        "task_alphas": lambda n, alpha: rt.losses.task_alphas(alpha, n).numpy() / n,
        "numpy": lambda n, alpha: 1 / n if alpha == "equal" else np.full(len(n), 1 / n.mean()),
        "torch": lambda n, alpha: torch.tensor(answers.sentence_weight(n, alpha)),
        "plain Python": plain_weight,
    },
    "09-2": {
        "scikit-learn": lambda truth, said: recall_score(
            truth, said, average="macro", labels=np.unique(truth)
        ),
        "torch": torch_recall,
        "plain Python": plain_recall,
    },
    "09-3": {"class weights": weighted, "torch": torch_draw, "plain Python": plain_draw},
    "09-4": {
        "a column": pd.Series({key: np.bool_(word == "yes") for key, word in MOVES.items()}),
        "capitals": {k: v.upper() for k, v in MOVES.items()},
        "booleans": {k: v == "yes" for k, v in MOVES.items()},
        "another order": dict(reversed(MOVES.items())),
    },
    "09-5": {
        "adapter plus w_s": by_adapter,
        "gradient descent": by_descent,
        "torch": torch_ridge,
        "rows for the penalty": stacked_rows,
    },
    "09-6": {
        "arrays": {r: np.array(GAINS[r]) for r in (0.0, 0.75)} | {"verdict": "(B)"},
        "tensors": {r: torch.tensor(GAINS[r]) for r in (0.0, 0.75)} | {"verdict": "b"},
        "eight seeds": GAINS | {0.75: [*GAINS[0.75], 0.5, 0.2]},
    },
    "09-7": spellings("wwrrrw"),
}

WRONG["09-1"] |= {"divided twice": lambda n, alpha: n**-2.0 if alpha == "equal" else 1 / n}
WRONG["09-2"] |= {
    "never said, left out": lambda truth, said: np.mean(
        [(said[truth == c] == c).mean() for c in np.intersect1d(truth, said)]
    ),
    "added": lambda truth, said: answers.recalls(truth, said).sum(),
    "a count": lambda truth, said: (truth == said).sum(),
    "errors": lambda truth, said: (truth != said).mean(),
    "or": lambda truth, said: np.mean(
        [
            ((truth == c) & (said == c)).sum() / ((truth == c) | (said == c)).sum()
            for c in np.unique(truth)
        ]
    ),
}
WRONG["09-3"] |= {
    "a mean of weighted ones": lambda losses, labels: (losses / np.bincount(labels)[labels]).mean(),
    "the rarest": lambda losses, labels: losses[labels == np.bincount(labels).argmin()].mean(),
    "the last class": lambda losses, labels: np.mean(
        [losses[labels == c].mean() for c in range(labels.max())]
    ),
}
WRONG["09-5"] |= {
    "twice lam": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, 2 * lam),
    "half lam": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, lam / 2),
    "lam squared": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, lam**2),
    "1 / lam": lambda X, y, w_s, lam: answers.ridge_towards(X, y, w_s, 1 / lam),
    "no n on the right": lambda X, y, w_s, lam: np.linalg.solve(
        X.T @ X / len(X) + lam * np.eye(len(w_s)), X.T @ y + lam * w_s
    ),
    "no n on the left": lambda X, y, w_s, lam: np.linalg.solve(
        X.T @ X + lam * np.eye(len(w_s)), X.T @ y / len(X) + lam * w_s
    ),
    "one step": lambda X, y, w_s, lam: w_s - lam * X.T @ (X @ w_s - y) / len(X),
    "predictions": lambda X, y, w_s, lam: X @ answers.ridge_towards(X, y, w_s, lam),
}
