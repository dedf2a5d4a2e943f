"""``clamr-select why``: why a moment was selected, or was not."""

from __future__ import annotations

import argparse
import re

from clamr_select.cli.arguments import add_selection_arguments, check, index_options, load_selector
from clamr_select.cli.bars import Bars
from clamr_select.errors import InputError
from clamr_select.time_format import format_time

CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection_arguments(parser)
    parser.add_argument("--at", required=True, metavar="TIME", help="e.g. 754, 12:34 or 1:02:03.5")


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.indexing.explanation import MOST_FRAMES_TRIED, explain

    check(arguments)
    at_seconds = parse_time(arguments.at)
    selector = load_selector(arguments)
    with Bars() as bars:
        indexed = selector.index(arguments.video, progress=bars, **index_options(arguments))
    found = explain(
        indexed,
        arguments.question,
        at_seconds=at_seconds,
        policy=arguments.policy,
        similarity=arguments.similarity,
    )
    print(f"frame {found.frame_index} at {format_time(found.timestamp_seconds)}")
    print(f"score {found.score:.3f}, rank {found.rank} of {found.num_candidates}")
    for modality, score in found.score_by_modality.items():
        print(f"  {modality:<8} {score:6.3f}")
    print("question word by word (best match, where)")
    for word in found.words:
        print(f"  {word.word:<20} {word.score:6.3f}  {word.modality}")
    print("beaten by" if found.beaten_by else "beaten by nothing")
    for seconds, score, modality in found.beaten_by:
        print(f"  {format_time(seconds):>11}  {score:6.3f}  {modality}")
    smallest = found.smallest_num_frames or f"more than {MOST_FRAMES_TRIED}"
    print(f"smallest --num-frames with which {arguments.policy} selects it: {smallest}")
    return 0


def parse_time(text: str) -> float:
    """Seconds of ``754``, ``12:34`` or ``1:02:03.5``.

    Raises:
        InputError: anything else.
    """
    match = CLOCK.fullmatch(text.strip())
    if match is None:
        raise InputError(f"--at must be a time like 754, 12:34 or 1:02:03.5, got {text!r}")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
