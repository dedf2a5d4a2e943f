"""Metrics of a ranked list for one query."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence

from clamr_select.errors import InputError


def ndcg_at_k(
    ranked: Sequence[Hashable], *, relevant: Mapping[Hashable, float] | Collection[Hashable], k: int
) -> float:
    """Normalised discounted cumulative gain of the first ``k``, 0..1.

    Linear gain and a discount of ``log2(rank + 1)``, as in trec_eval (Järvelin and Kekäläinen, TOIS 2002);
    with one relevant item at rank r it is ``1 / log2(r + 1)``. The ideal ranking holds all relevant items,
    whether or not ``ranked`` has them.

    Args:
        ranked: ids, best first, no id twice.
        relevant: relevance > 0 of each relevant id, or the relevant ids (relevance 1 each).
        k: 1 or more; may be larger than the ranking.

    Raises:
        InputError: an id is ranked twice, nothing is relevant (the metric is undefined), or ``k`` < 1.
    """
    gains = relevant if isinstance(relevant, Mapping) else dict.fromkeys(relevant, 1.0)
    _check(ranked, num_relevant=len(gains), k=k)
    wrong = [(item, gain) for item, gain in gains.items() if not 0 < gain < math.inf]
    if wrong:
        raise InputError(f"relevance of {wrong[0][0]!r} is {wrong[0][1]}; leave out what is not relevant")
    ideal = sorted(gains.values(), reverse=True)
    return _dcg([gains.get(item, 0.0) for item in ranked[:k]]) / _dcg(ideal[:k])


def recall_at_k(ranked: Sequence[Hashable], *, relevant: Collection[Hashable], k: int) -> float:
    """Share of the relevant ids that are among the first ``k``, 0..1.

    Raises:
        InputError: an id is ranked twice, nothing is relevant (the metric is undefined), or ``k`` < 1.
    """
    wanted = set(relevant)
    _check(ranked, num_relevant=len(wanted), k=k)
    return len(wanted.intersection(ranked[:k])) / len(wanted)


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _check(ranked: Sequence[Hashable], *, num_relevant: int, k: int) -> None:
    if k < 1:
        raise InputError(f"k must be >= 1, got {k}")
    if num_relevant == 0:
        raise InputError("relevant is empty: the metric is undefined; leave the query out and count it")
    if len(set(ranked)) < len(ranked):
        twice = next(item for position, item in enumerate(ranked) if item in ranked[:position])
        raise InputError(f"{twice!r} is ranked twice; each id may come once")
