"""The selection as the arguments of a transformers processor, and as its ``sample_indices_fn``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import InputError, TimestampWarning
from clamr_select.handoff.consumers import TimeChannel, interval_seconds, time_channel
from clamr_select.handoff.pairing import Emission, plan_emission
from clamr_select.handoff.timeline import MAX_CLOCK_ERROR_SECONDS, Timeline
from clamr_select.handoff.warn import warn
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    from transformers import ProcessorMixin
    from transformers.video_utils import VideoMetadata

VIDEO_BACKEND = "clamr_select"


def to_transformers(
    selection: Selection,
    *,
    processor: ProcessorMixin | None = None,
    pair: Pair | None = None,
    max_side: int | None = None,
) -> dict[str, Any]:
    """See :meth:`Selection.to_transformers`."""
    channel = time_channel(processor)
    emission = plan_emission(selection, channel, pair=pair)
    frames = emission.decode(max_side=max_side)
    arguments: dict[str, Any] = {
        "videos": [frames],
        "video_metadata": [video_metadata(emission, channel, size=(frames.shape[1], frames.shape[2]))],
        "do_sample_frames": False,
    }
    if channel.shown == "interval" and "Omni" in channel.name:
        # these read the rate from the call, not from the metadata
        arguments["fps"] = _sampled_fps(emission, channel)
    return arguments


def video_metadata(emission: Emission, channel: TimeChannel, *, size: tuple[int, int] | None) -> dict[str, Any]:
    """The seven keys of transformers' ``VideoMetadata``, new lists each time (Qwen3-VL lengthens them in place).

    Args:
        size: (height, width) of the emitted frames in pixels, if they are decoded.
    """
    line = _uniform(emission, channel) if channel.shown == "interval" else emission.timeline
    return {
        "total_num_frames": line.total_num_frames,
        "fps": line.fps,
        "width": size[1] if size else None,
        "height": size[0] if size else None,
        "duration": line.duration_seconds,
        "video_backend": VIDEO_BACKEND,
        "frames_indices": list(line.frames_indices),
    }


def _sampled_fps(emission: Emission, channel: TimeChannel) -> float:
    return channel.num_fused / interval_seconds(emission.timestamps_seconds, num_fused=channel.num_fused)


def _uniform(emission: Emission, channel: TimeChannel) -> Timeline:
    """What a model with one interval a video is told: the mean interval, from which it counts."""
    num_frames, fps = len(emission.frame_indices), _sampled_fps(emission, channel)
    return Timeline(tuple(range(num_frames)), fps, num_frames, num_frames / fps, is_virtual=True)


def sample_indices(selection: Selection, metadata: VideoMetadata) -> np.ndarray:
    """See :meth:`Selection.__call__`."""
    if not hasattr(metadata, "total_num_frames"):
        raise InputError(
            "a selection is called by transformers' load_video(path, sample_indices_fn=selection), with a "
            f"VideoMetadata; got {type(metadata).__name__}"
        )
    counted = metadata.total_num_frames
    # 0: matroska does not say, and the pyav reader asks the header
    if counted and counted != selection.video_facts.num_frames:
        raise InputError(
            f"this reader counts {counted} frames, {selection.video} has {selection.video_facts.num_frames} that can "
            "be shown: its indices would name other frames. Use to_transformers(), which decodes them itself"
        )
    if not len(selection):
        raise InputError("the selection has no frame to load; select with num_frames of at least 1")
    indices = np.array(selection.frame_indices, dtype=np.int64)
    if metadata.fps:
        times = np.array(selection.timestamps_seconds)
        errors = np.abs(indices / metadata.fps - times)
        worst = int(errors.argmax())
        if errors[worst] > MAX_CLOCK_ERROR_SECONDS:
            shown = indices[worst] / metadata.fps
            text = (
                f"load_video computes times as index / {metadata.fps:.3f}: the frame of {times[worst]:.2f} s will be "
                f"shown as {shown:.2f} s. to_transformers() says the right seconds"
            )
            warn(text, TimestampWarning)
    return indices
