"""``clamr-select precompute``: the frames of whole benchmark tasks, selected before they are run."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from clamr_select.errors import InputError

logger = logging.getLogger(__name__)

LAUNCHERS = (("RANK", "WORLD_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"))
"""Variables that hold a process's number and how many there are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tasks", required=True, metavar="NAMES", help="of lmms-eval, separated by commas")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="selections, for clamr_selections=FILE"
    )
    parser.add_argument("--include_path", metavar="DIR", help="task files of your own, as lmms-eval takes it")
    parser.add_argument("--limit", type=int, metavar="N", help="documents of each task (default: all)")
    parser.add_argument("--ray", action="store_true", help="spread the videos over a Ray cluster: clamr-select[ray]")
    parser.add_argument("--gpus-per-worker", type=float, default=1.0, metavar="N", help="with --ray (default: 1)")
    parser.add_argument("--workers", type=int, metavar="N", help="with --ray (default: as many as it has room for)")
    parser.add_argument(
        "options",
        nargs="+",
        metavar="clamr_NAME=VALUE",
        help="as in --model_args: clamr_model=NAME clamr_num_frames=N, clamr_policy … (docs/lmms_eval.md)",
    )


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.cli.memory import return_large_blocks
    from clamr_select.integrations.lmms_eval.options import SamplerOptions
    from clamr_select.integrations.lmms_eval.precompute import jobs_of, precompute
    from clamr_select.integrations.lmms_eval.questions import task_documents

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    options = SamplerOptions.from_model_args(parsed(arguments.options))
    if options.mode != "select":
        raise InputError(f"precompute selects; clamr_mode={options.mode} does not")
    output = arguments.output if arguments.output.suffix else arguments.output.with_suffix(".jsonl")
    return_large_blocks()
    documents = task_documents(arguments.tasks.split(","), include_path=arguments.include_path, limit=arguments.limit)
    jobs = jobs_of(documents, options=options)
    if arguments.ray:
        from clamr_select.integrations.lmms_eval.on_ray import precompute_on_ray

        gpus, workers = arguments.gpus_per_worker, arguments.workers
        done = precompute_on_ray(jobs, options=options, output=output, gpus_per_worker=gpus, num_workers=workers)
    else:
        rank, num_processes = process_place()
        done = precompute(jobs, options=options, output=output, rank=rank, num_processes=num_processes)
    if done is None:
        logger.info("this process has finished; the last one to finish joins the parts of %s", output)
        return 0
    from clamr_select.integrations.lmms_eval.selection_files import file_revision

    print(f"clamr_mode=cached,clamr_selections={output},clamr_rev={file_revision(output)}")
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
    """(rank, number of processes) as ``accelerate launch``, ``torchrun`` and ``mpirun`` say; each takes its own GPU."""
    for rank, size in LAUNCHERS:
        if int(os.environ.get(size, "1")) > 1:
            _take_gpu(int(os.environ.get("LOCAL_RANK", os.environ[rank])))
            return int(os.environ[rank]), int(os.environ[size])
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_ADDR" in os.environ:
        logger.warning(
            "accelerate launch --cpu starts one process, however many were asked for (accelerate 1.15). For several "
            "on CPUs: torchrun --nproc_per_node N -m clamr_select.cli precompute …"
        )
    return 0, 1


def _take_gpu(number: int) -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
