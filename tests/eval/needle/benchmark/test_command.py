"""The command as a user runs it, small."""

from __future__ import annotations

import json

import pytest

from clamr_select.cli import main


def test_tables_json_and_plot_from_one_command(tmp_path, capsys):
    options = ["--num-documents", "6", "--noise", "clean", "--systems", "clamr", "pooled", "bm25_words", "oracle"]
    assert main(["eval", "needle", "--task", "retrieval", *options, "--output", str(tmp_path), "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "Retrieval, hard documents, clean" in printed
    assert "Retrieval, independent documents, clean" in printed
    assert "left out: pooled" in printed
    report = json.loads((tmp_path / "needle.json").read_text(encoding="utf-8"))
    assert report["checkpoints"] == {"clamr": "clamr-nano"}
    hard = report["noise"]["clean"]["retrieval"]["hard"]
    assert hard["systems"]["oracle"]["recall@1"]["all"] >= hard["systems"]["bm25_words"]["recall@1"]["all"]
    assert (tmp_path / "needle.png").stat().st_size > 10_000


def test_probes_are_of_hard_and_of_independent_documents(tmp_path, capsys):
    options = ["--num-documents", "6", "--noise", "clean", "--systems", "clamr", "--output", str(tmp_path)]
    assert main(["eval", "needle", "--task", "counterfactual", "lengths", *options, "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "needle.json").read_text(encoding="utf-8"))["noise"]["clean"]
    for documents in ("hard", "independent"):
        assert f"blanked, nDCG@10, {documents} documents, clean" in printed
        assert len(report["counterfactual"][documents]) == 6
    assert report["counterfactual"]["hard"] != report["counterfactual"]["independent"]
    assert "by candidates in the document that answers" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "sing"], "task"),
        (["--systems", "magic"], "system"),
        (["--noise", "loud"], "noise"),
        (["--checkpoints", "nowhere"], "no such directory"),
        (["--seed", "-1"], "the seed -1; at least 2, 1 and 0"),
        (["--threads", "-1"], "--threads must be at least 1"),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_status_two(options, message, capsys):
    assert main(["eval", "needle", "--num-documents", "4", *options]) == 2
    assert message in capsys.readouterr().err
