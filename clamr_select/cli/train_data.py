"""``clamr-select train-data``: data sets to rows of training data, and a check of rows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.cli.printable import printable_lines
from clamr_select.cli.train_options import max_tokens
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.training.convert.writing import ConversionReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_multivent(actions.add_parser("multivent", help="MultiVENT 2.0 and 2.0++ to rows"))
    _add_msrvtt(actions.add_parser("msrvtt", help="MSR-VTT to rows"))
    _add_check(actions.add_parser("check", help="read every row as training would; name and count the bad ones"))


def _add_multivent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, metavar="FOLDER", help="MultiVENT 2.0 as it is published")
    parser.add_argument("--frame-mapping", type=Path, required=True, metavar="FILE", help="video file to frame numbers")
    parser.add_argument("--frames-dir", type=Path, metavar="DIR", help="keep only frames that are there")
    parser.add_argument("--split", default="train", metavar="NAME", help="(default: train)")
    parser.add_argument("--num-frames", type=int, default=10, metavar="N", help="at most, a video (default: 10)")
    parser.add_argument("--judgments", type=Path, metavar="FILE", help="jsonl of judgments; needs --queries")
    parser.add_argument(
        "--queries",
        type=Path,
        metavar="FILE",
        help="csv of human queries (with --judgments), or json of synthetic ones; without, rows have no question",
    )
    _add_output(parser)


def _add_msrvtt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("captions", type=Path, metavar="FILE", help="MSRVTT_data.json, or a list of captions")
    parser.add_argument("--ids", type=Path, metavar="FILE", help="csv with the column video_id: only these")
    parser.add_argument("--split", metavar="NAME", help="train, validate or test, as the file has it")
    parser.add_argument("--asr-dir", type=Path, metavar="DIR", help="speech as VIDEO_ID.srt, .vtt or .json")
    _add_output(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="rows as .jsonl")
    parser.add_argument("--on-bad-row", default="error", metavar="NAME", help="error (default) or skip")
    parser.add_argument(
        "--bad-rows", type=Path, metavar="FILE", help="with --on-bad-row skip: what is left out, and why"
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    add_row_arguments(parser)
    parser.add_argument(
        "--model", metavar="NAME", help="count what is cut of texts past 256 tokens and of long questions"
    )
    parser.add_argument("--max-tokens", nargs="+", metavar="MODALITY=N", help="other bounds, as of clamr-select train")


def add_row_arguments(parser: argparse.ArgumentParser, *, queries: bool = True) -> None:
    """Where rows lie, for every command that reads them."""
    parser.add_argument("rows", type=Path, metavar="ROWS", help="jsonl, json, parquet, saved data set, video folder")
    parser.add_argument("--row-split", metavar="NAME", help="of a saved data set that has several")
    if queries:
        parser.add_argument("--queries", type=Path, metavar="FILE", help="questions from another file, by video id")
    parser.add_argument("--frames-dir", type=Path, metavar="DIR", help="where the rows' images lie")
    parser.add_argument("--video-dir", type=Path, metavar="DIR", help="where the rows' videos lie")
    parser.add_argument("--num-frames", type=int, default=10, metavar="N", help="at most, a video (default: 10)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "check":
        return _check(arguments)
    if arguments.on_bad_row != "skip" and arguments.bad_rows is not None:
        raise InputError("--bad-rows keeps what --on-bad-row skip leaves out; give both")
    report = _convert_multivent(arguments) if arguments.action == "multivent" else _convert_msrvtt(arguments)
    print(printable_lines("\n".join(report.lines())))
    if arguments.bad_rows is not None:
        from clamr_select.training.data.report import write_bad_rows

        write_bad_rows(report.bad_rows, path=arguments.bad_rows)
    return 0


def _convert_multivent(arguments: argparse.Namespace) -> ConversionReport:
    from clamr_select.training.convert import multivent

    if arguments.judgments is not None and arguments.queries is None:
        raise InputError("--judgments needs --queries, the csv of what was asked")
    copy = multivent.Multivent(
        root=arguments.root,
        frame_mapping=arguments.frame_mapping,
        split=arguments.split,
        frames_dir=arguments.frames_dir,
        num_frames=arguments.num_frames,
    )
    output, on_bad_row = arguments.output, arguments.on_bad_row
    if arguments.queries is None:
        return multivent.convert_documents(copy, output=output, on_bad_row=on_bad_row)
    if arguments.judgments is None:
        return multivent.convert_synthetic(copy, queries=arguments.queries, output=output, on_bad_row=on_bad_row)
    return multivent.convert_judged(
        copy, queries=arguments.queries, judgments=arguments.judgments, output=output, on_bad_row=on_bad_row
    )


def _convert_msrvtt(arguments: argparse.Namespace) -> ConversionReport:
    from clamr_select.training.convert.msrvtt import convert_msrvtt

    return convert_msrvtt(
        arguments.captions,
        output=arguments.output,
        ids=arguments.ids,
        split=arguments.split,
        asr_dir=arguments.asr_dir,
        on_bad_row=arguments.on_bad_row,
    )


def _check(arguments: argparse.Namespace) -> int:
    """Status 2 where a row is bad."""
    from tqdm import tqdm

    from clamr_select.training.data.budgets import TextBudgets
    from clamr_select.training.data.check import check_rows
    from clamr_select.training.data.opening import open_index, open_loader

    if arguments.max_tokens is not None and arguments.model is None:
        raise InputError("--max-tokens counts tokens of a model's; name it with --model")
    index = open_index(arguments.rows, split=arguments.row_split, queries=arguments.queries, on_bad_row="skip")
    loader = open_loader(
        arguments.rows,
        frames_dir=arguments.frames_dir,
        video_dir=arguments.video_dir,
        num_frames=arguments.num_frames,
    )
    processor = budgets = None
    if arguments.model is not None:
        from clamr_select.model.checkpoint.find import find_checkpoint
        from clamr_select.model.checkpoint.processor import load_processor

        processor = load_processor(find_checkpoint(arguments.model))
        budgets = TextBudgets(processor, max_tokens=max_tokens(arguments.max_tokens, processor=processor))
    with tqdm(total=len(index), desc="checking", unit="row", disable=not sys.stderr.isatty()) as bar:
        report = check_rows(
            index,
            loader=loader,
            budgets=budgets,
            processor=processor,
            progress=lambda done: bar.update(done - bar.n),
        )
    print(printable_lines("\n".join(report.lines())))
    return 2 if report.bad_rows else 0
