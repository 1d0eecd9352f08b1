"""Objects of any kind: read, or refused by the name of the argument; never half read."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from problems import refused

import ragteach as rt
from ragteach.ground.objects import as_array, as_rows, attribute, has

TASKS = ["films", "cars"]
TEXTS = ["good film", "bad brakes"]


class Proxy:
    """What a lazy module or a closed connection is like: no question has an answer."""

    def __getattr__(self, name):
        raise RuntimeError("not connected")

    def __repr__(self):
        raise RuntimeError("not connected")


def dataset(**changed):
    return rt.MultiTaskDataset(**({"texts": TEXTS, "labels": [1, 0], "num_classes": 2} | changed))


def test_an_object_that_breaks_has_no_attributes():
    assert not has(Proxy(), "shape") and attribute(Proxy(), "ndim", 1) == 1
    assert has(np.zeros(1), "shape")


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([1, 0], dtype=torch.int8),
        np.ma.masked_array([1, 0], mask=[False, False]),
        torch.tensor([1, 0]).to_sparse(),
    ],
)
def test_numbers_are_read_wherever_they_lie(labels):
    assert dataset(labels=labels).y.tolist() == [1, 0]


@pytest.mark.parametrize(
    "labels",
    [
        torch.ones(2, device="meta"),
        np.ma.masked_array([1, 0], mask=[True, False]),
        torch.ones(2, dtype=torch.bfloat16, requires_grad=True),
        Proxy(),
    ],
    ids=["meta", "masked", "trained", "proxy"],
)
def test_labels_that_are_nowhere_are_refused(labels):
    with refused("", "labels", ""):
        dataset(labels=labels)


def test_what_a_mask_hides_is_no_task():
    hidden = np.ma.masked_array(["films", "cars"], mask=[False, True])
    with refused("a task for every document", "none for document 1", ""):
        dataset(tasks=hidden)


def test_sparse_and_quantised_features_are_the_same_features():
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is going to give them up
        quantised = torch.quantize_per_tensor(x, 0.5, 0, torch.qint8)
    for same in (x.to_sparse(), quantised, x.requires_grad_(), x.detach().half()):
        assert torch.equal(dataset(texts=same).x, x.detach())


def test_features_without_numbers_are_refused_before_the_product():
    with refused("features", "meta", "vectoriser"):
        rt.RAG(2, 2, 1, tasks=["films"])(torch.ones(3, 2, device="meta"), "films")


@pytest.mark.parametrize("graph", ["one_per_task", "random"])
def test_a_date_is_no_number_of_adapters(graph):
    base = torch.nn.Linear(2, 2)
    with refused("per_task to be a whole number", "datetime.date", "per_task >= 1"):
        rt.DeepRAG(
            base, "*", tasks=TASKS, n_adapters=2, graph=graph, per_task=datetime.date.today()
        )


def test_a_header_of_two_lines_is_said():
    columns = pd.MultiIndex.from_tuples([("text", "a"), ("label", "b")])
    frame = pd.DataFrame([["good", 0]], columns=columns)
    for call in (rt.look, rt.as_frame, rt.split_frame, rt.resample):
        with refused("columns have one name each", "2 levels", "frame.columns"):
            call(frame)


def test_an_estimator_takes_tensors_as_arrays():
    X = torch.tensor([[0.0], [1.0], [2.0], [3.0]], requires_grad=True)
    y, tasks = torch.tensor([0, 0, 1, 1]), np.array(["a", "b", "a", "b"])
    model = rt.RAGClassifier().fit(X, y, tasks=tasks)
    same = rt.RAGClassifier().fit(X.detach().numpy(), y.numpy(), tasks=tasks)
    assert np.array_equal(model.coef_, same.coef_)
    assert as_rows("X", [1]) == [1] and as_array("X", [1]).tolist() == [1]


def test_a_check_never_raises_whatever_it_is_given():
    endless: list = []
    endless.append(endless)
    for answer in (Proxy(), endless, memoryview(b"ab"), torch.ones(2, device="meta")):
        assert rt.check("02-1", answer).status in ("FAIL", "TODO")


def test_polars_goes_the_way_of_pandas():
    polars = pytest.importorskip("polars")
    frame = rt.make_toy(n_per_task=6)
    theirs = polars.DataFrame({name: frame[name].tolist() for name in ("text", "label", "task")})
    mine = rt.MultiTaskDataset.from_frame(theirs)
    assert torch.equal(mine.x, rt.MultiTaskDataset.from_frame(frame).x)
    with refused("adapter to be one of", "adapter = ", "choose one of"):
        rt.RAG(2, 2, 1, adapter=theirs)
