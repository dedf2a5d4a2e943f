"""The clip shows the selected frames, one after the other, and says when they were."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from clamr_select.errors import InputError
from clamr_select.video import open_video

CHOSEN = (2, 11, 30, 80)


@pytest.mark.parametrize(("seconds_per_frame", "shown_at"), [(1.0, [0, 1, 2, 3]), (0.25, [0, 0.25, 0.5, 0.75])])
def test_the_clip_shows_the_frames_in_order(scene, tmp_path, read_barcode, seconds_per_frame, shown_at):
    path = scene("constant", CHOSEN).to_clip(tmp_path / "clip.mp4", seconds_per_frame=seconds_per_frame)

    with open_video(path) as reader:
        frames = list(reader.frames(range(reader.info.num_frames)))
        assert reader.info.duration_seconds == pytest.approx(4 * seconds_per_frame, abs=0.01)
        assert reader.info.codec == "h264"
    assert [read_barcode(frame.image) for frame in frames] == list(CHOSEN)
    assert [frame.timestamp_seconds for frame in frames] == pytest.approx(shown_at, abs=1e-3)


def test_the_clip_says_which_times_it_shows(scene, tmp_path):
    selection = scene("variable")

    path = selection.to_clip(tmp_path / "clip.mp4")

    with av.open(str(path)) as container:
        said = json.loads(container.metadata["comment"])
    assert said == {
        "source_timestamps_seconds": list(selection.timestamps_seconds),
        "question": selection.question,
    }


def test_a_clip_of_odd_size_is_made_even(scene, tmp_path, read_barcode):
    path = scene("constant", CHOSEN).to_clip(tmp_path / "clip.mp4", max_side=101)  # 101 x 76

    with open_video(path) as reader:
        assert (reader.info.width, reader.info.height) == (102, 76)
        assert [read_barcode(frame.image) for frame in reader.frames([0, 3])] == [2, 80]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("clip.avi", {}, "ends in .mp4"),
        ("clip.mp4", {"seconds_per_frame": 0.0}, "seconds_per_frame must be"),
        ("clip.mp4", {"seconds_per_frame": float("nan")}, "seconds_per_frame must be"),
        ("clip.mp4", {"max_side": 0}, "max_side"),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_written(scene, tmp_path, name, arguments, says):
    with pytest.raises(InputError, match=says):
        scene("constant").to_clip(tmp_path / name, **arguments)

    assert list(tmp_path.iterdir()) == []


def test_the_source_is_never_overwritten(scene, tmp_path):
    selection = scene("constant")
    link = tmp_path / "link.mp4"
    link.symlink_to(selection.video)
    before = Path(selection.video).read_bytes()

    for target in (selection.video, link):
        with pytest.raises(InputError, match="the video that the frames come from"):
            selection.to_clip(target)

    assert Path(selection.video).read_bytes() == before


def test_a_folder_that_is_not_there(scene, tmp_path):
    with pytest.raises(InputError, match="no folder"):
        scene("constant").to_clip(tmp_path / "nowhere" / "clip.mp4")
