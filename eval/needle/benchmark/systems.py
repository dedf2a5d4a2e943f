"""The systems of the benchmark: how documents are encoded, which checkpoint does it, and how it is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from clamr_select.errors import InputError, unknown_name
from clamr_select.training.scores import Score

SINGLE_MODALITIES = ("video", "ocr", "asr", "description")


@dataclass(frozen=True)
class EncodedSystem:
    """A checkpoint with the view of :data:`clamr_select.training.views.VIEWS` that it was trained in, and a score."""

    view: str
    score: Score = "token_max"


ENCODED = MappingProxyType(
    {
        "clamr": EncodedSystem("clamr"),
        "clamr_modality_max": EncodedSystem("clamr", "modality_max"),
        **{modality: EncodedSystem(modality) for modality in SINGLE_MODALITIES},
        "average": EncodedSystem("average", "average"),
        "pooled": EncodedSystem("pooled", "pooled"),
        "separate": EncodedSystem("separate"),
        "trained_token_max": EncodedSystem("token_max"),
        "trained_modality_max": EncodedSystem("modality_max"),
        "hard_positive": EncodedSystem("hard_positive"),
        "hard_negative": EncodedSystem("hard_negative"),
    }
)
FUSED = ("rrf", "router")
"""Of the four single modalities, each by its own checkpoint."""
WORDS = ("bm25_words", "bm25_trigrams")
REFERENCES = ("uniform", "oracle")
"""No score at all (in retrieval, chance), and a perfect reader of what the noise has left."""
SYSTEMS = (*ENCODED, *FUSED, *WORDS, *REFERENCES)
BASELINES = (*SINGLE_MODALITIES, "average", "pooled", *FUSED, *WORDS, "uniform")
"""What CLaMR is measured against. ``separate`` and those trained otherwise are variants of itself."""


def check_systems(names: Sequence[str]) -> tuple[str, ...]:
    """The names, once each, in the order of ``SYSTEMS``.

    Raises:
        UnknownNameError: one is not among them.
    """
    for name in names:
        if name not in SYSTEMS:
            raise unknown_name("system", name, SYSTEMS)
    return tuple(name for name in SYSTEMS if name in names)


def views_of(system: str) -> tuple[str, ...]:
    """The views whose checkpoints a system needs."""
    if system in FUSED:
        return SINGLE_MODALITIES
    return (ENCODED[system].view,) if system in ENCODED else ()


def find_checkpoints(directory: Path | None, *, model: str) -> dict[str, str]:
    """A loadable name by view, for the views that have one.

    Args:
        directory: with one folder a view, as ``clamr-select train --system VIEW --output DIRECTORY/VIEW`` fills it,
            or a saved model in that folder. None: only ``model``.
        model: of the view ``clamr`` where the directory has none.

    Raises:
        InputError: there is no such directory.
    """
    if directory is not None and not directory.is_dir():
        raise InputError(f"no such directory: {directory}; it holds one checkpoint a system, e.g. {directory}/average")
    found = {"clamr": model}
    for view in {view for system in SYSTEMS for view in views_of(system)} if directory is not None else ():
        for folder in (directory / view / "model", directory / view) if directory is not None else ():
            if (folder / "config.json").is_file():
                found[view] = str(folder)
                break
    return found
