"""Thumbnails of one size, from decoded frames or from the video."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from clamr_select.errors import InputError
from clamr_select.figures import palette
from clamr_select.handoff.frames import decode_frames
from clamr_select.selection import Selection


def thumbnail_size(selection: Selection, *, width: int) -> tuple[int, int]:
    """(width, height) with the aspect of the displayed video."""
    facts = selection.video_facts
    return width, max(1, round(width * facts.height / facts.width))


def thumbnails(
    selection: Selection, *, size: tuple[int, int], frames: Sequence[np.ndarray] | None = None
) -> list[Image.Image]:
    """One image of exactly ``size`` a selected frame; another aspect is fitted on a dark ground.

    Args:
        frames: (height, width, 3) uint8 RGB, one a selected frame; None decodes them from the video.

    Raises:
        InputError: the number of frames is not that of the selection.
        VideoError: the video cannot be read (only without ``frames``).
    """
    if frames is None:
        # the longer side, so that neither is smaller than the thumbnail where the video is large enough
        frames = decode_frames(selection, max_side=math.ceil(max(size)))
    if len(frames) != len(selection):
        raise InputError(f"got {len(frames)} frames for a selection of {len(selection)}; one each")
    return [ImageOps.pad(Image.fromarray(frame), size, color=palette.INK) for frame in frames]
