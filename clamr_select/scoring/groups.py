"""Segments on a CPU: tokens in groups of eight, so that most of a maximum is taken over a fixed count.

A ragged maximum costs as much as the products that it is taken over; over groups of one size it costs a tenth. A group
that its segment does not fill repeats a token of its own: a maximum does not mind, and no padding can win.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from clamr_select.scoring.segments import Segments

GROUP_SIZE = 8
BLOCK_GROUPS = 1024
"""Groups scored at once: with 32 query tokens, a MiB of similarities, which stays in the cache."""


@dataclass(frozen=True)
class Block:
    """Groups that are scored together."""

    low: int
    high: int
    """Their tokens are among low:high."""
    positions: torch.Tensor
    """(num_groups * GROUP_SIZE,) int32, the tokens, counted from ``low``."""
    first_segment: int
    segments: torch.Tensor
    """(num_groups,) int64, the segment of each group, counted from ``first_segment``."""

    @property
    def is_dense(self) -> bool:
        """Whether scoring all of low:high is cheaper than fetching the block's own tokens first."""
        return self.high - self.low <= 2 * len(self.positions)


def group_blocks(segments: Segments) -> list[Block]:
    """All entries of all segments, in order."""
    lengths = segments.offsets.diff()
    counts = (lengths + GROUP_SIZE - 1) // GROUP_SIZE
    segment_of_group = torch.repeat_interleave(torch.arange(len(counts)), counts)
    within = torch.arange(len(segment_of_group)) - (counts.cumsum(0) - counts)[segment_of_group]
    first_entries = segments.offsets[segment_of_group] + within * GROUP_SIZE
    last_entries = segments.offsets[segment_of_group + 1] - 1
    entries = torch.minimum(first_entries[:, None] + torch.arange(GROUP_SIZE), last_entries[:, None])
    return list(_blocks(segments.token_indices[entries], segment_of_group))


def _blocks(tokens: torch.Tensor, segment_of_group: torch.Tensor) -> Iterator[Block]:
    for start in range(0, len(tokens), BLOCK_GROUPS):
        block = tokens[start : start + BLOCK_GROUPS].flatten()
        segments = segment_of_group[start : start + BLOCK_GROUPS]
        low, first_segment = int(block.min()), int(segments[0])
        yield Block(
            low=low,
            high=int(block.max()) + 1,
            positions=(block - low).int(),
            first_segment=first_segment,
            segments=segments - first_segment,
        )
