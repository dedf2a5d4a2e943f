"""Which files in the folder are the store's own: nothing else is ever listed, moved or deleted.

embeddings/3f/3f…e1.safetensors                an entry: kind, digest of its key
embeddings/3f/3f…e1.<unique>.tmp               being written, or left by a writer that was killed
damaged/3f…e1.<unique>                         failed its check and was set aside
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clamr_select.store.key import DAMAGED, DOWNLOADS, Key, check_kind

State = Literal["entry", "temporary", "damaged", "download"]

_NAMES: tuple[tuple[State, re.Pattern[str]], ...] = (
    ("entry", re.compile(r"[a-z][a-z0-9_]{0,31}/([0-9a-f]{2})/\1[0-9a-f]{62}\.safetensors")),
    ("temporary", re.compile(r"[a-z][a-z0-9_]{0,31}/([0-9a-f]{2})/\1[0-9a-f]{62}\.[0-9a-f]{32}\.tmp")),
    ("download", re.compile(rf"{DOWNLOADS}/[0-9a-f]{{64}}")),
    ("temporary", re.compile(rf"{DOWNLOADS}/[0-9a-f]{{64}}\.[0-9a-f]{{32}}\.tmp")),
    ("damaged", re.compile(rf"{DAMAGED}/[0-9a-f]{{64}}\.[0-9a-f]{{32}}")),
)


@dataclass(frozen=True)
class OwnFile:
    """A file of the store."""

    state: State
    kind: str
    """The folder of the first level."""
    path: Path
    num_bytes: int
    last_used_seconds: float
    """Since the epoch; reading an entry renews it."""


def entry_path(folder: Path, key: Key) -> Path:
    """Where an entry lies."""
    return folder / key.kind / key.digest[:2] / f"{key.digest}.safetensors"


def temporary_path(path: Path) -> Path:
    """A file that an entry is written to before it is whole, another for each writer."""
    return path.with_name(f"{path.stem}.{uuid.uuid4().hex}.tmp")


def damaged_path(folder: Path, path: Path) -> Path:
    """Where a damaged entry is set aside."""
    return folder / DAMAGED / f"{path.stem}.{uuid.uuid4().hex}"


def own_files(folder: Path, *, kind: str | None = None) -> Iterator[OwnFile]:
    """The store's files, or those of one kind, in no order.

    Raises:
        InputError: no entry can have this kind.
    """
    if kind is not None:
        check_kind(kind)
    for directory, _, names in os.walk(folder / (kind or "")):
        relative = Path(directory).relative_to(folder)
        for name in names:
            state = _state((relative / name).as_posix())
            if state is not None:
                path = Path(directory, name)
                with contextlib.suppress(FileNotFoundError):  # another process deleted it since
                    found = path.lstat()
                    yield OwnFile(state, relative.parts[0], path, found.st_size, found.st_mtime)


def _state(relative: str) -> State | None:
    return next((state for state, pattern in _NAMES if pattern.fullmatch(relative)), None)
