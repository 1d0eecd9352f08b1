"""Parts share no text, whatever is repeated or rare."""

import numpy as np
import pandas as pd
import pytest
from problems import refused

from ragteach import RagteachError, make_toy, mend, split_frame
from ragteach.data.frames import as_frame
from ragteach.data.resemblance import text_key
from ragteach.data.splits import SplitWarning, groups
from ragteach.study.draws import draw


def disguised(frame):
    """The same texts with other case, commas and spaces."""
    return frame.assign(text="  " + frame["text"].str.upper().str.replace(" ", "  ") + " !!")


def tripled():
    frame = make_toy(n_per_task=30)
    return pd.concat([frame, disguised(frame), frame])  # with a repeated index


def disjoint(parts):
    texts = [set(map(text_key, part["text"])) for part in parts]
    return not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])


def test_the_same_text_is_one_text():
    same = ["Good film.", "good   film", "GOOD, film!", "\uff47\uff4f\uff4f\uff44 film"]
    assert set(groups(same)) == {0}
    other = ["good films", "\U0001f600", "\U0001f62d", "!!", "\u0915\u093f", "\u0915\u0940"]
    assert groups(other).tolist() == list(range(6))


def test_repeated_rows_go_to_one_part_and_none_is_lost():
    parts = split_frame(tripled())
    assert disjoint(parts) and [len(part) for part in parts] == [216, 72, 72]


@pytest.mark.parametrize("n", [None, 20])
def test_draws_share_no_text_across_tasks_either(n):
    frame = tripled()
    other = disguised(frame[frame["task"] == "cars"]).assign(task="again")
    parts = draw("own", pd.concat([frame, other]), n, seed=1)
    assert disjoint(parts) and all(len(part) for part in parts)


def test_distinct_texts_are_split_as_they_always_were():
    frame = make_toy(n_per_task=20)
    rng = np.random.default_rng(3)
    cars = frame[frame["task"] == "films"].iloc[rng.permutation(20)[:12]]
    part = draw("human", frame, None, seed=3)[0]
    assert set(part[part["task"] == "films"]["text"]) == set(cars["text"])


def test_the_most_frequent_class_is_as_frequent_in_every_part():
    """Dealt by chance alone, it is rarer in the test where it is more frequent in training."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(10**6, 8).astype(str)) for _ in range(60)]
    frame = pd.DataFrame({"text": texts, "label": [0] * 33 + [1] * 27, "task": "t"})
    shares = []
    for seed in range(8):
        train, val, test = draw("own", frame, None, seed)
        for part in (train, val, test):
            assert abs((part["label"] == 0).sum() - 0.55 * len(part)) <= 1.5
        shares.append((test["label"] == train["label"].mode()[0]).mean())
    assert np.mean(shares) == pytest.approx(0.55, abs=0.03)


def test_a_rare_pair_trains_and_is_said():
    frame = pd.DataFrame(
        {"text": [f"text {i}" for i in range(61)], "label": [0, 1] * 30 + [2], "task": "t"}
    )
    said = (
        r"1 \(task, label\) pair has fewer than 3 texts: 't/2'. Its 1 text went into the training "
        "part; no validation or test text is of it"
    )
    with pytest.warns(SplitWarning, match=said):
        train, val, test = split_frame(frame)
    assert 2 in set(train["label"]) and len(train) == 37 and len(val) == len(test) == 12


def test_many_small_strata_are_dealt_out_too():
    frame = pd.DataFrame({"text": [f"text {i}" for i in range(300)], "label": np.arange(300) % 10,
                          "task": [f"task {i % 100}" for i in range(300)]})  # fmt: skip
    parts = split_frame(frame)
    assert [len(part) for part in parts] == [100, 100, 100]
    assert all(part.groupby(["task", "label"]).size().eq(1).all() for part in parts)


def test_nothing_to_split_is_refused():
    with refused("enough examples", "the rarest pair", "merge"):
        split_frame(pd.DataFrame({"text": list("ab"), "label": [0, 1], "task": "t"}))


def test_a_rare_pair_is_called_by_its_own_name():
    table = {"text": [f"text {i}" for i in range(61)], "label": ["bad", "good"] * 30 + ["odd"]}
    with pytest.warns(SplitWarning, match="'task1/odd'"):
        split_frame(as_frame(table))


def test_columns_may_be_named():
    frame = pd.DataFrame(
        {
            "said": [f"text {i}" for i in range(60)],
            "mood": ["calm", "angry"] * 30,
            "tone": ["calm", None, "angry"] * 20,
            "shop": ["x"] * 30 + ["y"] * 30,
        }
    )
    parts = split_frame(frame, text="said", label="mood", task="shop")
    assert [len(part) for part in parts] == [36, 12, 12]
    assert list(parts[0].columns) == list(frame.columns)
    assert parts[2].groupby(["shop", "mood"]).size().eq(3).all()
    several = split_frame(frame, text="said", label=["mood", "tone"])
    assert sum(map(len, several)) == 100 and disjoint(several)
    assert several[0].attrs["task_names"] == ["mood", "tone"]
    with refused("a column among", "no column 'tune' for label", "spelling"):
        split_frame(frame, text="said", label="tune")


@pytest.mark.parametrize("column", ["label", "task"])
@pytest.mark.parametrize("gap", [None, "unknown"])
def test_rows_without_a_name_are_asked_about(column, gap):
    frame = pd.DataFrame({"text": [f"text {i}" for i in range(40)], "label": ["a", "b"] * 20})
    frame["task"] = ["cars"] * 20 + ["films"] * 20
    frame.loc[[3, 5, 7, 9], column] = gap
    with pytest.raises(RagteachError, match=f"a {column} in every row\nGot: 4 of 40 rows"):
        split_frame(frame)
    for way, left in (("drop", 36), ("keep", 40)):
        assert sum(map(len, split_frame(mend(frame, missing=way)))) == left


def test_a_column_of_row_names_as_tasks_is_pointed_out():
    frame = pd.DataFrame({"text": [f"said {i}" for i in range(9)], "label": [0, 1, 0] * 3})
    with refused("every (task, label) pair", "has 1", "may be a row's number or name"):
        split_frame(frame.assign(task=[f"user{i}" for i in range(9)]))
