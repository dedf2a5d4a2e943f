"""Decode the sound of a container to blocks of mono at 16 kHz, each at its time."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.video.packets import read_packets

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
"""Samples a second of what is returned."""
_UNEVEN_SECONDS = Fraction(1, 50)
"""Timestamps waver by less where a container rounds them (Matroska, FLV: to a millisecond) or a codec changes its
block size (Vorbis: 10 ms); what lies farther from the end of the sound before it is a gap or an overlap."""

Block = tuple[int, np.ndarray]
"""Position of the first sample on the video's clock, in samples, and (num_samples,) float32."""


class SoundDecoder:
    """Reads one audio stream from its start to its end, once."""

    def __init__(self, container: InputContainer, stream: AudioStream, *, path: str) -> None:
        self._container, self._stream, self._path = container, stream, path
        self._read_errors: list[str] = []
        self._num_damaged = 0
        self._num_unmixed: dict[str, int] = {}
        """Name of a channel layout to the frames of it."""
        self._num_gaps = self._num_gap_samples = self._num_overlapping = 0

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """(code, message) of what was noticed so far and did not stop the reading."""
        noted = []
        if self._read_errors:
            text = f"places at which the sound could not be read on: {len(self._read_errors)}"
            noted.append(("damaged_file", text))
        if self._num_damaged:
            text = f"damaged packets of sound, in whose place there is silence: {self._num_damaged}"
            noted.append(("damaged_audio", text))
        for layout, count in self._num_unmixed.items():
            text = (
                f"frames of sound in {layout}, which FFmpeg cannot mix to one channel; silence in their place: {count}"
            )
            noted.append(("unmixed_audio", text))
        if self._num_gaps:
            seconds = self._num_gap_samples / SAMPLE_RATE
            text = f"gaps in the sound, filled with silence: {self._num_gaps} ({seconds:.2f} s in all)"
            noted.append(("audio_gaps", text))
        if self._num_overlapping > _UNEVEN_SECONDS * SAMPLE_RATE:
            seconds = self._num_overlapping / SAMPLE_RATE
            text = f"sound left out because earlier sound has its time: {seconds:.2f} s"
            noted.append(("audio_overlap", text))
        return noted

    def blocks(self) -> Generator[Block, None, None]:
        """Blocks in time order that do not overlap."""
        written: int | None = None
        for start, samples in self._resampled():
            if written is not None and start < written:
                self._num_overlapping += min(written - start, len(samples))
                start, samples = written, samples[written - start :]
            elif written is not None and start - written > _UNEVEN_SECONDS * SAMPLE_RATE:
                self._num_gaps += 1
                self._num_gap_samples += start - written
            if len(samples):
                written = start + len(samples)
                yield start, samples

    def _resampled(self) -> Iterator[Block]:
        import av

        run: _Run | None = None
        for frame in self._frames():
            seconds = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
            if run is None or not run.goes_on(frame, seconds):
                start = seconds
                if run is not None:
                    yield from run.finish()
                    start = run.end_seconds if seconds is None else seconds
                run = _Run(frame, start_seconds=Fraction(0) if start is None else start)
            try:
                yield from run.add(frame)
            except av.FFmpegError as error:
                layout, run = frame.layout.name, None
                self._num_unmixed[layout] = self._num_unmixed.get(layout, 0) + 1
                logger.debug("%s: %s: %s", self._path, type(error).__name__, error)
        if run is not None:
            yield from run.finish()

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in read_packets(self._container, self._stream, self._read_errors):
            if packet.is_corrupt:  # incomplete: what a decoder makes of it is noise
                self._num_damaged += 1
            else:
                yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: Packet | None) -> Iterator[AudioFrame]:
        import av

        try:
            frames = self._stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            self._num_damaged += 1
            logger.debug("%s: %s: %s", self._path, type(error).__name__, error)
            return
        for frame in frames:
            if frame.is_corrupt:
                self._num_damaged += 1
            else:
                yield frame


class _Run:
    """Frames of one form that follow each other without a break, on their way to 16 kHz."""

    def __init__(self, frame: AudioFrame, *, start_seconds: Fraction) -> None:
        import av

        self._start = start_seconds
        self._first_sample = round(start_seconds * SAMPLE_RATE)
        self._form = _form(frame)
        self._num_in = self._num_out = 0
        # 16 bit, so that channels are mixed to their mean; FFmpeg lets a mix of floats exceed 1
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    @property
    def end_seconds(self) -> Fraction:
        return self._start + Fraction(self._num_in, self._form[2])

    def goes_on(self, frame: AudioFrame, seconds: Fraction | None) -> bool:
        """Whether a frame at a time (None: the container does not say) follows what came before."""
        is_next = seconds is None or abs(seconds - self.end_seconds) <= _UNEVEN_SECONDS
        return is_next and _form(frame) == self._form

    def add(self, frame: AudioFrame) -> Iterator[Block]:
        """Raises av.FFmpegError where the channels cannot be mixed."""
        self._num_in += frame.samples
        frame.pts = None  # samples are counted here
        yield from self._emit(self._resampler.resample(frame), limit=None)

    def finish(self) -> Iterator[Block]:
        """What the filter still holds, to the exact length."""
        length = round(self.end_seconds * SAMPLE_RATE) - self._first_sample
        yield from self._emit(self._resampler.resample(None), limit=length)

    def _emit(self, frames: list[AudioFrame], *, limit: int | None) -> Iterator[Block]:
        for frame in frames:
            if frame is None:  # PyAV's answer to the end where nothing had to be resampled
                continue
            samples = frame.to_ndarray()[0].astype(np.float32) / 32768
            if limit is not None:
                samples = samples[: max(0, limit - self._num_out)]
            start = self._first_sample + self._num_out
            self._num_out += len(samples)
            if len(samples):
                yield start, samples


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
