"""Reference answers of the service lab, and the mistakes that its checks know."""

import numpy as np


def mean_cost(said, truth, wrong=3.0, person=1.0):
    """said: answers, or None for "I don't know"; truth: the right ones -> the mean cost of a message."""
    costs = [
        person if one is None else wrong * (one != true)
        for one, true in zip(said, truth, strict=True)
    ]
    return sum(costs) / len(costs)


def nearest(asked, known):
    """asked (n, d), known (m, d), no row zero -> (place of the nearest known row, its cosine), (n,) each."""
    asked, known = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (asked, known))
    cosine = asked @ known.T  # (n, m)
    return cosine.argmax(1), cosine.max(1)


def threshold(cosine, right, wrong=3.0, person=1.0):
    """cosine (n,), right (n,) whether the nearest message's answer is right -> the t that costs least."""
    cosine = np.asarray(cosine)
    right = np.asarray(right, dtype=bool)
    tries = [*np.unique(cosine), np.inf]  # infinity: nothing is answered
    costs = [np.where(cosine >= t, np.where(right, 0, wrong), person).mean() for t in tries]
    return float(tries[int(np.argmin(costs))])


def enough(wrong, person):
    """What a wrong answer costs, what a person costs -> the probability at which answering pays."""
    return max(0.0, 1 - person / wrong)


def reasons(x, W, said, rival):
    """x (d,), W (n_classes, d), two class numbers -> what each feature speaks for said, against rival."""
    return (W[said] - W[rival]) * x
