"""What every test shares: one thread, no screen, and a home folder of its own."""

import os

# Before numpy and torch are imported: the arrays are small, and the test processes share few cores.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Predictions and other things a learner keeps go to a folder of the test's own."""
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path_factory.mktemp("home")))
