"""Budgets and what must be shown, on the command line: read, and refused before a model loads."""

from __future__ import annotations

import argparse

import pytest

from clamr_select.cli import main
from clamr_select.cli.choice_arguments import add_choice_arguments, choice_options


def parsed(*given: str) -> dict:
    parser = argparse.ArgumentParser()
    add_choice_arguments(parser)
    arguments = parser.parse_args(given)
    arguments.num_frames, arguments.policy = 8, "topk_gap"
    return choice_options(arguments)


def test_what_is_given_reaches_the_selection():
    assert parsed() == {"num_frames": 8, "policy": "topk_gap"}
    found = parsed("--include", "first", "12.5", "--policy-option", "min_gap_seconds=4", "--clip-seconds", "2")
    assert found["include"] == ("first", 12.5)
    assert (found["min_gap_seconds"], found["clip_seconds"]) == (4, 2.0)
    assert parsed("--adaptive") == {"num_frames": "auto", "max_frames": 8, "policy": "topk_gap"}
    assert parsed("--vlm", "qwen3-vl", "--max-tokens", "900")["max_tokens"] == 900
    assert parsed("--question-rules")["question_rules"] == "rules"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--vlm", "qwen3-vl"], "vlm and max_tokens go together"),
        (["--question-llm", "http://x/v1"], "go together"),
        (["--policy-option", "gap"], "NAME=VALUE"),
        (["--include", "middle"], "include takes"),
        (["--resolution", "tiny"], "unknown resolution"),
    ],
)
def test_wrong_options_are_one_line(given, message, capsys, tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(b"")
    assert main(["select", str(video), "who?", *given]) == 2
    assert message in capsys.readouterr().err
