"""The comparison spreads over a cluster unchanged: joblib's Dask backend gives the rows of one
process.
"""

import warnings

import joblib
import pandas as pd
import pytest

import ragteach as rt

distributed = pytest.importorskip("distributed")


def test_a_dask_cluster_gives_the_rows_of_one_process():
    options = {
        "seeds": 2,
        "n_per_task": 10,
        "strategies": ["RAG", "full sharing"],
        "progress": False,
    }
    alone = rt.compare("toy", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own sockets and threads
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            spread = rt.compare("toy", **options)
    keys = ["strategy", "task", "seed", "metric"]
    columns = [*keys, "value"]
    pd.testing.assert_frame_equal(
        alone[columns].sort_values(keys, ignore_index=True),
        spread[columns].sort_values(keys, ignore_index=True),
        check_exact=True,
    )
