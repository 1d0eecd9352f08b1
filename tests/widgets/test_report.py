"""The report: one sound page without a network, whose sentences are its numbers."""

import html
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import ragteach as rt
from ragteach.data.splits import SplitWarning
from ragteach.study.advice import advise
from ragteach.study.experiment import compare, paired, summary
from ragteach.study.one_split import fit_split
from ragteach.widgets.report import (
    MOST_BYTES,
    _doubt,
    _folded,
    _splittable,
    _twice,
    in_words,
    report,
    write_report,
)

VOID = {"meta", "link", "img", "br", "input", "source"}


class Page(HTMLParser):
    """Tags in order, headings, text; refuses a page whose tags do not close."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words, self.ids = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


@pytest.fixture(scope="module")
def frame():
    frame = rt.make_toy(relatedness=0.3, n_per_task=50, seed=1)
    frame["task"] = frame["task"].replace({"cars": "cars & <vans>"})
    frame.attrs["label_names"] = ["mad", "so-so", "glad"]
    return frame


@pytest.fixture(scope="module")
def table(frame):
    strategies = ("RAG", "full sharing", "independent")
    return compare(frame, 2, [8, 16], strategies, n_jobs=1, progress=False)


@pytest.fixture(scope="module")
def page(frame, table):
    return report(
        table, rt.look(frame), fit_split(frame), "python -m ragteach compare", "m.safetensors"
    )


def test_it_is_one_sound_page_without_a_network(page):
    read = Page(page)
    assert len(page.encode()) < MOST_BYTES
    assert "default-src 'none'" in page
    for tag, attrs in read.tags:
        for name in ("src", "href"):
            assert re.match(r"(#|data:)", attrs.get(name, "#")), (tag, attrs)
        if tag == "img":
            assert len(attrs["alt"]) > 40
    assert "url(" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    targets = [attrs["href"][1:] for tag, attrs in read.tags if tag == "a"]
    assert set(targets) <= set(read.ids) and len(targets) == 9
    assert len(read.ids) == len(set(read.ids))


def test_the_answer_is_the_first_word_and_the_slider_stands_where_validation_chose(page, table):
    box = page[page.index('<div class="answer">') : page.index('<h2 id="comparison">')]
    advice = advise(table)
    means = summary(table)
    means = means[means["n_per_task"] == means["n_per_task"].max()].set_index("strategy")
    assert html.escape(advice.answer) in box
    assert f"right in {means['mean'][advice.strategy]:.1%} of new sentences" in box
    assert all(html.escape(said) not in box for said in advice.sentences)
    (best,) = re.findall(r'"best": ?(\d+)', page)
    assert re.findall(r'"start": ?\{"at": ?(\d+)', page) == [best]


def test_all_axes_of_accuracy_have_one_scale(table, frame, monkeypatch):
    """And no picture is moved sideways: each is drawn once more for a telephone."""
    drawn = []
    plain = _twice
    monkeypatch.setattr(
        "ragteach.widgets.report._twice",
        lambda draw, height, alt: plain(lambda ax: (draw(ax), drawn.append(ax))[0], height, alt),
    )
    made = report(table, rt.look(frame), None, "command")
    ends = {ax.get_xlim() if "accuracy" in ax.get_xlabel() else ax.get_ylim() for ax in drawn}
    assert len(drawn) == 2 * made.count("<picture>") == 6 and len(ends) == 1
    [(low, high)] = ends
    means = summary(table)
    assert low < means["low"].min() and means["high"].max() < high


def test_headings_are_in_order(page):
    levels = [int(tag[1]) for tag, _ in Page(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))


def test_it_speaks_the_users_names(page):
    words = " ".join(Page(page).words)
    assert all(name in words for name in ("mad", "so-so", "glad", "cars & <vans>"))
    assert "negative" not in words and "<vans>" not in page


def test_its_numbers_are_those_of_the_tables(page, table):
    words = " ".join(Page(page).words)
    for row in summary(table).query("n_per_task == 16").itertuples():
        assert f"{row.mean:.1%}" in words
    advice = advise(table)
    assert all(said in words for said in (advice.answer, *advice.sentences))
    for row in paired(table, advice.strategy).query("n_per_task == 16").itertuples():
        assert in_words(row, advice.strategy) in words


def test_every_sentence_of_the_two_lists_is_there_with_its_answers(page, frame, table):
    split, advice = fit_split(frame), advise(table)
    words = " ".join(Page(page).words)
    pair = advice.strategy, advice.rival
    for a, b in (pair, pair[::-1]):
        assert f"{a[0].upper()}{a[1:]} is right, {b} is wrong" in words
        for row in split.sentences(a, b, 3).itertuples():
            assert row.text in words


def test_the_saved_model_is_the_one_that_the_page_advises(page, table):
    """And the page says which accuracy and which lambda is whose."""
    advice, words = advise(table), " ".join(Page(page).words)
    assert f"the model that this page advises, {advice.strategy}" in words.replace("  ", " ")
    assert "The comparison at the top has" in words and "every task counts alike" in words
    assert "keeps lambda_shared at 0.001" in words and "not that of the saved model" in words


def test_what_was_left_out_is_said_at_the_top_and_stars_have_their_own_measure():
    texts = [f"{word} {i}" for i in range(20) for word in ("awful", "so so", "fine")]
    rows = {"text": texts, "label": ["1", "2", "3"] * 20, "task": ["shop", "cafe"] * 30}
    raw = pd.DataFrame(rows)
    raw.loc[60] = ["nothing said", None, "shop"]
    raw.loc[61] = ["a slip", "3", "shpo"]
    data = rt.as_frame(rt.mend(raw, drop_tasks=["shpo"]), missing="drop")
    data.attrs["columns"]["label"] = "stars"
    strategies = ("RAG", "full sharing", "independent")
    scores = compare(data, 1, None, strategies, n_jobs=1, progress=False)
    words = " ".join(Page(report(scores, rt.look(data), None, "again")).words)
    assert "60 rows, 2 tasks, 3 classes." in words
    assert "1 more row was left out: 1 without label." in words
    assert "The task 'shpo' and its 1 row are left out." in words
    assert "mean error (stars)" in words and "lower is better" in words


def test_one_small_task_takes_the_model_from_none_of_the_others():
    """compare scores a task of two rows, if it can; a split of train, validation and test cannot."""
    toy = rt.as_frame(rt.make_toy(n_per_task=20))
    small = toy[toy["task"] == "cars"].iloc[:2].assign(task="shpo")
    both = pd.concat([toy, small], ignore_index=True)
    both.attrs = toy.attrs | {"task_names": [*toy.attrs["task_names"], "shpo"]}
    small["text"] = ["one more", "and another"]
    own = pd.concat([toy, small], ignore_index=True)
    own.attrs = both.attrs
    with pytest.warns(SplitWarning) as said:
        whole = fit_split(own, strategies=["full sharing"])
    assert "Their 2 texts went into the training part" in str(said[0].message)
    assert "1 task has too few texts for one to choose lambda by: 'shpo' (2 and 0)" in str(
        said[1].message
    )
    assert (whole.train["task"] == "shpo").sum() == 2
    assert whole.accuracy("full sharing")["n"].tolist() == [4, 4, 3, 5, 0, 16]
    alone = fit_split(toy, strategies=["full sharing"])
    assert whole.test["text"].tolist() == alone.test["text"].tolist()
    kept, without = _splittable(both)
    assert without == ["shpo"] and kept["text"].tolist() == toy["text"].tolist()
    split = fit_split(kept, strategies=["full sharing"])
    assert split.task_names == toy.attrs["task_names"]
    assert split.class_names == toy.attrs["label_names"]
    nothing = small.reset_index(drop=True)
    assert _splittable(nothing)[0] is nothing


def gaps(*rows):
    columns = ["strategy", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("n_seeds", "names", "few", "looks"),
    [
        (1, ["RAG"], "1 draw is few", ""),
        (2, ["RAG", "independent"], "2 draws are few", "2 strategies were compared"),
    ],
)
def test_one_draw_and_one_strategy_are_not_many(n_seeds, names, few, looks):
    rows = [(seed, name, "toy") for seed in range(n_seeds) for name in names]
    table = pd.DataFrame(rows, columns=["seed", "strategy", "data"])
    page = _doubt(table, SimpleNamespace(findings=[]), ())
    assert few in page and looks in page and "1 strateg" not in page


def test_a_difference_in_words():
    (better, worse, open_, single) = (
        in_words(row)
        for row in gaps(
            ("x", 0.031, 0.01, 0.052, "better"),
            ("x", -0.031, -0.052, -0.01, "worse"),
            ("x", 0.01, -0.02, 0.04, "no clear difference"),
            ("x", 0.01, np.nan, np.nan, "no clear difference"),
        ).itertuples()
    )
    assert "more often, by 3.1 points (95 % interval +1.0 to +5.2 points): clear" in better
    assert "less often, by 3.1 points" in worse
    assert "not clear" in open_ and "up to 4.0 points" in open_
    assert "two draws at least" in single


def test_many_tasks_and_classes_stay_below_three_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 6)) for _ in range(900)]
    n = 12 * 40
    frame = pd.DataFrame(
        {
            "text": [" ".join(words[j] for j in rng.integers(900, size=8)) for _ in range(n)],
            "label": np.arange(n) // 12 % 5,
            "task": [f"shop {i % 12}" for i in range(n)],
        }
    )
    table = compare(frame, 2, 4, ("RAG", "full sharing", "independent"), n_jobs=1, progress=False)
    written = write_report(tmp_path, table, frame, "shops", "python -m ragteach compare")
    assert {path.name for path in written} == {"model.safetensors", "report.html"}
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    assert "the 6 largest of 12 tasks" in text
    assert rt.load(tmp_path / "model.safetensors").model.n_tasks == 12


def test_a_long_table_of_tasks_is_folded_but_for_its_sum():
    table = pd.DataFrame({"task": [f"task {t}" for t in range(40)] + ["all tasks"], "n": range(41)})
    said = _folded(table, "Scores")
    before, folded = said.split("<details>")
    assert "all tasks" in before and "task 39" not in before
    assert "Each of 40 tasks" in folded and "task 39" in folded and "all tasks" not in folded
    assert "<details>" not in _folded(table.iloc[:9], "Scores")
