"""A tiny model of the real classes with a tokenizer trained on the spot; random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clamr_select.model import ClamrConfig, ClamrForRetrieval, ClamrProcessor
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.nano import nano_config, nano_processor
from clamr_select.training.tokenizer import train_tokenizer

LINES = ["the harbor lantern swings", "a glacier moves slowly", "Query: OCR: ASR: Description:"] * 5


@pytest.fixture(scope="session")
def processor() -> ClamrProcessor:
    return nano_processor(train_tokenizer(LINES, vocab_size=400))


@pytest.fixture(scope="session")
def config(processor: ClamrProcessor) -> ClamrConfig:
    return nano_config(processor.tokenizer, hidden_size=64, num_text_layers=2)


@pytest.fixture(scope="session")
def encoder(processor: ClamrProcessor, config: ClamrConfig) -> ClamrEncoder:
    torch.manual_seed(0)
    return ClamrEncoder(ClamrForRetrieval(config).eval(), processor=processor, name="tiny")


def make_document(seed: int, *, num_frames: int, width: int = 112, height: int = 63) -> Document:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(num_frames)]
    texts = [TextSegment("description", "a film about the harbor")]
    if num_frames:
        texts.append(TextSegment("asr", "the lantern swings " * (seed + 1), 0, num_frames - 1))
        texts.append(TextSegment("ocr", "glacier", num_frames - 1, num_frames - 1))
    return Document(frames=frames, texts=tuple(texts))


@pytest.fixture
def documents() -> list[Document]:
    """Of unlike lengths and frame sizes, one without text and one without frames."""
    sizes = [(1, 112, 63), (4, 112, 63), (2, 96, 96), (3, 63, 112)]
    made = [make_document(seed, num_frames=n, width=w, height=h) for seed, (n, w, h) in enumerate(sizes)]
    return [*made, Document(frames=made[1].frames), make_document(5, num_frames=0)]
