"""The comparison spreads over a cluster unchanged: joblib's Dask backend gives the rows of one
process. A draw that always kills its worker ends the run, not the draws beside it.
"""

import types
import warnings

import joblib
import pandas as pd
import pytest
from problems import refused

import ragteach as rt
from ragteach.study.kept import Job, Kept
from ragteach.study.running import run

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own sockets and threads
        with distributed.LocalCluster(**options) as workers, distributed.Client(workers):
            yield


def test_a_dask_cluster_gives_the_rows_of_one_process(cluster):
    options = {
        "seeds": 2,
        "n_per_task": 10,
        "strategies": ["RAG", "full sharing"],
        "progress": False,
    }
    alone = rt.compare("toy", **options)
    with joblib.parallel_config(backend="dask"):
        spread = rt.compare("toy", **options)
    keys = ["strategy", "task", "seed", "metric"]
    columns = [*keys, "value"]
    pd.testing.assert_frame_equal(
        alone[columns].sort_values(keys, ignore_index=True),
        spread[columns].sort_values(keys, ignore_index=True),
        check_exact=True,
    )


def _deadly(job):
    """What Dask says of a draw that has killed its workers; to kill them in earnest takes long."""
    if job.seed == 1:
        raise distributed.KilledWorker("draw", types.SimpleNamespace(address="a"), 3)
    return [(job.seed,)]


def test_a_draw_that_dask_gives_up_ends_the_run_with_the_others_kept(cluster, tmp_path):
    jobs = [Job("toy", 6, seed) for seed in range(4)]
    kept = Kept(tmp_path, [])
    with (
        joblib.parallel_config(backend="dask"),
        refused("processes that live", "too little memory), at n = 6, seed 1; 3 of 4", "then"),
    ):
        run(_deadly, jobs, kept, progress=False)
    assert [kept.load(job) for job in jobs] == [[(0,)], None, [(2,)], [(3,)]]
