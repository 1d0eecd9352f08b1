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
from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer

ALIKE = 0.8  # the least overlap of near-twins
PIECE = 4  # letters
# buckets each text lies in; random orders that agree for one bucket
BANDS = 16
ORDERS = 4
# overlap of kin; texts asked, texts compared with them
KIN = 0.5
ASKED = 1000
MOST_KIN = 20_000
MANY_KIN = 0.25  # of the texts: above it, scores are no scores of new texts
LETTERS = 1000  # of a long text that are compared
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

    In every bucket each text is compared with the first one only, so the pairs are linear in the
    number of texts, and a text with a near-twin may be missed: what is found is a lower bound.

    Args:
        texts: all different.
        seed: of the random orders.

    Returns:
        (n_pairs, 2) positions, the earlier text first; each later text once.

    Example:
        >>> near_twins(["the waiter was very kind", "no", "the waiter was very kind!"]).tolist()
        [[0, 2]]
    """
    texts = [text[:LETTERS] for text in texts]
    if not texts:
        return np.empty((0, 2), dtype=int)
    sets = _pieces(texts)
    size = np.diff(sets.indptr)
    where = np.flatnonzero(size)  # a text shorter than a piece has none
    if not len(where):
        return np.empty((0, 2), dtype=int)
    starts = sets.indptr[where]
    rng = np.random.default_rng(seed)
    twin: dict[int, int] = {}
    for _ in range(BANDS):
        bucket = np.zeros(len(where), dtype=np.uint64)
        for odd in rng.integers(2**63, size=ORDERS, dtype=np.uint64) * 2 + 1:
            order = sets.indices.astype(np.uint64) * odd  # a random order of the pieces
            bucket = bucket * np.uint64(0x9E3779B97F4A7C15) ^ np.minimum.reduceat(order, starts)
        _, first, of = np.unique(bucket, return_index=True, return_inverse=True)
        leader = where[first[of]]
        follower = where
        met = (leader != follower) & ~np.isin(follower, list(twin))
        leader = leader[met]
        follower = follower[met]
        both = np.asarray(sets[leader].multiply(sets[follower]).sum(1)).ravel()
        alike = both >= ALIKE * (size[leader] + size[follower] - both)
        twin.update(zip(follower[alike].tolist(), leader[alike].tolist(), strict=True))
    return np.array([(a, b) for b, a in sorted(twin.items())], dtype=int).reshape(-1, 2)


def kin_share(texts: Iterable[str], overlap: float = KIN, seed: int = 0) -> float:
    """The share of texts that have another one with so large an overlap of pieces.

    Exact where there are no more than 1,000 texts; of more, a sample of 1,000 is compared with
    20,000, which finds fewer than there are.

    Args:
        texts: equal ones count once.
        overlap: |A & B| / |A | B| of the sets of pieces. Default: half.
        seed: of the samples.

    Example:
        >>> kin_share(["the waiter was very kind", "no", "the waiter was very nice", "a car"])
        0.5
    """
    texts = list(dict.fromkeys(text[:LETTERS] for text in texts))
    rng = np.random.default_rng(seed)
    if len(texts) > MOST_KIN:
        texts = [texts[i] for i in rng.choice(len(texts), MOST_KIN, replace=False)]
    asked = np.arange(len(texts))[:ASKED]
    sets = _pieces(texts) if texts else None
    if sets is None or not sets.nnz:
        return 0.0
    size = np.diff(sets.indptr)
    found = 0
    for some in np.array_split(asked, 1 + len(asked) // 50):
        both = (sets[some] @ sets.T).tocoo()
        alike = both.data >= overlap * (size[some][both.row] + size[both.col] - both.data)
        alike &= some[both.row] != both.col
        found += len(np.unique(both.row[alike]))
    return found / len(asked)


def about_kin(share: float) -> str:
    """What many texts with kin mean for every score, in a sentence; nothing, if they are few.

    Args:
        share: of `kin_share`.
    """
    if share < MANY_KIN:
        return ""
    return (
        f"{share:.0%} of the texts have another one that shares half of its four-letter pieces or "
        "more, and splits put such texts on both sides: the scores are about texts as alike as "
        "these, and may be much lower on new ones."
    )


def _pieces(texts: list[str]) -> sp.csr_matrix:
    """(n_docs, n_pieces), ones where a text has the piece."""
    pieces = HashingVectorizer(
        analyzer="char",
        ngram_range=(PIECE, PIECE),
        lowercase=False,
        norm=None,
        binary=True,
        n_features=2**22,
        alternate_sign=False,
        dtype=np.float32,
    )
    return pieces.transform(texts)
