from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.video.packets import PacketTable
from clamr_select.video.read_plan import LONG_STRETCH, MIN_SKIP, one_key_earlier, plan_reading


@st.composite
def tables(draw: st.DrawFn) -> PacketTable:
    """Groups of pictures of random length, reordered within, leading frames shown before their key frame."""
    pts, keys, shown = [], [], 0
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.integers(1, 12))
        leading = draw(st.integers(0, min(2, length - 1))) if keys else 0
        order = draw(st.permutations(range(leading + 1, length)))
        keys.append(len(pts))
        pts += [shown + leading, *(shown + i for i in range(leading)), *(shown + i for i in order)]
        shown += length
    packet_pts = np.array(pts, dtype=np.int64)
    key_positions = np.array(keys, dtype=np.int64)
    return PacketTable(
        packet_pts=packet_pts,
        damaged=np.zeros(len(pts), dtype=bool),
        key_positions=key_positions,
        key_pts=packet_pts[key_positions],
        frame_pts=np.sort(packet_pts),
        frame_positions=np.argsort(packet_pts),
        time_base=Fraction(1, 25),
        last_duration=1,
        num_hidden=0,
        num_untimed=0,
        num_duplicates=0,
        num_read_errors=0,
    )


def naive_start(table: PacketTable, index: int) -> int:
    """The last key frame that is neither decoded nor shown after the frame."""
    pts, position = table.frame_pts[index], table.frame_positions[index]
    usable = [
        int(place)
        for place, time in zip(table.key_positions, table.key_pts, strict=True)
        if place <= position and time <= pts
    ]
    return max(usable, default=0)


@settings(deadline=None)
@given(table=tables(), data=st.data())
def test_every_frame_lies_between_its_key_frame_and_the_end_of_its_stretch(
    table: PacketTable, data: st.DataObject
) -> None:
    count = len(table.frame_pts)
    wanted = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1))))
    stretches = plan_reading(table, wanted)
    assert [index for stretch in stretches for index in stretch.frame_indices] == wanted.tolist()
    for stretch in stretches:
        assert stretch.start == 0 or stretch.start in table.key_positions
        for index in stretch.frame_indices:
            assert stretch.start <= naive_start(table, index)
            assert table.frame_positions[index] <= stretch.stop
    for before, after in pairwise(stretches):
        assert after.start >= before.stop + (1 if after.start - before.start >= LONG_STRETCH else MIN_SKIP)


def in_groups(length: int, *, num_groups: int) -> PacketTable:
    pts = np.arange(length * num_groups)
    keys = pts[::length]
    return PacketTable(
        packet_pts=pts,
        damaged=np.zeros(len(pts), dtype=bool),
        key_positions=keys,
        key_pts=pts[keys],
        frame_pts=pts,
        frame_positions=pts,
        time_base=Fraction(1, 25),
        last_duration=1,
        num_hidden=0,
        num_untimed=0,
        num_duplicates=0,
        num_read_errors=0,
    )


@pytest.mark.parametrize(("length", "starts"), [(300, [0, 300, 600]), (100, [0, 100, 200]), (40, [0, 120, 240])])
def test_all_frames_are_stretches_of_whole_groups_that_threads_can_share(length: int, starts: list[int]) -> None:
    table = in_groups(length, num_groups=3 * 120 // length if length == 40 else 3)
    stretches = plan_reading(table, np.arange(len(table.frame_pts)))
    assert [stretch.start for stretch in stretches] == starts
    assert sum(len(stretch.frame_indices) for stretch in stretches) == len(table.frame_pts)


def test_a_frame_decoded_before_a_key_frame_and_shown_after_it_keeps_the_stretch_whole() -> None:
    """No encoder should, and a container can say so: the frame at 205 lies before the key frame of 200."""
    table = in_groups(200, num_groups=2)
    positions = table.frame_positions.copy()
    positions[[198, 205]] = positions[[205, 198]]
    table = replace(table, frame_positions=positions, packet_pts=np.argsort(positions))
    assert [stretch.start for stretch in plan_reading(table, np.array([0, 150, 200, 205]))] == [0]


@settings(deadline=None)
@given(table=tables(), data=st.data())
def test_one_key_earlier(table: PacketTable, data: st.DataObject) -> None:
    count = len(table.frame_pts)
    wanted = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1))))
    stretch = one_key_earlier(table, wanted)
    ordinal = table.key_positions.tolist().index(naive_start(table, int(wanted[0])))
    assert stretch.start == (table.key_positions[ordinal - 1] if ordinal else 0)
    assert stretch.stop == max(table.frame_positions[index] for index in wanted)


@settings(deadline=None)
@given(table=tables())
def test_an_empty_request_has_no_stretch(table: PacketTable) -> None:
    assert plan_reading(table, np.zeros(0, dtype=np.int64)) == []
