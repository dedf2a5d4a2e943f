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


def evidence_precision(timestamps_seconds: Sequence[float], *, evidence_seconds: Sequence[Interval]) -> float:
    """Share of the selected timestamps that lie in an evidence interval, 0..1; 0 where none is selected.

    Arguments and errors as in :func:`hit_at_k`.
    """
    _hits(timestamps_seconds, evidence_seconds)
    inside = [any(start <= t <= end for start, end in evidence_seconds) for t in timestamps_seconds]
    return sum(inside) / len(inside) if inside else 0.0


def time_coverage(timestamps_seconds: Sequence[float], *, start_seconds: float, end_seconds: float) -> float:
    """Of as many equal bins of the time as there are timestamps, the share that hold one, 0..1.

    1 for uniform sampling, 1/k where all k lie in one bin; 0 without timestamps.

    Raises:
        InputError: the time ends before it starts, or a timestamp lies outside it.
    """
    if not len(timestamps_seconds):
        return 0.0
    span = end_seconds - start_seconds
    if not span >= 0 or min(timestamps_seconds) < start_seconds or max(timestamps_seconds) > end_seconds:
        raise InputError(
            f"timestamps must lie in {start_seconds:g}..{end_seconds:g} s, got {list(timestamps_seconds)[:4]}"
        )
    count = len(timestamps_seconds)
    bins = {min(int((t - start_seconds) / span * count), count - 1) if span else 0 for t in timestamps_seconds}
    return len(bins) / count
