"""Intervals by cluster, precision and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.metrics import ClusterBootstrap, bootstrap_interval, evidence_precision, time_coverage


def test_clusters_of_one_are_the_usual_bootstrap():
    values = np.random.default_rng(0).random(300)
    ours = ClusterBootstrap([str(i) for i in range(300)], seed=1, num_resamples=4000).interval(values)
    usual = bootstrap_interval(values, seed=2, num_resamples=4000)
    assert ours.mean == pytest.approx(usual.mean)
    assert ours.low == pytest.approx(usual.low, abs=0.004)
    assert ours.high == pytest.approx(usual.high, abs=0.004)


def test_values_that_agree_within_clusters_are_as_many_as_clusters():
    of_cluster = np.random.default_rng(0).random(50)
    values, clusters = np.repeat(of_cluster, 20), np.repeat(np.arange(50), 20).astype(str)
    ours = ClusterBootstrap(clusters.tolist(), seed=1, num_resamples=4000).interval(values)
    usual = bootstrap_interval(of_cluster, seed=2, num_resamples=4000)
    assert ours.high - ours.low == pytest.approx(usual.high - usual.low, rel=0.1)


def test_a_ratio_of_means_moves_with_the_clusters_that_are_drawn():
    part, whole = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    draws = ClusterBootstrap(["a", "a", "b", "b"], seed=1)
    assert draws.ratio(part, to=whole) == {"ratio": 0.5, "low": 0.0, "high": 1.0}
    assert draws.ratio(whole, to=whole) == {"ratio": 1.0, "low": 1.0, "high": 1.0}
    one = np.array([True, False, False, False])
    assert draws.ratio(part, to=whole, mask=one) == {"ratio": 1.0, "low": 1.0, "high": 1.0}
    assert draws.ratio(part, to=np.zeros(4)) is None
    assert draws.ratio(part, to=part, mask=~one & (part == 0)) is None


def test_a_mask_counts_a_part_and_the_seed_decides():
    values, clusters = np.arange(6.0), ["a", "a", "b", "b", "c", "c"]
    mask = np.array([True, False, True, False, False, False])
    draws = ClusterBootstrap(clusters, seed=3)
    found = draws.interval(values, mask=mask)
    assert (found.mean, found.num_values) == (1.0, 2)
    assert 0.0 <= found.low <= found.high <= 2.0
    assert ClusterBootstrap(clusters, seed=3).interval(values, mask=mask) == found


@pytest.mark.parametrize(
    ("values", "mask"),
    [([1.0], None), ([1.0, np.nan], None), ([1.0, 2.0], np.array([False, False]))],
)
def test_wrong_values_fail(values, mask):
    with pytest.raises(InputError, match="values must be 2 finite numbers"):
        ClusterBootstrap(["a", "b"], seed=0).interval(np.array(values), mask=mask)


@pytest.mark.parametrize(
    "arguments", [{"clusters": []}, {"clusters": ["a"], "num_resamples": 0}, {"clusters": ["a"], "confidence": 1.0}]
)
def test_wrong_arguments_fail(arguments):
    with pytest.raises(InputError, match="allowed"):
        ClusterBootstrap(arguments.pop("clusters"), seed=0, **arguments)


def test_precision_is_the_share_inside():
    assert evidence_precision([1.0, 2.0, 3.0, 9.0], evidence_seconds=[(1, 2), (9, 9)]) == 0.75
    assert evidence_precision([], evidence_seconds=[(1, 2)]) == 0.0
    with pytest.raises(InputError, match="evidence_seconds is empty"):
        evidence_precision([1.0], evidence_seconds=[])


def test_coverage_counts_bins_of_time():
    assert time_coverage([5.0, 15.0, 25.0, 35.0], start_seconds=0, end_seconds=40) == 1.0
    assert time_coverage([5.0, 5.5, 6.0, 40.0], start_seconds=0, end_seconds=40) == 0.5
    assert time_coverage([3.0], start_seconds=3, end_seconds=3) == 1.0
    assert time_coverage([], start_seconds=0, end_seconds=1) == 0.0
    with pytest.raises(InputError, match=r"must lie in 0\.\.40 s"):
        time_coverage([41.0], start_seconds=0, end_seconds=40)
