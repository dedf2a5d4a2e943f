"""MaxSim in one pass over the tokens, as a Triton kernel: similarities never reach memory.

Imported only where a CUDA device does the scoring (or Triton's interpreter, in tests): triton comes with CUDA builds
of torch.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from clamr_select.scoring.pieces import Pieces

BLOCK_TOKENS = 64
BLOCK_QUERY = 32
MIN_DOT_SIDE = 16
"""Of the matrices that tensor cores multiply."""


@triton.jit
def _piece_maxima(
    query: Any,
    vectors: Any,
    token_indices: Any,
    offsets: Any,
    maxima: Any,
    num_query_tokens: Any,
    dim: tl.constexpr,
    indexed: tl.constexpr,
    in_float32: tl.constexpr,
    block_tokens: tl.constexpr,
    block_query: tl.constexpr,
    block_dim: tl.constexpr,
) -> None:
    """One program a piece and block of query tokens."""
    piece = tl.program_id(0)
    start = tl.load(offsets + piece)
    stop = tl.load(offsets + piece + 1)
    columns = tl.program_id(1) * block_query + tl.arange(0, block_query)
    dims = tl.arange(0, block_dim)
    asked = columns < num_query_tokens
    q = tl.load(
        query + columns[None, :] * dim + dims[:, None], mask=asked[None, :] & (dims[:, None] < dim), other=0.0
    )  # [dim, query tokens] float32
    # against half-precision vectors, the query goes in as its rounded value and what rounding left
    q_high = q.to(vectors.dtype.element_ty)
    q_low = (q - q_high.to(tl.float32)).to(vectors.dtype.element_ty)
    best = tl.full([block_query], float("-inf"), tl.float32)
    for first in range(start, stop, block_tokens):
        entries = first + tl.arange(0, block_tokens)
        inside = entries < stop
        tokens = tl.load(token_indices + entries, mask=inside, other=0) if indexed else entries
        v = tl.load(
            vectors + tokens[:, None] * dim + dims[None, :], mask=inside[:, None] & (dims[None, :] < dim), other=0.0
        )
        s = tl.dot(v, q, input_precision="ieee") if in_float32 else tl.dot(v, q_high) + tl.dot(v, q_low)
        s = tl.where(s != s, float("inf"), s)  # a maximum would pass over what is not a number; inf is an error too
        s = tl.where(inside[:, None], s, float("-inf"))
        best = tl.maximum(best, tl.max(s, axis=0))
    tl.store(maxima + piece * num_query_tokens + columns, best, mask=asked)


def fused_maxima(query: torch.Tensor, *, vectors: torch.Tensor, pieces: Pieces) -> torch.Tensor:
    """As :func:`clamr_select.scoring.cuda.plain_maxima`, but ``+inf`` where a similarity is not a number."""
    num_pieces, num_query_tokens, dim = len(pieces.offsets) - 1, *query.shape
    maxima = torch.empty((num_pieces, num_query_tokens), dtype=torch.float32, device=vectors.device)
    if num_pieces:
        grid: Any = (num_pieces, triton.cdiv(num_query_tokens, BLOCK_QUERY))
        _piece_maxima[grid](
            query.contiguous(),
            vectors.contiguous(),
            pieces.offsets if pieces.token_indices is None else pieces.token_indices,
            pieces.offsets,
            maxima,
            num_query_tokens,
            dim=dim,
            indexed=pieces.token_indices is not None,
            in_float32=vectors.dtype == torch.float32,
            block_tokens=BLOCK_TOKENS,
            block_query=BLOCK_QUERY,
            block_dim=max(MIN_DOT_SIDE, triton.next_power_of_2(dim)),
        )
    return maxima
