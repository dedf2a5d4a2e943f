"""The numbers on the frames that a model was given: out of the tensors its ``generate`` gets, whatever their layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clamr_select.eval.longvideo.smoke import barcodes

FUSED = 2


def numbers(given: Mapping[str, Any]) -> list[int]:
    """One a frame or picture, in order.

    Args:
        given: to ``generate``: ``pixel_values_videos``, or ``pixel_values``, and what says how they lie.
    """
    kind = "video" if "pixel_values_videos" in given else "image"
    values = np.asarray(given["pixel_values_videos" if kind == "video" else "pixel_values"].float())
    grid = given.get(f"{kind}_grid_thw")
    places = given.get(f"{kind}_position_ids")
    if grid is not None:
        frames = _qwen(values, grid.tolist(), pictures=kind == "image")
    elif places is not None:
        frames = [_placed(patches, np.asarray(place)) for patches, place in zip(values, places, strict=True)]
    elif "batch_num_images" in given:
        # the first tile of a picture is the whole of it
        frames = list(values[:, 0].transpose(0, 2, 3, 1))
    else:
        frames = list(values.reshape(-1, *values.shape[-3:]).transpose(0, 2, 3, 1))
    return [barcodes.read(frame) for frame in frames]


def _qwen(values: np.ndarray, grid: list[list[int]], *, pictures: bool) -> list[np.ndarray]:
    """Undo Qwen-VL's processor: rows of patches, each of two frames; a picture stands in both."""
    side = round((values.shape[1] / (3 * FUSED)) ** 0.5)
    frames: list[np.ndarray] = []
    start = 0
    for patches, rows, columns in grid:
        count = patches * rows * columns
        blocks = values[start : start + count].reshape(
            patches, rows // 2, columns // 2, 2, 2, 3, FUSED, side, side
        )  # fmt: skip
        shape = (patches * FUSED, rows * side, columns * side, 3)
        frames += list(blocks.transpose(0, 6, 1, 3, 7, 2, 4, 8, 5).reshape(shape))[:: FUSED if pictures else 1]
        start += count
    return frames


def _placed(patches: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Gemma 4: (patches, values) with the (column, row) of each; padding is at -1."""
    side = round((patches.shape[1] / 3) ** 0.5)
    columns, rows = places[places.min(axis=1) >= 0].max(axis=0) + 1
    frame = np.zeros((rows * side, columns * side, 3), dtype=np.float32)
    for patch, (column, row) in zip(patches, places, strict=True):
        if min(column, row) >= 0:
            frame[row * side : (row + 1) * side, column * side : (column + 1) * side] = patch.reshape(side, side, 3)
    return frame
