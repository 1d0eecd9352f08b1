"""Imbalance, diversity, missing labels: what the helpers promise, in counts and against
scikit-learn.
"""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from ragteach import (
    RAG,
    MultiTaskDataset,
    MultiTaskLoss,
    RagteachError,
    fit,
    make_toy,
    make_vectorizer,
)
from ragteach.data.augmentation import augment, class_weights, resample, self_train
from ragteach.integrations.estimators import RAGClassifier


@pytest.fixture
def uneven():
    return make_toy(n_per_task={"films": 40, "cars": 12}, imbalance=0.6, seed=0)


def test_class_weights_make_all_classes_count_the_same():
    labels = np.array([0] * 7 + [1] * 2 + [2])
    weights = class_weights(labels, 3)
    np.testing.assert_allclose(
        weights[labels], compute_sample_weight("balanced", labels), rtol=1e-6
    )
    totals = [weights[c] * (labels == c).sum() for c in range(3)]
    np.testing.assert_allclose(totals, len(labels) / 3, rtol=1e-6)
    assert class_weights([0, 0, -100], 3).tolist() == pytest.approx([1 / 3, 1, 1])
    with pytest.raises(RagteachError, match=r"labels 0 .. 1\nGot: 0 .. 2"):
        class_weights(labels, 2)


def test_class_weights_go_into_the_loss(uneven):
    data = MultiTaskDataset.from_frame(uneven)
    criterion = MultiTaskLoss(class_weight=class_weights(uneven.label, 3))
    history = fit(
        RAG(data.n_features, 3, 2, tasks=data.task_names),
        data,
        epochs=3,
        criterion=criterion,
        progress=False,
    )
    assert history.records[-1]["loss"] < history.records[0]["loss"]


@pytest.mark.parametrize("by", [("task", "label"), "task", "label"])
@pytest.mark.parametrize("how", ["over", "under"])
def test_resampling_evens_out_the_groups(uneven, how, by):
    names = [by] if isinstance(by, str) else list(by)
    sizes = uneven.groupby(names).size()
    after = resample(uneven, by, how, seed=1).groupby(names).size()
    assert set(after) == {sizes.max() if how == "over" else sizes.min()}
    assert list(after.index) == list(sizes.index)


def test_oversampling_keeps_every_row_and_invents_none(uneven):
    after = resample(uneven, seed=1)
    rows = lambda frame: set(frame.itertuples(index=False, name=None))  # noqa: E731
    assert rows(after) == rows(uneven)
    assert rows(resample(uneven, how="under", seed=1)) <= rows(uneven)
    pd.testing.assert_frame_equal(after, resample(uneven, seed=1))
    assert not after.equals(resample(uneven, seed=2))
    assert not resample(uneven, how="under").duplicated().any()


def test_augmented_copies_keep_label_and_task(uneven):
    after = augment(uneven, copies=2, seed=0)
    pd.testing.assert_frame_equal(after.iloc[: len(uneven)], uneven)
    known = uneven.set_index("text")
    words = {
        (frozenset(t.split()), label, task) for t, label, task in uneven.itertuples(index=False)
    }
    for text, label, task in after.iloc[len(uneven) :].itertuples(index=False):
        assert text not in known.index or len(text.split()) > 1
        assert any(set(text.split()) <= w and label == la and task == ta for w, la, ta in words)
    assert len(uneven) < len(after) <= 3 * len(uneven)
    pd.testing.assert_frame_equal(after, augment(uneven, copies=2, seed=0))


def test_each_change_does_what_it_says():
    table = pd.DataFrame(
        {"text": ["The Good film, so good! really"] * 50, "label": 2, "task": "films"}
    )
    original = table.text[0].split()
    dropped = augment(table, change="drop", share=0.3).text[50:]
    assert all(len(t.split()) == 4 for t in dropped)
    swapped = augment(table, change="swap").text[50:]
    assert all(sorted(t.split()) == sorted(original) and t.split() != original for t in swapped)
    assert len(set(dropped)) > 3 and len(set(swapped)) > 3
    replaced = set(
        augment(table, change="replace", share=0.1, synonyms={"good": ["nice"]}).text[50:]
    )
    assert replaced == {"The Nice film, so good! really", "The Good film, so nice! really"}
    single = pd.DataFrame({"text": ["wonderful", ""], "label": 2, "task": "films"})
    assert augment(single).equals(single)  # one word always remains, and nothing is repeated


@pytest.mark.parametrize(
    ("text", "synonyms", "expected"),
    [
        (
            "a good film",
            {"good": "fine"},
            "a fine film",
        ),  # one word is one synonym, not four letters
        ("a f film off", {"f": ["x"]}, "a x film off"),  # never inside another word
        ("it was so-so.", {"so-so": ["fair"]}, "it was fair."),
        ("(Don't) go", {"don't": ["never"]}, "(Never) go"),
        ("no soso here", {"so-so": ["fair"]}, None),
    ],
)
def test_whole_words_are_replaced_by_whole_words(text, synonyms, expected):
    table = pd.DataFrame({"text": [text], "label": [0], "task": ["films"]})
    after = augment(table, change="replace", synonyms=synonyms)["text"].tolist()
    assert after == [text] + ([] if expected is None else [expected])


def test_a_text_that_only_loses_its_double_spaces_is_not_repeated():
    table = pd.DataFrame({"text": ["fine  film"], "label": [0], "task": ["films"]})
    assert len(augment(table, change="replace", synonyms={"good": ["nice"]})) == 1


class Table:
    """A table that is not pandas', with as little as polars' share with it."""

    def __init__(self, columns):
        self.columns, self.given = list(columns), columns

    def __getitem__(self, name):
        return self.given[name]


def test_other_tables_and_categories_work_as_pandas_do(uneven):
    other = Table({name: uneven[name].tolist() for name in uneven})
    category = uneven.astype({"task": "category"})
    category["task"] = category["task"].cat.add_categories("nobody's")
    for change in (augment, resample, lambda f: resample(f, how="under")):
        pd.testing.assert_frame_equal(change(other), change(uneven))
        pd.testing.assert_frame_equal(
            change(category).astype({"task": object}), change(uneven), check_dtype=False
        )
    labels = uneven.label.astype("category")
    assert class_weights(labels, 3).tolist() == class_weights(uneven.label, 3).tolist()


def semi(seed=0):
    """Two tasks with opposite labels on one axis; few labels, many rows without."""
    rng = np.random.default_rng(seed)
    n = 200
    tasks = np.where(np.arange(n) % 2 == 0, "films", "cars")
    truth = rng.integers(0, 2, n)
    side = np.where(tasks == "films", 1, -1) * (2 * truth - 1)
    X = np.c_[2.0 * side, rng.normal(size=n)] + 0.7 * rng.normal(size=(n, 2))
    y = np.where(np.arange(n) < 16, truth, -100)
    return X, y, tasks, truth


@pytest.mark.parametrize("sparse", [False, True])
def test_self_training_labels_by_task(sparse):
    X, y, tasks, truth = semi()
    given = sp.csr_matrix(X) if sparse else X
    estimator = RAGClassifier(lam=0.01)
    model, labels = self_train(estimator, given, y, tasks, threshold=0.8)
    kept = y >= 0
    assert (labels[kept] == y[kept]).all()
    new = (labels >= 0) & ~kept
    assert new.sum() > 100
    assert (
        labels[new] == truth[new]
    ).mean() > 0.95  # the tasks disagree, so one without tasks would be at 0.5
    assert model.score(given, truth, tasks=tasks) > 0.95
    assert model.tasks_.tolist() == ["cars", "films"] and model.task_column is None
    assert not hasattr(estimator, "coef_") and estimator.task_column is None


def test_a_threshold_nobody_reaches_is_plain_training():
    X, y, tasks, _ = semi()
    model, labels = self_train(
        RAGClassifier(lam=10.0, lam_shared=10.0), X, y, tasks, threshold=0.9999
    )
    assert (labels == y).all()
    plain = RAGClassifier(lam=10.0, lam_shared=10.0).fit(X[:16], y[:16], tasks[:16])
    np.testing.assert_allclose(model.coef_, plain.coef_)


def test_self_training_on_sentences():
    frame = make_toy(relatedness=0.8, n_per_task=60, seed=2)
    labels = np.where(np.arange(len(frame)) % 3 == 0, frame.label, -100)
    X = make_vectorizer().fit_transform(frame.text)
    model, learnt = self_train(RAGClassifier(), X, labels, frame.task, threshold=0.6)
    assert ((learnt >= 0) & (labels < 0)).any()
    assert model.predict(X, tasks=frame.task).shape == (len(frame),)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: resample(f, how="smote"), "how to be one of 'over', 'under'"),
        (lambda f: resample(f, by="domain"), "column to be one of 'text', 'label', 'task'"),
        (lambda f: augment(f, change="translate"), "change to be one of 'drop', 'swap', 'replace'"),
        (
            lambda f: augment(f, change="replace"),
            r"synonyms for change='replace'\nGot: synonyms=None",
        ),
        (lambda f: augment(f, copies=-1), "copies to be a whole number >= 0"),
        (lambda f: augment(f, copies=2**31 - 1), "copies of .* rows, to fit into memory"),
        (lambda f: augment(f, copies=1.5), r"copies to be a whole number >= 0\nGot: copies = 1.5"),
        (lambda f: augment(f, share=1.5), r"share of the words, 0 .. 1\nGot: share = 1.5"),
        (lambda f: augment(f, seed=None), r"seed to be a whole number >= 0\nGot: seed = None"),
        (lambda f: augment(f, change=[]), r"change to be a name, or a list"),
        (
            lambda f: augment(f.assign(text=[None, *f.text[1:]])),
            r"a text in every row of the table\nGot: 1 rows of 52 without, first in row 0",
        ),
        (lambda f: augment(f.assign(text=7)), r"strings in the column text .*\nGot: 7, a int"),
        (lambda f: augment(["a"]), r"a table with the columns text, .*\nGot: list"),
        (lambda f: augment(f, synonyms={"good": ["fine"]}), "'replace' among the changes"),
        (
            lambda f: augment(f, change="replace", synonyms={"very good": ["fine"]}),
            r"from one word, without marks .*\nGot: 'very good': \['fine'\]",
        ),
        (
            lambda f: augment(f, change="replace", synonyms={"good": []}),
            r"to a list of words\nGot: 'good': \[\]",
        ),
        (lambda f: resample(f.assign(task=np.nan)), r"a task in every row of the table"),
        (lambda f: resample(f, seed="adam"), "seed to be a whole number >= 0"),
        (lambda f: class_weights([0, 1], 2.5), "n_classes to be a whole number >= 1"),
        (
            lambda f: class_weights([0.0, np.nan], 2),
            r"labels of shape .*\nGot: shape \(2,\), float",
        ),
        (lambda f: class_weights(["a", "b"], 2), r"class numbers 0, 1, \.\.\."),
        (
            lambda f: self_train(RAGClassifier(), np.eye(2), [0, 1], ["a"]),
            r"one task for each of the 2 rows\nGot: tasks of shape \(1,\)",
        ),
        (
            lambda f: self_train(RAGClassifier(), np.eye(2), [0, 1], ["a", None]),
            r"one task for each of the 2 rows\nGot: tasks of shape \(2,\), some missing",
        ),
        (
            lambda f: self_train(RAGClassifier(), np.eye(3), [0, 1]),
            r"one row for each of 2 labels\nGot: X of shape \(3, 3\)",
        ),
        (
            lambda f: self_train(LogisticRegression(), np.eye(2), [0, 1]),
            r"like RAGClassifier, .*\nGot: LogisticRegression",
        ),
        (
            lambda f: self_train(RAGClassifier(), np.eye(2), [0, 1], threshold=1.0),
            "threshold from 0 to below 1",
        ),
        (lambda f: self_train(RAGClassifier(), np.eye(2), [-100, -100]), "where a row has none"),
        (
            lambda f: self_train(RAGClassifier(), np.eye(2), [0, -100], ["a", "b"]),
            r"every task\nGot: none for \['b'\]",
        ),
    ],
)
def test_refusals(uneven, call, message):
    with pytest.raises(RagteachError, match=message):
        call(uneven)
