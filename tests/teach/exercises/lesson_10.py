"""Answers to try on the exercises of lesson 10."""

import re

import numpy as np
import pandas as pd
import torch
from drafts import slips, spellings
from scipy import stats

import ragteach as rt
from ragteach.teach.exercises import answers_10 as answers
from ragteach.teach.exercises import own_audit_10
from ragteach.teach.exercises.answers_10 import (
    REDRAWS,
    known_by,
    leaked,
    mcnemar,
    trial,
    without_noise,
)


def key(pattern, by, lower=True, strip=True):
    def make(text):
        text = re.sub(pattern, by, text.lower() if lower else text)
        return text.strip() if strip else text

    return make


# ------------------------------------------------------------------ 10-8


def plain_audit(train, test):
    """With lists and dicts only."""
    rows = [
        (answers.normal(a), t, c) for a, t, c in zip(*map(list, train_columns(train)), strict=True)
    ]
    new = [
        (answers.normal(a), t, c) for a, t, c in zip(*map(list, train_columns(test)), strict=True)
    ]
    classes, known = sorted({c for _, _, c in rows}), {a for a, _, _ in rows}
    words = {word for text in known for word in text.split()}
    found = {}
    for task in {t for _, t, _ in rows}:
        own = [(a, c) for a, t, c in rows if t == task]
        exam = [(a, c) for a, t, c in new if t == task]
        counts = [sum(c == k for _, c in own) for k in classes]
        usual = classes[counts.index(max(counts))]
        said = [word for a, _ in exam for word in a.split()]
        found[task] = {
            "sentences": len(own),
            "rarest": min(counts) / len(own),
            "contradictions": sum(
                len({c for b, c in own if b == a}) > 1 for a in {a for a, _ in own}
            ),
            "leaked": sum(a in known for a, _ in exam) / len(exam),
            "floor": sum(c == usual for _, c in exam) / len(exam),
            "unknown": sum(word not in words for word in said) / len(said),
        }
    return found


def train_columns(frame):
    return frame["text"], frame["task"], frame["label"]


def slipped(column, place):
    """The right audit with one column of another: the slip number ``place``."""

    def audit(train, test):
        found = own_audit_10.audit(train, test)
        slip = list(own_audit_10.slips(train, test)[column].values())[place]
        return found.assign(**{column: pd.Series(slip)})

    return audit


def without_a_task(train, test):
    return own_audit_10.audit(train, test).iloc[1:]


AUDITS = {
    f"{column}, slip {place}": slipped(column, place)
    for column, wrong in own_audit_10.slips(*own_audit_10.frames(False)).items()
    for place in range(len(wrong))
} | {
    "a task is missing": without_a_task,
    "five columns": lambda a, b: own_audit_10.audit(a, b).drop(columns="floor"),
    "a number": lambda a, b: 0.5,
}


def part_of_a_text(train, test):
    joined = " | ".join(map(answers.normal, train))
    return [answers.normal(t) in joined for t in test]


def within(train, test):
    keys = [answers.normal(t) for t in test]
    return [keys.count(k) > 1 for k in keys]


def with_p(p):
    return lambda a, b: (*mcnemar(a, b)[:2], p(a, b))


def coins(a, b, n=None, side="two-sided"):
    n10, n01, _ = mcnemar(a, b)
    return stats.binomtest(n10, n or n10 + n01, alternative=side).pvalue


def chi_square(a, b, correction):
    n10, n01, _ = mcnemar(a, b)
    return stats.chi2.sf((abs(n10 - n01) - correction) ** 2 / max(n10 + n01, 1), 1)


def plain_mcnemar(a, b):
    both = [(bool(x), bool(y)) for x, y in zip(a, b, strict=True)]
    n10, n01 = both.count((True, False)), both.count((False, True))
    return [n10, n01, stats.binomtest(n10, n10 + n01).pvalue if n10 + n01 else 1]


def torch_mcnemar(a, b):
    n10 = (a.bool() & ~b.bool()).sum(dim=0)
    n01 = (b.bool() & ~a.bool()).sum(dim=0)
    n = int(n10 + n01)
    return n10, n01, torch.tensor(stats.binomtest(int(n10), n).pvalue if n else 1.0)


def no_disagreement_forgotten(a, b):
    n10, n01 = (a & ~b).sum(), (~a & b).sum()
    return n10, n01, stats.binomtest(int(n10), int(n10 + n01)).pvalue


def zero_for_no_disagreement(a, b):
    return mcnemar(a, b) if (a != b).any() else (0, 0, 0.0)


WRONG = {
    "10-1": {
        "positive side": lambda m, c, d: ((m > c) & (m <= d)).sum(),
        "c itself": lambda m, c, d: ((abs(m) >= c) & (abs(m) <= d)).sum(),
        "c_new itself": lambda m, c, d: ((abs(m) > c) & (abs(m) < d)).sum(),
        "a share": lambda m, c, d: ((abs(m) > c) & (abs(m) <= d)).mean(),
        "neutral afterwards": lambda m, c, d: (abs(m) <= d).sum(),
        "opinion before": lambda m, c, d: (abs(m) > c).sum(),
        "those that stay": lambda m, c, d: ((abs(m) <= c) | (abs(m) > d)).sum(),
        "negative side": lambda m, c, d: ((m < -c) & (m >= -d)).sum(),
        "different ratings": lambda m, c, d: len({abs(x) for x in m if c < abs(x) <= d}),
    },
    "10-2": {f"mistake {i}": f for i, (f, _) in enumerate(REDRAWS)},
    "10-3": {
        "as they are": lambda a, b: [t in a for t in b],
        "lower case only": lambda a, b: known_by(str.lower, a, b),
        "all deleted": lambda a, b: known_by(key(r"[^a-z0-9]+", ""), a, b),
        "signs deleted": lambda a, b: known_by(key(r"[^a-z0-9 ]", ""), a, b),
        "not stripped": lambda a, b: known_by(key(r"[^a-z0-9]+", " ", strip=False), a, b),
        "capitals": lambda a, b: known_by(key(r"[^a-z0-9]+", " ", lower=False), a, b),
        "\\W": lambda a, b: known_by(key(r"\W+", " "), a, b),
        "\\W and underscores": lambda a, b: known_by(key(r"[\W_]+", " "), a, b),
        "no digits": lambda a, b: known_by(key(r"[^a-z]+", " "), a, b),
        "sign by sign": lambda a, b: known_by(key(r"[^a-z0-9]", " "), a, b),
        "bags of words": lambda a, b: known_by(
            lambda t: frozenset(key(r"[^a-z0-9]+", " ")(t).split()), a, b
        ),
        "all": lambda a, b: [True] * len(b),
        "none": lambda a, b: [False] * len(b),
        "a part": part_of_a_text,
        "within the test set": within,
        "turned round": lambda a, b: leaked(b, a),
        "not leaked": lambda a, b: ~leaked(a, b),
        "how many": lambda a, b: leaked(a, b).sum(),
    },
    "10-4": {
        "multiplied": lambda R: R * np.sqrt(np.outer(np.diag(R), np.diag(R))),
        "no root": lambda R: R / np.outer(np.diag(R), np.diag(R)),
        "one side": lambda R: R / np.diag(R),
        "the other side": lambda R: R / np.diag(R)[:, None],
        "mean": lambda R: R / np.diag(R).mean(),
        "root of the mean": lambda R: R / np.sqrt(np.diag(R).mean()),
        "largest": lambda R: R / R.max(),
        "mean of the two": lambda R: R / ((np.diag(R)[:, None] + np.diag(R)) / 2),
        "a root too many": lambda R: R / np.outer(np.diag(R), np.diag(R)) ** 0.25,
        "subtracted": lambda R: R - np.sqrt(np.outer(np.diag(R), np.diag(R))),
        "the diagonal only": lambda R: R - np.diag(np.diag(R)) + np.eye(len(R)),
    },
    "10-5": {
        "turned round": lambda a, b: (*mcnemar(b, a)[:2], mcnemar(a, b)[2]),
        "all right ones": lambda a, b: (a.sum(), b.sum(), mcnemar(a, b)[2]),
        "coin per sentence": with_p(lambda a, b: coins(a, b, len(a))),
        "one side": with_p(lambda a, b: coins(a, b, side="greater")),
        "the other side": with_p(lambda a, b: coins(a, b, side="less")),
        "unpaired": with_p(lambda a, b: stats.ttest_ind(a * 1.0, b * 1.0).pvalue),
        "shares": lambda a, b: (*(k / len(a) for k in mcnemar(a, b)[:2]), mcnemar(a, b)[2]),
        "chi-square": with_p(lambda a, b: chi_square(a, b, 0)),
        "Yates": with_p(lambda a, b: chi_square(a, b, 1)),
        "1 - p": with_p(lambda a, b: 1 - mcnemar(a, b)[2]),
        "no disagreement": no_disagreement_forgotten,
        "p of 0": zero_for_no_disagreement,
    },
    "10-6": {
        "plausible numbers": {"three": 0.021, "two": -0.014},
        "a summary": {"three": rt.summary(trial(0.02)), "two": trial(0.0)},
        "one strategy": {"three": trial(0.02), "two": trial(0.0, strategies=["RAG"])},
        "all sizes": {"three": pd.concat([trial(0.02), trial(0.02, n=20)]), "two": trial(0.0)},
        "one seed": {"three": trial(0.02), "two": trial(0.0, n_seeds=1)},
        "the same frame": {"three": trial(0.028), "two": trial(0.028)},
        "swapped": {"three": trial(-0.002), "two": trial(0.028)},
        "turned round": {"three": trial(-0.028), "two": trial(0.002)},
        "another world": {"three": trial(0.09), "two": trial(0.001)},
        "neutral kept": {"three": trial(0.028), "two": trial(0.024)},
        "one missing": {"three": trial(0.028)},
        "a list": [0.028, -0.002],
    },
    "10-7": slips("rrwwrw"),
    "10-8": AUDITS,
}

RIGHT = {
    "10-1": {
        "plain Python": lambda m, c, d: len([1 for value in m if c < abs(value) <= d]),
        "torch": lambda m, c, d: torch.logical_and(m.abs() > c, m.abs() <= d).sum(dim=0),
        "pandas": lambda m, c, d: m.abs().between(c, d, inclusive="right").sum(),
        "two labels compared": lambda m, c, d: (
            np.sign(m) * (abs(m) > c) != np.sign(m) * (abs(m) > d)
        ).sum(),
        "a difference": lambda m, c, d: (abs(m) <= d).sum() - (abs(m) <= c).sum(),
    },
    "10-2": {
        "another generator": lambda ratings, rng: answers.share_changed(
            ratings, np.random.default_rng(rng.integers(9))
        ),
        "digitize": lambda ratings, rng: np.mean(
            [
                np.sign(np.mean(r)) * (abs(np.mean(r)) > 0.5)
                != (lambda m: np.sign(m) * (abs(m) > 0.5))(
                    rng.choice(np.array(r), size=len(r), replace=True).mean()
                )
                for r in ratings
            ]
        ),
    },
    "10-3": {
        "pandas": lambda a, b: (
            pd.Series(b)
            .str.lower()
            .str.replace(r"[^a-z0-9]+", " ", regex=True)
            .str.strip()
            .isin([answers.normal(t) for t in a])
        ),
        "a tensor": lambda a, b: torch.tensor(leaked(a, b)),
        "findall": lambda a, b: [
            re.findall("[a-z0-9]+", t.lower()) in [re.findall("[a-z0-9]+", s.lower()) for s in a]
            for t in b
        ],
    },
    "10-4": {
        "two divisions": lambda R: R / np.sqrt(np.diag(R)) / np.sqrt(np.diag(R))[:, None],
        "a loop": lambda R: [
            [R[a, b] / (R[a, a] * R[b, b]) ** 0.5 for b in range(len(R))] for a in range(len(R))
        ],
        "torch": lambda R: R / torch.sqrt(torch.outer(torch.diag(R), torch.diag(R))),
        "einsum": lambda R: without_noise(np.asarray(R)),
    },
    "10-5": {
        "plain Python": plain_mcnemar,
        "torch": torch_mcnemar,
        "numpy": lambda a, b: np.array(mcnemar(a, b)),
        "from the other side": lambda a, b: (*mcnemar(a, b)[:2], mcnemar(b, a)[2]),
    },
    "10-6": {
        "other seeds": {"three": trial(0.025), "two": trial(0.004)},
        "six seeds": {"three": trial(0.025, n_seeds=6), "two": trial(-0.02, n_seeds=6)},
    },
    "10-7": spellings("rrwwrw"),
    "10-8": {
        "dicts": plain_audit,
        "turned": lambda a, b: own_audit_10.audit(a, b).T,
        "a column of tasks": lambda a, b: (
            own_audit_10.audit(a, b).rename_axis("task").reset_index()
        ),
        "columns of dicts": lambda a, b: own_audit_10.audit(a, b).to_dict(),
    },
}

WRONG["10-1"] |= {
    "per cent": lambda m, c, d: 100 * ((abs(m) > c) & (abs(m) <= d)).mean(),
    "the ratings": lambda m, c, d: abs(m)[(abs(m) > c) & (abs(m) <= d)].sum(),
    "the places": lambda m, c, d: np.flatnonzero((abs(m) > c) & (abs(m) <= d)),
    "which": lambda m, c, d: (abs(m) > c) & (abs(m) <= d),
}
WRONG["10-3"] |= {
    "the beginning": lambda a, b: [
        any(answers.normal(s).startswith(answers.normal(t)) for s in a) for t in b
    ],
    "first words": lambda a, b: known_by(lambda t: t.split()[0].lower(), a, b),
    "letters": lambda a, b: known_by(lambda t: frozenset(answers.normal(t)), a, b),
    "only train": lambda a, b: [t in {answers.normal(s) for s in a} for t in b],
    "only test": lambda a, b: [answers.normal(t) in a for t in b],
    "runs of spaces": lambda a, b: known_by(
        lambda t: re.sub(r"[^\w\s]", "", t.lower()).strip(), a, b
    ),
    "places": lambda a, b: np.flatnonzero(leaked(a, b)),
}
WRONG["10-4"] |= {
    "no sign": lambda R: np.clip(without_noise(R), 0, 1),
    "the trace": lambda R: R / np.trace(R),
    "by rows": lambda R: R / R.sum(1, keepdims=True),
}
