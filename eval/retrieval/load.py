"""Encoders by name, loaded, each with the folder of its embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clamr_select.errors import CheckpointError
from clamr_select.eval.retrieval.corpus import Corpus
from clamr_select.eval.retrieval.encode import LoadedEncoder, part_folder
from clamr_select.eval.retrieval.encoders.dual import AUDIO
from clamr_select.eval.retrieval.encoders.families import Family, load_family
from clamr_select.eval.retrieval.settings import Settings
from clamr_select.eval.retrieval.systems import TRAINED_ON, checkpoint_of
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.identity import encoder_identity
from clamr_select.model.loading import device_name
from clamr_select.training.data.budgets import TextBudgets
from clamr_select.training.views import View, view_of


def load_encoders(
    names: Sequence[str],
    *,
    settings: Settings,
    corpus: Corpus,
    checkpoints: Mapping[str, str],
    families: Mapping[str, Family],
) -> dict[str, LoadedEncoder]:
    """
    Args:
        names: views, ``trained_on_…``, and families.
        checkpoints: of the views.

    Raises:
        ModelError: one cannot be loaded.
    """
    shared: dict[str, ClamrEncoder] = {}

    def ours(name: str) -> LoadedEncoder:
        path = checkpoints[checkpoint_of(name)]
        if path not in shared:
            shared[path] = ClamrEncoder.from_pretrained(path, device=settings.device, compat="corrected")
        encoder = shared[path]
        view = View() if name in TRAINED_ON else view_of(name)
        identity = encoder_identity(encoder)
        if identity is None:
            raise CheckpointError(f"the weights of {path} are not all in memory; load it without offloading")
        seen = {"view": [view.modality, view.separate], "max_tokens": dict(settings.max_tokens)}
        return LoadedEncoder(
            encoder,
            view=view,
            parts=_folder(name, identity | seen, settings, corpus),
            hears=AUDIO in encoder.modalities and AUDIO not in settings.without,
            budgets=TextBudgets(encoder.processor, max_tokens=settings.max_tokens),
            without=settings.without,
        )

    def baseline(name: str) -> LoadedEncoder:
        encoder = load_family(families[name], device=device_name(settings.device))
        return LoadedEncoder(
            encoder,
            view=View(),
            parts=_folder(name, encoder.identity(), settings, corpus),
            hears=encoder.hears and AUDIO not in settings.without,
            without=settings.without,
        )

    return {name: baseline(name) if name in families else ours(name) for name in names}


def _folder(alias: str, identity: Mapping[str, Any], settings: Settings, corpus: Corpus) -> Any:
    files = settings.files
    seen = {
        "num_frames": settings.num_frames,
        "without": sorted(settings.without),
        "frames": files.frames_dir is not None,
        "videos": files.video_dir is not None,
        "part_size": settings.part_size,
        "precision": settings.precision,
    }
    return part_folder(settings.output, alias=alias, identity=identity, corpus=corpus, settings=seen)
