"""Exercises of lesson 00."""

import re
from collections.abc import Mapping

import numpy as np

from ragteach.teach.checks import (
    as_choice,
    exercise,
    expect,
    expect_choice,
    expect_close,
    finished,
)
from ragteach.teach.written import Sentence, in_words


@exercise(
    "00-1",
    title="How many weights?",
    difficulty="easy",
    minutes=2,
    trains="counting what shared weights and adapters cost",
    hints=[
        "One weight matrix has one row per class and one column per word.",
        "There is one shared matrix, and one more matrix for each adapter.",
        "(1 + 4) matrices, each of 3 x 100 numbers.",
    ],
    reference=1500,
    reason="W_s and each A_k are all 3 x 100: full-size adapters save no parameters.",
)
def count_weights(yours):
    """100 words, 3 classes, 4 tasks, one adapter per task, no bias: how many weights?"""
    expect_close(
        yours,
        1500,
        wrong=[
            (
                1200,
                "You counted the four adapters. The shared matrix W_s has 3 x 100 weights of its "
                "own.",
            ),
            (
                300,
                "That is one matrix, as in full sharing. Each of the 4 adapters is as large.",
            ),
            (500, "You left out the classes: every class has its own row of weights."),
            (700, "An adapter is not one number per word: it has a row for each of the 3 classes."),
            (900, "Classes times words is one matrix, 300. There are 1 + 4 of them, not 3."),
            (15, "You left out the words: a row has a weight for each of the 100."),
            (
                1503,
                "Biases, 3 for all tasks together, are not asked for here: count the weights only.",
            ),
            (1512, "Biases, 3 for each task, are not asked for here: count the weights only."),
            (
                1516,
                "The 16 entries of the graph are given, not learned: they are no weights.",
            ),
            (
                4800,
                "A shared matrix and an adapter for each pair of tasks? There is one "
                "adapter per task.",
            ),
            (3000, "Every matrix was counted twice."),
            (
                12,
                "Classes times tasks: a row has a weight for each of the 100 words, and W_s has "
                "rows too.",
            ),
            (
                1203,
                "Four adapters and three biases? W_s has 3 x 100 weights of its own, and biases are "
                "not asked for.",
            ),
            (1800, "Six matrices? There are W_s and one adapter for each of the 4 tasks."),
            (1515, "Biases are not asked for here: count the weights only."),
            (3900, "One adapter per task, not one per task and class: its 3 rows are the classes."),
            (400, "One row of 100 for each task: the 3 classes and the shared matrix are missing."),
            (
                6000,
                "Each task has one adapter of its own, and W_s is stored once, not once per task.",
            ),
            (2400, "W_s is stored once, and all tasks read it: it is not one per task."),
        ],
        what="The number of weights",
        rtol=1e-9,
    )


@exercise(
    "00-2",
    title="When tasks disagree",
    difficulty="easy",
    minutes=4,
    trains="running an experiment, and reading its table",
    hints=[
        "compare takes relatedness=... and hands it to the generator of sentences.",
        'rt.summary(rt.compare("toy", seeds=3, n_per_task=40, strategies=names, relatedness=0.0))',
    ],
    reference="full sharing",
    reason="With no shared opinion word, one model for all tasks must give every word one meaning, "
    "and is wrong in the domains that mean something else. This is negative transfer.",
)
def disagree(yours):
    """At relatedness 0 with 40 sentences per task: which of the three strategies comes last?"""
    expect(
        isinstance(yours, str),
        "Answer with the name of a strategy, as the table writes it; its score is not asked for.",
    )
    expect_choice(
        yours,
        "full sharing",
        {
            "RAG": (
                "RAG can shrink W_s and use its adapters only. Run the comparison with "
                "relatedness=0.0."
            ),
            "independent": (
                "At relatedness 0 there is nothing to borrow, so learning alone loses nothing. Run "
                "the comparison with relatedness=0.0 and read the table from the bottom."
            ),
            "majority class": (
                "It does come last, but it never looks at the words. Which of the other three?"
            ),
            "it depends": (
                "Relatedness and size are given here: 0, and 40 sentences per task. Run that one "
                "comparison and read its last line."
            ),
        },
    )


_EXTREMES = ("independent", "full sharing")
_AHEAD = {20: "full sharing", 40: "full sharing", 80: "independent"}


@exercise(
    "00-5",
    title="Where the two extremes change places",
    difficulty="easy",
    minutes=5,
    trains="seeing that the answer depends on how many sentences there are",
    hints=[
        "For 40 sentences the answer stands in the table above. For the others, run compare again.",
        'rt.summary(rt.compare("toy", seeds=3, n_per_task=[20, 80], strategies=names))',
        "For each size compare two rows only: independent, and full sharing.",
    ],
    reference=dict(_AHEAD),
    reason="With few sentences a task alone is too noisy; with many, one common meaning is the "
    "larger error. In between they cross.",
)
def change_places(yours):
    """{sentences per task: which of the two extremes is ahead}, at relatedness 0.5."""
    expect(
        isinstance(yours, Mapping),
        'Hand over the dict itself: {20: "...", 40: "...", 80: "..."}.',
    )
    finished(dict(yours), "Some sizes have no answer yet.")
    said = {n: as_choice(name) for n, name in yours.items()}
    expect(
        set(said) == set(_AHEAD), "Give one answer for each of 20, 40 and 80 sentences per task."
    )
    for n, name in said.items():
        expect(
            name in _EXTREMES,
            f'For {n}: write "independent" or "full sharing"; {name!r} is not one of the two '
            "extremes.",
        )
    expect(
        len(set(said.values())) > 1,
        "The same at every size? With 20 and with 80 sentences look at the two rows again.",
    )
    expect(
        said[20] == "full sharing",
        "Turned round. With 20 sentences a task alone knows little: which of the two rows is "
        "higher?",
    )
    expect(
        said[80] == "independent",
        "With 80 sentences a task can stand alone, and one meaning for all is wrong too often: "
        "look again.",
    )
    expect(
        said[40] == "full sharing",
        "With 40 look at the table above, of twelve draws: which of the two has the higher mean?",
    )


@exercise(
    "00-3",
    title="No adapters, no difference",
    difficulty="easy",
    minutes=3,
    trains="a first proof: what large lambda leads to",
    hints=[
        "Begin with what you assume: every adapter is zero.",
        "Then say what that does to each term, then to their sum, then to W_t.",
    ],
    reference="bca",
    reason="Each term vanishes, so the sum does, so W_t = W_s: full sharing, for any graph.",
)
def order_of_proof(yours):
    """The order of the steps."""
    letters = yours if isinstance(yours, str) else " ".join(map(str, np.ravel(yours)))
    joins = {"then", "and", "first", "last"}  # "b then c then a"
    words = [word for word in re.findall(r"[a-z]+", letters.lower()) if word not in joins]
    said = "".join(words)
    expect(
        sorted(said) == ["a", "b", "c"],
        'Write the three letters a, b and c in the order of the proof, each once, as in "abc".',
        yours=yours,
    )
    expect(
        said[0] != "a",
        "You begin with the conclusion. Begin with the assumption: every A_k is zero.",
        yours=yours,
    )
    expect(
        said[0] != "c",
        "Why is the sum zero? First say what happens to each of its terms.",
        yours=yours,
    )
    expect(
        said == "bca",
        "Right start. But W_t = W_s follows only once the whole sum is zero.",
        yours=yours,
    )


in_words(
    "00-4",
    title="Explain it to a colleague",
    difficulty="easy",
    minutes=6,
    trains="saying the idea in your own words",
    hints=[
        "Three parts: what is shared, what an adapter adds, what lambda does.",
        "Say what a small lambda leads to, and what a large one leads to.",
    ],
    draft={
        "a": Sentence(
            "Lambda is the price of large adapters.",
            True,
            "The penalty is lambda/2 ||A||^2: the larger lambda, the more a large adapter costs.",
        ),
        "b": Sentence(
            "An adapter holds what all tasks agree on.",
            False,
            "What all agree on is the shared part. An adapter holds what one task needs on top.",
        ),
        "c": Sentence(
            "With a very large lambda the adapters shrink, and full sharing is left.",
            True,
            "Adapters at zero leave W_t = W_s, the same for every task.",
        ),
        "d": Sentence(
            "The shared weights learn from the sentences of every task.",
            True,
            "W_s stands in every W_t, so every task's sentences pull at it.",
        ),
        "e": Sentence(
            "RAG is always more accurate than both extremes.",
            False,
            "Not always. Which strategy wins is a question for an experiment: you have seen a map.",
        ),
        "f": Sentence(
            "With a very small lambda all tasks share one model.",
            False,
            "Turned round: when adapters cost nothing, every task goes its own way.",
        ),
    },
    model="The shared weights hold what all tasks agree on, and learn from the sentences of every "
    "task. An adapter holds what one task needs on top. Lambda is the price of large adapters: "
    "small gives independent models, large gives full sharing.",
    tempting="The adapters learn what the tasks have in common and the shared weights do the rest. "
    "The larger lambda is, the more freedom each task has.",
    flaw="Both halves are turned round. The shared part holds the common, the adapters the "
    "particular; and a large lambda takes freedom away.",
    rubric=[
        "The shared part holds what the tasks agree on, and learns from all of them.",
        "An adapter holds what is particular to a task (or to a group of tasks).",
        "Lambda is named, with both ends: small, independent; large, full sharing.",
    ],
)
