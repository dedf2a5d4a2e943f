"""Encoding a video's documents on a GPU: documents a second, and operations a second against a plain product."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from clamr_select.eval.speed.documents import video_documents
from clamr_select.eval.speed.flops import document_flops
from clamr_select.eval.speed.hardware import data_sheet_flops_per_second, matmul_flops_per_second
from clamr_select.eval.speed.scoring_sections import short_name
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.shapes import SIDE_PIXELS, shaped_encoder
from clamr_select.eval.speed.timing import Timing, interleaved, summarize
from clamr_select.model.document import Document
from clamr_select.model.embedding import embed
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.loading import load

NANO_SIDE_PIXELS = 168
"""What its budget makes of a square frame."""
WORKLOADS = ((4, 8192), (4, 32768), (1, 32768))
"""Candidates a window, and padded tokens a batch."""


def encoding(settings: Settings) -> Iterator[Record]:
    """The shape with random weights, bfloat16 on a GPU."""
    device = torch.device(settings.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    transformers_logging.disable_progress_bar()
    started = time.perf_counter()
    encoder = shaped_encoder(settings.shape, device=device, dtype=dtype)  # type: ignore[arg-type]  # checked there
    yield {
        "what": f"made {settings.shape}, {short_name(dtype)}, {encoder.model.vlm.config._attn_implementation}: "
        f"{sum(p.numel() for p in encoder.model.parameters()) / 1e6:,.0f} M parameters "
        f"in {time.perf_counter() - started:.1f} s"
    }
    product = matmul_flops_per_second(device=device, dtype=dtype, side=settings.matmul_side)
    for window, batch_tokens in WORKLOADS:
        documents = video_documents(settings.num_frames, window_candidates=window, side_pixels=SIDE_PIXELS)
        yield {
            "what": f"windows of {window}, batches of {batch_tokens:,} tokens",
            "documents": len(documents),
            **_measure(settings, encoder, documents, batch_tokens=batch_tokens, product=product),
        }


def _measure(
    settings: Settings, encoder: ClamrEncoder, documents: Sequence[Document], *, batch_tokens: int, product: float
) -> Record:
    started = time.perf_counter()
    batches = [batch.inputs for batch in encoder.batches(documents, batch_tokens=batch_tokens)]
    preparing = time.perf_counter() - started
    timings, peak_gigabytes = _model_alone(settings, encoder, batches)
    seconds = timings["whole model"].median / 1000
    started = time.perf_counter()
    encoder.encode_document(documents, batch_tokens=batch_tokens)
    whole = time.perf_counter() - started
    flops = sum(document_flops(encoder.model, inputs) for inputs in batches)
    num_tokens = sum(int(inputs["attention_mask"].sum()) for inputs in batches)
    sheet = data_sheet_flops_per_second(torch.device(settings.device))
    return {
        "tokens": num_tokens,
        "padding": sum(inputs["input_ids"].numel() for inputs in batches) / num_tokens - 1,
        "TFLOP": flops / 1e12,
        **{f"{part} ms": asdict(timing) for part, timing in timings.items()},
        "documents/s": len(documents) / seconds,
        "frames/s": settings.num_frames / seconds,
        "TFLOP/s": flops / seconds / 1e12,
        "of a product": flops / seconds / product,
        "MFU by data sheet": None if sheet is None else flops / seconds / sheet,
        "preparing alone s": preparing,
        "from frames to vectors s": whole,
        "frames/s, whole": settings.num_frames / whole,
        "peak GB": peak_gigabytes,
    }


def _model_alone(
    settings: Settings, encoder: ClamrEncoder, batches: Sequence[Any]
) -> tuple[dict[str, Timing], float | None]:
    """Of the model over inputs that are on the device already; and the most memory it took, in 1e9 bytes."""
    device = torch.device(settings.device)
    moved = [inputs.to(device) for inputs in batches]
    visual: Any = encoder.model.vlm.visual
    seen = [(inputs["pixel_values_videos"].to(visual.dtype), inputs["video_grid_thw"]) for inputs in moved]
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with torch.inference_mode():
        calls: dict[str, Callable[[], object]] = {
            "whole model": lambda: [embed(encoder.model, inputs) for inputs in moved],
            "vision tower": lambda: [visual(pixels, grid_thw=grid) for pixels, grid in seen],
        }
        timings = interleaved(calls, device=device, num_runs=settings.num_runs)
    return timings, torch.cuda.max_memory_allocated() / 1e9 if device.type == "cuda" else None


def nano(settings: Settings) -> Iterator[Record]:
    """The embedded model: how far its vectors are from those of the CPU, and its speed."""
    transformers_logging.disable_progress_bar()
    documents = video_documents(settings.num_frames, window_candidates=4, side_pixels=NANO_SIDE_PIXELS)
    few = documents[:8]
    exact: list[torch.Tensor] = []
    for place in dict.fromkeys(("cpu", settings.device)):
        model, processor = load("clamr-nano", device="cpu", dtype="float32", device_map=None)
        moved: Any = model  # `to` is annotated as a decorated method upstream
        encoder = ClamrEncoder(moved.to(place), processor=processor)
        vectors = [tokens.vectors for tokens in encoder.encode_document(few)[0]]
        exact = exact or vectors
        timing = summarize([_encode_milliseconds(encoder, documents) for _ in range(settings.num_runs)])
        yield {
            "what": f"nano, float32, {place}",
            "documents": len(documents),
            "ms": asdict(timing),
            "frames/s": settings.num_frames / (timing.median / 1000),
            "difference to the CPU": max(
                float((mine - theirs).abs().max()) for mine, theirs in zip(vectors, exact, strict=True)
            ),
        }


def _encode_milliseconds(encoder: ClamrEncoder, documents: Sequence[Document]) -> float:
    started = time.perf_counter()
    encoder.encode_document(documents)  # its vectors are on the CPU when it returns
    return 1000 * (time.perf_counter() - started)
