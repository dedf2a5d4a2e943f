"""Qwen3-VL, a backbone for new models; no published CLaMR stands on it (arXiv 2511.21631).

A document's layout here: each candidate between its own pair of marks, as Qwen3-VL shows frames, and without the time
that its chat writes before each ("<1.5 seconds>"): candidates are in time order, and their times are known outside. So
time is the order of the blocks, not a position: each frame starts where the text before it ends, and what follows
starts past its longer side (``get_rope_index`` upstream). Interleaved rotary frequencies and the vision tower's
features in the early text layers are the model's own affair.
"""

from __future__ import annotations

from torch import nn

from clamr_select.model.backbones.base import RELEASED_TEXT_PREFIXES, Backbone, FrameTokens
from clamr_select.model.layout import Sequence


def prepare(vlm: nn.Module) -> None:
    """Patches by one product."""
    from clamr_select.model.vision_patches import project_patches

    project_patches(vlm)


def frame_by_frame(sequence: Sequence, frames: FrameTokens) -> None:
    """Each candidate in a block of its own."""
    for candidate in range(frames.num_candidates):
        sequence.add_text([frames.start_id])
        sequence.add_video(
            token_id=frames.token_id,
            modality_id=frames.modality_id,
            num_candidates=1,
            first_candidate=candidate,
            grid_height=frames.grid_height,
            grid_width=frames.grid_width,
            time_interval=0.0,
        )
        sequence.add_text([frames.end_id])


QWEN3_VL = Backbone(
    model_type="qwen3_vl",
    modalities=("video", "ocr", "asr", "description"),
    base_ids=("Qwen/Qwen3-VL-2B-Instruct", "Qwen/Qwen3-VL-4B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"),
    processor_options={
        "backbone": "qwen3_vl",
        "document_prefix": "<|im_start|>user\n",
        "document_suffix": "<|im_end|>\n",
        "text_prefixes": RELEASED_TEXT_PREFIXES,
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
        # as many merged tokens a frame as the published Qwen2.5-VL models see
        "min_pixels": 4 * 32 * 32,
        "max_pixels": 256 * 256,
        "patch_size": 16,
        "merge_size": 2,
        "image_mean": (0.5, 0.5, 0.5),
        "image_std": (0.5, 0.5, 0.5),
    },
    add_frames=frame_by_frame,
    prepare=prepare,
)
