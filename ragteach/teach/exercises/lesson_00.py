"""Exercises of lesson 00."""

from ragteach.teach.checks import exercise, expect, expect_choice, expect_close
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
                "You counted the four adapters. The shared matrix W_s has 3 x 100 weights of its own.",
            ),
            (
                300,
                "That is one matrix, as in full sharing. Each of the 4 adapters is as large.",
            ),
            (500, "You left out the classes: every class has its own row of weights."),
            (700, "An adapter is not one number per word: it has a row for each of the 3 classes."),
        ],
        what="The number of weights",
    )


@exercise(
    "00-2",
    title="When tasks disagree",
    difficulty="easy",
    minutes=4,
    trains="running an experiment, and reading its table",
    hints=[
        "compare takes relatedness=... and hands it to the generator of sentences.",
        'rt.summary(rt.compare("toy", seeds=3, n_per_task=60, strategies=names, relatedness=0.0))',
    ],
    reference="full sharing",
    reason="With no shared opinion word, one model for all tasks must give every word one meaning, and is "
    "wrong in the domains that mean something else. This is negative transfer.",
)
def disagree(yours):
    """At relatedness 0 with 60 sentences per task: which of the three strategies comes last?"""
    expect_choice(
        yours,
        "full sharing",
        {
            "RAG": "RAG can shrink W_s and use its adapters only. Run the comparison with relatedness=0.0.",
            "independent": "At relatedness 0 there is nothing to borrow, so learning alone loses nothing. "
            "Run the comparison with relatedness=0.0 and read the table from the bottom.",
            "majority class": "It does come last, but it never looks at the words. Which of the other three?",
        },
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
    said = str(yours).replace(" ", "").replace(",", "").lower()
    expect(sorted(said) == ["a", "b", "c"], "Use each of the letters a, b and c once.", yours=yours)
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
