"""Checkpoints load whole or not at all."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoProcessor

from clamr_select.errors import (
    CheckpointError,
    InputError,
    MissingDependencyError,
    ModelNotFoundError,
    UnsafeWeightsError,
)
from clamr_select.model import ClamrConfig, ClamrForRetrieval, ClamrProcessor
from clamr_select.model.encoder import ClamrEncoder

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch")


@pytest.fixture
def saved(encoder, tmp_path):
    encoder.model.save_pretrained(tmp_path / "tiny")
    encoder.processor.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_what_is_saved_is_what_is_loaded(encoder, documents, saved):
    again = ClamrEncoder.from_pretrained(str(saved), device="cpu")
    for one, other in zip(encoder.encode_document(documents)[0], again.encode_document(documents)[0], strict=True):
        torch.testing.assert_close(one.vectors, other.vectors, atol=1e-6, rtol=0)
    assert again.processor.to_dict() == encoder.processor.to_dict()
    assert again.modalities == encoder.modalities


def test_auto_classes_know_it(saved):
    assert isinstance(AutoConfig.from_pretrained(saved), ClamrConfig)
    assert isinstance(AutoModel.from_pretrained(saved), ClamrForRetrieval)
    assert isinstance(AutoProcessor.from_pretrained(saved), ClamrProcessor)


def test_the_embedded_model_and_its_processor_go_by_one_name():
    model = ClamrForRetrieval.from_pretrained("clamr-nano", dtype=torch.float32)
    processor = ClamrProcessor.from_pretrained("clamr-nano")
    inputs, _ = processor.process_queries(["when does the bridge open?"])
    with torch.inference_mode():
        vectors = model(**inputs).embeddings
    assert vectors.shape == (1, inputs["input_ids"].shape[1], 128)
    (same,), _ = ClamrEncoder.from_pretrained("clamr-nano", device="cpu").encode_query(["when does the bridge open?"])
    torch.testing.assert_close(vectors[0], same)


def test_options_of_from_pretrained(saved, documents):
    model = ClamrForRetrieval.from_pretrained(
        saved, dtype=torch.bfloat16, attn_implementation="eager", device_map="cpu"
    )
    assert model.dtype == torch.bfloat16
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize("change", ["missing", "unexpected", "mismatched"])
def test_a_tensor_that_does_not_fit_is_named(saved, change):
    path = saved / "model.safetensors"
    tensors = load_file(path)
    name = "embedding_proj_layer.weight"
    if change == "missing":
        del tensors[name]
    elif change == "unexpected":
        name = "stray.weight"
        tensors[name] = torch.zeros(2)
    else:
        tensors[name] = torch.zeros(3, 3)
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises((CheckpointError, RuntimeError), match=name):
        ClamrEncoder.from_pretrained(str(saved))


def test_pickled_weights_are_refused(saved):
    (saved / "model.safetensors").unlink()
    torch.save({}, saved / "pytorch_model.bin")
    with pytest.raises(UnsafeWeightsError, match=r"pytorch_model\.bin"):
        ClamrEncoder.from_pretrained(str(saved))


def test_other_models_and_names_are_refused(saved, tmp_path):
    with pytest.raises(ModelNotFoundError, match="no-such-model"):
        ClamrEncoder.from_pretrained(str(tmp_path / "no-such-model"))
    with pytest.raises(InputError, match="trust_remote_code"):
        ClamrEncoder.from_pretrained(str(saved), trust_remote_code=True)
    with pytest.raises(InputError, match="device"):
        ClamrEncoder.from_pretrained(str(saved), device="sofa")
    other = tmp_path / "other"
    shutil.copytree(saved, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(CheckpointError, match="bert"):
        ClamrEncoder.from_pretrained(str(other))


@pytest.mark.parametrize("load", [ClamrEncoder.from_pretrained, ClamrForRetrieval.from_pretrained])
def test_the_old_name_of_dtype(saved, load):
    def dtype(**options):
        loaded = load(str(saved), **options)
        return getattr(loaded, "model", loaded).dtype

    assert dtype(torch_dtype="bfloat16") == torch.bfloat16
    assert dtype(torch_dtype=torch.bfloat16, dtype="bfloat16") == torch.bfloat16
    with pytest.raises(InputError, match="torch_dtype is the old name of dtype"):
        load(str(saved), torch_dtype="bfloat16", dtype="float16")


@pytest.mark.parametrize("dtype", ["bf16", "int8", torch.int8, 16])
@pytest.mark.parametrize("name", ["dtype", "torch_dtype"])
def test_no_dtype_to_compute_in(saved, name, dtype):
    with pytest.raises(InputError, match=f"^{name} must be float32, bfloat16, float16 or auto, got"):
        ClamrEncoder.from_pretrained(str(saved), **{name: dtype})


def test_a_misspelt_option_is_named(saved):
    for load in (ClamrEncoder.from_pretrained, ClamrForRetrieval.from_pretrained):
        with pytest.raises(InputError, match=r"unknown option 'qantization'; choose from .*quantization.*transformers"):
            load(str(saved), qantization="4bit")


def test_devices(saved):
    assert ClamrEncoder.from_pretrained(str(saved), device=torch.device("cpu")).model.device.type == "cpu"
    with pytest.raises(InputError, match="device must be auto"):
        ClamrEncoder.from_pretrained(str(saved), device=None)


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a machine without MPS")
def test_mps_where_there_is_none(saved):
    with pytest.raises(InputError, match="no MPS device"):
        ClamrEncoder.from_pretrained(str(saved), device="mps")


@pytest.mark.skipif(find_spec("flash_attn") is not None, reason="needs an environment without flash-attn")
def test_attention_whose_package_is_absent(saved):
    with pytest.raises(MissingDependencyError, match="flash-attn"):
        ClamrEncoder.from_pretrained(str(saved), device="cpu", attn_implementation="flash_attention_2")
