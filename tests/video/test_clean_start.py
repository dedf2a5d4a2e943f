"""What a container calls a key frame is one where decoding can start, or is not used as one."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clamr_select.video import open_video, read_plan
from clamr_select.video.clean_start import can_start_at
from clamr_select.video.pyav_reader import PyAVReader

MARKED_RIGHTLY = (
    "h264.mp4", "fragmented.mp4", "h264.mkv", "h264.ts", "h264.flv", "open_gop.mp4", "hevc.mp4", "hevc_layers.mkv",
    "vp9.webm", "av1.mp4", "mpeg4.avi", "mpeg4.mp4", "mpeg2.mpg", "odd_size.mp4",
)  # fmt: skip
REFRESH = {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=25:bframes=0:log-level=none"}
REFRESH_X265 = {"preset": "ultrafast", "x265-params": "intra-refresh=1:keyint=25:bframes=0:log-level=none"}
AVCC, HVCC = b"\1\x64\0\x1f\xff\xe1", b"\1" + bytes(20) + b"\xff\0"
MESSAGE_5 = bytes([6, 6, 1, 0b00110_000, 0x80])
"""A recovery point after 5 frames."""


@pytest.mark.parametrize("name", MARKED_RIGHTLY)
def test_key_frames_of_sound_files_are_all_used(name: str, sample: Callable) -> None:
    with av.open(str(sample(name))) as container:
        marked = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    with PyAVReader(sample(name)) as reader:
        assert reader.index.packets.key_positions.tolist() == np.flatnonzero(marked).tolist()
    assert sum(marked) > 1


@pytest.mark.parametrize(("name", "codec", "options"), [
    ("refresh.ts", "libx264", REFRESH), ("refresh.mkv", "libx264", REFRESH), ("refresh.mp4", "libx264", REFRESH),
    ("refresh.flv", "libx264", REFRESH), ("refresh_265.mkv", "libx265", REFRESH_X265),
])  # fmt: skip
def test_no_frame_is_made_from_a_picture_that_is_half_renewed(
    name: str, codec: str, options: dict, make_video: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long enough: of 96 frames FFmpeg holds back all that are not yet renewed, of 500 it does not."""
    path = make_video(name, codec=codec, options=options, num_frames=500)
    with av.open(str(path)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with PyAVReader(path) as reader:
        assert reader.index.packets.key_positions.tolist() == [0]
    monkeypatch.setattr(read_plan, "LONG_STRETCH", 1)
    for num_threads in (1, 2):
        with open_video(path, num_threads=num_threads) as reader:
            for wanted in (range(0, 500, 25), [425], range(500)):
                for frame in reader.frames(wanted):
                    np.testing.assert_array_equal(frame.image, plain[frame.frame_index])
            assert reader.warnings == []


@pytest.mark.parametrize(
    ("codec", "setup", "packet", "can"),
    [
        ("h264", b"", b"\0\0\0\1\x65\x88\x84", True),  # IDR
        ("h264", b"", b"\0\0\1\x09\xf0\0\0\1\x41\xb8", True),  # delimiter, I slice (type 2)
        ("h264", b"", b"\0\0\1\x41\x88\x80", True),  # I slice (type 7)
        ("h264", b"", b"\0\0\1\x41\x98", False),  # P slice (type 5)
        ("h264", b"", b"\0\0\1" + MESSAGE_5 + b"\0\0\1\x41\x88\x80", False),
        ("h264", b"", b"\0\0\1\x65\x88\x84\0\0\1\x41\x98", False),  # and a P slice
        ("h264", b"", b"\0\0\1\x67\x64\0\x1f", False),  # no picture
        ("h264", b"", b"", False),
        ("h264", AVCC, b"\0\0\0\3\x65\x88\x84", True),
        ("h264", AVCC, b"\0\0\0\5" + MESSAGE_5 + b"\0\0\0\3\x41\x88\x80", False),
        ("h264", AVCC, bytes(40), False),
        ("hevc", b"", b"\0\0\1\x26\1", True),  # IDR
        ("hevc", b"", b"\0\0\1\x2a\1", True),  # CRA
        ("hevc", b"", b"\0\0\1\x02\1", False),  # a trailing picture
        ("hevc", HVCC, b"\0\0\0\2\x26\1", True),
        ("hevc", HVCC, b"\0\0\0\2\x02\1", False),
        ("vp9", b"", b"", True),  # its container is believed
    ],
)
def test_made_packets(codec: str, setup: bytes, packet: bytes, can: bool) -> None:
    assert can_start_at(memoryview(packet), codec=codec, setup=setup) is can


@given(
    packet=st.binary(max_size=80),
    setup=st.sampled_from([b"", b"\1", AVCC, HVCC]),
    codec=st.sampled_from(["h264", "hevc"]),
)
@example(packet=b"\0\0\1\x06\xff", setup=b"", codec="h264")
@example(packet=b"\0\0\1\x06\x06\x01", setup=b"", codec="h264")
@example(packet=b"\0\0\1\x41", setup=b"", codec="h264")
@example(packet=b"\xff\xff\xff\xff\x65", setup=AVCC, codec="h264")
def test_damaged_packets_are_answered_too(packet: bytes, setup: bytes, codec: str) -> None:
    assert can_start_at(memoryview(packet), codec=codec, setup=setup) in (True, False)
