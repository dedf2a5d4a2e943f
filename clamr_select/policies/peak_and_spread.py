"""Peak-and-spread selection (PASS): peaks, their best neighbours, then the highest scores."""

from __future__ import annotations

import math

import numpy as np

from clamr_select.policies.by_score import take_by_score
from clamr_select.policies.greedy import filled_by_score
from clamr_select.policies.parameters import number
from clamr_select.policies.peaks import find_peaks, median_step_seconds
from clamr_select.policies.result import PolicyResult

_LEAST_BUDGET = 8
_LEAST_PROMINENCE = 1e-6
_HALVINGS = 5


def peak_and_spread(
    scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, prominence: float = 0.01
) -> PolicyResult:
    """PASS of HiMu (arXiv 2603.18558).

    Below 8 frames ``topk``. Else the ``floor(sqrt K)`` highest peaks, at least ``sqrt K`` seconds apart; of each its
    ``floor(sqrt(K) / 2) - 1`` best neighbours within ``sqrt(K) / 2`` seconds; the rest by score.

    Args:
        prominence: 0..1, of a peak, as a part of the range of the scores; halved up to five times where there is no
            peak. 0.01 is the selector's default, 0.05 that of the class.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    share = number("prominence", prominence, low=0, high=1)
    taken: list[int] = []
    if num_frames >= _LEAST_BUDGET:
        root, fps = math.sqrt(num_frames), 1 / median_step_seconds(timestamps_seconds)
        found = _peaks(scores, distance=max(1, int(root * fps)), share=share)
        if not len(found):
            found = np.array(take_by_score(scores, timestamps_seconds, num_frames=int(root)))
        taken = found[np.argsort(-scores[found], kind="stable")][: int(root)].tolist()
        reach = max(1, int(root / 2 * fps))
        for peak in tuple(taken):
            taken += _best_near(scores, peak, reach=reach, without=taken)[: max(0, int(root / 2) - 1)]
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices, parameters={"prominence": share})


def _peaks(scores: np.ndarray, *, distance: int, share: float) -> np.ndarray:
    prominence = max(_LEAST_PROMINENCE, share * float(scores.max() - scores.min()))
    found = np.zeros(0, dtype=np.int64)
    for _ in range(_HALVINGS):
        found = find_peaks(scores, distance=distance, prominence=prominence)
        if len(found):
            break
        prominence /= 2
    return found


def _best_near(scores: np.ndarray, peak: int, *, reach: int, without: list[int]) -> list[int]:
    near = [at for at in range(max(0, peak - reach), min(len(scores), peak + reach + 1)) if at not in without]
    return sorted(near, key=lambda at: (-scores[at], at))
