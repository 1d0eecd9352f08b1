"""Intervals keep their promise, repetitions are no data, every class is in a draw, edges are said."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from problems import refused
from scipy import stats

from ragteach import compare, make_toy, who_wins_map
from ragteach.data.dealing import dealt
from ragteach.study.draws import (
    draw,
    every_class,
    most_frequent,
    overlap_ratio,
)
from ragteach.study.experiment import EdgeWarning
from ragteach.study.scores import majority, on_edge
from ragteach.study.strategies import REGISTRY, Strategy, pairs
from ragteach.study.tables import COLUMNS, paired, summary, winners


def made(scores, draws="fresh", ratio=0.0):
    rows = [
        ("own", strategy, "mean", seed, 10, "accuracy", v, 10, 0.1, draws, ratio)
        for strategy, values in scores.items()
        for seed, v in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


SCORES = {"RAG": [0.7, 0.8, 0.9, 0.75], "independent": [0.6, 0.72, 0.7, 0.7]}


def test_the_corrected_interval_is_nadeau_and_bengios():
    d = np.subtract(SCORES["RAG"], SCORES["independent"])
    half = stats.t.ppf(0.975, 3) * np.sqrt(d.var(ddof=1) * (1 / 4 + 1 / 3))
    table = made(SCORES, "resplit", 1 / 3)
    (row,) = paired(table).itertuples()
    assert (row.low, row.high) == pytest.approx((d.mean() - half, d.mean() + half))
    assert row.interval == "corrected resampled t"
    (row,) = paired(made(SCORES)).itertuples()
    assert (row.low, row.high) == pytest.approx(stats.ttest_1samp(d, 0).confidence_interval(0.95))
    assert row.interval == "t over fresh draws"
    assert summary(table)["interval"].unique().tolist() == ["corrected resampled t"]


def test_a_lead_that_only_students_t_calls_clear():
    table = made({"RAG": [0.70, 0.74, 0.71, 0.73], "independent": [0.69, 0.70, 0.69, 0.70]})
    assert paired(table)["verdict"].item() == "better"
    corrected = table.assign(draws="resplit", test_per_train=1.0)
    assert paired(corrected)["verdict"].item() == "no clear difference"
    assert winners(table.assign(relatedness=0.0))["clear"].item()
    assert not winners(corrected.assign(relatedness=0.0))["clear"].item()


def test_a_dead_tie_is_never_clear():
    tie = made({"RAG": [0.5, 0.6], "independent": [0.5, 0.6]})
    (row,) = winners(tie.assign(relatedness=0.0)).itertuples()
    assert (row.margin, row.low, row.clear) == (0, 0, False)
    assert paired(tie)["verdict"].item() == "no clear difference"


def test_draws_that_differ_by_rounding_only_do_not_differ():
    """0.5 - 0.4 and 0.4 - 0.3 are the same tenth, and two draws are too few to call it clear."""
    lead = made({"RAG": [0.5, 0.4], "independent": [0.4, 0.3]}, "resplit", 1 / 3)
    (row,) = paired(lead).itertuples()
    assert row.low == row.high == pytest.approx(0.1)
    assert row.verdict == "no clear difference"
    assert not winners(lead.assign(relatedness=0.0))["clear"].item()


def test_repetitions_are_no_data():
    with refused("every draw once", "seed 0 of 'RAG' more than once"):
        summary(pd.concat([made(SCORES), made(SCORES)]))
    for options, words in (
        ({"seeds": [3, 3, 3]}, "seeds = [3, 3, 3], in which 3"),
        ({"n_per_task": [10, 10]}, "n_per_task = [10, 10]"),
        ({"strategies": ["RAG", "RAG"]}, "'RAG' stands more than once"),
    ):
        with refused("all different", words, "once"):
            compare("toy", **({"seeds": 1} | options))
    with refused("all different", "relatedness = [0.5, 0.5]"):
        who_wins_map([0.5, 0.5])


def test_tables_that_do_not_say_where_their_draws_come_from():
    with refused("draws and test_per_train", "without draws", "table.assign"):
        paired(made(SCORES).drop(columns="draws"))
    mixed = made(SCORES)
    mixed.loc[0, "draws"] = "resplit"
    with refused("all fresh, or all re-splits", "['fresh', 'resplit']"):
        summary(mixed)


def test_what_a_table_says_of_its_draws():
    frame = make_toy(n_per_task=20)
    table = compare(frame, 1, strategies="majority class", progress=False)
    assert set(table["draws"]) == {"resplit"} and set(table["test_per_train"]) == {4 / 12}
    fresh = compare("toy", 1, 5, "majority class", progress=False)
    assert set(fresh["draws"]) == {"fresh"} and set(fresh["test_per_train"]) == {0.0}


def test_rows_that_no_draw_uses_make_two_draws_share_less():
    few = pd.DataFrame({"task": ["a"] * 60})
    many = pd.DataFrame({"task": ["a"] * 5000})
    assert overlap_ratio(few, 20) == 1 and overlap_ratio(few, None) == pytest.approx(12 / 36)
    assert overlap_ratio(many, 20) == pytest.approx(1000 / 3980)


@pytest.mark.parametrize("seed", range(20))
def test_every_class_trains_where_there_is_room(seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation([0] * 30 + [1] * 3 + [2])
    order = rng.permutation(34)
    changed = every_class(order, labels, 5)
    assert sorted(changed) == sorted(order) and set(labels[changed[:5]]) == {0, 1, 2}
    missing = 3 - len(set(labels[order[:5]]))
    assert (changed != order).sum() == 2 * missing  # as few as can be
    assert (every_class(order, labels, 2) != order).sum() <= 2


def shares(part, task):
    """(n_rows, and of each label) of a task in a part."""
    labels = part.loc[part["task"] == task, "label"]
    return np.array([len(labels), *np.bincount(labels, minlength=3)])


@pytest.mark.parametrize("n", [None, 12])
@pytest.mark.parametrize("seed", range(5))
def test_every_part_holds_the_labels_in_the_tables_own_shares(n, seed):
    rng = np.random.default_rng(seed)
    sizes = {"a": [31, 7, 22], "b": [5, 5, 80], "c": [20, 20, 0]}
    rows = [(t, y) for t, counts in sizes.items() for y in range(3) for _ in range(counts[y])]
    frame = pd.DataFrame(rows, columns=["task", "label"]).sample(frac=1, random_state=seed)
    frame["text"] = [f"text {rng.integers(10**9)} {i}" for i in range(len(frame))]
    frame = frame.reset_index(drop=True)
    for part in draw("own", frame, n, seed):
        for task, counts in sizes.items():
            n_rows, *found = shares(part, task)
            expected = n_rows * np.array(counts) / sum(counts)
            assert (abs(np.array(found) - expected) < 2).all()


def test_draws_differ_and_every_row_of_a_label_is_dealt_alike():
    """One row in five tests: each does about as often, wherever it stands."""
    label = np.repeat([0, 1], [20, 5])
    last = np.zeros(25)
    for seed in range(400):
        last[dealt(label, np.random.default_rng(seed)).argsort()[-5:]] += 1
    assert abs(last / 400 - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / 400)


def test_a_task_whose_labels_hardly_repeat_does_not_undo_the_deal_of_the_others():
    """Patterns of labels that only one text has would leave nothing to deal evenly."""
    rng = np.random.default_rng(0)
    text = [f"text {i} of {rng.integers(10**9)}" for i in range(200)]
    mood = pd.DataFrame({"text": text, "label": np.repeat([0, 1], 100), "task": "mood"})
    number = pd.DataFrame({"text": text, "label": np.arange(200), "task": "number"})
    frame = pd.concat([number, mood], ignore_index=True)
    for seed in range(5):
        test = draw("own", frame, None, seed)[2]
        mine = test[test["task"] == "mood"]["label"]
        assert len(mine) == 40 and abs(mine.sum() - 20) <= 1


def noise(seed, n_labels=2):
    """Two tasks, 120 rows, labels without meaning; and its most frequent labels' mean share."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 10**6, (120, 6)).astype(str)
    frame = pd.DataFrame({"text": [" ".join(row) for row in words]})
    frame["task"] = rng.choice(["a", "b"], 120)
    frame["label"] = rng.integers(0, n_labels, 120)
    return frame, most_frequent(frame)


@pytest.mark.parametrize("n_labels", [2, 6])
def test_what_reads_nothing_is_right_as_often_as_the_table_says(n_labels):
    gaps = []
    for seed in range(15):
        frame, own = noise(seed, n_labels)
        for draws in range(3):
            train, _, test = draw("own", frame, None, draws)
            scores = {(t, m): v for t, m, v in majority(train, test, n_labels)}
            gaps.append(scores["mean", "accuracy"] - own)
    assert -0.02 < np.mean(gaps) < 0.02  # -0.05 and -0.07, where labels are not looked at


def test_texts_that_all_tasks_ask_about_are_dealt_by_what_they_say():
    rng = np.random.default_rng(0)
    texts = [f"{a} {b}" for a, b in rng.integers(0, 10**8, (90, 2))]
    columns = {task: rng.integers(0, 2, 90) for task in "ab"}
    frame = pd.concat(
        [pd.DataFrame({"text": texts, "task": t, "label": y}) for t, y in columns.items()]
    ).reset_index(drop=True)
    train, val, test = draw("own", frame, None, 0)
    assert not {*train["text"]} & {*test["text"]} and not {*val["text"]} & {*test["text"]}
    for part in (train, val, test):
        for task, labels in columns.items():
            mine = part.loc[part["task"] == task, "label"]
            assert abs(mine.sum() - len(mine) * labels.mean()) < 3


def test_a_class_that_cannot_be_there_leaves_finite_scores():
    frame = make_toy(n_per_task=20)
    frame = frame[(frame["task"] != "films") | (frame["label"] != 1)].reset_index(drop=True)
    strategies = ["full sharing + task bias", "independent"]
    table = compare(frame, 2, None, strategies, progress=False)
    losses = table[table["metric"] == "log_loss"]["value"]
    assert losses.between(0.2, 3).all()


def test_choices_on_an_edge_are_said_once_with_their_share():
    narrow = dataclasses.replace(REGISTRY["full sharing"], tries=pairs([0.0], [0.1, 0.3, 1.0]))
    options = {"n_per_task": 30, "strategies": [narrow, "majority class"], "progress": False}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        table = compare("toy", 3, relatedness=1.0, **options)
    (warning,) = [w for w in said if w.category is EdgeWarning]
    assert "full sharing 3 of 3 draws" in str(warning.message)
    assert set(table[table["metric"] == "lam_shared"]["value"].round(6)) == {0.1}


def test_an_edge_matters_where_the_loss_still_falls():
    values = np.array([0.1, 1.0, 10.0])
    assert on_edge(values, np.array([0.5, 0.7, 0.9])) and on_edge(values, np.array([0.9, 0.7, 0.5]))
    assert not on_edge(values, np.array([0.9, 0.5, 0.7]))
    assert not on_edge(values, np.array([0.9, 0.5, 0.499]))  # flat: the limit is reached
    assert on_edge(values[:2], np.array([0.9, 0.5])) and on_edge(values[1:], np.array([0.5, 0.9]))
    assert not on_edge(np.zeros(3), np.array([0.9, 0.7, 0.5]))  # one value: no edge


def test_a_strategy_of_your_own():
    ours = Strategy("ours", REGISTRY["RAG"].builder, pairs([0.1], [0.1, 0.01]))
    table = compare("toy", 1, 8, ["RAG", ours], progress=False)
    assert set(table["strategy"]) == {"RAG", "ours"}
    with refused("strategy with a name", "name = ''"):
        Strategy("", None)
    with refused("builder: a function", "builder = 3"):
        Strategy("x", 3)
    with refused("pairs (lam, lam_shared)", "0.1"):
        Strategy("x", REGISTRY["RAG"].builder, (0.1,))
    for name, tries in (("lam", (-1.0, 0.1)), ("lam_shared", (0.1, -1.0))):
        what = f"{name} in tries of the strategy 'x'"
        with refused(f"{what} to be a finite number >= 0", f"{what} = -1.0"):
            Strategy("x", REGISTRY["RAG"].builder, (tries,))
    with refused("at least one value of tries", "tries of the strategy 'x' = tuple ()"):
        Strategy("x", REGISTRY["RAG"].builder)


def test_intervals_over_resplits_cover_the_truth():
    """The short form of tests/bench/coverage.py (1000 frames: 98.8 % and more)."""
    from bench.coverage import coverage

    table, _ = coverage(40, n_seeds=10, n_fresh=400)
    assert (table["corrected"] > 0.9).all()
    assert table.loc["RAG - full sharing", "student"] < 0.85


def test_the_bench_fits_the_packages_own_models():
    from bench.coverage import N_TASKS, generator, newton, penalties, rows, wide

    from ragteach import RAG, MultiTaskDataset, solve

    x, y = rows(np.random.default_rng(0), 30, generator())
    theta = newton(
        wide(x[None], True, True, True),
        y.reshape(1, -1),
        np.full((1, y.size), 1 / 30),
        penalties([(0.1, 0.2)], True, True, True),
    )
    data = MultiTaskDataset(
        x.reshape(-1, x.shape[-1]).astype(np.float32),
        y.reshape(-1).astype(int),
        2,
        np.repeat(np.arange(N_TASKS), 30),
    )
    model = RAG(x.shape[-1], 2, N_TASKS, tasks=data.task_names)
    solve(model, data, 0.1, 0.2)
    shared = (model.shared[1] - model.shared[0]).detach().numpy()
    assert theta[0, : len(shared)] == pytest.approx(shared, abs=1e-3)


def test_no_interval_says_what_cannot_be():
    stars = made({"RAG": [0.1, 3.9, 0.2], "independent": [3.5, 0.1, 3.8]}, "resplit", 1 / 3)
    stars["metric"] = "mean_absolute_error"
    wide = summary(stars, "mean_absolute_error")
    assert (wide["low"] == 0).all() and (wide["high"] > 4).all()  # what the table does not say
    stars.attrs["largest_error"] = 4.0
    assert (summary(stars, "mean_absolute_error")["high"] == 4).all()
    (row,) = paired(stars, metric="mean_absolute_error").itertuples()
    assert (row.low, row.high) == (-4, 4)
    shares = made({"RAG": [0.1, 0.9], "independent": [0.8, 0.2]})
    (row,) = paired(shares).itertuples()
    assert (row.low, row.high) == (-1, 1)
