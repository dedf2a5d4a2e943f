"""How putting in and searching grow with the number of videos."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.library.material import random_tokens, random_videos
from clamr_select.eval.library.needle import disk_bytes
from clamr_select.retrieval import CorpusOptions, Schema, VideoCorpus
from clamr_select.retrieval.results import Mode

logger = logging.getLogger(__name__)

QUERY_TOKENS = 20
NUM_QUERIES = 20
AT_ONCE = 256
NOTED_EVERY = 2048
"""Videos after which what was measured is written down: a run that is ended loses no more."""
_OTHERS = 10**9
"""Numbers from here on are of questions, and of what the center is taken from."""
STATE_FILE = "growth.json"


def measure_growth(sizes: Sequence[int], *, num_tokens: int, dim: int, folder: Path, seed: int = 1) -> dict[str, Any]:
    """One library that grows; at each size, the time since the last, and of searches in both modes.

    Args:
        sizes: numbers of videos.
        num_tokens: of a video, half of them a modality.
        folder: of the library, and of what was measured so far: a run that was ended goes on with the same arguments.

    Raises:
        InputError: the folder is of other arguments, or its library is larger than a size that was not measured.
    """
    asked = {"num_tokens": num_tokens, "dim": dim, "query_tokens": QUERY_TOKENS, "seed": seed}
    state = _read(folder / STATE_FILE, asked)
    measured = {row["num_videos"] for row in state["rows"]}
    passed = [size for size in sizes if size < state["num_videos"] and size not in measured]
    if passed:
        raise InputError(
            f"the library in {folder} has {state['num_videos']:,} videos already, so {min(passed):,} cannot be "
            f"measured; name another folder"
        )
    center = random_tokens(1000, dim=dim, seed=seed, number=_OTHERS).mean(axis=0)
    schema = Schema(("video", "asr"), dim, CorpusOptions(max_tokens=num_tokens), tuple(center.round(6).tolist()))
    queries = [random_tokens(QUERY_TOKENS, dim=dim, seed=seed, number=_OTHERS + 1 + n) for n in range(NUM_QUERIES)]
    place = folder / "library"
    with VideoCorpus.open(place, schema=schema) as corpus:
        for size in sorted(sizes):
            if any(row["num_videos"] == size for row in state["rows"]):
                continue
            while state["num_videos"] < size:
                _put_some(corpus, state, size=size)
                _write(folder / STATE_FILE, state)
            started = time.perf_counter()
            corpus.optimize()
            corpus.flush()
            row: dict[str, Any] = {"num_videos": size, "put_seconds": state["put_seconds"]}
            row["optimize_seconds"] = time.perf_counter() - started
            modes: tuple[Mode, ...] = ("exact", "two_stage")
            for mode in modes:
                row[f"{mode}_ms"], row[f"{mode}_p95_ms"] = _times_ms(corpus, queries, mode)
            row["bytes_per_video"] = disk_bytes(place) / size
            logger.info("%s", row)
            state["rows"].append(row)
            _write(folder / STATE_FILE, state)
    return {**state["asked"], "rows": [row for row in state["rows"] if row["num_videos"] in sizes]}


def _put_some(corpus: VideoCorpus, state: dict[str, Any], *, size: int) -> None:
    """Up to the next note; the clock stands still while videos are drawn."""
    end = min(size, state["num_videos"] + NOTED_EVERY)
    asked = state["asked"]
    while state["num_videos"] < end:
        numbers = range(state["num_videos"], min(end, state["num_videos"] + AT_ONCE))
        some = list(random_videos(numbers, num_tokens=asked["num_tokens"], dim=asked["dim"], seed=asked["seed"]))
        started = time.perf_counter()
        corpus.put(some)
        state["put_seconds"] += time.perf_counter() - started
        state["num_videos"] += len(some)
    started = time.perf_counter()
    corpus.flush()
    state["put_seconds"] += time.perf_counter() - started
    logger.info("%d videos, %.0f s", state["num_videos"], state["put_seconds"])


def _read(path: Path, asked: dict[str, Any]) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return {"asked": asked, "num_videos": 0, "put_seconds": 0.0, "rows": []}
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if state["asked"] != asked:
        raise InputError(f"{path.parent} has a measurement of {state['asked']}, not {asked}; name another folder")
    return state


def _write(path: Path, state: dict[str, Any]) -> None:
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def _times_ms(corpus: VideoCorpus, queries: Sequence[np.ndarray], mode: Mode) -> tuple[float, float]:
    """Median, and what 95 % stay below."""
    corpus.search(queries[0], mode=mode)  # files are read into memory first
    seconds = []
    for query in queries:
        started = time.perf_counter()
        corpus.search(query, mode=mode)
        seconds.append(time.perf_counter() - started)
    return 1000 * float(np.median(seconds)), 1000 * float(np.quantile(seconds, 0.95))


def save_growth(report: dict[str, Any], path: Path) -> None:
    """Two panels: putting in, and searching, over the number of videos, both axes logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = report["rows"]
    sizes = [row["num_videos"] for row in rows]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(sizes, [row["put_seconds"] for row in rows], "o-", label="putting in")
    left.plot(sizes, [row["optimize_seconds"] for row in rows], "s--", label="codes and graph of the first stage")
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
