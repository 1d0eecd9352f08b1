# %% [markdown]
# In detail, you will be able to
#
# - write softmax and cross-entropy from scratch, so that neither large scores nor missing labels break them;
# - write the whole objective $J$ with its three knobs $\alpha$, $\lambda$ and $\lambda_s$;
# - derive every gradient of $J$ by hand, and check it in two independent ways;
# - say what turning a knob can never do, and prove it;
# - recognise three faulty losses by what they do;
# - as an extra, own a loss that audits itself and never steps uphill.
#
# You need lesson 02 (the equation $W_t = W_s + \sum_k G_{tk} A_k$) and the chain rule. The core ends after the widget, about 80
# minutes from here: a good place for a break. What follows it (what alpha does, what a knob can never do, the lost sign) can be
# a second session.
#
# ## A question
#
# Training lowers a number. Which number? The article that this course is built on prints two formulas and one
# piece of code for it:
#
# 1. a cross-entropy of **raw outputs**, without softmax;
# 2. an objective for the adapters that has **lost its minus sign**;
# 3. code that runs **over sentences** where it should run over tasks, and knows neither $\alpha$ nor
#    $\lambda$.
#
# All three can be made to run, and all three give a number that falls nicely. How would you notice?

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np
import ragteach as rt
import torch
from ragteach.engine.replicas import stack
from ragteach.study import plots
from ragteach.teach.checks import call, check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect

# %% [markdown]
# ## From scores to probabilities
#
# For one sentence, the model gives one score $z_c$ to each class (a *logit*). Softmax makes them
# probabilities:
#
# $$p_c = \frac{e^{z_c}}{\sum_{c'} e^{z_{c'}}} \qquad\qquad \log p_c = z_c - \log \sum_{c'} e^{z_{c'}}$$
#
# We shall need $\log p_c$. Add the same number $m$ to all scores: $e^m$ cancels, and $p$ stays as it is. On
# paper. In a computer, $e^{1000}$ is too large for any float, and $e^{-1000}$ is rounded to 0:

# %%
for z in ([2.0, 1.0, 0.0], [1002.0, 1001.0, 1000.0], [-998.0, -999.0, -1000.0]):
    z = torch.tensor(z)
    print(f"scores {z.tolist()}: log p = {(z - z.exp().sum().log()).tolist()}")

# %% [markdown]
# All three rows should be the same. The cure uses the very freedom that softmax leaves: choose $m$ so that
# nothing can overflow. This is known as the *log-sum-exp trick*. Use torch: `z.max(...)`, `.exp()`,
# `.sum(...)`, `.log()`.

# %%
card("03-1")


# %% tags=["exercise"]
def log_softmax(z):
    """z (n_docs, n_classes), of any size -> log p (n_docs, n_classes)."""
    ...  ### SOLUTION


check("03-1", log_softmax)

# %% [markdown]
# Stuck? `hint("03-1")` shows one more step each time you run it.
#
# ## Cross-entropy
#
# The loss of one sentence is $-\log p_y$: how surprised the model is by the right class $y$. For a task with
# $n$ sentences,
#
# $$CE = -\frac{1}{n}\sum_i \log p_{i,y_i}$$
#
# Three facts to keep in mind. A model that is sure and right has $CE = 0$. A model that knows nothing,
# $p = 1/3$ each, has $CE = \log 3 \approx 1.10$. And since $p \le 1$, **$CE$ is never negative**.
#
# In multi-task data, labels are often missing: someone rated a sentence for one task and not for another. We
# mark these with the label $-100$. A missing label is no example. It must not be counted as any class, nor in
# $n$.
#
# Use your own `log_softmax`. If it is not ready, `torch.log_softmax(z, -1)` does the same.

# %%
card("03-2")


# %% tags=["exercise"]
def cross_entropy(z, y):
    """z (n_docs, n_classes), y (n_docs,) -> the mean over the labels that are there.

    -100 is a missing label. If all labels are missing, it is 0.
    """
    ...  ### SOLUTION


check("03-2", cross_entropy)

# %% [markdown]
# Three ways to the same number: from scratch, by torch, and by `MultiTaskLoss` of this package.

# %%
# The reference answers, so that this cell runs whether or not you have finished.
log_softmax, cross_entropy = reference("03-1"), reference("03-2")
z = 3 * torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
y = torch.tensor([0, -100, 2, 1, -100, 2])  # two labels are missing
for name, loss in [
    ("from scratch", cross_entropy(z, y)),
    ("torch", torch.nn.functional.cross_entropy(z, y)),
    ("MultiTaskLoss", rt.MultiTaskLoss()(z, y)),
    ("without the two rows", cross_entropy(z[y >= 0], y[y >= 0])),
]:
    print(f"{name:21s} {loss:.6f}")

# %% [markdown]
# ## First exhibit: raw outputs
#
# The article's formula is $-\sum_c y_c \log z_c$, where $z$ are the raw outputs of the model. There is no
# softmax in it. What happens at the usual random start?

# %%
even, skewed = rt.make_toy(seed=0), rt.make_toy(imbalance=0.5, seed=0)
bag = rt.MultiTaskDataset.from_frame(even)
model = rt.RAG.full_sharing(bag.n_features, 3, tasks=bag.task_names)
with torch.no_grad():
    z = model(bag.x, bag.task)  # (n_docs, n_classes)
of_label = z[torch.arange(len(bag)), bag.y]  # (n_docs,)
print(
    f"right class has a score <= 0: {(of_label <= 0).float().mean():.0%} of sentences"
)
print(f"mean of -log of the raw scores: {(-of_label.log()).mean()}")
for name, frame in (("even", even), ("skewed", skewed)):
    print(f"{name:6s} negative, neutral, positive:", np.bincount(frame["label"]))

# %% [markdown]
# A large part of these scores is negative, and has no logarithm. One `nan` in the mean, and after one step
# all weights are `nan`. Let us give the formula a fair chance: start with a bias of 1, so that all scores are
# positive. Then train a single shared $W$ with it, and once more with cross-entropy.
#
# **Predict.** 57 % of the sentences in `skewed` are positive, 28 % neutral, 15 % negative. After 300 steps
# with raw outputs, what does the model say about its *training* sentences? Answer `"mostly right"`, `"always
# positive"` or `"by chance"`.

# %%
### BEGIN SOLUTION
guess = "always positive"
### END SOLUTION
predict("03-a", guess)


# %%
def raw_loss(z, y):
    """The article's formula: no softmax."""
    return -z[torch.arange(len(y)), y].log().mean()


def train_shared(loss, frame, steps=300, lr=1.0):
    """One W for all tasks, by gradient descent: predictions, labels, all losses."""
    data = rt.MultiTaskDataset.from_frame(frame)
    W, b = torch.zeros(3, data.n_features), torch.ones(3)  # every score starts at 1
    losses = []
    for _ in range(steps):
        W.requires_grad_(), b.requires_grad_()
        value = loss(data.x @ W.T + b, data.y)
        losses.append(value.item())
        dW, db = torch.autograd.grad(value, (W, b))
        W, b = (W - lr * dW).detach(), (b - lr * db).detach()
    return (data.x @ W.T + b).argmax(1), data.y, losses


runs = {
    (kind, name): train_shared(loss, frame)
    for kind, frame in (("even", even), ("skewed", skewed))
    for name, loss in (("cross-entropy", cross_entropy), ("raw outputs", raw_loss))
}
for (kind, name), (said, y, losses) in runs.items():
    right = (said == y).mean(dtype=float)
    print(f"{kind:7s} {name:14s} loss {losses[0]:z5.2f} -> {losses[-1]:5.2f}", end="")
    print(f"   training accuracy {right:.2f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), dpi=90, layout="constrained")
score = torch.linspace(-4, 8, 200)
others = torch.zeros(200, 2)
ce = -log_softmax(torch.cat([others, score[:, None]], 1))[:, 2]
axes[0].plot(score, ce, color=plots.BLUE, lw=2, label="cross-entropy")
axes[0].plot(
    score[score > 0],
    -score[score > 0].log(),
    "--",
    color=plots.VERMILION,
    lw=2,
    label="−log of the raw score",
)
axes[0].axhline(0, color="black", lw=0.7)
axes[0].set(
    xlabel="score of the right class (others 0)", ylabel="loss", ylim=(-2.5, 4.5)
)
axes[0].legend(frameon=False)
for i, name in enumerate(("cross-entropy", "raw outputs")):
    said, y, _ = runs["skewed", name]
    recall = [(said[y == c] == c).mean(dtype=float).item() for c in range(3)]
    where = np.arange(3) + 0.4 * i - 0.2
    bars = axes[1].bar(
        where, recall, 0.36, color=plots.CYCLE[0][i], hatch=("", "//")[i], label=name
    )
    axes[1].bar_label(bars, fmt="%.2f")
axes[1].set_xticks(range(3), rt.LABELS)
axes[1].set(title="skewed classes", ylabel="part that is found", ylim=(0, 1.35))
axes[1].legend(frameon=False, loc="upper left", ncols=2)
plots.show(
    fig,
    alt="Left: the loss against the score of the right class. Cross-entropy falls to 0 "
    "and stays above it. The logarithm of the raw score has no value for negative "
    "scores, and falls below 0 without end. Right: the part of each class that is found "
    "in the skewed data. Cross-entropy finds some of every class, most of the common ones. "
    "Raw outputs find all positive sentences and no other.",
)
said, y, _ = runs["skewed", "raw outputs"]
always = bool((said == 2).all())
reveal(
    "03-a",
    "always positive" if always else f"{(said == y).mean(dtype=float):.2f} right",
)

# %% [markdown]
# Why? The derivative of $-\log z_y$ in $z_y$ is $-1/z_y$, and in all other scores it is **0**. Every sentence
# pulls its own class up, and nothing is ever pushed down. A word like *the* stands in all sentences, so the
# commonest class collects most pulls, and in the end it wins everywhere. The loss falls below 0 and has no
# lowest point.
#
# To be fair: with equally common classes these pulls cancel, and the raw loss does not look that bad. On
# `even` its training accuracy is lower than with cross-entropy, but far from chance. Such a fault can hide
# for a long time.
#
# ## Second exhibit: a loop over the wrong thing
#
# Now many tasks. Boiled down, the article's loss is this loop. `outputs` and `labels` are meant to be one
# entry per *task*. But what comes in is a batch, and a loop over a batch goes through its *sentences*.


# %%
def loop_loss(outputs, labels):
    total = 0
    for output, label in zip(outputs, labels, strict=True):
        total = total + cross_entropy(output[None], label[None])
    return total


zeros, labels = torch.zeros(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
print(f"6 sentences, all scores 0: {loop_loss(zeros, labels):.3f}")
print(f"6 log 3                  = {6 * np.log(3):.3f}")

# %% [markdown]
# It does add up a sum over tasks $\sum_t \alpha_t\, CE_t$, with weights $\alpha_t$ that nobody chose. Which?
# (And there is no $\lambda$ in it: nothing keeps an adapter small.)

# %%
card("03-3")


# %% tags=["exercise"]
def implied_alphas(task, n_tasks):
    """The loop's alpha (n_tasks,).  task (n_docs,): each sentence's task number."""
    ...  ### SOLUTION


check("03-3", implied_alphas)

# %% [markdown] tags=["solution"]
# Sort the sentences by task: $\sum_i \ell_i = \sum_t \sum_{i \in t} \ell_i = \sum_t n_t\, CE_t$. And divide
# by the mean size $\bar n$: the best weights for $\sum_t n_t CE_t + \frac{\lambda}{2}\lVert A\rVert^2$ are
# those of `alpha="size"` with the penalty $\lambda/\bar n$. Ten times the data would need ten times the
# $\lambda$.

# %% [markdown]
# ## The whole objective
#
# This is what we minimise from here on:
#
# $$J = \sum_t \alpha_t\, CE_t + \frac{\lambda_s}{2}\lVert W_s\rVert^2 + \frac{\lambda}{2}\sum_k \lVert A_k\rVert^2
# \qquad z_t(x) = W_t x + b_t \qquad W_t = W_s + \sum_k G_{tk} A_k$$
#
# | knob | it says |
# |---|---|
# | $\alpha_t$ | how much task $t$ counts |
# | $\lambda$ | how much an adapter costs: what is a task's *own* must be worth it |
# | $\lambda_s$ | how much the shared weights cost |
#
# $\lVert A\rVert^2$ is the sum of all squared entries. Biases are not penalised. Films have four times as
# many sentences as each other task in our data:

# %%
SIZES = {"films": 200, "cars": 50, "food": 50, "phones": 50}
train, val, _ = rt.split_frame(rt.make_toy(n_per_task=SIZES, seed=0))
data = rt.MultiTaskDataset.from_frame(train)
print(
    dict(zip(data.task_names, data.sizes.tolist(), strict=True)), "training sentences"
)
print(f"{data.n_features} words")

# %% [markdown]
# Write $J$ as a function, in torch. `cross_entropy` from above is ready to use.

# %%
card("03-4")


# %% tags=["exercise"]
def objective(parts, data, graph, alphas, lam, lam_shared):
    """J.  graph: (n_tasks, n_adapters), alphas: (n_tasks,)"""
    shared, adapters, bias = parts  # (C, d), (n_adapters, C, d), (n_tasks, C)
    x, y, task = data  # (n_docs, d), (n_docs,), (n_docs,)
    ...  ### SOLUTION


check("03-4", objective)

# %% [markdown]
# Does it agree with the package? The model below has random weights and one adapter per task.

# %%
objective = reference("03-4")
model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, scale=0.1).double()
parts = (model.shared, model.adapter_weights(), model.bias)
examples = (data.x.double(), data.y, data.task)
alphas = torch.tensor([1.0, 2.0, 1.0, 0.5], dtype=torch.float64)
knobs = (model.graph.double(), alphas, 0.01, 0.02)  # graph, alpha, lambda, lambda_s

criterion = rt.MultiTaskLoss(
    alpha=alphas.tolist(), lam=0.01, lam_shared=0.02, sizes=data.sizes
)
x, y, task = examples
print(f"from scratch   {objective(parts, examples, *knobs):.10f}")
print(f"MultiTaskLoss  {criterion(model(x, task), y, task, model):.10f}")

# %% [markdown]
# ## Gradients by hand
#
# Training follows the gradient. `backward()` would find it for us. But you will see what sharing *is* only
# when you follow the error back yourself. First from the loss to the scores.
#
# **Derive, with pencil and paper.** For a mean over $n$ sentences with softmax probabilities $p_{ic}$,
#
# $$\frac{\partial CE}{\partial z_{ic}} = \frac{1}{n}\,(p_{ic} - y_{ic}),$$
#
# where $y_{ic}$ is 1 if $c$ is the label of sentence $i$, and 0 otherwise. Then answer: what is the sum over
# the classes of one sentence, and what does that mean?

# %% [markdown] tags=["answer"]
# $\log\sum_{c'} e^{z_{c'}}$ has the derivative $p_c$, $-z_y$ has $-y_c$; the mean divides by $n$. The sum over the classes is 0. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **Derivation.** For one sentence $CE = \log \sum_{c'} e^{z_{c'}} - z_y$. The first term has the derivative
# $\frac{e^{z_c}}{\sum_{c'} e^{z_{c'}}} = p_c$. The second one has $1$ if $c = y$, and $0$ otherwise: that is
# $y_c$. So the derivative is $p_c - y_c$. A mean over $n$ sentences divides it by $n$; the scores of one
# sentence do not touch the loss of another. ∎
#
# **The sum** over classes is $1 - 1 = 0$. What the right class is pushed up, the others together are pushed
# down. This is the competition between classes that the raw loss lacks.
#
# **The step people miss:** the derivative of the *other* scores. It is not 0: every $z_{c'}$ stands in the sum, so each wrong class
# is pushed down by its own probability. Who forgets the sum gets the raw loss of the first exhibit.
#
# </details>

# %%
card("03-5")


# %% tags=["exercise"]
def residual(z, y):
    """dCE/dz (n_docs, n_classes).  z (n_docs, n_classes), y (n_docs,), none missing."""
    ...  ### SOLUTION


check("03-5", residual)

# %% [markdown]
# Now on, to the weights. Write $E_t = \alpha_t\, \partial CE_t/\partial Z_t$ for the errors of task $t$, one
# row a sentence, and $X_t$ for its sentences. From $Z_t = X_t W_t' + b_t$ (the dash means transposed):
#
# $$D_t := \alpha_t \frac{\partial CE_t}{\partial W_t} = E_t' X_t \qquad\qquad
# \frac{\partial J}{\partial b_t} = \text{sum of the rows of } E_t$$
#
# And from $W_t = W_s + \sum_k G_{tk} A_k$: the shared part is in *every* $W_t$, an adapter only where the
# graph says so.
#
# $$\frac{\partial J}{\partial W_s} = \sum_t D_t + \lambda_s W_s \qquad\qquad
# \frac{\partial J}{\partial A_k} = \sum_t G_{tk} D_t + \lambda A_k$$
#
# What goes forward with a factor comes back with the same factor. (Use your `residual`, or first run
# `residual = reference("03-5")`.)

# %%
card("03-6")


# %% tags=["exercise"]
def gradients(parts, data, graph, alphas, lam, lam_shared):
    """dJ/dW_s, dJ/dA, dJ/db, shaped as shared, adapters, bias. No label is missing."""
    shared, adapters, bias = parts  # (C, d), (n_adapters, C, d), (n_tasks, C)
    x, y, task = data  # (n_docs, d), (n_docs,), (n_docs,)
    ...  ### SOLUTION


check("03-6", gradients)

# %% [markdown]
# ## Two independent witnesses
#
# Never trust a gradient that was derived only once. The first witness is autograd, which knows the chain rule
# but not your derivation. The second is the definition of the derivative, which knows no rule at all:
#
# $$\frac{\partial J}{\partial w} \approx \frac{J(w + h) - J(w - h)}{2h}$$

# %%
residual, gradients = reference("03-5"), reference("03-6")
with torch.no_grad():
    by_hand = gradients(parts, examples, *knobs)
J = objective(parts, examples, *knobs)
by_autograd = torch.autograd.grad(J, [parts[0], *model.adapters.parameters(), parts[2]])
by_autograd = (by_autograd[0], torch.stack(by_autograd[1:-1]), by_autograd[-1])
for name, mine, theirs in zip(("W_s", "A", "b"), by_hand, by_autograd, strict=True):
    apart = (mine - theirs).abs().max()
    print(f"dJ/d{name:4s} by hand and by autograd differ by at most {apart:.0e}")

# %%
w = list(data.vectorizer.get_feature_names_out()).index("dark")


def J_moved(h):
    """J after one entry of W_s (positive, "dark") has moved by h."""
    shared = parts[0].detach().clone()
    shared[2, w] += h
    with torch.no_grad():
        return objective((shared, *parts[1:]), examples, *knobs).item()


steps = 10.0 ** np.arange(0, -14, -0.5)
central = np.array([(J_moved(h) - J_moved(-h)) / (2 * h) for h in steps])
one_sided = np.array([(J_moved(h) - J_moved(0)) / h for h in steps])
right = by_hand[0][2, w].item()
forgot = right - 0.02 * parts[0][2, w].item()  # a gradient without the penalty's part
# %%
fig, ax = plt.subplots(figsize=(7, 3.6), dpi=90, layout="constrained")
for i, (name, apart) in enumerate(
    {
        "two-sided": central - right,
        "one-sided": one_sided - right,
        "two-sided, penalty forgotten": central - forgot,
    }.items()
):
    look = {"color": plots.CYCLE[0][i], "ls": plots.CYCLE[2][i]}
    ax.loglog(
        steps,
        np.abs(apart).clip(1e-14),
        marker=plots.CYCLE[1][i],
        ms=4,
        label=name,
        **look,
    )
ax.invert_xaxis()
ax.set(xlabel="h (smaller to the right)", ylabel="difference to the gradient by hand")
ax.legend(frameon=False, fontsize=9)
plots.show(
    fig,
    alt="The difference of a difference quotient and the gradient by hand, against "
    "h, both axes logarithmic. The two curves of the right gradient make a V: they "
    "fall as h gets smaller, the two-sided one faster and lower, and rise again when h is "
    "tiny. With a forgotten penalty the curve stays on a plateau.",
)

# %% [markdown]
# A right gradient makes a **V**. On the left, $h$ is too large and the curve of $J$ shows. On the right, $h$
# is too small and rounding shows. Two-sided quotients fall with $h^2$, one-sided ones with $h$. A wrong
# gradient makes a **plateau**: no $h$ helps. `torch.autograd.gradcheck` does this for every entry, with
# $h = 10^{-6}$:

# %%
few = (parts[0][:, :5], parts[1][..., :5], parts[2])  # five words are enough to check
few = tuple(p.detach().clone().requires_grad_() for p in few)
short = (examples[0][:, :5], *examples[1:])
torch.autograd.gradcheck(lambda *p: objective(p, short, *knobs), few)

# %% [markdown]
# ## The same lines in the package
#
# The engine that trains hundreds of models at once does not record anything for autograd. It has these
# gradients written out. Compare line by line: `residual` is $E_t$, `by_task` is $D_t$. `addcmul_` adds a
# product, here $\lambda_s W_s$ and $\lambda A_k$.

# %%
print(inspect.getsource(rt.gradients).split('"""')[2])
replicas = stack([model], lam=0.01, lam_shared=0.02)
stacked = data.stacked(dtype=torch.float64)
with torch.no_grad():
    dW, dA, db = rt.gradients(replicas, stacked, alphas, model.graph.double())
by_engine = (dW[0], dA[:, 0], db[:, 0])  # the first, and only, replica
apart = max((m - e).abs().max() for m, e in zip(by_hand, by_engine, strict=True))
print(f"largest difference to the gradients by hand: {apart:.0e}")

# %% [markdown]
# ## One step, in the open
#
# A model small enough for pencil and paper: one sentence of four words, $x_j = 1$ for each. Its weights
# are in the next cell; their rows are negative, neutral, positive.

# %%
sentence = "The engine was quiet"
vectorizer = rt.make_vectorizer("bow").fit([sentence])


def tiny_model():
    """Columns: engine, quiet, the, was. All weights that are not named are 0."""
    adapters = ["A_cars", "A_phones"]
    model = rt.RAG(4, 3, 2, tasks=["cars", "phones"], adapters=adapters, init="zero")
    model.class_names = ["negative", "neutral", "positive"]
    with torch.no_grad():
        model.shared[:, :2] = torch.tensor([[0.1, 0.5], [0.2, 0.0], [0.1, -0.3]])
        own = torch.tensor([[0.0, 0.1], [0.0, -0.2], [0.0, 0.2]])
        model.adapters["A_cars"].full[:, :2] = own
    return model


tiny = tiny_model()
scores = tiny(torch.ones(1, 4), "cars")[0].detach()
print("negative, neutral, positive")
print("scores:       ", [round(z, 1) + 0.0 for z in scores.tolist()])
print("probabilities:", [round(p, 2) for p in scores.softmax(0).tolist()])

# %% [markdown]
# In cars, a quiet engine is praise: the label is *positive*. But $W_s$ has learnt elsewhere that *quiet* is
# bad.
#
# **Your task.** Work out on paper the three scores after **one** step with learning rate $\eta = 0.5$ in all
# weights ($W_s$, $A_{cars}$ and the bias). Then move *Steps taken* to 1 and compare. Set $\eta$ to 0.1: how
# many steps does it take until $p(\text{positive})$ is above 0.9? Last, choose another right class: which
# numbers change sign at step 0?

# %%
rt.widgets.gradient_step(
    sentence,
    "positive",
    "cars",
    model=tiny,
    vectorizer=vectorizer,
    goal={
        "One step with η = 0.5": "steps == 1 and rate == 0.5 and label == positive",
        "η = 0.1, and the first step at which p(positive) is above 0.9": "rate == 0.1 and label == positive and p > 0.9 and p < 0.91",
        "Another right class, at step 0": "label != positive and steps == 0",
    },
)

# %%
card("03-7")

# %% tags=["exercise"]
# Scores of negative, neutral, positive after one step with 0.5, to two decimals; number of steps with 0.1.
# Replace each ...
one_step = {"scores": ..., "steps": ...}
### BEGIN SOLUTION
error = scores.softmax(0) - torch.tensor([0, 0, 1.0])  # p - y
one_step.update(scores=scores - 0.5 * (4 + 4 + 1) * error, steps=8)
### END SOLUTION
check("03-7", one_step)

# %% [markdown] tags=["solution"]
# Every weight of class $c$ moves by $-\eta (p_c - y_c) x_j$. Nine numbers add up to a score: four words in
# $W_s$, the same four in $A_{cars}$, one bias. In general a score moves by
# $\eta\,(2\lVert x\rVert^2 + 1)(y_c - p_c)$. With another label, $y$ moves to another row: the errors of the
# old and of the new label change sign, the third one stays.

# %% [markdown]
# Notice two things. A single sentence never suffers from a large step: the right score only goes up. It is
# *other* sentences, with the same words and other labels, that make large steps dangerous. And $A_{phones}$
# does not move, but $W_s$ does: phones will hear about quiet engines, whether it helps them or not.
#
# **This is a good place for a break.**
#
# ## Alpha: how much a task counts
#
# `MultiTaskLoss(alpha=...)` offers five ways:
#
# | `alpha` | $\alpha_t$ | the idea |
# |---|---|---|
# | `"equal"` | $1$ | every task counts the same |
# | `"size"` | $n_t / \bar n$ | every sentence counts the same |
# | `"difficulty"` | $CE_t / \overline{CE}$, as it is now | help the task that is worst off |
# | `"uncertainty"` | $e^{-s_t}$, with $s_t$ learned | trust the task whose labels are sure |
# | a list | as given | you know what matters |
#
# The fourth learns $s_t$ along with the weights, by minimising $\sum_t \big(e^{-s_t} CE_t + s_t/2\big)$
# (after Kendall et al. 2018). Set the derivative in $s_t$ to zero: $-e^{-s_t} CE_t + \tfrac12 = 0$. So where
# it settles,
#
# $$\alpha_t = e^{-s_t} = \frac{1}{2\,CE_t}$$
#
# Difficulty raises $\alpha$ where $CE_t$ is large. Uncertainty does the very opposite.
#
# **Predict.** Films have 120 training sentences, the others 30 each. With `"uncertainty"`, whose $\alpha_t$
# will be larger than 3: `"films"`, `"the small tasks"`, `"all"` or `"none"`?

# %%
### BEGIN SOLUTION
guess = "the small tasks"
### END SOLUTION
predict("03-b", guess)

# %%
fresh_frame = rt.make_toy(n_per_task=200, seed=9999)
held_out = {
    name: rt.MultiTaskDataset.from_frame(frame, data.vectorizer, data.task_names)
    for name, frame in (("val", val), ("new", fresh_frame))
}


def weighted(alpha, lam=0.01, epochs=200):
    """Train RAG: alpha_t at the end, CE_t in training and on new sentences, validation CE."""
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names)
    criterion = rt.MultiTaskLoss(alpha=alpha, lam=lam, lam_shared=lam)
    rt.fit(model, data, criterion=criterion, epochs=epochs, progress=False)
    scores = [rt.evaluate(model, d) for d in (data, held_out["new"])]
    known, fresh = ([s[f"loss/{t}"] for t in data.task_names] for s in scores)
    chosen_by = rt.evaluate(model, held_out["val"])["loss"]
    if alpha == "uncertainty":
        at_end = torch.exp(-criterion.log_variance.detach()).numpy()
    elif alpha == "difficulty":
        at_end = np.array(known) / np.mean(known)
    else:
        at_end = criterion.alphas.numpy()
    return at_end, known, fresh, chosen_by


kinds = ["equal", "size", "difficulty", "uncertainty"]
found = {kind: weighted(kind) for kind in kinds}
print(f"{'':12s} alpha of {', '.join(data.task_names)}")
for kind, (alpha_t, known, _, _) in found.items():
    print(f"{kind:12s} {np.round(alpha_t, 2)}   training CE_t {np.round(known, 2)}")

# %%
large = [
    t for t, a in zip(data.task_names, found["uncertainty"][0], strict=True) if a > 3
]
reveal("03-b", "the small tasks" if large == data.task_names[1:] else large)

# %% [markdown]
# The small tasks get the large weights. Not because their labels are surer: all tasks here are equally clean.
# Thirty sentences are simply easier to *memorise* than 120, so their training $CE_t$ is small. Large
# $\alpha_t$ then makes it smaller still, which raises $\alpha_t$ again. Uncertainty weighting reads the noise
# of a task from its training loss, and that works only as long as training loss tells you about noise.
#
# Does it help, all the same? All four runs above have $\lambda = \lambda_s = 0.01$. Nobody chose that for them. So we train each way
# of weighting with five penalties, and let validation choose.

# %%
LAMS = [0.0003, 0.001, 0.003, 0.01, 0.03]
tuned = {}
for kind in kinds:
    runs = {lam: weighted(kind, lam) for lam in LAMS}
    lam = min(LAMS, key=lambda lam: runs[lam][3])  # the least validation loss
    tuned[kind] = runs[lam]
    means = np.mean(found[kind][2]), np.mean(runs[lam][2])
    print(f"{kind:12s} new CE at 0.01: {means[0]:.2f}", end="")
    print(f"   at the chosen lambda, {lam:g}: {means[1]:.2f}")


# %%
def dots(ax, values):
    """A marker for each task: films, and the three small ones."""
    for j in range(4):
        look = {"color": plots.CYCLE[0][min(j, 1)], "marker": plots.CYCLE[1][min(j, 1)]}
        name = ["films (120)", "each small task (30)", None, None][j]
        ax.plot([v[j] for v in values], rows, ls="", ms=8, label=name, **look)


fig, axes = plt.subplots(
    1, 3, figsize=(11, 3.2), dpi=90, layout="constrained", sharey=True
)
rows = np.arange(len(kinds))[::-1]
dots(axes[0], [found[k][0] for k in kinds])
dots(axes[1], [found[k][2] for k in kinds])
dots(axes[2], [tuned[k][2] for k in kinds])
axes[0].axvline(1, color="black", lw=0.7)
axes[0].set(xscale="log", xlabel=r"$\alpha_t$ at the end", yticks=rows)
axes[0].set_yticklabels(kinds)
axes[0].set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
axes[0].minorticks_off()
axes[1].set(title=r"$\lambda$ = 0.01 for all")
axes[2].set(title=r"$\lambda$ chosen on validation")
for ax in axes[1:]:
    ax.set(xlabel="CE on new sentences (one draw)", xlim=(0.1, 1.0), ylim=(-0.5, 3.5))
axes[0].legend(frameon=False, loc="upper right")
plots.show(
    fig,
    alt="Three panels. Alpha of each task for four ways of weighting, log scale: size gives films "
    "2.3 and the others 0.6, uncertainty gives films about 2 and the small tasks 4 to 10. Cross-entropy on new "
    "sentences with lambda 0.01: the small tasks are best with uncertainty. With lambda chosen on "
    "validation: equal, size and difficulty have caught up for the small tasks, and are better for films.",
)

# %% [markdown]
# At $\lambda = 0.01$, `"uncertainty"` looks like a find: new sentences of the small tasks are read better than with
# `"equal"`. Give every way of weighting its own $\lambda$, and that gain is gone; over all tasks it even comes out last. What had
# it done? It made the small tasks' own adapters cheaper, as the next paragraph shows. It had turned the knob that we had left alone.
# That is one draw. The tests of this lesson repeat it on two more: last in each of them, and in one a part of the small tasks'
# gain stays. Between `"equal"`, `"size"` and `"difficulty"` the draws do not agree.
#
# So beware of an effect at a knob that nobody tuned. With tasks that really differ in noise, uncertainty weighting may earn its keep. What
# holds in general is the table above, and: **choose by validation, for every candidate alike.**
#
# A last point. $\alpha$ and $\lambda$ are not independent.
# $\alpha_t CE_t + \frac{\lambda}{2}\lVert A_t\rVert^2$ has the same best $A_t$ as
# $CE_t + \frac{\lambda/\alpha_t}{2}\lVert A_t\rVert^2$, for fixed $W_s$. To double $\alpha_t$ is to halve the
# price of the task's own adapter. A weight of 10 makes its own adapter ten times
# cheaper.
#
# ## What a knob can never do
#
# Suppose you turn one knob up, leave all else as it is, and find the exact optimum again. What can you say
# *before* you look? Write $J$ as
#
# $$J_a(w) = a\, C(w) + R(w),$$
#
# where $a$ is the knob, $C$ the term it multiplies, and $R$ all the rest. Say $w_1$ is an optimum for $a_1$,
# and $w_2$ one for $a_2 > a_1$.
#
# **Prove two things, with pencil and paper.** No derivative is needed, and no convexity.
#
# 1. $C(w_2) \le C(w_1)$: turning a knob up never raises its own term.
# 2. If $C \ge 0$, the lowest $J$ does not fall: $J_{a_2}(w_2) \ge J_{a_1}(w_1)$.

# %% [markdown] tags=["answer"]
# Each optimum is at least as good as the other by its own standard. Add the two inequalities: $R$ cancels, and
# $(a_2 - a_1)(C(w_2) - C(w_1)) \le 0$ is left. For 2: $J_{a_2}(w_2) \ge J_{a_1}(w_2) \ge J_{a_1}(w_1)$. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **1.** Each optimum is at least as good as the other one, by its own standard:
#
# $$a_1 C(w_1) + R(w_1) \le a_1 C(w_2) + R(w_2) \qquad\quad a_2 C(w_2) + R(w_2) \le a_2 C(w_1) + R(w_1)$$
#
# Add the two. $R$ cancels, and $(a_2 - a_1)\,(C(w_2) - C(w_1)) \le 0$ is left. Since $a_2 > a_1$,
# $C(w_2) \le C(w_1)$. ∎
#
# **2.** $J_{a_2}(w_2) \ge J_{a_1}(w_2)$, since $C \ge 0$. And $J_{a_1}(w_2) \ge J_{a_1}(w_1)$, since $w_1$ is
# best for $a_1$. ∎
#
# For $\alpha_t$, $C$ is $CE_t$; for $\lambda$ it is $\frac12\sum_k\lVert A_k\rVert^2$; for $\lambda_s$ it is
# $\frac12\lVert W_s\rVert^2$. All are $\ge 0$. The proof says nothing about any other term.
#
# **The step people miss:** to compare *both* optima under *both* knobs. One inequality alone says nothing about $C$, since $R$ may
# make up for it. And $R$ cancels only because it is the same function on both sides: nothing else may be turned.
#
# </details>

# %% [markdown]
# Now use it. One knob is turned up, everything else stays, and both optima are exact. Possible or impossible?
#
# - **a** $\alpha_{films}$ goes up, and $CE_{films}$ on the training sentences goes up.
# - **b** $\alpha_{films}$ goes up, and $CE_{food}$ on the training sentences goes *down*.
# - **c** $\lambda$ goes up, and $\sum_k \lVert A_k\rVert^2$ goes up.
# - **d** $\lambda$ goes up, and $\lVert W_s\rVert^2$ goes up.
# - **e** $\lambda_s$ goes up, and the lowest $J$ goes down.
# - **f** $\alpha_{films}$ goes up, and the training *accuracy* on films goes down.

# %%
card("03-8")

# %% tags=["exercise"]
# "possible" or "impossible"? Replace each ...
can_be = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ..., "f": ...}
can_be.update(...)  ### SOLUTION
check("03-8", can_be)

# %% [markdown] tags=["solution"]
# **d**: see the middle panel of the figure below. **b**: not in the figure, where the others rise; but in another draw of the
# sentences, printed after it, food goes down. **f** is rare, but possible. Suppose one film review has a score of the
# wrong sign and far from 0, and two are barely right. Repairing the one lowers the mean of $-\log p$ by more
# than losing the two raises it. Cross-entropy falls, and accuracy falls from 2/3 to 1/3.

# %% [markdown]
# The three knobs on our data. `rt.solve` finds the exact optimum. The first panel has no adapters, so that
# the tasks must fight over one $W$.


# %%
def best(lam=0.01, lam_shared=0.01, alpha="equal", adapters=True, data=None):
    """The exact optimum: training CE_t, ||W_s||^2, sum_k ||A_k||^2."""
    data = training if data is None else data
    if adapters:
        model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names)
    else:
        model = rt.RAG.full_sharing(data.n_features, 3, tasks=data.task_names)
    rt.solve(model, data, lam, lam_shared, alpha)
    with torch.no_grad():
        found = rt.evaluate(model, data)
        lengths = model.shared.square().sum(), model.adapter_weights().square().sum()
    return [found[f"loss/{t}"] for t in data.task_names], *map(float, lengths)


training = data
factors = np.geomspace(0.1, 10, 9)
by_alpha = [best(alpha=[a, 1, 1, 1], adapters=False)[0] for a in factors]
lams = np.geomspace(1e-4, 1, 9)
by_lam = np.array([best(lam=v)[1:] for v in lams])
by_lam_shared = np.array([best(lam_shared=v)[1:] for v in lams])

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), dpi=90, layout="constrained")
for i, name in enumerate(data.task_names):
    look = {
        "color": plots.CYCLE[0][i],
        "ls": plots.CYCLE[2][i],
        "marker": plots.CYCLE[1][i],
    }
    axes[0].plot(factors, [row[i] for row in by_alpha], ms=4, label=name, **look)
axes[0].set(
    xscale="log",
    xlabel=r"$\alpha_{films}$ (others: 1)",
    ylabel="training CE of the task",
)
axes[0].legend(frameon=False)
for ax, lengths, name in (
    (axes[1], by_lam, r"$\lambda$"),
    (axes[2], by_lam_shared, r"$\lambda_s$"),
):
    ax.loglog(
        lams, lengths[:, 0], "s--", color=plots.VERMILION, ms=4, label="shared $W_s$"
    )
    ax.loglog(lams, lengths[:, 1], "o-", color=plots.BLUE, ms=4, label="all adapters")
    ax.set(xlabel=f"{name} (the other: 0.01)", ylim=(0.01, 6000))
axes[1].set_ylabel("squared length")
axes[1].legend(frameon=False, loc="lower center")
plots.show(
    fig,
    alt="Three panels. As alpha of films goes from 0.1 to 10, the cross-entropy of "
    "films falls from 0.9 to 0.2; the other tasks change little. "
    "As lambda goes up, the adapters shrink from 3000 to almost nothing and the shared "
    "weights grow. As lambda_s goes up, it is the other way round.",
)

# %% [markdown]
# In each panel, the knob's own term only falls, as it must. The others do as they like. In the first panel
# they change far less than films, and all three go up a little. In the middle panel you see the one slider of this course, from
# tasks of their own (left) to full sharing (right). Lesson 07 asks what $\lambda$ *believes*.
#
# Must the others go up, when films gets more attention? That would make statement b impossible. Here is another draw of the sentences.

# %%
another, _, _ = rt.split_frame(rt.make_toy(n_per_task=SIZES, seed=2), seed=2)
another = rt.MultiTaskDataset.from_frame(another)
for a in (0.1, 1, 10):
    CE = best(alpha=[a, 1, 1, 1], adapters=False, data=another)[0]
    said = ", ".join(f"{t} {v:.2f}" for t, v in zip(data.task_names, CE, strict=True))
    print(f"alpha of films {a:4}: CE of {said}")

# %% [markdown]
# Phones pays most, and cars a little. But food goes *down*, without any more attention of its own: in this draw, what helps films helps food. That is statement b.
#
# ## Third exhibit: the lost minus sign
#
# In the article's second phase, the adapters minimise $\sum_c y_c \log p_c$, without the minus. That is: they
# *maximise* cross-entropy. So the code lowers
#
# $$-\sum_t CE_t + \frac{\lambda}{2}\sum_k \lVert A_k\rVert^2$$
#
# Below, $W_s$ is trained properly (to the optimum, without adapters). Then it is frozen, and the adapters take
# 300 steps.
#
# **Predict.** With the wrong sign and $\lambda = 0.1$, what becomes of the training accuracy, which is about
# 0.95 after phase 1? Answer `"about 0.33"`, `"about 0"` or `"hardly changes"`.

# %%
### BEGIN SOLUTION
guess = "hardly changes"
### END SOLUTION
predict("03-c", guess)


# %%
def phase_two(sign, lam, steps=300, lr=1.0):
    """Train the adapters only; sign=+1: as it should be, sign=-1: minus sign lost."""
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names)
    model.deactivate(*model.adapter_names)
    model.freeze("adapters")
    rt.solve(model, data, lam_shared=0.01)  # phase 1: W_s and the biases
    model.activate(*model.adapter_names)
    model.unfreeze("adapters")
    model.freeze("shared", "bias")
    adapters = [p for p in model.parameters() if p.requires_grad]
    optimizer, criterion, losses = (
        torch.optim.SGD(adapters, lr=lr),
        rt.MultiTaskLoss(),
        [],
    )
    tensors, before = data.stacked(), rt.evaluate(model, data)["accuracy"]
    for _ in range(steps):
        optimizer.zero_grad()
        size = sum(A.square().sum() for A in adapters)
        loss = sign * criterion.stacked(model, tensors) + lam / 2 * size
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    after = rt.evaluate(model, data)
    return {
        "before": before,
        "losses": losses,
        "CE": after["loss"],
        "accuracy": after["accuracy"],
    }


tried = {
    (s, lam): phase_two(s, lam)
    for s, lam in ((1, 0.0), (-1, 0.1), (-1, 0.01), (-1, 0.0))
}

# %%
fig, ax = plt.subplots(figsize=(7, 3.4), dpi=90, layout="constrained")
for i, ((sign, lam), run) in enumerate(tried.items()):
    label = f"{'right' if sign > 0 else 'wrong'} sign, $\\lambda$ = {lam:g}"
    look = {"color": plots.CYCLE[0][i], "ls": plots.CYCLE[2][i], "lw": 2}
    ax.plot(run["losses"], label=label, **look)
ax.axhline(0, color="black", lw=0.7)
ax.set(xlabel="step", ylabel="the number that is minimised", yscale="symlog")
ticks = [2, 1, 0, -1, -2, -10, -100]
ax.set_yticks(ticks, [str(tick) for tick in ticks])
ax.minorticks_off()
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    alt="The minimised number over 300 steps, on a scale that is logarithmic beyond 1 "
    "and -1. With the right sign it falls from 2 towards 0 and stays above it. With the "
    "wrong sign it starts near -2: with lambda 0.1 it falls a little and stays, with "
    "0.01 it falls to about -20, with 0 it falls below -90 and goes on falling.",
)

# %% [markdown]
# All four curves go down. Judged by the curve alone, the worst run is the most successful one.
#
# Now the accuracy. Run the wrong sign for four values of $\lambda$.

# %%
card("03-9")

# %% tags=["exercise"]
# Training accuracy after phase_two with the wrong sign, for each lambda. Replace each ...
accuracy = {0.0: ..., 0.01: ..., 0.1: ..., 1.0: ...}
### BEGIN SOLUTION
for price in accuracy:
    ended = phase_two(-1, price)
    accuracy[price] = ended["accuracy"]
    print(
        f"lambda {price:4g}: from {ended['before']:.2f} to {ended['accuracy']:.2f}",
        end="",
    )
    print(f"   (cross-entropy per task {ended['CE']:.2f})")
### END SOLUTION
check("03-9", accuracy)

# %%
run = phase_two(-1, 0.1)
change = run["accuracy"] - run["before"]
reveal(
    "03-c",
    "hardly changes"
    if abs(change) < 0.1
    else f"from {run['before']:.2f} to {run['accuracy']:.2f}",
)

# %% [markdown]
# With a small $\lambda$ the adapters ruin the model: they are large enough to outvote $W_s$. With
# $\lambda = 0.1$ and more, the same bug is nearly invisible. The penalty keeps the adapters so small that
# they cannot do harm, nor any good.
#
# Why does $\lambda$ make such a difference? Without a penalty, $-CE$ has no lowest point. With one it has,
# since $CE$ grows only in proportion to the length of $A$, and the penalty with its square. And for large $\lambda$, the
# curvature of the penalty outweighs that of $CE$. The curvature of $CE_t$ in $A_t$ is at most $\frac12$ of
# the largest eigenvalue of $\frac{1}{n_t} X_t' X_t$. Above that, the wrong objective is a bowl like the right
# one, and its lowest point is close to where phase 1 ended:

# %%
for t, name in enumerate(data.task_names):
    x_t = data.x[data.task == t].double()
    limit = torch.linalg.eigvalsh(x_t.T @ x_t / len(x_t)).max() / 2
    print(f"{name:7s} a bowl for lambda above {limit:.3f}")

# %% [markdown]
# ## Extra: build your own loss, with an auditor and a brake
#
# All three exhibits ran, and all three gave a number that fell. What would have caught them? A class of your own, about fifty
# lines, with nothing from the package and no autograd in it:
#
# - `value` and `gradient`: $J$ and its three gradients. You have written both.
# - `audit`: the second witness for *every* entry, by two-sided quotients. A wrong sign, a lost penalty, a forgotten graph: it
#   sees them all, because it knows none of your algebra.
# - `step`: one step downhill, with a brake. If $J$ is not lower after the step, it halves the learning rate and tries again. No step
#   goes up, whatever learning rate you begin with.
#
# Use torch, numpy or plain Python, as you like. Write one method after the other, and run the check after each. No label is missing here.

# %%
card("03-11")


# %% tags=["exercise"]
class MyLoss:
    """J = sum_t alpha_t CE_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2, and how to descend on it.

    parts: shared (C, d), adapters (n_adapters, C, d), bias (n_tasks, C)
    data: x (n_docs, d), y (n_docs,), task (n_docs,)
    """

    def __init__(self, graph, alphas, lam, lam_shared):
        self.graph, self.alphas = graph, alphas
        self.lam, self.lam_shared = lam, lam_shared

    def value(self, parts, data):
        """J, one number."""
        ...  ### SOLUTION

    def gradient(self, parts, data):
        """dJ/dW_s, dJ/dA, dJ/db, shaped as the parts. Found by hand: no backward()."""
        ...  ### SOLUTION

    def audit(self, parts, data, h):
        """The largest |(J(w + h) - J(w - h)) / (2 h) - self.gradient| over all entries w."""
        ...  ### SOLUTION

    def step(self, parts, data, lr):
        """(new parts, the lr that was used): lr is halved until J is lower than before.

        The old parts stay as they are. If no lr above 1e-9 makes J lower: (parts, 0.0).
        """
        ...  ### SOLUTION


check("03-11", MyLoss)

# %% [markdown]
# On the sentences of this lesson: first the audit, on five words; then sixty careful steps from zero, beginning each time with the much too large
# learning rate 64. (The first line takes the reference, so that the cell runs in any case. Delete it to run your own; in plain
# Python it takes up to a minute.)

# %%
MyLoss = reference("03-11")


def tried_out(five, short, start, examples, graph, alphas):
    """Your class at work: its audit on five words, the rates of sixty steps, J after them."""
    mine = MyLoss(graph, alphas, 0.01, 0.01)
    worst, at, rates = mine.audit(five, short, 1e-5), start, []
    for _ in range(60):
        at, rate = mine.step(at, examples, 64.0)
        rates.append(float(rate))
    return float(worst), rates, float(mine.value(at, examples))


eye, ones = torch.eye(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
five = tuple(part.detach() for part in few)
start = tuple(torch.zeros_like(part) for part in parts)
# call hands over tensors; a class that was written for arrays or lists gets those.
worst, rates, J_end = call(tried_out, five, short, start, examples, eye, ones)
print(f"audit at h = 1e-5: {worst:.0e}")
model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names)
lowest = rt.solve(model, data, lam=0.01, lam_shared=0.01).objective
used, how_often = np.unique(rates, return_counts=True)
print("learning rates used:", dict(zip(used.tolist(), how_often.tolist(), strict=True)))
print(f"J after 60 steps {J_end:.3f}, the optimum {lowest:.3f}")

# %% [markdown]
# $J$ comes down at every step, and nobody had to choose a learning rate: 64 is only where each search begins. Other rates are right at other places: that is why the brake looks anew at every step.
#
# **Bonus.** (a) Ask for more than "lower": at least half of what the slope promises (Armijo's rule). Fewer steps, or more? (b) Let the next step begin
# with twice the rate that was used, not with 64. How many values of $J$ do you save? (c) Break one sign in `gradient`, and look at what
# `audit` says, and what `step` does. (d) Let the machine do the algebra: a class for one number that remembers how it was made
# ([micrograd](https://github.com/karpathy/micrograd) needs a hundred lines), and audit *it*.
#
# ## Explain it to a colleague
#
# A colleague writes: "I wrote the loss myself, from the formulas in the paper. It falls in every epoch, it is
# at $-20$ now and still falling, so the training works very well. Only the accuracy is strange." Answer in
# four or five sentences: what can be concluded from the number alone, what are the two suspects, and which
# test would have shown it on the first day?

# %%
card("03-10")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("03-10", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("03-10", text, ticks=[])

# %% [markdown]
# ## In your own world
#
# `here.solve()` is the model with the lowest $J$ in a world, at `here.lam` and `here.lam_shared`, every $\alpha_t = 1$. How low
# is that $J$? `here.objective(model)` says it for any model. (With your own `objective`, take the parts as after exercise 03-4,
# `model.shared, model.adapter_weights(), model.bias`, and the data as `here.data.x.double()`, `here.data.y`, `here.data.task`: the
# exact weights have double precision.) (Hand over what was computed; typed by hand,
# three decimals will do.) Nothing is typed in yet? Then this is the default world, the same for everybody. In a
# class, first enter your own, with `rt.world("your student number")` in place of `rt.world()`: the sentences, and the
# answer, are then yours alone.

# %%
card("03-w")

# %% tags=["exercise"]
here = rt.world()
lowest_J = ...
### BEGIN SOLUTION
lowest_J = here.objective(here.solve())
### END SOLUTION
check("03-w", lowest_J)

# %% [markdown]
# ## Recap
#
# - $CE = -\frac1n\sum_i \log p_{i,y_i}$, with $\log p = z - \log\sum e^z$ after taking away the largest
#   score. Missing labels are no examples.
# - Three alarms: a loss below 0; a start that is not $\log C$ per task; a difference quotient on a plateau.
# - $\partial CE/\partial z = (p - y)/n$. $W_s$ gets $\sum_t D_t + \lambda_s W_s$, an adapter
#   $\sum_t G_{tk} D_t + \lambda A_k$.
# - A loop over sentences is a choice of $\alpha$, too: $\alpha_t = n_t$.
# - Difficulty raises $\alpha$ of tasks with a large $CE_t$; uncertainty does the opposite, $1/(2\,CE_t)$.
# - An audit by difference quotients needs no trust in your algebra. A step with a brake never goes up.
# - A knob never raises its own term. Nothing is promised about the others, nor about accuracy.
# - A falling curve proves that the number you wrote is minimised. Whether it is the right number is your
#   business.
#
# ## Sources
#
# - J. Bridle (1990). Probabilistic interpretation of feedforward classification network outputs.
#   *Neurocomputing*, Springer, 227–236. Where softmax got its name.
# - P. Blanchard, D. Higham and N. Higham (2021). [Accurately computing the log-sum-exp and softmax
#   functions](https://doi.org/10.1093/imanum/draa038). *IMA Journal of Numerical Analysis*
#   41(4), 2311–2330.
# - A. Kendall, Y. Gal and R. Cipolla (2018). [Multi-task learning using uncertainty to weigh losses for scene
#   geometry and semantics](https://arxiv.org/abs/1705.07115). *CVPR 2018*.
# - T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. *KDD*. The two penalties of $J$.
# - A. Griewank and A. Walther (2008). *Evaluating Derivatives*. SIAM. How autograd works.
