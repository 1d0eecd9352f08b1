# %% [markdown]
# In detail, you will be able to
#
# - write the training loop of a multi-task model yourself, and freeze parts of it;
# - say what *joint*, *two-phase* and *alternating* training do, and draw where each of them ends;
# - prove [law 7](laws.md#law-7-order-matters): two-phase training is never better in $J$ than joint training;
# - keep apart *active* (takes part) and *trainable* (may change).
#
# You need lesson 02 (the equation) and lesson 03 ($J$, $\lambda$ and gradients).
#
# **Core, about 95 minutes:** everything up to *Explain it to a colleague*. A good place for a break is before *The proof*.
# **Extra, about 35 minutes:** *Build your own trainer*, at the end.
#
# ## A question
#
# The article that this course is built on says two things about the shared weights $W_s$.
#
# - Its section 3.1: the shared parameters are **fixed**; only the adapters are trained.
# - Its step 3: the shared parameters are **trained** on the loss of all tasks.
#
# Both cannot be true at the same moment. They can be true one after the other: first $W_s$ learns, then it is
# fixed and the adapters learn. That is *two-phase* training. But why wait? You could train everything at once.
# Does the order change where you end?

# %%
import matplotlib.pyplot as plt
import numpy as np
import ragteach as rt
import torch
from ragteach.study import plots
from ragteach.study.experiment import interval
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect

# %% [markdown]
# Short reviews in four domains. Each domain is a task; the classes are negative, neutral and positive.

# %%
train, val, test = rt.split_frame(rt.make_toy(seed=0))
data = rt.MultiTaskDataset.from_frame(train)
test_data = rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)
tensors = data.stacked(dtype=torch.float64)  # all examples, task by task
for text in train.groupby("task", sort=False)["text"].first():
    print(text)
print(
    f"{len(data)} training sentences, {data.n_features} words, tasks: {data.task_names}"
)

# %% [markdown]
# ## Three schedules, one objective
#
# All three lower the same number:
#
# $$J(W_s, A, b) = \sum_t \alpha_t\, CE_t + \frac{\lambda_s}{2}\lVert W_s\rVert^2
#  + \frac{\lambda}{2}\sum_k \lVert A_k\rVert^2$$
#
# | schedule | what moves | how often the roles change |
# |---|---|---|
# | `"joint"` | $W_s$ and all $A_k$ | never |
# | `"two_phase"` | first $W_s$, then the $A_k$ (the article) | once |
# | `"alternating"` | $W_s$ and the $A_k$ in turn | many times (`rounds`) |
#
# The biases $b_t$ are small and learn in every phase.
#
# **Predict.** Same data, same random start, same $J$, long training. Which schedules end in the same place? Answer
# `"all three"`, `"joint and alternating"`, `"joint and two_phase"` or `"none"`.

# %%
### BEGIN SOLUTION
guess = "joint and alternating"
### END SOLUTION
predict("04-a", guess)

# %%
lam, lam_shared = 0.01, 0.01
SCHEDULES = ("two_phase", "alternating", "joint")


def new_model(seed=0, scale=0.01):
    """RAG with one adapter per task, in double precision, as we compare small gaps."""
    n_tasks, names = data.n_tasks, data.task_names
    model = rt.RAG(data.n_features, 3, n_tasks, tasks=names, seed=seed, scale=scale)
    return model.double()


optimum = new_model()
best = rt.solve(optimum, data, lam, lam_shared).objective  # the lowest J there is
models, histories = {}, {}
for schedule in SCHEDULES:
    models[schedule] = new_model(seed=0)
    histories[schedule] = rt.fit(
        models[schedule],
        tensors,
        schedule=schedule,
        epochs=300,
        lam=lam,
        lam_shared=lam_shared,
        progress=False,
    )
    print(f"{schedule:12s} ends at J = {histories[schedule].records[-1]['loss']:.4f}")
print(f"{'the optimum':12s}      is J = {best:.4f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), dpi=90, layout="constrained")
plots.losses(histories, ax=axes[0], reference=best)
axes[0].set_ylim(1.9, 3.4)
for name, history in histories.items():
    gap = history.frame()["loss"] - best
    look = plots.SCHEDULES[name]
    axes[1].plot(
        gap.where(gap > 1e-9), lw=2, label=name, color=look.colour, ls=look.dash
    )
axes[1].set(yscale="log", xlabel="epoch", ylabel="J minus the lowest J")
axes[1].legend(frameon=False)
plots.show(
    fig,
    alt="Left: J per epoch. Joint and alternating training reach the dotted "
    "optimum; two-phase training stops "
    "above it. Right: the distance to the optimum on a log scale. For two-phase it "
    "stays at about 0.1; for the "
    "other two it keeps falling; joint training has less than a billionth left after 200 epochs, "
    "where its curve ends.",
)

# %%
gaps = {name: h.records[-1]["loss"] - best for name, h in histories.items()}
near = [name for name in ("joint", "alternating", "two_phase") if gaps[name] < 1e-3]
reveal("04-a", " and ".join(near))

# %% [markdown]
# Look at the left picture once more. When the adapters may move, the two-phase curve falls fast, and then it
# stops at a $J$ about 0.10 too high. More epochs do not help. It has arrived, only somewhere else.
#
# Joint and alternating training end at the same weights, too. The next cell measures how far each $W_t$ is from the
# optimum's.

# %%
with torch.no_grad():
    W_best = optimum.task_weights()  # (n_tasks, n_classes, n_features)
    for schedule, model in models.items():
        apart = (model.task_weights() - W_best).norm() / W_best.norm()
        print(f"{schedule:12s} distance to the optimum: {apart:6.1%} of its length")

# %% [markdown]
# ## Why: a valley, walked along its axes
#
# Here is the same thing with two weights, one shared and one adapter. Joint training walks down the valley.
# Two-phase training may walk along each axis once. Alternating training may walk along each axis as often as it
# likes.


# %%
def toy_J(w, a):
    """One task, squared error: (w + a - 2)^2 + 0.15 w^2 + 0.15 a^2."""
    return (w + a - 2) ** 2 + 0.15 * w**2 + 0.15 * a**2


points, w, a = [(0.0, 0.0)], 0.0, 0.0
for _ in range(12):
    w = (2 - a) / 1.15  # the lowest point along w, for this a
    points.append((w, a))
    a = (2 - w) / 1.15  # the lowest point along a, for this w
    points.append((w, a))
points = np.array(points)
lowest = 2 / 2.15  # where both gradients are zero: w = a
walks = {"alternating": points, "two_phase": points[:3]}
walks["joint"] = np.array([(0, 0), (lowest, lowest)])

# %%
W, A = np.meshgrid(np.linspace(-0.2, 2.7, 80), np.linspace(-0.2, 1.5, 80))
fig, ax = plt.subplots(figsize=(6, 4.2), dpi=90, layout="constrained")
ax.contour(W, A, toy_J(W, A), levels=15, colors="0.75", linewidths=0.8)
for name, walk in walks.items():
    look = plots.SCHEDULES[name]
    ax.plot(*walk.T, color=look.colour, ls=look.dash, lw=2.5, label=name)
    ax.plot(*walk[-1], look.marker, color=look.colour, ms=9)
ax.annotate("two-phase ends", points[2], (8, -4), textcoords="offset points")
ax.annotate("the optimum", (lowest, lowest), (-72, 8), textcoords="offset points")
ax.set(xlabel="shared weight w", ylabel="adapter weight a")
ax.legend(frameon=False, loc="upper right")
plots.show(
    fig,
    alt="Contours of a long valley in a plane of one shared and one adapter weight. "
    "Joint training goes straight to "
    "the lowest point. Two-phase training goes right, then a little up, and stops "
    "on the slope. Alternating "
    "training continues from there in ever smaller stairs to the lowest point.",
)

# %% [markdown]
# In phase 1 the shared weight takes all the load, since nothing else can move. In phase 2 only a little is left to do
# for the adapter. Sharing the load evenly would be cheaper, but $W_s$ cannot give anything back any more.
#
# ## Write the loop yourself
#
# Training is a loop of five lines. You have all the pieces:
#
# | piece | what it does |
# |---|---|
# | `for x, y, task in loader` | a batch: features (n_docs, n_features), labels (n_docs,), task numbers (n_docs,) |
# | `optimizer.zero_grad()` | forget the gradient of the batch before |
# | `model(x, task)` | logits (n_docs, n_classes), each document by its own task |
# | `criterion(logits, y, task, model)` | $J$; the model is there for the two penalties |
# | `loss.backward()` | the gradient of $J$ in every weight |
# | `optimizer.step()` | one step downhill |

# %%
card("04-1")


# %% tags=["exercise"]
def one_epoch(model, loader, criterion, optimizer):
    """One pass over the loader's batches; returns the mean of their J as a number."""
    ...  ### SOLUTION


check("04-1", one_epoch)

# %% [markdown] tags=["solution"]
# This is `rt.train_epoch`, word for word. The order matters in two places: `zero_grad` before `backward`, since
# `backward` adds to the gradients that are there; `backward` before `step`, since `step` uses them.

# %% [markdown]
# Stuck? `hint("04-1")` shows one more step each time you run it.
#
# ## Freeze and unfreeze
#
# A *schedule* only decides what may move. `model.freeze("adapters")` sets their `requires_grad` to False: they still
# take part in $W_t$, but no optimiser changes them. `"shared"`, `"bias"` and single adapters' names work as well.

# %%
card("04-2")


# %% tags=["exercise"]
def two_phase(model, train):
    """The article's steps 3 and 4.

    train(model) trains whatever is trainable, as long as needed: call it once in each phase.
    Leave nothing frozen at the end, and return the model.
    """
    ...  ### SOLUTION


check("04-2", two_phase)

# %% [markdown]
# Now both functions together, on the sentences. (The first lines take the references, so that the cell runs in any case. Delete
# them to run your own.)

# %%
one_epoch, two_phase = (
    reference("04-1"),
    reference("04-2"),
)  # so that this cell runs in any case
mine = rt.RAG(data.n_features, 3, data.n_tasks, tasks=data.task_names)
loader = torch.utils.data.DataLoader(data, batch_size=len(data))
criterion = rt.MultiTaskLoss(lam=lam, lam_shared=lam_shared, sizes=data.sizes)


def train_a_while(model, epochs=100):
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trainable, lr=0.05)
    before = model.adapter_weights().detach().clone()
    losses = [one_epoch(model, loader, criterion, optimizer) for _ in range(epochs)]
    same = torch.equal(before, model.adapter_weights())
    print(f"J from {losses[0]:.3f} to {losses[-1]:.3f}; adapters as before: {same}")


mine = two_phase(mine, train_a_while)

# %% [markdown]
# The cell asks whether the adapters are equal bit for bit. That is the right test of freezing: a frozen part must not move at all, not even by $10^{-9}$.
#
# ## Active and trainable are two states
#
# Freezing is not the same as switching off.
#
# | | takes part in $W_t$ | may change |
# |---|---|---|
# | `model.freeze("A1")` | yes | no |
# | `model.deactivate("A1")` | no | (see below) |
#
# It is a common bug to use one for the other. The next cell takes one training step in each of the four states, and
# asks: does the prediction for films depend on A1, and does A1 move?

# %%
card("04-3")

# %% tags=["exercise"]
# For each state of an adapter: "both" (it counts in W_t, and it learns), "counts" (only),
# "learns" (only) or "neither". Replace each ... ; the cell below then measures it.
states = {
    "active, trainable": ...,
    "active, frozen": ...,
    "inactive, trainable": ...,
    "inactive, frozen": ...,
}
states.update(...)  ### SOLUTION
check("04-3", states)

# %%
x, y, task = next(iter(loader))
for active in (True, False):
    for trainable in (True, False):
        model = rt.RAG(data.n_features, 3, data.n_tasks, tasks=data.task_names)
        if not active:
            model.deactivate("A1")
        if not trainable:
            model.freeze("A1")
        W_films = model.task_weights(0).detach()
        counts = not torch.equal(W_films[0], model.shared)
        before = model.adapters["A1"].weight.detach().clone()
        moving = [p for p in model.parameters() if p.requires_grad]
        one_epoch(model, loader, criterion, torch.optim.SGD(moving, lr=0.5))
        learns = not torch.equal(before, model.adapters["A1"].weight)
        print(f"active: {active!s:6} trainable: {trainable!s:6}", end="  ->  ")
        print(f"counts: {counts!s:6} learns: {learns}")

# %% [markdown]
# ## The proof: [law 7](laws.md#law-7-order-matters)
#
# Phase 1 ends at some $W_s$. Phase 2 ends at the adapters that are best *for this* $W_s$. Let us see whether anything
# is left to gain. For one adapter per task ($G = I$) and $\alpha_t = 1$:
#
# $$\frac{\partial J}{\partial A_t} = \frac{\partial CE_t}{\partial W_t} + \lambda A_t
# \qquad\qquad
# \frac{\partial J}{\partial W_s} = \sum_t \frac{\partial CE_t}{\partial W_t} + \lambda_s W_s$$
#
# Phase 2 runs until the left one is zero. What is the right one then?
#
# **Prove two things, with pencil and paper.**
#
# 1. Two-phase training never ends with a lower $J$ than the joint optimum.
# 2. At the end of phase 2, $\partial J/\partial W_s$ depends on $W_s$, the $A_t$, $\lambda$ and $\lambda_s$ only: no data
#    are needed. Find the formula. When is it zero?

# %%
card("04-4")


# %% tags=["exercise"]
def pull_on_shared(shared, adapters, lam, lam_shared):
    """dJ/dW_s at the end of phase 2.  shared (C, d), adapters (K, C, d) -> (C, d)"""
    ...  ### SOLUTION


check("04-4", pull_on_shared)

# %% [markdown] tags=["answer"]
# *The proof is in the fold below.*

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **1.** The joint optimum is the lowest value of $J$ over *all* triples $(W_s, A, b)$. The triple at which two phases end is one
# of them. So its $J$ cannot be lower.
#
# **2.** At the end of phase 2, $\partial J/\partial A_t = 0$, so $\partial CE_t/\partial W_t = -\lambda A_t$ for every
# $t$. Put this into the right-hand formula:
#
# $$\frac{\partial J}{\partial W_s} = -\lambda \sum_t A_t + \lambda_s W_s .$$
#
# It is zero exactly if $\lambda_s W_s = \lambda \sum_t A_t$: [law 3](laws.md#law-3-balance), balance.
#
# **The step people miss:** "the pull is not zero" does not yet say that $J$ could be lower, and "the pull is zero" does not yet say
# that this is the optimum. Both need that $J$ is smooth and convex, and that the gradients of the adapters and of the biases
# vanish as well: then all gradients are zero, and where all gradients of a convex function vanish there is its lowest value. So two phases
# reach the joint optimum if, and only if, they happen to end in balance.
#
# </details>

# %% [markdown]
# Does your formula agree with autograd, which knows the data? `solve` finds the lowest point of one phase exactly, so
# we need not wait for an optimiser.

# %%
pull_on_shared = reference("04-4")


def lowest_over(part, model):
    """Move one part ("shared" or "adapters"; the biases too) to where J is lowest."""
    model.freeze("shared", "adapters")
    model.unfreeze(part)
    solution = rt.solve(model, data, lam, lam_shared, tol=1e-8)
    model.unfreeze("shared", "adapters")
    return solution.objective


model = new_model()
lowest_over("shared", model)
J_two_phase = lowest_over("adapters", model)
rt.MultiTaskLoss(lam=lam, lam_shared=lam_shared).stacked(model, tensors).backward()
with torch.no_grad():
    formula = pull_on_shared(model.shared, model.adapter_weights(), lam, lam_shared)
    print(f"largest entry of dJ/dW_s by autograd: {model.shared.grad.abs().max():.4f}")
    difference = (model.shared.grad - formula).abs().max()
    print(f"largest difference to the formula:    {difference:.1e}")
print(f"J after two exact phases: {J_two_phase:.4f}, joint optimum: {best:.4f}")

# %% [markdown]
# The pull is not zero. So two-phase training stops where $J$ can still fall, and joint training goes on.
#
# ## Alternating: the same stairs, walked on
#
# Give $W_s$ another turn, then the adapters, and so on. No turn can raise $J$. And where neither turn helps, *both*
# gradients are zero, which for a smooth convex $J$ means: the optimum (Tseng 2001). How many rounds does it take?

# %%
round_gaps = [J_two_phase - best]
for _ in range(9):
    lowest_over("shared", model)
    round_gaps.append(lowest_over("adapters", model) - best)
print("each round leaves this part of the gap:")
print(
    "  ".join(
        f"{b / a:.2f}" for a, b in zip(round_gaps[:6], round_gaps[1:7], strict=True)
    )
)

# %%
fig, ax = plt.subplots(figsize=(6, 3.2), dpi=90, layout="constrained")
look = plots.SCHEDULES["alternating"]
ax.semilogy(range(1, 11), np.maximum(round_gaps, 1e-12), "^:", color=look.colour)
ax.annotate(
    "two-phase stops here", (1, round_gaps[0]), (10, -4), textcoords="offset points"
)
ax.set(
    xlabel="rounds (one turn of W_s, one of the adapters)",
    ylabel="J minus the lowest J",
)
ax.set_xticks(range(1, 11))
plots.show(
    fig,
    alt="The gap to the joint optimum after each exact round, on a log scale: it "
    "starts near 0.1 and each round "
    "makes it at least two times smaller; after ten rounds it is below a millionth.",
)

# %% [markdown]
# Every round closes more than half of the gap that is left. The second round alone closes more than nine tenths. So if
# you cannot train everything at once, for lack of memory say, a few alternations reach nearly the same $J$.
#
# ## Where do the destinations coincide?
#
# Two-phase training is not always in the wrong place. Think about these five situations. The adapters sleep in phase 1
# (they are inactive), every phase runs to its end, and you compare the $J$ of two phases with the $J$ of joint training.
#
# - **a** $\lambda = \lambda_s = 0.01$, four different tasks (what you just saw);
# - **b** $\lambda$ enormous, $\lambda_s = 0.01$;
# - **c** $\lambda = \lambda_s = 0.01$, and all four tasks have *the very same* sentences and labels;
# - **d** $\lambda = \lambda_s = 0$: no weight costs anything;
# - **e** as a, but the two phases alternate for ever.

# %%
card("04-5")

# %% tags=["exercise"]
# J of two phases, compared with joint training: "same", "higher" or "lower"? Replace each ...
coincide = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ...}
coincide.update(...)  ### SOLUTION
check("04-5", coincide)

# %% [markdown] tags=["solution"]
# **b**: the adapters vanish, so both are full sharing ([law 5](laws.md#law-5-limits)). **c** surprises: the tasks are equal, so why adapters?
# Because squares are cheap when split. $W_s + A_t = W$ costs less if each holds a part. Phase 1 does not know that help
# will come. **d**: whatever $W_s$ is, the adapter $A_t = W_t - W_s$ repairs it for nothing. **e**: the stairs above.

# %% [markdown]
# The gap for a whole range of $\lambda$, with $\lambda_s = 0.01$ (one data set):


# %%
def first_phase(model, data, lam, lam_shared):
    """W_s to its optimum while the adapters sleep; then they wake, and W_s is frozen."""
    model.freeze("adapters")
    model.deactivate(*model.adapter_names)
    rt.solve(model, data, lam, lam_shared)
    model.activate(*model.adapter_names)
    model.unfreeze("adapters")
    model.freeze("shared")


def exact(schedule, lam, data=data):
    """The destination of a schedule (adapters asleep in phase 1), and its J."""
    model = rt.RAG(data.n_features, 3, data.n_tasks, tasks=data.task_names).double()
    if schedule == "two_phase":
        first_phase(model, data, lam, lam_shared)
    return model, rt.solve(model, data, lam, lam_shared).objective


lams = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
lam_gaps = [exact("two_phase", value)[1] - exact("joint", value)[1] for value in lams]

# %%
fig, ax = plt.subplots(figsize=(6, 3.2), dpi=90, layout="constrained")
look = plots.SCHEDULES["two_phase"]
ax.loglog(lams, lam_gaps, "s--", color=look.colour)
ax.set(
    xlabel=r"$\lambda$   (left: independent, right: full sharing)",
    ylabel="J(two-phase) - J(joint)",
)
plots.show(
    fig,
    alt="The gap in J between two-phase and joint training against lambda, both "
    "axes logarithmic: about 0.6 on the "
    "left, where adapters are cheap, and below 0.0001 on the right, where they vanish.",
)

# %% [markdown]
# ## Does a worse $J$ mean worse predictions?
#
# $J$ is what we minimise on the training sentences. What we want is accuracy on new sentences. Those are two things.
#
# Say beforehand what "equal" is to mean. Take a margin of two points: *about equal* if the whole 95 % interval of the difference
# lies between -0.02 and 0.02.
#
# **Predict.** On 800 new sentences, averaged over ten data sets: is two-phase training `"clearly worse"`, `"about equal"`
# or `"clearly better"` in accuracy?

# %%
### BEGIN SOLUTION
guess = "about equal"
### END SOLUTION
predict("04-b", guess)

# %% [markdown]
# $\lambda = \lambda_s = 0.01$ is a knob that nobody has tuned. So each schedule is compared twice: at these two numbers, and at those of sixteen
# pairs that its own validation sentences choose.

# %%
TRIES, MARGIN = (0.0001, 0.001, 0.01, 0.1), 0.02


def end_points(schedule, d):
    """Where a schedule ends: for each lambda_s of TRIES a path over the lambdas of TRIES."""
    paths = []
    for lam_s in TRIES:
        model = rt.RAG(d.n_features, 3, d.n_tasks, tasks=d.task_names, init="zero")
        if schedule == "two_phase":
            first_phase(model, d, lam, lam_s)
        paths.append(rt.solve_path(model, d, TRIES, lam_s, tol=1e-3))
    return paths


def two_minus_joint(seed):
    """Two-phase minus joint: J and accuracy at 0.01 and 0.01, and accuracy at the chosen pair."""
    train, val, _ = rt.split_frame(rt.make_toy(seed=seed), seed=seed)
    d = rt.MultiTaskDataset.from_frame(train)
    fresh = rt.make_toy(n_per_task=200, seed=9000 + seed)
    val, new = (rt.MultiTaskDataset.from_frame(f, like=d) for f in (val, fresh))
    here, found = TRIES.index(lam), []
    for paths in (end_points("joint", d), end_points("two_phase", d)):
        losses = torch.stack([path.losses(val).mean(0) for path in paths])
        right = torch.stack([path.accuracy(new).mean(0) for path in paths])
        J = paths[here].objective(d.stacked())[here]
        found.append([J, right[here, here], right.flatten()[losses.argmin()]])
    joint, two = np.array(found)
    return two - joint


rows = np.array([two_minus_joint(seed) for seed in range(10)])  # (n_seeds, 3)
compared = dict(zip(["J", "accuracy", "accuracy, both chosen"], rows.T, strict=True))
print("two-phase minus joint, with its 95 % interval")
for name, values in compared.items():
    mean, low, high = interval(values)
    print(f"{name:22s} {mean:+.3f} [{low:+.3f}, {high:+.3f}]")
print(f"J is higher in {(compared['J'] > 0).sum()} of {len(rows)} data sets")
_, low, high = interval(compared["accuracy"])
alike = -MARGIN < low and high < MARGIN
word = "clearly better" if low > 0 else "clearly worse" if high < 0 else "open"
reveal("04-b", "about equal" if alike else word)

# %% [markdown]
# $J$ is higher for every single data set. ([Law 7](laws.md#law-7-order-matters) says that it cannot be lower.) In accuracy the two are about equal, within the
# margin: at $\lambda = \lambda_s = 0.01$, and where each schedule has chosen its own. Two-phase
# training pulls each $W_t$ towards the pooled $W_s$ of phase 1 instead of towards a compromise that moves along:
# $\frac{\lambda}{2}\lVert W_t - W_s\rVert^2$ with $W_s$ fixed. That is another way to regularise, known as fine-tuning
# towards a starting point (Li et al. 2018), and it need not be a worse one. **[Law 7](laws.md#law-7-order-matters) is about $J$, not about accuracy.**
#
# ## Which destinations remember the start?
#
# One detail is left. In phase 1, do the adapters sleep, or are they awake with their random numbers while $W_s$ learns?
# `fit` has a switch for it, `adapters_first`. The article does not say. Does it matter?


# %%
def destination(kind, seed, scale=1.0):
    """W_t (n_tasks, n_classes, n_features), trained long from a large random start."""
    model = rt.RAG(
        data.n_features, 3, data.n_tasks, tasks=data.task_names, seed=seed, scale=scale
    )
    rt.fit(
        model,
        data,
        schedule="joint" if kind == "joint" else "two_phase",
        adapters_first=kind == "awake",
        epochs=500,
        lam=lam,
        lam_shared=lam_shared,
        progress=False,
    )
    return model.task_weights().detach()


# %% [markdown]
# How different are several ends? Take every entry of $W_t$, find how far apart its largest and its smallest value over the seeds
# are, and keep the largest of all entries: one number.

# %%
card("04-6")


# %% tags=["exercise"]
def spread(ends):
    """ends (n_seeds, n_tasks, n_classes, n_features) -> the largest difference over seeds, a number"""
    ...  ### SOLUTION


check("04-6", spread)

# %% [markdown]
# **Predict.** Which kinds will end in the same place, whatever the seed: `"all three"`, `"joint and asleep"`, `"joint"` or `"none"`?

# %%
### BEGIN SOLUTION
guess = "joint and asleep"
### END SOLUTION
predict("04-c", guess)

# %%
spread = reference("04-6")  # the reference, whether or not you finished
forgot = {}
for kind in ("joint", "asleep", "awake"):
    ends = torch.stack([destination(kind, seed) for seed in range(3)])
    forgot[kind] = float(spread(ends))
    print(f"{kind:8s} {forgot[kind]:.4f}")
small = torch.stack([destination("awake", seed, scale=0.01) for seed in range(3)])
print(f"awake, from a start of scale 0.01: {float(spread(small)):.4f}")
same = [kind for kind, value in forgot.items() if value < 0.1]
reveal("04-c", "all three" if len(same) == 3 else " and ".join(same) or "none")

# %% [markdown]
# Joint training and sleeping adapters forget the start. Awake adapters do not: phase 1 bends $W_s$ around their random
# numbers, and phase 2 replaces the numbers but cannot bend $W_s$ back. Here the start was large (`scale=1.0`), and the
# weights of the destinations differ by more than 1. From a start of `scale=0.01`, the default, they differ by less than 0.1 (the
# last line). Lesson 08 asks what else the random start does.

# %% [markdown]
# ## Watch the schedules
#
# The player shows $W_s$ and the adapters on their way through a plane. Each schedule is one film. (It was made with three
# domains; phones is left out, so that you can follow every path.)
#
# **Your task.** Choose *two-phase*, and drag to the step at which the adapters first move. What has $W_s$ done until
# then, and what does it do afterwards? Then choose *joint*: who moves first?
#
# A film is 480 steps of plain gradient descent. (The figure in words gives the lengths at its end.) $W_s$ is then 7.6 long after joint and 7.7
# after alternating training, and more steps bring the two closer. After two phases it is 10.7 long, and stays so.

# %%
rt.widgets.trajectory_player(
    goal={
        "Two-phase: the step at which the adapters first move": "schedule == 2 and step > 240 and step <= 248",
        "Joint: a step before 21. Who moves?": "schedule == 1 and step > 0 and step <= 20",
    }
)

# %% [markdown]
# <details><summary>What there is to see</summary>
#
# *Two-phase:* until step 240 only $W_s$ moves, and its length grows from 1.7 to 10.7. At 244, the next step that the film shows, the
# adapters have begun to move. $W_s$ stands still from step 240 on. *Joint:* all parts move from the first step on. By step 20 $W_s$
# has gone 3.7, and an adapter 2.1. Lesson 05 says why it is not the same.
#
# The last thing that the sentence under the slider says is about a difference: $W_s$ minus the sum of the adapters. At the start it has
# a length of 3.7, and its way is measured by that. In two-phase training it has gone 293 % of it at step 240, which is the way of
# $W_s$ alone: 10.8. Then the adapters follow, and it comes back to 150 %. Lesson 05 is about this difference.
#
# </details>
#
# ## Explain it to a colleague
#
# A colleague has read the article: "First they say that the shared parameters are fixed, then that they are trained.
# What nonsense!" Answer in four or five sentences: what is meant, what it costs, and whether it matters.

# %%
card("04-7")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("04-7", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("04-7", text, ticks=[])

# %% [markdown]
# ## Extra: build your own trainer
#
# `rt.fit` in your own words. You have the loop of one epoch, and you can freeze. Put them together: a function that knows all three schedules.
#
# - `"joint"`: everything moves, `epochs` epochs.
# - `"two_phase"`: $W_s$ for the first half of the epochs, then the adapters.
# - `"alternating"`: `rounds` rounds, each a turn of $W_s$ and a turn of the adapters; all turns are equally long.
#
# The biases move always. Each turn gets an optimiser of its own, `torch.optim.Adam(those that move, lr=lr)`, so that no memory of another turn
# pushes a part. Nothing stays frozen at the end. You may suppose that `epochs` can be divided evenly.

# %%
card("04-8")


# %% tags=["exercise"]
def train_by(schedule, model, loader, criterion, epochs=60, rounds=3, lr=0.05):
    """Train model; return the mean J of every epoch, a list of `epochs` numbers."""
    ...  ### SOLUTION


check("04-8", train_by)

# %% [markdown]
# Your trainer on the sentences of this lesson. (The first line takes the reference, so that the cell runs in any case. Delete it
# to run your own.)

# %%
train_by = reference("04-8")
fig, ax = plt.subplots(figsize=(7, 3.4), dpi=90, layout="constrained")
for schedule in SCHEDULES:
    names, n_tasks = data.task_names, data.n_tasks
    model = rt.RAG(data.n_features, 3, n_tasks, tasks=names, seed=0)
    found = train_by(schedule, model, loader, criterion, epochs=120)
    look = plots.SCHEDULES[schedule]
    ax.plot(found, color=look.colour, ls=look.dash, lw=2, label=schedule)
    print(f"{schedule:12s} ends at J = {found[-1]:.3f}")
ax.axhline(best, color="black", lw=1, ls=(0, (1, 3)), label="optimum")
ax.set(xlabel="epoch", ylabel="objective J", ylim=(best - 0.1, best + 1.2))
ax.legend(frameon=False)
plots.show(
    fig,
    alt="J per epoch of the learner's own trainer: joint training falls to the dotted "
    "optimum, alternating training comes down to it in steps, two-phase training stops "
    "above it.",
)

# %% [markdown]
# **Make it yours.** Each of these is a few lines:
#
# 1. Stop a turn early, when `loss` on validation sentences has not fallen for five epochs; keep the best weights.
# 2. A fourth schedule: joint, then the adapters alone. Can it end lower than joint training? Say it before you run it.
# 3. Another learning rate for the adapters than for $W_s$ (parameter groups). What does it do to $W_s - \sum_t A_t$? (Lesson 05.)
# 4. Task weights $\alpha$: pass `rt.MultiTaskLoss(alpha=...)` and see which task pays.

# %% [markdown]
# ## In your own world
#
# `here.untrained()` is a model of zeros for a world, `here.solve()` the joint optimum, and `here.objective(model)`
# is $J$. How much higher does two-phase training end, each phase trained to its end: $J$(two-phase) $- J$(joint)?
# (Hand over what was computed; typed by hand,
# three decimals will do.) Nothing is typed in yet? Then this is the default world, the same for everybody. In a class, first enter your own,
# with `rt.world("your student number")` in place of `rt.world()`: the sentences, and the answer, are then yours
# alone.

# %%
card("04-w")

# %% tags=["exercise"]
here = rt.world()
gap = ...
### BEGIN SOLUTION
model = here.untrained()
knobs = (here.data, here.lam, here.lam_shared)
model.freeze("adapters")
model.deactivate(*model.adapter_names)
rt.solve(model, *knobs)
model.activate(*model.adapter_names)
model.unfreeze("adapters")
model.freeze("shared")
gap = rt.solve(model, *knobs).objective - here.objective(here.solve())
### END SOLUTION
check("04-w", gap)

# %% [markdown]
# ## Recap
#
# - *Fixed* and *trained* are both right: the article trains in two phases.
# - Joint and alternating training meet at the optimum of $J$. Two phases end elsewhere, and never lower ([law 7](laws.md#law-7-order-matters)).
# - After phase 2 the pull on $W_s$ is $\lambda_s W_s - \lambda \sum_t A_t$. It is zero only in balance ([law 3](laws.md#law-3-balance)).
# - The gap vanishes if $\lambda$ is huge, if nothing is penalised, or if you alternate.
# - A higher $J$ is not a lower accuracy. On these data the two schedules were equal within two points.
# - *Active* and *trainable* are two states. An adapter that sleeps cannot learn.
#
# ## Sources
#
# - P. Tseng (2001). Convergence of a block coordinate descent method for nondifferentiable minimization. *Journal of
#   Optimization Theory and Applications* 109, 475-494. Why alternating phases converge.
# - T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. *KDD*. The joint objective.
# - X. Li, Y. Grandvalet and F. Davoine (2018). Explicit inductive bias for transfer learning with convolutional
#   networks. *ICML*. Phase 2 as fine-tuning that stays near its starting point.
# - N. Houlsby et al. (2019). Parameter-efficient transfer learning for NLP. *ICML*. Adapters on a frozen shared model.
