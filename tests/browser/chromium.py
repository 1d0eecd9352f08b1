"""A Chromium that starts: RAGTEACH_CHROMIUM, one on the PATH, playwright's, or one installed
now.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Its path. A missing browser is an error, never a reason to skip: what no browser has run is
    not tested.

    Raises:
        RuntimeError: none found, none could be installed, or the one that is named does not start.
    """
    named = os.environ.get("RAGTEACH_CHROMIUM")
    if named:
        if not _works(named):
            raise RuntimeError(f"RAGTEACH_CHROMIUM={named} does not start")
        return named
    # Of parallel test processes one installs, the others wait.
    with FileLock(str(Path(tempfile.gettempdir()) / "ragteach-browser.lock")):
        found = _find() or _install()
    if found is None:
        raise RuntimeError(
            "no Chromium: install one, or name one in the environment variable RAGTEACH_CHROMIUM"
        )
    return found


def _works(path: str | None) -> bool:
    if not path:
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _find() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if _works(path)), None) or _playwrights()


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        path = p.chromium.executable_path
    return path if _works(path) else None


def _install() -> str | None:
    """With Debian's own package where we may, else with playwright's; neither is fatal here."""
    tries = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        tries[:0] = [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in tries:
        subprocess.run(command, capture_output=True, timeout=900, env=environment, check=False)
        if found := _find():
            return found
    return None
