"""``clamr-select doctor``: is this installation sound, and does a checkpoint compute what it should?"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from clamr_select.cli.arguments import DEFAULT_MODEL
from clamr_select.errors import InputError

SCHEMA_VERSION = 1
SHOWN = {"ok": "ok", "absent": "absent", "warning": "warning", "failed": "FAILED"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="name, directory or hub id (default: clamr-nano)",
    )
    parser.add_argument("--base", metavar="NAME", help="what an adapter is put on, instead of what its config names")
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.add_argument(
        "--write-expected",
        action="store_true",
        help="no checks: keep what MODEL, a directory, computes now, for this check to compare with later",
    )


def run(arguments: argparse.Namespace) -> int:
    """0 where nothing failed, else 1."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    if arguments.write_expected:
        return _write_expected(arguments)
    from clamr_select.doctor import examine, healthy

    checks = examine(arguments.model, base=arguments.base, device=arguments.device)
    if arguments.json:
        data = {
            "schema_version": SCHEMA_VERSION,
            "model": arguments.model,
            "healthy": healthy(checks),
            "checks": [asdict(check) for check in checks],
        }
        print(json.dumps(data, indent=2))
    else:
        for check in checks:
            print(f"{SHOWN[check.status]:<8} {check.name:<20} {check.message}")
        failed = sum(check.status == "failed" for check in checks)
        print("healthy" if not failed else f"{failed} of {len(checks)} checks FAILED")
    return 0 if healthy(checks) else 1


def _write_expected(arguments: argparse.Namespace) -> int:
    from clamr_select.doctor.checkpoint import directory_of, load
    from clamr_select.doctor.expected import write_expected
    from clamr_select.model.checkpoint.source import EMBEDDED_MODELS

    if arguments.model not in EMBEDDED_MODELS and not Path(arguments.model).is_dir():
        raise InputError(f"--write-expected writes beside the weights: give a directory, got {arguments.model!r}")
    encoder = load(arguments.model, base=arguments.base, device="cpu")
    directory = directory_of(arguments.model, base=arguments.base)
    print(f"wrote {write_expected(encoder, directory=directory)}")
    return 0
