"""A set of documents with questions, for retrieval: near misses among them, or none planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.vocabulary import Split
from clamr_select.model.document import Document
from clamr_select.training.batch import TrainingQuery


@dataclass(frozen=True)
class BenchmarkQuestion:
    """A question to a document set: who answers it, and what kind of question it is."""

    query: TrainingQuery
    """Text, positives and ignored, as positions in ``DocumentSet.documents``."""
    target: str
    """``video``, ``ocr``, ``asr``, ``description``, ``video+asr``, ``video+ocr``, ``ocr+asr``, or ``ordering``:
    questions that compare moments, to be reported apart."""
    paraphrased: bool
    """It uses a synonym where no document that answers has the word itself."""
    held_out: bool
    """Its picture has a combination (colour and kind, texture and kind) that training never shows."""


@dataclass(frozen=True)
class DocumentSet:
    """Documents, questions, and what a perfect reader of the same evidence would score."""

    documents: Sequence[Document]
    """Drawn when they are asked for, in any order, the same each time; one drawn document is kept at a time."""
    questions: tuple[BenchmarkQuestion, ...]
    oracle_scores: np.ndarray
    """(num_questions, num_documents) float32, 0..1: how well each document answers by what can still be read after
    the noise (pictures as they truly are). Rank by it, with the same metrics as any model, for the ceiling;
    ties are real: break them by expectation, not by position."""


def documents(
    *, seed: int, split: Split, noise: Noise, num_documents: int = 1000, planted: bool = True, max_frames: int = 8
) -> DocumentSet:
    """Documents of 1 to ``max_frames`` candidates with about one question each; the same arguments give the same.

    Args:
        noise: ``clean`` and ``realistic`` share scenes, lines and questions; only the evidence is worse.
        planted: near misses are planted around every question (same words in the wrong modality, half of them,
            the scene with one attribute changed). False gives independent documents.

    Raises:
        InputError: fewer than 2 documents, or ``max_frames`` below 1.
        UnknownNameError: no such split or noise level.
    """
    raise NotImplementedError
