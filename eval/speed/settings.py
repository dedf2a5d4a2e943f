"""What a profile measures on, and what its sections yield."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """Of one frame, where ways of encoding are compared."""
    num_padded_documents: int = 8
    """Of these, what is encoded padded to 2,048 tokens: that costs as many times more as documents are shorter."""
    matmul_side: int = 8192
    copy_bytes: int = 1 << 30
    peers_python: str | None = None
    """Of the environment that holds the peers (eval/speed/peers/requirements.txt); None leaves them out."""
    lmms_eval_python: str | None = None
    """Of an environment with lmms-eval; None leaves it out."""
    video_seconds: int = 1200
    """Of the videos that are read."""
    num_cores: tuple[int, ...] = (1, 2)
    """That readers may use."""
    reading_tasks: tuple[str, ...] = ()
    """Of ``peers/decoding.py``; none named means all."""
    readers: tuple[str, ...] = ()
    """Beside ours; none named means all."""


def settings_for(
    shape: str,
    *,
    device: str,
    peers_python: str | None = None,
    lmms_eval_python: str | None = None,
    video_seconds: int = 1200,
    num_cores: tuple[int, ...] = (1, 2),
    reading_tasks: tuple[str, ...] = (),
    readers: tuple[str, ...] = (),
) -> Settings:
    """Little of everything for the tiny shape, which is for trying a command; fewer documents for a large one on a
    CPU."""
    settings = Settings(
        device,
        shape,
        peers_python=peers_python,
        lmms_eval_python=lmms_eval_python,
        video_seconds=video_seconds,
        num_cores=num_cores,
        reading_tasks=reading_tasks,
        readers=readers,
    )
    if shape == "100m" and device == "cpu":
        return replace(settings, num_documents=24, num_padded_documents=4, num_runs=2)
    if shape != "tiny":
        return settings
    return replace(
        settings,
        num_frames=16,
        num_runs=2,
        num_documents=3,
        num_padded_documents=2,
        matmul_side=256,
        copy_bytes=1 << 20,
        video_seconds=12,
        num_cores=(1,),
    )
