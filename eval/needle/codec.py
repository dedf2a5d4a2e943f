"""Pictures as a viewer gets them: through H.264 in memory."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

CRF = 40
"""Constant rate factor of the realistic noise level: blocky, but all that is asked for can be seen."""


def through_h264(frames: Sequence[np.ndarray], *, crf: int = CRF) -> list[np.ndarray]:
    """Frames encoded in turn as one stream (x264 ``ultrafast``, yuv420p) and decoded again.

    Args:
        frames: (height, width, 3) uint8 RGB each, all of one even size. A frame that is the same object as the
            one before is not encoded again.

    Returns:
        As many frames, same size and type.
    """
    distinct = [frame for i, frame in enumerate(frames) if i == 0 or frame is not frames[i - 1]]
    if not distinct:
        return []
    decoded = iter(_recode(distinct, crf))
    result: list[np.ndarray] = []
    for i, frame in enumerate(frames):
        result.append(next(decoded) if i == 0 or frame is not frames[i - 1] else result[-1])
    return result


def _recode(frames: Sequence[np.ndarray], crf: int) -> list[np.ndarray]:
    height, width = frames[0].shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1  # the number of threads changes the bytes
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": str(crf), "g": "250"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    pictures: list[np.ndarray] = []
    packets = []
    for index, image in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts = index
        packets += encoder.encode(frame.reformat(format="yuv420p"))
    for packet in [*packets, *encoder.encode(None), None]:
        pictures += [frame.to_ndarray(format="rgb24") for frame in decoder.decode(packet)]
    return pictures
