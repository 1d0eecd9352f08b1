"""Sphinx: how the course becomes a site that opens from disk, without a network."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]

project = "ragteach"
author = "the ragteach authors"
html_title = "ragteach"
release = PROJECT["version"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "formulas",
    "descriptions",
    "plain_docstrings",
]
source_suffix = {".ipynb": "myst-nb", ".md": "myst-nb"}
exclude_patterns = ["_build", "_extra", "_static"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type"]

autodoc_typehints = "none"  # they stand in the signature
autodoc_member_order = "bysource"
default_role = "code"  # our docstrings write `name`
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "sphinx_book_theme"
html_math_renderer = "mathml"
html_css_files = ["style.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_theme_options = {
    "repository_url": REPOSITORY,
    "use_repository_button": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "navbar_persistent": [],
    "show_toc_level": 2,
}
html_context = {"default_mode": "auto"}


def setup(app) -> None:
    """Styles and files to copy lie with what Sphinx reads, which every run has in its own place."""
    app.config.html_static_path = [str(Path(app.srcdir) / "_static")]
    app.config.html_extra_path = [str(Path(app.srcdir) / "_extra")]
