"""What is particular to the backends that are not the default."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import FrameDecodeError, MissingDependencyError, UnsupportedVideoError
from clamr_select.video import VideoReader, open_video


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("h264.ts", "numbers the frames of mpeg-ts wrongly"),
        ("mpeg4.avi", "numbers the frames of avi wrongly"),
        ("edit_list.mp4", "not shown or not timed"),
        ("two_streams.mp4", "several video streams"),
        ("mirrored.mp4", "mirrored"),
        ("cut.mp4", "the file is damaged"),
        ("no_first_gop.mp4", "the file is damaged"),
        ("av1.mp4", "cannot open .*av1"),
    ],
)
def test_decord_refuses_what_it_would_get_wrong(name: str, reason: str, sample: Callable) -> None:
    with pytest.raises(UnsupportedVideoError, match=rf"decord .*{reason}.*backend='pyav'"):
        open_video(sample(name), backend="decord")


def test_decord_itself_returns_wrong_frames_when_it_seeks(sample: Callable, read_barcode: Callable) -> None:
    """Why the reader never lets it seek. If this fails, decord was repaired and the reader can be simplified."""
    import decord

    raw = decord.VideoReader(str(sample("refresh.mp4")), ctx=decord.cpu(0), num_threads=1)
    assert read_barcode(raw[60].asnumpy()) != 60
    with open_video(sample("refresh.mp4"), backend="decord") as reader:
        (frame,) = reader.frames([60])
    assert read_barcode(frame.image) == 60


@pytest.mark.parametrize("wanted", [range(96), [10], [95]])
def test_decord_is_not_believed_once_it_lost_a_frame(wanted: Sequence[int], sample: Callable) -> None:
    """It drops frames without a word, and the count is short only at the end; those before may be others."""
    lost = pytest.raises(UnsupportedVideoError, match=r"it lost one of the first \d+ of 96 frames|the file is damaged")
    with open_video(sample("hole.mp4"), backend="decord") as reader, lost:
        list(reader.frames(wanted, on_undecodable="skip"))


def test_decord_is_not_believed_where_pyav_finds_damage(sample: Callable, read_barcode: Callable) -> None:
    """It repeats frames without a word, and counts them all."""
    import decord

    raw = decord.VideoReader(str(sample("half_a_packet.mp4")), ctx=decord.cpu(0), num_threads=1, fault_tol=1e-9)
    shown = [read_barcode(raw.next().asnumpy()) for _ in range(len(raw))]
    assert len(shown) == 96
    assert shown != list(range(96))

    found = []

    def read(reader: VideoReader, wanted: Sequence[int]) -> None:
        for frame in reader.frames(wanted, on_undecodable="skip"):
            found.append((frame.frame_index, read_barcode(frame.image)))

    with open_video(sample("half_a_packet.mp4"), backend="decord") as reader:
        for wanted in (range(96), [5]):  # the second time as well
            with pytest.raises(UnsupportedVideoError, match=r"the file is damaged.*backend='pyav'"):
                read(reader, wanted)
    assert found == [(number, number) for number in (*range(len(found) - 1), 5)]
    assert len(found) > 20


def test_a_video_that_decord_read_to_its_end_is_not_checked_again(sample: Callable, monkeypatch) -> None:
    with open_video(sample("h264.mp4"), backend="decord") as reader:
        first = [frame.image for frame in reader.frames([3, 50])]
        monkeypatch.setattr(type(reader.index), "session", None)
        again = [frame.image for frame in reader.frames([3, 50])]
    assert np.array_equal(first, again)


@pytest.mark.parametrize(("backend", "package"), [("decord", "decord"), ("torchcodec", "torchcodec")])
def test_a_missing_package_is_named(backend: str, package: str, sample: Callable, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"{package}.*not installed"):
        open_video(sample("h264.mp4"), backend=backend)  # type: ignore[arg-type]


def test_torchcodec_without_ffmpeg_names_ffmpeg(sample: Callable, monkeypatch) -> None:
    """It imports, and fails at the first video: where FFmpeg is missing, that is not the video's fault."""
    try:
        import torchcodec
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"torchcodec does not import here: {error}")
    monkeypatch.setattr(torchcodec, "ffmpeg_major_version", None, raising=False)
    with pytest.raises(MissingDependencyError, match="FFmpeg's shared libraries"):
        open_video(sample("h264.mp4"), backend="torchcodec")


def test_torchcodec_refuses_damage_it_would_step_over(sample: Callable, truth: Callable) -> None:
    """It returns the next frame instead of a lost one; the time it reports gives it away."""
    lost = min(set(range(96)) - set(truth("hole.mp4").barcodes))
    try:
        reader = open_video(sample("hole.mp4"), backend="torchcodec")
    except MissingDependencyError as error:
        pytest.skip(str(error))
    with reader, pytest.raises((UnsupportedVideoError, FrameDecodeError)):
        list(reader.frames([lost]))


def test_torchcodec_says_which_frames_are_damaged(sample: Callable) -> None:
    """It fills in older pictures without a word; PyAV, which does the same, names them."""
    warnings = {}
    for backend in ("pyav", "torchcodec"):
        try:
            reader = open_video(sample("half_a_packet.mp4"), backend=backend)  # type: ignore[arg-type]
        except MissingDependencyError as error:
            pytest.skip(str(error))
        with reader:
            for frame in reader.frames([3, 26, 40, 47, 48, 90]):
                last = frame.frame_index
            warnings[backend] = reader.warnings
    assert last == 90
    ((code, text),) = warnings["torchcodec"]
    assert code == "damaged_frames"
    assert text.endswith("3 (indices 26, 40, 47)")
    assert warnings["torchcodec"] == warnings["pyav"]


@pytest.mark.parametrize("backend", ["decord", "torchcodec"])
def test_a_name_that_is_no_utf8_is_left_to_the_default_backend(
    backend: str, sample: Callable, read_barcode: Callable, tmp_path: Path
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    path.write_bytes(sample("h264.mp4").read_bytes())
    with open_video(path) as reader:
        (frame,) = reader.frames([7])
    assert read_barcode(frame.image) == 7
    with pytest.raises((UnsupportedVideoError, MissingDependencyError), match="pyav"):
        open_video(path, backend=backend)  # type: ignore[arg-type]
