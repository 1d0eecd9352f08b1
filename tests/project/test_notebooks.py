"""The notebooks are what their lessons generate, run clean, and say PASS or TODO as they must.

The machinery itself is tried on a small lesson written here, before any real lesson.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
import pytest
from forks import forked_kernels
from lesson_runs import run_of, why_alone
from lesson_source import build

from ragteach.widgets.base import MIME

ROWS = build.lessons()
NAMES = [row["name"] for row in ROWS]
LESSONS = [row for row in ROWS if build.teaches(row["name"])]
LESSON_NAMES = [row["name"] for row in LESSONS]
PAIRS = [(row, kind) for row in ROWS for kind in build.paths(row["name"])]


@functools.cache
def student(name: str):
    """A student's notebook as it is generated, to be read."""
    return build.generate(ROWS[NAMES.index(name)], ROWS, "student")


def exercises_of(name: str) -> set[str]:
    from ragteach.teach import checks

    number = name if name.startswith("lab_") else name.split("_")[0]
    try:
        checks.get(f"{number}-1")
    except ValueError:
        return set()
    return {key for key in checks.REGISTRY if key.rpartition("-")[0] == number}


# ------------------------------------------------------------------ the real lessons


def test_notebooks_are_what_their_lessons_generate():
    assert build.check() == []


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("row", "kind"), PAIRS, ids=[f"{row['name']}-{kind}" for row, kind in PAIRS]
)
def test_a_lesson_runs(row, kind, tmp_path_factory):
    """Run it: no error or warning, the statuses it must have, the text that is committed, in its
    time. A lesson that has a short form runs in it.
    """
    path = build.paths(row["name"])[kind]
    fresh, seconds = run_of(row["name"], kind, tmp_path_factory)
    assert build.faults(fresh, row["name"]) == []
    assert build.unmet(fresh, kind, row["name"]) == []
    assert set(build.statuses(fresh)) == exercises_of(row["name"])
    assert build.stale(nbformat.read(path, as_version=4), fresh, row["name"], kind) == []
    assert seconds < 60, f"{row['name']} needs {seconds:.0f} CPU seconds"


SHORTENED = [
    name for name in NAMES if "sized(" in (build.SOURCE / f"{name}.py").read_text(encoding="utf-8")
]


@pytest.mark.notebooks
@pytest.mark.long
@pytest.mark.parametrize("kind", build.KINDS)
@pytest.mark.parametrize("name", SHORTENED)
def test_a_lesson_that_has_a_short_form_runs_whole(name, kind, tmp_path_factory):
    fresh, seconds = run_of(name, kind, tmp_path_factory, whole=True)
    assert build.faults(fresh, name) == []
    assert build.unmet(fresh, kind, name) == []
    assert build.shortened(fresh) == set()
    committed = nbformat.read(build.paths(name)[kind], as_version=4)
    assert build.stale(committed, fresh, name, kind) == []
    assert seconds < 6 * 60, f"{name} needs {seconds:.0f} CPU seconds"


@pytest.mark.notebooks
@pytest.mark.long
@pytest.mark.parametrize("name", LESSON_NAMES)
def test_a_student_s_figures_are_drawn_without_a_warning(name, tmp_path_factory):
    """Above, those of the solution stand for them."""
    fresh, _ = run_of(name, "student", tmp_path_factory, drawn=True)
    assert build.faults(fresh, name) == []


@pytest.mark.notebooks
@pytest.mark.long
@pytest.mark.parametrize("name", LESSON_NAMES)
def test_a_lesson_s_notebooks_run_together_are_what_each_is_alone(name, tmp_path_factory):
    """Word by word; above they are run together, where that may be."""
    assert why_alone(name, tmp_path_factory) == []
    for kind in build.KINDS:
        alone, together = (
            run_of(name, kind, tmp_path_factory, alone=alone)[0] for alone in (True, False)
        )
        assert build.masked(together) == build.masked(alone)


@pytest.mark.parametrize("name", [n for n in NAMES if "solution" in build.paths(n)])
def test_what_came_out_is_shown_beside_what_was_predicted(name):
    """A reveal in the middle of a cell shows nothing: it ends its cell, or stands in display."""
    for cell in nbformat.read(build.paths(name)["solution"], as_version=4).cells:
        if cell.cell_type == "code" and "reveal(" in cell.source:
            asked = len(re.findall(r"\breveal\(", cell.source))
            plain = [str(o.get("data", {}).get("text/plain", "")) for o in cell.outputs]
            shown = "".join(plain).count("You predicted")
            assert shown >= asked or "volatile" in cell.metadata.get("tags", []), cell.source


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    for kind, path in build.paths(name).items():
        text = "\n".join(
            c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"
        )
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if not re.match(r"[a-z]+:", target):
                assert (path.parent / target).exists(), f"{name} ({kind}): {target}"


def lesson_code(nb) -> str:
    return "\n".join(c.source for c in nb.cells if c.cell_type == "code")


@pytest.mark.parametrize("row", LESSONS, ids=LESSON_NAMES)
def test_every_lesson_has_the_rhythm(row):
    """A prediction before its reveal, a widget, a proof, an answer that a reader judges, recap,
    sources.
    """
    nb = student(row["name"])
    code = lesson_code(nb)
    guesses, shown = (
        {m[1]: m.start() for m in re.finditer(rf'\b{name}\(\s*"([^"]+)"', code)}
        for name in ("predict", "reveal")
    )
    assert guesses and set(guesses) == set(shown)
    assert all(guesses[key] < shown[key] for key in guesses)
    assert re.search(r"\bwidgets\.\w+\(", code)
    proofs = [
        c for c in nb.cells if c.cell_type == "markdown" and "answer" in c.metadata.get("tags", [])
    ]
    assert proofs
    headings = {
        line for c in nb.cells if c.cell_type == "markdown" for line in c.source.splitlines()
    }
    assert {"## Recap", "## Sources"} <= headings


@pytest.mark.parametrize("row", LESSONS, ids=LESSON_NAMES)
def test_every_exercise_has_its_card_before_its_cell_and_one_has_a_rubric(row):
    from ragteach.teach import checks

    numbers = exercises_of(row["name"])
    assert len(numbers) >= (4 if row["name"].startswith("00_") else 5)
    assert any(checks.get(number).rubric for number in numbers)
    said = " ".join(f"{checks.get(n).title} {checks.get(n).trains}" for n in numbers)
    assert row["name"].startswith("lab_") or "experiment" in said  # a lab is one as a whole
    code = lesson_code(student(row["name"]))
    for number in numbers:
        assert 0 <= code.find(f'card("{number}")') < code.find(f'check("{number}", ')


@pytest.mark.parametrize("row", LESSONS, ids=LESSON_NAMES)
def test_an_answer_has_one_source(row):
    """A lesson writes a solution itself only if it is an experiment or a sum that is worked out."""
    from ragteach.teach import checks

    source = (build.SOURCE / f"{row['name']}.py").read_text(encoding="utf-8")
    for cell in jupytext.reads(source, fmt="py:percent").cells:
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        ((_, number),) = build.CHECK.findall(cell.source)
        for indent, answer in build.REGION.findall(cell.source + "\n"):
            assert not indent and not callable(checks.get(number).reference), number
            worked = (ast.BinOp, ast.Call)
            assert any(isinstance(node, worked) for node in ast.walk(ast.parse(answer))), number


@pytest.mark.parametrize("row", LESSONS, ids=LESSON_NAMES)
def test_a_student_imports_no_answers(row):
    tree = ast.parse(lesson_code(student(row["name"])))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
            assert not [name for name in named if "answers" in name]


DRAWING = "fig, ax = plt.subplots()\n" + 12 * "ax.plot([1, 2])\n" + "plots.show(fig, alt='a line')"


def test_a_long_cell_that_only_draws_begins_folded():
    assert build.draws(DRAWING)
    assert not build.draws(DRAWING.replace("plots.show", "plots.draw"))
    assert not build.draws(DRAWING.replace("ax.plot([1, 2])\n", "", 6))  # short
    assert not build.draws(DRAWING + "\n" + 12 * "computed = best_of(path, val, test)\n")
    for name in ("01_why_share", "07_lambda_as_prior", "08_what_random_does"):
        nb = nbformat.read(build.paths(name)["student"], as_version=4)
        folded = [c for c in nb.cells if c.metadata.get("jupyter", {}).get("source_hidden")]
        assert len(folded) >= 4
        assert all(c.metadata.cellView == "form" for c in folded)
        assert all(build.draws(c.source) or "folded" in c.metadata.tags for c in folded)


@pytest.mark.parametrize("name", LESSON_NAMES)
def test_a_cell_that_takes_the_reference_says_so(name):
    """No lesson says "your function" where the reference runs in any case."""
    text = " ".join((build.SOURCE / f"{name}.py").read_text(encoding="utf-8").split())
    assert "If you have not finished" not in text


def test_the_course_has_forty_exercises():
    counted = {number for name in NAMES for number in exercises_of(name)}
    assert len(counted) >= 40, sorted(counted)


# ------------------------------------------------------------------ the machinery, on a lesson of
# its own

LESSON = """
# %% [markdown]
# A question, and a picture. The course: {{lessons}}

# %%
import numpy as np
from IPython.display import display

from ragteach.teach.checks import check, reference
from ragteach.teach.hints import predict, reveal

# %% [markdown] tags=["solution"]
# Only in the solution.

# %% [markdown] tags=["student"]
# Only for the student.

# %% [markdown] tags=["answer"]
# The proof, line by line.

# %%
guess = ...
### BEGIN SOLUTION
guess = "more"
### END SOLUTION
predict("00-a", guess)

# %% tags=["exercise"]
### BEGIN SOLUTION
helper = 3 * 100
n_weights = (1 + 4) * helper
### END SOLUTION
check("00-1", n_weights)

# %% tags=["volatile"]
np.random.default_rng().random()

# %%
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


def triple(x):
    ### BEGIN SOLUTION
    y = 3 * x
    ### END SOLUTION
    return y


double(reference("00-1")), triple(1), reveal("00-a", "more")

# %%
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
ALT = "A single red dot on white, for the tests."
display({"image/png": PNG, "text/plain": ALT}, raw=True, metadata={"image/png": {"alt": ALT}})
"""
TOML = '[[lesson]]\nname = "00_example"\ntitle = "Example"\nminutes = 1\nable = "see one"\n'
README = "# course\n\n<!-- lessons -->\n<!-- /lessons -->\n"


@pytest.fixture
def course(tmp_path) -> Iterator[Path]:
    """A course of one lesson, run by forked kernels; gives its _source folder."""
    source = tmp_path / "notebooks" / "_source"
    source.mkdir(parents=True)
    (source / "00_example.py").write_text(LESSON, encoding="utf-8")
    (source / "lessons.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    with forked_kernels():
        yield source


def read(source: Path, kind: str = "student"):
    return nbformat.read(build.paths("00_example", source)[kind], as_version=4)


def code(nb) -> str:
    return "\n\n".join(c.source for c in nb.cells if c.cell_type == "code")


def words(nb) -> str:
    return "\n\n".join(c.source for c in nb.cells if c.cell_type == "markdown")


@pytest.mark.notebooks
def test_a_private_cell_runs_and_keeps_only_its_pictures(course):
    lesson = course / "00_example.py"
    picture = LESSON[LESSON.index("PNG =") :]
    text = (
        "from IPython.display import display\n"
        + 'print("a sentence of somebody else")\n'
        + picture
        + "1 + 1\n"
    )
    lesson.write_text('# %% tags=["private"]\n' + text, encoding="utf-8")
    build.build([], course)
    nb = read(course)
    (outputs,) = [c.outputs for c in nb.cells if "private" in c.metadata.get("tags", [])]
    assert [sorted(o.data) for o in outputs] == [
        ["image/png", "text/plain"],
        ["text/markdown", "text/plain"],
    ]
    assert outputs[1].data["text/plain"] == build.PRIVATE_NOTE
    assert build.check(course, again=True) == []


def test_a_slow_cell_that_does_not_say_so_is_told():
    code = [nbformat.v4.new_code_cell(text) for text in ("a = 1", "# About 20 seconds.\nb = 2")]
    nb = nbformat.v4.new_notebook(cells=code)
    (line,) = build.untold(nb, {0: 17.2, 1: 17.2})
    assert line.startswith("cell 0 took 17 s") and "# About 15 seconds." in line
    assert build.untold(nb, {0: 1.0, 1: 17.2}) == []
    (line,) = build.untold(nb, {0: 4.4})  # on a machine that is a little slower these are five
    assert "# About 5 seconds." in line


@pytest.mark.notebooks
def test_building_is_deterministic_and_checked(course, capsys):
    build.build([], course)
    first = {k: p.read_bytes() for k, p in build.paths("00_example", course).items()}
    assert build.check(course) == []
    assert build.check(course, again=True) == []  # the volatile cell may say what it likes
    nb = {kind: read(course, kind) for kind in build.KINDS}
    assert build.statuses(nb["student"]) == {}  # after a prediction no output is kept
    assert build.statuses(nb["solution"]) == {"00-1": {"PASS"}}
    build.build(["00_example"], course)
    volatile = re.compile(rb'"0\.\d+"')
    for kind, path in build.paths("00_example", course).items():
        assert volatile.sub(b"", path.read_bytes()) == volatile.sub(b"", first[kind])
    table = "| [00 · Example](notebooks/00_example.ipynb) | 1 | see one |"
    assert table in (course.parent.parent / "README.md").read_text(encoding="utf-8")

    # and every way to spoil it is found
    for path in build.paths("00_example", course).values():
        path.write_text(
            path.read_text(encoding="utf-8").replace("A question", "An edit"), encoding="utf-8"
        )
    assert [line for line in build.check(course) if "differs from its lesson" in line]
    build.paths("00_example", course)["student"].unlink()
    assert [line for line in build.check(course) if "missing" in line]
    (course.parent / "old.ipynb").write_text("{}", encoding="utf-8")
    assert [line for line in build.check(course) if "no lesson makes this" in line]


def test_the_student_version_keeps_names_and_hides_solutions(course):
    rows = build.lessons(course)
    student = build.generate(rows[0], rows, "student", course)
    solution = build.generate(rows[0], rows, "solution", course)
    assert "n_weights = ...\ncheck(" in code(student)
    assert "helper" not in code(student)
    assert "    # YOUR CODE HERE\n    ...\n" in code(student)
    assert "    # YOUR CODE HERE\n    y = ...\n    return y" in code(student)
    assert "SOLUTION" not in code(student)
    assert "return 2 * x" in code(solution)
    assert "Only for the student." in words(student) and "Only in the solution." not in words(
        student
    )
    assert "Only for the student." not in words(solution) and "Only in the solution." in words(
        solution
    )
    assert "The proof" not in words(student) and "Your answer" in words(student)
    assert "| [00 · Example](00_example.ipynb) | 1 | see one |" in words(student)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [("1 2 3", None), ("1 2 5 3 4", "5 comes before 00-3"), ("2 1", "2 comes before 00-1"),
     ("1 3 2 5 4", "3 comes before 00-2"), ("1 3 4", None)],
)  # fmt: skip
def test_an_exercise_out_of_order_is_said_where_it_stands(numbers, said):
    cells = [build.nbformat.v4.new_code_cell(f'card("00-{n}")') for n in numbers.split()]
    found = build.ordered(cells)
    assert [cell for cell in found if cell.cell_type == "code"] == cells
    words = [(i, cell.source) for i, cell in enumerate(found) if cell.cell_type == "markdown"]
    if said is None:
        assert words == []
    else:
        ((at, text),) = words
        assert said in text and found[at + 1].source == f'card("00-{said[0]}")'


MARKED = """
# %% tags=["exercise"]
def header(data):
    \"""data -> its header.\"""
    n = int.from_bytes(data[:8], "little")
    ...  ### SOLUTION


check("12-1", header)

# %% tags=["exercise"]
class BestEpoch:
    def on_epoch(self, model, epoch, record):
        \"""Keeps the best.\"""
        ...  ### SOLUTION


check("12-5", BestEpoch)

# %% tags=["exercise"]
text = ...  ### SOLUTION
check("00-3", text)

# %% tags=["exercise"]
can_be = dict.fromkeys("abcdef", ...)
can_be.update(...)  ### SOLUTION
check("03-8", can_be)
"""


def test_a_marked_gap_gets_the_reference_of_its_exercise(course):
    (course / "00_example.py").write_text(MARKED, encoding="utf-8")
    rows = build.lessons(course)
    student, solution = (build.generate(rows[0], rows, kind, course) for kind in build.KINDS)
    said = code(solution)
    assert said.count("int.from_bytes") == 1  # what the lesson shows already is not said twice
    assert "    ### BEGIN SOLUTION\n    return json.loads(data[8 : 8 + n])\n" in said
    assert '        if record["val_loss"] < self.val_loss:\n            self.epoch' in said
    assert 'text = "bca"\n' in said
    assert 'can_be.update(\n    {\n        "a": "impossible",\n' in said
    said = code(student)
    assert "    # YOUR CODE HERE\n    ...\n\n\ncheck" in said and "json.loads" not in said
    assert "text = ...\ncheck(" in said and "impossible" not in said
    assert "SOLUTION" not in said


@pytest.mark.notebooks
def test_a_solution_that_its_own_check_refuses_is_not_built(course):
    lesson = LESSON.replace("(1 + 4) * helper", "(1 + 4) * helper // 3 * 5")  # 5 classes for 3
    (course / "00_example.py").write_text(lesson, encoding="utf-8")
    with pytest.raises(build.BuildError, match="check 00-1 says FAIL, not PASS"):
        build.build([], course)


def test_a_new_cell_leaves_the_other_ids_alone(course):
    rows = build.lessons(course)
    before = {c.source: c.id for c in build.generate(rows[0], rows, "solution", course).cells}
    path = course / "00_example.py"
    path.write_text("# %%\nnew = 1\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    cells = build.generate(rows[0], rows, "solution", course).cells
    after = {c.source: c.id for c in cells}
    assert {source: after[source] for source in before} == before
    assert len({c.id for c in cells}) == len(cells)


@pytest.mark.parametrize(
    ("lesson", "message"),
    [
        ("# %%\n### BEGIN SOLUTION\nx = 1\n", "without its END SOLUTION"),
        ("# %%\n### BEGIN SOLUTION\nimport os\n### END SOLUTION\n", "import inside a solution"),
        ('# %% tags=["exrcise"]\nx = 1\n', "unknown tags"),
        ('# %% tags=["exercise"]\nx = 1\n', "needs a solution and a check"),
        ("# %%\nx = ...  ### SOLUTION\n", "with no check"),
    ],
)
def test_a_faulty_lesson_is_refused(course, lesson, message):
    (course / "00_example.py").write_text(lesson, encoding="utf-8")
    rows = build.lessons(course)
    with pytest.raises(build.BuildError, match=message):
        build.generate(rows[0], rows, "student", course)


def test_a_tool_is_one_notebook_and_a_lab_is_two(course):
    folder = course.parent
    assert build.paths("own_data", course) == {"student": folder / "own_data.ipynb"}
    assert set(build.paths("lab_robot", course)) == set(build.KINDS)
    extra = TOML.replace("00_example", "{}").replace("Example", "{}")
    toml = TOML + extra.format("lab_robot", "Robot") + extra.format("own_data", "Your own data")
    (course / "lessons.toml").write_text(toml, encoding="utf-8")
    for name in ("lab_robot", "own_data"):
        (course / f"{name}.py").write_text("# %%\n1 + 1\n", encoding="utf-8")
    rows = build.lessons(course)
    assert [build.label(row) for row in rows] == ["00 · Example", "Lab · Robot", "Your own data"]
    lab, tool = (build.generate(row, rows, "student", course) for row in rows[1:])
    assert "[solutions](solutions/lab_robot.ipynb)" in words(lab)
    assert "solutions" not in words(tool) and "comes after" not in words(tool)
    assert "Next: [Your own data](own_data.ipynb)" in words(lab)
    assert "begins with [00 · Example](00_example.ipynb)" in words(tool)


def test_a_lesson_that_is_not_in_the_table_is_refused(course):
    (course / "01_more.py").write_text("", encoding="utf-8")
    with pytest.raises(build.BuildError, match="Make them the same"):
        build.lessons(course)


def notebook_with(*outputs):
    cell = nbformat.v4.new_code_cell("1", execution_count=1, outputs=list(outputs))
    return nbformat.v4.new_notebook(cells=[cell])


def display_data(data, metadata=None):
    return nbformat.v4.new_output("display_data", data=data, metadata=metadata or {})


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (display_data({"image/png": "xx"}), "without alt text"),
        (display_data({"text/html": "<img src='x'>"}), "without alt text"),
        (display_data({"text/plain": "<thing at 0x7f0123456789>"}), "memory address"),
        (display_data({build.WIDGET: {"model_id": "1"}}), "live widget"),
        (nbformat.v4.new_output("stream", name="stderr", text="UserWarning: x"), "stderr"),
        (
            nbformat.v4.new_output("error", ename="ValueError", evalue="x", traceback=[]),
            "ends in ValueError",
        ),
    ],
)
def test_every_fault_of_an_output_is_found(output, message):
    (said,) = build.faults(notebook_with(output), "lesson")
    assert message in said


@pytest.mark.parametrize(
    ("kind", "outputs", "said"),
    [
        ("solution", ["✓ PASS 00-1: right"], []),
        ("student", ["… TODO 00-1: not yet"], []),
        ("solution", ["✗ FAIL 00-1: no"], ["x: check 00-1 says FAIL, not PASS"]),
        ("solution", ["… TODO 00-1: not yet"], ["x: check 00-1 says TODO, not PASS"]),
        ("student", ["✓ PASS 00-1: right"], ["x: check 00-1 says PASS, not TODO"]),
        ("student", ["✗ FAIL 00-1: no"], ["x: check 00-1 says FAIL, not TODO"]),
        ("solution", [], ["x: check 00-1 shows no result"]),
        (
            "solution",
            ["✓ PASS 00-1: right", "✗ FAIL 00-1: no"],
            ["x: check 00-1 says FAIL, not PASS"],
        ),
    ],
)
def test_a_check_that_says_what_it_must_not_is_found(kind, outputs, said):
    nb = notebook_with(*(display_data({"text/plain": text}) for text in outputs))
    nb.cells[0].source = 'check("00-1", n_weights)'
    nb.cells[0].metadata["tags"] = ["exercise"]
    assert build.unmet(nb, kind, "x") == said


def test_outputs_that_are_no_faults():
    alt = "Bars: sharing wins on films, loses on cars."
    good = display_data({"image/png": "xx"}, {"image/png": {"alt": alt}})
    assert (
        build.faults(
            notebook_with(good, display_data({"text/html": f"<img src='x' alt='{alt}'>"})), "x"
        )
        == []
    )


def test_a_student_meets_no_answer_before_the_prediction():
    """Outputs stay up to the first prediction; then an explorer's, where no question is open."""
    moving = display_data({MIME: {"kind": "sharing"}, "text/plain": "a slider"})
    picture = display_data({"image/png": "xx"})
    cells = [
        ("plot()", [picture], True),
        ('predict("00-a", guess)', [display_data({"text/plain": "kept"})], True),
        ("plot()", [picture], False),
        ("slider()", [picture, moving], False),  # it may answer 00-a
        ('reveal("00-a", result)', [display_data({"text/plain": "You"})], False),
        ("slider()", [picture, moving], True),
        ("plot()", [picture], False),
        ('predict("00-b", guess)', [], True),
        ("slider()", [picture, moving], False),
    ]
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, outputs=made) for source, made, _ in cells]
    )
    kept = [len(cell.outputs) for cell in build.held_back(nb).cells]
    assert kept == [len(made) if stays else 0 for _, made, stays in cells]


@pytest.mark.parametrize("row", LESSONS, ids=LESSON_NAMES)
def test_what_a_reveal_says_does_not_stand_in_its_source(row):
    """The words are looked up or computed; of two outcomes both may be written."""
    for call in ast.walk(ast.parse(lesson_code(student(row["name"])))):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "reveal":
            assert not isinstance(call.args[1], ast.Constant), ast.unparse(call)


def test_live_widgets_become_a_line_of_text():
    widget = display_data({build.WIDGET: {"model_id": "1"}, "text/plain": "Box(...)"})
    nb = build.normalise(notebook_with(widget))
    assert nb.cells[0].outputs[0].data["text/plain"] == build.WIDGET_NOTE


def test_what_leans_on_a_shortened_cell_is_not_compared():
    sources = [
        "import numpy as np\nn = np.ones(sized(9, 1))",
        "m = np.log(n)",
        "n = np.ones(3)",
        "np.e",
    ]
    texts = ["", "two", "three", "e"]

    def run(first, texts):
        outputs = [display_data({"text/plain": text}) for text in texts]
        outputs[0] = nbformat.v4.new_output("stream", name="stdout", text=first)
        pairs = enumerate(zip(sources, outputs, strict=True))
        cells = [nbformat.v4.new_code_cell(s, outputs=[o], id=f"c{i}") for i, (s, o) in pairs]
        return nbformat.v4.new_notebook(cells=cells)

    committed = run("all", texts)
    short = run("Short form: 1 thing, not 9.", ["", "2", "3", "f"])
    assert build.shortened(committed) == set()
    assert build.shortened(short) == {"c0", "c1"}
    (said,) = build.stale(committed, short, "x")
    assert "cells c2, c3 are stale" in said


def test_stale_outputs_are_found_and_numbers_forgiven():
    def said(text):
        nb = notebook_with(display_data({"text/plain": text}))
        nb.cells[0]["id"] = "a"
        return nb

    assert build.stale(said("sharing wins by 0.12"), said("sharing wins by 0.1199"), "x") == []
    assert build.stale(said("sharing wins by 0.12"), said("adapters win by 0.12"), "x") != []


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_the_minutes_of_the_parts_are_those_of_the_whole(row):
    text = (build.SOURCE / f"{row['name']}.py").read_text(encoding="utf-8")
    parts = re.findall(r"\*\*(?:Core|Extra), about (\d+) minutes:", text)
    assert not parts or sum(map(int, parts)) == row["minutes"]
    said = re.search(r"\*\*Your time\.\*\* About (\d+) minutes(.+?)\n# %%", text, re.DOTALL)
    if said:
        parts = re.findall(r"\bare (\d+)|report\s(?:# )?is (\d+)", said[2].replace("\n# ", " "))
        assert sum(int(a or b) for a, b in parts) == int(said[1]) == row["minutes"]


def test_a_leaderboard_may_change_its_order_but_not_its_names():
    def said(*names):
        rows = "".join(f"<tr><th>{name}</th><td>0.{i}</td></tr>" for i, name in enumerate(names))
        table = {"text/html": f"<table><tbody>{rows}</tbody></table>"}
        cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", table)])
        return [text for _, text in build.masked(nbformat.v4.new_notebook(cells=[cell]))]

    assert said("RAG", "yours") == said("yours", "RAG")
    assert said("RAG", "yours") != said("RAG", "mine")
