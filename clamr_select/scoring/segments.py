"""Which tokens score where: a segment is one (candidate, modality) or one (document, modality)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings


@dataclass(frozen=True)
class Segments:
    """Ragged groups of tokens; a token may stand in several, a group may be empty."""

    token_indices: torch.Tensor
    """(num_entries,) int64, the tokens of segment 0, then of segment 1, …"""
    offsets: torch.Tensor
    """(num_rows * num_modalities + 1,) int64; segment i holds entries offsets[i]:offsets[i + 1]."""
    num_rows: int
    """Candidates, or documents."""
    num_modalities: int


def candidate_segments(tokens: TokenEmbeddings) -> Segments:
    """One segment a (candidate, modality). A token scores in every candidate of its range; tokens without
    a modality or without a time score in none."""
    token_indices, rows = candidate_entries(tokens)
    return group_tokens(
        token_indices,
        rows=rows,
        modality_ids=tokens.modality_ids[token_indices],
        num_rows=tokens.num_candidates,
        num_modalities=len(tokens.modalities),
    )


def candidate_entries(tokens: TokenEmbeddings) -> tuple[torch.Tensor, torch.Tensor]:
    """Token and candidate, (num_entries,) each, of every place where a token stands in a candidate."""
    timed = ((tokens.modality_ids > 0) & (tokens.first_candidates != NO_CANDIDATE)).nonzero().squeeze(1)
    first = tokens.first_candidates[timed]
    widths = tokens.last_candidates[timed] - first + 1
    repeated = torch.repeat_interleave(torch.arange(len(timed), device=widths.device), widths)
    within = torch.arange(len(repeated), device=widths.device) - (widths.cumsum(0) - widths)[repeated]
    return timed[repeated], first[repeated] + within


def document_segments(tokens: TokenEmbeddings) -> Segments:
    """One segment a modality, over the whole document or video, tokens without a time included."""
    token_indices = (tokens.modality_ids > 0).nonzero().squeeze(1)
    return group_tokens(
        token_indices,
        rows=torch.zeros_like(token_indices),
        modality_ids=tokens.modality_ids[token_indices],
        num_rows=1,
        num_modalities=len(tokens.modalities),
    )


def group_tokens(
    token_indices: torch.Tensor,
    *,
    rows: torch.Tensor,
    modality_ids: torch.Tensor,
    num_rows: int,
    num_modalities: int,
) -> Segments:
    """Sort entries (a token in a row, with modality id 1..M) into segments, keeping token order in each."""
    keys = rows * num_modalities + (modality_ids - 1)
    order = torch.argsort(keys, stable=True)
    counts = torch.bincount(keys, minlength=num_rows * num_modalities)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return Segments(
        token_indices=token_indices[order], offsets=offsets, num_rows=num_rows, num_modalities=num_modalities
    )
