from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.errors import InputError
from clamr_select.video.candidates import (
    COMPARISON_MAX_CANDIDATES,
    DEFAULT_MAX_CANDIDATES,
    Candidates,
    neighbor_indices,
    sample_candidates,
)

times_on_a_clock = st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True).map(sorted)
"""Timestamps in 1/90 s, so that exact arithmetic is possible in the naive loop."""


def naive_candidates(clock: list[int], ticks_per_candidate: int) -> list[int]:
    """Walk along the grid and ask at each tick which frame is on display; times are whole clock units."""
    gaps = sorted(b - a for a, b in pairwise(clock))
    middle = len(gaps) // 2
    # the median, doubled to stay whole
    doubled = (gaps[middle] + gaps[middle - 1 + len(gaps) % 2]) if gaps else 2
    found: list[int] = []
    tick = clock[0]
    while 2 * tick < 2 * clock[-1] + doubled:
        on_display = max(index for index, time in enumerate(clock) if time <= tick)
        if on_display not in found:
            found.append(on_display)
        tick += ticks_per_candidate
    return found


@settings(deadline=None)
@given(clock=times_on_a_clock, ticks_per_candidate=st.sampled_from([1, 2, 9, 10, 45, 90, 180, 450]))
def test_candidates_are_what_is_on_display_at_each_tick(clock: list[int], ticks_per_candidate: int) -> None:
    got = sample_candidates(np.array(clock) / 90, candidate_fps=90 / ticks_per_candidate)
    assert got.frame_indices.tolist() == naive_candidates(clock, ticks_per_candidate)
    np.testing.assert_array_equal(got.timestamps_seconds, np.array(clock)[got.frame_indices] / 90)
    assert got.warnings == ()


@settings(deadline=None)
@given(clock=times_on_a_clock, offset=st.sampled_from([0.0, -7.5, 1234.0, 95443.0]))
def test_a_late_start_changes_nothing(clock: list[int], offset: float) -> None:
    plain = sample_candidates(np.array(clock) / 90).frame_indices
    shifted = sample_candidates(np.array(clock) / 90 + offset).frame_indices
    np.testing.assert_array_equal(plain, shifted)


@settings(deadline=None)
@given(clock=times_on_a_clock, limit=st.integers(1, 70), fps=st.sampled_from([0.5, 3.0, 90.0]))
def test_thinning_is_even_and_said(clock: list[int], limit: int, fps: float) -> None:
    times = np.array(clock) / 90
    everything = sample_candidates(times, candidate_fps=fps).frame_indices.tolist()
    got = sample_candidates(times, candidate_fps=fps, max_candidates=limit)
    kept = got.frame_indices.tolist()
    assert len(kept) == min(limit, len(everything))
    assert kept == sorted(set(kept))
    assert set(kept) <= set(everything)
    assert kept[0] == everything[0]
    if len(everything) > limit:
        assert [code for code, _ in got.warnings] == ["candidates_thinned"]
        if limit > 1:
            assert kept[-1] == everything[-1]
            places = np.diff([everything.index(index) for index in kept])
            assert places.max() - places.min() <= 1
    else:
        assert kept == everything
        assert got.warnings == ()


def test_one_a_second_of_a_common_video() -> None:
    times = np.arange(0, 3600) * 1001 / 30000  # 29.97 fps: no frame is on the tick but the first
    got = sample_candidates(times)
    assert len(got.frame_indices) == 121
    assert got.frame_indices[:3].tolist() == [0, 29, 59]
    assert np.all(np.abs(got.timestamps_seconds - np.arange(121)) < 1 / 29)


def test_a_rate_above_the_videos_gives_every_frame() -> None:
    got = sample_candidates(np.arange(50) / 25 + 3, candidate_fps=1000)
    assert got.frame_indices.tolist() == list(range(50))


def test_a_still_stretch_gives_one_candidate() -> None:
    got = sample_candidates([0.0, 0.5, 3600.0, 3600.5, 3601.0])
    assert got.frame_indices.tolist() == [0, 1, 2, 4]


def test_one_frame() -> None:
    got = sample_candidates([12.5])
    assert (got.frame_indices.tolist(), got.timestamps_seconds.tolist()) == ([0], [12.5])


def test_the_warning_states_the_spacing() -> None:
    ((code, message),) = sample_candidates(np.arange(0.0, 2001.0), max_candidates=COMPARISON_MAX_CANDIDATES).warnings
    assert code == "candidates_thinned"
    assert message == "2001 candidates were thinned to 768, about one every 2.61 s"


def test_a_day_at_one_candidate_a_second_is_bounded() -> None:
    got = sample_candidates(np.arange(0, 86_400, 0.5))
    assert len(got.frame_indices) == DEFAULT_MAX_CANDIDATES


@pytest.mark.parametrize("times", [[], [1.0, 1.0], [2.0, 1.0], [0.0, math.nan], [0.0, math.inf], [[0.0], [1.0]]])
def test_wrong_timestamps(times: list) -> None:
    with pytest.raises(InputError, match="timestamps_seconds"):
        sample_candidates(times)


@pytest.mark.parametrize("fps", [0, -1, math.nan, math.inf, "1", None, True])
def test_wrong_rates(fps: object) -> None:
    with pytest.raises(InputError, match="candidate_fps"):
        sample_candidates([0.0, 1.0], candidate_fps=fps)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, -1, 2.0, "7", None, True])
def test_wrong_limits(limit: object) -> None:
    with pytest.raises(InputError, match="max_candidates"):
        sample_candidates([0.0, 1.0], max_candidates=limit)  # type: ignore[arg-type]


def test_candidates_cannot_be_reassigned() -> None:
    candidates = Candidates(np.array([0]), np.array([0.0]))
    with pytest.raises(AttributeError):
        candidates.frame_indices = np.array([1])  # type: ignore[misc]


def test_the_neighbour_is_the_next_frame() -> None:
    assert neighbor_indices([0, 4, 8, 9], 10).tolist() == [1, 5, 9, 9]
    assert neighbor_indices([], 10).tolist() == []
    assert neighbor_indices([0], 1).tolist() == [0]


@pytest.mark.parametrize("indices", [[-1], [10], [0, 11]])
def test_neighbours_of_frames_that_are_not_there(indices: list[int]) -> None:
    with pytest.raises(InputError, match=r"0\.\.9"):
        neighbor_indices(indices, 10)
