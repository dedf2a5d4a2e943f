"""What a run leaves for the next one, whole or torn."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from clamr_select.cli import main
from clamr_select.errors import DamagedCorpusError, InputError
from clamr_select.retrieval.ingest.journal import Journal, Line, Stamp


def done(path: Path, video_id: str = "a") -> Line:
    return Line(str(path), "done", Stamp.of(path), video_id)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"bytes")
    return path


def test_a_line_is_known_until_its_file_changes(tmp_path: Path, video: Path) -> None:
    with Journal(tmp_path / "j" / "ingest.jsonl") as journal:
        assert journal.ended(video) is None
        journal.write([done(video)])
        assert journal.ended(video) == done(video)
    with Journal(tmp_path / "j" / "ingest.jsonl") as journal:
        assert journal.ended(video) == done(video)
        os.utime(video, ns=(0, 0))
        assert journal.ended(video) is None


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_torn_last_line_is_forgotten(tmp_path: Path, video: Path, kept: int) -> None:
    path, other = tmp_path / "ingest.jsonl", tmp_path / "w.mp4"
    other.write_bytes(b"others")
    with Journal(path) as journal:
        journal.write([done(video), done(other, "b")])
    first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(first + b"\n" + second[:kept])
    with Journal(path) as journal:
        assert journal.ended(video) == done(video)
        assert journal.ended(other) is None
        journal.write([done(other, "b")])
    with Journal(path) as journal:
        assert journal.ended(other) == done(other, "b")


def test_damage_before_the_end_is_an_error(tmp_path: Path, video: Path) -> None:
    path = tmp_path / "ingest.jsonl"
    with Journal(path) as journal:
        journal.write([done(video)])
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(DamagedCorpusError, match="line 1"):
        Journal(path)


@pytest.mark.parametrize("text", [b"one line without an end", b"a list\nof videos", b'{"path": "a.mp4"}\n{"pat'])
def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "videos.txt"
    path.write_bytes(text)
    with pytest.raises(DamagedCorpusError, match=r"line 1 .*name another file"):
        Journal(path)
    assert path.read_bytes() == text


def test_what_failed_is_named_until_it_did_not(tmp_path: Path, video: Path) -> None:
    with Journal(tmp_path / "ingest.jsonl") as journal:
        journal.write([Line(str(video), "failed", Stamp.of(video), error="UnreadableVideoError: cut")])
        named = journal.write_failed()
        assert json.loads(named.read_text(encoding="utf-8")) == {
            "path": str(video),
            "error": "UnreadableVideoError: cut",
            "attempts": 1,
        }
        journal.write([done(video)])
        assert journal.failed == []
        assert journal.write_failed() is None
        assert not named.exists()


def test_what_failed_and_was_removed_is_named_no_longer(tmp_path: Path, video: Path) -> None:
    never_there = Line(str(tmp_path / "gone.mp4"), "failed", None, error="VideoNotFoundError: gone")
    with Journal(tmp_path / "ingest.jsonl") as journal:
        journal.write([Line(str(video), "failed", Stamp.of(video), error="UnreadableVideoError: cut"), never_there])
        assert len(journal.failed) == 2
        video.unlink()
        assert journal.failed == [never_there]


def test_two_journals_in_one_folder_leave_each_other_and_other_files_alone(tmp_path: Path, video: Path) -> None:
    mine = tmp_path / "failed.jsonl"
    mine.write_text("mine", encoding="utf-8")
    line = Line(str(video), "failed", Stamp.of(video), error="UnreadableVideoError: cut")
    with Journal(tmp_path / "a.jsonl") as first, Journal(tmp_path / "b.jsonl") as second:
        first.write([line])
        named = first.write_failed()
        assert second.write_failed() is None
    assert named.name == "a.failed.jsonl"
    assert named.exists()
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_file_that_is_gone_has_no_stamp(tmp_path: Path) -> None:
    assert Stamp.of(tmp_path / "gone.mp4") is None


def test_a_folder_is_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said before a model is loaded: there is none of this name."""
    with pytest.raises(InputError, match="a journal is a file, got the folder"):
        Journal(tmp_path)
    command = ["index", str(tmp_path), "--journal", str(tmp_path), "--model", "no-such-model"]
    assert main(command) == 2
    assert "a journal is a file, got the folder" in capsys.readouterr().err
