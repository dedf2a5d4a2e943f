"""``clamr-select eval policies``: every policy at every budget on files of scores."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.cli.arguments import DEFAULT_MODEL, parse_shard, set_threads
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.eval.policies.records import ScoreRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scores", type=Path, nargs="*", metavar="SCORES", help="files of scores (JSON lines), or folders of them"
    )
    parser.add_argument("--policies", nargs="+", metavar="P", help="mmr, mmr:relevance_weight=0.7, … (default: all)")
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 8, 16, 32], metavar="N", help="frames")
    parser.add_argument("--variant", metavar="NAME", help="score the question as asked otherwise, e.g. with_options")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the intervals (default: 1)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="receives policies.md, policies.json, policies.png")
    needle = parser.add_argument_group("scores of the needle benchmark, made once")
    needle.add_argument("--needle", metavar="SPLIT", help="draw and score long videos: validation, test or train")
    needle.add_argument(
        "--into",
        type=Path,
        metavar="DIR",
        help="folder of their scores, one set by one model each; finished videos are kept",
    )
    needle.add_argument("--duration", type=int, default=600, metavar="S", help="seconds a video (default: 600)")
    needle.add_argument("--num-videos", type=int, default=100, metavar="N", help="(default: 100)")
    needle.add_argument("--questions-per-video", type=int, default=12, metavar="N", help="at most (default: 12)")
    needle.add_argument("--noise", default="realistic", metavar="NAME", help="realistic (default) or clean")
    needle.add_argument(
        "--without-late-interaction", action="store_true", help="keep pooled embeddings alone: takes a third less time"
    )
    needle.add_argument("--shard", default="0/1", metavar="I/N", help="make every Nth video only, from the Ith")
    needle.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help=f"(default: {DEFAULT_MODEL})")
    needle.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    needle.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's choice)")
    others = parser.add_argument_group("selections of others")
    others.add_argument("--scenes", type=Path, metavar="FILE", help="evidence of KFS-Bench (csv), in place of SCORES")
    others.add_argument("--selections", nargs="+", metavar="NAME=FILE", help="published files of selected frames")
    others.add_argument("--questions", type=Path, metavar="FILE", help="its questions, for files without ids")


def run(arguments: argparse.Namespace) -> int:
    import logging

    from clamr_select.eval.policies.measure import PolicyChoice, all_policies
    from clamr_select.eval.policies.plot import save_plot
    from clamr_select.eval.policies.run import Settings, run_policies
    from clamr_select.eval.policies.tables import format_report
    from clamr_select.policies import DEFAULT_POLICY

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    chosen = [PolicyChoice.parse(text) for text in arguments.policies] if arguments.policies else all_policies()
    settings = Settings(tuple(chosen), tuple(arguments.budgets), arguments.variant, arguments.seed)
    records = _records(arguments, _needle(arguments))
    report = run_policies(records, settings, selections=_selections(arguments))
    text = format_report(report)
    print(text, end="")
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "policies.md").write_text(text, encoding="utf-8")
        as_json = json.dumps(report, ensure_ascii=False, indent=1)
        (arguments.output / "policies.json").write_text(as_json + "\n", encoding="utf-8")
        if report["policies"]:
            save_plot(report, arguments.output / "policies.png", highlight=DEFAULT_POLICY)
    return 0


def _needle(arguments: argparse.Namespace) -> list[Path]:
    """Files of needle scores, written where they are not there yet; none where none were asked for."""
    if (arguments.needle is None) != (arguments.into is None):
        raise InputError("--needle SPLIT and --into DIR go together: which videos, and where their scores are kept")
    if arguments.needle is None:
        return []
    from transformers.utils import logging as transformers_logging

    from clamr_select.eval.needle.documents import check_names
    from clamr_select.eval.policies.needle import NeedleSet, write_score_files
    from clamr_select.model.encoder import ClamrEncoder

    check_names(arguments.needle, arguments.noise)
    wanted = NeedleSet(
        arguments.needle,
        arguments.noise,
        arguments.duration,
        arguments.num_videos,
        arguments.questions_per_video,
        late_interaction=not arguments.without_late_interaction,
    )
    shard = parse_shard(arguments.shard)
    transformers_logging.disable_progress_bar()
    set_threads(arguments.threads)
    encoder = ClamrEncoder.from_pretrained(arguments.model, device=arguments.device)
    return write_score_files(wanted, encoder=encoder, directory=arguments.into, shard=shard)


def _records(arguments: argparse.Namespace, needle_files: list[Path]) -> list[ScoreRecord]:
    from clamr_select.eval.policies.records import read_records
    from clamr_select.eval.policies.selections import read_scenes

    paths = [*arguments.scores, *needle_files]
    if (arguments.scenes is None) == (not paths):
        raise InputError("give either SCORES (or --needle and --into), or --scenes FILE, not both and not neither")
    return read_records(paths) if arguments.scenes is None else read_scenes(arguments.scenes)


def _selections(arguments: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    from clamr_select.eval.policies.selections import read_question_ids, read_selections

    ids = None if arguments.questions is None else read_question_ids(arguments.questions)
    files = {}
    for text in arguments.selections or []:
        name, equals, file = text.partition("=")
        if not equals:
            raise InputError(f"--selections takes NAME=FILE, got {text!r}")
        files[name] = Path(file)
    return read_selections(files, question_ids=ids)
