"""The toy generator: reviews in four domains, as related as you say.

Enters: a few knobs.  Leaves: a pandas DataFrame, one row per labelled text, with

    text   str       the sentence
    label  int64     0 negative, 1 neutral, 2 positive (the order of ``LABELS``)
    task   str       the name of the task, here the domain that the sentence is about

Toy data come from a generator with one important knob, the relatedness r of the tasks.  Each
polarity has 16 shared words, and 16 words that have this polarity in this domain.  An opinion word
is

    u ~ uniform on [0, 1)
    word = shared word number floor(16 u)            if u < r
           this domain's word number floor(16 u)     otherwise

so it is a shared one with probability r.  At r = 1 one classifier is right for all tasks, and at
r = 0 the same word says different things in different domains: a quiet engine is praise, a quiet
loudspeaker is not.  A task has 16 words per polarity to learn whatever r is (a shared word takes
the place of a word of the domain), so the knob changes how much the tasks have in common and
nothing else: one task by itself is as hard at r = 0 as at r = 1.

Sources: Evgeniou and Pontil (2004) for tasks as related functions; Blitzer, Dredze and Pereira
(2007) for sentiment whose words change with the domain.
"""

import functools
import json
import random
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragteach.errors import is_number, one_of, refuse, shown
from ragteach.ground.memory import fits_memory

LABELS = ("negative", "neutral", "positive")
TOY_TASKS = ("films", "cars", "food", "phones")
BYTES = 700  # that a sentence takes while it is made, with its label and task
Draw = Callable[[], float]  # random.Random.random


def folder(name: str) -> Path:
    """The folder of one data set, e.g. ``folder("toy_sentiment")``.

    Looks beside the package first (a checkout), then inside it (an installed wheel).

    Raises:
        RagteachError: if neither place has it.

    Example:
        >>> folder("article").name
        'article'
    """
    package = Path(__file__).resolve().parent.parent
    places = (package.parent / "datasets" / name, package / "datasets" / name)
    for place in places:
        if place.is_dir():
            return place
    raise refuse(
        expected=f"a folder {name!r} of data beside or inside the package",
        got=f"neither {places[0]} nor {places[1]} exists",
        fix="check the name, and install ragteach again if the datasets folder is missing",
    )


# ---------------------------------------------------------------- the toy generator


@functools.cache
def _lexicon() -> dict:
    """The word lists, with ``domain_words[task][label]`` added: the words of that polarity in that
    domain.
    """
    words = json.loads((folder("toy_sentiment") / "lexicon.json").read_text(encoding="utf-8"))
    words["domain_words"] = {
        task: [
            [w for w, says in words["domain_dependent"].items() if says[task] == label]
            for label in LABELS
        ]
        for task in TOY_TASKS
    }
    return words


def domain_senses() -> dict[str, dict[str, str]]:
    """For every word whose polarity changes with the domain: its label in each.

    Example:
        >>> domain_senses()["loud"]["phones"]
        'positive'
    """
    return _lexicon()["domain_dependent"]


def make_toy(
    relatedness: float = 0.5,
    n_per_task: int | dict[str, int] = 60,
    noise: float = 0.0,
    imbalance: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Make short reviews in four domains, with tasks as related as you say.

    Each review has one or two clauses; each clause has one opinion word, drawn as the head of this
    module says.  Nouns, openers and joiners are drawn without looking at the label: only opinion
    words carry it.
    The same seed gives the same draws: moving ``relatedness`` exchanges opinion words and leaves
    the rest.

    Args:
        relatedness: r in [0, 1], the probability that an opinion word has the same polarity in all
            domains.
        n_per_task: sentences per task, an int >= 1, or a dict such as ``{"films": 200, "cars":
            20}`` (tasks that the dict does not name are left out).
        noise: fraction in [0, 1] of each task's labels that are replaced by one of the two other
            classes.
        imbalance: skew i in [0, 1). The classes positive, neutral, negative are as 1 : (1 - i) : (1
            - i)^2. Task sizes stay as they are.
        seed: an int >= 0. The same arguments give the same frame on every platform.

    Returns:
        DataFrame with text, label, task; the tasks one after the other in the order of
        ``TOY_TASKS``.

    Raises:
        RagteachError: a value out of range or an unknown task.

    Reference: datasets/toy_sentiment/DATASHEET.md, how the words were chosen and what they cannot
        show.

    Example:
        >>> make_toy(n_per_task=6).groupby("task", sort=False).size().to_dict()
        {'films': 6, 'cars': 6, 'food': 6, 'phones': 6}
    """
    _within(
        "relatedness", relatedness, "1 means that all domains use the same words, 0 that none do"
    )
    _within("noise", noise, "0.1 replaces one label in ten")
    _within("imbalance", imbalance, "0 gives even classes, 0.8 a strong skew", below_one=True)
    _whole("seed", seed, 0)
    columns: dict[str, list] = {"text": [], "label": [], "task": []}
    sizes = _sizes(n_per_task)
    check_room(sum(sizes.values()))
    for task, n_sentences in sizes.items():
        draw = random.Random(
            f"{seed}/{task}"
        ).random  # only random() is promised to stay the same for ever
        labels = _shuffled(_class_labels(n_sentences, imbalance, TOY_TASKS.index(task)), draw)
        seen = set()
        for label in labels:
            text = _sentence(task, label, relatedness, draw)
            # no sentence twice in a task, or a test set would hold training sentences
            for _ in range(50):
                if text not in seen:
                    break
                text = _sentence(task, label, relatedness, draw)
            seen.add(text)
            columns["text"].append(text)
        columns["label"] += _with_noise(labels, noise, random.Random(f"noise/{seed}/{task}").random)
        columns["task"] += [task] * n_sentences
    frame = pd.DataFrame(columns)
    frame.attrs = scheme() | {"fresh": True}  # new sentences are as alike as these are
    return frame


def check_room(n_sentences: int) -> None:
    """Refuse more sentences (``n_per_task`` times the tasks) than memory has room for."""
    fits_memory(
        f"{n_sentences:,} sentences (n_per_task x {len(TOY_TASKS)} tasks)",
        BYTES * n_sentences,
        "a smaller n_per_task",
    )


def scheme() -> dict:
    """A frame's attrs: what the numbers in its label column mean, and which classes there may
    be.
    """
    return {"label_names": list(LABELS), "classes": list(LABELS)}


def _sentence(task: str, label: int, relatedness: float, draw: Draw) -> str:
    words = _lexicon()
    two_clauses = draw() < 0.5
    opener = _pick(words["openers"], draw)
    joiner = _pick(words["joiners"], draw)
    clauses: list[str] = []
    used: set[str] = set()
    for _ in range(2):
        clause = _pick(words["clauses"], draw)
        noun = _pick(words["nouns"][task], draw, used)
        shared = words["shared"][LABELS[label]]
        own = words["domain_words"][task][label]
        word = _opinion(shared, own, relatedness, draw, used)
        used |= {noun, word}
        clauses.append(clause.format(noun=noun, word=word))
    text = opener + (joiner.join(clauses) if two_clauses else clauses[0]) + "."
    return text[0].upper() + text[1:]


def _opinion(
    shared: list[str], own: list[str], relatedness: float, draw: Draw, used: set[str]
) -> str:
    """Word number floor(16 u): a shared one if u < r, else the domain's; if used, the next one."""
    u = draw()
    while True:
        word = (shared if u < relatedness else own)[int(u * len(own))]
        if word not in used:
            return word
        u = (u + 1 / len(own)) % 1


def _pick(items: list[str], draw: Draw, used: Collection[str] = ()) -> str:
    """An item by its place floor(u * n); if it was used in this sentence, the next one that was
    not.
    """
    n_items = len(items)
    place = int(draw() * n_items)
    while items[place % n_items] in used:
        place += 1
    return items[place % n_items]


def _shuffled(items: list[int], draw: Draw) -> list[int]:
    return [item for _, item in sorted((draw(), item) for item in items)]


def _class_labels(n_sentences: int, imbalance: float, turn: int) -> list[int]:
    """Labels with counts as near to the wanted proportions as can be; ties go round from task to
    task.
    """
    wanted = np.array([(1 - imbalance) ** 2, 1 - imbalance, 1.0])  # negative, neutral, positive
    wanted = wanted / wanted.sum() * n_sentences
    counts = np.floor(wanted + 1e-9).astype(int)
    order = sorted(range(3), key=lambda c: (-round(wanted[c] - counts[c], 9), (c - turn) % 3))
    for c in order[: n_sentences - counts.sum()]:
        counts[c] += 1
    return np.repeat([0, 1, 2], counts).tolist()


def _with_noise(labels: list[int], noise: float, draw: Draw) -> list[int]:
    """Replace exactly round(noise * n) labels, each by one of the two other classes."""
    chosen = _shuffled(list(range(len(labels))), draw)[: round(noise * len(labels))]
    labels = list(labels)
    for i in chosen:
        labels[i] = (labels[i] + 1 + int(draw() * 2)) % 3
    return labels


def _within(name: str, value: float, fix: str, below_one: bool = False) -> None:
    fine = is_number(value) and (0 <= value < 1 or (value == 1 and not below_one))
    if not fine:
        raise refuse(
            expected=f"{name} to be a number in [0, 1{')' if below_one else ']'}",
            got=f"{name} = {shown(value)}",
            fix=fix,
        )


def _whole(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise refuse(
            expected=f"{name} to be a whole number >= {low}",
            got=f"{name} = {shown(value)}",
            fix=f"use a whole number such as {max(low, 1) * 20}",
        )


def _sizes(n_per_task: int | dict[str, int]) -> dict[str, int]:
    sizes = (
        dict(n_per_task) if isinstance(n_per_task, dict) else dict.fromkeys(TOY_TASKS, n_per_task)
    )
    for task, n_sentences in sizes.items():
        one_of("the task", task, TOY_TASKS)
        _whole(
            f"n_per_task for {shown(task)}" if isinstance(n_per_task, dict) else "n_per_task",
            n_sentences,
            1,
        )
    if not sizes:
        raise refuse(
            expected="at least one task",
            got="n_per_task = {}",
            fix=f"name tasks among {list(TOY_TASKS)}",
        )
    return {task: sizes[task] for task in TOY_TASKS if task in sizes}
