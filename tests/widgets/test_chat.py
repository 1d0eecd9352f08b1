"""The chat box in Python: a reader as one matrix, reasons that add up, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import ragteach as rt
from ragteach.widgets import chat_box, explore, linear_map
from ragteach.widgets.chat import Box

TEXTS = ["where is my parcel", "cancel my order", "the pan is broken", "is it late or lost"]
NAMES = ["track", "cancel", "replace", "track"]
WORDS = rt.make_vectorizer().fit(TEXTS)
X = WORDS.transform(TEXTS)
MANY = LogisticRegression().fit(X, NAMES)
TWO = LogisticRegression().fit(X, ["no", "yes", "yes", "no"])
READER = {"angry": TWO, "answer": MANY}
KNOWN = pd.DataFrame({"text": TEXTS, "answer": NAMES})


def heads(activation="identity", **options):
    kinds = {"angry": rt.Classification(2), "answer": rt.Classification(3)}
    return rt.MultiHead(X.shape[1], kinds, n_hidden=4, activation=activation, seed=3, **options)


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"num_adapters": 0, "graph": "all"}])
def test_a_model_with_heads_is_one_matrix_a_task(options):
    model = heads(**options)
    x = torch.tensor(X.toarray()).float()
    for task in ("angry", "answer"):
        W, b = linear_map(model, task)
        expected = model(x, task).detach().numpy()
        np.testing.assert_allclose(X @ W.T + b, expected, atol=1e-5)


def test_what_is_read_is_what_scikit_learn_says():
    box = Box(READER, WORDS, None, None)
    for text in ("cancel the parcel", "broken", "nothing of that kind"):
        found = box.read(text)
        for task, model in READER.items():
            expected = model.predict_proba(WORDS.transform([text]))[0]
            np.testing.assert_allclose(found[task][1], expected, atol=1e-6)
    assert box.classes == {"angry": ["no", "yes"], "answer": ["cancel", "replace", "track"]}


def test_reasons_add_up_to_the_lead():
    box = Box(READER, WORDS, None, None)
    text = "my pan is lost, cancel the order"
    for task in READER:
        z, _ = box.read(text)[task]
        said, rival, why = box.reasons(text, task)
        assert z[said] == z.max() and z[rival] == np.sort(z)[-2]
        assert sum(why.values()) == pytest.approx(z[said] - z[rival])
        assert set(why) == {"my", "pan", "is", "lost", "cancel", "the", "order", "(bias)"}


def test_the_nearest_message_and_the_threshold_decide():
    w = chat_box(READER, WORDS, known=KNOWN, threshold=0.5)
    assert w.measures(typed="cancel my order", who=1)["cosine"] == pytest.approx(1)
    assert w.measures(typed="cancel my order", who=1)["answered"] == 1
    assert w.measures(typed="zzz", who=1) | {"level": 0} == w.measures(typed="zzz", who=1)
    assert w.measures(typed="zzz", who=1)["answered"] == 0
    reader = w.measures(typed="cancel my order")
    assert reader["level"] == reader["p_answer"] and reader["class_answer"] == 0
    assert w.measures(at=0)["answered"] == 1
    assert "rather than" in w.spec["alt"] and TEXTS[0] in w.spec["alt"]
    assert explore("chat", READER, WORDS, known=KNOWN).kind == "chat"


REFUSED = {
    "not linear": (lambda: chat_box(heads("tanh"), WORDS, examples=["a b"]), 'activation="identity"'),
    "no vectoriser": (lambda: chat_box(READER, examples=["a"]), "fitted make_vectorizer"),
    "pairs of words": (
        lambda: chat_box(READER, rt.make_vectorizer(ngrams=2).fit(TEXTS), examples=["a"]),
        "one word a feature",
    ),
    "other words": (
        lambda: chat_box(READER, rt.make_vectorizer().fit(["a b"]), examples=["a"]),
        "features in task 'angry'",
    ),
    "no model": (lambda: chat_box(MANY, WORDS, examples=["a"]), "a LogisticRegression"),
    "no weights": (
        lambda: chat_box({"answer": rt.RAGClassifier()}, WORDS, examples=["a"]),
        "coef_ and intercept_",
    ),
    "names": (
        lambda: chat_box(READER, WORDS, {"angry": ["no"], "answer": NAMES}, examples=["a"]),
        "2 names for the classes of task 'angry'",
    ),
    "no message": (lambda: chat_box(READER, WORDS), "at least one message"),
    "empty": (lambda: chat_box(READER, WORDS, examples=[" "]), "none empty"),
    "threshold": (lambda: chat_box(READER, WORDS, known=KNOWN, threshold=67), "from 0 to 1"),
    "known": (
        lambda: chat_box(READER, WORDS, known=KNOWN.rename(columns={"answer": "reply"})),
        "column of known",
    ),
    "another answer": (
        lambda: chat_box(READER, WORDS, known=KNOWN.assign(answer="what")),
        "answer in known",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_three_parts(name):
    make, match = REFUSED[name]
    with pytest.raises(rt.RagteachError, match=match) as caught:
        make()
    assert len(str(caught.value).splitlines()) == 3
