"""TASS: temporal suppression among the candidates above the mean."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.by_score import take_by_score
from clamr_select.policies.greedy import filled_by_score
from clamr_select.policies.parameters import number
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.topk_gap import take_with_gap

_POOL_PER_FRAME = 4


def tass(
    scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, gap_seconds: float = 20.0
) -> PolicyResult:
    """Time-aware similarity sampling of DATE (arXiv 2509.09263).

    Only candidates with a score above the mean, at most four a frame, best first; taken by score, each at least
    ``gap_seconds`` from every other, the gap halved until the frames are filled. The released code fails without
    ``topk``, and gives fewer frames where few scores are above the mean: here the others follow by score.

    Args:
        gap_seconds: above 0.
    """
    gap = number("gap_seconds", gap_seconds, low=1e-6)
    above = np.flatnonzero(scores > scores.mean())
    most = min(_POOL_PER_FRAME * num_frames, len(above))
    pool = np.sort(above[list(take_by_score(scores[above], timestamps_seconds[above], num_frames=most))])
    taken: list[int] = pool.tolist()
    if len(pool) > num_frames:
        positions, _ = take_with_gap(scores[pool], timestamps_seconds[pool], num_frames=num_frames, gap_seconds=gap)
        taken = pool[list(positions)].tolist()
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices, parameters={"gap_seconds": gap})
