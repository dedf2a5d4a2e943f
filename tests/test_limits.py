"""What is too large is refused before it is decoded, by name, and every limit can be raised."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clamr_select.cli import main
from clamr_select.container import check_container, open_container
from clamr_select.context.embedded import embedded_subtitles
from clamr_select.errors import InputError, VideoTooLargeError
from clamr_select.isolation import isolated_video
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.selector import FrameSelector
from clamr_select.video import open_video
from clamr_select.video.audio import open_audio

SMALL = {
    "max_pixels": 320 * 180 - 1,
    "max_duration_seconds": 29.9,
    "max_bytes": 1000,
    "max_streams": 0.5,
    "max_frames": 299,
}
"""Each just below what ``color_video`` has."""


@pytest.mark.parametrize("backend", ["pyav", "decord", "torchcodec"])
@pytest.mark.parametrize("name", SMALL)
def test_a_file_past_a_limit_is_refused_and_the_limit_named(color_video, name, backend):
    if backend != "pyav":
        pytest.importorskip(backend, exc_type=ImportError)
    with pytest.raises(VideoTooLargeError, match=rf"the limit {name} is .* limits=Limits\({name}=…\), or --limit"):
        open_video(color_video, backend=backend, limits=Limits(**{name: SMALL[name]}))


@pytest.mark.parametrize("name", SMALL)
def test_at_the_limit_it_is_opened(color_video, name):
    exact = {
        "max_pixels": 320 * 180,
        "max_duration_seconds": 30,
        "max_bytes": color_video.stat().st_size,
        "max_streams": 1,
        "max_frames": 300,
    }
    with open_video(color_video, limits=Limits(**{name: exact[name]})) as reader:
        assert reader.info.num_frames == 300


@pytest.mark.parametrize("opener", [open_container, open_audio, embedded_subtitles, check_container])
def test_every_entrance_has_the_same_limits(color_video, opener):
    with pytest.raises(VideoTooLargeError, match="max_bytes"):
        opener(color_video, limits=Limits(max_bytes=1000))


def test_a_duration_that_the_header_hides_is_found_by_the_packets(tmp_path):
    """Matroska written to a pipe says no duration."""
    import av

    path = tmp_path / "live.mkv"
    with av.open(str(path), "w", format="matroska", container_options={"live": "1"}) as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width = stream.height = 64
        for seconds in (0, 100, 200):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
            frame.pts, frame.time_base = seconds, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(VideoTooLargeError, match="max_duration_seconds is 150"):
        open_video(path, limits=Limits(max_duration_seconds=150))
    with open_video(path, limits=Limits(max_duration_seconds=250)) as reader:
        assert reader.info.num_frames == 3


@pytest.mark.parametrize("value", [0, -1, float("nan"), "many", None, True])
def test_a_limit_is_a_positive_number(value):
    with pytest.raises(InputError, match="max_bytes must be a positive number"):
        Limits(max_bytes=value)


@pytest.mark.parametrize("name", [limit.name for limit in fields(Limits)])
@pytest.mark.parametrize("value", [math.inf, 1e20, 10**400], ids=["infinite", "1e20", "400 digits"])
def test_a_limit_that_nothing_can_count_to_is_refused_and_the_largest_named(name, value):
    with pytest.raises(InputError, match=rf"{name} must be a positive number of at most (\d+), got") as caught:
        Limits(**{name: value})
    largest = int(re.search(r"at most (\d+)", str(caught.value))[1])
    assert getattr(Limits(**{name: largest}), name) == largest


@pytest.mark.skipif(os.name != "posix", reason="isolation needs POSIX pipes")
@pytest.mark.parametrize("opener", [open_video, isolated_video])
def test_the_largest_limits_can_be_kept(color_video, opener):
    most = Limits(max_pixels=2**31 - 1, max_frames=2**63 - 1, max_bytes=2**63 - 1, max_duration_seconds=9e9)
    with opener(color_video, limits=most) as reader:
        assert [frame.frame_index for frame in reader.frames([7])] == [7]


def test_limits_by_name():
    assert Limits.from_mapping({}) == DEFAULT_LIMITS
    assert Limits.from_mapping({"max_pixels": 5}).changed == {"max_pixels": 5}
    with pytest.raises(InputError, match="limits must be a mapping"):
        Limits.from_mapping(5)
    with pytest.raises(InputError, match="no such limit: max_size; allowed: max_pixels, max_duration_seconds"):
        Limits.from_mapping({"max_size": 1})


def test_a_raised_limit_reaches_the_frames_of_the_selection(tmp_path):
    """A selection of a video past the default limits can be shown and handed over."""
    path = _bomb(tmp_path / "large.mp4")
    selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    with pytest.raises(VideoTooLargeError, match="max_pixels"):
        selector.index(path, ocr="off")
    raised = Limits(max_pixels=8192 * 8192)
    selection = selector.select(path, "anything", ocr="off", limits=raised, num_frames=1)

    assert selection.method["limits"] == {"max_pixels": 8192 * 8192}
    assert selection.frames(max_side=64)[0].shape == (34, 64, 3)


def test_the_command_line_names_limits(color_video, capsys):
    command = ["select", str(color_video), "green", "--ocr", "off", "--no-cache"]
    assert main([*command, "--limit", "max_frames=299"]) == 2
    assert "max_frames" in capsys.readouterr().err
    for wrong in ("max_frames", "max_frames=many", "frames=3", "max_frames=0"):
        assert main([*command, "--limit", wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def _bomb(path: Path) -> Path:
    """A hundred kilobytes that are 108 MB a frame."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 8192, 4400, "yuv420p"
        frame = av.VideoFrame(8192, 4400, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts, frame.time_base = 0, Fraction(1)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


BOMB = """
import resource, sys
from clamr_select.errors import VideoTooLargeError
from clamr_select.video import open_video
import av, numpy
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    open_video(sys.argv[1])
except VideoTooLargeError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in KiB on Linux")
def test_a_bomb_costs_no_memory(tmp_path):
    path = _bomb(tmp_path / "bomb.mp4")
    assert path.stat().st_size < 300_000
    done = subprocess.run([sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, check=True)

    assert int(done.stdout) * 1024 < 50_000_000, "less than half of one decoded frame"


def test_a_sparse_file_of_terabytes_is_refused_unread(tmp_path, color_video):
    path = tmp_path / "huge.mp4"
    path.write_bytes(color_video.read_bytes())
    os.truncate(path, 1 << 40)
    with pytest.raises(VideoTooLargeError, match="max_bytes"):
        open_video(path)
