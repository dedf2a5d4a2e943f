"""Even sampling in time: the uniform policy, and how a wide tie is broken."""

from __future__ import annotations

import numpy as np

TIME_TOLERANCE_SECONDS = 1e-6
"""Times closer than this are equal: 2.3 - 0.3 is 1.9999999999999998."""


def spread_evenly(timestamps_seconds: np.ndarray, *, num_frames: int) -> np.ndarray:
    """Positions of ``num_frames`` candidates, spread evenly in time.

    Each candidate stands for the time around it, so the time covered reaches half a (median) step beyond the
    first and the last one. That time is cut into ``num_frames`` equal bins and the candidate nearest to the
    middle of each bin is taken, the earlier of two equally near. Where several bins share their nearest
    candidate (a long stretch without candidates), the missing frames are those farthest from all taken ones.

    Args:
        timestamps_seconds: (num_candidates,) strictly increasing.
        num_frames: 1..num_candidates.

    Returns:
        (num_frames,) int64, strictly increasing.
    """
    num_candidates = len(timestamps_seconds)
    if num_frames == num_candidates:
        return np.arange(num_candidates)
    half_step = float(np.median(np.diff(timestamps_seconds))) / 2
    start = timestamps_seconds[0] - half_step
    bin_seconds = (timestamps_seconds[-1] + half_step - start) / num_frames
    taken = np.unique(_nearest(timestamps_seconds, start + (np.arange(num_frames) + 0.5) * bin_seconds))
    return _add_farthest(timestamps_seconds, taken, num_frames=num_frames)


def _nearest(timestamps: np.ndarray, targets: np.ndarray) -> np.ndarray:
    right = np.clip(np.searchsorted(timestamps, targets), 1, len(timestamps) - 1)
    left = right - 1
    lead = (targets - timestamps[left]) - (timestamps[right] - targets)
    return np.where(lead <= TIME_TOLERANCE_SECONDS, left, right)


def _add_farthest(timestamps: np.ndarray, taken: np.ndarray, *, num_frames: int) -> np.ndarray:
    if len(taken) == num_frames:
        return taken
    distance = np.full(len(timestamps), np.inf)
    positions: list[int] = []

    def take(position: int) -> None:
        np.minimum(distance, np.abs(timestamps - timestamps[position]), out=distance)
        distance[position] = -np.inf
        positions.append(position)

    for position in taken:
        take(int(position))
    while len(positions) < num_frames:
        take(int(np.flatnonzero(distance >= distance.max() - TIME_TOLERANCE_SECONDS)[0]))
    return np.sort(np.array(positions))
