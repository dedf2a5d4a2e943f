"""Reading videos: our reader and others, in turns, each run in a process of its own."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.eval.speed.barcode_video import write_barcode_video
from clamr_select.eval.speed.peers import decoding
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.timing import summarize

OURS, LMMS_EVAL = "ours", "lmms-eval"
SECONDS_PER_GROUP = (2, 10)


def reading(settings: Settings) -> Iterator[Record]:
    """To open a video, to read a frame a second, to read a few at full size: groups of pictures of 2 and of 10 seconds,
    on one core and on two."""
    with tempfile.TemporaryDirectory() as folder:
        for seconds_per_group in SECONDS_PER_GROUP:
            video = write_barcode_video(
                Path(folder) / f"groups_{seconds_per_group}.mp4",
                num_seconds=settings.video_seconds,
                seconds_per_group=seconds_per_group,
            )
            tasks = settings.reading_tasks or tuple(decoding.TASKS)
            for task, num_cores in itertools.product(tasks, settings.num_cores):
                compared = compare_readers(
                    video,
                    task=task,
                    pythons=_pythons(task, settings),
                    num_cores=num_cores,
                    num_rounds=settings.num_runs,
                )
                what = f"{task}, key frame every {seconds_per_group} s, {num_cores} core{'s' * (num_cores > 1)}"
                yield from ({**record, "what": f"{what}, {record['what']}"} for record in compared)


def _pythons(task: str, settings: Settings) -> dict[str, str]:
    """Way to the Python that runs it."""
    found = {}
    for name in decoding.TASKS[task]:
        python = settings.lmms_eval_python if name == LMMS_EVAL else sys.executable
        if python is not None and (name == OURS or not settings.readers or name in settings.readers):
            found[name] = python
    return found


def compare_readers(
    video: Path, *, task: str, pythons: dict[str, str], num_cores: int, num_rounds: int
) -> list[Record]:
    """One record a way; a way that cannot run says why, and the others go on.

    Args:
        pythons: way to the Python that runs it; ``ours`` is among them.

    Raises:
        InputError: ours failed.
    """
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}
    failures: dict[str, str] = {}
    for _ in range(num_rounds):
        for name, python in pythons.items():
            if name in failures:
                continue
            found = _run(python, task, name, video, num_cores)
            if isinstance(found, str):
                failures[name] = found
            else:
                runs[name].append(found)
    if "ours" in failures:
        raise InputError(f"our reader failed: {failures['ours']}")
    ours = runs["ours"]
    return [
        _record(name, runs[name], ours) if runs[name] else {"what": name, "failed": failures[name]} for name in runs
    ]


def _record(name: str, runs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> Record:
    def timing(of: list[dict[str, Any]], field: str) -> Any:
        return summarize([run[field] for run in of])

    memory = max(run["extra MB"] for run in runs)
    return {
        "what": name,
        "with": runs[0]["with"],
        "CPU s": asdict(timing(runs, "CPU s")),
        "wall s": asdict(timing(runs, "wall s")),
        "CPU, to ours": timing(runs, "CPU s").median / timing(ours, "CPU s").median,
        "wall, to ours": timing(runs, "wall s").median / timing(ours, "wall s").median,
        "extra MB": memory,
        "memory, to ours": memory / max(1e-3, max(run["extra MB"] for run in ours)),
        "frames": runs[0]["frames"],
        "exact": min(run["exact"] / run["frames"] for run in runs) if runs[0]["frames"] else None,
    }


def _run(python: str, task: str, name: str, video: Path, num_cores: int) -> dict[str, Any] | str:
    """What was measured, or the last line of the error."""
    if not Path(python).is_file():
        raise InputError(f"there is no Python at {python}")
    command = [python, str(Path(decoding.__file__)), task, name, str(video), str(num_cores)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:200]
    return json.loads(done.stdout.splitlines()[-1])
