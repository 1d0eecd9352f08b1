"""The classic notebook with ipywidgets 7, as Colab has it, beside the JupyterLab of this environment.

with Classic(folder) as server: ...      a server
ClassicNotebook(server, browser, name)   a notebook in a page
"""

from .lab import NOISE, Lab

# Exactly these, and nothing that they ask for: the rest is in this environment, in newer versions.
PACKAGES = (
    "ipywidgets==7.7.1",
    "widgetsnbextension==3.6.10",
    "jupyterlab_widgets==1.1.11",
    "ipython_genutils==0.2.0",
    "nbclassic==1.3.1",
    "nest_asyncio==1.6.0",
)


class Classic(Lab):
    """A server of the classic notebook, with packages laid over this environment's."""

    app = "nbclassic.notebookapp"
    options = ()
    packages = PACKAGES


class ClassicNotebook:
    """One notebook in one page of the classic front end."""

    def __init__(self, server, browser, name, prepare=lambda page: None):
        self.server, self.said = server, []
        self.context = browser.new_context(viewport={"width": 1280, "height": 1000})
        self.page = self.context.new_page()
        self.page.on("console", lambda m: m.type == "error" and self.said.append(m.text))
        self.page.on("pageerror", lambda error: self.said.append(f"page: {error}"))
        prepare(self.page)
        # The widget manager looks for widgets in the kernel, then draws again all that it finds: later.
        with self.page.expect_console_message(lambda m: "jupyter.widget.control" in m.text):
            self.page.goto(f"{server.url}/notebooks/{name}.ipynb?token={server.token}")
        self.page.evaluate(
            "new Promise((done) => Jupyter.notebook.kernel.comm_info('jupyter.widget', done))"
        )

    def run(self):
        """Run all cells, and wait until the kernel has answered them."""
        self.page.evaluate("Jupyter.notebook.execute_all_cells()")
        self.page.wait_for_function(
            "Jupyter.notebook.get_cells().every(c => /^\\d+$/.test(c.input_prompt_number))"
        )

    def explorer(self, i=0):
        return self.page.locator(".ragteach-explorer").nth(i)

    def outputs(self) -> list[dict]:
        """All outputs of all cells, from the model and not from the page."""
        return self.page.evaluate(
            "Jupyter.notebook.get_cells().flatMap(c => c.output_area?.toJSON() ?? [])"
        )

    def faults(self) -> list[str]:
        """Errors of cells, of the console, of the explorers themselves."""
        cells = [str(o) for o in self.outputs() if o["output_type"] == "error"]
        shown = self.page.locator(".ragteach-explorer .error:not([hidden])").all_text_contents()
        return cells + shown + [said for said in self.said if not NOISE.search(said)]

    def close(self):
        self.page.evaluate("Jupyter.notebook.session.delete()")
        self.context.close()
