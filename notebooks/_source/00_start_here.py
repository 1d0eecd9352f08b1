# %% [markdown]
# The tour takes ten minutes. Five short exercises and the map of the course follow. Exercises 00-3 and 00-4 can wait until
# you have time.
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
# turn. Nothing breaks if you skip it. Long cells that only draw a picture, or that you can follow the lesson without,
# begin folded: a line with three dots (in Colab *Show code*). Run them like all others; click to read them.

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
train = rt.make_toy(relatedness=0.5, n_per_task=40, seed=3)
for task in rt.TOY_TASKS:
    for row in train[train["task"] == task].head(3).itertuples():
        print(f"{row.task:7} {rt.LABELS[row.label]:9} {row.text}")

# %% [markdown]
# A generator made these sentences. So we know the truth about them, and can turn a knob: `relatedness` goes from 0 to 1. At 1,
# every opinion word means the same in all four domains. At 0, no such word is left: every opinion word depends on its domain.
#
# Did the generator invent the problem? No. Here are sentences that a person wrote, before there was a model to try them on.

# %%
written = rt.load_handwritten()
for word in ["predictable", "strange", "quiet"]:
    whole = rf"\b{word}\b"  # the word as a whole: not the one inside "unpredictable"
    for row in written[written["text"].str.contains(whole, case=False)].itertuples():
        print(f"{word:12} {row.task:7} {rt.LABELS[row.label]:9} {row.text}")

# %% [markdown]
# A predictable story is dull. Predictable brakes are a joy. One model for both domains has to choose.

# %% [markdown]
# ## One slider
#
# Between "every domain alone" and "all domains as one" there is a slider: $\lambda$, the price of a large adapter.
# A small $\lambda$ lets adapters do everything. A large one presses them to zero, and only $W_s$ is left.
#
# Left: how many new sentences are classified correctly, for every $\lambda$. Right: what some words mean. The black bar
# is the shared weight of a word; each domain's marker stands at shared weight plus adapter. Right of 0 the word is praise,
# left of 0 blame.
#
# The slider starts with one of the written sentences. It is about a car, and it is praise.
#
# **Your task.** At the left end, films takes that sentence for blame: there, *predictable* is a bad word. Move $\lambda$ to the
# right until all four domains read it alike. What do the four markers of `strange` do on the way, and what happens to the
# accuracy? At which $\lambda$ is it best: at an end, or between? Then write a sentence of your own.

# %%
rt.widgets.sharing_slider(
    sentence="Predictable brakes and solid steering make it a joy to drive.",
    n_per_task=40,
    goal={"Move λ until all four domains read the sentence alike": "readings == 1"},
)

# %% [markdown]
# <details><summary>What there is to see</summary>
#
# At the left end `strange` is strong praise in films (11), blame in cars (-6) and in food (-11), and in phones next to nothing. On the
# way the four markers run together. At the right end all stand near 1, a faint praise. From $\lambda$ = 0.001 on all four domains
# read the sentence alike. The mean accuracy is 70 % at the left end and 66 % at the right. It is best in between, 74 % near
# $\lambda$ = 0.0006.
#
# </details>
#
# The moving picture on the course's first page ends the other way round, 62 % left and 68 % right. It is the same slider with 30
# sentences for each domain, and here there are 40. With fewer sentences, learning alone suffers more: exercise 00-5 tries it.
#
# ## Before you compute, predict
#
# The slider showed one draw of 40 sentences per domain, with half of the opinion words shared (`relatedness=0.5`). Take twelve
# such draws. Which strategy will be right most often on new sentences, on the average? Write `"independent"`,
# `"full sharing"` or `"RAG"`.

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
# In the table, `mean` is the test accuracy, `low` to `high` a 95 % interval for it, and `n_params` counts the numbers to train. It is
# a mean over the draws, too, rounded to a whole number, since each draw has a few words more or fewer. So 4 times 393 need not be 1573.

# %%
names = ["independent", "full sharing", "RAG", "majority class"]
table = rt.compare("toy", seeds=12, n_per_task=40, strategies=names, progress=False)
means = rt.summary(table)
means[["strategy", "mean", "low", "high", "n_seeds", "n_params"]].round(3)

# %%
plots.show(
    plots.comparison(means),
    alt="Test accuracy of four strategies with 95 % intervals over twelve draws: RAG leads with about 0.73, full "
    "sharing follows with 0.69, independent models with 0.65, and the most frequent class comes last.",
)

# %%
reveal("00-a", ", then ".join(means.sort_values("mean", ascending=False)["strategy"]))

# %% [markdown]
# The slider said something else: its left end was *above* its right end, and here independent models are *below* full sharing.
# How can that be?
#
# - **The draw.** The slider is one draw, and the table is twelve others.
# - **The price.** $\lambda$ is a price on large weights. In the slider *you* set it: at the left end to 0.00001, next to nothing. In
#   the table every strategy takes the price that does best on the validation sentences, and the tasks alone take about 0.0007
#   (the median of the twelve draws), some seventy times as much.
#
# What does "best" mean there? Not the most right answers, but the lowest *cross-entropy*: a number that punishes a model that is sure
# and wrong. (Lesson 03 defines it, lesson 06 chooses prices.) So the tasks alone hedge, and that costs a few right answers.
#
# The prices stand in `table`: `table[table["metric"] == "lam"].groupby("strategy")["value"].median()`. Full sharing has no
# adapters, so nothing to price: 0.
#
# How sure are we that RAG is ahead? Some draws are hard for everyone, and that makes each interval wide. But both strategies met
# the same draws. So look at the difference *within* each draw.

# %%
differences = rt.paired(table)
plots.show(
    plots.differences(differences),
    alt="RAG minus each other strategy within the same draws, with 95 % intervals: a few points ahead of full "
    "sharing, further ahead of independent models, and far ahead of the majority class.",
)

# %% [markdown]
# So here RAG leads full sharing by a few points, and independent models by more. That is one setting of the
# knobs, chosen because all three differ there. With related tasks and few sentences, full sharing wins. With unrelated tasks,
# learning alone is as good. You will see both in the exercises. That is not a flaw in the experiment. It is the subject of this
# course: **when does sharing help, when do adapters help, and why?**

# %% [markdown]
# ## Exercises
#
# Every exercise has a card, hints and a check. Stuck? Run `hint("00-1")` in a cell of your own. Each run shows one
# more step. An unfinished exercise never breaks a later cell.
#
# A cell that was left out does. If Python says `NameError: name 'table' is not defined`, a cell further up that makes this name
# has not run since the notebook was opened. Run them all in order: in JupyterLab *Run*, then *Run All Above Selected Cell*; in Colab
# *Runtime*, then *Run before*.

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
    "toy", seeds=3, n_per_task=40, strategies=names, progress=False, relatedness=0.0
)
rt.summary(apart)[["strategy", "mean"]].round(3)
last = "full sharing"
### END SOLUTION
check("00-2", last)

# %% [markdown]
# Did you notice the independent models? They are as good as before. A model that never looks at another task cannot care what
# the others share, and the generator keeps every single task equally hard, whatever the knob says.

# %%
card("00-5")

# %% tags=["exercise"]
# Who is ahead, "independent" or "full sharing"? You have seen 40 sentences per task (relatedness 0.5). Run the
# comparison with n_per_task=[20, 80] and seeds=3; in summary, the column n_per_task says which size a row belongs to.
ahead = {20: ..., 40: ..., 80: ...}
### BEGIN SOLUTION
sizes = rt.compare(
    "toy", seeds=3, n_per_task=[20, 80], strategies=names, progress=False
)
rt.summary(sizes)[["n_per_task", "strategy", "mean"]].round(3)
ahead = {20: "full sharing", 40: "full sharing", 80: "independent"}
### END SOLUTION
check("00-5", ahead)

# %% [markdown]
# They **cross**. So "is sharing good?" has no answer without "how many sentences are there?". Lesson 01 says why.

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
# Let every $A_k = 0$. Then $G_{tk} A_k = 0$, so the sum is zero, and $W_t = W_s$ for every $t$. ∎

# %% [markdown]
# <details><summary>A proof to compare with yours</summary>
#
# Let every $A_k = 0$. Then each term $G_{tk} A_k$ is zero, whatever number $G_{tk}$ is, and so is their sum over $k$.
# What is left of $W_t = W_s + \sum_k G_{tk} A_k$ is $W_t = W_s$, the same for every task: full sharing. ∎
#
# **The step people miss:** "whatever number $G_{tk}$ is". The graph differs from task to task, and only because it is
# multiplied by zero does that not matter. If one adapter is not zero, two tasks with different rows can differ.
#
# </details>

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
