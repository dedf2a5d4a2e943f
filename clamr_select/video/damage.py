"""PyAV decodes beside a backend that does not say what it found damaged, and says it."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from clamr_select.video.index import VideoIndex
from clamr_select.video.read_plan import plan_reading


def beside_pyav(index: VideoIndex, frame_indices: np.ndarray, damaged_pts: set[int]) -> Generator[int, None, None]:
    """``frame_indices`` one by one, each once PyAV has decoded as far.

    Args:
        frame_indices: strictly increasing.
        damaged_pts: receives the timestamps of what PyAV found damaged, when the generator ends; see
            :meth:`clamr_select.video.packets.PacketTable.refer_to`.
    """
    if len(frame_indices) == 0:
        return
    frame_pts = index.packets.frame_pts
    with index.session() as session:
        try:
            for stretch in plan_reading(index.packets, frame_indices):
                wanted = set(frame_pts[list(stretch.frame_indices)].tolist())
                decoded = session.decode(stretch.start, stretch.stop, wanted=wanted)
                for frame_index in stretch.frame_indices:
                    for frame in decoded:
                        if frame.pts is not None and frame.pts >= frame_pts[frame_index]:
                            break
                    yield frame_index
                for _ in decoded:  # damage is known once the damaged frame is shown, after some that refer to it
                    pass
        finally:
            damaged_pts |= session.damaged_pts
