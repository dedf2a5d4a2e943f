"""QCA: equal segments share the budget by relevance and by how much they deviate; farthest points inside."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from clamr_select.policies.greedy import filled_by_score, unit_range
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.result import PolicyResult

_SOFTMAX_TEMPERATURE = 0.5
_LEAST_THRESHOLD = 1e-6


def qca(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    embeddings: np.ndarray,
    num_segments: int = 16,
    deviation_weight: float = 0.5,
    anchor_share: float = 0.5,
) -> PolicyResult:
    """Query-aware segments, as the authors' code (github.com/hktk07/QCA) of their ECCV 2026 paper.

    ``num_segments`` equal parts of the candidates get frames by
    ``b softmax(softmax(D) + softmax(V)) + (1 - b) softmax(mean score)``: D is the squared distance of a part's mean
    embedding from the whole's, V the trace of its covariance (temperature 0.5 for these three). Inside a part: the
    highest score, then farthest-point sampling among candidates with at least ``anchor_share`` of it, halved where
    they are too few. Scores are stretched to 0..1 first, as those of the ITM head the authors use.

    Args:
        embeddings: (num_candidates, dim), L2-normalised.
        num_segments: 1 or more; fewer where there are fewer candidates.
        deviation_weight: b, 0..1.
        anchor_share: 0..1.
    """
    parts = min(whole_number("num_segments", num_segments, low=1), len(scores))
    weight = number("deviation_weight", deviation_weight, low=0, high=1)
    share = number("anchor_share", anchor_share, low=0, high=1)
    relevance = unit_range(scores)
    base, extra = divmod(len(scores), parts)
    edges = np.concatenate([[0], np.cumsum([base + (part < extra) for part in range(parts)])])
    means = np.array([relevance[a:b].mean() for a, b in pairwise(edges)])
    importance = weight * _deviation(embeddings, edges) + (1 - weight) * _softmax(means)
    counts = _counts(importance, capacity=np.diff(edges), even=base, num_frames=num_frames)
    taken: list[int] = []
    for first, end, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
        taken += [first + at for at in _within(relevance[first:end], embeddings[first:end], count, share)]
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    used = {"num_segments": parts, "deviation_weight": weight, "anchor_share": share}
    return PolicyResult(indices, parameters=used)


def _softmax(values: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    shares = np.exp((values - values.max()) / temperature)
    return shares / shares.sum()


def _deviation(embeddings: np.ndarray, edges: np.ndarray) -> np.ndarray:
    overall = embeddings.mean(axis=0)
    distances, traces = [], []
    for first, end in pairwise(edges):
        part = embeddings[first:end]
        distances.append(float(np.square(overall - part.mean(axis=0)).sum()))
        traces.append(float(part.var(axis=0, ddof=1).sum()) if end - first > 1 else 0.0)
    both = _softmax(np.array(distances), temperature=_SOFTMAX_TEMPERATURE)
    both = both + _softmax(np.array(traces), temperature=_SOFTMAX_TEMPERATURE)
    return _softmax(both, temperature=_SOFTMAX_TEMPERATURE)


def _counts(importance: np.ndarray, *, capacity: np.ndarray, even: int, num_frames: int) -> np.ndarray:
    """Frames a part: largest remainders, none above ``even`` in the first round; what is over goes by importance."""
    exact = importance / importance.sum() * min(num_frames, even * len(importance))
    counts = np.floor(exact).astype(np.int64)
    left = min(num_frames, even * len(importance)) - int(counts.sum())
    for part in np.argsort(-(exact - counts), kind="stable"):
        if left > 0 and counts[part] < even:
            counts[part] += 1
            left -= 1
    by_importance = np.argsort(-importance, kind="stable")
    counts = np.minimum(counts, capacity)
    for part in by_importance:
        counts[part] += min(capacity[part] - counts[part], max(0, num_frames - int(counts.sum())))
    return counts


def _within(relevance: np.ndarray, vectors: np.ndarray, count: int, share: float) -> list[int]:
    """Positions within a part."""
    if not count:
        return []
    anchor = int(relevance.argmax())
    threshold = share * relevance[anchor]
    while True:
        pool = np.union1d(np.flatnonzero(relevance >= threshold), [anchor])
        if len(pool) >= count or threshold <= _LEAST_THRESHOLD:
            break
        threshold /= 2
    if len(pool) <= count:
        return pool.tolist()
    taken = [anchor]
    nearest = np.square(vectors[pool] - vectors[anchor]).sum(axis=1)
    for _ in range(count - 1):
        nearest[np.isin(pool, taken)] = -1.0
        taken.append(int(pool[nearest.argmax()]))
        nearest = np.minimum(nearest, np.square(vectors[pool] - vectors[taken[-1]]).sum(axis=1))
    return taken
