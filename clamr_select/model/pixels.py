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


def frame_sizes(
    height: int, width: int, *, factor: int, min_pixels: int, max_pixels: int, enlarge_to_pixels: int | None
) -> list[tuple[int, int]]:
    """The sizes (height, width) a frame takes one after the other: within the budget, and then, where asked for, up to
    a least size past it (the Omni processor enlarges what the message's budget has shrunk).

    Raises:
        InputError: as :func:`smart_resize`.
    """
    sizes = [smart_resize(height, width, factor=factor, min_pixels=min_pixels, max_pixels=max_pixels)]
    if enlarge_to_pixels is not None and sizes[0][0] * sizes[0][1] < enlarge_to_pixels:
        # both sides are rounded up, so the limit is there for the signature alone
        limit = 100 * enlarge_to_pixels
        sizes.append(smart_resize(*sizes[0], factor=factor, min_pixels=enlarge_to_pixels, max_pixels=limit))
    return sizes


def resize_frames(frames: Sequence[np.ndarray], *, sizes: Sequence[tuple[int, int]]) -> torch.Tensor:
    """(num_frames, 3, height, width) float32 in 0..255, bicubic with antialiasing, from (H, W, 3) uint8.

    Args:
        sizes: (height, width) to resize to, one after the other.
    """
    resized = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()
    for size in sizes:
        if tuple(resized.shape[2:]) != size:
            resized = torch.nn.functional.interpolate(
                resized, size=size, mode="bicubic", antialias=True, align_corners=False
            )
            # upstream resizes uint8 tensors: rounded and clamped
            resized = resized.round_().clamp_(0, 255)
    return resized


def cut_patches(steps: torch.Tensor, *, patch_size: int, merge_size: int) -> torch.Tensor:
    """Cut into patches, in the order the vision tower merges them.

    Args:
        steps: (num_steps, temporal_patch, 3, height, width) of any type; height and width are multiples of
            ``patch_size * merge_size``.

    Returns:
        (num_steps * rows * columns, 3 * temporal_patch * patch_size * patch_size) of the same type.
    """
    num_steps, temporal, channels, height, width = steps.shape
    block = patch_size * merge_size
    patches = steps.reshape(
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


def normalize_patches(patches: torch.Tensor, *, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Patches of :func:`cut_patches`, 0..255, as the vision tower reads them.

    Args:
        mean, std: of each colour channel, on the scale 0..1.

    Returns:
        the same shape, float32.
    """
    by_channel = patches.to(torch.float32, copy=True).view(len(patches), len(mean), -1)  # a copy, changed in place
    offset = torch.tensor(mean, device=patches.device).view(1, -1, 1) * 255
    scale = torch.tensor(std, device=patches.device).view(1, -1, 1) * 255
    return by_channel.sub_(offset).div_(scale).view(patches.shape)
