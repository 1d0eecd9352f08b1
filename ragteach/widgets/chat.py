"""Chat box: a message, what each task reads in it and why, and an answer, or "I don't know".

Enters: a linear reader (one matrix a task), its vectoriser, and messages whose answers are known.
Leaves: the matrices; the page reads whatever is typed:

    z_c = b_c + sum_j x_j W[c, j]      p = softmax(z)
    why: z_said - z_rival = (b_said - b_rival) + sum_j x_j (W[said, j] - W[rival, j])

An answer is given where its probability, or the cosine of the nearest known message, is at least
the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from ragteach.data.features import WORD, make_vectorizer
from ragteach.data.sources.messages import ANSWERS, split_messages
from ragteach.errors import is_number, one_of, refuse
from ragteach.ground.arguments import is_a
from ragteach.study.head_training import fit_heads
from ragteach.study.heads import Classification
from ragteach.study.multi_head import MultiHead
from ragteach.widgets.base import Explorer, show
from ragteach.widgets.goals import word_for

READERS = ("the reader, by its probability", "the nearest known message, by its cosine")
SILENT = "I don't know. A person will read this."
MOST_WORDS = 10  # in a list of reasons; the weaker ones stand there as one sum
COLORS = {True: "#0072b2", False: "#d55e00"}


def chat_box(
    model: Any = None,
    vectorizer: Any = None,
    class_names: Mapping[str, Sequence[str]] | None = None,
    known: pd.DataFrame | None = None,
    replies: Mapping[str, str] | None = None,
    examples: Sequence[str] | None = None,
    threshold: float = 0.67,
    goal: Mapping[str, str] | None = None,
) -> Explorer:
    """Write a message; see what each task reads in it, which words did it, and what is answered.

    Args:
        model: a trained `MultiHead` with ``activation="identity"``, or a dict from task to a fitted
            linear classifier of scikit-learn (with ``coef_`` and ``intercept_``). The last task's
            classes are the answers. Default: sentiment, intent and answer of the course's messages.
        vectorizer: the fitted `make_vectorizer` of the model's texts.
        class_names: a dict from task to the names of its classes, in order. Default: a scikit-learn
            model's own.
        known: a frame with text and a column named like the last task: messages that were answered.
            Default: none, and nothing is looked up.
        replies: the text of each answer. Default: its name.
        examples: messages to begin with. Default: the first of ``known``.
        threshold: the least probability, or cosine, at which there is an answer, in steps of 0.01.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures:
            ``answered`` (0 or 1), ``level`` (what is compared with ``threshold``), ``threshold``,
            ``cosine``, and for each task ``p_task`` and ``class_task`` (0, 1, ...).

    Returns:
        The explorer.

    Raises:
        RagteachError: a model that is not linear, a vectoriser that the page cannot repeat, names
        that do not fit, no message to begin with.

    Reference: the lab on customer service.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> texts = ["where is my parcel", "cancel my order"]
        >>> words = make_vectorizer().fit(texts)
        >>> reader = LogisticRegression().fit(words.transform(texts), ["track", "cancel"])
        >>> chat_box({"answer": reader}, words, examples=["cancel it"]).measures()["class_answer"]
        0
    """
    ours = model is None
    if model is None:
        model, vectorizer, class_names, known, examples = _course()
        replies = (
            {name: text for name, (_, text) in ANSWERS.items()} if replies is None else replies
        )
    box = Box(model, vectorizer, class_names, known)
    if not is_number(threshold) or not 0 <= threshold <= 1:
        raise refuse(
            expected="threshold from 0 to 1",
            got=f"threshold = {threshold!r}",
            fix="use threshold=0.67",
        )
    examples = box.texts[:5] if examples is None else examples
    is_a("examples", examples, (list, tuple), "a list of messages", 'examples=["Where is it?"]')
    if not examples or not all(isinstance(text, str) and text.strip() for text in examples):
        raise refuse(
            expected="examples: at least one message, none empty",
            got=f"examples = {examples!r:.60}",
            fix='pass examples=["Where is my parcel?"], or known=a frame of messages',
        )
    spec = {
        "title": "One message, read by every task",
        "about": (
            "Choose a message or write your own; below stands what each task reads in it, and why."
        ),
        "tasks": box.tasks,
        "classes": list(box.classes.values()),
        "words": box.words,
        "examples": list(examples),
        "known": box.texts,
        "given": box.given,
        "replies": {
            name: str((replies or {}).get(name, name)) for name in box.classes[box.tasks[-1]]
        },
        "silent": SILENT,
        "who": list(READERS[: 2 if box.texts else 1]),
        "most": MOST_WORDS,
        "ours": ours,
        "start": {"example": 0, "typed": "", "who": 0, "at": round(100 * threshold)},
    }
    spec["alt"] = _alt(box, spec)
    return show("chat", box.arrays(), spec, twin(box, spec), goal, partial(measures, box, spec))


class Box:
    """A linear reader as one matrix a task, and the messages whose answers are known."""

    def __init__(self, model: Any, vectorizer: Any, class_names: Any, known: Any) -> None:
        self.vectorizer = _repeatable(vectorizer)
        self.words = [str(word) for word in vectorizer.get_feature_names_out()]
        heads = isinstance(model, MultiHead)
        if not heads and not (isinstance(model, Mapping) and model):
            raise refuse(
                expected="model: a MultiHead, or a dict from task to a fitted linear classifier",
                got=f"a {type(model).__name__}",
                fix='pass {"answer": your_classifier}',
            )
        self.tasks = list(model.task_names if heads else model)
        self.maps = {task: linear_map(model, task) for task in self.tasks}
        self.classes = {task: _names(model, task, class_names, self.maps) for task in self.tasks}
        for task, (W, _) in self.maps.items():
            if W.shape[1] != len(self.words):
                raise refuse(
                    expected=f"a model of the vectoriser's {len(self.words)} words",
                    got=f"{W.shape[1]} features in task {task!r}",
                    fix="pass the vectoriser that the model was trained with",
                )
        self.texts: list[str] = []
        self.given: list[str] = []
        if known is not None:
            self._remember(known)

    def _remember(self, known: Any) -> None:
        answer = self.tasks[-1]
        is_a(
            "known", known, pd.DataFrame, "a frame", f'a frame with the columns text and "{answer}"'
        )
        for name in ("text", answer):
            one_of("column of known", name, list(known.columns))
        self.texts = [str(text) for text in known["text"]]
        self.given = [str(name) for name in known[answer]]
        for name in self.given:
            one_of("answer in known", name, self.classes[answer])
        self.rows = self.vectorizer.transform(self.texts)

    def arrays(self) -> dict[str, Any]:
        """What the page reads with."""
        found = {"idf": self.vectorizer.idf_}
        for i, (W, b) in enumerate(self.maps.values()):
            found |= {f"weights{i}": W, f"bias{i}": b}
        return found

    def read(self, text: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of each task: (scores, probabilities), (n_classes,) each."""
        x = self.vectorizer.transform([text]).toarray()[0]
        found = {}
        for task, (W, b) in self.maps.items():
            z = W @ x + b
            odds = np.exp(z - z.max())
            found[task] = z, odds / odds.sum()
        return found

    def nearest(self, text: str) -> tuple[int, float]:
        """(place of the nearest known message, its cosine)."""
        if not self.texts:
            return -1, 0.0
        cosines = np.asarray((self.rows @ self.vectorizer.transform([text]).T).todense())[:, 0]
        return int(cosines.argmax()), float(cosines.max())

    def reasons(self, text: str, task: str) -> tuple[int, int, dict[str, float]]:
        """(class, rival, what each word speaks for the class and against the rival; "bias" too)."""
        W, b = self.maps[task]
        x = self.vectorizer.transform([text]).toarray()[0]
        order = np.argsort(-(W @ x + b), kind="stable")
        said = int(order[0])
        rival = int(order[1])
        parts = (W[said] - W[rival]) * x
        found = {self.words[j]: float(parts[j]) for j in np.flatnonzero(x)}
        return said, rival, found | {"(bias)": float(b[said] - b[rival])}


def linear_map(model: Any, task: str) -> tuple[np.ndarray, np.ndarray]:
    """(W (n_classes, n_features), b (n_classes,)) of a linear reader: its scores are W x + b.

    For a `MultiHead` with the identity as activation: W = V_t (W_s + sum_k G[t, k] A_k), V_t the
        head.

    Args:
        model: a `MultiHead` with ``activation="identity"``, or a dict from task to a linear
            classifier.
        task: its name.

    Raises:
        RagteachError: an unknown task, a model that is not linear.

    Example:
        >>> model = MultiHead(5, {"mood": Classification(2)}, n_hidden=3, activation="identity")
        >>> W, b = linear_map(model, "mood")
        >>> x = torch.rand(4, 5)
        >>> np.allclose(x.numpy() @ W.T + b, model(x, "mood").detach().numpy(), atol=1e-5)
        True
    """
    if isinstance(model, MultiHead):
        one_of("task", task, model.task_names)
        head = model.head(task)
        if model.activation != "identity" or not isinstance(head, Classification):
            raise refuse(
                expected='a model whose words add up: activation="identity", heads for classes',
                got=f"activation={model.activation!r}, a {type(head).__name__} head for {task!r}",
                fix='train MultiHead(..., activation="identity")',
            )
        with torch.no_grad():
            V = head.linear.weight
            bias = model.body.task_bias()
            weights = V @ model.body.task_weights(task)[0]
            offset = head.linear.bias.clone()
            if bias is not None:
                offset = offset + V @ bias[model.body.task_index(task)]
        return weights.numpy().astype(float), offset.numpy().astype(float)
    one_of("task", task, list(model))
    if not hasattr(model[task], "coef_"):
        raise refuse(
            expected="a fitted linear classifier with coef_ and intercept_",
            got=f"{type(model[task]).__name__} for task {task!r}",
            fix="use LogisticRegression().fit(x, y)",
        )
    W = np.atleast_2d(np.asarray(model[task].coef_, dtype=float))
    b = np.atleast_1d(np.asarray(model[task].intercept_, dtype=float))
    if len(W) == 1:  # of two classes scikit-learn keeps the second, against the first
        W = np.vstack([np.zeros_like(W), W])
        b = np.concatenate([np.zeros(1), b])
    return W, b


def _names(model: Any, task: str, class_names: Any, maps: dict) -> list[str]:
    n = len(maps[task][0])
    if class_names is not None:
        is_a("class_names", class_names, Mapping, "a dict task -> names", "class_names=lab.classes")
        one_of("task in class_names", task, list(class_names))
        names = [str(name) for name in class_names[task]]
    elif isinstance(model, Mapping):
        names = [str(name) for name in model[task].classes_]
    else:
        names = [str(number) for number in range(n)]
    if len(names) != n:
        raise refuse(
            expected=f"{n} names for the classes of task {task!r}",
            got=f"{len(names)}: {', '.join(names[:6])}",
            fix="give one name for each class, in order",
        )
    return names


def _repeatable(vectorizer: Any) -> TfidfVectorizer:
    """The vectoriser, if the page can do what it does."""
    made = isinstance(vectorizer, TfidfVectorizer) and hasattr(vectorizer, "vocabulary_")
    same = made and vectorizer.token_pattern == WORD and vectorizer.analyzer == "word"
    if not same or vectorizer.ngram_range != (1, 1) or vectorizer.sublinear_tf:
        raise refuse(
            expected="the fitted make_vectorizer() of the model's texts, one word a feature",
            got=f"vectorizer = {' '.join(repr(vectorizer).split()):.80}",
            fix="words = make_vectorizer().fit(texts), and train the model on "
            "words.transform(texts)",
        )
    return vectorizer


def _course() -> tuple[MultiHead, TfidfVectorizer, dict, pd.DataFrame, list[str]]:
    """A reader of the course's messages, trained in a second; and six that it has not seen."""
    train, val, _ = split_messages()
    words = make_vectorizer().fit(train["text"])
    x = words.transform(train["text"])
    names = {task: sorted(set(train[task])) for task in ("sentiment", "intent", "answer")}
    data = {task: (x, train[task].map(own.index).to_numpy()) for task, own in names.items()}
    heads = {task: Classification(len(own)) for task, own in names.items()}
    model = MultiHead(x.shape[1], heads, activation="identity")
    fit_heads(model, data, epochs=60, lr=0.05, lam=0.003, lam_shared=0.003, progress=False)
    return model, words, names, train, val.groupby("sentiment").head(2)["text"].tolist()


def _text(spec: dict, state: dict) -> str:
    return state["typed"].strip() or spec["examples"][state["example"]]


def measures(box: Box, spec: dict, state: dict) -> dict[str, float]:
    """The numbers of a state, as the page computes them."""
    text = _text(spec, state)
    readings = box.read(text)
    _, cosine = box.nearest(text)
    level = cosine if state["who"] else float(readings[box.tasks[-1]][1].max())
    found = {
        "answered": int(level >= state["at"] / 100),
        "level": level,
        "threshold": state["at"] / 100,
        "cosine": cosine,
    }
    for task, (_, p) in readings.items():
        found |= {f"p_{word_for(task)}": float(p.max()), f"class_{word_for(task)}": int(p.argmax())}
    return found


def _alt(box: Box, spec: dict) -> str:
    text = _text(spec, spec["start"])
    parts = []
    for task, (_, p) in box.read(text).items():
        said, rival, why = box.reasons(text, task)
        names = box.classes[task]
        most = max(why, key=lambda word: why[word])
        parts.append(
            f"{task} {names[said]} ({p[said]:.0%}) rather than {names[rival]}, most by {most}"
        )
    return (
        f"What each word of “{text}” speaks for the class that each task reads: {'; '.join(parts)}."
    )


def twin(box: Box, spec: dict) -> Any:
    """The static figure: the reasons of every task for the first message, as bars."""
    from matplotlib.figure import Figure

    text = _text(spec, spec["start"])
    n = len(box.tasks)
    figure = Figure(figsize=(max(4.5, 3.2 * n), 3.6), layout="constrained")
    for ax, task in zip(figure.subplots(1, n, squeeze=False)[0], box.tasks, strict=True):
        said, rival, why = box.reasons(text, task)
        names = box.classes[task]
        ax.barh(list(why), list(why.values()), color=[COLORS[v >= 0] for v in why.values()])
        ax.axvline(0, color="black", lw=1)
        ax.invert_yaxis()
        ax.set_title(f"{task}: {names[said]}, not {names[rival]}", size=9)
        ax.set_xlabel(f"lead {sum(why.values()):.2f}")
    figure.suptitle(text if len(text) < 100 else f"{text[:98]}…", size=10)
    return figure
