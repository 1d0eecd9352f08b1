"""A JupyterLab of the tests' own, and a page in a real browser that can say when everything has
settled.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat

from . import overlay

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-gpu-benchmarking",  # chrome.gpuBenchmarking: a hand of the browser's own, see measure.py
]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
# What JupyterLab itself may say on the console of a page that works.
NOISE = re.compile(
    r"favicon|\[vite\]|sourcemap|WebGL|swiftshader|Download the React|404 \(Not Found\)|api/workspaces",
    re.I,
)

CELLS = "jupyterapp.shell.currentWidget.content.widgets"
RESET = """() => { for (const { shadowRoot } of document.querySelectorAll('.ragteach-explorer'))
  [...shadowRoot.querySelectorAll('button')].find((b) => b.textContent === 'Reset').click(); }"""
AT_REST = """() => [...document.querySelectorAll('.ragteach-explorer')]
  .every((e) => !('moving' in e.shadowRoot.querySelector('.root').dataset))"""

HOOK = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.context.ready; await panel.sessionContext.ready;
  const seen = window.seen = { sent: new Set(), errors: [], states: [] };
  const hook = (kernel) => kernel && kernel.anyMessage.connect((_, { msg, direction }) => {
    const type = msg.header.msg_type;
    if (direction === 'send' && type === 'comm_msg') seen.sent.add(msg.header.msg_id);
    const state = direction === 'send' && type === 'comm_msg' && msg.content.data.state?.state;
    if (state) seen.states.push(state);
    if (direction !== 'recv') return;
    if (type === 'error') seen.errors.push(msg.content.ename + ': ' + msg.content.evalue);
    const stderr = type === 'stream' && msg.content.name === 'stderr';
    const lines = stderr ? msg.content.text.split('\\n').filter((l) => l.trim()) : [];
    seen.errors.push(...lines);
    const idle = type === 'status' && msg.content.execution_state === 'idle';
    if (idle) seen.sent.delete(msg.parent_header.msg_id);
  });
  hook(panel.sessionContext.session.kernel);
  panel.sessionContext.kernelChanged.connect((_, change) => { seen.sent.clear(); hook(change.newValue); });
}"""


class Lab:
    """One server with its own folders, of JupyterLab and of Notebook 7; ``with Lab(folder) as lab:``."""

    app = "jupyterlab.labapp"
    options = (
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    )
    packages = ("notebook==7.6.5",)  # laid over this environment's

    def __init__(self, folder: Path):
        self.folder, self.notebooks = folder, folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.token = secrets.token_hex(16)
        self.context = None  # of the browser that looks at it

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "RAGTEACH_HOME": "home",
        }
        environment = {
            **os.environ,
            **{name: str(self.folder / place) for name, place in places.items()},
        }
        environment |= overlay.environment(self.packages)
        environment |= {
            "OMP_NUM_THREADS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        for name, values in SETTINGS.items():
            path = self.folder / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        if "RAGTEACH_TEST_SHARED" not in environment:  # no test session: a measurement, screens
            (self.folder / "shared").mkdir()
            environment["RAGTEACH_TEST_SHARED"] = str(self.folder / "shared")
        command = [
            sys.executable,
            str(Path(__file__).with_name("server.py")),
            self.app,
            "--allow-root",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.notebooks}",
            *self.options,
        ]
        self.log = open(self.folder / "server.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT, cwd=self.folder
        )
        self.url = f"http://127.0.0.1:{self.port}"
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(
                    f"{self.url}/api/status?token={self.token}", timeout=2
                ).close()
                return self
            except OSError:
                time.sleep(0.2)
        self.__exit__()
        raise RuntimeError((self.folder / "server.log").read_text(encoding="utf-8")[-3000:])

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def notebook(self, name: str, *cells: str) -> str:
        """Write a notebook with these code cells; returns its name."""
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nb.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(nb, self.notebooks / f"{name}.ipynb")
        return name


class Notebook:
    """One notebook in one fresh page. All pages of a server share what the browser has loaded."""

    def __init__(self, lab, browser, name, width=1280, theme="light", front="lab/tree"):
        self.lab, self.name, self.said = lab, name, []
        self.front = front  # or "notebooks": Notebook 7
        lab.context = lab.context or browser.new_context()
        self.page, self.control = lab.context.new_page(), set()
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.emulate_media(color_scheme=theme)
        self.page.on("websocket", lambda socket: socket.on("framesent", self.sent))
        self.page.on(
            "console", lambda m: m.type == "error" and self.said.append(f"console: {m.text}")
        )
        self.page.on("pageerror", lambda error: self.said.append(f"page: {error}"))
        self.page.add_locator_handler(self.page.locator(".jp-Dialog"), self.answer)
        self.open()

    def answer(self, dialog):
        """A dialog of Jupyter's that nobody expects covers what a test clicks: it is a fault, and
        goes away."""
        self.said.append(f"dialog: {dialog.inner_text()}")
        dialog.get_by_role("button").last.click()

    def open(self):
        self.page.goto(
            f"{self.lab.url}/{self.front}/{self.name}.ipynb?token={self.lab.token}&reset"
        )
        self.page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady")
        self.page.evaluate(HOOK)

    def sent(self, frame):
        """Note the widget manager's control channels: it opens them before the page can be
        asked.
        """
        frame = frame.encode() if isinstance(frame, str) else frame
        if b"jupyter.widget.control" in frame:
            self.control |= {i.decode() for i in re.findall(rb'"comm_id": ?"([^"]+)"', frame)}

    def early(self, error) -> bool:
        """Nobody in the kernel listens to a control channel before ipywidgets is imported there, or
        before another thread of the kernel has heard that it is open. The manager then fetches one
        by one."""
        gone = re.search(r"No such comm: (\S+)", error)
        return "No such comm target registered: jupyter.widget" in error or (
            gone is not None and gone.group(1) in self.control
        )

    def run(self):
        """Run all cells, and wait until they and what they set off have settled."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code')"
            ".every(c => c.model.executionCount && c.model.executionState !== 'running')",
            timeout=240_000,
        )
        self.settle()

    def start(self):
        """Run all cells without waiting for them."""
        self.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")

    def run_again(self):
        """Run all cells once more, and wait until every one of them has run since."""
        n = self.page.evaluate(f"Math.max(0, ...{CELLS}.map(c => c.model.executionCount ?? 0))")
        self.start()
        self.again(n)

    def add(self, *cells):
        """Code cells below those that are there."""
        self.page.evaluate(
            "cells => { const { sharedModel } = jupyterapp.shell.currentWidget.content.model;"
            " for (const source of cells) sharedModel.insertCell(sharedModel.cells.length,"
            " { cell_type: 'code', source, metadata: { trusted: true } }); }",
            list(cells),
        )

    def running(self, i, yes=True):
        """Wait until code cell i runs, or does no longer."""
        self.page.wait_for_function(
            "([i, yes]) => yes === "
            "(jupyterapp.shell.currentWidget.content.widgets[i].model.executionState === 'running')",
            arg=[i, yes],
            timeout=240_000,
        )

    def again(self, n):
        """Wait until every cell has run after the nth run of any."""
        self.page.wait_for_function(
            f"n => {CELLS}.every(c => c.model.executionCount > n"
            " && c.model.executionState !== 'running')",
            arg=n,
            timeout=240_000,
        )
        self.settle()

    def restart(self):
        """A new kernel under the page, and wait until it answers."""
        self.page.evaluate("""async () => {
          const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          await kernel.restart(); await kernel.requestExecute({ code: '', silent: true }).done;
          window.seen.sent.clear(); }""")
        self.frames()

    def save(self):
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        self.page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")

    def told(self, condition):
        """Wait until the page has told the kernel of such a state (it tells when the hand
        rests).
        """
        self.page.wait_for_function(f"() => window.seen.states.some({condition})")
        self.settle()

    def settle(self):
        """Wait until every message that was sent has come back idle, and the page has drawn."""
        self.page.wait_for_function("window.seen.sent.size === 0")
        self.frames()

    def theme(self, name):
        """Light or Dark."""
        self.page.evaluate(
            "name => jupyterapp.commands.execute('apputils:change-theme', { theme: name })",
            f"JupyterLab {name}",
        )
        self.page.wait_for_function(
            f"document.body.dataset.jpThemeLight === '{str(name == 'Light').lower()}'"
        )
        self.page.wait_for_function("!document.querySelector('#jupyterlab-splash')")
        self.frames()

    def as_new(self):
        """As it was after its first run, for the next test that looks at this page."""
        self.page.set_viewport_size({"width": 1280, "height": 1000})
        if self.page.evaluate("document.body.dataset.jpThemeLight") != "true":
            self.theme("Light")
        self.page.evaluate(RESET)
        self.page.wait_for_function(AT_REST)
        self.settle()
        self.page.evaluate("void Object.assign(window.seen, { errors: [], states: [] })")
        self.said.clear()

    def frames(self, n=3):
        self.page.evaluate(
            f"async () => {{ for (let i = 0; i < {n}; i++) await new Promise(requestAnimationFrame); }}"
        )

    def explorer(self, i=0):
        return self.page.locator(".ragteach-explorer").nth(i)

    def wait_for(self, n=1):
        self.page.wait_for_function(
            "n => [...document.querySelectorAll('.ragteach-explorer')].filter(e => "
            "e.shadowRoot?.querySelector('.root')?.dataset.drawn).length >= n",
            arg=n,
        )

    def outputs(self):
        """The text of all outputs, from the model and not from the page."""
        return self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.widgets.flatMap(c => "
            "c.model.sharedModel.outputs ?? [])"
        )

    def faults(self) -> list[str]:
        """Errors of cells, of callbacks, of the console, of the explorers themselves."""
        cells = [
            f"cell: {o['ename']}: {o['evalue']}"
            for o in self.outputs()
            if o["output_type"] == "error"
        ]
        stderr = [f"stderr: {o['text']}" for o in self.outputs() if o.get("name") == "stderr"]
        seen = [
            f"iopub: {e}" for e in self.page.evaluate("window.seen.errors") if not self.early(e)
        ]
        shown = self.page.locator(".ragteach-explorer .error:not([hidden])").all_text_contents()
        console = [said for said in self.said if not NOISE.search(said)]
        return cells + stderr + seen + [f"explorer: {text}" for text in shown] + console

    def close(self):
        try:  # the kernel goes with its page, or the kernels of a long run would fill the memory
            self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        finally:
            self.page.close()
