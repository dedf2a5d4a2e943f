"""What ``clamr-select train`` takes, and which of it belongs to which preset."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError, MissingDependencyError, missing_dependency, unknown_name

if TYPE_CHECKING:
    from transformers import TrainerCallback

    from clamr_select.model import ClamrProcessor

NANO_ONLY = ("system", "vocab_size")
ROWS_ONLY = (
    "base", "new_projection", "full", "lora_rank", "lora_alpha", "lora_dropout", "quantization",
    "freeze_vision", "gradient_checkpointing", "data", "row_split", "queries", "frames_dir", "video_dir", "validation",
    "validation_split", "validation_queries", "num_frames", "max_tokens", "modality_dropout", "on_bad_row", "bad_rows",
    "batch_size", "num_epochs", "gradient_accumulation", "loss", "similarity", "temperature", "fixed_temperature",
    "teacher_scores", "fsdp", "deepspeed",
)  # fmt: skip


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """For every preset."""
    parser.add_argument("--output", type=Path, required=True, help="directory of checkpoints; resumes from it")
    parser.add_argument("--num-steps", type=int, metavar="N", help="(default: nano 1900, paper by --num-epochs)")
    parser.add_argument("--learning-rate", type=float, metavar="R", help="(default: the preset's)")
    parser.add_argument(
        "--optimizer",
        metavar="NAME",
        help="muon, adamw, or, with --preset paper, one of transformers' (default: the preset's)",
    )
    parser.add_argument(
        "--save-every",
        type=int,
        metavar="N",
        help="steps between checkpoints (default: --evaluate-every, or the preset's)",
    )
    parser.add_argument("--log-every", type=int, metavar="N", help="steps between log lines (default: the preset's)")
    parser.add_argument(
        "--evaluate-every", type=int, metavar="N", help="steps; keeps the best nDCG@10 (default: never)"
    )
    parser.add_argument("--patience", type=int, metavar="N", help="stop after N evaluations without a better nDCG@10")
    parser.add_argument("--cache-gradients", action="store_true", help="GradCache: large batches in little memory")
    parser.add_argument(
        "--bf16", action=argparse.BooleanOptionalAction, help="compute in bfloat16 (default: the preset's)"
    )
    parser.add_argument("--report-to", default="none", metavar="NAME", help="none (default), tensorboard, wandb, …")
    parser.add_argument(
        "--num-workers", type=int, metavar="N", help="processes that make batches (default: nano 1, paper 4)"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of order, draws and fresh weights (default: nano 20261122, paper 42)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads of the model (default: torch's)")


def add_nano_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("--preset nano")
    group.add_argument(
        "--system",
        metavar="NAME",
        help="clamr (default), or a baseline with the same encoder, trained for its own score",
    )
    group.add_argument(
        "--vocab-size",
        type=int,
        metavar="N",
        help="train a tokenizer of so many pieces, with --model too (default without: 2048)",
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("--preset paper: the model")
    group.add_argument(
        "--model", metavar="NAME", help="a retriever, an adapter, or a bare backbone; of nano, weights to start from"
    )
    group.add_argument("--base", metavar="NAME", help="what an adapter is put on, instead of what its config names")
    group.add_argument(
        "--new-projection", action="store_true", help="--model is a bare backbone: draw its projection from --seed"
    )
    trained = group.add_mutually_exclusive_group()
    trained.add_argument("--lora", action="store_true", help="train LoRA layers alone (the default)")
    trained.add_argument("--full", action="store_true", help="train all weights")
    group.add_argument("--lora-rank", type=int, metavar="R", help="(default: 128)")
    group.add_argument("--lora-alpha", type=float, metavar="A", help="(default: the rank)")
    group.add_argument("--lora-dropout", type=float, metavar="P", help="(default: 0.1)")
    group.add_argument("--quantization", metavar="NAME", help="4bit (QLoRA) or 8bit, under LoRA")
    group.add_argument("--freeze-vision", action="store_true", help="with --full: the vision tower stays as it is")
    group.add_argument("--gradient-checkpointing", action="store_true", help="less memory, more computing")
    group.add_argument("--fsdp", metavar="NAME", help="shard it: fsdp (our settings), or a JSON file")
    group.add_argument("--deepspeed", metavar="NAME", help="shard it: zero2 or zero3 (our settings), or a JSON file")


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("--preset paper: the data")
    group.add_argument(
        "--data", type=Path, metavar="ROWS", help="jsonl, json, parquet, saved data set, or a folder of videos"
    )
    group.add_argument("--row-split", metavar="NAME", help="of a saved data set that has several")
    group.add_argument("--queries", type=Path, metavar="FILE", help="questions from another file, by video id")
    group.add_argument("--frames-dir", type=Path, metavar="DIR", help="where the rows' images lie")
    group.add_argument("--video-dir", type=Path, metavar="DIR", help="where the rows' videos lie")
    group.add_argument("--validation", type=Path, metavar="ROWS", help="rows that --evaluate-every measures on")
    group.add_argument("--validation-split", metavar="NAME", help="of a saved data set that has several")
    group.add_argument("--validation-queries", type=Path, metavar="FILE", help="their questions, from another file")
    group.add_argument("--num-frames", type=int, metavar="N", help="at most, a video (default: 10)")
    group.add_argument(
        "--max-tokens", nargs="+", metavar="MODALITY=N", help="of a text (default: ocr=256 asr=256 description=256)"
    )
    group.add_argument(
        "--modality-dropout", nargs="+", metavar="MODALITY=P", help="share of documents that lose it (default: none)"
    )
    group.add_argument("--on-bad-row", metavar="NAME", help="error (default) or skip")
    group.add_argument("--bad-rows", type=Path, metavar="FILE", help="(default: bad_rows.jsonl in --output)")
    group.add_argument("--batch-size", type=int, metavar="N", help="rows a process and step (default: 2)")
    group.add_argument("--num-epochs", type=int, metavar="N", help="(default: 1)")
    group.add_argument("--gradient-accumulation", type=int, metavar="N", help="batches a step (default: 1)")


def add_objective_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("--preset paper: the objective")
    group.add_argument(
        "--loss",
        nargs="+",
        metavar="NAME[=WEIGHT]",
        help="infonce (default), hard_positive, hard_negative, pairwise, distill_kl, distill_margin",
    )
    group.add_argument("--similarity", metavar="NAME", help="modality_max (default) or token_max")
    group.add_argument("--temperature", type=float, metavar="T", help="at first (default: 0.02)")
    group.add_argument("--fixed-temperature", action="store_true", help="keep it")
    group.add_argument(
        "--teacher-scores", type=Path, metavar="FILE", help="jsonl of query, video_id, score, for distill_*"
    )


LOWEST = {
    "num_steps": 1, "num_epochs": 1, "save_every": 1, "log_every": 1, "evaluate_every": 1, "patience": 1,
    "gradient_accumulation": 1, "num_workers": 0, "seed": 0,
}  # fmt: skip
"""Of numbers that nothing else checks before a model is loaded."""


def refuse(arguments: argparse.Namespace, names: Sequence[str], *, preset: str) -> None:
    """Raises InputError where one of the arguments, which are another preset's, was given."""
    # by identity: 0, which is equal to False, was given
    values = {name: getattr(arguments, name) for name in names}
    given = [_flag(name) for name, value in values.items() if value is not None and value is not False]
    if given:
        raise InputError(f"{', '.join(given)}: not with --preset {preset}")


def check_numbers(arguments: argparse.Namespace) -> None:
    """Raises InputError for a number out of its range."""
    for name, lowest in LOWEST.items():
        given = getattr(arguments, name)
        if given is not None and given < lowest:
            raise InputError(f"{_flag(name)} must be at least {lowest}, got {given}")
    rate = arguments.learning_rate
    if rate is not None and not 0 < rate < math.inf:
        raise InputError(f"--learning-rate must be a number above 0, got {rate}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def pairs(given: Sequence[str] | None, *, flag: str, kind: Callable[[str], float]) -> dict[str, Any]:
    """``name=number`` each, as a mapping.

    Raises:
        InputError: another form, or a name twice.
    """
    found: dict[str, Any] = {}
    for text in given or ():
        name, equals, number = text.partition("=")
        try:
            value = kind(number)
        except ValueError:
            equals = ""
        if not equals or not name or name in found:
            raise InputError(f"{flag} takes NAME={kind.__name__} once a name, got {text!r}")
        found[name] = value
    return found


def max_tokens(given: Sequence[str] | None, *, processor: ClamrProcessor) -> dict[str, int]:
    """Of each text: those of ``--max-tokens``, and of the others the paper's, or as many as the model reads.

    Raises:
        InputError: as :func:`pairs`.
    """
    from clamr_select.training.data.budgets import PAPER_TOKENS

    others = {modality: min(tokens, processor.max_text_tokens) for modality, tokens in PAPER_TOKENS.items()}
    return {**others, **pairs(given, flag="--max-tokens", kind=int)}


def common_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about any preset, as ``TrainingArguments`` take it."""
    from clamr_select.training.arguments import early_stopping_options
    from clamr_select.training.presets import DEEPSPEED_PRESETS, FSDP_PRESETS, read_settings

    check_report_to(arguments.report_to)
    options: dict[str, Any] = {"report_to": arguments.report_to, "disable_tqdm": not sys.stderr.isatty()}
    for name, given in (
        ("bf16", arguments.bf16),
        ("learning_rate", arguments.learning_rate),
        ("save_steps", arguments.save_every),
        ("logging_steps", arguments.log_every),
    ):
        if given is not None:
            options[name] = given
    if arguments.num_workers is not None:
        options["dataloader_num_workers"] = arguments.num_workers
        if not arguments.num_workers:
            options["dataloader_prefetch_factor"] = None
    if arguments.evaluate_every is not None:
        if arguments.save_every not in (None, arguments.evaluate_every):
            raise InputError(
                f"--evaluate-every {arguments.evaluate_every} saves as often, to keep the best; got --save-every "
                f"{arguments.save_every}: leave it out"
            )
        options |= early_stopping_options(evaluate_every=arguments.evaluate_every)
    if arguments.fsdp is not None and arguments.deepspeed is not None:
        raise InputError("--fsdp and --deepspeed both shard the model; give one")
    if arguments.fsdp is not None:
        options |= {"fsdp": True, "fsdp_config": read_settings(arguments.fsdp, presets=FSDP_PRESETS)}
    if arguments.deepspeed is not None:
        options["deepspeed"] = read_settings(arguments.deepspeed, presets=DEEPSPEED_PRESETS)
    return options


def callbacks(arguments: argparse.Namespace) -> list[TrainerCallback]:
    from clamr_select.training.arguments import early_stopping

    if arguments.patience is None:
        return []
    if arguments.evaluate_every is None:
        raise InputError("--patience counts evaluations; say how often with --evaluate-every")
    return [early_stopping(patience=arguments.patience)]


def check_report_to(name: str) -> None:
    """
    Raises:
        UnknownNameError: transformers knows no such tracker.
        MissingDependencyError: it is not installed.
    """
    from transformers.integrations import integration_utils

    if name in ("none", "all"):
        return
    if name not in integration_utils.INTEGRATION_TO_CALLBACK:
        raise unknown_name("tracker", name, ["none", "all", *integration_utils.INTEGRATION_TO_CALLBACK])
    if name not in integration_utils.get_available_reporting_integrations():
        if name == "tensorboard":
            raise missing_dependency(name, extra="train", purpose="--report-to tensorboard")
        raise MissingDependencyError(
            f"--report-to {name} needs its package, which is not installed; install it, or leave the flag out"
        )
