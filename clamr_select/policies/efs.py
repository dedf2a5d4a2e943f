"""Event anchors (EFS): cut where frames stop resembling their neighbours, one anchor an event, then MMR."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np

from clamr_select.policies.greedy import GreedyChoice, unit_range
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.peaks import find_peaks
from clamr_select.policies.result import PolicyResult


def efs(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    embeddings: np.ndarray,
    radius: int = 3,
    prominence: float = 0.1,
    relevance_weight: float | Literal["auto"] = "auto",
) -> PolicyResult:
    """Event-anchored selection (arXiv 2603.00983), as far as its rules are known.

    The similarity of each frame to its neighbours, weighted by closeness, is low between events: its valleys cut the
    timeline. The highest score of every event is its anchor; anchors are taken by score, and places left by MMR
    against all frames taken. The authors use DINO embeddings; their constants and the form of their adaptive weight
    could not be had.

    Args:
        embeddings: (num_candidates, dim), L2-normalised.
        radius: neighbours to each side, 1 or more.
        prominence: of a valley, 0..1, as a part of the range of similarity.
        relevance_weight: of MMR, 0..1. ``auto`` is ``1 - mean / 2`` of the scores stretched to 0..1: the rarer high
            scores are, the more they count.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    reach = whole_number("radius", radius, low=1)
    share = number("prominence", prominence, low=0, high=1)
    relevance = unit_range(scores)
    adaptive = 1 - float(relevance.mean()) / 2
    weight = adaptive if relevance_weight == "auto" else number("relevance_weight", relevance_weight, low=0, high=1)
    anchors = _anchors(relevance, _resemblance(embeddings, radius=reach), prominence=share)
    among_anchors = np.full(len(scores), -np.inf)
    among_anchors[anchors] = relevance[anchors]
    choice = GreedyChoice(timestamps_seconds, num_frames=num_frames)
    closest = np.full(len(scores), -1.0)
    while not choice.is_full:
        if len(choice.taken) < len(anchors):
            at = choice.best(among_anchors)
        else:
            at = choice.best(weight * relevance - (1 - weight) * closest)
        closest = np.maximum(closest, embeddings @ embeddings[at])
    used = {"radius": reach, "prominence": share, "relevance_weight": weight}
    return PolicyResult(tuple(sorted(choice.taken)), parameters=used)


def _resemblance(embeddings: np.ndarray, *, radius: int) -> np.ndarray:
    """(num_candidates,) mean similarity to the neighbours, the nearer the more."""
    total, weights = np.zeros(len(embeddings)), np.zeros(len(embeddings))
    for distance in range(1, min(radius, len(embeddings) - 1) + 1):
        alike = np.einsum("nd,nd->n", embeddings[:-distance], embeddings[distance:])
        for side in (slice(None, -distance), slice(distance, None)):
            total[side] += alike / distance
            weights[side] += 1 / distance
    return total / np.maximum(weights, 1e-12)


def _anchors(relevance: np.ndarray, resemblance: np.ndarray, *, prominence: float) -> np.ndarray:
    least = prominence * float(resemblance.max() - resemblance.min())
    valleys = find_peaks(-resemblance, distance=1, prominence=least)
    edges = [0, *valleys.tolist(), len(relevance)]
    return np.array([a + int(relevance[a:b].argmax()) for a, b in pairwise(edges) if b > a])
