"""Whisper's sizes by short names, and which of them are on this machine already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

WHISPER: Mapping[str, str] = MappingProxyType(
    {
        "tiny": "openai/whisper-tiny",
        "base": "openai/whisper-base",
        "small": "openai/whisper-small",
        "medium": "openai/whisper-medium",
        "large-v3": "openai/whisper-large-v3",
        "turbo": "openai/whisper-large-v3-turbo",
    }
)
"""For transformers."""
FASTER_WHISPER: Mapping[str, str] = MappingProxyType(
    {
        **{size: f"Systran/faster-whisper-{size}" for size in ("tiny", "base", "small", "medium", "large-v3")},
        "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    }
)
"""The same weights for CTranslate2."""
DEFAULT_SIZE = "base"
"""What an engine that is named without a model takes."""
CPU_PREFERENCE = ("small", "base", "tiny", "turbo", "medium", "large-v3")
GPU_PREFERENCE = ("turbo", "large-v3", "medium", "small", "base", "tiny")
_WEIGHTS = {"transformers": "model.safetensors", "faster-whisper": "model.bin"}


def downloaded(engine: str, *, preference: tuple[str, ...]) -> str | None:
    """The first size whose weights were downloaded before, None where none were. The network is not asked."""
    from huggingface_hub import try_to_load_from_cache

    names = WHISPER if engine == "transformers" else FASTER_WHISPER
    for size in preference:
        if isinstance(try_to_load_from_cache(names[size], _WEIGHTS[engine]), str):
            return size
    return None


def downloaded_commit(name: str) -> str | None:
    """The commit of a hub repository that was downloaded before, None where none was. The network is not asked."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json")
    return Path(found).parent.name if isinstance(found, str) else None


def language_code(language: str) -> str:
    """ISO 639-1 of a language as Whisper's decoder names it (``english`` or ``en``)."""
    from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

    return TO_LANGUAGE_CODE.get(language.lower(), language.lower())
