"""Sound is at its second, whatever the container, and what is missing is silence that is spoken of."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from clamr_select.errors import (
    InputError,
    UnreadableVideoError,
    UnsafeVideoError,
    UnsupportedVideoError,
    VideoNotFoundError,
)
from clamr_select.video import open_video
from clamr_select.video.audio import SAMPLE_RATE, AudioStream, open_audio

SECONDS = 8.0
BURSTS = ((1.0, 1.5), (3.25, 3.5), (6.0, 7.0))
TONE_HZ, LOUD = 880, 0.5
AT_ITS_SECOND = 0.02


def bursts(rate: int, *, seconds: float = SECONDS, channels: int = 1) -> np.ndarray:
    """(channels, num_samples) float32: a tone of amplitude ``LOUD`` at ``BURSTS``, else silence."""
    times = np.arange(round(seconds * rate)) / rate
    on = np.any([(times >= first) & (times < last) for first, last in BURSTS], axis=0)
    tone = np.where(on, LOUD * np.sin(2 * np.pi * TONE_HZ * times), 0).astype(np.float32)
    return np.tile(tone, (channels, 1))


def write_sound(
    path: Path,
    sound: np.ndarray,
    *,
    codec: str,
    rate: int,
    start_seconds: float = 0.0,
    pieces: Sequence[tuple[float, float]] = ((0.0, 1e9),),
    with_video: bool = False,
) -> Path:
    """Encode (channels, num_samples) float32; ``pieces`` are the stretches of it (seconds) that are written."""
    layout = "mono" if len(sound) == 1 else "stereo"
    with av.open(str(path), "w") as container:
        if with_video:
            picture = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        if with_video:
            for number in range(round(sound.shape[1] / rate * 10)):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, dtype=np.uint8), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 10)
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
        form = stream.codec_context.format.name
        converter = av.AudioResampler(format=form, layout=layout, rate=rate)
        for first, last in pieces:
            for at in range(round(first * rate), min(round(last * rate), sound.shape[1]), 960):
                part = np.ascontiguousarray(sound[:, at : min(at + 960, round(last * rate))])
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
                frame.sample_rate, frame.pts = rate, at + round(start_seconds * rate)
                frame.time_base = Fraction(1, rate)
                for converted in converter.resample(frame):
                    container.mux(stream.encode(converted))
        container.mux(stream.encode())
    return path


def loud_stretches(sound: np.ndarray, *, offset_seconds: float = 0.0) -> list[tuple[float, float]]:
    """Where the tone is heard: its level over 5 ms is above a third of what it should be."""
    step = SAMPLE_RATE // 200
    blocks = sound[: len(sound) // step * step].reshape(-1, step)
    on = np.sqrt((blocks**2).mean(axis=1)) > LOUD / 2**0.5 / 3
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(int)))
    return [(offset_seconds + a * 0.005, offset_seconds + b * 0.005) for a, b in edges.reshape(-1, 2)]


def assert_bursts(found: list[tuple[float, float]], expected: Sequence[tuple[float, float]]) -> None:
    assert len(found) == len(expected), found
    np.testing.assert_allclose(found, expected, atol=AT_ITS_SECOND)


def whole(stream: AudioStream, seconds: float = SECONDS) -> np.ndarray:
    return stream.take(start_seconds=0.0, end_seconds=seconds)


FILES = {
    "aac.mp4": {"codec": "aac", "rate": 48000, "with_video": True},
    "aac_stereo.mp4": {"codec": "aac", "rate": 44100, "channels": 2},
    "aac.ts": {"codec": "aac", "rate": 44100, "with_video": True},
    "aac.flv": {"codec": "aac", "rate": 44100},
    "opus.mkv": {"codec": "libopus", "rate": 48000, "with_video": True},
    "vorbis.webm": {"codec": "vorbis", "rate": 44100, "channels": 2},
    "opus.webm": {"codec": "libopus", "rate": 16000},
    "pcm.wav": {"codec": "pcm_s16le", "rate": 44100, "channels": 2},
    "same_rate.wav": {"codec": "pcm_s16le", "rate": 16000},
    "low_rate.wav": {"codec": "pcm_s16le", "rate": 8000},
    "flac.flac": {"codec": "flac", "rate": 44100, "channels": 2},
    "mp3.mp3": {"codec": "libmp3lame", "rate": 44100},
    "mp3.avi": {"codec": "libmp3lame", "rate": 44100, "with_video": True},
}
ENCODER_DELAY = {"aac.ts": 1024 / 44100, "aac.flv": 1024 / 44100, "mp3.avi": 1105 / 44100, "mp3.mp3": 1105 / 44100}
"""Seconds of silence that an encoder puts first, where the container cannot say that they are not to be played."""


@pytest.fixture(scope="module")
def sound_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            how = dict(FILES[name])
            channels = how.pop("channels", 1)
            sound = bursts(how["rate"], channels=channels)
            made[name] = write_sound(tmp_path_factory.mktemp("sound") / name, sound, **how)
        return made[name]

    return get


@pytest.mark.parametrize("name", FILES)
def test_energy_is_at_its_second(sound_file, name):
    with open_audio(sound_file(name)) as stream:
        sound = whole(stream)
        assert stream.warnings == []

    assert sound.dtype == np.float32
    assert len(sound) == SECONDS * SAMPLE_RATE
    assert abs(sound).max() == pytest.approx(LOUD, rel=0.2)
    assert_bursts(loud_stretches(sound, offset_seconds=-ENCODER_DELAY.get(name, 0.0)), BURSTS)


@pytest.mark.parametrize("name", ["pcm.wav", "same_rate.wav", "low_rate.wav", "flac.flac"])
def test_uncompressed_sound_comes_back_sample_by_sample(sound_file, name):
    with open_audio(sound_file(name)) as stream:
        sound = whole(stream)

    away_from_edges = np.ones(len(sound), dtype=bool)
    for edge in (second for burst in BURSTS for second in burst):  # a filter rings there
        away_from_edges[round((edge - 0.02) * SAMPLE_RATE) : round((edge + 0.02) * SAMPLE_RATE)] = False
    np.testing.assert_allclose(sound[away_from_edges], bursts(SAMPLE_RATE)[0][away_from_edges], atol=2e-3)


def test_channels_are_mixed_to_their_mean(tmp_path):
    left = np.stack([np.full(16000, 0.8), np.full(16000, 0.2)]).astype(np.float32)

    with open_audio(write_sound(tmp_path / "a.wav", left, codec="pcm_s16le", rate=16000)) as stream:
        np.testing.assert_allclose(whole(stream, 1.0), 0.5, atol=1e-3)


def test_windows_join_to_the_whole(sound_file):
    with open_audio(sound_file("aac_stereo.mp4")) as stream:
        at_once = whole(stream)
    edges = [0.0, 0.0001, 0.7, 2.0, 2.0, 5.123456, SECONDS]
    with open_audio(sound_file("aac_stereo.mp4")) as stream:
        windows = [stream.take(start_seconds=a, end_seconds=b) for a, b in pairwise(edges)]

    assert [len(window) for window in windows] == np.diff(np.round(np.array(edges) * SAMPLE_RATE)).tolist()
    np.testing.assert_array_equal(np.concatenate(windows), at_once)


def test_windows_may_overlap_and_leave_out(sound_file):
    with open_audio(sound_file("aac.mp4")) as stream:
        at_once = whole(stream)
    with open_audio(sound_file("aac.mp4")) as stream:
        for start, end in ((0.5, 3.0), (0.5, 1.5), (1.0, 1.25), (6.0, 6.5)):
            window = stream.take(start_seconds=start, end_seconds=end)
            np.testing.assert_array_equal(window, at_once[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)])


def test_chunks_are_the_whole_sound_to_its_exact_end(sound_file):
    with open_audio(sound_file("pcm.wav")) as stream:
        at_once = whole(stream)
    with open_audio(sound_file("pcm.wav")) as stream:
        starts, chunks = zip(*stream.chunks(seconds=3.0), strict=True)
        assert stream.end_seconds == SECONDS

    assert starts == (0.0, 3.0, 6.0)
    np.testing.assert_array_equal(np.concatenate(chunks), at_once)


def test_chunks_go_on_where_the_last_window_began(sound_file):
    with open_audio(sound_file("pcm.wav")) as stream:
        stream.take(start_seconds=4.0, end_seconds=4.5)
        (start, chunk), *more = stream.chunks()

    assert (start, len(chunk), more) == (4.0, 4 * SAMPLE_RATE, [])


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv", "late.ts"])
def test_sound_that_starts_late_is_late(tmp_path, name):
    path = write_sound(tmp_path / name, bursts(44100), codec="aac", rate=44100, start_seconds=2.5, with_video=True)
    with open_video(path) as video:
        video_starts = video.timestamps_seconds[0]

    with open_audio(path) as stream:
        sound = stream.take(start_seconds=video_starts, end_seconds=video_starts + 11)
        assert stream.start_seconds == pytest.approx(video_starts + 2.5, abs=0.1)
    assert not sound[: 2 * SAMPLE_RATE].any()
    assert_bursts(loud_stretches(sound), [(a + 2.5, b + 2.5) for a, b in BURSTS])


@pytest.mark.parametrize("codec", ["aac", "libopus", "pcm_s16le"])
def test_a_gap_is_silence_and_shifts_nothing(tmp_path, codec):
    pieces = ((0.0, 1.92), (4.8, SECONDS))
    path = write_sound(tmp_path / "gap.mkv", bursts(48000), codec=codec, rate=48000, pieces=pieces)

    with open_audio(path) as stream:
        sound = whole(stream)
        codes = [code for code, _ in stream.warnings]
    assert codes == ["audio_gaps"]
    assert_bursts(loud_stretches(sound), [BURSTS[0], BURSTS[2]])
    assert not sound[round(2.2 * SAMPLE_RATE) : round(4.6 * SAMPLE_RATE)].any()


def test_sound_that_goes_back_in_time_is_left_out(tmp_path):
    """Two transport streams joined: the clock goes on to second 8, back to second 4, and on to second 12."""
    parts = [
        write_sound(tmp_path / name, bursts(48000), codec="mp2", rate=48000, start_seconds=start)
        for name, start in (("a.ts", 1.0), ("b.ts", 5.0))
    ]
    with open_audio(parts[0]) as stream:
        start = stream.start_seconds
    path = tmp_path / "joined.ts"
    path.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())

    with open_audio(path) as stream:
        sound = stream.take(start_seconds=start, end_seconds=start + 12)
        assert [code for code, _ in stream.warnings] == ["audio_overlap"]
        assert "4.0" in stream.warnings[0][1]
        assert stream.end_seconds == pytest.approx(start + 12, abs=0.1)
    # of the second part only what comes after second 8 is heard: the burst at its second 6
    assert_bursts(loud_stretches(sound, offset_seconds=-481 / 48000), [*BURSTS, (10.0, 11.0)])


@pytest.mark.parametrize(("codec", "rate"), [("aac", 44100), ("flac", 44100), ("libmp3lame", 48000)])
def test_damaged_packets_are_silence_and_counted(tmp_path, codec, rate):
    path = write_sound(tmp_path / "whole.mkv", bursts(rate), codec=codec, rate=rate)
    with av.open(str(path)) as container:
        timed = [(p.pts * p.time_base, p.pos, p.size) for p in container.demux(audio=0) if p.size]
    data = bytearray(path.read_bytes())
    hit = [(place, size) for seconds, place, size in timed if 6.3 <= seconds < 6.6]
    for place, size in hit:
        start = data.index(bytes(data[place : place + 4]), place)
        data[start + 8 : start + size] = b"\xff" * (size - 8)  # the block's own header stays
    path.write_bytes(data)

    with open_audio(path) as stream:
        sound = whole(stream)
        warnings = dict(stream.warnings)
    assert "silence" in warnings["damaged_audio"]
    found = loud_stretches(sound)
    assert_bursts(found[:2], BURSTS[:2])
    assert found[-1][1] == pytest.approx(7.0, abs=AT_ITS_SECOND)
    assert abs(sound[round(6.4 * SAMPLE_RATE) : round(6.5 * SAMPLE_RATE)]).max() < 0.01


@pytest.mark.parametrize("name", ["aac.ts", "opus.mkv", "pcm.wav", "flac.flac"])
def test_a_file_cut_short_gives_what_it_has(sound_file, tmp_path, name):
    data = sound_file(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * 0.55)])
    with open_audio(sound_file(name)) as stream:
        before = whole(stream)

    with open_audio(path) as stream:
        sound = whole(stream)
        end = stream.end_seconds
    assert 2.0 < end < 7.0
    assert len(sound) == SECONDS * SAMPLE_RATE
    safe = round((end - 0.1) * SAMPLE_RATE)
    np.testing.assert_allclose(sound[:safe], before[:safe], atol=1e-3)
    assert not sound[round(end * SAMPLE_RATE) :].any()


def test_a_form_that_changes_on_the_way_is_followed(tmp_path):
    """A transport stream that goes from 44.1 kHz mono to 48 kHz stereo at second 4."""
    parts = []
    for name, rate, channels, start in (("a.ts", 44100, 1, 0.0), ("b.ts", 48000, 2, 4.0)):
        half = np.split(bursts(rate, channels=channels), 2, axis=1)[round(start / 4)]
        parts.append(write_sound(tmp_path / name, half, codec="mp2", rate=rate, start_seconds=start + 1))
    path = tmp_path / "changing.ts"
    path.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())

    with open_audio(path) as stream:
        start = stream.start_seconds
        sound = stream.take(start_seconds=start, end_seconds=start + SECONDS)
    assert_bursts(loud_stretches(sound, offset_seconds=-481 / 48000), BURSTS)


def test_channels_that_nobody_can_mix_are_named(tmp_path):
    path, channels = tmp_path / "many.wav", 26
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout=f"{channels} channels")
        sound = np.ones((1, 1600 * channels), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(sound, format="s16", layout=f"{channels} channels")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())

    with pytest.raises(UnreadableVideoError, match="26 channels, which FFmpeg cannot mix"):
        open_audio(path)


def test_memory_does_not_grow_with_the_length(tmp_path):
    path = tmp_path / "long.flac"
    write_sound(path, np.zeros((1, 16000 * 600), dtype=np.float32), codec="flac", rate=16000)
    with open_audio(path) as stream:
        tracemalloc.start()
        for second in range(0, 590, 10):
            stream.take(start_seconds=second, end_seconds=second + 1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 4_000_000  # all of it would be 38 MB


def test_a_file_without_sound_has_none(make_video):
    assert open_audio(make_video("silent.mp4", num_frames=3)) is None


def test_sound_that_does_not_decode_is_an_error(sound_file, tmp_path):
    source, path = sound_file("opus.mkv"), tmp_path / "header_only.mkv"
    with av.open(str(source)) as container:
        first = next(packet.pos for packet in container.demux(audio=0))
    path.write_bytes(source.read_bytes()[:first])

    with pytest.raises(UnreadableVideoError, match="no sound of"):
        open_audio(path)


def test_a_codec_without_decoder_is_an_error(sound_file, tmp_path):
    path = tmp_path / "unknown.mkv"
    path.write_bytes(sound_file("opus.mkv").read_bytes().replace(b"A_OPUS", b"A_ZZZZ"))

    with pytest.raises(UnsupportedVideoError, match="no decoder for the sound"):
        open_audio(path)


def test_only_safe_local_media_is_opened(tmp_path):
    playlist = tmp_path / "list.wav"
    playlist.write_text("ffconcat version 1.0\nfile /etc/passwd\n", encoding="utf-8")

    with pytest.raises(UnsafeVideoError):
        open_audio(playlist)
    with pytest.raises(VideoNotFoundError):
        open_audio(tmp_path / "absent.wav")


def test_sound_is_read_forward_only(sound_file):
    with open_audio(sound_file("pcm.wav")) as stream:
        stream.take(start_seconds=2.0, end_seconds=3.0)
        with pytest.raises(InputError, match="open the file again"):
            stream.take(start_seconds=1.0, end_seconds=3.0)
        with pytest.raises(InputError, match="must not be after"):
            stream.take(start_seconds=5.0, end_seconds=4.0)
        with pytest.raises(InputError, match="must not be after"):
            stream.take(start_seconds=5.0, end_seconds=float("inf"))
        with pytest.raises(InputError, match="at least 1"):
            next(stream.chunks(seconds=0.5))
