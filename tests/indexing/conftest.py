"""A small video with speech and made-up text on screen, indexed by the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.selector import FrameSelector

SRT = """1
00:00:11,500 --> 00:00:13,400
The walrus answered the harbor master, twice.

2
00:00:21,000 --> 00:00:23,000
Then the lantern keeper told a story about glaciers.
"""


@pytest.fixture(scope="session")
def nano() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="session")
def spoken_subtitles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spoken") / "talk.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def spoken_video(nano: FrameSelector, color_video: Path, spoken_subtitles: Path) -> IndexedVideo:
    """``color_video`` with two spoken sentences; thirty candidates, none with text on screen."""
    return nano.index(color_video, subtitles=spoken_subtitles, ocr="off")
