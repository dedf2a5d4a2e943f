"""Many vectors as one: the dot product of two encodings goes with the late interaction of what was encoded.

Space is cut into buckets by random planes. A document's part of a bucket is the mean of its tokens there, a question's
the sum: where a question's token and its best match share a bucket, their product is in the sum. Several cuts, each
with a random projection of its own, make up for matches that a plane parts.

Source: MUVERA, fixed dimensional encodings (Dhulipala et al., arXiv 2405.19504), section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

NUM_CUTS = 32
NUM_PLANES = 6
PROJECTED_DIM = 8
SEED = 20261126
"""Encodings are compared across machines and years: numbers of this module change only with the schema's version."""


@dataclass(frozen=True)
class FixedEncoding:
    """
    Args:
        dim: of the token vectors.
        center: (dim,) where the planes meet, and what vectors are measured from; () is the origin. Tokens of one model
            lie to one side of it, and planes through the origin part few of them.
    """

    dim: int
    center: tuple[float, ...] = ()

    @property
    def encoded_dim(self) -> int:
        return NUM_CUTS * 2**NUM_PLANES * PROJECTED_DIM

    def document(self, tokens: np.ndarray) -> np.ndarray:
        """(encoded_dim,) float32 of a video's (num_tokens, dim) tokens, at least one."""
        parts = []
        for buckets, projected in self._cut(tokens):
            sums, counts = _add_up(buckets, projected)
            means = sums / np.maximum(counts, 1)[:, None]
            filled = np.flatnonzero(counts)
            # an empty bucket takes the filled one that fewest planes part from it: a question may fall there
            parts.append(means[filled[self._distances[:, filled].argmin(axis=1)]])
        return np.concatenate(parts).ravel()

    def query(self, tokens: np.ndarray) -> np.ndarray:
        """(encoded_dim,) float32 of a question's (num_tokens, dim) tokens."""
        return np.concatenate([_add_up(buckets, projected)[0] for buckets, projected in self._cut(tokens)]).ravel()

    def _cut(self, tokens: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Bucket (num_tokens,) and projection (num_tokens, PROJECTED_DIM) of every token, once a cut."""
        planes, projections = self._drawn
        numbers = 1 << np.arange(NUM_PLANES)
        tokens = np.asarray(tokens, dtype=np.float32)
        if self.center:
            tokens = tokens - np.asarray(self.center, dtype=np.float32)
        return [
            ((tokens @ plane > 0) @ numbers, tokens @ projection)
            for plane, projection in zip(planes, projections, strict=True)
        ]

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Planes (NUM_CUTS, dim, NUM_PLANES) and projections (NUM_CUTS, dim, PROJECTED_DIM)."""
        generator = np.random.Generator(np.random.PCG64(SEED))
        planes = generator.standard_normal((NUM_CUTS, self.dim, NUM_PLANES)).astype(np.float32)
        signs = generator.integers(0, 2, (NUM_CUTS, self.dim, PROJECTED_DIM)) * 2 - 1
        return planes, (signs / np.sqrt(PROJECTED_DIM)).astype(np.float32)

    @cached_property
    def _distances(self) -> np.ndarray:
        """(num_buckets, num_buckets): how many planes part two buckets."""
        buckets = np.arange(2**NUM_PLANES)
        parted = buckets[:, None] ^ buckets[None, :]
        return np.sum([(parted >> plane) & 1 for plane in range(NUM_PLANES)], axis=0)


def _add_up(buckets: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the values in each bucket, and how many they were."""
    sums = np.zeros((2**NUM_PLANES, values.shape[1]), dtype=np.float32)
    np.add.at(sums, buckets, values)
    return sums, np.bincount(buckets, minlength=2**NUM_PLANES)
