"""How the tests make each explorer: as a learner would (MAKE), and as small as it gets (SMALL)."""

import functools

import ragteach as rt

IMPORT = "import ragteach as rt"
# The map of a table that nobody had to compute.
TABLE = """rt.widgets.who_wins(__import__("pandas").DataFrame([
    {{"strategy": s, "task": "mean", "seed": i, "n_per_task": n, "metric": "accuracy", "relatedness": r,
     "draws": "fresh", "test_per_train": 0.0,
     "value": 0.5 + n / 200 + 0.1 * r * (s == "RAG") + 0.02 * i}}
    for s in ("RAG", "full sharing", "independent")
    for i in range(5) for n in range{sizes} for r in (0.0, 0.5, 1.0)]))"""
MAKE = {
    "sharing": "rt.widgets.sharing_slider()",
    "player": "rt.widgets.trajectory_player()",
    "graphs": "rt.widgets.graph_editor()",
    "winners": "rt.widgets.who_wins()",
    "starts": "rt.widgets.init_lab()",
    "steps": "rt.widgets.gradient_step()",
    "movements": "rt.widgets.adapter_explorer()",
    "robots": "rt.widgets.robot_player()",
}
SMALL = {
    "sharing": "rt.widgets.sharing_slider(n_per_task=20)",
    "player": "rt.widgets.trajectory_player(**dict(zip(('runs', 'data'), rt.widgets.toy_runs(epochs=60))))",
    "graphs": "rt.widgets.graph_editor(n_per_task=30)",
    "winners": TABLE.format(sizes="(20, 61, 10)"),
    "starts": "rt.widgets.init_lab(seeds=4, steps=80)",
    "steps": "rt.widgets.gradient_step()",
    "movements": "rt.widgets.adapter_explorer()",
    "robots": "rt.widgets.robot_player()",
}
PLAYGROUND = "rt.widgets.playground()"
# For timing: enough slider positions that a drag asks for many pictures.
LONG = {**MAKE, "winners": TABLE.format(sizes="(5, 65, 3)")}


@functools.cache
def made(code: str) -> rt.widgets.Explorer:
    """The explorer of such a line, made once: a page gets a copy of what it holds."""
    return eval(code, {"rt": rt})
