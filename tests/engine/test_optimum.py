"""The optimum against scipy on autograd's gradients, and what must hold at it."""

import copy
import inspect

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
import torch
from problems import objective, problem, refused
from sklearn.exceptions import ConvergenceWarning

import ragteach as rt
from ragteach.engine.newton import newton_direction
from ragteach.engine.optimum import solve_path
from ragteach.engine.readable import solve_readable
from ragteach.engine.spaces import Documents

NAMES = ["task1", "task2", "task3"]
MIXED = torch.tensor([[1.0, 0.0], [1.0, 0.5], [0.0, 1.0]])


def by_scipy(model, data, lam, lam_shared):
    """The least J that scipy's L-BFGS-B finds over the parameters that may move."""
    model = model.double()
    moving = [p for p in model.parameters() if p.requires_grad]

    def value_and_gradient(theta):
        torch.nn.utils.vector_to_parameters(torch.from_numpy(theta), moving)
        model.zero_grad()
        J = objective(model, data, lam, lam_shared)
        J.backward()
        return J.item(), torch.cat([p.grad.flatten() for p in moving]).numpy()

    start = torch.nn.utils.parameters_to_vector(moving).detach().numpy()
    options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 0.0, "gtol": 1e-9, "maxcor": 30}
    found = scipy.optimize.minimize(
        value_and_gradient, start, jac=True, method="L-BFGS-B", options=options
    )
    return found.fun


@pytest.mark.parametrize("bias", ["task", "shared", False])
@pytest.mark.parametrize(("graph", "adapters"), [("one_per_task", 3), ("all", 2), (MIXED, 2)])
@pytest.mark.parametrize(
    ("lam", "lam_shared"), [(0.01, 0.01), (1e-3, 0.1), (0.05, 0.0), (0.0, 0.05)]
)
def test_scipy_finds_no_smaller_objective(bias, graph, adapters, lam, lam_shared):
    data = problem(sizes=(60, 40, 50))

    def model():
        return rt.RAG(6, 3, adapters, tasks=NAMES, graph=graph, bias=bias, seed=3, scale=0.1)

    solution = rt.solve(model(), data, lam, lam_shared)
    assert solution.converged and solution.grad_norm < 1e-6
    assert solution.objective == pytest.approx(by_scipy(model(), data, lam, lam_shared), rel=1e-8)


@pytest.mark.parametrize("frozen", ["shared", "adapters", "bias", "A1"])
def test_frozen_parts_stay_bit_equal_and_the_rest_is_optimal(frozen):
    data = problem()
    model, other = (rt.RAG(6, 3, 3, tasks=NAMES, seed=3, scale=0.3) for _ in range(2))
    model.freeze(frozen)
    other.freeze(frozen)
    before = {n: p.detach().clone() for n, p in model.named_parameters() if not p.requires_grad}
    solution = rt.solve(model, data, 0.02, 0.01)
    for name, value in before.items():
        assert torch.equal(dict(model.named_parameters())[name], value)
    assert solution.objective == pytest.approx(by_scipy(other, data, 0.02, 0.01), rel=1e-8)


def test_the_model_holds_the_solution():
    data, model = problem(), rt.RAG(6, 3, 3, tasks=NAMES)
    solution = rt.solve(model, data, 0.02, 0.01)
    assert objective(model.double(), data, 0.02, 0.01).item() == pytest.approx(
        solution.objective, rel=1e-9
    )


def test_a_path_is_its_lone_solves():
    data = problem()
    lams = np.logspace(-4, 1, 6)
    path = solve_path(rt.RAG(6, 3, 3, tasks=NAMES), data, lams, 0.01, tol=1e-8)
    for r, lam in enumerate(lams):
        model = rt.RAG(6, 3, 3, tasks=NAMES)
        solution = rt.solve(model, data, lam, 0.01, tol=1e-8)
        one = objective(path.model(r).double(), data, lam, 0.01).item()
        assert one == pytest.approx(solution.objective, rel=1e-8)
        torch.testing.assert_close(
            path.model(r).task_weights(), model.task_weights(), rtol=0, atol=1e-3
        )


def test_sparse_and_dense_features_have_one_optimum():
    rng = np.random.default_rng(0)
    n, d = 90, 5_200
    x = sp.random(n, d, density=0.004, format="csr", random_state=0, dtype=np.float32)
    y, task = rng.integers(0, 3, n), np.repeat([0, 1, 2], 30)
    sparse = rt.MultiTaskDataset(x, y, 3, task)
    assert sp.issparse(sparse.x)
    dense = rt.MultiTaskDataset(x.toarray(), y, 3, task)
    a, b = (rt.solve(rt.RAG(d, 3, 3, tasks=NAMES), data, 0.01, 0.01) for data in (sparse, dense))
    assert a.converged and a.objective == pytest.approx(b.objective, rel=1e-10)


@pytest.mark.parametrize("n_features", [6, 120])
def test_more_documents_than_a_kernel_matrix_holds(n_features, monkeypatch):
    """Fewer words than documents, or more."""
    monkeypatch.setattr("ragteach.engine.gram.GRAM_DOCS", 100)
    data = problem((120, 90, 80), n_features)
    model, other = (rt.RAG(n_features, 3, 3, tasks=NAMES) for _ in range(2))
    solution = rt.solve(model, data, 0.01, 0.01)
    assert solution.converged
    assert solution.objective == pytest.approx(by_scipy(other, data, 0.01, 0.01), rel=1e-8)


@pytest.mark.parametrize("n_features", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_more_documents_than_words(n_features, seed):
    """The kernel is singular: there are many e for one W.

    In some of these a task has no example of a class: its bias falls for ever, and tol ends it.
    """
    data = problem((6, 6, 6), n_features, seed=seed)
    model, other = (rt.RAG.full_sharing(n_features, 3, tasks=NAMES, bias="task") for _ in range(2))
    solution = rt.solve(model, data, 0.3, 0.2, tol=1e-9)
    assert solution.converged
    assert solution.objective == pytest.approx(by_scipy(other, data, 0.3, 0.2), rel=1e-8)


def test_the_same_document_many_times():
    """Enough words, and a singular kernel all the same."""
    once = problem((20, 20, 20), 80)
    copies = [part.repeat_interleave(5, 0) for part in (torch.as_tensor(once.x), once.y, once.task)]
    many = rt.MultiTaskDataset(copies[0], copies[1], 3, copies[2])
    models = [rt.RAG(80, 3, 3, tasks=NAMES) for _ in range(2)]
    lam = [0.1, 0.1]
    a, b = (
        rt.solve(model, data, *lam, tol=1e-8)
        for model, data in zip(models, (once, many), strict=True)
    )
    assert a.converged and b.converged and a.objective == pytest.approx(b.objective, rel=1e-10)
    torch.testing.assert_close(
        models[0].task_weights(), models[1].task_weights(), rtol=0, atol=1e-4
    )


class Quadratics:
    """What `newton_direction` asks of a space: here H is a given matrix per replica."""

    def __init__(self, hessians):
        self.hessians, self.problem = hessians, self

    def logits(self, v):
        return v.unsqueeze(0)

    def probabilities(self, logits):
        return logits

    def residual_change(self, p, way):
        return None

    def gradient(self, way, change):
        return (self.hessians @ way.unsqueeze(2)).squeeze(2)

    def dot(self, a, b):
        return (a * b).sum(1, keepdim=True)

    def select(self, busy):
        return Quadratics(self.hessians[busy])


def test_directions_of_newton_are_those_of_a_linear_solve():
    """Also where one replica is there exactly, after one step or before the first, and the others
    are not.
    """
    rng = np.random.default_rng(0)
    roots = torch.tensor(rng.normal(size=(11, 8, 8)))
    hessians = roots @ roots.mT + torch.eye(8, dtype=torch.float64)
    hessians[0] = torch.eye(8)
    grad = torch.tensor(rng.integers(-3, 4, (11, 8)), dtype=torch.float64)
    grad[1] = 0.0
    accuracy = torch.full((11, 1), 1e-10, dtype=torch.float64)
    d, steps = newton_direction(Quadratics(hessians), torch.zeros_like(grad), grad, accuracy, 50)
    torch.testing.assert_close(d, torch.linalg.solve(hessians, -grad), rtol=1e-6, atol=1e-9)
    assert 8 <= steps < 16
    _, steps = newton_direction(Quadratics(hessians[:1]), grad[:1], grad[:1], accuracy[:1], 50)
    assert steps == 1  # where H is the identity, the first way is the whole way


def test_too_few_steps_are_reported_not_hidden():
    with pytest.warns(ConvergenceWarning, match="after 2 steps, above tol=1e-06"):
        solution = rt.solve(rt.RAG(6, 3, 3, tasks=NAMES), problem(), 1e-3, 1e-3, max_iter=2)
    assert solution.iterations == 2 and not solution.converged and solution.grad_norm > 1e-6


def true_norms(path, tensors):
    """The length of J's gradient at every point of a path, by autograd in float64."""
    lengths = []
    for r in range(len(path)):
        model = path.model(r).double()
        criterion = rt.MultiTaskLoss(lam=float(path.lam[r]), lam_shared=float(path.lam_shared[r]))
        criterion.set_sizes(tensors.sizes)
        criterion.stacked(model, tensors).backward()
        moving = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        lengths.append(torch.cat(moving).norm())
    return torch.stack(lengths)


def test_every_point_of_a_path_says_how_it_ended():
    """Some have converged after so many steps, and some have not."""
    data, model = problem(), rt.RAG(6, 3, 3, tasks=NAMES).double()
    path = solve_path(model, data, [1e-4, 1.0, 1e-3, 10.0], 0.5, tol=1e-6, max_iter=50)
    assert path.converged.tolist() == (path.grad_norm < 1e-6).tolist()
    assert path.converged.tolist() == [False, True, False, True]
    tensors = data.stacked(dtype=torch.float64)
    torch.testing.assert_close(path.grad_norm, true_norms(path, tensors), rtol=1e-6, atol=1e-10)
    whole = solve_path(model, data, [1e-4, 1.0, 1e-3, 10.0], 0.5)
    assert whole.converged.all() and whole.grad_norm.shape == (4,)
    assert not whole.fallback.any()


@pytest.mark.parametrize("frozen", ["shared", "adapters", "bias", "A2"])
def test_the_gradient_of_what_is_frozen_does_not_count(frozen):
    data, model = problem(), rt.RAG(6, 3, 3, tasks=NAMES, scale=0.5).double()
    model.freeze(frozen)
    path = solve_path(model, data, [1e-3, 0.1], 0.02, max_iter=5)
    tensors = data.stacked(dtype=torch.float64)
    torch.testing.assert_close(path.grad_norm, true_norms(path, tensors), rtol=1e-6, atol=1e-10)


def test_a_fallback_that_is_taken_is_counted():
    """Every document five times, in a space of documents: K is singular."""
    data = problem((8, 8, 8), 80)
    rows = torch.arange(24).repeat_interleave(5)
    many = rt.MultiTaskDataset(data.x[rows], data.y[rows], 3, data.task[rows])
    assert rt.solve(rt.RAG(80, 3, 3, tasks=NAMES), data, 0.1, 0.1).fallbacks == 0
    model = rt.RAG(80, 3, 3, tasks=NAMES)
    solution = rt.solve(model, many, 1e-3, 1e-3, tol=1e-10)
    assert solution.converged and solution.fallbacks in (0, 1)


class Stuck(Documents):
    """A space that does not reach the optimum of some replicas."""

    def select(self, rows):
        return Stuck(self.problem.select(rows), self.kernel)

    def norm(self, gradient):
        return super().norm(gradient) + 1.0 * (self.problem.lam < 0.05)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("bias", ["task", "shared", False])
def test_replicas_that_documents_miss_fall_back_on_weights(bias, monkeypatch):
    """Only they do, and they end where they should; the steps of both searches are counted."""
    data, lams = problem((5, 6, 7), 30, seed=2), [0.02, 0.3, 0.01]
    model = rt.RAG(30, 3, 3, tasks=NAMES, bias=bias, scale=0.5).double()
    model.freeze("A2")
    plain = solve_path(model, data, lams, 0.2, tol=1e-9)
    assert not plain.fallback.any()
    steps = rt.solve(copy.deepcopy(model), data, 0.02, 0.2, tol=1e-9)
    monkeypatch.setattr("ragteach.engine.optimum.best_space", Stuck)
    path = solve_path(model, data, lams, 0.2, tol=1e-9)
    assert path.fallback.tolist() == [True, False, True]
    assert path.converged.all()
    torch.testing.assert_close(path.task_weights(), plain.task_weights(), rtol=0, atol=1e-7)
    torch.testing.assert_close(path.adapters[1], plain.adapters[1], rtol=0, atol=0)
    again = rt.solve(copy.deepcopy(model), data, 0.02, 0.2, tol=1e-9)
    assert again.fallbacks == 1 and steps.fallbacks == 0
    assert again.iterations > 1.5 * steps.iterations
    short = rt.solve(copy.deepcopy(model), data, 0.02, 0.2, tol=1e-9, max_iter=again.iterations - 5)
    assert short.iterations == again.iterations - 5 and not short.converged
    few = rt.solve(copy.deepcopy(model), data, 0.02, 0.2, tol=1e-9, max_iter=5)
    assert few.fallbacks == 0 and few.iterations == 5


@pytest.mark.parametrize("options", [dict(), dict(graph=MIXED, num_adapters=2, bias="shared")])
@pytest.mark.parametrize("alpha", ["size", [0.5, 0.0, 2.0]])
def test_the_readable_solver_ends_where_newton_does(options, alpha):
    data = problem((20, 30, 25))
    ours, theirs = (
        rt.RAG(6, 3, **{"num_adapters": 3, "tasks": NAMES} | options).double() for _ in range(2)
    )
    for model in (ours, theirs):
        model.freeze(model.adapter_names[0])
    a = rt.solve(ours, data, 0.05, 0.02, alpha, tol=1e-8)
    b = solve_readable(theirs, data, 0.05, 0.02, alpha, tol=1e-8)
    assert a.converged and b.converged and b.iterations > 5
    assert b.objective == pytest.approx(a.objective, rel=1e-12)
    torch.testing.assert_close(ours.task_weights(), theirs.task_weights(), rtol=0, atol=1e-5)
    few = solve_readable(copy.deepcopy(theirs).reset(1), data, 0.05, 0.02, alpha, max_iter=2)
    assert not few.converged


def test_low_rank_adapters_are_refused():
    model = rt.RAG(6, 3, 3, tasks=NAMES, adapter="low_rank", rank=1)
    with refused('adapter="full"', "low_rank"):
        rt.solve(model, problem(), 0.01, 0.01)


def test_training_and_solving_mean_the_same_j_unless_told():
    """`fit`, `train_many`, `solve` and `solve_path` have one default of lam and of lam_shared."""
    functions = (rt.fit, rt.train_many, rt.solve, rt.solve_path, rt.RAGClassifier)
    for name in ("lam", "lam_shared"):
        assert {inspect.signature(f).parameters[name].default for f in functions} == {0.01}


APART = rt.MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
MIXED_UP = rt.MultiTaskDataset(
    torch.ones(6, 1), [0, 1, 1, 0, 0, 0], 2, ["a", "a", "a", "b", "b", "b"]
)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("lam", "lam_shared", "ends"), [(0, 0, False), (0, 1, False), (1, 0, False), (1, 1, True)]
)
def test_weights_without_a_penalty_that_tell_all_apart_have_no_optimum(lam, lam_shared, ends):
    """Twice the weights, twice the margins: J of them is always lower."""
    model = rt.RAG(4, 2, 2, tasks=["a", "b"], bias=False)
    assert rt.solve(model, APART, lam=lam, lam_shared=lam_shared, tol=1e-3).converged is ends
    path = solve_path(model, APART, lam=[1, lam], lam_shared=[1, lam_shared], tol=1e-3)
    assert path.converged.tolist() == [True, ends]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_one_task_that_is_told_apart_is_enough_where_each_has_its_adapter():
    """Task b holds one class only: its own adapter grows for ever, a shared weight does not."""
    own = rt.RAG(1, 2, 2, tasks=["a", "b"], bias=False)
    assert not rt.solve(own, MIXED_UP, lam=0, lam_shared=1, tol=1e-3).converged
    shared = rt.RAG.full_sharing(1, 2, tasks=["a", "b"], bias=False)
    assert rt.solve(shared, MIXED_UP, lam=0, lam_shared=0, tol=1e-3).converged
