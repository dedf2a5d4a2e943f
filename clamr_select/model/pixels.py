"""Frames to the patches that Qwen2.5-VL's vision tower reads (its image processor's arithmetic)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from clamr_select.errors import InputError


def smart_resize(height: int, width: int, *, factor: int, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """Height and width that are multiples of ``factor``, within the pixel budget, near the aspect ratio.

    Source: ``smart_resize`` of transformers' Qwen2-VL image processor.

    Raises:
        InputError: the aspect ratio exceeds 200.
    """
    if max(height, width) / min(height, width) > 200:
        raise InputError(f"frames must have an aspect ratio of at most 200, got {width}x{height}")
    rounded_height = max(factor, round(height / factor) * factor)
    rounded_width = max(factor, round(width / factor) * factor)
    if rounded_height * rounded_width > max_pixels:
        scale = math.sqrt(height * width / max_pixels)
        rounded_height = max(factor, math.floor(height / scale / factor) * factor)
        rounded_width = max(factor, math.floor(width / scale / factor) * factor)
    elif rounded_height * rounded_width < min_pixels:
        scale = math.sqrt(min_pixels / (height * width))
        rounded_height = math.ceil(height * scale / factor) * factor
        rounded_width = math.ceil(width * scale / factor) * factor
    return rounded_height, rounded_width


def resize_frames(frames: Sequence[np.ndarray], *, height: int, width: int) -> torch.Tensor:
    """(num_frames, 3, height, width) float32 in 0..255, bicubic with antialiasing, from (H, W, 3) uint8."""
    stacked = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    if stacked.shape[2:] == (height, width):
        return stacked.float()
    resized = torch.nn.functional.interpolate(
        stacked.float(), size=(height, width), mode="bicubic", antialias=True, align_corners=False
    )
    # upstream resizes uint8 tensors: rounded and clamped
    return resized.round_().clamp_(0, 255)


def patchify(
    steps: torch.Tensor, *, patch_size: int, merge_size: int, mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """Normalise and cut into patches, in the order the vision tower merges them.

    Args:
        steps: (num_steps, temporal_patch, 3, height, width) float in 0..255; height and width are multiples of
            ``patch_size * merge_size``.

    Returns:
        (num_steps * rows * columns, 3 * temporal_patch * patch_size * patch_size) float32.
    """
    num_steps, temporal, channels, height, width = steps.shape
    scale = torch.tensor(std).view(1, 1, -1, 1, 1) * 255
    offset = torch.tensor(mean).view(1, 1, -1, 1, 1) * 255
    block = patch_size * merge_size
    patches = ((steps - offset) / scale).reshape(
        num_steps,
        temporal,
        channels,
        height // block,
        merge_size,
        patch_size,
        width // block,
        merge_size,
        patch_size,
    )
    patches = patches.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)  # [T, H/b, W/b, m, m, C, t, p, p]
    return patches.reshape(-1, channels * temporal * patch_size * patch_size)
