"""The highest scores, however close together in time."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.by_score import take_by_score
from clamr_select.policies.result import PolicyResult


def topk(scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int) -> PolicyResult:
    """The ``num_frames`` highest scores. A tie for the last places is spread evenly in time."""
    taken = take_by_score(scores, timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices=tuple(sorted(taken)))
