"""Documents through one checkpoint, once; then scored in as many ways as are asked for, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import torch

from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.processing_clamr import Truncation
from clamr_select.scoring.maxsim import segment_maxsim
from clamr_select.scoring.segments import document_segments
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings
from clamr_select.training.encoding import EncodedDocuments
from clamr_select.training.objective import Rows
from clamr_select.training.scores import QueryTokens, RowScores, Score, score_best_moments, score_rows
from clamr_select.training.views import View

QUERIES_AT_ONCE = 64
Made = TypeVar("Made")


class TokenEncoder(Protocol):
    """What :class:`PoolBuilder` needs of an encoder; ``ClamrEncoder`` is one."""

    @property
    def modalities(self) -> tuple[str, ...]: ...

    @property
    def embedding_dim(self) -> int: ...

    def encode_document(self, documents: Sequence[Document], /) -> tuple[list[TokenEmbeddings], list[Truncation]]: ...


class PoolBuilder:
    """Encodes documents as they come and keeps their tokens, not their pictures.

    Args:
        view: what of each document is encoded.
    """

    def __init__(self, encoder: TokenEncoder, *, view: View) -> None:
        self.encoder = encoder
        self.view = view
        self.num_tokens_cut = 0
        """Text that did not fit the model."""
        self._parts: list[TokenEmbeddings] = []
        self._owners: list[int] = []
        self._frame_counts: list[int] = []

    def add(self, documents: Sequence[Document]) -> None:
        """Encode some more."""
        parts, owners = [], []
        for document in documents:
            for part in self.view.parts(document):
                parts.append(part)
                owners.append(len(self._frame_counts))
            self._frame_counts.append(document.num_candidates)
        if parts:
            embedded, truncations = self.encoder.encode_document(parts)
            self._parts += embedded
            self._owners += owners
            self.num_tokens_cut += sum(t.num_tokens_cut for t in truncations)

    def pool(self) -> EncodedDocuments:
        """All documents so far; candidates are numbered through them."""
        starts = np.cumsum([0, *self._frame_counts])
        empty = torch.zeros(0, dtype=torch.int64)

        def joined(name: str) -> torch.Tensor:
            return torch.cat([getattr(part, name) for part in self._parts]) if self._parts else empty

        def shifted(name: str) -> torch.Tensor:
            shifts = self._repeated([int(starts[owner]) for owner in self._owners])
            numbers = joined(name)
            return torch.where(numbers == NO_CANDIDATE, numbers, numbers + shifts)

        tokens = TokenEmbeddings(
            vectors=joined("vectors") if self._parts else torch.zeros(0, self.encoder.embedding_dim),
            modality_ids=joined("modality_ids"),
            first_candidates=shifted("first_candidates"),
            last_candidates=shifted("last_candidates"),
            num_candidates=int(starts[-1]),
            modalities=self.encoder.modalities,
        )
        return EncodedDocuments(tokens, self._repeated(self._owners), torch.tensor(self._frame_counts))

    def _repeated(self, values: Sequence[int]) -> torch.Tensor:
        lengths = torch.tensor([len(part) for part in self._parts], dtype=torch.int64)
        return torch.tensor(values, dtype=torch.int64).repeat_interleave(lengths)


def encode_pool(encoder: ClamrEncoder, documents: Iterable[Document], *, view: View) -> EncodedDocuments:
    """All documents in one view."""
    builder = PoolBuilder(encoder, view=view)
    for some in chunks(documents):
        builder.add(some)
    return builder.pool()


def chunks(documents: Iterable[Made], *, size: int = 16) -> Iterator[list[Made]]:
    """A few documents at a time."""
    some: list[Made] = []
    for document in documents:
        some.append(document)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def score_pool(
    queries: Sequence[torch.Tensor], *, pool: EncodedDocuments, rows: Rows, scores: Sequence[Score]
) -> dict[Score, np.ndarray]:
    """(num_queries, num_rows) float32 for each score, ``-inf`` where a row has no token.

    Args:
        queries: (num_query_tokens, dim) each.
        rows: ``documents``, or ``frames``: every candidate of every document.
    """
    blocks: dict[Score, list[np.ndarray]] = {name: [] for name in scores}
    for table in score_blocks(queries, pool=pool, rows=rows):
        for name, parts in blocks.items():
            parts.append(table.of(name).cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in blocks.items()}


@torch.inference_mode()
def score_blocks(queries: Sequence[torch.Tensor], *, pool: EncodedDocuments, rows: Rows) -> Iterator[RowScores]:
    """All scores, some queries at a time, on the device of the pool's vectors. Arguments as :func:`score_pool`."""
    segments = pool.document_rows() if rows == "documents" else pool.frame_rows()
    for asked in _some_at_once(queries, device=pool.tokens.vectors.device):
        yield score_rows(asked, tokens=pool.tokens, segments=segments)


@torch.inference_mode()
def score_moments(queries: Sequence[torch.Tensor], *, pool: EncodedDocuments) -> np.ndarray:
    """(num_queries, num_documents) float32, every document by its best frame: see
    :func:`clamr_select.training.scores.score_best_moments`. Arguments as :func:`score_pool`."""
    frames, documents = pool.frame_rows(), pool.document_rows()
    tables = [
        score_best_moments(
            asked, tokens=pool.tokens, frames=frames, documents=documents, frame_counts=pool.frame_counts
        )
        for asked in _some_at_once(queries, device=pool.tokens.vectors.device)
    ]
    return torch.cat(tables).cpu().numpy()


def _some_at_once(queries: Sequence[torch.Tensor], *, device: torch.device) -> Iterator[QueryTokens]:
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        some = queries[start : start + QUERIES_AT_ONCE]
        owners = torch.arange(len(some)).repeat_interleave(torch.tensor([len(query) for query in some]))
        yield QueryTokens(torch.cat(list(some)).to(device), owners.to(device), len(some))


@torch.inference_mode()
def winning_modalities(query: torch.Tensor, *, pool: EncodedDocuments, document: int, by_token: bool) -> list[str]:
    """Where a question found its answer in one document; [] where the document has no token.

    Args:
        by_token: one entry a query token, the modality of its best match; else one entry, the modality with the
            highest MaxSim.
    """
    first, last = (int(torch.searchsorted(pool.document_of_token, document, right=side)) for side in (False, True))
    if first == last:
        return []
    tokens = pool.tokens
    part = TokenEmbeddings(
        vectors=tokens.vectors[first:last],
        modality_ids=tokens.modality_ids[first:last],
        first_candidates=tokens.first_candidates[first:last],
        last_candidates=tokens.last_candidates[first:last],
        num_candidates=tokens.num_candidates,
        modalities=tokens.modalities,
    )
    maxima = segment_maxsim(query, vectors=part.vectors, segments=document_segments(part))[0]
    best = maxima.argmax(dim=0) if by_token else maxima.mean(dim=1).argmax(dim=0, keepdim=True)
    return [tokens.modalities[int(modality)] for modality in best]
