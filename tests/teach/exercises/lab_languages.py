"""Answers to try on the milestones of the languages lab."""

import numpy as np
import torch
from drafts import slips, spellings
from scipy import stats

from ragteach.teach.exercises import answers_lab_languages as answers


def cut(width, size=abs, diagonal=False, root=True):
    """A wrong function for lab_languages-3."""

    def clear(gains, level=0.95):
        n_draws, n, _ = gains.shape
        error = gains.std(0, ddof=1) / (n_draws**0.5 if root else 1)
        found = size(gains.mean(0)) > width(n_draws, n, level) * error
        found[np.diag_indices(n)] &= diagonal
        return found

    return clear


def t_of_all(n_draws, n, level=0.95):
    return stats.t.ppf(1 - (1 - level) / 2 / (n * (n - 1)), n_draws - 1)


def by_windows(text, n):
    """Runs of letters as windows over an array of letters."""
    runs = []
    for word in text.split():
        padded = np.array([" ", *word, " "])
        runs += ["".join(run) for run in np.lib.stride_tricks.sliding_window_view(padded, n)]
    return np.array(runs)


def by_unfolding(text, n):
    """Runs of letters as windows over a tensor of their numbers."""
    runs = []
    for word in text.split():
        padded = torch.tensor([ord(letter) for letter in f" {word} "])
        runs += ["".join(map(chr, run)) for run in padded.unfold(0, n, 1).tolist()]
    return runs


WRONG = {
    "lab_languages-1": {
        "no spaces": lambda text, n: [
            w[i : i + n] for w in text.split() for i in range(len(w) - n + 1)
        ],
        "across": lambda text, n: [f" {text} "[i : i + n] for i in range(len(text) + 3 - n)],
        "a set": lambda text, n: sorted(set(answers.letters(text, n))),
        "one short": lambda text, n: [r for w in text.split() for r in answers.letters(w, n)[:-1]],
        "stripped": lambda text, n: [r.strip() for r in answers.letters(text, n)],
        "one string": lambda text, n: "|".join(answers.letters(text, n)),
        "small letters": lambda text, n: answers.letters(text.lower(), n),
        "short ends": lambda text, n: [
            f" {w} "[i : i + n] for w in text.split() for i in range(len(w) + 2)
        ],
        "up to n": lambda text, n: [r for k in range(1, n + 1) for r in answers.letters(text, k)],
        "one too many": lambda text, n: answers.letters(text, n + 1),
        "side by side": lambda text, n: [
            r for w in text.split() for r in answers.letters(w, n)[::n]
        ],
        "list of lists": lambda text, n: [answers.letters(w, n) for w in text.split()],
    },
    "lab_languages-2": {
        "templates": lambda a, b: len(set(a) & set(b)) / len(set(b)),
        "turned": lambda a, b: np.isin(a, b).mean(),
        "number": lambda a, b: np.isin(b, a).sum(),
        "the rest": lambda a, b: 1 - np.isin(b, a).mean(),
        "over train": lambda a, b: np.isin(b, a).sum() / len(a),
        "per cent": lambda a, b: 100 * np.isin(b, a).mean(),
        "the row names": lambda a, b: np.mean([t in a for t in b]),
        "over all": lambda a, b: np.isin(b, a).sum() / (len(a) + len(b)),
        "Jaccard": lambda a, b: len(set(a) & set(b)) / len(set(a) | set(b)),
        "templates over train": lambda a, b: len(set(a) & set(b)) / len(a),
    },
    "lab_languages-3": {
        "half the pairs": cut(lambda d, n, _: stats.t.ppf(1 - 0.05 / (n * (n - 1)), d - 1)),
        "with the diagonal": cut(lambda d, n, _: stats.t.ppf(1 - 0.025 / n**2, d - 1)),
        "the languages": cut(lambda d, n, _: stats.t.ppf(1 - 0.025 / n, d - 1)),
        "the draws": cut(lambda d, n, _: stats.t.ppf(1 - 0.025 / d, d - 1)),
        "n degrees": cut(lambda d, n, _: stats.t.ppf(1 - 0.025 / (n * (n - 1)), d)),
        "ddof 0": cut(lambda d, n, _: t_of_all(d, n, _) * (1 - 1 / d) ** 0.5),
        "each by itself": cut(lambda d, n, _: stats.t.ppf(0.975, d - 1)),
        "diagonal": cut(t_of_all, diagonal=True),
        "normal": cut(lambda d, n, _: stats.norm.ppf(1 - 0.025 / (n * (n - 1)))),
        "1.96": cut(lambda d, n, _: 1.96),
        "gains only": cut(t_of_all, size=lambda m: m),
        "no root": cut(t_of_all, root=False),
        "turned": lambda gains, level=0.95: ~answers.clear(gains, level),
        "one answer": lambda gains, level=0.95: answers.clear(gains, level).any(),
        "always 95 %": lambda gains, level=0.95: answers.clear(gains),
    },
    "lab_languages-4": {
        "distinct": lambda r, v: len(set(r) & v) / len(set(r)),
        "of the vocabulary": lambda r, v: len(set(r) & v) / len(v),
        "mixed": lambda r, v: len(set(r) & v) / len(r),
        "unknown": lambda r, v: 1 - answers.known_share(r, v),
        "number": lambda r, v: sum(x in v for x in r),
        "per cent": lambda r, v: 100 * answers.known_share(r, v),
        "Jaccard": lambda r, v: len(set(r) & v) / len(set(r) | v),
    },
    "lab_languages-5": slips("wwrwrr"),
}

RIGHT = {
    "lab_languages-1": {
        "numpy": by_windows,
        "torch": by_unfolding,
        "another order": lambda text, n: answers.letters(text, n)[::-1],
        "a tuple": lambda text, n: tuple(answers.letters(text, n)),
    },
    "lab_languages-2": {
        "numpy": lambda a, b: np.isin(b, a).mean(),
        "pandas": lambda a, b: b.isin(a).mean(),
        "torch": lambda a, b: torch.isin(torch.as_tensor(b), torch.as_tensor(a)).double().mean(),
        "plain": lambda a, b: len([1 for t in list(b) if t in list(a)]) / len(list(b)),
    },
    "lab_languages-3": {
        "numpy": cut(t_of_all),
        "zeros and ones": lambda gains, level=0.95: answers.clear(gains, level).astype(int),
        "torch": lambda gains, level=0.95: torch.as_tensor(answers.clear(np.asarray(gains), level)),
    },
    "lab_languages-4": {
        "numpy": lambda r, v: np.mean([x in v for x in r]),
        "isin in numpy": lambda r, v: np.isin(r, list(v)).mean(),
        "torch": lambda r, v: torch.tensor([x in v for x in r]).double().mean(),
        "a list": lambda r, v: len([x for x in r if x in list(v)]) / len(r),
    },
    "lab_languages-5": spellings("wwrwrr"),
}
