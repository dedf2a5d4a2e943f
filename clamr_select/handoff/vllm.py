"""The selection as vLLM takes it: arrays with metadata offline, request arguments for its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.handoff.consumers import UNKNOWN, time_channel
from clamr_select.handoff.pairing import plan_emission
from clamr_select.handoff.transformers import video_metadata
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    from transformers import ProcessorMixin

ALL_FRAMES = -1
"""vLLM's default of 32 drops the frames after them without a word."""


def to_vllm(
    selection: Selection,
    *,
    processor: ProcessorMixin | None = None,
    pair: Pair | None = None,
    max_side: int | None = None,
) -> dict[str, list[tuple[np.ndarray, dict[str, Any]]]]:
    """See :meth:`Selection.to_vllm`."""
    channel = time_channel(processor)
    emission = plan_emission(selection, channel, pair=pair)
    frames = emission.decode(max_side=max_side)
    metadata = video_metadata(emission, channel, size=(frames.shape[1], frames.shape[2]))
    # vLLM samples again unless the item itself says not to: its default flag is "all frames are here"
    return {"video": [(frames, {**metadata, "do_sample_frames": False})]}


def vllm_extra_body(selection: Selection, *, pair: Pair | None = None) -> dict[str, Any]:
    """See :meth:`Selection.vllm_extra_body`."""
    line = plan_emission(selection, UNKNOWN, pair=pair).timeline
    video = {
        "num_frames": ALL_FRAMES,
        "fps": line.fps,
        "frames_indices": list(line.frames_indices),
        "total_num_frames": line.total_num_frames,
        "duration": line.duration_seconds,
    }
    return {"media_io_kwargs": {"video": video}, "mm_processor_kwargs": {"do_sample_frames": False}}
