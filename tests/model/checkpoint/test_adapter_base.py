"""An adapter on another model than its own: refused where it can be known, and noted where it cannot."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from clamr_select.errors import CheckpointError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.checkpoint.adapter_base import check_backbone, unverified_base
from clamr_select.model.checkpoint.lora import LoraConfig
from clamr_select.model.checkpoint.source import Source

VL, OMNI = "qwen2_5_vl", "qwen2_5_omni_thinker"
THINKER = "base_model.model.thinker.model.layers.0.mlp.up_proj.lora_A.weight"
PLAIN = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"


def source(name, directory=None):
    return Source(str(name), directory, "merged", ())


def check(key, model_type, **lora):
    config = LoraConfig(rank=1, alpha=1, target_modules=("up_proj",), **lora)
    check_backbone([key], lora=config, source=source("adapter"), base=source("given"), model_type=model_type)


@pytest.mark.parametrize(
    ("key", "model_type", "lora", "said"),
    [
        (THINKER, VL, {}, "thinker.model"),
        ("base_model.model.talker.model.layers.0.mlp.up_proj.lora_A.weight", VL, {}, "talker.model"),
        (PLAIN, OMNI, {"base": "Qwen/Qwen2.5-VL-3B-Instruct"}, "Qwen2.5-VL-3B-Instruct"),
        (PLAIN, VL, {"base": "Qwen/Qwen2.5-Omni-3B"}, "Qwen2.5-Omni-3B"),
        (PLAIN, VL, {"base": "~nobody-of-this-name/Qwen2.5-Omni-3B"}, "Qwen2.5-Omni-3B"),
        (PLAIN, VL, {"base_class": "ColQwen2_5Omni"}, "ColQwen2_5Omni"),
    ],
)
def test_another_backbone_is_refused(key, model_type, lora, said):
    with pytest.raises(CheckpointError, match=rf"adapter was trained on .*{said}.* given is {model_type}"):
        check(key, model_type, **lora)


@pytest.mark.parametrize(
    ("key", "model_type", "lora"),
    [
        (THINKER, OMNI, {"base": "Qwen/Qwen2.5-Omni-3B"}),
        (PLAIN, VL, {"base": "Qwen/Qwen2.5-VL-3B-Instruct"}),
        (PLAIN, OMNI, {"base": "vidore/colqwen-omni-base", "base_class": "ColQwen2_5Omni"}),
        (PLAIN, VL, {"base": "vidore/colqwen2.5-base", "base_class": "ColQwen2_5"}),
        (PLAIN, VL, {}),
        (PLAIN, OMNI, {}),
    ],
)
def test_what_may_fit_is_let_through(key, model_type, lora):
    check(key, model_type, **lora)


@pytest.mark.parametrize(("stored", "given"), [("qwen2_5_vl", OMNI), ("qwen2_5_omni", VL)])
def test_the_recorded_folder_tells_the_backbone(tmp_path, stored, given):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": stored}))
    with pytest.raises(CheckpointError, match="was trained on"):
        check(PLAIN, given, base=str(tmp_path))
    check(PLAIN, VL if given == OMNI else OMNI, base=str(tmp_path))


def test_an_omni_adapter_does_not_load_on_vl(copied):
    folder = copied()
    path = folder / "adapter" / "adapter_model.safetensors"
    tensors = {key.replace(".model.model.", ".model.thinker.model."): value for key, value in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=f"trained on a {OMNI} backbone"):
        ClamrForRetrieval.from_pretrained(folder / "adapter", base=folder / "base")


@pytest.mark.parametrize(
    ("recorded", "given", "config_name", "code"),
    [
        ("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct", None, None),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "mirror/qwen2.5-vl-3b-instruct", None, None),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "local", "Qwen/Qwen2.5-VL-3B-Instruct", None),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "models--Qwen--Qwen2.5-VL-3B-Instruct/snapshots/0a1b", None, None),
        (None, "local", None, None),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "local", None, "base_unverified"),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "local", "other/Qwen2.5-VL-7B-Instruct", "base_differs"),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "other/Qwen2.5-VL-7B-Instruct", None, "base_differs"),
    ],
)
def test_a_base_that_may_be_another_is_noted(tmp_path, monkeypatch, recorded, given, config_name, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "local").mkdir()
    lora = LoraConfig(rank=1, alpha=1, target_modules=("up_proj",), base=recorded)
    warning = unverified_base(lora, base=source(given), config_name=config_name)
    assert (warning and warning[0]) == code
    if warning:
        assert recorded in warning[1]
        assert (config_name or given) in warning[1]


@pytest.mark.filterwarnings("ignore::clamr_select.model.checkpoint.report.CheckpointWarning")
def test_the_note_is_in_the_report(copied, tmp_path):
    folder = copied()
    other = shutil.copytree(folder / "base", tmp_path / "elsewhere")
    model = ClamrForRetrieval.from_pretrained(folder / "adapter", base=other, dtype=torch.float32)
    assert [code for code, _ in model.load_report.warnings] == ["projection_assumed", "base_unverified"]
