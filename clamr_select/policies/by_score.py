"""Taking candidates by score: what a tie is, and how one is broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    for start, end in _tier_bounds(scores[order]):
        yield np.sort(order[start:end])


def take_by_score(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    *,
    num_frames: int,
    gap_seconds: float = 0.0,
    already_taken: Sequence[int] = (),
) -> tuple[int, ...]:
    """Add the best candidates to ``already_taken`` until there are ``num_frames`` or none is far enough.

    A candidate is far enough when it is at least ``gap_seconds`` from every one taken. A tie with more such
    candidates than frames left is spread evenly in time, otherwise the earlier frame is tried first.

    Returns:
        Positions in the order they were taken, at most ``num_frames``.
    """
    order = np.argsort(-scores, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    free = np.ones(len(order), dtype=bool)  # by rank
    reach = gap_seconds - TIME_TOLERANCE_SECONDS
    taken: list[int] = []

    def take(position: int) -> None:
        first = np.searchsorted(timestamps_seconds, timestamps_seconds[position] - reach, side="right")
        last = np.searchsorted(timestamps_seconds, timestamps_seconds[position] + reach, side="left")
        free[rank[first:last]] = False
        free[rank[position]] = False
        taken.append(position)

    for position in already_taken:
        take(int(position))
    bounds = _tier_bounds(scores[order])
    start = end = 0
    while len(taken) < num_frames and free[end:].any():
        best = end + int(free[end:].argmax())
        while end <= best:  # tiers in which nothing is free are passed over
            start, end = next(bounds)
        tied = np.sort(order[start:end][free[start:end]])
        for position in _tie_order(tied, timestamps_seconds, num_left=num_frames - len(taken)):
            if len(taken) < num_frames and free[rank[position]]:
                take(position)
    return tuple(taken)


def _tier_bounds(descending: np.ndarray) -> Iterator[tuple[int, int]]:
    """Start and end of each group of tied scores."""
    count = len(descending)
    edges = np.flatnonzero(-np.diff(descending) > TIE_TOLERANCE) + 1
    start = 0
    for edge in (*edges.tolist(), count):
        while start < edge:  # mostly once: only where neighbours are tied and the ends are not, more often
            end = edge
            if descending[start] - descending[edge - 1] > TIE_TOLERANCE:
                run = descending[start:edge]
                end = start + int(np.searchsorted(-run, TIE_TOLERANCE - run[0], side="right"))
            yield start, end
            start = end


def _tie_order(tied: np.ndarray, timestamps: np.ndarray, *, num_left: int) -> list[int]:
    if len(tied) <= num_left:
        return tied.tolist()
    spread = tied[spread_evenly(timestamps[tied], num_frames=num_left)]
    # the gap may forbid some of the spread ones, so the others follow
    return [*spread.tolist(), *np.setdiff1d(tied, spread).tolist()]
