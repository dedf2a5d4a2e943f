"""How many frames: given, by what a VLM's tokens allow, by seconds of clips, or by how concentrated the evidence is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.policies.by_score import is_flat
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.topk_gap import take_with_gap

Fused = Literal["none", "repeat", "neighbor"]


@dataclass(frozen=True)
class VlmFamily:
    """What one frame of video costs a family of VLMs in visual tokens, by its published preprocessing."""

    cell_pixels: int = 0
    """Side of the square that becomes one token (patch times merge); 0 where every frame costs the same."""
    tokens: int = 0
    """Of every frame, where ``cell_pixels`` is 0."""
    fused: int = 1
    """Consecutive frames that share their tokens."""
    min_pixels: int = 0
    max_pixels: int = 0
    """A frame is scaled up and down to; of the family's own video reader."""


VLM_FAMILIES: MappingProxyType[str, VlmFamily] = MappingProxyType(
    {
        "qwen2.5-vl": VlmFamily(cell_pixels=28, fused=2, min_pixels=128 * 28 * 28, max_pixels=768 * 28 * 28),
        "qwen3-vl": VlmFamily(cell_pixels=32, fused=2, min_pixels=128 * 32 * 32, max_pixels=768 * 32 * 32),
        "internvl3": VlmFamily(tokens=256),
        "llava-onevision": VlmFamily(tokens=196),
    }
)
"""Qwen: patches of 14 or 16 merged 2 x 2, two frames a temporal patch, 128 to 768 tokens a frame (qwen-vl-utils).
InternVL3: one 448-pixel tile a frame. LLaVA-OneVision: 27 x 27 patches pooled to 14 x 14."""


def tokens_per_frame(
    family: str, *, width: int, height: int, pair: Fused = "repeat", max_pixels: int | None = None
) -> int:
    """Visual tokens that one selected frame costs among others.

    Args:
        family: a name in ``VLM_FAMILIES``.
        width, height: of the video, in pixels.
        pair: how frames are handed to a model that fuses two: ``repeat`` and ``neighbor`` spend a whole temporal patch
            on each selected frame, ``none`` lets two of them share one (of an odd number the last has one alone).
        max_pixels: of a frame, where the family scales; None is its default. Below the least that the family scales a
            frame up to, that least is taken to be lifted with it.

    Raises:
        UnknownNameError: no such family or pairing.
    """
    tokens, sharing = _patch(family, width=width, height=height, pair=pair, max_pixels=max_pixels)
    return math.ceil(tokens / sharing)


def tokens_of_frames(
    num_frames: int, *, family: str, width: int, height: int, pair: Fused = "repeat", max_pixels: int | None = None
) -> int:
    """Visual tokens of so many frames of one size; arguments and errors as :func:`tokens_per_frame`."""
    tokens, sharing = _patch(family, width=width, height=height, pair=pair, max_pixels=max_pixels)
    return math.ceil(num_frames / sharing) * tokens


def _patch(family: str, *, width: int, height: int, pair: Fused, max_pixels: int | None) -> tuple[int, int]:
    """Visual tokens of a temporal patch, and how many selected frames share it."""
    if family not in VLM_FAMILIES:
        raise unknown_name("VLM family", family, VLM_FAMILIES)
    if pair not in ("none", "repeat", "neighbor"):
        raise unknown_name("pair", pair, ("none", "repeat", "neighbor"))
    known = VLM_FAMILIES[family]
    sharing = known.fused if pair == "none" else 1
    if not known.cell_pixels:
        return known.tokens, sharing
    most = known.max_pixels if max_pixels is None else whole_number("max_pixels", max_pixels, low=known.cell_pixels**2)
    least = known.min_pixels if known.min_pixels <= most else known.cell_pixels**2
    return _cells(width, height, cell_pixels=known.cell_pixels, min_pixels=least, max_pixels=most), sharing


def _cells(width: int, height: int, *, cell_pixels: int, min_pixels: int, max_pixels: int) -> int:
    """Of a frame after ``smart_resize`` of qwen-vl-utils 0.0.14: rounded where that is within the limits, else scaled
    to the limit, then cut down or filled up to whole cells."""
    sides = (width, height)
    pixels = math.prod(max(1, round(side / cell_pixels)) for side in sides) * cell_pixels**2
    if pixels > max_pixels:
        scale = math.sqrt(width * height / max_pixels)
        return math.prod(max(1, math.floor(side / scale / cell_pixels)) for side in sides)
    if pixels < min_pixels:
        scale = math.sqrt(min_pixels / (width * height))
        return math.prod(math.ceil(side * scale / cell_pixels) for side in sides)
    return pixels // cell_pixels**2


def frames_for_tokens(
    max_tokens: int,
    *,
    family: str,
    width: int,
    height: int,
    pair: Fused = "repeat",
    max_pixels: int | None = None,
) -> int:
    """The most frames that fit ``max_tokens`` visual tokens.

    Raises:
        InputError: not one frame fits.
        UnknownNameError: no such family or pairing.
    """
    allowed = whole_number("max_tokens", max_tokens, low=1)
    tokens, sharing = _patch(family, width=width, height=height, pair=pair, max_pixels=max_pixels)
    if allowed < tokens:
        raise InputError(
            f"one frame of {width} x {height} costs {family} {tokens} tokens with pair={pair!r}, "
            f"max_tokens is {allowed}; allow more, or smaller frames by max_pixels"
        )
    return allowed // tokens * sharing


def frames_for_seconds(max_seconds: float, *, seconds_per_frame: float) -> int:
    """The most frames whose time, ``seconds_per_frame`` each, is no longer than ``max_seconds``; at least 1."""
    each = number("seconds_per_frame", seconds_per_frame, low=1e-6)
    return max(1, math.floor(number("max_seconds", max_seconds, low=0) / each + 1e-9))


def adaptive_num_frames(
    scores: np.ndarray,
    *,
    timestamps_seconds: np.ndarray,
    max_frames: int,
    min_frames: int = 2,
    keep: float = 0.5,
    gap_seconds: float = 6.0,
) -> int:
    """Fewer frames where the evidence is concentrated: ``min_frames``..``max_frames``.

    Frames are taken by score with a gap; those that stand at least ``keep`` of the way from the median score to the
    highest are counted. One clear peak asks for few, a plateau of many alike for all there may be; constant scores,
    which point nowhere, for all.

    Args:
        scores, timestamps_seconds: (num_candidates,) each, as of ``select_indices``.
        keep: 0..1; 0.5 was chosen on the validation split (docs/policies.md).
    """
    most = whole_number("max_frames", max_frames, low=1)
    least = whole_number("min_frames", min_frames, low=1, high=most)
    share = number("keep", keep, low=0, high=1)
    most = min(most, len(scores))
    if is_flat(scores) or len(scores) == 1:
        return most
    taken, _ = take_with_gap(
        scores, timestamps_seconds, num_frames=most, gap_seconds=number("gap_seconds", gap_seconds, low=0)
    )
    median = float(np.median(scores))
    threshold = median + share * (float(scores.max()) - median)
    return max(min(least, most), int((scores[list(taken)] >= threshold).sum()))
