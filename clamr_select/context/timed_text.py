"""Text with a time: what every source of speech or on-screen text is turned into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

TimedModality = Literal["ocr", "asr"]
Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
"""(x, y) of the top left, top right, bottom right and bottom left of a line, as the text is read."""


@dataclass(frozen=True)
class TimedWord:
    """One spoken word."""

    start_seconds: float
    end_seconds: float
    text: str
    """With the space before it where the language writes one: a line is its words joined."""
    confidence: float | None = None
    """0..1 as the recogniser says, None where it does not."""


@dataclass(frozen=True)
class TimedText:
    """One line of text and when it is heard or seen."""

    start_seconds: float
    end_seconds: float
    """On the container's clock, like frame timestamps. Never before ``start_seconds``."""
    text: str
    """One line, markup removed, white space folded; never empty."""
    confidence: float | None = None
    """0..1 as the recogniser says, None where the text was given."""
    words: tuple[TimedWord, ...] = ()
    """When each word is spoken; empty where only the line has a time."""
    box: Corners | None = None
    """Where on screen the line was read, as fractions of the frame's width and height; None for speech."""


@dataclass(frozen=True)
class ContextTrack:
    """All timed text of one modality, in time order, and where it came from."""

    modality: TimedModality
    lines: tuple[TimedText, ...]
    source: str
    """E.g. ``talk.srt``, ``embedded stream 2 (eng)``, ``rapidocr``."""
    warnings: tuple[tuple[str, str], ...] = field(default=())
    """(code, message) of everything that was repaired or left out."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of what is spoken, the most frequent first, as far as they are known."""
