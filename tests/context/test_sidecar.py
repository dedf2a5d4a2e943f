"""Which file next to a video is taken for its subtitles."""

from __future__ import annotations

from pathlib import Path

import pytest

from clamr_select.context.sidecar import find_subtitles, find_usable_subtitles
from clamr_select.errors import VideoNotFoundError

SRT = "1\n00:00:01,000 --> 00:00:02,000\nhello\n"
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


def test_the_first_that_can_be_read_is_usable_and_those_before_it_are_named(write_file) -> None:
    video = write_file("talk.mp4", b"")
    assert find_usable_subtitles(video) == (None, ())
    write_file("talk.de.srt", SRT.replace("hello", ""))
    write_file("talk.en.srt", "no times")
    french, _ = write_file("talk.fr.srt", SRT), write_file("talk.zh.srt", "")

    usable, noted = find_usable_subtitles(video)

    assert usable == french
    assert [(code, message.partition("talk.")[2][:6]) for code, message in noted] == [
        ("subtitles_unused", "en.srt"),
        ("subtitles_unused", "de.srt"),
    ]


def test_beside_a_video_whose_folder_cannot_be_listed_there_are_no_subtitles(write_file, monkeypatch) -> None:
    """Its mode is 0711: what one names can be opened."""

    def refused(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    video, _ = write_file("talk.mp4", b""), write_file("talk.srt", SRT)
    monkeypatch.setattr(Path, "iterdir", refused)

    assert find_subtitles(video) is None
    usable, ((code, message),) = find_usable_subtitles(video)
    assert (usable, code) == (None, "subtitles_unused")
    assert "cannot be searched for subtitles: Permission denied" in message


def test_a_stem_with_dots_and_brackets(write_file) -> None:
    video = write_file("my [best] talk.v2.mp4", b"")
    subtitles = write_file("my [best] talk.v2.en.srt", "")

    assert find_subtitles(video) == subtitles


def test_a_missing_video_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoNotFoundError, match=r"absent\.mp4"):
        find_subtitles(tmp_path / "absent.mp4")
    with pytest.raises(VideoNotFoundError, match=r"absent\.mp4"):
        find_usable_subtitles(tmp_path / "absent.mp4")
