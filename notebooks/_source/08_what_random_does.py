# %% [markdown]
# **You will be able to** say where chance enters a random adapter graph, prove how fast a random start is
# forgotten, tell when it is never forgotten, and weigh accuracy against trained parameters.
#
# You need lessons 02 (the graph), 03 (gradients) and 04 (training).
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
# Training can repair the first. It cannot repair the other two. This is the whole lesson in two sentences.

# %%
import matplotlib.pyplot as plt
import numpy as np
import ragteach as rt
import torch
from ragteach import RAG, MultiTaskDataset, plots
from ragteach.checks import check, reference
from ragteach.compare import draw
from ragteach.hints import card, hint, predict, reveal, rubric

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
train.groupby("task", sort=False).head(1)

# %% [markdown]
# ## 1. The start
#
# ### Predict
#
# Ten starts. Plain gradient descent on the joint loss, 2000 steps. Ten trained models. Once with
# $\lambda = \lambda_s = 0.01$, once with $\lambda = \lambda_s = 0$.
# How far apart are the ten at the end, with the penalty and without: `"same"` or `"different"`?

# %%
# Two words, for example "different with, same without"
### BEGIN SOLUTION
guess = "same with the penalty, different without"
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
    ### BEGIN SOLUTION
    centred = weights - weights.mean(1, keepdims=True)
    mean = centred.mean(0)  # (n_classes, n_features)
    away = np.sqrt(((centred - mean) ** 2).sum((1, 2)))  # (n_replicas,)
    return away.mean() / np.sqrt((mean**2).sum())
    ### END SOLUTION


check("08-1", spread)

# %% [markdown] tags=["solution"]
# Order matters: the shift goes first, then the mean over replicas. Without centring, models that predict the same
# would look different.

# %% [markdown]
# ### Run it
#
# `train_many` trains ten replicas at once. `seeds` gives each its own start.

# %%
spread = reference(
    "08-1"
)  # the reference, so that this cell runs whether or not you finished
SEEDS, LR = list(range(10)), 1.0
starts = {
    "normal, scale 1": ("normal", 1.0),
    "uniform, scale 1": ("uniform", 1.0),
    "normal, scale 0.01": ("normal", 0.01),
}


def ten_models(init, scale, lam, steps=2000, record_every=20):
    model = RAG(d, 3, 4, tasks=names, init=init, scale=scale)
    return rt.train_many(
        model, tensors, lam=lam, lam_shared=lam, seeds=SEEDS, steps=steps,
        lr=LR, optimizer="sgd", record_every=record_every,
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
        ax.semilogy(steps, values + 1e-9, style, color=colour, lw=2, label=label)
        ax.set(title=f"$\\lambda = \\lambda_s = {lam}$", xlabel="step", ylim=(1e-7, 10))
axes[0].set_ylabel("spread of ten models")
axes[0].legend(title="random start")
fig.tight_layout()
plots.show(
    fig,
    alt="Two panels, spread of ten models over 2000 steps, on a log scale. Without "
    "penalty the three curves "
    "flatten out above zero, the large normal start highest. With a penalty of 0.01 "
    "all three fall in straight "
    "lines towards zero.",
)

# %% [markdown]
# With a penalty the curves fall in a straight line on a log scale: the start is forgotten at a constant rate
# (**law 4**). Without one they level off: part of the start stays. Which part?
#
# ### What gradient descent cannot see
#
# Write $g_t = \alpha_t\, \partial CE_t / \partial W_t$. With $G = I$,
#
# $$\frac{\partial J}{\partial W_s} = \sum_t g_t + \lambda_s W_s, \qquad
#   \frac{\partial J}{\partial A_t} = g_t + \lambda A_t .$$
#
# Look at $C = W_s - \sum_t A_t$. In a step of gradient descent with learning rate $\eta$ the $g_t$ cancel. With
# $\lambda_s = \lambda$ what is left is
#
# $$C_{n+1} = (1 - \eta\lambda)\, C_n \qquad\Longrightarrow\qquad C_n = (1 - \eta\lambda)^n\, C_0 .$$
#
# With $\lambda = 0$ it never moves (**law 2**). So the part of the start that the data cannot see decays at a rate
# that *you* choose.

# %%
card("08-2")

# %% [markdown] tags=["answer"]
# **Proof.** One step is $W_s' = W_s - \eta\,(\sum_t g_t + \lambda W_s)$ and $A_t' = A_t - \eta\,(g_t + \lambda A_t)$.
# Sum the second over $t$ and subtract it from the first:
# $C' = W_s - \sum_t A_t - \eta\sum_t g_t + \eta\sum_t g_t - \eta\lambda\,(W_s - \sum_t A_t) = (1-\eta\lambda)\,C$.
# No property of the loss was used: it holds for every data set. After $n$ steps the factor is
# $(1-\eta\lambda)^n$. It is below $q$ once $n \ge \ln q / \ln(1 - \eta\lambda)$.


# %% tags=["exercise"]
def steps_to_forget(lr, lam, left):
    """Steps until only the share `left` of C_0 is left (a number; 0 < lr * lam < 1)"""
    ### BEGIN SOLUTION
    return np.log(left) / np.log(1 - lr * lam)
    ### END SOLUTION


check("08-2", steps_to_forget)

# %% [markdown]
# Compare the formula with the run. No curve is fitted here.

# %%
path = rt.Trajectory.from_replicas(runs["normal, scale 1", 0.01], r=0)
conserved = path.conserved().flatten(1).norm(dim=1).numpy()  # (n_steps,)
formula = conserved[0] * (1 - LR * 0.01) ** path.steps
still = rt.Trajectory.from_replicas(runs["normal, scale 1", 0.0], r=0).conserved()
still = still.flatten(1).norm(dim=1).numpy()

fig, ax = plt.subplots(figsize=(6, 3.2), dpi=90)
ax.semilogy(
    path.steps, still, "--", color=plots.VERMILION, lw=2, label="run, $\\lambda = 0$"
)
ax.semilogy(
    path.steps, conserved, "o", ms=4, color=plots.BLUE, label="run, $\\lambda = 0.01$"
)
ax.semilogy(
    path.steps, formula, "k-", lw=1, label="$(1-\\eta\\lambda)^n\\,\\Vert C_0\\Vert$"
)
ax.set(xlabel="step n", ylabel="$\\Vert W_s - \\sum_t A_t\\Vert$", ylim=(1e-7, 1e3))
ax.legend()
plots.show(
    fig,
    alt="The norm of W_s minus the sum of the adapters over 2000 steps. Without "
    "penalty it is a flat line. With "
    "penalty 0.01 the run's points lie on the line of the formula until float32 runs "
    "out of digits.",
)

# %% [markdown]
# ### Live: a bundle of paths
#
# Each path is one start: the score of one word in $W_s$ (across) and in an adapter (up) while gradient descent runs.
# **Task:** find a start whose paths end far apart. Then make them meet, moving only $\lambda$. Which direction do
# the paths share while $\lambda = 0$, and why? (Both scores take the same step when only $g_t$ pulls.)

# %%
rt.widgets.init_lab()

# %% [markdown]
# ### Does it matter for the predictions?
#
# A different model need not be a worse one. Below, the test accuracy of the ten models: the mean, and the lowest to the
# highest. Read each block downwards: early stopping, then longer training.

# %%
print(f"{'start':20}{'lambda':>7}{'steps':>7}{'mean':>8}   lowest to highest")
for (label, start), lam in [(s, lam) for lam in (0.0, 0.01) for s in starts.items()]:
    for steps in (20, 200, 2000):
        # the runs of 2000 steps are there already
        ten = (
            runs[label, lam] if steps == 2000 else ten_models(*start, lam, steps, None)
        )
        accuracy = ten.accuracy(exam).mean(0)  # (n_replicas,)
        print(
            f"{label:20}{lam:7}{steps:7}{accuracy.mean():8.3f}   "
            f"{accuracy.min():.3f} to {accuracy.max():.3f}"
        )

# %% [markdown]
# What came out:
#
# - **Small start (0.01).** The seed moves the accuracy by less than two points. Start and seed are no worry.
# - **Large start (1), stopped early.** The models are hardly better than guessing (one third). The start is noise on top
#   of what was learnt, and 20 steps cannot remove it.
# - **Large start, long training.** With the penalty all ten agree exactly. Without it they still differ, here by two
#   points: ten people, ten models.
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
    ### BEGIN SOLUTION
    # Var U(-u, u) = u^2 / 3
    return np.sqrt(3) * scale
    ### END SOLUTION


check("08-3", same_variance)

# %% [markdown]
# Now the experiment. Train with `"uniform"` at both scales, stop after 20 steps, and divide its spread by that of
# the normal start. What does the *shape* of the distribution change, once the variance is the same?

# %%
card("08-4")

# %% tags=["exercise"]
# Fill in the ratio of spreads (uniform / normal, after 20 steps, lam = 0) for both scales,
# and your conclusion: "a" uniform is better, "b" normal is better,
# "c" only the variance counts here
### BEGIN SOLUTION
final = {}
same_variance = reference("08-3")
for label, init, scale in [
    ("normal", "normal", 1.0),
    ("same scale", "uniform", 1.0),
    ("same variance", "uniform", same_variance(1.0)),
]:
    final[label] = spread_over_time(ten_models(init, scale, 0.0, steps=20))[1][-1]
findings = {
    "same scale": final["same scale"] / final["normal"],
    "same variance": final["same variance"] / final["normal"],
    "conclusion": "c",
}
### END SOLUTION
check("08-4", findings)

# %% [markdown] tags=["solution"]
# The second ratio is near 1 (not exactly: ten starts of each). The spread adds up the squares of hundreds of weights,
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

# %%
card("08-5")


# %% tags=["exercise"]
def factor_gradients(up, down, g):
    """up (C, r), down (r, d), g (C, d) -> (dJ/dup (C, r), dJ/ddown (r, d))"""
    ### BEGIN SOLUTION
    return g @ down.T, up.T @ g
    ### END SOLUTION


check("08-5", factor_gradients)

# %% [markdown] tags=["answer"]
# **Why not both zero?** $\partial J/\partial U = g D^\top$ and $\partial J/\partial D = U^\top g$. If $U = 0$ and
# $D = 0$ both are zero, whatever $g$ is: training never starts. If only $U = 0$, the adapter is $A = 0$ (it does not
# disturb), but $\partial J/\partial U = gD^\top$ is not zero, so it can leave. That is why LoRA starts with one factor
# random and the other zero. `init="zero"` in our `RAG` does just that.

# %%
trapped = RAG(d, 3, 4, tasks=names, adapter="low_rank", rank=2, init="zero")
with torch.no_grad():
    for adapter in trapped.adapters.values():
        adapter.down.zero_()
free = RAG(d, 3, 4, tasks=names, adapter="low_rank", rank=2, init="zero")
for label, model in (("both factors zero", trapped), ("one factor zero", free)):
    rt.fit(model, tensors, epochs=100, lr=0.05, progress=False)
    size = model.adapter_weights().norm().item()
    print(f"{label}: adapters of size {size:.2f} after 100 steps")

# %% [markdown]
# ### Other seeds, other bottoms
#
# Five seeds for each kind of adapter, now with Adam and $\lambda = \lambda_s = 0.001$, until $J$ stands still.
# `projected` is the frozen lens: $D$ is drawn once and never trained (section 4).

# %%
LAM = 0.001
kinds = [
    ("full", None),
    ("low_rank", 1),
    ("low_rank", 2),
    ("projected", 16),
    ("projected", 64),
    ("projected", 128),
]
results = []
for kind, rank in kinds:
    for seed in range(5):
        model = RAG(d, 3, 4, tasks=names, adapter=kind, rank=rank, seed=seed, scale=0.1)
        history = rt.fit(
            model, tensors, epochs=250, lr=0.05, lam=LAM, lam_shared=LAM, progress=False
        )
        trained = sum(p.numel() for p in model.adapters.parameters())
        accuracy = rt.evaluate(model, exam)["accuracy"]
        label = kind if rank is None else f"{kind}, r = {rank}"
        results.append((label, seed, trained, history.records[-1]["loss"], accuracy))

# %%
labels = list(dict.fromkeys(row[0] for row in results))
print(f"{'adapters':18}{'trained':>8}   J over five seeds    accuracy over five seeds")
for label in labels:
    rows = np.array([row[2:] for row in results if row[0] == label])
    low, high = rows.min(0), rows.max(0)
    print(
        f"{label:18}{rows[0, 0]:8.0f}   {low[1]:.4f} to {high[1]:.4f}    "
        f"{low[2]:.3f} to {high[2]:.3f}"
    )

# %% [markdown]
# - **full**: one $J$ for all seeds. Convex.
# - **low rank, r = 1**: each seed ends in a $J$ of its own. Here the start is *not* forgotten, penalty or not.
# - **low rank, r = 2**: one $J$ again, and it is that of the full adapter! Not by luck. You can prove it.

# %%
card("08-6")


# %% tags=["exercise"]
def two_factors(a):
    """a full adapter a (3, d) -> up (3, 2), down (2, d) with the same softmax for every x"""
    ### BEGIN SOLUTION
    # Subtract the last row from all rows: softmax does not see it, and the last row becomes zero.
    down = a[:2] - a[2]
    up = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    return up, down
    ### END SOLUTION


check("08-6", two_factors)

# %% [markdown] tags=["answer"]
# **Proof.** Softmax does not change when all rows of $A$ lose the same row vector. Subtract the mean row: the
# three rows then sum to zero, so the rank is at most $2 = C - 1$ and $A = UD$ with $r = 2$. The centred $A$ is never
# longer than $A$, so the penalty does not grow either: no full adapter has a lower $J$ than the best one of rank
# $C - 1$. For two classes, rank 1 is enough.

# %% [markdown]
# ## 3. Adapters on or off while the shared part learns
#
# The article trains $W_s$ first, then the adapters. In the first phase the adapters still hold their random start.
# Should they take part already? `fit(..., adapters_first=True)` leaves them in; `False` takes them out.
# If they take part, $W_s$ learns to live with noise that will soon be trained away.

# %%
# Your prediction, for a start of scale 1: which J is lower at the end, "on" or "off"?
### BEGIN SOLUTION
guess = "off"
### END SOLUTION
predict("08-b", guess)

# %%
table = {}
for scale in (0.01, 1.0):
    for on in (True, False):
        ends = []
        for seed in range(4):
            model = RAG(d, 3, 4, tasks=names, seed=seed, scale=scale)
            history = rt.fit(
                model, tensors, schedule="two_phase", epochs=160, lr=0.05, lam=LAM,
                lam_shared=LAM, adapters_first=on, progress=False,
            )  # fmt: skip
            ends.append(
                (history.records[-1]["loss"], rt.evaluate(model, exam)["accuracy"])
            )
        table[scale, on] = np.array(ends)
        loss, accuracy = table[scale, on].T
        print(
            f"scale {scale:4}  adapters {'on ' if on else 'off'}  J {loss.mean():.3f}"
            f" ({loss.min():.3f} to {loss.max():.3f})  accuracy {accuracy.mean():.3f}"
        )
on, off = (table[1.0, state][:, 0].mean() for state in (True, False))
reveal(
    "08-b",
    f"{'off' if off < on else 'on'} (J {on:.3f} with adapters on, {off:.3f} off)",
)

# %% [markdown]
# With a small start it makes no difference: random adapters of scale 0.01 are almost absent. With a large start $J$ is
# lower if they are off. The test accuracy hardly cares in either case. So the advice is modest: *start small, or switch
# them off*. (Neither reaches the joint optimum: 160 steps in two phases; compare the $J$ of `full` above. Law 7 says
# the order costs something.)
#
# ## 4. Random graphs
#
# `graph="random"` lets every task draw $k$ of the $K$ adapters. Two tasks that draw the same one share it. Let
# the random graph be drawn anew and anew. What is it *on average*? From lesson 07, a graph is a covariance:
#
# $$\operatorname{Cov}[W_t, W_u] = \frac1{\lambda_s} + \frac1\lambda (GG^\top)_{tu}$$
#
# and $(GG^\top)_{tu}$ counts the adapters that tasks $t$ and $u$ have in common.

# %%
card("08-7")


# %% tags=["exercise"]
def expected_overlap(n_adapters, per_task):
    """(mean of (GG')[t, t], mean of (GG')[t, u] for two different tasks)"""
    ### BEGIN SOLUTION
    # A task holds adapter k with probability k / K; two tasks draw independently of each other.
    return per_task, per_task**2 / n_adapters
    ### END SOLUTION


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


def trained_accuracy(model, lam):
    rt.solve(model, data, lam=lam, lam_shared=LAM)
    return rt.evaluate(model, exam)["accuracy"]


settings = [(4, 1), (4, 2), (8, 1), (8, 2)]
scores = {}
for n_adapters, per_task in settings:
    options = {"tasks": names, "graph": "random", "per_task": per_task}
    scores[n_adapters, per_task] = [
        trained_accuracy(RAG(d, 3, n_adapters, seed=seed, **options), LAM)
        for seed in range(12)
    ]
own = {k: trained_accuracy(RAG(d, 3, 4, tasks=names), LAM / k) for k in (1, 2)}
shared = trained_accuracy(RAG.full_sharing(d, 3, tasks=names), LAM)

# %%
fig, ax = plt.subplots(figsize=(7, 3.6), dpi=90)
for i, setting in enumerate(settings):
    jitter = np.linspace(-0.18, 0.18, 12)
    ax.plot(i + jitter, scores[setting], "o", color=plots.BLUE, alpha=0.7)
    ax.plot([i - 0.25, i + 0.25], [np.mean(scores[setting])] * 2, "k-", lw=2)
ax.axhline(own[1], color=plots.GREEN, ls="--", label="one per task, $\\lambda$")
ax.axhline(own[2], color=plots.GREEN, ls="-.", label="one per task, $\\lambda / 2$")
ax.axhline(shared, color=plots.VERMILION, ls=":", label="full sharing")
ax.set_xticks(range(4), [f"K = {K}, k = {k}" for K, k in settings])
ax.set(ylabel="test accuracy", xlim=(-0.5, 3.5))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plots.show(
    fig,
    alt="Test accuracy of twelve random graphs for four settings; bars are means. "
    "With one adapter per task "
    "(K = 4 or 8) no draw is above the line of one own adapter per task, and some "
    "are far below. "
    "With two of eight adapters most draws are above that line, but not above the "
    "line for half of lambda.",
)

# %% [markdown]
# Each dot is trained to its optimum: this scatter is **not** noise of training. It is the luck of the graph, and no
# $\lambda$ forgets it. With $K = 4$, $k = 1$ only 24 of the 256 possible graphs give every task its own adapter (see the
# dots on the dashed line). The others put two or more domains on one adapter.
#
# But look at $K = 8$, $k = 2$: most draws beat "one adapter per task". Is a random graph better than the identity?
# Careful. Two adapters per task have twice the variance of one: by your formula the diagonal is $k/\lambda$. That is
# the prior of a *smaller* $\lambda$. Give the identity half of $\lambda$ too (dash-dotted line), and the lead is
# gone. Whenever you compare graphs, compare them at the best $\lambda$ of each.
#
# So a random graph is a fair choice when you know nothing about the tasks and cannot afford one adapter each.
# If you know which tasks agree, say it in $G$.

# %% [markdown]
# ## 5. The random lens, and what a parameter buys
#
# **Law 9.** A full adapter per task has $Cd$ numbers: with one per task RAG trains *more* than independent models,
# not fewer. Low rank trains $r(C + d)$. A frozen random projection trains only $rC$: it looks at the words through $r$
# random mixtures.
#
# Is that a bargain? Same runs as in section 2, now against the number of trained adapter parameters.

# %%
fig, ax = plt.subplots(figsize=(7, 3.6), dpi=90)
looks = {
    "full": (plots.BLUE, "o"),
    "low_rank": (plots.GREEN, "^"),
    "projected": (plots.VERMILION, "s"),
}
for label in labels:
    colour, marker = looks[label.split(",")[0]]
    rows = np.array([row[2:] for row in results if row[0] == label])
    ax.plot(rows[:, 0], rows[:, 2], marker, color=colour, alpha=0.6)
    ax.annotate(label, (rows[0, 0], rows[:, 2].max()), (0, 6), textcoords="offset "
                                                                          "points",
                ha="center", color=colour)  # fmt: skip
ax.axhline(shared, color="k", ls=":", lw=1)
ax.text(95, shared, "full sharing: no adapter at all", va="bottom", fontsize=9)
ax.set(
    xscale="log",
    xlabel="trained adapter parameters, all four tasks",
    ylabel="test accuracy",
)
ax.set(xlim=(90, 4500), ylim=(min(shared, 0.42) - 0.02, None))
plots.show(
    fig,
    alt="Test accuracy against trained adapter parameters. Full and low rank with r "
    "= 2 are equally high, low rank "
    "needs a third fewer parameters. Frozen projections lie on a lower, rising "
    "curve: r = 16 is little above full "
    "sharing, r = 128 still below the full adapter.",
)

# %% [markdown]
# - Rank 2 costs nothing (you proved it) and saves about a third. With 3 classes that is all low rank can save for free:
#   $r(C+d)$ against $Cd$ pays only for $r < C$. In deep networks $C$ is a width of hundreds, and the saving is
#   large (lesson 11).
# - The random lens is **not** a bargain here. A bag of words has no small subspace that holds the opinion: each word
#   carries its own, and 16 random mixtures blur them. With as many trained numbers as low rank it is about level or
#   worse, and its accuracy depends on the draw.
# - Published successes of frozen projections (LoRA-FA, VeRA) sit on top of *pretrained* features. That is a different place
#   to stand. The article's "fewer parameters" is true under conditions, and here you measured them.

# %% [markdown]
# ## Explain to a colleague
#
# A colleague writes: "I reran your RAG with another seed and got another model. Your method is not reproducible!"
# Answer in three or four sentences: what could differ, when a seed does not matter, and when it does.

# %%
card("08-8")

# %% tags=["exercise"]
### BEGIN SOLUTION
text = (
    "With full-size adapters and a penalty lambda > 0 the loss is convex, so every "
    "start ends in the "
    "same weights if you train long enough. Stop early, or set lambda to 0, and part "
    "of the start "
    "stays. Low-rank adapters are not convex: there the seed can decide where you "
    "end. A random "
    "graph or a frozen projection is never trained, so its seed always matters: "
    "report several."
)
### END SOLUTION
check("08-8", text)

# %% [markdown]
# ## What to keep
#
# | what is random | convex, $\lambda > 0$, long | convex, $\lambda = 0$ or stopped early | low rank |
# |---|---|---|---|
# | the start | forgotten, at the rate $(1-\eta\lambda)^n$ | stays in part | may decide where you end |
# | the graph | never forgotten | never forgotten | never forgotten |
# | the frozen lens | never forgotten | never forgotten | never forgotten |
#
# - Uniform or normal: only the variance counted. Zero is a fine start for full adapters, and fatal for *both* factors of a
#   product.
# - Small starts make the rest of the course's experiments nearly free of this kind of luck. That is why `scale=0.01` is the default.
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
