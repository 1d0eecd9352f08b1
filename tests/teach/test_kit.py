"""The teacher's kit: made from the course, complete, and readable without a network."""

import itertools
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from ragteach.errors import RagteachError
from ragteach.teach import checks
from ragteach.teach.classroom import kit, timetables
from ragteach.teach.classroom.mistakes import known_mistakes


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    made = kit.make_kit(tmp_path_factory.mktemp("kit"))
    return [zipfile.ZipFile(path) for path in made]


@pytest.fixture(scope="module")
def pages(zips):
    names = [name for name in zips[1].namelist() if name.endswith(".html")]
    return {name: zips[1].read(name).decode() for name in names}


def test_students_get_the_lessons_without_solutions(zips):
    students, teachers = (set(z.namelist()) for z in zips)
    assert {"00_start_here.ipynb", "laws.md", "START.txt", "images/who_wins.png"} <= students
    assert not [name for name in students if "solutions" in name or "keys" in name]
    assert {f"students/{name}" for name in students} <= teachers
    for folder in ("plans", "keys", "slides", "solutions"):
        assert len([name for name in teachers if name.startswith(f"{folder}/")]) >= 13


def test_the_address_of_the_course_stands_in_one_place(zips):
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    there = project["urls"]["Repository"]
    assert f"git+{there}" in zips[0].read("START.txt").decode()
    code = [*root.glob("ragteach/**/*.py"), *root.glob("tools/**/*.py")]
    code += root.glob("notebooks/_source/*.py")
    assert len(code) > 150
    assert not [path for path in code if there in path.read_text("utf-8")]


def test_a_teacher_finds_everything_from_one_page(zips, pages):
    names = set(zips[1].namelist())
    links = set(re.findall(r'<a href="(.*?)"', pages["START.html"]))
    assert links <= names
    pages_but_it = {name for name in pages if name != "START.html"}
    assert pages_but_it | {name for name in names if name.startswith("solutions/")} <= links
    assert "A JupyterHub for 30" in pages["teaching.html"]
    assert "<table>" in pages["teaching.html"]


def test_every_page_stands_alone(pages):
    for name, page in pages.items():
        assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?:", page), name
        assert "<</" not in page, name
        assert "img { max-width: 100%" in page, name  # a wide picture was cut off
        assert not re.search(r"[?!…]\.<", page), name
        assert not re.search(r"<h[23]>(?:(?!</h).)*<(?:ol|ul|p)\b", page, re.DOTALL), name
        assert not [alt for alt in re.findall(r"<img alt=\"(.*?)\"", page) if len(alt) < 20], name


@pytest.mark.parametrize("number", ["01-2", "03-6", "06-1", "01-w", "00-4"])
def test_a_plan_says_what_goes_wrong_and_a_key_what_is_right(pages, number):
    lesson = next(name for name in pages if name.startswith(f"plans/{number[:2]}_"))
    exercise = checks.get(number)
    assert f"Exercise {number}" in pages[lesson] and exercise.hints[0][:25] in pages[
        lesson
    ].replace("&#x27;", "'")
    assert f"<h2>{number} ·" in pages[lesson.replace("plans/", "keys/")]


def test_every_exercise_has_mistakes_to_expect_and_misconceptions_come_first(pages):
    """Plans once had empty lists: a check names its messages in tables, and in other files."""
    plans = " ".join(page for name, page in pages.items() if name.startswith("plans/"))
    assert len(re.findall(r"What goes wrong:", plans)) > 150 and "<ul></ul>" not in plans
    for number in checks.REGISTRY:
        told = known_mistakes(number)
        assert len(told) >= 3, number
        assert not [t for t in told if t[:2] in (". ", ", ") or "does all that it should" in t]
    assert "graph is left out" in known_mistakes("02-2")[0]
    assert known_mistakes("02-5")[-1].startswith("Give exactly the two entries")


def test_no_split_into_six_weeks_has_a_lighter_heaviest_week(zips):
    lessons = [kit.read_lesson(p) for p in sorted((kit.notebooks() / "solutions").glob("[01]*"))]
    minutes = {lesson.number: lesson.minutes for lesson in lessons}
    weeks = [[minutes[number] for number in members] for _, members in timetables.SIX]
    assert sum(weeks, []) == list(minutes.values())
    every = list(minutes.values())
    cuts = itertools.combinations(range(1, len(every)), 5)
    heaviest = [
        max(sum(every[a:b]) for a, b in itertools.pairwise((0, *cut, len(every)))) for cut in cuts
    ]
    assert max(map(sum, weeks)) == min(heaviest)


def test_a_key_holds_the_code_and_the_model_proofs(pages):
    key = pages["keys/06_fair_comparison.html"]
    assert "def paired_interval" in key
    assert "The step people miss" in pages["keys/10_real_data.html"]
    assert "Model proofs" in pages["keys/10_real_data.html"]


def test_minutes_of_a_plan_add_up_to_the_lessons():
    for path in sorted((kit.notebooks() / "solutions").glob("0*.ipynb")):
        lesson = kit.read_lesson(path)
        assert abs(sum(kit.shares(lesson)) - lesson.minutes) <= len(lesson.sections)


def test_a_lab_takes_two_hours_at_most_and_what_is_bonus_comes_on_top(pages):
    for path in sorted((kit.notebooks() / "solutions").glob("lab_*.ipynb")):
        lesson = kit.read_lesson(path)
        assert 60 <= lesson.minutes <= 120
        minutes = dict(zip([s.title for s in lesson.sections], kit.shares(lesson), strict=True))
        bonus = [s.title for s in lesson.sections if s.bonus]
        counted = sum(minutes.values()) - sum(minutes[title] for title in bonus)
        assert abs(counted - lesson.minutes) <= len(lesson.sections)
        assert bonus and all("report" not in title.lower() for title in bonus)
        page = pages[f"plans/{path.stem}.html"]
        assert page.count("<h2>on top, about ") <= len(bonus)
        last = max(int(end) for end in re.findall(r"<h2>\d+–(\d+) min", page))
        assert abs(last - lesson.minutes) <= len(lesson.sections)


def test_every_lab_is_a_project_with_a_plan_a_key_and_a_rubric(pages):
    labs = [path.stem for path in (kit.notebooks() / "solutions").glob("lab_*.ipynb")]
    assert labs
    projects = pages["timetables.html"].split("<h2>Projects")[1]
    for lab in labs:
        assert re.findall(rf"Exercise {lab}-\d", pages[f"plans/{lab}.html"])
        assert f"<h2>{lab}-1 ·" in pages[f"keys/{lab}.html"]
        assert re.findall(rf"<h2>{lab}-\d+ ·", pages["rubrics.html"])
        lesson = kit.read_lesson(kit.notebooks() / "solutions" / f"{lab}.ipynb")
        assert lesson.minutes > 0 and str(lesson.minutes) in projects and lesson.able


def test_slides_hold_one_idea_each(pages):
    deck = pages["slides/01_why_share.html"]
    found = re.findall(r'<section class="slide".*?</section>', deck, re.DOTALL)
    assert len(found) >= 12
    for slide in found:
        assert slide.count("<h2>") == 1 and slide.count("<img") <= 1
        assert len(re.sub(r"<math.*?</math>|<[^>]+>", "", slide, flags=re.DOTALL)) < 900


@pytest.fixture(scope="module")
def texts(pages):
    """The slides of all decks that hold a text, formulas written as $."""
    found = []
    for name, deck in pages.items():
        if name.startswith("slides/"):
            deck = re.sub(r"<math.*?</math>", "$", deck, flags=re.DOTALL)
            found += re.findall(r'<section class="slide"[^>]*>(.*?)<footer>', deck, re.DOTALL)
    return [slide for slide in found if "<img" not in slide and "Your turn" not in slide]


def test_no_slide_breaks_off(texts):
    """ "The article gives its model in one line:" once stood on a slide, without the line."""
    assert len(texts) > 300
    for slide in texts:
        assert slide.strip().count("<h2>") == 1 and '<a href="#"' not in slide
        if re.search(r"</table>\s*(</div>\s*)*$", slide):
            continue  # a whole table ends it
        last = re.sub(r"<[^>]+>", "", slide).replace("&quot;", '"').replace("&#39;", "'").strip()
        assert re.search(r"""[.?!)$"'”∎]$""", last), last[-200:]


def test_slides_show_the_formulas_and_end_with_the_recap(pages, texts):
    deck = pages["slides/02_equation.html"]
    assert deck.count("<math") > 10
    assert deck.rindex("<h2>Recap</h2>") > deck.rindex("Your turn")
    objective = pages["slides/03_losses.html"].split("<h2>The whole objective</h2>")[1]
    assert objective.split("</section>")[0].count('display="block"') == 3  # 278 pixels too wide
    with_formula = [slide for slide in texts if re.search(r"<p>\s*\$\s*</p>", slide)]
    assert len(with_formula) > 40
    words = [re.sub(r"<[^>]+>", " ", slide).split() for slide in texts]
    assert max(map(len, words)) <= 130


def test_timetables_name_every_lesson(pages):
    page = pages["timetables.html"]
    assert "A workshop of 90 minutes" in page
    for table in page.split("<h2>")[1:3]:
        assert all(f"{n:02d} ·" in table for n in range(14))


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RagteachError, match="out to be a folder to write to"):
        kit.make_kit(tmp_path / "file" / "kit")
