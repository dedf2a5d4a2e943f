"""Exactness of what is left out: packets not decoded, stretches not read, seeks that land elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from clamr_select.errors import FrameDecodeError
from clamr_select.limits import DEFAULT_LIMITS
from clamr_select.video import decode, open_video
from clamr_select.video.index import VideoIndex, index_video


def indexed(path: Path) -> VideoIndex:
    return index_video(path, limits=DEFAULT_LIMITS, backend="pyav")


def plain_pixels(path: Path) -> dict[int, np.ndarray]:
    """pts to picture of a plain decode of everything."""
    with av.open(str(path)) as container:
        return {frame.pts: frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)}


SEEKABLE = (
    "h264.mp4", "open_gop.mp4", "refresh.mp4", "h264.mkv", "h264.ts", "h264.flv", "hevc.mp4", "hevc_layers.mkv",
    "vp9.webm", "live.webm", "av1.mp4", "mpeg4.avi", "mpeg4.mp4", "mpeg2.mpg", "edit_list.mp4", "fragmented.mp4",
    "uneven.mp4", "vp8_like_ffmpeg.webm", "vp8_like_vpxenc.webm",
)  # fmt: skip


@pytest.mark.parametrize("seek_distance", [0, 10, 1000])
@pytest.mark.parametrize("name", SEEKABLE)
def test_seeking_dropping_and_reading_on_give_the_same_frames(
    name: str, seek_distance: int, sample: Callable, read_barcode: Callable, monkeypatch
) -> None:
    monkeypatch.setattr(decode, "SEEK_DISTANCE", seek_distance)
    with open_video(sample(name)) as reader:
        first = 10 if name == "edit_list.mp4" else 0
        for wanted in ([0, 30, 60, 80], [47], [20, 21, 22, 70, 71], [5, 45]):
            wanted = [index for index in wanted if index < reader.info.num_frames]
            frames = list(reader.frames(wanted))
            assert [read_barcode(frame.image) - first for frame in frames] == wanted
        assert reader.warnings == []


@pytest.mark.parametrize("name", ["h264.mp4", "open_gop.mp4", "refresh.mp4", "hevc.mp4", "mpeg2.mpg", "mpeg4.mp4"])
def test_leaving_out_unreferenced_frames_changes_no_pixel(name: str, sample: Callable) -> None:
    index, plain = indexed(sample(name)), plain_pixels(sample(name))
    last = len(index.packets.packet_pts) - 1
    wanted = {int(pts) for pts in index.packets.frame_pts[::7]}
    with index.session() as session:
        assert session.skips_unreferenced
        decoded = {frame.pts: frame for frame in session.decode(0, last, wanted=wanted)}
    assert wanted <= decoded.keys()
    assert len(decoded) < 0.9 * len(plain)
    for pts in wanted:
        np.testing.assert_array_equal(decoded[pts].to_ndarray(format="rgb24"), plain[pts])


@pytest.mark.parametrize("name", ["hevc_layers.mkv", "vp9.webm", "av1.mp4"])
def test_where_leaving_out_is_not_provably_exact_everything_is_decoded(name: str, sample: Callable) -> None:
    """HEVC with temporal layers: what one layer does not refer to, a higher one may."""
    index = indexed(sample(name))
    with index.session() as session:
        assert not session.skips_unreferenced
        decoded = list(session.decode(0, len(index.packets.packet_pts) - 1, wanted=set()))
    assert len(decoded) == index.info.num_frames


def test_a_file_that_cannot_be_seeked_is_read_from_its_start(
    sample: Callable, read_barcode: Callable, monkeypatch
) -> None:
    index = indexed(sample("h264.mkv"))
    monkeypatch.setattr(decode, "SEEK_DISTANCE", 0)
    with index.session() as session:
        monkeypatch.setattr(session, "_seek", lambda pts, position: None)
        for position in (72, 24, 48):
            (frame,) = session.decode(position, position)
            assert read_barcode(frame.to_ndarray(format="rgb24")) == position


def test_frames_that_the_pass_missed_are_decoded_again(sample: Callable, read_barcode: Callable, monkeypatch) -> None:
    """If leaving frames out ever loses a wanted one, it is found in a full decode, in order."""
    original = decode.DecodeSession.decode

    def lossy(session, start, stop, *, wanted=None):  # type: ignore[no-untyped-def]
        kept = None if wanted is None else {pts for pts in wanted if pts % 3}
        for frame in original(session, start, stop, wanted=kept):
            if kept is None or frame.pts in kept:
                yield frame

    monkeypatch.setattr(decode.DecodeSession, "decode", lossy)
    with open_video(sample("h264.mp4")) as reader:
        assert [read_barcode(frame.image) for frame in reader.frames(range(96))] == list(range(96))


def test_a_frame_that_is_lost_is_named(sample: Callable, truth: Callable, read_barcode: Callable) -> None:
    path, shown = sample("hole.mp4"), truth("hole.mp4").barcodes
    lost = sorted(set(range(96)) - set(shown))
    assert len(lost) == 18
    with open_video(path) as reader:
        assert reader.info.num_frames == 96
        assert reader.warnings == []
        for index in lost[:3]:
            with pytest.raises(FrameDecodeError, match=rf"frame {index} at {index / 25:.3f} s of .*hole\.mp4"):
                list(reader.frames([index]))
        frames = reader.frames(range(96))
        before = [next(frames).frame_index for _ in range(lost[0])]
        with pytest.raises(FrameDecodeError, match=f"frame {lost[0]} "):
            next(frames)
        assert before == list(range(lost[0]))


@pytest.mark.parametrize("step", [1, 4, 11])
def test_lost_frames_are_skipped_and_recorded_on_request(
    step: int, sample: Callable, truth: Callable, read_barcode: Callable
) -> None:
    shown = set(truth("hole.mp4").barcodes)
    wanted = range(0, 96, step)
    with open_video(sample("hole.mp4")) as reader:
        frames = list(reader.frames(wanted, on_undecodable="skip", max_side=64))
        assert [frame.frame_index for frame in frames] == [index for index in wanted if index in shown]
        lost = [index for index in wanted if index not in shown]
        recorded = [message for code, message in reader.warnings if code == "undecodable_frames"]
        assert len(recorded) == bool(lost)
        if lost:
            assert recorded[0].startswith(
                f"frames left out because they cannot be decoded: {len(lost)} (indices {lost[0]}"
            )


def test_damage_that_the_decoder_papers_over_is_recorded(sample: Callable, tmp_path: Path) -> None:
    path = tmp_path / "flipped.mkv"
    data = bytearray(sample("h264.mkv").read_bytes())
    for place in range(len(data) // 3, len(data) * 2 // 3, 97):
        data[place] ^= 0x10
    path.write_bytes(data)
    with open_video(path) as reader:
        list(reader.frames(range(reader.info.num_frames), on_undecodable="skip"))
        assert "damaged_frames" in {code for code, _ in reader.warnings}


def test_what_was_noticed_is_recorded_when_reading_stops_early(sample: Callable) -> None:
    with open_video(sample("hole.mp4")) as reader:
        frames = reader.frames(range(25, 96), on_undecodable="skip")
        while next(frames).frame_index < 60:
            pass
        frames.close()  # type: ignore[attr-defined]
        assert [code for code, _ in reader.warnings].count("undecodable_frames") == 1


def test_a_file_that_shrank_since_it_was_opened_gives_an_error_not_a_wrong_frame(
    sample: Callable, tmp_path: Path
) -> None:
    path = tmp_path / "shrinks.mkv"
    whole = sample("h264.mkv").read_bytes()
    path.write_bytes(whole)
    with open_video(path) as reader:
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FrameDecodeError, match="frame 90 "):
            list(reader.frames([0, 90]))
