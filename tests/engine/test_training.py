"""What `train_many` says when training runs away, how it cuts its work, and what it refuses."""

import functools
import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import problem, refused, same

import ragteach as rt
from ragteach.engine.replicas import stack
from ragteach.engine.training import chunk_size
from ragteach.errors import RagteachError


def template(data, **options):
    options = {"scale": 0.3, "seed": 3, "num_adapters": data.n_tasks} | options
    return rt.RAG(data.n_features, data.n_classes, tasks=data.task_names, **options)


# ---- divergence


RUNAWAY = dict(lam=[0.1, 1000.0, 0.2, 10.0], lam_shared=0.01, lr=2.0, optimizer="sgd", steps=60)


def test_where_it_diverged_and_the_last_finite_weights():
    """A replica keeps the weights of the step before the one that is not finite; the others go on."""
    data = problem()
    model, tensors = template(data), data.stacked()
    with pytest.warns(rt.DivergenceWarning) as said:
        run = train_one_by_one(model, tensors)
    assert "2 of 4 replicas" in str(said[0].message)
    steps = run.diverged.tolist()
    assert steps[0] == steps[2] == -1
    assert 0 < steps[1] < steps[3] <= 60
    for part in (run.shared, run.adapters, run.bias):
        assert torch.isfinite(part).all()
    for r in (1, 3):
        options = RUNAWAY | {"lam": RUNAWAY["lam"][r], "steps": steps[r] - 1}
        before = rt.train_many(model, tensors, **options)
        assert before.diverged.tolist() == [-1]
        for name, axis in (("shared", 0), ("adapters", 1), ("bias", 1)):
            kept, alone = getattr(run, name).select(axis, r), getattr(before, name).select(axis, 0)
            torch.testing.assert_close(kept, alone, rtol=1e-3, atol=1e-5)
        with pytest.warns(rt.DivergenceWarning):
            rt.train_many(model, tensors, **options | {"steps": steps[r]})


def train_one_by_one(model, tensors):
    """In chunks of one replica."""
    return rt.train_many(model, tensors, budget_mb=0, **RUNAWAY)


def test_those_that_do_not_diverge_are_not_touched():
    data = problem()
    with pytest.warns(rt.DivergenceWarning):
        run = rt.train_many(template(data), data, record_every=20, **RUNAWAY)
    fine = rt.train_many(template(data), data, record_every=20, **RUNAWAY | {"lam": [0.1, 0.2]})
    assert same(run.shared[[0, 2]], fine.shared, 1e-5)
    assert same(run.adapters[:, [0, 2]], fine.adapters, 1e-5)
    assert [step for step, *_ in run.history] == [0, 20, 40, 60]
    assert all(s.isfinite().all() and a.isfinite().all() for _, s, a in run.history)
    assert all(bias.isfinite().all() for bias in run.bias_history)
    assert len(run.bias_history) == 4
    assert same(run.history[-1][1], run.shared)


def test_the_warning_names_replica_step_and_cure():
    data = problem()
    with pytest.warns(rt.DivergenceWarning) as said:
        run = rt.train_many(template(data), data, **RUNAWAY)
    first = int(run.diverged[1])
    text = str(said[0].message)
    for words in (
        "Expected: training whose weights stay finite", "2 of 4 replicas", "replica 1 (lam = 1000,",
        f"in step {first} of 60", "a smaller lr (it is 2)", 'optimizer="proximal"', "diverged",
    ):  # fmt: skip
        assert words in text
    assert said[0].filename == __file__


def test_divergence_is_no_matter_of_the_loss_alone():
    """J is infinite before the weights are: squares of 1e20 do not fit float32."""
    data = problem()
    model = template(data)
    with pytest.warns(rt.DivergenceWarning):
        run = rt.train_many(model, data, lam=1.0, lr=12.0, steps=40, optimizer="sgd")
    assert torch.isfinite(run.objective(data)).all()
    assert run.diverged[0] > 1


@pytest.mark.parametrize("part", ["shared", "adapters", "bias"])
def test_a_start_that_is_not_finite_is_refused(part):
    data = problem()
    start = rt.train_many(template(data), data, steps=1)
    getattr(start, part).view(-1)[3] = math.inf
    with refused("finite weights to start from", "infinity or NaN", "reset"):
        rt.train_many(start, data)


# ---- chunks


def test_how_many_replicas_fit():
    """float32: (1 + 2 x 3) x 18 weights, four times; 3 x (90 examples x 3 classes); 4 bytes each."""
    data = problem()
    replicas, tensors = stack([template(data)] * 2), data.stacked()
    one = 4 * (4 * 7 * 18 + 3 * 90 * 3)
    assert chunk_size(replicas, tensors, one / 2**20) == 1
    assert chunk_size(replicas, tensors, 2 * one / 2**20) == 2
    assert chunk_size(replicas, tensors, 3.99 * one / 2**20) == 3
    assert chunk_size(replicas, tensors, 0.0) == 1
    double = stack([template(data).double()] * 2)
    assert chunk_size(double, tensors, 2 * one / 2**20) == 1


def test_the_budget_is_obeyed(monkeypatch):
    """No more replicas at once than fit."""
    import ragteach.engine.training as training

    data, seen = problem(), []

    def watched(replicas, *rest):
        seen.append(len(replicas))
        return rt.gradients(replicas, *rest)

    monkeypatch.setattr(training, "gradients", watched)
    one = 4 * (4 * 7 * 18 + 3 * 90 * 3)
    options = dict(seeds=range(5), steps=1)
    run = rt.train_many(template(data), data, budget_mb=2 * one / 2**20, **options)
    assert seen == [2, 2, 1]
    assert run.diverged.tolist() == [-1] * 5
    whole = rt.train_many(template(data), data, budget_mb=1000, **options)
    assert seen == [2, 2, 1, 5]
    assert same(run.bias, whole.bias, 1e-6)


# ---- arguments


def test_one_part_may_be_named_without_a_list():
    data = problem()
    a, b = (
        rt.train_many(template(data), data, steps=3, train=t) for t in ("adapters", ["adapters"])
    )
    assert same(a.adapters, b.adapters)
    assert same(a.shared, template(data).shared.unsqueeze(0))


def test_seeds_and_penalties_come_in_any_wrapping():
    data = problem()
    model = template(data)
    runs = [
        rt.train_many(model, data, lam, 0.1, seeds, steps=2)
        for lam, seeds in (
            ([0.1, 0.2], [4, 5]),
            (np.array([0.1, 0.2]), np.array([4, 5])),
            (torch.tensor([0.1, 0.2], dtype=torch.float64), torch.tensor([4, 5])),
            ((0.1, np.float64(0.2)), range(4, 6)),
        )
    ]
    for run in runs[1:]:
        assert same(run.adapters, runs[0].adapters)
    one = rt.train_many(model, data, torch.tensor(0.25), np.float32(0.5), np.int64(7), steps=0)
    assert (one.lam.tolist(), one.lam_shared.tolist()) == ([0.25], [0.5])
    assert same(one.shared[0], rt.RAG.reset(template(data), 7).shared)


def test_a_partial_optimiser_is_one():
    data = problem()
    momentum = functools.partial(torch.optim.SGD, momentum=0.9)
    plain, heavy = (
        rt.train_many(template(data), data, steps=5, optimizer=o) for o in ("sgd", momentum)
    )
    assert not same(plain.shared, heavy.shared, 1e-4)


def test_adam_is_torchs_to_the_last_bit_and_leaves_torchs_compiler_alone(monkeypatch):
    """The class imports the compiler, 60 MB of a learner's kernel."""
    data = problem()
    options = dict(lam=[0.0, 0.3], lam_shared=0.1, seeds=[1, 2], steps=20)
    fused = functools.partial(torch.optim.Adam, fused=True)
    theirs = rt.train_many(template(data), data, optimizer=fused, **options)
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    ours = rt.train_many(template(data), data, **options)
    for part in ("shared", "adapters", "bias"):
        assert torch.equal(getattr(ours, part), getattr(theirs, part))


@pytest.mark.parametrize(
    "optimizer",
    [
        torch.optim.LBFGS, torch.optim.Adafactor, int, torch.nn.Linear, torch.nn.Linear(2, 2),
        functools.partial(torch.optim.SGD, momentums=1), lambda: 3, lambda params, lr: 3,
        lambda params, lr: torch.optim.LBFGS(params, lr),
    ],
)  # fmt: skip
def test_what_is_no_optimiser_element_by_element(optimizer):
    data = problem()
    with refused("updates element by element", "optimizer = ", "'adam', 'sgd', 'proximal'"):
        rt.train_many(template(data), data, optimizer=optimizer)


def test_replicas_keep_their_penalties():
    data = problem()
    half = rt.train_many(template(data), data, lam=0.3, steps=2)
    for name, value in (("lam", 0.5), ("lam_shared", [0.1, 0.2]), ("seeds", 3), ("lam", "x")):
        with refused("Replicas to train on, which keep their", f"{name} = ", "leave it out"):
            rt.train_many(half, data, **{name: value})


def test_an_optimiser_by_a_name_that_is_not_there():
    with refused("optimizer to be one of 'adam', 'sgd', 'proximal'", "optimizer = 'adamw'"):
        rt.train_many(template(problem()), problem(), optimizer="adamw", steps=1)


@pytest.mark.parametrize("seeds", ["12", [1.5], [True], [-1], 2**63, [], {1: 2}, [None], [[1, 2]]])
def test_seeds_that_are_none(seeds):
    data = problem()
    with refused("seeds to be whole numbers >= 0", "seeds = ", "range(5)"):
        rt.train_many(template(data), data, seeds=seeds)


@pytest.mark.parametrize(
    "lam", ["1", -1, math.nan, math.inf, [0.1, -1e-9], True, None, 1j, [[0.1]], {0.1}, 10**400, [None]]
)  # fmt: skip
@pytest.mark.parametrize("name", ["lam", "lam_shared"])
def test_penalties_that_are_none(name, lam):
    data = problem()
    for call in (rt.train_many, rt.solve_path, rt.solve):
        with refused(f"{name} to be a finite number >= 0", f"{name} = "):
            call(template(data), data, **{name: lam})


def test_one_solution_has_one_penalty():
    data = problem()
    for lam in ([0.1, 0.2], torch.tensor([0.1]), np.array([0.1, 0.2])):
        with refused("lam to be a finite number", "lam = ", "solve_path takes many"):
            rt.solve(template(data), data, lam=lam)


@pytest.mark.parametrize("alpha", [[0, 0, 0], [1, -1, 1], [1, math.nan, 1], [1, 1], "much", None])
def test_alphas_that_are_none(alpha):
    data = problem()
    for call in (rt.train_many, rt.solve_path, rt.solve):
        with refused("alpha", "alpha = ", "one"):
            call(template(data), data, alpha=alpha)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_iter", 2.5), ("max_iter", 0), ("max_iter", "9"), ("tol", -1), ("tol", "small")],
)
def test_limits_that_are_none(name, value):
    data = problem()
    model = template(data)
    before = model.shared.clone()
    for call in (rt.solve_path, rt.solve):
        with refused(f"{name} to be a", f"{name} = {value!r}", name):
            call(model, data, **{name: value})
    assert same(model.shared, before)


@pytest.mark.parametrize("model", [None, 3, torch.nn.Linear(2, 2), "model"])
def test_models_that_are_none(model):
    data = problem()
    for call in (rt.train_many, rt.solve_path, rt.solve):
        with refused("a RAG model", "model = ", "build one"):
            call(model, data)


def test_frozen_weights_that_are_not_finite_cannot_be_solved_around():
    data = problem()
    model = template(data)
    model.shared.data[0, 0] = math.nan
    assert rt.solve(model, data).converged  # it moves: where it starts does not matter
    model.freeze("shared")
    model.shared.data[0, 0] = math.nan
    with refused("finite frozen weights", "NaN", "unfreeze"):
        rt.solve(model, data)


def test_gradients_refuse_what_does_not_belong_together():
    data = problem()
    replicas, tensors, alphas = stack([template(data)]), data.stacked(), torch.ones(3)
    fine = dict(replicas=replicas, tensors=tensors, alphas=alphas, graph=None)
    rt.gradients(**fine)
    for name, value, words in (
        ("replicas", template(data), "replicas of type RAG"),
        ("tensors", data, "tensors of type MultiTaskDataset"),
        ("alphas", "equal", "alphas of type str"),
        ("graph", [[1.0]], "graph of type list"),
        ("alphas", torch.ones(2), "(2,)"),
        ("graph", torch.ones(3, 2), "(3, 2)"),
        ("replicas", stack([rt.RAG(5, 3, 3)]), "(3, 5)"),
        ("tensors", data.stacked(dtype=torch.float64), "tensors in torch.float64"),
        ("alphas", alphas.double(), "alphas in torch.float64"),
        ("graph", torch.eye(3).double(), "graph in torch.float64"),
    ):
        with refused("", words):
            rt.gradients(**fine | {name: value})
    with refused("graph of shape", "(3, 3)"):  # None: as many adapters as tasks
        rt.gradients(**fine | {"replicas": stack([rt.RAG.full_sharing(6, 3, tasks=3)])})


@pytest.mark.parametrize("r", [3, -4, 1.0, None, "0", True, torch.tensor([0])])
def test_a_replica_that_is_not_there(r):
    data = problem()
    run = rt.train_many(template(data), data, seeds=[0, 1, 2], steps=0)
    assert same(run.model(-1).shared, run.shared[2])
    with refused("r to be a whole number, 0 .. 2", "r = ", "3 of them"):
        run.model(r)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 2**64), st.floats(), st.text(max_size=2),
    st.lists(st.one_of(st.floats(), st.integers(-2, 4), st.text(max_size=1)), max_size=3),
    st.sampled_from([np.ones((2, 2)), torch.tensor(1 + 1j), {}, object(), torch.zeros(0), len]),
)  # fmt: skip
SIGNATURES = {
    "solve": ["model", "data", "lam", "lam_shared", "alpha", "tol"],
    "solve_path": ["model", "data", "lam", "lam_shared", "alpha", "tol"],
    "train_many": ["model", "tensors", "lam", "lam_shared", "seeds", "lr", "optimizer", "alpha",
                   "train", "record_every", "budget_mb"],
    "gradients": ["replicas", "tensors", "alphas", "graph"],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::ragteach.errors.DivergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("name", "argument"), [(n, a) for n, names in SIGNATURES.items() for a in names]
)
@settings(max_examples=12, derandomize=True, deadline=None, database=None)
@given(value=ANYTHING)
def test_anything_is_taken_or_refused_in_three_parts(name, argument, value):
    data = problem(sizes=(4, 4, 4))
    arguments = {
        "solve": {"model": template(data), "data": data, "max_iter": 3},
        "solve_path": {"model": template(data), "data": data, "max_iter": 3},
        "train_many": {"model": template(data), "tensors": data, "steps": 1},
        "gradients": {"replicas": stack([template(data)]), "tensors": data.stacked(),
                      "alphas": torch.ones(3), "graph": torch.eye(3)},
    }[name]  # fmt: skip
    try:
        getattr(rt, name)(**arguments | {argument: value})
    except RagteachError as error:
        assert str(error).startswith("Expected: ") and "\nWhat to do: " in str(error)
