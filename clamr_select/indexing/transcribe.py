"""Hear a video: its sound is streamed, cut where somebody speaks, recognised, and put into lines.

Every stretch is kept under its own sound as soon as it is heard, so that a run that was broken off goes on from there.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from clamr_select.context.speech.lines import spoken_lines
from clamr_select.context.speech.recognizer import SAMPLE_RATE, Heard, SpeechRecognizer
from clamr_select.context.speech.voice_activity import Stretch, VoiceDetector, speech_stretches
from clamr_select.context.timed_text import ContextTrack, TimedWord
from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError
from clamr_select.indexing.progress import HEARING, Progress
from clamr_select.isolation import isolated_sound
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.store import Entry, Key, Store
from clamr_select.video.audio import open_audio

TRANSCRIPT_VERSION = 1
"""To be raised when the same sound and recogniser give other words than before."""
NO_AUDIO, NO_SPEECH_HEARD = "no_audio", "no_speech_heard"


class StretchStore:
    """Heard stretches in a store; without one, nothing is kept."""

    def __init__(self, store: Store | None, *, identity: str) -> None:
        self._store, self._identity = store, identity

    def get(self, stretch: Stretch) -> Heard | None:
        found = self._store.get(self._key(stretch)) if self._store is not None else None
        if found is None:
            return None
        words = tuple(TimedWord(**word) for word in found.record["words"])
        return Heard(words, found.record["language"])

    def put(self, stretch: Stretch, heard: Heard) -> None:
        if self._store is not None:
            record: dict[str, Any] = {"words": [asdict(word) for word in heard.words], "language": heard.language}
            self._store.put(self._key(stretch), Entry(record))

    def _key(self, stretch: Stretch) -> Key:
        sound = hashlib.sha256(stretch.samples.tobytes()).hexdigest()
        return Key("speech", {"sound": sound, "recognizer": self._identity, "version": TRANSCRIPT_VERSION})


@dataclass
class _Transcript:
    words: list[TimedWord] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    """Language to the words in it."""

    def add(self, stretch: Stretch, heard: Heard) -> None:
        start = stretch.start_seconds
        self.words += [
            replace(word, start_seconds=start + word.start_seconds, end_seconds=start + word.end_seconds)
            for word in heard.words
        ]
        if heard.language is not None:
            self.languages[heard.language] += len(heard.words)


class _Position:
    """How far into the sound everything is dealt with, for ``progress``: heard, or without speech."""

    def __init__(self, progress: Progress | None, *, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        self._unheard_from = math.inf
        self.report(0)  # the first stretch may take a while

    def report(self, seconds: float) -> None:
        self._done = max(self._done, math.floor(min(seconds, self._unheard_from, self._total)))
        if self._progress is not None:
            self._progress(HEARING, self._done, self._total)

    def follow(self, chunks: Iterable[tuple[float, np.ndarray]]) -> Iterator[tuple[float, np.ndarray]]:
        for start_seconds, samples in chunks:
            self.report(start_seconds)
            yield start_seconds, samples

    def hold(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """A stretch waits for its batch to be full, while the sound after it is read."""
        for stretch in stretches:
            self._unheard_from = min(self._unheard_from, stretch.start_seconds)
            yield stretch

    def heard(self, last: Stretch) -> None:
        self._unheard_from = math.inf
        self.report(last.start_seconds + len(last.samples) / SAMPLE_RATE)


def transcribe(
    path: str,
    *,
    recognizer: SpeechRecognizer,
    end_seconds: float,
    store: Store | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
    isolate: bool = False,
) -> ContextTrack:
    """What is said in a video, times on its container's clock.

    Args:
        recognizer: from :func:`clamr_select.context.speech.choose.make_recognizer`.
        end_seconds: of the video, for ``progress``.
        store: where heard stretches are kept.
        isolate: decode the sound in a worker process.

    Returns:
        A track of the modality ``asr``; without lines, and with a warning, where there is no sound or no speech.

    Raises:
        SpeechError: the recogniser failed.
        MissingDependencyError: ``silero-vad`` is absent.
        VideoError: the file cannot be opened.
    """
    try:
        stream = (isolated_sound if isolate else open_audio)(path, limits=limits)
    except (UnsupportedVideoError, UnreadableVideoError) as error:
        return _silent(recognizer, f"speech is to be recognised, and the sound cannot be read: {error}")
    if stream is None:
        return _silent(recognizer, "speech is to be recognised, and the file has no sound")
    transcript, kept = _Transcript(), StretchStore(store, identity=recognizer.identity)
    position = _Position(progress, total=max(1, math.ceil(end_seconds)))
    with stream:
        stretches = speech_stretches(position.follow(stream.chunks()), detector=VoiceDetector())
        for batch in _batches(position.hold(stretches), size=recognizer.batch_size):
            for stretch, heard in zip(batch, _heard(batch, recognizer, kept), strict=True):
                transcript.add(stretch, heard)
            position.heard(batch[-1])
        position.report(math.inf)
        warnings = [*recognizer.warnings, *stream.warnings]
    if not transcript.words:
        warnings.append((NO_SPEECH_HEARD, "no speech was heard in the sound of the video"))
    return ContextTrack(
        modality="asr",
        lines=spoken_lines(transcript.words),
        source=recognizer.source,
        warnings=tuple(warnings),
        languages=tuple(language for language, _ in transcript.languages.most_common()),
    )


def _heard(batch: list[Stretch], recognizer: SpeechRecognizer, kept: StretchStore) -> Iterator[Heard]:
    """One for each stretch, from the store where it was heard before."""
    known = [kept.get(stretch) for stretch in batch]
    new = [stretch for stretch, heard in zip(batch, known, strict=True) if heard is None]
    fresh = iter(recognizer.hear([stretch.samples for stretch in new]) if new else [])
    for stretch, heard in zip(batch, known, strict=True):
        if heard is None:
            heard = next(fresh)
            kept.put(stretch, heard)
        yield heard


def _batches(stretches: Iterable[Stretch], *, size: int) -> Iterator[list[Stretch]]:
    iterator = iter(stretches)
    while batch := list(islice(iterator, size)):
        yield batch


def _silent(recognizer: SpeechRecognizer, reason: str) -> ContextTrack:
    return ContextTrack("asr", (), recognizer.source, warnings=((NO_AUDIO, reason),))
