"""Graph editor: connect tasks and adapters by hand, and see what the model becomes.

Enters: sentences of several tasks.  Leaves: the optimum of the graph that is on the page.

    W_t = W_s + sum_k G[t,k] A_k        J = sum_t CE_t + lam_s/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2

The page has the sentences and solves the graph that is on it, at the lambda on it: nothing stands
there that belongs to another graph. Python solves the presets once, for the static figure.
"""

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from scipy.sparse import csr_matrix
from torch import Tensor

from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve_path
from ragteach.engine.replicas import Replicas
from ragteach.errors import at_least, refuse
from ragteach.graph import routing_graph
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.widgets.base import Arrays, Explorer, Spec, State, one_thread, show
from ragteach.widgets.goals import word_for
from ragteach.widgets.sharing import three_parts

MAX_TASKS = 8
MAX_FEATURES = 20_000
MAX_DOCS = 1000  # sentences per task in each part; of more, so many are drawn
STRENGTHS = np.logspace(-5, 0, 26)


def graph_editor(
    data: Any = None,
    graph: Any = "one_per_task",
    lam: float = 0.001,
    lam_shared: float = 0.001,
    relatedness: float = 0.5,
    n_per_task: int | dict[str, int] = 60,
    seed: int = 0,
    goal: Mapping[str, str] | None = None,
) -> Explorer:
    """Connect a task and an adapter; equation, parameters and accuracy follow.

    Args:
        data: None for toy sentences; a frame, a path, a dataset, or three of them (train, val,
            test). At most eight tasks.
        graph: where to begin: a name of `routing_graph` or a matrix (n_tasks, n_adapters).
        lam, lam_shared: the penalties; ``lam`` is a slider.
        relatedness, n_per_task, seed: of the toy sentences.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures:
            ``accuracy`` on new sentences (the tasks' mean), ``worst`` the lowest task's,
            ``validation``; ``lam``; ``adapters`` and ``edges``, how many; ``kinds``, how many
            different W, and which of them a task has, say ``kind_films`` (0, 1, ...); ``weights``,
            how many parameters.

    Returns:
        The explorer; ``w.state["graph"]`` is the graph on the page.

    Raises:
        RagteachError: too many tasks, a graph of another shape.

    Reference: lesson 02; Ponti et al. (2022) for graphs over skills.

    Example:
        >>> w = graph_editor(n_per_task=20)  # doctest: +SKIP
    """
    at_least("lam", lam)
    at_least("lam_shared", lam_shared)
    train, val, test = three_parts(data, relatedness=relatedness, n_per_task=n_per_task, seed=seed)
    solver = GraphSolver(train, val, test, lam_shared)
    names = solver.tensors.task_names
    n_tasks = solver.tensors.n_tasks
    if not isinstance(graph, str):
        graph = np.asarray(graph, dtype=float)
    n_adapters = n_tasks if isinstance(graph, str) else graph.shape[-1]
    first = routing_graph(graph, n_tasks, n_adapters, seed=seed)
    presets = {
        "one adapter per task": torch.eye(n_tasks),
        "literal article: all for all": torch.ones(n_tasks, n_tasks),
        "two groups": routing_graph("grouped", n_tasks, min(2, n_tasks)),
        "random, two each": routing_graph(
            "random", n_tasks, n_tasks, per_task=min(2, n_tasks), seed=seed
        ),
        "no adapter: full sharing": torch.zeros(n_tasks, 0),
    }
    if not any(g.shape == first.shape and torch.equal(g, first) for g in presets.values()):
        presets = {"yours": first, **presets}
    begin = next(
        i
        for i, g in enumerate(presets.values())
        if g.shape == first.shape and torch.equal(g, first)
    )
    at = int(np.abs(np.log(STRENGTHS / lam)).argmin()) if lam > 0 else 0
    with one_thread():
        found = [solver.accuracy(g, STRENGTHS[at]) for g in presets.values()]
    arrays = solver.sentences()
    arrays["graphs"] = np.zeros((len(presets), n_tasks, max(g.shape[1] for g in presets.values())))
    for i, g in enumerate(presets.values()):
        arrays["graphs"][i, :, : g.shape[1]] = g
    if data is None:
        made = f"train, val, test = rt.widgets.toy_parts({relatedness=}, {n_per_task=}, {seed=})"
    else:
        made = "train, val, test = rt.split_frame(frame)  # your data"
    spec = {
        "title": "Which adapters serve which task?",
        "about": ("Connect tasks and adapters, or part them. The model is solved anew each time."),
        "tasks": names,
        "colors": plots.CYCLE[0][:6],
        "presets": list(presets),
        "begin": at,
        "widths": [g.shape[1] for g in presets.values()],
        "lams": STRENGTHS.tolist(),
        "lam_shared": lam_shared,
        "size": [solver.tensors.n_features, solver.tensors.n_classes],
        "most": solver.most,
        "n_test": len(solver.parts["test"]),
        "start": {"preset": begin, "lam_at": at, "graph": first.tolist()},
        "code": f"import ragteach as rt\n{made}\n"
        "data = rt.MultiTaskDataset.from_frame(train)\n"
        "model = rt.RAG(data.n_features, data.n_classes, {K}, tasks=data.task_names, "
        "graph={G})\n"
        f"rt.solve(model, data, lam={{lam}}, lam_shared={lam_shared:g})\n"
        "print(rt.evaluate(model, rt.MultiTaskDataset.from_frame(test, like=data)))",
    }
    if solver.thinned:
        spec["about"] += f" Of more than {MAX_DOCS:,} sentences of a task, {MAX_DOCS:,} were drawn."
    said = "; ".join(f"{n}: {a.mean():.0%}" for n, a in zip(presets, found, strict=True))
    spec["alt"] = (
        f"Mean accuracy on {spec['n_test']} new sentences for {len(presets)} graphs between "
        f"{', '.join(names)} and their adapters, at lambda = {STRENGTHS[at]:.2g}. {said}."
    )
    measure = partial(measures, solver)
    return show("graphs", arrays, spec, twin(found, spec, presets), goal, measure)


def measures(solver: "GraphSolver", state: State) -> dict[str, float]:
    """The numbers that a goal compares, of a state's graph at its lambda."""
    n_tasks = len(state["graph"])
    graph = torch.tensor(state["graph"], dtype=torch.float32).reshape(n_tasks, -1)
    lam = float(STRENGTHS[state["lam_at"]])
    with one_thread():
        path = solver.path(graph, lam)
        accuracy = path.accuracy(solver.test)[:, 0].numpy()
        validation = path.accuracy(solver.parts["val"].stacked())[:, 0].numpy()
    n_features = solver.tensors.n_features
    n_classes = solver.tensors.n_classes
    kind = kinds(path.task_weights()[:, 0])
    names = map(word_for, solver.tensors.task_names)
    return {
        "accuracy": float(accuracy.mean()),
        "worst": float(accuracy.min()),
        "validation": float(validation.mean()),
        "lam": lam,
        "adapters": graph.shape[1],
        "edges": int((graph != 0).sum()),
        "kinds": 1 + max(kind),
        **{f"kind_{name}": k for name, k in zip(names, kind, strict=True)},
        "weights": (1 + graph.shape[1]) * n_features * n_classes + n_tasks * n_classes,
    }


def kinds(weights: Tensor, apart: float = 0.02) -> list[int]:
    """Which W each task has, numbered as they come: [0, 1, 0] if the third task's is the first's.

    Alike if they differ by less than 2 % of their length. weights: (n_tasks, n_classes,
    n_features); softmax's common shift is taken out.
    """
    flat = (weights - weights.mean(1, keepdim=True)).flatten(1)
    different: list[Tensor] = []
    kind: list[int] = []
    for one in flat:
        size = [max(one.norm(), other.norm()).clamp(min=1e-300) for other in different]
        far = [(one - other).norm() >= apart * s for other, s in zip(different, size, strict=True)]
        if all(far):
            different.append(one)
        kind.append(len(far) if all(far) else far.index(False))
    return kind


def by_task(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each task."""
    return [rows for _, rows in frame.groupby("task", sort=False)]


def thin(frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """At most ``MAX_DOCS`` rows of each task, drawn at random; what the frame knows of itself
    stays.
    """
    parts = [rows.sample(min(len(rows), MAX_DOCS), random_state=seed) for rows in by_task(frame)]
    thinned = pd.concat(parts).sort_index().reset_index(drop=True)
    thinned.attrs.update(frame.attrs)
    return thinned


def sentences(data: MultiTaskDataset, name: str) -> Arrays:
    """Arrays for the page: documents of all tasks, one task after the other.

    ``{name}_sizes`` (n_tasks,), ``{name}_y`` (n_docs,), ``{name}_words`` (n_docs,): how many words
    a document has, ``{name}_word`` and ``{name}_count``: which, and their tf-idf.
    """
    order = torch.argsort(data.task, stable=True)
    x = csr_matrix(data.x)[data.doc[order].numpy()]  # (n_docs, n_features)
    x.sort_indices()
    return {
        f"{name}_sizes": data.sizes,
        f"{name}_y": data.y[order],
        f"{name}_words": np.diff(x.indptr),
        f"{name}_word": x.indices,
        f"{name}_count": x.data,
    }


class GraphSolver:
    """The sentences, ready for the page (`sentences`) and for the static figure (`accuracy`)."""

    def __init__(
        self, train: pd.DataFrame, val: pd.DataFrame, test: pd.DataFrame, lam_shared: float
    ) -> None:
        self.thinned = (
            max(len(rows) for part in (train, val, test) for rows in by_task(part)) > MAX_DOCS
        )
        train, val, test = (thin(part) for part in (train, val, test))
        data = MultiTaskDataset.from_frame(train, class_names=train.attrs["label_names"])
        if data.n_tasks > MAX_TASKS or data.n_features > MAX_FEATURES:
            raise refuse(
                expected=f"at most {MAX_TASKS} tasks and {MAX_FEATURES} words",
                got=f"{data.n_tasks} tasks and {data.n_features} words",
                fix="choose fewer tasks, for example the largest: frame[frame['task'].isin("
                f"frame['task'].value_counts().index[:{MAX_TASKS}])]; or a smaller sample of the "
                "sentences",
            )
        self.lam_shared = lam_shared
        self.most = data.n_tasks + 1
        self.parts = {
            "train": data,
            "val": MultiTaskDataset.from_frame(val, like=data),
            "test": MultiTaskDataset.from_frame(test, like=data),
        }
        self.tensors = data.stacked(dtype=torch.float64)
        self.test = self.parts["test"].stacked()

    def sentences(self) -> Arrays:
        """Arrays for the page, part by part (see `sentences`)."""
        parts = [sentences(data, name) for name, data in self.parts.items()]
        return {name: values for part in parts for name, values in part.items()}

    def accuracy(self, graph: Tensor, lam: float) -> np.ndarray:
        """Share of test sentences that each task reads correctly at the optimum, (n_tasks,)."""
        return self.path(graph, lam).accuracy(self.test)[:, 0].numpy()

    def path(self, graph: Tensor, lam: float) -> Replicas:
        """The optimum of a graph, as a path of one lambda."""
        size = (self.tensors.n_features, self.tensors.n_classes, graph.shape[1])
        model = RAG(*size, tasks=self.tensors.task_names, graph=graph, init="zero")
        return solve_path(model, self.tensors, [lam], self.lam_shared, tol=1e-4)


def twin(found: list[np.ndarray], spec: Spec, presets: dict[str, Tensor]) -> Figure:
    """The static figure: every preset as a graph, with its accuracy."""
    figure = Figure(figsize=(2.6 * len(presets), 2.9), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(presets)))
    n_features, n_classes = spec["size"]
    for ax, (name, graph), accuracy in zip(axes, presets.items(), found, strict=True):
        drawn: Any = SimpleNamespace(graph=graph, task_names=spec["tasks"])
        plots.routing(drawn, ax)
        weights = (1 + graph.shape[1]) * n_features * n_classes
        ax.set_title(f"{name}\n{accuracy.mean():.0%} right, {weights:,} weights", fontsize=9)
    lam = STRENGTHS[spec["start"]["lam_at"]]
    figure.supxlabel(f"one draw, and one λ ({lam:.2g}) for all graphs: no ranking", fontsize=9)
    return figure
