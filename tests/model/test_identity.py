"""What tells encoders apart: every number of the weights, the config, the processor."""

from __future__ import annotations

import copy

import pytest
import torch

from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.identity import _CHUNK_WORDS, _odd_factors, _sums, encoder_identity, weights_digest

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture
def another(encoder) -> ClamrEncoder:
    return ClamrEncoder(copy.deepcopy(encoder.model), processor=copy.deepcopy(encoder.processor), name="another")


def naive_factor(position: int) -> int:
    """splitmix64, made odd."""
    mask = (1 << 64) - 1
    word = (position + 1) * 0x9E3779B97F4A7C15 & mask
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & mask
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & mask
    return (word ^ (word >> 31)) | 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8, torch.int64])
@pytest.mark.parametrize("count", [1, 7, 8, 1000])
def test_sums_are_those_of_a_plain_loop(dtype, count):
    tensor = (torch.arange(count) * 37 % 251).to(dtype)
    data = bytes(tensor.contiguous().view(torch.uint8).tolist())
    data += bytes(-len(data) % 8)
    words = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
    expected = sum(word * naive_factor(position) for position, word in enumerate(words)) % 2**64

    (found,) = _sums(tensor)
    assert int(found) % 2**64 == expected


def test_factors_are_odd_and_differ():
    factors = _odd_factors(CPU)
    assert bool((factors & 1).all())
    assert len(factors.unique()) == _CHUNK_WORDS


def test_long_tensors_are_summed_in_pieces():
    assert len(list(_sums(torch.zeros(2 * _CHUNK_WORDS + 1, dtype=torch.int64)))) == 3


def test_the_same_weights_give_the_same_identity(encoder, another):
    encoder.encode_query(["a call sets how the tokenizer pads"])

    assert encoder_identity(another) == encoder_identity(encoder)


def test_any_one_number_changes_it(encoder, another):
    before = weights_digest(encoder.model)
    for name, tensor in list(another.model.state_dict().items())[::20]:
        flat = tensor.view(-1)
        kept = flat[-1].clone()
        flat[-1] = torch.nextafter(kept, torch.tensor(torch.inf))
        assert weights_digest(another.model) != before, name
        flat[-1] = kept
    assert weights_digest(another.model) == before


def test_a_write_that_leaves_no_trace_changes_it(another):
    """Why the weights are read at every call: neither the tensor's address nor its version tells."""
    before = encoder_identity(another)
    weight = next(another.model.parameters())
    address, version = weight.data_ptr(), weight._version
    weight.data += 1

    assert (weight.data_ptr(), weight._version) == (address, version)
    assert encoder_identity(another) != before


def test_two_tensors_swapped_change_it(encoder, another):
    state = another.model.state_dict()
    alike = [name for name in state if name.endswith("q_proj.weight")][:2]
    first, second = (state[name].clone() for name in alike)
    state[alike[0]].copy_(second)
    state[alike[1]].copy_(first)

    assert weights_digest(another.model) != weights_digest(encoder.model)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_text_tokens", 7), ("text_prefixes", {"ocr": "Text: "}), ("max_pixels", 28 * 28), ("compat", "reference")],
)
def test_a_setting_of_the_processor_changes_it(encoder, another, name, value):
    setattr(another.processor, name, value)

    assert encoder_identity(another) != encoder_identity(encoder)


def test_a_token_more_changes_it(encoder, another):
    before = encoder_identity(another)
    another.processor.tokenizer.add_tokens(["<new>"])

    assert before == encoder_identity(encoder)
    assert encoder_identity(another) != before


def test_the_config_changes_it(encoder, another):
    another.model.config.vlm_config.text_config.rms_norm_eps = 1e-6

    assert encoder_identity(another) != encoder_identity(encoder)


def test_the_dtype_changes_it(encoder, another):
    another.model.to(torch.bfloat16)

    assert encoder_identity(another) != encoder_identity(encoder)


def test_weights_that_are_not_in_memory_have_none(another):
    another.model.to("meta")

    assert weights_digest(another.model) is None
