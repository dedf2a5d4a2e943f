"""Decoded picture to RGB array, scaled and upright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import InputError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from clamr_select.video.orientation import Orientation


_UNKNOWN_MATRIX, _BT2020, _BT2020_CONSTANT_LUMINANCE = 2, 9, 10
_CONVERTED_MATRICES = (0, 1, 2, 4, 5, 6, 7, 9)
"""Those that FFmpeg converts from, by their numbers in ITU-T H.273."""


def check_max_side(max_side: int | None) -> None:
    """Raises InputError unless ``max_side`` is None or a whole number of at least 1."""
    if max_side is not None and (
        isinstance(max_side, bool) or not isinstance(max_side, (int, np.integer)) or max_side < 1
    ):
        raise InputError(f"max_side must be None or a whole number of pixels of at least 1, got {max_side!r}")


def scaled_size(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """(width, height) with the longer side at most ``max_side``, never larger, at least 1 pixel each."""
    longer = max(width, height)
    if max_side is None or longer <= max_side:
        return width, height
    return max(1, round(width * max_side / longer)), max(1, round(height * max_side / longer))


class FrameScaler:
    """Turns pictures of one video into (height, width, 3) uint8 RGB arrays of one size.

    ``width`` and ``height`` are those of the coded picture, before ``orientation`` turns it. A picture of
    another size (some streams change it midway) is brought to the same size, as a player's window does.
    """

    def __init__(self, width: int, height: int, *, max_side: int | None, orientation: Orientation) -> None:
        from av.video.reformatter import VideoReformatter

        check_max_side(max_side)
        self._width, self._height = scaled_size(width, height, max_side)
        self._orientation = orientation
        self._reformatter = VideoReformatter()  # keeps its scaling tables from frame to frame

    def from_frame(self, frame: VideoFrame) -> np.ndarray:
        """A frame as PyAV decoded it; it is marked with the matrix that :func:`nearest_matrix` names."""
        frame.colorspace = nearest_matrix(frame)  # FFmpeg 8 refuses by this mark, whatever it is told below
        scaled = self._reformatter.reformat(
            frame, self._width, self._height, "rgb24", interpolation="AREA", **_source_colours(frame)
        )
        return self._orientation.upright(scaled.to_ndarray())

    def from_array(self, image: np.ndarray) -> np.ndarray:
        """An (height, width, 3) uint8 RGB picture of another decoder; it must need no turning."""
        from av.video.frame import VideoFrame

        if image.shape[:2] == (self._height, self._width):
            return np.ascontiguousarray(image)
        return self.from_frame(VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"))


def nearest_matrix(frame: VideoFrame) -> int:
    """The colour matrix that a frame is converted by, by its number in ITU-T H.273: its own, or one that stands in for
    it where FFmpeg cannot convert from that, such as YCgCo or ICtCp."""
    matrix = int(frame.colorspace)
    if matrix in _CONVERTED_MATRICES or not _has_matrix(frame):
        return matrix
    return _BT2020 if matrix == _BT2020_CONSTANT_LUMINANCE else _UNKNOWN_MATRIX


def _has_matrix(frame: VideoFrame) -> bool:
    return not frame.format.is_rgb and len(frame.format.components) >= 3


def _source_colours(frame: VideoFrame) -> dict[str, Any]:
    """What the frame says of its colours, in the words of ``reformat``.

    PyAV before 16 ignores the frame's matrix and range (reds of HD video come out 24 levels off) unless source
    and destination differ; RGB output has no matrix, so a destination that no video uses says "convert".
    """
    from av.video.reformatter import ColorRange, Colorspace

    if not _has_matrix(frame):
        return {}
    full_range = int(frame.color_range) == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return {
        "src_colorspace": int(frame.colorspace) or 2,  # 0 is RGB, which the format above denies; 2 is unknown
        "dst_colorspace": Colorspace.FCC,
        "src_color_range": ColorRange.JPEG if full_range else ColorRange.MPEG,
        "dst_color_range": ColorRange.JPEG,
    }
