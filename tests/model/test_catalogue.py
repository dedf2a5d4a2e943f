"""The numbers of the catalogue are those of the models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import CONFIG_MAPPING

from clamr_select.errors import ModelNotFoundError, UnknownNameError, UnsafeWeightsError
from clamr_select.model import ClamrConfig, ClamrForRetrieval
from clamr_select.model.backbones import BACKBONES
from clamr_select.model.catalogue import CATALOGUE, LORA_128_ON_3B
from clamr_select.model.checkpoint.quantization import quantized_linears
from clamr_select.model.checkpoint.source import EMBEDDED_MODELS
from clamr_select.model.inventory import contents, missing_repositories

TEXT = {
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
}
VISION = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 2048}
FULL_SIZE = {
    "qwen2_5_vl": {"text_config": TEXT, "vision_config": VISION},
    "qwen2_5_omni_thinker": {"text_config": TEXT, "vision_config": VISION, "audio_config": {"output_dim": 2048}},
}
NANO = CATALOGUE[0]
GOLDEN = Path(__file__).parents[1] / "golden" / "vl_4_51"


def counted(model: ClamrForRetrieval) -> tuple[int, int]:
    linears = quantized_linears(model)
    parameters = dict(model.named_parameters())
    return sum(p.numel() for p in parameters.values()), sum(parameters[f"{name}.weight"].numel() for name in linears)


@pytest.fixture(scope="module", params=sorted(FULL_SIZE))
def full_size(request) -> tuple[str, ClamrForRetrieval]:
    """A 3B model without its data."""
    if request.param == "qwen2_5_omni_thinker":
        request.getfixturevalue("omni")
    config = ClamrConfig(vlm_config=CONFIG_MAPPING[request.param](**FULL_SIZE[request.param]))
    with torch.device("meta"):
        return request.param, ClamrForRetrieval(config)


def test_parameters_of_the_full_size_models(full_size):
    backbone, model = full_size
    entries = [entry for entry in CATALOGUE if entry.backbone == backbone and entry is not NANO]
    assert entries
    for entry in entries:
        assert (entry.num_parameters, entry.num_linear_weights) == counted(model)


def test_parameters_of_an_adapter(full_size):
    backbone, model = full_size
    shapes = [model.get_submodule(name).weight.shape for name in BACKBONES[backbone].lora_modules(model)]
    assert sum(128 * (rows + columns) for rows, columns in shapes) == LORA_128_ON_3B


def test_parameters_of_nano():
    model = ClamrForRetrieval.from_pretrained("clamr-nano")
    assert (NANO.num_parameters, NANO.num_linear_weights) == counted(model)
    assert tuple(model.config.modalities) == NANO.modalities


def test_the_catalogue_fits_what_can_be_loaded():
    assert [entry.name for entry in CATALOGUE if not entry.repositories] == list(EMBEDDED_MODELS)
    for entry in CATALOGUE:
        assert entry.backbone in BACKBONES
        assert (entry.base is None) == (entry.base_license is None)
        assert entry.weight_bytes(quantization="4bit") < entry.weight_bytes()
        if entry.base and entry.base.startswith("Qwen/"):
            assert entry.base in BACKBONES[entry.backbone].base_ids


def test_memory():
    clamr = CATALOGUE[1]
    assert clamr.weight_bytes() == 2 * 3_754_885_248
    # 0.516 bytes for a rounded weight; embeddings, norms, convolution, projection and the adapter in bfloat16
    assert 2.8e9 < clamr.weight_bytes(quantization="4bit") < 3.0e9


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert missing_repositories(NANO) == []
    assert missing_repositories(CATALOGUE[1]) == ["meetdavidwan/clamr", "Qwen/Qwen2.5-VL-3B-Instruct"]


def test_contents_of_an_adapter_and_of_a_model():
    found = contents(GOLDEN / "adapter", base=GOLDEN / "base")
    assert (found.kind, found.backbone, found.num_tensors) == ("adapter", "qwen2_5_vl", 30)
    assert found.num_base_tensors > 30
    nano = contents("clamr-nano")
    assert (nano.kind, nano.base, nano.num_base_tensors) == ("own", None, None)
    assert nano.modalities == ("video", "ocr", "asr", "description")


def test_contents_of_nothing_and_of_pickles(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no-such"):
        contents("no-such/model")
    (tmp_path / "config.json").write_text('{"model_type": "clamr"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UnsafeWeightsError, match=r"pytorch_model\.bin"):
        contents(tmp_path)


def test_an_unknown_backbone_has_no_modalities():
    with pytest.raises(UnknownNameError, match="qwen2_5_vl"):
        _ = replace(NANO, backbone="other").modalities
