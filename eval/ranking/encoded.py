"""Systems that are one of our encoders with a view and a score, and the checkpoints they need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from clamr_select.errors import InputError
from clamr_select.training.scores import Score
from clamr_select.training.views import TEXT_MODALITIES, VIDEO, VIEWS

SINGLE_MODALITIES = (VIDEO, *TEXT_MODALITIES)


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
VOTING = ("clamr", "separate", "trained_token_max", "trained_modality_max", "hard_positive", "hard_negative")
"""Systems whose query tokens choose among modalities, and so have a modality accuracy of the paper's kind."""


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
    for view in VIEWS if directory is not None else ():
        for folder in (directory / view / "model", directory / view) if directory is not None else ():
            if (folder / "config.json").is_file():
                found[view] = str(folder)
                break
    return found
