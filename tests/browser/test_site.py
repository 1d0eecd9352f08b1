"""The site: built without a warning, whole, opened from disk without a network, and fit for everyone."""

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import forks
import pytest

from .axe import serious

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
ROWS = tomllib.loads((ROOT / "notebooks" / "_source" / "lessons.toml").read_text("utf-8"))["lesson"]
NAMES = [row["name"] for row in ROWS]
RUN = """import runpy, sys
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    target = tmp_path_factory.mktemp("site") / "site"
    program = ROOT / "tools" / "site" / "make.py"
    done = forks.python(RUN, program, target, cwd=ROOT)
    assert done.returncode == 0, done.stderr  # Sphinx -W: a warning is an error
    return target


class Page(HTMLParser):
    """What one page holds: its title, its description, the names in it, and where it leads."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.alts, self.meta = set(), [], [], {}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs["id"]} if attrs.get("id") else set()
        self.links += [attrs[key] for key in ("href", "src") if attrs.get(key)]
        if tag == "img":
            self.alts.append(attrs.get("alt"))
        if tag == "meta" and "name" in attrs:
            self.meta[attrs["name"]] = attrs.get("content", "")


@pytest.fixture(scope="module")
def pages(site):
    return {path.name: Page(path) for path in site.glob("*.html")}


def test_every_lesson_is_a_page_and_the_whole_is_light(site):
    assert {f"{name}.html" for name in NAMES} <= {path.name for path in site.glob("*.html")}
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 40e6


def test_every_link_and_anchor_leads_somewhere(site, pages):
    lost = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:|//", link):
                continue
            path, _, anchor = link.partition("#")
            path = path.split("?")[0]
            there = (path or name) in pages
            if path and not (site / path).exists():
                lost.append((name, link))
            elif anchor and there and anchor not in pages[path or name].ids:
                lost.append((name, link))
    assert not lost


def test_titles_descriptions_and_pictures_are_said_in_words(site, pages):
    titles = {}
    for row in ROWS:
        name = f"{row['name']}.html"
        head = (site / name).read_text(encoding="utf-8").partition("</head>")[0]
        titles[name] = re.search(r"<title>\s*(.*?)\s*</title>", head, re.DOTALL)[1]
        assert row["title"].partition(":")[0].replace("'", "’") in titles[name]
        assert len(pages[name].meta["description"]) > 40
        assert all(alt and len(alt) > 20 for alt in pages[name].alts), name
    assert len(set(titles.values())) == len(titles)


def test_a_page_says_nothing_that_only_a_notebook_can_do(site):
    for name in NAMES:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        assert "ouble-click" not in text
        assert "with solutions" not in text
        assert "Run this cell to see" not in text


def test_each_lesson_says_how_to_get_it_from_the_one_address(site, pages):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    place = project["urls"]["Repository"].removeprefix("https://github.com/")
    for name in NAMES:
        links = pages[f"{name}.html"].links
        colab = f"https://colab.research.google.com/github/{place}/blob/main/notebooks/{name}.ipynb"
        assert colab in links
        assert f"notebooks/{name}.ipynb" in links
        assert (site / "notebooks" / f"{name}.ipynb").read_bytes() == (
            ROOT / "notebooks" / f"{name}.ipynb"
        ).read_bytes()


def opened(browser, site, name, **options):
    """A page from disk with the network off, and what it complained about or asked for."""
    page = browser.new_context(offline=True, **options).new_page()
    said = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: said.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)  # fmt: skip
    page.goto((site / name).as_uri())
    return page, said


@pytest.mark.parametrize("name", ["index", *NAMES])
def test_pages_open_in_silence_and_the_first_explorer_moves(browser, site, name):
    page, said = opened(browser, site, f"{name}.html")
    sliders = page.locator(".ragteach-explorer input[type=range]")
    if sliders.count():
        slider = sliders.first
        said_of = "document.querySelector('.ragteach-explorer').shadowRoot.querySelector('.say')"
        before = page.evaluate(f"{said_of}.textContent")
        slider.press("End" if slider.input_value() == slider.get_attribute("min") else "Home")
        page.wait_for_function(f"before => {said_of}.textContent !== before", arg=before)
    assert said == []
    page.context.close()


SEEN = ["index", "02_equation", "10_real_data", "laws", "api_core"]


@pytest.mark.parametrize("name", SEEN)
def test_nothing_on_a_page_shuts_anybody_out(browser, site, name):
    page, _ = opened(browser, site, f"{name}.html", color_scheme="light")
    page.wait_for_load_state("load")
    assert serious(page, "html") == []
    page.context.close()


# One style sheet serves all pages: two kinds of them are looked at each time.
@pytest.mark.parametrize(
    "name", [*SEEN[:2], *(pytest.param(name, marks=pytest.mark.long) for name in SEEN[2:])]
)
def test_in_the_dark_the_colours_alone_are_others(browser, site, name):
    page, _ = opened(browser, site, f"{name}.html", color_scheme="dark")
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert serious(page, "html", only="color-contrast") == []
    page.context.close()


def test_a_phone_reads_without_scrolling_sideways(browser, site):
    page, _ = opened(browser, site, "03_losses.html", viewport={"width": 390, "height": 800})
    wide = {}
    for name in ("03_losses", "api_study", "laws", "troubles", "genindex"):
        page.goto((site / f"{name}.html").as_uri())
        wide[name] = page.evaluate("document.documentElement.scrollWidth")
    assert max(wide.values()) <= 390, wide
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_front_page_cuts_nothing_off(browser, site, width):
    """The playground once ended in the middle of a picture, and the table scrolled on a phone."""
    page, _ = opened(browser, site, "index.html", viewport={"width": width, "height": 900})
    frame = page.locator("iframe.playground").element_handle().content_frame()
    frame.wait_for_function("document.documentElement.scrollHeight <= innerHeight")
    frame.get_by_text("Your own table, and ways").click()  # unfolds
    frame.wait_for_function("document.documentElement.scrollHeight <= innerHeight")
    table = page.locator("article table").first
    assert table.evaluate("t => t.getBoundingClientRect().right <= innerWidth")
    page.context.close()


def test_the_search_finds_a_lesson_from_disk_in_silence(browser, site):
    """It once asked for every page it found, to show an excerpt, and disks refuse that."""
    page, said = opened(browser, site, "search.html")
    page.goto(f"{page.url}?q=conservation")
    page.wait_for_selector("#search-results li a")
    assert "Weight trajectories" in page.inner_text("#search-results")
    assert said == []
    page.context.close()
