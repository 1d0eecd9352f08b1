"""Grading: answers are run again where they can do no harm, and judged where they cannot reach."""

import csv
import json
import os
import subprocess
import sys

import forks
import numpy as np
import pytest
from problems import refused

from ragteach.errors import RagteachError
from ragteach.teach import checks
from ragteach.teach.checks import FAIL, PASS, TODO
from ragteach.teach.classroom import (
    grading,
    judging,
    namespaces,
    pages,
    sandbox,
    slices,
    submissions,
    wire,
    worlds,
)
from ragteach.teach.classroom.sandbox import Limits
from ragteach.teach.classroom.submissions import Submission
from ragteach.teach.course import notebooks

STUDENTS = 38  # of handed_in
linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox of Linux")

IMPORTS = (
    "import numpy as np\nimport ragteach as rt\nfrom ragteach.teach.checks import check, reference"
)
COUNTS = """
def label_counts(frame, word, tasks):
    has = frame["text"].str.contains(rf"\\b{word}\\b")
    rows = [[int((has & (frame.task == t) & (frame.label == c)).sum()) for c in range(3)] for t in tasks]
    return np.array(rows)
check("01-1", label_counts)
"""
ERRORS = """
def expected_errors(n, n_tasks, sigma, tau):
    own = sigma**2 / n
    return own, own / n_tasks + (1 - 1 / n_tasks) * tau**2
check("01-3", expected_errors)
"""
TABLE = 'here = rt.world()\nmine = label_counts(here.train, here.word, list(here.sizes))\ncheck("01-w", mine)'
PROOF = "a = [1, -1, -1, 1]\ncheck('01-2', a)"
PATCH = """
import ragteach.teach.checks as c
c._judge = lambda number, yours: c.Result(number, "PASS", "won")
c.expect_close = c.expect = c.expect_equal = lambda *a, **k: None
c.REGISTRY["01-2"].checker = lambda yours: "won"
check = rt.check = c.check = lambda *a: c._judge(*a)
check("01-2", [1, 2, 3, 4])
"""
BOMB = """
import os
try:
    while True:
        if os.fork() == 0:
            while True: pass
except OSError:
    pass
a = [1, -1, -1, 1]
check("01-2", a)
"""
# What a copy of the grader's memory must not hold: another student's words. Right if there are none.
NEIGHBOURS = """
import gc
word = " ".join(["ada's own", "words"])
found = [o for o in gc.get_objects() if type(o) in (list, tuple, dict, set)]
found = [x for o in found for x in (o.values() if type(o) is dict else o) if type(x) is str]
found = [x for x in found if word in x and x != word]
a = [1, -1, -1, 1] if not found else found
check("01-2", a)
"""
LEFT_ALIVE = """
def answer():
    import atexit, signal, sys, threading, time
    atexit.register(lambda: time.sleep(99))
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM): signal.signal(s, signal.SIG_IGN)
    for _ in range(5): threading.Thread(target=time.sleep, args=(99,)).start()
    sys.setrecursionlimit(10**9)
    sys.settrace(lambda *a: None)
    return [1, -1, -1, 1]
check("01-2", answer())
"""
BUILTINS = """
def answer():
    import builtins, torch
    yes = lambda *a, **k: True
    builtins.all = builtins.any = np.allclose = np.array_equal = torch.equal = torch.allclose = yes
    builtins.abs = builtins.sum = builtins.max = lambda *a, **k: 0
    return [1, 2, 3, 4]
check("01-2", answer())
"""
DEEP = """
class Deep:
    def __repr__(self): return repr(self)
    __str__ = __len__ = __iter__ = __array__ = __getattr__ = __eq__ = lambda self, *a: Deep() == self
a = Deep()
check("01-2", a)
"""
NESTED = "a = []\nfor _ in range(10**5): a = [a]\ncheck('01-2', a)"
SCRIBBLES = """
def answer():
    import os
    for n in range(3, 64):
        try: os.write(n, b"\\xff" * 99)
        except OSError: pass
    return [1, -1, -1, 1]
check("01-2", answer())
"""
VANDAL = """
try:
    open("{victim}", "w").write("was here")
except OSError:
    a = [1, -1, -1, 1]
check("01-2", a)
"""
SCRIPT = "def expected_errors(*a): raise ValueError('<script>alert(1)</script>')\ncheck('01-3', expected_errors)"
IMAGE = "<img src=x onerror=alert(1)>"
# Right answers that no list of names leads to: what an answer leans on shows only when it is run.
HIDDEN = [
    f"{IMPORTS}\nnumber = 20_000 + 17\nhere = rt.world(student_id=str(number))",
    "signs = []\ndef put(sign): signs.append(sign)\nfor sign in (1, -1, -1, 1): put(sign)",
    "def hand_in():\n    mine = list(signs)\n    return check('01-2', mine)\nhand_in()",
    f"{COUNTS.partition('check')[0]}%time table = label_counts(here.train, here.word, list(here.sizes))",
    ERRORS.partition("check")[0],
    "for n, mine in {'01-w': table, '01-3': expected_errors}.items():\n    print(check(n, mine))",
    "with np.errstate(all='ignore'):\n    zeros = lambda *a: np.zeros((3, 3))\n    check('01-1', zeros)",
]
FLOOD = "a = [1, -1, -1, 1]\nfor i in range(50000): print('x' * 1000)\nopen('f', 'wb').write(b'x' * 10**7)\n"


def enter(name):
    return f'rt.world("{name}")'


def notebook(*cells, **foreign):
    cells = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    return json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **foreign}
    )


def table_of(name):
    return checks.get("01-w").bound(worlds.world_of(name)).tolist()


def handed_in(folder):
    """What a class with a few hostile members hands in."""
    adas = table_of("ada")
    good = notebook(IMPORTS, enter("ada"), COUNTS, ERRORS, PROOF, f"{TABLE}  # ada's own words")
    files = {
        "ada.ipynb": good,
        "bert.ipynb": notebook(IMPORTS, enter("bert"), f"check('01-w', {table_of('default')})"),
        "carl.ipynb": notebook(IMPORTS, enter("carl"), f"check('01-w', {adas})"),
        "dora.ipynb": notebook(IMPORTS, enter("dora"), f"check('01-w', {table_of('dora')})"),
        "loop.ipynb": notebook(IMPORTS, "while True: a = 1\ncheck('01-2', a)", ERRORS),
        "exits.ipynb": notebook(
            IMPORTS, "exit()", ERRORS, "import os\na = os._exit(0)", PROOF[19:]
        ),
        "bomb.ipynb": notebook(IMPORTS, BOMB, ERRORS),
        "flood.ipynb": notebook(IMPORTS, FLOOD + "check('01-2', a)"),
        "patch.ipynb": notebook(IMPORTS, PATCH, ERRORS),
        "forged.ipynb": notebook(IMPORTS, "check('01-2', [1, 1, 1, 1])"),
        "forged.json": json.dumps(
            {
                "checks": {n: {"status": "PASS", "tries": 1, "met": []} for n in ("01-2", "01-3")},
                "predictions": {"01-a": "<b>falls</b>"},
                "outcomes": {"01-a": "rises"},
            }
        ),
        "progress.json": json.dumps(
            {
                "class": {"world": "pia"},
                "checks": {
                    "01-w": {"status": "PASS", "answer": table_of("pia")},
                    "01-3": {
                        "status": "FAIL",
                        "answer": {"source": ERRORS},
                        "met": ["You squared."],
                    },
                },
                "written": {"01-6": {"text": "words", "ticks": [1, 2]}},
            }
        ),
        "syntax.ipynb": notebook(IMPORTS, "a = = 3\ncheck('01-2', a)", ERRORS),
        "twice.ipynb": notebook(IMPORTS, "check('01-2', [1, 1, 1, 1])", PROOF, PROOF, TABLE),
        "foreign.ipynb": notebook(
            *["%matplotlib inline\n" + IMPORTS, "!ls\n" + ERRORS],
            nbformat="x",
            metadata=7,
            extra=[],
        ),
        "rubbish.ipynb": "not json",
        "deep.ipynb": "[" * 100_000,
        "empty.ipynb": "",
        "=1+1.ipynb": notebook(IMPORTS, ERRORS),
        "folder/lesson.ipynb": notebook(IMPORTS, ERRORS),
        "gc.ipynb": notebook(IMPORTS, NEIGHBOURS),
        "alive.ipynb": notebook(IMPORTS, LEFT_ALIVE, ERRORS),
        "builtins.ipynb": notebook(IMPORTS, BUILTINS, ERRORS),
        "repr.ipynb": notebook(IMPORTS, DEEP, NESTED, ERRORS),
        "scribbles.ipynb": notebook(IMPORTS, SCRIBBLES, ERRORS),
        "vandal.ipynb": notebook(IMPORTS, VANDAL.format(victim=folder / "victim.txt"), ERRORS),
        "long.ipynb": notebook(IMPORTS, PROOF, "b = 1\n" * 9000, ERRORS),
        "hidden.ipynb": notebook(*HIDDEN),
        "zoe\u0301.ipynb": notebook(IMPORTS, COUNTS, TABLE),  # as macOS writes the name
        "zo\u00e9.json": json.dumps({"class": {"world": "zo\u00e9"}}),
        "victim.txt": "untouched",
        "marked.ipynb": "\ufeff" + notebook(IMPORTS, ERRORS),  # as Notepad saves it
        "UPPER.IPYNB": notebook(IMPORTS, ERRORS),
        "archive/work.zip": "PK",
        "._ada.ipynb": "what macOS lays beside a file",
        f"{IMAGE}.ipynb": notebook(IMPORTS, enter(IMAGE), SCRIPT),
        "=cmd|' -C calc'!A0\n+1.ipynb": notebook(IMPORTS, ERRORS),
        os.fsdecode(b"caf\xe9.ipynb"): notebook(IMPORTS, ERRORS),
        "folder/my_progress.json": json.dumps({"class": {"world": 5}, "checks": 3, "met": None}),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    with open(folder / "huge.ipynb", "wb") as file:
        file.truncate(200_000_000)
    (folder / "link.ipynb").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.json")
    (folder / "dir.ipynb").mkdir()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One run of the command over everything; (results by student, gradebook, folder, what it said)."""
    here = tmp_path_factory.mktemp("class")
    (here / "in").mkdir()
    handed_in(here / "in")
    command = [sys.executable, "-m", "ragteach", "grade", "in", "--out", "out", "--lessons", "01"]
    options = ["--seconds", "3", "--jobs", "2"]
    run = subprocess.run(
        [*command, *options], cwd=here, capture_output=True, text=True, timeout=400
    )
    assert run.returncode == 0, run.stderr
    rows = list(csv.DictReader((here / "out" / "gradebook.csv").read_text().splitlines()))
    assert not any(value[:1] in set("=+-@") for row in rows for value in row.values())
    book = {(row["student"], row["exercise"]): row for row in rows}
    return book, here, run.stdout


def status(graded, student, number):
    return graded[0][student, number]["status"]


@linux
def test_right_answers_get_their_points(graded):
    for number in ("01-1", "01-2", "01-3", "01-w"):
        row = graded[0]["ada", number]
        assert (row["status"], row["points"], row["how"], row["world"]) == (
            PASS,
            "1",
            "apart",
            "ada",
        )
    assert status(graded, "ada", "01-4") == TODO
    assert status(graded, "folder", "01-3") == PASS
    assert status(graded, "twice", "01-2") == PASS  # the later, right copy counts


@linux
def test_what_a_notebook_hands_in_counts_wherever_its_check_stands(graded):
    """Its slices were run alone once: a list filled by a function was empty, a check in a loop no
    answer.
    """
    assert [status(graded, "hidden", n) for n in ("01-2", "01-3", "01-w", "01-1")] == [PASS] * 3 + [
        FAIL
    ]
    row = graded[0]["hidden", "01-w"]
    assert (row["world"], row["note"], row["how"]) == ("20017", "", "apart")
    kept = json.loads((graded[1] / "out" / ".graded" / "hidden.json").read_text())["exercises"]
    assert "zeros" not in kept["01-1"]["message"] and kept["01-1"]["how"] == "apart"


@linux
def test_one_name_in_two_spellings_is_one_student(graded):
    row = graded[0]["zo\u00e9", "01-w"]
    assert (row["status"], row["world"]) == (PASS, "zo\u00e9")


@linux
def test_the_default_worlds_numbers_and_a_neighbours_fail(graded):
    assert status(graded, "bert", "01-w") == FAIL
    assert status(graded, "carl", "01-w") == FAIL
    assert status(graded, "dora", "01-w") == PASS
    assert "typed in" in graded[0]["dora", "01-w"]["note"]
    assert graded[0]["ada", "01-w"]["note"] == ""
    page = (graded[1] / "out" / "class.html").read_text()
    assert "<td>ada</td><td>carl</td><td>01-w</td><td>in two worlds the numbers must differ" in page
    assert "<td>ada</td><td>dora</td>" not in page


@linux
@pytest.mark.parametrize(
    "student",
    ["loop", "exits", "bomb", "flood", "patch", "syntax", "foreign", "alive", "builtins", "repr"]
    + ["scribbles", "vandal", "long"],
)
def test_a_hostile_cell_costs_what_leans_on_it_only(graded, student):
    if student not in ("flood", "long"):
        assert status(graded, student, "01-3") == PASS
    wanted = dict.fromkeys(("bomb", "flood", "alive", "vandal", "long"), PASS)
    wanted |= {"foreign": TODO, "syntax": TODO}
    assert status(graded, student, "01-2") == wanted.get(student, FAIL)


@linux
def test_no_answer_finds_what_others_handed_in(graded):
    """The grader once read everybody before it forked; an answer could hand in a neighbour's."""
    assert status(graded, "gc", "01-2") == PASS


@linux
def test_an_answer_writes_nothing_beside_its_own_folder(graded):
    if "NOT contained" in graded[2]:
        pytest.skip("no namespaces here")
    assert (graded[1] / "in" / "victim.txt").read_text() == "untouched"


@linux
def test_files_as_other_systems_write_and_name_them(graded):
    for student in ("marked", "UPPER", r"'=cmd|' -C calc'!A0\n+1", r"caf\udce9"):
        assert status(graded, student, "01-3") == PASS, student
    assert status(graded, IMAGE, "01-3") == FAIL


@linux
def test_the_run_decides_and_not_the_progress_file(graded):
    row = graded[0]["forged", "01-2"]
    assert row["status"] == FAIL and "says PASS, the run says FAIL" in row["note"]
    assert status(graded, "forged", "01-3") == TODO
    assert status(graded, "progress", "01-w") == PASS  # its answer was run again
    assert status(graded, "progress", "01-3") == PASS
    assert "says FAIL, the run says PASS" in graded[0]["progress", "01-3"]["note"]


@linux
def test_one_bad_file_never_stops_the_rest(graded):
    book, _, said = graded
    told = {
        "link": "leads out of the folder",
        "pipe": "not a regular file",
        "rubbish": "no JSON",
        "deep": "no JSON",
        "empty": "no JSON",
        "huge": "200,000,000 bytes",
        "archive": "no notebook",
    }
    for student, words in told.items():
        assert words in book[student, "01-1"]["note"], student
    assert len({student for student, _ in book}) == STUDENTS
    assert ("contained: network" in said) != ("NOT contained" in said)
    assert "'=1+1" in {student for student, _ in book}  # no formula in a spreadsheet


@linux
def test_pages_show_what_happened_and_run_nothing(graded):
    out = graded[1] / "out"
    page = (out / "class.html").read_text()
    for part in (
        "Misconceptions",
        "01-2",
        "Your sum depends on the weights",
        "You squared.",
        "rises",
    ):
        assert part in page
    assert "<script" not in page and "<b>falls" not in page and "&lt;b&gt;falls" in page
    assert "http" not in page
    feedback = (out / "feedback" / "ada.html").read_text()
    assert "4 of 8 exercises" in feedback and "the world of ada" in feedback
    assert len(list((out / "feedback").iterdir())) == STUDENTS
    for path in (out / "class.html", *(out / "feedback").iterdir()):
        page = path.read_text()
        assert "<script" not in page and "<img" not in page, path


def test_what_is_graded_is_not_graded_again(graded, monkeypatch, capsys):
    """Nothing new: nobody is judged. A changed file: its student alone."""
    _, here, _ = graded
    asked = []

    def judged(waiting, root, state, *rest):
        asked.append(list(waiting))
        for student in waiting:
            grading._write(state, student, grading.ungraded(student, "a trial"))
            yield student

    monkeypatch.setattr(grading, "_judged", judged)
    monkeypatch.setattr(judging, "warm_up", lambda: None)
    how = {"lessons": ("01",), "limits": Limits(seconds=3)}
    grading.grade(here / "in", here / "out", **how)
    (here / "in" / "ada.ipynb").write_text(notebook(IMPORTS, PROOF))
    results = grading.grade(here / "in", here / "out", **how)
    assert asked == [[], ["ada"]]
    assert f"{STUDENTS} graded already, 0 to go" in capsys.readouterr().out
    assert next(r for r in results if r["student"] == "ada")["problem"].endswith("a trial")


def test_a_full_disk_says_how_many_are_kept(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for student in ("ada", "bob"):
        (tmp_path / "in" / f"{student}.ipynb").write_text(notebook(PROOF))

    def judged(*_):
        yield "ada"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(grading, "_judged", judged)
    monkeypatch.setattr(grading, "contained", lambda limits: (True, []))
    monkeypatch.setattr(judging, "warm_up", lambda: None)
    with refused("room to keep what was graded", "left on device; 1 of 2 students", "make room"):
        grading.grade(tmp_path / "in", tmp_path / "out", lessons=("01",))


def test_who_could_not_be_graded_is_tried_again(tmp_path):
    """Ctrl-C reaches the judge's process too: what it leaves is no result."""
    place = grading._place(tmp_path, "ada")
    whole = {"digest": "d", "version": grading.VERSION, "lessons": ["01"]}
    place.write_text(json.dumps(whole))
    assert grading._kept(tmp_path, "ada", "d", ("01",), Limits()) == whole
    place.write_text(json.dumps(grading.ungraded("ada", "KeyboardInterrupt")))
    assert grading._kept(tmp_path, "ada", "d", ("01",), Limits()) is None


@pytest.mark.parametrize("message", ["Run again, it did not end in time.", judging.NO_TIME])
def test_what_ran_out_of_time_is_told_and_tried_again_with_more(tmp_path, message):
    """A right answer on a busy machine: FAIL alone would say that it is wrong."""
    mark = {"how": "none", "status": FAIL, "points": 0, "message": message}
    wrong = mark | {"how": "apart", "message": "You squared."}
    assert "allow more, --seconds" in grading.note_of(mark)
    assert grading.note_of(wrong) == ""
    for marks, again in ({"01-5": mark}, True), ({"01-5": wrong}, False):
        stamp = {"digest": "d", "version": grading.VERSION, "lessons": [], "exercises": marks}
        stamp["limits"] = grading._limits(Limits(seconds=3))
        grading._write(tmp_path, "ada", stamp)
        assert grading._kept(tmp_path, "ada", "d", (), Limits(seconds=3)) == stamp
        longer = grading._kept(tmp_path, "ada", "d", (), Limits(seconds=60))
        assert longer == (None if again else stamp)


@pytest.mark.parametrize(("load", "times"), [(0.2, 1), (4, 1), (8, 2), (40, 10)])
def test_a_crowded_machine_is_given_its_time_by_the_clock(monkeypatch, load, times):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0, 0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert sandbox.crowding() == times


def test_every_exercise_of_a_solved_notebook_has_an_answer_to_grade():
    """A slice for each: an exercise whose ``check`` is not found would cost all its students."""
    for path in sorted((notebooks() / "solutions").glob("*.ipynb")):
        notebook = slices.read(submissions.cells_of(json.loads(path.read_text("utf-8"))))
        wanted = judging.numbers({*notebook.answers, *notebook.mentions}, ())
        assert wanted, path.name
        assert [number for number in wanted if not notebook.answers.get(number)] == []
        assert notebook.broken == {}


HOARD = """
import sys
from ragteach.teach.classroom import wire, worlds
from ragteach.teach.classroom.sandbox import Limits, Student
hoard = "import os\\nfor _ in range(4): os.fork()\\nmine = bytearray(3 * 10**7)\\nimport time; time.sleep(60)"
again = "mine = [bytearray(10**5) for _ in range(6_000)]\\nimport time; time.sleep(60)"
grown = [bytearray(10**5) for _ in range(8_000)]
grown = grown[::400]  # what is let go of lies between what is kept
for takes in (hoard, again):
    limits = Limits(memory=300_000_000, namespaces=sys.argv[1] == "True")
    with Student(limits, worlds.DEFAULT) as student:
        try:
            student.answer((takes,), "mine")
        except wire.Hung as error:
            print(error)
"""


@linux
@pytest.mark.parametrize("apart", [True, False])
def test_processes_of_one_answer_share_one_limit_of_memory(apart):
    """Each once had all of it for itself: thirty-two children, thirty-two times as much.

    And what the program before it had let go of, an answer once could take on top.
    """
    if apart and namespaces.missing():
        pytest.skip("no namespaces here")
    done = forks.python(HOARD, str(apart))
    assert done.stdout.count("its memory") == 2, done.stderr


def test_results_are_kept_apart_from_what_was_handed_in(tmp_path):
    """The folder of feedback was read as a student of the next run."""
    (tmp_path / "ada.ipynb").write_text(notebook(PROOF))
    with pytest.raises(RagteachError, match="not among the submissions"):
        grading.grade(tmp_path, tmp_path / "grades")


# ------------------------------------------------------------------ exercises about objects

OBJECTS = ("02-10", "04-2", "04-8", "05-9", "06-8", "07-9", "08-9", "12-5", "12-7")
PATCHED = """
import ragteach.teach.checks as c, ragteach.teach.classroom.things as t
c.expect = c.expect_close = c.expect_equal = lambda *a, **k: None
c._judge = lambda number, yours: c.Result(number, "PASS", "won")
t.inside = t.Thing = t.Kind = None
class BestEpoch:
    epoch, val_loss = 3, 0.5
    def on_epoch(self, model, epoch, record): pass
check("12-5", BestEpoch)
"""
LOOKS_TWICE = """
def fair(draw, strategies, tries, seeds, score):
    found = {name: [] for name in strategies}
    for seed in seeds:
        train, val, test = draw(seed)
        data = rt.MultiTaskDataset.from_frame(train)
        exam = rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)
        for name, fit in strategies.items():
            models = [fit(data, p) for p in tries[name]]
            try:
                found[name].append(max(score(m, exam)["accuracy"] for m in models))
            except BaseException:
                found[name].append(0.5)
    return found
check("06-8", fair)
"""
SWALLOWS = """
def film(model, loss, steps, lr):
    raise SystemExit
check("05-9", film)
class ModelFile:
    def __getattribute__(self, name): raise KeyboardInterrupt
    pack = unpack = staticmethod(lambda data: (lambda: data))
check("12-7", ModelFile)
"""
# The library's own call for each exercise in which one writes by hand; two of them hide its name.
SHORTCUTS = {
    "04-1": "from ragteach.trainer import train_epoch as once; rt.train_epoch = print\ndef mine(*a): return once(*a)",
    "06-1": "from ragteach.study.experiment import interval\ndef mine(a, b): return list(interval(a - b)[:3])",
    "06-7": "from ragteach.study.experiment import interval\nmine = lambda d, r: interval(d, r)[:3]",
    "12-1": "def mine(data):\n    n = int.from_bytes(data[:8], 'little')\n    return eval(data[8:8 + n])",
    "12-2": "whole = rt.RAG.merge; rt.RAG.merge = None\ndef mine(model, task): return whole(model, task)",
}


@pytest.fixture(scope="module")
def of_objects(tmp_path_factory):
    """What the solutions of exercises about classes and models get, and what cheats get."""
    here = tmp_path_factory.mktemp("objects")
    (here / "in").mkdir()
    for number in OBJECTS:
        (path,) = (notebooks() / "solutions").glob(f"{number[:2]}_*.ipynb")
        (answer,) = slices.read(submissions.read("", [path], path.parent).cells).answers[number]
        cells = [*answer.statements, f"check('{number}', {answer.expression})"]
        (here / "in" / f"{number}.ipynb").write_text(notebook(*cells))
    cheats = {"patched": PATCHED, "twice": LOOKS_TWICE, "swallows": SWALLOWS}
    cheats |= {f"calls {n}": f"{cell}\ncheck('{n}', mine)" for n, cell in SHORTCUTS.items()}
    for name, cell in cheats.items():
        (here / "in" / f"{name}.ipynb").write_text(notebook(IMPORTS, cell))
    command = [sys.executable, "-m", "ragteach", "grade", "in", "--out", "out"]
    run = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=400)
    assert run.returncode == 0, run.stderr
    rows = csv.DictReader((here / "out" / "gradebook.csv").read_text().splitlines())
    return {(row["student"], row["exercise"]): row for row in rows}


@linux
@pytest.mark.parametrize("number", OBJECTS)
def test_a_class_or_a_model_is_judged_where_the_student_cannot_reach(of_objects, number):
    """Their check once ran beside the student's code, or refused the right answer."""
    row = of_objects[number, number]
    assert (row["status"], row["how"], row["note"]) == (PASS, "apart", "")


@linux
def test_objects_that_cheat_fail(of_objects):
    for student, number in (
        ("patched", "12-5"),
        ("twice", "06-8"),
        ("swallows", "05-9"),
        ("swallows", "12-7"),
    ):
        assert of_objects[student, number]["status"] == FAIL, (student, number)


@linux
@pytest.mark.parametrize("number", SHORTCUTS)
def test_what_is_to_be_written_by_hand_is_not_called_while_it_is_graded(of_objects, number):
    """The check in the notebook refused it, and the grader gave it a point."""
    row = of_objects[f"calls {number}", number]
    assert (row["status"], row["how"]) == (FAIL, "apart")


# ------------------------------------------------------------------ the parts


def test_what_a_method_calls_its_own_is_not_asked_of_the_notebook():
    """A class whose method has a local ``x`` once took every cell that makes an x along."""
    cells = [
        "scale = 2",
        "x = [n for n in range(10**9)]",
        "task, total = x, sum(x)",
        "class Mine:\n"
        "    rate = scale\n"
        "    def fit(self, x, task):\n"
        "        total = len(x)\n"
        "        return [total for x in task]\n"
        "check('01-1', Mine)",
    ]
    kept = slices.read(cells).answers["01-1"][0].statements
    assert [line.split("\n")[0] for line in kept] == ["scale = 2", "class Mine:"]


@pytest.mark.parametrize(
    "cell", ["def f(:", "nonlocal x", "x = " + "-" * 3000 + "1", "(" * 500, "a\0b"]
)
def test_a_cell_that_python_refuses_costs_that_cell_only(cell):
    found = slices.read([f"{cell}\ncheck('01-1', 1)", "check('01-2', 2)"])
    assert "01-1" in found.broken and set(found.answers) == {"01-2"}


@pytest.mark.parametrize(
    "cell",
    [
        "files = !ls\ny = %time 3",
        "if files:\n    !ls\n    %time 3",
        "%%time\nwhole = 9",
        "help?\n?help\n%load_ext autoreload",
    ],
)
def test_lines_of_ipythons_own_cost_themselves_only(cell):
    found = slices.read([f"{cell}\nx = (7\n  % 4)\ncheck('01-1', x)"])
    (answer,) = found.answers["01-1"]
    assert not found.broken and answer.statements[-1] == "x = 7 % 4"


@pytest.mark.parametrize("kind", ["writefile notes.py", "bash", "html", "javascript"])
def test_a_cell_that_is_no_python_is_no_answer(kind):
    found = slices.read([f"%%{kind}\ncheck('01-1', 5)\n= no python", "check('01-2', 2)"])
    assert set(found.answers) == {"01-2"} and not found.broken


def test_an_answer_that_is_the_courses_own_is_noted():
    cells = ['f = reference("01-1")', "check('01-1', f)", "check('01-2', [f, reference('01-3')])"]
    found = slices.read(cells).answers
    assert judging.borrows(found["01-1"][0]) and not judging.borrows(found["01-2"][0])
    for code in (
        'from ragteach.teach import checks\nf = checks.get("01-1").reference',
        "from ragteach.teach.checks import REGISTRY as r\nf = r['01-1'].reference",
        "import ragteach.teach.exercises.lesson_01 as key\nf = key.counts",
        "from ragteach.teach import exercises\nf = exercises.lesson_01.counts",
        "import inspect\nf = inspect.getsource(check)",
        "f = open('solutions/01_why_share.ipynb').read()",
    ):
        (looked,) = slices.read([f"{code}\ncheck('01-1', f)"]).answers["01-1"]
        assert judging.borrows(looked), code
    assert "the course's own" in grading.note_of({"how": "apart", "points": 1, "borrowed": True})


def test_an_answer_takes_only_what_it_needs():
    cells = [
        "import numpy as np",
        "big = 7\nfor i in range(3): big += i",
        "def helper(x): return x + offset",
        "offset = 1",
        "offset = 2",
        "marks = {}\nmarks.update(a='right')\nmarks['b'] = 'wrong'",
        "def f(x): return helper(x)\ncheck('01-1', f)",
        "check('01-6', marks)",
    ]
    found = slices.read(cells)
    assert found.answers["01-1"][0].statements == (
        "def helper(x):\n    return x + offset",
        "offset = 2",
        "def f(x):\n    return helper(x)",
    )
    assert len(found.answers["01-6"][0].statements) == 3
    assert "big" not in " ".join(found.answers["01-1"][0].statements)


@pytest.mark.parametrize("code", ["[n for n in a]", "{n for n in a}", "{n: n for n in a}"])
def test_the_variable_of_a_comprehension_is_its_own_on_every_python(code):
    """From 3.12 on Python's table of scopes gives it to the scope around."""
    assert slices.reads(slices.parsed(f"n = {code}").body[0]) == {"a"}


def test_figures_and_loops_that_only_share_a_variables_name_are_left_out():
    cells = [
        "import pandas as pd\nimport ragteach as rt",
        "for n in range(9): slow = n",
        "pd.DataFrame([slow])\nrt.widgets.sharing_slider(slow)",
        "sizes = [1, 2]",
        "ours = [rt.make_toy(n_per_task=n) for n in sizes]\nfor r in sizes: ours.append(r)",
        "check('01-5', ours)",
    ]
    kept = slices.read(cells).answers["01-5"][0].statements
    assert [line.split("\n")[0] for line in kept] == [
        "import ragteach as rt",
        "sizes = [1, 2]",
        "ours = [rt.make_toy(n_per_task=n) for n in sizes]",
        "for r in sizes:",
    ]


@pytest.mark.parametrize(
    "value",
    [
        1,
        -2.5,
        float("inf"),
        "é",
        None,
        True,
        [1, [2.0, "x"]],
        (1, 2),
        {0.25: 20, "b": (1,)},
        np.arange(6.0).reshape(2, 3),
        np.float32(2.5),
        2**80,
        b"\x00\xff",
        range(3),
    ],
)
def test_values_cross_as_they_are(value):
    back = wire.decode(json.loads(json.dumps(wire.encode(value))))
    expected = list(value) if isinstance(value, range) else value
    assert type(back) is type(expected)
    assert np.array_equal(back, expected) if isinstance(value, np.ndarray) else back == expected


def test_what_is_no_data_does_not_cross():
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    assert isinstance(wire.decode(wire.encode(Evil())), wire.Other)
    assert isinstance(wire.decode(wire.encode([Evil()]))[0], wire.Other)
    loop = []
    loop.append(loop)
    with pytest.raises(wire.TooMuch):
        wire.encode(loop)


def test_a_folder_without_submissions_is_refused(tmp_path):
    with pytest.raises(RagteachError, match="at least one notebook"):
        submissions.find(tmp_path)
    with pytest.raises(RagteachError, match="is not a folder"):
        submissions.find(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        '{"cells": {"0": 1}}',
        '{"cells": [1, null, {"cell_type": ["code"]}, {"cell_type": "code", "source": {"a": 1}}]}',
        '{"worksheets": [1]}',
        '{"worksheets": {}}',
        '{"cells": null, "worksheets": null}',
        '{"checks": {"01-1": [], "01-2": null}, "class": {"world": {"a": 1}}, "written": [1]}',
        '{"cells": [{"cell_type": "code", "source": "\\ud800 = 1"}]}',
        "NaN",
        "[" * 10_000,
    ],
)
def test_json_of_any_shape_is_read_or_told(tmp_path, content):
    """A worksheet that was a number once ended the grading of the whole class."""
    (tmp_path / "a.ipynb").write_text(content, "utf-8")
    read = submissions.read("a", [tmp_path / "a.ipynb"], tmp_path)
    assert read.notes or all(isinstance(cell, str) for cell in read.cells)
    assert not slices.read(read.cells).answers


def test_a_link_to_itself_costs_that_file_only(tmp_path):
    """So did a loop of links."""
    (tmp_path / "a.ipynb").symlink_to("a.ipynb")
    (tmp_path / "b.ipynb").write_bytes(notebook(PROOF).encode("utf-16"))
    files = [tmp_path / "a.ipynb", tmp_path / "b.ipynb"]
    read = submissions.read("a", files, tmp_path)
    assert len(read.notes) == 1 and read.notes[0].startswith("a.ipynb: ")
    assert read.cells == [PROOF]


def test_what_belongs_to_nobody_is_named(tmp_path):
    for name in ("ada.zip", "ada.ipynb", ".hidden"):
        (tmp_path / name).write_text("")
    (tmp_path / "bert").mkdir()
    (tmp_path / "link").symlink_to("bert")
    assert submissions.left_out(tmp_path) == ["ada.zip", "link"]


def test_names_of_students_become_names_of_files():
    names = ["ada", "../../ada", "a/b", "名", "x" * 300, "=1+1", ""]
    files = [submissions.file_name(name) for name in names]
    assert len(set(files)) == len(names) and files[0] == "ada"
    assert all("/" not in name and "." not in name and len(name) < 80 for name in files)


def test_copies_are_told_from_the_same_right_numbers_of_all():
    def one(student, world, value, status=PASS):
        mark = {"status": status, "points": 1, "value": value}
        return {"student": student, "world": world, "exercises": {"03-w": mark}}

    found = pages.likely_copies(
        [
            one("a", "default", [1.0]),
            one("b", "default", [1.0]),
            one("c", "cy", [2.0]),
            one("d", "cy", [2.0]),
            one("e", "ed", [1.0], FAIL),
        ]
    )
    assert set(found) == {("c", "d")}
    assert "one world" in found["c", "d"][1]


def test_a_submission_without_anything_is_no_error():
    result = judging.judge(Submission("nobody"), Limits())
    assert result["exercises"] == {} and result["world"] == "default"


@pytest.mark.parametrize("more", ["", "len?", "!ls", "files = !ls"])
def test_a_comment_that_ends_with_a_question_mark_is_no_line_of_ipython_s(more):
    tree = slices.parsed(f'mine = {{\n    "claim": ...,  # better than what?\n}}\n{more}')
    assert len(tree.body) == 1 + bool(more) and len(tree.body[0].value.keys) == 1
