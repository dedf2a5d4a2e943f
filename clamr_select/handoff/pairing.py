"""What fills the patch of a model that fuses consecutive frames: the frame again, its neighbour, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np

from clamr_select.errors import InputError, TimestampWarning, unknown_name
from clamr_select.handoff.consumers import TimeChannel, shown_seconds
from clamr_select.handoff.frames import frames_at, opened_as
from clamr_select.handoff.timeline import MAX_CLOCK_ERROR_SECONDS, Timeline, timeline_of
from clamr_select.handoff.warn import warn
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    from clamr_select.video import Backend


@dataclass(frozen=True)
class Emission:
    """Which frames a consumer gets, in order, and what it is told of their times."""

    video: str
    frame_indices: tuple[int, ...]
    """In the source video, never decreasing: a frame may be emitted repeatedly."""
    timestamps_seconds: tuple[float, ...]
    timeline: Timeline
    limits: Limits = DEFAULT_LIMITS
    isolate: bool = False

    def decode(self, *, max_side: int | None = None, backend: Backend = "pyav") -> np.ndarray:
        """(num_frames, height, width, 3) uint8 RGB.

        Raises:
            FrameDecodeError, VideoError: as :meth:`Selection.frames`.
        """
        times = dict(zip(self.frame_indices, self.timestamps_seconds, strict=True))
        frames = frames_at(
            self.video, times, max_side=max_side, backend=backend, limits=self.limits, isolate=self.isolate
        )
        images = {frame.frame_index: frame.image for frame in frames}
        return np.stack([images[index] for index in self.frame_indices])


def plan_emission(selection: Selection, channel: TimeChannel, *, pair: Pair | None) -> Emission:
    """Put the selected frames in the order a consumer needs; nothing is decoded.

    Args:
        pair: None takes what keeps the seconds right: ``repeat`` where the consumer fuses frames, else ``none``.

    Raises:
        UnknownNameError: no such pairing.
        InputError: the selection is empty.
        VideoError: for ``neighbor``, the video cannot be read.

    Warns:
        TimestampWarning: the consumer will show a time that is more than 0.05 s from the frame's.
    """
    if not len(selection):
        raise InputError("the selection has no frame to hand over; select with num_frames of at least 1")
    chosen = resolve_pair(pair, channel)
    frames = list(zip(selection.frame_indices, selection.timestamps_seconds, strict=True))
    if chosen == "repeat":
        frames = [frame for frame in frames for _ in range(max(2, channel.num_fused))]
    elif chosen == "neighbor":
        frames = _with_neighbors(selection)
    if channel.mixes_times:  # what is left over is filled as consumers fill it; some refuse a single frame
        frames += [frames[-1]] * (-len(frames) % channel.num_fused)
    indices, times = (tuple(column) for column in zip(*frames, strict=True))
    _warn_of_times(times, channel, pair=chosen)
    line = timeline_of(indices, times, facts=selection.video_facts, clock=channel.clock)
    return Emission(selection.video, indices, times, line, **opened_as(selection))


def resolve_pair(pair: Pair | None, channel: TimeChannel) -> Pair:
    """The pairing that was asked for, or the one that keeps the seconds right.

    Raises:
        UnknownNameError: no such pairing.
    """
    if pair is None:
        return "repeat" if channel.mixes_times else "none"
    if pair not in get_args(Pair):
        raise unknown_name("pair", pair, get_args(Pair))
    return pair


def _with_neighbors(selection: Selection) -> list[tuple[int, float]]:
    """Each selected frame and the one after it; the last frame of a video is its own neighbour."""
    from clamr_select.isolation import opener

    how = opened_as(selection)
    with opener(isolate=how["isolate"])(selection.video, limits=how["limits"]) as reader:
        clock, last = reader.timestamps_seconds, reader.info.num_frames - 1
    couples: list[tuple[int, float]] = []
    for index, seconds in zip(selection.frame_indices, selection.timestamps_seconds, strict=True):
        after = min(index + 1, last)
        couples += [(index, seconds), (after, float(clock[after]) if after > index else seconds)]
    return couples


def _warn_of_times(times: tuple[float, ...], channel: TimeChannel, *, pair: Pair) -> None:
    """Say what the consumer will show where that is not the frame's time."""
    shown = shown_seconds(times, channel)
    if shown[0] is None:
        text = (
            f"{channel.name} has no place for times in a video: its model will not know when the frames happened. "
            "to_chat_content() writes the seconds before each frame"
        )
        warn(text, TimestampWarning)
        return
    errors = [abs(seen - seconds) if seen is not None else 0.0 for seen, seconds in zip(shown, times, strict=True)]
    worst = int(np.argmax(errors))
    if not _is_off(errors[worst]):
        return
    text = (
        f"{channel.name} will show the frame of {times[worst]:.2f} s as {shown[worst]:.2f} s with pair={pair!r}; "
        f"{sum(map(_is_off, errors))} of {len(times)} frames are more than "
        f"{MAX_CLOCK_ERROR_SECONDS} s off. {_advice(channel, pair)}"
    )
    warn(text, TimestampWarning)


def _is_off(error_seconds: float) -> bool:
    return error_seconds > MAX_CLOCK_ERROR_SECONDS + 1e-9  # half of a tenth is not off by its binary rounding


def _advice(channel: TimeChannel, pair: Pair) -> str:
    if channel.mixes_times and channel.shown != "interval" and pair != "repeat" and channel.unit == "tenths":
        return "pair='repeat' shows every frame at its own time"
    return "to_chat_content() writes the exact seconds before each frame"
