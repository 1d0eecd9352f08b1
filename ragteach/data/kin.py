"""Kin: texts so alike that they belong to one part of a split.

Enters: texts with their tasks.  Leaves: families, and how many texts are still apart from their
kin.

A template with one word exchanged, an answer that was copied and mended: such texts make a test too
easy as equal ones do. Two texts are kin if their sets of 4-letter pieces overlap by half or more,
|A & B| / |A | B| >= 0.5, and a family is what kinship joins, directly or through others. Of texts
that are all made alike, that would be one family of everything. A family that would leave a task
nothing to test on is taken apart: where half does not do, only texts that overlap by 0.6, 0.7, 0.8
or 0.9 are joined.

The pairs are found as in `resemblance`, with buckets that texts of half an overlap share: of more
than 1,000 texts some 19 in 20 pairs, and more where a family has several.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ragteach.data.resemblance import meetings, overlaps, pieces, text_key

KIN = 0.5
TWINS = 0.8
STEPS = (KIN, 0.6, 0.7, 0.8, 0.9)  # of the overlap
# buckets each text lies in; random orders that agree for one bucket: 1 - (1 - 0.5^3)^24 = 0.96
BANDS = 24
ORDERS = 3
EXACT = 1000  # texts, of which all pairs are compared
MOST = 100_000  # texts, of which kin are looked for
SHORT = 12  # pieces: of fewer, a text is soon like another
FEW_KIN = 0.02  # of the texts: with fewer, a score is hardly moved, and nothing is joined
MANY_KIN = 0.25  # of the texts: above it, scores are no scores of new texts


def families(
    texts: Iterable[str], task: np.ndarray, room: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """The family of each row, and how many texts have kin.

    Equal texts (see `text_key`) are always of one family. If fewer than 2 % of the texts have kin,
    or there are more than 100,000 texts, nothing else is joined.

    Args:
        texts: (n_rows,) as they come. task: (n_rows,) the number of each row's task.
        room: (n_tasks,) how many rows of a task one family may have; larger ones are taken apart.

    Returns:
        (n_rows,) the family of each row; the share of texts that are tied to kin, and that of those
        that have kin in another family.

    Example:
        >>> texts = ["the waiter was very kind", "no", "the waiter was very nice", "a red car"]
        >>> families(texts, np.zeros(4, dtype=int), room=np.array([2]))
        (array([0, 1, 0, 2]), 0.5, 0.0)
        >>> families(texts, np.zeros(4, dtype=int), room=np.array([1]))
        (array([0, 1, 2, 3]), 0.0, 0.5)
    """
    place: dict[str, int] = {}
    text = np.array([place.setdefault(text_key(one), len(place)) for one in texts], dtype=int)
    pairs, overlap = kin_pairs(tuple(place))
    n = len(place)
    if len(np.unique(pairs)) < FEW_KIN * n:
        return text, 0.0, len(np.unique(pairs)) / max(n, 1)
    family = np.arange(n)
    is_open = np.ones(n, dtype=bool)
    for least in STEPS:
        joined = (overlap >= least) & is_open[pairs].all(1)
        part = _components(pairs[joined], n)
        fits = _fits(part[text], task, room, part.max() + 1)[part]
        settled = is_open & fits & (np.bincount(part)[part] > 1)
        first = np.unique(part, return_index=True)[1]
        family[settled] = first[part[settled]]
        is_open &= ~settled
    apart = family[pairs[:, 0]] != family[pairs[:, 1]]
    loose = len(np.unique(pairs[apart])) / n
    tied = float((np.bincount(family, minlength=n)[family] > 1).mean())
    number = np.unique(family[text], return_inverse=True)[1]
    return number, tied, loose


def _fits(part: np.ndarray, task: np.ndarray, room: np.ndarray, n_parts: int) -> np.ndarray:
    """Which parts have no more rows in any task than it has room: (n_parts,)."""
    rows, n_rows = np.unique(np.stack([part, task]), axis=1, return_counts=True)
    fits = np.ones(n_parts, dtype=bool)
    fits[rows[0][n_rows > room[rows[1]]]] = False
    return fits


def _components(pairs: np.ndarray, n: int) -> np.ndarray:
    graph = sp.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n, n))
    return connected_components(graph, directed=False)[1]


@functools.lru_cache(maxsize=2)  # one table is dealt many times
def kin_pairs(texts: tuple[str, ...], least: float = KIN) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of texts that are kin, and by how much.

    Args:
        texts: all different. least: their overlap.

    Returns:
        (n_pairs, 2) positions, the earlier text first; (n_pairs,) overlaps.
    """
    none = np.empty((0, 2), dtype=int), np.empty(0)
    if len(texts) > MOST:
        return none
    sets = pieces(texts)
    size = np.diff(sets.indptr)
    long = np.flatnonzero(size >= SHORT)
    if len(long) < 2:
        return none
    if len(long) <= EXACT:
        both = sp.triu(sets[long] @ sets[long].T, 1).tocoo()
        found = np.stack([long[both.row], long[both.col]], axis=1)
    else:
        met = [np.sort(pair, axis=1) for pair in meetings(sets, long, BANDS, ORDERS)]
        found = np.unique(np.concatenate(met), axis=0)
    share = overlaps(sets, found)
    kept = share >= least
    return found[kept], share[kept]


def twins(texts: Iterable[str]) -> np.ndarray:
    """(n_rows,) the same number for rows of one text, and of texts that share four in five of their
    pieces or more, directly or through others: an answer to one of them says little about another
    that was not said before. `ragteach.data.shares.effective` counts them.

    Example:
        >>> long = "the waiter of this place was very kind to us and to our three small children"
        >>> twins([long, "no", long + "!", long + " too", "No."]).tolist()
        [0, 1, 0, 0, 1]
    """
    place: dict[str, int] = {}
    text = np.array([place.setdefault(text_key(one), len(place)) for one in texts], dtype=int)
    pairs, overlap = kin_pairs(tuple(place))
    return _components(pairs[overlap >= TWINS], len(place))[text]


def kin_share(texts: Iterable[str], least: float = KIN) -> float:
    """The share of texts that have kin.

    Args:
        texts: equal ones count once. least: the overlap.

    Example:
        >>> kin_share(["the waiter was very kind", "no", "the waiter was very nice", "a car"])
        0.5
    """
    different = tuple(dict.fromkeys(texts))
    pairs, _ = kin_pairs(different, least)
    return len(np.unique(pairs)) / max(1, len(different))


def about_kin(share: float) -> str:
    """What many texts apart from their kin mean for every score, in a sentence; nothing, if they
    are few.

    Args:
        share: of the texts, those that have kin in another family, see `families`.
    """
    if share < MANY_KIN:
        return ""
    return (
        f"{share:.0%} of the texts have another one that shares half of its four-letter pieces or "
        "more, and splits put such texts on both sides: the scores are about texts as alike as "
        "these, and may be much lower on new ones."
    )
