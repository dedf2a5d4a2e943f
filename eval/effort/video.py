"""A long needle video, every window of it encoded once, and the sparse passes over it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from clamr_select.eval.needle.long_video import LongVideo
from clamr_select.indexing.coarse_to_fine.effort import Effort, EffortPlan
from clamr_select.indexing.coarse_to_fine.parts import DenseWindow, Skim
from clamr_select.indexing.coarse_to_fine.skimmer import picture_documents
from clamr_select.indexing.indexer import WINDOWS_IN_FLIGHT
from clamr_select.indexing.options import DEFAULT_WINDOW_CANDIDATES
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate
from clamr_select.selection import VideoFacts

WINDOW = DEFAULT_WINDOW_CANDIDATES


@dataclass
class Cost:
    """Of encoding."""

    documents: int = 0
    frames: int = 0
    tokens: int = 0
    """That are kept: of pictures, texts and metadata."""
    cpu_seconds: float = 0.0

    def encode(self, documents: Sequence[Document], *, encoder: ClamrEncoder) -> list[TokenEmbeddings]:
        """Encode, and count it."""
        started = time.process_time()
        embedded, _ = encoder.encode_document(documents)
        self.cpu_seconds += time.process_time() - started
        self.documents += len(documents)
        self.frames += sum(len(document.frames) for document in documents)
        self.tokens += sum(len(tokens) for tokens in embedded)
        return embedded


@dataclass(frozen=True)
class EncodedVideo:
    """What is measured on."""

    windows: list[DenseWindow]
    full: Cost
    skims: dict[Effort, Skim]
    skim_costs: dict[Effort, Cost]


class EncodedWindows:
    """A ``WindowSource`` that encodes nothing any more: windows depend on nothing but the video."""

    def __init__(self, windows: Sequence[DenseWindow]) -> None:
        self._windows = windows

    def windows(self, numbers: Sequence[int]) -> Iterator[DenseWindow]:
        """The windows of these numbers."""
        yield from (self._windows[number] for number in numbers)

    def take_warnings(self) -> list[tuple[str, str]]:
        """None."""
        return []


@dataclass
class DrawnWindows:
    """A ``WindowSource`` that draws and encodes the windows it is asked for, as a file's are decoded and encoded."""

    video: LongVideo
    encoder: ClamrEncoder
    cost: Cost = field(default_factory=Cost)

    def windows(self, numbers: Sequence[int]) -> Iterator[DenseWindow]:
        """The windows of these numbers."""
        for start in range(0, len(numbers), WINDOWS_IN_FLIGHT):
            some = numbers[start : start + WINDOWS_IN_FLIGHT]
            documents = [_document(self.video, number) for number in some]
            embedded = self.cost.encode(documents, encoder=self.encoder)
            for number, document, tokens in zip(some, documents, embedded, strict=True):
                yield _window(number, document, tokens)

    def take_warnings(self) -> list[tuple[str, str]]:
        """None."""
        return []


def encode_video(video: LongVideo, *, encoder: ClamrEncoder, plans: Mapping[Effort, EffortPlan]) -> EncodedVideo:
    """Draw a video once and encode it whole, and as sparsely as each plan has it."""
    count = video.duration_seconds
    full, costs = Cost(), {effort: Cost() for effort in plans}
    num_windows = -(-count // WINDOW)
    seen = {effort: np.arange(0) if plan.covers(num_windows) else plan.skimmed(count) for effort, plan in plans.items()}
    sparse: dict[Effort, list[TokenEmbeddings]] = {effort: [] for effort in plans}
    pictures: dict[Effort, list[tuple[np.ndarray, np.ndarray | None]]] = {effort: [] for effort in plans}
    windows: list[DenseWindow] = []
    speech: list[list[str]] = []
    drawn = DrawnWindows(video, encoder, full)
    for start in range(0, num_windows, WINDOWS_IN_FLIGHT):
        for number in range(start, min(start + WINDOWS_IN_FLIGHT, num_windows)):
            document = _document(video, number)
            speech += lines_of(document, "asr")
            for effort, positions in seen.items():
                inside = positions[(positions >= number * WINDOW) & (positions < (number + 1) * WINDOW)]
                pictures[effort] += [_pair(document, at - number * WINDOW) for at in inside.tolist()]
        windows += drawn.windows(range(start, min(start + WINDOWS_IN_FLIGHT, num_windows)))
        for effort, waiting in pictures.items():
            last = start + WINDOWS_IN_FLIGHT >= num_windows
            ready = len(waiting) if last else len(waiting) // WINDOW * WINDOW
            if ready:
                documents = picture_documents(waiting[:ready], WINDOW)
                sparse[effort] += costs[effort].encode(documents, encoder=encoder)
            del waiting[:ready]
    screen = [lines for window in windows for lines in window.screen_words]
    skims = {
        effort: Skim(
            video_facts=VideoFacts(224, 126, count, 0.0, float(count), 1.0),
            frame_indices=np.arange(count),
            timestamps_seconds=np.arange(count, dtype=np.float64),
            window_candidates=WINDOW,
            words={"asr": speech},
            description=video.title,
            seen=positions,
            screen_words=[screen[at] for at in positions],
            tokens=concatenate(sparse[effort]) if sparse[effort] else None,
            tracks=(),
            method={"selector": "clamr", "model": encoder.name},
            warnings=(),
        )
        for effort, positions in seen.items()
    }
    return EncodedVideo(windows, full, skims, costs)


def lines_of(document: Document, modality: str) -> list[list[str]]:
    """The lines at each candidate of a document."""
    lines: list[list[str]] = [[] for _ in document.frames]
    for segment in document.texts:
        if segment.modality == modality and segment.first_candidate is not None and segment.last_candidate is not None:
            for at in range(segment.first_candidate, segment.last_candidate + 1):
                lines[at].append(segment.text)
    return lines


def _document(video: LongVideo, number: int) -> Document:
    first = number * WINDOW
    return video.document(first, min(first + WINDOW, video.duration_seconds) - 1)


def _pair(document: Document, position: int) -> tuple[np.ndarray, np.ndarray | None]:
    return document.frames[position], None if document.neighbors is None else document.neighbors[position]


def _window(number: int, document: Document, tokens: TokenEmbeddings) -> DenseWindow:
    candidates = tuple(range(number * WINDOW, number * WINDOW + len(document.frames)))
    return DenseWindow(number, candidates, lines_of(document, "ocr"), tokens)
