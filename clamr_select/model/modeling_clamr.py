"""CLaMR: a bare multimodal backbone, a linear projection, one unit vector a token (arXiv 2506.06144)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import ModelOutput

from clamr_select.model.backbones import backbone_for
from clamr_select.model.checkpoint.report import LoadReport
from clamr_select.model.configuration_clamr import ClamrConfig


@dataclass
class ClamrOutput(ModelOutput):
    """What the forward pass returns."""

    embeddings: torch.Tensor | None = None
    """(batch, sequence, embedding_dim), L2-normalised, padding included: the caller drops it."""


class ClamrPreTrainedModel(PreTrainedModel):
    config: ClamrConfig
    config_class = ClamrConfig
    base_model_prefix = "vlm"
    input_modalities = ("video", "text")  # type: ignore[assignment]  # upstream's own classes give tuples
    supports_gradient_checkpointing = True
    _no_split_modules: list[str] = []  # noqa: RUF012 (transformers reads a list)
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True


class ClamrForRetrieval(ClamrPreTrainedModel):
    """Encodes questions, and documents of frames with their text, into token vectors.

    Submodule names follow transformers' ``ColQwen2ForRetrieval``: ``vlm`` and ``embedding_proj_layer``.
    """

    load_report: LoadReport | None = None
    """What the weights were read from; None for a model that was not loaded."""

    def __init__(self, config: ClamrConfig) -> None:
        super().__init__(config)
        backbone = backbone_for(config.vlm_config.model_type)  # type: ignore[union-attr]  # an object by now
        backbone.check()
        self.vlm = AutoModel.from_config(config.vlm_config)
        backbone.prepare(self.vlm)
        self.embedding_proj_layer = nn.Linear(config.get_text_config().hidden_size, config.embedding_dim)
        self.post_init()

    @classmethod
    def from_pretrained(  # type: ignore[override]  # fewer names are spelled out
        cls, pretrained_model_name_or_path: str | Path | None, *model_args: Any, **options: Any
    ) -> Any:
        """Load ``clamr-nano``, our own saves, adapters on their base, and merged checkpoints.

        Args:
            **options: those of :func:`clamr_select.model.loading.load_model`.

        Raises:
            ModelNotFoundError, CheckpointError, UnsafeWeightsError, InputError, MissingDependencyError: as
                :func:`clamr_select.model.loading.load`.
        """
        from clamr_select.model.loading import load_model

        if pretrained_model_name_or_path is None:
            return super().from_pretrained(None, *model_args, **options)
        return load_model(cls, pretrained_model_name_or_path, **options)

    @property
    def device(self) -> torch.device:
        """Where inputs go: where the weights are, or, of weights put on disk, where accelerate computes with them."""
        device = super().device
        placement = getattr(self, "hf_device_map", None)
        if device.type != "meta" or placement is None:
            return device
        computing = [each for each in placement.values() if each not in ("cpu", "disk")]
        return torch.device(computing[0] if computing else "cpu")

    def get_input_embeddings(self) -> nn.Module:
        return self.vlm.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.vlm.set_input_embeddings(value)

    def forward(
        self,
        input_ids: torch.LongTensor,
        position_ids: torch.LongTensor,
        attention_mask: torch.Tensor | None = None,
        pixel_values_videos: torch.Tensor | None = None,
        video_grid_thw: torch.LongTensor | None = None,
        **kwargs: Any,
    ) -> ClamrOutput:
        """
        Args:
            input_ids: (batch, sequence), padded on the right.
            position_ids: (3, batch, sequence) from :mod:`clamr_select.model.positions`. Always ours: the
                backbone's own changed in transformers 5.3 and would move every text token after a video.
            attention_mask: (batch, sequence). None is exact for right padding, since attention is causal and
                no real token sees what follows it, and lets the fast causal kernels run.
            pixel_values_videos: (patches, channels * temporal_patch * patch * patch).
            video_grid_thw: (videos, 3), patches in time, height and width.
            **kwargs: for the backbone; where it hears, ``input_features`` (sounds, bins, mel frames) and
                ``feature_attention_mask`` (sounds, mel frames).

        Returns:
            ``embeddings``: (batch, sequence, embedding_dim) of length 1 each, in the model's dtype, on its device.
        """
        hidden = self.vlm(
            input_ids=input_ids,
            position_ids=position_ids,
            attention_mask=attention_mask,
            pixel_values_videos=pixel_values_videos,
            video_grid_thw=video_grid_thw,
            use_cache=False,
            **kwargs,
        ).last_hidden_state
        projected = self.embedding_proj_layer(hidden)
        return ClamrOutput(embeddings=nn.functional.normalize(projected, dim=-1))
