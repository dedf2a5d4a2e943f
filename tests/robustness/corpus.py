"""Make the corpus: valid videos of every kind, each damaged in many ways, and files that are no videos.

    python tests/robustness/corpus.py FOLDER [--flips 200] [--cut-percent 5]

Pictures spell their number in a barcode, so that a returned frame can be told from its neighbours. ``manifest.json``
says of each file its group and the file it was damaged from. The same arguments give the same files.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import av

DAMAGED_IN_THE_MAKING = (
    "cut.mp4",
    "cut.mkv",
    "cut.ts",
    "cut_start.ts",
    "hole.mp4",
    "half_a_packet.mp4",
    "no_first_gop.mp4",
    "untimed.ts",
)
NO_VIDEO = ("sound.m4a", "cover.mp3", "unknown_codec.mp4", "no_frame.mp4", "no_header.mp4")
UNSELECTABLE = ("negative_start.mkv", "joined.ts", "reordered.avi", "twice.mkv", "growing.ts")
"""In these a timestamp does not name one frame, or none (Matroska has no negative times), or frames are larger than the
header says."""
BASES = ("faststart.mp4", "h264.mp4", "fragmented.mp4", "h264.mkv", "h264.ts", "vp9.webm", "mpeg4.avi", "hevc.mp4")
"""What is cut and flipped."""


@dataclass(frozen=True)
class Member:
    """One file of the corpus."""

    name: str
    group: str
    """``valid``, ``cut``, ``flipped``, ``damaged``, ``no video``, ``hostile``."""
    base: str | None = None
    """The whole file it was cut or flipped from."""


def makers() -> ModuleType:
    """The makers of barcode videos that the tests of the readers share."""
    path = Path(__file__).parents[1] / "video" / "conftest.py"
    spec = importlib.util.spec_from_file_location("barcode_videos", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def more_makers(videos: ModuleType) -> dict[str, Callable[[Path], Path]]:
    """Kinds of video that the tests of the readers have no need of."""
    encode, x264 = videos.encode, videos.X264
    interlaced = {**x264, "x264-params": x264["x264-params"] + ":tff=1"}
    return {
        "faststart.mp4": lambda p: encode(p, options=x264, muxer={"movflags": "faststart"}),
        "two_frames.mp4": lambda p: encode(p, options=x264, num_frames=2),
        "interlaced.mp4": lambda p: encode(p, options=interlaced, num_frames=48),
        "h264_10bit.mp4": lambda p: encode(p, options=x264, pixels="yuv420p10le", num_frames=48),
        "hevc_10bit.mkv": lambda p: encode(
            p, codec="libx265", options=videos.X265, pixels="yuv420p10le", num_frames=48
        ),
        "alpha.webm": lambda p: encode(p, codec="libvpx-vp9", options=videos.VP9, pixels="yuva420p", num_frames=48),
        "alpha.mov": lambda p: encode(p, codec="qtrle", pixels="argb", num_frames=48),
        "lossless.mkv": lambda p: encode(p, codec="ffv1", num_frames=48),
        "av1.mkv": lambda p: encode(p, codec="libsvtav1", options={"preset": "8", "crf": "5"}, num_frames=48),
        "no_cues.mkv": lambda p: encode(p, options=x264, muxer={"live": "1"}),
        "negative_start.mkv": lambda p: encode(
            p, options=x264, pts=range(-10, videos.NUM_FRAMES - 10), muxer={"avoid_negative_ts": "disabled"}
        ),
        "negative_start.mp4": lambda p: encode(
            p, options=x264, pts=range(-10, videos.NUM_FRAMES - 10), muxer={"avoid_negative_ts": "disabled"}
        ),
        "jump.mp4": lambda p: encode(p, options=x264, pts=[i + 15_000 * (i >= 48) for i in range(videos.NUM_FRAMES)]),
        "jump.mkv": lambda p: encode(p, options=x264, pts=[i + 15_000 * (i >= 48) for i in range(videos.NUM_FRAMES)]),
    }


def build(folder: Path, *, num_flips: int, cut_percent: int) -> list[Member]:
    """Write all files and the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = makers()
    members: list[Member] = []
    for name, make in {**videos.MAKERS, **more_makers(videos)}.items():
        make(folder / name)
        group = "damaged" if name in (*DAMAGED_IN_THE_MAKING, *UNSELECTABLE) else "valid"
        members.append(Member(name, "no video" if name in NO_VIDEO else group))
    members += cut(folder, cut_percent=cut_percent)
    members += flipped(folder, num_flips=num_flips)
    members += [Member(path.name, "no video") for path in no_videos(folder)]
    members += [Member(path.name, "hostile") for path in hostile(folder, videos)]
    members.append(Member(video_then_playlist(folder).name, "damaged"))
    manifest = json.dumps([asdict(member) for member in members], indent=1)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    return members


def cut(folder: Path, *, cut_percent: int) -> Iterator[Member]:
    """The first so many percent of the bytes."""
    for base in BASES:
        data = (folder / base).read_bytes()
        for percent in range(cut_percent, 100, cut_percent):
            stem, _, extension = base.partition(".")
            path = folder / f"{stem}_{extension}_cut_{percent:02d}.{extension}"
            path.write_bytes(data[: len(data) * percent // 100])
            yield Member(path.name, "cut", base)


def flipped(folder: Path, *, num_flips: int) -> Iterator[Member]:
    """One to twenty bits turned over, anywhere in the file."""
    for seed in range(num_flips):
        base = BASES[seed % len(BASES)]
        rng, data = random.Random(seed), bytearray((folder / base).read_bytes())
        for _ in range(rng.randint(1, 20)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        stem, _, extension = base.partition(".")
        path = folder / f"{stem}_{extension}_flipped_{seed:03d}.{extension}"
        path.write_bytes(data)
        yield Member(path.name, "flipped", base)


def no_videos(folder: Path) -> Iterator[Path]:
    """Bytes that hold no video."""
    rng = random.Random(0)
    png = b"\x89PNG\r\n\x1a\n" + rng.randbytes(500)
    for name, data in {
        "zero_bytes.mp4": b"",
        "one_byte.mp4": b"\0",
        "zeros.mp4": bytes(5000),
        "noise.mp4": rng.randbytes(5000),
        "text.mp4": b"just some words\n" * 100,
        "picture.mp4": png,
        "only_ftyp.mp4": (folder / "h264.mp4").read_bytes()[:32],
        "only_ebml.mkv": (folder / "h264.mkv").read_bytes()[:64],
        "noise_after_ftyp.mp4": (folder / "h264.mp4").read_bytes()[:32] + rng.randbytes(5000),
        "noise_after_ebml.mkv": (folder / "h264.mkv").read_bytes()[:64] + rng.randbytes(5000),
        "noise_in_packets.ts": b"".join(b"G" + rng.randbytes(187) for _ in range(50)),
    }.items():
        (folder / name).write_bytes(data)
        yield folder / name


def hostile(folder: Path, videos: ModuleType) -> Iterator[Path]:
    """Playlists in disguise, which make a decoder open another file, and pictures too large to decode."""
    target = "h264.ts"
    texts = {
        "ffconcat.mp4": f"ffconcat version 1.0\nfile '{target}'\n",
        "ffconcat_bom.mp4": f"\ufeffffconcat version 1.0\nfile '{target}'\n",
        "ffconcat_spaces.mkv": f"\n\n  ffconcat version 1.0\nfile {target}\n",
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n",
        "hls.ts": f"#EXTM3U\n#EXTINF:4,\nfile:///{folder / target}\n#EXT-X-ENDLIST\n",
        "pls.mp4": f"[playlist]\nFile1={target}\n",
        "dash.mp4": f"<?xml version='1.0'?><MPD><BaseURL>{target}</BaseURL></MPD>",
        "smil.mp4": f"<smil><body><video src='{target}'/></body></smil>",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "reference.mov": f"[Reference]\nRef1={target}\n",
        "rtsp.mov": "rtsptext\nrtsp://127.0.0.1:9/x\n",
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
        yield folder / name
    polyglot = folder / "ftyp_then_concat.mp4"
    polyglot.write_bytes((folder / "h264.mp4").read_bytes()[:32] + texts["ffconcat.mp4"].encode() * 50)
    yield polyglot
    packets = folder / "concat_as_packets.ts"  # text with transport packets' sync bytes where they belong
    text = bytearray(texts["ffconcat.mp4"].encode().ljust(188 * 8, b"#"))
    text[0::188] = b"G" * 8
    packets.write_bytes(text)
    yield packets
    yield bomb(folder / "bomb.mp4")
    yield lying_bomb(folder / "lying_bomb.mp4", source=folder / "bomb.mp4")


def video_then_playlist(folder: Path) -> Path:
    """A transport stream with a playlist behind it: its own frames and no others."""
    path = folder / "video_then_concat.ts"
    path.write_bytes((folder / "h264.ts").read_bytes() + b"ffconcat version 1.0\nfile 'mpeg4.avi'\n" * 20)
    return path


def bomb(path: Path) -> Path:
    """A hundred kilobytes that are 192 MiB a frame."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 8192, 8192, "yuv420p"
        frame = av.VideoFrame(8192, 8192, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts, frame.time_base = 0, Fraction(1)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def lying_bomb(path: Path, *, source: Path) -> Path:
    """The same under a header that says 64x64."""
    data = bytearray(source.read_bytes())
    sample = data.index(b"avc1", data.index(b"stsd")) + 4 + 24
    data[sample : sample + 4] = struct.pack(">HH", 64, 64)
    path.write_bytes(data)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--cut-percent", type=int, default=5)
    arguments = parser.parse_args()
    members = build(arguments.folder, num_flips=arguments.flips, cut_percent=arguments.cut_percent)
    sys.stdout.write(f"{len(members)} files in {arguments.folder}\n")


if __name__ == "__main__":
    main()
