"""The messages: what the data sheet counts; the lab: replies, retrieval, its claims, a table of your own."""

import numpy as np
import once
import pandas as pd
import pytest
from problems import shared_runs
from scipy import stats
from sklearn.metrics.pairwise import cosine_similarity

import ragteach as rt
from ragteach.data.shares import wilson
from ragteach.data.sources.messages import (
    ANSWERS,
    INTENTS,
    SENTIMENTS,
    load_messages,
    split_messages,
)
from ragteach.data.toy import folder
from ragteach.labs.headed import slowly
from ragteach.labs.service import Retrieval, mean_interval, reply_scores
from ragteach.study.experiment import interval
from ragteach.teach.checks import get
from ragteach.teach.exercises.answers_lab_service import enough, mean_cost, threshold
from ragteach.widgets import chat

FRAME = load_messages()
TRAIN, VAL, HELD = split_messages()
KNOWN = TRAIN[TRAIN["answer"] != ""]


@pytest.fixture(scope="module")
def lab():
    """The lab with its baselines, which a notebook may have trained already."""
    work = rt.lab("service")
    with once.kept_in(once.shared_folder()):
        work.baselines  # noqa: B018
    return work


def test_the_data_sheet_counts_what_is_there():
    sheet = (folder("service") / "DATASHEET.md").read_text(encoding="utf-8")
    for answer, rows in FRAME.groupby("answer"):
        intent = rows["intent"].unique().item()
        assert intent == (ANSWERS[answer][0] if answer else "")
        counts = rows["sentiment"].value_counts()
        cells = [intent or "(none)", answer or "(none)", len(rows)]
        line = " | ".join(map(str, [*cells, *(counts[s] for s in SENTIMENTS)]))
        assert f"| {line} |" in sheet
    assert set(FRAME["answer"]) == {"", *ANSWERS} and len(INTENTS) == 8
    again = pd.read_csv(folder("service") / "relabelled.csv", keep_default_na=False)
    first = FRAME.set_index("text").loc[again["text"]]
    agree = {
        name: int((first[name].to_numpy() == again[name]).sum()) for name in ("answer", "sentiment")
    }
    assert len(again) == 60
    assert (
        f"Agreement: answer {agree['answer']} of 60, sentiment {agree['sentiment']} of 60." in sheet
    )
    assert "Composed, not collected. The author was a language model" in sheet


def test_no_two_messages_share_a_run_of_five_words():
    assert shared_runs(FRAME["text"]) == []
    assert FRAME["text"].str.casefold().is_unique


def test_the_parts_share_no_message_and_have_every_answer():
    texts = [set(part["text"]) for part in (TRAIN, VAL, HELD)]
    assert sum(map(len, texts)) == len(FRAME) == len(set.union(*texts))
    for part, n, foreign in ((TRAIN, 20, 0), (VAL, 6, 16), (HELD, 9, 24)):
        counts = part["answer"].value_counts()
        assert counts.get("", 0) == foreign and set(counts.drop("", errors="ignore")) == {n}


def test_retrieval_finds_what_scikit_learns_cosines_find():
    retrieval = Retrieval(KNOWN["text"], KNOWN["answer"])
    place, cosine = retrieval.nearest(VAL["text"])
    x, known = (retrieval.features.transform(texts) for texts in (VAL["text"], KNOWN["text"]))
    table = cosine_similarity(x, known)
    np.testing.assert_allclose(cosine, table.max(1), atol=1e-6)
    np.testing.assert_allclose(table[np.arange(len(place)), place], table.max(1), atol=1e-6)
    retrieval.threshold = 0.4
    said = retrieval.reply(VAL["text"])
    assert [one is not None for one in said] == (cosine >= 0.4).tolist()
    with pytest.raises(rt.RagteachError, match=r"retrieval.nearest\(\[text\]\)"):
        retrieval.nearest("where is my parcel")
    with pytest.raises(rt.RagteachError, match="2 texts and 1 answers"):
        Retrieval(["a b", "c d"], ["x"])


def test_retrieval_takes_dense_features_of_any_length():
    class Encoder:
        def transform(self, texts):
            return np.array([[3.0, 0], [0, 5.0], [2.0, 2.0]])[[len(t) % 3 for t in texts]]

    known = Retrieval(["aaa", "b"], ["track", "stock"], Encoder(), threshold=0.8)
    assert known.reply(["cccccc", "cc", "dddd"]) == ["track", None, "stock"]
    np.testing.assert_allclose(known.nearest(["cc"])[1], [0.5**0.5])


def test_a_linear_reader_takes_working_days_for_something_that_does_not_work():
    model, words, names, _, _ = chat._course()
    box = chat.Box(model, words, names, None)
    text = "It said two to three working days. Today is day four."
    assert text in set(VAL["text"])
    said, rival, why = box.reasons(text, "intent")
    assert names["intent"][said] == "fault" and names["intent"][rival] == "delivery"
    assert max(why, key=why.get) == "working"
    row = VAL.set_index("text").loc[text]
    for task in ("sentiment", "answer"):
        said, _, why = box.reasons(text, task)
        assert names[task][said] != row[task]
    assert max(why, key=why.get) == "working" and row["sentiment"] == "negative"
    assert (KNOWN["sentiment"] == "neutral").mean() > 0.5


def test_replies_are_counted_as_the_exercise_counts_them():
    asked = VAL[["text", "answer"]]
    names = list(ANSWERS)
    truth = dict(zip(asked["text"], asked["answer"], strict=True))
    silent = reply_scores(lambda texts: [None] * len(texts), asked, names)
    assert silent["cost"] == 1 and silent["answered"] == 0 and np.isnan(silent["hit rate"])
    perfect = reply_scores(lambda texts: [truth[t] or None for t in texts], asked, names)
    assert perfect["cost"] == pytest.approx(16 / 112) and perfect["hit rate"] == 1
    assert perfect["foreign"] == 0

    def some(texts):
        return ["track" if len(t) % 2 else None for t in texts]

    found = reply_scores(some, asked, names, wrong=5, person=2)
    assert found["cost"] == pytest.approx(
        mean_cost(some(asked["text"]), list(asked["answer"]), 5, 2)
    )
    assert found["foreign"] == sum(len(t) % 2 for t in asked["text"][asked["answer"] == ""])


@pytest.mark.parametrize(
    ("reply", "match"),
    [
        (lambda texts: ["track"], "112 replies, one for each message"),
        (lambda texts: ["maybe"] * len(texts), "'maybe'"),
        (lambda texts: "track", "Got: +1"),
        (lambda texts: [3] * len(texts), "answer"),
        ("track", "a function of a list of texts"),
    ],
)
def test_replies_that_do_not_fit_are_refused(reply, match):
    with pytest.raises(rt.RagteachError, match=match):
        reply_scores(reply, VAL, list(ANSWERS))
    with pytest.raises(rt.RagteachError, match="person = -1"):
        reply_scores(reply, VAL, list(ANSWERS), person=-1)


def test_the_best_threshold_is_the_best_of_all():
    rng = np.random.default_rng(2)
    for _ in range(20):
        cosine, right = rng.random(12).round(1), rng.random(12) < 0.5
        best = threshold(cosine, right)

        def cost(t, cosine=cosine, right=right):
            return np.where(cosine >= t, np.where(right, 0, 3), 1).mean()

        assert cost(best) <= min(cost(t) for t in np.linspace(-0.1, 1.1, 121)) + 1e-12


def test_what_the_lab_says_of_sharing(lab):
    board = lab.leaderboard(lab.baselines["RAG"], name="RAG")
    rivals = [name for name in board.table.index if name not in ("RAG", "majority class")]
    assert len(rivals) == 3
    assert {board.verdict(name) for name in rivals} == {"no clear difference"}
    assert board.verdict("majority class") == "better"
    assert board.table.loc["RAG", "accuracy"] == pytest.approx(0.61, abs=0.025)
    assert "No held-out item" in board.note
    minus = board.table.loc["independent", ["yours minus it", "from", "to"]]
    assert tuple(minus) == pytest.approx((-0.007, -0.030, 0.016), abs=0.015)
    reader = lab.baselines["RAG"]
    texts, intent = lab.val["intent"]
    chosen = [lab.classes["answer"][i] for i in reader.predict(texts, "answer")]
    through = [lab.classes["intent"].index(ANSWERS[name][0]) for name in chosen]
    own = reader.predict(texts, "intent") == intent
    gain, low, high = interval(own.astype(float) - np.equal(through, intent))
    assert (own.mean(), gain) == pytest.approx((0.66, 0.07), abs=0.04)
    assert low < 0 < high


def test_what_the_lab_says_of_probabilities(lab):
    p = lab.baselines["RAG"].probabilities(VAL["text"], "answer")
    said = np.array(lab.classes["answer"])[p.argmax(1)]
    sure, right = p.max(1), said == VAL["answer"].to_numpy()
    for start, end in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 1)):
        row = (sure > start) & (sure <= end)
        low, high = wilson(right[row].sum(), row.sum())
        assert low < sure[row].mean() < high
    at_ten = sure >= enough(10, 1)
    assert 2 <= at_ten.sum() <= 6 and right[at_ten].all()
    silent = len(p) - at_ten.sum()
    assert (silent - 1 + 10) / len(p) > 1  # one more answer, a wrong one
    assert 0.4 < (sure >= enough(1.5, 1)).mean() < 0.56


def test_what_the_lab_says_of_replies(lab):
    retrieval = Retrieval(KNOWN["text"], KNOWN["answer"])
    always = lab.score_replies(retrieval.reply)
    assert always["cost"] == pytest.approx(1.8, abs=0.05) and always["cost low"] > 1.4
    assert always["foreign"] == 24
    place, cosine = retrieval.nearest(VAL["text"])
    retrieval.threshold = threshold(cosine, retrieval.answers[place] == VAL["answer"].to_numpy())
    chosen = lab.score_replies(retrieval.reply)
    assert chosen["cost"] == pytest.approx(0.96, abs=0.02)
    assert (chosen["cost low"], chosen["cost high"]) == pytest.approx((0.86, 1.07), abs=0.02)
    assert chosen["answered"] == pytest.approx(0.27, abs=0.03)
    assert chosen["hit rate"] == pytest.approx(0.71, abs=0.03) and chosen["foreign"] <= 3
    names = np.array(lab.classes["answer"])
    by_rule = {}
    for strategy in ("RAG", "independent"):
        p = lab.baselines[strategy].probabilities(HELD["text"], "answer")
        said = [names[i] if q >= enough(3, 1) else None for i, q in zip(p.argmax(1), p.max(1), strict=True)]  # fmt: skip
        told = dict(zip(HELD["text"], said, strict=True))
        by_rule[strategy] = lambda texts, told=told: [told[t] for t in texts]
        found = lab.score_replies(by_rule[strategy])
        assert found["foreign"] <= 2
        assert found["cost"] == pytest.approx(0.88, abs=0.03) and found["cost high"] < 0.98
        assert 0.12 < found["answered"] < 0.22 and found["hit rate"] > 0.85
    model = get("lab_service-6").model
    for reply in (retrieval.reply, by_rule["RAG"]):
        found = lab.score_replies(reply)
        ends = [
            f"{found[name]:.2f}".removeprefix("0") for name in ("cost", "cost low", "cost high")
        ]
        assert "{} [{}, {}]".format(*ends) in model
    people = lab.score_replies(lambda texts: [None] * len(texts))
    # who never answers is never wrong
    assert tuple(people[["cost low", "cost high"]]) == pytest.approx((1, 1))
    rival = lab.compare_replies(by_rule["RAG"], by_rule["independent"])
    assert abs(rival["cost minus rival's"]) < 0.03 and rival["from"] < 0 < rival["to"]
    rival = lab.compare_replies(by_rule["RAG"], retrieval.reply)
    assert tuple(rival) == pytest.approx((-0.08, -0.19, 0.02), abs=0.04) and rival["to"] > 0


def test_the_interval_of_two_costs_is_jeffreys_of_a_share():
    for right, n in ((4, 112), (0, 30), (12, 12)):
        values = np.repeat([0.0, 1.0], [n - right, right])
        found = mean_interval(values, (0, 1))
        ends = stats.beta.ppf((0.025, 0.975), right + 0.5, n - right + 0.5)
        ends = min(ends[0], right / n), max(ends[1], right / n)
        assert found == pytest.approx((right / n, *ends), abs=0.004)


@pytest.mark.parametrize(
    ("shares", "n"), [((0.03, 0.005, 0.965), 112), ((0.04, 0.02, 0.94), 112), ((0.3, 0.1, 0.6), 30)]
)
def test_the_interval_of_a_cost_holds_the_truth_also_where_few_are_answered(shares, n):
    """Right, wrong and silent; a wrong answer costs ten. The normal interval held it 45 times in
    100 in the first of these cases.
    """
    each, true = np.array([0.0, 10.0, 1.0]), np.array(shares) @ [0, 10, 1]
    rng = np.random.default_rng(3)
    held, usual = [], []
    for _ in range(200):
        costs = np.repeat(each, rng.multinomial(n, shares))
        _, low, high = mean_interval(costs, each)
        held.append(low <= true <= high)
        usual.append(abs(costs.mean() - true) <= 1.96 * costs.std(ddof=1) / n**0.5)
    assert np.mean(held) > 0.91
    if shares[1] == 0.005:
        assert np.mean(usual) < 0.6


def test_two_ways_of_replying_are_compared_message_by_message(lab):
    def people(texts):
        return [None] * len(texts)

    def track(texts):
        return ["track"] * len(texts)

    found = lab.compare_replies(track, people, wrong=4, person=1)
    right = (HELD["answer"] == "track").to_numpy()
    d = np.where(right, -1.0, 3.0)
    half = 1.96 * d.std(ddof=1) / len(d) ** 0.5  # with 168 of them the normal interval is near
    assert tuple(found) == pytest.approx((d.mean(), d.mean() - half, d.mean() + half), abs=0.12)
    mean, low, high = lab.compare_replies(track, track)
    assert mean == 0 and -0.15 < low < -0.02 and 0.02 < high < 0.15  # alike here, not everywhere
    assert "Nothing to score yet" in lab.compare_replies(track, ...)
    with pytest.raises(rt.RagteachError, match="a function of a list of texts"):
        lab.compare_replies(track, "people")


def test_the_model_answer_has_what_its_rubric_asks():
    model = get("lab_service-6").model
    assert "Of the 24 messages that no answer fits, one got an answer" in model
    assert "RAG minus independent -.007 [-.030, .016]" in model
    assert 150 <= len(model.split()) <= 230


def test_a_table_of_your_own_has_a_column_for_each_task(tmp_path):
    table = KNOWN[KNOWN["intent"].isin(["payment", "account"])]
    path = tmp_path / "mine.csv"
    table[["text", "intent", "answer"]].to_csv(path, index=False)
    work = rt.lab("service", data=path)
    assert work.tasks == ["intent", "answer"] and list(map(len, work.classes.values())) == [2, 4]
    parts = [set(x) for part in (work.train, work.val, work._held) for x, _ in [part["answer"]]]
    assert not parts[0] & parts[2] and not parts[1] & parts[2]  # no text in two parts
    assert set(work.train["intent"][0]) == parts[0]
    assert work.score_replies(lambda texts: [None] * len(texts))["cost"] == 1
    alone = rt.lab("service", data=table[["text", "intent"]])
    assert alone.tasks == ["intent"]
    with pytest.raises(rt.RagteachError, match="call the column of the answers answer"):
        alone.score_replies(lambda texts: [None] * len(texts))
    assert "Nothing to score yet" in work.score_replies(...)
    with pytest.raises(rt.RagteachError, match="80 different values in 80 cells of column 'day'"):
        rt.lab("service", data=table[["text", "intent"]].assign(day=range(80)))


def test_the_bar_of_the_baselines_is_silent_where_bars_are(monkeypatch, capsys):
    for wanted in (True, False):
        monkeypatch.setenv("TQDM_DISABLE", "" if wanted else "1")
        assert list(slowly(["RAG", "independent"])) == ["RAG", "independent"]
        said = capsys.readouterr()
        assert ("fitting the baselines" in said.out + said.err) == wanted
