"""Metadata from beside and inside a video, and chapters at their first frame."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from clamr_select.context.chapters import Chapter
from clamr_select.errors import SubtitlesError, UnknownNameError
from clamr_select.indexing.about import About
from clamr_select.indexing.options import IndexOptions
from clamr_select.selector import FrameSelector

QUICK = {"ocr": "off", "candidate_fps": 0.5}


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


def test_a_chapter_stands_at_the_first_candidate_in_it() -> None:
    about = About(None, (Chapter(0, 3, "a"), Chapter(2.5, 9, "b"), Chapter(3, 9, "c"), Chapter(99, 100, "d")), (), ())

    assert about.words(np.array([0.0, 2.0, 4.0])) == {"description": [["a"], [], ["b", "c", "d"]]}
    assert About(None, (), (), ()).words(np.array([0.0])) == {}


def test_what_lies_beside_a_video_is_used_and_recorded(
    selector: FrameSelector, color_video: Path, tmp_path: Path
) -> None:
    video = tmp_path / "talk.mp4"
    shutil.copy(color_video, video)
    plain = selector.index(video, **QUICK)
    chapters = [{"start_time": 0, "end_time": 14, "title": "Bread"}, {"start_time": 14, "title": "Walrus and harbor"}]
    video.with_suffix(".info.json").write_text(json.dumps({"title": "Talk", "chapters": chapters}), encoding="utf-8")
    told = selector.index(video, **QUICK)
    off = selector.index(video, **QUICK, chapters="off", title="", description="")
    selection = told.select("where is the walrus in the harbor?", num_frames=1)

    assert "metadata" not in plain.method
    assert (told.method["metadata"], told.method["chapters"], told.method["description"]) == (
        ["talk.info.json"],
        2,
        True,
    )
    assert selection.timestamps_seconds == (14.0,)
    assert selection.modality == ("description",)
    assert "description" not in off.words
    assert off.method["description"] is False
    # a chapter is evidence at its start alone: it changes no other frame's score
    query = selector.encoder.encode_query(["green"])[0][0]
    assert told.score(query).total[3] == pytest.approx(plain.score(query).total[3], abs=1e-5)


@pytest.mark.parametrize(
    ("other", "source", "codes"),
    [
        ("00:00:01,000 --> 00:00:04,000\nA walrus.\n", "talk.fr.srt", {"subtitles_unused"}),
        ("99:00:00,000 --> 99:00:01,000\nOf another video.\n", "none", {"subtitles_unused", "no_asr"}),
        (None, "none", {"subtitles_unused", "no_asr"}),
    ],
)
def test_what_is_wrong_with_subtitles_that_nobody_named_is_a_recorded_warning(
    other: str | None, source: str, codes: set[str], selector: FrameSelector, color_video: Path, tmp_path: Path
) -> None:
    video, empty = tmp_path / "talk.mp4", tmp_path / "talk.de.srt"
    shutil.copy(color_video, video)
    empty.write_text("1\n00:00:01,000 --> 00:00:02,000\n\n", encoding="utf-8")
    if other is not None:
        video.with_suffix(".fr.srt").write_text(other, encoding="utf-8")
    quick = {**QUICK, "cache_dir": tmp_path / "cache"}

    for _ in ("indexed", "from the store"):
        selection = selector.select(video, "where is the walrus?", **quick)
        assert selection.method["asr"] == source
        assert codes <= {warning.code for warning in selection.warnings}
        assert "talk.de.srt hold no usable cue" in " ".join(warning.message for warning in selection.warnings)
    with pytest.raises(SubtitlesError, match="no usable cue"):
        selector.index(video, **quick, subtitles=empty)
    empty.write_text("1\n00:00:01,000 --> 00:00:02,000\nMended.\n", encoding="utf-8")
    assert selector.index(video, **quick).method["asr"] == "talk.de.srt"


def test_a_strange_info_json_is_a_recorded_warning(selector: FrameSelector, color_video: Path, tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    shutil.copy(color_video, video)
    video.with_suffix(".info.json").write_text("{", encoding="utf-8")

    assert "info_json" in [warning.code for warning in selector.index(video, **QUICK).warnings]


def test_a_reader_without_chapters_says_so(
    selector: FrameSelector, color_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clamr_select.indexing.about.can_read_chapters", lambda: False)

    assert "chapters_unread" in [
        warning.code for warning in selector.index(color_video, **QUICK, cache_dir=None).warnings
    ]
    off = selector.index(color_video, **QUICK, chapters="off", cache_dir=None)
    assert "chapters_unread" not in [warning.code for warning in off.warnings]


def test_chapters_choice() -> None:
    with pytest.raises(UnknownNameError, match="chapters"):
        IndexOptions(chapters="on")
