"""The selection as qwen-vl-utils' ``process_vision_info`` returns a video, with the times it was selected at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clamr_select.handoff.consumers import time_channel
from clamr_select.handoff.pairing import plan_emission
from clamr_select.handoff.qwen_size import resized_for_qwen, vision_process
from clamr_select.handoff.transformers import video_metadata
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    import torch
    from transformers import ProcessorMixin

DEFAULT_PATCH_SIZE = 16
"""Of Qwen3-VL, in pixels; Qwen2.5-VL has 14."""


def to_qwen_vl_utils(
    selection: Selection,
    *,
    processor: ProcessorMixin | None = None,
    pair: Pair | None = None,
    max_side: int | None = None,
) -> tuple[None, list[tuple[torch.Tensor, dict[str, Any]]], dict[str, Any]]:
    """See :meth:`Selection.to_qwen_vl_utils`."""
    process = vision_process(purpose="to_qwen_vl_utils()")
    channel = time_channel(processor)
    emission = plan_emission(selection, channel, pair=pair)
    patch_size = processor.video_processor.patch_size if processor is not None else DEFAULT_PATCH_SIZE
    frames = resized_for_qwen(emission.decode(max_side=max_side), process=process, patch_size=patch_size)
    metadata = video_metadata(emission, channel, size=(frames.shape[2], frames.shape[3]))
    return None, [(frames, metadata)], {"do_sample_frames": False, "do_resize": False}
