"""One row of every class alike stands for a row a class: the same J, the same optimum."""

import copy

import pytest
import scipy.sparse as sp
import torch
from problems import objective, problem, refused, same

import ragteach as rt
from ragteach.linear import project
from ragteach.study.wordless import with_wordless

LAM = dict(lam=0.05, lam_shared=0.1)


def lacking(n_features=6):
    """Three tasks of four classes; the first has all of them, the second two, the third one."""
    data = problem((9, 7, 5), n_features, n_classes=4, seed=1)
    data.y[:4] = torch.arange(4)
    data.y[9:16] %= 2
    data.y[16:] = 3
    return data


def written_out(data):
    """The same with a row without words for each class of the tasks that lack one, by hand."""
    x = torch.cat([data.x, torch.zeros(8, data.n_features)])
    y = torch.cat([data.y, torch.arange(4).repeat(2)])
    task = [*data.task.tolist(), *[1] * 4, *[2] * 4]
    return rt.MultiTaskDataset(x, y, 4, task)


def model_of(data, **options):
    return rt.RAG(data.n_features, 4, 3, tasks=data.task_names, scale=0.5, **options)


@pytest.mark.parametrize("n_features", [6, 60])  # more and fewer documents than words
def test_one_row_has_the_objective_and_the_optimum_of_a_row_a_class(n_features):
    data = lacking(n_features)
    short, long = with_wordless(data), written_out(data)
    assert short.wordless.tolist() == [1, 2] and len(long) == len(data) + 8
    model = model_of(data).double()
    torch.nn.init.normal_(model.bias)
    J = objective(model, short.stacked(dtype=torch.float64), **LAM)
    assert J.item() == pytest.approx(objective(model, long, **LAM).item(), rel=1e-12)
    assert J.item() != pytest.approx(objective(model, data, **LAM).item(), rel=1e-3)
    one, other = model_of(data).double(), model_of(data).double()
    found, expected = (rt.solve(m, d, **LAM, tol=1e-9) for m, d in ((one, short), (other, long)))
    assert found.converged and found.objective == pytest.approx(expected.objective, rel=1e-12)
    assert same(one.task_weights(), other.task_weights(), 1e-7)
    assert same(one.task_bias(), other.task_bias(), 1e-6)


def test_a_training_loop_meets_the_same_gradient():
    data = lacking()
    one = model_of(data)
    other = copy.deepcopy(one)
    for model, rows in ((one, with_wordless(data)), (other, written_out(data))):
        rt.fit(model, rows.stacked(), epochs=5, progress=False, device="cpu")
    assert same(one.task_weights(), other.task_weights(), 1e-5)


def test_without_a_penalty_the_bias_of_a_missing_class_has_an_end():
    x = torch.eye(2)
    data = rt.MultiTaskDataset(x, [0, 1], 3, ["a", "a"])
    model = rt.RAG.full_sharing(2, 3, tasks=data.task_names)
    assert rt.solve(model, with_wordless(data), lam=0, lam_shared=0.0).converged
    bias = model.task_bias()[0]
    assert bool((bias - bias.mean()).abs().max() < 20)


def test_sparse_rows_stay_sparse():
    texts = ["good film", "bad film", "good brakes"]
    dense = rt.MultiTaskDataset(texts, [1, 0, 1], 2, ["a", "a", "b"])
    sparse = copy.copy(dense)
    sparse.x = sp.csr_matrix(dense.x.numpy())
    one, other = with_wordless(dense).stacked(), with_wordless(sparse).stacked()
    assert type(other.x).__name__ == "BlockSparse"
    assert same(one.onehot, other.onehot) and same(one.weight, other.weight)
    W = torch.randn(2, 2, dense.n_features, generator=torch.Generator().manual_seed(0))
    assert same(project(W, one.x), project(W, other.x), 1e-6)


def test_where_no_class_is_missing_nothing_is_added():
    data = problem((9, 9), n_classes=2)
    data.y = torch.arange(18) % 2
    assert with_wordless(data) is data


def test_class_weights_are_refused():
    with refused("no class weights", "balanced", "leave class_weight out"):
        with_wordless(lacking()).stacked(class_weight="balanced")


def test_a_batch_keeps_the_targets_of_its_rows():
    tensors = with_wordless(lacking()).stacked()
    index = torch.stack([torch.randperm(tensors.y.shape[1])[:4] for _ in range(3)])
    batch = tensors.take(index)
    for t, rows in enumerate(index):
        assert torch.equal(batch.onehot[t], tensors.onehot[t][:, rows])
    model = model_of(lacking())
    history = rt.fit(model, tensors, epochs=2, batch_size=3, progress=False, device="cpu")
    assert history.stopped == "finished"
