"""Labels on a scale: measurements are asked about at every door, cut, or put in your order."""

import numpy as np
import pandas as pd
import pytest
from problems import refused

import ragteach as rt
from ragteach.__main__ import _parsed
from ragteach.data.frames import any_frame
from ragteach.data.wild.asked import asked_frame
from ragteach.study.experiment import compare
from ragteach.study.scores import ERROR, class_values

N = 120
WORDS = "red blue slow fast car film book dog tree lamp".split()


def table(labels):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 5)) + f" n{i}" for i in range(N)]
    return pd.DataFrame({"text": texts, "label": labels, "task": ["a"] * 60 + ["b"] * 60})


SCORES = table(np.arange(N) % 40 * 2)  # 0, 2 .. 78, each three times
MEASUREMENTS = {
    "scores": SCORES["label"],
    "shares": (SCORES["label"] / 80).round(3),
    "European prices": [f"{v},50 €" for v in SCORES["label"]],
    "text": SCORES["label"].astype(str),
    "one slip": [*SCORES["label"][:-1].astype(str), "abc"],
}
DOORS = {
    "as_frame": rt.as_frame,
    "from_frame": rt.MultiTaskDataset.from_frame,
    "compare": lambda data, **said: compare(
        data, 1, 10, ["majority class"], progress=False, **said
    ),
    "fit_split": lambda data, **said: rt.fit_split(data, strategies=["full sharing"], **said),
    "heads": lambda data, **said: rt.heads_from_frame(rt.mend(data, **said)),
    "mend": lambda data, **said: rt.as_frame(rt.mend(data, **said)),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_door_asks_about_measurements_and_takes_the_answer(door):
    with refused(
        "names of classes", "40 different numbers in the column 'label', 0 to 78", "cut=3"
    ):
        door(SCORES)
    door(SCORES, cut=3)


@pytest.mark.parametrize("labels", MEASUREMENTS.values(), ids=MEASUREMENTS)
def test_any_kind_of_number_is_asked_about(labels):
    with refused("names of classes", "may be measurements", "as_classes=True"):
        rt.as_frame(table(labels))
    assert len(rt.as_frame(table(labels), as_classes=True).attrs["label_names"]) >= 40


@pytest.mark.parametrize("labels", [np.arange(N) % 21, [f"kind {i % 40}" for i in range(N)]])
def test_a_scale_and_words_are_no_measurements(labels):
    assert len(rt.as_frame(table(labels)).attrs["label_names"]) in (21, 40)


def test_the_named_classes_of_a_frame_are_not_asked_about_again():
    frame = rt.as_frame(SCORES, as_classes=True)
    assert rt.as_frame(frame).attrs["label_names"] == frame.attrs["label_names"]


def test_a_cut_has_classes_of_as_many_rows_from_low_to_high():
    frame = rt.as_frame(SCORES, cut=4)
    number = frame["label"].to_numpy()
    assert np.bincount(number).tolist() == [30, 30, 30, 30]
    assert (np.diff(number[np.argsort(SCORES["label"], kind="stable")]) >= 0).all()
    assert frame.attrs["label_names"] == ["0 to 18", "20 to 38", "40 to 58", "60 to 78"]
    assert class_values(frame).tolist() == [0, 1, 2, 3]
    [said] = frame.attrs["mended"]
    assert "cut into 4 classes: '0 to 18' (30 rows)" in said
    assert said in " ".join(str(rt.look(SCORES, cut=4)).split())


def test_a_cut_of_named_numbers_is_that_of_the_numbers():
    frame = rt.as_frame(SCORES, as_classes=True)
    assert (
        rt.as_frame(frame, cut=4)["label"].tolist() == rt.as_frame(SCORES, cut=4)["label"].tolist()
    )


def test_what_cannot_be_cut_is_refused():
    with refused("numbers in the column 'label'", "'x'", "drop_labels"):
        rt.as_frame(table([*range(N - 1), "x"]), cut=3)
    with refused("cut into 3 classes", "one alone has 100 of 120", "cut=2"):
        rt.as_frame(table([0] * 100 + list(range(1, 21))), cut=3)
    with refused("cut", "1", ""):
        rt.as_frame(SCORES, cut=1)
    with refused("one of cut, as_classes and label_order", "cut, as_classes", "leave all but one"):
        rt.as_frame(SCORES, cut=3, as_classes=True)


def test_the_command_line_says_the_same(tmp_path):
    path = str(tmp_path / "scores.csv")
    SCORES.to_csv(path, index=False)
    with refused(
        "names of classes",
        "40 different numbers",
        "--cut 3; or, if each number is a class of its own: --as-classes; or",
    ):
        asked_frame(path, _parsed(["train", path]))
    for command in (["train", path], ["look", path], ["compare", "--data", path]):
        options = _parsed([*command, "--cut", "3"])
        options.missing = "ask"
        assert asked_frame(path, options).attrs["ordered"]


# ---------------------------------------------------------------- an order of your own

MOODS = table((["ok", "bad", "good"] * N)[:N])


def test_an_order_that_was_given_has_an_error_and_a_list_has_none():
    order = ["bad", "ok", "good"]
    frame = rt.as_frame(MOODS, label_order=order)
    assert frame.attrs["label_names"] == order and class_values(frame).tolist() == [0, 1, 2]
    assert class_values(rt.as_frame(MOODS)) is None  # a known scale, but nobody said so
    assert class_values(rt.as_frame(MOODS, class_names=order)) is None  # names are no order
    category = pd.Categorical(MOODS["label"], order, ordered=True)
    assert class_values(rt.as_frame(MOODS.assign(label=category))).tolist() == [0, 1, 2]
    metrics = compare(MOODS, 1, 10, ["majority class"], progress=False, label_order=order)
    errors = metrics[metrics["metric"] == ERROR]
    assert len(errors) == 3 and metrics.attrs["largest_error"] == 2


def test_the_error_counts_steps_in_your_order():
    """All say "ok", which is a little more than a third; the others are one step from it."""
    frame = rt.as_frame(table((["bad", "ok", "good"] * N)[:N]), label_order=["bad", "ok", "good"])
    frame.loc[[*range(6), *range(60, 66)], "label"] = 1
    found = compare(frame, 1, strategies=["majority class"], progress=False)
    error = found[(found["metric"] == ERROR) & (found["task"] == "mean")]["value"].item()
    right = found[(found["metric"] == "accuracy") & (found["task"] == "mean")]["value"].item()
    assert error == pytest.approx(1 - right)


def test_an_order_names_every_label_and_no_other():
    with refused("every label once", "without 'ok'", "write all of them"):
        rt.as_frame(MOODS, label_order=["bad", "good"])
    with refused("every label once", "'goood' is no label", "did you mean 'good'"):
        rt.as_frame(MOODS, label_order=["bad", "ok", "goood", "good"])


# ---------------------------------------------------------------- labels that look like none

SEVERAL = pd.DataFrame(
    {
        "text": [f"{WORDS[i % 10]} {WORDS[i // 10 % 10]} n{i}" for i in range(60)],
        "mood": ["NA", "good", ""] * 20,
        "topic": ["none", "NA", "art"] * 20,
    }
)
BOTH = {"label": ["mood", "topic"]}


def test_words_for_gaps_in_several_columns_are_one_question():
    with refused("every row of each label column", "20 x 'NA' in 'mood'; 20 x 'none', 20 x 'NA' in 'topic'",
                 'real_labels=["NA"]'):  # fmt: skip
        any_frame(SEVERAL, **BOTH)


def test_a_word_for_a_gap_may_be_a_label_in_all_columns_at_once():
    frame = any_frame(SEVERAL, **BOTH, real_labels=["none", "NA"])
    assert sorted(frame.attrs["label_names"]) == ["NA", "art", "good", "none"]
    assert len(frame) == 40 + 60  # empty cells are still no label
    some = any_frame(SEVERAL, **BOTH, real_labels=["NA"], missing="drop")
    assert sorted(some.attrs["label_names"]) == ["NA", "art", "good"] and len(some) == 40 + 40
    again = rt.split_frame(frame)
    assert sum(map(len, again)) == len(frame)


def test_look_tells_the_words_for_gaps_of_several_columns():
    said = str(rt.look(SEVERAL, **BOTH))
    assert "20 x 'none', 20 x 'NA' in 'topic'" in " ".join(said.split())


def test_a_label_of_one_column_may_look_like_none():
    moods = MOODS.replace({"label": {"ok": "n.a."}})
    with refused("a label in every row", "40 x 'n.a.'", 'real_labels=["n.a."]'):
        rt.as_frame(moods)
    assert rt.as_frame(moods, real_labels=["n.a."]).attrs["label_names"] == ["bad", "good", "n.a."]
