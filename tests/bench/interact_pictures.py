"""The usual way to draw what the explorers draw: `interact`, an Output that is cleared, a
matplotlib figure.

The numbers are the explorers' own (computed beforehand, like theirs), so only the way to the screen
differs. The graph editor's picture is solved anew for each lambda, by the same solver.

`ask` is the other old way: what the page now computes by itself (a new graph, a new start, a
training that is watched) is asked of the kernel.
"""

import time

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display

from ragteach.study import plots
from ragteach.widgets import sharing
from ragteach.widgets.starts import spreads

LOOKS = list(zip(plots.CYCLE[0][:6], plots.CYCLE[1][:6], plots.CYCLE[2][:6], strict=True))


def arrays(explorer):
    """The arrays of an explorer, as its page reads them."""
    values = np.frombuffer(explorer.block, "<f4")
    layout = explorer.spec["layout"].items()
    return {
        name: values[at : at + int(np.prod(shape))].reshape(shape) for name, (at, shape) in layout
    }


def interact(explorer):
    """``explorer``'s picture under a slider of ipywidgets."""
    draw, top = DRAW[explorer.kind](explorer)

    def picture(at):
        draw(at)
        plt.show()

    ipywidgets.interact(picture, at=ipywidgets.IntSlider(0, 0, top, layout={"width": "90%"}))


def _sharing(w):
    given = arrays(w)

    def draw(at):  # the static twin, at this lambda
        display(sharing.twin(given, {**w.spec, "best": at}))

    return draw, len(given["lam"]) - 1


def _player(w):
    given, spec = arrays(w), w.spec
    steps, planes, norms, conflict = (given[k] for k in ("steps", "planes", "norms", "conflict"))

    def draw(at):
        runs = range(len(spec["runs"]))
        axes = plt.figure(figsize=(11, 6), layout="constrained").subplot_mosaic(
            [[*"abcd"], [*"eeff"]]
        )
        for r, ax in zip(runs, [axes[k] for k in "abcd"], strict=False):
            for p, part in enumerate(spec["parts"]):
                color, marker, style = LOOKS[p % 6]
                path = planes[0, r, :, p].T
                ax.plot(*path, color=color, alpha=0.3)
                ax.plot(*path[:, : at + 1], color=color, ls=style)
                ax.plot(*path[:, at], marker, color=color, label=part)
            ax.set_title(spec["runs"][r])
        for k, values, names in (("e", norms[0], spec["parts"]), ("f", conflict.T, spec["runs"])):
            for i, name in enumerate(names):
                axes[k].plot(
                    steps[0], values[:, i], color=LOOKS[i % 6][0], ls=LOOKS[i % 6][2], label=name
                )
            axes[k].axvline(steps[0, at], color="black")
            axes[k].legend()

    return draw, steps.shape[1] - 1


def _graphs(w):
    graph, n_lams = w.spec["start"]["graph"], len(w.spec["lams"])
    return lambda at: _solved(w, graph, w.spec["lams"][at]), n_lams - 1


def _solved(w, graph, lam):
    """A graph's picture, solved in the kernel for it."""
    spec, (solver,) = w.spec, w._measure.args
    accuracy = solver.accuracy(torch.tensor(graph, dtype=torch.float32), lam)
    left, right = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")[1]
    plots.routing(np.asarray(graph), left)
    colors = [look[0] for look in LOOKS[: len(spec["tasks"])]]
    right.barh(spec["tasks"], accuracy.flatten()[: len(spec["tasks"])], color=colors)
    right.set(xlim=(0, 1), title=f"λ = {lam:.2g}")


def _winners(w):
    given, spec = arrays(w), w.spec

    def draw(at):
        r, n = len(spec["r"]) // 2, at
        left, seeds, curves = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")[1]
        left.imshow(given["winner"], aspect="auto", origin="lower", cmap="viridis")
        left.plot(n, r, "s", mfc="none", mec="red", ms=20)
        left.set(xlabel="training sentences per task", ylabel="relatedness")
        for i, name in enumerate(spec["strategies"]):
            color, (mean, low, high) = spec["colors"][i], given["stats"][r, n, i]
            seeds.plot(
                given["values"][r, n, i], np.full(len(spec["seeds"]), i + 0.2), ".", color=color
            )
            seeds.plot([low, high], [i, i], color=color)
            seeds.plot(mean, i, LOOKS[i][1], color=color)
            curves.plot(
                spec["n"], given["stats"][r, :, i, 0], color=color, ls=LOOKS[i][2], label=name
            )
        seeds.set_yticks(range(len(spec["strategies"])), spec["strategies"])
        curves.axvline(spec["n"][n], color="black")
        curves.legend()

    return draw, len(spec["n"]) - 1


def _starts(w, scale=1.0, lr=None):
    lab, spec = w._measure.args
    lam, j = spec["lams"][spec["start"]["lam"]], spec["column"]
    options = {"lr": lr or lab.lr, "record": max(1, lab.steps[1])}
    history = lab.run("normal", scale, [lam], lab.steps[-1], **options)
    steps = [step for step, _, _ in history]
    parts = [(s, torch.tensordot(lab.graph[0], a, dims=1)) for _, s, a in history]
    paths = np.array([[(v[:, -1, j] - v[:, 0, j]).numpy() for v in pair] for pair in parts])
    apart = np.array([spreads(*pair) for pair in parts])  # (n_frames, 3)

    def draw(at):
        left, right = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")[1]
        for r in range(len(spec["seeds"])):
            path, (color, _, style) = paths[:, :, r].T, LOOKS[r % 6]
            left.plot(*path, color=color, alpha=0.3)
            left.plot(*path[:, : at + 1], color=color, ls=style)
            left.plot(*path[:, at], "o", color=color, mfc="none", ms=9)
        for i, name in enumerate(("shared weights W_s", "adapter A", "what the task uses, W")):
            right.plot(steps, apart[:, i], ls=LOOKS[i][2], label=name)
        right.axvline(steps[at], color="black")
        right.legend()

    return draw, len(steps) - 1


def _steps(w):
    given, spec = arrays(w), w.spec
    x, y = given["x"], np.eye(len(spec["classes"]))[spec["label"]]

    def draw(at):
        shared, own, bias = (given[k].copy() for k in ("shared", "adapter", "bias"))
        for _ in range(at + 1):
            z = (shared + own + given["rest"]) @ x + bias
            p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            slope = np.outer(p - y, x)
            shared, own, bias = shared - 0.5 * slope, own - 0.5 * slope, bias - 0.5 * (p - y)
        left, right = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")[1]
        left.barh(spec["classes"], p, color=plots.BLUE)
        left.set(xlim=(0, 1), title=spec["sentence"])
        right.imshow(slope, cmap="PuOr", aspect="auto")
        for c, row in enumerate(slope):
            for j, value in enumerate(row):
                right.text(j, c, f"{value:+.2f}", ha="center", va="center")
        right.set_xticks(range(len(x)), spec["words"])
        right.set_yticks(range(len(y)), spec["classes"])

    return draw, 20


DRAW = {
    "sharing": _sharing,
    "player": _player,
    "graphs": _graphs,
    "winners": _winners,
    "starts": _starts,
    "steps": _steps,
}


def ask(w):
    """The kernel is asked at every key: a new graph's lines, a new start's two sliders."""
    if w.kind == "graphs":
        graph = np.asarray(w.spec["start"]["graph"])
        places = [(t, k) for t in range(graph.shape[0]) for k in range(graph.shape[1])][:10]

        def picture(**pressed):
            now = graph.copy()
            for i, (t, k) in enumerate(places):
                now[t, k] = pressed[f"line{i}"]
            _solved(w, now.tolist(), w.spec["lams"][w.spec["start"]["lam_at"]])
            plt.show()

        lines = [
            ipywidgets.ToggleButton(bool(graph[place]), description=str(place)) for place in places
        ]
        return ipywidgets.interact(picture, **{f"line{i}": line for i, line in enumerate(lines)})
    scales, rates = w.spec["scales"], w.spec["rates"]

    def picture(scale, rate):
        draw, last = _starts(w, scales[scale], rates[rate])
        draw(last)
        plt.show()

    sliders = [ipywidgets.IntSlider(0, 0, len(values) - 1) for values in (scales, rates)]
    return ipywidgets.interact(picture, scale=sliders[0], rate=sliders[1])


def watched(n_steps=400, stride=4):
    """A training in the kernel whose curve is drawn every few steps, as the playground's."""
    import ragteach as rt

    train = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=40))
    test = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=250, seed=1000), like=train)
    tensors, out = test.stacked(), ipywidgets.Output()
    button = ipywidgets.Button(description="Play")

    def play(_):
        model = rt.RAG(train.n_features, train.n_classes, train.n_tasks, tasks=train.task_names)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        criterion, data, curve = rt.MultiTaskLoss(lam=1e-3, lam_shared=1e-3), train.stacked(), []
        until = time.time() + 20
        for step in range(n_steps):
            optimizer.zero_grad()
            criterion.stacked(model, data).backward()
            optimizer.step()
            if step % stride or time.time() > until:
                continue
            curve.append(criterion.stacked(model, tensors).item())
            with out:
                out.clear_output(wait=True)
                plt.figure(figsize=(5, 2.6))
                plt.plot(curve)
                plt.show()

    button.on_click(play)
    display(ipywidgets.VBox([button, out]).add_class("widget-interact"))
    with out:
        plt.figure(figsize=(5, 2.6))
        plt.plot([0])  # a figure without axes would be shown as a line of text
        plt.show()
