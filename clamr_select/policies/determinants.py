"""Policies that spread frames in the space of their embeddings: greedy DPP, and orthogonal matching pursuit."""

from __future__ import annotations

from typing import Literal

import numpy as np

from clamr_select.policies.greedy import GreedyChoice, filled_by_score, unit_range
from clamr_select.policies.parameters import choice as check_choice
from clamr_select.policies.parameters import number
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.similarity import FrameSimilarity

_SPANNED = 1e-6
"""A frame with no more than this of its squared length outside the span of those taken adds nothing."""
_LEAST_RELEVANCE = 1e-6


class _Basis:
    """The frames taken, orthogonalised: an incremental Cholesky factor of their similarities (Chen et al. 2018)."""

    def __init__(self, similarity: FrameSimilarity, *, max_size: int) -> None:
        self.outside = np.ones(len(similarity))
        """(num_candidates,) squared length of each frame outside the span of those taken."""
        self._similarity = similarity
        self._coordinates = np.zeros((max_size, len(similarity)), dtype=np.float32)
        self._size = 0

    def add(self, position: int) -> np.ndarray:
        """(num_candidates,) coordinates of all frames along the new direction."""
        known = self._coordinates[: self._size]
        row = self._similarity.to(position) - known[:, position] @ known
        direction = row / np.sqrt(self.outside[position])
        self._coordinates[self._size] = direction
        self._size += 1
        self.outside = self.outside - np.square(direction, dtype=np.float64)
        return direction


def dpp(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    similarity: FrameSimilarity,
    relevance: Literal["minmax", "exponential"] = "minmax",
    strength: float = 1.0,
) -> PolicyResult:
    """Greedy MAP of a determinantal point process: ``argmax log det L_S``, ``L = diag(r) K diag(r)``.

    K is the similarity of the frames. Incremental Cholesky (Chen, Zhang and Zhou, NeurIPS 2018), O(N K^2).
    ``minmax`` relevance as LDDR (arXiv 2605.11477): r the scores stretched to 0..1, to the power ``strength``.
    ``exponential``: ``exp(strength z)``, z the standardised scores. Where the frames taken span all others, the
    places left go to the highest scores.

    Args:
        similarity: of the frames, positive semi-definite (pooled vectors are).
        strength: 0 or more; 0 looks at no score.
    """
    check_choice("relevance", relevance, ("minmax", "exponential"))
    weight = number("strength", strength, low=0)
    log_relevance = 2 * weight * _log_relevance(scores, relevance)
    basis = _Basis(similarity, max_size=num_frames)
    choice = GreedyChoice(timestamps_seconds, num_frames=num_frames)
    while not choice.is_full:
        spans = basis.outside <= _SPANNED
        spans[choice.taken] = True
        if spans.all():
            break
        gains = log_relevance + np.log(np.where(spans, 1.0, basis.outside))
        basis.add(choice.best(np.where(spans, -np.inf, gains)))
    indices = filled_by_score(choice.taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices, parameters={"relevance": relevance, "strength": weight})


def _log_relevance(scores: np.ndarray, kind: str) -> np.ndarray:
    if kind == "minmax":
        return np.log(np.maximum(unit_range(scores), _LEAST_RELEVANCE))
    deviation = scores.std()
    return (scores - scores.mean()) / deviation if deviation > 0 else np.zeros(len(scores))


def omp(
    scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, similarity: FrameSimilarity
) -> PolicyResult:
    """Orthogonal matching pursuit (Pati et al. 1993): each frame explains what is left of the question.

    ``argmax e_i · q_r``, then ``q_{r+1} = q_r - projection of q on the frames taken``. Only inner products are
    needed, and ``e_i · q`` is the score: ``e_i · q_r = s_i - K_iS K_SS^-1 s_S``. No parameter. Where the frames taken
    span all others, the places left go to the highest scores.

    Args:
        similarity: of the frames, positive semi-definite (pooled vectors are).
    """
    basis = _Basis(similarity, max_size=num_frames)
    choice = GreedyChoice(timestamps_seconds, num_frames=num_frames)
    left = scores.astype(np.float64)
    while not choice.is_full:
        spans = basis.outside <= _SPANNED
        spans[choice.taken] = True
        if spans.all():
            break
        position = choice.best(np.where(spans, -np.inf, left))
        along = left[position] / np.sqrt(basis.outside[position])
        left = left - along * basis.add(position)
    indices = filled_by_score(choice.taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices)
