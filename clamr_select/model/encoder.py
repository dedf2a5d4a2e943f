"""Questions and documents to token vectors: the model and its processor as one thing."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model.audio_features import SECONDS_PER_TOKEN
from clamr_select.model.batching import DocumentBatch, like_lengths, one_ahead
from clamr_select.model.checkpoint.report import LoadReport
from clamr_select.model.document import SAMPLE_RATE, Document
from clamr_select.model.embedding import embed, label_tokens
from clamr_select.model.modeling_clamr import ClamrForRetrieval
from clamr_select.model.processing_clamr import ClamrProcessor, Truncation
from clamr_select.model.reference_labels import Compat, check_compat
from clamr_select.scoring.maxsim import Similarity, aggregate, segment_maxsim
from clamr_select.scoring.reference import reference_similarity
from clamr_select.scoring.segments import document_segments
from clamr_select.scoring.tokens import TokenEmbeddings


class ClamrEncoder:
    """A CLaMR model with its processor.

    Args:
        model: in evaluation mode it gives the same vectors whatever the batch.
        processor: its modalities must be the model's, in the same order.
        name: what it was loaded from, for reports.
        compat: ``reference`` labels and scores as the released CLaMR code (docs/compatibility.md); ``corrected``
            by construction and masked; None as the processor says.

    Raises:
        CheckpointError: model and processor disagree.
        UnknownNameError: ``compat`` is neither.
    """

    def __init__(
        self,
        model: ClamrForRetrieval,
        *,
        processor: ClamrProcessor,
        name: str = "unnamed",
        compat: Compat | None = None,
    ) -> None:
        if list(model.config.modalities) != list(processor.modalities):
            raise CheckpointError(
                f"{name}: the model's modalities are {list(model.config.modalities)}, "
                f"its processor's {list(processor.modalities)}; they must be the same, in the same order"
            )
        vocabulary = model.config.get_text_config().vocab_size
        if len(processor.tokenizer) > vocabulary:
            raise CheckpointError(
                f"{name}: the tokenizer has {len(processor.tokenizer)} tokens, the model {vocabulary}"
            )
        if compat is not None:
            check_compat(compat)
            processor = copy.copy(processor)  # another encoder may share it
            processor.compat = compat
        self.model = model
        self.processor = processor
        self.name = name

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str,
        *,
        device: str = "auto",
        dtype: str | torch.dtype = "auto",
        revision: str | None = None,
        compat: Compat | None = None,
        **options: Any,
    ) -> ClamrEncoder:
        """Load ``clamr-nano``, a directory, or a hub id; see :func:`clamr_select.model.loading.load`."""
        from clamr_select.model.loading import load

        model, processor = load(name_or_path, device=device, dtype=dtype, revision=revision, **options)
        return cls(model, processor=processor, name=str(name_or_path), compat=compat)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.model.config.modalities)

    @property
    def embedding_dim(self) -> int:
        """Of its vectors."""
        return int(self.model.config.embedding_dim)

    @property
    def compat(self) -> Compat:
        return self.processor.compat

    @property
    def load_report(self) -> LoadReport | None:
        """What the weights were read from, and what had to be assumed; None for a model that was not loaded."""
        return self.model.load_report

    @property
    def device(self) -> torch.device:
        return self.model.device

    @torch.inference_mode()
    def encode_query(self, questions: Sequence[str]) -> tuple[list[torch.Tensor], list[Truncation]]:
        """Token vectors of each question, (num_tokens, dim) float32 on the CPU, and what did not fit.

        Raises:
            InputError: there is no question, or one is empty or no text that can be written.
        """
        if isinstance(questions, str):
            raise InputError("encode_query takes a list of questions, got one string; put it in a list")
        batch, truncations = self.processor.process_queries(questions)
        embeddings = embed(self.model, batch)
        return [
            row[mask.bool()].float().cpu() for row, mask in zip(embeddings, batch["attention_mask"], strict=True)
        ], truncations

    @torch.inference_mode()
    def encode_document(
        self, documents: Sequence[Document], *, batch_tokens: int = 8192
    ) -> tuple[list[TokenEmbeddings], list[Truncation]]:
        """Labelled token vectors of each document, on the CPU in the model's dtype, and what did not fit.

        Documents of like length are encoded together, since the shorter ones are padded; on a GPU, the next batch is
        prepared while one is encoded.

        Args:
            batch_tokens: padded tokens encoded at once; the scores do not depend on it.
        """
        embedded: dict[int, TokenEmbeddings] = {}
        truncations: list[Truncation] = []
        batches = self.batches(documents, batch_tokens=batch_tokens)
        for batch in batches if self.device.type == "cpu" else one_ahead(batches):
            truncations += batch.truncations
            embeddings = embed(self.model, batch.inputs).cpu()
            for row, position in enumerate(batch.positions):
                embedded[position] = label_tokens(
                    embeddings[row],
                    inputs=batch.inputs,
                    row=row,
                    num_candidates=documents[position].num_candidates,
                    modalities=self.modalities,
                    with_unlabelled=self.compat == "reference",
                )
        truncations.sort(key=lambda truncation: truncation.item)
        return [embedded[position] for position in range(len(documents))], truncations

    def batches(self, documents: Sequence[Document], *, batch_tokens: int = 8192) -> Iterator[DocumentBatch]:
        """Model inputs of documents of like length, made one batch after the other."""
        lengths = [self._estimate_tokens(document) for document in documents]
        for positions in like_lengths(lengths, batch_tokens=batch_tokens):
            inputs, cut = self.processor.process_documents([documents[position] for position in positions])
            truncations = [Truncation(positions[t.item], t.modality, t.num_tokens_cut) for t in cut]
            yield DocumentBatch(positions=positions, inputs=inputs, truncations=truncations)

    def similarity(
        self,
        queries: Sequence[torch.Tensor],
        documents: Sequence[TokenEmbeddings],
        *,
        similarity: Similarity = "token_max",
    ) -> torch.Tensor:
        """(num_queries, num_documents) float32 late-interaction scores.

        The mean over query tokens; with ``compat="reference"`` their sum, as published evaluation has it.
        """
        if self.compat == "reference":
            return reference_similarity(queries, documents, similarity=similarity)
        columns = []
        for document in documents:
            segments = document_segments(document)
            maxima = [segment_maxsim(query, vectors=document.vectors, segments=segments) for query in queries]
            columns.append(torch.stack([aggregate(m, similarity=similarity)[0] for m in maxima]))
        return torch.stack(columns, dim=1)

    def _estimate_tokens(self, document: Document) -> int:
        count = sum(len(segment.text) // 3 + 2 for segment in document.texts)
        if document.audio is not None:
            heard_seconds = min(len(document.audio.samples) / SAMPLE_RATE, self.processor.max_audio_seconds)
            count += math.ceil(heard_seconds / SECONDS_PER_TOKEN)
        if not len(document.frames):
            return count
        height, width = self.processor.frame_size(*document.frames[0].shape[:2])
        merged = (self.processor.patch_size * self.processor.merge_size) ** 2
        return count + len(document.frames) * height * width // merged
