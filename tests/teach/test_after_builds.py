"""The cell after a build runs with every class that the build's check accepts."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from lesson_source import code, load
from styles import STYLES
from test_checks import RIGHT

from ragteach.study import plots
from ragteach.teach.checks import call
from ragteach.teach.exercises import answers_03 as answers
from ragteach.teach.exercises.own_loss_03 import MyLoss


def accepted(number: str) -> dict:
    """Every class that the tests hand to the check as a right one."""
    styled = {str(kind): made for (n, kind), made in STYLES.items() if n == number}
    return {**RIGHT[number], **styled}


def cell(lesson: str, sign: str) -> str:
    """The first cell of a lesson that holds ``sign``."""
    cells = re.split(r"^# %%.*$", code(lesson), flags=re.MULTILINE)
    return next(text for text in cells if sign in text)


EXPERIMENTS = accepted("01-7")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_figure_of_the_mix_is_drawn_with_your_own_experiment(name, capsys):
    size = {"n_tasks": 4, "sigma": 1.0, "tau": 0.25}
    space = {"np": np, "plt": plt, "plots": plots, "ws": [0.0, 0.5, 1.0], "seeds": range(20)}
    space["experiments"] = {n: EXPERIMENTS[name](n=n, **size) for n in (4, 16)}
    exec(cell("01_why_share", "dots = ["), {**space, **size})
    assert capsys.readouterr().out.count("beats") == 4


LOSSES = accepted("03-11")


@pytest.mark.parametrize("name", LOSSES)
def test_sixty_steps_with_your_own_loss(name):
    parts, data, graph, alphas, *_ = answers.problem(missing=False)
    start = tuple(0 * part for part in parts)
    given = (parts, data, start, data, graph, alphas)
    space = load("03_losses", "tried_out")
    ends = []
    for kind in (LOSSES[name], MyLoss):
        space["MyLoss"] = kind
        worst, rates, J = call(space["tried_out"], *given)
        assert worst < 1e-6 and len(rates) == 60
        ends.append(J)
    assert ends[0] == pytest.approx(ends[1], rel=1e-6)
    assert ends[1] < float(MyLoss(graph, alphas, 0.01, 0.01).value(start, data))


def test_your_own_objective_agrees_with_the_world_s():
    """As the text of 03-w hands over the world: in double precision."""
    here = load("03_losses")["rt"].world()
    model = here.solve()
    data = (here.data.x.double(), here.data.y, here.data.task)
    ones = torch.ones(here.data.n_tasks, dtype=torch.float64)
    knobs = (model.graph.double(), ones, here.lam, here.lam_shared)
    with torch.no_grad():
        parts = model.shared, model.adapter_weights(), model.bias
        J = answers.objective(parts, data, *knobs)
    assert float(J) == pytest.approx(here.objective(model), rel=1e-9)
