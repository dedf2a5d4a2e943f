"""Segments cut into pieces that can be reduced side by side: a long segment must not hold up the short ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from clamr_select.scoring.segments import Segments

MAX_PIECE_ENTRIES = 512


@dataclass(frozen=True)
class Pieces:
    """Ragged groups of tokens, each a part of one segment; every segment has at least one, which may be empty."""

    token_indices: torch.Tensor | None
    """(num_entries,) int64; None where the entries are the tokens themselves, each once and in order."""
    offsets: torch.Tensor
    """(num_pieces + 1,) int64; piece i holds entries offsets[i]:offsets[i + 1]."""
    segment_offsets: torch.Tensor | None
    """(num_segments + 1,) int64, the pieces of each segment; None where each is one piece."""

    def to(self, device: torch.device) -> Pieces:
        """The same on another device."""
        return Pieces(
            token_indices=None if self.token_indices is None else self.token_indices.to(device),
            offsets=self.offsets.to(device),
            segment_offsets=None if self.segment_offsets is None else self.segment_offsets.to(device),
        )

    def join(self, maxima: torch.Tensor) -> torch.Tensor:
        """(num_pieces, num_query_tokens) maxima to (num_segments, num_query_tokens)."""
        if self.segment_offsets is None:
            return maxima
        return torch.segment_reduce(maxima, "max", offsets=self.segment_offsets, axis=0, initial=-torch.inf)


def cut_segments(segments: Segments, *, num_tokens: int, max_entries: int = MAX_PIECE_ENTRIES) -> Pieces:
    """Pieces of at most ``max_entries`` entries.

    Args:
        num_tokens: of the vectors that ``segments`` index.
    """
    lengths = segments.offsets.diff()
    counts = ((lengths + max_entries - 1) // max_entries).clamp(min=1)
    segment_offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    segment_of_piece = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    position = torch.arange(len(segment_of_piece), device=counts.device) - segment_offsets[segment_of_piece]
    starts = segments.offsets[segment_of_piece] + position * max_entries
    in_order = torch.arange(num_tokens, device=segments.token_indices.device)
    return Pieces(
        token_indices=None if torch.equal(segments.token_indices, in_order) else segments.token_indices,
        offsets=torch.cat([starts, segments.offsets[-1:]]),
        segment_offsets=None if len(starts) == len(counts) else segment_offsets,
    )


def ranges_of(offsets: torch.Tensor, *, max_entries: int) -> Iterator[tuple[int, int]]:
    """Runs of groups with at most ``max_entries`` entries each (a single larger group stands alone).

    Args:
        offsets: (num_groups + 1,) int64 on the CPU.
    """
    start, last = 0, len(offsets) - 1
    while start < last:
        stop = int(torch.searchsorted(offsets, offsets[start] + max_entries, right=True)) - 1
        stop = min(max(stop, start + 1), last)
        yield start, stop
        start = stop
