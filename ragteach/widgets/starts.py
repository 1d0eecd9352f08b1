"""Initialisation lab: many random starts as a bundle of paths, which meet or do not meet.

Enters: sentences and seeds.  Leaves: the paths of all seeds, for any distribution, scale, penalty
and learning rate: the page trains them, from the same random numbers as `RAG`:

    x   score of one word in W_s        y   score of the same word in one adapter

With lambda = lambda_s = 0, gradient descent keeps W_s - sum_t A_t as the random start left it: the
paths never meet.  With lambda > 0 every start is forgotten in the end.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ragteach.data.toy import make_toy
from ragteach.dataset import MultiTaskDataset, as_dataset
from ragteach.engine.training import train_many
from ragteach.errors import at_least, one_of, refuse
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.widgets.base import Arrays, Explorer, Spec, State, one_thread, show
from ragteach.widgets.graphs import sentences
from ragteach.widgets.scores import class_ends, score_name, word_axes

INITS = ("normal", "uniform", "zero")
SCALES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
LAMS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1)
RATES = (0.05, 0.1, 0.2, 0.5, 1.0)
SHOWN = {"scale": 1.0, "lam": 0.03}  # in the static figure, beside lam = 0
FRAMES = 41
MOST = 1_000_000  # random numbers that the page receives
OURS = 'rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task={"films": 30, "cars": 30}))'


def init_lab(
    data: Any = None,
    word: str | None = None,
    seeds: Any = 8,
    steps: int = 600,
    lr: float = 0.5,
    model: RAG | None = None,
    scale: float = 1.0,
    lam: float = 0.03,
    goal: Mapping[str, str] | None = None,
) -> Explorer:
    """Choose how the weights begin; see whether that is still seen at the end.

    Args:
        data: a `MultiTaskDataset`, or what makes one: a frame, a path. Default: toy sentences of
            two domains.
        word: whose scores are drawn. Default: the word whose shared score ends largest.
        seeds: how many starts, or a list of seeds.
        steps, lr: of plain gradient descent.
        model: a `RAG` for these data, whose graph and biases are used. Default: one adapter per
            task.
        scale, lam: of the start, and the penalty, to begin with: 0.01, 0.03, 0.1, 0.3, 1 or 3, and
            0, 0.001, 0.003, 0.01, 0.03 or 0.1.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures: ``step``,
            ``scale``, ``lam``, ``lr``, and how far the seeds differ at this step, as a share of the
            length of W: ``shared`` in W_s, ``adapter`` in A, ``sum`` in what the task uses, and
            ``free``, the latter without a penalty.

    Returns:
        The explorer.

    Raises:
        RagteachError: a model that does not fit the data, or without an adapter for the first task.

    Reference: lesson 08; the conserved quantity is law 2 of the course.

    Example:
        >>> w = init_lab(seeds=2, steps=10)  # doctest: +SKIP
    """
    begin = {"init": 0}
    for name, value, known in (("scale", scale, SCALES), ("lam", lam, LAMS)):
        one_of(name, value, known)
        begin[name] = known.index(value)
    at_least("steps", steps, 1)
    at_least("lr", lr)
    made = OURS if data is None else "...  # your MultiTaskDataset"
    if data is None:
        data = MultiTaskDataset.from_frame(make_toy(n_per_task={"films": 30, "cars": 30}))
    data = as_dataset(data)
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    at_least("seeds", len(seeds), 1)
    if model is not None and (
        model.task_names != data.task_names or not bool(model.graph[0].any())
    ):
        raise refuse(
            expected=f"a model of the tasks {data.task_names} with an adapter for "
            f"{data.task_names[0]}",
            got=f"tasks {model.task_names}, graph {model.graph.tolist()}",
            fix="leave model out, or build it with tasks=data.task_names and a graph that joins "
            "them",
        )
    lab = Lab(data, seeds, steps, lr, model)
    with one_thread():
        arrays, spec = compute(lab, word, made, begin)
        figure = twin(lab, spec)
    return show("starts", arrays, spec, figure, goal, partial(measures, lab, spec))


class Lab:
    """The data, the seeds and the model that is trained from each of them."""

    def __init__(
        self, data: MultiTaskDataset, seeds: list[int], steps: int, lr: float, model: RAG | None
    ) -> None:
        self.data, self.seeds, self.lr = data, seeds, lr
        self.tensors = data.stacked()
        self.graph = torch.eye(data.n_tasks) if model is None else model.graph
        self.bias = "task" if model is None else model.bias_kind
        record = max(1, steps // (FRAMES - 1))
        self.steps = sorted({*range(0, steps + 1, record), steps})
        self.rates = sorted({*RATES, float(lr)})
        self.written = "data.n_tasks, tasks=data.task_names"
        if model is not None:
            self.written = (
                f"{model.n_adapters}, tasks=data.task_names, graph={model.graph.tolist()}, "
                f"bias={model.bias_kind!r}"
            )

    def model(self, init: str, scale: float, seed: int = 0) -> RAG:
        """A model with a random start."""
        size = (self.data.n_features, self.data.n_classes, self.graph.shape[1])
        options: dict[str, Any] = {
            "graph": self.graph,
            "tasks": self.data.task_names,
            "bias": self.bias,
        }
        return RAG(*size, init=init, scale=scale, seed=seed, **options)

    def run(
        self,
        init: str,
        scale: float,
        lams: list[float],
        steps: int,
        lr: float,
        record: int | None = None,
    ) -> list:
        """What training leaves of every seed: [(step, W_s, adapters), ...], lambda after lambda."""
        each = np.repeat(lams, len(self.seeds))
        return train_many(
            self.model(init, scale),
            self.tensors,
            lam=each,
            lam_shared=each,
            seeds=self.seeds * len(lams),
            steps=max(1, steps),
            lr=lr,
            optimizer="sgd",
            record_every=record or max(1, steps),
            budget_mb=64.0,
        ).history


def measures(lab: Lab, spec: Spec, state: State) -> dict[str, float]:
    """The numbers that a goal compares, at a state's step: trained for them."""
    lam = LAMS[state["lam"]]
    step = lab.steps[state["at"]]
    with one_thread():
        history = lab.run(
            INITS[state["init"]], SCALES[state["scale"]], [lam, 0.0], step, lab.rates[state["lr"]]
        )
    _, shared, adapters = history[-1 if step else 0]
    own = torch.tensordot(lab.graph[0], adapters, dims=1)  # (n_replicas, n_classes, n_features)
    n = len(lab.seeds)
    with_penalty, without = (
        spreads(shared[part], own[part]) for part in (slice(n), slice(n, None))
    )
    return {
        "step": step,
        "scale": SCALES[state["scale"]],
        "lam": lam,
        "lr": lab.rates[state["lr"]],
        "shared": with_penalty[0],
        "adapter": with_penalty[1],
        "sum": with_penalty[2],
        "free": without[2],
    }


def spreads(shared: Tensor, own: Tensor) -> list[float]:
    """How far seeds are from their mean, as a share of the length of W: for W_s, A, and their sum.

    shared, own: (n_seeds, n_classes, n_features); softmax's common shift is taken out.
    """
    parts = [w - w.mean(1, keepdim=True) for w in (shared, own, shared + own)]
    size = parts[2].flatten(1).norm(dim=1).mean().clamp(min=1e-9)
    return [float((w - w.mean(0)).flatten(1).norm(dim=1).mean() / size) for w in parts]


def compute(lab: Lab, word: str | None, made: str, begin: dict[str, int]) -> tuple[Arrays, Spec]:
    """What the page needs to train by itself: sentences, unit starts, names."""
    data = lab.data
    words = [f"x{j}" for j in range(data.n_features)]
    if data.vectorizer is not None:
        words = [str(w) for w in data.vectorizer.get_feature_names_out()]
    classes = data.class_names
    ends = class_ends(classes)
    final = lab.run("zero", 0.01, [SHOWN["lam"]], lab.steps[-1], lab.lr)[-1][1][0]
    scores = word_axes(data.n_classes, ends) @ final.float()  # (n_axes, n_features)
    if word is None:
        word = words[int(scores.amax(0).argmax())]
    for_class = int(scores[:, words.index(word)].argmax())  # the only axis where there is an order
    units = []
    for init in INITS[:2]:
        models = [lab.model(init, 1.0, seed) for seed in lab.seeds]
        units += [torch.cat([m.shared[None], m.adapter_weights()]).detach() for m in models]
    n_numbers = sum(part.numel() for part in units)
    if n_numbers > MOST:
        raise refuse(
            expected=f"at most {MOST:,} random numbers to send to the page",
            got=f"{n_numbers:,}: 2 x seeds x (1 + adapters) x classes x words",
            fix="take fewer seeds, tasks or sentences",
        )
    shape = (2, len(lab.seeds), 1 + lab.graph.shape[1], data.n_classes, data.n_features)
    arrays = {
        "steps": lab.steps,
        "graph": lab.graph,
        "units": torch.stack(units).reshape(shape),
        **sentences(data, "train"),
    }
    task = data.task_names[0]
    spec: Spec = {
        "title": "Does the random start matter in the end?",
        "about": (
            "Every line is one seed. The page trains them all, without a penalty and with one."
        ),
        "inits": list(INITS),
        "scales": list(SCALES),
        "lams": list(LAMS),
        "rates": lab.rates,
        "word": word,
        "column": words.index(word),
        "task": task,
        "classes": classes,
        "ends": ends,  # the lowest class and the highest; None: they have no order
        "seeds": lab.seeds,
        "size": [data.n_features, data.n_classes],
        "bias": lab.bias,
        "made": made,
        "model": lab.written,
        "colors": plots.CYCLE[0][:6],
        "start": {"at": len(lab.steps) - 1, "lr": lab.rates.index(float(lab.lr)), **begin},
    }
    if ends is None:
        spec["start"]["for_class"] = for_class
    of = score_name(classes, ends, for_class)
    shown = {"scale": SCALES.index(SHOWN["scale"]), "lam": LAMS.index(SHOWN["lam"])}
    seen = measures(lab, spec, {**spec["start"], **shown})
    spec["alt"] = (
        f"Paths of {len(lab.seeds)} random starts (normal, scale 1) for the word “{word}”: its "
        f"score{of} in the shared weights against its score in the adapter of {task}. After "
        f"{lab.steps[-1]} steps what the task uses, W, still differs from seed to seed by "
        f"{seen['free']:.0%} of its length without a penalty; with lambda = {seen['lam']:g} by "
        f"{seen['sum']:.0%}."
    )
    return arrays, spec


def twin(lab: Lab, spec: Spec) -> Figure:
    """The static figure: the bundle without and with a penalty."""
    lams = [0.0, SHOWN["lam"]]
    n = len(lab.seeds)
    j = spec["column"]
    history = lab.run(
        "normal", SHOWN["scale"], lams, lab.steps[-1], lab.lr, record=max(1, lab.steps[1])
    )
    shared = torch.stack([s for _, s, _ in history])
    own = torch.stack([torch.tensordot(lab.graph[0], a, dims=1) for _, _, a in history])
    # (n_frames, n_replicas)
    for_class = spec["start"].get("for_class", 0)
    axis = word_axes(len(spec["classes"]), spec["ends"])[for_class].to(shared)
    score = [(w[..., j] @ axis).numpy() for w in (shared, own)]
    of = score_name(spec["classes"], spec["ends"], for_class)
    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    for i, ax in enumerate(figure.subplots(1, 2, sharex=True, sharey=True)):
        for r in range(n):
            x, y = (values[:, i * n + r] for values in score)
            look = {"color": spec["colors"][r % 6]}
            ax.plot(x, y, lw=1.3, ls=plots.CYCLE[2][r % 4], **look)
            ax.plot(x[0], y[0], ".", **look)
            ax.plot(x[-1], y[-1], "o", mfc="none", ms=9, mew=2, **look)
        ax.set(title=f"λ = {lams[i]:g}", xlabel=f"score of “{spec['word']}”{of} in W_s")
        ax.set_ylabel(f"in the adapter of {spec['task']}" if i == 0 else "")
    return figure
