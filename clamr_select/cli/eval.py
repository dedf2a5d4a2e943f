"""``clamr-select eval``: measurements, one sub-command each."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from clamr_select.cli import eval_policies, longvideo
from clamr_select.cli.arguments import DEFAULT_MODEL, add_model_arguments, load_selector, set_threads
from clamr_select.cli.printable import print_json
from clamr_select.errors import InputError
from clamr_select.eval.compact import command as compact_command
from clamr_select.eval.effort import command as effort_command
from clamr_select.eval.library import command as library_command
from clamr_select.eval.retrieval import command as retrieval_command
from clamr_select.eval.speed import command as speed_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subparsers = parser.add_subparsers(dest="measurement", required=True, metavar="MEASUREMENT")
    summary = "overlap of our selections with the released ones, as published"
    agreement = subparsers.add_parser("agreement", help=summary, description=summary)
    add_agreement_arguments(agreement)
    agreement.set_defaults(measure=run_agreement)
    summary = "CLaMR and its baselines on procedural videos: retrieval, and evidence in long video"
    needle = subparsers.add_parser("needle", help=summary, description=summary)
    add_needle_arguments(needle)
    needle.set_defaults(measure=run_needle)
    summary = "every policy at every budget on files of scores, with paired intervals"
    policies = subparsers.add_parser("policies", help=summary, description=summary)
    eval_policies.add_arguments(policies)
    policies.set_defaults(measure=eval_policies.run)
    summary = "what smaller embeddings cost in evidence, and save in room"
    compact = subparsers.add_parser("compact", help=summary, description=summary)
    compact_command.add_arguments(compact)
    compact.set_defaults(measure=compact_command.run)
    summary = "what looking at a part of a video costs in evidence, and saves in encoding"
    effort = subparsers.add_parser("effort", help=summary, description=summary)
    effort_command.add_arguments(effort)
    effort.set_defaults(measure=effort_command.run)
    summary = "our model and its baselines on rows of videos: the paper's Table 1 metrics and modality accuracy"
    retrieval = subparsers.add_parser("retrieval", help=summary, description=summary)
    retrieval_command.add_arguments(retrieval)
    retrieval.set_defaults(measure=retrieval_command.run)
    summary = "a library of videos: exactness, codes, two stages, growth, and a plan for many hours"
    library = subparsers.add_parser("library", help=summary, description=summary)
    library_command.add_arguments(library)
    library.set_defaults(measure=library_command.run)
    summary = "what each stage costs, against its peers and what the hardware can do"
    speed = subparsers.add_parser("speed", help=summary, description=summary)
    speed_command.add_arguments(speed)
    speed.set_defaults(measure=speed_command.run)
    summary = "runs of lmms-eval compared: intervals, McNemar, strata, churn, cost, and the answers that flipped"
    report = subparsers.add_parser("report", help=summary, description=summary)
    longvideo.add_arguments(report)
    report.set_defaults(measure=longvideo.run)


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
        print_json({**total, "questions": [asdict(one) for one in found]})
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


def add_needle_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--task",
        nargs="+",
        default=["both"],
        metavar="NAME",
        help="retrieval, long, both (default), counterfactual, lengths, plain_english, all",
    )
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="(default: all that have a checkpoint)")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="one folder a system, of clamr-select train --system NAME"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="clamr, where DIR has none (clamr-nano)")
    parser.add_argument("--noise", nargs="+", metavar="NAME", help="clean, realistic (default: both)")
    parser.add_argument("--num-documents", type=int, default=1000, metavar="N", help="of retrieval (default: 1000)")
    parser.add_argument(
        "--durations", type=int, nargs="+", default=[600, 1800, 3600], metavar="S", help="of long videos, in seconds"
    )
    parser.add_argument("--num-videos", type=int, default=1, metavar="N", help="of each duration (default: 1)")
    parser.add_argument("--policy", default="topk_gap", metavar="NAME", help="of long video (default: topk_gap)")
    parser.add_argument("--split", default="test", metavar="NAME", help="test (default), validation or train")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the videos (default: 1)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="receives needle.json and needle.png")
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's choice)")


def run_needle(arguments: argparse.Namespace) -> int:
    import logging
    from typing import get_args

    from transformers.utils import logging as transformers_logging

    from clamr_select.eval.needle.benchmark.plot import save_plot
    from clamr_select.eval.needle.benchmark.run import Settings, Task, run_benchmark
    from clamr_select.eval.needle.benchmark.systems import SYSTEMS
    from clamr_select.eval.needle.benchmark.tables import format_report

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    transformers_logging.disable_progress_bar()
    set_threads(arguments.threads)
    several = {"both": ("retrieval", "long"), "all": get_args(Task)}
    settings = Settings(
        tasks=tuple(dict.fromkeys(task for name in arguments.task for task in several.get(name, (name,)))),
        systems=tuple(arguments.systems or SYSTEMS),
        noise=tuple(arguments.noise or ("clean", "realistic")),
        split=arguments.split,
        seed=arguments.seed,
        num_documents=arguments.num_documents,
        durations_seconds=tuple(arguments.durations),
        num_videos=arguments.num_videos,
        policy=arguments.policy,
    )
    report = run_benchmark(settings, checkpoints=arguments.checkpoints, model=arguments.model, device=arguments.device)
    print(format_report(report))
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, ensure_ascii=False, indent=1)
        (arguments.output / "needle.json").write_text(text + "\n", encoding="utf-8")
        if {"retrieval", "long"} & set(settings.tasks):
            save_plot(report, arguments.output / "needle.png")
    return 0
