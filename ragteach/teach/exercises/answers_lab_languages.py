"""Reference answers of the languages lab, and the mistakes that its checks know."""

import numpy as np
from scipy import stats


def letters(text, n):
    """text, n -> all runs of n letters within words; a space stands before and after each word."""
    runs = []
    for word in text.split():
        padded = f" {word} "
        runs += [padded[i : i + n] for i in range(len(padded) - n + 1)]
    return runs


def leaked(train, test):
    """train, test: the template of each sentence -> the share of test sentences whose template was trained on."""
    known = set(train)
    return sum(template in known for template in test) / len(test)


def clear(gains, level=0.95):
    """gains (n_draws, n, n) -> (n, n) True where a pair's interval leaves out 0, all pairs together at level."""
    n_draws, n, _ = gains.shape
    mean = gains.mean(0)
    error = gains.std(0, ddof=1) / n_draws**0.5
    each = 1 - (1 - level) / (n * (n - 1))
    found = abs(mean) > stats.t.ppf((1 + each) / 2, n_draws - 1) * error
    found[np.diag_indices(n)] = False
    return found


def known_share(runs, vocabulary):
    """runs of letters of a text, the training vocabulary -> the share of the runs that are in it."""
    return sum(run in vocabulary for run in runs) / len(runs)
