"""Uniform sampling: the baseline that never looks at scores."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.result import PolicyResult
from clamr_select.policies.spread import spread_evenly


def uniform(scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int) -> PolicyResult:
    """The middle of ``num_frames`` equal bins of time.

    Published code has three variants, which give different frames: mid-bin ``(j + 0.5) N / K``, ``linspace``
    and floor-stride ``j N / K`` (used side by side in lmms-eval). This is mid-bin, the segment centres of TSN
    (Wang et al., ECCV 2016): the only one that is symmetric in time and needs neither the very first nor the
    very last frame, which are often black. Bins are cut in seconds, not in positions, because candidates need
    not be evenly spaced (variable frame rate, thinned candidates) and positions would then favour the dense
    stretches. For evenly spaced candidates it is ``floor((j + 0.5) N / K)``, but where the middle falls
    exactly between two candidates the earlier one is taken, as everywhere in this package.
    """
    del scores
    return PolicyResult(indices=tuple(spread_evenly(timestamps_seconds, num_frames=num_frames).tolist()))
