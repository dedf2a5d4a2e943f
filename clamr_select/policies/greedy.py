"""What greedy policies share: the best of changing gains, candidates screened beforehand, and places left over."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.by_score import TIE_TOLERANCE, take_by_score
from clamr_select.policies.spread import spread_evenly


def unit_range(scores: np.ndarray) -> np.ndarray:
    """Scores moved and stretched to 0..1; zeros where they are all one tie."""
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high - low > TIE_TOLERANCE else np.zeros(len(scores))


class GreedyChoice:
    """The best candidate again and again, while gains change in between.

    Ties as everywhere: more tied candidates than frames left are spread evenly in time, otherwise the earlier
    one is taken.
    """

    def __init__(self, timestamps_seconds: np.ndarray, *, num_frames: int) -> None:
        self.taken: list[int] = []
        self._times = timestamps_seconds
        self._num_frames = num_frames
        self._spread: list[int] = []

    def best(self, gains: np.ndarray) -> int:
        """The candidate with the highest of (num_candidates,) gains that is not taken yet; it is taken."""
        gains = gains.copy()
        gains[self.taken] = -np.inf
        tied = np.flatnonzero(gains >= gains.max() - TIE_TOLERANCE)
        left = self._num_frames - len(self.taken)
        if len(tied) > left:
            still = [position for position in self._spread if position in set(tied.tolist())]
            self._spread = still or tied[spread_evenly(self._times[tied], num_frames=left)].tolist()
            position = self._spread[0]
        else:
            position = int(tied[0])
        self.taken.append(position)
        return position

    @property
    def is_full(self) -> bool:
        return len(self.taken) == self._num_frames


def screened(scores: np.ndarray, timestamps_seconds: np.ndarray, *, max_candidates: int) -> np.ndarray:
    """Positions of at most ``max_candidates``: the best of each of so many equal bins of time, earlier of equals.

    A peak is never lost, only what stands beside a better one in its bin.
    """
    if len(scores) <= max_candidates:
        return np.arange(len(scores))
    start, end = timestamps_seconds[0], timestamps_seconds[-1]
    bins = ((timestamps_seconds - start) / (end - start) * max_candidates).astype(np.int64)
    bins = np.minimum(bins, max_candidates - 1)
    order = np.lexsort((np.arange(len(scores)), -scores, bins))
    _, first = np.unique(bins[order], return_index=True)
    return np.sort(order[first])


def filled_by_score(
    taken: list[int], *, scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int
) -> tuple[int, ...]:
    """Positions in time order; places that a rule left free go to the best scores not taken."""
    distinct = list(dict.fromkeys(taken))[:num_frames]
    return tuple(sorted(take_by_score(scores, timestamps_seconds, num_frames=num_frames, already_taken=distinct)))
