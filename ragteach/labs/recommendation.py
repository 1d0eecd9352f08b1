"""The recommendation lab: sixty simulated readers, each a task; they rate books, films and games.

Enters: a world of readers, or a table of your own with user, item and rating. Leaves: a
    `RankingLab`.

Its held-out items are of two kinds: *known* ones, that others rated, and *new* ones, that nobody
did. So are those of the validation part, but its new items are others: chosen on known items alone,
a penalty would suit known items alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from ragteach.data.encoder import Encoder
from ragteach.data.sources.readers import SETTINGS, Readers, load_items, simulate_readers
from ragteach.data.wild.reading import load_table
from ragteach.errors import refuse, whole
from ragteach.labs.ranking import K, RankingLab
from ragteach.labs.recommenders import rating_baselines

# Ratings of a reader; the last two of known and again of new items.
N_RATED = 20
N_VAL = 8
N_HELD = 20
WIDTH = 64


class ItemReader:
    """An encoder's first principal components, scaled to length 1 on average: ``transform(texts)``.

    Args:
        texts: the items that are known; the components are theirs.
        also: items that will be asked about. They are read at the same time, and nothing is learnt
            from them.
        width: how many components, at most.
    """

    def __init__(self, texts: Sequence[str], also: Sequence[str] = (), width: int = WIDTH) -> None:
        self.encoder = Encoder().fit([*texts, *also])
        e = self.encoder.transform(texts)
        self.pca = PCA(min(width, len(e) - 1, e.shape[1]), random_state=0).fit(e)
        self.size = float(np.sqrt((self.pca.transform(e) ** 2).sum(1).mean()))

    def transform(self, texts: Any) -> np.ndarray:
        """(n_items, n_features), float64."""
        e = self.encoder.transform(texts)
        return self.pca.transform(e).astype(float) / max(self.size, 1e-9)


def deal(
    n_readers: int, n_rated: int = N_RATED, seed: int = 0, items: pd.DataFrame | None = None
) -> list[dict[str, dict[str, np.ndarray]]]:
    """Who rated what: for each reader the rows of items in each part.

    Returns:
        training, validation and held-out parts, each a dict reader -> {"known": rows, "new": rows}.
        The new items of validation are those for trial; those held out are nobody's before.

    Example:
        >>> train, val, held = deal(2, 5)
        >>> [len(part["reader 01"]["known"]) for part in (train, val, held)]
        [5, 8, 20]
    """
    whole("n_readers", n_readers, 1)
    part = (load_items() if items is None else items)["part"]
    known, trial, new = (np.flatnonzero(part == name) for name in ("known", "trial", "new"))
    whole("n_rated", n_rated, 1, len(known) - N_VAL - N_HELD)
    rng = np.random.default_rng(seed)
    parts: list[dict[str, dict[str, np.ndarray]]] = [{}, {}, {}]
    for u in range(n_readers):
        name = f"reader {u + 1:02d}"
        rows = rng.permutation(known)
        ends = np.cumsum([N_HELD, N_VAL, n_rated])  # more ratings leave the other parts as they are
        held, val, own, _ = np.split(rows, ends)
        parts[0][name] = {"known": own, "new": own[:0]}
        parts[1][name] = {"known": val, "new": rng.permutation(trial)[:N_VAL]}
        parts[2][name] = {"known": held, "new": rng.permutation(new)[:N_HELD]}
    return parts


def rated(part: dict[str, dict[str, np.ndarray]], readers: Readers, x: Any) -> dict[str, tuple]:
    """Reader -> (the items of their part, known ones first; their ratings).

    Args:
        x: of every item its text, or its features.
    """
    rows = {name: np.concatenate(list(both.values())) for name, both in part.items()}
    return {name: (x[row], readers.ratings[u, row]) for u, (name, row) in enumerate(rows.items())}


def list_scores(predictor: Any, part: dict[str, tuple]) -> np.ndarray:
    """(n_readers, 3): nDCG@10 on all held-out items of a reader, on known ones, and on new ones.

    Args:
        predictor: anything with ``predict(items, reader)``.
        part: a held-out part as `rated` makes it, N_HELD known items and then as many new ones.
    """
    said = np.stack([predictor.predict(x, name) for name, (x, _) in part.items()])
    gains = 2.0 ** np.stack([r for _, r in part.values()]) - 1  # (n_readers, n_items)
    some = (slice(None), slice(None, N_HELD), slice(N_HELD, None))
    return np.stack([_ndcg(gains[:, s], said[:, s]) for s in some], 1)


def _ndcg(gains: np.ndarray, said: np.ndarray) -> np.ndarray:
    """nDCG@10 of many lists at once; equal scores stay in the order in which they were dealt, by
    chance.
    """
    discount = 1 / np.log2(np.arange(2, 2 + min(K, gains.shape[1])))
    order = np.argsort(-said, axis=1, kind="stable")
    mine = np.take_along_axis(gains, order, 1)[:, : len(discount)] @ discount
    return mine / (-np.sort(-gains, 1)[:, : len(discount)] @ discount)


def recommendation() -> RankingLab:
    """The lab with the course's own items, and readers whose taste is half common."""
    items = load_items()
    readers = simulate_readers(SETTINGS["half and half"], 60, seed=0, items=items)
    texts = items["text"].to_numpy(object)
    train, val, held = (rated(part, readers, texts) for part in deal(60, items=items))
    known = items.loc[items["part"] == "known", "text"]
    features = ItemReader(list(known), list(texts))
    return RankingLab("recommendation", train, val, held, rating_baselines, features)


# ---------------------------------------------------------------- a table of your own

COLUMNS = ("user", "item", "rating")


def own_ratings(data: Any, seed: int) -> RankingLab:
    """A lab of a table with user, item (a text that describes it) and rating; higher is better.

    Ratings are put on the scale 1 .. 5, from the lowest to the highest of the table. A fifth of the
    items is held out whole, an eighth is for validation only; of the rest each user's ratings are
    dealt 60 : 15 : 25.
    """
    table = data if isinstance(data, pd.DataFrame) else load_table(data)
    frame = _checked(table)
    rng = np.random.default_rng(seed)
    texts = rng.permutation(frame["item"].unique())
    n_new = round(len(texts) / 5)
    n_trial = round(len(texts) / 8)
    kind = dict.fromkeys(texts[:n_new], "new") | dict.fromkeys(texts[n_new:][:n_trial], "trial")
    parts: list[dict[str, tuple]] = [{}, {}, {}]
    for user, rows in frame.groupby("user", sort=False):
        kinds = rows["item"].map(kind).fillna("known").to_numpy()
        known = rng.permutation(np.flatnonzero(kinds == "known"))
        cut = np.cumsum([round(0.6 * len(known)), round(0.15 * len(known))])
        learn, choose, test = np.split(known, cut)
        dealt = (
            learn,
            np.concatenate([choose, np.flatnonzero(kinds == "trial")]),
            np.concatenate([test, np.flatnonzero(kinds == "new")]),
        )
        for part, row, name, least in zip(
            parts, dealt, ("training", "validation", "held-out"), (2, 1, 2), strict=True
        ):
            if len(row) < least:
                raise refuse(
                    expected="enough ratings of every user for three parts: some ten or more",
                    got=f"{len(rows)} ratings of {user!r}: {len(row)} left for the {name} part",
                    fix="leave out users with few ratings: a user of whom nothing is known is a "
                    "cold start",
                )
            chosen = rows.iloc[row]
            part[str(user)] = (chosen["item"].to_numpy(object), chosen["rating"].to_numpy())
    known_texts = [text for text in texts if text not in kind]
    train, val, held = parts
    features = ItemReader(known_texts, list(texts))
    return RankingLab("your ratings", train, val, held, rating_baselines, features)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    """The three columns, ratings on 1 .. 5; refuses what cannot be ranked."""
    fix = "rename your columns: table.rename(columns={'text': 'item', 'stars': 'rating'})"
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise refuse(
            expected="a table with the columns user, item and rating",
            got=f"columns {', '.join(map(str, table.columns[:8]))}; no {' and no '.join(missing)}",
            fix=fix,
        )
    frame = table[list(COLUMNS)].copy()
    for name in ("user", "item"):
        empty = frame[name].isna() | (frame[name].astype(str).str.strip() == "")
        if empty.any():
            raise refuse(
                expected=f"a {name} in every row",
                got=f"none in row {int(np.flatnonzero(empty)[0]) + 1}",
                fix=f"fill the gap, or leave the row out: table.dropna(subset=[{name!r}])",
            )
        frame[name] = frame[name].astype(str)
    if frame["item"].str.fullmatch(r"[\d.]+").all():
        raise refuse(
            expected="an item as a text that describes it: a title, a blurb",
            got=f"numbers, such as {frame['item'].iloc[0]!r}",
            fix="a number says nothing to a reader of texts: join your table of titles",
        )
    stars = pd.to_numeric(frame["rating"], errors="coerce").astype(float)
    bad = np.flatnonzero(~np.isfinite(stars))
    if len(bad):
        value = frame["rating"].iloc[bad[0]]
        raise refuse(
            expected="a finite number as the rating in every row; higher is better",
            got=f"{repr(value) if isinstance(value, str) else str(value)} in row {bad[0] + 1}",
            fix="write words as numbers, or leave the row out",
        )
    again = frame.duplicated(["user", "item"])
    if again.any():
        user, item = frame.loc[again, ["user", "item"]].iloc[0]
        raise refuse(
            expected="one rating of an item by a user",
            got=f"two of {item[:40]!r} by {user!r}",
            fix="keep the last: table.drop_duplicates(['user', 'item'], keep='last')",
        )
    if frame["user"].nunique() < 2 or stars.nunique() < 2:
        raise refuse(
            expected="two users or more, and two different ratings or more",
            got=f"{frame['user'].nunique()} user(s), {stars.nunique()} rating(s)",
            fix="with one user or one rating there is nothing to share, or nothing to rank",
        )
    frame["rating"] = 1 + 4 * (stars - stars.min()) / (stars.max() - stars.min())
    return frame.reset_index(drop=True)
