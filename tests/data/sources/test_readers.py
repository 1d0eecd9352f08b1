"""The invented items, as the data sheet counts them, and simulated readers who are what their setting says."""

import re

import numpy as np
import pandas as pd
import pytest
from problems import shared_runs

import ragteach as rt
from ragteach.data.sources.readers import (
    INTERESTS,
    PARTS,
    SETTINGS,
    TRAITS,
    item_labels,
    load_items,
    simulate_readers,
)
from ragteach.data.toy import folder

ITEMS = load_items()
SHEET = (folder("recommendation") / "DATASHEET.md").read_text(encoding="utf-8")


def test_the_data_sheet_counts_what_is_there():
    assert SHEET.startswith(f"# recommendation: {len(ITEMS)} invented")
    lines = SHEET.splitlines()
    head = next(line for line in lines if line.startswith("| interest | book"))
    names = [name.strip() for name in head.strip("|").split("|")]
    assert names == ["interest", "book", "film", "game", *TRAITS]
    for interest in INTERESTS:
        rows = ITEMS[ITEMS["interest"] == interest]
        line = next(line for line in lines if re.match(rf"\| {interest} \| \d", line))
        has = [rows["traits"].str.split().map(lambda t, n=name: n in t).sum() for name in TRAITS]
        kinds = [(rows["kind"] == kind).sum() for kind in names[1:4]]
        assert [int(n) for n in line.strip("|").split("|")[1:]] == kinds + has
        assert rows["part"].value_counts().to_dict() == PARTS
    assert {t for traits in ITEMS["traits"] for t in traits.split()} == set(TRAITS)


def test_the_second_labelling_agrees_as_often_as_the_sheet_says():
    again = pd.read_csv(folder("recommendation") / "relabelled.csv", keep_default_na=False)
    first = ITEMS.set_index("title").loc[again["title"]]
    interest = int((first["interest"].to_numpy() == again["interest"].to_numpy()).sum())
    pairs = zip(first["traits"], again["traits"], strict=True)
    traits = sum(set(a.split()) == set(b.split()) for a, b in pairs)
    assert len(again) == again["title"].nunique() == 60
    assert f"Agreement: {interest} of 60 in the interest; {traits} of 60 in all" in SHEET
    assert "Composed, not collected: a language model" in SHEET


def test_no_two_items_share_a_run_of_five_words():
    assert shared_runs(ITEMS["text"]) == []
    assert ITEMS["title"].is_unique


def test_readers_agree_as_much_as_they_were_told_to():
    agreement = []
    for common in SETTINGS.values():
        ratings = simulate_readers(common, 40, seed=3).ratings
        r = np.corrcoef(ratings)
        agreement.append(r[np.triu_indices(40, 1)].mean())
    assert agreement[0] > agreement[1] + 0.15 > agreement[2] + 0.3
    assert agreement[2] < 0.3


def test_a_world_is_its_seed_and_every_rating_is_given():
    one, same, other = (simulate_readers(0.5, 8, seed=s).ratings for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert sorted(np.unique(one)) == [1, 2, 3, 4, 5] and one.shape == (8, len(ITEMS))


def test_with_one_taste_only_worth_and_labels_are_left():
    readers = simulate_readers(1, 5, seed=0)
    assert np.allclose(readers.wishes, readers.wishes[0])
    z = item_labels(ITEMS)
    fitted = np.linalg.lstsq(np.c_[z, np.ones(len(z))], readers.wishes[0], rcond=None)
    left = readers.wishes[0] - np.c_[z, np.ones(len(z))] @ fitted[0]
    assert left.std() == pytest.approx(0.4, abs=0.06)  # the worth that no label tells


@pytest.mark.parametrize("common", [-0.1, 1.5, float("nan"), "much"])
def test_a_share_that_is_none_is_refused(common):
    with pytest.raises(rt.RagteachError, match="common in 0 .. 1"):
        simulate_readers(common)
