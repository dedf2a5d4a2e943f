"""Fewer and smaller vectors for a video: as it was asked for, the same before it is stored and after."""

from __future__ import annotations

from dataclasses import replace

from clamr_select.scoring import codes
from clamr_select.scoring.pooling import pool_tokens
from clamr_select.scoring.tokens import TokenEmbeddings


def compact_tokens(tokens: TokenEmbeddings, *, token_pooling: int, precision: codes.Precision) -> TokenEmbeddings:
    """Pooled, and rounded to what its codes say.

    Raises:
        InputError, UnknownNameError: as :func:`~clamr_select.scoring.pooling.pool_tokens` and
            :func:`~clamr_select.scoring.codes.encode`.
    """
    pooled = pool_tokens(tokens, factor=token_pooling)
    return replace(pooled, vectors=codes.decode(codes.encode(pooled.vectors, precision=precision)))
