"""A few drawn documents with their questions, and the embedded model."""

from __future__ import annotations

import pytest

from clamr_select.eval.needle.documents import DocumentSet, documents
from clamr_select.model.encoder import ClamrEncoder


@pytest.fixture(scope="session")
def encoder() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="session")
def few() -> DocumentSet:
    return documents(seed=5, split="test", noise="clean", num_documents=10, max_frames=3)
