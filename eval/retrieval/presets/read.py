"""Presets as JSON files: ours by name, the user's by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from clamr_select.errors import InputError
from clamr_select.eval.retrieval.settings import RowFiles
from clamr_select.training.presets.files import read_settings

_FOLDER = Path(__file__).parent
PRESETS = {"multivent2": _FOLDER / "multivent2.json", "msrvtt": _FOLDER / "msrvtt.json"}


@dataclass(frozen=True)
class DataSet:
    """One preset. Paths are relative to the folder that ``--data`` names."""

    about: str
    source: str
    """Where the data are to be had."""
    prepare: tuple[str, ...]
    """Commands that make the rows, run in that folder."""
    rows: str
    num_frames: int
    max_tokens: Mapping[str, int]
    systems: tuple[str, ...]
    documents: str = ""
    queries: str = ""
    frames_dir: str = ""
    video_dir: str = ""
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """System to metric to what the paper reports, in percent."""

    def files(self, data: Path) -> RowFiles:
        """
        Raises:
            InputError: the rows are not there; says how they are made.
        """
        if not (data / self.rows).exists():
            steps = "; ".join(self.prepare)
            raise InputError(f"no rows at {data / self.rows}. Get {self.source}, then in {data}: {steps}")

        def at(name: str) -> Path | None:
            return data / name if name else None

        return RowFiles(
            rows=data / self.rows,
            queries=at(self.queries),
            documents=at(self.documents),
            frames_dir=at(self.frames_dir),
            video_dir=at(self.video_dir),
        )


def read_preset(name_or_path: str) -> DataSet:
    """
    Raises:
        InputError: neither a preset nor a JSON file with the fields of :class:`DataSet`.
    """
    settings = read_settings(name_or_path, presets=PRESETS)
    known = {one.name for one in fields(DataSet)}
    needed = {"about", "source", "prepare", "rows", "num_frames", "max_tokens", "systems"}
    if not needed <= settings.keys() <= known:
        raise InputError(
            f"{name_or_path} must have {', '.join(sorted(needed))} and may have {', '.join(sorted(known - needed))}; "
            f"got {', '.join(sorted(settings))}"
        )
    hints = get_type_hints(DataSet)
    return DataSet(**{name: _checked(name_or_path, name, value, hints[name]) for name, value in settings.items()})


def _checked(preset: str, name: str, value: Any, hint: Any) -> Any:
    wanted: Any = {str: str, int: int}.get(hint, dict if "Mapping" in str(hint) else list)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise InputError(f"{preset}: {name} must be a {wanted.__name__}, got {type(value).__name__}")
    if wanted is list and not all(isinstance(one, str) for one in value):
        raise InputError(f"{preset}: {name} must be a list of texts")
    return tuple(value) if wanted is list else value
