from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from clamr_select.context import describe
from clamr_select.errors import BadRowError, InputError
from clamr_select.training.data.asked import AskedQuery
from clamr_select.training.data.assemble import row_texts
from clamr_select.training.data.dataset import RowBatches
from clamr_select.training.data.folder import VideoFolder
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.rows import parse_row
from clamr_select.training.queries.checks import read_titles

SRT = "1\n00:00:01,000 --> 00:00:02,000\nthe <i>mass</i> resists\n\n2\n00:00:03,000 --> 00:00:04,000\nforce\n"


@pytest.fixture
def folder(color_video: Path, tmp_path: Path) -> Path:
    (tmp_path / "talks").mkdir()
    shutil.copy(color_video, tmp_path / "talks" / "one.mp4")
    shutil.copy(color_video, tmp_path / "two.mp4")
    (tmp_path / "talks" / "one.en.srt").write_text(SRT)
    (tmp_path / "talks" / "one.ocr.txt").write_text("F = m a\n  Newton\n")
    (tmp_path / "talks" / "one.info.json").write_text('{"title": "Lecture 2", "description": null, "id": 4}')
    return tmp_path


def test_videos_with_the_text_beside_them(folder: Path) -> None:
    asked = [AskedQuery("a", "talks/one", ("what resists?",), "asr"), AskedQuery("b", "two", ("red",), "video")]
    index = RowIndex(VideoFolder(folder), asked=asked)
    row = index[0]
    assert (row.asr, row.ocr, row.title) == ("the mass resists force", "F = m a Newton", "Lecture 2")
    dataset = RowBatches(index, loader=FrameLoader(video_dir=folder, num_frames=4), batch_size=2)
    batch = dataset[0]
    assert sorted(batch.document_keys) == ["talks/one", "two"]
    assert [len(document.frames) for document in batch.documents] == [4, 4]
    assert {len(document.texts) for document in batch.documents} == {3, 0}
    assert batch.documents[0].frames[0].shape == (180, 320, 3)


@pytest.mark.parametrize(
    ("title", "description", "encoded"),
    [
        (" Lecture\n2 ", None, "Lecture 2"),
        ("Lecture 2", "On  force.", "Lecture 2. On force."),
        ("On force", "On force and mass", "On force. On force and mass"),
        ("Lecture 2: On force", "On force", "Lecture 2: On force"),
        (None, "On force", "On force"),
    ],
)
def test_title_and_description_are_apart_and_encoded_as_one(
    folder: Path, title: str | None, description: str | None, encoded: str
) -> None:
    content = {"title": title, "description": description}
    (folder / "two.info.json").write_text(json.dumps(content))
    source = VideoFolder(folder)
    row = parse_row(source[1], place=source.place(1), needs_query=False)
    assert (row.title, row.description) == ((title or "").strip(), description or "")
    assert row_texts(row)["description"] == encoded == describe(title, description=description)
    assert read_titles(source) == ["Lecture 2"] + ([title] if title else [])


def test_bad_sidecars_and_videos_are_named(folder: Path) -> None:
    (folder / "talks" / "one.en.srt").write_bytes(b"\x00\x01")
    (folder / "two.info.json").write_text("[]")
    index_error = "3 of 3 rows are bad: talks/one.mp4: .*one.en.srt.*two.mp4: two.info.json"
    asked = [AskedQuery("a", "two", ("q",), "")]
    with pytest.raises(InputError, match=index_error):
        RowIndex(VideoFolder(folder), asked=asked)
    (folder / "two.info.json").unlink()
    (folder / "two.mp4").write_text("no video")
    index = RowIndex(VideoFolder(folder), asked=asked, on_bad_row="skip")
    with pytest.raises(BadRowError, match=r"two\.mp4"):
        FrameLoader(video_dir=folder).frames(index[0])


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        VideoFolder(tmp_path / "absent")
    with pytest.raises(InputError, match="no video"):
        VideoFolder(tmp_path)
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="more than their suffix"):
        VideoFolder(tmp_path)
