"""Explorers: pictures that follow the hand.

Each function displays its static twin and returns a live widget.

    sharing_slider     from independent models to one for all
    trajectory_player  training as a film
    graph_editor       which adapters serve which task
    who_wins           the map of strategies, cell by cell
    init_lab           many random starts, which meet or do not
    gradient_step      one sentence, one step, by hand
    adapter_explorer   inside a network: how far two tasks move each word, layer by layer
    robot_player       one policy in several grid worlds, driven
    chat_box           one message, read by every task: which words did it, and what to answer
    playground         all of it on one screen, trained in the page

Each takes a ``goal``, {what to do: condition}: the page asks for it, and says when it is reached.
Conditions compare the explorer's own numbers, ``w.measures()``; ``w.reached(lam=0.1)`` asks Python:

    w = sharing_slider(goal={"Move lambda until all domains read alike": "readings == 1"})

Enters: your data or model (or nothing: toy data).  Leaves: a figure on the page, and an anywidget.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

from ragteach.dataset import MultiTaskDataset
from ragteach.errors import refuse
from ragteach.integrations.deep import DeepRAG
from ragteach.model import RAG
from ragteach.study.trajectories import Trajectory
from ragteach.widgets.base import Explorer
from ragteach.widgets.chat import chat_box, linear_map
from ragteach.widgets.graphs import graph_editor
from ragteach.widgets.movements import adapter_explorer, word_movements
from ragteach.widgets.networks import toy_network
from ragteach.widgets.player import toy_runs, trajectory_player
from ragteach.widgets.playgrounds import playground, playground_page
from ragteach.widgets.robots import robot_parts, robot_player
from ragteach.widgets.sharing import sharing_slider, toy_parts
from ragteach.widgets.starts import init_lab
from ragteach.widgets.steps import gradient_step
from ragteach.widgets.winners import who_wins

EXPLORERS: dict[str, Callable[..., Explorer]] = {
    "sharing": sharing_slider,
    "player": trajectory_player,
    "graph": graph_editor,
    "winners": who_wins,
    "starts": init_lab,
    "step": gradient_step,
    "adapters": adapter_explorer,
    "robots": robot_player,
    "chat": chat_box,
    "playground": playground,
}
__all__ = [
    "EXPLORERS",
    "Explorer",
    "adapter_explorer",
    "chat_box",
    "explore",
    "gradient_step",
    "graph_editor",
    "init_lab",
    "linear_map",
    "playground",
    "playground_page",
    "robot_parts",
    "robot_player",
    "sharing_slider",
    "toy_network",
    "toy_parts",
    "toy_runs",
    "trajectory_player",
    "who_wins",
    "word_movements",
]


def explore(what: Any = "sharing", *args: Any, **options: Any) -> Explorer:
    """The explorer for what you have.

    Args:
        what: a name (sharing, player, graph, winners, starts, step, adapters, robots, chat,
            playground) or a thing of yours:
            a frame of sentences (or train, val, test) opens the sharing slider; the table of
            `who_wins_map`
            its map; a `Trajectory` or a dict of them the player; a `RAG` the graph editor,
            beginning with its graph; a `DeepRAG` the adapter explorer; a `MultiTaskDataset` the
            initialisation lab; a sentence the gradient step.
        args, options: go to that explorer.

    Example:
        >>> explore("good film", "positive", "films").kind
        'steps'
    """
    if isinstance(what, str) and what in EXPLORERS:
        return EXPLORERS[what](*args, **options)
    if isinstance(what, pd.DataFrame):
        return (who_wins if "relatedness" in what else sharing_slider)(what, *args, **options)
    if isinstance(what, tuple | list) and len(what) == 3:
        return sharing_slider(tuple(what), *args, **options)
    if isinstance(what, Trajectory | dict):
        return trajectory_player(what, *args, **options)
    if isinstance(what, MultiTaskDataset):
        return init_lab(what, *args, **options)
    if isinstance(what, DeepRAG):
        return adapter_explorer(what, *args, **options)
    if isinstance(what, RAG):
        return EXPLORERS["graph"](*args, graph=what.graph.numpy(), **options)
    if isinstance(what, str) and " " in what.strip():
        return gradient_step(what, *args, **options)
    names = ", ".join(repr(name) for name in EXPLORERS)
    raise refuse(
        expected=f"one of {names}; or a frame, a trajectory, a RAG, a DeepRAG, a MultiTaskDataset, "
        "a sentence",
        got=f"{what!r:.80}",
        fix='name an explorer, for example explore("sharing")',
    )
