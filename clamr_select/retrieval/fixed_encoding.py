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
        sums, counts = self._add_up(tokens)
        means = sums / np.maximum(counts, 1)[..., None]
        # an empty bucket takes the filled one that fewest planes part from it: a question may fall there
        distances = np.where(counts[:, None, :] > 0, self._distances, NUM_PLANES + 1)
        nearest = distances.argmin(axis=2)
        return np.take_along_axis(means, nearest[..., None], axis=1).ravel()

    def query(self, tokens: np.ndarray) -> np.ndarray:
        """(encoded_dim,) float32 of a question's (num_tokens, dim) tokens."""
        return self._add_up(tokens)[0].ravel()

    def _add_up(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums (NUM_CUTS, num_buckets, PROJECTED_DIM) of projected tokens, and how many each bucket has."""
        planes, projections = self._drawn
        tokens = np.asarray(tokens, dtype=np.float32)
        if self.center:
            tokens = tokens - np.asarray(self.center, dtype=np.float32)
        sides = (tokens @ planes > 0).reshape(len(tokens), NUM_CUTS, NUM_PLANES)
        buckets = sides @ (1 << np.arange(NUM_PLANES)) + 2**NUM_PLANES * np.arange(NUM_CUTS)
        projected = (tokens @ projections).reshape(-1, PROJECTED_DIM)
        sums = np.zeros((NUM_CUTS * 2**NUM_PLANES, PROJECTED_DIM), dtype=np.float32)
        np.add.at(sums, buckets.ravel(), projected)
        counts = np.bincount(buckets.ravel(), minlength=len(sums)).reshape(NUM_CUTS, -1)
        return sums.reshape(NUM_CUTS, -1, PROJECTED_DIM), counts

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Planes (dim, NUM_CUTS * NUM_PLANES) and projections (dim, NUM_CUTS * PROJECTED_DIM), cut by cut."""
        generator = np.random.Generator(np.random.PCG64(SEED))
        planes = generator.standard_normal((NUM_CUTS, self.dim, NUM_PLANES)).astype(np.float32)
        signs = generator.integers(0, 2, (NUM_CUTS, self.dim, PROJECTED_DIM)) * 2 - 1
        projections = (signs / np.sqrt(PROJECTED_DIM)).astype(np.float32)
        return tuple(each.transpose(1, 0, 2).reshape(self.dim, -1) for each in (planes, projections))  # type: ignore[return-value]

    @cached_property
    def _distances(self) -> np.ndarray:
        """(num_buckets, num_buckets): how many planes part two buckets."""
        buckets = np.arange(2**NUM_PLANES)
        parted = buckets[:, None] ^ buckets[None, :]
        return np.sum([(parted >> plane) & 1 for plane in range(NUM_PLANES)], axis=0)
