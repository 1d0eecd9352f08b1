"""A world of your own: sentences that a student's number seeds, and the exact optimum in them.

Enters: an id, such as a student number.  Leaves: a `World`, the same on every machine and in every
version: how related its tasks are, how large each is, how many labels are wrong, and which word
means what. Exercises that end in ``-w`` ask for a number of this world, and their check solves the
world itself (a convex problem: some hundredths of a second), so nothing needs hiding.

Worlds differ in their answers and not in their difficulty. The more related the tasks, the more
training labels are wrong,

    noise = 0.50 (r - 0.5),      r uniform on [0.5, 0.7]

which keeps the exact solver's test accuracy near 0.75 for every r; the tasks' sizes are a
permutation of the same four; and an exchange of the words that change their sense with the domain
changes no accuracy at all.

An id goes through SHA-512 (``random.Random`` of a string), never through ``hash``.
"""

from __future__ import annotations

import functools
import random
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

from ragteach.data.toy import TOY_TASKS, domain_senses, make_toy
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve
from ragteach.errors import one_of, refuse, shown
from ragteach.losses import MultiTaskLoss
from ragteach.model import RAG
from ragteach.teach import record

DEFAULT = "default"
SIZES = (36, 48, 60, 75)  # training sentences of the four tasks, in an order of the world's own
N_VAL = 60  # per task, to choose on
N_TEST = 240  # per task
LAM = LAM_SHARED = 0.01
STRATEGIES = ("RAG", "full sharing", "independent")
SECTION = "class"  # of the record: the world's id
LONGEST_ID = 80
WORD = re.compile(r"[A-Za-z-]+")


@dataclass(frozen=True, eq=False)
class World:
    """Everything that an exercise of yours is about.

    Attributes:
        id: whose world it is.
        relatedness: the share of opinion words that mean the same in all domains.
        noise: the share of training labels that are wrong. Test labels are right.
        sizes: training sentences of each task.
        words: for every word that changes its sense with the domain, the word that has its senses
            here: ``words["loud"] == "dry"`` says that *dry* is used here as *loud* is elsewhere.
        word: one of those, often met in this world: exercises ask about it.
        small: the task with fewest sentences.
        train, val, test: frames with text, label, task, to learn, to choose and to test on.
        lam, lam_shared: the penalties that exercises use.
    """

    id: str
    relatedness: float
    noise: float
    sizes: Mapping[str, int]
    words: Mapping[str, str]
    word: str
    small: str
    train: pd.DataFrame = field(repr=False)
    val: pd.DataFrame = field(repr=False)
    test: pd.DataFrame = field(repr=False)
    lam: float = LAM
    lam_shared: float = LAM_SHARED

    @functools.cached_property
    def data(self) -> MultiTaskDataset:
        """The training sentences as a data set."""
        return MultiTaskDataset.from_frame(self.train)

    @functools.cached_property
    def validation(self) -> MultiTaskDataset:
        """The sentences to choose on, with the features of ``data``."""
        return self._with_features_of_data(self.val)

    @functools.cached_property
    def held_out(self) -> MultiTaskDataset:
        """The test sentences, with the features of ``data``."""
        return self._with_features_of_data(self.test)

    def _with_features_of_data(self, frame: pd.DataFrame) -> MultiTaskDataset:
        data = self.data
        return MultiTaskDataset.from_frame(frame, data.vectorizer, data.task_names)

    @property
    def column(self) -> int:
        """The place of ``word`` among the features: a column of every W."""
        return int(self.data.vectorizer.vocabulary_[self.word])

    def untrained(self, strategy: str = "RAG") -> RAG:
        """A model of zeros for this world; ``strategy``: "RAG", "full sharing" or "independent"."""
        one_of("strategy", strategy, STRATEGIES)
        data = self.data
        make: Callable[..., RAG]
        options: dict[str, Any]
        if strategy == "full sharing":
            make = RAG.full_sharing
            options = {"tasks": data.task_names, "bias": "shared"}
        elif strategy == "independent":
            make = RAG.independent
            options = {"tasks": data.task_names}
        else:
            make = functools.partial(RAG, num_adapters=data.n_tasks)
            options = {"tasks": data.task_names}
        return make(data.n_features, data.n_classes, init="zero", **options).double()

    def solve(self, strategy: str = "RAG", alpha: str = "equal") -> RAG:
        """The exact optimum of a strategy in this world, at ``lam`` and ``lam_shared``."""
        model = self.untrained(strategy)
        solve(model, self.data, self.lam, self.lam_shared, alpha, tol=1e-6)
        return model

    def losses(self, model: RAG) -> np.ndarray:
        """(n_tasks,) the cross-entropy of a model on each task's test sentences."""
        x = self.held_out.rows(range(len(self.test))).double()
        with torch.no_grad():
            each = torch.nn.functional.cross_entropy(
                model(x, self.held_out.task), self.held_out.y, reduction="none"
            )
        place = self.held_out.task
        return np.array([float(each[place == t].mean()) for t in range(len(self.sizes))])

    def objective(self, model: RAG) -> float:
        """J of a model on the training sentences, at ``lam`` and ``lam_shared``, alpha equal."""
        loss = MultiTaskLoss(lam=self.lam, lam_shared=self.lam_shared)
        with torch.no_grad():
            return float(loss.stacked(model, self.data.stacked(dtype=torch.float64)))

    def right(self, strategy: str = "RAG") -> np.ndarray:
        """(n_test,) True where the optimum of ``strategy`` labels a test sentence rightly."""
        return self.said(strategy) == self.test["label"].to_numpy()

    def said(self, strategy: str = "RAG") -> np.ndarray:
        """(n_test,) the class that the optimum of ``strategy`` gives each test sentence."""
        x = self.held_out.rows(range(len(self.test))).double()
        return self.solve(strategy).predict(x, self.held_out.task).numpy()

    def __repr__(self) -> str:
        whose = "The default world" if self.id == DEFAULT else f"The world of {self.id!r}"
        sizes = ", ".join(f"{task} {n}" for task, n in self.sizes.items())
        return (
            f"{whose}: training sentences {sizes}; relatedness {self.relatedness:.3f}; "
            f"{self.noise:.0%} of the training labels are wrong; look at the word {self.word!r}."
        )


def world(student_id: str | int | None = None) -> World:
    """Enter a world of your own: exercises whose number ends in ``-w`` then ask about it.

    The id seeds how related the tasks are, their sizes, the wrong labels and which word means what,
    so that everybody's numbers differ while nobody's are harder. It is kept in
    ``my_progress.json`` beside the notebook, so other notebooks of the folder are in the same
    world.

    Args:
        student_id: a student number or a name, at most 80 characters; capitals and spaces around it
            do not matter. None: the world you are in, which is ``"default"`` until you enter one.
            ``"default"`` leads back.

    Returns:
        `World`, with ``train``, ``test``, ``sizes``, ``word``, ``data``, ``solve()``.

    Raises:
        RagteachError: an id that is blank, too long, or no text.

    Example:
        >>> here = world()
        >>> here.id, sorted(here.sizes.values())
        ('default', [36, 48, 60, 75])
    """
    if _staying is not None:
        return world_of(*_staying)
    if student_id is None:
        return world_of(current_id())
    name = clean_id(student_id)
    record.keep(SECTION, "world", name)
    return world_of(name)


_staying: tuple[str, int] | None = None  # the grader's: this world whatever is asked for


def stay(name: str, fresh: int = 0) -> None:
    """From now on this process is in one world; ``rt.world("another")`` leads to it too.

    For grading: a student's answer is run again in the world it is judged in.
    """
    global _staying
    _staying = (clean_id(name), fresh)


def current_id() -> str:
    """The id of the world the learner is in."""
    try:
        return clean_id(record.kept(SECTION).get("world", DEFAULT))
    except ValueError:  # somebody edited the file
        return DEFAULT


def clean_id(student_id: object) -> str:
    """An id as it is kept: no spaces around it, no capitals, one spelling for each letter and
    figure (an accent may be a sign of its own, a figure as wide as a letter of Chinese).
    """
    fine = isinstance(student_id, str)
    if isinstance(student_id, int) and not isinstance(student_id, bool):
        fine = abs(student_id) < 10**LONGEST_ID  # a longer one cannot even be written
    name = unicodedata.normalize("NFKC", str(student_id)).casefold() if fine else ""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name or len(name) > LONGEST_ID or not name.isprintable():
        raise refuse(
            expected=f"student_id to be a number or a name, 1 to {LONGEST_ID} characters",
            got=f"student_id = {shown(student_id, 100)}",
            fix='write rt.world("your student number")',
        )
    return name


@functools.lru_cache(maxsize=8)
def world_of(name: str, fresh: int = 0) -> World:
    """The world of a cleaned id. ``fresh``: another draw of its sentences, for grading."""
    draw = random.Random(f"ragteach world 1/{name}")
    relatedness = round(0.5 + 0.2 * draw.random(), 3)
    noise = round(0.5 * (relatedness - 0.5), 3)
    sizes = dict(zip(TOY_TASKS, draw.sample(SIZES, len(SIZES)), strict=True))
    seed = draw.randrange(2**31)
    names = sorted(domain_senses())
    words = dict(zip(names, draw.sample(names, len(names)), strict=True))
    if fresh:
        seed = random.Random(f"{seed}/{fresh}").randrange(2**31)
    frame = make_toy(relatedness, {t: n + N_VAL + N_TEST for t, n in sizes.items()}, seed=seed)
    frame["text"] = [_exchanged(text, words) for text in frame["text"]]
    deal = random.Random(f"ragteach deal 1/{seed}")
    train, val, test = _dealt(frame, sizes, deal)
    train["label"] = _mislabelled(train["label"].tolist(), noise, deal)
    return World(
        id=name,
        relatedness=relatedness,
        noise=noise,
        sizes=sizes,
        words=words,
        word=_often_met(train, words),
        small=min(sizes, key=sizes.__getitem__),
        train=train,
        val=val,
        test=test,
    )


def _exchanged(text: str, words: Mapping[str, str]) -> str:
    return WORD.sub(lambda found: words.get(found[0], found[0]), text)


def _dealt(
    frame: pd.DataFrame, sizes: Mapping[str, int], deal: random.Random
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sentences to learn, to choose and to test on: in each task every class has a third of
    each.
    """
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for task, n in sizes.items():
        rows = frame[frame["task"] == task]
        for label in range(3):
            places = rows.index[rows["label"] == label].tolist()
            deal.shuffle(places)
            cuts = (0, n // 3, (n + N_VAL) // 3, len(places))
            for part, start, end in zip(parts, cuts, cuts[1:], strict=False):
                part += places[start:end]
    train, val, test = (frame.loc[sorted(part)].reset_index(drop=True) for part in parts)
    return train, val, test


def _mislabelled(labels: list[int], noise: float, deal: random.Random) -> list[int]:
    """Exactly round(noise n) labels exchanged for one of the two others."""
    for i in deal.sample(range(len(labels)), round(noise * len(labels))):
        labels[i] = (labels[i] + 1 + deal.randrange(2)) % 3
    return labels


def _often_met(train: pd.DataFrame, words: Mapping[str, str]) -> str:
    """The word of changing sense that most sentences hold; of equals the first in the alphabet."""
    counts = dict.fromkeys(sorted(words), 0)
    for text in train["text"]:
        for found in set(WORD.findall(text)) & counts.keys():
            counts[found] += 1
    return max(counts, key=counts.__getitem__)
