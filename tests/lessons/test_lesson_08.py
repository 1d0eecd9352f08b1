"""What lesson 08 says about randomness, held on its own data (seed 0) and on others (seeds 1 and 2)."""

import numpy as np
import pytest
import torch

import ragteach as rt
from ragteach import RAG, MultiTaskDataset
from ragteach.checks import reference
from ragteach.compare import draw

LAM = 0.001


class Problem:
    """The lesson's set-up for one draw of the data."""

    def __init__(self, seed):
        train, _, test = draw("toy", None, 60, seed=seed, relatedness=0.25)
        self.data = MultiTaskDataset.from_frame(train)
        self.names, self.d = self.data.task_names, self.data.n_features
        self.tensors = self.data.stacked()
        self.exam = MultiTaskDataset.from_frame(test, self.data.vectorizer, self.names).stacked()

    def ten(self, init, scale, lam, steps):
        model = RAG(self.d, 3, 4, tasks=self.names, init=init, scale=scale)
        return rt.train_many(
            model,
            self.tensors,
            lam=lam,
            lam_shared=lam,
            seeds=range(10),
            steps=steps,
            lr=1.0,
            optimizer="sgd",
        )

    def accuracy(self, model):
        return rt.evaluate(model, self.exam)["accuracy"]

    def solved(self, model, lam=LAM):
        rt.solve(model, self.data, lam=lam, lam_shared=LAM)
        return self.accuracy(model)

    def fitted(self, kind, rank, seed, epochs=250, **options):
        model = RAG(self.d, 3, 4, tasks=self.names, adapter=kind, rank=rank, seed=seed, scale=0.1)
        history = rt.fit(
            model, self.tensors, epochs=epochs, lr=0.05, lam=LAM, lam_shared=LAM, progress=False, **options
        )
        return model, history.records[-1]["loss"], self.accuracy(model)


@pytest.fixture(scope="module", params=[0, 1, 2])
def problem(request):
    torch.set_num_threads(1)
    return Problem(request.param)


def spread(replicas):
    return np.mean([reference("08-1")(w.numpy()) for w in replicas.task_weights()])


def test_a_penalty_forgets_the_start_and_none_keeps_it(problem):
    for init, scale in [("normal", 1.0), ("uniform", 1.0), ("normal", 0.01)]:
        assert spread(problem.ten(init, scale, 0.01, 2000)) < 1e-4
    assert 0.3 < spread(problem.ten("normal", 1.0, 0.0, 2000)) < 0.8
    assert 0.001 < spread(problem.ten("normal", 0.01, 0.0, 2000)) < 0.05


def test_the_rate_of_forgetting_is_the_formula(problem):
    model = RAG(problem.d, 3, 4, tasks=problem.names, scale=1.0)
    run = rt.train_many(
        model,
        problem.tensors,
        lam=0.01,
        lam_shared=0.01,
        steps=459,
        lr=1.0,
        optimizer="sgd",
        record_every=459,
    )
    conserved = rt.Trajectory.from_replicas(run).conserved().flatten(1).norm(dim=1)
    assert reference("08-2")(1.0, 0.01, 0.01) == pytest.approx(458.2, abs=0.1)
    assert (conserved[1] / conserved[0]).item() == pytest.approx(0.99**459, rel=1e-3)


def test_early_stopping_large_starts_hurt_and_small_ones_do_not(problem):
    early = problem.ten("normal", 1.0, 0.0, 20).accuracy(problem.exam).mean(0)
    small = [
        problem.ten("normal", 0.01, 0.0, steps).accuracy(problem.exam).mean(0) for steps in (20, 200, 2000)
    ]
    assert early.mean() < 0.42  # hardly better than one in three
    assert early.mean() < small[0].mean() - 0.05
    assert max((a.max() - a.min()).item() for a in small) < 0.02
    late = problem.ten("normal", 1.0, 0.0, 2000).accuracy(problem.exam).mean(0)
    assert 0.01 < (late.max() - late.min()).item() < 0.06
    agreed = problem.ten("normal", 1.0, 0.01, 2000).accuracy(problem.exam).mean(0)
    assert (agreed.max() - agreed.min()).item() < 0.002
    assert agreed.mean() < late.mean()  # on these data 0.01 is too much


def test_only_the_variance_of_the_start_counts(problem):
    normal = spread(problem.ten("normal", 1.0, 0.0, 20))
    same_scale = spread(problem.ten("uniform", 1.0, 0.0, 20)) / normal
    same_variance = spread(problem.ten("uniform", np.sqrt(3), 0.0, 20)) / normal
    assert 0.5 < same_scale < 0.97
    assert 0.85 < same_variance < 1.15
    answer = {"same scale": same_scale, "same variance": same_variance, "conclusion": "c"}
    assert rt.check("08-4", answer)


def test_two_zero_factors_never_leave(problem):
    model = RAG(problem.d, 3, 4, tasks=problem.names, adapter="low_rank", rank=2, init="zero")
    rt.fit(model, problem.tensors, epochs=20, lr=0.05, progress=False)
    assert model.adapter_weights().norm() > 1
    for adapter in model.adapters.values():
        torch.nn.init.zeros_(adapter.up), torch.nn.init.zeros_(adapter.down)
    rt.fit(model, problem.tensors, epochs=20, lr=0.05, progress=False)
    assert model.adapter_weights().norm() == 0


def test_rank_and_lens(problem):
    """Rank 2 is the full adapter, rank 1 depends on the seed, and the random lens is no bargain."""
    ends = {
        (kind, rank): [problem.fitted(kind, rank, seed)[1:] for seed in (0, 1, 2)]
        for kind, rank in [
            ("full", None),
            ("low_rank", 1),
            ("low_rank", 2),
            ("projected", 16),
            ("projected", 128),
        ]
    }
    loss = {key: [end[0] for end in value] for key, value in ends.items()}
    accuracy = {key: np.array([end[1] for end in value]) for key, value in ends.items()}
    assert np.ptp(loss["full", None]) < 1e-3 and np.ptp(loss["low_rank", 2]) < 1e-3
    assert loss["low_rank", 2][0] == pytest.approx(loss["full", None][0], abs=2e-3)
    assert np.ptp(loss["low_rank", 1]) > 3e-3 and min(loss["low_rank", 1]) > loss["full", None][0] + 0.1
    assert accuracy["low_rank", 2].mean() == pytest.approx(accuracy["full", None].mean(), abs=0.005)
    shared = problem.solved(RAG.full_sharing(problem.d, 3, tasks=problem.names))
    assert shared - 0.01 < accuracy["projected", 16].mean() < shared + 0.07
    assert accuracy["projected", 128].mean() < accuracy["low_rank", 2].mean()


def test_how_many_parameters_each_kind_trains():
    d = 185
    for kind, rank, numbers in [
        ("full", None, 3 * d),
        ("low_rank", 2, 2 * (3 + d)),
        ("projected", 64, 3 * 64),
    ]:
        adapter = RAG(d, 3, 1, adapter=kind, rank=rank).adapters["A1"]
        assert sum(p.numel() for p in adapter.parameters()) == numbers
    assert 0.6 < 2 * (3 + d) / (3 * d) < 0.7  # saves about a third


def test_adapters_off_helps_large_starts_only(problem):
    ends = {}
    for scale in (0.01, 1.0):
        for on in (True, False):
            losses = []
            for seed in (0, 1):
                model = RAG(problem.d, 3, 4, tasks=problem.names, seed=seed, scale=scale)
                history = rt.fit(
                    model, problem.tensors, schedule="two_phase", epochs=160, lr=0.05, lam=LAM,
                    lam_shared=LAM, adapters_first=on, progress=False,
                )  # fmt: skip
                losses.append((history.records[-1]["loss"], problem.accuracy(model)))
            ends[scale, on] = np.mean(losses, 0)
    assert ends[0.01, True] == pytest.approx(ends[0.01, False], abs=0.01)
    assert ends[1.0, False][0] < ends[1.0, True][0] - 0.02
    assert ends[1.0, False][1] == pytest.approx(ends[1.0, True][1], abs=0.03)


def test_random_graphs(problem):
    def draws(n_adapters, per_task):
        options = {"tasks": problem.names, "graph": "random", "per_task": per_task}
        return np.array([problem.solved(RAG(problem.d, 3, n_adapters, seed=s, **options)) for s in range(8)])

    own = {k: problem.solved(RAG(problem.d, 3, 4, tasks=problem.names), LAM / k) for k in (1, 2)}
    single, double = draws(4, 1), draws(8, 2)
    assert single.max() < own[1] + 0.005 and single.mean() < own[1] - 0.02 and np.ptp(single) > 0.04
    assert own[1] - 0.03 < double.mean() < own[2]


def test_the_average_random_graph():
    graphs = [rt.routing_graph("random", 4, 8, per_task=2, seed=s) for s in range(500)]
    overlap = np.mean([(g @ g.T)[0, 1].item() for g in graphs])
    assert overlap == pytest.approx(reference("08-7")(8, 2)[1], abs=0.1)
    # every graph of 4 tasks with one of 4 adapters each
    own = sum(len(set(np.base_repr(i, 4).zfill(4))) == 4 for i in range(256))
    assert own == 24
