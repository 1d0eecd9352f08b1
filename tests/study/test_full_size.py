"""What the course claims, at the size at which it claims it: minutes, so `make test-long` runs these.

The lessons' claims on other draws than their own run with them (see `problems.on_draws`).
"""

import pytest

import ragteach as rt
from ragteach.study.experiment import winners

pytestmark = pytest.mark.long


def test_the_map_of_the_readme():
    """Five values of relatedness, six sizes, ten draws each: what the caption says of every row."""
    cells = winners(rt.who_wins_map(progress=False)).set_index(["relatedness", "n_per_task"])
    assert len(cells) == 30
    clear = cells[cells["clear"]]["winner"]
    for r in (0.5, 0.75):
        assert [clear.get((r, n)) for n in (10, 20, 80)] == ["full sharing", "full sharing", "RAG"]
    assert [clear.get((1.0, n)) for n in (5, 10, 20, 40)] == ["full sharing"] * 4
    apart = cells.loc[[0.0, 0.25]]
    assert (apart["winner"] != "full sharing").all() or not apart["clear"].any()


def test_corrected_intervals_over_resplits_cover_the_truth():
    """`tests/bench/coverage.py`, five times the frames of the short form and twice its seeds."""
    from bench.coverage import coverage

    table, _ = coverage(200, n_seeds=20, n_fresh=2000)
    assert (table["corrected"] > 0.95).all()
    assert table.loc["RAG - full sharing", "student"] < 0.85
