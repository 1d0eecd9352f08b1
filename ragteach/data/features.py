"""Texts to numbers: a bag of words, one column per word (or phrase) of the vocabulary.

Enters: texts.  Leaves: a scikit-learn vectoriser, whose matrix X has the shape (n_docs,
    n_features), float32:

    bag of words    X[i, j] = how often word j stands in text i
    tf-idf          X[i, j] = count * (1 + log((1 + n_docs) / (1 + n_docs with j))), then rows
                    of length 1

Fit it on training texts ONLY.  A vocabulary fitted on all texts has seen the test set: it knows its
words and how frequent they are, and the score comes out too good.

Source: Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval.
"""

import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ragteach.errors import one_of, refuse, shown
from ragteach.ground.objects import outside

KINDS = {"tfidf": TfidfVectorizer, "bow": CountVectorizer}
ANALYZERS = ("word", "char", "auto")
LETTERS = 3  # the longest run of letters that counts as a feature, if letters are counted

# A word is LETTER INSIDE* (JOIN+ LETTER INSIDE*)*, in JavaScript's terms
#     LETTER = [\p{L}\p{N}_]    INSIDE = LETTER or [\p{Mn}\p{Mc}]    JOIN = ['\u2019\u2010\u2011-]
# or an
# invisible joint: soft hyphen, zero-width joiner and non-joiner. One letter is a word too.
# Marks (Hindi's vowel signs, Arabic's points, accents of their own) belong to the letter before.
# Whether a sign is a mark takes long to say: of ASCII's, which are none, it is not asked.
MARKS = "".join(
    chr(code)
    for code in [*range(0x300, 0x1E94B), *range(0xE0100, 0xE01F0)]
    if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
JOIN = "['\u2019\u2010\u2011\u00ad\u200c\u200d-]"
LETTERED = rf"\w+(?:(?=[^\x00-\x7f])[{MARKS}]+\w*)*"
WORD = rf"(?u){LETTERED}(?:{JOIN}+{LETTERED})*"

# Scripts that put no spaces between words: kana, Chinese signs, Thai, Lao, Burmese, Khmer.
SPACELESS = re.compile(
    "[\u3040-\u30ff\uff66-\uff9f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
)
MANY_SPACELESS = 0.05  # of the texts: above it, letters are counted

# Signs that say what no word does: emoji, stars and other pictures, and smileys made of points.
# A set of pictures, and smileys by their first sign: every text is asked, and most hold neither.
PICTURES = frozenset(
    chr(code)
    for code in [*range(0x2300, 0xFFFC), *range(0x10000, 0x1FB00)]
    if unicodedata.category(chr(code)) == "So"
)
SMILEY = re.compile(r"[:;=<](?<!\w.)(?:(?<=<)3|(?<!<)[-']?[()DP|/])(?!\w)")
MANY_SPEAKING = 0.1  # of the texts: above it, letters are counted, and signs with them


MOST_PLACES = 20  # of texts without a known word that a warning lists


class UnknownWordsWarning(UserWarning):
    """Many texts hold no word that the vectoriser knows."""


def make_vectorizer(
    kind: str = "tfidf",
    max_features: int | None = None,
    min_df: int = 1,
    ngrams: int = 1,
    analyzer: str = "word",
) -> TfidfVectorizer | CountVectorizer:
    """An unfitted vectoriser: call ``fit(training_texts)``, then ``transform`` for any texts.

    Args:
        kind: ``"tfidf"`` (rare words count more, every text has length 1) or ``"bow"`` (plain
            counts).
        max_features: keep only this many of the most frequent words; None keeps all.
        min_df: leave out words that stand in fewer than this many texts.
        ngrams: 1 for words, 2 for words and pairs ("not good" becomes a feature of its own), 3 and
            so on.
        analyzer: ``"word"``; ``"char"``, which counts runs of one to three letters inside words
            (for Japanese, Chinese, Thai and others, where spaces do not tell words apart); or
            ``"auto"``, which takes ``"char"`` if more than one text in twenty is of such a script,
            more than one in ten holds emoji or smileys (which no word has), or most hold no word,
            and prints it. `MultiTaskDataset` uses ``"auto"``.

    A word is a run of letters, digits and underscores with their marks; an apostrophe or a hyphen
    joins two such runs ("don't", "so-so"), and so do a soft hyphen and the zero-width joiners.
    Letters are made small first.

    Returns:
        A scikit-learn TfidfVectorizer or CountVectorizer. ``transform`` gives a float32 CSR matrix
        (n_docs, n_features); words outside the vocabulary are dropped.

    Raises:
        RagteachError: an unknown kind, or a number below 1.

    Example:
        >>> vectorizer = make_vectorizer("bow", ngrams=2).fit(["not good", "good"])
        >>> vectorizer.get_feature_names_out().tolist()
        ['good', 'not', 'not good']
        >>> vectorizer.transform(["good food"]).toarray().tolist()
        [[1.0, 0.0, 0.0]]
    """
    one_of("kind", kind, KINDS)
    for name, value in {"ngrams": ngrams, "min_df": min_df, "max_features": max_features}.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 1
        if not whole and not (name == "max_features" and value is None):
            also = " or None" if name == "max_features" else ""
            raise refuse(
                expected=f"{name} to be a whole number >= 1{also}",
                got=f"{name} = {shown(value)}",
                fix=f"leave {name} out to get its default, or use a number such as 2",
            )
    one_of("analyzer", analyzer, ANALYZERS)
    options = {
        "lowercase": True,
        "token_pattern": WORD,
        "ngram_range": (1, ngrams),
        "min_df": min_df,
        "max_features": max_features,
        "dtype": np.float32,
    }
    if analyzer == "auto":
        return {"tfidf": _AutoTfidf, "bow": _AutoCounts}[kind](**options)
    return _by_letters(KINDS[kind](**options)) if analyzer == "char" else KINDS[kind](**options)


def pick_analyzer(texts: Iterable[str]) -> str:
    """``"char"`` if more than one text in twenty is mostly of a script without spaces, more than
    one in ten holds emoji or smileys, or more than half hold no word; else ``"word"``.

    Example:
        >>> pick_analyzer(["good film", "bad film"])
        'word'
        >>> pick_analyzer(["\u6620\u753b\u304c\u597d\u304d"])
        'char'
    """
    return "word" if _why_letters(list(map(str, texts))) is None else "char"


def speaks(text: str) -> bool:
    """Whether a text holds an emoji, another picture, or a smiley such as ``:-)``.

    Example:
        >>> [speaks(text) for text in ("it came :-(", "a \N{WHITE MEDIUM STAR}", "see: (a)")]
        [True, True, False]
    """
    return SMILEY.search(text) is not None or not PICTURES.isdisjoint(text)


def _mostly_spaceless(text: str) -> bool:
    signs = [] if text.isascii() else SPACELESS.findall(text)
    return len(signs) > 0 and 2 * len(signs) > sum(map(str.isalpha, text))


def warn_of_unknown(x: Any) -> None:
    """Warn if half of ten or more new texts hold no known word: x (n_docs, n_features)."""
    counts = x.getnnz(axis=1) if sp.issparse(x) else (np.asarray(x) != 0).sum(1)
    n_docs = len(counts)
    empty = int((counts == 0).sum())
    if n_docs >= 10 and 2 * empty >= n_docs:
        warnings.warn(
            f"{empty} of {n_docs} texts hold no word that the vectoriser knows: for them the model "
            "knows no more than its bias. Are they of the language and kind that it was fitted on?",
            UnknownWordsWarning,
            stacklevel=outside(),
        )


def warn_of_silent(n_docs: int, silent: list[str], places: Sequence[int] = ()) -> None:
    """Warn of new texts that hold no known word: what is said of them is the bias alone.

    Args:
        n_docs: how many texts there are. silent: those without a known word. places: the
            numbers of their lines, if they stand in some.
    """
    if silent:
        verb = "holds" if len(silent) == 1 else "hold"
        its = "it" if len(silent) == 1 else "them"
        listed = ", ".join(map(str, places[:MOST_PLACES]))
        more = ", ..." if len(places) > MOST_PLACES else ""
        where = f" In line {listed}{more}." if places else ""
        warnings.warn(
            f"{len(silent):,} of {n_docs:,} texts {verb} no word that the model knows (the first: "
            f"{silent[0][:60]!r}). What it says of {its} is its bias alone: the same answer and "
            f"the same probabilities whatever the text.{where}",
            UnknownWordsWarning,
            stacklevel=outside(),
        )


def silent_texts(x: Any, texts: list[str]) -> list[str]:
    """The texts without a known word: rows of zeros in x (n_docs, n_features)."""
    counts = x.getnnz(axis=1) if sp.issparse(x) else (np.asarray(x) != 0).sum(1)
    return [text for text, n in zip(texts, counts, strict=True) if n == 0]


def _why_letters(texts: list[str]) -> str | None:
    """Why letters are counted instead of words, or None."""
    if 2 * sum(re.search(WORD, text) is None for text in texts) > len(texts):  # emoji, for example
        some = any(map(SPACELESS.search, texts))
        return "many texts are of a script without spaces" if some else "most texts hold no word"
    if sum(map(_mostly_spaceless, texts)) > MANY_SPACELESS * len(texts):
        return "many texts are of a script without spaces"
    if sum(map(speaks, texts)) > MANY_SPEAKING * len(texts):
        return "many texts hold emoji or smileys, which no word has"
    return None


def _by_letters(vectorizer: Any) -> Any:
    longest = max(LETTERS, vectorizer.ngram_range[1])
    return vectorizer.set_params(analyzer="char_wb", ngram_range=(1, longest), token_pattern=None)


class _Auto:
    """Chooses words or letters when it is fitted, and is a plain vectoriser from then on."""

    def fit(self, raw_documents: Iterable[str], y: Any = None) -> Any:
        self.fit_transform(raw_documents)
        return self

    def fit_transform(self, raw_documents: Iterable[str], y: Any = None) -> Any:
        texts = list(raw_documents)
        self.__class__ = type(self).__mro__[2]  # so that it is saved and shown as what it is
        why = _why_letters(list(map(str, texts)))
        if why is not None:
            print(f"analyzer: char (runs of letters: {why})")
            _by_letters(self)
        return self.fit_transform(texts)


class _AutoTfidf(_Auto, TfidfVectorizer):
    pass


class _AutoCounts(_Auto, CountVectorizer):
    pass
