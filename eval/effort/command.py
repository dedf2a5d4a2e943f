"""``clamr-select eval effort``: arguments in, a table out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", default="test", metavar="NAME", help="test (default), validation or train")
    parser.add_argument("--num-videos", type=int, default=3, metavar="N", help="(default: 3)")
    parser.add_argument("--duration", type=int, default=10_800, metavar="S", help="seconds a video (default: 10800)")
    parser.add_argument("--questions", type=int, default=180, metavar="N", help="of each video (default: 180)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first video (default: 1)")
    parser.add_argument("--model", default="clamr-nano", metavar="NAME", help="(default: clamr-nano)")
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's choice)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="receives effort.md and effort.json")


def run(arguments: argparse.Namespace) -> int:
    import logging

    from transformers.utils import logging as transformers_logging

    from clamr_select.cli.arguments import set_threads
    from clamr_select.eval.effort.measure import EffortSettings, measure
    from clamr_select.eval.needle.documents import check_names
    from clamr_select.model.encoder import ClamrEncoder

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    transformers_logging.disable_progress_bar()
    set_threads(arguments.threads)
    check_names(arguments.split, "realistic")
    settings = EffortSettings(
        split=arguments.split,
        duration_seconds=arguments.duration,
        num_videos=arguments.num_videos,
        questions_per_video=arguments.questions,
        seed=arguments.seed,
    )
    report = measure(settings, encoder=ClamrEncoder.from_pretrained(arguments.model, device=arguments.device))
    text = format_report(report)
    print(text, end="")
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "effort.md").write_text(text, encoding="utf-8")
        as_json = json.dumps(report, ensure_ascii=False, indent=1)
        (arguments.output / "effort.json").write_text(as_json + "\n", encoding="utf-8")
    return 0


def format_report(report: Mapping[str, Any]) -> str:
    """As Markdown."""
    from clamr_select.eval.speed.report import cell, markdown_table

    def shown(value: Any) -> Any:
        if isinstance(value, Mapping):
            return f"{cell(value['ratio'])} ({cell(value['low'])}–{cell(value['high'])})"
        return f"{value:.3f}" if isinstance(value, float) else value

    settings = report["settings"]
    shares = [
        {"share of full's encoding": effort, **{name: f"{value:.1%}" for name, value in found.items()}}
        for effort, found in report["shares"].items()
    ]
    recall = [{name: shown(value) for name, value in row.items()} for row in report["recall"]]
    lines = [
        f"{settings['num_videos']} videos of {settings['duration_seconds']} s, {report['num_questions']} questions "
        f"({settings['split']} split); windows encoded for a question differ from those encoded beforehand by at most "
        f"{report['largest_difference']:.1e}",
        "",
        *markdown_table(shares),
        "",
        f"Evidence recall, and its ratio to full's with a 95 % interval; intervals draw {report['intervals_draw']}:",
        "",
        *markdown_table(recall),
        "",
    ]
    return "\n".join(lines)
