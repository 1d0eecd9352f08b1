"""The headlines: what the data sheet counts, no run of five words twice, parts that share neither time nor firm."""

import pandas as pd
from problems import shared_runs

from ragteach.data.sources.headlines import TASKS, load_headlines, parts_in_time
from ragteach.data.toy import folder

ALL = load_headlines()
SHEET = (folder("finance") / "DATASHEET.md").read_text(encoding="utf-8")


def test_the_data_sheet_counts_what_is_there():
    for name, part in zip(("training", "validation", "held out"), parts_in_time(), strict=True):
        row = next(line for line in SHEET.splitlines() if line.startswith(f"| {name} |"))
        said = [cell.strip() for cell in row.strip("|").split("|")][1:]
        assert said[0] <= part["date"].min() and part["date"].max() <= said[1]
        counts = [
            int((part["sentiment"] == mood).sum()) for mood in ("negative", "neutral", "positive")
        ]
        firms = part["company"][part["company"] != ""].nunique()
        assert [int(n) for n in said[2:]] == [len(part), *counts, firms]
    assert f"{len(ALL)} headlines" in SHEET
    assert f"{(ALL['company'] == '').sum()} headlines name no company" in SHEET


def test_every_topic_meets_every_event_in_every_sentiment_equally_often():
    for part, n in zip(parts_in_time(), (4, 2, 2), strict=True):
        cells = part.groupby(list(TASKS)).size()
        assert len(cells) == 6 * 6 * 3 and (cells == n).all()
    assert [ALL[task].nunique() for task in TASKS] == [3, 6, 6]


def test_the_parts_share_neither_time_nor_firm():
    parts = parts_in_time()
    assert parts[0]["date"].max() < parts[1]["date"].min()
    assert parts[1]["date"].max() < parts[2]["date"].min()
    assert pd.to_datetime(ALL["date"]).dt.day_of_week.max() <= 4
    firms = [set(part["company"]) - {""} for part in parts]
    assert not firms[0] & firms[1] and not (firms[0] | firms[1]) & firms[2]
    for text, company in zip(ALL["text"], ALL["company"], strict=True):
        assert company in text
        assert not [name for name in set.union(*firms) if name in text and name != company]


def test_no_two_headlines_share_a_run_of_five_words():
    assert shared_runs(ALL["text"]) == []
    assert ALL["text"].is_unique


def test_the_second_labelling_agrees_as_the_sheet_says():
    again = pd.read_csv(folder("finance") / "relabelled.csv")
    first = ALL.set_index("text").loc[again["text"]]
    agree = [int((first[t].to_numpy() == again[t].to_numpy()).sum()) for t in TASKS]
    said = "sentiment {} of 60, topic {} of 60, event {} of 60".format(*agree)
    assert len(again) == 60 and again["text"].is_unique and f"Agreement: {said}." in SHEET
