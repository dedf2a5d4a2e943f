"""``clamr-select eval``: measurements, one sub-command each."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from clamr_select.cli.arguments import add_model_arguments, load_selector
from clamr_select.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subparsers = parser.add_subparsers(dest="measurement", required=True, metavar="MEASUREMENT")
    summary = "overlap of our selections with the released ones, as published"
    agreement = subparsers.add_parser("agreement", help=summary, description=summary)
    add_agreement_arguments(agreement)
    agreement.set_defaults(measure=run_agreement)


def run(arguments: argparse.Namespace) -> int:
    return arguments.measure(arguments)


def add_agreement_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the released selections (JSON)")
    parser.add_argument("--videos", type=Path, required=True, metavar="DIR", help="files named by video id, ID.mp4")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE", help="Video-MME's questions (JSON)")
    add_model_arguments(parser, compat="reference")
    parser.add_argument("--pool", type=int, default=768, metavar="N", help="candidates a video (default: 768)")
    parser.add_argument(
        "--first-number", type=int, choices=[0, 1], help="of frame files; default: found in the selections"
    )
    parser.add_argument("--format", choices=["table", "json"], default="table", help="on stdout (default: table)")


def run_agreement(arguments: argparse.Namespace) -> int:
    from clamr_select.eval.agreement.released import read_questions, read_selections
    from clamr_select.eval.agreement.run import agreements, check_questions, find_videos, summary
    from clamr_select.model.reference_labels import check_compat

    if arguments.pool < 2:
        raise InputError(f"--pool must be at least 2, got {arguments.pool}")
    check_compat(arguments.compat)
    released = read_selections(arguments.file, first_number=arguments.first_number, pool=arguments.pool)
    questions = read_questions(arguments.questions)
    check_questions(released, questions)
    videos, missing = find_videos(arguments.videos, (one.video_id for one in released))
    selector = load_selector(arguments)
    found = agreements(selector, released, questions=questions, videos=videos, pool=arguments.pool)
    total = summary(found, missing=missing)
    if arguments.format == "json":
        json.dump({**total, "questions": [asdict(one) for one in found]}, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return 0
    for one in found:
        print(f"{one.overlap:6.1%}  {one.video_id}  {one.question_id}")
    print(
        f"mean overlap {total['mean_overlap']:.1%} over {total['num_questions']} questions of {total['num_videos']} "
        f"videos (by chance {total['mean_by_chance']:.1%})"
    )
    if missing:
        print(f"note: {len(missing)} videos are not in {arguments.videos}: {', '.join(missing[:8])}", file=sys.stderr)
    return 0
