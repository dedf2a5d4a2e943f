"""How a decoded picture is turned to be displayed upright."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame

_FIXED_POINT = 1 << 16


@dataclass(frozen=True)
class Orientation:
    """First mirrored left to right (or not), then turned clockwise."""

    rotation_degrees: int
    """Clockwise: 0, 90, 180 or 270."""
    mirrored: bool
    is_exact: bool = True
    """False where the container asks for another angle, which was rounded to a quarter turn."""

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.rotation_degrees in (90, 270)

    def upright(self, image: np.ndarray) -> np.ndarray:
        """Turn (height, width, 3) as it was decoded into the picture as it is displayed."""
        if self.mirrored:
            image = image[:, ::-1]
        if self.rotation_degrees:
            image = np.rot90(image, k=-self.rotation_degrees // 90)
        return np.ascontiguousarray(image)


UPRIGHT = Orientation(rotation_degrees=0, mirrored=False)


def orientation_from_matrix(a: float, b: float, c: float, d: float) -> Orientation:
    """Read the linear part of a display matrix: ISO/IEC 14496-12 maps (x, y) to (ax + cy, bx + dy), y down."""
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    angle = math.degrees(math.atan2(b, a))
    turned = round(angle / 90) * 90
    return Orientation(rotation_degrees=turned % 360, mirrored=mirrored, is_exact=abs(angle - turned) < 1)


def frame_orientation(frame: VideoFrame) -> Orientation:
    """The orientation a decoded frame carries from its container."""
    side_data = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
    if side_data is None:
        return UPRIGHT
    matrix = np.frombuffer(bytes(side_data), dtype=np.int32) / _FIXED_POINT
    return orientation_from_matrix(matrix[0], matrix[1], matrix[3], matrix[4])
