"""Heads: each loss and metric against an independent oracle, and what sharing a representation
means.
"""

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau
from sklearn.metrics import log_loss, roc_auc_score

from ragteach import RagteachError
from ragteach.errors import DivergenceWarning
from ragteach.study.head_training import fit_heads
from ragteach.study.heads import Classification, MultiLabel, Ranking, Regression, Similarity
from ragteach.study.multi_head import MultiHead


def five_tasks(n_docs=60, n_features=6, seed=0):
    """One hidden direction drives five kinds of target."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_docs, n_features)).astype(np.float32)
    z = x @ rng.normal(size=n_features)
    left, right = x[: n_docs // 2], x[n_docs // 2 :]
    alike = np.tanh(z[: n_docs // 2] * z[n_docs // 2 :])
    data = {
        "topic": (x, np.digitize(z, [-1.0, 1.0])),
        "stars": (x, 3 + z),
        "flags": (x, np.stack([z > 0, z > 1, z < -1], 1).astype(int)),
        "search": (x, np.round(z)),
        "pairs": ((left, right), alike),
    }
    heads = {
        "topic": Classification(3),
        "stars": Regression(),
        "flags": MultiLabel(3),
        "search": Ranking(),
        "pairs": Similarity(4),
    }
    return data, heads


@pytest.fixture(scope="module")
def trained():
    data, heads = five_tasks()
    model = MultiHead(6, heads, n_hidden=8, seed=1)
    before = model.evaluate(data)
    records = fit_heads(model, data, epochs=150, lr=0.03, lam=1e-3, lam_shared=1e-3, progress=False)
    return model, data, before, records


def test_every_kind_of_head_learns(trained):
    model, data, before, records = trained
    after = model.evaluate(data)
    for task, metric in zip(
        data, ["accuracy", "r2", "f1", "pairs in order", "spearman"], strict=True
    ):
        assert after[task]["loss"] < 0.7 * before[task]["loss"], task
        assert after[task][metric] > max(0.6, before[task][metric]), task
    assert len(records) == 150
    assert set(records[0]) == {"epoch", "loss", *(f"loss/{t}" for t in data)}
    assert records[-1]["loss"] < records[0]["loss"]


def test_outputs_have_the_kind_of_the_task(trained):
    model, data, _, _ = trained
    x = data["topic"][0]
    assert set(model.predict(x, "topic").tolist()) <= {0, 1, 2}
    assert model.predict(x, "stars").shape == (60,)
    assert set(model.predict(x, "flags").unique().tolist()) <= {0, 1}
    assert model.predict(x, "search").shape == (60,)
    assert model.predict(data["pairs"][0], "pairs").abs().max() <= 1 + 1e-6
    assert torch.equal(model.predict(x, 0), model.predict(x, "topic"))


def test_losses_and_metrics_against_other_libraries():
    rng = np.random.default_rng(0)
    out, y = torch.tensor(rng.normal(size=(40, 3))), torch.tensor(rng.integers(0, 3, 40))
    assert Classification(3).loss(out, y).item() == pytest.approx(log_loss(y, out.softmax(1)))
    flags = torch.tensor(rng.integers(0, 2, (40, 3))).double()
    by_label = [log_loss(flags[:, j], torch.sigmoid(out[:, j])) for j in range(3)]
    assert MultiLabel(3).loss(out, flags).item() == pytest.approx(np.mean(by_label))
    score, relevant = out[:, :1], flags[:, 0]
    assert Ranking().metric(score, relevant) == pytest.approx(roc_auc_score(relevant, score[:, 0]))
    ties = score.round()  # two documents of one score are half in order
    assert Ranking().metric(ties, relevant) == pytest.approx(roc_auc_score(relevant, ties[:, 0]))
    grades = torch.tensor(rng.permutation(40)).double()  # without ties, tau = 2 share - 1
    tau = kendalltau(score[:, 0], grades).statistic
    assert Ranking().metric(score, grades) == pytest.approx((tau + 1) / 2)
    pairs = [(i, j) for i in range(40) for j in range(40) if relevant[i] > relevant[j]]
    ranknet = np.mean([np.log1p(np.exp(float(score[j, 0] - score[i, 0]))) for i, j in pairs])
    assert Ranking().loss(score, relevant).item() == pytest.approx(ranknet)
    assert Regression().loss(score, score + 2).item() == pytest.approx(2.0)
    assert MultiLabel(3).predict(torch.tensor([[-0.1, 0.0, 0.1]])).tolist() == [[0, 0, 1]]


def test_a_start_keeps_the_size_of_what_it_reads():
    head = Regression(50).build(400, torch.Generator().manual_seed(0))
    read = torch.randn(200, 400, generator=torch.Generator().manual_seed(1))
    assert head.linear(read).std().item() == pytest.approx(1, rel=0.1)


def test_similarity_is_the_cosine_and_is_symmetric():
    torch.manual_seed(0)
    head = Similarity(4).build(8, torch.Generator().manual_seed(0))
    left, right = torch.randn(5, 8), torch.randn(5, 8)
    a, b = (head.linear(h).detach().numpy() for h in (left, right))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(head((left, right)).detach(), cosine, rtol=1e-5)
    assert torch.equal(head((left, right)), head((right, left)))


def test_a_task_moves_the_shared_part_and_its_own_adapter_only():
    data, heads = five_tasks()
    model = MultiHead(6, heads, n_hidden=8)
    model.losses({"stars": data["stars"]})["stars"].backward()
    own = [name for name, a in model.body.adapters.items() if a.full.grad.abs().sum() > 0]
    assert own == [model.body.adapter_names[1]]
    assert model.body.shared.grad.abs().sum() > 0
    assert [h.linear.weight.grad is not None for h in model.heads] == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_the_representation_is_the_body_and_lambda_weighs_its_adapters():
    data, heads = five_tasks()
    model = MultiHead(6, heads, n_hidden=8, activation="identity")
    x = torch.as_tensor(data["topic"][0])
    assert torch.equal(model.represent(x, "topic"), model.body(x, "topic"))
    losses = model.losses(data)
    squares = sum(a.weight.square().sum().item() for a in model.body.adapters.values())
    plain, penalised = model.objective(losses), model.objective(losses, lam=2.0)
    assert (penalised - plain).item() == pytest.approx(squares, rel=1e-5)
    doubled = model.objective(losses, alpha={"stars": 2.0})
    assert (doubled - plain).item() == pytest.approx(losses["stars"].item(), rel=1e-5)


def test_the_same_seed_gives_the_same_model_and_callbacks_see_every_epoch():
    data, _ = five_tasks()
    seen = []

    class Watch:
        def on_epoch(self, model, epoch, record):
            seen.append((epoch, record["loss"]))

    runs = []
    for _ in range(2):
        torch.manual_seed(len(runs))  # the global generator plays no part
        model = MultiHead(6, five_tasks()[1], seed=5)
        fit_heads(model, data, epochs=3, callbacks=[Watch()], progress=False)
        runs.append(model)
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in runs), strict=True))
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 1, 2, 3]
    assert seen[:3] == seen[3:]


def test_what_a_representation_is_if_nothing_is_said():
    model = MultiHead(4, {"topic": Classification(3)})
    assert model.body.n_classes == 16 and model.body.n_adapters == 1
    records = fit_heads(model, {"topic": (X12, Y12)}, progress=False)
    assert len(records) == 200 and records[-1]["loss"] < records[0]["loss"]


def test_adapters_may_be_low_rank_and_shared_by_groups():
    data, heads = five_tasks()
    options = {"num_adapters": 2, "graph": "grouped", "adapter": "low_rank", "rank": 2}
    model = MultiHead(6, heads, n_hidden=8, **options)
    assert model.body.graph.shape == (5, 2)
    fit_heads(model, data, epochs=2, progress=False)
    assert np.linalg.matrix_rank(model.body.adapter_weights()[0].detach()) == 2


@pytest.mark.parametrize(
    ("head", "y", "message"),
    [
        (
            Classification(3),
            [0, 3],
            r"class numbers 0 .. 2, shape \(n_docs,\)\nGot: shape \(2,\), values 0 .. 3",
        ),
        (Classification(3), [0.5, 1.0], "class numbers 0 .. 2"),
        (Regression(), [1.0, float("nan")], r"finite numbers of shape \(n_docs, 1\)"),
        (MultiLabel(2), [[0, 2]], r"zeros and ones of shape \(n_docs, 2\)"),
        (Ranking(), [1.0, 1.0], "not all equal"),
        (Similarity(), [0.5, -1.5], "likeness in -1 .. 1"),
    ],
)
def test_targets_that_do_not_fit_are_refused(head, y, message):
    with pytest.raises(RagteachError, match=message):
        head.check(y)


def test_refusals_of_the_model():
    with pytest.raises(
        RagteachError, match="give each task one of Classification, Regression, MultiLabel"
    ):
        MultiHead(4, {"topic": 3})
    with pytest.raises(RagteachError, match="activation to be one of 'tanh', 'relu', 'identity'"):
        MultiHead(4, {"topic": Classification(3)}, activation="gelu")
    with pytest.raises(RagteachError, match="2 classes or more"):
        Classification(1)
    model = MultiHead(4, {"topic": Classification(3)})
    with pytest.raises(RagteachError, match="task in data to be one of 'topic'"):
        fit_heads(model, {"stars": (np.zeros((2, 4)), [0, 1])}, progress=False)
    with pytest.raises(RagteachError, match=r"size of Regression to be a whole number >= 1"):
        Regression(2.5)
    one = Classification(3)
    with pytest.raises(RagteachError, match="one of its own for each task"):
        MultiHead(4, {"a": one, "b": one})


X12 = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
Y12 = np.arange(12) % 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {}}, r"a dict from task to \(x, y\), with at least one task\nGot: data = {}"),
        ({"data": [X12, Y12]}, r"a dict from task to \(x, y\).*\nGot: a list"),
        ({"data": {"topic": X12}}, r"data\['topic'\] to be a pair \(x, y\)"),
        ({"data": {"topic": (X12, [1])}}, r"as many targets y .*\nGot: 1 targets for 12 documents"),
        ({"data": {"topic": (X12[:0], [])}}, r"and at least one\nGot: 0 targets for 0 documents"),
        (
            {"data": {"topic": (X12[:, :3], Y12)}},
            r"features x of shape \(n_docs, 4\)\nGot: shape \(12, 3\)",
        ),
        ({"data": {"topic": (X12 * np.nan, Y12)}}, r"finite features x .*\nGot: .* values nan"),
        (
            {"data": {"topic": (["a film"] * 12, Y12)}},
            r"finite features x .*\nGot: list that holds no",
        ),
        ({"data": {"topic": (X12, Y12 * np.nan)}}, r"class numbers 0 .. 2, .*\nGot: .* values nan"),
        (
            {"data": {"topic": (X12, list("abcabcabcabc"))}},
            r"class numbers .*\nGot: list that holds no",
        ),
        ({"alpha": {"topic": -1}}, r"alpha\['topic'\] to be a finite number >= 0\nGot: .* = -1"),
        ({"alpha": {"topic": np.nan}}, r"alpha\['topic'\] to be a finite number"),
        (
            {"alpha": {"topic": 0}},
            r"a positive alpha for at least one task\nGot: alpha = {'topic': 0}",
        ),
        ({"alpha": {"stars": 1}}, r"task in alpha to be one of 'topic'\nGot: .* 'stars'"),
        ({"alpha": [1.0]}, r"alpha as a dict from task to weight\nGot: alpha = \[1.0\]"),
        ({"lam": np.nan}, "lam to be a finite number >= 0"),
        ({"epochs": 2.5}, r"epochs to be a whole number >= 0 and <= 1000000\nGot: epochs = 2.5"),
        ({"callbacks": [print]}, "callbacks with a method on_epoch"),
        ({"callbacks": 5}, r"callbacks with a method on_epoch\nGot: 5, which has no"),
        ({"model": torch.nn.Linear(4, 3)}, r"model to be a MultiHead\nGot: Linear"),
    ],
)
def test_fit_heads_refuses_before_it_trains(change, message):
    model = MultiHead(4, {"topic": Classification(3)})
    before = [p.clone() for p in model.parameters()]
    valid = {"model": model, "data": {"topic": (X12, Y12)}, "epochs": 2, "progress": False}
    with pytest.raises(RagteachError, match=message):
        fit_heads(**valid | change)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_similarity_needs_two_sides_of_the_same_length():
    model = MultiHead(4, {"pairs": Similarity()})
    with pytest.raises(RagteachError, match=r"as a pair \(x_left, x_right\)\nGot: ndarray"):
        fit_heads(model, {"pairs": (X12, np.zeros(12))}, progress=False)
    with pytest.raises(RagteachError, match=r"Got: 12 targets for 12 and 11 documents"):
        fit_heads(model, {"pairs": ((X12, X12[:11]), np.zeros(12))}, progress=False)


def test_divergence_is_said_and_the_last_finite_weights_stay():
    model = MultiHead(4, {"stars": Regression()}, activation="identity")
    with pytest.warns(DivergenceWarning, match=r"J is not finite in epoch \d+: .* smaller lr"):
        records = fit_heads(model, {"stars": (X12, X12[:, 0])}, 40, lr=1e12, progress=False)
    assert 0 < len(records) < 40 and np.isfinite(records[-1]["loss"])
    assert all(torch.isfinite(p).all() for p in model.parameters())
    assert model.evaluate({"stars": (X12, X12[:, 0])})["stars"]["loss"] == pytest.approx(
        records[-1]["loss"], rel=1e-5
    )
