"""What a checkpoint gave, and what had to be assumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Projection = Literal["adapter", "base", "checkpoint", "drawn", "new"]


class CheckpointWarning(UserWarning):
    """Something about a checkpoint that was assumed, since no file says it."""


@dataclass(frozen=True)
class LoadReport:
    """What was read for a model; kept as ``encoder.load_report``."""

    name: str
    """What was asked for."""
    kind: str
    """``own``, ``adapter`` or ``merged``."""
    backbone: str
    """Its ``model_type``, e.g. ``qwen2_5_vl``."""
    base: str | None
    """What the adapter was put on."""
    num_tensors: int
    """Parameters and buffers of the model that came from a file; all of them, or loading fails."""
    num_lora_pairs: int
    projection: Projection
    """Where the projection's own weight came from; ``drawn`` is the seed-42 draw that an adapter was taken to stand on,
    ``new`` the one that the caller asked for, to train it."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Part that retrieval does not use (``talker``, ``token2wav``, ``lm_head``) to its number of tensors."""
    quantization: str | None = None
    """``4bit``, ``8bit`` or None."""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message) each; they reach ``Selection.warnings``."""
