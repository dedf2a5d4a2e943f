"""``clamr-select precompute``: the frames of whole benchmark tasks, selected before they are run."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from clamr_select.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tasks", required=True, metavar="NAMES", help="of lmms-eval, separated by commas")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="selections, for clamr_selections=FILE"
    )
    parser.add_argument("--include_path", metavar="DIR", help="task files of your own, as lmms-eval takes it")
    parser.add_argument("--limit", type=int, metavar="N", help="documents of each task (default: all)")
    parser.add_argument("--ray", action="store_true", help="spread the videos over a Ray cluster: clamr-select[ray]")
    parser.add_argument("--gpus-per-worker", type=float, default=1.0, metavar="N", help="with --ray (default: 1)")
    parser.add_argument(
        "options",
        nargs="+",
        metavar="clamr_NAME=VALUE",
        help="as in --model_args: clamr_model=NAME clamr_num_frames=N, clamr_policy … (docs/lmms_eval.md)",
    )


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.cli.memory import return_large_blocks
    from clamr_select.integrations.lmms_eval.options import SamplerOptions
    from clamr_select.integrations.lmms_eval.precompute import jobs_of, join, precompute
    from clamr_select.integrations.lmms_eval.questions import task_documents

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    options = SamplerOptions.from_model_args(parsed(arguments.options))
    if options.mode != "select":
        raise InputError(f"precompute selects; clamr_mode={options.mode} does not")
    return_large_blocks()
    documents = task_documents(arguments.tasks.split(","), include_path=arguments.include_path, limit=arguments.limit)
    jobs = jobs_of(documents, options=options)
    num_questions = sum(len(job.wanted) for job in jobs)
    if arguments.ray:
        from clamr_select.integrations.lmms_eval.on_ray import precompute_on_ray

        precompute_on_ray(jobs, options=options, output=arguments.output, gpus_per_worker=arguments.gpus_per_worker)
    else:
        rank, num_processes = process_place()
        precompute(jobs, options=options, output=arguments.output, rank=rank, num_processes=num_processes)
        if num_processes > 1 and not all_finished(num_processes):
            return 0
        join(arguments.output, num_processes=num_processes, num_questions=num_questions)
    from clamr_select.integrations.lmms_eval.selection_files import file_revision

    print(f"clamr_mode=cached,clamr_selections={arguments.output},clamr_rev={file_revision(arguments.output)}")
    return 0


def parsed(options: list[str]) -> dict[str, object]:
    """``name=value`` as lmms-eval reads ``--model_args``: what looks like a number is one.

    Raises:
        InputError: an option without ``=``, or not of ours.
    """
    found: dict[str, object] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name.startswith("clamr_"):
            raise InputError(f"options are clamr_NAME=VALUE, got {option!r}")
        found[name] = _value(value)
    return found


def _value(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def process_place() -> tuple[int, int]:
    """(rank, number of processes) of ``accelerate launch`` and ``torchrun``; each process takes a GPU of its own."""
    from accelerate import PartialState

    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1
    state = PartialState()
    return int(state.process_index), int(state.num_processes)


def all_finished(num_processes: int) -> bool:
    """Waits for the others; True in the process that joins what all have written."""
    from accelerate import PartialState

    state = PartialState()
    state.wait_for_everyone()
    return bool(state.is_main_process)
