# %% [markdown]
# In detail, you will be able to
#
# - give the shape of every letter in $W_t = W_s + \sum_k G_{tk} A_k$, and write it as one line of code;
# - prove [law 1](laws.md#law-1-collapse): the article's sum, taken literally, is a single `nn.Linear`, and say what its adapters do
#   then;
# - draw a routing graph, and count how many of its $W_t$ can be chosen freely;
# - make six known models out of one class, by changing the graph only;
# - say which numbers in a trained model mean something, and which are only a way of writing it down.
#
# You need lesson 01. What $\lambda$ and the loss are, lesson 03 explains; here one sentence will do.
#
# The core is everything up to "One class, six models" (about 75 minutes): take a break there. After it come two more faults,
# what weights can tell, and a longer piece of work, your own RAG (40 minutes), which you can also do at home.
#
# ## A question
#
# The article that this course is built on gives its model in one line, and so do we, in its own letters:
#
# $$f(x) = W_s\, x + \sum_i W_a^{(i)} x$$
#
# $W_s$ are the shared weights. Each $W_a^{(i)}$ is an adapter, which starts from random numbers. Adapters are
# meant to let tasks differ: *dark* may praise a film and blame a meal. Here is this line as code.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import ragteach as rt
import torch
from ragteach.study import plots
from ragteach.teach.checks import check, reference
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect


# %%
class Literal(torch.nn.Module):
    """The article's line, word for word: all adapters are added."""

    def __init__(self, input_dim, output_dim, num_adapters):
        super().__init__()
        self.shared = torch.nn.Linear(input_dim, output_dim, bias=False)
        self.adapters = torch.nn.ModuleList(
            torch.nn.Linear(input_dim, output_dim, bias=False)
            for _ in range(num_adapters)
        )

    def forward(self, x):
        out = self.shared(x)
        for adapter in self.adapters:
            out = out + adapter(x)
        return out


# %% [markdown]
# Now train it on four tasks (films, cars, food, phones), with four adapters. Then give it one sentence, *The
# dish was dark*, four times: as a film review, as a car review, and so on.
#
# **Predict.** An answer is three scores, one for each class. How many different answers can it give? 1, 2, 3
# or 4? (Read `forward` once more before you write.)

# %%
### BEGIN SOLUTION
guess = 1
### END SOLUTION
predict("02-a", guess)

# %% [markdown]
# ## The letters and their shapes
#
# We write $A_k$ for an adapter, and a matrix $G$ for what the article leaves out: which adapter serves which
# task.
#
# $$W_t = W_s + \sum_k G_{tk}\, A_k \qquad\qquad \text{logits}_t(x) = W_t\, x$$
#
# | letter | what it is | code |
# |---|---|---|
# | $d$, $c$, $T$, $K$ | number of words, classes, tasks, adapters | `n_features, n_classes, n_tasks, n_adapters` |
# | $x$ | one sentence as $d$ numbers, one for each word; a batch has a **row** for each sentence | `x` |
# | $W_s$ | shared weights: one **row** of weights for each class | `shared` |
# | $A_k$ | adapter number $k$; `adapters` is all of them stacked | `adapters` |
# | $G_{tk}$ | how much of adapter $k$ task $t$ gets: 0 is nothing, 1 is all of it | `graph` |
# | $W_t$ | the weights of task $t$; `W` is all of them stacked | `W` |
#
# A logit is the score of a class; the highest wins. (The package adds a bias $b_t$ to each logit. The article
# has none, and in this lesson we mostly leave it out. Then everything that tasks can differ in is $W_t$.)
#
# The article says in its section 4.1 that $W_s$ is "$d \times c$" and all adapters together, $\theta_a$, are
# "$k \times c$". Which of these can be?

# %%
card("02-1")

# %% tags=["exercise"]
# 8 sentences, 100 words, 3 classes, 4 tasks, 2 adapters. Replace each ... by a shape such as (8, 100).
# "logits" are those of one task, for all 8 sentences.
shapes = {"x": ..., "W_s": ..., "A": ..., "G": ..., "W": ..., "logits": ...}
shapes.update(...)  ### SOLUTION
check("02-1", shapes)

# %% [markdown]
# Stuck? `hint("02-1")` shows one more step each time you run it.
#
# Take the article at its word, and torch objects:

# %%
try:
    torch.ones(100, 3) @ torch.ones(100)  # W_s, of shape d x c, times x
except RuntimeError as error:
    print("torch says:", error)

# %% [markdown]
# So $W_s$ is $c \times d$, and each adapter is added to it, so each is $c \times d$ too. Do not rely on torch
# to tell you. If $d = c$, the product exists both ways round, and no one complains. That is why we write the
# shape where a tensor is born.
#
# ## The equation as a picture
#
# Three tasks, two adapters, four words. The numbers are invented. Read each row from left to right: it is the
# equation.

# %%
words = ["great", "dull", "dark", "hot"]
tasks, classes = ["films", "food", "phones"], ["neg", "neu", "pos"]
# W_s (n_classes, n_features)
W_s = np.array([[-2, 2, 1, 0], [0, 0, 0, 1], [2, -2, -1, -1]])
A = np.array(
    [
        [[0, 0, -2, 0], [0, 0, 0, 0], [0, 0, 2, 0]],  # A1: dark is praise
        [[0, 0, 0, -1], [0, 0, 0, -1], [0, 0, 0, 2]],  # A2: hot is praise
    ]
)  # (n_adapters, n_classes, n_features)
G = np.array([[1, 0], [0, 1], [0.5, 0]])  # (n_tasks, n_adapters)


def tile(ax, values, title, pale=False):
    """A small matrix with its numbers."""
    ax.imshow(values, cmap="PuOr", vmin=-4, vmax=4, alpha=0.25 if pale else 1)
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, f"{value:g}", ha="center", va="center", size=9)
    ax.set_title(title, size=11)
    ax.set_xticks(range(4), words, size=8)
    ax.set_yticks(range(3), classes, size=8)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


fig, axes = plt.subplots(3, 4, figsize=(10, 6.6), dpi=80, layout="constrained")
for t, task in enumerate(tasks):
    W_t = W_s + np.einsum("k,kcd->cd", G[t], A)  # (n_classes, n_features)
    tile(axes[t, 0], W_t, f"W_{task}  =")
    tile(axes[t, 1], W_s, "W_s")
    for k in range(2):
        title = f"+  {G[t, k]:g} · A{k + 1}"
        tile(axes[t, 2 + k], A[k], title, pale=G[t, k] == 0)
plots.show(
    fig,
    alt="Three rows of small matrices, one row per task: W_films = W_s + 1 A1 + 0 A2; "
    "W_food = W_s + 0 A1 + 1 A2; W_phones = W_s + 0.5 A1 + 0 A2. In W_s, dark "
    "speaks for negative; in W_films it speaks for positive, in W_phones it says "
    "nothing.",
)

# %% [markdown]
# `great` and `dull` are the same in all three tasks: no adapter touches them. `dark` turns round for films.
# Phones get only half of A1: there, `dark` says nothing.
#
# Now write it for any number of tasks and adapters.

# %%
card("02-2")


# %% tags=["exercise"]
def task_weights(shared, adapters, graph):
    """W_t = W_s + sum_k G[t, k] A_k for every task; three tensors in, one out.

    shared (n_classes, n_features), adapters (n_adapters, n_classes, n_features),
    graph (n_tasks, n_adapters) -> (n_tasks, n_classes, n_features)
    """
    ...  ### SOLUTION


check("02-2", task_weights)

# %% [markdown]
# Here is the line as it stands in `ragteach/model.py`, under the line of mathematics:
#
# $$W_t \quad = \quad W_s \quad + \quad {\textstyle\sum_k}\, G_{tk}\, A_k$$
#
# ```python
#                       shared + torch.tensordot(graph, adapters, dims=1)
# ```
#
# `tensordot(..., dims=1)` multiplies and sums over the one index that stands last in `graph` and first in
# `adapters`. That is $k$. (If $G$ is the identity, the sum is just $A_t$, and the package skips the product.)
#
# ## The collapse
#
# Back to the article's line. It has no $G$. Adding every adapter for every input means $G_{tk} = 1$
# everywhere. So
#
# $$f(x) = W_s x + A_1 x + \dots + A_K x = (W_s + A_1 + \dots + A_K)\, x$$
#
# The brackets do not know the task. This is **[law 1](laws.md#law-1-collapse), collapse**: the literal model is one matrix, one
# `nn.Linear`.
#
# **Prove more, with pencil and paper.** For which graphs $G$ are all $W_t$ equal, *whatever* $W_s$ and the
# $A_k$ are? Show that your condition is enough, and that without it some adapters make two tasks differ.

# %% [markdown] tags=["answer"]
# All rows of $G$ must be equal: $W_t - W_u = \sum_k (G_{tk} - G_{uk})\, A_k$ is 0 for all adapters exactly if every bracket is. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# All rows of $G$ must be equal. Take two tasks $t$ and $u$:
#
# $$W_t - W_u = \sum_k (G_{tk} - G_{uk})\, A_k$$
#
# **Enough.** If the two rows are equal, every bracket is 0, so $W_t = W_u$, whatever the adapters are.
#
# **Needed.** If the rows differ, then $G_{tk} \ne G_{uk}$ for some $k$. Choose this $A_k$ different from 0,
# and all others 0. Then $W_t - W_u = (G_{tk} - G_{uk})\, A_k \ne 0$. So the tasks differ for these adapters.
# ∎
#
# $G = $ ones has equal rows: the article's sum collapses. So does $K = 0$: the rows are empty.
#
# **The step people miss:** the second half. "If the rows are equal, the tasks are equal" is easy; that nothing *else* makes them
# equal needs adapters that you choose yourself: one that is not 0, all others 0.
#
# </details>

# %%
card("02-3")


# %% tags=["exercise"]
def collapses(graph):
    """True if all W_t are equal, whatever the weights are.

    graph (n_tasks, n_adapters), a numpy array
    """
    ...  ### SOLUTION


check("02-3", collapses)

# %% [markdown]
# ## See it
#
# 200 short reviews in each domain. We start `Literal` from random numbers. Beside it stands one `nn.Linear`,
# which starts from the sum of those five matrices. Both learn by plain gradient descent on the same
# sentences.

# %%
frame = rt.make_toy(n_per_task=200, seed=0)
data = rt.MultiTaskDataset.from_frame(frame)
tasks, d, x = data.task_names, data.n_features, data.x.double()
print(f"tasks: {tasks}; {len(data)} sentences, {d} words, 3 classes")


def descend(model, lr, steps=200):
    """Plain gradient descent on the mean cross-entropy of all sentences."""
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(x), data.y)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(model.parameters(), gradients, strict=True):
                weight -= lr * gradient


def total(model):
    """W_s + A_1 + ... + A_K of a Literal: (n_classes, n_features)"""
    parts = [model.shared, *model.adapters]
    return sum(part.weight.detach() for part in parts)


torch.manual_seed(0)
literal = Literal(d, 3, num_adapters=4).double()
single = torch.nn.Linear(d, 3, bias=False).double()
single.weight.data.copy_(total(literal))
start = total(literal)
descend(literal, lr=0.2)
descend(single, lr=(1 + 4) * 0.2)
print(f"largest weight learned:  {(total(literal) - start).abs().max():.2f}")
print(f"largest difference:      {(total(literal) - single.weight).abs().max():.0e}")

# %% [markdown]
# After 200 steps the difference is rounding. But the `nn.Linear` needed a step size five times as large. Why?
# All five parts see the same gradient, $\partial L/\partial W$, and each takes a step of 0.2. Their sum moves
# five steps of 0.2.
#
# So the literal adapters change *how fast* the model moves. They do not change *what it can be*. The next
# figure shows what that means for words. `rt.RAG(..., graph="all")` is the same model as `Literal`. Beside it
# the graph that gives each task an adapter of its own. The score of a word is its weight for positive minus
# its weight for negative.

# %%
vocabulary = list(data.vectorizer.get_feature_names_out())
chosen = ["superb", "awful", "dark", "hot", "quiet"]
columns = [vocabulary.index(word) for word in chosen]
fig, axes = plt.subplots(1, 2, figsize=(9, 3), dpi=90, sharex=True, sharey=True)
sentence = data.vectorizer.transform(["The dish was dark."]).toarray()
dark, n_answers = torch.tensor(sentence, dtype=torch.float32), {}
for ax, graph in zip(axes, ["all", "one_per_task"], strict=True):
    model = rt.RAG(d, 3, 4, tasks=tasks, graph=graph, bias=False)
    rt.solve(model, data, lam=0.001, lam_shared=0.001)
    W = model.task_weights().detach()  # (n_tasks, n_classes, n_features)
    n_answers[graph] = len(torch.unique(model(dark).detach()[0], dim=0))
    scores = (W[:, 2] - W[:, 0])[:, columns]  # (n_tasks, n_chosen)
    for t, task in enumerate(tasks):
        shape, colour = plots.CYCLE[1][t], plots.CYCLE[0][t]
        big = {"ms": 13 - 3 * t, "mew": 1.5, "mfc": "none"}
        ax.plot(scores[t], range(len(chosen)), shape, color=colour, label=task, **big)
    ax.axvline(0, color="grey", lw=0.8)
    ax.set_title(f'graph="{graph}"')
    ax.set_xlabel("score of the word")
axes[0].set_yticks(range(len(chosen)), chosen)
axes[0].set_ylim(len(chosen) - 0.5, -0.5)
axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
fig.tight_layout()
plots.show(
    fig,
    alt="Scores of five words in four tasks. Left, all adapters for all tasks: the four"
    " markers of each word lie on one another. Right, one adapter per task: superb "
    "and awful stay close together, dark, hot and quiet spread out on both sides of"
    " zero.",
)
print("different answers to “The dish was dark.”:", n_answers)
reveal("02-a", n_answers["all"])

# %% [markdown]
# Left, four markers on one point: films and food must agree about `dark`. They have four adapters, and no way
# to use them.
#
# ## Then what do the literal adapters do?
#
# One thing is left. We do not minimise the loss alone. Large weights cost something, in this course
# $\frac{\lambda_s}{2}\lVert W_s\rVert^2 + \frac{\lambda}{2}\sum_k \lVert A_k\rVert^2$. ($\lVert W\rVert^2$ is
# the sum of all squared entries.) The literal model may write its one $W$ as *any* sum
# $W_s + A_1 + \dots + A_K$, and takes the cheapest.
#
# **Find it, with pencil and paper.** What does the cheapest split of a given $W$ cost? Write it as
# $\frac{\mu}{2}\lVert W\rVert^2$. Then the literal model is exactly full sharing with the penalty $\mu$ in
# place of $\lambda_s$.

# %% [markdown] tags=["answer"]
# The slopes must be equal, $\lambda_s W_s = \lambda A_k$, and with $W = W_s + \sum_k A_k$ the price is
# $\frac{\mu}{2}\lVert W\rVert^2$ with $1/\mu = 1/\lambda_s + K/\lambda$. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# At the cheapest split, it does not pay to move a little of any entry from $W_s$ to $A_k$. So the two slopes
# are equal: $\lambda_s W_s = \lambda A_k$ for every $k$. (The price is a sum of squares, so it has one lowest
# point, and this is it.) Then $A_k = \frac{\lambda_s}{\lambda} W_s$ and
#
# $$W = W_s + K\,\frac{\lambda_s}{\lambda}\, W_s = \lambda_s\, W_s \Big(\frac{1}{\lambda_s} + \frac{K}{\lambda}\Big)
# \quad\Rightarrow\quad \lambda_s W_s = \mu W \quad\text{with}\quad \mu = \frac{1}{1/\lambda_s + K/\lambda}.$$
#
# So $W_s = \frac{\mu}{\lambda_s} W$ and $A_k = \frac{\mu}{\lambda} W$. The price is
#
# $$\frac{\lambda_s}{2}\frac{\mu^2}{\lambda_s^2}\lVert W\rVert^2 + \frac{\lambda}{2} K \frac{\mu^2}{\lambda^2}\lVert W\rVert^2
# = \frac{\mu^2}{2}\Big(\frac{1}{\lambda_s} + \frac{K}{\lambda}\Big)\lVert W\rVert^2 = \frac{\mu}{2}\lVert W\rVert^2. \qquad ∎$$
#
# **The step people miss:** why equal slopes are enough. A point where nothing pays could be a highest point. It is the lowest,
# because a sum of squares is a bowl: it has one such point, and that is its bottom.
#
# </details>

# %%
card("02-4")


# %% tags=["exercise"]
def same_penalty(lam, lam_shared, n_adapters):
    """The penalty mu on one matrix W that costs as much as its cheapest split."""
    ...  ### SOLUTION


check("02-4", same_penalty)

# %% [markdown]
# Is it true for real sentences? `rt.solve` finds the weights with the least $J$ = loss + penalties. Three
# models: the literal one; full sharing with your $\mu$; full sharing with the old $\lambda_s$, which is what
# one would compare with in haste.

# %%
same_penalty = reference("02-4")  # so that this cell runs in any case
exam_frame = rt.make_toy(n_per_task=200, seed=1)
exam = rt.MultiTaskDataset.from_frame(exam_frame, data.vectorizer, tasks)
lam, lam_shared = 0.01, 0.02
options = {"tasks": tasks, "bias": False}
literal = rt.RAG(d, 3, 4, graph="all", **options)
J = {"literal": rt.solve(literal, data, lam, lam_shared).objective}
models = {"literal": literal}
mu = same_penalty(lam, lam_shared, 4)
for name, penalty in {"one matrix, mu": mu, "one matrix, lam_s": lam_shared}.items():
    models[name] = rt.RAG.full_sharing(d, 3, **options)
    J[name] = rt.solve(models[name], data, lam_shared=penalty).objective
for name, model in models.items():
    apart = (model.task_weights() - literal.task_weights()).abs().max()
    loss = rt.evaluate(model, exam)["loss"]
    print(f"{name:18} J {J[name]:.5f}  differs by {apart:.4f}  new loss {loss:.4f}")

# %% [markdown]
# The first two are the same model, with the same $J$ and the same loss on new sentences. The third is not. So whoever adds literal
# adapters and sees another result has changed the penalty, and could have done that without them. (The *accuracy* of the
# three may well be the same here: a penalty that is five times as strong makes a model less sure long before it changes its mind.)
#
# ## Draw a graph
#
# Now give $G$ something to say. In the editor below, a click on a line connects or disconnects a task and an
# adapter. The model is solved anew each time. (It has a bias $b_t$ as well.) The percentages come from **one draw** of the
# sentences, at one $\lambda$ for all graphs. They show that a graph matters. They are no ranking of graphs: lesson 08 makes one.
#
# **Your tasks.**
#
# 1. Choose *literal article* under *Begin with*. Read the sentence under the picture. Then move $\lambda$
#    over its whole range. Does any value let two tasks have different $W$?
# 2. Bring $\lambda$ back to the middle. Draw a graph in which films and phones get the very same $W$, and cars and food one
#    of their own each. Use as few adapters as you can.
# 3. Harder: remove all adapters but **two** (the button is *Remove the last*), and draw lines until *every*
#    task has a $W$ of its own. Keep the graph that you find.

# %%
rt.widgets.graph_editor(
    goal={
        "Literal article, λ at its left end": "edges == 16 and lam < 0.000011",
        "Literal article, λ at its right end": "edges == 16 and lam > 0.9",
        "One W for films and phones, one each for cars and food, with as few adapters as possible": "kinds == 3 and kind_films == kind_phones and adapters == 2",
        "Four different W out of two adapters": "kinds == 4 and adapters == 2",
    }
)

# %% [markdown] tags=["solution"]
# **1** No: all tasks get the same $W$ at every $\lambda$. (They may still *answer* differently: each has a bias $b_t$ of its own. But no
# word can mean something else to one of them.) **2** Two adapters are enough: films and phones use
# none, cars use A1, food uses A2. **3** One task uses none, one A1, one A2, one both.

# %% [markdown]
# Four different $W_t$ out of two adapters: is that as good as four adapters? Write your graph from task 3
# here. Then find four numbers $a_t$, not all 0, so that
#
# $$a_1 W_1 + a_2 W_2 + a_3 W_3 + a_4 W_4 = 0 \quad\text{for every } W_s, A_1, A_2.$$

# %%
card("02-5")

# %% tags=["exercise"]
# "graph": four rows of two zeros or ones, no two rows alike.  "a": four numbers.
four_from_two = {"graph": ..., "a": ...}
four_from_two.update(...)  ### SOLUTION
check("02-5", four_from_two)

# %% [markdown] tags=["solution"]
# $W_s - (W_s + A_1) - (W_s + A_2) + (W_s + A_1 + A_2) = 0$. You met these four numbers in lesson 01: it is
# XOR again. A word that praises in the first and the last task and blames in the other two cannot have all
# four signs right.

# %% [markdown]
# So count two things. *How many $W_t$ are different?* That is the number of different rows of $G$. *How many
# can be chosen freely?* Every $W_t$ is a sum of $1 + K$ parts, with the factors $1, G_{t1}, \dots, G_{tK}$.
# Put these factors into a table with a row for each task, $[\mathbf 1\; G]$. The number of free $W_t$ is the
# rank of that table: the largest number of its rows of which none is a sum (with factors) of the others.
# (Where $W_s$ is frozen at 0, leave out the column of ones.)

# %%
for name, graph in {
    "two adapters": np.array(reference("02-5")["graph"]),
    "one per task": np.eye(4),
    "literal": np.ones((4, 4)),
}.items():
    factors = np.column_stack([np.ones(4), graph])  # (n_tasks, 1 + n_adapters)
    different, free = len(np.unique(graph, axis=0)), np.linalg.matrix_rank(factors)
    print(f"{name:13} {different} different, {free} free")

# %% [markdown]
# ## One class, six models
#
# Several well-known models are one class with different graphs.
#
# | graph | model | known as |
# |---|---|---|
# | $G$ = ones | the article, literally | (one linear map) |
# | $K = 0$ | one $W$ for all tasks | full sharing, hard parameter sharing (Caruana 1997) |
# | $G = I$ | shared + one adapter per task | regularised multi-task learning (Evgeniou and Pontil 2004) |
# | $G = I$, $W_s$ frozen at 0 | each task alone | independent models |
# | $G$ in blocks | groups of tasks share an adapter | clusters of tasks |
# | random $k$ of $K$ | each task draws its adapters | cf. Polytropon, which learns $G$ (Ponti et al. 2022) |
#
# **Predict.** For how many of these six can the four $W_t$ be *any* four matrices?

# %%
### BEGIN SOLUTION
guess = 2
### END SOLUTION
predict("02-b", guess)


# %%
def family(data, **options):
    """The six models, untrained, for the four tasks of data."""
    options = {"tasks": data.task_names, "bias": False, **options}
    size = data.n_features, 3
    return {
        "literal (G = ones)": rt.RAG(*size, 4, graph="all", **options),
        "full sharing (K = 0)": rt.RAG.full_sharing(*size, **options),
        "one per task (G = I)": rt.RAG(*size, 4, graph="one_per_task", **options),
        "independent (W_s = 0)": rt.RAG.independent(*size, **options),
        "two blocks": rt.RAG(*size, 2, graph="grouped", **options),
        "random, 2 of 4": rt.RAG(*size, 4, graph="random", per_task=2, **options),
    }


# %% [markdown]
# Let us not take the formula's word for it. Fill each model with large random numbers, and look at the four
# matrices that it makes: how many are different, and what is their rank? (Each $W_t$ becomes one long row.)
# *Trained* counts the matrices that training may change; what is trained but not free is *spare*.

# %%
rows = {}
for name, model in family(data, scale=1.0, init="normal").items():
    W = model.double().task_weights().detach().flatten(1)  # (n_tasks, n_classes * d)
    trained = model.num_parameters(trainable=True) // (3 * d)
    free = torch.linalg.matrix_rank(W).item()
    different = len(torch.unique(W.round(decimals=6), dim=0))
    rows[name] = [trained, different, free, trained - free]
table = pd.DataFrame.from_dict(rows, orient="index")
table.columns = ["trained", "different", "free", "spare"]
reveal("02-b", int((table["free"] == 4).sum()))

# %% [markdown]
# The last column: how well do they read new sentences? Each model is solved with
# $\lambda = \lambda_s = 0.001$ on 60 sentences per task, for five draws of the sentences.


# %%
def accuracies(seed):
    """Test accuracy of the six models for one draw of the sentences."""
    train = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=60, seed=seed))
    new = rt.make_toy(n_per_task=100, seed=1000 + seed)
    new = rt.MultiTaskDataset.from_frame(new, train.vectorizer, train.task_names)
    right = {}
    for name, model in family(train).items():
        rt.solve(model, train, lam=0.001, lam_shared=0.001, tol=1e-3)
        right[name] = rt.evaluate(model, new)["accuracy"]
    return right


draws = pd.DataFrame([accuracies(seed) for seed in range(5)])  # (n_draws, 6)
table["accuracy"] = draws.mean().round(3)
table

# %%
fig, axes = plt.subplots(2, 3, figsize=(10, 5.6), dpi=90, layout="constrained")
for ax, (name, model) in zip(axes.flat, family(data).items(), strict=True):
    plots.routing(model, ax)
    ax.set_title(f"{name}\n{table['free'][name]} of 4 free", size=11)
plots.show(
    fig,
    alt="Six graphs between four tasks and their adapters; all but independent have W_s "
    "in every task. Literal: every task with "
    "every adapter. Full sharing: no adapters. One per task and independent: four "
    "parallel lines. Two blocks: films and cars share A1, food and phones A2. "
    "Random: two lines from each task; films and food draw the same two adapters.",
)

# %% [markdown]
# Three things to see.
#
# - **The literal model and full sharing** have one free matrix each. One of them trains five to get it.
# - **One per task and independent** are both completely free: *the same set of models*. Yet on the average of these draws
#   one of them reads new sentences better, by a few points. Only the price differs: with $W_s$, what tasks have in common is
#   paid for once. That is all that sharing is, and lesson 07 makes it a theory.
# - **Random** means luck. In this draw, films and food got the same two adapters. They are one model, and no
#   training separates them.
#
# Do not read the accuracies as a ranking. All six have the same $\lambda$ here, and a fair comparison gives
# each its own best one. Lesson 06 does that.
#
# ## Two more faults to learn from
#
# **$W_s$ counted twice.** The article's section 4.3 predicts with
#
# $$y = f(W_s, W_{a1}) + f(W_s, W_{a2}) \qquad\text{where}\qquad f(W_s, W_a) = W_s\,x + W_a\,x$$
#
# Write it out. What does this have too much, compared with $W_s\,x + W_{a1}\,x + W_{a2}\,x$? And with $m$
# adapters?

# %%
card("02-6")


# %% tags=["exercise"]
def surplus(x, shared, adapters):
    """What the article's sum of f(W_s, A_k) over m adapters has too much: (n_classes,)

    x (n_features,), shared (n_classes, n_features), adapters (m, n_classes, n_features)
    """
    ...  ### SOLUTION


check("02-6", surplus)

# %% [markdown]
# Does it matter? A model with two adapters per task: its own, and one that all tasks share. We train it with
# the right equation, and predict with the article's sum.

# %%
surplus = reference("02-6")  # so that this cell runs in any case
graph = np.column_stack([np.eye(4), np.ones(4)])  # (n_tasks, 5)
model = rt.RAG(d, 3, 5, tasks=tasks, graph=graph, bias=False)
rt.solve(model, data, lam=0.001, lam_shared=0.001)
with torch.no_grad():
    logits = model(exam.x, exam.task)  # (n_docs, n_classes)
    A = model.adapter_weights()
    extra = [
        surplus(x_i, model.shared, A[[t, 4]])
        for x_i, t in zip(exam.x, exam.task.tolist(), strict=True)
    ]
    article = logits + torch.stack(extra)
changed = (article.argmax(1) != logits.argmax(1)).float().mean()
print(f"other answers: {changed:.1%} of {len(exam)} new sentences")
for name, z in {"equation": logits, "article's sum": article}.items():
    print(f"accuracy with the {name}: {(z.argmax(1) == exam.y).float().mean():.3f}")

# %% [markdown]
# (One draw; the tests repeat it on others.) A few answers in a hundred change, most of them for the worse. No error is raised, no shape is wrong:
# whoever trains one formula and predicts with another has a model that nobody trained. (If you *train* with
# the sum as well, and every task has $m$ adapters, then $m W_s$ takes the place of $W_s$, and only its price
# has changed.)
#
# **Three classes taken for three tasks.** The same section treats *positive*, *neutral* and *negative* as
# three tasks. A task is a question, and a class is an answer to it. What happens if one takes them for one
# another, and gives each class its adapter?
#
# **Predict.** We train such a model, and then ask it about new sentences, each sent to the adapter of its
# class. Before that, we **shuffle the words away**: every sentence gets the text of another one. What is the
# accuracy: `"1 in 3"`, `"as before"` or `"perfect"`?

# %%
### BEGIN SOLUTION
guess = "perfect"
### END SOLUTION
predict("02-c", guess)

# %%
names = dict(enumerate(rt.LABELS))
by_class = rt.MultiTaskDataset.from_frame(
    frame.assign(task=frame["label"].map(names)), task_names=list(rt.LABELS)
)
model = rt.RAG(d, 3, 3, tasks=list(rt.LABELS), bias=False)
rt.solve(model, by_class, lam=0.001, lam_shared=0.001)
shuffled = np.random.default_rng(0).permutation(exam_frame["text"])
nonsense = exam_frame.assign(text=shuffled, task=exam_frame["label"].map(names))
nonsense = rt.MultiTaskDataset.from_frame(nonsense, data.vectorizer, list(rt.LABELS))
right = rt.evaluate(model, nonsense)["accuracy"]
print(f"accuracy on shuffled texts: {right:.3f}")
for task in rt.LABELS:
    counts = torch.bincount(model.predict(nonsense.x, task), minlength=3)
    answers = dict(zip(rt.LABELS, counts.tolist(), strict=True))
    print(f"all sentences, by the adapter of {task:9}", answers)
reveal("02-c", "perfect" if right > 0.99 else "1 in 3" if right < 0.4 else "as before")

# %% [markdown]
# Perfect, and worthless. Each adapter has seen one label only, so it learned to say that label, whatever the
# words are. And to send a sentence to the right adapter you must know its class already, which is what you
# wanted to find out. In this course a task is a domain, and every task has all three classes.
#
# ## What can be read off the weights?
#
# You have a trained model with one adapter per task ($G = I$) and want to understand it. Which of its numbers
# may you interpret? Here are two ways to change them *without changing a single prediction*.
#
# **Move weight.** For any matrix $M$: $\;W_s \to W_s + M$ and $A_t \to A_t - M$ for all tasks. The sum
# $W_s + A_t$ stays the same. This is the one *spare* matrix of the table above.
#
# **Add a common row.** For any row $v$ of $d$ numbers, add $v$ to the weights of *every class*:
# $W_t \to W_t + \mathbf 1 v$. All logits of a sentence rise by the same number $v \cdot x$. Softmax turns
# logits into probabilities,
#
# $$p_j = \frac{e^{z_j}}{\sum_i e^{z_i}},$$
#
# and there a common factor $e^{v \cdot x}$ cancels.
#
# Call two matrices *twins* if they give the same probabilities for every $x$. **Prove, with pencil and
# paper,** that there is nothing else: $W$ and $W'$ are twins exactly if $W' = W + \mathbf 1 v$ for some row
# $v$.

# %% [markdown] tags=["answer"]
# A common row cancels in the softmax. The other way round: equal probabilities give equal $z_i - z_j$ for every $x$, so every
# word's column has moved by one number. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# **If** $W' = W + \mathbf 1 v$: then $z'_j = z_j + v\cdot x$ for all classes $j$. In $p'_j$, top and bottom
# have the factor $e^{v\cdot x}$, which cancels. So $p' = p$.
#
# **Only if.** Let $p' = p$ for every $x$. For two classes $i$ and $j$, $p_i / p_j = e^{z_i - z_j}$. So
# $z'_i - z'_j = z_i - z_j$, that is, $z'_i - z_i = z'_j - z_j$: the logits of all classes have changed by the
# same number. With $W_i$ for row $i$ this says $(W'_i - W_i)\cdot x = (W'_j - W_j)\cdot x$ for every $x$.
# Take for $x$ one word alone: the entries of that word are equal. Do so for every word:
# $W'_i - W_i = W'_j - W_j$. Call this row $v$. ∎
#
# **The step people miss:** "for every $x$". For one sentence, many other changes keep the probabilities. Only because $x$ may be
# each word alone does every column have to move as a whole.
#
# </details>

# %% [markdown]
# So before you compare the weights of two models, choose one representative among all twins.

# %%
card("02-7")


# %% tags=["exercise"]
def canonical(W):
    """A twin of W that is the same for all twins of W.

    W (n_classes, n_features), a numpy array -> the same shape
    """
    ...  ### SOLUTION


check("02-7", canonical)

# %% [markdown]
# Now an experiment. `disguise` uses both freedoms: it moves a random $M$, and gives every task a random
# common row. `readings` are seven things one might want to read off.

# %%
model = rt.RAG(d, 3, 4, tasks=tasks, adapters=tasks, bias=False).double()
rt.solve(model, data, lam=0.001, lam_shared=0.001)


def disguise(model, seed):
    """Another model with G = I: other weights, the same probabilities."""
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    M = torch.randn(3, d, generator=generator).double()  # (n_classes, n_features)
    with torch.no_grad():
        other.shared += M
        for adapter in other.adapters.values():
            v = torch.randn(d, generator=generator).double()  # (n_features,)
            adapter.full += v - M
    return other


def readings(model):
    """Seven tensors. Class 2 is positive, 0 negative; task 0 is films, 1 cars."""
    W_s, A, W = model.shared, model.adapter_weights(), model.task_weights()
    found = {
        "W_s": W_s,
        "A[films]": A[0],
        "W[films]": W[0],
        "A[films] - A[cars]": A[0] - A[1],
        "W_s: positive - negative": W_s[2] - W_s[0],
        "W[films]: positive - negative": W[0, 2] - W[0, 0],
        "A[films] - A[cars]: positive - negative": (A[0] - A[1])[2] - (A[0] - A[1])[0],
    }
    return {name: value.detach() for name, value in found.items()}


with torch.no_grad():
    p = model(x).softmax(-1)  # (n_docs, n_tasks, n_classes)
    q = disguise(model, seed=0)(x).softmax(-1)
print(f"largest change of a probability: {(p - q).abs().max():.0e}")

# %% [markdown]
# **Before you run it:** which of the seven will stay as they are?

# %%
card("02-8")

# %% tags=["exercise"]
# For seeds 0 to 9: how much does each reading change between the model and disguise(model, seed)?
# Note the largest absolute change of any entry, over all ten seeds: one number per reading.
change = dict.fromkeys(readings(model), ...)
### BEGIN SOLUTION
plain = readings(model)
disguised = [readings(disguise(model, seed)) for seed in range(10)]
for key in change:
    change[key] = max((r[key] - plain[key]).abs().max().item() for r in disguised)
    print(f"{key:40} {change[key]:.2g}")
### END SOLUTION
check("02-8", change)

# %% [markdown]
# The same for one word, `dark`. For the readings with three classes we take the class positive.

# %%
j = vocabulary.index("dark")
fig, ax = plt.subplots(figsize=(8, 3.2), dpi=90, layout="constrained")
names = list(readings(model))
for seed in range(10):
    found = readings(disguise(model, seed))
    dots = [v[2, j] if v.ndim == 2 else v[j] for v in found.values()]
    ax.plot(dots, range(7), "o", color=plots.SKY, label="disguises" * (seed == 0))
truth = [v[2, j] if v.ndim == 2 else v[j] for v in readings(model).values()]
ax.plot(truth, range(7), "x", color="black", ms=9, mew=2, label="the model")
ax.axvline(0, color="grey", lw=0.8)
ax.set_yticks(range(7), names)
ax.set_ylim(6.5, -0.5)
ax.set_xlabel("weight of “dark”")
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    alt="Seven readings of the word dark, in the model and in ten disguises with the "
    "same predictions. W_s, A of films, W of films, the difference of two adapters,"
    " and positive minus negative of W_s spread widely. "
    "Positive minus negative of W of films, and of the difference of two adapters, "
    "lie on one point each.",
)

# %% [markdown]
# So the predictions fix two kinds of numbers:
#
# - differences of two classes, of one $W_t$: *how much more does `dark` speak for positive than for negative,
#   in films?*
# - differences of those between two tasks: *how much more in films than in cars?*
#
# They do **not** fix how much of it is "shared". $W_s$ alone can be anything, and so can any one $A_t$. With
# another graph there are as many ways to move weight as there are spare matrices.
#
# ## And yet training can settle on one split
#
# We train from two random starts that are far apart, once without penalties and once with them. Do the two
# $W_s$ meet?

# %%
other = rt.RAG(d, 3, 4, tasks=tasks, bias=False, scale=1.0)
for penalty in (0.0, 0.01):
    # Both starts side by side: `fit` does the same for one.
    both = rt.train_many(
        other, data, lam=penalty, lam_shared=penalty, seeds=[1, 2], steps=300
    )
    W_s = both.shared  # (2 starts, n_classes, n_features)
    print(f"penalties {penalty}: W_s of two starts", end=" ")
    print(f"{(W_s[0] - W_s[1]).abs().max():.3f} apart", end=", ")
    print(f"mean over classes at most {W_s[0].mean(0).abs().max():.3f}")

# %% [markdown]
# Without penalties each start keeps its own split. With them they meet. It is not the data that choose this
# split, it is the penalty: among all ways to write the same predictions it takes the cheapest. That fixes the
# common row, too. (The mean over the classes becomes 0: a common row costs something and helps nobody.) So
# you may read $W_s$ of a penalised model, if you say what you read: *the cheapest split at this $\lambda$ and
# $\lambda_s$*. Other penalties, another split. Lesson 05 watches how fast a start is forgotten, and lesson 07
# says what belief the penalties express.
#
# ## Merging: [law 8](laws.md#law-8-merging)
#
# For one task the whole sum is one matrix. So you can add it up once, store the result, and forget the parts.

# %%
films = model.merge("films")
print(films)
with torch.no_grad():
    apart = (films(exam.x.double()) - model(exam.x.double(), "films")).abs().max()
print(f"largest difference of the logits: {apart:.0e}")
size = films.weight.numel()  # also the number of multiplications in W x
print(f"multiplications per sentence: {2 * size} for W_s x + A_t x, {size} merged")
stored = model.num_parameters()
print(f"numbers to store for four tasks: {stored} in parts, {4 * size} merged")

# %% [markdown]
# This is **[law 8](laws.md#law-8-merging)**: a task's $W_t$ is one `nn.Linear`, and a merged model costs no more than one without
# adapters. [Law 1](laws.md#law-1-collapse) and [law 8](laws.md#law-8-merging) are the same sum. The question is only whether it is the same for all tasks.
#
# Look at the last line. With full-size adapters and $G = I$ the parts take *more* room than the four matrices
# they make. "Fewer parameters" is not what such adapters give; [lesson 11](11_inside_a_network.ipynb) shows which kind
# does. And merging is a one-way street: from four $W_t$ nobody can tell what $W_s$ was. You know why.
#
# ## Build it: your own RAG
#
# You have every piece. Now put them together, with torch and nothing from the package. About forty lines, and they are yours:
# take them with you. Write one method after the other, and run the check after each. It looks at them in this order, and says
# what the first open one still lacks.

# %%
card("02-10")


# %% tags=["exercise"]
class MyRAG(torch.nn.Module):
    """W_t = W_s + sum_k G[t, k] A_k, and logits = W_t x for each sentence's own task."""

    def __init__(self, n_features, n_classes, graph, seed=0):
        """Makes three things, the first two trained, and random numbers drawn from the seed.

        self.shared (n_classes, n_features)
        self.adapters (n_adapters, n_classes, n_features)
        self.graph (n_tasks, n_adapters), which is not trained
        """
        ...  ### SOLUTION

    def task_weights(self):
        """(n_tasks, n_classes, n_features)"""
        ...  ### SOLUTION

    def forward(self, x, task):
        """x (n_docs, n_features), task (n_docs,) numbers -> logits (n_docs, n_classes)"""
        ...  ### SOLUTION

    def penalty(self, lam, lam_shared):
        """lam_shared / 2 ||W_s||^2 + lam / 2 sum_k ||A_k||^2, one number"""
        ...  ### SOLUTION

    def merge(self, task):
        """The one task's weights as a torch.nn.Linear without bias; the model stays as it is."""
        ...  ### SOLUTION

    def train_on(self, x, task, y, lam, lam_shared, lr=0.5, steps=200):
        """Gradient descent on J = mean cross-entropy + penalty; returns J before every step."""
        ...  ### SOLUTION


check("02-10", MyRAG)

# %% [markdown]
# Does it agree with the package? The package's $J$ is the sum over the four tasks, yours is the mean, so yours has penalties
# a quarter as large.

# %%
MyRAG = reference(
    "02-10"
)  # so that this cell runs in any case; leave it out to see your own
mine = MyRAG(d, 3, np.eye(4))
history = mine.train_on(
    data.x, data.task, data.y, 0.01 / 4, 0.01 / 4, lr=4.0, steps=400
)
package = rt.RAG(d, 3, 4, tasks=tasks, bias=False)
best = rt.solve(package, data, lam=0.01, lam_shared=0.01).objective
own_weights = torch.stack(list(mine.task_weights()))
apart = (own_weights - package.task_weights()).abs().max()
same = (
    mine(exam.x, exam.task).argmax(1) == package(exam.x, exam.task).argmax(1)
).float()
print(f"4 J: yours {4 * history[-1]:.4f}, the package's optimum {best:.4f}")
print(f"largest difference of W_t: {apart:.3f}; equal answers: {same.mean():.1%}")

# %% [markdown]
# **Bonus.** Change your class, and see what happens to $J$ and to new sentences: (a) a bias for each task; (b) a graph that is
# trained, too (make it a Parameter, and penalise it); (c) adapters of rank 2, $A_k = U_k V_k$; (d) `Adam` in place of plain descent.
#
# ## Explain it to a colleague
#
# A colleague has typed in the article's code: four tasks, four adapters, all of them added for every
# sentence. "Five times as many weights, and the accuracy went up by half a point. So adapters help!" Answer
# in four or five sentences: what this model is, whether tasks can differ in it, how the accuracy can have
# changed all the same, and what to change.

# %%
card("02-9")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("02-9", marks)

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
text = ...  ### SOLUTION
reflect("02-9", text, ticks=[])

# %% [markdown]
# ## In your own world
#
# `here.solve()` is the trained model of a world. What does every task's $W_t$ say about `here.word`? Four rows, one
# for each task; three columns, one for each class. (Hand over what was computed; typed by hand, three decimals will do.)
# Nothing is typed in yet? Then this is the default world, the same
# for everybody. In a class, first enter your own, with `rt.world("your student number")` in place of `rt.world()`:
# the sentences, and the answer, are then yours alone.

# %%
card("02-w")

# %% tags=["exercise"]
here = rt.world()
word_weights = ...
### BEGIN SOLUTION
model = here.solve()
word_weights = task_weights(*model.parts())[:, :, here.column].detach()
### END SOLUTION
check("02-w", word_weights)

# %% [markdown]
# ## Recap
#
# - $W_t = W_s + \sum_k G_{tk} A_k$, and the code is `shared + torch.tensordot(graph, adapters, dims=1)`.
#   $W_s$, $A_k$ and $W_t$ are $c \times d$.
# - **[Law 1](laws.md#law-1-collapse).** If all rows of $G$ are equal, as in the article's sum, all tasks are one `nn.Linear`. Then
#   adapters only make steps longer and the penalty weaker: $1/\mu = 1/\lambda_s + K/\lambda$.
# - Different rows of $G$ make different $W_t$. The rank of $[\mathbf 1\; G]$ says how many are free.
# - Full sharing, regularised multi-task learning and independent models are one class with three graphs. Two
#   models with the same set of $W_t$ can still learn differently: the price differs.
# - Predictions fix class differences of $W_t$, nothing else. The split into $W_s$ and adapters is the
#   penalty's choice.
# - **[Law 8](laws.md#law-8-merging).** A task's $W_t$ can be merged into one `nn.Linear`.
#
# ## Sources
#
# - R. Caruana (1997). [Multitask learning](https://doi.org/10.1023/A:1007379606734). *Machine Learning* 28,
#   41-75. Full sharing of a representation.
# - T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. *KDD*. $G = I$ with a penalty on both
#   parts.
# - H. Daumé III (2007). Frustratingly easy domain adaptation. *ACL*. The same model, written as extra
#   features.
# - E. Ponti, A. Sordoni, Y. Bengio and S. Reddy (2022). [Combining modular skills in multitask
#   learning](https://arxiv.org/abs/2202.13914). Polytropon: a graph between tasks and skills, learned.
# - E. Hu et al. (2022). [LoRA: low-rank adaptation of large language
#   models](https://arxiv.org/abs/2106.09685). *ICLR*. Adapters that are merged before use.
