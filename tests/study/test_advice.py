"""The advice is the highest mean, and says whether the intervals bear it out."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from problems import refused
from scipy import stats

import ragteach as rt
from ragteach.data.splits import split_frame
from ragteach.study.advice import USABLE, advise
from ragteach.study.by_task import by_task, draw_by_task
from ragteach.study.scores import Parts, score
from ragteach.study.strategies import REGISTRY
from ragteach.study.tables import draws_to_decide, paired, summary

WEIGHTS = {"RAG": 500, "full sharing": 100, "independent": 400, "full sharing + task bias": 110}


def table(means, seeds=8, noise=0.004):
    """A table of draws with these mean accuracies."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for name, mean in means.items():
            for task in ("a", "b"):
                value = mean + (0.05 if task == "a" else -0.05) + noise * rng.normal()
                rows.append((name, task, seed, value))
    frame = pd.DataFrame(rows, columns=["strategy", "task", "seed", "value"])
    mean = frame.groupby(["strategy", "seed"], sort=False)["value"].mean().reset_index()
    frame = pd.concat([frame, mean.assign(task="mean")], ignore_index=True)
    frame["n_params"] = [WEIGHTS.get(name, 0) for name in frame["strategy"]]
    about = {"data": "own", "n_per_task": 20, "metric": "accuracy", "seconds": 1.0}
    return frame.assign(**about, draws="resplit", test_per_train=0.25)


ALONE = {"majority class": 0.3}


@pytest.mark.parametrize(
    ("means", "strategy", "rival", "said"),
    [
        (
            {"RAG": 0.9, "full sharing": 0.8, "independent": 0.7},
            "RAG",
            "full sharing",
            "Use RAG: it is clearly better than full sharing and independent",
        ),
        (
            {"RAG": 0.8, "full sharing": 0.9, "independent": 0.7},
            "full sharing",
            "RAG",
            "Use full sharing: ",
        ),
        (
            {"RAG": 0.9, "full sharing": 0.7, "independent": 0.902},
            "independent",
            "RAG",
            "no clear difference from RAG",
        ),
        (
            {"RAG": 0.9, "full sharing": 0.9, "independent": 0.9},
            "full sharing",
            None,
            "Undecided; use full sharing until more is known",
        ),
        (
            {"RAG": 0.8, "full sharing": 0.8, "full sharing + task bias": 0.9, "independent": 0.7},
            "full sharing + task bias",
            "RAG",
            "clearly better than",
        ),
    ],
)
def test_the_highest_mean_and_whether_that_is_decided(means, strategy, rival, said):
    advice = advise(table(means | ALONE, noise=0 if len(set(means.values())) == 1 else 0.004))
    assert advice.strategy == strategy and said in advice.said
    assert advice.decided == advice.said.startswith("Use ")
    assert "most frequent class is right in 30" in advice.said
    assert advice.rival in (rival, *(("RAG", "independent") if rival is None else ()))
    assert f"{max(means.values()):.0%}"[:2] in advice.said
    assert "anything was learned" not in advice.said


@pytest.mark.parametrize(
    ("means", "answer"),
    [
        ({"RAG": 0.9, "full sharing": 0.8, "independent": 0.7}, "Yes, a part of them: RAG is"),
        ({"RAG": 0.8, "full sharing": 0.7, "independent": 0.9}, "No: independent is clearly"),
        (
            {"RAG": 0.9, "full sharing": 0.7, "independent": 0.901},
            "Not all of them: full sharing (by 20.",
        ),
        (
            {"RAG": 0.9, "full sharing": 0.901, "independent": 0.7},
            "Yes, at least a part of them: independent (by 20.",
        ),
        ({"RAG": 0.8, "full sharing": 0.801, "independent": 0.8}, "These draws cannot say: no way"),
        ({"RAG": 0.3, "full sharing": 0.1}, "These draws cannot say: they do not show that"),
    ],
)
def test_the_answer_keeps_to_what_is_clear(means, answer):
    assert advise(table(means | ALONE)).answer.startswith(answer)


def test_strategies_that_are_level_are_not_told_as_a_lead():
    said = advise(table({"RAG": 0.9, "full sharing": 0.9}, noise=0)).said
    assert "level with RAG to a tenth of a point and with fewer weights" in said
    assert "-0.0" not in said and "full sharing minus RAG: 0.0 points" in said
    assert "level" not in advise(table({"RAG": 0.91, "full sharing": 0.9})).said


def test_two_draws_that_look_well_are_too_few_and_not_a_proof_of_nothing():
    found = table({"RAG": 0.8} | ALONE, seeds=2, noise=0.1)
    advice = advise(found)
    assert "2 draws are too few to say" in advice.said and "1 degree of freedom" in advice.said
    assert "do not show that anything was learned" not in advice.said
    level = advise(table({"RAG": 0.3} | ALONE, seeds=2, noise=0.1))
    assert ("too few to say" in level.said) != ("do not show" in level.said)


def test_the_tables_own_most_frequent_class_stands_beside_the_draws():
    found = table({"RAG": 0.8} | ALONE)
    found.attrs["most_frequent"] = 0.345
    assert re.search(r"is right in 30\.\d% \(in the whole table: 34\.5%\)", advise(found).said)


def ahead_by(gaps, ratio):
    """RAG ahead of full sharing by these amounts, draw by draw."""
    found = table({"RAG": 0.8, "full sharing": 0.8} | ALONE, len(gaps), noise=0)
    moved = found["strategy"] == "RAG"
    found.loc[moved, "value"] += found.loc[moved, "seed"].map(dict(enumerate(gaps)))
    return found.assign(test_per_train=ratio, draws="resplit" if ratio else "fresh")


def test_few_draws_forecast_a_range_or_nothing():
    """The upper end: what is needed if the spread is the largest that this one allows."""
    gaps = np.array([-0.03, 0.05] * 6)
    factor = np.sqrt(11 / stats.chi2.ppf(0.1, 11))
    least = draws_to_decide(gaps)
    most = draws_to_decide(gaps.mean() + factor * (gaps - gaps.mean()))
    assert 12 < least < most
    assert f"roughly {least} to {most} in all" in advise(ahead_by(gaps, 0.0)).said
    few = np.array([0.0, 0.01, 0.03, 0.04])
    assert draws_to_decide(few, 0.25) > 4
    assert "4 draws cannot tell: more rows may" in advise(ahead_by(few, 0.25)).said


def leading(lead, noise, seeds=8):
    """RAG ahead of full sharing, by another amount in every draw."""
    found = table({"RAG": 0.8 + lead, "full sharing": 0.8} | ALONE, seeds, noise=0)
    moves = noise * np.random.default_rng(1).normal(size=seeds)
    moves -= moves.mean()
    moved = found["strategy"] == "RAG"
    found.loc[moved, "value"] += found.loc[moved, "seed"].map(dict(enumerate(moves)))
    return found


def test_what_no_draw_can_show_is_undecided_and_says_what_would_decide_it():
    advice = advise(leading(0.02, 0.2))
    assert advice.strategy == "RAG" and not advice.decided
    assert advice.said.startswith("Undecided; use RAG until more is known")
    assert "More draws of these rows would not decide it against full sharing" in advice.said
    assert "Undecided" not in advise(leading(0.02, 0.002)).said


@pytest.mark.parametrize("ratio", [0.0, 1 / 3])
def test_the_draws_that_decide_are_the_least_whose_interval_leaves_0_out(ratio):
    draws = np.array([0.01, 0.02, 0.05, 0.0, 0.04])
    needed = draws_to_decide(draws, ratio)
    spread = draws.std(ddof=1)

    def low(n):
        scale = spread * np.sqrt(1 / n + ratio)
        return draws.mean() - stats.t.ppf(0.975, n - 1) * scale

    assert low(needed) > 0 >= low(needed - 1)
    assert draws_to_decide(draws - draws.mean(), ratio) is None


@pytest.mark.long
def test_the_highest_mean_costs_less_than_the_fewest_weights():
    """Two cells of the table in `ragteach.study.advice`: 80 rows, relatedness 0 and 1/2."""
    cost = {"highest mean": 0.0, "fewest weights": 0.0}
    for relatedness in (0.0, 0.5):
        for replicate in range(4):
            about = {"relatedness": relatedness, "seed": 1000 + 17 * replicate}
            frame = rt.make_toy(n_per_task=80, **about)
            found = rt.compare(frame, 5, None, USABLE, progress=False)
            train, val, _ = split_frame(frame, seed=0)
            about["seed"] += 500_000
            fresh = rt.make_toy(n_per_task=1000, **about)
            parts = Parts(train, val, fresh, 3)
            right = {}
            for name in USABLE:
                scores, _ = score(REGISTRY[name], parts)
                (right[name],) = [v for t, m, v in scores if (t, m) == ("mean", "accuracy")]
            gaps = pd.concat([paired(found, name).assign(ahead=name) for name in USABLE])
            beaten = set(gaps.loc[gaps["verdict"] == "better", "strategy"])
            weights = found.groupby("strategy")["n_params"].mean()
            fewest = min((n for n in USABLE if n not in beaten), key=lambda n: weights[n])
            cost["highest mean"] += max(right.values()) - right[advise(found).strategy]
            cost["fewest weights"] += max(right.values()) - right[fewest]
    points = {rule: 100 * total / 8 for rule, total in cost.items()}
    assert points["highest mean"] < 0.5 and points["fewest weights"] > 2


def test_a_strategy_that_reads_no_better_than_nothing_says_so():
    said = advise(table({"RAG": 0.5, "full sharing": 0.5, "majority class": 0.5})).said
    assert "not clearly better than saying each task's most frequent class" in said


def test_an_error_that_is_clearly_lower_shows_that_something_was_learned():
    found = table({"RAG": 0.5, "majority class": 0.5})
    errors = table({"RAG": 0.7, "majority class": 1.5}).assign(metric="mean_absolute_error")
    said = advise(pd.concat([found, errors])).said
    assert "clearly nearer to the truth, by 0.80" in said and "do not show" not in said
    errors["value"] = 1.0
    assert "do not show that anything was learned" in advise(pd.concat([found, errors])).said


def test_equal_draws_have_wilsons_interval_of_what_one_task_tests():
    found = table({"RAG": 0.9, "full sharing": 0.5}, noise=0)
    found.loc[found["strategy"] == "RAG", "value"] = 1.0
    low = 5 / (5 + stats.norm.ppf(0.975) ** 2)  # 5 of 5: a quarter of 20 rows
    assert f"allow {low:.1%} to 100.0%, Wilson's 95 % interval" in advise(found).said


def test_an_interval_that_is_cut_off_says_so():
    said = advise(table({"RAG": 0.95, "full sharing": 0.9}, seeds=2, noise=0.2)).said
    assert "(95 % interval 0.0% to 100.0%, cut off there)" in said
    said = advise(table({"RAG": 0.6, "full sharing": 0.5}, seeds=4, noise=0.03)).said
    assert "RAG is right in" in said and "cut off" not in said


def test_a_penalty_on_the_edge_is_said():
    found = table({"RAG": 0.9, "full sharing": 0.8})
    edges = found[found["task"] == "mean"].assign(metric="on_edge", value=1.0)
    assert "In 8 of 8 draws its penalty lies on an edge" in advise(pd.concat([found, edges])).said
    edges["value"] = [float(seed < 4) for seed in edges["seed"]]
    assert "edge" not in advise(pd.concat([found, edges])).said


def test_equal_differences_in_few_draws_are_no_verdict():
    found = table({"RAG": 0.9, "full sharing": 0.8} | ALONE, seeds=2, noise=0)
    advice = advise(found)
    assert advice.strategy == "RAG" and not advice.decided
    assert "Too few draws to tell how draws differ: take twenty" in advice.said
    assert set(paired(found)["verdict"]) == {"no clear difference"}
    assert advise(table({"RAG": 0.9, "full sharing": 0.8}, seeds=5, noise=0)).decided


def test_no_interval_leaves_what_is_possible():
    found = table({"RAG": 0.95, "full sharing": 0.5}, seeds=2, noise=0.2)
    means = summary(found)
    assert means["low"].min() >= 0 and means["high"].max() <= 1


def test_one_task_has_nothing_to_share():
    found = table({"RAG": 0.9, "full sharing": 0.9})
    assert "one task: nothing to share" in advise(found[found["task"] != "b"]).said
    assert "one task" not in advise(found).said


def test_one_draw_has_no_verdict():
    advice = advise(table({"RAG": 0.7, "full sharing": 0.8}, seeds=1))
    assert advice.strategy == "full sharing" and "take twenty (--seeds 20)" in advice.said


def test_a_table_without_a_strategy_to_use_is_refused():
    with refused("RAG", "majority class", "leave strategies out"):
        advise(table(ALONE))


def test_task_by_task_is_the_mean_of_each():
    found = table({"RAG": 0.9, "full sharing": 0.8}, noise=0)
    scores = by_task(found, "RAG", "full sharing").set_index("task")
    assert scores["RAG"].to_dict() == pytest.approx({"a": 0.95, "b": 0.85})
    assert scores["difference"].tolist() == pytest.approx([0.1, 0.1])
    assert scores[["low", "high"]].isna().all(axis=None)  # the same in every draw: no width
    with refused("strategy", "none"):
        by_task(found, "RAG", "none")
    wide = by_task(
        table({"RAG": 0.9, "full sharing": 0.1}, seeds=2, noise=0.4), *scores.columns[:2]
    )
    assert wide["low"].min() == -1 and wide["high"].max() == 1  # accuracies differ by no more


@pytest.mark.parametrize("scores", [(1.0, 0.98), (0.0, 0.01), (0.0, 1.0), (0.5, 0.55)])
def test_the_axis_of_accuracies_ends_where_they_end(scores):
    found = pd.DataFrame([("a", *scores)], columns=["task", "RAG", "full sharing"])
    low, high = draw_by_task(found, ["a"], Figure().subplots()).get_xlim()
    assert 0 <= low <= min(scores) and max(scores) <= high <= 1
    assert high - low == pytest.approx(max(0.3, min(1, 1.1 * abs(scores[0] - scores[1]))))


def test_a_yardstick_that_came_out_higher_is_said():
    found = {"RAG": 0.5, "full sharing": 0.55, "independent, equal parameters": 0.56}
    said = advise(table(found)).said
    assert re.search(
        r"A higher mean, to measure by only.*: independent, equal parameters \(5", said
    )
    assert "to measure by" not in advise(table(found | {"full sharing": 0.6})).said


def test_scores_of_texts_that_are_alike_are_no_scores_of_new_ones():
    rng = np.random.default_rng(0)
    names = rng.choice(10**6, (90, 8)).astype(str)
    rows = [(" ".join(words), "ab"[i % 2], "xyz"[i % 3]) for i, words in enumerate(names)]
    apart = pd.DataFrame(rows, columns=["text", "label", "task"])
    frame = apart.assign(text=[f"the order {a} came late by some days" for a, *_ in names])
    options = {"strategies": ["full sharing"], "progress": False, "n_jobs": 1}
    said = [str(advise(rt.compare(data, 1, **options))) for data in (frame, apart)]
    assert "100% of the texts have another one" in said[0]
    assert "have another one" not in said[1]
