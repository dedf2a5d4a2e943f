"""Interval potential of A.I.R.: events above a threshold, ranked, and sampled more densely near their best frame."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.greedy import filled_by_score, unit_range
from clamr_select.policies.parameters import number
from clamr_select.policies.result import PolicyResult

_EM_STEPS = 100
_LEAST_VARIANCE = 1e-6
_MOST_FITTED = 4096
"""Scores the mixture is fitted to, evenly from the lowest to the highest."""


def air(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    deviations: float = 0.7,
    length_weight: float = 1.0,
    merge_seconds: float = 2.0,
    growth: float = 1.5,
) -> PolicyResult:
    """The rules of A.I.R. (ICLR 2026, arXiv 2510.04428) that need no VLM.

    A mixture of two Gaussians is fitted to the scores; events are runs of candidates at or above
    ``T = max(mean) - deviations max(std)``, joined where less than ``merge_seconds`` apart. Their potential is
    ``mean s (1 + mean |change of s|) (1 + length_weight log10 length)``, s stretched to 0..1. The best frame of every
    event is taken, by potential; then, event by event again, frames to both sides of it, each step ``growth`` times
    as long as the one before. In the paper a VLM reads these frames and decides; its exact constants could not be had.

    Args:
        deviations: 0 or more, gamma of the paper.
        length_weight: 0 or more.
        merge_seconds: 0 or more.
        growth: 1 or more.
    """
    below = number("deviations", deviations, low=0)
    long = number("length_weight", length_weight, low=0)
    merge = number("merge_seconds", merge_seconds, low=0)
    factor = number("growth", growth, low=1)
    relevance = unit_range(scores)
    events = _events(relevance, timestamps_seconds, threshold=_threshold(relevance, below), merge_seconds=merge)
    potential = _potentials(relevance, events, length_weight=long)
    ranked = [events[at] for at in np.argsort(-potential, kind="stable")]
    rounds = [_outwards(relevance, *event, growth=factor) for event in ranked[:num_frames]]
    taken: list[int] = []
    for step in range(max(map(len, rounds), default=0)):
        taken += [at for event in rounds for at in event[step : step + 1]]
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    used = {"deviations": below, "length_weight": long, "merge_seconds": merge, "growth": factor}
    return PolicyResult(indices, parameters=used)


def _threshold(relevance: np.ndarray, deviations: float) -> float:
    """By expectation maximisation, from the lower and the upper half: no draws, so the same scores give the same."""
    ordered = np.sort(relevance)
    if len(ordered) > _MOST_FITTED:
        ordered = ordered[np.round(np.linspace(0, len(ordered) - 1, _MOST_FITTED)).astype(np.int64)]
    half = max(1, len(ordered) // 2)
    means = np.array([ordered[:half].mean(), ordered[-half:].mean()])
    variances = np.full(2, max(float(ordered.var()), _LEAST_VARIANCE))
    shares = np.array([0.5, 0.5])
    for _ in range(_EM_STEPS):
        logs = np.log(shares) - np.log(variances) / 2 - np.square(ordered[:, None] - means) / (2 * variances)
        owned = np.exp(logs - logs.max(axis=1, keepdims=True))
        owned /= owned.sum(axis=1, keepdims=True)
        weights = np.maximum(owned.sum(axis=0), _LEAST_VARIANCE)
        moved = (owned * ordered[:, None]).sum(axis=0) / weights
        variances = np.maximum((owned * np.square(ordered[:, None] - moved)).sum(axis=0) / weights, _LEAST_VARIANCE)
        shares = weights / weights.sum()
        settled = np.abs(moved - means).max() < _LEAST_VARIANCE
        means = moved
        if settled:
            break
    return float(means.max() - deviations * np.sqrt(variances.max()))


def _events(
    relevance: np.ndarray, timestamps_seconds: np.ndarray, *, threshold: float, merge_seconds: float
) -> list[tuple[int, int]]:
    """(first, end) of each, ``end`` excluded; never none, since the threshold is at most a mean."""
    above = np.flatnonzero(relevance >= threshold)
    apart = (np.diff(above) > 1) & (np.diff(timestamps_seconds[above]) >= merge_seconds)
    starts = np.concatenate([[0], np.flatnonzero(apart) + 1])
    ends = np.concatenate([starts[1:], [len(above)]]) - 1
    return [(int(above[a]), int(above[b]) + 1) for a, b in zip(starts, ends, strict=True)]


def _potentials(relevance: np.ndarray, events: list[tuple[int, int]], *, length_weight: float) -> np.ndarray:
    sums = np.concatenate([[0.0], np.cumsum(relevance)])
    changes = np.concatenate([[0.0, 0.0], np.cumsum(np.abs(np.diff(relevance)))])  # up to each candidate
    first, end = np.array(events).T
    lengths = end - first
    change = (changes[end] - changes[first + 1]) / np.maximum(lengths - 1, 1)
    return (sums[end] - sums[first]) / lengths * (1 + change) * (1 + length_weight * np.log10(lengths))


def _outwards(relevance: np.ndarray, first: int, end: int, *, growth: float) -> list[int]:
    best = first + int(relevance[first:end].argmax())
    found, distance, step = [best], 1.0, 1.0
    while distance < end - first:
        found += [at for at in (best - round(distance), best + round(distance)) if first <= at < end]
        step *= growth
        distance += step
    return found
