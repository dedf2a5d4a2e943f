"""A long video's tokens down to a number: those are kept that stand for the others best.

Each that is kept is one of the video's own, so no score rises. Those least like the ones chosen so far go first
(farthest-point traversal, Gonzalez, Theoretical Computer Science 1985): a word that is spoken once stays, and what is
said or shown over and over shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RUN_TOKENS = 4096
"""Tokens of one stretch of time that are chosen among themselves: cost grows with its square, not the video's."""


@dataclass(frozen=True)
class Bounded:
    """Tokens of one modality, in their order, and what of them is left."""

    vectors: np.ndarray
    """(num_kept, dim) float32."""
    num_tokens: int
    """Before."""
    least_similarity: float
    """Of a token that was left out to the nearest that was kept; 1 where all were kept."""


def bound_tokens(vectors: np.ndarray, *, max_tokens: int) -> Bounded:
    """At most ``max_tokens`` of (num_tokens, dim) L2-normalised vectors, in time order; the same every time.

    Each stretch of time keeps its share.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    num_tokens = len(vectors)
    if num_tokens <= max_tokens:
        return Bounded(vectors, num_tokens, 1.0)
    num_runs = min(-(-num_tokens // RUN_TOKENS), max_tokens)
    kept, least = [], 1.0
    for number in range(num_runs):
        first, last = (num_tokens * edge // num_runs for edge in (number, number + 1))
        share = max_tokens * (number + 1) // num_runs - max_tokens * number // num_runs
        chosen, similarity = _farthest_points(vectors[first:last], num_kept=share)
        kept.append(first + chosen)
        least = min(least, similarity)
    return Bounded(vectors[np.concatenate(kept)], num_tokens, least)


def _farthest_points(vectors: np.ndarray, *, num_kept: int) -> tuple[np.ndarray, float]:
    """Ascending positions of those kept, and the least similarity of any to the nearest of them."""
    if num_kept >= len(vectors):
        return np.arange(len(vectors)), 1.0
    chosen = np.zeros(num_kept, dtype=np.int64)
    nearest = vectors @ vectors[0]
    for number in range(1, num_kept):
        chosen[number] = int(nearest.argmin())
        np.maximum(nearest, vectors @ vectors[chosen[number]], out=nearest)
    return np.sort(chosen), float(nearest.min())
