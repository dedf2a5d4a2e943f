"""Configuration of a CLaMR retriever, in Hugging Face form."""

from __future__ import annotations

from typing import Any, ClassVar

from transformers import CONFIG_MAPPING
from transformers.configuration_utils import PreTrainedConfig

from clamr_select.model.backbones import backbone_for

DEFAULT_BACKBONE = "qwen2_5_vl"
DEFAULT_MODALITIES = ("video", "ocr", "asr", "description")
"""Order of the released training (its prompt order); ids are 1..M in this order."""


class ClamrConfig(PreTrainedConfig):
    """A multimodal backbone and the projection that turns its last hidden states into token vectors.

    Args:
        vlm_config: configuration of the bare backbone, as an object or a dict; which there are says
            :mod:`clamr_select.model.backbones`.
        embedding_dim: size of a token vector; 128 in the paper.
        modalities: names in the order of their ids 1..M, saved with the weights. Id 0 is "no modality".
        assumptions: (code, message) of what had to be assumed when the weights were put together.
    """

    model_type = "clamr"
    # transformers < 5.21 reads ``sub_configs``; later versions derive the same from ``sub_configs_defaults``
    sub_configs: ClassVar[dict[str, Any]] = {"vlm_config": PreTrainedConfig}

    vlm_config: dict[str, Any] | PreTrainedConfig | None = None
    embedding_dim: int = 128
    modalities: list[str] | tuple[str, ...] = DEFAULT_MODALITIES
    initializer_range: float = 0.02
    assumptions: list[list[str]] | tuple[list[str], ...] = ()

    def __post_init__(self, **kwargs: Any) -> None:
        if self.vlm_config is None:
            self.vlm_config = CONFIG_MAPPING[DEFAULT_BACKBONE]()
        elif isinstance(self.vlm_config, dict):
            options = dict(self.vlm_config)
            backbone = backbone_for(options.pop("model_type", DEFAULT_BACKBONE))
            self.vlm_config = CONFIG_MAPPING[backbone.model_type](**options)
        super().__post_init__(**kwargs)

    def get_text_config(self, *args: Any, **kwargs: Any) -> PreTrainedConfig:
        return self.vlm_config.get_text_config(*args, **kwargs)  # type: ignore[union-attr]
