"""Exercises of lesson 06: a fair comparison."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from ragteach.study.experiment import interval, paired
from ragteach.teach.checks import Wrong, call, exercise, expect, expect_close, finished
from ragteach.teach.exercises import answers_06 as answers
from ragteach.teach.exercises.watched_06 import World
from ragteach.teach.watching import by_hand
from ragteach.teach.written import Sentence, in_words


@exercise(
    "06-1",
    title="The interval of a paired difference",
    difficulty="medium",
    minutes=10,
    trains="turning two columns of scores into one honest statement",
    hints=[
        "First make one column out of two: difference = a - b. Forget a and b after that.",
        "The standard error of a mean of n numbers is their standard deviation (ddof=1) divided by "
        "sqrt(n).",
        "half = stats.t.ppf(0.975, n - 1) * difference.std(ddof=1) / np.sqrt(n); return mean, mean "
        "- half, mean + half.",
    ],
    reference=answers.paired_interval,
    reason="Subtracting first removes what the two have in common: the luck of the draw.",
    rule="one column of differences, then mean -+ t.ppf(0.975, n - 1) * std(ddof=1) / sqrt(n).",
)
def paired_interval(yours):
    """a, b (n_seeds,) -> (mean, low, high)."""
    for n in (6, 15):
        rng = np.random.default_rng(n)
        luck = rng.normal(size=n)
        a = 0.7 + 0.05 * luck + 0.01 * rng.normal(size=n)
        b = 0.68 + 0.05 * luck + 0.01 * rng.normal(size=n)
        d = a - b
        mean = d.mean()
        t = stats.t.ppf(0.975, n - 1)
        se = d.std(ddof=1) / np.sqrt(n)
        apart = np.sqrt(a.var(ddof=1) / n + b.var(ddof=1) / n)

        def around(half, mean=mean):
            return [mean, mean - half, mean + half]

        wrong = [
            (around(-t * se), "The ends are in the other order: the low one first."),
            (
                around(t * apart),
                "This adds the variances of a and b, as if the seeds were not the same. Subtract "
                "first.",
            ),
            (
                around(stats.t.ppf(0.975, 2 * n - 2) * apart),
                "These are the degrees of freedom of two separate samples.",
            ),
            (
                around(t * se * np.sqrt(n)),
                "sqrt(n) is missing: this is the spread of single seeds, not of their mean.",
            ),
            (
                around(1.96 * se),
                "1.96 is for hundreds of seeds. With few, use Student's t with n - 1 degrees of "
                "freedom.",
            ),
            (
                around(t * d.std() / np.sqrt(n)),
                "std() divides by n unless you say ddof=1: a little too narrow.",
            ),
            (
                around(stats.t.ppf(0.95, n - 1) * se),
                "0.95 leaves 5 % on EACH side. For a 95 % interval ask t.ppf(0.975).",
            ),
            (around(se), "This is one standard error. Multiply it by Student's t."),
            (
                [-mean, -mean - t * se, -mean + t * se],
                "The sign is turned round: a minus b, please.",
            ),
            (
                [mean - t * se, mean, mean + t * se],
                "The right three numbers, in another order: (mean, low, high).",
            ),
            (
                [*stats.ttest_rel(a, b)],
                "These are a t statistic and a p value. They say whether there is a difference, "
                "not how large it may be.",
            ),
            ([mean, t * se], "This is the mean and half the width. Return mean, low and high."),
            ([mean - t * se, mean + t * se], "The mean is missing: return (mean, low, high)."),
            (
                around(t * d.std(ddof=1) / n),
                "You divided the standard deviation by n. The standard error divides by sqrt(n).",
            ),
            (
                around(stats.t.ppf(0.975, n) * se),
                "Student's t has n - 1 degrees of freedom here, not n: the mean took one.",
            ),
            (
                around(t * d.std(ddof=1) / np.sqrt(n - 1)),
                "n - 1 stands in std(ddof=1) already. The standard error divides by sqrt(n).",
            ),
            (
                around(t * d.var(ddof=1) / np.sqrt(n)),
                "This is the variance. The interval needs its root, std(ddof=1).",
            ),
            (
                around(t * se, np.median(d)),
                "This is around the median of the differences. The formula has their mean.",
            ),
            (
                [mean, *np.quantile(d, [0.025, 0.975])],
                "These quantiles hold most single seeds. The interval is for the MEAN of the "
                "differences, and is narrower.",
            ),
            (
                around(stats.t.ppf(0.975, n - 2) * se),
                "Student's t has n - 1 degrees of freedom here: one mean was estimated, not two.",
            ),
            (
                [np.abs(d).mean()]
                + [np.abs(d).mean() + k * t * np.abs(d).std(ddof=1) / np.sqrt(n) for k in (-1, 1)],
                "The sizes of the differences have lost their signs. A seed in which b is ahead "
                "counts against a.",
            ),
            (
                [mean, 2 * t * se],
                "This is the mean and the whole width. Return mean, low and high.",
            ),
            (
                around(t * (a.std(ddof=1) + b.std(ddof=1)) / np.sqrt(n)),
                "You added two spreads. Subtract the columns first, then take one spread, of d.",
            ),
            (
                around(t * b.std(ddof=1) / np.sqrt(n)),
                "This is the spread of b alone. Subtract first, then take the spread of d.",
            ),
            (
                [mean, d.min(), d.max()],
                "These are the worst and the best seed. The interval is for the MEAN.",
            ),
            (
                around(stats.t.ppf(0.995, n - 1) * se),
                "This is a 99 % interval. 95 % leaves 2.5 % on each side: t.ppf(0.975).",
            ),
            (
                around(t * a.std(ddof=1) / np.sqrt(n)),
                "This is the spread of a alone. Subtract first, then take the spread of d.",
            ),
        ]
        with by_hand(interval):
            found = call(yours, a, b)
        expect_close(
            found,
            around(t * se),
            wrong,
            what="(mean, low, high)",
            rtol=1e-6,
        )


@exercise(
    "06-2",
    title="What pairing is worth",
    difficulty="hard",
    minutes=12,
    trains="a proof, and one number that follows from it",
    hints=[
        "Var(a - b) = Var a + Var b - 2 Cov(a, b). Write s^2 for both variances, and Cov = rho "
        "s^2.",
        "Paired: the mean of n differences has variance 2 s^2 (1 - rho) / n. Unpaired: rho counts "
        "as 0.",
        "Set 2 s^2 (1 - 0.9) / 10 equal to 2 s^2 / m and solve for m.",
    ],
    reference=100,
    reason="2 s^2 (1 - rho) / n = 2 s^2 / m gives m = n / (1 - rho) = 10 / 0.1. Pairing is free, "
    "90 more draws for each strategy are not.",
    rule="set 2 s^2 (1 - rho) / 10 equal to 2 s^2 / m, and solve for m.",
    rubric=[
        "begins with the variance of a difference, and says where the covariance comes from",
        "divides by n because different seeds are independent",
        "says when pairing does not help: rho = 0, and that it hurts if rho < 0",
    ],
)
def worth(yours):
    expect_close(
        yours,
        100,
        wrong=[
            (
                10,
                "That is the paired number itself. Without pairing the common luck stays in the "
                "difference.",
            ),
            (
                19,
                "You multiplied by 1 + rho. The variance of a difference SUBTRACTS the covariance: "
                "1 - rho.",
            ),
            (
                1,
                "You multiplied by 1 - rho: that would need fewer seeds. Which side has the larger "
                "variance?",
            ),
            (
                10 / 0.9,
                "You divided by rho. What is left of the variance after pairing is 1 - rho.",
            ),
            (
                10 / (1 - 0.81),
                "You used rho squared. Here the covariance itself enters, rho times s^2.",
            ),
            (
                1000,
                "You squared 1 / (1 - rho). Compare variances with variances: they fall like 1 / "
                "n, not 1 / n^0.5.",
            ),
            (50, "Look at the 2: both variances have it, paired and unpaired, so it cancels."),
            (
                200,
                "200 is right for both strategies together. Asked is the number for each of them.",
            ),
            (90, "90 is how many more. Asked is how many each strategy must have in all."),
            (
                0.1,
                "That is 1 - rho, the share of the variance that is left. How many draws make up "
                "for it?",
            ),
            (
                9,
                "You multiplied by rho. Divide by what pairing leaves of the variance, 1 - rho.",
            ),
            (
                11,
                "One draw more per ten would be worth a tenth of the variance. Pairing takes away "
                "nine tenths.",
            ),
            (
                20,
                "Two columns do not make it twice as many. Compare the two variances.",
            ),
            (
                110,
                "You added the ten paired draws to those without pairs. Without pairs they are all "
                "there are.",
            ),
            (
                10 / np.sqrt(0.9),
                "That is rho under a root. Compare variances: 1 - rho, without a root.",
            ),
            (
                10 / np.sqrt(0.1),
                "You compared standard errors, and forgot that they fall like 1 / sqrt(n): compare "
                "the variances.",
            ),
        ],
        what="The number of draws",
        rtol=1e-3,
    )


@exercise(
    "06-3",
    title="Equal parameters",
    difficulty="easy",
    minutes=6,
    trains="counting weights, so that a larger model has no hidden advantage",
    hints=[
        "RAG has one shared matrix and n_tasks adapters. Each has n_classes x n_features weights.",
        "Full sharing has one matrix, independent models have n_tasks. Only their number of "
        "features may change.",
        "Full sharing: width = (n_tasks + 1) n_features. Independent: the same, divided by "
        "n_tasks.",
    ],
    reference=answers.equal_widths,
    reason="(T + 1) C d weights on one matrix is d (T + 1) features; on T matrices it is d (T + 1) "
    "/ T.",
    rule="weights of RAG = weights of the other; the classes stand on both sides.",
)
def equal_widths(yours):
    """n_features, n_classes, n_tasks -> (features of full sharing, features of each independent
    model).
    """
    for d, c, t in [(210, 3, 4), (90, 5, 2)]:
        expect_close(
            call(yours, d, c, t),
            [(t + 1) * d, (t + 1) * d / t],
            wrong=[
                (
                    [t * d, d],
                    "You counted the adapters only. RAG has the shared matrix as well: T + 1 "
                    "matrices.",
                ),
                (
                    [(t + 1) * d * c, (t + 1) * d * c / t],
                    "These are weights. Divide by the classes: features are asked.",
                ),
                (
                    [(t + 1) * d, (t + 1) * d // t],
                    "Do not round: features come in whole numbers, this count need not.",
                ),
                (
                    [(t + 1) * d, (t + 1) * d],
                    "Independent models are T matrices, so each gets a T-th part.",
                ),
                (
                    [(t + 1) * d / t, (t + 1) * d],
                    "The two are in the other order: full sharing first.",
                ),
                (
                    [d / (t + 1), d * t / (t + 1)],
                    "Upside down: who has fewer matrices needs more features in each.",
                ),
                (
                    [(t - 1) * d, (t - 1) * d / t],
                    "The shared matrix is one more than the adapters, not one less: T + 1 matrices.",
                ),
                (
                    [(t + 1) * d + t, ((t + 1) * d + t) / t],
                    "The biases are in. Leave them out: features times classes only.",
                ),
                (
                    [(t + 1) * d / c, (t + 1) * d / t / c],
                    "The classes stand on both sides, so they cancel: do not divide by them.",
                ),
                (
                    [(t + 1) * d, d / t],
                    "Independent models must own as many weights as RAG, (T + 1) C d, not C d.",
                ),
                (
                    [d, d],
                    "This keeps the number of features. Then RAG has T + 1 times the weights of "
                    "full sharing.",
                ),
            ],
            what="(full sharing, independent)",
        )


@exercise(
    "06-4",
    title="Choose on validation, report on test",
    difficulty="medium",
    minutes=8,
    trains="keeping the test set out of every choice",
    hints=[
        "Each row is one seed. Which setting (column) would you have chosen, seeing the validation "
        "losses only?",
        "val_loss.argmin(axis=1) is one column number per seed: a loss is good when it is small.",
        "test_accuracy[np.arange(n_seeds), chosen] reads one number per row; return their mean.",
    ],
    reference=answers.honest_score,
    reason="The test numbers of the settings that were not chosen are never looked at.",
    rule="row by row: the column of the least validation loss, then the mean of their test "
    "numbers.",
)
def honest_score(yours):
    """val_loss, test_accuracy (n_seeds, n_settings) -> one number."""
    for n_seeds, n_settings in [(6, 5), (4, 9)]:
        rng = np.random.default_rng(n_settings)
        loss = rng.uniform(0.5, 1.5, (n_seeds, n_settings))
        accuracy = rng.uniform(0.3, 0.9, (n_seeds, n_settings))
        rows = np.arange(n_seeds)
        expect_close(
            call(yours, loss, accuracy),
            answers.honest_score(loss, accuracy),
            wrong=[
                (
                    accuracy.max(1).mean(),
                    "This picks the best TEST score of each seed: it chooses on the test set.",
                ),
                (
                    accuracy.mean(0).max(),
                    "This picks the setting with the best mean TEST score: the test set chose.",
                ),
                (
                    accuracy.mean(),
                    "This averages over all settings. Nobody uses all of them: choose one per "
                    "seed.",
                ),
                (
                    accuracy[rows, loss.argmax(1)].mean(),
                    "This chooses the LARGEST validation loss. A loss is good when it is small.",
                ),
                (
                    accuracy[:, loss.mean(0).argmin()].mean(),
                    "This chooses one setting for all seeds. Seeds are separate experiments: "
                    "choose in each of them.",
                ),
                (
                    accuracy[:, loss.argmin(1)].mean(),
                    "accuracy[:, chosen] reads every seed's column in every row. One entry per "
                    "row: test_accuracy[np.arange(n_seeds), chosen].",
                ),
                (
                    loss.min(1).mean(),
                    "This reports the validation loss that you chose by: too good, and not "
                    "accuracy.",
                ),
                (
                    accuracy[rows, loss.argmin(1)],
                    "One number per seed is right so far. Report their mean.",
                ),
                (
                    accuracy[rows, loss.argmin(1)].sum(),
                    "You added the seeds up. Report their mean.",
                ),
                (
                    accuracy[rows, accuracy.argmin(1)].mean(),
                    "argmin looked at test_accuracy. val_loss chooses, test_accuracy is only read.",
                ),
                (
                    np.median(accuracy[rows, loss.argmin(1)]),
                    "This is the median over seeds. The mean is asked, as in the rest of the "
                    "lesson.",
                ),
                (
                    np.take(accuracy, loss.argmin(1), axis=0, mode="wrap").mean(),
                    "accuracy[chosen] reads rows: it takes the setting's number for a seed's. One "
                    "entry per row: test_accuracy[np.arange(n_seeds), chosen].",
                ),
                (
                    accuracy[:, loss.mean(0).argmin()].max(),
                    "One setting for all seeds, and then the best seed: both choices are made over "
                    "seeds. Choose in each, and take the mean.",
                ),
                (
                    accuracy[rows, loss.argsort(1)[:, 1]].mean(),
                    "This is the second best setting of each seed. Choose the least loss.",
                ),
                (
                    accuracy[rows, (loss - accuracy).argmin(1)].mean(),
                    "The test accuracy takes part in your choice. Only val_loss may choose.",
                ),
                (
                    accuracy[0, loss[0].argmin()],
                    "This is the first seed alone. Report the mean over all seeds.",
                ),
                (
                    accuracy[loss.mean(1).argmin()].mean(),
                    "This chooses a seed. Choose a setting in every seed: argmin(axis=1).",
                ),
                (
                    accuracy.flat[loss.argmin()],
                    "This chooses one single seed and setting, the luckiest. Choose in every seed.",
                ),
                (
                    accuracy[rows, loss.argmin(1)].max(),
                    "This reports the best seed: choosing on the test set once more. Take the "
                    "mean.",
                ),
                (
                    accuracy[loss.argmin(0), np.arange(n_settings)].mean(),
                    "argmin(0) finds the best seed of each setting. Seeds are not yours to choose: "
                    "argmin(axis=1).",
                ),
            ],
            what="The score",
        )


@exercise(
    "06-5",
    title="Make RAG lose",
    difficulty="medium",
    minutes=10,
    trains="designing an experiment against your own favourite",
    hints=[
        "Where do the tasks need no adapters at all? Which end of the relatedness knob is that?",
        "With many sentences both are right always. Where are data scarce, but not so scarce that "
        "nobody learns?",
        'compare("toy", seeds=8, n_per_task=20, relatedness=1.0, strategies=["RAG", "full '
        'sharing"], '
        "progress=False)",
    ],
    reference=answers.scores({"RAG": 0.65, "full sharing": 0.69}),
    reason="Where one classifier is right for all tasks, nothing that a task has of its own can "
    "help. Which of these parts does the harm here? That is the next section.",
)
def make_rag_lose(yours):
    """The table of `compare`, with RAG and full sharing, in which full sharing is clearly
    better.
    """
    expect(
        hasattr(yours, "columns")
        and {"strategy", "seed", "metric", "value", "task"} <= set(yours.columns),
        "Hand over the table that compare(...) returns, before summary or paired.",
    )
    have = set(yours["strategy"])
    expect(
        {"RAG", "full sharing"} <= have,
        f"The table needs both RAG and full sharing; yours has {', '.join(sorted(have))}.",
    )
    two = yours[yours["strategy"].isin(["RAG", "full sharing"])]
    expect(
        two["n_per_task"].nunique() == 1,
        "One size at a time, please: several sizes are several chances to win.",
    )
    n_seeds = two["seed"].nunique()
    expect(
        n_seeds >= 5,
        f"{n_seeds} seeds are too few to say anything about seeds you did not run. Use 5 or more.",
    )
    expect(
        "accuracy" in set(two["metric"]),
        "The claim is about accuracy, and this table has no row of it. Keep all rows of "
        "compare(...).",
    )
    row = paired(two, reference="full sharing").iloc[0]
    if row["verdict"] == "worse":
        raise Wrong(
            f"Here RAG is clearly better, by {-row['difference']:.3f}. Give the adapters less to "
            "do."
        )
    if row["verdict"] != "better":
        raise Wrong(
            f"No clear difference: the interval of full sharing - RAG is {row['low']:+.3f} to "
            f"{row['high']:+.3f}, "
            "and it contains 0. Change the setting, not the seeds."
        )
    return (
        f"Full sharing leads by {row['difference']:.3f}, interval {row['low']:+.3f} to "
        f"{row['high']:+.3f}."
    )


@exercise(
    "06-7",
    title="An interval for splits of one corpus",
    difficulty="medium",
    minutes=10,
    trains="saying how sure you are when all draws share their sentences",
    hints=[
        "Nothing is new but the factor: where 1 / n stood, 1 / n + n_test / n_train stands.",
        "scale = np.sqrt(d.var(ddof=1) * (1 / n + test_per_train))",
        "half = stats.t.ppf(0.975, n - 1) * scale; return d.mean(), d.mean() - half, d.mean() + "
        "half",
    ],
    reference=answers.resplit_interval,
    reason="The second part does not shrink with n: more splits of the same sentences are no new "
    "sentences.",
    rule="under the root stands v times the sum of 1 / n and n_test / n_train.",
)
def resplit_interval(yours):
    """differences (n_seeds,), test_per_train -> (mean, low, high)."""
    for n, r in ((6, 0.5), (15, 2 / 3), (9, 0.0)):
        d = np.random.default_rng(n).normal(0.03, 0.02, n)
        mean = d.mean()
        t = stats.t.ppf(0.975, n - 1)
        v = d.var(ddof=1)

        def around(half, mean=mean):
            return [mean, mean - half, mean + half]

        right = t * np.sqrt(v * (1 / n + r))
        with by_hand(interval):
            found = call(yours, d, r)
        expect_close(
            found,
            around(right),
            wrong=[
                (
                    around(t * np.sqrt(v / n)),
                    "This is Student's interval for independent draws: n_test / n_train is "
                    "missing.",
                ),
                (
                    around(t * (np.sqrt(v / n) + r)),
                    "n_test / n_train belongs under the root, beside 1 / n and times v.",
                ),
                (
                    around(t * np.sqrt(v / n + r)),
                    "v multiplies both parts: v (1 / n + n_test / n_train).",
                ),
                (
                    around(t * np.sqrt(v / n * (1 + r))),
                    "This is (1 + r) / n: it still vanishes with many splits. The sum is 1 / n + "
                    "r.",
                ),
                (
                    around(t * v * (1 / n + r)),
                    "The root is missing: v (1 / n + r) is a variance.",
                ),
                (
                    around(t * np.sqrt(v) * (1 / n + r)),
                    "The root covers 1 / n + r as well, not v alone.",
                ),
                (
                    around(1.96 * np.sqrt(v * (1 / n + r))),
                    "1.96 is for hundreds of seeds. Use Student's t with n - 1 degrees of freedom.",
                ),
                (
                    around(t * np.sqrt(d.var() * (1 / n + r))),
                    "var() divides by n unless you say ddof=1.",
                ),
                (
                    around(stats.t.ppf(0.975, n) * np.sqrt(v * (1 / n + r))),
                    "Student's t has n - 1 degrees of freedom here, not n: the mean took one.",
                ),
                (
                    around(t * np.sqrt(v * (1 / n + r / (1 - r)))),
                    "n_test / n_train stands in the place of the whole rho / (1 - rho), not of "
                    "rho.",
                ),
                (
                    [mean, right],
                    "This is the mean and half the width. Return mean, low and high.",
                ),
                (
                    around(t * np.sqrt(v * abs(1 / n - r))),
                    "The two parts are added: draws that share sentences know less, not more.",
                ),
                (
                    around(stats.t.ppf(0.95, n - 1) * np.sqrt(v * (1 / n + r))),
                    "0.95 leaves 5 % on EACH side. For a 95 % interval ask t.ppf(0.975).",
                ),
                (
                    around(np.sqrt(v * (1 / n + r))),
                    "This is one standard error. Multiply it by Student's t.",
                ),
                (
                    around(t * np.sqrt(v * (1 / n + (1 / r if r else 0)))),
                    "The ratio is upside down: n_test / n_train is handed over, use it as it is.",
                ),
                (around(-right), "The ends are in the other order: the low one first."),
            ],
            what="(mean, low, high)",
            rtol=1e-6,
        )


@exercise(
    "06-8",
    title="Your own fair comparison",
    difficulty="hard",
    minutes=30,
    trains="writing a comparison in which no strategy has a hidden advantage",
    hints=[
        "Two loops: over seeds, and inside it over strategies. What must stand in the outer one, "
        "so that all strategies get the same draw?",
        "data = rt.MultiTaskDataset.from_frame(train); val and test are made with data.vectorizer "
        "and data.task_names.",
        "models = [fit(data, p) for p in tries[name]]; losses = [score(m, choose)['loss'] for m in "
        "models]; best = models[int(np.argmin(losses))]; then score(best, final)['accuracy'], "
        "once.",
    ],
    reference=answers.fair_comparison,
    reason="Every rule of the table at the top of the lesson is now a line of your code.",
    rule="choose by the validation loss, seed by seed, and read the test set once.",
)
def fair_comparison(yours):
    """A small watched world: what is read, and when, shows what a result alone would not."""
    for seeds in ([3, 5, 8], [11, 2]):
        world = World(seeds)
        found = call(
            lambda w=world: yours(w.draw, w.strategies, w.tries, w.seeds, w.score),
        )
        if isinstance(found, pd.DataFrame):
            found = found.to_dict("list")
        expect(
            isinstance(found, Mapping),
            "Return a dict: the name of each strategy, with its test accuracies, one a seed.",
        )
        finished(dict(found), "Some strategies have no numbers yet.")
        expect(
            set(found) == set(world.strategies),
            f"The dict needs the strategies {', '.join(world.strategies)}; yours has "
            f"{', '.join(map(str, found)) or 'none'}.",
        )
        world.judge()
        for name in world.strategies:
            expect_close(
                found[name],
                world.right(name),
                wrong=world.wrong(name),
                what=f"The test accuracies of {name!r}",
            )


in_words(
    "06-6",
    title="A colleague's claim",
    difficulty="easy",
    minutes=10,
    trains="saying what is wrong with a comparison, and what would mend it",
    hints=[
        "There are three separate faults. One is about which data chose the setting.",
        "How would the table look with another split? And is it the two scores that matter, or "
        "their difference?",
    ],
    draft={
        "a": Sentence(
            "If the test sentences chose among the 25 settings, the score is too good.",
            True,
            "The best of many noisy scores is high partly by luck.",
        ),
        "b": Sentence(
            "Ask what the baseline was allowed: as many tries, and a bias for each task.",
            True,
            "A baseline with fewer tries or without a task bias is beaten for the wrong reason.",
        ),
        "c": Sentence(
            "One split is one draw: repeat it over many seeds.",
            True,
            "Another split gives other scores; many of them show how much is luck.",
        ),
        "d": Sentence(
            "Report the best setting of the training sentences instead.",
            False,
            "The training sentences always prefer the least penalty. Validation sentences must "
            "choose.",
        ),
        "e": Sentence(
            "If RAG leads in the best of ten seeds, the claim holds.",
            False,
            "Picking the best seed is choosing on the test sentences once more.",
        ),
        "f": Sentence(
            "The intervals of the two means overlap, so there is no difference.",
            False,
            "The two share their draws. Look at the interval of the paired difference.",
        ),
    },
    model="Which sentences chose among the 25 settings? If the test set did, the score is too "
    "good: choose on validation data. And one split may be luck. Repeat it over ten or more "
    "seeds, the same for both, and report the paired difference with its interval. I would also "
    "ask for a baseline with a bias per task.",
    tempting="3.5 points are a large difference, and the test set was kept apart from training. "
    "If you doubt it, show me the seed with the largest lead.",
    flaw="A set that chooses is no longer a test set, whether or not it was trained on. And the "
    "best seed is chosen by luck.",
    rubric=[
        "the test set chose the setting; a validation set must",
        "one split is one draw of luck; many seeds show how much",
        "the paired difference with its interval, not two single scores",
        "asks what the baseline was allowed: as many tries, as many parameters, a bias for each "
        "task",
    ],
)
