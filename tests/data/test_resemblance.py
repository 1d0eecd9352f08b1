"""Texts that are nearly the same: every pair that is found is one, by counting pieces by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragteach.data.resemblance import ALIKE, PIECE, near_twins, text_key


def pieces(text):
    return {text[i : i + PIECE] for i in range(len(text) - PIECE + 1)}


def overlap(a, b):
    both = len(pieces(a) & pieces(b))
    return both / max(1, len(pieces(a) | pieces(b)))


@pytest.mark.parametrize(
    ("a", "b"),
    [("Good film", "good  FILM\n"), ("ＧＯＯＤ", "good"), ("Straße", "STRASSE"), ("e\u0301", "é")],
)
def test_a_reader_would_call_them_the_same(a, b):
    assert text_key(a) == text_key(b)


def test_words_are_not_thrown_away():
    assert len({text_key(text) for text in ("good", "goods", "not good", "go od")}) == 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abc ", min_size=0, max_size=30), unique=True, max_size=12))
def test_what_is_found_is_near(texts):
    for a, b in near_twins(texts):
        assert a != b
        assert overlap(texts[a], texts[b]) >= ALIKE


def test_planted_twins_are_found_among_others():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(300)]
    texts = [" ".join(words[j] for j in rng.integers(300, size=20)) for _ in range(400)]
    twins = [text + " indeed" for text in texts[:50]]
    assert min(overlap(a, b) for a, b in zip(texts, twins, strict=False)) >= ALIKE
    found = {tuple(pair) for pair in near_twins([*texts, *twins]).tolist()}
    assert found == {(i, 400 + i) for i in range(50)}


def test_no_texts_and_short_texts_have_no_twins():
    assert near_twins([]).shape == near_twins(["a", "ab"]).shape == (0, 2)
