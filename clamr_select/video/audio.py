"""The sound of a video: mono, 16 kHz, streamed, on the clock that the timestamps of its frames are read from."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

import numpy as np

from clamr_select.container import open_container
from clamr_select.errors import InputError, UnreadableVideoError, UnsupportedVideoError
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.audio_blocks import SAMPLE_RATE, Block, SoundDecoder

if TYPE_CHECKING:
    from av.audio.stream import AudioStream as FFmpegStream
    from av.container import InputContainer


def open_audio(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> AudioStream | None:
    """Open the sound of a local media file; None where it has no audio stream.

    Of several streams the one that FFmpeg takes by default, or the first that it can decode.

    Raises:
        UnsupportedVideoError: FFmpeg has no decoder for any of its audio streams.
        UnreadableVideoError: not one sample of the stream can be decoded.
        VideoError, InputError: as :func:`clamr_select.container.open_container`.
    """
    container = open_container(path, limits=limits)
    try:
        stream = _best_stream(container, path=os.fspath(path))
        if stream is None:
            container.close()
            return None
        return AudioStream(container, stream, path=os.fspath(path))
    except BaseException:
        container.close()
        raise


class AudioStream:
    """Open sound, read once from its start to its end. Use as a context manager; made by :func:`open_audio`.

    Where the stream has no sound (a gap between timestamps, a damaged packet, before its start, after its end) there
    is silence; sound that claims a time which earlier sound has is left out. So every sample is at its time.
    """

    def __init__(self, container: InputContainer, stream: FFmpegStream, *, path: str) -> None:
        self.path = path
        codec = stream.codec_context
        self.source = f"audio stream {stream.index} ({codec.name}, {codec.sample_rate} Hz, {codec.layout.name})"
        self._container = container
        self._decoder = SoundDecoder(container, stream, path=path)
        self._reading = self._decoder.blocks()
        self._last_start = -math.inf
        first = next(self._reading, None)
        if first is None:
            noted = "; ".join(text for _, text in self._decoder.warnings) or "was the file cut short?"
            raise UnreadableVideoError(f"no sound of {path!r} can be decoded: {noted}")
        self._held: deque[Block] = deque([first])
        self._first_sample = first[0]

    @property
    def start_seconds(self) -> float:
        """Time of the first sample."""
        return self._first_sample / SAMPLE_RATE

    @property
    def end_seconds(self) -> float:
        """End of the sound read so far: of all, once more was asked for than there is."""
        return self._end / SAMPLE_RATE

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """(code, message) of what was noticed so far and did not stop the reading."""
        return self._decoder.warnings

    def take(self, *, start_seconds: float, end_seconds: float) -> np.ndarray:
        """The sound of a stretch of time: (num_samples,) float32 in -1..1, of exactly
        ``round(16000 * end_seconds) - round(16000 * start_seconds)`` samples.

        Args:
            start_seconds, end_seconds: on the video's clock. Starts may not fall from call to call, since what lies
                before is forgotten; stretches may overlap.

        Raises:
            InputError: times that are no stretch, or a start before that of an earlier call.
        """
        if not (math.isfinite(start_seconds) and math.isfinite(end_seconds) and start_seconds <= end_seconds):
            raise InputError(f"start_seconds must not be after end_seconds, got {start_seconds} and {end_seconds}")
        start, end = round(start_seconds * SAMPLE_RATE), round(end_seconds * SAMPLE_RATE)
        if start < self._last_start:
            raise InputError(
                f"sound is read once, in order: start_seconds must be at least {self._last_start / SAMPLE_RATE:g}, "
                f"as in the call before, got {start_seconds:g}; open the file again to go back"
            )
        return self._take(start, end)

    def chunks(self, *, seconds: float = 30.0) -> Iterator[tuple[float, np.ndarray]]:
        """(start_seconds, samples) of all that is not forgotten, so from the start of the last stretch taken: in
        stretches that follow each other; the last one ends with the sound.

        Raises:
            InputError: ``seconds`` is below 1 or not finite.
        """
        start = int(max(self._first_sample, self._last_start))
        yield from stretches(
            lambda first, end: self._take(first, end)[: max(0, self._end - first)], first=start, seconds=seconds
        )

    def close(self) -> None:
        """Close the file."""
        self._reading.close()
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def _end(self) -> int:
        start, samples = self._held[-1]
        return start + len(samples)

    def _take(self, start: int, end: int) -> np.ndarray:
        self._last_start = start
        while self._end < end and (block := next(self._reading, None)) is not None:
            self._held.append(block)
            self._forget_before(start)
        self._forget_before(start)
        taken = np.zeros(end - start, dtype=np.float32)
        for position, samples in self._held:
            first, last = max(start, position), min(end, position + len(samples))
            if first < last:
                taken[first - start : last - start] = samples[first - position : last - position]
        return taken

    def _forget_before(self, start: int) -> None:
        """The last block stays: it says how far the reading came."""
        while len(self._held) > 1 and self._held[0][0] + len(self._held[0][1]) <= start:
            self._held.popleft()


def stretches(
    take: Callable[[int, int], np.ndarray], *, first: int, seconds: float
) -> Iterator[tuple[float, np.ndarray]]:
    """(start_seconds, samples) of what follows each other from sample ``first`` on, until ``take`` (from a first sample
    to the one after the last) gives less than ``seconds``.

    Raises:
        InputError: ``seconds`` is below 1 or not finite.
    """
    if not (math.isfinite(seconds) and seconds >= 1):
        raise InputError(f"seconds must be a number of at least 1, got {seconds}")
    length = round(seconds * SAMPLE_RATE)
    while True:
        samples = take(first, first + length)
        if len(samples):
            yield first / SAMPLE_RATE, samples
        if len(samples) < length:
            return
        first += length


def _best_stream(container: InputContainer, *, path: str) -> FFmpegStream | None:
    streams = container.streams.audio
    if not streams:
        return None
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise UnsupportedVideoError(f"FFmpeg has no decoder for the sound of {path!r}; re-encode it to AAC")
    best = container.streams.best("audio")
    return next((stream for stream in decodable if best is not None and stream.index == best.index), decodable[0])
