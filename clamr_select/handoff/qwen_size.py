"""Frames in the size that qwen-vl-utils gives a video it reads itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clamr_select.errors import missing_dependency

if TYPE_CHECKING:
    import numpy as np
    import torch


def vision_process(*, purpose: str) -> Any:
    """The module ``qwen_vl_utils.vision_process``.

    Raises:
        MissingDependencyError: it is not installed; ``purpose`` says who needs it.
    """
    try:
        from qwen_vl_utils import vision_process as module
    except ImportError as error:
        raise missing_dependency("qwen-vl-utils", extra="qwen", purpose=purpose) from error
    return module


def resized_for_qwen(
    frames: np.ndarray, *, process: Any, patch_size: int, block: Mapping[str, Any] | None = None
) -> torch.Tensor:
    """Frames resized once, as ``fetch_video`` resizes a video it reads.

    Its way for lists of frames resizes twice, first to twice the patch, which bends small pictures.

    Args:
        frames: (num_frames, height, width, 3) uint8 RGB.
        process: from :func:`vision_process`.
        block: the content block, for its budget of pixels (``max_pixels``, ``resized_height`` …).

    Returns:
        (num_frames, 3, height, width) float32 in 0..255.
    """
    from torch import from_numpy
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import resize

    pictures = from_numpy(frames).permute(0, 3, 1, 2)
    factor = patch_size * process.SPATIAL_MERGE_SIZE
    size = _size(process, block or {}, shape=tuple(pictures.shape), factor=factor)
    return resize(pictures, list(size), interpolation=InterpolationMode.BICUBIC, antialias=True).float()


def _size(process: Any, block: Mapping[str, Any], *, shape: tuple[int, ...], factor: int) -> tuple[int, int]:
    """(height, width) within the block's budget of pixels, as in ``fetch_video`` of qwen-vl-utils 0.0.14."""
    num_frames, _, height, width = shape
    if "resized_height" in block and "resized_width" in block:
        height, width = process.smart_resize(block["resized_height"], block["resized_width"], factor=factor)
        return height, width
    patch = factor * factor
    least = block.get("min_pixels", process.VIDEO_MIN_TOKEN_NUM * patch)
    total = block.get("total_pixels", process.MODEL_SEQ_LEN * patch * 0.9)
    shared = total / num_frames * process.FRAME_FACTOR
    most = max(min(process.VIDEO_MAX_TOKEN_NUM * patch, shared), int(least * 1.05))
    most = min(block.get("max_pixels", most), most)
    height, width = process.smart_resize(height, width, factor=factor, min_pixels=least, max_pixels=most)
    return height, width
