"""Subtitle files: any of the usual formats in, one track of timed text out."""

from __future__ import annotations

import codecs
import logging
import math
from pathlib import Path

from clamr_select.context.ass import is_ass, read_ass
from clamr_select.context.cues import ParsedCues, tidy_cues
from clamr_select.context.srt import has_srt_timing, read_srt
from clamr_select.context.subtitle_json import read_subtitle_json
from clamr_select.context.timed_text import ContextTrack
from clamr_select.context.vtt import is_vtt, read_vtt
from clamr_select.errors import InputError, SubtitlesError

logger = logging.getLogger(__name__)

MAX_SUBTITLE_BYTES = 16 * 2**20
"""A day of speech with a time for every word is about half of this."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # before UTF-16: its little-endian mark is how UTF-32's begins
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def load_subtitles(
    path: str | Path,
    *,
    duration_seconds: float | None = None,
    starting_timestamp_for_subtitles: float = 0.0,
    start_seconds: float = 0.0,
) -> ContextTrack:
    """Read a subtitle file as timed text of the modality ``asr``.

    The content tells the format, not the name: SubRip, WebVTT (YouTube's automatic captions included), ASS
    and SSA, and JSON as LongVideoBench and Whisper write it. Bytes are UTF-8 or what their byte order mark
    says; anything else is read as Windows-1252, with a warning. Times in a subtitle file count from the
    start of playback.

    Args:
        path: The file, at most 16 MiB.
        duration_seconds: Length of the video. Cues without an end last until then, cues that lie outside
            the video are dropped.
        starting_timestamp_for_subtitles: Where in the subtitles the video starts, in seconds; subtracted.
            LongVideoBench gives it for videos that are cut from longer ones.
        start_seconds: Timestamp of the video's first frame (``VideoInfo.start_seconds``); added, so that
            the result is on the container's clock.

    Returns:
        Lines in time order, one a cue, never cut; ``warnings`` counts every repaired and dropped cue.

    Raises:
        SubtitlesError: no such file, not readable, no known format, or without a usable cue.
        InputError: a number that is not finite, or a negative duration.
    """
    _check_seconds(duration_seconds, starting_timestamp_for_subtitles, start_seconds)
    path = Path(path)
    text, warnings = _decode(_read_bytes(path), path)
    parsed = _parse(text, path)
    lines, repairs = tidy_cues(
        parsed,
        duration_seconds=duration_seconds,
        offset_seconds=starting_timestamp_for_subtitles,
        start_seconds=start_seconds,
    )
    if not lines:
        raise SubtitlesError(_no_cue_message(path, repairs))
    return ContextTrack(modality="asr", lines=lines, source=path.name, warnings=(*warnings, *repairs))


def is_subtitle_json(path: Path) -> bool:
    """Whether a ``.json`` file holds subtitles rather than something else about the video."""
    try:
        text, _ = _decode(_read_bytes(path), path)
        return read_subtitle_json(text) is not None
    except ValueError as error:  # SubtitlesError is one
        logger.info("%s is not taken for subtitles: %s", path, error)
        return False


def _check_seconds(duration_seconds: float | None, offset_seconds: float, start_seconds: float) -> None:
    if duration_seconds is not None and not (math.isfinite(duration_seconds) and duration_seconds >= 0):
        raise InputError(f"duration_seconds must be a finite number >= 0 or None, got {duration_seconds!r}")
    numbers = {"starting_timestamp_for_subtitles": offset_seconds, "start_seconds": start_seconds}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise InputError(f"{name} must be a finite number of seconds, got {value!r}")


def _read_bytes(path: Path) -> bytes:
    try:
        # a named pipe would block, so only files are opened
        if not path.is_file():
            raise SubtitlesError(f"subtitles {path}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            data = file.read(MAX_SUBTITLE_BYTES + 1)
    except OSError as error:
        raise SubtitlesError(f"subtitles {path} cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_SUBTITLE_BYTES:
        raise SubtitlesError(f"subtitles {path} are larger than {MAX_SUBTITLE_BYTES} bytes; is it a subtitle file?")
    return data


def _decode(data: bytes, path: Path) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with ``\\n`` line ends, and a warning where the encoding is a guess."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    warnings: tuple[tuple[str, str], ...] = ()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise SubtitlesError(f"subtitles {path} are marked as {encoding} and are not") from error
        text = _decode_windows_1252(data, path)
        message = f"{path.name} is not UTF-8 and was read as Windows-1252; accented letters may be wrong"
        warnings = (("subtitles_encoding_guessed", message),)
    return text.replace("\r\n", "\n").replace("\r", "\n"), warnings


def _decode_windows_1252(data: bytes, path: Path) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise SubtitlesError(
            f"subtitles {path} are neither UTF-8, UTF-16 with a byte order mark, nor Windows-1252; save them as UTF-8"
        ) from error


def _parse(text: str, path: Path) -> ParsedCues:
    text = text.lstrip()
    if not text:
        raise SubtitlesError(f"subtitles {path} are empty")
    if is_vtt(text):
        try:
            return read_vtt(text)
        except ValueError as error:
            raise SubtitlesError(f"subtitles {path} are malformed WebVTT: {error}") from error
    if is_ass(text):
        return read_ass(text)
    if text[0] in "[{":
        parsed = _parse_json(text, path)
        if parsed is not None:
            return parsed
    if has_srt_timing(text):
        return read_srt(text)
    raise SubtitlesError(
        f"subtitles {path} are in no known format; known: SubRip, WebVTT, ASS/SSA, JSON of LongVideoBench or Whisper"
    )


def _parse_json(text: str, path: Path) -> ParsedCues | None:
    try:
        return read_subtitle_json(text)
    except ValueError as error:
        # SubRip may start with "[Music]"
        if has_srt_timing(text):
            return None
        raise SubtitlesError(f"subtitles {path} start like JSON and are not: {error}") from error


def _no_cue_message(path: Path, repairs: tuple[tuple[str, str], ...]) -> str:
    reasons = "; ".join(message for _, message in repairs)
    return f"subtitles {path} hold no usable cue" + (f": {reasons}" if reasons else "")
