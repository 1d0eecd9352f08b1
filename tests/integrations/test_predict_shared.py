"""Answers for a task that was not in training, and one question about all that a table lacks."""

import numpy as np
import pandas as pd
import pytest
from problems import refused

import ragteach as rt
from ragteach import __main__ as command
from ragteach.integrations.answers import ABOUT_SHARED, BY_ALL
from ragteach.integrations.saving import load, save

TEXTS = ["good film", "bad brakes", "good brakes", "bad film"]


def saved_model(path, make=None):
    """Two tasks, whose weights and biases are all random."""
    data = rt.MultiTaskDataset(TEXTS, [1, 0, 1, 0], 2, ["films", "cars", "cars", "films"])
    shape = data.n_features, data.n_classes
    model = make(*shape) if make else rt.RAG(*shape, 2, tasks=["films", "cars"], scale=1.0, seed=3)
    if model.bias is not None:
        rng = np.random.default_rng(0)
        model.bias.data = model.bias.new_tensor(rng.normal(size=model.bias.shape))
    save(path, model, data.vectorizer, ["no", "yes"])
    return str(path)


@pytest.fixture
def model(tmp_path):
    return saved_model(tmp_path / "m.safetensors")


def test_shared_answers_are_those_of_w_s_and_the_mean_bias(model):
    found = load(model)
    x = found.vectorizer.transform(TEXTS).toarray()
    bias = found.model.bias.detach().numpy()
    oracle = x @ found.model.shared.detach().numpy().T + bias.mean(0)
    np.testing.assert_allclose(found.shared_logits(TEXTS), oracle, atol=1e-6)
    mean = (found.logits(TEXTS, "films") + found.logits(TEXTS, "cars")) / 2
    assert not np.allclose(mean, oracle, atol=1e-3)  # the adapters are left out


def predicted(words, capsys, code=0):
    assert command.main(["predict", *words]) == code
    return capsys.readouterr()


def test_lines_of_a_new_task(model, tmp_path, capsys):
    path = tmp_path / "new.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    said = predicted([model, "--input", str(path), "--shared"], capsys)
    logits = load(model).shared_logits(TEXTS)
    answers = [line.split("\t")[0] for line in said.out.splitlines()]
    assert answers == [["no", "yes"][best] for best in logits.argmax(1)]
    assert said.err == f"Note: {ABOUT_SHARED}\n"
    said = predicted([model, "--input", str(path), "--task", "boats"], capsys, 2)
    assert "or let what all tasks share answer it: --shared" in said.err
    said = predicted([model, "--input", str(path), "--shared", "--task", "films"], capsys, 2)
    assert "leave one of them out" in said.err


def test_of_a_table_only_rows_of_new_tasks_are_answered_by_what_is_shared(model, tmp_path, capsys):
    path = tmp_path / "new.csv"
    table = pd.DataFrame({"text": TEXTS, "task": ["films", "boats", "cars", None]})
    table.to_csv(path, index=False)
    out = predicted([model, "--input", str(path), "--shared"], capsys).out.splitlines()
    rows = [line.split("\t") for line in out]
    assert [row[2] for row in rows[1:]] == ["films", "boats", "cars", "(new)"]
    assert [row[4] for row in rows[1:]] == ["", BY_ALL, "", BY_ALL]
    found = load(model)
    own = [found.logits([TEXTS[0]], "films"), found.shared_logits([TEXTS[1]])]
    assert [row[0] for row in rows[1:3]] == [["no", "yes"][z[0].argmax()] for z in own]
    table[["text"]].to_csv(path, index=False)
    out = predicted([model, "--input", str(path), "--shared", "--all"], capsys).out.splitlines()
    assert len(out) == 5 and all(line.endswith(BY_ALL) for line in out[1:])


def test_what_shares_nothing_has_no_shared_answers(tmp_path, capsys):
    path = saved_model(
        tmp_path / "i.safetensors",
        lambda d, c: rt.RAG.independent(d, c, tasks=["films", "cars"]),
    )
    with refused("shares weights", "whose W_s is 0", "--strategy RAG"):
        load(path).shared_logits(TEXTS)


def test_a_table_that_lacks_text_and_task_is_asked_about_once(model, tmp_path, capsys):
    path = tmp_path / "odd.csv"
    words = "a rather long sentence about something else entirely, number"
    table = pd.DataFrame({"Q1": [f"{words} {i}" for i in range(12)], "Q2": range(12)})
    table.to_csv(path, index=False)
    err = predicted([model, "--input", str(path)], capsys, 2).err
    assert "a column of texts and one of tasks of the model" in err
    assert "--text Q1 (its values look so); and --task-column COLUMN" in err
    answer = [model, "--input", str(path), "--text", "Q1", "--task", "films"]
    assert len(predicted(answer, capsys).out.splitlines()) == 13
    err = predicted([model, "--input", str(path), "--shared"], capsys, 2).err
    assert "a column of texts\n" in err and "tasks" not in err.split("What to do")[1]
