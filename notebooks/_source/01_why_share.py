# %% [markdown]
# ## One word, two domains
#
# *The villain is strange, scary and impossible to forget.* Would you watch that film? Perhaps.
# *A strange rattle started in the first week and nobody can find it.* Would you buy that car? No.
#
# Somebody wrote these two sentences by hand. One word, and what it says depends on where it stands.
#
# You have reviews from several domains, and too few from each. Should one model learn from all of them?
# In this lesson you find out what sharing buys, what it costs, and why the answer depends on how much data
# you have.
#
# The core goes as far as "The same with sentences" and its figure (about 55 minutes; a good place for a break is before it).
# The rest makes it exact: one word under the lens, bias and variance, an experiment with the mix of tasks, and, as an extra, one that you build yourself.

# %%
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
import torch
from IPython.display import display
from ragteach import RAG, MultiTaskDataset, make_toy
from ragteach.data.toy import folder
from ragteach.engine.optimum import solve_path
from ragteach.study import plots
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect

# %% [markdown]
# Four domains are four **tasks**. Each task sorts sentences into three classes: 0 negative, 1 neutral,
# 2 positive. The sentences are made by a generator, so that we know the truth about them.
# Here are some with our word.

# %%
tasks = list(rt.TOY_TASKS)
reviews = make_toy(n_per_task=400, seed=0)
has_word = reviews["text"].str.contains(r"\bstrange\b")
with pd.option_context("display.max_colwidth", None):
    display(reviews[has_word].groupby("task", sort=False).head(2))

# %%
card("01-1")


# %% tags=["exercise"]
def label_counts(frame, word, tasks):
    """How many sentences of each task and label contain the word: (n_tasks, 3).

    frame has the columns text, label, task.
    """
    ...  ### SOLUTION


check("01-1", label_counts)

# %% [markdown]
# Stuck? Type `hint("01-1")` in a new cell. Each run shows one more step.
#
# Now the picture. Two words: one that domains disagree about, and one that they agree about.

# %%
# The reference answer, so that this cell runs whether or not you have finished.
label_counts = reference("01-1")

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 2.6), dpi=90)
for ax, word in zip(axes, ["strange", "wonderful"], strict=True):
    table = label_counts(reviews, word, tasks)
    ax.imshow(table, cmap="Blues", vmin=0, vmax=table.max() * 1.5, aspect="auto")
    for t in range(4):
        for c in range(3):
            ax.text(c, t, table[t, c], ha="center", va="center")
    ax.set_xticks(range(3), rt.LABELS)
    ax.set_yticks(range(4), tasks)
    ax.set_title(f"sentences with “{word}”")
fig.tight_layout()
plots.show(
    fig,
    alt="Two tables of counts, tasks by labels. Strange: positive in films, negative in "
    "cars and food, neutral in phones. Wonderful: positive in every task.",
)

# %% [markdown]
# ## What can one model say about both?
#
# A shared model has **one** matrix $W$ for all tasks (full sharing). It reads a bag of words: every word adds its
# weights to the score of each class, wherever the word stands. The model knows the nouns too, so it could learn
# that *script* means film and *steering* means car. Can that save it? Look at four sentences:
#
# | | sentence | domain | truth |
# |---|---|---|---|
# | 1 | The script was strange. | films | positive |
# | 2 | The steering was strange. | cars | negative |
# | 3 | The script was predictable. | films | negative |
# | 4 | The steering was predictable. | cars | positive |
#
# **Predict.** How many of the four can one shared linear model get right, at best? 1, 2, 3 or 4?

# %%
### BEGIN SOLUTION
guess = 3
### END SOLUTION
predict("01-a", guess)

# %% [markdown]
# Let us try many linear models with random weights, and keep the best. Let
#
# $$f_i = (\text{score of positive}) - (\text{score of negative}) = w \cdot x_i + b$$
#
# A model is right about sentence $i$ if $f_i$ has the right sign.

# %%
# One column per word that differs, and one for all the rest (other words, bias):
#    script, steering, strange, predictable, rest
x = np.array(
    [
        [1, 0, 1, 0, 1],  # The script was strange.
        [0, 1, 1, 0, 1],  # The steering was strange.
        [1, 0, 0, 1, 1],  # The script was predictable.
        [0, 1, 0, 1, 1],  # The steering was predictable.
    ]
)
truth = np.array([+1, -1, -1, +1])

w = np.random.default_rng(0).normal(size=(100_000, 5))  # (n_models, n_words)
f = w @ x.T  # (n_models, n_sentences)
right = (np.sign(f) == truth).sum(axis=1)  # (n_models,)
print("models that get 0, 1, 2, 3, 4 right:", np.bincount(right, minlength=5))
reveal("01-a", f"{right.max()} of 4 at best, in {len(w):,} random models")

# %% [markdown]
# A hundred thousand failures are a hint, not a proof. Here is the way to a proof.
# Find four numbers $a_1 \dots a_4$ so that
#
# $$a_1 f_1 + a_2 f_2 + a_3 f_3 + a_4 f_4 = 0 \quad\text{for every } w \text{ and } b,$$
#
# while the right signs of $f$ would make every term of that sum **positive**. A sum of positive terms is not 0. So no
# weights can have all the right signs. Such a list of numbers is called a *certificate*.

# %%
card("01-2")

# %% tags=["exercise"]
# A list of four numbers, one for each sentence of the table, in its order.
a = ...  ### SOLUTION
check("01-2", a)

# %% [markdown]
# **Write the proof** in three or four lines: why is the sum 0, why would the right answers make it positive, and
# what follows?

# %% [markdown] tags=["answer"]
# In $f_1 - f_2 - f_3 + f_4$ every weight appears once with $+$ and once with $-$: the sum is 0. Four right signs would make it
# positive. So one of the four is wrong. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# Write $f_i$ as a sum of word weights, and $r$ for the rest (other words and the bias):
#
# $$\begin{aligned} f_1 &= w_\text{script} + w_\text{strange} + r & f_2 &= w_\text{steering} + w_\text{strange} + r \\
# f_3 &= w_\text{script} + w_\text{predictable} + r & f_4 &= w_\text{steering} + w_\text{predictable} + r \end{aligned}$$
#
# In $f_1 - f_2 - f_3 + f_4$ every weight appears once with $+$ and once with $-$, so the sum is 0 for all weights. If
# all four answers were right, then $f_1 > 0$, $-f_2 > 0$, $-f_3 > 0$, $f_4 > 0$, and the sum would be positive: a
# contradiction. So at least one answer is wrong. (Three can be right: you saw it.) ∎
#
# **The step people miss:** the sum is 0 for *every* $w$ and $b$, not for the trained ones. That is why no training, no penalty
# and no amount of data can help. A proof that says "the weights would have to be positive and negative" looks at one word
# only, and forgets that the nouns could help.
#
# </details>

# %% [markdown]
# (We counted words. Our models weigh the counts and scale each sentence to length 1; then the sum is not
# exactly 0, but the lesson is the same.)
#
# This is the XOR problem, in words. It does not help that the model knows the nouns: in a sum, a noun cannot turn
# another word round. It needs another **weight for the same word**, one per domain. That is what
# separate models have, and what adapters will add in lesson 02.
#
# ## Then why share at all?
#
# Because separate models have less data each. Here is the whole trade in the simplest case, where we can compute
# everything.
#
# Each of $T$ tasks has a true mean $\mu_t$. The means scatter around a common value with standard deviation
# $\tau$ (how different the tasks are). In each task you measure $n$ values with noise $\sigma$. Two ways to
# estimate $\mu_t$:
#
# - **own mean**: use the $n$ values of the task. Right on average, but noisy.
# - **pooled mean**: use all $nT$ values of all tasks. Steady, but it estimates the average of all tasks.
#
# The expected squared error has two parts, $\text{bias}^2 + \text{variance}$. The own mean:
#
# $$E_\text{own} = 0 + \frac{\sigma^2}{n}$$
#
# **Derive** the same for the pooled mean, with pencil and paper: its variance, and the square of its bias,
# averaged over tasks. Then write both as a function.

# %%
card("01-3")


# %% tags=["exercise"]
def expected_errors(n, n_tasks, sigma, tau):
    """Expected squared error of (own mean, pooled mean), averaged over tasks."""
    ...  ### SOLUTION


check("01-3", expected_errors)

# %% [markdown]
# <details><summary>A derivation to compare with yours</summary>
#
# **Variance.** The pooled mean is a mean of $nT$ values, each with noise $\sigma$: $\sigma^2 / (nT)$.
#
# **Bias.** For task $t$ it is $\bar\mu - \mu_t$, where $\bar\mu$ is the mean of the $T$ true means. Write
# $\mu_t - \bar\mu = (1 - \frac1T)\,\mu_t - \frac1T \sum_{s \ne t} \mu_s$. These are $T$ independent terms, so their
# variances add up: $(1 - \frac1T)^2\tau^2 + (T - 1)\frac{\tau^2}{T^2} = (1 - \frac1T)\,\tau^2$. The common value
# has gone: it is in $\mu_t$ and in $\bar\mu$. Together
#
# $$E_\text{pooled} = \frac{\sigma^2}{nT} + \Big(1 - \frac1T\Big)\,\tau^2$$
#
# **The step people miss:** $\mu_t$ is itself one of the $T$ values in $\bar\mu$. Who takes $\bar\mu$ for the common value gets
# $\tau^2$; who takes it for a mean of *other* tasks gets $(1 + \frac1{T-1})\,\tau^2$, too much either way. With one task there is
# nothing to pool and no bias. ∎
#
# </details>
#
# A formula should survive an experiment. The dots are simulated, the lines are the formula.

# %%
expected_errors = reference("01-3")
n_tasks, sigma, tau = 4, 1.0, 0.25
sizes = np.array([2, 4, 8, 16, 32, 64, 128])


def simulate(n, n_repeats=4000, seed=0):
    """Squared errors of (own, pooled) means in simulated data."""
    rng = np.random.default_rng(seed)
    mu = tau * rng.normal(size=(n_repeats, n_tasks))  # (n_repeats, n_tasks)
    own = mu + sigma / np.sqrt(n) * rng.normal(size=mu.shape)  # mean of n values
    pooled = own.mean(axis=1, keepdims=True)  # (n_repeats, 1)
    return ((own - mu) ** 2).mean(), ((pooled - mu) ** 2).mean()


formula = np.array([expected_errors(n, n_tasks, sigma, tau) for n in sizes.tolist()])
simulated = np.array([simulate(n) for n in sizes])

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.4), dpi=90)
for i, (name, like) in enumerate(
    [("own mean", "independent"), ("pooled mean", "full sharing")]
):
    colour = plots.PALETTE[like]
    ax.plot(sizes, formula[:, i], plots.STYLES[like], color=colour, label=name)
    ax.plot(sizes, simulated[:, i], plots.MARKERS[like], color=colour)
ax.axvline(sigma**2 / tau**2, color="black", lw=0.8)
ax.text(sigma**2 / tau**2 * 1.06, 0.3, "n = σ²/τ² = 16")
ax.set(xscale="log", yscale="log", xlabel="measurements per task, n")
ax.set(ylabel="squared error", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.legend(title="marks: simulated")
plots.show(
    fig,
    alt="Squared error against measurements per task, both axes logarithmic. The own mean falls "
    "in a straight line. The pooled mean starts lower and flattens. They cross at n = 16.",
)

# %% [markdown]
# The pooled curve flattens out: its variance goes to 0, its bias stays. The two cross where $\tau^2 = \sigma^2 / n$.
# In words: **pool as long as the tasks differ less than your estimate of one task is noisy.** So there is no answer to
# "should I share?" without an $n$. (Check: set $E_\text{own} = E_\text{pooled}$; the factor $1 - 1/T$ cancels.)
#
# ## The same with sentences
#
# Now the real question. Three strategies, all of them the one model of this course with different settings:
#
# | strategy | weights of task $t$ |
# |---|---|
# | independent | its own $W_t$, learned from its own sentences |
# | full sharing | one $W$ for all tasks |
# | RAG | $W_s + A_t$: a shared part and a small part of its own |
#
# The penalty on the weights is chosen on validation sentences, for each strategy and each draw of the data. You do not
# have to read the folded cell yet, only to run it. Lessons 02 to 04 take it apart.

# %% tags=["folded"]
LAMBDAS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]


def learn(strategy, train, val):
    """The model of one strategy, and the data set that knows its vocabulary."""
    data = MultiTaskDataset.from_frame(train)
    shape, options = (data.n_features, 3), {"tasks": data.task_names, "init": "zero"}
    if strategy == "full sharing":
        model, lam, lam_shared = RAG.full_sharing(*shape, **options), 0.0, LAMBDAS
    elif strategy == "independent":
        model, lam, lam_shared = RAG.independent(*shape, **options), LAMBDAS, 0.0
    else:
        model, lam, lam_shared = RAG(*shape, data.n_tasks, **options), LAMBDAS, LAMBDAS
    path = solve_path(model, data, lam, lam_shared, tol=1e-3)
    val = MultiTaskDataset.from_frame(val, data.vectorizer, data.task_names)
    best = int(path.losses(val.stacked()).mean(0).argmin())
    return path.model(best), data


# %% [markdown]
# Several kinds of test sentences tell us more than one number can:
#
# - **agreed** sentences, where every opinion word means the same in all domains (*wonderful*, *awful*);
# - **disputed** sentences, with words like *strange*.
#
# Training sentences mix the two, half and half (`relatedness=0.5`). So we also keep all new sentences as they come,
# **half and half**: that is what a model will meet. And the sentences **written by hand**, which no generator made.
#
# **Predict.** Give full sharing more and more sentences. On the *disputed* test sentences, will it catch up with
# the independent models? "yes" or "no"?

# %%
### BEGIN SOLUTION
guess = "no"
### END SOLUTION
predict("01-b", guess)

# %% tags=["folded"]
lexicon = json.loads((folder("toy_sentiment") / "lexicon.json").read_text())
agreed_words = "|".join(sum(lexicon["shared"].values(), []))
disputed_words = "|".join(lexicon["domain_dependent"])
fresh = make_toy(0.5, 300, seed=9999)
has_agreed = fresh["text"].str.contains(rf"\b(?:{agreed_words})\b")
has_disputed = fresh["text"].str.contains(rf"\b(?:{disputed_words})\b")
tests = {
    "agreed": fresh[has_agreed & ~has_disputed],
    "disputed": fresh[has_disputed & ~has_agreed],
    "half and half": fresh,
    "written by hand": rt.load_handwritten(),
}
words = ["strange", "wonderful"]


def examine(model, data):
    """What we want to know about one trained model."""
    found = {}
    for kind, frame in tests.items():
        test = MultiTaskDataset.from_frame(frame, data.vectorizer, tasks)
        with torch.no_grad():
            p = model(test.x, test.task).softmax(-1)  # (n_docs, n_classes)
        found["p", kind] = p[torch.arange(len(p)), test.y].numpy()  # (n_docs,)
        found["right", kind] = (p.argmax(-1) == test.y).numpy().mean()
    known = list(data.vectorizer.get_feature_names_out())
    W = model.task_weights().detach().numpy()  # (n_tasks, n_classes, n_features)
    of_word = W[:, 2] - W[:, 0]  # (n_tasks, n_features)
    for word in words:
        found["score", word] = (
            of_word[:, known.index(word)] if word in known else [0] * 4
        )
    return found


# %% [markdown]
# Every strategy learns from the same draws of sentences.

# %%
# About 10 seconds.
STRATEGIES = ["full sharing", "independent", "RAG"]
SIZES = [20, 40, 80, 160]
DRAWS = {20: 5, 40: 5, 80: 10, 160: 5}  # two figures below look closer at 80

runs = {}
for n in SIZES:
    for seed in range(DRAWS[n]):
        train, val = make_toy(0.5, n, seed=seed), make_toy(0.5, n, seed=1000 + seed)
        for strategy in STRATEGIES:
            found = examine(*learn(strategy, train, val))
            runs.setdefault((strategy, n), []).append(found)


def collect(strategy, n, what):
    """One finding of all draws: (n_draws, ...)."""
    return np.array([found[what] for found in runs[strategy, n]])


# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.5), dpi=90, sharey=True)
for ax, kind in zip(axes, ["agreed", "disputed", "half and half"], strict=True):
    for strategy in STRATEGIES:
        values = [collect(strategy, n, ("right", kind)) for n in SIZES]
        style = plots.STYLES[strategy] + plots.MARKERS[strategy]
        colour = plots.PALETTE[strategy]
        ax.plot(SIZES, [v.mean() for v in values], style, color=colour, label=strategy)
        low, high = [v.min() for v in values], [v.max() for v in values]
        ax.fill_between(SIZES, low, high, color=colour, alpha=0.12)
    ax.axhline(1 / 3, color="grey", lw=0.8)
    ax.set(xscale="log", title=kind, xlabel="training sentences per task")
    ax.set_xticks(SIZES, SIZES)
    ax.minorticks_off()
axes[0].text(160, 1 / 3 + 0.01, "guessing", ha="right", color="dimgrey", size=8)
axes[0].set_ylabel("test accuracy")
axes[0].legend(loc="lower right", bbox_to_anchor=(1, 0.1))
fig.tight_layout()
plots.show(
    fig,
    alt="Accuracy against training sentences per task, lines are means, bands the range of the "
    "draws. Agreed: full sharing and RAG rise to 1 early, independent models follow late. "
    "Disputed: full sharing stays near 0.4, independent models rise to nearly 1, RAG lies between. "
    "Half and half: full sharing leads at 20, RAG at 40, RAG and independent models share the lead from 80 on.",
)

# %%
with_own = collect("independent", 160, ("right", "disputed")).mean()
with_all = collect("full sharing", 160, ("right", "disputed")).mean()
reveal(
    "01-b",
    f"no: accuracy {with_own:.2f} of independent models, {with_all:.2f} of full sharing",
)

# %% [markdown]
# Left: sharing wins, and by a lot. A domain that never saw *wonderful* borrows it from the others. Middle: full
# sharing stays little better than guessing, however many sentences it gets.
#
# That has a name. **Negative transfer**: a task does worse with the other tasks' data than without them.
# It is not a fault of the training. The shared model found the best single matrix there is. You proved that none is
# good enough.
#
# Look at RAG, too. On agreed sentences it is never ahead of full sharing, and clearly behind while sentences are few. On disputed ones
# it is *below* independent models. It is the best at neither. But sentences come mixed, and on the right panel it leads at 40, and shares the lead at
# 80. A compromise, not a miracle. With 20 sentences full sharing is better, with 160 a task can stand alone.
#
# Is that only true of generated sentences? Here are the 336 written by hand, with the same models.

# %%
by_hand = {
    s: [collect(s, n, ("right", "written by hand")).mean() for n in SIZES]
    for s in STRATEGIES
}
pd.DataFrame(by_hand, index=SIZES).rename_axis("sentences per task").round(2)

# %% [markdown]
# Better than guessing (0.33), and far below the figure. Most words of the written sentences never occurred in training, some
# sentences negate, and no strategy can borrow what no task has seen. Keep that in mind when a toy figure looks convincing.
# With few sentences the strategies are level in this table (on six other draws, a run that the course's tests repeat, full sharing led by five points). With 160 the
# independent models are ahead of full sharing. (Five draws, one set of 336 sentences: a difference of two points here is nothing. Lesson 10 trains on real data, and has
# intervals.)
#
# ## One word under the lens
#
# What does each model think of one word in **films**? The score of a word is its weight for positive minus its
# weight for negative. Above 0 it speaks for positive. Each dot is one draw of 80 training sentences per task. Both words
# are praise in films, so dots should lie above 0.

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.5, 2.8), dpi=90, sharex=True)
for ax, word in zip(axes, words, strict=True):
    for y, strategy in enumerate(STRATEGIES):
        dots = collect(strategy, 80, ("score", word))[:, 0]  # (n_draws,) films
        spread = np.linspace(-0.15, 0.15, len(dots))
        marker, colour = plots.MARKERS[strategy], plots.PALETTE[strategy]
        ax.plot(dots, y + spread, marker, color=colour, alpha=0.75)
        ax.plot(dots.mean(), y - 0.3, "|", color="black", ms=12, mew=2)
    ax.axvline(0, color="grey", lw=0.8)
    ax.set_title(f"“{word}” in films")
    ax.set_xlabel("score (bar: mean of the draws)")
    ax.set_ylim(-0.6, 2.5)
    ax.set_yticks(range(3), STRATEGIES if word == words[0] else [""] * 3)
fig.tight_layout()
plots.show(
    fig,
    alt="Scores of two words in films, a dot per draw, for three strategies. Strange: full "
    "sharing mostly below 0, independent at or above 0, RAG on both sides. Wonderful: full sharing and RAG "
    "above 0, some independent dots exactly at 0.",
)

# %% [markdown]
# Two kinds of wrong:
#
# - **Full sharing on *strange*.** One number must serve films (praise), cars and food (blame). It comes
#   out on the side of the majority. Wrong in most draws, in the same direction: **bias**.
# - **Independent models on *wonderful*.** Some dots lie at exactly 0: in those draws, no film sentence had the word. What
#   the model knows depends on luck: **variance**. (And 0 is too timid every time, so this is a bias as well, towards
#   "I don't know".)
#
# And RAG? On *wonderful* its dots lie furthest to the right: what four domains say together is surer. On *strange* they spread
# more than anybody's, from clear blame to clear praise. Where the films of a draw say *strange* often, the adapter turns the shared
# blame round; where they say it once or never, the shared blame stays. Half borrowed, half own, it has the luck of both.
#
# ## Take the error apart
#
# Let $p$ be the probability that a model gives to the true class of one sentence. A perfect model has $p = 1$.
# Over draws of the training data,
#
# $$\underbrace{\mathbb{E}(1 - p)^2}_{\text{error}} \;=\; \underbrace{(1 - \mathbb{E}\,p)^2}_{\text{bias}^2} \;+\; \underbrace{\operatorname{Var} p}_{\text{variance}}$$
#
# Write it as code. Average over draws first, over sentences last.

# %%
card("01-4")


# %% tags=["exercise"]
def bias_and_variance(p):
    """p (n_draws, n_docs), probability of the true class -> (squared bias, variance)."""
    ...  ### SOLUTION


check("01-4", bias_and_variance)

# %%
bias_and_variance = reference("01-4")  # the reference, whether or not you finished

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3), dpi=90, sharey=True)
for ax, kind in zip(axes, ["agreed", "disputed", "half and half"], strict=True):
    for i, strategy in enumerate(STRATEGIES):
        bias2, variance = bias_and_variance(collect(strategy, 80, ("p", kind)))
        colour = plots.PALETTE[strategy]
        ax.bar(i, bias2, color=colour, width=0.6)
        ax.bar(
            i,
            variance,
            bottom=bias2,
            color="white",
            edgecolor=colour,
            hatch="///",
            width=0.6,
        )
        ax.text(
            i, bias2 + variance + 0.01, f"{bias2:.2f} + {variance:.2f}", ha="center"
        )
    ax.set_xticks(range(3), STRATEGIES)
    ax.set(title=kind, ylim=(0, 0.6))
axes[0].set_ylabel("bias² (solid) + variance (hatched)")
fig.tight_layout()
plots.show(
    fig,
    alt="Stacked bars of squared bias and variance with 80 sentences per task. Disputed: full "
    "sharing has by far the largest bias, independent models the smallest. Agreed: independent "
    "models have the largest bias and the largest variance. Half and half: full sharing has the largest "
    "bias, RAG the smallest sum.",
)

# %% [markdown]
# Full sharing has a smaller **variance** than independent models in every panel: four times as many sentences decide each weight. On disputed
# sentences it pays with a large **bias**. This is the trade of the two means again. RAG lies between in bias there, and has the
# largest variance of the three: it is the one that luck can turn round, as under the lens. On the mix of the two its sum is the
# smallest, by about a hundredth.
#
# The left panel may surprise you: RAG's sum is smaller than full sharing's, and yet full sharing had at least as many of these sentences
# right. Accuracy asks who is right. This error asks how sure, too, and RAG is surer.
#
# One thing differs from the textbook. On agreed sentences sharing lowers the bias *too*. An independent model has not
# seen many of the words; the penalty keeps unseen words at 0; so it hedges, in every draw. With few examples,
# a careful model is biased towards "I don't know".
#
# ## Move it yourself
#
# The slider goes from independent models (left) to full sharing (right). The penalty $\lambda$ on each domain's own part
# does it; lesson 02 shows the equation.
#
# It shows **one draw** of 60 sentences per domain. Another draw has another curve; the figure above has many.
#
# **Your task.** Watch the sentence. First go to the right end: all four domains call it negative. Whose meaning has won? Then
# move $\lambda$ back to the left, and stop where films first calls it positive and cars still calls it negative. What happened to
# the accuracy on the way? Where is the mark of the $\lambda$ that validation chose: on the side where the two differ, or where they agree?
# (*Tied by 25 %* means that $\lambda/(\lambda + \lambda_s)$ is 0.25. At 0 % the domains have models of their own, at 100 % they have one.)

# %%
shown = [
    "strange",
    "predictable",
    "hot",
    "quiet",
    "light",
    "silent",
    "wonderful",
    "bad",
]
rt.widgets.sharing_slider(
    sentence="The handling was strange.",
    words=shown,
    n_per_task=60,
    goal={
        "Go to the right end: all four domains call it negative": "lam > 0.09 and reads_films == negative and readings == 1",
        "Go back, and stop where films first calls it positive": "reads_films == positive and reads_cars == negative and lam > 0.0009",
    },
)

# %% [markdown]
# <details><summary>What there is to see</summary>
#
# At the left end `strange` is praise in films (7) and blame in cars and food (-9 and -8), a little in phones (-2). At the right end one number is
# left, -1.5: the meaning of cars, food and phones has won, three against one, and films must read it as blame. On the way the mean
# accuracy falls from 86 % at its best to 72 %. On the way back films first calls the sentence positive at $\lambda$ = 0.0012.
# Validation chose about 0.0003, further left: on the side where films and cars differ.
#
# </details>
#
# ## An experiment: how related must tasks be?
#
# So far half of the opinion words were agreed. `curves(r)` repeats the experiment for other mixes, tested on sentences of
# the same mix as in training. One row for each number of sentences per task, means over three draws.

# %%


def curves(r, strategies=STRATEGIES, n_draws=3):
    """Test accuracy at relatedness r: a table, sizes x strategies."""
    test_frame, table = make_toy(r, 100, seed=9999), {}
    for n in SIZES:
        for strategy in strategies:
            right = []
            for seed in range(n_draws):
                model, data = learn(
                    strategy, make_toy(r, n, seed=seed), make_toy(r, n, seed=500 + seed)
                )
                test = MultiTaskDataset.from_frame(test_frame, data.vectorizer, tasks)
                right.append(rt.evaluate(model, test)["accuracy"])
            table.setdefault(strategy, []).append(np.mean(right))
    return pd.DataFrame(table, index=SIZES).rename_axis("sentences per task")


curves(0.5).round(3)

# %% [markdown]
# Run `curves(r, ["full sharing", "independent"])` for `r` = 0.25, 0.5, 0.75 and 1.0 (in a cell of your own, or in the
# exercise's). For each, note the **smallest** number of sentences per task at which independent models lead by **at least one
# point** (0.01; three draws cannot tell less). If they never lead, note `float("inf")`. Before you run it: which way will the
# crossing move when tasks are more alike? Think of $n = \sigma^2 / \tau^2$.

# %%
card("01-5")

# %% tags=["exercise"]
# About 10 seconds.
# Replace each ... by 20, 40, 80, 160 or float("inf").
first = {0.25: ..., 0.5: ..., 0.75: ..., 1.0: ...}
### BEGIN SOLUTION
for r in first:
    table = curves(r, ["full sharing", "independent"])
    ahead = table["independent"] >= table["full sharing"] + 0.01
    first[r] = min(table.index[ahead], default=float("inf"))
### END SOLUTION
check("01-5", first)

# %% [markdown]
# Look at the column of the independent models once more: it is the same for every `r`, within a point. They never look at
# another task, and the generator keeps one task equally hard, whatever the knob says. All that moves is full sharing.

# %% [markdown]
# ## Extra: build your own experiment
#
# So far you compared two ends: the own mean and the pooled one. What lies between? Let $w$ say how much of the pooled mean you
# take:
#
# $$m_t = (1 - w)\,\bar y_t + w\,\bar y$$
#
# with $\bar y_t$ the mean of task $t$'s values and $\bar y$ the mean of all. $w = 0$ is the own mean, $w = 1$ the pooled one.
# At $n = \sigma^2 / \tau^2 = 16$ the two are equally wrong. Is everything between them equally wrong, too?
#
# Find out with an experiment that is yours from the first random number to the interval. About thirty lines. Every comparison of this
# course has these parts: a world whose truth you know, a rule, many draws, and a difference draw by draw. Use numpy, torch or plain
# Python, as you like, but one of them throughout.
#
# Write one method after the other, and run the check after each. It looks at them in this order.

# %%
card("01-7")


# %% tags=["exercise"]
class Experiment:
    """n_tasks tasks with n values each; true means spread by tau, single values by sigma."""

    def __init__(self, n, n_tasks, sigma, tau):
        self.n, self.n_tasks = n, n_tasks
        self.sigma, self.tau = sigma, tau

    def draw(self, seed):
        """One world: the true means (n_tasks,) around 0, and the values (n_tasks, n).

        The same seed gives the same world.
        """
        ...  ### SOLUTION

    def mix(self, values, w):
        """The estimate of every task (n_tasks,): 1 - w of its own mean, w of the pooled one."""
        ...  ### SOLUTION

    def errors(self, w, seeds):
        """The squared error of the mix, mean over tasks: one number for each seed."""
        ...  ### SOLUTION

    def lead(self, w, other, seeds):
        """By how much w is better: errors of other minus errors of w, draw by draw.

        Returns (mean, low, high): 1.96 standard errors to each side, with n - 1 in the spread.
        """
        ...  ### SOLUTION

    def best(self, ws, seeds):
        """The w of the list with the smallest mean error."""
        ...  ### SOLUTION


check("01-7", Experiment)

# %% [markdown]
# Your experiment at three sizes, 400 draws each. The dots are the experiment, the lines the formula of the two means, with the mix
# put in. (The first line takes the reference, so that the cell runs in any case. Delete it to run your own.)

# %%
Experiment = reference("01-7")
ws, seeds = [i / 10 for i in range(11)], range(400)
experiments = {
    n: Experiment(n=n, n_tasks=n_tasks, sigma=sigma, tau=tau) for n in (4, 16, 64)
}

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.4), dpi=90)
for i, (n, experiment) in enumerate(experiments.items()):
    own, differ = sigma**2 / n, tau**2
    common = (1 - 1 / n_tasks) * np.array([own, differ])
    fine = np.linspace(0, 1, 101)
    line = common[0] * (1 - fine) ** 2 + common[1] * fine**2 + own / n_tasks
    look = {"color": plots.CYCLE[0][i], "label": f"n = {n}"}
    ax.semilogy(fine, line, plots.CYCLE[2][i], **look)
    # Numbers of any kind, arrays, tensors or lists, become plain ones.
    dots = [np.mean([float(e) for e in experiment.errors(w, seeds)]) for w in ws]
    ax.semilogy(ws, dots, plots.CYCLE[1][i], color=plots.CYCLE[0][i])
    best = float(experiment.best(ws, seeds))
    ax.semilogy(best, min(dots), "*", color="black", ms=13, zorder=0)
    for name, end in (("the own mean", 0.0), ("the pooled mean", 1.0)):
        mean, low, high = map(float, experiment.lead(best, end, seeds))
        print(
            f"n = {n:2}: w = {best} beats {name:15s} by {mean:.4f} [{low:.4f}, {high:.4f}]"
        )
ax.set(xlabel="w (0: own mean, 1: pooled mean)", ylabel="expected squared error")
ax.set_yticks([0.01, 0.03, 0.1, 0.3], ["0.01", "0.03", "0.1", "0.3"])
ax.minorticks_off()
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    alt="Squared error against the mix w, three sizes, a logarithmic axis. Each curve is a bowl, with a star "
    "at its lowest dot: at a large w with 4 values, in the middle with 16, at a small w with 64. "
    "Dots of the experiment lie on the lines of the formula.",
)

# %% [markdown]
# At 16 the two ends are equally wrong, and the middle is wrong by a third less. At 4 and at 64 as well, the best mix lies between the ends:
# closer to the pooled mean when data are few, closer to the own one when they are many. (The star was chosen on the same draws that then
# judge it, and that flatters it: lesson 06 forbids it. Here it changes little, for 400 draws choose among few values of $w$. Bonus (d)
# judges on others.) So "share or not?" is the wrong question; *how much*
# is the right one. RAG is such a mix, and $\lambda$ its $w$. [Lesson 07](07_lambda_as_prior.ipynb) derives the best one.
#
# **Bonus.** (a) Tasks of unequal size: films has 64 values, the others 4. Who gains from the mix, and who pays? (b) One task is an outlier, ten
# $\tau$ away. What does it do to the others? (c) Derive the best $w$, and mark it on the figure. (d) You do not know $\tau$: let `best`
# choose $w$ from half of the values, and judge it on the other half. What does the not knowing cost?
#
# ## Explain it to a colleague
#
# A firm had one model per country for its customer reviews. Then it trained one model on the pooled reviews of all
# countries. The smallest country's accuracy went up. The largest country's went **down**. Your colleague says:
# "Strange. More data cannot hurt. Let us pool even more." What do you say? Four or five sentences, no formulas: why the
# one gained, why the other lost, and what you advise.

# %%
card("01-6")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("01-6", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("01-6", text, ticks=[])

# %% [markdown]
# ## In your own world
#
# `here.train` holds the sentences, `here.word` a word to look at, and `here.sizes` the tasks. Make the table of
# exercise 01-1 from them. Nothing is typed in yet? Then this is the default world, the same for everybody. In a
# class, first enter your own, with `rt.world("your student number")` in place of `rt.world()`: the sentences, and the
# answer, are then yours alone.

# %%
card("01-w")

# %% tags=["exercise"]
here = rt.world()
your_table = ...
### BEGIN SOLUTION
your_table = label_counts(here.train, here.word, list(here.sizes))
### END SOLUTION
check("01-w", your_table)

# %% [markdown]
# ## Recap
#
# - One linear model cannot give one word two meanings. You have a proof: a certificate of four numbers.
# - Own estimates: little bias, much variance. Pooled ones: little variance, and a bias that data do not remove.
# - Pool while tasks differ less than one task's estimate is noisy: $\tau^2 < \sigma^2 / n$.
# - Negative transfer: a task does worse with the others' data than without.
# - The more related the tasks, the longer sharing pays.
# - RAG stands between the two. It is not best everywhere.
# - A mix of the own and the pooled estimate beats both ends. The question is how much to share.
#
# ## Sources
#
# - R. Caruana (1997). [Multitask learning](https://doi.org/10.1023/A:1007379606734). *Machine Learning* 28, 41–75.
# - S. Geman, E. Bienenstock, R. Doursat (1992). [Neural networks and the bias/variance
#   dilemma](https://doi.org/10.1162/neco.1992.4.1.1). *Neural Computation* 4(1), 1–58.
# - J. Blitzer, M. Dredze, F. Pereira (2007). [Biographies, Bollywood, boom-boxes and blenders: domain adaptation for
#   sentiment classification](https://aclanthology.org/P07-1056/). *ACL 2007*. Real reviews whose words change with the domain.
# - Z. Wang, Z. Dai, B. Póczos, J. Carbonell (2019). [Characterizing and avoiding negative
#   transfer](https://arxiv.org/abs/1811.09751). *CVPR 2019*.
# - M. Minsky, S. Papert (1969). *Perceptrons*. MIT Press. Where XOR became famous.
