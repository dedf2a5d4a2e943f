"""How a video is indexed. Everything here decides which embeddings come out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video import Backend
from clamr_select.video.candidates import DEFAULT_MAX_CANDIDATES

Pairing = Literal["repeat", "neighbor"]
AudioChoice = Literal["auto", "off"]
OcrChoice = Literal["auto", "off"]
AsrChoice = Literal["off"]

DEFAULT_WINDOW_CANDIDATES = 4
"""Candidates encoded jointly; measured in docs/log.md."""


@dataclass(frozen=True)
class IndexOptions:
    """Checked on construction.

    Raises:
        UnknownNameError: a name outside its list.
        InputError: a number out of range.
    """

    candidate_fps: float = 1.0
    max_candidates: int = DEFAULT_MAX_CANDIDATES
    window_candidates: int = DEFAULT_WINDOW_CANDIDATES
    """Consecutive candidates in one document."""
    pair: Pairing = "repeat"
    """What the second half of the backbone's two-frame patch holds: the candidate again, or the frame that
    follows it in the source."""
    backend: Backend = "pyav"
    subtitles: str | Path | None = "auto"
    """``auto``: a file beside the video, else a text stream inside it; a path; or None for none."""
    audio: AudioChoice = "auto"
    """``auto``: the sound itself, where the model hears (Omni); others never open it."""
    ocr: OcrChoice = "auto"
    """``auto`` reads the text on screen with RapidOCR."""
    asr: AsrChoice = "off"
    """Speech recognition; speech comes from subtitles until then."""
    title: str | None = None
    description: str | None = None
    limits: Limits = DEFAULT_LIMITS
    """What the file may be at most."""

    def __post_init__(self) -> None:
        for kind, value, allowed in (
            ("backend", self.backend, get_args(Backend)),
            ("pair", self.pair, get_args(Pairing)),
            ("audio", self.audio, get_args(AudioChoice)),
            ("ocr", self.ocr, get_args(OcrChoice)),
            ("asr", self.asr, get_args(AsrChoice)),
        ):
            if value not in allowed:
                raise unknown_name(kind, value, allowed)
        if not (math.isfinite(self.candidate_fps) and self.candidate_fps > 0):
            raise InputError(f"candidate_fps must be a positive number, got {self.candidate_fps}")
        for name in ("max_candidates", "window_candidates"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
