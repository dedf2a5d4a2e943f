"""``clamr-select eval library``: arguments in, tables out."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError

SECTIONS = ("needle", "bound", "growth", "plan")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="SECTION",
        help="needle: exact against brute force, codes, two stages; bound: long videos by a share of their tokens; "
        "growth: times by number of videos; plan: what many hours take (default: needle bound growth)",
    )
    parser.add_argument("--num-documents", type=int, default=1000, metavar="N", help="of needle, bound (default: 1000)")
    parser.add_argument(
        "--num-questions", type=int, metavar="N", help="of needle, bound (default: all, about one a document)"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], metavar="N", help="of growth")
    parser.add_argument("--num-tokens", type=int, default=64, metavar="N", help="a video of growth (default: 64)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
    parser.add_argument("--model", default="clamr-nano", metavar="NAME", help="of needle (default: clamr-nano)")
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="receives library.json, library.md, growth.png and the library that "
        "grows: growth goes on where it was ended",
    )
    planned = parser.add_argument_group("plan")
    planned.add_argument("--library", metavar="PLACE", help="measure tokens, size and pace of this library")
    planned.add_argument("--hours", type=float, default=1e6, metavar="H", help="of video (default: a million)")
    planned.add_argument("--tokens-per-video", type=float, metavar="N", help="instead of --library")
    planned.add_argument("--seconds-per-video", type=float, metavar="S", help="instead of --library")
    planned.add_argument("--dim", type=int, default=128, metavar="N", help="numbers a token (default: 128)")
    planned.add_argument(
        "--index-seconds",
        type=float,
        metavar="S",
        help="of one worker, for an hour of video (default: as the journal in --library's folder tells)",
    )
    planned.add_argument("--cost-per-hour", type=float, metavar="C", help="of one worker's machine (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    import logging

    from transformers.utils import logging as transformers_logging

    from clamr_select.eval.library.tables import format_report

    sections = arguments.sections or ["needle", "bound", "growth"]
    unknown = sorted(set(sections) - set(SECTIONS))
    if unknown:
        raise InputError(f"no such section: {', '.join(unknown)}; choose from {', '.join(SECTIONS)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    transformers_logging.disable_progress_bar()
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for section in sections:
            report[section] = MEASURES[section](arguments, Path(folder))
    text = format_report(report)
    print(text, end="")
    if arguments.output is not None:
        _write(report, text, arguments.output)
    return 0


def _needle(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from clamr_select.eval.library.needle import measure_needle

    selector, library = _encoded(*_of_needle(arguments))
    return measure_needle(library, selector=selector, folder=folder)


def _bound(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from clamr_select.eval.library.bound import measure_bound

    _, library = _encoded(*_of_needle(arguments))
    return measure_bound(library)


def _of_needle(arguments: argparse.Namespace) -> tuple[Any, ...]:
    names = ("model", "device", "num_documents", "num_questions", "seed")
    return tuple(getattr(arguments, name) for name in names)


@lru_cache(maxsize=1)
def _encoded(model: str, device: str, num_documents: int, num_questions: int | None, seed: int) -> Any:
    """The selector and the needle library, which two sections share."""
    from clamr_select.eval.library.material import needle_library
    from clamr_select.selector import FrameSelector

    selector = FrameSelector.from_pretrained(model, device=device)
    made = needle_library(selector.encoder, num_documents=num_documents, num_questions=num_questions, seed=seed)
    return selector, made


def _growth(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from clamr_select.eval.library.growth import measure_growth

    if min(arguments.sizes) < 1 or arguments.num_tokens < 2:
        raise InputError("--sizes must be at least 1, and --num-tokens at least 2")
    if arguments.output is not None:  # what is kept there goes on after a kill
        folder = arguments.output / "growth"
    return measure_growth(
        arguments.sizes, num_tokens=arguments.num_tokens, dim=arguments.dim, folder=folder, seed=arguments.seed
    )


def _plan(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from clamr_select.eval.library.plan import PerVideo, measure, plan

    tokens, seconds, dim = arguments.tokens_per_video, arguments.seconds_per_video, arguments.dim
    pace, found = arguments.index_seconds, None
    if arguments.library is not None:
        found = measure(arguments.library)
        tokens, dim = sum(found.tokens_per_video.values()), found.dim
        seconds = 3600 * found.hours / found.num_videos
        pace = found.index_seconds_per_hour if pace is None else pace
    elif tokens is None or seconds is None:
        raise InputError("plan needs --library, or --tokens-per-video and --seconds-per-video")
    if pace is None and arguments.cost_per_hour is not None:
        raise InputError("--cost-per-hour needs a worker's pace; give --index-seconds, or a --library with a journal")
    per_video = PerVideo(seconds, tokens, dim, pace, arguments.cost_per_hour or 0.0)
    return {"measured": None if found is None else asdict(found), **plan(per_video, hours=arguments.hours)}


def _write(report: dict[str, Any], text: str, output: Path) -> None:
    from clamr_select.eval.library.growth import save_growth

    output.mkdir(parents=True, exist_ok=True)
    (output / "library.md").write_text(text, encoding="utf-8")
    (output / "library.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if "growth" in report:
        save_growth(report["growth"], output / "growth.png")


MEASURES = {"needle": _needle, "bound": _bound, "growth": _growth, "plan": _plan}
