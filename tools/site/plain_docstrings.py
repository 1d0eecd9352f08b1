"""Docstrings are plain text with `code`: a star or an underscore in them is what it is."""

import re

CODE = re.compile(r"(``.*?``|`[^`]*`)")


def plain(app, what: str, name: str, thing, options, lines: list[str]) -> None:
    example = False  # after >>> nothing is read as text
    for i, line in enumerate(lines):
        example = line.strip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            parts = CODE.split(line)
            parts[::2] = [re.sub(r"\*|_(?=\W|$)|\|", r"\\\g<0>", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def skip(app, what: str, name: str, thing, skipped: bool, options) -> bool | None:
    """Leave out what other packages write into our classes, with links into their own pages."""
    made = getattr(thing, "fget", thing)  # a property is where its function is
    module = getattr(made, "__module__", None) or "ragteach"
    ours = module.partition(".")[0] == "ragteach"
    return None if ours and not re.fullmatch(r"set_\w+_request", name) else True


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", plain, priority=300)  # before napoleon
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
