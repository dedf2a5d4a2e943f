"""LoRA adapters in peft's format, read without peft: ``W + alpha / r * B @ A`` (arXiv 2106.09685)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
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
    base_class: str | None = None
    """The Python class of the model that was trained, where peft noted it."""

    def rank_of(self, module: str) -> int:
        return int(_by_pattern(self.rank_pattern, module, default=self.rank))

    def scaling_of(self, module: str) -> float:
        """What ``B @ A`` is multiplied by: alpha / r, or alpha / sqrt(r) with rsLoRA (arXiv 2312.03732)."""
        rank = self.rank_of(module)
        return _by_pattern(self.alpha_pattern, module, default=self.alpha) / (
            math.sqrt(rank) if self.use_rslora else rank
        )

    def excludes(self, module: str) -> bool:
        """Whether the config says that the module has no pair."""
        return _matches(self.exclude_modules, module) or _matches(self.modules_to_save, module)

    def targets(self, module: str) -> bool:
        """Whether training with this config put a pair on the module, by peft's rules.

        Args:
            module: its name in the model that was trained, without ``base_model.model.``.
        """
        if self.excludes(module):
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
    rank: Any = raw.get("r")
    alpha: Any = raw.get("lora_alpha")
    if not _is_rank(rank):
        raise CheckpointError(f"{path}: r must be a positive integer, got {rank!r}")
    if not _is_number(alpha):
        raise CheckpointError(f"{path}: lora_alpha must be a finite number, got {alpha!r}")
    mapping = raw.get("auto_mapping")
    return LoraConfig(
        rank=rank,
        alpha=alpha,
        target_modules=_names(raw, "target_modules", path),
        use_rslora=bool(raw.get("use_rslora")),
        rank_pattern=_patterns(raw, "rank_pattern", path, fits=_is_rank),
        alpha_pattern=_patterns(raw, "alpha_pattern", path, fits=_is_number),
        exclude_modules=_names(raw, "exclude_modules", path),
        layers_to_transform=_layers(raw.get("layers_to_transform"), path),
        modules_to_save=_listed(raw, "modules_to_save", path),
        base=_text(raw, "base_model_name_or_path", path),
        base_revision=_text(raw, "revision", path),
        base_class=mapping.get("base_model_class") if isinstance(mapping, dict) else None,
    )


def _refuse_other_kinds(raw: Mapping[str, Any], path: Path) -> None:
    if raw.get("peft_type") != "LORA":
        raise CheckpointError(f"{path}: peft_type is {raw.get('peft_type')!r}; only 'LORA' adapters are read")
    if raw.get("bias", "none") != "none":
        raise CheckpointError(f"{path}: bias is {raw['bias']!r}; only adapters that train no biases ('none') are read")
    init = raw.get("init_lora_weights", True)
    if not isinstance(init, bool | str) or init not in PLAIN_INITS:
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
        return _listed(raw, name, path)
    _check_regex(value, name, path)
    return value


def _listed(raw: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
    value = raw.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise CheckpointError(f"{path}: {name} must be a list of names, got {value!r}")
    return tuple(value)


def _text(raw: Mapping[str, Any], name: str, path: Path) -> str | None:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise CheckpointError(f"{path}: {name} must be text or null, got {value!r}")
    return value or None


def _layers(value: Any, path: Path) -> tuple[int, ...] | None:
    layers = [value] if isinstance(value, int) else value or []
    if not isinstance(layers, list) or not all(isinstance(layer, int) for layer in layers):
        raise CheckpointError(f"{path}: layers_to_transform must be an integer or a list of them, got {value!r}")
    return tuple(layers) or None


def _patterns(raw: Mapping[str, Any], name: str, path: Path, *, fits: Callable[[Any], bool]) -> dict[str, Any]:
    patterns = raw.get(name) or {}
    if not isinstance(patterns, dict) or not all(fits(value) for value in patterns.values()):
        raise CheckpointError(f"{path}: {name} must be an object of regular expressions and numbers, got {patterns!r}")
    for pattern in patterns:
        _check_regex(pattern, name, path)
    return patterns


def _check_regex(pattern: str, name: str, path: Path) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise CheckpointError(f"{path}: {name} is no regular expression: {error}") from error


def _is_rank(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


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
