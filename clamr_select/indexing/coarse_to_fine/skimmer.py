"""The sparse pass over a video file: what is said, every few candidates' pictures, and the text on them."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

import numpy as np

from clamr_select.context.ocr_track import OcrTracker
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.context.timed_text import ContextTrack
from clamr_select.errors import InputError
from clamr_select.indexing.about import About, about_video
from clamr_select.indexing.alignment import words_by_candidate
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.coarse_to_fine.parts import Skim
from clamr_select.indexing.compact import compact_tokens
from clamr_select.indexing.frame_size import FrameSize
from clamr_select.indexing.indexer import AUDIO, WINDOWS_IN_FLIGHT
from clamr_select.indexing.method import index_method, video_facts
from clamr_select.indexing.opening import open_for_indexing
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.progress import Progress, Stopwatch
from clamr_select.indexing.screen_text import open_text_reader
from clamr_select.indexing.speech_source import speech_track
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate
from clamr_select.selection import SelectionWarning
from clamr_select.store import Store
from clamr_select.video.candidates import Candidates, sample_candidates
from clamr_select.video.reader import VideoReader
from clamr_select.video.stream import decode_candidates

logger = logging.getLogger(__name__)


def check_can_skim(encoder: ClamrEncoder, options: IndexOptions) -> None:
    """Raises InputError for what only a full index has."""
    if AUDIO in encoder.modalities and options.audio != "off":
        raise InputError(
            "effort other than 'full' does not hear, and this model does; give audio='off', or effort='full'"
        )
    if encoder.compat == "reference":
        raise InputError("compat='reference' is for comparison with published numbers; it takes effort='full'")


class Skimmer:
    """Skims one video; made anew for each.

    Raises:
        InputError: as :func:`check_can_skim`.
    """

    def __init__(self, encoder: ClamrEncoder, *, options: IndexOptions, plan: EffortPlan, progress: Progress) -> None:
        check_can_skim(encoder, options)
        self.encoder, self.options, self.plan, self.progress = encoder, options, plan, progress
        self.watch = Stopwatch()
        self.frame_size = FrameSize(encoder, reads_text=options.ocr != "off")

    def skim(self, video: str | Path, *, store: Store | None = None) -> Skim:
        """Raises: as :meth:`clamr_select.indexing.indexer.Indexer.index`."""
        with self.watch.stage("open"):
            reader = open_for_indexing(video, options=self.options)
        with reader:
            candidates = sample_candidates(
                reader.timestamps_seconds,
                candidate_fps=self.options.candidate_fps,
                max_candidates=self.options.max_candidates,
            )
            with self.watch.stage("subtitles" if self.options.asr == "off" else "asr"):
                speech = speech_track(reader.info, options=self.options, store=store, progress=self.progress)
            about = about_video(reader.info, options=self.options)
            return self._look(str(video), reader, candidates, speech=speech, about=about)

    def _look(
        self, video: str, reader: VideoReader, candidates: Candidates, *, speech: ContextTrack, about: About
    ) -> Skim:
        num_candidates = len(candidates.frame_indices)
        num_windows = -(-num_candidates // self.options.window_candidates)
        wanted = np.arange(0) if self.plan.covers(num_windows) else self.plan.skimmed(num_candidates)
        seen, screen_words, tokens, screen = self._pictures(reader, candidates, wanted)
        times = candidates.timestamps_seconds
        loaded = self.encoder.load_report
        assumed = () if loaded is None else loaded.warnings
        warnings = [*assumed, *reader.warnings, *candidates.warnings, *speech.warnings, *about.warnings]
        for code, message in warnings:
            logger.warning("%s: %s: %s", video, code, message)
        return Skim(
            video_facts=video_facts(reader.info),
            frame_indices=candidates.frame_indices,
            timestamps_seconds=times,
            window_candidates=self.options.window_candidates,
            words={"asr": words_by_candidate(speech.lines, timestamps_seconds=times), **about.words(times)},
            description=about.description,
            seen=seen,
            screen_words=screen_words,
            tokens=tokens,
            tracks=(speech,) if screen is None else (speech, screen),
            method=index_method(
                reader.info,
                encoder=self.encoder,
                options=self.options,
                num_candidates=num_candidates,
                speech=speech,
                about=about,
                ocr="off" if self.options.ocr == "off" else RapidOcr.name,
                audio="off",
            ),
            warnings=tuple(SelectionWarning(*warning) for warning in warnings),
            timings_seconds=dict(self.watch.seconds),
        )

    def _pictures(
        self, reader: VideoReader, candidates: Candidates, wanted: np.ndarray
    ) -> tuple[np.ndarray, list[list[str]], TokenEmbeddings | None, ContextTrack | None]:
        """Positions that could be decoded, the lines on each, their tokens, and the track of those lines."""
        if not len(wanted):
            return wanted, [], None, None
        position = {index: int(at) for at, index in zip(wanted, candidates.frame_indices[wanted].tolist(), strict=True)}
        sparse = Candidates(candidates.frame_indices[wanted], candidates.timestamps_seconds[wanted])
        decoded = decode_candidates(
            reader,
            sparse,
            max_side=self.frame_size.decode_side(reader.info),
            with_neighbors=self.options.pair == "neighbor",
        )
        seen: list[int] = []
        lines: list[list[str]] = []
        embedded: list[TokenEmbeddings] = []
        with ExitStack() as stack:
            stack.enter_context(closing(decoded))
            engine = stack.enter_context(open_text_reader()) if self.options.ocr != "off" else None
            tracker = None if engine is None else OcrTracker(engine)
            while chunk := list(islice(decoded, WINDOWS_IN_FLIGHT * self.options.window_candidates)):
                frames = [frame for frame, _ in chunk]
                if engine is not None and tracker is not None:
                    with self.watch.stage("ocr"):
                        engine.announce([frame.image for frame in frames])
                        lines += [list(tracker.add(frame.image, frame.timestamp_seconds)) for frame in frames]
                pictures = [
                    (self.frame_size.small(f.image), None if n is None else self.frame_size.small(n.image))
                    for f, n in chunk
                ]
                with self.watch.stage("encode"):
                    found, _ = self.encoder.encode_document(picture_documents(pictures, self.options.window_candidates))
                embedded += found
                seen += [position[frame.frame_index] for frame in frames]
                self.progress("skimming", len(seen), len(wanted))
            screen = None if tracker is None else tracker.finish()
        tokens = compact_tokens(
            concatenate(embedded), token_pooling=self.options.token_pooling, precision=self.options.precision
        )
        return np.array(seen), lines or [[] for _ in seen], tokens, screen


def picture_documents(pictures: list[tuple[np.ndarray, np.ndarray | None]], size: int) -> list[Document]:
    """Pictures alone, ``size`` to a document: words are compared as words, and cost nothing then.

    Args:
        pictures: each with the frame that follows it, or None.
    """
    documents = []
    for start in range(0, len(pictures), size):
        some = pictures[start : start + size]
        neighbors = [neighbor for _, neighbor in some if neighbor is not None]
        documents.append(Document([picture for picture, _ in some], (), neighbors or None))
    return documents
