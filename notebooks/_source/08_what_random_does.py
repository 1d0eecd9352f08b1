# %% [markdown]
# In detail, you will be able to
#
# - say in which three places chance enters a random adapter graph, and which of them training can repair;
# - prove how fast two random starts meet, and say when they never do;
# - compare uniform, normal, zero, small and large starts;
# - tell one bottom of $J$ from several, and say when a low rank costs nothing;
# - weigh accuracy against trained parameters ([law 9](laws.md#law-9-rank)).
#
# You need lessons 02 (the graph), 03 (gradients) and 04 (training), and for section 4 one formula of lesson 07, which stands
# there again. Lesson 05 helps.
#
# **Your time.** The core is sections 1 and 4: about 70 minutes. Sections 2, 3 and 5 are about 50 more; take a break before section 2.
# The longer piece of work near the end (30 minutes and more) can be done at home.
#
# ## A question
#
# The R in RAG stands for *random*. The article draws the adapters at random, from a uniform or a normal
# distribution, and then trains them. Suppose ten people train the same model on the same sentences. Only their
# random starts differ. **Do they end with the same model?**
#
# Chance enters in three places. Keep them apart:
#
# | what is drawn | when | trained afterwards? |
# |---|---|---|
# | the **start** of $W_s$ and $A_k$ | once | yes |
# | the **graph** $G$: which adapters a task gets | once | no |
# | the **lens**: a frozen random projection inside each adapter | once | no |
#
# Training can repair the first, under conditions that you will find. It cannot repair the other two.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
import torch
from ragteach import RAG, MultiTaskDataset
from ragteach.study import plots
from ragteach.study.experiment import draw, interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect

# %% [markdown]
# Four domains, 60 training sentences each, 250 to test on. `relatedness=0.25` means: three of four opinion words
# change their meaning with the domain, so the adapters have work to do.

# %%
train, _, test = draw("toy", None, 60, seed=0, relatedness=0.25)
data = MultiTaskDataset.from_frame(train)
exam = MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names).stacked()
tensors = data.stacked()
names, d = data.task_names, data.n_features
print(f"{names}: {len(train)} sentences, {d} words")
for row in train.groupby("task", sort=False).head(1).itertuples():
    print(f"{row.task:7} {rt.LABELS[row.label]:9} {row.text}")

# %% [markdown]
# ## 1. The start
#
# ### Predict
#
# Ten starts. Plain gradient descent on the joint loss, 1000 steps. Ten trained models. Once with
# $\lambda = \lambda_s = 0.01$, once with $\lambda = \lambda_s = 0$. Are the ten models the same at the end? Say it for the run
# with the penalty and for the run without: `"same"` or `"different"`.

# %%
# Two words, for example "different with, same without"
### BEGIN SOLUTION
guess = "same with, different without"
### END SOLUTION
predict("08-a", guess)

# %% [markdown]
# ### How far apart are two models?
#
# Softmax does not change if one adds the same row vector to the weights of all classes. So weights can differ
# while the predictions agree. Take that shift away before you compare: subtract the mean over classes.
#
# $$\tilde W = W - \tfrac1C \sum_c W_{c\cdot}
# \qquad
# \text{spread} = \frac{\tfrac1R\sum_r \lVert \tilde W^{(r)} - \bar W\rVert}{\lVert \bar W\rVert},
# \quad \bar W = \tfrac1R\sum_r \tilde W^{(r)}$$
#
# 0 means: all $R$ models are the same. 1 means: they are as far from their mean as the mean is from zero.

# %%
card("08-1")


# %% tags=["exercise"]
def spread(weights):
    """weights (n_replicas, n_classes, n_features), numpy -> one number"""
    ...  ### SOLUTION


check("08-1", spread)

# %% [markdown] tags=["solution"]
# Order matters: the shift goes first, then the mean over replicas. Without centring, models that predict the same
# would look different.

# %% [markdown]
# ### Run it
#
# `train_many` trains ten replicas at once. `seeds` gives each its own start. There are no biases in this section, so
# that every trained number has a penalty; you will see below why that makes the proof short.

# %%
# The reference, so that this cell runs whether or not you have finished.
spread = reference("08-1")
SEEDS, LR = list(range(10)), 1.0
starts = {
    "normal, scale 1": ("normal", 1.0),
    "uniform, scale 1": ("uniform", 1.0),
    "normal, scale 0.01": ("normal", 0.01),
}


def ten_models(init, scale, lam, steps=1000, first=0):
    """Ten replicas, from the seeds first, first + 1, ...; recorded at every 20th step."""
    model = RAG(d, 3, 4, tasks=names, init=init, scale=scale, bias=False)
    return rt.train_many(
        model, tensors, lam=lam, lam_shared=lam, steps=steps,
        seeds=[first + seed for seed in SEEDS],
        lr=LR, optimizer="sgd", record_every=20,
    )  # fmt: skip


runs = {
    (label, lam): ten_models(*start, lam)
    for label, start in starts.items()
    for lam in (0.0, 0.01)
}


def spread_over_time(replicas):
    """Mean spread over tasks at every recorded step. G is the identity: W_t = W_s + A_t."""
    steps = [step for step, _, _ in replicas.history]
    values = [
        np.mean([spread(w) for w in (shared + adapters).numpy()])
        for _, shared, adapters in replicas.history
    ]
    return np.array(steps), np.array(values)


with_penalty = spread_over_time(runs["normal, scale 1", 0.01])[1][-1]
without = spread_over_time(runs["normal, scale 1", 0.0])[1][-1]
word = {True: "same", False: "different"}
reveal(
    "08-a",
    f"{word[with_penalty < 0.001]} with the penalty (spread {with_penalty:.5f}), "
    f"{word[without < 0.001]} without (spread {without:.2f})",
)

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, dpi=90)
looks = zip(
    starts, (plots.BLUE, plots.VERMILION, plots.GREEN), ("-", "--", ":"), strict=True
)
for label, colour, style in looks:
    for ax, lam in zip(axes, (0.0, 0.01), strict=True):
        steps, values = spread_over_time(runs[label, lam])
        ax.semilogy(steps, values, style, color=colour, lw=2, label=label)
        ax.set(
            title=f"$\\lambda = \\lambda_s = {lam:g}$", xlabel="step", ylim=(1e-7, 10)
        )
axes[0].set_ylabel("spread of ten models")
axes[0].legend(title="random start")
fig.tight_layout()
plots.show(
    fig,
    alt="Two panels, spread of ten models over 1000 steps, on a log scale. Without "
    "penalty the three curves flatten out above zero, the large normal start highest. "
    "With a penalty of 0.01 all three fall, in the end in straight lines.",
)

# %% [markdown]
# With a penalty the curves end in straight lines (until float32 can tell the models no longer apart: the dotted one, at the very end). On a log scale that means: the start is forgotten at a constant rate
# (**[law 4](laws.md#law-4-forgetting)**). Without one they level off: part of the start stays.
#
# ### Why two runs meet
#
# Lesson 05 followed one part of the weights, $W_s - \sum_t A_t$. With $\lambda_s = \lambda$ it shrinks by exactly
# $1 - \eta\lambda$ in every step. Here is a stronger statement, about *all* weights at once. Write $\theta$ for $W_s$ and all
# $A_t$ in one long vector, and $\eta$ for the learning rate. Two people start from $\theta$ and $\theta'$ and take the same kind of
# step, $\theta \leftarrow \theta - \eta\nabla J(\theta)$.
#
# You need one fact, the mean value theorem for gradients:
#
# $$\nabla J(\theta) - \nabla J(\theta') = H\,(\theta - \theta'),$$
#
# where $H$ is an average of the Hessians of $J$ between the two points. (The *Hessian* is the symmetric matrix of the second
# derivatives. It says how the gradient changes as you move. Its *eigenvalues* are the factors by which it stretches a
# vector along its own directions: how strongly $J$ is curved there.) The cross-entropies are convex, so none of their
# eigenvalues is below 0, and the penalty adds
# $\lambda$ to every eigenvalue. So all eigenvalues of $H$ lie between $\lambda$ and some number $L$. For our data
# $L$ is below $0.5$, so $\eta = 1$ is less than $1/L$.
#
# **Prove:** if $\eta \le 1/L$, each step brings the two runs closer, at least by the factor $1 - \eta\lambda$:
#
# $$\lVert\theta_n - \theta_n'\rVert \le (1-\eta\lambda)^n\,\lVert\theta_0 - \theta_0'\rVert .$$
#
# Where does your proof use $\lambda > 0$? Then write the number of steps as code.

# %% [markdown] tags=["answer"]
# *The proof is in the fold below.*

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **Proof.** One step turns the difference $\theta - \theta'$ into
# $\theta - \theta' - \eta\,(\nabla J(\theta) - \nabla J(\theta')) = (I - \eta H)(\theta - \theta')$. The eigenvalues of
# $I - \eta H$ are $1 - \eta h$ with $\lambda \le h \le L$. So they lie between $1 - \eta L \ge 0$ and $1 - \eta\lambda$. A symmetric
# matrix with such eigenvalues makes no vector longer than $1 - \eta\lambda$ times its length. Repeat it $n$ times. ∎
#
# With $\lambda = 0$ the factor is 1: the runs do not move apart, but nothing brings them together in a direction in which
# the data are flat. With $\lambda > 0$ the distance is below a tolerance once $n \ge \ln(\text{tol}/\text{gap}) / \ln(1 - \eta\lambda)$.
#
# **The step people miss:** $\eta \le 1/L$ is used too. It keeps $1 - \eta h$ from becoming negative: a number such as $-1.5$ is below
# $1 - \eta\lambda$, and yet it makes a vector longer.
#
# </details>

# %%
card("08-2")


# %% tags=["exercise"]
def steps_to_meet(lr, lam, gap, tol):
    """Two runs start `gap` apart: steps until they are surely at most `tol` apart.

    0 < lr * lam < 1 and 0 < tol < gap; a number, whole or not
    """
    ...  ### SOLUTION


check("08-2", steps_to_meet)

# %% [markdown]
# Compare the bound with two of the ten runs. No curve is fitted here.

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.4), dpi=90)
for lam, colour, marker in ((0.0, plots.VERMILION, "s"), (0.01, plots.BLUE, "o")):
    history = runs["normal, scale 1", lam].history
    steps = np.array([step for step, _, _ in history])
    apart = [
        torch.cat([(w[0] - w[1]).flatten(), (a[:, 0] - a[:, 1]).flatten()])
        .norm()
        .item()
        for _, w, a in history
    ]
    ax.semilogy(
        steps, apart, marker, ms=4, color=colour, label=f"run, $\\lambda = {lam:g}$"
    )
bound = apart[0] * (1 - LR * 0.01) ** steps
ax.semilogy(steps, bound, "k-", lw=1, label="$(1-\\eta\\lambda)^n$ times the start")
ax.set(xlabel="step n", ylabel="distance of two runs", ylim=(1e-3, 300))
ax.legend(loc="lower left")
plots.show(
    fig,
    alt="The distance between two runs over 1000 steps, on a log scale. Without "
    "penalty it stays near 60. With penalty 0.01 the run's points run along the line "
    "of the bound, down to about 0.003.",
)

# %% [markdown]
# The points run along the bound, so its factor cannot be improved: the slowest direction is the $W_s - \sum_t A_t$ of lesson 05,
# which the data cannot see. You choose how fast the start is forgotten, with $\lambda$ and $\eta$ alone.

# %% [markdown]
# ### Live: a bundle of paths
#
# Each path is one start: the score of one word in $W_s$ (across) and in an adapter (up) while gradient descent runs.
# **Your task.** The scale is 0.01 and $\lambda = 0$. Find a scale whose paths end far apart: at the last step, what the task
# uses differs by a tenth of its length or more. Then make them meet, moving only $\lambda$. Which direction do the paths share while $\lambda = 0$, and why? (The word stands in film sentences only. So its score in $W_s$ and its score
# in the film adapter get the same gradient.)

# %%
rt.widgets.init_lab(
    word="opening",
    scale=0.01,
    lam=0.0,
    goal={
        "Find a scale whose paths end far apart": "free > 0.1 and step == 600",
        "Then make them meet, with λ alone": "free > 0.1 and sum < 0.02 and step == 600",
    },
)

# %% [markdown]
# <details><summary>What there is to see</summary>
#
# Without a penalty, at step 600, the seeds' weights differ by 1 % of their length at scale 0.01, by 8 % at 0.1, by 22 % at 0.3, by 59 %
# at 1 and by 85 % at 3. With $\lambda = 0.01$, 2 % are left at scale 0.3, but 22 % at scale 3. With $\lambda = 0.03$ less than 1 % is left
# at every scale: all paths end in one point.
#
# While $\lambda = 0$ all paths are parallel: in every step both scores change by the same number, since they get the same gradient. How
# far a path is to the side of another was decided by the start, and stays.
#
# </details>
#
# ### Does it matter for the predictions?
#
# A different model need not be a worse one. Below is the test accuracy of the ten models: the mean, and in brackets the
# lowest to the highest. Each row is one training; it is stopped early, later, and late. `zero` starts from zeros: there
# is nothing to draw, so all ten are one.


# %%
def accuracy_at(replicas, step):
    """Test accuracy of the ten models as they were at a recorded step, as text."""
    _, shared, adapters = replicas.history[step // 20]
    then = replace(replicas, shared=shared, adapters=adapters)
    right = then.accuracy(exam).mean(0)  # (n_replicas,)
    return f"{right.mean():.3f} ({right.min():.3f} to {right.max():.3f})"


for lam in (0.0, 0.01):
    runs["zero", lam] = ten_models("zero", 1.0, lam)
pd.DataFrame(
    {
        f"{steps} steps": {
            f"{label}, lambda {lam:g}": accuracy_at(run, steps)
            for (label, lam), run in sorted(runs.items(), key=lambda item: item[0][1])
        }
        for steps in (20, 200, 1000)
    }
)

# %% [markdown]
# What came out, on this one draw of the data:
#
# - **Small start (0.01), or zero.** The seed moves the accuracy by less than two points. Start and seed are no worry.
# - **Large start (1), stopped early.** The models are far behind those that began small. The start is noise on top
#   of what was learnt, and 20 steps cannot remove it.
# - **Large start, long training.** With the penalty the ten agree. Without it they still differ, by two or three points:
#   ten people, ten models.
# - **Not all is praise for the penalty.** On these data $\lambda = 0.01$ forgets the start but costs accuracy against no
#   penalty at all. Forgetting and fitting are two different wishes. Lesson 07 chooses $\lambda$.
#
# ### Normal or uniform?
#
# In the figure the uniform start spreads less than the normal one with the same `scale`. Is a uniform
# distribution better? Look at what `scale` means: normal is $N(0, s^2)$, uniform is $U(-s, s)$.

# %%
card("08-3")


# %% tags=["exercise"]
def same_variance(scale):
    """The scale of a uniform start with the variance of a normal start of this scale"""
    ...  ### SOLUTION


check("08-3", same_variance)

# %% [markdown]
# Now the experiment. `ten_models(init, scale, 0.0, steps=20, first=first)` trains ten models without a penalty, from the
# seeds `first` to `first + 9`, and `spread_over_time(...)[1][-1]` is their spread at the end. Do it for the normal start at
# scale 1, for the uniform start at scale 1, and for the uniform start at the scale that your function gives. What does the
# *shape* of the distribution change, once the variance is the same?
#
# One batch of ten is one draw. So take six batches, `first` = 0, 10, ... 50, and collect the ratio of each. "No difference" is
# a claim as well, and needs a margin, said beforehand: call two spreads alike if the whole interval of the ratio lies
# between 0.9 and 1.1. (`interval(ratios)` gives mean, low and high.)

# %%
card("08-4")

# %% tags=["exercise"]
# Replace each ... : for each batch the spread of the uniform start divided by that of the normal start, after
# 20 steps with lam = 0: a list of ratios at scale 1, and a list at the scale of equal variance.
# Your conclusion: "a" uniform is better, "b" normal is better, "c" only the variance counts here.
findings = {"same scale": ..., "same variance": ..., "conclusion": ...}
### BEGIN SOLUTION
cases = {
    "normal": ("normal", 1.0),
    "same scale": ("uniform", 1.0),
    "same variance": ("uniform", np.sqrt(3)),
}
batches = range(0, 60, 10)
spreads = {
    key: np.array(
        [
            spread_over_time(ten_models(*one, 0.0, steps=20, first=first))[1][-1]
            for first in batches
        ]
    )
    for key, one in cases.items()
}
for key in ("same scale", "same variance"):
    findings[key] = spreads[key] / spreads["normal"]
    print(key, np.round(interval(findings[key]), 3))
findings["conclusion"] = "c"
### END SOLUTION
check("08-4", findings)

# %% [markdown] tags=["solution"]
# The interval of the second ratio lies close around 1, within the margin. The spread adds up the squares of hundreds of weights,
# and such a sum hardly depends on more than the variance of each.

# %% [markdown]
# ## 2. When the valley has more than one bottom
#
# So far $J$ was convex: one valley, one bottom. A *low-rank* adapter is a product of two thin matrices,
#
# $$A = U D, \qquad U: C \times r,\quad D: r \times d,$$
#
# as in LoRA. A product of unknowns is not convex. Two things change.
#
# ### A start one must not choose
#
# Let $g = \partial J / \partial A$ (shape $C \times d$). The chain rule gives the gradients of both factors. Find them.
# Then **prove:** if both factors start at zero, training never starts. What if only $U$ starts at zero?

# %%
card("08-5")


# %% tags=["exercise"]
def factor_gradients(up, down, g):
    """up (C, r), down (r, d), g (C, d) -> (dJ/dup (C, r), dJ/ddown (r, d))"""
    ...  ### SOLUTION


check("08-5", factor_gradients)

# %% [markdown] tags=["answer"]
# *The proof is in the fold below.*

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **Proof.** $\partial J/\partial U = g D^\top$ and $\partial J/\partial D = U^\top g$. If $U = 0$ and
# $D = 0$ both are zero, whatever $g$ is: training never starts. If only $U = 0$, the adapter is $A = 0$ (it does not
# disturb), but $\partial J/\partial U = gD^\top$ is not zero, so it can leave. That is why LoRA starts with one factor
# random and the other zero. `init="zero"` in our `RAG` does just that. ∎
#
# **The step people miss:** the adapters' penalty does not help either. Its gradient in $U$ is $\lambda U D D^\top$, and it is zero too
# where a factor is: $g$ here stands for the gradient of all of $J$ in $A$.
#
# </details>

# %%
LAM = 0.001
trapped = RAG(d, 3, 4, tasks=names, adapter="low_rank", rank=2, init="zero")
with torch.no_grad():
    for adapter in trapped.adapters.values():
        adapter.down.zero_()
free = RAG(d, 3, 4, tasks=names, adapter="low_rank", rank=2, init="zero")
for label, model in (("both factors zero", trapped), ("one factor zero", free)):
    rt.fit(model, tensors, epochs=50, lr=0.05, lam=LAM, lam_shared=LAM, progress=False)
    size = model.adapter_weights().norm().item()
    print(f"{label}: the adapters have length {size:.2f} after 50 steps")

# %% [markdown]
# ### Other seeds, other bottoms
#
# Now walk down to the very bottom, from three seeds for each kind of adapter, with $\lambda = \lambda_s = 0.001$. L-BFGS, which learns
# the curvature of $J$ from the gradients that it has met and so takes better steps than plain descent, does that in seconds, in double precision. `projected` is the frozen lens: $D$ is drawn once and never trained (section 5).


# %%
# About 10 seconds.
exact_tensors = data.stacked(dtype=torch.float64)


def to_the_bottom(model, lam=LAM, steps=1500, tensors=None):
    """Minimise J with L-BFGS, in place; returns the J that is reached."""
    tensors = exact_tensors if tensors is None else tensors
    criterion = rt.MultiTaskLoss(lam=lam, lam_shared=lam)
    moving = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.LBFGS(
        moving, max_iter=steps, max_eval=2 * steps, history_size=20,
        line_search_fn="strong_wolfe", tolerance_grad=1e-6,
    )  # fmt: skip

    def J():
        optimizer.zero_grad()
        value = criterion.stacked(model, tensors)
        value.backward()
        return value

    optimizer.step(J)
    return J().item()


kinds = [
    ("full", None),
    ("low_rank", 2),
    ("low_rank", 1),
    ("projected", 89),
    ("projected", 45),
    ("projected", 16),
]
results = []
for kind, rank in kinds:
    for seed in range(3):
        options = {"adapter": kind, "rank": rank, "seed": seed, "scale": 0.1}
        model = RAG(d, 3, 4, tasks=names, **options).double()
        bottom = to_the_bottom(model)
        trained = sum(p.numel() for p in model.adapters.parameters())
        accuracy = rt.evaluate(model, exam)["accuracy"]
        label = kind if rank is None else f"{kind}, r = {rank}"
        results.append((label, seed, trained, bottom, accuracy))

# %%
labels = list(dict.fromkeys(row[0] for row in results))
print(f"{'adapters':20}J at the bottom, seeds 0, 1, 2")
for label in labels:
    bottoms = [f"{row[3]:.4f}" for row in results if row[0] == label]
    print(f"{label:20}{'   '.join(bottoms)}")

other = MultiTaskDataset.from_frame(draw("toy", None, 60, seed=1, relatedness=0.25)[0])
bottoms = []
for seed in range(3):
    options = {"adapter": "low_rank", "rank": 1, "seed": seed, "scale": 0.1}
    model = RAG(other.n_features, 3, 4, tasks=names, **options).double()
    bottom = to_the_bottom(model, tensors=other.stacked(dtype=torch.float64))
    bottoms.append(f"{bottom:.4f}")
print(f"\nanother draw of the data, low_rank, r = 1: {'   '.join(bottoms)}")

# %% [markdown]
# - **full**: one $J$ for all seeds. Convex.
# - **low rank, r = 2**: one $J$ again, and it is that of the full adapter! Not by luck. You will prove it.
# - **low rank, r = 1**: on our sentences all three seeds end in one $J$. On another draw of the data (the last line; the
#   first other draw that we tried) there are several. A $J$ that is not convex *may* have several bottoms; whether it has them
#   depends on the data. Where it has, the seed decides which one you reach, and more steps do not change that. But look at
#   the sizes: those bottoms differ by a hundredth, while all of them lie far above the full adapter. Here the wrong *rank* costs much
#   more than an unlucky *start*.
# - **projected**: another $J$ for each seed. This is not a matter of bottoms: for a fixed lens $J$ is convex in $U$. Every
#   seed is another lens, so another problem.
#
# **Prove:** for three classes and any full adapter $A$ there is one of rank 2 that gives the same predictions for every
# sentence, and its penalty is not larger. (Which vector may you subtract from all rows of $A$?) Then build such factors.

# %%
card("08-6")


# %% tags=["exercise"]
def two_factors(a):
    """a full adapter a (3, d) -> up (3, 2), down (2, d) with the same softmax for every x"""
    ...  ### SOLUTION


check("08-6", two_factors)

# %% [markdown] tags=["answer"]
# *The proof is in the fold below.*

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **Proof.** Softmax does not change when all rows of $A$ lose the same row vector. Subtract the mean row: the
# three rows then sum to zero, so the rank is at most $2 = C - 1$ and $A = UD$ with $r = 2$. The centred $A$ is never
# longer than $A$, so the penalty does not grow either: no full adapter has a lower $J$ than the best one of rank
# $C - 1$. For two classes, rank 1 is enough. ∎
#
# **The step people miss:** the penalty. To subtract the *last* row gives rank 2 as well, and the same predictions, but it may make $A$
# longer. The *mean* row is the one that cannot: it is the projection of the rows onto what they have in common.
#
# </details>

# %% [markdown]
# ## 3. Adapters on or off while the shared part learns
#
# The article trains $W_s$ first, then the adapters. In the first phase the adapters still hold their random start.
# Should they take part already? Lesson 04 saw that adapters that are *on* leave their random numbers in the destination.
# Is that bad for $J$, and for the accuracy? The next cell finds the end of each phase exactly.

# %%
# Your prediction, for a start of scale 1: which J is lower at the end, "on" or "off"?
### BEGIN SOLUTION
guess = "off"
### END SOLUTION
predict("08-b", guess)


# %%
def two_phases(seed, scale, on):
    """(J, test accuracy) at the end of phase 2; adapters on or off in phase 1."""
    model = RAG(d, 3, 4, tasks=names, seed=seed, scale=scale)
    model.freeze("adapters")
    if not on:
        model.deactivate(*model.adapter_names)
    rt.solve(model, data, lam=LAM, lam_shared=LAM)
    model.activate(*model.adapter_names)
    model.unfreeze("adapters")
    model.freeze("shared")
    solution = rt.solve(model, data, lam=LAM, lam_shared=LAM)
    return solution.objective, rt.evaluate(model, exam)["accuracy"]


table = {}
for scale in (0.01, 1.0):
    for on in (True, False):
        ends = np.array([two_phases(seed, scale, on) for seed in range(4)])
        table[scale, on], accuracy = ends.T
        print(
            f"scale {scale:4}  adapters {'on ' if on else 'off'}  "
            f"J {min(table[scale, on]):.3f} to {max(table[scale, on]):.3f}  "
            f"accuracy {min(accuracy):.3f} to {max(accuracy):.3f}"
        )
on, off = (table[1.0, state].mean() for state in (True, False))
reveal(
    "08-b",
    f"{'off' if off < on else 'on'} (J {on:.3f} with adapters on, {off:.3f} off)",
)

# %% [markdown]
# With a small start it makes no difference: random adapters of scale 0.01 are almost absent. (All this on one draw of the data, with four
# seeds of the start.) With a large start and the
# adapters on, $W_s$ learns to live with noise that phase 2 then takes away. $J$ ends higher, and differently for each seed.
# With the adapters off the start is never seen: all seeds end alike. The accuracy changes much less than $J$. So the advice is
# modest: *start small, or switch them off*. (All of these lie above the $J$ of `full` in section 2. That is [law 7](laws.md#law-7-order-matters).)
#
# ## 4. Random graphs
#
# `graph="random"` lets every task draw $k$ of the $K$ adapters. Two tasks that draw the same one share it. Let
# the random graph be drawn anew and anew. What is it *on average*? From lesson 07, a graph is a covariance:
#
# $$\operatorname{Cov}[W_t, W_u] = \frac1{\lambda_s} + \frac1\lambda (GG^\top)_{tu}$$
#
# and $(GG^\top)_{tu}$ counts the adapters that tasks $t$ and $u$ have in common. Find the mean of this count over all random
# graphs: once for a task with itself, once for two different tasks.

# %%
card("08-7")


# %% tags=["exercise"]
def expected_overlap(n_adapters, per_task):
    """(mean of (GG')[t, t], mean of (GG')[t, u] for two different tasks)"""
    ...  ### SOLUTION


check("08-7", expected_overlap)

# %% [markdown] tags=["solution"]
# So on average a random graph is shared weights plus one adapter per task, with other lambdas: of the variance
# $k/\lambda$ that the adapters bring, the part $k^2/(K\lambda)$ goes to what is shared. But you do not train the
# average. You train one draw.

# %%
# the reference, so that this cell runs whether or not you finished
expected_overlap = reference("08-7")
graphs = [rt.routing_graph("random", 4, 8, per_task=2, seed=s) for s in range(500)]
overlap = np.mean([(g @ g.T)[0, 1].item() for g in graphs])
print(
    f"two of eight adapters: {expected_overlap(8, 2)[1]} expected, {overlap:.2f} in "
    f"500 draws"
)


def tuned_accuracy(model, parts):
    """Test accuracy at the lambda that validation chooses among seven."""
    train, val, test = parts
    path = rt.solve_path(model, train, LAM_TRIES, LAM, tol=1e-4)
    return path.accuracy(test).mean(0)[path.losses(val).mean(0).argmin()].item()


LAM_TRIES = np.logspace(-4.5, -1.5, 7)
SETTINGS = [(4, 1), (8, 1), (8, 2)]


def graphs_on(seed, n_graphs=4):
    """One draw of the data: accuracies of random graphs, of one adapter per task, of sharing."""
    train, *others = draw("toy", None, 60, seed, relatedness=0.25)
    data = MultiTaskDataset.from_frame(train)
    parts = data, *(MultiTaskDataset.from_frame(f, like=data).stacked() for f in others)
    shape, options = (data.n_features, 3), {"tasks": names, "init": "zero"}
    found = {
        (K, k): [
            tuned_accuracy(
                RAG(
                    *shape, K, graph="random", per_task=k, seed=10 * seed + i, **options
                ),
                parts,
            )
            for i in range(n_graphs)
        ]
        for K, k in SETTINGS
    }
    found["own"] = tuned_accuracy(RAG(*shape, 4, **options), parts)
    found["shared"] = tuned_accuracy(RAG.full_sharing(*shape, **options), parts)
    return found


graph_draws = [graphs_on(seed) for seed in range(6)]

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.6), dpi=90, layout="constrained")
for i, setting in enumerate(SETTINGS):
    lead = np.array([np.array(d[setting]) - d["own"] for d in graph_draws])  # (6, 4)
    jitter = i + np.linspace(-0.25, 0.1, 6)[:, None] + np.zeros(lead.shape)
    ax.plot(jitter.ravel(), lead.ravel(), "o", color=plots.BLUE, alpha=0.6, ms=5)
    mean, low, high = interval(lead.mean(1))
    half = [[mean - low], [high - mean]]
    ax.errorbar(i + 0.25, mean, yerr=half, fmt="D", color="black", capsize=4)
    print(
        f"K, k = {setting}: {100 * mean:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    )
mean, low, high = interval([d["shared"] - d["own"] for d in graph_draws])
ax.errorbar(
    3, mean, yerr=[[mean - low], [high - mean]], fmt="D", color="black", capsize=4
)
print(f"full sharing: {100 * mean:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]")
ax.axhline(0, color=plots.GREEN, ls="--")
ax.set_xticks(range(4), [*(f"K = {K}, k = {k}" for K, k in SETTINGS), "full sharing"])
ax.set(ylabel="test accuracy minus that of\none adapter per task", xlim=(-0.5, 3.5))
plots.show(
    fig,
    alt="Six draws of the data, four random graphs each: accuracy minus that of one adapter per "
    "task, each at its own lambda; diamonds are means with 95 % intervals over draws. They lie "
    "13, 7 and 6 points below zero for one of four, one of eight and two of eight adapters. Full "
    "sharing lies 24 points below.",
)

# %% [markdown]
# Each dot is one graph on one draw of the data, each diamond a mean over six draws with its 95 % interval. Each dot is
# trained to its optimum, at the $\lambda$ that validation chose for it: this scatter is **not** noise of training. It is the
# luck of the graph, and no $\lambda$ forgets it. With $K = 4$, $k = 1$ only 24 of the 256 possible graphs give every task its
# own adapter. The others put two or more domains on one adapter. On average every kind of random graph is behind
# the identity here, by thirteen points with one of four adapters and by six with two of eight.
#
# Why did every graph get its own $\lambda$? By your formula two adapters per task have twice the variance of one: the diagonal
# is $k/\lambda$. That is the prior of a *smaller* $\lambda$. At one fixed $\lambda$ a graph with $k = 2$ may look better than
# the identity for this reason alone. Whenever you compare graphs, compare them at the best $\lambda$ of each. The next cell
# shows what one fixed $\lambda$ would have told you.


# %%
def at_one_lambda(lam=LAM, seeds=range(12)):
    """Accuracy on this lesson's data: (graphs with k = 2 at lam, identity at lam, at lam / 2)."""

    def solved(model, lam):
        rt.solve(model, data, lam=lam, lam_shared=LAM)
        return rt.evaluate(model, exam)["accuracy"]

    two = {"tasks": names, "graph": "random", "per_task": 2}
    double = [solved(RAG(d, 3, 8, seed=seed, **two), lam) for seed in seeds]
    return np.array(double), *(
        solved(RAG(d, 3, 4, tasks=names), lam / k) for k in (1, 2)
    )


double, own, own_half = at_one_lambda()
print(f"graphs above the identity: {(double > own).sum()} of {len(double)}")
print(f"with half of lambda for the identity: {(double > own_half).sum()}")

# %% [markdown]
# Five of twelve graphs are then above the identity. Give the identity half of $\lambda$, and none is.
#
# So here a random graph stands between full sharing and one adapter for each task: clearly better than the one, clearly
# worse than the other. Take it if you know nothing about the tasks and cannot afford an adapter for each.
# If you know which tasks agree, say it in $G$.
#
# ## 5. The random lens, and what a parameter buys
#
# **[Law 9](laws.md#law-9-rank).** A full adapter has $Cd$ numbers: with one per task RAG trains *more* than independent models, not fewer. Low
# rank trains $r(C + d)$. A frozen random projection trains only $rC$: it looks at the words through $r$ random mixtures.
#
# Is that a bargain? The runs of section 2 once more, now against the number of trained adapter parameters. One number is
# tempting here: the points of accuracy above full sharing, for each 1000 trained numbers. (Three seeds, but **one draw** of
# the data, and one $\lambda$ that nobody tuned: the end of this section tunes it.)

# %%
shared_model = RAG.full_sharing(d, 3, tasks=names, init="zero")
rt.solve(shared_model, data, LAM, LAM)
shared = rt.evaluate(shared_model, exam)["accuracy"]
print(
    f"{'adapters':20}{'trained':>8}{'accuracy':>10}{'points above sharing per 1000':>31}"
)
for label in labels:
    rows = np.array([row[2:] for row in results if row[0] == label])
    trained, accuracy = rows[0, 0], rows[:, 2].mean()
    points = 100 * (accuracy - shared) / trained * 1000
    print(f"{label:20}{trained:8.0f}{accuracy:10.3f}{points:31.1f}")

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.8), dpi=90)
looks = {
    "full": (plots.BLUE, "o", (8, -4)),
    "low_rank": (plots.GREEN, "^", (-8, -4)),
    "projected": (plots.VERMILION, "s", (8, -4)),
}
for label in labels:
    colour, marker, offset = looks[label.split(",")[0]]
    rows = np.array([row[2:] for row in results if row[0] == label])
    ax.plot(rows[:, 0], rows[:, 2], marker, color=colour, alpha=0.6)
    ax.annotate(
        label, (rows[0, 0], rows[:, 2].mean()), offset, textcoords="offset points",
        ha="left" if offset[0] > 0 else "right", color=colour,
    )  # fmt: skip
ax.axhline(shared, color="k", ls=":", lw=1)
ax.text(100, shared, "full sharing: no adapter at all", va="bottom", fontsize=9)
ax.set(xscale="log", xlim=(90, 5000))
ax.set(xlabel="trained adapter parameters, all four tasks", ylabel="test accuracy")
ax.set_title("one draw of the data, three seeds", size=10)
plots.show(
    fig,
    alt="Test accuracy against trained adapter parameters, a dot per seed, on one draw. Full and "
    "low rank with r = 2 are equally high; low rank needs a third fewer parameters. "
    "Frozen projections rise with r from little above full sharing.",
)

# %% [markdown]
# - **Rank 2 costs nothing** (you proved it) and saves about a third. With 3 classes that is all that low rank can save for
#   free: $r(C+d)$ against $Cd$ pays only for $r < C$. In deep networks $C$ is a width of hundreds, and the saving is
#   large ([lesson 11](11_inside_a_network.ipynb)).
# - **The random lens is no bargain here.** Compare it with low rank at the same number of parameters. 89 mixtures lie
#   below $r = 2$; 45 mixtures and $r = 1$ are much alike in this draw, and both are poor. A bag of words has no small subspace that holds the opinion: each
#   word carries its own, and random mixtures blur them. And its accuracy depends on the draw.
# - **Beware of the last column.** Within each kind, accuracy per parameter looks best for the *smallest* adapters: the first
#   parameters buy most. You want accuracy, not a ratio.
# - This was one draw, and all kinds had the same $\lambda$. The next cell is optional (about a minute; the course's tests repeat the run): both comparisons on six other
#   draws, at a third of $\lambda$, at $\lambda$, at three times $\lambda$, and at the one of these that validation sentences choose for each
#   kind and draw. The lens stays below $r = 2$ in all six, at every $\lambda$. Between 45 mixtures and $r = 1$ no difference is clear
#   at $\lambda$ or below it. But validation chooses three times $\lambda$ for both, in all six draws, and there $r = 1$ leads by about two
#   points, with an interval that ends just short of 0. The $\lambda$ that nobody tuned had been kind to the lens.
# - Published successes of frozen projections (LoRA-FA, VeRA) sit on top of *pretrained* features. That is a different place
#   to stand. The article's "fewer parameters" is true under conditions, and here you measured them.


# %%
KINDS = [("projected", 89), ("low_rank", 2), ("projected", 45), ("low_rank", 1)]
FEW = (LAM / 3, LAM, 3 * LAM)


def lens_against_rank(seed):
    """89 mixtures minus rank 2, and 45 minus rank 1, on a fresh draw: test accuracy.

    Two numbers for each lambda of FEW, and in the last row where validation chose: (4, 2)
    """
    train, val, test = draw("toy", None, 60, seed, relatedness=0.25)
    fresh = MultiTaskDataset.from_frame(train)
    val, held = (MultiTaskDataset.from_frame(f, like=fresh) for f in (val, test))
    columns = []  # test accuracy of each kind, (4,)
    for kind, rank in KINDS:
        losses, right = [], []
        for lam in FEW:
            options = {"adapter": kind, "rank": rank, "seed": seed, "scale": 0.1}
            model = RAG(fresh.n_features, 3, 4, tasks=names, **options)
            settings = {"epochs": 100, "lr": 0.1, "lam": lam, "lam_shared": lam}
            rt.fit(model, fresh.stacked(), progress=False, **settings)
            losses.append(rt.evaluate(model, val)["loss"])
            right.append(rt.evaluate(model, held)["accuracy"])
        columns.append([*right, right[int(np.argmin(losses))]])
    lens_89, rank_2, lens_45, rank_1 = np.array(columns)
    return np.column_stack([lens_89 - rank_2, lens_45 - rank_1])


def lens_on_other_draws(seeds=range(1, 7)):
    runs = np.array([lens_against_rank(seed) for seed in seeds])  # (n_draws, 4, 2)
    for i, lam in enumerate([*(f"lambda {lam:.4f}" for lam in FEW), "chosen lambda"]):
        for j, pair in enumerate(("89 mixtures minus rank 2", "45 minus rank 1")):
            print(f"{lam}, {pair}:", np.round(interval(runs[:, i, j]), 3))


# lens_on_other_draws()  # optional: remove the first # and run

# %% [markdown]
# ## Build it: low-rank adapters of your own
#
# You have the gradients of both factors, you know which start is a trap, and what a frozen lens is. Put them together, in numpy,
# about forty lines. $J = \sum_t CE_t + \frac\lambda2\lVert W_s\rVert^2 + \frac\lambda2\sum_t\lVert U_t D_t\rVert^2$, no biases,
# plain gradient descent. Write one method after the other and run the check after each.

# %%
card("08-9")


# %% tags=["exercise"]
class Factors:
    """W_t = W_s + up_t down_t, trained by gradients that you worked out."""

    def __init__(self, n_classes, n_features, n_tasks, rank, seed=0):
        """self.shared (C, d) and self.up (T, C, r) are zeros, self.down (T, r, d) is standard normal."""
        ...  ### SOLUTION

    def weights(self):
        """W_t of every task, (n_tasks, n_classes, n_features)"""
        ...  ### SOLUTION

    def pulls(self, x, task, y):
        """The gradient of each task's mean cross-entropy in its W_t, in the same shape."""
        ...  ### SOLUTION

    def train(self, x, task, y, lam, lr, steps, lens=False):
        """Gradient descent on J; lens=True leaves down as it was drawn. Returns self."""
        ...  ### SOLUTION


check("08-9", Factors)

# %% [markdown]
# Your class on this lesson's sentences, with a lens and without. (The first line takes the reference, so that the cell runs in
# any case. Delete it to run your own.)

# %%
Factors = reference("08-9")
held = MultiTaskDataset.from_frame(test, like=data)
(x, task, y), (new_x, new_task, new_y) = (
    (part.x.double().numpy(), part.task.numpy(), part.y.numpy())
    for part in (data, held)
)
for lens in (False, True):
    mine = Factors(3, d, 4, rank=2)
    mine.train(x, task, y, lam=LAM, lr=0.2, steps=300, lens=lens)
    logits = np.einsum("nd,ncd->nc", new_x, np.asarray(mine.weights())[new_task])
    right = (logits.argmax(1) == new_y).mean()
    print(f"lens={lens!s:5}  {right:.3f} of new sentences, after 300 steps (one draw)")

# %% [markdown]
# That is far below the rank 2 of section 2. Yours is no worse a model: it has had 300 small steps, and that one
# went to its optimum. Without the lens the number still rises if you take more steps.
#
# **Bonus.** (a) `down` of scale $1/\sqrt d$: LoRA's usual start. How many steps does it cost or save? (b) One lens for all tasks:
# what is shared now? (c) Momentum in your own `train`. (d) Let `up` start at random and `down` at zero. Is it the same by symmetry?
#
# ## Explain to a colleague
#
# A colleague writes: "I reran your RAG with another seed and got another model. Your method is not reproducible!"
# Answer in three or four sentences: what could differ, when a seed does not matter, and when it does.

# %%
card("08-8")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("08-8", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("08-8", text, ticks=[])

# %% [markdown]
# ## In your own world
#
# Which share of each adapter's $\lVert A_t \rVert^2$ does its first direction hold, $\sigma_1^2 / \sum_i \sigma_i^2$,
# in `here.solve()`? Four numbers, one for each task. (Hand over what was computed; typed by hand,
# three decimals will do.) Nothing is typed in yet? Then this is the default world, the
# same for everybody. In a class, first enter your own, with `rt.world("your student number")` in place of
# `rt.world()`: the sentences, and the answer, are then yours alone.

# %%
card("08-w")

# %% tags=["exercise"]
here = rt.world()
rank_one = ...
### BEGIN SOLUTION
squares = torch.linalg.svdvals(here.solve().adapter_weights().detach()) ** 2
rank_one = squares[:, 0] / squares.sum(1)
### END SOLUTION
check("08-w", rank_one)

# %% [markdown]
# ## Recap
#
# | what is random | convex, $\lambda > 0$, long training | convex, $\lambda = 0$ or stopped early | low rank |
# |---|---|---|---|
# | the start | forgotten, at least like $(1-\eta\lambda)^n$ | stays in part | may decide which bottom you reach |
# | the graph | never forgotten | never forgotten | never forgotten |
# | the frozen lens | never forgotten | never forgotten | never forgotten |
#
# - Uniform or normal: only the variance counted. Zero is a fine start for full adapters, and fatal for *both* factors of a
#   product.
# - Small starts make the course's experiments nearly free of this kind of luck. That is why `scale=0.01` is the default.
# - Rank $C - 1$ is as good as a full adapter. A random lens trains fewer numbers, and here it pays for that in accuracy.
#
# ## Sources
#
# - E. J. Hu et al. (2022), *LoRA: Low-Rank Adaptation of Large Language Models*, ICLR. One factor random, one zero.
# - L. Zhang et al. (2023), *LoRA-FA: Memory-efficient Low-rank Adaptation for Large Language Models Fine-tuning*. One factor frozen.
# - D. J. Kopiczko, T. Blankevoort, Y. M. Asano (2024), *VeRA: Vector-based Random Matrix Adaptation*, ICLR. Frozen random
#   matrices shared by all layers.
# - E. M. Ponti, A. Sordoni, Y. Bengio, S. Reddy (2022), *Combining Modular Skills in Multitask Learning*. Which skills serve
#   which task: learned, against fixed or random.
# - A. M. Saxe, J. L. McClelland, S. Ganguli (2014), *Exact solutions to the nonlinear dynamics of learning in deep linear neural
#   networks*, ICLR. Why a product of matrices starts slowly, and what it conserves.
