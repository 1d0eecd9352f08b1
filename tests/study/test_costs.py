"""What a comparison will cost is said before it is begun, and tells minutes from hours."""

import time

import numpy as np
import pytest
import torch

import ragteach as rt
from ragteach.engine import choosing
from ragteach.engine.choosing import Candidates
from ragteach.study import costs, experiment, one_split
from ragteach.study.costs import about_the_cost, seconds_of
from ragteach.study.draws import draw
from ragteach.study.scores import Parts
from ragteach.study.strategies import REGISTRY


@pytest.fixture(scope="module")
def frame():
    return rt.as_frame(rt.make_toy(n_per_task=60))


def parts_of(frame):
    return Parts(*draw("own", frame, None, 0), len(frame.attrs["label_names"]))


@pytest.mark.timing
@pytest.mark.parametrize("name", ["RAG", "full sharing", "independent"])
def test_a_forecast_tells_tenfold_differences(name):
    parts = parts_of(rt.as_frame(rt.make_toy(n_per_task=400)))
    foretold = seconds_of(REGISTRY[name], parts)
    data, val, _ = parts.of(REGISTRY[name])
    tries = np.array(REGISTRY[name].tries).T
    found = Candidates(REGISTRY[name].builder(data), data, val, *tries)
    started = time.perf_counter()
    found.losses(slice(0, 49))
    assert 0.1 < foretold / (time.perf_counter() - started) < 10


def test_a_search_takes_about_as_many_products_as_the_forecast_counts(frame, monkeypatch):
    """Products of all replicas at once: those that have left take none."""
    spaces = choosing.Documents, choosing.best_space.__globals__["Weights"]
    for name in ("RAG", "full sharing", "independent"):
        data, val, _ = parts_of(frame).of(REGISTRY[name])
        tries = np.array(REGISTRY[name].tries).T
        found = Candidates(REGISTRY[name].builder(data), data, val, *tries)
        taken = list[float]()
        for kind in spaces:
            gradient = kind.gradient
            monkeypatch.setattr(
                kind,
                "gradient",
                lambda self, v, r, plain=gradient, taken=taken: (
                    taken.append(len(v) / 49) or plain(self, v, r)
                ),
            )
        found.losses(slice(0, 49))
        monkeypatch.undo()
        assert choosing.PRODUCTS / 8 < sum(taken) < choosing.PRODUCTS


def test_the_cost_is_said_before_a_long_comparison_and_not_before_a_short_one(frame, monkeypatch):
    strategies = [REGISTRY[name] for name in REGISTRY]
    assert about_the_cost(frame, strategies, None, 0, 20, 1, None) == ""
    monkeypatch.setattr(costs, "LARGE", 0)
    monkeypatch.setattr(costs, "seconds_of", lambda *_: 600.0)
    said = about_the_cost(frame, strategies, None, 0, 20, 2, None)
    assert said.startswith(
        "About 10 hours for 20 draws of 6 strategies: on 240 rows, 4 tasks and 3"
    )
    for way in ("--max-words", "--least-rows", "--seeds 5", "--strategies RAG full_sharing"):
        assert way in said
    few = about_the_cost(frame, strategies[:1], None, 0, 1, 1, None)
    assert few.startswith("About 10 minutes for 1 draw of 1 strategy:") and "--seeds" not in few


def test_compare_and_fit_split_say_it_on_standard_error(frame, monkeypatch, capsys):
    monkeypatch.setattr(experiment, "about_the_cost", lambda *_: "About an age.")
    one = REGISTRY["full sharing"]
    rt.compare(frame, 1, strategies=[one], progress=True)
    assert "Note: About an age." in capsys.readouterr().err
    rt.compare(frame, 1, strategies=[one], progress=False)
    assert "an age" not in capsys.readouterr().err
    monkeypatch.setattr(Candidates, "forecast", lambda self, n: 240.0)
    one_split.fit_split(frame, strategies=["full sharing", "RAG"], progress=True)
    err = capsys.readouterr().err
    assert "full sharing will take about 4 minutes; with the 1 to follow, about 8 minutes" in err
    assert err.index("will take") < err.index("98/98") and "--max-words" in err


def test_a_forecast_leaves_the_search_as_it_is(frame):
    data, val, _ = parts_of(frame).of(REGISTRY["RAG"])
    tries = np.array(REGISTRY["RAG"].tries).T
    found = Candidates(REGISTRY["RAG"].builder(data), data, val, *tries)
    before = found.losses(slice(0, 3))[0]
    assert found.forecast(49) > 0
    assert torch.equal(found.losses(slice(0, 3))[0], before)
