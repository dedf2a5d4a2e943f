"""``eval.speed gpu``: each section in a process of its own, so that one that fails or hangs leaves the others whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.eval.speed.report import markdown_table

SECTION_MODULE = "clamr_select.eval.speed.gpu_section"


@dataclass(frozen=True)
class SectionResult:
    """What one section measured."""

    name: str
    records: list[dict[str, Any]]
    seconds: float
    failure: str | None
    """Why it did not finish; None where it did."""


def run_sections(names: list[str], *, device: str, shape: str, max_seconds: float) -> list[SectionResult]:
    """Every section, one after the other.

    Args:
        max_seconds: of one section; it is ended then, and what it measured so far is kept.
    """
    return [_run(name, device=device, shape=shape, max_seconds=max_seconds) for name in names]


def _run(name: str, *, device: str, shape: str, max_seconds: float) -> SectionResult:
    command = [sys.executable, "-m", SECTION_MODULE, name, "--device", device, "--shape", shape]
    print(f"{name} …", file=sys.stderr, flush=True)
    started = time.perf_counter()
    failure = None
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=max_seconds, text=True, check=False)
        printed = done.stdout
        if done.returncode != 0:
            failure = f"exit status {done.returncode}; its error is above, on stderr"
    except subprocess.TimeoutExpired as expired:
        printed = expired.stdout.decode() if isinstance(expired.stdout, bytes) else expired.stdout or ""
        failure = f"not done after {max_seconds:.0f} s"
    # a line that was cut off by the end of the process holds no record
    records = [json.loads(line) for line in printed.splitlines(keepends=True) if line.endswith("\n")]
    seconds = time.perf_counter() - started
    print(f"{name}: {seconds:.1f} s{'' if failure is None else ', ' + failure}", file=sys.stderr, flush=True)
    return SectionResult(name, records, seconds, failure)


def write_report(results: list[SectionResult], *, output: Path, machine: dict[str, Any]) -> str:
    """``gpu.json`` and ``gpu.md`` in a folder; the Markdown is returned too."""
    output.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine, "sections": [vars(result) for result in results]}
    (output / "gpu.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = [", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    for result in results:
        lines += [f"## {result.name} ({result.seconds:.0f} s)", ""]
        lines += [] if result.failure is None else [f"**Failed: {result.failure}.**", ""]
        lines += [*markdown_table(result.records), ""]
    text = "\n".join(lines)
    (output / "gpu.md").write_text(text, encoding="utf-8")
    return text
