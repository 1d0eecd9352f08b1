"""Invented books, films and games, and simulated readers who rate them.

Enters: a setting of the simulator. Leaves: the items, and `Readers` with a rating of every item:

    wish_ui   = sqrt(c) z_i . m + sqrt(1 - c) z_i . d_u + worth q_i
    rating_ui = wish_ui + noise e_ui, cut to 1 .. 5

with z_i the item's fourteen labels (eight interests, six traits), m the taste that all readers have
in common, d_u the reader's own, q_i what no label tells. c is ``common``: 1 is one taste for all, 0
is a taste of one's own for everybody. So the readers are tasks that are related by c, and W_s + A_t
is
what made them: m is the shared weight, d_u the adapter.

The items were composed by a language model; see datasets/recommendation/DATASHEET.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ragteach.data.toy import folder
from ragteach.errors import is_number, refuse, whole

INTERESTS = ("crime", "space", "love", "past", "quest", "home", "nature", "sport")
TRAITS = ("funny", "dark", "young", "true", "family", "outdoors")
SETTINGS = {"one taste": 0.9, "half and half": 0.5, "own tastes": 0.1}
PARTS = {"known": 24, "trial": 6, "new": 9}  # of the items of one interest, in the file's order
CUTS = (-1.2, -0.5, 0.3, 1.1)  # in standard deviations: between 1 and 2, 2 and 3 ...
WORTH = 0.4
NOISE = 0.6


def load_items() -> pd.DataFrame:
    """312 invented items: title, kind, blurb, interest, traits; text (title and blurb), and part.

    ``part`` is "known" (rated before), "trial" (to choose penalties by) or "new" (held out).

    Example:
        >>> load_items()["part"].value_counts().to_dict()
        {'known': 192, 'new': 72, 'trial': 48}
    """
    frame = pd.read_csv(folder("recommendation") / "items.csv", keep_default_na=False)
    frame["text"] = frame["title"] + ". " + frame["blurb"]
    place = frame.groupby("interest").cumcount()
    ends = np.cumsum(list(PARTS.values()))
    frame["part"] = np.array(list(PARTS))[np.searchsorted(ends, place, side="right")]
    return frame


def item_labels(items: pd.DataFrame) -> np.ndarray:
    """(n_items, 14) zeros and ones: eight interests, then six traits.

    Example:
        >>> table = pd.DataFrame({"interest": ["love"], "traits": ["funny dark"]})
        >>> item_labels(table)[0].nonzero()[0].tolist()
        [2, 8, 9]
    """
    interests = [items["interest"] == name for name in INTERESTS]
    traits = [items["traits"].str.split().map(lambda t, n=name: n in t) for name in TRAITS]
    return np.stack([*interests, *traits], 1).astype(float)


@dataclass
class Readers:
    """Simulated readers.

    Attributes:
        ratings: (n_readers, n_items), 1 .. 5. wishes: the same before noise and cuts.
        common: how much of a taste is shared, 0 .. 1.
    """

    ratings: np.ndarray
    wishes: np.ndarray
    common: float


def simulate_readers(
    common: float, n_readers: int = 60, seed: int = 0, items: pd.DataFrame | None = None
) -> Readers:
    """Readers whose tastes are partly common, and their ratings of all items.

    Args:
        common: share of a taste's variance that all readers have in common, 0 .. 1.
        n_readers: how many. seed: of the world: tastes, worth and noise.
        items: default: `load_items()`.

    Raises:
        RagteachError: ``common`` outside 0 .. 1, or no reader.

    Example:
        >>> readers = simulate_readers(0.5, n_readers=3)
        >>> readers.ratings.shape, int(readers.ratings.min()), int(readers.ratings.max())
        ((3, 312), 1, 5)
    """
    if not is_number(common) or not 0 <= common <= 1:
        raise refuse(
            expected="common in 0 .. 1: the share of a taste that all readers have in common",
            got=f"common = {common!r}",
            fix=f"use one of {', '.join(map(str, SETTINGS.values()))}",
        )
    whole("n_readers", n_readers, 1)
    z = item_labels(load_items() if items is None else items)
    z = z - z.mean(0)
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=z.shape[1])  # m
    own = rng.normal(size=(n_readers, z.shape[1]))  # d_u
    wishes = common**0.5 * _unit(z @ shared) + (1 - common) ** 0.5 * _unit(own @ z.T)
    wishes = wishes + WORTH * rng.normal(size=len(z))
    noisy = wishes + NOISE * rng.normal(size=wishes.shape)
    return Readers(1 + np.digitize(noisy / noisy.std(), CUTS), wishes, float(common))


def _unit(values: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1 over the items."""
    values = values - values.mean(-1, keepdims=True)
    return values / values.std(-1, keepdims=True)
