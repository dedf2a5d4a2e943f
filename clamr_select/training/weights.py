"""What is trained, to and from a checkpoint's directory: safetensors, readable by ``from_pretrained``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, load_model, save_file

from clamr_select.errors import CheckpointError
from clamr_select.training.adapters import has_lora, load_adapter, save_adapter
from clamr_select.training.contrastive_model import ContrastiveModel

WEIGHTS, TEMPERATURE, OBJECTIVE = "model.safetensors", "temperature.safetensors", "objective.json"
RETRIEVER_PREFIX = "retriever."


def save_weights(model: ContrastiveModel, *, directory: Path, state: dict[str, torch.Tensor] | None = None) -> None:
    """Write the retriever (its adapter alone where it has one), the temperature and the objective.

    Args:
        state: the whole state of ``model`` where it is sharded and had to be gathered.
    """
    retriever_state = None
    if state is not None:
        retriever_state = {
            name.removeprefix(RETRIEVER_PREFIX): value
            for name, value in state.items()
            if name.startswith(RETRIEVER_PREFIX)
        }
    if has_lora(model.retriever):
        save_adapter(model.retriever, directory=directory, state=retriever_state)
    else:
        model.retriever.save_pretrained(directory, state_dict=retriever_state, max_shard_size="100GB")
    log_temperature = model.log_temperature if state is None else state["log_temperature"]
    save_file({"log_temperature": log_temperature.detach().cpu().clone()}, directory / TEMPERATURE)
    objective: dict[str, Any] = asdict(model.objective)
    (directory / OBJECTIVE).write_text(json.dumps(objective, indent=2), encoding="utf-8")


def load_weights(model: ContrastiveModel, *, directory: Path) -> None:
    """Take up what :func:`save_weights` wrote, every tensor of it and nothing else.

    Raises:
        CheckpointError: a tensor is missing or left over, or the temperature is.
    """
    try:
        if has_lora(model.retriever):
            load_adapter(model.retriever, directory=directory)
        else:
            load_model(model.retriever, directory / WEIGHTS, strict=True)
        with torch.no_grad():
            model.log_temperature.copy_(load_file(directory / TEMPERATURE)["log_temperature"])
    except (RuntimeError, OSError, KeyError) as error:
        raise CheckpointError(f"cannot resume from {directory}: {error}") from error
