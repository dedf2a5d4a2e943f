"""Which file next to a video is taken for its subtitles."""

from __future__ import annotations

from pathlib import Path

import pytest

from clamr_select.context.sidecar import find_subtitles
from clamr_select.errors import VideoNotFoundError

WHISPER = '{"segments": [{"start": 0.0, "end": 1.0, "text": "hi"}]}'

IN_ORDER = (
    "talk.srt",
    "talk.VTT",
    "talk.ass",
    "talk.ssa",
    "talk.json",
    "talk.en.srt",
    "talk.en.vtt",
    "talk.en-US.srt",
    "talk.eng.srt",
    "talk.de.srt",
    "talk.zh-Hans.srt",
)


@pytest.mark.parametrize("position", range(len(IN_ORDER)))
def test_the_order_of_preference(position: int, write_file) -> None:
    video = write_file("talk.mp4", b"")
    for name in reversed(IN_ORDER[position:]):
        write_file(name, WHISPER)

    assert find_subtitles(video) == video.with_name(IN_ORDER[position])
    assert find_subtitles(str(video)) == video.with_name(IN_ORDER[position])


def test_other_files_are_not_taken(write_file, tmp_path: Path) -> None:
    video = write_file("talk.mp4", b"")
    for name in (
        "talk2.srt",
        "talk-en.srt",
        "talk.info.json",
        "talk.part1.srt",
        "Talk.srt",
        "talk.txt",
        "srt",
    ):
        write_file(name, WHISPER)
    write_file("talk.json", '{"title": "not subtitles"}')
    write_file("talk.en.json", b"\x00\xff broken")
    (tmp_path / "talk.srt").mkdir()

    assert find_subtitles(video) is None


def test_a_stem_with_dots_and_brackets(write_file) -> None:
    video = write_file("my [best] talk.v2.mp4", b"")
    subtitles = write_file("my [best] talk.v2.en.srt", "")

    assert find_subtitles(video) == subtitles


def test_a_missing_video_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoNotFoundError, match=r"absent\.mp4"):
        find_subtitles(tmp_path / "absent.mp4")
