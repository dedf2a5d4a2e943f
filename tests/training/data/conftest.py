"""Rows of twelve videos with real frame files: 2 to 4 JPEGs each, of a colour of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

TARGETS = ("video", "ocr", "speech", "description")


def write_frames(folder: Path, video_id: str, *, count: int, color: tuple[int, int, int]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{video_id}_frame_{30 * i}.jpg" for i in range(count)]
    for name in names:
        Image.fromarray(np.full((72, 128, 3), color, dtype=np.uint8)).save(folder / name)
    return names


@pytest.fixture(scope="session")
def frames_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    for i in range(12):
        write_frames(folder, f"train_{i:06d}_v{i}", count=2 + i % 3, color=(20 * i, 100, 200 - 10 * i))
    return folder


@pytest.fixture
def raw_rows(frames_dir: Path) -> list[dict[str, Any]]:
    """Sixteen rows: the first four videos have two questions."""
    rows = []
    for i in range(16):
        video = i % 12
        video_id = f"train_{video:06d}_v{video}"
        images = sorted(
            (p.name for p in frames_dir.glob(f"{video_id}_frame_*")), key=lambda n: int(n[:-4].split("_")[-1])
        )
        rows.append(
            {
                "video_id": video_id,
                "query": f"question {i}" if i % 2 else [f"question {i}", f"question {i} again"],
                "query_type": TARGETS[i % 4],
                "images": images,
                "ocr": f"sign number {video}",
                "asr": f"someone says word {video}" if video % 3 else None,
                "description": f"a film about {video}",
            }
        )
    return rows


@pytest.fixture
def rows_file(raw_rows: list[dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n\n".join(json.dumps(row) for row in raw_rows) + "\n", encoding="utf-8")
    return path
