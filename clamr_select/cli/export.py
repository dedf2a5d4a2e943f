"""``clamr-select export``: selections in the forms of other harnesses."""

from __future__ import annotations

import argparse
from pathlib import Path

from clamr_select.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="from clamr-select precompute, or of a clamr_log folder"
    )
    parser.add_argument(
        "--format", required=True, metavar="NAME", help="aks, bolt, qca, vlmevalkit (tables and JSON), or clips"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="PATH", help="a file; for clips a folder")
    parser.add_argument(
        "--include_path", metavar="DIR", help="where lmms-eval finds the task, for clips of one of yours"
    )


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.integrations.lmms_eval.export import export, write_clip_task
    from clamr_select.integrations.lmms_eval.questions import task_documents, task_file
    from clamr_select.integrations.lmms_eval.selection_files import read_selection_file

    questions, task = None, ""
    _, entries = read_selection_file(arguments.file)
    if not entries:
        raise InputError(f"{str(arguments.file)!r} holds no selection; was its run cut short?")
    if arguments.format == "clips":
        task = str(entries[0].task)
        questions = [dict(one.doc) for one in task_documents([task], include_path=arguments.include_path)]
    written = export(arguments.file, form=arguments.format, output=arguments.output, questions=questions)
    if arguments.format == "clips":
        included, split = task_file(task, include_path=arguments.include_path)
        written = write_clip_task(written, task=task, included=included, split=split)
    print(written)
    return 0
