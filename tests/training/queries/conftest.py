from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .chat_server import ChatServer, serve


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve() as state:
        yield state


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """``rows.jsonl`` of four videos and their ``frames``; the last has pictures alone."""
    (tmp_path / "frames").mkdir()
    rows: list[dict[str, Any]] = []
    for i in range(4):
        name = f"v{i}_frame_0.jpg"
        Image.fromarray(np.full((36, 64, 3), 60 * i, np.uint8)).save(tmp_path / "frames" / name)
        texts = {"asr": f"today we repair bridge number {i}", "ocr": f"EXIT {i}", "title": f"Bridges, part {i}"}
        rows.append({"video_id": f"v{i}", "images": [name], **(texts if i < 3 else {})})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path
