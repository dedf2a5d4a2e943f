"""Where weights lie: a directory, or a repository of the hub, and which files of it are needed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi, is_offline_mode, snapshot_download
from huggingface_hub.errors import HFValidationError

from clamr_select.errors import CheckpointError, ModelNotFoundError, UnsafeWeightsError
from clamr_select.model.checkpoint.lora import ADAPTER_CONFIG

NANO = "clamr-nano"
EMBEDDED_MODELS = {NANO: Path(__file__).parents[1] / "nano"}
CONFIG = "config.json"
OWN_MODEL_TYPE = "clamr"
ADAPTER_WEIGHTS, WEIGHTS, INDEX = "adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
TEXT_FILES = ["*.json", "*.txt", "*.jinja"]
SUBFOLDERS = "*/*"

Kind = Literal["own", "adapter", "merged"]


@dataclass(frozen=True)
class HubOptions:
    """How to ask the hub; Hugging Face's names."""

    revision: str | None = None
    cache_dir: str | Path | None = None
    token: str | bool | None = None
    local_files_only: bool = False


@dataclass(frozen=True)
class Source:
    """A directory with weights, the given one or the hub's local copy."""

    name: str
    """As it was asked for, for messages."""
    directory: Path
    kind: Kind
    """``own``: written by this library's save_pretrained. ``adapter``: LoRA in peft's format, needs a base.
    ``merged``: a whole model of another library."""
    weight_files: tuple[Path, ...]
    """safetensors, in order."""

    @property
    def config(self) -> dict[str, Any]:
        """``config.json``; an adapter has none."""
        return read_json(self.directory / CONFIG)


def find_source(name_or_path: str | Path, *, hub: HubOptions | None = None) -> Source:
    """Find a model's files, downloading those that are needed and no others.

    Args:
        name_or_path: ``clamr-nano``, a directory, or a hub id.
        hub: how to ask the hub.

    Raises:
        ModelNotFoundError: no such name, directory or hub id.
        UnsafeWeightsError: the weights are pickles.
        CheckpointError: no weights, or files that contradict each other.
    """
    name = str(name_or_path)
    directory = folder_of(name)
    if directory.is_dir():
        listed = [path.name for path in directory.iterdir()]
        weights = _weights(directory, _wanted(directory, name), listed=listed, name=name)
        return Source(name, directory, _kind(directory, name), weights)
    try:
        return _from_hub(name, hub or HubOptions())
    except (OSError, HFValidationError) as error:
        raise ModelNotFoundError(_not_found(name, error)) from error


def folder_of(name: str) -> Path:
    """Where a model of this name lies, if it is no hub id."""
    # unlike Path.expanduser it leaves the ~ of a user who does not exist, and no such folder is found
    return EMBEDDED_MODELS.get(name, Path(os.path.expanduser(name)))


def _from_hub(name: str, hub: HubOptions) -> Source:
    """First the small files, which say what it is; then its weights, from the same commit."""
    reach: dict[str, Any] = {
        "cache_dir": hub.cache_dir,
        "token": hub.token,
        "local_files_only": hub.local_files_only,
    }
    directory = Path(
        snapshot_download(name, revision=hub.revision, allow_patterns=TEXT_FILES, ignore_patterns=[SUBFOLDERS], **reach)
    )
    kind, wanted = _kind(directory, name), _wanted(directory, name)
    if not all((directory / file).is_file() for file in wanted):
        snapshot_download(name, revision=directory.name, allow_patterns=wanted, **reach)
    listed = [path.name for path in directory.iterdir()]
    if not set(wanted) <= set(listed) and not (hub.local_files_only or is_offline_mode()):
        listed = HfApi().list_repo_files(name, revision=directory.name, token=hub.token)
    return Source(name, directory, kind, _weights(directory, wanted, listed=listed, name=name))


def _kind(directory: Path, name: str) -> Kind:
    if (directory / ADAPTER_CONFIG).is_file():
        return "adapter"
    if not (directory / CONFIG).is_file():
        raise CheckpointError(f"{name} holds neither {CONFIG} nor {ADAPTER_CONFIG}; it is not a model")
    return "own" if read_json(directory / CONFIG).get("model_type") == OWN_MODEL_TYPE else "merged"


def _wanted(directory: Path, name: str) -> list[str]:
    """The names of the files that hold the weights, which may not be there."""
    if (directory / ADAPTER_CONFIG).is_file():
        return [ADAPTER_WEIGHTS]
    return _shards(directory / INDEX, name=name) if (directory / INDEX).is_file() else [WEIGHTS]


def _weights(directory: Path, wanted: Sequence[str], *, listed: Sequence[str], name: str) -> tuple[Path, ...]:
    """The files to read.

    Args:
        listed: names of the files there are.
    """
    absent = [file for file in wanted if file not in listed]
    if len(wanted) > 1 and WEIGHTS in listed:
        raise CheckpointError(f"{name} holds {WEIGHTS} and {INDEX}; which one counts cannot be known: remove one")
    if not absent:
        return tuple(directory / file for file in wanted)
    pickled = sorted(file for file in listed if file.endswith((*PICKLED, ".bin.index.json")))
    if pickled:
        raise _pickles(name, pickled)
    raise CheckpointError(f"{name} holds no {', '.join(absent)}")


def _shards(index: Path, *, name: str) -> list[str]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, Mapping) or not weight_map:
        raise CheckpointError(f"{name}: {index.name} has no weight_map")
    files = sorted(set(weight_map.values()))
    pickled = [file for file in files if not file.endswith(".safetensors")]
    if pickled:
        raise _pickles(name, pickled)
    if any(Path(file).name != file for file in files):
        raise CheckpointError(f"{name}: {index.name} names files outside its folder: {', '.join(files)}")
    return files


def _pickles(name: str, files: Sequence[str]) -> UnsafeWeightsError:
    return UnsafeWeightsError(
        f"{name} holds {', '.join(files)} and no safetensors; only safetensors are read, since pickled weights can run "
        "code. Convert them where you trust them, with save_pretrained"
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CheckpointError: it is not one, or the file is missing.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} holds no {path.name}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} must hold a JSON object, got a {type(data).__name__}")
    return data


def _not_found(name: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return (
        f"cannot load the model {name!r}: {reason} "
        f"Allowed: {', '.join(EMBEDDED_MODELS)}, a directory with safetensors, or a hub id"
    )
