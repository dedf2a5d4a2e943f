"""Folders, lists and files to videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.retrieval.ingest.listing import list_videos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a/c.MKV", "a/notes.md", "a/d.webm"):
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(b"")
    return tmp_path / "f"


def test_a_folder_is_searched_to_its_bottom(folder: Path) -> None:
    assert list_videos([folder]) == [folder / "a/c.MKV", folder / "a/d.webm", folder / "b.mp4"]


def test_a_list_is_read_and_nothing_stands_twice(folder: Path) -> None:
    listed = folder / "all.txt"
    listed.write_text("# mine\nb.mp4\n\na/d.webm\ngone.mp4\n", encoding="utf-8")
    expected = [folder / "b.mp4", folder / "a/d.webm", folder / "gone.mp4"]
    assert list_videos([listed, folder / "b.mp4"]) == expected


def test_nothing_to_list(folder: Path) -> None:
    with pytest.raises(VideoNotFoundError, match="nowhere"):
        list_videos([folder / "nowhere"])
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="no video in"):
        list_videos([folder / "empty"])
