"""Tasks with classes of their own take the same calls, and keep their names."""

import dataclasses
import html
import re

import numpy as np
import pandas as pd
import pytest
import torch
from problems import refused
from sklearn.metrics import accuracy_score, log_loss

import ragteach as rt
from ragteach import __main__ as command
from ragteach.integrations.training import save_split
from ragteach.study import own_classes
from ragteach.study.draws import draw
from ragteach.study.kept import Kept
from ragteach.study.own_classes import OWN, HeadParts, own_names, score_heads
from ragteach.widgets import report


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(own_classes, "EPOCHS", 30)


def rows(n=72):
    """Odd rows say a mood, even rows a topic; one word tells each."""
    rng = np.random.default_rng(0)
    table = []
    for i in range(n):
        good, film = rng.random(2) < 0.5
        more = rng.integers(10**15, size=2)
        text = f"{'good' if good else 'bad'} {'film' if film else 'car'} {more[0]} {more[1]}"
        mood, topic = "happy" if good else "angry", "art" if film else "motor"
        table.append((text, mood if i % 2 else topic, "mood" if i % 2 else "topic"))
    return pd.DataFrame(table, columns=["text", "label", "task"])


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    path = tmp_path_factory.mktemp("mine") / "mine.csv"
    rows().to_csv(path, index=False)
    return path


def test_compare_takes_a_path_a_loaded_table_and_a_frame(mine):
    options = {"seeds": 1, "strategies": ["full sharing", "majority class"], "progress": False}
    tables = [rt.compare(data, **options) for data in (str(mine), rt.load_csv(mine), rows())]
    for table in tables[1:]:
        left, right = (t.drop(columns="seconds") for t in (tables[0], table))
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert set(tables[0]["task"]) == {"mood", "topic", "mean"}
    best = rt.summary(tables[0])
    assert best["strategy"][0] == "full sharing" and best["mean"][0] > 0.85


def test_scores_are_what_scikit_learn_says_of_the_tasks_own_classes():
    frame = rt.load_csv(rows().to_csv(index=False).encode())
    names = own_names(rt.data.frames.any_frame(frame))
    assert names == {"mood": ["angry", "happy"], "topic": ["art", "motor"]}
    parts = rt.split_frame(rt.data.frames.any_frame(frame), seed=1)
    made = HeadParts(parts, names)
    model = own_classes.best_heads(OWN["RAG"], made)
    scores = {(task, metric): v for task, metric, v in score_heads(OWN["RAG"], made)[0]}
    called = parts[0].attrs["label_names"]
    for task, own in names.items():
        test = parts[2][parts[2]["task"] == task]
        truth = [called[n] for n in test["label"]]
        x = torch.from_numpy(made.vectorizer.transform(test["text"]).toarray())
        with torch.no_grad():
            p = model.model(x, task).softmax(1).numpy()
        said = [own[c] for c in p.argmax(1)]
        assert scores[task, "accuracy"] == pytest.approx(accuracy_score(truth, said))
        assert scores[task, "log_loss"] == pytest.approx(log_loss(truth, p, labels=own), abs=1e-6)


def test_coarse_penalties_are_some_of_the_fine_ones():
    coarse, fine = own_classes.COARSE, own_classes.FINE
    assert (coarse[0], coarse[-1]) == (fine[0], fine[-1]) == pytest.approx((1e-5, 0.1))
    assert all(np.isclose(fine, lam).any() for lam in coarse) and len(coarse) < len(fine)


def test_heads_are_trained_anew_unless_told_to_go_on(monkeypatch, tmp_path):
    trained = []

    def train(strategy, parts, at):
        trained.append(at)
        return f"model {at}", [3.0, 1.0, 2.0][at]

    monkeypatch.setattr(own_classes, "_trained", train)
    three = dataclasses.replace(OWN["RAG"], tries=OWN["RAG"].tries[:3])
    for options, expected in (({}, [0, 1, 2]), ({}, [0, 1, 2]), ({"resume": True}, [1])):
        trained.clear()
        best = own_classes.best_heads(three, None, Kept(tmp_path, "these", "part"), **options)
        assert trained == expected  # the best one is trained again, for its model
        assert best.model == "model 1" and best.losses.tolist() == [3.0, 1.0, 2.0]


def test_who_makes_the_representation():
    made = rt.heads_from_frame(rows())
    both, shared, own = (OWN[n].builder(made) for n in ("RAG", "full sharing", "independent"))
    assert both.body.n_adapters == own.body.n_adapters == 2 and shared.body.n_adapters == 0
    assert not own.body.shared.any() and not own.body.shared.requires_grad
    rt.fit_heads(own, made.data, epochs=3, progress=False)
    assert not own.body.shared.any()


def test_train_saves_heads_that_predict_with_names(mine, tmp_path, capsys):
    model = tmp_path / "heads.safetensors"
    assert command.main(["train", str(mine), "--save", str(model)]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("mood", "topic", "all tasks", "--task"))
    saved = rt.load(model)
    assert saved.labels == {"mood": ["angry", "happy"], "topic": ["art", "motor"]}
    logits = saved.logits(["good car", "bad film"], "mood")
    assert [saved.labels["mood"][c] for c in logits.argmax(1)] == ["happy", "angry"]


def test_the_reports_lines_run(tmp_path, capsys, monkeypatch):
    """The page has no slider for such tasks, and its lines of Python say a name."""
    monkeypatch.chdir(tmp_path)
    split = rt.fit_split(rows(), strategies=["RAG"])
    save_split("m.safetensors", split, "RAG")
    page = report._model(split, "RAG", "The comparison says so.", "m.safetensors")
    code = html.unescape(re.search(r"<pre>(import .*?)</pre>", page, re.DOTALL)[1])
    exec(code)
    assert capsys.readouterr().out.strip() in ("happy", "angry", "art", "motor")
    assert "classes of their own" in report._slider(split)


def test_strategies_without_heads_are_refused():
    for given in (
        "independent, equal parameters",
        rt.Strategy("mine", lambda data: None, ((1, 1),)),
    ):
        with refused("strategy for tasks with classes of their own", "equal parameters", "RAG"):
            rt.compare(rows(), 1, strategies=["independent, equal parameters"], progress=False)
        with refused("strategy for tasks with classes of their own", "", "RAG"):
            rt.compare(rows(), 1, strategies=[given], progress=False)


def test_one_model_of_such_a_table_is_still_refused(mine):
    with refused("tasks with classes in common", "happy", "head of its own"):
        rt.MultiTaskDataset.from_frame(rt.load_csv(mine))


def test_six_questions_about_the_same_texts_leave_texts_to_test():
    """Each task in an order of its own would leave .2 ^ 6 of the texts: none."""
    texts = [f"text number {i}" for i in range(60)]
    columns = {f"q{k}": [str((i + k) % 2) for i in range(60)] for k in range(6)}
    frame = rt.as_frame({"text": texts, **columns}, label=list(columns))
    train, val, test = draw("own", frame, None, seed=0)
    assert set(test.groupby("task").size()) == {12} and val.groupby("task").size().min() >= 10
    assert not set(train["text"]) & {*val["text"], *test["text"]}
    assert not set(val["text"]) & set(test["text"])


def test_the_majority_class_scores_what_scikit_learn_says_of_training_s_frequencies():
    frame = rt.data.frames.any_frame(rt.load_csv(rows().iloc[:60].to_csv(index=False).encode()))
    parts = rt.split_frame(frame, seed=1)
    names = own_names(frame)
    found = score_heads(OWN["majority class"], HeadParts(parts, names))[0]
    scores = {(task, metric): value for task, metric, value in found}
    called = np.array(frame.attrs["label_names"])
    for task, own in names.items():
        train, test = (called[part.loc[part["task"] == task, "label"]] for part in parts[::2])
        counts = np.array([(train == name).sum() + 1 for name in own])
        p = np.tile(counts / counts.sum(), (len(test), 1))
        assert scores[task, "log_loss"] == pytest.approx(log_loss(test, p, labels=own))
        said = [own[counts.argmax()]] * len(test)
        assert scores[task, "accuracy"] == pytest.approx(accuracy_score(test, said))
