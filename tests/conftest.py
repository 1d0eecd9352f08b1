"""What every test shares: one thread, no screen, and a home folder of its own."""

import os

# Before numpy and torch are imported: the arrays are small, and the test processes share few cores.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import functools  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def group(item: pytest.Item) -> str:
    """What runs in one process: the browser's tests, a lesson with its notebooks, or else a file."""
    path = item.path.relative_to(ROOT)
    if path.parts[:2] == ("tests", "browser"):
        return "browser"
    if path.parts[:2] == ("tests", "lessons"):
        return f"lesson {path.stem.removeprefix('test_lesson_')}"
    if getattr(item, "originalname", None) == "test_a_lesson_runs":
        name = item.callspec.params["row"]["name"]
        return f"lesson {name.split('_')[0]}" if name[0].isdigit() else f"lesson {name}"
    return str(path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups come first, so that the processes end together; no group is split."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    order = {"browser": 0, "lesson": 1}
    names = {item: item.get_closest_marker("xdist_group").args[0] for item in items}
    places = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
    items.sort(key=lambda item: (order.get(names[item].split()[0], 2), places[names[item]]))


def pytest_configure(config: pytest.Config) -> None:
    """A folder for what the processes of this session share (see `once`), gone with the session."""
    if "RAGTEACH_TEST_SHARED" not in os.environ:
        folder = tempfile.mkdtemp(prefix="ragteach-tests-")
        os.environ["RAGTEACH_TEST_SHARED"] = folder
        config.add_cleanup(functools.partial(shutil.rmtree, folder, ignore_errors=True))
        config.add_cleanup(functools.partial(os.environ.pop, "RAGTEACH_TEST_SHARED"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Predictions and other things a learner keeps go to a folder of the test's own."""
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path_factory.mktemp("home")))
