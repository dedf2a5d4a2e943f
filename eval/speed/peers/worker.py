"""Scores one video by one library's calls, once each time a line on stdin says which: peers that cannot share an
environment take turns this way. Run by the Python of that environment; imports nothing of this project but for ours.

    python worker.py INPUTS.npz

``INPUTS.npz`` holds ``vectors`` (tokens, dim) float32, ``lengths`` (frames, modalities) and ``query`` (tokens, dim).
In: a method's name. Out: one JSON line with its wall and CPU milliseconds, the memory it took on top (after the
first call), and its scores (frames,), or why it cannot be called.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

Method = Callable[[], Any]


class Video:
    """The inputs, and each modality's frames as lists, as the peers want them."""

    def __init__(self, path: str) -> None:
        with np.load(path) as arrays:
            self.vectors, self.lengths, self.query = (arrays[name] for name in ("vectors", "lengths", "query"))
        self.num_frames, self.num_modalities = self.lengths.shape
        self.edges = np.concatenate([[0], self.lengths.ravel().cumsum()]).reshape(-1)

    def documents(self, modality: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Frames that have the modality, and their tokens."""
        frames = np.flatnonzero(self.lengths[:, modality])
        positions = frames * self.num_modalities + modality
        return frames, [self.vectors[self.edges[i] : self.edges[i + 1]] for i in positions]

    def best_modality(self, score: Callable[[int], np.ndarray], frames: list[np.ndarray]) -> np.ndarray:
        """(frames,) maximum over modalities of sums over query tokens, -inf where there is nothing."""
        best = np.full(self.num_frames, -np.inf, dtype=np.float32)
        for modality, present in enumerate(frames):
            best[present] = np.maximum(best[present], score(modality))
        return best


def product_torch(video: Video) -> Method:
    import torch

    vectors, query = torch.from_numpy(video.vectors), torch.from_numpy(video.query).T.contiguous()
    out = torch.empty(8192, query.shape[1])

    def run() -> None:
        for start in range(0, len(vectors), 8192):
            block = vectors[start : start + 8192]
            torch.mm(block, query, out=out[: len(block)])

    return run


def product_numpy(video: Video) -> Method:
    query, out = np.ascontiguousarray(video.query.T), np.empty((8192, len(video.query)), dtype=np.float32)

    def run() -> None:
        for start in range(0, len(video.vectors), 8192):
            block = video.vectors[start : start + 8192]
            np.matmul(block, query, out=out[: len(block)])

    return run


def ours(video: Video, storage: Any) -> Method:
    import torch

    from clamr_select.scoring.maxsim import aggregate
    from clamr_select.scoring.scorer import SegmentScorer
    from clamr_select.scoring.segments import Segments

    vectors = torch.from_numpy(video.vectors)
    segments = Segments(
        torch.arange(len(vectors)), torch.from_numpy(video.edges).long(), video.num_frames, video.num_modalities
    )
    scorer = SegmentScorer(vectors, segments=segments, storage=storage)
    query = torch.from_numpy(video.query)
    return lambda: aggregate(scorer.maxima(query), similarity="modality_max").numpy() * len(query)


def maxsim_cpu(video: Video) -> Method:
    library = import_module("maxsim_cpu")
    frames, documents = zip(*(video.documents(m) for m in range(video.num_modalities)), strict=True)

    def score(modality: int) -> np.ndarray:
        return np.asarray(library.maxsim_scores_variable(video.query, documents[modality]))

    return lambda: video.best_modality(score, list(frames))


def colpali_engine(video: Video) -> Method:
    import torch

    processor = import_module("colpali_engine.utils.processing_utils").BaseVisualRetrieverProcessor
    frames, documents = zip(*(video.documents(m) for m in range(video.num_modalities)), strict=True)
    lists = [[torch.from_numpy(document) for document in each] for each in documents]
    query = [torch.from_numpy(video.query)]

    def score(modality: int) -> np.ndarray:
        scores = processor.score_multi_vector(query, lists[modality], device="cpu")
        return scores[0].float().numpy()

    return lambda: video.best_modality(score, list(frames))


def pylate(video: Video) -> Method:
    import torch

    colbert_scores = import_module("pylate.scores").colbert_scores
    frames, documents = zip(*(video.documents(m) for m in range(video.num_modalities)), strict=True)
    padded, masks = [], []
    for each in documents:
        longest = max(len(document) for document in each)
        padded.append(torch.zeros(len(each), longest, video.vectors.shape[1]))
        masks.append(torch.zeros(len(each), longest))
        for row, document in enumerate(each):
            padded[-1][row, : len(document)] = torch.from_numpy(document)
            masks[-1][row, : len(document)] = 1
    query = torch.from_numpy(video.query)[None]

    def score(modality: int) -> np.ndarray:
        return colbert_scores(query, padded[modality], documents_mask=masks[modality])[0].numpy()

    return lambda: video.best_modality(score, list(frames))


METHODS: dict[str, tuple[str, Callable[[Video], Method]]] = {
    "product, torch": ("torch", product_torch),
    "product, numpy": ("numpy", product_numpy),
    "ours, float32": ("torch", lambda video: ours(video, "as_given")),
    "ours, bfloat16": ("torch", lambda video: ours(video, "bfloat16")),
    "ours, int8": ("torch", lambda video: ours(video, "int8")),
    "maxsim-cpu": ("maxsim-cpu", maxsim_cpu),
    "colpali-engine": ("colpali-engine", colpali_engine),
    "pylate": ("pylate", pylate),
}
"""Name to the package that does it, and what prepares a call (layouts that a library wants are not timed)."""


def main() -> int:
    video = Video(sys.argv[1])
    prepared: dict[str, Method] = {}
    for line in sys.stdin:
        name = line.strip()
        package, prepare = METHODS[name]
        if name not in prepared:
            prepared[name] = prepare(video)
            prepared[name]()
        print(json.dumps({"package": f"{package} {_version(package)}", **measure(prepared[name])}), flush=True)
    return 0


def measure(call: Method) -> dict[str, Any]:
    resident = _memory("VmRSS")
    # what 5 resets is the peak
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    wall, cpu = time.perf_counter(), time.process_time()
    scores = call()
    cpu_seconds, seconds = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "ms": 1000 * seconds,
        "CPU ms": 1000 * cpu_seconds,
        "extra MB": max(0.0, _memory("VmHWM") - resident) / 1000,
        "scores": None if scores is None else [float(score) for score in scores],
    }


def _memory(field: str) -> float:
    """Kilobytes, of 1,000 bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1.024


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
