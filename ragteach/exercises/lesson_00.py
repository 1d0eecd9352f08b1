"""Exercises of lesson 00."""

from ragteach.checks import exercise, expect_close


@exercise(
    "00-1",
    title="How many weights?",
    difficulty="easy",
    minutes=2,
    trains="reading the family table: what shared weights and adapters cost",
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
            (1200, "You counted the four adapters. The shared matrix W_s has 3 x 100 weights of its own."),
            (
                300,
                "That is one matrix, as in full sharing. Each of the 4 adapters is as large.",
            ),
            (500, "You left out the classes: every class has its own row of weights."),
            (700, "An adapter is not one number per word: it has a row for each of the 3 classes."),
        ],
        what="The number of weights",
    )
