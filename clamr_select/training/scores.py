"""Scores of every query against every frame and every document of a batch, with gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from clamr_select.model import ClamrForRetrieval
from clamr_select.model.embedding import embed, label_tokens
from clamr_select.scoring.segments import Segments, candidate_segments, group_tokens
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.losses import IGNORED, POSITIVE, query_means


@dataclass(frozen=True)
class BatchScores:
    """(num_queries, num_rows) each, mean over query tokens; rows are the batch's frames or documents."""

    frames_token_max: torch.Tensor
    frames_modality_max: torch.Tensor
    documents_token_max: torch.Tensor
    documents_modality_max: torch.Tensor


@dataclass(frozen=True)
class DocumentGroup:
    """Documents of like length, so that little is computed on padding."""

    inputs: Any
    """What the processor made of them."""
    positions: list[int]
    """Their places in the batch."""


def batch_scores(
    model: ClamrForRetrieval, *, groups: list[DocumentGroup], queries: Any, frame_counts: list[int]
) -> BatchScores:
    """Late-interaction scores within a batch.

    Args:
        groups: all documents of the batch, those of like length together.
        queries: what the processor made of the questions.
        frame_counts: candidates of each document.
    """
    tokens, document_of_token = _flatten(model, groups, frame_counts)
    query_embeddings = embed(model, queries)
    mask = queries["attention_mask"].bool()
    flat_queries = query_embeddings[mask]  # [all query tokens, dim]
    query_of_token = mask.nonzero()[:, 0]
    similarities = tokens.vectors @ flat_queries.T  # [document tokens, query tokens]

    def reduce(segments: Segments) -> tuple[torch.Tensor, torch.Tensor]:
        maxima = torch.segment_reduce(
            similarities[segments.token_indices], "max", offsets=segments.offsets, axis=0, initial=-torch.inf
        ).view(segments.num_rows, segments.num_modalities, -1)
        means = [query_means(m, query_of_token=query_of_token, num_queries=len(mask)) for m in (maxima.amax(1), maxima)]
        return means[0].T, means[1].amax(dim=1).T

    frames = reduce(candidate_segments(tokens))
    whole = reduce(
        group_tokens(
            torch.arange(len(tokens)),
            rows=document_of_token,
            modality_ids=tokens.modality_ids,
            num_rows=len(frame_counts),
            num_modalities=len(tokens.modalities),
        )
    )
    return BatchScores(*frames, *whole)


def _flatten(
    model: ClamrForRetrieval, groups: list[DocumentGroup], frame_counts: list[int]
) -> tuple[TokenEmbeddings, torch.Tensor]:
    """All documents' tokens, in the batch's order whatever the groups, and the document of each token."""
    parts: dict[int, TokenEmbeddings] = {}
    for group in groups:
        embeddings = embed(model, group.inputs)
        for row, document in enumerate(group.positions):
            parts[document] = label_tokens(
                embeddings[row],
                inputs=group.inputs,
                row=row,
                num_candidates=frame_counts[document],
                modalities=tuple(model.config.modalities),
            )
    ordered = [parts[document] for document in range(len(frame_counts))]
    owners = torch.repeat_interleave(torch.arange(len(ordered)), torch.tensor([len(part) for part in ordered]))
    return concatenate(ordered), owners


def relations(batch: TrainingBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """How each frame and each document stands to each query.

    Returns:
        (num_queries, num_frames) and (num_queries, num_documents) of NEGATIVE, POSITIVE, IGNORED. Queries
        without a positive frame ignore all frames.
    """
    counts = [len(document.frames) for document in batch.documents]
    starts = np.cumsum([0, *counts])
    frames = np.zeros((len(batch.queries), starts[-1]), dtype=np.int64)
    documents = np.zeros((len(batch.queries), len(counts)), dtype=np.int64)
    for row, query in enumerate(batch.queries):
        for address in query.ignored_frames:
            frames[row, starts[address[0]] + address[1]] = IGNORED
        for address in query.positive_frames:
            frames[row, starts[address[0]] + address[1]] = POSITIVE
        if not query.positive_frames:
            frames[row] = IGNORED
        documents[row, list(query.ignored_documents)] = IGNORED
        documents[row, list(query.positive_documents)] = POSITIVE
    return torch.from_numpy(frames), torch.from_numpy(documents)
