"""Recipes: objective, arguments, and files for FSDP and DeepSpeed."""

from clamr_select.training.presets.files import DEEPSPEED_PRESETS, FSDP_PRESETS, read_settings
from clamr_select.training.presets.nano import NANO_OBJECTIVE, NANO_OPTIMIZER, nano_arguments, nano_objective
from clamr_select.training.presets.paper import PAPER_OBJECTIVE, ROWS_PER_PROCESS, paper_arguments

__all__ = [
    "DEEPSPEED_PRESETS",
    "FSDP_PRESETS",
    "NANO_OBJECTIVE",
    "NANO_OPTIMIZER",
    "PAPER_OBJECTIVE",
    "ROWS_PER_PROCESS",
    "nano_arguments",
    "nano_objective",
    "paper_arguments",
    "read_settings",
]
