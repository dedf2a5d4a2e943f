"""MaxSim on a GPU without a kernel of our own: a matrix product, then the maximum of each piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from clamr_select.scoring.pieces import Pieces, ranges_of

BLOCK_ELEMENTS = 1 << 27
"""Similarities held at once: 512 MiB of float32."""


def plain_maxima(query: torch.Tensor, *, vectors: torch.Tensor, pieces: Pieces) -> torch.Tensor:
    """The best dot product of each query token in each piece.

    Args:
        query: (num_query_tokens, dim) float32.
        vectors: (num_tokens, dim) float32, bfloat16 or float16, on the same device, as ``pieces``.

    Returns:
        (num_pieces, num_query_tokens) float32, ``-inf`` where a piece is empty.
    """
    if len(vectors) * len(query) <= BLOCK_ELEMENTS and pieces.token_indices is None:
        return _reduced(similarities(query, vectors), pieces.offsets)
    max_entries = max(1, BLOCK_ELEMENTS // len(query))
    edges = pieces.offsets.cpu()
    blocks = [
        _block(query, vectors, pieces, start, stop, edges) for start, stop in ranges_of(edges, max_entries=max_entries)
    ]
    return torch.cat(blocks)


def similarities(query: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """(num_tokens, num_query_tokens) float32 dot products, summed in float32.

    Against half-precision vectors the query goes in as two halves, its rounded value and what rounding left, so that
    only the stored vectors are rounded.
    """
    if vectors.dtype == torch.float32:
        with true_float32():
            return vectors @ query.T
    high = query.to(vectors.dtype)
    low = (query - high.float()).to(vectors.dtype)
    both = torch.cat([high, low]).T
    # only CUDA's product returns float32 of half-precision arguments
    products = torch.mm(vectors, both, out_dtype=torch.float32) if vectors.is_cuda else vectors.float() @ both.float()
    return products[:, : len(query)] + products[:, len(query) :]


@contextmanager
def true_float32() -> Iterator[None]:
    """Matrix products on the GPU with all bits of float32, whatever the process has set: TF32 keeps ten."""
    settings = torch.backends.cuda.matmul
    before = settings.fp32_precision
    settings.fp32_precision = "ieee"
    try:
        yield
    finally:
        settings.fp32_precision = before


def _block(
    query: torch.Tensor, vectors: torch.Tensor, pieces: Pieces, start: int, stop: int, edges: torch.Tensor
) -> torch.Tensor:
    offsets = pieces.offsets[start : stop + 1] - pieces.offsets[start]
    low, high = int(edges[start]), int(edges[stop])
    if low == high:
        return query.new_full((stop - start, len(query)), -torch.inf)
    if pieces.token_indices is None:
        return _reduced(similarities(query, vectors[low:high]), offsets)
    entries = pieces.token_indices[low:high]
    first, last = int(entries.min()), int(entries.max()) + 1
    return _reduced(similarities(query, vectors[first:last]).index_select(0, entries - first), offsets)


def _reduced(products: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    return torch.segment_reduce(products, "max", offsets=offsets, axis=0, initial=-torch.inf)
