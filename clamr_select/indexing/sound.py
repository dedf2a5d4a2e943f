"""The sound of each window of candidates, cut from the track while it streams by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError
from clamr_select.isolation.sound import IsolatedSound, isolated_sound
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.model.document import MIN_SAMPLES, DocumentAudio
from clamr_select.video.audio import SAMPLE_RATE, AudioStream, open_audio

NO_AUDIO = "no_audio"
_NOTED_SECONDS = 1.0
"""So much of a video without sound is spoken of."""


class WindowSound:
    """Cuts consecutive windows, in time order; holds no more sound than one document may. Use as a context manager.

    A candidate stands for the time from halfway after the one before it to halfway before the next; the first one from
    where the video starts, the last one to where it ends. So every sound during the video belongs to a window.

    Args:
        path: of the video.
        timestamps_seconds: (num_candidates,) of all candidates, strictly increasing.
        start_seconds, end_seconds: of the video.
        limits: what the file may be at most.
        isolate: decode in a worker process.
        max_seconds: of sound in one document. What a longer window has beyond that is left out, and said.
    """

    def __init__(
        self,
        path: str,
        *,
        timestamps_seconds: np.ndarray,
        start_seconds: float,
        end_seconds: float,
        max_seconds: float,
        limits: Limits = DEFAULT_LIMITS,
        isolate: bool = False,
    ) -> None:
        middles = (timestamps_seconds[1:] + timestamps_seconds[:-1]) / 2
        edges = [start_seconds, *middles.tolist(), max(end_seconds, float(timestamps_seconds[-1]))]
        self._begins = dict(zip(timestamps_seconds.tolist(), edges, strict=False))
        self._ends = dict(zip(timestamps_seconds.tolist(), edges[1:], strict=True))
        self._start_seconds, self._end_seconds, self._max_seconds = start_seconds, end_seconds, max_seconds
        self._cut_to = start_seconds
        self._num_too_long, self._seconds_left_out = 0, 0.0
        self._ended_seconds: float | None = None
        self._opening_warnings: list[tuple[str, str]] = []
        self._stream = self._open(path, limits, isolate=isolate)

    def cut(self, timestamps_seconds: Sequence[float]) -> DocumentAudio | None:
        """The sound of the next window, up to where the track ends; None where the track has none there.

        A window too short for one sound token has the sound of one token, a little of which is the next window's.

        Args:
            timestamps_seconds: of the window's candidates. What lies between them and the window before (candidates
                that could not be decoded) goes to the first.
        """
        start, end = self._cut_to, self._ends[timestamps_seconds[-1]]
        self._cut_to = end
        if self._stream is None:
            return None
        heard = self._heard(self._stream, start, max(end, start + MIN_SAMPLES / SAMPLE_RATE))
        if self._stream.start_seconds >= end or len(heard) < MIN_SAMPLES:
            return None
        begins = (start, *(self._begins[seconds] for seconds in timestamps_seconds[1:]))
        return DocumentAudio(heard, tuple(seconds - start for seconds in begins))

    @property
    def source(self) -> str:
        """What was heard, for the record."""
        return "none" if self._stream is None else self._stream.source

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """(code, message) so far."""
        return [*self._opening_warnings, *(self._stream.warnings if self._stream is not None else []), *self._cuts()]

    def __enter__(self) -> WindowSound:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def _heard(self, stream: AudioStream | IsolatedSound, start: float, end: float) -> np.ndarray:
        """What the track has of a stretch, at most as long as a document may hold."""
        budget_end = min(end, start + self._max_seconds)
        samples = stream.take(start_seconds=start, end_seconds=budget_end)
        track_end = stream.end_seconds
        if track_end < budget_end and self._ended_seconds is None:
            self._ended_seconds = track_end
        elif self._ended_seconds is None and end > budget_end:
            self._num_too_long += 1
            self._seconds_left_out += end - budget_end
        return samples[: max(0, round((track_end - start) * SAMPLE_RATE))]

    def _cuts(self) -> list[tuple[str, str]]:
        noted = []
        if self._num_too_long:
            text = (
                f"{self._seconds_left_out:.1f} s of sound were left out: {self._num_too_long} windows are longer than "
                f"the {self._max_seconds:g} s that a document may hold; take more candidates, or fewer in a window"
            )
            noted.append(("audio_truncated", text))
        if self._stream is not None:
            first = max(self._stream.start_seconds, self._start_seconds)
            last = self._end_seconds if self._ended_seconds is None else self._ended_seconds
            if first - self._start_seconds + self._end_seconds - last >= _NOTED_SECONDS:
                text = (
                    f"the sound runs from {first:.1f} to {last:.1f} s, the video from {self._start_seconds:.1f} to "
                    f"{self._end_seconds:.1f} s; frames without sound have no score for it"
                )
                noted.append(("audio_partial", text))
        return noted

    def _open(self, path: str, limits: Limits, *, isolate: bool) -> AudioStream | IsolatedSound | None:
        try:
            stream = (isolated_sound if isolate else open_audio)(path, limits=limits)
        except (UnsupportedVideoError, UnreadableVideoError) as error:
            self._opening_warnings.append((NO_AUDIO, f"the model hears, and the sound cannot be read: {error}"))
            return None
        if stream is None:
            self._opening_warnings.append((NO_AUDIO, "the model hears, and the file has no sound"))
        return stream
