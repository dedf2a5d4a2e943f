"""Ten little videos of one colour each, with sound, as rows; and encoders of a few kilobytes."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

WORDS = ("harbor", "lantern", "glacier", "walrus", "cello", "bugle", "orchard", "compass", "tunnel", "violin")
COLOURS = [(25 * i, 255 - 20 * i, (90 * i) % 256) for i in range(len(WORDS))]


def write_video(path: Path, *, colour: tuple[int, int, int], pitch: float, seconds: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for index in range(5 * seconds):
            image = np.full((64, 96, 3), colour, dtype=np.uint8)
            image[: 4 * (index + 1)] //= 2
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(pictures.encode())
        for start in range(0, 16_000 * seconds, 1024):
            times = (start + np.arange(1024)) / 16_000
            wave = (0.3 * np.sin(2 * math.pi * pitch * times)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode())


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for number, word in enumerate(WORDS):
        write_video(folder / f"{word}.mp4", colour=COLOURS[number], pitch=200.0 + 100 * number)
    return folder


@pytest.fixture
def raw_rows() -> list[dict[str, Any]]:
    """A row a video, each asked about in one modality; then two more that answer the harbor question, by grade."""
    targets = ("video", "ocr", "speech", "description")
    rows = []
    for number, word in enumerate(WORDS):
        rows.append(
            {
                "video_id": word,
                "video": f"{word}.mp4",
                "query": f"where does it show a {word}",
                "query_type": targets[number % 4],
                "query_id": f"q{number}",
                "ocr": f"sign of the {word}" if number % 2 else "",
                "asr": f"{word} and {WORDS[number - 1]} are what they speak about" if number % 3 else None,
                "description": f"a film of {word}",
            }
        )
    asked = {name: rows[0][name] for name in ("query", "query_type", "query_id")}
    rows.append({**rows[3], **asked, "relevance": 3})
    rows.append({**rows[4], **asked, "relevance": 2})
    return rows


@pytest.fixture
def rows_file(raw_rows: list[dict[str, Any]], tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", raw_rows)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of a checkpoint by its name in ``tiny_encoders``."""
    from tests.eval.retrieval import tiny_encoders as make

    folder = tmp_path_factory.mktemp("encoders")
    return {
        "clip": make.save_clip(folder / "clip"),
        "siglip": make.save_siglip(folder / "siglip"),
        "siglip2": make.save_siglip2(folder / "siglip2"),
        "xclip": make.save_xclip(folder / "xclip"),
        "clap": make.save_clap(folder / "clap"),
        "sentences": make.save_sentence_encoder(folder / "sentences"),
        "projected": make.save_sentence_encoder(folder / "projected", dense=make.DIM),
    }
