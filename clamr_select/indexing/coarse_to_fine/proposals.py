"""Which windows may hold the answer, by what is known before they are encoded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def best_of_windows(scores: np.ndarray, *, window_candidates: int) -> np.ndarray:
    """(num_windows,) the highest score of each window's candidates.

    Args:
        scores: (num_candidates,), ``-inf`` where there is none.
    """
    starts = np.arange(0, len(scores), window_candidates)
    return np.maximum.reduceat(scores, starts)


def propose_windows(channels: Sequence[np.ndarray], *, num_windows: int, forced: Sequence[int] = ()) -> tuple[int, ...]:
    """The best windows of each kind of evidence in turn: the best by pictures, the best by words, the second …

    Scores of different kinds are never compared, so none can crowd out the other.

    Args:
        channels: (windows of the video,) each; ``-inf`` is never proposed. The earlier of two equals comes first.
        num_windows: at most so many, unless more are forced.
        forced: windows that are there whatever the channels say, and count.

    Returns:
        Numbers of windows, increasing.
    """
    orders = [
        [int(window) for window in np.argsort(-scores, kind="stable") if scores[window] > -np.inf]
        for scores in channels
    ]
    taken = set(forced)
    for rank in range(max(map(len, orders), default=0)):
        for order in orders:
            if len(taken) >= num_windows:
                return tuple(sorted(taken))
            if rank < len(order):
                taken.add(order[rank])
    return tuple(sorted(taken))
