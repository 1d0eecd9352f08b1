"""Messages to an online shop, written by hand: how they sound, what they want, which answer fits.

Enters: nothing.  Leaves: a frame with text, sentiment, intent, answer; a text that no answer fits
has an empty intent and an empty answer.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ragteach.data.toy import folder

SENTIMENTS = ("negative", "neutral", "positive")
ANSWERS = {  # the answer's name: (the intent it belongs to, its text)
    "track": ("delivery", "Here is the link with which you can follow your parcel."),
    "search": ("delivery", "We have asked the carrier to search for your parcel."),
    "label": ("return", "Here is your return label. You have 30 days."),
    "exchange": ("return", "We exchange it. Tell us which one you want instead."),
    "replace": ("fault", "We are sorry. Send us a photo, and a new one is on its way."),
    "part": ("fault", "We send you the missing part, free of charge."),
    "invoice": ("payment", "Here is your invoice."),
    "charge": ("payment", "Our accounts check your payment and write within two days."),
    "password": ("account", "With this link you choose a new password."),
    "privacy": ("account", "Here you choose what we may send and store, or delete it all."),
    "facts": ("product", "Here is the data sheet with sizes, materials and care."),
    "stock": ("product", "We tell you when it is there again."),
    "edit": ("change", "Your order is still open. Change it here."),
    "cancel": ("change", "We cancel your order. You pay nothing."),
    "thanks": ("opinion", "Thank you! We tell the team."),
    "sorry": ("opinion", "We are sorry. The head of the team will write to you."),
}
INTENTS = tuple(dict.fromkeys(intent for intent, _ in ANSWERS.values()))
ENDS = {True: (20, 26), False: (0, 16)}  # of an answer's messages; of those that no answer fits


def load_messages() -> pd.DataFrame:
    """600 messages; columns text, sentiment, intent, answer. 40 of them fit no answer: both are "".

    Example:
        >>> frame = load_messages()
        >>> len(frame), int((frame["answer"] == "").sum())
        (600, 40)
    """
    return pd.read_csv(folder("service") / "messages.csv", keep_default_na=False)


def split_messages() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(training, validation, held out): 20, 6 and 9 messages of each answer; of those that no
    answer fits 16 are for validation and 24 held out.

    Example:
        >>> [len(part) for part in split_messages()]
        [320, 112, 168]
    """
    frame = load_messages()
    place = frame.groupby("answer").cumcount().to_numpy()
    first, second = np.array([ENDS[answer != ""] for answer in frame["answer"]]).T
    parts = place < first, (place >= first) & (place < second), place >= second
    train, val, held = (frame[part].reset_index(drop=True) for part in parts)
    return train, val, held
