"""What a dataset hands to the trainer: documents, and queries that say which of them, and which frames, answer."""

from __future__ import annotations

from dataclasses import dataclass

from clamr_select.errors import InputError
from clamr_select.model.document import Document

FrameAddress = tuple[int, int]
"""(document position in the batch, candidate position in the document)."""


@dataclass(frozen=True)
class TrainingQuery:
    """A question and its answers within one batch. Whatever is neither positive nor ignored is a negative."""

    text: str
    target: str
    """What the question is about: ``video``, ``ocr``, ``asr``, ``description``, or two joined by ``+``; empty
    where nobody has said."""
    positive_documents: tuple[int, ...]
    positive_frames: tuple[FrameAddress, ...] = ()
    """Empty for questions that only metadata answers, and where nobody labelled frames: they train document
    scores alone."""
    ignored_documents: tuple[int, ...] = ()
    """Documents that may answer as well; they are left out of the loss."""
    ignored_frames: tuple[FrameAddress, ...] = ()
    teacher_scores: tuple[tuple[int, float], ...] = ()
    """(document position, score) where a stronger model has judged the pair, for distillation."""
    answer_keys: tuple[str, ...] = ()
    """Keys of all documents that answer, in whatever batch. In training those that are not positive here are
    ignored, in evaluation they are positive. Needs ``document_keys``."""


@dataclass(frozen=True)
class TrainingBatch:
    documents: tuple[Document, ...]
    queries: tuple[TrainingQuery, ...]
    document_keys: tuple[str, ...] = ()
    """What each document is (a video id), the same in every batch. With keys, documents of other processes and
    batches are negatives too, except those that a query's ``answer_keys`` name, and those with the key of a
    positive or ignored document, here and there.
    Without (), only this batch's documents are negatives: elsewhere nobody has checked who answers what."""

    def __post_init__(self) -> None:
        if self.document_keys and len(self.document_keys) != len(self.documents):
            raise InputError(
                f"got {len(self.document_keys)} document keys for {len(self.documents)} documents; one each, or none"
            )
        if not self.document_keys and any(query.answer_keys for query in self.queries):
            raise InputError("queries have answer_keys and the documents have no keys; give document_keys")
