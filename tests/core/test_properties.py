"""Properties that hold for every shape and every graph, on examples that hypothesis chooses."""

import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import problem, same

from ragteach import RAG, MultiTaskLoss, cross_entropy, residual, solve, train_many
from ragteach.graph import routing_graph, task_covariance
from ragteach.linear import back_project, project
from ragteach.model import task_weights
from ragteach.trainer import epoch_batches, plan

quick = settings(deadline=None, max_examples=25)
slow = settings(deadline=None, max_examples=8)
count = st.integers(1, 5)
seeds = st.integers(0, 2**31 - 1)


@st.composite
def models(draw, kinds=("full", "low_rank", "projected")):
    """A model of any shape with any weighted graph, in double precision."""
    n_tasks, n_adapters = draw(count), draw(st.integers(0, 4))
    d, c, seed = draw(count), draw(st.integers(2, 4)), draw(seeds)
    kind = draw(st.sampled_from(kinds))
    torch.manual_seed(seed)
    graph = torch.randn(n_tasks, n_adapters) * (torch.rand(n_tasks, n_adapters) < 0.7)
    rank = None if kind == "full" else draw(st.integers(1, 3))
    bias = draw(st.sampled_from(["task", "shared", False]))
    model = RAG(
        d,
        c,
        n_adapters,
        tasks=n_tasks,
        graph=graph,
        adapter=kind,
        rank=rank,
        scale=1.0,
        seed=seed,
        bias=bias,
    )
    return model.double()


@quick
@given(models(), seeds)
def test_permuting_tasks_permutes_the_answers(model, seed):
    torch.manual_seed(seed)
    order = torch.randperm(model.n_tasks)
    x = torch.randn(3, model.n_features, dtype=torch.float64)
    other = copy.deepcopy(model)
    other.graph = model.graph[order]
    if model.bias_kind == "task":
        other.bias.data = model.bias.data[order]
    assert same(other(x), model(x)[:, order], 1e-10)


@quick
@given(models(), seeds)
def test_permuting_adapters_changes_nothing(model, seed):
    torch.manual_seed(seed)
    order = torch.randperm(model.n_adapters)
    shared, adapters, graph = model.parts()
    assert same(task_weights(shared, adapters[order], graph[:, order]), model.task_weights(), 1e-10)


@quick
@given(models(), seeds, st.floats(-2, 2), st.floats(-2, 2))
def test_task_weights_are_linear_in_the_graph_and_in_the_weights(model, seed, a, b):
    torch.manual_seed(seed)
    shared, adapters, graph = model.parts()
    other = torch.randn_like(graph)
    zero = torch.zeros_like(shared)
    both = task_weights(zero, adapters, a * graph + b * other)
    assert same(
        both,
        a * task_weights(zero, adapters, graph) + b * task_weights(zero, adapters, other),
        1e-9,
    )
    assert same(task_weights(a * shared, a * adapters, graph), a * model.task_weights(), 1e-9)


@quick
@given(models())
def test_every_task_merges_and_no_task_depends_on_inactive_adapters(model):
    x = torch.randn(4, model.n_features, dtype=torch.float64)
    for t in range(model.n_tasks):
        assert same(model.merge(t)(x), model(x)[:, t], 1e-9)
    model.deactivate(*model.adapter_names)
    assert same(model.task_weights(), model.shared.expand(model.n_tasks, -1, -1))
    assert model.num_parameters() == sum(p.numel() for p in model.parameters())


@quick
@given(models(), seeds)
def test_removing_an_adapter_is_deactivating_it(model, seed):
    if not model.n_adapters:
        return
    name = model.adapter_names[seed % model.n_adapters]
    other = copy.deepcopy(model)
    model.deactivate(name)
    other.remove_adapter(name)
    assert same(model.task_weights(), other.task_weights(), 1e-10)


@quick
@given(st.sampled_from(["all", "grouped", "random"]), st.integers(1, 9), st.integers(1, 9), seeds)
def test_named_graphs_of_every_shape(name, n_tasks, n_adapters, seed):
    per_task = 1 + seed % n_adapters
    graph = routing_graph(name, n_tasks, n_adapters, per_task, seed)
    assert graph.shape == (n_tasks, n_adapters)
    assert set(graph.sum(1).tolist()) == {
        float({"all": n_adapters, "grouped": 1, "random": per_task}[name])
    }
    values = torch.linalg.eigvalsh(task_covariance(graph, 0.5, 2.0))
    assert values.min() > -1e-4  # a covariance has no negative variances
    assert torch.equal(routing_graph(graph.tolist(), n_tasks, n_adapters), graph)


@quick
@given(
    seeds,
    count,
    count,
    st.integers(1, 4),
    st.integers(2, 4),
    st.sampled_from([(), (1,), (3,), (2, 2)]),
)
def test_products_of_every_shape(seed, n_tasks, n_docs, d, c, star):
    torch.manual_seed(seed)
    x = torch.randn(n_tasks, n_docs, d, dtype=torch.float64)
    weights = torch.randn(n_tasks, *star, c, d, dtype=torch.float64)
    errors = torch.randn(n_tasks, *star, c, n_docs, dtype=torch.float64)
    assert same(
        (errors * project(weights, x)).sum(), (back_project(errors, x) * weights).sum(), 1e-9
    )


@quick
@given(seeds, st.lists(st.integers(1, 7), min_size=1, max_size=4), st.floats(-50, 50))
def test_loss_is_blind_to_a_common_shift_and_its_gradient_sums_to_zero(seed, sizes, shift):
    tensors = problem(tuple(sizes), 2, 3, seed % 100).stacked(dtype=torch.float64)
    torch.manual_seed(seed)
    logits = 5 * torch.randn(len(sizes), 3, max(sizes), dtype=torch.float64)
    loss = cross_entropy(logits, tensors.onehot, tensors.weight)
    assert (loss >= 0).all() and same(
        cross_entropy(logits + shift, tensors.onehot, tensors.weight), loss, 1e-9
    )
    grad = residual(logits.clone(), tensors.onehot, tensors.weight)
    assert grad.sum(1).abs().max() < 1e-12 and grad.abs().sum() <= 2 * len(sizes) + 1e-9


@quick
@given(seeds, st.floats(0, 5), st.floats(0, 5), st.floats(0.1, 10))
def test_J_scales_with_alpha_and_lambda(seed, lam, lam_shared, factor):
    data = problem((4, 6), 3, 3, seed % 100)
    model, tensors = RAG(3, 3, 2, scale=1.0, seed=seed).double(), data.stacked(dtype=torch.float64)

    def J(alpha, lam, lam_shared):
        return MultiTaskLoss(None, [alpha, alpha], lam, lam_shared, sizes=[4, 6]).stacked(
            model, tensors
        )

    assert torch.isclose(
        J(factor, factor * lam, factor * lam_shared), factor * J(1, lam, lam_shared), rtol=1e-5
    )
    assert torch.isclose(
        J(1, lam, lam_shared) - J(1, 0, 0), J(1, lam, 0) + J(1, 0, lam_shared) - 2 * J(1, 0, 0)
    )


@quick
@given(
    st.integers(0, 60), st.integers(1, 30), st.sampled_from(["joint", "two_phase", "alternating"])
)
def test_plans_of_every_length(epochs, rounds, schedule):
    phases = plan(schedule, epochs, rounds)
    assert len(phases) == epochs
    if schedule != "joint" and epochs > 1:
        assert phases[0] == "shared" and phases.count("adapters") > 0
        changes = sum(a != b for a, b in zip(phases, phases[1:], strict=False))
        assert changes == min(2 if schedule == "two_phase" else 2 * rounds, epochs) - 1


@quick
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 12), seeds)
def test_batches_of_every_size_deal_out_every_row_once(sizes, batch_size, seed):
    tensors = problem(tuple(sizes), 2, 3).stacked()
    batches = epoch_batches(tensors, batch_size, torch.Generator().manual_seed(seed))
    if batches != [None]:
        rows = torch.cat(batches, 1).sort(1).values
        assert rows.equal(torch.arange(max(sizes)).expand(len(sizes), -1))
        total = sum((tensors.take(b).weight > 0).sum() for b in batches)
        assert total == sum(sizes)


@slow
@given(models(kinds=("full",)), seeds)
def test_replicas_do_not_disturb_each_other(model, seed):
    data = problem((4,) * model.n_tasks, model.n_features, model.n_classes, seed % 100)
    tensors = data.stacked(dtype=torch.float64)
    grid = dict(lam=[0.3, 0.01, 0.3], lam_shared=[0.1, 0.2, 0.1], seeds=[1, seed, 1])
    many = train_many(model, tensors, steps=6, optimizer="sgd", lr=0.1, **grid)
    for r in range(3):
        one = {name: [values[r]] for name, values in grid.items()}
        alone = train_many(model, tensors, steps=6, optimizer="sgd", lr=0.1, **one)
        assert same(many.task_weights()[:, r], alone.task_weights()[:, 0], 1e-9)


@slow
@given(models(kinds=("full",)), seeds)
def test_the_optimum_is_no_worse_than_any_neighbour(model, seed):
    data = problem((6,) * model.n_tasks, model.n_features, model.n_classes, seed % 100)
    assert solve(model, data, lam=0.3, lam_shared=0.2).converged
    criterion, tensors = (
        MultiTaskLoss(lam=0.3, lam_shared=0.2, sizes=data.sizes),
        data.stacked(dtype=torch.float64),
    )
    best = criterion.stacked(model, tensors)
    torch.manual_seed(seed)
    for scale in (1e-3, 1.0):
        other = copy.deepcopy(model)
        with torch.no_grad():
            for p in other.parameters():
                p.add_(scale * torch.randn_like(p))
        assert criterion.stacked(other, tensors) >= best - 1e-9
