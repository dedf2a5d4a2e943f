"""WFS-SB: a wavelet finds where relevance turns, segments share the budget, MMR picks inside."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from clamr_select.errors import missing_dependency
from clamr_select.policies.by_score import take_by_score
from clamr_select.policies.greedy import filled_by_score, unit_range
from clamr_select.policies.parameters import number
from clamr_select.policies.peaks import find_peaks
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.similarity import FrameSimilarity

_WAVELET = "db4"
_HEIGHT_STDS, _PROMINENCE_SHARE = 0.5, 0.05
_LEAST_APART, _APART_SHARE = 5, 0.02
_DURATION, _MEAN, _MAX, _VARIANCE = 0.4, 0.2, 0.3, 0.1
_LEAST_IMPORTANCE, _FEW_SEGMENTS = 0.05, 3
_NEAR_CANDIDATES = 10.0


def wfs_sb(
    scores: np.ndarray,
    timestamps_seconds: np.ndarray,
    num_frames: int,
    *,
    similarity: FrameSimilarity | None = None,
    strictness: float = 1.2,
    temperature: float = 1.0,
    relevance_weight: float = 0.5,
) -> PolicyResult:
    """Wavelet segments (WFS-SB, arXiv 2603.00512), with the settings of its three benchmarks.

    Of the scores stretched to 0..1, the coarsest detail of a db4 wavelet at level ``floor(log2 N) - 3`` is
    transformed back; peaks of its magnitude cut the timeline. A segment's importance is 0.4 of its share of the
    time + 0.2 mean + 0.3 highest score + 0.1 of its variance over the whole's; segments ``strictness`` standard
    deviations below the mean are dropped, and a softmax of importance shares out the frames (largest remainder).
    Inside a segment: its highest score, then MMR. Where there is no peak, half of the frames are uniform and half
    the highest scores.

    Args:
        similarity: of the frames. None takes ``exp(-|i - j| / 10)`` of positions, as the released code without
            features.
        strictness: 0 or more.
        temperature: above 0.
        relevance_weight: of MMR, 0..1.

    Raises:
        MissingDependencyError: scipy or PyWavelets is not installed.
    """
    strict = number("strictness", strictness, low=0)
    warmth = number("temperature", temperature, low=1e-8)
    weight = number("relevance_weight", relevance_weight, low=0, high=1)
    relevance = unit_range(scores)
    edges = [0, *_turns(relevance).tolist(), len(scores)]
    alike = similarity or _NearInPosition(len(scores))
    if len(edges) > 2:
        parts = _important([(a, b) for a, b in pairwise(edges) if b > a], relevance, strict)
        taken = _from_segments(parts, 2 * relevance - 1, alike, num_frames=num_frames, warmth=warmth, weight=weight)
    else:
        even = np.linspace(0, len(scores) - 1, num_frames // 2, dtype=int).tolist()
        taken = list(take_by_score(scores, timestamps_seconds, num_frames=num_frames, already_taken=even))
    indices = filled_by_score(taken, scores=scores, timestamps_seconds=timestamps_seconds, num_frames=num_frames)
    used = {
        "strictness": strict,
        "temperature": warmth,
        "relevance_weight": weight,
        "similarity": "positions" if similarity is None else "frames",
    }
    return PolicyResult(indices, parameters=used)


class _NearInPosition:
    def __init__(self, num_candidates: int) -> None:
        self._positions = np.arange(num_candidates)

    def __len__(self) -> int:
        return len(self._positions)

    def to(self, position: int) -> np.ndarray:
        return np.exp(-np.abs(self._positions - position) / _NEAR_CANDIDATES)


def _turns(relevance: np.ndarray) -> np.ndarray:
    """Where one segment ends and the next begins."""
    try:
        import pywt
    except ImportError as error:
        raise missing_dependency("PyWavelets", extra="policies", purpose="policy 'wfs_sb'") from error
    count = len(relevance)
    deepest = pywt.dwt_max_level(count, pywt.Wavelet(_WAVELET).dec_len)
    if deepest < 1:
        return np.zeros(0, dtype=np.int64)
    level = min(max(math.floor(math.log2(count) - 3), 1), deepest)
    coefficients = pywt.wavedec(relevance, _WAVELET, level=level, mode="symmetric")
    only_detail = [part if at == 1 else np.zeros_like(part) for at, part in enumerate(coefficients)]
    detail = np.abs(pywt.waverec(only_detail, _WAVELET, mode="symmetric")[:count])
    return find_peaks(
        detail,
        height=detail.mean() + _HEIGHT_STDS * detail.std(),
        distance=max(_LEAST_APART, int(count * _APART_SHARE)),
        prominence=_PROMINENCE_SHARE * (detail.max() - detail.min()),
    )


def _important(
    segments: list[tuple[int, int]], relevance: np.ndarray, strictness: float
) -> list[tuple[tuple[int, int], float]]:
    """Segments with their importance, without those far below the mean."""
    spread = relevance.var() + 1e-8
    rated = []
    for first, end in segments:
        part = relevance[first:end]
        importance = _DURATION * (end - first) / len(relevance) + _MEAN * part.mean() + _MAX * part.max()
        rated.append(((first, end), float(importance + _VARIANCE * part.var() / spread)))
    if len(rated) <= _FEW_SEGMENTS:
        return rated
    values = np.array([importance for _, importance in rated])
    least = max(_LEAST_IMPORTANCE, values.mean() - strictness * values.std())
    return [entry for entry in rated if entry[1] >= least] or rated


def _from_segments(
    parts: list[tuple[tuple[int, int], float]],
    relevance: np.ndarray,
    alike: FrameSimilarity,
    *,
    num_frames: int,
    warmth: float,
    weight: float,
) -> list[int]:
    scaled = np.array([importance for _, importance in parts]) / warmth
    shares = np.exp(scaled - scaled.max())
    exact = shares / shares.sum() * num_frames
    counts = np.floor(exact).astype(int)
    counts[np.argsort(-(exact - counts), kind="stable")[: num_frames - counts.sum()]] += 1
    taken: list[int] = []
    everywhere = np.full(len(relevance), -np.inf)  # similarity to the nearest frame taken in any segment
    for ((first, end), _), count in zip(parts, counts.tolist(), strict=True):
        part = relevance[first:end]
        closest = np.full(end - first, -np.inf)
        for number_taken in range(min(count, end - first)):
            gains = part.copy() if not number_taken else weight * part - (1 - weight) * closest
            gains[[at - first for at in taken if first <= at < end]] = -np.inf
            at = first + int(gains.argmax())
            taken.append(at)
            row = alike.to(at)
            closest = np.maximum(closest, row[first:end])
            everywhere = np.maximum(everywhere, row)
    while len(taken) < min(num_frames, len(relevance)):
        gains = weight * relevance - (1 - weight) * everywhere
        gains[taken] = -np.inf
        taken.append(int(gains.argmax()))
        everywhere = np.maximum(everywhere, alike.to(taken[-1]))
    return taken
