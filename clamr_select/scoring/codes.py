"""Embeddings as codes: what a video takes on disk, and how far a score moves for it (docs/store.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch

from clamr_select.errors import InputError, unknown_name

Precision = Literal["as_encoded", "bfloat16", "int8", "int4"]
"""Bytes a vector of 128: 512 (float32), 256, 130, 66."""

_LARGEST = {"int8": 127, "int4": 7}
SCALE_DTYPE = torch.float16


def check_precision(name: str) -> None:
    """Raises UnknownNameError unless ``name`` is one."""
    if name not in get_args(Precision):
        raise unknown_name("precision", name, get_args(Precision))


def encode(vectors: torch.Tensor, *, precision: Precision) -> dict[str, torch.Tensor]:
    """Named tensors that :func:`decode` reads.

    ``int8`` and ``int4`` hold a vector as whole numbers times a scale of its own (float16); two 4-bit numbers share a
    byte.

    Args:
        vectors: (num_tokens, dim), any floating dtype.

    Raises:
        UnknownNameError: no such precision.
        InputError: a vector that is not finite, or an odd dim for 4 bits.
    """
    check_precision(precision)
    if precision == "as_encoded":
        return {"vectors": vectors}
    if precision == "bfloat16":
        return {"vectors": vectors.to(torch.bfloat16)}
    if not bool(torch.isfinite(vectors).all()):
        raise InputError("an embedding is not finite, so it has no code; the encoder overflowed")
    largest = _LARGEST[precision]
    scales = (vectors.float().abs().amax(dim=1, keepdim=True) / largest).to(SCALE_DTYPE)
    safe = torch.where(scales > 0, scales, 1).float()
    codes = (vectors.float() / safe).round().clamp(-largest, largest).to(torch.int8)
    if precision == "int8":
        return {"codes": codes, "scales": scales}
    if vectors.shape[1] % 2:
        raise InputError(f"4-bit codes need an even dim, got {vectors.shape[1]}")
    halves = (codes + 8).to(torch.uint8)
    return {"nibbles": halves[:, 0::2] | (halves[:, 1::2] << 4), "scales": scales}


def decode(tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(num_tokens, dim): float32 of codes, otherwise the vectors as they are kept."""
    if "vectors" in tensors:
        return tensors["vectors"]
    if "codes" in tensors:
        codes = tensors["codes"]
    else:
        nibbles = tensors["nibbles"]
        codes = torch.stack([nibbles & 15, nibbles >> 4], dim=2).flatten(1).to(torch.int8) - 8
    return codes.float() * tensors["scales"].float()
