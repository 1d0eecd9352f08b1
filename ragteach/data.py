"""Texts, labels and tasks: every lesson starts from a frame with the columns ``text``, ``label``, ``task``.

Enters: nothing, or a CSV of your own.  Leaves: a pandas DataFrame, one row per labelled text, with

    text   str       the sentence
    label  int64     0 negative, 1 neutral, 2 positive (the order of ``LABELS``)
    task   str       the name of the task, here the domain that the sentence is about

Toy data come from a generator with one important knob, the relatedness r of the tasks.  Each opinion word is

    word ~ shared words of that polarity                with probability r
    word ~ words with that polarity in this domain      with probability 1 - r

so at r = 1 one classifier is right for all tasks, and at r = 0 the same word says different things in
different domains: a quiet engine is praise, a quiet loudspeaker is not.

Sources: Evgeniou and Pontil (2004) for tasks as related functions; Blitzer, Dredze and Pereira (2007) for
sentiment whose words change with the domain.  Real data with human ratings: `load_human`, in human.py.
"""

import functools
import json
import os
import random
import re
from pathlib import Path

import numpy as np
import pandas as pd

from ragteach.errors import one_of, refuse
from ragteach.human import HUMAN_TASKS, load_human

__all__ = [
    "HUMAN_TASKS",
    "LABELS",
    "TOY_TASKS",
    "folder",
    "load_article",
    "load_csv",
    "load_handwritten",
    "load_human",
    "load_toy",
    "make_toy",
    "write_csv",
]

LABELS = ("negative", "neutral", "positive")
TOY_TASKS = ("films", "cars", "food", "phones")


def folder(name: str) -> Path:
    """The folder of one data set, e.g. ``folder("toy_sentiment")``.

    Looks beside the package first (a checkout), then inside it (an installed wheel).

    Raises:
        RagteachError: if neither place has it.

    Example:
        >>> folder("article").name
        'article'
    """
    package = Path(__file__).resolve().parent
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
    """The word lists, with ``domain_words[task][label]`` added: the words of that polarity in that domain."""
    words = json.loads((folder("toy_sentiment") / "lexicon.json").read_text(encoding="utf-8"))
    words["domain_words"] = {
        task: [
            [w for w, says in words["domain_dependent"].items() if says[task] == label] for label in LABELS
        ]
        for task in TOY_TASKS
    }
    return words


def make_toy(relatedness=0.5, n_per_task=60, noise=0.0, imbalance=0.0, seed=0) -> pd.DataFrame:
    """Make short reviews in four domains, with tasks as related as you say.

    Each review has one or two clauses; each clause has one opinion word, drawn as the head of this module
    says.  Nouns, openers and joiners are drawn without looking at the label: only opinion words carry it.
    The same seed gives the same draws: moving ``relatedness`` exchanges opinion words and leaves the rest.

    Args:
        relatedness: r in [0, 1], the probability that an opinion word has the same polarity in all domains.
        n_per_task: sentences per task, an int >= 1, or a dict such as ``{"films": 200, "cars": 20}`` (tasks
            that the dict does not name are left out).
        noise: fraction in [0, 1] of each task's labels that are replaced by one of the two other classes.
        imbalance: skew i in [0, 1). The classes positive, neutral, negative are as 1 : (1 - i) : (1 - i)^2.
            Task sizes stay as they are.
        seed: an int >= 0. The same arguments give the same frame on every platform.

    Returns:
        DataFrame with text, label, task; the tasks one after the other in the order of ``TOY_TASKS``.

    Raises:
        RagteachError: a value out of range or an unknown task.

    Reference: datasets/toy_sentiment/DATASHEET.md, how the words were chosen and what they cannot show.

    Example:
        >>> make_toy(n_per_task=6).groupby("task", sort=False).size().to_dict()
        {'films': 6, 'cars': 6, 'food': 6, 'phones': 6}
    """
    _within("relatedness", relatedness, "1 means that all domains use the same words, 0 that none do")
    _within("noise", noise, "0.1 replaces one label in ten")
    _within("imbalance", imbalance, "0 gives even classes, 0.8 a strong skew", below_one=True)
    _whole("seed", seed, 0)
    columns = {"text": [], "label": [], "task": []}
    for task, n_sentences in _sizes(n_per_task).items():
        draw = random.Random(f"{seed}/{task}").random  # only random() is promised to stay the same for ever
        labels = _shuffled(_class_labels(n_sentences, imbalance, TOY_TASKS.index(task)), draw)
        seen = set()
        for label in labels:
            text = _sentence(task, label, relatedness, draw)
            for _ in range(50):  # no sentence twice in a task, or a test set would hold training sentences
                if text not in seen:
                    break
                text = _sentence(task, label, relatedness, draw)
            seen.add(text)
            columns["text"].append(text)
        columns["label"] += _with_noise(labels, noise, random.Random(f"noise/{seed}/{task}").random)
        columns["task"] += [task] * n_sentences
    return pd.DataFrame(columns)


def _sentence(task, label, relatedness, draw) -> str:
    words = _lexicon()
    two_clauses = draw() < 0.5
    opener, joiner = _pick(words["openers"], draw), _pick(words["joiners"], draw)
    clauses, used = [], set()
    for _ in range(2):
        clause, noun = _pick(words["clauses"], draw), _pick(words["nouns"][task], draw, used)
        shared = draw() < relatedness
        pool = words["shared"][LABELS[label]] if shared else words["domain_words"][task][label]
        word = _pick(pool, draw, used)
        used |= {noun, word}
        clauses.append(clause.format(noun=noun, word=word))
    text = opener + (joiner.join(clauses) if two_clauses else clauses[0]) + "."
    return text[0].upper() + text[1:]


def _pick(items, draw, used=()):
    """An item by its place floor(u * n); if it was used in this sentence, the next one that was not."""
    place = int(draw() * len(items))
    while items[place % len(items)] in used:
        place += 1
    return items[place % len(items)]


def _shuffled(items, draw):
    return [item for _, item in sorted((draw(), item) for item in items)]


def _class_labels(n_sentences, imbalance, turn):
    """Labels with counts as near to the wanted proportions as can be; ties go round from task to task."""
    wanted = np.array([(1 - imbalance) ** 2, 1 - imbalance, 1.0])  # negative, neutral, positive
    wanted = wanted / wanted.sum() * n_sentences
    counts = np.floor(wanted + 1e-9).astype(int)
    order = sorted(range(3), key=lambda c: (-round(wanted[c] - counts[c], 9), (c - turn) % 3))
    for c in order[: n_sentences - counts.sum()]:
        counts[c] += 1
    return np.repeat([0, 1, 2], counts).tolist()


def _with_noise(labels, noise, draw):
    """Replace exactly round(noise * n) labels, each by one of the two other classes."""
    chosen = _shuffled(list(range(len(labels))), draw)[: round(noise * len(labels))]
    labels = list(labels)
    for i in chosen:
        labels[i] = (labels[i] + 1 + int(draw() * 2)) % 3
    return labels


def _within(name, value, fix, below_one=False):
    try:
        fine = 0 <= float(value) < 1 or (float(value) == 1 and not below_one)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise refuse(
            expected=f"{name} to be a number in [0, 1{')' if below_one else ']'}",
            got=f"{name} = {value!r}",
            fix=fix,
        )


def _whole(name, value, low):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise refuse(
            expected=f"{name} to be a whole number >= {low}",
            got=f"{name} = {value!r}",
            fix=f"use a whole number such as {max(low, 1) * 20}",
        )


def _sizes(n_per_task) -> dict:
    sizes = dict(n_per_task) if isinstance(n_per_task, dict) else dict.fromkeys(TOY_TASKS, n_per_task)
    for task, n_sentences in sizes.items():
        one_of("the task", task, TOY_TASKS)
        _whole(f"n_per_task for {task!r}" if isinstance(n_per_task, dict) else "n_per_task", n_sentences, 1)
    if not sizes:
        raise refuse(
            expected="at least one task", got="n_per_task = {}", fix=f"name tasks among {list(TOY_TASKS)}"
        )
    return {task: sizes[task] for task in TOY_TASKS if task in sizes}


# ---------------------------------------------------------------- the committed files


def load_toy() -> pd.DataFrame:
    """The committed toy sentences: ``make_toy()`` with its default settings, as a file that you can read."""
    return pd.read_csv(folder("toy_sentiment") / "toy_sentiment.csv")


def load_handwritten() -> pd.DataFrame:
    """Sentences written by hand for the same four tasks: a test set that no template made.

    They are longer, negate, mix feelings and use words that the generator never saw.  Use them to test only.
    """
    return pd.read_csv(folder("toy_sentiment") / "handwritten.csv")


def load_article(labels: str = "audited") -> pd.DataFrame:
    """Nine sentences after the source article's worked case, with corrected or with contradictory labels.

    The sentences are our reconstruction, not a quotation; datasets/article/DATASHEET.md explains each label.

    Args:
        labels: ``"audited"`` (what the text says) or ``"article"`` (labels that contradict some texts).

    Raises:
        RagteachError: any other value of ``labels``.
    """
    one_of("labels", labels, ("audited", "article"))
    table = pd.read_csv(folder("article") / "article.csv")
    return pd.DataFrame({"text": table["text"], "label": table[f"label_{labels}"], "task": table["task"]})


def write_csv(frame: pd.DataFrame, path) -> None:
    """Write a frame as CSV in one step: a reader sees the old file or the whole new one, never half of it."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    os.replace(part, path)


# ---------------------------------------------------------------- your own data


def load_csv(path, encoding: str = "utf-8") -> pd.DataFrame:
    """Your own data: a CSV with the columns text, label and task; other columns are kept.

    Labels may be whole numbers from 0 on, or names.  Names become numbers: in the order of ``LABELS`` if they
    are among those three words, else in alphabetical order; ``frame.attrs["label_names"]`` says which.

    Raises:
        RagteachError: an unreadable file, a missing column, an empty text, label or task, a bad encoding.

    Example:
        >>> frame = load_csv(folder("toy_sentiment") / "handwritten.csv")
        >>> list(frame.columns)
        ['text', 'label', 'task']
    """
    shape = "a CSV file with a header line and the columns text, label, task"
    try:
        with open(path, encoding=encoding, newline="") as file:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
        if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first values for names of rows
            raise pd.errors.ParserError("the rows have more values than the header has names")
    except LookupError:
        raise refuse(
            expected="the name of a text encoding", got=f"encoding = {encoding!r}", fix="try 'utf-8'"
        ) from None
    except UnicodeDecodeError as error:
        raise refuse(
            expected=f"text in the encoding {encoding!r}",
            got=f"byte {error.object[error.start]:#04x} in {path}, which is not",
            fix="save the file as UTF-8, or name its encoding, e.g. load_csv(path, encoding='cp1252')",
        ) from None
    except OSError as error:
        raise refuse(
            expected=shape, got=f"{path}: {error.strerror}", fix="check the path of the file"
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        fix = "open the file as text and compare its first two lines; a text with commas needs quotes"
        raise refuse(expected=shape, got=f"{path}: {str(error).strip()}", fix=fix) from None
    frame.columns = [str(name).strip().lstrip("\ufeff") for name in frame.columns]
    needed = ["text", "label", "task"]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise refuse(
            expected=shape,
            got=f"no column {', '.join(missing)} in {path}; it has {', '.join(frame.columns)}",
            fix="rename the columns in the first line of the file (the separator must be a comma)",
        )
    frame = frame[[*needed, *(name for name in frame if name not in needed)]].copy()
    for name in needed:
        frame[name] = frame[name].fillna("").str.strip()
        empty = (np.flatnonzero(frame[name] == "") + 1).tolist()
        if empty or frame.empty:
            raise refuse(
                expected=f"a {name} in every row, and at least one row",
                got=f"{len(frame)} rows; empty {name} in data rows {empty[:5]}",
                fix="fill in or delete those rows",
            )
    frame["label"], frame.attrs["label_names"] = _numbered(frame["label"])
    return frame


def _numbered(labels) -> tuple:
    if all(re.fullmatch(r"\d+", label) for label in labels):
        return labels.astype("int64"), None
    names = list(LABELS) if set(labels) <= set(LABELS) else sorted(set(labels))
    return labels.map({name: number for number, name in enumerate(names)}).astype("int64"), names
