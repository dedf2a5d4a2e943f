"""Taking candidates by score: what a tie is, and how one is broken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clamr_select.policies.spread import TIME_TOLERANCE_SECONDS, spread_evenly

TIE_TOLERANCE = 1e-6
"""Scores (mean over query tokens, -1..1) that differ by no more than this differ by rounding only."""


def is_flat(scores: np.ndarray) -> bool:
    """Whether two or more scores are all one tie, so that they cannot tell candidates apart."""
    return len(scores) > 1 and bool(scores.max() - scores.min() <= TIE_TOLERANCE)


def tiers(scores: np.ndarray) -> Iterator[np.ndarray]:
    """Positions in groups of tied scores, best group first, in time order within a group.

    A group is its highest score and everything within ``TIE_TOLERANCE`` below it. Groups are not chained
    (a within b, b within c), or a long video with densely spaced scores would be one single tie.
    """
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    start = 0
    while start < len(order):
        end = int(np.searchsorted(-descending, TIE_TOLERANCE - descending[start], side="right"))
        yield np.sort(order[start:end])
        start = end


def take_by_score(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    *,
    num_frames: int,
    gap_seconds: float = 0.0,
    already_taken: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """Add the best candidates to ``already_taken`` until there are ``num_frames`` or none is far enough.

    A candidate is far enough when it is at least ``gap_seconds`` from every one taken. A tie with more such
    candidates than frames left is spread evenly in time, otherwise the earlier frame is tried first.

    Returns:
        Positions in the order they were taken, at most ``num_frames``.
    """
    taken = list(already_taken)
    blocked = np.zeros(len(scores), dtype=bool)

    def block_around(position: int) -> None:
        distance = np.abs(timestamps_seconds - timestamps_seconds[position])
        blocked[distance < gap_seconds - TIME_TOLERANCE_SECONDS] = True
        blocked[position] = True

    for position in taken:
        block_around(position)
    for tier in tiers(scores):
        free = tier[~blocked[tier]]
        for position in _tie_order(free, timestamps_seconds, num_left=num_frames - len(taken)):
            if blocked[position]:
                continue
            taken.append(position)
            block_around(position)
            if len(taken) == num_frames:
                return tuple(taken)
    return tuple(taken)


def _tie_order(tied: np.ndarray, timestamps: np.ndarray, *, num_left: int) -> list[int]:
    if len(tied) <= num_left:
        return tied.tolist()
    spread = tied[spread_evenly(timestamps[tied], num_frames=num_left)]
    # the gap may forbid some of the spread ones, so the others follow
    return [*spread.tolist(), *np.setdiff1d(tied, spread).tolist()]
