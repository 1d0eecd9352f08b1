"""Data that no memory holds: batches one after another, dense or sparse, give the same numbers."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from problems import problem, refused, same, states_equal
from sklearn.feature_extraction.text import HashingVectorizer
from torch.nn.functional import cross_entropy

from ragteach import RAG, MultiTaskDataset, MultiTaskLoss, evaluate, fit, make_toy, train_epoch
from ragteach.data.stacking import stack_rows

QUIET = dict(progress=False, device="cpu")
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")  # the tests' own CSR


def start(data, **options):
    shape = (data.n_features, data.n_classes, data.n_tasks)
    return RAG(*shape, tasks=data.task_names, scale=0.3, **options)


class Stream(torch.utils.data.IterableDataset):
    """The data, a few examples at a time; x dense, or sparse of either kind."""

    def __init__(self, data, n=7, form=torch.Tensor.float):
        self.data, self.n, self.form = data, n, form

    def __iter__(self):
        for rows in torch.arange(len(self.data)).split(self.n):
            x = self.data.x[self.data.doc[rows]]
            yield self.form(x), self.data.y[rows], self.data.task[rows]


def to_scipy(x):
    return sp.csr_matrix(x.numpy())


FORMS = [torch.Tensor.float, to_scipy, torch.Tensor.to_sparse_csr, torch.Tensor.to_sparse]


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_trains_as_train_epoch_does(form):
    data = problem(sizes=(20, 9, 15))
    ours, plain = start(data), start(data)
    stream = Stream(data, form=form)
    history = fit(ours, stream, epochs=3, lr=0.1, lam=0.1, lam_shared=0, **QUIET)
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.1)
    losses = [train_epoch(plain, Stream(data), MultiTaskLoss(lam=0.1), optimizer) for _ in range(3)]
    assert same(ours.shared, plain.shared, 1e-5)
    assert same(ours.task_weights(), plain.task_weights(), 1e-5)
    assert [r["loss"] for r in history.records] == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_is_measured_as_the_whole_is(form):
    data = problem(sizes=(20, 9, 15))
    model = start(data)
    whole = evaluate(model, data)
    assert evaluate(model, Stream(data, form=form)) == pytest.approx(whole, rel=1e-5)
    loader = torch.utils.data.DataLoader(Stream(data), batch_size=None)
    assert evaluate(model, loader) == pytest.approx(whole, rel=1e-5)
    fit(model, list(Stream(data)), epochs=1, val=Stream(data), patience=1, **QUIET)


def test_hashed_sentences_stream_and_are_learnt():
    frame = make_toy(n_per_task=40, seed=1)
    names, hashing = frame["task"].unique().tolist(), HashingVectorizer(n_features=2**12)

    class Sentences:
        def __iter__(self):
            for first in range(0, len(frame), 32):
                rows = frame.iloc[first : first + 32]
                task = [names.index(name) for name in rows["task"]]
                yield hashing.transform(rows["text"]), rows["label"].to_numpy(), task

    model = RAG(2**12, 3, len(names), tasks=names)
    before = evaluate(model, Sentences())
    history = fit(model, Sentences(), epochs=5, lr=0.02, lam=0.001, **QUIET)
    assert history.stopped == "finished" and history.checkpoint["step"] == 5 * -(-len(frame) // 32)
    after = evaluate(model, Sentences())
    assert after["accuracy"] > before["accuracy"] + 0.2


def test_a_stream_that_was_interrupted_goes_on_where_it_was():
    data = problem(sizes=(20, 13))

    class Stop:
        def on_step(self, model, step, loss):
            if step == 8:
                raise KeyboardInterrupt

    whole, parts = start(data), start(data)
    fit(whole, Stream(data), epochs=3, **QUIET)
    first = fit(parts, Stream(data), epochs=3, callbacks=[Stop()], **QUIET)
    assert first.stopped == "interrupted in epoch 2 of 3, after batch 3"
    fit(parts, Stream(data), epochs=3, resume=first, **QUIET)
    assert states_equal(whole, parts)


def test_sizes_must_be_given_where_they_count():
    data = problem(sizes=(20, 10))
    with refused("the sizes of the tasks", "a stream", 'MultiTaskLoss(alpha="size", sizes=[...])'):
        fit(start(data), Stream(data), alpha="size", **QUIET)
    given, whole = start(data), start(data)
    criterion = MultiTaskLoss(alpha="size", sizes=data.sizes)
    options = dict(epochs=1, optimizer=torch.optim.SGD, lr=0.1, **QUIET)
    fit(given, [(data.x, data.y, data.task)], criterion=criterion, **options)
    fit(whole, data, alpha="size", lam=0, lam_shared=0, **options)
    assert same(given.shared, whole.shared, 1e-6)
    for alpha in ("equal", "difficulty", "uncertainty", [1.0, 2.0]):
        fit(start(data), Stream(data), alpha=alpha, epochs=1, **QUIET)


BAD = {
    "once": (lambda d: iter(Stream(d)), dict(epochs=2), "read once an epoch", "epochs = 2", "DataLoader"),
    "batches": (lambda d: Stream(d), dict(batch_size=3), "no batch_size", "batch_size = 3", "DataLoader"),
    "empty": (lambda d: [], {}, "at least one batch", "none", "DataLoader"),
    "no rows": (lambda d: [(d.x[:0], d.y[:0], d.task[:0])] * 2, {}, "batch that has rows", "2 batches, all empty", "DataLoader"),
    "pairs": (lambda d: [(d.x, d.y)], {}, "batches of (x, y, task)", "a tuple", "task numbers"),
    "rows": (lambda d: d.x.numpy(), {}, "batches of (x, y, task)", "ndarray", "task numbers"),
    "width": (lambda d: [(sp.csr_matrix(np.ones((2, 3))), [0, 1], [0, 0])], {}, "(n_docs, 6)", "(2, 3)", "vectoriser"),
    "label": (lambda d: [(d.x[:1], [9], [0])], {}, "label numbers 0 .. 2", "label 9", "number them"),
    "task": (lambda d: [(d.x[:1], [0], [7])], {}, "one task number in 0 .. 1", "values [7]", "number the tasks"),
}  # fmt: skip


def test_a_batch_without_rows_changes_nothing():
    data = problem(sizes=(6, 6))
    batch, empty = (data.x, data.y, data.task), (data.x[:0], data.y[:0], data.task[:0])
    found = []
    for stream in ([batch], [empty, batch, empty]):
        model = start(data)
        found.append((fit(model, stream, epochs=2, **QUIET).records, model.shared))
    assert found[0][0] == found[1][0] and torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("name", BAD)
def test_bad_streams_are_refused(name):
    make, options, *words = BAD[name]
    data = problem(sizes=(6, 6))
    with refused(*words):
        fit(start(data), make(data), **(QUIET | dict(epochs=1) | options))


def test_a_file_is_no_stream_of_batches(tmp_path):
    (tmp_path / "texts.csv").write_text("text,label")
    model = start(problem(sizes=(6, 6)))
    with (
        open(tmp_path / "texts.csv") as file,
        refused("a MultiTaskDataset", "TextIOWrapper", "build"),
    ):
        fit(model, file, **QUIET)
    with refused("a DataLoader", "TextIOWrapper", "DataLoader"):  # closed, too
        train_epoch(model, file, MultiTaskLoss(), torch.optim.SGD(model.parameters(), lr=0.1))


def test_a_stream_without_some_task_cannot_be_measured():
    data = problem(sizes=(6, 6))
    with refused("examples of every task", "none of task 'task2'", "stream the whole data"):
        evaluate(start(data), [(data.x[:6], data.y[:6], data.task[:6])])


@pytest.mark.parametrize("kind, rank", [("full", None), ("low_rank", 2), ("projected", 2)])
@pytest.mark.parametrize("graph", ["one_per_task", "random", "all"])
@pytest.mark.parametrize("form", FORMS)
def test_each_document_by_its_own_task_is_all_tasks_gathered(kind, rank, graph, form):
    """Only the weights of the tasks present are made; numbers and gradients are those of all of them."""
    torch.manual_seed(0)
    options = dict(tasks=5, graph=graph, per_task=2, adapter=kind, rank=rank, scale=1.0)
    ours, plain = RAG(8, 3, 5, **options), RAG(8, 3, 5, **options)
    for model in (ours, plain):
        model.bias.data.normal_(generator=torch.Generator().manual_seed(1))
        model.deactivate("A4")
    x, task = (
        torch.randn(9, 8) * (torch.rand(9, 8) < 0.4),
        torch.tensor([3, 0, 3, 3, 0, 4, 0, 3, 0]),
    )
    weights, bias = plain.task_weights(), plain.task_bias()
    there = torch.stack([weights[t] @ row + bias[t] for row, t in zip(x, task, strict=True)])
    torch.testing.assert_close(ours(form(x), task), there)
    ours(form(x), task).square().sum().backward()
    there.square().sum().backward()
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        # zero, not none: optimisers know the difference
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad)
    for one in (3, "task4", None):
        torch.testing.assert_close(ours(form(x), one), plain(x, one))


def test_the_work_of_a_batch_does_not_grow_with_the_tasks():
    """Counted: the numbers that enter matrix products, of 8 documents among 10 and among 100 tasks."""
    from torch.utils.flop_counter import FlopCounterMode

    def work(n_tasks):
        model, x = RAG(50, 3, n_tasks), torch.randn(8, 50)
        with FlopCounterMode(display=False) as counter:
            model(x, torch.arange(8)).sum().backward()
        return counter.get_total_flops()

    assert work(100) == work(10) > 0


def test_sparse_batches_train_as_dense_ones_do():
    """Wide data stay sparse, a batch holds its words only; the weights move as if it were dense."""
    rng = np.random.default_rng(0)
    x = sp.random(60, 5_200, 0.004, format="csr", rng=rng, dtype=np.float32)
    y, task = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    wide = MultiTaskDataset(x, y, 3, task)
    dense = MultiTaskDataset(torch.from_numpy(x.toarray()), y, 3, task)
    assert not isinstance(wide.stacked().x, torch.Tensor) and isinstance(dense.x, torch.Tensor)
    for options in (dict(lam=0.1, lam_shared=0.01), dict(schedule="two_phase")):
        a, b = start(wide), start(dense)
        for model, data in ((a, wide), (b, dense)):
            fit(model, data, epochs=4, batch_size=6, lr=0.05, **options, **QUIET)
        assert same(a.shared, b.shared, 1e-6) and same(a.task_weights(), b.task_weights(), 1e-6)
    assert evaluate(a, wide) == pytest.approx(evaluate(b, dense), rel=1e-5)
    part = wide.stacked().take(torch.zeros(3, 2, dtype=torch.long))
    assert part.x.shape[2] == len(part.words) < 100


@pytest.mark.parametrize("adapter", ["full", "low_rank", "projected"])
@pytest.mark.parametrize("lams", [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_a_sparse_batch_is_penalised_for_all_words(adapter, lams):
    """J and its gradients are those of the formula, written down with every word of W_t."""
    x = sp.random(9, 40, 0.1, format="csr", rng=np.random.default_rng(0), dtype=np.float64)
    task = torch.arange(3).repeat_interleave(3)
    options = {} if adapter == "full" else {"rank": 2}
    models = [RAG(40, 3, 3, adapter=adapter, scale=0.5, **options).double() for _ in range(2)]
    for model in models:
        model.deactivate("A2")
    batch = stack_rows(x, torch.arange(9) % 3, task, torch.ones(9), 3, ["1", "2", "3"],
                       dtype=torch.float64).take(torch.tensor([[0, 1], [2, 0], [1, 1]]))  # fmt: skip
    assert 0 < len(batch.words) < 40
    a, b = models
    J = MultiTaskLoss(lam=lams[0], lam_shared=lams[1]).stacked(a, batch)
    docs = torch.from_numpy(x.toarray()).view(3, 3, 40)
    rows = torch.stack([docs[0, [0, 1]], docs[1, [2, 0]], docs[2, [1, 1]]])
    logits = rows @ b.task_weights().mT + b.bias[:, None]
    expected = cross_entropy(logits.flatten(0, 1), batch.y.flatten()) * 3
    squares = sum(b.adapters[name].weight.square().sum() for name in ("A1", "A3"))
    expected = expected + lams[0] / 2 * squares + lams[1] / 2 * b.shared.square().sum()
    torch.testing.assert_close(J, expected)
    J.backward()
    expected.backward()
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        there = [torch.zeros_like(v) if v.grad is None else v.grad for v in (p, q)]
        torch.testing.assert_close(*there)
