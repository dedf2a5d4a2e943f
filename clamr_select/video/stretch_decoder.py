"""Decode the wanted frames of stretches of a video, one stretch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.video.base import Images
from clamr_select.video.index import VideoIndex
from clamr_select.video.read_plan import Stretch, one_key_earlier
from clamr_select.video.scaling import FrameScaler

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_RESCUE_FRAMES = 8
"""Frames that are decoded again together; as many decoded pictures are held at once."""


@dataclass
class StretchReading:
    """A stretch that is to be read, and what was noticed while it was."""

    stretch: Stretch
    damaged_pts: set[int] = field(default_factory=set)
    """See :meth:`clamr_select.video.packets.PacketTable.refer_to`; known when the images have ended."""
    resized: list[int] = field(default_factory=list)
    """Frames of another size than the video's."""
    is_cancelled: bool = False
    """Set from outside: nobody wants the rest."""


class StretchDecoder:
    """One decoder and one scaler, for one thread. What a stretch gives does not depend on those read before it."""

    def __init__(self, index: VideoIndex, *, max_side: int | None) -> None:
        self._index = index
        self._scaler = FrameScaler(*index.coded_size, max_side=max_side, orientation=index.orientation)
        self._session = index.session()

    def images(self, reading: StretchReading) -> Images:
        """Every wanted frame in order, scaled and upright."""
        self._session.damaged_pts = reading.damaged_pts
        for index, frame in self._frames(reading):
            if frame is None:
                yield index, None
                continue
            if (frame.width, frame.height) != self._index.coded_size:
                reading.resized.append(index)
            yield index, self._scaler.from_frame(frame)

    def close(self) -> None:
        """Close the file."""
        self._session.close()

    def __enter__(self) -> StretchDecoder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _frames(self, reading: StretchReading) -> Iterator[tuple[int, VideoFrame | None]]:
        """One that the pass did not show is decoded again before it is given up."""
        stretch = reading.stretch
        wanted = {int(self._index.packets.frame_pts[index]): index for index in stretch.frame_indices}
        waiting = list(reversed(stretch.frame_indices))
        for frame in self._session.decode(stretch.start, stretch.stop, wanted=wanted):
            if reading.is_cancelled:
                return
            found = wanted.get(frame.pts) if frame.pts is not None else None
            if found is None or not waiting or found < waiting[-1]:
                continue
            missed = []
            while waiting[-1] != found:
                missed.append(waiting.pop())
            yield from self._rescue(missed, reading)
            yield waiting.pop(), frame
        yield from self._rescue(waiting[::-1], reading)

    def _rescue(self, missed: list[int], reading: StretchReading) -> Iterator[tuple[int, VideoFrame | None]]:
        """Decode frames again in full, from a key frame earlier."""
        packets = self._index.packets
        for first in range(0, len(missed), _RESCUE_FRAMES):
            chunk = missed[first : first + _RESCUE_FRAMES]
            again = one_key_earlier(packets, np.array(chunk))
            if again.start >= reading.stretch.start and not self._session.skips_unreferenced:
                yield from ((index, None) for index in chunk)
                continue
            wanted = {int(packets.frame_pts[index]): index for index in chunk}
            found: dict[int, VideoFrame] = {}
            with self._index.session() as second:
                second.damaged_pts = reading.damaged_pts
                for frame in second.decode(again.start, again.stop):
                    if reading.is_cancelled:
                        return
                    if frame.pts is not None and frame.pts in wanted:
                        found.setdefault(wanted[frame.pts], frame)
            yield from ((index, found.get(index)) for index in chunk)
