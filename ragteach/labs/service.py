"""The service lab: three things to read in one message, and an answer to it, or "I don't know".

Enters: messages with a sentiment, an intent and an answer each, or a table of yours.  Leaves: a
`ServiceLab`. Its tasks have classes of their own: a head for each, over what they share
(`ragteach.study.own_classes`).

    cost of a reply = 0 if it is right, wrong if it is not, person if it is "I don't know" (None)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline, make_union

from ragteach.data.arguments import as_list
from ragteach.data.features import make_vectorizer
from ragteach.data.frames import any_frame, as_table
from ragteach.data.messages import load_messages, split_messages
from ragteach.data.shares import wilson
from ragteach.data.splits import split_frame
from ragteach.errors import at_least, one_of, refuse
from ragteach.labs.baselines import TEXTS, Best, Majority, word_features
from ragteach.labs.headed import Reader
from ragteach.labs.held import NOT_YET, Lab, NotYet
from ragteach.labs.scoring import Z, key
from ragteach.study.own_classes import HeadParts, own_names

TASKS = ("sentiment", "intent", "answer")
WRONG, PERSON = 3.0, 1.0  # what a wrong answer costs, and a person who reads the message
N_DENSE = 128  # numbers that are left of words and runs of letters, for the heads
STRATEGIES = ("RAG", "full sharing", "independent")


def by_task(frame: pd.DataFrame) -> pd.DataFrame:
    """Messages with an answer as a table with text, label and task: three rows for each of them.

    Example:
        >>> table = pd.DataFrame([("Where is it?", "neutral", "delivery", "track")], columns=["text", *TASKS])
        >>> by_task(table)["label"].tolist()
        ['neutral', 'delivery', 'track']
    """
    known = frame[frame["answer"] != ""]
    return known.melt(["text"], list(TASKS), "task", "label")[["text", "label", "task"]]


def dense_features(texts: Sequence[str]) -> Any:
    """Words and runs of letters, fitted on training texts, then reduced to 128 numbers a text."""
    letters = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 4))
    both = make_union(make_vectorizer(), letters).fit(texts)
    size = min(N_DENSE, *(n - 1 for n in both.transform(texts).shape))
    return make_pipeline(both, TruncatedSVD(max(1, size), random_state=0)).fit(texts)


class Retrieval:
    """Answers a message as the nearest known one was answered; says None if none is near enough.

    Args:
        texts, answers: the known messages, and how they were answered.
        features: a fitted vectoriser, or a `ragteach.Encoder`. Default: TF-IDF of runs of letters.
        threshold: the least cosine at which it answers.

    Example:
        >>> texts = ["where is my parcel", "cancel my order"]
        >>> known = Retrieval(texts, ["track", "cancel"], threshold=0.4)
        >>> known.reply(["please cancel the order", "does iron rust"])
        ['cancel', None]
    """

    def __init__(
        self,
        texts: Sequence[str],
        answers: Sequence[str],
        features: Any = None,
        threshold: float = 0.0,
    ) -> None:
        self.texts, self.answers = list(texts), np.asarray(answers, dtype=object)
        if len(self.texts) != len(self.answers) or not self.texts:
            raise refuse(
                expected="as many answers as texts, and at least one",
                got=f"{len(self.texts)} texts and {len(self.answers)} answers",
                fix='take both from one table: frame["text"], frame["answer"]',
            )
        self.features = word_features({"all": (self.texts, self.answers)}, "char")
        self.features = self.features if features is None else features
        known = self.features.transform(self.texts)
        self.search = NearestNeighbors(n_neighbors=1, metric="cosine").fit(known)
        self.threshold = threshold
        self.trained_on = self.texts

    def nearest(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(place of the nearest known message, its cosine), (n_texts,) each."""
        distance, place = self.search.kneighbors(
            self.features.transform(as_list("texts", texts, "retrieval.nearest([text])"))
        )
        return place[:, 0], 1 - distance[:, 0]

    def reply(self, texts: Sequence[str]) -> list[str | None]:
        """The answer of the nearest, or None below the threshold."""
        place, cosine = self.nearest(texts)
        near = cosine >= self.threshold
        return [self.answers[i] if yes else None for i, yes in zip(place, near, strict=True)]


class ServiceLab(Lab):
    """A `Lab` that also scores whole replies: an answer, or None for "I don't know".

    Attributes:
        messages: the training and the validation messages as frames, the latter also with messages
            that no answer fits.
    """

    def __init__(
        self, *args: Any, messages: tuple, asked: pd.DataFrame | None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.messages = messages
        self._asked = asked

    def score_replies(
        self, reply: Any, wrong: float = WRONG, person: float = PERSON
    ) -> pd.Series | NotYet:
        """What replies are worth on the held-out messages, also on those that no answer fits.

        Args:
            reply: a function of a list of texts; gives an answer's name, or None, for each.
                ``...``: not yet.
            wrong, person: the cost of a wrong answer, and of a message that goes to a person.

        Returns:
            answered: the share that got an answer. hit rate: the share of these that got the right
            one; low, high: its 95 % interval. cost: mean of all messages; cost low, cost high.
            foreign: how many that no answer fits got one all the same.

        Raises:
            RagteachError: no function, an unknown answer, not one reply for each text, a table
            without the task "answer".
        """
        if reply is ...:
            return NotYet(NOT_YET)
        return reply_scores(reply, self._answers(), self.classes["answer"], wrong, person)

    def compare_replies(
        self, reply: Any, rival: Any, wrong: float = WRONG, person: float = PERSON
    ) -> pd.Series | NotYet:
        """Is one way of replying cheaper than another? Their costs on the held-out messages, paired.

        Args:
            reply, rival: two functions of a list of texts, as for `score_replies`.
            wrong, person: the cost of a wrong answer, and of a message that goes to a person.

        Returns:
            cost minus rival's: the mean over messages, negative where ``reply`` is cheaper; from,
            to: its 95 % interval, in which each message counts with the difference of its costs.

        Raises:
            RagteachError: as `score_replies`.
        """
        if reply is ... or rival is ...:
            return NotYet(NOT_YET)
        asked, names = self._answers(), self.classes["answer"]
        costs = [reply_costs(one, asked, names, wrong, person)[2] for one in (reply, rival)]
        mean, half = _mean_and_half(costs[0] - costs[1])
        return pd.Series({"cost minus rival's": mean, "from": mean - half, "to": mean + half})

    def _answers(self) -> pd.DataFrame:
        if self._asked is None:
            raise refuse(
                expected="a lab whose table has the columns text and answer",
                got=f"tasks {', '.join(self.tasks)}",
                fix="call the column of the answers answer",
            )
        return self._asked


def reply_scores(
    reply: Any,
    asked: pd.DataFrame,
    names: Sequence[str],
    wrong: float = WRONG,
    person: float = PERSON,
) -> pd.Series:
    """`ServiceLab.score_replies` on messages that you have: a table with text and answer."""
    answered, right, costs = reply_costs(reply, asked, names, wrong, person)
    n = int(answered.sum())
    low, high = wilson(int(right.sum()), n) if n else (np.nan, np.nan)
    cost, half = _mean_and_half(costs)
    foreign = answered & (asked["answer"] == "").to_numpy()
    found = {
        "answered": answered.mean(),
        "hit rate": right.sum() / n if n else np.nan,
        "low": low,
        "high": high,
        "cost": cost,
        "cost low": cost - half,
        "cost high": cost + half,
        "foreign": foreign.sum(),
    }
    return pd.Series({name: float(value) for name, value in found.items()})


def reply_costs(
    reply: Any,
    asked: pd.DataFrame,
    names: Sequence[str],
    wrong: float = WRONG,
    person: float = PERSON,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each message: did it get an answer, was that the right one, and what did it cost?"""
    at_least("wrong", wrong)
    at_least("person", person)
    if not callable(reply):
        raise refuse(
            expected="reply: a function of a list of texts",
            got=f"{type(reply).__name__} {reply!r:.40}",
            fix="pass the function itself, without brackets: retrieval.reply",
        )
    texts, truth = asked["text"].tolist(), asked["answer"].tolist()
    said = reply(list(texts))
    said = list(said) if isinstance(said, list | tuple | np.ndarray | pd.Series) else [said]
    if len(said) != len(texts):
        raise refuse(
            expected=f"{len(texts)} replies, one for each message",
            got=f"{len(said)}",
            fix="return a list with an answer's name, or None, for each text",
        )
    for name in said:
        if name is not None:
            one_of("answer", name, names)
    answered = np.array([name is not None for name in said])
    right = np.array([name == true for name, true in zip(said, truth, strict=True)])
    return answered, right, np.where(answered, np.where(right, 0.0, wrong), person)


def _mean_and_half(costs: np.ndarray) -> tuple[float, float]:
    """The mean, and half of its normal 95 % interval."""
    return float(costs.mean()), float(Z * costs.std(ddof=1) / len(costs) ** 0.5)


def service() -> ServiceLab:
    """The lab with the course's own messages."""
    frames = split_messages()
    whole = any_frame(by_task(load_messages()))
    return _lab(
        "service",
        [_like(whole[whole["text"].isin(part["text"])], whole) for part in frames],
        frames,
    )


def own_service(data: Any, seed: int) -> ServiceLab:
    """The lab on a table of yours: text, and a column for each task; or text, label and task."""
    table = as_table(data)
    names = [str(name) for name in table.columns]
    labels = [name for name in names if name != "text"]
    wide = "text" in names and not {"label", "task"} & set(labels)
    for name in labels if wide else []:
        n_classes = table[name].nunique()
        if n_classes > len(table) / 3:
            raise refuse(
                expected="beside text only columns of labels, each with some classes",
                got=f"column {name!r} with {n_classes} different values in {len(table)} rows",
                fix=f"leave it out: table.drop(columns=[{name!r}])",
            )
    if not wide:
        frame = any_frame(table)
    elif len(labels) == 1:
        frame = any_frame(table.rename(columns={labels[0]: "label"}).assign(task=labels[0]))
    else:
        frame = any_frame(table, label=labels)
    parts = split_frame(frame, seed=seed)
    lost = [t for t in frame.attrs["task_names"] for p in parts if t not in set(p["task"])]
    if lost:
        raise refuse(
            expected="enough rows of every task for three parts, at least three of some class",
            got=f"a part without a row of {lost[0]}",
            fix="add rows, or leave that task out",
        )
    return _lab("your messages", [_like(part, frame) for part in parts], None)


def _like(part: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """A part of a standard frame that knows the classes and tasks of the whole."""
    part = part.reset_index(drop=True)
    part.attrs.update(whole.attrs)
    return part


def _lab(
    name: str, frames: list[pd.DataFrame], messages: Sequence[pd.DataFrame] | None
) -> ServiceLab:
    everything = pd.concat(frames, ignore_index=True)
    everything.attrs.update(frames[0].attrs)
    names = own_names(everything)
    train, val, held = (_part(frame, names) for frame in frames)
    asked = None
    if messages is None:
        labels = frames[0].attrs["label_names"]
        wanted = [frame[frame["task"] == "answer"] for frame in frames]
        told = [f.assign(answer=f["label"].map(lambda n: labels[n])) for f in wanted]
        messages = [f[["text", "answer"]].reset_index(drop=True) for f in told]
    if "answer" in names:
        asked = messages[2]
    return ServiceLab(
        name,
        train,
        val,
        held,
        names,
        partial(_baselines, frames=frames, names=names),
        {task: np.array([key(text) for text in x]) for task, (x, _) in held.items()},
        messages=tuple(messages[:2]),
        asked=asked,
    )


def _part(frame: pd.DataFrame, names: Mapping[str, list[str]]) -> dict:
    labels = frame.attrs["label_names"]
    part = {}
    for task, own in names.items():
        rows = frame[frame["task"] == task]
        y = rows["label"].map(lambda n, own=own: own.index(labels[n])).to_numpy(dtype="int64")
        part[task] = (rows["text"].to_numpy(object), y)
    return part


def _baselines(lab: Lab, frames: list[pd.DataFrame], names: dict[str, list[str]]) -> dict[str, Any]:
    """Majority, the three strategies with heads, and scikit-learn's best for each task."""
    texts = list(dict.fromkeys(frames[0]["text"]))
    parts = HeadParts(frames, names, encoder=dense_features(texts))
    board: dict[str, Any] = {"majority class": Majority(lab.train)}
    board |= {strategy: Reader(strategy, parts) for strategy in STRATEGIES}
    best = Best(lab.train, lab.val, TEXTS, word_features(lab.train, "char"), pooled=False)
    return board | {f"scikit-learn ({best.name})": best}
