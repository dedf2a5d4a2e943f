"""A video is decoded by as many threads as torch may use, and by none once indexing has ended."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from clamr_select.indexing import opening
from clamr_select.indexing.coarse_to_fine import opening as coarse_opening
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.selector import FrameSelector
from clamr_select.video import read_plan, side_by_side

QUICK = {"ocr": "off", "subtitles": None, "cache_dir": None}


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of pictures apart, since the video is short, and one picture ahead."""
    monkeypatch.setattr(opening.torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(read_plan, "LONG_STRETCH", 1)
    monkeypatch.setattr(side_by_side, "MAX_AHEAD_BYTES", 1)


def decoding() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("clamr-decoding")]


@pytest.mark.parametrize("isolate", [False, True])
def test_an_index_does_not_depend_on_threads(nano: FrameSelector, color_video: Path, isolate: bool, request) -> None:
    one = nano.index(color_video, **QUICK)
    request.getfixturevalue("two_threads")
    two = nano.index(color_video, isolate=isolate, **QUICK)
    assert torch.equal(one.tokens.vectors, two.tokens.vectors)
    assert decoding() == []


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("effort", ["full", "fast"])
@pytest.mark.parametrize("stage", ["decoding", "encoding", "skimming", "looking closely"])
def test_what_is_stopped_decodes_no_further(
    nano: FrameSelector, color_video: Path, monkeypatch: pytest.MonkeyPatch, stage: str, effort: str
) -> None:
    """Also while somebody keeps the error, whose traceback holds all that was under way."""
    monkeypatch.setattr(coarse_opening, "EFFORT_PLANS", {"fast": EffortPlan(4, 2)})
    stages = set()

    def stop(name: str, done: int, total: int) -> None:
        stages.add(name)
        if name == stage:
            assert len(decoding()) == 2 or name != "decoding"
            raise InterruptedError(stage)

    try:
        if effort == "full":
            nano.index(color_video, progress=stop, **QUICK)
        else:
            nano.skim(color_video, effort="fast", progress=stop, **QUICK).select("what is red?", num_frames=2)
    except InterruptedError as error:
        kept = error
        assert kept.__traceback__ is not None
        assert decoding() == []
    else:
        assert stage not in stages
