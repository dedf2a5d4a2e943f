"""A document cut into shorter ones, as a video is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clamr_select.model.document import Document


def cut_document(document: Document, *, window: int) -> Iterator[Document]:
    """Windows of ``window`` consecutive candidates; a text goes to every window it overlaps, one without a time
    to all."""
    for start in range(0, len(document.frames), window):
        stop = min(start + window, len(document.frames))
        texts = []
        for segment in document.texts:
            if segment.first_candidate is None or segment.last_candidate is None:
                texts.append(segment)
            elif segment.first_candidate < stop and segment.last_candidate >= start:
                first, last = max(segment.first_candidate, start), min(segment.last_candidate, stop - 1)
                texts.append(replace(segment, first_candidate=first - start, last_candidate=last - start))
        yield Document(frames=document.frames[start:stop], texts=tuple(texts))
