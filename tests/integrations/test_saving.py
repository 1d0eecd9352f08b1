"""Saving, exporting, serving: bit-equal round trips, whole files or none, and other programs'
answers.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import forks
import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import sklearn
import torch
from problems import descend, refused
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

import ragteach as rt
from ragteach import RAG, MultiTaskDataset, RagteachError, make_toy, make_vectorizer
from ragteach.data.features import UnknownWordsWarning
from ragteach.data.naming import NO_NAME
from ragteach.integrations import saving as export
from ragteach.integrations.estimators import RAGClassifier
from ragteach.integrations.peft_bridge import from_peft, lora_weights, to_peft
from ragteach.integrations.programs import export_onnx, export_program
from ragteach.integrations.regressor import RAGRegressor
from ragteach.integrations.saving import load, save
from ragteach.integrations.serving import _no_table, add_predict_parser, predict_lines
from ragteach.integrations.trust import check_pattern
from ragteach.study.heads import Classification, Ranking, Regression
from ragteach.study.multi_head import MultiHead

TASKS = ["films", "cars", "food"]


def filled(model, seed=0):
    """The model with every number random, biases and graph too, so that nothing is equal by
    chance.
    """
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=torch.float64))
    return model


def family():
    """Every kind of model there is."""
    one = RAG(7, 3, 3, tasks=TASKS)
    one.freeze("A2", "shared")
    one.deactivate("A3")
    grown = RAG(7, 3, 2, tasks=TASKS[:2], graph="all", seed=9)
    grown.add_adapter("extra", tasks={"cars": 0.25})
    grown.add_task("food", adapters=["extra"])
    heads = {"topic": Classification(4), "st.ars": Regression(2), "order": Ranking()}
    return {
        "full": one,
        "low rank": RAG(
            7, 3, 2, tasks=TASKS, graph="grouped", adapter="low_rank", rank=2, init="uniform"
        ),
        "projected": RAG(7, 3, 3, tasks=TASKS, adapter="projected", rank=2, seed=4, scale=0.3),
        "full sharing": RAG.full_sharing(7, 3, tasks=TASKS),
        "independent": RAG.independent(7, 3, tasks=TASKS),
        "no bias": RAG(7, 3, 3, tasks=["müde", "a b", "c.d"], bias=False),
        "grown": grown,
        "double": RAG(7, 3, 3, tasks=TASKS).double(),
        "bfloat16": RAG(7, 3, 3, tasks=TASKS).bfloat16(),
        "heads": MultiHead(7, heads, n_hidden=5, activation="relu", adapter="low_rank", rank=2),
    }


@pytest.fixture
def classifier():
    frame = make_toy(n_per_task=30, seed=0)
    pipe = make_pipeline(make_vectorizer(), RAGClassifier(lam=0.1))
    return pipe.fit(frame.text, frame.label, ragclassifier__tasks=frame.task), frame


# ------------------------------------------------------------------ save and load


@pytest.mark.parametrize("name", family())
def test_round_trip_is_bit_equal(tmp_path, name):
    model = filled(family()[name])
    again = load(save(tmp_path / "model.safetensors", model)).model
    state, other = model.state_dict(), again.state_dict()
    assert list(state) == list(other)
    for key in state:
        a, b = state[key], other[key]
        assert a.dtype == b.dtype and torch.equal(
            a.contiguous().view(torch.uint8), b.view(torch.uint8)
        ), key
    assert repr(again) == repr(model)  # names, graph, active, trainable, kinds
    x = torch.randn(4, 7, generator=torch.Generator().manual_seed(1)).to(next(model.parameters()))
    for task in range(len(model.task_names)):
        assert torch.equal(model(x, task), again(x, task))
    body, new = (getattr(m, "body", m) for m in (model, again))
    for fact in (
        "seed",
        "init",
        "scale",
        "bias_kind",
        "active",
        "rank",
        "adapter_kind",
        "task_names",
    ):
        assert getattr(body, fact) == getattr(new, fact)


def test_the_same_model_gives_the_same_file(tmp_path):
    first, second = (
        save(tmp_path / n, filled(family()["full"]), lam=0.1).read_bytes() for n in "ab"
    )
    assert first == second


def test_saving_changes_nothing_and_the_loaded_model_trains_on(tmp_path):
    model = filled(family()["projected"])
    before = {k: v.clone() for k, v in model.state_dict().items()}
    again = load(save(tmp_path / "m", model)).model
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    again(torch.randn(2, 7)).sum().backward()
    with torch.no_grad():
        again.shared.add_(again.shared.grad)
    assert not torch.equal(again.shared, model.shared)
    # projections stay frozen
    assert dict(again.named_buffers()).keys() == dict(model.named_buffers()).keys()
    assert torch.equal(
        again.reset(seed=4).shared, RAG(7, 3, 3, tasks=TASKS, scale=0.3, seed=4).shared
    )


@pytest.mark.parametrize(
    "vectorizer",
    [
        make_vectorizer(),
        make_vectorizer("bow", ngrams=2),
        make_vectorizer(max_features=np.int64(20), min_df=2),
        TfidfVectorizer(stop_words=["the", "a"], sublinear_tf=True, norm=None, ngram_range=(1, 2)),
        TfidfVectorizer(use_idf=False),
        TfidfVectorizer(vocabulary=["good", "bad"]),
        CountVectorizer(binary=True, analyzer="char_wb", ngram_range=(2, 3)),
    ],
    ids=lambda v: type(v).__name__,
)
def test_the_vectoriser_travels_as_json(tmp_path, vectorizer):
    texts = list(make_toy(n_per_task=20).text)
    vectorizer.fit(texts)
    model = RAG(len(vectorizer.vocabulary_), 3, 3, tasks=TASKS)
    again = load(save(tmp_path / "m", model, vectorizer)).vectorizer
    a, b = (
        v.transform([*texts, "something new, the bad and the good"]) for v in (vectorizer, again)
    )
    assert a.dtype == b.dtype and (a != b).nnz == 0
    assert list(again.get_feature_names_out()) == list(vectorizer.get_feature_names_out())
    assert again.get_params() == vectorizer.get_params()
    # it may learn new words again
    (a, b) = (v.fit_transform(texts[:10]).shape for v in (again, vectorizer))
    assert a == b


def test_a_pipeline_brings_its_labels_and_lambdas(tmp_path, classifier):
    pipe, frame = classifier
    saved = load(save(tmp_path / "m", pipe, note="first try"))
    assert saved.labels == [0, 1, 2]
    noted = {
        "lam": 0.1,
        "lam_shared": 0.01,
        "alpha": "equal",
        "strategy": "rag",
        "note": "first try",
    }
    assert saved.training == noted
    films = frame.text[frame.task == "films"].tolist()
    p = torch.as_tensor(saved.logits(films, "films")).softmax(1).numpy()
    np.testing.assert_allclose(
        p, pipe.predict_proba(films, tasks=["films"] * len(films)), atol=1e-12
    )


def test_a_search_and_a_regressor_can_be_saved(tmp_path):
    frame = make_toy(n_per_task=20, seed=0)
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(make_vectorizer(), RAGRegressor())
        grid = GridSearchCV(
            pipe, {"ragregressor__lam": [0.1, 1.0]}, cv=KFold(2, shuffle=True, random_state=0)
        )
        grid.fit(frame.text, frame.label, tasks=frame.task)
        best = grid.best_estimator_
        films = frame.text[frame.task == "films"].tolist()
        expected = best.predict(films, tasks=["films"] * len(films))
    saved = load(save(tmp_path / "m", grid))
    assert saved.labels is None and saved.training["lam"] == best[-1].lam
    np.testing.assert_allclose(saved.logits(films, "films")[:, 0], expected, atol=1e-12)


def test_labels_and_notes_stay_what_they_were(tmp_path):
    notes = {
        "lam": np.float32(0.5),
        "sizes": np.array([1, 2]),
        "tags": {"b", "a"},
        "text": "né ✓",
        "n": None,
    }
    saved = load(save(tmp_path / "m", RAG(2, 2, 1), labels=["no", "ja"], **notes))
    assert saved.labels == ["no", "ja"]
    assert saved.training == {
        "lam": 0.5,
        "sizes": [1, 2],
        "tags": ["a", "b"],
        "text": "né ✓",
        "n": None,
    }


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(tmp_path, fraction):
    path = save(tmp_path / "m", filled(family()["full"]))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(
        RagteachError, match=r"(?s)Expected: a whole safetensors file\nGot: m, .*\nWhat to"
    ):
        load(path)


def test_any_changed_byte_is_refused(tmp_path):
    """One byte of the file after the other is turned; none gets through as a model with other
    contents.
    """
    path = save(tmp_path / "m", filled(RAG(2, 2, 1, tasks=["films"])), lam=0.25)
    data, refused = path.read_bytes(), 0
    for i in range(len(data)):
        path.write_bytes(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :])
        try:
            load(path)
        except RagteachError as error:
            assert str(error).count("\n") >= 2
            refused += 1
    assert refused == len(data)


def test_foreign_and_missing_files_are_refused(tmp_path):
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, other)
    with pytest.raises(RagteachError, match=r"another program: \['weight'\]\nWhat to do: read it"):
        load(other)
    pickled = tmp_path / "model.pt"
    torch.save({"weight": torch.zeros(2)}, pickled)
    with pytest.raises(RagteachError, match="a whole safetensors file"):
        load(pickled)
    with pytest.raises(RagteachError, match="Got: no file"):
        load(tmp_path / "nowhere")


def forged(path, change, seal=True):
    """The file with its JSON changed, and sealed anew."""
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    info = json.loads(json.loads(header["__metadata__"]["ragteach"])["info"])
    change(info)
    tensors, text = safetensors.torch.load(data), json.dumps(info)
    envelope = {"sha256": export._digest(text, tensors) if seal else "0" * 64, "info": text}
    path.write_bytes(safetensors.torch.save(tensors, {"ragteach": json.dumps(envelope)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.update(format=2), "format 2, from a newer version"),
        (lambda i: i.update(kind="os.system"), "kind to be one of 'RAG', 'MultiHead'"),
        (lambda i: i["model"].update(tasks=["films"]), "other names or shapes"),
        (lambda i: i["model"].update(adapter="low_rank", rank=10**15), "rank to be a whole number"),
        (lambda i: i["model"].update(active=[True]), "names, shapes and tensors agree"),
        (lambda i: i["model"].pop("bias"), "names, shapes and tensors agree"),
        (lambda i: i.pop("labels"), "names, shapes and tensors agree"),
        (lambda i: i["vectorizer"].update(kind="eval"), "kind of vectoriser to be one of"),
        (
            lambda i: i["vectorizer"]["params"].update(tokenizer="os.system"),
            "shapes and tensors agree",
        ),
        (lambda i: i["vectorizer"]["params"].update(extra=1), "names, shapes and tensors agree"),
    ],
)
def test_a_forged_header_runs_nothing(tmp_path, change, message):
    """Even with a right seal, a header only chooses among what this package knows."""
    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    path = save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS), vectorizer)
    forged(path, lambda info: None)
    load(path)  # the forger's tool works
    forged(path, change)
    with pytest.raises(RagteachError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("adapter", "rank", "parts"),
    [("full", None, ("full",)), ("low_rank", 2, ("up", "down")), ("projected", 2, ("up", "down"))],
)
def test_weights_are_refused_where_predictions_would_be_infinite_and_not_before(
    tmp_path, adapter, rank, parts
):
    """The bound is reached by equal weights: there the prediction itself is the bound."""
    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    most = torch.finfo(torch.float32).max
    for share, fine in ((0.4, True), (1.1, False)):
        model = RAG(3, 2, 3, tasks=TASKS, adapter=adapter, rank=rank, graph="all", bias=False)
        with torch.no_grad():
            model.shared.zero_()
            for one in model.adapters.values():
                size = (share * most / 9 / (rank or 1)) ** (1 / len(parts))
                for name, weight in one.state_dict(keep_vars=True).items():
                    assert name in parts
                    weight.fill_(size)
        path = save(tmp_path / "m", model, vectorizer)
        if fine:
            predicted = load(path).model(torch.ones(1, 3), "films")
            assert predicted.max().item() == pytest.approx(share * most, rel=1e-3)
        else:
            with pytest.raises(RagteachError, match="what they predict is infinite"):
                load(path)


def nested(depth):
    """JSON of lists in lists."""
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda i: i["model"].update(tasks=10**9),
            r"tasks: a list of distinct names\nGot: 1000000000",
        ),
        (lambda i: i["model"].update(adapters=10**9), "adapters: a list of distinct names"),
        (lambda i: i["model"].update(tasks=["a", "a", "b"]), "tasks: a list of distinct names"),
        (lambda i: i["model"].update(tasks=["a", "", "b"]), "tasks: a list of distinct names"),
        (lambda i: i["model"].update(rank=10**12, adapter="projected"), "rank to be a whole"),
        (lambda i: i["model"].update(scale=float("1e400")), "header that can be read"),
        (lambda i: i["model"].update(scale=-1), "scale to be a finite number >= 0"),
        (lambda i: i["model"].update(seed=10**40), "names, shapes and tensors agree"),
        (lambda i: i["model"].update(bias="none"), "bias to be one of"),
        (
            lambda i: i.update(labels=["one"]),
            r"labels: 2 distinct names, .*\nGot: labels = \['one'\]",
        ),
        (lambda i: i.update(labels=["one", "one"]), "labels: 2 distinct names"),
        (lambda i: i.update(training=7), "names, shapes and tensors agree"),
        (lambda i: i.update(format="1"), "a header that can be read"),
        (
            lambda i: i["vectorizer"].update(terms=["a", "a", "b"]),
            "words of the vectoriser: a list of",
        ),
        (
            lambda i: i["vectorizer"].update(terms=["a"]),
            "a vectoriser of 3 words.*\nGot: a vec.* of 1 words",
        ),
        (
            lambda i: i["vectorizer"].update(terms=[f"w{n}" for n in range(200_000)]),
            "Got: a vectoriser of 200000 words",
        ),
        (
            lambda i: i["vectorizer"]["params"].update(ngram_range=[1, 10**9]),
            "phrases of more than 50",
        ),
        (
            lambda i: i["vectorizer"]["params"].update(input="filename"),
            "input to be one of 'content'",
        ),
        (
            lambda i: i["vectorizer"]["params"].update(dtype="object"),
            "dtype to be one of 'float32'",
        ),
        (
            lambda i: i["vectorizer"]["params"].update(token_pattern=r"(\w+)+$"),
            "no repeat inside a repeat",
        ),
        (lambda i: i["vectorizer"]["params"].update(token_pattern=r"(a|a)*\w+b*c"), "a choice"),
        (lambda i: i["model"].update(active={"A1": 1, "A2": 1, "A3": 1}), "not one True or False"),
        (lambda i: i["model"].update(frozen=["shared", "nothing"]), "not the names of tensors"),
        (
            lambda i: i["vectorizer"]["params"].update(token_pattern="a?" * 30 + "a" * 30),
            "too many choices",
        ),
        (lambda i: i["vectorizer"]["params"].update(token_pattern=r"(\w)\1*"), "no repeat inside"),
        (lambda i: i["vectorizer"]["params"].update(token_pattern="a" * 10**6), "or a long one"),
        (lambda i: i["vectorizer"]["params"].update(token_pattern="("), "is no pattern"),
        (lambda i: i["vectorizer"]["params"].update(encoding="rot13"), "makes text of bytes"),
        (lambda i: i["vectorizer"]["params"].update(encoding="no-such"), "makes text of bytes"),
        (lambda i: i["vectorizer"]["params"].update(encoding=5), "shapes and tensors agree"),
        (
            lambda i: i["vectorizer"]["params"].update(ngram_range=[1, 50]),
            r"at most 8 words \(or letters\): the vocabulary has none above 1",
        ),
        (
            lambda i: i["vectorizer"]["params"].update(analyzer="char", ngram_range=[1, 9]),
            r"at most 8 words \(or letters\): the vocabulary has none above 4",
        ),
        (lambda i: i.update(labels=["good", "\ud800"]), "labels: 2 distinct names"),
        (lambda i: i.update(columns=5), "columns: what each of text, label, task was called"),
        (lambda i: i.update(columns={"evil": "x"}), "columns: what each of text, label, task"),
        (lambda i: i.update(columns={"text": {"a": 1}}), "columns: what each of text, label"),
        (lambda i: i.update(columns={"label": [[]]}), "columns: what each of text, label"),
    ],
)
def test_a_hostile_header_with_a_right_seal_is_refused_at_once(tmp_path, change, message):
    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    path = save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS), vectorizer)
    forged(path, change)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(RagteachError, match=message) as caught:
        load(path)
    seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 5 and peak < 100e6 and len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t | {"vectorizer.idf": t["vectorizer.idf"].to(torch.complex64)}, "one finite"),
        (lambda t: t | {"vectorizer.idf": t["vectorizer.idf"] > 0}, "one finite number a word"),
        (lambda t: t | {"model.bias": t["model.bias"].double()}, "tensors of several types"),
        (lambda t: t | {"model.shared": t["model.shared"].long()}, "other things in shared"),
        (lambda t: t | {"more": torch.zeros(9)}, "a tensor that belongs to nothing, 'more'"),
        (lambda t: t | {"model.shared": t["model.shared"] * 0 + 3e38}, "they predict is infinite"),
        (lambda t: t | {"model.adapters.A1.full": torch.full((2, 3), 2e38)}, "is infinite"),
    ],
)
def test_hostile_tensors_with_a_right_seal_are_refused(tmp_path, change, said):
    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    path = save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS), vectorizer)
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text = json.loads(header["__metadata__"]["ragteach"])["info"]
    tensors = change(safetensors.torch.load(data))
    envelope = {"sha256": export._digest(text, tensors), "info": text}
    path.write_bytes(safetensors.torch.save(tensors, {"ragteach": json.dumps(envelope)}))
    with refused("names, shapes and tensors agree", said, "a file that save() wrote"):
        load(path)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (nested(100_000), "lists in lists without end"),
        ('{"format": ' + nested(100_000) + "}", "lists in lists without end"),
        ('{"format": 1, "format": 1}', "a name that stands there twice"),
        ('{"format": NaN}', "NaN, which is no JSON"),
        ("7", "a header that can be read"),
        ("[]", "a header that can be read"),
    ],
)
def test_json_that_is_no_header_is_refused(tmp_path, info, message):
    tensors = {"model.shared": torch.zeros(2, 2)}
    envelope = {"sha256": export._digest(info, tensors), "info": info}
    path = tmp_path / "m"
    path.write_bytes(safetensors.torch.save(tensors, {"ragteach": json.dumps(envelope)}))
    with pytest.raises(RagteachError, match=message):
        load(path)
    deep = safetensors.torch.save(tensors, {"ragteach": nested(100_000)})
    path.write_bytes(deep)
    with pytest.raises(RagteachError, match="changed since"):
        load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_neither_saved_nor_loaded(tmp_path, value):
    model = RAG(3, 2, 3, tasks=TASKS)
    path = save(tmp_path / "m", model)
    with torch.no_grad():
        model.adapters["A2"].full[0, 0] = value
    with pytest.raises(RagteachError, match=r"finite weights\nGot: .* in adapters.A2.full"):
        save(tmp_path / "other", model)
    tensors = safetensors.torch.load_file(path)
    tensors["model.shared"][0, 0] = value
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text = json.loads(header["__metadata__"]["ragteach"])["info"]
    envelope = {"sha256": export._digest(text, tensors), "info": text}
    path.write_bytes(safetensors.torch.save(tensors, {"ragteach": json.dumps(envelope)}))
    with pytest.raises(RagteachError, match=r"finite weights\nGot: .* in shared"):
        load(path)


def test_companions_that_do_not_fit_are_not_saved(tmp_path):
    model, vectorizer = RAG(3, 2, 3, tasks=TASKS), make_vectorizer().fit(["good film", "bad film"])
    for labels in (["one"], ["a", "b", "c"], ["a", "a"], "ab"):
        with pytest.raises(RagteachError, match="labels: 2 distinct names, one for each class"):
            save(tmp_path / "m", model, vectorizer, labels)
    with pytest.raises(
        RagteachError, match="a vectoriser of 4 words.*\nGot: a vectoriser of 3 words"
    ):
        save(tmp_path / "m", RAG(4, 2, 3, tasks=TASKS), vectorizer)
    heads = MultiHead(3, {"topic": Classification(2)})
    with pytest.raises(RagteachError, match="labels: 2 distinct names"):
        save(tmp_path / "m", heads, labels={"topic": ["a"]})
    with pytest.raises(RagteachError, match="task in labels to be one of 'topic'"):
        save(tmp_path / "m", heads, labels={"stars": ["a", "b"]})
    slow = TfidfVectorizer(token_pattern=r"(?:\w+-?)+").fit(["good film", "bad film"])
    with pytest.raises(RagteachError, match="no repeat inside a repeat"):
        save(tmp_path / "m", model, slow)
    for path in (None, 5, ""):
        with pytest.raises(RagteachError, match="path of a file"):
            save(path, model)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(\w|\w)*x", "repeats a choice"),
        (r"(?:a|aa)+$", "repeats a choice"),
        (r"(?:a|aa)" * 18, "too many choices"),
        (r"\w*\w*x\b", "same letters one after another"),
        (r"\w*(?:-|)\w*x", "same letters one after another"),
        (r"\w*a{0}b\w*x", "same letters one after another"),
        (r"\w*(?=\w*x)", "same letters one after another"),
        (r"(?:a*|b*)a*x", "same letters one after another"),
        (r"(?:ab)*(?:ab)*x", "same letters one after another"),
        (r"(?:[a-z]+){2}", "repeats what repeats"),
        (r"(?i:[a-z]*)K(?i:[a-z]*)x", "flags in the middle"),
        (r"a*b*c*d*e*", "more than 4 repeats"),
        (r"(?<=\w+)a", "look-behind requires"),
        (r"(a)(?(1)b|c)", "refers back"),
    ],
)
def test_word_patterns_that_take_forever_are_refused(pattern, why):
    with refused("reads any text quickly", why, "make_vectorizer"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(?u)\b\w\w+\b", r"[a-z]+", r"\S+", r"\w+(?:'\w+)?", r"\w{2,5}"),
        *(r"\w+(?:[-']\w+)?", r"\d+\.\d+|\w+", r"\w+\s+\w+", r"\w+|[^\w\s]+", r"\d{4}-\d{2}|\w+"),
    ],
)
def test_common_word_patterns_are_fine(pattern):
    check_pattern(pattern)


def test_the_course_s_word_is_saved_by_its_name(tmp_path):
    """The pattern lists the marks that this Python knows: 42,000 letters, and others elsewhere."""
    vectorizer = make_vectorizer().fit(["good film"])
    path = save(tmp_path / "m", RAG(2, 3, 3), vectorizer)
    assert path.stat().st_size < 6000
    assert load(path).vectorizer.token_pattern == vectorizer.token_pattern


def test_names_of_classes_travel_with_the_model(tmp_path):
    model = RAG(3, 2, 1, tasks=["films"])
    model.class_names = ["no", "yes"]
    saved = load(save(tmp_path / "m", model))
    assert saved.labels == ["no", "yes"] and saved.model.class_names == ["no", "yes"]


def test_a_network_with_adapters_has_a_save_of_its_own(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(4, 3))
    with refused("model to be a RAG", "a DeepRAG", "model.save(path), and DeepRAG.load(path"):
        save(tmp_path / "m", rt.DeepRAG(network, "*", tasks=TASKS, rank=1))
    with refused("a saved model", "the folder", "check the path"):
        load(tmp_path)


def test_texts_are_a_list_of_strings(tmp_path):
    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    saved = load(save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS), vectorizer))
    for texts in ("good film", [], [None], [1.0], None, {"a": 1}):
        with pytest.raises(RagteachError, match="texts as a list of strings"):
            saved.logits(texts, "films")
    with refused("at least one", "list without any", "pass a list"):
        saved.logits([], "films")
    with refused("a list of strings", "Series, of which number 2 is None", "leave that one out"):
        saved.logits(pd.Series(["good", None], dtype=object), "films")
    saved = load(save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS)))
    for texts in (np.zeros((2, 4)), np.full((2, 3), np.nan), None, np.zeros(3)):
        with pytest.raises(RagteachError, match=r"texts as .*features of shape \(n_docs, 3\)"):
            saved.logits(texts, "films")


def test_a_wrong_seal_is_refused(tmp_path):
    path = save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS))
    forged(path, lambda info: info.update(labels=["good", "bad"]), seal=False)
    with pytest.raises(RagteachError, match="changed since: its SHA-256 differs"):
        load(path)


def test_loading_needs_no_pickle(tmp_path, monkeypatch):
    import pickle

    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    path = save(tmp_path / "m", RAG(3, 2, 3, tasks=TASKS), vectorizer)

    def forbidden(*_, **__):
        raise AssertionError("code from a file")

    for module, name in (
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (torch, "load"),
    ):
        monkeypatch.setattr(module, name, forbidden)
    assert load(path).model.task_names == TASKS


def test_what_cannot_be_saved_is_refused(tmp_path):
    model, texts = RAG(3, 2, 3, tasks=TASKS), ["good film", "bad film"]
    with pytest.raises(RagteachError, match="functions of its own: tokenizer"):
        save(
            tmp_path / "m",
            model,
            CountVectorizer(tokenizer=str.split, token_pattern=None).fit(texts),
        )
    for vectorizer in (HashingVectorizer(), make_vectorizer()):
        with pytest.raises(RagteachError, match="a fitted TfidfVectorizer or CountVectorizer"):
            save(tmp_path / "m", model, vectorizer)
    for note in (float("nan"), object()):
        with pytest.raises(RagteachError, match="notes that JSON can hold"):
            save(tmp_path / "m", model, note=note)
    with pytest.raises(RagteachError, match="Got: a Linear"):
        save(tmp_path / "m", torch.nn.Linear(2, 2))
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ whole files or none


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failure_while_saving_keeps_the_old_file(tmp_path, monkeypatch, fails):
    path = save(tmp_path / "m", RAG(3, 2, 1), note="old")
    old = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(RagteachError, match=r"path to name a file .*\nGot: .*no space left"):
        save(path, RAG(3, 2, 1), note="new")
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m"]  # nothing is left lying about


def test_a_link_is_followed_and_permissions_are_the_usual_ones(tmp_path):
    real = tmp_path / "real"
    link = tmp_path / "link"
    real.write_bytes(b"")
    link.symlink_to(real)
    save(link, RAG(3, 2, 1))
    assert link.is_symlink() and load(real).model.n_features == 3
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert real.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killing_the_process_during_save_leaves_a_whole_file(tmp_path):
    """A process saves two models in turn, without end, and is killed: forty times, at forty
    moments.
    """
    code = """
import os, signal, sys, time, torch
from ragteach import RAG
from ragteach.integrations.saving import load, save
path = sys.argv[1]
models = [RAG(2000, 3, 3, seed=s) for s in (0, 1)]
save(path, models[0], turn=0)
for kill in range(40):
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        turn = 0
        while True:
            turn += 1
            save(path, models[turn % 2], turn=turn)
            os.write(tell, b".")
    for _ in range(1 + kill % 3):  # so many saves are done for sure
        os.read(told, 1)
    time.sleep(0.0002 * kill)  # then anywhere within the next ones
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(told), os.close(tell)
    saved = load(path)
    assert torch.equal(saved.model.shared, models[saved.training["turn"] % 2].shared)
    print(saved.training["turn"])
"""
    done = forks.python(code, tmp_path / "m")
    assert done.returncode == 0, done.stderr
    turns = [int(turn) for turn in done.stdout.split()]
    assert len(turns) == 40 and min(turns) > 0


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_dying_at_each_step_leaves_the_old_file(tmp_path, where):
    """The process ends in the middle of the write, before the flush, or just before the
    renaming.
    """
    path = save(tmp_path / "m", RAG(3, 2, 1), note="old")
    code = f"""
import os, sys
from ragteach import RAG
from ragteach.ground import writing
from ragteach.integrations import saving as export
def die(*_):
    os._exit(9)
if {where!r} == "write":
    class Half:
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *_): pass
        def write(self, data):
            self.file.write(data[: len(data) // 2]); self.file.flush(); die()
    writing.open = lambda *a: Half(open(*a))
else:
    os.{where if where != "write" else "fsync"} = die
export.save(sys.argv[1], RAG(3, 2, 1), note="new")
"""
    done = forks.python(code, path)
    assert done.returncode == 9, done.stderr
    assert load(path).training == {"note": "old"}


# ------------------------------------------------------------------ merge, ONNX, torch.export


def test_merge_gives_a_linear_and_never_touches_the_model():
    for name, model in family().items():
        if name == "heads":
            continue
        before = {k: v.clone() for k, v in filled(model).state_dict().items()}
        x = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).to(model.shared)
        for task in model.task_names:
            linear = model.merge(task)
            assert type(linear) is torch.nn.Linear
            torch.testing.assert_close(linear(x), model(x, task))
            with torch.no_grad():
                linear.weight.zero_()  # nor does what you do with it afterwards
        assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("full", 1),
        ("no bias", 2),
        ("full", None),
        ("low rank", None),
        ("grown", None),
        ("double", None),
    ],
)
def test_onnx_and_torch_export_give_the_same_logits(tmp_path, monkeypatch, name, task):
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")  # read on import: the tests report to nobody
    import onnxruntime

    model = filled(family()[name])
    task = task and model.task_names[task]
    with monkeypatch.context() as patch:
        patch.setattr(torch.onnx, "export", None)  # a place that is none is said before the work
        with refused("path to name a file", "No such file", "make it first"):
            export_onnx(model, tmp_path / "none" / "model.onnx", task)
    session = onnxruntime.InferenceSession(export_onnx(model, tmp_path / "model.onnx", task))
    program = export_program(model, task).module()
    for n_docs in (1, 2, 5):
        x = torch.randn(n_docs, 7)
        ours = model(x.to(model.shared), task).detach()
        (logits,) = session.run(None, {"x": x.numpy()})
        assert logits.shape == tuple(ours.shape)
        np.testing.assert_allclose(logits, ours.numpy(), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(program(x.to(model.shared)), ours)


def test_exporting_says_nothing_and_leaves_the_log_as_it_was(tmp_path):
    """In a process of its own, where no test runner catches what is logged."""
    code = """
import logging, sys
from ragteach import RAG, export_onnx
before = logging.getLogger("torch.onnx").level
export_onnx(RAG(4, 2, 2), sys.argv[1], "task1")
assert logging.getLogger("torch.onnx").level == before
"""
    done = forks.python(code, tmp_path / "m.onnx")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_torch_export_takes_the_model_with_a_task():
    # a program keeps the name `graph` for itself, so the model sits one level down
    class Deployed(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x, task):
            return self.model(x, task)

    model = filled(family()["full"])
    x = torch.randn(3, 7)
    program = torch.export.export(Deployed(model), (x, "cars"))
    torch.testing.assert_close(program.module()(x, "cars"), model(x, "cars"))


# ------------------------------------------------------------------ PEFT


@pytest.mark.parametrize("name", ["low rank", "projected", "full", "full sharing"])
def test_peft_gives_the_same_logits(name):
    model = filled(family()[name])
    before = {k: v.clone() for k, v in model.state_dict().items()}
    wrapped = to_peft(model)
    x = torch.randn(6, 7)
    for task in model.task_names:
        wrapped.set_adapter(task)
        torch.testing.assert_close(wrapped(x), model(x, task))
        A, B = lora_weights(model, task)
        torch.testing.assert_close(
            model.shared + B @ A, model.task_weights(model.task_index(task))[0]
        )
    again = from_peft(wrapped)
    assert again.task_names == model.task_names
    torch.testing.assert_close(again(x), model(x))
    wrapped.set_adapter("films")
    torch.testing.assert_close(wrapped.merge_and_unload()(x), model(x, "films"))
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("bias", ["task", "shared", False])
def test_rag_to_peft_and_back_is_bit_equal(bias):
    """With one low-rank adapter per task nothing has to be computed, only carried over."""
    model = RAG(7, 3, 3, tasks=TASKS, adapter="low_rank", rank=2, bias=bias)
    graph = model.graph.clone()
    filled(model).graph.copy_(graph)
    again = from_peft(to_peft(model))
    assert repr(again) == repr(model)
    for (key, a), b in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b), key


def test_a_lora_trained_by_peft_becomes_a_rag(tmp_path):
    """Two adapters of different rank and a scaling that is not 1, trained by PEFT, saved and read
    by PEFT.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    from ragteach.integrations.peft_bridge import OneLinear

    torch.manual_seed(0)
    base = torch.nn.Linear(7, 3)
    config = LoraConfig(r=2, lora_alpha=6, target_modules=["linear"])
    wrapped = get_peft_model(OneLinear(base), config, adapter_name="films")
    wrapped.add_adapter(
        "cars", LoraConfig(r=1, lora_alpha=1, use_rslora=True, target_modules=["linear"])
    )
    for task in ("films", "cars"):
        wrapped.set_adapter(task)
        optimizer = torch.optim.Adam([p for p in wrapped.parameters() if p.requires_grad], lr=0.1)
        descend(lambda: wrapped(torch.randn(8, 7)).logsumexp(1).mean(), optimizer, 5)
    x, model = torch.randn(6, 7), from_peft(wrapped)
    for task in ("films", "cars"):
        wrapped.set_adapter(task)
        torch.testing.assert_close(model(x, task), wrapped(x))
    assert model.rank == 2 and model.bias_kind == "shared"
    to_peft(model).save_pretrained(tmp_path)
    linear = torch.nn.Linear(7, 3)
    linear.load_state_dict({"weight": model.shared.detach(), "bias": model.bias[0].detach()})
    loaded = PeftModel.from_pretrained(OneLinear(linear), tmp_path / "cars", adapter_name="cars")
    torch.testing.assert_close(loaded(x), model(x, "cars"))


PARTS = ["weight", "lora_A", "lora_B", "bias", "linear", "model", "base_model", "default", "lora_"]


@pytest.mark.parametrize("name", [*PARTS, "a", "A", "keys", "training", "a/b", "..", "é ü", "b c"])
@pytest.mark.parametrize("other", ["films", "a b"])
@pytest.mark.filterwarnings("ignore:Adapter")  # PEFT's, of every bias, and of names like "a"
def test_any_name_comes_back_whole_from_peft_or_is_refused(tmp_path, name, other):
    from peft import PeftModel

    from ragteach.integrations.peft_bridge import OneLinear

    model = filled(RAG(7, 3, 2, tasks=[name, other], adapter="low_rank", rank=2))
    try:
        to_peft(model).save_pretrained(tmp_path)
    except RagteachError as error:
        assert f"task {name!r}" in str(error) and name not in ("a", "A", "default", "é ü", "b c")
        return
    x = torch.randn(20, 7)
    for t, task in enumerate(model.task_names):
        linear = torch.nn.Linear(7, 3)
        linear.load_state_dict({"weight": model.shared.detach(), "bias": torch.zeros(3)})
        folder = tmp_path if task == "default" else tmp_path / task
        loaded = PeftModel.from_pretrained(OneLinear(linear), folder, adapter_name=task)
        torch.testing.assert_close(loaded(x), model(x, t))


def test_refusals_of_the_bridge():
    with pytest.raises(RagteachError, match=r"task names without dots .*\nGot: task 'c.d'"):
        to_peft(family()["no bias"])
    with pytest.raises(RagteachError, match="LoRA on exactly one nn.Linear"):
        from_peft(torch.nn.Linear(2, 2))


# ------------------------------------------------------------------ the command


def command(*arguments):
    parser = argparse.ArgumentParser()
    add_predict_parser(parser.add_subparsers())
    return parser.parse_args(["predict", *map(str, arguments)])


@pytest.fixture
def model_file(tmp_path, classifier):
    pipe, frame = classifier
    return (
        save(tmp_path / "m.safetensors", pipe, labels=["negative", "neutral", "positive"]),
        pipe,
        frame,
    )


def test_predict_command_answers_line_by_line(model_file, tmp_path):
    path, pipe, frame = model_file
    texts = [*frame.text[frame.task == "cars"], "", "ein schönes Auto ✓"]
    args, out = command(path, "--task", "cars", "--block", 7), io.StringIO()
    assert args.func(args, io.StringIO("\n".join(texts) + "\n"), out) == 0
    rows = [line.split("\t") for line in out.getvalue().splitlines()]
    p = pipe.predict_proba(texts, tasks=["cars"] * len(texts))
    assert [row[2] for row in rows] == texts
    assert [row[3] for row in rows[-2:]] == ["empty", "no known word"]
    assert not any(row[3] for row in rows[:-2])
    assert [row[0] for row in rows] == np.array(["negative", "neutral", "positive"])[
        p.argmax(1)
    ].tolist()
    np.testing.assert_allclose([float(row[1]) for row in rows], p.max(1), atol=6e-5)

    source = tmp_path / "sentences.txt"
    source.write_text("\r\n".join(texts), encoding="utf-8")
    args, out = command(path, "--task", "cars", "--input", source, "--all"), io.StringIO()
    assert args.func(args, None, out) == 0
    header, *rows = [line.split("\t") for line in out.getvalue().splitlines()]
    assert header == ["negative", "neutral", "positive", "sentence", "note"]
    np.testing.assert_allclose(np.array([row[:3] for row in rows], float), p, atol=6e-5)


def test_bad_lines_and_files_are_named_in_three_parts(model_file, tmp_path, capsys):
    path, _, _ = model_file
    source = tmp_path / "sentences.txt"
    source.write_bytes(b"a good film\na bad film\nun caf\xe9\n")
    for more, said in (
        (["--input", source], f"Got: byte 0xe9 in line 3 of {source}"),
        (["--input", tmp_path / "none.txt"], "none.txt: No such file or directory"),
        (["--input", tmp_path], "Is a directory"),
        (["--input", source, "--block", 0], "Got: --block = 0"),
    ):
        args = command(path, "--task", "cars", *more)
        assert args.func(args, None, io.StringIO()) == 2
        message = capsys.readouterr().err
        assert message.startswith("Expected: ") and said in message and "What to do: " in message


def test_predict_command_in_a_process_of_its_own(model_file):
    path, _, _ = model_file
    code = """
import argparse, sys
from ragteach.integrations.trust import check_pattern
from ragteach.integrations.serving import add_predict_parser
parser = argparse.ArgumentParser()
add_predict_parser(parser.add_subparsers())
args = parser.parse_args()
sys.exit(args.func(args))
"""

    arguments = ["predict", str(path), "--task", "cars"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    text = "a great car ✓\n".encode()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=text, capture_output=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().endswith("\ta great car ✓\t\n")
    done = forks.python(code, *arguments[:-1], "boats", text="a great car\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "task to be one of 'cars', 'films', 'food', 'phones'" in done.stderr
    assert "Traceback" not in done.stderr
    done = forks.python(code, *arguments, "--input", Path(path).parent / "none.txt")
    assert done.returncode == 2 and "none.txt" in done.stderr


def test_the_command_as_the_readme_gives_it(model_file, tmp_path):
    """python -m ragteach predict model.safetensors --task films < sentences.txt"""
    path, pipe, _ = model_file
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("the dialogue was sweet\nthe plot was slow\n", encoding="utf-8")
    with open(sentences, encoding="utf-8") as source:
        command = [sys.executable, "-m", "ragteach", "predict", str(path), "--task", "films"]
        done = subprocess.run(command, stdin=source, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    p = pipe.predict_proba([row[2] for row in rows], tasks=["films"] * 2)
    assert [row[2] for row in rows] == ["the dialogue was sweet", "the plot was slow"]
    np.testing.assert_allclose([float(row[1]) for row in rows], p.max(1), atol=6e-5)


def test_refusals_of_the_command(model_file, tmp_path):
    path, _, _ = model_file
    with pytest.raises(RagteachError, match=r"Got: none\nWhat to do: add --task cars"):
        list(predict_lines(path, ["good"]))
    two = save(tmp_path / "two", RAG(3, 2, 2, tasks=["Corner Café", "films"]))
    with pytest.raises(RagteachError, match="--task 'Corner Café'"):  # as a shell reads it
        list(predict_lines(two, ["good"]))
    bare = save(tmp_path / "bare", RAG(3, 2, 1, tasks=["films"]))
    with pytest.raises(RagteachError, match="a model saved with its vectoriser"):
        list(predict_lines(bare, ["good"]))


def test_predict_refuses_a_table_and_says_which_task_was_meant(model_file):
    path, *_ = model_file
    with refused(
        "--task to be one of", "--task = 'car'", "did you mean 'cars'?; a new task has no"
    ):
        list(predict_lines(path, ["good"], "car"))
    model = SimpleNamespace(columns={"text": "review"})
    for header in ("shop,review,stars", '"review";"shop"', "\ufeffreview\tshop"):
        with refused("sentences, one a line", "a table: its first line is", "--input mine.csv"):
            list(_no_table(iter([header, "a,b,c"]), model))
    for header in ("Kommentar;Stimmung", "comment,stars"):  # other names than those of training
        with refused("sentences, one a line", "a table: its first line is", "--input mine.csv"):
            list(_no_table(iter([header, "a,b,c"]), SimpleNamespace(columns={})))
    lines = ["a review, as it was", "review", ""]
    assert list(_no_table(iter(lines), model)) == lines
    assert list(_no_table(iter([]), model)) == []


def answers_to(path, table, *more):
    """(what the command prints of a table, as a frame)."""
    args, out = command(path, "--input", table, *more), io.StringIO()
    assert args.func(args, None, out) == 0
    return pd.read_csv(io.StringIO(out.getvalue()), sep="\t", keep_default_na=False)


def test_predict_answers_a_table_row_by_row(model_file, tmp_path, capsys):
    """Each row by its own task, in the table's order, under headers that training never saw."""
    path, pipe, frame = model_file
    some = frame.sample(40, random_state=0)[["task", "text"]]
    some.loc[some.index[3], "text"] = "xyzzy"
    some.loc[some.index[5], "text"] = ""
    texts, tasks = some["text"].tolist(), some["task"].tolist()
    p = pipe.predict_proba(texts, tasks=tasks)
    headers = (["Filiale", "Kundenkommentar"], ["task", "text"], ["where", "评论"])
    for number, header in enumerate(headers):
        table = tmp_path / f"table{number}.csv"
        some.set_axis(header, axis=1).to_csv(table, index=False, sep=";")
        got = answers_to(path, table, "--block", 7)
        assert got["text"].tolist() == texts and got["task"].tolist() == tasks
        np.testing.assert_allclose(got["probability"], p.max(1), atol=6e-5)
        notes = got["note"].tolist()
        assert notes[3] == "no known word" and notes[5] == "empty"
        assert sum(map(bool, notes)) == 2
        shown = f"text = {header[1]}, task = {header[0]}"
        assert (shown in capsys.readouterr().err) == (number != 1)
    one = answers_to(path, table, "--task", "cars", "--all")
    assert set(one["task"]) == {"cars"} and one.columns[0] == "negative"


def test_a_table_that_is_not_clear_is_asked_about(model_file, tmp_path, capsys):
    path, *_ = model_file
    cases = {
        "texte,avis\na good film,b\n": (
            [],
            "2 that may be texts: texte, avis; 0 columns of tasks among",
        ),
        "Kommentar,ort\na good film,Rom\n": ([], "0 columns of tasks among ort"),
        "text,task\na good film,film\n": ([], "did you mean 'films'?"),
        "text,task\na good film,\n": (["--task-column", "task"], "a task in every row"),
        "text,task\ngood,films\n ": (["--text", "texts"], "did you mean 'text'?"),
        "text,task\ngood,cars\n ": (
            ["--task", "films", "--task-column", "task"],
            "leave one of them out",
        ),
    }
    for number, (table, (more, said)) in enumerate(cases.items()):
        source = tmp_path / f"{number}.csv"
        source.write_text(table, encoding="utf-8")
        args = command(path, "--input", source, *more)
        assert args.func(args, None, io.StringIO()) == 2
        assert said in capsys.readouterr().err


def test_a_table_is_read_as_training_read_its_own(tmp_path, capsys):
    """Rows kept without a task have one here too; a sheet and signs are named as in training."""
    tasks = ["films", None] * 6
    frame = pd.DataFrame({"text": ["good", "good", "bad", "bad"] * 3, "label": [1, 1, 0, 0] * 3})
    data = MultiTaskDataset.from_frame(frame.assign(task=tasks), missing="keep")
    model = RAG(data.n_features, 2, 2, tasks=data.task_names, init="zero")
    path = save(tmp_path / "m", model, data.vectorizer, labels=["no", "yes"])
    rows = pd.DataFrame({"text": ["good", '"bad', "bad"], "where": ["films", None, None]})
    rows["tags"] = [["a"], ["b"], []]
    rows["nothing"] = None
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    assert answers_to(path, tmp_path / "rows.jsonl")["task"].tolist() == ["films"] + [NO_NAME] * 2
    rows[["text", "where"]].to_csv(tmp_path / "t.csv", index=False, quoting=3, sep=";")
    got = answers_to(path, tmp_path / "t.csv", "--no-quotes")
    assert got["text"].tolist() == ["good", '"bad', "bad"]
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        for name in ("May", "June"):
            rows[["text", "where"]].to_excel(book, sheet_name=name, index=False)
    args = command(path, "--input", tmp_path / "t.xlsx")
    assert args.func(args, None, io.StringIO()) == 2
    assert "--sheet May" in capsys.readouterr().err
    assert len(answers_to(path, tmp_path / "t.xlsx", "--sheet", "June")) == 3


def test_predict_says_in_which_lines_it_knows_no_word(model_file):
    path, _, frame = model_file
    known = frame.text[frame.task == "cars"].iloc[0]
    with pytest.warns(UnknownWordsWarning, match=r"2 of 4 texts .* In line 2, 4\.$"):
        list(predict_lines(path, [known, "", known, "xyzzy"], "cars", block=3))


def test_the_command_serves_classifying_heads(tmp_path):
    vectorizer = make_vectorizer().fit(["good film", "bad film"])
    model = MultiHead(3, {"mood": Classification(2), "stars": Regression()}, n_hidden=4)
    path = save(tmp_path / "m", model, vectorizer, labels={"mood": ["bad", "good"]})
    (line,) = predict_lines(path, ["good film"], "mood")
    x = torch.as_tensor(vectorizer.transform(["good film"]).toarray())
    best = model(x, "mood").softmax(1).max().item()
    assert line.split("\t") == [
        ["bad", "good"][int(model.predict(x, "mood"))],
        f"{best:.4f}",
        "good film",
        "",
    ]
    with pytest.raises(RagteachError, match="task 'stars' with the head Regression"):
        list(predict_lines(path, ["good film"], "stars"))
