"""Scores of every query against every frame or document, with gradient, in bounded memory.

Written out, the similarities of a batch are [modalities, queries, documents, query tokens, document tokens]: here
they exist for one block of segments at a time, in the forward and again in the backward pass. Only the token that
wins a maximum carries gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from clamr_select.errors import unknown_name
from clamr_select.scoring.segments import Segments
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings

Score = Literal["token_max", "modality_max", "average", "pooled"]
"""Late interaction, and what it is compared with: ``average`` is the mean of MaxSim over the modalities that a row has,
``pooled`` the cosine of the mean token of the question and of the row."""

BLOCK_ELEMENTS = 1 << 23
"""Similarities held at once: 32 MiB of float32."""


def check_score(name: str) -> None:
    """Raises UnknownNameError unless ``name`` is a :data:`Score`."""
    if name not in get_args(Score):
        raise unknown_name("score", name, get_args(Score))


@dataclass(frozen=True)
class QueryTokens:
    """The tokens of all queries side by side: no padding, so none can score."""

    vectors: torch.Tensor
    """(num_query_tokens, dim)."""
    query_of_token: torch.Tensor
    """(num_query_tokens,) int64."""
    num_queries: int


def queries_side_by_side(parts: Sequence[QueryTokens]) -> QueryTokens:
    """The queries of all parts, in their order."""
    starts = np.cumsum([0, *(part.num_queries for part in parts)]).tolist()
    owners = [part.query_of_token + start for part, start in zip(parts, starts, strict=False)]
    return QueryTokens(torch.cat([part.vectors for part in parts]), torch.cat(owners), starts[-1])


@dataclass(frozen=True)
class RowScores:
    """Late interaction of queries and rows (frames or documents), mean over query tokens."""

    token_max: torch.Tensor
    """(num_queries, num_rows) float32, ``-inf`` where a row has no token."""
    by_modality: torch.Tensor
    """(num_queries, num_rows, num_modalities) float32, ``-inf`` where absent."""
    pooled: torch.Tensor
    """(num_queries, num_rows) float32, -1 to 1, ``-inf`` where a row has no token."""

    @property
    def modality_max(self) -> torch.Tensor:
        """(num_queries, num_rows)."""
        return self.by_modality.amax(dim=2)

    @property
    def average(self) -> torch.Tensor:
        """(num_queries, num_rows), ``-inf`` where a row has no modality at all."""
        present = torch.isfinite(self.by_modality)
        count = present.sum(dim=2)
        total = self.by_modality.masked_fill(~present, 0.0).sum(dim=2)
        return (total / count.clamp(min=1)).masked_fill(count == 0, -torch.inf)

    def of(self, name: Score) -> torch.Tensor:
        """(num_queries, num_rows) by name.

        Raises:
            UnknownNameError: there is no such score.
        """
        check_score(name)
        tables = {"token_max": lambda: self.token_max, "modality_max": lambda: self.modality_max}
        return {**tables, "average": lambda: self.average, "pooled": lambda: self.pooled}[name]()


def score_rows(queries: QueryTokens, *, tokens: TokenEmbeddings, segments: Segments) -> RowScores:
    """Scores with gradient to ``queries.vectors`` and ``tokens.vectors``.

    Args:
        segments: the rows, over ``tokens``.
    """
    with torch.autocast(tokens.vectors.device.type, enabled=False):  # bfloat16 sums fall on a few values
        maxima = _segment_maxima(queries.vectors, tokens.vectors, segments)
        return _row_scores(maxima, queries=queries, tokens=tokens, segments=segments)


def score_frames_and_documents(
    queries: QueryTokens, *, tokens: TokenEmbeddings, frames: Segments, documents: Segments, frame_counts: torch.Tensor
) -> tuple[RowScores, RowScores]:
    """:func:`score_rows` of both at the cost of the frames: the best in a document is the best of its frames and of its
    tokens without a time.

    Args:
        frames, documents: the rows, over ``tokens``.
        frame_counts: (num_documents,) candidates of each document, in the order of ``frames``.
    """
    with torch.autocast(tokens.vectors.device.type, enabled=False):
        by_frame, untimed, owners = _frames_and_untimed(queries, tokens, frames, documents, frame_counts)
        flat = by_frame.view(frames.num_rows, -1)
        start = untimed.view(documents.num_rows, -1)
        # not segment_reduce: a text spans frames, which then tie, and its gradient of ties is wrong (see _block_maxima)
        by_document = start.scatter_reduce(0, owners[:, None].expand_as(flat), flat, "amax").view(untimed.shape)
        return (
            _row_scores(by_frame, queries=queries, tokens=tokens, segments=frames),
            _row_scores(by_document, queries=queries, tokens=tokens, segments=documents),
        )


def score_best_moments(
    queries: QueryTokens, *, tokens: TokenEmbeddings, frames: Segments, documents: Segments, frame_counts: torch.Tensor
) -> torch.Tensor:
    """(num_queries, num_documents) float32: every document by its best frame, ``-inf`` where it has no token.

    A frame is scored as ``token_max`` would its own tokens and those without a time. What ``token_max`` of a whole
    document finds in several frames, each a part of what was asked for, counts for nothing here.

    Args:
        As :func:`score_frames_and_documents`.
    """
    with torch.autocast(tokens.vectors.device.type, enabled=False):
        by_frame, untimed, owners = _frames_and_untimed(queries, tokens, frames, documents, frame_counts)
    any_time = untimed.view(documents.num_rows, documents.num_modalities, -1).amax(dim=1)
    at_moment = by_frame.view(frames.num_rows, frames.num_modalities, -1).amax(dim=1).maximum(any_time[owners])
    weights = _mean_weights(queries).to(any_time.device)
    alone, moments = query_means(any_time, weights=weights), query_means(at_moment, weights=weights)
    return alone.scatter_reduce(0, owners[:, None].expand_as(moments), moments, "amax").T


def _frames_and_untimed(
    queries: QueryTokens, tokens: TokenEmbeddings, frames: Segments, documents: Segments, frame_counts: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Maxima in every frame, maxima in what of every document has no time, and (num_frames,) each frame's document."""
    by_frame = _segment_maxima(queries.vectors, tokens.vectors, frames)
    untimed = _segment_maxima(queries.vectors, tokens.vectors, _without_time(documents, tokens))
    owners = torch.arange(len(frame_counts)).repeat_interleave(frame_counts)
    return by_frame, untimed, owners.to(by_frame.device)


def _without_time(documents: Segments, tokens: TokenEmbeddings) -> Segments:
    kept = tokens.first_candidates[documents.token_indices] == NO_CANDIDATE
    before = torch.cat([kept.new_zeros(1, dtype=torch.int64), kept.cumsum(0)])
    return replace(documents, token_indices=documents.token_indices[kept], offsets=before[documents.offsets])


def _row_scores(
    maxima: torch.Tensor, *, queries: QueryTokens, tokens: TokenEmbeddings, segments: Segments
) -> RowScores:
    """From the best dot product of each query token in each segment, (num_segments, num_query_tokens)."""
    by_row = maxima.view(segments.num_rows, segments.num_modalities, -1)
    weights = _mean_weights(queries).to(maxima.device)
    return RowScores(
        token_max=query_means(by_row.amax(dim=1), weights=weights).T,
        by_modality=query_means(by_row, weights=weights).permute(2, 0, 1),
        pooled=pooled_scores(queries, tokens=tokens, segments=segments),
    )


def pooled_scores(queries: QueryTokens, *, tokens: TokenEmbeddings, segments: Segments) -> torch.Tensor:
    """(num_queries, num_rows): cosines of mean tokens, ``-inf`` where a row has no token."""
    vectors = tokens.vectors
    edges = segments.offsets[:: segments.num_modalities]
    sizes = edges.diff()
    row_of_entry = torch.arange(segments.num_rows, device=sizes.device).repeat_interleave(sizes)
    entries = vectors.float().index_select(0, segments.token_indices.to(vectors.device))
    rows = _sums(entries, row_of_entry.to(vectors.device), segments.num_rows)
    asked = _sums(queries.vectors.float(), queries.query_of_token.to(vectors.device), queries.num_queries)
    cosines = functional.normalize(asked, dim=1) @ functional.normalize(rows, dim=1).T
    return cosines.masked_fill((sizes == 0).to(vectors.device), -torch.inf)


def _sums(vectors: torch.Tensor, groups: torch.Tensor, num_groups: int) -> torch.Tensor:
    return vectors.new_zeros((num_groups, vectors.shape[1])).index_add(0, groups, vectors)


def query_means(maxima: torch.Tensor, *, weights: torch.Tensor) -> torch.Tensor:
    """Mean over each query's tokens.

    Args:
        maxima: (…, num_query_tokens) of all queries side by side, ``-inf`` where a segment is empty.
        weights: (num_query_tokens, num_queries), columns that sum to one.

    Returns:
        (…, num_queries), ``-inf`` where the segment is empty.
    """
    absent = torch.isneginf(maxima[..., :1])
    # 0 * -inf is NaN: empty segments go in as 0 and come out as -inf
    return (maxima.masked_fill(absent, 0.0) @ weights).masked_fill(absent, -torch.inf)


def _mean_weights(queries: QueryTokens) -> torch.Tensor:
    one_hot = torch.nn.functional.one_hot(queries.query_of_token, queries.num_queries).float()
    return one_hot / one_hot.sum(dim=0, keepdim=True)


def _segment_maxima(queries: torch.Tensor, vectors: torch.Tensor, segments: Segments) -> torch.Tensor:
    """(num_segments, num_query_tokens): the best dot product of each query token in each segment."""
    blocks = list(_blocks(segments, max_entries=max(1, BLOCK_ELEMENTS // max(1, len(queries)))))
    if len(blocks) == 1:
        return _block_maxima(queries, vectors, *blocks[0])
    return torch.cat([checkpoint(_block_maxima, queries, vectors, *block, use_reentrant=False) for block in blocks])


def _blocks(segments: Segments, *, max_entries: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Runs of segments, as their tokens and offsets; a single larger segment stands alone."""
    edges = segments.offsets
    start, last = 0, len(edges) - 1
    while start < last:
        fits = int(torch.searchsorted(edges, edges[start] + max_entries, right=True)) - 1
        stop = min(max(fits, start + 1), last)
        yield segments.token_indices[edges[start] : edges[stop]], edges[start : stop + 1] - edges[start]
        start = stop


def _block_maxima(
    queries: torch.Tensor, vectors: torch.Tensor, token_indices: torch.Tensor, offsets: torch.Tensor
) -> torch.Tensor:
    if len(token_indices) == 0:
        return queries.new_full((len(offsets) - 1, len(queries)), -torch.inf, dtype=torch.float32)
    # a text that spans frames is multiplied once for each: still less than to copy its row of similarities
    members = vectors.index_select(0, token_indices.to(vectors.device))
    entries = members.float() @ queries.float().T
    # torch 2.14 gives wrong gradients where several entries are the maximum; tokens of one segment differ in position,
    # and none were seen to tie
    return torch.segment_reduce(entries, "max", offsets=offsets.to(vectors.device), axis=0, initial=-torch.inf)
