"""Backbones are found by the ``model_type`` of their config."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import CONFIG_MAPPING

from clamr_select.errors import UnknownNameError
from clamr_select.model import ClamrConfig, ClamrForRetrieval
from clamr_select.model.backbones import BACKBONES, backbone_for
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder


def test_every_backbone_is_found_by_its_model_type():
    for model_type, backbone in BACKBONES.items():
        assert backbone_for(model_type) is backbone
        assert backbone.model_type == model_type


def test_the_processor_of_each_backbone_cuts_patches_of_its_towers_size():
    for model_type, backbone in BACKBONES.items():
        vision = CONFIG_MAPPING[model_type]().vision_config
        options = backbone.processor_options
        assert options["patch_size"] == vision.patch_size
        assert options["merge_size"] == vision.spatial_merge_size
        assert vision.temporal_patch_size == 2  # a candidate and itself, or its neighbour
        assert options.get("backbone", "qwen2_5_vl") == model_type


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_is_chosen_by_name_in_every_part(attention):
    frames = [np.random.default_rng(0).integers(0, 256, (63, 112, 3), dtype=np.uint8) for _ in range(3)]
    document = Document(frames, (TextSegment("asr", "the harbor lantern", 0, 2),))
    encoder = ClamrEncoder.from_pretrained("clamr-nano", device="cpu", attn_implementation=attention)
    vlm = encoder.model.vlm
    assert {part.config._attn_implementation for part in (vlm, vlm.visual, vlm.language_model)} == {attention}
    (tokens,), _ = encoder.encode_document([document])
    (expected,), _ = ClamrEncoder.from_pretrained("clamr-nano", device="cpu").encode_document([document])
    assert torch.allclose(tokens.vectors, expected.vectors, atol=1e-5)


def test_flash_attention_is_asked_of_the_backbone():
    """Here without the package or a GPU: upstream's own refusal shows that the name arrived."""
    with pytest.raises((ImportError, ValueError), match=r"[Ff]lash"):
        ClamrEncoder.from_pretrained("clamr-nano", device="cpu", attn_implementation="flash_attention_2")


def test_an_unknown_backbone_is_an_error_that_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="qwen2_5_vl"):
        backbone_for("llava")
    with pytest.raises(UnknownNameError, match=r"'qwen2_vl'.*qwen3_vl"):
        ClamrConfig(vlm_config={"model_type": "qwen2_vl"})


def test_lora_is_put_on_the_language_model_and_the_projection_alone():
    model = ClamrEncoder.from_pretrained("clamr-nano").model
    assert isinstance(model, ClamrForRetrieval)
    names = backbone_for("qwen2_5_vl").lora_modules(model)
    num_layers = model.config.get_text_config().num_hidden_layers
    assert len(names) == num_layers * 7 + 1
    assert "embedding_proj_layer" in names
    assert not [name for name in names if "visual" in name]
