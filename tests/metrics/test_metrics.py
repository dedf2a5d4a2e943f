"""Metrics against values worked out by hand, and against naive loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clamr_select.errors import InputError
from clamr_select.metrics import (
    McNemarResult,
    bootstrap_interval,
    evidence_recall,
    hit_at_k,
    mcnemar,
    ndcg_at_k,
    paired_bootstrap_interval,
    recall_at_k,
)

# --- rankings ---


@pytest.mark.parametrize(
    ("ranked", "relevant", "k", "expected"),
    [
        ("abc", {"a"}, 10, 1.0),
        ("abc", {"b"}, 10, 1 / math.log2(3)),
        ("abc", {"c"}, 2, 0.0),
        ("abc", {"z"}, 10, 0.0),
        # gains 3, 0, 1 against the ideal 3, 2, 1
        ("acb", {"a": 3.0, "b": 1.0, "z": 2.0}, 3, (3 + 1 / 2) / (3 + 2 / math.log2(3) + 1 / 2)),
        # two relevant, one found at rank 2 of 2
        ("xa", ["a", "b"], 2, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
    ],
)
def test_ndcg_by_hand(ranked, relevant, k, expected):
    assert ndcg_at_k(list(ranked), relevant=relevant, k=k) == pytest.approx(expected)


@given(
    st.permutations(range(6)),
    st.dictionaries(st.integers(0, 7), st.sampled_from([0.5, 1.0, 3.0]), min_size=1, max_size=6),
    st.integers(1, 8),
)
def test_ndcg_divides_by_the_best_of_all_rankings(ranked, relevant, k):
    def dcg(order):
        return sum(relevant.get(item, 0) / math.log2(i + 2) for i, item in enumerate(order[:k]))

    best = max(dcg(order) for order in itertools.permutations(relevant))
    assert ndcg_at_k(ranked, relevant=relevant, k=k) == pytest.approx(dcg(ranked) / best)


def test_recall_by_hand():
    assert recall_at_k(["a", "b", "c"], relevant={"a", "c", "z"}, k=1) == pytest.approx(1 / 3)
    assert recall_at_k(["a", "b", "c"], relevant={"a", "c", "z"}, k=10) == pytest.approx(2 / 3)
    assert recall_at_k([], relevant={"a"}, k=5) == 0.0
    assert recall_at_k(["b"], relevant=["b", "b"], k=1) == 1.0


@pytest.mark.parametrize("metric", [ndcg_at_k, recall_at_k])
@pytest.mark.parametrize(
    ("ranked", "relevant", "k", "message"),
    [
        (["a"], {"a"}, 0, "k must be >= 1, got 0"),
        (["a"], set(), 1, "relevant is empty: the metric is undefined"),
        (["a", "b", "a"], {"a"}, 1, "'a' is ranked twice"),
    ],
)
def test_ranking_metrics_fail(metric, ranked, relevant, k, message):
    with pytest.raises(InputError, match=message):
        metric(ranked, relevant=relevant, k=k)


@pytest.mark.parametrize("gain", [0.0, -1.0, math.nan, math.inf])
def test_ndcg_relevance_that_is_not_positive_fails(gain):
    with pytest.raises(InputError, match="relevance of 'b' is"):
        ndcg_at_k(["a"], relevant={"a": 1.0, "b": gain}, k=1)


# --- evidence ---


def test_hit_and_recall_by_hand():
    evidence = [(2.0, 4.0), (10.0, 10.0), (3.0, 6.0)]
    assert hit_at_k([0.0, 3.5], evidence_seconds=evidence)
    assert evidence_recall([0.0, 3.5], evidence_seconds=evidence) == pytest.approx(2 / 3)
    assert evidence_recall([6.0, 10.0, 2.0], evidence_seconds=evidence) == 1.0
    assert not hit_at_k([1.99, 6.01, 9.99], evidence_seconds=evidence)
    assert not hit_at_k([], evidence_seconds=evidence)
    assert evidence_recall([], evidence_seconds=evidence) == 0.0


def test_ends_of_an_interval_are_included():
    assert hit_at_k([2.0], evidence_seconds=[(2.0, 4.0)])
    assert hit_at_k([4.0], evidence_seconds=[(2.0, 4.0)])


@pytest.mark.parametrize("metric", [hit_at_k, evidence_recall])
@pytest.mark.parametrize(
    ("evidence", "message"),
    [([], "evidence_seconds is empty"), ([(4.0, 2.0)], r"got \(4.0, 2.0\)"), ([(0.0, math.nan)], "finite")],
)
def test_evidence_metrics_fail(metric, evidence, message):
    with pytest.raises(InputError, match=message):
        metric([1.0], evidence_seconds=evidence)


# --- how sure ---


def test_bootstrap_is_repeatable_and_orders_its_ends():
    values = [0.0, 1.0, 1.3, 0.2, 0.5]
    one = bootstrap_interval(values, num_resamples=500, seed=3)
    assert one == bootstrap_interval(values, num_resamples=500, seed=3)
    assert one != bootstrap_interval(values, num_resamples=500, seed=4)
    assert one.low < one.mean == 0.6 < one.high
    assert (one.confidence, one.num_resamples, one.num_values) == (0.95, 500, 5)


def test_bootstrap_of_equal_values_has_no_width():
    got = bootstrap_interval([0.25] * 9, num_resamples=50, seed=0)
    assert got.low == got.mean == got.high == 0.25


def test_bootstrap_equals_the_normal_interval_of_a_large_sample():
    values = np.random.default_rng(0).random(2000)
    got = bootstrap_interval(values, num_resamples=2000, seed=1)
    half_width = 1.96 * values.std() / math.sqrt(len(values))
    assert got.high - got.mean == pytest.approx(half_width, rel=0.1)
    assert got.mean - got.low == pytest.approx(half_width, rel=0.1)


def test_bootstrap_equals_all_resamples_of_a_small_sample():
    values = [0.0, 1.0, 5.0]
    means = [sum(drawn) / 3 for drawn in itertools.product(values, repeat=3)]
    got = bootstrap_interval(values, confidence=0.5, num_resamples=20_000, seed=0)
    # the quartiles of 27 equally likely means: the 7th (7/27 > 1/4) and the 21st (20/27 < 3/4)
    assert got.low == pytest.approx(sorted(means)[6])
    assert got.high == pytest.approx(sorted(means)[20])


def test_higher_confidence_is_wider():
    values = np.arange(30) % 7
    narrow = bootstrap_interval(values, confidence=0.5, num_resamples=300, seed=0)
    wide = bootstrap_interval(values, confidence=0.99, num_resamples=300, seed=0)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_paired_difference_cancels_what_both_share():
    hard = np.random.default_rng(0).normal(size=200)
    gain = 0.1 + 0.01 * np.random.default_rng(1).normal(size=200)
    paired = paired_bootstrap_interval(hard + gain, hard, num_resamples=300, seed=0)
    assert paired.mean == pytest.approx(0.1, abs=0.005)
    assert 0.09 < paired.low < paired.high < 0.11
    assert paired == bootstrap_interval(hard + gain - hard, num_resamples=300, seed=0)


@pytest.mark.parametrize(
    ("values", "changes", "message"),
    [
        ([], {}, "at least one value"),
        ([[0.1]], {}, r"got \(1, 1\)"),
        ([0.1, math.nan], {}, "value 1 is nan"),
        ([0.1], {"confidence": 95}, "confidence must be between 0 and 1, got 95"),
        ([0.1], {"num_resamples": 0}, "num_resamples must be >= 1, got 0"),
    ],
)
def test_bootstrap_fails(values, changes, message):
    with pytest.raises(InputError, match=message):
        bootstrap_interval(values, seed=0, **changes)


def test_paired_bootstrap_of_different_lengths_fails():
    with pytest.raises(InputError, match="got 2 values and 1 of the baseline"):
        paired_bootstrap_interval([0.1, 0.2], [0.1], seed=0)


def test_mcnemar_by_hand():
    # 5 against 1: 2 * (C(6,0) + C(6,1)) / 2**6
    first = [True] * 5 + [False] + [True] * 3 + [False] * 2
    second = [False] * 5 + [True] + [True] * 3 + [False] * 2
    assert mcnemar(first, second) == McNemarResult(only_first=5, only_second=1, p_value=14 / 64)
    assert mcnemar(second, first).p_value == 14 / 64


def test_mcnemar_without_difference_is_one():
    assert mcnemar([True, False], [True, False]) == McNemarResult(0, 0, 1.0)
    assert mcnemar([True, False], [False, True]) == McNemarResult(1, 1, 1.0)


def test_mcnemar_equals_counting_all_coins():
    for only_first, only_second in itertools.product(range(6), repeat=2):
        flips = list(itertools.product([0, 1], repeat=only_first + only_second))
        lead = abs(only_first - only_second)
        extreme = sum(abs(2 * sum(flip) - len(flip)) >= lead for flip in flips)
        first, second = [1] * only_first + [0] * only_second, [0] * only_first + [1] * only_second
        if first:
            assert mcnemar(first, second).p_value == pytest.approx(extreme / len(flips))


def test_mcnemar_of_many_questions_stays_in_range():
    assert mcnemar([True] * 3000, [False] * 3000).p_value == 0.0
    assert 0 < mcnemar([True] * 1100 + [False] * 1000, [False] * 1100 + [True] * 1000).p_value < 0.05


@pytest.mark.parametrize(("first", "second"), [([], []), ([True], [True, False])])
def test_mcnemar_fails(first, second):
    with pytest.raises(InputError, match="both need the same, one or more"):
        mcnemar(first, second)
