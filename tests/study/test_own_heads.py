"""Tasks with different classes, from one table to heads with names."""

import numpy as np
import pandas as pd
import pytest
from problems import refused

from ragteach import MultiHead, MultiTaskDataset, fit_heads, heads_from_frame, load, save

TEXTS = [
    f"{mood} {thing} number {i}"
    for i in range(6)
    for mood in ("good", "bad")
    for thing in ("film", "car")
]
MOOD = ["happy" if "good" in text else "angry" for text in TEXTS]
ABOUT = [10 if "film" in text else 2 for text in TEXTS]


def wide():
    return pd.DataFrame({"text": TEXTS, "mood": MOOD, "about": ABOUT})


def long():
    parts = [
        wide()[["text", name]].set_axis(["text", "label"], axis=1).assign(task=name)
        for name in ("mood", "about")
    ]
    return pd.concat(parts)


@pytest.mark.parametrize("made", [
    lambda: heads_from_frame(wide(), label=["mood", "about"]), lambda: heads_from_frame(long()),
], ids=["wide", "long"])  # fmt: skip
def test_each_task_has_its_own_classes_and_learns_them(made, tmp_path):
    made = made()
    assert made.class_names == {"mood": ["angry", "happy"], "about": ["2", "10"]}
    assert made.data["mood"][1].tolist() == [MOOD_ORDER.index(m) for m in MOOD]
    model = MultiHead(made.n_features, made.heads, n_hidden=4)
    fit_heads(model, made.data, epochs=60, progress=False)
    assert all(score["accuracy"] == 1 for score in model.evaluate(made.data).values())
    path = save(tmp_path / "heads.safetensors", model, made.vectorizer, made.class_names)
    assert load(path).labels == made.class_names
    other = heads_from_frame(long().head(3), made.vectorizer, class_names=made.class_names)
    assert other.class_names == {"mood": made.class_names["mood"]}


MOOD_ORDER = ["angry", "happy"]


def test_empty_cells_are_no_label():
    frame = wide().assign(about=[*ABOUT[:8], *[np.nan] * (len(ABOUT) - 8)])
    made = heads_from_frame(frame, label=["mood", "about"])
    assert [len(y) for _, y in made.data.values()] == [24, 8]
    assert made.class_names["about"] == ["2", "10"]


def test_heads_ask_for_the_room_of_dense_documents_twice(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "ragteach.study.own_heads.fits_memory", lambda _, n_bytes, fix: asked.append(n_bytes)
    )
    made = heads_from_frame(long())
    assert asked == [2 * 4 * len(long()) * made.n_features]


def test_one_model_for_classes_that_differ_is_refused_and_names_the_way():
    with refused(
        "tasks with classes in common", "task 'mood' with angry, happy", "heads_from_frame"
    ):
        MultiTaskDataset.from_frame(long())
    with refused("two classes or more", "['angry'] in task 'mood'", "another class"):
        heads_from_frame(long()[lambda f: f["label"] != "happy"])
