"""Paths of the weights: the two ways to record them agree, and every table is what its formula
says.
"""

import numpy as np
import pytest
import torch
from problems import centred, problem, refused, same
from sklearn.decomposition import PCA

from ragteach import RAG, RagteachError, Recorder, Trajectory, fit, train_many
from ragteach.losses import cross_entropy
from ragteach.model import task_logits
from ragteach.study.trajectories import model_words

SGD = {"lr": 0.3, "optimizer": torch.optim.SGD, "progress": False, "device": "cpu"}


def recorded(model, data, every=4, epochs=12, **options):
    recorder = Recorder(model, every)
    fit(model, data, epochs=epochs, callbacks=[recorder], **SGD | options)
    return recorder.trajectory()


def walk(double=False, n_adapters=3, graph="one_per_task", **options):
    data = problem()
    model = RAG(6, 3, n_adapters, tasks=data.task_names, graph=graph, scale=0.5)
    model = model.double() if double else model
    return recorded(model, data, **options), model, data


class TestRecording:
    def test_recorder_and_engine_agree(self):
        path, _, data = walk(lam=0.1, lam_shared=0.05)
        start = RAG(6, 3, 3, tasks=data.task_names, scale=0.5)
        run = train_many(start, data.stacked(), [0.7, 0.1], [0.7, 0.05], steps=12, lr=0.3, optimizer="sgd",
                         record_every=4)  # fmt: skip
        other = Trajectory.from_replicas(run, 1)
        assert path.steps.tolist() == other.steps.tolist() == [0, 4, 8, 12]
        for name in ("shared", "adapters", "bias", "graph"):
            assert same(getattr(path, name), getattr(other, name), 1e-5), name

    def test_engine_in_chunks_keeps_the_biases_of_all(self):
        data = problem()
        model = RAG(6, 3, 3, tasks=data.task_names)
        options = {"lam": [0.1, 0.2, 0.3], "steps": 5, "record_every": 5}
        whole = train_many(model, data.stacked(), **options)
        parts = train_many(model, data.stacked(), budget_mb=1e-6, **options)
        for r in range(3):
            a, b = Trajectory.from_replicas(whole, r), Trajectory.from_replicas(parts, r)
            assert same(a.bias, b.bias, 1e-6) and same(a.shared, b.shared, 1e-6)

    def test_first_and_last_step_are_kept(self):
        path, model, _ = walk(every=5)
        assert path.steps.tolist() == [0, 5, 10, 12]
        assert same(path.shared[0], RAG(6, 3, 3, scale=0.5).shared)
        assert same(path.shared[-1], model.shared) and same(
            path.adapters[-1], model.adapter_weights()
        )
        assert same(path.task_weights()[-1], model.task_weights(), 1e-6)

    def test_snapshots_do_not_follow_the_model(self):
        path, model, _ = walk()
        before = path.shared.clone()
        with torch.no_grad():
            model.shared.add_(1)
        assert same(path.shared, before)

    def test_inactive_adapters_take_no_part(self):
        data = problem()
        model = RAG(6, 3, 3, tasks=data.task_names, adapters=["p", "q", "r"], scale=0.5)
        model.deactivate("q")
        run = train_many(model, data.stacked(), steps=12, lr=0.3, optimizer="sgd", record_every=4)
        path = recorded(model, data)
        for trajectory in (path, Trajectory.from_replicas(run)):
            assert trajectory.adapter_names == ["p", "r"]
            assert same(trajectory.task_weights()[-1], model.task_weights(), 1e-5)
        assert list(model_words(model, list("abcdef")).columns[:3]) == ["W_s", "p", "r"]

    def test_words_of_a_model_stand_from_the_first_class_to_the_last(self):
        model = RAG(6, 3, 2, tasks=2, scale=0.5)
        found = model_words(model, list("abcdef"))["W_s"]
        wanted = model.shared[2] - model.shared[0]
        np.testing.assert_allclose(found[list("abcdef")], wanted.detach(), atol=1e-6)

    def test_errors(self):
        data = problem()
        model = RAG(6, 3, 3, tasks=data.task_names)
        with refused("replicas trained with record_every", "without a history", "record_every=5"):
            Trajectory.from_replicas(train_many(model, data.stacked(), steps=1))
        with refused("one word for each of 6 features", "2 words", "get_feature_names_out"):
            Recorder(model).trajectory(["good", "bad"])
        with refused("model: a RAG", "model = str 'RAG'", "build one"):
            Recorder("RAG")
        with refused("every", "every = 0"):
            Recorder(model, every=0)


class TestTables:
    def test_norms_and_angles_against_numpy(self):
        path, _, _ = walk(every=6)
        norms = path.norms().pivot(index="step", columns="part", values="norm")
        angles = path.angles().pivot(index="step", columns="part", values="angle")
        shared, adapters = path.shared.numpy(), path.adapters.numpy()
        for s, step in enumerate(path.steps):
            for k, name in enumerate(path.adapter_names):
                a, w = adapters[s, k].ravel(), shared[s].ravel()
                cosine = a @ w / np.linalg.norm(a) / np.linalg.norm(w)
                assert angles.loc[step, name] == pytest.approx(
                    np.degrees(np.arccos(cosine)), abs=1e-3
                )
                assert norms.loc[step, name] == pytest.approx(np.linalg.norm(a), rel=1e-5)
                together = np.linalg.norm(w + a)
                assert norms.loc[step, f"W[{path.task_names[k]}]"] == pytest.approx(
                    together, rel=1e-5
                )

    @pytest.mark.parametrize("lam, lam_shared", [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1)])
    def test_conserved_only_without_penalties(self, lam, lam_shared):
        path, _, _ = walk(double=True, lam=lam, lam_shared=lam_shared)
        drift = (path.conserved() - path.conserved()[0]).abs().max().item()
        assert drift < 1e-12 if lam == lam_shared == 0 else drift > 1e-3
        assert (path.shared - path.shared[0]).abs().max() > 0.1  # though the weights do move

    def test_plane_is_scikit_learns_pca(self):
        path, _, _ = walk(every=2)
        table = path.project()
        parts = {"W_s": path.shared} | {
            n: path.adapters[:, k] for k, n in enumerate(path.adapter_names)
        }
        pca = PCA(2).fit(torch.cat([p.flatten(1) for p in parts.values()]).double().numpy())
        sign = None
        for name, part in parts.items():
            expected = pca.transform(part.flatten(1).double().numpy())
            got = table.loc[table["part"] == name, ["x", "y"]].to_numpy()
            sign = np.sign((expected * got).sum(0)) if sign is None else sign
            np.testing.assert_allclose(got * sign, expected, atol=1e-6)
        for share, axis in zip(pca.explained_variance_ratio_, table.attrs["axes"], strict=True):
            assert f"({share:.0%})" in axis

    def test_plane_of_two_words(self):
        path, _, _ = walk()
        table = path.project(words=["x1", "x4"])
        last = table[table["part"] == "A2"].iloc[-1]
        score = path.adapters[-1, 1, 2] - path.adapters[-1, 1, 0]  # positive - negative
        assert (last["x"], last["y"]) == (
            pytest.approx(score[1].item()),
            pytest.approx(score[4].item()),
        )
        assert table.attrs["axes"] == ["score of 'x1'", "score of 'x4'"]

    @pytest.mark.parametrize("bias", ["task", "shared", False])
    @pytest.mark.parametrize("adapter, rank", [("full", None), ("low_rank", 2), ("projected", 2)])
    def test_gradient_cosines_against_autograd(self, adapter, rank, bias):
        data = problem(sizes=(30, 12, 20))
        options = {"adapter": adapter, "rank": rank, "bias": bias, "scale": 0.5}
        model = RAG(6, 3, 2, tasks=data.task_names, graph=[[1, 0], [0, 1], [1, 0.5]], **options)
        path = recorded(model, data, every=12, lam=0.1)
        table = path.gradient_cosines(data).set_index(["step", "task_a", "task_b"])["cosine"]
        assert len(table) == 2 * 3
        tensors, pulls = data.stacked(), []
        for t in range(3):
            logits = task_logits(tensors.x, model.task_weights(), model.task_bias())
            loss = cross_entropy(logits, tensors.onehot, tensors.weight)[t]
            pulls.append(torch.autograd.grad(loss, model.shared)[0].flatten())
        for a, b in ((0, 1), (0, 2), (1, 2)):
            expected = torch.cosine_similarity(pulls[a], pulls[b], dim=0).item()
            assert table[12, data.task_names[a], data.task_names[b]] == pytest.approx(
                expected, abs=1e-4
            )

    def test_gradient_cosines_in_float64_and_of_the_engine(self):
        path, _, data = walk(double=True)
        assert np.isfinite(path.gradient_cosines(data.stacked())["cosine"]).all()
        model = RAG(6, 3, 3, tasks=data.task_names, scale=0.5)
        run = train_many(model, data.stacked(), steps=12, lr=0.3, optimizer="sgd", record_every=4)
        engine = Trajectory.from_replicas(run).gradient_cosines(data.stacked())["cosine"]
        np.testing.assert_allclose(
            engine, path.gradient_cosines(data.stacked())["cosine"], atol=1e-4
        )

    def test_gradient_cosines_refuse_other_tasks(self):
        path, _, _ = walk()
        with refused("the model's tasks", "task4", "same task_names"):
            path.gradient_cosines(problem(sizes=(5, 5, 5, 5)))

    def test_words_are_read_up_to_softmaxs_shift(self):
        path, _, _ = walk()
        table = path.word_table(["x2", "x0"])
        assert table.index.tolist() == ["x2", "x0"]
        assert table.loc["x0", "W_s"] == pytest.approx(
            (path.shared[-1, 2, 0] - path.shared[-1, 0, 0]).item()
        )
        shifted = Trajectory(path.steps, centred(path.shared), centred(path.adapters), path.graph,
                             path.task_names, path.adapter_names, path.words)  # fmt: skip
        np.testing.assert_allclose(shifted.word_table(["x2", "x0"]), table, atol=1e-6)
        for task, adapter in zip(path.task_names, path.adapter_names, strict=True):
            np.testing.assert_allclose(
                table[f"W[{task}]"], table["W_s"] + table[adapter], atol=1e-6
            )

    def test_unknown_words(self):
        path, _, _ = walk()
        with refused("word to be one of", "word = 'y7'", "x0"):
            path.word_table(["y7"])
        with refused("word to be one of", "word = 'y7'"):
            path.project(words=["x0", "y7"])
        with pytest.raises(RagteachError, match="one of 'x0', 'x1', 'x2', 'x3', 'x4'\n"):
            path.word_table(["y7"])  # five of the six will do


class TestOtherShapes:
    def test_no_adapters(self):
        path, _, data = walk(n_adapters=0, graph="all")
        assert path.angles().empty and same(path.conserved(), path.shared)
        assert set(path.norms()["part"]) == {"W_s", "W[task1]", "W[task2]", "W[task3]"}
        assert np.isfinite(path.project()[["x", "y"]].to_numpy()).all()
        assert len(path.gradient_cosines(data)) == 4 * 3

    def test_one_snapshot(self):
        model = RAG(4, 2, 0, tasks=2)
        table = Recorder(model).trajectory().project()
        assert np.isfinite(table[["x", "y"]].to_numpy()).all()
