"""MaxSim as the released CLaMR code computes it: for numbers that are comparable with published ones.

Unlike :mod:`clamr_select.scoring.maxsim`, tokens without a modality (the chat turn around a document, and text whose
label the released span arithmetic missed) score as a modality of their own, and the zero vectors that pad every
document to 2,048 tokens take part in the maximum, so that no query token scores below 0 where they do.

Source: ``_colbert_sim`` and ``_modality_max_sim`` in ``src/util.py`` of github.com/meetdavidwan/clamr @353c30e.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from clamr_select.errors import InputError
from clamr_select.scoring.maxsim import Similarity, aggregate, segment_maxsim
from clamr_select.scoring.segments import Segments, group_tokens
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings

PADDED_TOKENS = 2048
"""Length that the released code pads and cuts every document to."""


def reference_similarity(
    queries: Sequence[torch.Tensor],
    documents: Sequence[TokenEmbeddings],
    *,
    similarity: Similarity = "token_max",
    normalize: bool = False,
) -> torch.Tensor:
    """(num_queries, num_documents) float32 scores.

    Args:
        queries: (num_query_tokens, dim) each, without padding, which would add nothing.
        documents: every token that is not padding, prompt included, with the released labels.
        similarity: ``token_max`` (published evaluation) or ``modality_max`` (training).
        normalize: divide by the number of query tokens, as training did; published evaluation did not.

    Raises:
        UnknownNameError: ``similarity`` is neither.
    """
    columns = []
    for document in documents:
        maxima = [document_maxima(query, tokens=document) for query in queries]
        columns.append(torch.stack([aggregate(m, similarity=similarity)[0] for m in maxima]))
    means = torch.stack(columns, dim=1)
    if normalize:
        return means
    return means * torch.tensor([[float(len(query))] for query in queries])


def document_maxima(query: torch.Tensor, *, tokens: TokenEmbeddings) -> torch.Tensor:
    """(1, 1 + num_modalities, num_query_tokens) float32, no modality first; ``-inf`` where absent."""
    return _maxima(query, tokens=tokens, rows=torch.zeros_like(tokens.modality_ids), num_rows=1)


def candidate_maxima(query: torch.Tensor, *, tokens: TokenEmbeddings) -> torch.Tensor:
    """(num_candidates, 1 + num_modalities, num_query_tokens) float32, for documents of one candidate each.

    The released code scores documents, never a frame within one: a frame's score is that of its own document.

    Raises:
        InputError: a token belongs to no candidate, or to several.
    """
    single = (tokens.first_candidates != NO_CANDIDATE) & (tokens.first_candidates == tokens.last_candidates)
    if not bool(single.all()):
        raise InputError(
            "compat='reference' scores whole documents, as the released code does: to score frames, index one "
            "candidate a document (window_candidates=1, or preset='as_published')"
        )
    return _maxima(query, tokens=tokens, rows=tokens.first_candidates, num_rows=tokens.num_candidates)


def _maxima(query: torch.Tensor, *, tokens: TokenEmbeddings, rows: torch.Tensor, num_rows: int) -> torch.Tensor:
    maxima = segment_maxsim(query, vectors=tokens.vectors, segments=_segments(tokens, rows=rows, num_rows=num_rows))
    lengths = torch.bincount(rows, minlength=num_rows)
    padded = (lengths < PADDED_TOKENS).to(maxima.device)
    maxima[padded, 0] = maxima[padded, 0].clamp(min=0.0)
    return maxima


def _segments(tokens: TokenEmbeddings, *, rows: torch.Tensor, num_rows: int) -> Segments:
    return group_tokens(
        torch.arange(len(tokens), device=rows.device),
        rows=rows,
        modality_ids=tokens.modality_ids + 1,
        num_rows=num_rows,
        num_modalities=1 + len(tokens.modalities),
    )
