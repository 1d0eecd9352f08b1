"""Pictures: axes functions that draw what other modules computed.

Enters: tables and trajectories.  Leaves: a matplotlib Axes. Every function takes ``ax=None`` and
returns the ``ax``; nothing is computed here that a table could not have held. `show` puts a figure
into a notebook together with its description in words.

Colours, markers and line styles are those of `looks`.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from ragteach.data.survey.look_views import counted
from ragteach.engine.replicas import Replicas
from ragteach.errors import one_of, refuse, shown
from ragteach.ground.arguments import yes_no
from ragteach.model import RAG
from ragteach.runs import History
from ragteach.study import looks
from ragteach.study.crowds import draw_others, stand_out
from ragteach.study.fonts import readable
from ragteach.study.strategies import REGISTRY, STRATEGIES
from ragteach.study.tables import INTERVALS, RESPLIT
from ragteach.study.trajectories import Trajectory
from ragteach.tensors import TaskTensors

BLUE = looks.BLUE
ORANGE = looks.ORANGE
GREEN = looks.GREEN
PINK = looks.PINK
SKY = looks.SKY
YELLOW = looks.YELLOW
VERMILION = looks.VERMILION
OTHER = looks.OTHER
CYCLE = looks.CYCLE
THREE = {name: REGISTRY[name].look for name in STRATEGIES}
PALETTE = {name: look.colour for name, look in THREE.items()}
MARKERS = {name: look.marker for name, look in THREE.items()}
STYLES = {name: look.dash for name, look in THREE.items()}
LONGEST_NAME = 48  # letters
MOST_NODES = 30  # tasks or adapters of a graph that is drawn with lines
MOST_COLUMNS = 14  # parts in a heat map of words
FORMULA = "formula"  # marks a text whose $ are ours, not those of a name
SHARED = (looks.SHARED,)  # the part that is always shown
LETTERS = {name: look.letter for name, look in THREE.items()}
SCHEDULES = looks.SCHEDULES


def show(fig: Figure | Axes, alt: str) -> None:
    """Display ``fig`` in a notebook, its description under it: for screen readers, print, and all
    who read.

    Args:
        fig: a matplotlib figure (or an Axes). It is closed afterwards.
        alt: what the picture shows, in one to three sentences (at least 20 letters).
    """
    from IPython.display import HTML, display

    if not isinstance(alt, str) or len(alt.strip()) < 20:
        raise refuse(
            expected="alt text of at least 20 letters",
            got=repr(alt),
            fix="say in a sentence what one sees",
        )
    figure: Any = getattr(fig, "figure", fig)
    readable(figure)
    image = io.BytesIO()
    bare = {"Software": None}
    figure.savefig(image, format="png", dpi=figure.dpi, bbox_inches="tight", metadata=bare)
    plt.close(figure)
    data = {"image/png": base64.b64encode(image.getvalue()).decode(), "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})
    words = alt.replace("&", "&amp;").replace("<", "&lt;")
    display(HTML(f"<details><summary>The figure in words</summary>{words}</details>"))


def comparison(table: pd.DataFrame, ax: Axes | None = None, metric: str = "accuracy") -> Axes:
    """Mean and 95 % interval of each strategy, best on top (from `compare.summary`, one
    n_per_task).
    """
    _check_table(table, ("strategy", "mean", "low", "high", "n_per_task"), "summary(compare(...))")
    ax = _axes(ax, (7, 0.45 * len(table) + 1.2))
    _one_size(table)
    rows = table.iloc[::-1].reset_index(drop=True)
    for i, (_, row) in enumerate(rows.iterrows()):
        colour = PALETTE.get(row["strategy"], OTHER)
        marker = MARKERS.get(row["strategy"], "x")
        half = _half(row, "mean")
        ax.errorbar(row["mean"], i, xerr=half, fmt=marker, color=colour, ms=8, capsize=4, lw=2)
        ax.annotate(
            f"{row['mean']:.3f}", (row["mean"], i), (0, 7), textcoords="offset points", ha="center"
        )
    ax.set_yticks(range(len(rows)), [_wrapped(s) for s in rows["strategy"]])
    ax.set(
        ylim=(-0.6, len(rows) - 0.2),
        xlabel=f"test {metric.replace('_', ' ')} (mean and {_interval(table)})",
    )
    ax.grid(axis="x", alpha=0.3)
    return clean(ax)


def draws(scores: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """One score a draw: a line for each strategy (the columns), a place for each seed (the
    rows).
    """
    ax = _axes(ax, (6, 3.6))
    for i, strategy in enumerate(scores.columns):
        colour, marker, style = look_of(strategy, i)
        ax.plot(
            scores.index,
            scores[strategy],
            ls=style,
            marker=marker,
            color=colour,
            label=plain(strategy),
        )
    ax.set(xlabel="seed", ylabel="test accuracy", xticks=list(scores.index))
    ax.legend(frameon=False)
    return clean(ax)


def differences(table: pd.DataFrame, ax: Axes | None = None, reference: str = "RAG") -> Axes:
    """Paired differences and their 95 % intervals (from `compare.paired`). Accuracy: right of 0 the
    reference wins.
    """
    needed = ("strategy", "difference", "low", "high", "verdict", "n_per_task")
    _check_table(table, needed, "paired(compare(...))")
    ax = _axes(ax, (7, 0.45 * len(table) + 1.2))
    _one_size(table)
    marks = {"better": ("o", BLUE), "worse": ("X", VERMILION)}
    for i, (_, row) in enumerate(table.iloc[::-1].iterrows()):
        marker, colour = marks.get(row["verdict"], ("D", OTHER))
        half = _half(row, "difference")
        ax.errorbar(
            row["difference"], i, xerr=half, fmt=marker, color=colour, ms=7, capsize=4, lw=2
        )
        left = row["verdict"] == "worse"  # the word stands on its own side of 0
        end = row["low"] if left else row["high"]
        end = row["difference"] if np.isnan(end) else end
        side, place = ("right", (-8, 0)) if left else ("left", (8, 0))
        ax.annotate(
            row["verdict"],
            (end, i),
            place,
            textcoords="offset points",
            va="center",
            ha=side,
            size=9,
        )
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks(
        range(len(table)), [_wrapped(f"{reference} - {s}") for s in table["strategy"].iloc[::-1]]
    )
    ax.set(
        ylim=(-0.6, len(table) - 0.4),
        xlabel=f"difference in score, seed by seed ({_interval(table)})",
    )
    ax.margins(x=0.25)
    return clean(ax)


def learning_curves(table: pd.DataFrame, ax: Axes | None = None, metric: str = "accuracy") -> Axes:
    """Score against sentences per task, one line a strategy with its 95 % band (from
    `compare.summary`).
    """
    _check_table(table, ("strategy", "mean", "low", "high", "n_per_task"), "summary(compare(...))")
    ax = _axes(ax, (7, 4))
    lines = _parts(table.sort_values("n_per_task"), "strategy")
    for i, (strategy, rows) in enumerate(lines.items()):
        colour, marker, style = look_of(strategy, i)
        ax.plot(
            rows["n_per_task"],
            rows["mean"],
            ls=style,
            marker=marker,
            color=colour,
            label=plain(strategy),
        )
        ax.fill_between(
            rows["n_per_task"], rows["low"], rows["high"], color=colour, alpha=0.15, lw=0
        )
    ax.set_xscale("log")
    sizes = sorted(table["n_per_task"].unique())
    ax.set_xticks(sizes, [str(n) for n in sizes])
    ax.minorticks_off()
    ax.set(xlabel="training sentences per task", ylabel=f"test {metric.replace('_', ' ')}")
    ax.legend(frameon=False)
    return clean(ax)


def who_wins(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Map of the winner over relatedness x sentences per task (from `compare.winners`): its name
    and lead in each cell.

    A cell has its winner's colour, and a star, where the 95 % interval of the lead lies above 0.
    Any other lead may be luck: it is grey, in brackets; one that rounds to 0.000 is a tie.
    """
    needed = ("relatedness", "n_per_task", "winner", "margin", "clear")
    _check_table(table, needed, "winners(who_wins_map(...))")
    names = list(PALETTE)
    for winner in table["winner"]:
        one_of("winner", winner, names)
    cells = [
        _lead(winner, margin, clear)
        for winner, margin, clear in zip(
            table["winner"], table["margin"], table["clear"], strict=True
        )
    ]
    code = [names.index(w) for w in table["winner"]]
    table = table.assign(code=np.where(table["clear"], code, len(names)), text=cells)
    codes, text = (
        table.pivot(index="relatedness", columns="n_per_task", values=v).sort_index(ascending=False)
        for v in ("code", "text")
    )
    ax = _axes(ax, (1.35 * codes.shape[1] + 1.5, 0.75 * codes.shape[0] + 1.5))
    pale = ListedColormap(["#9FCBE6", "#F3B98F", "#A6DCCB", "#E4E4E4"])  # PALETTE, light; grey
    _heat(ax, codes, text.fillna(""), pale, 0, len(names), 9)
    ax.set(xlabel="training sentences per task", ylabel="relatedness of the tasks")
    ax.set_title("who wins, and by how much (* = clear at 95 %, grey = may be luck)", size=11)
    return ax


def _lead(winner: str, margin: float, clear: bool) -> str:
    """What a cell of the map says."""
    if clear:
        return f"{winner}\n{margin:+.3f}*"
    if abs(margin) < 0.0005:
        return "tie"
    return f"({winner}\n{margin:+.3f})"


def routing(model: RAG | Tensor, ax: Axes | None = None) -> Axes:
    """The graph: tasks left, W_s and the adapters right, a line for every route (its width is the
    weight, dashed if below 0). Every task uses W_s: grey lines; where it is frozen at 0
    (independent models) it has none. An inactive adapter has a dotted box.
    """
    graph = torch.as_tensor(getattr(model, "graph", model))
    tasks = getattr(model, "task_names", [f"task{t + 1}" for t in range(len(graph))])
    adapters = getattr(model, "adapter_names", [f"A{k + 1}" for k in range(graph.shape[1])])
    if max(graph.shape) > MOST_NODES:
        return _graph_as_table(graph, tasks, adapters, ax)
    active = getattr(model, "active", dict.fromkeys(adapters, True))
    ax = _axes(ax, (5.5, 0.55 * max(len(tasks), len(adapters) + 1) + 1.2))
    left = np.linspace(1, 0, len(tasks) + 2)[1:-1]
    right = np.linspace(1, 0, len(adapters) + 2)[1:-1]
    _draw_shared(ax, 1.0 if adapters else 0.5, left, _uses_shared(model))  # above the adapters
    top = max(float(abs(graph).max()) if graph.numel() else 1.0, 1e-12)
    for t, row in enumerate(graph.tolist()):
        for k, g in enumerate(row):
            if g:
                style = "-" if g > 0 else "--"
                ax.plot(
                    [0, 1],
                    [left[t], right[k]],
                    style,
                    color=BLUE,
                    lw=0.5 + 2.5 * abs(g) / top,
                    zorder=1,
                )
                if g != 1:
                    y = 0.75 * left[t] + 0.25 * right[k]  # near its task, where lines lie apart
                    ax.text(
                        0.25,
                        y,
                        f"{g:g}",
                        size=9,
                        ha="center",
                        va="center",
                        zorder=2,
                        bbox={"pad": 1, "fc": "white", "ec": "none"},
                    )
    for x, ys, names, box in ((0, left, tasks, "round"), (1, right, adapters, "square")):
        for y, name in zip(ys, names, strict=True):
            frame = {"boxstyle": f"{box},pad=0.35", "fc": "white", "ec": "black"}
            frame["ls"] = "-" if x == 0 or active[name] else ":"
            side = "right" if x == 0 else "left"
            ax.text(x, y, plain(name), ha=side, va="center", zorder=3, size=11, bbox=frame)
    ax.text(0, 1.14, "tasks", ha="right", style="italic")
    ax.text(1, 1.14, "adapters" if adapters else "no adapters", ha="left", style="italic")
    inches = ax.get_window_extent().width / ax.figure.dpi
    # for the names
    room = [0.3 + 0.09 * max([len(n) for n in names] + [11]) for names in (tasks, adapters)]
    unit = max(inches - sum(room), 0.25 * inches)
    ax.set(xlim=(-room[0] / unit, 1 + room[1] / unit), ylim=(0, 1.22))
    ax.axis("off")
    readable(ax)
    return ax


def _uses_shared(model: RAG | Tensor) -> bool:
    """Not so if W_s is frozen at 0. A bare graph is one beside W_s."""
    shared = getattr(model, "shared", None)
    return shared is None or shared.requires_grad or bool(shared.count_nonzero())


def _draw_shared(ax: Axes, place: float, tasks: Any, used: bool) -> None:
    """W_s at its place on the right, and a grey line from every task that uses it."""
    frame = {
        "boxstyle": "round,pad=0.35",
        "fc": "#EEEEEE",
        "ec": "black",
        "ls": "-" if used else ":",
    }
    for task in tasks if used else ():
        ax.plot([0, 1], [task, place], color="#999999", lw=1.2, zorder=0)
    text = "$W_s$" if used else "$W_s = 0$"
    name = ax.text(1, place, text, ha="left", va="center", zorder=3, size=11, bbox=frame)
    name.set_gid(FORMULA)


def norms(trajectory: Trajectory, ax: Axes | None = None, tasks: bool = False) -> Axes:
    """Length of W_s and of every adapter, step by step (``tasks=True``: of every W_t too)."""
    _check_trajectory(trajectory)
    yes_no("tasks", tasks)
    table = trajectory.norms()
    if not tasks:
        table = table[~table["part"].str.startswith("W[")]
    return _lines(table, "norm", "length of the weights", ax)


def angles(trajectory: Trajectory, ax: Axes | None = None) -> Axes:
    """Angle between every adapter and the shared weights; 90 degrees is "unrelated"."""
    _check_trajectory(trajectory)
    ax = _lines(trajectory.angles(), "angle", "angle to the shared weights (degrees)", ax)
    ax.axhline(90, color="black", lw=0.8, ls=":")
    return ax


def plane(
    trajectory: Trajectory,
    ax: Axes | None = None,
    words: Sequence[str] | None = None,
    tasks: bool = False,
) -> Axes:
    """Paths of W_s and the adapters in a plane: two words' scores, or two principal components."""
    _check_trajectory(trajectory)
    yes_no("tasks", tasks)
    table = trajectory.project(words)
    axes = table.attrs["axes"]
    beside = _beside(ax)
    if not tasks:
        table = table[~table["part"].str.startswith("W[")]
    ax = _axes(ax, (5.5, 4.5))
    paths = _parts(table, "part")
    shown = stand_out({part: path[["x", "y"]].to_numpy() for part, path in paths.items()}, SHARED)
    draw_others(ax, {p: (f["x"], f["y"]) for p, f in paths.items() if p not in shown}, band=False)
    for part, form in _of_parts(shown).items():
        path = paths[part]
        ax.plot(path["x"], path["y"], label=plain(part), **form | {"marker": ""})
        ax.plot(path["x"].iloc[0], path["y"].iloc[0], ms=5, **form)
        ax.plot(path["x"].iloc[-1], path["y"].iloc[-1], ms=10, mfc="none", mew=2, **form)
    ax.set(xlabel=plain(axes[0]), ylabel=plain(axes[1]))
    crowded = len(paths) > len(shown)
    ax.legend(frameon=False, title="small: start, large: end", **(beside if crowded else {}))
    return clean(ax)


def conflict(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Cosine between tasks' gradients in W_s (`Trajectory.gradient_cosines`). Below 0 they pull
    apart. A pair has the line of its first task, and the markers of its second.
    """
    needed = ("task_a", "task_b", "cosine")
    _check_table(table, needed, "trajectory.gradient_cosines(tensors)")
    table = table.assign(part=table["task_a"] + " & " + table["task_b"])
    names = pd.unique(table[["task_a", "task_b"]].to_numpy().ravel())
    tasks = _of_parts(names)
    pairs = {
        part: tasks[a] | {"marker": tasks[b]["marker"], "mfc": tasks[b]["color"], "mec": "none"}
        for part, a, b in table[["part", "task_a", "task_b"]].drop_duplicates().to_numpy()
    }
    ax = _lines(table, "cosine", "cosine of the tasks' gradients in W_s", ax, pairs)
    ax.axhline(0, color="black", lw=0.8)
    return ax


def words(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Which part holds which word: heat map of `Trajectory.word_table`. Above 0: for the last
    class. Of many parts, those with the largest weights are drawn.
    """
    _check_table(table, (), "trajectory.word_table(...)")
    n_parts = table.shape[1]
    if n_parts > MOST_COLUMNS:
        largest = table.abs().max().drop(labels=SHARED, errors="ignore").nlargest(MOST_COLUMNS - 1)
        table = table[[part for part in table.columns if part in SHARED or part in largest.index]]
    ax = _axes(ax, (0.95 * table.shape[1] + 2, 0.36 * len(table) + 1.3))
    # the ends of the colours are dark: stay off them
    top = 1.25 * float(np.abs(table.to_numpy()).max()) or 1.0
    _heat(ax, table, table.map("{:+z.2f}".format), "PuOr", -top, top, 10)
    ax.tick_params(axis="x", rotation=25)
    if n_parts > table.shape[1]:
        ax.set_xlabel(f"{table.shape[1]} of {n_parts} parts: those with the largest weights")
    return ax


def losses(
    histories: Mapping[str, History],
    ax: Axes | None = None,
    reference: float | None = None,
    column: str = "loss",
) -> Axes:
    """J (or another column of the records) per epoch of one or several `fit` histories."""
    if not isinstance(histories, dict) or not all(hasattr(h, "frame") for h in histories.values()):
        raise refuse(
            expected="histories: a dict of names and what fit returned",
            got=f"histories = {type(histories).__name__} {shown(histories, 60)}",
            fix='plots.losses({"joint": fit(model, data)})',
        )
    ax = _axes(ax, (7, 3.6))
    for i, (name, history) in enumerate(histories.items()):
        frame = history.frame()
        colour, marker, style = look_of(name, i)
        ax.plot(
            frame["epoch"],
            frame[column],
            ls=style,
            color=colour,
            lw=2,
            label=plain(name),
            marker=marker,
            markevery=max(1, len(frame) // 6),
            ms=5,
        )
    if reference is not None:
        ax.axhline(reference, color="black", lw=1, ls=(0, (1, 3)), label="optimum")
    ax.set(xlabel="epoch", ylabel={"loss": "objective J"}.get(column, column.replace("_", " ")))
    ax.legend(frameon=False)
    return clean(ax)


def lambda_path(
    replicas: Replicas, tensors: TaskTensors, ax: Axes | None = None, chosen: float | None = None
) -> Axes:
    """Accuracy per task along lambda (from `solve_path`): left, independent; right, full
    sharing. Of many tasks, those that lambda changes most have a colour each, the others are grey.
    """
    beside = _beside(ax)
    ax = _axes(ax, (7, 3.8))
    order = replicas.lam.argsort()
    lam = replicas.lam[order].numpy()
    accuracy = replicas.accuracy(tensors)[:, order].numpy()
    tasks = dict(zip(tensors.task_names, accuracy, strict=True))
    shown = stand_out(tasks)
    draw_others(ax, {name: (lam, tasks[name]) for name in tasks if name not in shown})
    for i, name in enumerate(shown):
        colour, marker, style = look_of(name, i)
        ax.plot(lam, tasks[name], ls=style, marker=marker, ms=4, color=colour, label=plain(name))
    ax.plot(lam, accuracy.mean(0), color="black", lw=2.5, label="mean")
    if chosen is not None:
        ax.axvline(chosen, color="black", ls=":", lw=1)
        ax.annotate(
            "chosen on validation",
            (chosen, 0),
            (4, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            size=9,
        )
    ax.set_xscale("log")
    ax.set(xlabel=r"$\lambda$   (left: independent, right: full sharing)", ylabel="accuracy")
    ax.legend(frameon=False, **(beside if len(tasks) > len(shown) else {"ncols": 2}))
    return clean(ax)


def _parts(table: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """The rows of each name in a column, in the order in which the names come."""
    return {str(name): rows for name, rows in table.groupby(column, sort=False)}


def _of_parts(parts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How each part, or task, is drawn, as matplotlib wants it: adapters count, W_s does not."""
    adapters = [part for part in parts if part not in SHARED]
    forms = {}
    for part in parts:
        place = -1 if part in SHARED else adapters.index(part)
        look, width = looks.look_of_part(part, place)
        forms[part] = {"color": look.colour, "marker": look.marker, "ls": look.dash, "lw": width}
    return forms


def _half(row: pd.Series, middle: str) -> list[list[float]] | None:
    """How far the interval of a row reaches to either side; None where there is none."""
    if np.isnan(row["low"]):
        return None
    return [[row[middle] - row["low"]], [row["high"] - row[middle]]]


def _beside(ax: Axes | None) -> dict[str, Any]:
    """Where a legend stands: beside a picture of its own, inside one that was given."""
    return {"loc": "upper left", "bbox_to_anchor": (1, 1)} if ax is None else {}


def _lines(
    table: pd.DataFrame,
    value: str,
    label: str,
    ax: Axes | None,
    forms: Mapping[str, dict[str, Any]] | None = None,
) -> Axes:
    beside = _beside(ax)
    ax = _axes(ax, (6.5, 3.6))
    paths = _parts(table, "part")
    shown = stand_out({part: path[value].to_numpy() for part, path in paths.items()}, SHARED)
    draw_others(ax, {p: (f["step"], f[value]) for p, f in paths.items() if p not in shown})
    forms = forms or _of_parts(shown)
    for part in shown:
        path = paths[part]
        every = max(1, len(path) // 6)
        form = forms[part] | {"markevery": every, "ms": 5, "label": plain(part)}
        ax.plot(path["step"], path[value], **form)
    ax.set(xlabel="step", ylabel=label)
    if ax.lines:  # a model without adapters has no angles
        ax.legend(frameon=False, fontsize=9, **beside)
    return clean(ax)


def _graph_as_table(
    graph: Tensor, tasks: Sequence[str], adapters: Sequence[str], ax: Axes | None
) -> Axes:
    """A large graph as cells: a row a task, a column an adapter, dark where a route is."""
    ax = _axes(ax, (6, 6 * min(1.5, max(0.4, len(graph) / max(graph.shape[1], 1)))))
    top = max(float(graph.abs().max()), 1e-12)
    ax.imshow(
        graph.detach().cpu().numpy(),
        cmap="PuOr",
        vmin=-top,
        vmax=top,
        aspect="auto",
        interpolation="nearest",
    )
    for axis, names in ((ax.xaxis, adapters), (ax.yaxis, tasks)):
        places = range(0, len(names), max(1, -(-len(names) // 20)))
        axis.set_ticks(list(places), [plain(names[i]) for i in places])
    ax.tick_params(axis="x", rotation=90)
    ax.set(xlabel=counted(adapters, "adapter"), ylabel=counted(tasks, "task"))
    return clean(ax)


def look_of(name: str, i: int) -> tuple[str, str, Any]:
    """Colour, marker and line style: those of a strategy, of a schedule, or the i-th."""
    strategy = REGISTRY.get(name)
    look = SCHEDULES.get(name, looks.nth_look(i)) if strategy is None else strategy.look
    return look.colour, look.marker, look.dash


def plain(name: Any) -> str:
    """A name from the data as matplotlib text: no $ starts a formula, no _ in front hides it from
    legends.
    """
    text = str(name)
    if len(text) > LONGEST_NAME and "\n" not in text:
        text = f"{text[: LONGEST_NAME - 1]}…"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def _wrapped(name: Any) -> str:
    return plain(textwrap.fill(str(name), 36))


DARK = (
    0.18  # luminance below which white is read better than black (WCAG 2: both have 4.6 : 1 here)
)


def _heat(
    ax: Axes,
    values: pd.DataFrame,
    text: pd.DataFrame,
    colours: str | Colormap,
    low: float,
    high: float,
    size: int,
) -> None:
    """A table as coloured cells, its first row on top, with a text in each."""
    import seaborn as sns

    sns.heatmap(
        values.astype(float),
        vmin=low,
        vmax=high,
        cmap=colours,
        annot=text.to_numpy(),
        fmt="",
        ax=ax,
        cbar=False,
        linewidths=2,
        linecolor="white",
        annot_kws={"size": size},
        xticklabels=False,
        yticklabels=False,  # seaborn would draw them, in a font without letters
    )
    for text_, colour in zip(
        ax.texts, np.atleast_2d(ax.collections[0].get_facecolor()), strict=True
    ):
        dark = sns.utils.relative_luminance(colour) < DARK
        text_.set_color("white" if dark else "black")
    for axis, names in ((ax.xaxis, values.columns), (ax.yaxis, values.index)):
        axis.set_ticks(np.arange(len(names)) + 0.5, [plain(name) for name in names], rotation=0)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    readable(ax)


def _check_table(table: object, columns: tuple[str, ...], source: str) -> None:
    """Refuse anything but a table with rows and these columns."""
    missing = [name for name in columns if name not in getattr(table, "columns", ())]
    if isinstance(table, pd.DataFrame) and len(table) and not missing:
        return
    got = f"table = {type(table).__name__} {shown(table, 60)}"
    if isinstance(table, pd.DataFrame):
        got = f"a table of {len(table)} rows without {', '.join(missing) or 'any row'}"
    raise refuse(
        expected=f"table: what {source} makes",
        got=got,
        fix=f"pass the result of {source}",
    )


def _check_trajectory(trajectory: object) -> None:
    if not all(hasattr(trajectory, name) for name in ("norms", "angles", "project")):
        raise refuse(
            expected="trajectory: a Trajectory",
            got=f"trajectory = {type(trajectory).__name__} {shown(trajectory, 60)}",
            fix="recorder = Recorder(model); fit(..., callbacks=[recorder]); recorder.trajectory()",
        )


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None and not isinstance(ax, Axes):
        raise refuse(
            expected="ax: one Axes of matplotlib to draw on, or None",
            got=f"ax = {type(ax).__name__} {shown(ax, 60)}",
            fix="figure, ax = plt.subplots(); of several axes pass one: axes[0]",
        )
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def clean(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    readable(ax)
    return ax


def _interval(table: pd.DataFrame) -> str:
    """What the bars of a table are: by its column ``interval``, which says how they were made."""
    kinds = sorted(set(table.get("interval", ())))
    if kinds == [INTERVALS[RESPLIT]]:
        return "95 % interval, corrected for re-splits"
    return "95 % interval over seeds"


def _one_size(table: pd.DataFrame) -> None:
    if table["n_per_task"].nunique() > 1:
        raise refuse(
            expected="a table of one n_per_task",
            got=str(sorted(table["n_per_task"].unique().tolist())),
            fix='pick one: table[table["n_per_task"] == 200], or draw learning_curves',
        )
