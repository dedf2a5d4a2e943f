"""Frames that must be there, and clips around the frames a policy chose."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clamr_select.errors import InputError
from clamr_select.policies.by_score import take_by_score
from clamr_select.policies.parameters import number
from clamr_select.policies.peaks import median_step_seconds
from clamr_select.policies.spread import TIME_TOLERANCE_SECONDS

Choose = Callable[[np.ndarray, int], Sequence[int]]
"""Takes positions of the candidates that may be chosen and a number of frames; returns places among them."""


def forced_positions(
    timestamps_seconds: np.ndarray, *, first: bool = False, last: bool = False, at_seconds: Sequence[float] = ()
) -> tuple[int, ...]:
    """Positions of the candidates nearest to what must be shown, in time order, each once.

    Raises:
        InputError: a time outside the candidates' by more than their step.
    """
    step = median_step_seconds(timestamps_seconds)
    start, end = float(timestamps_seconds[0]), float(timestamps_seconds[-1])
    found = {0} if first else set()
    found |= {len(timestamps_seconds) - 1} if last else set()
    for seconds in at_seconds:
        if not start - step <= number("at_seconds", seconds) <= end + step:
            raise InputError(f"a frame at {seconds:g} s is to be included; candidates are at {start:g} to {end:g} s")
        found.add(int(np.abs(timestamps_seconds - seconds).argmin()))
    return tuple(sorted(found))


def with_forced(forced: Sequence[int], choose: Choose, *, num_candidates: int, num_frames: int) -> tuple[int, ...]:
    """``forced`` and, from the other candidates, as many more as ``num_frames`` allows.

    Raises:
        InputError: more are forced than there are frames.
    """
    _check_forced(forced, num_frames)
    others = np.setdiff1d(np.arange(num_candidates), np.array(forced, dtype=np.int64))
    wanted = min(num_frames - len(forced), len(others))
    chosen = others[list(choose(others, wanted))].tolist() if wanted else []
    return tuple(sorted([*forced, *chosen]))


def _check_forced(forced: Sequence[int], num_frames: int) -> None:
    if len(forced) > num_frames:
        raise InputError(f"{len(forced)} frames must be included and num_frames is {num_frames}; ask for more frames")


def clip_intervals(
    hits: Sequence[int], *, timestamps_seconds: np.ndarray, clip_seconds: float
) -> list[tuple[float, float]]:
    """(start, end) seconds of the clips around the hits, those that touch joined, within the candidates' time."""
    half = number("clip_seconds", clip_seconds, low=0) / 2
    first, last = float(timestamps_seconds[0]), float(timestamps_seconds[-1])
    joined: list[tuple[float, float]] = []
    for hit in sorted(hits):
        start, end = max(first, float(timestamps_seconds[hit]) - half), min(last, float(timestamps_seconds[hit]) + half)
        if joined and start <= joined[-1][1] + TIME_TOLERANCE_SECONDS:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def clip_positions(
    hits: Sequence[int],
    *,
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    clip_seconds: float,
    num_frames: int,
    forced: Sequence[int] = (),
) -> tuple[int, ...]:
    """Candidates within the clips around hits, ``num_frames`` of them: ``forced``, which are hits too, the other hits,
    then the nearest to a hit.

    Where the clips hold fewer, the highest scores outside them follow.

    Raises:
        InputError: more are forced than there are frames.
    """
    half = number("clip_seconds", clip_seconds, low=0) / 2
    _check_forced(forced, num_frames)
    others = sorted(set(hits) - set(forced), key=lambda at: (-scores[at], at))
    best_hits = [*forced, *others][:num_frames]
    distance = np.min([np.abs(timestamps_seconds - timestamps_seconds[hit]) for hit in best_hits], axis=0)
    inside = np.flatnonzero(distance <= half + TIME_TOLERANCE_SECONDS)
    ordered = inside[np.lexsort((inside, -scores[inside], np.round(distance[inside], 6)))]
    taken = list(dict.fromkeys([*best_hits, *ordered.tolist()]))[:num_frames]
    return tuple(sorted(take_by_score(scores, timestamps_seconds, num_frames=num_frames, already_taken=taken)))
