"""A copy of clamr-nano, to be damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from clamr_select.model.checkpoint.source import EMBEDDED_MODELS


@pytest.fixture
def nano(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EMBEDDED_MODELS["clamr-nano"], tmp_path / "nano"))


@pytest.fixture
def change_weights(nano: Path) -> Callable[[Callable[[dict[str, torch.Tensor]], object]], None]:
    """Rewrite the copy's weights with what a function makes of them."""

    def change(function: Callable[[dict[str, torch.Tensor]], object]) -> None:
        tensors = load_file(nano / "model.safetensors")
        function(tensors)
        save_file(tensors, nano / "model.safetensors", metadata={"format": "pt"})

    return change
