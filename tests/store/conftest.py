"""A store of one video's data, made by code."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clamr_select.store import Entry, Key, Store

TENSOR_NAMES = ("vectors", "first_candidates")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def make_entry() -> Callable[..., tuple[Key, Entry]]:
    """Key and content of entry ``number``: the same number gives the same content."""

    def make(number: int, *, num_tokens: int = 8, kind: str = "embeddings") -> tuple[Key, Entry]:
        generator = torch.Generator().manual_seed(number)
        vectors = torch.randn(num_tokens, 16, generator=generator).to(torch.bfloat16)
        words = [f"word {random.Random(number).randint(0, 999)}", 'a "sha256":"quoted" word', "ü – 話"]
        tensors = {"vectors": vectors, "first_candidates": torch.arange(num_tokens, dtype=torch.int32)}
        return Key(kind, {"video": "ab" * 32, "number": number}), Entry({"words": words, "number": number}, tensors)

    return make


@pytest.fixture
def same() -> Callable[[Entry | None, Entry], bool]:
    def compare(found: Entry | None, expected: Entry) -> bool:
        return (
            found is not None
            and dict(found.record) == dict(expected.record)
            and found.tensors.keys() == expected.tensors.keys()
            and all(
                found.tensors[name].dtype == tensor.dtype and torch.equal(found.tensors[name], tensor)
                for name, tensor in expected.tensors.items()
            )
        )

    return compare
