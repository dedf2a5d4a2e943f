"""A plan names frames by index; what it says of them is checked against the file."""

from __future__ import annotations

import pytest

from clamr_select.errors import FrameDecodeError, InputError
from clamr_select.integrations.plan import planned_selection
from clamr_select.video import open_video


def test_times_come_from_the_file(variable_video):
    with open_video(variable_video) as reader:
        selection = planned_selection(reader, {"frame_indices": [1, 6, 15]})

    assert selection.timestamps_seconds == pytest.approx((0.04, 5.0, 60.0))
    assert selection.video_facts.num_frames == 16


def test_planned_times_that_agree_are_taken(variable_video):
    with open_video(variable_video) as reader:
        plan = {"frame_indices": [6], "timestamps_seconds": [5.0004]}
        assert planned_selection(reader, plan).frame_indices == (6,)


def test_planned_times_that_differ_are_another_video(variable_video):
    with open_video(variable_video) as reader, pytest.raises(FrameDecodeError, match=r"at 5\.000 s, the plan has"):
        planned_selection(reader, {"frame_indices": [6], "timestamps_seconds": [5.05]})


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({}, "a plan is an object"),
        ([1, 2], "a plan is an object"),
        ({"frame_indices": [1], "fps": 2}, "a plan is an object"),
        ({"frame_indices": []}, "at least one"),
        ({"frame_indices": [1.0]}, "whole numbers"),
        ({"frame_indices": [True]}, "whole numbers"),
        ({"frame_indices": [0, 16]}, r"within 0\.\.15"),
        ({"frame_indices": [-1]}, r"within 0\.\.15"),
        ({"frame_indices": [3, 3]}, "strictly increasing"),
        ({"frame_indices": [3, 4], "timestamps_seconds": [1.0]}, "list of 2 numbers"),
    ],
)
def test_what_is_no_plan_is_refused(variable_video, plan, message):
    with open_video(variable_video) as reader, pytest.raises(InputError, match=message):
        planned_selection(reader, plan)
