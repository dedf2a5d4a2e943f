"""Text with a time: what every source of speech or on-screen text is turned into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

TimedModality = Literal["ocr", "asr"]


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


@dataclass(frozen=True)
class ContextTrack:
    """All timed text of one modality, in time order, and where it came from."""

    modality: TimedModality
    lines: tuple[TimedText, ...]
    source: str
    """E.g. ``talk.srt``, ``embedded stream 2 (eng)``, ``rapidocr``."""
    warnings: tuple[tuple[str, str], ...] = field(default=())
    """(code, message) of everything that was repaired or left out."""
