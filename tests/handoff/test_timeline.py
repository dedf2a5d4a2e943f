"""Index / fps is the true second, for whatever a container's clock says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clamr_select.errors import TimestampWarning
from clamr_select.handoff.timeline import Timeline, timeline, timeline_of
from clamr_select.selection import VideoFacts

CLOSEST_SECONDS = 1 / 240
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no fault."""


def facts(num_frames: int, *, fps: float = 0.0, start: float = 0.0, duration: float | None = None) -> VideoFacts:
    seconds = num_frames / fps if duration is None else duration
    return VideoFacts(64, 48, num_frames, start, seconds, num_frames / seconds)


def check(line: Timeline, times: list[float]) -> None:
    assert all(type(index) is int and index >= 0 for index in line.frames_indices)
    assert type(line.total_num_frames) is int
    assert line.total_num_frames > line.frames_indices[-1]
    assert line.total_num_frames >= len(line.frames_indices)
    assert line.total_num_frames / line.fps == pytest.approx(line.duration_seconds)
    for shown, seconds in zip(line.timestamps_seconds, times, strict=True):
        assert abs(shown - seconds) <= 1e-3
        assert abs(float(f"{shown:.1f}") - seconds) <= 0.05 + 1e-9  # after a consumer has rounded it


@PATIENT
@given(
    gaps=st.lists(st.floats(CLOSEST_SECONDS, 5000), min_size=1, max_size=40),
    start=st.floats(0, 100),
    indices=st.data(),
)
def test_any_times_come_out_right(gaps, start, indices):
    clock = [start]
    for gap in gaps:
        clock.append(clock[-1] + gap)
    last = len(clock) - 1
    taken = sorted(indices.draw(st.sets(st.integers(0, last), min_size=1)))
    times = [clock[index] for index in taken]

    line = timeline_of(taken, times, facts=facts(len(clock), start=start, duration=clock[-1] - start + 0.04))

    check(line, times)
    assert all(before < after for before, after in pairwise(line.frames_indices))


@PATIENT
@given(
    rate=st.sampled_from(
        [1.0, 5.0, 10.0, 12.5, 15.0, 23.976023976023978, 24.0, 25.0, 30000 / 1001, 30.0, 60000 / 1001]
    ),
    taken=st.sets(st.integers(0, 200_000), min_size=1, max_size=30),
)
def test_a_constant_rate_comes_out_right(rate, taken):
    indices = sorted(taken)
    times = [index / rate for index in indices]

    check(timeline_of(indices, times, facts=facts(200_001, fps=rate)), times)


@pytest.mark.parametrize("name", ["constant", "ntsc", "sparse_constant", "one_frame"])
def test_a_constant_rate_keeps_the_files_own_indices(scene, name):
    selection = scene(name)
    if name == "sparse_constant" and selection.video_facts.average_fps != pytest.approx(0.1):
        pytest.skip("this PyAV writes the last frame a second long, and the rate is not constant then")

    line = timeline(selection)

    assert not line.is_virtual
    assert line.frames_indices == selection.frame_indices
    assert line.total_num_frames == selection.video_facts.num_frames
    check(line, list(selection.timestamps_seconds))


@pytest.mark.parametrize("name", ["variable", "sparse", "late_start"])
def test_other_clocks_count_milliseconds(scene, name):
    selection = scene(name)

    line = timeline(selection)

    assert line.is_virtual
    assert line.frames_indices == tuple(round(1000 * seconds) for seconds in selection.timestamps_seconds)
    check(line, list(selection.timestamps_seconds))


def test_a_rate_that_only_claims_to_be_constant_is_not_believed():
    times = [0.0, 0.04, 0.30]

    line = timeline_of([0, 1, 3], times, facts=facts(100, fps=25))  # frame 3 belongs at 0.12 s

    assert line.is_virtual
    check(line, times)


def test_one_frame_off_the_grid_makes_the_timeline_virtual():
    assert timeline_of([0, 25], [0.0, 1.0], facts=facts(100, fps=25)).is_virtual is False
    assert timeline_of([0, 25], [0.0, 1.001], facts=facts(100, fps=25)).is_virtual is True


def test_more_emitted_frames_than_the_video_has_need_a_longer_timeline():
    indices, times = [0, 0, 1, 1, 2, 2], [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]

    line = timeline_of(indices, times, facts=facts(3, fps=1))

    assert line.total_num_frames >= 6
    assert line.frames_indices == (0, 0, 1000, 1000, 2000, 2000)
    check(line, times)


def test_frames_closer_than_a_millisecond_stay_distinct():
    line = timeline_of([0, 1, 2], [1.0, 1.0002, 1.0004], facts=facts(3, duration=1.5))

    assert line.frames_indices == (1000, 1001, 1002)


def test_a_time_is_not_pushed_over_the_edge_of_a_tenth():
    line = timeline_of([0], [1.3497], facts=facts(10, start=1.3497, duration=3.0))

    assert f"{line.timestamps_seconds[0]:.1f}" == "1.3"


def test_times_below_zero_are_put_at_zero_and_that_is_said():
    with pytest.warns(TimestampWarning, match=r"the first is at -0\.500 s"):
        line = timeline_of([0, 5, 10], [-0.5, -0.3, 0.2], facts=facts(50, start=-0.5, duration=5.0))

    assert line.frames_indices == (0, 1, 200)


def test_times_just_below_zero_are_near_enough():
    line = timeline_of([0, 1], [-0.021, 0.02], facts=facts(50, start=-0.021, duration=2.0))

    assert line.frames_indices == (0, 20)


def test_the_millisecond_clock_can_be_asked_for():
    line = timeline_of([30], [1.001], facts=facts(300, fps=30000 / 1001), clock="milliseconds")

    assert (line.frames_indices, line.fps) == ((1001,), 1000.0)
