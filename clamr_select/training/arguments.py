"""transformers' ``TrainingArguments`` with the defaults that contrastive training needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, TrainingArguments

from clamr_select.errors import InputError
from clamr_select.training.optimizers import OptimizerName

METRIC = "ndcg@10"


def training_arguments(output: Path, **options: Any) -> TrainingArguments:
    """``TrainingArguments`` for :class:`~clamr_select.training.trainer.ClamrTrainer`.

    Args:
        output: directory of the checkpoints.
        **options: any of ``TrainingArguments``; they win over the defaults here.
    """
    defaults: dict[str, Any] = {
        "output_dir": str(output),
        # without it, processes that torchrun started on a CPU would not know of each other
        "use_cpu": not torch.accelerator.is_available(),
        "remove_unused_columns": False,
        "logging_nan_inf_filter": False,  # it would replace a loss that is not finite by an average
        "data_seed": options.get("seed", 42),  # else the order of rows is that of whatever drew a number before
        "dataloader_drop_last": True,  # a smaller last batch has fewer negatives
        "accelerator_config": {"dispatch_batches": False, "split_batches": False},
        "save_strategy": "steps",
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,  # patience counts on where it was
        "report_to": "none",
    }
    return TrainingArguments(**{**defaults, **options})


def check_arguments(args: TrainingArguments, *, optimizer: OptimizerName) -> None:
    """Raises InputError for what would drop columns, hide a loss that is not finite, lose processes or shards, or shard
    what ``muon`` steps whole."""
    if args.remove_unused_columns or args.logging_nan_inf_filter:
        raise InputError(
            "remove_unused_columns and logging_nan_inf_filter must be off: they drop data and hide a loss that "
            "is not finite; build the arguments with clamr_select.training.arguments.training_arguments"
        )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if args.world_size != started:
        raise InputError(
            f"{started} processes were started and this one sees {args.world_size}: they would overwrite each "
            "other's checkpoints; on a CPU, set use_cpu=True"
        )
    if getattr(args, "gradient_checkpointing", False) or getattr(args, "activation_checkpointing", False):
        raise InputError(
            "call clamr_select.training.memory.enable_gradient_checkpointing on the model instead: transformers "
            "names the argument differently from version to version"
        )
    if optimizer == "muon" and (args.fsdp_plugin_args or args.deepspeed):
        raise InputError("muon steps whole matrices and FSDP and DeepSpeed shard them; use optimizer='adamw'")
    if args.fsdp_plugin_args and (args.use_cpu or started == 1):
        raise InputError(
            "FSDP was asked for and accelerate would train without it: it needs GPUs, and several processes, as "
            "torchrun starts them"
        )


def early_stopping_options(*, evaluate_every: int) -> dict[str, Any]:
    """Options that evaluate and save every so many steps, and keep the checkpoint of the best nDCG@10."""
    return {
        "eval_strategy": "steps",
        "eval_steps": evaluate_every,
        "save_steps": evaluate_every,
        "load_best_model_at_end": True,
        "metric_for_best_model": METRIC,
        "greater_is_better": True,
    }


def early_stopping(*, patience: int) -> EarlyStoppingCallback:
    """Stop after so many evaluations without a better nDCG@10."""
    return EarlyStoppingCallback(early_stopping_patience=patience)
