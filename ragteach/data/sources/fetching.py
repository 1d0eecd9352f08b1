"""A file of the package index: fetched once, checked by its hash, never installed.

Enters: a package, the name of one of its files (a wheel or a source archive), its SHA-256.  Leaves:
its path in the cache.

pip is the downloader: it knows your index, proxy and certificates. Where there is no pip (an
environment that uv made has none), or it fails, the same index is asked over HTTP. The SHA-256 is
checked before anything opens the file.
"""

from __future__ import annotations

import configparser
import html
import http.client
import importlib.util
import logging
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from ragteach.errors import refuse
from ragteach.ground.objects import as_path
from ragteach.ground.writing import make_folder, own_cache

PATIENCE = 300  # seconds for pip
SECONDS = 20  # for an answer of the index
LARGEST = 20_000_000  # bytes; the largest file here has 2.5 million
PIP = (
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--retries",
    "1",
    "--no-deps",
    "--require-hashes",
)


def fetch(
    package: str,
    file: str,
    sha256: str,
    cache: str | os.PathLike | None,
    call: str,
    instead: str = "",
) -> Path:
    """Where a file of the package index lies, fetched if it is not there yet.

    Args:
        package: name and version, as ``name==1.0``.
        file: a wheel, or a source archive, of that version.
        sha256: of the file.
        cache: folder to keep it in. Default: the variable RAGTEACH_CACHE, else the cache folder of
            your system.
        call: what to call again after an error.
        instead: what needs no connection, as a sentence.

    Raises:
        RagteachError: no connection, a damaged download, or a folder that cannot be written.
            Nothing half-written is kept.
    """
    import pooch  # a program that fetches nothing need not have it in memory

    given = "" if cache is None else os.fsdecode(as_path("cache", cache))
    folder = Path(given or own_cache())
    if not os.path.isfile(folder / file):  # False for a name too long, where Path.is_file raises
        make_folder(folder, "cache", "keep the file in")

    def download(_url: str, output_file: str, _pooch: Any) -> None:
        """The first way that works. pooch checks what arrives, and moves it into its place."""
        said = []
        for way in (_by_pip, _from_index):
            try:
                way(package, file, sha256, output_file)
                return
            except OSError as error:
                said.append(str(error))
        raise OSError("; ".join(said))

    log = pooch.get_logger()
    level = log.level
    log.setLevel(logging.WARNING)  # its notes name folders of this machine
    try:
        return Path(pooch.retrieve(f"pip:{package}", sha256, file, folder, downloader=download))
    except (ValueError, OSError) as error:
        raise refuse(
            expected=f"{file} with SHA-256 {sha256[:12]}..., fetched into {folder}",
            got=f"{type(error).__name__}: {error}",
            fix="check the connection (behind a proxy, set HTTPS_PROXY; for an index of your own, "
            f"PIP_INDEX_URL), then call {call}() again; or put the file there yourself "
            f"({call}(cache=...) takes another folder){instead and '. '}{instead}",
        ) from error
    finally:
        log.setLevel(level)


def _by_pip(package: str, file: str, sha256: str, output_file: str) -> None:
    """pip as the downloader. With --require-hashes pip too refuses a wrong file unopened."""
    if importlib.util.find_spec("pip") is None:
        raise OSError("there is no pip here")
    wheel = file.endswith(".whl")
    kind = ["--only-binary", ":all:"] if wheel else ["--no-binary", package.split("==")[0]]
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{package} --hash=sha256:{sha256}\n", encoding="utf-8")
        command = [sys.executable, *PIP, *kind, "--requirement", str(wanted), "--dest", scratch]
        options: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=PATIENCE, **options)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"pip did not finish within {PATIENCE} seconds") from error
        fetched = Path(scratch) / file
        if done.returncode or not fetched.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            lines = [line for line in lines if "WARNING" not in line]
            why = " ".join(lines[-2:]) or "pip gave no reason"
            raise OSError(f"pip:{package} was not fetched. {why}")
        shutil.copyfile(fetched, output_file)


def _from_index(package: str, file: str, sha256: str, output_file: str) -> None:
    """From the package index: its simple page names the file, urllib fetches it.

    Proxies are those of the environment (HTTPS_PROXY and so on), as urllib reads them.
    """
    said = []
    for index in _indexes():
        page = f"{index.rstrip('/')}/{package.split('==')[0].lower()}/"
        try:
            link = _link(page, _read(page).decode("utf-8", "replace"), file)
            data = _read(link)
        except (OSError, ValueError, http.client.HTTPException) as error:
            said.append(f"{_host(page)}: {getattr(error, 'reason', error)}")
            continue
        Path(output_file).write_bytes(data)
        return
    raise OSError("the package index did not answer (" + "; ".join(said) + ")")


def _indexes() -> list[str]:
    """Addresses of the package index: what is set for pip or uv, else PyPI."""
    names = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_EXTRA_INDEX_URL")
    found = [url for name in names for url in os.environ.get(name, "").split()]
    for path in _pip_settings():
        settings = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            settings.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for option in ("index-url", "extra-index-url"):
            found += settings.get("global", option, fallback="").split()
    if os.environ.get("PIP_NO_INDEX"):
        return []
    return list(dict.fromkeys([*found, *_usual_index()]))


def _usual_index() -> list[str]:
    """The index that pip asks if nobody says otherwise, as the pip inside Python knows it."""
    try:
        import ensurepip  # some systems leave it out

        wheel = next(Path(ensurepip.__file__).with_name("_bundled").glob("pip-*.whl"))
        with zipfile.ZipFile(wheel) as inside:
            text = inside.read("pip/_internal/models/index.py").decode()
    except (ImportError, StopIteration, KeyError, OSError, zipfile.BadZipFile):
        return []
    found = re.search(r'PyPI = PackageIndex\(\s*"([^"]+)"', text)
    return [found[1].rstrip("/") + "/simple"] if found else []


def _pip_settings() -> list[Path]:
    """Where pip keeps its settings on this system."""
    given = os.environ.get("PIP_CONFIG_FILE")
    home = Path.home()
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    places = [Path("/etc"), Path("/etc/xdg/pip"), home / ".config/pip", home / ".pip"]
    places += [
        home / "Library/Application Support/pip",
        Path(os.environ.get("APPDATA", "")) / "pip",
    ]
    return ([Path(given)] if given else []) + [
        place / name for place in [*places, Path(sys.prefix)]
    ]


def _link(page: str, content: str, file: str) -> str:
    """The file's address on a simple page (HTML or JSON), without the hash behind it."""
    for link in re.findall(r"""(?:href=|"url":\s*)["']([^"']+)["']""", content):
        link = html.unescape(link).split("#")[0]
        if link.rsplit("/", 1)[-1].lower() == file.lower():
            return urllib.parse.urljoin(page, link)
    raise ValueError(f"no {file} on its page")


def _read(url: str) -> bytes:
    """What lies at an address; no more than any file here has."""
    if urllib.parse.urlsplit(url).scheme not in ("https", "http", "file"):
        raise ValueError("an address that is not http")
    context = ssl.create_default_context()
    if os.environ.get("PIP_CERT"):
        context.load_verify_locations(os.environ["PIP_CERT"])
    with urllib.request.urlopen(url, timeout=SECONDS, context=context) as answer:
        return answer.read(LARGEST)


def _host(url: str) -> str:
    """The host of an address: never a password that stands in it."""
    return urllib.parse.urlsplit(url).hostname or "a folder"
