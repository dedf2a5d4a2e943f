"""LoRA adapters in peft's format, read without peft: ``W + alpha / r * B @ A`` (arXiv 2106.09685)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from clamr_select.errors import CheckpointError

ADAPTER_CONFIG = "adapter_config.json"

READ = {
    "peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules", "exclude_modules",
    "modules_to_save", "layers_to_transform", "base_model_name_or_path", "revision",
}  # fmt: skip
"""Fields that say what the tensors mean, or where the base is."""
TRAINING_ONLY = {
    "lora_dropout", "task_type", "inference_mode", "auto_mapping", "peft_version", "runtime_config", "eva_config",
    "megatron_core", "qalora_group_size", "ensure_weight_tying", "loftq_config", "layers_pattern",
}  # fmt: skip
"""Fields that change nothing about what finished weights compute."""
PLAIN_INITS = (True, False, "gaussian", "orthogonal", "eva")
"""Ways to start training that leave the base's weights as they are; pissa, olora, corda, loftq … do not."""


@dataclass(frozen=True)
class LoraConfig:
    """What an adapter's ``adapter_config.json`` says."""

    rank: int
    alpha: float
    target_modules: str | tuple[str, ...]
    """A regular expression for whole names, or the ends of names, of the modules that have a pair."""
    use_rslora: bool = False
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    alpha_pattern: Mapping[str, float] = field(default_factory=dict)
    exclude_modules: str | tuple[str, ...] = ()
    layers_to_transform: tuple[int, ...] | None = None
    modules_to_save: tuple[str, ...] = ()
    """Modules whose whole weight is in the adapter."""
    base: str | None = None
    base_revision: str | None = None

    def rank_of(self, module: str) -> int:
        return int(_by_pattern(self.rank_pattern, module, default=self.rank))

    def scaling_of(self, module: str) -> float:
        """What ``B @ A`` is multiplied by: alpha / r, or alpha / sqrt(r) with rsLoRA (arXiv 2312.03732)."""
        rank = self.rank_of(module)
        return _by_pattern(self.alpha_pattern, module, default=self.alpha) / (
            math.sqrt(rank) if self.use_rslora else rank
        )

    def targets(self, module: str) -> bool:
        """Whether training with this config put a pair on the module, by peft's rules.

        Args:
            module: its name in the model that was trained, without ``base_model.model.``.
        """
        if _matches(self.exclude_modules, module) or _matches(self.modules_to_save, module):
            return False
        if self.target_modules != "all-linear" and not _matches(self.target_modules, module):
            return False
        layer = re.search(r"(?:^|\.)layers\.(\d+)\.", module)
        return self.layers_to_transform is None or layer is None or int(layer[1]) in self.layers_to_transform


def read_lora_config(directory: Path) -> LoraConfig:
    """Read ``adapter_config.json``.

    Raises:
        CheckpointError: not JSON, not LoRA, or a field is set that would change what the tensors mean and is not
            supported here; the message names it.
    """
    path = directory / ADAPTER_CONFIG
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path} must hold a JSON object, got a {type(raw).__name__}")
    _refuse_other_kinds(raw, path)
    rank, alpha = raw.get("r"), raw.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1:
        raise CheckpointError(f"{path}: r must be a positive integer, got {rank!r}")
    if not isinstance(alpha, int | float):
        raise CheckpointError(f"{path}: lora_alpha must be a number, got {alpha!r}")
    layers = raw.get("layers_to_transform")
    return LoraConfig(
        rank=rank,
        alpha=alpha,
        target_modules=_names(raw, "target_modules", path),
        use_rslora=bool(raw.get("use_rslora")),
        rank_pattern=dict(raw.get("rank_pattern") or {}),
        alpha_pattern=dict(raw.get("alpha_pattern") or {}),
        exclude_modules=_names(raw, "exclude_modules", path),
        layers_to_transform=None if layers in (None, []) else tuple([layers] if isinstance(layers, int) else layers),
        modules_to_save=tuple(raw.get("modules_to_save") or ()),
        base=raw.get("base_model_name_or_path") or None,
        base_revision=raw.get("revision") or None,
    )


def _refuse_other_kinds(raw: Mapping[str, Any], path: Path) -> None:
    if raw.get("peft_type") != "LORA":
        raise CheckpointError(f"{path}: peft_type is {raw.get('peft_type')!r}; only 'LORA' adapters are read")
    if raw.get("bias", "none") != "none":
        raise CheckpointError(f"{path}: bias is {raw['bias']!r}; only adapters that train no biases ('none') are read")
    init = raw.get("init_lora_weights", True)
    if init not in PLAIN_INITS:
        raise CheckpointError(
            f"{path}: init_lora_weights is {init!r}, which changes the base's own weights; convert the adapter to "
            "plain LoRA with peft (save_pretrained(..., path_initial_model_for_weight_conversion=...)) and load that"
        )
    known = READ | TRAINING_ONLY | {"bias", "init_lora_weights"}
    unread = {name: value for name, value in raw.items() if name not in known and value not in (None, False, [], {})}
    if unread:
        fields = ", ".join(f"{name}={value!r}" for name, value in sorted(unread.items()))
        raise CheckpointError(f"{path}: {fields} is not supported here; only plain LoRA and rsLoRA adapters are read")


def _names(raw: Mapping[str, Any], name: str, path: Path) -> str | tuple[str, ...]:
    value = raw.get(name) or ()
    if not isinstance(value, str):
        return tuple(value)
    try:
        re.compile(value)
    except re.error as error:
        raise CheckpointError(f"{path}: {name} is no regular expression: {error}") from error
    return value


def _matches(names: str | Iterable[str], module: str) -> bool:
    if isinstance(names, str):
        return re.fullmatch(names, module) is not None
    return any(module == name or module.endswith(f".{name}") for name in names)


def _by_pattern(patterns: Mapping[str, Any], module: str, *, default: float) -> float:
    """peft's rule: the first pattern that matches the end of the name."""
    for pattern, value in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default


_PARTS = re.compile(r"\.lora_(A|B)(?:\.default)?\.weight$")


def split_lora_key(key: str) -> tuple[str, str] | None:
    """(module, ``A`` or ``B``) of a LoRA tensor's name, None for any other."""
    match = _PARTS.search(key)
    return (key[: match.start()], match.group(1)) if match else None


_WRAPPERS = re.compile(r"\.(?:base_layer|modules_to_save(?:\.default)?)(?=\.)")


def unwrapped_key(key: str) -> str:
    """The name of a whole tensor in an adapter without what peft wraps around its module."""
    return _WRAPPERS.sub("", key)


def merged(weight: torch.Tensor, *, lora_a: torch.Tensor, lora_b: torch.Tensor, scaling: float) -> torch.Tensor:
    """``weight + scaling * lora_b @ lora_a``, computed in float32, returned in float32.

    Args:
        weight: (out, in). lora_a: (rank, in). lora_b: (out, rank); any floating dtypes.
    """
    return torch.addmm(weight.float(), lora_b.float(), lora_a.float(), alpha=scaling)
