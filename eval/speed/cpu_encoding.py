"""Encoding frame documents: ours, and the same weights run plainly, in turns.

``padded``: as the released code does it, every document padded to 2,048 tokens and masked. ``sorted``: documents by
length, each batch padded to its longest and masked. Both run upstream's vision attention, window by window.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLVisionAttention

from clamr_select.eval.speed.documents import video_documents
from clamr_select.eval.speed.encoding_sections import NANO_SIDE_PIXELS
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.shapes import SIDE_PIXELS, Shape, shaped_encoder
from clamr_select.eval.speed.timing import interleaved
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.modeling_clamr import ClamrForRetrieval
from clamr_select.scoring.reference import PADDED_TOKENS

BATCH_DOCUMENTS = 8
MODEL_INPUTS = ("input_ids", "attention_mask", "position_ids", "pixel_values_videos", "video_grid_thw")


def encoding_ways(settings: Settings) -> Iterator[Record]:
    """Of the shape; nano is the embedded model."""
    shape: Any = None if settings.shape == "nano" else settings.shape
    yield from compare_encoding(
        shape,
        num_documents=settings.num_documents,
        num_padded=settings.num_padded_documents,
        num_rounds=settings.num_runs,
    )


def compare_encoding(shape: Shape | None, *, num_documents: int, num_padded: int, num_rounds: int) -> list[Record]:
    """One record a way of encoding documents of one frame; CPU time, medians; ratios are of time a document.

    Args:
        shape: with random weights; None is the embedded model with its own.
        num_padded: documents that are encoded padded, the first of all; what a padded document takes depends on none
            of the others.
    """
    encoder = (
        ClamrEncoder.from_pretrained("clamr-nano", device="cpu")
        if shape is None
        else shaped_encoder(shape, device="cpu")
    )
    side = NANO_SIDE_PIXELS if shape is None else SIDE_PIXELS
    documents = video_documents(num_documents, window_candidates=1, side_pixels=side)
    plain = as_upstream(encoder.model)
    vectors: dict[str, list[torch.Tensor]] = {}
    ways: dict[str, Callable[[], list[torch.Tensor]]] = {
        "ours": lambda: [tokens.vectors for tokens in encoder.encode_document(documents)[0]],
        "sorted": lambda: sorted_vectors(encoder, plain, documents),
        "padded": lambda: padded_vectors(encoder, plain, documents[:num_padded]),
    }
    calls = {name: _keeping(vectors, name, way) for name, way in ways.items()}
    timings = interleaved(
        calls, device=torch.device("cpu"), num_runs=num_rounds, num_warm_up=1, clock=time.process_time
    )
    per_document = {name: timing.median / len(vectors[name]) for name, timing in timings.items()}
    return [
        {
            "what": f"{shape or 'clamr-nano'}, {name}",
            "documents": len(vectors[name]),
            "CPU ms": asdict(timing),
            "documents per CPU second": 1000 / per_document[name],
            "ours is faster by": per_document[name] / per_document["ours"],
            "difference to ours": _difference(vectors[name], vectors["ours"]),
        }
        for name, timing in timings.items()
    ]


def as_upstream(model: ClamrForRetrieval) -> Any:
    """A copy with upstream's vision attention."""
    plain: Any = copy.deepcopy(model)
    for block in plain.vlm.visual.blocks:
        block.attn.__class__ = Qwen2_5_VLVisionAttention
    return plain


@torch.inference_mode()
def padded_vectors(encoder: ClamrEncoder, plain: Any, documents: Sequence[Document]) -> list[torch.Tensor]:
    """Every batch padded to 2,048 tokens; labelled tokens only."""
    vectors: list[torch.Tensor] = []
    for start in range(0, len(documents), BATCH_DOCUMENTS):
        inputs, _ = encoder.processor.process_documents(documents[start : start + BATCH_DOCUMENTS])
        vectors += _labelled(plain, _lengthened(inputs, PADDED_TOKENS), inputs["modality_ids"])
    return vectors


@torch.inference_mode()
def sorted_vectors(encoder: ClamrEncoder, plain: Any, documents: Sequence[Document]) -> list[torch.Tensor]:
    """Batches of like length, each padded to its longest; labelled tokens only, in the order of the documents."""
    vectors: dict[int, torch.Tensor] = {}
    for batch in encoder.batches(documents):
        rows = _labelled(plain, batch.inputs, batch.inputs["modality_ids"])
        vectors.update(zip(batch.positions, rows, strict=True))
    return [vectors[position] for position in range(len(documents))]


def _labelled(plain: Any, inputs: Any, modality_ids: torch.Tensor) -> list[torch.Tensor]:
    embeddings = plain(**{name: inputs[name] for name in MODEL_INPUTS if name in inputs}).embeddings
    return [row[: len(ids)][ids > 0] for row, ids in zip(embeddings, modality_ids, strict=True)]


def _lengthened(inputs: Any, length: int) -> dict[str, torch.Tensor]:
    missing = length - inputs["input_ids"].shape[1]
    fill = {"input_ids": 0, "attention_mask": 0, "position_ids": 1}
    padded = {name: nn.functional.pad(inputs[name], (0, missing), value=value) for name, value in fill.items()}
    return {**inputs, **padded}


def _keeping(vectors: dict[str, Any], name: str, way: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        vectors[name] = way()

    return run


def _difference(mine: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> float:
    """Of the documents that both have, the first ones."""
    return max(float((a - b).abs().max()) for a, b in zip(mine, theirs, strict=False))
