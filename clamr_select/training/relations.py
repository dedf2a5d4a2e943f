"""How the documents and frames of a batch stand to its queries, as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from clamr_select.training.batch import TrainingBatch
from clamr_select.training.losses.relation import IGNORED, NEGATIVE, POSITIVE


def relations(batch: TrainingBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """How each frame and each document stands to each query.

    Returns:
        (num_queries, num_frames) and (num_queries, num_documents) of NEGATIVE, POSITIVE, IGNORED. Queries
        without a positive frame ignore all frames. A document with the key of one that is positive or ignored,
        or with one of the query's ``answer_keys``, is ignored, with its frames.
    """
    counts = [document.num_candidates for document in batch.documents]
    documents = _document_relations(batch)
    starts = np.cumsum([0, *counts])
    frames = np.repeat(np.where(documents == IGNORED, IGNORED, NEGATIVE), counts, axis=1)
    for row, query in enumerate(batch.queries):
        explicit = {*query.ignored_documents}
        for document in explicit:  # its frames are as the query says, one by one
            frames[row, starts[document] : starts[document + 1]] = NEGATIVE
        for address in query.ignored_frames:
            frames[row, starts[address[0]] + address[1]] = IGNORED
        for address in query.positive_frames:
            frames[row, starts[address[0]] + address[1]] = POSITIVE
        if not query.positive_frames:
            frames[row] = IGNORED
    return torch.from_numpy(frames), torch.from_numpy(documents)


def _document_relations(batch: TrainingBatch) -> np.ndarray:
    documents = np.zeros((len(batch.queries), len(batch.documents)), dtype=np.int64)
    keys = np.array(batch.document_keys)
    for row, query in enumerate(batch.queries):
        listed = [*query.ignored_documents, *query.positive_documents]
        if len(keys):
            documents[row, np.isin(keys, np.array([*keys[listed], *query.answer_keys], dtype=np.str_))] = IGNORED
        documents[row, list(query.ignored_documents)] = IGNORED
        documents[row, list(query.positive_documents)] = POSITIVE
    return documents


def hash_keys(keys: Sequence[str]) -> torch.Tensor:
    """(len(keys),) int64, the same in every process."""
    digests = [hashlib.blake2b(key.encode(), digest_size=8).digest() for key in keys]
    return torch.tensor([int.from_bytes(digest, "little", signed=True) for digest in digests], dtype=torch.int64)


def question_keys(batch: TrainingBatch) -> torch.Tensor:
    """(num_queries,) int64: equal where the words, whatever their case and spaces, and all that answers are equal."""
    names = []
    for query in batch.queries:
        answers = query.answer_keys or [batch.document_keys[position] for position in query.positive_documents]
        names.append("\0".join([" ".join(query.text.lower().split()), *sorted(answers)]))
    return hash_keys(names)


def answered(answer_keys: Sequence[torch.Tensor], *, keys: torch.Tensor) -> torch.Tensor:
    """Which documents answer which query.

    Args:
        answer_keys: of each query, of :func:`hash_keys`.
        keys: of the documents, likewise.

    Returns:
        (num_queries, num_documents) bool.
    """
    if not answer_keys:
        return torch.zeros((0, len(keys)), dtype=torch.bool)
    return torch.stack([torch.isin(keys, answers) for answers in answer_keys])


def relations_elsewhere(
    document_relations: torch.Tensor,
    *,
    own_keys: torch.Tensor,
    other_keys: torch.Tensor,
    answer_keys: Sequence[torch.Tensor],
) -> torch.Tensor:
    """How documents of another process or batch stand to the queries of this one.

    Args:
        document_relations: (num_queries, num_documents) of this batch.
        own_keys, other_keys: of :func:`hash_keys`, for this batch's documents and the others.
        answer_keys: of each query, likewise: what answers it, here or elsewhere.

    Returns:
        (num_queries, len(other_keys)): NEGATIVE, or IGNORED where a positive or ignored document has that key, or
        the query is answered by it.
    """
    spoken_for = (document_relations != NEGATIVE).float()
    same = (own_keys[:, None] == other_keys[None, :]).float()
    ignored = (spoken_for @ same > 0) | answered(answer_keys, keys=other_keys)
    return torch.where(ignored, IGNORED, NEGATIVE)
