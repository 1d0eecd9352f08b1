"""Packages laid over those that are installed: in a folder of the user's cache, made by pip once and
found by every later run.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs
from filelock import FileLock


def laid_over(packages: tuple[str, ...]) -> Path:
    """A folder with these packages. pip needs an index, but only the first time."""
    name = hashlib.sha256(" ".join([sys.version, *packages]).encode()).hexdigest()[:16]
    folder = Path(platformdirs.user_cache_dir("ragteach-tests"), name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            beside = Path(tempfile.mkdtemp(dir=folder.parent))
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
            done = subprocess.run([*pip, beside, *packages], capture_output=True, text=True)
            if done.returncode:
                shutil.rmtree(beside)
                raise RuntimeError(f"pip cannot install {' '.join(packages)}:\n{done.stderr}")
            beside.rename(folder)  # whole, or not at all
    return folder


def environment(packages: tuple[str, ...]) -> dict[str, str]:
    """The variables with which Python and Jupyter find them first."""
    folder = laid_over(packages)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {
        "PYTHONPATH": path,
        "JUPYTER_PATH": str(folder / "share" / "jupyter"),
        "JUPYTER_CONFIG_PATH": str(folder / "etc" / "jupyter"),
    }
