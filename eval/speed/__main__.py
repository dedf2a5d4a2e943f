"""Speed against what the hardware can do.

    python -m clamr_select.eval.speed gpu --output DIR [--shape qwen2_5_vl_3b] [--device cuda]

Checks scoring on the GPU against float32 on the CPU, times it against the copy bandwidth, and times the encoder at a
real shape with random weights: no weights are read but those of clamr-nano. Leaves gpu.json and gpu.md in DIR.
``--shape tiny`` does the same with little of everything.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from clamr_select.eval.speed.gpu import run_sections, write_report
from clamr_select.eval.speed.report import machine_facts

SECTION_NAMES = ("roofline", "plain_scoring", "triton_scoring", "encoding", "nano")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest="profile", required=True)
    gpu = subparsers.add_parser("gpu", help="scoring and encoding on one GPU")
    gpu.add_argument("--output", type=Path, required=True, metavar="DIR")
    gpu.add_argument("--shape", choices=["tiny", "100m", "qwen2_5_vl_3b"], default="qwen2_5_vl_3b")
    gpu.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    gpu.add_argument("--sections", nargs="+", choices=SECTION_NAMES, metavar="NAME", help="(default: all)")
    gpu.add_argument("--max-seconds", type=float, default=90, metavar="S", help="of one section (default: 90)")
    arguments = parser.parse_args(argv)
    on_this_device = [name for name in SECTION_NAMES if arguments.device == "cuda" or name != "triton_scoring"]
    results = run_sections(
        arguments.sections or on_this_device,
        device=arguments.device,
        shape=arguments.shape,
        max_seconds=arguments.max_seconds,
    )
    print(write_report(results, output=arguments.output, machine=machine_facts()))
    return 1 if any(result.failure for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
