"""MaxSim on a CPU, block by block: the similarities of a video never exist at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from clamr_select.scoring.groups import GROUP_SIZE, Block
from clamr_select.scoring.stored_vectors import StoredVectors
from clamr_select.scoring.workers import in_parts


def blocked_maxima(
    query: torch.Tensor, *, vectors: StoredVectors, blocks: Sequence[Block], num_segments: int
) -> torch.Tensor:
    """The best dot product of each query token in each segment.

    Args:
        query: (num_query_tokens, dim) float32.

    Returns:
        (num_segments, num_query_tokens) float32, ``-inf`` where a segment is empty.
    """
    columns = vectors.columns(query)
    maxima = torch.full((num_segments, len(query)), -torch.inf)
    for first, part in in_parts(lambda some: _part_maxima(columns, vectors, some), blocks):
        into = maxima[first : first + len(part)]  # the segment where two parts meet is in both
        torch.maximum(into, part, out=into)
    return vectors.unscale(maxima, query)


def _part_maxima(columns: torch.Tensor, vectors: StoredVectors, blocks: Sequence[Block]) -> tuple[int, torch.Tensor]:
    """Of consecutive blocks: their first segment, and the maxima from that one on."""
    first, last = blocks[0].first_segment, blocks[-1].first_segment + int(blocks[-1].segments[-1])
    width = columns.shape[1]
    maxima = torch.full((last - first + 1, width), -torch.inf)
    products = torch.empty(max(_num_products(block) for block in blocks), width)
    picked = torch.empty(max(len(block.positions) for block in blocks), width)
    grouped = torch.empty(max(len(block.segments) for block in blocks), width)
    for block in blocks:
        num_entries, num_groups = len(block.positions), len(block.segments)
        if block.is_dense:
            similarities = products[: block.high - block.low]
            vectors.multiply(slice(block.low, block.high), columns, out=similarities)
            entries = torch.index_select(similarities, 0, block.positions, out=picked[:num_entries])
        else:
            entries = picked[:num_entries]
            vectors.multiply(block.positions.long() + block.low, columns, out=entries)
        best = torch.amax(entries.view(num_groups, GROUP_SIZE, width), dim=1, out=grouped[:num_groups])
        into = maxima[block.first_segment - first :]
        into.scatter_reduce_(0, block.segments[:, None].expand(-1, width), best, "amax")
    return first, maxima


def _num_products(block: Block) -> int:
    return block.high - block.low if block.is_dense else 0
