"""How alike two frames are: what diversity is measured with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


class FrameSimilarity(Protocol):
    """Similarity of frames, 1 of a frame with itself. Greedy policies ask for one row a frame taken, so no
    table of all pairs is needed."""

    def __len__(self) -> int:
        """Number of candidates."""
        ...

    def to(self, position: int) -> np.ndarray:
        """(num_candidates,) similarity of every candidate to the one at ``position``, at most 1."""
        ...


class PooledSimilarity:
    """Cosine of one vector a frame.

    Args:
        vectors: (num_candidates, dim), L2-normalised.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def to(self, position: int) -> np.ndarray:
        return self.vectors @ self.vectors[position]


class MatrixSimilarity:
    """Similarities that were computed before.

    Args:
        matrix: (num_candidates, num_candidates), symmetric.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def __len__(self) -> int:
        return len(self.matrix)

    def to(self, position: int) -> np.ndarray:
        return self.matrix[position]


class SomeCandidates:
    """The similarity of some of the candidates.

    Args:
        positions: (num_some,) of all candidates.
    """

    def __init__(self, similarity: FrameSimilarity, positions: np.ndarray) -> None:
        self.similarity = similarity
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    def to(self, position: int) -> np.ndarray:
        return self.similarity.to(int(self.positions[position]))[self.positions]


def some_candidates(similarity: FrameSimilarity, positions: np.ndarray) -> FrameSimilarity:
    """The similarity of the candidates at ``positions`` alone."""
    if isinstance(similarity, PooledSimilarity):
        return PooledSimilarity(similarity.vectors[positions])
    return SomeCandidates(similarity, positions)


def some_inputs(inputs: Mapping[str, Any], positions: np.ndarray) -> dict[str, Any]:
    """What policies look at beside scores and times (``embeddings``, ``similarity``), of the candidates at
    ``positions`` alone."""
    return {
        name: some_candidates(whole, positions) if name == "similarity" else whole[positions]
        for name, whole in inputs.items()
    }


def rows(similarity: FrameSimilarity, positions: np.ndarray) -> np.ndarray:
    """(num_positions, num_candidates) similarity of the candidates at ``positions`` to all."""
    if isinstance(similarity, PooledSimilarity):
        return similarity.vectors[positions] @ similarity.vectors.T
    return np.stack([similarity.to(int(position)) for position in positions])
