"""A part of the corpus in every run; all of it by ``python tests/robustness/run.py`` (docs/robustness.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("run.py")
NUM_FLIPS = 16
CUT_PERCENT = 25


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs fork and pidfd")
def test_every_file_ends_in_right_frames_warnings_or_our_errors(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    options = ["--flips", str(NUM_FLIPS), "--cut-percent", str(CUT_PERCENT), "--json", rows]
    done = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    found = json.loads(rows.read_text(encoding="utf-8"))

    assert len({row["file"] for row in found}) > 100
    assert {row["group"] for row in found} == {"valid", "cut", "flipped", "damaged", "no video", "hostile"}
    partial = [row for row in found if row["backend"] == "pyav" and row["outcome"] == "partial, said"]
    assert len(partial) > 10, "refusing everything is no way to pass"
