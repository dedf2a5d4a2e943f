"""Checkpoints that are whole or absent, in safetensors and JSON: a killed run resumes from the newest to the same
curve."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, get_last_checkpoint

from clamr_select.errors import CheckpointError

OPTIMIZER_TENSORS, OPTIMIZER_VALUES = "optimizer.safetensors", "optimizer.json"
STAGING_PREFIX = ".unfinished-"


@contextmanager
def atomic_directory(final: Path, *, is_main: bool, barrier: Callable[[], None]) -> Iterator[Path]:
    """A new directory that all processes fill, and that gets its name when everything in it is on the disk.

    What an earlier, killed attempt left is removed first. Processes share one file system.

    Args:
        final: the directory to be; it is replaced where it exists.
        is_main: true in exactly one process.
        barrier: waits until all processes have called it.
    """
    staging = final.with_name(STAGING_PREFIX + final.name)
    if is_main:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
    barrier()
    yield staging
    barrier()
    if is_main:
        _sync_tree(staging)
        if final.exists():
            shutil.rmtree(final)
        staging.rename(final)
        _sync(final.parent)
    barrier()


def newest_checkpoint(directory: Path) -> Path | None:
    """The checkpoint of the highest step in a run's directory, None where there is none."""
    found = get_last_checkpoint(str(directory)) if directory.is_dir() else None
    return Path(found) if found is not None else None


def checkpoint_path(directory: Path, *, step: int) -> Path:
    return directory / f"{PREFIX_CHECKPOINT_DIR}-{step}"


def check_resumable(file: Path) -> None:
    """Raises:
    CheckpointError: a file is missing without which a resumed run would take another course.
    """
    if not file.is_file():
        raise CheckpointError(
            f"{file} is missing: the run cannot go on as it was. Remove this checkpoint to resume from an earlier one, "
            "resume with as many processes as wrote it, or start a new run from its weights in another folder"
        )


def save_optimizer(state: dict[str, Any], *, directory: Path) -> None:
    """Write an optimizer's ``state_dict``: tensors as safetensors, settings as JSON.

    bitsandbytes hides its tensors from FSDP in a dictionary within each entry; it takes them without it, too.
    """
    tensors: dict[str, torch.Tensor] = {}
    values: dict[str, Any] = {}
    written: set[int] = set()
    for position, entry in state["state"].items():
        for name, value in _flat(entry):
            if isinstance(value, torch.Tensor):
                place = value.untyped_storage().data_ptr()
                # maps of quantised values are shared, which safetensors does not write
                tensors[f"{position}.{name}"] = (value.clone() if place in written else value.detach()).contiguous()
                written.add(place)
            else:
                values[f"{position}.{name}"] = value
    save_file(tensors, directory / OPTIMIZER_TENSORS)
    text = json.dumps({"values": values, "param_groups": state["param_groups"]})
    (directory / OPTIMIZER_VALUES).write_text(text, encoding="utf-8")


def _flat(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entry.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def load_optimizer(directory: Path, *, device: torch.device) -> dict[str, Any]:
    """The ``state_dict`` that :func:`save_optimizer` wrote.

    Raises:
        CheckpointError: a file of it is missing.
    """
    for name in (OPTIMIZER_VALUES, OPTIMIZER_TENSORS):
        check_resumable(directory / name)
    written = json.loads((directory / OPTIMIZER_VALUES).read_text(encoding="utf-8"))
    state: dict[int, dict[str, Any]] = {}
    # "cpu:0", as each of several processes on a CPU calls it, is no device to safetensors
    tensors = load_file(directory / OPTIMIZER_TENSORS, device="cpu" if device.type == "cpu" else str(device))
    for key, value in (*tensors.items(), *written["values"].items()):
        position, name = key.split(".", 1)
        state.setdefault(int(position), {})[name] = value
    groups = [
        {name: tuple(value) if name in ("betas", "ns_coefficients") else value for name, value in group.items()}
        for group in written["param_groups"]
    ]
    return {"state": state, "param_groups": groups}


def save_random_state(path: Path) -> None:
    """Write the state of Python's, numpy's and torch's generators of this process."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    tensors = {
        "python": torch.tensor(words, dtype=torch.int64),
        "numpy": torch.from_numpy(np.asarray(keys, dtype=np.int64)),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        tensors |= {f"cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    scalars = {"python": [version, gauss], "numpy": [kind, int(position), int(has_gauss), float(cached)]}
    save_file(tensors, path, metadata={"scalars": json.dumps(scalars)})


def load_random_state(path: Path) -> None:
    """Take up what :func:`save_random_state` wrote.

    Raises:
        CheckpointError: the file is missing.
    """
    check_resumable(path)
    with safe_open(path, framework="pt") as file:
        scalars = json.loads(file.metadata()["scalars"])
    tensors = load_file(path)
    version, gauss = scalars["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), gauss))
    kind, position, has_gauss, cached = scalars["numpy"]
    np.random.set_state((kind, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["torch"])
    cuda = [tensors[name] for name in sorted(tensors) if name.startswith("cuda.")]
    if cuda and torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)


def _sync_tree(directory: Path) -> None:
    for path in sorted(directory.rglob("*")):
        _sync(path)
    _sync(directory)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows opens no directory
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
