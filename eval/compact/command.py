"""``clamr-select eval compact``: arguments in, a table out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", default="validation", metavar="NAME", help="validation (default), test or train")
    parser.add_argument("--num-videos", type=int, default=24, metavar="N", help="(default: 24)")
    parser.add_argument("--duration", type=int, default=600, metavar="S", help="seconds a video (default: 600)")
    parser.add_argument("--num-frames", type=int, default=8, metavar="N", help="selected (default: 8)")
    parser.add_argument("--model", default="clamr-nano", metavar="NAME", help="(default: clamr-nano)")
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    parser.add_argument("--output", type=Path, metavar="DIR", help="receives compact.md and compact.json")


def run(arguments: argparse.Namespace) -> int:
    import logging

    from transformers.utils import logging as transformers_logging

    from clamr_select.eval.compact.measure import POOLING, PRECISIONS, Setting, measure
    from clamr_select.eval.needle.documents import check_names
    from clamr_select.eval.policies.needle import NeedleSet
    from clamr_select.model.encoder import ClamrEncoder

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    transformers_logging.disable_progress_bar()
    check_names(arguments.split, "realistic")
    if arguments.num_frames < 1:
        raise InputError(f"--num-frames must be at least 1, got {arguments.num_frames}")
    wanted = NeedleSet(arguments.split, duration_seconds=arguments.duration, num_videos=arguments.num_videos)
    report = measure(
        wanted,
        encoder=ClamrEncoder.from_pretrained(arguments.model, device=arguments.device),
        settings=[Setting(factor, precision) for factor in POOLING for precision in PRECISIONS],
        num_frames=arguments.num_frames,
    )
    text = format_report(report)
    print(text, end="")
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "compact.md").write_text(text, encoding="utf-8")
        as_json = json.dumps(report, ensure_ascii=False, indent=1)
        (arguments.output / "compact.json").write_text(as_json + "\n", encoding="utf-8")
    return 0


def format_report(report: Mapping[str, Any]) -> str:
    """As Markdown."""
    lines = [
        f"{report['num_questions']} questions, {report['num_videos']} videos, {report['num_frames']} frames selected; "
        "95 % intervals by video.",
        "",
        "| token pooling | precision | tokens a candidate | bytes a candidate | smaller by | evidence recall | "
        "less the whole embeddings' | same of the best 8 |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for found in report["settings"]:
        recall, less = found["evidence recall"], found["less the whole"]
        interval = f" ({100 * less['low']:+.1f} to {100 * less['high']:+.1f})"
        whole = (found["token_pooling"], found["precision"]) == (1, "as_encoded")
        lines.append(
            f"| {found['token_pooling']} | `{found['precision']}` | {found['tokens a candidate']:.1f} | "
            f"{found['bytes a candidate']:,.0f} | {found['smaller by']:.1f} | {100 * recall['mean']:.1f} | "
            f"{'' if whole else format(100 * less['mean'], '+.1f') + interval} | "
            f"{100 * found['same of the best 8']:.1f} % |"
        )
    return "\n".join(lines) + "\n"
