"""MDP3: a determinantal point process in segments, the budget shared out by dynamic programming."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.greedy import filled_by_score, screened
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.similarity import FrameSimilarity, rows, some_candidates

_BANDWIDTHS = 2.0 ** np.arange(-3, 2)
_LEAST = 1e-12
_SPANNED = 1e-9
_ROUNDING = 1e-9

Path = tuple[float, tuple[int, ...]]
"""Score and frames of the best way to have taken so many."""


def mdp3(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    similarity: FrameSimilarity,
    balance: float = 0.2,
    segment_size: int | None = None,
    max_candidates: int = 2048,
) -> PolicyResult:
    """Segment by segment, the frames with the highest ``(1 / balance) sum log r^2 + log det L`` (arXiv 2501.02885).

    L and r are sums of five Gaussian kernels, of two frames and of a frame and the question; since vectors have
    length 1, the squared distances are ``2 - 2 similarity`` and ``2 - 2 score``. Each segment is searched greedily
    (incremental Cholesky), given the last frame taken before it; dynamic programming over the segments shares out
    the frames. As the released code does, the terms of that last frame count again in every segment that takes any.

    Args:
        similarity: of the frames.
        balance: above 0, lambda of the paper.
        segment_size: candidates a segment; None is the released 32, or 128 above 32 frames.
        max_candidates: of so many equal bins of time the best candidate each, before anything else; O(N K^2).
    """
    lam = number("balance", balance, low=_LEAST)
    released_size = 32 if num_frames <= 32 else 128
    size = whole_number("segment_size", released_size if segment_size is None else segment_size, low=1)
    pool = whole_number("max_candidates", max_candidates, low=1)
    kept = screened(scores, timestamps_seconds, max_candidates=max(pool, num_frames))
    alike = some_candidates(similarity, kept)
    relevance = 2 / lam * np.log(np.maximum(_kernel(scores[kept]), _LEAST))
    paths: list[Path] = [(0.0, ())]
    for start in range(0, len(kept), size):
        paths = _through_segment(
            paths, alike, relevance, segment=np.arange(start, min(start + size, len(kept))), num_frames=num_frames
        )
    taken = kept[list(paths[-1][1])].tolist()
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    used = {"balance": lam, "segment_size": size, "max_candidates": pool}
    return PolicyResult(indices, parameters=used)


def _kernel(similarity: np.ndarray) -> np.ndarray:
    squared = np.maximum(2 - 2 * similarity, 0.0)
    return np.exp(-squared[..., None] / (2 * _BANDWIDTHS)).sum(axis=-1)


def _through_segment(
    paths: list[Path], alike: FrameSimilarity, relevance: np.ndarray, *, segment: np.ndarray, num_frames: int
) -> list[Path]:
    """The best path to each number of frames after this segment; every path so far is continued, all at once."""
    most = min(num_frames, len(segment))
    last = [frames[-1] if frames else -1 for _, frames in paths]
    gained, order = _greedy(alike, relevance, segment=segment, last=np.array(last), num_frames=most)
    best: list[Path] = [(-np.inf, ())] * min(num_frames + 1, len(paths) + most)
    best[0] = (0.0, ())
    for count, (score, frames) in enumerate(paths):
        for more in range(min(most, num_frames - count) + 1):
            total = score + (gained[count, more - 1] if more else 0.0)
            if total > best[count + more][0]:
                best[count + more] = (total, (*frames, *sorted(order[count, :more].tolist())))
    return best


def _greedy(
    alike: FrameSimilarity, relevance: np.ndarray, *, segment: np.ndarray, last: np.ndarray, num_frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each path: (num_paths, num_frames) value of the best 1, 2, … frames of the segment, and which they are."""
    inside = _kernel(rows(some_candidates(alike, segment), np.arange(len(segment))))
    norm = float(len(_BANDWIDTHS))
    outside = np.full((len(last), len(segment)), norm)
    coordinates = np.zeros((len(last), num_frames + 1, len(segment)))
    value = np.zeros(len(last))
    for path in np.flatnonzero(last >= 0):
        direction = _kernel(alike.to(int(last[path]))[segment]) / np.sqrt(norm)
        coordinates[path, 0] = direction
        outside[path] -= direction**2
        value[path] = relevance[last[path]] + np.log(norm)
    values = np.zeros((len(last), num_frames))
    order = np.zeros((len(last), num_frames), dtype=np.int64)
    free = np.ones(outside.shape, dtype=bool)
    paths = np.arange(len(last))
    for step in range(num_frames):
        gains = np.where(free, relevance[segment] + np.log(np.maximum(outside, _LEAST)), -np.inf)
        # the earlier one where only rounding tells them apart
        at = (gains >= gains.max(axis=1, keepdims=True) - _ROUNDING).argmax(axis=1)
        value = value + gains[paths, at]
        values[:, step], order[:, step] = value, segment[at]
        free[paths, at] = False
        # a frame that those taken span already opens no direction
        length = np.where(outside[paths, at] > _SPANNED, np.sqrt(np.maximum(outside[paths, at], _SPANNED)), np.inf)
        known = coordinates[:, : step + 1]
        projected = np.einsum("pc,pcn->pn", known[paths, :, at], known)
        direction = (inside[at] - projected) / length[:, None]
        coordinates[:, step + 1] = direction
        outside = np.maximum(outside - direction**2, 0.0)
    return values, order
