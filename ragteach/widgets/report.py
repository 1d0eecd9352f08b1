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
import warnings
from importlib.metadata import version
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ragteach.data.asked import asked_frame
from ragteach.data.files import load_article
from ragteach.data.human import load_human
from ragteach.data.look_views import html_table
from ragteach.data.looking import Look, look
from ragteach.data.toy import make_toy
from ragteach.data.writing import write
from ragteach.errors import RagteachError
from ragteach.integrations.training import save_split
from ragteach.study import plots
from ragteach.study.commands import after_the_draws
from ragteach.study.experiment import SIZES, STRATEGIES, paired, summary
from ragteach.study.fonts import readable
from ragteach.study.one_split import Split, fit_split
from ragteach.widgets.html import fragment
from ragteach.widgets.sharing import sharing_slider

STATIC = Path(__file__).resolve().parent
MOST_BYTES = 3_000_000
SLIDER_BYTES = 2_000_000
STEPS = (61, 41, 31, 25, 21, 17, 13, 9)  # of lambda; the most that fit
FOLD_ABOVE = 16  # rows of a table of tasks
SLIDER_TASKS = 6
SENTENCES = 8
MOST_ROWS = 20_000  # of the split that the page shows
PACKAGES = ("ragteach", "torch", "numpy", "scipy", "scikit-learn", "pandas")
# Nothing may be fetched from anywhere: what the page shows lies in the page.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def run_report(options: argparse.Namespace, table: pd.DataFrame, folder: Path) -> None:
    """The end of the command ``compare``: its report into the run's folder, from the command's
    options and its table.
    """
    data = options.data
    knobs = {} if options.relatedness is None else {"relatedness": options.relatedness}
    largest = int(table["n_per_task"].max())
    if data == "toy":
        frame = make_toy(n_per_task=max(20, round(largest / 0.6)), **knobs)
    elif data in SIZES:
        frame = {"human": load_human, "article": load_article}[data]()
    else:
        frame = asked_frame(data, options)
    name = data if data in SIZES else Path(data).name
    command = _command(options)
    latest = folder.parent / "report.html"  # the last run's, where one looks for it
    with after_the_draws(options.out):
        written = write_report(folder, table, frame, name, command, options.max_words)
        written.append(write(latest, (folder / "report.html").read_bytes()))
    for path in written:
        print(f"Wrote {path}")


def _command(options: argparse.Namespace) -> str:
    """The command line that does the same again."""
    words = ["--data", options.data]
    for column in ("text", "label", "task", "encoding", "separator"):
        given = getattr(options, column) or []
        for name in [given] if isinstance(given, str) else given:
            words += [f"--{column}", name]
    words += ["--missing", options.missing] if options.missing != "ask" else []
    words += ["--seeds", options.seeds]
    if options.n_per_task:
        words += ["--n-per-task", *options.n_per_task]
    if options.relatedness is not None:
        words += ["--relatedness", options.relatedness]
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
    notes = ()
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
            "ragteach train.",
        )
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            split = fit_split(frame, max_words=max_words)
        notes += tuple(str(warning.message) for warning in said)
    except RagteachError as error:
        split = None
        notes = (
            f"There is no slider and no model: the rows could not be split once more ({error}).",
        )
    written = []
    if split is not None:
        written.append(save_split(folder / "model.safetensors", split, "RAG", data=name))
    path = str(folder / "model.safetensors")
    page = report(table, found, split, command, path, notes)
    written.append(write(folder / "report.html", page.encode("utf-8")))
    return written


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
    means, differences = summary(table), paired(table)
    at_size = means[means["n_per_task"] == size]
    gaps = differences[differences["n_per_task"] == size].reset_index(drop=True)
    other = at_size.loc[at_size["strategy"].isin(["full sharing", "independent"]), "strategy"]
    other = other.iloc[0]  # the better of the two: summary puts the best first
    sections = [
        ("comparison", "The comparison", _comparison(at_size, gaps, size)),
        ("curve", "With more sentences", _curve(means)),
        ("slider", "How much to share, by hand", split and _slider(split)),
        ("sentences", "The sentences behind the difference", split and _sentences(split, other)),
        ("look", "A look at the data", found._repr_html_()),
        ("model", "The model, to use", split and _model(split, model_path)),
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
<p class="soft">{found.n_rows:,} rows, {len(found.tasks)} tasks, {len(found.classes)} classes; \
{table["seed"].nunique()} draws. Made by ragteach {version("ragteach")}.</p>
<p class="answer">{html.escape(verdict(at_size, gaps))}</p>
<nav aria-label="On this page"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
</body>
</html>
"""


def verdict(means: pd.DataFrame, gaps: pd.DataFrame) -> str:
    """The answer in two sentences.

    Args:
        means: of `summary`, one size. gaps: of `paired`, the same size.
    """
    rows = gaps[gaps["strategy"].isin(["full sharing", "independent"])]
    best = means.iloc[0]
    first = f"Best on average: {best['strategy']}, right in {best['mean']:.1%} of new sentences."
    if rows["low"].isna().any():
        return (
            f"{first} One draw has no interval: take at least five (--seeds 5) before you decide."
        )
    better = rows.loc[rows["verdict"] == "better", "strategy"].tolist()
    worse = rows.loc[rows["verdict"] == "worse", "strategy"].tolist()
    if len(better) == len(rows):
        second = (
            "Sharing part of the weights (RAG) clearly pays here, against sharing all and none."
        )
    elif worse:
        second = f"RAG is clearly worse than {' and '.join(worse)} here: use that."
    elif better:
        rest = [name for name in rows["strategy"] if name not in better]
        second = (
            f"RAG is clearly better than {' and '.join(better)}, and not clearly different from "
            f"{' and '.join(rest)}: the simpler of the two will do."
        )
    else:
        second = (
            "These draws show no clear difference between RAG, full sharing and independent "
            "models: choose the simplest, or collect more."
        )
    return f"{first} {second}"


def in_words(row, metric: str = "accuracy") -> str:
    """What one paired difference means."""
    gap, low, high = (100 * value for value in (row.difference, row.low, row.high))
    if np.isnan(low):
        return f"{gap:+.1f} points in the only draw: an interval needs two draws at least."
    span = f"95 % interval {low:+.1f} to {high:+.1f} points"
    if row.verdict == "better":
        return (
            f"RAG is right more often, by {gap:.1f} points ({span}): clear, since 0 lies outside."
        )
    if row.verdict == "worse":
        return (
            f"RAG is right less often, by {-gap:.1f} points ({span}): clear, since 0 lies outside."
        )
    most = max(abs(low), abs(high))
    return (
        f"{gap:+.1f} points ({span}): not clear, since 0 lies inside. A true difference of up to "
        f"{most:.1f} points would fit these draws too."
    )


def _comparison(means: pd.DataFrame, gaps: pd.DataFrame, size) -> str:
    shown = pd.DataFrame(
        {
            "strategy": means["strategy"],
            "accuracy": [f"{v:.1%}" for v in means["mean"]],
            "95 % interval": [_span(r.low, r.high) for r in means.itertuples()],
            "trained weights": [f"{n:,}" for n in means["n_params"]],
        }
    )
    words = pd.DataFrame(
        {"RAG minus": gaps["strategy"], "what it means": [in_words(r) for r in gaps.itertuples()]}
    )
    figure, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    plots.comparison(means, ax)
    ax.set_title(f"Accuracy on new sentences, {size} training sentences per task", loc="left")
    listed = "; ".join(f"{r.strategy} {r.mean:.1%}" for r in means.itertuples())
    picture = _figure(figure, f"Mean accuracy of each strategy with its 95 % interval: {listed}.")
    return (
        (
            "<p>Every strategy saw the same training sentences, chose its penalty on the same "
            "validation sentences, and was scored once on sentences that chose nothing. Accuracy "
            "is the mean over tasks, so a small task counts as much as a large one.</p>\n"
        )
        + html_table(shown, f"Accuracy with {size} training sentences per task")
        + (
            "\n<p>Two strategies are compared draw by draw: both meet the same easy and hard "
            "sentences, so their difference is known better than either score.</p>\n"
        )
        + html_table(words, "Differences, paired by draw, and their meaning")
        + f"\n{picture}"
    )


def _curve(means: pd.DataFrame) -> str:
    if means["n_per_task"].nunique() < 2:
        return ""
    means = means[means["strategy"].isin(STRATEGIES)]
    figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    plots.learning_curves(means, ax)
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
        + _figure(figure, alt)
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
        "tasks; if validation and test disagree, the file is small.</p>\n"
    )
    steps = STEPS[0]
    while True:
        explorer = sharing_slider(tuple(chosen), lam=0.001 * np.logspace(-2, 2, steps))
        piece = fragment(explorer.saved(), 0, set())
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


def _sentences(split: Split, other: str) -> str:
    parts = [
        f"<p>From one split of the data ({len(split.test):,} test sentences), the surest answers "
        "first, in turn from every task. They show what a difference is made of. They do not prove "
        "it: the two lists are chosen because the answers differ.</p>"
    ]
    for right, wrong in (("RAG", other), (other, "RAG")):
        n = int((split.right(right) & ~split.right(wrong)).sum())
        parts.append(f"<h3>{right} is right, {wrong} is wrong: {n} of {len(split.test):,}</h3>")
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


def _model(split: Split, path: str) -> str:
    table = split.accuracy("RAG")
    shown = pd.DataFrame(
        {
            "task": table["task"],
            "test sentences": table["n"],
            "accuracy": [
                f"{v:.1%}" if n else "–" for v, n in zip(table["accuracy"], table["n"], strict=True)
            ],
            "95 % interval": [_span(r.low, r.high) if r.n else "–" for r in table.itertuples()],
        }
    )
    fitted = split.fitted["RAG"]
    task = split.task_names[0]
    shell = (
        f"python -m ragteach predict {shlex.quote(path)} --task {shlex.quote(task)} < sentences.txt"
    )
    labels = f"saved.labels[{task!r}]" if split.own_classes else "saved.labels"
    code = (
        "import ragteach as rt\n\n"
        f"saved = rt.load({path!r})\n"
        f"logits = saved.logits(['a sentence of yours'], {task!r})\n"
        f"print({labels}[logits[0].argmax()])"
    )
    return (
        f"<p><code>{html.escape(path)}</code> is the RAG model of one split: trained on "
        f"{len(split.train):,} sentences, lambda = {fitted.lam:.3g} and lambda_shared = "
        f"{fitted.lam_shared:.3g} chosen on {len(split.val):,}. The table is its accuracy on "
        f"{len(split.test):,} others.</p>\n"
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
        f"{table['strategy'].nunique()} strategies were compared: with many looks, one may seem "
        "clear by luck. Trust the comparison you planned, and repeat a surprise on new data.",
        "Your labels are taken as true. If people disagree about one sentence in ten, no score "
        "above 90 % means anything.",
    ]
    if (table["data"] != "toy").all():
        said.insert(
            1,
            "All draws deal the same rows anew, and share sentences. More draws make the chance of "
            "dealing smaller, not the chance of having collected these rows.",
        )
    if table["seed"].nunique() < 5:
        said.insert(
            0, f"{table['seed'].nunique()} draws are few: take ten or more before you decide."
        )
    act = [finding for finding in found.findings if finding.weight == "act"]
    said = [f"The look found: {f.what}. What to do: {f.do}." for f in act] + [*notes, *said]
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in said) + "</ul>"


def _figure(figure, alt: str) -> str:
    image = io.BytesIO()
    readable(figure)
    figure.savefig(image, format="png", dpi=144, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(image.getvalue()).decode()
    words = html.escape(alt)
    return (
        f'<figure><img alt="{words}" src="data:image/png;base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _span(low: float, high: float) -> str:
    return "–" if np.isnan(low) else f"{low:.1%} to {high:.1%}"
