"""The command as a user runs it: rows and presets in; tables, JSON and a picture out."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clamr_select.cli import main
from clamr_select.errors import InputError
from clamr_select.eval.needle.as_rows import write_rows as write_needle_rows
from clamr_select.eval.needle.documents import DocumentSet, documents
from clamr_select.eval.retrieval.presets import PRESETS, read_preset
from clamr_select.eval.retrieval.systems import expand
from clamr_select.training.data.opening import open_index
from tests.training.convert.make_copies import write_msrvtt, write_multivent

SCRIPT = Path(__file__).parents[3] / "eval" / "runs" / "tables1_to_6_retrieval.sh"


@pytest.fixture
def command(rows_file: Path, videos: Path, tmp_path: Path) -> list[str]:
    options = ["--rows", str(rows_file), "--video-dir", str(videos), "--num-frames", "2", "--device", "cpu"]
    return ["eval", "retrieval", *options, "--output", str(tmp_path / "out")]


def test_tables_json_and_plot_from_one_command(
    command: list[str], tiny: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = [f"clip={tiny['clip']}", f"siglip2={tiny['siglip2']}"]
    systems = ["clamr", "clamr_asr", "clamr_router", "clip_video", "clip_max", "siglip2_video", "bm25", "pooled"]
    given = [*command, "--weights", *weights, "--systems", *systems]
    assert main([*given, "--shard", "0/2", "--part-size", "4"]) == 0
    assert "shard 0/2 is done" in capsys.readouterr().out
    assert not (tmp_path / "out" / "retrieval.json").exists()
    assert main([*given, "--part-size", "4"]) == 0
    printed = capsys.readouterr().out
    assert "10 questions, 10 videos, 12 pairs that answer" in printed
    assert "intervals draw the 9 videos that answer best" in printed
    assert "| system | R@1 | R@5 | R@10 | nDCG@10 | MRR | `clamr` less this, nDCG@10 |" in printed
    assert "Left out, no checkpoint of its own: `pooled`." in printed
    assert "tokens of text for `clip`" in printed
    report = json.loads((tmp_path / "out" / "retrieval.json").read_text(encoding="utf-8"))
    assert list(report["systems"]) == systems[:-1]
    assert (tmp_path / "out" / "retrieval.md").read_text(encoding="utf-8") == printed
    assert (tmp_path / "out" / "bad_rows.jsonl").read_text() == ""
    with Image.open(tmp_path / "out" / "retrieval.png") as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert (shown != 255).any(axis=2).mean() > 0.02


def test_the_systems_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "retrieval", "--list"]) == 0
    printed = capsys.readouterr().out
    assert "words: bm25 bm25_trigrams" in printed
    assert "clap: clap_audio" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "rows.jsonl"], "--output DIR is needed"),
        (["--output", "out"], "give --preset NAME with --data DIR, or --rows ROWS"),
        (["--preset", "msrvtt", "--output", "out"], "--data DIR"),
        (["--preset", "msrvtt", "--data", ".", "--rows", "r.jsonl", "--output", "out"], "or --rows"),
        (["--preset", "nothing", "--data", ".", "--output", "out"], "neither a preset"),
        (["--preset", "msrvtt", "--data", ".", "--output", "out"], "clamr-select train-data msrvtt"),
        (["--rows", "nowhere.jsonl", "--output", "out"], "no rows at"),
        (["--rows", "x.jsonl", "--output", "out", "--systems", "magic"], "unknown system"),
        (["--rows", "x.jsonl", "--output", "out", "--weights", "magic=x"], "unknown family"),
        (["--rows", "x.jsonl", "--output", "out", "--shard", "2/2"], "0 <= I < N"),
        (["--rows", "x.jsonl", "--output", "out", "--max-tokens", "asr"], "--max-tokens"),
        (["--rows", "x.jsonl", "--output", "out", "--seed", "-1"], "seed must be at least 0, got -1"),
        (["--rows", "x.jsonl", "--output", "out", "--checkpoints", "nowhere"], "no such directory"),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_status_two(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["eval", "retrieval", *options]) == 2
    assert message in capsys.readouterr().err


def run_step(step: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(step)
    assert program == "clamr-select"
    monkeypatch.chdir(folder)
    assert main(arguments) == 0


def test_multivent_from_its_files_to_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_multivent(tmp_path)
    (tmp_path / "mapping.json").rename(tmp_path / "multivent_train_mapping.json")
    preset = read_preset("multivent2")
    run_step(preset.prepare[0], tmp_path, monkeypatch)
    _, _, second = preset.prepare[1].partition(": ")
    run_step(second.partition(", then")[0], tmp_path, monkeypatch)
    options = ["--preset", "multivent2", "--data", ".", "--documents", "documents.jsonl", "--output", "out"]
    assert main(["eval", "retrieval", *options, "--systems", "ours", "words", "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "3 questions, 4 videos, 4 pairs that answer" in printed
    row = next(line for line in printed.splitlines() if line.startswith("| `clamr` |"))
    assert row.endswith("| 88.0 | 58.5 |")  # the paper's, beside ours


def test_msrvtt_from_its_files_to_a_table(
    tmp_path: Path, videos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_msrvtt(tmp_path)
    preset = read_preset("msrvtt")
    run_step(preset.prepare[0], tmp_path, monkeypatch)
    (tmp_path / "videos").mkdir(exist_ok=True)
    sources = sorted(videos.iterdir())
    for row, source in zip((tmp_path / "rows.jsonl").read_text().splitlines(), sources, strict=False):
        (tmp_path / "videos" / json.loads(row)["video"]).write_bytes(source.read_bytes())
    options = ["--preset", "msrvtt", "--data", ".", "--output", "out", "--systems", "clamr", "--device", "cpu"]
    assert main(["eval", "retrieval", *options]) == 0
    assert "paper's nDCG@10" in capsys.readouterr().out


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_systems_that_there_are(name: str) -> None:
    preset = read_preset(name)
    known = expand([*preset.systems, *preset.published])
    assert set(preset.published) <= known.keys()
    assert all(0 < value <= 100 for numbers in preset.published.values() for value in numbers.values())


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    own = json.loads(PRESETS["msrvtt"].read_text(encoding="utf-8")) | {"documents": "all.jsonl", "published": {}}
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own))
    (tmp_path / "rows.jsonl").write_text("")
    preset = read_preset(str(path))
    assert preset.num_frames == 32
    assert preset.files(tmp_path).documents == tmp_path / "all.jsonl"
    assert preset.files(tmp_path).frames_dir is None
    for change in ({"num_frames": "ten"}, {"systems": [1]}, {"colour": "red"}, {"systems": "clamr"}):
        path.write_text(json.dumps(own | change))
        with pytest.raises(InputError, match=next(iter(change))):
            read_preset(str(path))
    path.write_text(json.dumps({"about": "half of one"}))
    with pytest.raises(InputError, match="must have"):
        read_preset(str(path))


def test_needle_documents_become_rows(tmp_path: Path) -> None:
    found: DocumentSet = documents(seed=5, split="test", noise="clean", num_documents=6, max_frames=2)
    count = write_needle_rows(found, tmp_path)
    index = open_index(tmp_path / "rows.jsonl")
    assert len(index) == count == sum(len(question.query.positive_documents) for question in found.questions)
    row = index[0]
    number = int(row.video_id.rpartition("_")[2])
    assert number in found.questions[0].query.positive_documents
    assert row.queries == (found.questions[0].query.text,)
    with Image.open(tmp_path / "frames" / row.images[0]) as picture:
        assert np.array_equal(np.asarray(picture), found.documents[number].frames[0])
    assert len((tmp_path / "documents.jsonl").read_text().splitlines()) == len(found.documents)


@pytest.mark.slow
def test_the_script_of_the_papers_tables_runs(tmp_path: Path) -> None:
    variables = {"SMOKE": "1", "PYTHON": sys.executable, "OUTPUT": str(tmp_path / "runs")}
    environment = {**os.environ, **variables, "CLAMR_SELECT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(["bash", str(SCRIPT)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads((tmp_path / "runs/reports/retrieval_smoke/retrieval.json").read_text(encoding="utf-8"))
    clamr, pictures = (report["systems"][name]["recall@1"]["all"]["mean"] for name in ("clamr", "clamr_video"))
    assert clamr > pictures
    assert (tmp_path / "runs/reports/retrieval/needle.json").is_file()
