"""Texts to numbers: counts and tf-idf against hand calculation, what a word is, and refusals."""

import numpy as np
import pytest

from ragteach.data.features import make_vectorizer
from ragteach.errors import RagteachError

TEXTS = ["good food", "good good service", "not good"]


def test_bow_counts_words_by_hand():
    vectorizer = make_vectorizer("bow").fit(TEXTS)
    assert vectorizer.get_feature_names_out().tolist() == ["food", "good", "not", "service"]
    assert vectorizer.transform(TEXTS).toarray().tolist() == [
        [1, 1, 0, 0],
        [0, 2, 0, 1],
        [0, 1, 1, 0],
    ]


def test_tfidf_is_the_formula_of_the_docstring():
    got = make_vectorizer().fit_transform(TEXTS).toarray()
    counts = np.array([[1, 1, 0, 0], [0, 2, 0, 1], [0, 1, 1, 0]], dtype=float)
    x = counts * (1 + np.log((1 + 3) / (1 + (counts > 0).sum(0))))
    np.testing.assert_allclose(got, x / np.linalg.norm(x, axis=1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("kind", ["tfidf", "bow"])
def test_float32_and_unknown_words_are_dropped(kind):
    vectorizer = make_vectorizer(kind).fit(TEXTS)
    x = vectorizer.transform(["marvellous food"])
    assert x.dtype == np.float32
    assert x.shape == (1, 4)
    assert x.nnz == 1


def test_apostrophes_hyphens_and_single_letters_stay_in_words():
    vectorizer = make_vectorizer("bow").fit(["I don't like so-so A/C", "Café, 5 stars"])
    assert vectorizer.get_feature_names_out().tolist() == [
        "5", "a", "c", "café", "don't", "i", "like", "so-so", "stars",
    ]  # fmt: skip


def test_knobs_pairs_min_df_and_max_features():
    assert "not good" in make_vectorizer(ngrams=2).fit(TEXTS).vocabulary_
    assert set(make_vectorizer(min_df=2).fit(TEXTS).vocabulary_) == {"good"}
    assert set(make_vectorizer(max_features=1).fit(TEXTS).vocabulary_) == {"good"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"kind": "word2vec"},
            r"Expected: kind to be one of 'tfidf', 'bow'\nGot: kind = 'word2vec'\n"
            r"What to do: choose one of 'tfidf', 'bow'",
        ),
        (
            {"ngrams": 0},
            r"Expected: ngrams to be a whole number >= 1\nGot: ngrams = 0\nWhat to do: leave ngrams out",
        ),
        ({"ngrams": (1, 2)}, r"Got: ngrams = \(1, 2\)"),
        ({"min_df": 0.5}, r"Expected: min_df to be a whole number >= 1\n"),
        ({"min_df": True}, r"Got: min_df = True"),
        (
            {"max_features": -3},
            r"Expected: max_features to be a whole number >= 1 or None\nGot: max_features = -3",
        ),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(RagteachError, match=message):
        make_vectorizer(**arguments)
