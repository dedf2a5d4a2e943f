"""Uniform sampling: the baseline that never looks at scores."""

from __future__ import annotations

from typing import Literal

import numpy as np

from clamr_select.policies.parameters import choice
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.spread import spread_evenly

Variant = Literal["mid_bin", "linspace", "stride"]


def uniform(
    scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, variant: Variant = "mid_bin"
) -> PolicyResult:
    """``num_frames`` frames at equal distances.

    Published code has three variants, used side by side in lmms-eval, which give different frames:

    - ``mid_bin``, the middle of K equal bins: the segment centres of TSN (Wang et al., ECCV 2016), the only one
      that is symmetric in time and needs neither the very first nor the very last frame, which are often black.
      Bins are cut in seconds, not in positions, because candidates need not be evenly spaced (variable frame
      rate, thinned candidates) and positions would then favour the dense stretches. For evenly spaced candidates
      it is ``floor((j + 0.5) N / K)``, but where the middle falls exactly between two candidates the earlier one
      is taken, as everywhere in this package.
    - ``linspace``: positions ``round(j (N - 1) / (K - 1))``, first and last included; the first alone for K = 1.
    - ``stride``: positions ``floor(N / K) j``; never reaches the end.
    """
    del scores
    choice("variant", variant, ("mid_bin", "linspace", "stride"))
    num_candidates = len(timestamps_seconds)
    if variant == "mid_bin":
        positions = spread_evenly(timestamps_seconds, num_frames=num_frames)
    elif variant == "linspace":
        positions = np.round(np.linspace(0, num_candidates - 1, num_frames)).astype(np.int64)
    else:
        positions = num_candidates // num_frames * np.arange(num_frames)
    return PolicyResult(indices=tuple(positions.tolist()), parameters={"variant": variant})
