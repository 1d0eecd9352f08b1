"""The learner's copy of the notebooks: nothing of theirs is overwritten, everything new arrives."""

import json
import re

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from ragteach import RagteachError
from ragteach import __main__ as command
from ragteach.ground.writing import write
from ragteach.teach import course
from ragteach.teach.course import copy_course

FIRST = "00_start_here.ipynb"


def notebook(text: str) -> str:
    cell = nbformat.v4.new_code_cell(text, id="a")
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell])) + "\n"


@pytest.fixture(autouse=True)
def own_signatures(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))


@pytest.fixture
def source(tmp_path):
    """A course of two lessons, their solutions and a picture."""
    folder = tmp_path / "source"
    for name in (FIRST, "01_why.ipynb", f"solutions/{FIRST}", "images/map.png", "_source/00.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(name), encoding="utf-8")
    return folder


@pytest.fixture
def mine(tmp_path, source):
    """A copy of it, fresh."""
    copy_course(tmp_path / "mine", source)
    return tmp_path / "mine"


def nothing(**happened) -> dict:
    return dict.fromkeys(course.SAID, []) | happened


def contents(folder) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != course.MANIFEST)
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in files}


def test_the_first_run_copies_what_a_learner_needs(tmp_path, source):
    done = copy_course(tmp_path / "new" / "mine", source)
    wanted = {FIRST, "01_why.ipynb", f"solutions/{FIRST}", "images/map.png"}
    assert set(done["new"]) == wanted
    assert contents(tmp_path / "new" / "mine") == {n: notebook(n) for n in wanted}


def test_a_second_run_changes_nothing(mine, source):
    before = {p: p.stat().st_mtime_ns for p in mine.rglob("*.ipynb")}
    assert copy_course(mine, source) == nothing()
    assert {p: p.stat().st_mtime_ns for p in mine.rglob("*.ipynb")} == before


def test_an_edited_lesson_is_kept_while_the_course_stands_still(mine, source):
    (mine / FIRST).write_text("mine")
    assert copy_course(mine, source) == nothing()
    assert (mine / FIRST).read_text() == "mine"


def test_an_untouched_lesson_follows_the_course(mine, source):
    (source / FIRST).write_text(notebook("better"))
    assert copy_course(mine, source) == nothing(updated=[FIRST])
    assert (mine / FIRST).read_text() == notebook("better")


def test_where_both_changed_the_new_one_lies_beside(mine, source):
    (mine / FIRST).write_text("mine")
    (source / FIRST).write_text(notebook("better"))
    (source / "02_new.ipynb").write_text(notebook("a new lesson"))
    beside = "00_start_here.new.ipynb"
    assert copy_course(mine, source) == nothing(new=["02_new.ipynb"], beside=[beside])
    assert (mine / FIRST).read_text() == "mine"
    assert (mine / beside).read_text() == notebook("better")
    assert copy_course(mine, source) == nothing()  # said once, not at every start

    (source / FIRST).write_text(notebook("best"))  # again, and the one beside was not touched
    assert copy_course(mine, source) == nothing(beside=[beside])
    assert (mine / beside).read_text() == notebook("best")

    (mine / beside).write_text("mine too")
    (source / FIRST).write_text(notebook("better than best"))
    second = "00_start_here.new2.ipynb"
    assert copy_course(mine, source) == nothing(beside=[second])
    kept = {name: (mine / name).read_text() for name in (FIRST, beside, second)}
    assert kept == {
        FIRST: "mine", beside: "mine too", second: notebook("better than best"),
    }  # fmt: skip


def test_a_deleted_lesson_comes_back_fresh(mine, source):
    (mine / FIRST).unlink()
    assert copy_course(mine, source) == nothing(new=[FIRST])


def test_a_lesson_that_left_the_course_stays_with_the_learner(mine, source):
    (source / "01_why.ipynb").unlink()
    assert copy_course(mine, source) == nothing(gone=["01_why.ipynb"])
    assert copy_course(mine, source) == nothing()
    assert (mine / "01_why.ipynb").exists()


def test_without_the_manifest_nothing_is_overwritten_either(mine, source):
    (mine / course.MANIFEST).unlink()
    (mine / FIRST).write_text("mine")
    assert copy_course(mine, source) == nothing(beside=["00_start_here.new.ipynb"])
    assert (mine / FIRST).read_text() == "mine"


def test_an_interrupted_copy_leaves_whole_files_and_the_next_run_goes_on(
    tmp_path, source, monkeypatch
):
    written = []

    def interrupted(path, content):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(write(path, content))

    monkeypatch.setattr(course, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copy_course(tmp_path / "mine", source)
    monkeypatch.undo()
    done = copy_course(tmp_path / "mine", source)
    assert len(done["new"]) == 2 and not done["beside"]


def test_what_was_handed_out_is_trusted_and_what_was_edited_is_not(mine, source, tmp_path):
    def trusted(name):
        notary = NotebookNotary()
        known = notary.check_signature(nbformat.read(mine / name, as_version=4))
        notary.store.close()
        return known

    assert trusted(FIRST) and trusted(f"solutions/{FIRST}")
    (mine / "01_why.ipynb").write_text(notebook("somebody else's"))
    copy_course(mine, source)
    assert not trusted("01_why.ipynb")
    for path in (tmp_path / "jupyter").iterdir():
        path.unlink()  # the signatures are lost: they lie outside the folder
    copy_course(mine, source)
    assert trusted(FIRST) and not trusted("01_why.ipynb")


@pytest.mark.parametrize("what", ["a file", "the source"])
def test_an_unusable_folder_is_refused(what, tmp_path, source):
    folder = source if what == "the source" else tmp_path / "file"
    if what == "a file":
        folder.write_text("in the way")
    with pytest.raises(RagteachError, match="folder"):
        copy_course(folder, source)
    assert what == "the source" or folder.read_text() == "in the way"


@pytest.mark.parametrize("text", ["no json", "[]"])
def test_a_damaged_manifest_is_refused_with_its_cure(mine, source, text):
    (mine / course.MANIFEST).write_text(text)
    (mine / FIRST).write_text("mine")
    with pytest.raises(RagteachError, match=r"\.course\.json.*(?s:.*)delete that file"):
        copy_course(mine, source)
    assert (mine / FIRST).read_text() == "mine"


def test_the_command_says_what_it_did(tmp_path, capsys):
    folder = tmp_path / "my course"
    assert command.main(["course", str(folder)]) == 0
    said = capsys.readouterr().out
    count = len(list(folder.rglob("*.ipynb")))
    assert re.search(rf"^  {count} new: 00_start_here.ipynb, ", said, flags=re.MULTILINE)
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(json.loads((folder / course.MANIFEST).read_text())) == files - {course.MANIFEST}
    assert command.main(["course", str(folder)]) == 0
    assert "new" not in capsys.readouterr().out
    (tmp_path / "file").write_text("in the way")
    assert command.main(["course", str(tmp_path / "file")]) == 2
    assert "What to do: " in capsys.readouterr().err
