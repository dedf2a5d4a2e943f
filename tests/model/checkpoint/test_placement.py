"""Where and in what the weights land: dtypes, devices, disk, shards; the embeddings stay those of the plain load."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from clamr_select.errors import InputError, MissingDependencyError, UnknownNameError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.checkpoint.quantization import quantization_config
from clamr_select.model.encoder import ClamrEncoder

pytestmark = pytest.mark.filterwarnings("ignore::clamr_select.model.checkpoint.report.CheckpointWarning")


def load(folder, **options):
    return ClamrForRetrieval.from_pretrained(
        folder / "adapter", base=folder / "base", **{"dtype": torch.float32, **options}
    )


@pytest.fixture
def document():
    """Inputs of one document, from the golden fixture."""
    stored = load_file(Path(__file__).parents[2] / "golden" / "vl_4_51" / "expected.safetensors")
    return {
        "input_ids": stored["document.input_ids"][None],
        "position_ids": stored["document.position_ids"][:, None],
        "pixel_values_videos": stored["document.pixel_values_videos"],
        "video_grid_thw": stored["document.video_grid_thw"],
    }


@pytest.fixture
def saved_wide(encoder, tmp_path):
    encoder.model.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def embed(model, inputs):
    with torch.inference_mode():
        return model(**inputs).embeddings[0].float().cpu()


def assert_alike(model, other, inputs, *, atol=1e-5):
    torch.testing.assert_close(embed(model, inputs), embed(other, inputs), atol=atol, rtol=0)


@pytest.mark.parametrize(("dtype", "atol"), [(torch.bfloat16, 0.05), (torch.float16, 0.01), ("bfloat16", 0.05)])
def test_half_precision(copied, document, dtype, atol):
    folder = copied()
    model = load(folder, dtype=dtype)
    wanted = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    assert {parameter.dtype for parameter in model.parameters()} == {wanted}
    assert_alike(model, load(folder), {**document}, atol=atol)


def test_auto_keeps_the_dtype_of_the_files_and_computes_in_float32_on_a_cpu(copied):
    folder = copied()
    assert load(folder, dtype="auto").dtype == torch.bfloat16
    encoder = ClamrEncoder.from_pretrained(folder / "adapter", base=folder / "base", device="cpu")
    assert encoder.model.dtype == torch.float32


def test_merging_is_rounded_once(copied):
    """In float32, then cast: not the sum of two rounded numbers."""
    folder = copied()
    half, full = load(folder, dtype=torch.bfloat16), load(folder)
    for one, other in zip(half.parameters(), full.parameters(), strict=True):
        assert torch.equal(one, other.bfloat16())


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_implementations(copied, document, attention):
    folder = copied()
    model = load(folder, attn_implementation=attention)
    assert model.config._attn_implementation == attention
    assert model.vlm.language_model.config._attn_implementation == attention
    assert_alike(model, load(folder), document)


@pytest.mark.parametrize(
    "device_map",
    [
        "cpu",
        "auto",
        {"": "cpu"},
        {"vlm.visual": "cpu", "vlm.language_model": "disk", "embedding_proj_layer": "cpu"},
        {"vlm": "disk", "embedding_proj_layer": "cpu"},
    ],
    ids=["cpu", "auto", "map", "language model on disk", "all but the projection on disk"],
)
def test_device_maps_and_offloading(copied, document, tmp_path, device_map):
    folder = copied()
    model = load(folder, device_map=device_map, offload_folder=tmp_path / "offload")
    assert_alike(model, load(folder), document)


def test_an_offloaded_encoder_encodes(copied, documents, tmp_path):
    folder = copied()
    options = {"base": folder / "base", "device": "cpu"}
    placed = {"vlm": "disk", "embedding_proj_layer": "cpu"}
    offloaded = ClamrEncoder.from_pretrained(
        folder / "adapter", **options, device_map=placed, offload_folder=tmp_path / "offload"
    )
    plain = ClamrEncoder.from_pretrained(folder / "adapter", **options)
    for one, other in zip(offloaded.encode_query(["a?"])[0], plain.encode_query(["a?"])[0], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_offloading_to_disk_wants_a_folder(copied):
    with pytest.raises(ValueError, match="offload_folder"):
        load(copied(), device_map={"vlm": "disk", "embedding_proj_layer": "cpu"})


def test_a_sharded_base_as_the_hub_has_it(copied, document):
    """The same tensors in several files with an index, some of them next to others' layers."""
    folder = copied()
    whole = load(folder)
    tensors = load_file(folder / "base" / "model.safetensors")
    (folder / "base" / "model.safetensors").unlink()
    names = sorted(tensors)
    weight_map = {name: f"model-{1 + position % 3:05}-of-00003.safetensors" for position, name in enumerate(names)}
    for file in set(weight_map.values()):
        shard = {name: tensors[name] for name in names if weight_map[name] == file}
        save_file(shard, folder / "base" / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "base" / "model.safetensors.index.json").write_text(json.dumps(index))
    assert_alike(load(folder), whole, document)


def test_our_own_sharded_save(copied, document, tmp_path):
    whole = load(copied())
    whole.save_pretrained(tmp_path / "ours", max_shard_size="20KB")
    assert (tmp_path / "ours" / "model.safetensors.index.json").is_file()
    assert_alike(ClamrForRetrieval.from_pretrained(tmp_path / "ours", dtype=torch.float32), whole, document)


def test_a_merged_checkpoint_of_another_library(copied, document):
    """colpali-engine's base is a whole retriever: backbone and projection under its names."""
    folder = copied("colpali")
    model = ClamrForRetrieval.from_pretrained(folder / "base", dtype=torch.float32)
    assert (model.load_report.kind, model.load_report.projection) == ("merged", "checkpoint")
    stored = load_file(folder / "base" / "model.safetensors")
    torch.testing.assert_close(model.embedding_proj_layer.bias.detach(), stored["custom_text_proj.bias"].float())
    encoder = ClamrEncoder.from_pretrained(folder / "base", device="cpu")
    assert encoder.encode_query(["when?"])[0][0].shape[1] == 128


def query(encoder):
    inputs, _ = encoder.processor.process_queries(["the harbor lantern swings"])
    return {name: inputs[name] for name in ("input_ids", "position_ids")}


def test_4bit_is_the_rounded_base_plus_the_unrounded_adapter(released_layout, encoder):
    """Exactly: the weights are taken out of the quantised model, added up, and run in full precision."""
    bitsandbytes = pytest.importorskip("bitsandbytes")
    folder, merged = released_layout
    model = load(folder, quantization="4bit")
    base = encoder.model.state_dict()
    for name, layer in model.named_modules():
        if isinstance(layer, bitsandbytes.nn.Linear4bit):
            plain = f"{name.removesuffix('.base')}.weight"
            rounded = bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
            merged.get_parameter(plain).data += rounded - base[plain]
    assert isinstance(model.vlm.language_model.layers[0].mlp.up_proj.base, bitsandbytes.nn.Linear4bit)
    assert type(model.embedding_proj_layer) is torch.nn.Linear
    assert model.load_report.quantization == "4bit"
    assert_alike(model, merged, query(encoder), atol=3e-3)


def test_8bit_is_near_full_precision(released_layout, encoder):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    folder, merged = released_layout
    model = load(folder, quantization="8bit")
    inputs = query(encoder)
    similarity, of_base = ((embed(other, inputs) * embed(merged, inputs)).sum(-1) for other in (model, encoder.model))
    assert isinstance(model.vlm.language_model.layers[0].mlp.up_proj.base, bitsandbytes.nn.Linear8bitLt)
    assert similarity.min() > 0.98
    assert of_base.min() < 0.8


@pytest.mark.parametrize("as_dict", [True, False], ids=["dict", "object"])
def test_a_config_of_bitsandbytes_rounds_as_the_option_does(released_layout, encoder, as_dict):
    pytest.importorskip("bitsandbytes")
    folder, _ = released_layout
    given = quantization_config("4bit", compute_dtype=torch.float32)
    given.llm_int8_skip_modules = None
    model = load(folder, quantization_config=given.to_dict() if as_dict else given)
    assert model.load_report.quantization == "4bit"
    assert type(model.embedding_proj_layer) is torch.nn.Linear
    assert given.llm_int8_skip_modules is None  # the caller's own is left as it was
    assert_alike(model, load(folder, quantization="4bit"), query(encoder), atol=1e-6)


def test_what_a_config_of_bitsandbytes_skips_is_skipped(released_layout):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    given = {"load_in_8bit": True, "llm_int8_skip_modules": ["up_proj"]}
    model = load(released_layout[0], quantization_config=given)
    mlp = model.vlm.language_model.layers[0].mlp
    assert type(mlp.up_proj.base) is type(model.embedding_proj_layer) is torch.nn.Linear
    assert isinstance(mlp.down_proj.base, bitsandbytes.nn.Linear8bitLt)
    assert model.load_report.quantization == "8bit"


def test_our_own_save_quantised(saved_wide, encoder):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    model = ClamrForRetrieval.from_pretrained(saved_wide, quantization="8bit", dtype=torch.float32)
    assert isinstance(model.vlm.language_model.layers[0].mlp.up_proj, bitsandbytes.nn.Linear8bitLt)
    assert (embed(model, query(encoder)) * embed(encoder.model, query(encoder))).sum(-1).min() > 0.98


def test_keeping_lora_apart_is_never_further_off_than_rounding_the_sum():
    """The choice that quantization.py states: both errors against W + scaling * B @ A."""
    functional = pytest.importorskip("bitsandbytes").functional
    generator = torch.Generator().manual_seed(4)
    weight = 0.03 * torch.randn(512, 512, generator=generator)
    update = 0.03 * torch.randn(512, 128, generator=generator) @ torch.randn(128, 512, generator=generator) / 128**0.5

    def rounded(tensor):
        packed, state = functional.quantize_4bit(tensor, quant_type="nf4", compress_statistics=True)
        return functional.dequantize_4bit(packed, state)

    for size in (0.01, 0.1, 0.5):
        exact = weight + size * update
        merged_first = (rounded(exact) - exact).norm() / exact.norm()
        kept_apart = (rounded(weight) + size * update - exact).norm() / exact.norm()
        assert kept_apart < 1.005 * merged_first


def test_quantisation_config_is_the_papers():
    pytest.importorskip("bitsandbytes")
    config = quantization_config("4bit", compute_dtype=torch.bfloat16)
    assert (config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == ("nf4", True)
    assert config.bnb_4bit_compute_dtype == torch.bfloat16
    assert config.llm_int8_skip_modules == ["embedding_proj_layer"]


def test_quantisation_that_cannot_be(copied, monkeypatch):
    folder = copied()
    with pytest.raises(UnknownNameError, match="3bit"):
        load(folder, quantization="3bit")
    with pytest.raises(InputError, match="quantization_config"):
        load(folder, quantization="4bit", quantization_config={"load_in_8bit": True})
    for given in ({"load_in_4bit": False}, {"quant_method": "hqq", "load_in_4bit": True}, "4bit"):
        with pytest.raises(InputError, match=r"must be of bitsandbytes, .*; or give quantization='4bit'"):
            load(folder, quantization_config=given)
    monkeypatch.setattr("clamr_select.model.checkpoint.quantization.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[quantization\]"):
        load(folder, quantization="8bit")
