# %% [markdown]
# In detail, you will be able to
#
# - set up a comparison in which no strategy has a hidden advantage;
# - turn scores over several seeds into one difference with its interval, and prove what pairing is worth;
# - show with a number what choosing on the test set does;
# - draw the map of who wins where, and take a defeat apart until you know its cause.
#
# You need lesson 01 (full sharing and independent models) and lesson 03 ($\lambda$ and $\lambda_s$).
#
# You know three ways to treat four related tasks: one model for all (full sharing), one model
# each (independent), and RAG, which is shared weights plus one adapter per task. Which one is
# better? The hard part is not the training. It is not fooling yourself.
#
# ## A question
#
# A colleague writes: "Our adapter model beats the shared model, 0.655 against 0.620. We tried 25
# settings and report the best." Do you believe it? What would you ask?
#
# Keep your answer in mind. At the end you write it down.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
from ragteach.study import plots
from ragteach.study.experiment import STRATEGIES, draw, interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect
from scipy import stats

# %% [markdown]
# ## The rules
#
# | rule | why |
# |---|---|
# | one **seed** is one draw of training, validation and test sentences | luck in the draw is in the result |
# | the vocabulary is made from training sentences only | test words must not be known beforehand |
# | every strategy tries 49 penalties, each solved to its optimum | more tries are more chances |
# | the cross-entropy on **validation** sentences chooses one of the 49 | the test set chooses nothing |
# | the chosen model is scored on the test sentences, once | that is what "new sentences" means |
# | all strategies get the **same** draws | so differences can be taken seed by seed |
#
# The function `compare` keeps these rules. It returns one row per strategy, task, seed and metric: `accuracy`
# (the share of right answers), `macro_f1` (every class has the same say, however rare) and `log_loss` (the
# cross-entropy).
# The toy reviews here have relatedness 0.5: half of the opinion words mean the same in all four
# domains, half do not. Each task has 60 training sentences.
#
# **Predict.** Who has the best accuracy on test sentences, averaged over ten seeds?

# %%
# "RAG", "full sharing" or "independent"
### BEGIN SOLUTION
guess = "RAG"
### END SOLUTION
predict("06-a", guess)

# %%
table = rt.compare("toy", seeds=10, n_per_task=60, relatedness=0.5, progress=False)
table[table["task"] == "mean"].drop(columns="seconds").head(3).round(3)

# %%
means = rt.summary(table)
reveal("06-a", means["strategy"].iloc[0])

# %%
fig, ax = plt.subplots(figsize=(7, 4.2), dpi=90, layout="constrained")
plots.comparison(means, ax)
plots.show(
    fig,
    alt="Test accuracy of seven strategies with 95 % intervals. From the top: RAG, full "
    "sharing, full sharing with a bias per task, independent; below them the two models "
    "with equal parameters, and the majority class near one third.",
)

# %% [markdown]
# RAG is on top, at about 0.63. Full sharing is close behind, at about 0.61. Independent models have
# about 0.57. Saying the most frequent class is right about one time in three. The other grey rows are
# baselines; you will need them soon.
#
# The intervals of RAG and of full sharing overlap. So is RAG better, or lucky? Overlap does not decide
# it. Two better questions do.
#
# ## One seed can say anything
#
# Look at each draw on its own.

# %%
accuracy = table[(table["metric"] == "accuracy") & (table["task"] == "mean")]
scores = accuracy.pivot_table("value", "seed", "strategy")  # (n_seeds, n_strategies)
lead = scores["RAG"] - scores["full sharing"]

fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), dpi=90, layout="constrained")
for name in ["RAG", "full sharing"]:
    axes[0].plot(
        scores.index,
        scores[name],
        plots.STYLES[name] + plots.MARKERS[name],
        color=plots.PALETTE[name],
        label=name,
    )
axes[0].set(xlabel="seed", ylabel="test accuracy", title="two scores per draw")
axes[0].legend()
axes[1].bar(scores.index, lead, color=plots.OTHER)
axes[1].axhline(0, color="black", lw=1)
axes[1].set(xlabel="seed", ylabel="RAG - full sharing", title="their difference")
for ax in axes:
    ax.set_xticks(scores.index)
plots.show(
    fig,
    alt="Left: accuracy of RAG and of full sharing for ten seeds; both vary by several "
    "points, often in the same direction. Right: their difference, mostly above zero, "
    "for some seeds below.",
)
print(f"lead of RAG: from {lead.min():+.3f} to {lead.max():+.3f}")
print(f"full sharing ahead in {(lead < 0).sum()} of {len(lead)} seeds")

# %% [markdown]
# With seed 5 you would report a lead of about 6 points. With seed 2 you would report that adapters
# hurt. Both are true of their draw, and neither answers the question. One seed is an anecdote.
#
# ## Paired differences
#
# An easy draw is easy for everybody. That luck is in both scores, so it leaves when you subtract.
# Let $a_s$ and $b_s$ be the scores of two strategies in seed $s$, and $d_s = a_s - b_s$:
#
# $$\bar d \pm t_{0.975,\,n-1}\,\frac{\mathrm{sd}(d)}{\sqrt n}$$
#
# $t$ is Student's factor. It is larger than 1.96 because you know the spread only from $n$ seeds. In Python
# it is `stats.t.ppf(0.975, n - 1)`, and $\mathrm{sd}$ is `.std(ddof=1)`.

# %%
card("06-1")


# %% tags=["exercise"]
def paired_interval(a, b):
    """a, b (n_seeds,) -> (mean, low, high): the 95 % interval of the mean of a - b."""
    ...  ### SOLUTION


check("06-1", paired_interval)

# %% [markdown]
# Stuck? `hint("06-1")` shows one more step each time you run it.

# %% [markdown] tags=["solution"]
# Subtract first. Then it is the interval of one mean, as in any first course.

# %%
paired_interval = reference("06-1")  # the reference, whether or not you finished


def unpaired_half(a, b):  # what you get if you forget that the seeds are the same
    n = len(a)
    return stats.t.ppf(0.975, n - 1) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / n)


rows = []
for name in ["full sharing", "independent"]:
    a, b = scores["RAG"].to_numpy(), scores[name].to_numpy()
    mean, low, high = paired_interval(a, b)
    rows.append((f"RAG - {name}", mean, (high - low) / 2, unpaired_half(a, b)))
pd.DataFrame(rows, columns=["", "mean", "+- paired", "+- unpaired"]).round(3)

# %% [markdown]
# Same scores, same means. Against independent models the paired interval is less than half as wide.
# Forgetting the pairs throws that away. The function `rt.paired` does it for all baselines:

# %%
fig, ax = plt.subplots(figsize=(8, 3.8), dpi=90, layout="constrained")
plots.differences(rt.paired(table), ax)
plots.show(
    fig,
    alt="Paired difference of RAG to six other strategies. All lie right of zero. The "
    "lead over full sharing is the smallest, about 0.02; its interval begins close to "
    "zero.",
)

# %% [markdown]
# Read the picture row by row:
#
# - **full sharing**: RAG leads by about two points. The interval nearly reaches 0. Call it a small
#   lead, and say how small.
# - **full sharing + task bias**: one matrix, but each task has its own $b_t$, as in RAG. If that had closed
#   the gap, the adapters would have been no more than a correction of class frequencies. Here it does not:
#   the classes are equally frequent in all domains, so there is nothing for a bias to correct.
# - **equal parameters**: RAG stores five matrices, full sharing one. Is RAG better because it is
#   bigger? These two baselines get as many weights as RAG, through more features (phrases beside
#   words). They are worse, by more than ten points. More weights alone do not explain the lead.
#
# Be careful with the last one. It shows that *these* extra weights do not help, not that none would.
#
# ## What pairing is worth
#
# **Prove:** if both scores have variance $s^2$ and correlation $\rho$ over seeds, then the mean paired
# difference over $n$ seeds has variance $2 s^2 (1-\rho)/n$.
#
# Two rules are enough: $\mathrm{Var}(a-b) = \mathrm{Var}\,a + \mathrm{Var}\,b - 2\,\mathrm{Cov}(a,b)$, and
# $\rho = \mathrm{Cov}(a,b)/s^2$ here.
#
# **Then compute:** $\rho = 0.9$ and 10 seeds. How many seeds would give an equally narrow interval without
# pairs (each strategy with draws of its own)? Ignore the small change of $t$.

# %% [markdown] tags=["answer"]
# **Proof.** For one seed, $\mathrm{Var}(a-b) = s^2 + s^2 - 2\rho s^2 = 2s^2(1-\rho)$. Different seeds are
# independent, so the mean of $n$ differences has variance $2s^2(1-\rho)/n$. Without pairs $\rho = 0$:
# $2s^2/m$. Equal if $m = n/(1-\rho) = 10/0.1 = 100$. With $\rho = 0$ pairing gains nothing, and with
# $\rho < 0$ it would lose.

# %%
card("06-2")

# %% tags=["exercise"]
# How many seeds without pairs?
### BEGIN SOLUTION
n_unpaired = 10 / (1 - 0.9)
### END SOLUTION
check("06-2", n_unpaired)

# %% [markdown]
# What is $\rho$ in our table?

# %%
scores[["RAG", "full sharing", "independent"]].corr().round(2)

# %% [markdown]
# RAG goes up and down with independent models most of all. Pairing helps where $\rho$ is high, and so the
# interval of that difference shrank most.
#
# ## Equal parameters
#
# RAG with one adapter per task has $(T+1)\,C\,d$ weights. How many features must full sharing have to
# own as many weights, and how many must each independent model have? ($d$ features, $C$ classes, $T$ tasks;
# leave the biases out, and do not round.)

# %%
card("06-3")


# %% tags=["exercise"]
def equal_widths(n_features, n_classes, n_tasks):
    """RAG has n_features. -> (features of full sharing, features of each independent model)"""
    ...  ### SOLUTION


check("06-3", equal_widths)

# %% [markdown] tags=["solution"]
# The classes cancel.

# %% [markdown]
# The numbers that `compare` used. Biases count here, and features are whole numbers, hence the last digits.

# %%
means[["strategy", "n_params", "mean"]].round(3)

# %% [markdown]
# **Cost.** RAG pays $T+1$ matrices in memory while training. In use it pays nothing: each task's $W_t$
# is merged into one `nn.Linear` ([law 8](laws.md#law-8-merging)). Seconds depend on your machine, so look at your own. They are the
# time for all 49 tries and the choice among them, per draw:

# %% tags=["volatile"]
means[["strategy", "seconds"]].round(2)

# %% [markdown]
# ## The trap of the best setting
#
# You try 25 settings and report the best *test* score. Is that so bad? Here is a case where you know
# the truth. We shuffle the labels of the training and validation sentences. Now there is nothing to
# learn: in the long run any honest score is one in three. The "test set" has 60 sentences, as in many a small
# study. About 900 further sentences tell the truth afterwards.


# %%
grid = np.logspace(-4, 0, 5)
lam, lam_shared = np.array(np.meshgrid(grid, grid)).reshape(2, -1)  # 25 settings


def nothing_to_learn(seed):
    """Validation loss, accuracy on 60 test sentences, and on about 900 others: (25,) each."""
    train, val, test = draw("toy", None, 20, seed)
    rng = np.random.default_rng(seed)
    train["label"] = rng.permutation(train["label"])
    val["label"] = rng.permutation(val["label"])
    data = rt.MultiTaskDataset.from_frame(train)
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, init="zero")
    path = rt.solve_path(model, data, lam, lam_shared, tol=1e-4)

    test = test.sample(frac=1, random_state=seed)
    few = test.groupby("task", sort=False).head(15)
    val, few, fresh = (
        rt.MultiTaskDataset.from_frame(f, data.vectorizer, data.task_names).stacked()
        for f in (val, few, test.drop(few.index))
    )
    loss = path.losses(val).mean(0).numpy()
    return (
        loss,
        path.accuracy(few).mean(0).numpy(),
        path.accuracy(fresh).mean(0).numpy(),
    )


val_loss, few, fresh = map(
    np.array, zip(*map(nothing_to_learn, range(20)), strict=True)
)
print("(n_seeds, n_settings):", val_loss.shape)

# %%
card("06-4")


# %% tags=["exercise"]
def honest_score(val_loss, test_accuracy):
    """Both (n_seeds, n_settings). Choose in every seed on validation, report on test: one number."""
    ...  ### SOLUTION


check("06-4", honest_score)

# %%
honest_score = reference("06-4")  # the reference, whether or not you finished
best_on_test = few.argmax(1)
claimed = few.max(1)  # (n_seeds,)
same_models = fresh[np.arange(len(fresh)), best_on_test]
shown = {
    "best of 25 on 60 test sentences": claimed.mean(),
    "the same models on fresh sentences": same_models.mean(),
    "chosen on validation, fresh sentences": honest_score(val_loss, fresh),
}

fig, ax = plt.subplots(figsize=(7.5, 2.4), dpi=90, layout="constrained")
for i, value in enumerate(shown.values()):
    ax.plot(value, -i, "Xos"[i], ms=10, color=plots.VERMILION if i == 0 else plots.BLUE)
    ax.annotate(f"{value:.3f}", (value, -i), (9, -3), textcoords="offset points")
ax.axvline(1 / 3, color="black", ls=":", lw=1)
ax.annotate("the truth, 1/3", (1 / 3, 0.45), (4, 0), textcoords="offset points", size=9)
ax.set_yticks(-np.arange(3), shown)
ax.set(xlim=(0.3, 0.42), ylim=(-2.5, 0.8), xlabel="accuracy, mean of 20 seeds")
plots.show(
    fig,
    alt="Three mean accuracies where the truth is one third. The best of 25 on 60 test "
    "sentences is well above it. The same models on fresh sentences, and the models "
    "chosen on validation sentences, are at one third.",
)
optimism, low, high = interval(claimed - same_models)
print(f"optimism: {optimism:.3f}, 95 % interval {low:.3f} to {high:.3f}")

# %% [markdown]
# Choosing on the test set found about four points of accuracy in pure noise. That is twice the lead of
# RAG over full sharing above. On fresh sentences the four points are gone.
#
# More seeds do not help against it: the optimism does not average out. Choosing on validation has no such
# bias. It is not exact either: with 60 sentences, a single score is off by several points by chance.
#
# ## Learning curves
#
# A comparison at one size answers one size. So we vary two things: the sentences per task, and how
# related the tasks are. `rt.who_wins_map` calls `compare` for every pair.

# %%
world = rt.who_wins_map([0.0, 0.5, 1.0], [10, 30, 80], seeds=4, progress=False)

# %%
fig, axes = plt.subplots(
    1, 3, figsize=(10, 3.4), dpi=90, layout="constrained", sharey=True
)
for ax, (r, part) in zip(axes, world.groupby("relatedness"), strict=True):
    plots.learning_curves(rt.summary(part), ax)
    ax.set_title(f"relatedness {r:g}")
    ax.get_legend().remove()
looks = axes[0].get_legend_handles_labels()
fig.legend(*looks, loc="outside upper center", ncols=3, frameon=False)
plots.show(
    fig,
    alt="Learning curves for relatedness 0, 0.5 and 1. At 0, RAG lies on top of "
    "independent and full sharing stays low. At 0.5, full sharing is in front at 30 "
    "sentences and RAG at 80. At 1, RAG is below full sharing until they meet at 80, and "
    "independent models lag far behind.",
)

# %% [markdown]
# RAG follows whichever extreme is right. That is its real strength: you need not know beforehand. But
# look closely at the middle. At 10 sentences nobody has learned much. At 30, full sharing is in front
# of RAG by a hair. At 80, RAG is in front of both.
#
# ## Who wins where
#
# The same numbers as a map. A star means: the lead over the second is clear, its interval lies above 0.
#
# **Your task.** Click on a cell whose winner lost in at least one of its four seeds. What would you have
# reported, had you run only that seed?

# %%
rt.widgets.who_wins(world)

# %% [markdown]
# Most cells have no star. There the honest answer is "no clear difference with four seeds".
#
# - **Relatedness 0:** RAG and independent models are tied. The adapters do all the work, and $W_s$ does no
#   harm.
# - **Relatedness 1:** full sharing is in front with few sentences. With 10 its lead is large, but it differs so
#   much from seed to seed that four seeds are too few to be sure. The next exercise looks closer. With 80 they
#   are tied.
# - **Relatedness 0.5, 80 sentences:** RAG wins. There is something to share, something to keep apart, and
#   enough data to tell which.
#
# ## Make RAG lose
#
# A good experimenter attacks their own favourite. Run `rt.compare` once, with one size and at least 5
# seeds, so that full sharing beats RAG *clearly* in accuracy. Hand over the table.

# %%
card("06-5")

# %% tags=["exercise"]
# my_table = rt.compare("toy", seeds=..., n_per_task=..., relatedness=..., progress=False)
### BEGIN SOLUTION
my_table = rt.compare(
    "toy",
    seeds=8,
    n_per_task=20,
    relatedness=1.0,
    strategies=["RAG", "full sharing"],
    progress=False,
)
### END SOLUTION
check("06-5", my_table)

# %% [markdown] tags=["solution"]
# One classifier is right for all tasks (relatedness 1), and data are scarce (20 sentences). If you tried
# several settings before one of them was clear, you have just done what the colleague did. Confirm it
# with new seeds: `seeds=range(100, 108)` must say the same.

# %% [markdown]
# ## Why does it lose?
#
# Two explanations come to mind when all tasks are one and sentences are few.
#
# - **The adapters.** They have only noise to learn, and none of the 49 penalties keeps them small enough.
# - **The biases.** RAG has a bias $b_t$ for each task, which no penalty holds. Ten sentences have uneven
#   classes by chance, and $b_t$ believes them.
#
# A baseline tells them apart: full sharing with a bias per task has the biases and no adapters.
#
# One care first. Among ten sentences a task may lack a whole class by chance. Then $b_t$ would have no best
# value: the lower the bias of that class, the lower is $J$, for ever. So `compare` sees to it that every class is
# there: where chance left one out, its first sentence changes places with one of the most frequent class. All
# else stays as chance made it.
#
# **Predict.** With 10 sentences per task, how much of the gap to full sharing does that baseline show:
# `"nothing"`, `"about a third"`, `"more than half"`?
#
# In the table below each difference is full sharing *minus* the row, so "better" speaks of full sharing.

# %%
### BEGIN SOLUTION
guess = "about a third"
### END SOLUTION
predict("06-b", guess)

# %%
suspects = ["full sharing", "full sharing + task bias", "RAG"]

defeat = rt.compare("toy", 10, 10, suspects, relatedness=1.0, progress=False)
gaps = rt.paired(defeat, reference="full sharing").set_index("strategy")
part = gaps["difference"]["full sharing + task bias"] / gaps["difference"]["RAG"]
print(f"the biases alone show {part:.0%} of the gap")
gaps[["difference", "low", "high", "verdict"]].round(3)

# %%
words = ["nothing", "about a third", "more than half"]
reveal("06-b", words[int(np.digitize(part, [0.15, 0.5]))])

# %% [markdown]
# So most of the defeat is not the adapters' fault. It is the three numbers $b_t$ per task, which looked too
# small to matter. A story such as "adapters overfit" would have sounded right, and it is the smaller part.
# Before you explain a difference, find the baseline that would show it without your explanation.
#
# ## Real sentences
#
# Tweets, product reviews, film reviews and newspaper editorials, rated by people. They are fetched once
# (2.5 MB). Without a connection this part is left out, and you lose no exercise.
#
# **Predict.** With 100 sentences per task, does RAG clearly beat full sharing in accuracy? And full sharing
# with a bias for each task?

# %%
# "beats both", "beats full sharing only" or "beats neither"
### BEGIN SOLUTION
guess = "beats both"
### END SOLUTION
predict("06-c", guess)

# %% tags=["volatile"]
against = ["full sharing", "full sharing + task bias"]
with_bias = [*STRATEGIES, "full sharing + task bias"]
try:
    human = rt.compare("human", 6, 100, strategies=with_bias, progress=False)
except rt.RagteachError as error:
    human = None
    print("No human data here, so this part is left out. Reason:\n")
    print(error)

# %% tags=["volatile"]
if human is None:
    print("Left out: no human data. The text below says what came out.")
else:
    fig, axes = plt.subplots(2, 1, figsize=(8.5, 5.4), dpi=90, layout="constrained")
    for ax, metric in zip(axes, ["accuracy", "macro_f1"], strict=True):
        plots.differences(rt.paired(human, metric=metric), ax)
        ax.set_xlabel(f"difference in {metric} (95 % interval)")
        ax.margins(x=0.25)
    plots.show(
        fig,
        alt="Human ratings, RAG minus others. Accuracy: RAG is ahead of full sharing, and "
        "level with independent and with full sharing plus a task bias. Macro F1: RAG is "
        "behind full sharing.",
    )

# %% tags=["volatile"]
said = "left out: no human data"
if human is not None:
    verdicts = rt.paired(human).set_index("strategy")["verdict"]
    beaten = [name for name in against if verdicts[name] == "better"]
    said = ["beats neither", f"beats {' '.join(beaten)} only", "beats both"][
        len(beaten)
    ]
reveal("06-c", said)

# %% [markdown]
# Here is what came out, with several sets of seeds, and not what an advertisement would say:
#
# - In **accuracy**, RAG beats full sharing by two to three points. Clear. (These sentences are finite: every
#   seed deals out the same ones, so that two seeds share some. `rt.paired` makes the interval wider for it, and
#   says so in its column `interval`.)
# - Full sharing **with a bias per task** is as good as RAG. The domains differ in their classes: films
#   are seldom neutral, editorials often. A bias of three numbers per task buys the whole gain. The
#   adapters add five times the weights and no accuracy.
# - In **macro F1**, where every class counts the same, RAG is *behind* plain full sharing, by 3 to 6
#   points. Saying a domain's frequent class is good for accuracy and bad for rare classes.
# - All of them are near one half. A hundred sentences are few for real language.
#
# So "RAG beats full sharing on human data" is true, and misleading. The baseline and the metric decide.
# Choose both before you look.
#
# ## Explain it to a colleague
#
# Back to the first question: "0.655 against 0.620. We tried 25 settings and report the best." Write what
# you would ask, and what would convince you, in three or four sentences.

# %%
card("06-6")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("06-6", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("06-6", text, ticks=[])

# %% [markdown]
# ## Recap
#
# - A fair comparison fixes the splits, the number of tries, the metric and the baselines *first*.
# - Validation chooses, the test set is read once. Choosing on test invents points out of noise.
# - One seed is an anecdote. Report the paired difference over seeds, with its interval.
# - RAG follows the better extreme. It wins in the middle, with enough data; it loses when the tasks are
#   one and data are scarce, and there most of the loss is due to its biases.
# - On human data a bias per task explains its lead.
#
# ## Sources
#
# - R. Caruana (1997). Multitask Learning. *Machine Learning* 28. Full sharing, and when it helps.
# - T. Evgeniou, M. Pontil (2004). Regularized multi-task learning. *KDD*. Shared plus one adapter per task.
# - T. G. Dietterich (1998). Approximate statistical tests for comparing supervised classification
#   learning algorithms. *Neural Computation* 10. What goes wrong when comparing two learners.
# - G. C. Cawley, N. L. C. Talbot (2010). On over-fitting in model selection and subsequent selection bias
#   in performance evaluation. *Journal of Machine Learning Research* 11. The trap of the best setting.
# - C. J. Hutto, E. Gilbert (2014). VADER. *ICWSM*. The human ratings.
