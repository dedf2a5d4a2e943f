"""Videos made of random vectors, corpora in every deployment, and the naive search that they are checked against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clamr_select.retrieval import CorpusOptions, Schema, ServerOptions, VideoCorpus, VideoEmbeddings

from .loopback_server import LoopbackServer

MODALITIES = ("video", "ocr", "asr", "description")
DIM = 16
OpenCorpus = Callable[..., VideoCorpus]


def unit(rng: np.random.Generator, num_tokens: int, *, dim: int = DIM) -> np.ndarray:
    vectors = rng.normal(size=(num_tokens, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


QUERY = unit(np.random.default_rng(1), 7)


def found_ids(corpus: VideoCorpus, **options: Any) -> list[str]:
    """Ids of the videos that ``QUERY`` finds, best first."""
    return [hit.video.video_id for hit in corpus.search(QUERY, **options).hits]


def made_videos(count: int, *, seed: int = 0) -> list[VideoEmbeddings]:
    """Some have all modalities, most lack one or more."""
    rng = np.random.default_rng(seed)
    videos = []
    for number in range(count):
        present = [name for name in MODALITIES if rng.random() < 0.6] or ["asr"]
        vectors = {name: unit(rng, int(rng.integers(1, 12))) for name in present}
        metadata = {
            "year": 2000 + number % 30,
            "tags": ["odd"] if number % 2 else ["even", "all"],
            "free": number % 3 == 0,
            "title": f"Video {number}",
        }
        path = f"/videos/{number}.mp4"
        videos.append(VideoEmbeddings(f"v{number}", vectors, metadata=metadata, path=path, duration_seconds=2.0))
    return videos


def naive_scores(
    query: np.ndarray, video: VideoEmbeddings, *, modalities: Sequence[str] = MODALITIES
) -> dict[str, float]:
    """Mean MaxSim by modality, and ``token_max`` and ``modality_max`` over them, by loops."""
    by_modality: dict[str, list[float]] = {}
    for name in modalities:
        if name in video.vectors:
            by_modality[name] = [max(float(q @ d) for d in video.vectors[name]) for q in query]
    if not by_modality:
        return {}
    means = {name: sum(values) / len(values) for name, values in by_modality.items()}
    best = [max(values[i] for values in by_modality.values()) for i in range(len(query))]
    return {**means, "modality_max": max(means.values()), "token_max": sum(best) / len(best)}


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackServer]:
    with LoopbackServer(tmp_path_factory.mktemp("loopback")) as server:
        yield server


@pytest.fixture
def schema() -> Schema:
    return Schema(MODALITIES, DIM, CorpusOptions(storage="float32", max_tokens=50))


@pytest.fixture(params=["embedded", "local", "server"])
def open_corpus(
    request: pytest.FixtureRequest, tmp_path: Path, schema: Schema, loopback: LoopbackServer
) -> Iterator[OpenCorpus]:
    """Opens a corpus of this test in one deployment; all are closed at the end."""
    opened: list[VideoCorpus] = []

    def open_one(name: str = "library", **options: Any) -> VideoCorpus:
        options = {"schema": schema, **options}
        if request.param == "server":
            server = ServerOptions(collection=f"{tmp_path.name}-{name}")
            corpus = VideoCorpus.open(loopback.url, server=server, **options)
        else:
            corpus = VideoCorpus.open(tmp_path / name, deployment=request.param, **options)
        opened.append(corpus)
        return corpus

    yield open_one
    for corpus in opened:
        corpus.close()
