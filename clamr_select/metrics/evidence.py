"""Did the selected frames show the evidence? Evidence is intervals of time, ends included."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clamr_select.errors import InputError

Interval = tuple[float, float]


def hit_at_k(timestamps_seconds: Sequence[float], *, evidence_seconds: Sequence[Interval]) -> bool:
    """Whether any of the k selected timestamps lies within any evidence interval.

    k is the number of timestamps handed in: frames of a selection are in time order, which has no "first k".

    Args:
        timestamps_seconds: (k,) times of the selected frames, any order; may be empty (no hit).
        evidence_seconds: (start, end) pairs, start <= end, both ends included (an instant is a pair of equal
            times). They may overlap.

    Raises:
        InputError: there is no evidence (the metric is undefined), or an interval ends before it starts.
    """
    return any(_hits(timestamps_seconds, evidence_seconds))


def evidence_recall(timestamps_seconds: Sequence[float], *, evidence_seconds: Sequence[Interval]) -> float:
    """Share of the evidence intervals that hold at least one selected timestamp, 0..1.

    Arguments and errors as in :func:`hit_at_k`. Overlapping intervals count one each.
    """
    hits = _hits(timestamps_seconds, evidence_seconds)
    return sum(hits) / len(hits)


def _hits(timestamps_seconds: Sequence[float], evidence_seconds: Sequence[Interval]) -> list[bool]:
    """One entry an interval: whether a timestamp lies in it."""
    if not len(evidence_seconds):
        raise InputError("evidence_seconds is empty: the metric is undefined; leave the question out and count it")
    for start, end in evidence_seconds:
        if not (math.isfinite(start) and math.isfinite(end) and start <= end):
            raise InputError(f"evidence must be finite (start, end) with start <= end, got ({start}, {end})")
    return [any(start <= t <= end for t in timestamps_seconds) for start, end in evidence_seconds]
