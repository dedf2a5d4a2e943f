"""Frames of one video as small JPEGs inside the page: no file is written for them."""

from __future__ import annotations

import base64
import io
from collections import OrderedDict
from collections.abc import Mapping

from PIL import Image

from clamr_select.handoff.frames import frames_at

JPEG_QUALITY = 78
MAX_KEPT = 128


class Pictures:
    """Keeps the ones shown last, so that frames that come again are not decoded again."""

    def __init__(self, video: str) -> None:
        self.video = video
        self._kept: OrderedDict[tuple[int, int], str] = OrderedDict()

    def data_urls(self, timestamps_seconds: Mapping[int, float], *, max_side: int) -> dict[int, str]:
        """Frame index to a ``data:`` address of its picture.

        Args:
            timestamps_seconds: frame index to its time.

        Raises:
            VideoError: the video is gone or changed.
        """
        missing = {
            index: seconds
            for index, seconds in sorted(timestamps_seconds.items())
            if (index, max_side) not in self._kept
        }
        if missing:
            for frame in frames_at(self.video, missing, max_side=max_side):
                self._kept[frame.frame_index, max_side] = _jpeg(Image.fromarray(frame.image))
        wanted = {index: self._kept[index, max_side] for index in timestamps_seconds}
        for index in timestamps_seconds:
            self._kept.move_to_end((index, max_side))
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return wanted


def _jpeg(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
