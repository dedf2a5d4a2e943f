"""How sure means are where values come in clusters, as several questions about one video do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.errors import InputError
from clamr_select.metrics.significance import BootstrapInterval


class ClusterBootstrap:
    """Percentile bootstrap that draws whole clusters (Davison and Hinkley 1997, ch. 3.8), the same draws for all.

    Args:
        clusters: (num_values,) the name of each value's cluster.
        num_resamples: how often clusters are drawn again, with replacement; 1 or more.
        seed: of the draws; the same seed gives the same intervals.

    Raises:
        InputError: no values, or an argument out of its range.
    """

    def __init__(self, clusters: Sequence[str], *, num_resamples: int = 2000, seed: int, confidence: float = 0.95):
        if not len(clusters) or num_resamples < 1 or not 0 < confidence < 1:
            raise InputError(
                f"got {len(clusters)} values, num_resamples={num_resamples}, confidence={confidence}; "
                "allowed: at least 1, at least 1, between 0 and 1"
            )
        names, self._cluster = np.unique(np.asarray(clusters), return_inverse=True)
        count = len(names)
        self._draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=num_resamples)
        self._confidence = confidence

    def interval(self, values: np.ndarray, *, mask: np.ndarray | None = None) -> BootstrapInterval:
        """Mean of (num_values,) ``values`` with its interval; hand in differences to compare two systems.

        Args:
            mask: (num_values,) bool, which of them count; None is all.

        Raises:
            InputError: another number of values, one that is not finite, or none that counts.
        """
        numbers = np.asarray(values, dtype=np.float64)
        counts = np.ones(len(self._cluster), dtype=bool) if mask is None else mask
        if numbers.shape != self._cluster.shape or not counts.any() or not np.isfinite(numbers[counts]).all():
            raise InputError(
                f"values must be {len(self._cluster)} finite numbers of which one or more count, "
                f"got {numbers.shape} with {int(counts.sum())} that count"
            )
        low, high = self._ends(np.where(counts, numbers, 0.0), counts.astype(np.float64))
        mean, num_values = float(numbers[counts].mean()), int(counts.sum())
        return BootstrapInterval(mean, low, high, self._confidence, len(self._draws), num_values)

    def ratio(self, values: np.ndarray, *, to: np.ndarray, mask: np.ndarray | None = None) -> dict[str, float] | None:
        """``ratio`` of two means of the same values' places, with its ``low`` and ``high``; None where that of ``to``
        is 0.

        Args:
            values, to: (num_values,) finite, at least 0.
            mask: as of :meth:`interval`.
        """
        counts = np.ones(len(self._cluster)) if mask is None else mask.astype(np.float64)
        part, whole = values * counts, to * counts
        if not whole.any():
            return None
        low, high = self._ends(part, whole)
        return {"ratio": float(part.sum() / whole.sum()), "low": low, "high": high}

    def _ends(self, numerators: np.ndarray, denominators: np.ndarray) -> tuple[float, float]:
        """Of the interval of a ratio of sums; draws whose denominators sum to 0 have none."""
        width = self._draws.shape[1]
        above, below = (
            self._draws @ np.bincount(self._cluster, each, minlength=width) for each in (numerators, denominators)
        )
        tail = (1 - self._confidence) / 2
        low, high = np.quantile(above[below > 0] / below[below > 0], [tail, 1 - tail])
        return float(low), float(high)
