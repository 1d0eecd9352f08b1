"""The robots' explorer: its tables are the policies of `solve`, driven by the lab's own rules."""

import numpy as np
import pytest
import torch

import ragteach as rt
from ragteach.data.sources.driving import N_SEEN, arrivals, distances, observations
from ragteach.data.sources.grids import read_grid
from ragteach.widgets import robots


@pytest.fixture(scope="module")
def parts():
    return rt.widgets.robot_parts()


@pytest.fixture(scope="module")
def explorer():
    return rt.widgets.robot_player()


@pytest.mark.parametrize("at", [0, 5])
def test_the_arrows_are_the_policy_of_the_optimum(parts, explorer, at):
    train, maps = parts
    x, y = (np.concatenate([pair[k] for pair in train.values()]) for k in (0, 1))
    tasks = [world for world, (_, buttons) in train.items() for _ in buttons]
    model = rt.RAG(N_SEEN, 4, 5, tasks=list(train))
    data = rt.MultiTaskDataset(x, y, 4, tasks=tasks)
    rt.solve(model, data, lam=robots.LAM[at], lam_shared=robots.LAM_SHARED)
    arrays, _ = robots.compute(train, maps, robots.LAM, robots.LAM_SHARED)
    for t, (world, grid) in enumerate(maps.items()):
        said = model.predict(torch.tensor(observations(grid)), task=world).numpy()
        shown = arrays["press"][at, t, : len(said)]
        assert np.mean(said == shown) > 0.98  # a tie may fall either way
        d = distances(grid)
        cells = np.flatnonzero(np.isfinite(d) & (d > 0))

        def policy(seen, table=shown, grid=grid):
            rows = {row.tobytes(): b for row, b in zip(observations(grid), table, strict=True)}
            return np.array([rows[row.tobytes()] for row in seen])

        driven = arrivals([grid], [cells], policy)
        assert np.array_equal(driven, arrays["moves"][at, t, cells] >= 0)
        assert explorer.measures(lam=at)[f"share_{world}"] == pytest.approx(driven.mean(), abs=1e-6)


def test_a_drive_ends_at_the_goal_or_where_it_comes_again(parts):
    arrays, spec = robots.compute(*parts, robots.LAM, robots.LAM_SHARED)
    for r in (0, 10):
        for t in range(5):
            for cell in range(len(spec["cells"][t])):
                way = robots._way(arrays, spec, r, t, cell)
                n = arrays["moves"][r, t, cell]
                assert len(set(way[:-1])) == len(way) - 1
                assert (way[-1] == spec["goals_at"][t]) == (n >= 0)
                assert n < 0 or n == len(way) - 1
                assert n < 0 or n >= arrays["far"][t, cell]  # nobody is faster than the expert


def test_the_numbers_follow_the_state(explorer):
    end = explorer.measures()
    assert end["arrives"] == 1 and end["world"] == 1 and end["moves"] == 0
    assert explorer.measures(at=500)["moves"] >= end["expert"] > 0
    start = explorer.spec["goals_at"][2]
    at_goal = explorer.measures(world=2, start=start)
    assert at_goal["arrives"] == 1 and at_goal["expert"] == 0
    assert explorer.measures(lam=0)["share_mirrored"] > 0.8 > 0.3 > end["share_mirrored"]


def test_worlds_of_your_own_can_be_driven(parts):
    train, _ = parts
    yard = read_grid("..~~....\n..#...#.\n..#.G.#.\n....~...\n........")
    w = rt.widgets.robot_player({"ice": train["ice"]}, {"ice": yard}, lam=[0.01, 1.0])
    assert w.spec["worlds"] == ["ice"] and w.measures()["share"] == w.measures()["mean"]
    assert "yours" in w.spec["code"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": {}}, "one to 6 worlds"),
        ({"train": 3}, "Got: int"),
        ({"maps": {}}, "none for 'open'"),
        ({"maps": {"open": "..G"}}, "none for 'open'"),
        ({"train": {"open": (np.zeros((3, 4)), [0, 1, 2])}}, r"shape \(3, 4\) and 3 buttons"),
        ({"lam": [-1.0]}, "lam"),
        ({"goal": {"Find it": "shares > 1"}}, "share_mirrored"),
    ],
)
def test_what_does_not_fit_is_refused(parts, change, message):
    given = dict(zip(("train", "maps"), parts, strict=True)) | change
    with pytest.raises(rt.RagteachError, match=message):
        rt.widgets.robot_player(**given)


def test_the_words_say_what_is_on_the_picture(explorer):
    alt = explorer.spec["alt"]
    assert alt.startswith("Maps of 5 worlds") and "mirrored 92% at the smallest lambda" in alt
    assert rt.widgets.explore("robots").kind == "robots"
