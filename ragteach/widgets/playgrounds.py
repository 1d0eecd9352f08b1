"""The playground: data, graph, penalties and training on one screen, with nothing behind the page.

Enters: nothing.  Leaves: an explorer that makes its sentences, trains and measures in the page, and
``playground_page``, the same as one file that opens from disk: the front door of the course.
"""

from __future__ import annotations

import html
import json
from pathlib import Path

from matplotlib.figure import Figure

from ragteach.data.toy import folder
from ragteach.ground.writing import put
from ragteach.study import plots
from ragteach.widgets.base import Explorer, show, squeeze
from ragteach.widgets.html import fragment
from ragteach.widgets.scores import orders_for_the_page

START = {
    "r": 0.5,  # relatedness
    "n": 40,  # sentences per task
    "noise": 0,
    "seed": 0,
    "own": "",  # a table that was pasted
    "graph": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "lam": 7,  # place on the scale of penalties, 0.001
    "lamS": 7,
    "schedule": 0,
    "optimiser": 0,
    "lr": 3,  # place on the scale of rates, 0.1
    "random": 0,  # 1: a random start
    "at": 0,  # steps of training
    "typed": "",
    "reader": 0,
    "for_class": 0,  # whose weights the words show, where the classes have no order
    "story": -1,
    "stop": 0,
}
MEASURES = (  # what the page measures
    "step", "accuracy", "worst", "J", "lam", "lam_shared", "relatedness", "n_per_task", "edges",
    "adapters", "drift",
)  # fmt: skip
TITLE = "The playground: shared weights and adapters"
ABOUT = "Change anything: the page trains anew while you watch. Or follow a story."


def playground(goal: dict[str, str] | None = None) -> Explorer:
    """Data, graph, penalties, schedule and optimiser on one screen; the page trains as you watch.

    Four tasks of toy reviews, or a table of your own that you paste. Connect tasks and adapters,
    set the prices lambda and lambda_s, and see accuracy, words, one sentence and the tasks' pulls
    while training goes on. Five guided stories. "Copy as code" gives Python with the same numbers.

    Args:
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures: ``step``;
            ``accuracy`` on new sentences (the tasks' mean), ``worst`` the lowest task's; ``J``;
            ``lam`` and ``lam_shared``; ``relatedness``; ``n_per_task``; ``edges`` and ``adapters``,
            how many; ``drift`` of W_s minus the adapters' sum since step 0.

    Returns:
        The explorer. It needs no kernel: a saved notebook and a page on disk train all the same.

    Reference: lessons 00 to 06.

    Example:
        >>> w = playground()  # doctest: +SKIP
    """
    return show("playgrounds", {}, _spec(page=False), _twin(), goal, known=MEASURES)


# A page that frames this one gives it the height it has, so that nothing is cut off.
TELL_HEIGHT = """
if (parent !== window) {
  document.body.style.padding = 0;
  new ResizeObserver(() => parent.postMessage({ playground: document.body.offsetHeight }, "*"))
    .observe(document.body);
}
"""


def playground_page(path: str | Path) -> Path:
    """Write the playground as one HTML file that needs no connection; returns its path."""
    saved = {
        "kind": "playgrounds",
        "spec": {**_spec(page=True), "layout": {}},
        "block": squeeze(b"", {}),
    }
    body = fragment(saved, 0, set())
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="{html.escape(ABOUT)}">
<title>{html.escape(TITLE)} · ragteach</title>
<style>
  body {{ margin: 0; padding: 12px; }}
  main {{ max-width: 1120px; margin: auto; }}
  @media (prefers-color-scheme: dark) {{ body {{ background: #0d0f12; color: #e8eaed; }} }}
  p {{ font: 14px/1.5 system-ui, sans-serif; max-width: 70ch; }}
</style>
</head>
<body>
<main>
{body}
<noscript><p>The playground needs JavaScript. The lessons can be read without.</p></noscript>
</main>
<script>{TELL_HEIGHT}</script>
</body>
</html>
"""
    return put(path, page.encode())


def _spec(*, page: bool) -> dict:
    lexicon = folder("toy_sentiment") / "lexicon.json"
    return {
        "title": TITLE,
        "about": ABOUT,
        "alt": "Four tasks, each served by the shared weights and by an adapter of its own. The "
        "live explorer trains this model in the page.",
        "colors": plots.CYCLE[0][:6],
        "lexicon": json.loads(lexicon.read_text(encoding="utf-8")),
        "orders": orders_for_the_page(),
        "start": START,
        "page": page,
    }


def _twin() -> Figure:
    """The static figure: the graph that the playground begins with."""
    figure = Figure(figsize=(4.2, 2.8), layout="constrained")
    ax = figure.subplots()
    tasks = ["films", "cars", "food", "phones"]
    for t, task in enumerate(tasks):
        color = plots.CYCLE[0][t]
        marker = plots.CYCLE[1][t]
        ax.plot([0, 1], [-t, -t], color=color, marker=marker)
        ax.text(-0.06, -t, task, ha="right", va="center")
        ax.text(1.06, -t, f"W_s + A{t + 1}", ha="left", va="center")
    ax.set_xlim(-0.6, 1.8)
    ax.set_axis_off()
    return figure
