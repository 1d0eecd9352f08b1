"""On the versions that Colab pins: the first cell installs and changes nothing, lessons say the same, explorers answer."""

import os
import re
import subprocess

import colab
import nbformat
import pytest
from browser.kinds import IMPORT, SMALL
from wheels import build_wheel

from ragteach.widgets import base

VERSIONS = (
    "[m.__version__ for m in map(__import__, ('ipywidgets', 'ipykernel', 'IPython', 'anywidget'))]"
)
# What Colab puts beside the kernel: the switch without which its page shows no widget of someone
# else.
COLAB = """import sys, types
switched = []
output = types.ModuleType("google.colab.output")
output.enable_custom_widget_manager = lambda: switched.append(True)
output._widgets = types.SimpleNamespace(_installed_url="a manager")
colab = types.ModuleType("google.colab")
colab.output = output
sys.modules |= {"google.colab": colab, "google.colab.output": output}"""
ASK = """sharing.move(lam=0.01)
print(sharing.state, bool(switched))"""
# What lesson 12 leans on most: with tasks routed through a pipeline, every fold has a score.
SEARCH = """import numpy as np, sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
sklearn.set_config(enable_metadata_routing=True)
toy = rt.make_toy(n_per_task=40)
pipe = make_pipeline(TfidfVectorizer(), rt.RAGClassifier(lam_shared=0.01))
folds = StratifiedKFold(2, shuffle=True, random_state=0)
grid = GridSearchCV(pipe, {"ragclassifier__lam": [0.001, 10.0]}, cv=folds)
grid.fit(toy["text"], toy["label"], tasks=toy["task"])
scores = grid.cv_results_["mean_test_score"]
print(np.isfinite(scores).all(), 1 / 3 < scores.max() <= 1)"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of Colab's versions, with ragteach put there by the first cell of a notebook.

    That it changed no version of what was there is asserted on the way (`colab.installed`).
    """
    try:
        return colab.installed(build_wheel(tmp_path_factory.mktemp("wheel")))
    except colab.Unavailable as missing:
        message = f"Colab's versions could not be installed: {missing}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


def test_the_first_cell_works_twice(python, tmp_path):
    before = colab.freeze(python)
    said = colab.first_cell(python, tmp_path / "no_such.whl")  # not asked for: ragteach is there
    assert said == ""
    assert colab.freeze(python) == before


@pytest.mark.notebooks
@pytest.mark.long
@pytest.mark.parametrize("name", ["12_deploy"])
def test_a_lesson_alone_in_a_folder_says_the_same(python, tmp_path, name):
    """All lessons: make colab.  This is the one that uses the most libraries; below, what it leans on."""
    committed = nbformat.read(colab.build.paths(name)["solution"], as_version=4)
    assert colab.differences(committed, colab.run(python, name, tmp_path)) == []


@pytest.mark.parametrize("name", colab.ASKED)
def test_what_a_notebook_is_lent_it_asks_its_reader_for(name):
    """Before the first cell that cannot do without; who follows it on Colab has all it needs."""
    cells = nbformat.read(colab.build.paths(name)["student"], as_version=4).cells
    asks = re.compile(rf"%pip install [^`]*\b{colab.ASKED[name]}\b")
    needs = re.compile(r"rt\.Encoder\(|rt\.lab\(\"recommendation\"")
    first = next(i for i, cell in enumerate(cells) if needs.search(cell.source))
    assert any(asks.search(cell.source) for cell in cells[:first])


def says(text):
    output = nbformat.v4.new_output("stream", text=text)
    cell = nbformat.v4.new_code_cell("", outputs=[output], id="a")
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(("here", "counts"), [("0.73", False), ("0.70", True), ("0.66", True)])
def test_what_our_own_versions_say_here_too_is_no_difference_of_colabs(monkeypatch, here, counts):
    monkeypatch.setattr(colab.build, "execute", lambda nb, where: says(here))
    said = colab.compared("02_equation", says("0.70"), says("0.73"))
    assert said == ([f"cell a: other numbers: {here} -> 0.73"] if counts else [])


def test_another_number_or_word_is_a_difference():
    kept = says("lambda 0.010 wins by 12.3 points")
    for text, same in {
        "lambda 0.010 wins by 12.4 points": True,
        "lambda 0.010 wins by 14.3 points": False,
        "lambda nan wins by 12.3 points": False,
        "lambda 0.010 loses by 12.3 points": False,
    }.items():
        assert (colab.differences(kept, says(text)) == []) == same, text


def test_explorers_and_a_grid_search_answer_under_the_versions_of_colab(python, tmp_path):
    cells = [
        f"{COLAB}\n{IMPORT}\nprint({VERSIONS})",
        *[f"{k} = {v}; {k}" for k, v in SMALL.items()],
        ASK,
        SEARCH,
    ]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(nb, tmp_path / "lesson.ipynb")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    done = subprocess.run(
        [python, "-c", colab.RUN, "lesson.ipynb"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    nb = nbformat.read(tmp_path / "lesson.ipynb", as_version=4)
    said = [
        output.text
        for cell in nb.cells
        for output in cell.outputs
        if output.output_type == "stream"
    ]
    pinned = [colab.PINS[name] for name in ("ipywidgets", "ipykernel", "ipython", "anywidget")]
    assert str(pinned) in said[0]
    # Moved from Python, and Colab's manager switched on for us.
    assert said[-2:] == ["{'lam': 0.01} True\n", "True True\n"]
    for cell in nb.cells[1:-2]:
        shown = [output for output in cell.outputs if "data" in output]
        assert [sorted(output.data) for output in shown] == [
            ["image/png", "text/plain"],
            ["text/html", "text/plain"],
            ["text/html", "text/plain"],
            ["application/vnd.jupyter.widget-view+json", "text/plain"],
        ]
        assert base.kept(shown[2])["spec"]["title"]
        assert shown[3].data["text/plain"] == base.NOTE
