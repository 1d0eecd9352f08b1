"""What a lesson asks for at an explorer can be done, is not done already, and the explorer says so.

Judged by the explorer's own numbers, from the lesson's own run.
"""

import ast
import itertools
import re
from functools import partial

import nbformat
import numpy as np
import pytest
import torch
from lesson_runs import run_of
from lesson_source import SOURCE

import ragteach as rt
from ragteach.widgets import EXPLORERS, base, movements, player, sharing, steps, winners
from ragteach.widgets.goals import judge

LESSONS = sorted(path.stem for path in SOURCE.glob("[01l]*.py"))  # lessons and labs
CALLS = {function.__name__ for function in EXPLORERS.values()} | {"explore"}


def explorers(lesson):
    """The calls that make an explorer."""
    tree = ast.parse((SOURCE / f"{lesson}.py").read_text(encoding="utf-8"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return [n for n in found if isinstance(n.func, ast.Attribute) and n.func.attr in CALLS]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_task_at_an_explorer_is_a_goal_that_it_knows(lesson):
    calls = explorers(lesson)
    text = (SOURCE / f"{lesson}.py").read_text(encoding="utf-8")
    assert len(re.findall(r"\*\*Your tasks?[.:]\*\*", text)) == len(calls)
    assert all("goal" in {word.arg for word in call.keywords} for call in calls)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_and_its_explorer_have_one_word_for_one_thing(lesson):
    """What the slider calls a domain is no task in its goals, nor in the words around it."""
    nb = nbformat.read(SOURCE.parent / "solutions" / f"{lesson}.ipynb", as_version=4)
    for i, cell in enumerate(nb.cells):
        for saved in filter(None, map(base.kept, cell.get("outputs", []))):
            thing = saved["spec"].get("thing")
            if not thing:
                continue
            around = nb.cells[i - 1].source.split("\n\n") + nb.cells[i + 1].source.split("\n\n")[:1]
            said = [part for part in around if "Your task" in part or part is around[-1]]
            said += re.findall(r'"([A-Z][^"]*)":', cell.source)  # the goals
            words = " ".join(said).replace("Your task", "")
            other = {"domain": "task", "task": "domain"}[thing]
            assert not re.search(rf"\b{other}s?\b", words), words


# ------------------------------------------------------------------ the explorers that a lesson made


def saved(lesson, factory):
    """What the lesson's run says of each of its explorers."""
    nb, _ = run_of(lesson, "solution", factory)
    outputs = [out for cell in nb.cells for out in cell.get("outputs", [])]
    return [saved for saved in map(base.kept, outputs) if saved]


def places(kept):
    """Every state that a hand can bring about, and the numbers there: [(state, measures), ...]."""
    spec = kept["spec"]
    values = np.frombuffer(base.unsqueeze(kept["block"], spec["layout"]), "<f4")
    arrays = {n: values[o : o + int(np.prod(s))].reshape(s) for n, (o, s) in spec["layout"].items()}
    if kept["kind"] == "sharing":
        measure = partial(sharing.measures, arrays, spec)
        grid = {"lam": arrays["lam"].tolist()}
    elif kept["kind"] == "winners":
        measure = partial(winners.measures, arrays, spec)
        grid = {"r": range(len(spec["r"])), "n": range(len(spec["n"]))}
    elif kept["kind"] == "player":
        measure = partial(player.measures, arrays)
        grid = {"run": range(len(spec["runs"])), "at": range(arrays["steps"].shape[1])}
    elif kept["kind"] == "movements":
        measure = partial(movements.measures, arrays, spec)
        counts = arrays["apart"].shape[:3]
        grid = dict(zip(("sentence", "strength", "layer"), map(range, counts), strict=True))
    else:
        measure = partial(steps.measures, {k: torch.tensor(v) for k, v in arrays.items()}, spec)
        grid = {"rate": range(len(spec["rates"])), "steps": range(21), "label": range(3)}
    moves = [dict(zip(grid, at, strict=True)) for at in itertools.product(*grid.values())]
    return [(m, measure(spec["start"] | m)) for m in ({}, *moves)]


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("lesson", "which"),
    [
        ("00_start_here", 0), ("01_why_share", 0), ("03_losses", 0), ("04_training_schedules", 0),
        ("05_weight_trajectories", 0), ("06_fair_comparison", 0), ("07_lambda_as_prior", 0),
        ("09_new_tasks", 0), ("09_new_tasks", 1), ("11_inside_a_network", 0), ("11_inside_a_network", 1),
        ("12_deploy", 0), ("13_the_articles_claims", 0), ("lab_finance", 0), ("lab_languages", 0),
        ("lab_recommendation", 0), ("lab_vision", 0),
    ],
)  # fmt: skip
def test_a_lessons_goals_are_reached_by_some_moves_only(lesson, which, tmp_path_factory):
    kept = saved(lesson, tmp_path_factory)[which]
    goals, found = kept["spec"]["goals"], places(kept)
    assert goals
    done = np.array([judge(goals, numbers) for _, numbers in found])  # (n_places, n_goals)
    assert not done[0].any()  # there is something to do
    assert done.any(0).all()
    assert done.mean(0).max() <= 2 / 3  # and something to find
    only = [
        done[i]
        for i, (move, _) in enumerate(found)
        if move.get("at") == kept["spec"]["start"].get("at")
    ]
    assert kept["kind"] != "player" or not np.any(only)  # choosing a schedule is no dragging
    for goal, here in zip(goals, done.T, strict=True):
        if re.search(r"\b(smallest|largest|least|furthest|first)\b", goal["say"]):
            assert here.sum() <= 2, goal["say"]  # an end, and a step of tolerance
        if way := re.search(r"\b(smallest|largest) λ", goal["say"]):
            free = {"when": [part for part in goal["when"] if part[0] != "lam"]}
            lams = [n["lam"] for (_, n) in found[1:] if judge([free], n)[0]]
            at = [n["lam"] for (_, n), hit in zip(found, here, strict=True) if hit]
            assert at == [min(lams) if way[1] == "smallest" else max(lams)]


def where(lesson, which, goal, factory):
    """The numbers of all places at which a goal of the lesson is reached."""
    kept = saved(lesson, factory)[which]
    return [m for _, m in places(kept) if judge(kept["spec"]["goals"], m)[goal]]


@pytest.mark.notebooks
def test_the_first_step_above_nine_tenths_is_the_exercises(tmp_path_factory):
    assert {m["steps"] for m in where("03_losses", 0, 1, tmp_path_factory)} == {8}


@pytest.mark.notebooks
def test_the_film_is_stopped_where_the_adapters_begin_to_move(tmp_path_factory):
    found = where("04_training_schedules", 0, 0, tmp_path_factory)
    kept = saved("04_training_schedules", tmp_path_factory)[0]
    before = [m for _, m in places(kept)[1:] if m["schedule"] == 2 and m["step"] < found[0]["step"]]
    asleep = {m["adapters"] for m in before}
    assert len(asleep) == 1 and found[0]["adapters"] not in asleep
    (ten,) = where("05_weight_trajectories", 0, 1, tmp_path_factory)
    assert ten["step"] in range(8, 17)  # (1 - 0.01)^n = 0.9 says 10.5, and every fourth is shown


@pytest.mark.notebooks
def test_the_largest_lambda_for_films_is_left_of_the_best_for_phones(tmp_path_factory):
    kept = saved("09_new_tasks", tmp_path_factory)[0]
    at_best = [m["lam"] for _, m in places(kept) if m["accuracy_films"] == m["best_films"]]
    phones, films = (
        [m["lam"] for m in where("09_new_tasks", 0, goal, tmp_path_factory)] for goal in (0, 1)
    )
    assert max(films) == max(at_best) < min(phones)


@pytest.mark.notebooks
def test_the_map_asks_for_a_row_in_which_scratch_is_last(tmp_path_factory):
    for m in where("09_new_tasks", 1, 0, tmp_path_factory):
        assert m["independent"] < min(m["RAG"], m["full_sharing"])


@pytest.mark.notebooks
def test_two_desks_are_furthest_apart_in_a_late_layer_and_without_adapters_they_agree(
    tmp_path_factory,
):
    kept = saved("11_inside_a_network", tmp_path_factory)[0]
    widest, weak = (where("11_inside_a_network", 0, goal, tmp_path_factory) for goal in (0, 1))
    n_layers = kept["spec"]["layout"]["apart"][1][2]
    assert {m["layer"] > n_layers / 2 for m in widest} == {True}
    assert 0 in {m["strength"] for m in weak}
    assert all(m["apart"] == 0 for _, m in places(kept) if m["strength"] == 0)


# ------------------------------------------------------------------ explorers that compute at a touch


def goals_of(lesson):
    (call,) = explorers(lesson)
    (goal,) = [word.value for word in call.keywords if word.arg == "goal"]
    return ast.literal_eval(goal)


def test_the_graphs_that_lesson_02_asks_for_can_be_drawn():
    w = rt.widgets.graph_editor(goal=goals_of("02_equation"))
    literal, shared, four = [[1.0] * 4] * 4, [[0, 0], [1, 0], [0, 1], [0, 0]], [[0, 0], [1, 0], [0, 1], [1, 1]]  # fmt: skip
    assert w.reached() == [False] * 4
    assert w.reached(graph=literal, lam_at=0) == [True, False, False, False]
    assert w.reached(graph=literal, lam_at=25) == [False, True, False, False]
    assert w.reached(graph=shared) == [False, False, True, False]
    assert w.reached(graph=four) == [False, False, False, True]
    assert w.reached(graph=[[0, 0], [1, 0], [0, 0], [0, 1]]) == [False] * 4  # films with food


def test_the_starts_that_lesson_08_asks_for_can_be_found():
    w = rt.widgets.init_lab(
        word="opening", scale=0.01, lam=0.0, goal=goals_of("08_what_random_does")
    )
    assert w.reached() == [False, False]
    assert w.reached(scale=5) == [True, False]  # 3
    assert w.reached(scale=5, lam=4) == [True, True]  # 0.03
    assert w.reached(scale=0, lam=4) == [False, False]


def test_what_the_fold_after_the_starts_says():
    w = rt.widgets.init_lab(word="opening", scale=0.01, lam=0.0)
    end = w.spec["layout"]["steps"][1][0] - 1

    def apart(lam):
        found = [w.measures(scale=scale, lam=lam, at=end) for scale in range(6)]
        assert {m["step"] for m in found} == {600}
        return {m["scale"]: m["sum"] for m in found}

    free, some, more = apart(0), apart(3), apart(4)
    said = {0.01: 0.01, 0.1: 0.08, 0.3: 0.22, 1.0: 0.59, 3.0: 0.85}
    assert {scale: round(free[scale], 2) for scale in said} == said
    assert (round(some[0.3], 2), round(some[3.0], 2)) == (0.02, 0.22)
    assert max(more.values()) < 0.01


@pytest.mark.notebooks
def test_what_the_folds_after_the_films_say(tmp_path_factory):
    (film,) = saved("04_training_schedules", tmp_path_factory)
    assert film["spec"]["about"].endswith("every fourth step.")
    at = {(m["schedule"], m["step"]): m for _, m in places(film)[1:]}
    lengths = [at[2, step]["shared"] for step in (0, 240, 480)]
    assert lengths == pytest.approx([1.7, 10.7, 10.7], abs=0.05) and lengths[1] == lengths[2]
    adapters = [at[2, step]["adapters"] for step in (0, 240, 244)]
    assert adapters[0] == adapters[1] != adapters[2]
    assert [at[2, step]["moved"] for step in (240, 480)] == pytest.approx([2.93, 1.50], abs=0.005)
    runs, _ = rt.widgets.toy_runs(epochs=20)  # joint training starts alike, however long
    path = runs["joint"]
    gone = path.shared[-1] - path.shared[0], path.adapters[-1] - path.adapters[0]
    assert gone[0].norm().item() == pytest.approx(3.7, abs=0.05)
    assert gone[1].flatten(1).norm(dim=1).tolist() == pytest.approx([2.1] * 3, abs=0.06)
    start = path.shared[0] - path.adapters[0].sum(0)
    assert start.norm().item() == pytest.approx(3.7, abs=0.05)
    (film,) = saved("05_weight_trajectories", tmp_path_factory)
    moved = {(m["schedule"], m["step"]): m["moved"] for _, m in places(film)[1:]}
    assert moved[4, 480] < 0.005
    said = [moved[1, 8], moved[1, 12], moved[1, 480]]
    assert said == pytest.approx([0.08, 0.11, 0.99], abs=0.005)
    assert np.log(0.9) / np.log(0.99) == pytest.approx(10.5, abs=0.05)


def test_the_policies_that_the_robot_lab_asks_for_are_there():
    w = rt.widgets.robot_player(goal=goals_of("lab_robot"))
    assert w.reached() == [False] * 3
    lams = range(len(w.spec["lams"]))
    cells = range(len(w.spec["cells"][3]))
    apart, both = np.array([w.reached(lam=i)[:2] for i in lams]).T
    circles = np.array([[w.reached(lam=i, world=3, start=s)[2] for s in cells] for i in lams])
    assert apart[0] and not apart[-1]  # separate policies know the mirrored world
    assert both.any() and not both[0] and not both[-1]  # and only between the ends is there both
    assert circles.any(1).all() and circles.mean() < 2 / 3
    assert not any(w.reached(lam=i, world=0, start=s)[2] for i in lams for s in cells)


def scores(kept, word):
    """Weight of praise minus blame of a word, (n_lambda, n_tasks); and the mean accuracies."""
    spec = kept["spec"]
    values = np.frombuffer(base.unsqueeze(kept["block"], spec["layout"]), "<f4")
    arrays = {n: values[o : o + int(np.prod(s))].reshape(s) for n, (o, s) in spec["layout"].items()}
    weights = (arrays["shared"][:, None] + arrays["adapters"])[..., spec["words"].index(word)]
    return weights[..., 2] - weights[..., 0], arrays["accuracy"].mean(1), arrays["lam"]


@pytest.mark.notebooks
def test_what_the_folds_after_the_sliders_say(tmp_path_factory):
    """In the order films, cars, food, phones."""
    (strange,) = saved("01_why_share", tmp_path_factory)
    score, right, lam = scores(strange, "strange")
    assert score[0].round() == pytest.approx([7, -9, -8, -2])
    assert score[-1] == pytest.approx([-1.5] * 4, abs=0.1)
    assert right[[right.argmax(), -1]] == pytest.approx([0.86, 0.72], abs=0.006)
    films_again = [m["lam"] for m, found in places(strange)[1:] if found["reads_films"] == 2]
    assert max(films_again) == pytest.approx(0.0012, abs=5e-5)
    (slow,) = saved("07_lambda_as_prior", tmp_path_factory)
    score, right, lam = scores(slow, "slow")
    assert score[0, 1:].round() == pytest.approx([-10, 12, -9])
    together = np.flatnonzero(np.ptp(score, axis=1) < 1)[0]
    assert lam[together] == pytest.approx(0.018, abs=1e-3)
    assert right[[0, together]] == pytest.approx([0.95, 0.77], abs=0.006)
    chosen = slow["spec"]["best"]
    assert chosen < 6 and np.ptp(np.sign(score[chosen])) == 2
    excellent = scores(slow, "excellent")[0]
    assert excellent[chosen].round() == pytest.approx([4, 8, 4, 9], abs=1)
    assert excellent[-1] == pytest.approx([5.5] * 4, abs=0.05)
