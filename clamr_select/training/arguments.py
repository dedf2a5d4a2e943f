"""transformers' ``TrainingArguments`` with the defaults that contrastive training needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, TrainingArguments

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
