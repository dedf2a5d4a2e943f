"""Searches of a library against brute force over the same vectors: is exact exact, and what do the others lose?"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.eval.library.material import DEPTH, NeedleLibrary
from clamr_select.metrics import paired_bootstrap_interval
from clamr_select.retrieval import CorpusOptions, VideoCorpus
from clamr_select.retrieval.results import Mode
from clamr_select.retrieval.schema import Quantization, Storage
from clamr_select.scoring.maxsim import Similarity
from clamr_select.selector import FrameSelector

logger = logging.getLogger(__name__)

EXTRA = 30
"""Videos asked for beyond the ten, since those that may answer as well are taken out."""


@dataclass(frozen=True)
class Setting:
    """How vectors are kept, and searched."""

    storage: Storage = "float32"
    quantization: Quantization = "none"
    mode: Mode = "exact"
    similarity: Similarity = "token_max"

    @property
    def name(self) -> str:
        codes = "" if self.quantization == "none" else f" + {self.quantization}"
        return f"{self.storage}{codes}, {self.mode}, {self.similarity}"


SETTINGS = (
    Setting(),
    Setting(similarity="modality_max"),
    Setting("float16"),
    Setting("float16", similarity="modality_max"),
    Setting("turbo8"),
    Setting("float16", "int8", "codes"),
    Setting("float16", "turbo4", "codes"),
    Setting("float16", mode="two_stage"),
    Setting("float16", mode="two_stage", similarity="modality_max"),
)


def measure_needle(library: NeedleLibrary, *, selector: FrameSelector, folder: Path) -> dict[str, Any]:
    """One row a setting.

    Args:
        selector: whose model made the vectors.
        folder: where libraries are made, one after the other.
    """
    rows = []
    naive = {similarity: _naive(library, similarity) for similarity in ("token_max", "modality_max")}
    for options, settings in _by_options(SETTINGS):
        with tempfile.TemporaryDirectory(dir=folder) as made:
            place = Path(made, "library")
            with VideoCorpus.open(place, selector=selector, options=options) as corpus:
                started = time.perf_counter()
                for first in range(0, len(library.videos), 64):
                    corpus.put(library.videos[first : first + 64])
                corpus.optimize()
                corpus.flush()
                put_seconds = time.perf_counter() - started
                for setting in settings:
                    rows.append(_row(corpus, library, setting, naive[setting.similarity], put_seconds, place))
                    logger.info("%s", rows[-1])
    return {
        "num_videos": len(library.videos),
        "num_questions": len(library.questions),
        "tokens_per_video": float(np.mean([sum(map(len, v.vectors.values())) for v in library.videos])),
        "rows": rows,
    }


def _row(
    corpus: VideoCorpus,
    library: NeedleLibrary,
    setting: Setting,
    naive: list[list[str]],
    put_seconds: float,
    place: Path,
) -> dict[str, Any]:
    found, seconds, worst = [], [], 0.0
    for number, query in enumerate(library.queries):
        started = time.perf_counter()
        result = corpus.search(query, top_k=DEPTH + EXTRA, mode=setting.mode, similarity=setting.similarity)
        seconds.append(time.perf_counter() - started)
        found.append([hit.video.video_id for hit in result.hits])
        exact = library.exact[setting.similarity][number]
        worst = max(
            worst, *(abs(hit.score - float(exact[int(hit.video.video_id.split("-")[1])])) for hit in result.hits)
        )
    pairs = list(zip(found, naive, strict=True))
    ours = np.array([library.ndcg(q, ids) for q, ids in zip(library.questions, found, strict=True)])
    theirs = np.array([library.ndcg(q, ids) for q, ids in zip(library.questions, naive, strict=True)])
    lost = paired_bootstrap_interval(100 * ours, 100 * theirs, num_resamples=2000, seed=1)
    return {
        "setting": setting.name,
        "top10_equal": float(np.mean([a[:DEPTH] == b[:DEPTH] for a, b in pairs])),
        "top10_recall": float(np.mean([len(set(a[:DEPTH]) & set(b[:DEPTH])) / DEPTH for a, b in pairs])),
        "worst_score_error": worst,
        "ndcg@10": 100 * float(ours.mean()),
        "ndcg@10_brute_force": 100 * float(theirs.mean()),
        "ndcg@10_difference": [lost.mean, lost.low, lost.high],
        "median_ms": 1000 * float(np.median(seconds)),
        "p95_ms": 1000 * float(np.quantile(seconds, 0.95)),
        "bytes_per_video": disk_bytes(place) / len(library.videos),
        "put_seconds": put_seconds,
    }


def disk_bytes(folder: Path) -> int:
    """That the files take on the disk: the engine reserves more than it fills."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _naive(library: NeedleLibrary, similarity: str) -> list[list[str]]:
    """Ids by brute force, best first."""
    prefix = library.videos[0].video_id.rpartition("-")[0]
    orders = np.argsort(-library.exact[similarity], axis=1, kind="stable")[:, : DEPTH + EXTRA]
    return [[f"{prefix}-{number}" for number in order] for order in orders]


def _by_options(settings: Sequence[Setting]) -> Iterator[tuple[CorpusOptions, list[Setting]]]:
    """Settings that are searches of the same library, together."""
    kept = dict.fromkeys((setting.storage, setting.quantization) for setting in settings)
    for storage, quantization in kept:
        some = [one for one in settings if (one.storage, one.quantization) == (storage, quantization)]
        yield CorpusOptions(storage=storage, quantization=quantization), some
