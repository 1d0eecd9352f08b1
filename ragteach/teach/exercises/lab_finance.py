"""Milestones of the finance lab: an alert on the share of bad news, with a classifier in between."""

import numpy as np

from ragteach.teach.checks import call, exercise, expect, expect_close, finished
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_lab_finance as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ lab_finance-1


@exercise(
    "lab_finance-1",
    title="A limit for one look",
    difficulty="easy",
    minutes=10,
    trains="turning a rate of false alarms into a limit",
    hints=[
        "The count of negatives among n headlines is binomial, as long as nothing happens.",
        "scipy.stats.binom.sf(c - 1, n, share) is P(count >= c): sf(c) would be P(count > c).",
        "Go through c = 0, 1, 2, ... and return the first with P(count >= c) <= rate.",
    ],
    reference=answers.limit,
    reason="A count is a whole number, so the rate is kept, and mostly not used up.",
)
def limit(yours):
    """(n, share, rate) -> the smallest count that is reached with probability at most rate."""
    from scipy import stats

    # of the first two the limits of the normal curve, Poisson's and half the rate's are all others
    for n, share, rate in ((50, 0.08, 0.0001), (300, 0.3, 0.02), (20, 1 / 3, 0.01)):
        right = answers.limit(n, share, rate)
        mean = n * share
        sd = (n * share * (1 - share)) ** 0.5
        found = call(yours, n, share, rate)
        finished(found, "Return the count.")
        expect_close(
            found,
            right,
            wrong=[
                (
                    right - 1,
                    "One too few: this count itself is reached more often than the rate allows. An "
                    "alarm sounds at count >= c, so ask for P(count >= c).",
                ),
                (right + 1, "One too many: with one headline less the rate is still kept."),
                (
                    answers.limit(n, share, rate / 2),
                    "Half the rate, as if too few negatives gave an alarm too. Only many do: one "
                    "side.",
                ),
                *(
                    (
                        curve,
                        "That is the normal curve's limit. A count of a few headlines is binomial: "
                        "use its own probabilities.",
                    )
                    for curve in _whole(
                        mean + stats.norm.ppf(1 - rate) * sd, mean + stats.norm.isf(rate / 2) * sd
                    )
                ),
                (
                    stats.poisson.isf(rate, mean) + 1,
                    "That is Poisson's limit, for events that are rare. Here each of n headlines is "
                    "negative or not: ask the binomial distribution.",
                ),
                (right / n, "As a count of headlines, not as a share of them."),
                (mean, "That is the usual count itself: it is reached every second time."),
                (
                    stats.binom.ppf(rate, n, share),
                    "That is the low end: few negatives are no alarm.",
                ),
                *(
                    (
                        ends,
                        "A number of standard deviations is no rate. Ask the binomial distribution.",
                    )
                    for ends in _whole(mean + 2 * sd, mean + 1.96 * sd)
                ),
            ],
            what=f"The limit for n = {n}, share = {share:.2f}, rate = {rate}",
            rtol=0,
            atol=1e-6,
        )


def _whole(*limits):
    """Some limits as they are, and as counts: cut, rounded, rounded up, corrected by a half."""
    return {
        count
        for limit in limits
        for moved in (limit, limit + 0.5, limit - 0.5)
        for count in (moved, np.floor(moved), np.round(moved), np.ceil(moved))
    }


# ------------------------------------------------------------------ lab_finance-2


@exercise(
    "lab_finance-2",
    title="CUSUM",
    difficulty="medium",
    minutes=15,
    trains="an alert that remembers",
    hints=[
        "Start every stream at S = 0. Go through the days, all streams at once.",
        "Each day S grows by counts - k, and never falls below 0.",
        "S = np.maximum(0, S + counts[:, day] - k), kept for every day.",
    ],
    reference=answers.cusum,
    reason="On usual days counts - k is negative and S lies at 0; in a surge it is positive, and S "
    "climbs day by day.",
)
def cusum(yours):
    """(counts (n_streams, n_days), k) -> S (n_streams, n_days)."""
    counts = np.array(
        [[5, 9, 2, 8, 8, 9, 4, 1], [3, 2, 9, 9, 1, 7, 10, 8], [7, 7, 7, 6, 6, 12, 0, 9]]
    )
    k = 6.5
    step = counts - k
    late = np.zeros(counts.shape)
    late[:, 1:] = answers.cusum(counts, k)[:, :-1]
    unkept = np.zeros(counts.shape)
    S = np.zeros(3)
    for day in range(counts.shape[1]):
        S = np.maximum(0, S) + step[:, day]
        unkept[:, day] = S
    expect_close(
        call(yours, counts, k),
        answers.cusum(counts, k),
        wrong=[
            (
                np.cumsum(step, 1),
                "This sum may fall without end: a quiet year then hides a surge. Keep S at 0 or "
                "above, every day.",
            ),
            (
                np.maximum(0, np.cumsum(step, 1)),
                "The 0 comes in at the end only. Each day's S starts from yesterday's S after it "
                "was kept at 0.",
            ),
            (np.maximum(0, step), "Every day by itself: yesterday's S is missing."),
            (
                np.cumsum(np.maximum(0, step), 1),
                "Good days must bring S down: cut the sum at 0, not each day's step.",
            ),
            (
                unkept,
                "S itself falls below 0 here. The maximum goes round all of it: max(0, S + counts "
                "- k).",
            ),
            (np.cumsum(counts, 1), "k is never subtracted."),
            (late, "One day late: today's S has today's count in it."),
            (
                answers.cusum(counts.T, k).T,
                "Days run along the second axis: counts[:, day] is one day of all streams.",
            ),
            (
                answers.cusum(2 * k - counts, k),
                "This climbs when there are few negatives: counts - k, not k - counts.",
            ),
            (
                answers.cusum(counts, counts.mean(1, keepdims=True)[:, 0]),
                "k is given; do not take the mean of the counts for it: a surge would raise it.",
            ),
        ],
        what="S",
    )
    said = call(yours, counts.astype(float), k)
    expect_close(said, answers.cusum(counts, k), what="S of the same counts, as decimals")


# ------------------------------------------------------------------ lab_finance-3


@exercise(
    "lab_finance-3",
    title="A level for a whole quarter",
    difficulty="medium",
    minutes=12,
    trains="setting the rate of false alarms of a rule that looks every day",
    hints=[
        "A quiet quarter has a false alarm if its highest S reaches the level: highest >= level.",
        "Only values that occur in highest need to be tried, the smallest first.",
        "Return the first h of np.unique(highest) with np.mean(highest >= h) <= rate.",
    ],
    reference=answers.level,
    reason="The rate belongs to the quarter, however often you look in it: that is what an owner "
    "of the alarm hears.",
)
def level(yours):
    """(highest (n_streams,), rate) -> the smallest level that at most a share rate of the streams
    reaches.
    """
    for seed, rate in ((3, 0.05), (4, 0.1), (5, 0.05)):
        rng = np.random.default_rng(seed)
        highest = np.floor(rng.gamma(6, 1.0, 400)) + 0.5
        if seed == 5:
            highest = highest.astype(int)  # as the counts of a day
        right = answers.level(highest, rate)
        mine = as_array(call(yours, highest, rate))
        expect(mine.shape == (), f"Return one number, the level; yours has shape {mine.shape}.")
        reached = float(np.mean(highest >= mine))
        below = highest[highest < right].max()
        if reached <= rate and np.isclose(mine, below):
            continue  # a hair above the largest value that too many reach: smaller is none
        known = [
            (
                np.quantile(highest, 1 - rate),
                "That quantile is itself reached, by all who share it: count highest >= level.",
            ),
            (
                np.quantile(highest, rate),
                "That is the low end: nearly all quiet quarters reach it. Take the high one.",
            ),
            (
                highest.mean() + 2 * highest.std(),
                "Two standard deviations say nothing of a rate here: count the quarters.",
            ),
            (
                highest.max(),
                "The highest of all quiet quarters: it keeps the rate, and makes surges wait. A "
                "smaller level keeps it too.",
            ),
            (np.mean(highest >= right), "That is a share of quarters; the level is asked for."),
        ]
        for value, message in known:
            expect(not np.isclose(mine, value), message, mine, right)
        expect(
            reached <= rate,
            f"{reached:.1%} of the quiet quarters reach your level of {float(mine):g}: more than "
            f"{rate:.0%}.",
            mine,
            right,
        )
        best = float(np.mean(highest >= right))
        expect(
            np.isclose(reached, best),
            f"Your level of {float(mine):g} is reached by {reached:.1%} only; a smaller one keeps "
            f"{rate:.0%} too, and sees surges sooner.",
            mine,
            right,
        )


# ------------------------------------------------------------------ lab_finance-4


@exercise(
    "lab_finance-4",
    title="How long it takes (an experiment with surges)",
    difficulty="medium",
    minutes=15,
    trains="measuring a delay without flattering it",
    hints=[
        "A stream with an alarm before the surge had a false alarm: drop it, the answer is shorter.",
        "Of the others look at alarms[quiet, start:]: column start is the first day of the surge, "
        "which counts as 1.",
        "argmax(1) + 1 where after.any(1), else NaN: argmax of a row without True is 0.",
    ],
    reference=answers.delays,
    reason="A stream that never gives an alarm has no delay, and must not vanish: report the share "
    "found beside the mean.",
)
def delays(yours):
    """(alarms (n_streams, n_days), start) -> days from the start to the alarm, NaN for none; of the
    streams that are quiet before the start.
    """
    rng = np.random.default_rng(8)
    start = 4
    alarms = rng.random((30, 14)) < 0.07
    alarms[:3] = False  # never found
    alarms[3, 1:3] = True  # a false alarm
    alarms[4] = False
    alarms[4, start] = True  # found on the first day
    right = answers.delays(alarms, start)
    mine = as_array(call(yours, alarms, start)).astype(float)
    n_found = int(np.isfinite(right).sum())
    expect(
        mine.shape != (len(alarms),),
        "Streams with an alarm before the surge are still in: that alarm was a false one, and they "
        "cannot be asked how soon. Drop them, so that the answer is shorter: the cell below counts "
        "each NaN as a surge that was not found.",
    )
    expect(
        mine.shape != (n_found,),
        "Streams without any alarm have vanished. Keep them, as NaN: a delay of those that were "
        "found flatters.",
    )
    expect(mine.shape != (), "Return the delay of every stream, not their mean.")
    expect(
        mine.shape == right.shape,
        f"{right.shape[0]} streams are quiet until the surge; yours has shape {mine.shape}.",
    )
    missing = np.isnan(right)
    never = alarms.shape[1] - start
    expect(
        not np.isclose(mine[missing], 1).all(),
        "Streams without an alarm are said to be found on the first day. (If you used argmax: of a "
        "row without True it is 0.)",
    )
    expect(
        not np.isin(mine[missing], [never, never + 1]).all(),
        "Streams without an alarm got the length of the period. They were not found at all: NaN.",
    )
    expect(np.isnan(mine[missing]).all(), "NaN for streams without any alarm.")
    there = ~missing
    expect(
        np.isfinite(mine[there]).all(),
        "Some streams that do have an alarm in the surge came out as NaN: a delay is a number of "
        "days.",
    )
    expect_close(
        mine[there],
        right[there],
        wrong=[
            (right[there] - 1, "The first day of the surge counts as 1, not as 0."),
            (right[there] + start, "Counted from day 0. Subtract the start of the surge."),
            (
                right[there] + start - 1,
                "That is the number of the day. Subtract the start, and count the first day as 1.",
            ),
            (
                alarms[~alarms[:, :start].any(1), start:].sum(1)[there],
                "That is how many alarms there are; the first one's day is asked for.",
            ),
        ],
        what="The delays",
    )


# ------------------------------------------------------------------ lab_finance-5


@exercise(
    "lab_finance-5",
    title="What a classifier makes of a share",
    difficulty="medium",
    minutes=12,
    trains="following errors of a classifier into what is built on it",
    hints=[
        "Rows are the truth. Of the truly negative headlines, what share is called negative?",
        "And of all others together: confusion[1:, 0].sum() / confusion[1:].sum().",
        "share * hit + (1 - share) * false.",
    ],
    reference=answers.said_share,
    reason="The slope is hit - false: a surge of 10 points looks like 10 (hit - false) points, and "
    "the alarm waits longer.",
)
def said_share(yours):
    """(share, confusion) -> the share of headlines that is called negative."""
    for share, confusion in (
        (0.3, np.array([[60, 25, 15], [10, 50, 20], [4, 6, 30]])),
        (0.6, np.array([[21, 5, 4], [9, 40, 1], [8, 12, 50]])),
    ):
        right = answers.said_share(share, confusion)
        rows = confusion / confusion.sum(1, keepdims=True)
        hit = rows[0, 0]
        false = confusion[1:, 0].sum() / confusion[1:].sum()
        precision = confusion[0, 0] / confusion[:, 0].sum()
        expect_close(
            call(yours, share, confusion),
            right,
            wrong=[
                (
                    answers.said_share(share, confusion.T),
                    "Rows are the truth, columns what was said: yours has them exchanged.",
                ),
                (share * hit, "Others are called negative too, by mistake: their part is missing."),
                (share * hit + false, "False ones come from the others only: times (1 - share)."),
                (
                    share * hit + (1 - share) * rows[1:, 0].sum(),
                    "The two other classes are one group here: their rates do not add up.",
                ),
                (
                    share * hit + (1 - share) * rows[1:, 0].mean(),
                    "The two other classes are not equally frequent: put their headlines together, "
                    "then divide.",
                ),
                (
                    share * precision + (1 - share) * false,
                    "That is the precision, which belongs to what was said. Divide by the row, the "
                    "truth.",
                ),
                (
                    share * np.trace(confusion) / confusion.sum(),
                    "The accuracy mixes all classes. Take the rates of the negative ones, and of "
                    "the others.",
                ),
                (
                    share * hit + (1 - share) * (1 - false),
                    "The others are called negative at the rate false, not 1 - false.",
                ),
                (
                    confusion[:, 0].sum() / confusion.sum(),
                    "That is what was said on validation. The true share is another one here.",
                ),
                (100 * right, "As a share, not in per cent."),
            ],
            what=f"The share called negative, of {share} that are",
        )


# ------------------------------------------------------------------ lab_finance-6

in_words(
    "lab_finance-6",
    title="The report",
    difficulty="hard",
    minutes=25,
    trains="saying what an alarm promises, and what the classifier in front of it costs",
    hints=[
        "A rate of what: of looks, of quarters, of alarms?",
        "Which numbers know the classifier's errors, and which only the simulated surges?",
    ],
    draft={
        "a": Sentence(
            "RAG is of no clear use for the three tasks: its paired intervals against independent "
            "models and full sharing hold zero.",
            True,
            "From scikit-learn's best it cannot be told either.",
        ),
        "b": Sentence(
            "Each look has a false-alarm rate of 5 %, so one quiet quarter in twenty has a false "
            "alarm.",
            False,
            "A quarter has sixty looks. At 5 % each most quiet quarters have a false alarm.",
        ),
        "c": Sentence(
            "CUSUM found the surge to a half after five days, so the fund will know within a week.",
            False,
            "That was a perfect reader. With the classifier it takes several times as long.",
        ),
        "d": Sentence(
            "The classifier's errors raise the level, but the delay stays, since surge and quiet "
            "are misread alike.",
            False,
            "The surge shrinks by hit - false while the noise stays: the delay grows several "
            "times.",
        ),
        "e": Sentence(
            "To know what is usual, the feed's own quiet days are better than the confusion on "
            "validation.",
            True,
            "They are more headlines, of the same kind, and need no label.",
        ),
        "f": Sentence(
            "If stories make several headlines a day, the false-alarm rate that was set on "
            "independent ones does not hold.",
            True,
            "With a correlation of 0.05 about half of the quiet quarters had a false alarm.",
        ),
    },
    model="On the held-out headlines, mean of the three tasks, RAG is right in .52 [.48, .56] of "
    "the cases. RAG minus independent models is +.005 [-.019, .028], minus full sharing -.009 "
    "[-.029, .011], and from scikit-learn's best it cannot be told either: no use for RAG. For "
    "sentiment in six trades full sharing is ahead of independent models by 21 points [6, 36], "
    "over four re-splits; RAG adds nothing that can be seen to that, +0.3 points [-5, 6]. The "
    "alarm was tested on 4,000 other quiet quarters: 4.5 % [3.9, 5.2] have a false alarm. A surge "
    "from a third to a half is found after 5.1 days, [5.0, 5.2], by a perfect reader, and after 30 "
    "days, [29.0, 30.5], six weeks of trading, through the classifier, which calls half of the "
    "negative held-out headlines negative. A level set by validation's rates failed on other "
    "headlines: 28 % [26, 29] of the quiet quarters had a false alarm. I would set it on a quiet "
    "year of the feed itself. All headlines were composed by a language model, without stories: if "
    "two of a day are alike by .05, 50 % [49, 52] of the quiet quarters have a false alarm, so "
    "that year must have the clusters of real quiet. What would change my mind: labelled headlines "
    "of a real feed on which RAG beats independent models by a paired interval above zero.",
    tempting="The alarm has a false-alarm rate of 5 % and finds a surge within five days. RAG "
    "reads sentiment, topic and event together, and is as good as any rival, so one model should "
    "be used for all.",
    flaw="Five days belong to a reader without errors; the rate to independent headlines and a "
    "level that was set on the very feed. And 'as good as' is no reason for the more complicated "
    "model.",
    rubric=[
        "says plainly whether RAG is of use, by paired intervals, for both kinds of task",
        "gives the false-alarm rate of a period, and how it was tested",
        "gives the delay with the classifier, not only that of a perfect reader, with an interval",
        "says how the level was set, and why not by validation",
        "says who wrote the headlines, and what clusters would do",
        "says what would change your mind",
    ],
)
