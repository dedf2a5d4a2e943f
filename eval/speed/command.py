"""``clamr-select eval speed``: arguments in, a profile out."""

from __future__ import annotations

import argparse
from pathlib import Path

from clamr_select.errors import InputError
from clamr_select.eval.speed.peers import decoding
from clamr_select.eval.speed.profile import CPU_SECTIONS, GPU_SECTIONS, run_sections, write_report
from clamr_select.eval.speed.report import machine_facts
from clamr_select.eval.speed.settings import settings_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profiles = parser.add_subparsers(dest="profile", required=True, metavar="PROFILE")
    cpu = profiles.add_parser("cpu", help="scoring, encoding and a second question, against named peers in turns")
    gpu = profiles.add_parser("gpu", help="scoring against the copy bandwidth, encoding against a plain product")
    for profile, sections, shapes in (
        (cpu, CPU_SECTIONS, ["tiny", "nano", "100m"]),
        (gpu, GPU_SECTIONS, ["tiny", "100m", "qwen2_5_vl_3b"]),
    ):
        profile.add_argument("--output", type=Path, required=True, metavar="DIR", help="receives the report")
        profile.add_argument(
            "--shape",
            choices=shapes,
            default="nano" if profile is cpu else "qwen2_5_vl_3b",
            help="of the encoder, weights random but nano's; tiny: little of everything (default: %(default)s)",
        )
        profile.add_argument("--sections", nargs="+", choices=sections, metavar="NAME", help="(default: all)")
        profile.add_argument("--max-seconds", type=float, metavar="S", help="of one section (default: %(default)s)")
    cpu.add_argument(
        "--peers", metavar="PYTHON", help="of the environment that holds the peers (make peers); left out without"
    )
    cpu.add_argument(
        "--lmms-eval",
        metavar="PYTHON",
        help="of an environment with lmms-eval (make test-lmms-eval makes one), whose reader is a peer",
    )
    cpu.add_argument(
        "--video-seconds", type=int, default=1200, metavar="S", help="of the videos that are read (default: 1200)"
    )
    cpu.add_argument("--cores", type=int, nargs="+", default=[1, 2], metavar="N", help="readers may use (default: 1 2)")
    cpu.add_argument(
        "--reading-tasks", nargs="+", default=[], choices=decoding.TASKS, metavar="NAME", help="(default: all)"
    )
    cpu.add_argument(
        "--readers", nargs="+", default=[], choices=decoding.MODULES, metavar="NAME", help="beside ours (default: all)"
    )
    cpu.set_defaults(max_seconds=1800.0, device="cpu")
    gpu.add_argument("--device", choices=["cpu", "cuda"], default="cuda", help="cpu: to try the command")
    gpu.set_defaults(max_seconds=90.0, peers=None, lmms_eval=None, video_seconds=1200, cores=[1])
    gpu.set_defaults(reading_tasks=[], readers=[])


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 where a section failed; the others are reported."""
    every = CPU_SECTIONS if arguments.profile == "cpu" else GPU_SECTIONS
    if min(arguments.video_seconds, *arguments.cores) < 1:
        raise InputError(
            f"--video-seconds and --cores must be at least 1, got {arguments.video_seconds} and {arguments.cores}"
        )
    settings = settings_for(
        arguments.shape,
        device=arguments.device,
        peers_python=arguments.peers,
        lmms_eval_python=arguments.lmms_eval,
        video_seconds=arguments.video_seconds,
        num_cores=tuple(arguments.cores),
        reading_tasks=tuple(arguments.reading_tasks),
        readers=tuple(arguments.readers),
    )
    results = run_sections(arguments.sections or list(every), settings=settings, max_seconds=arguments.max_seconds)
    print(write_report(results, name=arguments.profile, output=arguments.output, machine=machine_facts()))
    return 1 if any(result.failure for result in results) else 0
