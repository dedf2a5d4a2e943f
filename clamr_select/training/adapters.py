"""LoRA layers for training, and which parameters train at all."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from clamr_select.errors import CheckpointError, InputError, missing_dependency
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.backbones import backbone_for
from clamr_select.model.backbones.base import PROJECTION

SENSES = ("visual", "audio_tower")
ADAPTER_WEIGHTS, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
PEFT_PREFIX = "base_model.model."
ADAPTER_NAME = "default"


def lora_modules(model: ClamrForRetrieval) -> list[str]:
    """Full names of the linear layers that the paper adapts: the language model's seven kinds and the projection.

    Named one by one: the released pattern also matches the vision tower's under transformers 5.
    """
    return backbone_for(model.vlm.config.model_type).lora_modules(model)


def add_lora(
    model: ClamrForRetrieval, *, rank: int = 128, alpha: float = 128, dropout: float = 0.1, base: str | None = None
) -> list[str]:
    """Put LoRA layers into the model, in place, and freeze everything else. The defaults are the paper's.

    Args:
        rank, alpha: of the update ``alpha / rank * B @ A``; A starts gaussian, B at zero.
        dropout: of the input of A, 0 to below 1.
        base: what the model was loaded from, written into the adapter's config.

    Returns:
        Names of the adapted layers.

    Raises:
        InputError: a number out of range, or a model that has LoRA layers.
        MissingDependencyError: peft is not installed.
    """
    if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise InputError(f"got {rank=}, {alpha=}, {dropout=}; allowed: at least 1, above 0, 0 to below 1")
    if has_lora(model):
        raise InputError("the model has LoRA layers already; load it anew to start over")
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise missing_dependency("peft", extra="train", purpose="training with LoRA") from error
    modules = lora_modules(model)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # peft writes int, and computes with any number
        lora_dropout=dropout,
        init_lora_weights="gaussian",
        target_modules=modules,
        base_model_name_or_path=base,
    )
    inject_adapter_in_model(config, model, adapter_name=ADAPTER_NAME)
    return modules


def has_lora(model: ClamrForRetrieval) -> bool:
    return any(".lora_A." in name for name, _ in model.named_parameters())


def freeze_senses(model: ClamrForRetrieval) -> None:
    """Vision (and audio) towers keep their weights; the language model and the projection train."""
    for name in SENSES:
        tower = getattr(model.vlm, name, None)
        if tower is not None:
            tower.requires_grad_(False)


def trainable_parameters(model: nn.Module) -> list[str]:
    """Names of the parameters that a step will change, in the model's order."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def save_adapter(model: ClamrForRetrieval, *, directory: Path, state: dict[str, torch.Tensor] | None = None) -> None:
    """Write the LoRA weights in peft's format, with the projection they were trained on: it is no part of the
    base, and without it the adapter would be useless.

    Args:
        state: the model's whole state where it is sharded and had to be gathered.
    """
    tensors = model.state_dict() if state is None else state
    kept = {
        PEFT_PREFIX + name.replace(f".{ADAPTER_NAME}.", "."): value.detach().cpu().contiguous()
        for name, value in tensors.items()
        if ".lora_" in name or name.startswith(f"{PROJECTION}.base_layer.")
    }
    directory.mkdir(parents=True, exist_ok=True)
    save_file(kept, directory / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    model.peft_config[ADAPTER_NAME].save_pretrained(directory)
    model.config.save_pretrained(directory)


def load_adapter(model: ClamrForRetrieval, *, directory: Path) -> None:
    """Take up what :func:`save_adapter` wrote, in a model with the same LoRA layers.

    Raises:
        CheckpointError: a tensor is missing, left over or of a wrong shape.
    """
    path = directory / ADAPTER_WEIGHTS
    try:
        stored = load_file(path)
        wanted = json.loads((directory / ADAPTER_CONFIG).read_text(encoding="utf-8"))["r"]
    except (OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{directory} holds no adapter that can be read: {error}") from error
    own = {
        PEFT_PREFIX + name.replace(f".{ADAPTER_NAME}.", "."): parameter
        for name, parameter in model.named_parameters()
        if ".lora_" in name or name.startswith(f"{PROJECTION}.base_layer.")
    }
    wrong = sorted(name for name in own.keys() | stored.keys() if name not in own or name not in stored) or sorted(
        name for name, value in stored.items() if own[name].shape != value.shape
    )
    if wrong:
        raise CheckpointError(f"{path} (rank {wanted}) does not fit the model's LoRA layers: {', '.join(wrong[:4])}")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(stored[name])
