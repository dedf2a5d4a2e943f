"""What a speech recogniser promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clamr_select.context.timed_text import TimedWord

SAMPLE_RATE = 16_000
"""Of all sound that is recognised, in samples a second."""
MAX_STRETCH_SECONDS = 28.0
"""Whisper hears 30 s at once."""


@dataclass(frozen=True)
class Heard:
    """What was said in a stretch of sound."""

    words: tuple[TimedWord, ...]
    """Times in seconds from the stretch's first sample, within it, in order."""
    language: str | None = None
    """ISO 639-1, as detected or as told; None where the recogniser does not know."""


class SpeechRecognizer(Protocol):
    """Turns stretches of sound into words with times."""

    source: str
    """Engine, version and model, e.g. ``pocketsphinx 5.1.1 (en-us)``: becomes the source of the track."""
    identity: str
    """All that decides what is heard: with the same identity the same sound gives the same words."""
    batch_size: int
    """Stretches to hand over at once; what is heard does not depend on it."""
    warnings: tuple[tuple[str, str], ...]
    """(code, message) of what its user should know."""

    def hear(self, stretches: Sequence[np.ndarray]) -> list[Heard]:
        """One for each stretch.

        Args:
            stretches: (num_samples,) float32 in -1..1 each, mono, 16 kHz, at most 28 s.

        Raises:
            SpeechError: the engine failed.
        """
        ...
