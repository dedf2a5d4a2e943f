"""Qwen2.5-VL, the backbone of the published video and text models (arXiv 2502.13923)."""

from __future__ import annotations

from typing import Any, cast

from torch import nn

from clamr_select.model.backbones.base import CLIP_MEAN, CLIP_STD, RELEASED_TEXT_PREFIXES, Backbone

DOCUMENT_PREFIX = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
DOCUMENT_SUFFIX = "<|im_end|>\n"


def prepare(vlm: nn.Module) -> None:
    """Vision attention in one call where all windows have one length, and patches by one product."""
    from clamr_select.model.vision_attention import BatchedVisionAttention
    from clamr_select.model.vision_patches import project_patches

    for block in cast("Any", vlm).visual.blocks:
        block.attn = BatchedVisionAttention(block.attn.config)
    project_patches(vlm)


QWEN2_5_VL = Backbone(
    model_type="qwen2_5_vl",
    modalities=("video", "ocr", "asr", "description"),
    base_ids=("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
    processor_options={
        "document_prefix": DOCUMENT_PREFIX,
        "document_suffix": DOCUMENT_SUFFIX,
        "text_prefixes": RELEASED_TEXT_PREFIXES,
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
        # frames handed over as files: qwen-vl-utils' least size of an image, and the message's most
        "min_pixels": 4 * 28 * 28,
        "max_pixels": 224 * 224,
        "patch_size": 14,
        "merge_size": 2,
        # the released processor tells the model no seconds, which it takes for 1.0; at 2 positions a second
        "time_interval": 2.0,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
    },
    prepare=prepare,
)
