"""\"Copy as code\" runs as it stands, in a name space of its own, and gives the page's numbers."""

import contextlib
import io
import math

import pytest
import torch

import ragteach as rt

from .conftest import go

pytestmark = pytest.mark.browser


def sharing(space, found):
    scores = rt.evaluate(space["model"], space["test_data"])
    assert scores["accuracy"] == pytest.approx(found["accuracy"], abs=0.01)


def graphs(space, found):
    test = rt.MultiTaskDataset.from_frame(space["test"], like=space["data"])
    scores = rt.evaluate(space["model"], test)
    assert scores["accuracy"] == pytest.approx(found["accuracy"], abs=0.01)


def player(space, found):
    norms = space["path"].norms().query(f"step == {found['step']}").set_index("part")["norm"]
    assert norms.pop("W_s") == pytest.approx(found["shared"], rel=1e-4)
    assert norms[["films", "cars", "food"]].mean() == pytest.approx(found["adapters"], rel=1e-4)


def winners(space, found):
    table = space["table"]
    mean = table[(table.metric == "accuracy") & (table.task == "mean")]
    assert mean[mean.strategy == "RAG"].value.mean() == pytest.approx(found["RAG"], abs=1e-6)


def starts(space, found):
    runs, graph = space["runs"], torch.eye(2)
    own = torch.tensordot(graph[0], runs.adapters, dims=1)
    both = rt.widgets.starts.spreads(runs.shared, own)
    assert both == pytest.approx([found["shared"], found["adapter"], found["sum"]], rel=1e-3)


def steps(space, found):
    p = float(space["p"][1].detach())
    assert p == pytest.approx(found["p"], abs=1e-5)
    assert -math.log(p) == pytest.approx(found["loss"], rel=1e-4)


def movements(space, found):
    said = space["found"]
    assert said["apart"][2].mean() == pytest.approx(found["apart"], rel=1e-4)
    assert said["moved"][0, 2].mean() == pytest.approx(found["moved_films"], rel=1e-4)


def robots(space, found):
    assert space["arrived"].mean() == pytest.approx(found["share"], abs=0.02)


CASES = {
    sharing: (lambda: rt.widgets.sharing_slider(n_per_task=20), {"lam": 0.004}),
    graphs: (
        lambda: rt.widgets.graph_editor(n_per_task=20),
        {"graph": [[1, 0], [1, 0], [0, 1], [0.5, 1]], "lam_at": 9},
    ),
    player: (lambda: rt.widgets.trajectory_player(), {"run": 1, "at": 40}),
    winners: (
        lambda: rt.widgets.who_wins(rt.who_wins_map((0.0, 1.0), (20, 30), seeds=2, progress=False)),
        {"r": 1, "n": 0},
    ),
    starts: (lambda: rt.widgets.init_lab(seeds=3, steps=40), {"scale": 3, "at": 20, "lr": 2}),
    steps: (lambda: rt.widgets.gradient_step(), {"steps": 7, "label": 1}),
    movements: (
        lambda: rt.widgets.adapter_explorer(),
        {"sentence": 1, "strength": 7, "layer": 2},
    ),
    robots: (lambda: rt.widgets.robot_player(), {"world": 4, "lam": 4}),
}


@pytest.mark.parametrize("compare", CASES, ids=lambda f: f.__name__)
def test_the_copied_code_runs_and_gives_the_numbers_of_the_page(on_disk, compare):
    make, state = CASES[compare]
    page = on_disk(make())
    found = go(page, **state)
    page.get_by_role("button", name="Copy as code").click()
    space = {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(page.locator(".tools ~ pre").inner_text(), space)
    compare(space, found)
    assert page.said == []
