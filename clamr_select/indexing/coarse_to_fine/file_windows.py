"""Dense windows of a video file: decoded, read and encoded when a question wants them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from clamr_select.context.ocr_read_ahead import OcrReadAhead
from clamr_select.context.ocr_track import OcrTracker
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.errors import UnreadableVideoError
from clamr_select.indexing.cached_indexer import FileState, file_state
from clamr_select.indexing.coarse_to_fine.parts import DenseWindow, Skim
from clamr_select.indexing.compact import compact_tokens
from clamr_select.indexing.frame_size import FrameSize
from clamr_select.indexing.indexer import WINDOWS_IN_FLIGHT
from clamr_select.indexing.opening import open_for_indexing
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.progress import Progress
from clamr_select.indexing.screen_text import load_engines
from clamr_select.indexing.windows import window_document
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.video.candidates import Candidates
from clamr_select.video.reader import DecodedFrame, VideoReader
from clamr_select.video.stream import decode_candidates


@dataclass(frozen=True)
class _Read:
    """A window before it is encoded."""

    number: int
    candidates: tuple[int, ...]
    screen_words: list[list[str]]
    document: Document | None
    warnings: tuple[tuple[str, str], ...]


class FileWindows:
    """A :class:`~clamr_select.indexing.coarse_to_fine.parts.WindowSource`.

    Args:
        state: of the file when it was skimmed.
    """

    def __init__(
        self,
        video: str | Path,
        *,
        skim: Skim,
        encoder: ClamrEncoder,
        options: IndexOptions,
        progress: Progress,
        state: FileState,
    ) -> None:
        self.video, self.skim, self.encoder, self.options = video, skim, encoder, options
        self.progress, self.state = progress, state
        self.frame_size = FrameSize(encoder, reads_text=options.ocr != "off")

    def windows(self, numbers: Sequence[int]) -> Iterator[DenseWindow]:
        """Raises:
        VideoError: the file is gone or not the one that was skimmed, or can no longer be read.
        OcrError: reading text failed.
        """
        if not numbers:
            return
        if file_state(self.video) != self.state:
            raise UnreadableVideoError(f"{os.fspath(self.video)!r} changed since it was skimmed; skim it again")
        with ExitStack() as stack:
            engines = load_engines() if self.options.ocr != "off" else []
            reader = stack.enter_context(open_for_indexing(self.video, options=self.options))
            for start in range(0, len(numbers), WINDOWS_IN_FLIGHT):
                some = numbers[start : start + WINDOWS_IN_FLIGHT]
                yield from self._encoded([self._read(reader, number, engines) for number in some])
                self.progress("looking closely", start + len(some), len(numbers))

    def take_warnings(self) -> list[tuple[str, str]]:
        """None: nothing is kept here."""
        return []

    def _read(self, reader: VideoReader, number: int, engines: Sequence[RapidOcr]) -> _Read:
        """Each window by itself: what was noticed and read must not depend on which others were wanted."""
        positions = self.skim.window(number)
        wanted = slice(positions.start, positions.stop)
        candidates = Candidates(self.skim.frame_indices[wanted], self.skim.timestamps_seconds[wanted])
        noted = len(reader.warnings)
        pairs = list(
            decode_candidates(
                reader,
                candidates,
                max_side=self.frame_size.decode_side(reader.info),
                with_neighbors=self.options.pair == "neighbor",
                allow_none=True,
            )
        )
        warnings = tuple(reader.warnings[noted:])
        if not pairs:
            return _Read(number, (), [], None, warnings)
        position = {index: at for at, index in zip(positions, candidates.frame_indices.tolist(), strict=True)}
        decoded = tuple(position[frame.frame_index] for frame, _ in pairs)
        screen_words = _lines([frame for frame, _ in pairs], engines)
        known = {name: [lines[at] for at in decoded] for name, lines in self.skim.words.items()}
        document = window_document(
            [self.frame_size.small(frame.image) for frame, _ in pairs],
            words={"ocr": screen_words, **known},
            description=self.skim.description,
            neighbors=[self.frame_size.small(n.image) for _, n in pairs if n is not None] or None,
        )
        return _Read(number, decoded, screen_words, document, warnings)

    def _encoded(self, read: Sequence[_Read]) -> Iterator[DenseWindow]:
        documents = [one.document for one in read if one.document is not None]
        embedded, truncations = self.encoder.encode_document(documents) if documents else ([], [])
        item = -1
        for one in read:
            if one.document is None:
                yield DenseWindow(one.number, (), [], None, warnings=one.warnings)
                continue
            item += 1
            tokens = compact_tokens(
                embedded[item], token_pooling=self.options.token_pooling, precision=self.options.precision
            )
            cut = {t.modality: t.num_tokens_cut for t in truncations if t.item == item}
            yield DenseWindow(one.number, one.candidates, one.screen_words, tokens, cut, one.warnings)


def _lines(frames: Sequence[DecodedFrame], engines: Sequence[RapidOcr]) -> list[list[str]]:
    """The lines on each frame, read afresh."""
    if not engines:
        return [[] for _ in frames]
    with OcrReadAhead(engines) as ahead:
        tracker = OcrTracker(ahead)
        ahead.announce([frame.image for frame in frames])
        return [list(tracker.add(frame.image, frame.timestamp_seconds)) for frame in frames]
