# %% [markdown]
# This notebook takes a table of yours and answers one question: should your tasks share their weights?
# **Change one line, then run all cells** (menu *Run*, *Run All Cells*). Every part says what it shows and when to doubt it.
#
# Your table has one row for each labelled text, with three columns:
#
# | column | what stands in it | for example |
# |---|---|---|
# | `text` | what is to be read | *The brakes were a joy.* |
# | `label` | the class, as a word or a number | *positive*, or 4 stars |
# | `task` | whose text it is: a domain, a shop, a language | *cars* |

# %%
import tempfile
from pathlib import Path

import ragteach as rt
from ragteach.data.frames import any_frame
from ragteach.integrations.training import save_split
from ragteach.study import plots
from ragteach.widgets.report import in_words, verdict

folder = Path(tempfile.mkdtemp())
example = rt.make_toy(relatedness=0.5, n_per_task=120, seed=1)
example["label"] = [rt.LABELS[label] for label in example["label"]]
example.to_csv(folder / "example.csv", index=False)

# %% [markdown]
# ## The one line to change
#
# Write the path of your file between quotes, for example `MY_FILE = "mine.csv"`. The example is the course's toy reviews.
# Rows without a text, label or task are left out, and the look below counts them.

# %%
MY_FILE = folder / "example.csv"  # <- your file here

# %% [markdown]
# ## A look, before any model
#
# The table of findings begins with what needs you: repeated texts, contradictory labels, markup, tasks that are too small.
# Each finding ends with what to do. Shares come with 95 % intervals, because few rows know little.
#
# *When to doubt it:* near-twins and shared words are measured on a sample in large files; the report says so where it is so.
# A look cannot see whether the labels are right. Read twenty of your rows yourself.

# %%
rt.look(MY_FILE)

# %%
frame = any_frame(MY_FILE, missing="drop")
own_classes = frame.attrs[
    "own_classes"
]  # the tasks have no class in common: each gets a head of its own
print("classes:", *frame.attrs["label_names"], "| tasks:", *frame.attrs["task_names"])
frame.head(3)

# %% [markdown]
# ## The comparison
#
# Five times the rows are dealt to training, validation and test. Each strategy learns from the training rows, chooses its
# penalty on the validation rows, and is scored once on the test rows. *Majority class* reads nothing: whoever does not
# beat it has learnt nothing.
#
# *When to doubt it:* five draws are few; take 20 for a result that you act on. All draws deal the same rows, so more draws
# cannot replace more rows. New texts from another time or place may be different from all of these.

# %%
strategies = ["RAG", "full sharing", "independent", "majority class"]
table = rt.compare(frame, seeds=5, strategies=strategies, progress=False)
means, differences = rt.summary(table), rt.paired(table)
answer = verdict(means, differences)
ax = plots.comparison(means)
plots.show(ax, alt=f"Mean accuracy of each strategy and its 95 % interval. {answer}")
print(answer)

# %% [markdown]
# ## What the differences mean
#
# Two strategies met the same rows in every draw, so their difference is known better than either score. If the interval
# holds 0, these draws cannot tell the two apart; that is not the same as "they are equal".

# %%
for row in differences.itertuples():
    print(f"RAG minus {row.strategy}: {in_words(row)}")
ax = plots.differences(differences)
plots.show(ax, alt="The differences that are printed above, each with its interval.")

# %% [markdown]
# ## How much to share, by hand
#
# Left of the slider every task has its own model, right of it one model serves all. Choose a sentence, and see how each of
# your tasks reads it.
#
# *When to doubt it:* the curves are from one split. A bump that is as large as a few test sentences is chance.

# %%
explorer = (
    None
    if own_classes or len(frame.attrs["task_names"]) < 2
    else rt.widgets.sharing_slider(frame)
)
explorer if explorer is not None else print(
    "no slider: it takes two tasks or more that share classes"
)

# %% [markdown]
# ## The sentences behind the difference
#
# One split, two lists: where RAG is right and full sharing is wrong, and the reverse. Look for a word that means one thing
# in one task and another elsewhere: such words are what adapters are for.
#
# *When to doubt it:* these sentences were chosen because the answers differ. Count how many there are in each list before
# you believe a story about them.

# %%
split = rt.fit_split(frame)
middle, low, high = (100 * x for x in split.difference("RAG", "full sharing"))
print(f"RAG minus full sharing on {len(split.test)} sentences: {middle:+.1f} points")
print(f"95 % interval: {low:+.1f} to {high:+.1f} points")
split.sentences("RAG", "full sharing", most=5).round(2)

# %%
split.sentences("full sharing", "RAG", most=5).round(2)

# %% [markdown]
# ## The model, in a file
#
# The file holds the weights, the words, and the names of your tasks and classes. The table is its accuracy on rows that it
# never saw; the interval says how far the truth may be.

# %%
path = save_split(folder / "model.safetensors", split, "RAG")
split.accuracy("RAG").round(3)

# %%
saved = rt.load(path)
task = saved.model.task_names[0]
sentence = frame.loc[frame["task"] == task, "text"].iloc[0]
logits = saved.logits([sentence], task)[0]  # (n_classes,)
labels = saved.labels[task] if own_classes else saved.labels
print(f"{task}: {sentence!r} is {labels[logits.argmax()]}")

# %% [markdown]
# ## Without a notebook
#
# The same in a terminal, with a page to read and to pass on (`results/report.html`), and a model:
#
# ```
# python -m ragteach look mine.csv
# python -m ragteach compare --data mine.csv --out results/
# python -m ragteach train mine.csv --save model.safetensors
# python -m ragteach predict model.safetensors --task films < sentences.txt
# ```
#
# ## When to doubt all of it
#
# - The labels are taken as true. If people disagree about one text in ten, a score above 90 % means nothing.
# - Accuracy counts every mistake alike. If one class is rare, or one mistake costs a lot, look at macro F1 and at that class.
# - If you try ten settings and keep the best, its score is too good. Decide first what you compare.
# - A clear difference may be too small to matter. Say what difference you would act on, before you look.
