"""The fair experiment: nothing leaks from the test set, every number has an independent source."""

import numpy as np
import pandas as pd
import pytest
import torch
from problems import refused
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss, recall_score

from ragteach import RagteachError, make_toy
from ragteach.data.features import WORD
from ragteach.data.splits import SplitWarning
from ragteach.study import experiment as module
from ragteach.study import scores
from ragteach.study.draws import draw
from ragteach.study.experiment import SIZES, compare
from ragteach.study.strategies import BASELINES, FINE, REGISTRY, STRATEGIES, STRENGTHS
from ragteach.study.tables import COLUMNS, interval, paired, summary, winners

METRICS = {"accuracy", "balanced_accuracy", "macro_f1", "log_loss"}


def run(data="toy", seeds=2, n_per_task=8, **options):
    return compare(data, seeds, n_per_task, progress=False, **options)


def value(table, strategy, metric, task="mean", seed=0):
    rows = table[
        (table["strategy"] == strategy) & (table["metric"] == metric) & (table["task"] == task)
    ]
    (number,) = rows.loc[rows["seed"] == seed, "value"]
    return number


def own(n=20, n_classes=3, seed=0):
    """A frame of one's own: tasks of unequal size, any number of classes."""
    frame = make_toy(n_per_task={"films": n, "cars": n + 7}, seed=seed)
    return frame.assign(label=np.arange(len(frame)) % n_classes)


@pytest.fixture(scope="module")
def table():
    return run()


@pytest.fixture
def spy(monkeypatch):
    """The training frames that reach the solver, as (texts, labels, words)."""
    seen, solve = [], scores.Candidates

    def watch(model, data, *args, **options):
        seen.append(
            (list(data.texts), data.y.tolist(), set(data.vectorizer.get_feature_names_out()))
        )
        return solve(model, data, *args, **options)

    monkeypatch.setattr(scores, "Candidates", watch)
    return seen


class TestTable:
    def test_columns_and_rows(self, table):
        assert list(table.columns) == COLUMNS == [
            "data", "strategy", "task", "seed", "n_per_task", "metric", "value", "n_params", "seconds",
            "draws", "test_per_train",
        ]  # fmt: skip
        keys = ["strategy", "task", "seed", "n_per_task", "metric"]
        assert not table.duplicated(keys).any() and table.notna().to_numpy().all()
        assert set(table["strategy"]) == {*STRATEGIES, *BASELINES}
        assert set(table["task"]) == {"films", "cars", "food", "phones", "mean"}
        assert set(table["metric"]) == METRICS | {"lam", "lam_shared", "on_edge"}
        assert set(table["data"]) == {"toy"} and set(table["n_per_task"]) == {8}
        assert len(table) == 2 * (7 * 5 * 4 + 6 * 3)

    def test_mean_is_the_mean_over_tasks(self, table):
        scores = table[table["metric"].isin(METRICS)]
        by_task = (
            scores[scores["task"] != "mean"].groupby(["strategy", "seed", "metric"])["value"].mean()
        )
        means = scores[scores["task"] == "mean"].set_index(["strategy", "seed", "metric"])["value"]
        pd.testing.assert_series_equal(by_task.sort_index(), means.sort_index())

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_same_seeds_same_table(self, table, n_jobs):
        again = run(seeds=[0, 1], n_jobs=n_jobs)
        pd.testing.assert_frame_equal(again.drop(columns="seconds"), table.drop(columns="seconds"))

    def test_several_sizes_and_one_strategy(self):
        table = run(seeds=[5], n_per_task=[4, 9], strategies="majority class")
        assert list(table["n_per_task"].unique()) == [4, 9] and set(table["seed"]) == {5}

    def test_torch_keeps_its_threads(self):
        before = torch.get_num_threads()
        torch.set_num_threads(3)
        try:
            run(seeds=1, strategies=["majority class"])
            assert torch.get_num_threads() == 3
        finally:
            torch.set_num_threads(before)

    def test_defaults(self):
        assert SIZES["toy"] == 60 and len(FINE) == len(STRENGTHS) ** 2 == 49
        trained = [s for s in REGISTRY.values() if s.builder is not None]
        assert {len(s.tries) for s in trained} == {49}


class TestFairness:
    def test_parts_of_a_draw_are_disjoint(self):
        frame = own(60).drop_duplicates("text").reset_index()
        train, val, test = draw("own", frame, 12, seed=3)
        rows = [set(part["index"]) for part in (train, val, test)]
        assert sum(map(len, rows)) == len(frame) == len(set.union(*rows))
        assert train["task"].value_counts().to_dict() == val["task"].value_counts().to_dict()
        assert set(train["task"].value_counts()) == {12}

    def test_only_training_sentences_reach_the_solver(self, spy):
        frame = own(30)
        run(frame, seeds=1, n_per_task=8)
        train, *_ = draw("own", frame, 8, 0)
        assert len(spy) == 6
        tokens = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 3)).fit(train["text"])
        for texts, labels, words in spy:
            assert texts == list(train["text"]) and labels == list(train["label"])
            assert words <= set(tokens.get_feature_names_out())

    def test_test_labels_choose_nothing(self, monkeypatch):
        frame, original = own(40), module.draw
        before = run(frame, n_per_task=10)

        def permuted(*args, **knobs):
            train, val, test = original(*args, **knobs)
            labels = np.random.default_rng(1).permutation(test["label"].to_numpy())
            return train, val, test.assign(label=labels)

        monkeypatch.setattr(module, "draw", permuted)
        after = run(frame, n_per_task=10)
        chosen = before["metric"].isin(["lam", "lam_shared", "on_edge"])
        pd.testing.assert_series_equal(before.loc[chosen, "value"], after.loc[chosen, "value"])
        assert not np.allclose(before.loc[~chosen, "value"], after.loc[~chosen, "value"])

    def test_validation_labels_do_choose(self, monkeypatch):
        original = module.draw

        def hopeless(*args, **knobs):  # nothing holds on validation: the strongest penalty is best
            train, val, test = original(*args, **knobs)
            return train, val.assign(label=2 - val["label"]), test

        options = {"n_per_task": 40, "strategies": ["full sharing"], "relatedness": 1.0, "seeds": 1}
        before = value(run(**options), "full sharing", "lam_shared")
        monkeypatch.setattr(module, "draw", hopeless)
        assert value(run(**options), "full sharing", "lam_shared") > before

    def test_equal_parameters(self):
        table = run(seeds=1, n_per_task=30)
        n_params = table.groupby("strategy")["n_params"].first()
        for name in BASELINES[1:3]:
            assert n_params[name] == pytest.approx(n_params["RAG"], rel=0.02)
        assert n_params["majority class"] == 0
        assert n_params["independent"] == n_params["RAG"] - (n_params["full sharing"] - 3)
        # b_t, not b
        assert n_params["full sharing + task bias"] == n_params["full sharing"] + 3 * 3

    def test_equal_parameters_keep_every_word(self, spy):
        run(seeds=1, n_per_task=10, strategies=["RAG", *BASELINES[1:3]])
        words, shared, alone = (names for _, _, names in spy)
        assert words < alone < shared and all(" " in phrase for phrase in shared - words)

    @pytest.mark.parametrize("signs", ["映画料理車良悪", "😀😡😐🎉🍕"])
    def test_equal_parameters_of_letters_are_longer_runs_of_letters(self, spy, signs, capsys):
        """Where no space tells words apart, and where a text holds no word at all."""
        rng = np.random.default_rng(0)
        texts = ["".join(rng.choice(list(signs), 9)) for _ in range(40)]
        frame = pd.DataFrame({"text": texts, "label": [1, 0] * 20, "task": ["a"] * 20 + ["b"] * 20})
        run(frame, seeds=1, n_per_task=None, strategies=["RAG", *BASELINES[1:3]])
        letters, shared, alone = (names for _, _, names in spy)
        assert letters < alone < shared
        assert max(map(len, letters)) == 3
        assert all(len(name) in (4, 5) for name in shared - letters)
        assert "analyzer: char" in capsys.readouterr().out

    def test_too_few_phrases_are_told(self):
        frame = pd.DataFrame(
            {
                "text": [f"word{i}" for i in range(12)],
                "label": [1, 0] * 6,
                "task": ["a"] * 6 + ["b"] * 6,
            }
        )
        n_params = run(frame, seeds=1, n_per_task=None).groupby("strategy")["n_params"].first()
        assert (
            n_params["full sharing, equal parameters"] == n_params["full sharing"] < n_params["RAG"]
        )

    def test_three_texts_are_enough_for_a_draw(self):
        frame = pd.DataFrame({"text": list("abc") * 6, "label": [1, 0] * 9, "task": "a"})
        assert len(module._checked(frame, [None])) == 18

    def test_rows_of_one_text_are_no_draws(self):
        frame = pd.DataFrame({"text": ["good", "bad"] * 9, "label": [1, 0] * 9, "task": "a"})
        with pytest.raises(
            RagteachError, match="at least 3 different texts.*\n.*2 in task 'a', where rows that"
        ):
            compare(frame, 1, progress=False)


class TestOracles:
    @pytest.mark.parametrize("n_classes", [2, 3, 5])
    @pytest.mark.parametrize("seed", range(5))
    def test_scores_are_scikit_learns(self, n_classes, seed):
        """Also where a class is never said, or is not among the true ones."""
        rng = np.random.default_rng(seed)
        truth, said = rng.integers(0, n_classes, (2, 12))
        (_, _, accuracy), (_, _, balanced), (_, _, f1), _ = scores.metrics("a", truth, said, 0.0)
        assert accuracy == pytest.approx(accuracy_score(truth, said))
        recalls = recall_score(truth, said, average=None, labels=np.unique(truth))
        assert balanced == pytest.approx(recalls.mean())
        there = np.unique(truth)
        assert f1 == pytest.approx(
            f1_score(truth, said, average="macro", labels=there, zero_division=0)
        )

    @pytest.mark.parametrize("relatedness", [0.0, 1.0])
    def test_majority_is_scikit_learns_dummy(self, relatedness):
        table = run(
            seeds=1,
            n_per_task=10,
            strategies=["majority class"],
            relatedness=relatedness,
            imbalance=0.5,
        )
        train, _, test = draw("toy", None, 10, 0, relatedness=relatedness, imbalance=0.5)
        for task in train["task"].unique():
            own, new = (part[part["task"] == task] for part in (train, test))
            dummy = DummyClassifier(strategy="most_frequent").fit(own["text"], own["label"])
            said = dummy.predict(new["text"])
            got = [value(table, "majority class", m, task) for m in ("accuracy", "macro_f1")]
            assert got[0] == pytest.approx(accuracy_score(new["label"], said))
            assert got[1] == pytest.approx(f1_score(new["label"], said, average="macro"))

    def test_independent_is_scikit_learns_logistic_regression(self):
        """The same 49 penalties, by hand: C = 1 / (lam n), since CE_t is a mean over n
        sentences.
        """
        table = run(seeds=1, n_per_task=20, strategies=["independent"])
        train, val, test = draw("toy", None, 20, 0)
        words = TfidfVectorizer(token_pattern=WORD).fit(train["text"])
        tasks = list(train["task"].unique())
        models, losses = {}, np.zeros(len(FINE))
        for task in tasks:
            own, check = (part[part["task"] == task] for part in (train, val))
            for i, lam in enumerate(FINE):
                model = LogisticRegression(C=1 / (lam * len(own)), tol=1e-8, max_iter=5000)
                models[task, i] = model.fit(words.transform(own["text"]), own["label"])
                guess = model.predict_proba(words.transform(check["text"]))
                losses[i] += log_loss(check["label"], guess, labels=[0, 1, 2]) / len(tasks)
        best = losses.argmin()
        assert value(table, "independent", "lam") == pytest.approx(FINE[best], rel=1e-4)
        for task in tasks:
            new = test[test["task"] == task]
            guess = models[task, best].predict_proba(words.transform(new["text"]))
            assert value(table, "independent", "log_loss", task) == pytest.approx(
                log_loss(new["label"], guess, labels=[0, 1, 2]), abs=1e-3
            )
            right = accuracy_score(new["label"], guess.argmax(1))
            assert value(table, "independent", "accuracy", task) == pytest.approx(
                right, abs=1 / 250 + 1e-9
            )

    def test_intervals_are_scipys(self):
        values = np.random.default_rng(0).normal(0.6, 0.05, 12)
        mean, low, high = interval(values)
        expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
        assert (mean, low, high) == pytest.approx((values.mean(), *expected))
        assert interval(values, 0.5)[1] > low
        one, *nothing = interval([0.7])
        assert one == 0.7 and np.isnan(nothing).all()

    def test_intervals_cover_about_95_percent(self):
        draws = np.random.default_rng(1).normal(size=(4000, 6))
        covered = [low < 0 < high for _, low, high in map(interval, draws)]
        assert np.mean(covered) == pytest.approx(0.95, abs=0.015)

    def test_paired_is_scipys_paired_test(self, table):
        table = run(seeds=4, strategies=["RAG", "independent"])
        scores = {
            s: [value(table, s, "accuracy", seed=i) for i in range(4)]
            for s in ("RAG", "independent")
        }
        test = stats.ttest_rel(scores["RAG"], scores["independent"])
        (row,) = paired(table).itertuples()
        expected = test.confidence_interval(0.95)
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))
        assert (row.verdict == "no clear difference") == (test.pvalue > 0.05)


def made(scores, metric="accuracy", n_per_task=10):
    """A table with these scores: {strategy: [one per seed]}."""
    rows = [
        ("toy", strategy, "mean", seed, n_per_task, metric, v, 10, 0.1, "fresh", 0.0)
        for strategy, values in scores.items()
        for seed, v in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


class TestReading:
    SCORES = {
        "RAG": [0.7, 0.8, 0.9],
        "full sharing": [0.5, 0.61, 0.7],
        "independent": [0.9, 0.99, 1.1],
    }

    def test_best_first(self):
        means = summary(made(self.SCORES))
        assert list(means["strategy"]) == ["independent", "RAG", "full sharing"]
        assert means.loc[1, "mean"] == pytest.approx(0.8) and set(means["n_seeds"]) == {3}
        losses = summary(made(self.SCORES, "log_loss"), metric="log_loss")
        assert list(losses["strategy"]) == ["full sharing", "RAG", "independent"]

    def test_verdicts_know_that_a_loss_is_better_low(self):
        verdicts = paired(made(self.SCORES)).set_index("strategy")["verdict"]
        assert verdicts.to_dict() == {"full sharing": "better", "independent": "worse"}
        verdicts = paired(made(self.SCORES, "log_loss"), metric="log_loss").set_index("strategy")[
            "verdict"
        ]
        assert verdicts.to_dict() == {"full sharing": "worse", "independent": "better"}

    def test_another_reference(self):
        differences = paired(made(self.SCORES), reference="full sharing").set_index("strategy")[
            "difference"
        ]
        assert differences["RAG"] == pytest.approx(np.mean([-0.2, -0.19, -0.2]))

    def test_one_seed_is_never_clear(self):
        one = made({name: values[:1] for name, values in self.SCORES.items()})
        assert set(paired(one)["verdict"]) == {"no clear difference"}
        assert summary(one)["low"].isna().all()
        assert not winners(one.assign(relatedness=0.5))["clear"].any()

    def test_winners(self):
        rows = winners(made(self.SCORES).assign(relatedness=0.5))
        (row,) = rows.itertuples()
        assert (row.winner, row.clear) == ("independent", True)
        assert row.margin == pytest.approx(np.mean([0.2, 0.19, 0.2]))
        losses = winners(made(self.SCORES, "log_loss").assign(relatedness=0.5), metric="log_loss")
        assert losses["winner"].item() == "full sharing" and losses["margin"].item() > 0

    def test_errors(self, table):
        with refused("reference", "reference = 'rog'", "mean 'RAG'?"):
            paired(table, reference="rog")
        with refused("metric", "metric = 'auc'", "accuracy"):
            summary(table, metric="auc")


class TestOwnData:
    @pytest.mark.parametrize("n_classes", [2, 3, 5])
    def test_any_number_of_classes(self, n_classes):
        table = run(own(40, n_classes), seeds=1, n_per_task=None)
        assert table["value"].notna().all()
        assert set(table["task"]) == {"films", "cars", "mean"} and set(table["data"]) == {"own"}
        assert set(table["n_per_task"]) == {(24 + 28) // 2}
        n_params = table.groupby("strategy")["n_params"].first()
        assert n_params["full sharing"] % n_classes == 0  # (d + 1) C
        assert n_params["full sharing + task bias"] - n_params["full sharing"] == n_classes

    def test_tasks_may_be_numbers(self):
        frame = own(20).assign(task=lambda f: f["task"].map({"films": 3, "cars": 8}))
        assert set(run(frame, seeds=1, n_per_task=5)["task"]) == {"3", "8", "mean"}

    def test_the_articles_nine_sentences(self):
        table = run("article", seeds=2, n_per_task=None)
        assert set(table["n_per_task"]) == {1} and table["value"].notna().all()


class TestErrors:
    @pytest.mark.parametrize(
        "options, words",
        [
            ({"data": "tweets"}, ("to be one of 'toy', 'human', 'article'", "= 'tweets'")),
            ({"strategies": ["rog"]}, ("strategy to be one of 'RAG'", "strategy = 'rog'", "mean 'RAG'?")),
            ({"strategies": []}, ("at least one value of strategies", "strategies = list []")),
            ({"seeds": 0}, ("seeds to be a whole number >= 1", "seeds = 0")),
            ({"seeds": []}, ("number of seeds", "= 0")),
            ({"seeds": 2.5}, ("seeds to be a whole number", "seeds = 2.5")),
            ({"n_per_task": 0}, ("n_per_task to be a whole number >= 1", "n_per_task = 0")),
            ({"relatedness": [0.5]}, ("relatedness to be a finite number", "[0.5]", "")),
            ({"relatednes": 1}, ("option of the toy generator", "'relatednes'", "'relatedness'")),
            ({"seed": 3}, ("argument of compare", "'seed'", "did you mean 'seeds'?")),
            ({"jobs": 1, "data": own()}, ("argument of compare", "'jobs'", "did you mean 'n_jobs'?")),
            ({"data": "toyy"}, ("path of a file", "'toyy'", "did you mean 'toy'?")),
            ({"data": "article", "noise": 0.1}, ("not generated", "noise", 'data="toy"')),
            (
                {"data": own().drop(columns=["label", "task"])},
                ("columns text, label and task", "without label, task", "rename"),
            ),
            ({"data": [1, 2]}, ("a table", "list without text, label, task")),
            ({"data": own().assign(label="good")}, ("at least two classes", "'good'", "label column")),
            ({"data": own().assign(label=-1)}, ("at least two classes", "1: ['-1']", "label column")),
            ({"data": own().assign(label=0)}, ("at least two classes", "1: ['negative']")),
            ({"data": own().assign(task="mean")}, ("other than 'mean'", "called 'mean'", "rename")),
            (
                {"data": own(20), "n_per_task": 10},
                ("at least 21 sentences", "20 in task 'films'", "at most 8"),
            ),
            ({"data": own(4), "n_per_task": None}, ("at least 5 sentences", "4 in task 'films'", "add")),
        ],
    )  # fmt: skip
    def test_refused_before_any_training(self, options, words, monkeypatch):
        monkeypatch.setattr(module, "_one_draw", None)
        with refused(*words):
            run(**options)


@pytest.mark.parametrize("size", [21, 125])
def test_the_proposed_size_leaves_a_fifth_to_test(size, monkeypatch):
    monkeypatch.setattr(module, "_table", lambda *_, **__: pd.DataFrame())
    most = 2 * size // 5
    with refused(
        f"at least {2 * size + 1} sentences", f"{size} in task", f"at most {most}, or add"
    ):
        run(data=own(size), n_per_task=size)
    run(data=own(size), n_per_task=most)  # and without a warning
    left = size - 2 * ((size - 1) // 2)
    with pytest.warns(SplitWarning, match=f"leaves {left} of the {size} .* at most {most}"):
        run(data=own(size), n_per_task=(size - 1) // 2)


def test_an_encoder_counts_no_words(monkeypatch):
    monkeypatch.setattr(module, "as_encoder", lambda features, *_: features)
    with refused("max_words with features that are words", "max_words = 5", "leave max_words out"):
        run(max_words=5, features="a stand-in for an encoder")


def test_relatedness_decides_who_is_ahead():
    """Unrelated tasks: RAG is as good as models of their own, and one model is far behind. Half
    related: RAG leads. Equal tasks, few sentences: one model leads.
    """

    def means(relatedness, n):
        table = compare(
            "toy", 6, n, STRATEGIES, progress=False, relatedness=relatedness
        )  # fmt: skip
        rows = table[(table["metric"] == "accuracy") & (table["task"] == "mean")]
        return rows.groupby("strategy")["value"].mean()

    unrelated = means(0.0, 60)
    assert abs(unrelated["RAG"] - unrelated["independent"]) < 0.02
    assert unrelated["full sharing"] < unrelated["independent"] - 0.3
    half = means(0.5, 60)
    assert half["RAG"] > half["independent"] > half["full sharing"]
    same = means(1.0, 20)
    assert same["full sharing"] > same["RAG"] > same["independent"] + 0.2
