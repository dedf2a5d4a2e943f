"""The thinker of Qwen2.5-Omni, the backbone of the published models that hear (arXiv 2503.20215).

Sound is its own block in the document, after the frames (``use_audio_in_video=False`` upstream), 25 tokens a second
(:mod:`clamr_select.model.audio_features`). Time counts 25 positions a second; the released code tells the model one
second a patch whatever the sampling was, so candidates are 25 positions apart. The user turn has no role: a misspelt
key in the released code left it empty, and the published weights were trained so.
"""

from __future__ import annotations

from typing import Any, cast

from torch import nn

from clamr_select.model.backbones.base import CLIP_MEAN, CLIP_STD, RELEASED_TEXT_PREFIXES, Backbone

DOCUMENT_PREFIX = (
    "<|im_start|>system\nYou are Qwen, a virtual human developed by the Qwen Team, Alibaba Group, capable of "
    "perceiving auditory and visual inputs, as well as generating text and speech.<|im_end|>\n<|im_start|>\n"
)
DOCUMENT_SUFFIX = "<|im_end|>\n"


def prepare(vlm: nn.Module) -> None:
    """Vision attention in one call where all windows have one length, and patches by one product."""
    from clamr_select.model.vision_attention import BatchedOmniVisionAttention
    from clamr_select.model.vision_patches import project_patches

    for block in cast("Any", vlm).visual.blocks:
        block.attn = BatchedOmniVisionAttention(block.attn.config)
    project_patches(vlm)


QWEN2_5_OMNI = Backbone(
    model_type="qwen2_5_omni_thinker",
    modalities=("video", "audio", "ocr", "asr", "description"),
    base_ids=("Qwen/Qwen2.5-Omni-3B", "Qwen/Qwen2.5-Omni-7B"),
    processor_options={
        "backbone": "qwen2_5_omni_thinker",
        "document_prefix": DOCUMENT_PREFIX,
        "document_suffix": DOCUMENT_SUFFIX,
        "video_prefix": "Video: ",
        "audio_prefix": "Audio: ",
        "text_prefixes": RELEASED_TEXT_PREFIXES,
        "video_token": "<|VIDEO|>",
        "vision_start_token": "<|vision_bos|>",
        "vision_end_token": "<|vision_eos|>",
        "audio_token": "<|AUDIO|>",
        "audio_start_token": "<|audio_bos|>",
        "audio_end_token": "<|audio_eos|>",
        "min_pixels": 4 * 28 * 28,
        # the message's budget shrinks a frame, then the processor's own least size enlarges it
        "max_pixels": 224 * 224,
        "enlarge_to_pixels": 128 * 28 * 28,
        "patch_size": 14,
        "merge_size": 2,
        "time_interval": 25.0,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
    },
    prepare=prepare,
    # before, the bare thinker was no class of its own and its weights had other names
    min_transformers=(5, 21),
)
