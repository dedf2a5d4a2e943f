"""Open a local media file: its first bytes are checked, and only formats that name no other files are opened.

A text file named ``talk.mp4`` that begins with ``ffconcat version 1.0`` makes FFmpeg open other files of the
disk. So the first bytes must be those of a media container, and the demuxer must be one of the same list. FFmpeg is
handed the open file whose bytes were checked, not its name: what the name leads to may change in between.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Mapping
from io import FileIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from clamr_select.errors import (
    InputError,
    UnreadableVideoError,
    UnsafeVideoError,
    VideoNotFoundError,
    VideoTooLargeError,
)
from clamr_select.limits import DEFAULT_LIMITS, Limits, too_large

if TYPE_CHECKING:
    import av.container

logger = logging.getLogger(__name__)

ContainerKind = Literal[
    "iso-bmff", "matroska", "avi", "mpeg-ts", "mpeg-ps", "flv", "ogg", "asf", "wav", "flac", "mp3", "aac"
]

DEMUXERS: Mapping[ContainerKind, tuple[str, ...]] = MappingProxyType(
    {
        "iso-bmff": ("mov", "mp4"),
        "matroska": ("matroska", "webm"),
        "avi": ("avi",),
        "mpeg-ts": ("mpegts",),
        "mpeg-ps": ("mpeg",),
        "flv": ("flv",),
        "ogg": ("ogg",),
        "asf": ("asf",),
        "wav": ("wav",),
        "flac": ("flac",),
        "mp3": ("mp3",),
        "aac": ("aac",),
    }
)
"""Container to FFmpeg's names of its demuxers. None of them follows a path written in the file."""

_HEAD_BYTES = 4096
_MICROSECONDS = 1_000_000
_ISO_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx")
_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_IMAGES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"\0\0\0\x0cjP  ",
    b"\0\0\0\x0cJXL ",
)
_PLAYLISTS = (b"ffconcat", b"#extm3u", b"[playlist]", b"[reference]", b"rtsptext", b"v=0\r", b"v=0\n", b"<")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LISTS_ITS_STREAMS: tuple[ContainerKind, ...] = ("iso-bmff", "matroska")
"""Containers whose header names all streams. For others PyAV before 18 crashes when options reach the decoders
that probe the streams (PyAV #2010), so there one frame may be probed at its full size before it is refused."""
_TRANSPORT_PACKETS = ((188, 0), (192, 4), (204, 0))
"""(packet length, offset of the sync byte): plain, with time codes (m2ts), with error correction."""


def check_container(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> ContainerKind:
    """What kind of media container the first bytes of a local file are; nothing is decoded.

    Raises:
        VideoTooLargeError: the file has more than ``limits.max_bytes``.
        InputError: ``path`` is a URL or not a path.
        VideoNotFoundError: there is no such file.
        UnreadableVideoError: a directory, an empty or unreadable file, an image, text, or an unknown format.
        UnsafeVideoError: a playlist or script, which could make a decoder open other files.
    """
    name = _as_path(path)
    with _open_regular(name, limits) as file:
        return _kind_of(file, name)


def _kind_of(file: FileIO, name: str) -> ContainerKind:
    head = _read_head(file, name)
    if not head:
        raise UnreadableVideoError(f"{name!r} is empty (0 bytes); was its download interrupted?")
    kind = sniff_container(head)
    if kind is not None:
        return kind
    if _is_playlist(head):
        raise UnsafeVideoError(
            f"{name!r} is a playlist or markup, not a video; it was not opened, because it could name other "
            f"files or addresses. Pass the video file itself."
        )
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or _is_image_brand(head):
        raise UnreadableVideoError(f"{name!r} is an image, not a video")
    what = "text" if _is_text(head) else f"an unknown format (it begins with bytes {head[:8].hex(' ')})"
    raise UnreadableVideoError(f"{name!r} is {what}; expected one of {', '.join(DEMUXERS)}")


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is written like a URL; such a thing is never opened as a file."""
    return isinstance(path, str) and _URL.match(path) is not None


def sniff_container(head: bytes) -> ContainerKind | None:
    """The container whose magic bytes ``head`` (the first kilobytes of a file) carries, or None."""
    if head[4:8] in _ISO_BOXES and not _is_image_brand(head):
        return "iso-bmff"
    if head[:4] == b"RIFF":
        return {b"AVI ": "avi", b"WAVE": "wav"}.get(head[8:12])  # type: ignore[return-value]
    magics: tuple[tuple[bytes, ContainerKind], ...] = (
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"\x00\x00\x01\xba", "mpeg-ps"),
        (b"FLV\x01", "flv"),
        (b"OggS", "ogg"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
        (b"fLaC", "flac"),
        (b"ID3", "mp3"),
    )
    for magic, kind in magics:
        if head.startswith(magic):
            return kind
    if _is_playlist(head):  # before the weak magics below, which text can be made to match
        return None
    if any(_has_sync_bytes(head, length, offset) for length, offset in _TRANSPORT_PACKETS):
        return "mpeg-ts"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:
        return "mp3"
    return None


def open_container(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> av.container.InputContainer:
    """Check a local media file and open it with PyAV. Close what is returned (it is a context manager).

    Raises:
        VideoTooLargeError: the file, its frames, its length or the number of its streams are past a limit, as far as
            its header says; no frame was returned.
        UnreadableVideoError: the header is damaged or incomplete, and all of :func:`check_container`.
    """
    name = _as_path(path)
    with _open_regular(name, limits) as file:
        kind = _kind_of(file, name)
        container = _open_with_ffmpeg(file, os.path.abspath(name), kind, limits)
    try:
        _check_header(container, name, limits)
    except VideoTooLargeError:
        container.close()
        raise
    return container


def _open_with_ffmpeg(file: FileIO, name: str, kind: ContainerKind, limits: Limits) -> av.container.InputContainer:
    import av

    demuxers = ",".join(demuxer for names in DEMUXERS.values() for demuxer in names)
    probing = {"max_pixels": str(limits.max_pixels)} if kind in _LISTS_ITS_STREAMS else {}
    url, options = _url_of(file, name)
    try:
        return av.open(
            url,
            container_options={"format_whitelist": demuxers, **options},
            options=probing,
            **_tags_in_any_encoding(av.__version__),
        )
    except av.FFmpegError as error:
        # FFmpeg's text goes to the log only: it may carry bytes of the file.
        logger.info("%s: %s: %s", name, type(error).__name__, error)
        raise UnreadableVideoError(
            f"{name!r} cannot be read as {kind}: its header is damaged or incomplete. Was the file cut short?"
        ) from error


def _url_of(file: FileIO, absolute_path: str) -> tuple[str, dict[str, str]]:
    """What FFmpeg calls an open file. It makes its own copy of the descriptor."""
    if os.name == "posix":
        return "fd:", {"fd": str(file.fileno()), "protocol_whitelist": "fd"}
    # Elsewhere descriptors are not shared between libraries. An absolute path has no protocol prefix.
    return absolute_path, {"protocol_whitelist": "file"}


def _check_header(container: av.container.InputContainer, name: str, limits: Limits) -> None:
    from av.stream import Disposition

    if len(container.streams) > limits.max_streams:
        raise too_large(name, f"has {len(container.streams)} streams", limits=limits, name="max_streams")
    seconds = (container.duration or 0) / _MICROSECONDS
    if seconds > limits.max_duration_seconds:
        raise too_large(name, f"lasts {seconds:.0f} s", limits=limits, name="max_duration_seconds")
    for stream in container.streams.video:
        codec, cover_art = stream.codec_context, stream.disposition & Disposition.attached_pic
        if codec is not None and not cover_art and codec.width * codec.height > limits.max_pixels:
            size = f"{codec.width}x{codec.height} = {codec.width * codec.height} pixels"
            raise too_large(name, f"has frames of {size}", limits=limits, name="max_pixels")


def _tags_in_any_encoding(av_version: str) -> dict[str, Any]:
    """PyAV before 19 refuses a file over one byte of a tag that is not UTF-8; since then it hands it on."""
    return {"metadata_errors": "replace"} if int(av_version.partition(".")[0]) < 19 else {}


def _as_path(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(name, str) or "\0" in name or not _is_encodable(name):
        raise InputError(f"path must be a str or a pathlib.Path, without NUL or lone surrogates, got {path!r}")
    if is_url(name):
        raise InputError(
            f"{name!r} is a URL; only local files are opened. Download it and pass the file, or ask for it: "
            f"allow_urls=True, or --allow-urls on the command line."
        )
    if name.startswith("\\\\") or (os.name == "nt" and name.startswith("//")):  # Windows would connect and log in
        raise InputError(
            f"{name!r} names a server (UNC path); only local files are opened. Mount it, or copy the file."
        )
    return name


def _is_encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _open_regular(name: str, limits: Limits) -> FileIO:
    """The open file; checked before and after it is opened, since the name may lead elsewhere by then."""
    try:
        _check_regular(os.stat(name), name, limits)
        file = FileIO(name, "rb", opener=_open_at_once)
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"no such file: {name!r}") from error
    except OSError as error:
        raise UnreadableVideoError(f"{name!r} cannot be read: {error.strerror}") from error
    try:
        _check_regular(os.fstat(file.fileno()), name, limits)
    except BaseException:
        file.close()
        raise
    return file


def _open_at_once(name: str, flags: int) -> int:
    """Opening a pipe would wait for its writer."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _check_regular(found: os.stat_result, name: str, limits: Limits) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableVideoError(f"{name!r} is a directory; pass one video file")
    if not stat.S_ISREG(found.st_mode):  # reading a pipe or device could wait for ever
        raise UnreadableVideoError(f"{name!r} is not a regular file")
    if found.st_size > limits.max_bytes:
        raise too_large(name, f"has {found.st_size} bytes", limits=limits, name="max_bytes")


def _read_head(file: FileIO, name: str) -> bytes:
    """The first bytes; the file then stands at its start again."""
    try:
        head = file.read(_HEAD_BYTES)
        file.seek(0)
    except OSError as error:
        raise UnreadableVideoError(f"{name!r} cannot be read: {error.strerror}") from error
    return head or b""


def _has_sync_bytes(head: bytes, length: int, offset: int) -> bool:
    sync = head[offset : offset + 5 * length : length]
    return len(sync) >= 2 and set(sync) == {0x47}


def _is_playlist(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PLAYLISTS)


def _is_image_brand(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _IMAGE_BRANDS


def _is_text(head: bytes) -> bool:
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
