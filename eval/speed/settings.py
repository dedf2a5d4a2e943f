"""What a profile measures on, and what its sections yield."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
"""One row of a section's table: ``what`` was measured, and figures with their units in their names."""


@dataclass(frozen=True)
class Settings:
    """Of one run."""

    device: str
    shape: str
    """Of the encoder with random weights."""
    num_frames: int = 768
    num_runs: int = 3
    num_documents: int = 64
    """Of one frame, where ways of encoding are compared: the padded one is slow."""
    matmul_side: int = 8192
    copy_bytes: int = 1 << 30
    peers_python: str | None = None
    """Of the environment that holds the peers (eval/speed/peers/requirements.txt); None leaves them out."""


def settings_for(shape: str, *, device: str, peers_python: str | None = None) -> Settings:
    """Little of everything for the tiny shape, which is for trying a command."""
    if shape != "tiny":
        return Settings(device, shape, peers_python=peers_python)
    return Settings(
        device,
        shape,
        num_frames=16,
        num_runs=2,
        num_documents=2,
        matmul_side=256,
        copy_bytes=1 << 20,
        peers_python=peers_python,
    )
