"""The default backend: PyAV, one pass where many frames are wanted, jumps where few are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.base import Images, IndexedReader
from clamr_select.video.decode import DecodeSession
from clamr_select.video.index import index_video
from clamr_select.video.read_plan import Stretch, one_key_earlier, plan_reading
from clamr_select.video.scaling import FrameScaler

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_RESCUE_FRAMES = 8
"""Frames that are decoded again together; as many decoded pictures are held at once."""


class PyAVReader(IndexedReader):
    """Reads every container and codec the bundled FFmpeg reads. Each returned frame's timestamp is verified."""

    backend = "pyav"

    def __init__(self, path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(index_video(path, limits=limits, backend=self.backend))

    def _images(self, frame_indices: np.ndarray, max_side: int | None) -> Images:
        width, height = self.index.coded_size
        scaler = FrameScaler(width, height, max_side=max_side, orientation=self.index.orientation)
        self._damaged_pts: set[int] = set()
        delivered: list[int] = []
        resized: list[int] = []
        try:
            for index, frame in self._decoded(frame_indices):
                if frame is None:
                    yield index, None
                    continue
                delivered.append(index)
                if (frame.width, frame.height) != (width, height):
                    resized.append(index)
                yield index, scaler.from_frame(frame)
        finally:
            self._note_damage(self._damaged_pts, delivered)
            self._note("resized_frames", resized, f"frames brought to {width}x{height} from another size")

    def _decoded(self, frame_indices: np.ndarray) -> Iterator[tuple[int, VideoFrame | None]]:
        if len(frame_indices) == 0:
            return
        with self.index.session() as session:
            for stretch in plan_reading(self.index.packets, frame_indices):
                yield from self._decode_stretch(session, stretch)
                self._damaged_pts |= session.damaged_pts

    def _decode_stretch(self, session: DecodeSession, stretch: Stretch) -> Iterator[tuple[int, VideoFrame | None]]:
        """Every wanted frame in order. One that the pass did not show is decoded again before it is given up."""
        wanted = {int(self.index.packets.frame_pts[index]): index for index in stretch.frame_indices}
        waiting = list(reversed(stretch.frame_indices))
        for frame in session.decode(stretch.start, stretch.stop, wanted=wanted):
            found = wanted.get(frame.pts) if frame.pts is not None else None
            if found is None or not waiting or found < waiting[-1]:
                continue
            missed = []
            while waiting[-1] != found:
                missed.append(waiting.pop())
            yield from self._rescue(missed, session, stretch)
            yield waiting.pop(), frame
        yield from self._rescue(waiting[::-1], session, stretch)

    def _rescue(
        self, missed: list[int], session: DecodeSession, stretch: Stretch
    ) -> Iterator[tuple[int, VideoFrame | None]]:
        """Decode frames again in full, from a key frame earlier."""
        for first in range(0, len(missed), _RESCUE_FRAMES):
            chunk = missed[first : first + _RESCUE_FRAMES]
            again = one_key_earlier(self.index.packets, np.array(chunk))
            if again.start >= stretch.start and not session.skips_unreferenced:
                yield from ((index, None) for index in chunk)
                continue
            wanted = {int(self.index.packets.frame_pts[index]): index for index in chunk}
            found: dict[int, VideoFrame] = {}
            with self.index.session() as second:
                for frame in second.decode(again.start, again.stop):
                    if frame.pts is not None and frame.pts in wanted:
                        found.setdefault(wanted[frame.pts], frame)
            yield from ((index, found.get(index)) for index in chunk)
