"""What a dataset hands to the trainer: documents, and queries that say which frames answer them."""

from __future__ import annotations

from dataclasses import dataclass

from clamr_select.model.document import Document

FrameAddress = tuple[int, int]
"""(document position in the batch, candidate position in the document)."""


@dataclass(frozen=True)
class TrainingQuery:
    """A question and its answers within one batch. Whatever is neither positive nor ignored is a negative."""

    text: str
    target: str
    """What the question is about, for reports: ``video``, ``ocr``, ``asr``, ``description``, or two joined
    by ``+``."""
    positive_documents: tuple[int, ...]
    positive_frames: tuple[FrameAddress, ...] = ()
    """Empty for questions that only metadata answers: they train document scores alone."""
    ignored_documents: tuple[int, ...] = ()
    """Documents that may answer as well; they are left out of the loss."""
    ignored_frames: tuple[FrameAddress, ...] = ()


@dataclass(frozen=True)
class TrainingBatch:
    documents: tuple[Document, ...]
    queries: tuple[TrainingQuery, ...]
