"""Answers to try on the exercises of lesson 01."""

import numpy as np
import pandas as pd
import torch
from drafts import slips, spellings


def counts(frame, word, tasks, pattern=r"\b{}\b"):
    has = frame["text"].str.contains(pattern.format(word), regex=True)
    return np.array(
        [
            [int((has & (frame["task"] == t) & (frame["label"] == c)).sum()) for c in range(3)]
            for t in tasks
        ]
    )


def own(n, sigma):
    return sigma**2 / n


INF = float("inf")


def by_hand(p):
    columns = [[float(row[i]) for row in p] for i in range(len(p[0]))]
    means = [sum(c) / len(c) for c in columns]
    bias2 = sum((1 - m) ** 2 for m in means) / len(means)
    spread = [sum((v - m) ** 2 for v in c) / len(c) for c, m in zip(columns, means, strict=True)]
    return bias2, sum(spread) / len(spread)


def word_by_word(frame, word, tasks):
    counts = np.zeros((len(tasks), 3), dtype=int)
    for text, label, task in zip(frame["text"], frame["label"], frame["task"], strict=True):
        if word in text.lower().rstrip(".").replace(",", "").replace(";", "").split():
            counts[tasks.index(task), label] += 1
    return counts


def crosstab(frame, word, tasks):
    rows = frame[frame["text"].str.contains(rf"\b{word}\b")]
    return pd.crosstab(rows["task"], rows["label"]).to_numpy()


def at_the_blanks(signs):
    """Counts of those who split a text at the blanks, some signs taken away."""

    def counted(frame, word, tasks):
        table = np.zeros((len(tasks), 3), dtype=int)
        for text, label, task in zip(frame["text"], frame["label"], frame["task"], strict=True):
            for sign in signs:
                text = text.replace(sign, "")
            table[tasks.index(task), label] += word in text.split()
        return table

    return counted


def times(frame, word, tasks):
    """How often the word stands there, not in how many sentences."""
    n = frame.text.str.count(rf"\b{word}\b")
    return [[n[(frame.task == t) & (frame.label == c)].sum() for c in range(3)] for t in tasks]


WRONG = {
    "01-1": {
        "crosstab": crosstab,
        "turned round": lambda f, w, t: counts(f, w, t[::-1]),
        "with punctuation": at_the_blanks(""),
        "full stops only": at_the_blanks("."),
        "is there one": lambda f, w, t: counts(f, w, t) > 0,
        "transposed": lambda f, w, t: counts(f, w, t).T,
        "part of a word": lambda f, w, t: counts(f, w, t, "{}"),
        "begins so": lambda f, w, t: counts(f, w, t, r"\b{}"),
        "ends so": lambda f, w, t: counts(f, w, t, r"{}\b"),
        "without the word": lambda f, w, t: counts(f, "", t, ".*{}") - counts(f, w, t),
        "every sentence": lambda f, w, t: counts(f, "", t, ".*{}"),
        "every time": times,
        "tasks together": lambda f, w, t: counts(f, w, t).sum(0),
        "shares": lambda f, w, t: (
            counts(f, w, t) / np.maximum(counts(f, w, t).sum(1, keepdims=True), 1)
        ),
    },
    "01-2": {
        "all plus": [1, 1, 1, 1],
        "only films": [1, 0, -1, 0],
        "zero": [0, 0, 0, 0],
        "signs round": [-1, 1, 1, -1],
        "three numbers": [1, -1, -1],
        "the truth reversed": [1, 1, -1, -1],
        "by word": [1, -1, 1, -1],
    },
    "01-3": {
        "factor squared": lambda n, k, s, t: (own(n, s), own(n, s) / k + ((1 - 1 / k) * t) ** 2),
        "scatter of the pool": lambda n, k, s, t: (own(n, s), own(n, s) / k + t**2 / k),
        "T squared": lambda n, k, s, t: (own(n, s), own(n, s) / k**2 + (1 - 1 / k) * t**2),
        "own alone": lambda n, k, s, t: own(n, s),
        "swapped": lambda n, k, s, t: (own(n, s) / k + (1 - 1 / k) * t**2, own(n, s)),
        "no bias": lambda n, k, s, t: (own(n, s), own(n, s) / k),
        "no variance": lambda n, k, s, t: (own(n, s), (1 - 1 / k) * t**2),
        "not in the pool": lambda n, k, s, t: (own(n, s), own(n, s) / k + t**2),
        "variance of one": lambda n, k, s, t: (own(n, s), own(n, s) + (1 - 1 / k) * t**2),
        "tau": lambda n, k, s, t: (own(n, s), own(n, s) / k + t),
        "not squared": lambda n, k, s, t: (s / n**0.5, s / (n * k) ** 0.5 + (1 - 1 / k) * t),
    },
    "01-4": {
        "sentences first": lambda p: ((1 - p.mean(0)).mean() ** 2, p.var(0).mean()),
        "what is there": lambda p: ((p.mean(0) ** 2).mean(), p.var(0).mean()),
        "sums": lambda p: (((1 - p.mean(0)) ** 2).sum(), p.var(0).sum()),
        "error and bias": lambda p: (((1 - p) ** 2).mean(), ((1 - p.mean(0)) ** 2).mean()),
        "swapped": lambda p: (p.var(0).mean(), ((1 - p.mean(0)) ** 2).mean()),
        "whole error": lambda p: (((1 - p) ** 2).mean(), p.var(0).mean()),
        "all mixed": lambda p: ((1 - p.mean()) ** 2, p.var()),
        "other axis": lambda p: (((1 - p.mean(1)) ** 2).mean(), p.var(1).mean()),
        "not squared": lambda p: ((1 - p.mean(0)).mean(), p.var(0).mean()),
        "ddof": lambda p: (((1 - p.mean(0)) ** 2).mean(), p.var(0, ddof=1).mean()),
        "deviation": lambda p: (((1 - p.mean(0)) ** 2).mean(), p.std(0).mean()),
    },
    "01-5": {
        "reversed": {0.25: INF, 0.5: 80, 0.75: 20, 1.0: 20},
        "the same": dict.fromkeys((0.25, 0.5, 0.75, 1.0), 80),
        "accuracies": {0.25: 0.42, 0.5: 0.65, 0.75: 0.9, 1.0: 1.0},
        "one left out": {0.25: 20, 0.75: 160, 1.0: INF},
        "a list": [20, 80, 160, INF],
        "late at 0.25": {0.25: 40, 0.5: 80, 0.75: 160, 1.0: INF},
        "late at 0.5": {0.25: 20, 0.5: 160, 0.75: 160, 1.0: INF},
        "early at 0.5": {0.25: 20, 0.5: 40, 0.75: 160, 1.0: INF},
        "a lead of less than a point": {0.25: 20, 0.5: 80, 0.75: 80, 1.0: INF},
        "never at 0.75": {0.25: 20, 0.5: 80, 0.75: INF, 1.0: INF},
        "an end at 1": {0.25: 20, 0.5: 80, 0.75: 160, 1.0: 160},
    },
    "01-6": slips("wwrwrr"),
}

RIGHT = {
    "01-1": {
        "crosstab, in order": lambda f, w, t: pd.DataFrame(crosstab(f, w, t), sorted(t)).loc[t],
        "at the blanks": at_the_blanks(".,;"),
        "masks": counts,
        "word by word": word_by_word,
        "a tensor": lambda f, w, t: torch.tensor(counts(f, w, t)),
        "lists": lambda f, w, t: counts(f, w, t).tolist(),
    },
    "01-2": {
        "scaled": [2.0, -2.0, -2.0, 2.0],
        "an array": np.array([1, -1, -1, 1]),
        "a tensor": torch.tensor([1, -1, -1, 1]),
        "a column": [[1], [-1], [-1], [1]],
        "halves, in a tuple": (0.5, -0.5, -0.5, 0.5),
    },
    "01-3": {
        "an array": lambda n, k, s, t: np.array([s * s / n, s * s / (n * k) + t * t * (k - 1) / k]),
        "tensors": lambda n, k, s, t: (
            torch.tensor(s * s / n),
            torch.tensor(s * s / (n * k) + t * t - t * t / k),
        ),
        "a list": lambda n, k, s, t: [s**2 / n, s**2 / n / k + t**2 * (k - 1) / k],
    },
    "01-4": {
        "error minus variance": lambda p: (
            ((1 - p) ** 2).mean() - p.var(0).mean(),
            p.var(0).mean(),
        ),
        "torch": lambda p: (
            (1 - torch.tensor(p).mean(0)).square().mean(),
            torch.tensor(p).var(0, unbiased=False).mean(),
        ),
        "torch on what comes": lambda p: torch.stack(
            [(1 - p.mean(dim=0)).square().mean(), p.var(dim=0, correction=0).mean()]
        ),
        "plain Python": by_hand,
    },
    "01-5": {
        "a tensor": {0.25: torch.tensor(20), 0.5: 80.0, 0.75: np.int64(160), 1.0: np.inf},
        "more entries": {0.0: 20, 0.25: 20, 0.5: 80, 0.75: 160, 1.0: INF},
    },
    "01-6": spellings("wwrwrr"),
}
