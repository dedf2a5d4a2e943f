"""Policies against naive loops, and contract 5: exact counts, ties, constant scores."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.policies import PolicyResult, select_indices
from clamr_select.policies.by_score import TIE_TOLERANCE, tiers
from clamr_select.policies.spread import spread_evenly
from clamr_select.policies.topk_gap import auto_gap_seconds


def times(count: int, *, step: float = 1.0, start: float = 0.0) -> list[float]:
    return [start + step * i for i in range(count)]


# --- naive references: the same rules in plain loops over lists ---


def naive_spread(timestamps: list[float], count: int) -> list[int]:
    if count == len(timestamps):
        return list(range(count))
    half = float(np.median(np.diff(timestamps))) / 2
    start, end = timestamps[0] - half, timestamps[-1] + half
    taken: list[int] = []
    for j in range(count):
        target = start + (j + 0.5) * ((end - start) / count)
        nearest = 0
        for i, t in enumerate(timestamps):
            if abs(timestamps[nearest] - target) - abs(t - target) > 1e-6:
                nearest = i
        if nearest not in taken:
            taken.append(nearest)
    while len(taken) < count:
        best, best_distance = -1, -math.inf
        for i, t in enumerate(timestamps):
            if i not in taken:
                distance = min(abs(t - timestamps[j]) for j in taken)
                if distance > best_distance + 1e-6:
                    best, best_distance = i, distance
        taken.append(best)
    return sorted(taken)


def naive_tiers(scores: list[float]) -> list[list[int]]:
    left = set(range(len(scores)))
    groups = []
    while left:
        best = max(scores[i] for i in left)
        group = sorted(i for i in left if best - scores[i] <= TIE_TOLERANCE)
        groups.append(group)
        left -= set(group)
    return groups


def naive_topk(scores: list[float], timestamps: list[float], count: int) -> list[int]:
    taken: list[int] = []
    for group in naive_tiers(scores):
        room = count - len(taken)
        if len(group) > room:
            group = [group[i] for i in naive_spread([timestamps[i] for i in group], room)] if room else []
        taken += group
    return sorted(taken)


def naive_topk_gap(scores: list[float], timestamps: list[float], count: int, gap: float) -> list[int]:
    if len(naive_tiers(scores)) == 1:
        return naive_spread(timestamps, count)
    taken: list[int] = []

    def far(i: int) -> bool:
        return i not in taken and all(abs(timestamps[i] - timestamps[j]) >= gap - 1e-6 for j in taken)

    while len(taken) < count:
        for group in naive_tiers(scores):
            free = [i for i in group if far(i)]
            room = count - len(taken)
            if len(free) > room > 0:
                first = [free[i] for i in naive_spread([timestamps[i] for i in free], room)]
                free = first + [i for i in free if i not in first]
            for i in free:
                if len(taken) < count and far(i):
                    taken.append(i)
        gap /= 2
    return sorted(taken)


@st.composite
def candidates(draw: st.DrawFn) -> tuple[list[float], list[float], int]:
    """Scores with many ties (some off by rounding), uneven times, and a number of frames that fits."""
    count = draw(st.integers(1, 24))
    steps = draw(st.lists(st.sampled_from([0.04, 0.5, 1.0, 1.0, 7.5]), min_size=count, max_size=count))
    timestamps = np.round(draw(st.sampled_from([-1.5, 0.0, 3600.0])) + np.cumsum(steps), 3).tolist()
    levels = draw(st.lists(st.sampled_from([-0.2, 0.0, 0.1, 0.1 + 3e-8, 0.7]), min_size=count, max_size=count))
    return levels, timestamps, draw(st.integers(1, count))


@settings(max_examples=300, deadline=None)
@given(candidates())
def test_uniform_and_topk_equal_naive_loops(case):
    scores, timestamps, count = case
    uniform = select_indices(scores, timestamps_seconds=timestamps, num_frames=count, policy="uniform")
    assert list(uniform.indices) == naive_spread(timestamps, count)
    topk = select_indices(scores, timestamps_seconds=timestamps, num_frames=count, policy="topk")
    assert list(topk.indices) == naive_topk(scores, timestamps, count)


@settings(max_examples=300, deadline=None)
@given(candidates(), st.sampled_from([0, 0.3, 1.0, 2, 5.0, 20.0, 1000.0]))
def test_topk_gap_equals_naive_loop(case, gap):
    scores, timestamps, count = case
    result = select_indices(scores, timestamps_seconds=timestamps, num_frames=count, min_gap_seconds=gap)
    assert list(result.indices) == naive_topk_gap(scores, timestamps, count, gap)
    assert result.parameters == {"min_gap_seconds": gap}


@settings(max_examples=100, deadline=None)
@given(candidates())
def test_topk_gap_of_zero_is_topk(case):
    scores, timestamps, count = case
    gap = select_indices(scores, timestamps_seconds=timestamps, num_frames=count, min_gap_seconds=0)
    topk = select_indices(scores, timestamps_seconds=timestamps, num_frames=count, policy="topk")
    assert gap.indices == topk.indices


# --- contract 5, by example ---


@pytest.mark.parametrize("policy", ["topk", "topk_gap"])
@pytest.mark.parametrize(("num_candidates", "num_frames"), [(100, 7), (8, 8), (9, 2), (1000, 64), (5, 9)])
def test_constant_scores_are_uniform_sampling_with_a_warning(policy, num_candidates, num_frames):
    timestamps = times(num_candidates)
    flat = [0.25 + 1e-9 * (i % 3) for i in range(num_candidates)]
    result = select_indices(flat, timestamps_seconds=timestamps, num_frames=num_frames, policy=policy)
    uniform = select_indices(flat, timestamps_seconds=timestamps, num_frames=num_frames, policy="uniform")
    assert result.indices == uniform.indices
    assert "flat_scores" in dict(result.warnings)
    assert "flat_scores" not in dict(uniform.warnings)


def test_constant_scores_are_uniform_even_with_a_gap_that_cannot_be_kept():
    result = select_indices([0.5] * 12, timestamps_seconds=times(12), num_frames=4, min_gap_seconds=100.0)
    assert result.indices == (1, 4, 7, 10)


def test_one_candidate_is_not_flat():
    assert select_indices([0.3], timestamps_seconds=[4.2], num_frames=1) == PolicyResult(
        (0,), (), {"min_gap_seconds": 1.0}
    )


def test_wide_tie_is_spread_and_narrow_tie_is_taken_whole():
    scores = [0.9] + [0.5] * 9 + [0.1]
    wide = select_indices(scores, timestamps_seconds=times(11), num_frames=4, policy="topk")
    assert wide.indices == (0, 2, 5, 8)
    scores = [0.1, 0.5, 0.1, 0.5, 0.1, 0.9]
    narrow = select_indices(scores, timestamps_seconds=times(6), num_frames=3, policy="topk")
    assert narrow.indices == (1, 3, 5)


def test_earlier_frame_of_a_narrow_tie_wins_under_a_gap():
    # 3 s and 4 s tie and exclude each other; both would fit the budget, so nothing is spread
    scores = [0.0, 0.0, 0.0, 0.7, 0.7, 0.0, 0.0, 0.0]
    result = select_indices(scores, timestamps_seconds=times(8), num_frames=2, min_gap_seconds=2.0)
    assert 3 in result.indices
    assert 4 not in result.indices


def test_ties_are_not_chained():
    ramp = np.arange(50) * -0.9e-6  # neighbours are tied, the ends are not
    groups = [group.tolist() for group in tiers(ramp)]
    assert groups == naive_tiers(ramp.tolist())
    assert len(groups) == 25


def test_topk_gap_keeps_distance_where_topk_does_not():
    scores = [0.0] * 60
    scores[20:25] = [0.80, 0.85, 0.90, 0.85, 0.80]
    scores[50] = 0.5
    arguments = {"timestamps_seconds": times(60), "num_frames": 3}
    assert select_indices(scores, policy="topk", **arguments).indices == (21, 22, 23)
    result = select_indices(scores, policy="topk_gap", **arguments)
    assert 22 in result.indices
    assert 50 in result.indices
    assert min(np.diff(result.indices)) >= 5
    assert result.parameters == {"min_gap_seconds": 59 / 12}


def test_relaxed_gap_is_reported_only_where_it_was_asked_for():
    scores = [0.1, 0.4, 0.2, 0.3]
    asked = select_indices(scores, timestamps_seconds=times(4), num_frames=4, min_gap_seconds=8)
    assert asked.indices == (0, 1, 2, 3)
    assert asked.warnings == (
        ("gap_relaxed", "min_gap_seconds=8 left room for 1 of 4 frames; the others are at least 1 s apart"),
    )
    auto = select_indices(scores, timestamps_seconds=times(4, step=0.1), num_frames=4)
    assert auto.warnings == ()
    assert auto.parameters == {"min_gap_seconds": 1.0}


def test_a_gap_equal_to_the_distance_is_kept_in_spite_of_rounding():
    timestamps = [0.3, 1.3, 2.3]  # 2.3 - 0.3 is 1.9999999999999998
    result = select_indices([0.9, 0.8, 0.7], timestamps_seconds=timestamps, num_frames=2, min_gap_seconds=2)
    assert result.indices == (0, 2)
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("duration", "num_frames", "expected"), [(160, 8, 5), (8, 8, 1), (7200, 8, 6), (0, 1, 1), (60, 4, 3.75)]
)
def test_auto_gap(duration, num_frames, expected):
    assert auto_gap_seconds(duration, num_frames=num_frames) == expected


# --- even sampling ---


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 400), st.integers(1, 64), st.sampled_from([0.04, 1 / 30, 1.0, 2.5]))
def test_even_candidates_give_published_mid_bins(num_candidates, num_frames, step):
    num_frames = min(num_frames, num_candidates)
    middles = [(j + Fraction(1, 2)) * num_candidates / num_frames for j in range(num_frames)]
    # floor of the published code, but the earlier of two candidates that are equally near
    expected = [math.ceil(m) - 1 for m in middles]
    got = spread_evenly(np.array(times(num_candidates, step=step)), num_frames=num_frames)
    assert got.tolist() == expected


def test_uniform_is_even_in_time_not_in_positions():
    dense_then_sparse = np.concatenate([np.arange(0, 10, 0.1), np.arange(10, 101, 10.0)])
    got = dense_then_sparse[spread_evenly(dense_then_sparse, num_frames=5)]
    assert got.tolist() == [10.0, 30.0, 50.0, 70.0, 90.0]


def test_a_hole_in_time_still_gives_distinct_frames():
    timestamps = [*times(10), 100.0]
    assert spread_evenly(np.array(timestamps), num_frames=5).tolist() == [0, 2, 4, 9, 10]


def test_input_is_not_changed():
    scores, timestamps = np.array([0.3, 0.1, 0.2], dtype=np.float32), np.array([0.0, 1.0, 2.0])
    before = scores.copy(), timestamps.copy()
    for policy in ("uniform", "topk", "topk_gap"):
        select_indices(scores, timestamps_seconds=timestamps, num_frames=2, policy=policy)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(timestamps, before[1])


# --- wrong input ---


def test_unknown_policy_fails():
    with pytest.raises(UnknownNameError, match=r"unknown policy 'topq'; choose from air, aks, "):
        select_indices([1.0], timestamps_seconds=[0.0], num_frames=1, policy="topq")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("topk_gap", r"policy 'topk_gap' has no parameter 'min_gap'; allowed: min_gap_seconds"),
        ("topk", r"policy 'topk' has no parameter 'min_gap'; allowed: none"),
        ("uniform", r"policy 'uniform' has no parameter 'min_gap'; allowed: variant"),
        ("mmr", r"policy 'mmr' has no parameter 'min_gap'; allowed: relevance_weight"),
    ],
)
def test_unknown_parameter_fails(policy, message):
    with pytest.raises(InputError, match=message):
        select_indices([1.0], timestamps_seconds=[0.0], num_frames=1, policy=policy, min_gap=2.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": []}, r"scores must have shape \(num_candidates,\) .*at least one candidate, got \(0,\)"),
        ({"scores": [[0.1, 0.2, 0.3]]}, r"got \(1, 3\)"),
        ({"scores": [0.1, "x", 0.3]}, "scores must be numbers"),
        ({"scores": [0.1, [0.2], 0.3]}, "scores must be numbers"),
        ({"timestamps_seconds": [0.0, 1.0]}, "got 3 scores and 2 timestamps_seconds"),
        ({"timestamps_seconds": [0.0, 1.0, 1.0]}, "strictly increasing, got 1.0 then 1.0 at position 2"),
        ({"timestamps_seconds": [0.0, math.nan, 1.0]}, r"timestamps_seconds\[1\] is nan"),
        ({"num_frames": 0}, "num_frames must be a whole number >= 1, got 0"),
        ({"num_frames": 2.0}, "got 2.0"),
        ({"num_frames": True}, "got True"),
        ({"min_gap_seconds": -1}, "must be 'auto' or a finite number of seconds >= 0, got -1"),
        ({"min_gap_seconds": math.nan}, "got nan"),
        ({"min_gap_seconds": math.inf}, "got inf"),
        ({"min_gap_seconds": "wide"}, "got 'wide'"),
        ({"min_gap_seconds": True}, "got True"),
    ],
)
def test_wrong_input_fails(changes, message):
    arguments = {"scores": [0.1, 0.2, 0.3], "timestamps_seconds": times(3), "num_frames": 2, **changes}
    scores = arguments.pop("scores")
    with pytest.raises(InputError, match=message):
        select_indices(scores, **arguments)
