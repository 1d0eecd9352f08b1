"""Texts to numbers: counts and tf-idf against hand calculation, what a word is, and refusals."""

import re

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ragteach import RAG, MultiTaskDataset, fit, load, make_toy, save
from ragteach.data.features import UnknownWordsWarning, make_vectorizer, pick_analyzer
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


# ---------------------------------------------------------------- scripts

SENTENCES = {
    "Hindi": (
        "\u092f\u0939 \u092b\u093f\u0932\u094d\u092e \u0905\u091a\u094d\u091b\u0940 \u0939\u0948",
        4,
    ),
    "Arabic with points": (
        "\u0643\u0650\u062a\u064e\u0627\u0628 \u062c\u064e\u0645\u0650\u064a\u0644",
        2,
    ),
    "Persian": ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0641\u06cc\u0644\u0645", 2),
    "Tamil": ("\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0baa\u0b9f\u0bae\u0bcd", 2),
    "Hebrew": ("\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd \u05d8\u05d5\u05d1", 2),
    "accents of their own": ("cafe\u0301 cre\u0300me", 2),
    "soft hyphen": ("co\u00adoperate well\u00ad", 2),
    "non-breaking hyphen": ("so\u2011so it\u2019s", 2),
    "Korean": ("\uc88b\uc740 \uc601\ud654", 2),
    "Russian": ("\u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c", 2),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_words_keep_their_marks(language):
    sentence, n_words = SENTENCES[language]
    words = make_vectorizer().build_analyzer()(f"\u00ab{sentence}\u00bb, ({sentence}).")
    assert len(words) == 2 * n_words
    assert words[:n_words] == [w.rstrip("\u00ad") for w in sentence.lower().split()]
    assert pick_analyzer([sentence]) == "word"


def test_english_words_are_what_they_were():
    before = re.compile(r"(?u)\b\w[\w'\u2019-]*\b")
    for text in [
        *make_toy(n_per_task=50)["text"],
        "a--b 'tis dogs' x- _y_ -z- rock-'n'-roll 3'4 \u00fc",
    ]:
        assert make_vectorizer().build_analyzer()(text) == before.findall(text.lower())


@pytest.mark.parametrize("text", [
    "\u3053\u306e\u6620\u753b\u306f\u826f\u3044", "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d",
    "\u0e20\u0e32\u0e1e\u0e22\u0e19\u0e15\u0e23\u0e4c\u0e14\u0e35",
    "\u179b\u17d2\u17a2", "\u0e94\u0eb5", "\u1000\u1031\u102c\u1004\u103a\u1038",
])  # fmt: skip
def test_scripts_without_spaces_count_letters_and_say_so(text, capsys):
    data = MultiTaskDataset([text, text[:3], text[1:]], [0, 1, 0], 2)
    assert capsys.readouterr().out.startswith("analyzer: char")
    assert data.vectorizer.analyzer == "char_wb" and type(data.vectorizer) is TfidfVectorizer
    assert (data.x.numpy() != 0).sum(1).min() >= 3
    fitted = make_vectorizer("bow", analyzer="auto").fit([text])
    assert type(fitted) is CountVectorizer and fitted.transform([text[1:]]).nnz > 1


def test_a_vectoriser_of_letters_survives_saving(tmp_path):
    texts = ["\u6620\u753b\u304c\u597d\u304d", "\u8eca\u304c\u5acc\u3044"]
    data = MultiTaskDataset(texts, [1, 0], 2, class_names=["\u60aa\u3044", "\u826f\u3044"])
    model = RAG(data.n_features, 2, 1, tasks=data.task_names)
    fit(model, data, epochs=1, progress=False)
    saved = load(save(tmp_path / "m.safetensors", model, data.vectorizer))
    assert saved.labels == ["\u60aa\u3044", "\u826f\u3044"]
    assert (saved.vectorizer.transform(texts) != data.vectorizer.transform(texts)).nnz == 0


def test_texts_without_a_known_word_are_warned_about():
    train = MultiTaskDataset(TEXTS, [0, 1, 0], 2)
    with pytest.warns(UnknownWordsWarning, match=r"10 of 12 texts hold no word"):
        MultiTaskDataset(["zzz"] * 10 + TEXTS[:2], [0] * 12, 2, vectorizer=train.vectorizer)
    MultiTaskDataset(["zzz"] * 4 + TEXTS * 4, [0] * 16, 2, vectorizer=train.vectorizer)


def test_emoji_in_more_than_a_tenth_of_the_texts_are_read():
    texts = [f"it came {sign}" for sign in ("\U0001f600", ":-(", "\u2605", "<3")] * 3
    plain = ["it came (see: a) at 10:30, http://x.de"] * (10 * len(texts))
    assert pick_analyzer(plain) == pick_analyzer([*texts[:10], *plain]) == "word"
    assert pick_analyzer([*texts, *plain[:100]]) == "char"
    words = make_vectorizer(analyzer="auto").fit(texts)
    x = words.transform(texts[:4]).toarray()
    assert len(np.unique(x, axis=0)) == 4  # where words would make one row of them
