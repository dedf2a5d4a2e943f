"""Two processes and one, the same global batch: the same losses, gradients and weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("two_processes.py")


def run(output: Path, *, processes: int, batch_size: int, cache_gradients: bool) -> dict:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    start = launcher if processes > 1 else [sys.executable]
    command = [*start, str(SCRIPT), str(output), str(batch_size), str(cache_gradients)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((output / "result.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    one = run(tmp_path / "one", processes=1, batch_size=6, cache_gradients=False)
    two = run(tmp_path / "two", processes=2, batch_size=3, cache_gradients=True)
    assert len(one["losses"]) == 3
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-5)
    assert two["gradient_norms"] == pytest.approx(one["gradient_norms"], rel=1e-4)
    assert two["weights"] == pytest.approx(one["weights"], abs=1e-3)
    assert two["ndcg"] == pytest.approx(one["ndcg"], abs=1e-9)
    states = {path.name for path in (tmp_path / "two" / "checkpoint-3").glob("random_state_*")}
    assert states == {"random_state_0.safetensors", "random_state_1.safetensors"}
