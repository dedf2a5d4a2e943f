"""What the model encodes jointly: a run of candidate frames and the text aligned with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Document:
    """A window of consecutive candidate frames with the text of that time and the metadata."""

    frames: Sequence[np.ndarray]
    """Candidates in time order: (height, width, 3) uint8 RGB each, all of one size."""
    texts: tuple[TextSegment, ...] = ()
    neighbors: Sequence[np.ndarray] | None = None
    """The frame that follows each candidate in the source, same sizes; None repeats the candidate in the
    backbone's two-frame patch."""

    def __post_init__(self) -> None:
        if not len(self.frames) and not self.texts:
            raise InputError("a document needs at least one frame or one text, got neither")
        if len({frame.shape for frame in self.frames}) > 1:
            raise InputError(f"frames of one document must share one size, got {[f.shape for f in self.frames]}")
        if self.neighbors is not None and len(self.neighbors) != len(self.frames):
            raise InputError(f"got {len(self.neighbors)} neighbors for {len(self.frames)} frames; one each, or None")
        for segment in self.texts:
            self._check_range(segment)

    def _check_range(self, segment: TextSegment) -> None:
        first, last = segment.first_candidate, segment.last_candidate
        if first is None and last is None:
            return
        if first is None or last is None or not 0 <= first <= last < len(self.frames):
            raise InputError(
                f"{segment.modality} text {segment.text[:40]!r} covers candidates {first}..{last}; "
                f"allowed: 0 <= first <= last < {len(self.frames)}, or None for both"
            )
