"""Graph editor: connect tasks and adapters by hand, and see what the model becomes.

Enters: sentences of several tasks.  Leaves: the optimum of the graph that is on the page.

    W_t = W_s + sum_k G[t,k] A_k        J = sum_t CE_t + lam_s/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2

The presets are solved in advance for every lambda, and are there without a kernel.  Any other graph
is
solved when it is drawn: at the lambda on the page first, then at all of them, so that lambda
follows the hand again.  The page shows only what belongs to the graph on it.
"""

from types import SimpleNamespace

import numpy as np
import torch
from matplotlib.figure import Figure

from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve_path
from ragteach.errors import at_least, refuse
from ragteach.graph import routing_graph
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.widgets.base import one_thread, show
from ragteach.widgets.sharing import three_parts

MAX_TASKS, MAX_FEATURES = 8, 20_000
STRENGTHS = np.logspace(-5, 0, 26)


def graph_editor(
    data=None,
    graph="one_per_task",
    lam=0.001,
    lam_shared=0.001,
    relatedness=0.5,
    n_per_task=60,
    seed=0,
):
    """Click a line between a task and an adapter; equation, parameters and accuracy follow.

    Args:
        data: None for toy sentences; a frame, a path, a dataset, or three of them (train, val,
            test). At most eight tasks.
        graph: where to begin: a name of `routing_graph` or a matrix (n_tasks, n_adapters).
        lam, lam_shared: the penalties; ``lam`` is a slider.
        relatedness, n_per_task, seed: of the toy sentences.

    Returns:
        The explorer; ``w.state["graph"]`` is the graph on the page.

    Raises:
        RagteachError: too many tasks, a graph of another shape.

    Reference: lesson 02; Ponti et al. (2022) for graphs over skills.

    Example:
        >>> w = graph_editor(n_per_task=20)  # doctest: +SKIP
    """
    at_least("lam", lam), at_least("lam_shared", lam_shared)
    train, val, test = three_parts(data, relatedness=relatedness, n_per_task=n_per_task, seed=seed)
    solver = GraphSolver(train, val, test, lam_shared)
    names, n_tasks = solver.tensors.task_names, solver.tensors.n_tasks
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
        results = [solver.solve(g, STRENGTHS) for g in presets.values()]
    arrays = {key: np.stack([r[key] for r in results]) for key in results[0]}
    arrays["graphs"] = np.zeros((len(presets), n_tasks, max(g.shape[1] for g in presets.values())))
    for i, g in enumerate(presets.values()):
        arrays["graphs"][i, :, : g.shape[1]] = g
    spec = {
        "title": "Which adapters serve which task?",
        "about": "Click a cell, or a line, to connect or disconnect. The model is solved anew each time.",
        "tasks": names,
        "colors": plots.CYCLE[0][:6],
        "presets": list(presets),
        "begin": at,
        "widths": [g.shape[1] for g in presets.values()],
        "lams": STRENGTHS.tolist(),
        "lam_shared": lam_shared,
        "size": [solver.tensors.n_features, solver.tensors.n_classes],
        "most": solver.most,
        "n_test": len(test),
        "start": {"preset": begin, "lam_at": at, "graph": first.tolist()},
        "code": "import ragteach as rt\ndata = rt.MultiTaskDataset.from_frame(train)\n"
        "model = rt.RAG(data.n_features, "
        "data.n_classes, {K}, tasks=data.task_names, graph={G})\n"
        f"rt.solve(model, data, lam={{lam}}, lam_shared={lam_shared:g})\nrt.evaluate(model, test_data)",
    }
    said = "; ".join(
        f"{n}: {a[at].mean():.0%}" for n, a in zip(presets, arrays["accuracy"], strict=True)
    )
    spec["alt"] = (
        f"Mean accuracy on {len(test)} new sentences for {len(presets)} graphs between {', '.join(names)} "
        f"and their "
        f"adapters, at lambda = {STRENGTHS[at]:.2g}. {said}."
    )

    return show("graphs", arrays, spec, twin(arrays, spec, presets), solver.answer)


class GraphSolver:
    """The sentences, ready; ``solve(graph, lams)`` gives the accuracies at that graph's optima.

    It holds nothing but numbers, so that it can go to another process.
    """

    def __init__(self, train, val, test, lam_shared):
        data = MultiTaskDataset.from_frame(train, class_names=train.attrs["label_names"])
        if data.n_tasks > MAX_TASKS or data.n_features > MAX_FEATURES:
            raise refuse(
                expected=f"at most {MAX_TASKS} tasks and {MAX_FEATURES} words",
                got=f"{data.n_tasks} tasks and {data.n_features} words",
                fix="choose fewer tasks, or a smaller sample of the sentences",
            )
        self.lam_shared, self.most = lam_shared, data.n_tasks + 1
        self.tensors, self.train = data.stacked(dtype=torch.float64), data.stacked()
        self.tests = [
            MultiTaskDataset.from_frame(part, like=data).stacked() for part in (val, test)
        ]

    def solve(self, graph, lams):
        """Arrays with a row for every lambda: accuracy, validation, loss."""
        size = (self.tensors.n_features, self.tensors.n_classes, graph.shape[1])
        model = RAG(*size, tasks=self.tensors.task_names, graph=graph, init="zero")
        path = solve_path(model, self.tensors, list(lams), self.lam_shared, tol=1e-3, max_iter=300)
        val, test = (path.accuracy(t).T for t in self.tests)  # (n_lams, n_tasks)
        loss = path.losses(self.train).sum(0)
        return {
            "accuracy": test.numpy(),
            "validation": val.numpy(),
            "loss": loss.unsqueeze(1).numpy(),
        }

    def answer(self, want):
        """What the page asks for: ``graph``, and ``lams`` (one, or all)."""
        graph = torch.as_tensor(np.asarray(want.get("graph"), dtype=np.float32))
        if graph.ndim != 2 or len(graph) != self.tensors.n_tasks or graph.shape[1] > self.most:
            raise refuse(
                expected=f"{self.tensors.n_tasks} rows of at most {self.most} numbers",
                got=f"shape {tuple(graph.shape)}",
                fix="press Reset",
            )
        return self.solve(graph, want["lams"]), {
            "key": want.get("key"),
            "all": len(want["lams"]) > 1,
        }


def twin(arrays, spec, presets):
    """The static figure: every preset as a graph, with its accuracy."""
    figure = Figure(figsize=(2.6 * len(presets), 2.9), layout="constrained")
    for i, (ax, (name, graph)) in enumerate(
        zip(np.atleast_1d(figure.subplots(1, len(presets))), presets.items(), strict=True)
    ):
        plots.routing(SimpleNamespace(graph=graph, task_names=spec["tasks"]), ax)
        mean, parts = (
            arrays["accuracy"][i, spec["begin"]].mean(),
            (1 + graph.shape[1]) * spec["size"][0] * spec["size"][1],
        )
        ax.set_title(f"{name}\n{mean:.0%} right, {parts:,} weights", fontsize=9)
    return figure
