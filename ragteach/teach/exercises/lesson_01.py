"""Exercises of lesson 01: why share?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ragteach.teach.checks import call, exercise, expect, expect_close, finished
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import own_means_01  # noqa: F401  registers 01-7
from ragteach.teach.written import Sentence, in_words


def _label_counts(frame, word, tasks):
    has = frame["text"].str.contains(rf"\b{word}\b")
    counts = [
        [(has & (frame["task"] == t) & (frame["label"] == c)).sum() for c in range(3)]
        for t in tasks
    ]
    return np.array(counts)


def _split_counts(frame, word, tasks, stripped):
    """The counts of those who split at the blanks, after some signs were taken away."""
    counts = np.zeros((len(tasks), 3), dtype=int)
    for text, label, task in zip(frame["text"], frame["label"], frame["task"], strict=True):
        bare = text.translate({ord(sign): None for sign in stripped})
        counts[tasks.index(task), label] += word in bare.split()
    return counts


@exercise(
    "01-1",
    title="What does a word mean, and where?",
    difficulty="easy",
    minutes=6,
    trains="looking at the data before modelling them",
    hints=[
        "You need, for each task, how often each label stands beside the word: a table tasks x "
        "labels.",
        'frame["text"].str.contains(rf"\\b{word}\\b") finds the word as a whole; \\b is the edge '
        "of a word.",
        'Loop over tasks; ((frame["task"] == task) & has & (frame["label"] == c)).sum() is one '
        "entry.",
    ],
    reference=_label_counts,
    reason="Rows of the table that peak at different labels are tasks that disagree about the "
    "word.",
)
def label_counts(yours):
    """frame, word, tasks -> (n_tasks, 3): how many sentences of each task and label hold the
    word.
    """
    for word, tasks in (
        ("predictable", ["films", "phones", "cars"]),  # not in the order of the alphabet
        ("slow", ["cars", "food", "phones"]),
    ):
        rows = [
            (f"The thing was {word}.", 0, tasks[0]),
            (f"The thing felt un{word}.", 2, tasks[0]),
            (f"I found it {word}, and it was dear.", 2, tasks[1]),
            (f"It seemed {word}, yes, {word} and bright.", 2, tasks[1]),
            (f"It felt {word}; it was fine.", 1, tasks[-1]),
            (f"Not so {word} after all.", 0, tasks[1]),
            (f"The {word}ness of it was bright.", 1, tasks[1]),
            ("The thing was fine.", 1, tasks[0]),
        ]
        frame = pd.DataFrame(rows, columns=["text", "label", "task"])
        right = _label_counts(frame, word, tasks)
        # the one "un..." sentence, in task 0, label 2
        inside = right + np.eye(len(tasks), 3, 2, dtype=int)
        longer = np.zeros_like(right)
        longer[1, 1] = 1  # the one "...ness" sentence
        twice = np.zeros_like(right)
        twice[1, 2] = 1  # the one sentence with the word twice
        spelled = _split_counts(frame, word, tasks, "")
        no_stop = _split_counts(frame, word, tasks, ".")
        by_name = right[np.argsort(tasks)]
        everything = np.array(
            [[((frame.task == t) & (frame.label == c)).sum() for c in range(3)] for t in tasks]
        )
        expect_close(
            call(yours, frame, word, tasks),
            right,
            wrong=[
                (
                    right.T,
                    "Rows and columns are swapped: one row for each task, one column for each "
                    "label.",
                ),
                (
                    inside,
                    f'You also counted "un{word}": look for whole words, with \\b on both sides.',
                ),
                (
                    right + longer,
                    f'You also counted "{word}ness": look for whole words, with \\b on both sides.',
                ),
                (
                    inside + longer,
                    f'You also counted "un{word}" and "{word}ness": look for whole words, with '
                    "\\b on both sides.",
                ),
                (
                    right + twice,
                    "A sentence that holds the word twice is one sentence: count sentences.",
                ),
                (
                    everything - right,
                    "You counted the sentences WITHOUT the word. Those that hold it are asked for.",
                ),
                (
                    np.column_stack([right[:, 1:], 0 * right[:, 0]]),
                    "Your columns are the labels 1, 2 and 3. The labels are 0, 1 and 2.",
                ),
                (
                    by_name,
                    "The rows stand in the order of the alphabet, as pd.crosstab and groupby sort "
                    "them. The order of `tasks` is asked for: .reindex(tasks).",
                ),
                (right[::-1], "The rows are turned round: the first row is the first of `tasks`."),
                (right[:, ::-1], "The columns are turned round: label 0 comes first."),
                (
                    spelled,
                    "Words keep their punctuation when a text is split at the blanks: "
                    f'"{word}." is not "{word}". Look with \\b on both sides.',
                ),
                (
                    no_stop,
                    f'The full stops are gone, but "{word}," and "{word};" are still missed. Look '
                    "with "
                    "\\b on both sides.",
                ),
                (right > 0, "You ask whether there is one. Count how many there are: .sum()."),
                (
                    everything.sum(0),
                    "These are all labels, of all sentences: one row per task, with the word.",
                ),
                (everything, "You counted all sentences; count only those that hold the word."),
                (
                    right.sum(0),
                    "You added the tasks together. Then the disagreement is gone: keep one row per "
                    "task.",
                ),
                (
                    right / np.maximum(right.sum(1, keepdims=True), 1),
                    "These are shares. Counts are asked for: 1 of 1 and 50 of 50 are not the same "
                    "evidence.",
                ),
            ],
            what="The table of counts",
        )


@exercise(
    "01-2",
    title="Four sentences that no shared model gets right",
    difficulty="medium",
    minutes=12,
    trains="proving that something cannot be learned",
    hints=[
        "Write each f as a sum: f(script, strange) = script + strange + c, where c holds the other "
        "words and the bias.",
        "Which sentences contain 'script'? Their coefficients must add to 0, or its weight stays "
        "in the sum.",
        "The same for 'steering', 'predictable', 'strange'. Try coefficients +1 and -1 only.",
    ],
    reference=[1, -1, -1, 1],
    reason="f1 - f2 - f3 + f4 = 0 for every linear model, but the labels ask for a sum above 0.",
)
def certificate(yours):
    """a (4,): sum_i a_i f_i = 0 for all weights, while the right signs of f would make it
    positive.
    """
    # columns: script, steering, strange, predictable, the rest (other words and the bias)
    has = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 0, 1], [1, 0, 0, 1, 1], [0, 1, 0, 1, 1]])
    wanted = np.array([1, -1, -1, 1])  # the sign that each f must have
    yours = as_array(list(yours.values()) if isinstance(yours, Mapping) else yours)
    yours = yours.ravel() if yours.size == 4 else yours  # a row or a column of four is four numbers
    expect(
        yours.shape == (4,),
        f"Four coefficients are asked for; this has shape {yours.shape}.",
        yours,
    )
    expect(
        np.isfinite(yours).all(), "Four numbers, please: one of these is nan or infinite.", yours
    )
    left = yours @ has
    expect(
        np.abs(yours).sum() > 1e-9,
        "All coefficients 0 prove nothing: 0 = 0 holds for right models too.",
    )
    names = ("script", "steering", "strange", "predictable", "rest")
    weights = ", ".join(f"{v:g} x {n}" for n, v in zip(names, left, strict=True) if abs(v) > 1e-9)
    expect(
        np.allclose(left, 0, atol=1e-9),
        f"Your sum depends on the weights: what is left over is {weights}. All of it must cancel.",
        yours,
    )
    expect(
        (yours * wanted > 0).all(),
        "It cancels, but with these signs the right labels make every term negative. Turn all "
        "signs round, so that every term is positive if the labels are right.",
        yours,
    )


def _expected_errors(n, n_tasks, sigma, tau):
    own = sigma**2 / n
    variance = sigma**2 / (n * n_tasks)
    bias2 = (1 - 1 / n_tasks) * tau**2
    return own, bias2 + variance


@exercise(
    "01-3",
    title="When is the pooled mean better?",
    difficulty="medium",
    minutes=12,
    trains="bias and variance, with numbers you can check",
    hints=[
        "The own mean of n measurements has no bias; its variance is sigma^2 divided by what?",
        "The pooled mean averages n T measurements, so its variance is smaller by a factor T. Now "
        "its bias.",
        "Bias of task t: mu_bar - mu_t. Its expected square over random tasks is (1 - 1/T) tau^2, "
        "because mu_t itself is one T-th of mu_bar.",
    ],
    reference=_expected_errors,
    rule="An expected squared error is a variance plus a squared bias. Which of the two has which?",
    reason="Own: all variance. Pooled: little variance, and a bias that no amount of data removes.",
)
def expected_errors(yours):
    """n, n_tasks, sigma, tau -> (own, pooled): expected squared errors."""
    for n, n_tasks, sigma, tau in ((5, 4, 2.0, 0.7), (25, 3, 1.5, 0.4)):
        own, pooled = _expected_errors(n, n_tasks, sigma, tau)
        bias = (1 - 1 / n_tasks) * tau**2
        variance = own / n_tasks
        expect_close(
            call(yours, n, n_tasks, sigma, tau),
            [own, pooled],
            wrong=[
                (
                    [own, variance + (1 - 1 / n_tasks) ** 2 * tau**2],
                    "You squared the factor 1 - 1/T. But the other tasks scatter too: their share "
                    "adds (1 - 1/T)/T, and together that is 1 - 1/T.",
                ),
                (
                    [own, variance + tau**2 / n_tasks],
                    "tau^2 / T is how much the average of all tasks scatters. The bias is the "
                    "distance of one task from that average.",
                ),
                (
                    [own, own / n_tasks**2 + bias],
                    "T times the measurements divide the variance by T, not by T^2.",
                ),
                *[
                    (
                        [sigma / n**0.5, sigma / (n * n_tasks) ** 0.5 + factor * tau],
                        "These are standard deviations, and a bias that is not squared. Expected "
                        "squares are asked for: variances, and the square of the bias.",
                    )
                    for factor in (0, 1, 1 - 1 / n_tasks, (1 - 1 / n_tasks) ** 0.5)
                ],
                (
                    [own, variance + tau],
                    "tau is a standard deviation: the squared bias needs tau^2. And task t is itself "
                    "one T-th of the pool.",
                ),
                (
                    [sigma / n, sigma / (n * n_tasks) + (1 - 1 / n_tasks) * tau],
                    "sigma and tau are not squared. Variances are sigma^2 and tau^2.",
                ),
                ([pooled, own], "The two are swapped: first the own mean, then the pooled one."),
                (
                    [own, variance + (1 - 1 / n_tasks) * tau],
                    "tau is a standard deviation. The squared bias needs tau^2.",
                ),
                (
                    [own, variance + tau**2 / (n_tasks - 1)],
                    "tau^2 / (T - 1) is how the mean of the OTHER tasks scatters. The bias is the "
                    "distance of one task from the mean of all.",
                ),
                (
                    [own, variance + (1 + 1 / (n_tasks - 1)) * tau**2],
                    "That is the distance to the mean of the other tasks. Task t itself is "
                    "in the pool.",
                ),
                (
                    [own + tau**2, variance + bias],
                    "The own mean has no bias: how tasks differ does not touch it.",
                ),
                (
                    [own, (sigma**2 + tau**2) / (n * n_tasks)],
                    "More values do not make the difference between tasks smaller: only the noise "
                    "is divided by n T.",
                ),
                (
                    [sigma**2 / (n - 1), sigma**2 / (n * n_tasks - 1) + bias],
                    "n - 1 belongs to estimating a variance. The variance of a mean is "
                    "sigma^2 / n.",
                ),
                ([own, variance], "The pooled mean also has a bias: the tasks' true means differ."),
                (
                    [own, bias],
                    "The pooled mean still has a variance: it is made of n T noisy measurements.",
                ),
                (
                    [own, variance + tau**2],
                    "Nearly: task t is itself one T-th of the pool, so the bias is a little "
                    "smaller than tau^2. With one task the bias must be 0.",
                ),
                (
                    [own, own + bias],
                    "The pooled mean averages n T measurements, not n: its variance is T times "
                    "smaller.",
                ),
                (
                    [sigma / n**0.5, sigma / (n * n_tasks) ** 0.5 + (1 - 1 / n_tasks) * tau],
                    "These are standard deviations. Squared errors are asked for, and only squares "
                    "can be added.",
                ),
            ],
            what="(own, pooled)",
        )


def _bias_and_variance(p):
    return ((1 - p.mean(axis=0)) ** 2).mean(), p.var(axis=0).mean()


@exercise(
    "01-4",
    title="Take an error apart",
    difficulty="medium",
    minutes=10,
    trains="telling bias and variance apart in a real model",
    hints=[
        "Bias and variance belong to one sentence; average over sentences last.",
        "The typical answer to a sentence is the mean over draws: p.mean(axis=0).",
        "bias2 = ((1 - p.mean(axis=0)) ** 2).mean() and variance = p.var(axis=0).mean().",
    ],
    reference=_bias_and_variance,
    reason="For every sentence E(1 - p)^2 = (1 - E p)^2 + Var p, exactly; then average over "
    "sentences.",
)
def bias_and_variance(yours):
    """p (n_draws, n_docs): probability given to the true class -> (squared bias, variance)."""
    rng = np.random.default_rng(3)
    for shape in ((5, 7), (12, 4)):
        p = rng.uniform(size=shape) ** rng.uniform(0.3, 3, size=shape[1])
        right = _bias_and_variance(p)
        expect_close(
            call(yours, p),
            right,
            wrong=[
                (
                    ((1 - p.mean(0)).mean() ** 2, right[1]),
                    "You average over the sentences before you square. Square for each sentence "
                    "first.",
                ),
                (
                    ((p.mean(0) ** 2).mean(), right[1]),
                    "The bias is what is missing to 1: square 1 - p.mean(0), not p.mean(0).",
                ),
                (
                    (((1 - p.mean(0)) ** 2).sum(), p.var(0).sum()),
                    "You added the sentences up; average over them.",
                ),
                (
                    (((1 - p) ** 2).mean(), right[0]),
                    "The first number is the whole error, and the second is the bias.",
                ),
                (right[::-1], "The two are swapped: first the squared bias, then the variance."),
                (
                    (((1 - p) ** 2).mean(), right[1]),
                    "The first number is the whole error. Take the mean over draws first, then "
                    "square what is missing to 1: that is the bias.",
                ),
                (
                    ((1 - p.mean()) ** 2, p.var()),
                    "You mixed draws and sentences. Easy and hard sentences differ, and that is "
                    "not variance: use axis=0 first.",
                ),
                (
                    (((1 - p.mean(1)) ** 2).mean(), p.var(1).mean()),
                    "You went along sentences (axis=1). Bias and variance compare draws: axis=0.",
                ),
                (
                    (np.abs(1 - p.mean(0)).mean(), right[1]),
                    "The bias is not squared, so the two do not add up.",
                ),
                (
                    (right[0], p.var(0, ddof=1).mean()),
                    "With ddof=1 the two parts do not add up to the error of these draws: use "
                    "ddof=0.",
                ),
                ((right[0], p.std(0).mean()), "That is a standard deviation; square it."),
            ],
            what="(squared bias, variance)",
        )


INFINITE = float("inf")
SIZES = (20, 40, 80, 160)
CROSSING = {0.25: 20, 0.5: 80, 0.75: 160, 1.0: INFINITE}
_EARLY = {
    0.25: "",  # there is no smaller size
    0.5: "Too early at 0.5: in that row of the table above full sharing is still ahead.",
    0.75: (
        "Too early at 0.75: in that row the two are level, or full sharing leads. A lead is at "
        "least one point, 0.01."
    ),
    1.0: "",  # told above
}
_LATE = {
    0.25: (
        "Too late at 0.25: with so little in common it takes few sentences. Read the table from "
        "its top."
    ),
    0.5: (
        "Too late at 0.5: the table above is this same experiment. Independent models lead in an "
        "earlier row of it."
    ),
    0.75: "Too late at 0.75: look at the last row again. Who leads there, and by how much?",
    1.0: "",
}


@exercise(
    "01-5",
    title="Where does sharing stop paying?",
    difficulty="hard",
    minutes=12,
    trains="an experiment: related tasks and how much data they need",
    hints=[
        "curves(r, [...]) gives one row for each number of sentences. Call it for each r and look "
        "at the rows first.",
        'ahead = table["independent"] >= table["full sharing"] + 0.01 says in which rows '
        "independent models "
        "lead.",
        "first[r] = the smallest index of the rows with ahead, or infinity if there is none: "
        'min(table.index[ahead], default=float("inf")).',
    ],
    reference=dict(CROSSING),
    rule="for one r, read the table from the top: the first row where independent is higher by "
    "0.01",
    reason="The more alike the tasks, the longer pooling pays: the bias is smaller, and so the "
    "variance of separate models takes more data to fall below it.",
)
def crossing(yours):
    """{relatedness: smallest number of sentences per task at which independent models lead}."""
    expect(
        isinstance(yours, Mapping),
        "Hand over the dictionary first, with one entry for each relatedness.",
    )
    said = {float(r): n for r, n in yours.items()}
    missing = set(CROSSING) - set(said)
    expect(not missing, f"There is no entry for relatedness {sorted(missing)}.")
    finished([said[r] for r in CROSSING], "Some entries are not there yet.")
    mine = {r: float(as_array(said[r]).reshape(())) for r in CROSSING}
    for r, value in mine.items():
        expect(
            value in (*SIZES, INFINITE),
            f"{r}: {value:g} is not one of the sizes tried. Each entry is a number of sentences "
            "per task (20, 40, 80, 160), or infinity if independent models never lead.",
        )
    expect(
        len(set(mine.values())) > 1,
        "The same everywhere? Look again: is relatedness=r passed on to curves?",
    )
    expect(
        not mine[0.25] > mine[0.75],
        "The order is reversed: at 0.75 the tasks are more alike. Did you look for where full "
        "sharing leads?",
    )
    expect(
        mine[1.0] == INFINITE,
        "At relatedness 1 there is nothing that one model for all could not say: do independent "
        "models ever lead there?",
    )
    for r, right in CROSSING.items():
        expect(mine[r] >= right, _EARLY[r])
        expect(mine[r] <= right, _LATE[r])


in_words(
    "01-6",
    title="One country too many",
    difficulty="easy",
    minutes=10,
    trains="saying bias, variance and negative transfer without symbols",
    hints=[
        "What does the small country gain from the others' sentences? What did it lack?",
        "What does the large country lose? It had enough data of its own.",
        "What would you keep in common, and what not?",
    ],
    draft={
        "a": Sentence(
            "The large country lost because it, too, had too few reviews of its own.",
            False,
            "It had enough. It lost because words mean something else there: that is bias.",
        ),
        "b": Sentence(
            "The average accuracy over all countries is enough to judge the next model.",
            False,
            "An average hides a loss in one country behind a gain in another. Test each by itself.",
        ),
        "c": Sentence(
            "The small country gained because its own few reviews gave a noisy model.",
            True,
            "That is variance: few reviews, an unsteady estimate. Pooling makes it steadier.",
        ),
        "d": Sentence(
            "If we pool even more countries, the large country will recover.",
            False,
            "More pooled data make the average more exact. It stays an average of unlike things.",
        ),
        "e": Sentence(
            "What happened to the large country is called negative transfer.",
            True,
            "A task that does worse with the others' data than without: that is negative transfer.",
        ),
        "f": Sentence(
            "One common model must average over meanings that differ between countries.",
            True,
            "One weight a word serves all countries: where they differ it is a compromise.",
        ),
    },
    model="The small country had too few reviews, so its own model was noisy; the pooled reviews "
    "reduced that variance. The large country had enough of its own. Now it must use one common "
    "meaning for words that its customers use differently: that is bias, or negative transfer, "
    "and pooling more will not remove it. I would keep a common part, give each country a small "
    "part of its own, and test every country separately.",
    tempting="The large country was unlucky with this run. More data always reduce the error, so "
    "pool the reviews of more countries and train longer.",
    flaw="More data reduce the variance. The bias of one meaning for words that differ stays, "
    "however many reviews there are.",
    rubric=[
        "the small country: too little data of its own, so a noisy model; pooling makes it "
        "steadier (variance)",
        "the large country: words mean something else there; one model must average (bias, "
        "negative transfer)",
        "says that more pooled data will not mend the second",
        "proposes something between: shared weights and a part per country, judged on each "
        "country separately",
    ],
)
