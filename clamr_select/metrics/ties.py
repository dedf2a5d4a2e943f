"""Ranking metrics straight from scores, where equal scores stand in random order: the expected value over all orders.

A sort would break ties by position and reward whoever is listed first: a perfect reader that cannot tell two documents
apart, or a system that scores nothing, gets what it deserves here (McSherry and Najork, ECIR 2008).
"""

from __future__ import annotations

import numpy as np

from clamr_select.errors import InputError


def expected_ndcg_at_k(scores: np.ndarray, *, relevant: np.ndarray, k: int) -> float:
    """nDCG of the first ``k`` with linear gain, 0..1; without ties as :func:`clamr_select.metrics.ndcg_at_k`.

    Args:
        scores: (num_items,) higher is better; ``-inf`` for what cannot score, all of it equally last.
        relevant: (num_items,) bool, or grades: finite, 0 where not relevant.
        k: 1 or more.

    Raises:
        InputError: shapes that differ, NaN, nothing relevant, a grade out of range, or ``k`` < 1.
    """
    gains = _expected_gains(scores, relevant, k)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.sort(np.asarray(relevant, dtype=np.float64))[::-1][:k]
    return float((gains * discounts[: len(gains)]).sum() / (ideal * discounts[: len(ideal)]).sum())


def expected_recall_at_k(scores: np.ndarray, *, relevant: np.ndarray, k: int) -> float:
    """Relevant items among the first ``k``, as a share of as many as could be there (at most ``k``), 0..1.

    With one relevant item it is the paper's R@k. Arguments and errors as of :func:`expected_ndcg_at_k`; any grade
    above 0 is relevant.
    """
    _check(scores, relevant, k)
    wanted = np.asarray(relevant) > 0
    return float(_expected_gains(scores, wanted, k).sum() / min(k, int(wanted.sum())))


def expected_reciprocal_rank(scores: np.ndarray, *, relevant: np.ndarray) -> float:
    """One over the rank of the first relevant item, above 0 and at most 1.

    Arguments and errors as of :func:`expected_ndcg_at_k`; any grade above 0 is relevant.
    """
    _check(scores, relevant, 1)
    scores, wanted = np.asarray(scores), np.asarray(relevant) > 0
    best = scores[wanted].max()
    before, tied = int((scores > best).sum()), scores == best
    size, count = int(tied.sum()), int((tied & wanted).sum())
    # in a random order of the tied, the chance that the first relevant one stands at place 1, 2, …
    places = np.arange(1, size - count + 2)
    later = (size - places[1:] - count + 2) / (size - places[1:] + 2)  # not at the place before, given not earlier
    chances = count / (size - places + 1) * np.cumprod(np.concatenate([[1.0], later]))
    return float((chances / (before + places)).sum())


def _expected_gains(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """(min(k, num_items),) expected gain at each rank."""
    _check(scores, relevant, k)
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if len(scores) > k:  # only what stands in the first k, or is tied with the last of them
        kept = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
        scores, relevant = scores[kept], relevant[kept]
    levels, group = np.unique(-scores, return_inverse=True)
    sizes = np.bincount(group, minlength=len(levels))
    shares = np.bincount(group, weights=relevant, minlength=len(levels)) / sizes
    ends = np.minimum(sizes.cumsum(), k)
    return np.repeat(shares, np.diff(ends, prepend=0))


def _check(scores: np.ndarray, relevant: np.ndarray, k: int) -> None:
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if scores.ndim != 1 or scores.shape != relevant.shape or relevant.dtype.kind not in "bf":
        raise InputError(
            f"scores and relevant (bool, or grades as floats) must have one shape (num_items,), got {scores.shape} and "
            f"{relevant.dtype} {relevant.shape}"
        )
    if k < 1:
        raise InputError(f"k must be >= 1, got {k}")
    if not np.isfinite(relevant).all() or (relevant < 0).any():
        raise InputError("grades must be finite and at least 0")
    if not relevant.any():
        raise InputError("nothing is relevant: the metric is undefined; leave the question out and count it")
    if np.isnan(scores).any():
        raise InputError(f"score {int(np.flatnonzero(np.isnan(scores))[0])} is not a number")
