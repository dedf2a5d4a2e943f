"""At what size frames are decoded, and at what size they are encoded."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from clamr_select.indexing.screen_text import OCR_MAX_SIDE
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.video.reader import VideoInfo
from clamr_select.video.stream import CANDIDATE_MAX_SIDE


class FrameSize:
    """Of one video's frames.

    Args:
        encoder: says how large it wants them.
        reads_text: text on screen is read from the same frames, which takes larger ones.
    """

    def __init__(self, encoder: ClamrEncoder, *, reads_text: bool) -> None:
        self._encoder = encoder
        self._reads_text = reads_text

    def decode_side(self, info: VideoInfo) -> int:
        """Longer side to decode at, in pixels: what the encoder needs, more where text is read."""
        side = self._encoder_side(info.height, info.width)
        return max(side, OCR_MAX_SIDE) if self._reads_text else side

    def small(self, image: np.ndarray) -> np.ndarray:
        """The frame at the encoder's size, so that no window holds frames of the size text is read at."""
        height, width = image.shape[:2]
        scale = self._encoder_side(height, width) / max(height, width)
        if scale >= 1:
            return image
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))

    def _encoder_side(self, height: int, width: int) -> int:
        target_height, target_width = self._encoder.processor.frame_size(height, width)
        needed = math.ceil(max(target_height / height, target_width / width) * max(height, width))
        return max(CANDIDATE_MAX_SIDE, needed)
