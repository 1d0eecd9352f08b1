"""Texts that resemble each other: the same, and nearly the same.

Enters: texts.  Leaves: a key for each (equal keys: the same text), and pairs of near-twins.

Two texts are near-twins if their sets of 4-letter pieces overlap: |A & B| / |A | B| >= 0.8. All
pairs of n texts would be n^2 comparisons. MinHash needs n: under a random order of all pieces, two
sets have the same first piece with probability |A & B| / |A | B|, so near-twins meet in one of a
few buckets, and only those who meet are compared, exactly.

Source: Broder (1997), On the resemblance and containment of documents.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import scipy.sparse as sp

ALIKE = 0.8  # the least overlap of near-twins
PIECE = 4  # letters
# buckets each text lies in; random orders that agree for one bucket
BANDS = 16
ORDERS = 4
LETTERS = 1000  # of a long text that are compared
MOST_LETTERS = 8_000_000  # of all texts
N_PIECES = 2**22  # columns
SPACED = bytes(  # of ASCII: what is no letter, digit or modifier becomes a space
    code if chr(code).isalnum() or chr(code) in "^`" else ord(" ") for code in range(256)
)


@functools.lru_cache(maxsize=2**18)
def text_key(text: str) -> str:
    """What two texts that a reader would call the same have in common: letters without case,
    single spaces, no punctuation, one form of each sign. A text of signs alone is its signs.

    Example:
        >>> text_key("  Good,\\nFILM! ") == text_key("good film")
        True
    """
    text = str(text)
    if text.isascii():  # the same, in a fraction of the time
        plain = text.lower()
        words = b" ".join(plain.encode().translate(SPACED).split()).decode()
        return words or " ".join(plain.split())
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = " ".join(re.sub(r"[^\w\s]|_", _mark_or_space, plain).split())
    return words or " ".join(plain.split())


def _mark_or_space(sign: re.Match) -> str:
    return sign[0] if unicodedata.category(sign[0]) in ("Mn", "Mc", "So", "Sk") else " "


def near_twins(texts: Iterable[str], seed: int = 0) -> np.ndarray:
    """Pairs of texts that are nearly the same.

    In every bucket each text is compared with the first one and with the one before it, so the
    pairs are linear in the number of texts, and a text with a near-twin may be missed: what is
    found is a lower bound.

    Args:
        texts: all different.
        seed: of the random orders.

    Returns:
        (n_pairs, 2) positions, the earlier text first; each later text once.

    Example:
        >>> near_twins(["the waiter was very kind", "no", "the waiter was very kind!"]).tolist()
        [[0, 2]]
    """
    sets = pieces(list(texts))
    where = np.flatnonzero(np.diff(sets.indptr))  # a text shorter than a piece has none
    twin: dict[int, int] = {}
    for met in meetings(sets, where, BANDS, ORDERS, seed):
        new = met[~np.isin(met[:, 1], list(twin))]
        alike = new[overlaps(sets, new) >= ALIKE]
        twin.update(zip(alike[::-1, 1].tolist(), alike[::-1, 0].tolist(), strict=True))
    return np.array([(a, b) for b, a in sorted(twin.items())], dtype=int).reshape(-1, 2)


def meetings(
    sets: sp.csr_matrix, where: np.ndarray, bands: int, orders: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Pairs that meet in a bucket, (n_pairs, 2) for each of so many bands, the earlier text first.

    Args:
        sets: of `pieces`. where: the texts that are asked, none of them without a piece.
        orders: random orders that must agree for a bucket.
    """
    if len(where) < 2:
        return
    sets = sets[where]
    rng = np.random.default_rng(seed)
    for _ in range(bands):
        bucket = np.zeros(len(where), dtype=np.uint64)
        for odd in rng.integers(2**63, size=orders, dtype=np.uint64) * 2 + 1:
            order = sets.indices.astype(np.uint64) * odd  # a random order of the pieces
            first = np.minimum.reduceat(order, sets.indptr[:-1])
            bucket = bucket * np.uint64(0x9E3779B97F4A7C15) ^ first
        line = np.argsort(bucket, kind="stable")
        new = np.flatnonzero(np.diff(bucket[line], prepend=~bucket[line[0]]))
        leader = line[np.repeat(new, np.diff([*new, len(line)]))]
        before = np.roll(line, 1)
        later = leader != line
        with_first = np.stack([leader, line], axis=1)[later]
        with_last = np.stack([before, line], axis=1)[later & (before != leader)]
        yield where[np.concatenate([with_first, with_last])]


def overlaps(sets: sp.csr_matrix, pairs: np.ndarray) -> np.ndarray:
    """|A & B| / |A | B| of each pair: (n_pairs,)."""
    size = np.diff(sets.indptr)
    found = [np.empty(0)]
    for some in np.array_split(pairs, 1 + len(pairs) // 100_000):
        both = np.asarray(sets[some[:, 0]].multiply(sets[some[:, 1]]).sum(1)).ravel()
        found.append(both / np.maximum(size[some].sum(1) - both, 1))
    return np.concatenate(found)


def pieces(texts: Sequence[str]) -> sp.csr_matrix:
    """(n_docs, n_pieces), ones where a text has the piece; of long texts, of their beginning."""
    letters = min(LETTERS, MOST_LETTERS // max(1, len(texts)))
    texts = [text[:letters] for text in texts]
    size = np.array([len(text) for text in texts], dtype=np.int64)
    code = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    ends = np.cumsum(size)
    at = np.arange(len(code))
    row = np.repeat(np.arange(len(texts)), size)
    start = np.flatnonzero(at + PIECE <= ends[row]) if len(code) else at
    value = np.zeros(len(start), dtype=np.uint64)
    for place in range(PIECE):
        value = (value ^ code[start + place]) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    column = (value % np.uint64(N_PIECES)).astype(np.int64)
    found = np.unique(row[start] * N_PIECES + column)
    indptr = np.searchsorted(found, np.arange(len(texts) + 1) * N_PIECES)
    ones = np.ones(len(found), dtype=np.float32)
    return sp.csr_matrix((ones, found % N_PIECES, indptr), (len(texts), N_PIECES))
