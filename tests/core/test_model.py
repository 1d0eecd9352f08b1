"""The model: one class, a whole family; its three ways forward; its states."""

import copy

import numpy as np
import pytest
import torch
from problems import refused, same, states_equal
from torch import nn

from ragteach import RAG, Adapter, fit
from ragteach.adapters import KINDS
from ragteach.model import task_logits, task_weights


def model(tasks=3, adapters=3, **options):
    options = {"scale": 0.5, "seed": 1} | options
    made = RAG(5, 4, adapters, tasks=tasks, **options)
    if made.bias is not None:
        nn.init.normal_(made.bias)
    return made


X = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))


def test_the_family():
    """W_t by hand for each member."""
    zero = RAG.full_sharing(5, 4, tasks=3, scale=0.5)
    assert zero.n_adapters == 0 and zero.bias.shape == (1, 4)
    assert all(torch.equal(w, zero.shared) for w in zero.task_weights())
    identity = model()
    for t, name in enumerate(identity.adapter_names):
        assert same(identity.task_weights()[t], identity.shared + identity.adapters[name].weight)
    ones = model(graph="all")
    for w in ones.task_weights():
        assert same(w, ones.shared + ones.adapter_weights().sum(0), 1e-6)
    alone = RAG.independent(5, 4, tasks=["a", "b"], scale=0.5)
    assert alone.shared.eq(0).all() and not alone.shared.requires_grad
    assert torch.equal(alone.task_weights(), alone.adapter_weights())
    weighted = model(tasks=2, adapters=2, graph=[[1.0, -2.0], [0.0, 0.5]])
    a, b = weighted.adapter_weights()
    assert same(weighted.task_weights(), weighted.shared + torch.stack([a - 2 * b, 0.5 * b]), 1e-6)


@pytest.mark.parametrize("bias", ["task", "shared", False])
@pytest.mark.parametrize("kind", KINDS)
def test_three_ways_forward_agree(bias, kind):
    made = model(
        bias=bias, adapter=kind, rank=None if kind == "full" else 2, graph="random", per_task=2
    )
    task = torch.tensor([0, 2, 1, 1, 0, 2, 2])
    every = made(X)  # (n_docs, n_tasks, n_classes)
    assert every.shape == (7, 3, 4)
    for t, name in enumerate(made.task_names):
        by_hand = X @ made.task_weights()[t].T + (0 if bias is False else made.task_bias()[t])
        assert same(made(X, name), by_hand, 1e-5) and same(every[:, t], by_hand, 1e-5)
        for number in (t, np.int64(t), torch.tensor(t)):
            assert torch.equal(made(X, number), made(X, name))
    mixed = made(X, task)
    assert same(mixed, torch.stack([every[i, t] for i, t in enumerate(task)]), 1e-6)
    for form in (task.tolist(), task.numpy(), [made.task_names[t] for t in task], task.int()):
        assert torch.equal(made(X, form), mixed)
    assert torch.equal(made.predict(X, task), mixed.argmax(1))
    # (n_tasks, n_classes, n_docs)
    stacked = task_logits(X.expand(3, 7, 5), made.task_weights(), made.task_bias())
    assert same(stacked.permute(2, 0, 1), every, 1e-5)


def test_no_documents_no_logits():
    none = torch.zeros(0, 5)
    assert model()(none).shape == (0, 3, 4) and model()(none, 1).shape == (0, 4)
    assert model()(none, torch.zeros(0, dtype=torch.long)).shape == (0, 4)


def test_replica_axis_of_the_pure_functions():
    shared, adapters = torch.randn(6, 4, 5), torch.randn(3, 6, 4, 5)
    graph = torch.rand(2, 3)
    weights = task_weights(shared, adapters, graph)
    assert weights.shape == (2, 6, 4, 5)
    for r in range(6):
        assert same(weights[:, r], task_weights(shared[r], adapters[:, r], graph), 1e-6)
    assert same(task_weights(shared, adapters), task_weights(shared, adapters, torch.eye(3)), 1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", ["task", "shared", False])
def test_merge_is_one_linear_and_leaves_the_model_alone(kind, bias):
    made = model(adapter=kind, rank=None if kind == "full" else 1, bias=bias)
    before = copy.deepcopy(made)
    merged = made.merge("task2")
    assert type(merged) is nn.Linear and same(merged(X), made(X, "task2"), 1e-6)
    assert sum(p.numel() for p in merged.parameters()) == 4 * 5 + (4 if bias else 0)
    with torch.no_grad():
        merged.weight.zero_()
    assert states_equal(made, before)


def test_active_and_trainable_are_separate():
    made = model()
    full = made(X)
    made.freeze("A1")
    assert torch.equal(made(X), full) and made.active["A1"]
    made.deactivate("A1", "A3")
    assert not made.adapters["A1"].full.requires_grad and made.adapters["A3"].full.requires_grad
    assert torch.equal(made.task_weights()[0], made.shared) and same(
        made(X)[:, 1], full[:, 1], 1e-6
    )
    assert made.adapter_weights().shape[0] == 3  # inactive ones are still there
    made.activate("A1")
    assert not made.adapters["A1"].full.requires_grad and same(made(X)[:, 0], full[:, 0], 1e-6)
    made.unfreeze("adapters")
    made.freeze("shared", "bias")
    assert [n for n, p in made.named_parameters() if p.requires_grad] == [
        f"adapters.A{k}.full" for k in (1, 2, 3)
    ]
    assert made.num_parameters(trainable=True) == 3 * 20 and made.num_parameters() == 4 * 20 + 12


def test_adapters_and_tasks_come_and_go():
    made = model(tasks=["films", "cars"], adapters=2)
    before = made(X)
    made.add_adapter("extra", tasks="cars")
    assert made.graph.tolist() == [[1, 0, 0], [0, 1, 1]] and made.adapter_names == [
        "A1",
        "A2",
        "extra",
    ]
    assert torch.equal(made(X, "films"), before[:, 0]) or same(made(X, "films"), before[:, 0], 1e-6)
    made.add_adapter("weak", tasks={"films": 0.5, 1: 0.25})
    assert made.graph[:, 3].tolist() == [0.5, 0.25]
    assert not torch.equal(made.adapters["extra"].full, made.adapters["weak"].full)
    made.freeze("bias")
    made.add_task("food", adapters=["extra"])
    assert made.graph[2].tolist() == [0, 0, 1, 0] and not made.bias.requires_grad
    assert same(made.task_weights()[2], made.shared + made.adapters["extra"].weight, 1e-6)
    made.add_task("phones", adapters={"A1": 2.0})
    made.add_task("robots", adapters="A2")
    made.add_task(7)
    assert made.graph[3:, :2].tolist() == [[2, 0], [0, 1], [0, 0]] and made.task_names[-1] == "7"
    made.remove_adapter("extra")
    made.remove_adapter("weak")
    assert made.graph.shape == (6, 2) and list(made.active) == ["A1", "A2"]
    assert same(made(X)[:, :2], before, 1e-6)
    made.add_adapter("again")
    made.add_adapter(5)
    assert made.adapter_names[-1] == "5" and made.graph[:, -1].eq(0).all()
    assert not torch.equal(made.adapters["again"].full, made.adapters["5"].full)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("init", ["normal", "uniform", "zero"])
def test_reset_is_a_fresh_model(kind, init):
    options = dict(adapter=kind, rank=None if kind == "full" else 2, init=init, scale=0.3)
    fresh = RAG(5, 4, 3, seed=9, **options)
    assert states_equal(RAG(5, 4, 3, seed=2, **options).reset(9), fresh)
    assert states_equal(RAG(5, 4, 3, seed=9, **options), fresh)
    half = RAG(5, 4, 3, seed=2, **options)
    half.freeze("A2", "shared")
    kept = copy.deepcopy(half)
    half.reset(9)
    assert torch.equal(half.shared, kept.shared)
    assert all(torch.equal(a, b) for a, b in zip(
        half.adapters["A2"].state_dict().values(), kept.adapters["A2"].state_dict().values(), strict=True))  # fmt: skip
    assert torch.equal(half.adapters["A3"].weight, fresh.adapters["A3"].weight)


def test_seeds_do_not_touch_torch_s_own():
    torch.manual_seed(0)
    a = torch.rand(1)
    torch.manual_seed(0)
    RAG(5, 4, 3, graph="random", seed=77)
    assert torch.equal(a, torch.rand(1))


def test_print_tells_equation_graph_and_counts():
    made = RAG(10, 3, 2, tasks=["films", "cars"], adapter="low_rank", rank=2)
    made.freeze("A2")
    made.deactivate("A1")
    assert (
        repr(made)
        == """RAG(
  W_t = W_s + sum_k G[t,k] A_k      logits_t(x) = W_t x + b_t
  graph G (2 tasks x 2 adapters)
               A1     A2
    films       1      0
     cars       0      1
  W_s: 3 x 10 = 30 numbers, trainable
    A1: inactive, trainable, low_rank of rank 2
    A2: active, frozen, low_rank of rank 2
  88 parameters, 62 trainable
)"""
    )
    assert "0 adapters" in repr(RAG.full_sharing(3, 2, tasks=2)) and "W_s: 2 x 3 = 6" in repr(
        RAG(3, 2, 1)
    )


def test_state_round_trip_and_dtype():
    made = model(graph="random", seed=4)
    other = model(graph="random", seed=5)
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(X), made(X))  # the routing travels with the weights
    assert made.double()(X.double()).dtype == torch.float64
    assert made.merge(0).weight.dtype == torch.float64
    made.add_adapter("new", tasks=["task1"])
    assert made(X.double()).dtype == torch.float64
    assert isinstance(made.adapters["new"], Adapter)


BAD = {
    "no input": (dict(input_dim=0), "input_dim to be a whole number >= 1", "input_dim = 0"),
    "half an output": (dict(output_dim=2.5), "output_dim to be a whole number", "output_dim = 2.5"),
    "minus one": (
        dict(num_adapters=-1),
        "num_adapters to be a whole number >= 0",
        "num_adapters = -1",
    ),
    "no tasks": (dict(tasks=0), "number of tasks to be a whole number >= 1", "number of tasks = 0"),
    "no names": (
        dict(tasks=[]),
        "number of tasks to be a whole number >= 1",
        "number of tasks = 0",
    ),
    "twice": (
        dict(tasks=["a", "a"]),
        "distinct, non-empty task names",
        "'a' is repeated",
        "another name",
    ),
    "names": (dict(adapters=["a"]), "2 adapter names", "1: ['a']", "one name per adapter"),
    "dots": (dict(adapters=["a", "b.c"]), "adapter names without dots", "'b.c'", "choose another"),
    "reserved": (
        dict(adapters=["a", "shared"]),
        "distinct",
        "'shared' is repeated, empty or reserved",
    ),
    "kind": (dict(adapter="lora"), "one of 'full', 'low_rank', 'projected'", "adapter = 'lora'"),
    "rank": (dict(adapter="low_rank"), "rank to be a whole number >= 1", "rank = None"),
    "init": (dict(init="ones"), "init to be one of 'uniform', 'normal', 'zero'", "init = 'ones'"),
    "scale": (dict(scale=float("nan")), "scale to be a finite number >= 0", "scale = nan"),
    "bias": (dict(bias=True), "bias to be one of 'task', 'shared', False", "bias = True"),
    "graph": (dict(graph="star"), "graph to be one of 'one_per_task', 'all'", "graph = 'star'"),
    "ragged": (
        dict(graph=[[1, 2], [3]]),
        "one number per adapter",
        "no matrix",
        "row of the same length",
    ),
    "shape": (
        dict(graph=[[1.0, 0.0, 0.0]]),
        "1 tasks x 2 adapters",
        "shape (1, 3)",
        "one column per adapter",
    ),
    "no graph": (dict(graph=None), "2 tasks x 2 adapters", "shape ()", "one row per task"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_models_are_refused(name):
    options, *words = BAD[name]
    with refused(*words):
        RAG(**({"input_dim": 5, "output_dim": 3, "num_adapters": 2} | options))


def test_wrong_names_list_the_right_ones():
    made = model(tasks=["films", "cars"], adapters=2)
    adapters, tasks = "one of 'A1', 'A2'", "one of 'films', 'cars'"
    for call in (made.activate, made.deactivate, made.remove_adapter):
        with refused("adapter to be " + adapters, "adapter = 'A9'", "choose " + adapters):
            call("A9")
    with refused("part to be one of 'shared', 'adapters', 'bias', 'A1', 'A2'", "part = 'A9'"):
        made.freeze("A1", "A9")
    assert made.adapters["A1"].full.requires_grad  # nothing was done by halves
    with refused("task to be " + tasks, "task = 'film'"):
        made(X, "film")
    with refused("task to be one of 'films', 'cars', 0, 1", "task = 2"):
        made.merge(2)
    with refused("task to be " + tasks, "task = 'boats'"):
        made.add_adapter("B", tasks=["boats"])
    with refused("adapter to be " + adapters, "adapter = 'B'"):
        made.add_task("boats", adapters=["B"])
    with refused("distinct, non-empty adapter names", "'A1' is repeated"):
        made.add_adapter("A1")
    with refused("distinct, non-empty task names", "'cars' is repeated"):
        made.add_task("cars")
    assert made.graph.shape == (2, 2) and len(made.task_names) == 2


@pytest.mark.parametrize("x", [torch.zeros(2, 6), torch.zeros(5), torch.zeros(2, 5).double(), torch.zeros(2, 5).int(),
                               np.zeros((2, 5)), ["good film"], "good film", None])  # fmt: skip
def test_wrong_inputs_are_refused(x):
    with refused(
        "features of shape (n_docs, 5), torch.float32", type(x).__name__, "torch.as_tensor"
    ):
        model()(x)


@pytest.mark.parametrize("task", [[0], [0.0, 1.0], torch.tensor([0, 3]), torch.tensor([-1, 0]),
                                  torch.tensor([0.0, 1.0]), torch.zeros(2, 1).long()])  # fmt: skip
def test_wrong_tasks_of_documents_are_refused(task):
    if task == [0.0, 1.0]:
        assert model()(X[:2], task).shape == (2, 4)  # 1.0 is the number 1
        return
    with refused(
        "one task number in 0 .. 2 for each of 2 documents", "task of shape", "model.task_names"
    ):
        model()(X[:2], task)


def test_a_model_can_be_copied_and_trained_apart():
    from problems import problem

    data = problem(sizes=(8, 8, 8), n_features=5, n_classes=4)
    made = model()
    twin = copy.deepcopy(made)
    fit(made, data, epochs=2, progress=False)
    assert not torch.equal(made.shared, twin.shared)
    assert states_equal(twin, copy.deepcopy(twin))
