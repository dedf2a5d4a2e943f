"""What a run is: a checkpoint is resumed by the run that wrote it, and by no other that happens to fit its shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from clamr_select.errors import CheckpointError

RUN_FILE = "run.json"
SAMPLED_VALUES = 64


def frozen_weights(model: torch.nn.Module) -> str:
    """A digest of the first values of every tensor that does not train, and so stands in no checkpoint: a run that goes
    on with another base is another run."""
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            sample = parameter.detach().flatten()[:SAMPLED_VALUES].cpu().contiguous()
            digest.update(f"{name} {tuple(parameter.shape)} ".encode())
            digest.update(sample.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def write_run(run: Mapping[str, Any], *, directory: Path) -> None:
    """Beside a checkpoint's weights: names and values that the whole run shares, ready for JSON."""
    (directory / RUN_FILE).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")


def check_same_run(run: Mapping[str, Any], *, directory: Path) -> None:
    """A checkpoint without the file, of an earlier version, passes.

    Raises:
        CheckpointError: another run wrote the checkpoint, or its file is damaged; names what differs.
    """
    path = directory / RUN_FILE
    if not path.is_file():
        return
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); remove this checkpoint to resume from an earlier"
        ) from error
    found = written if isinstance(written, dict) else {}
    now = json.loads(json.dumps(run))  # tuples as the file has them
    different = [name for name in now if found.get(name) != now[name]]
    if different:
        details = "; ".join(f"{name} was {found.get(name)}, now {now[name]}" for name in different)
        raise CheckpointError(
            f"{directory} is a checkpoint of another run: {details}. Go on with what it had, or take another output "
            "folder"
        )
