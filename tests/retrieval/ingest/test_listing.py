"""Folders, lists and files to videos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.listing import list_videos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a/c.MKV", "a/notes.md", "a/d.webm"):
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(b"")
    return tmp_path / "f"


def bare(*paths: Path) -> list[VideoFile]:
    return [VideoFile(str(path)) for path in paths]


def test_a_folder_is_searched_to_its_bottom(folder: Path) -> None:
    assert list_videos([folder]) == bare(folder / "a/c.MKV", folder / "a/d.webm", folder / "b.mp4")


def test_a_list_is_read_and_nothing_stands_twice(folder: Path) -> None:
    listed = folder / "all.txt"
    listed.write_text("# mine\nb.mp4\n\na/d.webm\ngone.mp4\n", encoding="utf-8")
    expected = bare(folder / "b.mp4", folder / "a/d.webm", folder / "gone.mp4")
    assert list_videos([listed, folder / "b.mp4"]) == expected


def test_a_list_tells_what_is_known_of_each_video(folder: Path) -> None:
    listed = folder / "all.jsonl"
    lines = [
        {
            "path": "b.mp4",
            "title": "Forces",
            "description": "A cart.",
            "subtitles": "s/b.srt",
            "year": 2021,
            "tags": ["x"],
        },
        {"path": str(folder / "a/d.webm")},
    ]
    listed.write_text("".join(json.dumps(line) + "\n\n" for line in lines), encoding="utf-8")
    known = VideoFile(
        str(folder / "b.mp4"),
        title="Forces",
        description="A cart.",
        subtitles=str(folder / "s/b.srt"),
        metadata={"year": 2021, "tags": ["x"]},
    )

    assert list_videos([listed]) == [known, *bare(folder / "a/d.webm")]
    # wherever else the file is met, what is known of it stays
    for sources in ([listed, folder], [folder, listed]):
        assert known in list_videos(sources)
        assert len(list_videos(sources)) == 3


def test_wrong_lines_are_named_by_their_number(folder: Path) -> None:
    listed = folder / "all.jsonl"
    lines = [
        '{"path": "b.mp4"}',
        "b.mp4",
        '{"title": "no path"}',
        '{"path": "b.mp4", "title": 7}',
        '{"path": "b.mp4", "a.b": 1}',
        '{"path": "b.mp4", "metadata": {"year": 1}}',
        '["b.mp4"]',
    ]
    listed.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        list_videos([listed])
    said = str(raised.value).splitlines()
    assert [line.partition("line ")[2][0] for line in said[:5]] == ["2", "3", "4", "5", "6"]
    assert said[5] == "… and 1 more"
    for number, part in ((0, "no JSON"), (2, '"title" must be a text'), (3, "without dots"), (4, "beside")):
        assert part in said[number]

    for wrong, part in (
        ('{"path": "b\\u0000.mp4"}', "zero character"),
        ('{"path": "b.mp4", "title": "cut \\ud83d"}', "must be JSON"),
        ('{"path": "b.mp4", "video_id": "dQw4"}', "give another name"),
    ):
        listed.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match=f"line 1: .*{part}"):
            list_videos([listed])
    (folder / "zero.txt").write_text("b.mp4\nb\0.mp4\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: .*zero character"):
        list_videos([folder / "zero.txt"])
    for name in ("all.jsonl", "all.txt"):
        (folder / name).write_bytes(b"\xff\xfe{}")
        with pytest.raises(InputError, match="not UTF-8"):
            list_videos([folder / name])


def test_lists_of_other_programs_are_read(folder: Path) -> None:
    """A byte order mark, carriage returns, and line separators inside a JSON text, which end no line."""
    described, paths = folder / "all.jsonl", folder / "all.txt"
    title = "One\u2028two\x85three"
    line = json.dumps({"path": "b.mp4", "title": title}, ensure_ascii=False)
    described.write_bytes(f"\ufeff{line}\r\n{line}\r\n".encode())
    assert list_videos([described]) == [VideoFile(str(folder / "b.mp4"), title=title)]
    paths.write_bytes("\ufeffb.mp4\r\na/d.webm\r\n".encode())
    assert list_videos([paths]) == bare(folder / "b.mp4", folder / "a/d.webm")


def test_two_lines_that_differ_about_one_file_are_refused(folder: Path) -> None:
    listed = folder / "all.jsonl"
    listed.write_text('{"path": "b.mp4", "year": 1}\n{"path": "a/../b.mp4", "year": 1}\n', encoding="utf-8")
    assert len(list_videos([listed])) == 2  # another spelling is another path; the bytes will tell
    listed.write_text('{"path": "b.mp4", "year": 1}\n{"path": "b.mp4", "year": 2}\n', encoding="utf-8")
    with pytest.raises(InputError, match="different things of"):
        list_videos([listed])


def test_nothing_to_list(folder: Path) -> None:
    with pytest.raises(VideoNotFoundError, match="nowhere"):
        list_videos([folder / "nowhere"])
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="no video in"):
        list_videos([folder / "empty"])
