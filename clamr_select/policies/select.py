"""The one way in: a policy by name, its input checked, what it noticed recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.policies.by_score import TIE_TOLERANCE, is_flat
from clamr_select.policies.checks import check_result, check_times, finite_vector, unit_vectors
from clamr_select.policies.registry import (
    DEFAULT_POLICY,
    check_parameters,
    find_policy,
    policy_inputs,
)
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.similarity import FrameSimilarity, PooledSimilarity
from clamr_select.policies.spread import spread_evenly

_DECIMALS = 6
"""Scores are rounded to 1e-6, so that arithmetic on them does not tell ties apart."""
_BY_TIERS = ("uniform", "topk", "topk_gap")
"""They compare scores with the tolerance themselves, and so need no rounding."""


def select_indices(
    scores: Sequence[float] | np.ndarray,
    *,
    timestamps_seconds: Sequence[float] | np.ndarray,
    num_frames: int,
    policy: str = DEFAULT_POLICY,
    embeddings: np.ndarray | None = None,
    similarity: FrameSimilarity | None = None,
    **parameters: Any,
) -> PolicyResult:
    """Which candidates to take: exactly ``min(num_frames, len(scores))`` of them.

    The same input gives the same frames. Scores that differ by no more than 1e-6 (``topk``, ``topk_gap``), or that
    round alike to six decimals (the other policies), are a tie. A tie wider than the frames left is spread evenly in
    time, otherwise the earlier frame wins; constant scores give uniform sampling and the warning ``flat_scores``.

    Args:
        scores: (num_candidates,) one finite score a candidate, higher is better.
        timestamps_seconds: (num_candidates,) strictly increasing.
        num_frames: how many frames, 1 or more. With fewer candidates all are taken, and the warning
            ``fewer_candidates`` says so.
        policy: a name of :func:`clamr_select.policies.policy_names`.
        embeddings: (num_candidates, dim) one vector of length 1 a candidate, for policies that need them.
        similarity: of the candidates, for policies that look at it; None is the cosine of ``embeddings``.
        parameters: parameters of that policy, e.g. ``min_gap_seconds`` of ``topk_gap``.

    Raises:
        UnknownNameError: no such policy.
        InputError: a parameter the policy does not have or a value it does not take, no scores, a NaN or
            infinite score, timestamps or embeddings that do not fit or are missing, or ``num_frames`` < 1.
        MissingDependencyError: the policy needs a package that is not installed.
    """
    function = find_policy(policy)
    check_parameters(policy, parameters)
    if not isinstance(num_frames, (int, np.integer)) or isinstance(num_frames, bool) or num_frames < 1:
        raise InputError(f"num_frames must be a whole number >= 1, got {num_frames!r}")
    score_array = finite_vector("scores", scores)
    times = finite_vector("timestamps_seconds", timestamps_seconds)
    num_candidates = len(score_array)
    check_times(times, num_scores=num_candidates)
    inputs = _inputs(policy, num_candidates, embeddings=embeddings, similarity=similarity)

    wanted = min(int(num_frames), num_candidates)
    flat = policy != "uniform" and is_flat(score_array)
    rounded = score_array if policy in _BY_TIERS else np.round(score_array, _DECIMALS)
    result = function(rounded, times, wanted, **inputs, **parameters)
    check_result(result.indices, policy=policy, num_candidates=num_candidates, num_frames=wanted)
    noticed: list[tuple[str, str]] = []
    if num_candidates < num_frames:
        message = f"{num_frames} frames were asked for and there are {num_candidates} candidates"
        noticed.append(("fewer_candidates", message))
    if flat:
        message = f"all {num_candidates} scores are within {TIE_TOLERANCE:g}; frames are spread in time"
        noticed.append(("flat_scores", message))
        result = replace(result, indices=tuple(spread_evenly(times, num_frames=wanted).tolist()))
    return replace(result, warnings=(*noticed, *result.warnings))


def _inputs(
    policy: str, num_candidates: int, *, embeddings: np.ndarray | None, similarity: FrameSimilarity | None
) -> dict[str, Any]:
    """``embeddings`` and ``similarity``, as far as the policy takes them."""
    takes = policy_inputs(policy)
    vectors = None
    if takes and embeddings is not None:
        vectors = unit_vectors(embeddings, num_scores=num_candidates)
    if similarity is None and vectors is not None:
        similarity = PooledSimilarity(vectors)
    if similarity is not None and len(similarity) != num_candidates:
        raise InputError(f"got {num_candidates} scores and the similarity of {len(similarity)} candidates")
    given = {"embeddings": vectors, "similarity": similarity}
    for name, is_needed in takes.items():
        if is_needed and given[name] is None:
            raise InputError(
                f"policy {policy!r} compares frames: pass embeddings, (num_candidates, dim) vectors of length 1"
                + (", or similarity" if name == "similarity" else "")
            )
    return {name: given[name] for name in takes}
