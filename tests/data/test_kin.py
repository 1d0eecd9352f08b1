"""Kin: who they are, by counting pieces by hand; a family stays in one part of every split."""

import numpy as np
import pandas as pd
import pytest

from ragteach import compare, make_toy, split_frame
from ragteach.data.frames import as_frame
from ragteach.data.kin import EXACT, KIN, families, kin_pairs, kin_share
from ragteach.data.resemblance import PIECE
from ragteach.data.splits import SplitWarning, kin_of, tied
from ragteach.study.draws import draw


def pieces(text):
    return {text[i : i + PIECE] for i in range(len(text) - PIECE + 1)}


def overlap(a, b):
    return len(pieces(a) & pieces(b)) / max(1, len(pieces(a) | pieces(b)))


def copied(n_families=60, n_copies=4, seed=0):
    """Families of texts with one word of eight exchanged, and a label tossed for each family."""
    rng = np.random.default_rng(seed)
    words = np.array(["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(400)])
    rows = []
    for family in range(n_families):
        text = rng.choice(words, 8)
        label = ["no", "yes"][rng.integers(2)]
        for copy in range(n_copies):
            one = text.copy()
            one[copy] = rng.choice(words)
            rows.append((" ".join(one), label, ["north", "south"][family % 2], family))
    table = pd.DataFrame(rows, columns=["text", "label", "task", "family"])
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)


def test_the_share_with_kin_is_that_of_all_pairs_by_hand():
    rng = np.random.default_rng(1)
    words = ["".join(rng.choice(list("abcdefgh"), 5)) for _ in range(60)]
    texts = [" ".join(rng.choice(words, 6)) for _ in range(60)]
    texts += [text.rsplit(" ", 1)[0] + " indeed" for text in texts[:20]]
    alike = [[a != b and overlap(a, b) >= KIN for b in texts] for a in texts]
    assert kin_share(texts) == pytest.approx(np.mean([any(row) for row in alike]))
    assert 0.4 < kin_share(texts) < 0.7
    assert kin_share([]) == kin_share(["a", "b"]) == kin_share(["a long text of words"] * 3) == 0


def test_of_many_texts_nearly_all_families_are_found_and_none_is_made_up():
    table = copied(EXACT // 2, 4)
    pairs, share = kin_pairs(tuple(table["text"]))
    for (a, b), found in list(zip(pairs.tolist(), share, strict=True))[::40]:
        assert a < b and found == pytest.approx(overlap(table["text"][a], table["text"][b]))
    assert share.min() >= KIN
    family = tied(table)
    truth = table.groupby(family)["family"].nunique()
    assert (truth == 1).all()
    assert len(truth) < 1.02 * table["family"].nunique()


@pytest.mark.parametrize("seed", range(3))
def test_no_part_of_a_split_holds_kin_of_another(seed):
    table = copied(seed=seed)
    assert kin_of(table) == {"tied": 1.0, "apart": 0.0}
    frame = as_frame(table)
    for parts in (split_frame(table, seed=seed), draw("own", frame, None, seed),
                  draw("own", frame, 40, seed)):  # fmt: skip
        of = [set(part["family"]) for part in parts]
        assert not (of[0] & of[1] or of[0] & of[2] or of[1] & of[2])
        assert all(set(part["task"]) == {"north", "south"} for part in parts)


def test_labels_tossed_for_each_family_cannot_be_learned():
    """One in two is right by chance; with kin on both sides, nearly all were."""
    names = ["full sharing", "independent"]
    table = compare(copied(90), 3, strategies=names, progress=False)
    accuracy = table[(table["metric"] == "accuracy") & (table["task"] == "mean")]
    assert accuracy["value"].mean() == pytest.approx(0.5, abs=0.12)
    assert table.attrs["kin"] == 0


def test_a_family_of_everything_is_taken_apart_and_counted():
    words = np.array("alpha beta gamma delta epsilon zeta eta theta iota kappa".split())
    rng = np.random.default_rng(0)
    texts = [f"the order from {a} came late to {b}" for a, b in rng.choice(words, (200, 2))]
    frame = pd.DataFrame({"text": texts, "label": [0, 1] * 100, "task": ["a", "b"] * 100})
    share = kin_of(frame)
    assert share["apart"] > 0.9
    assert [len(part) > 0 for part in draw("own", as_frame(frame), None, 0)] == [True] * 3
    one, n_tied, apart = families(texts, np.zeros(200, dtype=int), np.array([200]))
    assert set(one) == {0} and n_tied == 1 and apart == 0


def test_a_pair_of_two_families_is_split_all_the_same_and_said():
    table = copied(30)
    few = table[table["family"].isin([0, 2])].assign(label="odd", task="north")
    with pytest.warns(SplitWarning, match="'north/odd'.*say little about new"):
        parts = split_frame(pd.concat([table[~table["family"].isin([0, 2])], few]))
    assert all("odd" in set(part["label"]) for part in parts)


def test_what_is_drawn_afresh_is_let_be():
    frame = make_toy(n_per_task=60)
    assert kin_of(frame) == {"tied": 0.0, "apart": 0.0}
    there = as_frame(pd.DataFrame(frame))  # one's own table of the same sentences
    assert kin_of(as_frame(frame)) == {"tied": 0.0, "apart": 0.0}
    there.attrs.pop("fresh", None)
    assert kin_of(there)["tied"] > 0.1
