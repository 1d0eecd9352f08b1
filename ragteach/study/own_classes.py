"""Tasks with classes of their own, compared: a head for each, over what the tasks share.

Enters: training, validation and test frames whose tasks have nothing in common but words (mood
here, topic there).  Leaves: the same scores, and the same answers, as for tasks with common
classes.

    h_t(x) = tanh(W_t x + b_t)    W_t = W_s + A_t    out_t = head_t(h_t(x))

What is compared is who makes the representation: W_s and A_t (RAG), W_s alone (full sharing), A_t
alone (independent). Every strategy tries nine penalties, and the one with the least validation
cross-entropy is tested, once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from torch.nn.functional import cross_entropy

from ragteach.data.naming import natural
from ragteach.errors import refuse
from ragteach.ground.arguments import as_list, meant
from ragteach.study.head_training import fit_heads
from ragteach.study.heads import Classification
from ragteach.study.kept import Kept, Tries
from ragteach.study.looks import BLACK, BLUE, GREEN, VERMILION, Look
from ragteach.study.multi_head import MultiHead
from ragteach.study.own_heads import FrameHeads, heads_from_frame
from ragteach.study.scores import Scores, few_words, means, metrics, on_edge
from ragteach.study.strategies import BASELINES, STRATEGIES, once, pairs

HIDDEN = 16  # units of the representation
EPOCHS = 100
LR = 0.05
COARSE = np.logspace(-5, -1, 3)
FINE = np.logspace(-5, -1, 9)


@dataclass(frozen=True)
class HeadStrategy:
    """One way to make the representation under the heads.

    Attributes:
        name: what tables and pictures call it.
        builder: from the training part to an untrained `MultiHead`; None trains nothing.
        tries: pairs (lam, lam_shared).
        look: in pictures.
    """

    name: str
    builder: Callable[[FrameHeads], MultiHead] | None
    tries: tuple[tuple[float, float], ...] = ()
    look: Look = Look()
    features: None = None


def _heads(made: FrameHeads, **options: Any) -> MultiHead:
    heads = {task: Classification(len(names)) for task, names in made.class_names.items()}
    return MultiHead(made.n_features, heads, n_hidden=HIDDEN, **options)


def rag(made: FrameHeads) -> MultiHead:
    """W_t = W_s + A_t."""
    return _heads(made)


def full_sharing(made: FrameHeads) -> MultiHead:
    """W_t = W_s: no adapters."""
    return _heads(made, num_adapters=0, graph="all")


@torch.no_grad()
def independent(made: FrameHeads) -> MultiHead:
    """W_t = A_t: W_s is frozen at 0."""
    model = _heads(made)
    model.body.shared.zero_()
    model.body.freeze("shared")
    return model


OWN = {
    strategy.name: strategy
    for strategy in (
        HeadStrategy("RAG", rag, pairs(COARSE, COARSE), Look(BLUE, "o", "-", "R")),
        HeadStrategy(
            "full sharing", full_sharing, pairs([0.0], FINE), Look(VERMILION, "s", "--", "F")
        ),
        HeadStrategy("independent", independent, pairs(FINE, [0.0]), Look(GREEN, "^", ":", "I")),
        HeadStrategy("majority class", None, look=Look(BLACK, "X", "-")),
    )
}


def own_strategies(given: Any) -> list[HeadStrategy]:
    """The strategies by name; all that know heads, where nothing was chosen."""
    if given == STRATEGIES + BASELINES:
        print(
            "the tasks have classes of their own: each gets a head; compared is who makes the "
            "representation under the heads"
        )
        return list(OWN.values())
    given = [given] if isinstance(given, str) else given
    names = as_list("strategies", given, "strategies=['RAG', 'full sharing']")
    names = [meant("strategy for tasks with classes of their own", name, OWN) for name in names]
    once("strategies", names)
    return [OWN[name] for name in names]


def own_names(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The classes of each task of a standard frame, in natural order."""
    label_names = frame.attrs.get("label_names")
    names = {}
    for task, labels in frame.groupby("task", sort=False)["label"]:
        found = [label_names[n] if label_names else str(n) for n in labels.unique()]
        names[str(task)] = sorted(found, key=natural)
    return names


class HeadParts:
    """One draw (or split) as numbers: the vocabulary is fitted on the training sentences.

    Args:
        frames: training, validation and test part, whose labels are places among all classes.
        names: the classes of each task, of the whole data. max_words, encoder: as in `compare`.
    """

    def __init__(
        self,
        frames: Iterable[pd.DataFrame],
        names: dict[str, list[str]],
        max_words: int | None = None,
        encoder: Any = None,
    ):
        self.train, self.val, self.test = frames
        self.names = names
        words = few_words(self.train, max_words) if encoder is None else encoder
        self.made = heads_from_frame(self.train, words, class_names=names)
        for task, (_, y) in self.made.data.items():
            if len(set(y.tolist())) < 2:
                raise refuse(
                    expected="training sentences of two classes or more in every task",
                    got=f"one class in task {task!r}",
                    fix="take more training sentences, or leave that task out",
                )
        vectorizer = self.made.vectorizer
        self.checked = heads_from_frame(self.val, vectorizer, class_names=names).data
        everything = self.train.attrs["label_names"]
        place = {name: number for number, name in enumerate(everything)}
        self.places = {task: np.array([place[n] for n in own]) for task, own in names.items()}

    @property
    def vectorizer(self) -> Any:
        """Fitted on the training sentences."""
        return self.made.vectorizer


@dataclass
class BestHeads:
    """The model of the penalties with the least validation loss, and what was tried."""

    model: MultiHead
    lam: float
    lam_shared: float
    losses: np.ndarray


def best_heads(
    strategy: HeadStrategy,
    parts: HeadParts,
    kept: Kept | None = None,
    resume: bool = False,
    told: Callable[[int], Any] | None = None,
) -> BestHeads:
    """Train the strategy's heads with each of its penalties, and keep the best of validation.

    Args:
        kept: where the losses of finished tries go, and come from if ``resume``. Then the best one
            is trained once more, for its model.
        told: called with 1 whenever one more penalty is done.
    """
    kept = kept or Kept(None, None)
    losses = list[float]()
    best: tuple[int, MultiHead] | None = None
    for at in range(len(strategy.tries)):
        before = kept.load(Tries(strategy.name, at)) if resume else None
        if before is None:
            model, loss = _trained(strategy, parts, at)
            kept.save(Tries(strategy.name, at), [(loss,)])
            if not losses or loss < min(losses):
                best = at, model
        else:
            loss = before[0][0]
        losses.append(loss)
        if told is not None:
            told(1)
    least = int(np.argmin(losses))
    if best is None or best[0] != least:  # it was found by a run that was stopped
        best = least, _trained(strategy, parts, least)[0]
    return BestHeads(best[1], *strategy.tries[least], np.array(losses))


def _trained(strategy: HeadStrategy, parts: HeadParts, at: int) -> tuple[MultiHead, float]:
    """The heads with the penalties number ``at``, and their validation loss, the mean over
    tasks.
    """
    assert strategy.builder is not None, "a strategy that trains something"
    model = strategy.builder(parts.made)
    fit_heads(model, parts.made.data, EPOCHS, LR, *strategy.tries[at], progress=False)
    with torch.no_grad():
        found = [loss.item() for loss in model.losses(parts.checked).values()]
    return model, math.fsum(found) / len(found)


@torch.no_grad()
def head_logits(model: MultiHead, parts: HeadParts) -> dict[str, tuple[np.ndarray, torch.Tensor]]:
    """task -> (rows of the test part, logits (n_docs, n_classes of the task))."""
    texts = parts.test["text"].to_numpy()
    found: dict[str, tuple[np.ndarray, torch.Tensor]] = {}
    for task, places in parts.test.groupby("task", sort=False).indices.items():
        rows = np.asarray(places)
        x = parts.vectorizer.transform(texts[rows])  # (n_docs, n_features), sparse or dense
        x = torch.as_tensor(x.toarray() if sp.issparse(x) else x).float()
        found[str(task)] = rows, model(x, str(task))
    return found


def head_answers(model: MultiHead, parts: HeadParts) -> tuple[np.ndarray, np.ndarray]:
    """(class number among all classes, its probability) for every row of the test part."""
    said = np.zeros(len(parts.test), dtype=int)
    probability = np.zeros(len(parts.test))
    for task, (rows, logits) in head_logits(model, parts).items():
        p, c = logits.softmax(1).max(1)
        said[rows] = parts.places[task][c.numpy()]
        probability[rows] = p.numpy()
    return said, probability


def score_heads(
    strategy: HeadStrategy, parts: HeadParts, told: Callable[[int], Any] | None = None
) -> tuple[Scores, int]:
    """The scores of one strategy on one draw, and its number of trained weights; ``told`` as in
    `best_heads`.
    """
    truth = parts.test["label"].to_numpy()
    scores: Scores = []
    if strategy.builder is None:
        for task, rows in parts.test.groupby("task", sort=False).indices.items():
            places = parts.places[str(task)]
            labels = parts.train.loc[parts.train["task"] == task, "label"].to_numpy()
            counts = (labels[:, None] == places).sum(0) + 1  # (n_classes of the task,)
            own = (truth[rows][:, None] == places).argmax(1)
            log_p = np.log(counts / counts.sum())
            said = np.full(len(rows), counts.argmax())
            scores += metrics(str(task), own, said, -log_p[own].mean())
        return scores + means(scores), 0
    best = best_heads(strategy, parts, told=told)
    for task, (rows, logits) in head_logits(best.model, parts).items():
        own = (truth[rows][:, None] == parts.places[task]).argmax(1)
        loss = cross_entropy(logits, torch.from_numpy(own)).item()
        scores += metrics(task, own, logits.argmax(1).numpy(), loss)
    lams = np.array(strategy.tries).T
    edge = on_edge(lams[0], best.losses) or on_edge(lams[1], best.losses)
    chosen = [("mean", "lam", best.lam), ("mean", "lam_shared", best.lam_shared)]
    n_params = sum(p.numel() for p in best.model.parameters() if p.requires_grad)
    return scores + means(scores) + [*chosen, ("mean", "on_edge", float(edge))], n_params
