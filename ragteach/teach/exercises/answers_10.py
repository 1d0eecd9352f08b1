"""Reference answers of lesson 10, the typical mistakes, and small data to try them on."""

import re

import numpy as np
import pandas as pd
from scipy import stats

# ------------------------------------------------------------------ 10-1


def labels_moved(rating, c, c_new):
    m = np.abs(rating)
    return int(((m > c) & (m <= c_new)).sum())


def wrong_moves(rating, c, c_new):
    """(answer, message) of the typical mistakes."""
    m = np.abs(rating)
    low = c
    high = c_new
    inside = (m > low) & (m <= high)
    return [
        (
            ((rating > low) & (rating <= high)).sum(),
            "You counted the positive side only. A rating between -c_new and -c changes "
            "its label too.",
        ),
        (
            ((m >= low) & (m <= high)).sum(),
            "A rating of exactly +-c is neutral under both cuts (a label needs MORE than the cut), "
            "so it does not change.",
        ),
        (
            ((m > low) & (m < high)).sum(),
            "A rating of exactly +-c_new has an opinion under c and is neutral under "
            "c_new: it changes.",
        ),
        (inside.mean(), "That is the share of labels. Asked is their number."),
        (
            (m <= high).sum(),
            "These are all that are neutral under c_new. Some of them were neutral before.",
        ),
        (
            (m > low).sum(),
            "These are all that have an opinion under c. Most of them keep it under c_new.",
        ),
        ((~inside).sum(), "These are the labels that stay."),
        (100 * inside.mean(), "That is the share in per cent. Asked is the number of labels."),
        (m[inside].sum(), "You added the ratings up. Count them."),
        (
            np.flatnonzero(inside),
            "These are the places of the labels that change. Asked is how many there are.",
        ),
        (inside, "This says of every label whether it changes. Asked is how many do: sum it."),
        (
            ((rating < -low) & (rating >= -high)).sum(),
            "You counted the negative side only. A rating between c and c_new changes "
            "its label too.",
        ),
        (
            len(np.unique(m[inside])),
            "You counted different ratings. Each sentence has a label: count sentences.",
        ),
    ]


# ------------------------------------------------------------------ 10-2


def _label(m, cut=0.5):
    return 1 + (m > cut) * 1 - (m < -cut) * 1


def share_changed(ratings, rng):
    old = np.array([np.mean(r) for r in ratings])
    new = np.array([rng.choice(r, len(r)).mean() for r in ratings])

    def label(m):
        return 1 + (m > 0.5) - 1 * (m < -0.5)

    return (label(new) != label(old)).mean()


def redrawn(ratings, rng, size=None, replace=True, cut=0.5, middle=np.mean, at_least=False):
    """The same with options, which make the mistakes."""
    cut = cut - 1e-9 if at_least else cut
    old = np.array([np.mean(r) for r in ratings])
    new = np.array([middle(rng.choice(r, size or len(r), replace=replace)) for r in ratings])
    return float((_label(new, cut) != _label(old, cut)).mean())


def crowd(seed=0, n=3000):
    """Ratings near the cuts, so that mistakes show; twelve people a sentence."""
    rng = np.random.default_rng(seed)
    middle = rng.choice([-0.7, -0.3, 0.3, 0.7], size=(n, 1))
    said = np.clip(np.rint(middle + rng.normal(size=(n, 12))), -4, 4).astype(int)
    return [tuple(row) for row in said.tolist()]


def at_the_cut(n=4000):
    """Means of exactly +-0.5, which are neutral: where the cut lies, and which side it is on, shows."""
    return [(4, 1, 1, *[0] * 9), (-4, -1, -1, *[0] * 9)] * (n // 2)


def one_pool(ratings, rng):
    """The mistake of drawing from everybody's ratings at once."""
    pool = np.concatenate(ratings)
    old = np.array([np.mean(r) for r in ratings])
    new = np.array([rng.choice(pool, len(r)).mean() for r in ratings])
    return float((_label(new) != _label(old)).mean())


def mean_changed(ratings, rng):
    """The mistake of comparing the means, not the labels."""
    old = np.array([np.mean(r) for r in ratings])
    new = np.array([rng.choice(r, len(r)).mean() for r in ratings])
    return float((new != old).mean())


REDRAWS = [
    (
        lambda r, rng: redrawn(r, rng, replace=False),
        "Nothing changed: you drew without replacement, which gives the same ratings in "
        "another order.",
    ),
    (
        lambda r, rng: redrawn(r, rng, size=1),
        "You drew ONE rating per sentence. Draw as many as there are, and take their mean.",
    ),
    (
        one_pool,
        "You drew from the ratings of all sentences. Each sentence has its own: draw "
        "from those only.",
    ),
    (mean_changed, "You compared the means. Cut both at +-0.5 first, and compare the labels."),
    (
        lambda r, rng: redrawn(r, rng, cut=0.0),
        "You cut at 0. The labels are cut at +-0.5, with a neutral band between.",
    ),
    (
        lambda r, rng: 1 - share_changed(r, rng),
        "That is the share of labels that stay. Asked is the share that changes.",
    ),
    (
        lambda r, rng: redrawn(r, rng, cut=0.6),
        "The new labels are cut at another place. Cut at +-0.5, old and new alike.",
    ),
    (
        lambda r, rng: redrawn(r, rng, at_least=True),
        "A mean of exactly 0.5 is neutral: a label needs MORE than the cut.",
    ),
    (
        lambda r, rng: redrawn(r, rng, middle=np.median),
        "You took the median. The label is made from the mean of the ratings.",
    ),
    (
        lambda r, rng: redrawn(r, rng, size=20),
        "You drew 20 ratings whatever there are. Draw len(r) of them: films have 15.",
    ),
]

# ------------------------------------------------------------------ 10-3


def leaked(train, test):
    def normal(texts):
        texts = pd.Series(texts).str.lower()
        return texts.str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()

    return normal(test).isin(set(normal(train))).to_numpy()


def normal(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def known_by(key, train, test):
    """Which test texts have a twin in training, if twins are texts of one ``key``."""
    known = {key(text) for text in train}
    return np.array([key(text) in known for text in test])


TRAIN = [
    "Good film!",
    "A plot, a cast",
    "Never again.",
    "So-so",
    "It's fine",
    "  twice  told ",
    "no",
    "Twice Shy",
    "plot_twist",
    "Café noir",
    "Take 2",
    "Good, not bad",
    "Fine weather",
]
TEST = [
    "good film",
    "Good film!",
    "A plot. A cast!",
    "again",
    "SO SO",
    "its fine",
    "twice told",
    "twice shy",
    "new",
    "new!",
    "plot twist",
    "caf noir",
    "take 3",
    "Bad, not good",
    "Fine",
    "No!",
]


def wrong_leaks():
    """(answer, message) of the typical mistakes, on TRAIN and TEST."""
    joined = " | ".join(normal(t) for t in TRAIN)
    keys = [normal(t) for t in TEST]
    return [
        (
            known_by(str, TRAIN, TEST),
            "You compared the texts as they are. Normalise both sides first.",
        ),
        (
            known_by(str.lower, TRAIN, TEST),
            "Lower case alone is not enough: 'Good film!' and 'good film' are twins. Take out "
            "the signs too.",
        ),
        (
            known_by(lambda t: re.sub(r"[^a-z0-9]+", "", t.lower()), TRAIN, TEST),
            "You deleted the other characters, spaces too, so 'it's' and 'its' became one. Put ONE "
            "SPACE in their place.",
        ),
        (
            known_by(lambda t: re.sub(r"[^a-z0-9 ]", "", t.lower()).strip(), TRAIN, TEST),
            "You deleted the signs instead of putting a space: 'So-so' became 'soso', and "
            "'its' met 'it's'.",
        ),
        (
            known_by(lambda t: re.sub(r"[^a-z0-9]+", " ", t.lower()), TRAIN, TEST),
            "There are still spaces at the ends: 'good film ' is not 'good film'. Strip them.",
        ),
        (
            known_by(lambda t: re.sub(r"[^a-z0-9]+", " ", t).strip(), TRAIN, TEST),
            "Capitals are in the way: bring the texts to lower case first.",
        ),
        (
            known_by(lambda t: re.sub(r"\W+", " ", t.lower()).strip(), TRAIN, TEST),
            "\\W keeps underscores and letters such as é: 'plot_twist' and 'plot twist' are twins "
            "here. Use [^a-z0-9].",
        ),
        (
            known_by(lambda t: re.sub(r"[\W_]+", " ", t.lower()).strip(), TRAIN, TEST),
            "é is a letter to Python, but not one of a-z: 'Café noir' becomes 'caf noir'. "
            "Use [^a-z0-9].",
        ),
        (
            known_by(lambda t: re.sub(r"[^a-z]+", " ", t.lower()).strip(), TRAIN, TEST),
            "You took the digits out as well: 'Take 2' and 'take 3' became one. Keep 0-9.",
        ),
        (
            known_by(lambda t: re.sub(r"[^a-z0-9]", " ", t.lower()).strip(), TRAIN, TEST),
            "Every single sign became a space: 'A plot, a cast' has two in a row. ONE space for a "
            "whole run (+).",
        ),
        (
            known_by(lambda t: tuple(sorted(normal(t).split())), TRAIN, TEST),
            "You compare which words occur, not the texts: 'Good, not bad' is no twin of "
            "'Bad, not good'.",
        ),
        (
            np.array([any(normal(s).startswith(k) for s in TRAIN) for k in keys]),
            "A text that is only the beginning of another is no twin. Compare whole texts.",
        ),
        (
            known_by(lambda t: t.split()[0].lower(), TRAIN, TEST),
            "You compared first words. Twins are equal as a whole.",
        ),
        (
            known_by(lambda t: frozenset(normal(t)), TRAIN, TEST),
            "You compared which letters occur. Compare whole texts.",
        ),
        (
            np.array([t in {normal(s) for s in TRAIN} for t in TEST]),
            "Only the training texts are normalised. Do the same to the test texts.",
        ),
        (
            np.array([k in set(TRAIN) for k in keys]),
            "Only the test texts are normalised. Do the same to the training texts.",
        ),
        (
            known_by(lambda t: re.sub(r"[^\w\s]", "", t.lower()).strip(), TRAIN, TEST),
            "You deleted the signs instead of putting a space, and runs of spaces stayed. ONE SPACE "
            "for each run of other characters.",
        ),
        (
            np.flatnonzero(leaked(TRAIN, TEST)),
            "These are places. Return True or False for each test text.",
        ),
        (
            np.ones(len(TEST), dtype=bool),
            "You say that every text leaked. Which of them stand in TRAIN?",
        ),
        (
            np.zeros(len(TEST), dtype=bool),
            "You say that none leaked. 'good film' and 'Good film!' are twins: "
            "normalise both sides.",
        ),
        (
            np.array([k in joined for k in keys]),
            "You looked for a part of a text: 'again' is not 'Never again.'. Compare whole texts.",
        ),
        (
            np.array([keys.count(k) > 1 for k in keys]),
            "These are twins WITHIN the test set. Asked are test texts that stand in training.",
        ),
        (
            leaked(TEST, TRAIN),
            "The two are the wrong way round: one answer for every TEST text, looked up among "
            "TRAIN texts.",
        ),
        (~leaked(TRAIN, TEST), "True and False are the wrong way round: True means leaked."),
        (
            leaked(TRAIN, TEST).sum(),
            "That is how many leaked. Return True or False for each test text.",
        ),
    ]


# ------------------------------------------------------------------ 10-4


def without_noise(R):
    q = np.diag(R)
    return R / np.sqrt(np.outer(q, q))


# ------------------------------------------------------------------ 10-5


def mcnemar(right_a, right_b):
    only_a = int((right_a & ~right_b).sum())
    only_b = int((~right_a & right_b).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return only_a, only_b, p


def wrong_mcnemars(a, b):
    """(answer, message) of the typical mistakes."""
    n10, n01, p = mcnemar(a, b)
    n = len(a)
    right = (int(a.sum()), int(b.sum()))

    def fair(k, total, side="two-sided"):
        return stats.binomtest(k, total, alternative=side).pvalue

    return [
        (
            (n01, n10, p),
            "The two counts are the other way round: first the sentences only a got right.",
        ),
        (
            (*right, p),
            "You counted all that each got right. Those that BOTH got right say nothing: "
            "leave them out.",
        ),
        (
            (n10, n01, fair(n10, n)),
            "You tossed a coin for every sentence. The coins are the disagreements only: "
            "N = n10 + n01.",
        ),
        (
            (n10, n01, fair(n10, n10 + n01, "greater")),
            "This p looks at one side only. Nobody said beforehand which is better: leave "
            "it two-sided.",
        ),
        (
            (n10, n01, fair(n10, n10 + n01, "less")),
            "This p asks whether a is WORSE. Leave the test two-sided.",
        ),
        (
            (n10, n01, stats.ttest_ind(a.astype(float), b.astype(float)).pvalue),
            "A t-test of two separate groups forgets that both read the same sentences.",
        ),
        ((n10 / n, n01 / n, p), "Those are shares. Return the counts."),
        (
            (n10, n01, stats.chi2.sf((n10 - n01) ** 2 / (n10 + n01), 1)),
            "That is the chi-square approximation. The exact chance is "
            "stats.binomtest(k, N).pvalue.",
        ),
        (
            (n10, n01, stats.chi2.sf((abs(n10 - n01) - 1) ** 2 / (n10 + n01), 1)),
            "That is the approximation with Yates' correction. The exact chance is binomtest's.",
        ),
        (
            (n10, n01, 1 - p),
            "That is 1 - p. A small p says that a fair coin would hardly be so uneven.",
        ),
    ]


# ------------------------------------------------------------------ 10-6


def trial(lead, n_seeds=4, n=100, strategies=("RAG", "full sharing"), spread=0.01):
    """A table in the form of `compare`, in which RAG leads full sharing by so much on average."""
    noise = spread * np.random.default_rng(0).normal(size=n_seeds)
    wide = {"RAG": 0.5 + lead + noise - noise.mean(), "full sharing": np.full(n_seeds, 0.5)}
    rows = [(name, seed, wide[name][seed]) for name in strategies for seed in range(n_seeds)]
    table = pd.DataFrame(rows, columns=["strategy", "seed", "value"])
    return table.assign(
        task="mean", metric="accuracy", n_per_task=n, data="yours", n_params=0, seconds=0.0,
        draws="resplit", test_per_train=0.5,
    )  # fmt: skip


EXPERIMENT = {"three": trial(0.021), "two": trial(0.0)}
