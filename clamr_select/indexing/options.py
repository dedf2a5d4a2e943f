"""How a video is indexed. Everything here decides which embeddings come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.policies.parameters import number, whole_number
from clamr_select.scoring.codes import Precision
from clamr_select.video import Backend
from clamr_select.video.candidates import DEFAULT_MAX_CANDIDATES

Pairing = Literal["repeat", "neighbor"]
AudioChoice = Literal["auto", "off"]
OcrChoice = Literal["auto", "rapidocr", "off"]
AsrChoice = Literal["off", "auto", "transformers", "faster-whisper", "pocketsphinx"]
ChapterChoice = Literal["auto", "off"]

DEFAULT_WINDOW_CANDIDATES = 4
"""Candidates encoded jointly; measured in docs/log.md."""


@dataclass(frozen=True)
class IndexOptions:
    """Checked on construction.

    Raises:
        UnknownNameError: a name outside its list.
        InputError: a number out of range, or a value of another kind.
    """

    candidate_fps: float = 1.0
    max_candidates: int = DEFAULT_MAX_CANDIDATES
    window_candidates: int = DEFAULT_WINDOW_CANDIDATES
    """Consecutive candidates in one document; a model with ``compat="reference"`` takes 1."""
    pair: Pairing = "repeat"
    """What the second half of the backbone's two-frame patch holds: the candidate again, or the frame that
    follows it in the source."""
    backend: Backend = "pyav"
    subtitles: str | Path | None = "auto"
    """``auto``: a file beside the video, else a text stream inside it; a path; or None for none."""
    audio: AudioChoice = "auto"
    """``auto``: the sound itself, where the model hears (Omni); others never open it."""
    ocr: OcrChoice = "auto"
    """What reads the text on screen; ``auto`` is RapidOCR."""
    asr: AsrChoice = "off"
    """Speech recognition. ``auto`` hears videos without subtitles, by what is on this machine; an engine that is named
    hears every video. See docs/context.md."""
    asr_model: str | None = None
    """A size of Whisper (``tiny`` … ``turbo``), a hub id or a directory; None leaves it to the engine."""
    asr_language: str | None = None
    """ISO 639-1 code of what is spoken; None has it detected."""
    title: str | None = None
    """Instead of the one in ``.info.json`` beside the video, or in the container; ``""`` for none."""
    description: str | None = None
    """As ``title``; ``""`` also leaves out channel and tags."""
    chapters: ChapterChoice = "auto"
    """``auto``: the titles of the chapters in ``.info.json``, else in the container, each where its chapter starts."""
    token_pooling: int = 1
    """Divides the video tokens of a frame: those that are alike become one (docs/store.md)."""
    precision: Precision = "as_encoded"
    """What embeddings are kept and scored as: ``bfloat16``, ``int8`` or ``int4`` take less room (docs/store.md)."""
    limits: Limits = DEFAULT_LIMITS
    """What the file may be at most."""
    isolate: bool = False
    """Decode in worker processes, so that a decoder that crashes or hangs is a ``DecoderCrashedError``."""

    def __post_init__(self) -> None:
        for kind, value, allowed in (
            ("backend", self.backend, get_args(Backend)),
            ("pair", self.pair, get_args(Pairing)),
            ("audio", self.audio, get_args(AudioChoice)),
            ("ocr", self.ocr, get_args(OcrChoice)),
            ("asr", self.asr, get_args(AsrChoice)),
            ("chapters", self.chapters, get_args(ChapterChoice)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in allowed:
                raise unknown_name(kind, value, allowed)
        for name, types, told in (
            ("subtitles", str | Path | None, "a path, 'auto' or None"),
            ("title", str | None, "text or None"),
            ("description", str | None, "text or None"),
            ("limits", Limits, "clamr_select.limits.Limits(max_bytes=…)"),
            ("isolate", bool, "True or False"),
        ):
            if not isinstance(getattr(self, name), types):
                raise InputError(f"{name} must be {told}, got {getattr(self, name)!r}")
        self._check_speech()
        if number("candidate_fps", self.candidate_fps) <= 0:
            raise InputError(f"candidate_fps must be a positive number, got {self.candidate_fps}")
        # plain numbers of Python, which go into keys and JSON
        object.__setattr__(self, "candidate_fps", float(self.candidate_fps))
        for name in ("max_candidates", "window_candidates", "token_pooling"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), low=1))

    def _check_speech(self) -> None:
        for name in ("asr_model", "asr_language"):
            if self.asr == "off" and getattr(self, name) is not None:
                raise InputError(f"{name}={getattr(self, name)!r} has no effect with asr='off'; give asr too")
        if self.asr not in ("off", "auto") and self.subtitles not in ("auto", None):
            raise InputError(
                f"asr={self.asr!r} and subtitles={str(self.subtitles)!r} both say what is spoken; give one of them"
            )
