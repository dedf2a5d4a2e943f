"""The one way in: a policy by name, its input checked, what it noticed recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.policies.by_score import TIE_TOLERANCE, is_flat
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.topk import topk
from clamr_select.policies.topk_gap import topk_gap
from clamr_select.policies.uniform import uniform

POLICIES: dict[str, Callable[..., PolicyResult]] = {"uniform": uniform, "topk": topk, "topk_gap": topk_gap}
"""Each takes (scores, timestamps_seconds, num_frames) with num_frames <= number of candidates, checked by
``select_indices``, and its own parameters by keyword."""


def select_indices(
    scores: Sequence[float] | np.ndarray,
    *,
    timestamps_seconds: Sequence[float] | np.ndarray,
    num_frames: int,
    policy: str = "topk_gap",
    **parameters: Any,
) -> PolicyResult:
    """Which candidates to take: exactly ``min(num_frames, len(scores))`` of them.

    The same input gives the same frames. Scores that differ by no more than 1e-6 are a tie. A tie wider than
    the frames left is spread evenly in time, otherwise the earlier frame wins; constant scores give uniform
    sampling and the warning ``flat_scores``.

    Args:
        scores: (num_candidates,) one finite score a candidate, higher is better.
        timestamps_seconds: (num_candidates,) strictly increasing.
        num_frames: how many frames, 1 or more. With fewer candidates all are taken, and the warning
            ``fewer_candidates`` says so.
        policy: a name in ``POLICIES``.
        parameters: parameters of that policy, e.g. ``min_gap_seconds`` of ``topk_gap``.

    Raises:
        UnknownNameError: no such policy.
        InputError: a parameter the policy does not have or a value it does not take, no scores, a NaN or
            infinite score, timestamps that do not fit, or ``num_frames`` < 1.
    """
    if policy not in POLICIES:
        raise unknown_name("policy", policy, POLICIES)
    _check_parameters(policy, parameters)
    if not isinstance(num_frames, (int, np.integer)) or isinstance(num_frames, bool) or num_frames < 1:
        raise InputError(f"num_frames must be a whole number >= 1, got {num_frames!r}")
    score_array = _finite_vector("scores", scores)
    times = _finite_vector("timestamps_seconds", timestamps_seconds)
    _check_times(times, num_scores=len(score_array))

    num_candidates = len(score_array)
    result = POLICIES[policy](score_array, times, min(int(num_frames), num_candidates), **parameters)
    noticed: list[tuple[str, str]] = []
    if num_candidates < num_frames:
        message = f"{num_frames} frames were asked for and there are {num_candidates} candidates"
        noticed.append(("fewer_candidates", message))
    # uniform never looked at the scores, so it has nothing to say about them
    if policy != "uniform" and is_flat(score_array):
        message = f"all {num_candidates} scores are within {TIE_TOLERANCE:g}; frames are spread in time"
        noticed.append(("flat_scores", message))
    return replace(result, warnings=(*noticed, *result.warnings))


def _check_parameters(policy: str, parameters: dict[str, Any]) -> None:
    signature = inspect.signature(POLICIES[policy])
    allowed = sorted(p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY)
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        raise InputError(
            f"policy {policy!r} has no parameter {', '.join(map(repr, unknown))}; "
            f"allowed: {', '.join(allowed) or 'none'}"
        )


def _finite_vector(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers, one a candidate: {error}") from error
    if vector.ndim != 1 or not len(vector):
        raise InputError(f"{name} must have shape (num_candidates,) with at least one candidate, got {vector.shape}")
    bad = np.flatnonzero(~np.isfinite(vector))
    if len(bad):
        raise InputError(f"{name}[{bad[0]}] is {vector[bad[0]]}; all {len(vector)} must be finite")
    return vector


def _check_times(times: np.ndarray, *, num_scores: int) -> None:
    if len(times) != num_scores:
        raise InputError(f"got {num_scores} scores and {len(times)} timestamps_seconds; one each a candidate")
    backward = np.flatnonzero(np.diff(times) <= 0)
    if len(backward):
        at = int(backward[0]) + 1
        raise InputError(
            f"timestamps_seconds must be strictly increasing, got {times[at - 1]} then {times[at]} at position {at}"
        )
