"""``clamr-select select``: the frames that answer a question, as a table, JSON, or a folder of pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.cli.arguments import (
    add_effort_argument,
    add_num_frames_argument,
    add_selection_arguments,
    check,
    index_options,
    load_selector,
)
from clamr_select.cli.bars import Bars
from clamr_select.cli.choice_arguments import add_choice_arguments, choice_options
from clamr_select.cli.printable import print_json
from clamr_select.errors import InputError
from clamr_select.time_format import format_time

if TYPE_CHECKING:
    from clamr_select.selection import Selection

TEXT_COLUMNS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection_arguments(parser)
    add_num_frames_argument(parser)
    add_effort_argument(parser)
    add_choice_arguments(parser)
    parser.add_argument("--format", choices=["table", "json"], default="table", help="on stdout (default: table)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="write selection.json, contact_sheet.png, timeline.png and the frames",
    )


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.indexing.coarse_to_fine.effort import check_effort

    check(arguments)
    check_effort(arguments.effort)
    chosen = choice_options(arguments)
    earlier = [] if arguments.output is None else prepare_output(arguments.output)
    selector = load_selector(arguments)
    with Bars() as bars:
        selection = selector.select(
            arguments.video,
            arguments.question,
            effort=arguments.effort,
            similarity=arguments.similarity,
            progress=bars,
            **index_options(arguments),
            **chosen,
        )
    if arguments.format == "json":
        print_json(selection.to_dict(include_candidates=False))
    else:
        print(table(selection))
    if arguments.output is not None:
        write_outputs(selection, directory=arguments.output, earlier=earlier)
        print(f"wrote {arguments.output}", file=sys.stderr)
    return 0


def table(selection: Selection) -> str:
    """One line a frame: time, score, winning modality and its words; warnings below."""
    lines = [f"{'time':>11}  {'frame':>7}  {'score':>6}  {'modality':<8}  words"]
    for index, seconds, score, modality, text in zip(
        selection.frame_indices,
        selection.timestamps_seconds,
        selection.scores,
        selection.modality,
        selection.text,
        strict=True,
    ):
        words = " / ".join(text.get(modality, "").split("\n"))
        if len(words) > TEXT_COLUMNS:
            words = words[: TEXT_COLUMNS - 1] + "…"
        lines.append(f"{format_time(seconds):>11}  {index:>7}  {score:6.3f}  {modality:<8}  {words}".rstrip())
    lines += [f"note: {warning.code}: {warning.message}" for warning in selection.warnings]
    return "\n".join(lines)


def prepare_output(directory: Path) -> list[Path]:
    """Make the folder; returns the frames that an earlier question left in it, which may be removed.

    Raises:
        InputError: there can be no such folder, or it holds a ``selection.json`` or frames that are not ours.
    """
    from clamr_select.handoff.frames import check_no_strangers, frame_names
    from clamr_select.selection import Selection

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output must be a directory, and {directory} cannot be one: {error.strerror}") from error
    saved, frames = directory / "selection.json", directory / "frames"
    try:
        earlier = [frames / name for name in frame_names(Selection.load(saved))] if saved.exists() else []
    except InputError as error:
        raise InputError(f"{saved} is of no earlier question: {error}; choose another directory") from error
    check_no_strangers(frames, known=earlier)
    return earlier


def write_outputs(selection: Selection, *, directory: Path, earlier: Sequence[Path]) -> None:
    """``selection.json``, ``contact_sheet.png``, ``timeline.png`` and ``frames/`` at full size.

    ``earlier``, frames of an earlier question, are removed; whatever else lies there stays.
    """
    from clamr_select.handoff.frames import save_frames

    for frame in earlier:
        frame.unlink(missing_ok=True)
    selection.save(directory / "selection.json")
    selection.contact_sheet().save(directory / "contact_sheet.png")
    selection.timeline().save(directory / "timeline.png")
    save_frames(selection, directory / "frames")
