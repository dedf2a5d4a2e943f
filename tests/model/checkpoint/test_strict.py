"""Every tensor finds its home, or the error names it: adapters and bases of the released code, damaged."""

import json

import pytest
import torch

from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError
from clamr_select.model import ClamrForRetrieval

PREFIX = "base_model.model.model.layers.1.self_attn.q_proj"
TWIN = "base_model.model.language_model.layers.1.self_attn.q_proj"
LAYER = "model.layers.1.mlp.up_proj.weight"
PROJECTION = "base_model.model.custom_text_proj"


def load(folder, **options):
    return ClamrForRetrieval.from_pretrained(folder / "adapter", base=folder / "base", **options)


def rename(tensors, old, new):
    tensors[new] = tensors.pop(old)


ADAPTER_CHANGES = {
    "deleted half": (lambda t: t.pop(f"{PREFIX}.lora_B.weight"), f"{PREFIX}.lora_B.weight"),
    "deleted pair": (lambda t: [t.pop(f"{PREFIX}.lora_{x}.weight") for x in "AB"], "model.layers.1.self_attn.q_proj"),
    "deleted projection": (lambda t: [t.pop(f"{PROJECTION}.lora_{x}.weight") for x in "AB"], "custom_text_proj"),
    "renamed": (lambda t: rename(t, f"{PREFIX}.lora_A.weight", "base_model.model.q.lora_A.weight"), "q.lora_A.weight"),
    "renamed pair": (
        lambda t: [rename(t, f"{PREFIX}.lora_{x}.weight", f"strange.q_proj.lora_{x}.weight") for x in "AB"],
        "strange.q_proj.lora_A.weight",
    ),
    "added": (lambda t: t.update({"base_model.model.stray.weight": torch.zeros(2)}), "base_model.model.stray.weight"),
    "added magnitude": (
        lambda t: t.update({f"{PREFIX}.lora_magnitude_vector": torch.zeros(32)}),
        f"{PREFIX}.lora_magnitude_vector",
    ),
    "reshaped": (lambda t: t.update({f"{PREFIX}.lora_A.weight": torch.zeros(3, 32)}), f"{PREFIX}.lora_A.weight"),
    "reshaped pair": (
        lambda t: t.update(
            {f"{PREFIX}.lora_A.weight": torch.zeros(3, 32), f"{PREFIX}.lora_B.weight": torch.zeros(32, 3)}
        ),
        r"q_proj.lora_B.weight \[32, 3\], rank 4",
    ),
    "twice": (
        lambda t: t.update({f"{TWIN}.lora_{x}.weight": t[f"{PREFIX}.lora_{x}.weight"].clone() for x in "AB"}),
        "twice the same",
    ),
    "half a whole projection": (
        lambda t: t.update({f"{PROJECTION}.base_layer.weight": torch.zeros(128, 32)}),
        "embedding_proj_layer.bias",
    ),
}  # fmt: skip

BASE_CHANGES = {
    "deleted": (lambda t: t.pop(LAYER), "vlm.language_model.layers.1.mlp.up_proj.weight"),
    "renamed": (lambda t: rename(t, LAYER, "model.layers.9.mlp.up_proj.weight"), "model.layers.9.mlp.up_proj.weight"),
    "added": (lambda t: t.update({"stray.weight": torch.zeros(2)}), "stray.weight"),
    "reshaped": (lambda t: t.update({LAYER: torch.zeros(2, 2)}), rf"{LAYER} \[2, 2\]"),
    "half a projection": (lambda t: t.update({"custom_text_proj.weight": torch.zeros(128, 32)}), "proj_layer.bias"),
}


@pytest.mark.parametrize("change", ADAPTER_CHANGES)
def test_a_damaged_adapter_is_refused_by_name(copied, change_tensors, change):
    folder = copied()
    function, named = ADAPTER_CHANGES[change]
    change_tensors(folder / "adapter" / "adapter_model.safetensors", function)
    with pytest.raises(CheckpointError, match=named):
        load(folder)


@pytest.mark.parametrize("change", BASE_CHANGES)
def test_a_damaged_base_is_refused_by_name(copied, change_tensors, change):
    folder = copied()
    function, named = BASE_CHANGES[change]
    change_tensors(folder / "base" / "model.safetensors", function)
    with pytest.raises(CheckpointError, match=named):
        load(folder)


def test_a_pair_of_the_vision_tower_is_missed_too(copied, change_tensors):
    folder = copied("vl_4_52")
    gate = "model.visual.blocks.1.mlp.gate_proj"
    change_tensors(
        folder / "adapter" / "adapter_model.safetensors",
        lambda t: [t.pop(f"base_model.model.{gate}.lora_{part}.weight") for part in "AB"],
    )
    with pytest.raises(CheckpointError, match=gate):
        load(folder)


def test_a_truncated_file_is_refused(copied):
    folder = copied()
    weights = folder / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"adapter_model\.safetensors"):
        load(folder)


def test_a_bare_backbone_is_no_retriever(copied):
    with pytest.raises(
        CheckpointError, match=r"missing: embedding_proj_layer\.bias, embedding_proj_layer\.weight.*--new-projection"
    ):
        ClamrForRetrieval.from_pretrained(copied() / "base")


def test_the_base_must_be_known_whole_and_there(copied, tmp_path):
    folder = copied()
    with pytest.raises(ModelNotFoundError, match="base= takes a local copy"):
        ClamrForRetrieval.from_pretrained(folder / "adapter", base=tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="is an adapter itself"):
        ClamrForRetrieval.from_pretrained(folder / "adapter", base=folder / "adapter")
    with pytest.raises(InputError, match="base is for adapters"):
        ClamrForRetrieval.from_pretrained("clamr-nano", base=folder / "base")
    path = folder / "adapter" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": None}))
    with pytest.raises(CheckpointError, match="base_model_name_or_path"):
        ClamrForRetrieval.from_pretrained(folder / "adapter")


def test_another_backbone_is_refused_by_name(copied):
    folder = copied()
    path = folder / "base" / "config.json"
    path.write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(CheckpointError, match="'bert' checkpoint"):
        load(folder)


@pytest.mark.parametrize("option", ["trust_remote_code", "subfolder", "gguf_file", "variant"])
def test_options_that_are_never_used(copied, option):
    with pytest.raises(InputError, match=option):
        load(copied(), **{option: "x"})


def strip_language_model(tensors):
    for key in [key for key in tensors if ".layers." in key and ".visual." not in key]:
        del tensors[key]


@pytest.mark.parametrize(
    ("name", "missed"),
    [("vl_4_51", r"model\.layers\.0"), ("colpali", r"language_model\.layers\.0"), ("vl_4_52", r"model\.layers\.0")],
)
def test_an_adapter_without_its_language_model_is_refused(copied, change_tensors, name, missed):
    folder = copied(name)
    change_tensors(folder / "adapter" / "adapter_model.safetensors", strip_language_model)
    with pytest.raises(CheckpointError, match=rf"targets of adapter_config\.json without tensors: .*{missed}"):
        load(folder)


def change_config(folder, **changes):
    path = folder / "adapter" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.filterwarnings("ignore:neither the adapter")
@pytest.mark.parametrize("targets", [["custom_text_proj"], ".*custom_text_proj$"])
def test_an_adapter_of_the_projection_alone_loads(copied, change_tensors, targets):
    folder = copied()
    change_tensors(folder / "adapter" / "adapter_model.safetensors", strip_language_model)
    change_config(folder, target_modules=targets)
    assert load(folder).load_report.num_lora_pairs == 1


@pytest.mark.filterwarnings("ignore:neither the adapter")
def test_an_adapter_of_a_tower_alone_loads_where_the_language_model_is_excluded(copied, change_tensors):
    folder = copied("vl_4_52")
    change_tensors(folder / "adapter" / "adapter_model.safetensors", strip_language_model)
    change_config(folder, exclude_modules=".*language_model.*")
    assert load(folder).load_report.num_lora_pairs > 1
