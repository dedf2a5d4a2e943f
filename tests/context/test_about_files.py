"""Chapters in the container, and what yt-dlp writes beside a video."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clamr_select.context.chapters import Chapter, can_read_chapters, container_chapters, tidy_chapters
from clamr_select.context.info_json import MAX_BYTES, InfoJson, find_info_json, read_info_json
from clamr_select.context.metadata import describe
from clamr_select.errors import VideoNotFoundError

needs_chapters = pytest.mark.skipif(not can_read_chapters(), reason="the installed PyAV cannot read chapters")
INFO = {
    "title": "A  talk",
    "uploader": "someone",
    "channel": "The Channel",
    "tags": ["bread", "soup "],
    "description": "On bread.\nAnd soup.",
    "chapters": [
        {"start_time": 60.0, "end_time": 90, "title": "Soup"},
        {"start_time": 0, "end_time": 60.0, "title": "Bread"},
    ],
    "formats": [{"format_id": "18"}],
}


def write_chapters(path: Path, chapters: list[tuple[int, int, str]]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.set_chapters(
            [
                {"id": n, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for n, (start, end, title) in enumerate(chapters, 1)
            ]
        )
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    return path


@needs_chapters
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chapters_of_a_container(suffix: str, tmp_path: Path) -> None:
    path = write_chapters(tmp_path / f"talk{suffix}", [(0, 4000, "Bread"), (4000, 9500, "Soup  and salt")])

    assert container_chapters(path) == (Chapter(0.0, 4.0, "Bread"), Chapter(4.0, 9.5, "Soup and salt"))


def test_no_chapters_and_no_file(color_video: Path, tmp_path: Path) -> None:
    assert container_chapters(color_video) == ()
    with pytest.raises(VideoNotFoundError):
        container_chapters(tmp_path / "none.mp4")


def test_chapters_are_tidied() -> None:
    given = [Chapter(5, 3, "b"), Chapter(1, 2, " "), Chapter(float("nan"), 2, "c"), Chapter(0, 1, " a\na ")]

    assert tidy_chapters(given) == (Chapter(0, 1, "a a"), Chapter(5, 5, "b"))


def test_an_info_json(tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    assert find_info_json(video) is None
    path = tmp_path / "talk.info.json"
    path.write_text(json.dumps(INFO), encoding="utf-8")

    assert find_info_json(video) == path
    info = read_info_json(path)
    assert info == InfoJson(
        title="A talk",
        channel="The Channel",
        tags=("bread", "soup"),
        description="On bread. And soup.",
        chapters=(Chapter(0.0, 60.0, "Bread"), Chapter(60.0, 90.0, "Soup")),
    )
    tags = {"title": "tagged", "comment": "old"}
    assert describe(info=info, container_tags=tags) == "A talk. The Channel. bread, soup. On bread. And soup."
    assert describe(title="Mine", info=info) == "Mine. The Channel. bread, soup. On bread. And soup."
    assert describe(title="", description="", info=info, container_tags=tags) is None
    assert describe(info=InfoJson(title="A talk"), container_tags=tags) == "A talk. old"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[1]", "no JSON object"),
        (b"{", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"title": 3}', "title"),
        (b'{"tags": "a"}', "tags"),
        (b'{"chapters": {}}', "1 chapters"),
        (b'{"chapters": [{"title": "a", "start_time": "1"}, {"title": 2, "start_time": 1}, 3]}', "3 chapters"),
        (b'{"chapters": [{"title": "a", "start_time": NaN}]}', "1 chapters"),
        (b'{"chapters": [{"title": "a", "start_time": 0, "end_time": 1%s}]}' % (b"0" * 309), "1 chapters"),
    ],
)
def test_a_strange_info_json_is_a_warning(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.info.json"
    path.write_bytes(content)
    info = read_info_json(path)

    assert info.chapters == ()
    ((code, message),) = info.warnings
    assert code == "info_json"
    assert "talk.info.json" in message
    assert reason in message


def test_an_info_json_that_cannot_be_looked_at_is_none(tmp_path: Path, refuse_to_look_at) -> None:
    path = tmp_path / "talk.info.json"
    path.write_text("{}")
    refuse_to_look_at(path)

    assert find_info_json(tmp_path / "talk.mp4") is None


def test_a_huge_info_json_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "talk.info.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    assert "larger" in read_info_json(path).warnings[0][1]
