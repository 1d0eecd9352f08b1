# %% [markdown]
# This is a **lab**: one open question, data, a baseline to beat, milestones that can be checked, and a report that you
# write. You need lessons 01, 07, 09 and 11.
#
# ## The brief
#
# A shop sells books, films and games. Each has a title and two lines of blurb. Sixty readers have rated twenty of them each, from
# 1 to 5. The shop wants a list of ten for everybody, and asks you:
#
# 1. One list for all, a model for each reader, or shared weights with an adapter a reader? *Is RAG any use here?*
# 2. What about a book that came out today, and a reader who came today?
# 3. Do three heads (what is it, which traits has it, what is it like) read a blurb better than one?
#
# **Nobody here is real.** A language model composed the 312 items. The readers are **simulated**: a taste is partly common to all, partly
# their own, and *you* can turn how much. So every claim below is asked at three settings. Read `datasets/recommendation/DATASHEET.md`
# before you believe one.
#
# **Your time.** About 110 minutes: sections 1 to 3 are 50 (take a break after them), sections 4 to 7 are 40, the report is 20.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
import torch
from ragteach.data.readers import (
    INTERESTS,
    SETTINGS,
    TRAITS,
    item_labels,
    load_items,
    simulate_readers,
)
from ragteach.labs.recommendation import N_HELD, deal, list_scores, rated
from ragteach.labs.recommenders import Popularity
from ragteach.labs.tastes import choose_tastes, taste_of
from ragteach.study import plots
from ragteach.study.experiment import interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect
from scipy.stats import spearmanr

lab = rt.lab("recommendation")
lab

# %% [markdown]
# `lab.train["reader 07"]` is a pair: texts, and ratings. Every reader is a **task**. Of the held-out items of a reader, twenty are *known*:
# others rated them. Twenty are *new*: nobody has. Validation has both kinds too, but its new items are others.
#
# ## 1. A list, and what it is worth

# %%
texts, stars = lab.train["reader 07"]
best = np.argsort(-stars)
for i in [*best[:3], *best[-2:]]:
    print(stars[i], texts[i][:96])

# %% [markdown]
# A class is right or wrong. A list is more or less right, and its top counts most. **nDCG@10** adds up the gains $2^r - 1$ of the first ten,
# each divided by $\log_2(i + 1)$ for place $i$, and divides by the sum of the best list.

# %%
card("lab_recommendation-1")


# %% tags=["exercise"]
def ndcg(ratings, scores, k):
    """ratings 1 .. 5 and scores of the same items -> nDCG@k, with gains 2^rating - 1."""
    ...  ### SOLUTION


check("lab_recommendation-1", ndcg)

# %% [markdown]
# The oracle is scikit-learn's `ndcg_score`; the lab's score uses it. A list without any order has about 0.43 here, so 0.43 is *nothing*.
#
# ## 2. What everybody likes
#
# The first recommender has no idea who you are.

# %%
card("lab_recommendation-2")


# %% tags=["exercise"]
def popularity(ratings, prior):
    """ratings (n_readers, n_items), nan where unrated -> (n_items,) how much better than a reader's mean, shrunk."""
    ...  ### SOLUTION


check("lab_recommendation-2", popularity)

# %% [markdown]
# **Predict.** RAG reads the blurbs: an encoder's 64 numbers are the features, $W_s$ is what all like, $A_t$ is what reader $t$ likes more. By the
# paired interval over readers, is RAG `"better"` than popularity, `"worse"`, or is there `"no clear difference"`?

# %%
### BEGIN SOLUTION
guess = "better"
### END SOLUTION
predict("lab_recommendation-a", guess)

# %%
board = lab.leaderboard(lab.baselines["RAG"], name="RAG")
reveal("lab_recommendation-a", board.verdict("popularity"))

# %%
board

# %% [markdown]
# **Worse.** RAG beats *content profile* and *independent* by far, and a report that stops there would praise it. It cannot be told from full sharing, and is
# behind popularity, which never read a line. Compare with the strongest rival. (*Matrix factorisation* is popularity with singular vectors on top: sixty
# readers with twenty ratings are too few to find any.)
#
# Now read the columns *known* and *new*. On known items popularity is ahead. On new ones it is worth as much as no order at all: nobody
# has rated them. That is the **cold start of an item**, and there the blurb is all that there is.
#
# ## 3. Three heads, one blurb
#
# The shop's people gave each known item one of eight interests and any of six traits. An older log of 200 other (simulated) readers tells for two items
# how their ratings go together: their likeness. Three kinds of answer, so three heads on one shared representation.
#
# **Predict.** Is the interest of unseen items read better with the two other heads beside it: `"yes"`, `"no"` or `"these draws cannot tell"`?

# %%
### BEGIN SOLUTION
guess = "yes"
### END SOLUTION
predict("lab_recommendation-b", guess)

# %%
items = load_items()
labels = item_labels(items)  # (n_items, 14): eight interests, six traits
opened = np.flatnonzero(items["part"] != "new")  # the held-out items are left alone
known = np.flatnonzero(items["part"] == "known")
reads = (8 * lab.features.transform(items["text"])).astype("float32")
older = simulate_readers(0.5, 200, seed=100)
likeness = np.corrcoef(older.ratings.T)  # (n_items, n_items)
HEADS = ("interest", "traits", "likeness")


def parts_of(rows, pairs):
    """What each head learns, or is measured by: task -> (x, y)."""
    left, right = pairs
    return {
        "interest": (reads[rows], labels[rows, :8].argmax(1)),
        "traits": (reads[rows], labels[rows, 8:]),
        "likeness": ((reads[left], reads[right]), likeness[left, right]),
    }


def train_heads(rows, names, seed):
    """A MultiHead with these heads, trained on the items of these rows."""
    left, right = np.random.default_rng(seed).choice(rows, (2, 4000))
    apart = left != right
    data = parts_of(rows, (left[apart], right[apart]))
    heads = {
        "interest": rt.Classification(len(INTERESTS)),
        "traits": rt.MultiLabel(len(TRAITS)),
        "likeness": rt.Similarity(8),
    }
    model = rt.MultiHead(64, {h: heads[h] for h in names}, n_hidden=32, seed=seed)
    rt.fit_heads(model, {h: data[h] for h in names}, epochs=120, lam=0.003, lam_shared=0.003,
                 progress=False)  # fmt: skip
    return model


def heads_measured(seed):
    """Accuracy of the interest (alone, with the others); Spearman of likeness (head, cosine of the encoder)."""
    mixed = np.random.default_rng(seed).permutation(opened)
    rows, fresh = mixed[:192], mixed[192:]
    i, j = np.triu_indices(len(fresh), 1)
    test = parts_of(fresh, (fresh[i], fresh[j]))
    alone = train_heads(rows, ["interest"], seed)
    three = train_heads(rows, HEADS, seed)
    cosine = (reads[fresh] @ reads[fresh].T)[i, j]
    return [
        alone.evaluate({"interest": test["interest"]})["interest"]["accuracy"],
        three.evaluate({"interest": test["interest"]})["interest"]["accuracy"],
        three.evaluate({"likeness": test["likeness"]})["likeness"]["spearman"],
        spearmanr(cosine, test["likeness"][1]).statistic,
    ]


heads = np.array([heads_measured(seed) for seed in range(4)])
middle, low, high = interval(100 * (heads[:, 1] - heads[:, 0]))
answer = "yes" if low > 0 else "no" if high < 0 else "these draws cannot tell"
reveal("lab_recommendation-b", answer)
print(
    f"interest alone {heads[:, 0].mean():.2f}, with two more heads {heads[:, 1].mean():.2f} (chance is .12)"
)
print(
    f"difference {middle:+.1f} points [{low:+.1f}, {high:+.1f}], four draws, one fixed penalty"
)
print(
    f"likeness of unseen pairs, Spearman: head {heads[:, 2].mean():.2f}, the encoder's own cosine {heads[:, 3].mean():.2f}"
)
print(
    "head minus cosine: {:+.2f} [{:+.2f}, {:+.2f}]".format(
        *interval(heads[:, 2] - heads[:, 3])
    )
)

# %% [markdown]
# No praise for three heads *as one another's help*. And the likeness head is not seen to be any better than the cosine of the encoder, which was never trained on these items:
# **say no to it**. But two heads give what no shop has for a new book: a *card*, eight chances of an interest and six of a trait, read from the blurb alone. (On a known item the card
# is nearly what the shop's people wrote, for the heads were trained on it. On a new one it is a guess.)

# %%
two = train_heads(known, HEADS[:2], seed=0)


def as_card(x):
    """Encoder's numbers -> (n_items, 14): chances of interests and traits, as the heads see them."""
    with torch.no_grad():
        x = torch.as_tensor(np.asarray(x, dtype="float32"))
        chances = torch.softmax(two(x, "interest"), 1), torch.sigmoid(two(x, "traits"))
        return torch.cat(chances, 1).numpy().astype(float)


cards = as_card(reads)
middle_card = cards[known].mean(0)
size = np.sqrt(((cards[known] - middle_card) ** 2).sum(1).mean())
cards = (cards - middle_card) / size
pd.DataFrame(
    as_card(reads[opened[:3]]), items["title"][opened[:3]], INTERESTS + TRAITS
).round(2)

# %% [markdown]
# ## 4. Where adapters earn their name
#
# Sixty tasks. Now all in one experiment: the taste is a row of weights on a card, $w_t = w_s + a_t$; few or many ratings a reader; three settings of the
# simulator; six worlds for each, every world with new tastes, new worths and new ratings.
#
# **Predict.** At *half and half* and 20 ratings a reader, which is best by its mean: `"RAG"`, `"full sharing"` or `"independent"`? (And at 60?)

# %%
### BEGIN SOLUTION
guess = "RAG"
### END SOLUTION
predict("lab_recommendation-c", guess)

# %%
WAYS = ("RAG", "full sharing", "independent")
RATINGS = (5, 10, 20, 60)
words = items["text"].to_numpy(object)


def world(common, n_rated, seed, x=cards, ways=WAYS):
    """Mean nDCG@10 over 60 readers, {way: (all, known, new)}, in one simulated world."""
    readers = simulate_readers(common, 60, seed, items)
    dealt = deal(60, n_rated, seed, items)
    train, val, held = (rated(part, readers, x) for part in dealt)
    found = {
        way: list_scores(choose_tastes(train, val, way), held).mean(0) for way in ways
    }
    train, _, held = (rated(part, readers, words) for part in dealt)
    return found | {"popularity": list_scores(Popularity(train), held).mean(0)}


worlds = {
    (setting, n): [world(common, n, seed) for seed in range(6)]
    for setting, common in SETTINGS.items()
    for n in RATINGS
}


def values(setting, n, way, which=0):
    """(n_worlds,) of one way; which: 0 all items, 1 known, 2 new."""
    return np.array([found[way][which] for found in worlds[setting, n]])


means = {way: values("half and half", 20, way).mean() for way in WAYS}
reveal("lab_recommendation-c", max(means, key=means.get))

# %%
STYLE = {"RAG": ("#0072B2", "o", "-"), "full sharing": ("#D55E00", "s", "--"),
         "independent": ("#009E73", "^", "-."), "popularity": ("#767676", "x", ":")}  # fmt: skip
fig, axes = plt.subplots(1, 3, figsize=(9.4, 3.1), dpi=90, sharey=True)
for ax, setting in zip(axes, SETTINGS, strict=True):
    for way, (color, marker, line) in STYLE.items():
        ends = np.array([interval(values(setting, n, way)) for n in RATINGS])
        ax.plot(RATINGS, ends[:, 0], line, color=color, marker=marker, label=way)
        ax.fill_between(RATINGS, ends[:, 1], ends[:, 2], color=color, alpha=0.12)
    ax.set(xscale="log", title=setting, xlabel="ratings a reader")
    ax.set_xticks(RATINGS, RATINGS)
    ax.minorticks_off()
axes[0].set_ylabel("nDCG@10, all held-out items")
axes[2].legend(fontsize=8, loc="upper left")
plots.show(
    fig,
    alt="Learning curves of nDCG@10 over ratings a reader, in three panels, with 95 % bands over six worlds. One taste: RAG and full sharing lie "
    "together, independent climbs from below. Half and half: RAG is on top at every number of ratings; independent reaches it at 60. Own tastes: "
    "RAG and independent lie together, full sharing and popularity stay low.",
)

# %% [markdown]
# A mean on top is no evidence. RAG minus its two limits, world by world:

# %%
rows = []
for setting in SETTINGS:
    for n in RATINGS:
        row = {"setting": setting, "ratings": n}
        for way in ("full sharing", "independent"):
            gap = 100 * (values(setting, n, "RAG") - values(setting, n, way))
            mean, low, high = interval(gap)
            row[f"RAG minus {way}"] = (
                f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]" + " *" * (low > 0 or high < 0)
            )
        rows.append(row)
pd.DataFrame(rows).set_index(["setting", "ratings"])

# %% [markdown]
# In points of nDCG; a star where the interval over six worlds leaves out zero. Twenty-four intervals: one star or so may be chance. The pattern is lesson
# 07's. RAG is nowhere behind one of its limits by as much as a point, and **ahead of both where a reader's own ratings say about as much as everybody's**: half and half at 10 and 20 ratings,
# own tastes at 5, one taste only at 60. There $W_s + A_t$ earns its name. Elsewhere say no: with one taste and few ratings full sharing is as good, with many ratings for the taste at hand independent
# models are. How much taste is common among people? That is a question for people, not for this notebook.
#
# ### Known and new items, cards and texts

# %%
rows = {}
for setting, common in SETTINGS.items():
    by_text = [
        world(common, 20, seed, reads.astype(float) / 8, ["RAG"])["RAG"]
        for seed in range(4)
    ]
    for which, kind in ((1, "known"), (2, "new")):
        rag = values(setting, 20, "RAG", which)
        gaps = {
            "popularity": rag - values(setting, 20, "popularity", which),
            "RAG on texts": rag[:4] - np.array(by_text)[:, which],
        }
        rows[setting, kind] = {
            rival: "{:+.1f} [{:+.1f}, {:+.1f}]".format(*interval(100 * gap))
            for rival, gap in gaps.items()
        }
print("RAG on cards minus ..., at 20 ratings")
pd.DataFrame(rows).T

# %% [markdown]
# On new items RAG is ahead of popularity at every setting. On known ones it depends on the setting, and with one taste for all popularity is as good: what everybody likes
# is then all there is to know, *with* the worth of an item that no blurb tells. And cards beat the encoder's own numbers on known items by far; on new ones,
# where a card is a guess, by much less. (The simulator made the tastes of these very labels. No shop's labels are what people's tastes are made of: for a shop the gain is smaller.)
#
# ## 5. A reader who came today
#
# $W_s$ is trained on 60 readers and stays. Twenty newcomers have rated 0, 1, 2 ... items. What is their adapter?

# %%
card("lab_recommendation-3")


# %% tags=["exercise"]
def new_adapter(x, ratings, shared, lam):
    """x (n, d) and ratings (n,) of a new reader, both centred; w_s (d,) -> the adapter a (d,)."""
    ...  ### SOLUTION


check("lab_recommendation-3", new_adapter)

# %%
FIRST = (0, 1, 2, 4, 8, 16)


def newcomers(common, seed):
    """nDCG@10 of 20 newcomers by how many items they rated: (RAG, on their own), (2, n_first)."""
    readers = simulate_readers(common, 80, seed, items)
    train, val, held = (
        rated(part, readers, cards) for part in deal(80, 20, seed, items)
    )
    old = list(train)[:60]
    model = choose_tastes({t: train[t] for t in old}, {t: val[t] for t in old})
    own = choose_tastes(
        {t: train[t] for t in old}, {t: val[t] for t in old}, "independent"
    )
    scores = np.zeros((2, len(FIRST)))
    for t in list(train)[60:]:
        x, stars = train[t]
        for k, n in enumerate(FIRST):
            for row, known_taste in enumerate((model, own)):
                taste = taste_of(known_taste, x[:n], stars[:n])
                scores[row, k] += (
                    reference("lab_recommendation-1")(
                        held[t][1], held[t][0] @ taste, 10
                    )
                    / 20
                )
    return scores


came = {
    s: np.array([newcomers(c, seed) for seed in range(4)]) for s, c in SETTINGS.items()
}
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.9), dpi=90, sharey=True)
for ax, (setting, found) in zip(axes, came.items(), strict=True):
    for row, way in ((0, "RAG"), (1, "independent")):
        color, marker, line = STYLE[way]
        ax.plot(
            FIRST, found[:, row].mean(0), line, color=color, marker=marker, label=way
        )
    ax.set(title=setting, xlabel="ratings of the newcomer")
axes[0].set_ylabel("nDCG@10")
axes[0].legend(fontsize=8, loc="lower right")
plots.show(
    fig,
    alt="nDCG@10 of newcomers over their number of ratings, 0 to 16, mean of four worlds. With one taste RAG starts high at 0 ratings and stays; half and "
    "half it starts lower and hardly rises before 16; with own tastes it starts lowest, and a taste learnt alone is as good from 4 ratings on. Alone, all start at no order.",
)
for setting, found in came.items():
    mean, low, high = interval(100 * (found[:, 0, 2] - found[:, 1, 2]))
    print(
        f"{setting}, after 2 ratings: RAG minus alone {mean:+.1f} points [{low:+.1f}, {high:+.1f}], 4 worlds"
    )

# %% [markdown]
# With no rating at all the newcomer gets $W_s$: *what all like, read from the card*. How much that is worth is the setting again. A model for each reader has nothing to say at 0. And the first
# ratings do not help RAG: its $\lambda$ was chosen for readers with twenty. (Choosing it for newcomers is an idea for your report.)
#
# ## 6. Yours
#
# nDCG looks at the top. The shop also asks: *of what I would have loved, how much did you show me?*

# %%
card("lab_recommendation-4")


# %% tags=["exercise"]
def recall(ratings, scores, k):
    """ratings and scores of the same items -> of those rated 4 or 5, the share among the first k."""
    ...  ### SOLUTION


check("lab_recommendation-4", recall)

# %% [markdown]
# Now build a recommender: a function `(texts, reader)` that gives a score to each text, or anything with `predict`. Choose on `lab.val`. Then score it, once. Ideas:
# cards in place of the encoder's numbers; *popularity as one more feature*, so that $W_s$ says how much to trust it and $A_t$ who does not; cards for known items, ...

# %%
### BEGIN SOLUTION
crowd = Popularity(lab.train)


class Both:
    """A card and the crowd's word: (n_items, 15)."""

    def transform(self, texts):
        x = 8 * lab.features.transform(texts)
        return np.c_[(as_card(x) - middle_card) / size, crowd.predict(texts)]


mine = choose_tastes(lab.train, lab.val, "RAG", features=Both())
### END SOLUTION
lab.leaderboard(mine, trained_on=lab.train)

# %% [markdown]
# Is your lead clear, on known *and* on new items? The list that the lab's RAG makes for one reader, of the items for trial, which nobody had rated:

# %%
taste = lab.baselines["RAG"]
trial = items[items["part"] == "trial"]
scores = taste.predict(trial["text"], "reader 07")
shown = trial.iloc[np.argsort(-scores)[:10]]
shown[["title", "kind", "interest", "traits"]].reset_index(drop=True)

# %% [markdown]
# ## 7. One slider, four readers
#
# Words are hard; labels are not. Here an item's text is its labels, and four simulated readers said like or not. **Your task:** move $\lambda$ until one reader's adapter
# contradicts $W_s$ on a label. Which label, which reader, and would you have shown them the common list?

# %%
four = simulate_readers(0.5, 4, seed=5, items=items)
tags = (items["kind"] + " " + items["interest"] + " " + items["traits"]).to_numpy()
tables = []
for u in range(4):
    liked = np.where(four.ratings[u, opened] >= 4, "like", "not")
    tables.append(
        pd.DataFrame({"text": tags[opened], "label": liked, "task": f"reader {u + 1}"})
    )
everything = pd.concat(tables).sample(frac=1, random_state=0)
cut = [everything.iloc[:160], everything.iloc[160:320], everything.iloc[320:]]
rt.widgets.sharing_slider(cut, lam=np.logspace(-4, 0, 9), lam_shared=0.003)

# %% [markdown]
# ## 8. Ratings of your own
#
# Any table with the columns `user`, `item` (a text that describes it) and `rating` is a lab. Change one line. (Here: eight of the simulated readers.)

# %%
chosen = list(lab.train)[:8]
MY_TABLE = pd.DataFrame(  # <- "mine.csv"
    [
        (u, text, r)
        for u in chosen
        for part in (lab.train, lab.val)
        for text, r in zip(*part[u], strict=True)
    ],
    columns=["user", "item", "rating"],
)
rt.lab("recommendation", data=MY_TABLE).leaderboard()

# %% [markdown]
# Eight users: the intervals are wide, and that is the honest answer.
#
# ## 9. The report
#
# First mark a colleague's sentences.

# %%
card("lab_recommendation-5")

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("lab_recommendation-5", marks)

# %% [markdown]
# Then write yours, 150 words: the answer to the three questions of the brief, with intervals. End with **what would change your mind?** Name a
# finding that somebody could make. No program judges it; `reflect` puts another answer beside it. Tick what yours has.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("lab_recommendation-5", text, ticks=[])

# %% [markdown] tags=["answer"]
# *What would change my mind?* Ratings of 60 real people, dealt the same way, on which RAG is ahead of popularity on known items by a paired interval above zero.

# %% [markdown]
# ## Recap
#
# - A recommender is judged by the top of its list, reader by reader, beside *popularity*: it was ahead of RAG on texts without reading a line.
# - Known items, new items and new readers are three questions. A mean over them hides the answer to each.
# - $W_s + A_t$ earns its name where a reader's own ratings say about as much as everybody's. With one taste full sharing is as good, with many ratings a taste of one's own.
# - Two heads read a card from a blurb, and RAG on cards beat RAG on texts. The third head, likeness, brought nothing; and no head was seen to help another.
# - Simulated readers tell how an answer depends on a setting. They never tell what people like.
#
# ## Sources
#
# - Järvelin and Kekäläinen (2002), *Cumulated gain-based evaluation of IR techniques*.
# - Koren, Bell and Volinsky (2009), *Matrix factorization techniques for recommender systems*.
# - Ferrari Dacrema, Cremonesi and Jannach (2019), *Are we really making much progress?* (on simple baselines that win).
# - Evgeniou and Pontil (2004), *Regularized multi-task learning*.
