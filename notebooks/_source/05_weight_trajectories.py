# %% [markdown]
# In detail, you will be able to
#
# - follow $W_s$ and every $A_t$ step by step: their lengths, angles and paths;
# - prove that plain gradient descent conserves $W_s - \sum_t A_t$, and break that law in three ways;
# - say when training forgets its random start ([law 4](laws.md#law-4-forgetting)), and how fast;
# - measure whether tasks pull the shared weights apart;
# - read from the weights which words are shared and which belong to one task, and not read too much.
#
# You need lessons 02 and 03. Lesson 04 helps.
#
# **Core, about 90 minutes:** everything but the extra. A good place for a break is before *Forgetting the start*.
# **Extra, about 40 minutes:** the law for any graph (05-3), and *Build your own*, at the end.
#
# ## A question
#
# The data only ever see the sum: $W_t = W_s + A_t$. If a sentence about films pulls on $W_{films}$, it pulls on $W_s$ and
# on $A_{films}$ alike. So who decides what becomes shared, and what becomes a task's own?

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
import torch
from ragteach.study import plots
from ragteach.study.experiment import interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect


# %%
def toy(relatedness=0.5, n_per_task=60, seed=0):
    frame = rt.make_toy(relatedness, n_per_task, seed=seed)
    train, _, _ = rt.split_frame(frame, seed=seed)
    return rt.MultiTaskDataset.from_frame(train)


def path(
    data, steps=200, lr=1.0, optimizer="sgd", lam=0.0, lam_shared=0.0, seed=0, **start
):
    """Train all parts jointly, one adapter per task, and record every second step."""
    names, options = data.task_names, {"scale": 0.1} | start
    model = rt.RAG(data.n_features, 3, 4, tasks=names, adapters=names, **options)
    replicas = rt.train_many(
        model,
        data.stacked(),
        lam,
        lam_shared,
        seeds=[seed],
        steps=steps,
        lr=lr,
        optimizer=optimizer,
        record_every=2,
    )
    words = data.vectorizer.get_feature_names_out()
    return rt.Trajectory.from_replicas(replicas, words=words)


data = toy()
print(f"{data.n_tasks} tasks, {len(data)} sentences, {data.n_features} words")

# %% [markdown]
# ## Predict: who moves further?
#
# Four tasks, one adapter each, no penalties, plain gradient descent: every step is `-lr` times the gradient. All parts
# start from random numbers of the same size. After 200 steps, which has moved further from its start: `"W_s"`,
# `"an adapter"`, or are they `"equal"`?

# %%
### BEGIN SOLUTION
guess = "W_s"
### END SOLUTION
predict("05-a", guess)

# %%
free = path(data)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), dpi=90, layout="constrained")
plots.norms(free, ax=axes[0])
plots.angles(free, ax=axes[1])
axes[1].get_legend().remove()
plots.show(
    fig,
    alt="Left: the lengths of W_s and four adapters over 200 steps. All start near 2. "
    "W_s grows to about 16, the adapters to about 8. Right: the angle of each adapter to "
    "W_s. It starts near 90 degrees and falls to between 58 and 65.",
)

# %%
moved_shared = (free.shared[-1] - free.shared[0]).norm()
moved_adapter = (free.adapters[-1] - free.adapters[0]).flatten(1).norm(dim=1).mean()
print(f"W_s moved {moved_shared:.1f}, an adapter {moved_adapter:.1f} (mean)")
print(f"ratio {moved_shared / moved_adapter:.2f}")
reveal("05-a", "W_s" if moved_shared > 1.2 * moved_adapter else "no clear winner")

# %% [markdown]
# ## Why about twice as far, and why near 60 degrees
#
# Write $D_t = \partial CE_t / \partial W_t$ for what the data of task $t$ ask for. With $G = I$ and no penalties, one step is
#
# $$A_t \leftarrow A_t - \eta\, D_t \qquad\qquad W_s \leftarrow W_s - \eta \sum_t D_t$$
#
# So each adapter follows its own task, and $W_s$ follows all of them. If the $T$ pulls have the same length, and the
# cosine of any two is $c$, how long is their sum?

# %%
card("05-1")


# %% tags=["exercise"]
def length_ratio(n_tasks, cosine):
    """||g_1 + ... + g_T|| for T vectors of length 1, the cosine of any two being the same."""
    ...  ### SOLUTION


check("05-1", length_ratio)

# %% [markdown] tags=["solution"]
# $\lVert\sum_t g_t\rVert^2 = \sum_{t,u} \langle g_t, g_u\rangle$: $T$ ones, and $T(T-1)$ times $c$.

# %%
length_ratio = reference("05-1")  # the reference, so that this cell runs in any case
cosines = free.gradient_cosines(data.stacked())
c = float(cosines["cosine"].mean())
print(f"mean cosine of two tasks' gradients, over all steps: {c:+.3f}")
print(f"so W_s should move {length_ratio(4, c):.2f} times as far as an adapter")
angle = np.degrees(np.arccos((1 + 3 * c) / length_ratio(4, c)))
print(
    f"and an adapter's path should make an angle of {angle:.0f} degrees with its path"
)

# %% [markdown]
# On these data the tasks' pulls are almost at right angles. Then $W_s$ moves nearly $\sqrt 4 = 2$ times as far. And the
# angle: the cosine of one pull with the sum of all is $(1 + (T-1)c)\,/\,\sqrt{T + T(T-1)c}$. At $c = 0$ that is $1/\sqrt 4$, which is
# 60 degrees; with the small negative $c$ of these data it is 62.
#
# In the picture the four angles end between 58 and 65 degrees. They differ since the pairs differ: food, whose pull
# agrees most with those of the others, comes closest to their sum. And the random start is still in there. Nothing was decided yet about "shared" and
# "own": this is only addition.
#
# ## Paths in a plane
#
# Weights have hundreds of numbers. To see a path we project it on a plane. Left: the two directions in which all paths
# together move most (principal components). Right: two words; an axis is the score of a word,
# $W[\text{positive}] - W[\text{negative}]$.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 4), dpi=90, layout="constrained")
plots.plane(free, ax=axes[0])
plots.plane(free, ax=axes[1], words=["annoying", "dark"])
axes[1].get_legend().remove()
axes[1].axhline(0, color="black", lw=0.5)
axes[1].axvline(0, color="black", lw=0.5)
plots.show(
    fig,
    alt="Two planes with the paths of W_s and four adapters, from a small dot to a "
    "ring. In both, W_s goes "
    "further than any adapter. In the plane of the words annoying and dark, W_s goes far "
    "towards negative for annoying and a little for dark; the film adapter goes against "
    "it for dark, and the phone adapter further down.",
)

# %% [markdown]
# `annoying` means the same everywhere, and all five paths go to the left. `dark` praises a film and blames a phone or a meal. Look at the
# vertical axis: the film adapter moves against $W_s$, the phone adapter moves along with it, and further. What a task thinks is the
# sum. Let us read it off the ends of the paths:

# %%
ends = free.word_table(["annoying", "dark"])
ends.round(2)

# %% [markdown]
# In films `dark` ends above 0, if only just (in this draw): the adapter has to make up for a $W_s$ that ends below 0.
#
# ## The conservation law
#
# Look at the two update lines again. Subtract them in your head. Something cancels.

# %%
card("05-2")


# %% tags=["exercise"]
def conserved(shared, adapters):
    """W_s - sum_t A_t.  shared (n_steps, C, d), adapters (n_steps, n_tasks, C, d) -> (n_steps, C, d)"""
    ...  ### SOLUTION


check("05-2", conserved)

# %% [markdown]
# **Prove [law 2](laws.md#law-2-conservation), with pencil and paper.** With plain gradient descent, $\lambda = \lambda_s = 0$ and $G = I$, the matrix
# $W_s - \sum_t A_t$ never moves. Then find out for which vectors $v$ the matrix $W_s - \sum_k v_k A_k$ never moves if
# the graph $G$ is any matrix.

# %%
card("05-3")


# %% tags=["exercise"]
def conserved_mix(graph):
    """v (K,), such that W_s - sum_k v_k A_k is conserved.  graph (T, K), a numpy array"""
    ...  ### SOLUTION


check("05-3", conserved_mix)

# %% [markdown] tags=["answer"]
# *The proof is in the fold below.*

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **$G = I$.** One step changes $W_s$ by $-\eta\sum_t D_t$ and each $A_t$ by $-\eta D_t$. So it changes $\sum_t A_t$ by
# $-\eta\sum_t D_t$ too. The difference of two things that change alike does not change. By induction it holds for all
# steps. Nothing was said about the data, the learning rate or the number of steps.
#
# **Any $G$.** Now $\partial J/\partial A_k = \sum_t G_{tk} D_t$. One step changes $\sum_k v_k A_k$ by
# $-\eta\sum_k v_k \sum_t G_{tk} D_t = -\eta\sum_t (Gv)_t D_t$.
#
# **The step people miss:** this must equal the change of $W_s$, $-\eta\sum_t D_t$, for *all* matrices $D_t$ that data could ask for. One set
# of $D_t$ would allow many $v$. For all of them at once, $(Gv)_t = 1$ for every task: $Gv = \mathbf 1$. If no such $v$ exists
# (a task without an adapter, say), this law is not there.
#
# </details>

# %% [markdown]
# ## Live: keep it, break it
#
# Four runs from the same start. **Predict:** which of them keep $W_s - \sum_t A_t$ where it was? Answer with the letters,
# in alphabetical order, for example `"ac"`, or `"none"`.
#
# - **a** plain gradient descent, no penalties;
# - **b** gradient descent with momentum 0.9, no penalties;
# - **c** plain gradient descent, $\lambda = \lambda_s = 0.01$;
# - **d** Adam, no penalties.

# %%
### BEGIN SOLUTION
guess = "ab"
### END SOLUTION
predict("05-b", guess)


# %%
def momentum(parameters, lr):
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9)


conserved = reference("05-2")
runs = {
    "a gradient descent": free,
    "b momentum": path(data, optimizer=momentum, lr=0.1),
    "c with penalties": path(data, lam=0.01, lam_shared=0.01),
    "d Adam": path(data, optimizer="adam", lr=0.05),
}
away = {}  # of each run, after each step, as a part of the length at the start
for name, run in runs.items():
    kept = conserved(run.shared, run.adapters)
    away[name] = (kept - kept[0]).flatten(1).norm(dim=1) / kept[0].norm()
stayed = [name[0] for name, values in away.items() if values[-1] < 1e-4]

# %%
fig, ax = plt.subplots(figsize=(7, 3.5), dpi=90, layout="constrained")
for i, (name, run) in enumerate(runs.items()):
    look = {"color": plots.CYCLE[0][i], "marker": plots.CYCLE[1][i], "markevery": 20}
    ax.semilogy(run.steps, away[name].clamp(min=1e-8), label=name, **look)
ax.set(xlabel="step", ylabel="how far W_s - sum A_t has moved")
ax.legend(frameon=False, ncols=2, loc="center right")
plots.show(
    fig,
    alt="How far W_s minus the sum of the adapters has moved, as a part of its "
    "length, on a log scale. Gradient "
    "descent and momentum stay near one millionth, which is rounding. With penalties "
    "it reaches almost 1, with "
    "Adam it goes beyond 1.",
)
reveal("05-b", "".join(stayed))

# %% [markdown]
# About $10^{-6}$ is the rounding of 32-bit numbers: there the law holds. Now find the assumption that each change breaks
# or keeps.

# %%
card("05-4")

# %% tags=["exercise"]
# "kept" or "broken"? Replace each ... ; each is one change to plain gradient descent without penalties.
laws = {
    "mini-batches": ...,
    "momentum": ...,
    "alpha": ...,
    "Adam": ...,
    "lam > 0": ...,
    "larger lr for adapters": ...,
}
laws.update(...)  ### SOLUTION
check("05-4", laws)

# %% [markdown]
# ## Forgetting the start
#
# Why does it matter? The random start $W_s - \sum_t A_t$ stays in the model for ever, however long you train. It says
# nothing about the data, and it decides how the load is split. A penalty ends this. With $\lambda = \lambda_s$:
#
# $$W_s - \sum_t A_t \;\leftarrow\; (1 - \eta\lambda)\,\Big(W_s - \sum_t A_t\Big)$$
#
# The data cancel again; only the shrinking is left. So the start decays geometrically, at a speed you can compute without
# any data.

# %%
card("05-5")


# %% tags=["exercise"]
def half_life(lr, lam):
    """After how many steps is half of W_s - sum_t A_t left?  (lam = lam_shared)"""
    ...  ### SOLUTION


check("05-5", half_life)

# %% [markdown]
# Does it hold on our sentences, step by step? And do two different starts really meet?

# %%
half_life = reference("05-5")
kept = conserved(runs["c with penalties"].shared, runs["c with penalties"].adapters)
left = (kept.flatten(1).norm(dim=1) / kept[0].norm()).numpy()
steps = runs["c with penalties"].steps
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), dpi=90, layout="constrained")
axes[0].plot(steps, left, color=plots.BLUE, lw=3, label="measured")
axes[0].plot(
    steps, (1 - 0.01) ** steps, "--", color="black", label="$(1 - \\eta\\lambda)^n$"
)
axes[0].plot(half_life(1.0, 0.01), 0.5, "o", color=plots.VERMILION, label="half-life")
axes[0].set(xlabel="step", ylabel="part of the start that is left", ylim=(0, 1.02))
axes[0].legend(frameon=False)
apart = {}
for lam, style in ((0.0, "--"), (0.01, "-")):
    colour = plots.BLUE if lam else plots.VERMILION
    ends = [
        path(data, steps=1000, lam=lam, lam_shared=lam, seed=s, scale=1.0)
        for s in (0, 1)
    ]
    W = [run.task_weights().flatten(1) for run in ends]
    apart[lam] = (W[0] - W[1]).norm(dim=1) / W[0].norm(dim=1)
    label = f"$\\lambda = \\lambda_s = {lam}$"
    axes[1].semilogy(ends[0].steps, apart[lam], style, color=colour, lw=2, label=label)
axes[1].set(xlabel="step", ylabel="distance of W_t from two starts")
axes[1].legend(frameon=False)
plots.show(
    fig,
    alt="Left: the part of the start that is left falls from 1 to 0.13 in 200 steps, "
    "exactly on the curve of the "
    "formula, with one half after 69 steps. Right: the relative distance between the "
    "task weights of two random "
    "starts. Without a penalty it stays near 0.9 for 1000 steps; with lambda 0.01 it "
    "falls below 0.001.",
)
print(f"half-life for lr = 1, lam = 0.01: {half_life(1.0, 0.01):.1f} steps")
print("distance after 1000 steps:", {k: f"{v[-1]:.4f}" for k, v in apart.items()})

# %% [markdown]
# This is **[law 4](laws.md#law-4-forgetting)**. With penalties every start ends in the same $W_t$: $J$ then has one lowest point. Without them the
# starts stay apart, even in $W_t$ itself: a task has 36 sentences and there are 130 words, so its data leave many directions
# free, and gradient descent never moves along those. If you stop early, some of the start is left in both cases. (Softmax hides one
# direction: adding the same number to all classes changes no prediction. With a penalty that fades as well.)
#
# ## Do the tasks pull the shared weights apart?
#
# $D_t$ and $D_u$ *conflict* if their cosine is below 0: a small step of $W_s$ that helps one task hurts the other. Here are all
# pairs on one draw of the data, where half of the opinion words mean the same everywhere (`relatedness=0.5`).

# %%
run = path(data, lam=0.01, lam_shared=0.01)
fig, ax = plt.subplots(figsize=(7, 3.6), dpi=90, layout="constrained")
plots.conflict(run.gradient_cosines(data.stacked()), ax=ax)
ax.set_title("one draw of the data", size=10)
ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
plots.show(
    fig,
    alt="The cosine between the gradients of each pair of tasks in W_s, over 200 "
    "steps: between about -0.14 and 0.18 for all six pairs, so not far from a right angle.",
)

# %% [markdown]
# **Predict.** Now let *no* opinion word mean the same everywhere: `relatedness=0`. Will the mean cosine be `"below 0"`, `"about 0"`
# or `"above 0"`?

# %%
### BEGIN SOLUTION
guess = "below 0"
### END SOLUTION
predict("05-c", guess)

# %%
card("05-6")

# %% tags=["exercise"]
# For relatedness 0, 0.5 and 1: train with path(..., lam=0.01, lam_shared=0.01), and take the mean over
# all pairs and steps of trajectory.gradient_cosines(...)["cosine"], which wants the .stacked() of the data that path got.
mean_cosine = {0.0: ..., 0.5: ..., 1.0: ...}
### BEGIN SOLUTION
for how_related in mean_cosine:
    sentences = toy(how_related)
    pairs = path(sentences, lam=0.01, lam_shared=0.01).gradient_cosines(
        sentences.stacked()
    )
    mean_cosine[how_related] = float(pairs["cosine"].mean())
    print(f"relatedness {how_related}: mean cosine {mean_cosine[how_related]:+.3f}")
### END SOLUTION
check("05-6", mean_cosine)

# %%
other = toy(0.0)
table = path(other, lam=0.01, lam_shared=0.01).gradient_cosines(other.stacked())
value = table["cosine"].mean()
reveal("05-c", "below 0" if value < -0.03 else "above 0" if value > 0.03 else "about 0")

# %% [markdown]
# Negative at 0, near 0 at 0.5, positive at 1: before any test sentence is read, the gradients tell how related the tasks are. This is
# one draw of the data, so repeat it; and once more with more sentences:

# %%
for r, n_per_task in ((0.0, 60), (0.5, 60), (1.0, 60), (1.0, 200)):
    several = [toy(r, n_per_task, seed=seed) for seed in range(5)]
    drawn = [
        path(d, lam=0.01, lam_shared=0.01)
        .gradient_cosines(d.stacked())["cosine"]
        .mean()
        for d in several
    ]
    mean, low, high = interval(drawn)
    print(f"relatedness {r}, {int(several[0].sizes[0])} sentences a task:", end=" ")
    print(f"{mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")

# %% [markdown]
# The first three intervals do not touch. The numbers are small, since with 36 training sentences a task, two tasks rarely use the same
# opinion word: with 120 the cosine is more than twice as large. And a conflict need not be a catastrophe: each task
# has its adapter, which follows that task alone. (Whether sharing costs accuracy is another question; lesson 06 asks it.) Methods that *repair* conflicting gradients (Yu et al. 2020) change the step of
# what tasks share.
#
# ## Which words move into shared, which into adapters?
#
# More sentences (one draw of 120 a task), penalties, and the exact optimum. An entry is the score of a word, positive minus negative.

# %%
big = toy(n_per_task=200)
model = rt.RAG(big.n_features, 3, 4, tasks=big.task_names, adapters=big.task_names)
rt.solve(model, big, lam=0.01, lam_shared=0.01)
vocabulary = list(big.vectorizer.get_feature_names_out())
table = rt.trajectories.model_words(model, vocabulary)
chosen = ["superb", "awful", "dark", "quiet", "amazing", "acting"]

# %%
fig, ax = plt.subplots(figsize=(9, 3.2), dpi=90, layout="constrained")
plots.words(table.loc[chosen], ax=ax)
plots.show(
    fig,
    alt="Scores of six words in W_s, in the four adapters and in the four task "
    "weights. Superb and awful: large in W_s, the same sign in all adapters. Dark and "
    "quiet: adapters of opposite signs. Amazing: zero in the phone adapter. Acting: the "
    "same number in W_s and in the film adapter, zero in the others.",
)

# %% [markdown]
# Four kinds of words:
#
# - **All tasks agree** (`superb`, `awful`): all parts have the same sign, and most of it sits in $W_s$.
# - **Tasks disagree** (`dark`, `quiet`): the adapters have different signs; $W_s$ holds a compromise.
# - **One task has never seen it** (`amazing`, never in a training sentence about phones): its adapter is 0, and it believes what the
#   others believe. That is how sharing helps.
# - **Only one task has seen it** (`acting`, a word of films): exactly one half in $W_s$, one half in the film adapter. Now every
#   domain believes half of what films believe, also of a word that is no opinion at all: `acting` is a noun, and chance
#   put it into a few more bad reviews than good ones. That is how sharing can mislead.
#
# The half is no accident. Where no data pull on an adapter, its penalty alone does, and it is 0. [Law 3](laws.md#law-3-balance), balance, says
# $\lambda_s W_s = \lambda\sum_t A_t$ for every word. What is the part of $W_s$ for other penalties?

# %%
card("05-7")


# %% tags=["exercise"]
def shared_part(lam, lam_shared):
    """W_s / W_t at the joint optimum, in the column of a word that only task t uses."""
    ...  ### SOLUTION


check("05-7", shared_part)

# %% [markdown]
# Check it on the data. Here $\lambda = 0.03$ and $\lambda_s = 0.01$: three quarters are predicted.

# %%
shared_part = reference("05-7")
uneven = rt.RAG(big.n_features, 3, 4, tasks=big.task_names, adapters=big.task_names)
rt.solve(uneven, big, lam=0.03, lam_shared=0.01)
row = rt.trajectories.model_words(uneven, vocabulary).loc["acting"]
part = row["W_s"] / row["W[films]"]
print(f"acting: {part:.3f} of W[films] is W_s; formula {shared_part(0.03, 0.01):.3f}")

# %% [markdown]
# Now a trap. Take all words with an opinion, and ask how large an adapter's entry is, compared with that of $W_s$.

# %%
opinions = {
    "the same everywhere": "superb awful wonderful terrible brilliant great bad poor",
    "different by domain": "dark quiet hot compact thin familiar slow mild",
}
W_names = [f"W[{name}]" for name in big.task_names]
rows = {}
for name, words in opinions.items():
    part = table.loc[words.split()]
    adapters, task_scores = part[big.task_names], part[W_names].to_numpy()
    rows[name] = {
        "adapter / W_s": adapters.abs().mean(axis=1).mean() / part["W_s"].abs().mean(),
        "agreement of W_t": 4
        * (task_scores.mean(1) ** 2).sum()
        / (task_scores**2).sum(),
    }
agreement = pd.DataFrame(rows).T
agreement.round(3)

# %% [markdown]
# 0.250 for the first group: "exactly a quarter of $W_s$ in each adapter, so these words are shared"? No. With $\lambda = \lambda_s$ balance says
# $W_s = \sum_t A_t$, so four adapters *of the same sign* hold a quarter of $W_s$ **on average, whatever the data say**. The 0.25 repeats the law; it
# tests nothing. (And only on average: look at `superb` in the picture.)
#
# What the data decide is whether the $W_t$ agree. The second column measures that: $T$ times the squared mean of the $W_t$, divided by the sum of their
# squares. It is 1 if all tasks give a word the same score, and 0 if the scores cancel. For words that mean the same everywhere it
# is 0.99; for words of the domains it is about two thirds. Before you trust a number, ask what it would have been without the effect.
#
# ## Watch it
#
# The film of lesson 04 again, with three domains: phones is left out.
#
# **Your task.** Choose *joint, no penalty*, and drag to the end: how far has $W_s - \sum_t A_t$ moved? Then choose *joint*
# (with penalties; there $\eta = 1$ and $\lambda = \lambda_s = 0.01$). The film shows every fourth step: find the first of them at which
# it has moved by 10 % or more. Which step does $(1-\eta\lambda)^n = 0.9$ predict?

# %%
rt.widgets.trajectory_player(
    goal={
        "Joint, no penalty: the end": "schedule == 4 and step == 480",
        "Joint: the first step shown at which 10 % are gone": "schedule == 1 and moved >= 0.1 and moved < 0.12",
    }
)

# %% [markdown]
# <details><summary>What there is to see</summary>
#
# *Joint, no penalty:* at step 480 the difference stands where it stood at the start, so well that the sentence says "it is conserved". *Joint:*
# it has moved by 8 % at step 8 and by 11 % at step 12. The formula gives $n = \ln 0.9 / \ln 0.99 = 10.5$, between the two. At the end it
# has moved by 99 %: next to nothing is left of the start.
#
# </details>
#
# ## Explain it to a colleague
#
# A colleague prints the phone adapter, sees 0.00 for `amazing`, and concludes: "The phone model has no opinion on *amazing*." Explain in
# three or four sentences what is wrong, and what to read instead.

# %%
card("05-8")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("05-8", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("05-8", text, ticks=[])

# %% [markdown]
# ## Extra: build your own
#
# A film of your own is a training loop that keeps copies. Train by plain gradient descent (`torch.optim.SGD`), all parts together. After every
# step keep what $W_s$ and the adapters are now. `loss(model)` is $J$; `model.adapter_weights()` has the shape
# (n_adapters, n_classes, n_features).

# %%
card("05-9")


# %% tags=["exercise"]
def film(model, loss, steps, lr):
    """-> W_s after every step (steps, C, d), and the adapters (steps, K, C, d)."""
    ...  ### SOLUTION


check("05-9", film)

# %% [markdown]
# Then test [law 2](laws.md#law-2-conservation) on your own record.

# %%
film = reference("05-9")  # the reference, whether or not you finished
model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, scale=0.1)
criterion = rt.MultiTaskLoss(lam=0.0, lam_shared=0.0)
parts = film(model, lambda m: criterion.stacked(m, data.stacked()), 50, 1.0)
parts = [torch.stack([torch.as_tensor(v) for v in part]) for part in parts]
mine = conserved(*parts)
print(f"moved by {(mine[-1] - mine[0]).norm() / mine[0].norm():.1e} of its length")

# %% [markdown]
# **Make it yours:** give the adapters another learning rate (two parameter groups), and find the matrix that is conserved
# now. Or take mini-batches, and see that nothing changes.

# %% [markdown]
# ## In your own world
#
# Where all weights are zero, each task's gradient in $W_s$ is $\frac{1}{n_t} \sum_i (\frac13 - y_i)\, x_i^\top$, with
# $y_i$ one-hot: no training is needed. Take the mean of the cosine over the six pairs of tasks. (Hand over what was
# computed; typed by hand, three decimals will do.) Nothing is typed in
# yet? Then this is the default world, the same for everybody. In a class, first enter your own, with `rt.world("your
# student number")` in place of `rt.world()`: the sentences, and the answer, are then yours alone.

# %%
card("05-w")

# %% tags=["exercise"]
here = rt.world()
start_cosine = ...
### BEGIN SOLUTION
x = here.data.rows(range(len(here.data))).double()
off = 1 / 3 - torch.nn.functional.one_hot(here.data.y, 3).double()
place = here.data.task
pulls = [
    (off[place == t].T @ x[place == t]).flatten() / (place == t).sum() for t in range(4)
]
unit = torch.stack([pull / pull.norm() for pull in pulls])
rows, columns = np.triu_indices(4, 1)
start_cosine = (unit @ unit.T)[rows, columns].mean().item()
### END SOLUTION
check("05-w", start_cosine)

# %% [markdown]
# ## Recap
#
# - Each adapter follows its own task, $W_s$ follows the sum. With pulls at right angles $W_s$ moves $\sqrt T$ times as far.
# - Plain gradient descent without penalties conserves $W_s - \sum_t A_t$ ([law 2](laws.md#law-2-conservation)). Momentum, mini-batches and
#   $\alpha$ keep the law. Adam, penalties and unequal learning rates break it.
# - With $\lambda = \lambda_s$ the start decays like $(1-\eta\lambda)^n$, and every start meets in the same $W_t$ ([law 4](laws.md#law-4-forgetting)).
# - The cosine of the tasks' gradients rises with their relatedness.
# - At the optimum balance decides who holds a word. Read $W_t$, not an adapter alone.
# - A number that a law forces is no evidence: ask what it would have been without the effect.
#
# ## Sources
#
# - T. Yu, S. Kumar, A. Gupta, S. Levine, K. Hausman and C. Finn (2020). Gradient surgery for multi-task learning.
#   *NeurIPS*. Conflicting gradients, and how to repair them.
# - S. Du, W. Hu and J. Lee (2018). Algorithmic regularization in learning deep homogeneous models: layers are automatically
#   balanced. *NeurIPS*. A conservation law of the same kind in deep networks.
# - T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. *KDD*. The objective, and the balance of its optimum.
