"""``clamr-select lmms-tasks``: the folder of task files for lmms-eval's ``--include_path``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where the task files go (default: the cache folder)"
    )


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.integrations.lmms_eval.tasks.subtitled import write_tasks
    from clamr_select.store import default_folder

    print(write_tasks(arguments.output or default_folder() / "lmms-tasks"))
    return 0
