"""MarKey: relevance, coverage of anchors (facility location), and redundancy within a window."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.greedy import GreedyChoice, filled_by_score, screened, unit_range
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.similarity import FrameSimilarity, rows, some_candidates


def markey(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    similarity: FrameSimilarity,
    relevance_weight: float = 0.7,
    coverage_weight: float = 0.2,
    redundancy_weight: float = 0.1,
    clip_seconds: float = 10.0,
    max_anchors: int = 648,
    max_candidates: int = 4096,
) -> PolicyResult:
    """Again and again the frame with the highest gain of MarKey (arXiv 2609.15408)::

        a r_i + d mean over anchors u of max(similarity_ui - m_u, 0) - l rho_i

    r are the scores stretched to 0..1; m_u is the highest similarity of anchor u to a frame taken (0 at first), the
    gain of facility location; rho_i the highest similarity to a frame taken that is no more than ``clip_seconds``
    away (the paper's window; its length and exact form could not be had). Anchors: the highest, middle and lowest
    score of every ``clip_seconds``, thinned evenly to ``max_anchors``.

    Args:
        similarity: of the frames.
        relevance_weight, coverage_weight, redundancy_weight: a, d and l, 0 or more.
        max_candidates: of so many equal bins of time the best candidate each, beside the anchors.
    """
    relevant = number("relevance_weight", relevance_weight, low=0)
    covering = number("coverage_weight", coverage_weight, low=0)
    redundant = number("redundancy_weight", redundancy_weight, low=0)
    clip = number("clip_seconds", clip_seconds, low=1e-3)
    most_anchors = whole_number("max_anchors", max_anchors, low=1)
    pool = whole_number("max_candidates", max_candidates, low=1)
    anchors = _anchors(scores, timestamps_seconds, clip_seconds=clip, max_anchors=most_anchors)
    kept = np.union1d(screened(scores, timestamps_seconds, max_candidates=max(pool, num_frames)), anchors)
    times = timestamps_seconds[kept]
    alike = some_candidates(similarity, kept)
    to_anchors = rows(alike, np.searchsorted(kept, anchors))
    covered = np.zeros(len(anchors), dtype=to_anchors.dtype)
    relevance = relevant * unit_range(scores)[kept]
    nearby = np.zeros(len(kept))
    choice = GreedyChoice(times, num_frames=min(num_frames, len(kept)))
    while not choice.is_full:
        coverage = np.maximum(to_anchors - covered[:, None], 0).mean(axis=0)
        at = choice.best(relevance + covering * coverage - redundant * nearby)
        covered = np.maximum(covered, to_anchors[:, at])
        near = np.abs(times - times[at]) <= clip
        nearby[near] = np.maximum(nearby, alike.to(at))[near]
    indices = filled_by_score(
        kept[choice.taken].tolist(), scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames
    )
    used = {
        "relevance_weight": relevant,
        "coverage_weight": covering,
        "redundancy_weight": redundant,
        "clip_seconds": clip,
        "max_anchors": most_anchors,
        "max_candidates": pool,
    }
    return PolicyResult(indices, parameters=used)


def _anchors(
    scores: np.ndarray, timestamps_seconds: np.ndarray, *, clip_seconds: float, max_anchors: int
) -> np.ndarray:
    """Positions, in time order."""
    clips = ((timestamps_seconds - timestamps_seconds[0]) // clip_seconds).astype(np.int64)
    order = np.lexsort((-scores, clips))
    _, first, counts = np.unique(clips[order], return_index=True, return_counts=True)
    found = np.unique(order[np.concatenate([first, first + counts // 2, first + counts - 1])])
    if len(found) <= max_anchors:
        return found
    return found[np.round(np.linspace(0, len(found) - 1, max_anchors)).astype(np.int64)]
