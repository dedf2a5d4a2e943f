"""Backbones are found by the ``model_type`` of their config."""

from __future__ import annotations

import pytest

from clamr_select.errors import UnknownNameError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.backbones import BACKBONES, backbone_for
from clamr_select.model.encoder import ClamrEncoder


def test_every_backbone_is_found_by_its_model_type():
    for model_type, backbone in BACKBONES.items():
        assert backbone_for(model_type) is backbone
        assert backbone.model_type == model_type


def test_an_unknown_backbone_is_an_error_that_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="qwen2_5_vl"):
        backbone_for("llava")


def test_lora_is_put_on_the_language_model_and_the_projection_alone():
    model = ClamrEncoder.from_pretrained("clamr-nano").model
    assert isinstance(model, ClamrForRetrieval)
    names = backbone_for("qwen2_5_vl").lora_modules(model)
    num_layers = model.config.get_text_config().num_hidden_layers
    assert len(names) == num_layers * 7 + 1
    assert "embedding_proj_layer" in names
    assert not [name for name in names if "visual" in name]
