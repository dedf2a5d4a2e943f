"""Settings files for FSDP and DeepSpeed: ours by name, or the user's by path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError

_FOLDER = Path(__file__).parent
FSDP_PRESETS = {"fsdp": _FOLDER / "fsdp.json"}
DEEPSPEED_PRESETS = {
    "zero2": _FOLDER / "deepspeed_zero2.json",
    "zero3": _FOLDER / "deepspeed_zero3.json",
}


def read_settings(name_or_path: str, *, presets: dict[str, Path]) -> dict[str, Any]:
    """The settings of a preset, or of a JSON file.

    Raises:
        InputError: neither a preset nor a readable JSON object.
    """
    path = presets.get(name_or_path, Path(name_or_path))
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name_or_path!r} is neither a preset ({', '.join(presets)}) nor a readable JSON file: {error}"
        ) from error
    if not isinstance(settings, dict):
        raise InputError(f"{path} must hold a JSON object, got {type(settings).__name__}")
    return settings
