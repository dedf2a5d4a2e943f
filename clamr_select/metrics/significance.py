"""How sure a mean, or a difference of two systems on the same questions, is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.errors import InputError

DEFAULT_NUM_RESAMPLES = 10_000


@dataclass(frozen=True)
class BootstrapInterval:
    """A mean and its percentile bootstrap interval."""

    mean: float
    low: float
    high: float
    confidence: float
    num_resamples: int
    num_values: int

    def as_dict(self) -> dict[str, float]:
        """The mean and the interval's ends, for a report."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class McNemarResult:
    """Questions that exactly one of two systems got right, and how likely such a split is by chance."""

    only_first: int
    only_second: int
    p_value: float
    """Two-sided and exact; 1.0 where the systems never differ."""


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
    num_resamples: int = DEFAULT_NUM_RESAMPLES,
    seed: int,
) -> BootstrapInterval:
    """The mean of ``values`` with its percentile bootstrap interval (Efron 1979).

    Args:
        values: (num_values,) finite, one a question. Questions are taken as independent: where several share
            a video, hand in one mean a video, or the interval is too narrow.
        confidence: between 0 and 1.
        num_resamples: how often the values are drawn again, with replacement; 1 or more.
        seed: of the draws; the same seed gives the same interval.

    Raises:
        InputError: no values, one that is not finite, or an argument out of its range.
    """
    numbers = _finite_values(values)
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, got {confidence}")
    if num_resamples < 1:
        raise InputError(f"num_resamples must be >= 1, got {num_resamples}")
    rng = np.random.default_rng(seed)
    count = len(numbers)
    # one resample at a time: all at once would need num_resamples * num_values of memory
    means = [numbers[rng.integers(count, size=count)].mean() for _ in range(num_resamples)]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return BootstrapInterval(
        float(numbers.mean()), float(low), float(high), confidence, num_resamples, num_values=count
    )


def paired_bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    baseline: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
    num_resamples: int = DEFAULT_NUM_RESAMPLES,
    seed: int,
) -> BootstrapInterval:
    """The mean of ``values - baseline`` on the same questions, with its percentile bootstrap interval.

    Questions are drawn, each with both of its values: what the systems share (hard questions) cancels. The
    difference is significant at ``1 - confidence`` where the interval leaves out 0.

    Raises:
        InputError: as :func:`bootstrap_interval`, or the two differ in length.
    """
    ours, theirs = _finite_values(values), _finite_values(baseline)
    if len(ours) != len(theirs):
        raise InputError(f"got {len(ours)} values and {len(theirs)} of the baseline; one each a question")
    return bootstrap_interval(ours - theirs, confidence=confidence, num_resamples=num_resamples, seed=seed)


def mcnemar(first_correct: Sequence[bool], second_correct: Sequence[bool]) -> McNemarResult:
    """McNemar's exact test (McNemar 1947): do two systems differ on the same yes/no questions?

    Only questions that one of them got right count: under chance each is a fair coin, so the p-value is the
    two-sided binomial tail.

    Raises:
        InputError: no questions, or the two differ in length.
    """
    if len(first_correct) != len(second_correct) or not len(first_correct):
        raise InputError(
            f"got answers to {len(first_correct)} and {len(second_correct)} questions; both need the same, one or more"
        )
    pairs = [(bool(first), bool(second)) for first, second in zip(first_correct, second_correct, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    differing = only_first + only_second
    tail = sum(math.comb(differing, count) for count in range(min(only_first, only_second) + 1))
    # whole numbers up to the division: 2**n leaves the range of floats at n = 1024
    return McNemarResult(only_first, only_second, p_value=min(1.0, 2 * tail / 2**differing))


def _finite_values(values: Sequence[float] | np.ndarray) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not len(numbers):
        raise InputError(f"values must have shape (num_values,) with at least one value, got {numbers.shape}")
    if not np.isfinite(numbers).all():
        at = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise InputError(f"value {at} is {numbers[at]}; all must be finite")
    return numbers
