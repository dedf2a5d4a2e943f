"""adapter_config.json read strictly; the merge against peft itself."""

import json

import peft
import pytest
import torch

from clamr_select.errors import CheckpointError
from clamr_select.model.checkpoint.lora import LoraConfig, merged, read_lora_config, split_lora_key, unwrapped_key

PLAIN = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["up", "down"]}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        (tmp_path / "adapter_config.json").write_text(json.dumps({**PLAIN, **changes}))
        return tmp_path

    return write


def test_what_is_read(written):
    config = read_lora_config(written(base_model_name_or_path="some/base", modules_to_save=["head"]))
    assert (config.rank, config.alpha, config.base) == (4, 8, "some/base")
    assert config.targets("a.b.up")
    assert not config.targets("a.b.upper")
    assert not config.targets("head")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("use_dora", True),
        ("lora_bias", True),
        ("bias", "lora_only"),
        ("peft_type", "IA3"),
        ("init_lora_weights", "pissa"),
        ("fan_in_fan_out", True),
        ("layer_replication", [[0, 4]]),
        ("trainable_token_indices", [1, 2]),
        ("target_parameters", ["experts.weight"]),
        ("field_of_a_later_peft", 3),
        ("r", 0),
        ("lora_alpha", None),
        ("target_modules", "(unclosed"),
        ("target_modules", 3),
        ("target_modules", {"up": 1}),
        ("target_modules", ["up", 3]),
        ("exclude_modules", 3),
        ("modules_to_save", "up"),
        ("layers_to_transform", ["first"]),
        ("rank_pattern", "up"),
        ("rank_pattern", {"up": 0}),
        ("rank_pattern", {"(up": 4}),
        ("alpha_pattern", {"up": "8"}),
        ("base_model_name_or_path", 3),
        ("lora_alpha", float("nan")),
    ],
)
def test_what_is_refused_is_named(written, field, value):
    with pytest.raises(CheckpointError, match=field):
        read_lora_config(written(**{field: value}))


@pytest.mark.parametrize("text", ["{", "[]", '"LORA"'])
def test_not_a_config(tmp_path, text):
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(CheckpointError, match="JSON"):
        read_lora_config(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"r": 4, "lora_alpha": 8},
        {"r": 4, "lora_alpha": 8, "use_rslora": True},
        {"r": 4, "lora_alpha": 8, "rank_pattern": {"up": 2}, "alpha_pattern": {"down": 3}},
        {"r": 2, "lora_alpha": 1, "init_lora_weights": "gaussian", "lora_dropout": 0.1},
    ],
    ids=["plain", "rslora", "patterns", "paper"],
)
def test_merging_equals_peft(tmp_path, options):
    torch.manual_seed(1)
    model = torch.nn.ModuleDict({"up": torch.nn.Linear(6, 10), "down": torch.nn.Linear(10, 6)})
    plain = {name: layer.weight.detach().clone() for name, layer in model.items()}
    adapted = peft.get_peft_model(model, peft.LoraConfig(target_modules=["up", "down"], **options))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(tmp_path)
    config = read_lora_config(tmp_path)
    state = peft.get_peft_model_state_dict(adapted)
    theirs = adapted.merge_and_unload()
    for name, weight in plain.items():
        pair = {part: state[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB"}
        ours = merged(weight, lora_a=pair["A"], lora_b=pair["B"], scaling=config.scaling_of(name))
        assert pair["A"].shape[0] == config.rank_of(name)
        torch.testing.assert_close(ours, theirs[name].weight.detach(), atol=1e-6, rtol=0)


def test_half_precision_is_merged_in_float32():
    torch.manual_seed(2)
    weight, a, b = torch.randn(64, 64), torch.randn(8, 64), torch.randn(64, 8)
    half = [tensor.bfloat16() for tensor in (weight, a, b)]
    ours = merged(half[0], lora_a=half[1], lora_b=half[2], scaling=0.5)
    exact = half[0].double() + 0.5 * half[2].double() @ half[1].double()
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), exact, atol=1e-5, rtol=0)


def test_targets_follow_peft():
    by_regex = LoraConfig(rank=1, alpha=1, target_modules=r".*(model).*(q_proj|up_proj).*$|.*(custom_text_proj).*$")
    assert by_regex.targets("model.layers.0.self_attn.q_proj")
    assert by_regex.targets("custom_text_proj")
    assert not by_regex.targets("visual.blocks.0.mlp.up_proj")
    some_layers = LoraConfig(rank=1, alpha=1, target_modules=("q_proj",), layers_to_transform=(1,))
    assert some_layers.targets("model.layers.1.self_attn.q_proj")
    assert not some_layers.targets("model.layers.0.self_attn.q_proj")
    without = LoraConfig(rank=1, alpha=1, target_modules="all-linear", exclude_modules=("q_proj",))
    assert without.targets("a.up_proj")
    assert not without.targets("a.q_proj")


def test_names_of_tensors():
    assert split_lora_key("base_model.model.a.b.lora_A.weight") == ("base_model.model.a.b", "A")
    assert split_lora_key("a.lora_B.default.weight") == ("a", "B")
    assert split_lora_key("a.lora_embedding_A") is None
    assert split_lora_key("a.weight") is None
    assert unwrapped_key("base_model.model.p.base_layer.weight") == "base_model.model.p.weight"
    assert unwrapped_key("base_model.model.p.modules_to_save.weight") == "base_model.model.p.weight"
    assert unwrapped_key("base_model.model.p.modules_to_save.default.bias") == "base_model.model.p.bias"
