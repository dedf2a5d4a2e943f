"""What goes into a policy and what comes out of it, checked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from clamr_select.errors import InputError

_LENGTH_TOLERANCE = 1e-3


def finite_vector(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """(num_candidates,) float64.

    Raises:
        InputError: another shape, no candidate, or one that is not finite.
    """
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


def check_times(times: np.ndarray, *, num_scores: int) -> None:
    """
    Raises:
        InputError: not one a score, or not strictly increasing.
    """
    if len(times) != num_scores:
        raise InputError(f"got {num_scores} scores and {len(times)} timestamps_seconds; one each a candidate")
    backward = np.flatnonzero(np.diff(times) <= 0)
    if len(backward):
        at = int(backward[0]) + 1
        raise InputError(
            f"timestamps_seconds must be strictly increasing, got {times[at - 1]} then {times[at]} at position {at}"
        )


def unit_vectors(embeddings: np.ndarray, *, num_scores: int) -> np.ndarray:
    """(num_candidates, dim) floating point.

    Raises:
        InputError: another shape, or a row that has not length 1.
    """
    vectors = np.asarray(embeddings)
    if vectors.ndim != 2 or len(vectors) != num_scores or not np.issubdtype(vectors.dtype, np.floating):
        raise InputError(
            f"embeddings must be floating point of shape ({num_scores}, dim), one a candidate, "
            f"got {vectors.dtype} of shape {vectors.shape}"
        )
    lengths = np.einsum("nd,nd->n", vectors, vectors)
    bad = np.flatnonzero(~(np.abs(lengths - 1) <= 2 * _LENGTH_TOLERANCE))
    if len(bad):
        raise InputError(
            f"embeddings[{bad[0]}] has length {float(np.sqrt(lengths[bad[0]])):.4g}; normalise each row to length 1"
        )
    return vectors


def check_result(indices: Sequence[int], *, policy: str, num_candidates: int, num_frames: int) -> None:
    """
    Raises:
        InputError: a policy did not keep its promise; those that other packages register may not.
    """
    found = list(indices)
    increasing = all(a < b for a, b in pairwise(found))
    if len(found) != num_frames or not increasing or found[0] < 0 or found[-1] >= num_candidates:
        raise InputError(
            f"policy {policy!r} must return {num_frames} strictly increasing positions below {num_candidates}, "
            f"got {len(found)}: {found[:8]}{' …' if len(found) > 8 else ''}"
        )
