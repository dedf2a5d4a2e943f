"""The vision-language models that CLaMR can stand on; a new one is one file here and its line below."""

from __future__ import annotations

from clamr_select.errors import unknown_name
from clamr_select.model.backbones.base import Backbone, FrameTokens
from clamr_select.model.backbones.qwen2_5_omni import QWEN2_5_OMNI
from clamr_select.model.backbones.qwen2_5_vl import QWEN2_5_VL
from clamr_select.model.backbones.qwen3_vl import QWEN3_VL

BACKBONES: dict[str, Backbone] = {backbone.model_type: backbone for backbone in (QWEN2_5_VL, QWEN2_5_OMNI, QWEN3_VL)}
"""``model_type`` of the bare model's config to what is known of it."""


def backbone_for(model_type: str) -> Backbone:
    """What is known of a backbone.

    Args:
        model_type: of the bare model's config, e.g. ``qwen2_5_vl``.

    Raises:
        UnknownNameError: none of that name; lists those there are.
    """
    if model_type not in BACKBONES:
        raise unknown_name("backbone", model_type, BACKBONES)
    return BACKBONES[model_type]


__all__ = ["BACKBONES", "Backbone", "FrameTokens", "backbone_for"]
