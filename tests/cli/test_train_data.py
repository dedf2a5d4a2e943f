from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clamr_select.cli import main


@pytest.fixture
def multivent(tmp_path: Path) -> Path:
    """One video of MultiVENT 2.0 with a frame and metadata, and a query about it."""
    (tmp_path / "train" / "000884").mkdir(parents=True)
    info = {"yt_meta_dict": {"info": {"title": "Cup final", "description": "The whole match. " * 60}}}
    (tmp_path / "train" / "000884" / "Wp2.json").write_text(json.dumps(info))
    (tmp_path / "mapping.json").write_text('{"000884/Wp2.mp4": [30, 60]}')
    (tmp_path / "frames").mkdir()
    for number in (30, 60):
        Image.fromarray(np.zeros((36, 64, 3), np.uint8)).save(tmp_path / f"frames/train_000884_Wp2_frame_{number}.jpg")
    (tmp_path / "queries.json").write_text(
        '{"train_000884_Wp2": {"query": "final, extra time", "query_type": "video"}, '
        '"train_000884_gone": {"query": "x", "query_type": "asr"}}'
    )
    return tmp_path


def test_convert_and_check(multivent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = multivent / "rows.jsonl"
    line = ["train-data", "multivent", str(multivent), "--frame-mapping", str(multivent / "mapping.json")]
    line += ["--queries", str(multivent / "queries.json"), "--output", str(rows)]
    assert main(line) == 2
    assert "1 of 2 rows are bad: queries.json[train_000884_gone]" in capsys.readouterr().err
    assert not rows.exists()
    bad = multivent / "bad.jsonl"
    assert main([*line, "--on-bad-row", "skip", "--bad-rows", str(bad)]) == 0
    assert json.loads(bad.read_text())["reason"] == "no video train_000884_gone in mapping.json"
    printed = capsys.readouterr().out
    assert "1 rows written" in printed
    assert "no ASR: 1 videos (train_000884_Wp2)" in printed
    check = ["train-data", "check", str(rows), "--frames-dir", str(multivent / "frames")]
    assert main([*check, "--model", "clamr-nano"]) == 0
    printed = capsys.readouterr().out
    assert "1 read, 1 good rows of 1 videos, 0 bad" in printed
    assert "asked about: video 1" in printed
    assert "frames: 2" in printed
    assert "tokens of 1 description texts are past their budget" in printed
    assert main([*check, "--model", "clamr-nano", "--max-tokens", "description=600"]) == 0
    assert "past their budget" not in capsys.readouterr().out
    assert main([*check, "--model", "clamr-nano", "--max-tokens", "description=2000"]) == 2
    assert "reads at most 640 tokens of a text, got 'description': 2000" in capsys.readouterr().err
    assert main([*check, "--max-tokens", "description=9"]) == 2
    assert "name it with --model" in capsys.readouterr().err
    (multivent / "frames" / "train_000884_Wp2_frame_60.jpg").unlink()
    assert main(check) == 2
    assert "bad: rows.jsonl:1 (train_000884_Wp2): no frame at" in capsys.readouterr().out


def test_check_of_a_folder_of_videos(color_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(color_video, tmp_path / "one.mp4")
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"video_id": "one", "query": "red", "query_type": "video"}\n')
    assert main(["train-data", "check", str(tmp_path), "--queries", str(queries), "--num-frames", "3"]) == 0
    assert "frames: 3" in capsys.readouterr().out


def test_msrvtt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captions = tmp_path / "captions.json"
    captions.write_text('[{"video": "video7.mp4", "caption": "a man, cooking"}]')
    assert main(["train-data", "msrvtt", str(captions), "--output", str(tmp_path / "rows.jsonl")]) == 0
    assert json.loads((tmp_path / "rows.jsonl").read_text())["query"] == ["a man, cooking"]
    assert capsys.readouterr().out == "1 rows written\n"


def test_half_a_surrogate_pair_is_a_bad_row_of_msrvtt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a name that is no text is another."""
    captions, rows, bad = (tmp_path / name for name in ("captions.json", "rows.jsonl", "bad.jsonl"))
    entries = [{"video_id": "v1", "caption": "a cat \ud83d"}, {"video_id": "v\ud83d", "caption": "a cat"}]
    entries += [{"video": 7, "caption": "a cat"}, {"video_id": "v2", "caption": "a dog"}]
    captions.write_text(json.dumps(entries))
    line = ["train-data", "msrvtt", str(captions), "--output", str(rows)]
    assert main([*line, "--on-bad-row", "skip", "--bad-rows", str(bad)]) == 0
    assert [json.loads(line)["video_id"] for line in rows.read_text().splitlines()] == ["v2"]
    assert [json.loads(line)["name"] for line in bad.read_text().splitlines()] == ["v1 (v1)", "v\ud83d", "7"]
    assert "3 of 4 rows are bad" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["check", "absent.jsonl"], "absent.jsonl"),
        (["msrvtt", "absent.json", "--output", "x.jsonl"], "absent.json"),
        (["multivent", ".", "--frame-mapping", "absent.json", "--output", "x.jsonl"], "absent.json"),
        (
            ["multivent", ".", "--frame-mapping", "m.json", "--judgments", "j.jsonl", "--output", "x.jsonl"],
            "--judgments needs --queries",
        ),
        (["msrvtt", "c.json", "--output", "x.jsonl", "--bad-rows", "bad.jsonl"], "--on-bad-row skip leaves out"),
    ],
)
def test_bad_input(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-data", *arguments]) == 2
    assert word in capsys.readouterr().err
