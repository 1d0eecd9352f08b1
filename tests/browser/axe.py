"""What axe-core finds on a page."""

import functools
from importlib.resources import files


@functools.cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


# A colour on its way to another (a button after the theme has changed) is nobody's colour.
_AT_REST = """async () => {
  const roots = [document, ...[...document.querySelectorAll("*")].map(e => e.shadowRoot)];
  const moving = roots.filter(Boolean).flatMap(root => root.getAnimations());
  const transitions = moving.filter(one => one instanceof CSSTransition);
  await Promise.allSettled(transitions.map(one => one.finished));
}"""


def serious(page, selector: str, only: str = "") -> list[tuple]:
    """(rule, the places) for what axe-core calls serious or critical inside the elements selected."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    page.evaluate(_AT_REST)
    options = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = [only]
    found = page.evaluate("([where, how]) => axe.run(where, how)", [selector, options])
    return [
        (rule["id"], [node["html"][:200] for node in rule["nodes"][:3]])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
