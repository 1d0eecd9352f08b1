"""The report of a comparison: one page that opens from disk and explains what it shows.

Enters: the table of `compare`, the data, one split of them.  Leaves: ``report.html``, a single file
without a network: pictures, numbers and the sharing slider lie in it.

Every sentence on the page is made from the numbers beside it, in the names of your tasks, classes
and columns. A page that would pass 3 MB gets a slider with fewer steps, or none, and says so.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import platform
import shlex
import textwrap
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from ragteach.data.files import load_article
from ragteach.data.naming import number_of
from ragteach.data.sources.human import load_human
from ragteach.data.splits import split_frame
from ragteach.data.survey.look_views import counted, html_table
from ragteach.data.survey.looking import Look, look
from ragteach.data.toy import make_toy
from ragteach.data.wild.asked import asked_frame
from ragteach.data.wild.columns import ROLES
from ragteach.errors import RagteachError
from ragteach.ground.writing import write
from ragteach.integrations.training import save_split
from ragteach.study import plots
from ragteach.study.advice import NOTHING, Advice, advise
from ragteach.study.by_task import MOST_TASKS, by_task, draw_by_task
from ragteach.study.commands import after_the_draws
from ragteach.study.experiment import SIZES, STRATEGIES, paired, summary
from ragteach.study.fonts import readable
from ragteach.study.one_split import Split, fit_split
from ragteach.study.scores import ERROR
from ragteach.study.tables import ESTIMAND, INTERVALS, RESPLIT
from ragteach.widgets.base import Explorer
from ragteach.widgets.html import fragment
from ragteach.widgets.sharing import sharing_slider

STATIC = Path(__file__).resolve().parent
MOST_BYTES = 3_000_000
SLIDER_BYTES = 2_000_000
WIDE = 8.0  # inches of a picture on a wide page
NARROW = 4.2  # and on a telephone
STEPS = (61, 41, 31, 25, 21, 17, 13, 9)  # of lambda; the most that fit
FOLD_ABOVE = 16  # rows of a table of tasks
SLIDER_TASKS = 6
SLIDER_SHARED = 0.001  # its lambda_shared
SENTENCES = 8
MOST_ROWS = 20_000  # of the split that the page shows
PACKAGES = ("ragteach", "torch", "numpy", "scipy", "scikit-learn", "pandas")
EQUAL = (
    "“Equal parameters” means as many trained weights as RAG has, (tasks + 1) x classes x words: "
    "RAG has more weights than the others, and might lead for that alone. So these two get more to "
    "read, the most frequent pairs and triples of words (without spaces: runs of four and five "
    "letters), until they have as many, or until there are no more. They are to measure by: where "
    "one of them leads, phrases may help, and how much is shared may matter less."
)
# Says of what is wider than its place that it can be moved; the keyboard reaches it anyway.
SIDEWAYS = """\
const say = () => document.querySelectorAll(".wide").forEach((box) => {
  let word = box.previousElementSibling;
  if (!word || !word.classList.contains("sideways")) {
    word = document.createElement("p");
    word.className = "sideways";
    word.textContent = "The table goes on to the right: move it sideways.";
    box.before(word);
  }
  word.hidden = box.scrollWidth <= box.clientWidth + 1;
});
say();
addEventListener("resize", say);
document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", say));
"""
# Nothing may be fetched from anywhere: what the page shows lies in the page.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def run_report(
    options: argparse.Namespace,
    table: pd.DataFrame,
    folder: Path,
    frame: pd.DataFrame | None = None,
) -> None:
    """The end of the command ``compare``: its report into the run's folder, from the command's
    options, its table, and the frame of a file of your own.
    """
    data = options.data
    knobs = {} if options.relatedness is None else {"relatedness": options.relatedness}
    largest = int(table["n_per_task"].max())
    if data == "toy":
        frame = make_toy(n_per_task=max(20, round(largest / 0.6)), **knobs)
    elif data == "human":
        frame = load_human()
    elif data == "article":
        frame = load_article()
    elif frame is None:
        frame = asked_frame(data, options)
    name = data if data in SIZES else Path(data).name
    command = _command(options)
    latest = folder.parent / "report.html"  # the last run's, where one looks for it
    others = [path for path in folder.parent.glob("*/report.html") if path.parent != folder]
    with after_the_draws(options.out):
        written = write_report(folder, table, frame, name, command, options.max_words)
        written.append(write(latest, (folder / "report.html").read_bytes()))
    for path in written:
        print(f"Wrote {path}")
    if others:
        print(f"{latest} is this run's; other runs have theirs in their own folders:")
        for path in sorted(others):
            print(f"  {path}")


def _command(options: argparse.Namespace) -> str:
    """The command line that does the same again."""
    words = ["--data", options.data]
    for column in ("text", "label", "task", "encoding", "separator", "sheet"):
        given = getattr(options, column, None) or []
        for name in [given] if isinstance(given, str) else given:
            words += [f"--{column}", name]
    for name in ("rename_label", "rename_task", "drop_label", "drop_task"):
        for given in getattr(options, name, None) or []:
            words += ["--" + name.replace("_", "-"), given]
    analyzer = getattr(options, "analyzer", None)
    words += [] if analyzer is None else ["--analyzer", analyzer]
    words += ["--no-quotes"] if getattr(options, "no_quotes", False) else []
    least = getattr(options, "least_rows", None)
    words += [] if least is None else ["--least-rows", least]
    cut = getattr(options, "cut", None)
    words += [] if cut is None else ["--cut", cut]
    words += ["--as-classes"] if getattr(options, "as_classes", None) else []
    if getattr(options, "label_order", None):
        words += ["--label-order", *options.label_order]
    for name in getattr(options, "real_labels", None) or []:
        words += ["--real-label", name]
    words += ["--missing", options.missing] if options.missing != "ask" else []
    words += ["--seeds", options.seeds]
    if options.n_per_task:
        words += ["--n-per-task", *options.n_per_task]
    if options.relatedness is not None:
        words += ["--relatedness", options.relatedness]
    if getattr(options, "strategies", None):
        words += ["--strategies", *options.strategies]
    if options.max_words is not None:
        words += ["--max-words", options.max_words]
    words += ["--out", options.out]
    return shlex.join(["python", "-m", "ragteach", "compare", *map(str, words)])


def write_report(
    folder: Path,
    table: pd.DataFrame,
    frame: pd.DataFrame,
    name: str,
    command: str,
    max_words: int | None = None,
) -> list[Path]:
    """Write ``report.html`` and ``model.safetensors`` into a folder.

    Args:
        folder: exists. table: of `compare`.
        frame: the data that were compared, columns text, label, task.
        name: what to call them. command: what to type to get all this again.
        max_words: of the models, as in `compare`.

    Returns:
        What was written.
    """
    found = look(frame)
    found.name = name
    advice = advise(table)
    notes: tuple[str, ...] = ()
    if len(frame) > MOST_ROWS:
        attrs = dict(frame.attrs)
        frame = frame.groupby("task", group_keys=False, sort=False).sample(
            frac=MOST_ROWS / len(frame), random_state=0
        )
        frame = frame.reset_index(drop=True)
        frame.attrs = attrs
        notes = (
            f"The slider, the sentences and the saved model come from a sample of {len(frame):,} "
            "rows, so that this page is made in minutes. For a model of all rows: python -m "
            f"ragteach train --strategy {shlex.quote(advice.strategy)}.",
        )
    frame, small = _splittable(frame)
    if small:
        notes += (
            f"{counted(small, 'task')} too small to be split once more, "
            f"{', '.join(map(repr, small[:SENTENCES]))}{' ...' if small[SENTENCES:] else ''}: the "
            "slider, the sentences and the saved model are made without.",
        )
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            names = dict.fromkeys([*STRATEGIES, advice.strategy])
            split: Split | None = fit_split(frame, strategies=list(names), max_words=max_words)
        notes += tuple(str(warning.message) for warning in said)
    except RagteachError as error:
        split = None
        notes = (
            f"There is no slider and no model: the rows could not be split once more ({error}).",
        )
    written = []
    if split is not None:
        written.append(save_split(folder / "model.safetensors", split, advice.strategy, data=name))
    path = str(folder / "model.safetensors")
    page = report(table, found, split, command, path, notes)
    written.append(write(folder / "report.html", page.encode("utf-8")))
    return written


def _splittable(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of tasks of which something is left to choose by, and the names of the others."""
    try:
        with warnings.catch_warnings():  # `fit_split` says it again
            warnings.simplefilter("ignore")
            _, val, _ = split_frame(frame)
    except RagteachError:  # none can be split: `fit_split` says so
        return frame, []
    there = frame["task"].isin(val["task"])
    kept = frame[there].reset_index(drop=True)
    kept.attrs = dict(frame.attrs)
    return kept, list(frame["task"][~there].unique())


def report(
    table: pd.DataFrame,
    found: Look,
    split: Split | None,
    command: str,
    model_path: str = "model.safetensors",
    notes: tuple[str, ...] = (),
) -> str:
    """The page as a string of HTML.

    Args:
        table: of `compare`.
        found: the look at the data that were compared.
        split: of the same data, with the strategies RAG, full sharing and independent; None leaves
            out what needs one.
        command: what to type to get all this again.
        model_path: where the model of the split lies, as the reader will find it.
        notes: more reasons to doubt, in sentences.
    """
    size = table["n_per_task"].max()
    means = summary(table)
    advice = advise(table)
    mean = means[means["n_per_task"] == size].set_index("strategy")["mean"][advice.strategy]
    overall = (
        f"The comparison at the top has {mean:.1%} for {advice.strategy}: the mean over "
        f"{counted(table['seed'].unique(), 'draw')}, in which every task counts alike."
    )
    span = _span_of_all(means, table)
    sections = [
        ("comparison", "The comparison", _comparison(table, advice, size, _unit(found), span)),
        ("tasks", "Task by task", _tasks(table, advice, found, span)),
        ("curve", "With more sentences", _curve(means, span)),
        ("slider", "How much to share, by hand", split and _slider(split)),
        ("sentences", "The sentences behind the difference", split and _sentences(split, advice)),
        ("look", "A look at the data", found._repr_html_()),
        (
            "model",
            "The model, to use",
            split and _model(split, advice.strategy, overall, model_path),
        ),
        ("repeat", "To repeat it", _repeat(table, split, command)),
        ("doubt", "When to doubt this page", _doubt(table, found, notes)),
    ]
    sections = [section for section in sections if section[2]]
    title = f"{found.name}: should its tasks share weights?"
    links = "".join(f'<li><a href="#{key}">{name}</a></li>' for key, name, _ in sections)
    body = "\n".join(f'<h2 id="{key}">{name}</h2>\n{text}' for key, name, text in sections)
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{css}</style>
</head>
<body>
<header>
<h1>{html.escape(title)}</h1>
<p class="soft">{html.escape(_about(found))} {counted(table["seed"].unique(), "draw")}. Made by \
ragteach {version("ragteach")}.</p>
<div class="answer">
<p><strong>{html.escape(advice.answer)}</strong></p>
<p>{html.escape(_in_short(means[means["n_per_task"] == size], advice))}</p>
</div>
<nav aria-label="On this page"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
<script>
{SIDEWAYS}</script>
</body>
</html>
"""


def _in_short(means: pd.DataFrame, advice: Advice) -> str:
    """What to use and how good it is, in a line or two: the comparison says the rest."""
    rows = means.set_index("strategy")
    row = rows.loc[advice.strategy]
    use = f"Use {advice.strategy}" + ("" if advice.decided else ", until more is known")
    span = "" if np.isnan(row["low"]) else f" ({_span(row['low'], row['high'])})"
    beside = ""
    if NOTHING in rows.index and advice.strategy != NOTHING:
        beside = f"; saying a task's most frequent class is in {rows['mean'][NOTHING]:.1%}"
    return f"{use}: it is right in {row['mean']:.1%} of new sentences{span}{beside}."


def _span_of_all(means: pd.DataFrame, table: pd.DataFrame) -> tuple[float, float]:
    """The ends of every axis of accuracy on the page, so that pictures can be laid side by side."""
    rows = table[(table["metric"] == "accuracy")]
    tasks = rows.groupby(["strategy", "task", "n_per_task"])["value"].mean()
    low = min(float(means["low"].min()), float(means["mean"].min()), float(tasks.min()))
    high = max(float(means["high"].max()), float(means["mean"].max()), float(tasks.max()))
    edge = 0.02  # room for a mark
    return max(-edge, np.floor(20 * low) / 20 - edge), min(1 + edge, np.ceil(20 * high) / 20 + edge)


def _about(found: Look) -> str:
    """How many rows are compared, and what became of the others."""
    parts = (counted(found.tasks, "task"), counted(found.classes, "class"))
    said = [f"{found.n_rows:,} rows, {parts[0]}, {parts[1]}."]
    if found.left_out:
        lacking = [
            f"{found.left_out[role]:,} without {role}" for role in ROLES if found.left_out[role]
        ]
        verb = "row was" if found.left_out["rows"] == 1 else "rows were"
        said.append(f"{found.left_out['rows']:,} more {verb} left out: {', '.join(lacking)}.")
    said += [f"{change[0].upper()}{change[1:]}." for change in found.mended]
    return " ".join(said)


def _unit(found: Look) -> str:
    """What a mean absolute error counts: stars, or points of whatever the column is called."""
    if any(number_of(name) is None for name in found.classes["label"]):
        return "steps from class to class"
    column = str(found.columns["label"])
    return column if column.casefold() in ("stars", "points") else f"steps of {column!r}"


def _first(name: str) -> str:
    """A strategy's name where a sentence begins."""
    return name[0].upper() + name[1:]


def in_words(row: Any, reference: str = "RAG") -> str:
    """What one paired difference in accuracy means: ``reference`` minus another strategy."""
    gap, low, high = (100 * value for value in (row.difference, row.low, row.high))
    if np.isnan(low):
        return f"{gap:+.1f} points in the only draw: an interval needs two draws at least."
    if low == high == 0:
        return "no difference in any of these draws; how large a true one may be, they cannot say."
    if low == high and row.verdict not in ("better", "worse"):
        return f"{gap:+.1f} points in each of these few draws: too few to tell how draws differ."
    low = max(low, -100)
    high = min(high, 100)
    span = f"95 % interval {low:+.1f} to {high:+.1f} points"
    if row.verdict == "better":
        return (
            f"{_first(reference)} is right more often, by {gap:.1f} points ({span}): clear, since "
            "0 lies outside."
        )
    if row.verdict == "worse":
        return (
            f"{_first(reference)} is right less often, by {-gap:.1f} points ({span}): clear, since "
            "0 lies outside."
        )
    most = max(abs(low), abs(high))
    return (
        f"{gap:+.1f} points ({span}): not clear, since 0 lies inside. A true difference of up to "
        f"{most:.1f} points would fit these draws too."
    )


def _comparison(
    table: pd.DataFrame, advice: Advice, size: int, unit: str, span: tuple[float, float]
) -> str:
    """Every strategy's score, and the advised one against each other one."""
    means = summary(table)
    means = means[means["n_per_task"] == size]
    gaps = paired(table, advice.strategy)
    gaps = gaps[gaps["n_per_task"] == size]
    columns = {
        "strategy": means["strategy"],
        "accuracy": [f"{v:.1%}" for v in means["mean"]],
        "95 % interval": [
            _span(low, high) for low, high in zip(means["low"], means["high"], strict=True)
        ],
        "trained weights": [f"{n:,}" for n in means["n_params"]],
    }
    error = ""
    if (table["metric"] == ERROR).any():
        errors = summary(table, ERROR)
        errors = errors[errors["n_per_task"] == size].set_index("strategy")
        columns[f"mean error ({unit})"] = [
            f"{errors['mean'][name]:.2f}" for name in means["strategy"]
        ]
        error = _errors(table, advice, size, unit)
    heading = f"{_first(advice.strategy)} minus"
    words = [in_words(r, advice.strategy) for r in gaps.itertuples()]
    differences = pd.DataFrame({heading: gaps["strategy"], "what it means": words})

    def draw(ax: Axes) -> None:
        plots.comparison(means, ax)
        ax.set_xlim(*span)
        ax.set_title(f"Accuracy on new sentences, {size} training sentences per task", loc="left")

    listed = "; ".join(f"{r.strategy} {r.mean:.1%}" for r in means.itertuples())
    picture = _twice(draw, 4.2, f"Mean accuracy of each strategy with its 95 % interval: {listed}.")
    caption = f"Accuracy with {size} training sentences per task, mean over draws and tasks"
    kind = (
        " The draws deal the same rows anew and so share sentences: the intervals are widened for "
        "that (the corrected resampled t of Nadeau and Bengio, 2003)."
        if (means["interval"] == INTERVALS[RESPLIT]).any()
        else ""
    )
    more = "".join(f"<li>{html.escape(said)}</li>" for said in advice.sentences)
    equal = means["strategy"].str.contains("equal parameters").any()
    return (
        (f"<ul>{more}</ul>\n" if more else "")
        + "<p>Every strategy saw the same training sentences, chose its penalty on the same "
        "validation sentences, and was scored once on sentences that chose nothing. Accuracy "
        f"is the mean over tasks, so a small task counts as much as a large one. The intervals are "
        f"about {ESTIMAND}.{kind}</p>\n"
        + html_table(pd.DataFrame(columns), caption)
        + (f"\n<p>{EQUAL}</p>" if equal else "")
        + error
        + "\n<p>Two strategies are compared draw by draw: both meet the same easy and hard "
        "sentences, so their difference is known better than either score. Overlapping intervals "
        "above say little; these say what can be told apart.</p>\n"
        + html_table(differences, "Differences, paired by draw, and their meaning")
        + f"\n{picture}"
    )


def _errors(table: pd.DataFrame, advice: Advice, size: int, unit: str) -> str:
    """What an ordered measure says about the advised strategy and its rival."""
    said = (
        f"<p>The classes have an order, so a miss by one is better than a miss by three: the mean "
        f"error counts how far an answer is from the truth, in {html.escape(unit)} (the mean "
        "absolute error; lower is better). The penalties were chosen for probabilities, not for it."
    )
    if advice.rival is not None:
        rows = paired(table, advice.strategy, ERROR)
        row = rows[(rows["n_per_task"] == size) & (rows["strategy"] == advice.rival)].iloc[0]
        said += f" {_first(advice.strategy)} minus {advice.rival}: {row['difference']:+.2f}"
        if row["low"] == row["high"]:
            said += " in every draw, so that how draws differ is not known"
        elif not np.isnan(row["low"]):
            clear = {"better": "clearly lower", "worse": "clearly higher"}.get(row["verdict"])
            said += f" (95 % interval {row['low']:+.2f} to {row['high']:+.2f}), "
            said += clear or "not clear, since 0 lies inside"
        said += "."
    return f"\n{said}</p>"


def _tasks(table: pd.DataFrame, advice: Advice, found: Look, span: tuple[float, float]) -> str:
    """Each task's accuracy with the advised strategy and its rival; of many, the largest."""
    if advice.rival is None or len(found.tasks) < 2:
        return ""
    one = advice.strategy
    other = advice.rival
    scores = by_task(table, one, other)
    if scores.empty:
        return ""
    largest = found.tasks.sort_values("rows", ascending=False, kind="stable")["task"].tolist()
    drawn = min(MOST_TASKS, len(scores))
    ahead = int((scores["difference"] > 0).sum())
    behind = int((scores["difference"] < 0).sum())
    clear = int(((scores["low"] > 0) | (scores["high"] < 0)).sum())
    said = (
        f"{_first(one)} is ahead of {other} in {ahead} of {len(scores)} tasks, and behind in "
        f"{behind}; {clear} of these differences {'is' if clear == 1 else 'are'} clear "
        "on their own. "
    )
    lucky = 0.05 * len(scores)
    chance = f"About {lucky:.0f} of {len(scores)}" if lucky >= 1.5 else "One task in twenty"
    said += f"{chance} would seem clear by luck if there were no difference anywhere."
    if table["seed"].nunique() == 1:
        said = (
            f"{_first(one)} is ahead of {other} in {ahead} of {len(scores)} tasks, in "
            "the only draw."
        )
    same = " (the same in every draw)" if table["seed"].nunique() > 1 else ""
    shown = pd.DataFrame(
        {
            "task": scores["task"],
            one: [f"{v:.1%}" for v in scores[one]],
            other: [f"{v:.1%}" for v in scores[other]],
            "difference, in points": [
                f"{100 * gap:+.1f}"
                + (same if np.isnan(low) else f" ({100 * low:+.1f} to {100 * high:+.1f})")
                for gap, low, high in scores[["difference", "low", "high"]].to_numpy()
            ],
        }
    )
    first = scores.set_index("task").loc[[t for t in largest if t in set(scores["task"])][:drawn]]
    listed = "; ".join(f"{task} {r[one]:.0%} and {r[other]:.0%}" for task, r in first.iterrows())
    most = f"The {drawn} largest of {len(scores)} tasks. " if drawn < len(scores) else ""
    picture = _twice(
        lambda ax: draw_by_task(scores, largest, ax).set_xlim(*span),
        0.36 * drawn + 1.7,
        f"{most}Accuracy with {one} and with {other}: {listed}.",
    )
    table_of_all = html_table(shown, "Each task, mean over draws")
    if len(scores) > FOLD_ABOVE:
        summary_line = f"<summary>Each of {len(scores)} tasks</summary>"
        table_of_all = f"<details>{summary_line}\n{table_of_all}\n</details>"
    return f"<p>{html.escape(said)}</p>\n{picture}\n{table_of_all}"


def _curve(means: pd.DataFrame, span: tuple[float, float]) -> str:
    if means["n_per_task"].nunique() < 2:
        return ""
    means = means[means["strategy"].isin(STRATEGIES)]
    ends = []
    for strategy, rows in means.groupby("strategy", sort=False):
        rows = rows.sort_values("n_per_task")
        ends.append(f"{strategy} from {rows['mean'].iloc[0]:.1%} to {rows['mean'].iloc[-1]:.1%}")
    sizes = sorted(means["n_per_task"].unique())
    alt = (
        f"Accuracy against training sentences per task, {sizes[0]} to {sizes[-1]}: "
        f"{'; '.join(ends)}."
    )
    return (
        "<p>If the curves still rise at the right end, more sentences would help more than another "
        "method. Sharing tends to help most at the left, where each task has few.</p>\n"
        + _twice(lambda ax: plots.learning_curves(means, ax).set_ylim(*span), 4.5, alt)
    )


def _slider(split: Split) -> str:
    """The sharing slider on the largest tasks, with as many steps as the page can hold."""
    if split.own_classes:
        return (
            "<p>These tasks have classes of their own. The slider is for tasks that share "
            "theirs.</p>"
        )
    parts = (split.train, split.val, split.test)
    counts = split.train["task"].value_counts()
    largest = [task for task in split.task_names if task in set(counts.index[:SLIDER_TASKS])]
    if len(largest) < 2:
        return ""
    chosen = [part[part["task"].isin(largest)].reset_index(drop=True) for part in parts]
    for part, whole in zip(chosen, parts, strict=True):
        part.attrs = dict(whole.attrs)
    left = len(split.task_names) - len(largest)
    note = f" Shown are the {len(largest)} largest of {left + len(largest)} tasks." if left else ""
    intro = (
        "<p>Drag from left to right: at the left every task has its own model, at the right one "
        f"serves all.{note} If the curves of accuracy are flat, sharing does not matter for these "
        "tasks; if validation and test disagree, the file is small. It is one split, so that its "
        "accuracies are not the means over draws at the top of this page, and it keeps "
        f"lambda_shared at {SLIDER_SHARED:g}: the lambda that validation marks here is not that of "
        "the saved model below, whose penalties were searched together, for every strategy "
        "anew.</p>\n"
    )
    steps = STEPS[0]
    while True:
        explorer = sharing_slider(
            tuple(chosen), SLIDER_SHARED * np.logspace(-2, 2, steps), SLIDER_SHARED
        )
        piece = fragment(_at_the_chosen(explorer), 0, set())
        if len(piece) <= SLIDER_BYTES:
            return f'{intro}<div class="full ragteach-explorer">{piece}</div>'
        most = steps * SLIDER_BYTES / len(piece)  # a page grows with the number of steps
        fewer = [n for n in STEPS if n <= most]
        if not fewer:
            break
        steps = fewer[0]
    return (
        "<p>The slider on these data would not fit in this page. Open it in a notebook: "
        "<code>rt.widgets.sharing_slider(frame)</code>.</p>"
    )


def _at_the_chosen(explorer: Explorer) -> dict:
    """A sharing slider as it is saved, that begins where validation chose."""
    saved = explorer.saved()
    spec = saved["spec"]
    chosen = explorer.measures()["chosen"]
    start = spec["start"] | {"at": spec["best"], "lam": chosen}
    return saved | {"spec": spec | {"start": start}}


def _sentences(split: Split, advice: Advice) -> str:
    """What the advised strategy gets right and its rival wrong, and the reverse."""
    one = advice.strategy
    other = advice.rival
    if other is None or other not in split.fitted:
        return ""
    parts = [
        f"<p>From one split of the data ({len(split.test):,} test sentences), the surest answers "
        "first, in turn from every task. They show what a difference is made of. They do not prove "
        "it: the two lists are chosen because the answers differ.</p>"
    ]
    for right, wrong in ((one, other), (other, one)):
        n = int((split.right(right) & ~split.right(wrong)).sum())
        parts.append(
            f"<h3>{_first(right)} is right, {wrong} is wrong: {n} of {len(split.test):,}</h3>"
        )
        rows = split.sentences(right, wrong, SENTENCES)
        items = [
            _sentence(dict(zip(rows.columns, row, strict=True)), right, wrong)
            for row in rows.itertuples(index=False, name=None)
        ]
        parts.append(
            '<ul class="sentences">' + "".join(items) + "</ul>" if items else "<p>None.</p>"
        )
    return "\n".join(parts)


def _sentence(row: dict, right: str, wrong: str) -> str:
    text = " ".join(str(row["text"]).split())
    text = text if len(text) <= 300 else text[:299] + "…"
    said = (
        f"{row['task']}: it is {row['truth']}. {right} says {row[right]} "
        f"({row[right + ': how sure']:.0%} sure), {wrong} says {row[wrong]} "
        f"({row[wrong + ': how sure']:.0%} sure)."
    )
    return (
        f'<li><span class="text" dir="auto">{html.escape(text)}</span>'
        f'<span class="said" dir="auto">{html.escape(said)}</span></li>'
    )


def _model(split: Split, strategy: str, overall: str, path: str) -> str:
    """The saved model, which is of the advised strategy: its scores, and how to use it.

    Args:
        overall: what the comparison says of the strategy.
    """
    table = split.accuracy(strategy)
    shown = pd.DataFrame(
        {
            "task": table["task"],
            "test sentences": table["n"],
            "accuracy": [
                f"{v:.1%}" if n else "–" for v, n in zip(table["accuracy"], table["n"], strict=True)
            ],
            "95 % interval": [
                _span(low, high) if n else "–"
                for low, high, n in table[["low", "high", "n"]].to_numpy()
            ],
        }
    )
    fitted = split.fitted[strategy]
    penalties = {
        "full sharing": f"lambda_shared = {fitted.lam_shared:.3g}",
        "full sharing + task bias": f"lambda_shared = {fitted.lam_shared:.3g}",
        "independent": f"lambda = {fitted.lam:.3g}",
    }.get(strategy, f"lambda = {fitted.lam:.3g} and lambda_shared = {fitted.lam_shared:.3g}")
    overall += (
        f" Here is one split, {len(split.test):,} sentences, and its last row counts every "
        "sentence alike. The comparison says how well the strategy does; the table says what is "
        "known of this one file, and its intervals how little that is."
    )
    overall += f" {split.about_counted()}".rstrip()
    task = split.task_names[0]
    said = " ".join(split.train.loc[split.train["task"] == task, "text"].iloc[0].split())[:200]
    shell = (
        f"python -m ragteach predict {shlex.quote(path)} --task {shlex.quote(task)} < sentences.txt"
    )
    labels = f"saved.labels[{task!r}]" if split.own_classes else "saved.labels"
    code = (
        "import ragteach as rt\n\n"
        f"saved = rt.load({path!r})\n"
        f"logits = saved.logits([{said!r}], {task!r})  # your sentences\n"
        f"print({labels}[logits[0].argmax()])"
    )
    return (
        f"<p><code>{html.escape(path)}</code> is the model that this page advises, "
        f"<strong>{strategy}</strong>, of one split: trained on {len(split.train):,} "
        f"sentences, {penalties} chosen on {len(split.val):,}, tested on {len(split.test):,} "
        f"others.</p>\n<p>{html.escape(overall)}</p>\n"
        + _folded(shown, "The saved model on new sentences")
        + (
            "\n<p>In a terminal, one sentence a line (<code>--all</code> for all "
            f"probabilities):</p>\n<pre>{html.escape(shell)}</pre>\n<p>In "
            f"Python:</p>\n<pre>{html.escape(code)}</pre>"
        )
    )


def _folded(table: pd.DataFrame, caption: str) -> str:
    """A table of tasks; of many, all but the last row, which is their sum, are folded away."""
    if len(table) <= FOLD_ABOVE:
        return html_table(table, caption)
    summary = f"<summary>Each of {len(table) - 1} tasks</summary>"
    each = html_table(table.iloc[:-1], caption)
    return f"{html_table(table.iloc[-1:], caption)}\n<details>{summary}\n{each}\n</details>"


def _repeat(table: pd.DataFrame, split: Split | None, command: str) -> str:
    seeds = sorted(int(seed) for seed in table["seed"].unique())
    whole = seeds == list(range(seeds[0], seeds[-1] + 1))
    said = f"{seeds[0]} to {seeds[-1]}" if whole and len(seeds) > 2 else ", ".join(map(str, seeds))
    names = [("Python", platform.python_version())]
    names += [(name, version(name)) for name in PACKAGES]
    versions = pd.DataFrame(names, columns=["package", "version"])
    words = (
        "The same seeds and versions give the same numbers on the same machine; another machine "
        "may differ in the last digits."
    )
    of_split = (
        f" Seed of the split whose sentences and model are on this page: {split.seed}."
        if split
        else ""
    )
    return (
        f"<pre>{html.escape(command)}</pre>\n<p>Seeds of the draws: {said}.{of_split} {words}</p>\n"
        + html_table(versions, "Versions")
    )


def _doubt(table: pd.DataFrame, found: Look, notes: tuple[str, ...]) -> str:
    said = [
        "An interval speaks of draws like these. New sentences from another time, another shop or "
        "another language are not like these.",
        "Accuracy counts every mistake alike. If one class is rare or one mistake costs a lot, "
        "look at macro F1 and at that class.",
        "Your labels are taken as true. If people disagree about one sentence in ten, no score "
        "above 90 % means anything.",
    ]
    strategies = table["strategy"].unique()
    if len(strategies) > 1:
        said.insert(
            2,
            f"{len(strategies)} strategies were compared: with many looks, one may seem clear by "
            "luck. Trust the comparison you planned, and repeat a surprise on new data.",
        )
    if (table["data"] != "toy").all():
        said.insert(
            1,
            "All draws deal the same rows anew, and share sentences. More draws make the chance of "
            "dealing smaller, not the chance of having collected these rows.",
        )
    seeds = table["seed"].unique()
    if len(seeds) < 10:
        are = "is" if len(seeds) == 1 else "are"
        said.insert(
            0,
            f"{counted(seeds, 'draw')} {are} few: take twenty before you decide, or as many as the "
            "top of this page says.",
        )
    topics = dict.fromkeys(f.topic for f in found.findings if f.weight == "act")
    if topics:
        said.insert(
            0,
            f"The look above has something to do first, under {', '.join(topics)}: what it says "
            "there holds for every number on this page.",
        )
    said = [*notes, *said]
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in said) + "</ul>"


def _twice(draw: Callable[[Axes], Any], height: float, alt: str) -> str:
    """A picture as it is drawn for a wide page, and once more for a telephone."""
    images = []
    for wide in (WIDE, NARROW):
        figure, ax = plt.subplots(figsize=(wide, height), layout="constrained")
        draw(ax)
        if wide == NARROW:
            if isinstance(ax.yaxis.get_major_locator(), FixedLocator):  # names, not numbers
                names = [textwrap.fill(text.get_text(), 18) for text in ax.get_yticklabels()]
                ax.set_yticks(ax.get_yticks(), names)
            ax.set_title(textwrap.fill(ax.get_title(loc="left"), 34), loc="left")
            ax.set_xlabel(textwrap.fill(ax.get_xlabel(), 40))
            figure.set_figheight(1.2 * height)
        images.append(_png(figure))
    words = html.escape(alt)
    return (
        f'<figure><picture><source media="(max-width: 40rem)" srcset="{images[1]}">'
        f'<img class="fits" alt="{words}" src="{images[0]}"></picture>'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _png(figure: Figure) -> str:
    """A finished figure as an address that holds it."""
    image = io.BytesIO()
    readable(figure)
    figure.savefig(image, format="png", dpi=144, metadata={"Software": None})
    plt.close(figure)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}"


def _span(low: float, high: float) -> str:
    """An interval that stays in one line."""
    return "–" if np.isnan(low) or low == high else f"{low:.1%}\u00a0to\u00a0{high:.1%}"
