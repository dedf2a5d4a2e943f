"""Maximal marginal relevance."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.greedy import GreedyChoice, unit_range
from clamr_select.policies.parameters import number
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.similarity import FrameSimilarity


def mmr(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    similarity: FrameSimilarity,
    relevance_weight: float = 0.5,
) -> PolicyResult:
    """Again and again the frame with the highest ``w r - (1 - w) max similarity to those taken``.

    r are the scores stretched to 0..1. Carbonell and Goldstein, SIGIR 1998.

    Args:
        similarity: of the frames.
        relevance_weight: w, 0..1; 1 is ``topk``.
    """
    weight = number("relevance_weight", relevance_weight, low=0, high=1)
    relevance = weight * unit_range(scores)
    choice = GreedyChoice(timestamps_seconds, num_frames=num_frames)
    closest = similarity.to(choice.best(relevance))
    while not choice.is_full:
        position = choice.best(relevance - (1 - weight) * closest)
        closest = np.maximum(closest, similarity.to(position))
    return PolicyResult(tuple(sorted(choice.taken)), parameters={"relevance_weight": weight})
