"""What every test shares: one thread, no screen, and a home folder of its own."""

import os

# Before numpy and torch are imported: the arrays are small, and the test processes share few cores.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import functools  # noqa: E402
import itertools  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import no_grammar  # noqa: E402, F401
import pytest  # noqa: E402
from groups import Scheduler, group, place  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups come first, so that the processes end together."""
    names = [group(item.nodeid) for item in items]
    seen = {name: i for i, name in enumerate(dict.fromkeys(names))}
    order = sorted(range(len(items)), key=lambda i: (place(names[i]), seen[names[i]]))
    items[:] = [items[i] for i in order]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler | None:
    """``--dist loadgroup`` means our groups."""
    return Scheduler(config, log) if config.getvalue("dist") == "loadgroup" else None


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


@pytest.fixture(scope="session")
def homes(tmp_path_factory) -> Iterator[Path]:
    """Folders without end, one after the other (mktemp looks at all that are there, each time)."""
    place = tmp_path_factory.mktemp("homes")
    return (place / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_home(homes, monkeypatch):
    """Predictions and other things a learner keeps go to a folder of the test's own."""
    home = next(homes)
    home.mkdir()
    monkeypatch.setenv("RAGTEACH_HOME", str(home))
    record = sys.modules.get("ragteach.teach.record")
    if record is not None:  # nor does one test remember what another did
        monkeypatch.setattr(record, "_session", {})


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    """matplotlib warns from the twentieth open figure on, whoever opened the others."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
