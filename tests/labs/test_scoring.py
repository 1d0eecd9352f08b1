"""A lab's score: what a predictor is handed, what is refused, and intervals that hold what they promise."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import ragteach as rt
from ragteach.labs.baselines import Best, linear_baselines, word_features
from ragteach.labs.held import Board, Lab
from ragteach.labs.scoring import Score, mean_of_tasks, share_of_tasks

TEXTS = np.array(["Where is it?", "I love it", "I hate it", "Give me that"], dtype=object)
HELD = {"mood": (TEXTS, np.array([0, 1, 1, 0])), "kind": (TEXTS[:2], np.array([2, 1]))}
CLASSES = {"mood": ["no", "yes"], "kind": ["a", "b", "c"]}


@pytest.fixture
def small():
    return Lab(
        "small", HELD, HELD, HELD, CLASSES, lambda lab: {"says no": lambda x: np.zeros(len(x))}
    )


def truth(x, task):
    """Knows the answers by the texts."""
    labels = dict(zip(*HELD[task], strict=True))
    return [labels[text] for text in x]


def test_a_predictor_gets_items_without_labels_and_its_mistakes_are_counted(small):
    seen = []

    def spy(x, task):
        seen.append((task, list(x)))
        return truth(x, task)

    found = small.score(spy)
    assert seen == [("mood", list(TEXTS)), ("kind", list(TEXTS[:2]))]
    assert found.mean == found.high == 1 and list(found.table["n"]) == [4, 2]
    assert 0.5 < found.low < 0.7  # six items
    wrong = small.score(lambda x, task: [(y + 1) % 2 for y in truth(x, task)])
    assert wrong.table["accuracy"].tolist() == [0, 0]


def test_what_a_predictor_is_handed_is_a_copy(small):
    def vandal(x, task):
        x[:] = "spoilt"
        return np.zeros(len(x))

    small.score(vandal)
    assert small.score(truth).mean == 1


@pytest.mark.parametrize("names", [True, False])
def test_names_and_numbers_say_the_same(small, names):
    def predictor(x, task):
        said = truth(x, task)
        return [CLASSES[task][y] for y in said] if names else np.array(said, dtype=float)

    assert small.score(predictor).mean == 1


def test_every_kind_of_model_can_be_asked():
    lab = rt.lab("vision")
    x = np.concatenate([x for x, _ in lab.train.values()])
    y = np.concatenate([y for _, y in lab.train.values()])
    tasks = np.repeat(lab.tasks, 40)
    pooled = make_pipeline(LogisticRegression(max_iter=300)).fit(x, y)
    by_rows = rt.RAGRegressor().fit(x, y, tasks=tasks)

    class Whole:
        def predict(self, x, tasks=None):
            return by_rows.predict(x, tasks).round().clip(0, 9)

    heads = rt.MultiHead(64, {t: rt.Classification(10) for t in lab.tasks}, n_hidden=4)
    found = [
        lab.score(model) for model in (pooled, dict.fromkeys(lab.tasks, pooled), Whole(), heads)
    ]
    assert all(isinstance(score, Score) for score in found)
    assert found[0].mean == found[1].mean > 0.3


BAD = {
    "a missing task": ({"mood": lambda x: [0] * len(x)}, "a predictor for every task; 'kind'", "predictors for mood"),
    "scores": (lambda x, t: np.zeros((len(x), 3)), "answers of shape \\(4,\\)", "\\.argmax\\(1\\)"),
    "too few": (lambda x, t: np.zeros(1), "answers of shape \\(4,\\)", "shape \\(1,\\)"),
    "NaN": (lambda x, t: np.full(len(x), np.nan), "a class for every item of task 'mood'", "4 answers that are NaN"),
    "a class too many": (lambda x, t: np.full(len(x), 2), "class numbers 0 \\.\\. 1", "no, yes"),
    "half a class": (lambda x, t: np.full(len(x), 0.5), "class numbers 0 \\.\\. 1", "0\\.5"),
    "negative": (lambda x, t: np.full(len(x), -1), "class numbers 0 \\.\\. 1", "-1"),
    "an unknown name": (lambda x, t: ["maybe"] * len(x), "a class of task 'mood': no, yes", "'maybe'"),
    "answers": ([0, 1], "a predictor: a fitted model", "list"),
    "a class, not a model": (LogisticRegression, "a predictor: a fitted model", "type"),
    "not fitted": (make_pipeline(word_features({"a": (["b c"], [0])}), LogisticRegression()), "a predictor that was fitted", "Pipeline before"),
    "complex": (lambda x, t: np.zeros(len(x), complex), "class numbers, or names", "complex128"),
    "dates": (lambda x, t: np.full(len(x), "2020-01-01", "datetime64[D]"), "class numbers, or names", "datetime64"),
    "ragged": (lambda x, t: [[0], *[[0, 1]] * (len(x) - 1)], "answers of shape \\(4,\\)", "differ in length"),
    "nothing": (lambda x, t: None, "answers of shape \\(4,\\)", "shape \\(\\)"),
    "a set": (lambda x, t: {0, 1}, "answers of shape \\(4,\\)", "shape \\(\\)"),
    "a gap among names": (lambda x, t: ["no", None, "yes", "no"], "a class of task 'mood'", "'None'"),
    "a gap among numbers": (lambda x, t: [0, np.nan, 1, 0], "a class for every item", "1 answers that are NaN"),
    "a row, not a list": (lambda x, t: sp.csr_matrix(np.zeros(len(x))), "answers of shape \\(4,\\)", "shape \\(1, 4\\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_in_three_parts(small, name):
    predictor, expected, more = BAD[name]
    with pytest.raises(rt.RagteachError, match=f"Expected: {expected}") as caught:
        small.score(predictor)
    assert re.search(more, str(caught.value))
    assert len(str(caught.value).splitlines()) == 3


def test_overlap_is_found_whatever_capitals_and_marks(small):
    assert "not known" in small.score(truth).note
    found = small.score(truth, trained_on=["where is it", "I LOVE IT!", "something else"])
    assert found.table["overlap"].tolist() == [2, 2]
    assert "4 of 6 held-out items were among the training items" in found.note
    by_task = small.score(truth, trained_on={"mood": (["i hate it"], [1])})
    assert by_task.table["overlap"].tolist() == [1, 0]
    assert "No held-out item" in small.score(truth, trained_on=["else"]).note
    with pytest.raises(rt.RagteachError, match="one text, 'where is it'"):
        small.score(truth, trained_on="where is it")


@pytest.mark.parametrize(
    "made",
    [
        lambda said: np.array(said, dtype=object),
        lambda said: np.array(said, dtype=bool),
        lambda said: torch.tensor(said, dtype=torch.bfloat16),
        lambda said: pd.Series(said, index=range(9, 9 + len(said))),
        lambda said: pd.Categorical.from_codes(said, CLASSES["mood"]),
        lambda said: np.array([CLASSES["mood"][y].encode() for y in said]),
        tuple,
    ],
)
def test_class_numbers_are_read_in_whatever_they_come(made):
    part = {"mood": HELD["mood"]}
    lab = Lab("one", part, part, part, CLASSES, lambda lab: {})
    assert lab.score(lambda x, task: made([int(y) for y in truth(x, task)])).mean == 1


def test_overlap_is_found_in_tables_tuples_and_whatever_holds_the_items(small):
    table = pd.DataFrame({"text": TEXTS[:2], "label": [0, 1]})
    for given in (
        table,
        {"mood": table},
        (["else"], list(TEXTS[:2])),
        table["text"],
        iter(TEXTS[:2]),
    ):
        assert small.score(truth, trained_on=given).table["overlap"].tolist() == [2, 2]
    with pytest.raises(rt.RagteachError, match="columns message(.|\n)*table\\['message'\\]"):
        small.score(truth, trained_on=table[["text"]].rename(columns={"text": "message"}))
    with pytest.raises(rt.RagteachError, match="trained_on(.|\n)*int 5"):
        small.score(truth, trained_on=5)


def test_not_yet_is_said_and_the_board_stands_without_yours(small):
    assert "Nothing to score yet" in small.score(...)
    board = small.leaderboard(...)
    assert list(board.table.index) == ["says no"] and "Nothing to score yet" in board.note
    board = small.leaderboard(truth)
    assert list(board.table.index) == ["yours", "says no"]
    assert board.table.loc["says no", "yours minus it"] == pytest.approx((0.5 + 1) / 2)
    assert "yours" in board._repr_html_() and "yours" in repr(board)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.01, 0.2, "better"), (-0.2, -0.01, "worse"), (-0.1, 0.1, "no clear difference")],
)
def test_a_verdict_is_read_from_the_interval(low, high, said):
    table = pd.DataFrame({"accuracy": [0.5], "from": [low], "to": [high]}, ["rival"])
    assert Board(table, "").verdict("rival") == said
    with pytest.raises(rt.RagteachError, match="'nobody'"):
        Board(table, "").verdict("nobody")


def test_the_interval_of_the_mean_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    sizes, chances = (40, 160), (0.9, 0.5)
    held = 0
    for _ in range(600):
        values = {i: rng.random(n) < p for i, (n, p) in enumerate(zip(sizes, chances, strict=True))}
        mean, half = mean_of_tasks(values)
        held += abs(mean - 0.7) <= half
    assert 0.91 < held / 600 < 0.98


def test_an_interval_of_a_share_stays_within_0_and_1():
    v = np.array([1.0, 1, 1, 0])
    mean, half = mean_of_tasks({"a": v})
    assert mean + half > 1 and mean - half > 0
    assert share_of_tasks({"a": v}) == (mean, mean - half, 1)
    assert share_of_tasks({"a": 1 - v}) == (1 - mean, 0, pytest.approx(1 - mean + half))


@pytest.mark.parametrize("right", [0, 1])
def test_where_all_items_are_alike_the_interval_is_wilsons(right):
    def ends(n):  # by hand: all of n trials right
        return n / (n + 1.959964**2)

    v = {"a": np.full(5, right), "b": np.full(5, right)}
    names = {"a": np.array(list("ppqqq")), "b": np.array(list("ppqqq"))}
    weighty = 1 / (0.4**2 + 0.6**2)  # two items, one of them heavier
    for groups, n in ((None, 10), (names, weighty)):
        mean, low, high = share_of_tasks(v, groups)
        wide = (ends(n), 1) if right else (0, 1 - ends(n))
        assert mean == right and (low, high) == pytest.approx(wide)
    uneven = share_of_tasks({"a": np.ones(4), "b": np.ones(2)})
    assert uneven[1] == pytest.approx(ends(1 / (4 / 64 + 2 / 16)))


def test_rows_of_one_item_count_together():
    v = np.array([1.0, 0, 1, 0, 1, 1])
    names = np.array(list("abcdef"))
    alone = mean_of_tasks({"s": v, "t": v})[1]
    together = mean_of_tasks({"s": v, "t": v}, {"s": names, "t": names})[1]
    assert together == pytest.approx(alone * 2**0.5)  # twice the same row is no new data


def test_the_best_of_scikit_learn_is_the_one_that_validation_chooses():
    lab = rt.lab("vision")
    best = lab.baselines[next(name for name in lab.baselines if name.startswith("scikit"))]
    assert isinstance(best, Best) and best.tried[best.name] == max(best.tried.values())
    hits = [np.mean(best.predict(x, t) == y) for t, (x, y) in lab.val.items()]
    assert best.tried[best.name] == pytest.approx(np.mean(hits))


def test_texts_of_your_own_become_a_lab():
    frame = rt.make_toy(1.0, 60, seed=0)
    from ragteach.labs.own import own_texts

    lab = own_texts(frame, 0, "word")
    assert lab.tasks == list(rt.TOY_TASKS) and lab.classes["films"] == list(rt.LABELS)
    own = linear_baselines(lab.train, lab.val, 3, word_features(lab.train))
    assert lab.score(own["full sharing"]).mean > lab.score(own["majority class"]).mean + 0.3
    assert lab.score(own["RAG"]).table["overlap"].sum() == 0


def test_numbers_of_your_own_become_a_lab_and_others_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    table = table.assign(label=np.where(table["a"] > 0, "up", "down"), task=["s", "t"] * 30)
    table.to_csv(tmp_path / "mine.csv", index=False)
    lab = rt.lab("vision", data=tmp_path / "mine.csv")
    assert lab.tasks == ["s", "t"] and lab.classes["s"] == ["down", "up"]
    assert lab.score(lab.baselines["RAG"]).mean > 0.7
    with pytest.raises(rt.RagteachError, match="no label"):
        rt.lab("vision", data=table.drop(columns="label"))
    with pytest.raises(rt.RagteachError, match="'x' in column 'd'"):
        rt.lab("vision", data=table.assign(d="x"))
    with pytest.raises(rt.RagteachError, match="nan in column 'd'"):
        rt.lab("vision", data=table.assign(d=np.nan))
    with pytest.raises(rt.RagteachError, match="'painting'"):
        rt.lab("painting")
