"""Documents: windows of consecutive candidates with the text of their time and the metadata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.model.document import Document, DocumentAudio, TextSegment


def window_document(
    frames: Sequence[np.ndarray],
    *,
    words: dict[str, list[list[str]]],
    description: str | None,
    neighbors: Sequence[np.ndarray] | None = None,
    audio: DocumentAudio | None = None,
) -> Document:
    """The document of one window.

    Args:
        frames: of these candidates, (height, width, 3) uint8 RGB.
        words: modality to the lines of each candidate of the window, in time order.
        description: of the whole video; its tokens have no time.
        audio: the window's sound, for models that hear.
    """
    texts = [segment for modality, lines in words.items() for segment in text_segments(modality, lines)]
    if description:
        texts.append(TextSegment("description", description))
    return Document(frames=frames, texts=tuple(texts), neighbors=neighbors, audio=audio)


def text_segments(modality: str, lines_of_candidates: list[list[str]]) -> list[TextSegment]:
    """One modality's text in the order it is encoded; a line that runs on over consecutive candidates is one
    segment, encoded once."""
    segments: list[TextSegment] = []
    running: dict[str, int] = {}  # line to the first candidate it is on, as long as it lasts
    for candidate, lines in enumerate([*lines_of_candidates, []]):
        ended = [line for line in running if line not in lines]
        segments += [TextSegment(modality, line, running.pop(line), candidate - 1) for line in ended]
        for line in lines:
            running.setdefault(line, candidate)
    return sorted(segments, key=lambda segment: segment.first_candidate or 0)
