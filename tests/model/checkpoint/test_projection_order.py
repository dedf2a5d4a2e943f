"""Where the projection's own weight comes from: the adapter, then the base, then the draw."""

import json

import pytest
import torch
from safetensors.torch import load_file

from clamr_select.model import ClamrForRetrieval
from clamr_select.model.checkpoint.projection import drawn_weight
from clamr_select.model.checkpoint.report import CheckpointWarning

MODULE = "base_model.model.custom_text_proj"


def load(folder):
    return ClamrForRetrieval.from_pretrained(folder / "adapter", base=folder / "base", dtype=torch.float32)


def lora_part(folder):
    tensors = load_file(folder / "adapter" / "adapter_model.safetensors")
    return 2.0 * tensors[f"{MODULE}.lora_B.weight"] @ tensors[f"{MODULE}.lora_A.weight"]


def test_nothing_stored_is_the_draw_and_said(copied):
    folder = copied()
    with pytest.warns(CheckpointWarning, match="seed 42"):
        model = load(folder)
    torch.testing.assert_close(model.embedding_proj_layer.weight.detach(), drawn_weight(32) + lora_part(folder))
    assert not model.embedding_proj_layer.bias.any()
    assert model.load_report.projection == "drawn"
    assert [code for code, _ in model.load_report.warnings] == ["projection_assumed"]


def test_what_was_assumed_is_saved_with_the_weights(copied, tmp_path):
    with pytest.warns(CheckpointWarning):
        model = load(copied())
    model.save_pretrained(tmp_path / "ours")
    again = ClamrForRetrieval.from_pretrained(tmp_path / "ours")
    assert again.load_report.warnings == model.load_report.warnings
    assert again.load_report.kind == "own"


def test_the_base_before_the_draw(copied, change_tensors):
    folder = copied()
    stored = {"custom_text_proj.weight": torch.full((128, 32), 0.5), "custom_text_proj.bias": torch.ones(128)}
    change_tensors(folder / "base" / "model.safetensors", lambda t: t.update(stored))
    model = load(folder)
    torch.testing.assert_close(model.embedding_proj_layer.weight.detach(), 0.5 + lora_part(folder))
    assert model.embedding_proj_layer.bias.eq(1).all()
    assert model.load_report.projection == "base"
    assert model.load_report.warnings == ()


@pytest.mark.parametrize("wrapped", ["base_layer.", "modules_to_save.", "modules_to_save.default.", ""])
def test_the_adapter_before_the_base(copied, change_tensors, wrapped):
    folder = copied()
    in_base = {"custom_text_proj.weight": torch.zeros(128, 32), "custom_text_proj.bias": torch.zeros(128)}
    change_tensors(folder / "base" / "model.safetensors", lambda t: t.update(in_base))
    whole = {f"{MODULE}.{wrapped}weight": torch.full((128, 32), 0.25), f"{MODULE}.{wrapped}bias": torch.ones(128)}
    change_tensors(folder / "adapter" / "adapter_model.safetensors", lambda t: t.update(whole))
    model = load(folder)
    torch.testing.assert_close(model.embedding_proj_layer.weight.detach(), 0.25 + lora_part(folder))
    assert model.load_report.projection == "adapter"


def test_a_module_saved_whole_must_be_there(copied):
    folder = copied()
    path = folder / "adapter" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "modules_to_save": ["embed_tokens"]}))
    with pytest.raises(ValueError, match="without tensors: embed_tokens"):
        load(folder)
