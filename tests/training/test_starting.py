"""What a run starts from: which weights train, in which numbers, and what is refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model.checkpoint.projection import drawn_weight
from clamr_select.training.adapters import has_lora, save_adapter, trainable_parameters
from clamr_select.training.starting import Lora, StartingPoint

GOLDEN = Path(__file__).parents[1] / "golden" / "vl_4_51"
BASE = str(GOLDEN / "base")
SMALL = Lora(rank=4, alpha=8, dropout=0.0)


def test_lora_on_a_bare_backbone_trains_float32_beside_bfloat16():
    start = StartingPoint(
        BASE, new_projection=True, lora=SMALL, dtype=torch.bfloat16, gradient_checkpointing=True, seed=7
    )
    model, _ = start.build()
    names = trainable_parameters(model)
    assert len(names) == 2 * (7 * 2 + 1)
    assert all(".lora_" in name for name in names)
    assert {model.get_parameter(name).dtype for name in names} == {torch.float32}
    assert model.vlm.language_model.embed_tokens.weight.dtype == torch.bfloat16
    assert model.vlm.language_model.layers[0].gradient_checkpointing
    projection = model.embedding_proj_layer
    assert torch.equal(projection.base_layer.weight, drawn_weight(32, seed=7).bfloat16())
    assert (projection.scaling["default"], model.peft_config["default"].lora_dropout) == (2.0, 0.0)
    again, _ = start.build()
    assert torch.equal(again.embedding_proj_layer.lora_A["default"].weight, projection.lora_A["default"].weight)


def test_a_bare_backbone_is_never_a_retriever_by_accident():
    with pytest.raises(CheckpointError, match="--new-projection"):
        StartingPoint(BASE, lora=SMALL).build()
    with pytest.raises(InputError, match="has a projection already"):
        StartingPoint("clamr-nano", new_projection=True, lora=SMALL).build()


def test_all_weights_train_but_a_frozen_tower():
    model, _ = StartingPoint(BASE, new_projection=True, lora=None, freeze_vision=True, dtype=torch.bfloat16).build()
    assert not has_lora(model)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if ".visual." in name}


def test_an_adapter_of_ours_is_trained_on(tmp_path):
    first, _ = StartingPoint(BASE, new_projection=True, lora=SMALL, seed=7).build()
    with torch.no_grad():
        for name in trainable_parameters(first):
            first.get_parameter(name).add_(0.1)
    save_adapter(first, directory=tmp_path)
    second, _ = StartingPoint(str(tmp_path), lora=SMALL, seed=1).build()
    for (name, one), other in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other), name
    with pytest.raises(InputError, match="rank 4, alpha 8"):
        StartingPoint(str(tmp_path), lora=Lora()).build()
    with pytest.raises(InputError, match="holds its projection"):
        StartingPoint(str(tmp_path), lora=SMALL, new_projection=True).build()
    whole, _ = StartingPoint(str(tmp_path), lora=None).build()
    assert not has_lora(whole)


def test_another_trainers_adapter_is_merged_first():
    with pytest.raises(InputError, match="Merge it"):
        StartingPoint(str(GOLDEN / "adapter"), base=BASE, lora=SMALL).build()


@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_qlora_keeps_four_bits_under_float32():
    model, _ = StartingPoint(BASE, new_projection=True, lora=SMALL, quantization="4bit").build()
    layer = model.vlm.language_model.layers[0].mlp.down_proj
    assert layer.base_layer.weight.dtype == torch.uint8
    assert layer.lora_A["default"].weight.dtype == torch.float32
    assert len(trainable_parameters(model)) == 30


def test_contradictions_are_refused():
    with pytest.raises(InputError, match="quantised weights"):
        StartingPoint(BASE, lora=None, quantization="4bit")
    with pytest.raises(InputError, match="LoRA trains no tower"):
        StartingPoint(BASE, freeze_vision=True)
