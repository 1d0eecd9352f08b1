"""From a file to a model in a file: what is printed is what the saved model does."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import torch

import ragteach as rt
from ragteach import __main__ as command
from ragteach.data.features import UnknownWordsWarning
from ragteach.data.frames import NamesWarning
from ragteach.data.splits import SplitWarning
from ragteach.integrations import training
from ragteach.integrations.serving import predict_lines
from ragteach.study import one_split, own_classes, scores
from ragteach.study.one_split import fit_split


@pytest.fixture
def mine(tmp_path):
    """A file with labels that are words."""
    frame = rt.make_toy(n_per_task=40)
    frame["label"] = [("awful", "fair", "great")[label] for label in frame["label"]]
    path = tmp_path / "mine.csv"
    frame[["text", "label", "task"]].to_csv(path, index=False)
    return path


def test_a_refusal_leaves_nothing_beside_the_model(tmp_path, capsys):
    folder = tmp_path / "out"
    folder.mkdir()
    few = tmp_path / "few.csv"
    few.write_text("text,label,task\na film,good,films\na dull film,bad,films\n", "utf-8")
    assert command.main(["train", str(few), "--save", str(folder / "model.safetensors")]) == 2
    said = capsys.readouterr()
    assert "for three parts" in said.err
    assert said.err.startswith("Expected: ") and said.out == ""  # before anything else
    assert list(folder.iterdir()) == []


@pytest.mark.filterwarnings("ignore::ragteach.data.splits.SplitWarning")
def test_a_task_of_one_row_trains_and_is_said_to_be_untested(mine, tmp_path, capsys):
    """Its name was mistyped: it is merged."""
    with mine.open("a", encoding="utf-8") as file:
        file.write("one row alone,great,flims\n")
    words = ["train", str(mine), "--save", str(tmp_path / "model.safetensors")]
    untested = pytest.warns(SplitWarning, match=r"'flims' \(1 and 0\).*--drop-task flims")
    with pytest.warns(NamesWarning, match="--rename-task flims=films"), untested:
        assert command.main(words) == 0
    assert "not tested" in capsys.readouterr().out
    assert command.main([*words, "--rename-task", "flims=films"]) == 0  # and no warning
    capsys.readouterr()
    assert rt.load(words[-1]).model.task_names == ["films", "cars", "food", "phones"]


def test_a_sentence_without_a_known_word_is_said_once(mine, tmp_path, capsys, monkeypatch):
    model = tmp_path / "model.safetensors"
    assert command.main(["train", str(mine), "--save", str(model)]) == 0
    capsys.readouterr()
    lines = "the film was great\nqqq zzz\n\nqqq\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert command.main(["predict", str(model), "--task", "films", "--block", "2"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4 and len(set(out.splitlines()[2].split()[:2])) == 2
    assert err.count("Note:") == 1 and "3 of 4 texts hold no word" in err and "'qqq zzz'" in err
    saved = rt.load(model)
    with pytest.warns(UnknownWordsWarning, match="1 of 2 texts holds no word"):
        logits = saved.logits(["qqq zzz", "the film was great"], "films")
    bias = saved.model.merge("films").bias.detach().numpy()
    assert np.allclose(logits[0], bias)
    assert command.main(["predict", str(model), "--task", "task"]) == 2
    assert "the column that they stand in" in capsys.readouterr().err


def test_train_then_predict_with_names(mine, tmp_path, capsys, monkeypatch):
    model = tmp_path / "model.safetensors"
    assert command.main(["train", str(mine), "--save", str(model), "--seed", "3"]) == 0
    printed = capsys.readouterr().out
    split = fit_split(rt.load_csv(mine), seed=3)
    for row in split.accuracy("RAG").itertuples():
        assert re.search(rf"{row.task} +{row.n} +{row.accuracy:.1%} +{row.low:.1%} to", printed)
    assert all(f"{name} {split.right(name).mean():.1%}" in printed for name in split.fitted)
    assert f"predict {model} --task films" in printed

    saved = rt.load(model)
    assert saved.labels == ["awful", "fair", "great"] and saved.model.task_names == split.task_names
    assert saved.training["lam"] == split.fitted["RAG"].lam
    for task in split.task_names:
        rows = np.flatnonzero(split.test["task"] == task)
        lines = list(predict_lines(model, split.test["text"][rows], task))
        said = [line.split("\t")[0] for line in lines]
        assert said == [saved.labels[c] for c in split.fitted["RAG"].said[rows]]

    monkeypatch.setattr("sys.stdin", io.StringIO("the film was great\n"))
    assert command.main(["predict", str(model), "--task", "films", "--all"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "awful\tfair\tgreat\tsentence\tnote"


def test_another_strategy_can_be_saved(mine, tmp_path):
    model = tmp_path / "model.safetensors"
    words = ["train", str(mine), "--save", str(model), "--strategy", "full_sharing"]
    assert command.main(words) == 0
    assert rt.load(model).model.n_adapters == 0


def test_the_model_is_saved_before_its_rivals_are_trained(mine, tmp_path, capsys, monkeypatch):
    model, fitted, original = tmp_path / "m.safetensors", [], one_split._fit

    def impatient(strategy, *args):
        fitted.append(strategy.name)
        if len(fitted) == stops:
            raise KeyboardInterrupt
        return original(strategy, *args)

    monkeypatch.setattr(one_split, "_fit", impatient)
    words = ["train", str(mine), "--save", str(model), "--strategy", "Independent"]
    stops = 1
    assert command.main(words) == 130 and not model.exists()
    assert "Ctrl-C after 0 of 3; no model is saved yet" in capsys.readouterr().err
    fitted.clear()
    stops = 2
    assert command.main(words) == 130
    assert fitted[0] == "independent"
    assert f"Ctrl-C after 1 of 3; independent is saved in {model}" in capsys.readouterr().err
    assert rt.load(model).training["strategy"] == "independent"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["MINE", "--save", "no/such/folder/m.safetensors"], "no folder"),
        (["MINE", "--save", "/proc/m.safetensors"], "--save to name a file that can be written"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(words, said, mine, capsys):
    words = [str(mine) if word == "MINE" else word for word in words]
    assert command.main(["train", *words]) == 2
    message = capsys.readouterr().err
    assert said in message and message.startswith("Expected: ") and "What to do: " in message


def test_tries_outlive_a_kill_and_the_model_is_the_same_bit_by_bit(mine, tmp_path, monkeypatch):
    """Killed inside the first strategy: what was tried is not tried again, but for the best part."""
    words = ["train", str(mine), "--save"]
    assert command.main([*words, str(tmp_path / "whole.safetensors")]) == 0
    assert not (tmp_path / "whole.safetensors.tries").exists()

    solved, original = [], scores._solved

    def killed(candidates, part):
        solved.append(part)
        if len(solved) == 4:
            raise KeyboardInterrupt
        return original(candidates, part)

    monkeypatch.setattr(scores, "_solved", killed)
    model = tmp_path / "m.safetensors"
    assert command.main([*words, str(model)]) == 130 and not model.exists()
    assert len(list((tmp_path / "m.safetensors.tries" / "parts").iterdir())) == 3
    assert command.main([*words, str(model), "--resume"]) == 0
    n_parts = 3 * 7  # of three strategies
    assert len(solved) in (n_parts + 1, n_parts + 2)  # once more where it was killed, and the best
    assert model.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_tries_of_heads_outlive_a_kill_too(tmp_path, monkeypatch):
    monkeypatch.setattr(own_classes, "EPOCHS", 2)
    table = rt.make_toy(n_per_task=12).astype({"label": str})
    table["label"] = table["task"].str[0] + table["label"]  # classes of their own
    options = {"strategies": ["RAG"]}
    whole = fit_split(table, **options).fitted["RAG"]
    trained, original = [], own_classes._trained

    def counted(strategy, parts, at):
        trained.append(at)
        if trained.count(at) == 1 and at == 7:
            raise KeyboardInterrupt
        return original(strategy, parts, at)

    monkeypatch.setattr(own_classes, "_trained", counted)
    with pytest.raises(KeyboardInterrupt):
        fit_split(table, **options, out=tmp_path)
    found = fit_split(table, **options, out=tmp_path, resume=True).fitted["RAG"]
    assert trained[:10] == [*range(8), 7, 8] and len(trained) <= 11
    assert (found.lam, found.lam_shared) == (whole.lam, whole.lam_shared)
    assert all(map(torch.equal, found.model.parameters(), whole.model.parameters()))


def test_a_name_of_two_lines_is_one_line_of_predictions(tmp_path):
    texts = ["good film", "bad film"]
    vectorizer = rt.make_vectorizer().fit(texts)
    model = rt.RAG(len(vectorizer.vocabulary_), 2, 0, tasks=["films"])
    path = rt.save(tmp_path / "m.safetensors", model, vectorizer, ["very\ngood", "a\tb"])
    lines = list(predict_lines(path, texts, every_class=True))
    assert len(lines) == 3 and lines[0] == "very\\ngood\ta\\tb\tsentence\tnote"
    assert not any("\n" in line for line in lines)


def test_pandas_reads_predictions_as_they_were_asked(tmp_path):
    texts = ["good\tfilm", '"bad" film', 'a "good" film', '"', "good film"]
    vectorizer = rt.make_vectorizer().fit(["good film", "bad film"])
    model = rt.RAG(len(vectorizer.vocabulary_), 2, 0, tasks=["films"])
    path = rt.save(tmp_path / "m.safetensors", model, vectorizer, ["bad", "good"])
    with pytest.warns(UnknownWordsWarning):
        lines = list(predict_lines(path, texts, every_class=True))
    table = pd.read_csv(io.StringIO("\n".join(lines)), sep="\t")
    assert table.columns.tolist() == ["bad", "good", "sentence", "note"]
    assert table["sentence"].tolist() == texts
    assert table[["bad", "good"]].sum(axis=1).tolist() == pytest.approx([1] * 5, abs=2e-4)


def test_ctrl_c_at_the_very_end_says_that_the_model_is_there(mine, tmp_path, capsys, monkeypatch):
    model, remove = tmp_path / "m.safetensors", training.shutil.rmtree
    stops = [KeyboardInterrupt()]

    def stopped(folder, **options):
        if stops:
            raise stops.pop()
        remove(folder, **options)

    monkeypatch.setattr(training.shutil, "rmtree", stopped)
    assert command.main(["train", str(mine), "--save", str(model)]) == 130
    said = capsys.readouterr().err
    assert f"all of them were fitted; RAG is saved in {model}" in said and "predict" in said
    assert [path.name for path in tmp_path.iterdir() if "tries" in path.name] == []
    assert rt.load(model).labels == ["awful", "fair", "great"]
