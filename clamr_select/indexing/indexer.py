"""Index a video: decode once, read the text on screen, encode window by window. Streamed throughout:
memory holds a few windows of small frames and the embeddings, whatever the length of the video."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from clamr_select.context.ocr_read_ahead import OcrReadAhead
from clamr_select.context.ocr_track import OcrTracker
from clamr_select.context.timed_text import ContextTrack
from clamr_select.indexing.about import About, about_video
from clamr_select.indexing.alignment import lost_words, words_by_candidate
from clamr_select.indexing.compact import compact_tokens
from clamr_select.indexing.frame_size import FrameSize
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.method import index_method, video_facts
from clamr_select.indexing.opening import open_for_indexing
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.progress import Progress, Stopwatch
from clamr_select.indexing.screen_text import open_text_reader
from clamr_select.indexing.sound import WindowSound
from clamr_select.indexing.speech_source import speech_track
from clamr_select.indexing.windows import window_document
from clamr_select.model.document import DocumentAudio
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate
from clamr_select.selection import SelectionWarning
from clamr_select.store import Store
from clamr_select.video.candidates import Candidates, sample_candidates
from clamr_select.video.reader import DecodedFrame, VideoInfo, VideoReader
from clamr_select.video.stream import decode_candidates

logger = logging.getLogger(__name__)

WINDOWS_IN_FLIGHT = 16
"""Windows decoded, read and encoded in one go."""
AUDIO = "audio"
Pair = tuple[DecodedFrame, DecodedFrame | None]
"""A candidate, and the frame that follows it where that is wanted."""


@dataclass
class _Read:
    """What the pass over the frames gives."""

    frame_indices: list[int] = field(default_factory=list)
    timestamps_seconds: list[float] = field(default_factory=list)
    words: dict[str, list[list[str]]] = field(default_factory=dict)
    embeddings: list[TokenEmbeddings] = field(default_factory=list)
    tokens_cut: dict[str, int] = field(default_factory=dict)
    words_lost: list[tuple[str, str]] = field(default_factory=list)
    """Warnings of what is said where no frame can be decoded."""
    sound: WindowSound | None = None
    """None for a model that does not hear, or shall not."""
    screen: ContextTrack | None = None
    """None where text on screen was not read."""


class Indexer:
    """Indexes one video; made anew for each.

    Args:
        encoder: turns windows into token vectors.
        options: what to index and how.
        progress: told of every second heard, and every candidate decoded, read and encoded.
    """

    def __init__(self, encoder: ClamrEncoder, *, options: IndexOptions, progress: Progress | None = None) -> None:
        self.encoder = encoder
        self.options = options
        self.progress = progress or (lambda stage, done, total: None)
        self.watch = Stopwatch()
        self.frame_size = FrameSize(encoder, reads_text=options.ocr != "off")
        self.num_candidates = 0

    def index(self, video: str | Path, *, store: Store | None = None) -> IndexedVideo:
        """Args:
            store: where recognised speech is kept while it is heard.

        Raises:
            VideoError: the file cannot be opened, or not one candidate decodes.
            ContextError: subtitles that were named cannot be read, or reading text or recognising speech failed.
            ModelError, MissingDependencyError: speech is to be recognised and its model cannot be loaded.
        """
        with self.watch.stage("open"):
            reader = open_for_indexing(video, options=self.options)
        with reader:
            candidates = sample_candidates(
                reader.timestamps_seconds,
                candidate_fps=self.options.candidate_fps,
                max_candidates=self.options.max_candidates,
            )
            self.num_candidates = len(candidates.frame_indices)
            with self.watch.stage("subtitles" if self.options.asr == "off" else "asr"):
                speech = speech_track(reader.info, options=self.options, store=store, progress=self.progress)
            about = about_video(reader.info, options=self.options)
            times = candidates.timestamps_seconds
            known = {"asr": words_by_candidate(speech.lines, timestamps_seconds=times), **about.words(times)}
            read = self._read(reader, candidates, known=known, description=about.description)
            return self._finish(str(video), reader, candidates, read, speech=speech, about=about)

    def _read(
        self,
        reader: VideoReader,
        candidates: Candidates,
        *,
        known: dict[str, list[list[str]]],
        description: str | None,
    ) -> _Read:
        """The pass over the frames.

        Args:
            known: modality to the lines of each candidate, of what is known without looking.
        """
        read = _Read(sound=self._sound(reader.info, candidates))
        read.words = {modality: [] for modality in ("ocr", *known)}
        position = {index: number for number, index in enumerate(candidates.frame_indices.tolist())}
        with ExitStack() as stack:
            if read.sound is not None:
                stack.enter_context(read.sound)
            text_reader = None
            if self.options.ocr != "off":
                engine = stack.enter_context(open_text_reader())
                text_reader = (engine, OcrTracker(engine))
            # closed when indexing is stopped, so that no thread decodes on for an error that somebody keeps
            for chunk in stack.enter_context(closing(self._chunks(reader, candidates))):
                words = {"ocr": self._read_text([frame for frame, _ in chunk], text_reader, read)}
                positions = [position[frame.frame_index] for frame, _ in chunk]
                words |= {modality: [lines[each] for each in positions] for modality, lines in known.items()}
                for modality, lines_of_chunk in words.items():
                    read.words[modality] += lines_of_chunk
                read.frame_indices += [frame.frame_index for frame, _ in chunk]
                read.timestamps_seconds += [frame.timestamp_seconds for frame, _ in chunk]
                self._encode(chunk, words, read, description=description)
                self.progress("encoding", len(read.frame_indices), self.num_candidates)
            read.words_lost = lost_words(known, decoded=np.isin(candidates.frame_indices, read.frame_indices))
            read.screen = None if text_reader is None else text_reader[1].finish()
        return read

    def _sound(self, info: VideoInfo, candidates: Candidates) -> WindowSound | None:
        if AUDIO not in self.encoder.modalities or self.options.audio == "off":
            return None
        return WindowSound(
            info.path,
            timestamps_seconds=candidates.timestamps_seconds,
            start_seconds=info.start_seconds,
            end_seconds=info.start_seconds + info.duration_seconds,
            max_seconds=self.encoder.processor.max_audio_seconds,
            limits=self.options.limits,
            isolate=self.options.isolate,
        )

    def _chunks(self, reader: VideoReader, candidates: Candidates) -> Generator[list[Pair], None, None]:
        """Some windows' worth of decoded candidates; the clock runs only while decoding."""
        decoded = decode_candidates(
            reader,
            candidates,
            max_side=self.frame_size.decode_side(reader.info),
            with_neighbors=self.options.pair == "neighbor",
        )
        size = WINDOWS_IN_FLIGHT * self.options.window_candidates
        done = 0
        with closing(decoded):
            while True:
                chunk: list[Pair] = []
                with self.watch.stage("decode"):
                    for pair in islice(decoded, size):
                        chunk.append(pair)
                        self.progress("decoding", done + len(chunk), self.num_candidates)
                if not chunk:
                    return
                done += len(chunk)
                yield chunk

    def _read_text(
        self, frames: list[DecodedFrame], text_reader: tuple[OcrReadAhead, OcrTracker] | None, read: _Read
    ) -> list[list[str]]:
        """The lines on screen in each frame."""
        if text_reader is None:
            return [[] for _ in frames]
        engine, tracker = text_reader
        lines = []
        with self.watch.stage("ocr"):
            engine.announce([frame.image for frame in frames])
            for frame in frames:
                lines.append(list(tracker.add(frame.image, frame.timestamp_seconds)))
                self.progress("reading text", len(read.frame_indices) + len(lines), self.num_candidates)
        return lines

    def _encode(
        self, chunk: list[Pair], words: dict[str, list[list[str]]], read: _Read, *, description: str | None
    ) -> None:
        documents = []
        for start in range(0, len(chunk), self.options.window_candidates):
            window = slice(start, start + self.options.window_candidates)
            neighbors = [self.frame_size.small(n.image) for _, n in chunk[window] if n is not None]
            documents.append(
                window_document(
                    [self.frame_size.small(frame.image) for frame, _ in chunk[window]],
                    words={modality: lines[window] for modality, lines in words.items()},
                    description=description,
                    neighbors=neighbors or None,
                    audio=self._heard(read.sound, [frame.timestamp_seconds for frame, _ in chunk[window]]),
                )
            )
        with self.watch.stage("encode"):
            embedded, truncations = self.encoder.encode_document(documents)
        read.embeddings += embedded
        for truncation in truncations:
            cut = read.tokens_cut.get(truncation.modality, 0)
            read.tokens_cut[truncation.modality] = cut + truncation.num_tokens_cut

    def _heard(self, sound: WindowSound | None, timestamps_seconds: list[float]) -> DocumentAudio | None:
        if sound is None:
            return None
        with self.watch.stage("sound"):
            return sound.cut(timestamps_seconds)

    def _finish(
        self,
        video: str,
        reader: VideoReader,
        candidates: Candidates,
        read: _Read,
        *,
        speech: ContextTrack,
        about: About,
    ) -> IndexedVideo:
        timestamps = np.asarray(read.timestamps_seconds)
        loaded = self.encoder.load_report
        assumed = () if loaded is None else loaded.warnings
        warnings = [*assumed, *reader.warnings, *candidates.warnings, *speech.warnings, *about.warnings]
        warnings += read.words_lost
        warnings += [] if read.sound is None else read.sound.warnings
        warnings += [
            (
                f"{modality}_truncated",
                f"{cut} tokens of {modality} did not fit their windows and were cut",
            )
            for modality, cut in read.tokens_cut.items()
        ]
        for code, message in warnings:
            logger.warning("%s: %s: %s", video, code, message)
        return IndexedVideo(
            video=video,
            video_facts=video_facts(reader.info),
            frame_indices=np.asarray(read.frame_indices),
            timestamps_seconds=timestamps,
            tokens=compact_tokens(
                concatenate(read.embeddings),
                token_pooling=self.options.token_pooling,
                precision=self.options.precision,
            ),
            words=read.words,
            tracks=(speech,) if read.screen is None else (speech, read.screen),
            method=index_method(
                reader.info,
                encoder=self.encoder,
                options=self.options,
                num_candidates=len(read.frame_indices),
                speech=speech,
                about=about,
                ocr="off" if read.screen is None else read.screen.source,
                audio="off" if read.sound is None else read.sound.source,
            ),
            warnings=tuple(SelectionWarning(*warning) for warning in warnings),
            timings_seconds=dict(self.watch.seconds),
            encoder=self.encoder,
            precision=self.options.precision,
        )
