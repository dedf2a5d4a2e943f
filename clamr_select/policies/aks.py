"""Adaptive keyframe sampling (AKS): split the timeline where the best frames do not stand out."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.by_score import take_by_score
from clamr_select.policies.greedy import filled_by_score, unit_range
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.result import PolicyResult


def aks(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    threshold: float = 0.8,
    max_depth: int = 5,
) -> PolicyResult:
    """Judge and split, the ADA strategy of AKS (Tang et al., CVPR 2025, arXiv 2502.21271).

    Scores are stretched to 0..1. A part of the timeline is kept whole where the mean of its K highest scores
    exceeds its mean by more than ``threshold``; else it is halved, up to ``max_depth`` times. A part that was
    halved d times gets ``floor(K / 2**d)`` frames, its highest scores.

    The released code returns fewer than K frames where K is no multiple of ``2**d``, and divides by zero on
    constant scores. Here the places left over go to the highest scores that are not taken.

    Args:
        threshold: -1..1, ``t1`` of the paper. A value below 0 keeps everything whole: ``topk``.
        max_depth: 0 or more. The paper tunes both a benchmark: 3 to 4 and 0.2 to 0.4 for LongVideoBench.
    """
    limit = number("threshold", threshold, low=-1, high=1)
    depth = whole_number("max_depth", max_depth, low=0)
    relevance = unit_range(scores)
    taken: list[int] = []
    for first, last, times_halved in _parts(relevance, num_frames=num_frames, threshold=limit, max_depth=depth):
        taken += _best_within(scores, timestamps_seconds, first, last, num_frames=num_frames // 2**times_halved)
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices, parameters={"threshold": limit, "max_depth": depth})


def aks_bins(
    scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, num_bins: int | None = None
) -> PolicyResult:
    """The highest scores of each of ``num_bins`` equal parts of the candidates: BIN of AKS (arXiv 2502.21271).

    Args:
        num_bins: 1..num_frames. None is half of the frames, so that each part gets two. Places left over go to the
            highest scores that are not taken.
    """
    bins = whole_number("num_bins", max(1, num_frames // 2) if num_bins is None else num_bins, low=1, high=num_frames)
    edges = np.arange(bins + 1) * len(scores) // bins
    taken: list[int] = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        taken += _best_within(scores, timestamps_seconds, first, last, num_frames=num_frames // bins)
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices, parameters={"num_bins": bins})


def _parts(relevance: np.ndarray, *, num_frames: int, threshold: float, max_depth: int) -> list[tuple[int, int, int]]:
    """(first, end, times halved) of the parts that are kept, ``end`` excluded."""
    kept: list[tuple[int, int, int]] = []
    waiting = [(0, len(relevance), 0)]
    while waiting:
        first, end, depth = waiting.pop()
        part = relevance[first:end]
        best = np.partition(part, max(0, len(part) - num_frames))[-num_frames:]
        if best.mean() - part.mean() > threshold or depth >= max_depth or len(part) < 2:
            kept.append((first, end, depth))
        else:
            middle = first + len(part) // 2
            waiting += [(middle, end, depth + 1), (first, middle, depth + 1)]
    return kept


def _best_within(
    scores: np.ndarray, timestamps_seconds: np.ndarray, first: int, end: int, *, num_frames: int
) -> list[int]:
    wanted = min(num_frames, end - first)
    if not wanted:
        return []
    taken = take_by_score(scores[first:end], timestamps_seconds[first:end], num_frames=wanted)
    return [first + position for position in taken]
