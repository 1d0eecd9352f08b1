"""Reference answers of the recommendation lab, and the mistakes that its checks know."""

import numpy as np


def ndcg(ratings, scores, k):
    """ratings 1 .. 5 and scores of the same items -> nDCG@k, with gains 2^rating - 1."""
    gains = 2.0 ** np.asarray(ratings) - 1
    place = 1 / np.log2(np.arange(2, k + 2))
    first = gains[np.argsort(-np.asarray(scores))][:k]
    best = np.sort(gains)[::-1][:k]
    return first @ place[: len(first)] / (best @ place[: len(best)])


def popularity(ratings, prior):
    """ratings (n_readers, n_items), nan where unrated -> (n_items,) how much better than a reader's mean, shrunk."""
    above = ratings - np.nanmean(ratings, axis=1, keepdims=True)
    return np.nansum(above, axis=0) / (np.isfinite(ratings).sum(axis=0) + prior)


def new_adapter(x, ratings, shared, lam):
    """x (n, d) and ratings (n,) of a new reader, both centred; w_s (d,) -> the adapter a (d,)."""
    left = ratings - x @ shared
    return np.linalg.solve(x.T @ x / len(x) + lam * np.eye(x.shape[1]), x.T @ left / len(x))


def recall(ratings, scores, k):
    """ratings and scores of the same items -> of those rated 4 or 5, the share among the first k."""
    liked = np.asarray(ratings) >= 4
    return liked[np.argsort(-np.asarray(scores))][:k].sum() / liked.sum()
