"""Picture towers: frames one by one and averaged (CLIP, SigLIP …), or as a clip (X-CLIP)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from clamr_select.errors import CheckpointError
from clamr_select.eval.retrieval.encoders.folders import part_of
from clamr_select.eval.retrieval.encoders.text import model_identity

FRAMES_AT_ONCE = 64


class PictureTower(Protocol):
    """The frames of videos to vectors of length 1."""

    identity: dict[str, Any]

    def vectors(self, videos: Sequence[Sequence[np.ndarray]]) -> torch.Tensor:
        """(num_videos, dim) float32 on the CPU; every video has a frame."""
        ...


def picture_tower(model: Any, *, folder: Path, device: str) -> PictureTower:
    """The tower of a model with ``get_video_features`` or ``get_image_features``.

    Raises:
        CheckpointError: it has neither, or its image processor cannot be loaded.
    """
    from transformers import AutoImageProcessor

    for method, kind in (("get_video_features", ClipTower), ("get_image_features", FrameTower)):
        if hasattr(model, method):
            processor = part_of(lambda **options: AutoImageProcessor.from_pretrained(folder, **options), folder)
            settings = json.dumps(processor.to_dict(), sort_keys=True, default=str)
            digest = hashlib.sha256(settings.encode()).hexdigest()
            return kind(model, processor, device=device, identity={**model_identity(model), "pictures": digest})
    raise CheckpointError(f"{folder} is a {type(model).__name__}, which has no picture tower")


class FrameTower:
    """Each frame by itself; a video is the mean of its frames' vectors, each of length 1."""

    def __init__(self, model: Any, processor: Any, *, device: str, identity: dict[str, Any]) -> None:
        self._model, self._processor, self._device = model, processor, device
        self.identity = identity

    @torch.inference_mode()
    def vectors(self, videos: Sequence[Sequence[np.ndarray]]) -> torch.Tensor:
        frames = [frame for video in videos for frame in video]
        found = []
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            inputs = self._processor(images=frames[start : start + FRAMES_AT_ONCE], return_tensors="pt")
            features = self._model.get_image_features(**to_model(inputs, self._model, self._device)).pooler_output
            found.append(functional.normalize(features.float(), dim=1).cpu())
        owners = torch.arange(len(videos)).repeat_interleave(torch.tensor([len(video) for video in videos]))
        return functional.normalize(mean_by_owner(torch.cat(found), owners, len(videos)), dim=1)


class ClipTower:
    """As many frames at once as the model was made for: spread evenly, or repeated where there are fewer."""

    def __init__(self, model: Any, processor: Any, *, device: str, identity: dict[str, Any]) -> None:
        self._model, self._processor, self._device = model, processor, device
        self._num_frames = int(model.config.vision_config.num_frames)
        self.identity = identity

    @torch.inference_mode()
    def vectors(self, videos: Sequence[Sequence[np.ndarray]]) -> torch.Tensor:
        found = []
        for video in videos:
            places = np.linspace(0, len(video) - 1, self._num_frames).round().astype(int)
            inputs = self._processor(images=[video[place] for place in places], return_tensors="pt")
            pixels = to_model(inputs, self._model, self._device)["pixel_values"]
            clip = pixels.reshape(1, self._num_frames, *pixels.shape[-3:])
            found.append(self._model.get_video_features(pixel_values=clip).pooler_output.float().cpu())
        return functional.normalize(torch.cat(found), dim=1)


def to_model(inputs: Any, model: Any, device: str) -> dict[str, torch.Tensor]:
    """Tensors on the device, numbers in the model's dtype."""
    return {
        name: tensor.to(device, model.dtype if tensor.is_floating_point() else tensor.dtype)
        for name, tensor in inputs.items()
    }


def mean_by_owner(vectors: torch.Tensor, owners: torch.Tensor, num_owners: int) -> torch.Tensor:
    """(num_owners, dim) means of the rows of each; each has one."""
    sums = vectors.new_zeros((num_owners, vectors.shape[1])).index_add(0, owners, vectors)
    return sums / torch.bincount(owners, minlength=num_owners).unsqueeze(1)
