"""The adapter explorer's numbers: against a network asked by hand, and on bad input."""

import numpy as np
import pytest
import torch
from problems import own_network
from torch import nn

import ragteach as rt
from ragteach.errors import RagteachError
from ragteach.widgets import word_movements


@pytest.fixture(scope="module")
def toy():
    return rt.widgets.toy_network(steps=20)


def by_hand(model, read, text, task, strength):
    """h of every block, (n_layers, n_words, width), with W = W_0 + dW_s + s dA_t put in by hand."""
    kept = []
    x = read(text)[0]
    if task is None:
        net, layers = model.base, {}
    else:
        net = model.merge(task)  # W_0 + dW_s + dA_t
        layers = dict(zip(model.layer_names, model.layers, strict=True))
    with torch.no_grad():
        for name, layer in layers.items():
            adapter = layer.deltas[model.adapter_names[model.task_index(task)]]
            net.get_submodule(name).weight += (strength - 1) * adapter.weight
        hooks = [b.register_forward_hook(lambda m, i, o: kept.append(o[0])) for b in net.blocks]
        net(x)
    for hook in hooks:
        hook.remove()
    return torch.stack(kept)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.3])
def test_movements_are_those_of_a_network_with_the_sum_in_its_weights(toy, strength):
    model, read = toy
    text = "The plot was dull"
    found = word_movements(model, text, read, strength=strength)
    base = by_hand(model, read, text, None, 1)
    films, food = (by_hand(model, read, text, t, strength) for t in ("films", "food"))
    length = base.norm(dim=-1)
    for t, h in enumerate((films, food)):
        np.testing.assert_allclose(found["moved"][t], (h - base).norm(dim=-1) / length, atol=1e-4)
    np.testing.assert_allclose(found["apart"], (films - food).norm(dim=-1) / length, atol=1e-4)
    cosine = nn.functional.cosine_similarity(films - base, food - base, dim=-1)
    np.testing.assert_allclose(found["agree"], cosine, atol=1e-3)
    np.testing.assert_allclose(found["p"].sum(1), 1, atol=1e-6)


def test_without_adapters_two_tasks_are_one_and_the_graph_is_as_before(toy):
    model, read = toy
    before = model.graph.clone()
    assert word_movements(model, "The plot was dull", read, strength=0)["apart"].max() == 0
    assert torch.equal(model.graph, before)
    model.deactivate("A1", "A2")
    try:
        assert word_movements(model, "The plot was dull", read)["apart"].max() == 0
    finally:
        model.activate("A1", "A2")


def test_an_untrained_model_moves_nothing():
    model, text, read = own_network()
    found = word_movements(model, text, read)
    assert found["moved"].shape == (2, 1, 2) and not found["moved"].any()


def test_pieces_of_a_word_count_as_their_mean(toy):
    model, read = toy

    def joined(text):
        x, words = read(text)
        return x, [("both", [0, 1]), *words[2:]]

    one, two = (by_hand(model, read, "The plot was dull", t, 1)[:, :2].mean(1) for t in (0, 1))
    base = by_hand(model, read, "The plot was dull", None, 1)[:, :2].mean(1)
    found = word_movements(model, "The plot was dull", joined)
    assert found["words"] == ["both", "was", "dull"]
    expected = (one - two).norm(dim=-1) / base.norm(dim=-1)
    np.testing.assert_allclose(found["apart"][:, 0], expected, atol=1e-4)


def test_sentences_of_different_lengths_are_measured_by_their_own_words(toy):
    model, read = toy
    texts = ["The plot was dull", "A very, very funny and great ending"]
    w = rt.widgets.adapter_explorer(model, texts, read, layer=2)
    for i, text in enumerate(texts):
        found = word_movements(model, text, read)
        said = w.measures(sentence=i)
        assert said["apart"] == pytest.approx(found["apart"][1].mean(), rel=1e-5)
        assert said["moved_food"] == pytest.approx(found["moved"][1, 1].mean(), rel=1e-5)
        assert said["widest"] == 1 + found["apart"].mean(1).argmax()
        assert said["answers"] == len(set(found["p"].argmax(1)))


def test_a_network_that_says_no_logits_has_no_answers():
    class States(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

        def forward(self, h):
            return self.blocks[1](self.blocks[0](h))

    model = rt.DeepRAG(States(), tasks=3, rank=1)
    _, text, read = own_network()
    w = rt.widgets.adapter_explorer(model, text, read, tasks=[0, 2])
    assert "answers" not in w.measures() and w.spec["tasks"] == [
        model.task_names[0],
        model.task_names[2],
    ]


def test_half_a_letter_is_shown_as_the_sign_for_one():
    model, _, read = own_network()
    w = rt.widgets.adapter_explorer(model, "rather \ud83d", read)
    assert w.spec["sentences"] == ["rather \ufffd"]


OWN = own_network()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": nn.Linear(2, 2)}, "model: a DeepRAG"),
        ({"read": None}, "read: a function text"),
        ({"tasks": ["bicycles"]}, "tasks: two of <b>plays</b>, bicycles"),
        ({"tasks": ["bicycles", "bicycles"]}, "tasks: two of"),
        ({"tasks": ["bicycles", "boats"]}, "task to be one of"),
        ({"sentences": []}, "sentences: one text"),
        ({"sentences": ["  "]}, "sentences: one text"),
        ({"sentences": "word " * 30}, "a sentence of 1 to 24 words"),
        ({"blocks": ["block"]}, "blocks: names of modules"),
        ({"blocks": ["say"]}, "blocks whose output is"),
        ({"layer": 0}, "layer"),
    ],
)
def test_bad_input_is_refused(change, said):
    arguments = dict(zip(("model", "sentences", "read"), OWN, strict=True)) | change
    with pytest.raises(RagteachError, match=said):
        rt.widgets.adapter_explorer(**arguments)
