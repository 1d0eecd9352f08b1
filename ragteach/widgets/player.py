"""Trajectory player: training as a film, one step at a time.

Enters: trajectories (of `fit` with a `Recorder`, or of the engine), one per schedule.  Leaves:
their paths in one plane:

    plane      W_s and every A_k in two principal components of all runs together, or as the
               scores of two words
    length     ||W_s||, ||A_k|| over the steps
    conflict   mean cosine between the tasks' gradients in W_s
    conserved  how far W_s - sum_t A_t has moved from where it began, relative to its length
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure

from ragteach.data.toy import make_toy
from ragteach.dataset import MultiTaskDataset
from ragteach.errors import refuse
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.study.looks import look_of_part
from ragteach.study.trajectories import Recorder, Trajectory
from ragteach.trainer import fit
from ragteach.widgets.base import Arrays, Explorer, Spec, State, one_thread, show
from ragteach.widgets.scores import class_ends, score_axis, word_axes

FRAMES = 121
MAX_RUNS = 4


def toy_runs(
    lam: float = 0.01,
    lam_shared: float = 0.01,
    epochs: int = 480,
    lr: float = 1.0,
    seed: int = 0,
) -> tuple[dict[str, Trajectory], MultiTaskDataset]:
    """The three schedules, and joint training without a penalty: {name: Trajectory}, and the toy
    data. Long enough that joint and alternating training end at nearly the same weights.
    """
    frame = make_toy(n_per_task={"films": 40, "cars": 40, "food": 40}, seed=seed)
    data = MultiTaskDataset.from_frame(frame)
    runs = {}
    plans = {
        "joint": ("joint", lam, lam_shared),
        "two-phase": ("two_phase", lam, lam_shared),
        "alternating": ("alternating", lam, lam_shared),
        "joint, no penalty": ("joint", 0.0, 0.0),
    }
    for name, (schedule, a, s) in plans.items():
        model = RAG(
            data.n_features,
            data.n_classes,
            data.n_tasks,
            tasks=data.task_names,
            adapters=data.task_names,
            scale=0.1,
            seed=seed,
        )
        recorder = Recorder(model, every=2)
        fit(
            model,
            data,
            schedule,
            epochs=epochs,
            lr=lr,
            optimizer=torch.optim.SGD,
            lam=a,
            lam_shared=s,
            callbacks=[recorder],
            progress=False,
            seed=seed,
        )
        runs[name] = recorder.trajectory(data.vectorizer.get_feature_names_out())
    return runs, data


def trajectory_player(
    runs: Trajectory | Mapping[str, Trajectory] | None = None,
    words: Sequence[str] | None = None,
    data: MultiTaskDataset | None = None,
    goal: Mapping[str, str] | None = None,
) -> Explorer:
    """Play, pause and scrub through training.

    Args:
        runs: a `Trajectory`, or a dict of up to four, {"joint": ..., "two-phase": ...}. Default:
        toy sentences, the three
            schedules, and joint training without a penalty.
        words: two words, for the second choice of plane. Default: the two whose shared scores end
            furthest apart. A score is the weight for the highest class minus that for the lowest;
            of classes without an order, that for the one class which parts the words most, minus
            the mean of the others.
        data: the `MultiTaskDataset` that was trained on, for the conflict of the tasks' gradients
            and the classes' names. Default: the one is not drawn, the others are numbers.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures, of the
            schedule that is chosen: ``schedule``, its place in the list (1, 2, ...); ``step``;
            ``shared`` and ``adapters``, the lengths of W_s and
            of an adapter on average; ``moved``, of W_s minus the sum of the adapters; ``conflict``
            (with data), the mean cosine.

    Returns:
        The explorer; ``w.state["at"]`` is its frame.

    Raises:
        RagteachError: not a trajectory, too many, or of different shapes.

    Reference: lesson 05; gradient conflict after Yu et al. (2020).

    Example:
        >>> w = trajectory_player()  # doctest: +SKIP
    """
    code = "runs, data = rt.widgets.toy_runs()"
    with one_thread():
        if runs is None:
            runs, data = toy_runs()
        else:
            code = "runs = {...}  # your trajectories"
            runs = {"run": runs} if isinstance(runs, Trajectory) else dict(runs)
        _check(runs)
        arrays, spec = compute(runs, words, data)
    spec["code"] = (
        f'import ragteach as rt\n{code}\npath = runs["{{run}}"]\npath.norms().query("step == '
        f'{{step}}")'
    )
    measure = partial(measures, arrays)
    return show("player", arrays, spec, twin(arrays, spec), goal, measure)


def measures(arrays: Arrays, state: State) -> dict[str, float]:
    """The numbers that a goal compares, at a state's frame of its schedule."""
    run = state["run"]
    at = state["at"]
    norms = arrays["norms"][run, at]
    found = {
        "schedule": run + 1,
        "step": int(arrays["steps"][run, at]),
        "shared": float(norms[0]),
        "adapters": float(norms[1:].mean()),
        "moved": float(arrays["moved"][run, at]),
    }
    if "conflict" in arrays:
        found["conflict"] = float(arrays["conflict"][run, at])
    return found


def _check(runs: dict[str, Trajectory]) -> None:
    good = 0 < len(runs) <= MAX_RUNS and all(isinstance(r, Trajectory) for r in runs.values())
    if (
        not good
        or len({tuple(r.shared.shape[1:]) + tuple(r.adapters.shape[1:2]) for r in runs.values()})
        > 1
    ):
        raise refuse(
            expected=f"one to {MAX_RUNS} trajectories of the same model family",
            got=f"{len(runs)} of types {sorted({type(r).__name__ for r in runs.values()})}",
            fix="pass recorder.trajectory(words), or a dict {name: trajectory}",
        )


def compute(
    runs: dict[str, Trajectory], words: Sequence[str] | None, data: MultiTaskDataset | None
) -> tuple[Arrays, Spec]:
    """All the numbers: (arrays, spec).  Every run is sampled at the same number of frames."""
    first = next(iter(runs.values()))
    frames = min(FRAMES, max(len(r.steps) for r in runs.values()))
    picks = [np.linspace(0, len(r.steps) - 1, frames).round().astype(int) for r in runs.values()]
    # (n_runs, n_frames)
    steps = np.stack([r.steps[p] for r, p in zip(runs.values(), picks, strict=True)])
    paths = torch.stack(
        [
            torch.cat([r.shared[p][:, None], r.adapters[p]], 1)
            for r, p in zip(runs.values(), picks, strict=True)
        ]
    ).double()  # (n_runs, n_frames, 1 + n_adapters, n_classes, n_features)
    flat = paths.flatten(3)
    cloud = flat.flatten(0, 2)
    centre = cloud.mean(0)
    _, size, axes = torch.linalg.svd(cloud - centre, full_matrices=False)
    share = size.square() / size.square().sum().clamp(min=1e-300)
    classes = [str(c) for c in range(paths.shape[3])] if data is None else data.class_names
    low_high = class_ends(classes)
    each = word_axes(len(classes), low_high).to(paths) @ paths[0, -1, 0]  # (n_axes, n_features)
    for_class = int(
        each.amax(1).sub(each.amin(1)).argmax()
    )  # the only axis where there is an order
    axis = word_axes(len(classes), low_high)[for_class].to(paths)
    # (n_runs, n_frames, n_parts, n_features)
    score = torch.einsum("c,rfpcj->rfpj", axis, paths)
    if words is None:
        order = score[0, -1, 0].argsort()
        words = [first.words[order[-1]], first.words[order[0]]]
    columns = [first._word(word) for word in words]
    # (2, n_runs, n_frames, n_parts, 2)
    planes = torch.stack([(flat - centre) @ axes[:2].T, score[..., columns]])
    kept = paths[:, :, 0] - paths[:, :, 1:].sum(2)  # W_s - sum_t A_t
    moved = (kept - kept[:, :1]).flatten(2).norm(dim=2) / kept[:, :1].flatten(2).norm(dim=2).clamp(
        min=1e-12
    )
    arrays = {"steps": steps, "planes": planes, "norms": flat.norm(dim=3), "moved": moved}
    if data is not None:
        arrays["conflict"] = _conflict(runs, picks, data)
    contrast = frames // 2  # opens where the first two runs are furthest apart on their ways
    if len(runs) > 1:
        way = (flat[:2] - flat[:2, :1]).norm(dim=3)  # (2, n_frames, n_parts)
        behind = way / way[:, -1:].clamp(min=1e-9)  # how much of its way each part has behind it
        contrast = int((behind[0] - behind[1]).abs().sum(1).argmax())
    spec = {
        "title": "Where do the weights go?",
        "about": (
            "Play, or drag through training. Small dot: the start. Every path is one part of the "
            f"model. {_kept(steps)}"
        ),
        "runs": list(runs),
        "parts": ["W_s", *first.adapter_names],
        "colors": ["shared", *plots.CYCLE[0][:6]],
        "axes": [
            [f"principal component {i + 1} ({share[i]:.0%})" for i in (0, 1)],
            [f"{score_axis(classes, low_high, for_class)} of “{w}”" for w in words],
        ],
        "planes": ["all words (principal components)", " and ".join(f"“{w}”" for w in words)],
        "start": {"at": contrast, "run": 0, "other": min(1, len(runs) - 1), "plane": 0},
    }
    ends = "; ".join(
        (
            f"{name}: W_s ends with length {arrays['norms'][i, -1, 0]:.2f}, the adapters with "
            f"{arrays['norms'][i, -1, 1:].mean():.2f} on average, and W_s minus the adapters' sum "
            f"has moved by {moved[i, -1]:.0%}"
        )
        for i, name in enumerate(runs)
    )
    spec["alt"] = (
        "Paths of the shared weights and the adapters during training, one picture a schedule. "
        f"{ends}."
    )
    return arrays, spec


def _kept(steps: np.ndarray) -> str:
    """A sentence: which steps the film shows. steps (n_runs, n_frames)."""
    gaps = np.unique(np.diff(steps, axis=1))
    if len(gaps) == 1:
        named = {1: "every step", 2: "every second step", 3: "every third step"}
        named[4] = "every fourth step"
        return f"The film shows {named.get(int(gaps[0]), f'one step in {gaps[0]}')}."
    return f"The film shows {steps.shape[1]} of the steps, evenly spread."


def _conflict(
    runs: dict[str, Trajectory], picks: list[np.ndarray], data: MultiTaskDataset
) -> np.ndarray:
    """Mean cosine over pairs of tasks: (n_runs, n_frames)."""
    tensors = data.stacked()
    rows = []
    for run, pick in zip(runs.values(), picks, strict=True):
        some = Trajectory(
            run.steps[pick],
            run.shared[pick],
            run.adapters[pick],
            run.graph,
            run.task_names,
            run.adapter_names,
            run.words,
        )
        table = some.gradient_cosines(tensors)
        rows.append(
            table["cosine"].to_numpy().reshape(-1, len(pick)).mean(0)
            if len(table)
            else np.ones(len(pick))
        )
    return np.stack(rows)


def twin(arrays: Arrays, spec: Spec) -> Figure:
    """The static figure: every run's whole path, all in one plane and on the same axes."""
    import matplotlib.pyplot as plt

    names = spec["runs"]
    size = (3.4 * len(names) + 1, 3.6)
    figure, axes = plt.subplots(
        1, len(names), figsize=size, layout="constrained", squeeze=False, sharex=True, sharey=True
    )
    for ax, name, paths in zip(axes[0], names, np.asarray(arrays["planes"][0]), strict=True):
        for i, part in enumerate(spec["parts"]):
            look, width = look_of_part(part, i - 1)
            path = paths[:, i]  # (n_frames, 2)
            ax.plot(*path.T, ls=look.dash, color=look.colour, lw=width, label=part)
            ax.plot(*path[0], look.marker, color=look.colour, ms=5)
            ax.plot(*path[-1], look.marker, color=look.colour, ms=10, mfc="none", mew=2)
        ax.set(title=name, xlabel=spec["axes"][0][0])
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel(spec["axes"][0][1])
    axes[0, -1].legend(
        frameon=False, title="small: start, large: end", loc="upper left", bbox_to_anchor=(1, 1)
    )
    return figure
