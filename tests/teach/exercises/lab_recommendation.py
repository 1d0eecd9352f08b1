"""Answers to try on the milestones of the recommendation lab."""

import math

import numpy as np
import torch
from drafts import slips, spellings
from sklearn.metrics import ndcg_score

from ragteach.teach.exercises import answers_lab_recommendation as answers

# ---- nDCG


def dcg(gains, k, shift=2):
    kept = np.asarray(gains, dtype=float)[:k]
    return (kept / np.log2(np.arange(shift, len(kept) + shift))).sum()


def listed(ratings, scores):
    """(gains in the list's order, in the best order)."""
    gains = 2.0 ** np.asarray(ratings) - 1
    return gains[np.argsort(-np.asarray(scores))], np.sort(gains)[::-1]


def ndcg_wrong(change):
    return lambda ratings, scores, k: change(*listed(ratings, scores), k)


def ndcg_of(gain):
    def wrong(ratings, scores, k):
        gains = gain(np.asarray(ratings, dtype=float))
        return dcg(gains[np.argsort(-scores)], k) / dcg(np.sort(gains)[::-1], k)

    return wrong


def ndcg_by_hand(ratings, scores, k):
    pairs = sorted(zip(scores, ratings, strict=True), reverse=True)
    mine = sum((2 ** int(r) - 1) / math.log2(i + 2) for i, (_, r) in enumerate(pairs[:k]))
    best = sorted((int(r) for r in ratings), reverse=True)
    return mine / sum((2**r - 1) / math.log2(i + 2) for i, r in enumerate(best[:k]))


def ndcg_in_torch(ratings, scores, k):
    gains = 2.0 ** torch.as_tensor(ratings).double() - 1
    place = torch.log2(torch.arange(2, k + 2).double())
    mine = gains[torch.as_tensor(scores).argsort(descending=True)][:k]
    return (mine / place).sum() / (gains.sort(descending=True).values[:k] / place).sum()


# ---- popularity


def above(ratings):
    return ratings - np.nanmean(ratings, 1, keepdims=True)


def count(ratings):
    return np.isfinite(ratings).sum(0)


def popularity_by_hand(ratings, prior):
    total, n = [0.0] * len(ratings[0]), [0] * len(ratings[0])
    for row in ratings:
        given = [float(r) for r in row if not math.isnan(float(r))]
        mean = sum(given) / len(given)
        for i, r in enumerate(row):
            if not math.isnan(float(r)):
                total[i] += float(r) - mean
                n[i] += 1
    return [t / (m + prior) for t, m in zip(total, n, strict=True)]


def popularity_in_torch(ratings, prior):
    ratings = torch.as_tensor(ratings).double()
    left = ratings - ratings.nanmean(1, keepdim=True)
    return left.nansum(0) / (ratings.isfinite().sum(0) + prior)


# ---- a new reader


def solved(target=None, above=None, below=None, price=None):
    def wrong(x, ratings, shared, lam):
        n = len(x)
        goal = ratings - x @ shared if target is None else target(x, ratings, shared)
        cost = lam if price is None else price(lam, n)
        system = x.T @ x / (above or n) + cost * np.eye(x.shape[1])
        return np.linalg.solve(system, x.T @ goal / (below or n))

    return wrong


def adapter_by_hand(x, ratings, shared, lam):
    """Gauss without pivots: the matrix is positive definite."""
    n, d = len(x), len(x[0])
    x = [[float(v) for v in row] for row in x]
    left = [
        float(r) - sum(v * float(w) for v, w in zip(row, shared, strict=True))
        for row, r in zip(x, ratings, strict=True)
    ]
    rows = [
        [sum(row[i] * row[j] for row in x) / n + (lam if i == j else 0.0) for j in range(d)]
        + [sum(row[i] * e for row, e in zip(x, left, strict=True)) / n]
        for i in range(d)
    ]
    for i in range(d):
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for j in range(d):
            if j != i:
                factor = rows[j][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


def adapter_in_torch(x, ratings, shared, lam):
    x, ratings, shared = (torch.as_tensor(v).double() for v in (x, ratings, shared))
    left = ratings - x @ shared
    n, d = x.shape
    return torch.linalg.solve(x.T @ x + n * lam * torch.eye(d).double(), x.T @ left)


# ---- recall


def hits(ratings, scores, k, least=4, turn=1):
    order = np.argsort(-turn * np.asarray(scores))
    return (np.asarray(ratings)[order][:k] >= least).sum()


def recall_by_hand(ratings, scores, k):
    pairs = sorted(zip(scores, ratings, strict=True), reverse=True)
    return sum(r >= 4 for _, r in pairs[:k]) / sum(r >= 4 for r in ratings)


def recall_in_torch(ratings, scores, k):
    liked = (torch.as_tensor(ratings) >= 4).double()
    return liked[torch.as_tensor(scores).topk(k).indices].sum() / liked.sum()


WRONG = {
    "lab_recommendation-1": {
        "DCG": ndcg_wrong(lambda mine, best, k: dcg(mine, k)),
        "linear gains": ndcg_of(lambda r: r),
        "2^r": ndcg_of(lambda r: 2.0**r),
        "flat": ndcg_wrong(lambda mine, best, k: mine[:k].sum() / best[:k].sum()),
        "turned": lambda r, s, k: answers.ndcg(r, -s, k),
        "no cut": lambda r, s, k: answers.ndcg(r, s, len(r)),
        "best of the chosen": ndcg_wrong(
            lambda mine, best, k: dcg(mine, k) / dcg(np.sort(mine[:k])[::-1], k)
        ),
        "best not cut": ndcg_wrong(lambda mine, best, k: dcg(mine, k) / dcg(best, len(best))),
        "not sorted": lambda r, s, k: dcg(2.0**r - 1, k) / dcg(np.sort(2.0**r - 1)[::-1], k),
        "per cent": lambda r, s, k: 100 * answers.ndcg(r, s, k),
    },
    "lab_recommendation-2": {
        "raw": lambda r, p: np.nansum(r, 0) / (count(r) + p),
        "one mean": lambda r, p: np.nansum(r - np.nanmean(r), 0) / (count(r) + p),
        "no prior": lambda r, p: np.nansum(above(r), 0) / np.maximum(count(r), 1),
        "a sum": lambda r, p: np.nansum(above(r), 0),
        "all readers": lambda r, p: np.nansum(above(r), 0) / (len(r) + p),
        "how many": lambda r, p: count(r).astype(float),
        "prior above": lambda r, p: (np.nansum(above(r), 0) + p) / (count(r) + p),
        "unrated is 0": lambda r, p: (
            (np.nan_to_num(r) - np.nan_to_num(r).mean(1, keepdims=True)).sum(0) / (count(r) + p)
        ),
        "of readers": lambda r, p: np.nansum(above(r), 1) / (np.isfinite(r).sum(1) + p),
        "nan for nobody": lambda r, p: np.where(count(r) > 0, answers.popularity(r, p), np.nan),
    },
    "lab_recommendation-3": {
        "from nothing": solved(lambda x, r, s: r),
        "the whole": lambda x, r, s, lam: s + answers.new_adapter(x, r, s, lam),
        "no price": solved(price=lambda lam, n: 0.0),
        "sums": solved(above=1, below=1),
        "half a mean": solved(above=1),
        "the other half": solved(below=1),
        "n lam": solved(price=lambda lam, n: n * lam),
        "added": solved(lambda x, r, s: r + x @ s),
        "half of lam": solved(price=lambda lam, n: lam / 2),
        "the inverse": solved(price=lambda lam, n: 1 / lam),
        "a step": lambda x, r, s, lam: x.T @ (r - x @ s) / len(x),
    },
    "lab_recommendation-4": {
        "precision": lambda r, s, k: hits(r, s, k) / k,
        "of all": lambda r, s, k: hits(r, s, k) / len(r),
        "number": lambda r, s, k: hits(r, s, k),
        "fives": lambda r, s, k: hits(r, s, k, 5) / (r >= 5).sum(),
        "threes": lambda r, s, k: hits(r, s, k, 3) / (r >= 3).sum(),
        "turned": lambda r, s, k: hits(r, s, k, turn=-1) / (r >= 4).sum(),
        "per cent": lambda r, s, k: 100 * answers.recall(r, s, k),
        "missed": lambda r, s, k: 1 - answers.recall(r, s, k),
        "not sorted": lambda r, s, k: (r[:k] >= 4).sum() / (r >= 4).sum(),
    },
    "lab_recommendation-5": slips("rwrwwr"),
}

RIGHT = {
    "lab_recommendation-1": {
        "numpy, by scikit-learn": lambda r, s, k: ndcg_score([2.0 ** np.asarray(r) - 1], [s], k=k),
        "plain": ndcg_by_hand,
        "torch": ndcg_in_torch,
    },
    "lab_recommendation-2": {
        "numpy, masked": lambda r, p: np.nan_to_num(above(r)).sum(0) / (count(r) + p),
        "plain": popularity_by_hand,
        "torch": popularity_in_torch,
    },
    "lab_recommendation-3": {
        "numpy, the inverse": lambda x, r, s, lam: (
            np.linalg.inv(x.T @ x + len(x) * lam * np.eye(len(s))) @ x.T @ (r - x @ s)
        ),
        "plain": adapter_by_hand,
        "torch": adapter_in_torch,
    },
    "lab_recommendation-4": {
        "numpy": lambda r, s, k: (np.asarray(r)[np.argsort(s)[::-1][:k]] > 3).sum() / (np.asarray(r) > 3).sum(),
        "plain": recall_by_hand,
        "torch": recall_in_torch,
    },
    "lab_recommendation-5": spellings("rwrwwr"),
}  # fmt: skip
