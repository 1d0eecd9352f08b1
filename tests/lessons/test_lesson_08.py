"""What lesson 08 says about randomness, held on its own data (seed 0) and on others."""

from functools import cached_property

import lesson_source
import numpy as np
import pytest
import torch

import ragteach as rt
from ragteach import RAG, MultiTaskDataset
from ragteach.study.experiment import draw, interval
from ragteach.teach.checks import reference

LAM = 0.001


class Problem:
    """The lesson's set-up for one draw of the data, with the lesson's own functions."""

    def __init__(self, seed):
        train, _, test = draw("toy", None, 60, seed=seed, relatedness=0.25)
        self.seed, self.data = seed, MultiTaskDataset.from_frame(train)
        self.names, self.d = self.data.task_names, self.data.n_features
        self.tensors = self.data.stacked()
        self.exam = MultiTaskDataset.from_frame(test, self.data.vectorizer, self.names).stacked()
        functions = (
            "LAM",
            "ten_models",
            "spread_over_time",
            "to_the_bottom",
            "two_phases",
            "tuned_accuracy",
            "LAM_TRIES",
            "SETTINGS",
            "graphs_on",
            "at_one_lambda",
            "KINDS",
            "FEW",
            "lens_against_rank",
        )
        self.lesson = lesson_source.load("08_what_random_does", *functions)
        self.lesson |= {
            "d": self.d,
            "names": self.names,
            "data": self.data,
            "tensors": self.tensors,
        }
        self.lesson |= {"exact_tensors": self.data.stacked(dtype=torch.float64), "exam": self.exam}
        self.lesson |= {"SEEDS": list(range(10)), "LR": 1.0, "spread": reference("08-1")}
        assert self.lesson["LAM"] == LAM

    def ten(self, init, scale, lam, steps=1000, first=0):
        return self.lesson["ten_models"](init, scale, lam, steps, first)

    def shared(self):
        model = RAG.full_sharing(self.d, 3, tasks=self.names, init="zero")
        rt.solve(model, self.data, LAM, LAM)
        return self.accuracy(model)

    @cached_property
    def runs(self):
        starts = {"normal": ("normal", 1.0), "uniform": ("uniform", 1.0), "small": ("normal", 0.01)}
        return {
            (name, lam): self.ten(*start, lam)
            for name, start in starts.items()
            for lam in (0.0, 0.01)
        }

    def spread(self, run):
        return self.lesson["spread_over_time"](run)[1][-1]

    def accuracies(self, run, step):
        _, shared, adapters = run.history[step // 20]
        then = self.lesson["replace"](run, shared=shared, adapters=adapters)
        return then.accuracy(self.exam).mean(0)

    def accuracy(self, model):
        return rt.evaluate(model, self.exam)["accuracy"]

    def rag(self, kind="full", rank=None, seed=0):
        return RAG(self.d, 3, 4, tasks=self.names, adapter=kind, rank=rank, seed=seed, scale=0.1)

    def bottom(self, kind, rank, seed, steps=1500):
        model = self.rag(kind, rank, seed).double()
        J = self.lesson["to_the_bottom"](model, steps=steps)
        slope = max(p.grad.abs().max().item() for p in model.parameters() if p.requires_grad)
        assert slope < 1e-3  # it has arrived: no way down is left
        return J, self.accuracy(model)


@pytest.fixture(scope="module", params=[0, 1])
def problem(request):
    torch.set_num_threads(1)
    return Problem(request.param)


def ranges(values):
    return (values.max() - values.min()).item()


def test_a_penalty_forgets_the_start_and_none_keeps_it(problem):
    for start in ("normal", "uniform", "small"):
        assert problem.spread(problem.runs[start, 0.01]) < 1e-3
    assert (
        problem.spread(problem.runs["normal", 0.0])
        > problem.spread(problem.runs["uniform", 0.0])
        > 0.2
    )
    assert 0.001 < problem.spread(problem.runs["small", 0.0]) < 0.05


def test_two_runs_meet_as_the_bound_says_and_the_bound_is_sharp(problem):
    # Half the top eigenvalue of X'X / n bounds a task's Hessian in W_t; W_t = W_s + A_t makes it 1
    # + T times.
    x = problem.tensors.x
    top = max(torch.linalg.eigvalsh(one.T @ one / len(one))[-1].item() for one in x)
    assert 0.5 * top * (1 + len(x)) + 0.01 < 0.5
    for lam in (0.0, 0.01):
        history = problem.runs["normal", lam].history
        apart = np.array(
            [torch.cat([(w[0] - w[1]), *(a[:, 0] - a[:, 1])]).norm().item() for _, w, a in history]
        )
        bound = apart[0] * (1 - lam) ** np.array([step for step, _, _ in history])
        assert (apart <= bound * 1.02 + 1e-4).all()
        assert (apart >= bound * 0.85).all()  # the points lie on the line
    assert 52 < apart[0] < 75 and 0.001 < apart[-1] < 0.004  # (the run with the penalty)
    assert reference("08-2")(1.0, 0.01, 1.0, 0.01) == pytest.approx(458.2, abs=0.1)


def test_early_stopping_large_starts_hurt_and_small_ones_do_not(problem):
    early = problem.accuracies(problem.runs["normal", 0.0], 20).mean()
    zero = problem.ten("zero", 1.0, 0.0)
    small = problem.runs["small", 0.0]
    start = problem.accuracies(small, 20).mean()
    assert early < start - 0.1
    assert problem.accuracies(problem.runs["uniform", 0.0], 20).mean() < start - 0.05
    for steps in (20, 200, 1000):
        assert ranges(problem.accuracies(small, steps)) < 0.02
        assert ranges(problem.accuracies(zero, steps)) == 0
        assert problem.accuracies(zero, steps).mean() == pytest.approx(
            problem.accuracies(small, steps).mean().item(), abs=0.01
        )
    for start in ("normal", "uniform"):
        late, agreed = (problem.accuracies(problem.runs[start, lam], 1000) for lam in (0.0, 0.01))
        assert 0.008 < ranges(late) < 0.05
        assert ranges(agreed) < 0.002
        assert agreed.mean() < late.mean() - 0.01  # on these data 0.01 is too much


def test_only_the_variance_of_the_start_counts(problem):
    def spreads(init, scale):
        runs = (problem.ten(init, scale, 0.0, 20, first) for first in range(0, 60, 10))
        return np.array([problem.spread(run) for run in runs])

    normal = spreads("normal", 1.0)
    same_scale = spreads("uniform", 1.0) / normal
    same_variance = spreads("uniform", np.sqrt(3)) / normal
    assert 0.6 < same_scale.mean() < 0.9
    _, low, high = interval(same_variance)
    assert 0.9 < low < high < 1.1
    answer = {"same scale": same_scale, "same variance": same_variance, "conclusion": "c"}
    assert rt.check("08-4", answer)


def test_two_zero_factors_never_leave(problem):
    model = RAG(problem.d, 3, 4, tasks=problem.names, adapter="low_rank", rank=2, init="zero")
    options = {"epochs": 50, "lr": 0.05, "lam": LAM, "lam_shared": LAM, "progress": False}
    rt.fit(model, problem.tensors, **options)
    assert model.adapter_weights().norm() > 1
    for adapter in model.adapters.values():
        torch.nn.init.zeros_(adapter.up)
        torch.nn.init.zeros_(adapter.down)
    rt.fit(model, problem.tensors, **options)
    assert model.adapter_weights().norm() == 0


def test_rank_two_is_the_full_adapter_and_each_lens_is_a_problem_of_its_own(problem):
    full, two = (
        [problem.bottom(kind, rank, seed) for seed in (0, 1)]
        for kind, rank in [("full", None), ("low_rank", 2)]
    )
    assert np.ptp([J for J, _ in full + two]) < 1e-4
    assert two[0][1] == pytest.approx(full[0][1], abs=0.003)
    lens = {rank: [problem.bottom("projected", rank, seed) for seed in (0, 1)] for rank in (16, 89)}
    assert all(np.ptp([J for J, _ in ends]) > 0.001 for ends in lens.values())
    few, many = (np.mean([accuracy for _, accuracy in lens[rank]]) for rank in (16, 89))
    shared = problem.shared()
    assert shared - 0.02 < few < shared + 0.1 and few < many
    assert (few - shared) / 16 > (many - shared) / 89  # per trained number the smallest looks best


def test_rank_one_has_one_bottom_here_and_several_elsewhere():
    here, elsewhere = (
        np.array([problem.bottom("low_rank", 1, seed)[0] for seed in (0, 1, 2)])
        for problem in (Problem(0), Problem(1))
    )
    assert np.ptp(here) < 2e-4
    assert 4e-3 < np.ptp(elsewhere) < 0.02
    for seed, J in ((0, here), (1, elsewhere)):
        # the wrong rank costs more
        assert J.min() > Problem(seed).bottom("full", None, 0)[0] + 0.15


def test_the_lens_is_below_rank_two_with_as_many_numbers_on_other_draws():
    """The six draws of the text; the last row is where validation chose each kind's lambda."""
    lesson = Problem(0).lesson
    runs = np.array([lesson["lens_against_rank"](seed) for seed in range(1, 7)])  # (6, 4, 2)
    assert (runs[..., 0] < -0.01).all()  # 89 mixtures against rank 2
    of_45 = runs[..., 1]  # 45 against rank 1
    assert all(low < 0 < high for _, low, high in map(interval, of_45[:, :2].T))
    assert (of_45[:, 3] == of_45[:, 2]).all()  # validation takes three times lambda for both
    mean, _, high = interval(of_45[:, 3])
    assert -0.035 < mean < -0.01 and high < 0.005


def test_how_many_parameters_each_kind_trains():
    d = 131
    for kind, rank, numbers in [
        ("full", None, 3 * d),
        ("low_rank", 2, 2 * (3 + d)),
        ("projected", 45, 3 * 45),
    ]:
        adapter = RAG(d, 3, 1, adapter=kind, rank=rank).adapters["A1"]
        assert sum(p.numel() for p in adapter.parameters()) == numbers
    assert 0.6 < 2 * (3 + d) / (3 * d) < 0.7  # saves about a third
    assert 3 + d == pytest.approx(3 * 45, rel=0.03)  # r = 1 against 45 mixtures
    assert 2 * (3 + d) == pytest.approx(3 * 89, rel=0.03)


def test_adapters_off_helps_large_starts_only(problem):
    ends = {
        (scale, on): np.array([problem.lesson["two_phases"](seed, scale, on) for seed in (0, 1, 2)])
        for scale in (0.01, 1.0)
        for on in (True, False)
    }
    J = {key: value[:, 0] for key, value in ends.items()}
    assert J[0.01, True] == pytest.approx(J[0.01, False], abs=0.005)
    assert J[1.0, True].min() > J[1.0, False].max() + 0.05 and np.ptp(J[1.0, True]) > 0.002
    assert np.ptp(J[1.0, False]) < 1e-4  # off: the start is never seen
    joint = rt.solve(problem.rag(), problem.data, lam=LAM, lam_shared=LAM).objective
    assert min(j.min() for j in J.values()) > joint + 0.05  # law 7
    accuracy = {key: value[:, 1].mean() for key, value in ends.items()}
    assert accuracy[1.0, False] == pytest.approx(accuracy[1.0, True], abs=0.03)


def test_random_graphs_at_the_best_lambda_of_each():
    problem = Problem(0)
    draws = [problem.lesson["graphs_on"](seed) for seed in range(6)]
    lead = {
        setting: interval([np.mean(d[setting]) - d["own"] for d in draws])
        for setting in problem.lesson["SETTINGS"]
    }
    assert all(high < 0 for *_, high in lead.values())
    assert -0.16 < lead[4, 1][0] < -0.1 and -0.08 < lead[8, 2][0] < -0.04
    assert lead[4, 1][0] < lead[8, 1][0] < -0.02
    assert interval([d["shared"] - d["own"] for d in draws])[2] < -0.15
    for setting in lead:  # "clearly better than full sharing"
        assert interval([np.mean(d[setting]) - d["shared"] for d in draws])[1] > 0.03
    assert min(np.ptp(d[4, 1]) for d in draws) > 0.005  # the luck of the graph


def test_one_fixed_lambda_flatters_two_adapters():
    double, own, own_half = Problem(0).lesson["at_one_lambda"]()
    assert (double > own).sum() == 5  # as the text says
    assert (double < own_half).all()


def test_the_average_random_graph():
    graphs = [rt.routing_graph("random", 4, 8, per_task=2, seed=s) for s in range(500)]
    overlap = np.mean([(g @ g.T)[0, 1].item() for g in graphs])
    assert overlap == pytest.approx(reference("08-7")(8, 2)[1], abs=0.1)
    # every graph of 4 tasks with one of 4 adapters each
    own = sum(len(set(np.base_repr(i, 4).zfill(4))) == 4 for i in range(256))
    assert own == 24


def test_the_word_of_the_widget_stands_in_film_sentences_only():
    frame = rt.make_toy(n_per_task={"films": 30, "cars": 30})
    tasks = frame["task"][frame["text"].str.contains(r"\bopening\b")]
    assert set(tasks) == {"films"}
    lab = (lesson_source.SOURCE.parent / "08_what_random_does.ipynb").read_text(encoding="utf-8")
    assert "for the word “opening”" in lab or "for the word \\u201copening\\u201d" in lab
