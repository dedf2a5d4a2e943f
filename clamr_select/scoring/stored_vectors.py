"""How the vectors of a video are kept for scoring on a CPU, and multiplied with those of a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from clamr_select.errors import InputError, unknown_name

Storage = Literal["as_given", "bfloat16", "int8"]
"""``as_given`` keeps the vectors and multiplies in float32. The others keep and multiply in that type, which rounds
scores (docs/performance.md): ``bfloat16`` takes half of float32's memory; ``int8``, with a scale a token, a quarter."""

INT8_MAX = 127


@dataclass(frozen=True)
class FloatVectors:
    """Vectors of a floating dtype."""

    vectors: torch.Tensor
    """(num_tokens, dim)."""
    multiplied_in: torch.dtype

    def columns(self, query: torch.Tensor) -> torch.Tensor:
        """(dim, num_query_tokens), to multiply with."""
        return query.to(self.multiplied_in).T.contiguous()

    def multiply(self, rows: slice | torch.Tensor, columns: torch.Tensor, *, out: torch.Tensor) -> None:
        """Float32 products of some tokens, into ``out`` (num_rows, num_query_tokens)."""
        vectors = self.vectors[rows].to(self.multiplied_in)
        if self.multiplied_in == torch.float32:
            torch.mm(vectors, columns, out=out)
        else:
            out.copy_(vectors @ columns)

    def unscale(self, maxima: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Maxima of products to maxima of similarities."""
        return maxima


@dataclass(frozen=True)
class Int8Vectors:
    """Vectors as 8-bit codes."""

    codes: torch.Tensor
    """(num_tokens, dim) int8."""
    scales: torch.Tensor
    """(num_tokens, 1) float32: a vector is its codes times its scale."""

    def columns(self, query: torch.Tensor) -> torch.Tensor:
        """(dim, num_query_tokens), to multiply with."""
        return (query / _scales(query)).round().to(torch.int8).T.contiguous()

    def multiply(self, rows: slice | torch.Tensor, columns: torch.Tensor, *, out: torch.Tensor) -> None:
        """Float32 products of some tokens, into ``out`` (num_rows, num_query_tokens)."""
        out.copy_(torch._int_mm(self.codes[rows], columns)).mul_(self.scales[rows])

    def unscale(self, maxima: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Maxima of products to maxima of similarities: a positive scale moves no maximum."""
        return maxima * _scales(query).T


StoredVectors = FloatVectors | Int8Vectors


def store_vectors(vectors: torch.Tensor, *, storage: Storage) -> StoredVectors:
    """
    Args:
        vectors: (num_tokens, dim), any floating dtype.

    Raises:
        UnknownNameError: there is no such storage.
        InputError: a vector that is not finite has no 8-bit codes.
    """
    if storage not in get_args(Storage):
        raise unknown_name("storage", storage, get_args(Storage))
    if storage == "as_given":
        return FloatVectors(vectors, torch.float32)
    if storage == "bfloat16":
        return FloatVectors(vectors.to(torch.bfloat16), torch.bfloat16)
    finite = torch.isfinite(vectors).all(dim=1)
    if not bool(finite.all()):
        position = int((~finite).nonzero()[0])
        raise InputError(f"token {position} has an embedding that is not finite; the encoder overflowed")
    scales = _scales(vectors.float())
    return Int8Vectors((vectors.float() / scales).round().to(torch.int8), scales)


def _scales(vectors: torch.Tensor) -> torch.Tensor:
    """(num_vectors, 1): the largest component becomes 127; 1 for a vector of zeros."""
    largest = vectors.abs().amax(dim=1, keepdim=True)
    return torch.where(largest > 0, largest / INT8_MAX, 1.0)
