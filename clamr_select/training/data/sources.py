"""Where rows lie: JSON lines, JSON, parquet, and ``datasets`` on disk, read one row at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from clamr_select.errors import BadRowError, InputError, missing_dependency

FORMATS = ".jsonl, .json or .parquet, or a directory that datasets.save_to_disk wrote"


class RowSource(Protocol):
    """Raw rows by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Mapping[str, Any]: ...

    def place(self, number: int) -> str:
        """File and line of a row, for messages."""
        ...


class ListSource:
    """Rows that are in memory."""

    def __init__(self, rows: Sequence[Any], *, name: str) -> None:
        self._rows = rows
        self._name = name

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Any:
        return self._rows[number]

    def place(self, number: int) -> str:
        return f"{self._name}[{number}]"


class JsonLinesSource:
    """A ``.jsonl`` file: only the offset of each line is held in memory. Blank lines are no rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        offsets, lines, offset = [], [], 0
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    offsets.append(offset)
                    lines.append(number)
                offset += len(line)
        self._offsets = np.array(offsets, dtype=np.int64)
        self._lines = np.array(lines, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, number: int) -> Any:
        with self._path.open("rb") as file:
            file.seek(self._offsets[number])
            line = file.readline()
        try:
            return json.loads(line)
        except ValueError as error:
            raise BadRowError(self.place(number), f"not JSON: {error}") from error

    def place(self, number: int) -> str:
        return f"{self._path.name}:{self._lines[number]}"


def open_rows(path: str | Path, *, split: str | None = None) -> RowSource:
    """The rows at a path.

    Args:
        path: ``.jsonl``; ``.json`` with a list of rows, or with an object from video id to row; ``.parquet``; or a
            directory that ``datasets.save_to_disk`` wrote.
        split: of a directory with several.

    Raises:
        InputError: nothing is there, the format is another, or the split is missing or not there.
        MissingDependencyError: parquet and directories need the extra ``train``.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no rows at {path}; give {FORMATS}")
    if path.is_dir():
        return _saved_dataset(path, split=split)
    if split is not None:
        raise InputError(f"{path} is one file and has no splits, got split={split!r}")
    if path.suffix == ".jsonl":
        return JsonLinesSource(path)
    if path.suffix == ".json":
        return ListSource(_json_rows(path), name=path.name)
    if path.suffix == ".parquet":
        loaded = _datasets().Dataset.from_parquet(str(path))
        return ListSource(loaded, name=path.name)
    raise InputError(f"rows are read from {FORMATS}, got {path}")


def _json_rows(path: Path) -> list[Any]:
    content = read_json(path)
    if isinstance(content, dict):
        return [{"video_id": video_id, **row} if isinstance(row, dict) else row for video_id, row in content.items()]
    if isinstance(content, list):
        return content
    raise InputError(f"{path} must hold a list of rows, or an object from video id to row")


def read_json(path: Path) -> Any:
    """Raises:
    InputError: not there, or not JSON in UTF-8.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error


def _saved_dataset(path: Path, *, split: str | None) -> RowSource:
    datasets = _datasets()
    try:
        loaded = datasets.load_from_disk(str(path))
    except FileNotFoundError as error:
        raise InputError(f"{path} is not a directory that datasets.save_to_disk wrote") from error
    if not isinstance(loaded, datasets.DatasetDict):
        if split is not None:
            raise InputError(f"{path} has no splits, got split={split!r}")
        return ListSource(loaded, name=path.name)
    if split not in loaded:
        raise InputError(f"{path} has the splits {', '.join(loaded)}; name one of them, got {split!r}")
    return ListSource(loaded[split], name=f"{path.name}/{split}")


def _datasets() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise missing_dependency("datasets", extra="train", purpose="reading parquet and saved data sets") from error
    return datasets
