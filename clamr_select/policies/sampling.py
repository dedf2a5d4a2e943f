"""Policies that sample: frames by the inverse of the scores' distribution (BOLT), and by noise (Q-Frame)."""

from __future__ import annotations

import numpy as np

from clamr_select.policies.greedy import filled_by_score, unit_range
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.result import PolicyResult

_SMALLEST = 1e-9


def bolt(scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, power: float = 2.5) -> PolicyResult:
    """Inverse transform sampling (BOLT, Liu et al., CVPR 2025, arXiv 2503.21483).

    With p the scores stretched to 0..1, to the ``power``, divided by their sum, and F its running sum: the first
    candidates with ``F >= u`` for K values of u evenly spaced from 1/K to 1 - 1/K.

    The released code divides by zero on constant scores, takes a frame several times, asks for the same quantile
    twice with K = 2 and for the last with K = 1. Here u is 0.5 for K = 1, and the places of frames that would come
    twice go to the highest scores that are not taken.

    Args:
        power: above 0; 2.5 for LongVideoBench and 3 for Video-MME in the authors' scripts.
    """
    exponent = number("power", power, low=_SMALLEST)
    relevance = unit_range(scores) ** exponent
    taken: list[int] = []
    if relevance.sum() > 0:
        cumulative = np.cumsum(relevance / relevance.sum())
        quantiles = np.linspace(1 / num_frames, 1 - 1 / num_frames, num_frames) if num_frames > 1 else np.array([0.5])
        found = np.searchsorted(cumulative, quantiles)
        taken = np.minimum(found, len(scores) - 1).tolist()
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    return PolicyResult(indices, parameters={"power": exponent})


def gumbel_topk(
    scores: np.ndarray, timestamps_seconds: np.ndarray, num_frames: int, *, temperature: float = 0.8, seed: int = 0
) -> PolicyResult:
    """K draws without replacement from ``softmax(scores / temperature)``, by noise: Q-Frame (arXiv 2506.22139).

    The K highest of ``log softmax(scores / temperature) + g`` with ``g = -log(-log U)``, U uniform. The released
    code does not seed U; here the same ``seed`` gives the same frames.

    Args:
        temperature: above 0. Scores of a mean over query tokens differ by tenths, so the published 0.8 is close to
            chance for them.
        seed: of the noise, 0 or more.
    """
    tau = number("temperature", temperature, low=_SMALLEST)
    plain_seed = whole_number("seed", seed, low=0)
    rng = np.random.default_rng(plain_seed)
    # a constant divisor of the softmax changes no order, so it is left out
    noisy = scores / tau - np.log(-np.log(rng.uniform(np.finfo(np.float64).tiny, 1.0, size=len(scores))))
    taken = np.argsort(-noisy, kind="stable")[:num_frames]
    return PolicyResult(tuple(sorted(taken.tolist())), parameters={"temperature": tau, "seed": plain_seed})
