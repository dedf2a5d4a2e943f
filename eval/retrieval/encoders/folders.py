"""Where the weights of a baseline lie, and how its parts are loaded: safetensors only, no code of the checkpoint's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError

from clamr_select.errors import CheckpointError, ModelNotFoundError, UnsafeWeightsError

WANTED = ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
UNWANTED = ["onnx/*", "openvino/*"]
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


def weights_folder(name: str) -> Path:
    """A directory as it is, or the local copy of a hub repository, ``NAME`` or ``NAME@REVISION``.

    Raises:
        ModelNotFoundError: no such directory or repository.
        UnsafeWeightsError: it holds weights, and none as safetensors.
    """
    folder = Path(os.path.expanduser(name))  # which leaves the ~ of a user who does not exist
    if not folder.is_dir():
        repository, _, revision = name.partition("@")
        try:
            copied = snapshot_download(
                repository, revision=revision or None, allow_patterns=WANTED, ignore_patterns=UNWANTED
            )
        except (OSError, HFValidationError) as error:
            raise ModelNotFoundError(
                f"cannot load the encoder {name!r}: {' '.join(str(error).split())} Give a directory, a hub id, or "
                "HUB_ID@REVISION"
            ) from error
        folder = Path(copied)
    if not any(folder.rglob("*.safetensors")):
        pickled = sorted(path.name for pattern in PICKLED for path in folder.rglob(pattern))
        raise UnsafeWeightsError(
            f"{name} holds no safetensors{f', but {pickled[0]}' if pickled else ''}; only safetensors are read, since "
            "pickled weights can run code. Another revision may have them (HUB_ID@refs/pr/N), or convert them where "
            "you trust them, with save_pretrained"
        )
    return folder


def load_model(folder: Path, *, device: str, may_lack: tuple[str, ...] = ()) -> Any:
    """A model of the class that its config names, in evaluation mode; in float32 on a CPU.

    Args:
        may_lack: first words of the names of tensors that are not used.

    Raises:
        CheckpointError: it is no model of transformers, or lacks a tensor.
    """
    from transformers import AutoModel

    model, report = part_of(
        lambda **options: AutoModel.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=torch.float32 if device == "cpu" else "auto",
            output_loading_info=True,
            **options,
        ),
        folder,
    )
    missing = sorted(report["missing_keys"])
    needed = [name for name in missing if not name.startswith(may_lack)]
    if needed:
        raise CheckpointError(f"{folder} lacks {len(needed)} tensors of a {type(model).__name__}: {needed[0]}, …")
    for name in missing:  # drawn at random, they would make another model of it every time
        torch.nn.init.zeros_(model.get_parameter(name))
    return model.to(device).eval()


def part_of(load: Callable[..., Any], folder: Path) -> Any:
    """What a loader of transformers makes of a folder.

    Raises:
        CheckpointError: it cannot.
    """
    try:
        # without the argument, transformers asks on the terminal whether to run the code, and runs it on "y"
        return load(trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{folder} cannot be loaded: {' '.join(str(error).split())}") from error


def read_settings(path: Path, *, otherwise: Any) -> Any:
    """A JSON file, or ``otherwise`` where there is none.

    Raises:
        CheckpointError: it is not JSON.
    """
    if not path.is_file():
        return otherwise
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
