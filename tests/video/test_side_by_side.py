"""Several threads give what one gives: the same pictures, warnings and errors, in order, in bounded memory."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from clamr_select.errors import ClamrSelectError, FrameDecodeError, InputError, VideoNotFoundError
from clamr_select.isolation import isolated_video
from clamr_select.video import open_video, read_plan, side_by_side
from clamr_select.video.channel import Channel
from clamr_select.video.side_by_side import MAX_THREADS, usable_threads
from clamr_select.video.stretch_decoder import StretchDecoder

INTACT = (
    "h264.mp4", "open_gop.mp4", "refresh.mp4", "h264.mkv", "h264.ts", "h264.flv", "late_start.mkv", "hevc.mp4",
    "hevc_layers.mkv", "vp9.webm", "live.webm", "av1.mp4", "mpeg4.avi", "mpeg4.mp4", "mpeg2.mpg", "edit_list.mp4",
    "fragmented.mp4", "uneven.mp4", "odd_size.mp4", "two_streams.mp4", "turned_90.mp4", "mirrored_90.mp4",
)  # fmt: skip
DAMAGED = (
    "cut.mp4", "cut.mkv", "cut.ts", "cut_start.ts", "hole.mp4", "half_a_packet.mp4", "no_first_gop.mp4", "untimed.ts",
    "twice.mkv", "resized.ts", "growing.ts",
)  # fmt: skip
BASES = ("h264.mp4", "h264.mkv", "h264.ts", "hevc.mp4", "vp9.webm", "mpeg2.mpg", "mpeg4.avi", "open_gop.mp4")


@pytest.fixture
def groups_apart(monkeypatch) -> None:
    """Each group of pictures is a stretch of its own, in videos as short as these too."""
    monkeypatch.setattr(read_plan, "LONG_STRETCH", 1)


def everything(path: Path, *, num_threads: int, step: int = 1, max_side: int | None = None) -> tuple:
    """(index, seconds, pixels) of the frames, and the warnings; or the error."""
    try:
        with open_video(path, num_threads=num_threads) as reader:
            wanted = range(0, reader.info.num_frames, step)
            frames = reader.frames(wanted, max_side=max_side, on_undecodable="skip")
            shown = [(frame.frame_index, frame.timestamp_seconds, frame.image.tobytes()) for frame in frames]
            return shown, reader.warnings
    except ClamrSelectError as error:
        return type(error), str(error)


@pytest.mark.usefixtures("groups_apart")
@pytest.mark.parametrize("name", [*INTACT, *DAMAGED])
def test_three_threads_give_what_one_gives(name: str, sample: Callable) -> None:
    for step, max_side in ((1, None), (5, 48), (31, None)):
        one = everything(sample(name), num_threads=1, step=step, max_side=max_side)
        assert everything(sample(name), num_threads=3, step=step, max_side=max_side) == one


@pytest.mark.parametrize("name", INTACT)
def test_taking_groups_apart_changes_no_pixel(name: str, sample: Callable, monkeypatch) -> None:
    in_one_go = everything(sample(name), num_threads=1)
    monkeypatch.setattr(read_plan, "LONG_STRETCH", 1)
    assert everything(sample(name), num_threads=3) == in_one_go


@pytest.mark.usefixtures("groups_apart")
def test_flipped_bits_are_told_alike(sample: Callable, tmp_path: Path) -> None:
    num_told = 0
    for seed in range(5 * len(BASES)):
        drawn, name = random.Random(seed), BASES[seed % len(BASES)]
        data = bytearray(sample(name).read_bytes())
        for _ in range(drawn.randint(1, 20)):
            data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
        path = tmp_path / f"{seed}_{name}"
        path.write_bytes(data)
        one = everything(path, num_threads=1)
        assert everything(path, num_threads=3) == one
        num_told += bool(one[1])
    assert num_told > 10


@pytest.mark.usefixtures("groups_apart")
def test_more_than_one_thread_decodes(sample: Callable, monkeypatch) -> None:
    at_work: set[str] = set()
    original = StretchDecoder.images

    def watched(decoder, reading):  # type: ignore[no-untyped-def]
        at_work.add(threading.current_thread().name)
        return original(decoder, reading)

    monkeypatch.setattr(StretchDecoder, "images", watched)
    everything(sample("h264.mp4"), num_threads=1)
    assert at_work == {threading.main_thread().name}
    at_work.clear()
    with open_video(sample("h264.mp4"), num_threads=2) as reader:
        for _ in reader.frames(range(96)):
            time.sleep(0.001)  # nobody is so fast that the other has nothing left
    assert at_work == {"clamr-decoding-0", "clamr-decoding-1"}


@pytest.mark.usefixtures("groups_apart")
def test_who_leaves_early_leaves_no_thread_and_loses_no_warning(sample: Callable) -> None:
    warned = []
    for num_threads in (1, 3):
        with open_video(sample("hole.mp4"), num_threads=num_threads) as reader:
            frames = reader.frames(range(25, 96), on_undecodable="skip")
            while next(frames).frame_index < 60:
                pass
            frames.close()  # type: ignore[attr-defined]
            warned.append(reader.warnings)
    assert [thread.name for thread in threading.enumerate() if "decoding" in thread.name] == []
    assert warned[0] == warned[1]
    assert [code for code, _ in warned[0]] == ["undecodable_frames"]


@pytest.mark.usefixtures("groups_apart")
def test_a_reader_that_is_slow_holds_the_threads_back(sample: Callable, monkeypatch) -> None:
    monkeypatch.setattr(side_by_side, "MAX_AHEAD_BYTES", 1)  # one picture a stretch
    made = []
    original = StretchDecoder.images

    def counted(decoder, reading):  # type: ignore[no-untyped-def]
        for index, image in original(decoder, reading):
            made.append(index)
            yield index, image

    monkeypatch.setattr(StretchDecoder, "images", counted)
    with open_video(sample("h264.mp4"), num_threads=2) as reader:
        frames = reader.frames(range(96))
        next(frames)
        time.sleep(0.5)
        # of each of two threads: one waits, one is in its hands; the first one's was taken
        assert len(made) <= 5
        assert [frame.frame_index for frame in frames] == list(range(1, 96))


@pytest.mark.usefixtures("groups_apart")
def test_errors_come_where_one_thread_has_them(sample: Callable, tmp_path: Path) -> None:
    path = tmp_path / "gone.mp4"
    path.write_bytes(sample("h264.mp4").read_bytes())
    with open_video(path, num_threads=3) as reader:
        path.unlink()
        with pytest.raises(VideoNotFoundError):
            list(reader.frames(range(96)))
    with open_video(sample("hole.mp4"), num_threads=3) as reader:
        shown: list[int] = []
        with pytest.raises(FrameDecodeError, match="frame 29 "):
            shown.extend(frame.frame_index for frame in reader.frames(range(96)))
        assert shown == list(range(29))
        assert [thread.name for thread in threading.enumerate() if "decoding" in thread.name] == []


def test_an_iterator_that_is_kept_does_not_keep_the_process_from_ending(sample: Callable) -> None:
    script = (
        "from clamr_select.video import open_video, read_plan, side_by_side\n"
        "read_plan.LONG_STRETCH = side_by_side.MAX_AHEAD_BYTES = 1\n"
        f"frames = open_video({str(sample('h264.mp4'))!r}, num_threads=2).frames(range(96))\n"
        "print(next(frames).frame_index)\n"
        "import builtins; builtins.kept = frames\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


@pytest.mark.usefixtures("groups_apart")
def test_a_worker_process_decodes_in_threads_too(sample: Callable) -> None:
    wanted = range(0, 96, 5)
    with open_video(sample("h264.mp4")) as here, isolated_video(sample("h264.mp4"), num_threads=2) as apart:
        for mine, theirs in zip(here.frames(wanted), apart.frames(wanted), strict=True):
            np.testing.assert_array_equal(mine.image, theirs.image)
    with pytest.raises(InputError, match="num_threads"):
        isolated_video(sample("h264.mp4"), num_threads=0)


@pytest.mark.parametrize("num_threads", [0, -1, 1.5, True, "2"])
def test_wrong_numbers_of_threads_are_refused(num_threads: object, sample: Callable) -> None:
    with pytest.raises(InputError, match="num_threads must be a whole number of at least 1"):
        open_video(sample("h264.mp4"), num_threads=num_threads)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("num_threads", "num_stretches", "size", "used"),
    [
        (1, 100, (640, 360), 1),
        (2, 100, (640, 360), 2),
        (64, 100, (640, 360), MAX_THREADS),
        (4, 3, (640, 360), 3),
        (8, 100, (3840, 2160), 5),  # 200 MB a decoder
        (8, 100, (8192, 4320), 1),
        (8, 100, (100_000, 100_000), 1),
    ],
)
def test_threads_are_as_many_as_have_work_and_room(
    num_threads: int, num_stretches: int, size: tuple[int, int], used: int
) -> None:
    assert usable_threads(num_threads, num_stretches=num_stretches, coded_size=size) == used


def test_a_channel_hands_on_items_then_the_error() -> None:
    channel: Channel[int] = Channel(max_waiting=1)

    def write() -> None:
        with channel:
            for number in range(20):
                assert channel.put(number)
            raise av.FFmpegError(1, "made up")

    writer = threading.Thread(target=write)
    writer.start()
    got: list[int] = []
    with pytest.raises(av.FFmpegError, match="made up"):
        got.extend(channel)
    writer.join()
    assert got == list(range(20))


def test_a_channel_that_was_left_lets_its_writer_go() -> None:
    channel: Channel[int] = Channel(max_waiting=1)
    answers = []

    def write() -> None:
        with channel:
            answers.extend([channel.put(0), channel.put(1), channel.put(2)])

    writer = threading.Thread(target=write)
    writer.start()
    reading = iter(channel)
    assert next(reading) == 0
    channel.leave()
    writer.join(timeout=10)
    assert not writer.is_alive()
    assert answers[0] is True
    assert answers[2] is False
