"""A sound checkpoint passes every check; each kind of damage fails the check for it, and what is wrong is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from clamr_select.doctor.checkpoint import (
    COARSE,
    EXACT,
    EXACT_EXPECTED,
    check_batching,
    check_checkpoint,
    check_matching,
    check_unit_length,
    directory_of,
    load,
)
from clamr_select.doctor.expected import EXPECTED, check_expected, write_expected
from clamr_select.doctor.report import Check, healthy
from clamr_select.errors import CheckpointError
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.modeling_clamr import ClamrOutput

GOLDEN = Path(__file__).parents[1] / "golden"
CHECKS = ["checkpoint", "embeddings", "batching", "matching", "expected embeddings"]
PROJECTION = "embedding_proj_layer.weight"


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_the_embedded_model_is_sound():
    checks = check_checkpoint("clamr-nano", device="cpu")
    assert [(check.name, check.status) for check in checks] == [(name, "ok") for name in CHECKS]
    assert "94 tensors, all from files" in checks[0].message


@pytest.mark.parametrize(
    ("name", "projection", "assumed"),
    [("vl_4_51", "drawn", True), ("omni_4_52", "drawn", True), ("colpali", "from the base", False)],
)
def test_adapters_of_others_are_sound(name, projection, assumed):
    checks = check_checkpoint(GOLDEN / name / "adapter", base=GOLDEN / name / "base", device="cpu")
    assert healthy(checks)
    found = by_name(checks)
    assert "15 LoRA pairs" in found["checkpoint"].message
    assert f"projection {projection}" in found["checkpoint"].message
    assert ("projection_assumed" in found) == assumed
    assert found["expected embeddings"].status == "absent"


def rename(tensors):
    tensors["vlm.language_model.layers.0.other.weight"] = tensors.pop("vlm.language_model.norm.weight")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (rename, "vlm.language_model.norm.weight"),
        (lambda tensors: tensors.pop(PROJECTION), PROJECTION),
        (lambda tensors: tensors.update(stray=torch.zeros(2)), "stray"),
    ],
    ids=["renamed", "no projection", "one too many"],
)
def test_a_tensor_without_its_home_is_named(nano, change_weights, damage, named):
    change_weights(damage)
    (check,) = check_checkpoint(nano, device="cpu")
    assert (check.name, check.status) == ("checkpoint", "failed")
    assert named in check.message


def test_a_pickle_is_refused(nano):
    (nano / "model.safetensors").rename(nano / "pytorch_model.bin")
    (check,) = check_checkpoint(nano, device="cpu")
    assert check.status == "failed"
    assert "pytorch_model.bin" in check.message


def test_an_adapter_without_its_base_says_what_to_give():
    (check,) = check_checkpoint(GOLDEN / "vl_4_51" / "adapter", base="no/such base", device="cpu")
    assert check.status == "failed"
    assert "base=" in check.message


def test_disturbed_weights_are_found_out_and_hide_nothing(nano, change_weights):
    change_weights(lambda tensors: tensors[PROJECTION].add_(0.002))
    found = by_name(check_checkpoint(nano, device="cpu"))
    assert list(found) == CHECKS
    assert found["expected embeddings"].status == "failed"
    assert "off by" in found["expected embeddings"].message
    assert found["batching"].status == "ok"


def test_weights_that_are_not_numbers(nano, change_weights):
    change_weights(lambda tensors: tensors[PROJECTION].fill_(float("nan")))
    found = by_name(check_checkpoint(nano, device="cpu"))
    assert list(found) == CHECKS
    assert {name for name, check in found.items() if check.status == "failed"} == set(CHECKS[1:])


def test_weights_that_do_not_tell_words_apart(nano, change_weights):
    change_weights(lambda tensors: tensors["vlm.language_model.embed_tokens.weight"].fill_(1.0))
    assert by_name(check_checkpoint(nano, device="cpu"))["matching"].status == "failed"


def test_a_model_that_sees_its_padding():
    encoder = load("clamr-nano", device="cpu")

    def leak(module, arguments, options, output):
        shift = torch.zeros_like(output.embeddings)
        shift[..., 0] = 0.001 * output.embeddings.shape[1]
        return ClamrOutput(embeddings=output.embeddings + shift)

    encoder.model.register_forward_hook(leak, with_kwargs=True)
    assert check_batching(encoder, tolerance=EXACT).status == "failed"
    assert check_unit_length(encoder, tolerance=EXACT_EXPECTED).status == "failed"


def test_a_model_without_text_is_not_asked_for_words():
    encoder = load("clamr-nano", device="cpu")
    encoder.model.config.modalities = ["video"]
    assert check_matching(encoder).status == "absent"


def test_expected_embeddings_are_written_and_held_to(tmp_path):
    folder = shutil.copytree(GOLDEN / "colpali", tmp_path / "colpali")
    encoder = load(folder / "adapter", base=folder / "base", device="cpu")
    path = write_expected(encoder, directory=folder / "adapter")
    assert path.name == EXPECTED
    assert check_expected(encoder, directory=folder / "adapter", tolerance=EXACT_EXPECTED).status == "ok"
    encoder.processor.num_query_suffix_tokens -= 1
    fewer = check_expected(encoder, directory=folder / "adapter", tolerance=EXACT_EXPECTED)
    assert fewer.status == "failed"
    assert "tokens" in fewer.message


@pytest.mark.parametrize("rows", [None, [1.0, 2.0], [["a"]], [[1.0], [1.0, 2.0]]])
def test_expected_embeddings_that_are_none(nano, rows):
    encoder = load(nano, device="cpu")
    (nano / EXPECTED).write_text(json.dumps({"question": rows, "document": rows}))
    with pytest.raises(CheckpointError, match=EXPECTED):
        check_expected(encoder, directory=nano, tolerance=EXACT_EXPECTED)
    checks = check_checkpoint(nano, device="cpu")
    assert by_name(checks)["expected embeddings"].status == "failed"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_stay_within_the_coarse_tolerance(dtype):
    encoder = ClamrEncoder.from_pretrained("clamr-nano", device="cpu", dtype=dtype)
    checks = [
        check_unit_length(encoder, tolerance=COARSE),
        check_batching(encoder, tolerance=COARSE),
        check_matching(encoder),
        check_expected(encoder, directory=directory_of("clamr-nano"), tolerance=COARSE),
    ]
    assert {check.status for check in checks} == {"ok"}
    assert check_expected(encoder, directory=directory_of("clamr-nano"), tolerance=EXACT_EXPECTED).status == "failed"
