"""Scoring one video on a GPU: against float32 on the CPU, and against the copy bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

import torch

from clamr_select.eval.speed.hardware import copy_bytes_per_second, device_name, matmul_flops_per_second
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.timing import interleaved
from clamr_select.eval.speed.video_tokens import question_tokens, video_tokens
from clamr_select.scoring.maxsim import aggregate
from clamr_select.scoring.scorer import Engine, SegmentScorer
from clamr_select.scoring.segments import Segments, candidate_segments
from clamr_select.scoring.stored_vectors import Storage
from clamr_select.scoring.tokens import TokenEmbeddings

TOP = 64


def roofline(settings: Settings) -> Iterator[Record]:
    """What the machine can do."""
    device = torch.device(settings.device)
    yield {"what": device_name(device)}
    copied = copy_bytes_per_second(device=device, num_bytes=settings.copy_bytes)
    yield {"what": "copy, read and written", "GB/s": copied / 1e9}
    for dtype in (torch.bfloat16, torch.float32):
        flops = matmul_flops_per_second(device=device, dtype=dtype, side=settings.matmul_side)
        yield {"what": f"product of {settings.matmul_side}^3, {short_name(dtype)}", "TFLOP/s": flops / 1e12}


def plain_scoring(settings: Settings) -> Iterator[Record]:
    """By torch's own operations."""
    yield from _scoring(settings, "plain" if settings.device == "cuda" else "blocked")


def _scoring(settings: Settings, engine: Engine) -> Iterator[Record]:
    bandwidth = copy_bytes_per_second(device=torch.device(settings.device), num_bytes=settings.copy_bytes)
    for layout in ("full", "ragged"):
        tokens = video_tokens(num_frames=settings.num_frames, ragged=layout == "ragged")
        query = question_tokens(tokens)
        segments = candidate_segments(tokens)
        exact = _scores(SegmentScorer(tokens.vectors, segments=segments), query)
        for dtype in (torch.float32, torch.bfloat16):
            yield {
                "what": f"{layout}, {short_name(dtype)}, {engine}",
                "tokens": len(tokens),
                **_measure(settings, engine, tokens, segments, query, dtype=dtype, exact=exact, bandwidth=bandwidth),
            }


def _measure(
    settings: Settings,
    engine: Engine,
    tokens: TokenEmbeddings,
    segments: Segments,
    query: torch.Tensor,
    *,
    dtype: torch.dtype,
    exact: torch.Tensor,
    bandwidth: float,
) -> Record:
    stored = tokens.vectors.to(dtype)
    storage: Storage = "bfloat16" if engine == "blocked" and dtype == torch.bfloat16 else "as_given"
    scorer = SegmentScorer(stored, segments=segments, device=settings.device, engine=engine, storage=storage)
    got = _scores(scorer, query)
    of_stored = _scores(SegmentScorer(stored.float(), segments=segments), query)
    on_device = query.to(settings.device)
    rounded = on_device.to(dtype)
    vectors = stored.to(settings.device)
    calls: dict[str, Callable[[], object]] = {
        "score": lambda: scorer.on_device(on_device),
        "with checks, to the CPU": lambda: scorer.maxima(query),
        "product alone": lambda: vectors @ rounded.T,
    }
    if engine == "blocked":
        del calls["score"]
    timings = interleaved(calls, device=torch.device(settings.device), num_runs=10 * settings.num_runs, num_warm_up=3)
    bound = 1000 * stored.numel() * stored.element_size() / bandwidth
    record: Record = {f"{name} ms": asdict(timing) for name, timing in timings.items()}
    fastest = timings.get("score", timings["with checks, to the CPU"]).median
    count = min(TOP, len(exact))
    return record | {
        "read at copy bandwidth ms": bound,
        "of copy bandwidth": bound / fastest,
        "error": float((got - exact).abs().max()),
        "error beyond storage": float((got - of_stored).abs().max()),
        f"same of top {count}": len(_top(exact, count) & _top(got, count)),
    }


def _scores(scorer: SegmentScorer, query: torch.Tensor) -> torch.Tensor:
    return aggregate(scorer.maxima(query), similarity="modality_max")


def _top(scores: torch.Tensor, count: int) -> set[int]:
    return set(scores.topk(count).indices.tolist())


def short_name(dtype: torch.dtype) -> str:
    """``bfloat16`` for ``torch.bfloat16``."""
    return str(dtype).removeprefix("torch.")
