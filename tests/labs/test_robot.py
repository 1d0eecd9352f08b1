"""The worlds are what they are called, the expert's ways are shortest, and the lab's claims hold on other draws."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import ragteach as rt
from ragteach.data.sources.driving import (
    SEEN,
    arrivals,
    demonstrate,
    distances,
    expert,
    observations,
    starts,
)
from ragteach.data.sources.grids import NEWCOMERS, WORLDS, make_grid, read_grid
from ragteach.labs.ridge import choose_ridge
from ragteach.labs.robot import (
    _by_maps,
    arrived,
    demonstrations,
    map_of_start,
    new_drives,
    training_maps,
)
from ragteach.teach.checks import get
from ragteach.teach.exercises.answers_lab_robot import mirrored_policy, moves_left, share_by_maps

ROOT = Path(__file__).resolve().parents[2]
NORTH, EAST, SOUTH, WEST = range(4)
ALL = [*WORLDS, *NEWCOMERS]


@pytest.fixture(scope="module")
def lab():
    return rt.lab("robot")


def lands(text, start, button, controls="plain"):
    """(row, column) on the text, from a start, after one button."""
    grid = read_grid(text, controls)
    r, c = grid.cells[grid.next[grid.number[start[0] + 1, start[1] + 1], button]]
    return r - 1, c - 1


def test_a_wall_stops_and_the_edge_is_a_wall():
    assert lands("..#G", (0, 1), EAST) == (0, 1)
    assert lands("..#G", (0, 0), EAST) == (0, 1)
    assert lands("..#G", (0, 0), NORTH) == lands("..#G", (0, 0), WEST) == (0, 0)


def test_on_ice_one_slides_to_the_first_ground_or_to_a_wall():
    assert lands(".~~.G", (0, 0), EAST) == (0, 3)
    assert lands(".~~#G", (0, 0), EAST) == (0, 2)
    assert lands(".~~#G", (0, 2), WEST) == (0, 0)
    assert lands(".~~G.", (0, 0), EAST) == (0, 3)  # the goal is ground
    assert lands("~..G", (0, 0), EAST) == (0, 1)  # what counts is where one steps


def test_a_gust_drifts_whoever_begins_in_it_but_not_from_the_goal():
    text = "v.G\n...\n..."
    assert lands(text, (0, 0), EAST) == (1, 1)
    assert lands(text, (0, 0), NORTH) == (1, 0)
    assert lands(text, (0, 1), WEST) == (0, 0)  # who comes into it is not drifted yet
    assert lands("vG.\n...", (0, 0), EAST) == (0, 1)
    assert lands(">.\n#G", (0, 0), SOUTH) == (0, 1)
    assert lands("..\nG^", (1, 1), EAST) == (0, 1)
    assert lands("G..\n..<", (1, 2), NORTH) == (0, 1)


def test_controls_say_where_a_button_pushes():
    text = "...\n...\n..G"
    centre = {b: lands(text, (1, 1), b, "mirrored") for b in range(4)}
    assert centre == {NORTH: (0, 1), EAST: (1, 0), SOUTH: (2, 1), WEST: (1, 2)}
    assert lands(text, (1, 1), NORTH, "turned") == (1, 2)
    assert lands(text, (1, 1), WEST, "turned") == (0, 1)


@pytest.mark.parametrize("world", ALL)
def test_the_experts_ways_are_shortest(world):
    for seed in range(6):
        grid = make_grid(world, seed)
        d, press = distances(grid), expert(grid)
        assert np.array_equal(d, moves_left(grid.next, grid.goal))  # value iteration
        on = np.flatnonzero(press >= 0)
        assert np.array_equal(d[grid.next[on, press[on]]], d[on] - 1)
        assert set(np.flatnonzero(press < 0)) == {grid.goal, *np.flatnonzero(np.isinf(d))}
        start = starts(grid, 1, seed)[0]
        seen, pressed = demonstrate(grid, start)
        assert len(pressed) == d[start] >= 3 and seen.shape == (len(pressed), len(SEEN))


def test_of_several_shortest_ways_the_expert_takes_the_further_one_first():
    grid = read_grid(".....\n.....\n....G")
    assert expert(grid)[0] == EAST
    assert expert(read_grid("..\n..\n..\n.G"))[0] == SOUTH


def test_what_the_robot_sees_by_hand():
    grid = read_grid(".~#\nv.G\n#..")
    row = observations(grid)[grid.number[2, 1]]  # the gust, in the middle on the left
    seen = {name for name, value in zip(SEEN, row, strict=True) if value}
    assert seen == {
        "goal E", "goal further across", "wall W", "wall NW", "wall SW", "wall S", "gust S",
        "goal E, wall W", "goal E, wall S",
    }  # fmt: skip
    ice = observations(grid)[grid.number[1, 1]]
    assert {"ice E", "goal SE"} <= {n for n, v in zip(SEEN, ice, strict=True) if v}


def test_the_mirrored_policy_drives_the_mirrored_world_as_the_plain_one_drives_the_plain():
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(4, len(SEEN))), rng.normal(size=4)
    W2, b2 = mirrored_policy(W, b)
    rows = [row[1:-1] for row in make_grid("open", 3).rows[1:-1]]
    plain, mirrored = (read_grid("\n".join(rows), how) for how in ("plain", "mirrored"))
    seen = observations(plain)
    assert np.array_equal(seen, observations(mirrored))
    press, other = (seen @ W.T + b).argmax(1), (seen @ W2.T + b2).argmax(1)
    cells = np.arange(len(seen))
    assert np.array_equal(plain.next[cells, press], mirrored.next[cells, other])
    assert (press != other).any()


def test_what_has_not_arrived_after_as_many_moves_as_cells_never_will():
    grid = make_grid("walls", 2)
    begun, W = [starts(grid, 30)], np.random.default_rng(1).normal(size=(4, len(SEEN)))
    soon, late = (
        arrivals([grid], begun, lambda x: (x @ W.T).argmax(1), n) for n in (len(grid.cells), 1000)
    )
    assert np.array_equal(soon, late)
    d = distances(grid)[begun[0]]
    table = {
        row.tobytes(): press for row, press in zip(observations(grid), expert(grid), strict=True)
    }

    def know(seen):
        return [max(table[row.tobytes()], 0) for row in seen]

    if len(table) == len(grid.cells):  # no two cells look alike
        assert arrivals([grid], begun, know, int(d.max())).all()


def test_maps_are_told_apart_and_none_is_in_two_parts(lab):
    train = {repr(g) for grids in lab.maps.values() for g in grids}
    assert len(train) == 50
    fresh = {repr(g) for grids, _ in new_drives(n_maps=5).values() for g in grids}
    again = {repr(g) for w in WORLDS for g in training_maps(w, 10, seed=1)}
    assert not train & fresh and not train & again and not fresh & again
    score = lab.score(lab.baselines["RAG"], trained_on=lab.maps)
    assert score.table["overlap"].tolist() == [0] * 5 and score.table["n"].tolist() == [200] * 5
    peeked = lab.score(lab.baselines["RAG"], trained_on=lab._drives["ice"][0][:3])
    assert peeked.table["overlap"].tolist() == [0, 0, 30, 0, 0]
    assert "30 of 1000 starts lie on maps that were trained on" in peeked.note
    with pytest.raises(rt.RagteachError, match="trained_on=lab.maps"):
        lab.score(lab.baselines["RAG"], trained_on=lab.train)


def test_the_leaderboard_drives_and_says_no_clear_difference(lab):
    board = lab.leaderboard(lab.baselines["RAG"], name="RAG")
    share = board.table["accuracy"]
    assert share["one button"] < 0.1 < 0.4 < share["full sharing"] < share["RAG"] - 0.05
    assert board.verdict("independent") == "no clear difference"
    assert board.verdict("full sharing") == "better"
    own = lab.score(lab.baselines["full sharing"]).table["accuracy"]
    assert own["mirrored"] < 0.1 and own["open"] > 0.6
    assert "Nothing to score yet" in lab.score(...)
    with pytest.raises(rt.RagteachError, match="0 .. 3"):
        lab.score(lambda seen: np.full(len(seen), 4))
    names = lab.score(lambda seen, world: ["east"] * len(seen))
    assert names.mean < 0.1


def test_intervals_count_maps():
    rng, held, naive = np.random.default_rng(0), 0, 0
    maps = np.repeat(np.arange(20), 10)
    for _ in range(400):
        chance = np.repeat(rng.beta(1.5, 1, size=20), 10)  # a mean of 0.6
        right = (rng.random(200) < chance).astype(float)
        low, high = _by_maps(right, maps)
        held += low <= 0.6 <= high
        half = 1.96 * (right.mean() * (1 - right.mean()) / 200) ** 0.5
        naive += abs(right.mean() - 0.6) <= half
    assert 0.9 < held / 400 <= 0.98 and naive / 400 < 0.8
    low, high = _by_maps(np.ones(200), maps)
    assert high == 1 and 0.8 < low < 0.9  # 20 maps, none failed
    by_hand = share_by_maps(right.reshape(20, 10))
    assert np.allclose(_by_maps(right, maps), by_hand[1:], atol=0.03)


SWAP = np.array([0, 3, 2, 1])
TRIES = {
    "RAG": [(a, b) for a in (0.01, 0.1, 1) for b in (0.01, 0.1, 1)],
    "full sharing": [(np.inf, b) for b in np.logspace(-3, 1, 9)],
    "independent": [(a, np.inf) for a in np.logspace(-3, 1, 9)],
}


def renamed(part):
    return {w: (x, SWAP[y] if w == "mirrored" else y) for w, (x, y) in part.items()}


def shares(seed, n, rename):
    """strategy -> (n_worlds,) shares that arrive, on maps of this draw."""
    drives = new_drives(n_maps=12, seed=seed)
    train, val = ({w: demonstrations(w, n, seed, first) for w in WORLDS} for first in (0, 1000))
    if rename:
        train, val = renamed(train), renamed(val)
    found = {}
    for name, pairs in TRIES.items():
        model = choose_ridge(train, val, pairs, n_classes=4)

        def press(x, task, model=model):
            said = model.predict(x, task)
            return SWAP[said] if rename and task == "mirrored" else said

        found[name] = np.array([right.mean() for right in arrived(press, drives).values()])
    return found


def test_sharing_must_fail_where_controls_are_mirrored_and_is_best_once_they_are_renamed():
    draws = [(shares(seed, 10, False), shares(seed, 10, True)) for seed in (11, 12)]
    raw, undone = ({n: np.mean([d[k][n] for d in draws], 0) for n in TRIES} for k in (0, 1))
    assert raw["full sharing"][4] < 0.25 < 0.5 < raw["independent"][4]
    assert abs(raw["RAG"].mean() - raw["independent"].mean()) < 0.08
    assert np.allclose(raw["independent"], undone["independent"])  # renaming changes nothing there
    assert undone["full sharing"].mean() > undone["independent"].mean() + 0.08
    assert abs(undone["RAG"].mean() - undone["full sharing"].mean()) < 0.06


def test_who_knows_the_turn_drives_the_turned_world_as_a_plain_one():
    rows = "\n".join(row[1:-1] for row in make_grid("walls", 3).rows[1:-1])
    plain, turned = (read_grid(rows, how) for how in ("plain", "turned"))
    cells, press = np.arange(len(plain.cells)), expert(plain)
    on = cells[press >= 0]
    assert np.array_equal(plain.next[on, press[on]], turned.next[on, (press[on] - 1) % 4])
    assert not np.array_equal(plain.next[on, press[on]], turned.next[on, press[on]])


def said():
    """What the lab's solved notebook prints."""
    path = ROOT / "notebooks" / "solutions" / "lab_robot.ipynb"
    outputs = [
        o for c in json.loads(path.read_text("utf-8"))["cells"] for o in c.get("outputs", [])
    ]
    plain = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return ["".join(text) for text in plain]


LINES = (  # what the notebook prints: what the prose makes of it
    ("raw, RAG minus independent, the four plain", "6.4 points [1.9, 10.9]"),
    ("raw, RAG minus independent, mirrored", "23.0 [1.3, 44.7]"),
    ("renamed, full sharing minus independent", "15.6 points [11.0, 20.2]"),
    ("renamed, RAG minus full sharing", "(-0.9 [-5.5, 3.6])"),
    ("gale adapter minus scratch", "25.0 points [13.5, 36.5]"),
    ("turned adapter minus scratch", "+0.2 [-13.5, 13.9]"),
)


def test_the_numbers_of_the_model_answer_stand_in_the_notebook():
    outputs = said()
    model = get("lab_robot-6").model
    ours = next(i for i, text in enumerate(outputs) if "model answer" in text.lower())
    printed = "\n".join(outputs[:ours])
    numbers = "([-+][\\d.]+)"
    for name, prose in LINES:
        assert prose in model
        wanted = {float(number) for number in re.findall(r"\d+\.\d", prose)}
        lines = re.findall(rf"{name}: {numbers} points \[{numbers}, {numbers}\]", printed)
        assert wanted in [{abs(float(end)) for end in line} for line in lines], name
    board = next(text for text in outputs if "yours minus it" in text)
    assert re.search(r"independent .* -0\.010 -0\.044 +0\.024", board)
    assert "-0.010 [-0.044, 0.024]" in model
    assert re.search(r"mirrored +\S+ +0\.06 ", printed) and "0.06 arrive" in model
    assert "renamed: 0.59 arrive" in printed and "0.59 arrive" in model
    assert len(model.split()) < 230


def test_the_numbers_of_the_prose_stand_in_the_notebook():
    printed = "\n".join(said())
    assert re.search(r"wind +0\.79 +\S+ +0\.57", printed)  # right buttons, arrives
    assert re.search(r"mirrored +0\.73 +\S+ +0\.78", printed)
    low, high = re.search(r"shared after 5 .*\[(\S+), (\S+)\]", printed).groups()
    assert -14 < float(low) < -13 and float(high) > 0
    low, high = re.search(r"gale adapter minus W_s alone: \+11.*\[(\S+), (\S+)\]", printed).groups()
    assert 0 < float(low) < float(high)
    low, high = re.search(r"that minus the adapter on W_s: .*\[(\S+), (\S+)\]", printed).groups()
    assert float(low) < 0 < float(high)
    assert re.search(r"gale +0\.42 +0\.54 +0\.29", printed)
    assert re.search(r"turned +0\.00 +0\.46 +0\.46", printed)


MAP = "..~~....\n..#...#.\n..#.G.#.\n....~...\n........"


def test_maps_of_your_own_become_a_lab(tmp_path):
    (tmp_path / "yard.txt").write_text(MAP)
    (tmp_path / "yard.csv").write_text("\n".join(",".join(row) for row in MAP.splitlines()))
    labs = [
        rt.lab("robot", data=d) for d in (MAP, tmp_path / "yard.txt", str(tmp_path / "yard.csv"))
    ]
    (grid,) = labs[0].maps["your map"]
    assert all(lab.maps["your map"] == [grid] for lab in labs) and grid == read_grid(MAP)
    lab = rt.lab("robot", data={"yard": MAP, "mirror": f"controls: mirrored\n{MAP}"})
    assert lab.tasks == ["yard", "mirror"] and lab.maps["mirror"][0].controls == "mirrored"
    table = lab.leaderboard().table["accuracy"]
    assert table["independent"] > table["full sharing"] + 0.3
    assert lab.score(lab.baselines["independent"]).table["n"].sum() > 4
    board = lab.leaderboard(lab.baselines["independent"]).table
    assert (board["low"] >= 0).all() and (board["high"] <= 1).all()
    assert (board["high"] - board["low"] > 0.05).all()  # a few starts are never sure


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("..G\n..", "rows of one length; the first has 3 signs\nGot: 2 signs in row 2"),
        ("..X", "'X' in row 1"),
        ("...", "one goal, G, on the map\nGot: none"),
        ("G.G", "one goal, G, on the map\nGot: 2"),
        ("....G", "eight starts or more"),
        ("." * 41 + "G", "at most 40 rows and 40 columns\nGot: 1 rows, 42 columns"),
        ("nowhere.csv", "no such file"),
        ("controls: upside down\n..G", "'upside down'"),
        (7, "a map as a text"),
        ({}, "a map as a text"),
        ({"yard": 7}, "a text with one line a row"),
        ("#####\n#G###\n#####", "cells that lead to the goal"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(data, message):
    with pytest.raises(rt.RagteachError, match=re.escape(message)):
        rt.lab("robot", data=data)


def test_the_datasheet_counts_what_is_there(lab):
    text = (ROOT / "datasets" / "robot" / "DATASHEET.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \|((?: [\d.-]+ \|){6})", text, re.MULTILINE)
    assert [name for name, _ in rows] == ALL
    for world, cells in rows:
        given = [cell.strip() for cell in cells.split("|")[:-1]]
        grids, begun = lab._drives[world] if world in WORLDS else new_drives([world])[world]
        signs = "".join("".join(row[1:-1] for row in g.rows[1:-1]) for g in grids)
        moves = np.concatenate([distances(g)[b] for g, b in zip(grids, begun, strict=True)])
        shown = [str(len(p[world][1])) if world in WORLDS else "-" for p in (lab.train, lab.val)]
        counts = [str(signs.count(sign)) for sign in "#~v"]
        assert given == [*shown, *counts, f"{moves.mean():.1f}"], world
    groups = map_of_start(lab._drives)
    assert all(len(set(names)) == 20 and len(names) == 200 for names in groups.values())
    assert f"a row of {len(SEEN)} numbers" in text
