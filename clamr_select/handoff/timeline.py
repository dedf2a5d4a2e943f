"""Frame indices and a frame rate from which every consumer computes the true seconds, as ``index / fps``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from clamr_select.errors import TimestampWarning
from clamr_select.handoff.warn import warn
from clamr_select.selection import Selection, VideoFacts

TIMELINE_FPS = 1000
"""Virtual indices count milliseconds: finer than what any consumer writes, coarse enough for 32-bit integers
over 24 days. Some consumers cut ``1000 / fps`` to an integer, which this survives and 30 fps does not."""
MAX_REAL_ERROR_SECONDS = 1e-5
MAX_CLOCK_ERROR_SECONDS = 0.05
_LARGEST_RATE_DENOMINATOR = 1001
"""Frame rates are whole numbers or n/1001 (29.97 is 30000/1001)."""

Clock = Literal["auto", "milliseconds"]


@dataclass(frozen=True)
class Timeline:
    """What the ``VideoMetadata`` of transformers, vLLM and others says of time; ``index / fps`` is the true second."""

    frames_indices: tuple[int, ...]
    """One an emitted frame, never decreasing; equal only where a frame is emitted twice."""
    fps: float
    total_num_frames: int
    """More than the last index, and at least the number of emitted frames."""
    duration_seconds: float
    """End of the video on the same clock."""
    is_virtual: bool
    """False where the indices are those of the file's frames."""

    @property
    def timestamps_seconds(self) -> tuple[float, ...]:
        """The times as a consumer computes them."""
        return tuple(index / self.fps for index in self.frames_indices)


def timeline(selection: Selection, *, clock: Clock = "auto") -> Timeline:
    """The timeline of the selected frames, each emitted once; see :func:`timeline_of`."""
    return timeline_of(selection.frame_indices, selection.timestamps_seconds, facts=selection.video_facts, clock=clock)


def timeline_of(
    frame_indices: Sequence[int],
    timestamps_seconds: Sequence[float],
    *,
    facts: VideoFacts,
    clock: Clock = "auto",
) -> Timeline:
    """Choose indices and a rate so that ``index / fps`` is each frame's timestamp.

    The file's own indices are kept where they say the time: constant frame rate, starting at 0. Otherwise
    indices count milliseconds. Either way the seconds are right to 1 ms, and right to 0.05 s after a consumer
    has rounded them to tenths.

    Args:
        frame_indices, timestamps_seconds: of the emitted frames in order; a frame may be emitted repeatedly.
        clock: ``milliseconds`` never keeps the file's indices, for consumers that cannot divide by their rate.

    Warns:
        TimestampWarning: a frame lies before 0 s, which an index cannot say; it is put at 0.
    """
    end = max(facts.start_seconds + facts.duration_seconds, timestamps_seconds[-1])
    rate = _constant_rate(frame_indices, timestamps_seconds, facts) if clock == "auto" else None
    if rate is not None:
        indices = tuple(int(index) for index in frame_indices)
        return Timeline(indices, rate, facts.num_frames, facts.num_frames / rate, is_virtual=False)
    indices = _milliseconds(frame_indices, timestamps_seconds)
    total = max(math.ceil(end * TIMELINE_FPS), indices[-1] + 1, len(indices))
    return Timeline(indices, float(TIMELINE_FPS), total, total / TIMELINE_FPS, is_virtual=True)


def _constant_rate(
    frame_indices: Sequence[int], timestamps_seconds: Sequence[float], facts: VideoFacts
) -> float | None:
    """Frames a second, if it turns every emitted frame's index into its timestamp."""
    # a consumer may refuse more frames than the video has, as when each of all frames is emitted twice
    if facts.average_fps <= 0 or not len(frame_indices) <= facts.num_frames or frame_indices[-1] >= facts.num_frames:
        return None
    rounded = float(Fraction(facts.average_fps).limit_denominator(_LARGEST_RATE_DENOMINATOR))
    frames = list(zip(frame_indices, timestamps_seconds, strict=True))
    for rate in (rounded, facts.average_fps):  # time-lapse rates round to 0
        if rate and all(_is_shown_at(index / rate, seconds) for index, seconds in frames):
            return rate
    return None


def _is_shown_at(shown: float, seconds: float) -> bool:
    # whole seconds are compared too: 11.9999999 is written 00:11 where 12 is meant
    return abs(shown - seconds) <= MAX_REAL_ERROR_SECONDS and math.floor(shown) == math.floor(seconds)


def _milliseconds(frame_indices: Sequence[int], timestamps_seconds: Sequence[float]) -> tuple[int, ...]:
    if timestamps_seconds[0] < -MAX_CLOCK_ERROR_SECONDS:
        warn(
            f"frames before 0 s are shown from 0 s on, which an index can say; the first is at "
            f"{timestamps_seconds[0]:.3f} s",
            TimestampWarning,
        )
    indices: list[int] = []
    source: int | None = None
    for index, seconds in zip(frame_indices, timestamps_seconds, strict=True):
        if index != source:
            ticks = max(0, _nearest_tick(seconds))
            # frames closer than a millisecond stay apart
            indices.append(max(ticks, indices[-1] + 1) if indices else ticks)
        else:
            indices.append(indices[-1])
        source = index
    return tuple(indices)


def _nearest_tick(seconds: float) -> int:
    """The millisecond that is nearest after rounding to tenths, as consumers do: 1.3496 is 1.349, not 1.350."""
    exact = seconds * TIMELINE_FPS
    rounded = round(exact)
    if math.isclose(exact, rounded, abs_tol=1e-6):
        return rounded
    return min(
        (math.floor(exact), math.ceil(exact)),
        key=lambda tick: (abs(round(tick / TIMELINE_FPS, 1) - seconds) > MAX_CLOCK_ERROR_SECONDS, abs(tick - exact)),
    )
