"""Which frames of a video are candidates for selection: one on display at each tick of a regular clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from clamr_select.errors import InputError

DEFAULT_MAX_CANDIDATES = 10_800
"""Three hours at one candidate a second."""

COMPARISON_MAX_CANDIDATES = 768
"""The budget many published frame selectors scan, for comparisons on equal terms."""

_TICK_NOISE = 1e-6
"""Ticks: a timestamp this little after a tick is on it (0.1 * 30 is 3.0000000000000004)."""


@dataclass(frozen=True)
class Candidates:
    """Frames that may be selected, in time order."""

    frame_indices: np.ndarray
    """(num_candidates,) int64, strictly increasing, at least one."""
    timestamps_seconds: np.ndarray
    """(num_candidates,) float64: presentation time of each, from the container."""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message): ``candidates_thinned`` where there were more than the limit."""


def sample_candidates(
    timestamps_seconds: np.ndarray | Sequence[float],
    *,
    candidate_fps: float = 1.0,
    max_candidates: int = DEFAULT_MAX_CANDIDATES,
) -> Candidates:
    """The frame on display at ``start + k / candidate_fps`` for every k while the video lasts.

    The frame on display is the last one whose timestamp is not later; the last frame is taken to last as long
    as the median one. A frame on display at several ticks is one candidate, so a rate above the video's own
    gives every frame, and a still stretch gives one.

    Args:
        timestamps_seconds: (num_frames,) strictly increasing, at least one.
        candidate_fps: Candidates a second, > 0.
        max_candidates: At least 1. More are thinned evenly; the first and, from two on, the last are kept.

    Raises:
        InputError: an argument is out of range.
    """
    times = np.asarray(timestamps_seconds, dtype=np.float64)
    if times.ndim != 1 or len(times) == 0 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise InputError("timestamps_seconds must be a non-empty, finite, strictly increasing sequence")
    if not isinstance(candidate_fps, Real) or isinstance(candidate_fps, bool) or not 0 < candidate_fps < math.inf:
        raise InputError(f"candidate_fps must be a finite number above 0, got {candidate_fps!r}")
    if not isinstance(max_candidates, Integral) or isinstance(max_candidates, bool) or max_candidates < 1:
        raise InputError(f"max_candidates must be a whole number of at least 1, got {max_candidates!r}")

    # Counted a frame, not a tick, so that a gap of hours costs nothing: each frame is on display from the
    # first tick that is not before it to the first tick that is not before the next frame.
    end = times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 1.0 / candidate_fps)
    first_tick = np.ceil((np.append(times, end) - times[0]) * float(candidate_fps) - _TICK_NOISE)
    indices = np.flatnonzero(np.diff(first_tick) > 0)
    if len(indices) <= max_candidates:
        return Candidates(indices, times[indices])
    kept = indices[np.linspace(0, len(indices) - 1, max_candidates).round().astype(np.int64)]
    spacing = (times[indices[-1]] - times[indices[0]]) / max(1, max_candidates - 1)
    text = f"{len(indices)} candidates were thinned to {max_candidates}, about one every {spacing:.2f} s"
    return Candidates(kept, times[kept], (("candidates_thinned", text),))


def neighbor_indices(frame_indices: np.ndarray | Sequence[int], num_frames: int) -> np.ndarray:
    """The frame that follows each frame, (n,) int64; the last frame of the video is its own neighbour.

    Raises:
        InputError: an index is not in 0..num_frames-1.
    """
    indices = np.asarray(frame_indices, dtype=np.int64)
    if indices.size and (indices.min() < 0 or indices.max() >= num_frames):
        raise InputError(f"frame_indices must be in 0..{num_frames - 1}, got {indices.min()}..{indices.max()}")
    return np.minimum(indices + 1, num_frames - 1)
