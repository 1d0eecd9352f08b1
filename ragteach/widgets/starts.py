"""Initialisation lab: many random starts as a bundle of paths, which meet or do not meet.

Enters: a distribution, a scale, a penalty.  Leaves: the paths of several seeds, all trained in one
go by the engine:

    x   score of one word in W_s        y   score of the same word in one adapter

With lambda = lambda_s = 0, gradient descent keeps W_s - sum_t A_t as the random start left it: the
paths never meet.  With lambda > 0 every start is forgotten in the end.
"""

from functools import partial

import numpy as np
import torch

from ragteach.data.toy import make_toy
from ragteach.dataset import MultiTaskDataset, as_dataset
from ragteach.engine.training import train_many
from ragteach.errors import at_least, refuse
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.widgets.base import one_thread, show

INITS = ("normal", "uniform", "zero")
SCALES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
LAMS = (0.0, 0.03)
FRAMES = 41


def init_lab(data=None, word=None, seeds=8, steps=600, lr=0.5, model=None, goal=None):
    """Choose how the weights begin; see whether that is still seen at the end.

    Args:
        data: a `MultiTaskDataset`, or what makes one: a frame, a path. Default: toy sentences of two
            domains.
        word: whose scores are drawn. Default: the word whose shared score ends largest.
        seeds: how many starts, or a list of seeds.
        steps, lr: of plain gradient descent.
        model: a `RAG` for these data, whose graph and biases are used. Default: one adapter per
            task.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures: ``step``,
            ``scale``, ``lam``, and how far the seeds differ at this step, as a share of the length
            of W: ``shared`` in W_s, ``adapter`` in A, ``sum`` in what the task uses.

    Returns:
        The explorer.

    Raises:
        RagteachError: a model that does not fit the data, or without an adapter for the first task.

    Reference: lesson 08; the conserved quantity is law 2 of the course.

    Example:
        >>> w = init_lab(seeds=2, steps=10)  # doctest: +SKIP
    """
    at_least("steps", steps, 1)
    if data is None:
        data = MultiTaskDataset.from_frame(make_toy(n_per_task={"films": 30, "cars": 30}))
    data = as_dataset(data)
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    at_least("seeds", len(seeds), 1)
    words = [f"x{j}" for j in range(data.n_features)]
    if data.vectorizer is not None:
        words = [str(w) for w in data.vectorizer.get_feature_names_out()]
    graph, bias = ("one_per_task", "task") if model is None else (model.graph, model.bias_kind)
    n_adapters = data.n_tasks if model is None else model.n_adapters
    options = {"graph": graph, "tasks": data.task_names, "bias": bias}
    if model is not None and (
        model.task_names != data.task_names or not bool(model.graph[0].any())
    ):
        raise refuse(
            expected=f"a model of the tasks {data.task_names} with an adapter for {data.task_names[0]}",
            got=f"tasks {model.task_names}, graph {model.graph.tolist()}",
            fix="leave model out, or build it with tasks=data.task_names and a graph that joins them",
        )
    with one_thread():
        arrays, spec = compute(data, word, words, seeds, steps, lr, n_adapters, options)
    if model is not None:
        graph = model.graph.tolist()
        spec["model"] = (
            f"{n_adapters}, tasks=data.task_names, graph={graph}, bias={model.bias_kind!r}"
        )
    measure = partial(measures, arrays, spec)
    return show("starts", arrays, spec, twin(arrays, spec), goal, measure)


def measures(arrays, spec, state):
    """The numbers that a goal compares, at a state's step."""
    at = _setting(state["init"], state["scale"], state["lam"])
    shared, adapter, both = (float(v) for v in arrays["spreads"][at, state["at"]])
    return {
        "step": int(arrays["steps"][state["at"]]),
        "scale": spec["scales"][state["scale"]],
        "lam": spec["lams"][state["lam"]],
        "shared": shared,
        "adapter": adapter,
        "sum": both,
    }


def compute(data, word, words, seeds, steps, lr, n_adapters, options):
    """Every (distribution, scale, lambda): paths (setting, frame, seed, 2), spreads (setting,
    frame, 3).
    """
    tensors, runs = data.stacked(), {}
    record = max(1, steps // (FRAMES - 1))
    for init in INITS:
        for scale in SCALES:
            if init == "zero" and scale != SCALES[0]:
                continue  # zero times any scale
            size = (data.n_features, data.n_classes, n_adapters)
            model = RAG(*size, init=init, scale=scale, **options)
            lams = np.repeat(LAMS, len(seeds))
            runs[init, scale] = train_many(
                model,
                tensors,
                lam=lams,
                lam_shared=lams,
                seeds=seeds * len(LAMS),
                steps=steps,
                lr=lr,
                optimizer="sgd",
                record_every=record,
                budget_mb=64.0,
            ).history
    n, row = len(seeds), model.graph[0]  # (n_adapters,)
    if word is None:
        final = runs["zero", SCALES[0]][-1][1][n]
        word = words[int((final[-1] - final[0]).argmax())]
    j = words.index(word)
    paths, spreads = [], []
    for init in INITS:
        for scale in SCALES:
            history = runs[init, scale if init != "zero" else SCALES[0]]
            shared = torch.stack(
                [s for _, s, _ in history]
            )  # (n_frames, n_replicas, n_classes, n_features)
            adapter = torch.stack(
                [torch.tensordot(row, a, dims=1) for _, _, a in history]
            )  # the task's own
            for i in range(len(LAMS)):
                part = slice(i * n, (i + 1) * n)
                s, a = shared[:, part], adapter[:, part]
                paths.append(torch.stack([w[:, :, -1, j] - w[:, :, 0, j] for w in (s, a)], -1))
                both = [
                    w - w.mean(2, keepdim=True) for w in (s, a, s + a)
                ]  # without softmax's common shift
                size = both[2].flatten(2).norm(dim=2).mean(1).clamp(min=1e-9)  # (n_frames,)
                spread = [
                    (w - w.mean(1, keepdim=True)).flatten(2).norm(dim=2).mean(1) / size
                    for w in both
                ]
                spreads.append(torch.stack(spread, -1))
    arrays = {
        "steps": [step for step, _, _ in history],
        "paths": torch.stack(paths),
        "spreads": torch.stack(spreads),
    }
    task = data.task_names[0]
    spec = {
        "title": "Does the random start matter in the end?",
        "about": "Choose how the weights begin, then drag through training. Every line is one seed.",
        "inits": list(INITS),
        "scales": list(SCALES),
        "lams": list(LAMS),
        "word": word,
        "task": task,
        "seeds": seeds,
        "lr": lr,
        "model": "data.n_tasks, tasks=data.task_names",
        "colors": plots.CYCLE[0][:6],
        "start": {"at": len(history) - 1, "init": 0, "scale": 4, "lam": 0},
    }
    ends = [float(arrays["spreads"][_setting(0, 4, i), -1, 2]) for i in range(len(LAMS))]
    parts = [float(arrays["spreads"][_setting(0, 4, i), -1, 0]) for i in range(len(LAMS))]
    spec["alt"] = (
        f"Paths of {len(seeds)} random starts (normal, scale {SCALES[4]:g}) for the word “{word}”: its "
        f"score in the shared "
        f"weights against its score in the adapter of {task}. Without a penalty the shared weights still "
        f"differ by "
        f"{parts[0]:.0%} of the length of W at the end, and W itself by {ends[0]:.0%}; with lambda = "
        f"{LAMS[1]:g} by "
        f"{parts[1]:.0%} and {ends[1]:.0%}."
    )
    return arrays, spec


def _setting(init, scale, lam):
    return (init * len(SCALES) + scale) * len(LAMS) + lam


def twin(arrays, spec):
    """The static figure: the bundle without and with a penalty."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    for i, ax in enumerate(figure.subplots(1, 2, sharex=True, sharey=True)):
        paths = arrays["paths"][_setting(0, 4, i)].numpy()
        for r in range(paths.shape[1]):
            look = {"color": spec["colors"][r % 6]}
            ax.plot(*paths[:, r].T, lw=1.3, ls=plots.CYCLE[2][r % 4], **look)
            ax.plot(*paths[0, r], ".", **look)
            ax.plot(*paths[-1, r], "o", mfc="none", ms=9, mew=2, **look)
        ax.set(title=f"λ = {LAMS[i]:g}", xlabel=f"score of “{spec['word']}” in W_s")
        ax.set_ylabel(f"in the adapter of {spec['task']}" if i == 0 else "")
    return figure
