"""A worker gives what the reader itself gives; one that crashes, hangs or lies is an error, and none is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from clamr_select.cli import main
from clamr_select.context.chapters import can_read_chapters, container_chapters
from clamr_select.context.embedded import embedded_subtitles
from clamr_select.errors import (
    DecoderCrashedError,
    InputError,
    UnreadableVideoError,
    UnsafeVideoError,
    VideoNotFoundError,
    VideoTooLargeError,
)
from clamr_select.isolation import isolated_chapters, isolated_sound, isolated_subtitles, isolated_video
from clamr_select.isolation.messages import pack, unpack
from clamr_select.limits import Limits
from clamr_select.selector import FrameSelector
from clamr_select.video import open_video
from clamr_select.video.audio import open_audio

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes")


@pytest.fixture(scope="module")
def narrated(tmp_path_factory) -> Path:
    """Four seconds of picture and a tone, with subtitles inside."""
    import av

    path = tmp_path_factory.mktemp("narrated") / "talk.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 5 * number, dtype=np.uint8), format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        tone = (np.sin(np.arange(64000) / 20) * 8000).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts = 16000, 0
        container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def captioned(tmp_path_factory) -> Path:
    """Subtitles and chapters inside a file, put there by the ffmpeg command line."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("ffmpeg is not installed")
    folder = tmp_path_factory.mktemp("captioned")
    (folder / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nThe walrus answered.\n", encoding="utf-8")
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={}\nEND={}\ntitle={}\n"
    chapters = chapter.format(0, 1000, "Opening") + chapter.format(1000, 2000, "Harbor")
    (folder / "a.txt").write_text(";FFMETADATA1\n" + chapters, encoding="utf-8")
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", "color=red:s=64x48:d=2", "-i", folder / "a.srt"]
    command += ["-i", folder / "a.txt", "-map_metadata", "2", "-map", "0:v", "-map", "1:s", folder / "talk.mkv"]
    subprocess.run(command, check=True)
    return folder / "talk.mkv"


def test_frames_times_and_facts_are_those_of_the_reader(narrated):
    with open_video(narrated) as here, isolated_video(narrated) as there:
        assert there.info == here.info
        np.testing.assert_array_equal(there.timestamps_seconds, here.timestamps_seconds)
        for mine, its in zip(here.frames([0, 7, 39]), there.frames([0, 7, 39]), strict=True):
            assert (its.frame_index, its.timestamp_seconds) == (mine.frame_index, mine.timestamp_seconds)
            np.testing.assert_array_equal(its.image, mine.image)
        (small,) = there.frames(np.array([3]), max_side=32)
        assert small.image.shape == (24, 32, 3)
        assert list(there.frames([])) == []
        assert there.warnings == here.warnings


def test_sound_is_that_of_the_stream(narrated):
    with open_audio(narrated) as here, isolated_sound(narrated) as there:
        assert (there.source, there.start_seconds) == (here.source, here.start_seconds)
        np.testing.assert_array_equal(
            there.take(start_seconds=0.5, end_seconds=1.25), here.take(start_seconds=0.5, end_seconds=1.25)
        )
    with open_audio(narrated) as here, isolated_sound(narrated) as there:
        mine, its = list(here.chunks(seconds=1.5)), list(there.chunks(seconds=1.5))
        assert [start for start, _ in its] == [start for start, _ in mine]
        np.testing.assert_array_equal(np.concatenate([s for _, s in its]), np.concatenate([s for _, s in mine]))
        assert (there.end_seconds, there.warnings) == (here.end_seconds, here.warnings)


@pytest.mark.parametrize("opener", [open_audio, isolated_sound])
def test_chunks_begin_with_the_last_stretch_that_was_taken(narrated, opener):
    with opener(narrated) as sound:
        sound.take(start_seconds=1.0, end_seconds=2.0)
        assert [start for start, _ in sound.chunks(seconds=2.0)] == [1.0, 3.0]
    for seconds in (0, 0.5, float("nan")):
        with opener(narrated) as sound, pytest.raises(InputError, match="at least 1"):
            next(sound.chunks(seconds=seconds))


def test_a_silent_file_has_no_sound_and_no_subtitles(color_video):
    assert isolated_sound(color_video) is None
    assert isolated_subtitles(color_video) is None
    assert embedded_subtitles(color_video) is None
    assert isolated_chapters(color_video) == ()


@pytest.mark.skipif(not can_read_chapters(), reason="the installed PyAV cannot read chapters")
def test_subtitles_and_chapters_are_those_of_the_readers(captioned):
    assert isolated_subtitles(captioned) == embedded_subtitles(captioned)
    assert embedded_subtitles(captioned).lines[0].text == "The walrus answered."
    assert isolated_chapters(captioned) == container_chapters(captioned)
    assert [chapter.title for chapter in container_chapters(captioned)] == ["Opening", "Harbor"]


def test_errors_are_those_of_the_reader(narrated, tmp_path):
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile 'a.ts'\n")
    (tmp_path / "empty.mp4").touch()
    for path, error in (
        (tmp_path / "absent.mp4", VideoNotFoundError),
        (tmp_path / "empty.mp4", UnreadableVideoError),
        (tmp_path / "list.mp4", UnsafeVideoError),
        ("https://example.com/a.mp4", InputError),
    ):
        with pytest.raises(error):
            isolated_video(path)
    with pytest.raises(VideoTooLargeError, match="max_streams"):
        isolated_video(narrated, limits=Limits(max_streams=1))
    with isolated_video(narrated) as reader:
        with pytest.raises(InputError, match="strictly increasing"):
            reader.frames([3, 2])
        assert len(list(reader.frames([2, 3]))) == 2
    with pytest.raises(InputError, match="closed"):
        reader.frames([1])


def _damaged(source: Path, path: Path) -> Path:
    data = bytearray(source.read_bytes())
    middle = (data.index(b"mdat") + data.index(b"moov")) // 2
    data[middle : middle + 800] = bytes(800)
    path.write_bytes(data)
    return path


def test_losses_are_recorded_as_by_the_reader(color_video, tmp_path):
    path = _damaged(color_video, tmp_path / "damaged.mp4")
    with open_video(path) as here, isolated_video(path) as there:
        mine = [f.frame_index for f in here.frames(range(0, 300, 10), on_undecodable="skip")]
        its = [f.frame_index for f in there.frames(range(0, 300, 10), on_undecodable="skip")]
        assert its == mine
        assert there.warnings == here.warnings != []


def test_reading_may_stop_early_and_start_again(narrated):
    with isolated_video(narrated) as reader:
        frames = reader.frames(range(40))
        assert next(frames).frame_index == 0
        frames.close()
        assert [frame.frame_index for frame in reader.frames([5, 6])] == [5, 6]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_an_error(narrated, number):
    reader = isolated_video(narrated)
    process = reader._worker._child._process
    frames = reader.frames(range(40))
    next(frames)
    os.kill(process.pid, number)
    with pytest.raises(DecoderCrashedError, match=rf"talk\.mkv.*ended by {number.name}"):
        list(frames)
    assert process.returncode == -number
    with pytest.raises(DecoderCrashedError, match="has ended"):
        reader.frames([0])
    reader.close()


def test_a_hang_is_an_error(narrated, monkeypatch):
    with isolated_video(narrated) as reader:
        monkeypatch.setattr("clamr_select.isolation.process.MAX_SILENT_SECONDS", 1.0)
        process = reader._worker._child._process
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(DecoderCrashedError, match="gave nothing for 1 s"):
            list(reader.frames([0]))
        assert process.returncode == -signal.SIGKILL


def test_ctrl_c_is_left_to_the_parent(narrated):
    """A terminal sends it to the worker as well, which would be taken for a crash."""
    with isolated_video(narrated) as reader:
        os.kill(reader._worker._child._process.pid, signal.SIGINT)
        assert len(list(reader.frames(range(40)))) == 40


def test_after_an_interrupted_request_no_other_gets_its_answer(narrated, monkeypatch):
    def interrupted(count, deadline):
        raise KeyboardInterrupt

    with isolated_sound(narrated) as sound:
        child = sound._worker._child
        monkeypatch.setattr(child, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sound.take(start_seconds=0.0, end_seconds=1.0)
        monkeypatch.undo()
        with pytest.raises(DecoderCrashedError, match="has ended; open it again"):
            sound.take(start_seconds=1.0, end_seconds=2.0)
        assert child._process.returncode is not None


def test_a_request_is_written_whole_though_the_pipe_takes_it_piece_by_piece(narrated, monkeypatch):
    with isolated_video(narrated) as reader:
        pipe = reader._worker._child._process.stdin
        piecewise = SimpleNamespace(write=lambda data: pipe.write(data[:5]), close=pipe.close)
        monkeypatch.setattr(reader._worker._child._process, "stdin", piecewise)
        monkeypatch.setattr("clamr_select.isolation.process.MAX_SILENT_SECONDS", 5.0)
        assert [frame.frame_index for frame in reader.frames([3, 30])] == [3, 30]


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff\xff\xff",
        b"\x02\x00\x00\x00[]",
        b"\x02\x00\x00\x00{x",
        b"\x02\x00\x00\x00",
        b"",
        b"".join(bytes(p) for p in pack({"dtype": "object", "shape": [1]})),
        b"".join(bytes(p) for p in pack({"dtype": "uint8", "shape": [1 << 40]})),
        b"".join(bytes(p) for p in pack({"dtype": "uint8", "shape": [-1, -5]})),
        b"".join(bytes(p) for p in pack({"error": "SystemExit", "message": "0"})),
    ],
    ids=range(9),
)
def test_a_worker_that_lies_is_an_error(narrated, answer, tmp_path, monkeypatch):
    program = tmp_path / "python"
    (tmp_path / "answer").write_bytes(answer)
    program.write_text(f"#!/bin/sh\nexec cat {tmp_path / 'answer'}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(DecoderCrashedError):
        isolated_video(narrated)


def test_messages_carry_arrays_whole():
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    data = b"".join(bytes(part) for part in pack({"a": 1}, array[:, ::2]))
    position = 0

    def read(count: int) -> bytes:
        nonlocal position
        position += count
        return data[position - count : position]

    header, found = unpack(read, max_array_bytes=1000)
    assert header == {"a": 1}
    np.testing.assert_array_equal(found, array[:, ::2])
    assert position == len(data)


def test_no_module_of_the_current_folder_is_imported_by_the_worker(narrated, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    with isolated_video(narrated) as reader:
        assert reader.info.num_frames == 40


@pytest.mark.slow
def test_a_selection_in_isolation_is_the_same_and_so_are_its_frames(color_video, monkeypatch, capsys):
    selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    options = {"ocr": "off", "candidate_fps": 0.4, "cache_dir": None, "num_frames": 2}
    here = selector.select(color_video, "green", **options)
    monkeypatch.setattr("av.open", None)  # nothing is opened in this process
    there = selector.select(color_video, "green", **options, isolate=True)

    assert (there.frame_indices, there.scores, there.warnings) == (here.frame_indices, here.scores, here.warnings)
    assert there.method["isolate"] is True
    assert [frame.shape for frame in there.frames()] == [(180, 320, 3)] * 2
    assert there.to_transformers(max_side=32, pair="neighbor")["videos"][0].shape[0] == 4
    assert main(["select", str(color_video), "green", "--ocr", "off", "--isolate", "--no-cache"]) == 0
