"""The service lab: three things to read in one message, and an answer to it, or "I don't know".

Enters: messages with a sentiment, an intent and an answer each, or a table of yours.  Leaves: a
`ServiceLab`. Its tasks have classes of their own: a head for each, over what they share
(`ragteach.study.own_classes`).

    cost of a reply = 0 if it is right, wrong if it is not, person if it is "I don't know" (None)

A mean cost has Jeffreys' interval: only a few costs are possible, and one that was not seen is not
thereby impossible. The shares of the possible costs c_j, seen n_j times each, have the distribution

    shares ~ Dirichlet(n_1 + 1/2, n_2 + 1/2, ...)        mean cost = sum_j share_j c_j

The normal interval takes "no wrong answer among four" for "no wrong answer ever".
Source: Brown, Cai and DasGupta (2001), *Interval estimation for a binomial proportion*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline, make_union

from ragteach.data.features import make_vectorizer
from ragteach.data.shares import wilson
from ragteach.data.sources.messages import load_messages, split_messages
from ragteach.errors import at_least, one_of, refuse
from ragteach.ground.arguments import as_list
from ragteach.labs.baselines import TEXTS, Best, Majority, word_features
from ragteach.labs.headed import Reader, headed_lab, own_parts, part_of, slowly, standard
from ragteach.labs.held import NOT_YET, Lab, NotYet
from ragteach.study.own_classes import HeadParts

TASKS = ("sentiment", "intent", "answer")
# what a wrong answer costs, and a person who reads the message
WRONG = 3.0
PERSON = 1.0
N_DRAWS = 20_000  # of the shares, for an interval
N_DENSE = 128  # numbers that are left of words and runs of letters, for the heads
STRATEGIES = ("RAG", "full sharing", "independent")


def answered(frame: pd.DataFrame) -> pd.DataFrame:
    """Of messages those that an answer fits: they have all three labels.

    Example:
        >>> frame = pd.DataFrame({"text": ["hi", "bye"], "answer": ["", "thanks"]})
        >>> answered(frame)["text"].tolist()
        ['bye']
    """
    return frame[frame["answer"] != ""]


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
        self.texts = list(texts)
        self.answers = np.asarray(answers, dtype=object)
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
            one; low, high: its 95 % interval. cost: mean of all messages; cost low, cost high (see
            `mean_interval`; who answered nothing, or everything, is taken to do so always).
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
        """Is one way of replying cheaper than another? Their costs on held-out messages, paired.

        Args:
            reply, rival: two functions of a list of texts, as for `score_replies`.
            wrong, person: the cost of a wrong answer, and of a message that goes to a person.

        Returns:
            cost minus rival's: the mean over messages, negative where ``reply`` is cheaper; from,
            to: its 95 % interval, in which each message counts with the difference of its costs
            (see `mean_interval`; two ways that agree on all messages may yet differ on others).

        Raises:
            RagteachError: as `score_replies`.
        """
        if reply is ... or rival is ...:
            return NotYet(NOT_YET)
        asked = self._answers()
        names = self.classes["answer"]
        costs = [reply_costs(one, asked, names, wrong, person)[2] for one in (reply, rival)]
        each = (0.0, wrong, person)
        apart = [one - other for one in each for other in each]
        found = mean_interval(costs[0] - costs[1], apart)
        return pd.Series(dict(zip(("cost minus rival's", "from", "to"), found, strict=True)))

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
    possible = [(0.0, wrong)] * bool(answered.any()) + [(person,)] * (not answered.all())
    cost, least, most = mean_interval(costs, sum(possible, ()))
    foreign = answered & (asked["answer"] == "").to_numpy()
    found = {
        "answered": answered.mean(),
        "hit rate": right.sum() / n if n else np.nan,
        "low": low,
        "high": high,
        "cost": cost,
        "cost low": least,
        "cost high": most,
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
    texts = asked["text"].tolist()
    truth = asked["answer"].tolist()
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


def mean_interval(values: Any, possible: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high) of values of which only a few are possible: Jeffreys' 95 % interval.

    It holds the truth about as often as it says also where few values differ from the rest, and
    where one of them was never seen.

    Args:
        values: (n,), each one of ``possible``.
        possible: what a value can be, seen or not.

    Example:
        >>> mean, low, high = mean_interval([0, 0, 1, 1], possible=(0, 1, 10))
        >>> mean, high > 1  # nothing was 10, but four are few
        (0.5, True)
    """
    values = np.asarray(values, dtype=float)
    able = np.unique(np.asarray(possible, dtype=float))
    seen = np.isclose(values[:, None], able)  # (n, n_possible)
    shares = np.random.default_rng(0).dirichlet(seen.sum(0) + 0.5, N_DRAWS)
    low, high = np.quantile(shares @ able, (0.025, 0.975))
    mean = float(values.mean())
    return mean, min(float(low), mean), max(float(high), mean)


def service() -> Lab:
    """The lab with the course's own messages."""
    messages = split_messages()
    whole = standard(answered(load_messages()), TASKS)
    parts = [part_of(whole, part["text"]) for part in messages]
    return _lab("service", whole, parts, messages)


def own_service(data: Any, seed: int) -> Lab:
    """The lab on a table of yours: text, and a column for each task; or text, label and task."""
    whole, parts = own_parts(data, seed)
    labels = whole.attrs["label_names"]
    told = [part[part["task"] == "answer"] for part in parts]
    messages = [one.assign(answer=[labels[n] for n in one["label"]]) for one in told]
    messages = [one[["text", "answer"]].reset_index(drop=True) for one in messages]
    return _lab("your messages", whole, parts, messages)


def _lab(
    name: str,
    whole: pd.DataFrame,
    parts: Sequence[pd.DataFrame],
    messages: Sequence[pd.DataFrame],
) -> Lab:
    asked = messages[2] if "answer" in whole.attrs["task_names"] else None
    known = tuple(messages[:2])
    return headed_lab(name, whole, parts, _baselines, ServiceLab, messages=known, asked=asked)


def _baselines(lab: Lab, frames: list[pd.DataFrame], names: dict[str, list[str]]) -> dict[str, Any]:
    """Majority, the three strategies with heads, and scikit-learn's best for each task."""
    texts = list(dict.fromkeys(frames[0]["text"]))
    parts = HeadParts(frames, names, encoder=dense_features(texts))
    board: dict[str, Any] = {"majority class": Majority(lab.train)}
    board |= {strategy: Reader(strategy, parts) for strategy in slowly(STRATEGIES)}
    best = Best(lab.train, lab.val, TEXTS, word_features(lab.train, "char"), pooled=False)
    return board | {f"scikit-learn ({best.name})": best}
