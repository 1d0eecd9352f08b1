"""Strategies: the ways to treat several tasks that an experiment compares, one object each.

Enters: the training part of a draw.  Leaves: an untrained model, its features, and the penalties
to try.

Every strategy of the course tries 49 penalties, from 0.00001 to 10: RAG a grid of 7 x 7, one for
the adapters and one for W_s, the others a line of 49 for the one that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragteach.data.encoder import Encoder, Widened
from ragteach.data.features import make_vectorizer
from ragteach.dataset import MultiTaskDataset
from ragteach.errors import refuse, shown
from ragteach.ground.arguments import as_list, check_penalty, is_a, meant
from ragteach.ground.functions import check_function
from ragteach.model import RAG
from ragteach.study.looks import BLACK, BLUE, GREEN, ORANGE, PINK, SKY, VERMILION, Look

STRENGTHS = np.logspace(-5, 1, 7)  # lam and lam_shared of RAG: 7 x 7 = 49 tries
FINE = np.logspace(-5, 1, 49)  # the one penalty of the others: 49 tries


@dataclass(frozen=True)
class Strategy:
    """One way to treat several tasks.

    Attributes:
        name: what tables and pictures call it.
        builder: a function from the training part (a `MultiTaskDataset`) to an untrained `RAG` with
            full-size adapters. None trains nothing, and says each task's most frequent class.
        tries: the penalties to choose from, pairs (lam, lam_shared). Give every strategy of a
            comparison the same number: more tries are more chances.
        features: a function from the training part to a fitted vectoriser of its own. Default: the
            words of the training part.
        look: colour, marker and line style in pictures.

    Raises:
        RagteachError: no name, a builder that cannot be called, penalties that are not pairs of
            finite numbers >= 0.

    Example:
        >>> def grouped(data):
        ...     shape = data.n_features, data.n_classes, 2
        ...     return RAG(*shape, tasks=data.task_names, graph="grouped", init="zero")
        >>> ours = Strategy("two groups", grouped, pairs([0.01, 0.1], [0.01, 0.1]))
        >>> len(ours.tries)
        4
    """

    name: str
    builder: Callable[[MultiTaskDataset], RAG] | None
    tries: tuple[tuple[float, float], ...] = ()
    features: Callable[[MultiTaskDataset], Any] | None = None
    look: Look = Look()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise refuse(
                expected="a strategy with a name",
                got=f"name = {shown(self.name)}",
                fix='give it a name, for example Strategy("two groups", ...)',
            )
        for what in ("builder", "features"):
            value = getattr(self, what)
            fix = "pass a function of the training part, a MultiTaskDataset; or None"
            if value is not None:
                check_function(what, value, ("data",), fix, made=True)
        is_a("look", self.look, Look, "a Look of colour, marker and line style", "leave it out")
        if self.builder is None:
            return
        what = f"tries of the strategy {self.name!r}"
        for pair in as_list(what, self.tries, "pairs([0.01, 0.1], [0.01, 0.1])"):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise refuse(
                    expected=f"tries of the strategy {self.name!r} as pairs (lam, lam_shared)",
                    got=shown(pair),
                    fix="use pairs([0.01, 0.1], [0.01, 0.1]), which makes every combination",
                )
            check_penalty(f"lam in {what}", pair[0])
            check_penalty(f"lam_shared in {what}", pair[1])


def pairs(lam: Iterable[float], lam_shared: Iterable[float]) -> tuple[tuple[float, float], ...]:
    """Every combination of the two penalties, as the ``tries`` of a `Strategy`.

    Example:
        >>> pairs([0.1, 1.0], [0.0])
        ((0.1, 0.0), (1.0, 0.0))
    """
    lam = list(lam)
    lam_shared = list(lam_shared)
    return tuple((float(a), float(b)) for b in lam_shared for a in lam)


def rag(data: MultiTaskDataset) -> RAG:
    """W_s and one adapter a task."""
    options: dict[str, Any] = {"tasks": data.task_names, "init": "zero"}
    return RAG(data.n_features, data.n_classes, data.n_tasks, **options)


def full_sharing(data: MultiTaskDataset) -> RAG:
    """One matrix and one bias for all tasks."""
    options: dict[str, Any] = {"tasks": data.task_names, "init": "zero", "bias": "shared"}
    return RAG.full_sharing(data.n_features, data.n_classes, **options)


def full_sharing_task_bias(data: MultiTaskDataset) -> RAG:
    """One matrix for all tasks, a bias for each."""
    options: dict[str, Any] = {"tasks": data.task_names, "init": "zero", "bias": "task"}
    return RAG.full_sharing(data.n_features, data.n_classes, **options)


def independent(data: MultiTaskDataset) -> RAG:
    """A matrix and a bias for each task, W_s frozen at zero."""
    options: dict[str, Any] = {"tasks": data.task_names, "init": "zero"}
    return RAG.independent(data.n_features, data.n_classes, **options)


def phrases_for_one(data: MultiTaskDataset) -> Any:
    """Features with which one matrix has as many numbers as RAG's (T + 1) C d."""
    return _phrases(data, data.n_features * (data.n_tasks + 1))


def phrases_for_each(data: MultiTaskDataset) -> Any:
    """Features with which one matrix a task makes as many numbers as RAG's (T + 1) C d."""
    return _phrases(data, data.n_features * (data.n_tasks + 1) // data.n_tasks)


def _phrases(data: MultiTaskDataset, width: int) -> Any:
    """A vectoriser of the features of ``data`` and the most frequent longer ones: ``width``
    features, or fewer if there are no more. Beside words these are pairs and triples of words;
    beside runs of up to three letters, runs of four and five; of an encoder: its numbers, and
    random features of them.
    """
    if isinstance(data.vectorizer, Encoder):
        return Widened(data.vectorizer, width)
    letters = data.vectorizer.analyzer in ("char", "char_wb")
    longer: dict[str, Any] = {"analyzer": "char", "ngrams": 5} if letters else {"ngrams": 3}
    counter = make_vectorizer("bow", **longer)
    counts = np.asarray(counter.fit_transform(data.texts).sum(0)).ravel()  # (n_phrases,)
    names = counter.get_feature_names_out()
    is_own = np.array([name in data.vectorizer.vocabulary_ for name in names])
    chosen = np.lexsort((-counts, ~is_own))[:width]  # its own first, then by count; ties by name
    return make_vectorizer(**longer).set_params(vocabulary=sorted(names[chosen])).fit(data.texts)


_GRID = pairs(STRENGTHS, STRENGTHS)
_ONE = pairs([0.0], FINE)
_EACH = pairs(FINE, [0.0])
REGISTRY = {
    strategy.name: strategy
    for strategy in (
        Strategy("RAG", rag, _GRID, look=Look(BLUE, "o", "-", "R")),
        Strategy("full sharing", full_sharing, _ONE, look=Look(VERMILION, "s", "--", "F")),
        Strategy("independent", independent, _EACH, look=Look(GREEN, "^", ":", "I")),
        Strategy(
            "full sharing + task bias", full_sharing_task_bias, _ONE, look=Look(PINK, "D", "-.")
        ),
        Strategy(
            "full sharing, equal parameters",
            full_sharing,
            _ONE,
            phrases_for_one,
            Look(ORANGE, "v", (0, (5, 1, 1, 1, 1, 1))),
        ),
        Strategy(
            "independent, equal parameters",
            independent,
            _EACH,
            phrases_for_each,
            Look(SKY, "P", (0, (8, 3))),
        ),
        Strategy("majority class", None, look=Look(BLACK, "X", "-")),
    )
}
STRATEGIES = ("RAG", "full sharing", "independent")
BASELINES = tuple(name for name in REGISTRY if name not in STRATEGIES)


def chosen_strategies(given: str | Strategy | Iterable[str | Strategy]) -> list[Strategy]:
    """Names and objects as a list of `Strategy`, each once."""
    given = [given] if isinstance(given, str | Strategy) else given
    given = as_list("strategies", given, "strategies=['RAG', 'full sharing']")
    found = [
        item if isinstance(item, Strategy) else REGISTRY[meant("strategy", item, REGISTRY)]
        for item in given
    ]
    once("strategies", [strategy.name for strategy in found])
    return found


def once(name: str, values: list) -> None:
    """Refuse a list in which a value stands twice: a repetition is no new data."""
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise refuse(
            expected=f"{name} that are all different: the same again is no new data",
            got=f"{name} = {shown(values)}, in which {twice[0]!r} stands more than once",
            fix=f"name {twice[0]!r} once",
        )
