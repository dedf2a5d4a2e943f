"""Text subtitles that are inside the video file."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.container import open_container
from clamr_select.context.ass import plain_ass_text
from clamr_select.context.cues import Cue, ParsedCues, tidy_cues
from clamr_select.context.timed_text import ContextTrack
from clamr_select.errors import InputError, SubtitlesError
from clamr_select.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.subtitles.stream import SubtitleStream

_PLAIN_CODECS = ("subrip", "srt", "webvtt", "text")
_ASS_CODECS = ("ass", "ssa")
_TEXT_CODECS = (*_PLAIN_CODECS, *_ASS_CODECS, "mov_text")
# "ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text", as Matroska stores an ASS event
_ASS_FIELDS_BEFORE_TEXT = 8


def embedded_subtitles(
    video_path: str | Path,
    *,
    stream_index: int | None = None,
    language: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> ContextTrack | None:
    """Read one embedded subtitle stream as timed text of the modality ``asr``, on the container's clock.

    Text streams are read (``mov_text``, SubRip, ASS, WebVTT). Images of text (DVD, Blu-ray, DVB) and other
    formats are not; a file that has only those gives a track without lines, and a warning.

    Args:
        video_path: A local video.
        stream_index: Index of the stream in the container; None takes the text stream that is marked as
            default, else the first.
        limits: What the file may be at most.
        language: Only streams tagged so (``eng``; ISO 639-2, as containers write it), any case.

    Returns:
        The track, or None where the container has no subtitle stream at all.

    Raises:
        SubtitlesError: ``stream_index`` or ``language`` names no text stream of this file.
        InputError: both are given.
        VideoError: the file cannot be opened; see :func:`clamr_select.container.open_container`.
    """
    if stream_index is not None and language is not None:
        raise InputError("give stream_index or language, not both")
    with open_container(video_path, limits=limits) as container:
        streams = tuple(container.streams.subtitles)
        if not streams and stream_index is None and language is None:
            return None
        stream = _choose(streams, stream_index, language, video_path)
        if stream is None:
            message = f"no subtitles were read: {_names(streams)} hold images, or no text format that is read"
            return ContextTrack("asr", (), "embedded", warnings=(("subtitles_not_text", message),))
        source = f"embedded stream {_name(stream)}"
        parsed, warnings = _read(container, stream, source)
    lines, repairs = tidy_cues(parsed)
    if not lines:
        warnings = (*warnings, ("subtitles_no_cues", f"{source} holds no text"))
    return ContextTrack("asr", lines, source, warnings=(*warnings, *repairs))


def _choose(
    streams: tuple[SubtitleStream, ...], stream_index: int | None, language: str | None, path: str | Path
) -> SubtitleStream | None:
    from av.stream import Disposition

    text_streams = [stream for stream in streams if _is_text(stream)]
    if stream_index is not None:
        wanted, what = [s for s in text_streams if s.index == stream_index], f"with index {stream_index}"
    elif language is not None:
        wanted = [s for s in text_streams if (s.language or "").lower() == language.lower()]
        what = f"in language {language!r}"
    else:
        wanted, what = text_streams, ""
    if what and not wanted:
        there = _names(streams) or "none"
        raise SubtitlesError(f"{path} has no text subtitle stream {what}; its subtitle streams: {there}")
    defaults = [stream for stream in wanted if stream.disposition & Disposition.default]
    return next(iter(defaults or wanted), None)


def _is_text(stream: SubtitleStream) -> bool:
    # a stream whose codec FFmpeg cannot decode has no context
    context = stream.codec_context
    return context is not None and context.name in _TEXT_CODECS


def _names(streams: tuple[SubtitleStream, ...]) -> str:
    return ", ".join(_name(stream) for stream in streams)


def _name(stream: SubtitleStream) -> str:
    language = stream.language
    return f"{stream.index} ({language})" if language and language != "und" else str(stream.index)


def _read(
    container: InputContainer, stream: SubtitleStream, source: str
) -> tuple[ParsedCues, tuple[tuple[str, str], ...]]:
    from av.error import FFmpegError

    _skip_other_streams(container, stream)
    codec = stream.codec_context.name
    cues: list[Cue] = []
    num_unreadable = 0
    warnings: tuple[tuple[str, str], ...] = ()
    try:
        for packet in container.demux(stream):
            # MP4 fills the time between two cues with texts of the length 0
            if packet.size <= (2 if codec == "mov_text" else 0):
                continue
            try:
                cues.append(_cue(packet, codec))
            except ValueError:
                num_unreadable += 1
    except FFmpegError as error:
        last = f"after {cues[-1].start_seconds:.1f} s" if cues else "before its first cue"
        warnings = (("subtitles_incomplete", f"{source} cannot be read {last}: {error.strerror}"),)
    return ParsedCues(tuple(cues), num_unreadable), warnings


def _skip_other_streams(container: InputContainer, stream: SubtitleStream) -> None:
    """Spare the demuxer the video's bytes: in an indexed file it then reads only what holds subtitles."""
    for other in container.streams:
        # older PyAV cannot say it; there the whole file is read
        if other.index != stream.index and hasattr(other, "discard"):
            other.discard = type(other.discard).all


def _cue(packet: Packet, codec: str) -> Cue:
    if packet.pts is None:
        raise ValueError("a cue without a time")
    end = float((packet.pts + packet.duration) * packet.time_base) if packet.duration else None
    return Cue(float(packet.pts * packet.time_base), end, _text(bytes(packet), codec))


def _text(payload: bytes, codec: str) -> str:
    """The text of a packet. Not decoded by FFmpeg, which takes ``{words}`` and ``\\N`` in plain text for markup."""
    if codec == "mov_text":
        # a length, the text, then boxes with its style (3GPP TS 26.245)
        data = payload[2 : 2 + int.from_bytes(payload[:2], "big")]
        return data.decode("utf-16" if data.startswith((BOM_UTF16_BE, BOM_UTF16_LE)) else "utf-8")
    text = payload.decode("utf-8")
    return plain_ass_text(text.split(",", _ASS_FIELDS_BEFORE_TEXT)[-1]) if codec in _ASS_CODECS else text
