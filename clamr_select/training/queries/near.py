"""Near-duplicates among very many short texts: MinHash bands find candidates, their Jaccard index decides."""

from __future__ import annotations

import hashlib

import numpy as np

from clamr_select.errors import InputError
from clamr_select.training.queries.words import words_of

NUM_BANDS, ROWS_PER_BAND = 24, 4
"""At a Jaccard index of 0.8 a pair is missed with probability (1 - 0.8^4)^24, three in a million."""
_PRIME = (1 << 31) - 1


def trigrams(text: str) -> frozenset[str]:
    """Character trigrams of its words, a space between them and at both ends."""
    spaced = f" {' '.join(words_of(text))} "
    return frozenset(spaced[i : i + 3] for i in range(len(spaced) - 2))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


class NearDuplicates:
    """Texts seen so far, and whether a new one is nearly one of them.

    Args:
        threshold: Jaccard index of character trigrams from which two texts are the same, above 0 to 1.

    Raises:
        InputError: threshold out of range.
    """

    def __init__(self, *, threshold: float = 0.8) -> None:
        if not 0 < threshold <= 1:
            raise InputError(f"threshold must be above 0 and at most 1, got {threshold}")
        self._threshold = threshold
        rng = np.random.default_rng(0)
        self._factors = rng.integers(1, _PRIME, NUM_BANDS * ROWS_PER_BAND, dtype=np.int64)
        self._offsets = rng.integers(0, _PRIME, NUM_BANDS * ROWS_PER_BAND, dtype=np.int64)
        self._texts: list[str] = []
        self._buckets: dict[bytes, list[int]] = {}

    def add(self, text: str) -> None:
        number = len(self._texts)
        self._texts.append(text)
        for band in self._bands(trigrams(text)):
            self._buckets.setdefault(band, []).append(number)

    def find(self, text: str) -> str | None:
        """A text added before that is nearly this one, the first of them; None where there is none."""
        shingles = trigrams(text)
        candidates = {number for band in self._bands(shingles) for number in self._buckets.get(band, ())}
        near = (n for n in sorted(candidates) if jaccard(shingles, trigrams(self._texts[n])) >= self._threshold)
        return next((self._texts[number] for number in near), None)

    def _bands(self, shingles: frozenset[str]) -> list[bytes]:
        digests = [hashlib.blake2b(s.encode(), digest_size=4).digest() for s in sorted(shingles)]
        values = np.array([int.from_bytes(d, "little") % _PRIME for d in digests] or [0], dtype=np.int64)
        hashed = (values[:, None] * self._factors + self._offsets) % _PRIME  # below 2^62 + 2^31
        signature = hashed.min(axis=0).astype("<i4").reshape(NUM_BANDS, ROWS_PER_BAND)
        return [bytes([band]) + rows.tobytes() for band, rows in enumerate(signature)]
