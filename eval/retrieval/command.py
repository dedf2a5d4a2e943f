"""``clamr-select eval retrieval``: arguments in; tables, JSON and a picture out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError

DEFAULT_SYSTEMS = ("ours", "views", "words")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument("--preset", metavar="NAME", help="multivent2, msrvtt, or a JSON file; needs --data")
    data.add_argument("--data", type=Path, metavar="DIR", help="the folder that the preset's paths are in")
    data.add_argument("--rows", type=Path, metavar="ROWS", help="jsonl, json, parquet, saved data set, video folder")
    data.add_argument("--row-split", metavar="NAME", help="of a saved data set that has several")
    data.add_argument("--queries", type=Path, metavar="FILE", help="questions from another file, by video id")
    data.add_argument("--documents", type=Path, metavar="ROWS", help="videos that are searched and not asked about")
    data.add_argument("--frames-dir", type=Path, metavar="DIR", help="where the rows' images lie")
    data.add_argument("--video-dir", type=Path, metavar="DIR", help="where the rows' videos lie")
    data.add_argument("--num-frames", type=int, metavar="N", help="at most, a video (default: the preset's, or 10)")
    data.add_argument(
        "--max-tokens", nargs="+", metavar="NAME=N", help="of ocr, asr, description, for our model (default: 256 each)"
    )
    data.add_argument("--without", nargs="+", default=[], metavar="NAME", help="modalities left out of every video")
    data.add_argument("--on-bad-row", default="error", metavar="NAME", help="error (default) or skip")
    systems = parser.add_argument_group("systems")
    systems.add_argument(
        "--systems",
        nargs="+",
        metavar="NAME",
        help="systems and groups (ours, views, words, clip, siglip2, mclip, xclip, clap, text); HOW:A+B fuses, HOW one "
        f"of max, average, rrf, router (default: the preset's, or {' '.join(DEFAULT_SYSTEMS)})",
    )
    systems.add_argument("--list", action="store_true", help="print every system and group, and stop")
    systems.add_argument("--model", default="clamr-nano", metavar="NAME", help="our model (default: clamr-nano)")
    systems.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="one folder a view, of clamr-select train --system NAME"
    )
    systems.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="FAMILY=NAME",
        help="another checkpoint of a baseline: a directory, HUB_ID or HUB_ID@REVISION; FAMILY.TOWER=NAME replaces one "
        "of text, pictures, sounds",
    )
    systems.add_argument("--ours", default="clamr", metavar="NAME", help="what others are compared with (clamr)")
    running = parser.add_argument_group("running")
    running.add_argument("--output", type=Path, metavar="DIR", help="receives embeddings, scores and the report")
    running.add_argument("--shard", default="0/1", metavar="I/N", help="make every Nth part only, from the Ith")
    running.add_argument("--part-size", type=int, default=256, metavar="N", help="videos a file (default: 256)")
    running.add_argument(
        "--precision", default="as_encoded", metavar="NAME", help="of kept embeddings: as_encoded, bfloat16, int8, int4"
    )
    running.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    running.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's choice)")
    running.add_argument("--seed", type=int, default=1, metavar="N", help="of the intervals (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    import logging

    from transformers.utils import logging as transformers_logging

    from clamr_select.cli.arguments import set_threads
    from clamr_select.eval.retrieval.run import run_retrieval

    if arguments.list:
        print(_listing(), end="")
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    transformers_logging.disable_progress_bar()
    set_threads(arguments.threads)
    settings, published = _settings(arguments)
    report = run_retrieval(settings)
    if report is None:
        print(f"shard {arguments.shard} is done; the same command without --shard makes what is missing and the report")
        return 0
    _write(report, settings.output, published)
    return 0


def _settings(arguments: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """Options, the preset's where they were not given, and the published numbers of the preset."""
    from clamr_select.cli.arguments import parse_shard
    from clamr_select.cli.train_options import pairs
    from clamr_select.eval.retrieval.presets import read_preset
    from clamr_select.eval.retrieval.settings import RowFiles, Settings
    from clamr_select.training.data.budgets import PAPER_TOKENS

    if arguments.output is None:
        raise InputError("--output DIR is needed: embeddings and scores are kept there, and a stopped run goes on")
    if (arguments.preset is None) != (arguments.data is None) or (arguments.preset is None) == (arguments.rows is None):
        raise InputError("give --preset NAME with --data DIR, or --rows ROWS")
    given: dict[str, Any] = {"num_frames": 10, "max_tokens": PAPER_TOKENS, "systems": DEFAULT_SYSTEMS}
    published: dict[str, Any] = {}
    if arguments.preset is not None:
        preset = read_preset(arguments.preset)
        files = preset.files(arguments.data)
        given = {name: getattr(preset, name) for name in given}
        published = dict(preset.published)
    else:
        files = RowFiles(arguments.rows)
    own = {name: getattr(arguments, name) for name in ("queries", "documents", "frames_dir", "video_dir")}
    own |= {"split": arguments.row_split}
    files = RowFiles(files.rows, **{name: value or getattr(files, name) for name, value in own.items()})
    tokens = {**given["max_tokens"], **pairs(arguments.max_tokens, flag="--max-tokens", kind=int)}
    settings = Settings(
        files=files,
        systems=tuple(arguments.systems or given["systems"]),
        output=arguments.output,
        num_frames=arguments.num_frames if arguments.num_frames is not None else given["num_frames"],
        max_tokens=tokens,
        without=tuple(arguments.without),
        model=arguments.model,
        checkpoints=arguments.checkpoints,
        weights=tuple(arguments.weights),
        device=arguments.device,
        precision=arguments.precision,
        part_size=arguments.part_size,
        shard=parse_shard(arguments.shard),
        on_bad_row=arguments.on_bad_row,
        ours=arguments.ours,
        seed=arguments.seed,
    )
    return settings, published


def _listing() -> str:
    from clamr_select.eval.retrieval.systems import groups

    return "".join(f"{name}: {' '.join(systems)}\n" for name, systems in groups().items())


def _write(report: dict[str, Any], output: Path, published: dict[str, Any]) -> None:
    from clamr_select.eval.retrieval.plot import save_plot
    from clamr_select.eval.retrieval.tables import format_report
    from clamr_select.training.data.report import BadRow, write_bad_rows

    text = format_report(report, published=published)
    print(text, end="")
    output.mkdir(parents=True, exist_ok=True)
    (output / "retrieval.md").write_text(text, encoding="utf-8")
    as_json = json.dumps(report, ensure_ascii=False, indent=1)
    (output / "retrieval.json").write_text(as_json + "\n", encoding="utf-8")
    write_bad_rows([BadRow(*bad) for bad in report["bad_rows"]], path=output / "bad_rows.jsonl")
    save_plot(report, output / "retrieval.png")
