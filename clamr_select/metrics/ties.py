"""Ranking metrics straight from scores, where equal scores stand in random order: the expected value over all orders.

A sort would break ties by position and reward whoever is listed first: a perfect reader that cannot tell two documents
apart, or a system that scores nothing, gets what it deserves here (McSherry and Najork, ECIR 2008).
"""

from __future__ import annotations

import numpy as np

from clamr_select.errors import InputError


def expected_ndcg_at_k(scores: np.ndarray, *, relevant: np.ndarray, k: int) -> float:
    """nDCG of the first ``k`` with binary gain, 0..1; without ties as :func:`clamr_select.metrics.ndcg_at_k`.

    Args:
        scores: (num_items,) higher is better; ``-inf`` for what cannot score, all of it equally last.
        relevant: (num_items,) bool.
        k: 1 or more.

    Raises:
        InputError: shapes that differ, NaN, nothing relevant, or ``k`` < 1.
    """
    gains = _expected_gains(scores, relevant, k)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = discounts[: int(relevant.sum())].sum()
    return float((gains * discounts[: len(gains)]).sum() / ideal)


def expected_recall_at_k(scores: np.ndarray, *, relevant: np.ndarray, k: int) -> float:
    """Relevant items among the first ``k``, as a share of as many as could be there (at most ``k``), 0..1.

    With one relevant item it is the paper's R@k. Arguments and errors as of :func:`expected_ndcg_at_k`.
    """
    gains = _expected_gains(scores, relevant, k)
    return float(gains.sum() / min(k, int(relevant.sum())))


def _expected_gains(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """(min(k, num_items),) chance that the item at each rank is relevant."""
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if scores.ndim != 1 or scores.shape != relevant.shape or relevant.dtype != bool:
        raise InputError(
            f"scores and relevant (bool) must have one shape (num_items,), got {scores.shape} and "
            f"{relevant.dtype} {relevant.shape}"
        )
    if k < 1:
        raise InputError(f"k must be >= 1, got {k}")
    if not relevant.any():
        raise InputError("nothing is relevant: the metric is undefined; leave the question out and count it")
    if np.isnan(scores).any():
        raise InputError(f"score {int(np.flatnonzero(np.isnan(scores))[0])} is not a number")
    levels, group = np.unique(-scores, return_inverse=True)
    sizes = np.bincount(group, minlength=len(levels))
    shares = np.bincount(group, weights=relevant, minlength=len(levels)) / sizes
    ends = np.minimum(sizes.cumsum(), k)
    return np.repeat(shares, np.diff(ends, prepend=0))
