"""Knobs of the toy sentences, as sliders of a page that makes and solves them itself.

Enters: the knobs of the call.  Leaves: the values that each slider goes through, the word lists and
the accuracy of the solver. The page's part is numbers.js, its worker's toys.js.
"""

from __future__ import annotations

import json

from ragteach.data.toy import folder

KNOBS = {  # the name of each, and the values of its slider; that of the call is among them
    "relatedness": (0, 0.25, 0.5, 0.75, 1),
    "n_per_task": (5, 10, 20, 40, 60, 90, 120, 200),
    "seed": tuple(range(21)),
}
TOL = 1e-5  # of the gradient; the tests hold the numbers to those of Python, who stops at 1e-6


def knobs(**toy: float) -> dict:
    """What the page needs: {knob: values}, ``lexicon`` and ``tol``.

    Example:
        >>> knobs(relatedness=0.3, n_per_task=90, seed=0)["relatedness"]
        [0, 0.25, 0.3, 0.5, 0.75, 1]
    """
    lexicon = json.loads((folder("toy_sentiment") / "lexicon.json").read_text(encoding="utf-8"))
    values = {name: sorted({*usual, toy[name]}) for name, usual in KNOBS.items()}
    return {**values, "lexicon": lexicon, "tol": TOL}
