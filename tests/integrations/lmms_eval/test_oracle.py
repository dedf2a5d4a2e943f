"""A model that can only read the numbers it is shown: at chance with even sampling, right with selected frames."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SELECTOR = "clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"
CHANCE = 0.25
Evaluate = Callable[..., dict[str, Any]]
CommandLine = Callable[..., subprocess.CompletedProcess[str]]


def accuracy(result: dict[str, Any]) -> float:
    return float(result["results"]["barcodes"]["accuracy,none"])


def results_of(folder: Path) -> dict[str, Any]:
    (file,) = folder.rglob("*_results.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("arguments", ["", "base=oracle,clamr_mode=uniform", "base=oracle,clamr_mode=off"])
def test_at_chance_with_its_own_frames(evaluate: Evaluate, arguments: str) -> None:
    assert accuracy(evaluate("clamr" if arguments else "oracle", arguments)) == CHANCE


@pytest.mark.parametrize(
    ("base", "emit"),
    [("oracle", "handle"), ("oracle", "images"), ("oracle", "frames"), ("oracle", "clip"), ("oracle_file", "images")],
)
def test_right_with_selected_frames(evaluate: Evaluate, base: str, emit: str) -> None:
    arguments = f"base={base},{SELECTOR},clamr_emit={emit}"

    assert accuracy(evaluate("clamr", arguments)) == 1.0


def test_the_command_line(command_line: CommandLine, tmp_path: Path) -> None:
    """``python -m lmms_eval`` as users run it: the entry point, a simple model, clips, and the log of samples."""
    command_line(
        "--model", "clamr", "--model_args", f"base=oracle_file,{SELECTOR},clamr_store={tmp_path / 'store'}",
        "--tasks", "barcodes", "--log_samples", "--output_path", str(tmp_path / "out"),
    )  # fmt: skip

    results = results_of(tmp_path / "out")
    assert results["results"]["barcodes"]["accuracy,none"] == 1.0
    assert results["config"]["model"] == "clamr"
    (samples,) = (tmp_path / "out").rglob("*_samples_barcodes.jsonl")
    assert len(samples.read_text(encoding="utf-8").splitlines()) == 8
    assert len(list((tmp_path / "store").rglob("*.mp4"))) == 8


def test_an_identical_run_is_served_from_the_cache(evaluate: Evaluate, tmp_path: Path) -> None:
    """Although the base changes its generation arguments in place, which alone keeps lmms-eval's cache from hitting."""
    asked = f"base=oracle,{SELECTOR}"
    cache = tmp_path / "cache"

    def num_answers() -> int:
        with sqlite3.connect(next(cache.rglob("*.db"))) as database:
            return int(database.execute("SELECT COUNT(*) FROM responses").fetchone()[0])

    first = evaluate("clamr", asked, use_cache=str(cache))
    stored = num_answers()
    log = tmp_path / "log"
    again = evaluate("clamr", asked, use_cache=str(cache))
    assert (accuracy(first), accuracy(again), stored, num_answers()) == (1.0, 1.0, 8, 8)

    # every one of the selector's arguments: test_options.py computes the key as lmms-eval does
    changed = (
        "clamr_num_frames=4", "clamr_query=options", "clamr_policy=topk_gap", "clamr_emit=frames", "clamr_effort=fast",
    )  # fmt: skip
    for number, other in enumerate(changed, start=2):
        result = evaluate("clamr", f"{asked},{other},clamr_log={log / str(number)}", use_cache=str(cache))
        assert num_answers() == 8 * number
        assert len(next((log / str(number)).glob("*.jsonl")).read_text(encoding="utf-8").splitlines()) == 8
        assert accuracy(result) > CHANCE


@pytest.mark.slow
def test_two_ranks(command_line: CommandLine, tmp_path: Path) -> None:
    """Round-robin over two processes with one store: every document is answered once, both write their record."""
    command_line(
        "--model", "clamr",
        "--model_args", f"base=oracle,{SELECTOR},clamr_log={tmp_path / 'log'},clamr_store={tmp_path / 'store'}",
        "--tasks", "barcodes", "--output_path", str(tmp_path / "out"), "--limit", "7",
        launcher=(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "lmms_eval"),
        ACCELERATE_USE_CPU="true", MASTER_PORT=str(20_000 + os.getpid() % 20_000),
    )  # fmt: skip

    assert results_of(tmp_path / "out")["results"]["barcodes"]["accuracy,none"] == 1.0
    by_rank = {
        file.stem[-1]: {json.loads(line)["doc_id"] for line in file.read_text(encoding="utf-8").splitlines()}
        for file in (tmp_path / "log").glob("*.jsonl")
    }
    assert by_rank["0"] == {0, 2, 4, 6}
    assert by_rank["1"] >= {1, 3, 5}
    # two videos, each asked about by both ranks, stand there once
    assert len(list((tmp_path / "store" / "embeddings").rglob("*.safetensors"))) == 2
