"""What the model encodes jointly: a run of candidate frames and the text aligned with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clamr_select.errors import InputError


@dataclass(frozen=True)
class TextSegment:
    """One piece of text and the candidates of its document that it overlaps in time."""

    modality: str
    """``ocr``, ``asr`` or ``description``."""
    text: str
    first_candidate: int | None = None
    """Position in the document's frames, inclusive. None (with ``last_candidate``): text without a time,
    which contextualises and scores the document, never a frame."""
    last_candidate: int | None = None
    """Inclusive."""


SAMPLE_RATE = 16_000
"""Of a document's sound, in samples a second."""
MIN_SAMPLES = 640
"""40 ms, one sound token."""


@dataclass(frozen=True)
class DocumentAudio:
    """The sound of a document's time."""

    samples: np.ndarray
    """(num_samples,) float32 in -1..1, mono, 16 kHz."""
    candidate_starts_seconds: tuple[float, ...] = ()
    """For each candidate of the document, where its time begins, in seconds from the first sample; it ends where the
    next one's begins, the last one's with the sound. Empty in a document without frames."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32 or len(self.samples) < MIN_SAMPLES:
            raise InputError(
                f"audio is (num_samples,) float32 at 16 kHz with at least {MIN_SAMPLES} samples, "
                f"got {self.samples.dtype} of shape {self.samples.shape}"
            )
        if any(b < a for a, b in pairwise(self.candidate_starts_seconds)):
            raise InputError(f"candidate_starts_seconds must not fall, got {self.candidate_starts_seconds}")


@dataclass(frozen=True)
class Document:
    """A window of consecutive candidate frames with the text of that time and the metadata."""

    frames: Sequence[np.ndarray]
    """Candidates in time order: (height, width, 3) uint8 RGB each, all of one size."""
    texts: tuple[TextSegment, ...] = ()
    neighbors: Sequence[np.ndarray] | None = None
    """The frame that follows each candidate in the source, same sizes; None repeats the candidate in the
    backbone's two-frame patch."""
    audio: DocumentAudio | None = None
    """The sound, for a backbone that hears; None where there is none."""
    num_unseen_candidates: int = 0
    """In a document without frames, the candidates at whose times its texts stand: text that is encoded alone."""

    @property
    def num_candidates(self) -> int:
        return len(self.frames) or self.num_unseen_candidates

    def __post_init__(self) -> None:
        if self.num_unseen_candidates < 0 or (self.num_unseen_candidates and len(self.frames)):
            raise InputError(
                "num_unseen_candidates counts the candidates of a document without frames, "
                f"got {self.num_unseen_candidates} and {len(self.frames)} frames"
            )
        if not len(self.frames) and not self.texts and self.audio is None:
            raise InputError("a document needs at least one frame, one text or a sound, got none of them")
        if len({frame.shape for frame in self.frames}) > 1:
            raise InputError(f"frames of one document must share one size, got {[f.shape for f in self.frames]}")
        if self.neighbors is not None and len(self.neighbors) != len(self.frames):
            raise InputError(f"got {len(self.neighbors)} neighbors for {len(self.frames)} frames; one each, or None")
        if self.audio is not None and len(self.audio.candidate_starts_seconds) != len(self.frames):
            raise InputError(
                f"audio has {len(self.audio.candidate_starts_seconds)} candidate_starts_seconds for "
                f"{len(self.frames)} frames; one each"
            )
        for segment in self.texts:
            self._check_range(segment)

    def _check_range(self, segment: TextSegment) -> None:
        first, last = segment.first_candidate, segment.last_candidate
        if first is None and last is None:
            return
        if first is None or last is None or not 0 <= first <= last < self.num_candidates:
            raise InputError(
                f"{segment.modality} text {segment.text[:40]!r} covers candidates {first}..{last}; "
                f"allowed: 0 <= first <= last < {self.num_candidates}, or None for both"
            )
