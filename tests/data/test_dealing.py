"""Families are dealt whole, and yet every task and label has its share in each part."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ragteach as rt
from ragteach.data.dealing import deal_families
from ragteach.data.splits import tied
from ragteach.study.draws import draw

SHARES = np.array([0.6, 0.2, 0.2])


def sizes(task):
    n_rows = np.bincount(task)
    few = np.floor(np.outer(n_rows, SHARES[1:])).astype(int)
    return np.column_stack([n_rows - few.sum(1), few])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4), st.integers(1, 30))
def test_no_family_is_torn_and_no_row_lost(seed, n_tasks, n_labels, largest):
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(40), rng.integers(1, largest + 1, 40))
    task = rng.integers(0, n_tasks, len(family))
    task[:n_tasks] = np.arange(n_tasks)
    label = rng.integers(0, n_labels, len(family))
    part = deal_families(family, task, label, sizes(task), rng)
    assert set(part) <= {0, 1, 2}
    for one in range(40):
        assert len(set(part[family == one])) == 1


@pytest.mark.parametrize("seed", range(5))
def test_small_families_across_tasks_fill_every_part_of_every_task(seed):
    rng = np.random.default_rng(seed)
    family = np.concatenate([np.repeat(np.arange(60), 4), np.arange(60, 160)])
    task = rng.integers(0, 3, len(family))
    label = rng.integers(0, 2, len(family))
    wanted = sizes(task)
    part = deal_families(family, task, label, wanted, rng)
    found = pd.crosstab(task, part).to_numpy()
    assert (found == wanted).all()
    share = pd.crosstab([task, part], label, normalize="index")[1].unstack()
    whole = pd.Series(label).groupby(task).mean()
    assert (share.sub(whole, axis=0).abs() < 0.1).all(axis=None)


def test_every_family_tests_about_as_often():
    family = np.repeat(np.arange(28), [5, 4, 4, 3, 3, 2, 2, 2] + [1] * 20)
    rng = np.random.default_rng(0)
    task = rng.integers(0, 2, len(family))
    label = rng.integers(0, 2, len(family))
    times = np.zeros(len(family))
    for seed in range(300):
        times += deal_families(family, task, label, sizes(task), np.random.default_rng(seed)) == 2
    assert 0.08 < (times / 300).min() and (times / 300).max() < 0.4


def test_a_task_of_few_rows_has_one_in_every_part_beside_large_families():
    """Twelve rows, most of them in families of a hundred rows of other tasks."""
    rng = np.random.default_rng(0)
    family = np.concatenate([np.repeat(np.arange(5), 100), np.arange(5, 300)])
    task = np.zeros(len(family), dtype=int)
    task[rng.choice(len(family), 12, replace=False)] = 1
    for seed in range(20):
        part = deal_families(
            family, task, np.zeros_like(task), sizes(task), np.random.default_rng(seed)
        )
        assert (np.bincount(part[task == 1], minlength=3) > 0).all()


def test_rows_that_belong_to_the_first_part_are_counted_there():
    family = np.arange(50)
    stays = family < 10
    task = np.zeros(50, dtype=int)
    part = deal_families(family, task, task, sizes(task), np.random.default_rng(0), stays)
    assert (part[stays] == 0).all() and np.bincount(part).tolist() == [30, 10, 10]
    few = stays.astype(int)  # a task all of whose rows stay
    part = deal_families(family, few, task, sizes(few), np.random.default_rng(0), stays)
    assert (part[stays] == 0).all() and np.bincount(part).tolist() == [34, 8, 8]


FRAMES = "We went there in {m} and the {n} was {a}.|The {n} felt {a}.|I ordered {n} in {m}; {a}."


def templates(n=400, seed=0):
    """Texts of a few templates in four tasks, as surveys hold: most have kin in other tasks."""
    rng = np.random.default_rng(seed)
    words = {"m": "May June July".split(), "a": "good bad fine poor".split()}
    words["n"] = "soup room book lamp fan sole card hotel menu bed".split()
    rows = [
        {
            "text": rng.choice(FRAMES.split("|")).format(
                **{key: rng.choice(some) for key, some in words.items()}
            )
            + f" {rng.integers(10**5)}",
            "label": ["no", "yes"][rng.integers(2)],
            "task": "abcd"[i % 4],
        }
        for i in range(n)
    ]
    return rt.as_frame(pd.DataFrame(rows))


def test_a_file_of_templates_is_split_as_promised():
    frame = templates()
    family = tied(frame)
    assert np.bincount(family).max() > 5
    split = rt.split_frame(frame, seed=1)
    drawn = draw("own", frame, None, 1)
    for parts in (split, drawn):
        counts = [part.groupby("task").size().tolist() for part in parts]
        assert counts == [[60] * 4, [20] * 4, [20] * 4]
