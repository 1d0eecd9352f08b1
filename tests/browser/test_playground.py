"""The playground, opened from disk with the network off: it trains, tells true stories, and gives code that agrees."""

import contextlib
import io
import json
import re
import urllib.parse

import numpy as np
import pytest
from PIL import Image

import ragteach as rt

from .conftest import ROOT
from .test_strips import strip

pytestmark = pytest.mark.browser
EYE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = rt.widgets.playground_page(tmp_path_factory.mktemp("site") / "playground.html")
    assert path.stat().st_size < 300_000
    return path


@pytest.fixture
def opened(browser, file):
    contexts = []

    def open_at(state=None, **options):
        context = browser.new_context(offline=True, **{"reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.said = []
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("console", lambda m: m.type == "error" and page.said.append(m.text))
        link = "#" + urllib.parse.quote(json.dumps(state)) if state else ""
        page.goto(file.as_uri() + link)
        page.wait_for_selector(".say")
        page.wait_for_function("document.querySelector('.ragteach-explorer')")
        return page

    yield open_at
    for context in contexts:
        context.close()


def say(page):
    page.evaluate(
        "async () => { for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame); }"
    )
    return page.locator(".say").inner_text()


def accuracy(page):
    return int(re.search(r"(\d+) % of the new", say(page)).group(1)) / 100


def code(page):
    page.get_by_role("button", name="Copy as code").click()
    return page.locator("pre").inner_text()


PAUSE = f"""() => {{ const all = [...{ROOT}.querySelectorAll('button')];
  const pause = all.find((button) => button.textContent === 'Pause'); pause?.click();
  {ROOT}.dispatchEvent(new Event('pointerdown')); return Boolean(pause); }}"""


def test_it_moves_by_itself_until_it_is_touched(opened):
    page = opened(reduced_motion="no-preference")
    page.wait_for_function(
        "() => { const root = document.querySelector('.ragteach-explorer').shadowRoot;"
        " return !/Step 0 /.test(root.querySelector('.say').textContent); }"
    )
    page.wait_for_function(PAUSE)  # at once: a run may end between a look at the button and a click
    before = say(page)
    assert say(page) == before
    assert page.said == []


def test_under_reduced_motion_it_stands_still_at_the_end(opened):
    page = opened()
    assert "Step 400 of 400" in say(page)
    assert page.get_by_role("button", name="Play again").is_visible()


STATES = {
    "the defaults": {"at": 60},
    "another graph": {"at": 50, "graph": [[1, 1], [1, 0], [0, 1], [0, 1]], "r": 0.25, "n": 20},
    "a random start": {
        "at": 40,
        "random": 1,
        "optimiser": 1,
        "lr": 5,
        "lam": 0,
        "lamS": 0,
        "seed": 3,
    },
    "proximal": {"at": 80, "optimiser": 2, "lr": 6, "lam": 9},
    "two phases, in the second": {"at": 250, "schedule": 1, "n": 10},
    "proximal steps in phases": {"at": 90, "schedule": 2, "n": 10, "optimiser": 2, "lr": 6},
    "alternating": {"at": 400, "schedule": 2, "n": 10, "optimiser": 1, "lr": 5},
}


@pytest.mark.parametrize("name", STATES)
def test_a_link_reproduces_its_state_and_the_code_its_numbers(opened, name):
    page = opened(STATES[name])
    told = say(page)
    assert f"Step {STATES[name]['at']} of 400" in told
    text = code(page)
    space = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(text, space)
    found = rt.evaluate(space["model"], space["new"])
    assert accuracy(page) == pytest.approx(found["accuracy"], abs=0.0051)
    J = float(re.search(r"J = ([\d.]*\d)", told).group(1))
    scale = [0, *(10 ** (-5 + i / 3) for i in range(16))]  # of penalties; 7 is the default
    lam, lam_shared = (scale[STATES[name].get(knob, 7)] for knob in ("lam", "lamS"))
    criterion = rt.MultiTaskLoss(lam=lam, lam_shared=lam_shared)
    tensors = space["data"].stacked(dtype=space["model"].shared.dtype)
    assert J == pytest.approx(criterion.stacked(space["model"], tensors).item(), abs=0.0051)
    assert page.said == []


def test_the_address_follows_and_leads_back(opened):
    page = opened()
    page.get_by_label("Begin with a known graph").select_option("two groups")
    say(page)
    link = page.url
    assert "graph" in urllib.parse.unquote(link)
    other = opened(json.loads(urllib.parse.unquote(link.split("#", 1)[1])))
    said = say(page).split(" −")[0].split(" +")[0]  # without what the last move has changed
    assert say(other) == said
    assert other.get_by_label("films uses adapter A1").get_attribute("aria-pressed") == "true"
    assert other.get_by_label("films uses adapter A2").get_attribute("aria-pressed") == "false"


def test_a_damaged_link_is_said_and_the_next_one_followed(opened):
    page = opened({"at": 30, "graph": [[1], 5], "lam": 99, "n": "many", "__proto__": 1, "lr": 4})
    assert "Step 30 of 400" in say(page)
    assert "cannot be read" in page.locator(".error").inner_text()
    page.evaluate('location.hash = encodeURIComponent(\'{"at": 20, "n": 10}\')')
    page.wait_for_function(f"/Step 20 of/.test({ROOT}.querySelector('.say').textContent)")
    assert page.locator(".error").is_hidden()
    page.go_back()
    page.wait_for_function(f"/Step 30 of/.test({ROOT}.querySelector('.say').textContent)")
    page.evaluate("location.hash = '%%%'")
    page.wait_for_function(f"{ROOT}.querySelector('.error').checkVisibility()")
    assert page.said == []


def stops(opened, story, look):
    """What is seen at the three stops of a story, by one who goes from stop to stop."""
    page = opened()
    page.get_by_label("A guided story").select_option(str(story))
    found = []
    for number in range(3):
        assert f"stop {number + 1} of 3" in say(page)
        found.append(look(page))
        page.get_by_role("button", name="stop").click()
    assert "stop 1 of 3" in say(page)
    assert page.said == []
    return found


def places(page):
    """Of the eight words: where the bar begins, where it ends, and the four markers; (8, 6) pixels across."""
    return np.array(page.evaluate(PLACES))


PLACES = f"""() => {{
  const panel = [...{ROOT}.querySelectorAll('.panel')].find((p) => /each task/.test(p.textContent));
  const bars = [...panel.querySelectorAll('line[stroke-width="6"]')]
    .map((bar) => ['x1', 'x2'].map((name) => Number(bar.getAttribute(name))));
  const markers = [...panel.querySelectorAll('path[data-task]')]
    .map((path) => Number(path.getAttribute('d').slice(1).split(',')[0]));
  return bars.map((bar, i) => [...bar, ...markers.slice(4 * i, 4 * i + 4)]);
}}"""


def test_story_one_word_two_meanings(opened):
    """How far the markers are from the bar's end, in lengths of the bar: none, far, near."""
    off = []
    for zero, end, *markers in (found.T for found in stops(opened, 0, places)):
        off.append(np.abs(np.stack(markers) - end).mean() / np.abs(end - zero).mean())
    assert off[0] < 0.01 and off[1] > 1 and off[2] < 0.5


def test_story_too_few_sentences(opened):
    alone, shared, between = stops(opened, 1, accuracy)
    assert shared > alone + 0.05
    assert between > alone


def test_story_make_rag_lose(opened):
    shared, with_adapters, apart = stops(opened, 2, accuracy)
    assert shared > with_adapters + 0.02
    unlike = {"r": 0, "n": 120, "at": 300}
    one = accuracy(opened({**unlike, "graph": [[], [], [], []]}))
    own = accuracy(opened({**unlike, "lam": 4, "lamS": 16}))  # W_s costs too much to be used
    assert apart > one + 0.3
    assert apart == pytest.approx(own, abs=0.02)


def moved(page):
    return float(re.search(r"moved by ([\d.e−-]+) since", say(page)).group(1).replace("−", "-"))


def test_story_the_start_that_is_never_forgotten(opened):
    begun, kept, faded = stops(opened, 3, moved)
    assert begun == 0
    assert kept < 1e-10
    assert faded > 1


def test_story_the_sum_collapses(opened):
    """All rows alike: every task's marker stands at the same place, whatever the word."""
    found = np.stack(stops(opened, 4, places))
    assert found.shape == (3, 8, 6)
    apart = np.ptp(found[:, :, 2:], axis=2)
    assert (apart[:2] < 0.11).all() and (apart[2] > 0.11).any()


TABLE = "text;label;task\n" + "\n".join(
    f'"{word} {noun}, number {i}";{label};{task}'
    for i in range(6)
    for task, noun in (("plays", "scene"), ("trains", "seat"))
    for label, word in (("yes", "lovely"), ("no", "dreary"))
)


def a_link_says_that_there_was_a_table(opened, page):
    """And with the table, all is as it was."""
    page.get_by_label("plays uses adapter A2").evaluate("node => node.click()")
    said = say(page).split(" −")[0].split(" +")[0]
    link = page.url
    other = opened(json.loads(urllib.parse.unquote(link.split("#", 1)[1])))
    assert "Paste or drop the same table" in other.locator(".error").inner_text()
    assert "films" in shown(other) and other.url == link
    paste(other, TABLE)
    assert say(other) == said and other.url == link
    assert other.locator(".error").is_hidden() and other.said == []


def the_code_reads_the_table_and_agrees(page, folder):
    """The same split, the same words, the same numbers: of a table that lies beside it."""
    (folder / "mine.csv").write_text(TABLE, encoding="utf-8")
    space = {}
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        exec(code(page), space)
    assert rt.evaluate(space["model"], space["new"])["accuracy"] == accuracy(page)
    sides = {name: set(space[name]["text"]) for name in ("train", "test")}
    assert len(sides["train"]) + len(sides["test"]) == TABLE.count("\n")


def paste(page, text):
    summary = page.get_by_text("Your own table, and ways")
    if not page.get_by_label("A table with the columns").is_visible():
        summary.click()
    page.get_by_label("A table with the columns").fill(text)
    page.get_by_role("button", name="Use this table").click()
    say(page)


def test_what_a_table_lacks_is_said(opened):
    page = opened()
    rows = table().split("\n")
    paste(page, "\n".join([*rows, '"a text, and no label",,plays', ",yes,trains"]))
    taken = "Taken: 24 rows, 2 classes, 2 tasks. 2 rows lack a text, a label or a task"
    assert taken in shown(page)
    paste(page, "\n".join([rows[0].replace("task", "domain"), *rows[1:]]))
    assert "none is called task" in shown(page)
    assert page.said == []


def test_your_own_table_stays_in_the_page_and_keeps_its_names(opened, tmp_path):
    page = opened()
    page.get_by_text("Your own table, and ways").click()
    page.get_by_label("A table with the columns").fill(TABLE)
    page.get_by_role("button", name="Use this table").click()
    assert accuracy(page) == 1.0
    shown = page.locator(".root").inner_text()
    assert all(name in shown for name in ("plays", "trains", "yes", "no"))
    assert "films" not in shown and "negative" not in shown
    assert "lovely" not in urllib.parse.unquote(page.url)
    a_link_says_that_there_was_a_table(opened, page)
    the_code_reads_the_table_and_agrees(page, tmp_path)
    with page.expect_download() as png:
        page.get_by_role("button", name="Chart as PNG").click()
    colours = Image.open(png.value.path()).convert("RGB").getcolors(1 << 20)
    assert {(0, 114, 178), (213, 94, 0)} <= {colour for _, colour in colours}  # of two tasks
    assert page.said == []


def table(separator=",", tasks=("plays", "trains"), labels=("yes", "no")):
    """A small table, its texts in quotes and with every separator in them."""
    rows = [
        f'"{word} {task}, number; {i}|"{separator}"{label}"{separator}"{task}"'
        for i in range(6)
        for task in tasks
        for word, label in zip(["lovely", "dreary", *map(str, range(20))], labels, strict=False)
    ]
    return "\n".join([separator.join(["text", "label", "task"]), *rows])


DROPPED = {
    "semicolons of Excel": ("\ufeff" + table(";")).replace("\n", "\r\n").encode(),
    "tabs of Excel, UTF-16": table("\t").encode("utf-16"),
    "UTF-16, the other way round": "\ufeff".encode("utf-16-be") + table().encode("utf-16-be"),
    "UTF-16 that does not say so": table(";").encode("utf-16-le"),
    "bars and empty lines": ("\n\n" + table("|").replace("\n", "\n\n") + "\n||\n").encode(),
    "a first line of Excel's": ("sep=;\n" + table(";")).encode(),
    "a comma in the heading": table(";").replace("text;", '"text";"a, b, c, d";').replace('"no";', '"";"no";').replace('"yes";', '"";"yes";').encode(),
    "signs that mean something": table(labels=("<b>yes</b>", "$no$"), tasks=("a&b", "__proto__")).encode(),
}  # fmt: skip
REFUSED = {
    "twelve tasks": (table(tasks=[f"t{i}" for i in range(12)]).encode(), "12 tasks"),
    "nine classes": (table(labels=[f"c{i}" for i in range(9)]).encode(), "9 classes"),
    "another encoding": (table().replace("lovely", "très").encode("latin-1"), "encoding"),
}
DROP = """(bytes) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], 'mine.csv'));
  return !document.body.dispatchEvent(
    new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
}"""


def test_tables_of_many_kinds_can_be_dropped_anywhere_on_the_page(opened):
    page = opened()
    for kind, content in DROPPED.items():
        names = ("__proto__", "$no$") if "signs" in kind else ("trains", "yes")
        page.get_by_role("button", name="Reset").click()
        assert "films" in shown(page)
        assert page.evaluate(DROP, list(content)), kind
        page.wait_for_function(f"!/films/.test({ROOT}.querySelector('.panels').textContent)")
        assert all(name in shown(page) for name in names), kind
        assert accuracy(page) == 1.0 and page.locator(".error").is_hidden(), kind
    kept = shown(page)
    for content, says in REFUSED.values():
        page.evaluate(DROP, list(content))
        page.wait_for_function(
            f"text => {ROOT}.querySelector('.error').textContent.includes(text)", arg=says
        )
        assert "What to do:" in page.locator(".error").inner_text()
        assert shown(page) == kept
    assert page.said == []


def test_long_names_that_begin_alike_are_still_told_apart(opened):
    page = opened(viewport={"width": 800, "height": 800})
    names = [f"a task whose name has many words, number {i}" for i in range(4)]
    page.evaluate(DROP, list(table(tasks=names).encode()))
    page.wait_for_function(f"!/films/.test({ROOT}.querySelector('.panels').textContent)")
    for part in (".box[data-task] > text", "text[data-task]", "th[title^='a task']"):
        found = page.locator(part).evaluate_all(
            "all => all.map((e) => e.firstChild.textContent.trim())"
        )
        assert len(found) >= 4 and len(set(found)) >= 4, part
        assert all("…" in name and name.rsplit("…")[-1] for name in found if name != "mean")
    assert page.said == []


def shown(page):
    """What the panels say."""
    say(page)
    return page.locator(".panels").text_content()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("review,stars\nfine,3\n", "Got: the columns review, stars"),
        ('text,label,task\n"fine,1,a\n', "never ends"),
        ("text,label,task\nfine,1,a\n", "Got: 1 rows"),
        ("\ufeff" + "text,label\r\n" + "a fine day,1\r\n" * 20, "1 classes"),
    ],
)
def test_a_table_that_will_not_do_is_refused_in_three_parts(opened, table, says):
    page = opened()
    page.get_by_text("Your own table, and ways").click()
    page.get_by_label("A table with the columns").fill(table)
    page.get_by_role("button", name="Use this table").click()
    say(page)
    told = page.locator(".error").inner_text()
    assert says in told and "Expected:" in told and "What to do:" in told


def test_a_rate_that_is_too_large_is_said(opened):
    page = opened({"optimiser": 1, "lr": 7, "lam": 16, "lamS": 16, "at": 400, "random": 1})
    told = page.locator(".error").inner_text() if page.locator(".error").is_visible() else say(page)
    assert "too large" in told or "J = " in told
    assert "NaN" not in page.locator(".root").inner_text()


def test_a_sentence_sums_to_its_probability_and_is_read_in_its_order(opened):
    page = opened({"at": 100, "typed": "the film was enjoyable but the plot was thin"})
    say(page)
    heads = page.locator(".strip thead th").all_inner_texts()
    known = [name[2:] for name in heads if name.startswith("+ ")]
    assert known == [word for word in ("the", "was", "enjoyable", "plot", "thin") if word in known]
    assert {"the", "was"} <= set(known)
    rows = strip(page)
    z = np.array([row[-2] for row in rows])
    assert [sum(row[1:-2]) for row in rows] == pytest.approx(z, abs=0.006 * len(rows[0]))
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    assert [row[-1] / 100 for row in rows] == pytest.approx(p, abs=0.012)


EDGES = f"""() => [...{ROOT}.querySelectorAll('[data-edge]')]
  .filter((button) => button.ariaPressed === 'true').map((button) => button.dataset.edge)"""


# A point of a line, and the name of what the page has there; other lines may lie on it.
ON = """([name, part]) => {
  const page = document.querySelector('.ragteach-explorer').shadowRoot;
  const edge = [...page.querySelectorAll('.edge')].find((e) => e.textContent === name);
  const [x1, x2, y1, y2] = ['x1', 'x2', 'y1', 'y2'].map((k) => Number(edge.firstChild.getAttribute(k)));
  const { left, top } = edge.ownerSVGElement.getBoundingClientRect();
  return [left + x1 + part * (x2 - x1), top + y1 + part * (y2 - y1)];
}"""
THERE = """(at) => document.querySelector('.ragteach-explorer').shadowRoot.elementFromPoint(...at)
  .closest('.edge').textContent"""


def test_boxes_are_connected_by_hand_finger_and_keyboard(opened):
    """Whatever the way: films and A2 are connected, and nothing else changes; then apart again."""
    page = opened(viewport={"width": 1280, "height": 900})
    films, a2 = (
        page.get_by_role("button", name=name) for name in (re.compile("^films, c"), "adapter A2, c")
    )

    def drag():
        films.hover()
        page.mouse.down()
        a2.hover()
        page.mouse.up()

    def choose():
        a2.click()
        films.click()

    def keys():
        films.focus()
        page.keyboard.press("Enter")
        a2.press(" ")

    def line():
        page.mouse.click(*page.evaluate(ON, ["films – A2", 0.3]))

    def button():
        page.get_by_text("As a matrix").click()
        page.get_by_label("films uses adapter A2").click()

    before = page.evaluate(EDGES)
    assert before == ["0,0", "1,1", "2,2", "3,3"]
    for number, way in enumerate((drag, choose, keys, line, button)):
        way()
        say(page)
        expected = sorted({*before, "0,1"}) if number % 2 == 0 else before
        assert page.evaluate(EDGES) == expected, way.__name__
        connected = "A1, A2" if number % 2 == 0 else "A1"
        assert films.get_attribute("aria-label") == f"films, connected with {connected}"
    assert page.said == []


@pytest.mark.parametrize("touch", [False, True])
def test_of_lines_that_lie_on_each_other_the_nearest_is_taken(opened, touch):
    """All lines of a task begin at one point, and all of an adapter end at one."""
    page = opened(
        {"graph": [[0] * 4] * 4}, viewport={"width": 1280, "height": 900}, has_touch=touch
    )
    hidden = 0
    for t, task in enumerate(("films", "cars", "food", "phones")):
        k = t // 2
        name = f"{task} – A{k + 1}"
        at = page.evaluate(ON, [name, 0.15 if t % 2 else 0.85])
        hidden += page.evaluate(THERE, at) != name  # another lies over it
        if touch:
            page.touchscreen.tap(*at)
        else:
            page.mouse.move(*at)
            assert page.evaluate(THERE, at) == name  # it is lit, and its name is shown
            page.mouse.down()
            page.mouse.up()
        page.wait_for_function(f"({EDGES})().length === 1")
        assert page.evaluate(EDGES) == [f"{t},{k}"]
        page.get_by_label(f"{task} uses adapter A{k + 1}").evaluate("node => node.click()")
        page.wait_for_function(f"({EDGES})().length === 0")
    assert hidden
    assert page.said == []


def test_all_of_it_fits_on_one_small_screen(opened):
    page = opened(viewport={"width": 800, "height": 800})
    assert page.evaluate(f"{ROOT}.querySelector('.panels').getBoundingClientRect().bottom") <= 800
    cosines = page.get_by_text("Cosines of their gradients")
    table = page.get_by_role("table").filter(has_text="cos")
    assert table.is_hidden()
    cosines.click()
    assert table.is_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert table.is_visible()
