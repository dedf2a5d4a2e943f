"""Cues as subtitle files hold them, and the repairs that turn them into timed text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from clamr_select.context.plain_text import plain_lines
from clamr_select.context.timed_text import TimedText

# Rolling captions follow each other without a gap; a real repetition after a pause is kept.
_ROLLING_GAP_SECONDS = 0.1
# CEA-608 scrolls two to four rows; the bound keeps the search cheap on a hostile file.
_MAX_ROLLING_LINES = 8


@dataclass(frozen=True)
class Cue:
    """One entry of a subtitle file."""

    start_seconds: float
    end_seconds: float | None
    """None: the file leaves the end open."""
    text: str
    """As in the file, with markup; lines separated by ``\\n``."""


@dataclass(frozen=True)
class ParsedCues:
    """What a reader found in a subtitle file, in file order."""

    cues: tuple[Cue, ...]
    num_unreadable: int = 0
    """Entries whose time or text cannot be read."""


@dataclass(frozen=True)
class _Line:
    start_seconds: float
    end_seconds: float | None
    lines: tuple[str, ...]


@dataclass
class _Repairs:
    """How many cues were repaired or dropped, by code and reason, in order of first appearance."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def count(self, code: str, reason: str, number: int = 1) -> None:
        if number:
            self.counts[code, reason] = self.counts.get((code, reason), 0) + number

    def warnings(self) -> tuple[tuple[str, str], ...]:
        return tuple((code, f"{reason}: {number}") for (code, reason), number in self.counts.items())


def tidy_cues(
    parsed: ParsedCues,
    *,
    duration_seconds: float | None = None,
    offset_seconds: float = 0.0,
    start_seconds: float = 0.0,
) -> tuple[tuple[TimedText, ...], tuple[tuple[str, str], ...]]:
    """Plain lines in time order, and a (code, message) for everything that was repaired or dropped.

    Args:
        parsed: Cues of one file.
        duration_seconds: Length of the video: ends open cues, and cues outside 0..duration are dropped.
        offset_seconds: Subtracted from the cues' times, before the check against the duration.
        start_seconds: Timestamp of the first frame; added at the end.
    """
    repairs = _Repairs()
    repairs.count("subtitles_unreadable_cues", "cues dropped for an unreadable time or text", parsed.num_unreadable)
    lines = sorted(_readable(parsed.cues, offset_seconds, repairs), key=_time_order)
    lines = [line for line in lines if _is_inside_video(line, duration_seconds, repairs)]
    closed = _close_open_ends(lines, duration_seconds, repairs)
    timed = tuple(
        TimedText(
            start_seconds=line.start_seconds + start_seconds,
            end_seconds=end + start_seconds,
            text=" ".join(line.lines),
        )
        for line, end in _without_rolling_repetition(closed, repairs)
    )
    return timed, repairs.warnings()


def _readable(cues: Iterable[Cue], offset_seconds: float, repairs: _Repairs) -> Iterator[_Line]:
    for cue in cues:
        start = cue.start_seconds - offset_seconds
        end = None if cue.end_seconds is None else cue.end_seconds - offset_seconds
        lines = plain_lines(cue.text)
        if not lines:
            repairs.count("subtitles_empty_cues", "cues dropped for holding no text")
        elif end is not None and end < start:
            repairs.count("subtitles_inverted_cues", "cues dropped for ending before they start")
        else:
            yield _Line(start, end, lines)


def _time_order(line: _Line) -> tuple[float, float]:
    return line.start_seconds, math.inf if line.end_seconds is None else line.end_seconds


def _is_inside_video(line: _Line, duration_seconds: float | None, repairs: _Repairs) -> bool:
    before = line.end_seconds is not None and line.end_seconds < 0
    after = duration_seconds is not None and line.start_seconds > duration_seconds
    if before or after:
        repairs.count("subtitles_outside_video", "cues dropped for lying outside the video")
    return not (before or after)


def _close_open_ends(
    lines: list[_Line], duration_seconds: float | None, repairs: _Repairs
) -> list[tuple[_Line, float]]:
    """An open cue ends with the video or, where its length is unknown, when the next cue starts."""
    closed: list[tuple[_Line, float]] = []
    for position, line in enumerate(lines):
        end = line.end_seconds
        if end is None:
            following = lines[position + 1].start_seconds if position + 1 < len(lines) else line.start_seconds
            end = following if duration_seconds is None else duration_seconds
            repairs.count("subtitles_open_cues", "cues without an end, closed by the video's end or the next cue")
        closed.append((line, end))
    return closed


def _without_rolling_repetition(lines: Iterable[tuple[_Line, float]], repairs: _Repairs) -> list[tuple[_Line, float]]:
    """Each line of rolling captions once, when it is first shown.

    Live captions scroll: a cue repeats the last line(s) of the one before it and adds a new one. The
    repeated leading lines are removed; a cue that only repeats extends the one before it.
    """
    kept: list[tuple[_Line, float]] = []
    shown: tuple[str, ...] = ()
    shown_until = -math.inf
    for line, end in lines:
        follows = line.start_seconds <= shown_until + _ROLLING_GAP_SECONDS
        repeated = _overlap(shown, line.lines) if follows else 0
        repairs.count("subtitles_rolling_lines", "rolling lines removed, repeated from the cue before", repeated)
        if repeated == len(line.lines):
            last, last_end = kept[-1]
            kept[-1] = (last, max(last_end, end))
            shown_until = max(shown_until, end)
        else:
            kept.append((replace(line, lines=line.lines[repeated:]), end))
            shown_until = end  # not of another line: a sign may stay for the whole film
        shown = line.lines
    return kept


def _overlap(before: tuple[str, ...], after: tuple[str, ...]) -> int:
    """How many of the first lines of ``after`` are the last lines of ``before``."""
    if before == after:
        return len(after)
    for length in range(min(len(before), len(after), _MAX_ROLLING_LINES), 0, -1):
        if before[-length:] == after[:length]:
            return length
    return 0
