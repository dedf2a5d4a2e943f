"""A talk of half a minute, skimmed by plans that are small enough for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from clamr_select.indexing.coarse_to_fine import opening
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.selection import Selection
from clamr_select.selector import FrameSelector

SRT = """1
00:00:11,500 --> 00:00:13,400
The walrus answered the harbor master, twice.

2
00:00:21,000 --> 00:00:23,000
Then the lantern keeper told a story about glaciers.
"""
WALRUS, GLACIERS = "what is said about the walrus?", "who told a story about glaciers?"
SMALL = EffortPlan(skim_step=4, dense_windows=3)


@pytest.fixture
def small_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plans are made for hours, the video is half a minute."""
    monkeypatch.setattr(opening, "EFFORT_PLANS", {"fast": SMALL, "balanced": EffortPlan(2, 5)})


@pytest.fixture
def talk(tmp_path: Path, color_video: Path) -> Path:
    """Thirty candidates in eight windows, with subtitles beside them."""
    path = tmp_path / "talk.mp4"
    shutil.copy(color_video, path)
    path.with_suffix(".srt").write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture
def skimmed(nano: FrameSelector, talk: Path) -> SkimmedVideo:
    return nano.skim(talk, ocr="off")


def plain(selection: Selection) -> dict[str, object]:
    return json.loads(json.dumps({**selection.to_dict(), "timings_seconds": None}))
