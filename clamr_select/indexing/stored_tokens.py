"""Token embeddings as tensors of a stored entry, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from clamr_select.scoring import codes
from clamr_select.scoring.codes import Precision
from clamr_select.scoring.tokens import TokenEmbeddings


def token_tensors(tokens: TokenEmbeddings, *, precision: Precision) -> dict[str, torch.Tensor]:
    """Named tensors that :func:`stored_tokens` reads.

    Args:
        precision: what the vectors were rounded to already.
    """
    return {
        **codes.encode(tokens.vectors, precision=precision),
        "modality_ids": tokens.modality_ids.to(torch.uint8),
        "first_candidates": tokens.first_candidates.to(torch.int32),
        "last_candidates": tokens.last_candidates.to(torch.int32),
    }


def stored_tokens(
    tensors: Mapping[str, torch.Tensor], *, num_candidates: int, modalities: Sequence[str]
) -> TokenEmbeddings:
    """What :func:`token_tensors` was given."""
    return TokenEmbeddings(
        vectors=codes.decode(tensors),
        modality_ids=tensors["modality_ids"].long(),
        first_candidates=tensors["first_candidates"].long(),
        last_candidates=tensors["last_candidates"].long(),
        num_candidates=num_candidates,
        modalities=tuple(modalities),
    )
