"""Answers to try on the milestones of the finance lab."""

import math

import numpy as np
import torch
from drafts import slips, spellings
from scipy import stats

from ragteach.teach.exercises import answers_lab_finance as answers

# ------------------------------------------------------------------ 1: a limit


def reached(n, share, c):
    """P(count >= c), term by term."""
    terms = [math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(c, n + 1)]
    return sum(terms)


def limit_plain(n, share, rate):
    c = 0
    while reached(n, share, c) > rate:
        c += 1
    return c


def limit_torch(n, share, rate):
    chance = torch.distributions.Binomial(n, torch.tensor(share)).log_prob(torch.arange(n + 1.0))
    tail = chance.exp().flip(0).cumsum(0).flip(0)
    return int((tail <= rate).nonzero()[0])


def limit_numpy(n, share, rate):
    return stats.binom.ppf(1 - rate, n, share) + 1


# ------------------------------------------------------------------ 2: CUSUM


def walk(step, keep=True):
    """A wrong or right CUSUM: S of the next day from S and counts - k."""

    def cusum(counts, k):
        S, days = np.zeros(len(counts)), []
        for day in range(counts.shape[1]):
            S = step(S, counts[:, day] - k)
            days.append(S)
        return np.stack(days, 1)

    return cusum


def cusum_at_once(counts, k):
    """Without a loop: the sum, minus its lowest point so far (0 at the start)."""
    total = np.cumsum(counts - k, 1)
    return total - np.minimum(0, np.minimum.accumulate(total, 1))


def cusum_torch(counts, k):
    S, days = torch.zeros(len(counts), dtype=torch.float64), []
    for today in torch.as_tensor(counts).double().unbind(1):
        S = torch.clamp(S + today - k, min=0)
        days.append(S)
    return torch.stack(days, dim=1)


def cusum_plain(counts, k):
    rows = []
    for stream in counts:
        S, days = 0.0, []
        for count in stream:
            S = max(0.0, S + float(count) - k)
            days.append(S)
        rows.append(days)
    return rows


def one_day_late(counts, k):
    S = answers.cusum(counts, k)
    return np.concatenate([np.zeros((len(S), 1)), S[:, :-1]], 1)


# ------------------------------------------------------------------ 3: a level


def level_sorted(highest, rate):
    """Sort, go down from the top as long as the rate is kept."""
    ordered = np.sort(highest)[::-1]
    allowed = int(rate * len(ordered))
    above = ordered[ordered > ordered[allowed]]
    return above[-1]


def level_torch(highest, rate):
    values = torch.unique(torch.as_tensor(highest))
    shares = (torch.as_tensor(highest)[:, None] >= values).double().mean(dim=0)
    return values[shares <= rate][0]


def level_plain(highest, rate):
    for h in sorted(set(highest)):
        if len([1 for value in highest if value >= h]) <= rate * len(highest):
            return h
    return max(highest) + 1


# ------------------------------------------------------------------ 4: delays


def delays_plain(alarms, start):
    found = []
    for stream in alarms:
        days = [day for day, alarm in enumerate(stream) if alarm]
        if days and days[0] < start:
            continue
        found.append(float(days[0] - start + 1) if days else float("nan"))
    return found


def delays_torch(alarms, start):
    alarms = torch.as_tensor(alarms)
    after = alarms[~alarms[:, :start].any(dim=1), start:]
    first = after.int().argmax(dim=1).double() + 1
    return torch.where(after.any(dim=1), first, torch.full_like(first, torch.nan))


def delays_numpy(alarms, start):
    first = np.where(alarms.any(1), alarms.argmax(1), np.inf)
    first = first[first >= start]
    return np.where(np.isinf(first), np.nan, first - start + 1)


def shifted(by):
    return lambda alarms, start: answers.delays(alarms, start) + by(start)


def never_is(value):
    def delays(alarms, start):
        found = answers.delays(alarms, start)
        return np.where(np.isnan(found), value(alarms, start), found)

    return delays


def found_only(alarms, start):
    found = answers.delays(alarms, start)
    return found[~np.isnan(found)]


def all_streams(alarms, start):
    after = alarms[:, start:]
    return np.where(after.any(1), after.argmax(1) + 1.0, np.nan)


def how_many(alarms, start):
    found = answers.delays(alarms, start)
    after = alarms[~alarms[:, :start].any(1), start:]
    return np.where(np.isnan(found), np.nan, after.sum(1))


# ------------------------------------------------------------------ 5: shares


def rates(c):
    """(hit, false) of a confusion matrix."""
    return c[0, 0] / c[0].sum(), c[1:, 0].sum() / c[1:].sum()


def said_plain(share, c):
    rows = [[float(v) for v in row] for row in c]
    hit = rows[0][0] / sum(rows[0])
    others = rows[1:]
    false = sum(row[0] for row in others) / sum(map(sum, others))
    return share * hit + (1 - share) * false


def said_torch(share, c):
    c = torch.as_tensor(c).double()
    return share * c[0, 0] / c[0].sum() + (1 - share) * c[1:, 0].sum() / c[1:].sum()


WRONG = {
    "lab_finance-1": {
        "above c": lambda n, s, r: answers.limit(n, s, r) - 1,
        "one too many": lambda n, s, r: answers.limit(n, s, r) + 1,
        "two sides": lambda n, s, r: answers.limit(n, s, r / 2),
        "normal": lambda n, s, r: n * s + stats.norm.ppf(1 - r) * (n * s * (1 - s)) ** 0.5,
        "a share": lambda n, s, r: answers.limit(n, s, r) / n,
        "the mean": lambda n, s, r: n * s,
        "the low end": lambda n, s, r: stats.binom.ppf(r, n, s),
        "two sigmas": lambda n, s, r: n * s + 2 * (n * s * (1 - s)) ** 0.5,
        "Poisson": lambda n, s, r: stats.poisson.isf(r, n * s) + 1,
    },
    "lab_finance-2": {
        "no zero": walk(lambda S, step: S + step),
        "zero at the end": lambda c, k: np.maximum(0, np.cumsum(c - k, 1)),
        "no memory": lambda c, k: np.maximum(0, c - k),
        "steps cut": lambda c, k: np.cumsum(np.maximum(0, c - k), 1),
        "only yesterday cut": walk(lambda S, step: np.maximum(0, S) + step),
        "no k": lambda c, k: np.cumsum(c, 1),
        "a day late": one_day_late,
        "axes": lambda c, k: answers.cusum(c.T, k).T,
        "turned": walk(lambda S, step: np.maximum(0, S - step)),
        "k from the counts": lambda c, k: answers.cusum(c, c.mean(1)),
    },
    "lab_finance-3": {
        "quantile": lambda h, r: np.quantile(h, 1 - r),
        "low end": lambda h, r: np.quantile(h, r),
        "two sigmas": lambda h, r: h.mean() + 2 * h.std(),
        "the highest": lambda h, r: h.max(),
        "a share": lambda h, r: np.mean(h >= answers.level(h, r)),
        "the mean": lambda h, r: h.mean(),
        "one higher": lambda h, r: answers.level(h, r) + 1,
        "all": lambda h, r: h,
    },
    "lab_finance-4": {
        "from zero": shifted(lambda start: -1),
        "since day 0": shifted(lambda start: start),
        "the day": shifted(lambda start: start - 1),
        "never is 1": never_is(lambda alarms, start: 1),
        "never is the length": never_is(lambda alarms, start: alarms.shape[1] - start),
        "never is 0": never_is(lambda alarms, start: 0),
        "found only": found_only,
        "false alarms too": all_streams,
        "the mean": lambda alarms, start: np.nanmean(answers.delays(alarms, start)),
        "how many": how_many,
    },
    "lab_finance-5": {
        "transposed": lambda s, c: answers.said_share(s, c.T),
        "hits only": lambda s, c: s * rates(c)[0],
        "false from all": lambda s, c: s * rates(c)[0] + rates(c)[1],
        "rates added": lambda s, c: s * rates(c)[0] + (1 - s) * (c / c.sum(1, keepdims=True))[1:, 0].sum(),
        "rates averaged": lambda s, c: s * rates(c)[0] + (1 - s) * (c / c.sum(1, keepdims=True))[1:, 0].mean(),
        "precision": lambda s, c: s * c[0, 0] / c[:, 0].sum() + (1 - s) * rates(c)[1],
        "accuracy": lambda s, c: s * np.trace(c) / c.sum(),
        "one minus": lambda s, c: s * rates(c)[0] + (1 - s) * (1 - rates(c)[1]),
        "validation": lambda s, c: c[:, 0].sum() / c.sum(),
        "per cent": lambda s, c: 100 * answers.said_share(s, c),
    },
    "lab_finance-6": slips("rwwwrr"),
}  # fmt: skip

RIGHT = {
    "lab_finance-1": {"plain": limit_plain, "torch": limit_torch, "numpy": limit_numpy},
    "lab_finance-2": {
        "numpy": cusum_at_once,
        "torch": cusum_torch,
        "plain": cusum_plain,
        "step by step": walk(lambda S, step: np.clip(S + step, 0, None)),
    },
    "lab_finance-3": {
        "numpy": level_sorted,
        "torch": level_torch,
        "plain": level_plain,
        "between two values": lambda h, r: answers.level(h, r) - 0.4,
        "a hair above the last": lambda h, r: np.nextafter(np.sort(h)[::-1][int(r * len(h))], 99),
        "and a little more": lambda h, r: np.sort(h)[::-1][int(r * len(h))] + 1e-9,
    },
    "lab_finance-4": {"plain": delays_plain, "torch": delays_torch, "numpy": delays_numpy},
    "lab_finance-5": {
        "plain": said_plain,
        "torch": said_torch,
        "numpy": lambda s, c: np.dot([s, 1 - s], rates(c)),
    },
    "lab_finance-6": spellings("rwwwrr"),
}
