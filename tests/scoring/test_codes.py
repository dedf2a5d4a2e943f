"""Codes of embeddings: what comes back, and what it weighs."""

from __future__ import annotations

import pytest
import torch

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.scoring import codes


def vectors(num_tokens: int = 50, dim: int = 128) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.nn.functional.normalize(torch.randn(num_tokens, dim, generator=generator), dim=1)


@pytest.mark.parametrize(
    ("precision", "largest"), [("as_encoded", 0), ("bfloat16", 1 / 256), ("int8", 1 / 250), ("int4", 1 / 13)]
)
def test_what_comes_back_is_near(precision, largest):
    given = vectors()
    found = codes.decode(codes.encode(given, precision=precision)).float()
    # a step of a code is the largest component of its vector over 127 or 7; half of it is the most a code is off
    assert float((found - given).abs().max()) <= largest * float(given.abs().max())


@pytest.mark.parametrize(
    ("precision", "bytes_per_vector"), [("as_encoded", 512), ("bfloat16", 256), ("int8", 130), ("int4", 66)]
)
def test_bytes_of_a_vector(precision, bytes_per_vector):
    tensors = codes.encode(vectors(), precision=precision)
    assert sum(t.numel() * t.element_size() for t in tensors.values()) == 50 * bytes_per_vector


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_codes_are_those_of_a_plain_loop(precision):
    largest = {"int8": 127, "int4": 7}[precision]
    given = vectors(num_tokens=5, dim=16)
    found = codes.decode(codes.encode(given, precision=precision))
    for row, vector in enumerate(given):
        scale = float((vector.abs().max() / largest).half())
        for column, value in enumerate(vector.tolist()):
            code = max(-largest, min(largest, round(value / scale)))
            assert float(found[row, column]) == pytest.approx(code * scale, abs=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_rounding_twice_is_rounding_once(precision):
    once = codes.decode(codes.encode(vectors(), precision=precision))
    again = codes.decode(codes.encode(once, precision=precision))
    assert torch.allclose(once.float(), again.float(), atol=2e-4)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_a_vector_of_zeros_stays_one(precision):
    given = torch.cat([torch.zeros(1, 8), vectors(num_tokens=2, dim=8)])
    found = codes.decode(codes.encode(given, precision=precision))
    assert torch.equal(found[0], torch.zeros(8))


def test_what_cannot_be_coded():
    with pytest.raises(UnknownNameError, match="int8"):
        codes.encode(vectors(), precision="int2")
    with pytest.raises(InputError, match="not finite"):
        codes.encode(torch.tensor([[1.0, torch.nan]]), precision="int8")
    with pytest.raises(InputError, match="even dim, got 3"):
        codes.encode(torch.ones(1, 3), precision="int4")
