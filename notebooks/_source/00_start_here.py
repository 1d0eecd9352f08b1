# %% [markdown]
# The tour takes five minutes. Four short exercises and the map of the course follow.
#
# You are about to compare three ways to learn several tasks at once.
#
# | strategy | in one sentence |
# |---|---|
# | **independent** | every task learns alone |
# | **full sharing** | all tasks share one model |
# | **RAG** | shared weights for what tasks agree on, one small adapter each for the rest |
#
# This is the whole idea in one line. Task $t$ uses the weights
#
# $$W_t = W_s + \sum_k G_{tk}\, A_k$$
#
# $W_s$ is shared. Each $A_k$ is an adapter. The graph $G$ says which adapter serves which task.
#
# In a lesson you run each cell with Shift+Enter, from top to bottom. Where a cell says `...` or `YOUR CODE HERE`, it is your
# turn. Nothing breaks if you skip it.

# %%
import anywidget
import ipywidgets
import ragteach as rt
import torch
from ragteach.study import plots
from ragteach.teach.checks import check
from ragteach.teach.hints import card, hint, predict, reveal, rubric
from ragteach.teach.written import reflect

# %% [markdown]
# ## Does it run?
#
# If the next cell prints versions and no error, your installation works. If not, run `make lab` in the folder of the course,
# and choose the kernel *Python 3* from the menu *Kernel*.

# %% tags=["volatile"]
print("ragteach", rt.__version__, "| torch", torch.__version__.split("+")[0])
print(
    "widgets: anywidget", anywidget.__version__, "| ipywidgets", ipywidgets.__version__
)
print("This machine trains on:", "a GPU" if torch.cuda.is_available() else "the CPU")

# %% [markdown]
# ## Four tasks, on sentences you can read
#
# Each task is a domain: films, cars, food, phones. The labels are negative (0), neutral (1) and positive (2).
# Some words mean the same everywhere. Others depend on the domain: find one below.

# %%
train = rt.make_toy(relatedness=0.5, n_per_task=60, seed=3)
for task in rt.TOY_TASKS:
    for row in train[train["task"] == task].head(3).itertuples():
        print(f"{row.task:7} {rt.LABELS[row.label]:9} {row.text}")

# %% [markdown]
# The knob `relatedness` goes from 0 to 1. At 1, every opinion word means the same in all four domains. At 0,
# no such word is left: every opinion word depends on its domain.

# %% [markdown]
# ## One slider
#
# Between "every task alone" and "all tasks as one" there is a slider: $\lambda$, the price of a large adapter.
# A small $\lambda$ lets adapters do everything. A large one presses them to zero, and only $W_s$ is left.
#
# Left: how many new sentences are classified correctly, for every $\lambda$. Right: what some words mean. The black bar
# is the shared weight of a word; each domain's marker stands at shared weight plus adapter. Right of 0 the word is praise,
# left of 0 blame.
#
# **Your task.** Move $\lambda$ to the right until `sweet` means nearly the same in all four domains. What happened to the
# accuracy? Then write a sentence of your own, and watch how the domains read it.

# %%
rt.widgets.sharing_slider()

# %% [markdown]
# ## Before you compute, predict
#
# Now you have 60 sentences per task (the slider had 90), and half of the opinion words are shared (`relatedness=0.5`). Which strategy
# will be right most often on new sentences? Write `"independent"`, `"full sharing"` or `"RAG"`.

# %%
### BEGIN SOLUTION
guess = "RAG"
### END SOLUTION
predict("00-a", guess)

# %% [markdown]
# ## The comparison
#
# One seed is one fresh draw of sentences. Every strategy tries 49 penalties. The penalty is chosen on
# validation sentences. The score comes from test sentences that nobody touched before. *Majority class* never looks at a
# word: it always says the most frequent label. You will build this experiment yourself in lesson 06.
#
# In the table, `mean` is the test accuracy, `low` to `high` a 95 % interval for it, and `n_params` counts the numbers to train.

# %%
names = ["independent", "full sharing", "RAG", "majority class"]
table = rt.compare("toy", seeds=12, n_per_task=60, strategies=names, progress=False)
means = rt.summary(table)
means[["strategy", "mean", "low", "high", "n_seeds", "n_params"]].round(3)

# %%
plots.show(
    plots.comparison(means),
    alt="Test accuracy of four strategies with 95 % intervals over twelve draws: RAG and full sharing lead with "
    "overlapping intervals, independent models follow, and guessing the most frequent class comes last.",
)

# %%
reveal("00-a", "RAG, then full sharing close behind, then independent models")

# %% [markdown]
# The intervals of RAG and full sharing overlap. Does that mean there is no difference? Not yet. Some draws are
# hard for everyone. Both strategies met the same draws, so look at the difference *within* each draw.

# %%
differences = rt.paired(table)
plots.show(
    plots.differences(differences),
    alt="RAG minus each other strategy within the same draws, with 95 % intervals: a few points ahead of full "
    "sharing, further ahead of independent models, and far ahead of the majority class.",
)

# %% [markdown]
# So here RAG leads full sharing by a few points, and independent models by more. That is one setting of the
# knobs. With related tasks and few sentences, full sharing wins. With unrelated tasks, learning alone is as
# good. That is not a flaw in the experiment. It is the subject of this course: **when does sharing help, when do
# adapters help, and why?**

# %% [markdown]
# ## Exercises
#
# Every exercise has a card, hints and a check. Stuck? Run `hint("00-1")` in a cell of your own. Each run shows one
# more step. An unfinished exercise never breaks a later cell.

# %%
card("00-1")

# %% tags=["exercise"]
# How many weights has RAG here: 100 words, 3 classes, 4 tasks, one adapter per task, no bias?
### BEGIN SOLUTION
n_weights = (1 + 4) * 3 * 100
### END SOLUTION
check("00-1", n_weights)

# %%
card("00-2")

# %% tags=["exercise"]
# Copy the two lines of the comparison (table = ..., means = ...) to here. Add relatedness=0.0 inside compare, and set
# seeds=3, which is enough. Which strategy comes last now, the majority class aside? Write its name into `last`.
### BEGIN SOLUTION
apart = rt.compare(
    "toy", seeds=3, n_per_task=60, strategies=names, progress=False, relatedness=0.0
)
rt.summary(apart)[["strategy", "mean"]].round(3)
last = "full sharing"
### END SOLUTION
check("00-2", last)

# %%
card("00-3")

# %% [markdown]
# **Proof.** Press all adapters to zero. Show that all tasks then use the same weights, whatever the graph $G$ is.
# Put the three steps in order.
#
# - a: so $W_t = W_s$ for every task $t$
# - b: if every $A_k = 0$, then $G_{tk} A_k = 0$ for every $t$ and $k$
# - c: hence the sum over $k$ is zero

# %% tags=["exercise"]
# Write the letters in order, as in "abc".
order = ...  ### SOLUTION
check("00-3", order)

# %% [markdown]
# Now write it as a proof, in two or three sentences of your own.

# %% [markdown] tags=["answer"]
# **Proof.** Let every $A_k = 0$. Then each term $G_{tk} A_k$ is zero, whatever number $G_{tk}$ is, and so is their sum over $k$.
# What is left of $W_t = W_s + \sum_k G_{tk} A_k$ is $W_t = W_s$, the same for every task: full sharing. ∎

# %%
card("00-4")

# %% [markdown]
# **First mark a draft.** The card above shows six sentences of somebody's answer. Which are right, which wrong?

# %% tags=["exercise"]
marks = dict(a=..., b=..., c=..., d=..., e=..., f=...)  # "right" or "wrong"
marks.update(...)  ### SOLUTION
check("00-4", marks)

# %% [markdown]
# **Explain to a colleague.** In two or three sentences: what is the shared part for, what is an adapter for, and
# which single number moves a model from one extreme to the other?

# %% [markdown]
# **Then write your own answer.** No program judges it: `reflect` puts a model answer and a tempting wrong one beside
# yours. Tick the lines of the rubric that your text has, as in `ticks=[1, 3]`.

# %% tags=["exercise"]
explanation = ...  ### SOLUTION
reflect("00-4", explanation, ticks=[])

# %% [markdown]
# ## The course
#
# {{lessons}}
#
# ## Recap
#
# - RAG is $W_t = W_s + \sum_k G_{tk} A_k$: shared weights plus adapters, joined by a graph.
# - One number, $\lambda$, slides the model from independent tasks to full sharing.
# - Which strategy wins is a question for an experiment, not for a slogan.
#
# ## Sources
#
# - R. Caruana (1997). Multitask learning. *Machine Learning* 28, 41-75. Sharing one model.
# - T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. *KDD*. Shared weights plus one part per task.
# - N. Houlsby et al. (2019). Parameter-efficient transfer learning for NLP. *ICML*. Adapters.
