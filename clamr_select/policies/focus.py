"""FOCUS: clips are the arms of a bandit; few scores are looked at, and the promising clips zoomed into."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from clamr_select.policies.greedy import filled_by_score, unit_range
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.peaks import median_step_seconds
from clamr_select.policies.result import PolicyResult

_EXTRA_PULLS = 2
_LEAST_ARMS, _LEAST_ZOOMED = 8, 4
_FEWEST_FINAL, _MOST_FINAL = 4, 32
_LEAST_VARIANCE = 1e-6
_EVEN_SHARE = 0.5
_LEAST_SHARE = np.finfo(np.float64).tiny
"""At a low temperature most shares round to 0, and what has none cannot be drawn."""


@dataclass
class _Arm:
    first: int
    last: int
    pulled: list[int] = field(default_factory=list)
    bound: float = 0.0


def focus(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    arm_seconds: float = 16.0,
    zoom_share: float = 0.25,
    top_share: float = 0.2,
    temperature: float = 0.06,
    seed: int = 0,
) -> PolicyResult:
    """Bandit zoom of FOCUS (ICLR 2026, arXiv 2510.27280), on scores that are there already.

    Clips of ``arm_seconds`` are arms; each is pulled at its centre and at two random candidates. Arms are ranked by
    the bound ``mean + sqrt(2 var ln N / n) + 3 ln N / n``; the best ``zoom_share`` are pulled about every second, half
    of it at random. ``top_share`` of the frames are the highest scores pulled; the rest are drawn from the best 4 to
    32 arms, evenly, by a softmax of the score of the nearest first pull. As in the released code, the second round of
    pulls changes no arm's bound. FOCUS saves scoring, which here is done already: it is kept for comparison.

    Args:
        arm_seconds: above 0.
        zoom_share, top_share: 0..1.
        temperature: above 0.
        seed: of the draws, 0 or more.
    """
    clip = number("arm_seconds", arm_seconds, low=1e-3)
    zoom = number("zoom_share", zoom_share, low=0, high=1)
    top = number("top_share", top_share, low=0, high=1)
    warmth = number("temperature", temperature, low=1e-9)
    plain_seed = whole_number("seed", seed, low=0)
    rng = np.random.default_rng(plain_seed)
    relevance = unit_range(scores)
    fps = 1 / median_step_seconds(timestamps_seconds)
    duration = len(scores) / fps
    num_arms = max(_LEAST_ARMS, math.ceil(duration / clip))
    arms = _arms(len(scores), num_arms=num_arms)
    pulled = _first_pulls(arms, relevance, rng)
    ranked = sorted(arms, key=lambda arm: -arm.bound)
    zoomed = ranked[: max(_LEAST_ZOOMED, math.ceil(len(arms) * zoom))]
    half = max(1, round(max(1 / fps, duration / num_arms / 2) * fps))
    step = min(max(1, round(fps)), max(1, len(scores) // num_arms))
    pulled += _second_pulls(zoomed, len(scores), half=half, step=step, known=set(pulled), rng=rng)
    best_first = sorted(pulled, key=lambda at: -relevance[at])
    taken = best_first[: round(top * min(num_frames, len(pulled)))]
    final = min(max(_FEWEST_FINAL, math.ceil(len(arms) * zoom)), _MOST_FINAL, len(arms))
    each, over = divmod(num_frames - len(taken), final)
    for rank, arm in enumerate(ranked[:final]):
        taken += _draw(arm, relevance, each + (rank < over), warmth=warmth, without=set(taken), rng=rng)
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    used = {"arm_seconds": clip, "zoom_share": zoom, "top_share": top, "temperature": warmth, "seed": plain_seed}
    return PolicyResult(indices, parameters=used)


def _arms(num_candidates: int, *, num_arms: int) -> list[_Arm]:
    stride = max(1, num_candidates // num_arms)
    count = max(1, num_candidates // stride)
    size = max(1, num_candidates // count)
    return [_Arm(arm * size, min((arm + 1) * size, num_candidates) - 1) for arm in range(count)]


def _first_pulls(arms: list[_Arm], relevance: np.ndarray, rng: np.random.Generator) -> list[int]:
    for arm in arms:
        centre = (arm.first + arm.last) // 2
        others = [at for at in range(arm.first, arm.last + 1) if at != centre]
        arm.pulled = [centre]
        if others:
            arm.pulled += rng.choice(others, size=min(_EXTRA_PULLS, len(others)), replace=False).tolist()
    pulled = [at for arm in arms for at in arm.pulled]
    for arm in arms:
        seen = relevance[arm.pulled]
        arm.bound = float(seen.mean())
        if len(pulled) > 1:
            variance = max(float(seen.var()) if len(seen) > 1 else 0.0, _LEAST_VARIANCE)
            arm.bound += math.sqrt(2 * math.log(len(pulled)) * variance / len(seen))
            arm.bound += 3 * math.log(len(pulled)) / len(seen)
    return pulled


def _second_pulls(
    zoomed: list[_Arm], num_candidates: int, *, half: int, step: int, known: set[int], rng: np.random.Generator
) -> list[int]:
    found: set[int] = set()
    for arm in zoomed:
        centre = (arm.first + arm.last) // 2
        first, last = max(0, centre - half), min(num_candidates - 1, centre + half)
        width = last - first + 1
        wanted = max(1, width // step)
        even = round(wanted * _EVEN_SHARE)
        if width <= even:
            at = [(first + last) // 2]
        else:
            at = [min(first + int(i * (width / even) + width / even / 2), last) for i in range(even)]
        found |= set(at) - known
        others = [at for at in range(first, last + 1) if at not in known and at not in found]
        if wanted > even and others:
            found |= set(rng.choice(others, size=min(wanted - even, len(others)), replace=False).tolist())
    return sorted(found)


def _draw(
    arm: _Arm, relevance: np.ndarray, count: int, *, warmth: float, without: set[int], rng: np.random.Generator
) -> list[int]:
    free = np.array([at for at in range(arm.first, arm.last + 1) if at not in without], dtype=np.int64)
    if not count or not len(free):
        return []
    pulled = np.array(arm.pulled)
    nearest = pulled[np.abs(pulled[None, :] - free[:, None]).argmin(axis=1)]
    estimated = relevance[nearest]
    low, high = estimated.min(), estimated.max()
    logits = (estimated - low) / (high - low) if high > low else np.ones(len(free))
    shares = np.maximum(np.exp((logits - logits.max()) / warmth), _LEAST_SHARE)
    chosen = rng.choice(len(free), size=min(count, len(free)), p=shares / shares.sum(), replace=False)
    return free[chosen].tolist()
