"""A look at data: every count against a table made by hand, every finding with a cure."""

import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from problems import refused
from scipy.stats import binomtest

import ragteach as rt
from ragteach.data.resemblance import text_key
from ragteach.data.shares import wilson
from ragteach.data.survey import text_findings
from ragteach.data.survey.findings import power_table
from ragteach.study.tables import interval


def table(rows):
    return pd.DataFrame(rows, columns=["text", "label", "task"])


def varied(n=40, tasks=("films", "cars"), labels=("bad", "good")):
    """Rows without a fault: different texts, balanced labels."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(200)]
    rows = []
    for i in range(n):
        text = " ".join(words[j] for j in rng.integers(200, size=8))
        rows.append((text, labels[i // len(tasks) % len(labels)], tasks[i % len(tasks)]))
    return rows


def findings(report, topic):
    return [finding for finding in report.findings if finding.topic == topic]


def test_counts_by_hand():
    report = rt.look(
        table([*varied(40), *varied(41)[40:], ("one more text about it", "bad", "cars")])
    )
    assert report.n_rows == 42
    assert report.tasks.set_index("task")["rows"].to_dict() == {"films": 21, "cars": 21}
    assert report.classes.set_index("label")["rows"].sum() == 42
    assert report.counts["different texts"] == 42


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (0, 10), (3, 10), (10, 10), (333, 1000)])
def test_intervals_are_wilsons(hits, n):
    oracle = binomtest(hits, n).proportion_ci(method="wilson")
    low, high = wilson(hits, n)
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_repeats_conflicts_and_texts_in_several_tasks_are_told_apart():
    rows = [
        *varied(40),
        ("the same words here", "good", "films"),
        ("The same  words here", "good", "films"),  # repeats
        ("the same words here", "bad", "films"),  # repeats, and contradicts
        ("the same words here", "good", "cars"),  # another task: no repeat
    ]
    report = rt.look(table(rows))
    assert report.counts["repeated within a task"] == 2
    assert report.counts["texts in several tasks"] == 1
    assert report.counts["conflicting labels"] == 1
    assert findings(report, "conflicts")[0].weight == "act"


def test_near_twins_within_and_across_tasks():
    long = "a rather long sentence about the brakes of a small red car in the rain"
    rows = [
        *varied(40),
        (long, "good", "cars"),
        (long + " again", "good", "cars"),
        (long + " today", "bad", "films"),
    ]
    report = rt.look(table(rows))
    assert report.counts["near-twins within a task"] == 1
    assert report.counts["near-twins across tasks"] == 1


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("a <b>bold</b> word", "texts with HTML tags"),
        ("fish &amp; chips", "texts with HTML entities"),
        ("see https://example.org", "texts with web addresses"),
        ("write to me@example.org", "texts with e-mail addresses"),
        ("schÃ¶n", "texts with letters read in a wrong encoding"),
        ("bl\ufffdm", "texts with letters that no encoding could read"),
    ],
)
def test_markup_is_counted(text, counted):
    report = rt.look(
        table([*varied(40), (text, "good", "films"), ("3 < 4 and 5 > 2 & so on", "bad", "cars")])
    )
    assert report.counts[counted] == 1
    assert sum(n for name, n in report.counts.items() if name.startswith("texts with ")) == 1


def test_scripts_without_spaces_ask_for_an_analyzer():
    texts = [
        "この映画はとても良かった",
        "ブレーキがよく効く車です",
        "料理は冷たかった",
        "画面が暗い",
    ]
    report = rt.look(table([(t * 2 + str(i), i % 2, "ab"[i % 2]) for i, t in enumerate(texts * 3)]))
    assert "analyzer='char'" in findings(report, "scripts")[0].do
    assert {"HIRAGANA", "CJK"} <= set(report.counts["scripts"])


def test_gaps_are_counted_and_left_out():
    rows = [
        *varied(40),
        ("", "good", "films"),
        ("some words", None, "cars"),
        ("others", "bad", np.nan),
    ]
    report = rt.look(table(rows))
    assert [report.counts[f"rows without {role}"] for role in ("text", "label", "task")] == [
        1,
        1,
        1,
    ]
    assert report.tasks["rows"].sum() == 40
    assert findings(report, "gaps")[0].weight == "act"


def test_what_is_taken_for_a_gap_is_named():
    rows = [*varied(40), ("some words", "n.a.", "cars"), ("more words", "n.a.", "null")]
    said = [finding.what for finding in findings(rt.look(table(rows)), "gaps")]
    assert "2 rows without label" in said[0] and "(2 x 'n.a.')" in said[0]
    assert "1 row without task" in said[1] and "(1 x 'null')" in said[1]


def test_repeats_and_near_twins_have_one_sum_and_show_where_they_differ():
    long = "a rather long sentence about the brakes of a small red car in the cold rain, "
    rows = [*varied(40), *((long + end, "good", "cars") for end in ("so.", "so!", "no", "yes"))]
    what = findings(rt.look(table(rows)), "near-twins")[0].what
    assert "the 44 rows hold 43 different texts, of which 41 (93.2% of the rows)" in what
    assert "'… in the cold rain, so.' and '… in the cold rain, no'" in what


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        (["x;urgent", "z;calm", "x;calm", "z;urgent"], "with ';' between them: calm, urgent, x, z"),
        (["slow, rude", "slow", "rude"], None),
        (
            ["slow | rude", "slow", "rude", "slow | dear", "dear"],
            "'|' between them: dear, rude, slow",
        ),
        (["0,5", "1,5", "1,0"], None),
        (["2024/01", "2024/02", "01/02"], None),
        (["Yes, I would; often", "No, never; not"], None),
    ],
)
def test_labels_that_hold_several_answers_are_pointed_out(labels, parts):
    found = findings(rt.look(table(varied(60, labels=labels))), "several answers")
    assert [finding.weight for finding in found] == ["act"] * bool(parts)
    assert not parts or parts in found[0].what


@pytest.mark.parametrize(
    ("rows", "topic", "said"),
    [
        (varied(40, tasks=("films",)), "tasks", "one task only"),
        (varied(40, labels=("good",)), "classes", "one class only"),
        ([*varied(60), ("odd words", "rare", "cars")], "rare pairs", "cars / rare (1)"),
        (varied(40, labels=("good",) * 9 + ("bad",)), "balance", "'good': 90%"),
        ([*varied(40), ("x" * 6000, "good", "cars")], "length", "the longest has 6,000"),
    ],
)
def test_what_is_wrong_is_said(rows, topic, said):
    found = findings(rt.look(table(rows)), topic)
    assert any(said in finding.what and finding.do for finding in found), found


def test_what_was_measured_on_a_sample_says_so(monkeypatch):
    for name in ("TWIN_SAMPLE", "LETTER_SAMPLE", "WORD_SAMPLE"):
        monkeypatch.setattr(text_findings, name, 100)
    pairs = [(text + end, *rest) for text, *rest in varied(200) for end in ("", " so")]
    report = rt.look(table([*pairs, ("x" * 2000, "good", "cars")]))
    assert "in a sample of 100 of 401 texts" in findings(report, "scripts")[0].what
    assert "in 50 texts of each task at most" in findings(report, "shared words")[0].what
    twins = findings(report, "near-twins")[0].what
    assert "in a sample of 100 of 401 texts" in twins
    assert "the file may hold up to" in twins
    monkeypatch.undo()
    whole = rt.look(table([*pairs, ("x" * 2000, "good", "cars")]))
    assert not any("sample" in finding.what for finding in whole.findings)
    assert "first 1,000 letters" in findings(whole, "near-twins")[0].what


def test_the_key_of_plain_letters_is_that_of_all_letters():
    for text in (f"A{chr(code)}b" for code in range(128)):
        assert text_key(text + " \N{GREEK SMALL LETTER PI}") == text_key(text) + " π"


def test_shared_words_are_jaccards():
    rows = [("a b c", 0, "one"), ("a b d", 1, "one"), ("a x y", 0, "two"), ("a b z", 1, "two")]
    overlap = rt.look(table(rows)).shared_words
    assert overlap.loc["one", "two"] == pytest.approx(2 / 7)  # a, b of a, b, c, d, x, y, z
    assert (np.diag(overlap) == 1).all()


def test_power_is_what_a_simulation_of_the_interval_says():
    """280 texts, 56 tested a draw, two strategies that differ on a fifth of them, by 10 points."""
    rng = np.random.default_rng(0)
    power = power_table(280, 1).iloc[-1]
    for draws in (5, 20):
        clear = []
        for _ in range(1000):
            wins = rng.choice([1, 0, -1], 280, p=[0.15, 0.8, 0.05])
            order = rng.permuted(np.tile(np.arange(280), (draws, 1)), axis=1)[:, :56]
            clear.append(interval(wins[order].mean(1), test_per_train=1 / 3)[1] > 0)
        assert power[f"power_{draws}"] == pytest.approx(np.mean(clear), abs=0.04)


def test_more_rows_show_more_and_the_texts_that_are_needed_are_enough():
    power = power_table(200, 2)
    assert power["within_reach"].tolist() == [n <= 200 for n in power["texts"]]
    assert power["texts"].is_monotonic_decreasing and power["power_20"].is_monotonic_increasing
    for at, n in enumerate(power["texts"]):
        there = power_table(int(n), 2)
        assert there["within_reach"][at] and 0.8 <= there["power_20"][at] < 0.82
        assert (power_table(2 * int(n), 2)["power_20"] >= there["power_20"]).all()


def test_a_path_a_frame_and_a_dataset_are_taken(tmp_path):
    frame = table(varied(40))
    path = tmp_path / "mine.csv"
    frame.to_csv(path, index=False)
    data = rt.MultiTaskDataset.from_frame(rt.load_csv(path))
    looks = [rt.look(frame), rt.look(path), rt.look(str(path)), rt.look(data)]
    assert all(a.tasks["rows"].tolist() == [20, 20] for a in looks)
    assert looks[0].to_dict() | {"name": ""} == looks[1].to_dict() | {"name": ""}


def test_names_reach_every_view():
    report = rt.look(table(varied(40, tasks=("<films>", "cars"), labels=("mad", "glad"))))
    text, page = str(report), report._repr_html_()
    assert "mad" in text and "<films>" in text
    assert "&lt;films&gt;" in page and "<films>" not in page
    assert (
        json.loads(json.dumps(report.to_dict(), allow_nan=False))["classes"][0]["label"] == "glad"
    )


def test_the_page_is_sound_and_readable_without_colour():
    class Reader(HTMLParser):
        seen: list = []

        def handle_starttag(self, tag, attrs):
            self.seen.append((tag, dict(attrs)))

    reader = Reader()
    reader.feed(rt.look(table(varied(40)))._repr_html_())
    headers = [attrs for tag, attrs in reader.seen if tag == "th"]
    assert headers and all(attrs["scope"] in ("col", "row") for attrs in headers)
    assert sum(tag == "table" for tag, _ in reader.seen) == sum(
        tag == "caption" for tag, _ in reader.seen
    )
    assert not any("color" in str(attrs) for _, attrs in reader.seen)


def test_every_finding_says_what_to_do():
    report = rt.look(table([*varied(40), ("the <i>same</i>", "good", "films")] * 2))
    assert len(report.findings) > 8
    assert all(finding.what and finding.do for finding in report.findings)
    weights = [finding.weight for finding in report.findings]
    assert weights == sorted(weights, key=["act", "know", "fine"].index)


def test_many_tasks_stay_a_short_report():
    report = rt.look(table(varied(400, tasks=[f"task {i}" for i in range(50)])))
    assert len(str(report).splitlines()) < 80
    assert "38 more not shown" in str(report)
    assert len(report.to_dict()["tasks"]) == 50


@pytest.mark.parametrize(
    ("data", "expected", "got"),
    [
        (pd.DataFrame({"a": ["x"]}), "column", "text"),
        (table([("", None, None)]), "text", ""),
        (pd.DataFrame({"text": [], "label": [], "task": []}), "row", "0 rows"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(data, expected, got):
    with refused(expected, got):
        rt.look(data)


def test_one_column_per_task_is_said_so():
    frame = pd.DataFrame(
        {"text": [f"note {i} x" for i in range(40)], "Mood?": [0, 1] * 20, "b": [1, 0] * 20}
    )
    report = rt.look(frame, label=["Mood?", "b"])
    assert "label = 'Mood?', 'b', task = one per label column" in str(report)
    assert "task: one per label column" in report._repr_html_()


def test_names_with_markup_and_several_candidates_for_tasks():
    rows = [(text, label, "3</span> users" if i % 9 == 0 else task)
            for i, (text, label, task) in enumerate(varied(80))]  # fmt: skip
    names = [f for f in rt.look(table(rows)).findings if f.topic == "names"]
    assert any("'3</span> users' with markup" in f.what and "--drop-task" in f.do for f in names)
    alone = table(varied(80)).assign(task="t", shop=["p", "q"] * 40, **{"my app": ["r", "s"] * 40})
    finding = next(f for f in rt.look(alone, task="task").findings if "one task only" in f.what)
    assert "--task shop or --task 'my app'" in finding.do


def test_a_text_without_spaces_is_not_one_word():
    texts = [f"この映画はとても良い{chr(0x4E00 + i)}" for i in range(40)]
    report = rt.look(table([(text, "good", "films") for text in texts]))
    assert report.counts["texts of one word"] == 0


def test_columns_are_found_and_shown(capsys):
    frame = table(varied(40)).rename(columns={"text": "review", "label": "stars", "task": "domain"})
    report = rt.look(frame)
    assert report.columns == {"text": "review", "label": "stars", "task": "domain"}
    assert "text = review, label = stars, task = domain" in capsys.readouterr().out


def test_a_column_that_may_name_the_tasks_is_proposed():
    frame = table(varied(40)).assign(number=range(40)).rename(columns={"task": "place"})
    found = findings(rt.look(frame), "tasks")[0]
    assert "one task only" in found.what and "perhaps --task place;" in found.do


def test_words_of_scripts_without_spaces_are_compared_by_pairs_of_letters():
    rows = [("あいう", 0, "one"), ("あいえ", 1, "one"), ("あいか", 0, "two"), ("あいき", 1, "two")]
    overlap = rt.look(table(rows)).shared_words
    assert overlap.loc["one", "two"] == pytest.approx(1 / 5)  # あい of あい, いう, いえ, いか, いき


def test_classes_stand_in_natural_order():
    report = rt.look(table(varied(40, labels=(10, 2, -1, -2))))
    assert report.classes["label"].tolist() == ["-2", "-1", "2", "10"]


def test_names_that_look_alike_are_found_with_the_line_that_merges_them():
    rows = [*varied(40, labels=("good", "bad")), ("a new text", "Good", "film")]
    label, task = findings(rt.look(table(rows)), "names")  # and no warning beside it
    assert "'Good' (1 row) and 'good' (20 rows) differ only in case" in label.what
    assert "rename_labels={'Good': 'good'}" in label.do and "--rename-label Good=good" in label.do
    assert "'film' (1 row) and 'films'" in task.what and "--drop-task film" in task.do


def test_what_was_left_out_and_mended_before_is_said():
    rows = [*varied(40), ("", "good", "films"), ("odd", "bad", "flims")]
    mended = rt.mend(table(rows), rename_tasks={"flims": "films"})
    first = rt.look(mended)
    assert [f.weight for f in findings(first, "gaps")] == ["act"]  # it is still to be decided
    again = rt.look(rt.as_frame(mended, missing="drop"))
    assert again.n_rows == first.n_rows == 41
    assert [f.weight for f in findings(again, "gaps")] == ["know"]
    assert again.left_out == {"rows": 1, "text": 1, "label": 0, "task": 0}
    assert again.mended == ["the task 'flims' is read as 'films' (1 row)"]


def test_repeated_texts_count_once_where_rows_are_too_few_to_show_a_difference():
    rows = varied(160)
    once, thrice = (rt.look(table(rows * n)) for n in (1, 3))
    assert once.power["within_reach"].tolist() == thrice.power["within_reach"].tolist()
    assert findings(thrice, "duplicates")[0].weight == "know"  # every split keeps them together


@pytest.mark.parametrize(
    ("rows", "weight", "said"),
    [
        (varied(80), "know", "'films' with 40 rows, of which a draw tests 8"),
        (varied(240), "fine", "'films' with 120 rows, of which a draw tests 24"),
        (varied(240) + varied(5, tasks=("food",)), "act", "'food' with 5 rows"),
    ],
)
def test_a_small_task_is_a_matter_and_equal_tasks_are_none(rows, weight, said):
    found = findings(rt.look(table(rows)), "tasks")[0]
    assert found.weight == weight and said in found.what and "times as many" not in found.what


def test_classes_that_are_amounts_are_not_judged_by_accuracy_alone():
    stars = table(varied(80, labels=(1, 2, 3, 4, 5)))
    assert "mean absolute error" in findings(rt.look(stars), "order")[0].do
    assert not findings(rt.look(table(varied(80))), "order")


def test_codes_are_asked_their_words_and_the_line_that_is_shown_gives_them():
    codes = table(varied(80, labels=(101, 202, 303)))
    found = findings(rt.look(codes), "codes")[0]
    assert not findings(rt.look(codes), "order")
    words = dict(zip(("101", "202", "303"), ("bad", "so-so", "good"), strict=True))
    assert "rename_labels={'101': '...'}" in found.do
    assert rt.look(rt.mend(codes, rename_labels=words)).classes["label"].tolist() == sorted(
        words.values()
    )
    assert "score" in found.do
    assert findings(rt.look(codes.rename(columns={"label": "score"})), "order")


def test_one_class_has_no_balance_to_speak_of():
    one = rt.look(table(varied(80, labels=("good",))))
    assert findings(one, "classes")[0].weight == "act"
    assert not findings(one, "balance")


def test_a_dataset_of_numbers_is_refused():
    with refused("texts", "numbers"):
        rt.look(rt.MultiTaskDataset(np.eye(4, dtype=np.float32), [0, 1, 0, 1], 2))


def test_signs_that_go_with_labels_are_said():
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=160)
    words = [" ".join(rng.choice(list("abcdefgh"), 6)) for _ in label]

    def said(signs):
        texts = [f"{text}{signs[y]}" for text, y in zip(words, label, strict=True)]
        return findings(
            rt.look(pd.DataFrame({"text": texts, "label": label, "task": "t"})), "signs"
        )

    assert "0% to 100% of a label's texts" in said("?!")[0].what
    assert "emoji or smileys stand in 100% of the texts" in said("\U0001f600\U0001f44e")[0].what
    assert not said("..")
    label = rng.permutation(label)
    texts = [f"{text}{rng.choice(['?', '!'])}" for text in words]
    assert not findings(
        rt.look(pd.DataFrame({"text": texts, "label": label, "task": "t"})), "signs"
    )


def test_small_tasks_are_left_out_all_at_once():
    rows = varied(120) + [(f"t{i} {j}", "good", f"tiny{i}") for i in range(7) for j in range(4)]
    found = findings(rt.look(table(rows)), "tasks")[0]
    assert "7 tasks have fewer than 5 rows" in found.what and "--least-rows 5" in found.do
    rt.look(rt.mend(table(rows), least_rows=5))


def test_names_with_markup_that_have_rows_are_names():
    report = rt.look(table(varied(60, tasks=("<b>web</b>", "shop"))))
    (found,) = findings(report, "names")
    assert found.weight == "know" and "--drop" not in found.do


def test_every_door_that_takes_a_path_takes_what_is_said_of_the_file(tmp_path):
    path = tmp_path / "mine.csv"
    frame = table([(f"{text} caf\u00e9", *rest) for text, *rest in varied(60)])
    frame.to_csv(path, index=False, sep=";", encoding="cp1252")
    how = {"encoding": "cp1252", "separator": ";"}
    assert rt.look(path, **how).n_rows == len(rt.load_csv(path, **how)) == 60
    options = {"strategies": ["majority class"], "progress": False, "n_jobs": 1}
    assert len(rt.compare(str(path), 1, **options, **how))
    with pytest.raises(rt.RagteachError, match="encoding beside a DataFrame"):
        rt.look(frame, encoding="cp1252")
