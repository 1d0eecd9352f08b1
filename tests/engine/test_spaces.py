"""Each space on its own, without the other to fall back on, against autograd, linear algebra, scipy."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
import torch
from problems import problem, same

import ragteach as rt
from ragteach.data.documents import BlockSparse
from ragteach.engine import gram, words
from ragteach.engine.gram import Gram, pays
from ragteach.engine.newton import line_search, newton_cg, newton_direction
from ragteach.engine.objective import Problem
from ragteach.engine.optimum import problem_of, replicas_of
from ragteach.engine.replicas import stack
from ragteach.engine.spaces import Documents, Weights, best_space
from ragteach.losses import cross_entropy, penalty

NAMES = ["task1", "task2", "task3"]
MIXED = torch.tensor([[1.0, 0.0], [1.0, 0.5], [0.0, -1.0]])
ALPHAS = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
LAMS = [(0.03, 0.2), (0.5, 0.02), (0.1, 0.1)]  # (lam, lam_shared) of three replicas


def by_the_words_there(p):
    """The same documents, kept sparse."""
    if isinstance(p.tensors.x, torch.Tensor):
        n_tasks, n_docs, n_words = p.tensors.x.shape
        matrix = sp.csr_matrix(p.tensors.x.reshape(-1, n_words).numpy())
        p.tensors.x = BlockSparse(matrix, n_docs, n_tasks, dtype=torch.float64)
    return Documents(p, words.Words(p))


SPACES = {
    "weights": Weights,
    "documents through the words": Documents,
    "documents by their kernel": lambda p: Documents(p, Gram(p)),
    "documents by the words there": by_the_words_there,
}
MODELS = {
    "one per task": dict(),
    "all": dict(num_adapters=2, graph="all"),
    "mixed, one bias": dict(num_adapters=2, graph=MIXED, bias="shared"),
    "no bias": dict(bias=False),
    "no adapters": dict(num_adapters=0, graph="all"),
    "shared frozen": dict(freeze=["shared"]),
    "one adapter frozen": dict(freeze=["A2"], bias="shared"),
    "adapters frozen": dict(freeze=["adapters"]),
    "bias frozen": dict(freeze=["bias"]),
    "inactive": dict(deactivate=["A1"]),
}


def build(name="one per task", lams=LAMS, sizes=(5, 4, 6), n_features=16):
    """(problem, model) in float64, whose frozen parts are not zero; documents are fewer than words."""
    options = dict(MODELS[name])
    freeze, deactivate = options.pop("freeze", []), options.pop("deactivate", [])
    options = {"num_adapters": 3, "scale": 0.5, "seed": 3, "tasks": NAMES} | options
    model = rt.RAG(n_features, 3, **options).double()
    if model.bias is not None:
        torch.nn.init.normal_(model.bias, generator=torch.Generator().manual_seed(5))
    model.freeze(*freeze)
    model.deactivate(*deactivate)
    tensors = problem(sizes, n_features, seed=2).stacked(dtype=torch.float64)
    lam, lam_shared = torch.tensor(lams, dtype=torch.float64).unbind(1)
    return Problem(stack([model] * len(lams), lam, lam_shared), tensors, ALPHAS), model


def some_vector(space, seed):
    """A vector of the space, with its logits: what the gradient makes of random residuals."""
    shape = space.problem.residual(space.problem.fixed.expand(-1, 3, -1, -1)).shape
    generator = torch.Generator().manual_seed(seed)
    residual = torch.randn(shape, generator=generator, dtype=torch.float64)
    return space.gradient(torch.zeros(3, space.width, dtype=torch.float64), residual)


def moving_parts(replicas, model):
    """The tensors of the replicas that may move, as leaves for autograd."""
    free = {"shared": model.shared.requires_grad, "bias": False, "adapters": False}
    free["adapters"] = any(a.full.requires_grad for a in model.adapters.values())
    free["bias"] = model.bias is not None and model.bias.requires_grad
    for name in ("shared", "adapters", "bias"):
        if free[name]:
            setattr(replicas, name, getattr(replicas, name).clone().requires_grad_())
    return [getattr(replicas, name) for name in free if free[name]]


def true_gradients(space, v, model):
    """J of every replica at the weights of v; its gradient's norm in what may move, by autograd."""
    replicas = replicas_of(space, v)
    parts = moving_parts(replicas, model)
    J = replicas.objective(space.problem.tensors, ALPHAS)
    grads = list(torch.autograd.grad(J.sum(), parts))
    still = [not model.adapters[n].full.requires_grad for n in model.adapters if model.active[n]]
    squares = 0
    for part, grad in zip(parts, grads, strict=True):
        if part is replicas.adapters:
            grad = grad.clone()
            grad[still] = 0.0
        axis = 0 if part is replicas.shared else 1
        squares = squares + grad.square().movedim(axis, 0).flatten(1).sum(1)
    return J.detach(), squares.sqrt()


def J_of(space, v):
    """J as the space sees it: CE of its logits, and its penalties."""
    p = space.problem
    ce = ALPHAS @ cross_entropy(p.fixed + space.logits(v), p.tensors.onehot, p.tensors.weight)
    return ce + space.penalty_dot(v, v)[:, 0] / 2


@pytest.fixture(params=SPACES)
def make(request):
    return SPACES[request.param]


@pytest.mark.parametrize("name", MODELS)
def test_a_vector_carries_the_logits_of_its_weights(make, name):
    space = make(build(name)[0])
    v = some_vector(space, 0)
    shared, adapters = space.weights(v)
    logits = space.problem.logits_of(shared, adapters)
    bias = space.bias(v)
    assert (bias is None) == (name in ("no bias", "bias frozen"))
    if bias is not None:
        assert bias.abs().min() > 0
        logits = logits + bias.unsqueeze(-1)
    assert same(space.logits(v), logits, 1e-10)
    costs = penalty(shared, adapters, space.problem.lam, space.problem.lam_shared)
    assert torch.allclose(space.penalty_dot(v, v)[:, 0] / 2, costs)
    if name == "shared frozen":
        assert not shared.any()
    if name == "one adapter frozen":
        assert not adapters[1].any() and adapters[[0, 2]].any()


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_is_the_slope_of_j_in_every_direction(make, name):
    space = make(build(name)[0])
    v, d = some_vector(space, 0), some_vector(space, 1)
    gradient = space.gradient(v, space.problem.residual(space.logits(v)))
    h = 1e-5
    slope = (J_of(space, v + h * d) - J_of(space, v - h * d)) / (2 * h)
    assert torch.allclose(space.dot(gradient, d)[:, 0], slope, rtol=1e-6)
    assert torch.allclose(space.dot(d, gradient)[:, 0], slope, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_the_hessian_is_the_change_of_the_gradient(make, name):
    space = make(build(name)[0])
    v, d, w = (some_vector(space, seed) for seed in range(3))
    p = space.problem
    change = p.residual_change(p.probabilities(space.logits(v)), space.logits(d))
    product = space.gradient(d, change)
    h = 1e-5
    ends = [space.gradient(u, p.residual(space.logits(u))) for u in (v + h * d, v - h * d)]
    expected = space.dot((ends[0] - ends[1]) / (2 * h), w)
    assert torch.allclose(space.dot(product, w), expected, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_j_and_the_length_of_its_gradient_are_autograds(make, name):
    built, model = build(name)
    space = make(built)
    v = some_vector(space, 0)
    J, norms = true_gradients(space, v, model)
    frozen = replicas_of(space, v)
    frozen.shared = built.fixed_shared.expand_as(frozen.shared)
    frozen.adapters = built.fixed_adapters.expand_as(frozen.adapters)
    still = penalty(frozen.shared, frozen.adapters, built.lam, built.lam_shared)
    assert torch.allclose(J, J_of(space, v) + still)
    gradient = space.gradient(v, built.residual(space.logits(v)))
    assert torch.allclose(space.norm(gradient), norms)


@pytest.mark.parametrize("name", MODELS)
def test_each_space_reaches_the_optimum_alone(make, name):
    """Autograd's gradient is zero there, for every replica, and quickly."""
    built, model = build(name)
    found = newton_cg(make(built), 1e-9, 300)
    _, norms = true_gradients(make(built), found.vectors, model)
    assert found.norms.max() < 1e-9
    assert norms.max() < 1e-8
    assert found.steps < 190
    again = newton_cg(make(built), 1e-9, 7)
    assert again.steps == 7
    assert again.norms.max() > 1e-9


@pytest.mark.parametrize("name", MODELS)
def test_spaces_agree_replica_by_replica(name):
    built, _ = build(name)
    a, *others = (
        replicas_of(make(built), newton_cg(make(built), 1e-10, 500).vectors)
        for make in SPACES.values()
    )
    for other in others:
        assert same(a.shared, other.shared, 1e-7)
        assert same(a.adapters, other.adapters, 1e-7)
        assert a.bias is None or same(a.bias, other.bias, 1e-7)
    assert not same(a.task_weights()[:, 0], a.task_weights()[:, 1], 1e-2)


@pytest.mark.parametrize("lams", [(1.0, 0.0), (0.0, 1.0), (0.3, 0.3)])
def test_weights_where_a_part_costs_nothing(lams):
    """lam_shared = 0 leaves lam's penalty alone, and the other way round; scipy as the judge."""
    built, model = build("one adapter frozen", [lams] * 3, sizes=(40, 50, 30), n_features=3)
    space = best_space(built)
    assert isinstance(space, Weights)
    found = newton_cg(space, 1e-9, 500)
    J, norms = true_gradients(space, found.vectors, model)
    assert norms.max() < 1e-8

    moving = [p for p in model.parameters() if p.requires_grad]
    criterion = rt.MultiTaskLoss(
        lam=lams[0], lam_shared=lams[1], alpha=ALPHAS.tolist(), sizes=[40, 50, 30]
    )

    def value_and_gradient(theta):
        torch.nn.utils.vector_to_parameters(torch.from_numpy(theta), moving)
        model.zero_grad()
        value = criterion.stacked(model, built.tensors)
        value.backward()
        return value.item(), torch.cat([p.grad.flatten() for p in moving]).numpy()

    start = torch.nn.utils.parameters_to_vector(moving).detach().numpy()
    theirs = scipy.optimize.minimize(value_and_gradient, start, jac=True, tol=1e-12)
    assert J[0].item() == pytest.approx(theirs.fun, rel=1e-9)


def test_the_direction_is_the_dense_linear_solve(make):
    """H d = -gradient, with H by autograd's own Hessian of J, in the weights themselves."""
    built, _ = build("no bias", LAMS, sizes=(3, 2, 2), n_features=4)
    space = make(built)
    v = some_vector(space, 0)
    gradient = space.gradient(v, built.residual(space.logits(v)))
    accuracy = torch.full((3, 1), 1e-12, dtype=torch.float64)
    d, steps = newton_direction(space, v, gradient, accuracy, 200)
    assert steps < 60
    shared, adapters = space.weights(v)
    d_shared, d_adapters = space.weights(d)
    for r in range(3):
        theta = torch.cat([shared[r : r + 1], adapters[:, r]])  # (1 + n_adapters, C, d)

        def J(flat, r=r, like=theta):
            w = flat.view_as(like)
            logits = built.fixed[:, 0] + built.logits_of(w[0], w[1:])
            ce = ALPHAS @ cross_entropy(logits, built.tensors.onehot, built.tensors.weight)
            return ce + penalty(w[0], w[1:], built.lam[r], built.lam_shared[r])

        flat = theta.flatten()
        hessian = torch.autograd.functional.hessian(J, flat)
        slope = torch.autograd.functional.jacobian(J, flat)
        expected = torch.linalg.solve(hessian, -slope).view_as(theta)
        assert same(torch.cat([d_shared[r : r + 1], d_adapters[:, r]]), expected, 1e-7)


@pytest.mark.parametrize("length", [1.0, 1e-3, 50.0, 1e4])
def test_the_line_search_ends_where_j_is_nearly_flat(make, length):
    """Whatever the length of the direction it is given."""
    space = make(build()[0])
    v = some_vector(space, 0)
    gradient = space.gradient(v, space.problem.residual(space.logits(v)))
    direction = -length * gradient
    a, residual = line_search(space, v, gradient, direction)
    end = v + a * direction
    assert a.min() > 0
    assert same(residual, space.problem.residual(space.logits(end)), 1e-12)
    slope = space.dot(space.gradient(end, residual), direction)
    assert (slope.abs() <= 0.1 * space.dot(gradient, direction).abs() * (1 + 1e-9)).all()
    assert (J_of(space, end) < J_of(space, v)).all()


def test_a_line_search_without_an_end_makes_no_step(make):
    """A direction along which J only rises, as after rounding."""
    space = make(build()[0])
    v = some_vector(space, 0)
    gradient = space.gradient(v, space.problem.residual(space.logits(v)))
    a, residual = line_search(space, v, gradient, gradient, tries=5)
    assert a.eq(0).all()
    assert same(residual, space.problem.residual(space.logits(v)), 1e-12)


def test_a_space_of_some_replicas(make):
    space = make(build()[0])
    rows = torch.tensor([True, False, True])
    v = some_vector(space, 0)
    few = space.select(rows)
    residual = space.problem.residual(space.logits(v))
    whole, part = space.gradient(v, residual), few.gradient(v[rows], residual[:, rows])
    assert same(part, whole[rows], 1e-12)
    assert same(few.norm(part), space.norm(whole)[rows], 1e-12)
    assert same(few.weights(v[rows])[1], space.weights(v)[1][:, rows], 1e-12)


# ---- which space, and which way


def test_documents_where_they_are_few_and_all_that_moves_has_a_price():
    assert isinstance(best_space(build()[0]), Documents)
    assert isinstance(best_space(build(lams=[(0.0, 0.1)] * 3)[0]), Weights)
    assert isinstance(best_space(build(lams=[(0.1, 0.0)] * 3)[0]), Weights)
    assert isinstance(best_space(build("shared frozen", [(0.1, 0.0)] * 3)[0]), Documents)
    assert isinstance(best_space(build("adapters frozen", [(0.0, 0.1)] * 3)[0]), Documents)
    # 4 words for W_s and 4 for each of 3 adapters: 16; the documents are 16, and 17
    assert isinstance(best_space(build(sizes=(5, 5, 6), n_features=4)[0]), Documents)
    assert isinstance(best_space(build(sizes=(5, 6, 6), n_features=4)[0]), Weights)
    assert isinstance(best_space(build("shared frozen", sizes=(4, 5, 4), n_features=4)[0]), Weights)
    many = build("adapters frozen", sizes=(2, 2, 1), n_features=4)[0]
    assert isinstance(best_space(many), Weights)


def test_a_bias_counts_as_the_weight_of_a_word_in_every_second_document():
    """Penalised as the least penalty would have it, so that few steps are needed for any."""
    built, _ = build(lams=[(1e-4, 1.0), (4.0, 9.0), (0.0, 0.0)])
    assert built.bias_scale.tolist() == pytest.approx([0.5 / 1e-2, 0.5 / 2, 0.5])


def test_the_kernel_is_a_matrix_where_that_pays(monkeypatch):
    few = build()[0]
    assert best_space(few).kernel is not None
    monkeypatch.setattr(gram, "GRAM_DOCS", 0)
    assert best_space(few).kernel is None


@pytest.mark.parametrize(
    ("n_docs", "n_features", "dense", "expected"),
    [
        (2048, 300, True, True), (2049, 300, True, False),
        (1024, 300, False, True), (1025, 300, False, False),
        (4096, 8 * 4096 + 1, False, True), (4096, 8 * 4096, False, False),
        (4097, 10**6, True, False),
    ],
)  # fmt: skip
def test_up_to_how_many_documents_the_kernel_is_a_matrix(n_docs, n_features, dense, expected):
    assert pays(of_shape(n_docs, n_features, dense)) is expected


@pytest.mark.parametrize(
    ("n_docs", "dense", "n_tasks", "n_classes", "expected"),
    [
        (2430, True, 188, 42, True), (2430, True, 188, 2, False), (4097, True, 188, 42, False),
        (2390, False, 188, 42, True), (2400, False, 188, 42, False), (2390, False, 4, 42, False),
    ],
)  # fmt: skip
def test_many_tasks_and_classes_make_the_kernel_pay_for_more_documents(
    n_docs, dense, n_tasks, n_classes, expected
):
    assert pays(of_shape(n_docs, 3800, dense, n_tasks, n_classes)) is expected


def sparse_problem(sizes, n_features, graph="one_per_task"):
    """J of sparse documents of three words each, in tasks of these sizes."""
    n_docs = sum(sizes)
    generator = np.random.default_rng(0)
    words_of = generator.integers(0, n_features, 3 * n_docs)
    parts = (np.ones(3 * n_docs), (np.repeat(np.arange(n_docs), 3), words_of))
    x = sp.csr_matrix(parts, shape=(n_docs, n_features))
    tasks = np.repeat(np.arange(len(sizes)), sizes)
    data = rt.MultiTaskDataset(x, np.arange(n_docs) % 2, 2, tasks)
    model = rt.RAG(n_features, 2, len(sizes), tasks=data.task_names, graph=graph, scale=0.0)
    return model, data


def test_padding_is_no_document_of_the_kernel():
    """One large task and many small ones."""
    model, data = sparse_problem([512] + [8] * 9, 6000)
    problem = problem_of(model, data, 0.1, 0.1, "equal", 1e-6, 100)
    assert problem.tensors.y.numel() > 2 * gram.GRAM_DOCS
    assert pays(problem)


@pytest.mark.parametrize("graph", ["one_per_task", "all"])
def test_a_product_costs_by_the_words_there(graph, monkeypatch):
    """As many columns as there are different words in the documents an adapter serves, at most; and
    the optimum is that of the way through all weights.
    """
    monkeypatch.setattr(gram, "GRAM_DOCS", 0)
    model, data = sparse_problem([9] + [2] * 29, 6000, graph)
    problem = problem_of(model, data, 0.1, 0.1, "equal", 1e-6, 100)
    kernel = best_space(problem).kernel
    assert isinstance(kernel, words.Words)
    served = 1 if graph == "one_per_task" else 30
    assert kernel.adapters.shape[2] <= 3 * len(data.y) * served
    assert kernel.shared.shape[2] <= 3 * len(data.y)
    expected = rt.solve_path(model, data, [0.02, 0.3], 0.05, tol=1e-9)
    monkeypatch.setattr(words, "pays", lambda problem: False)
    found = rt.solve_path(model, data, [0.02, 0.3], 0.05, tol=1e-9)
    assert expected.converged.all()
    assert same(found.shared, expected.shared, 1e-7)
    assert same(found.adapters, expected.adapters, 1e-7)


def of_shape(n_docs, n_features, dense, n_tasks=1, n_classes=3):
    """What `pays` looks at: 49 replicas, an adapter a task."""
    x = torch.zeros(1) if dense else object()
    y = torch.zeros(1, n_docs)
    weight = torch.ones(1, n_docs)
    tensors = SimpleNamespace(y=y, weight=weight, n_features=n_features, n_classes=n_classes, x=x)
    moves = torch.ones(n_tasks, 1, 1, 1)
    return SimpleNamespace(tensors=tensors, lam=torch.ones(49), adapters_move=moves)


@pytest.mark.parametrize("name", MODELS)
def test_a_path_above_the_kernels_limit_is_the_same_path(name, monkeypatch):
    options = dict(MODELS[name])
    freeze, deactivate = options.pop("freeze", []), options.pop("deactivate", [])
    model = rt.RAG(16, 3, **{"num_adapters": 3, "tasks": NAMES, "scale": 0.5} | options).double()
    model.freeze(*freeze)
    model.deactivate(*deactivate)
    data, lams = problem((5, 4, 6), 16, seed=2), [0.02, 0.3, 2.0]
    by_kernel = rt.solve_path(model, data, lams, 0.05, tol=1e-9)
    monkeypatch.setattr(gram, "GRAM_DOCS", 0)
    by_words = rt.solve_path(model, data, lams, 0.05, tol=1e-9)
    for path in (by_kernel, by_words):
        assert path.converged.all()
        assert not path.fallback.any()
    assert same(by_kernel.shared, by_words.shared, 1e-7)
    assert same(by_kernel.adapters, by_words.adapters, 1e-7)
