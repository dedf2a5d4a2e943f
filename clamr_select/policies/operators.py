"""Temporal and logical operators on curves of relevance: what ``after``, ``before`` and ``and`` do to scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.errors import InputError
from clamr_select.policies.parameters import number

_STEEPNESS = 3.0
_LEAST_DEVIATION = 1e-9


def truth(scores: np.ndarray) -> np.ndarray:
    """Scores as degrees of truth, 0..1: ``sigmoid(3 (s - median) / (MAD + d))`` as HiMu (arXiv 2603.18558)."""
    median = np.median(scores)
    deviation = np.median(np.abs(scores - median)) + _LEAST_DEVIATION
    return 1 / (1 + np.exp(-np.clip(_STEEPNESS * (scores - median) / deviation, -60, 60)))


def in_order(signals: Sequence[np.ndarray]) -> np.ndarray:
    """SEQ of HiMu: events that happen one after the other, high at each of them where the others are in place.

    ``max over l of u_l(t) * prod_{j<l} max_{s<t} u_j(s) * prod_{j>l} max_{s>t} u_j(s)``.

    Args:
        signals: two or more of (num_candidates,), 0..1, the earliest event first.

    Raises:
        InputError: fewer than two, or of different lengths.
    """
    if len(signals) < 2 or len({len(signal) for signal in signals}) != 1:
        raise InputError(f"in_order takes two or more signals of one length, got {[len(s) for s in signals]}")
    earlier = [np.concatenate([[0.0], np.maximum.accumulate(signal)[:-1]]) for signal in signals]
    later = [np.concatenate([np.maximum.accumulate(signal[::-1])[::-1][1:], [0.0]]) for signal in signals]
    best = np.zeros(len(signals[0]))
    for place, signal in enumerate(signals):
        gates = [*earlier[:place], *later[place + 1 :]]
        best = np.maximum(best, np.prod([signal, *gates], axis=0))
    return best


def right_after(
    cause: np.ndarray, effect: np.ndarray, *, timestamps_seconds: np.ndarray, decay: float = 2.0
) -> np.ndarray:
    """RIGHTAFTER of HiMu: the effect shortly after the cause, high at both.

    ``max(effect(t) sum_{s<t} cause(s) e^{-decay (t - s)}, cause(t) sum_{s>t} effect(s) e^{-decay (s - t)})``, in
    seconds, as one pass each way.

    Args:
        cause, effect: (num_candidates,) 0..1.
        decay: kappa, a second, above 0: with 2, what is two seconds away counts for a fiftieth.
    """
    kappa = number("decay", decay, low=1e-9)
    fade = np.exp(-kappa * np.diff(timestamps_seconds))
    return np.maximum(effect * _faded(cause, fade), cause * _faded(effect[::-1], fade[::-1])[::-1])


def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """AND: the product."""
    return one * other


def either(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """OR: the probabilistic sum, ``a + b - a b``."""
    return one + other - one * other


def _faded(signal: np.ndarray, fade: np.ndarray) -> np.ndarray:
    """Of each candidate, the sum of those before it, faded."""
    total = np.zeros(len(signal))
    for at in range(1, len(signal)):
        total[at] = (total[at - 1] + signal[at - 1]) * fade[at - 1]
    return total
