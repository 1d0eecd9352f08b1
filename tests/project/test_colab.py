"""The explorers' Python side under the versions that Colab pins, in a kernel of those versions."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest
from browser.kinds import IMPORT, SMALL
from filelock import FileLock

from ragteach.widgets import base

PINS = ("ipywidgets==7.7.1", "ipykernel==6.17.1", "ipython==7.34.0", "anywidget==0.9.21")
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
EXECUTE = """import sys, nbclient, nbformat
nb = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(nb, timeout=300, kernel_name="python3", store_widget_state=False).execute()
nbformat.write(nb, sys.argv[1])"""


@pytest.fixture(scope="module")
def colab(root):
    """The Python of an environment with these pins; whatever else the course needs comes from
    ours.
    """
    folder = root / "build" / f"colab-{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not (folder / "ready").exists():
            venv.create(folder, with_pip=True, clear=True)
            found = subprocess.run(
                [python, "-m", "pip", "install", "-q", "--no-compile", *PINS],
                capture_output=True,
                text=True,
            )
            if found.returncode:
                missing = f"Colab's versions could not be installed: {found.stderr[-500:]}"
                (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
            rest = "\n".join([sysconfig.get_path("purelib"), str(root)])
            own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
            (Path(own) / "zz_ours.pth").write_text(rest, encoding="utf-8")  # searched last
            (folder / "ready").touch()
    return python


def test_every_explorer_is_made_and_answers_under_the_versions_of_colab(colab, tmp_path):
    cells = [
        f"{COLAB}\n{IMPORT}\nprint({VERSIONS})",
        *[f"{k} = {v}; {k}" for k, v in SMALL.items()],
        ASK,
    ]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(nb, tmp_path / "lesson.ipynb")
    environment = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    done = subprocess.run(
        [colab, "-c", EXECUTE, "lesson.ipynb"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    nb = nbformat.read(tmp_path / "lesson.ipynb", as_version=4)
    said = [
        output.text
        for cell in nb.cells
        for output in cell.outputs
        if output.output_type == "stream"
    ]
    assert str([pin.split("==")[1] for pin in PINS]) in said[0]
    assert (
        said[-1] == "{'lam': 0.01} True\n"
    )  # moved from Python, and Colab's manager switched on for us
    for cell in nb.cells[1:-1]:
        shown = [output for output in cell.outputs if "data" in output]
        assert [sorted(output.data) for output in shown] == [
            ["image/png", "text/plain"],
            ["text/html", "text/plain"],
            sorted([base.MIME, "application/vnd.jupyter.widget-view+json", "text/plain"]),
        ]
        assert shown[2].data["text/plain"] == base.NOTE
