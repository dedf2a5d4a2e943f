"""``clamr-select train``: trains a model by a preset."""

from __future__ import annotations

import argparse
import logging

from clamr_select.cli import train_options
from clamr_select.cli.arguments import set_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        choices=["nano", "paper"],
        default="nano",
        help="model, data and recipe: clamr-nano on procedural videos (default), or any backbone on rows of videos",
    )
    train_options.add_run_arguments(parser)
    train_options.add_nano_arguments(parser)
    train_options.add_model_arguments(parser)
    train_options.add_data_arguments(parser)
    train_options.add_objective_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    if arguments.preset == "nano":
        train_options.refuse(arguments, (*train_options.ROWS_ONLY, "lora"), preset="nano")
    else:
        train_options.refuse(arguments, train_options.NANO_ONLY, preset="paper")
    train_options.check_numbers(arguments)
    set_threads(arguments.threads)
    if arguments.preset == "nano":
        from clamr_select.cli.train_nano import run_nano

        return run_nano(arguments)
    from clamr_select.cli.train_rows import run_rows

    return run_rows(arguments)
