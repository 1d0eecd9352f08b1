"""Gradient step-through: one sentence, one step, numbers that you can check by hand.

Enters: a sentence, its label, a model.  Leaves: the words' weights; all arithmetic is done on the
page, in the open:

    z_c = b_c + sum_j x_j (W_s + A)[c, j]      p = softmax(z)      CE = -log p_label
    dCE/dz_c = p_c - y_c                       dCE/dW_s[c, j] = dCE/dA[c, j] = (p_c - y_c) x_j
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from ragteach.data.features import make_vectorizer
from ragteach.data.toy import LABELS
from ragteach.errors import one_of, refuse
from ragteach.ground.arguments import is_a
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.widgets.base import Arrays, Explorer, Spec, State, show

RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
MAX_WORDS = 40  # columns of the table on the page


def gradient_step(
    sentence: str = "The engine was quiet",
    label: str | int = "positive",
    task: str = "cars",
    model: RAG | None = None,
    vectorizer: Any = None,
    goal: Mapping[str, str] | None = None,
) -> Explorer:
    """Take gradient steps on one sentence, and watch shared weights, adapter and probabilities.

    Args:
        sentence: at most 40 different words of the vocabulary; all of them count.
        label: name or number of the right class (names: those of the model's data, else "0", "1",
            ...).
        task: the task it belongs to; its adapter is the first that serves it.
        model: a trained `RAG`, with the ``vectorizer`` of its data. Default: a small model with
            random weights, rounded to one decimal so that you can check by hand.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures: ``steps``,
            ``rate``, ``label`` (the right class: 0, 1, ...), ``p`` of the right class, ``loss`` its
            cross-entropy, ``right`` (1: the model says the right class).

    Returns:
        The explorer.

    Raises:
        RagteachError: no word of the sentence in the vocabulary, a model without its vectoriser, an
        unknown label.

    Reference: lesson 03.

    Example:
        >>> w = gradient_step("good film", "positive", "films")
        >>> w.spec["words"]
        ['good', 'film']
    """
    is_a("sentence", sentence, str, "a string", 'sentence="The engine was quiet"')
    if model is None:
        if not make_vectorizer("bow").build_analyzer()(sentence):
            raise refuse(
                expected="a sentence with words",
                got=repr(sentence),
                fix='try "The engine was quiet"',
            )
        vectorizer = make_vectorizer("bow").fit([sentence])
        n_words = len(vectorizer.get_feature_names_out())
        model = RAG(
            n_words,
            len(LABELS),
            2,
            tasks=[task, "another task"],
            adapters=[f"of {task}", "of another"],
            scale=0.4,
            seed=4,
            bias="task",
        )
        model.class_names = list(LABELS)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_((10 * parameter).round() / 10)
    elif vectorizer is None:
        raise refuse(
            expected="the vectoriser of the model's data",
            got="vectorizer=None",
            fix="pass vectorizer=data.vectorizer",
        )
    if model.n_adapters and model.adapter_kind != "full":
        raise refuse(
            expected='full adapters (adapter="full"), whose weights move one by one',
            got=f"adapter={model.adapter_kind!r}",
            fix='leave adapter out when you make the model: rt.RAG(..., adapter="full")',
        )
    t = model.task_index(task)
    classes = model.class_names or [str(c) for c in range(model.n_classes)]
    if isinstance(label, str) or str(label) in classes:
        one_of("label", str(label), classes)
        label = classes.index(str(label))
    one_of("label", label, range(len(classes)))
    x = np.asarray(vectorizer.transform([sentence]).todense())[0]
    vocabulary = [str(w) for w in vectorizer.get_feature_names_out()]
    spoken = list(dict.fromkeys(vectorizer.build_analyzer()(sentence)))
    columns = [vocabulary.index(w) for w in spoken if w in vocabulary]
    if len(columns) > MAX_WORDS:
        raise refuse(
            expected=f"a sentence of at most {MAX_WORDS} different words of the vocabulary",
            got=f"{len(columns)}",
            fix="take a part of it: every word is a column of the table",
        )
    if not columns:
        raise refuse(
            expected="a sentence with words of the vocabulary",
            got=repr(sentence),
            fix=f"use words such as {', '.join(vocabulary[:5])}",
        )
    with torch.no_grad():
        serving = [
            k
            for k in range(model.n_adapters)
            if model.graph[t, k] and model.active[model.adapter_names[k]]
        ]
        adapters = model.adapter_weights()
        zero = torch.zeros(len(classes), len(columns))
        own = adapters[serving[0]][:, columns] * model.graph[t, serving[0]] if serving else zero
        rest = sum((adapters[k][:, columns] * model.graph[t, k] for k in serving[1:]), zero)
        bias = model.task_bias()
        arrays = {
            "x": x[columns],
            "shared": model.shared[:, columns],
            "adapter": own,
            "rest": rest,
            "bias": torch.zeros(len(classes)) if bias is None else bias[t].clone(),
        }
    name = model.adapter_names[serving[0]] if serving else "none"
    spec = {
        "title": "One gradient step, by hand",
        "about": (
            "Go from calculation to calculation, or drag through the steps; check with a pencil."
        ),
        "sentence": sentence,
        "task": task,
        "adapter": name,
        "classes": classes,
        "label": int(label),
        "words": [vocabulary[j] for j in columns],
        "trained": bool(serving),
        "others": len(serving[1:]),
        **moving(model, t, serving),
        "colors": plots.CYCLE[0][:6],
        "rates": list(RATES),
        "start": {"steps": 0, "rate": 5, "label": int(label), "stage": 0},
    }
    figure, first, after = twin(arrays, spec)
    spec["alt"] = (
        f"Probabilities of {', '.join(classes)} for “{sentence}” in the task {task}: "
        f"{', '.join(f'{v:.2f}' for v in first)} before, {', '.join(f'{v:.2f}' for v in after)} "
        f"after one step with eta = 0.5 on the label {classes[int(label)]}; beside it the gradient "
        "(p - y) x of every word."
    )
    return show("steps", arrays, spec, figure, goal, partial(measures, arrays, spec))


def moving(model: RAG, t: int, serving: list[int]) -> dict[str, Any]:
    """What a step moves, in multiples of -eta (p - y) x: of W_s, of G A, of the bias.

    Its weight G stands twice in the movement of G A: in the gradient, and before A.
    """
    adapter = model.adapters[model.adapter_names[serving[0]]] if serving else None
    gain = float(model.graph[t, serving[0]]) if serving else 0.0
    trains = adapter is not None and any(p.requires_grad for p in adapter.parameters())
    bias = model.bias is not None and model.bias.requires_grad
    moves = {"shared": float(model.shared.requires_grad), "adapter": gain**2 * trains}
    return {"gain": gain, "moves": {**moves, "bias": float(bias)}, "biased": model.bias is not None}


def measures(arrays: Arrays, spec: Spec, state: State) -> dict[str, float]:
    """The numbers that a goal compares, after a state's steps."""
    x, shared, own, rest, bias = (
        torch.as_tensor(arrays[k]).detach().double().numpy().copy()
        for k in ("x", "shared", "adapter", "rest", "bias")
    )
    y = np.eye(len(spec["classes"]))[state["label"]]
    rate = RATES[state["rate"]]
    moves = spec["moves"]
    for _ in range(state["steps"]):
        error = probabilities((shared + own + rest) @ x + bias) - y
        shared -= rate * moves["shared"] * np.outer(error, x)
        own -= rate * moves["adapter"] * np.outer(error, x)
        bias -= rate * moves["bias"] * error
    p = probabilities((shared + own + rest) @ x + bias)
    return {
        "steps": state["steps"],
        "rate": rate,
        "label": state["label"],
        "p": float(p[state["label"]]),
        "loss": float(-np.log(p[state["label"]])),
        "right": int(p.argmax() == state["label"]),
    }


def probabilities(z: np.ndarray) -> np.ndarray:
    """softmax(z)."""
    e = np.exp(z - z.max())
    return e / e.sum()


def twin(arrays: Arrays, spec: Spec, rate: float = 0.5) -> tuple[Figure, np.ndarray, np.ndarray]:
    """The static figure: probabilities before and after one step, and the gradient."""
    x = np.asarray(arrays["x"], dtype=float)
    own, rest, shared, bias = (
        arrays[k].detach().double().numpy() for k in ("adapter", "rest", "shared", "bias")
    )
    y = np.eye(len(spec["classes"]))[spec["label"]]

    first = probabilities((shared + own + rest) @ x + bias)
    slope = np.outer(first - y, x)  # (n_classes, n_words)
    moves = {part: rate * times for part, times in spec["moves"].items()}
    weights = shared + own + rest - (moves["shared"] + moves["adapter"]) * slope
    after = probabilities(weights @ x + bias - moves["bias"] * (first - y))
    figure = Figure(figsize=(9, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    at = np.arange(len(y))
    left.bar(at - 0.2, first, 0.38, color=plots.BLUE, label="before")
    left.bar(at + 0.2, after, 0.38, color=plots.ORANGE, hatch="//", label="after one step")
    left.set(
        xticks=at, xticklabels=spec["classes"], title=f"p for “{spec['sentence']}”", ylim=(0, 1)
    )
    left.legend()
    top = max(np.abs(slope).max(), 1e-9)
    right.imshow(slope, cmap="PuOr", vmin=-top, vmax=top, aspect="auto")
    for c in range(len(y)):
        for j in range(len(x)):
            right.text(
                j,
                c,
                f"{slope[c, j]:+.2f}",
                ha="center",
                va="center",
                color="white" if abs(slope[c, j]) > 0.6 * top else "black",
            )
    right.set(
        xticks=range(len(x)),
        xticklabels=spec["words"],
        yticks=at,
        yticklabels=spec["classes"],
        title="gradient (p − y) x" + ", for W_s and for A alike" * (spec["gain"] == 1),
    )
    return figure, first, after
