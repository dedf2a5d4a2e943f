"""Effort: a part of a long video is looked at, each question elsewhere, and what was skipped is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.context.chapters import can_read_chapters
from clamr_select.demo.asking import Asking, Question, Results
from clamr_select.demo.hearing import SWITCHED_OFF, Hearing
from clamr_select.demo.indexes import Indexes, Source
from clamr_select.demo.messages import STOPPED
from clamr_select.demo.panel import _effort
from clamr_select.demo.session import Session
from clamr_select.demo.settings import DemoSettings
from clamr_select.indexing.about import CHAPTERS_UNREAD
from clamr_select.selector import FrameSelector

LONG = {"candidate_fps": 10, "window_candidates": 1}
"""So that half a minute is as many windows as twenty minutes are."""
HEARING = Hearing(SWITCHED_OFF)


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


def asking_with(selector: FrameSelector, kept: Path, **options: Any) -> Asking:
    indexes = Indexes(selector, max_videos=4, index_options=options, keep_dir=kept, hearing=HEARING)
    return Asking(indexes, vlm=None, settings=DemoSettings())


def ask(asking: Asking, session: Session, text: str, **question: Any) -> tuple[Results | None, set[str]]:
    """What is drawn below, and the stages of the work."""
    results, stages = None, set()
    for step in asking.select(session, Question(text, **question)):
        results = step or results
        stages |= set(session.turns[-1].stages)
    return results, stages


@pytest.fixture(scope="module")
def long(selector: FrameSelector, tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return asking_with(selector, tmp_path_factory.mktemp("kept"), **LONG)


def test_a_part_is_looked_at_and_what_was_skipped_is_said(long: Asking, color_video: Path, subtitles: Path) -> None:
    session = Session(Source(color_video, subtitles, read_text=False))
    results, stages = ask(long, session, "What does the walrus do?", num_frames=4, effort="fast")
    note = session.turns[-1].note
    seen, total, closely, others = (int(n) for n in re.findall(r"(\d+) (?:of|frames|others)", note)[:4])

    assert {"skimming", "looking closely"} <= stages
    assert (total, seen + others) == (300, 300)
    assert 0 < closely <= 192
    assert closely <= seen < 300
    assert results is not None
    assert len(results.timeline["times"]) == seen
    best = max(results.frames["frames"], key=lambda frame: frame["score"])
    assert 11.5 <= best["time"] <= 13.4
    unread = [] if can_read_chapters() else [CHAPTERS_UNREAD[1]]
    assert session.turns[-1].to_json()["warnings"] == unread  # that a part was looked at, the note says

    # another question does not skim again
    _, stages = ask(long, session, "Who tells of glaciers?", num_frames=4, effort="fast")
    assert "skimming" not in stages
    assert session.turns[-1].note.startswith("Looked at ")
    assert len(long.indexes) == 1


def test_who_stops_ends_it_and_may_ask_again(
    selector: FrameSelector, color_video: Path, subtitles: Path, tmp_path: Path
) -> None:
    asking = asking_with(selector, tmp_path, **LONG)
    session = Session(Source(color_video, subtitles, read_text=False))
    for _ in asking.select(session, Question("What does the walrus do?", effort="fast")):
        if "looking closely" in session.turns[-1].stages:
            session.stop()
    assert session.turns[-1].error == STOPPED
    assert asking.indexes.model_lock.acquire(blocking=False)
    asking.indexes.model_lock.release()

    _, stages = ask(asking, session, "What does the walrus do?", effort="fast")
    assert session.turns[-1].state == "done"
    assert stages == {"looking closely"}  # it was skimmed before


def test_full_is_another_index_and_the_default(long: Asking, color_video: Path) -> None:
    session = Session(Source(color_video, read_text=False))
    before = len(long.indexes)
    ask(long, session, "a bar")
    ask(long, session, "a bar", effort="full")
    assert len(long.indexes) == before + 1
    assert "Indexed 300 frames" in session.turns[0].note
    assert session.turns[1].note.startswith("Answered from the index")


def test_a_short_video_is_looked_at_whole_and_it_is_said(
    selector: FrameSelector, color_video: Path, tmp_path: Path
) -> None:
    asking = asking_with(selector, tmp_path)
    session = Session(Source(color_video, read_text=False))
    ask(asking, session, "a bar", effort="balanced")
    assert session.turns[-1].note.startswith("Looked at all 30 frames in ")
    ask(asking, session, "a bar", effort="some")
    assert "unknown effort 'some'" in session.turns[-1].error


def test_a_model_that_needs_every_frame_offers_nothing_else(selector: FrameSelector) -> None:
    offered = _effort(selector)
    refused = _effort(FrameSelector.from_pretrained("clamr-nano", device="cpu", compat="reference"))

    assert [name for _, name in offered.choices] == ["full", "balanced", "fast"]
    assert (offered.interactive, refused.interactive) == (True, False)
    assert "every frame" in str(refused.info)


def test_a_model_that_scores_as_the_released_code_answers(color_video: Path, subtitles: Path, tmp_path: Path) -> None:
    asking = asking_with(FrameSelector.from_pretrained("clamr-nano", device="cpu", compat="reference"), tmp_path)
    session = Session(Source(color_video, subtitles, read_text=False))
    ask(asking, session, "What does the walrus do?", num_frames=4)
    assert (session.turns[-1].state, session.turns[-1].error) == ("done", "")
