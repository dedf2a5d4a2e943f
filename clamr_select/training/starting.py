"""The model that a training run starts from: which weights, what of them trains, and in which numbers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from clamr_select.errors import InputError
from clamr_select.model import ClamrForRetrieval, ClamrProcessor
from clamr_select.model.backbones.base import PROJECTION
from clamr_select.model.checkpoint.find import Checkpoint, find_checkpoint
from clamr_select.model.loading import load
from clamr_select.training.adapters import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    PEFT_PREFIX,
    add_lora,
    freeze_senses,
    load_adapter,
)
from clamr_select.training.memory import enable_gradient_checkpointing


@dataclass(frozen=True)
class Lora:
    """Settings of :func:`clamr_select.training.adapters.add_lora`; the paper's."""

    rank: int = 128
    alpha: float = 128
    dropout: float = 0.1


@dataclass(frozen=True)
class StartingPoint:
    """What to train.

    Args:
        name: a directory or hub id: a bare backbone, a whole retriever, or an adapter. With ``lora``, an adapter's
            training goes on, and it must be one that this library wrote with the same rank; without, it is merged
            into its base.
        base: what an adapter is put on, instead of what its config names.
        new_projection: ``name`` is a bare backbone; draw its projection from ``seed``.
        lora: train LoRA layers alone; None trains all weights.
        quantization: ``4bit`` (QLoRA) or ``8bit`` for the frozen weights under LoRA.
        freeze_vision: keep the vision (and audio) tower as it is; LoRA does so by itself.
        gradient_checkpointing: keep no activations inside layers.
        dtype: of weights that stay frozen; those that train are float32.
        seed: of the projection and the LoRA layers.

    Raises:
        InputError: settings that contradict each other.
    """

    name: str
    base: str | None = None
    new_projection: bool = False
    lora: Lora | None = Lora()
    quantization: str | None = None
    freeze_vision: bool = False
    gradient_checkpointing: bool = False
    dtype: torch.dtype = torch.float32
    seed: int = 42

    def __post_init__(self) -> None:
        if self.quantization is not None and self.lora is None:
            raise InputError("quantised weights cannot be trained; train LoRA layers beside them, or do not quantise")
        if self.freeze_vision and self.lora is not None:
            raise InputError("LoRA trains no tower; freeze_vision is for training all weights")

    def build(self) -> tuple[ClamrForRetrieval, ClamrProcessor]:
        """Load the model and say what of it trains.

        Raises:
            ModelError: see :func:`clamr_select.model.loading.load`.
            InputError: an adapter whose training cannot go on, or a projection where none, or one, was expected.
        """
        found = find_checkpoint(self.name, base=self.base)
        continues = found.lora is not None and self.lora is not None
        source = _continued_base(found, self.lora) if continues and self.lora is not None else self.name
        if continues and self.new_projection:
            raise InputError(f"{self.name} is an adapter, which holds its projection; a new one is for bare backbones")
        model, processor = self._load(
            source, base=None if continues else self.base, continued=found if continues else None
        )
        if self.lora is not None:
            torch.manual_seed(self.seed)
            add_lora(
                model,
                rank=self.lora.rank,
                alpha=self.lora.alpha,
                dropout=self.lora.dropout,
                base=_lasting_name(source),
            )
            if continues:
                load_adapter(model, directory=found.source.directory)
        if self.freeze_vision:
            freeze_senses(model)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()  # steps are smaller than 16 bits can tell
        if self.gradient_checkpointing:
            enable_gradient_checkpointing(model)
        return model, processor

    def _load(
        self, source: str, *, base: str | None, continued: Checkpoint | None
    ) -> tuple[ClamrForRetrieval, ClamrProcessor]:
        options: dict[str, Any] = {}
        if base is not None:
            options["base"] = base
        if self.new_projection or (continued is not None and _is_bare(continued)):
            options["new_projection_seed"] = self.seed  # an adapter that goes on brings its own afterwards
        if self.quantization is not None:
            options["quantization"] = self.quantization
            options["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))} if torch.cuda.is_available() else "cpu"
        return load(source, device="cpu", dtype=self.dtype if self.lora is not None else torch.float32, **options)


def _continued_base(found: Checkpoint, lora: Lora) -> str:
    """The name of an adapter's base, where the adapter is one that :func:`save_adapter` wrote with these settings."""
    from safetensors import safe_open

    directory = found.source.directory
    with safe_open(directory / ADAPTER_WEIGHTS, framework="pt") as file:
        ours = f"{PEFT_PREFIX}{PROJECTION}.base_layer.weight" in set(file.keys())
    if not ours:
        raise InputError(
            f"{found.source.name} was not written by this trainer, so its LoRA layers cannot be trained on. Merge it "
            "(ClamrForRetrieval.from_pretrained(…).save_pretrained(folder), and the processor's save_pretrained), and "
            "start from that folder; or train all weights"
        )
    stored = json.loads((directory / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    if (stored["r"], stored["lora_alpha"]) != (lora.rank, lora.alpha):
        raise InputError(
            f"{found.source.name} has LoRA layers of rank {stored['r']}, alpha {stored['lora_alpha']}; got "
            f"{lora.rank}, {lora.alpha}: give the adapter's"
        )
    if found.base is None:
        raise InputError(f"{found.source.name} names no base")
    return found.base.name


def _is_bare(found: Checkpoint) -> bool:
    from clamr_select.model.checkpoint.keys import canonical_key
    from clamr_select.model.checkpoint.tensors import TensorFiles

    homes = {canonical_key(key) for key in TensorFiles(found.whole.weight_files)}
    return found.whole.kind == "merged" and f"{PROJECTION}.weight" not in homes


def _lasting_name(name: str) -> str:
    """A directory by its whole path: an adapter finds its base from wherever it is read."""
    path = Path(os.path.expanduser(name))  # which leaves the ~ of a user who does not exist
    return str(path.resolve()) if path.is_dir() else name
