"""The finance lab: sentiment, topic and event of dated headlines, three heads on one text."""

from __future__ import annotations

import pandas as pd

from ragteach.data.sources.headlines import TASKS, load_headlines, parts_in_time
from ragteach.labs.headed import headed_lab, part_of, standard
from ragteach.labs.held import Lab


def finance() -> Lab:
    """The lab with the course's own headlines: train on the first months, held out are the last."""
    whole = standard(load_headlines(), TASKS)
    parts = [part_of(whole, part["text"]) for part in parts_in_time()]
    return headed_lab("finance", whole, parts)


def by_topic(part: pd.DataFrame) -> pd.DataFrame:
    """Headlines with the topic as the task, and the sentiment as the label: text, label, task.

    Example:
        >>> by_topic(load_headlines().head(1))["task"].tolist()
        ['energy']
    """
    columns = {"text": part["text"], "label": part["sentiment"], "task": part["topic"]}
    return pd.DataFrame(columns).reset_index(drop=True)
