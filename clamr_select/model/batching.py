"""Which documents are encoded together, and preparing them ahead of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from transformers import BatchFeature

from clamr_select.model.processing_clamr import Truncation

T = TypeVar("T")


@dataclass(frozen=True)
class DocumentBatch:
    """Documents that go through the model together."""

    positions: list[int]
    """Of the documents, in the order of the rows."""
    inputs: BatchFeature
    """As :meth:`~clamr_select.model.processing_clamr.ClamrProcessor.process_documents` makes them."""
    truncations: list[Truncation]
    """What did not fit, by position."""


def like_lengths(lengths: Sequence[int], *, batch_tokens: int) -> Iterator[list[int]]:
    """Positions of items of like length, as many as their padded tokens allow; a longer item stands alone."""
    ordered = sorted(range(len(lengths)), key=lambda position: lengths[position])
    batch: list[int] = []
    for position in ordered:
        if batch and lengths[position] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in a thread while the one before is in use."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item
