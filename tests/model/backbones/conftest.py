"""Tiny random models of the real classes (tests/golden), and documents of every make-up."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import MissingDependencyError
from clamr_select.model.checkpoint.report import CheckpointWarning
from clamr_select.model.document import SAMPLE_RATE, Document, DocumentAudio, TextSegment
from clamr_select.model.encoder import ClamrEncoder

GOLDEN = Path(__file__).parents[2] / "golden"


def load_golden(name: str, **options: object) -> ClamrEncoder:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        folder = GOLDEN / name
        return ClamrEncoder.from_pretrained(str(folder / "adapter"), base=folder / "base", device="cpu", **options)


@pytest.fixture(scope="session")
def omni() -> ClamrEncoder:
    try:
        return load_golden("omni_4_52")
    except MissingDependencyError as error:  # this transformers is too old for it, and the error says so
        pytest.skip(str(error))


def sound_of(seconds: float, *starts: float) -> DocumentAudio:
    samples = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE)).astype(np.float32) * 0.1
    return DocumentAudio(samples, starts)


def frames_of(num_frames: int, *, seed: int = 0, height: int = 56, width: int = 84) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(num_frames)]


@pytest.fixture
def heard_documents() -> list[Document]:
    """With and without frames, sound and words, of unlike lengths."""
    lamp = TextSegment("asr", "the lantern swings over the glacier", 0, 1)
    return [
        Document(frames_of(2), (lamp,), audio=sound_of(1.0, 0.0, 0.5)),
        Document(frames_of(3, height=84), (lamp,)),
        Document(frames_of(1, seed=2), audio=sound_of(0.37, 0.0)),
        Document((), (TextSegment("description", "a walrus"),), audio=sound_of(2.2)),
        Document((), (TextSegment("ocr", "cello"),)),
    ]
