"""Videos whose pixels say which frame they are, in every container and kind of damage the readers must bear."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

WIDTH, HEIGHT, FPS, NUM_FRAMES, GOP = 128, 96, 25, 96, 24
BITS = 16


def draw_barcode(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3) uint8: 16 black or white columns spell ``number``; a red bar marks the top."""
    image = np.full((height, width, 3), 128, dtype=np.uint8)
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    for bit in range(BITS):
        image[height // 4 : 3 * height // 4, edges[bit] : edges[bit + 1]] = 255 * (number >> bit & 1)
    image[: height // 6] = (220, 30, 30)
    return image


def barcode_of(image: np.ndarray) -> int:
    """The number an upright picture of any size spells."""
    height, width = image.shape[:2]
    row = image[int(0.4 * height) : max(int(0.4 * height) + 1, int(0.6 * height))].mean(axis=(0, 2))
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    return sum(1 << bit for bit in range(BITS) if row[centres[bit]] > 127)


@dataclass(frozen=True)
class Truth:
    """What a plain decode of the whole file shows, in presentation order."""

    timestamps_seconds: np.ndarray
    barcodes: tuple[int, ...]


def decode_plainly(path: Path, *, stream: int = 0) -> Truth:
    """Decode everything in order with PyAV and read what comes; nothing of the package is used."""
    shown: dict[float, int] = {}
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[stream]):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                if frame.pts is not None:
                    image = np.rot90(frame.to_ndarray(format="rgb24"), k=frame.rotation // 90)
                    shown.setdefault(float(frame.pts * frame.time_base), barcode_of(image))
    times = sorted(shown)
    return Truth(np.array(times), tuple(shown[time] for time in times))


def encode(
    path: Path,
    *,
    codec: str = "libx264",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, FPS),
    size: tuple[int, int] = (WIDTH, HEIGHT),
    num_frames: int = NUM_FRAMES,
    first_number: int = 0,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    max_b_frames: int | None = None,
    metadata: dict[str, str] | None = None,
    stored: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Path:
    """Write barcodes ``first_number``, … with the timestamps ``pts`` (default: one a tick).

    ``size`` is (width, height) of the upright picture, ``stored`` how it lies in the file.
    """
    with av.open(str(path), "w", options=muxer or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=FPS)
        height, width = stored(draw_barcode(0, *size)).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.gop_size, stream.codec_context.time_base = GOP, time_base
        if max_b_frames is not None:
            stream.codec_context.max_b_frames = max_b_frames
        stream.options = options or {}
        for number, time in zip(range(num_frames), pts or range(num_frames), strict=False):
            image = np.ascontiguousarray(stored(draw_barcode(first_number + number, *size)))
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = time, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


X264 = {"preset": "veryfast", "x264-params": "bframes=3:b-adapt=0:scenecut=0:log-level=none"}
OPEN_GOP = {
    "preset": "veryfast",
    "x264-params": "open-gop=1:keyint=24:min-keyint=24:bframes=3:b-adapt=0:log-level=none",
}
REFRESH = {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=24:bframes=3:log-level=none"}
X265 = {"preset": "ultrafast", "x265-params": "keyint=24:bframes=4:b-adapt=0:log-level=none"}
X265_LAYERS = {"preset": "ultrafast", "x265-params": "keyint=24:bframes=4:temporal-layers=3:log-level=none"}
VP9 = {"cpu-used": "8", "deadline": "realtime", "b": "300k"}
UNEVEN = [i * 40 + 17 * (i % 3) + 900 * (i // 30) for i in range(NUM_FRAMES)]


def _two_streams(path: Path) -> Path:
    """A small stream of other barcodes first, then the one to read."""
    with av.open(str(path), "w") as container:
        streams = []
        for width, height in ((64, 48), (WIDTH, HEIGHT)):
            stream = container.add_stream("libx264", rate=FPS, options=X264)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            streams.append(stream)
        for number in range(48):
            for first, stream in zip((1000, 0), streams, strict=True):
                image = draw_barcode(first + number, stream.width, stream.height)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
                frame.pts = number
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())
    return path


def _edit_list(path: Path) -> Path:
    """The first 10 frames are in the file, to be decoded and not shown, as ``ffmpeg -ss -c copy`` leaves them."""
    source = encode(path.with_name("whole.mp4"), options=X264)
    with av.open(str(source)) as read, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as write:
        stream = read.streams.video[0]
        copy = write.add_stream_from_template(stream)
        cut = round(10 / FPS / stream.time_base)
        for packet in read.demux(stream):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - cut, packet.dts - cut, copy
                write.mux(packet)
    return path


def _turned(path: Path, degrees: int, *, mirrored: bool = False) -> Path:
    """An MP4 that asks to be mirrored and turned clockwise; shown that way its barcodes are upright."""

    def stored(image: np.ndarray) -> np.ndarray:
        image = np.rot90(image, k=degrees // 90)
        return image[:, ::-1] if mirrored else image

    size = (HEIGHT, WIDTH) if degrees in (90, 270) else (WIDTH, HEIGHT)
    encode(path, options=X264, num_frames=48, size=size, stored=stored)
    a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    return set_display_matrix(path, (-a, -b, -b, a) if mirrored else (a, b, -b, a))


def set_display_matrix(path: Path, matrix: tuple[float, float, float, float]) -> Path:
    """Patch (a, b, c, d) in the track header of an MP4: x' = ax + cy, y' = bx + dy."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") + 4
    first = header + (52 if data[header] == 1 else 40)
    for place, value in zip((0, 1, 3, 4), matrix, strict=True):
        data[first + 4 * place : first + 4 * place + 4] = struct.pack(">i", round(value * (1 << 16)))
    path.write_bytes(data)
    return path


def _cut(path: Path, share: float, **how: Any) -> Path:
    """The first ``share`` of a file's bytes."""
    data = encode(path, **how).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def _cut_start(path: Path) -> Path:
    """A transport stream recorded from the middle of a group of pictures."""
    data = encode(path, options=X264).read_bytes()
    path.write_bytes(data[188 * 40 :])
    return path


def _destroy_packets(path: Path, first: int, last: int, *, share: float = 1) -> Path:
    """Zero the last ``share`` of packets ``first`` to ``last``, in decoding order; the container stays whole."""
    encode(path, options=X264)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for place, size in places[first : last + 1]:
        num_zeros = int(size * share)
        data[place + size - num_zeros : place + size] = bytes(num_zeros)
    path.write_bytes(data)
    return path


def _untimed(path: Path) -> Path:
    """A transport stream in which three packets say nothing of their time."""
    data = bytearray(encode(path, options=X264).read_bytes())
    place = -1
    for number in range(NUM_FRAMES):
        place = data.index(b"\0\0\1\xe0", place + 1)  # a packet of the first video stream
        if number in (40, 41, 60):
            data[place + 7] &= 0x3F  # the flags that announce timestamps
    path.write_bytes(data)
    return path


def _same_time_twice(path: Path) -> Path:
    """Frames 10 and 11 claim the same time."""
    source = encode(path.with_name("source.mkv"), options={"preset": "veryfast", "tune": "zerolatency"})
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        copy = write.add_stream_from_template(read.streams.video[0])
        for number, packet in enumerate(read.demux(video=0)):
            if packet.size:
                if number == 11:
                    packet.pts = packet.dts = 10 * 40
                packet.stream = copy
                write.mux(packet)
    return path


def _alternate_references(path: Path, *, like_ffmpeg: bool) -> Path:
    """VP8 with a packet before every eighth frame that is never shown. It claims the time of the next frame, as in
    files of FFmpeg, or a millisecond after the frame before, as in those of vpxenc."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.gop_size, encoder.options = Fraction(1, FPS), GOP, {"lag-in-frames": "0", "b": "800k"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(NUM_FRAMES):
            for shown in (False, True) if number % 8 == 7 else (True,):
                image = draw_barcode(number if shown else 5000 + number)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
                for packet in encoder.encode(frame):
                    data = bytearray(bytes(packet))
                    data[0] &= 0xFF if shown else ~0x10
                    written = av.Packet(bytes(data))
                    written.is_keyframe, written.stream = packet.is_keyframe, stream
                    written.pts = 40 * number if shown or like_ffmpeg else 40 * (number - 1) + 1
                    written.dts, written.time_base = written.pts, Fraction(1, 1000)
                    container.mux(written)
    return path


def _joined(path: Path) -> Path:
    """Two transport streams one after the other: the clock starts again."""
    part = encode(path, options=X264).read_bytes()
    path.write_bytes(part + part)
    return path


def _resized(path: Path, sizes: Sequence[tuple[int, int]]) -> Path:
    """A transport stream of 24 frames of each size."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuv420p"
        for part, size in enumerate(sizes):
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
            encoder.time_base, encoder.options = Fraction(1, FPS), dict(X264)
            for number in range(24 * part, 24 * part + 24):
                image = av.VideoFrame.from_ndarray(draw_barcode(number, *size), format="rgb24")
                frame = image.reformat(format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                _mux(container, stream, encoder.encode(frame))
            _mux(container, stream, encoder.encode())
    return path


def _mux(container: Any, stream: Any, packets: Any) -> None:
    for packet in packets:
        packet.stream = stream
        container.mux(packet)


def _sound(container: Any, stream: Any, *, num_samples: int = 16000) -> None:
    for start in range(0, num_samples, 1600):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _outlasted_by_sound(path: Path) -> Path:
    """A second of pictures and five of sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=X264)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=16000, layout="mono")
        for number in range(FPS):
            frame = av.VideoFrame.from_ndarray(draw_barcode(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        _sound(container, sound, num_samples=80_000)
    return path


def _sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        _sound(container, container.add_stream("aac", rate=16000, layout="mono"))
    return path


def _sound_with_cover(path: Path) -> Path:
    """An MP3 with a picture in its ID3 tag, which FFmpeg shows as a video stream."""
    picture = encode(path.with_name("cover.mov"), codec="mjpeg", pixels="yuvj420p", num_frames=1)
    with av.open(str(picture)) as container:
        jpeg = next(bytes(packet) for packet in container.demux(video=0) if packet.size)
    sound = path.with_name("plain.mp3")
    with av.open(str(sound), "w", options={"id3v2_version": "0", "write_xing": "0"}) as container:
        _sound(container, container.add_stream("libmp3lame", rate=16000, layout="mono"))
    body = b"\0image/jpeg\0\3\0" + jpeg
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\0" + size + frame + sound.read_bytes())
    return path


def _rename_codec(path: Path) -> Path:
    """H.264 under a name no decoder has."""
    data = encode(path, options=X264, num_frames=8).read_bytes()
    path.write_bytes(data.replace(b"avc1", b"zzzz"))
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    # name.extension: what the readers must read
    "h264.mp4": lambda p: encode(p, options=X264, metadata={"title": "Barcodes", "comment": "made by a test"}),
    "fragmented.mp4": lambda p: encode(p, options=X264, muxer={"movflags": "frag_keyframe+empty_moov"}),
    "uneven.mp4": lambda p: encode(p, options=X264, pts=UNEVEN, time_base=Fraction(1, 1000)),
    "late_start.mkv": lambda p: encode(p, options=X264, pts=range(125, 125 + NUM_FRAMES)),
    "h264.mkv": lambda p: encode(p, options=X264),
    "outlasted_by_sound.mkv": _outlasted_by_sound,
    "h264.ts": lambda p: encode(p, options=X264),
    "h264.flv": lambda p: encode(p, options=X264),
    "open_gop.mp4": lambda p: encode(p, options=OPEN_GOP),
    "refresh.mp4": lambda p: encode(p, options=REFRESH),
    "hevc.mp4": lambda p: encode(p, codec="libx265", options=X265),
    "hevc_layers.mkv": lambda p: encode(p, codec="libx265", options=X265_LAYERS),
    "vp9.webm": lambda p: encode(p, codec="libvpx-vp9", options=VP9),
    "vp8_like_ffmpeg.webm": lambda p: _alternate_references(p, like_ffmpeg=True),
    "vp8_like_vpxenc.webm": lambda p: _alternate_references(p, like_ffmpeg=False),
    "live.webm": lambda p: encode(p, codec="libvpx-vp9", options=VP9, muxer={"live": "1"}),
    "av1.mp4": lambda p: encode(p, codec="libsvtav1", options={"preset": "8", "crf": "5"}, num_frames=48),
    "mpeg4.avi": lambda p: encode(p, codec="mpeg4", options={"b": "800k"}),
    "mpeg4.mp4": lambda p: encode(p, codec="mpeg4", options={"b": "800k"}, max_b_frames=2),
    "mpeg2.mpg": lambda p: encode(p, codec="mpeg2video", options={"b": "800k"}, max_b_frames=2),
    "one_frame.mp4": lambda p: encode(p, options=X264, num_frames=1),
    "odd_size.mp4": lambda p: encode(p, options=X264, size=(127, 95), pixels="yuv444p", num_frames=48),
    "two_streams.mp4": _two_streams,
    "edit_list.mp4": _edit_list,
    "turned_90.mp4": lambda p: _turned(p, 90),
    "turned_180.mp4": lambda p: _turned(p, 180),
    "turned_270.mp4": lambda p: _turned(p, 270),
    "mirrored.mp4": lambda p: _turned(p, 0, mirrored=True),
    "mirrored_90.mp4": lambda p: _turned(p, 90, mirrored=True),
    # damaged, and still worth something
    "cut.mp4": lambda p: _cut(p, 0.6, options=X264, muxer={"movflags": "faststart"}),
    "cut.mkv": lambda p: _cut(p, 0.6, options=X264),
    "cut.ts": lambda p: _cut(p, 0.6, options=X264),
    "cut_start.ts": _cut_start,
    "hole.mp4": lambda p: _destroy_packets(p, 30, 47),
    "half_a_packet.mp4": lambda p: _destroy_packets(p, 25, 25, share=0.5),
    "no_first_gop.mp4": lambda p: _destroy_packets(p, 0, 23),
    "untimed.ts": _untimed,
    "twice.mkv": _same_time_twice,
    "resized.ts": lambda p: _resized(p, [(WIDTH, HEIGHT), (64, 48)]),
    "growing.ts": lambda p: _resized(p, [(64, 48), (WIDTH, HEIGHT)]),
    # not videos one could select frames from
    "joined.ts": _joined,
    "reordered.avi": lambda p: encode(p, options=X264),
    "sound.m4a": _sound_only,
    "cover.mp3": _sound_with_cover,
    "unknown_codec.mp4": _rename_codec,
    "no_frame.mp4": lambda p: _destroy_packets(p, 0, NUM_FRAMES),
    "no_header.mp4": lambda p: _cut(p, 0.6, options=X264),
}


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of a made video, by its name in ``MAKERS``; made once."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = MAKERS[name](tmp_path_factory.mktemp(name.replace(".", "_")) / name)
        return made[name]

    return get


@pytest.fixture(scope="session")
def truth(sample: Callable[[str], Path]) -> Callable[[str], Truth]:
    """What a plain decode of a made video shows."""
    known: dict[str, Truth] = {}

    def get(name: str) -> Truth:
        if name not in known:
            known[name] = decode_plainly(sample(name), stream=1 if name == "two_streams.mp4" else 0)
        return known[name]

    return get


@pytest.fixture(scope="session")
def read_barcode() -> Callable[[np.ndarray], int]:
    return barcode_of


@pytest.fixture(scope="session")
def turn_video() -> Callable[..., Path]:
    return set_display_matrix


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Encode a video of one's own: ``make_video("a.mkv", num_frames=5, options=…)``."""
    return lambda name, **how: encode(tmp_path / name, **{"options": X264, **how})
