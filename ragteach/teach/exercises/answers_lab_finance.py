"""Reference answers of the finance lab, and the mistakes that its checks know."""

import numpy as np
from scipy import stats


def limit(n, share, rate):
    """n headlines, the usual share of negatives -> the smallest count c with P(count >= c) <= rate."""
    c = np.arange(n + 2)
    reached = stats.binom.sf(c - 1, n, share)  # P(count >= c)
    return int(c[reached <= rate][0])


def cusum(counts, k):
    """counts (n_streams, n_days), k -> S (n_streams, n_days): S_t = max(0, S_(t-1) + counts_t - k)."""
    S = np.zeros(np.shape(counts))
    before = np.zeros(len(S))
    for day in range(S.shape[1]):
        before = np.maximum(0, before + counts[:, day] - k)
        S[:, day] = before
    return S


def level(highest, rate):
    """highest S of each quiet period (n_streams,) -> the smallest of the levels that occur which at most a share rate reach."""
    candidates = [*np.unique(highest), np.max(highest) + 1]
    return next(h for h in candidates if np.mean(highest >= h) <= rate)


def delays(alarms, start):
    """One number for each stream that is quiet before the surge; the others had a false alarm, and are dropped.

    alarms (n_streams, n_days), True or False; start: the column of the surge's first day, counted from 0 -> its
    days until the alarm, 1 if it comes on the first day, NaN if there is none.
    """
    # an alarm before the surge is a false one: those streams are left out
    quiet = ~alarms[:, :start].any(1)
    after = alarms[quiet, start:]
    return np.where(after.any(1), after.argmax(1) + 1.0, np.nan)


def said_share(share, confusion):
    """share of negatives, confusion (truth, said), negative first -> the share that is called negative."""
    hit = confusion[0, 0] / confusion[0].sum()
    false = confusion[1:, 0].sum() / confusion[1:].sum()
    return share * hit + (1 - share) * false
