# %% [markdown]
# This is the place to begin. Run each cell with Shift+Enter, from top to bottom.
#
# {{lessons}}

# %%
from ragteach.checks import check
from ragteach.hints import card, hint, predict, reveal

# %% [markdown]
# ## Before you compute, predict
#
# A model reads 100 words and chooses among 3 classes, for 4 tasks. One weight matrix per task needs
# $4 \times 3 \times 100 = 1200$ weights. RAG adds a shared matrix that all tasks use:
#
# $$W_t = W_s + \sum_k G_{tk} A_k$$
#
# Does RAG with one adapter per task need fewer weights than four separate models, or more?

# %%
### BEGIN SOLUTION
guess = "more"
### END SOLUTION
predict("00-a", guess)

# %%
card("00-1")

# %% tags=["exercise"]
# How many weights has RAG here: 100 words, 3 classes, 4 tasks, one adapter per task, no bias?
### BEGIN SOLUTION
n_weights = (1 + 4) * 3 * 100
### END SOLUTION
check("00-1", n_weights)

# %% [markdown]
# Stuck? Run `hint("00-1")` in a cell of your own; each run shows one more step.

# %%
reveal("00-a", "more, 1500 against 1200: full-size adapters save nothing")
