"""Budget plans: the same tokens spent on more, smaller frames, or on tiers of resolution."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.errors import InputError
from clamr_select.policies.parameters import number, whole_number

Tiers = Sequence[tuple[int, float]]
"""Frames and side share of each, the largest side first."""
TIERS = ((4, 1.0), (8, 0.5), (32, 0.25))
"""Frames and side of each tier, of the largest tier's side: Q-Frame's (arXiv 2506.22139). Its rule of equal tokens,
``high + middle / 4 + low / 16``, makes them 8 frames of the largest."""


@dataclass(frozen=True)
class FramePlan:
    """How large each selected frame is shown."""

    side_shares: tuple[float, ...]
    """One a selected frame, in time order: the side, of the full side; 1 is full size."""

    @property
    def equal_frames(self) -> float:
        """Full frames of the same area."""
        return float(sum(share**2 for share in self.side_shares))

    def max_sides(self, *, width: int, height: int) -> tuple[int, ...]:
        """Longer side in pixels, one a frame."""
        return tuple(max(1, round(share * max(width, height))) for share in self.side_shares)


def more_smaller_frames(num_frames: int, *, token_share: float = 0.5) -> tuple[int, float]:
    """How many frames, and their side, at the area of ``num_frames`` full ones.

    With half of it each, twice the frames: 16 at half of the tokens beat 8 full ones by 1.6 to 3.0 points on three
    benchmarks (a controlled study; docs/policies.md). Tokens go with the area where a family of VLMs does not scale.

    Args:
        token_share: of a full frame's area, above 0 up to 1.

    Returns:
        (num_frames, side_share)
    """
    share = number("token_share", token_share, low=1e-6, high=1)
    return max(1, math.floor(whole_number("num_frames", num_frames, low=1) / share)), math.sqrt(share)


def tiers_of(num_frames: int) -> Tiers:
    """Q-Frame's tiers, scaled to the area of ``num_frames`` full frames; at least one frame each."""
    wanted = whole_number("num_frames", num_frames, low=1)
    full = sum(count * side**2 for count, side in TIERS)
    return tuple((max(1, math.floor(count * wanted / full)), side) for count, side in TIERS)


def tiers_for_tokens(max_tokens: int, *, cost: Callable[[int, float], int]) -> Tiers:
    """The largest of :func:`tiers_of` that fit ``max_tokens``.

    Args:
        cost: tokens of (frames, side share), one a frame at least.

    Raises:
        InputError: not even the smallest fit.
    """

    def total(num_frames: int) -> int:
        return sum(cost(*tier) for tier in tiers_of(num_frames))

    allowed = whole_number("max_tokens", max_tokens, low=1)
    if total(1) > allowed:
        raise InputError(
            f"the smallest tiers, {_listed(tiers_of(1))}, cost {total(1)} tokens, max_tokens is {allowed}; "
            "allow more, or take resolution='full'"
        )
    return tiers_of(bisect_right(range(1, allowed + 1), allowed, key=total))


def _listed(tiers: Tiers) -> str:
    return ", ".join(f"{frames} at {side:g} of the side" for frames, side in tiers)


def tier_plan(scores: Sequence[float], *, tiers: Tiers = TIERS) -> FramePlan:
    """The best frames the largest: each tier takes the next best, the last one all that are left.

    Args:
        scores: of the selected frames, in time order; equal ones go to the earlier.
        tiers: a single one makes all frames alike.

    Raises:
        InputError: no tier, or sides that grow.
    """
    sides = [number("side share", side, low=1e-6, high=1) for _, side in tiers]
    if not sides or sorted(sides, reverse=True) != sides:
        raise InputError(f"tiers are (frames, side share), the largest side first, got {list(tiers)}")
    shares = np.empty(len(scores))
    ranked = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    start = 0
    for (count, _), side in zip(tiers, sides, strict=True):
        shares[ranked[start : start + whole_number("frames of a tier", count, low=1)]] = side
        start += count
    shares[ranked[start:]] = sides[-1]
    return FramePlan(tuple(shares.tolist()))
