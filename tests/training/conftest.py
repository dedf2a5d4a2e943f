"""A tiny model of the real classes, and batches of noise frames with a few words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from clamr_select.model import ClamrForRetrieval, ClamrProcessor
from clamr_select.model.document import Document, TextSegment
from clamr_select.training.batch import TrainingBatch, TrainingQuery
from clamr_select.training.nano import EMBEDDING_STD, nano_config, nano_processor
from clamr_select.training.tokenizer import train_tokenizer

from .rows import WORDS


@pytest.fixture(scope="session")
def processor() -> ClamrProcessor:
    return nano_processor(train_tokenizer([" ".join(WORDS), "Query: OCR: ASR: Description:"] * 4, vocab_size=300))


@pytest.fixture
def make_retriever(processor: ClamrProcessor) -> Callable[[], ClamrForRetrieval]:
    """A small retriever with the same weights at every call."""

    def make() -> ClamrForRetrieval:
        torch.manual_seed(0)
        model = ClamrForRetrieval(nano_config(processor.tokenizer, hidden_size=32, num_text_layers=1))
        # as nano starts: with the class's own, all scores are alike up to rounding
        torch.nn.init.normal_(model.get_input_embeddings().get_parameter("weight"), std=EMBEDDING_STD)
        return model

    return make


@pytest.fixture
def batch() -> TrainingBatch:
    """Three documents, and a question of each kind."""
    rng = np.random.default_rng(0)

    def document(num_frames: int, words: str) -> Document:
        frames = [rng.integers(0, 256, (63, 112, 3), dtype=np.uint8) for _ in range(num_frames)]
        return Document(frames, (TextSegment("asr", words, 0, num_frames - 1), TextSegment("ocr", "harbor", 0, 0)))

    documents = (document(3, "harbor lantern"), document(1, "glacier"), document(2, "lantern glacier harbor"))
    queries = (
        TrainingQuery("glacier?", "asr", (1,), ((1, 0),), ignored_documents=(2,), ignored_frames=((2, 0), (2, 1))),
        TrainingQuery("the harbor film", "description", (0,)),
        TrainingQuery("lantern and a square", "video+asr", (2,), ((2, 1),)),
    )
    return TrainingBatch(documents, queries)
