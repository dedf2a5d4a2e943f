"""The scripts that a machine with weights would run, on tiny models and made data sets: every command of them works."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "eval" / "runs"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("lmms_eval") is None, reason="lmms-eval is not installed"),
]


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.sh") if path.name != "common.sh"))
def test_the_script_runs(script: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    output = tmp_path_factory.getbasetemp() / "runs"
    variables = {"SMOKE": "1", "PYTHON": sys.executable, "OUTPUT": str(output), "LIMIT": "1", "DOCUMENTS": "10"}
    environment = {**os.environ, **variables, "CLAMR_SELECT_CACHE": str(output / "cache")}
    done = subprocess.run(
        ["bash", str(SCRIPTS / script)], capture_output=True, text=True, env=environment, check=False, timeout=900
    )

    assert done.returncode == 0, done.stderr[-4000:]
    assert list((output / "reports").rglob("*.md")) or list((output / "reports").rglob("*.json"))
