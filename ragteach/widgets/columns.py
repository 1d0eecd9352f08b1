"""Columns: what the sharing slider's page knows of a sentence, word by word.

Enters: the optimum at every lambda, and sentences.  Leaves: for each column j the weights of all
lambdas, tasks and classes, and each sentence as [[j, x_j], ...]: a score is a sum over its words.

Of a bag of words a column is a word.  An encoder reads a word in its sentence, so there a column is
one word of one sentence, already multiplied: its vector is a mean over words, so that the score is
a sum over them just as well.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from ragteach.data.encoder import Encoder
from ragteach.data.features import make_vectorizer

SENT = 1_500_000  # numbers that the page gets at most; of more, words that hardly matter stay here
CANDIDATES = 300  # of the most frequent words an encoder is asked about, one at a time
LEAST = 0.1  # of the largest shared weight: a word below it weighs next to nothing
TYPED = (
    " A frozen encoder has read the sentences below, word by word, in the kernel; the page has "
    "none. For a sentence of your own run this cell again with sentence=[...]."
)


@dataclass
class Columns:
    """What the page is sent.

    Attributes:
        words: (n_columns,) names. drawn: those that have a bar.
        rows: each sentence as [[column, value], ...]. unknown: its words that no column has.
        shared: (n_lambda, n_classes, n_columns). adapters: (n_lambda, n_tasks, n_classes,
            n_columns).
        idf: (n_columns,). typing: whether the page can read a text that is typed. note: a sentence
            for the reader.
    """

    words: list[str]
    drawn: list[str]
    rows: list[list]
    unknown: list[list[str]]
    shared: Tensor
    adapters: Tensor
    idf: np.ndarray
    typing: bool
    note: str = ""


def word_columns(
    vectorizer: Any,
    train: pd.DataFrame,
    texts: list[str],
    shared: Tensor,
    adapters: Tensor,
    best: int,
    words: list[str] | None,
    axes: Tensor,
) -> Columns:
    """Of a bag of words: its words, the ones that the tasks differ about most first."""
    vocabulary = [str(w) for w in vectorizer.get_feature_names_out()]
    column = {word: j for j, word in enumerate(vocabulary)}
    spread = differing(adapters[best], axes)
    drawn = chosen(words, vocabulary, across(shared[best], axes), spread)
    needed = {w for text in texts for w in vectorizer.build_analyzer()(text)} | set(drawn)
    ranked = [vocabulary[j] for j in spread.argsort(descending=True)]
    kept = [w for w in ranked if w in needed]
    room = SENT // (len(shared) * (1 + adapters.shape[1]) * shared.shape[1])
    kept += [w for w in ranked if w not in needed][: max(0, room - len(kept))]
    columns = [column[w] for w in kept]
    rows, unknown = features(texts, vectorizer, {j: i for i, j in enumerate(columns)})
    idf = getattr(vectorizer, "idf_", np.ones(len(vocabulary)))[columns]
    note = ""
    if len(kept) < len(vocabulary):
        note = (
            f" Of {len(vocabulary):,} words the page has the {len(kept):,} that the {{thing}}s "
            "differ about most."
        )
    parts = shared[..., columns], adapters[..., columns]
    return Columns(kept, drawn, rows, unknown, *parts, idf, typable(vectorizer), note)


def encoded_columns(
    encoder: Encoder,
    train: pd.DataFrame,
    texts: list[str],
    shared: Tensor,
    adapters: Tensor,
    best: int,
    words: list[str] | None,
    axes: Tensor,
) -> Columns:
    """Of an encoder: each word of each sentence, and some words read alone, to be drawn."""
    counter = make_vectorizer("bow", max_features=CANDIDATES, analyzer="auto").fit(train["text"])
    asked = [w for w in (words or []) if isinstance(w, str) and w.strip()]
    vocabulary = asked or [str(w) for w in counter.get_feature_names_out()]
    alone = torch.from_numpy(encoder.transform(vocabulary)).T  # (n_features, n_words)
    spread = differing(adapters[best] @ alone, axes)
    drawn = chosen(asked, vocabulary, across(shared[best] @ alone, axes), spread)
    names: list[str] = []
    rows: list[list] = []
    vectors: list[Tensor] = []
    for text in texts:
        said, added = encoder.by_word(text)
        rows.append([[len(names) + i, 1.0] for i in range(len(said))])
        names += said
        vectors.append(torch.from_numpy(added).T)
    own = torch.stack([alone[:, vocabulary.index(w)] for w in drawn], 1)
    x = torch.cat([*vectors, own], 1)  # (n_features, n_columns); those that are drawn come last
    unknown: list[list[str]] = [[] for _ in texts]
    parts = shared @ x, adapters @ x
    names = [*names, *drawn]
    return Columns(names, drawn, rows, unknown, *parts, np.ones(len(names)), False, TYPED)


def across(weights: Tensor, axes: Tensor) -> Tensor:
    """How far each word leans, on the axis where it leans most: (n_classes, n) -> (n,)."""
    return (axes.to(weights) @ weights).abs().amax(0)


def differing(adapters: Tensor, axes: Tensor) -> Tensor:
    """(n_tasks, n_classes, n) -> (n,): how much the tasks differ about each word, at most."""
    return apart(adapters, axes).amax(0)


def apart(adapters: Tensor, axes: Tensor) -> Tensor:
    """(n_tasks, n_classes, n) -> (n_axes, n): how much the tasks differ on each axis."""
    score = axes.to(adapters) @ adapters  # (n_tasks, n_axes, n)
    return score.std(0, correction=min(1, len(adapters) - 1))


def chosen(
    words: list[str] | None, vocabulary: list[str], common: Tensor, spread: Tensor
) -> list[str]:
    """The words to draw: yours; else six that the tasks disagree about, and up to two that weigh
    something and mean one thing to all.
    """
    known = set(vocabulary)
    drawn = [w for w in (words or []) if w in known]
    if not drawn:
        alike = common.abs() - 2 * spread
        drawn = [vocabulary[j] for j in spread.argsort(descending=True)[:6]]
        least = LEAST * common.abs().max()
        drawn += [
            vocabulary[j]
            for j in alike.argsort(descending=True)[:2]
            if vocabulary[j] not in drawn and alike[j] > least
        ]
    return drawn


def typable(vectorizer: Any) -> bool:
    """Whether the page can make features of a text that is typed: single words, as the course
    reads.
    """
    ours = make_vectorizer("bow")
    same = ("analyzer", "token_pattern", "ngram_range", "lowercase", "binary", "stop_words")
    odd = getattr(vectorizer, "sublinear_tf", False) or getattr(vectorizer, "norm", None) == "l1"
    return not odd and all(getattr(vectorizer, k, None) == getattr(ours, k) for k in same)


def features(
    texts: list[str], vectorizer: Any, column: dict[int, int]
) -> tuple[list[list], list[list[str]]]:
    """Each text as the page reads it: [[column, value], ...] in the text's order; unknown words."""
    analyse = vectorizer.build_analyzer()
    rows = []
    unknown = []
    for text, x in zip(texts, csr_matrix(vectorizer.transform(texts)), strict=True):
        values = dict(zip(x.indices.tolist(), x.data.tolist(), strict=True))
        spoken = list(dict.fromkeys(analyse(text)))
        known = [vectorizer.vocabulary_[w] for w in spoken if w in vectorizer.vocabulary_]
        rows.append([[column[j], values[j]] for j in known if j in values])
        unknown.append([w for w in spoken if w not in vectorizer.vocabulary_])
    return rows, unknown
