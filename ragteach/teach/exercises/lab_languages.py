"""Milestones of the languages lab: intents in five languages as tasks."""

import numpy as np
import pandas as pd

from ragteach.teach.checks import call, exercise, expect, expect_close, expect_equal, finished
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_lab_languages as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ lab_languages-1


@exercise(
    "lab_languages-1",
    title="Runs of letters",
    difficulty="easy",
    minutes=10,
    trains="making features that need no list of words",
    hints=[
        "Go through the words, text.split(); put a space before and after each.",
        "A padded word of length L has L - n + 1 runs of n letters.",
        "padded[i : i + n] for i in range(len(padded) - n + 1), for every word.",
    ],
    reference=answers.letters,
    reason="The spaces tell a run at a word's end from one in its middle: endings are grammar.",
)
def letters(yours):
    """(text, n) -> the runs in any order, for they are only counted; repeated ones repeated."""
    for text, n in (("go on on", 2), ("timer stop", 3), ("Kitchen Light", 4)):
        words = text.split()
        found = call(yours, text, n)
        expect(not isinstance(found, str), "Return a list of runs, not one string.")
        mine = sorted(str(run) for run in found)

        def without(words=words, n=n):
            return [w[i : i + n] for w in words for i in range(len(w) - n + 1)]

        padded = f" {text} "
        right = answers.letters(text, n)
        expect_equal(
            mine,
            sorted(right),
            wrong=[
                (sorted(without()), "The spaces before and after each word are missing."),
                (
                    sorted(padded[i : i + n] for i in range(len(padded) - n + 1)),
                    "Some runs reach across two words. Take each word by itself.",
                ),
                (sorted(set(right)), "A run that occurs twice counts twice: a list, not a set."),
                (
                    sorted(run for w in words for run in answers.letters(w, n)[:-1]),
                    "The last run of each word is missing: range goes to L - n + 1.",
                ),
                (
                    sorted(run.strip() for run in right),
                    "Keep the spaces in the runs; strip nothing.",
                ),
                (
                    sorted(run.lower() for run in right),
                    "Leave capitals as they are: who wants small letters makes them before.",
                ),
                (
                    sorted(f" {w} "[i : i + n] for w in words for i in range(len(w) + 2)),
                    "The last ones are shorter than n. Stop where a whole run of n still fits.",
                ),
                (
                    sorted(run for k in range(1, n + 1) for run in answers.letters(text, k)),
                    "These are runs of all lengths up to n. Asked are those of n letters.",
                ),
                (
                    sorted(answers.letters(text, n + 1)),
                    "These runs have one letter too many: padded[i : i + n] has n.",
                ),
                (
                    sorted(answers.letters(text, n - 1)),
                    "These runs have one letter too few: padded[i : i + n] has n.",
                ),
                (
                    sorted(run for w in words for run in answers.letters(w, n)[::n]),
                    "A run begins at every letter, not at every n-th: they overlap.",
                ),
                (
                    sorted(str(answers.letters(w, n)) for w in words),
                    "This is a list of lists, one a word. Put all runs into one list.",
                ),
            ],
            what="The list of runs",
        )


# ------------------------------------------------------------------ lab_languages-2


@exercise(
    "lab_languages-2",
    title="How much leaks (an experiment with splits)",
    difficulty="easy",
    minutes=10,
    trains="seeing that a split by sentence is no split, where sentences come from templates",
    hints=[
        "A test sentence leaks if its template also made a training sentence.",
        "Count sentences, not templates.",
        "known = set(train); the mean of (template in known) over test.",
    ],
    reference=answers.leaked,
    reason="Split by sentence, some test sentences have a twin in training, the more the more "
    "sentences a template makes; split by template, none has.",
)
def leaked(yours):
    """(train, test) templates -> the share of test sentences that leak."""
    # columns of a frame, as the cell below hands them over, with the index of shuffled rows
    train = pd.Series([0, 0, 1, 2, 5, 5, 5, 5, 8, 9, 7], [3, 1, 18, 40, 6, 12, 13, 8, 15, 10, 11])
    test = pd.Series([0, 0, 0, 0, 3, 4, 5, 6], [0, 2, 5, 7, 9, 14, 16, 17])
    both = set(train) & set(test)
    right = answers.leaked(train, test)
    expect_close(
        call(yours, train, test),
        right,
        wrong=[
            (
                np.mean([template in train for template in test]),
                "x in a pandas column asks for x among the row names, not the values: take "
                "set(train), or test.isin(train).",
            ),
            (len(both) / len(set(test)), "That is a share of templates. Count the test sentences."),
            (
                np.isin(train, test).mean(),
                "That is the share of training sentences. Turn it round.",
            ),
            (
                np.isin(test, train).sum(),
                "That is a number of sentences; divide by how many there are.",
            ),
            (1 - right, "That is the share that does not leak."),
            (
                len(both) / len(train),
                "Divide by the number of test sentences, and count sentences.",
            ),
            (np.isin(test, train).sum() / len(train), "Divide by the number of test sentences."),
            (
                np.isin(test, train).sum() / (len(train) + len(test)),
                "Divide by the test sentences alone, not by all.",
            ),
            (
                len(both) / len(set(train) | set(test)),
                "That is Jaccard's index, of templates. Count the test sentences that leak.",
            ),
            (100 * right, "As a share, not in per cent."),
            (len(both), "That is a number of templates; the share of test sentences is asked for."),
        ],
        what="The share",
    )


# ------------------------------------------------------------------ lab_languages-3


@exercise(
    "lab_languages-3",
    title="Twenty pairs, one level",
    difficulty="hard",
    minutes=18,
    trains="reading a matrix of comparisons without being fooled by its size",
    hints=[
        "For each pair: mean over draws, and its standard error, std(ddof=1) / root of n_draws.",
        "With n (n - 1) pairs, each gets the level 1 - (1 - level) / (n (n - 1)): Bonferroni.",
        "clear where |mean| > t * error, t = scipy.stats.t.ppf((1 + each) / 2, n_draws - 1); the "
        "diagonal is False.",
    ],
    reference=answers.clear,
    reason="At 95 % for each pair, one of twenty would be called clear although nothing is there.",
)
def clear(yours):
    """gains (n_draws, n, n) -> where the difference is clear, at 95 % for all pairs together."""
    from scipy import stats

    n = 5
    draws = 6
    rng = np.random.default_rng(12)
    noise = rng.normal(size=(draws, n, n))
    noise = (noise - noise.mean(0)) / noise.std(0, ddof=1) * draws**0.5  # standard error 1
    pairs = n * (n - 1)
    own = stats.t.ppf(1 - 0.025 / pairs, draws - 1)  # how many standard errors are clear
    widths = [
        (
            stats.t.ppf(0.975, draws - 1),
            "Every pair by itself at 95 %: of twenty, one is clear by chance. "
            "Share the 5 % among the pairs.",
        ),
        (
            stats.t.ppf(1 - 0.05 / pairs, draws - 1),
            "Twice as many false alarms as asked. Either half of the pairs were counted (German "
            "for Spanish is not Spanish for German), or only one end of the interval.",
        ),
        (
            stats.t.ppf(1 - 0.025 / n**2, draws - 1),
            "That shares the 5 % among n * n pairs. The diagonal compares nothing: there are "
            "n (n - 1).",
        ),
        (
            stats.t.ppf(1 - 0.025 / n, draws - 1),
            "That shares the 5 % among n languages. They make n (n - 1) pairs.",
        ),
        (
            stats.t.ppf(1 - 0.025 / draws, draws - 1),
            "That shares the 5 % among the draws. It is the pairs of which each may err.",
        ),
        (
            stats.t.ppf(1 - 0.025 / pairs, draws),
            "n_draws draws leave n_draws - 1 degrees of freedom for Student's t.",
        ),
        (
            own * (1 - 1 / draws) ** 0.5,
            "The standard deviation with n - 1 (ddof=1): few draws, so it shows.",
        ),
        (
            stats.norm.ppf(1 - 0.025 / pairs),
            "Six draws: take Student's t, not the normal distribution.",
        ),
        (
            stats.norm.ppf(0.975),
            "1.96 is the normal distribution's, for one pair. Take Student's t, and "
            "share the 5 % among the pairs.",
        ),
        (
            own * draws**0.5,
            "The error of a mean is the standard deviation over the root of the number of draws.",
        ),
    ]
    # the mean of each pair, in standard errors: one between any two of these widths
    steps = np.sort([own, *(width for width, _ in widths)])
    between = np.concatenate([[0.3, 1.0], (steps[1:] + steps[:-1]) / 2, [20.0]])
    size = np.zeros((n, n))
    places = ~np.eye(n, dtype=bool)
    size[places] = np.resize(between, pairs) * np.where(np.arange(pairs) % 3, 1, -1)
    size[0, 0] = 20.0
    gains = noise + size
    found = as_array(call(yours, gains))
    expect(found.shape == (n, n), f"Give one answer a pair: shape ({n}, {n}), not {found.shape}.")

    def cut(width, signs=abs):
        return ((signs(size) > width) & places).astype(float)

    right = answers.clear(gains).astype(float)
    expect_close(
        found.astype(float),
        right,
        wrong=[
            *((cut(width), message) for width, message in widths),
            *(
                (
                    np.where(places, right, told),
                    "The diagonal compares a language with itself: False.",
                )
                for told in (1.0, abs(size) > own)
            ),
            (
                cut(own, lambda s: s),
                "Clear harm is clear too: take the size of the mean, whatever its sign.",
            ),
            (1 - right, "That is where it is not clear."),
        ],
        what="The table of clear pairs",
    )
    half = answers.clear(gains, 0.5).astype(float)
    expect_close(
        as_array(call(yours, gains, 0.5)).astype(float),
        half,
        wrong=[(right, "At level 0.5 your table is that of 0.95: use level.")],
        what="The table at level 0.5",
    )


# ------------------------------------------------------------------ lab_languages-4


@exercise(
    "lab_languages-4",
    title="What a model can know of a new language",
    difficulty="easy",
    minutes=8,
    trains="predicting zero-shot transfer before training anything",
    hints=[
        "For each run of letters: is it in the vocabulary?",
        "Count occurrences: a run that stands twice in the text counts twice.",
        "The number of known runs over the number of runs.",
    ],
    reference=answers.known_share,
    reason="What is not in the vocabulary is not seen at all. This share is an upper end, for a "
    "known run may mean something else.",
)
def known_share(yours):
    """(runs, vocabulary) -> the share of runs that are known."""
    runs = [" ti", "tim", "tim", "ime", "ijd", "jd "]
    vocabulary = {" ti", "tim", "sto", "top", "ime", "lam", "amp", "mp "}
    right = answers.known_share(runs, vocabulary)
    distinct = set(runs)
    both = distinct & vocabulary
    found = call(yours, runs, vocabulary)
    finished(found, "Return the share.")
    expect_close(
        found,
        right,
        wrong=[
            (len(both) / len(distinct), "A run that stands twice counts twice: no set of runs."),
            (
                len(both) / len(vocabulary),
                "That is the share of the vocabulary that the text uses. Turn it round.",
            ),
            (
                len(both) / len(runs),
                "Above you count distinct runs, below all of them. Count all in both.",
            ),
            (1 - right, "That is the share of unknown runs."),
            (right * len(runs), "That is a number; divide by the number of runs."),
            (100 * right, "As a share, not in per cent."),
            (
                len(both) / len(distinct | vocabulary),
                "That is Jaccard's index. Divide by the text's runs alone.",
            ),
        ],
        what="The share",
    )


# ------------------------------------------------------------------ lab_languages-5

in_words(
    "lab_languages-5",
    title="The report",
    difficulty="hard",
    minutes=25,
    trains="separating what templates show from what people would meet",
    hints=[
        "Which part was each number measured on: templates, or sentences by hand?",
        "How many pairs were compared, and how many stars would chance give?",
    ],
    draft={
        "a": Sentence(
            "With letters the validation accuracy is above 80 %, so the assistant may be sold.",
            False,
            "Validation is made of templates. On held-out sentences by hand about four in ten are "
            "right.",
        ),
        "b": Sentence(
            "RAG is better than independent models, for its mean is a little higher.",
            False,
            "The paired interval of the two holds zero. A mean alone is no evidence.",
        ),
        "c": Sentence(
            "On the open sentences by hand letters are clearly better than words in Chinese, and "
            "in no other language.",
            True,
            "Chinese writes no spaces, so a whole clause is one 'word' that never comes again. The "
            "four other intervals hold zero.",
        ),
        "d": Sentence(
            "No pair of languages shows a clear gain in the matrix, so languages cannot help each "
            "other.",
            False,
            "No clear gain in these draws is not no gain; and Dutch, without a single example, is "
            "read far above chance.",
        ),
        "e": Sentence(
            "Zero-shot to Dutch works mostly through German.",
            True,
            "The German model alone cannot be told from all five together on Dutch, and knows the "
            "most of its runs of letters.",
        ),
        "f": Sentence(
            "The 40 held-out sentences of a language leave an accuracy uncertain by some fifteen "
            "points on either side.",
            True,
            "Wilson's interval of 16 in 40 goes from .26 to .55.",
        ),
    },
    model="On templates about eight in ten are right. On held-out sentences by hand, the headline, "
    "full sharing reads .43 [.35, .51] and RAG .39 [.31, .46]. RAG minus independent models is "
    "+.005 [-.012, .022], RAG minus full sharing -.045 [-.083, -.007], on one draw of the "
    "templates: RAG is of no use here. Letters beat words clearly in Chinese only, by 44 points "
    "[10, 77] on 16 open sentences: it writes no spaces, so a clause is one word that never comes "
    "again. In the matrix none of twenty pairs is clear. That is not 'no gain': German may help "
    "Spanish by 12 points. Where a language has no examples, sharing is all there is: all five "
    "read Dutch at .39 [.28, .52] where chance is .125, German alone at .36 [.24, .49]. I would "
    "collect real sentences before touching the model. What would change my mind: 200 real "
    "sentences a language on which RAG beats full sharing and independent models by paired "
    "intervals above zero.",
    tempting="The accuracy is above 80 % on validation, and RAG is ahead of independent models. "
    "Related languages help each other, as German and Spanish show, so one model with adapters "
    "should be used.",
    flaw="Validation is made by the same kind of templates, being ahead without an interval is "
    "luck, and the matrix has no clear pair.",
    rubric=[
        "gives the accuracy on sentences by hand as the headline, with its interval",
        "says plainly whether RAG is of use, by paired intervals",
        "says why letters beat words, and where",
        "reads the matrix at the level of all pairs",
        "tells 'no clear gain' from 'no gain'",
        "says what would change your mind",
    ],
)
