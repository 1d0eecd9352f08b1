"""Sharing slider: from models that share nothing to one model for all, with one hand.

Enters: training, validation and test sentences.  Leaves: the joint optimum at every lambda, ready
to be drawn:

    W_t = W_s + A_t    lambda small: every domain has its own W_t    lambda large: all are W_s

The lambda that validation chooses is marked; the curves are on test sentences, which chose nothing.
"""

import warnings
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from ragteach.data.encoder import Encoder, as_encoder
from ragteach.data.features import make_vectorizer
from ragteach.data.frames import as_frame
from ragteach.data.naming import natural
from ragteach.data.sources.human import HUMAN_TASKS
from ragteach.data.splits import SplitWarning, split_frame
from ragteach.data.toy import TOY_TASKS, make_toy
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve_path
from ragteach.engine.replicas import routing
from ragteach.errors import at_least, is_list, refuse
from ragteach.graph import unless_identity
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.study.crowds import draw_others, stand_out
from ragteach.widgets.base import Arrays, Explorer, Spec, State, as_numpy, one_thread, show
from ragteach.widgets.columns import apart, encoded_columns, word_columns
from ragteach.widgets.goals import word_for
from ragteach.widgets.knobs import KNOBS, knobs
from ragteach.widgets.scores import class_ends, word_axes

Parts = tuple[pd.DataFrame, ...]  # three: to train on, to choose by, to test on
N_LAMBDA = 61
SOLVED = 25_000_000  # numbers that are solved for at most: memory is some 90 bytes for each
FEWEST = 5  # lambdas that still make a slider
TITLE = "How much should the {thing}s share?"
ABOUT = "Drag from left to right: the adapters shrink, and separate models turn into a single one."


def toy_parts(
    relatedness: float = 0.5, n_per_task: int | dict[str, int] = 90, seed: int = 0
) -> Parts:
    """Toy training, validation and test frames; no validation or test sentence was trained on."""
    train = make_toy(relatedness, n_per_task, seed=seed)
    parts = [train]
    for shift in (1, 2):
        fresh = make_toy(relatedness, 400, seed=seed + 1000 * shift)
        seen = set().union(*(set(zip(p.text, p.task, strict=True)) for p in parts))
        new = [pair not in seen for pair in zip(fresh.text, fresh.task, strict=True)]
        parts.append(fresh[new].reset_index(drop=True))
    return tuple(parts)


def three_parts(data: Any, **toy: Any) -> Parts:
    """(train, val, test) from None (toy), one table, or three; labels 0 .. C-1, named alike.

    A table is whatever `as_frame` takes: a frame, a path, a dataset.
    """
    if data is None:
        return toy_parts(**toy)
    if isinstance(data, tuple | list) and len(data) == 3:
        train, *others = (as_frame(part) for part in data)
        known = {
            "class_names": _all_names([train, *others]),
            "task_names": train.attrs["task_names"],
        }
        return tuple(as_frame(part, **known) for part in (train, *others))
    return _tested(split_frame(as_frame(data), seed=toy.get("seed", 0)))


def _all_names(frames: list[pd.DataFrame]) -> list[str]:
    """The classes of all the frames, in natural order."""
    lists = [frame.attrs["label_names"] for frame in frames]
    longest = max(lists, key=len)
    every = set().union(*lists)
    return longest if every == set(longest) else sorted(every, key=natural)


def _tested(parts: Parts) -> Parts:
    """The parts without tasks of which nothing is left to choose by or to test; says which."""
    kept = [t for t in parts[0].attrs["task_names"] if all((p["task"] == t).any() for p in parts)]
    lost = [t for t in parts[0].attrs["task_names"] if t not in kept]
    if not lost:
        return parts
    if not kept:
        raise refuse(
            expected="a task with enough sentences to train, to choose and to test",
            got=f"none among {len(lost)}: {', '.join(lost[:6])}",
            fix="add sentences, or merge rare classes and small tasks",
        )
    gone = "1 task is left out, for it has"
    if len(lost) > 1:
        gone = f"{len(lost)} tasks are left out, for they have"
    warnings.warn(
        f"{gone} too few sentences to test: "
        f"{', '.join(lost[:6])}{' ...' if len(lost) > 6 else ''}.",
        SplitWarning,
        stacklevel=3,
    )
    parts = tuple(part[part["task"].isin(kept)].reset_index(drop=True) for part in parts)
    for part in parts:
        part.attrs["task_names"] = kept
    return parts


def sharing_slider(
    data: Any = None,
    lam: Any = None,
    lam_shared: float = 0.001,
    sentence: str | list[str] | None = None,
    words: list[str] | None = None,
    relatedness: float = 0.5,
    n_per_task: int | dict[str, int] = 90,
    seed: int = 0,
    model: RAG | None = None,
    goal: Mapping[str, str] | None = None,
    features: str | Encoder = "words",
) -> Explorer:
    """Drag lambda; see accuracy, one sentence in every domain's eyes, and the weights of the words
    that differ.

    Args:
        data: None for toy sentences (``relatedness`` and ``n_per_task`` say which); a frame with
            text, label, task, a path or a dataset (split for you into training, validation and
            test); or those three.
        lam: penalties to try, increasing. Default: 61 values from lam_shared / 100 to lam_shared x
            100.
        lam_shared: penalty on the shared weights.
        sentence: a sentence to begin with, or several. Default: one that the domains read
            differently.
        words: words to draw. Default: the six whose adapters differ most at the chosen lambda, and
        two that hardly do.
        seed: of the toy sentences or of the split. On the page, toy sentences have sliders for
            relatedness, sentences per task and seed: the page makes them, solves them and tests
            them itself (one adapter per task; the sentences and words to look at stay).
        model: a `RAG` for these tasks and words: its graph and biases are used, what it froze stays
            as it is, and it is left unchanged. Default: one adapter per task.
        features: ``"words"``, ``"encoder"`` (see `ragteach.Encoder`) or an `Encoder`. The page has
            no encoder in it: it shows sentences that were read here, so hand your own over as
            ``sentence``, which may then be a list of them.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures: ``lam``;
            ``accuracy`` on new sentences, the tasks' mean, ``worst`` the lowest task's;
            ``validation``; ``tied`` lam / (lam + lam_shared); ``readings`` how many different
            classes the tasks give the sentence; and, the same everywhere, ``chosen`` the lambda
            that validation chose, ``best`` the highest accuracy, ``left`` and ``right`` the
            accuracy at the two ends; ``behind`` how far the accuracy is below that at ``chosen``;
            ``sentence``, its place in the list; of every task, say films, ``accuracy_films``,
            ``best_films`` and ``reads_films`` (the class it gives the sentence, 0, 1, ...); of
            every word that is drawn, say slow, ``apart_slow``: how far the tasks' scores of it
            are apart. A blank in a name is written _. Of classes without an order a word's score
            is for the class ``for_class`` (0, 1, ...): its weight minus the mean of the others.

    Returns:
        The explorer. ``w.state["lam"]`` is where the learner is; ``w.move(lam=0.01)`` takes it
        there.

    Raises:
        RagteachError: data of another type, a single lambda, lambdas that do not increase, a model
            of other tasks or words; more tasks x classes x words x lambdas than memory holds (of
            the default lambdas, fewer are taken first).

    Reference: Evgeniou and Pontil (2004); lambda as a prior, lesson 07.

    Example:
        >>> w = sharing_slider(n_per_task=20, lam=[1e-4, 1e-3, 1e-2])  # doctest: +SKIP
    """
    at_least("lam_shared", lam_shared)
    given = lam is not None
    lam = np.asarray(lam, dtype=float) if given else lam_shared * np.logspace(-2, 2, N_LAMBDA)
    if lam.ndim != 1 or len(lam) < 2 or not (np.diff(lam) > 0).all() or lam[0] <= 0:
        raise refuse(
            expected="two or more increasing penalties lam > 0",
            got=f"lam = {lam.tolist()}",
            fix="leave lam out, or pass for example numpy.logspace(-5, -1, 41)",
        )
    toy: dict[str, Any] = {"relatedness": relatedness, "n_per_task": n_per_task, "seed": seed}
    train, val, test = three_parts(data, **toy)
    with one_thread():
        encoder = as_encoder(features)
        if encoder is not None:
            encoder.fit([*train["text"], *val["text"], *test["text"]])
        names = train.attrs["label_names"]
        dataset = MultiTaskDataset.from_frame(train, encoder, class_names=names)
        lam = fitting(lam, dataset, given)
        arrays, spec = compute(dataset, train, val, test, lam, lam_shared, sentence, words, model)
    if data is None:
        values = ", ".join(f"{name}={{{name}}}" for name in KNOBS)  # the page knows where they are
        made = f"train, val, test = rt.widgets.toy_parts({values})"
    else:
        made = "train, val, test = rt.split_frame(frame)  # your data"
    made_model = "data.n_tasks, tasks=data.task_names"
    if model is not None:
        graph = model.graph.tolist()
        made_model = (
            f"{model.n_adapters}, tasks=data.task_names, graph={graph}, bias={model.bias_kind!r}"
        )
    made_features = "" if encoder is None else f", rt.{encoder!r}"
    spec["code"] = (
        f"import ragteach as rt\n{made}\ndata = "
        f"rt.MultiTaskDataset.from_frame(train{made_features})\nmodel = rt.RAG(data.n_features, "
        f"data.n_classes, {made_model})\nrt.solve(model, data, lam={{lam}}, "
        f"lam_shared={lam_shared:g})\ntest_data = rt.MultiTaskDataset.from_frame(test, "
        "like=data)\nrt.evaluate(model, test_data)"
    )
    if data is None and model is None and encoder is None and isinstance(n_per_task, int):
        spec["knobs"] = knobs(**toy)
        spec["start"] |= toy
    else:
        spec["code"] = _filled(spec["code"], toy)
    measure = partial(measures, arrays, spec)
    return show("sharing", arrays, spec, twin(arrays, spec), goal, measure)


def _filled(code: str, toy: dict[str, Any]) -> str:
    """The code with the knobs' values, where the page has no knobs."""
    for name, value in toy.items():
        code = code.replace(f"{{{name}}}", repr(value))
    return code


def measures(arrays: Arrays, spec: Spec, state: State) -> dict[str, float]:
    """The numbers that a goal compares, at a state's lambda and sentence; of other toy sentences,
    if the state has other knobs."""
    if "knobs" in spec:
        toy = {name: state[name] for name in KNOBS}
        if toy != {name: spec["start"][name] for name in KNOBS}:
            arrays, spec = _elsewhere(arrays, spec, toy)
    lam = as_numpy(arrays["lam"])
    accuracy = as_numpy(arrays["accuracy"])
    at = int(np.abs(np.log(lam / state["lam"])).argmin())
    mean = accuracy.mean(1)
    reads = read(arrays, spec, at, state).argmax(-1).tolist()
    found = {
        "lam": float(lam[at]),
        "accuracy": float(mean[at]),
        "worst": float(accuracy[at].min()),
        "validation": float(arrays["validation"][at]),
        "tied": float(lam[at] / (lam[at] + spec["lam_shared"])),
        "readings": len(set(reads)),
        "chosen": float(lam[spec["best"]]),
        "best": float(mean.max()),
        "left": float(mean[0]),
        "right": float(mean[-1]),
        "behind": float(mean[spec["best"]] - mean[at]),
        "sentence": state["sentence"],
    }
    for t, task in enumerate(map(word_for, spec["tasks"])):
        found[f"accuracy_{task}"] = float(accuracy[at, t])
        found[f"best_{task}"] = float(accuracy[:, t].max())
        found[f"reads_{task}"] = reads[t]
    own = as_numpy(arrays["adapters"])[at]  # (n_tasks, n_classes, n_words)
    axis = _axis(spec, state)
    for word in spec["drawn"]:
        if word not in spec["words"]:  # not trained on: all its weights are 0
            found[f"apart_{word_for(word)}"] = 0.0
            continue
        j = len(spec["words"]) - 1 - spec["words"][::-1].index(word)  # as the page: the last
        found[f"apart_{word_for(word)}"] = float(np.ptp(own[:, :, j] @ axis))
    return found


def _axis(spec: Spec, state: State) -> np.ndarray:
    """What makes a word's weights one score, in a state: (n_classes,)."""
    axes = word_axes(len(spec["classes"]), spec["ends"])
    return axes[state.get("for_class", 0)].numpy()


def _elsewhere(arrays: Arrays, spec: Spec, toy: dict[str, Any]) -> tuple[Arrays, Spec]:
    """(arrays, spec) for other toy sentences; the page's sentences and drawn words stay."""
    lam = tuple(as_numpy(arrays["lam"]).tolist())
    found, other = _solved(lam, spec["lam_shared"], tuple(spec["sentences"]), **toy)
    return found, {**other, "drawn": spec["drawn"]}


@lru_cache(maxsize=8)
def _solved(
    lam: tuple[float, ...], lam_shared: float, sentences: tuple[str, ...], **toy: Any
) -> tuple[Arrays, Spec]:
    train, val, test = toy_parts(**toy)
    with one_thread():
        dataset = MultiTaskDataset.from_frame(train)
        return compute(
            dataset, train, val, test, np.array(lam), lam_shared, sentence=list(sentences)
        )


def read(arrays: Arrays, spec: Spec, at: int, state: State) -> np.ndarray:
    """Scores of a state's sentence as the page computes them: (n_tasks, n_classes)."""
    x = np.zeros(len(spec["words"]))
    typed = state["typed"].strip() if spec["typing"] else ""
    if not typed and spec["features"]:
        for j, value in spec["features"][state["sentence"]]:
            x[j] = value
    column = {word: j for j, word in enumerate(spec["words"])}
    for word in make_vectorizer("bow").build_analyzer()(typed):
        if word in column:
            x[column[word]] += as_numpy(arrays["idf"])[column[word]] if spec["unit"] else 1.0
    if typed and spec["unit"]:
        x /= np.linalg.norm(x) or 1.0
    weights = as_numpy(arrays["shared"])[at] + as_numpy(arrays["adapters"])[at]
    return weights @ x + as_numpy(arrays["bias"])[at]


def fitting(lam: np.ndarray, data: MultiTaskDataset, given: bool) -> np.ndarray:
    """The lambdas, or as many of them as memory allows.

    Raises:
        RagteachError: not even a few lambdas fit, or not all that were given.
    """
    one = (1 + data.n_tasks) * data.n_classes * data.n_features  # numbers at one lambda
    most = SOLVED // one
    if len(lam) <= most:
        return lam
    if not given and most >= FEWEST:
        return np.geomspace(lam[0], lam[-1], most)
    raise refuse(
        expected=f"at most {SOLVED:,} weights to solve for: lambdas x (1 + tasks) x classes x "
        "words",
        got=f"{len(lam)} x {1 + data.n_tasks} x {data.n_classes} x {data.n_features:,}, "
        f"some {len(lam) * one * 90 / 2**30:.1f} GB",
        fix=f"pass lam with at most {most} values, or choose fewer tasks, classes or sentences"
        if most >= 2
        else "choose fewer tasks, classes or sentences",
    )


def _thing(frame: pd.DataFrame) -> str:
    """What a task is called: a domain in the course's sentences and where your column says so;
    else a task.
    """
    column = (frame.attrs.get("columns") or {}).get("task")
    ours = any(set(frame["task"]) <= set(tasks) for tasks in (TOY_TASKS, HUMAN_TASKS))
    return "domain" if ours or column == "domain" else "task"


def compute(
    data: MultiTaskDataset,
    train: pd.DataFrame,
    val: pd.DataFrame,
    test: pd.DataFrame,
    lam: np.ndarray,
    lam_shared: float,
    sentence: str | list[str] | None = None,
    words: list[str] | None = None,
    model: RAG | None = None,
) -> tuple[Arrays, Spec]:
    """All the numbers: (arrays, spec).  The optimum at every lambda, solved side by side."""
    names = data.task_names
    vectorizer = data.vectorizer
    n_classes = data.n_classes
    model = model or RAG(data.n_features, n_classes, data.n_tasks, tasks=names, init="zero")
    graph = unless_identity(routing(model))
    path = solve_path(model, data, list(lam), lam_shared, tol=1e-6)
    val_data, test_data = (MultiTaskDataset.from_frame(part, like=data) for part in (val, test))
    accuracy = path.accuracy(test_data.stacked()).T  # (n_lambda, n_tasks)
    validation = path.accuracy(val_data.stacked()).mean(0)  # (n_lambda,)
    best = _middle(validation.numpy())
    shared = path.shared  # (n_lambda, n_classes, n_features)
    adapters = path.adapters if graph is None else torch.tensordot(graph, path.adapters, dims=1)
    # what each task adds (n_lambda, n_tasks, n_classes, n_features)
    adapters = adapters.transpose(0, 1)
    bias = torch.zeros(1, len(lam), n_classes) if path.bias is None else path.bias
    texts, owners, labels = _sentences(
        test, path.task_weights()[:, best], bias[:, best], names, vectorizer, sentence
    )
    thing = _thing(train)
    classes = data.class_names
    column = (train.attrs.get("columns") or {"label": "label"})["label"]
    named = column if isinstance(column, str) else "label"
    ends = class_ends(classes, named, known=train.attrs.get("ordered", False))
    axes = word_axes(n_classes, ends)
    make = encoded_columns if isinstance(vectorizer, Encoder) else word_columns
    found = make(vectorizer, train, texts, shared, adapters, best, words, axes)
    drawn = found.drawn
    start: Spec = {"at": 0, "sentence": 0, "typed": "", "reader": -1, "lam": float(lam[0])}
    seen = ""
    if ends is None:  # the class about whose words the tasks differ most
        columns = [len(found.words) - 1 - found.words[::-1].index(word) for word in drawn]
        parted = apart(found.adapters[best][..., columns], axes).sum(1)
        start["for_class"] = int(parted.argmax())
        seen = f" for {classes[start['for_class']]}, minus the mean of the other classes,"
    about = ABOUT + found.note.format(thing=thing)
    arrays = {
        "lam": lam,
        "accuracy": accuracy,
        "validation": validation,
        "idf": found.idf,
        "shared": found.shared,
        "adapters": found.adapters,
        "bias": bias.expand(data.n_tasks, -1, -1).transpose(0, 1),
    }
    share = float(lam[best] / (lam[best] + lam_shared)) if lam_shared else 0.0
    spec = {
        "title": TITLE.format(thing=thing),
        "thing": thing,
        "about": about,
        "tasks": names,
        "classes": classes,
        "ends": ends,  # the lowest class and the highest; None: they have no order
        "words": found.words,
        "drawn": drawn,
        "best": best,
        "graph": None if graph is None else graph.tolist(),  # None: one adapter per task
        "lam_shared": float(lam_shared),
        "sentences": texts,
        "owners": owners,
        "labels": labels,
        "features": found.rows,
        "unknown": found.unknown,
        "typing": found.typing,
        "unit": getattr(vectorizer, "norm", None) == "l2",
        "sizes": [len(train), len(val), len(test)],
        "colors": plots.CYCLE[0][:6],
        "start": start,
    }
    means = accuracy.mean(1)
    said = ("", "")
    if graph is None and lam_shared:  # said of an end that is one
        said = (
            "independent, " if lam[0] < 0.05 * lam_shared else "",
            "full sharing, " if lam_shared < 0.05 * lam[-1] else "",
        )
    tied = f" and the {thing}s are tied by {share:.0%}" if graph is None and lam_shared else ""
    spec["alt"] = (
        f"Left: share of {len(test)} new sentences classified correctly, for {', '.join(names)}, "
        f"against lambda from {lam[0]:.2g} ({said[0]}mean {means[0]:.0%}) to {lam[-1]:.2g} "
        f"({said[1]}mean {means[-1]:.0%}). Validation chooses lambda = {lam[best]:.2g}, where the "
        f"mean is {means[best]:.0%}{tied}. Right: the weights of {', '.join(drawn)}{seen} at that "
        f"lambda: a bar for the shared weight, a marker for each {thing}."
    )
    return arrays, spec


def _middle(validation: np.ndarray) -> int:
    """The middle of the best lambdas nearest to each other: ties are common when accuracy is a
    count.
    """
    best = np.flatnonzero(validation >= validation.max() - 1e-6)  # float32: no tie is exact
    return int(best[len(best) // 2])


@torch.no_grad()
def _sentences(
    test: pd.DataFrame,
    weights: torch.Tensor,
    bias: torch.Tensor,
    names: list[str],
    vectorizer: Any,
    sentence: str | list[str] | None,
    n: int = 10,
) -> tuple[list[str], list[int], list[int]]:
    """Sentences that the domains read differently at the chosen lambda, the reader's own first.

    Disagreement and brevity choose them, so that there is something to see; whether a reading is
    right does not.  weights: (n_tasks, n_classes, n_features); bias: (n_tasks or 1, n_classes).
    """
    pick = test.groupby("task", sort=False).head(60).index.to_numpy()
    x = vectorizer.transform(test.text[pick])
    x = torch.as_tensor(x if isinstance(x, np.ndarray) else x.toarray())  # (n_docs, n_features)
    probability = (torch.einsum("nf,tcf->ntc", x, weights) + bias).softmax(-1)
    differ = probability.std(1, correction=min(1, len(names) - 1)).sum(-1).numpy() / np.sqrt(
        [len(text.split()) for text in test.text[pick]]
    )
    texts = []
    owners = []
    labels = []
    for task in [names[i % len(names)] for i in range(n)]:
        rows = [
            i
            for i in np.argsort(-differ)
            if test.task[pick[i]] == task and test.text[pick[i]] not in texts
        ]
        if rows:
            row = test.loc[pick[rows[0]]]
            texts.append(row.text)
            owners.append(names.index(task))
            labels.append(int(row.label))
    if sentence is not None:
        several = is_list(sentence) and not isinstance(sentence, str)
        own = [str(text) for text in (sentence if several else [sentence])]
        nobody = [-1] * len(own)
        texts = [*own, *texts]
        owners = [*nobody, *owners]
        labels = [*nobody, *labels]
    return texts, owners, labels


def _names_of_ends(spec: Spec) -> tuple[str, str]:
    """What a word's weight leads from, and to."""
    classes = spec["classes"]
    if spec["ends"] is None:
        return "other classes", classes[spec["start"]["for_class"]]
    low, high = spec["ends"]
    return classes[low], classes[high]


def twin(arrays: Arrays, spec: Spec) -> Figure:
    """The static figure: the same two pictures, at the lambda that validation chose."""
    lam = arrays["lam"]
    accuracy = np.asarray(arrays["accuracy"])
    best = spec["best"]
    tasks = spec["tasks"]
    figure = Figure(figsize=(11, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles = ["-", "--", ":", "-.", (0, (5, 1)), (0, (1, 3))]
    markers = "os^DpP"
    curves = {task: accuracy[:, t] for t, task in enumerate(tasks)}
    lines = stand_out(curves, most=len(spec["colors"]))  # as many as colours tell apart
    draw_others(left, {task: (lam, y) for task, y in curves.items() if task not in lines})
    for k, task in enumerate(lines):
        look = {"ls": styles[k], "marker": markers[k], "color": spec["colors"][k]}
        left.plot(lam, curves[task], label=task, markevery=0.2, ms=5, **look)
    left.plot(lam, accuracy.mean(1), color="0.1", lw=2.5, label="mean")
    left.axvline(lam[best], color="0.4", ls=":")
    left.annotate(
        "chosen on validation",
        (lam[best], 1),
        xycoords=("data", "axes fraction"),
        fontsize=8,
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",  # above the axes: it covers no curve
    )
    ends = (
        "independent  ←  λ  →  full sharing"
        if spec["graph"] is None
        else "free adapters  ←  λ  →  no adapters"
    )
    left.set(xscale="log", xlabel=ends)
    left.set_title("Share of new sentences classified correctly (one draw)", pad=16, loc="left")
    left.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    columns = [spec["words"].index(w) for w in spec["drawn"]]
    shared = as_numpy(arrays["shared"])
    adapters = as_numpy(arrays["adapters"])
    axis = _axis(spec, spec["start"])
    base = axis @ shared[best][:, columns]
    rows = np.arange(len(columns))[::-1]
    right.axvline(0, color="0.8", lw=1)
    right.scatter(base, rows, marker="|", s=260, color="0.1", linewidths=3, label="shared")
    for k, task in enumerate(lines):
        t = tasks.index(task)
        color = spec["colors"][k]
        own = base + axis @ adapters[best, t][:, columns]
        y = rows + 0.24 - 0.16 * min(1, 4 / len(lines)) * k
        right.hlines(y, base, own, color=color, lw=1)
        right.scatter(own, y, marker=markers[k], s=26, color=color, label=f"+ {task}", zorder=3)
    right.set(
        yticks=rows,
        yticklabels=spec["drawn"],
        title=f"Shared weight, and what each {spec['thing']} adds (λ = {lam[best]:.2g})",
    )
    low, high = _names_of_ends(spec)
    right.set_xlabel(f"{low}  ←  weight  →  {high}")
    # covers no dot
    right.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
