"""The README says what is so: its map is that of the files, its example runs, its numbers are those of set-up."""

import importlib.util
import re
from pathlib import Path

import pytest

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
    there = {
        path.stem
        for path in (ROOT / "ragteach").rglob("*")
        if path.suffix in (".py", ".js") and path.parent.name != "exercises"
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
    (tmp_path / "README.md").write_text("<!-- files -->\nold\n<!-- /files -->\n", encoding="utf-8")
    assert file_map.main(["--check"]) == 1
    assert "the map of the package differs" in capsys.readouterr().out
    assert file_map.main([]) == 0 and file_map.main(["--check"]) == 0
    (tmp_path / "README.md").write_text("no place for it", encoding="utf-8")
    assert file_map.main([]) == 1


@pytest.mark.filterwarnings("ignore::tqdm.TqdmExperimentalWarning")
def test_the_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:1]
    assert "rt.fit" in example
    exec(compile(example, "README.md", "exec"), {})


def test_paths_and_addresses_lead_somewhere():
    for target in re.findall(r"\]\(([^)#\s]+)", README):
        if not re.match(r"[a-z]+:", target):
            assert (ROOT / target).exists(), target
    for name in re.findall(r"`((?:notebooks|datasets|tests|tools|ragteach)/[\w/.]*)`", README):
        assert (ROOT / name).exists(), name
