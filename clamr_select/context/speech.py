"""The place of speech recognition: anything that turns a video's sound into timed text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from clamr_select.context.timed_text import ContextTrack


class SpeechRecognizer(Protocol):
    """Hears a video; its track is of the same kind as a subtitle file's."""

    def transcribe(self, video_path: str | Path, *, progress: Callable[[float], None] | None = None) -> ContextTrack:
        """Spoken words as a track of the modality ``asr``, times on the container's clock.

        Args:
            video_path: The video; its sound is decoded by the recogniser.
            progress: Called with the fraction done, 0..1.
        """
        ...
