"""The multi-vector embedding: one vector a token, labelled with its modality and its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from clamr_select.errors import InputError

NO_CANDIDATE = -1
"""First and last candidate of a token without a time."""


@dataclass(frozen=True)
class TokenEmbeddings:
    """Document tokens, flat, in the order they were encoded.

    Modality ids are 1..M in the order of ``modalities``; 0 is "no modality" (prompt, padding) and never
    scores. Tokens of consecutive documents follow each other, and documents share no candidate.
    """

    vectors: torch.Tensor
    """(num_tokens, dim), L2-normalised, any floating dtype."""
    modality_ids: torch.Tensor
    """(num_tokens,) int64 in 0..M."""
    first_candidates: torch.Tensor
    """(num_tokens,) int64, inclusive; ``NO_CANDIDATE`` for tokens without a time."""
    last_candidates: torch.Tensor
    """(num_tokens,) int64, inclusive; ``NO_CANDIDATE`` for tokens without a time."""
    num_candidates: int
    modalities: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {
            "vectors": self.vectors.shape[0],
            "modality_ids": self.modality_ids.shape[0],
            "first_candidates": self.first_candidates.shape[0],
            "last_candidates": self.last_candidates.shape[0],
        }
        if len(set(lengths.values())) > 1:
            raise InputError(f"token fields must have equal length, got {lengths}")

    def __len__(self) -> int:
        return self.vectors.shape[0]


def concatenate(parts: Sequence[TokenEmbeddings]) -> TokenEmbeddings:
    """Join the documents of one video; candidates are renumbered to follow each other.

    Raises:
        InputError: no parts, or parts with different modalities.
    """
    if not parts:
        raise InputError("nothing to concatenate: got no token embeddings")
    if len({part.modalities for part in parts}) > 1:
        raise InputError(f"parts must share one order of modalities, got {[p.modalities for p in parts]}")
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + part.num_candidates)
    return TokenEmbeddings(
        vectors=torch.cat([part.vectors for part in parts]),
        modality_ids=torch.cat([part.modality_ids for part in parts]),
        first_candidates=torch.cat([_shift(p.first_candidates, s) for p, s in zip(parts, starts, strict=False)]),
        last_candidates=torch.cat([_shift(p.last_candidates, s) for p, s in zip(parts, starts, strict=False)]),
        num_candidates=starts[-1],
        modalities=parts[0].modalities,
    )


def _shift(candidates: torch.Tensor, start: int) -> torch.Tensor:
    return torch.where(candidates == NO_CANDIDATE, candidates, candidates + start)
