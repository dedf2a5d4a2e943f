"""Which checkpoints make a baseline, by name; each may be replaced by a directory or another hub id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.retrieval.encoders.dual import AUDIO, DualEncoder
from clamr_select.eval.retrieval.encoders.folders import load_model, weights_folder
from clamr_select.eval.retrieval.encoders.pictures import picture_tower
from clamr_select.eval.retrieval.encoders.sounds import sound_tower
from clamr_select.eval.retrieval.encoders.text import UNUSED, text_tower
from clamr_select.training.views import TEXT_MODALITIES, VIDEO

TOWERS = ("text", "pictures", "sounds")


@dataclass(frozen=True)
class Family:
    """Hub ids or directories of its towers."""

    text: str
    pictures: str = ""
    sounds: str = ""
    reads: bool = True
    """Encodes on-screen text, speech and description too."""

    @property
    def modalities(self) -> tuple[str, ...]:
        there = ((VIDEO, self.pictures), (AUDIO, self.sounds), *((m, self.reads) for m in TEXT_MODALITIES))
        return tuple(modality for modality, has in there if has)

    def with_weights(self, name: str, *, tower: str | None) -> Family:
        """With another checkpoint in one tower, or in all it has."""
        towers: dict[str, Any] = dict.fromkeys([tower] if tower else [t for t in TOWERS if getattr(self, t)], name)
        return replace(self, **towers)


_CLIP = "openai/clip-vit-large-patch14"
_SIGLIP2 = "google/siglip2-so400m-patch14-384"
FAMILIES = MappingProxyType(
    {
        "clip": Family(text=_CLIP, pictures=_CLIP),
        "siglip2": Family(text=_SIGLIP2, pictures=_SIGLIP2),
        "mclip": Family(
            text="sentence-transformers/clip-ViT-B-32-multilingual-v1", pictures="openai/clip-vit-base-patch32"
        ),
        "xclip": Family(text="microsoft/xclip-base-patch32", pictures="microsoft/xclip-base-patch32", reads=False),
        "clap": Family(text="laion/clap-htsat-unfused", sounds="laion/clap-htsat-unfused", reads=False),
        "text": Family(text="sentence-transformers/paraphrase-multilingual-mpnet-base-v2"),
    }
)
"""X-CLIP without its prompts, which mix every video into every question: one vector a video cannot hold them."""


def with_weights(given: Sequence[str]) -> dict[str, Family]:
    """All families, with checkpoints replaced.

    Args:
        given: ``FAMILY=NAME`` for all towers, ``FAMILY.TOWER=NAME`` for one (``text``, ``pictures``, ``sounds``); NAME
            is a directory, a hub id, or HUB_ID@REVISION.

    Raises:
        InputError, UnknownNameError: another form, no such family, or no such tower.
    """
    families = dict(FAMILIES)
    for entry in given:
        place, equals, name = entry.partition("=")
        family, _, tower = place.partition(".")
        if not equals or not name:
            raise InputError(f"weights are given as FAMILY=NAME or FAMILY.TOWER=NAME, got {entry!r}")
        if family not in families:
            raise unknown_name("family", family, families)
        if tower and not getattr(families[family], tower if tower in TOWERS else "", None):
            has = [one for one in TOWERS if getattr(families[family], one)]
            raise unknown_name(f"tower of {family}", tower, has)
        families[family] = families[family].with_weights(name, tower=tower or None)
    return families


def load_family(family: Family, *, device: str) -> DualEncoder:
    """
    Raises:
        ModelNotFoundError, UnsafeWeightsError, CheckpointError: a checkpoint cannot be had, or is not what it must be.
    """
    models: dict[str, Any] = {}

    def model(name: str) -> Any:
        if name not in models:
            models[name] = load_model(weights_folder(name), device=device, may_lack=UNUSED)
        return models[name]

    text = text_tower(weights_folder(family.text), lambda: model(family.text), device=device)
    pictures = sounds = None
    if family.pictures:
        pictures = picture_tower(model(family.pictures), folder=weights_folder(family.pictures), device=device)
    if family.sounds:
        sounds = sound_tower(model(family.sounds), folder=weights_folder(family.sounds), device=device)
    return DualEncoder(text=text, pictures=pictures, sounds=sounds, reads=family.reads)
