"""What every test shares: one thread, no screen, its own home folder, and a browser where it asks for one."""

import os

# Before numpy and torch are imported: the arrays are small, and the test processes share few cores.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import shutil  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Predictions and other things a learner keeps go to a folder of the test's own."""
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path_factory.mktemp("home")))


def _works(path: str | None) -> bool:
    if not path:
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwright_chromium() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        path = p.chromium.executable_path
    return path if Path(path).exists() else None


def _find_browser() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        path = shutil.which(name)
        if _works(path):
            return path
    path = _playwright_chromium()
    return path if _works(path) else None


def _install_browser() -> None:
    """With Debian's own package where we may, else with playwright's; neither is fatal here."""
    tries = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        tries[:0] = [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in tries:
        subprocess.run(command, capture_output=True, timeout=900, env=environment, check=False)
        if _find_browser():
            return


@pytest.fixture(scope="session")
def browser_path(tmp_path_factory) -> str:
    """A Chromium that starts: RAGTEACH_CHROMIUM, one on the PATH, playwright's, or one installed now.

    A missing browser fails the test; it never skips it: a widget that no browser has run is not tested.
    """
    named = os.environ.get("RAGTEACH_CHROMIUM")
    if named:
        if not _works(named):
            pytest.fail(f"RAGTEACH_CHROMIUM={named} does not start")
        return named
    # Parallel test processes share this folder's parent: one of them installs, the others wait.
    with FileLock(str(tmp_path_factory.getbasetemp().parent / "browser.lock")):
        found = _find_browser()
        if found is None:
            _install_browser()
            found = _find_browser()
    if found is None:
        pytest.fail("no Chromium: install one, or name one in the environment variable RAGTEACH_CHROMIUM")
    return found
