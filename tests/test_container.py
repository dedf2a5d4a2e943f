from __future__ import annotations

import os
import socket
import sys
from io import FileIO
from pathlib import Path

import av
import numpy as np
import pytest

from clamr_select import container as container_module
from clamr_select.container import DEMUXERS, check_container, open_container, sniff_container
from clamr_select.errors import (
    InputError,
    UnreadableVideoError,
    UnsafeVideoError,
    VideoError,
    VideoNotFoundError,
    VideoTooLargeError,
)
from clamr_select.limits import Limits


def encode(path: Path, *, width: int = 64, height: int = 48, title: str = "", frames: int = 4) -> Path:
    """Black frames."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((height * 3 // 2, width), dtype=np.uint8), format="yuv420p")
        for number in range(frames):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("container") / "video.mp4")


@pytest.mark.parametrize(
    ("extension", "kind"),
    [("mp4", "iso-bmff"), ("mov", "iso-bmff"), ("mkv", "matroska"), ("avi", "avi"), ("flv", "flv"), ("ts", "mpeg-ts")],
)
def test_containers_are_known_by_their_bytes(tmp_path: Path, extension: str, kind: str) -> None:
    path = encode(tmp_path / f"video.{extension}").rename(tmp_path / "video.dat")
    assert check_container(path) == kind
    with open_container(str(path)) as container:
        assert set(container.format.name.split(",")) & set(DEMUXERS[kind])


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x01\xba\x44", "mpeg-ps"),
        (b"OggS\x00", "ogg"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "wav"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", None),
        (b"fLaC\0\0\0\x22", "flac"),
        (b"ID3\x04\0\0", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\0\0\0\x1cftypavif", None),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "iso-bmff"),
        ((b"\0" * 4 + b"\x47" + b"\1" * 187) * 3, "mpeg-ts"),
        (b"", None),
        (b"G", None),
        (b"\x7fELF\x02\x01\x01", None),
    ],
)
def test_magic_bytes(head: bytes, kind: str | None) -> None:
    assert sniff_container(head) == kind


PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile '{0}'\n",
    "ffconcat with a byte order mark": "\ufeffffconcat version 1.0\nfile '{0}'\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n",
    "HLS after blank lines": "\n\n#EXTM3U\n#EXTINF:1,\n{0}\n",
    "DASH": '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"></MPD>',
    "ASX": "<asx version='3.0'><entry><ref href='{0}'/></entry></asx>",
    "PLS": "[playlist]\nFile1={0}\n",
    "SDP": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("opener", [check_container, open_container])
def test_playlists_in_disguise_open_nothing(name: str, opener: object, video: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_text(PLAYLISTS[name].format(video), encoding="utf-8")
    with pytest.raises(UnsafeVideoError, match=r"talk\.mp4.*playlist or markup"):
        opener(path)  # type: ignore[operator]


def test_a_playlist_that_imitates_transport_packets_is_still_one() -> None:
    text = bytearray(b"ffconcat version 1.0\n#".ljust(1200, b"x"))
    text[4::192] = b"\x47" * len(text[4::192])
    text[:20] = b"ffconcat version 1.0"
    assert sniff_container(bytes(text)) is None


def test_the_demuxer_is_limited_even_if_the_first_bytes_were_not(tmp_path: Path, monkeypatch) -> None:
    """The second wall: were the check fooled, FFmpeg itself is told which formats exist."""
    concat = tmp_path / "talk.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile '{encode(tmp_path / 'sibling.ts').name}'\n")
    with av.open(str(concat)) as container:  # what would happen without it
        assert container.format.name == "concat"
    monkeypatch.setattr("clamr_select.container._kind_of", lambda file, name: "iso-bmff")
    with pytest.raises(UnreadableVideoError):
        open_container(concat)


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [
        ("https://example.org/a.mp4", InputError, "is a URL"),
        ("file:///etc/passwd", InputError, "is a URL"),
        (None, InputError, "must be a str"),
        (b"a.mp4", InputError, "must be a str"),
        ("a\0.mp4", InputError, "must be a str"),
        ("a\ud800.mp4", InputError, "lone surrogates"),
        (r"\\server\share\a.mp4", InputError, "names a server"),
        ("file:/etc/passwd", VideoNotFoundError, "no such file"),
        ("-", VideoNotFoundError, "no such file"),
        ("a" * 300, UnreadableVideoError, "too long"),
        ("absent.mp4", VideoNotFoundError, "no such file: 'absent.mp4'"),
        ("", VideoNotFoundError, "no such file"),
    ],
)
def test_paths_that_name_no_file(path: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        open_container(path)  # type: ignore[arg-type]


def test_directories_and_pipes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideoError, match="is a directory"):
        open_container(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableVideoError, match="not a regular file"):
        open_container(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.mp4"))
        with pytest.raises(UnreadableVideoError, match="not a regular file"):
            open_container(tmp_path / "s.mp4")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nhello\n", "is text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is an image"),
        (b"GIF89a", "is an image"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "is an image"),
        (b"\x7fELF\x02\x01\x01\0", "unknown format .* 7f 45 4c 46"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isom", "header is damaged"),
        (b"\x1a\x45\xdf\xa3" + bytes(100), "header is damaged"),
    ],
)
def test_files_that_are_no_video(content: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableVideoError, match=text):
        open_container(path)


def test_errors_do_not_repeat_what_the_decoder_says(tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isom")
    with pytest.raises(VideoError) as caught:
        open_container(path)
    assert "Errno" not in str(caught.value)
    assert "Invalid data" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "concat:a|b",
        "subfile,,start,0,end,0,,:a.mp4",
        "pipe:0",
        "fd:0",
        "file:a.mp4",
        "http:a.mp4",
        "-",
        "-i.mp4",
        "%03d.mp4",
        "a%2Fb%00.mp4",
        "a\n\x1b[31m.mp4",
        " ",
        os.fsdecode(b"caf\xe9.mp4"),
    ],
)
def test_a_file_is_a_file_whatever_its_name(name: str, video: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(video.read_bytes())
    with open_container(name) as container:
        assert len(container.streams.video) == 1


def test_links_lead_to_files_or_nowhere(video: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    links = {"file": video, "pipe.mp4": tmp_path / "pipe", "gone": tmp_path / "absent", "loop": tmp_path / "loop"}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    with open_container(tmp_path / "file") as container:
        assert len(container.streams.video) == 1
    for name, error in (
        ("pipe.mp4", UnreadableVideoError),
        ("gone", VideoNotFoundError),
        ("loop", UnreadableVideoError),
    ):
        with pytest.raises(error):
            open_container(tmp_path / name)
    with pytest.raises(UnreadableVideoError, match="not a regular file"):
        open_container("/dev/zero")


def test_a_name_that_leads_to_a_pipe_once_it_is_opened_does_not_wait(video: Path, tmp_path: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "talk.mp4")
    before = os.stat(video)
    monkeypatch.setattr("clamr_select.container.os.stat", lambda name: before)
    with pytest.raises(UnreadableVideoError, match="not a regular file"):
        open_container(tmp_path / "talk.mp4")


def test_ffmpeg_reads_the_file_that_was_checked(video: Path, tmp_path: Path, monkeypatch) -> None:
    """Another file under its name, once its first bytes were read, is not opened."""
    path = tmp_path / "talk.mp4"
    path.write_bytes(video.read_bytes())
    check = container_module._kind_of

    def check_and_exchange(file: FileIO, name: str) -> str:
        kind = check(file, name)
        encode(tmp_path / "other.mp4", width=128).replace(path)
        return kind

    monkeypatch.setattr(container_module, "_kind_of", check_and_exchange)
    with open_container(path) as container:
        assert container.streams.video[0].width == 64
    with av.open(str(path)) as exchanged:
        assert exchanged.streams.video[0].width == 128


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_no_descriptor_is_left_open(video: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with open_container(video):
            pass
        with pytest.raises(UnreadableVideoError):
            open_container(tmp_path / "text.mp4")
        with pytest.raises(VideoTooLargeError):
            open_container(video, limits=Limits(max_pixels=1))
    assert len(os.listdir("/proc/self/fd")) == before


def test_large_frames_are_refused_from_the_header(video: Path) -> None:
    with open_container(video, limits=Limits(max_pixels=64 * 48)) as container:
        assert container.streams.video[0].width == 64
    with pytest.raises(VideoTooLargeError, match=r"64x48 = 3072 pixels; the limit max_pixels is 3071"):
        open_container(video, limits=Limits(max_pixels=64 * 48 - 1))


def test_a_bomb_is_refused_by_default(tmp_path: Path) -> None:
    """A hundred kilobytes that would be 108 MB a frame."""
    path = encode(tmp_path / "bomb.mp4", width=8192, height=4400, frames=1)
    assert path.stat().st_size < 300_000
    with pytest.raises(VideoTooLargeError, match="8192x4400"):
        open_container(path)


def test_the_limit_must_be_positive(video: Path) -> None:
    with pytest.raises(InputError, match="max_pixels"):
        open_container(video, limits=Limits(max_pixels=0))


def test_tags_that_are_not_utf8_do_not_stop_the_opening(tmp_path: Path) -> None:
    path = encode(tmp_path / "tags.mkv", title="XXXX")
    path.write_bytes(path.read_bytes().replace(b"XXXX", b"\xe9\xff\xfe\xe8"))
    with open_container(path) as container:
        assert len(container.metadata["title"]) == 4
