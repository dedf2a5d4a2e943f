"""Sound towers (CLAP): stretches of the sound, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from clamr_select.errors import CheckpointError
from clamr_select.eval.retrieval.encoders.folders import part_of
from clamr_select.eval.retrieval.encoders.pictures import mean_by_owner, to_model
from clamr_select.eval.retrieval.encoders.text import model_identity
from clamr_select.model.document import SAMPLE_RATE

MAX_STRETCHES = 5
"""Of a sound, spread evenly: the model hears ten seconds at once, and would take them at random itself."""


def sound_tower(model: Any, *, folder: Path, device: str) -> SoundTower:
    """
    Raises:
        CheckpointError: the model has no ``get_audio_features``, or its feature extractor cannot be loaded.
    """
    from transformers import AutoFeatureExtractor

    if not hasattr(model, "get_audio_features"):
        raise CheckpointError(f"{folder} is a {type(model).__name__}, which has no sound tower")
    extractor = part_of(lambda **options: AutoFeatureExtractor.from_pretrained(folder, **options), folder)
    return SoundTower(model, extractor, device=device)


class SoundTower:
    """Sounds at 16 kHz to vectors of length 1. What lies above 8 kHz is not in them."""

    def __init__(self, model: Any, extractor: Any, *, device: str) -> None:
        self._model, self._extractor, self._device = model, extractor, device
        self._stretch = int(extractor.nb_max_samples * SAMPLE_RATE / extractor.sampling_rate)
        self.identity = {**model_identity(model), "stretches": MAX_STRETCHES, "sounds": extractor.to_json_string()}

    @torch.inference_mode()
    def vectors(self, sounds: Sequence[np.ndarray]) -> torch.Tensor:
        """(num_sounds, dim) float32 on the CPU.

        Args:
            sounds: (num_samples,) float32, mono, 16 kHz each.
        """
        found, owners = [], []
        for number, sound in enumerate(sounds):
            for stretch in stretches(sound, length=self._stretch):
                heard = resampled(stretch, sampling_rate=self._extractor.sampling_rate)
                inputs = self._extractor(
                    heard[: self._extractor.nb_max_samples],
                    sampling_rate=self._extractor.sampling_rate,
                    return_tensors="pt",
                )
                given = to_model(inputs, self._model, self._device)
                if "is_longer" in given:  # the extractor marks one at random where none is
                    given["is_longer"] = torch.zeros_like(given["is_longer"])
                found.append(self._model.get_audio_features(**given).pooler_output.float().cpu())
                owners.append(number)
        vectors = functional.normalize(torch.cat(found), dim=1)
        return functional.normalize(mean_by_owner(vectors, torch.tensor(owners), len(sounds)), dim=1)


def stretches(sound: np.ndarray, *, length: int) -> list[np.ndarray]:
    """At most five of ``length`` samples, spread evenly; a shorter sound is one."""
    count = min(MAX_STRETCHES, max(1, len(sound) // length))
    starts = np.linspace(0, max(0, len(sound) - length), count).round().astype(int)
    return [sound[start : start + length] for start in starts]


def resampled(sound: np.ndarray, *, sampling_rate: int) -> np.ndarray:
    """The same sound at another rate: its spectrum, longer or cut."""
    count = round(len(sound) * sampling_rate / SAMPLE_RATE)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(count // 2 + 1, dtype=spectrum.dtype)
    kept[: len(spectrum)] = spectrum[: len(kept)]
    return (np.fft.irfft(kept, count) * (count / len(sound))).astype(np.float32)
