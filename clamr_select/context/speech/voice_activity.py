"""Where somebody speaks: Silero VAD, a network of 1.2 MB that the ``silero-vad`` package carries.

It was preferred over the loudness of the sound, which cannot tell music from speech, and over WebRTC's detector, which
hears speech in most noise: a Whisper that is given either invents sentences.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.context.speech.recognizer import MAX_STRETCH_SECONDS, SAMPLE_RATE
from clamr_select.errors import SpeechError, missing_dependency

if TYPE_CHECKING:
    import onnxruntime

FRAME_SAMPLES = 512
"""32 ms, what one probability is about."""
_CONTEXT_SAMPLES = 64
_MODEL = "silero_vad_16k_sequence.onnx"
_SPEECH, _STILL_SPEECH = 0.5, 0.35
"""Probabilities from which on a frame starts speech, and goes on with it; the model's authors' values."""
_PAUSE_FRAMES = 16
"""Half a second without speech ends it."""
_SHORTEST_FRAMES = 4
_PADDING_FRAMES = 7
"""A fifth of a second kept before and after."""
_JOINED_FRAMES = 47
"""Up to this far apart (1.5 s), two pieces are heard together: an engine knows more of a sentence than of a word."""
_LONGEST_FRAMES = int(MAX_STRETCH_SECONDS * SAMPLE_RATE / FRAME_SAMPLES) - 2 * _PADDING_FRAMES


@dataclass(frozen=True)
class Stretch:
    """Sound in which somebody speaks."""

    start_seconds: float
    samples: np.ndarray
    """(num_samples,) float32 at 16 kHz, at most 28 s."""


class VoiceDetector:
    """The probability of speech, frame by frame, of one track from its start.

    Raises:
        MissingDependencyError: ``silero-vad`` or ``onnxruntime`` is absent.
        SpeechError: the installed ``silero-vad`` does not carry the model.
    """

    def __init__(self) -> None:
        self._session = _load_session()
        self._hidden = self._cell = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)

    def probabilities(self, samples: np.ndarray) -> np.ndarray:
        """(num_frames,) float32 of the sound that follows the last call's: (num_frames * 512,) float32."""
        frames = samples.reshape(-1, FRAME_SAMPLES)
        if not len(frames):
            return np.zeros(0, dtype=np.float32)
        contexts = np.concatenate([self._context[None], frames[:-1, -_CONTEXT_SAMPLES:]])
        self._context = frames[-1, -_CONTEXT_SAMPLES:].copy()
        inputs = {"input": np.concatenate([contexts, frames], axis=1), "h": self._hidden, "c": self._cell}
        values, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        return values.reshape(-1)


def speech_stretches(chunks: Iterable[tuple[float, np.ndarray]], *, detector: VoiceDetector) -> Iterator[Stretch]:
    """Cut a track to stretches of speech, none of more than 28 s; longer speech is cut where it pauses most.

    Memory is that of a minute of sound, whatever the length of the track.

    Args:
        chunks: (start_seconds, samples) that follow each other without a gap, float32 at 16 kHz.
    """
    sound = _HeldSound()
    runs = _SpeechRuns()
    for start_seconds, samples in chunks:
        sound.add(start_seconds, samples)
        yield from _cut(runs.follow(detector.probabilities(sound.whole_frames())), sound)
        sound.forget(runs.needed_from)
    yield from _cut(runs.follow(detector.probabilities(sound.last_frame())), sound)
    yield from _cut(runs.finish(), sound)


def _cut(runs: Iterable[tuple[int, int]], sound: _HeldSound) -> Iterator[Stretch]:
    for first, last in runs:
        yield sound.stretch(first, last)


class _SpeechRuns:
    """Runs of speech, as (first frame, frame after the last), from probabilities that come in pieces."""

    def __init__(self) -> None:
        self._frame = 0
        self._open: list[float] = []
        """Probabilities of the run that goes on."""
        self._quiet = 0
        self._waiting: tuple[int, int] | None = None
        """A run that the next one may be joined to."""
        self._yielded_to = 0

    @property
    def needed_from(self) -> int:
        """The first frame that a run to come may hold."""
        starts = [self._frame - len(self._open)] + ([self._waiting[0]] if self._waiting else [])
        return max(self._yielded_to, min(starts) - _PADDING_FRAMES)

    def follow(self, probabilities: np.ndarray) -> Iterator[tuple[int, int]]:
        for probability in probabilities.tolist():
            yield from self._add(probability)

    def finish(self) -> Iterator[tuple[int, int]]:
        if self._open:
            yield from self._close(len(self._open) - self._quiet)
        if self._waiting is not None:
            yield self._padded(self._waiting, until=self._frame)
            self._waiting = None

    def _add(self, probability: float) -> Iterator[tuple[int, int]]:
        self._frame += 1
        if not self._open:
            if probability >= _SPEECH:
                self._open, self._quiet = [probability], 0
            return
        self._open.append(probability)
        self._quiet = 0 if probability >= _STILL_SPEECH else self._quiet + 1
        if self._quiet >= _PAUSE_FRAMES:
            yield from self._close(len(self._open) - self._quiet)
        elif len(self._open) >= _LONGEST_FRAMES:
            half = len(self._open) // 2
            yield from self._close(half + int(np.argmin(self._open[half:])), goes_on=True)

    def _close(self, length: int, *, goes_on: bool = False) -> Iterator[tuple[int, int]]:
        first = self._frame - len(self._open)
        run = (first, first + length)
        self._open = self._open[length:] if goes_on else []
        if length < _SHORTEST_FRAMES and not goes_on:
            return
        waiting, self._waiting = self._waiting, run
        if waiting is None:
            return
        if run[0] - waiting[1] <= _JOINED_FRAMES and run[1] - waiting[0] <= _LONGEST_FRAMES:
            self._waiting = (waiting[0], run[1])
        else:
            yield self._padded(waiting, until=run[0])

    def _padded(self, run: tuple[int, int], *, until: int) -> tuple[int, int]:
        padded = max(self._yielded_to, run[0] - _PADDING_FRAMES), min(until, run[1] + _PADDING_FRAMES)
        self._yielded_to = padded[1]
        return padded


class _HeldSound:
    """The end of a track, as far back as it is still needed; frames are counted from the track's start."""

    def __init__(self) -> None:
        self._start_seconds: float | None = None
        self._samples = np.zeros(0, dtype=np.float32)
        self._first_frame = 0
        self._frames_detected = 0

    def add(self, start_seconds: float, samples: np.ndarray) -> None:
        if self._start_seconds is None:
            self._start_seconds = start_seconds
        self._samples = np.concatenate([self._samples, samples])

    def whole_frames(self) -> np.ndarray:
        """What was not handed out yet, without the last part of a frame."""
        first = (self._frames_detected - self._first_frame) * FRAME_SAMPLES
        num_frames = (len(self._samples) - first) // FRAME_SAMPLES
        self._frames_detected += num_frames
        return self._samples[first : first + num_frames * FRAME_SAMPLES]

    def last_frame(self) -> np.ndarray:
        """The rest, filled up with silence."""
        first = (self._frames_detected - self._first_frame) * FRAME_SAMPLES
        rest = self._samples[first:]
        return np.pad(rest, (0, -len(rest) % FRAME_SAMPLES))

    def forget(self, frame: int) -> None:
        """All before a frame."""
        frame = max(self._first_frame, min(frame, self._frames_detected))
        self._samples = self._samples[(frame - self._first_frame) * FRAME_SAMPLES :]
        self._first_frame = frame

    def stretch(self, first: int, last: int) -> Stretch:
        start = (first - self._first_frame) * FRAME_SAMPLES
        samples = self._samples[start : (last - self._first_frame) * FRAME_SAMPLES].copy()
        return Stretch((self._start_seconds or 0.0) + first * FRAME_SAMPLES / SAMPLE_RATE, samples)


def _load_session() -> onnxruntime.InferenceSession:
    # found, not imported: importing it sets torch's number of threads
    package = importlib.util.find_spec("silero_vad")
    if package is None or package.origin is None:
        raise missing_dependency("silero-vad", extra="all", purpose="finding speech")
    model = Path(package.origin).parent / "data" / _MODEL
    if not model.is_file():
        raise SpeechError(
            f"the installed silero-vad does not carry {_MODEL}; run: pip install --force-reinstall 'silero-vad>=6.2.3'"
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_dependency("onnxruntime", extra="all", purpose="finding speech") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
