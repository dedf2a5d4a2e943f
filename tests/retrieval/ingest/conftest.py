"""Tiny videos, each with bytes of its own, and a library to put them in."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.selector import FrameSelector

pytest.importorskip("qdrant_edge", reason="the embedded engine is not installed")
OPTIONS = {"ocr": "off"}
MakeVideos = Callable[..., list[Path]]


def files(paths: list[Path]) -> list[VideoFile]:
    return [VideoFile(str(path)) for path in paths]


def found(corpus: VideoCorpus) -> list[str]:
    """File names of all videos in a library."""
    return sorted(Path(video.path or "").name for video in corpus.videos())


@pytest.fixture(scope="session")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="session")
def make_videos() -> MakeVideos:
    """Writes so many videos of two seconds, and so many that are cut within their header."""
    import av

    def write(path: Path, seed: int) -> Path:
        generator = np.random.default_rng(seed)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=2, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number in range(4):
                image = np.full((48, 64, 3), generator.integers(0, 256, 3), np.uint8)
                image[8:24, 8:24] = generator.integers(0, 256, 3)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 2)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    def make(folder: Path, count: int, *, broken: int = 0) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        whole = [write(folder / f"v{number:04d}.mp4", number) for number in range(count)]
        for number in range(broken):
            (folder / f"broken{number}.mp4").write_bytes(whole[0].read_bytes()[: 200 + number])
        return whole

    return make


@pytest.fixture
def library(tmp_path: Path, selector: FrameSelector) -> VideoCorpus:
    with VideoCorpus.open(tmp_path / "library", selector=selector, index_options=OPTIONS) as corpus:
        yield corpus


@pytest.fixture
def settings(library: VideoCorpus, tmp_path: Path) -> IngestSettings:
    return IngestSettings(
        max_tokens=library.schema.options.max_tokens,
        options=library.index_options,
        model={"name_or_path": "clamr-nano", "device": "cpu"},
        cache_dir=str(tmp_path / "frames"),
        num_threads=1,
    )
