"""The paper's recipe (arXiv 2506.06144, section 4): LoRA on a 3B backbone, InfoNCE over ``modality_max``.

Batch 16 over 8 GPUs, 1 epoch of MultiVENT 2.0++, learning rate 1e-5. LoRA itself is in
:mod:`clamr_select.training.adapters`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from clamr_select.training.arguments import training_arguments
from clamr_select.training.objective import LossTerm, Objective

ROWS_PER_PROCESS = 2
"""Times 8 GPUs: the paper's batch of 16."""
PAPER_OBJECTIVE = Objective(
    terms=(LossTerm("infonce", "modality_max", "documents"),), temperature=0.02, learnable_temperature=True
)
"""Eq. 2 with LI_mw (Eq. 3). The paper's temperature is learnable and its start unsaid; the released code's is 0.02,
fixed."""


def paper_arguments(output: Path, **options: Any) -> TrainingArguments:
    """The paper's arguments; ``paged_adamw_8bit`` needs bitsandbytes and a GPU, any other ``optim`` can be given.

    Args:
        **options: any of ``TrainingArguments``; they win.
    """
    recipe: dict[str, Any] = {
        "num_train_epochs": 1,
        "per_device_train_batch_size": 1,  # an item is a whole batch
        "per_device_eval_batch_size": 1,
        "train_sampling_strategy": "sequential",
        "learning_rate": 1e-5,
        "optim": "paged_adamw_8bit",
        "bf16": True,
        "logging_steps": 10,
        "save_steps": 500,
        "dataloader_num_workers": 4,
        "ddp_find_unused_parameters": True,  # a batch may come without a single frame
    }
    return training_arguments(output, **{**recipe, **options})
