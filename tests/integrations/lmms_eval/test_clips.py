"""Clips: one file a selection of one video, and none that the base would sample again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from clamr_select.errors import FrameDecodeError, InputError
from clamr_select.integrations.lmms_eval.bases import frames_of_clip
from clamr_select.integrations.lmms_eval.emit import Emitter
from clamr_select.integrations.lmms_eval.plan import FramePlan
from clamr_select.selection import Selection
from clamr_select.video import open_video


def test_a_video_that_was_replaced_gets_another_clip(
    color_video: Path, color_selection: Selection, tmp_path: Path
) -> None:
    video = Path(shutil.copy(color_video, tmp_path / "video.mp4"))
    selection = replace(color_selection, video=str(video))
    emitter = Emitter("clip", fuses=False, backend="auto", clip_seconds_per_frame=1.0, folder=tmp_path / "clips")
    plan = FramePlan(str(video), "?", "select", selection, num_frames=len(selection), pair="none")

    (first,), (again,) = emitter.visuals(plan), emitter.visuals(plan)
    os.utime(video, ns=(1, 1))
    (other,) = emitter.visuals(plan)

    assert first == again
    assert first != other
    assert Path(first).is_file()
    assert Path(other).is_file()


def test_a_clip_that_several_threads_make_is_whole(color_selection: Selection, tmp_path: Path) -> None:
    """A base reads it from then on, in every later run too."""
    emitter = Emitter("clip", fuses=False, backend="auto", clip_seconds_per_frame=1.0, folder=tmp_path)
    plan = FramePlan(color_selection.video, "?", "select", color_selection, num_frames=8, pair="none")
    together = Barrier(4)

    def make(_: int) -> list[Any]:
        together.wait()
        return emitter.visuals(plan)

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, range(4)))

    assert [[str(file)] for file in tmp_path.iterdir()] == made[:1]
    assert made == made[:1] * 4
    with open_video(made[0][0]) as reader:
        assert len(list(reader.frames(range(reader.info.num_frames)))) == len(color_selection)


def test_of_a_clip_that_fails_nothing_stays(
    color_selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Selection, path: Path, **_: Any) -> None:
        path.write_bytes(b"half a clip")
        raise FrameDecodeError("frame 3 cannot be decoded")

    monkeypatch.setattr(Selection, "to_clip", fail)
    emitter = Emitter("clip", fuses=False, backend="auto", clip_seconds_per_frame=1.0, folder=tmp_path)
    plan = FramePlan(color_selection.video, "?", "select", color_selection, num_frames=8, pair="none")
    with pytest.raises(FrameDecodeError):
        emitter.visuals(plan)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ({}, None),
        ({"max_frames_num": 8}, 8),
        ({"fps": 1, "max_frames_num": 16}, 16),
        # 32 frames in 20 seconds
        ({"fps": 1}, 20),
        ({"fps": 2}, 40),
        ({"fps": 0.1}, 4),
    ],
)
def test_how_many_frames_a_base_takes_of_a_clip(settings: dict[str, Any], taken: int | None) -> None:
    assert frames_of_clip(SimpleNamespace(**settings), num_frames=32, seconds_per_frame=20 / 32) == taken


def test_a_clip_of_more_frames_than_the_base_takes_is_refused(evaluate: Callable[..., Any]) -> None:
    arguments = "base=oracle_file,max_num_frames=8,clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"
    with pytest.raises(InputError, match=r"16 frames of .* were selected, and as it is set up oracle_file takes 8 of"):
        evaluate("clamr", f"{arguments},clamr_num_frames=16", limit=1)
    # pictures are handed over one by one
    evaluate("clamr", f"{arguments},clamr_num_frames=16,clamr_emit=images", limit=1)
