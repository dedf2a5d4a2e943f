"""The sound of each window of candidates, cut from the track while it streams by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError
from clamr_select.model.document import MIN_SAMPLES, DocumentAudio
from clamr_select.video.audio import SAMPLE_RATE, AudioStream, open_audio

NO_AUDIO = "no_audio"


class WindowSound:
    """Cuts consecutive windows, in time order; holds no more sound than the window asked for. Use as a context manager.

    A candidate stands for the time from halfway after the one before it to halfway before the next; the first one from
    where the video starts, the last one to where it ends. So every sound during the video belongs to a window.

    Args:
        path: of the video.
        timestamps_seconds: (num_candidates,) of all candidates, strictly increasing.
        start_seconds, end_seconds: of the video.
    """

    def __init__(self, path: str, *, timestamps_seconds: np.ndarray, start_seconds: float, end_seconds: float) -> None:
        middles = (timestamps_seconds[1:] + timestamps_seconds[:-1]) / 2
        edges = [start_seconds, *middles.tolist(), max(end_seconds, float(timestamps_seconds[-1]))]
        self._begins = dict(zip(timestamps_seconds.tolist(), edges, strict=False))
        self._ends = dict(zip(timestamps_seconds.tolist(), edges[1:], strict=True))
        self._cut_to = start_seconds
        self._opening_warnings: list[tuple[str, str]] = []
        self._stream = self._open(path)

    def cut(self, timestamps_seconds: Sequence[float]) -> DocumentAudio | None:
        """The sound of the next window, up to where the track ends; None where the track has none there.

        Args:
            timestamps_seconds: of the window's candidates. What lies between them and the window before (candidates
                that could not be decoded) goes to the first.
        """
        start, end = self._cut_to, self._ends[timestamps_seconds[-1]]
        self._cut_to = end
        if self._stream is None:
            return None
        samples = self._stream.take(start_seconds=start, end_seconds=end)
        heard = samples[: max(0, round((self._stream.end_seconds - start) * SAMPLE_RATE))]
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
        return [*self._opening_warnings, *(self._stream.warnings if self._stream is not None else [])]

    def __enter__(self) -> WindowSound:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def _open(self, path: str) -> AudioStream | None:
        try:
            stream = open_audio(path)
        except (UnsupportedVideoError, UnreadableVideoError) as error:
            self._opening_warnings.append((NO_AUDIO, f"the model hears, and the sound cannot be read: {error}"))
            return None
        if stream is None:
            self._opening_warnings.append((NO_AUDIO, "the model hears, and the file has no sound"))
        return stream
