"""What of a model is on this machine, and what it holds: only small files and headers are read, never the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clamr_select.errors import CheckpointError, ModelNotFoundError
from clamr_select.model.catalogue import CataloguedModel
from clamr_select.model.checkpoint.find import find_checkpoint
from clamr_select.model.checkpoint.source import HubOptions, find_source
from clamr_select.model.checkpoint.tensors import TensorFiles

HERE = HubOptions(local_files_only=True)


@dataclass(frozen=True)
class Contents:
    """What lies at a name or a directory."""

    name: str
    kind: str
    """``own``, ``adapter`` or ``merged``."""
    backbone: str
    base: str | None
    modalities: tuple[str, ...]
    num_tensors: int
    """In its own files; an adapter's are its LoRA pairs."""
    num_base_tensors: int | None


def missing_repositories(model: CataloguedModel) -> list[str]:
    """Those that are not on this machine, or not whole."""
    return [name for name in model.repositories if not _is_here(name)]


def _is_here(name: str) -> bool:
    try:
        find_source(name, hub=HERE)
    except (ModelNotFoundError, CheckpointError):  # the latter where a part of its files is there
        return False
    return True


def contents(name_or_path: str | Path, *, base: str | Path | None = None) -> Contents:
    """What a directory, or a model that was downloaded before, holds.

    Raises:
        ModelNotFoundError, CheckpointError, UnsafeWeightsError: as where it is loaded.
    """
    checkpoint = find_checkpoint(name_or_path, base=base, hub=HERE)
    found = checkpoint.base
    return Contents(
        name=checkpoint.source.name,
        kind=checkpoint.source.kind,
        backbone=checkpoint.backbone.model_type,
        base=None if found is None else found.name,
        modalities=tuple(checkpoint.config.modalities),
        num_tensors=len(TensorFiles(checkpoint.source.weight_files)),
        num_base_tensors=None if found is None else len(TensorFiles(found.weight_files)),
    )
