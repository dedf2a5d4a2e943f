"""Which stretches of a video to decode for a set of frames."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from clamr_select.video.packets import PacketTable

MIN_SKIP = 3
"""Packets: it pays to start afresh at a later key frame when at least this many need not be decoded."""

LONG_STRETCH = 100
"""Packets: so many are a stretch of their own where a key frame allows it, which another thread may read. Whether
threads are used does not matter here: what comes out must not depend on them."""


@dataclass(frozen=True)
class Stretch:
    """Packets ``start`` (a key frame) to ``stop``, both decoded, and the frames wanted of them."""

    start: int
    stop: int
    frame_indices: tuple[int, ...]


def plan_reading(packets: PacketTable, frame_indices: np.ndarray) -> list[Stretch]:
    """Stretches in decoding order that hold all of ``frame_indices`` (strictly increasing).

    Dense requests end up as one pass over the file, sparse ones as a jump to the key frame before each frame;
    nothing has to choose between the two.
    """
    starts = [packets.key_position(ordinal) for ordinal in packets.start_of(frame_indices).tolist()]
    starts = list(accumulate(reversed(starts), min))[::-1]  # of this frame and all after it
    stops = packets.frame_positions[frame_indices].tolist()
    stretches: list[Stretch] = []
    first, last_stop = 0, -1
    for i in range(1, len(starts) + 1):
        last_stop = max(last_stop, stops[i - 1])
        if i == len(starts) or _starts_afresh(starts[first], last_stop, starts[i]):
            stretches.append(Stretch(starts[first], last_stop, tuple(frame_indices[first:i].tolist())))
            first, last_stop = i, -1
    return stretches


def _starts_afresh(start: int, last_stop: int, next_start: int) -> bool:
    is_long = next_start - start >= LONG_STRETCH
    return next_start > last_stop if is_long else next_start >= last_stop + MIN_SKIP


def one_key_earlier(packets: PacketTable, frame_indices: np.ndarray) -> Stretch:
    """One stretch for all of ``frame_indices`` that starts a key frame before the last possible one."""
    ordinal = int(packets.start_of(frame_indices[:1])[0]) - 1
    stop = int(packets.frame_positions[frame_indices].max())
    return Stretch(packets.key_position(ordinal), stop, tuple(frame_indices.tolist()))
