"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, no network."""

import html

from docutils import nodes
from latex2mathml.converter import convert


def inline(self, node: nodes.math) -> None:
    self.body.append(_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(self, node: nodes.math_block) -> None:
    # The keyboard can scroll a formula that is wider than a phone.
    self.body.append('<div class="formula" tabindex="0" role="group" aria-label="formula">')
    self.body.append(_mathml(node.astext(), "block"))
    self.body.append("</div>")
    raise nodes.SkipNode


def _mathml(latex: str, display: str) -> str:
    drawn = convert(latex, display=display)
    return drawn.replace("<math ", f'<math alttext="{html.escape(latex)}" ', 1)


def setup(app) -> dict:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
