"""Dated headlines about invented firms, each with a sentiment, a topic and an event.

Enters: nothing. Leaves: frames of headlines, and three parts that follow each other in time.
"""

from __future__ import annotations

import pandas as pd

from ragteach.data.toy import folder

TASKS = ("sentiment", "topic", "event")
VALIDATION_FROM = "2026-05-11"
HELD_OUT_FROM = "2026-07-13"


def load_headlines() -> pd.DataFrame:
    """864 headlines by a language model: date, company ("" for none), text, sentiment, topic,
    event.

    Example:
        >>> load_headlines().groupby("sentiment").size().tolist()
        [288, 288, 288]
    """
    return pd.read_csv(folder("finance") / "headlines.csv", keep_default_na=False)


def parts_in_time() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(training, validation, held out): by date; no company stands in two of them.

    Example:
        >>> [len(part) for part in parts_in_time()]
        [432, 216, 216]
    """
    frame = load_headlines()
    early = frame["date"] < VALIDATION_FROM
    late = frame["date"] >= HELD_OUT_FROM
    train, val, held = (frame[rows] for rows in (early, ~early & ~late, late))
    return train.reset_index(drop=True), val.reset_index(drop=True), held.reset_index(drop=True)
