# %% [markdown]
# This is a **lab**: one open question, data, a baseline to beat, milestones that can be checked, and a report that you
# write. You need lessons 01, 06 and 10.
#
# ## The brief
#
# An assistant at home must understand eight commands (turn on, turn off, set a light, start a timer, cancel it, volume, next title,
# temperature) in English, German, Spanish, Russian and Chinese. For each language there are sentences that *templates* made. The
# firm asks you:
#
# 1. One model for all languages, one for each, or shared weights with adapters? *Is RAG any use here?*
# 2. Words or letters? And which language helps which?
# 3. Dutch comes next, without a single labelled sentence. What will happen?
#
# **Your time.** About 105 minutes: sections 1 to 3 are 55 (take a break after them), sections 4 to 6 are 25, the report is 25. What is marked *bonus* comes on top.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
from ragteach.data.shares import wilson
from ragteach.data.sources.intents import (
    INTENTS,
    load_commands,
    load_handwritten_commands,
    split_by_template,
)
from ragteach.labs.baselines import word_features
from ragteach.labs.comparing import (
    difference,
    draw_gains,
    even_with_best,
    pair_gains,
    right_shares,
)
from ragteach.labs.languages import FIVE, by_language, handwritten_parts
from ragteach.labs.ridge import choose_ridge
from ragteach.study import plots
from ragteach.study.experiment import interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect
from scipy import stats
from sklearn.decomposition import TruncatedSVD
from sklearn.pipeline import make_pipeline

lab = rt.lab("languages")
lab

# %% [markdown]
# Training and validation are made by templates, in the words of people who wrote a grammar for an assistant. The held-out part is not: **40
# sentences a language were written by hand**. They are held out. Your *headline*, the number that you report first, comes from them. Sixteen more of the same kind are open, to look at.
# How they were made, and by whom, is in `datasets/languages/DATASHEET.md`: read it before you believe the headline. (The same forty ideas in every
# language: an idea and its translations count as one witness in each interval.)
#
# ## 1. A look

# %%
opened, _ = handwritten_parts()
rows = []
for language in FIVE:
    texts, number = lab.train[language]
    by_hand = opened[(opened["task"] == language) & (opened["label"] == "volume")]
    made = texts[number == list(INTENTS).index("volume")]
    rows.append((language, made[0], by_hand["text"].iloc[0]))
pd.DataFrame(rows, columns=["language", "volume, by a template", "volume, by hand"])

# %% [markdown]
# Templates also write odd sentences: the German one speaks of the heating and of the volume at once.
#
# ### A split that leaks
#
# Sentences of one template are near-twins: *set the volume to 9*, *set the volume to 73*. Deal them at random, and the test asks what was
# learnt by heart.

# %%
card("lab_languages-2")


# %% tags=["exercise"]
def leaked(train, test):
    """train, test: the template of each sentence -> the share of test sentences whose template was trained on."""
    ...  ### SOLUTION


check("lab_languages-2", leaked)

# %%
leaked = reference("lab_languages-2")
frame = load_commands(12, FIVE)
for n in (12, 30):  # sentences of each intent
    many = load_commands(n, FIVE).sample(frac=1, random_state=0)["template"]
    cut = len(many) * 3 // 4
    print(f"split by sentence, {n} each: {leaked(many[:cut], many[cut:]):.0%} leak")
train, val = split_by_template(frame)
print(f"split by template: {leaked(train['template'], val['template']):.0%} leak")

# %% [markdown]
# ## 2. Words or letters
#
# A bag of words needs words: something between spaces. Runs of two to four letters need less.

# %%
card("lab_languages-1")


# %% tags=["exercise"]
def letters(text, n):
    """text, n -> all runs of n letters within words; a space stands before and after each word."""
    ...  ### SOLUTION


check("lab_languages-1", letters)

# %% [markdown]
# **Predict.** Where do letters gain most over words, on the open sentences by hand: `"English"`, `"German"`, `"Spanish"`, `"Russian"` or
# `"Chinese"`?

# %%
### BEGIN SOLUTION
guess = "Chinese"
### END SOLUTION
predict("lab_languages-a", guess)

# %%
hand = by_language(opened)
found, hits = {}, {}
for name in ("word", "char"):
    features = word_features(lab.train, name)
    model = choose_ridge(
        lab.train, lab.val, "independent", n_classes=8, features=features
    )
    found[name, "templates"] = right_shares(model, lab.val)
    found[name, "by hand"] = right_shares(model, {t: hand[t] for t in FIVE})
    hits[name] = {t: model.predict(hand[t][0], t) == hand[t][1] for t in FIVE}
table = pd.DataFrame(found)
gaps = {t: hits["char"][t].astype(float) - hits["word"][t] for t in FIVE}
gain = pd.DataFrame({t: interval(gaps[t]) for t in FIVE}, ["mean", "from", "to"]).T
for column in gain:
    table["letters minus words, by hand", column] = gain[column]
reveal("lab_languages-a", gain["mean"].idxmax())

# %%
table.round(2)

# %% [markdown]
# Two things to see. **Templates flatter**: with letters about eight in ten are right on templates, and half on these sentences by hand; keep the held-out ones for the headline. And letters gain
# where words are hard to find: Chinese writes no spaces, so each clause is one "word" that never comes again. There alone the interval leaves out zero. German writes several words as one, and its gain
# would fit that story, but sixteen sentences cannot show it: one sentence more is a gain of six points, two are twelve.
#
# ## 3. Share or not?
#
# **Predict.** On the held-out sentences by hand, is RAG `"better"` than independent models, `"worse"`, or is there `"no clear difference"`?

# %%
### BEGIN SOLUTION
guess = "no clear difference"
### END SOLUTION
predict("lab_languages-b", guess)

# %%
board = lab.leaderboard(lab.baselines["RAG"], name="RAG")
reveal("lab_languages-b", board.verdict("independent"))

# %%
board

# %% [markdown]
# Read the last columns: RAG minus each rival, on the same sentences. RAG and independent models cannot be told apart. Full sharing is *ahead* of RAG: the
# interval lies below zero. Adapters, chosen on templates, gain nothing on sentences by hand. A guess why: a bag of letters in Russian shares nothing with
# one in German, so one matrix has room for all five, and what the adapters add is fitted to the wording of templates. (The interval knows that other
# sentences may be drawn. It does not know that other templates may be: this is one draw of them.)
#
# ### Who helps whom
#
# Every pair: one language alone, and with another one's sentences beside it. Measured on templates that nothing has seen, over four draws. All draws
# split one stock of templates again, so they are less than four witnesses. Hence lesson 06's corrected interval, which is wider: it adds
# `AGAIN`, the test sentences of a draw for each of its others, to $1/n$.

# %%
card("lab_languages-3")


# %% tags=["exercise"]
def clear(gains, level=0.95):
    """gains (n_draws, n, n) -> (n, n) True where a pair's interval leaves out 0, all pairs together at level."""
    ...  ### SOLUTION


check("lab_languages-3", clear)

# %%
clear = reference("lab_languages-3")
draws = [
    split_by_template(load_commands(12, FIVE, seed=seed), seed=seed)
    for seed in range(4)
]
# The draws split one stock of templates again: test sentences for each of the others.
AGAIN = np.mean([len(test) / len(rest) for rest, test in draws])
OWN = [(lam, np.inf) for lam in (0.01, 0.03, 0.1, 0.3)]
PAIRS = [(lam, s) for lam in (0.03, 0.3, 3) for s in (0.03, 0.3)]


def gains(seed):
    """(helped, helper): what a second language brings the first, in accuracy on new templates."""
    rest, test = draws[seed]
    train, val = split_by_template(rest, seed=seed)
    train, val, test = (by_language(part) for part in (train, val, test))
    features = word_features(train, "char")
    return pair_gains(train, val, test, OWN, PAIRS, n_classes=8, features=features)


matrix = np.array([gains(seed) for seed in range(4)])  # (n_draws, helped, helper)
alone = [
    interval(matrix[:, i, j], test_per_train=AGAIN)
    for i in range(5)
    for j in range(5)
    if i != j
]
stars = sum(low > 0 or high < 0 for _, low, high in alone)
print(f"test sentences for each of the others: {AGAIN:.2f}")
print(f"clear each by itself at 95 %: {stars} of 20 pairs (chance would give about 1)")
# clear takes draws as independent, v / n: spread out like this, v (1 / n + AGAIN) comes out.
middle = matrix.mean(0)
spread = middle + (matrix - middle) * np.sqrt(1 + len(matrix) * AGAIN)
print(f"clear at 95 % for all together: {clear(spread).sum()} of 20")

# %%
mean = 100 * matrix.mean(0)
fig, ax = plt.subplots(figsize=(5.4, 4), dpi=90)
draw_gains(matrix, FIVE, ax, test_per_train=AGAIN)
plots.show(
    fig,
    alt="Matrix of gains in accuracy between five languages, in points, each with its 95 % interval over four draws, corrected for the stock they share. "
    f"The largest gain is {mean.max():.0f} points, the largest loss {mean.min():.0f}; {20 - stars} of 20 intervals hold zero.",
)

# %% [markdown]
# A helper in another script mostly changes nothing at all: 0 in every draw. With twenty pairs and four draws only a large effect would be clear. *No clear gain* is not *no gain*: say how large a gain these intervals
# leave open.
#
# ## 4. A language without examples
#
# Dutch has no labelled sentence. What can a model know of it? At most the runs of letters that it has met.

# %%
card("lab_languages-4")


# %% tags=["exercise"]
def known_share(runs, vocabulary):
    """runs of letters of a text, the training vocabulary -> the share of the runs that are in it."""
    ...  ### SOLUTION


check("lab_languages-4", known_share)

# %% [markdown]
# **Predict.** One model for each language, and one for all five. Which reads the 56 Dutch sentences best: `"English"`, `"German"`, `"Spanish"` or
# `"all five"`? (Chance is 0.125.)

# %%
### BEGIN SOLUTION
guess = "all five"
### END SOLUTION
predict("lab_languages-c", guess)

# %%
known_share, letters = reference("lab_languages-4"), reference("lab_languages-1")
everything = load_handwritten_commands()
dutch, intents = by_language(everything[everything["task"] == "Dutch"])["Dutch"]
FEW = [(np.inf, s) for s in (0.01, 0.03, 0.1, 0.3)]


def zero_shot(languages):
    """(known share of Dutch runs of three letters, which Dutch sentences it reads right), one model for these."""
    train, val = ({t: part[t] for t in languages} for part in (lab.train, lab.val))
    texts = [text for x, _ in train.values() for text in x]
    vocabulary = {run for text in texts for run in letters(text.lower(), 3)}
    known = np.mean([known_share(letters(t.lower(), 3), vocabulary) for t in dutch])
    features = word_features(train, "char")
    model = choose_ridge(train, val, FEW, n_classes=8, features=features)
    scores = np.asarray(features.transform(dutch) @ model.shared.T) + model.bias.mean(0)
    return known, scores.argmax(1) == intents


models = {t: zero_shot([t]) for t in FIVE} | {"all five": zero_shot(FIVE)}
rows = {name: (known, np.mean(right)) for name, (known, right) in models.items()}
table = pd.DataFrame(rows, ["known runs", "accuracy on Dutch"]).T
n = len(dutch)
table["from"], table["to"] = wilson(table["accuracy on Dutch"] * n, n)
tied = even_with_best(
    np.transpose([right for _, right in models.values()]), list(models)
)
reveal("lab_languages-c", table["accuracy on Dutch"].idxmax(), tied=tied)

# %%
table.round(2)

# %% [markdown]
# The share of known runs tells most of it before anything is trained. What reads Dutch is mostly German; the other four add little. Another script adds
# nothing: its interval holds chance. Here sharing is not one way among three: *with no examples it is all there is*. (One draw of templates, 56 sentences: the intervals of German and of all five overlap widely, so the
# two cannot be told apart.)
#
# ## 5. Yours
#
# Build a predictor: a function `(texts, task)` that gives intent numbers or names, or anything with `predict`. Choose on `lab.val` and the open
# sentences. Then score it, once.

# %%
### BEGIN SOLUTION
words, runs = (word_features(lab.train, name) for name in ("word", "char"))
models = [
    choose_ridge(lab.train, lab.val, "RAG", n_classes=8, features=f)
    for f in (words, runs)
]


def mine(texts, task):
    """Words and letters, their scores added."""
    return sum(model.scores(texts, task) for model in models).argmax(1)


### END SOLUTION
lab.leaderboard(mine, trained_on=lab.train)

# %% [markdown]
# Is your lead clear? (Ours is none: words and letters together, chosen on templates, end up behind full sharing.) If you tried several: did you choose on the open part, or here? Ideas: translate the templates of a rich language word by
# word; a graph in which German, English and Dutch share an adapter; a multilingual encoder, if you have one.
#
# ## 6. Another head
#
# A second task that costs nothing: *which language is this?* Its label is known for every sentence. A `rt.MultiHead` gives each task its own kind of
# answer on one shared representation: eight intents, five languages, and a yes/no label, whether a number is spoken.


# %%
# About 5 seconds.
def read_by(dense, frame):
    """Task -> (x, y) of a frame: its intents, its languages, and whether it holds a number."""
    x = dense.transform(frame["text"]).astype("float32")
    number = frame["text"].str.contains(r"\d").to_numpy(dtype="float32")
    return {
        "intent": (x, frame["label"].map(list(INTENTS).index).to_numpy()),
        "language": (x, frame["task"].map(FIVE.index).to_numpy()),
        "number": (x, number[:, None]),
    }


def trained(data, tasks, lam, seed):
    """A MultiHead with these heads."""
    kinds = {
        "intent": rt.Classification(8),
        "language": rt.Classification(5),
        "number": rt.MultiLabel(1),
    }
    model = rt.MultiHead(64, {t: kinds[t] for t in tasks}, n_hidden=24, seed=seed)
    part = {t: data[t] for t in tasks}
    rt.fit_heads(model, part, epochs=60, lam=lam, lam_shared=lam, progress=False)
    return model


def with_heads(seed):
    """Accuracy of the intent on new templates: (alone, with the two other heads); validation chooses each one's penalty."""
    rest, test = draws[seed]  # of section 3
    train, val = split_by_template(rest, seed=seed)
    runs = word_features(by_language(train), "char")
    dense = make_pipeline(runs, TruncatedSVD(64, random_state=0)).fit(train["text"])
    learn, choose, new = (read_by(dense, frame) for frame in (train, val, test))

    def intent(model, part):
        return model.evaluate({"intent": part["intent"]})["intent"]["accuracy"]

    scores = []
    for tasks in (["intent"], list(learn)):
        tried = [trained(learn, tasks, lam, seed) for lam in (0.0003, 0.003, 0.03)]
        scores.append(intent(max(tried, key=lambda m: intent(m, choose)), new))
    return scores


heads = np.array([with_heads(seed) for seed in range(3)])
print(
    f"intent alone {heads[:, 0].mean():.3f}, with two more heads {heads[:, 1].mean():.3f}"
)
print(difference("difference", heads[:, 1] - heads[:, 0], test_per_train=AGAIN))

# %% [markdown]
# Not seen to help: the interval holds zero, over three draws from one stock of templates. (Both sides took their penalty by validation, so it is not the knob that hides a gain.)
#
# ## 7. One slider, three languages (bonus)
#
# English, German and Spanish, with words as features; each language is a task. The first sentence is English, and all three tasks read it. **Your task:** two goals stand in the explorer. Before you
# move: what does a German model know of an English sentence?

# %%
west = ["English", "German", "Spanish"]
parts = [part[part["task"].isin(west)] for part in (train, val, opened)]
rt.widgets.sharing_slider(
    parts,
    lam=np.logspace(-5, -1, 9),
    lam_shared=0.001,
    goal={
        "Find the smallest λ at which all three tasks read the sentence alike": "readings == 1 and lam < 0.0005",
        "Find the smallest λ at which the word volume counts less than 1 apart for the class volume": "apart_volume < 1 and lam > 0.004 and lam < 0.02",
    },
)

# %% [markdown]
# ## 8. Texts of your own (bonus)
#
# Any table with `text`, `label` and `task` is a lab. Change one line. (Here: the course's toy reviews.)

# %%
MY_TABLE = rt.make_toy(0.5, 60, seed=3)  # <- "mine.csv"
rt.lab("languages", data=MY_TABLE).leaderboard()

# %% [markdown]
# ## 9. The report
#
# First mark a colleague's sentences.

# %%
card("lab_languages-5")

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("lab_languages-5", marks)

# %% [markdown]
# Then write yours, 150 words: the answer to the three questions of the brief, with intervals. End with **what would change your mind?** Name a
# finding that somebody could make. This is what a good report has. Give each line 2 points if it is there with its number and interval (where a line asks for no
# number: in full), 1 if in words only, 0 if it is missing.

# %%
rubric("lab_languages-5")

# %% [markdown]
# No program judges it; `reflect` puts another answer beside it. Tick what yours has.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("lab_languages-5", text, ticks=[])

# %% [markdown] tags=["answer"]
# *What would change my mind?* 200 real sentences a language, on which RAG beats independent models by a paired interval above zero.

# %% [markdown]
# ## Recap
#
# - Split by what made the sentences, not by sentence. And even then: a test made by templates flatters.
# - Letters see what words cannot: endings, compounds, a script without spaces.
# - Where tasks have their own examples and hardly a feature in common, adapters are not seen to gain anything: RAG could not be told from independent models, and was behind full sharing.
# - Where a task has no examples, sharing is all there is; the features in common say beforehand how far it carries.
# - A matrix of comparisons is read at the level of all its cells.
#
# ## Sources
#
# - The templates: Open Home Foundation, *intents*, https://github.com/OHF-Voice/intents (Apache-2.0).
# - Pires, Schlinger and Garrette (2019), *How multilingual is multilingual BERT?*
# - Cavnar and Trenkle (1994), *N-gram-based text categorization*.
