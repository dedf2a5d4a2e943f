"""SIGKILL at ten moments of a run, resumed each time: the curve and the weights of the run that nobody disturbed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from .killed_run import NUM_STEPS, train

NUM_KILLS = 10
MODULES = ["clamr_select.training.trainer", "clamr_select.training.nano", "clamr_select.training.arguments"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no fork server on Windows")
def test_a_run_killed_ten_times_has_the_same_curve(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)  # so that an attempt does not import torch anew
    straight = tmp_path / "straight"
    started = time.monotonic()
    finish(context, straight)
    seconds = time.monotonic() - started
    killed = tmp_path / "killed"
    rng = random.Random(5)
    marks = sorted(rng.sample(range(2, NUM_STEPS - 4), NUM_KILLS))
    for mark in marks:
        kill_after(context, killed, step=mark, delay=rng.uniform(0, 3 * seconds / NUM_STEPS))
        assert not (killed / "result.json").exists()
    finish(context, killed)
    assert json.loads((killed / "result.json").read_text()) == json.loads((straight / "result.json").read_text())
    assert not list(killed.glob(".unfinished-*"))


def finish(context, output: Path) -> None:
    process = context.Process(target=train, args=(str(output),))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == 0


def kill_after(context, output: Path, *, step: int, delay: float) -> None:
    """Kill the run some time after it has written a checkpoint at or past ``step``: at any line of its code."""
    process = context.Process(target=train, args=(str(output),))
    process.start()
    deadline = time.monotonic() + 60
    while newest_step(output) < step - step % 3 and process.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def newest_step(output: Path) -> int:
    steps = [int(path.name.removeprefix("checkpoint-")) for path in output.glob("checkpoint-*")]
    return max(steps, default=0)
