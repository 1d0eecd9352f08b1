"""Robots: a policy for several grid worlds, drawn as arrows, driven, steered by lambda.

Enters: demonstrations of several worlds, and a map of each.  Leaves: for every lambda, world and
cell the button that the policy of `solve_path` presses there, and where each button leads:

    W_t = W_s + A_t, at the optimum for each lambda        button(cell) = argmax W_t x(cell) + b_t

A policy without memory presses the same button whenever it comes to a cell. So a table of buttons
is all of it, and the page drives from any cell without computing a sight.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from ragteach.data.sources.driving import N_SEEN, distances, observations
from ragteach.data.sources.grids import BUTTONS, CONTROLS, WORLDS, Grid, make_grid
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve_path
from ragteach.errors import refuse
from ragteach.model import RAG
from ragteach.study import plots
from ragteach.study.looks import nth_look
from ragteach.study.maps import draw_grid
from ragteach.widgets.base import Arrays, Explorer, Spec, State, one_thread, show
from ragteach.widgets.goals import word_for

LAM = tuple(np.logspace(-4, 1, 11).tolist())
LAM_SHARED = 0.003
MAX_WORLDS = 6
FRESH = 50_000  # the first map of a draw that no demonstration was given on


def robot_parts() -> tuple[dict, dict]:
    """Ten demonstrations of each of the course's five worlds, and for each a map that nobody was
    shown.

    Example:
        >>> train, maps = robot_parts()
        >>> list(train) == list(maps)
        True
    """
    from ragteach.labs.robot import N_DEMOS, demonstrations

    train = {world: demonstrations(world, N_DEMOS) for world in WORLDS}
    return train, {world: make_grid(world, FRESH) for world in WORLDS}


def robot_player(
    train: Mapping[str, Any] | None = None,
    maps: Mapping[str, Grid] | None = None,
    lam: Sequence[float] = LAM,
    lam_shared: float = LAM_SHARED,
    goal: Mapping[str, str] | None = None,
) -> Explorer:
    """Drive a policy through several worlds, and steer it with lambda.

    Args:
        train: a dict world -> (sights, buttons), as `demonstrations` gives them, of up to six
            worlds.
            Default: ten demonstrations of each of the course's five worlds (simulated).
        maps: a dict world -> `Grid`: the map to drive on. Default: one that was not demonstrated.
        lam: the penalties that the slider goes through: small is nearly independent, large full
            sharing.
        lam_shared: penalty on W_s.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures: ``lam``;
            ``world`` (1, 2, ...); ``moves`` driven so far; ``arrives`` (1: from this start it
            reaches the goal) and ``expert``, the moves of a shortest way (0: none); ``share`` of
            this map's cells from which the robot arrives, of those from which there is a way;
            ``mean`` of all maps' shares, and ``share_<world>`` of each.

    Returns:
        The explorer; ``w.state["start"]`` is the cell it starts from, in reading order.

    Raises:
        RagteachError: no worlds or more than six, a world without a map, sights of another width.

    Reference: the robot lab; Pomerleau (1989) for cloning, Evgeniou & Pontil (2004) for lambda.

    Example:
        >>> w = robot_player()  # doctest: +SKIP
    """
    own = train is not None or maps is not None
    given, roads = robot_parts() if train is None or maps is None else (train, maps)
    train = given if train is None else train
    maps = roads if maps is None else maps
    _check(train, maps)
    with one_thread():
        arrays, spec = compute(train, {world: maps[world] for world in train}, lam, lam_shared)
    spec["code"] = _code(own, lam_shared)
    grids = {world: maps[world] for world in train}
    return show(
        "robots", arrays, spec, twin(arrays, spec, grids), goal, partial(measures, arrays, spec)
    )


def _code(own: bool, lam_shared: float) -> str:
    first = "train, maps = rt.widgets.robot_parts()"
    if own:
        first = "train, maps = ...  # yours: world -> (sights, buttons), world -> Grid"
    return f"""import numpy as np
import torch
import ragteach as rt
from ragteach.data.sources.driving import arrivals, distances
{first}
x, y = (np.concatenate([pair[k] for pair in train.values()]) for k in (0, 1))
tasks = [world for world, (_, buttons) in train.items() for _ in buttons]
model = rt.RAG({N_SEEN}, 4, len(train), tasks=list(train))
data = rt.MultiTaskDataset(x, y, 4, tasks=tasks)
rt.solve(model, data, lam={{lam}}, lam_shared={lam_shared})
world = {{world}}
d = distances(maps[world])
cells = np.flatnonzero(np.isfinite(d) & (d > 0))
arrived = arrivals([maps[world]], [cells], lambda x: \
model.predict(torch.tensor(x), task=world).numpy())
print(arrived.mean())"""


def _check(train: Any, maps: Any) -> None:
    good = isinstance(train, Mapping) and 1 <= len(train) <= MAX_WORLDS
    if not good:
        raise refuse(
            expected=f"train: a dict of one to {MAX_WORLDS} worlds, world -> (sights, buttons)",
            got=f"{type(train).__name__}"
            + (f" of {len(train)}" if isinstance(train, Mapping) else ""),
            fix='pass {"ice": demonstrations("ice", 10)}, or lab.train',
        )
    lost = [w for w in train if not isinstance(maps, Mapping) or not isinstance(maps.get(w), Grid)]
    if lost:
        raise refuse(
            expected="maps: a Grid for each world that is trained",
            got=f"none for {lost[0]!r}",
            fix=f'maps={{{lost[0]!r}: read_grid("..~.G")}}, or make_grid(...)',
        )
    for world, (x, y) in train.items():
        if np.ndim(x) != 2 or np.shape(x) != (len(y), N_SEEN):
            raise refuse(
                expected=f"for each world its sights (n_moves, {N_SEEN}) and as many buttons",
                got=f"shape {np.shape(x)} and {len(y)} buttons for {world!r}",
                fix="take them from demonstrations(...) or demonstrate(...)",
            )


def compute(
    train: Mapping[str, Any], grids: Mapping[str, Grid], lam: Any, lam_shared: float
) -> tuple[Arrays, Spec]:
    """All the numbers: (arrays, spec)."""
    worlds = list(train)
    lam = np.asarray(lam, dtype=float)
    x, y = (np.concatenate([pair[k] for pair in train.values()]) for k in (0, 1))
    tasks = [world for world, (_, buttons) in train.items() for _ in buttons]
    model = RAG(N_SEEN, len(BUTTONS), len(worlds), tasks=worlds)
    data = MultiTaskDataset(x.astype("float32"), y, len(BUTTONS), tasks=tasks, task_names=worlds)
    path = solve_path(model, data, lam=lam.tolist(), lam_shared=lam_shared)
    most = max(len(grid.cells) for grid in grids.values())
    shape = (len(lam), len(worlds), most)
    press = np.full(shape, -1)
    moves = np.full(shape, -1)
    leads = np.zeros((*shape[1:], 4), int)
    far = np.full(shape[1:], -1)
    for r in range(len(lam)):
        policy = path.model(r)
        for t, world in enumerate(worlds):
            grid = grids[world]
            n = len(grid.cells)
            seen = torch.tensor(observations(grid))
            press[r, t, :n] = policy.predict(seen, task=world).numpy()
            moves[r, t, :n] = _moves(press[r, t, :n], grid)
            leads[t, :n] = grid.next
            d = distances(grid)
            far[t, :n] = np.where(np.isfinite(d), d, -1)
    there = far > 0  # cells from which there is a way, but the goal itself
    arrives = (moves >= 0) & there
    share = arrives.sum(2) / there.sum(1)  # (n_lam, n_worlds)
    arrays = {
        "lam": lam,
        "press": press,
        "leads": leads,
        "moves": moves,
        "far": far,
        "share": share,
    }
    best = int(share.mean(1).argmax())
    furthest = int(far[0].argmax())
    spec = {
        "title": "Where does the policy drive?",
        "about": (
            "Move λ: the arrows are the policy. Choose a world and a start, then drive, or drag "
            "through the moves."
        ),
        "worlds": worlds,
        "maps": [list(grids[world].rows) for world in worlds],
        "pushes": [list(CONTROLS[grids[world].controls]) for world in worlds],
        "controls": [grids[world].controls for world in worlds],
        "cells": [[list(cell) for cell in grids[world].cells] for world in worlds],
        "goals_at": [grids[world].goal for world in worlds],
        "lams": lam.tolist(),
        "best": best,
        "start": {"lam": len(lam) - 1, "world": 0, "start": furthest, "at": 0},
    }
    ends = "; ".join(
        f"{world} {share[0, t]:.0%} at the smallest lambda, {share[-1, t]:.0%} at the largest"
        for t, world in enumerate(worlds)
    )
    spec["alt"] = (
        f"Maps of {len(worlds)} worlds with an arrow in each cell, the way the policy drives at "
        f"the lambda that is best on them, {lam[best]:.2g}; and the share of cells from which the "
        f"robot arrives, against lambda: {ends}."
    )
    return arrays, spec


def _moves(press: np.ndarray, grid: Grid) -> np.ndarray:
    """(n_cells,) moves until the policy is at the goal; -1 if it never is."""
    at = np.arange(len(press))
    found = np.full(len(press), -1)
    for k in range(len(press) + 1):
        found[(at == grid.goal) & (found < 0)] = k
        at = grid.next[at, press[at]]
    return found


def measures(arrays: Arrays, spec: Spec, state: State) -> dict[str, float]:
    """The numbers that a goal compares."""
    r = state["lam"]
    t = state["world"]
    cell = min(state["start"], len(spec["cells"][t]) - 1)
    share = np.asarray(arrays["share"])[r]
    way = _way(arrays, spec, r, t, cell)
    found = {
        "lam": float(arrays["lam"][r]),
        "world": t + 1,
        "moves": min(state["at"], len(way) - 1),
        "arrives": int(arrays["moves"][r, t, cell] >= 0),
        "expert": max(0, int(arrays["far"][t, cell])),
        "share": float(share[t]),
        "mean": float(share.mean()),
    }
    return found | {f"share_{word_for(w)}": float(share[i]) for i, w in enumerate(spec["worlds"])}


def _way(arrays: Arrays, spec: Spec, r: int, t: int, cell: int) -> list[int]:
    """The cells from a start until the goal, or until one comes again."""
    way = [cell]
    met = {cell}
    while way[-1] != spec["goals_at"][t]:
        button = int(arrays["press"][r, t, way[-1]])
        way.append(int(arrays["leads"][t, way[-1], button]))
        if way[-1] in met:
            break
        met.add(way[-1])
    return way


def twin(arrays: Arrays, spec: Spec, grids: Mapping[str, Grid]) -> Figure:
    """The static figure: every map with the policy at the best lambda, and the shares against
    lambda.
    """
    import matplotlib.pyplot as plt

    worlds = spec["worlds"]
    best = spec["best"]
    figure, axes = plt.subplot_mosaic(
        [[*worlds], ["share"] * len(worlds)],
        figsize=(max(6.0, 2.2 * len(worlds)), 5.4),
        layout="constrained",
    )
    for t, world in enumerate(worlds):
        n = len(spec["cells"][t])
        buttons = np.array(arrays["press"][best, t, :n])
        buttons[spec["goals_at"][t]] = -1
        draw_grid(grids[world], axes[world], buttons=buttons)
        axes[world].set_title(f"{world}: {arrays['share'][best, t]:.0%} arrive", size=10)
    ax = axes["share"]
    for t, world in enumerate(worlds):
        look = nth_look(t)
        share = arrays["share"][:, t]
        ax.plot(
            arrays["lam"], share, ls=look.dash, marker=look.marker, color=look.colour, label=world
        )
    ax.axvline(arrays["lam"][best], color=plots.OTHER, ls=":")
    ax.set(xscale="log", xlabel="λ", ylabel="share of cells that arrive", ylim=(0, 1.02))
    ax.legend(frameon=False, ncols=len(worlds), loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    return figure
