"""The languages lab: one intent in five languages, learnt from templates, tested on other words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ragteach.data.sources.intents import (
    INTENTS,
    LANGUAGES,
    load_commands,
    load_handwritten_commands,
    split_by_template,
)
from ragteach.labs.baselines import linear_baselines, word_features
from ragteach.labs.held import Lab

FIVE = tuple(LANGUAGES)[:5]  # the sixth is for later: nothing is trained on it
N_PER_INTENT = 12
N_OPEN = 2  # of the seven ideas of an intent: open to look at; the other five are held out


def by_language(frame: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Language -> (texts, intent numbers).

    Example:
        >>> table = pd.DataFrame({"text": ["stop"], "label": ["turn off"], "task": ["English"]})
        >>> by_language(table)["English"][1].tolist()
        [1]
    """
    numbers = frame["label"].map(list(INTENTS).index).to_numpy()
    texts = frame["text"].to_numpy(object)
    names = list(dict.fromkeys(frame["task"]))
    return {name: (texts[frame["task"] == name], numbers[frame["task"] == name]) for name in names}


def handwritten_parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(open, held out): the same ideas in all languages, so no translation of a held-out sentence
    is open. Column ``idea``: what the sentences of several languages have in common.
    """
    frame = load_handwritten_commands()
    place = frame.groupby(["task", "label"]).cumcount()  # the seven sentences of an intent
    frame["idea"] = frame["label"] + " " + place.astype(str)
    opened = place < N_OPEN
    return frame[opened].reset_index(drop=True), frame[~opened].reset_index(drop=True)


def languages() -> Lab:
    """The lab with the course's own sentences; the templates are fetched the first time.

    One idea in five languages is one witness: its sentences count together in every interval.
    """
    train, val = split_by_template(load_commands(N_PER_INTENT, FIVE))
    held = handwritten_parts()[1].query("task in @FIVE")
    parts = by_language(train), by_language(val)
    features = word_features(parts[0], "char")
    return Lab(
        "languages",
        *parts,
        by_language(held),
        dict.fromkeys(FIVE, list(INTENTS)),
        lambda lab: linear_baselines(lab.train, lab.val, len(INTENTS), features),
        {str(name): part["idea"].to_numpy() for name, part in held.groupby("task", sort=False)},
    )
