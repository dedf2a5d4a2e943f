"""What is listed before anything is asked for: streams, times, and what a damaged file still holds."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import (
    UnreadableVideoError,
    UnsafeVideoError,
    UnsupportedVideoError,
    VideoError,
    VideoNotFoundError,
    VideoTooLargeError,
)
from clamr_select.limits import Limits
from clamr_select.video import VideoInfo, open_video


def info_of(path: Path) -> VideoInfo:
    with open_video(path) as reader:
        return reader.info


def test_info_of_a_plain_video(sample: Callable) -> None:
    path = sample("h264.mp4")
    info = info_of(path)
    assert info.metadata.pop("title") == "Barcodes"
    assert info.metadata["comment"] == "made by a test"
    assert info == VideoInfo(
        path=str(path),
        width=128,
        height=96,
        num_frames=96,
        start_seconds=0.0,
        duration_seconds=pytest.approx(96 / 25),  # type: ignore[arg-type]
        average_fps=pytest.approx(25.0),  # type: ignore[arg-type]
        rotation_degrees=0,
        codec="h264",
        container="mov,mp4,m4a,3gp,3g2,mj2",
        backend="pyav",
        metadata=info.metadata,
    )


def test_tags_that_are_not_utf8_can_still_be_written_down(make_video: Callable) -> None:
    path = make_video("tags.mkv", num_frames=2, metadata={"title": "XXXX talk"})
    path.write_bytes(path.read_bytes().replace(b"XXXX", b"caf\xe9"))
    title = info_of(path).metadata["title"]
    assert title == "caf\N{REPLACEMENT CHARACTER} talk"
    assert json.dumps(title, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("backend", ["pyav", "decord"])
def test_info_names_the_backend(backend: str, sample: Callable) -> None:
    with open_video(sample("h264.mp4"), backend=backend) as reader:  # type: ignore[arg-type]
        assert reader.info.backend == backend


@pytest.mark.parametrize(
    ("name", "start", "duration", "frames"),
    [
        ("late_start.mkv", 5.0, 96 / 25, 96),
        ("h264.ts", 0.08, 96 / 25, 96),
        ("edit_list.mp4", 0.0, 86 / 25, 86),
        ("one_frame.mp4", 0.0, 1 / 25, 1),
        ("vp9.webm", 0.0, 96 / 25, 96),
        ("two_streams.mp4", 0.0, 48 / 25, 48),
    ],
)
def test_times_come_from_the_packets(name: str, start: float, duration: float, frames: int, sample: Callable) -> None:
    info = info_of(sample(name))
    assert (info.start_seconds, info.duration_seconds, info.num_frames) == (
        pytest.approx(start),
        pytest.approx(duration, abs=2e-3),
        frames,
    )
    assert info.average_fps == pytest.approx(frames / info.duration_seconds)


def test_the_larger_stream_is_read(sample: Callable) -> None:
    info = info_of(sample("two_streams.mp4"))
    assert (info.width, info.height) == (128, 96)


@pytest.mark.parametrize(
    ("name", "degrees", "size"),
    [
        ("turned_90.mp4", 90, (96, 128)),
        ("turned_180.mp4", 180, (128, 96)),
        ("turned_270.mp4", 270, (96, 128)),
        ("mirrored_90.mp4", 90, (96, 128)),
    ],
)
def test_rotation(name: str, degrees: int, size: tuple[int, int], sample: Callable) -> None:
    info = info_of(sample(name))
    assert (info.rotation_degrees, (info.width, info.height)) == (degrees, size)


@pytest.mark.parametrize("backend", ["pyav", "decord"])
@pytest.mark.parametrize(("matrix", "is_said"), [("ycgco", True), ("bt2020c", True), ("bt2020nc", False)])
def test_colours_that_are_converted_by_another_matrix_are_said(
    matrix: str, is_said: bool, backend: str, make_video: Callable, read_barcode: Callable
) -> None:
    path = make_video("tagged.mp4", num_frames=5, options={"x264-params": f"colormatrix={matrix}:log-level=none"})
    with open_video(path, backend=backend) as reader:  # type: ignore[arg-type]
        assert [code for code, _ in reader.warnings] == ["colours_approximate"] * is_said
        assert [read_barcode(frame.image) for frame in reader.frames([0, 4])] == [0, 4]


def test_an_odd_angle_is_rounded_and_said(make_video: Callable, turn_video: Callable) -> None:
    path = turn_video(make_video("tilted.mp4", num_frames=2), (0.9397, 0.342, -0.342, 0.9397))  # 20 degrees
    with open_video(path) as reader:
        assert reader.info.rotation_degrees == 0
        assert [code for code, _ in reader.warnings] == ["rotation_rounded"]


@pytest.mark.parametrize("backend", ["pyav", "decord"])
def test_sound_that_lasts_longer_is_no_damage(backend: str, sample: Callable) -> None:
    with open_video(sample("outlasted_by_sound.mkv"), backend=backend) as reader:
        assert reader.info.duration_seconds == pytest.approx(1.0)
        assert not reader.warnings


def test_frames_that_an_avi_leaves_out_are_no_damage(make_video: Callable) -> None:
    """It counts them, as empty chunks; FFmpeg writes such files where frames were dropped."""
    kept = [number for number in range(100) if number % 5 != 3]
    with open_video(make_video("dropped.avi", codec="mpeg4", options={}, pts=kept, num_frames=len(kept))) as reader:
        assert reader.index.header.num_frames == 100  # type: ignore[attr-defined]
        np.testing.assert_allclose(reader.timestamps_seconds, np.array(kept) / 25)
        assert reader.warnings == []


@pytest.mark.parametrize("share", [0.7, 0.9, 0.99])
@pytest.mark.parametrize("name", ["cut.avi", "cut.mp4"])
def test_a_cut_is_said_wherever_it_is(name: str, share: float, make_video: Callable) -> None:
    """FFmpeg scales the duration of an AVI down to what is left of it."""
    how = {"cut.avi": {"codec": "mpeg4", "options": {}}, "cut.mp4": {"muxer": {"movflags": "faststart"}}}
    path = make_video(name, **how[name])
    data = path.read_bytes()
    end = data.rindex(b"idx1") if name == "cut.avi" else len(data)
    path.write_bytes(data[: int(share * end)])
    with open_video(path) as reader:
        assert "shorter_than_header" in {code for code, _ in reader.warnings}


def test_frames_that_an_edit_list_leaves_out_are_no_damage(sample: Callable, tmp_path: Path) -> None:
    """Its first second is shown; the other frames are in the file, and counted."""
    path, data = tmp_path / "part.mp4", bytearray(sample("h264.mp4").read_bytes())
    edit = data.index(b"elst") + 12
    data[edit : edit + 4] = (1000).to_bytes(4, "big")
    path.write_bytes(data)
    with open_video(path) as reader:
        assert (reader.info.num_frames, reader.info.duration_seconds) == (25, pytest.approx(1.0))
        assert reader.warnings == []


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("cut.mp4", {"shorter_than_header", "undecodable_end"}),
        ("cut.mkv", {"shorter_than_header"}),
        ("cut.ts", set()),  # nothing in the file says that there was more
        ("cut_start.ts", {"undecodable_start"}),
        ("no_first_gop.mp4", {"undecodable_start"}),
    ],
)
def test_damaged_files_list_what_decodes_and_say_what_is_missing(
    name: str, codes: set[str], sample: Callable, truth: Callable, read_barcode: Callable
) -> None:
    expected = truth(name)
    with open_video(sample(name)) as reader:
        assert {code for code, _ in reader.warnings} == codes
        np.testing.assert_allclose(reader.timestamps_seconds, expected.timestamps_seconds, rtol=0, atol=1e-9)
        frames = list(reader.frames(range(reader.info.num_frames)))
        assert tuple(read_barcode(frame.image) for frame in frames) == expected.barcodes


def test_frames_without_a_timestamp_are_not_listed(sample: Callable, read_barcode: Callable) -> None:
    """They have no time at which they could be selected; the others keep theirs."""
    with open_video(sample("untimed.ts")) as reader:
        assert reader.warnings == [
            ("untimed_packets", "packets without a timestamp, whose frames cannot be selected: 3")
        ]
        for wanted in (range(93), [38, 39, 40, 41], [58], [92]):
            frames = list(reader.frames(wanted))
            assert [frame.frame_index for frame in frames] == list(wanted)
            for frame in frames:
                assert read_barcode(frame.image) == round((frame.timestamp_seconds - 0.08) * 25)


def test_of_two_frames_with_one_timestamp_the_first_is_listed(sample: Callable, read_barcode: Callable) -> None:
    with open_video(sample("twice.mkv")) as reader:
        assert [code for code, _ in reader.warnings] == ["duplicate_timestamps"]
        expected = [*range(11), *range(12, 96)]
        for wanted in (range(95), [10], [9, 11], [94]):
            frames = reader.frames(wanted)
            assert [read_barcode(frame.image) for frame in frames] == [expected[index] for index in wanted]


def test_a_clock_that_jumps_is_said(make_video: Callable, read_barcode: Callable) -> None:
    path = make_video("jump.mkv", num_frames=20, pts=[*range(10), *range(500_000, 500_010)])
    with open_video(path) as reader:
        assert reader.warnings == [
            ("clock_jump", "the clock jumps by 20000 s after frame 9; its timestamps may be damaged")
        ]
        assert [read_barcode(frame.image) for frame in reader.frames([9, 10, 19])] == [9, 10, 19]


@pytest.mark.parametrize("share", [0.05 * k for k in range(1, 20)])
@pytest.mark.parametrize("name", ["h264.mkv", "h264.ts", "fragmented.mp4", "vp9.webm", "mpeg4.avi"])
def test_a_file_cut_anywhere_gives_right_frames_or_a_clear_error(
    name: str, share: float, sample: Callable, read_barcode: Callable, tmp_path: Path
) -> None:
    data = sample(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(share * len(data))])
    try:
        reader = open_video(path)
    except VideoError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert "cut short" in message or "damaged" in message
        return
    with reader:
        start = {"h264.ts": 0.08, "fragmented.mp4": 0.08}.get(name, 0.0)
        damaged = 0
        for frame in reader.frames(range(reader.info.num_frames), on_undecodable="skip"):
            damaged += read_barcode(frame.image) != round((frame.timestamp_seconds - start) * 25)
        assert damaged <= 2  # the picture in which the file ends may be half there


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("name", ["h264.mkv", "h264.ts", "fragmented.mp4", "vp9.webm"])
def test_flipped_bytes_end_in_frames_or_in_our_errors(name: str, seed: int, sample: Callable, tmp_path: Path) -> None:
    rng = random.Random(seed)
    data = bytearray(sample(name).read_bytes())
    for _ in range(rng.choice([1, 5, 30, 200])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path = tmp_path / name
    path.write_bytes(data)
    with contextlib.suppress(VideoError), open_video(path) as reader:
        frames = list(reader.frames(range(0, reader.info.num_frames, 3), max_side=64, on_undecodable="skip"))
        for frame in frames:
            assert frame.timestamp_seconds == reader.timestamps_seconds[frame.frame_index]


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("no_header.mp4", UnreadableVideoError, "header is damaged"),
        ("no_frame.mp4", UnreadableVideoError, "no frame of .* can be decoded"),
        ("sound.m4a", UnreadableVideoError, "no video stream; audio streams: 1, cover pictures: 0"),
        ("cover.mp3", UnreadableVideoError, "no video stream; audio streams: 1, cover pictures: 1"),
        ("unknown_codec.mp4", UnsupportedVideoError, "no decoder"),
        ("joined.ts", UnsupportedVideoError, "runs backwards"),
        ("reordered.avi", UnsupportedVideoError, "AVI with reordered frames"),
    ],
)
@pytest.mark.parametrize("backend", ["pyav", "decord"])
def test_files_without_usable_frames(
    backend: str, name: str, error: type[Exception], text: str, sample: Callable
) -> None:
    with pytest.raises(error, match=text):
        open_video(sample(name), backend=backend)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["pyav", "decord"])
def test_what_is_no_video_file(backend: str, tmp_path: Path) -> None:
    playlist = tmp_path / "talk.mp4"
    playlist.write_text("ffconcat version 1.0\nfile 'other.ts'\n")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    for path, error in (
        (playlist, UnsafeVideoError),
        (empty, UnreadableVideoError),
        (tmp_path, UnreadableVideoError),
        (tmp_path / "absent.mp4", VideoNotFoundError),
    ):
        with pytest.raises(error):
            open_video(path, backend=backend)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["h264.mp4", "h264.ts", "vp9.webm", "h264.flv"])
def test_max_pixels(name: str, sample: Callable) -> None:
    with open_video(sample(name), limits=Limits(max_pixels=128 * 96)) as reader:
        assert reader.info.width == 128
    with pytest.raises((VideoTooLargeError, UnreadableVideoError), match="max_pixels"):
        open_video(sample(name), limits=Limits(max_pixels=128 * 96 - 1))


def test_frames_that_change_size_midway_are_brought_to_one_size(sample: Callable, read_barcode: Callable) -> None:
    with open_video(sample("resized.ts")) as reader:
        frames = list(reader.frames(range(48)))
        assert {frame.image.shape for frame in frames} == {(96, 128, 3)}
        assert [read_barcode(frame.image) for frame in frames] == list(range(48))
        assert [code for code, _ in reader.warnings] == ["resized_frames"]


def test_a_stream_that_grows_past_the_limit_loses_the_large_frames(sample: Callable) -> None:
    with open_video(sample("growing.ts"), limits=Limits(max_pixels=64 * 48)) as reader:
        frames = list(reader.frames(range(reader.info.num_frames), on_undecodable="skip"))
        assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
        assert "undecodable_frames" in {code for code, _ in reader.warnings}


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("name", ["h264.mp4", "uneven.mp4", "late_start.mkv", "h264.ts", "vp9.webm", "edit_list.mp4"])
def test_timestamps_are_those_ffprobe_sees(name: str, sample: Callable) -> None:
    entries = ["-show_entries", "frame=pts_time", "-select_streams", "v:0", "-of", "json"]
    printed = subprocess.run(["ffprobe", "-v", "error", *entries, str(sample(name))], capture_output=True, check=True)
    seen = [float(frame["pts_time"]) for frame in json.loads(printed.stdout)["frames"]]
    with open_video(sample(name)) as reader:
        np.testing.assert_allclose(reader.timestamps_seconds, seen, rtol=0, atol=1e-5)
