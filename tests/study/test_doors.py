"""One door: a frame, a path and a dataset of the same rows give the same answer."""

import numpy as np
import pandas as pd
import pytest
from problems import refused

from ragteach import (
    RAG,
    MultiTaskDataset,
    augment,
    compare,
    fit_split,
    mend,
    resample,
    search,
    solve,
)

METRICS = ["accuracy", "log_loss", "lam"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    words = "good bad film car nice poor great ugly".split()
    texts = [" ".join([*rng.choice(words, 4), f"n{i}"]) for i in range(60)]
    return pd.DataFrame(
        {"text": texts, "label": ["no", "yes"] * 30, "task": ["a", "a", "b", "b"] * 15}
    )


@pytest.fixture(scope="module", params=["path", "dataset"])
def other(request, frame, tmp_path_factory):
    """The same rows in another form."""
    if request.param == "dataset":
        return MultiTaskDataset.from_frame(frame)
    path = tmp_path_factory.mktemp("mine") / "mine.csv"
    frame.to_csv(path, index=False)
    return str(path)


def test_compare(frame, other):
    options = {"seeds": 1, "n_per_task": 10, "strategies": ["RAG"], "progress": False}
    tables = [compare(data, **options).drop(columns="seconds") for data in (frame, other)]
    pd.testing.assert_frame_equal(*tables)
    assert set(tables[0]["task"]) == {"a", "b", "mean"}


def test_one_split(frame, other):
    splits = [fit_split(data, strategies=["RAG"]) for data in (frame, other)]
    assert np.array_equal(splits[0].right("RAG"), splits[1].right("RAG"))
    assert splits[1].task_names == ["a", "b"]


@pytest.mark.parametrize(
    "door",
    [
        lambda data: compare(data, 1, 10, ["majority class"], progress=False),
        lambda data: fit_split(data, strategies=["full sharing"]),
        MultiTaskDataset.from_frame,
    ],
)
def test_rows_without_a_label_are_asked_about_once(door, frame):
    """What the refusal says to do fits every door, also one that has no argument for it."""
    gaps = frame.assign(label=["", "unknown", *frame["label"][2:]])
    with refused("a label in every row", "2 of 60 rows", 'rt.mend(data, missing="drop")'):
        door(gaps)
    assert door(mend(gaps, missing="drop")) is not None
    again = mend(mend(gaps, missing="drop"), drop_labels=["no"])  # said once
    assert len(MultiTaskDataset.from_frame(again)) == 29


def test_search_takes_tables(frame):
    pytest.importorskip("optuna")
    space = {"rank": None, "graph": "one_per_task", "alpha": "equal", "lam": 0.1, "lam_shared": 0.1}
    train = MultiTaskDataset.from_frame(frame[:40])
    val = MultiTaskDataset.from_frame(frame[40:], like=train)
    options = {"n_trials": 1, "space": space, "epochs": 2, "progress": False}
    losses = [search(a, b, **options).val_loss for a, b in ((train, val), (frame[:40], frame[40:]))]
    assert losses[0] == losses[1]


def test_augmentation_takes_what_as_frame_takes(frame, other):
    def rows(table):
        table = pd.DataFrame(table).astype({"task": str})
        return table["text"].tolist(), table["task"].tolist()

    assert rows(resample(frame, seed=1)) == rows(resample(other, seed=1))
    assert rows(augment(frame, seed=1)) == rows(augment(other, seed=1))


def test_training_a_model_asks_for_the_words_it_was_made_for(frame):
    with refused("a MultiTaskDataset", "DataFrame", "from_frame(frame, like=train)"):
        solve(RAG(4, 2, 2), frame, 0.1, 0.1)
