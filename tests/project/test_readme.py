"""The README says what is so: its map is that of the files, its example runs, its numbers are those of set-up."""

import importlib.util
import io
import re
from pathlib import Path

import pytest
from PIL import Image

import ragteach as rt
from ragteach.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


file_map = tool("file_map")


def test_the_map_is_that_of_the_files(capsys):
    assert file_map.main(["--check"]) == 0, capsys.readouterr().out


def test_every_file_of_the_package_is_on_the_map():
    shown = set(re.findall(r"^ +(\w+)\.(?:py|js)", file_map.file_map(), re.MULTILINE))
    folded = {ROOT / "ragteach" / folder for folder in file_map.FOLDED}  # one line each
    there = {
        path.stem
        for path in (ROOT / "ragteach").rglob("*")
        if path.suffix in (".py", ".js") and path.parent not in folded
    }
    assert shown == there


def test_every_line_of_the_map_is_a_whole_sentence():
    """The first line of a docstring says it all: it ends with a full stop and fits beside the name."""
    for path in (ROOT / "ragteach").rglob("*.py"):
        if path.parent.name != "exercises" or path.stem == "__init__":
            text = path.read_text(encoding="utf-8")
            line = text.split("\n")[0].strip('"')
            assert line.endswith((".", "?")), f"{path}: {line}"
            assert len(line) < 100, path


def test_a_map_that_differs_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(file_map, "ROOT", tmp_path)
    (tmp_path / "ragteach").mkdir()
    for name, (what, _) in file_map.MAPS.items():
        (tmp_path / name).write_text(f"<!-- {what} -->\nold\n<!-- /{what} -->\n", "utf-8")
    assert file_map.main(["--check"]) == 1
    assert capsys.readouterr().out.count("the map of the package differs") == 2
    assert file_map.main([]) == 0 and file_map.main(["--check"]) == 0
    (tmp_path / "README.md").write_text("no place for it", encoding="utf-8")
    assert file_map.main([]) == 1


def test_the_front_page_shows_rooms_and_leads_to_the_files():
    drawn = file_map.room_map().splitlines()
    assert len(drawn) <= 12 and all(len(line) < 110 for line in drawn)
    shown = re.findall(r"^  (\w+)/", file_map.room_map(), re.MULTILINE)
    assert set(shown) == {path.parent.name for path in (ROOT / "ragteach").glob("*/__init__.py")}
    assert "](ragteach/README.md)" in README


def test_the_readme_and_set_up_name_the_same_sizes():
    install = tool("install")
    (lab_mb, lab_gb), (all_mb, _) = install.SIZES["lab"], install.SIZES["all"]
    words = " ".join(README.split())
    torch_mb = int(install.TORCH["cpu"].split()[0])
    for size in (
        f"{lab_mb + torch_mb} MB",
        f"{torch_mb} MB",
        f"{lab_gb} GB",
        "2.7 GB",
        "2 to 10 minutes",
    ):
        assert size in words, size
    assert f"adds {round(all_mb - lab_mb, -1)} MB" in words


@pytest.mark.filterwarnings("ignore::tqdm.TqdmExperimentalWarning")
def test_the_example_runs_and_says_what_stands_beside_it(capsys):
    """Accuracy is that on sentences the model has not seen."""
    part = re.search(r"## The idea in one equation\n(.*?)\n## ", README, re.DOTALL)[1]
    (example,) = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    assert "rt.fit" in example
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    (promised,) = re.findall(r"# (0\.\d+)$", example, re.MULTILINE)
    assert capsys.readouterr().out.splitlines()[-1].startswith(promised)
    assert not names["new"]["text"].isin(names["data"].texts).any()


def test_the_moving_picture_moves_and_is_small():
    path = ROOT / "notebooks" / "images" / "sharing.gif"
    assert path.stat().st_size <= 1_500_000
    with Image.open(path) as picture:
        assert picture.n_frames > 20


@pytest.mark.filterwarnings("ignore::tqdm.TqdmExperimentalWarning")
def test_the_network_trains():
    part = re.search(r"## Inside a network\n(.*?)\n## ", README, re.DOTALL)[1]
    (example,) = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert rt.evaluate(names["model"], names["batches"])["accuracy"] > 0.8


def own_data() -> str:
    return re.search(r"## Your own data\n(.*?)\n## ", README, re.DOTALL)[1]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with the files that the section names."""
    monkeypatch.chdir(tmp_path)
    frame = rt.make_toy(n_per_task=20)
    frame["label"] = [rt.LABELS[label] for label in frame["label"]]
    frame[["text", "label", "task"]].to_csv("mine.csv", index=False)
    Path("sentences.txt").write_text("a good film\na bad film\n", encoding="utf-8")
    return tmp_path


def test_own_data_in_three_lines(mine, capsys):
    code, _ = re.findall(r"```python\n(.*?)```", own_data(), re.DOTALL)
    assert len([line for line in code.splitlines() if line and not line.startswith("import")]) == 3
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "A look at mine.csv: 80 rows" in printed and "no clear difference" in printed


def test_own_data_in_a_pipeline(mine, capsys):
    """The search sees the tasks: its best model tells them apart, and its penalties matter."""
    code = re.findall(r"```python\n(.*?)```", own_data(), re.DOTALL)[1]
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    search, frame = names["search"], names["frame"]
    best = search.best_estimator_[-1]
    assert len(best.tasks_) == frame["task"].nunique() == 4
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert set(search.predict(frame)) <= set(rt.LABELS)
    moved = frame.assign(task=frame["task"].iloc[::-1].to_numpy())
    assert (search.predict_proba(frame) != search.predict_proba(moved)).any()
    assert "ragclassifier__lam_shared" in capsys.readouterr().out


def test_own_data_in_a_terminal(mine, capsys, monkeypatch):
    commands = re.findall(r"^python -m ragteach (.*)$", own_data(), re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["compare", "train", "predict"]
    for command in commands:
        words, _, source = command.partition(" < ")
        if source:
            monkeypatch.setattr("sys.stdin", io.StringIO(Path(source).read_text(encoding="utf-8")))
        few = ["--seeds", "1", "--jobs", "1"] if words.startswith("compare") else []
        assert main([*words.split(), *few]) == 0
    assert (mine / "results" / "report.html").stat().st_size > 100_000
    assert capsys.readouterr().out.splitlines()[-1].split("\t")[0] in rt.LABELS


def test_paths_and_addresses_lead_somewhere():
    for target in re.findall(r"\]\(([^)#\s]+)", README):
        if not re.match(r"[a-z]+:", target):
            assert (ROOT / target).exists(), target
    for name in re.findall(r"`((?:notebooks|datasets|tests|tools|ragteach)/[\w/.]*)`", README):
        assert (ROOT / name).exists(), name
