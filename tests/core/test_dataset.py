"""From texts and labels to examples and stacked tensors; and what is refused on the way."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from problems import problem, refused

from ragteach import MISSING, RAG, MultiTaskDataset, evaluate, make_vectorizer, split_frame
from ragteach.linear import BlockSparse

TEXTS = ["good film", "bad film", "good brakes", "bad brakes loud brakes"]
TASKS = ["films", "films", "cars", "cars"]


def test_an_example_is_a_document_a_label_and_a_task():
    data = MultiTaskDataset(TEXTS, [1, 0, 1, 0], 2, TASKS)
    assert data.task_names == ["films", "cars"] and data.n_tasks == 2 and len(data) == 4
    assert data.task.tolist() == [0, 0, 1, 1] and data.y.tolist() == [1, 0, 1, 0]
    x, y, task = data[3]
    assert x.shape == (data.n_features,) and (y.item(), task.item()) == (0, 1)
    assert data.sizes.tolist() == [2, 2]
    assert len(list(data)) == 4  # it ends


def test_the_vocabulary_is_the_training_set_s():
    train = MultiTaskDataset(TEXTS, [1, 0, 1, 0], 2, TASKS)
    test = MultiTaskDataset(
        ["good unseen words"], [1], 2, ["cars"], train.task_names, train.vectorizer
    )
    assert test.n_features == train.n_features and "unseen" not in train.vectorizer.vocabulary_
    assert (test.x > 0).sum() == 1
    assert MultiTaskDataset(["zzz"], [1], 2, vectorizer=train.vectorizer).x.sum() == 0


def test_like_takes_over_words_tasks_and_classes_unless_they_are_named():
    table = {"text": TEXTS, "label": ["up", "down", "up", "down"], "task": TASKS}
    train = MultiTaskDataset.from_frame(table, task_names=["films", "phones", "cars"])
    new = {"text": ["good film"], "label": ["up"], "task": ["films"]}
    test = MultiTaskDataset.from_frame(new, like=train)
    assert test.task_names == train.task_names == ["films", "phones", "cars"]
    assert test.class_names == train.class_names and test.vectorizer is train.vectorizer
    assert MultiTaskDataset.from_frame(new, like=train, task_names=["films"]).task_names == [
        "films"
    ]


def test_columns_of_labels_with_gaps_equal_the_long_form():
    wide = MultiTaskDataset(
        torch.eye(3), [[0, MISSING], [1, 1], [MISSING, 0]], 2, task_names=["a", "b"]
    )
    assert wide.doc.tolist() == [0, 1, 1, 2]
    assert wide.task.tolist() == [0, 0, 1, 1] and wide.y.tolist() == [0, 1, 1, 0]
    long = MultiTaskDataset(torch.eye(3)[wide.doc], wide.y, 2, wide.task, ["a", "b"])
    for name in ("x", "y", "weight", "onehot"):
        assert torch.equal(getattr(wide.stacked(), name), getattr(long.stacked(), name))


def test_a_missing_label_is_no_example():
    data = MultiTaskDataset(TEXTS, [1, MISSING, 1, 0], 2, TASKS)
    assert len(data) == 3 and data.stacked().sizes.tolist() == [1, 2]


def test_stacking_pads_with_nothing():
    data = problem(sizes=(2, 5, 3))
    tensors = data.stacked(dtype=torch.float64)
    assert tensors.x.shape == (3, 5, 6) and tensors.sizes.tolist() == [2, 5, 3]
    torch.testing.assert_close(tensors.weight.sum(1), torch.ones(3, dtype=torch.float64))
    for t in range(3):
        n = data.sizes[t]
        assert torch.equal(tensors.x[t, :n].float(), data.x[data.task == t])
        assert torch.equal(tensors.y[t, :n], data.y[data.task == t])
        assert tensors.x[t, n:].eq(0).all() and tensors.weight[t, n:].eq(0).all()
    assert tensors.onehot.argmax(1).equal(tensors.y)


def test_batches_weigh_one_per_task():
    tensors = problem(sizes=(2, 5)).stacked(class_weight=[1.0, 2.0, 3.0])
    batch = tensors.take(torch.tensor([[0, 4], [1, 3]]))  # row 4 of the first task is padding
    torch.testing.assert_close(batch.weight.sum(1), torch.ones(2))
    assert batch.weight[0].tolist() == [1, 0] and torch.equal(batch.x[1], tensors.x[1, [1, 3]])
    # none of its examples: no NaN
    assert tensors.take(torch.tensor([[4], [0]])).weight[0].tolist() == [0]


def dense(x, n_features):
    """A batch's documents with all features."""
    if isinstance(x, torch.Tensor):
        return x
    full = np.zeros((x.matrix.shape[0], n_features), dtype=np.float32)
    full[:, x.words] = x.matrix.toarray()
    return full.reshape(*x.shape[:2], n_features)


@pytest.mark.parametrize("n_features", [6, 5001])  # dense, sparse
def test_batches_are_the_rows_one_after_another(n_features):
    x = sp.random(12, n_features, 0.5, format="csr", rng=np.random.default_rng(0), dtype=np.float32)
    data = MultiTaskDataset(x, [0, 1, 2] * 4, 3, ["a"] * 5 + ["b"] * 7)
    tensors, rows = data.stacked(), [torch.tensor([[0, 6], [6, 1]]), torch.tensor([[3], [2]])]
    batches = list(tensors.batches(rows))
    assert [batch.y.shape[1] for batch in batches] == [2, 1]
    for index, batch in zip(rows, batches, strict=True):
        for t in range(2):
            at = [i + 5 * t for i in index[t].tolist()]
            there = [i < (5, 7)[t] for i in index[t].tolist()]
            want = np.stack([x[i % 12].toarray()[0] * ok for i, ok in zip(at, there, strict=True)])
            np.testing.assert_allclose(dense(batch.x, n_features)[t], want)
            weight = torch.tensor(there, dtype=torch.float32)
            torch.testing.assert_close(batch.weight[t], weight / weight.sum())
        assert torch.equal(batch.onehot.argmax(1), batch.y) and batch.n_tasks == 2


def test_class_weights_by_hand():
    data = MultiTaskDataset(torch.eye(4), [0, 0, 0, 1], 2)
    torch.testing.assert_close(
        data.stacked("balanced").weight, torch.tensor([[1 / 6, 1 / 6, 1 / 6, 1 / 2]])
    )
    torch.testing.assert_close(
        data.stacked([1.0, 3.0]).weight, torch.tensor([[1 / 6, 1 / 6, 1 / 6, 1 / 2]])
    )


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series, torch.tensor])
def test_labels_and_tasks_in_any_clothes(wrap):
    data = MultiTaskDataset(np.eye(3), wrap([0, 1, 1]), 2, wrap([1, 0, 1]), ["films", "cars"])
    assert data.task.tolist() == [1, 0, 1] and data.y.tolist() == [0, 1, 1]
    assert data.x.dtype == torch.float32


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series])
def test_texts_in_any_clothes(wrap):
    plain = MultiTaskDataset(TEXTS, [1, 0, 1, 0], 2, TASKS)
    assert torch.equal(MultiTaskDataset(wrap(TEXTS), [1, 0, 1, 0], 2, wrap(TASKS)).x, plain.x)


def test_numbered_tasks_are_called_as_the_model_calls_them():
    data = MultiTaskDataset(np.eye(3), [0, 1, 0], 2, [2, 0, 1])
    assert data.task.tolist() == [2, 0, 1] and data.task_names == RAG(3, 2, 3).task_names
    assert MultiTaskDataset(np.eye(3), [0, 1, 0], 2).task_names == RAG(3, 2, 1).task_names


def test_repeated_documents_count_each_time():
    data = MultiTaskDataset(["good film"] * 3, [1, 1, 0], 2)
    assert len(data) == 3 and data.stacked().sizes.tolist() == [3]


def test_subset_and_torch_s_own_split_see_only_their_part():
    data = problem(sizes=(20, 20))
    mask = torch.arange(40) % 2 == 0
    part = data.subset(mask)
    assert len(part) == 20 and part.task_names == data.task_names and len(data) == 40
    assert len(data.subset([])) == 0
    model = RAG(6, 3, 2)
    split, _ = torch.utils.data.random_split(data, [20, 20], torch.Generator().manual_seed(0))
    scores = evaluate(model, split)
    assert scores == evaluate(model, data.subset(split.indices))
    assert scores["loss"] != evaluate(model, data)["loss"]
    loader = torch.utils.data.DataLoader(split, batch_size=4)
    assert scores == evaluate(model, loader)


def test_wide_vocabularies_stay_sparse():
    x = sp.random(20, 5001, 0.01, format="csr", rng=np.random.default_rng(0))
    data = MultiTaskDataset(x, [0, 1] * 10, 2, ["a"] * 12 + ["b"] * 8)
    assert sp.issparse(data.x) and data[3][0].shape == (5001,)
    np.testing.assert_allclose(data[3][0], x[[3]].toarray()[0], rtol=1e-6)
    tensors = data.stacked()
    assert isinstance(tensors.x, BlockSparse) and tensors.x.shape == (2, 12, 5001)
    assert isinstance(tensors.to(dtype=torch.float64).x, BlockSparse)


def test_split_is_stratified_repeats_and_loses_nothing():
    frame = pd.DataFrame(
        {"text": [f"t{i}" for i in range(120)], "label": [0, 1, 2] * 40, "task": ["a", "b"] * 60}
    )
    parts = split_frame(frame, seed=5)
    assert [len(p) for p in parts] == [72, 24, 24]
    assert sorted(pd.concat(parts)["text"]) == sorted(frame["text"])
    for part in parts:
        assert part.groupby(["task", "label"]).size().nunique() == 1
    assert all(a.equals(b) for a, b in zip(parts, split_frame(frame, seed=5), strict=True))
    assert not parts[2].equals(split_frame(frame, seed=6)[2])


def bad(x=None, labels=(0, 1), num_classes=2, **options):
    return MultiTaskDataset(np.eye(2) if x is None else x, labels, num_classes, **options)


BAD = {
    "nan": (dict(x=[[0.0, np.nan], [0, 1]]), "finite features", "NaN or infinity", "numpy.isfinite"),
    "inf, sparse": (dict(x=sp.csr_matrix([[0, np.inf], [1, 1]])), "finite features", "NaN", "drop or fill"),
    "label too large": (dict(labels=[0, 2]), "labels 0 .. 1, or -100", "label 2", "set num_classes"),
    "label below 0": (dict(labels=[-1, 0]), "labels 0 .. 1", "label -1", "mark missing labels with -100"),
    "column out of range": (dict(labels=[[0, 1], [5, 0]]), "labels 0 .. 1", "label 5", "number the classes"),
    "decimals": (dict(labels=[0.0, 1.0]), "integer labels", "type float64, such as", "astype(int)"),
    "NaN for missing": (dict(labels=[0, np.nan]), "integer labels", "float64", "missing labels into -100"),
    "class names": (dict(labels=["bad", "good"]), "integer labels", "type <U4", "LABELS.index"),
    "None": (dict(labels=[0, None]), "integer labels", "type object", "astype(int)"),
    "no labels": (dict(labels=[]), "each of the 2 documents", "labels of shape (0,)", "same length"),
    "too few labels": (dict(labels=[1]), "each of the 2 documents", "labels of shape (1,)", "same length"),
    "ragged labels": (dict(labels=[[0], [0, 1]]), "one row of labels", "labels of shape", "all rows"),
    "one number": (dict(labels=1), "each of the 2 documents", "shape ()", "same length"),
    "no document": (dict(x=[], labels=[]), "shape (n_docs, n_features)", "shape (0,)", "one row per document"),
    "no feature": (dict(x=np.zeros((2, 0))), "neither of them 0", "shape (2, 0)", "one column per feature"),
    "one row": (dict(x=np.ones(2)), "shape (n_docs, n_features)", "shape (2,)", "x.reshape(1, -1)"),
    "one text": (dict(x="good film"), "a list of texts", "one single text", "[text]"),
    "text and None": (dict(x=["good", None]), "a list of texts", "list that is neither", "pass strings"),
    "no words": (dict(x=[" ", ""]), "texts with words in them", "2 texts, such as ' '", "look at your"),
    "unfitted": (dict(x=["a b", "c"], vectorizer=make_vectorizer()), "a vectorizer that is fitted", "fitted", "fit"),
    "no class": (dict(num_classes=0), "num_classes to be a whole number >= 1", "num_classes = 0", "whole"),
    "too few tasks": (dict(tasks=["a"]), "one task for each of the 2 documents", "1 tasks", "same length"),
    "unseen name": (dict(tasks=["a", "c"], task_names=["a", "b"]), "tasks among ['a', 'b']", "task 'c'", "spelling"),
    "unseen number": (dict(tasks=[0, 2], task_names=["a", "b"]), "tasks among", "task 2, never seen", "add_task"),
    "twice": (dict(tasks=["a", "a"], task_names=["a", "a"]), "distinct, non-empty task names", "'a' is repeated", ""),
    "names": (dict(labels=[[0], [1]], task_names=["a", "b"]), "each of the 1 columns", "2 names", "as many task_names"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_data_are_refused(name):
    options, *words = BAD[name]
    with refused(*words):
        bad(**options)


def test_bad_tables_and_stacks_are_refused():
    with refused(
        "at least one labelled example in every task", "task 'b' with none", "leave its rows out"
    ):
        bad(tasks=["a", "a"], task_names=["a", "b"]).stacked()
    with refused(
        "2 positive class weights", "class_weight = [1.0]", "one positive number per class"
    ):
        bad().stacked(class_weight=[1.0])
    for weight in ([1.0, 0.0], [1.0, float("nan")], "heavy"):
        with refused("2 positive class weights", "class_weight = "):
            bad().stacked(class_weight=weight)
    with refused("columns text, label and task", "table without label, task", "rename"):
        MultiTaskDataset.from_frame(pd.DataFrame({"text": ["a"]}))
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": [0, 0, 1], "task": ["x"] * 3})
    with refused(
        "enough examples of every (task, label) pair", "the rarest pair 'x/1' has 1", "merge rare"
    ):
        split_frame(frame)
    with refused(
        "train > 0, val > 0 and train + val < 1", "train = 0.8, val = 0.2", "leave something"
    ):
        split_frame(frame, 0.8, 0.2)
    with refused("columns text, label and task", "list without text"):
        split_frame([1, 2])


def test_classes_in_advance_are_those_of_the_column_that_is_named():
    frame = pd.DataFrame({"text": TEXTS, "stars": [1, 0, 1, 0], "task": TASKS})
    assert MultiTaskDataset.from_frame(frame, label="stars", n_classes=5).n_classes == 5
    same = frame.assign(stars=0)
    assert MultiTaskDataset.from_frame(same, label="stars", n_classes=1).n_classes == 1
    with refused("n_classes to be a whole number >= 1", "n_classes = 0"):
        MultiTaskDataset.from_frame(frame, label="stars", n_classes=0)


def test_words_counted_here_know_the_classes_and_words_counted_before_keep_theirs():
    frame = pd.DataFrame({"text": TEXTS, "label": ["bad", "good"] * 2, "task": TASKS})
    data = MultiTaskDataset.from_frame(frame)
    assert data.vectorizer.class_names_ == ["bad", "good"]
    vectorizer = make_vectorizer().fit(TEXTS)
    MultiTaskDataset.from_frame(frame, vectorizer)
    assert not hasattr(vectorizer, "class_names_")
