"""Candidates with everything a policy may ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.policies import PolicyResult, select_indices


def unit_vectors(count: int, *, seed: int = 0, dim: int = 16) -> np.ndarray:
    """(count, dim) rows of length 1 that lean to one side, as embeddings of one video do."""
    vectors = np.random.default_rng(seed).normal(loc=0.3, size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def choose(
    policy: str,
    scores: Sequence[float] | np.ndarray,
    num_frames: int,
    *,
    timestamps: Sequence[float] | np.ndarray | None = None,
    embeddings: np.ndarray | None = None,
    **parameters: object,
) -> PolicyResult:
    """Any policy by name, one candidate a second where no times are given."""
    return select_indices(
        scores,
        timestamps_seconds=np.arange(len(scores), dtype=float) if timestamps is None else timestamps,
        num_frames=num_frames,
        policy=policy,
        embeddings=unit_vectors(len(scores)) if embeddings is None else embeddings,
        **parameters,
    )
