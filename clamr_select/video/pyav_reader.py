"""The default backend: PyAV, one pass where many frames are wanted, jumps where few are."""

from __future__ import annotations

import os
from functools import partial
from itertools import chain

import numpy as np

from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.base import Images, IndexedReader
from clamr_select.video.index import index_video
from clamr_select.video.read_plan import plan_reading
from clamr_select.video.scaling import scaled_size
from clamr_select.video.side_by_side import one_by_one, side_by_side, usable_threads
from clamr_select.video.stretch_decoder import StretchDecoder, StretchReading


class PyAVReader(IndexedReader):
    """Reads every container and codec the bundled FFmpeg reads. Each returned frame's timestamp is verified.

    Args:
        num_threads: That decode. Frames, warnings and errors are the same with any number.
    """

    backend = "pyav"

    def __init__(self, path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS, num_threads: int = 1) -> None:
        super().__init__(index_video(path, limits=limits, backend=self.backend))
        self._num_threads = num_threads

    def _images(self, frame_indices: np.ndarray, max_side: int | None) -> Images:
        readings = [StretchReading(stretch) for stretch in plan_reading(self.index.packets, frame_indices)]
        delivered: list[int] = []
        images = self._decoded(readings, max_side) if readings else _nothing()
        try:
            for index, image in images:
                if image is not None:
                    delivered.append(index)
                yield index, image
        finally:
            images.close()
            width, height = self.index.coded_size
            resized = set(chain.from_iterable(reading.resized for reading in readings))
            self._note_damage(set().union(*(reading.damaged_pts for reading in readings)), delivered)
            self._note(
                "resized_frames",
                [index for index in delivered if index in resized],
                f"frames brought to {width}x{height} from another size",
            )

    def _decoded(self, readings: list[StretchReading], max_side: int | None) -> Images:
        size = self.index.coded_size
        num_threads = usable_threads(self._num_threads, num_stretches=len(readings), coded_size=size)
        open_decoder = partial(StretchDecoder, self.index, max_side=max_side)
        if num_threads == 1:
            return one_by_one(readings, open_decoder)
        width, height = scaled_size(*size, max_side)
        return side_by_side(readings, open_decoder, num_threads=num_threads, image_bytes=3 * width * height)


def _nothing() -> Images:
    yield from ()
