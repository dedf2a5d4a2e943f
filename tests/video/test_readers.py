"""The contract, for every backend: the frame returned is the frame asked for."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import InputError, MissingDependencyError, UnknownNameError, UnsupportedVideoError
from clamr_select.isolation import isolated_video
from clamr_select.video import VideoReader, open_video

WHOLE = (
    "h264.mp4", "fragmented.mp4", "uneven.mp4", "late_start.mkv", "h264.mkv", "h264.ts", "h264.flv", "open_gop.mp4",
    "refresh.mp4", "hevc.mp4", "hevc_layers.mkv", "vp9.webm", "live.webm", "av1.mp4", "mpeg4.avi",
    "vp8_like_ffmpeg.webm", "vp8_like_vpxenc.webm", "mpeg4.mp4", "mpeg2.mpg",
    "one_frame.mp4", "odd_size.mp4", "two_streams.mp4", "edit_list.mp4", "turned_90.mp4", "turned_180.mp4",
    "turned_270.mp4", "mirrored.mp4", "mirrored_90.mp4",
)  # fmt: skip
DECORD_REFUSES = {
    "h264.ts", "h264.flv", "live.webm", "av1.mp4", "mpeg4.avi", "mpeg2.mpg", "two_streams.mp4", "edit_list.mp4",
    "mirrored.mp4", "mirrored_90.mp4", "vp8_like_ffmpeg.webm", "vp8_like_vpxenc.webm",
}  # fmt: skip
TORCHCODEC_REFUSES = {"h264.ts", "mpeg2.mpg", "mirrored.mp4", "mirrored_90.mp4"}
ISOLATED = pytest.param(isolated_video, marks=pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes"))
OPENERS = [open_video, ISOLATED]
FIRST_NUMBER = {"edit_list.mp4": 10}


def open_or_skip(path: Path, backend: str) -> VideoReader:
    """Skips by name where an optional backend cannot be loaded."""
    try:
        return open_video(path, backend=backend)  # type: ignore[arg-type]
    except MissingDependencyError as error:
        if backend == "pyav":
            raise
        pytest.skip(f"{backend}: {error}")


def read_everything(path: Path, backend: str) -> None:
    """All requests: a backend that seeks badly is found out at some of them."""
    with open_or_skip(path, backend) as reader:
        for wanted in requests(reader.info.num_frames).values():
            list(reader.frames(wanted))


def requests(num_frames: int) -> dict[str, list[int]]:
    """Index lists of every density."""
    rng = random.Random(num_frames)
    some = min(4, num_frames)
    return {
        "all": list(range(num_frames)),
        "every fifth": list(range(0, num_frames, 5)),
        "sparse": sorted(rng.sample(range(num_frames), some)),
        "middle": [num_frames // 2],
        "ends": sorted({0, num_frames - 1}),
        "last": [num_frames - 1],
        "none": [],
    }


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("backend", ["pyav", "decord", "torchcodec"])
def test_the_frame_returned_is_the_frame_asked_for(
    backend: str, name: str, sample: Callable, truth: Callable, read_barcode: Callable
) -> None:
    refuses = {"decord": DECORD_REFUSES, "torchcodec": TORCHCODEC_REFUSES}.get(backend, set())
    if name in refuses:
        with pytest.raises(UnsupportedVideoError, match="backend='pyav'"):
            read_everything(sample(name), backend)
        return
    with open_or_skip(sample(name), backend) as reader:
        first = FIRST_NUMBER.get(name, 0)
        if not name.startswith("mirrored"):  # the plain decode knows nothing of mirrors
            expected = truth(name)
            np.testing.assert_allclose(reader.timestamps_seconds, expected.timestamps_seconds, rtol=0, atol=1e-9)
            assert expected.barcodes == tuple(range(first, first + reader.info.num_frames))
        for wanted in requests(reader.info.num_frames).values():
            for max_side in (None, 64):
                frames = list(reader.frames(wanted, max_side=max_side))
                assert [frame.frame_index for frame in frames] == wanted
                assert [read_barcode(frame.image) - first for frame in frames] == wanted
                for frame in frames:
                    assert frame.timestamp_seconds == reader.timestamps_seconds[frame.frame_index]
        assert reader.warnings == []


@pytest.mark.parametrize("name", ["h264.mp4", "odd_size.mp4", "turned_90.mp4", "turned_180.mp4"])
@pytest.mark.parametrize("backend", ["pyav", "decord", "torchcodec"])
def test_pictures_are_upright_and_of_the_stated_size(backend: str, name: str, sample: Callable) -> None:
    with open_or_skip(sample(name), backend) as reader:
        (frame,) = reader.frames([reader.info.num_frames - 1])
        assert frame.image.shape == (reader.info.height, reader.info.width, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        red, green, blue = frame.image[: reader.info.height // 12].reshape(-1, 3).mean(axis=0)
        assert red > 180
        assert max(green, blue) < 80  # the red bar is at the top


@pytest.mark.parametrize("backend", ["pyav", "decord", "torchcodec"])
def test_max_side_bounds_the_longer_side_and_never_enlarges(backend: str, sample: Callable) -> None:
    with open_or_skip(sample("turned_90.mp4"), backend) as reader:
        sides = {m: next(reader.frames([0], max_side=m)).image.shape for m in (None, 1, 32, 127, 128, 1000)}
    assert sides == {
        None: (128, 96, 3), 1: (1, 1, 3), 32: (32, 24, 3), 127: (127, 95, 3), 128: (128, 96, 3), 1000: (128, 96, 3)
    }  # fmt: skip


@pytest.mark.parametrize("backend", ["pyav", "decord", "torchcodec"])
def test_two_readings_may_run_side_by_side(backend: str, sample: Callable, read_barcode: Callable) -> None:
    with open_or_skip(sample("h264.mp4"), backend) as reader:
        pairs = zip(reader.frames(range(0, 48)), reader.frames(range(48, 96)), strict=True)
        assert [(read_barcode(a.image), read_barcode(b.image)) for a, b in pairs] == [(i, i + 48) for i in range(48)]


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ([-1], r"0\.\.95"),
        ([96], r"0\.\.95"),
        ([3, 3], "strictly increasing"),
        ([5, 4], "strictly increasing"),
        ([0.5], "whole numbers"),
        ([[1], [2]], "one dimension"),
        ([[1], [2, 3]], "one dimension"),
        ((number for number in (1, 2)), "one dimension"),
        ([True], "whole numbers"),
        (["1"], "whole numbers"),
    ],
)
@pytest.mark.parametrize("opener", OPENERS)
def test_wrong_indices_are_refused_when_asked_not_when_read(
    opener: Callable, wanted: list, text: str, sample: Callable
) -> None:
    with opener(sample("h264.mp4")) as reader, pytest.raises(InputError, match=text):
        reader.frames(wanted)


@pytest.mark.parametrize("max_side", [0, -5, 1.5, True, "224"])
@pytest.mark.parametrize("opener", OPENERS)
def test_wrong_sizes_are_refused(opener: Callable, max_side: object, sample: Callable) -> None:
    with opener(sample("h264.mp4")) as reader, pytest.raises(InputError, match="max_side"):
        reader.frames([0], max_side=max_side)  # type: ignore[arg-type]


@pytest.mark.parametrize("opener", OPENERS)
def test_an_unknown_way_with_lost_frames_is_refused(opener: Callable, sample: Callable) -> None:
    with opener(sample("h264.mp4")) as reader, pytest.raises(UnknownNameError, match="raise, skip"):
        reader.frames([0], on_undecodable="ignore")  # type: ignore[arg-type]


def test_numpy_indices_are_welcome(sample: Callable, read_barcode: Callable) -> None:
    with open_video(sample("h264.mp4")) as reader:
        frames = reader.frames(np.array([3, 90], dtype=np.uint16), max_side=np.int64(64))  # type: ignore[arg-type]
        assert [read_barcode(frame.image) for frame in frames] == [3, 90]


def test_a_closed_reader_says_so(sample: Callable) -> None:
    with open_video(sample("h264.mp4")) as reader:
        pass
    with pytest.raises(InputError, match="is closed"):
        reader.frames([0])


def test_unknown_backend(sample: Callable) -> None:
    with pytest.raises(UnknownNameError, match="decord, pyav, torchcodec"):
        open_video(sample("h264.mp4"), backend="opencv")  # type: ignore[arg-type]


def test_relative_paths_survive_a_change_of_directory(sample: Callable, monkeypatch, tmp_path: Path) -> None:
    path = sample("h264.mp4")
    monkeypatch.chdir(path.parent)
    with open_video(path.name) as reader:
        monkeypatch.chdir(tmp_path)
        assert reader.info.path == path.name
        assert next(reader.frames([1])).frame_index == 1
