"""Of a GPU profile, and what its sections yield."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

Record = dict[str, Any]
"""One row of a section's table: ``what`` was measured, and figures with their units in their names."""


@dataclass(frozen=True)
class Settings:
    """Of one run."""

    device: torch.device
    shape: str
    num_frames: int = 768
    num_runs: int = 3
    matmul_side: int = 8192
    copy_bytes: int = 1 << 30


def settings_for(shape: str, *, device: torch.device) -> Settings:
    """Little of everything for the tiny shape, which is for trying the command."""
    if shape == "tiny":
        return Settings(device, shape, num_frames=16, num_runs=2, matmul_side=256, copy_bytes=1 << 20)
    return Settings(device, shape)
