"""Every page says in its head what it is about, for search engines and shared links."""

import html

from docutils import nodes

LENGTH = 200  # characters


def describe(app, page: str, template: str, context: dict, doctree) -> None:
    if doctree is None:
        return
    texts = (node.astext() for node in doctree.findall(nodes.paragraph))
    words = next((text for text in texts if len(text) > 40), context.get("title", ""))
    words = " ".join(words.split())
    if len(words) > LENGTH:
        words = words[:LENGTH].rsplit(" ", 1)[0] + " ..."
    context["metatags"] = (
        context.get("metatags", "") + f'<meta name="description" content="{html.escape(words)}">\n'
    )


def setup(app) -> dict:
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
