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
#
# Columns of other names, several label columns, and slips in names have a place below.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import ragteach as rt
from ragteach.data.frames import any_frame
from ragteach.integrations.training import save_split
from ragteach.study import plots
from ragteach.study.by_task import by_task, draw_by_task
from ragteach.widgets.report import in_words

folder = Path(tempfile.mkdtemp())
example = rt.make_toy(relatedness=0.5, n_per_task=120, seed=1)
example["label"] = [rt.LABELS[label] for label in example["label"]]
example.to_csv(folder / "example.csv", index=False)

# %% [markdown]
# ## The one line to change
#
# Write the path of your file between quotes, for example `MY_FILE = "mine.csv"`: CSV (also with `;` or tabs, in UTF-8 or UTF-16),
# JSON lines, Excel or Parquet. The example is the course's toy reviews.
#
# The other lines are for when your file needs them. `COLUMNS` names columns that are not found by themselves: what was taken for
# what is printed below. With one label column for each task it is `{"text": "review", "label": ["mood", "topic"]}`.
# `CHANGES` mends names, in the words of the look below: `{"rename_labels": {"5 stars": "5"}, "drop_tasks": ["Bokshop"]}`.

# %%
MY_FILE = folder / "example.csv"  # <- your file here

COLUMNS = {}  # such as {"text": "review", "label": "stars", "task": "shop"}
CHANGES = {}  # such as {"rename_tasks": {"Bokshop": "Bookshop"}}
LEAST_ROWS = 10  # tasks with fewer rows are left out: too few to train, choose and test

# %% [markdown]
# ## A look, before any model
#
# The table of findings begins with what needs you: slips in names, contradictory labels, tasks that are too small.
# Each finding ends with what to do. Shares come with 95 % intervals, because few rows know little.
#
# *When to doubt it:* near-twins and shared words are measured on a sample in large files; the report says so where it is so.
# A look cannot see whether the labels are right. Read twenty of your rows yourself.

# %%
rt.look(MY_FILE, **COLUMNS)

# %% [markdown]
# ## What is compared
#
# Rows without a text, label or task are left out, and so are tasks with fewer than `LEAST_ROWS` rows. Here is what became of
# your rows; if it is not what you meant, change the lines above and run again.

# %%
table = rt.mend(MY_FILE, **COLUMNS, **CHANGES, least_rows=LEAST_ROWS)
frame = any_frame(table, missing="drop")
own_classes = frame.attrs["own_classes"]  # tasks without a class in common
tasks, classes = frame.attrs["task_names"], frame.attrs["label_names"]

gone = frame.attrs.get("left_out")
if gone:
    print(
        f"{gone['rows']} rows left out, without: text {gone['text']}, label {gone['label']}, task {gone['task']}"
    )
for change in frame.attrs.get("mended", []):
    print(change)
print(
    f"{len(frame)} rows | tasks: {', '.join(tasks[:20])}{' ...' if len(tasks) > 20 else ''}"
)
print(f"classes: {', '.join(classes[:20])}{' ...' if len(classes) > 20 else ''}")
if own_classes:
    print(
        "The tasks have no class in common: each gets a head of its own, and what they share lies under the heads."
    )
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
scores = rt.compare(frame, seeds=5, strategies=strategies, progress=False)
advice = rt.advise(scores)
ax = plots.comparison(rt.summary(scores))
plots.show(ax, alt=f"Mean accuracy of each strategy and its 95 % interval. {advice}")
print(advice)

# %% [markdown]
# ## What the differences mean
#
# Two strategies met the same rows in every draw, so their difference is known better than either score. If the interval
# holds 0, these draws cannot tell the two apart; that is not the same as "they are equal".
#
# The second picture has each task by itself: a mean may hide that sharing helps some tasks and hurts others. *When to doubt it:*
# a task alone has few test rows, and of many tasks one in twenty seems clear by luck.

# %%
used, rival = advice.strategy, advice.rival
differences = rt.paired(scores, reference=used)
for row in differences.itertuples():
    print(f"{used} minus {row.strategy}: {in_words(row, used)}")
ax = plots.differences(differences, reference=used)
plots.show(ax, alt="The differences that are printed above, each with its interval.")

# %%
each = by_task(scores, used, rival)
largest = frame["task"].value_counts().index.tolist()
figure, ax = plt.subplots(
    figsize=(7, 0.36 * min(len(each), 20) + 1.7), layout="constrained"
)
draw_by_task(each, largest, ax)
plots.show(
    ax,
    alt=f"Accuracy on each task (of many, the 20 largest) with {used} and with {rival}; the table has the numbers.",
)
each.round(3)

# %% [markdown]
# ## How much to share, by hand
#
# Left of the slider every task has its own model, right of it one model serves all. Choose a sentence, and see how each of
# your tasks reads it.
#
# *When to doubt it:* the curves are from one split. A bump that is as large as a few test sentences is chance.

# %%
if own_classes or len(tasks) < 2:
    explorer = None
    print("No slider: it takes two tasks or more that share classes.")
else:
    shown = frame[frame["task"].isin(largest[:6])]  # six lines that colours tell apart
    explorer = rt.widgets.sharing_slider(shown)
    if len(tasks) > 6:
        print(f"The slider shows the 6 largest of {len(tasks)} tasks.")
explorer

# %% [markdown]
# ## The sentences behind the difference
#
# One split, two lists: where the strategy that is advised is right and its rival wrong, and the reverse. Look for a word that means one thing
# in one task and another elsewhere: such words are what adapters are for.
#
# *When to doubt it:* these sentences were chosen because the answers differ. Count how many there are in each list before
# you believe a story about them.

# %%
split = rt.fit_split(frame)
middle, low, high = (100 * x for x in split.difference(used, rival))
print(f"{used} minus {rival} on {len(split.test)} sentences: {middle:+.1f} points")
print(f"95 % interval: {low:+.1f} to {high:+.1f} points")
split.sentences(used, rival, most=5).round(2)

# %%
split.sentences(rival, used, most=5).round(2)

# %% [markdown]
# ## The model, in a file
#
# The file holds the weights, the words, and the names of your tasks and classes. The table is its accuracy on rows that it
# never saw; the interval says how far the truth may be; sentences that are nearly the same count as one in it (`counted`).

# %%
path = save_split(folder / "model.safetensors", split, used)
print(
    f"{used}, of one split, with its own test rows: not the mean over draws and tasks above"
)
split.accuracy(used).round(3)

# %%
saved = rt.load(path)
task = saved.model.task_names[0]
sentence = frame.loc[frame["task"] == task, "text"].iloc[0]
logits = saved.logits([sentence], task)[0]  # (n_classes,)
names = saved.labels[task] if own_classes else saved.labels
print(f"{task}: {sentence!r} is {names[logits.argmax()]}")

# %% [markdown]
# ## Without a notebook
#
# The same in a terminal, with a page to read and to pass on (`results/report.html`), and a model:
#
# ```
# python -m ragteach look mine.csv
# python -m ragteach compare --data mine.csv --missing drop --out results/
# python -m ragteach train mine.csv --missing drop --save model.safetensors
# python -m ragteach predict model.safetensors --task films < sentences.txt
# ```
#
# Columns and changes are options there: `--text review --label stars --task shop --rename-label "5 stars=5" --least-rows 10`. For
# `predict`, `--task` is the name of the task whose sentences these are.
#
# ## When to doubt all of it
#
# - The labels are taken as true. If people disagree about one text in ten, a score above 90 % means nothing.
# - Accuracy counts every mistake alike. If one class is rare, or one mistake costs a lot, look at macro F1 and at that class.
# - If you try ten settings and keep the best, its score is too good. Decide first what you compare.
# - A clear difference may be too small to matter. Say what difference you would act on, before you look.
