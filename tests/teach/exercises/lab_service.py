"""Answers to try on the milestones of the service lab."""

import math

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises import answers_lab_service as answers


def costing(none=None, equal=None, over=len):
    """A wrong function for lab_service-1."""

    def mean_cost(said, truth, wrong=3.0, person=1.0):
        total = 0.0
        for s, t in zip(said, truth, strict=True):
            if s is None:
                total += person if none is None else none(wrong, person)
            elif s != t:
                total += wrong if equal is None else equal(wrong, person)
        return total / over(said)

    return mean_cost


def by_arrays(said, truth, wrong=3.0, person=1.0):
    """The mean cost in numpy."""
    said, truth = np.array(said, dtype=object), np.array(truth, dtype=object)
    silent = np.array([s is None for s in said])
    return np.where(silent, person, np.where(said == truth, 0, wrong)).mean()


def by_tensors(said, truth, wrong=3.0, person=1.0):
    """The mean cost in torch."""
    pairs = list(zip(said, truth, strict=True))
    silent = torch.tensor([s is None for s, _ in pairs])
    off = torch.tensor([s != t for s, t in pairs])
    return torch.where(silent, person, wrong * off.double()).mean()


def cosines(asked, known):
    """(n, m) by plain Python."""

    def length(row):
        return math.sqrt(sum(float(v) * float(v) for v in row))

    def cosine(a, b):
        return sum(float(u) * float(v) for u, v in zip(a, b, strict=True)) / (length(a) * length(b))

    return [[cosine(a, b) for b in known] for a in asked]


def nearest_plain(asked, known):
    rows = cosines(asked, known)
    return [row.index(max(row)) for row in rows], [max(row) for row in rows]


def nearest_torch(asked, known):
    asked, known = (torch.nn.functional.normalize(torch.as_tensor(x)) for x in (asked, known))
    cosine, place = (asked @ known.T).max(1)
    return place, cosine


def product(asked, known):
    table = asked @ known.T
    return table.argmax(1), table.max(1)


def distance(asked, known):
    table = np.linalg.norm(asked[:, None] - known[None], axis=2)
    return table.argmin(1), table.min(1)


def of_cosines(turn):
    """A wrong function for lab_service-2, from the right table of cosines."""
    return lambda asked, known: turn(np.array(cosines(asked, known)))


def half_divided(asked, known):
    place, _ = answers.nearest(asked, known)
    return place, (asked / np.linalg.norm(asked, axis=1, keepdims=True) @ known.T).max(1)


def threshold_plain(cosine, right, wrong=3.0, person=1.0):
    pairs = [(float(c), bool(r)) for c, r in zip(cosine, right, strict=True)]
    best = (person * len(pairs), math.inf)
    for t, _ in pairs:
        cost = sum(person if c < t else (0 if r else wrong) for c, r in pairs)
        best = min(best, (cost, t))
    return best[1]


def threshold_torch(cosine, right, wrong=3.0, person=1.0):
    cosine, right = torch.as_tensor(cosine), torch.as_tensor(right)
    tries = torch.cat([cosine, cosine.new_tensor([math.inf])])
    answered = cosine[None] >= tries[:, None]
    cost = torch.where(answered, wrong * (~right).to(cosine), person).mean(1)
    return tries[cost.argmin()]


def trying(choose, infinity=True):
    """A wrong function for lab_service-3: choose(tries, costs, hit rates)."""

    def threshold(cosine, right, wrong=3.0, person=1.0):
        tries = np.array([*np.unique(cosine), *([np.inf] if infinity else [])])
        costs = [np.where(cosine >= t, np.where(right, 0, wrong), person).mean() for t in tries]
        hits = [right[cosine >= t].mean() if (cosine >= t).any() else 0 for t in tries]
        return choose(tries, np.array(costs), np.array(hits))

    return threshold


def loop_of_reasons(x, W, said, rival):
    return [(float(w) - float(r)) * float(v) for w, r, v in zip(W[said], W[rival], x, strict=True)]


WRONG = {
    "lab_service-1": {
        "None is free": costing(none=lambda w, p: 0),
        "None is wrong": costing(none=lambda w, p: w),
        "exchanged": costing(none=lambda w, p: w, equal=lambda w, p: p),
        "the sum": costing(over=lambda said: 1),
        "of the answered": costing(over=lambda said: sum(s is not None for s in said)),
        "wrong is free": costing(equal=lambda w, p: 0),
        "three and one": costing(none=lambda w, p: 1.0, equal=lambda w, p: 3.0),
        "the share": lambda s, t, wrong=3.0, person=1.0: answers.mean_cost(s, t, 1.0, 0.0),
        "empty is right": lambda s, t, wrong=3.0, person=1.0: answers.mean_cost(
            s, [b or a for a, b in zip(s, t, strict=True)], wrong, person
        ),
    },
    "lab_service-2": {
        "product": product,
        "distance": distance,
        "farthest": of_cosines(lambda c: (c.argmin(1), c.min(1))),
        "turned": of_cosines(lambda c: (c.argmax(0), c.max(0))),
        "exchanged": of_cosines(lambda c: (c.max(1), c.argmax(1))),
        "half divided": half_divided,
        "distances": of_cosines(lambda c: (c.argmax(1), 1 - c.max(1))),
        "the table": of_cosines(lambda c: (c.argmax(1), c)),
        "places alone": of_cosines(lambda c: c.argmax(1)),
    },
    "lab_service-3": {
        "dearest": trying(lambda t, c, h: t[c.argmax()]),
        "hit rate": trying(lambda t, c, h: t[h.argmax()]),
        "no infinity": trying(lambda t, c, h: t[c.argmin()], infinity=False),
        "infinity": lambda cosine, right, wrong=3.0, person=1.0: np.inf,
        "the cost": trying(lambda t, c, h: c.min()),
        "the place": trying(lambda t, c, h: c.argmin()),
        "three and one": lambda cosine, right, wrong, person: answers.threshold(cosine, right),
        "exchanged": lambda cosine, right, wrong, person: answers.threshold(cosine, right, person, wrong),
        "median": lambda cosine, right, wrong=3.0, person=1.0: np.median(cosine),
        "the rule": lambda cosine, right, wrong=3.0, person=1.0: 1 - person / wrong,
    },
    "lab_service-4": {
        "of a wrong one": lambda wrong, person: person / wrong,
        "exchanged": lambda wrong, person: 1 - wrong / person,
        "odds": lambda wrong, person: wrong / (wrong + person),
        "other odds": lambda wrong, person: person / (wrong + person),
        "difference over sum": lambda wrong, person: (wrong - person) / (wrong + person),
        "per cent": lambda wrong, person: 100 * answers.enough(wrong, person),
        "a half": lambda wrong, person: 0.5,
        "two thirds": lambda wrong, person: 2 / 3,
    },
    "lab_service-5": {
        "one class": lambda x, W, said, rival: W[said] * x,
        "weights": lambda x, W, said, rival: W[said] - W[rival],
        "turned": lambda x, W, said, rival: (W[rival] - W[said]) * x,
        "the sum": lambda x, W, said, rival: (W[said] - W[rival]) @ x,
        "no sign": lambda x, W, said, rival: abs(answers.reasons(x, W, said, rival)),
        "the mean": lambda x, W, said, rival: (W[said] - W.mean(0)) * x,
        "all classes": lambda x, W, said, rival: W * x,
    },
    "lab_service-6": slips("wrwwrr"),
}  # fmt: skip

RIGHT = {
    "lab_service-1": {
        "numpy": by_arrays,
        "torch": by_tensors,
        "plain": costing(),
    },
    "lab_service-2": {
        "numpy": answers.nearest,
        "torch": nearest_torch,
        "plain": nearest_plain,
    },
    "lab_service-3": {
        "numpy": answers.threshold,
        "torch": threshold_torch,
        "plain": threshold_plain,
        "between": lambda cosine, right, wrong=3.0, person=1.0: (
            answers.threshold(cosine, right, wrong, person) - 1e-4
        ),
    },
    "lab_service-4": {
        "plain": lambda wrong, person: (wrong - person) / wrong if wrong > person else 0,
        "no floor": lambda wrong, person: 1 - person / wrong,
        "numpy": lambda wrong, person: np.clip(1 - person / wrong, 0, 1),
        "torch": lambda wrong, person: torch.relu(torch.tensor(1 - person / wrong)),
    },
    "lab_service-5": {
        "numpy": lambda x, W, said, rival: np.subtract(W[said], W[rival]) * x,
        "torch": lambda x, W, said, rival: torch.as_tensor(W[said] - W[rival]) * torch.as_tensor(x),
        "plain": loop_of_reasons,
    },
    "lab_service-6": spellings("wrwwrr"),
}
