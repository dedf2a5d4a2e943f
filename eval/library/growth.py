"""How putting in and searching grow with the number of videos."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.eval.library.material import random_videos
from clamr_select.eval.library.needle import disk_bytes
from clamr_select.retrieval import CorpusOptions, Schema, VideoCorpus

logger = logging.getLogger(__name__)

QUERY_TOKENS = 20
NUM_QUERIES = 20
AT_ONCE = 256


def measure_growth(sizes: Sequence[int], *, num_tokens: int, dim: int, folder: Path, seed: int = 1) -> dict[str, Any]:
    """One library that grows; at each size, the time since the last, and of searches in both modes.

    Args:
        sizes: numbers of videos, ascending.
        num_tokens: of a video, half of them a modality.
    """
    schema = Schema(("video", "asr"), dim, CorpusOptions(max_tokens=num_tokens))
    videos = random_videos(max(sizes), num_tokens=num_tokens, dim=dim, seed=seed)
    rng = np.random.default_rng(seed + 1)
    queries = [_query(rng, dim) for _ in range(NUM_QUERIES)]
    rows = []
    with (
        tempfile.TemporaryDirectory(dir=folder) as made,
        VideoCorpus.open(Path(made, "library"), schema=schema) as corpus,
    ):
        before, put_seconds, optimize_seconds = 0, 0.0, 0.0
        for size in sorted(sizes):
            while before < size:
                some = list(islice(videos, min(AT_ONCE, size - before)))  # drawn outside the clock
                started = time.perf_counter()
                corpus.put(some)
                put_seconds += time.perf_counter() - started
                before += len(some)
            started = time.perf_counter()
            corpus.optimize()
            corpus.flush()
            optimize_seconds += time.perf_counter() - started
            row: dict[str, Any] = {"num_videos": size, "put_seconds": put_seconds, "optimize_seconds": optimize_seconds}
            for mode in ("exact", "two_stage"):
                row[f"{mode}_ms"] = _median_ms(corpus, queries, mode)
            row["bytes_per_video"] = disk_bytes(Path(made)) / size
            logger.info("%s", row)
            rows.append(row)
    return {"num_tokens": num_tokens, "dim": dim, "query_tokens": QUERY_TOKENS, "rows": rows}


def _query(rng: np.random.Generator, dim: int) -> np.ndarray:
    tokens = rng.normal(size=(QUERY_TOKENS, dim))
    return (tokens / np.linalg.norm(tokens, axis=1, keepdims=True)).astype(np.float32)


def _median_ms(corpus: VideoCorpus, queries: Sequence[np.ndarray], mode: Any) -> float:
    corpus.search(queries[0], mode=mode)  # files are read into memory first
    seconds = []
    for query in queries:
        started = time.perf_counter()
        corpus.search(query, mode=mode)
        seconds.append(time.perf_counter() - started)
    return 1000 * float(np.median(seconds))


def save_growth(report: dict[str, Any], path: Path) -> None:
    """Two panels: putting in, and searching, over the number of videos, both axes logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = report["rows"]
    sizes = [row["num_videos"] for row in rows]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(sizes, [row["put_seconds"] for row in rows], "o-", label="putting in")
    left.plot(sizes, [row["optimize_seconds"] for row in rows], "s--", label="graph of the first stage")
    left.set(title="Building", xlabel="videos", ylabel="seconds, in total")
    right.plot(sizes, [row["exact_ms"] for row in rows], "o-", label="exact")
    right.plot(sizes, [row["two_stage_ms"] for row in rows], "s--", label="two stages")
    right.set(title="Searching", xlabel="videos", ylabel="milliseconds a question")
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
        panel.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(path)
