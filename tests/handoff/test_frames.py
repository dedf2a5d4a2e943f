"""Frames decoded from a selection are those it was made from, or an error says the video changed."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from clamr_select import isolation
from clamr_select.errors import FrameDecodeError, InputError, VideoNotFoundError, VideoTooLargeError
from clamr_select.handoff.frames import decode_frames, save_frames
from clamr_select.handoff.planned import planned_frames
from clamr_select.video import open_video

SCENES = (
    ((200, 40, 40), (50, 80, 200), (50, 80, 200), (50, 80, 200), (210, 180, 40))
    + ((140, 60, 160),) * 2
    + ((60, 170, 180),)
)
"""Colour of the scene of each selected frame."""


def test_decoded_frames_are_those_at_the_timestamps(color_selection):
    frames = decode_frames(color_selection)
    assert len(frames) == len(color_selection)
    for index, frame, color in zip(color_selection.frame_indices, frames, SCENES, strict=True):
        assert frame.shape == (180, 320, 3)
        assert frame.dtype == np.uint8
        np.testing.assert_allclose(frame[20, 20], color, atol=12)
        # the white bar moves one pixel a frame
        assert frame[140, index + 10].min() > 220
        assert frame[140, (index + 160) % 320].min() < 220


def test_max_side_scales_down_and_never_up(color_selection):
    assert {frame.shape for frame in decode_frames(color_selection, max_side=80)} == {(45, 80, 3)}
    assert {frame.shape for frame in decode_frames(color_selection, max_side=4000)} == {(180, 320, 3)}


@pytest.mark.parametrize("shift", [0.1, -0.01, 0.002])
def test_another_timestamp_fails(color_selection, shift):
    moved = replace(color_selection, timestamps_seconds=tuple(t + shift for t in color_selection.timestamps_seconds))
    message = rf"frame 40 of .*lecture.mp4 is at 4.000 s, the selection has it at {4 + shift:.3f} s"
    with pytest.raises(FrameDecodeError, match=message):
        decode_frames(moved)


def test_rounding_of_a_timestamp_is_no_change(color_selection):
    moved = replace(color_selection, timestamps_seconds=tuple(t + 4e-4 for t in color_selection.timestamps_seconds))
    assert len(decode_frames(moved)) == 8


def test_shorter_video_fails(color_selection):
    beyond = replace(color_selection, frame_indices=(*color_selection.frame_indices[:-1], 300))
    with pytest.raises(FrameDecodeError, match="has 300 frames and the selection wants frame 300: the video changed"):
        decode_frames(beyond)


def test_missing_video_fails(color_selection, tmp_path):
    with pytest.raises(VideoNotFoundError):
        decode_frames(replace(color_selection, video=str(tmp_path / "gone.mp4")))


@pytest.mark.parametrize("decode", [decode_frames, planned_frames])
def test_the_video_is_opened_as_it_was_indexed(color_selection, decode, monkeypatch):
    planned = {"side_shares": [1.0] * 4 + [0.5] * 4}
    assert len(decode(replace(color_selection, method={**planned, "limits": {"max_streams": 99}}))) == 8
    with pytest.raises(VideoTooLargeError, match="the limit max_pixels is 100"):
        decode(replace(color_selection, method={**planned, "limits": {"max_pixels": 100}}))
    asked = []
    monkeypatch.setattr(isolation, "opener", lambda *, isolate: asked.append(isolate) or open_video)
    decode(replace(color_selection, method={**planned, "isolate": True}))
    assert set(asked) == {True}


def test_saved_frames_are_named_by_order_and_time(color_selection, tmp_path):
    paths = save_frames(color_selection, tmp_path / "new" / "frames")
    assert [path.name for path in paths[:3]] == [
        "frame_0001_00-00-04.000.jpg",
        "frame_0002_00-00-10.000.jpg",
        "frame_0003_00-00-12.000.jpg",
    ]
    assert sorted(paths) == paths == sorted((tmp_path / "new" / "frames").iterdir())
    for path, frame in zip(paths, decode_frames(color_selection), strict=True):
        with Image.open(path) as image:
            assert image.format == "JPEG"
            assert np.abs(np.asarray(image).astype(int) - frame).mean() < 1.5


def test_saving_again_replaces(color_selection, tmp_path):
    first = save_frames(color_selection, tmp_path)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert save_frames(color_selection, tmp_path) == first
    assert (tmp_path / "notes.txt").exists()


def test_saving_over_another_selection_fails(color_selection, tmp_path):
    (tmp_path / "frame_0001_00-00-09.000.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=re.escape("holds 1 frames of another selection, e.g. frame_0001_00-00-09")):
        save_frames(color_selection, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_replaced_file_is_noticed(color_selection, color_video, tmp_path):
    copy = tmp_path / "copy.mp4"
    shutil.copy(color_video, copy)
    selection = replace(color_selection, video=str(copy))
    assert len(decode_frames(selection, max_side=32)) == 8
    _encode_at(copy, fps=25)
    with pytest.raises(FrameDecodeError, match="the video changed since; select again"):
        decode_frames(selection, max_side=32)


def _encode_at(path, *, fps):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for _ in range(300):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
