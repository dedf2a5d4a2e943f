"""``clamr-select eval library``, small: exact is exact, what is lost is small, and a plan adds up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from clamr_select.cli import main
from clamr_select.errors import InputError
from clamr_select.eval.library.plan import PerVideo, measure, plan
from clamr_select.retrieval import CorpusOptions, Schema, VideoCorpus, VideoEmbeddings
from clamr_select.retrieval.ingest.journal import Journal, Line
from clamr_select.retrieval.ingest.run import JOURNAL_NAME


@pytest.mark.slow
def test_exact_searches_equal_brute_force(tmp_path, capsys):
    assert (
        main(
            [
                "eval",
                "library",
                "needle",
                "bound",
                "--num-documents",
                "40",
                "--device",
                "cpu",
                "--output",
                str(tmp_path),
            ]
        )
        == 0
    )
    report = json.loads((tmp_path / "library.json").read_text())
    found = report["needle"]
    rows = {row["setting"]: row for row in found["rows"]}

    assert found["num_videos"] == 40
    for similarity in ("token_max", "modality_max"):
        exact = rows[f"float32, exact, {similarity}"]
        assert exact["top10_recall"] == 1.0
        assert exact["worst_score_error"] < 1e-5
    assert all(abs(row["ndcg@10_difference"][0]) <= 0.5 for row in rows.values())
    assert "float16 + int8, codes, token_max" in capsys.readouterr().out
    assert [row["share"] for row in report["bound"]["rows"]] == [1.0, 0.5, 0.2, 0.1, 0.05, 0.02]
    assert report["bound"]["num_videos"] == 2


def test_growth_is_measured_and_drawn(tmp_path, capsys):
    command = ["eval", "library", "growth", "--sizes", "20", "60", "--num-tokens", "8", "--dim", "16"]
    assert main([*command, "--output", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "library.json").read_text())["growth"]["rows"]

    assert [row["num_videos"] for row in rows] == [20, 60]
    assert 0 < rows[0]["put_seconds"] < rows[1]["put_seconds"]
    assert (tmp_path / "growth.png").stat().st_size > 10_000
    assert "| 60 |" in capsys.readouterr().out

    # what was measured is not measured again
    command[4:6] = ["60", "70"]
    assert main([*command, "--output", str(tmp_path)]) == 0
    again = json.loads((tmp_path / "library.json").read_text())["growth"]["rows"]
    assert again[0] == rows[1]
    assert [row["num_videos"] for row in again] == [60, 70]
    command[4:6] = ["30", "70"]  # which it has passed
    assert main([*command, "--output", str(tmp_path)]) == 2
    assert "has 70 videos already, so 30 cannot be measured; name another folder" in capsys.readouterr().err
    command[command.index("--num-tokens") + 1] = "9"
    assert main([*command, "--output", str(tmp_path)]) == 2
    assert "name another folder" in capsys.readouterr().err


def test_a_plan_adds_up():
    found = plan(PerVideo(3600, 5000, 128, index_seconds_per_hour=180, cost_per_hour=2.0), hours=1e6)
    row = next(r for r in found["rows"] if (r["storage"], r["codes"], r["joint"]) == ("float16", "none", False))

    assert found["videos"] == 1e6
    assert found["worker_hours"] == 50_000
    assert found["cost"] == 100_000
    assert row["exact_memory_tib"] == pytest.approx(1e6 * 5000 * 128 * 2 / 2**40)
    assert row["exact_memory_tib"] < row["disk_tib"] < row["exact_memory_tib"] + 0.05


def test_a_plan_takes_its_figures_from_a_library(tmp_path, capsys):
    tokens = np.eye(16, dtype=np.float32)
    place = tmp_path / "library"
    with VideoCorpus.open(place, schema=Schema(("video", "asr"), 16, CorpusOptions())) as corpus:
        for number, (count, seconds) in enumerate([(4, 60.0), (8, 120.0)]):
            vectors = {"video": tokens[:count], "asr": tokens[:2]}
            corpus.add([VideoEmbeddings(f"v{number}", vectors, duration_seconds=seconds)])
    video = tmp_path / "v.mp4"
    with Journal(place / JOURNAL_NAME) as journal:
        journal.write([Line(str(video) + n, "done", None, f"v{n}", seconds=s) for n, s in (("0", 3.0), ("1", 6.0))])
        journal.write([Line("gone", "failed", None, error="it was")])

    found = measure(str(place))

    assert found.tokens_per_video == {"video": 6.0, "asr": 2.0}
    assert (found.num_videos, found.hours, found.num_bounded) == (2, pytest.approx(0.05), 0)
    assert found.index_seconds_per_hour == pytest.approx(180)
    assert main(["eval", "library", "plan", "--library", str(place), "--hours", "1000", "--cost-per-hour", "2"]) == 0
    said = capsys.readouterr().out
    assert "tokens kept a video: video 6, asr 2" in said
    assert "40,000 videos of 8 tokens; 50 worker hours, cost 100" in said
    # what is said goes before what was measured
    assert main(["eval", "library", "plan", "--library", str(place), "--hours", "1000", "--index-seconds", "360"]) == 0
    assert "100 worker hours" in capsys.readouterr().out


def test_without_a_pace_worker_hours_are_unknown(capsys):
    command = ["eval", "library", "plan", "--tokens-per-video", "9", "--seconds-per-video", "60"]
    assert main(command) == 0
    assert "worker hours unknown: give --index-seconds" in capsys.readouterr().out
    assert main([*command, "--cost-per-hour", "2"]) == 2
    assert "give --index-seconds" in capsys.readouterr().err
    assert main([*command, "--cost-per-hour", "2", "--index-seconds", "0.36", "--hours", "10000"]) == 0
    assert "1 worker hours, cost 2" in capsys.readouterr().out


def test_wrong_arguments(capsys):
    assert main(["eval", "library", "speed"]) == 2
    assert "needle, bound, growth, plan" in capsys.readouterr().err
    assert main(["eval", "library", "plan"]) == 2
    assert "--tokens-per-video" in capsys.readouterr().err
    with pytest.raises(InputError, match="seconds must be positive"):
        PerVideo(0, 1)
    with pytest.raises(InputError, match="hours must be positive"):
        plan(PerVideo(1, 1), hours=0)
