"""A profile: each section in a process of its own, so that one that fails or hangs leaves the others whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clamr_select.eval.speed.report import markdown_table
from clamr_select.eval.speed.settings import Settings

SECTION_MODULE = "clamr_select.eval.speed.section"
CPU_SECTIONS = (
    *("reading", "screen_text", "encoding_ways", "scoring_peers", "second_question", "choosing", "exporting"),
    "scaling",
)
GPU_SECTIONS = ("roofline", "plain_scoring", "encoding", "nano")


@dataclass(frozen=True)
class SectionResult:
    """What one section measured."""

    name: str
    records: list[dict[str, Any]]
    seconds: float
    failure: str | None
    """Why it did not finish; None where it did."""


def run_sections(names: Sequence[str], *, settings: Settings, max_seconds: float) -> list[SectionResult]:
    """Every section, one after the other.

    Args:
        max_seconds: of one section; it is ended then, and what it measured so far is kept.
    """
    return [_run(name, settings=settings, max_seconds=max_seconds) for name in names]


def _run(name: str, *, settings: Settings, max_seconds: float) -> SectionResult:
    command = [sys.executable, "-m", SECTION_MODULE, name, json.dumps(asdict(settings))]
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


def write_report(results: list[SectionResult], *, name: str, output: Path, machine: dict[str, Any]) -> str:
    """``NAME.json``, ``NAME.md`` and a picture of each section in a folder; the Markdown is returned too."""
    output.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine, "sections": [vars(result) for result in results]}
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (output / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    lines = [", ".join(f"{fact} {value}" for fact, value in machine.items()), ""]
    for result in results:
        lines += [f"## {result.name} ({result.seconds:.0f} s)", ""]
        lines += [] if result.failure is None else [f"**Failed: {result.failure}.**", ""]
        lines += [*markdown_table(result.records), ""]
        lines += _picture(result, output / f"{name}_{result.name}.png")
    (output / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")
    return "\n".join(lines)


def _picture(result: SectionResult, path: Path) -> list[str]:
    """Lines that show it; none where nothing was timed, or matplotlib is missing, as where only torch is there."""
    if find_spec("matplotlib") is None:
        return []
    from clamr_select.eval.speed.plot import GROWING, save_growth, save_timings

    if result.name == GROWING and result.records:
        save_growth(result.records, path)
    elif not save_timings(result.records, path, title=result.name):
        return []
    return [f"![{result.name}]({path.name})", ""]
