"""Every number and claim in the prose of lesson 05, on several seeds."""

import functools

import numpy as np
import pytest
import torch

import ragteach as rt
from ragteach.teach.exercises.answers_05 import conserved_mix, half_life, length_ratio, shared_part

SEEDS = [0, 1, 2]


@functools.cache
def toy(relatedness=0.5, n_per_task=60, seed=0):
    train, _, _ = rt.split_frame(rt.make_toy(relatedness, n_per_task, seed=seed), seed=seed)
    return rt.MultiTaskDataset.from_frame(train)


def path(data, steps=200, lr=1.0, optimizer="sgd", lam=0.0, lam_shared=0.0, seed=0, scale=0.1):
    names = data.task_names
    model = rt.RAG(data.n_features, 3, 4, tasks=names, adapters=names, scale=scale)
    options = {"steps": steps, "lr": lr, "optimizer": optimizer, "record_every": 2}
    replicas = rt.train_many(model, data.stacked(), lam, lam_shared, seeds=[seed], **options)
    return rt.Trajectory.from_replicas(replicas, words=data.vectorizer.get_feature_names_out())


def moved(run):
    """How far W_s - sum A_t has moved, as a part of its length."""
    kept = run.conserved()
    return ((kept[-1] - kept[0]).norm() / kept[0].norm()).item()


def momentum(parameters, lr):
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9)


@pytest.mark.parametrize("seed", SEEDS)
def test_shared_moves_almost_twice_as_far_and_the_angles_settle_near_60_degrees(seed):
    data = toy(seed=seed)
    run = path(data, seed=seed)
    shared = (run.shared[-1] - run.shared[0]).norm()
    adapter = (run.adapters[-1] - run.adapters[0]).flatten(1).norm(dim=1).mean()
    assert 1.7 < shared / adapter < 2
    c = run.gradient_cosines(data.stacked())["cosine"].mean()
    assert -0.08 < c < 0 and abs(length_ratio(4, c) - shared / adapter) < 0.15
    angles = run.angles()
    assert angles[angles["step"] == 0]["angle"].between(80, 100).all()
    assert angles[angles["step"] == 200]["angle"].between(55, 70).all()
    norms = run.norms().pivot(index="step", columns="part", values="norm")[
        ["W_s", *data.task_names]
    ]
    assert norms.loc[0].between(2.0, 2.7).all()
    assert (
        14.5 < norms.loc[200, "W_s"] < 17.5
        and norms.loc[200, data.task_names].between(7.5, 10).all()
    )


def test_the_plane_of_two_words():
    scores = path(toy()).word_table(["annoying", "dark"])
    assert (scores["W_s"] < 0).all()
    assert scores.loc["dark", "films"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_what_keeps_the_law_and_what_breaks_it(seed):
    data = toy(seed=seed)
    assert moved(path(data, seed=seed)) < 1e-5
    assert moved(path(data, seed=seed, optimizer=momentum, lr=0.1)) < 1e-5
    assert 0.8 < moved(path(data, seed=seed, lam=0.01, lam_shared=0.01)) < 0.95
    assert moved(path(data, seed=seed, optimizer="adam", lr=0.05)) > 1


def fitted(batch_size=None, alpha="equal", adapter_lr=0.5):
    data = toy()
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, scale=0.1).double()
    recorder = rt.Recorder(model)

    def optimizer(parameters, lr):
        names = {id(p) for p in model.adapters.parameters()}
        groups = [
            {"params": [p for p in parameters if id(p) not in names], "lr": lr},
            {"params": [p for p in parameters if id(p) in names], "lr": adapter_lr},
        ]
        return torch.optim.SGD(groups, lr=lr)

    rt.fit(
        model, data, epochs=20, lr=0.5, optimizer=optimizer, batch_size=batch_size, alpha=alpha,
        lam=0.0, lam_shared=0.0, callbacks=[recorder], progress=False,
    )  # fmt: skip
    return recorder.trajectory()


def test_mini_batches_and_alpha_keep_the_law_two_learning_rates_break_it():
    assert moved(fitted(batch_size=8)) < 1e-12
    assert moved(fitted(alpha=[3.0, 0.5, 0.25, 0.25])) < 1e-12
    run = fitted(adapter_lr=1.0)
    assert moved(run) > 0.1
    kept = run.shared / 0.5 - run.adapters.sum(1) / 1.0
    assert torch.allclose(kept[0], kept[-1], atol=1e-12)


@pytest.mark.parametrize("graph", ["grouped", "all", [[2, 0], [0, 1], [2, 0], [1, 0.5]]])
def test_the_law_for_any_graph(graph):
    data = toy()
    graph = torch.tensor(graph, dtype=torch.float32) if isinstance(graph, list) else graph
    model = rt.RAG(data.n_features, 3, 2, tasks=data.task_names, graph=graph, scale=0.1).double()
    recorder, v = rt.Recorder(model), torch.tensor(conserved_mix(model.graph.numpy()))
    rt.fit(
        model,
        data,
        epochs=20,
        lr=0.3,
        lam=0.0,
        lam_shared=0.0,
        optimizer=torch.optim.SGD,
        callbacks=[recorder],
        progress=False,
    )
    run = recorder.trajectory()
    kept = run.shared - torch.einsum("k,skcd->scd", v, run.adapters)
    assert (run.shared[-1] - run.shared[0]).norm() > 0.1
    assert torch.allclose(kept[0], kept[-1], atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_start_decays_as_computed_and_starts_meet(seed):
    data = toy(seed=seed)
    kept = path(data, lam=0.01, lam_shared=0.01, seed=seed).conserved()
    left = (kept.flatten(1).norm(dim=1) / kept[0].norm()).numpy()
    assert np.allclose(left, 0.99 ** np.arange(0, 201, 2), atol=1e-4)
    assert 68.5 < half_life(1.0, 0.01) < 69.5 and 0.13 < left[-1] < 0.14
    for lam, low, high in ((0.0, 0.9, 1.0), (0.01, 0.0, 0.001)):
        runs = [path(data, steps=1000, lam=lam, lam_shared=lam, seed=s, scale=1.0) for s in (0, 1)]
        a, b = (run.task_weights()[-1] for run in runs)
        assert low <= (a - b).norm() / a.norm() <= high


def test_more_words_than_sentences():
    assert toy().n_features > len(toy())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cosine_rises_with_relatedness_and_with_sentences(seed):
    def mean(relatedness, n_per_task=60):
        data = toy(relatedness, n_per_task, seed)
        table = path(data, lam=0.01, lam_shared=0.01).gradient_cosines(data.stacked())
        return table["cosine"].mean()

    none, half, full = mean(0.0), mean(0.5), mean(1.0)
    assert -0.25 < none < -0.08 and abs(half) < 0.08 and 0.08 < full < 0.25
    assert mean(1.0, 200) > 1.5 * full


def test_all_pairs_are_near_a_right_angle():
    data = toy()
    cosine = path(data, lam=0.01, lam_shared=0.01).gradient_cosines(data.stacked())["cosine"]
    assert cosine.between(-0.14, 0.07).all()


def solved(lam, lam_shared, seed=0):
    data = toy(0.5, 200, seed)
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, adapters=data.task_names)
    rt.solve(model, data, lam=lam, lam_shared=lam_shared)
    return data, rt.trajectories.model_words(model, list(data.vectorizer.get_feature_names_out()))


def test_the_words_of_the_picture():
    data, table = solved(0.01, 0.01)
    names = data.task_names
    assert table.loc["superb", "W_s"] > 1 and (table.loc["superb", names] > 0).all()
    assert np.isclose(table.loc["excellent", "W_s"], table.loc["excellent", "films"], rtol=1e-3)
    assert table.loc["excellent", ["cars", "food", "phones"]].abs().max() < 1e-3
    for word in ("dark", "quiet"):
        assert table.loc[word, names].min() < -0.05 and table.loc[word, names].max() > 0.3
    assert abs(table.loc["awful", "films"]) < 0.005 and table.loc["awful", "W_s"] < -0.3
    groups = {
        "superb awful wonderful terrible brilliant great bad perfect poor": (0.2, 0.3),
        "dark quiet hot bold basic compact bright busy fast dry": (0.5, 1.2),
    }
    for group, (low, high) in groups.items():
        rows = table.loc[[word for word in group.split() if word in table.index]]
        assert low < rows[names].abs().mean(axis=1).mean() / rows["W_s"].abs().mean() < high


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lam, lam_shared", [(0.03, 0.01), (0.01, 0.01)])
def test_a_word_of_one_task_is_split_as_balance_says(seed, lam, lam_shared):
    data, table = solved(lam, lam_shared, seed)
    used = torch.stack([(data.x[data.doc[data.task == t]] > 0).any(0) for t in range(4)]).numpy()
    for j in np.flatnonzero(used.sum(0) == 1)[:20]:
        row, task = table.iloc[j], data.task_names[int(used[:, j].argmax())]
        assert np.isclose(row["W_s"], shared_part(lam, lam_shared) * row[f"W[{task}]"], atol=2e-4)
