"""Texts to numbers: a bag of words, one column per word (or phrase) of the vocabulary.

Enters: texts.  Leaves: a scikit-learn vectoriser, whose matrix X has the shape (n_docs,
    n_features), float32:

    bag of words    X[i, j] = how often word j stands in text i
    tf-idf          X[i, j] = count * (1 + log((1 + n_docs) / (1 + n_docs with j))), each row of length 1

Fit it on training texts ONLY.  A vocabulary fitted on all texts has seen the test set: it knows its
words and how frequent they are, and the score comes out too good.

Source: Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval.
"""

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ragteach.errors import one_of, refuse

KINDS = {"tfidf": TfidfVectorizer, "bow": CountVectorizer}
WORD = r"(?u)\b\w[\w'\u2019-]*\b"  # one letter is a word too; "don't" and "so-so" are one word each


def make_vectorizer(kind="tfidf", max_features=None, min_df=1, ngrams=1):
    """An unfitted vectoriser: call ``fit(training_texts)``, then ``transform`` for any texts.

    Args:
        kind: ``"tfidf"`` (rare words count more, every text has length 1) or ``"bow"`` (plain
            counts).
        max_features: keep only this many of the most frequent words; None keeps all.
        min_df: leave out words that stand in fewer than this many texts.
        ngrams: 1 for words, 2 for words and pairs ("not good" becomes a feature of its own), 3 and
            so on.

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
                got=f"{name} = {value!r}",
                fix=f"leave {name} out to get its default, or use a number such as 2",
            )
    return KINDS[kind](
        lowercase=True,
        token_pattern=WORD,
        ngram_range=(1, ngrams),
        min_df=min_df,
        max_features=max_features,
        dtype=np.float32,
    )
