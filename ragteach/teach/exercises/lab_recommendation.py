"""Milestones of the recommendation lab: readers as tasks, and lists instead of classes."""

import numpy as np

from ragteach.teach.checks import call, exercise, expect, expect_close
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_lab_recommendation as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ lab_recommendation-1


@exercise(
    "lab_recommendation-1",
    title="What a list is worth",
    difficulty="medium",
    minutes=15,
    trains="measuring the top of a list, not all of it",
    hints=[
        "Put the gains 2^rating - 1 into the order of the scores, the highest score first; keep k "
        "of them.",
        "Divide place i (the first is 1) by log2(i + 1) and add up.",
        "The best list has the gains in falling order. Divide by the same sum for it.",
    ],
    reference=answers.ndcg,
    reason="A 5 in the tenth place counts as much as a 5 in the first, divided by log2(11): what "
    "nobody scrolls to is worth little. The best list has 1, whatever the reader's taste.",
)
def ndcg(yours):
    """(ratings, scores, k) -> nDCG@k."""
    for ratings, scores, k in (
        (np.array([3, 5, 1, 4, 2, 5]), np.array([0.3, 0.1, 0.9, 0.8, 0.2, 0.5]), 3),
        (np.array([2, 1, 4, 3, 5]), np.array([4.0, 1.0, 2.0, 3.0, 0.5]), 4),
    ):
        gains = 2.0**ratings - 1
        order = np.argsort(-scores)

        def dcg(values, k=k, shift=2):
            kept = np.asarray(values, dtype=float)[:k]
            return (kept / np.log2(np.arange(shift, len(kept) + shift))).sum()

        mine = gains[order]
        best = np.sort(gains)[::-1]
        flat = mine[:k].sum() / best[:k].sum()
        linear = dcg(ratings[order]) / dcg(np.sort(ratings)[::-1])
        powers = dcg(2.0 ** ratings[order]) / dcg(np.sort(2.0**ratings)[::-1])
        right = dcg(mine) / dcg(best)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = call(yours, ratings, scores, k)
        expect(
            np.size(found) != 1 or not np.isnan(np.ravel(found)[0]),
            "Yours is nan. log2(1) is 0: is the first place divided by it? Divide place i by "
            "log2(i + 1).",
        )
        expect_close(
            found,
            right,
            wrong=[
                (
                    dcg(mine),
                    "That is DCG. Divide by what the best list has, or no two readers can be "
                    "compared.",
                ),
                (
                    linear,
                    "The gain of an item is 2^rating - 1, not the rating: a 5 is worth 31, a 1 is "
                    "worth 1.",
                ),
                (powers, "The gain is 2^rating - 1; the 1 is missing."),
                (flat, "Every place counts the same here. Divide place i by log2(i + 1)."),
                (
                    dcg(mine[::-1]) / dcg(best),
                    "Your list begins with the lowest score. The highest comes first.",
                ),
                (
                    dcg(mine, len(mine)) / dcg(best, len(best)),
                    "All items are in it. Only the first k are seen.",
                ),
                (
                    dcg(mine) / dcg(np.sort(mine[:k])[::-1]),
                    "The best list is made of all items, not only of the k that you chose: what "
                    "you left out counts against you.",
                ),
                (dcg(mine) / dcg(best, len(best)), "The best list is cut after k places too."),
                (
                    dcg(mine, shift=3) / dcg(best),
                    "The first place has i = 1: divided by log2(2), which is 1.",
                ),
                (
                    dcg(gains) / dcg(best),
                    "The items are still in the order they came in. Sort by the scores.",
                ),
                (100 * right, "As a share, not in per cent."),
            ],
            what="nDCG@k",
        )


# ------------------------------------------------------------------ lab_recommendation-2


@exercise(
    "lab_recommendation-2",
    title="What everybody likes",
    difficulty="medium",
    minutes=12,
    trains="a baseline that many published recommenders did not beat",
    hints=[
        "Some readers like everything: take each reader's own mean (np.nanmean over their row) out "
        "first.",
        "Add up over readers, item by item; what nobody rated adds nothing: np.nansum.",
        "Divide by (how many rated it + prior), so that one lucky 5 is no bestseller.",
    ],
    reference=answers.popularity,
    reason="The prior counts as so many readers who found the item average. An item that nobody "
    "rated gets 0: average.",
)
def popularity(yours):
    """(ratings with nan, prior) -> the shrunk mean of what is above each reader's own mean."""
    gap = np.nan
    ratings = np.array(
        [[5, 4, gap, 3, gap], [1, gap, 4, gap, gap], [2, 1, gap, 3, gap], [5, 3, 2, gap, gap]]
    )
    prior = 2.0
    n = np.isfinite(ratings).sum(0)
    own = np.nanmean(ratings, 1, keepdims=True)
    above = ratings - own
    everybody = ratings - np.nanmean(ratings)
    right = answers.popularity(ratings, prior)
    unrated = np.where(n == 0, gap, np.nansum(above, 0) / np.maximum(n, 1))
    found = as_array(call(yours, ratings, prior))
    expect(
        found.shape != (4,),
        "That is a number for each reader. Add up over readers: one number for each item.",
    )
    expect(
        np.isfinite(found).all() or found.shape != (5,),
        "An item that nobody rated has nan. Add the prior to the count, and it is 0: average.",
    )
    expect_close(
        found,
        right,
        wrong=[
            (
                np.nansum(ratings, 0) / (n + prior),
                "Readers who like everything lift whatever they rate. Take each "
                "reader's mean out first.",
            ),
            (
                np.nansum(everybody, 0) / (n + prior),
                "You took out one mean for all. Each reader has their own.",
            ),
            (
                np.nan_to_num(unrated),
                "No prior: one 5 makes a bestseller. Divide by the count plus the prior.",
            ),
            (
                np.nansum(above, 0),
                "That is a sum: what many rated wins. Divide by the count plus the prior.",
            ),
            (
                np.nansum(above, 0) / (len(ratings) + prior),
                "You divide by all readers, also those who did not rate "
                "it. Count the ratings of each item.",
            ),
            (n.astype(float), "That is how many rated it, not how much they liked it."),
            (
                (np.nansum(above, 0) + prior) / (n + prior),
                "The prior is so many ratings of 0, average: it stands below the line only.",
            ),
            (
                np.nansum(np.nan_to_num(ratings) - np.nan_to_num(ratings).mean(1, keepdims=True), 0)
                / (n + prior),
                "Unrated is not 0: that would say they hated it. Keep nan, and use nanmean and "
                "nansum.",
            ),
            (
                np.nansum(above, 0) / np.maximum(n, 1) + prior,
                "The prior is added to the count, below the line.",
            ),
        ],
        what="The popularity",
    )


# ------------------------------------------------------------------ lab_recommendation-3


@exercise(
    "lab_recommendation-3",
    title="A new reader (a derivation, then two lines)",
    difficulty="medium",
    minutes=15,
    trains="reading an adapter as a correction of what all have in common",
    hints=[
        "What w_s leaves over of the ratings is ratings - x @ shared. The adapter has to explain "
        "that, at a price.",
        "Minimise |left - x a|^2 / (2 n) + lam / 2 |a|^2: set the gradient to zero.",
        "(x'x / n + lam I) a = x' left / n; np.linalg.solve.",
    ],
    reference=answers.new_adapter,
    reason="With no ratings a = 0, and the reader gets what all like. The first rating tells their "
    "mean only; each further one moves them, by as much as lam allows.",
)
def new_adapter(yours):
    """(x, ratings, shared, lam) -> a of a reader who was not trained with."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(7, 4))
    x = x - x.mean(0)
    ratings = x @ np.array([1.0, -2.0, 0.5, 0.0]) + rng.normal(size=7)
    ratings = ratings - ratings.mean()
    shared = np.array([0.8, 0.3, -0.4, 1.0])
    lam = 0.6
    n = 7
    left = ratings - x @ shared
    one = np.eye(4)

    def solved(target=left, above=n, below=n, price=lam):
        return np.linalg.solve(x.T @ x / above + price * one, x.T @ target / below)

    right = solved()
    expect_close(
        call(yours, x, ratings, shared, lam),
        right,
        wrong=[
            (
                solved(ratings),
                "That is a taste learnt from nothing. Take out first what w_s explains already.",
            ),
            (shared + right, "That is w_s + a, the whole taste. The adapter alone is asked for."),
            (
                solved(price=0.0),
                "No price on the adapter: seven ratings are then learnt by heart. Where is lam?",
            ),
            (
                solved(above=1, below=1),
                "The squared errors are a mean, so x'x and x' left are divided by n. Without it "
                "lam weighs seven times less.",
            ),
            (solved(above=1), "x'x is divided by n too."),
            (solved(below=1), "x' left is divided by n too."),
            (
                solved(price=lam * n),
                "The n stands at both sides already: lam is not multiplied by it once more.",
            ),
            (solved(ratings + x @ shared), "What w_s explains is taken away, not added."),
            (solved(price=lam / 2), "The half of lam / 2 goes when you take the derivative."),
            (solved(price=1 / lam), "lam is the price, not its inverse."),
            (x.T @ left / n, "That is one step along the gradient. Solve the system."),
        ],
        what="The adapter",
    )


# ------------------------------------------------------------------ lab_recommendation-4


@exercise(
    "lab_recommendation-4",
    title="What was missed",
    difficulty="easy",
    minutes=8,
    trains="telling recall from precision",
    hints=[
        "liked = ratings >= 4.",
        "Put liked into the order of the scores, the highest first, and keep k.",
        "Divide how many are liked among them by how many are liked at all.",
    ],
    reference=answers.recall,
    reason="A reader with twenty favourites cannot have recall 1 in ten places. nDCG has no such "
    "ceiling.",
)
def recall(yours):
    """(ratings, scores, k) -> of the liked items, the share among the first k."""
    ratings = np.array([4, 4, 5, 5, 3, 2, 3, 5, 3])
    scores = np.array([0.8, 0.3, 0.7, 0.6, 0.2, 0.4, 0.9, 0.5, 0.1])
    k = 4
    order = np.argsort(-scores)
    liked = ratings >= 4
    hits = liked[order][:k].sum()
    n = liked.sum()
    expect_close(
        call(yours, ratings, scores, k),
        hits / n,
        wrong=[
            (hits / len(ratings), "Divide by how many are liked, not by how many there are."),
            (hits, "That is a number of items; divide by how many are liked."),
            (
                (ratings[order][:k] == 5).sum() / (ratings == 5).sum(),
                "Only fives? A 4 is liked too: ratings >= 4.",
            ),
            (
                (ratings[order][:k] >= 3).sum() / (ratings >= 3).sum(),
                "A 3 is not liked: ratings >= 4.",
            ),
            (
                liked[order][::-1][:k].sum() / n,
                "Your list begins with the lowest score. The highest comes first.",
            ),
            (100 * hits / n, "As a share, not in per cent."),
            (1 - hits / n, "That is what was missed."),
            (
                hits / k,
                "That is precision: of the k shown, how many are liked. Recall asks of the liked, "
                "how many are shown.",
            ),
            (
                liked[:k].sum() / n,
                "The items are still in the order they came in. Sort by the scores.",
            ),
        ],
        what="The recall",
    )


# ------------------------------------------------------------------ lab_recommendation-5

in_words(
    "lab_recommendation-5",
    title="The report",
    difficulty="hard",
    minutes=25,
    trains="saying under which condition a recommender wins, and who was never asked",
    hints=[
        "For each sentence: at which setting, for known or for new items, with how many ratings a "
        "reader?",
        "Who made the tastes, and of what?",
    ],
    draft={
        "a": Sentence(
            "In the lab's leaderboard popularity, which reads nothing, is clearly ahead of RAG on "
            "texts.",
            True,
            "RAG's paired interval against popularity lies below zero. All of that lead is on "
            "known items; on new ones RAG is ahead.",
        ),
        "b": Sentence(
            "Popularity is the best recommender for a book that came out today.",
            False,
            "Nobody rated it, so popularity gives it the same score as every other new item: no "
            "order at all.",
        ),
        "c": Sentence(
            "At 'half and half' and 20 ratings a reader, RAG on cards is ahead of full sharing and "
            "of a taste of their own for each.",
            True,
            "Both paired intervals over the six worlds lie above zero there.",
        ),
        "d": Sentence(
            "At 'half and half' and 60 ratings a reader W_s is still needed, for RAG is far ahead "
            "of independent tastes.",
            False,
            "With 60 ratings the two cannot be told apart: enough ratings of one's own replace "
            "what is shared.",
        ),
        "e": Sentence(
            "The likeness head makes the two other heads better, so three heads are better than "
            "one.",
            False,
            "The interval of the interest head with and without the others holds zero; and the "
            "likeness head is not seen to be better than the encoder's own cosine.",
        ),
        "f": Sentence(
            "These numbers say how the answer depends on the setting, not how good the list would "
            "be for people.",
            True,
            "The readers are simulated, and their tastes are made of the very labels that the "
            "cards guess.",
        ),
    },
    model="Sixty simulated readers, 20 ratings each. Popularity leads RAG on texts by six points of"
    " nDCG [3, 10]: on known items by 6 [3, 9], while on new ones, which nobody rated, RAG "
    "leads by 8 [5, 11]. At half and half cards lift RAG on known items by 12 [9, 15], on new"
    " ones by 5 [1, 8]; with popularity as one more feature it is six points ahead of "
    "popularity [4, 9], on known and on new items: I would build that. At half and half and "
    "20 ratings RAG on cards leads full sharing by 5 [3, 7] and independent tastes by 3 [2, "
    "4]. With one taste and few ratings adapters add nothing over full sharing, with own "
    "tastes and 60 ratings nothing over independent models: there RAG is of no use. A "
    "newcomer after two ratings gains 16 [11, 22] over a taste of their own, at half and "
    "half, but nothing over full sharing. Two more heads were not seen to help the interest "
    "(0.0 points [-6.6, 6.6]) or the traits (0.6 [-1.9, 3.1]), nor the likeness head to beat "
    "a plain cosine. A ranking head orders new items better than chance, by 8 points [0, 17], but "
    "is not seen to beat a regression head (0.9 [-1.5, 3.4]) or W_s (-0.4 [-3.4, 2.6]). Nobody "
    "real was asked: the sizes say nothing about people. What would "
    "change my mind: ratings of 60 people, dealt the same way, on which a taste for each "
    "reader on top of popularity is as good as RAG on top of popularity.",
    tempting="RAG wins: it beats the content profile and independent models clearly, also on new "
    "items. More heads give a richer representation. With 60 readers the result is representative "
    "of readers.",
    flaw="The strongest rival, popularity, is left out; the heads' gain has an interval that holds "
    "zero; and sixty simulated readers represent the simulator.",
    rubric=[
        "names the strongest rival for known items, with a paired interval",
        "tells known from new items, and new readers from old ones",
        "says at which setting and at how many ratings adapters earn their place, and where not",
        "says what the four heads brought, each of them",
        "says that the readers are simulated, and what that forbids to conclude",
        "says what would change your mind: a finding that could be made",
    ],
)
