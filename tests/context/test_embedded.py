"""Subtitle streams inside video files, muxed here with PyAV."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clamr_select.context.embedded import embedded_subtitles
from clamr_select.errors import InputError, SubtitlesError, UnreadableVideoError, VideoNotFoundError

av = pytest.importorskip("av")

SRT = """1
00:00:00,500 --> 00:00:01,500
Hello <i>big</i>
world &amp; {co}

2
00:00:01,600 --> 00:00:02,500
C:\\Notes in {\\an8}second
"""
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.50,0:00:01.50,Default,,0,0,0,,Hello {\\i1}big{\\i0}\\Nworld & \\{co\\}
Dialogue: 0,0:00:01.60,0:00:02.50,Default,,0,0,0,,{\\p1}m 0 0 l 5 5{\\p0}C:\\\u2060Notes in second
"""
VTT = "WEBVTT\n\n" + SRT.replace(",500", ".500").replace(",600", ".600").replace("{\\an8}", "")
LINES = [(0.5, 1.5, "Hello big world & {co}"), (1.6, 2.5, "C:\\Notes in second")]

Mux = Callable[..., Path]


@pytest.fixture
def mux(tmp_path: Path) -> Mux:
    """``mux("a.mkv", ("srt", SRT), …)`` writes 3 s of video with these subtitle streams."""

    def write(name: str, *subtitles: tuple[str, str], languages: tuple[str, ...] = (), default: int = 0) -> Path:
        path = tmp_path / name
        sources = [av.open(io.BytesIO(text.encode()), format=kind) for kind, text in subtitles]
        with av.open(str(path), "w") as container:
            video = container.add_stream("libvpx" if name.endswith("webm") else "mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            streams = [container.add_stream_from_template(s.streams.subtitles[0]) for s in sources]
            for stream, language in zip(streams, languages, strict=False):
                stream.metadata["language"] = language
            if default:
                streams[default].disposition = av.stream.Disposition.default.value
            for index in range(30):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * index, np.uint8), format="rgb24")
                frame.pts = index
                container.mux(video.encode(frame))
            container.mux(video.encode())
            for source, stream in zip(sources, streams, strict=True):
                for packet in source.demux(source.streams.subtitles[0]):
                    if packet.size:
                        packet.stream = stream
                        container.mux(packet)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("a.mkv", "srt", SRT), ("a.mkv", "ass", ASS), ("a.mkv", "webvtt", VTT), ("a.webm", "webvtt", VTT)],
)
def test_text_streams_of_matroska(name: str, kind: str, text: str, mux: Mux) -> None:
    track = embedded_subtitles(mux(name, (kind, text), languages=("eng",)))

    assert track is not None
    assert track.modality == "asr"
    assert track.source == "embedded stream 1 (eng)"
    assert track.warnings == ()
    assert [(line.start_seconds, line.end_seconds, line.text) for line in track.lines] == LINES


def test_mov_text_of_mp4(tmp_path: Path) -> None:
    if not hasattr(av.subtitles.codeccontext.SubtitleCodecContext, "subtitle_header"):
        pytest.skip("this PyAV cannot write mov_text")
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        subtitles = container.add_stream("mov_text")
        subtitles.codec_context.subtitle_header = ASS.partition("Dialogue")[0].encode()
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for start, end, text in ((500, 1500, b"Hello\nw{o}rld"), (1600, 2500, "ägain".encode("utf-16"))):
            packet = av.Packet(len(text).to_bytes(2, "big") + text)
            packet.pts = packet.dts = start
            packet.duration = end - start
            packet.time_base, packet.stream = Fraction(1, 1000), subtitles
            container.mux(packet)

    track = embedded_subtitles(path)

    assert track is not None
    assert [(line.start_seconds, line.end_seconds, line.text) for line in track.lines] == [
        (0.5, 1.5, "Hello w{o}rld"),
        (1.6, 2.5, "ägain"),
    ]


def test_which_stream_is_read(mux: Mux) -> None:
    german = SRT.replace("second", "zweitens")
    languages = ("eng", "ger")
    plain = mux("plain.mkv", ("srt", SRT), ("srt", german), languages=languages)
    marked = mux("marked.mkv", ("srt", SRT), ("srt", german), languages=languages, default=1)

    assert embedded_subtitles(plain).source == "embedded stream 1 (eng)"
    assert embedded_subtitles(marked).source == "embedded stream 2 (ger)"
    assert embedded_subtitles(marked, language="ENG").source == "embedded stream 1 (eng)"
    assert embedded_subtitles(plain, stream_index=2).lines[1].text == "C:\\Notes in zweitens"


def test_a_stream_that_is_not_there(mux: Mux) -> None:
    path = mux("a.mkv", ("srt", SRT), languages=("eng",))

    with pytest.raises(SubtitlesError, match=r"language 'fra'.*1 \(eng\)"):
        embedded_subtitles(path, language="fra")
    with pytest.raises(SubtitlesError, match=r"index 0.*1 \(eng\)"):
        embedded_subtitles(path, stream_index=0)
    with pytest.raises(InputError, match="not both"):
        embedded_subtitles(path, stream_index=1, language="eng")


def test_a_video_without_subtitle_streams(color_video: Path) -> None:
    assert embedded_subtitles(color_video) is None
    with pytest.raises(SubtitlesError, match="streams: none"):
        embedded_subtitles(color_video, language="eng")


def test_images_of_text_give_a_warning_and_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.add_stream("dvbsub")
        container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(video.encode())

    track = embedded_subtitles(path)

    assert track is not None
    assert track.lines == ()
    assert [code for code, _ in track.warnings] == ["subtitles_not_text"]


def test_a_cue_of_two_letters_and_one_that_is_not_utf8(mux: Mux) -> None:
    path = mux("a.mkv", ("srt", SRT + "\n3\n00:00:02,600 --> 00:00:02,700\nNo\n"))
    path.write_bytes(path.read_bytes().replace(b"second", b"s\xffcond"))

    track = embedded_subtitles(path)

    assert track is not None
    assert [line.text for line in track.lines] == ["Hello big world & {co}", "No"]
    assert track.warnings == (("subtitles_unreadable_cues", "cues dropped for an unreadable time or text: 1"),)


def test_a_stream_without_a_cue_gives_a_warning(mux: Mux) -> None:
    track = embedded_subtitles(mux("a.mkv", ("srt", "1\n00:00:00,500 --> 00:00:01,500\n<i></i>\n")))

    assert track is not None
    assert track.lines == ()
    assert ("subtitles_no_cues", "embedded stream 1 holds no text") in track.warnings


def test_a_truncated_file_keeps_what_can_be_read(mux: Mux) -> None:
    path = mux(
        "a.mkv",
        ("srt", SRT + "".join(f"\n{n}\n00:00:0{n}.000 --> 00:00:0{n}.500\n{'x' * 500}\n" for n in (3, 4))),
    )
    path.write_bytes(path.read_bytes()[:-700])

    track = embedded_subtitles(path)

    assert track is not None
    assert [line.text for line in track.lines[:2]] == [text for *_, text in LINES]
    assert len(track.lines) < 4


def test_not_a_video(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_text("words")

    with pytest.raises(UnreadableVideoError):
        embedded_subtitles(tmp_path / "talk.mp4")
    with pytest.raises(VideoNotFoundError):
        embedded_subtitles(tmp_path / "absent.mp4")
